//! Whether the device of a socket still sends frames (R8); a frame of any kind counts. The active device gets text
//! pings, which the code of a page can see, and is lost after `lease_ms` without a frame. An idle device gets WebSocket
//! pings, and is dropped after two without an answer.

use crate::node::Timing;
use crate::protocol::ids::Micros;

/// An idle device is dropped after this many unanswered pings.
const UNANSWERED: u8 = 2;

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LivenessAction {
    /// Nothing until [`Liveness::next`].
    Wait,
    /// Send a text ping.
    PingText,
    /// Send a WebSocket ping.
    PingProtocol,
    /// The device is lost: its last frame came at this instant.
    Dead(Micros),
}

/// How long a device that is probed has to answer, in milliseconds.
const PROBE_MS: i64 = 2_000;

/// The pings and the last frame of one socket.
#[derive(Debug, Clone, Copy)]
pub struct Liveness {
    timing: Timing,
    /// Since when the device is active; `None`: it is idle.
    active: Option<Micros>,
    heard: Micros,
    ping_due: Micros,
    unanswered: u8,
    /// It was probed, and is lost if no frame comes before this instant.
    probed_until: Option<Micros>,
}

impl Liveness {
    /// A socket that was opened `now`. `chance` is random: the first ping comes at a random point of the interval, so
    /// that devices that connected together are not pinged together.
    #[must_use]
    pub fn new(timing: Timing, now: Micros, chance: u64) -> Self {
        let share = i64::try_from(chance % 1000).unwrap_or(0);
        let first_ms = timing.idle_ms.saturating_mul(share) / 1000;
        Self { timing, active: None, heard: now, ping_due: now.plus_ms(first_ms), unanswered: 0, probed_until: None }
    }

    /// A frame of any kind came. Returns whether it answers a probe.
    pub fn hear(&mut self, now: Micros) -> bool {
        self.heard = now;
        self.unanswered = 0;
        self.probed_until.take().is_some()
    }

    /// The device is probed; the deadline of an earlier probe without an answer stays.
    pub fn probe(&mut self, now: Micros) {
        self.probed_until.get_or_insert(now.plus_ms(PROBE_MS));
    }

    /// When the last frame came.
    #[must_use]
    pub const fn heard(&self) -> Micros {
        self.heard
    }

    /// The device is the active one that is to play now, or no longer is.
    pub fn watch(&mut self, now: Micros, is_active: bool) {
        if self.active.is_some() != is_active {
            self.active = is_active.then_some(now);
            self.unanswered = 0;
            self.ping_due = if is_active { now } else { now.plus_ms(self.timing.idle_ms) };
        }
    }

    /// When [`Liveness::check`] has something to do.
    #[must_use]
    pub fn next(&self) -> Micros {
        self.lost_at().map_or(self.ping_due, |lost_at| lost_at.min(self.ping_due))
    }

    /// When the device is lost if no frame comes. A device that becomes active may have sent none for a long time: its
    /// time begins anew then.
    fn lost_at(&self) -> Option<Micros> {
        let silent_at = self.active.map(|active| active.max(self.heard).plus_ms(self.timing.lease_ms));
        [silent_at, self.probed_until].into_iter().flatten().min()
    }

    /// What is to be done at `now`.
    pub fn check(&mut self, now: Micros) -> LivenessAction {
        if self.lost_at().is_some_and(|lost_at| lost_at <= now) {
            return LivenessAction::Dead(self.heard);
        }
        if now < self.ping_due {
            return LivenessAction::Wait;
        }
        if self.active.is_some() {
            self.ping_due = now.plus_ms(self.timing.heartbeat_ms);
            return LivenessAction::PingText;
        }
        if self.unanswered >= UNANSWERED {
            return LivenessAction::Dead(self.heard);
        }
        self.unanswered = self.unanswered.saturating_add(1);
        self.ping_due = now.plus_ms(self.timing.idle_ms);
        LivenessAction::PingProtocol
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMING: Timing = Timing::of_heartbeat(2_000);

    fn run_until_dead(
        mut liveness: Liveness,
        mut answer: impl FnMut(LivenessAction, &mut Liveness, Micros),
    ) -> (Vec<LivenessAction>, i64) {
        let mut actions = Vec::new();
        for _ in 0..50 {
            let now = liveness.next();
            let action = liveness.check(now);
            actions.push(action);
            if matches!(action, LivenessAction::Dead(_)) {
                return (actions, now.0 / 1000);
            }
            answer(action, &mut liveness, now);
        }
        (actions, i64::MAX)
    }

    #[test]
    fn an_idle_device_is_dropped_after_two_unanswered_pings() {
        for (chance, dead_ms) in [(0, 40_000), (500, 50_000), (999, 59_980)] {
            let (actions, ms) = run_until_dead(Liveness::new(TIMING, Micros(0), chance), |_, _, _| ());
            assert_eq!(
                actions,
                [LivenessAction::PingProtocol, LivenessAction::PingProtocol, LivenessAction::Dead(Micros(0))]
            );
            assert_eq!(ms, dead_ms);
        }
    }

    #[test]
    fn an_active_device_is_lost_after_the_lease() {
        let mut liveness = Liveness::new(TIMING, Micros(0), 0);
        liveness.watch(Micros(0), true);
        let (actions, ms) = run_until_dead(liveness, |_, _, _| ());
        assert_eq!(
            actions,
            [
                LivenessAction::PingText,
                LivenessAction::PingText,
                LivenessAction::PingText,
                LivenessAction::Dead(Micros(0))
            ]
        );
        assert_eq!(ms, 5_000);
    }

    #[test]
    fn one_that_answers_is_not_lost() {
        for is_active in [false, true] {
            let mut liveness = Liveness::new(TIMING, Micros(0), 7);
            liveness.watch(Micros(0), is_active);
            let (_, ms) = run_until_dead(liveness, |_, liveness, now| _ = liveness.hear(now.plus_ms(20)));
            assert_eq!(ms, i64::MAX);
        }
    }

    #[test]
    fn t52_a_device_that_is_asked_answers_in_two_seconds_or_is_dead() {
        let mut liveness = Liveness::new(TIMING, Micros(0), 999);
        liveness.probe(Micros(1_000_000));
        liveness.probe(Micros(2_900_000));
        assert_eq!(liveness.next(), Micros(3_000_000), "a second probe does not move the deadline");
        assert_eq!(liveness.check(Micros(2_999_999)), LivenessAction::Wait);
        let mut answers = liveness;
        assert!(answers.hear(Micros(2_999_999)));
        assert!(!answers.hear(Micros(2_999_999)), "a probe is answered once");
        assert_eq!(answers.check(Micros(3_000_000)), LivenessAction::Wait);
        assert_eq!(liveness.check(Micros(3_000_000)), LivenessAction::Dead(Micros(0)));
    }

    #[test]
    fn a_device_that_becomes_active_is_pinged_at_once() {
        let mut liveness = Liveness::new(TIMING, Micros(0), 999);
        assert_eq!(liveness.check(Micros(10_000_000)), LivenessAction::Wait);
        liveness.watch(Micros(10_000_000), true);
        assert_eq!(
            liveness.check(Micros(10_000_000)),
            LivenessAction::PingText,
            "silent for 10 s as an idle device, and not lost"
        );
        assert_eq!(liveness.next(), Micros(12_000_000));
        liveness.watch(Micros(11_000_000), false);
        assert_eq!(liveness.check(Micros(19_000_000)), LivenessAction::Wait, "idle again: no ping is due");
    }
}
