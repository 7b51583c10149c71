//! How far a run is, on standard error: one line that changes on a terminal, else a line every ten seconds.

use crate::measure::{Latency, Measures};
use crate::number::{real, span_us, whole};
use crate::plan::planner::Phases;
use crate::run::gather::Gathered;
use std::io::{IsTerminal as _, Write as _};

/// The length of the bar, in characters.
const BAR: usize = 30;
/// Without a terminal: seconds from line to line.
const EVERY: u64 = 10;

/// The progress of a run.
#[derive(Debug)]
pub struct Progress {
    phases: Phases,
    is_terminal: bool,
    shown: u64,
}

impl Progress {
    /// A run with these phases.
    #[must_use]
    pub fn new(phases: Phases) -> Self {
        Self { phases, is_terminal: std::io::stderr().is_terminal(), shown: 0 }
    }

    /// A second has passed.
    pub fn show(&mut self, now_us: i64, gathered: &Gathered) {
        self.shown += 1;
        if self.is_terminal || self.shown % EVERY == 1 {
            let line = line(&self.phases, now_us, gathered);
            let (begin, end) = if self.is_terminal { ("\r\x1b[K", "") } else { ("", "\n") };
            // Standard error may be closed.
            let _ = write!(std::io::stderr(), "{begin}{line}{end}");
        }
    }

    /// The run is over.
    pub fn end(&self) {
        if self.is_terminal {
            // As above.
            let _ = writeln!(std::io::stderr());
        }
    }
}

fn line(phases: &Phases, now_us: i64, gathered: &Gathered) -> String {
    let (done_us, all_us) = (span_us(phases.start_us, now_us), span_us(phases.start_us, phases.end_us).max(1));
    let share = (real(done_us) / real(all_us)).min(1.0);
    let full = usize::try_from(whole(share * 30.0)).unwrap_or(0).min(BAR);
    let bar = format!("{}{}", "#".repeat(full), ".".repeat(BAR.saturating_sub(full)));
    let phase = match now_us {
        now if now < phases.hold_us => "ramp",
        now if now < phases.end_us => "hold",
        _ => "end",
    };
    let last = gathered.seconds.values().next_back();
    let before = gathered.seconds.values().rev().nth(1).or(last);
    let open = before.map_or(0, crate::run::gather::Second::open);
    let delivered = before.and_then(|second| p99(&second.measures)).map_or("-".to_owned(), |ms| format!("{ms:.1} ms"));
    let (errors, broken) = (gathered.total.all_errors(), gathered.violations.len());
    let (at_s, of_s) = (done_us / 1_000_000, all_us / 1_000_000);
    format!(
        "[{bar}] {at_s}/{of_s} s {phase}  {open} sockets  delivery p99 {delivered}  {errors} errors  {broken} broken"
    )
}

fn p99(measures: &Measures) -> Option<f64> {
    let times = measures.times(Latency::Delivery).filter(|times| !times.is_empty())?;
    Some(real(times.value_at_quantile(0.99)) / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::snapshot::Snapshot;
    use crate::plan::scenario::Times;

    #[test]
    fn a_line_tells_how_far_a_run_is() {
        let phases = Phases::new(0, Times { ramp_s: 10.0, hold_s: 20.0, end_s: 5.0 });
        let mut gathered = Gathered::new(None, 1);
        let mut measures = Measures::default();
        measures.time(Latency::Delivery, 2_000);
        measures.error("refused");
        gathered.add(Snapshot { process: 1, open: 9, measures, ..Snapshot::default() });
        let line = line(&phases, 15_000_000, &gathered);
        assert_eq!(
            line,
            "[###############...............] 15/30 s hold  9 sockets  delivery p99 2.0 ms  1 errors  0 broken"
        );
    }
}
