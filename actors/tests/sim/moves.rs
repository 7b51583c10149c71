//! Devices that find themselves on another node: by a jump of what they show (T23), and after a node was killed (T53).

use crate::world::World;
use segue_actors::protocol::ids::{DeviceId, NodeId};
use segue_actors::protocol::playback::Status;
use segue_actors::protocol::wire::ServerMessage;
use segue_actors::state::Record;
use segue_actors::state::devices::Device;
use segue_client::ServerTime;

/// What is shown jumps by no more than this from one node to another, in milliseconds.
const JUMP_MS: i64 = 20;
/// The most that rounding two positions to whole milliseconds adds, in milliseconds.
const ROUNDED_MS: i64 = 2;
/// The welcome, and the burst of probes after it.
const FRAMES: u8 = 9;
/// A device that is back within this time after its node was killed must never have left the list.
const BACK_US: i64 = 10_000_000;
/// This long after the kill, and after a client was last started or woken, every device that is not back must have left
/// the list, unless something else happened. The list is looked at again when the first client is back, after at most 35 s
/// and the time of its `hello`; then a device has its grace (10 s) and the time over which devices come back at once (5 s).
const GONE_US: i64 = 55_000_000;

/// The time as a device knew it before it came to another node.
pub(crate) struct Move {
    before: ServerTime,
    bound_us: i64,
    since: i64,
    frames_left: u8,
}

/// A device whose node was killed.
pub(crate) struct Orphan {
    id: DeviceId,
    since: i64,
    /// The kill, or when a client was last started or woken since, for it may be the first one that is back.
    client_since: i64,
}

impl World {
    /// A frame is about to come on a socket of node `n`.
    pub(crate) fn note_move(&mut self, index: usize, n: usize, message: &ServerMessage) {
        if !matches!(message, ServerMessage::Welcome(_)) {
            return;
        }
        let (bound_us, since) = (self.clock_bound_us(index), self.now);
        let device = &mut self.devices[index];
        let has_moved = device.home.replace(n).is_some_and(|home| home != n);
        let before = device.client.time().clone();
        device.moved =
            bound_us.filter(|_| has_moved).map(|bound_us| Move { before, bound_us, since, frames_left: FRAMES });
    }

    /// The frame has come: the position shown is the one shown before, within both clocks' error bounds.
    pub(crate) fn check_jump(&mut self, index: usize) {
        let now_us = self.clock_bound_us(index);
        let device = &mut self.devices[index];
        let Some(Move { before, bound_us, since, frames_left }) = device.moved.take() else { return };
        let local_us = device.local(self.now);
        let shown = device.client.playback().filter(|shown| shown.status == Status::Playing);
        let (Some(shown), Some(now_us)) = (shown, now_us) else { return };
        let places = [shown.position_at(before.at(local_us)), shown.position_at(device.client.time().at(local_us))];
        let jump_ms = (places[0] - places[1]).abs();
        let told_ms = shown.rate.audio_us(bound_us + device.drift_us(self.now - since) + now_us) / 1_000 + ROUNDED_MS;
        device.moved = (frames_left > 1).then_some(Move { before, bound_us, since, frames_left: frames_left - 1 });
        assert!(jump_ms <= told_ms.max(JUMP_MS), "{index} came to another node, and {places:?} ms jumped");
        if told_ms <= JUMP_MS {
            self.note("moved to another node while it played");
            self.worst_jump_ms = self.worst_jump_ms.max(jump_ms);
        }
    }

    /// A node is killed: its devices are to move or to leave.
    pub(crate) fn orphan(&mut self, n: usize) {
        let (this, since) = (NodeId(self.nodes[n].id), self.now);
        let Some((record, _)) = &self.store.row else { return };
        let is_served = |id| self.sockets.get(&id).is_some_and(|socket| socket.served.is_some());
        let here = record.devices.iter().filter(|device| {
            let socket = device.presence.socket().filter(|(node, _)| *node == this);
            socket.is_some_and(|(_, connection)| is_served(connection.0))
        });
        let kept = here.filter(|device| !self.forgotten.contains(&device.id));
        self.orphans.extend(kept.map(|device| Orphan { id: device.id, since, client_since: since }));
    }

    /// A client starts or wakes up.
    pub(crate) fn client_comes(&mut self) {
        for orphan in &mut self.orphans {
            orphan.client_since = self.now;
        }
    }

    /// The device left by itself, or was closed for good: it need not come back.
    pub(crate) fn excuse(&mut self, id: DeviceId) {
        self.orphans.retain(|orphan| orphan.id != id);
    }

    /// A record was written.
    pub(crate) fn check_orphans(&mut self, record: &Record) {
        if self.orphans.is_empty() {
            return;
        }
        let (now, mut is_back) = (self.now, false);
        self.orphans.retain(|orphan| !self.forgotten.contains(&orphan.id));
        self.orphans.retain(|orphan| {
            let listed = record.devices.get(orphan.id);
            let is_soon = now - orphan.since < BACK_US;
            assert!(listed.is_some() || !is_soon, "{} left the list {} us after a kill", orphan.id, now - orphan.since);
            let has_moved = listed.is_some_and(Device::is_online);
            is_back |= has_moved && is_soon;
            !has_moved
        });
        if is_back {
            self.note("back without a flicker after a kill");
        }
    }

    /// A device that has not come back has left the list, if a node was up that could remove it.
    pub(crate) fn end_orphans(&mut self) {
        let (now, quiet_from) = (self.now, self.faulted_at);
        let is_kept = (0..self.nodes.len()).any(|n| self.nodes[n].state().is_some() && !self.is_cut(n));
        let Some(record) = self.truth().cloned() else { return };
        let (late, rest) =
            std::mem::take(&mut self.orphans).into_iter().partition(|orphan| now - orphan.client_since > GONE_US);
        self.orphans = rest;
        let late: Vec<Orphan> = late;
        for orphan in late.iter().filter(|orphan| is_kept && orphan.since >= quiet_from) {
            let listed = record.devices.get(orphan.id);
            assert!(listed.is_none_or(Device::is_online), "{} is a ghost of a node that was killed", orphan.id);
            if listed.is_none() {
                self.note("gone in time after a kill");
            }
        }
    }
}
