//! A user's devices: the list with sockets and volumes (R8, R15), names given by people, and answered commands (R4).

use super::names::distinct;
use crate::protocol::device::{DeviceKind, DeviceView, HelloDevice, NAME_CHARS, PresenceView, Volume};
use crate::protocol::error::WireError;
use crate::protocol::ids::{CommandId, ConnectionId, DeviceId, InstanceId, Micros, NodeId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How a device describes itself in its `hello`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Shown to people, unless a person renamed it.
    pub name: String,
    /// Which icon screens show.
    pub kind: DeviceKind,
    /// Whether it can sound.
    pub plays: bool,
    /// Whether it may send commands.
    pub controls: bool,
    /// Its volume, if it knows it.
    pub volume: Option<Volume>,
}

impl Description {
    /// The part of a `hello` that a session keeps.
    ///
    /// # Errors
    /// `WireError` when a field exceeds its limit.
    pub fn of(device: HelloDevice) -> Result<Self, WireError> {
        device.check()?;
        let HelloDevice { name, kind, plays, controls, volume, .. } = device;
        Ok(Self { name: name.trim().to_owned(), kind, plays, controls, volume })
    }
}

/// Whether a device has a socket, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Presence {
    /// It has a socket.
    Online {
        /// The node at which the socket ends.
        node: NodeId,
        /// The socket.
        connection: ConnectionId,
    },
    /// Its socket ended uncleanly, and its grace has not passed.
    Away {
        /// When it leaves the list.
        until_us: Micros,
    },
}

impl Presence {
    /// The socket, while there is one.
    #[must_use]
    pub fn connection(&self) -> Option<ConnectionId> {
        self.socket().map(|(_, connection)| connection)
    }

    /// The socket and the node at which it ends, while there is one.
    #[must_use]
    pub const fn socket(&self) -> Option<(NodeId, ConnectionId)> {
        match self {
            Self::Online { node, connection } => Some((*node, *connection)),
            Self::Away { .. } => None,
        }
    }
}

/// A device in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Its id, which is stored on the device.
    pub id: DeviceId,
    /// The instance that joined last.
    pub instance: InstanceId,
    /// The number of its `hello` within the instance, if it told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Shown to people.
    pub name: String,
    /// Which icon screens show.
    pub kind: DeviceKind,
    /// Whether it can sound.
    pub plays: bool,
    /// Whether it may send commands.
    pub controls: bool,
    /// Its volume; `None`: unknown, which is not the same as 100.
    #[serde(default)]
    pub volume: Option<Volume>,
    /// When it became online or away.
    pub since_us: Micros,
    /// Its socket, or the end of its grace.
    pub presence: Presence,
    /// What another node asks the node of the socket to do.
    #[serde(rename = "errand", default, skip_serializing_if = "Option::is_none")]
    pub pending_action: Option<PendingAction>,
}

/// What the node with a device's socket is asked to do, because no other node can do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PendingAction {
    /// Probe this instance: a join of another instance under its id waits (R9).
    Probe,
    /// Close the socket: a person has removed the device from the list.
    Forget,
}

impl Device {
    /// Whether it has a socket.
    #[must_use]
    pub const fn is_online(&self) -> bool {
        matches!(self.presence, Presence::Online { .. })
    }

    /// The device as it is sent to all devices.
    #[must_use]
    pub fn view(&self) -> DeviceView {
        DeviceView {
            id: self.id,
            name: self.name.clone(),
            kind: self.kind,
            plays: self.plays,
            controls: self.controls,
            presence: if self.is_online() { PresenceView::Online } else { PresenceView::Away },
            volume: self.volume,
            since_us: self.since_us,
        }
    }

    /// Its size in memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.name.len()
    }
}

/// The commands of one device that changed something, newest last, so that a resent one is not applied twice (R4).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Answered {
    /// Each command with the revision it made.
    commands: VecDeque<(CommandId, u64)>,
    /// When the device left the list; `None` while it is listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gone_us: Option<Micros>,
}

/// Longest name of a device, in bytes of UTF-8.
pub(super) const NAME_BYTES: usize = 4 * NAME_CHARS;

/// How many answered commands of a device are kept.
const ANSWERED_KEPT: usize = 64;
/// Of how many devices answered commands are kept, devices that have left the list included.
const ANSWERED_DEVICES: usize = 96;
/// How long they are kept after the device has left the list, in milliseconds.
const ANSWERED_KEPT_MS: i64 = 10 * 60 * 1000;
/// How many names given by people are kept.
const NAMES_KEPT: usize = 64;
/// Of how many devices that have left the list the volumes are kept.
const GONE_VOLUMES_KEPT: usize = 64;

/// Everything that a session keeps of devices.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Devices {
    /// The list, in order of joining.
    list: Vec<Device>,
    /// Names given by people; they are shown instead of the devices' own.
    #[serde(default)]
    renamed: BTreeMap<DeviceId, String>,
    /// Answered commands, also of devices that have left the list in the last 10 minutes.
    #[serde(default)]
    answered: BTreeMap<DeviceId, Answered>,
    /// The volumes of devices that have left the list, the latest to leave last: a device that comes back may not have
    /// received the last command.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    gone_volumes: VecDeque<(DeviceId, Volume)>,
}

/// The volume of a device that joins: of what is kept of it and what it says of itself, that with the higher version. When
/// the versions are equal, no command came since, and the volume may have been changed on the device while it had no
/// connection.
fn newer(kept: Option<Volume>, own: Option<Volume>) -> Option<Volume> {
    match (kept, own) {
        (Some(kept), Some(own)) if own.version < kept.version => Some(kept),
        (kept, own) => own.or(kept),
    }
}

impl Devices {
    /// The list, in order of joining.
    pub fn iter(&self) -> impl Iterator<Item = &Device> {
        self.list.iter()
    }

    /// How many are listed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether none is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The device of that id.
    #[must_use]
    pub fn get(&self, id: DeviceId) -> Option<&Device> {
        self.list.iter().find(|device| device.id == id)
    }

    /// The device of that id, to change.
    pub fn get_mut(&mut self, id: DeviceId) -> Option<&mut Device> {
        self.list.iter_mut().find(|device| device.id == id)
    }

    /// The device that has this socket.
    #[must_use]
    pub fn by_connection(&self, connection: ConnectionId) -> Option<&Device> {
        self.list.iter().find(|device| device.presence.connection() == Some(connection))
    }

    /// The nodes at which sockets end.
    #[must_use]
    pub fn nodes(&self) -> BTreeSet<NodeId> {
        self.list.iter().filter_map(|device| device.presence.socket()).map(|(node, _)| node).collect()
    }

    /// The sockets that end at a node.
    #[must_use]
    pub fn connections_on(&self, node: NodeId) -> Vec<ConnectionId> {
        let sockets = self.list.iter().filter_map(|device| device.presence.socket());
        sockets.filter(|(at, _)| *at == node).map(|(_, connection)| connection).collect()
    }

    /// Whether this instance of the device has a socket.
    #[must_use]
    pub fn is_connected(&self, id: DeviceId, instance: InstanceId) -> bool {
        self.get(id).is_some_and(|device| device.instance == instance && device.is_online())
    }

    /// Lists a device, in place of an earlier entry of the same id. `device.volume` is what it says itself: a volume that is
    /// kept of it and has a higher version takes its place.
    pub fn put(&mut self, mut device: Device) {
        let kept = match self.get(device.id) {
            Some(entry) => entry.volume,
            None => self.take_gone_volume(device.id),
        };
        device.volume = newer(kept, device.volume);
        device.name = if let Some(name) = self.renamed.get(&device.id) {
            name.clone()
        } else {
            let had = self.get(device.id).map(|entry| entry.name.as_str());
            distinct(&device.name, had, &self.other_names(device.id))
        };
        if let Some(answered) = self.answered.get_mut(&device.id) {
            answered.gone_us = None;
        }
        match self.get_mut(device.id) {
            Some(entry) => *entry = device,
            None => self.list.push(device),
        }
    }

    /// The names of the other devices that have a socket.
    fn other_names(&self, id: DeviceId) -> Vec<&str> {
        let others = self.list.iter().filter(|device| device.id != id && device.is_online());
        others.map(|device| device.name.as_str()).collect()
    }

    fn take_gone_volume(&mut self, id: DeviceId) -> Option<Volume> {
        let place = self.gone_volumes.iter().position(|(gone, _)| *gone == id)?;
        self.gone_volumes.remove(place).map(|(_, volume)| volume)
    }

    /// Takes a device off the list. Its volume is kept if a command has set it.
    pub fn remove(&mut self, id: DeviceId, now: Micros) {
        if let Some(volume) = self.get(id).and_then(|device| device.volume).filter(|volume| volume.version > 0) {
            self.gone_volumes.push_back((id, volume));
            if self.gone_volumes.len() > GONE_VOLUMES_KEPT {
                self.gone_volumes.pop_front();
            }
        }
        self.list.retain(|device| device.id != id);
        if let Some(answered) = self.answered.get_mut(&id) {
            answered.gone_us = Some(now);
        }
        self.answered
            .retain(|_, answered| answered.gone_us.is_none_or(|gone_us| now.since_ms(gone_us) < ANSWERED_KEPT_MS));
        while self.answered.len() > ANSWERED_DEVICES {
            let gone = self.answered.iter().filter_map(|(id, answered)| Some((answered.gone_us?, *id)));
            let Some((_, oldest)) = gone.min() else { break };
            self.answered.remove(&oldest);
        }
    }

    /// The record's instants may come from an earlier clock: devices that have left the list count as having left at
    /// `now`.
    pub fn outlive_a_clock(&mut self, now: Micros) {
        for answered in self.answered.values_mut() {
            answered.gone_us = answered.gone_us.map(|_| now);
        }
    }

    /// Gives a device a name that it keeps when it joins again.
    pub fn rename(&mut self, id: DeviceId, name: &str) {
        if let Some(device) = self.get_mut(id) {
            name.clone_into(&mut device.name);
        }
        self.renamed.insert(id, name.to_owned());
        let listed: Vec<DeviceId> = self.list.iter().map(|device| device.id).collect();
        while self.renamed.len() > NAMES_KEPT {
            let Some(oldest) = self.renamed.keys().find(|id| !listed.contains(id)).copied() else { break };
            self.renamed.remove(&oldest);
        }
    }

    /// Removes a device with its name and volume, but not yet its answered commands, which it may send again.
    pub fn forget(&mut self, id: DeviceId, now: Micros) {
        self.remove(id, now);
        self.take_gone_volume(id);
        self.renamed.remove(&id);
    }

    /// The revision that this command made, if it was applied before.
    #[must_use]
    pub fn answer_to(&self, device_id: DeviceId, command_id: CommandId) -> Option<u64> {
        let commands = &self.answered.get(&device_id)?.commands;
        commands.iter().find(|(id, _)| *id == command_id).map(|(_, revision)| *revision)
    }

    /// Records that this command made this revision.
    pub fn remember(&mut self, device_id: DeviceId, command_id: CommandId, revision: u64) {
        let commands = &mut self.answered.entry(device_id).or_default().commands;
        commands.push_back((command_id, revision));
        if commands.len() > ANSWERED_KEPT {
            commands.pop_front();
        }
    }

    /// Copies the answered commands of one id to another one (R9). Returns whether there were any.
    pub fn remember_as(&mut self, earlier: DeviceId, id: DeviceId) -> bool {
        let answered = self.answered.get(&earlier).map(|known| Answered { gone_us: None, ..known.clone() });
        let is_known = answered.is_some();
        self.answered.extend(answered.map(|answered| (id, answered)));
        is_known
    }

    /// The size in memory of names given by people, of answered commands, and of the volumes of devices that have left the
    /// list, in bytes.
    pub(super) fn bytes_remembered(&self) -> usize {
        let names: usize = self.renamed.values().map(|name| size_of::<DeviceId>() + name.len()).sum();
        let commands: usize = self.answered.values().map(|answered| answered.commands.len()).sum();
        let volumes = self.gone_volumes.len() * size_of::<(DeviceId, Volume)>();
        let answered = self.answered.len() * size_of::<(DeviceId, Answered)>();
        names + answered + commands * size_of::<(CommandId, u64)>() + volumes
    }

    /// The most bytes of it while `devices` devices are listed: what is kept of devices that have left the list is
    /// dropped only when another one leaves.
    pub(super) fn most_remembered(devices: usize) -> usize {
        let name = size_of::<DeviceId>() + NAME_BYTES;
        let answered = size_of::<(DeviceId, Answered)>() + ANSWERED_KEPT * size_of::<(CommandId, u64)>();
        let volumes = GONE_VOLUMES_KEPT * size_of::<(DeviceId, Volume)>();
        NAMES_KEPT.max(devices) * name + (ANSWERED_DEVICES + devices) * answered + volumes
    }

    /// Counts with their limits while `devices` devices are listed: devices with a name given by people, devices with
    /// answered commands, the most answered commands of one device, and volumes of devices that have left the list.
    pub(super) fn counts(&self, devices: usize) -> [(usize, usize); 4] {
        let longest = self.answered.values().map(|answered| answered.commands.len()).max();
        [
            (self.renamed.len(), NAMES_KEPT.max(devices)),
            (self.answered.len(), ANSWERED_DEVICES + devices),
            (longest.unwrap_or(0), ANSWERED_KEPT),
            (self.gone_volumes.len(), GONE_VOLUMES_KEPT),
        ]
    }

    /// When the next grace of an away device ends.
    #[must_use]
    pub fn next_departure(&self) -> Option<Micros> {
        self.list
            .iter()
            .filter_map(|device| match device.presence {
                Presence::Away { until_us } => Some(until_us),
                Presence::Online { .. } => None,
            })
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_devices_that_have_gone_are_bounded_and_what_is_listed_stays() {
        let mut devices = Devices::default();
        for id in (0..1_000).map(DeviceId) {
            devices.put(device(id, Some(volume(40, 1))));
            devices.rename(id, "x");
            devices.remember(id, CommandId(1), 1);
            devices.remove(id, Micros(0));
        }
        assert!(
            devices.counts(0).into_iter().all(|(count, most)| count == most || most == ANSWERED_KEPT),
            "{devices:?}"
        );
        assert!(devices.bytes_remembered() <= Devices::most_remembered(0));
        assert_eq!(devices.answer_to(DeviceId(999), CommandId(1)), Some(1), "the newest is known");
    }

    const fn volume(level: u8, version: u64) -> Volume {
        Volume { level, muted: false, version }
    }

    fn device(id: DeviceId, volume: Option<Volume>) -> Device {
        Device {
            id,
            instance: InstanceId(1),
            attempt: None,
            name: "x".to_owned(),
            kind: DeviceKind::Other,
            plays: true,
            controls: true,
            volume,
            since_us: Micros(0),
            presence: Presence::Away { until_us: Micros(0) },
            pending_action: None,
        }
    }

    /// What a device is shown to have when it joins, by what is kept of it and what it says of itself.
    #[test]
    fn of_two_volumes_the_one_after_more_commands_counts_whether_the_device_was_listed_or_not() {
        let (older, newer, same) = (volume(10, 3), volume(20, 4), volume(30, 4));
        let cases = [
            (Some(newer), Some(older), Some(newer)),
            (Some(older), Some(newer), Some(newer)),
            (Some(newer), Some(same), Some(same)),
            (Some(newer), None, Some(newer)),
            (None, Some(older), Some(older)),
            (None, None, None),
        ];
        for (kept, own, expected) in cases {
            for leaves in [false, true] {
                let mut devices = Devices::default();
                devices.put(device(DeviceId(1), kept));
                if leaves {
                    devices.remove(DeviceId(1), Micros(0));
                    assert!(devices.is_empty());
                }
                devices.put(device(DeviceId(1), own));
                assert_eq!(devices.get(DeviceId(1)).and_then(|device| device.volume), expected, "{kept:?} {own:?}");
            }
        }
    }

    #[test]
    fn a_forgotten_device_has_no_volume_but_its_own() {
        let mut devices = Devices::default();
        devices.put(device(DeviceId(1), Some(volume(20, 4))));
        devices.forget(DeviceId(1), Micros(0));
        devices.put(device(DeviceId(1), None));
        assert_eq!(devices.get(DeviceId(1)).and_then(|device| device.volume), None);
    }

    #[test]
    fn answered_commands_are_bounded_and_outlive_the_device() {
        let mut devices = Devices::default();
        let id = DeviceId(1);
        for n in 0..70 {
            devices.remember(id, CommandId(n), n);
        }
        assert_eq!(devices.answer_to(id, CommandId(5)), None);
        assert_eq!(devices.answer_to(id, CommandId(6)), Some(6));
        devices.remove(id, Micros(0));
        devices.remove(DeviceId(9), Micros(0).plus_ms(ANSWERED_KEPT_MS - 1));
        assert_eq!(devices.answer_to(id, CommandId(69)), Some(69));
        devices.remove(DeviceId(9), Micros(0).plus_ms(ANSWERED_KEPT_MS));
        assert_eq!(devices.answer_to(id, CommandId(69)), None);
    }
}
