//! Counts what happened in a run, for `coverage.rs`.

use crate::session::AtWork;
use crate::world::{Happening, World};
use segue_actors::protocol::playback::{Playback, Status, Transfer};
use segue_actors::state::SessionState;

impl World {
    /// What a step has changed, for the counts.
    pub(crate) fn note_change(&mut self, n: usize, before: Option<&SessionState>) {
        let Some((old, new)) = before.zip(self.nodes[n].state()) else { return };
        let (old, new) = (old.playback(), new.playback().clone());
        if old.stamp() == new.stamp() {
            return;
        }
        let (status, after) = (new.status, new.after.len());
        let at_work = self.nodes[n].session.as_ref().map(|session| session.at_work);
        let is_beside_write = matches!(at_work, Some(AtWork::Writes | AtWork::HasWritten));
        let is_grant = old.active.map(|active| active.lease) != new.active.map(|active| active.lease);
        let ended = old.transfer.is_some() && new.transfer.is_none();
        let to = old.transfer.map(|transfer| transfer.to);
        let is_switch = ended && is_grant && new.active.is_some_and(|active| active.source.is_some());
        let is_completed = ended && is_grant && !is_switch && new.active.map(|active| active.device_id) == to;
        let lease_of = |transfer: Option<Transfer>| transfer.and_then(|transfer| transfer.lease);
        let (old_lease, new_lease) = (lease_of(old.transfer), lease_of(new.transfer));
        let is_another = old.transfer.is_some() != new.transfer.is_some() || old_lease != new_lease;
        let goes_on = old.transfer.is_some() && new.transfer.is_some();
        let target_lost = status == Status::Lost && new.active.is_some_and(|active| active.source.is_some());
        for (what, is_so) in [
            ("transfer switched", is_switch),
            ("transfer completed", is_completed),
            ("transfer cancelled before it was ready", ended && !is_grant && old_lease.is_none()),
            ("transfer cancelled before the yield", ended && !is_grant && old_lease.is_some()),
            ("transfer to another instead", goes_on && new.transfer.map(|transfer| transfer.to) != to),
            ("transfer loads anew", goes_on && old_lease.is_some() && new_lease.is_none()),
            ("transfer target lost after the switch", target_lost),
            ("take-over", is_grant && after > 0),
            ("take-over that waits for two", after > 1),
            ("change shown while a write is in flight", is_beside_write),
        ] {
            if is_so {
                self.note(what);
            }
        }
        if is_another && self.is_busy() && self.chance.permille(15) {
            self.after_us(0, 600_000, Happening::NodeCrashes(n, self.nodes[n].id));
        }
        if !self.is_shared() {
            self.note_wait(&new);
        }
        self.note(match status {
            Status::Lost => "status Lost",
            Status::Buffering => "status Buffering",
            Status::Blocked => "status Blocked",
            Status::Failed => "status Failed",
            Status::Ended => "status Ended",
            _ => "status another",
        });
    }

    /// What a node was doing when it crashed.
    pub(crate) fn note_crash(&mut self, n: usize) {
        let now = self.server_now(n);
        let node = &self.nodes[n];
        let Some((session, state)) = node.session.as_ref().map(|session| (session, node.state())) else { return };
        let playback = state.map(SessionState::playback);
        let transfer = playback.and_then(|playback| playback.transfer);
        let from_us = playback.and_then(|playback| playback.active?.from_us);
        let (at_work, is_stored) = (session.at_work, session.replica.is_stored());
        for (what, is_so) in [
            ("crash while it loads", at_work == AtWork::Loads),
            ("crash before its commit is written", at_work == AtWork::Writes),
            ("crash after its commit is written", at_work == AtWork::HasWritten),
            ("crash with reports that are not written", at_work == AtWork::Nothing && !is_stored),
            ("crash before the target is ready", transfer.is_some_and(|transfer| transfer.lease.is_none())),
            ("crash before the source yields", transfer.is_some_and(|transfer| transfer.lease.is_some())),
            ("crash after the yield and before the switch", from_us.is_some_and(|from_us| from_us > now)),
            ("crash while it drains", self.nodes[n].is_draining),
        ] {
            if is_so {
                self.note(what);
            }
        }
    }

    /// How long who takes over waits until those before are known to be silent, while nothing else goes wrong: as it is
    /// shown on one node, as it stands in the database where there are several.
    pub(crate) fn note_wait(&mut self, playback: &Playback) {
        let Some(lease) = playback.active.map(|active| active.lease) else { return };
        let is_well = (0..self.nodes.len()).all(|n| self.nodes[n].is_up && !self.is_cut(n));
        match self.waits {
            Some((waiting, since)) if waiting == lease && playback.after.is_empty() => {
                self.worst_wait_us = self.worst_wait_us.max(self.now - since);
                self.waits = None;
            }
            waits if !playback.after.is_empty() && is_well && waits.is_none_or(|(waiting, _)| waiting < lease) => {
                self.waits = Some((lease, self.now));
            }
            _ => {}
        }
    }
}
