//! What is measured: times in histograms, counts, errors. Parts of a run are added up exactly.

pub mod log;
pub mod snapshot;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The longest time that is told apart from longer ones, in microseconds.
const LONGEST_US: u64 = 600_000_000;

/// Declares an enum whose members have a name in figures and logs, and a description.
macro_rules! named {
    ($(#[$doc:meta])* $type:ident { $($(#[$member_doc:meta])* $member:ident = $name:literal, $about:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $type {
            $(#[doc = $about] $member,)+
        }

        impl $type {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$member),+];

            /// The name in figures, thresholds and logs.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$member => $name,)+
                }
            }

            /// What it is, for people.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self {
                    $(Self::$member => $about,)+
                }
            }

            /// The one of this name.
            #[must_use]
            pub fn of(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }
        }
    };
}

named! {
    /// Times that are measured, in microseconds.
    Latency {
        Handshake = "handshake", "asked for a socket → WebSocket open";
        Welcome = "welcome", "`hello` sent → `welcome`";
        Back = "back", "socket cut → `welcome` on the next one, the time that the rules wait included";
        Ack = "ack", "command planned → `ack`";
        Delivery = "delivery", "command planned → its `playback` on another device";
        FarDelivery = "far_delivery", "the same, to or from a device on a bad network";
        Report = "report", "report sent → its `playback` on another device";
        Probe = "probe", "clock probe sent → answer, less the time that the server took";
        Lag = "lag", "request for `/healthz` → answer: how late the server's loop is";
        Audio = "audio", "piece of audio planned → received in full";
        Late = "late", "how late this program did what was planned";
    }
}

named! {
    /// Things that are counted.
    Count {
        Opened = "opened", "sockets opened";
        Cut = "cut", "sockets that this program cut";
        Lost = "lost", "sockets that ended otherwise";
        FramesIn = "frames_in", "frames received";
        FramesOut = "frames_out", "frames sent";
        BytesIn = "bytes_in", "bytes received on sockets";
        BytesOut = "bytes_out", "bytes sent on sockets";
        Planned = "planned", "things that people were to do";
        Skipped = "skipped", "of those: nothing to do, because no track or no other device was shown";
        Commands = "commands", "commands given";
        Acks = "acks", "commands acknowledged";
        Rejects = "rejects", "commands rejected because the state had changed";
        Reports = "reports", "reports sent";
        Tracks = "tracks", "tracks that ended by themselves";
        AudioBytes = "audio_bytes", "bytes of audio received";
        AudioPieces = "audio_pieces", "pieces of audio received";
    }
}

/// All that one part of a run has measured in some time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measures {
    times: BTreeMap<Latency, Histogram<u64>>,
    counts: BTreeMap<Count, u64>,
    errors: BTreeMap<String, u64>,
}

impl Measures {
    /// A time was measured.
    pub fn time(&mut self, which: Latency, us: u64) {
        self.times.entry(which).or_insert_with(empty).saturating_record(us);
    }

    /// Things have happened.
    pub fn count(&mut self, which: Count, more: u64) {
        let count = self.counts.entry(which).or_default();
        *count = count.saturating_add(more);
    }

    /// Something went wrong that must not: its kind.
    pub fn error(&mut self, kind: &str) {
        if let Some(count) = self.errors.get_mut(kind) {
            *count = count.saturating_add(1);
        } else {
            self.errors.insert(kind.to_owned(), 1);
        }
    }

    /// Adds what another part, or the same one at another time, has measured.
    pub fn add(&mut self, other: &Self) {
        for (which, times) in &other.times {
            self.add_times(*which, times);
        }
        for (which, more) in &other.counts {
            self.count(*which, *more);
        }
        for (kind, more) in &other.errors {
            let count = self.errors.entry(kind.clone()).or_default();
            *count = count.saturating_add(*more);
        }
    }

    fn add_times(&mut self, which: Latency, times: &Histogram<u64>) {
        let sum = self.times.entry(which).or_insert_with(empty);
        sum.add(times).expect("all histograms have the same bounds");
    }

    /// The times of a kind, if there are any.
    #[must_use]
    pub fn times(&self, which: Latency) -> Option<&Histogram<u64>> {
        self.times.get(&which)
    }

    /// How many things of a kind have happened.
    #[must_use]
    pub fn counted(&self, which: Count) -> u64 {
        self.counts.get(&which).copied().unwrap_or(0)
    }

    /// The errors by kind.
    #[must_use]
    pub const fn errors(&self) -> &BTreeMap<String, u64> {
        &self.errors
    }

    /// All errors.
    #[must_use]
    pub fn all_errors(&self) -> u64 {
        self.errors.values().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// A histogram of microseconds, exact to three digits.
pub(crate) fn empty() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_US, 3).expect("the bounds are good")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_add_up_to_the_whole(all in prop::collection::vec((0_usize..4, 0_u64..900_000_000), 0..200)) {
            let (mut whole, mut parts) = (Measures::default(), vec![Measures::default(); 4]);
            for (part, us) in &all {
                for measures in [&mut whole, &mut parts[*part]] {
                    measures.time(Latency::Ack, *us);
                    measures.count(Count::Acks, 1);
                    measures.error("refused");
                }
            }
            let mut sum = Measures::default();
            for part in &parts {
                sum.add(part);
            }
            prop_assert_eq!(sum.times(Latency::Ack), whole.times(Latency::Ack));
            prop_assert_eq!(sum.counted(Count::Acks), whole.counted(Count::Acks));
            prop_assert_eq!(sum.all_errors(), whole.all_errors());
        }
    }
}
