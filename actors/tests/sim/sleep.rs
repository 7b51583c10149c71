//! Devices that sleep: nothing runs there and nothing is heard, and what arrives waits. Their clocks stand still meanwhile,
//! or go on. A client is told that it woke up before anything sounds again.

use crate::world::{Happening, World};
use segue_client::Input;

/// A sleep.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sleep {
    since: i64,
    pub(crate) until: i64,
    stands_still: bool,
}

impl World {
    pub(crate) fn fall_asleep(&mut self, index: usize) {
        if !self.devices[index].is_awake() {
            return;
        }
        let stands_still = self.chance.permille(600);
        self.note(if stands_still { "fault sleep, the clock stands still" } else { "fault sleep, the clock goes on" });
        let most_us = self.chance.pick(&[2_000_000, 10_000_000, 40_000_000]);
        let (since, until) = (self.now, self.now + self.chance.between(100_000, most_us));
        let device = &mut self.devices[index];
        device.tick_version += 1;
        (device.tick_at, device.moved) = (None, None);
        device.asleep = Some(Sleep { since, until, stands_still });
        self.at(until, Happening::Wakes(index));
    }

    pub(crate) fn wakes(&mut self, index: usize) {
        let Some(Sleep { since, stands_still, .. }) = self.devices[index].asleep.take() else { return };
        self.client_comes();
        self.devices[index].outlive_a_sleep(since, self.now, stands_still);
        self.input(index, Input::Wake);
        if !stands_still && self.devices[index].heard.is_some() {
            // The sound was interrupted, and goes on from where it was.
            self.audio(index, Input::Stalled);
        }
    }
}
