//! What a session keeps in memory, in bytes, and the most that it may: each list has a limit of its own, so that no
//! device can make another pay.

use super::devices::{CODECS, Device, Devices, NAME_BYTES};
use super::playback::After;
use super::queue::Queue;
use super::{Limits, SessionState, Wait};

/// A listed device with the longest name and media types that it may give.
pub(super) const DEVICE_BYTES: usize = size_of::<Device>() + NAME_BYTES + CODECS.0 * (size_of::<String>() + CODECS.1);

/// Queue, devices, names given by people, answered commands, replaced holders, newcomers, deadlines of replaced holders.
type Parts = [usize; 7];

impl Limits {
    /// The most bytes that a session keeps, whatever is said to it.
    #[must_use]
    pub fn session_bytes(&self) -> usize {
        self.parts().iter().sum()
    }

    fn parts(&self) -> Parts {
        let devices = self.devices;
        [
            self.queue_items * Queue::ENTRY_BYTES,
            devices * DEVICE_BYTES,
            Devices::most_names(devices),
            Devices::most_answered(devices),
            devices * size_of::<After>(),
            devices * Self::NEWCOMER_BYTES,
            devices * size_of::<Wait>(),
        ]
    }
}

impl SessionState {
    /// The bytes that the session keeps: at most [`Limits::session_bytes`].
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.parts().iter().sum()
    }

    fn parts(&self) -> Parts {
        [
            self.queue.len() * Queue::ENTRY_BYTES,
            self.devices().iter().map(Device::bytes).sum(),
            self.devices().bytes_of_names(),
            self.devices().bytes_of_answered(),
            self.playback().after.len() * size_of::<After>(),
            self.bytes_of_newcomers(),
            self.waits.len() * size_of::<Wait>(),
        ]
    }

    /// Whether each list is within its own limit.
    pub(super) fn is_bounded(&self) -> bool {
        self.parts().iter().zip(self.limits.parts()).all(|(bytes, most)| *bytes <= most)
    }
}
