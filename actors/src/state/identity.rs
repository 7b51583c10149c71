//! Which id a joining device gets (R9). A socket of the same instance takes the place of the one before; the list shows
//! no change. Another instance under the same id waits as a pending join while the old socket is probed. If the probe
//! is not answered, the pending join takes the place of the old instance. If it is, the old instance keeps its id and
//! the pending join gets one of its own (cloned storage), so that two devices never use one id.

use super::bounds::DEVICE_BYTES;
use super::devices::{Device, PendingAction, Presence};
use super::{At, Durability, Effect, Join, Limits, MOST_EPOCH, SessionState};
use crate::protocol::close::CloseReason;
use crate::protocol::ids::{ConnectionId, DeviceId, InstanceId, Stamp};

/// A join that waits while another instance of its id is probed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PendingJoin {
    join: Join,
    /// The socket of the other instance, which is probed.
    asked: ConnectionId,
}

impl Limits {
    /// The most bytes that a pending join takes in memory.
    pub(super) const PENDING_JOIN_BYTES: usize = size_of::<PendingJoin>() + DEVICE_BYTES;
}

impl SessionState {
    /// The size of pending joins in memory, in bytes.
    pub(super) fn bytes_of_pending_joins(&self) -> usize {
        let descriptions = self.pending_joins.iter().map(|waiting| &waiting.join.description);
        descriptions.map(|description| size_of::<PendingJoin>() + description.name.len()).sum()
    }

    pub(super) fn join(&mut self, at: At, join: Join, effects: &mut Vec<Effect>) {
        if let Some(device) = self.record.devices.by_connection(join.connection) {
            // An earlier commit of this join, whose outcome was unknown, was written.
            effects.push(Effect::Welcome(join.connection, device.id));
            return;
        }
        if self.is_overtaken(&join) {
            effects.push(Effect::Close(join.connection, CloseReason::Replaced));
            return;
        }
        let is_same = |waiting: &PendingJoin| {
            waiting.join.device_id == join.device_id
                && waiting.join.instance == join.instance
                && waiting.join.connection != join.connection
        };
        if let Some(index) = self.pending_joins.iter().position(is_same) {
            let earlier = self.pending_joins.remove(index);
            effects.push(Effect::Close(earlier.join.connection, CloseReason::Replaced));
        }
        match self.other_instance(&join) {
            None => self.admit(at, join.device_id, join, effects),
            Some(_) if self.pending_joins.len() >= self.limits.devices => {
                effects.push(Effect::Close(join.connection, CloseReason::TooManyDevices));
            }
            Some(asked) => {
                if self.is_here(join.device_id) {
                    effects.push(Effect::Probe(asked));
                } else {
                    self.touch(at);
                    self.request_action(join.device_id, PendingAction::Probe);
                }
                self.pending_joins.push(PendingJoin { join, asked });
            }
        }
    }

    /// Whether the instance of a join has joined, or waits, with a later `hello`: the earlier one was delayed on a socket
    /// that the client has given up.
    fn is_overtaken(&self, join: &Join) -> bool {
        let listed = self.record.devices.iter().map(|device| (device.instance, device.attempt));
        let waiting = self.pending_joins.iter().map(|waiting| (waiting.join.instance, waiting.join.attempt));
        let is_later = |(instance, attempt)| instance == join.instance && attempt > join.attempt;
        join.attempt.is_some() && listed.chain(waiting).any(is_later)
    }

    /// Whether the device's socket ends at this node.
    pub(super) fn is_here(&self, id: DeviceId) -> bool {
        let socket = self.record.devices.get(id).and_then(|device| device.presence.socket());
        socket.is_some_and(|(node, _)| node == self.node)
    }

    /// Asks the node with the device's socket for an action. A device that is to be closed there is not probed as well.
    pub(super) fn request_action(&mut self, id: DeviceId, action: PendingAction) {
        if let Some(device) =
            self.edit().devices.get_mut(id).filter(|device| device.pending_action != Some(PendingAction::Forget))
        {
            device.pending_action = Some(action);
        }
    }

    /// The open socket of another instance under the id of a join, if there is one.
    fn other_instance(&self, join: &Join) -> Option<ConnectionId> {
        let known = self.record.devices.get(join.device_id).filter(|device| device.instance != join.instance);
        known.and_then(|device| device.presence.connection())
    }

    /// The device of that id has answered its probe: pending joins under that id are other devices, and get ids of
    /// their own.
    pub(super) fn tell_apart(&mut self, at: At, id: DeviceId, effects: &mut Vec<Effect>) {
        if self.record.devices.get(id).is_some_and(|device| device.pending_action == Some(PendingAction::Probe)) {
            self.touch(at);
            if let Some(device) = self.edit().devices.get_mut(id) {
                device.pending_action = None;
            }
        }
        let (others, rest) = std::mem::take(&mut self.pending_joins)
            .into_iter()
            .partition(|waiting: &PendingJoin| waiting.join.device_id == id);
        self.pending_joins = rest;
        let others: Vec<PendingJoin> = others;
        for PendingJoin { join, .. } in others {
            self.admit_apart(at, join, effects);
        }
    }

    /// Steps pending joins again whose other instance has no socket any more, or a new one. Where the other instance
    /// has answered its probe at another node, it keeps its id and the pending join gets another one.
    pub(super) fn settle_pending_joins(&mut self, at: At, effects: &mut Vec<Effect>) {
        loop {
            for waiting in std::mem::take(&mut self.pending_joins) {
                let id = waiting.join.device_id;
                if self.other_instance(&waiting.join) != Some(waiting.asked) {
                    self.join(at, waiting.join, effects);
                } else if self.is_here(id)
                    || self.record.devices.get(id).is_some_and(|device| device.pending_action.is_some())
                {
                    self.pending_joins.push(waiting);
                } else {
                    self.admit_apart(at, waiting.join, effects);
                }
            }
            // A join that was admitted may have replaced the socket that another pending join waits for. Each round
            // admits at least one join, or is the last.
            if self.pending_joins_wait_for_somebody() {
                return;
            }
        }
    }

    /// Whether any join waits for the result of a probe.
    pub(crate) fn has_pending_joins(&self) -> bool {
        !self.pending_joins.is_empty()
    }

    /// Removes the pending join of a socket that has ended. It was never in the list.
    pub(super) fn drop_pending_join(&mut self, connection: ConnectionId) {
        self.pending_joins.retain(|waiting| waiting.join.connection != connection);
    }

    pub(super) fn is_pending_join(&self, connection: ConnectionId) -> bool {
        self.pending_joins.iter().any(|waiting| waiting.join.connection == connection)
    }

    /// Whether each pending join waits for another, connected instance of its id.
    pub(super) fn pending_joins_wait_for_somebody(&self) -> bool {
        self.pending_joins.iter().all(|waiting| self.other_instance(&waiting.join) == Some(waiting.asked))
    }

    /// The stamp that a device has seen, if it is newer than this record: an older copy of the database was restored,
    /// and the change of that stamp is lost.
    #[must_use]
    pub fn lost_stamp(&self, join: &Join) -> Option<Stamp> {
        join.seen.filter(|seen| *seen > self.record.stamp && seen.epoch < MOST_EPOCH)
    }

    /// Begins the epoch of `at`: everything is shown again, under it.
    pub(super) fn begin_epoch(&mut self, at: At, effects: &mut Vec<Effect>) {
        self.touch_playback(at);
        self.touch_devices(at);
        self.edit().next_item = 0;
        if self.limits.is_shared {
            self.outlast_all(at.now, at.now);
        }
        effects.push(Effect::Commit(Durability::Now));
    }

    /// Admits a join under its spare id, because another device keeps the first one. Commands that were answered under
    /// the first id keep their answers under the new one, so that none is applied twice, also after a crash.
    fn admit_apart(&mut self, at: At, join: Join, effects: &mut Vec<Effect>) {
        let (earlier, id) = (join.device_id, join.spare_id);
        self.admit(at, id, join, effects);
        if self.record.devices.get(id).is_some() && self.edit().devices.remember_as(earlier, id) {
            effects.push(Effect::Commit(Durability::Now));
        }
    }

    fn admit(&mut self, at: At, id: DeviceId, join: Join, effects: &mut Vec<Effect>) {
        let known = self.record.devices.get(id).cloned();
        if known.is_none() && self.record.devices.len() >= self.limits.devices {
            effects.push(Effect::Close(join.connection, CloseReason::TooManyDevices));
            return;
        }
        let same_instance = known.as_ref().filter(|device| device.instance == join.instance);
        let old = same_instance.and_then(|device| device.presence.connection());
        if let Some(old) = old.filter(|old| *old != join.connection) {
            effects.push(Effect::Close(old, CloseReason::Replaced));
        }
        if same_instance.is_none() {
            self.end_earlier_instances(at, id, join.instance, effects);
        }
        let since_us = same_instance.filter(|device| device.is_online()).map_or(at.now, |device| device.since_us);
        let description = join.description;
        self.touch_devices(at);
        let presence = Presence::Online { node: self.node, connection: join.connection };
        self.edit().devices.put(Device {
            id,
            instance: join.instance,
            attempt: join.attempt,
            name: description.name,
            kind: description.kind,
            plays: description.plays,
            controls: description.controls,
            volume: description.volume,
            since_us,
            presence,
            pending_action: None,
        });
        effects.push(Effect::Welcome(join.connection, id));
    }

    /// A device has joined as another instance: the lease of an earlier instance, and its entries in `after`, end.
    fn end_earlier_instances(&mut self, at: At, id: DeviceId, instance: InstanceId, effects: &mut Vec<Effect>) {
        let earlier = |other: DeviceId, earlier: InstanceId| other == id && earlier != instance;
        let owed = self.record.playback.after.iter().filter(|entry| earlier(entry.device_id, entry.instance));
        for instance in owed.map(|entry| entry.instance).collect::<Vec<_>>() {
            self.silence(at, id, instance);
        }
        if self.record.playback.active.is_some_and(|active| earlier(active.device_id, active.instance)) {
            self.holder_left(at, effects);
        }
    }
}
