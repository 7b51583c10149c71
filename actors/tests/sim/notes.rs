//! What has happened, for the counts.

use crate::world::World;
use segue_actors::ids::Stamp;
use segue_actors::state::SessionState;
use segue_actors::state::playback::Status;

impl World {
    /// What a step has changed, for the counts.
    pub(crate) fn note_change(&mut self, n: usize, before: Option<&SessionState>) {
        let Some((old, new)) = before.zip(self.nodes[n].state()) else { return };
        let (old, new) = (old.playback(), new.playback());
        if old.stamp() == new.stamp() {
            return;
        }
        let (status, after) = (new.status, new.after.len());
        let (lease, had_waited) = (new.active.map(|active| active.lease), !old.after.is_empty());
        let is_grant = old.active.map(|active| active.lease) != new.active.map(|active| active.lease);
        let ended = old.transfer.is_some() && new.transfer.is_none();
        let to = old.transfer.map(|transfer| transfer.to);
        let is_switch = ended && is_grant && new.active.is_some_and(|active| active.source.is_some());
        let is_completed = ended && is_grant && !is_switch && new.active.map(|active| active.device_id) == to;
        let target_lost = status == Status::Lost && new.active.is_some_and(|active| active.source.is_some());
        for (what, is_so) in [
            ("epoch raised above what a device has seen", old.epoch < new.epoch),
            ("transfer switched", is_switch),
            ("transfer completed", is_completed),
            ("transfer cancelled", ended && !is_grant),
            ("transfer target lost after the switch", target_lost),
            ("take-over", is_grant && after > 0),
            ("take-over that waits for two", after > 1),
        ] {
            if is_so {
                self.note(what);
            }
        }
        self.note_wait(lease, had_waited, after > 0);
        self.note(match status {
            Status::Lost => "status Lost",
            Status::Buffering => "status Buffering",
            Status::Blocked => "status Blocked",
            Status::Failed => "status Failed",
            Status::Ended => "status Ended",
            _ => "status another",
        });
    }

    /// How long who takes over waits until those before are known to be silent, while nothing else goes wrong.
    fn note_wait(&mut self, lease: Option<Stamp>, had_waited: bool, waits: bool) {
        let Some(lease) = lease else { return };
        let is_well = (0..self.nodes.len()).all(|n| self.nodes[n].is_up && !self.is_cut(n));
        if waits && is_well && self.waits.is_none_or(|(waiting, _)| waiting < lease) {
            self.waits = Some((lease, self.now));
        }
        let since = self.waits.filter(|(waiting, _)| *waiting == lease && had_waited && !waits);
        self.worst_wait_us = self.worst_wait_us.max(since.map_or(0, |(_, since)| self.now - since));
    }
}
