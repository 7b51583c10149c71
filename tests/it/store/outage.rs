//! PostgreSQL crashes during commits and is started again.

use super::*;
use crate::harness::Cluster;
use std::{collections::HashMap, sync::Mutex};
use tokio::sync::watch;

const USERS: u64 = 10;

/// The outcomes of all attempts so far.
#[derive(Debug, Default)]
struct Seen {
    acknowledged: HashMap<UserId, u64>,
    not_sent: usize,
    unknown: usize,
}

impl Seen {
    fn total(&self) -> u64 {
        self.acknowledged.values().sum()
    }

    fn failed(&self) -> usize {
        self.not_sent + self.unknown
    }
}

/// Commits as a session does until `end`, and checks that each outcome was correct.
async fn commit_on(store: &DbStore, user: UserId, seen: &watch::Sender<Seen>, mut end: watch::Receiver<bool>) {
    let (mut standing, mut mark) = (0, 0);
    while !*end.borrow_and_update() {
        mark += 1;
        match store.commit(user, change(standing + 1, mark)).await {
            Outcome::Committed => {
                standing += 1;
                seen.send_modify(|seen| {
                    seen.acknowledged.insert(user, standing);
                });
            }
            Outcome::NotSent(error) => {
                // If it was written all the same, the next attempt meets a conflict.
                assert!(error.is_transient, "{error}");
                seen.send_modify(|seen| seen.not_sent += 1);
            }
            Outcome::Unknown(_) => {
                seen.send_modify(|seen| seen.unknown += 1);
                let found = loop {
                    if let Ok(found) = store.load(user).await {
                        break found;
                    }
                };
                let revision = found.as_ref().map_or(0, |record| record.stamp.revision);
                assert!(revision == standing || found == Some(Record::clone(&record(standing + 1, mark))), "{found:?}");
                standing = revision;
            }
            Outcome::Conflict(found) => panic!("nobody else writes: {found:?} at {standing}"),
        }
    }
}

fn open_cluster() -> (Cluster, Db, Arc<DbStore>) {
    let cluster = Cluster::start(&[]);
    let url = cluster.url("postgres").parse().expect("a good URL");
    let db = Db::open(&url, 4).expect("the database opens");
    add_users(&db);
    let store = Arc::new(DbStore::open(db.clone()).expect("its thread starts"));
    (cluster, db, store)
}

async fn off_the_loop(cluster: &Arc<Mutex<Cluster>>, run: fn(&mut Cluster)) {
    let cluster = Arc::clone(cluster);
    let done = tokio::task::spawn_blocking(move || run(&mut cluster.lock().expect("nobody panicked")));
    done.await.expect("the cluster obeys");
}

#[test]
fn nothing_acknowledged_is_lost_in_a_crash() {
    crate::harness::run(async {
        let (cluster, _, store) = open_cluster();
        let cluster = Arc::new(Mutex::new(cluster));
        let (seen, end) = (watch::Sender::new(Seen::default()), watch::Sender::new(false));
        let users = join_all((1..=USERS).map(|user| commit_on(&store, UserId(user), &seen, end.subscribe())));
        let crashes = async {
            let mut watched = seen.subscribe();
            for _ in 0..3 {
                let (total, failed) = (watched.borrow().total(), watched.borrow().failed());
                watched.wait_for(|seen| seen.total() >= total + 100).await.expect("they go on");
                off_the_loop(&cluster, Cluster::crash).await;
                watched.wait_for(|seen| seen.failed() > failed).await.expect("they notice");
                let refused = store.commit(UserId(USERS + 1), change(1, 0)).await;
                assert!(
                    matches!(&refused, Outcome::NotSent(error) if error.is_transient),
                    "nothing is there: {refused:?}"
                );
                off_the_loop(&cluster, Cluster::recover).await;
            }
            let total = watched.borrow().total();
            watched.wait_for(|seen| seen.total() >= total + 100).await.expect("they go on");
            end.send_replace(true);
        };
        futures_util::future::join(users, crashes).await;
        for user in (1..=USERS).map(UserId) {
            let acknowledged = seen.borrow().acknowledged[&user];
            assert!(revision(&store, user).await >= Some(acknowledged), "{:?}", seen.borrow());
        }
    });
}

#[test]
fn a_commit_in_progress_during_a_crash_is_unknown() {
    crate::harness::run(async {
        let (mut cluster, db, store) = open_cluster();
        assert_committed(&store.commit(UserId(1), change(1, 0)).await);
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let other = Arc::clone(&store);
        let held = db.write(move |connection| {
            sql_query("SELECT 1 FROM sessions WHERE user_id = 1 FOR UPDATE").execute(connection)?;
            assert!(sender.send(other.commit(UserId(1), change(2, 0))).is_ok(), "the test waits");
            while waiting(connection)? == 0 {}
            cluster.crash();
            cluster.recover();
            Ok(cluster)
        });
        assert!(held.await.is_err(), "its own connection died, too");
        let outcome = receiver.await.expect("it was sent").await;
        assert!(matches!(&outcome, Outcome::Unknown(error) if error.is_transient), "{outcome:?}");
    });
}

#[test]
fn a_connection_that_was_closed_while_idle_is_replaced() {
    crate::harness::run(async {
        let (db, store) = open(&TestDatabase::new(Dialect::Postgres));
        assert_committed(&store.commit(UserId(1), change(1, 0)).await);
        db.read(|connection| {
            let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()";
            Ok(sql_query(sql).execute(connection)?)
        })
        .await
        .expect("they are ended");
        assert_committed(&store.commit(UserId(1), change(2, 0)).await);
    });
}
