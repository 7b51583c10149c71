//! A transfer (R7) is disturbed: it is completed or rolled back, and two devices never sound together.

use crate::scenario::run;
use expect_test::expect;

#[test]
fn t08_a_target_that_is_not_ready_or_a_source_that_says_nothing_changes_nothing() {
    let transcript = run("
        a plays t1 beside b
        a: transfer b
        +4999
        +1
        b is ready
        a: transfer b
        b is ready
        +5000
    ");
    expect![[r#"
        a plays t1 beside b
          r5 play/playing i0@0 a:r4 after[] next - turn r4
        a: transfer b
          commit now
          ack a r6
          r6 play/playing i0@0 a:r4 after[] next - turn r4 transfer to b
        +4999
        +1
          commit soon
          r7 play/playing i0@5000 a:r4 after[] next - turn r4
        b is ready
          show playback to b
        a: transfer b
          commit now
          ack a r8
          r8 play/playing i0@5000 a:r4 after[] next - turn r4 transfer to b
        b is ready
          commit soon
          r9 play/playing i0@5000 a:r4 after[] next - turn r4 transfer to b:r9 at 5400
        +5000
          commit soon
          r10 play/playing i0@10000 a:r4 after[] next - turn r4
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn t08_a_target_that_goes_before_the_yield_is_forgotten_and_one_that_goes_after_it_is_lost() {
    let transcript = run("
        a offers t1 to b
        b is lost
        a yields for the switch
        b returns
        a: transfer b
        b is ready
        a yields for the switch
        +100
        b is lost
    ");
    expect![[r#"
        a offers t1 to b
          r7 play/playing i0@0 a:r4 after[] next - turn r4 transfer to b:r7 at 400
        b is lost
          commit soon
          r8 play/playing i0@0 a:r4 after[] next - turn r4
          devices [a, b away]
        a yields for the switch
        b returns
          welcome b
          devices [a, b]
        a: transfer b
          commit now
          ack a r10
          r10 play/playing i0@0 a:r4 after[] next - turn r4 transfer to b
        b is ready
          commit soon
          r11 play/playing i0@0 a:r4 after[] next - turn r4 transfer to b:r11 at 400
        a yields for the switch
          commit now
          r12 play/playing i0@0 b:r11 from 400 after[] next - turn r4
        +100
        b is lost
          commit soon
          r13 play/lost i0@100 b:r11 from 400 after[] next - turn r4
          devices [a, b away]
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn t08_a_source_that_goes_leaves_the_music_to_the_target() {
    let transcript = run("
        a plays t1 beside b
        +3000
        b: transfer b
        a is lost since 1000
        b reports playing 2000
        +20000
        a joins
        b: transfer a
        b leaves
    ");
    expect![[r#"
        a plays t1 beside b
          r5 play/playing i0@0 a:r4 after[] next - turn r4
        +3000
        b: transfer b
          commit now
          ack b r6
          r6 play/playing i0@3000 a:r4 after[] next - turn r4 transfer to b
        a is lost since 1000
          commit soon
          commit now
          r7 play/starting i0@2000 b:r7 after[] next - turn r7
          devices [a away, b]
        b reports playing 2000
          commit soon
          r8 play/playing i0@2000 b:r7 after[] next - turn r7
        +20000
          devices [b]
        a joins
          welcome a
          devices [b, a]
        b: transfer a
          commit now
          ack b r11
          r11 play/playing i0@22000 b:r7 after[] next - turn r7 transfer to a
        b leaves
          commit now
          commit soon
          r12 play/starting i0@22000 a:r12 after[] next - turn r12
          devices [a]
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn t08_a_restart_between_leaves_the_music_where_it_is() {
    let transcript = run("
        a plays t1 beside b
        +3000
        b: transfer b
        b is ready
        a yields for the switch
        restart
        a returns
        b returns
        b reports playing 3000
    ");
    expect![[r#"
        a plays t1 beside b
          r5 play/playing i0@0 a:r4 after[] next - turn r4
        +3000
        b: transfer b
          commit now
          ack b r6
          r6 play/playing i0@3000 a:r4 after[] next - turn r4 transfer to b
        b is ready
          commit soon
          r7 play/playing i0@3000 a:r4 after[] next - turn r4 transfer to b:r7 at 3400
        a yields for the switch
          commit now
          r8 play/playing i0@3000 b:r7 from 3400 after[] next - turn r4
        restart
          r9 play/lost i0@3000 b:r7 from 3400 after[] next - turn r4
        a returns
          welcome a
          devices [a, b away]
        b returns
          welcome b
          devices [a, b]
        b reports playing 3000
          commit soon
          r12 play/playing i0@3000 b:r7 from 3400 after[] next - turn r4
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn t92_a_promise_for_a_transfer_that_was_cancelled_clears_nothing() {
    let transcript = run("
        a offers t1 to b
        a is behind
        a: transfer a
        b: play on b
        a yields for the switch
        a catches up
        a yields as promised
        a yields
    ");
    expect![[r#"
        a offers t1 to b
          r7 play/playing i0@0 a:r4 after[] next - turn r4 transfer to b:r7 at 400
        a is behind
        a: transfer a
          commit now
          ack a r8
          r8 play/playing i0@0 a:r4 after[] next - turn r4
        b: play on b
          commit now
          ack b r9
          r9 play/starting i0@0 b:r9 after[a:r4] next - turn r9
        a yields for the switch
        a catches up
        a yields as promised
        a yields
          commit soon
          r10 play/starting i0@0 b:r9 after[] next - turn r9
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn t93_what_comes_between_the_yield_and_the_switch_begins_no_sooner() {
    let transcript = run("
        a offers t1 to b beside c
        a yields for the switch
        +100
        c: play on c
        b yields
        c: stop
        c: play on a
        c yields
    ");
    expect![[r#"
        a offers t1 to b beside c
          r8 play/playing i0@0 a:r5 after[] next - turn r5 transfer to b:r8 at 400
        a yields for the switch
          commit now
          r9 play/playing i0@0 b:r8 from 400 after[] next - turn r5
        +100
        c: play on c
          commit now
          ack c r10
          r10 play/starting i0@100 c:r10 from 400 after[b:r8] next - turn r10
        b yields
          commit soon
          r11 play/starting i0@100 c:r10 from 400 after[] next - turn r10
        c: stop
          commit now
          ack c r12
          r12 stop/idle i0@0 nobody after[c:r10] next - turn r12
        c: play on a
          commit now
          ack c r13
          r13 play/starting i0@0 a:r13 from 400 after[c:r10] next - turn r13
        c yields
          commit soon
          r14 play/starting i0@0 a:r13 from 400 after[] next - turn r13
    "#]]
    .assert_eq(&transcript);
}

/// The accepted yield is the switch: who takes the music from the target before its instant does so as from a holder.
#[test]
fn t93_a_newer_transfer_before_the_instant_waits_for_the_target_and_for_the_instant() {
    let transcript = run("
        a offers t1 to b beside c
        a yields for the switch
        +100
        c: transfer c
        c is ready
        c reports playing 100
        +300
        b reports playing 400
        b yields for the switch
        +100
        c reports playing 500
        b yields
    ");
    expect![[r#"
        a offers t1 to b beside c
          r8 play/playing i0@0 a:r5 after[] next - turn r5 transfer to b:r8 at 400
        a yields for the switch
          commit now
          r9 play/playing i0@0 b:r8 from 400 after[] next - turn r5
        +100
        c: transfer c
          commit now
          ack c r10
          r10 play/playing i0@100 b:r8 from 400 after[] next - turn r5 transfer to c
        c is ready
          commit soon
          r11 play/playing i0@100 b:r8 from 400 after[] next - turn r5 transfer to c:r11 at 500
        c reports playing 100
          show playback to c
        +300
        b reports playing 400
        b yields for the switch
          commit now
          r12 play/playing i0@400 c:r11 from 500 after[] next - turn r5
        +100
        c reports playing 500
        b yields
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn t92_a_promise_for_an_earlier_instant_is_not_one_for_a_later() {
    let transcript = run("
        a offers t1 to b
        a is behind
        b: seek 50000
        b is ready
        a yields for the switch
        a catches up
        a yields for the switch
    ");
    expect![[r#"
        a offers t1 to b
          r7 play/playing i0@0 a:r4 after[] next - turn r4 transfer to b:r7 at 400
        a is behind
        b: seek 50000
          commit now
          ack b r8
          r8 play/starting i0@50000 a:r4 after[] next - turn r8 transfer to b
        b is ready
          commit soon
          r9 play/starting i0@50000 a:r4 after[] next - turn r8 transfer to b:r9 at 400
        a yields for the switch
        a catches up
        a yields for the switch
          commit now
          r10 play/starting i0@50000 b:r9 from 400 after[] next - turn r8
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn a_target_that_loaded_the_place_before_a_seek_is_not_ready() {
    let transcript = run("
        a plays t1 t2 beside b
        a: transfer b
        b is behind
        a: seek 50000
        a reports playing 50000
        b is ready
        b catches up
        b is ready
    ");
    expect![[r#"
        a plays t1 t2 beside b
          r5 play/playing i0@0 a:r4 after[] next i1 turn r4
        a: transfer b
          commit now
          ack a r6
          r6 play/playing i0@0 a:r4 after[] next i1 turn r4 transfer to b
        b is behind
        a: seek 50000
          commit now
          ack a r7
          r7 play/starting i0@50000 a:r4 after[] next i1 turn r7 transfer to b
        a reports playing 50000
          commit soon
          r8 play/playing i0@50000 a:r4 after[] next i1 turn r7 transfer to b
        b is ready
          show playback to b
        b catches up
        b is ready
          commit soon
          r9 play/playing i0@50000 a:r4 after[] next i1 turn r7 transfer to b:r9 at 400
    "#]]
    .assert_eq(&transcript);
}
