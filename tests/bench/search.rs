//! Measures the speed of search: `cargo bench --bench search -- [TRACKS] [DATABASE_URL]`.
//!
//! Generates a library (default: 100,000 tracks), writes it to a database (default: an SQLite file of its own; a named
//! database must be empty), feeds the index from it, and runs every prefix of 200 queries, as typed and with typos. The
//! same prefixes are run on an SQLite FTS5 table of the same names as prefix queries. Times are CPU times of the
//! thread, because the machine may be busy with other work.

#![allow(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unchecked_time_subtraction,
    reason = "a program for the terminal, on data of its own, that says why it cannot go on and ends"
)]

mod library;
mod rows;

use diesel::{
    Connection as _, RunQueryDsl as _, SqliteConnection, connection::SimpleConnection as _, sql_query, sql_types,
};
use library::{Library, generate, misspell};
use rand::{SeedableRng as _, rngs::StdRng};
use rustix::time::{ClockId, clock_gettime};
use segue::{
    catalog::{
        follow::Search,
        search::{Query, SearchIndex},
    },
    db::{Db, changes},
    values::document::{Document, ItemKind},
};
use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

const BATCH: usize = 10_000;

fn main() {
    // Cargo adds arguments that begin with `--`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let tracks = arguments.first().map_or(100_000, |tracks| tracks.parse().expect("a number of tracks"));
    let Library { documents, queries } = generate(tracks, 1);
    println!("{tracks} tracks, {} documents, {} queries", documents.len(), queries.len());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sqlite = format!("sqlite:{}", folder.path().join("segue.db").display());
    let index = build(folder.path(), arguments.get(1).unwrap_or(&sqlite), &documents);
    let fts = Fts::build(&folder.path().join("fts.db"), &documents);

    let texts: Vec<&str> = queries.iter().map(|(text, _)| text.as_str()).collect();
    let typed = beginnings(&texts);
    let mut rng = StdRng::seed_from_u64(2);
    let misspelt: Vec<String> = texts.iter().filter_map(|text| misspell(text, &mut rng)).collect();
    let mistyped = beginnings(&misspelt.iter().map(String::as_str).collect::<Vec<_>>());
    let search = |text: &str| find(&index, text);
    let warm = measure("", &typed, &search);
    drop(warm);
    let ours = measure("as typed", &typed, &search);
    measure("with typos", &mistyped, &search);
    let theirs = measure("FTS5 prefix query", &typed, &|text| fts.borrow_mut().find(text));
    for (name, of_all) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)] {
        println!(
            "{name} / FTS5: {:.3}",
            quantile(&ours, of_all).as_secs_f64() / quantile(&theirs, of_all).as_secs_f64()
        );
    }
    let (mut hits, mut missed) = (0, Vec::new());
    for (text, at) in &queries {
        let document = &documents[*at];
        let query = Query { text, kinds: &[document.kind], user: None, limit: 20, offset: 0 };
        let listing = &index.search(&query).expect("a search")[&document.kind];
        if listing.ids.contains(&document.id) {
            hits += 1;
        } else {
            let named = documents.iter().filter(|other| other.kind == document.kind && other.name == document.name);
            let Document { kind, name, others, .. } = document;
            missed.push(format!(
                "{text:?} finds {} and not {kind} {name:?} of {others:?}; {} have that name",
                listing.total,
                named.count()
            ));
        }
    }
    println!("wanted document among the first 20: {hits} of {}\n  {}", queries.len(), missed.join("\n  "));
}

fn build(folder: &Path, url: &str, documents: &[Document]) -> Arc<SearchIndex> {
    let db = Db::open(&url.parse().expect("a database URL"), 2).expect("the database opens");
    rows::fill(&db, documents);
    let last = db.read_blocking(changes::last).expect("readable").to_string();
    let folder = folder.join("search");
    let began = Instant::now();
    let search = Search::default();
    search.start(db, folder.clone());
    let caught_up = |index: &SearchIndex| index.cursor().is_some_and(|cursor| cursor.split(' ').next() == Some(&last));
    let index = loop {
        match search.index().filter(|index| caught_up(index)) {
            Some(index) => break index,
            None => std::thread::park_timeout(Duration::from_millis(50)),
        }
    };
    let took = began.elapsed();
    index.refresh().expect("the index can be read");
    println!(
        "followed {url} in {took:.1?}: {:.0} documents/s, {:.0} MB",
        documents.len() as f64 / took.as_secs_f64(),
        walk(&folder) as f64 / 1e6
    );
    index
}

fn walk(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("readable"));
    entries
        .map(|entry| if entry.path().is_dir() { walk(&entry.path()) } else { entry.metadata().map_or(0, |m| m.len()) })
        .sum()
}

fn find(index: &SearchIndex, text: &str) -> u64 {
    let query = Query { text, kinds: &ItemKind::ALL, user: None, limit: 20, offset: 0 };
    index.search(&query).expect("a search").values().map(|listing| listing.total).sum()
}

/// Every prefix of each text.
fn beginnings(texts: &[&str]) -> Vec<String> {
    let ends = |text: &str| text.char_indices().map(|(at, c)| at + c.len_utf8()).collect::<Vec<_>>();
    texts.iter().flat_map(|text| ends(text).into_iter().map(|end| text[..end].to_owned())).collect()
}

fn measure(name: &str, texts: &[String], search: &dyn Fn(&str) -> u64) -> Vec<Duration> {
    let mut times: Vec<(Duration, Duration, &str)> = Vec::new();
    let mut results = 0;
    for text in texts {
        let (began, cpu) = (Instant::now(), thread_cpu());
        results += search(text);
        times.push((thread_cpu() - cpu, began.elapsed(), text));
    }
    times.sort();
    let slowest: Vec<_> = times.iter().rev().take(5).map(|(time, _, text)| format!("{text:?} {time:.1?}")).collect();
    let cpu: Vec<Duration> = times.iter().map(|time| time.0).collect();
    let mut wall: Vec<Duration> = times.iter().map(|time| time.1).collect();
    wall.sort();
    if !name.is_empty() {
        let line = |times: &[Duration]| {
            [0.5, 0.95, 0.99, 1.0]
                .map(|of_all| format!("{:>9.2}", quantile(times, of_all).as_secs_f64() * 1e3))
                .join(" ")
        };
        println!("{name}: {} queries, {results} results; ms at p50, p95, p99, max:", texts.len());
        println!("  thread CPU {}\n  wall       {}\n  slowest: {}", line(&cpu), line(&wall), slowest.join(", "));
    }
    cpu
}

fn quantile(sorted: &[Duration], of_all: f64) -> Duration {
    let at = (sorted.len() as f64 * of_all) as usize;
    sorted[at.min(sorted.len() - 1)]
}

fn thread_cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// The same names in an FTS5 table, queried as an application would: all words as prefixes, the best 20 by rank.
struct Fts(SqliteConnection);

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = sql_types::BigInt)]
    rowid: i64,
}

impl Fts {
    fn build(path: &Path, documents: &[Document]) -> std::cell::RefCell<Self> {
        let mut sqlite = SqliteConnection::establish(&path.to_string_lossy()).expect("a database");
        let table = "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -200000;
            CREATE VIRTUAL TABLE names USING fts5(name, others, tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3');";
        sqlite.batch_execute(table).expect("FTS5 is built in");
        let began = Instant::now();
        for batch in documents.chunks(BATCH) {
            let insert = |sqlite: &mut SqliteConnection| {
                for document in batch {
                    let row = sql_query("INSERT INTO names (name, others) VALUES (?, ?)");
                    row.bind::<sql_types::Text, _>(&document.name)
                        .bind::<sql_types::Text, _>(document.others.join(" "))
                        .execute(sqlite)?;
                }
                diesel::QueryResult::Ok(())
            };
            sqlite.transaction(insert).expect("rows are taken");
        }
        println!("FTS5 filled in {:.1?}", began.elapsed());
        std::cell::RefCell::new(Self(sqlite))
    }

    fn find(&mut self, text: &str) -> u64 {
        let words = text.split_whitespace().map(|word| format!("\"{}\"*", word.replace('"', "")));
        let words = words.collect::<Vec<_>>().join(" ");
        let query = sql_query("SELECT rowid FROM names WHERE names MATCH ? ORDER BY rank LIMIT 20");
        let rows: Vec<Row> = query.bind::<sql_types::Text, _>(words).load(&mut self.0).expect("a search");
        rows.iter().map(|row| u64::from(row.rowid > 0)).sum()
    }
}
