//! Statements that SQLite compiles once for each connection. Diesel keeps compiled queries and inserts of one row itself;
//! an UPDATE and an insert of many rows it compiles each time.
//!
//! Transactions are begun and ended by diesel all the same: it begins one for an insert of many rows, and has to know of
//! the one that is open.

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
pub(super) enum SqlValue<'a> {
    Number(i64),
    MaybeNumber(Option<i64>),
    Text(&'a str),
}

/// Runs the statement with these values, one for each `?`; returns how many rows an INSERT, UPDATE or DELETE has changed.
pub(super) fn run<S: Sql>(sqlite: &mut SqliteConnection, values: &[SqlValue<'_>]) -> QueryResult<usize> {
    CompiledStatement::<S> { values, sql: PhantomData }.execute(sqlite)
}

struct CompiledStatement<'a, S> {
    values: &'a [SqlValue<'a>],
    sql: PhantomData<S>,
}

impl<S: Sql> QueryFragment<Sqlite> for CompiledStatement<'_, S> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let mut values = self.values.iter();
        for (number, part) in S::TEXT.split('?').enumerate() {
            if number > 0 {
                match values.next() {
                    Some(SqlValue::Number(number)) => out.push_bind_param::<BigInt, _>(number)?,
                    Some(SqlValue::MaybeNumber(number)) => out.push_bind_param::<Nullable<BigInt>, _>(number)?,
                    Some(SqlValue::Text(text)) => out.push_bind_param::<Text, str>(text)?,
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
impl<S: Sql> QueryId for CompiledStatement<'_, S> {
    type QueryId = CompiledStatement<'static, S>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<S> RunQueryDsl<SqliteConnection> for CompiledStatement<'_, S> {}
