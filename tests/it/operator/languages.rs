//! A database whose messages are German: its errors are told by code.

use crate::harness::{Cluster, Dialect, Server, TestDatabase, run};
use diesel::{RunQueryDsl as _, sql_query};
use segue::db::{DbConnection, DbError};
use serde_json::json;
use std::sync::Barrier;

fn german() -> (Cluster, TestDatabase) {
    let cluster = Cluster::start(&["german"]);
    let folder = tempfile::tempdir().expect("a temp folder");
    let database = TestDatabase { dialect: Dialect::Postgres, url: cluster.url("postgres"), folder };
    segue::db::migrate(&database.parsed()).expect("the tables are made");
    (cluster, database)
}

fn execute(connection: &mut DbConnection, sql: &str) -> Result<(), DbError> {
    sql_query(sql).execute(connection)?;
    Ok(())
}

/// What a statement fails with, and that its text is German.
#[track_caller]
fn refused(failed: Result<(), DbError>, german: &str) -> DbError {
    let error = failed.expect_err(german);
    assert!(error.to_string().contains(german), "not German: {error}");
    error
}

#[test]
fn the_errors_of_a_german_database_are_told_apart() {
    let (_cluster, database) = german();
    let db = database.open();
    let fail = |sql: &str, german: &str| {
        let mut statements = sql.split(';');
        let last = statements.next_back().expect("a statement");
        refused(
            db.write_blocking(|connection| {
                statements.try_for_each(|statement| execute(connection, statement))?;
                execute(connection, last)
            }),
            german,
        )
    };
    let kinds = |error: &DbError| (error.is_transient(), error.is_full(), error.is_duplicate());
    let bug = fail("SELECT 1/0", "Division durch Null");
    assert_eq!(kinds(&bug), (false, false, false), "{bug}");
    let twice = "INSERT INTO secrets (name, value) VALUES ('a', '')";
    let duplicate = fail(&format!("{twice};{twice}"), "doppelter Schlüsselwert");
    assert_eq!(kinds(&duplicate), (false, false, true), "{duplicate}");
    let slow = fail(
        "SET LOCAL statement_timeout = 1;SELECT count(*) FROM generate_series(1, 100000000000)",
        "Zeitüberschreitung",
    );
    assert_eq!(kinds(&slow), (true, false, false), "{slow}");
    let ended = db.write_blocking(|connection| execute(connection, "SELECT pg_terminate_backend(pg_backend_pid())"));
    let ended = ended.expect_err("the connection is ended");
    assert_eq!(kinds(&ended), (true, false, false), "{ended}");
    // The server's own words for a full disk are those of the system; the code is what counts.
    let full = "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full', MESSAGE = 'kein Platz mehr'; END $$";
    let full = refused(db.write_blocking(|connection| execute(connection, full)), "kein Platz mehr");
    assert_eq!(kinds(&full), (false, true, false), "{full}");
}

#[test]
fn of_two_that_lock_each_other_out_in_german_one_may_try_again() {
    let (_cluster, database) = german();
    let (db, both) = (database.open(), Barrier::new(2));
    let lock = |first: u8, second: u8| {
        let (db, both) = (db.clone(), &both);
        move || {
            db.write_blocking(|connection| {
                execute(connection, "SET LOCAL deadlock_timeout = '10ms'")?;
                execute(connection, &format!("SELECT pg_advisory_xact_lock({first})"))?;
                both.wait();
                execute(connection, &format!("SELECT pg_advisory_xact_lock({second})"))
            })
        }
    };
    let outcomes = std::thread::scope(|scope| {
        [scope.spawn(lock(1, 2)), scope.spawn(lock(2, 1))].map(|thread| thread.join().expect("no panic"))
    });
    let failed: Vec<_> = outcomes.into_iter().filter_map(Result::err).collect();
    assert_eq!(failed.len(), 1, "one is let through: {failed:?}");
    assert!(failed[0].to_string().contains("Verklemmung"), "not German: {}", failed[0]);
    assert!(failed[0].is_transient() && !failed[0].is_full(), "{}", failed[0]);
}

#[test]
fn a_server_on_a_german_database_answers_as_on_any() {
    run(async {
        let (_cluster, database) = german();
        let server = Server::start(&database).await;
        let admin = server.admin(&database, "root").await;
        let new = json!({"username": "ben", "password": "ben-password"});
        assert_eq!(admin.post("/v1/users", &new).await.status, 201);
        admin.post("/v1/users", &new).await.assert_error(409, "conflict");
        assert_eq!(server.get("/readyz").await.status, 200);
    });
}
