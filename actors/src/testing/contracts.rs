//! The contracts of the ports: a suite of tests for each, run on the twins here and by the server on its databases. A
//! suite panics with what was broken. Each needs a user of its own of whom nothing is stored.

use crate::node::ports::{Bus, Nodes, Outcome, PortError, SessionChange, SessionStore};
use crate::protocol::ids::{DeviceId, ItemId, MediaId, Micros, NodeId, Stamp, UserId};
use crate::protocol::playback::{Item, MediaKind};
use crate::state::queue::{Place, Queue};
use crate::state::{Limits, Play, Record, SessionState};
use std::sync::{Arc, Mutex, PoisonError};

fn record(revision: u64, queue_revision: u64) -> Arc<Record> {
    let state = SessionState::new(Micros(1_000_000), 6, NodeId(1), Limits::default());
    let mut record = Record::clone(state.record());
    record.stamp = Stamp { epoch: 7, revision };
    record.playback.revision = revision;
    record.playback.queue_revision = queue_revision;
    Arc::new(record)
}

fn queue(media: u64) -> Queue {
    let mut queue = Queue::default();
    let item =
        Item { id: ItemId(media), kind: MediaKind::Track, media_id: MediaId(u64::MAX - media), duration_ms: Some(1) };
    queue.insert(Place::End, vec![item]);
    queue
}

async fn commit(store: &dyn SessionStore, user: UserId, expected: Option<u64>, next: &Arc<Record>) -> Outcome {
    let expected = expected.map(|revision| Stamp { epoch: 7, revision });
    store.commit(user, SessionChange { expected, record: next.clone(), queue: None }).await
}

async fn stored_record(store: &dyn SessionStore, user: UserId) -> Option<Record> {
    store.load(user).await.unwrap_or_else(|error| panic!("load: {error}"))
}

/// The suite of [`SessionStore`]; `plays` counts the user's plays in it, and `remove` removes the user.
///
/// # Panics
/// When the store breaks its contract.
pub async fn session_store(
    store: &dyn SessionStore,
    user: UserId,
    plays: impl AsyncFn() -> usize,
    remove: impl AsyncFn(),
) {
    assert!(stored_record(store, user).await.is_none(), "a user who never listened has no record");
    let nothing = store.queue(user).await.unwrap_or_else(|error| panic!("queue: {error}"));
    assert_eq!(nothing, (0, Queue::default()), "and an empty queue");

    let (first, second, third) = (record(1, 1), record(2, 1), record(3, 3));
    let outcome = commit(store, user, Some(9), &first).await;
    assert!(matches!(outcome, Outcome::Conflict(None)), "there is no record: {outcome:?}");
    let change = SessionChange { expected: None, record: first.clone(), queue: Some(Arc::new(queue(1))) };
    let outcome = store.commit(user, change.clone()).await;
    assert!(matches!(outcome, Outcome::Committed), "the first record: {outcome:?}");
    assert_eq!(stored_record(store, user).await.as_ref(), Some(&*first), "a record reads back as it was written");
    let outcome = store.commit(user, change).await;
    assert!(
        matches!(&outcome, Outcome::Conflict(Some(stored)) if **stored == *first),
        "a first record is written once: {outcome:?}"
    );

    assert!(
        matches!(commit(store, user, Some(1), &second).await, Outcome::Committed),
        "from the record in the database"
    );
    let read = store.queue(user).await.unwrap_or_else(|error| panic!("queue: {error}"));
    assert_eq!(read, (1, queue(1)), "a change without a queue leaves it");
    let stale = SessionChange { expected: Some(first.stamp), record: third.clone(), queue: Some(Arc::new(queue(3))) };
    let outcome = store.commit(user, stale).await;
    assert!(
        matches!(&outcome, Outcome::Conflict(Some(stored)) if **stored == *second),
        "from an older record nothing is written: {outcome:?}"
    );
    let read = store.queue(user).await.unwrap_or_else(|error| panic!("queue: {error}"));
    assert_eq!(read, (1, queue(1)), "not even the queue");
    let change = SessionChange { expected: Some(second.stamp), record: third.clone(), queue: Some(Arc::new(queue(3))) };
    assert!(matches!(store.commit(user, change).await, Outcome::Committed), "record and queue together");
    let read = store.queue(user).await.unwrap_or_else(|error| panic!("queue: {error}"));
    assert_eq!(read, (3, queue(3)), "and both read back");

    race(store, user).await;

    let play = Play {
        item: ItemId(5),
        listen: Stamp { epoch: 7, revision: 3 },
        media_id: MediaId(6),
        kind: MediaKind::Track,
        started_us: Micros(5_000_000),
        device_id: Some(DeviceId(u64::MAX)),
    };
    for _ in 0..3 {
        let kept: Result<(), PortError> = store.played(user, play).await;
        kept.unwrap_or_else(|error| panic!("played: {error}"));
    }
    assert_eq!(plays().await, 1, "a play is kept once however often it is written");
    let other = Play { listen: Stamp { epoch: 7, revision: 4 }, ..play };
    store.played(user, other).await.unwrap_or_else(|error| panic!("played: {error}"));
    assert_eq!(plays().await, 2, "another listen of the same entry is another play");

    remove().await;
    removed(store, user, play).await;
    assert_eq!(plays().await, 0, "a removed user has no plays");
}

/// Nothing is written for a user who was removed: neither a change of the record that stood, nor a first record.
async fn removed(store: &dyn SessionStore, user: UserId, play: Play) {
    for expected in [Some(Stamp { epoch: 7, revision: 4 }), None] {
        let change = SessionChange { expected, record: record(5, 5), queue: Some(Arc::new(queue(5))) };
        let outcome = store.commit(user, change).await;
        assert!(matches!(outcome, Outcome::Conflict(None)), "a removed user has no record: {outcome:?}");
    }
    store.played(user, play).await.unwrap_or_else(|error| panic!("played: {error}"));
    let loaded = store.load(user).await;
    assert!(matches!(&loaded, Err(error) if !error.is_transient), "a removed user is told from a new one: {loaded:?}");
    let nothing = store.queue(user).await.unwrap_or_else(|error| panic!("queue: {error}"));
    assert_eq!(nothing, (0, Queue::default()), "nor a queue");
}

/// Of many changes of one record made at once, one is written.
async fn race(store: &dyn SessionStore, user: UserId) {
    let next = record(4, 3);
    let attempts: Vec<_> = (0..20)
        .map(|_| {
            let change =
                SessionChange { expected: Some(Stamp { epoch: 7, revision: 3 }), record: next.clone(), queue: None };
            store.commit(user, change)
        })
        .collect();
    let mut written = 0;
    for attempt in attempts {
        match attempt.await {
            Outcome::Committed => written += 1,
            Outcome::Conflict(Some(stored)) => assert_eq!(*stored, *next, "a conflict contains what was written"),
            other => panic!("a race ends in a commit or a conflict: {other:?}"),
        }
    }
    assert_eq!(written, 1, "exactly one of many changes made at once is written");
}

/// The suite of [`Bus`]; `settle` waits until what was published has arrived.
///
/// # Panics
/// When the bus breaks its contract.
pub async fn bus(bus: &dyn Bus, user: UserId, other: UserId, settle: impl AsyncFn()) {
    let received = Arc::new(Mutex::new(Vec::new()));
    let listen = |name: &'static str| -> Box<dyn Fn(Arc<Record>) + Send + Sync> {
        let received = received.clone();
        Box::new(move |record| {
            received.lock().unwrap_or_else(PoisonError::into_inner).push((name, record.stamp.revision));
        })
    };
    let take = || {
        let mut taken = std::mem::take(&mut *received.lock().unwrap_or_else(PoisonError::into_inner));
        taken.sort_unstable();
        taken
    };
    bus.publish(user, record(1, 1));
    let first = bus.subscribe(user, listen("first"));
    let second = bus.subscribe(user, listen("second"));
    let elsewhere = bus.subscribe(other, listen("elsewhere"));
    bus.publish(user, record(2, 1));
    settle().await;
    assert_eq!(take(), [("first", 2), ("second", 2)], "every subscription of the user gets it, no other one does");
    drop(first);
    bus.publish(user, record(3, 1));
    settle().await;
    assert_eq!(take(), [("second", 3)], "a dropped subscription gets nothing more");
    drop((second, elsewhere));
    bus.publish(user, record(4, 1));
    settle().await;
    assert_eq!(take(), [], "no subscription is left");
}

/// The suite of [`Nodes`]: `second` is a later run than `first` over the same store.
///
/// # Panics
/// When the nodes break their contract.
pub async fn nodes(first: &dyn Nodes, second: &dyn Nodes) {
    let heartbeat = async |node: &dyn Nodes, now_us| {
        node.heartbeat(Micros(now_us)).await.unwrap_or_else(|error| panic!("heartbeat: {error}"));
    };
    let last =
        async |node: &dyn Nodes| node.last_heartbeat().await.unwrap_or_else(|error| panic!("last_heartbeat: {error}"));
    assert_ne!(first.this(), second.this(), "every run has an id of its own");
    assert_eq!(last(first).await, None, "before the first node there was none");
    heartbeat(first, 5_000_000).await;
    heartbeat(first, 6_000_000).await;
    assert_eq!(last(second).await, Some(Micros(6_000_000)), "the next run reads the last heartbeat of the run before");
    heartbeat(second, 9_000_000).await;
    assert_eq!(last(second).await, Some(Micros(6_000_000)), "its own heartbeats do not change that");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::memory::{MemoryBus, MemoryCluster, MemoryNodes, MemoryStore};

    #[actix::test]
    async fn the_twins_keep_their_contracts() {
        let store = MemoryStore::default();
        let plays = async || store.plays(UserId(1)).len();
        session_store(&store, UserId(1), plays, async || store.remove(UserId(1))).await;
        bus(&MemoryBus::default(), UserId(1), UserId(2), async || ()).await;
        bus(&MemoryCluster::default(), UserId(1), UserId(2), async || ()).await;
        let first = MemoryNodes::first(NodeId(1));
        let second = first.again(NodeId(2));
        nodes(&first, &second).await;
    }
}
