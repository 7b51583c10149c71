//! Where other nodes share the session: they are told what was written here, what they wrote is heard and, since the bus
//! may lose it, looked for in the database.

use super::SessionActor;
use super::replica::Replica;
use crate::node::ports::{Cluster, Subscription};
use crate::protocol::ids::UserId;
use crate::state::{Event, Record};
use actix::{ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};
use std::sync::Arc;
use std::time::Duration;

/// Between two questions whether a node is lost.
const CHECK_PEERS: Duration = Duration::from_secs(1);
/// The database is looked into at each of this many questions.
const POLL_EACH: u32 = 5;

/// Another node has written this.
#[derive(Message)]
#[rtype(result = "()")]
struct PublishedRecord(Arc<Record>);

/// What a session has of the nodes that share it.
pub(super) struct Peers {
    cluster: Arc<dyn Cluster>,
    _subscription: Subscription,
}

impl Peers {
    pub(super) fn database(&self) -> u64 {
        self.cluster.database()
    }

    pub(super) fn publish(&self, user: UserId, record: Arc<Record>) {
        self.cluster.publish(user, record);
    }
}

impl SessionActor {
    /// Before the session is loaded, so that nothing is missed between.
    pub(super) fn subscribe_to_peers(&mut self, ctx: &mut Context<Self>) {
        let Some(cluster) = self.world().cluster.clone() else { return };
        let session = ctx.address();
        let take_record = move |record| {
            // What a full mailbox does not take is found by the next look.
            let _ = session.try_send(PublishedRecord(record));
        };
        let subscription = cluster.subscribe(self.user, Box::new(take_record));
        self.peers = Some(Peers { cluster, _subscription: subscription });
        // Not all nodes do at the same instant what each of them could.
        let first = Duration::from_millis((self.world().random)() % 1_000);
        ctx.run_later(first, |actor, ctx| actor.check_peers(1, ctx));
    }

    fn check_peers(&mut self, times: u32, ctx: &mut Context<Self>) {
        self.mark_lost_nodes(ctx);
        if times.is_multiple_of(POLL_EACH) {
            self.poll_database(ctx);
        }
        ctx.run_later(CHECK_PEERS, move |actor, ctx| actor.check_peers(times.wrapping_add(1), ctx));
    }

    pub(super) fn mark_lost_nodes(&mut self, ctx: &mut Context<Self>) {
        let (Some(peers), Some(state)) = (&self.peers, self.replica.state()) else { return };
        let this = self.world().nodes.this();
        let nodes = state.devices().nodes().into_iter().filter(|node| *node != this);
        let lost: Vec<_> = nodes.filter_map(|node| Some((node, peers.cluster.lost(node)?))).collect();
        for (node, last) in lost {
            self.take_in(Event::NodeLost { node, last }, ctx);
        }
    }

    fn poll_database(&self, ctx: &mut Context<Self>) {
        let record = self.world().store.load(self.user);
        ctx.spawn(record.into_actor(self).map(|record, actor, ctx| match record {
            Ok(Some(record)) if actor.peers.as_ref().is_some_and(|peers| peers.database() != record.database) => {
                actor.drive(ctx, Replica::outdate);
            }
            Ok(Some(record)) => actor.take_record(Arc::new(record), ctx),
            Ok(None) => {}
            Err(error) => log::debug!("a look at the session of {} failed: {error}", actor.user),
        }));
    }

    fn take_record(&mut self, record: Arc<Record>, ctx: &mut Context<Self>) {
        self.drive(ctx, |replica, now, outputs| replica.remote_record(now, record, outputs));
    }
}

impl Handler<PublishedRecord> for SessionActor {
    type Result = ();

    fn handle(&mut self, PublishedRecord(record): PublishedRecord, ctx: &mut Self::Context) {
        self.take_record(record, ctx);
    }
}
