//! A node's replica of a session without its actor: unknown outcomes, and events at which earlier runs panicked.

use crate::scenario::join;
use segue_actors::node::ports::{Outcome, PortError};
use segue_actors::protocol::ids::{CommandId, ConnectionId, DeviceId, ItemId, Micros, NodeId};
use segue_actors::protocol::messages::{Command, Op, RejectCode};
use segue_actors::protocol::playback::{Intent, MediaKind, Repeat};
use segue_actors::session::panics::EventKey;
use segue_actors::session::replica::{Replica, ReplicaOutput};
use segue_actors::state::queue::{Queue, Resolved};
use segue_actors::state::{DeviceEvent, Effect, Event, Limits, Record};
use std::sync::Arc;

pub(crate) const NOW: Micros = Micros(1_700_000_000_000_000);
const DEVICE: DeviceId = DeviceId(1);

/// A replica over a row of a database.
struct Node {
    replica: Replica,
    row: Option<(Record, Arc<Queue>)>,
    /// What was released since the last look.
    effects: Vec<Effect>,
    has_restarted: bool,
}

impl Node {
    fn over(row: Option<(Record, Arc<Queue>)>, replica: Replica) -> Self {
        let mut node = Self { replica, row, effects: Vec::new(), has_restarted: false };
        node.load();
        node.step(Event::Join(Box::new(join(1))));
        node
    }

    fn load(&mut self) {
        let mut outputs = Vec::new();
        self.replica.loaded(NOW, self.row.clone(), (0, None), &mut outputs);
        self.carry_out(outputs, None);
    }

    fn step(&mut self, event: Event) {
        let mut outputs = Vec::new();
        self.replica.take_in(NOW, event, &mut outputs);
        self.carry_out(outputs, None);
    }

    /// A change is written, or has no answer: then it may be written or not.
    fn carry_out(&mut self, outputs: Vec<ReplicaOutput>, unknown: Option<bool>) {
        for output in outputs {
            match output {
                ReplicaOutput::Commit(change) => {
                    if unknown != Some(false) {
                        let queue = change.queue.or_else(|| self.row.as_ref().map(|(_, queue)| queue.clone()));
                        self.row = Some((Record::clone(&change.record), queue.unwrap_or_default()));
                    }
                    let outcome = match unknown {
                        None => Outcome::Committed,
                        Some(_) => Outcome::Unknown(PortError { message: "no answer".to_owned(), is_transient: true }),
                    };
                    let mut more = Vec::new();
                    self.replica.committed(NOW, outcome, &mut more);
                    self.carry_out(more, None);
                }
                ReplicaOutput::Release(_, _, effects) => self.effects.extend(effects),
                ReplicaOutput::Restart(_) => self.has_restarted = true,
                ReplicaOutput::Load
                | ReplicaOutput::LoadAgain(_)
                | ReplicaOutput::Log(_)
                | ReplicaOutput::WriteSoon => {}
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

    fn intent(&self) -> Option<Intent> {
        self.replica.state().map(|state| state.playback().intent)
    }
}

fn command_event(id: u64, op: Op<Resolved>) -> Event {
    command_of(1, id, op)
}

pub(crate) fn command_of(connection: u64, id: u64, op: Op<Resolved>) -> Event {
    let command = Command { id: CommandId(id), if_item: None, if_queue_revision: None, if_lease: None, op };
    let event = DeviceEvent::Command { command: Box::new(command), seed: 1, others: Vec::new() };
    Event::Device { connection: ConnectionId(connection), event }
}

fn play() -> Event {
    command_event(1, play_track())
}

pub(crate) fn play_track() -> Op<Resolved> {
    let track = Resolved {
        media_id: segue_actors::protocol::ids::MediaId(1),
        kind: MediaKind::Track,
        duration_ms: Some(9_000),
    };
    Op::play(vec![track])
}

fn fresh() -> Replica {
    Replica::new(NodeId(1), Limits::default())
}

/// Whatever became of the commit, and whoever went on since from whichever record: what is acked is in the one that
/// stands.
#[test]
fn t96_a_command_of_unknown_outcome_is_acked_only_if_it_stands() {
    for was_written in [true, false] {
        for went_on in [true, false] {
            let mut node = Node::over(None, fresh());
            node.step(play());
            assert_eq!(node.answers(), [Ok(())]);
            let before = node.row.clone();
            let mut outputs = Vec::new();
            node.replica.take_in(NOW, command_event(2, Op::Repeat { mode: Repeat::All }), &mut outputs);
            node.carry_out(outputs, Some(was_written));
            assert_eq!(node.answers(), [], "nothing is answered before it is known");
            assert!(node.has_restarted);
            if went_on {
                // Another node went on from the record of before.
                let mut other = Node::over(before, Replica::new(NodeId(2), Limits::default()));
                other.step(command_event(9, Op::Pause));
                node.row = other.row;
            }
            node.load();
            node.step(Event::Join(Box::new(join(1))));
            let stood = node.row.clone().is_some_and(|(row, _)| row.devices.answer_to(DEVICE, CommandId(2)).is_some());
            assert_eq!(stood, was_written && !went_on);
            node.step(command_event(2, Op::Repeat { mode: Repeat::All }));
            assert_eq!(node.answers(), [Ok(())]);
            let (row, _) = node.row.as_ref().expect("it stands");
            assert!(row.devices.answer_to(DEVICE, CommandId(2)).is_some(), "what is acked stands");
            assert_eq!(row.playback.repeat, Repeat::All);
        }
    }
}

#[test]
fn what_made_earlier_runs_panic_is_answered_and_not_stepped() {
    let Event::Device { event, .. } = command_event(2, Op::Pause) else { unreachable!() };
    let skipped = vec![EventKey::of(DEVICE, &event)];
    let mut node = Node::over(None, fresh().after_panics(skipped, false));
    node.step(play());
    node.step(command_event(2, Op::Pause));
    assert_eq!(node.answers(), [Ok(()), Err(RejectCode::Invalid)]);
    assert_eq!(node.intent(), Some(Intent::Play));
    node.step(command_event(3, Op::Pause));
    assert_eq!(node.answers(), [Ok(())], "only that one");
}

#[test]
fn a_session_that_panicked_too_often_starts_paused() {
    let mut node = Node::over(None, fresh());
    node.step(play());
    let row = node.row.clone();
    for (is_paused, intent) in [(false, Intent::Play), (true, Intent::Pause)] {
        let node = Node::over(row.clone(), fresh().after_panics(Vec::new(), is_paused));
        assert_eq!(node.intent(), Some(intent));
        assert!(node.replica.state().is_some_and(|state| state.playback().item.is_some()), "the queue is kept");
    }
}

#[test]
fn of_a_series_that_is_rejected_what_stands_already_is_acknowledged() {
    let mut node = Node::over(None, fresh());
    node.step(play());
    node.step(command_event(2, Op::Seek { position_ms: 5_000 }));
    assert_eq!(node.answers(), [Ok(()); 2]);
    let Event::Device { connection, event: DeviceEvent::Command { mut command, seed, .. } } =
        command_event(3, Op::Seek { position_ms: 6_000 })
    else {
        unreachable!()
    };
    command.if_item = Some(ItemId(9));
    // The ack of its first seek was lost.
    let event = DeviceEvent::Command { command, seed, others: vec![CommandId(2)] };
    node.step(Event::Device { connection, event });
    assert_eq!(node.answers(), [Ok(()), Err(RejectCode::Stale)]);
}

/// It was rejected with a time to wait and is sent again after the last one of its series, which stands for it.
#[test]
fn what_is_overtaken_by_a_command_that_stands_is_written_down_as_answered() {
    let mut node = Node::over(None, fresh());
    node.step(play());
    node.step(command_event(3, Op::Seek { position_ms: 6_000 }));
    let Event::Device { connection, event: DeviceEvent::Command { command, seed, .. } } =
        command_event(3, Op::Seek { position_ms: 6_000 })
    else {
        unreachable!()
    };
    node.step(Event::Device { connection, event: DeviceEvent::Command { command, seed, others: vec![CommandId(2)] } });
    assert_eq!(node.answers(), [Ok(()); 4]);
    let place = |node: &Node| node.replica.state().expect("it is loaded").playback().position_ms;
    assert_eq!(place(&node), 6_000);
    let (record, _) = node.row.clone().expect("it is written");
    assert!(record.devices.answer_to(DEVICE, CommandId(2)).is_some(), "in the database");
    // Its ack was lost, and it comes alone.
    node.step(command_event(2, Op::Seek { position_ms: 1_000 }));
    assert_eq!((node.answers(), place(&node)), (vec![Ok(())], 6_000));
}

#[test]
fn what_says_nothing_new_asks_for_nothing() {
    let (mut replica, mut outputs) = (Replica::new(NodeId(1), Limits::default()), Vec::new());
    replica.loaded(Micros(0), None, (0, None), &mut outputs);
    replica.committed(Micros(0), Outcome::Committed, &mut outputs);
    outputs.clear();
    replica.take_in(Micros(1), Event::Deadline, &mut outputs);
    assert!(outputs.is_empty(), "{outputs:?}");
}
