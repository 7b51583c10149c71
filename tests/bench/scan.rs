//! Measures the speed of scans: `cargo bench --profile ci --bench scan -- [--files N] [--large N]`.
//!
//! Makes a library of N (default: 100,000) short files of seven formats and runs `segue scan` three times: with an empty
//! database, then unchanged, then with another name of the folder above all files; on SQLite and on a PostgreSQL cluster
//! of its own. Then the same with a few hundred files of the size of real tracks. The page cache is warm: the files have just been written. Rates include start and end of
//! the process; memory is the maximum of samples every 10 ms.

#![allow(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a program for the terminal that says why it cannot go on and ends"
)]

mod music;
#[path = "../it/harness/postgres.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod postgres;

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

fn main() {
    let (files, large) = (argument("--files", 100_000), argument("--large", 300));
    println!("database   library          scan         files/s   CPU ms/file   RssAnon MB");
    for (library, clips, files) in [("short clips", music::short(), files), ("real sizes", music::long(), large)] {
        let folder = tempfile::tempdir().expect("a folder");
        let [first, second] = ["Music", "All music"].map(|name| folder.path().join(name));
        music::fill(&first, &clips, files);
        drop(clips);
        for database in ["sqlite", "postgres"] {
            let data = tempfile::tempdir().expect("a folder");
            let url = match database {
                "postgres" => postgres::create(true),
                _ => format!("sqlite:{}", data.path().join("segue.db").display()),
            };
            segue::db::migrate(&url.parse().expect("a good URL")).expect("the tables are made");
            let scans = [
                ("cold", format!("{files} new")),
                ("unchanged", format!("{files} unchanged")),
                ("renamed", format!("{files} moved")),
            ];
            for (scan, expected) in scans {
                if scan == "renamed" {
                    let (from, to) = if database == "sqlite" { (&first, &second) } else { (&second, &first) };
                    fs::rename(from, to).expect("the folder above all files is renamed");
                }
                let (took, cpu_ms, kib) = run(folder.path(), data.path(), &url, &expected);
                println!(
                    "{database:<9}  {library:<11} {files:>7}  {scan:<9} {:>9.0} {:>12.3} {:>12.0}",
                    files as f64 / took.as_secs_f64(),
                    cpu_ms as f64 / files as f64,
                    kib as f64 / 1024.0
                );
            }
        }
    }
}

/// The number after the argument `name` on the command line.
fn argument(name: &str, default: usize) -> usize {
    let mut arguments = std::env::args().skip_while(|argument| argument != name).skip(1);
    arguments.next().map_or(default, |number| number.parse().expect("a number"))
}

/// Runs a scan; returns its duration, its CPU time in ms, and its memory in KiB.
fn run(music: &Path, data: &Path, url: &str, expected: &str) -> (Duration, u64, u64) {
    let began = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_segue"));
    command.args(["scan", "--music"]).arg(music).arg("--data-dir").arg(data).args(["--database-url", url]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
    let watch = child.id();
    let (mut cpu_ms, mut kib) = (0, 0);
    let took = loop {
        if is_over(&mut child) {
            break began.elapsed();
        }
        (cpu_ms, kib) = look(watch).map_or((cpu_ms, kib), |(now_ms, now)| (now_ms, kib.max(now)));
        thread::park_timeout(Duration::from_millis(10));
    };
    let output = child.wait_with_output().expect("it has ended");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains(expected), "{expected}: {said}");
    (took, cpu_ms, kib)
}

fn is_over(child: &mut Child) -> bool {
    child.try_wait().expect("it is ours").is_some()
}

/// CPU time in ms (resolution 10 ms) and anonymous memory in KiB of a process (proc(5)).
fn look(process: u32) -> Option<(u64, u64)> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().ok()? + fields[12].parse::<u64>().ok()?;
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    Some((ticks * 10, line.trim().strip_suffix(" kB")?.parse().ok()?))
}
