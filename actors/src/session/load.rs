//! Loads a session, and loads it again when something that was shown may be missing in the database.

use super::SessionActor;
use super::cluster::Peers;
use crate::node::ports::PortError;
use crate::node::{RESOLVE, ToSocket};
use crate::protocol::close::CloseReason;
use crate::protocol::ids::ConnectionId;
use actix::{ActorContext, ActorFutureExt, AsyncContext, Context, SpawnHandle, WrapFuture};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// The time between two attempts to load.
const RETRY: Duration = Duration::from_millis(500);
/// After loads have failed for so long, in milliseconds, the devices that wait are disconnected with `unavailable`.
const PATIENCE_MS: i64 = 5_000;
/// The actor of a socket closes it within this time: before that it waits at most for the catalogue ([`RESOLVE`]).
const CLOSED_WITHIN: Duration = RESOLVE.saturating_add(Duration::from_millis(500));

/// The sockets that are closed before a restarted session is loaded.
pub(super) struct Closing {
    sockets: HashSet<ConnectionId>,
    /// The timer that ends the wait for them.
    limit: SpawnHandle,
}

impl SessionActor {
    pub(super) fn load(&mut self, ctx: &mut Context<Self>) {
        let world = self.world();
        let (user, store, nodes) = (self.user, world.store.clone(), world.nodes.clone());
        let loaded = async move {
            let record = store.load(user).await?;
            let (queue_revision, queue) = store.queue(user).await?;
            if record.as_ref().is_some_and(|record| record.queue_revision() != queue_revision) {
                let message = "the queue changed between two reads".to_owned();
                return Err(PortError { message, is_transient: true });
            }
            let last_heartbeat = nodes.last_heartbeat().await?;
            Ok((record.map(|record| (record, Arc::new(queue))), last_heartbeat))
        };
        ctx.spawn(loaded.into_actor(self).map(|loaded, actor, ctx| match loaded {
            Ok((record, last_heartbeat)) => {
                let database = actor.peers.as_ref().map_or(0, Peers::database);
                actor.drive(ctx, |replica, now, outputs| {
                    replica.loaded(now, record, (database, last_heartbeat), outputs);
                });
                actor.mark_lost_nodes(ctx);
            }
            Err(error) if error.is_transient => actor.load_again(&error.message, ctx),
            Err(error) => actor.give_up(&error.message, ctx),
        }));
    }

    /// The session cannot be loaded, and trying again would not help: the actor ends.
    fn give_up(&mut self, why: &str, ctx: &mut Context<Self>) {
        log::warn!(user:% = self.user; "a session ends, because it cannot be loaded: {why}");
        self.close_all(CloseReason::Unavailable);
        ctx.stop();
    }

    pub(super) fn load_again(&mut self, why: &str, ctx: &mut Context<Self>) {
        log::warn!(user:% = self.user; "a session was not loaded: {why}");
        let now = self.now();
        let failing_since = *self.failing_since.get_or_insert(now);
        if now.since_ms(failing_since) >= PATIENCE_MS || !self.stopping.is_empty() {
            self.close_all(CloseReason::Unavailable);
            if self.peers.is_none() || !self.stopping.is_empty() {
                ctx.stop();
                return;
            }
            // This actor goes on trying: once loaded it writes, for the other nodes, that the sockets here have ended.
            self.failing_since = None;
        }
        ctx.run_later(RETRY, Self::load);
    }

    /// Something that was shown may be missing in the database: disconnects every device with `restart`, and loads the
    /// session again when their sockets are closed.
    pub(super) fn restart(&mut self, why: &str, ctx: &mut Context<Self>) {
        log::warn!(user:% = self.user; "a session restarts: {why}");
        self.close_all(CloseReason::Restart);
        self.watched = None;
        for handle in [self.deadline.take().map(|(_, handle)| handle), self.soon.take()].into_iter().flatten() {
            ctx.cancel_future(handle);
        }
        let sockets = std::mem::take(&mut self.attached);
        let wait = if sockets.is_empty() { Duration::ZERO } else { CLOSED_WITHIN };
        let limit = ctx.run_later(wait, Self::load_over);
        self.closing = Some(Closing { sockets, limit });
    }

    fn load_over(&mut self, ctx: &mut Context<Self>) {
        self.closing = None;
        self.load(ctx);
    }

    /// A socket that was open before the restart is closed now.
    pub(super) fn closed(&mut self, connection: ConnectionId, ctx: &mut Context<Self>) {
        let Some(closing) = &mut self.closing else { return };
        closing.sockets.remove(&connection);
        if closing.sockets.is_empty() {
            ctx.cancel_future(closing.limit);
            self.load_over(ctx);
        }
    }

    /// The first load. After a panic it waits for [`CLOSED_WITHIN`]: the panicked run has asked for the end of its
    /// devices' sockets, and this run gets no message when they are closed.
    pub(super) fn load_after_panics(&mut self, ctx: &mut Context<Self>) {
        let wait = self.since_panic.map_or(Duration::ZERO, |since| CLOSED_WITHIN.saturating_sub(since));
        if wait.is_zero() {
            self.load(ctx);
        } else {
            ctx.run_later(wait, Self::load);
        }
    }

    /// Disconnects every device with this reason. A program that waits for an answer gets an error.
    pub(super) fn close_all(&mut self, reason: CloseReason) {
        self.askers.clear();
        for (_, device) in self.devices.drain() {
            device.do_send(ToSocket::Close(reason));
        }
    }
}
