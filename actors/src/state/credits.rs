//! How much one socket may say (R11): a bucket for each class of messages, which fills steadily and holds a burst.

use crate::ids::Micros;

/// What a message costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A command that stands alone.
    Command,
    /// A command of a fast series: the latest stands for the others ([`super::coalesce`]).
    Coalesced,
    /// Asks for a page of the queue.
    Queue,
    /// A clock probe.
    Time,
    /// Anything else.
    Other,
}

impl Class {
    /// Messages a second, and at once.
    const fn rate(self) -> (i64, i64) {
        match self {
            Self::Command | Self::Time => (20, 100),
            Self::Coalesced => (200, 400),
            Self::Queue => (10, 100),
            Self::Other => (50, 200),
        }
    }
}

/// Whether a message may be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credit {
    /// It may.
    Granted,
    /// Not now; one said after this many milliseconds may, if nothing else is said until then.
    Limited(u32),
    /// Twice the burst and more: whoever says so much does not listen.
    Exhausted,
}

/// The buckets of one socket: for each class the instant at which its bucket is full again.
#[derive(Debug, Clone, Copy, Default)]
pub struct Credits {
    command: Micros,
    coalesced: Micros,
    queue: Micros,
    time: Micros,
    other: Micros,
}

impl Credits {
    /// After this many milliseconds all buckets are full again, however far beyond empty they were.
    pub const FULL_MS: i64 = 20_000;

    /// Takes a message of `class` into account. One that is not granted counts as well, so that only waiting helps; but
    /// nobody owes more than twice the burst.
    pub fn take(&mut self, now: Micros, class: Class) -> Credit {
        let full_at = match class {
            Class::Command => &mut self.command,
            Class::Coalesced => &mut self.coalesced,
            Class::Queue => &mut self.queue,
            Class::Time => &mut self.time,
            Class::Other => &mut self.other,
        };
        let (per_s, burst) = class.rate();
        let cost_us = 1_000_000 / per_s;
        let most_us = cost_us * burst;
        let owed_us = (*full_at).max(now).since_us(now) + cost_us;
        *full_at = Micros(now.0.saturating_add(owed_us.min(2 * most_us)));
        if owed_us <= most_us {
            return Credit::Granted;
        }
        if owed_us > 2 * most_us {
            return Credit::Exhausted;
        }
        let wait_ms = (owed_us - most_us + cost_us) / 1_000 + 1;
        Credit::Limited(u32::try_from(wait_ms).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_the_rate_then_nothing() {
        let (mut credits, now) = (Credits::default(), Micros(5_000_000));
        let verdicts: Vec<Credit> = (0..201).map(|_| credits.take(now, Class::Command)).collect();
        assert!(verdicts[..100].iter().all(|verdict| *verdict == Credit::Granted));
        assert_eq!(verdicts[100], Credit::Limited(101), "50 ms for this one and 50 for the next");
        assert!(verdicts[100..200].iter().all(|verdict| matches!(verdict, Credit::Limited(_))));
        assert_eq!(verdicts[200], Credit::Exhausted);
        assert_eq!(credits.take(now, Class::Queue), Credit::Granted, "each class has its own");
        assert_eq!(credits.take(now.plus_ms(60_000), Class::Command), Credit::Granted, "and each fills again");
    }

    #[test]
    fn who_waits_as_told_is_heard() {
        for class in [Class::Command, Class::Coalesced, Class::Queue, Class::Time, Class::Other] {
            let (mut credits, now) = (Credits::default(), Micros(0));
            let wait_ms = loop {
                match credits.take(now, class) {
                    Credit::Granted => {}
                    Credit::Limited(wait_ms) => break wait_ms,
                    Credit::Exhausted => panic!("{class:?} is told first"),
                }
            };
            let sooner = now.plus_ms(i64::from(wait_ms) - 10);
            assert!(matches!(Credits::clone(&credits).take(sooner, class), Credit::Limited(_)), "{class:?}");
            assert_eq!(credits.take(now.plus_ms(i64::from(wait_ms)), class), Credit::Granted, "{class:?}");
        }
    }

    #[test]
    fn who_never_stops_is_heard_soon_after_all_the_same() {
        for class in [Class::Command, Class::Coalesced, Class::Queue, Class::Time, Class::Other] {
            let (mut credits, now) = (Credits::default(), Micros(0));
            for _ in 0..10_000 {
                credits.take(now, class);
            }
            let full = now.plus_ms(Credits::FULL_MS);
            let (_, burst) = class.rate();
            assert!((0..burst).all(|_| credits.take(full, class) == Credit::Granted), "{class:?}: the bucket is full");
        }
    }

    #[test]
    fn the_steady_rate_is_never_limited() {
        let mut credits = Credits::default();
        for n in 0..10_000 {
            assert_eq!(credits.take(Micros(n * 50_000), Class::Command), Credit::Granted);
        }
    }
}
