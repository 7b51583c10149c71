//! On a single node what was shown first is written later, and what needs no commit is stepped while that write is in
//! flight: what is in the write and what came since are kept apart, whatever the outcome.

use crate::replica::{NOW, command_of, play_track};
use crate::scenario::join;
use segue_actors::node::ports::{Outcome, PortError, SessionChange};
use segue_actors::protocol::ids::{ConnectionId, Stamp};
use segue_actors::protocol::messages::{Op, Report, Sound};
use segue_actors::protocol::playback::Repeat;
use segue_actors::session::replica::{Replica, ReplicaOutput};
use segue_actors::state::{DeviceEvent, Effect, Event, Limits};

/// A replica, the commit that it has in flight, and what it has shown since the last look.
struct Node {
    replica: Replica,
    in_flight: Option<SessionChange>,
    places: Vec<i64>,
    effects: Vec<Effect>,
    writes_soon: bool,
    has_restarted: bool,
}

impl Node {
    /// One device plays, everything is written, and then a first report is shown and its write is in flight.
    fn with_a_write_in_flight() -> Self {
        let replica = Replica::new(segue_actors::protocol::ids::NodeId(1), Limits::default());
        let (places, effects) = (Vec::new(), Vec::new());
        let mut node = Self { replica, in_flight: None, places, effects, writes_soon: false, has_restarted: false };
        node.drive(|replica, outputs| replica.loaded(NOW, None, (0, None), outputs));
        node.answer(Outcome::Committed);
        node.take_in(Event::Join(Box::new(join(1))));
        node.take_in(command_of(1, 1, play_track()));
        node.answer(Outcome::Committed);
        node.report(100);
        assert!(node.in_flight.is_none(), "a report is shown first");
        node.write();
        assert!(node.in_flight.is_some());
        (node.places, node.effects, node.writes_soon) = (Vec::new(), Vec::new(), false);
        node
    }

    fn drive(&mut self, act: impl FnOnce(&mut Replica, &mut Vec<ReplicaOutput>)) {
        let mut outputs = Vec::new();
        act(&mut self.replica, &mut outputs);
        for output in outputs {
            match output {
                ReplicaOutput::Commit(change) => {
                    assert!(self.in_flight.replace(change).is_none(), "one commit at a time");
                }
                ReplicaOutput::Release(_, state, effects) => {
                    self.places.push(state.playback().position_ms);
                    self.effects.extend(effects);
                }
                ReplicaOutput::WriteSoon => self.writes_soon = true,
                ReplicaOutput::Restart(_) => self.has_restarted = true,
                ReplicaOutput::Load | ReplicaOutput::LoadAgain(_) | ReplicaOutput::Log(_) => {}
            }
        }
    }

    fn take_in(&mut self, event: Event) {
        self.drive(|replica, outputs| replica.take_in(NOW, event, outputs));
    }

    fn write(&mut self) {
        self.drive(|replica, outputs| replica.write(NOW, outputs));
    }

    /// The stamp of the record in the commit that is answered.
    fn answer(&mut self, outcome: Outcome) -> Stamp {
        let change = self.in_flight.take().expect("a commit is in flight");
        self.drive(|replica, outputs| replica.committed(NOW, outcome, outputs));
        change.record.stamp
    }

    /// The device that plays reports this place.
    fn report(&mut self, position_ms: i64) {
        let playback = self.replica.state().expect("it is loaded").playback().clone();
        let (active, item) = playback.active.zip(playback.item).expect("it plays");
        let report = Report {
            lease: active.lease,
            turn: playback.turn,
            item: item.id,
            position_ms,
            at_us: NOW,
            status: Sound::Playing,
            seen: None,
        };
        self.take_in(Event::Device { connection: ConnectionId(1), event: DeviceEvent::Report(report) });
    }

    fn shown(&mut self) -> Vec<i64> {
        std::mem::take(&mut self.places)
    }

    fn acks(&self) -> usize {
        self.effects.iter().filter(|effect| matches!(effect, Effect::Ack(..))).count()
    }

    fn stamp(&self) -> Stamp {
        self.replica.state().expect("it is loaded").record().stamp
    }

    /// What the commit in flight expects in the database, and what it writes.
    fn flight(&self) -> (Option<Stamp>, Stamp) {
        let change = self.in_flight.as_ref().expect("a commit is in flight");
        (change.expected, change.record.stamp)
    }
}

fn error() -> PortError {
    PortError { message: "for a test".to_owned(), is_transient: true }
}

#[test]
fn reports_are_shown_while_a_write_is_in_flight_and_are_in_the_next_one() {
    let mut node = Node::with_a_write_in_flight();
    let places: Vec<i64> = (2..=20).map(|n| 400 * n).collect();
    for place in &places {
        node.report(*place);
    }
    assert_eq!(node.shown(), places, "each before the write is answered");
    assert!(node.writes_soon && !node.replica.is_stored());
    let newest = node.stamp();
    let written = node.answer(Outcome::Committed);
    assert!(written < newest && !node.replica.is_stored(), "the write had only what was shown before it");
    node.write();
    assert_eq!(node.flight(), (Some(written), newest), "the next one expects what was written");
    node.answer(Outcome::Committed);
    assert!(node.replica.is_stored());
}

#[test]
fn what_was_shown_beside_a_write_that_was_refused_is_written_with_it() {
    let mut node = Node::with_a_write_in_flight();
    let (stored, _) = node.flight();
    node.report(1_000);
    node.writes_soon = false;
    node.answer(Outcome::NotSent(error()));
    assert!(node.writes_soon && !node.has_restarted);
    node.write();
    assert_eq!(node.flight(), (stored, node.stamp()));
}

#[test]
fn a_command_waits_for_the_write_and_for_its_own_commit_and_what_comes_after_it_waits_too() {
    let mut node = Node::with_a_write_in_flight();
    node.report(1_000);
    let shown = node.stamp();
    node.take_in(command_of(1, 2, Op::Repeat { mode: Repeat::All }));
    assert_eq!(node.stamp(), shown, "nothing of it is in the state");
    node.report(2_000);
    assert_eq!((node.shown(), node.acks(), node.replica.waiting()), (vec![1_000], 0, 2), "in their order");
    assert!(!node.replica.steps_at_once());
    let written = node.answer(Outcome::Committed);
    let (expected, committed) = node.flight();
    assert_eq!(expected, Some(written));
    assert!(committed > shown, "it has what was shown beside the write");
    assert_eq!((node.shown(), node.acks()), (Vec::new(), 0), "nothing of the command before its commit");
    node.answer(Outcome::Committed);
    assert_eq!((node.shown(), node.acks()), (vec![2_000], 1));
    assert!(node.replica.is_stored());
}

#[test]
fn a_write_without_an_answer_restarts_the_session_above_every_epoch_that_was_shown() {
    let conflict = Outcome::Conflict(None);
    for outcome in [Outcome::Unknown(error()), conflict] {
        let mut node = Node::with_a_write_in_flight();
        node.report(1_000);
        node.take_in(command_of(1, 2, Op::Pause));
        let shown = node.stamp();
        node.answer(outcome);
        assert!(node.has_restarted);
        assert_eq!(node.acks(), 0, "the command is not answered: the device sends it again");
        node.drive(|replica, outputs| replica.loaded(NOW, None, (0, None), outputs));
        let (_, begun) = node.flight();
        assert!(begun.epoch > shown.epoch);
    }
}

/// The database was restored: what is shown from then on would be lost for certain.
#[test]
fn nothing_is_shown_beside_a_write_once_the_database_was_restored() {
    let mut node = Node::with_a_write_in_flight();
    node.drive(|replica, outputs| replica.outdate(NOW, outputs));
    node.report(1_000);
    assert_eq!((node.shown(), node.replica.waiting()), (Vec::new(), 1));
    node.answer(Outcome::Committed);
    assert!(node.has_restarted);
}
