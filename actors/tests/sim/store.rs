//! The database: one record, changed by compare-and-set, with answers that are late, lost or wrong, and backups.

use crate::lies::Lie;
use crate::overlap::Grant;
use segue_actors::node::ports::{Outcome, PortError, SessionChange};
use segue_actors::protocol::ids::{CommandId, DeviceId, Micros};
use segue_actors::state::{Record, queue::Queue};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Backups that are kept.
const BACKUPS: usize = 12;

/// For this long after its ack a command must be in the record; the rules keep it for ten minutes.
const REMEMBERED_US: i64 = 500_000_000;

/// The last heartbeat of each run of a node.
type Heartbeats = BTreeMap<u64, Micros>;

#[derive(Default)]
pub(crate) struct Store {
    pub(crate) row: Option<(Arc<Record>, Arc<Queue>)>,
    /// With the heartbeats of that time.
    backups: VecDeque<(Arc<Record>, Arc<Queue>, Heartbeats)>,
    pub(crate) was_put_back: bool,
    /// Which database this is: another one each time that a backup is put back.
    pub(crate) identity: u64,
    pub(crate) heartbeats: Heartbeats,
    /// The last leases that begin at an instant.
    pub(crate) grants: Vec<Grant>,
    /// The revisions that each command that waits for an answer made, as the record says.
    pub(crate) applied: BTreeMap<(DeviceId, CommandId), Vec<u64>>,
    /// The highest version of each device's volume that was ever stored.
    pub(crate) volume_versions: BTreeMap<DeviceId, u64>,
    /// The newest command of each device that was acknowledged, with its revision, and when.
    pub(crate) acked: BTreeMap<DeviceId, (CommandId, u64, i64)>,
}

pub(crate) fn fault(message: &str) -> PortError {
    PortError { message: message.to_owned(), is_transient: true }
}

impl Store {
    /// Compare and set.
    pub(crate) fn commit(&mut self, now: i64, change: SessionChange) -> Outcome {
        let standing = self.row.as_ref().map(|(record, _)| record.stamp);
        if standing != change.expected {
            return Outcome::Conflict(self.row.as_ref().map(|(record, _)| Box::new(Record::clone(record))));
        }
        let queue = change.queue.or_else(|| self.row.as_ref().map(|(_, queue)| queue.clone())).unwrap_or_default();
        let answers = |device_id, id| change.record.devices.answer_to(device_id, id);
        for ((device_id, id), made) in &mut self.applied {
            if let Some(revision) = answers(*device_id, *id).filter(|revision| !made.contains(revision)) {
                made.push(revision);
                let times = made.len();
                assert!(times <= 1, "command {id} of {device_id} was applied {times} times");
            }
        }
        if let Some(by) = change.record.playback.by {
            let answer = answers(by.device_id, by.command_id);
            let revision = change.record.playback.revision;
            assert!(answer.is_none_or(|answer| answer == revision), "command {} was carried out again", by.command_id);
        }
        self.acked.retain(|_, (.., since)| now - *since < REMEMBERED_US);
        for (device_id, (id, revision, _)) in &self.acked {
            let answer = answers(*device_id, *id);
            assert!(answer == Some(*revision), "command {id} of {device_id} was acknowledged and is lost: {answer:?}");
        }
        for device in change.record.devices.iter() {
            let version = self.volume_versions.entry(device.id).or_default();
            *version = (*version).max(device.volume.map_or(0, |volume| volume.version));
        }
        if let Some(grant) = Grant::of(&change.record) {
            grant.note(&mut self.grants);
        }
        if let Some((record, queue)) = self.row.replace((change.record, queue)) {
            self.backups.push_back((record, queue, self.heartbeats.clone()));
            if self.backups.len() > BACKUPS {
                self.backups.pop_front();
            }
        }
        Outcome::Committed
    }

    /// The last sign of life of any node.
    pub(crate) fn last_heartbeat(&self) -> Option<Micros> {
        self.heartbeats.values().max().copied()
    }

    /// Another writer changes the record.
    pub(crate) fn bump(&mut self) {
        if let Some((record, _)) = &mut self.row {
            let record = Arc::make_mut(record);
            record.stamp = record.stamp.next();
        }
    }

    /// Puts the oldest backup back. What was acknowledged since is lost, and no device is to blame, unless the world is told
    /// otherwise.
    pub(crate) fn put_back(&mut self, lie: Option<Lie>) -> bool {
        let Some((record, queue, heartbeats)) = self.backups.pop_front() else { return false };
        self.row = Some((record, queue));
        self.heartbeats = heartbeats;
        self.identity += 1;
        self.was_put_back = true;
        self.backups.clear();
        if lie != Some(Lie::VolumesOutliveABackup) {
            self.volume_versions.clear();
        }
        if lie != Some(Lie::AnUnsaidBackup) {
            self.applied.clear();
        }
        if lie != Some(Lie::AcksOutliveABackup) {
            self.acked.clear();
        }
        true
    }
}
