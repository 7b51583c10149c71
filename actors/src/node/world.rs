//! What the actors of a node share.

use super::ports::{Clock, Cluster, Logins, Nodes, SessionStore, Tracks};
use crate::protocol::wire::{ClientLimits, FRAME_BYTES, PAGE_ITEMS};
use crate::state::Limits;
use std::sync::Arc;
use std::time::Duration;

/// How long the catalogue may take to look up a command's tracks: a socket's actor reads nothing else meanwhile.
pub const RESOLVE: Duration = Duration::from_secs(2);

/// The numbers of R8; by default all follow from the heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Between two pings to the active device.
    pub heartbeat_ms: i64,
    /// An active device that is silent for this long is lost.
    pub lease_ms: i64,
    /// Between two pings to an idle device.
    pub idle_ms: i64,
}

impl Timing {
    /// The usual proportions: lost after 2.5 heartbeats, idle devices pinged every 10.
    #[must_use]
    pub const fn of_heartbeat(heartbeat_ms: i64) -> Self {
        Self { heartbeat_ms, lease_ms: heartbeat_ms.saturating_mul(5) / 2, idle_ms: heartbeat_ms.saturating_mul(10) }
    }
}

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
    /// How long a device that is cut off may sound, in milliseconds; without effect in strict mode.
    pub audio_ms: i64,
    /// Strict mode: a device that is cut off is silent when its lease ends.
    pub is_strict: bool,
}

impl World {
    /// What clients are told of the numbers. In strict mode they get an `audio_ms` that is the lease, which is how they
    /// recognise it.
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

    /// What sessions are told of them.
    #[must_use]
    pub fn session_limits(&self) -> Limits {
        let strict_ms = self.is_strict.then_some(self.timing.lease_ms);
        Limits { strict_ms, is_shared: self.cluster.is_some(), ..self.limits }
    }
}
