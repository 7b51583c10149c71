//! The core's ports over the real database: sessions, plays, heartbeats, and what the catalogue knows of tracks.

mod answer;
mod batch;
mod job;
mod listed;
mod loads;
mod logins;
mod nodes;
mod tracks;
mod writer;

pub use logins::TokenLogins;
pub use nodes::{DbNodes, start};
pub use tracks::DbTracks;

use crate::db::{self, Db};
use answer::{fault, parse, port_error, within};
use loads::Loads;
use segue_actors::{
    node::ports::{Later, Outcome, PortError, SessionChange, SessionStore},
    state::{Play, Record, queue::Queue},
};
use segue_client::protocol::ids::UserId;
use writer::SessionWriter;

/// The most records in one read.
const RECORDS: usize = 512;
/// The most queues in one read: each may be a megabyte.
const QUEUES: usize = 32;

/// Sessions in the database.
pub struct DbStore {
    writer: SessionWriter,
    records: Loads<Option<String>>,
    queues: Loads<(u64, String)>,
}

impl DbStore {
    /// A store over `db`; starts the threads that write and read.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn open(db: Db) -> std::io::Result<Self> {
        let writer = SessionWriter::start(db.clone())?;
        let records = Loads::start("loads", RECORDS, {
            let db = db.clone();
            move |users| {
                let read = db.read_blocking(|connection| db::sessions::records_of_accounts(connection, users));
                read.map_err(|error| port_error(&error))
            }
        })?;
        let queues = Loads::start("queues", QUEUES, move |users| {
            let read = db.read_blocking(|connection| db::sessions::queues(connection, users));
            read.map_err(|error| port_error(&error))
        })?;
        Ok(Self { writer, records, queues })
    }
}

impl SessionStore for DbStore {
    fn load(&self, user: UserId) -> Later<Result<Option<Record>, PortError>> {
        let found = self.records.of(user);
        Box::pin(async move {
            let text = found.await?.ok_or_else(|| fault("the user was removed".to_owned(), false))?;
            text.map(|text| parse("record", user, &text)).transpose()
        })
    }

    fn queue(&self, user: UserId) -> Later<Result<(u64, Queue), PortError>> {
        let row = self.queues.of(user);
        Box::pin(async move {
            let Some((revision, text)) = row.await? else { return Ok((0, Queue::default())) };
            // A full queue is a megabyte; parsing it would block the event loop.
            let parsed = tokio::task::spawn_blocking(move || parse("queue", user, &text)).await;
            parsed.unwrap_or_else(|error| Err(fault(error.to_string(), false))).map(|queue| (revision, queue))
        })
    }

    fn commit(&self, user: UserId, change: SessionChange) -> Later<Outcome> {
        let answer = self.writer.commit(user, change);
        Box::pin(async move { within(answer).await.unwrap_or_else(Outcome::Unknown) })
    }

    fn played(&self, user: UserId, play: Play) -> Later<Result<(), PortError>> {
        let answer = self.writer.played(user, play);
        Box::pin(async move { within(answer).await.unwrap_or_else(Err) })
    }
}
