//! Transfers (R7): the target loads while the source sounds on, and the accepted yield of the source is the switch.
//!
//! Only what sounds is prepared: anything else is a grant at once, and the target waits until the source has confirmed
//! that it is silent. After each step [`SessionState::tend_transfer`] cancels, completes or resets a transfer that no
//! longer fits the state.

use super::{At, Durability, Effect, Sender, SessionState};
use crate::protocol::ids::{DeviceId, InstanceId, Micros};
use crate::protocol::messages::{Ready, TransferMode, Yield};
use crate::protocol::playback::{Active, Intent, Status, Transfer};
use crate::state::Reject;

/// A transfer without a yield is cancelled after this many milliseconds.
const PREPARE_MS: i64 = 5_000;
/// The instant of a switch is at least this many milliseconds ahead when it is set.
const NOTICE_MS: i64 = 400;

impl SessionState {
    pub(super) fn transfer(&mut self, at: At, to: DeviceId, mode: TransferMode) -> Result<(), Reject> {
        let (device_id, instance) = self.able_to_play(to)?;
        let playback = &self.record.playback;
        let intent = match (mode, playback.intent) {
            _ if playback.item.is_none() => Intent::Stop,
            (TransferMode::Play, _) | (TransferMode::Keep, Intent::Play) => Intent::Play,
            (TransferMode::Pause | TransferMode::Keep, _) => Intent::Pause,
        };
        let holds = playback.active.is_some_and(|active| active.is(device_id, instance));
        let sounds = playback.status == Status::Playing && intent == Intent::Play;
        if holds {
            self.cancel_transfer(at);
            if self.record.playback.intent != intent {
                let ended = self.record.playback.status == Status::Ended;
                self.freeze(at);
                self.set_intent_after(at, ended, intent);
            }
        } else if !sounds {
            self.hand_over(at, device_id, instance, intent);
        } else if !playback.transfer.is_some_and(|transfer| transfer.is(device_id, instance)) {
            self.touch_playback(at);
            let deadline_us = at.now.plus_ms(PREPARE_MS);
            let transfer = Transfer { to, instance, lease: None, deadline_us, switch_at_us: None };
            self.edit().playback.transfer = Some(transfer);
        }
        Ok(())
    }

    /// Grants the lease to the target at once; the position stays.
    fn hand_over(&mut self, at: At, to: DeviceId, instance: InstanceId, intent: Intent) {
        let ended = self.record.playback.status == Status::Ended;
        self.freeze(at);
        self.grant(at, to, instance);
        self.set_intent_after(at, ended, intent);
    }

    /// Sets the intent. If the queue had come to its end (`ended`), `play` starts it from its first entry, as the
    /// command `play` does, and `pause` keeps the status `ended`.
    fn set_intent_after(&mut self, at: At, ended: bool, intent: Intent) {
        if let Some(first) = self.queue.first().filter(|_| ended && intent == Intent::Play) {
            self.edit().failures = 0;
            self.change_item(at, Some(first), 0);
        }
        self.set_intent(at, intent);
        if ended && intent == Intent::Pause {
            self.edit().playback.status = Status::Ended;
        }
    }

    /// The source no longer plays: a transfer to a connected target is completed by a grant. Returns whether there was
    /// one.
    pub(super) fn complete_transfer(&mut self, at: At, effects: &mut Vec<Effect>) -> bool {
        let reachable = |transfer: &Transfer| self.record.devices.is_connected(transfer.to, transfer.instance);
        let Some(transfer) = self.record.playback.transfer.filter(reachable) else { return false };
        self.hand_over(at, transfer.to, transfer.instance, self.record.playback.intent);
        effects.push(Effect::Commit(Durability::Now));
        true
    }

    /// Cancels a transfer whose deadline has passed; nothing else changes.
    pub(super) fn end_transfer(&mut self, at: At, effects: &mut Vec<Effect>) {
        if self.record.playback.transfer.is_some_and(|transfer| transfer.deadline_us <= at.now) {
            self.cancel_transfer(at);
            effects.push(Effect::Commit(Durability::Soon));
        }
    }

    pub(super) fn cancel_transfer(&mut self, at: At) {
        if self.record.playback.transfer.is_some() {
            self.touch_playback(at);
            self.edit().playback.transfer = None;
        }
    }

    /// The target has loaded the audio: sets the instant of the switch, [`NOTICE_MS`] ahead at least, so that source
    /// and target can receive it in time.
    pub(super) fn ready(&mut self, at: At, sender: Sender, ready: Ready, effects: &mut Vec<Effect>) {
        let playback = &self.record.playback;
        let is_target = |transfer: &Transfer| transfer.is(sender.device_id, sender.instance);
        let awaited = playback.transfer.filter(|transfer| is_target(transfer) && transfer.lease.is_none());
        let source = playback.active.filter(|active| active.lease == ready.lease);
        let is_current = playback.turn == ready.turn && playback.item.is_some_and(|item| item.id == ready.item);
        let (Some(transfer), Some(source), true) = (awaited, source, is_current) else {
            effects.push(Effect::ShowPlayback(sender.connection));
            return;
        };
        let earliest = ready.earliest_us.min(transfer.deadline_us).max(at.now.plus_ms(NOTICE_MS));
        let switch_at_us = source.from_us.map_or(earliest, |from_us| from_us.max(earliest));
        self.touch_playback(at);
        self.edit().playback.transfer =
            Some(Transfer { lease: Some(at.stamp), switch_at_us: Some(switch_at_us), ..transfer });
        effects.push(Effect::Commit(Durability::Soon));
    }

    /// The source promises to be silent from the instant of the switch on: the target gets the lease, from that instant
    /// on.
    pub(super) fn switch(&mut self, at: At, sender: Sender, yielded: Yield, effects: &mut Vec<Effect>) {
        let playback = &self.record.playback;
        let holds = playback
            .active
            .is_some_and(|active| active.is(sender.device_id, sender.instance) && active.lease == yielded.lease);
        let agreed = playback.transfer.filter(|transfer| holds && transfer.lease == yielded.to);
        let Some((transfer, (lease, from_us))) =
            agreed.and_then(|agreed| Some((agreed, agreed.lease.zip(agreed.switch_at_us)?)))
        else {
            return;
        };
        let place_ms = playback.position_at(from_us);
        if playback.status != Status::Playing || from_us <= at.now {
            // The source is silent by now, at the place where the target goes on.
            self.anchor(at, place_ms, at.now, Status::Starting);
        }
        self.touch_playback(at);
        let Transfer { to, instance, .. } = transfer;
        let source = Some(sender.device_id);
        self.edit().playback.active = Some(Active { device_id: to, instance, lease, from_us: Some(from_us), source });
        self.edit().playback.transfer = None;
        self.edit().quiet_from = Some(from_us);
        effects.push(Effect::Commit(Durability::Now));
    }

    /// At a load instants may come from an earlier clock: those of a switch are clamped to [`PREPARE_MS`] from now.
    pub(super) fn bound_switch(&mut self, now: Micros) {
        let latest = now.plus_ms(PREPARE_MS);
        let record = self.edit();
        record.quiet_from = record.quiet_from.map(|quiet_from| quiet_from.min(latest));
        if let Some(active) = &mut record.playback.active {
            active.from_us = active.from_us.map(|from_us| from_us.min(latest));
        }
    }

    /// Cancels a transfer whose target has no socket, completes one whose source no longer plays, and takes `lease` and
    /// `switch_at_us` back after a new turn.
    pub(super) fn tend_transfer(&mut self, at: At, effects: &mut Vec<Effect>) {
        let playback = &self.record.playback;
        let Some(transfer) = playback.transfer else { return };
        let has_target = self.record.devices.is_connected(transfer.to, transfer.instance);
        let is_quiet = playback.intent != Intent::Play || !self.has_connected_holder();
        if !has_target {
            self.cancel_transfer(at);
            effects.push(Effect::Commit(Durability::Soon));
        } else if is_quiet {
            self.complete_transfer(at, effects);
        } else if transfer.lease.is_some_and(|lease| lease < playback.turn) {
            self.touch_playback(at);
            self.edit().playback.transfer = Some(Transfer { lease: None, switch_at_us: None, ..transfer });
        }
    }
}
