//! The end of a run: what plays is paused, and all devices of each user must come to agree.

use super::book::Purpose;
use super::part::Part;
use super::person::{Person, Stage, part_of};
use crate::check::Expected;
use segue_client::protocol::messages::ByeReason;
use segue_client::{Input, Op};

/// All devices of a user have shown the same for this long before they are compared, in microseconds.
const REST_US: i64 = 200_000;

impl Part {
    /// Brings all users nearer to rest. Returns whether all were compared.
    pub(crate) fn settle(&mut self, now_us: i64) -> bool {
        let mut is_done = true;
        for person in 0..self.people.len() {
            self.settle_person(person, now_us);
            is_done &= self.people.get(person).is_none_or(|person| person.stage == Stage::Done);
        }
        is_done
    }

    fn settle_person(&mut self, index: usize, now_us: i64) {
        let (first, devices) = (self.device_of(index, 0), self.setup.devices);
        let own = self.devices.get(first..first.saturating_add(devices)).unwrap_or_default();
        let are_welcomed = own.iter().all(|device| device.rules.link().is_welcomed());
        let shown: Vec<_> = own.iter().map(|device| device.rules.playback().cloned()).collect();
        let chance = self.random.unit();
        let Some(person) = self.people.get_mut(index) else { return };
        if person.book.unanswered() > 0 || !are_welcomed {
            person.rests_since = None;
            return;
        }
        let item = shown.first().and_then(Option::as_ref).and_then(|shown| shown.item);
        let shown: Vec<_> = shown.iter().map(Option::as_ref).collect();
        match person.stage {
            Stage::Acting if person.has_started => {
                person.stage = Stage::Pausing;
                self.give(first, Op::Pause, Purpose::LastPause, now_us);
            }
            Stage::Paused => {
                person.stage = Stage::Seeking;
                if let Some(duration_ms) = item.and_then(|item| item.duration_ms) {
                    let position_ms = part_of(duration_ms, chance);
                    self.give(first, Op::Seek { position_ms }, Purpose::LastSeek(position_ms), now_us);
                }
            }
            Stage::Joining | Stage::Acting | Stage::Pausing | Stage::Seeking => person.stage = Stage::Resting,
            Stage::Resting if !person.check.is_at_rest(&shown) => person.rests_since = None,
            Stage::Resting if now_us.saturating_sub(*person.rests_since.get_or_insert(now_us)) >= REST_US => {
                person.stage = Stage::Done;
                let expected = expected(person, self.setup.scenario.users.queue);
                person.check.rests(now_us, &shown, expected);
            }
            Stage::Resting | Stage::Done => {}
        }
    }

    /// The time is over: each user whose devices do not agree yet is a violation. All devices leave.
    pub(crate) fn close(&mut self) {
        for index in 0..self.people.len() {
            let first = self.device_of(index, 0);
            let own = self.devices.get(first..first.saturating_add(self.setup.devices)).unwrap_or_default();
            let lacking = own.iter().filter(|device| !device.rules.link().is_welcomed()).count();
            let Some(person) = self.people.get_mut(index).filter(|person| person.stage != Stage::Done) else {
                continue;
            };
            let (stage, waiting, shown) = (person.stage, person.book.unanswered(), &person.shown);
            let why = format!("{stage:?}: {lacking} devices not connected, {waiting} commands not answered, {shown:?}");
            person.check.unsettled(why);
        }
        for index in 0..self.devices.len() {
            self.step(index, Input::Leave(ByeReason::Close));
        }
    }
}

fn expected(person: &Person, queue: usize) -> Expected {
    let queue_length = person.has_started.then(|| queue.saturating_add(person.inserts));
    Expected { queue_length, position_ms: person.sought_ms }
}
