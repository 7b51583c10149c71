//! Writes a batch to SQLite: one transaction, one statement for each row.

use super::{BatchError, NewSession, SessionBatch};
use crate::db::{connection::SQLITE_SYNCED, schema};
use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, QueryDsl as _, QueryResult, RunQueryDsl as _, SqliteConnection,
    connection::{AnsiTransactionManager, SimpleConnection as _, TransactionManager as _},
    dsl::exists,
    select,
};

/// Writes the batch; returns the users whose sessions were written.
pub(super) fn write(sqlite: &mut SqliteConnection, batch: &SessionBatch) -> Result<Vec<i64>, BatchError> {
    let not_sent = |error: diesel::result::Error| BatchError::NotSent(error.into());
    sqlite.batch_execute(SQLITE_SYNCED).map_err(not_sent)?;
    AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN IMMEDIATE").map_err(not_sent)?;
    match rows(sqlite, batch) {
        Ok(written) => {
            let committed = AnsiTransactionManager::commit_transaction(sqlite);
            committed.map(|()| written).map_err(|error| BatchError::Unknown(error.into()))
        }
        Err(error) => {
            // Nothing is visible without a commit, whether the rollback succeeds or not.
            if let Err(second) = AnsiTransactionManager::rollback_transaction(sqlite) {
                log::warn!("a transaction could not be rolled back: {second}");
            }
            Err(not_sent(error))
        }
    }
}

fn rows(sqlite: &mut SqliteConnection, batch: &SessionBatch) -> QueryResult<Vec<i64>> {
    let mut written = Vec::with_capacity(batch.sessions.len());
    for session in &batch.sessions {
        if write_record(sqlite, session)? {
            write_queue(sqlite, session)?;
            written.push(session.user.to_sql());
        }
    }
    for play in &batch.plays {
        if !has_user(sqlite, play.user_id)? {
            continue;
        }
        diesel::insert_into(schema::plays::table).values(play).on_conflict_do_nothing().execute(sqlite)?;
    }
    Ok(written)
}

fn write_record(sqlite: &mut SqliteConnection, session: &NewSession) -> QueryResult<bool> {
    use schema::sessions::dsl::{epoch, record, revision, sessions, user_id};
    let stamp = (epoch.eq(session.stamp.epoch.cast_signed()), revision.eq(session.stamp.revision.cast_signed()));
    let values = (stamp, record.eq(&session.record));
    let changed = match session.expected {
        Some(expected) => {
            let stands = epoch.eq(expected.epoch.cast_signed()).and(revision.eq(expected.revision.cast_signed()));
            diesel::update(sessions.find(session.user.to_sql()).filter(stands)).set(values).execute(sqlite)?
        }
        None if !has_user(sqlite, session.user.to_sql())? => 0,
        None => diesel::insert_into(sessions)
            .values((user_id.eq(session.user.to_sql()), values))
            .on_conflict_do_nothing()
            .execute(sqlite)?,
    };
    Ok(changed == 1)
}

/// Whether the account is there. The transaction has the write lock, so that the answer stays true.
fn has_user(sqlite: &mut SqliteConnection, id: i64) -> QueryResult<bool> {
    select(exists(schema::users::table.find(id))).get_result(sqlite)
}

fn write_queue(sqlite: &mut SqliteConnection, session: &NewSession) -> QueryResult<()> {
    use schema::session_queues::dsl::{queue, queue_revision, session_queues, user_id};
    if let Some((revision, text)) = &session.queue {
        let values = (queue_revision.eq(revision.cast_signed()), queue.eq(text));
        diesel::insert_into(session_queues)
            .values((user_id.eq(session.user.to_sql()), values))
            .on_conflict(user_id)
            .do_update()
            .set(values)
            .execute(sqlite)?;
    }
    Ok(())
}
