//! Measures how many changes of sessions a database commits in a second:
//! `cargo bench --profile ci --bench commits -- URL [seconds]`.
//! Each user commits one change after the other, as a session does. The rows stay in the database.
//! With `URL USERS COMMITS` each of the users commits that often, however long it takes: for callgrind, which counts
//! instructions (`valgrind --tool=callgrind`). What two such runs differ by is the cost of the commits between them.
#![expect(clippy::print_stdout, reason = "it prints its figures")]

use diesel::{RunQueryDsl as _, sql_query};
use futures_util::future::join_all;
use segue::{db::Db, store::DbStore};
use segue_actors::{
    node::ports::{Outcome, SessionChange, SessionStore as _},
    state::{Limits, Record, SessionState},
};
use segue_client::protocol::ids::{Micros, NodeId, Stamp, UserId};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Numbers of users that commit at the same time.
const USERS: &[u64] = &[1, 10, 100, 1000, 4000];

/// Commits while `goes_on` of the number of commits so far; returns how long each commit took.
async fn commit_on(store: &DbStore, user: UserId, goes_on: impl Fn(usize) -> bool) -> Vec<Duration> {
    let mut record = Record::clone(SessionState::new(Micros(0), 1, NodeId(1), Limits::default()).record());
    let standing = store.load(user).await.expect("the database answers").map(|record| record.stamp);
    let mut expected = standing;
    record.stamp = standing.unwrap_or(Stamp { epoch: 1, revision: 0 });
    let mut took = Vec::new();
    while goes_on(took.len()) {
        record.stamp = record.stamp.next();
        let change = SessionChange { expected, record: Arc::new(record.clone()), queue: None };
        let start = Instant::now();
        let outcome = store.commit(user, change).await;
        assert!(matches!(outcome, Outcome::Committed), "{outcome:?}");
        took.push(start.elapsed());
        expected = Some(record.stamp);
    }
    took
}

/// Makes the users, unless they are there.
fn add_users(db: &Db) {
    let last = USERS.iter().max().copied().unwrap_or(0);
    let sql = format!(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {last})
         INSERT INTO users (id, name, name_key, password, role, created_us)
         SELECT n, 'user ' || n, 'user ' || n, '', 'user', 0 FROM n WHERE n > 0 ON CONFLICT DO NOTHING"
    );
    db.write_blocking(|connection| Ok(sql_query(sql).execute(connection)?)).expect("they are made");
}

async fn measure(store: &DbStore, users: u64, length: Duration) {
    let start = Instant::now();
    let goes_on = |_| start.elapsed() < length;
    let all = join_all((1..=users).map(|user| commit_on(store, UserId(user), goes_on))).await;
    let seconds = start.elapsed().as_secs_f64();
    let mut took = all.concat();
    took.sort_unstable();
    let at = |percent: usize| took.get(took.len() * percent / 100).copied().unwrap_or_default().as_secs_f64() * 1e3;
    let rate = f64::from(u32::try_from(took.len()).expect("not that many")) / seconds;
    println!("{users:5} users: {rate:6.0} commits/s; p50 {:6.2} ms, p99 {:6.2} ms", at(50), at(99));
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let Some(url) = arguments.next() else {
        println!("usage: cargo bench --profile ci --bench commits -- sqlite:PATH|postgres://… [seconds|USERS COMMITS]");
        return;
    };
    let mut number = || arguments.next().map(|text| text.parse::<u64>().expect("a number"));
    let (first, commits) = (number(), number());
    let db = Db::open(&url.parse().expect("a database URL"), 8).expect("the database opens");
    add_users(&db);
    let store = DbStore::open(db).expect("its thread starts");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("it starts");
    if let (Some(users), Some(commits)) = (first, commits.and_then(|commits| usize::try_from(commits).ok())) {
        let goes_on = |so_far| so_far < commits;
        runtime.block_on(join_all((1..=users).map(|user| commit_on(&store, UserId(user), goes_on))));
        return;
    }
    for users in USERS {
        runtime.block_on(measure(&store, *users, Duration::from_secs(first.unwrap_or(3))));
    }
}
