//! Transfers (R7), as source and target carry them out: the target loads without a sound; the source gives its lease up
//! as of an instant, and sounds until then.

use super::{Audio, Client, Output};
use crate::protocol::ids::{ItemId, Micros, Stamp};
use crate::protocol::messages::{Ready, Yield};
use crate::protocol::playback::{Intent, Playback, Transfer};
use crate::protocol::wire::ClientMessage;

/// What a target has been asked to load: under which lease of the source, which turn, and which item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prepared {
    pub(super) lease: Stamp,
    pub(super) turn: Stamp,
    pub(super) item: ItemId,
    /// Whether the audio is loaded.
    pub(super) is_loaded: bool,
}

/// What a source has promised: silence from an instant on, for the lease of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Promise {
    to: Stamp,
    from_us: Micros,
}

impl Client {
    /// If a switch is shown, the holder of `lease` promises its silence for it. A promise whose switch is no longer
    /// shown ends.
    pub(super) fn promise(&mut self, lease: Stamp, shown: &Playback, outputs: &mut Vec<Output>) {
        let switch = shown.transfer.and_then(|transfer| transfer.lease.zip(transfer.switch_at_us));
        self.promise = switch.map(|(to, from_us)| Promise { to, from_us });
        if let Some(Promise { to, .. }) = self.promise.filter(|_| self.link.is_welcomed()) {
            let yielded = Yield { lease, seen: shown.stamp(), to: Some(to) };
            outputs.push(Output::Send(ClientMessage::Yield(yielded)));
        }
    }

    /// Whether the instant of a promised silence has come.
    pub(super) fn must_keep_promise(&self, local_us: i64) -> bool {
        // While the server's time is unknown, the instant counts as passed.
        let is_unknown = self.time.bound_us().is_none();
        self.promise.is_some_and(|promise| is_unknown || self.silent_from(promise) <= local_us)
    }

    /// When a promised silence begins, in local time.
    pub(super) fn promise_due(&self) -> Option<i64> {
        let promise = self.promise.filter(|_| matches!(self.audio, Audio::Sounding { .. } | Audio::Loading { .. }))?;
        Some(self.silent_from(promise))
    }

    fn silent_from(&self, promise: Promise) -> i64 {
        self.time.local(promise.from_us).saturating_sub(self.time.caution_us())
    }

    /// Whether this device, whose promise was accepted, may sound on until the switch.
    pub(super) fn sounds_until_switch(&self, local_us: i64, shown: &Playback) -> bool {
        let granted = |promise: Promise| shown.active.is_some_and(|active| active.lease == promise.to);
        let as_before = shown.intent == Intent::Play && self.carried.is_some_and(|(_, turn)| turn == shown.turn);
        self.audio.is_sounding() && as_before && self.promise.is_some_and(granted) && !self.must_keep_promise(local_us)
    }

    /// Falls silent for the switch, at the place where the target goes on.
    pub(super) fn keep_promise(&mut self, local_us: i64, outputs: &mut Vec<Output>) {
        if let (Audio::Sounding { item, .. } | Audio::Loading { item, .. }, Some(position_ms)) =
            (self.audio, self.audio.position_at(local_us))
        {
            self.audio = Audio::Held { item, position_ms };
            outputs.push(Output::Silence);
        }
    }

    /// The target of a transfer loads the shown item, and sends `ready` when it is loaded. What was loaded for a
    /// transfer that has ended is dropped.
    pub(super) fn prepare(&mut self, local_us: i64, shown: &Playback, outputs: &mut Vec<Output>) {
        let mine = |to: &Transfer| self.device.id.is_some_and(|id| to.is(id, self.device.instance));
        let wanted = shown.transfer.filter(mine).and(shown.active.map(|active| active.lease)).zip(shown.item);
        let is_silent = self.audio == Audio::Silent;
        match (wanted, self.prepared) {
            (Some((lease, item)), Some(now)) if (now.lease, now.turn, now.item) == (lease, shown.turn, item.id) => {
                self.say_ready(local_us, outputs);
            }
            (Some((lease, item)), _) if is_silent => {
                let place_ms = shown.position_at(self.server_now(local_us));
                self.prepared = Some(Prepared { lease, turn: shown.turn, item: item.id, is_loaded: false });
                outputs.push(Output::Prepare(item, place_ms));
            }
            (Some(_), _) => {}
            (None, Some(_)) if self.is_active() && shown.intent == Intent::Play => {}
            (None, _) => self.drop_prepared(outputs),
        }
    }

    pub(super) fn drop_prepared(&mut self, outputs: &mut Vec<Output>) {
        if self.prepared.take().is_some() && self.audio == Audio::Silent {
            outputs.push(Output::Silence);
        }
    }

    /// The audio of [`Output::Prepare`] is loaded.
    pub(super) fn is_prepared(&mut self, local_us: i64, item: ItemId, outputs: &mut Vec<Output>) {
        if let Some(prepared) = self.prepared.as_mut().filter(|prepared| prepared.item == item) {
            prepared.is_loaded = true;
            self.say_ready(local_us, outputs);
        }
    }

    /// Sends `ready` if the audio is loaded and the shown transfer has no `lease` yet.
    fn say_ready(&self, local_us: i64, outputs: &mut Vec<Output>) {
        let is_awaited = self.playback.as_ref().and_then(|shown| shown.transfer).is_some_and(|to| to.lease.is_none());
        let Some(Prepared { lease, turn, item, .. }) = self.prepared.filter(|prepared| prepared.is_loaded) else {
            return;
        };
        if is_awaited && self.link.is_welcomed() {
            let earliest_us = self.server_now(local_us);
            outputs.push(Output::Send(ClientMessage::Ready(Ready { lease, turn, item, earliest_us })));
        }
    }
}
