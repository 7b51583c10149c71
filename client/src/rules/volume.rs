//! The volume of this device: a transfer does not move it (R15).

use super::{Client, Output};
use crate::protocol::device::{DeviceList, Volume};
use crate::protocol::messages::VolumeChange;
use crate::protocol::wire::ClientMessage;

impl Client {
    /// A newer device list. Its volume of this device is applied if the version is higher than the last one applied
    /// here. Before the `welcome` none is: this device may be welcomed under another id.
    pub(super) fn listed(&mut self, devices: DeviceList, outputs: &mut Vec<Output>) {
        let own = devices.devices.iter().find(|device| Some(device.id) == self.device.id);
        let known = self.device.volume.map(|volume| volume.version);
        let is_newer = |volume: &Volume| self.link.is_welcomed() && known < Some(volume.version);
        if let Some(volume) = own.and_then(|own| own.volume).filter(is_newer) {
            self.device.volume = Some(volume);
            outputs.push(Output::Volume(volume));
        }
        self.devices = Some(devices);
    }

    /// The first list on a new socket. The volume may have been changed here between the `hello` and the `welcome`: what
    /// the list does not show is sent.
    pub(super) fn correct_volume(&self, outputs: &mut Vec<Output>) {
        let mut listed = self.devices.iter().flat_map(|list| &list.devices);
        let listed = listed.find(|device| Some(device.id) == self.device.id).and_then(|own| own.volume);
        if let Some(volume) = self.device.volume.filter(|own| listed != Some(*own)) {
            outputs.push(Output::Send(ClientMessage::Volume(VolumeChange::from(volume))));
        }
    }

    pub(super) fn turn_volume(&mut self, level: u8, muted: bool, outputs: &mut Vec<Output>) {
        let version = self.device.volume.map_or(0, |volume| volume.version);
        let volume = Volume { level, muted, version };
        self.device.volume = Some(volume);
        if self.link.is_welcomed() {
            outputs.push(Output::Send(ClientMessage::Volume(VolumeChange::from(volume))));
        }
    }
}
