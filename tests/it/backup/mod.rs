//! `segue backup` and `segue restore`: complete, refused, killed, and under a running server.

mod killed;
mod put_back;
mod refused;
mod serving;
mod whole;

use crate::harness::{TestDatabase, segue};
use diesel::{RunQueryDsl as _, connection::SimpleConnection as _, sql_query, sql_types::Text};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::Output,
};

/// Runs `segue backup` or `restore`.
fn run(database: &TestDatabase, command: &str, file: &Path, arguments: &[&str]) -> Output {
    segue(database).arg(command).arg(file).args(arguments).output().expect("the program runs")
}

#[track_caller]
fn back_up(database: &TestDatabase, name: &str) -> PathBuf {
    let file = database.folder.path().join(name);
    let output = run(database, "backup", &file, &[]);
    assert!(output.status.success(), "{output:?}");
    file
}

#[track_caller]
fn restore(database: &TestDatabase, file: &Path) {
    let output = run(database, "restore", file, &["--yes"]);
    assert!(output.status.success(), "{output:?}");
}

/// Runs a command that must fail; returns its message.
#[track_caller]
fn refused(database: &TestDatabase, command: &str, file: &Path, arguments: &[&str]) -> String {
    let output = run(database, command, file, arguments);
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).expect("text")
}

/// The lines of a backup.
fn lines(file: &Path) -> Vec<String> {
    let mut text = String::new();
    GzDecoder::new(File::open(file).expect("the file is there")).read_to_string(&mut text).expect("it is whole");
    text.lines().map(str::to_owned).collect()
}

/// All rows of a backup with their tables, sorted, without the catalogue's name, which each restore changes.
fn rows(file: &Path) -> Vec<String> {
    let (mut table, mut rows) = (String::new(), Vec::new());
    for line in lines(file).into_iter().skip(1) {
        let mut value: Value = serde_json::from_str(&line).expect("each line is JSON");
        if let Some(name) = value["table"].as_str() {
            name.clone_into(&mut table);
            rows.push(line);
        } else if value["sha256"].is_null() && value[0] != "catalogue" {
            value.as_array_mut().expect("a row").iter_mut().for_each(whole);
            rows.push(format!("{table} {value}"));
        }
    }
    rows.sort();
    rows
}

/// Writes whole numbers as integers: one database writes 3.0, the other 3.
fn whole(value: &mut Value) {
    if let Some(number) = value.as_f64().filter(|number| value.is_f64() && number.fract() == 0.0) {
        *value = format!("{number}").parse().expect("digits");
    }
}

/// Asserts that two backups have the same rows; the message has the first rows that only one has.
#[track_caller]
fn assert_same(one: &[String], other: &[String]) {
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        these.iter().filter(|row| those.binary_search(row).is_err()).take(5).cloned().collect()
    };
    assert_eq!((only(one, other), only(other, one), one.len()), (vec![], vec![], other.len()));
}

/// Writes a backup of these lines, with a correct last line.
fn write(file: &Path, lines: &[String]) {
    let mut text = String::new();
    for line in lines {
        writeln!(text, "{line}").expect("text grows");
    }
    let digest = Sha256::digest(text.as_bytes());
    let digest = digest.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    writeln!(text, r#"{{"lines":{},"sha256":"{digest}"}}"#, lines.len()).expect("text grows");
    let all: Vec<String> = text.lines().map(str::to_owned).collect();
    write_lines(file, &all);
}

/// Writes these lines without adding a last line.
fn write_lines(file: &Path, lines: &[String]) {
    let mut out = GzEncoder::new(File::create(file).expect("a file"), Compression::fast());
    for line in lines {
        writeln!(out, "{line}").expect("room");
    }
    out.finish().expect("room");
}

/// A copy of the backup with changed lines and a correct last line.
fn altered(file: &Path, change: impl FnOnce(&mut Vec<String>)) -> PathBuf {
    let mut all = lines(file);
    all.pop();
    change(&mut all);
    let altered = file.with_extension("altered");
    write(&altered, &all);
    altered
}

/// Runs SQL on the database.
fn sql(database: &TestDatabase, statements: &str) {
    let statements = statements.to_owned();
    let run = move |connection: &mut segue::db::DbConnection| Ok(connection.batch_execute(&statements)?);
    database.open().write_blocking(run).expect("good SQL");
}

#[derive(diesel::QueryableByName)]
struct One {
    #[diesel(sql_type = Text)]
    value: String,
}

/// The value of a query that returns one text.
pub(crate) fn value(database: &TestDatabase, expression: &str) -> String {
    let query = format!("SELECT CAST(({expression}) AS TEXT) AS value");
    let run = move |connection: &mut segue::db::DbConnection| Ok(sql_query(query).get_result::<One>(connection)?.value);
    database.open().read_blocking(run).expect("one row")
}

const PLAYS: &str = "INSERT INTO plays (user_id, epoch, revision, media_id, kind, started_us) VALUES ";

/// Adds `count` plays with numbers that gzip cannot compress.
fn add_plays(database: &TestDatabase, count: u32) {
    let mut statements = String::from(PLAYS);
    for number in 0..count {
        let comma = if number == 0 { "" } else { "," };
        let (media, start) = (rand::random::<i64>(), rand::random::<i64>());
        write!(statements, "{comma}(1, 1, {number}, {media}, 'track', {start})").expect("text grows");
    }
    sql(database, &statements);
}

fn files_in(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("readable").file_name());
    names.map(|name| name.to_string_lossy().into_owned()).collect()
}
