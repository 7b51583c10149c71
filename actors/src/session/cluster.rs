//! Where other nodes share the session: each record that is written here is published to them. Their records come by
//! the bus and, since it may lose some, by reading the database regularly.

use super::SessionActor;
use super::replica::Replica;
use crate::node::ports::{Cluster, Subscription};
use crate::protocol::ids::UserId;
use crate::state::{Event, Record};
use actix::{ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};
use std::sync::Arc;
use std::time::Duration;

/// The time between two checks for lost nodes.
const CHECK_PEERS: Duration = Duration::from_secs(1);
/// The database is read at one of this many checks.
const POLL_EACH: u32 = 5;

/// A record that another node has written.
#[derive(Message)]
#[rtype(result = "()")]
struct PublishedRecord(Arc<Record>);

/// A session's connection to the other nodes that share it.
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
    /// Called before the session is loaded, so that no record that is written in between is missed.
    pub(super) fn subscribe_to_peers(&mut self, ctx: &mut Context<Self>) {
        let Some(cluster) = self.world().cluster.clone() else { return };
        let session = ctx.address();
        let take_record = move |record| {
            // A record for which the mailbox has no room is found when the database is read next.
            let _ = session.try_send(PublishedRecord(record));
        };
        let subscription = cluster.subscribe(self.user, Box::new(take_record));
        self.peers = Some(Peers { cluster, _subscription: subscription });
        // The first check comes after a random time of up to 1 s, so that not all nodes check at the same instant.
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
            Err(error) => log::debug!("the record of session {} could not be read: {error}", actor.user),
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
