//! What must hold: clocks within their bounds, one position on all screens, and at rest one state.

use crate::world::World;
use segue_actors::protocol::device::DeviceList;
use segue_actors::protocol::playback::Status;
use segue_actors::state::Record;

/// A report within this distance of the shown position, in milliseconds, changes nothing.
const AGREES_MS: i64 = 40;

impl World {
    /// What everybody is to show: what stands in the database, or what a single node has shown before it is written.
    pub(crate) fn truth(&self) -> Option<&Record> {
        let stands = self.store.row.as_ref().filter(|_| self.is_shared()).map(|(record, _)| &**record);
        stands.or_else(|| self.nodes[0].state().map(|state| &**state.record()))
    }

    /// Whether both ends of the socket take it for open.
    fn is_in_touch(&self, index: usize) -> bool {
        let device = &self.devices[index];
        let is_served =
            device.socket.and_then(|id| self.sockets.get(&id)).is_some_and(|socket| socket.served.is_some());
        device.is_awake() && device.client.link().is_welcomed() && is_served
    }

    /// No device's clock is further off than its own error bound.
    fn check_clocks(&self) {
        for index in (0..self.devices.len()).filter(|index| self.is_in_touch(*index)) {
            let Some(bound_us) = self.clock_bound_us(index) else { continue };
            let (device, now) = (&self.devices[index], self.server_now(0));
            let error_us = device.client.time().at(device.local(self.now)).0 - now.0;
            assert!(error_us.abs() <= bound_us, "the clock of {index} is wrong by {error_us} us, bound {bound_us} us");
        }
    }

    /// Once the reports of the sounding device have reached all devices, every screen shows its position.
    pub(crate) fn check_positions(&mut self) {
        let Some(truth) = self.truth().map(|record| record.playback.clone()) else { return };
        let truth = &truth;
        self.check_clocks();
        if truth.status != Status::Playing {
            return;
        }
        let holder = (0..self.devices.len()).find(|index| {
            let device = &self.devices[*index];
            truth.active.is_some_and(|active| Some(active.device_id) == device.client.device_id())
                && self.is_in_touch(*index)
                && device
                    .client
                    .playback()
                    .is_some_and(|shown| shown.turn == truth.turn && shown.active == truth.active)
        });
        let Some(holder) = holder else { return };
        let socket = self.devices[holder].socket.and_then(|id| self.sockets.get(&id)).expect("it is connected");
        let (Some(heard_ms), true) = (
            self.devices[holder].heard_at(self.now),
            socket.has_arrived(self.now) && !socket.is_silent && !self.nodes[socket.node].is_committing(),
        ) else {
            return;
        };
        let end_ms = truth.item.and_then(|item| item.duration_ms);
        let is_over = Some(truth.position_at(self.server_now(0))) == end_ms;
        if is_over || self.devices[holder].heard.map(|(item, ..)| item.id) != truth.item.map(|item| item.id) {
            // The end of the item before this one is not in the database yet.
            return;
        }
        let Some(holder_us) = self.clock_bound_us(holder) else { return };
        let mut worst_ms = 0;
        for index in 0..self.devices.len() {
            let device = &self.devices[index];
            if !self.is_in_touch(index) || !device.client.playback().is_some_and(|shown| shown.shows(truth)) {
                continue;
            }
            let shown_ms = device.client.position_at(device.local(self.now)).expect("it is shown something");
            let error_ms = (shown_ms - heard_ms).abs();
            let Some(own_us) = self.clock_bound_us(index) else { continue };
            let bound_us = own_us + holder_us;
            // Places are whole milliseconds: what agrees is less than one more apart, and so is what is compared here.
            let allowed_ms = (truth.rate.audio_us(bound_us) + 1_000) / 1_000 + AGREES_MS + 1;
            assert!(
                error_ms <= allowed_ms,
                "device {index} shows {shown_ms} and {holder} is heard at {heard_ms}, bound {bound_us} us"
            );
            worst_ms = worst_ms.max(error_ms);
        }
        self.worst_error_ms = self.worst_error_ms.max(worst_ms);
    }

    /// Everybody is shown how loud the device is, and no command that was stored is undone by an older volume.
    fn volume_disagreement(&self, index: usize, devices: &DeviceList) -> Option<String> {
        let device = &self.devices[index];
        let listed = devices.devices.iter().find(|listed| Some(listed.id) == device.client.device_id())?;
        let (own, shown) = (device.client.volume(), listed.volume);
        if own != shown || device.loudness != shown.map(|volume| (volume.level, volume.muted)) {
            return Some(format!("device {index} is at {:?}, knows {own:?}, and listed is {shown:?}", device.loudness));
        }
        let stored = self.store.volume_versions.get(&listed.id).filter(|_| !self.forgotten.contains(&listed.id));
        let is_undone = stored.is_some_and(|stored| shown.map_or(0, |shown| shown.version) < *stored);
        is_undone.then(|| format!("device {index} has {shown:?} after version {stored:?}"))
    }

    /// Describes what is not at rest yet; `None` if everything is.
    pub(crate) fn disagreement(&self) -> Option<String> {
        let Some(truth) = self.truth() else { return Some("there is no session".to_owned()) };
        let devices = truth.device_list();
        let mut others = self.nodes.iter().filter_map(|node| Some(node.state()?.record()));
        if let Some(other) = others.find(|other| other.stamp != truth.stamp) {
            return Some(format!("a node has {:?} and not {:?}", other.stamp, truth.stamp));
        }
        for (index, device) in self.devices.iter().enumerate() {
            if !device.is_on || !self.is_in_touch(index) {
                return Some(format!("device {index} is not connected"));
            }
            if let Some(id) = device.open.first() {
                return Some(format!("command {id} of device {index} has no answer"));
            }
            if !device.client.playback().is_some_and(|shown| shown.shows(&truth.playback)) {
                return Some(format!(
                    "device {index} shows {:?} and not {:?}",
                    device.client.playback(),
                    truth.playback
                ));
            }
            if device.client.devices() != Some(&devices) {
                return Some(format!("device {index} lists {:?} and not {devices:?}", device.client.devices()));
            }
            if let Some(wrong) = self.volume_disagreement(index, &devices) {
                return Some(wrong);
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
