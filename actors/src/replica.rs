//! What a node does with a session, pure: it steps events, commits what must be durable before it is shown, writes the
//! rest soon, and starts anew when what stands in the database is not what it thought. The actor around it, and the
//! simulation, only carry out its [`Output`]s and bring the answers back.

use crate::close::CloseReason;
use crate::ids::{Micros, NodeId, Stamp};
use crate::panics::InHand;
use crate::ports::{Change, Outcome};
use crate::state::messages::{Reject, RejectCode, Sound};
use crate::state::queue::Queue;
use crate::state::{Durability, Effect, Event, Limits, Record, Said, SessionState, Shown};
use std::collections::VecDeque;
use std::sync::Arc;

/// What a client is told to wait when the database is out of reach.
const RETRY_MS: u32 = 1_000;
const SKIPPED: Reject =
    Reject::new(RejectCode::Invalid, "this command made the server fail twice and is not tried again");
const UNAVAILABLE: Reject = Reject {
    code: RejectCode::Unavailable,
    message: "the database is out of reach; try again",
    retry_ms: Some(RETRY_MS),
};

/// What is to be done.
#[derive(Debug)]
pub enum Output {
    /// Read the record and its queue, and bring them by [`Replica::loaded`].
    Load,
    /// The load came to nothing, and why: read again, after a while.
    LoadAgain(String),
    /// Write this, and bring the outcome by [`Replica::committed`].
    Commit(Change),
    /// Call [`Replica::write`] within 2 s.
    WriteSoon,
    /// Show everybody what differs from the revisions given, and each one what the effects say, as it stood then: later
    /// events may have changed the session since, and that is not to be seen yet.
    Release(Shown, Box<SessionState>, Vec<Effect>),
    /// What was shown may not stand: send every device away to come back at once. A load follows.
    Restart(String),
}

/// What was asked of the database and is not answered.
#[derive(Debug)]
enum Flight {
    Load,
    /// The first record under a new epoch: nothing was shown under it.
    Begin(Box<Live>),
    /// A change, with the state before it.
    Change {
        before: Box<SessionState>,
        events: Vec<Event>,
        effects: Vec<Effect>,
    },
    /// What was shown already.
    Write,
}

/// A session that is loaded.
#[derive(Debug)]
struct Live {
    state: SessionState,
    /// The stamp that stands in the database, and its queue's revision.
    stored: Option<(Stamp, u64)>,
}

impl Live {
    fn is_stored(&self) -> bool {
        self.stored.is_some_and(|(stamp, _)| stamp == self.state.record().stamp)
    }

    fn change(&self) -> Change {
        let record = self.state.record().clone();
        let queue_is_stored = self.stored.is_some_and(|(_, revision)| revision == record.queue_revision());
        Change {
            expected: self.stored.map(|(stamp, _)| stamp),
            queue: (!queue_is_stored).then(|| self.state.queue().clone()),
            record,
        }
    }
}

/// One user's session as one node has it.
#[derive(Debug)]
pub struct Replica {
    node: NodeId,
    limits: Limits,
    live: Option<Live>,
    /// Events that wait for an answer of the database; stepped together then.
    inbox: VecDeque<Event>,
    flight: Option<Flight>,
    /// No stamp of this epoch or an earlier one may be given again.
    floor: u64,
    /// What is known may never have been.
    is_outdated: bool,
    /// What was said last, for whoever must know it after a panic.
    in_hand: Option<InHand>,
    /// What made earlier lives of this session panic.
    skipped: Vec<InHand>,
    /// The session starts paused, for it panicked too often.
    starts_paused: bool,
}

impl Replica {
    /// A session that is to be loaded: the first output is [`Output::Load`].
    #[must_use]
    pub const fn new(node: NodeId, limits: Limits) -> Self {
        Self {
            node,
            limits,
            live: None,
            inbox: VecDeque::new(),
            flight: Some(Flight::Load),
            floor: 0,
            is_outdated: false,
            in_hand: None,
            skipped: Vec::new(),
            starts_paused: false,
        }
    }

    /// The same after lives that panicked: what is `skipped` is answered and not stepped.
    #[must_use]
    pub fn after_panics(self, skipped: Vec<InHand>, starts_paused: bool) -> Self {
        Self { skipped, starts_paused, ..self }
    }

    /// The database's answer to a load. The new epoch is durable before anything is shown under it.
    pub fn loaded(
        &mut self,
        now: Micros,
        record: Option<(Record, Arc<Queue>)>,
        last_beat: Option<Micros>,
        outputs: &mut Vec<Output>,
    ) {
        let stored = record.as_ref().map(|(record, _)| (record.stamp, record.queue_revision()));
        self.in_hand = None;
        let mut state = match record {
            Some(record) => SessionState::load(now, record, self.node, last_beat, self.floor, self.limits),
            None => SessionState::new(now, self.floor, self.node, self.limits),
        };
        if std::mem::take(&mut self.starts_paused) {
            state.rest(now);
        }
        let live = Live { state, stored };
        outputs.push(Output::Commit(live.change()));
        self.flight = Some(Flight::Begin(Box::new(live)));
    }

    /// Something happens.
    pub fn take_in(&mut self, now: Micros, event: Event, outputs: &mut Vec<Output>) {
        self.inbox.push_back(event);
        self.go_on(now, outputs);
    }

    /// The database was put back: the session is loaded anew as soon as nothing is in flight.
    pub fn outdate(&mut self, now: Micros, outputs: &mut Vec<Output>) {
        self.is_outdated = true;
        self.go_on(now, outputs);
    }

    fn go_on(&mut self, now: Micros, outputs: &mut Vec<Output>) {
        if self.is_outdated && self.flight.is_none() {
            self.restart("the database was put back".to_owned(), outputs);
        }
        if self.flight.is_none() && !self.inbox.is_empty() {
            let events = self.inbox.drain(..).collect();
            self.step(now, events, outputs);
        }
    }

    fn step(&mut self, now: Micros, events: Vec<Event>, outputs: &mut Vec<Output>) {
        let Some(live) = &mut self.live else { return };
        let before = live.state.clone();
        let mut effects = Vec::new();
        for event in &events {
            self.in_hand = named(&live.state, event);
            if let Some(answer) = skip(&self.skipped, self.in_hand, event) {
                effects.extend(answer);
                continue;
            }
            live.state.step(now, event.clone(), &mut effects);
            if let Err(violation) = live.state.check() {
                panic!("invariant {} does not hold: {}", violation.number, violation.rule);
            }
        }
        let durability = effects.iter().filter_map(|effect| match effect {
            Effect::Commit(durability) => Some(*durability),
            _ => None,
        });
        match durability.max() {
            Some(Durability::Now) => {
                outputs.push(Output::Commit(live.change()));
                self.flight = Some(Flight::Change { before: Box::new(before), events, effects });
            }
            Some(Durability::Soon) => {
                self.release(before.shown(), effects, outputs);
                outputs.push(Output::WriteSoon);
            }
            None => self.release(before.shown(), effects, outputs),
        }
    }

    fn release(&self, before: Shown, effects: Vec<Effect>, outputs: &mut Vec<Output>) {
        let news = |live: &&Live| !effects.is_empty() || live.state.shown() != before;
        if let Some(live) = self.live.as_ref().filter(news) {
            outputs.push(Output::Release(before, Box::new(live.state.clone()), effects));
        }
    }

    /// What became of a commit.
    pub fn committed(&mut self, now: Micros, outcome: Outcome, outputs: &mut Vec<Output>) {
        let Some(flight) = self.flight.take() else { return };
        let trouble = match &outcome {
            Outcome::Committed => String::new(),
            Outcome::Conflict(_) => "another record stands in the database".to_owned(),
            Outcome::NotSent(error) => format!("a change was not written: {error}"),
            Outcome::Unknown(error) => format!("a commit has no answer: {error}"),
        };
        match (flight, outcome) {
            (Flight::Load, _) => {}
            (Flight::Begin(live), Outcome::Committed) => {
                self.live = Some(*live);
                self.stored();
            }
            (Flight::Begin(_), _) => {
                self.flight = Some(Flight::Load);
                outputs.push(Output::LoadAgain(trouble));
            }
            (Flight::Change { before, effects, .. }, Outcome::Committed) => {
                self.stored();
                self.release(before.shown(), effects, outputs);
            }
            (Flight::Change { before, events, .. }, Outcome::NotSent(error)) => {
                log::warn!("a change of a session was not written: {error}");
                self.undo(now, *before, events, outputs);
            }
            (Flight::Write, Outcome::Committed) => self.stored(),
            (Flight::Write, Outcome::NotSent(_)) => outputs.push(Output::WriteSoon),
            (_, Outcome::Conflict(_) | Outcome::Unknown(_)) => self.restart(trouble, outputs),
        }
        self.go_on(now, outputs);
    }

    fn restart(&mut self, why: String, outputs: &mut Vec<Output>) {
        self.is_outdated = false;
        if let Some(live) = self.live.take() {
            self.floor = self.floor.max(live.state.record().stamp.epoch);
        }
        self.inbox.clear();
        self.flight = Some(Flight::Load);
        outputs.push(Output::Restart(why));
        outputs.push(Output::Load);
    }

    /// What needed the database did not happen; the rest of what came with it does.
    fn undo(&mut self, now: Micros, before: SessionState, events: Vec<Event>, outputs: &mut Vec<Output>) {
        let shown = before.shown();
        if let Some(live) = &mut self.live {
            live.state = before;
        }
        let (mut light, mut effects) = (Vec::new(), Vec::new());
        for event in events {
            match event {
                Event::Said { connection, said: said @ Said::Command { .. } } => {
                    effects.extend(said.commands().map(|id| Effect::Reject(connection, id, UNAVAILABLE)));
                }
                Event::Join(join) if self.live.as_ref().is_some_and(|live| live.state.lost_stamp(&join).is_some()) => {
                    effects.push(Effect::Close(join.connection, CloseReason::Unavailable));
                }
                Event::Said { connection, said } if needs_commit(&said) => {
                    effects.push(Effect::ShowPlayback(connection));
                }
                other => light.push(other),
            }
        }
        self.release(shown, effects, outputs);
        if !light.is_empty() {
            self.step(now, light, outputs);
        }
    }

    /// Writes what was shown already, if it is not written.
    pub fn write(&mut self, outputs: &mut Vec<Output>) {
        let Some(live) = self.live.as_ref().filter(|live| !live.is_stored()) else { return };
        if self.flight.is_some() {
            outputs.push(Output::WriteSoon);
        } else {
            outputs.push(Output::Commit(live.change()));
            self.flight = Some(Flight::Write);
        }
    }

    /// The present record stands in the database.
    fn stored(&mut self) {
        if let Some(live) = &mut self.live {
            let record = live.state.record();
            live.stored = Some((record.stamp, record.queue_revision()));
        }
    }

    /// What was said last.
    #[must_use]
    pub const fn in_hand(&self) -> Option<InHand> {
        self.in_hand
    }

    /// The session, once it is loaded.
    #[must_use]
    pub fn state(&self) -> Option<&SessionState> {
        self.live.as_ref().map(|live| &live.state)
    }

    /// Whether the database has what was shown, or nothing was.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        self.live.as_ref().is_none_or(Live::is_stored)
    }

    /// Whether an answer of the database is waited for.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        self.flight.is_some()
    }

    /// How many events wait for it.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.inbox.len()
    }
}

/// The name of what a device says, should it be in hand when this panics.
fn named(state: &SessionState, event: &Event) -> Option<InHand> {
    let Event::Said { connection, said } = event else { return None };
    state.devices().by_connection(*connection).map(|device| InHand::of(device.id, said))
}

/// What is answered in place of stepping what made earlier lives panic.
fn skip(skipped: &[InHand], in_hand: Option<InHand>, event: &Event) -> Option<Vec<Effect>> {
    let Event::Said { connection, said } = event else { return None };
    in_hand.filter(|in_hand| skipped.contains(in_hand))?;
    let answer: Vec<Effect> = said.commands().map(|id| Effect::Reject(*connection, id, SKIPPED)).collect();
    Some(if answer.is_empty() { vec![Effect::ShowPlayback(*connection)] } else { answer })
}

/// Whether what a device says may change something that must be durable before it is shown.
const fn needs_commit(said: &Said) -> bool {
    match said {
        Said::Command { .. } | Said::Ended(_) => true,
        Said::Report(report) => matches!(report.status, Sound::Failed),
        Said::Yield(yielded) => yielded.to.is_some(),
        Said::Ready(_) | Said::Volume(_) | Said::Queue { .. } | Said::Alive => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_new_asks_for_nothing() {
        let (mut replica, mut outputs) = (Replica::new(NodeId(1), Limits::default()), Vec::new());
        replica.loaded(Micros(0), None, None, &mut outputs);
        replica.committed(Micros(0), Outcome::Committed, &mut outputs);
        outputs.clear();
        replica.take_in(Micros(1), Event::Deadline, &mut outputs);
        assert!(outputs.is_empty(), "{outputs:?}");
    }
}
