//! What a session adds to the numbers of `/metrics`.

use crate::count::LevelShare;
use crate::protocol::ids::Stamp;
use crate::state::SessionState;
use crate::state::devices::Presence;

/// A session that runs, and its devices.
#[derive(Debug)]
pub(super) struct SessionCounts {
    _session: LevelShare,
    online: LevelShare,
    away: LevelShare,
    /// The stamp of the device list that was counted last.
    at: Option<Stamp>,
}

impl SessionCounts {
    pub(super) fn new() -> Self {
        let (online, away) = (LevelShare::devices_online(), LevelShare::devices_away());
        Self { _session: LevelShare::sessions().with_one(), online, away, at: None }
    }

    /// Counts the devices again if their list has changed.
    pub(super) fn follow(&mut self, state: &SessionState) {
        let at = Some(state.shown().devices);
        if self.at != at {
            self.at = at;
            let devices = state.devices();
            let online = devices.iter().filter(|device| matches!(device.presence, Presence::Online { .. })).count();
            self.online.set(online);
            self.away.set(devices.len().saturating_sub(online));
        }
    }
}
