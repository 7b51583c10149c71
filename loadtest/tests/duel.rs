//! Comparisons of a few devices: that every server delivers, pings and takes everybody back; no speed. Node.js with npm
//! must be on PATH (`tests/node.sh`).
#![allow(clippy::indexing_slicing, reason = "a test that finds less than it looks for should panic")]

#[allow(dead_code, reason = "other tests use more of it")]
mod server;

use std::process::{Command, Output};

const SERVERS: [&str; 2] = ["--servers", "segue,floor,raw,ws"];
const NAMES: [&str; 4] = ["Segue", "epoll forwarder with JSON", "epoll forwarder, no JSON", "npm ws"];

fn compare(arguments: &[&str]) -> Output {
    let program = server::program();
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
    command.args(arguments).arg("--segue").arg(program).output().expect("it runs")
}

/// The cells of the row of each server.
fn rows(output: &Output) -> Vec<Vec<String>> {
    let text = String::from_utf8_lossy(&output.stdout);
    let row = |name: &&str| {
        let line = text.lines().find(|line| line.starts_with(&format!("| {name} |")));
        let line = line.unwrap_or_else(|| panic!("no row of {name}: {output:?}"));
        line.split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    NAMES.iter().map(row).collect()
}

/// Why it is not judged, other than that the machine is not quiet.
fn objections(output: &Output) -> Vec<String> {
    let errors = String::from_utf8_lossy(&output.stderr);
    let (told, other): (Vec<&str>, Vec<&str>) = errors.lines().partition(|line| line.contains("not judged: "));
    assert!(other.is_empty(), "{output:?}");
    assert_eq!(output.status.code(), Some(i32::from(!told.is_empty())), "{output:?}");
    told.into_iter().filter(|line| !line.contains("the host stole")).map(str::to_owned).collect()
}

#[test]
fn a_duel_shows_each_publish_to_the_others_and_is_not_judged_if_it_is_short() {
    let duel = ["duel", "--users", "4", "--rounds", "2", "--duels", "1", "--rate", "100"];
    let output = compare(&[&duel[..], &SERVERS].concat());
    let objections = objections(&output);
    assert_eq!(objections.len(), 1, "{objections:?}");
    assert!(objections[0].contains("2 rounds are too few: 40 are needed"), "{objections:?}");
    for row in rows(&output) {
        let shown: f64 = row[8].parse().expect("a number");
        // Segue leaves out a state that a newer one has replaced before it was sent.
        assert!(shown > 0.0 && (row[1] == "Segue" || (shown - 2.0).abs() < 0.01), "{row:?}");
        assert!(row[2].parse::<f64>().expect("a cost") > 0.0, "{row:?}");
    }
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("CPU per publish ÷ nchan: not measured"), "{text}");
}

#[test]
fn idle_devices_stay_connected() {
    let output = compare(&[&["idle", "--users", "4", "--seconds", "1"], &SERVERS[..]].concat());
    assert_eq!(objections(&output), [""; 0]);
    for row in rows(&output) {
        assert!(row[2].parse::<f64>().is_ok(), "{row:?}");
    }
}

#[test]
fn after_a_storm_all_are_back_with_the_state() {
    let output = compare(&[&["storm", "--users", "5"], &SERVERS[..]].concat());
    assert_eq!(objections(&output), [""; 0]);
    for row in rows(&output) {
        assert!(row[4].parse::<f64>().expect("a cost") > 0.0, "{row:?}");
    }
}

#[test]
fn what_does_not_fit_or_is_missing_is_named() {
    let told = |arguments: &[&str], code: i32| {
        let output = Command::new(env!("CARGO_BIN_EXE_loadtest")).args(arguments).output().expect("it runs");
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let many = told(&["storm", "--users", "99999999", "--servers", "floor"], 3);
    assert!(many.contains("299999997 sockets") && many.contains("ulimit -n"), "{many}");
    let missing = told(&["idle", "--users", "1", "--servers", "segue", "--segue", "no-such-file"], 2);
    assert!(missing.contains("no-such-file is missing"), "{missing}");
    assert!(told(&["duel", "--users", "0"], 2).contains("at least one user"));
    assert!(told(&["report", "--benches", "no-such"], 2).contains("there is no bench no-such"));
}
