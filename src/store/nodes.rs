//! Heartbeats of this run of the server, and its clock, which never goes back behind those of other runs.

use super::answer::{port_error, read};
use crate::db::{self, Db};
use segue_actors::node::ports::{Clock, Later, Nodes, PortError};
use segue_client::protocol::ids::{ClockId, Micros, NodeId};

/// How long the last heartbeat of a node that has ended is kept, in milliseconds; queries look back much less.
const KEPT_MS: i64 = 24 * 60 * 60 * 1000;
/// A wall clock behind the last heartbeat by more than this is logged, in milliseconds.
const CLOCK_STEP_MS: i64 = 1000;

/// The heartbeats of one run of the server.
pub struct DbNodes {
    db: Db,
    this: NodeId,
}

/// Starts this run: removes old heartbeats, and starts the clock at `wall` or at the last stored heartbeat, whichever is
/// later. Both ids must be random.
///
/// # Errors
/// The database's.
pub async fn start(db: Db, wall: Micros, this: NodeId, clock: ClockId) -> Result<(DbNodes, Clock), PortError> {
    let nodes = DbNodes { db, this };
    let last = nodes.last_heartbeat().await?.unwrap_or(wall);
    if last.since_ms(wall) > CLOCK_STEP_MS {
        log::warn!(
            "the wall clock is {} ms behind the last heartbeat in the database; the server's clock starts there",
            last.since_ms(wall)
        );
    }
    let now = wall.max(last);
    nodes.forget(now.plus_ms(-KEPT_MS)).await?;
    Ok((nodes, Clock::starting_at(clock, now)))
}

impl DbNodes {
    async fn forget(&self, before: Micros) -> Result<(), PortError> {
        let forgotten = self.db.write(move |connection| db::nodes::forget(connection, before)).await;
        forgotten.map(|_| ()).map_err(|error| port_error(&error))
    }
}

impl Nodes for DbNodes {
    fn this(&self) -> NodeId {
        self.this
    }

    fn heartbeat(&self, now: Micros) -> Later<Result<(), PortError>> {
        let (db, this) = (self.db.clone(), self.this);
        Box::pin(async move {
            let written = db.write_lazily(move |connection| db::nodes::heartbeat(connection, this, now)).await;
            written.map_err(|error| port_error(&error))
        })
    }

    fn last_heartbeat(&self) -> Later<Result<Option<Micros>, PortError>> {
        let this = self.this;
        read(&self.db, move |connection| db::nodes::last_heartbeat_of_others(connection, this))
    }
}
