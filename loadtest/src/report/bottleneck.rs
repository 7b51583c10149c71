//! What limits a run: this program, the server, or the machine.

/// A share of its cores from which on something counts as full.
const FULL: f64 = 0.85;
/// A share of stolen time from which on the figures say little.
const MUCH_STOLEN: f64 = 0.10;
/// What is planned and done later than this, in milliseconds, in one case of a hundred, was not planned so.
const LATE_MS: f64 = 20.0;

/// What was used while people acted, as shares from 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Loads {
    /// The CPU time of this program, of one core for each of its threads.
    pub generator: f64,
    /// The CPU time of the server, of the cores on which it may run.
    pub server: Option<f64>,
    /// The time of the machine's cores that its host gave to others.
    pub stolen: Option<f64>,
    /// The time in which the machine's cores had nothing to do.
    pub idle: Option<f64>,
    /// How late this program was, 99 of 100 times, in milliseconds.
    pub late_p99_ms: f64,
    /// Whether no socket was opened at all.
    pub unopened: bool,
}

/// Says what limits the run.
#[must_use]
pub fn limit(loads: &Loads) -> String {
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let is_full = |share: f64| share >= FULL;
    if loads.unopened {
        "the server: no socket was opened".to_owned()
    } else if let Some(stolen) = loads.stolen.filter(|stolen| *stolen >= MUCH_STOLEN) {
        format!("the machine: its host gave {} of the cores' time to others", percent(stolen))
    } else if is_full(loads.generator) {
        format!(
            "this program: its threads were busy for {} of the time; give it more --threads",
            percent(loads.generator)
        )
    } else if let Some(server) = loads.server.filter(|server| is_full(*server)) {
        format!("the server: it used {} of its cores", percent(server))
    } else if let Some(idle) = loads.idle.filter(|idle| is_full(1.0 - idle)) {
        format!("the machine: its cores had nothing to do for {} of the time alone", percent(idle))
    } else if loads.late_p99_ms > LATE_MS {
        format!("this program: one time in a hundred it was late by {:.0} ms or more", loads.late_p99_ms)
    } else {
        "nothing: server, machine and this program had time left".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_full_is_named() {
        let free = Loads { generator: 0.2, server: Some(0.5), stolen: Some(0.01), idle: Some(0.5), ..Loads::default() };
        for (loads, named) in [
            (free, "nothing"),
            (Loads { server: None, stolen: None, idle: None, ..free }, "nothing"),
            (Loads { generator: 0.9, server: Some(0.99), ..free }, "this program: its threads"),
            (Loads { server: Some(0.9), ..free }, "the server: it used 90 %"),
            (Loads { stolen: Some(0.2), server: Some(0.9), ..free }, "the machine: its host gave 20 %"),
            (Loads { idle: Some(0.05), ..free }, "the machine: its cores"),
            (Loads { late_p99_ms: 30.0, ..free }, "this program: one time"),
            (Loads { unopened: true, ..free }, "the server: no socket"),
        ] {
            assert!(limit(&loads).starts_with(named), "{loads:?}: {}", limit(&loads));
        }
    }
}
