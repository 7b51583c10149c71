//! The whole program against a real server: short runs that prove correctness and exit codes, never speed.
#![allow(clippy::indexing_slicing, reason = "a test that finds less than it looks for should panic")]

mod server;

use serde_json::Value;
use server::Server;
use std::path::Path;
use std::process::{Command, Output};

/// A scenario in which everything happens within seconds.
const LIVELY: &str = r#"
about = "everything at once"
[time]
ramp_s = 0.5
hold_s = 6
end_s = 120
[users]
listening = 0.8
zipf = 0.5
queue = 5
[per_hour]
seek = 2000
pause = 1000
next = 1500
transfer = 1000
insert = 1000
[storm]
first_s = 2
share = 0.7
[flaky]
share = 0.3
cut_every_s = 4
delay_ms = 20
jitter_ms = 40
[audio]
share = 1
piece_s = 1
[thresholds]
errors = 0
"#;

/// A scenario in which one short phase follows the other.
const CALM: &str = r#"
about = "little"
[time]
ramp_s = 0.2
hold_s = 2
end_s = 120
[users]
listening = 1
zipf = 0
queue = 3
[per_hour]
seek = 3000
"#;

fn command(server: &Server, scenario: &str, name: &str) -> Command {
    let path = server.folder().join(format!("{name}.toml"));
    std::fs::write(&path, scenario).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
    command.args(["run", "--url", &server.base, "--users", "10", "--devices", "3", "--scenario"]).arg(path);
    command.arg("--tokens").arg(server.tokens());
    command
}

fn told(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// The line of JSON, which is the last one.
fn figures(output: &Output) -> Value {
    let (table, errors) = told(output);
    let line = table.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {table}{errors}"))
}

fn assert_kept(figures: &Value) {
    assert_eq!(figures["violations"], serde_json::json!([]), "{figures}");
    assert_eq!(figures["failed"], Value::Null, "{figures}");
}

fn count(figures: &Value, name: &str) -> u64 {
    figures["counts"][name].as_u64().unwrap_or_else(|| panic!("no {name}: {figures}"))
}

fn times(figures: &Value, name: &str) -> u64 {
    figures["times"][name]["count"].as_u64().unwrap_or_else(|| panic!("no {name}: {figures}"))
}

fn assert_all_is_within(page: &str) {
    // The name of SVG's language is no address that is loaded.
    let page = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    for word in ["http:", "https:", "//", "src=", "href=", "url(", "@import", "<script", "<link"] {
        assert!(!page.contains(word), "the page names something elsewhere: {word}");
    }
    assert!(page.matches("<svg").count() > 5, "it has plots");
}

#[test]
fn a_lively_run_breaks_no_promise_and_measures_everything() {
    let server = Server::start(10);
    let (html, hlog) = (server.folder().join("report.html"), server.folder().join("times.hlog"));
    let mut command = command(&server, LIVELY, "lively");
    let output = command.arg("--html").arg(&html).arg("--hlog").arg(&hlog).output().expect("it runs");
    let figures = figures(&output);
    assert_kept(&figures);
    for name in ["handshake", "welcome", "back", "ack", "delivery", "far_delivery", "report", "probe", "lag", "audio"] {
        assert!(times(&figures, name) > 0, "{name}: {figures}");
    }
    for name in ["opened", "cut", "frames_in", "frames_out", "bytes_in", "bytes_out", "acks", "reports", "audio_bytes"]
    {
        assert!(count(&figures, name) > 0, "{name}: {figures}");
    }
    assert!(count(&figures, "opened") >= 30 && figures["server"]["rss_most"].as_u64() > Some(0), "{figures}");
    assert_all_is_within(&std::fs::read_to_string(html).expect("the page is there"));
    let log = std::fs::read(hlog).expect("the log is there");
    let mut measures = loadtest::measure::Measures::default();
    loadtest::measure::log::read(&log, &mut measures).expect("it is a log");
    let acks = measures.times(loadtest::measure::Latency::Ack).map(hdrhistogram::Histogram::len);
    assert_eq!(acks, Some(times(&figures, "ack")), "the log has each of them");
}

#[test]
fn a_threshold_that_is_missed_makes_the_run_red_and_nothing_else_does() {
    let server = Server::start(10);
    // A count of bytes is exceeded by any run, on any machine.
    for (threshold, code, word) in [("bytes_in = 1", 1, "RED"), ("bytes_in = 1e12", 0, "green")] {
        let scenario = format!("{CALM}[thresholds]\n{threshold}\n");
        let output = command(&server, &scenario, "calm").output().expect("it runs");
        let (table, errors) = told(&output);
        assert_kept(&figures(&output));
        assert_eq!(output.status.code(), Some(code), "{table}{errors}");
        assert!(table.lines().any(|line| line == word), "{table}");
    }
}

#[test]
fn sockets_that_do_not_fit_into_one_process_are_split_and_added_up() {
    let server = Server::start(10);
    let mut limited = Command::new("prlimit");
    let inner = command(&server, CALM, "calm");
    // 30 sockets: 16 fit into each process beside its other files.
    limited.args(["--nofile=80:80", "--"]).arg(inner.get_program()).args(inner.get_args());
    let output = limited.output().expect("it runs");
    let figures = figures(&output);
    assert_kept(&figures);
    assert_eq!(output.status.code(), Some(0), "{figures}");
    assert_eq!((figures["processes"].as_u64(), count(&figures, "opened")), (Some(2), 30), "{figures}");
    assert!(count(&figures, "acks") >= 20 && times(&figures, "ack") == count(&figures, "acks"), "{figures}");
}

#[test]
fn a_server_without_room_for_the_sockets_is_refused_with_the_reason() {
    let server = Server::start(10);
    let pid = server.pid().to_string();
    let limited = Command::new("prlimit").args(["--pid", &pid, "--nofile=100:100"]).status().expect("it runs");
    assert!(limited.success());
    let output = command(&server, CALM, "calm").output().expect("it runs");
    let (_, errors) = told(&output);
    assert_eq!(output.status.code(), Some(3), "{errors}");
    assert!(errors.contains("the server may open 100 files") && errors.contains("ulimit -n"), "{errors}");
}

#[test]
fn a_server_that_ends_makes_the_run_red() {
    let mut server = Server::start(10);
    let scenario = CALM.replace("end_s = 120", "end_s = 2").replace("hold_s = 2", "hold_s = 8");
    let mut running = command(&server, &scenario, "calm")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    while server.sockets() < 20 {
        assert!(matches!(running.try_wait(), Ok(None)), "it ended before its devices were there");
        std::thread::yield_now();
    }
    server.kill();
    let output = running.wait_with_output().expect("it ends");
    let figures = figures(&output);
    assert_eq!(output.status.code(), Some(1), "{figures}");
    assert_ne!(figures["violations"], serde_json::json!([]), "nobody comes to rest: {figures}");
}

#[test]
fn what_is_wrong_is_refused_with_the_reason() {
    let server = Server::start(2);
    let wrong = |change: &dyn Fn(&mut Command), scenario: &str| {
        let mut command = command(&server, scenario, "wrong");
        change(&mut command);
        let output = command.output().expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        told(&output).1
    };
    let nothing = |_: &mut Command| {};
    assert!(wrong(&nothing, CALM).contains("2 tokens are in the file, 10 users are wanted"));
    assert!(wrong(&nothing, "about = 1").contains("scenario "));
    assert!(wrong(&nothing, &format!("{CALM}[thresholds]\nspeed = 1\n")).contains("no figure is called speed"));
    assert!(wrong(&|command| _ = command.arg("--hurry"), CALM).contains("--hurry"));
    let stale = server.folder().join("stale.jsonl");
    std::fs::write(&stale, "{\"token\":\"stale\"}\n".repeat(10)).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
    command.args(["run", "--url", &server.base, "--users", "10", "--tokens"]).arg(Path::new(&stale));
    let output = command.output().expect("it runs");
    assert!(told(&output).1.contains("the first token of the file is not valid"), "{output:?}");
}
