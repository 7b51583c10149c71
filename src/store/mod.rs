//! The core's ports over the real database: sessions, plays, heartbeats, and what the catalogue knows of tracks.

mod answer;
mod batch;
mod job;
mod listed;
mod logins;
mod nodes;
mod tracks;
mod writer;

pub use logins::TokenLogins;
pub use nodes::{DbNodes, start};
pub use tracks::DbTracks;

use crate::db::{self, Db, DbConnection, DbError};
use answer::{fault, parse, read, within};
use segue_actors::{
    node::ports::{Later, Outcome, PortError, SessionChange, SessionStore},
    state::{Play, Record, queue::Queue},
};
use segue_client::protocol::ids::UserId;
use writer::SessionWriter;

/// Sessions in the database.
pub struct DbStore {
    db: Db,
    writer: SessionWriter,
}

impl DbStore {
    /// A store over `db`; starts the thread that writes.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn open(db: Db) -> std::io::Result<Self> {
        Ok(Self { writer: SessionWriter::start(db.clone())?, db })
    }

    fn read<T: Send + 'static>(
        &self,
        run: impl FnOnce(&mut DbConnection) -> Result<T, DbError> + Send + 'static,
    ) -> Later<Result<T, PortError>> {
        read(&self.db, run)
    }
}

impl SessionStore for DbStore {
    fn load(&self, user: UserId) -> Later<Result<Option<Record>, PortError>> {
        let found = self.read(move |connection| {
            let is_there = db::users::is_there(connection, user)?;
            Ok(if is_there { Some(db::sessions::record(connection, user)?) } else { None })
        });
        Box::pin(async move {
            let text = found.await?.ok_or_else(|| fault("the user was removed".to_owned(), false))?;
            text.map(|text| parse("record", user, &text)).transpose()
        })
    }

    fn queue(&self, user: UserId) -> Later<Result<(u64, Queue), PortError>> {
        let row = self.read(move |connection| db::sessions::queue(connection, user));
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
