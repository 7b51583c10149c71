//! Whether a run was good: its thresholds, and the promises that were broken.

use crate::check::Violation;
use crate::measure::{Count, Latency, Measures};
use crate::number::real;
use std::collections::BTreeMap;

/// A figure that a threshold can name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Figure {
    /// A quantile of times, from 0 to 1; 1 is the longest.
    Time(Latency, f64),
    /// How often something has happened.
    Number(Count),
    /// All errors.
    Errors,
}

/// The quantiles that are shown, by name.
pub const QUANTILES: [(&str, f64); 5] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999), ("max", 1.0)];

impl Figure {
    /// Reads a name such as `delivery_p99_ms`, `lost` or `errors`.
    ///
    /// # Errors
    /// The names that there are.
    pub fn parse(name: &str) -> Result<Self, String> {
        if name == "errors" {
            return Ok(Self::Errors);
        }
        if let Some(count) = Count::of(name) {
            return Ok(Self::Number(count));
        }
        let time = name.strip_suffix("_ms").and_then(|rest| rest.rsplit_once('_')).and_then(|(which, quantile)| {
            let quantile = QUANTILES.iter().find(|(known, _)| *known == quantile)?.1;
            Some(Self::Time(Latency::of(which)?, quantile))
        });
        time.ok_or_else(|| {
            let names = |all: Vec<&str>| all.join(", ");
            let times = names(Latency::ALL.iter().map(|one| one.name()).collect());
            let counts = names(Count::ALL.iter().map(|one| one.name()).collect());
            let quantiles = names(QUANTILES.iter().map(|(name, _)| *name).collect());
            format!(
                "no figure is called {name}: there are errors, {counts}, and TIME_QUANTILE_ms, where TIME is one of \
                 {times} and QUANTILE one of {quantiles}"
            )
        })
    }

    /// Its value; `None` if it was not measured.
    #[must_use]
    pub fn of(self, measures: &Measures) -> Option<f64> {
        match self {
            Self::Time(which, quantile) => {
                let times = measures.times(which).filter(|times| !times.is_empty())?;
                Some(real(times.value_at_quantile(quantile)) / 1_000.0)
            }
            Self::Number(count) => Some(real(measures.counted(count))),
            Self::Errors => Some(real(measures.all_errors())),
        }
    }
}

/// A threshold and what was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The name of the figure.
    pub name: String,
    /// The most that it may be.
    pub most: f64,
    /// What it was; `None`: nothing of the kind was measured, which does not meet the threshold.
    pub was: Option<f64>,
}

impl Judged {
    /// Whether the threshold is met.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.was.is_some_and(|was| was <= self.most)
    }
}

/// The verdict on a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Each threshold.
    pub thresholds: Vec<Judged>,
    /// Broken promises, all of them.
    pub violations: u64,
    /// Why the run, or a part of it, could not go on.
    pub failed: Option<String>,
}

impl Verdict {
    /// Judges a run.
    ///
    /// # Errors
    /// A threshold that names no figure.
    pub fn new(
        thresholds: &BTreeMap<String, f64>,
        measures: &Measures,
        violations: &[Violation],
        failed: Option<String>,
    ) -> Result<Self, String> {
        let judge = |(name, most): (&String, &f64)| {
            Ok::<_, String>(Judged { name: name.clone(), most: *most, was: Figure::parse(name)?.of(measures) })
        };
        let thresholds = thresholds.iter().map(judge).collect::<Result<_, _>>()?;
        let violations = u64::try_from(violations.len()).unwrap_or(u64::MAX);
        Ok(Self { thresholds, violations, failed })
    }

    /// Whether the run was good.
    #[must_use]
    pub fn is_green(&self) -> bool {
        self.failed.is_none() && self.violations == 0 && self.thresholds.iter().all(Judged::is_met)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Rule;

    fn judge(thresholds: &[(&str, f64)], measures: &Measures, violations: &[Violation]) -> Verdict {
        let thresholds = thresholds.iter().map(|(name, most)| ((*name).to_owned(), *most)).collect();
        Verdict::new(&thresholds, measures, violations, None).expect("they are known")
    }

    #[test]
    fn a_run_is_green_if_each_threshold_is_met_and_no_promise_broken() {
        let mut measures = Measures::default();
        (1..=100).for_each(|ms| measures.time(Latency::Ack, ms * 1_000));
        measures.error("refused");
        for (name, most, green) in [
            ("ack_p50_ms", 50.1, true),
            ("ack_p50_ms", 49.0, false),
            ("ack_max_ms", 100.1, true),
            ("errors", 1.0, true),
            ("errors", 0.0, false),
            ("lost", 0.0, true),
            ("delivery_p99_ms", 1e6, false),
        ] {
            assert_eq!(judge(&[(name, most)], &measures, &[]).is_green(), green, "{name} {most}");
        }
        let violation = Violation { rule: Rule::Missing, user: 0, what: String::new() };
        assert!(judge(&[], &measures, &[]).is_green());
        assert!(!judge(&[], &measures, &[violation]).is_green());
        let failed = Verdict { failed: Some("no memory".to_owned()), ..judge(&[], &measures, &[]) };
        assert!(!failed.is_green());
    }

    #[test]
    fn an_unknown_figure_is_named_with_those_that_there_are() {
        for name in ["ack_p98_ms", "ack", "speed_p99_ms", "ack_p99"] {
            let told = Figure::parse(name).expect_err(name);
            assert!(told.contains(name) && told.contains("far_delivery") && told.contains("p999"), "{told}");
        }
        assert_eq!(Figure::parse("far_delivery_p999_ms"), Ok(Figure::Time(Latency::FarDelivery, 0.999)));
    }
}
