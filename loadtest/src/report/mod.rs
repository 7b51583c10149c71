//! The results: verdict, table, JSON, HTML.

pub mod bottleneck;
pub mod html;
mod json;
mod plots;
pub mod progress;
mod table;
pub mod verdict;

use crate::check::Violation;
use crate::drive::part::Setup;
use crate::machine::process::{Cores, allowed_cores};
use crate::measure::{Count, Latency, Measures, log};
use crate::number::{real, real_len};
use crate::plan::planner::Phases;
use crate::plan::scenario::Scenario;
use crate::run::gather::{Gathered, Second};
use bottleneck::Loads;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::{Duration, SystemTime};
use verdict::Verdict;

pub use json::line as json;
pub use table::table;

/// The results of a run.
#[derive(Debug, Clone)]
pub struct Report {
    /// The load.
    pub scenario: Scenario,
    /// Users and devices of each.
    pub users: (usize, usize),
    /// The seed of the plan.
    pub seed: u64,
    /// When it began.
    pub begun: SystemTime,
    /// How long the phases were, in seconds from the start: hold, end.
    pub phases_s: (f64, f64),
    /// Processes and threads of this program.
    pub processes: (usize, usize),
    /// What was measured.
    pub total: Measures,
    /// The same by second.
    pub seconds: BTreeMap<u64, Second>,
    /// Broken promises.
    pub violations: Vec<Violation>,
    /// What server, machine and this program did.
    pub loads: Loads,
    /// The server's resident memory, in bytes: before, and the most.
    pub rss: Option<(u64, u64)>,
    /// The server's CPU time for the run, in microseconds: its own, the kernel's.
    pub server_us: Option<(u64, u64)>,
    /// Whether it was good.
    pub verdict: Verdict,
}

impl Report {
    /// Makes the report of a run.
    ///
    /// # Errors
    /// A threshold that names no figure.
    pub fn new(
        setup: Setup,
        phases: Phases,
        begun: SystemTime,
        processes: usize,
        threads: usize,
        gathered: Gathered,
    ) -> Result<Self, String> {
        let verdict =
            Verdict::new(&setup.scenario.thresholds, &gathered.total, &gathered.violations, gathered.failed.clone())?;
        let after_s = |at_us: i64| Duration::from_micros(crate::number::span_us(setup.start_us, at_us)).as_secs_f64();
        let before = gathered.server_before;
        let servers = || gathered.seconds.values().filter_map(|second| second.server);
        let last = servers().next_back();
        let used = before.zip(last).map(|(before, last)| {
            (last.user_us.saturating_sub(before.user_us), last.system_us.saturating_sub(before.system_us))
        });
        let rss = before.map(|before| (before.rss, servers().map(|used| used.rss).max().unwrap_or(before.rss)));
        let server_cores = gathered.pid.and_then(allowed_cores);
        let phases_s = (after_s(phases.hold_us), after_s(phases.end_us));
        let loads = loads(&gathered, phases_s, threads, server_cores);
        Ok(Self {
            users: (setup.users, setup.devices),
            scenario: setup.scenario,
            seed: setup.seed,
            begun,
            phases_s,
            processes: (processes, threads),
            total: gathered.total,
            seconds: gathered.seconds,
            violations: gathered.violations,
            loads,
            rss,
            server_us: used,
            verdict,
        })
    }

    /// How much the server's resident memory has grown for each device, in bytes.
    #[must_use]
    pub fn rss_per_device(&self) -> Option<f64> {
        let devices = real_len(self.users.0.saturating_mul(self.users.1));
        self.rss.map(|(before, most)| real(most.saturating_sub(before)) / devices.max(1.0))
    }

    /// Writes the times as an `HdrHistogram` log.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn write_log(&self, to: &mut impl Write) -> io::Result<()> {
        let second = Duration::from_secs(1);
        let intervals =
            self.seconds.iter().map(|(number, entry)| (Duration::from_secs(*number), second, &entry.measures));
        log::write(to, self.begun, intervals).map_err(io::Error::other)
    }

    /// The errors and rejects in words, the most frequent first.
    fn errors(&self) -> Vec<(&str, u64)> {
        let mut errors: Vec<_> = self.total.errors().iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
        errors.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        errors
    }
}

/// What server, machine and this program did between two instants of the run, or in all of it if that is too short.
fn loads(gathered: &Gathered, (from_s, to_s): (f64, f64), threads: usize, server_cores: Option<usize>) -> Loads {
    let is_held = |number: &u64| real(*number) + 1.0 >= from_s && real(*number) + 1.0 <= to_s;
    let held: Vec<&Second> =
        gathered.seconds.iter().filter(|(number, _)| is_held(number)).map(|(_, second)| second).collect();
    let seconds = real_len(held.len().saturating_sub(1)).max(1.0);
    let (first, last) = (held.first().copied(), held.last().copied());
    let grown = |of: &dyn Fn(&Second) -> Option<u64>| {
        let (first, last) = (first.and_then(of)?, last.and_then(of)?);
        Some(real(last.saturating_sub(first)))
    };
    let busy = |us: f64, cores: usize| us / 1e6 / seconds / real_len(cores.max(1));
    let server_us = grown(&|second| second.server.map(|used| used.user_us.saturating_add(used.system_us)));
    let share = |of: fn(&Cores) -> u64| {
        let all = grown(&|second| second.cores.map(|cores| cores.all)).filter(|all| *all > 0.0)?;
        Some(grown(&|second| second.cores.as_ref().map(of))? / all)
    };
    Loads {
        generator: grown(&|second| Some(second.cpu_us())).map_or(0.0, |us| busy(us, threads)),
        server: server_us.zip(server_cores).map(|(us, cores)| busy(us, cores)),
        stolen: share(|cores| cores.stolen),
        idle: share(|cores| cores.idle),
        late_p99_ms: gathered.total.times(Latency::Late).map_or(0.0, |late| real(late.value_at_quantile(0.99)) / 1e3),
        unopened: gathered.total.counted(Count::Opened) == 0,
    }
}
