//! One audible device: the lease, `after`, and reports that come too late (R1, R3).

use crate::scenario::run;
use expect_test::expect;

#[test]
fn play_pause_seek_and_reports() {
    let transcript = run("
        kitchen joins
        phone joins as remote
        phone: play t1 t2
        phone: play t1 t2 on kitchen
        kitchen reports playing 0
        +10000
        kitchen reports playing 10020
        kitchen reports playing 10100
        phone: pause
        +60000
        phone: play
        kitchen reports playing 10100
        phone: seek 150000
        phone: seek 999999
    ");
    expect![[r#"
        kitchen joins
          welcome kitchen
          devices [kitchen]
        phone joins as remote
          welcome phone
          devices [kitchen, phone]
        phone: play t1 t2
          reject phone NoActiveDevice: no device is active; name one that plays
        phone: play t1 t2 on kitchen
          commit now
          ack phone r4
          r4 play/starting i0@0 kitchen:r4 after[] next i1 turn r4
        kitchen reports playing 0
          commit soon
          r5 play/playing i0@0 kitchen:r4 after[] next i1 turn r4
        +10000
        kitchen reports playing 10020
        kitchen reports playing 10100
          commit soon
          r6 play/playing i0@10100 kitchen:r4 after[] next i1 turn r4
        phone: pause
          commit now
          ack phone r7
          r7 pause/paused i0@10100 kitchen:r4 after[] next i1 turn r7
        +60000
        phone: play
          commit now
          ack phone r8
          r8 play/starting i0@10100 kitchen:r4 after[] next i1 turn r8
        kitchen reports playing 10100
          commit soon
          r9 play/playing i0@10100 kitchen:r4 after[] next i1 turn r8
        phone: seek 150000
          commit now
          ack phone r10
          r10 play/starting i0@150000 kitchen:r4 after[] next i1 turn r10
        phone: seek 999999
          commit now
          ack phone r11
          r11 play/starting i0@200000 kitchen:r4 after[] next i1 turn r11
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn t90_a_grant_waits_for_every_holder_that_may_still_sound() {
    let transcript = run("
        a plays t1 beside b c
        c: play on b
        c: play on c
        b yields
        c reports playing 0
        a yields
        c reports playing 0
    ");
    expect![[r#"
        a plays t1 beside b c
          r6 play/playing i0@0 a:r5 after[] next - turn r5
        c: play on b
          commit now
          ack c r7
          r7 play/starting i0@0 b:r7 after[a:r5] next - turn r7
        c: play on c
          commit now
          ack c r8
          r8 play/starting i0@0 c:r8 after[a:r5 b:r7] next - turn r8
        b yields
          commit soon
          r9 play/starting i0@0 c:r8 after[a:r5] next - turn r8
        c reports playing 0
          show playback to c
        a yields
          commit soon
          r10 play/starting i0@0 c:r8 after[] next - turn r8
        c reports playing 0
          commit soon
          r11 play/playing i0@0 c:r8 after[] next - turn r8
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn t91_a_grant_waits_for_a_stopped_holder() {
    let transcript = run("
        a plays t1 beside b
        b: stop
        b: play
        a yields
    ");
    expect![[r#"
        a plays t1 beside b
          r5 play/playing i0@0 a:r4 after[] next - turn r4
        b: stop
          commit now
          ack b r6
          r6 stop/idle i0@0 nobody after[a:r4] next - turn r6
        b: play
          commit now
          ack b r7
          r7 play/starting i0@0 b:r7 after[a:r4] next - turn r7
        a yields
          commit soon
          r8 play/starting i0@0 b:r7 after[] next - turn r7
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn a_holder_that_is_not_silent_in_time_loses_its_socket() {
    let transcript = run("
        a plays t1 beside b
        +5000
        b: play on b
        +999
        +1
        a leaves
        b reports playing 5000
    ");
    expect![[r#"
        a plays t1 beside b
          r5 play/playing i0@0 a:r4 after[] next - turn r4
        +5000
        b: play on b
          commit now
          ack b r6
          r6 play/starting i0@5000 b:r6 after[a:r4] next - turn r6
        +999
        +1
          close a not_silent
        a leaves
          r7 play/starting i0@5000 b:r6 after[] next - turn r6
          devices [b]
        b reports playing 5000
          commit soon
          r8 play/playing i0@5000 b:r6 after[] next - turn r6
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn t04_transfers_to_nothing_change_nothing() {
    let transcript = run("
        a joins
        remote joins as remote
        away joins
        away is lost
        a: play t1
        a: transfer nobody
        a: transfer remote
        a: transfer away
        a: play on away
    ");
    expect![[r#"
        a joins
          welcome a
          devices [a]
        remote joins as remote
          welcome remote
          devices [a, remote]
        away joins
          welcome away
          devices [a, remote, away]
        away is lost
          devices [a, remote, away away]
        a: play t1
          commit now
          ack a r6
          r6 play/starting i0@0 a:r6 after[] next - turn r6
        a: transfer nobody
          reject a Invalid: no such device; see the list of devices
        a: transfer remote
          reject a Denied: that device cannot play
        a: transfer away
          reject a Offline: that device is out of contact
        a: play on away
          reject a Offline: that device is out of contact
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn t74_a_reloaded_page_does_not_inherit_the_lease() {
    let transcript = run("
        page plays t1
        +30000
        page is lost
        page joins anew
    ");
    expect![[r#"
        page plays t1
          r4 play/playing i0@0 page:r3 after[] next - turn r3
        +30000
        page is lost
          played t1
          commit soon
          r5 play/lost i0@30000 page:r3 after[] next - turn r3
          devices [page away]
        page joins anew
          welcome page
          r6 pause/paused i0@30000 nobody after[] next - turn r6
          devices [page]
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn a_report_or_end_of_an_earlier_turn_does_not_undo_what_came_since() {
    let transcript = run("
        a plays t1 t2 beside b
        +190000
        a is behind
        b: seek 90000
        a reports playing 190020
        a ended
        a catches up
        a reports playing 90000
        b: play on b
        a reports playing 90010
        a ended
    ");
    expect![[r#"
        a plays t1 t2 beside b
          r5 play/playing i0@0 a:r4 after[] next i1 turn r4
        +190000
          played t1
        a is behind
        b: seek 90000
          commit now
          ack b r6
          r6 play/starting i0@90000 a:r4 after[] next i1 turn r6
        a reports playing 190020
          show playback to a
        a ended
          show playback to a
        a catches up
        a reports playing 90000
          commit soon
          r7 play/playing i0@90000 a:r4 after[] next i1 turn r6
        b: play on b
          commit now
          ack b r8
          r8 play/starting i0@90000 b:r8 after[a:r4] next i1 turn r8
        a reports playing 90010
          show playback to a
        a ended
          show playback to a
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn t92_a_yield_that_did_not_see_the_lease_go_clears_nothing() {
    let transcript = run("
        a plays t1 beside b
        a is behind
        b: play on b
        a gives up
        a catches up
        a yields
    ");
    expect![[r#"
        a plays t1 beside b
          r5 play/playing i0@0 a:r4 after[] next - turn r4
        a is behind
        b: play on b
          commit now
          ack b r6
          r6 play/starting i0@0 b:r6 after[a:r4] next - turn r6
        a gives up
        a catches up
        a yields
          commit soon
          r7 play/starting i0@0 b:r6 after[] next - turn r6
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn a_forgotten_holder_is_waited_for() {
    let transcript = run("
        a plays t1 beside b
        b: forget a
        b: play
        a leaves
    ");
    expect![[r#"
        a plays t1 beside b
          r5 play/playing i0@0 a:r4 after[] next - turn r4
        b: forget a
          commit now
          ack b r6
          close a forgotten
          r6 pause/paused i0@0 nobody after[a:r4] next - turn r6
          devices [a, b]
        b: play
          commit now
          ack b r7
          r7 play/starting i0@0 b:r7 after[a:r4] next - turn r7
        a leaves
          r8 play/starting i0@0 b:r7 after[] next - turn r7
          devices [b]
    "#]]
    .assert_eq(&transcript);
}
