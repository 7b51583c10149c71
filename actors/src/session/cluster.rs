//! Where other nodes share the session: they are told what was written here, what they wrote is heard and, since the bus
//! may lose it, looked for in the database.

use super::SessionActor;
use crate::ids::UserId;
use crate::ports::{Cluster, Subscription};
use crate::replica::Replica;
use crate::state::{Event, Record};
use actix::{ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};
use std::sync::Arc;
use std::time::Duration;

/// Between two questions whether a node is lost.
const CARE: Duration = Duration::from_secs(1);
/// The database is looked into at each of this many questions.
const LOOK_EACH: u32 = 5;

/// Another node has written this.
#[derive(Message)]
#[rtype(result = "()")]
struct Heard(Arc<Record>);

/// What a session has of the nodes that share it.
pub(super) struct Others {
    cluster: Arc<dyn Cluster>,
    _subscription: Subscription,
}

impl Others {
    pub(super) fn database(&self) -> u64 {
        self.cluster.database()
    }

    pub(super) fn publish(&self, user: UserId, record: Arc<Record>) {
        self.cluster.publish(user, record);
    }
}

impl SessionActor {
    /// Before the session is loaded, so that nothing is missed between.
    pub(super) fn listen_to_others(&mut self, ctx: &mut Context<Self>) {
        let Some(cluster) = self.world().cluster.clone() else { return };
        let session = ctx.address();
        let hear = move |record| {
            // What a full mailbox does not take is found by the next look.
            let _ = session.try_send(Heard(record));
        };
        let subscription = cluster.subscribe(self.user, Box::new(hear));
        self.others = Some(Others { cluster, _subscription: subscription });
        // Not all nodes do at the same instant what each of them could.
        let first = Duration::from_millis((self.world().random)() % 1_000);
        ctx.run_later(first, |actor, ctx| actor.care(1, ctx));
    }

    fn care(&mut self, times: u32, ctx: &mut Context<Self>) {
        self.bury_lost_nodes(ctx);
        if times.is_multiple_of(LOOK_EACH) {
            self.look(ctx);
        }
        ctx.run_later(CARE, move |actor, ctx| actor.care(times.wrapping_add(1), ctx));
    }

    pub(super) fn bury_lost_nodes(&mut self, ctx: &mut Context<Self>) {
        let (Some(others), Some(state)) = (&self.others, self.replica.state()) else { return };
        let this = self.world().nodes.this();
        let nodes = state.devices().nodes().into_iter().filter(|node| *node != this);
        let lost: Vec<_> = nodes.filter_map(|node| Some((node, others.cluster.lost(node)?))).collect();
        for (node, last) in lost {
            self.take_in(Event::NodeLost { node, last }, ctx);
        }
    }

    fn look(&self, ctx: &mut Context<Self>) {
        let record = self.world().store.load(self.user);
        ctx.spawn(record.into_actor(self).map(|record, actor, ctx| match record {
            Ok(Some(record)) if actor.others.as_ref().is_some_and(|others| others.database() != record.database) => {
                actor.drive(ctx, Replica::outdate);
            }
            Ok(Some(record)) => actor.hear(Arc::new(record), ctx),
            Ok(None) => {}
            Err(error) => log::debug!("a look at the session of {} failed: {error}", actor.user),
        }));
    }

    fn hear(&mut self, record: Arc<Record>, ctx: &mut Context<Self>) {
        self.drive(ctx, |replica, now, outputs| replica.heard(now, record, outputs));
    }
}

impl Handler<Heard> for SessionActor {
    type Result = ();

    fn handle(&mut self, Heard(record): Heard, ctx: &mut Self::Context) {
        self.hear(record, ctx);
    }
}
