//! What a session keeps in memory, in bytes, and the most that it may: each list has a limit of its own, so that no
//! device can use up the memory that is meant for another.

use super::devices::{Device, Devices, NAME_BYTES};
use super::queue::Queue;
use super::{Limits, SessionState, Wait};
use crate::protocol::playback::After;

/// The most bytes of a listed device: with the longest name that is allowed.
pub(super) const DEVICE_BYTES: usize = size_of::<Device>() + NAME_BYTES;

impl Limits {
    /// The most bytes that a session keeps, whatever its devices send.
    #[must_use]
    pub fn session_bytes(&self) -> usize {
        let each = DEVICE_BYTES + Self::PENDING_JOIN_BYTES + size_of::<After>() + size_of::<Wait>();
        self.queue_items * Queue::ENTRY_BYTES + self.devices * each + Devices::most_remembered(self.devices)
    }
}

impl SessionState {
    /// The bytes that the session keeps: at most [`Limits::session_bytes`].
    #[must_use]
    pub fn bytes(&self) -> usize {
        let devices: usize = self.devices().iter().map(Device::bytes).sum();
        let replaced = self.playback().after.len() * size_of::<After>() + self.waits.len() * size_of::<Wait>();
        let known = devices + self.bytes_of_pending_joins() + replaced + self.devices().bytes_remembered();
        self.queue.len() * Queue::ENTRY_BYTES + known
    }

    /// Whether each list is within its own limit, and all together within [`Limits::session_bytes`].
    pub(super) fn is_bounded(&self) -> bool {
        let devices = self.limits.devices;
        let lists = [
            (self.queue.len(), self.limits.queue_items),
            (self.devices().len(), devices),
            (self.pending_joins.len(), devices),
            (self.playback().after.len(), devices),
            (self.waits.len(), devices),
        ];
        let mut counts = lists.into_iter().chain(self.devices().counts(devices));
        counts.all(|(count, most)| count <= most) && self.bytes() <= self.limits.session_bytes()
    }
}
