//! Measures the cost of a page at a large offset: `cargo bench --profile ci --bench lists -- [TRACKS]`.
//!
//! Fills an SQLite file and a PostgreSQL cluster of its own with a library of TRACKS (default: 1,200,000, with 109,000
//! albums). Reads pages of 50 albums and tracks by name and by age, first pages and deep ones in turn, as a handler
//! does: ids, then rows. Prints the median of 200 of each.

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

use segue::db::{
    Db, DbConnection, DbError, albums,
    lists::{List, Lists},
    tracks,
};
use std::time::{Duration, Instant};

const PAGE: i64 = 50;
const DEEP: i64 = 50_000;
const ROUNDS: usize = 200;

type Load = fn(&mut DbConnection, &[i64]) -> Result<usize, DbError>;

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
            let (places, total) = page(0);
            let (mut first, mut deep) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                first.push(page(0).0);
                deep.push(page(DEEP).0);
            }
            let (first, deep) = (median(first), median(deep));
            println!(
                "{name:<9} {list_name:<15} {total:>8} rows: first page {first:.2?}, at {DEEP} {deep:.2?}, ratio {:.2}; \
                 finding the places {places:.0?}",
                deep.as_secs_f64() / first.as_secs_f64()
            );
        }
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
