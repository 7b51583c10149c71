//! The core's ports over the real database: sessions, plays, heartbeats, and what the catalogue knows of tracks.

mod batch;
mod logins;
mod nodes;
mod tracks;
mod writer;

pub use logins::TokenLogins;
pub use nodes::{DbNodes, start};
pub use tracks::DbTracks;
pub use writer::Written;

use crate::db::{self, Db, DbConnection, DbError};
use segue_actors::{
    node::ports::{Later, Outcome, PortError, SessionChange, SessionStore},
    protocol::ids::UserId,
    state::{Play, Record, queue::Queue},
};
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::time::timeout;
use writer::Writer;

/// How long an answer is waited for. A change that waits in line or in the database longer than this is in the unknown.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Sessions in the database.
pub struct DbStore {
    db: Db,
    writer: Writer,
}

impl DbStore {
    /// A store over `db`, with a thread of its own that writes.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn open(db: Db) -> std::io::Result<Self> {
        Ok(Self { writer: Writer::start(db.clone())?, db })
    }

    /// What was written since the start.
    #[must_use]
    pub fn written(&self) -> Written {
        self.writer.written()
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
        let text = self.read(move |connection| db::sessions::record(connection, user));
        Box::pin(async move { text.await?.map(|text| parse("record", user, &text)).transpose() })
    }

    fn queue(&self, user: UserId) -> Later<Result<(u64, Queue), PortError>> {
        let row = self.read(move |connection| db::sessions::queue(connection, user));
        Box::pin(async move {
            let Some((revision, text)) = row.await? else { return Ok((0, Queue::default())) };
            // A full queue is a megabyte: too long a read for an event loop.
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

/// Reads in the time an answer may take.
fn read<T: Send + 'static>(
    db: &Db,
    run: impl FnOnce(&mut DbConnection) -> Result<T, DbError> + Send + 'static,
) -> Later<Result<T, PortError>> {
    let db = db.clone();
    Box::pin(async move {
        match timeout(ANSWER_WITHIN, db.read(run)).await {
            Ok(answer) => answer.map_err(|error| port_error(&error)),
            Err(_) => Err(fault("the database does not answer".to_owned(), true)),
        }
    })
}

/// The writer's answer, or why there is none: too late, or the writer failed.
async fn within<T>(answer: tokio::sync::oneshot::Receiver<T>) -> Result<T, PortError> {
    match timeout(ANSWER_WITHIN, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => Err(fault("the writer of sessions failed".to_owned(), true)),
        Err(_) => Err(fault("the database does not answer".to_owned(), true)),
    }
}

fn parse<T: DeserializeOwned>(what: &str, user: UserId, text: &str) -> Result<T, PortError> {
    serde_json::from_str(text)
        .map_err(|error| fault(format!("the stored {what} of user {user} cannot be read: {error}"), false))
}

fn port_error(error: &DbError) -> PortError {
    fault(error.to_string(), error.is_transient())
}

fn fault(message: String, is_transient: bool) -> PortError {
    PortError { message, is_transient }
}
