//! The test machinery: no process is left behind, and the tools are those that are pinned.

use crate::harness::{Dialect, Server, TestDatabase, python, run, until};
use std::{os::unix::fs::PermissionsExt as _, path::Path, process::Command};

#[test]
fn the_python_tools_are_those_that_are_pinned() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pinned = std::fs::read_to_string(root.join("tests/requirements.txt")).expect("the list is there");
    let output = python().args(["-m", "pip", "freeze"]).output().expect("python runs");
    let installed = String::from_utf8_lossy(&output.stdout);
    for tool in pinned.lines().filter(|line| !line.starts_with('#')) {
        assert!(installed.lines().any(|line| line.eq_ignore_ascii_case(tool)), "{tool} is not installed: {installed}");
    }
}

#[test]
fn a_server_ends_with_the_thread_that_started_it() {
    let pid = std::thread::spawn(|| {
        run(async {
            let server = Server::start(&TestDatabase::new(Dialect::Sqlite)).await;
            let pid = server.pid();
            std::mem::forget(server);
            pid
        })
    });
    let pid = pid.join().expect("the server starts");
    run(until("the server ends", async || {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        state.is_empty() || state.contains(") Z ")
    }));
}

#[test]
fn the_gate_has_a_help_text_and_refuses_unknown_arguments() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(root.join("tests/run")).arg("quick").output().expect("bash runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("usage: tests/run [fast|long]"));
    let gate = std::fs::read_to_string(root.join(".ci/run")).expect("it is there");
    assert!(gate.contains("/../tests/run"), "the machine's gate is tests/run");
}

/// A folder with a script called `name`, to be put first into `PATH`.
fn stand_in(name: &str, script: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("it may run");
    folder
}

fn with_stand_in(script: &str, folder: &tempfile::TempDir) -> Command {
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(script));
    let path = std::env::var("PATH").expect("a path");
    command.env("PATH", format!("{}:{path}", folder.path().display()));
    command
}

#[test]
fn the_gate_reports_at_once_what_the_machine_lacks() {
    let good = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/machine.sh")).output().expect("it runs");
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stderr));
    for (program, script, told) in [
        ("cargo", "echo cargo 1.70.0", "cargo 1.70.0 is too old"),
        ("cargo", "exit 127", "cargo does not run: install Rust"),
        ("df", "echo / 1 1 1024", "1 GB are free at"),
        ("unshare", "exit 1", "is refused, which the tests need"),
        // It reads what is piped into it, so that the other end of the pipe does not fail.
        ("awk", "[ $# -gt 1 ] || cat >/dev/null\necho 1000000", "1 GB of memory"),
    ] {
        let output = with_stand_in("tests/machine.sh", &stand_in(program, script)).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && said.contains(told), "{program}: wanted {told}: {said}");
    }
}

/// A server takes every variable of that prefix for a setting, and does not start for one that it does not know.
#[test]
fn the_gate_gives_its_stages_no_variable_that_a_server_would_take_for_a_setting() {
    let script = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/run")).expect("readable");
    let exported: Vec<_> = script.lines().filter(|line| line.starts_with("export ")).collect();
    assert!(!exported.is_empty() && exported.iter().all(|line| !line.contains("SEGUE_")), "{exported:?}");
}

#[test]
fn the_gate_goes_on_after_a_failure_and_names_all_of_them() {
    for (cargo, code, failed) in [
        ("exit 0", 0, &[][..]),
        ("[ $1 = clippy ]", 1, &["format", "unit tests", "tests of the core"]),
        ("[ $1 = test ]", 1, &["format", "lints"]),
    ] {
        let output = with_stand_in("tests/run", &stand_in("cargo", cargo)).arg("fast").output().expect("it runs");
        let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{cargo}: {said}{errors}");
        assert_eq!(said.contains("== all green"), code == 0, "{cargo}: {said}");
        let lines: Vec<_> = errors.lines().filter_map(|line| line.strip_prefix("== failed: ")).collect();
        assert_eq!(lines[lines.len() - failed.len()..], *failed, "{cargo}: {errors}");
        assert_eq!(lines.len(), failed.len() * 2, "{cargo}: each is named when it fails and at the end: {errors}");
    }
}

#[test]
fn a_node_that_is_too_old_is_replaced_and_a_recent_one_is_used() {
    let target = tempfile::tempdir().expect("a folder");
    let plan = |major: u32| {
        let folder = stand_in("node", &format!("case $1 in --version) echo v{major}.0.0;; *) echo {major};; esac"));
        for tool in ["npm", "npx"] {
            std::fs::copy(folder.path().join("node"), folder.path().join(tool)).expect("copied");
        }
        let mut command = with_stand_in("tests/node.sh", &folder);
        let output = command.arg("--plan").env("CARGO_TARGET_DIR", target.path()).output().expect("it runs");
        assert!(output.status.success());
        String::from_utf8(output.stdout).expect("text")
    };
    assert!(plan(18).contains("here is v18.0.0: from PyPI"), "{}", plan(18));
    assert_eq!(plan(20), "");
}

/// Part of `tests/run long`: the feature needs OpenSSL built.
#[cfg(feature = "postgres-tls")]
#[test]
fn postgres_is_reached_by_tls_when_the_url_asks() {
    use crate::harness::Cluster;
    use diesel::{RunQueryDsl as _, sql_query, sql_types::Bool};

    #[derive(diesel::QueryableByName)]
    struct Tls {
        #[diesel(sql_type = Bool)]
        ssl: bool,
    }

    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|taken| taken.local_addr()).expect("a port").port();
    let cluster = Cluster::start(&["tls", &port.to_string()]);
    let url = |root: &str| format!("postgres://segue@127.0.0.1:{port}/postgres?sslmode=verify-full&sslrootcert={root}");
    let certificate = cluster.folder.join("server.crt");
    let db =
        segue::db::Db::open(&url(&certificate.to_string_lossy()).parse().expect("a good URL"), 2).expect("it opens");
    let found = db.read_blocking(|connection| {
        Ok(sql_query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").get_result::<Tls>(connection)?)
    });
    assert!(found.expect("reading works").ssl);
    let stranger = segue::db::migrate(&url("/etc/hostname").parse().expect("a good URL"));
    assert!(stranger.is_err(), "a certificate nobody vouches for was taken");
}
