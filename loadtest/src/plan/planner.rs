//! The open loop: what people do is planned by rates alone, whether or not the server keeps up.

use super::random::Random;
use super::scenario::{PerHour, Scenario, Times};
use super::zipf::Zipf;
use crate::number::{micros, real_len};

/// What a person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    /// Goes to another place in the track.
    Seek,
    /// Pauses what plays, or plays what is paused.
    Pause,
    /// Goes to the next track.
    Next,
    /// Moves the music to another device.
    Transfer,
    /// Adds a track to the queue.
    Insert,
}

/// One thing that is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// When, in microseconds of the run's clock: latency counts from here.
    pub at_us: i64,
    /// The place of the user among the listening ones of this part.
    pub user: usize,
    /// What the user does.
    pub deed: Deed,
}

/// Whether the user of this index listens, so that the share is met evenly.
#[must_use]
pub fn listens(index: usize, share: f64) -> bool {
    (real_len(index + 1) * share).floor() > (real_len(index) * share).floor()
}

/// The phases of a run, in microseconds of its clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phases {
    /// The first device connects.
    pub start_us: i64,
    /// All devices were to connect; people act from here on.
    pub hold_us: i64,
    /// The hold is over: no user acts any more.
    pub end_us: i64,
    /// The devices of each user must agree.
    pub over_us: i64,
}

impl Phases {
    /// The phases of a run that starts then.
    #[must_use]
    pub fn new(start_us: i64, times: Times) -> Self {
        let hold_us = start_us.saturating_add(micros(times.ramp_s));
        let end_us = hold_us.saturating_add(micros(times.hold_s));
        Self { start_us, hold_us, end_us, over_us: end_us.saturating_add(micros(times.end_s)) }
    }

    /// When device `index` of `all` connects.
    #[must_use]
    pub fn connect_us(&self, index: usize, all: usize) -> i64 {
        let ramp_us = i128::from(self.hold_us.saturating_sub(self.start_us));
        let (index, all) = (i128::try_from(index).unwrap_or(0), i128::try_from(all.max(1)).unwrap_or(1));
        self.start_us.saturating_add(i64::try_from(ramp_us * index / all).unwrap_or(0))
    }

    /// When the storms come.
    #[must_use]
    pub fn storms(&self, scenario: &Scenario) -> Vec<i64> {
        let Some(storm) = scenario.storm else { return Vec::new() };
        let first_us = self.hold_us.saturating_add(micros(storm.first_s));
        let every_us = micros(storm.every_s);
        let most = if every_us == 0 { 1 } else { 10_000 };
        let instants = (0..most).map(|number| first_us.saturating_add(every_us.saturating_mul(number)));
        instants.take_while(|at| *at < self.end_us).collect()
    }
}

/// Plans what the listening users of one part do, in order of time.
#[derive(Debug, Clone)]
pub struct Planner {
    random: Random,
    zipf: Zipf,
    /// Each deed with its rate per user and hour, added up.
    sums: Vec<(Deed, f64)>,
    /// Mean time between two deeds of this part, in microseconds.
    gap_us: f64,
    at_us: i64,
    end_us: i64,
}

impl Planner {
    /// `zipf` draws from this part's listening users; `listening` of them are in all parts together.
    #[must_use]
    pub fn new(seed: u64, rates: PerHour, zipf: Zipf, listening: usize, phases: Phases) -> Self {
        let rates = [
            (Deed::Seek, rates.seek),
            (Deed::Pause, rates.pause),
            (Deed::Next, rates.next),
            (Deed::Transfer, rates.transfer),
            (Deed::Insert, rates.insert),
        ];
        let sums: Vec<(Deed, f64)> = rates
            .into_iter()
            .scan(0.0, |sum, (deed, rate)| {
                *sum += rate;
                Some((deed, *sum))
            })
            .collect();
        let per_hour = sums.last().map_or(0.0, |(_, sum)| *sum) * real_len(listening) * zipf.share();
        let gap_us = 3_600e6 / per_hour;
        Self { random: Random::new(seed), zipf, sums, gap_us, at_us: phases.hold_us, end_us: phases.end_us }
    }
}

impl Iterator for Planner {
    type Item = Planned;

    fn next(&mut self) -> Option<Planned> {
        if !self.gap_us.is_finite() {
            return None;
        }
        self.at_us = self.at_us.saturating_add(micros(self.random.exponential(self.gap_us) / 1e6));
        let all = self.sums.last()?.1;
        let wanted = self.random.unit() * all;
        let deed = self.sums.iter().find(|(_, sum)| *sum > wanted)?.0;
        let user = self.zipf.draw(&mut self.random);
        (self.at_us < self.end_us).then_some(Planned { at_us: self.at_us, user, deed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TIMES: Times = Times { ramp_s: 10.0, hold_s: 3_600.0, end_s: 5.0 };

    fn planner(seed: u64, parts: usize) -> Vec<Vec<Planned>> {
        let phases = Phases::new(1_000_000, TIMES);
        let rates = PerHour { seek: 2.0, next: 8.0, ..PerHour::default() };
        let part = |part: usize| {
            let own: Vec<usize> = (part..100).step_by(parts).collect();
            Planner::new(seed, rates, Zipf::new(&own, 100, 0.8), 100, phases).collect()
        };
        (0..parts).map(part).collect()
    }

    #[test]
    fn the_rates_are_met_however_many_parts_there_are() {
        for parts in [1, 3] {
            let all: Vec<Planned> = planner(5, parts).concat();
            assert!((900..1_100).contains(&all.len()), "10 an hour each of 100: {}", all.len());
            let seeks = all.iter().filter(|planned| planned.deed == Deed::Seek).count();
            assert!((150..250).contains(&seeks), "a fifth: {seeks}");
        }
    }

    #[test]
    fn a_plan_without_rates_is_empty() {
        let phases = Phases::new(0, TIMES);
        assert_eq!(Planner::new(1, PerHour::default(), Zipf::new(&[0], 1, 1.0), 1, phases).next(), None);
        let rates = PerHour { seek: 1.0, ..PerHour::default() };
        assert_eq!(Planner::new(1, rates, Zipf::new(&[], 0, 1.0), 0, phases).next(), None);
    }

    #[test]
    fn storms_come_within_the_hold() {
        let (_, text) = super::super::scenario::READY[1];
        let scenario = Scenario::parse(text).expect("it is good");
        let phases = Phases::new(0, scenario.time);
        assert_eq!(phases.storms(&scenario), [40_000_000, 65_000_000]);
    }

    proptest! {
        #[test]
        fn a_plan_is_in_order_within_the_hold_and_the_same_for_a_seed(seed: u64, parts in 1_usize..5) {
            let plans = planner(seed, parts);
            prop_assert_eq!(&plans, &planner(seed, parts));
            for plan in plans {
                prop_assert!(plan.windows(2).all(|pair| pair[0].at_us <= pair[1].at_us));
                prop_assert!(plan.iter().all(|planned| (11_000_000..3_611_000_000).contains(&planned.at_us)));
            }
        }

        #[test]
        fn the_share_that_listens_is_met(share in 0.0..=1.0_f64, users in 0_usize..2_000) {
            let listening = (0..users).filter(|index| listens(*index, share)).count();
            prop_assert!((real_len(listening) - real_len(users) * share).abs() <= 1.0);
        }

        #[test]
        fn devices_connect_in_order_within_the_ramp(all in 1_usize..10_000, index: usize) {
            let phases = Phases::new(7, TIMES);
            let index = index % all;
            prop_assert!((7..10_000_007).contains(&phases.connect_us(index, all)));
            prop_assert!(phases.connect_us(index, all) <= phases.connect_us(index + 1, all));
        }
    }
}
