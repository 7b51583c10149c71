//! Statements that SQLite compiles once for each connection. Diesel keeps compiled queries and inserts itself; an UPDATE,
//! and what `batch_execute` is given, it compiles each time.

use diesel::{
    QueryResult, RunQueryDsl, SqliteConnection,
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_types::{BigInt, Nullable, Text},
    sqlite::Sqlite,
};
use std::marker::PhantomData;

/// The text of a statement that returns no rows.
pub(super) trait Sql: 'static {
    /// Has a `?` for each value, and no other.
    const TEXT: &'static str;
}

/// A value of a statement.
pub(super) enum BoundValue<'a> {
    Number(i64),
    MaybeNumber(Option<i64>),
    Text(&'a str),
}

/// Runs the statement with these values, one for each `?`; returns how many rows an INSERT, UPDATE or DELETE has changed.
pub(super) fn run<S: Sql>(sqlite: &mut SqliteConnection, values: &[BoundValue<'_>]) -> QueryResult<usize> {
    KeptStatement::<S> { values, sql: PhantomData }.execute(sqlite)
}

/// Begins a transaction that reads.
pub(super) fn begin(sqlite: &mut SqliteConnection) -> QueryResult<()> {
    run::<Begin>(sqlite, &[]).map(|_| ())
}

/// Begins a transaction with the write lock.
pub(super) fn begin_immediate(sqlite: &mut SqliteConnection) -> QueryResult<()> {
    run::<BeginImmediate>(sqlite, &[]).map(|_| ())
}

/// Commits the transaction; rolls it back where that fails.
pub(super) fn commit(sqlite: &mut SqliteConnection) -> QueryResult<()> {
    run::<Commit>(sqlite, &[]).map(|_| ()).inspect_err(|_| roll_back(sqlite))
}

/// Rolls the transaction back.
pub(super) fn roll_back(sqlite: &mut SqliteConnection) {
    // An error says that SQLite has rolled it back by itself, as it does when a disk is full
    // (sqlite.org/lang_transaction.html, "Response To Errors Within A Transaction"). Either way none is open afterwards.
    let _ = run::<RollBack>(sqlite, &[]);
}

enum Begin {}
impl Sql for Begin {
    const TEXT: &'static str = "BEGIN";
}

enum BeginImmediate {}
impl Sql for BeginImmediate {
    const TEXT: &'static str = "BEGIN IMMEDIATE";
}

enum Commit {}
impl Sql for Commit {
    const TEXT: &'static str = "COMMIT";
}

enum RollBack {}
impl Sql for RollBack {
    const TEXT: &'static str = "ROLLBACK";
}

struct KeptStatement<'a, S> {
    values: &'a [BoundValue<'a>],
    sql: PhantomData<S>,
}

impl<S: Sql> QueryFragment<Sqlite> for KeptStatement<'_, S> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let mut values = self.values.iter();
        for (number, part) in S::TEXT.split('?').enumerate() {
            if number > 0 {
                match values.next() {
                    Some(BoundValue::Number(number)) => out.push_bind_param::<BigInt, _>(number)?,
                    Some(BoundValue::MaybeNumber(number)) => out.push_bind_param::<Nullable<BigInt>, _>(number)?,
                    Some(BoundValue::Text(text)) => out.push_bind_param::<Text, str>(text)?,
                    // SQLite takes it as NULL.
                    None => out.push_sql("?"),
                }
            }
            out.push_sql(part);
        }
        Ok(())
    }
}

/// The text is the same whatever the values are.
impl<S: Sql> QueryId for KeptStatement<'_, S> {
    type QueryId = KeptStatement<'static, S>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<S> RunQueryDsl<SqliteConnection> for KeptStatement<'_, S> {}
