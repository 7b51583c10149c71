//! `loadtest report`: runs the benches of the catalogue and puts their figures beside the targets.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Runs the benches of the catalogue (`cargo bench` in the project's folder) and shows their figures beside the targets
#[derive(Debug, Clone, clap::Args)]
pub struct Catalogue {
    /// Sizes of the library, in tracks
    #[arg(long, value_delimiter = ',', default_value = "100000")]
    tracks: Vec<u64>,
    /// The benches: `search`, `lists`, `scan`, `commits`
    #[arg(long, value_delimiter = ',', default_value = "search,lists,scan,commits")]
    benches: Vec<String>,
    /// An empty PostgreSQL database for `commits`; `lists` and `scan` start clusters of their own
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// The project's folder, instead of the one in which this program was built
    #[arg(long, value_name = "FOLDER")]
    project: Option<PathBuf>,
    /// The profile of cargo with which benches are built
    #[arg(long, default_value = "bench")]
    profile: String,
}

/// A figure beside its target.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    what: String,
    figure: f64,
    /// Whether the figure is to be at most that, or at least.
    target: Option<(bool, f64)>,
}

impl Row {
    fn text(&self) -> String {
        let (target, met) = match self.target {
            None => ("–".to_owned(), "–"),
            Some((at_most, target)) => {
                let is_met = if at_most { self.figure <= target } else { self.figure >= target };
                (format!("{} {target}", if at_most { "≤" } else { "≥" }), if is_met { "met" } else { "missed" })
            }
        };
        format!("| {} | {} | {target} | {met} |\n", self.what, self.figure)
    }
}

impl Catalogue {
    /// Runs it. `tell` is told what is done.
    ///
    /// # Errors
    /// A bench failed.
    pub fn run(&self, tell: impl Fn(&str)) -> Result<String, String> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf);
        let project = self.project.clone().or(here).ok_or("name the project's folder by --project")?;
        let mut text = "| what | figure | target | |\n|---|---|---|---|\n".to_owned();
        for bench in &self.benches {
            for arguments in self.arguments(bench)? {
                tell(&format!("{bench} {}", arguments.join(" ")));
                let output = self.bench(&project, bench, &arguments)?;
                tell(output.trim_end());
                for row in rows(bench, &arguments.join(" "), &output) {
                    text += &row.text();
                }
            }
        }
        Ok(text)
    }

    /// The arguments of each run of a bench.
    fn arguments(&self, bench: &str) -> Result<Vec<Vec<String>>, String> {
        let by_size = |name: Option<&str>| -> Vec<Vec<String>> {
            let named = |tracks: &u64| name.map(str::to_owned).into_iter().chain([tracks.to_string()]).collect();
            self.tracks.iter().map(named).collect()
        };
        match bench {
            "search" | "lists" => Ok(by_size(None)),
            "scan" => Ok(by_size(Some("--files"))),
            "commits" => {
                let sqlite = format!("sqlite:{}", std::env::temp_dir().join("segue-commits.db").display());
                Ok([Some(sqlite), self.postgres.clone()].into_iter().flatten().map(|url| vec![url]).collect())
            }
            other => Err(format!("there is no bench {other}: search, lists, scan, commits")),
        }
    }

    fn bench(&self, project: &Path, bench: &str, arguments: &[String]) -> Result<String, String> {
        let mut command = Command::new("cargo");
        command.args(["bench", "--locked", "--package", "segue", "--profile", &self.profile, "--bench", bench, "--"]);
        let output = command.args(arguments).current_dir(project).stderr(Stdio::inherit()).output();
        let output = output.map_err(|error| format!("cargo: {error}"))?;
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() { Ok(told) } else { Err(format!("bench {bench}: {}", output.status)) }
    }
}

/// The figures in what a bench prints.
fn rows(bench: &str, arguments: &str, output: &str) -> Vec<Row> {
    let row = |what: String, figure: Option<f64>, target| figure.map(|figure| Row { what, figure, target });
    let mut rows = Vec::new();
    let mut part = String::new();
    for line in output.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |at: usize| words.get(at)?.trim_end_matches([',', ';']).parse::<f64>().ok();
        match bench {
            "search" => {
                if let Some((name, _)) = line.split_once(": ").filter(|(_, rest)| rest.contains(" queries, ")) {
                    name.clone_into(&mut part);
                } else if line.trim_start().starts_with("thread CPU") && !part.is_empty() {
                    let most = if arguments.starts_with("1000000") { 20.0 } else { 10.0 };
                    let target = part.starts_with("as typed").then_some((true, most));
                    rows.extend(row(format!("search {arguments} {part}: p99, thread CPU ms"), number(4), target));
                } else if let Some((name, ratio)) = line.split_once(" / FTS5: ") {
                    rows.extend(row(format!("search {arguments}: {name} ÷ FTS5"), ratio.parse().ok(), None));
                }
            }
            "lists" => {
                if let Some((name, rest)) = line.split_once(" rows: first page ") {
                    let name: Vec<&str> = name.split_whitespace().collect();
                    let (_, name) = name.split_last().unwrap_or((&"", &[]));
                    let ratio = rest.split_once("ratio ").and_then(|(_, rest)| rest.split(';').next()?.parse().ok());
                    let target = name.contains(&"albums").then_some((true, 1.5));
                    rows.extend(row(format!("page at 50,000 ÷ first, {}", name.join(" ")), ratio, target));
                }
            }
            "scan" => {
                for (kind, least) in [("cold", 1_500.0), ("unchanged", 40_000.0)] {
                    if let Some(at) = words.iter().position(|word| *word == kind) {
                        let name = words.get(..at).unwrap_or_default().join(" ");
                        let target = name.contains("short clips").then_some((false, least));
                        rows.extend(row(format!("scan, {name}, {kind}: files/s"), number(at + 1), target));
                        let most = arguments.contains("1000000").then_some((true, 300.0));
                        rows.extend(row(format!("scan, {name}, {kind}: RssAnon MB"), number(at + 3), most));
                    }
                }
            }
            _ => {
                if let Some((users, rest)) = line.split_once(" users:") {
                    let database = arguments.split(':').next().unwrap_or_default();
                    let rate = rest.split_whitespace().next().and_then(|rate| rate.parse().ok());
                    rows.extend(row(format!("commits/s, {database}, {} users", users.trim()), rate, None));
                }
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    fn texts(bench: &str, arguments: &str, output: &str) -> String {
        let mut text = String::new();
        for row in rows(bench, arguments, output) {
            write!(text, "{}", row.text()).expect("text");
        }
        text
    }

    #[test]
    fn what_benches_print_is_read() {
        let search = "100000 tracks, 1 documents, 200 queries\nas typed: 2000 queries, 9 results; ms at p50, p95, p99, max:\n  \
                      thread CPU 0.10 1.00 11.50 20.00\n  wall       0.1 1 2 3\np99 / FTS5: 0.250\n";
        assert_eq!(
            texts("search", "100000", search),
            "| search 100000 as typed: p99, thread CPU ms | 11.5 | ≤ 10 | missed |\n| search 100000: p99 ÷ FTS5 | \
             0.25 | – | – |\n"
        );
        let lists = "sqlite    albums by name    109000 rows: first page 1.00ms, at 50000 1.20ms, ratio 1.20; finding the \
                     places 3ms\n";
        let page = "| page at 50,000 ÷ first, sqlite albums by name | 1.2 | ≤ 1.5 | met |\n";
        assert_eq!(texts("lists", "100000", lists), page);
        let scan = "database   library          scan         files/s   CPU ms/file   RssAnon MB\n\
                    sqlite     short clips  100000  cold           1900        0.800           90\n";
        assert_eq!(
            texts("scan", "--files 100000", scan),
            "| scan, sqlite short clips 100000, cold: files/s | 1900 | ≥ 1500 | met |\n| scan, sqlite short clips 100000, \
             cold: RssAnon MB | 90 | – | – |\n"
        );
        let commits = "  100 users:   3100 commits/s; p50   1.00 ms, p99   9.00 ms\n";
        let commits = texts("commits", "sqlite:x", commits);
        assert_eq!(commits, "| commits/s, sqlite, 100 users | 3100 | – | – |\n");
    }
}
