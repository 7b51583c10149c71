//! Answers of the database in the terms of the core: in time or not at all, transient or not.

use crate::db::{Db, DbConnection, DbError};
use segue_actors::{node::ports::{Later, PortError}};
use segue_client::{protocol::ids::UserId};
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::{sync::oneshot, time::timeout};

/// How long an answer is waited for. A change that waits in line or in the database longer than this is in the unknown.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Reads in the time an answer may take.
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

/// The writer's answer, or why there is none: too late, or the writer failed.
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
