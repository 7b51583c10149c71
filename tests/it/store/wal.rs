//! Transactions, counted in SQLite's write-ahead log (sqlite.org/fileformat.html, "The Write-Ahead Log").

use crate::harness::TestDatabase;
use diesel::{Connection as _, SqliteConnection, connection::SimpleConnection as _};
use std::fs;

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;

/// Moves all that is in the log into the database file. Nothing else may use the database meanwhile.
pub(super) fn empty(database: &TestDatabase) {
    let file = database.folder.path().join("segue.db");
    let mut connection = SqliteConnection::establish(&file.to_string_lossy()).expect("it opens");
    connection.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").expect("it is moved");
    assert_eq!(log(database).len(), 0, "the log is in use");
}

/// How many transactions the log holds. The last frame of each has the size of the database, every other one 0. Frames
/// whose salts are not those of the header are of an earlier log.
pub(super) fn transactions(database: &TestDatabase) -> i64 {
    let log = log(database);
    let page_bytes = u32::from_be_bytes(log[8..12].try_into().expect("4 bytes"));
    let frames = log[HEADER_BYTES..].chunks_exact(FRAME_HEADER_BYTES + usize::try_from(page_bytes).expect("it fits"));
    let frames = frames.take_while(|frame| frame[8..16] == log[16..24]);
    let last = frames.filter(|frame| frame[4..8] != [0; 4]).count();
    i64::try_from(last).expect("not that many")
}

fn log(database: &TestDatabase) -> Vec<u8> {
    fs::read(database.folder.path().join("segue.db-wal")).expect("the log is there")
}
