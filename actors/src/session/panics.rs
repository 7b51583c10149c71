//! The panics of a node's sessions, kept in memory (R4): an event that was being processed at two panics of a session
//! is skipped when it comes again, and a session that panicked three times within a minute is started paused.

use crate::protocol::ids::{CommandId, DeviceId, Micros, UserId};
use crate::protocol::messages::RejectCode;
use crate::state::{DeviceEvent, Effect, Event, Reject, SessionState};
use std::collections::HashMap;
use std::mem::Discriminant;

/// How long a panic is kept, in milliseconds.
const KEPT_MS: i64 = 10 * 60 * 1000;
/// How many panics of one user are kept, the newest ones.
const KEPT: usize = 32;
/// For how many users panics are kept.
const USERS: usize = 1_024;
/// An event is skipped after it was being processed at this many panics.
const SKIPPED_AFTER: usize = 2;
/// A session is started paused after this many panics within [`PAUSED_WITHIN_MS`].
const PAUSED_AFTER: usize = 3;
/// The time of [`PAUSED_AFTER`], in milliseconds.
const PAUSED_WITHIN_MS: i64 = 60_000;
const SKIPPED: Reject =
    Reject::new(RejectCode::Invalid, "this command made the server fail twice and is not tried again");

/// By which a device event is recognised when it comes again: the device, and a command's id (it is sent again under
/// the same id) or the kind of any other event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventKey(DeviceId, EventName);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EventName {
    Command(CommandId),
    Kind(Discriminant<DeviceEvent>),
}

impl EventKey {
    /// The key of an event of this device.
    #[must_use]
    pub fn of(device_id: DeviceId, event: &DeviceEvent) -> Self {
        Self(
            device_id,
            match event {
                DeviceEvent::Command { command, .. } => EventName::Command(command.id),
                _ => EventName::Kind(std::mem::discriminant(event)),
            },
        )
    }
}

/// The key of a device event that is about to be stepped, to be noted if the step panics; `None` for other events.
pub(crate) fn named(state: &SessionState, event: &Event) -> Option<EventKey> {
    let Event::Device { connection, event } = event else { return None };
    state.devices().by_connection(*connection).map(|device| EventKey::of(device.id, event))
}

/// The effects that answer an event which is `skipped`; `None`: the event is stepped.
pub(crate) fn skip(skipped: &[EventKey], processing: Option<EventKey>, event: &Event) -> Option<Vec<Effect>> {
    let Event::Device { connection, event } = event else { return None };
    processing.filter(|processing| skipped.contains(processing))?;
    let answer: Vec<Effect> = event.commands().map(|id| Effect::Reject(*connection, id, SKIPPED)).collect();
    Some(if answer.is_empty() { vec![Effect::ShowPlayback(*connection)] } else { answer })
}

/// The panics of a node's sessions.
#[derive(Debug, Default)]
pub struct Panics(HashMap<UserId, Vec<(Micros, Option<EventKey>)>>);

impl Panics {
    /// Notes that a user's session panicked while it was processing this event.
    pub fn note(&mut self, user: UserId, now: Micros, processing: Option<EventKey>) {
        self.0.retain(|_, panics| {
            panics.retain(|(at, _)| now.since_ms(*at) < KEPT_MS);
            !panics.is_empty()
        });
        if self.0.len() < USERS || self.0.contains_key(&user) {
            let panics = self.0.entry(user).or_default();
            panics.push((now, processing));
            panics.drain(..panics.len().saturating_sub(KEPT));
        }
    }

    /// When the user's session panicked last.
    #[must_use]
    pub fn last(&self, user: UserId) -> Option<Micros> {
        self.0.get(&user)?.last().map(|(at, _)| *at)
    }

    /// Which events the next run of the user's session skips, and whether it starts paused.
    #[must_use]
    pub fn recovery(&self, user: UserId, now: Micros) -> (Vec<EventKey>, bool) {
        let panics = self.0.get(&user).map(Vec::as_slice).unwrap_or_default();
        let recent = panics.iter().filter(|(at, _)| now.since_ms(*at) < KEPT_MS);
        let processing: Vec<EventKey> = recent.filter_map(|(_, processing)| *processing).collect();
        let times = |event: &EventKey| processing.iter().filter(|other| *other == event).count();
        let mut skipped: Vec<EventKey> = Vec::new();
        for event in &processing {
            if times(event) >= SKIPPED_AFTER && !skipped.contains(event) {
                skipped.push(*event);
            }
        }
        let lately = panics.iter().filter(|(at, _)| now.since_ms(*at) < PAUSED_WITHIN_MS).count();
        (skipped, lately >= PAUSED_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: UserId = UserId(1);

    #[test]
    fn the_second_panic_skips_and_the_third_pauses() {
        let (mut panics, start) = (Panics::default(), Micros(0));
        let (ended, pong) =
            (EventKey(DeviceId(1), EventName::Command(CommandId(7))), EventKey::of(DeviceId(1), &DeviceEvent::Alive));
        for (ms, processing, recovery) in [
            (0, Some(ended), (vec![], false)),
            (1_000, Some(pong), (vec![], false)),
            (59_999, Some(ended), (vec![ended], true)),
            (61_500, None, (vec![ended], false)),
        ] {
            panics.note(ANNA, start.plus_ms(ms), processing);
            assert_eq!(panics.recovery(ANNA, start.plus_ms(ms)), recovery, "at {ms}");
        }
        assert_eq!(panics.recovery(UserId(2), start), (vec![], false), "other users are not affected");
        let later = start.plus_ms(KEPT_MS + 60_000);
        assert_eq!(panics.recovery(ANNA, later), (vec![], false), "panics of long ago do not count");
    }

    #[test]
    fn the_kept_panics_are_bounded() {
        let mut panics = Panics::default();
        for n in 0..5_000 {
            panics.note(UserId(n), Micros(0), None);
            panics.note(ANNA, Micros(0), None);
        }
        assert!(panics.0.len() <= USERS);
        assert!(panics.0.values().all(|panics| panics.len() <= KEPT));
    }
}
