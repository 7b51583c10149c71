//! The report as one line of JSON.

use super::Report;
use super::bottleneck::limit;
use super::verdict::QUANTILES;
use crate::measure::{Count, Latency};
use crate::number::real;
use serde_json::{Map, Value, json};
use std::time::UNIX_EPOCH;

/// The report as one line.
#[must_use]
pub fn line(report: &Report) -> String {
    let times: Map<String, Value> = Latency::ALL
        .iter()
        .filter_map(|which| {
            let times = report.total.times(*which)?;
            let mut values = Map::new();
            values.insert("count".to_owned(), times.len().into());
            for (name, quantile) in QUANTILES {
                values.insert(format!("{name}_ms"), (real(times.value_at_quantile(quantile)) / 1e3).into());
            }
            Some((which.name().to_owned(), values.into()))
        })
        .collect();
    let counts: Map<String, Value> =
        Count::ALL.iter().map(|which| (which.name().to_owned(), report.total.counted(*which).into())).collect();
    let thresholds: Map<String, Value> = report
        .verdict
        .thresholds
        .iter()
        .map(|judged| (judged.name.clone(), json!({"most": judged.most, "was": judged.was, "met": judged.is_met()})))
        .collect();
    let loads = &report.loads;
    json!({
        "green": report.verdict.is_green(),
        "scenario": report.scenario.about,
        "users": report.users.0,
        "devices": report.users.1,
        "seed": report.seed,
        "begun_s": report.begun.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        "hold_s": report.phases_s.1 - report.phases_s.0,
        "processes": report.processes.0,
        "threads": report.processes.1,
        "times": times,
        "counts": counts,
        "errors": report.total.errors(),
        "thresholds": thresholds,
        "violations": report.violations,
        "failed": report.verdict.failed,
        "server": {
            "user_us": report.server_us.map(|(user_us, _)| user_us),
            "system_us": report.server_us.map(|(_, system_us)| system_us),
            "rss_before": report.rss.map(|(before, _)| before),
            "rss_most": report.rss.map(|(_, most)| most),
            "rss_per_device": report.rss_per_device(),
        },
        "shares": {
            "generator": loads.generator, "server": loads.server, "stolen": loads.stolen, "idle": loads.idle,
        },
        "limit": limit(loads),
    })
    .to_string()
}
