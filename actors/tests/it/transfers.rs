//! The music moves (R7): prepared and switched.

use crate::scenario::run;
use expect_test::expect;

#[test]
fn t07_t14_a_transfer_is_prepared_and_switched_by_the_yield() {
    let transcript = run("
        a plays t1 beside b
        +120000
        a: transfer b
        +100
        b is ready
        a yields for the switch
        +400
        b reports playing 120500
        a reports playing 120500
        +1000
    ");
    expect![[r#"
        a plays t1 beside b
          r5 play/playing i0@0 a:r4 after[] next - turn r4
        +120000
          played t1
        a: transfer b
          commit now
          ack a r6
          r6 play/playing i0@120000 a:r4 after[] next - turn r4 transfer to b
        +100
        b is ready
          commit soon
          r7 play/playing i0@120100 a:r4 after[] next - turn r4 transfer to b:r7 at 120500
        a yields for the switch
          commit now
          r8 play/playing i0@120100 b:r7 from 120500 after[] next - turn r4
        +400
        b reports playing 120500
        a reports playing 120500
          show playback to a
        +1000
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn t73_a_transfer_of_what_is_paused_stays_paused() {
    let transcript = run("
        a plays t1 beside b
        +5000
        a: pause
        b: transfer b
        a yields
        a: transfer a play
    ");
    expect![[r#"
        a plays t1 beside b
          r5 play/playing i0@0 a:r4 after[] next - turn r4
        +5000
        a: pause
          commit now
          ack a r6
          r6 pause/paused i0@5000 a:r4 after[] next - turn r6
        b: transfer b
          commit now
          ack b r7
          r7 pause/paused i0@5000 b:r7 after[a:r4] next - turn r7
        a yields
          commit soon
          r8 pause/paused i0@5000 b:r7 after[] next - turn r7
        a: transfer a play
          commit now
          ack a r9
          r9 play/starting i0@5000 a:r9 after[b:r7] next - turn r9
    "#]]
    .assert_eq(&transcript);
}

/// As `play` starts it over (T41); moved as it is, it stays at its end.
#[test]
fn a_queue_that_came_to_its_end_starts_over_where_it_is_to_play() {
    for (line, to) in [("b: transfer b play", "b"), ("b: transfer a play", "a")] {
        let transcript = run(&format!(
            "
            a plays t1 t2 beside b
            b: play i1
            a reports playing 0
            +200000
            a ended
            {line}
        "
        ));
        let last = transcript.lines().last().expect("it was shown");
        let waits = if to == "a" { "" } else { "a:r4" };
        let lease = if to == "a" { 4 } else { 9 };
        assert_eq!(
            last,
            format!("  r9 play/starting i0@0 {to}:r{lease} after[{waits}] next i1 turn r9"),
            "{transcript}"
        );
    }
    let transcript = run("
        a plays t1 beside b
        +200000
        a ended
        b: transfer b
    ");
    expect![[r#"
        a plays t1 beside b
          r5 play/playing i0@0 a:r4 after[] next - turn r4
        +200000
          played t1
        a ended
          commit now
          r6 pause/ended i0@200000 a:r4 after[] next - turn r6
        b: transfer b
          commit now
          ack b r7
          r7 pause/ended i0@200000 b:r7 after[a:r4] next - turn r7
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn what_happens_meanwhile_is_prepared_anew_under_the_same_deadline() {
    let transcript = run("
        a plays t1 t2 beside b
        b: transfer b
        +2000
        b is ready
        a is behind
        b: seek 50000
        a yields for the switch
        a catches up
        a reports playing 50000
        b is ready
        a yields for the switch
        +400
    ");
    expect![[r#"
        a plays t1 t2 beside b
          r5 play/playing i0@0 a:r4 after[] next i1 turn r4
        b: transfer b
          commit now
          ack b r6
          r6 play/playing i0@0 a:r4 after[] next i1 turn r4 transfer to b
        +2000
        b is ready
          commit soon
          r7 play/playing i0@2000 a:r4 after[] next i1 turn r4 transfer to b:r7 at 2400
        a is behind
        b: seek 50000
          commit now
          ack b r8
          r8 play/starting i0@50000 a:r4 after[] next i1 turn r8 transfer to b
        a yields for the switch
        a catches up
        a reports playing 50000
          commit soon
          r9 play/playing i0@50000 a:r4 after[] next i1 turn r8 transfer to b
        b is ready
          commit soon
          r10 play/playing i0@50000 a:r4 after[] next i1 turn r8 transfer to b:r10 at 2400
        a yields for the switch
          commit now
          r11 play/playing i0@50000 b:r10 from 2400 after[] next i1 turn r8
        +400
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn a_pause_or_a_stop_meanwhile_ends_the_preparation() {
    let transcript = run("
        a plays t1 beside b
        b: transfer b
        b: pause
        a yields
        b: play
        b reports playing 0
        a: transfer a
        a: stop
    ");
    expect![[r#"
        a plays t1 beside b
          r5 play/playing i0@0 a:r4 after[] next - turn r4
        b: transfer b
          commit now
          ack b r6
          r6 play/playing i0@0 a:r4 after[] next - turn r4 transfer to b
        b: pause
          commit now
          ack b r7
          commit now
          r7 pause/paused i0@0 b:r7 after[a:r4] next - turn r7
        a yields
          commit soon
          r8 pause/paused i0@0 b:r7 after[] next - turn r7
        b: play
          commit now
          ack b r9
          r9 play/starting i0@0 b:r7 after[] next - turn r9
        b reports playing 0
          commit soon
          r10 play/playing i0@0 b:r7 after[] next - turn r9
        a: transfer a
          commit now
          ack a r11
          r11 play/playing i0@0 b:r7 after[] next - turn r9 transfer to a
        a: stop
          commit now
          ack a r12
          r12 stop/idle i0@0 nobody after[b:r7] next - turn r12
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn a_newer_transfer_replaces_the_older_and_one_to_the_holder_cancels_it() {
    let transcript = run("
        a plays t1 beside b c
        a: transfer b
        +1000
        a: transfer b
        a: transfer c
        b is ready
        c is ready
        a: transfer a
        a: transfer b pause
    ");
    expect![[r#"
        a plays t1 beside b c
          r6 play/playing i0@0 a:r5 after[] next - turn r5
        a: transfer b
          commit now
          ack a r7
          r7 play/playing i0@0 a:r5 after[] next - turn r5 transfer to b
        +1000
        a: transfer b
          commit now
          ack a r8
        a: transfer c
          commit now
          ack a r9
          r9 play/playing i0@1000 a:r5 after[] next - turn r5 transfer to c
        b is ready
          show playback to b
        c is ready
          commit soon
          r10 play/playing i0@1000 a:r5 after[] next - turn r5 transfer to c:r10 at 1400
        a: transfer a
          commit now
          ack a r11
          r11 play/playing i0@1000 a:r5 after[] next - turn r5
        a: transfer b pause
          commit now
          ack a r12
          r12 pause/paused i0@1000 b:r12 after[a:r5] next - turn r12
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn a_late_yield_switches_where_the_source_fell_silent() {
    let transcript = run("
        a offers t1 to b
        +900
        a reports buffering 400
        a yields for the switch
        b reports playing 400
    ");
    expect![[r#"
        a offers t1 to b
          r7 play/playing i0@0 a:r4 after[] next - turn r4 transfer to b:r7 at 400
        +900
        a reports buffering 400
          commit soon
          r8 play/buffering i0@400 a:r4 after[] next - turn r4 transfer to b:r7 at 400
        a yields for the switch
          commit now
          r9 play/starting i0@400 b:r7 from 400 after[] next - turn r4
        b reports playing 400
          commit soon
          r10 play/playing i0@400 b:r7 from 400 after[] next - turn r4
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn a_yield_that_comes_after_the_instant_does_not_let_the_place_run() {
    let transcript = run("
        a offers t1 to b
        +900
        a yields for the switch
        +1000
    ");
    expect![[r#"
        a offers t1 to b
          r7 play/playing i0@0 a:r4 after[] next - turn r4 transfer to b:r7 at 400
        +900
        a yields for the switch
          commit now
          r8 play/starting i0@400 b:r7 from 400 after[] next - turn r4
        +1000
    "#]]
    .assert_eq(&transcript);
}
