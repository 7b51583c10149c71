//! What a part of a run tells the whole run, once a second and at its end; a line of JSON between processes.

use super::{Count, Measures, log};
use crate::check::Violation;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// What a part has measured since its snapshot before.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// Which part.
    pub part: usize,
    /// Its process.
    pub process: u32,
    /// The second of the run, from 0.
    pub second: u64,
    /// Sockets that are open now.
    pub open: u64,
    /// CPU time that its process has used so far, in microseconds.
    pub cpu_us: u64,
    /// What was measured.
    pub measures: Measures,
    /// What the server got wrong, at most some of each part.
    pub violations: Vec<Violation>,
    /// Why the part could not go on.
    pub failed: Option<String>,
    /// Whether it is the last one of its part.
    pub is_last: bool,
}

#[derive(Serialize, Deserialize)]
struct Line {
    part: usize,
    process: u32,
    second: u64,
    open: u64,
    cpu_us: u64,
    counts: BTreeMap<Count, u64>,
    errors: BTreeMap<String, u64>,
    violations: Vec<Violation>,
    failed: Option<String>,
    is_last: bool,
    histograms: String,
}

impl Snapshot {
    /// As a line of JSON without its end; the histograms are an `HdrHistogram` log in it.
    ///
    /// # Panics
    /// Never: memory takes what is written, and the keys are text.
    #[must_use]
    pub fn to_line(&self) -> String {
        let mut text = Vec::new();
        let interval = (Duration::from_secs(self.second), Duration::from_secs(1), &self.measures);
        log::write(&mut text, SystemTime::UNIX_EPOCH, [interval]).expect("memory takes what is written");
        let line = Line {
            part: self.part,
            process: self.process,
            second: self.second,
            open: self.open,
            cpu_us: self.cpu_us,
            counts: self.measures.counts.clone(),
            errors: self.measures.errors.clone(),
            violations: self.violations.clone(),
            failed: self.failed.clone(),
            is_last: self.is_last,
            histograms: String::from_utf8_lossy(&text).into_owned(),
        };
        serde_json::to_string(&line).expect("its keys are text")
    }

    /// Reads a line.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn from_line(text: &str) -> Result<Self, String> {
        let line: Line = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut measures = Measures { counts: line.counts, errors: line.errors, ..Measures::default() };
        log::read(line.histograms.as_bytes(), &mut measures)?;
        let Line { part, process, second, open, cpu_us, violations, failed, is_last, .. } = line;
        Ok(Self { part, process, second, open, cpu_us, measures, violations, failed, is_last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Rule;
    use crate::measure::Latency;

    #[test]
    fn a_line_reads_back_exactly() {
        let mut measures = Measures::default();
        measures.time(Latency::Delivery, 1_234);
        measures.count(Count::Acks, 3);
        measures.error("flooding");
        let violation = Violation { rule: Rule::Fell, user: 4, what: "x".to_owned() };
        let snapshot = Snapshot {
            part: 5,
            process: 6,
            second: 7,
            open: 8,
            cpu_us: 9,
            measures,
            violations: vec![violation],
            failed: Some("y".to_owned()),
            is_last: true,
        };
        let line = snapshot.to_line();
        assert!(!line.contains('\n'));
        assert_eq!(Snapshot::from_line(&line), Ok(snapshot));
        assert!(Snapshot::from_line("{}").is_err());
    }
}
