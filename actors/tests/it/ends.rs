//! Ends of items, plays that count, and items that fail (R14).

use crate::scenario::run;
use expect_test::expect;

#[test]
fn t40_an_item_ends_once_and_t41_the_end_of_the_queue_stays() {
    let transcript = run("
        a plays t1 t2 beside b
        +200000
        a ended
        a reports playing 0
        +200000
        a ended
        a ended
        +5000
        b: play
    ");
    expect![[r#"
        a plays t1 t2 beside b
          r5 play/playing i0@0 a:r4 after[] next i1 turn r4
        +200000
          played t1
        a ended
          commit now
          r6 play/starting i1@0 a:r4 after[] next - turn r6
        a reports playing 0
          commit soon
          r7 play/playing i1@0 a:r4 after[] next - turn r6
        +200000
          played t2
        a ended
          commit now
          r8 pause/ended i1@200000 a:r4 after[] next - turn r8
        a ended
          show playback to a
        +5000
        b: play
          commit now
          ack b r9
          r9 play/starting i0@0 a:r4 after[] next i1 turn r9
    "#]]
    .assert_eq(&transcript);
}

/// The first of both advances; the other names an item that is over.
#[test]
fn t40_an_end_that_races_with_next_advances_once() {
    let transcript = run("
        a plays t1 t2 t3 beside b
        +200000
        b is behind
        a ended
        b: next
        b catches up
        a is behind
        b: next
        a ended
        a catches up
    ");
    expect![[r#"
        a plays t1 t2 t3 beside b
          r5 play/playing i0@0 a:r4 after[] next i1 turn r4
        +200000
          played t1
        b is behind
        a ended
          commit now
          r6 play/starting i1@0 a:r4 after[] next i2 turn r6
        b: next
          reject b Stale: another item is current by now
        b catches up
        a is behind
        b: next
          commit now
          ack b r7
          r7 play/starting i2@0 a:r4 after[] next - turn r7
        a ended
          show playback to a
        a catches up
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn next_and_previous_move_once_for_what_was_seen() {
    let transcript = run("
        a joins
        a: play t1 t2 t3 from 1
        a: next
        a: again
        a: previous
        a: previous
        a: previous
        a: repeat all
        a: previous
        a: next
        a: repeat off
        a: play i2
        a: next
    ");
    expect![[r#"
        a joins
          welcome a
          devices [a]
        a: play t1 t2 t3 from 1
          commit now
          ack a r3
          r3 play/starting i1@0 a:r3 after[] next i2 turn r3
        a: next
          commit now
          ack a r4
          r4 play/starting i2@0 a:r3 after[] next - turn r4
        a: again
          ack a r4
        a: previous
          commit now
          ack a r5
          r5 play/starting i1@0 a:r3 after[] next i2 turn r5
        a: previous
          commit now
          ack a r6
          r6 play/starting i0@0 a:r3 after[] next i1 turn r6
        a: previous
          commit now
          ack a r7
          r7 play/starting i0@0 a:r3 after[] next i1 turn r7
        a: repeat all
          commit now
          ack a r8
          r8 play/starting i0@0 a:r3 after[] next i1 turn r7
        a: previous
          commit now
          ack a r9
          r9 play/starting i2@0 a:r3 after[] next i0 turn r9
        a: next
          commit now
          ack a r10
          r10 play/starting i0@0 a:r3 after[] next i1 turn r10
        a: repeat off
          commit now
          ack a r11
          r11 play/starting i0@0 a:r3 after[] next i1 turn r10
        a: play i2
          commit now
          ack a r12
          r12 play/starting i2@0 a:r3 after[] next - turn r12
        a: next
          commit now
          ack a r13
          r13 pause/ended i2@200000 a:r3 after[] next - turn r13
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn a_play_counts_once_whatever_happens_to_the_item() {
    let transcript = run("
        a joins
        b joins
        a: play t1 t2
        a: repeat one
        a reports playing 0
        +20000
        b: seek 100000
        a reports playing 100000
        +5000
        a is lost
        +3000
        a returns
        a reports playing 108000
        +4000
        b: play on b
        a yields
        b reports playing 112000
        +1000
        +200000
        b ended
        b reports playing 0
        +60000
        restart
        b returns
        b reports playing 60000
        +60000
    ");
    expect![[r#"
        a joins
          welcome a
          devices [a]
        b joins
          welcome b
          devices [a, b]
        a: play t1 t2
          commit now
          ack a r4
          r4 play/starting i0@0 a:r4 after[] next i1 turn r4
        a: repeat one
          commit now
          ack a r5
          r5 play/starting i0@0 a:r4 after[] next i0 turn r4
        a reports playing 0
          commit soon
          r6 play/playing i0@0 a:r4 after[] next i0 turn r4
        +20000
        b: seek 100000
          commit now
          ack b r7
          r7 play/starting i0@100000 a:r4 after[] next i0 turn r7
        a reports playing 100000
          commit soon
          r8 play/playing i0@100000 a:r4 after[] next i0 turn r7
        +5000
        a is lost
          commit soon
          r9 play/lost i0@105000 a:r4 after[] next i0 turn r7
          devices [a away, b]
        +3000
        a returns
          welcome a
          devices [a, b]
        a reports playing 108000
          commit soon
          r11 play/playing i0@108000 a:r4 after[] next i0 turn r7
        +4000
        b: play on b
          commit now
          ack b r12
          r12 play/starting i0@112000 b:r12 after[a:r4] next i0 turn r12
        a yields
          commit soon
          r13 play/starting i0@112000 b:r12 after[] next i0 turn r12
        b reports playing 112000
          commit soon
          r14 play/playing i0@112000 b:r12 after[] next i0 turn r12
        +1000
        +200000
          played t1
        b ended
          commit now
          r15 play/starting i0@0 b:r12 after[] next i0 turn r15
        b reports playing 0
          commit soon
          r16 play/playing i0@0 b:r12 after[] next i0 turn r15
        +60000
        restart
          r17 play/lost i0@60000 b:r12 after[] next i0 turn r15
        b returns
          welcome b
          devices [a away, b]
        b reports playing 60000
          commit soon
          r19 play/playing i0@60000 b:r12 after[] next i0 turn r15
        +60000
          devices [b]
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn t42_items_that_fail_are_skipped_but_not_for_ever() {
    let transcript = run("
        a joins
        a: play t1 t2 t3
        a: repeat all
        a reports failed 0
        a reports failed 0
        a reports failed 0
        a reports playing 0
        a: play i0
    ");
    expect![[r#"
        a joins
          welcome a
          devices [a]
        a: play t1 t2 t3
          commit now
          ack a r3
          r3 play/starting i0@0 a:r3 after[] next i1 turn r3
        a: repeat all
          commit now
          ack a r4
          r4 play/starting i0@0 a:r3 after[] next i1 turn r3
        a reports failed 0
          commit now
          r5 play/starting i1@0 a:r3 after[] next i2 turn r5 gave up i0 on a
        a reports failed 0
          commit now
          r6 play/starting i2@0 a:r3 after[] next i0 turn r6 gave up i1 on a
        a reports failed 0
          commit now
          r7 play/failed i2@0 a:r3 after[] next i0 turn r6 gave up i2 on a
        a reports playing 0
          commit soon
          r8 play/playing i2@0 a:r3 after[] next i0 turn r6
        a: play i0
          commit now
          ack a r9
          r9 play/starting i0@0 a:r3 after[] next i1 turn r9
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn t42_everybody_is_told_what_was_skipped_and_where_until_something_else_plays() {
    let transcript = run("
        a plays t1 t2 t3 beside b
        +200000
        a ended
        a reports failed 0
        c joins as remote
        a reports playing 0
        +200000
        a ended
        b: play i1
        a reports failed 0
        b: repeat all
        b: play on b
        a yields
        b: play i1
        b reports failed 0
        b reports failed 0
        b reports failed 0
        b reports playing 0
    ");
    expect![[r#"
        a plays t1 t2 t3 beside b
          r5 play/playing i0@0 a:r4 after[] next i1 turn r4
        +200000
          played t1
        a ended
          commit now
          r6 play/starting i1@0 a:r4 after[] next i2 turn r6
        a reports failed 0
          commit now
          r7 play/starting i2@0 a:r4 after[] next - turn r7 gave up i1 on a
        c joins as remote
          welcome c
          devices [a, b, c]
        a reports playing 0
          commit soon
          r9 play/playing i2@0 a:r4 after[] next - turn r7 gave up i1 on a
        +200000
          played t3
        a ended
          commit now
          r10 pause/ended i2@200000 a:r4 after[] next - turn r10
        b: play i1
          commit now
          ack b r11
          r11 play/starting i1@0 a:r4 after[] next i2 turn r11
        a reports failed 0
          commit now
          r12 play/starting i2@0 a:r4 after[] next - turn r12 gave up i1 on a
        b: repeat all
          commit now
          ack b r13
          r13 play/starting i2@0 a:r4 after[] next i0 turn r12
        b: play on b
          commit now
          ack b r14
          r14 play/starting i2@0 b:r14 after[a:r4] next i0 turn r14
        a yields
          commit soon
          r15 play/starting i2@0 b:r14 after[] next i0 turn r14
        b: play i1
          commit now
          ack b r16
          r16 play/starting i1@0 b:r14 after[] next i2 turn r16
        b reports failed 0
          commit now
          r17 play/starting i2@0 b:r14 after[] next i0 turn r17 gave up i1 on b
        b reports failed 0
          commit now
          r18 play/starting i0@0 b:r14 after[] next i1 turn r18 gave up i2 on b
        b reports failed 0
          commit now
          r19 play/failed i0@0 b:r14 after[] next i1 turn r18 gave up i0 on b
        b reports playing 0
          commit soon
          r20 play/playing i0@0 b:r14 after[] next i1 turn r18
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn t43_a_holder_that_went_on_alone_says_where_it_is() {
    let transcript = run("
        a plays t1 t2 t3
        +190000
        a is lost
        +60000
        a returns
        a ended and went on to i1 at 50000
        a ended and went on to i2 at 9000
    ");
    expect![[r#"
        a plays t1 t2 t3
          r4 play/playing i0@0 a:r3 after[] next i1 turn r3
        +190000
          played t1
        a is lost
          commit soon
          r5 play/lost i0@190000 a:r3 after[] next i1 turn r3
          devices [a away]
        +60000
          devices []
        a returns
          welcome a
          devices [a]
        a ended and went on to i1 at 50000
          commit now
          r8 play/playing i1@50000 a:r3 after[] next i2 turn r8
        a ended and went on to i2 at 9000
          commit now
          r9 play/playing i2@9000 a:r3 after[] next - turn r9
    "#]]
    .assert_eq(&transcript);
}
