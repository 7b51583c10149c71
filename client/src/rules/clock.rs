//! The server's time as a client computes it: from the probe with the least round trip among the last ones.

use crate::protocol::ids::Micros;
use std::collections::VecDeque;

/// Probes sent one after the other on connect and on wake.
pub(super) const BURST: u8 = 8;
/// Answered probes that are kept.
const KEPT: usize = 8;

/// How far two clocks may drift apart, in millionths: twice what a cheap quartz does.
const DRIFT_PPM: i64 = 400;
/// An error bound of the clock up to this, in microseconds, is ignored. Both devices of a switch may be wrong by as
/// much: less than what is heard as an echo.
const TRUSTED_US: i64 = 20_000;

/// An answered probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sample {
    offset_us: i64,
    trip_us: i64,
}

/// What is added to the client's own clock to get the server's.
#[derive(Debug, Clone, Default)]
pub struct ServerTime {
    samples: VecDeque<Sample>,
    provisional_us: Option<i64>,
    learnt_us: i64,
    renews: bool,
    /// When the last sleep ended, in local time: answers to probes that were sent before are ignored.
    woke_us: Option<i64>,
}

impl ServerTime {
    /// Another clock: drops all that was measured of the old one. `now_us` is its time, received just now.
    pub fn restart(&mut self, local_us: i64, now_us: Micros) {
        self.samples.clear();
        self.renews = false;
        self.provisional_us = Some(now_us.0.saturating_sub(local_us));
    }

    /// The client's clock may have stopped during a sleep: the error is unknown until the next answer, which replaces
    /// all before it.
    pub const fn renew(&mut self, local_us: i64) {
        self.renews = true;
        self.woke_us = Some(local_us);
    }

    /// A probe sent at `client_us` was answered and the answer came at `local_us`.
    pub fn learn(&mut self, client_us: i64, received_us: Micros, sent_us: Micros, local_us: i64) {
        let trip_us = local_us.saturating_sub(client_us).saturating_sub(sent_us.since_us(received_us));
        let there_us = received_us.0.saturating_sub(client_us);
        let back_us = sent_us.0.saturating_sub(local_us);
        let offset_us = there_us.saturating_add(back_us).div_euclid(2);
        if trip_us < 0 || self.woke_us.is_some_and(|woke_us| client_us < woke_us) {
            return;
        }
        if std::mem::take(&mut self.renews) {
            self.samples.clear();
        }
        // Earlier samples may be wrong by what both clocks have drifted since.
        let drifted_us = self.drifted_us(local_us);
        for sample in &mut self.samples {
            sample.trip_us = sample.trip_us.saturating_add(drifted_us.saturating_mul(2));
        }
        self.learnt_us = local_us;
        if self.samples.len() == KEPT {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample { offset_us, trip_us });
    }

    fn best(&self) -> Option<Sample> {
        self.samples.iter().min_by_key(|sample| sample.trip_us).copied()
    }

    /// The server's time at `local_us` of the client's clock.
    #[must_use]
    pub fn at(&self, local_us: i64) -> Micros {
        let offset_us = self.best().map(|best| best.offset_us).or(self.provisional_us).unwrap_or(0);
        Micros(local_us.saturating_add(offset_us))
    }

    /// The client's time at the server's `instant`.
    #[must_use]
    pub fn local(&self, instant: Micros) -> i64 {
        instant.0.saturating_sub(self.at(0).0)
    }

    /// By how many microseconds the source of a switch is silent earlier and the target sounds later, because the clock
    /// may be wrong: a gap instead of an overlap. 0 before the first answer: a time that the server sent is too early
    /// by the way it took.
    #[must_use]
    pub fn caution_us(&self) -> i64 {
        self.best().map_or(0, |best| (best.trip_us / 2).saturating_sub(TRUSTED_US).max(0))
    }

    /// How far [`ServerTime::at`] may have been off at the last answer, in microseconds; `None` before the first one, and
    /// after a sleep.
    #[must_use]
    pub fn bound_us(&self) -> Option<i64> {
        self.best().filter(|_| !self.renews).map(|best| best.trip_us / 2)
    }

    /// As [`ServerTime::bound_us`], with what the clocks may have drifted from the last answer to `local_us`.
    #[must_use]
    pub fn bound_at(&self, local_us: i64) -> Option<i64> {
        self.bound_us().map(|bound_us| bound_us.saturating_add(self.drifted_us(local_us)))
    }

    /// Whether [`ServerTime::at`] may be off by more than a switch allows at `local_us`.
    #[must_use]
    pub fn is_rough(&self, local_us: i64) -> bool {
        self.bound_at(local_us).is_some_and(|bound_us| bound_us > TRUSTED_US)
    }

    /// By how many microseconds the two clocks may have drifted apart since the last answer.
    fn drifted_us(&self, local_us: i64) -> i64 {
        local_us.saturating_sub(self.learnt_us).max(0) / 1_000 * DRIFT_PPM / 1_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fastest_probe_decides_and_its_bound_holds() {
        let truth_us = 5_000_000;
        let mut time = ServerTime::default();
        time.restart(1_000, Micros(9_999));
        // (sent at, way there, at the server, way back)
        for (client_us, there_us, stay_us, back_us) in
            [(0, 9_000, 100, 1_000), (100_000, 400, 50, 600), (200_000, 200_000, 10, 5_000)]
        {
            let received_us = Micros(client_us + there_us + truth_us);
            let sent_us = Micros(received_us.0 + stay_us);
            time.learn(client_us, received_us, sent_us, client_us + there_us + stay_us + back_us);
            let error_us = (time.at(0).0 - truth_us).abs();
            assert!(time.bound_us().is_some_and(|bound_us| error_us <= bound_us), "{time:?}");
        }
        assert_eq!(
            (time.at(0).0 - truth_us, time.bound_us()),
            (-100, Some(621)),
            "half the round trip, and the drift since"
        );
        assert_eq!(time.local(time.at(77)), 77);
        time.restart(10, Micros(20));
        assert_eq!((time.at(10), time.bound_us()), (Micros(20), None), "a new clock, without an answered probe");
    }

    #[test]
    fn after_a_sleep_the_first_answer_counts_alone() {
        let mut time = ServerTime::default();
        time.learn(0, Micros(1_000_010), Micros(1_000_010), 20);
        time.renew(100);
        assert_eq!(
            (time.at(0), time.bound_us()),
            (Micros(1_000_000), None),
            "until then the old samples, without an error bound"
        );
        time.learn(90, Micros(1_800_000_000), Micros(1_800_000_000), 110);
        assert_eq!(time.bound_us(), None, "the probe was sent before the sleep");
        // The client's clock stood still for an hour, and the round trip is longer now.
        time.learn(100, Micros(3_601_000_600), Micros(3_601_000_600), 1_100);
        assert_eq!((time.at(0), time.bound_us()), (Micros(3_601_000_000), Some(500)));
        time.learn(2_000, Micros(3_601_002_010), Micros(3_601_002_010), 2_020);
        assert_eq!(time.bound_us(), Some(10), "later answers count as usual");
    }

    #[test]
    fn a_probe_answered_before_it_was_sent_is_no_probe() {
        let mut time = ServerTime::default();
        time.learn(1_000, Micros(5_000), Micros(9_000), 2_000);
        assert_eq!(time.bound_us(), None);
    }
}
