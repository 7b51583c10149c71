//! One user: who listens, and what people do.

use super::book::{Book, Purpose, Shown};
use super::part::Part;
use crate::check::Check;
use crate::measure::Count;
use crate::number::{real, span_us, whole};
use crate::plan::planner::{Deed, Planned};
use segue_client::protocol::messages::TransferMode;
use segue_client::protocol::playback::{Intent, Repeat};
use segue_client::{CommandId, Input, MediaId, Op};

/// How far a user is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Some devices have not been welcomed yet.
    Joining,
    /// All were welcomed once, and the queue of the start was asked for.
    Acting,
    /// The end: the last pause waits for its `ack`.
    Pausing,
    /// It was acknowledged.
    Paused,
    /// The last seek waits for its `ack`.
    Seeking,
    /// The devices must agree.
    Resting,
    /// They were compared.
    Done,
}

/// A user.
pub(crate) struct Person {
    /// The index in the token file.
    pub(crate) index: usize,
    pub(crate) token: String,
    pub(crate) listens: bool,
    pub(crate) streams: bool,
    pub(crate) check: Check,
    pub(crate) book: Book,
    /// What each device was shown last.
    pub(crate) shown: Vec<Option<Shown>>,
    pub(crate) stage: Stage,
    /// Whether the queue of the start was acknowledged.
    pub(crate) has_started: bool,
    /// Inserts that were acknowledged.
    pub(crate) inserts: usize,
    /// The place of the last seek, in milliseconds, once it was acknowledged.
    pub(crate) sought_ms: Option<i64>,
    /// Since when all devices have shown the same.
    pub(crate) rests_since: Option<i64>,
}

impl Person {
    pub(crate) fn new(index: usize, token: String, devices: usize, listens: bool, streams: bool) -> Self {
        Self {
            index,
            token,
            listens,
            streams,
            check: Check::new(index, devices),
            book: Book::default(),
            shown: vec![None; devices],
            stage: Stage::Joining,
            has_started: false,
            inserts: 0,
            sought_ms: None,
            rests_since: None,
        }
    }
}

impl Part {
    /// A device of a person gives a command.
    pub(crate) fn give(&mut self, device: usize, op: Op<MediaId>, purpose: Purpose, planned_us: i64) {
        let id = CommandId(self.random.bits());
        let place = self.place(device);
        if let Some(person) = self.person_of(device) {
            person.book.given(id, purpose, place, planned_us);
            self.measures.count(Count::Commands, 1);
            self.step(device, Input::Command(id, op));
        }
    }

    /// All devices of a person have been welcomed: one of them begins to play.
    pub(crate) fn start_listening(&mut self, person: usize, now_us: i64) {
        let first = self.device_of(person, 0);
        let on = self.devices.get(first).and_then(|device| device.rules.device_id());
        let begin = self.random.below(self.setup.tracks.len());
        let tracks = self.setup.tracks.iter().cycle().skip(begin);
        let tracks = tracks.take(self.setup.scenario.users.queue).copied().collect();
        let play = Op::Play { item: None, tracks, start: None, position_ms: None, on };
        self.give(first, play, Purpose::Start, now_us);
        self.give(first, Op::Repeat { mode: Repeat::All }, Purpose::Other, now_us);
    }

    /// What was planned is done, on a random device of the person.
    pub(crate) fn act(&mut self, planned: Planned, now_us: i64) {
        self.measures.count(Count::Planned, 1);
        self.measures.time(crate::measure::Latency::Late, span_us(planned.at_us, now_us));
        let Some(person) = self.listeners.get(planned.user).copied() else { return };
        let place = self.random.below(self.setup.devices);
        let device = self.device_of(person, place);
        let has_started = self.people.get(person).is_some_and(|person| person.has_started);
        match self.op(device, planned.deed).filter(|_| has_started) {
            Some(op) => {
                let purpose = if planned.deed == Deed::Insert { Purpose::Insert } else { Purpose::Other };
                self.give(device, op, purpose, planned.at_us);
            }
            None => self.measures.count(Count::Skipped, 1),
        }
    }

    /// The command for what a person does, by what the device shows.
    fn op(&mut self, device: usize, deed: Deed) -> Option<Op<MediaId>> {
        let chance = self.random.unit();
        let rules = &self.devices.get(device)?.rules;
        let shown = rules.playback()?;
        let item = shown.item?;
        match deed {
            Deed::Seek => Some(Op::Seek { position_ms: part_of(item.duration_ms?, chance) }),
            Deed::Pause if shown.intent == Intent::Play => Some(Op::Pause),
            Deed::Pause => Some(Op::play(Vec::new())),
            Deed::Next => Some(Op::Next),
            Deed::Transfer => {
                let active = shown.active.map(|active| active.device_id);
                let first = device.checked_sub(self.place(device))?;
                let own = self.devices.get(first..first.checked_add(self.setup.devices)?)?;
                let others: Vec<_> = own.iter().filter_map(|device| device.rules.device_id()).collect();
                let others: Vec<_> = others.into_iter().filter(|id| Some(*id) != active).collect();
                let to = *others.get(self.random.below(others.len()))?;
                Some(Op::Transfer { to, mode: TransferMode::Keep })
            }
            Deed::Insert => {
                let track = *self.setup.tracks.get(self.random.below(self.setup.tracks.len()))?;
                Some(Op::QueueInsert { tracks: vec![track], after: None, before: None })
            }
        }
    }
}

/// A place in an item, in milliseconds: at most nine tenths of it, so that it does not end at once.
pub(crate) fn part_of(duration_ms: i64, chance: f64) -> i64 {
    let duration = real(u64::try_from(duration_ms).unwrap_or(0));
    i64::try_from(whole(duration * 0.9 * chance)).unwrap_or(0)
}
