//! The heartbeats of nodes: one row for each run of a server.

use super::{DbConnection, DbError, schema};
use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _, dsl::max};
use segue_client::protocol::ids::{Micros, NodeId};

/// Writes this node's heartbeat.
///
/// # Errors
/// The database's.
pub fn heartbeat(connection: &mut DbConnection, node: NodeId, now: Micros) -> Result<(), DbError> {
    use schema::nodes::dsl::{beat_us, node_id, nodes};
    let row = (node_id.eq(node.to_sql()), beat_us.eq(now.0));
    let changed = diesel::update(nodes.find(node.to_sql())).set(beat_us.eq(now.0)).execute(connection)?;
    if changed == 0 {
        diesel::insert_into(nodes).values(row).execute(connection)?;
    }
    Ok(())
}

/// The newest heartbeat of any node but `this`.
///
/// # Errors
/// The database's.
pub fn last_heartbeat_of_others(connection: &mut DbConnection, this: NodeId) -> Result<Option<Micros>, DbError> {
    use schema::nodes::dsl::{beat_us, node_id, nodes};
    let newest: Option<i64> = nodes.filter(node_id.ne(this.to_sql())).select(max(beat_us)).get_result(connection)?;
    Ok(newest.map(Micros))
}

/// Forgets the nodes whose last heartbeat was before `before`, but never the newest of all.
///
/// # Errors
/// The database's.
pub fn forget(connection: &mut DbConnection, before: Micros) -> Result<usize, DbError> {
    use schema::nodes::dsl::{beat_us, nodes};
    let newest: Option<i64> = nodes.select(max(beat_us)).get_result(connection)?;
    let before = newest.map_or(before, |newest| before.min(Micros(newest)));
    Ok(diesel::delete(nodes.filter(beat_us.lt(before.0))).execute(connection)?)
}
