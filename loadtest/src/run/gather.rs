//! What the parts have told, by second, and what the server and the machine did meanwhile.

use crate::check::Violation;
use crate::machine::process::{self, Cores, Usage};
use crate::measure::Measures;
use crate::measure::snapshot::Snapshot;
use crate::number::span_us;
use std::collections::BTreeMap;

/// One second of a run.
#[derive(Debug, Clone, Default)]
pub struct Second {
    /// What was measured in it.
    pub measures: Measures,
    /// Open sockets at its end, by part.
    open: BTreeMap<usize, u64>,
    /// What the server had used at its end.
    pub server: Option<Usage>,
    /// What the cores of the machine had done at its end.
    pub cores: Option<Cores>,
    /// CPU time that this program had used at its end, in microseconds, by process.
    cpu_us: BTreeMap<u32, u64>,
}

impl Second {
    /// Open sockets at its end.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.open.values().sum()
    }

    /// CPU time that this program had used at its end, in microseconds.
    #[must_use]
    pub fn cpu_us(&self) -> u64 {
        self.cpu_us.values().sum()
    }
}

/// All that was told.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    /// The seconds of the run, from 0.
    pub seconds: BTreeMap<u64, Second>,
    /// All measures.
    pub total: Measures,
    /// Broken promises.
    pub violations: Vec<Violation>,
    /// Why a part, or the run, could not go on.
    pub failed: Option<String>,
    /// The server's process.
    pub pid: Option<u32>,
    /// What the server had used before the run.
    pub server_before: Option<Usage>,
    running: usize,
    parts: usize,
    sampled: Option<u64>,
}

impl Gathered {
    /// Nothing was told by so many parts yet.
    #[must_use]
    pub fn new(pid: Option<u32>, parts: usize) -> Self {
        let server_before = pid.and_then(process::usage);
        Self { pid, server_before, running: parts, parts, ..Self::default() }
    }

    /// Whether all parts have ended.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.running == 0
    }

    /// A part, or the probe, has told what it measured.
    pub fn add(&mut self, snapshot: Snapshot) {
        let is_part = snapshot.part < self.parts;
        let second = self.seconds.entry(snapshot.second).or_default();
        second.measures.add(&snapshot.measures);
        self.total.add(&snapshot.measures);
        if is_part && snapshot.process != 0 {
            second.open.insert(snapshot.part, snapshot.open);
            second.cpu_us.insert(snapshot.process, snapshot.cpu_us);
        }
        self.violations.extend(snapshot.violations);
        self.failed = self.failed.take().or(snapshot.failed);
        self.running = self.running.saturating_sub(usize::from(snapshot.is_last && is_part));
    }

    /// Looks at the server and the machine if a second has passed. Returns whether one has.
    pub fn sample(&mut self, start_us: i64, now_us: i64) -> bool {
        let second = span_us(start_us, now_us) / 1_000_000;
        if now_us < start_us || self.sampled == Some(second) {
            return false;
        }
        self.sampled = Some(second);
        // The second that has just ended.
        if let Some(ended) = second.checked_sub(1) {
            let server = self.pid.and_then(process::usage);
            let entry = self.seconds.entry(ended).or_default();
            (entry.server, entry.cores) = (server, process::cores());
            if self.pid.is_some() && server.is_none() {
                self.failed.get_or_insert("the server's process has ended".to_owned());
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Count, Latency};

    #[test]
    fn parts_are_added_up_by_second_and_the_run_ends_with_the_last_of_them() {
        let mut gathered = Gathered::new(None, 2);
        let snapshot = |part: usize, second: u64, is_last: bool| {
            let mut measures = Measures::default();
            measures.count(Count::Acks, 1);
            let (process, open, cpu_us) = (7 + u32::try_from(part).expect("small"), 10, 100);
            Snapshot { part, process, second, open, cpu_us, measures, is_last, ..Snapshot::default() }
        };
        for (part, second, is_last) in [(0, 0, false), (1, 0, false), (0, 1, true)] {
            gathered.add(snapshot(part, second, is_last));
        }
        assert!(!gathered.is_over());
        let first = gathered.seconds.get(&0).expect("it is there");
        assert_eq!((first.open(), first.cpu_us(), first.measures.counted(Count::Acks)), (20, 200, 2));
        let mut probe = snapshot(2, 1, true);
        probe.measures.time(Latency::Lag, 5);
        gathered.add(probe);
        assert!(!gathered.is_over(), "the probe is no part");
        assert_eq!(gathered.seconds.get(&1).map(Second::open), Some(10), "and has no sockets of a device");
        gathered.add(Snapshot { part: 1, is_last: true, failed: Some("x".to_owned()), ..Snapshot::default() });
        assert!(gathered.is_over());
        assert_eq!((gathered.total.counted(Count::Acks), gathered.failed), (4, Some("x".to_owned())));
    }
}
