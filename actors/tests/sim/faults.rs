//! What goes wrong.

use crate::world::World;

/// The longest that a commit takes, in microseconds, and a slow one on a single node.
const COMMIT_US: i64 = 10_000;
const SLOW_COMMIT_US: i64 = 500_000;

impl World {
    /// How long the next commit may take at most, in microseconds: on a single node some are slow.
    pub(crate) fn slowest_commit_us(&mut self) -> i64 {
        let is_slow = !self.is_shared() && self.is_busy() && self.chance.permille(50);
        if is_slow {
            self.waits = None;
            return SLOW_COMMIT_US;
        }
        COMMIT_US
    }

    pub(crate) fn fault(&mut self) {
        (self.waits, self.faulted_at) = (None, self.now);
        let device = self.chance.below(self.devices.len());
        let socket = self.devices[device].socket;
        let n = self.chance.below(self.nodes.len());
        match (self.chance.below(if self.is_shared() { 19 } else { 15 }), socket) {
            (0 | 1, Some(socket)) => {
                self.note("fault link silent");
                self.break_link(socket, false);
            }
            (2, Some(socket)) => {
                self.note("fault link cut");
                self.break_link(socket, true);
            }
            (3, _) => {
                self.note("fault reload");
                let ends = self.chance.below(3);
                self.end_device(device, ends, 3_000_000);
            }
            (4, _) => {
                self.note("fault device crash");
                let ends = self.chance.below(2);
                self.end_device(device, ends, 60_000_000);
            }
            (5, Some(_)) => self.leave(device),
            (6 | 7, _) if self.nodes[n].is_up => {
                if self.chance.permille(200) {
                    self.note("fault device crash before a node's");
                    self.end_device(device, 0, 110_000_000);
                }
                self.crash_node(n);
            }
            (8, _) if self.is_shared() || self.nodes[n].is_up => {
                if self.nodes[n].is_up && self.chance.permille(500) {
                    self.crash_node(n);
                }
                self.orphans.clear();
                if self.store.put_back(self.lie) {
                    self.note("fault database put back");
                }
            }
            (9, _) if self.nodes[n].takes_sockets() => self.drain_node(n),
            (10, Some(socket)) => {
                self.note("fault device reads slowly");
                self.reads_slowly(socket);
            }
            (11, Some(socket)) if self.devices[device].is_awake() => self.flood(device, socket),
            (12, _) => self.strangers(),
            (13 | 14, _) => self.fall_asleep(device),
            (15..=17, _) if !self.is_cut(n) => self.cut_node(n),
            (18, _) => {
                self.note("fault storm of changes");
                self.weather.storm_until = self.now + self.chance.between(0, 1_000_000);
            }
            _ => {}
        }
    }
}
