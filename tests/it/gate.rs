//! The test machinery: no process is left behind, and the tools are those that are pinned.

use crate::harness::{Dialect, Server, TestDatabase, python, run, until};
use std::{path::Path, process::Command};

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
fn the_gate_explains_itself_and_refuses_what_it_does_not_know() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(root.join("tests/run")).arg("quick").output().expect("bash runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("usage: tests/run [long]"));
    let gate = std::fs::read_to_string(root.join(".ci/run")).expect("it is there");
    assert!(gate.contains("/../tests/run"), "the machine's gate is tests/run");
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
