//! A table in Markdown, and ratios in it: pure.

use std::fmt::Write as _;

/// A table.
#[derive(Debug, Clone)]
pub(super) struct Table {
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(columns: &[&'static str]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!("| {} |\n|{}\n", self.columns.join(" | "), "---|".repeat(self.columns.len()));
        for row in &self.rows {
            // Text cannot fail to be written.
            let _ = writeln!(text, "| {} |", row.join(" | "));
        }
        text
    }
}

/// A value and its ratio to that of another server.
pub(super) fn ratio(own: Option<f64>, other: Option<f64>) -> String {
    match own.zip(other) {
        Some((own, other)) if other > 0.0 => format!("{:.2}", own / other),
        _ => "–".to_owned(),
    }
}

/// How a figure stands to its targets.
pub(super) fn target(name: &str, figure: Option<f64>, target: f64, better: Option<f64>) -> String {
    let better_text = better.map(|better| format!(", better {better}")).unwrap_or_default();
    let met = match figure {
        None => "not measured".to_owned(),
        Some(figure) if better.is_some_and(|better| figure <= better) => format!("{figure:.2}: better"),
        Some(figure) if figure <= target => format!("{figure:.2}: met"),
        Some(figure) => format!("{figure:.2}: missed"),
    };
    format!("- {name}: {met} (target {target}{better_text})\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_targets_are_written() {
        let mut table = Table::new(&["server", "÷ ws"]);
        table.row(vec!["Segue".to_owned(), ratio(Some(1.0), Some(4.0))]);
        assert_eq!(table.text(), "| server | ÷ ws |\n|---|---|\n| Segue | 0.25 |\n");
        assert_eq!((ratio(None, Some(1.0)).as_str(), ratio(Some(1.0), Some(0.0)).as_str()), ("–", "–"));
        assert_eq!(target("÷ ws", Some(0.61), 0.7, Some(0.62)), "- ÷ ws: 0.61: better (target 0.7, better 0.62)\n");
        assert!(target("x", Some(0.7), 0.7, None).contains("0.70: met (target 0.7)"));
        assert!(target("x", Some(0.71), 0.7, None).contains("missed"));
        assert!(target("x", None, 0.7, None).contains("not measured"));
    }
}
