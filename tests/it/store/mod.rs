//! The core's ports, implemented with a real database.

mod killed;
mod outage;
mod tracks;
mod wal;

use crate::harness::{Dialect, TestDatabase};
use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _, connection::SimpleConnection as _, sql_query};
use futures_util::future::join_all;
use segue::{
    db::{self, Db, DbConnection, DbError},
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
    (db.clone(), DbStore::open(db).expect("its thread starts"))
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

/// What a query counts.
async fn count(db: &Db, sql: &'static str) -> i64 {
    let counted = db.read(move |connection| Ok(sql_query(sql).get_result::<Count>(connection)?.count));
    counted.await.expect("the database answers")
}

on_both_databases! {
    async fn the_store_passes_its_contract_suite(database) {
        let (db, store) = open(&database);
        let user = UserId(u64::MAX - 3);
        let plays = async || {
            let count = plays_of(&db, user).await;
            usize::try_from(count).expect("a count")
        };
        contracts::session_store(&store, user, plays).await;
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
