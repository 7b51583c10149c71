//! What holds after every step, in tests, in the simulation and in production: a session that breaks it restarts.

use super::SessionState;
use crate::protocol::ids::Stamp;
use crate::protocol::playback::{Intent, Status};

/// A rule that did not hold: a bug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Its number, as `I7`.
    pub number: &'static str,
    /// What should have held.
    pub rule: &'static str,
}

impl SessionState {
    /// Checks every numbered invariant.
    ///
    /// # Errors
    /// The first that does not hold.
    pub fn check(&self) -> Result<(), Violation> {
        let rules: [(&'static str, &'static str, bool); 15] = [
            ("I1", "intent and status are a legal pair", self.pair_is_legal()),
            ("I2", "no part is newer than the record", self.stamps_are_bounded()),
            ("I3", "the position lies in the item", self.position_is_in_item()),
            ("I4", "intent `play` has a holder and an item", self.intent_has_a_holder()),
            ("I5", "status `playing` has a connected holder, and `after` is empty", self.sound_has_a_source()),
            ("I6", "intent `play` without a connected holder is shown as `lost`", self.absence_is_shown()),
            ("I7", "a replaced holder is in `after` once, and the holder is not", self.after_is_a_set()),
            ("I8", "a replaced holder in `after` has a socket", self.after_is_connected()),
            ("I9", "devices and sockets are listed once, within the limit", self.devices_are_unique()),
            ("I10", "the queue holds its entries once, within the limit", self.queue_is_sound()),
            ("I11", "item is an entry of the queue, and next is the entry that follows it", self.items_match_queue()),
            ("I12", "without an item the status is `idle` and the position 0", self.nothing_is_idle()),
            ("I13", "a transfer has a source that is to play and another, connected target", self.transfer_has_both()),
            ("I14", "a pending join waits for another, connected instance", self.pending_joins_wait_for_somebody()),
            ("I15", "each list that is kept is within its limit", self.is_bounded()),
        ];
        match rules.into_iter().find(|(_, _, holds)| !holds) {
            Some((number, rule, _)) => Err(Violation { number, rule }),
            None => Ok(()),
        }
    }

    fn pair_is_legal(&self) -> bool {
        self.playback().status.is_legal_with(self.playback().intent)
    }

    fn stamps_are_bounded(&self) -> bool {
        let playback = self.playback();
        let newest = self.record().stamp;
        let mut stamps: Vec<Stamp> = vec![playback.stamp(), playback.turn];
        stamps.extend(playback.active.map(|active| active.lease));
        stamps.extend(playback.after.iter().map(|entry| entry.since));
        stamps.iter().all(|stamp| *stamp <= newest)
            && self.record().devices_revision <= newest.revision
            && playback.queue_revision <= newest.revision
    }

    fn position_is_in_item(&self) -> bool {
        let playback = self.playback();
        playback.position_ms == playback.clamp_ms(playback.position_ms)
    }

    fn intent_has_a_holder(&self) -> bool {
        let playback = self.playback();
        playback.intent != Intent::Play || (playback.active.is_some() && playback.item.is_some())
    }

    fn sound_has_a_source(&self) -> bool {
        let playback = self.playback();
        playback.status != Status::Playing || (self.has_connected_holder() && playback.after.is_empty())
    }

    fn absence_is_shown(&self) -> bool {
        let playback = self.playback();
        playback.intent != Intent::Play || self.has_connected_holder() || playback.status == Status::Lost
    }

    fn after_is_a_set(&self) -> bool {
        let playback = self.playback();
        let mut names: Vec<_> = playback.after.iter().map(|entry| (entry.device_id, entry.instance)).collect();
        names.extend(playback.active.map(|active| (active.device_id, active.instance)));
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        names.len() == all
    }

    fn after_is_connected(&self) -> bool {
        let mut after = self.playback().after.iter();
        after.all(|entry| self.devices().is_connected(entry.device_id, entry.instance))
    }

    fn transfer_has_both(&self) -> bool {
        self.playback().transfer.is_none_or(|transfer| {
            let target = self.devices().is_connected(transfer.to, transfer.instance);
            let is_source = self.playback().active.is_some_and(|active| active.is(transfer.to, transfer.instance));
            let agreed = transfer.lease.is_none_or(|lease| lease >= self.playback().turn);
            let sounds = self.has_connected_holder() && self.playback().intent == Intent::Play;
            target && !is_source && sounds && self.playback().after.is_empty() && agreed
        })
    }

    fn devices_are_unique(&self) -> bool {
        let mut ids: Vec<_> = self.devices().iter().map(|device| device.id).collect();
        let mut sockets: Vec<_> = self.devices().iter().filter_map(|device| device.presence.connection()).collect();
        let (devices, connected) = (ids.len(), sockets.len());
        ids.sort_unstable();
        ids.dedup();
        sockets.sort_unstable();
        sockets.dedup();
        ids.len() == devices && sockets.len() == connected && devices <= self.limits.devices
    }

    fn queue_is_sound(&self) -> bool {
        self.queue.len() == self.playback().queue_length
            && self.queue.len() <= self.limits.queue_items
            && self.queue.is_sound()
    }

    fn items_match_queue(&self) -> bool {
        let playback = self.playback();
        let next = playback.item.and_then(|item| self.queue.next_after(item.id, playback.repeat));
        playback.item.is_none_or(|item| self.queue.get(item.id) == Some(item)) && playback.next == next
    }

    fn nothing_is_idle(&self) -> bool {
        let playback = self.playback();
        playback.item.is_some() || (playback.status == Status::Idle && playback.position_ms == 0)
    }
}
