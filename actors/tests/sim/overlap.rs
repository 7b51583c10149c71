//! One audible device: which devices may sound together, and for how long.

use crate::server::TIMING;
use crate::session::AUDIO_MS;
use crate::world::{SKEW_US, World};
use segue_actors::protocol::ids::{DeviceId, InstanceId, Micros};
use segue_actors::state::Record;

/// A switch may have been scheduled for an instant up to this long ago.
const GRANTS: usize = 8;
/// A device acts on the first microsecond of its own clock at which something is due.
const TICK_US: i64 = 5;

/// A lease that begins at an instant: as the source of a switch sounds until then, as a target from then on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grant {
    /// The device that sounds until then; `None` where no connected device does.
    source: Option<DeviceId>,
    target: (DeviceId, InstanceId),
    pub(crate) from_us: Micros,
}

impl Grant {
    pub(crate) fn of(record: &Record) -> Option<Self> {
        let active = record.playback.active?;
        let target = (active.device_id, active.instance);
        Some(Self { source: active.source, target, from_us: active.from_us? })
    }

    /// Adds it to those before, if it is another one.
    pub(crate) fn note(self, known: &mut Vec<Self>) {
        if known.last() != Some(&self) {
            known.push(self);
        }
        if known.len() > GRANTS {
            known.remove(0);
        }
    }
}

impl World {
    /// From its `welcome` until the server has closed that socket, or the device has: a link that breaks ends neither.
    pub(crate) fn is_connected(&self, index: usize) -> bool {
        let device = &self.devices[index];
        let socket = device.welcomed_on.and_then(|id| self.sockets.get(&id));
        device.is_on && socket.is_some_and(|socket| socket.served.is_some())
    }

    /// By how much a device may misjudge the server's time: what it says itself, what its clock has drifted since the
    /// last answer to a probe, and how far the nodes are apart.
    pub(crate) fn clock_bound_us(&self, index: usize) -> Option<i64> {
        let device = &self.devices[index];
        let skew_us = if self.is_shared() { 2 * SKEW_US } else { 0 };
        let bound_us = device.client.time().bound_us()?;
        // On the probe's own way, and since.
        let drift_us = device.drift_us(2 * bound_us) + device.drifted_us(self.now);
        Some(bound_us + drift_us + skew_us + TICK_US)
    }

    /// By how much it may misjudge the instant of a switch: one whose clock is known badly is so much more careful, and one
    /// that has slept is late alone.
    pub(crate) fn switch_bound_us(&self, index: usize) -> i64 {
        let device = &self.devices[index];
        let cautious_us = device.client.time().caution_us();
        self.clock_bound_us(index).map_or(device.told_us, |bound_us| bound_us - cautious_us)
    }

    /// Nothing has changed since the last check: a device that sounds now has sounded since then.
    pub(crate) fn check_overlap(&mut self) {
        let since = std::mem::replace(&mut self.looked_at, self.now);
        if since == self.now {
            return;
        }
        let audible: Vec<usize> = (0..self.devices.len()).filter(|index| self.devices[*index].is_audible()).collect();
        for index in &audible {
            self.check_contact(*index);
        }
        self.together.retain(|(one, other), _| audible.contains(one) && audible.contains(other));
        for (nth, one) in audible.iter().enumerate() {
            for other in &audible[nth + 1..] {
                self.check_pair(since, *one, *other);
            }
        }
    }

    /// A device that receives nothing sounds for `audio_ms` at most, in strict mode for its lease.
    fn check_contact(&self, index: usize) {
        let device = &self.devices[index];
        let audio_ms = if self.weather.is_strict { TIMING.lease_ms } else { AUDIO_MS };
        let skew_us = if self.is_shared() { 2 * SKEW_US } else { 0 };
        let drift_us = device.drift_us(audio_ms * 1_000) + device.drifted_us(self.now);
        let allowed_us = audio_ms * 1_000 + drift_us + skew_us + TICK_US;
        let alone_us = self.now - device.contact_us;
        assert!(alone_us <= allowed_us, "{index} sounds {alone_us} us after its last contact");
    }

    /// Two connected devices sound together at a scheduled switch alone, each by its own clock. In strict mode one that is
    /// cut off counts as well, unless the database forgot that it was granted anything.
    fn check_pair(&mut self, since: i64, one: usize, other: usize) {
        let began = *self.together.entry((one, other)).or_insert(since);
        let is_strict = self.weather.is_strict && !self.store.was_put_back;
        let counts = |index: usize| self.is_connected(index) || is_strict;
        let overlap_us = self.now - began;
        if !counts(one) || !counts(other) {
            self.worst_beside_us = self.worst_beside_us.max(overlap_us);
            assert!(
                overlap_us <= AUDIO_MS * 1_000 * 1_001 / 1_000,
                "{one} and {other} sound, one of them cut off, for {overlap_us} us"
            );
            return;
        }
        self.worst_overlap_us = self.worst_overlap_us.max(overlap_us);
        assert!(
            self.change_over(since, one, other) || self.change_over(since, other, one),
            "{one} and {other} sound together for {overlap_us} us, with bounds of {:?} us around {:?}",
            [one, other].map(|index| self.switch_bound_us(index)),
            self.store.grants.last()
        );
    }

    /// Whether they sounded together from `since` until now for `target` took over from `source` at an instant which each
    /// clock tells with its own bound.
    fn change_over(&self, since: i64, source: usize, target: usize) -> bool {
        let (is_cut_off, late_us) = (!self.is_connected(source), self.switch_bound_us(source));
        let (source, target) = (&self.devices[source], &self.devices[target]);
        self.store.grants.iter().any(|grant| {
            let is_source = grant.source.map_or(is_cut_off, |id| source.client.device_id() == Some(id));
            let is_target =
                target.client.device_id() == Some(grant.target.0) && target.client.instance() == grant.target.1;
            let at = grant.from_us.0 - self.nodes[0].clock_us;
            is_source && is_target && at - target.heard_bound_us <= since && self.now <= at + late_us
        })
    }
}
