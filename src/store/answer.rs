//! Answers of the database as the core's ports return them, with a time limit.

use crate::db::{Db, DbConnection, DbError};
use segue_actors::node::ports::{Later, PortError};
use segue_client::protocol::ids::UserId;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::{sync::oneshot, time::timeout};

/// The time limit of an answer. The outcome of a change that takes longer, in the queue or in the database, is unknown.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Reads within [`ANSWER_WITHIN`].
pub(super) fn read<T: Send + 'static>(
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

/// The writer's answer; an error when it is not there in time or the writer failed.
pub(super) async fn within<T>(answer: oneshot::Receiver<T>) -> Result<T, PortError> {
    match timeout(ANSWER_WITHIN, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => Err(fault("the writer of sessions failed".to_owned(), true)),
        Err(_) => Err(fault("the database does not answer".to_owned(), true)),
    }
}

pub(super) fn parse<T: DeserializeOwned>(what: &str, user: UserId, text: &str) -> Result<T, PortError> {
    serde_json::from_str(text)
        .map_err(|error| fault(format!("the stored {what} of user {user} cannot be read: {error}"), false))
}

pub(super) fn port_error(error: &DbError) -> PortError {
    fault(error.to_string(), error.is_transient())
}

pub(super) fn fault(message: String, is_transient: bool) -> PortError {
    PortError { message, is_transient }
}
