//! Measures the cost of a page at a large offset: `cargo bench --profile ci --bench lists -- [TRACKS]`.
//!
//! Fills an SQLite file and a PostgreSQL cluster of its own with a library of TRACKS (default: 1,200,000, with 109,000
//! albums). Reads pages of 50 albums and tracks by name and by age, first pages and deep ones in turn, as a handler
//! does: ids, then rows. Prints the median of 200 of each, and how long the first page takes after a change. Then the charts
//! of a user with 200,000 plays.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a program for the terminal that says why it cannot go on and ends"
)]

#[allow(dead_code, reason = "another benchmark uses more of it")]
mod library;
#[path = "../it/harness/postgres.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod postgres;
mod rows;

use diesel::connection::SimpleConnection as _;
use segue::{
    db::{
        Db, DbConnection, DbError, albums, history,
        lists::{List, Lists},
        tracks,
    },
    values::document::{Document, ItemKind},
};
use std::time::{Duration, Instant};

const PAGE: i64 = 50;
const DEEP: i64 = 50_000;
const ROUNDS: usize = 200;
const PLAYS: usize = 200_000;

type Load = fn(&mut DbConnection, &[i64]) -> Result<usize, DbError>;
type Chart = fn(&mut DbConnection, i64, i64, i64, i64) -> Result<(Vec<i64>, i64), DbError>;

const LISTS: [(&str, List, Load); 4] = [
    ("albums by name", List::AlbumsByName, |connection, ids| Ok(albums::load(connection, ids)?.len())),
    ("newest albums", List::NewestAlbums, |connection, ids| Ok(albums::load(connection, ids)?.len())),
    ("tracks by name", List::TracksByName, |connection, ids| Ok(tracks::load(connection, ids)?.len())),
    ("newest tracks", List::NewestTracks, |connection, ids| Ok(tracks::load(connection, ids)?.len())),
];

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let count = arguments.next().map_or(1_200_000, |number| number.parse().expect("a number of tracks"));
    let folder = tempfile::tempdir().expect("a folder");
    let sqlite = format!("sqlite:{}", folder.path().join("segue.db").display());
    let documents = library::generate(count, 1).documents;
    for (name, url) in [("sqlite", sqlite), ("postgres", postgres::create(true))] {
        let db = Db::open(&url.parse().expect("a good URL"), 2).expect("the database opens");
        rows::fill(&db, &documents);
        for (list_name, list, load) in LISTS {
            let lists = Lists::default();
            let page = |offset| {
                let began = Instant::now();
                let read = |connection: &mut DbConnection| {
                    let (ids, total) = lists.page(connection, list, PAGE, offset)?;
                    Ok((load(connection, &ids)?, total))
                };
                let (rows, total) = db.read_blocking(read).expect("a page");
                assert_eq!(i64::try_from(rows), Ok(PAGE), "{list_name} at {offset} of {total}");
                (began.elapsed(), total)
            };
            // Nothing is known of the list, as after a change of the catalogue.
            let (changed, total) = page(0);
            let (places, _) = page(DEEP);
            let (mut first, mut deep) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                first.push(page(0).0);
                deep.push(page(DEEP).0);
            }
            let (first, deep) = (median(first), median(deep));
            println!(
                "{name:<9} {list_name:<15} {total:>8} rows: first page {first:.2?}, at {DEEP} {deep:.2?}, ratio {:.2}; \
                 after a change {changed:.1?}, then at {DEEP} {places:.0?}",
                deep.as_secs_f64() / first.as_secs_f64()
            );
        }
        println!("{name:<9} top 50 tracks and artists of {PLAYS} plays: {:.0?}", charts(&db, &documents));
    }
}

/// How long the charts take of a user who played each of 20,000 tracks ten times.
fn charts(db: &Db, documents: &[Document]) -> (Duration, Duration) {
    let tracks =
        documents.iter().filter(|document| document.kind == ItemKind::Track).map(|track| track.id.cast_signed());
    let tracks: Vec<i64> = tracks.take(20_000).collect();
    let row = |number: usize| {
        let track = tracks[number * 7_919 % tracks.len()];
        format!("(1, 1, {number}, {track}, 'track', {number}, NULL, TRUE)")
    };
    let rows: Vec<String> = (0..PLAYS).map(row).collect();
    let insert = rows.chunks(500).map(|rows| format!("INSERT INTO plays VALUES {};", rows.join(", ")));
    let insert = insert.collect::<String>();
    db.write_blocking(|connection| Ok(connection.batch_execute(&insert)?)).expect("plays are taken");
    let time = |chart: Chart| {
        let times = (0..9).map(|_| {
            let began = Instant::now();
            let (ids, _) = db.read_blocking(|connection| chart(connection, 1, 0, PAGE, 0)).expect("a chart");
            assert!(!ids.is_empty());
            began.elapsed()
        });
        median(times.collect())
    };
    (time(history::top_tracks), time(history::top_artists))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
