//! What must hold: one audible device, one place, and at rest one state.

use crate::session::AUDIO_MS;
use crate::world::{SKEW_US, World};
use segue_actors::state::Record;
use segue_actors::state::playback::Status;
use segue_actors::wire::DeviceList;

/// A clock's bound does not know of what the clock drifts between two probes, of rounding, nor of how far the nodes' clocks are
/// apart.
const SLACK_US: i64 = 6_000 + 2 * SKEW_US;
/// What a device's clock may lose while it is cut off.
const DRIFT_US: i64 = AUDIO_MS / 5;
/// A report within this of what is shown says nothing.
const AGREES_MS: i64 = 40;

impl World {
    /// What everybody is to show: what stands in the database, or what a single node has shown before it is written.
    fn truth(&self) -> Option<&Record> {
        let stands = self.store.row.as_ref().filter(|_| self.is_shared()).map(|(record, _)| &**record);
        stands.or_else(|| self.nodes[0].state().map(|state| &**state.record()))
    }

    /// From its `welcome` until the server has closed or lost its socket.
    fn is_connected(&self, index: usize) -> bool {
        let device = &self.devices[index];
        let is_served =
            device.socket.and_then(|id| self.sockets.get(&id)).is_some_and(|socket| socket.served.is_some());
        device.is_on && device.client.link().is_welcomed() && is_served
    }

    /// No two connected devices sound together for longer than their clocks' bounds allow at a switch.
    pub(crate) fn check_overlap(&mut self) {
        // In strict mode those that are cut off count as well, unless the database forgot that they were granted anything.
        let is_strict = self.weather.is_strict && !self.store.was_put_back;
        let counts = |index: usize| self.is_connected(index) || is_strict;
        let audible: Vec<usize> =
            (0..self.devices.len()).filter(|index| self.devices[*index].heard.is_some() && counts(*index)).collect();
        for (index, device) in self.devices.iter().enumerate().filter(|(_, device)| device.heard.is_some()) {
            let alone_us = self.now - device.contact_us;
            assert!(
                device.client.link().is_welcomed() || alone_us <= AUDIO_MS * 1_000 + SLACK_US + DRIFT_US,
                "{index} sounds {alone_us} us after its last contact"
            );
        }
        if let Some((since, allowed_us)) = self.overlap {
            let overlap_us = self.now - since;
            self.worst_overlap_us = self.worst_overlap_us.max(overlap_us);
            assert!(
                overlap_us <= allowed_us,
                "{audible:?} sound together for {overlap_us} us, with bounds of {allowed_us}"
            );
        }
        if audible.len() < 2 {
            self.overlap = None;
        } else if self.overlap.is_none() {
            let bounds = audible.iter().map(|index| self.devices[*index].client.time().bound_us().unwrap_or(0));
            self.overlap = Some((self.now, bounds.sum::<i64>() + SLACK_US));
        }
    }

    /// Once what the sounding device said has reached everybody, every screen shows where it is.
    pub(crate) fn check_positions(&mut self) {
        let Some(truth) = self.truth().map(|record| record.playback.clone()) else { return };
        let truth = &truth;
        if truth.status != Status::Playing {
            return;
        }
        let holder = (0..self.devices.len()).find(|index| {
            let device = &self.devices[*index];
            truth.active.is_some_and(|active| Some(active.device_id) == device.client.device_id())
                && self.is_connected(*index)
                && device.client.playback() == Some(truth)
        });
        let Some(holder) = holder else { return };
        let socket = self.devices[holder].socket.and_then(|id| self.sockets.get(&id)).expect("it is connected");
        let (Some(heard_ms), true) = (
            self.devices[holder].heard_at(self.now),
            socket.up_last <= self.now && !socket.is_silent && !self.nodes[socket.node].is_committing(),
        ) else {
            return;
        };
        let end_ms = truth.item.and_then(|item| item.duration_ms);
        let is_over = Some(truth.position_at(self.server_now(0))) == end_ms;
        if is_over || self.devices[holder].heard.map(|(item, ..)| item.id) != truth.item.map(|item| item.id) {
            // The end of the item before is not in the database yet.
            return;
        }
        let Some(holder_us) = self.devices[holder].client.time().bound_us() else { return };
        let mut worst_ms = 0;
        for index in 0..self.devices.len() {
            let device = &self.devices[index];
            if !self.is_connected(index) || device.client.playback() != Some(truth) {
                continue;
            }
            let shown_ms = device.client.position_at(device.local(self.now)).expect("it is shown something");
            let error_ms = (shown_ms - heard_ms).abs();
            let Some(own_us) = device.client.time().bound_us() else { continue };
            let bound_us = own_us + holder_us;
            let allowed_ms = truth.rate.audio_us(bound_us + SLACK_US) / 1_000 + AGREES_MS;
            assert!(
                error_ms <= allowed_ms,
                "device {index} shows {shown_ms} and {holder} is heard at {heard_ms}, bound {bound_us} us"
            );
            worst_ms = worst_ms.max(error_ms);
        }
        self.worst_error_ms = self.worst_error_ms.max(worst_ms);
    }

    /// What is not at rest yet, if anything.
    pub(crate) fn disagreement(&self) -> Option<String> {
        let Some(truth) = self.truth() else { return Some("there is no session".to_owned()) };
        let devices = DeviceList::of(truth);
        let mut others = self.nodes.iter().filter_map(|node| Some(node.state()?.record()));
        if let Some(other) = others.find(|other| other.stamp != truth.stamp) {
            return Some(format!("a node has {:?} and not {:?}", other.stamp, truth.stamp));
        }
        for (index, device) in self.devices.iter().enumerate() {
            if !device.is_on || !self.is_connected(index) {
                return Some(format!("device {index} is not connected"));
            }
            if let Some(id) = device.open.first() {
                return Some(format!("command {id} of device {index} has no answer"));
            }
            if device.client.playback() != Some(&truth.playback) {
                return Some(format!(
                    "device {index} shows {:?} and not {:?}",
                    device.client.playback(),
                    truth.playback
                ));
            }
            if device.client.devices() != Some(&devices) {
                return Some(format!("device {index} lists {:?} and not {devices:?}", device.client.devices()));
            }
            let holds = truth.playback.active.is_some_and(|active| Some(active.device_id) == device.client.device_id());
            let is_wanted = holds && truth.playback.status == Status::Playing;
            if device.heard.is_some() != is_wanted {
                return Some(format!("device {index} is {:?} under {:?}", device.heard, truth.playback));
            }
        }
        if devices.devices.len() != self.devices.len() {
            return Some(format!("{} devices are there and listed are {devices:?}", self.devices.len()));
        }
        let stored = self.store.row.as_ref().map(|(_, queue)| queue);
        let queues = self.nodes.iter().filter_map(|node| Some(node.state()?.queue()));
        if self.is_shared() && queues.into_iter().any(|queue| Some(queue) != stored) {
            return Some("a node has another queue than the database".to_owned());
        }
        truth.playback.transfer.map(|transfer| format!("a transfer for ever: {transfer:?}"))
    }
}
