//! A process that is killed has lost nothing that it acknowledged.

use super::*;
use segue_actors::state::Play;
use segue_client::protocol::playback::MediaKind;
use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
};

/// The variable that tells the child process to which database it commits.
const COMMIT_TO: &str = "SEGUE_TEST_COMMIT_TO";
const USERS: u64 = 8;
const ROUNDS: usize = 6;

/// Commits one change after the other, with a play for each, and prints each acknowledged revision.
async fn commit_on(store: &DbStore, user: UserId, until: u64) {
    let from = revision(store, user).await.unwrap_or(0);
    for to in from + 1..=until {
        assert_committed(&store.commit(user, change(to, 0)).await);
        say(&format!("kept {user} {to}\n"));
        store.played(user, play(to)).await.expect("it is kept");
        say(&format!("played {user} {to}\n"));
    }
}

/// Prints a line in one write, so that only the last line of a killed process can be incomplete.
fn say(line: &str) {
    std::io::stdout().write_all(line.as_bytes()).expect("the parent listens");
}

pub(super) fn play(revision: u64) -> Play {
    Play {
        item: segue_client::protocol::ids::ItemId(1),
        listen: stamp(revision),
        media_id: MediaId(revision),
        kind: MediaKind::Track,
        started_us: Micros(0),
        device_id: None,
    }
}

/// The process that is killed is this test, started again with [`COMMIT_TO`]. Without that variable it commits a few
/// changes and ends.
#[test]
fn commits_one_after_the_other() {
    crate::harness::run(async {
        let commit_all = async |store: &DbStore, until| {
            join_all((1..=USERS).map(|user| commit_on(store, UserId(user), until))).await;
        };
        if let Ok(url) = std::env::var(COMMIT_TO) {
            let db = Db::open(&url.parse().expect("a good URL"), 4).expect("the database opens");
            add_users(&db);
            commit_all(&DbStore::open(db).expect("its thread starts"), u64::MAX).await;
        }
        let database = TestDatabase::new(Dialect::Sqlite);
        let (_, store) = open(&database);
        commit_all(&store, 5).await;
        for user in 1..=USERS {
            assert_eq!(revision(&store, UserId(user)).await, Some(5));
        }
    });
}

/// What the child acknowledged for one user.
#[derive(Default)]
struct Kept {
    /// The last revision; 0 when none.
    last: u64,
    /// How many plays.
    plays: u64,
}

/// Runs the child until it has printed `lines` lines, kills it, and returns what it acknowledged.
fn kill_after(url: &str, lines: usize) -> HashMap<UserId, Kept> {
    let mut child = Command::new("setpriv")
        .args(["--pdeathsig", "KILL"])
        .arg(std::env::current_exe().expect("a test has a file"))
        .args(["--exact", "store::killed::commits_one_after_the_other", "--nocapture"])
        .env(COMMIT_TO, url)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut output = BufReader::new(child.stdout.take().expect("its output is piped"));
    let (mut kept, mut said) = (HashMap::<_, Kept>::new(), 0);
    let mut line = String::new();
    while output.read_line(&mut line).expect("it writes UTF-8") > 0 {
        let words: Vec<_> = line.strip_suffix('\n').unwrap_or_default().split(' ').collect();
        if let [what @ ("kept" | "played"), user, revision] = words[..] {
            let kept = kept.entry(user.parse().expect("an id")).or_default();
            if what == "kept" {
                kept.last = revision.parse().expect("a number");
            } else {
                kept.plays += 1;
            }
            said += 1;
        }
        if said == lines {
            child.kill().expect("it is our child");
            said += 1;
        }
        line.clear();
    }
    let status = child.wait().expect("it is our child");
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "it would have gone on: {status}");
    kept
}

on_both_databases! {
    async fn a_killed_process_has_lost_no_acknowledged_commit(database) {
        let mut plays_before = HashMap::new();
        for _ in 0..ROUNDS {
            let lines = rand::random_range(1..200);
            let kept = kill_after(&database.url, lines);
            assert!(!kept.is_empty(), "something was acknowledged");
            let (db, store) = open(&database);
            for (user, Kept { last, plays: more }) in kept {
                let standing = store.load(user).await.expect("the database answers").expect("it has a record");
                let revision = standing.stamp.revision;
                assert!(
                    last == 0 || (last..=last + 1).contains(&revision),
                    "killed after {lines} lines: {revision} stands, {last} was acknowledged to {user}"
                );
                let (queue_revision, _) = store.queue(user).await.expect("the database answers");
                assert_eq!(queue_revision, standing.queue_revision(), "record and queue are written together");
                let plays = plays_of(&db, user).await.cast_unsigned();
                let before = plays_before.insert(user, plays).unwrap_or(0);
                assert!(plays >= before + more, "{user} had {before} plays, {more} more were acknowledged: {plays}");
            }
        }
    }
}
