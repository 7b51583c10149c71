//! The ports' twins in memory: the core runs on them without any service, and tests make them fail.

use crate::node::ports::{
    Bus, Cluster, Later, ListedTracks, Logins, Nodes, Outcome, PortError, SessionChange, SessionStore, Socket,
    Subscription, TokenLogin, Tracks, WantedList, Wrote,
};
use crate::protocol::close::CloseReason;
use crate::protocol::ids::{MediaId, Micros, NodeId, Stamp, UserId};
use crate::protocol::messages::{RejectCode, TrackList};
use crate::state::queue::{Queue, Resolved};
use crate::state::{Play, Record, Reject};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ready<T: Send + 'static>(value: T) -> Later<T> {
    Box::pin(std::future::ready(value))
}

fn fault(message: &str) -> PortError {
    PortError { message: message.to_owned(), is_transient: true }
}

/// How the next commit goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is refused before it is sent.
    NotSent,
    /// It is written, and the answer is lost.
    UnknownWritten,
    /// It is not written, and the answer is lost.
    UnknownLost,
    /// The caller panics, as by a bug of its own.
    Panic,
}

#[derive(Default)]
struct Rows {
    records: HashMap<UserId, Record>,
    queues: HashMap<UserId, (u64, Queue)>,
    plays: BTreeMap<(UserId, Stamp), Play>,
    faults: VecDeque<Fault>,
    removed: HashSet<UserId>,
    refused_plays: usize,
    commits: usize,
}

/// Sessions in memory.
pub struct MemoryStore {
    rows: Arc<Mutex<Rows>>,
    open: watch::Sender<bool>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self { rows: Arc::default(), open: watch::Sender::new(true) }
    }
}

impl MemoryStore {
    /// Lets the next commits go wrong, one after the other.
    pub fn fail_next(&self, faults: impl IntoIterator<Item = Fault>) {
        lock(&self.rows).faults.extend(faults);
    }

    /// Refuses the next plays.
    pub fn refuse_plays(&self, count: usize) {
        lock(&self.rows).refused_plays = count;
    }

    /// Holds every answer back while `held`.
    pub fn hold(&self, held: bool) {
        self.open.send_replace(!held);
    }

    /// How many commits were written.
    #[must_use]
    pub fn commits(&self) -> usize {
        lock(&self.rows).commits
    }

    /// The plays of a user, in order of their listens.
    #[must_use]
    pub fn plays(&self, user: UserId) -> Vec<Play> {
        lock(&self.rows).plays.iter().filter(|((owner, _), _)| *owner == user).map(|(_, play)| *play).collect()
    }

    /// Replaces the record and the queue, as a restored backup or another node does.
    pub fn put(&self, user: UserId, record: Record, queue: Queue) {
        let mut rows = lock(&self.rows);
        rows.queues.insert(user, (record.queue_revision(), queue));
        rows.records.insert(user, record);
    }

    /// Removes a user: nothing is stored of them any more.
    pub fn remove(&self, user: UserId) {
        let mut rows = lock(&self.rows);
        rows.removed.insert(user);
        rows.records.remove(&user);
        rows.queues.remove(&user);
        rows.plays.retain(|(owner, _), _| *owner != user);
    }

    /// Whether anything of a user is stored.
    #[must_use]
    pub fn has(&self, user: UserId) -> bool {
        let rows = lock(&self.rows);
        let is_listed = rows.records.contains_key(&user) || rows.queues.contains_key(&user);
        is_listed || rows.plays.keys().any(|(owner, _)| *owner == user)
    }

    fn later<T: Send + 'static>(&self, answer: impl FnOnce(&mut Rows) -> T + Send + 'static) -> Later<T> {
        let (rows, mut open) = (self.rows.clone(), self.open.subscribe());
        Box::pin(async move {
            // An error means that the store was dropped: nothing holds the answer back then.
            let _ = open.wait_for(|open| *open).await;
            answer(&mut lock(&rows))
        })
    }
}

impl SessionStore for MemoryStore {
    fn load(&self, user: UserId) -> Later<Result<Option<Record>, PortError>> {
        self.later(move |rows| {
            if rows.removed.contains(&user) {
                return Err(PortError { message: "the user was removed".to_owned(), is_transient: false });
            }
            Ok(rows.records.get(&user).cloned())
        })
    }

    fn queue(&self, user: UserId) -> Later<Result<(u64, Queue), PortError>> {
        self.later(move |rows| Ok(rows.queues.get(&user).cloned().unwrap_or_default()))
    }

    fn commit(&self, user: UserId, change: SessionChange) -> Later<Outcome> {
        let fault_now = lock(&self.rows).faults.pop_front();
        assert_ne!(fault_now, Some(Fault::Panic), "a panic for a test");
        self.later(move |rows| {
            match fault_now {
                Some(Fault::NotSent) => return Outcome::NotSent(fault("refused for a test")),
                Some(Fault::UnknownLost) => return Outcome::Unknown(fault("lost for a test")),
                Some(Fault::UnknownWritten | Fault::Panic) | None => {}
            }
            let standing = rows.records.get(&user);
            if rows.removed.contains(&user) || standing.map(|record| record.stamp) != change.expected {
                return Outcome::Conflict(standing.cloned().map(Box::new));
            }
            if let Some(queue) = change.queue {
                rows.queues.insert(user, (change.record.queue_revision(), Queue::clone(&queue)));
            }
            rows.records.insert(user, Record::clone(&change.record));
            rows.commits += 1;
            match fault_now {
                Some(_) => Outcome::Unknown(fault("answer lost for a test")),
                None => Outcome::Committed,
            }
        })
    }

    fn played(&self, user: UserId, play: Play) -> Later<Result<(), PortError>> {
        self.later(move |rows| {
            if let Some(left) = rows.refused_plays.checked_sub(1) {
                rows.refused_plays = left;
                return Err(fault("refused for a test"));
            }
            if !rows.removed.contains(&user) {
                rows.plays.entry((user, play.listen)).or_insert(play);
            }
            Ok(())
        })
    }
}

type Listener = Arc<dyn Fn(Arc<Record>) + Send + Sync>;

#[derive(Default)]
struct Listeners {
    next: u64,
    by_user: HashMap<UserId, BTreeMap<u64, Listener>>,
}

/// A bus within one process: each publication reaches every subscription of the user.
#[derive(Default)]
pub struct MemoryBus {
    listeners: Arc<Mutex<Listeners>>,
}

impl Bus for MemoryBus {
    fn publish(&self, user: UserId, record: Arc<Record>) {
        let listeners: Vec<Listener> = match lock(&self.listeners).by_user.get(&user) {
            Some(listeners) => listeners.values().cloned().collect(),
            None => return,
        };
        for listener in listeners {
            listener(record.clone());
        }
    }

    fn subscribe(&self, user: UserId, on_record: Box<dyn Fn(Arc<Record>) + Send + Sync>) -> Subscription {
        let mut listeners = lock(&self.listeners);
        listeners.next += 1;
        let id = listeners.next;
        listeners.by_user.entry(user).or_default().insert(id, Arc::from(on_record));
        let shared = self.listeners.clone();
        Subscription::new(move || {
            let mut listeners = lock(&shared);
            if let Some(of_user) = listeners.by_user.get_mut(&user) {
                of_user.remove(&id);
                if of_user.is_empty() {
                    listeners.by_user.remove(&user);
                }
            }
        })
    }
}

/// A cluster whose nodes run in one process.
#[derive(Default)]
pub struct MemoryCluster {
    bus: MemoryBus,
    database: AtomicU64,
    lost: Mutex<BTreeMap<NodeId, Micros>>,
    is_deaf: AtomicBool,
}

impl MemoryCluster {
    /// Another identity of the database, as after a restore to an older state.
    pub fn put_back(&self) {
        self.database.fetch_add(1, Ordering::Relaxed);
    }

    /// Makes a node lost; it was last known to run at `last`.
    pub fn lose(&self, node: NodeId, last: Micros) {
        lock(&self.lost).insert(node, last);
    }

    /// Loses everything that is published while `is_deaf`.
    pub fn deafen(&self, is_deaf: bool) {
        self.is_deaf.store(is_deaf, Ordering::Relaxed);
    }
}

impl Bus for MemoryCluster {
    fn publish(&self, user: UserId, record: Arc<Record>) {
        if !self.is_deaf.load(Ordering::Relaxed) {
            self.bus.publish(user, record);
        }
    }

    fn subscribe(&self, user: UserId, on_record: Box<dyn Fn(Arc<Record>) + Send + Sync>) -> Subscription {
        self.bus.subscribe(user, on_record)
    }
}

impl Cluster for MemoryCluster {
    fn database(&self) -> u64 {
        self.database.load(Ordering::Relaxed)
    }

    fn lost(&self, node: NodeId) -> Option<Micros> {
        lock(&self.lost).get(&node).copied()
    }
}

/// A node whose heartbeats are kept in a table that it shares with the runs before and after it.
pub struct MemoryNodes {
    this: NodeId,
    heartbeats: Arc<Mutex<BTreeMap<NodeId, Micros>>>,
}

impl MemoryNodes {
    /// The first node of all.
    #[must_use]
    pub fn first(this: NodeId) -> Self {
        Self { this, heartbeats: Arc::default() }
    }

    /// Another run over the same table.
    #[must_use]
    pub fn again(&self, this: NodeId) -> Self {
        Self { this, heartbeats: self.heartbeats.clone() }
    }
}

impl Nodes for MemoryNodes {
    fn this(&self) -> NodeId {
        self.this
    }

    fn heartbeat(&self, now: Micros) -> Later<Result<(), PortError>> {
        lock(&self.heartbeats).insert(self.this, now);
        ready(Ok(()))
    }

    fn last_heartbeat(&self) -> Later<Result<Option<Micros>, PortError>> {
        let heartbeats = lock(&self.heartbeats);
        ready(Ok(heartbeats.iter().filter(|(node, _)| **node != self.this).map(|(_, heartbeat)| *heartbeat).max()))
    }
}

/// A catalogue that is a table.
pub struct MemoryTracks {
    table: BTreeMap<MediaId, Resolved>,
    open: watch::Sender<bool>,
}

impl MemoryTracks {
    /// A catalogue of these tracks.
    #[must_use]
    pub fn of(tracks: impl IntoIterator<Item = Resolved>) -> Self {
        let table = tracks.into_iter().map(|track| (track.media_id, track)).collect();
        Self { table, open: watch::Sender::new(true) }
    }

    /// Holds every answer back while `held`.
    pub fn hold(&self, held: bool) {
        self.open.send_replace(!held);
    }
}

impl Tracks for MemoryTracks {
    /// Every list has all tracks, in the order of their ids; a user has no playlists.
    fn list(&self, _: UserId, wanted: WantedList) -> Later<Result<Result<ListedTracks, Reject>, PortError>> {
        let WantedList { list, start, track, most } = wanted;
        let of_track = track.and_then(|track| self.table.keys().position(|known| *known == track));
        let tracks: Vec<Resolved> = self.table.values().take(most).copied().collect();
        let found = match list {
            TrackList::Playlist { .. } => Err(Reject::new(RejectCode::Invalid, "there is no such list")),
            _ => Ok(ListedTracks { tracks, start: of_track.or(start) }),
        };
        let mut open = self.open.subscribe();
        Box::pin(async move {
            // An error means that the catalogue was dropped: nothing holds the answer back then.
            let _ = open.wait_for(|open| *open).await;
            Ok(found)
        })
    }

    fn resolve(&self, _: UserId, ids: Vec<MediaId>) -> Later<Result<Result<Vec<Resolved>, MediaId>, PortError>> {
        let found = ids.into_iter().map(|id| self.table.get(&id).copied().ok_or(id)).collect();
        let mut open = self.open.subscribe();
        Box::pin(async move {
            // An error means that the catalogue was dropped: nothing holds the answer back then.
            let _ = open.wait_for(|open| *open).await;
            Ok(found)
        })
    }
}

/// Logins that are a table of tokens.
#[derive(Default)]
pub struct MemoryLogins {
    tokens: Mutex<HashMap<String, TokenLogin>>,
    checks: AtomicU64,
    ended: watch::Sender<()>,
}

impl MemoryLogins {
    /// These tokens of these users.
    #[must_use]
    pub fn of<'a>(tokens: impl IntoIterator<Item = (&'a str, UserId)>) -> Self {
        let login = |(id, user)| TokenLogin { user, id, is_key: false, secret: 0, until: Micros(i64::MAX) };
        let tokens = (0..).zip(tokens).map(|(id, (token, user))| (token.to_owned(), login((id, user)))).collect();
        Self { tokens: Mutex::new(tokens), ..Self::default() }
    }

    /// The token is to be looked up at this time.
    pub fn set_until(&self, token: &str, until: Micros) {
        if let Some(login) = lock(&self.tokens).get_mut(token) {
            login.until = until;
        }
    }

    /// How often a token was checked.
    #[must_use]
    pub fn checks(&self) -> u64 {
        self.checks.load(Ordering::Relaxed)
    }

    /// Makes a token invalid.
    pub fn end(&self, token: &str) {
        self.expire(token);
        self.ended.send_replace(());
    }

    /// Makes a token invalid because its time is over; no notification is sent.
    pub fn expire(&self, token: &str) {
        lock(&self.tokens).remove(token);
    }
}

impl Logins for MemoryLogins {
    fn check(&self, token: &str) -> Option<TokenLogin> {
        self.checks.fetch_add(1, Ordering::Relaxed);
        lock(&self.tokens).get(token).copied()
    }

    fn look_up(&self, login: TokenLogin) -> Option<TokenLogin> {
        lock(&self.tokens).values().find(|known| known.id == login.id).copied()
    }

    fn ended(&self) -> watch::Receiver<()> {
        self.ended.subscribe()
    }
}

#[derive(Default)]
struct Line {
    frames: Vec<Arc<str>>,
    pings: usize,
    closed: Option<CloseReason>,
    blocked: bool,
}

/// The far end of a [`MemorySocket`].
#[derive(Clone, Default)]
pub struct MemoryLine(Arc<Mutex<Line>>);

impl MemoryLine {
    /// The frames that came since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<Arc<str>> {
        std::mem::take(&mut lock(&self.0).frames)
    }

    /// The WebSocket pings that came since the last call.
    #[must_use]
    pub fn take_pings(&self) -> usize {
        std::mem::take(&mut lock(&self.0).pings)
    }

    /// Why the server ended the socket, once it has.
    #[must_use]
    pub fn closed(&self) -> Option<CloseReason> {
        lock(&self.0).closed
    }

    /// Takes no more frames while `blocked`.
    pub fn block(&self, blocked: bool) {
        lock(&self.0).blocked = blocked;
    }

    /// The near end.
    #[must_use]
    pub fn socket(&self) -> MemorySocket {
        MemorySocket(self.clone())
    }
}

/// A socket whose far end is in the same test.
pub struct MemorySocket(MemoryLine);

impl Socket for MemorySocket {
    fn address(&self) -> String {
        "memory".to_owned()
    }

    fn try_write(&mut self, frame: Arc<str>) -> Wrote {
        let mut line = lock(&self.0.0);
        if line.closed.is_some() {
            return Wrote::Closed;
        }
        if line.blocked {
            return Wrote::Blocked;
        }
        line.frames.push(frame);
        Wrote::Written
    }

    fn ping(&mut self) {
        lock(&self.0.0).pings += 1;
    }

    fn close(&mut self, reason: CloseReason, farewell: Arc<str>) {
        let mut line = lock(&self.0.0);
        if line.closed.is_none() {
            line.frames.push(farewell);
            line.closed = Some(reason);
        }
    }
}
