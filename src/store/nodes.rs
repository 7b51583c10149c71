//! This run of the server among the runs before it and beside it: its heartbeats, and the clock that never steps back.

use super::answer::{port_error, read};
use crate::db::{self, Db};
use segue_actors::{node::ports::{Clock, Later, Nodes, PortError}};
use segue_client::{protocol::ids::{ClockId, Micros, NodeId}};

/// How long the last heartbeat of a node that is gone is kept: far longer than anything that asks for it.
const KEPT_MS: i64 = 24 * 60 * 60 * 1000;
/// The wall clock behind the last heartbeat by more than this is worth a word.
const CLOCK_STEP_MS: i64 = 1000;

/// The heartbeats of one run of the server.
pub struct DbNodes {
    db: Db,
    this: NodeId,
}

/// Begins this run: a new node, and the server's clock, which shows `wall` or the last stored heartbeat, whichever is later.
/// Both ids are to be random.
///
/// # Errors
/// The database's.
pub async fn start(db: Db, wall: Micros, this: NodeId, clock: ClockId) -> Result<(DbNodes, Clock), PortError> {
    let nodes = DbNodes { db, this };
    let last = nodes.last_heartbeat().await?.unwrap_or(wall);
    if last.since_ms(wall) > CLOCK_STEP_MS {
        log::warn!(
            "the wall clock is {} ms before the last heartbeat of this server; its time goes on from there",
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
