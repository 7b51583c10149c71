//! Which users' sessions run on this node.

use crate::node::{Sessions, ToSession, World};
use crate::protocol::ids::{Micros, UserId};
use crate::session::panics::Panics;
use crate::session::{CheckLogins, LibraryChange, Panic, Restart, SessionActor, Shutdown, Start};
use actix::{Actor, Addr, Recipient};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The time between two heartbeats of a node.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// By how much each session lengthens the time over which reconnects spread. A `welcome` takes much less of the node's
/// time, most of which is left for other work.
const JITTER_MS_PER_SESSION: i64 = 2;

#[derive(Default)]
struct RunningSessions {
    started: u64,
    sessions: HashMap<UserId, (u64, Addr<SessionActor>)>,
    panics: Panics,
    is_closed: bool,
}

impl RunningSessions {
    /// The session of that number has ended; a newer one of the user stays listed.
    fn ended(&mut self, user: UserId, number: u64, panic: Option<Panic>) {
        if let Some(Panic { at, processing }) = panic {
            log::error!(user:%; "a session panicked while it processed {processing:?}");
            self.panics.note(user, at, processing);
        }
        if self.sessions.get(&user).is_some_and(|(listed, _)| *listed == number) {
            self.sessions.remove(&user);
        }
    }

    /// How long ago a session of this user last panicked; `None`: none has.
    fn since_panic(&self, user: UserId, now: Micros) -> Option<Duration> {
        let since_us = now.since_us(self.panics.last(user)?);
        Some(Duration::from_micros(u64::try_from(since_us).unwrap_or(0)))
    }

    fn jitter_ms(&self, most_ms: i64) -> i64 {
        let sessions = i64::try_from(self.sessions.len()).unwrap_or(i64::MAX);
        sessions.saturating_mul(JITTER_MS_PER_SESSION).min(most_ms)
    }
}

fn lock(running: &Mutex<RunningSessions>) -> MutexGuard<'_, RunningSessions> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The sessions that run on this node. A session is started when the first device or program needs it.
pub struct Directory {
    world: Arc<World>,
    running: Arc<Mutex<RunningSessions>>,
}

impl Sessions for Directory {
    fn world(&self) -> &World {
        &self.world
    }

    fn recipient(&self, user: UserId) -> Option<Recipient<ToSession>> {
        self.session(user).map(Addr::recipient)
    }

    fn jitter_ms(&self) -> i64 {
        self.lock().jitter_ms(self.world.limits.jitter_ms)
    }
}

impl Directory {
    /// No sessions yet. Each runs on the thread that starts it: that of the user's first socket.
    #[must_use]
    pub fn new(world: World) -> Arc<Self> {
        Arc::new(Self { world: Arc::new(world), running: Arc::default() })
    }

    /// The user's session, started if none runs; `None` once this node shuts down.
    #[must_use]
    pub fn session(&self, user: UserId) -> Option<Addr<SessionActor>> {
        let mut running = self.lock();
        if running.is_closed {
            return None;
        }
        if let Some((_, session)) = running.sessions.get(&user).filter(|(_, session)| session.connected()) {
            return Some(session.clone());
        }
        running.started += 1;
        let number = running.started;
        let session = SessionActor::new(user, self.start_of(user, number, &running)).start();
        running.sessions.insert(user, (number, session.clone()));
        Some(session)
    }

    fn start_of(&self, user: UserId, number: u64, running: &RunningSessions) -> Start {
        let now = self.world.clock.now();
        let (skipped, is_paused) = running.panics.recovery(user, now);
        let (counted, most_ms, listed) = (self.running.clone(), self.world.limits.jitter_ms, self.running.clone());
        Start {
            world: self.world.clone(),
            skipped,
            is_paused,
            since_panic: running.since_panic(user, now),
            jitter_ms: Box::new(move || lock(&counted).jitter_ms(most_ms)),
            ended: Box::new(move |panic| lock(&listed).ended(user, number, panic)),
        }
    }

    /// What the user keeps has changed: the devices of the user's session, if one runs here, are told.
    pub fn changed(&self, user: UserId, changed: LibraryChange) {
        if let Some((_, session)) = self.lock().sessions.get(&user) {
            session.do_send(changed);
        }
    }

    /// How many sessions run here.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.lock().sessions.len()
    }

    /// Ends every session: each writes what is unwritten and disconnects its devices with `shutdown`. They end one
    /// after the other over [`Self::jitter_ms`], so that not all devices connect to another node at once.
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
                log::debug!("a session ended before it got the request to shut down");
            }
        }
    }

    /// Restarts every session, because the database was restored: its records are not what they wrote. Devices
    /// reconnect.
    pub fn restart(&self) {
        for (_, session) in self.lock().sessions.values() {
            // Sent even to a full mailbox: a session without it would go on with a state that the database does not
            // have.
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

    /// Has every session look for its devices' logins whenever some have ended. Returns when no more can end.
    pub async fn follow_logins(&self) {
        let mut ended = self.world.logins.ended();
        while ended.changed().await.is_ok() {
            for (_, session) in self.lock().sessions.values() {
                session.do_send(CheckLogins);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, RunningSessions> {
        lock(&self.running)
    }
}
