//! Who a pending join is (R9), what devices witness of a database that was put back (R2), and strict mode (R1).

use crate::scenario::{join, run};
use expect_test::expect;
use segue_actors::protocol::close::CloseReason;
use segue_actors::protocol::ids::{ConnectionId, InstanceId, Micros, NodeId, Stamp};
use segue_actors::state::{Durability, Effect, Event, Join, Limits, Record, SessionState};

#[test]
fn t52_a_copy_of_a_living_device_gets_an_id_of_its_own() {
    let transcript = run("
        a plays t1
        a is cloned as b
        a lives
        a lives
        b: pause
        b returns
    ");
    expect![[r#"
        a plays t1
          r4 play/playing i0@0 a:r3 after[] next - turn r3
        a is cloned as b
          ask a whether it lives
        a lives
          welcome b
          commit now
          devices [a, b]
        a lives
        b: pause
          commit now
          ack b r6
          r6 pause/paused i0@0 a:r3 after[] next - turn r6
        b returns
          close old socket replaced
          welcome b
          devices [a, b]
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn what_a_device_said_before_a_copy_took_its_id_does_not_count_again_under_its_new_one() {
    let transcript = run("
        a plays t1 t2
        a: next
        a is lost
        a is cloned as b
        b lives
        a returns
        b lives
        a again
    ");
    expect![[r#"
        a plays t1 t2
          r4 play/playing i0@0 a:r3 after[] next i1 turn r3
        a: next
          commit now
          ack a r5
          r5 play/starting i1@0 a:r3 after[] next - turn r5
        a is lost
          commit soon
          r6 play/lost i1@0 a:r3 after[] next - turn r5
          devices [a away]
        a is cloned as b
          welcome b
          r7 pause/paused i1@0 nobody after[] next - turn r7
          devices [b]
        b lives
        a returns
          ask b whether it lives
        b lives
          welcome a
          commit now
          devices [b, a]
        a again
          ack a r5
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn t52_a_dead_instance_is_replaced_under_its_id() {
    let transcript = run("
        a plays t1
        +1000
        a is cloned as b
        +1000
        a is lost since 1500
    ");
    expect![[r#"
        a plays t1
          r4 play/playing i0@0 a:r3 after[] next - turn r3
        +1000
        a is cloned as b
          ask a whether it lives
        +1000
        a is lost since 1500
          commit soon
          welcome b
          r5 pause/paused i0@500 nobody after[] next - turn r5
          devices [b]
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn t52_three_instances_of_one_id_are_told_apart_in_turn() {
    let transcript = run("
        a joins
        a is cloned as b
        a is cloned as c
        a leaves
        b lives
    ");
    expect![[r#"
        a joins
          welcome a
          devices [a]
        a is cloned as b
          ask a whether it lives
        a is cloned as c
          ask a whether it lives
        a leaves
          welcome b
          ask b whether it lives
          devices [b]
        b lives
          welcome c
          devices [b, c]
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn a_pending_join_that_goes_before_the_answer_was_never_there() {
    let transcript = run("
        a joins
        a is cloned as b
        b is lost
        a lives
    ");
    expect![[r#"
        a joins
          welcome a
          devices [a]
        a is cloned as b
          ask a whether it lives
        b is lost
        a lives
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn strict_mode_waits_for_the_lease_of_who_is_cut_off() {
    let transcript = run("
        strict
        a plays t1 beside b c
        +1000
        a is lost
        +1000
        b: play on b
        b reports playing 1000
        c: play on c
        +500
        b is lost
    ");
    expect![[r#"
        strict
        a plays t1 beside b c
          r6 play/playing i0@0 a:r5 after[] next - turn r5
        +1000
        a is lost
          commit soon
          r7 play/lost i0@1000 a:r5 after[] next - turn r5
          devices [a away, b, c]
        +1000
        b: play on b
          commit now
          ack b r8
          r8 play/starting i0@1000 b:r8 from 6000 after[] next - turn r8
        b reports playing 1000
          commit soon
          r9 play/playing i0@1000 b:r8 from 6000 after[] next - turn r8
        c: play on c
          commit now
          ack c r10
          r10 play/starting i0@1000 c:r10 from 6000 after[b:r8] next - turn r10
        +500
        b is lost
          r11 play/starting i0@1000 c:r10 from 7500 after[] next - turn r10
          devices [a away, b away, c]
    "#]]
    .assert_eq(&transcript);
}

/// Two starts within one second around a database that was put back, whatever the clock does: no stamp is given twice.
#[test]
fn no_epoch_comes_twice_when_the_database_is_put_back_within_a_second() {
    let now = Micros(1_700_000_000_000_000);
    let first = SessionState::new(now, 0, NodeId(1), Limits::default());
    let backup = Record::clone(first.record());
    let load = |record: Record, now: Micros| {
        SessionState::load(now, (record, first.queue().clone()), NodeId(2), None, 0, Limits::default())
    };
    let shown = load(backup.clone(), now.plus_ms(200)).record().stamp;
    let again = load(backup.clone(), now.plus_ms(700)).record().stamp;
    assert!(again.epoch > shown.epoch, "{again:?} after {shown:?}");

    // The clock was set back as well: the device that saw the higher epoch says so in `seen`.
    let mut state = load(backup, now.plus_ms(-7_200_000));
    assert!(state.record().stamp.epoch < shown.epoch);
    let mut effects = Vec::new();
    state.step(now.plus_ms(-7_199_000), Event::Join(Box::new(Join { seen: Some(shown), ..join(1) })), &mut effects);
    assert!(state.record().stamp.epoch > shown.epoch);
    assert_eq!(effects[0], Effect::Commit(Durability::Now), "durable before anything is shown under it");
    assert!(state.playback().stamp() > shown && state.shown().devices > shown);
    state.check().expect("the invariants hold");
}

/// The connection that a session closed, and the devices that it lists with their connections.
fn after_join(state: &mut SessionState, join: Join) -> (Option<(ConnectionId, CloseReason)>, Vec<ConnectionId>) {
    let mut effects = Vec::new();
    state.step(Micros(1_700_000_000_000_000), Event::Join(Box::new(join)), &mut effects);
    let closed = effects.iter().find_map(|effect| match effect {
        Effect::Close(connection, reason) => Some((*connection, *reason)),
        _ => None,
    });
    state.check().expect("the invariants hold");
    (closed, state.devices().iter().filter_map(|device| device.presence.connection()).collect())
}

#[test]
fn a_delayed_hello_of_an_earlier_attempt_takes_no_place() {
    let mut state = SessionState::new(Micros(1_700_000_000_000_000), 0, NodeId(1), Limits::default());
    let attempt = |attempt, connection| Join { attempt, connection: ConnectionId(connection), ..join(1) };
    let replaced = |connection| Some((ConnectionId(connection), CloseReason::Replaced));
    assert_eq!(after_join(&mut state, attempt(Some(2), 20)), (None, vec![ConnectionId(20)]));
    assert_eq!(after_join(&mut state, attempt(Some(1), 10)), (replaced(10), vec![ConnectionId(20)]), "an earlier one");
    assert_eq!(after_join(&mut state, attempt(Some(3), 30)), (replaced(20), vec![ConnectionId(30)]), "a later one");
    assert_eq!(after_join(&mut state, attempt(None, 40)), (replaced(30), vec![ConnectionId(40)]), "one without number");
    let copy = |number, connection| Join { instance: InstanceId(7), ..attempt(Some(number), connection) };
    assert_eq!(after_join(&mut state, copy(2, 72)), (None, vec![ConnectionId(40)]), "a copy waits for the probe");
    assert_eq!(after_join(&mut state, copy(1, 71)), (replaced(71), vec![ConnectionId(40)]), "its earlier attempt");
    assert_eq!(after_join(&mut state, copy(3, 73)), (replaced(72), vec![ConnectionId(40)]), "its later attempt");
}

#[test]
fn what_a_device_claims_to_have_seen_changes_nothing_if_it_can_be_so_or_cannot() {
    let now = Micros(1_700_000_000_000_000);
    let mut state = SessionState::new(now, 0, NodeId(1), Limits::default());
    let epoch = state.record().stamp.epoch;
    for seen in [None, Some(Stamp { epoch, revision: 1 }), Some(Stamp { epoch: u64::MAX, revision: 1 })] {
        state.step(now, Event::Join(Box::new(Join { seen, ..join(1) })), &mut Vec::new());
        assert_eq!(state.record().stamp.epoch, epoch, "{seen:?}");
    }
}

#[test]
fn strict_mode_waits_for_the_lease_of_who_is_sent_away_and_may_not_hear_of_it() {
    let transcript = run("
        strict
        a joins
        b joins
        a: play t1
        b: forget a
        b: play
        +100
        a is dismissed
    ");
    expect![[r#"
        strict
        a joins
          welcome a
          devices [a]
        b joins
          welcome b
          devices [a, b]
        a: play t1
          commit now
          ack a r4
          r4 play/starting i0@0 a:r4 after[] next - turn r4
        b: forget a
          commit now
          ack b r5
          close a forgotten
          r5 pause/paused i0@0 nobody after[a:r4] next - turn r5
          devices [a, b]
        b: play
          commit now
          ack b r6
          r6 play/starting i0@0 b:r6 after[a:r4] next - turn r6
        +100
        a is dismissed
          r7 play/starting i0@0 b:r6 from 5100 after[] next - turn r6
          devices [b]
    "#]]
    .assert_eq(&transcript);
}
