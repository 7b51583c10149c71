//! Sessions and their queues: reading one, and writing many in one transaction.

mod batch;
mod postgres;
mod sqlite;

pub use batch::{BatchError, NewSession, SessionBatch};

use super::{Db, DbConnection, DbError, schema};
use diesel::{
    ExpressionMethods as _, JoinOnDsl as _, NullableExpressionMethods as _, QueryDsl as _, RunQueryDsl as _,
    connection::SimpleConnection as _,
};
use segue_client::protocol::ids::UserId;
use std::collections::HashMap;

impl Db {
    /// Writes a batch in one transaction, which is on disk when this returns. Returns the users whose sessions were
    /// written; for the others the stored stamp was not the expected one. Nothing is written for a user who was removed.
    /// Blocks.
    ///
    /// # Errors
    /// As [`BatchError`] says.
    pub fn write_batch_blocking(&self, batch: &SessionBatch) -> Result<Vec<UserId>, BatchError> {
        let mut connection = self.sessions().map_err(BatchError::NotSent)?;
        let written = match &mut **connection {
            DbConnection::Sqlite(sqlite) => sqlite::write(sqlite, batch)?,
            DbConnection::Postgres(postgres) => match postgres::write(postgres, batch) {
                Ok(written) => written,
                // A server that still answers has rolled the statement back. A broken connection leaves it open.
                Err(error) => {
                    let error = DbError::from(error);
                    let answers = postgres.batch_execute("SELECT 1").is_ok();
                    return Err(if answers { BatchError::NotSent(error) } else { BatchError::Unknown(error) });
                }
            },
        };
        Ok(written.into_iter().map(UserId::from_sql).collect())
    }
}

/// The records of `users`, without those that have none.
///
/// # Errors
/// The database's.
pub fn records(connection: &mut DbConnection, users: &[UserId]) -> Result<Vec<(UserId, String)>, DbError> {
    use schema::sessions::dsl::{record, sessions, user_id};
    let users = users.iter().map(|user| user.to_sql());
    let rows: Vec<(i64, String)> = sessions.filter(user_id.eq_any(users)).select((user_id, record)).load(connection)?;
    Ok(rows.into_iter().map(|(user, text)| (UserId::from_sql(user), text)).collect())
}

/// The record of each of `users` that has an account; `None` for one without a record.
///
/// # Errors
/// The database's.
pub fn records_of_accounts(
    connection: &mut DbConnection,
    users: &[UserId],
) -> Result<HashMap<UserId, Option<String>>, DbError> {
    use schema::{sessions, users::dsl as accounts};
    let found = accounts::users
        .left_join(sessions::table.on(sessions::user_id.eq(accounts::id)))
        .select((accounts::id, sessions::record.nullable()));
    let rows: Vec<(i64, Option<String>)> = match users {
        // SQLite compiles this once, but each list.
        [user] => found.filter(accounts::id.eq(user.to_sql())).load(connection)?,
        _ => found.filter(accounts::id.eq_any(users.iter().map(|user| user.to_sql()))).load(connection)?,
    };
    Ok(rows.into_iter().map(|(user, record)| (UserId::from_sql(user), record)).collect())
}

/// The queues of `users` and their revisions, without those that have none.
///
/// # Errors
/// The database's.
pub fn queues(connection: &mut DbConnection, users: &[UserId]) -> Result<HashMap<UserId, (u64, String)>, DbError> {
    use schema::session_queues::dsl::{queue, queue_revision, session_queues, user_id};
    let found = session_queues.select((user_id, queue_revision, queue));
    let rows: Vec<(i64, i64, String)> = match users {
        [user] => found.filter(user_id.eq(user.to_sql())).load(connection)?,
        _ => found.filter(user_id.eq_any(users.iter().map(|user| user.to_sql()))).load(connection)?,
    };
    let row = |(user, revision, text): (i64, i64, String)| (UserId::from_sql(user), (revision.cast_unsigned(), text));
    Ok(rows.into_iter().map(row).collect())
}

/// Deletes the sessions and the queues of users whose accounts are deleted. The sessions first: this waits for a batch
/// that writes both.
///
/// # Errors
/// The database's.
pub fn erase(connection: &mut DbConnection, users: &[i64]) -> Result<(), DbError> {
    use schema::{session_queues, sessions};
    diesel::delete(sessions::table.filter(sessions::user_id.eq_any(users))).execute(connection)?;
    diesel::delete(session_queues::table.filter(session_queues::user_id.eq_any(users))).execute(connection)?;
    Ok(())
}
