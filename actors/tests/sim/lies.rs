//! Worlds in which something is wrong that the rules cannot mend: the checks must notice. A check that does not notice
//! the wrong of its world does not work.

use crate::run_under;
use crate::world::{Down, Up, World};
use segue_actors::protocol::ids::Micros;
use segue_actors::protocol::playback::Playback;
use segue_actors::protocol::wire::{ClientMessage, ServerMessage};
use std::collections::BTreeSet;

/// What is wrong in a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    /// `after` and `from_us` are left out of every frame: no device knows that it must wait.
    NobodyIsWaitedFor,
    /// On every other socket the server's time is wrong by two seconds.
    AnotherTime,
    /// The database says of every second commit that it is written, and forgets it.
    CommitsAreForgotten,
    /// Accepted commands are answered by a reject.
    AcceptedIsRejected,
    /// A backup is put back, and no node is told.
    AnUnsaidBackup,
    /// A backup is put back, and acknowledged commands count as kept all the same.
    AcksOutliveABackup,
    /// Every other socket gets the device list only once.
    OneDeviceList,
    /// Loudspeakers sound on when they are to be silent.
    NoSilence,
    /// On every other socket the reported position is wrong by two seconds.
    AnotherPlace,
    /// On every other socket the instant of a switch is too early.
    AnEarlySwitch,
    /// Loudspeakers do not follow volume commands.
    LoudspeakersStay,
    /// A backup is put back, and the volumes that were commanded since count as kept all the same.
    VolumesOutliveABackup,
}

/// What the checks say of each.
const NOTICED: [(Lie, &str); 12] = [
    (Lie::NobodyIsWaitedFor, "sound together for"),
    (Lie::AnotherTime, "is wrong by"),
    (Lie::AnotherPlace, "is heard at"),
    (Lie::CommitsAreForgotten, "an ack of what is not in the database"),
    (Lie::AcceptedIsRejected, "a reject of what is in the database"),
    (Lie::AnUnsaidBackup, "was applied 2 times"),
    (Lie::AcksOutliveABackup, "was acknowledged and is lost"),
    (Lie::OneDeviceList, "no rest: device"),
    (Lie::NoSilence, "is heard and does not know"),
    (Lie::AnEarlySwitch, "sound together for"),
    (Lie::LoudspeakersStay, "and listed is"),
    (Lie::VolumesOutliveABackup, "after version"),
];
/// Each is noticed within this many runs.
const RUNS: u64 = 2_000;

impl World {
    pub(crate) fn is_told(&self, lie: Lie) -> bool {
        self.lie == Some(lie)
    }

    /// What is said on a socket in place of the truth.
    pub(crate) fn said(&self, id: u64, mut up: Up) -> Up {
        if let Up::Message(message) = &mut up
            && let ClientMessage::Report(report) = message.as_mut()
            && self.is_told(Lie::AnotherPlace)
            && id.is_multiple_of(2)
        {
            report.position_ms += 2_000;
        }
        up
    }

    /// What a socket is told in place of the truth, if anything.
    pub(crate) fn told(&self, id: u64, mut down: Down) -> Option<Down> {
        let is_other = id.is_multiple_of(2);
        if let Down::Frame(message) = &mut down {
            match (self.lie, message.as_mut()) {
                (Some(Lie::NobodyIsWaitedFor), ServerMessage::Playback(playback)) => wait_for_nobody(playback),
                (Some(Lie::NobodyIsWaitedFor), ServerMessage::Welcome(welcome)) => {
                    wait_for_nobody(&mut welcome.playback);
                }
                (Some(Lie::AnEarlySwitch), ServerMessage::Playback(playback)) if is_other => {
                    if let Some(from_us) = playback.active.as_mut().and_then(|active| active.from_us.as_mut()) {
                        *from_us = from_us.plus_ms(-300);
                    }
                }
                (Some(Lie::AnotherTime), ServerMessage::Time { received_us, sent_us, .. }) if is_other => {
                    for instant in [received_us, sent_us] {
                        *instant = Micros(instant.0 + 2_000_000);
                    }
                }
                (Some(Lie::OneDeviceList), ServerMessage::Devices(_)) if is_other => return None,
                _ => {}
            }
        }
        Some(down)
    }
}

fn wait_for_nobody(playback: &mut Playback) {
    playback.after.clear();
    if let Some(active) = &mut playback.active {
        active.from_us = None;
    }
}

#[test]
fn the_checks_notice_every_lie() {
    for (lie, complaint) in NOTICED {
        let mut others = BTreeSet::new();
        let is_noticed = (0..RUNS).any(|seed| match run_under(lie, seed) {
            Err(why) if why.contains(complaint) => true,
            Err(why) => {
                others.insert(why);
                false
            }
            Ok(_) => false,
        });
        assert!(is_noticed, "of {lie:?} nothing says {complaint:?}, but {:?}", others.first());
    }
}
