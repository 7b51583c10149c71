//! Nodes that share a session, without the actors around it.

use crate::replica::{NOW, command_of, play_track};
use crate::scenario::join;
use segue_actors::node::ports::{Outcome, PortError, SessionChange};
use segue_actors::protocol::close::CloseReason;
use segue_actors::protocol::ids::{CommandId, ConnectionId, DeviceId, InstanceId, Micros, NodeId};
use segue_actors::protocol::messages::{Op, RejectCode, VolumeChange};
use segue_actors::protocol::playback::Repeat;
use segue_actors::session::replica::{Replica, ReplicaOutput};
use segue_actors::state::queue::Queue;
use segue_actors::state::{Asked, DeviceEvent, Effect, Event, Join, Leaving, Limits, Record, SessionState};
use std::sync::Arc;

/// The database: one row, and which database it is.
#[derive(Default)]
struct Database {
    row: Option<(Record, Arc<Queue>)>,
    identity: u64,
}

impl Database {
    fn commit(&mut self, change: &SessionChange) -> Outcome {
        let standing = self.row.as_ref().map(|(record, _)| record.clone());
        if standing.as_ref().map(|record| record.stamp) != change.expected {
            return Outcome::Conflict(standing.map(Box::new));
        }
        let queue = change.queue.clone().or_else(|| self.row.as_ref().map(|(_, queue)| queue.clone()));
        self.row = Some((Record::clone(&change.record), queue.unwrap_or_default()));
        Outcome::Committed
    }

    /// Another node changes something.
    fn bump(&mut self) {
        let (record, _) = self.row.as_mut().expect("there is a record");
        record.stamp = record.stamp.next();
    }

    fn standing(&self) -> Arc<Record> {
        Arc::new(self.row.as_ref().expect("there is a record").0.clone())
    }
}

struct Node {
    replica: Replica,
    effects: Vec<Effect>,
    /// What waits for the database.
    waiting: Vec<ReplicaOutput>,
    restarts: usize,
    releases: usize,
}

impl Node {
    /// A node that has loaded the session.
    fn on(number: u64, database: &mut Database) -> Self {
        let limits = Limits { is_shared: true, ..Limits::default() };
        let replica = Replica::new(NodeId(number), limits);
        let mut node =
            Self { replica, effects: Vec::new(), waiting: vec![ReplicaOutput::Load], restarts: 0, releases: 0 };
        node.rest(database);
        node
    }

    /// The same with the device of that number.
    fn with_device(number: u64, database: &mut Database) -> Self {
        let mut node = Self::on(number, database);
        node.step(Event::Join(Box::new(join(number))));
        node.rest(database);
        node.effects.clear();
        node
    }

    fn drive(&mut self, act: impl FnOnce(&mut Replica, &mut Vec<ReplicaOutput>)) {
        let mut outputs = Vec::new();
        act(&mut self.replica, &mut outputs);
        for output in outputs {
            match output {
                ReplicaOutput::Release(_, _, effects) => {
                    self.effects.extend(effects);
                    self.releases += 1;
                }
                ReplicaOutput::Restart(_) => {
                    self.restarts += 1;
                    self.waiting.push(ReplicaOutput::Load);
                }
                ReplicaOutput::Log(_) => {}
                ReplicaOutput::WriteSoon => panic!("where nodes share a session nothing is written later"),
                asked => self.waiting.push(asked),
            }
        }
    }

    fn step(&mut self, event: Event) {
        self.drive(|replica, outputs| replica.take_in(NOW, event, outputs));
    }

    fn hear(&mut self, record: Arc<Record>) {
        self.drive(|replica, outputs| replica.remote_record(NOW, record, outputs));
    }

    fn answer(&mut self, outcome: Outcome) {
        self.drive(|replica, outputs| replica.committed(NOW, outcome, outputs));
    }

    /// The change that waits to be written.
    fn change(&mut self) -> SessionChange {
        match self.waiting.pop() {
            Some(ReplicaOutput::Commit(change)) => change,
            other => panic!("nothing is to be written: {other:?}"),
        }
    }

    /// The database answers until nothing more is asked of it.
    fn rest(&mut self, database: &mut Database) {
        while let Some(asked) = self.waiting.pop() {
            if let ReplicaOutput::Commit(change) = asked {
                self.answer(database.commit(&change));
            } else {
                let (row, identity) = (database.row.clone(), database.identity);
                self.drive(|replica, outputs| replica.loaded(NOW, row, (identity, None), outputs));
            }
        }
    }

    fn answers(&mut self) -> Vec<Result<(), RejectCode>> {
        let answer = |effect: &Effect| match effect {
            Effect::Ack(..) => Some(Ok(())),
            Effect::Reject(_, _, reject) => Some(Err(reject.code)),
            _ => None,
        };
        std::mem::take(&mut self.effects).iter().filter_map(answer).collect()
    }

    fn record(&self) -> &Record {
        self.replica.state().expect("it is loaded").record()
    }
}

fn repeat(mode: Repeat) -> Op<segue_actors::state::queue::Resolved> {
    Op::Repeat { mode }
}

fn trouble() -> PortError {
    PortError { message: "for a test".to_owned(), is_transient: true }
}

#[test]
fn what_comes_too_late_is_stepped_again_on_what_stands() {
    let mut database = Database::default();
    let mut first = Node::with_device(1, &mut database);
    let mut second = Node::with_device(2, &mut database);
    first.step(command_of(1, 1, repeat(Repeat::All)));
    second.step(command_of(2, 2, play_track()));
    second.rest(&mut database);
    first.rest(&mut database);
    assert_eq!((first.answers(), second.answers()), (vec![Ok(())], vec![Ok(())]));
    let record = database.standing();
    assert_eq!(record.playback.repeat, Repeat::All);
    assert_eq!(record.playback.active.map(|active| active.device_id), Some(DeviceId(2)));
    assert_eq!(first.record(), &*record);
    assert_eq!((first.restarts, second.restarts), (0, 0), "nobody is sent away");
}

#[test]
fn what_comes_too_late_eight_times_is_busy() {
    let mut database = Database::default();
    let mut node = Node::with_device(1, &mut database);
    node.step(command_of(1, 1, repeat(Repeat::All)));
    node.drive(|replica, outputs| replica.take_in(NOW, Event::Join(Box::new(join(2))), outputs));
    for attempt in 0..8 {
        assert_eq!(node.answers(), [], "attempt {attempt}");
        let change = node.change();
        database.bump();
        node.answer(database.commit(&change));
    }
    assert!(node.effects.contains(&Effect::Close(ConnectionId(2), CloseReason::Overloaded)));
    assert_eq!(node.answers(), [Err(RejectCode::Busy)]);
    assert!(node.waiting.is_empty());
    assert_eq!(node.record(), &*database.standing(), "what others wrote is known");
    node.step(command_of(1, 1, repeat(Repeat::All)));
    node.rest(&mut database);
    assert_eq!(node.answers(), [Ok(())], "and it may be tried again");
}

#[test]
fn nothing_is_shown_before_it_is_written() {
    let mut database = Database::default();
    let mut node = Node::with_device(1, &mut database);
    let releases = node.releases;
    let turned = DeviceEvent::Volume(VolumeChange { level: 30, muted: false, version: 0 });
    node.step(Event::Device { connection: ConnectionId(1), event: turned });
    assert_eq!(node.releases, releases);
    node.rest(&mut database);
    assert_eq!(node.releases, releases + 1);
    assert_eq!(node.record(), &*database.standing());
}

#[test]
fn only_what_is_newer_is_heard() {
    let mut database = Database::default();
    let mut first = Node::with_device(1, &mut database);
    let mut second = Node::with_device(2, &mut database);
    let older = database.standing();
    second.step(command_of(2, 1, play_track()));
    second.rest(&mut database);
    first.hear(database.standing());
    assert!(matches!(first.waiting.last(), Some(ReplicaOutput::Load)), "the queue is another one");
    first.rest(&mut database);
    assert_eq!(first.record(), &*database.standing());
    let releases = first.releases;
    first.hear(older);
    first.hear(database.standing());
    assert_eq!(first.record(), &*database.standing());
    assert_eq!((first.releases, first.waiting.len()), (releases, 0));
}

#[test]
fn an_unknown_outcome_closes_no_socket_and_is_answered_from_the_record() {
    for was_written in [true, false] {
        let mut database = Database::default();
        let mut node = Node::with_device(1, &mut database);
        node.step(command_of(1, 1, play_track()));
        let change = node.change();
        if was_written {
            database.commit(&change);
        }
        node.answer(Outcome::Unknown(trouble()));
        assert_eq!(node.answers(), []);
        node.rest(&mut database);
        assert_eq!(node.answers(), [Ok(())]);
        assert_eq!(node.restarts, 0);
        assert!(database.standing().devices.answer_to(DeviceId(1), CommandId(1)).is_some());
    }
}

#[test]
fn a_pending_join_whose_admission_has_no_answer_is_listed_once() {
    let mut database = Database::default();
    let mut first = Node::with_device(1, &mut database);
    let mut second = Node::on(2, &mut database);
    let clone = Join { device_id: DeviceId(1), ..join(9) };
    second.step(Event::Join(Box::new(clone)));
    second.rest(&mut database);
    first.hear(database.standing());
    first.step(Event::Device { connection: ConnectionId(1), event: DeviceEvent::Alive });
    first.rest(&mut database);
    second.hear(database.standing());
    let admission = second.change();
    database.commit(&admission);
    second.answer(Outcome::Unknown(trouble()));
    // Meanwhile the id under which it joined has become free.
    first.step(Event::Leave { connection: ConnectionId(1), how: Leaving::Clean });
    first.rest(&mut database);
    second.rest(&mut database);
    assert!(second.effects.contains(&Effect::Welcome(ConnectionId(9), DeviceId(109))), "{:?}", second.effects);
    assert_eq!(database.standing().devices.connections_on(NodeId(2)), [ConnectionId(9)]);
}

/// Nothing in the record names a program's command, so that a second attempt might be a second change.
#[test]
fn a_program_s_command_of_unknown_outcome_is_not_tried_again() {
    for was_written in [true, false] {
        let mut database = Database::default();
        let mut node = Node::with_device(1, &mut database);
        let volume = Op::Volume { device_id: Some(DeviceId(1)), level: Some(40), delta: None, muted: None };
        node.step(command_of(1, 1, volume));
        node.rest(&mut database);
        node.effects.clear();
        let louder = Op::Volume { device_id: Some(DeviceId(1)), level: None, delta: Some(5), muted: None };
        let Event::Device { event: DeviceEvent::Command { command, seed, .. }, .. } = command_of(9, 2, louder) else {
            unreachable!()
        };
        node.step(Event::Asked { connection: ConnectionId(9), asked: Asked::Command { command, seed } });
        let change = node.change();
        if was_written {
            database.commit(&change);
        }
        node.answer(Outcome::Unknown(trouble()));
        node.rest(&mut database);
        assert_eq!(node.answers(), [Err(RejectCode::Unavailable)]);
        let level =
            database.standing().devices.get(DeviceId(1)).and_then(|device| device.volume).map(|volume| volume.level);
        assert_eq!(level, Some(if was_written { 45 } else { 40 }));
    }
}

#[test]
fn while_an_earlier_attempt_may_still_be_written_nothing_is_rejected() {
    let mut database = Database::default();
    let mut node = Node::with_device(1, &mut database);
    node.step(command_of(1, 1, play_track()));
    let late = node.change();
    node.answer(Outcome::Unknown(trouble()));
    let row = database.row.clone();
    assert!(matches!(node.waiting.pop(), Some(ReplicaOutput::Load)));
    node.drive(|replica, outputs| replica.loaded(NOW, row, (0, None), outputs));
    node.change();
    node.answer(Outcome::NotSent(trouble()));
    assert_eq!(node.answers(), []);
    assert!(matches!(database.commit(&late), Outcome::Committed), "and so it is");
    node.rest(&mut database);
    assert_eq!(node.answers(), [Ok(())]);
    node.step(command_of(1, 2, repeat(Repeat::All)));
    node.change();
    node.answer(Outcome::NotSent(trouble()));
    assert_eq!(node.answers(), [Err(RejectCode::Unavailable)], "what surely was not written is rejected");
}

#[test]
fn a_load_keeps_the_epoch_unless_the_database_is_another() {
    let mut database = Database::default();
    let mut first = Node::with_device(1, &mut database);
    first.step(command_of(1, 1, play_track()));
    first.rest(&mut database);
    let second = Node::with_device(2, &mut database);
    let (before, after) = (first.record().stamp, second.record().stamp);
    assert_eq!(before.epoch, after.epoch);
    assert!(second.record().devices.is_connected(DeviceId(1), InstanceId(1)), "the sockets of others stand");

    database.identity += 1;
    let third = Node::with_device(3, &mut database);
    assert!(third.record().stamp.epoch > after.epoch);
    assert!(!third.record().devices.is_connected(DeviceId(1), InstanceId(1)));
    let active = third.record().playback.active.expect("the holder stays");
    assert_eq!(active.from_us, Some(NOW.plus_ms(8_500)), "the nodes may not all know yet");
    first.hear(database.standing());
    first.rest(&mut database);
    assert!(first.effects.contains(&Effect::Close(ConnectionId(1), CloseReason::Restart)));
}

#[test]
fn an_older_record_means_that_the_database_was_put_back() {
    let mut database = Database::default();
    let mut node = Node::with_device(1, &mut database);
    let backup = database.row.clone();
    node.step(command_of(1, 1, play_track()));
    node.rest(&mut database);
    let before = node.record().stamp;
    (database.row, database.identity) = (backup, 1);
    node.step(command_of(1, 2, repeat(Repeat::All)));
    node.rest(&mut database);
    assert_eq!(node.restarts, 1);
    assert!(node.record().stamp.epoch > before.epoch);
}

#[test]
fn a_lost_node_is_stepped_once_and_what_it_left_is_over() {
    let mut database = Database::default();
    let mut first = Node::with_device(1, &mut database);
    first.step(command_of(1, 1, play_track()));
    first.rest(&mut database);
    let mut second = Node::with_device(2, &mut database);
    second.step(command_of(
        2,
        2,
        Op::Play { item: None, tracks: Vec::new(), start: None, position_ms: None, on: Some(DeviceId(2)) },
    ));
    second.rest(&mut database);
    assert_eq!(second.record().playback.after.len(), 1);
    assert_eq!(second.replica.state().and_then(SessionState::next_deadline), None, "its own node closes it");
    second.step(Event::NodeLost { node: NodeId(1), last: Micros(NOW.0 - 5_000_000) });
    second.rest(&mut database);
    assert!(second.record().playback.after.is_empty());
    assert!(!second.record().devices.is_connected(DeviceId(1), InstanceId(1)));
    let stamp = second.record().stamp;
    second.step(Event::NodeLost { node: NodeId(1), last: NOW });
    assert!(second.waiting.is_empty(), "there is nothing to do");
    assert_eq!(second.record().stamp, stamp);
}

/// Node 1 was cut off from the database and is back under a new id, with the device that never stopped sounding; node 2
/// still looks at the old heartbeat.
#[test]
fn t101_who_is_welcome_at_the_new_run_of_a_node_is_not_touched_when_the_old_one_is_lost() {
    let mut database = Database::default();
    let mut first = Node::with_device(1, &mut database);
    first.step(command_of(1, 1, play_track()));
    first.rest(&mut database);
    let lease = first.record().playback.active.expect("it plays").lease;
    let mut second = Node::with_device(2, &mut database);
    let mut again = Node::on(3, &mut database);
    again.step(Event::Join(Box::new(Join { connection: ConnectionId(31), ..join(1) })));
    again.rest(&mut database);
    second.hear(database.standing());
    second.step(Event::NodeLost { node: NodeId(1), last: Micros(NOW.0 - 5_000_000) });
    second.rest(&mut database);
    assert!(second.record().devices.is_connected(DeviceId(1), InstanceId(1)), "its socket is another node's");
    assert_eq!(second.record().playback.active.map(|active| active.lease), Some(lease), "it sounds on");
    let play_on = Op::Play { item: None, tracks: Vec::new(), start: None, position_ms: None, on: Some(DeviceId(2)) };
    second.step(command_of(2, 2, play_on));
    second.rest(&mut database);
    assert_eq!(second.record().playback.after.len(), 1, "who takes over waits for it");
}

/// Two instances wait here under one id when the other node admits one of them on another of its sockets.
#[test]
fn a_pending_join_that_turns_out_to_be_the_newer_socket_of_who_was_admitted_is_whom_the_other_waits_for() {
    let mut database = Database::default();
    let mut first = Node::with_device(1, &mut database);
    let mut second = Node::on(2, &mut database);
    let join_of = |instance, connection| Join {
        instance: InstanceId(instance),
        connection: ConnectionId(connection),
        spare_id: DeviceId(connection),
        ..join(1)
    };
    for (instance, connection) in [(7, 27), (8, 28)] {
        second.step(Event::Join(Box::new(join_of(instance, connection))));
        second.rest(&mut database);
    }
    first.hear(database.standing());
    let gone = join(1).connection;
    first.step(Event::Leave { connection: gone, how: Leaving::Clean });
    first.rest(&mut database);
    first.step(Event::Join(Box::new(join_of(8, 18))));
    first.rest(&mut database);
    second.effects.clear();
    second.hear(database.standing());
    second.rest(&mut database);
    let probed: Vec<_> = second.effects.iter().filter(|effect| matches!(effect, Effect::Probe(_))).collect();
    assert!(matches!(probed[..], [Effect::Probe(ConnectionId(28))]), "{probed:?}");
    second.step(Event::Device { connection: ConnectionId(28), event: DeviceEvent::Alive });
    second.rest(&mut database);
    let devices = &second.record().devices;
    assert!(devices.is_connected(DeviceId(1), InstanceId(8)) && devices.is_connected(DeviceId(27), InstanceId(7)));
}

#[test]
fn what_an_earlier_run_of_the_session_left_behind_here_is_over() {
    let mut database = Database::default();
    let _panicked = Node::with_device(1, &mut database);
    let mut second = Node::with_device(2, &mut database);
    assert!(second.record().devices.is_connected(DeviceId(1), InstanceId(1)));
    let node = Node::on(1, &mut database);
    assert!(!node.record().devices.is_connected(DeviceId(1), InstanceId(1)));
    assert!(node.record().devices.is_connected(DeviceId(2), InstanceId(2)));
    second.hear(database.standing());
    assert_eq!(second.record(), node.record());
}
