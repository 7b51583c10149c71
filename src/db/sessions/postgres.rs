//! Writes a batch to PostgreSQL with one prepared statement: one transaction and one round trip for any number of rows.

use super::{NewSession, SessionBatch};
use diesel::{
    PgConnection, QueryResult, RunQueryDsl,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{Array, BigInt, Nullable, Text},
};

/// Writes the batch; returns the users whose sessions were written.
pub(super) fn write(postgres: &mut PgConnection, batch: &SessionBatch) -> QueryResult<Vec<i64>> {
    Statement::of(batch).load(postgres)
}

/// The parameters of the statement: arrays with one element for each row.
struct Statement<'a> {
    users: Vec<i64>,
    expected_epochs: Vec<Option<i64>>,
    expected_revisions: Vec<Option<i64>>,
    epochs: Vec<i64>,
    revisions: Vec<i64>,
    records: Vec<&'a str>,
    queue_revisions: Vec<Option<i64>>,
    queues: Vec<Option<&'a str>>,
    players: Vec<i64>,
    stay_epochs: Vec<i64>,
    stay_revisions: Vec<i64>,
    media: Vec<i64>,
    kinds: Vec<&'a str>,
    starts_us: Vec<i64>,
    devices: Vec<Option<i64>>,
}

impl<'a> Statement<'a> {
    fn of(batch: &'a SessionBatch) -> Self {
        fn column<'a, R, T>(rows: &'a [R], value: impl Fn(&'a R) -> T) -> Vec<T> {
            rows.iter().map(value).collect()
        }
        let (sessions, plays) = (&batch.sessions[..], &batch.plays[..]);
        let queue = |session: &'a NewSession| session.queue.as_ref();
        Self {
            users: column(sessions, |session| session.user.to_sql()),
            expected_epochs: column(sessions, |session| session.expected.map(|stamp| stamp.epoch.cast_signed())),
            expected_revisions: column(sessions, |session| session.expected.map(|stamp| stamp.revision.cast_signed())),
            epochs: column(sessions, |session| session.stamp.epoch.cast_signed()),
            revisions: column(sessions, |session| session.stamp.revision.cast_signed()),
            records: column(sessions, |session| session.record.as_str()),
            queue_revisions: column(sessions, |session| queue(session).map(|(revision, _)| revision.cast_signed())),
            queues: column(sessions, |session| queue(session).map(|(_, text)| text.as_str())),
            players: column(plays, |play| play.user_id),
            stay_epochs: column(plays, |play| play.epoch),
            stay_revisions: column(plays, |play| play.revision),
            media: column(plays, |play| play.media_id),
            kinds: column(plays, |play| play.kind),
            starts_us: column(plays, |play| play.started_us),
            devices: column(plays, |play| play.device_id),
        }
    }
}

/// The statement in parts, between which the parameters stand.
///
/// Where a first record or a play is written, the account is locked as a foreign key does it: who removes the user waits,
/// or has removed them, and nothing is written. Who removes a user locks the account first and then the session, and so
/// does this: `standing` counts `present`, which locks all of it. Rows with the expected stamp are locked in the order of
/// users, so that two nodes cannot deadlock.
const CHANGES: &str = "\
WITH change AS (SELECT * FROM unnest(";
const PLAYS: &str = ")
    AS c (user_id, old_epoch, old_revision, epoch, revision, record, queue_revision, queue)
), play AS (SELECT * FROM unnest(";
const WRITES: &str = ")
    AS p (user_id, epoch, revision, media_id, kind, started_us, device_id)
), present AS (
    SELECT u.id FROM users u
    WHERE u.id IN (SELECT user_id FROM change WHERE old_epoch IS NULL UNION SELECT user_id FROM play)
    ORDER BY u.id FOR KEY SHARE OF u
), standing AS (
    SELECT c.* FROM change c JOIN sessions s
        ON s.user_id = c.user_id AND s.epoch = c.old_epoch AND s.revision = c.old_revision
    WHERE (SELECT count(*) FROM present) IS NOT NULL
    ORDER BY c.user_id FOR UPDATE OF s
), updated AS (
    UPDATE sessions s SET epoch = c.epoch, revision = c.revision, record = c.record
    FROM standing c WHERE s.user_id = c.user_id RETURNING s.user_id
), inserted AS (
    INSERT INTO sessions (user_id, epoch, revision, record)
    SELECT user_id, epoch, revision, record FROM change JOIN present ON id = user_id
    WHERE old_epoch IS NULL ORDER BY user_id
    ON CONFLICT DO NOTHING RETURNING user_id
), written AS (
    SELECT user_id FROM updated UNION ALL SELECT user_id FROM inserted
), queued AS (
    INSERT INTO session_queues (user_id, queue_revision, queue)
    SELECT c.user_id, c.queue_revision, c.queue FROM change c JOIN written USING (user_id) WHERE c.queue IS NOT NULL
    ON CONFLICT (user_id) DO UPDATE SET queue_revision = excluded.queue_revision, queue = excluded.queue
), played AS (
    INSERT INTO plays (user_id, epoch, revision, media_id, kind, started_us, device_id)
    SELECT p.* FROM play p JOIN present ON id = p.user_id
    ON CONFLICT DO NOTHING
) SELECT user_id FROM written";

impl QueryFragment<Pg> for Statement<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        type Number = Array<BigInt>;
        type MaybeNumber = Array<Nullable<BigInt>>;
        out.push_sql(CHANGES);
        out.push_bind_param::<Number, _>(&self.users)?;
        out.push_sql(", ");
        out.push_bind_param::<MaybeNumber, _>(&self.expected_epochs)?;
        out.push_sql(", ");
        out.push_bind_param::<MaybeNumber, _>(&self.expected_revisions)?;
        out.push_sql(", ");
        out.push_bind_param::<Number, _>(&self.epochs)?;
        out.push_sql(", ");
        out.push_bind_param::<Number, _>(&self.revisions)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.records)?;
        out.push_sql(", ");
        out.push_bind_param::<MaybeNumber, _>(&self.queue_revisions)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Text>>, _>(&self.queues)?;
        out.push_sql(PLAYS);
        out.push_bind_param::<Number, _>(&self.players)?;
        out.push_sql(", ");
        out.push_bind_param::<Number, _>(&self.stay_epochs)?;
        out.push_sql(", ");
        out.push_bind_param::<Number, _>(&self.stay_revisions)?;
        out.push_sql(", ");
        out.push_bind_param::<Number, _>(&self.media)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.kinds)?;
        out.push_sql(", ");
        out.push_bind_param::<Number, _>(&self.starts_us)?;
        out.push_sql(", ");
        out.push_bind_param::<MaybeNumber, _>(&self.devices)?;
        out.push_sql(WRITES);
        Ok(())
    }
}

/// The text is the same for every batch, so that each connection prepares it once.
impl QueryId for Statement<'_> {
    type QueryId = Statement<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for Statement<'_> {
    type SqlType = BigInt;
}

impl RunQueryDsl<PgConnection> for Statement<'_> {}
