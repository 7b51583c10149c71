//! The report as one page for browsers that loads nothing from elsewhere.

use super::bottleneck::limit;
use super::plots::{Line, plot};
use super::verdict::QUANTILES;
use super::{Report, table};
use crate::measure::{Count, Latency};
use crate::number::real;
use crate::run::gather::Second;
use std::fmt::Write as _;

const STYLE: &str = "body{font:15px/1.5 sans-serif;margin:2em auto;max-width:900px;padding:0 1em;color:#111}\
table{border-collapse:collapse;margin:1em 0}td,th{padding:.2em .8em;text-align:right;border-bottom:1px solid #ddd}\
td:first-child,th:first-child,td:last-child,th:last-child{text-align:left}svg{max-width:100%;height:auto}\
.green{color:#00704a}.red{color:#b00020}";

/// Violations that are written out.
const SHOWN: usize = 50;

/// The page.
///
/// # Errors
/// A plot cannot be drawn.
pub fn page(report: &Report) -> Result<String, String> {
    let mut text = String::new();
    head(report, &mut text).and_then(|()| figures(report, &mut text)).map_err(|error| error.to_string())?;
    for (title, unit, lines) in plots(report) {
        if lines.iter().any(|(_, points)| !points.is_empty()) {
            let svg = plot(unit, &lines)?;
            writeln!(text, "<h2>{}</h2>\n{svg}", escape(title)).map_err(|error| error.to_string())?;
        }
    }
    text.push_str("</body>\n</html>\n");
    Ok(text)
}

fn head(report: &Report, text: &mut String) -> std::fmt::Result {
    let (users, devices) = report.users;
    let is_green = report.verdict.is_green();
    let (class, verdict) = if is_green { ("green", "green") } else { ("red", "red") };
    writeln!(
        text,
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Load test: {verdict}</title>\
         <style>{STYLE}</style></head>\n<body>\n<h1>Load test: <span class=\"{class}\">{verdict}</span></h1>"
    )?;
    let about = escape(&report.scenario.about);
    writeln!(text, "<p>{about}: {users} users × {devices} devices, seed {}.", report.seed)?;
    writeln!(text, "What limits the run: {}.</p>", escape(&limit(&report.loads)))?;
    writeln!(text, "<table><tr><th>threshold</th><th>was</th><th>at most</th><th></th></tr>")?;
    for judged in &report.verdict.thresholds {
        let was = judged.was.map_or("not measured".to_owned(), |was| format!("{was:.1}"));
        let (class, word) = if judged.is_met() { ("green", "met") } else { ("red", "missed") };
        let (name, most) = (escape(&judged.name), judged.most);
        writeln!(text, "<tr><td>{name}</td><td>{was}</td><td>{most}</td><td class=\"{class}\">{word}</td></tr>")?;
    }
    writeln!(text, "</table>")?;
    if let Some(failed) = &report.verdict.failed {
        writeln!(text, "<p class=\"red\">Failed: {}</p>", escape(failed))?;
    }
    if !report.violations.is_empty() {
        writeln!(text, "<h2 class=\"red\">{} broken promises</h2><ul>", report.violations.len())?;
        for violation in report.violations.iter().take(SHOWN) {
            let what = escape(&violation.what);
            writeln!(text, "<li>{}: user {}: {what}</li>", violation.rule.name(), violation.user)?;
        }
        writeln!(text, "</ul>")?;
    }
    Ok(())
}

fn figures(report: &Report, text: &mut String) -> std::fmt::Result {
    write!(text, "<table><tr><th>time in ms</th><th>count</th>")?;
    for (name, _) in QUANTILES {
        write!(text, "<th>{name}</th>")?;
    }
    writeln!(text, "<th></th></tr>")?;
    for (name, about, values) in table::rows(report) {
        write!(text, "<tr><td>{name}</td>")?;
        for value in values {
            write!(text, "<td>{value}</td>")?;
        }
        writeln!(text, "<td>{}</td></tr>", escape(about))?;
    }
    writeln!(text, "</table><table>")?;
    for (name, about, count) in table::counts(report) {
        writeln!(text, "<tr><td>{name}</td><td>{count}</td><td>{}</td></tr>", escape(about))?;
    }
    for (kind, count) in report.errors() {
        writeln!(text, "<tr class=\"red\"><td>error</td><td>{count}</td><td>{}</td></tr>", escape(kind))?;
    }
    writeln!(text, "</table><table>")?;
    for (name, value) in table::machine(report) {
        writeln!(text, "<tr><td>{name}</td><td>{}</td></tr>", escape(&value))?;
    }
    writeln!(text, "</table>")
}

/// The plots: title, unit, lines.
fn plots(report: &Report) -> Vec<(&'static str, &'static str, Vec<Line>)> {
    let over = |value: &dyn Fn(&Second) -> Option<f64>| -> Vec<(f64, f64)> {
        let points = report.seconds.iter().map(|(number, second)| (real(*number) + 1.0, value(second)));
        points.filter_map(|(at_s, value)| Some((at_s, value?))).collect()
    };
    let quantile = |which: Latency, quantile: f64| {
        over(&move |second| {
            let times = second.measures.times(which).filter(|times| !times.is_empty())?;
            Some(real(times.value_at_quantile(quantile)) / 1e3)
        })
    };
    let times = |which: Latency| {
        vec![("p50", quantile(which, 0.5)), ("p99", quantile(which, 0.99)), ("longest", quantile(which, 1.0))]
    };
    let count = |which: Count| over(&move |second| Some(real(second.measures.counted(which))));
    // Each second beside the one before.
    let grown = |total: &dyn Fn(&Second) -> Option<u64>| -> Vec<(f64, f64)> {
        let totals: Vec<(f64, u64)> = report
            .seconds
            .iter()
            .filter_map(|(number, second)| Some((real(*number) + 1.0, total(second).filter(|total| *total > 0)?)))
            .collect();
        let pairs = totals.iter().zip(totals.iter().skip(1));
        pairs.map(|((_, before), (at_s, after))| (*at_s, real(after.saturating_sub(*before)) / 1e4)).collect()
    };
    vec![
        ("Command → another device", "ms", times(Latency::Delivery)),
        ("Command → ack", "ms", times(Latency::Ack)),
        ("Report → another device", "ms", times(Latency::Report)),
        ("Handshake", "ms", times(Latency::Handshake)),
        ("The server's loop", "ms", times(Latency::Lag)),
        ("Sockets", "sockets", vec![("open", over(&|second| Some(real(second.open()))))]),
        (
            "Sockets that are opened, cut, lost",
            "a second",
            vec![("opened", count(Count::Opened)), ("cut", count(Count::Cut)), ("lost", count(Count::Lost))],
        ),
        ("Frames", "a second", vec![("received", count(Count::FramesIn)), ("sent", count(Count::FramesOut))]),
        ("Bytes", "a second", vec![("received", count(Count::BytesIn)), ("sent", count(Count::BytesOut))]),
        (
            "CPU",
            "% of a core",
            vec![
                ("server, user", grown(&|second| second.server.map(|used| used.user_us))),
                ("server, system", grown(&|second| second.server.map(|used| used.system_us))),
                ("load test", grown(&|second| Some(second.cpu_us()))),
            ],
        ),
        (
            "Resident memory of the server",
            "MB",
            vec![("server", over(&|second| second.server.map(|used| real(used.rss) / 1e6)))],
        ),
        (
            "How late the load test was",
            "ms",
            vec![("p99", quantile(Latency::Late, 0.99)), ("longest", quantile(Latency::Late, 1.0))],
        ),
    ]
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
