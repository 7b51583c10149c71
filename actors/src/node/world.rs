//! What the actors of a node share.

use super::ports::{Clock, Cluster, Logins, Nodes, SessionStore, Tracks};
use crate::protocol::wire::{ClientLimits, FRAME_BYTES, PAGE_ITEMS};
use crate::state::Limits;
use std::sync::Arc;
use std::time::Duration;

/// How long the catalogue may take to look up a command's tracks: a socket's actor reads nothing else meanwhile.
pub const RESOLVE: Duration = Duration::from_secs(2);

/// The times of R8, in milliseconds; by default all follow from the heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// An active device asks for the time each 1.25 of these; it is pinged after 1.5 of silence.
    pub heartbeat_ms: i64,
    /// An active device that is silent for this long is lost.
    pub lease_ms: i64,
    /// An idle device asks for the time each 1.5 of these; it is pinged after 1.75 of silence and dropped after 2.75.
    pub idle_ms: i64,
}

impl Timing {
    /// The default proportions: the lease is 2.5 heartbeats, `idle_ms` 10.
    #[must_use]
    pub const fn of_heartbeat(heartbeat_ms: i64) -> Self {
        Self { heartbeat_ms, lease_ms: heartbeat_ms.saturating_mul(5) / 2, idle_ms: heartbeat_ms.saturating_mul(10) }
    }

    /// After how many milliseconds of silence a device is pinged. The active device has at least half of the rest of its
    /// lease to answer.
    #[must_use]
    pub fn ping_after_ms(&self, is_active: bool) -> i64 {
        if is_active {
            let half_way_ms = self.heartbeat_ms.saturating_add(self.lease_ms) / 2;
            half_way_ms.min(self.heartbeat_ms.saturating_mul(3) / 2)
        } else {
            self.idle_ms.saturating_mul(7) / 4
        }
    }

    /// After how many milliseconds of silence a device is lost.
    #[must_use]
    pub const fn lost_after_ms(&self, is_active: bool) -> i64 {
        if is_active { self.lease_ms } else { self.idle_ms.saturating_mul(11) / 4 }
    }
}

/// What the actors of a node share: the ports, the clock, random numbers, and the limits.
pub struct World {
    /// Sessions in the database.
    pub store: Arc<dyn SessionStore>,
    /// This node and those before it.
    pub nodes: Arc<dyn Nodes>,
    /// The others that share the database now; `None`: this is the only one.
    pub cluster: Option<Arc<dyn Cluster>>,
    /// The catalogue.
    pub tracks: Arc<dyn Tracks>,
    /// The users of tokens.
    pub logins: Arc<dyn Logins>,
    /// Server time.
    pub clock: Clock,
    /// 64 random bits a call.
    pub random: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// The limits of sessions.
    pub limits: Limits,
    /// The times of heartbeats.
    pub timing: Timing,
    /// How long a device that is cut off may sound, in milliseconds; without effect in strict mode.
    pub audio_ms: i64,
    /// Strict mode: a device that is cut off is silent when its lease ends.
    pub is_strict: bool,
}

impl World {
    /// The limits that a `welcome` contains. In strict mode `audio_ms` equals `lease_ms`: clients recognise the mode by it.
    #[must_use]
    pub fn client_limits(&self) -> ClientLimits {
        ClientLimits {
            heartbeat_ms: self.timing.heartbeat_ms,
            idle_ms: self.timing.idle_ms,
            lease_ms: self.timing.lease_ms,
            audio_ms: if self.is_strict { self.timing.lease_ms } else { self.audio_ms },
            frame_bytes: FRAME_BYTES,
            page_items: PAGE_ITEMS,
            tracks: self.limits.tracks_per_command,
        }
    }

    /// The limits of sessions.
    #[must_use]
    pub fn session_limits(&self) -> Limits {
        let strict_ms = self.is_strict.then_some(self.timing.lease_ms);
        Limits { strict_ms, is_shared: self.cluster.is_some(), ..self.limits }
    }
}
