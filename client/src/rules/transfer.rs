//! The music moves (R7), as the two devices see it: the target loads without a sound, the source gives its lease up for
//! an instant and sounds until it.

use super::{Audio, Client, Output};
use crate::protocol::ids::{ItemId, Micros, Stamp};
use crate::protocol::messages::{Ready, Yield};
use crate::protocol::playback::{Intent, Playback, Transfer};
use crate::protocol::wire::ClientMessage;

/// What a target has been asked to load: of which holder's lease, of which turn, and which item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prepared {
    pub(super) lease: Stamp,
    pub(super) turn: Stamp,
    pub(super) item: ItemId,
    /// The audio is there.
    pub(super) is_loaded: bool,
}

/// What a source has promised: silence from an instant on, for a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Promise {
    to: Stamp,
    from_us: Micros,
}

impl Client {
    /// The holder of `lease` promises its silence for the switch that is shown, if one is; a promise whose switch is
    /// shown no more is void.
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
        // A clock that is not known cannot tell when: then at once.
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

    /// Silent for the switch, at the place where the target goes on.
    pub(super) fn keep_promise(&mut self, local_us: i64, outputs: &mut Vec<Output>) {
        if let (Audio::Sounding { item, .. } | Audio::Loading { item, .. }, Some(position_ms)) =
            (self.audio, self.audio.position_at(local_us))
        {
            self.audio = Audio::Held { item, position_ms };
            outputs.push(Output::Silence);
        }
    }

    /// The target of a transfer loads what is shown and says when it has; what nobody waits for is dropped.
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

    /// The audio that was to be prepared is there.
    pub(super) fn is_prepared(&mut self, local_us: i64, item: ItemId, outputs: &mut Vec<Output>) {
        if let Some(prepared) = self.prepared.as_mut().filter(|prepared| prepared.item == item) {
            prepared.is_loaded = true;
            self.say_ready(local_us, outputs);
        }
    }

    /// Says that the audio is there, as long as nothing shows that the server knows.
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
