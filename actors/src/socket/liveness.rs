//! Whether the device of a socket still sends frames (R8); a frame of any kind counts. Devices ask for the time at
//! intervals of their own, which shows both sides that the other is there; only one that has been silent for longer is
//! pinged. The active device gets a text ping, which the code of a page can see, any other one a WebSocket ping.

use crate::node::Timing;
use crate::protocol::ids::Micros;

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

/// The last frame of one socket, and what is due if no other comes.
#[derive(Debug, Clone, Copy)]
pub struct Liveness {
    timing: Timing,
    is_active: bool,
    /// Silence counts from this instant: the last frame, or when the device became active or idle, if that was later.
    since: Micros,
    heard: Micros,
    /// When the next ping is sent, if no frame comes.
    ping_due: Micros,
    /// It was probed, and is lost if no frame comes before this instant.
    probed_until: Option<Micros>,
}

impl Liveness {
    /// A socket that was opened `now`, of a device that is not active.
    #[must_use]
    pub fn new(timing: Timing, now: Micros) -> Self {
        let ping_due = now.plus_ms(timing.ping_after_ms(false));
        Self { timing, is_active: false, since: now, heard: now, ping_due, probed_until: None }
    }

    /// A frame of any kind came. Returns whether it answers a probe.
    pub fn hear(&mut self, now: Micros) -> bool {
        self.heard = now;
        self.since = now;
        self.ping_due = now.plus_ms(self.timing.ping_after_ms(self.is_active));
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

    /// The device is the active one that is to play now, or no longer is. One that becomes active is pinged at once,
    /// because it may have been silent for long; its time begins anew then.
    pub fn watch(&mut self, now: Micros, is_active: bool) {
        if self.is_active != is_active {
            self.is_active = is_active;
            self.since = now;
            self.ping_due = if is_active { now } else { now.plus_ms(self.timing.ping_after_ms(false)) };
        }
    }

    /// When [`Liveness::check`] has something to do.
    #[must_use]
    pub fn next(&self) -> Micros {
        self.ping_due.min(self.lost_at())
    }

    /// When the device is lost if no frame comes.
    fn lost_at(&self) -> Micros {
        let silent_at = self.since.plus_ms(self.timing.lost_after_ms(self.is_active));
        self.probed_until.map_or(silent_at, |until| until.min(silent_at))
    }

    /// What is to be done at `now`.
    pub fn check(&mut self, now: Micros) -> LivenessAction {
        if self.lost_at() <= now {
            return LivenessAction::Dead(self.heard);
        }
        if now < self.ping_due {
            return LivenessAction::Wait;
        }
        self.ping_due = now.plus_ms(self.timing.ping_after_ms(self.is_active));
        if self.is_active { LivenessAction::PingText } else { LivenessAction::PingProtocol }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMING: Timing = Timing::of_heartbeat(2_000);

    fn ms(ms: i64) -> Micros {
        Micros(ms * 1000)
    }

    /// What is done at which millisecond, up to the loss or 20 actions.
    fn run(mut liveness: Liveness, mut heard: impl FnMut(i64) -> Option<i64>) -> Vec<(i64, LivenessAction)> {
        let mut actions = Vec::new();
        while actions.len() < 20 {
            let next = liveness.next();
            if let Some(frame) = heard(next.0 / 1000) {
                _ = liveness.hear(ms(frame));
                continue;
            }
            let action = liveness.check(next);
            actions.push((next.0 / 1000, action));
            if matches!(action, LivenessAction::Dead(_)) {
                break;
            }
        }
        actions
    }

    #[test]
    fn an_idle_device_is_pinged_after_35_s_of_silence_and_dropped_after_55_s() {
        let dropped = [(35_000, LivenessAction::PingProtocol), (55_000, LivenessAction::Dead(ms(0)))];
        assert_eq!(run(Liveness::new(TIMING, ms(0)), |_| None), dropped);
    }

    #[test]
    fn an_active_device_is_pinged_after_3_s_of_silence_and_lost_after_the_lease() {
        let mut liveness = Liveness::new(TIMING, ms(0));
        liveness.watch(ms(0), true);
        let pings = [0, 3_000].map(|at| (at, LivenessAction::PingText));
        let lost = (5_000, LivenessAction::Dead(ms(0)));
        assert_eq!(run(liveness, |_| None), [&pings[..], &[lost]].concat());
        liveness.hear(ms(100));
        assert_eq!(
            run(liveness, |_| None),
            [(3_100, LivenessAction::PingText), (5_100, LivenessAction::Dead(ms(100)))]
        );
    }

    #[test]
    fn one_that_speaks_by_itself_is_never_pinged_and_one_that_only_answers_is_never_lost() {
        for (is_active, every_ms) in [(false, 30_000), (true, 2_500)] {
            let mut liveness = Liveness::new(TIMING, ms(0));
            liveness.watch(ms(0), is_active);
            liveness.hear(ms(0));
            let mut spoken = 0;
            let speaks = |next: i64| {
                spoken += every_ms;
                (spoken < next && spoken < 600_000).then_some(spoken)
            };
            let silent_from = 600_000 - every_ms;
            let pinged = run(liveness, speaks).first().map(|(at, _)| *at);
            assert_eq!(pinged, Some(silent_from + TIMING.ping_after_ms(is_active)));
            let mut answers = liveness;
            for _ in 0..50 {
                let now = answers.next();
                assert!(!matches!(answers.check(now), LivenessAction::Dead(_)));
                answers.hear(now.plus_ms(20));
            }
        }
    }

    #[test]
    fn a_lease_that_is_short_leaves_time_for_a_ping() {
        for lease_ms in [2_001, 2_500, 5_000] {
            let timing = Timing { lease_ms, ..TIMING };
            assert!(timing.ping_after_ms(true) < lease_ms, "{lease_ms}");
        }
    }

    #[test]
    fn t52_a_device_that_is_asked_answers_in_two_seconds_or_is_dead() {
        let mut liveness = Liveness::new(TIMING, ms(0));
        liveness.probe(ms(1_000));
        liveness.probe(ms(2_900));
        assert_eq!(liveness.next(), ms(3_000), "a second probe does not move the deadline");
        assert_eq!(liveness.check(Micros(2_999_999)), LivenessAction::Wait);
        let mut answers = liveness;
        assert!(answers.hear(Micros(2_999_999)));
        assert!(!answers.hear(Micros(2_999_999)), "a probe is answered once");
        assert_eq!(answers.check(ms(3_000)), LivenessAction::Wait);
        assert_eq!(liveness.check(ms(3_000)), LivenessAction::Dead(ms(0)));
    }

    #[test]
    fn a_device_that_becomes_active_is_pinged_at_once() {
        let mut liveness = Liveness::new(TIMING, ms(0));
        assert_eq!(liveness.check(ms(10_000)), LivenessAction::Wait);
        liveness.watch(ms(10_000), true);
        let action = liveness.check(ms(10_000));
        assert_eq!(action, LivenessAction::PingText, "silent for 10 s as an idle device, and not lost");
        assert_eq!(liveness.next(), ms(13_000));
        liveness.watch(ms(11_000), false);
        assert_eq!(liveness.check(ms(19_000)), LivenessAction::Wait, "idle again: no ping is due");
    }
}
