//! Devices that leave, are away or lose their sockets (R8); loads (R2, R6); records of other nodes (R4).

use super::devices::{Device, PendingAction, Presence};
use super::queue::Queue;
use super::{At, Durability, Effect, Leaving, Limits, Record, SessionState, epoch_above};
use crate::protocol::close::CloseReason;
use crate::protocol::ids::{ConnectionId, DeviceId, Micros, NodeId, Stamp};
use crate::protocol::playback::{Intent, Status};
use std::sync::Arc;

impl SessionState {
    /// The session that the database kept, under an epoch above `floor` and above every one it was shown under.
    ///
    /// Every socket of the session ends at a load, so every device is away until it comes back; what was to play is
    /// `lost` at `last_heartbeat`, the last instant at which the session was surely alive. Turn and lease stay: a
    /// holder that comes back goes on from where it is, and no stamp of an earlier epoch is ever given again.
    #[must_use]
    pub fn load(
        now: Micros,
        kept: (Record, Arc<Queue>),
        node: NodeId,
        last_heartbeat: Option<Micros>,
        floor: u64,
        limits: Limits,
    ) -> Self {
        let mut state = Self::resume(kept, node, limits);
        let epoch = epoch_above(state.record.stamp.epoch.max(floor), now);
        let at = At { now, stamp: Stamp { epoch, revision: state.record.stamp.revision.saturating_add(1) } };
        let alive_until = if state.holder_is_on(node) { now } else { last_heartbeat.unwrap_or(now).min(now) };
        state.touch_playback(at);
        state.touch_devices(at);
        state.edit().next_item = 0;
        state.edit().devices.outlive_a_clock(now);
        state.bound_switch(now);
        state.outlast_all(now, alive_until);
        state.edit().playback.after.clear();
        state.edit().playback.transfer = None;
        let until_us = now.plus_ms(limits.grace_ms.saturating_add(limits.jitter_ms));
        // A timestamp from an earlier clock may lie far ahead: the grace is clamped to one that begins now.
        let waited_for = |presence: Presence| matches!(presence, Presence::Away { until_us: due } if due <= until_us);
        let devices = state.record.devices.iter().filter(|device| !waited_for(device.presence));
        for id in devices.map(|device| device.id).collect::<Vec<DeviceId>>() {
            state.set_away(at, id, until_us);
        }
        state.lose_holder(at, alive_until);
        state.drop_departed(at);
        state
    }

    /// Takes over a record that another node has written. Sockets at this node that it does not name any more are
    /// closed.
    pub fn adopt(&mut self, now: Micros, record: Arc<Record>, queue: Arc<Queue>, effects: &mut Vec<Effect>) {
        let earlier = std::mem::replace(&mut self.record, record);
        self.queue = queue;
        for connection in earlier.devices.connections_on(self.node) {
            let known = earlier.devices.by_connection(connection).and_then(|device| device.pending_action);
            match self.record.devices.by_connection(connection).map(|device| device.pending_action) {
                Some(action) if action == known => {}
                Some(Some(PendingAction::Probe)) => effects.push(Effect::Probe(connection)),
                Some(Some(PendingAction::Forget)) => effects.push(Effect::Close(connection, CloseReason::Forgotten)),
                Some(None) => {}
                None => effects.push(Effect::Close(connection, self.why_unnamed(&earlier, connection))),
            }
        }
        self.watch_replaced_holders(now);
    }

    /// Why a socket is not in the new record: another socket took its place, or the session was loaded again.
    fn why_unnamed(&self, earlier: &Record, connection: ConnectionId) -> CloseReason {
        let device = earlier.devices.by_connection(connection).and_then(|device| self.record.devices.get(device.id));
        if device.is_some_and(Device::is_online) { CloseReason::Replaced } else { CloseReason::Restart }
    }

    /// Whether the holder's socket was on this very run of this node, which has been alive ever since.
    fn holder_is_on(&self, this: NodeId) -> bool {
        let active = self.record.playback.active;
        let device = active.and_then(|active| self.record.devices.get(active.device_id));
        device.is_some_and(|device| matches!(device.presence, Presence::Online { node, .. } if node == this))
    }

    /// The holder has left for good: a transfer that waits is completed, else no device is active; the position is
    /// kept.
    pub(super) fn holder_left(&mut self, at: At, effects: &mut Vec<Effect>) {
        if self.complete_transfer(at, effects) {
            return;
        }
        if self.record.playback.intent == Intent::Play {
            self.freeze(at);
        }
        self.touch_playback(at);
        self.edit().playback.active = None;
        if self.record.playback.intent == Intent::Play {
            self.set_intent(at, Intent::Pause);
        }
        if self.record.playback.status == Status::Lost {
            self.edit().playback.status = self.resting_status();
        }
    }

    /// Pauses a session that was just loaded, under the stamp of the load; called before anything of it was shown.
    pub fn rest(&mut self, now: Micros) {
        let at = At { now, stamp: self.record.stamp };
        self.pause(at);
    }

    pub(super) fn leave(&mut self, at: At, connection: ConnectionId, how: Leaving, effects: &mut Vec<Effect>) {
        self.drop_pending_join(connection);
        let Some(device) = self.record.devices.by_connection(connection) else { return };
        let (id, instance) = (device.id, device.instance);
        let holder = self.record.playback.active.is_some_and(|active| active.is(id, instance));
        if how != Leaving::Clean {
            self.outlast(at, id, instance);
        }
        match how {
            Leaving::Clean | Leaving::Dismissed => {
                self.touch_devices(at);
                self.edit().devices.remove(id, at.now);
                if holder {
                    self.holder_left(at, effects);
                }
            }
            Leaving::Lost(last) => {
                self.set_away(at, id, at.now.plus_ms(self.limits.grace_ms));
                self.lose_holder(at, last.min(at.now));
            }
            Leaving::SentAway(last) => {
                let grace_ms = self.limits.grace_ms.saturating_add(self.limits.jitter_ms);
                self.set_away(at, id, at.now.plus_ms(grace_ms));
                self.lose_holder(at, last.min(at.now));
            }
        }
        self.silence(at, id, instance);
        if holder {
            effects.push(Effect::Commit(Durability::Soon));
        }
    }

    fn set_away(&mut self, at: At, id: DeviceId, until_us: Micros) {
        self.touch_devices(at);
        if let Some(device) = self.edit().devices.get_mut(id) {
            device.presence = Presence::Away { until_us };
            device.since_us = at.now;
        }
    }

    /// If the holder has no socket, what was to play becomes `lost`, and the position stops at `last`, the last sign of
    /// life (R6).
    fn lose_holder(&mut self, at: At, last: Micros) {
        let playback = &self.record.playback;
        let wanted = playback.intent == Intent::Play && playback.status != Status::Lost;
        if wanted && !self.has_connected_holder() {
            let place_ms = playback.position_at(last);
            self.anchor(at, place_ms, last, Status::Lost);
        }
    }

    pub(super) fn meet_deadlines(&mut self, at: At, effects: &mut Vec<Effect>) {
        self.drop_departed(at);
        self.end_transfer(at, effects);
        self.close_unsilent(at.now, effects);
    }

    fn drop_departed(&mut self, at: At) {
        let departed = self
            .record
            .devices
            .iter()
            .filter(|device| matches!(device.presence, Presence::Away { until_us } if until_us <= at.now));
        for id in departed.map(|device| device.id).collect::<Vec<_>>() {
            self.touch_devices(at);
            self.edit().devices.remove(id, at.now);
        }
    }
}
