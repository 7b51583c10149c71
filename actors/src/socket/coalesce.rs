//! Coalescing (R11): of seeks and volumes that come faster than ten a second the newest stands for those before it. It
//! is held for at most 100 ms and always passed on.

use crate::protocol::ids::{CommandId, DeviceId, Micros};
use crate::protocol::messages::Op;
use crate::state::DeviceEvent;

/// The shortest time between two steps of one series, in milliseconds.
const STEP_MS: i64 = 100;

/// What a series changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Seek,
    Volume(Option<DeviceId>),
    OwnVolume,
}

impl Target {
    fn of(event: &DeviceEvent) -> Option<Self> {
        match event {
            DeviceEvent::Command { command, .. } => match command.op {
                Op::Seek { .. } => Some(Self::Seek),
                Op::Volume { device_id, level: Some(_), delta: None, .. } => Some(Self::Volume(device_id)),
                _ => None,
            },
            DeviceEvent::Volume(_) => Some(Self::OwnVolume),
            _ => None,
        }
    }
}

#[derive(Debug)]
struct Series {
    target: Target,
    /// The next step may be passed on from this instant.
    free_at: Micros,
    held: Option<DeviceEvent>,
}

/// The series of one socket.
#[derive(Debug, Default)]
pub struct Coalescer(Vec<Series>);

impl Coalescer {
    /// Takes in a device event; returns the events that are to be passed on now, in order.
    pub fn take(&mut self, now: Micros, event: DeviceEvent) -> Vec<DeviceEvent> {
        let Some(target) = Target::of(&event) else {
            // Any other command must come after the commands that are held, which were sent before it.
            let mut released = if matches!(event, DeviceEvent::Command { .. }) { self.flush() } else { Vec::new() };
            released.push(event);
            return released;
        };
        self.0.retain(|series| series.held.is_some() || series.free_at > now);
        let Some(series) = self.0.iter_mut().find(|series| series.target == target) else {
            self.0.push(Series { target, free_at: now.plus_ms(STEP_MS), held: None });
            return vec![event];
        };
        let (held, released) = match series.held.take() {
            None => (event, Vec::new()),
            Some(earlier) => match stand_for(&earlier, event) {
                Ok(both) => (both, Vec::new()),
                Err(event) => (event, vec![earlier]),
            },
        };
        series.held = Some(held);
        released
    }

    /// When the next held event is due.
    #[must_use]
    pub fn next(&self) -> Option<Micros> {
        self.0.iter().filter(|series| series.held.is_some()).map(|series| series.free_at).min()
    }

    /// The held events that are due at `now`: they are to be passed on.
    pub fn due(&mut self, now: Micros) -> Vec<DeviceEvent> {
        let mut due = Vec::new();
        for series in self.0.iter_mut().filter(|series| series.free_at <= now) {
            if let Some(event) = series.held.take() {
                series.free_at = now.plus_ms(STEP_MS);
                due.push(event);
            }
        }
        due
    }

    /// Everything that is held, at once.
    pub fn flush(&mut self) -> Vec<DeviceEvent> {
        self.0.iter_mut().filter_map(|series| series.held.take()).collect()
    }
}

/// One step of a series in place of two: the later one, if it sets all that the earlier one does. Otherwise the later
/// one comes back as the error.
fn stand_for(earlier: &DeviceEvent, later: DeviceEvent) -> Result<DeviceEvent, DeviceEvent> {
    match (earlier, later) {
        (DeviceEvent::Volume(_), later @ DeviceEvent::Volume(_)) => Ok(later),
        (DeviceEvent::Command { command: old, others: before, .. }, DeviceEvent::Command { command, seed, others }) => {
            let muted = |op: &Op<_>| match op {
                Op::Volume { muted, .. } => *muted,
                _ => None,
            };
            let is_alike = old.if_item == command.if_item
                && old.if_queue_revision == command.if_queue_revision
                && old.if_lease == command.if_lease
                && muted(&old.op) == muted(&command.op)
                && old.id != command.id;
            if !is_alike {
                return Err(DeviceEvent::Command { command, seed, others });
            }
            let all: Vec<CommandId> = before.iter().copied().chain([old.id]).chain(others).collect();
            Ok(DeviceEvent::Command { command, seed, others: all })
        }
        (_, later) => Err(later),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::messages::{Command, VolumeChange};

    fn command(id: u64, op: Op<crate::state::queue::Resolved>) -> DeviceEvent {
        let command = Command { id: CommandId(id), if_item: None, if_queue_revision: None, if_lease: None, op };
        DeviceEvent::Command { command: Box::new(command), seed: 0, others: Vec::new() }
    }

    fn seek(id: u64) -> DeviceEvent {
        command(id, Op::Seek { position_ms: i64::try_from(id).expect("small") })
    }

    fn volume(id: u64, muted: Option<bool>) -> DeviceEvent {
        command(id, Op::Volume { device_id: Some(DeviceId(1)), level: Some(5), delta: None, muted })
    }

    /// The id of each command, and the ids of those that it stands for.
    fn ids(event: &[DeviceEvent]) -> Vec<(u64, Vec<u64>)> {
        let id = |event: &DeviceEvent| match event {
            DeviceEvent::Command { command, others, .. } => (command.id.0, others.iter().map(|id| id.0).collect()),
            DeviceEvent::Volume(change) => (u64::from(change.level), Vec::new()),
            other => panic!("{other:?}"),
        };
        event.iter().map(id).collect()
    }

    #[test]
    fn t39_fifty_seeks_a_second_are_ten_and_the_last_arrives() {
        let (mut coalescer, mut steps) = (Coalescer::default(), Vec::new());
        for id in 1..=50 {
            let now = Micros(0).plus_ms(20 * (i64::try_from(id).expect("small") - 1));
            steps.extend(coalescer.due(now));
            steps.extend(coalescer.take(now, seek(id)));
        }
        while let Some(due) = coalescer.next() {
            steps.extend(coalescer.due(due));
        }
        let steps = ids(&steps);
        assert!(steps.len() <= 11, "ten a second: {}", steps.len());
        assert_eq!(steps.first(), Some(&(1, vec![])), "the first at once");
        assert_eq!(steps.last().map(|step| step.0), Some(50), "the last always");
        let all: Vec<u64> = steps.into_iter().flat_map(|(id, others)| others.into_iter().chain([id])).collect();
        assert_eq!(all, (1..=50).collect::<Vec<_>>(), "each is answered, in order");
    }

    #[test]
    fn another_command_comes_after_what_was_held_before_it() {
        let mut coalescer = Coalescer::default();
        assert_eq!(ids(&coalescer.take(Micros(0), seek(1))), [(1, vec![])]);
        assert_eq!(ids(&coalescer.take(Micros(1), seek(2))), []);
        assert_eq!(ids(&coalescer.take(Micros(2), volume(3, None))), [(3, vec![])], "another series has its own steps");
        assert_eq!(ids(&coalescer.take(Micros(3), command(4, Op::Pause))), [(2, vec![]), (4, vec![])]);
        assert_eq!(coalescer.next(), None);
    }

    #[test]
    fn a_step_that_sets_less_does_not_stand_for_one_that_sets_more() {
        let mut coalescer = Coalescer::default();
        coalescer.take(Micros(0), volume(1, None));
        assert_eq!(ids(&coalescer.take(Micros(1), volume(2, Some(true)))), []);
        assert_eq!(ids(&coalescer.take(Micros(2), volume(3, None))), [(2, vec![])], "it set muted as well");
        assert_eq!(
            ids(&coalescer.take(Micros(3), volume(3, None))),
            [(3, vec![])],
            "one that is sent twice is passed on twice"
        );
        assert_eq!(ids(&coalescer.flush()), [(3, vec![])]);
    }

    #[test]
    fn a_volume_turned_on_the_device_itself_is_coalesced_as_well() {
        let mut coalescer = Coalescer::default();
        let turned = |level| DeviceEvent::Volume(VolumeChange { level, muted: false, version: 0 });
        assert_eq!(coalescer.take(Micros(0), turned(1)).len(), 1);
        for level in 2..=40 {
            assert!(coalescer.take(Micros(1), turned(level)).is_empty());
        }
        assert_eq!(coalescer.next(), Some(Micros(100_000)));
        assert_eq!(ids(&coalescer.due(Micros(100_000))), [(40, vec![])]);
    }
}
