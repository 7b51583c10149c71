//! A session is loaded, and loaded again when what was shown may not stand in the database.

use super::{Live, SessionActor, ToDevice};
use crate::close::CloseReason;
use crate::ids::Micros;
use crate::ports::{Outcome, PortError};
use crate::state::queue::Queue;
use crate::state::{Record, SessionState};
use actix::{ActorContext, ActorFutureExt, AsyncContext, Context, WrapFuture};
use std::sync::Arc;
use std::time::Duration;

/// Between two attempts.
const RETRY: Duration = Duration::from_millis(500);
/// Devices wait so long for a session that cannot be loaded.
const PATIENCE_MS: i64 = 5_000;

/// What the database knows of a session.
struct Loaded {
    record: Option<(Record, Arc<Queue>)>,
    last_beat: Option<Micros>,
}

impl SessionActor {
    pub(super) fn load(&mut self, ctx: &mut Context<Self>) {
        self.is_busy = true;
        let world = self.world();
        let (user, store, nodes) = (self.user, world.store.clone(), world.nodes.clone());
        let loaded = async move {
            let record = store.load(user).await?;
            let (queue_revision, queue) = store.queue(user).await?;
            if record.as_ref().is_some_and(|record| record.queue_revision() != queue_revision) {
                let message = "the queue changed between two reads".to_owned();
                return Err(PortError { message, is_transient: true });
            }
            let last_beat = nodes.last_beat().await?;
            Ok(Loaded { record: record.map(|record| (record, Arc::new(queue))), last_beat })
        };
        ctx.spawn(loaded.into_actor(self).map(|loaded, actor, ctx| match loaded {
            Ok(loaded) => actor.begin(loaded, ctx),
            Err(error) => actor.load_again(&error, ctx),
        }));
    }

    /// The new epoch is durable before anything is shown under it.
    fn begin(&mut self, loaded: Loaded, ctx: &mut Context<Self>) {
        let (now, node, limits) = (self.now(), self.world().nodes.this(), self.world().limits);
        let stored = loaded.record.as_ref().map(|(record, _)| (record.stamp, record.queue_revision()));
        let state = match loaded.record {
            Some(record) => SessionState::load(now, record, node, loaded.last_beat, self.floor, limits),
            None => SessionState::new(now, self.floor, node, limits),
        };
        let live = Live { state, stored };
        let committed = self.world().store.commit(self.user, live.change());
        ctx.spawn(committed.into_actor(self).map(move |outcome, actor, ctx| match outcome {
            Outcome::Committed => {
                actor.is_busy = false;
                actor.live = Some(live);
                actor.stored();
                actor.go_on(ctx);
            }
            Outcome::Conflict(_) => {
                let message = "another record stands there".to_owned();
                actor.load_again(&PortError { message, is_transient: true }, ctx);
            }
            Outcome::NotSent(error) | Outcome::Unknown(error) => actor.load_again(&error, ctx),
        }));
    }

    fn load_again(&mut self, error: &PortError, ctx: &mut Context<Self>) {
        log::warn!("session {} was not loaded: {error}", self.user);
        if self.now().since_ms(self.loading_since) < PATIENCE_MS && self.stopping.is_empty() {
            ctx.run_later(RETRY, Self::load);
        } else {
            self.close_all(CloseReason::Unavailable);
            ctx.stop();
        }
    }

    /// What was shown may not stand in the database: everybody comes back to a session that is loaded anew.
    pub(super) fn restart(&mut self, why: &str, ctx: &mut Context<Self>) {
        log::warn!("session {} starts anew: {why}", self.user);
        self.close_all(CloseReason::Restart);
        if let Some(live) = self.live.take() {
            self.floor = self.floor.max(live.state.record().stamp.epoch);
        }
        self.is_outdated = false;
        self.inbox.clear();
        self.watched = None;
        for handle in [self.deadline.take().map(|(_, handle)| handle), self.soon.take()].into_iter().flatten() {
            ctx.cancel_future(handle);
        }
        self.loading_since = self.now();
        self.load(ctx);
    }

    pub(super) fn close_all(&mut self, reason: CloseReason) {
        for (_, device) in self.devices.drain() {
            device.do_send(ToDevice::Close(reason));
        }
    }
}
