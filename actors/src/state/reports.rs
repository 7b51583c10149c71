//! Reports of the active device (R3, R5), ends of items (R14), and volume changes made on a device itself (R15).

use super::{At, Durability, Effect, Sender, SessionState};
use crate::protocol::device::Volume;
use crate::protocol::ids::{ItemId, Stamp};
use crate::protocol::messages::{Ended, Report, Sound, VolumeChange};
use crate::protocol::playback::{Intent, Item, Status, Unplayable};

/// A report of playing that is older than this, in milliseconds, is a sign of life only.
const STALE_MS: i64 = 5_000;
/// At this many failures in a row the session no longer goes on to the next item.
const MOST_FAILURES: usize = 5;

impl SessionState {
    /// Whether the sender holds this lease, and turn and item are the current ones.
    fn is_current(&self, sender: Sender, lease: Stamp, turn: Stamp, item: ItemId) -> bool {
        let playback = &self.record.playback;
        playback.active.is_some_and(|active| active.is(sender.device_id, sender.instance) && active.lease == lease)
            && playback.turn == turn
            && playback.item.is_some_and(|current| current.id == item)
    }

    pub(super) fn report(&mut self, at: At, sender: Sender, report: Report, effects: &mut Vec<Effect>) {
        let current = self.is_current(sender, report.lease, report.turn, report.item);
        let playback = &self.record.playback;
        let early = report.status == Sound::Playing && !playback.after.is_empty();
        let over = playback.status == Status::Ended;
        if !current || early || over || !report.status.fits(playback.intent) {
            effects.push(Effect::ShowPlayback(sender.connection));
            return;
        }
        let at_us = report.at_us.min(at.now);
        if report.status == Sound::Playing && at.now.since_ms(at_us) > STALE_MS {
            if report.seen.is_some() {
                effects.push(Effect::ShowPlayback(sender.connection));
            }
            return;
        }
        if report.status == Sound::Failed {
            self.failed(at, sender, effects);
            return;
        }
        let status = Status::from(report.status);
        if !(Report { at_us, ..report }).agrees_with(playback) {
            self.anchor(at, report.position_ms, at_us, status);
            let is_played = |given_up: &Unplayable| status == Status::Playing && given_up.item == report.item;
            self.edit().playback.unplayable.take_if(|given_up| is_played(given_up));
            effects.push(Effect::Commit(Durability::Soon));
        }
        if status == Status::Playing && self.record.failures > 0 {
            self.edit().failures = 0;
        }
    }

    /// The active device cannot play the current item: goes on to the next one, up to [`MOST_FAILURES`] times in a row,
    /// and sets `unplayable`, which all devices are shown.
    fn failed(&mut self, at: At, sender: Sender, effects: &mut Vec<Effect>) {
        if self.record.playback.status == Status::Failed {
            return;
        }
        let most = MOST_FAILURES.min(self.queue.len());
        let failures = self.record.failures.saturating_add(1);
        self.edit().failures = failures;
        let playback = &self.record.playback;
        let goes_on = playback.intent == Intent::Play && usize::from(failures) < most;
        let current = playback.item.filter(|_| goes_on);
        let skip_to = current.and_then(|item| self.queue.skip_after(item.id, playback.repeat));
        let unplayable = |item: Item| Unplayable { item: item.id, device_id: sender.device_id };
        let given_up = playback.item.map(unplayable);
        match skip_to {
            Some(item) => self.change_item(at, Some(item), 0),
            None => self.anchor(at, self.record.playback.position_at(at.now), at.now, Status::Failed),
        }
        self.edit().playback.unplayable = given_up;
        effects.push(Effect::Commit(Durability::Now));
    }

    pub(super) fn ended(&mut self, at: At, sender: Sender, ended: Ended, effects: &mut Vec<Effect>) {
        let current = self.is_current(sender, ended.lease, ended.turn, ended.item);
        let playback = &self.record.playback;
        if !current || playback.intent != Intent::Play || !playback.after.is_empty() {
            effects.push(Effect::ShowPlayback(sender.connection));
            return;
        }
        self.edit().failures = 0;
        self.hear_to_the_end(at, ended);
        let gone_on = ended.to_item.and_then(|id| self.queue.get(id));
        match (gone_on, self.record.playback.next) {
            (Some(item), _) => {
                self.change_item(at, Some(item), 0);
                self.anchor(at, ended.position_ms, ended.at_us.min(at.now), Status::Playing);
            }
            (None, Some(item)) => self.change_item(at, Some(item), 0),
            (None, None) => self.finish(at),
        }
        effects.push(Effect::Commit(Durability::Now));
    }

    /// Adds to the listen what was heard of an item up to its end, which may lie before `now`.
    fn hear_to_the_end(&mut self, at: At, ended: Ended) {
        let until = if ended.to_item.is_some() { at.now } else { ended.at_us.min(at.now) };
        let end_ms = self.record.playback.position_at(until);
        self.anchor(at, end_ms, until, self.record.playback.status);
    }

    /// The queue is over: the intent becomes `pause`, and the status `ended`.
    pub(super) fn finish(&mut self, at: At) {
        self.set_intent(at, Intent::Pause);
        self.edit().playback.unplayable = None;
        let end_ms = self.record.playback.item.and_then(|item| item.duration_ms);
        let position_ms = end_ms.unwrap_or_else(|| self.record.playback.position_at(at.now));
        self.anchor(at, position_ms, at.now, Status::Ended);
    }

    /// A volume was changed on the device itself. A change that names an older version than the current one is not
    /// applied: the device is shown `devices` instead.
    pub(super) fn volume_turned(&mut self, at: At, sender: Sender, change: VolumeChange, effects: &mut Vec<Effect>) {
        let Some(device) = self.record.devices.get(sender.device_id) else { return };
        let version = device.volume.map_or(0, |volume| volume.version);
        if change.version != version || change.level > 100 {
            effects.push(Effect::ShowDevices(sender.connection));
            return;
        }
        let volume = Some(Volume { level: change.level, muted: change.muted, version });
        if device.volume == volume {
            return;
        }
        self.touch_devices(at);
        if let Some(device) = self.edit().devices.get_mut(sender.device_id) {
            device.volume = volume;
        }
    }
}
