//! The lease (R1): who may sound, who may still sound, and when the position is anchored anew (R3, R5).

use super::{At, Durability, Effect, Limits, Sender, SessionState};
use crate::protocol::close::CloseReason;
use crate::protocol::ids::{DeviceId, InstanceId, Micros};
use crate::protocol::messages::Yield;
use crate::protocol::playback::{Active, After, Intent, Item, Status};

/// After an older copy of the database was restored every node has closed its sockets within this time, in
/// milliseconds: a node looks into the database each 5 s, and one that is cut off before that has closed them 3 s
/// later.
const SETTLE_MS: i64 = 8_500;

impl SessionState {
    /// Gives the lease to this instance of a device; a connected earlier holder is added to `after`.
    pub(super) fn grant(&mut self, at: At, device_id: DeviceId, instance: InstanceId) {
        self.revoke(at);
        let from_us = self.record.quiet_from.filter(|quiet_from| *quiet_from > at.now);
        let playback = &mut self.edit().playback;
        playback.after.retain(|entry| !(entry.device_id == device_id && entry.instance == instance));
        playback.active = Some(Active { device_id, instance, lease: at.stamp, from_us, source: None });
    }

    /// Takes the lease away; the holder is added to `after` if it has a socket, because then it may be sounding.
    pub(super) fn revoke(&mut self, at: At) {
        self.touch_playback(at);
        self.edit().playback.transfer = None;
        let Some(holder) = self.edit().playback.active.take() else { return };
        if self.record.devices.is_connected(holder.device_id, holder.instance) {
            let Active { device_id, instance, lease, .. } = holder;
            self.edit().playback.after.push(After { device_id, instance, lease, since: at.stamp });
        }
    }

    /// In strict mode a device that is cut off is silent `strict_ms` after the last `welcome` or `ping` that it
    /// received, which was sent no later than now: no other device may sound sooner.
    pub(super) fn outlast(&mut self, at: At, device_id: DeviceId, instance: InstanceId) {
        let Some(strict_ms) = self.limits.strict_ms else { return };
        let playback = &self.record.playback;
        let holds = playback.active.is_some_and(|active| active.is(device_id, instance));
        let owes = playback.after.iter().any(|entry| entry.device_id == device_id && entry.instance == instance);
        let until = at.now.plus_ms(strict_ms);
        if holds || owes {
            self.touch(at);
            self.edit().quiet_from = self.record.quiet_from.max(Some(until));
        }
        if owes && !holds {
            self.touch_playback(at);
            self.begin_later(until);
        }
    }

    /// As [`Self::outlast`], for all devices that may have sounded when the session was lost. Other nodes notice later
    /// than this one that another copy of the database was restored, and until then their devices sound under leases
    /// that are missing in it. A holder that was waited for at `alive_until`, when the session was last surely alive,
    /// may still sound: the clock may have been set since.
    pub(super) fn outlast_all(&mut self, now: Micros, alive_until: Micros) {
        let Limits { strict_ms, is_shared, .. } = self.limits;
        let settle_ms = is_shared.then_some(SETTLE_MS);
        let until = match (strict_ms, settle_ms) {
            (None, None) => return,
            (strict, settle) => now.plus_ms(strict.unwrap_or(0)).plus_ms(settle.unwrap_or(0)),
        };
        let was_to_come = |instant: Option<Micros>| instant > Some(alive_until);
        let active = self.record.playback.active;
        let waits = was_to_come(active.and_then(|active| active.from_us));
        let is_owed = is_shared || waits || !self.record.playback.after.is_empty();
        if is_owed || active.is_some() || was_to_come(self.record.quiet_from) {
            self.edit().quiet_from = self.record.quiet_from.max(Some(until));
        }
        if is_owed {
            self.begin_later(until);
        }
    }

    fn begin_later(&mut self, until: Micros) {
        if let Some(active) = &mut self.edit().playback.active {
            active.from_us = active.from_us.max(Some(until));
        }
    }

    /// Whether the holder of the lease has a socket.
    pub(super) fn has_connected_holder(&self) -> bool {
        let active = self.record.playback.active;
        active.is_some_and(|active| self.record.devices.is_connected(active.device_id, active.instance))
    }

    /// A replaced holder confirms that it is silent: a `yield` without `to`.
    pub(super) fn yielded(&mut self, at: At, sender: Sender, yielded: Yield, effects: &mut Vec<Effect>) {
        let clears = |entry: &After| {
            entry.device_id == sender.device_id
                && entry.instance == sender.instance
                && entry.lease == yielded.lease
                && yielded.seen >= entry.since
        };
        if self.record.playback.after.iter().any(clears) {
            self.touch_playback(at);
            self.edit().playback.after.retain(|entry| !clears(entry));
            effects.push(Effect::Commit(Durability::Soon));
        }
    }

    /// An instance of a device can no longer sound: removes its entries in `after`.
    pub(super) fn silence(&mut self, at: At, device_id: DeviceId, instance: InstanceId) {
        let over = |entry: &After| entry.device_id == device_id && entry.instance == instance;
        if self.record.playback.after.iter().any(over) {
            self.touch_playback(at);
            self.edit().playback.after.retain(|entry| !over(entry));
        }
    }

    /// Updates the deadlines of replaced holders with a socket at this node: a new entry in `after`, or a new socket,
    /// gets a new deadline.
    pub(super) fn watch_replaced_holders(&mut self, now: Micros) {
        let devices = &self.record.devices;
        let due = now.plus_ms(self.limits.yield_ms);
        let mut waits = Vec::new();
        for entry in &self.record.playback.after {
            let device = devices.get(entry.device_id).filter(|device| device.instance == entry.instance);
            let socket = device.and_then(|device| device.presence.socket());
            if let Some((_, connection)) = socket.filter(|(node, _)| *node == self.node) {
                let known = self.waits.iter().find(|(known, _)| *known == connection);
                waits.push((connection, known.map_or(due, |(_, until_us)| *until_us)));
            }
        }
        self.waits = waits;
    }

    /// Closes the sockets of replaced holders that did not confirm in time that they are silent.
    pub(super) fn close_unsilent(&mut self, now: Micros, effects: &mut Vec<Effect>) {
        let again = now.plus_ms(self.limits.yield_ms);
        for (connection, until_us) in &mut self.waits {
            if *until_us <= now {
                effects.push(Effect::Close(*connection, CloseReason::NotSilent));
                *until_us = again;
            }
        }
    }

    /// Anchors the position: it is `position_ms` at `at_us` under `status`. What was heard until `at_us` is added to
    /// the listen.
    pub(super) fn anchor(&mut self, at: At, position_ms: i64, at_us: Micros, status: Status) {
        self.account(at_us.min(at.now));
        self.touch_playback(at);
        let playback = &mut self.edit().playback;
        playback.position_ms = playback.clamp_ms(position_ms);
        playback.at_us = at_us;
        playback.status = status;
    }

    /// Anchors the position where it is now, with the status of [`Self::resting_status`].
    pub(super) fn freeze(&mut self, at: At) {
        let position_ms = self.record.playback.position_at(at.now);
        self.anchor(at, position_ms, at.now, self.resting_status());
    }

    /// Sets the intent; the active device carries it out under a new turn.
    pub(super) fn set_intent(&mut self, at: At, intent: Intent) {
        self.touch_playback(at);
        self.edit().playback.intent = intent;
        self.edit().playback.turn = at.stamp;
        self.edit().playback.status = self.resting_status();
    }

    /// Makes another item current, or none, under a new turn.
    pub(super) fn change_item(&mut self, at: At, item: Option<Item>, position_ms: i64) {
        self.account(at.now);
        self.touch_playback(at);
        let playback = &mut self.edit().playback;
        let same = playback.item.map(|item| item.id) == item.map(|item| item.id);
        playback.item = item;
        playback.position_ms = if item.is_some() { playback.clamp_ms(position_ms) } else { 0 };
        playback.at_us = at.now;
        playback.turn = at.stamp;
        playback.unplayable = None;
        self.edit().playback.status = self.resting_status();
        if !same {
            self.begin_listen(at);
        }
        self.refresh_next();
    }

    /// The status of a new turn until the active device reports under it.
    pub(super) fn resting_status(&self) -> Status {
        let playback = &self.record.playback;
        let reachable = playback.active.is_none() || self.has_connected_holder();
        match playback.intent {
            Intent::Stop => Status::Idle,
            Intent::Pause if playback.item.is_none() => Status::Idle,
            Intent::Pause if playback.status == Status::Lost && !reachable => Status::Lost,
            Intent::Pause => Status::Paused,
            Intent::Play if !reachable => Status::Lost,
            Intent::Play => Status::Starting,
        }
    }
}
