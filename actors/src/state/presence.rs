//! Devices come, go, and are missed (R8); a session is loaded again (R2, R6).

use super::devices::{Device, Presence, Volume};
use super::playback::{Intent, Status};
use super::queue::Queue;
use super::{At, Durability, Effect, Join, Leaving, Limits, Record, SessionState, epoch_above};
use crate::close::CloseReason;
use crate::ids::{ConnectionId, DeviceId, InstanceId, Micros, NodeId, Stamp};
use std::sync::Arc;

impl SessionState {
    /// The session that the database kept, under an epoch above `floor` and above every one it was shown under.
    ///
    /// No socket outlives a load here, so every device is away until it comes back; what played is `lost` at
    /// `last_beat`, the last instant at which the session was surely alive. Turn and lease stay: a holder that
    /// comes back goes on from where it is, and no stamp of an earlier epoch is ever given again.
    #[must_use]
    pub fn load(
        now: Micros,
        (record, queue): (Record, Arc<Queue>),
        node: NodeId,
        last_beat: Option<Micros>,
        floor: u64,
        limits: Limits,
    ) -> Self {
        let mut state = Self { record: Arc::new(record), queue, node, limits, waits: Vec::new() };
        let epoch = epoch_above(state.record.stamp.epoch.max(floor), now);
        let at = At { now, stamp: Stamp { epoch, revision: state.record.stamp.revision.saturating_add(1) } };
        let alive_until = if state.holder_is_on(node) { now } else { last_beat.unwrap_or(now).min(now) };
        state.touch_playback(at);
        state.touch_devices(at);
        state.edit().next_item = 0;
        state.bound_switch(now);
        state.edit().playback.after.clear();
        state.edit().playback.transfer = None;
        let until_us = now.plus_ms(limits.grace_ms.saturating_add(limits.jitter_ms));
        let online: Vec<DeviceId> =
            state.record.devices.iter().filter(|device| device.is_online()).map(|device| device.id).collect();
        for id in online {
            state.set_away(at, id, until_us);
        }
        state.lose_holder(at, alive_until);
        state.drop_departed(at);
        state
    }

    /// Whether the holder's socket was on this very run of this node, which has been alive ever since.
    fn holder_is_on(&self, this: NodeId) -> bool {
        let active = self.record.playback.active;
        let device = active.and_then(|active| self.record.devices.get(active.device_id));
        device.is_some_and(|device| matches!(device.presence, Presence::Online { node, .. } if node == this))
    }

    pub(super) fn join(&mut self, at: At, join: Join, effects: &mut Vec<Effect>) {
        let known = self.record.devices.get(join.device_id);
        let cloned = known.is_some_and(|device| device.is_online() && device.instance != join.instance);
        let id = if cloned { join.spare_id } else { join.device_id };
        let known = self.record.devices.get(id).cloned();
        if known.is_none() && self.record.devices.len() >= self.limits.devices {
            effects.push(Effect::Close(join.connection, CloseReason::TooManyDevices));
            return;
        }
        let same_life = known.as_ref().filter(|device| device.instance == join.instance);
        let old = same_life.and_then(|device| device.presence.connection());
        if let Some(old) = old.filter(|old| *old != join.connection) {
            effects.push(Effect::Close(old, CloseReason::Replaced));
        }
        if same_life.is_none() {
            self.end_earlier_lives(at, id, join.instance, effects);
        }
        let since_us = same_life.filter(|device| device.is_online()).map_or(at.now, |device| device.since_us);
        let volume = match (same_life, known.as_ref().and_then(|device| device.volume)) {
            (Some(device), _) if device.volume.is_some() => device.volume,
            (_, earlier) => join
                .description
                .volume
                .map(|volume| Volume { version: earlier.map_or(0, |earlier| earlier.version), ..volume }),
        };
        let description = join.description;
        self.touch_devices(at);
        let presence = Presence::Online { node: self.node, connection: join.connection };
        self.edit().devices.put(Device {
            id,
            instance: join.instance,
            name: description.name,
            kind: description.kind,
            plays: description.plays,
            controls: description.controls,
            codecs: description.codecs,
            volume,
            since_us,
            presence,
        });
        effects.push(Effect::Welcome(join.connection, id));
    }

    /// A device has begun another life: what its earlier ones held or owed is over.
    fn end_earlier_lives(&mut self, at: At, id: DeviceId, instance: InstanceId, effects: &mut Vec<Effect>) {
        let earlier = |other: DeviceId, life: InstanceId| other == id && life != instance;
        let owed = self.record.playback.after.iter().filter(|entry| earlier(entry.device_id, entry.instance));
        for instance in owed.map(|entry| entry.instance).collect::<Vec<_>>() {
            self.silence(at, id, instance);
        }
        if self.record.playback.active.is_some_and(|active| earlier(active.device_id, active.instance)) {
            self.holder_left(at, effects);
        }
    }

    /// The holder is gone for good: the target of a transfer has the music, or nobody, and the place is kept.
    fn holder_left(&mut self, at: At, effects: &mut Vec<Effect>) {
        if self.complete_transfer(at, effects) {
            return;
        }
        if self.record.playback.intent == Intent::Play {
            self.freeze(at);
        }
        self.touch_playback(at);
        self.edit().playback.active = None;
        if self.record.playback.intent == Intent::Play {
            self.wish(at, Intent::Pause);
        }
        if self.record.playback.status == Status::Lost {
            self.edit().playback.status = self.resting_status();
        }
    }

    pub(super) fn leave(&mut self, at: At, connection: ConnectionId, how: Leaving, effects: &mut Vec<Effect>) {
        let Some(device) = self.record.devices.by_connection(connection) else { return };
        let (id, instance) = (device.id, device.instance);
        let holder = self.record.playback.active.is_some_and(|active| active.is(id, instance));
        match how {
            Leaving::Clean => {
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

    /// While the holder has no socket, what was to play is `lost` at its last sign of life.
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
