//! The rate limit of one socket, or of one user's programs (R11): a bucket for each class of messages, which fills at a
//! constant rate and holds a burst.

use crate::protocol::ids::Micros;

/// The class of a message; each has a rate and a burst of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageClass {
    /// A command that is not coalesced.
    Command,
    /// A command that names a list, whose tracks are looked up.
    List,
    /// A seek or a volume: the newest of a fast series stands for those before it ([`super::coalesce`]).
    Coalesced,
    /// A request for a page of the queue.
    Queue,
    /// A clock probe.
    Time,
    /// Anything else.
    Other,
}

impl MessageClass {
    /// The rate in messages per second, and the burst in messages.
    const fn rate(self) -> (i64, i64) {
        match self {
            Self::Command | Self::Time => (20, 100),
            Self::List => (2, 20),
            Self::Coalesced => (200, 400),
            Self::Queue => (10, 100),
            Self::Other => (50, 200),
        }
    }
}

/// Whether a message is within the rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Allowed,
    /// It is not. One sent after this many milliseconds is, if no other of its class is sent until then.
    Limited(u32),
    /// Over twice the burst: disconnect.
    Disconnect,
}

/// The buckets of one socket: for each class the instant at which its bucket is full again.
#[derive(Debug, Clone, Copy, Default)]
pub struct RateLimit {
    command: Micros,
    list: Micros,
    coalesced: Micros,
    queue: Micros,
    time: Micros,
    other: Micros,
}

impl RateLimit {
    /// After this many milliseconds without a message all buckets are full, however many were refused before.
    pub const FULL_MS: i64 = 20_000;

    /// Counts a message of `class`. A refused one counts as well, so that only waiting helps, but at most twice the
    /// burst is counted.
    pub fn take(&mut self, now: Micros, class: MessageClass) -> Verdict {
        let full_at = match class {
            MessageClass::Command => &mut self.command,
            MessageClass::List => &mut self.list,
            MessageClass::Coalesced => &mut self.coalesced,
            MessageClass::Queue => &mut self.queue,
            MessageClass::Time => &mut self.time,
            MessageClass::Other => &mut self.other,
        };
        let (per_s, burst) = class.rate();
        let cost_us = 1_000_000 / per_s;
        let most_us = cost_us * burst;
        let owed_us = (*full_at).max(now).since_us(now) + cost_us;
        *full_at = Micros(now.0.saturating_add(owed_us.min(2 * most_us)));
        if owed_us <= most_us {
            return Verdict::Allowed;
        }
        if owed_us > 2 * most_us {
            return Verdict::Disconnect;
        }
        let wait_ms = (owed_us - most_us + cost_us) / 1_000 + 1;
        Verdict::Limited(u32::try_from(wait_ms).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_the_rate_then_nothing() {
        let (mut rate_limit, now) = (RateLimit::default(), Micros(5_000_000));
        let verdicts: Vec<Verdict> = (0..201).map(|_| rate_limit.take(now, MessageClass::Command)).collect();
        assert!(verdicts[..100].iter().all(|verdict| *verdict == Verdict::Allowed));
        assert_eq!(verdicts[100], Verdict::Limited(101), "50 ms for this one and 50 for the next");
        assert!(verdicts[100..200].iter().all(|verdict| matches!(verdict, Verdict::Limited(_))));
        assert_eq!(verdicts[200], Verdict::Disconnect);
        assert_eq!(rate_limit.take(now, MessageClass::Queue), Verdict::Allowed, "each class has a bucket of its own");
        assert_eq!(
            rate_limit.take(now.plus_ms(60_000), MessageClass::Command),
            Verdict::Allowed,
            "and each bucket fills again"
        );
    }

    #[test]
    fn a_message_after_the_given_wait_is_allowed() {
        for class in [
            MessageClass::Command,
            MessageClass::Coalesced,
            MessageClass::Queue,
            MessageClass::Time,
            MessageClass::Other,
        ] {
            let (mut rate_limit, now) = (RateLimit::default(), Micros(0));
            let wait_ms = loop {
                match rate_limit.take(now, class) {
                    Verdict::Allowed => {}
                    Verdict::Limited(wait_ms) => break wait_ms,
                    Verdict::Disconnect => panic!("{class:?} is limited before it is disconnected"),
                }
            };
            let sooner = now.plus_ms(i64::from(wait_ms) - 10);
            assert!(matches!(RateLimit::clone(&rate_limit).take(sooner, class), Verdict::Limited(_)), "{class:?}");
            assert_eq!(rate_limit.take(now.plus_ms(i64::from(wait_ms)), class), Verdict::Allowed, "{class:?}");
        }
    }

    #[test]
    fn after_any_number_of_refusals_the_bucket_is_full_in_time() {
        for class in [
            MessageClass::Command,
            MessageClass::Coalesced,
            MessageClass::Queue,
            MessageClass::Time,
            MessageClass::Other,
        ] {
            let (mut rate_limit, now) = (RateLimit::default(), Micros(0));
            for _ in 0..10_000 {
                rate_limit.take(now, class);
            }
            let full = now.plus_ms(RateLimit::FULL_MS);
            let (_, burst) = class.rate();
            assert!(
                (0..burst).all(|_| rate_limit.take(full, class) == Verdict::Allowed),
                "{class:?}: the bucket is full"
            );
        }
    }

    #[test]
    fn the_steady_rate_is_never_limited() {
        let mut rate_limit = RateLimit::default();
        for n in 0..10_000 {
            assert_eq!(rate_limit.take(Micros(n * 50_000), MessageClass::Command), Verdict::Allowed);
        }
    }
}
