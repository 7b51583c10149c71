//! The core's ports, implemented with a real database.

mod killed;
mod outage;
mod tracks;
mod wal;

use crate::harness::{Dialect, TestDatabase};
use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _, connection::SimpleConnection as _, sql_query};
use futures_util::future::join_all;
use killed::play;
use segue::{
    db::{
        self, Db, DbConnection, DbError,
        users::{self, Changed, Role, User},
    },
    store::{DbStore, start},
};
use segue_actors::{
    node::ports::{Later, Nodes as _, Outcome, SessionChange, SessionStore},
    state::{Limits, Record, SessionState, queue::Queue},
    testing::contracts,
};
use segue_client::protocol::ids::{ClockId, MediaId, Micros, NodeId, Stamp, UserId};
use std::sync::Arc;

const EPOCH: u64 = 1_700_000_000;

fn stamp(revision: u64) -> Stamp {
    Stamp { epoch: EPOCH, revision }
}

/// The record of this revision; `mark` distinguishes the attempts that write it.
fn record(revision: u64, mark: i64) -> Arc<Record> {
    let state = SessionState::new(Micros(mark), EPOCH, NodeId(1), Limits::default());
    let mut record = Record::clone(state.record());
    record.stamp = stamp(revision);
    record.playback.revision = revision;
    record.playback.queue_revision = revision;
    Arc::new(record)
}

/// The change from one revision to the next, of record and queue.
fn change(to: u64, mark: i64) -> SessionChange {
    let expected = (to > 1).then(|| stamp(to - 1));
    SessionChange { expected, record: record(to, mark), queue: Some(Arc::new(Queue::default())) }
}

fn open(database: &TestDatabase) -> (Db, DbStore) {
    let db = database.open();
    add_users(&db);
    (db.clone(), DbStore::open(db).expect("its thread starts"))
}

/// Makes users 0 to 10,000, those that are not there.
fn add_users(db: &Db) {
    let sql = "WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 10000)
        INSERT INTO users (id, name, name_key, password, role, created_us)
        SELECT n, 'user ' || n, 'user ' || n, '', 'user', 0 FROM n WHERE n >= 0 ON CONFLICT DO NOTHING";
    db.write_blocking(|connection| Ok(sql_query(sql).execute(connection)?)).expect("they are made");
}

#[track_caller]
fn assert_committed(outcome: &Outcome) {
    assert!(matches!(outcome, Outcome::Committed), "{outcome:?}");
}

async fn revision(store: &DbStore, user: UserId) -> Option<u64> {
    store.load(user).await.expect("the database answers").map(|record| record.stamp.revision)
}

/// How many plays of a user are stored.
async fn plays_of(db: &Db, user: UserId) -> i64 {
    use db::schema::plays::dsl::{plays, user_id};
    let count =
        db.read(move |connection| Ok(plays.filter(user_id.eq(user.to_sql())).count().get_result(connection)?));
    count.await.expect("the database answers")
}

/// Calls `submit` while a locked row of user 0 blocks the writer: the change of user 0 waits for that lock, and all
/// later changes wait for that change.
async fn while_held(
    db: &Db,
    store: Arc<DbStore>,
    submit: impl FnOnce(&DbStore) -> Vec<Later<Outcome>> + Send + 'static,
) -> Vec<Outcome> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let held = db.write(move |connection| {
        let row = "INSERT INTO sessions (user_id, epoch, revision, record) VALUES (0, 0, 0, '')";
        sql_query(row).execute(connection)?;
        let mut answers = vec![store.commit(UserId(0), change(1, 0))];
        answers.extend(submit(&store));
        assert!(sender.send(answers).is_ok(), "the test waits");
        Err::<(), _>(DbError::Busy)
    });
    assert!(matches!(held.await, Err(DbError::Busy)), "the row is taken back");
    join_all(receiver.await.expect("they were submitted")).await
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

/// How many transactions of PostgreSQL wait for a lock.
fn waiting(connection: &mut DbConnection) -> Result<i64, DbError> {
    let waits = "SELECT count(*) AS count FROM pg_locks WHERE NOT granted";
    Ok(sql_query(waits).get_result::<Count>(connection)?.count)
}

/// How many sessions there are for this transaction.
fn sessions(connection: &mut DbConnection) -> Result<i64, DbError> {
    Ok(db::schema::sessions::table.count().get_result(connection)?)
}

/// What a query counts.
async fn count(db: &Db, sql: &'static str) -> i64 {
    let counted = db.read(move |connection| Ok(sql_query(sql).get_result::<Count>(connection)?.count));
    counted.await.expect("the database answers")
}

on_both_databases! {
    async fn the_store_passes_its_contract_suite(database) {
        let (db, store) = open(&database);
        let mut account = User::new("a user".to_owned(), String::new(), Role::User);
        account.id = UserId(u64::MAX - 3);
        let user = account.id;
        db.write(move |connection| users::add(connection, &account)).await.expect("they are made");
        let plays = async || {
            let count = plays_of(&db, user).await;
            usize::try_from(count).expect("a count")
        };
        let remove = async || {
            let removed = db.write(move |connection| users::remove(connection, user)).await;
            assert_eq!(removed.expect("the database answers"), Changed::Done(Vec::new()));
        };
        contracts::session_store(&store, user, plays, remove).await;
        assert_eq!(count(&db, "SELECT count(*) AS count FROM session_queues").await, 0);
    }

    async fn who_is_being_removed_gets_nothing_more(database) {
        let (db, store) = open(&database);
        let (dialect, store) = (database.dialect, Arc::new(store));
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let writes = Arc::clone(&store);
        let removed = db.write(move |connection| {
            let removed = users::remove(connection, UserId(1))?;
            let answers = (writes.commit(UserId(1), change(1, 0)), writes.played(UserId(1), play(1)));
            assert!(sender.send(answers).is_ok(), "the test waits");
            // A batch that did not wait would be seen here.
            while dialect == Dialect::Postgres && waiting(connection)? == 0 && sessions(connection)? == 0 {}
            Ok(removed)
        });
        assert_eq!(removed.await.expect("the database answers"), Changed::Done(Vec::new()));
        let (committed, played) = receiver.await.expect("they were sent");
        assert!(matches!(committed.await, Outcome::Conflict(None)), "there is no such user");
        played.await.expect("it is dropped");
        let rows = "SELECT (SELECT count(*) FROM sessions) + (SELECT count(*) FROM plays) AS count";
        assert_eq!(count(&db, rows).await, 0);
    }

    async fn nodes_pass_their_contract_suite(database) {
        let db = database.open();
        let start = async |node| start(db.clone(), Micros(1_000_000), node, ClockId(9)).await.expect("it starts").0;
        contracts::nodes(&start(NodeId(1)).await, &start(NodeId(u64::MAX)).await).await;
    }

    async fn waiting_changes_share_a_transaction(database) {
        let (db, store) = open(&database);
        if database.dialect == Dialect::Sqlite {
            wal::empty(&database);
        }
        let store = Arc::new(store);
        let outcomes = while_held(&db, Arc::clone(&store), |store| {
            let first = (1..=300).map(|user| store.commit(UserId(user), change(1, 0)));
            let stale = (301..=310).map(|user| store.commit(UserId(user), change(5, 0)));
            first.chain(stale).collect()
        }).await;
        outcomes[..=300].iter().for_each(assert_committed);
        for outcome in &outcomes[301..] {
            assert!(matches!(outcome, Outcome::Conflict(None)), "one that loses spoils nothing: {outcome:?}");
        }
        assert_eq!(count(&db, "SELECT count(*) AS count FROM sessions").await, 301);
        let transactions = match database.dialect {
            Dialect::Sqlite => wal::transactions(&database),
            Dialect::Postgres => count(&db, "SELECT count(DISTINCT xmin::text) AS count FROM sessions").await,
        };
        assert!((1..=2).contains(&transactions), "one that was held, and one of all that waited: {transactions}");
    }

    async fn changes_of_one_user_are_applied_in_order(database) {
        let (db, store) = open(&database);
        let store = Arc::new(store);
        let outcomes = while_held(&db, Arc::clone(&store), |store| {
            (1..=20).flat_map(|to| [UserId(1), UserId(2)].map(|user| store.commit(user, change(to, 0)))).collect()
        }).await;
        outcomes.iter().for_each(assert_committed);
        assert_eq!((revision(&store, UserId(1)).await, revision(&store, UserId(2)).await), (Some(20), Some(20)));
        assert_eq!(store.queue(UserId(2)).await.expect("the database answers").0, 20);
    }

    async fn changes_beyond_the_queue_are_refused_and_the_others_are_written(database) {
        let (db, store) = open(&database);
        let store = Arc::new(store);
        let outcomes = while_held(&db, Arc::clone(&store), |store| {
            (1..=10_000).map(|user| store.commit(UserId(user), change(1, 0))).collect()
        }).await;
        let mut refused = 0;
        for (user, outcome) in (0..).zip(&outcomes) {
            match outcome {
                Outcome::Committed => {}
                Outcome::NotSent(error) => {
                    assert!(error.is_transient, "{error}");
                    refused += 1;
                    assert_eq!(revision(&store, UserId(user)).await, None, "surely not written");
                }
                other => panic!("committed or refused: {other:?}"),
            }
        }
        assert!((1000..2000).contains(&refused), "8192 may wait, and one batch of 512 is on its way: {refused}");
        assert_eq!(count(&db, "SELECT count(*) AS count FROM sessions").await, 10_001 - refused);
    }

    async fn a_record_that_cannot_be_parsed_is_an_error(database) {
        let (db, store) = open(&database);
        db.write(|connection| {
            sql_query("INSERT INTO sessions VALUES (7, 1, 1, '{}')").execute(connection)?;
            Ok(())
        }).await.expect("it is there");
        let error = store.load(UserId(7)).await.expect_err("it is no record");
        assert!(!error.is_transient && error.message.contains("record of user 0000000000000007"), "{error}");
    }

    async fn the_clock_continues_from_the_last_heartbeat(database) {
        let db = database.open();
        let start = async |wall_us, node| start(db.clone(), Micros(wall_us), node, ClockId(9)).await.expect("it starts");
        let day_us = 24 * 3600 * 1_000_000;
        let (first, clock) = start(50 * day_us, NodeId(1)).await;
        assert!(clock.now() >= Micros(50 * day_us) && clock.now() < Micros(51 * day_us));
        first.heartbeat(Micros(52 * day_us)).await.expect("the heartbeat is written");
        let (second, clock) = start(10 * day_us, NodeId(2)).await;
        assert!(clock.now() >= Micros(52 * day_us), "the wall clock was set back, the server's was not");
        second.heartbeat(Micros(53 * day_us)).await.expect("the heartbeat is written");
        let (_, clock) = start(90 * day_us, NodeId(3)).await;
        assert!(clock.now() >= Micros(90 * day_us), "nor does it lag behind the wall clock");
        let nodes = db.read(|connection| Ok(sql_query("SELECT count(*) AS count FROM nodes").get_result::<Count>(connection)?.count));
        assert_eq!(nodes.await.expect("the database answers"), 1, "old heartbeats are forgotten, the newest is not");
        let (_, clock) = start(1, NodeId(4)).await;
        assert!(clock.now() >= Micros(53 * day_us));
    }
}

#[test]
fn a_restored_older_sqlite_file_is_a_conflict() {
    crate::harness::run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let path = |name: &str| database.folder.path().join(name);
        let (db, store) = open(&database);
        for to in 1..=5 {
            if to == 3 {
                let backup = format!("VACUUM INTO '{}'", path("backup.db").display());
                let mut connection = diesel::Connection::establish(&path("segue.db").to_string_lossy());
                let connection: &mut diesel::SqliteConnection = connection.as_mut().expect("the file is there");
                connection.batch_execute(&backup).expect("a backup is made");
            }
            assert_committed(&store.commit(UserId(1), change(to, 0)).await);
        }
        drop((db, store));
        for file in ["segue.db-wal", "segue.db-shm"] {
            // The last process that closed the database may have removed these.
            let _ = std::fs::remove_file(path(file));
        }
        std::fs::rename(path("backup.db"), path("segue.db")).expect("the backup is put back");
        let (_, store) = open(&database);
        sees_a_conflict(&store).await;
    });
}

/// A batch holds what it writes for a user, and waits; the removal waits for the batch.
#[test]
fn what_postgresql_is_just_writing_is_removed_with_its_user() {
    crate::harness::run(async {
        let (db, store) = open(&TestDatabase::new(Dialect::Postgres));
        let store = Arc::new(store);
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let (writes, removes) = (Arc::clone(&store), db.clone());
        let held = db.write(move |connection| {
            let row = "INSERT INTO sessions (user_id, epoch, revision, record) VALUES (1, 0, 0, '')";
            sql_query(row).execute(connection)?;
            let committed = writes.commit(UserId(1), change(1, 0));
            while waiting(connection)? == 0 {}
            let removal = std::thread::spawn(move || removes.write_blocking(|other| users::remove(other, UserId(1))));
            while waiting(connection)? < 2 && !removal.is_finished() {}
            assert!(sender.send((committed, removal)).is_ok(), "the test waits");
            Err::<(), _>(DbError::Busy)
        });
        assert!(matches!(held.await, Err(DbError::Busy)), "the row is taken back");
        let (committed, removal) = receiver.await.expect("they were begun");
        assert_committed(&committed.await);
        let removal = tokio::task::spawn_blocking(|| removal.join().expect("no panic")).await.expect("no panic");
        assert_eq!(removal.expect("the database answers"), Changed::Done(Vec::new()));
        let rows = "SELECT (SELECT count(*) FROM sessions) + (SELECT count(*) FROM session_queues) AS count";
        assert_eq!(count(&db, rows).await, 0);
    });
}

/// Asserts a conflict: the database has revision 2, the session has 5.
async fn sees_a_conflict(store: &DbStore) {
    let outcome = store.commit(UserId(1), change(6, 0)).await;
    let standing = matches!(&outcome, Outcome::Conflict(Some(standing)) if standing.stamp == stamp(2));
    assert!(standing, "{outcome:?}");
}

#[test]
fn a_restored_older_state_of_postgresql_is_a_conflict() {
    crate::harness::run(async {
        let (db, store) = open(&TestDatabase::new(Dialect::Postgres));
        let execute = async |sql: &'static str| {
            db.write(move |connection: &mut DbConnection| Ok(connection.batch_execute(sql)?)).await.expect("it runs");
        };
        for to in 1..=5 {
            if to == 3 {
                execute("CREATE TABLE backup AS SELECT * FROM sessions").await;
            }
            assert_committed(&store.commit(UserId(1), change(to, 0)).await);
        }
        execute("TRUNCATE sessions; INSERT INTO sessions SELECT * FROM backup").await;
        sees_a_conflict(&store).await;
    });
}
