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
    /// The time between two pings to the active device.
    pub heartbeat_ms: i64,
    /// An active device that is silent for this long is lost.
    pub lease_ms: i64,
    /// The time between two pings to an idle device.
    pub idle_ms: i64,
}

impl Timing {
    /// The default proportions: lost after 2.5 heartbeats, idle devices pinged every 10.
    #[must_use]
    pub const fn of_heartbeat(heartbeat_ms: i64) -> Self {
        Self { heartbeat_ms, lease_ms: heartbeat_ms.saturating_mul(5) / 2, idle_ms: heartbeat_ms.saturating_mul(10) }
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
