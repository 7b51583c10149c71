//! How loud the device is: its own, and it never travels with the music (R15).

use super::{Client, Output};
use crate::protocol::device::{DeviceList, Volume};
use crate::protocol::messages::VolumeChange;
use crate::protocol::wire::ClientMessage;

impl Client {
    /// Another list; what it says of this device's volume counts if its version is higher than the one known here.
    pub(super) fn listed(&mut self, devices: DeviceList, outputs: &mut Vec<Output>) {
        let own = devices.devices.iter().find(|device| Some(device.id) == self.device.id);
        let known = self.device.volume.map(|volume| volume.version);
        if let Some(volume) = own.and_then(|own| own.volume).filter(|volume| known < Some(volume.version)) {
            self.device.volume = Some(volume);
            outputs.push(Output::Volume(volume));
        }
        self.devices = Some(devices);
    }

    pub(super) fn turn_volume(&mut self, level: u8, muted: bool, outputs: &mut Vec<Output>) {
        let version = self.device.volume.map_or(0, |volume| volume.version);
        self.device.volume = Some(Volume { level, muted, version });
        if self.link.is_welcomed() {
            outputs.push(Output::Send(ClientMessage::Volume(VolumeChange { level, muted, version })));
        }
    }
}
