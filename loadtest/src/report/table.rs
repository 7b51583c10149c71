//! The report as text for a terminal.

use super::Report;
use super::bottleneck::limit;
use super::verdict::QUANTILES;
use crate::measure::{Count, Latency};
use crate::number::real;
use std::fmt::Write as _;

/// Violations that are written out.
const SHOWN: usize = 10;

/// The figures in rows: name, what it is, values.
pub(super) fn rows(report: &Report) -> Vec<(&'static str, &'static str, Vec<String>)> {
    let times = Latency::ALL.iter().filter_map(|which| {
        let times = report.total.times(*which).filter(|times| !times.is_empty())?;
        let mut values = vec![times.len().to_string()];
        values.extend(QUANTILES.map(|(_, quantile)| format!("{:.1}", real(times.value_at_quantile(quantile)) / 1e3)));
        Some((which.name(), which.about(), values))
    });
    times.collect()
}

/// The counts that are not 0: name, what it is, value.
pub(super) fn counts(report: &Report) -> Vec<(&'static str, &'static str, u64)> {
    let counts = Count::ALL.iter().map(|which| (which.name(), which.about(), report.total.counted(*which)));
    counts.filter(|(_, _, count)| *count > 0).collect()
}

/// What server and machine did, in lines of name and value.
pub(super) fn machine(report: &Report) -> Vec<(&'static str, String)> {
    let (loads, percent) = (&report.loads, |share: f64| format!("{:.1} %", share * 100.0));
    let mut lines = Vec::new();
    if let Some((user_us, system_us)) = report.server_us {
        let (user_s, system_s) = (real(user_us) / 1e6, real(system_us) / 1e6);
        lines.push(("server, CPU of the run", format!("{user_s:.2} s user, {system_s:.2} s system")));
    }
    if let Some(server) = loads.server {
        lines.push(("server, of its cores in the hold", percent(server)));
    }
    if let Some(((before, most), each)) = report.rss.zip(report.rss_per_device()) {
        let mb = |bytes: u64| real(bytes) / 1e6;
        let (before, most) = (mb(before), mb(most));
        lines.push(("server, resident memory", format!("{before:.1} → {most:.1} MB: {each:.0} bytes a device")));
    }
    let (processes, threads) = report.processes;
    let of = format!("{} of {threads} threads in {processes} processes", percent(loads.generator));
    lines.push(("load test, of its threads in the hold", of));
    if let Some((stolen, idle)) = loads.stolen.zip(loads.idle) {
        lines.push(("machine, in the hold", format!("{} stolen, {} idle", percent(stolen), percent(idle))));
    }
    lines
}

/// The report as text.
#[must_use]
pub fn table(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a text never fails.
    let _ = write(report, &mut text);
    text
}

fn write(report: &Report, text: &mut String) -> std::fmt::Result {
    let (users, devices) = report.users;
    writeln!(text, "{}: {users} users × {devices} devices, seed {}", report.scenario.about, report.seed)?;
    writeln!(text)?;
    write!(text, "{:<13}{:>9}", "time in ms", "count")?;
    for (name, _) in QUANTILES {
        write!(text, "{name:>10}")?;
    }
    writeln!(text)?;
    for (name, about, values) in rows(report) {
        write!(text, "{name:<13}")?;
        for (value, width) in values.iter().zip([9, 10, 10, 10, 10, 10]) {
            write!(text, "{value:>width$}")?;
        }
        writeln!(text, "  {about}")?;
    }
    writeln!(text)?;
    for (name, about, count) in counts(report) {
        writeln!(text, "{name:<13}{count:>15}  {about}")?;
    }
    for (kind, count) in report.errors() {
        writeln!(text, "{:<13}{count:>15}  {kind}", "error")?;
    }
    writeln!(text)?;
    for (name, value) in machine(report) {
        writeln!(text, "{name:<38}{value}")?;
    }
    writeln!(text, "{:<38}{}", "what limits the run", limit(&report.loads))?;
    writeln!(text)?;
    for violation in report.violations.iter().take(SHOWN) {
        writeln!(text, "BROKEN {}: user {}: {}", violation.rule.name(), violation.user, violation.what)?;
    }
    if let Some(more) = report.violations.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        writeln!(text, "BROKEN and {more} more")?;
    }
    if let Some(failed) = &report.verdict.failed {
        writeln!(text, "FAILED {failed}")?;
    }
    for judged in &report.verdict.thresholds {
        let word = if judged.is_met() { "met   " } else { "MISSED" };
        let was = judged.was.map_or("not measured".to_owned(), |was| format!("{was:.1}"));
        writeln!(text, "{word} {} = {was}, at most {}", judged.name, judged.most)?;
    }
    writeln!(text, "{}", if report.verdict.is_green() { "green" } else { "RED" })
}
