//! The queue through commands.

use crate::scenario::run;
use expect_test::expect;

#[test]
fn edits_leave_what_plays_alone() {
    let transcript = run("
        a joins
        a: insert t1 t2
        a: play
        a: insert t3 after i0
        a: insert t4 before i0
        a: move i1 before i2
        a: remove i2 i9
        a: remove i2
        a: replace t5 t6
        a: clear
        a: insert t7 after i2
    ");
    expect![[r#"
        a joins
          welcome a
          devices [a]
        a: insert t1 t2
          commit now
          ack a r3
          r3 stop/idle -@0 nobody after[] next - turn r1
        a: play
          commit now
          ack a r4
          r4 play/starting i0@0 a:r4 after[] next i1 turn r4
        a: insert t3 after i0
          commit now
          ack a r5
          r5 play/starting i0@0 a:r4 after[] next i2 turn r4
        a: insert t4 before i0
          commit now
          ack a r6
          r6 play/starting i0@0 a:r4 after[] next i2 turn r4
        a: move i1 before i2
          commit now
          ack a r7
          r7 play/starting i0@0 a:r4 after[] next i1 turn r4
        a: remove i2 i9
          reject a Conflict: the queue has no such entry any more
        a: remove i2
          commit now
          ack a r8
          r8 play/starting i0@0 a:r4 after[] next i1 turn r4
        a: replace t5 t6
          commit now
          ack a r9
          r9 play/starting i0@0 a:r4 after[] next i4 turn r4
        a: clear
          commit now
          ack a r10
          r10 play/starting i0@0 a:r4 after[] next - turn r4
        a: insert t7 after i2
          reject a Conflict: the queue has no such entry any more
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn removing_what_plays_goes_on_with_the_next_or_stops() {
    let transcript = run("
        a joins
        a: play t1 t2 t3
        a: remove i0 i1
        a: remove i2
        a: play
    ");
    expect![[r#"
        a joins
          welcome a
          devices [a]
        a: play t1 t2 t3
          commit now
          ack a r3
          r3 play/starting i0@0 a:r3 after[] next i1 turn r3
        a: remove i0 i1
          commit now
          ack a r4
          r4 play/starting i2@0 a:r3 after[] next - turn r4
        a: remove i2
          commit now
          ack a r5
          r5 stop/idle -@0 nobody after[a:r3] next - turn r5
        a: play
          reject a Conflict: the queue is empty; play tracks
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn shuffle_keeps_what_plays_and_off_brings_the_order_back() {
    let transcript = run("
        a joins
        a: play t1 t2 t3 t4 t5 from 2
        a: shuffle on
        a: next
        a: shuffle off
        a: shuffle off
        a: stop
        a: clear
    ");
    expect![[r#"
        a joins
          welcome a
          devices [a]
        a: play t1 t2 t3 t4 t5 from 2
          commit now
          ack a r3
          r3 play/starting i2@0 a:r3 after[] next i3 turn r3
        a: shuffle on
          commit now
          ack a r4
          r4 play/starting i2@0 a:r3 after[] next i1 turn r3
        a: next
          commit now
          ack a r5
          r5 play/starting i1@0 a:r3 after[] next i4 turn r5
        a: shuffle off
          commit now
          ack a r6
          r6 play/starting i1@0 a:r3 after[] next i2 turn r5
        a: shuffle off
          commit now
          ack a r7
        a: stop
          commit now
          ack a r8
          r8 stop/idle i1@0 nobody after[a:r3] next i2 turn r8
        a: clear
          commit now
          ack a r9
          r9 stop/idle -@0 nobody after[a:r3] next - turn r9
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn the_tracks_of_a_list_become_the_queue_in_its_order_or_shuffled() {
    let transcript = run("
        a joins
        a: list t1 t2 t3 from 1
        b joins
        b: list t4 t5 t6 shuffled on
        b: list t7 t8 from 2
        b: list shuffled off
        b: list t7 t8 shuffled off on b
    ");
    expect![[r#"
        a joins
          welcome a
          devices [a]
        a: list t1 t2 t3 from 1
          commit now
          ack a r3
          r3 play/starting i1@0 a:r3 after[] next i2 turn r3
        b joins
          welcome b
          devices [a, b]
        b: list t4 t5 t6 shuffled on
          commit now
          ack b r5
          r5 play/starting i5@0 a:r3 after[] next i3 turn r5
        b: list t7 t8 from 2
          reject b Invalid: start must be less than the number of tracks
        b: list shuffled off
          reject b Conflict: the list has no track that can be played
        b: list t7 t8 shuffled off on b
          commit now
          ack b r6
          r6 play/starting i6@0 b:r6 after[a:r3] next i7 turn r6
    "#]]
    .assert_eq(&transcript);
}
