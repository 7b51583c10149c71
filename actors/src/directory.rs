//! Which session of which user runs on this node, and what every actor here shares.

use crate::ids::{Micros, UserId};
use crate::panics::{EventKey, Panics};
use crate::ports::{Clock, Cluster, Logins, Nodes, SessionStore, Tracks};
use crate::session::{Restart, SessionActor, Shutdown};
use crate::state::Limits;
use crate::state::liveness::Timing;
use crate::wire::{ClientLimits, FRAME_BYTES, PAGE_ITEMS};
use actix::{Actor, Addr, ArbiterHandle};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Between two heartbeats of a node.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// A welcome costs well under this, so that spread reconnects leave most of the node's time to others.
const JITTER_MS_PER_SESSION: i64 = 2;

/// What the actors of a node share: the ports, the clock, chance, and the numbers.
pub struct World {
    /// Sessions in the database.
    pub store: Arc<dyn SessionStore>,
    /// This node and those before it.
    pub nodes: Arc<dyn Nodes>,
    /// The others that share the database now; `None`: this is the only one.
    pub cluster: Option<Arc<dyn Cluster>>,
    /// The catalogue.
    pub tracks: Arc<dyn Tracks>,
    /// Who a token belongs to.
    pub logins: Arc<dyn Logins>,
    /// Server time.
    pub clock: Clock,
    /// 64 random bits a call.
    pub random: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// Of sessions.
    pub limits: Limits,
    /// Of heartbeats.
    pub timing: Timing,
    /// How long a device that is cut off may sound.
    pub audio_ms: i64,
}

impl World {
    /// What clients are told of the numbers.
    #[must_use]
    pub fn client_limits(&self) -> ClientLimits {
        ClientLimits {
            heartbeat_ms: self.timing.heartbeat_ms,
            idle_ms: self.timing.idle_ms,
            lease_ms: self.timing.lease_ms,
            audio_ms: self.audio_ms,
            frame_bytes: FRAME_BYTES,
            page_items: PAGE_ITEMS,
            tracks: self.limits.tracks_per_command,
        }
    }

    /// What sessions are told of them: where a device that is cut off may sound no longer than its lease, mode is strict.
    #[must_use]
    pub fn session_limits(&self) -> Limits {
        let (lease_ms, is_shared) = (self.timing.lease_ms, self.cluster.is_some());
        Limits { strict_ms: (self.audio_ms <= lease_ms).then_some(lease_ms), is_shared, ..self.limits }
    }
}

#[derive(Default)]
struct Running {
    started: u64,
    sessions: HashMap<UserId, (u64, Addr<SessionActor>)>,
    panics: Panics,
    is_closed: bool,
}

/// The sessions that run on this node. A session is started by the first device that asks for it.
pub struct Directory {
    world: World,
    running: Mutex<Running>,
    arbiters: Vec<ArbiterHandle>,
}

impl Directory {
    /// No sessions yet. They are spread over `arbiters`; without any they run where they are asked for.
    #[must_use]
    pub fn new(world: World, arbiters: Vec<ArbiterHandle>) -> Arc<Self> {
        Arc::new(Self { world, running: Mutex::default(), arbiters })
    }

    /// What the actors share.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// The user's session, started if there is none that takes messages; `None` once this node shuts down.
    pub fn session(self: &Arc<Self>, user: UserId) -> Option<Addr<SessionActor>> {
        let mut running = self.lock();
        if running.is_closed {
            return None;
        }
        if let Some((_, session)) = running.sessions.get(&user).filter(|(_, session)| session.connected()) {
            return Some(session.clone());
        }
        running.started += 1;
        let number = running.started;
        let recovery = running.panics.recovery(user, self.world.clock.now());
        let actor = SessionActor::new(user, number, recovery, self.clone());
        let turn = usize::try_from(number).unwrap_or(0) % self.arbiters.len().max(1);
        let session = match self.arbiters.get(turn) {
            Some(arbiter) => SessionActor::start_in_arbiter(arbiter, move |_| actor),
            None => actor.start(),
        };
        running.sessions.insert(user, (number, session.clone()));
        Some(session)
    }

    /// The time over which devices spread their reconnects: the longer the more of them there are.
    #[must_use]
    pub fn jitter_ms(&self) -> i64 {
        let sessions = i64::try_from(self.sessions()).unwrap_or(i64::MAX);
        sessions.saturating_mul(JITTER_MS_PER_SESSION).min(self.world.limits.jitter_ms)
    }

    /// How many sessions run here.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.lock().sessions.len()
    }

    /// The user's session panicked while processing this.
    pub(crate) fn panicked(&self, user: UserId, now: Micros, processing: Option<EventKey>) {
        log::error!("session {user} panicked while processing {processing:?}");
        self.lock().panics.note(user, now, processing);
    }

    /// How long ago the user's last session that panicked did so.
    pub(crate) fn since_panic(&self, user: UserId) -> Option<Duration> {
        let since_us = self.world.clock.now().since_us(self.lock().panics.last(user)?);
        Some(Duration::from_micros(u64::try_from(since_us).unwrap_or(0)))
    }

    /// The session of that number has ended; a newer one of the user stays listed.
    pub(crate) fn ended(&self, user: UserId, number: u64) {
        let mut running = self.lock();
        if running.sessions.get(&user).is_some_and(|(listed, _)| *listed == number) {
            running.sessions.remove(&user);
        }
    }

    /// Ends every session: each writes what is unwritten and sends its devices away to come back later. They end one
    /// after the other over [`Self::jitter_ms`], so that not all devices ask another node at once.
    pub async fn shutdown(&self) {
        let (began, over_ms) = (tokio::time::Instant::now(), u64::try_from(self.jitter_ms()).unwrap_or(0));
        let sessions: Vec<Addr<SessionActor>> = {
            let mut running = self.lock();
            running.is_closed = true;
            running.sessions.values().map(|(_, session)| session.clone()).collect()
        };
        let step = Duration::from_millis(over_ms) / u32::try_from(sessions.len().max(1)).unwrap_or(u32::MAX);
        let mut endings = Vec::with_capacity(sessions.len());
        for (number, session) in (0..).zip(&sessions) {
            tokio::time::sleep_until(began + step * number).await;
            endings.push(session.send(Shutdown));
        }
        for ending in endings {
            if ending.await.is_err() {
                log::debug!("a session ended before it was asked to");
            }
        }
    }

    /// Has every session loaded anew, for what stands in the database is not what they wrote; their devices come back to it.
    pub fn restart(&self) {
        for (_, session) in self.lock().sessions.values() {
            // It closes sockets, and a session that missed it would go on over another database.
            session.do_send(Restart);
        }
    }

    /// Writes this node's heartbeat each second while it has sessions, for ever.
    pub async fn heartbeat(&self) {
        let mut interval = tokio::time::interval(HEARTBEAT);
        loop {
            interval.tick().await;
            if self.sessions() == 0 {
                continue;
            }
            if let Err(error) = self.world.nodes.heartbeat(self.world.clock.now()).await {
                log::warn!("the node's heartbeat was not written: {error}");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
