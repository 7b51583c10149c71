//! Writes a batch to SQLite: one transaction, one statement for each row.
//!
//! One statement for all rows costs more: `UPDATE … FROM json_each(?)` seven times as much a row, one from a list of
//! VALUES twice (`src/store/README.md`).

use super::{BatchError, NewSession, SessionBatch};
use crate::db::{
    connection::SQLITE_SYNCED,
    statement::{
        Sql,
        SqlValue::{MaybeNumber, Number, Text},
        run,
    },
};
use diesel::{
    QueryResult, SqliteConnection,
    connection::{AnsiTransactionManager, SimpleConnection as _, TransactionManager as _},
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
        let user = session.user.to_sql();
        if write_record(sqlite, user, session)? {
            if let Some((revision, queue)) = &session.queue {
                run::<PutQueue>(sqlite, &[Number(user), Number(revision.cast_signed()), Text(queue)])?;
            }
            written.push(user);
        }
    }
    for play in &batch.plays {
        let values = [
            Number(play.user_id),
            Number(play.epoch),
            Number(play.revision),
            Number(play.media_id),
            Text(play.kind),
            Number(play.started_us),
            MaybeNumber(play.device_id),
            Number(play.user_id),
        ];
        run::<AddPlay>(sqlite, &values)?;
    }
    Ok(written)
}

/// Writes a record, if the stored stamp is the expected one.
fn write_record(sqlite: &mut SqliteConnection, user: i64, session: &NewSession) -> QueryResult<bool> {
    let (epoch, revision) = (session.stamp.epoch.cast_signed(), session.stamp.revision.cast_signed());
    let record = Text(&session.record);
    let changed = if let Some(expected) = session.expected {
        let (old_epoch, old_revision) = (expected.epoch.cast_signed(), expected.revision.cast_signed());
        let values = [Number(epoch), Number(revision), record, Number(user), Number(old_epoch), Number(old_revision)];
        run::<UpdateRecord>(sqlite, &values)?
    } else {
        let values = [Number(user), Number(epoch), Number(revision), record, Number(user)];
        run::<AddRecord>(sqlite, &values)?
    };
    Ok(changed == 1)
}

enum UpdateRecord {}
impl Sql for UpdateRecord {
    const TEXT: &'static str = "UPDATE sessions SET epoch = ?, revision = ?, record = ?
        WHERE user_id = ? AND epoch = ? AND revision = ?";
}

// The transaction has the write lock, so that an account that is there stays.
enum AddRecord {}
impl Sql for AddRecord {
    const TEXT: &'static str = "INSERT INTO sessions (user_id, epoch, revision, record)
        SELECT ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM users WHERE id = ?) ON CONFLICT DO NOTHING";
}

enum PutQueue {}
impl Sql for PutQueue {
    const TEXT: &'static str = "INSERT INTO session_queues (user_id, queue_revision, queue) VALUES (?, ?, ?)
        ON CONFLICT (user_id) DO UPDATE SET queue_revision = excluded.queue_revision, queue = excluded.queue";
}

enum AddPlay {}
impl Sql for AddPlay {
    const TEXT: &'static str = "INSERT INTO plays (user_id, epoch, revision, media_id, kind, started_us, device_id)
        SELECT ?, ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM users WHERE id = ?) ON CONFLICT DO NOTHING";
}
