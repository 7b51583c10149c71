//! How the audio carries out what is shown, and what is reported of the audio (R1, R3, R14).

use super::{Audio, Client, Output};
use crate::protocol::ids::{Micros, Stamp};
use crate::protocol::messages::{Ended, Report, Sound, Yield};
use crate::protocol::playback::{Intent, Item, Playback, Rate, Status};
use crate::protocol::wire::ClientMessage;

/// Audio within this of the shown place, in milliseconds, is neither moved nor reported.
const AGREES_MS: i64 = Report::AGREES_MS;
/// Audio that was prepared is expected to sound within this, in milliseconds.
const PROMPT_MS: i64 = 300;
/// An `ended` that no `playback` shows is sent again after this long, in milliseconds.
const SAY_AGAIN_MS: i64 = 1_000;

impl Client {
    pub(super) fn rate(&self) -> Rate {
        self.playback.as_ref().map_or(Rate::NORMAL, |shown| shown.rate)
    }

    /// Carries out a playback, which is no older than the one before.
    pub(super) fn shown(&mut self, local_us: i64, playback: Playback, outputs: &mut Vec<Output>) {
        let ended_is_known = self.ended.is_some_and(|ended| {
            playback.turn != ended.turn || playback.active.map(|active| active.lease) != Some(ended.lease)
        });
        let is_new = self.playback.as_ref() != Some(&playback);
        self.playback = Some(playback);
        if ended_is_known {
            self.ended = None;
        }
        if is_new {
            outputs.push(Output::Show);
        }
        let was_preparing = self.prepared.is_some();
        self.obey(local_us, outputs);
        if !was_preparing && self.prepared.is_some() && self.time.is_rough(local_us) {
            // The clock decides how well two devices switch.
            self.ask_time_anew(local_us, outputs);
        }
    }

    pub(super) fn obey(&mut self, local_us: i64, outputs: &mut Vec<Output>) {
        let (Some(shown), Some(id)) = (self.playback.clone(), self.device.id) else { return };
        if let Some(lease) = self.lease() {
            self.promise(lease, &shown, outputs);
            self.hold(local_us, lease, &shown, outputs);
        } else if !self.sounds_until_switch(local_us, &shown) {
            self.promise = None;
            self.fall_silent(outputs);
        }
        self.prepare(local_us, &shown, outputs);
        let owed = shown.after.iter().find(|entry| entry.device_id == id && entry.instance == self.device.instance);
        if let Some(entry) = owed.filter(|_| self.link.is_welcomed()) {
            let yielded = Yield { lease: entry.lease, seen: shown.stamp(), to: None };
            outputs.push(Output::Send(ClientMessage::Yield(yielded)));
        }
    }

    /// What the holder of the lease does for the shown playback.
    fn hold(&mut self, local_us: i64, lease: Stamp, shown: &Playback, outputs: &mut Vec<Output>) {
        if self.must_keep_promise(local_us) {
            self.keep_promise(local_us, outputs);
            self.report_if_shown_wrong(local_us, shown, outputs);
            return;
        }
        let may_sound = shown.after.is_empty() && self.switch_has_come(local_us, shown) && self.takes_leave(local_us);
        if let Some(ended) = self.ended {
            self.say_ended(local_us, outputs);
            if !may_sound {
                self.fall_silent(outputs);
                self.ended = Some(ended);
            }
            return;
        }
        let has_carried = self.carried == Some((lease, shown.turn));
        let is_prompt = self.prepared.is_some_and(|prepared| prepared.is_loaded);
        match (shown.intent, shown.item) {
            (Intent::Play, Some(item)) if may_sound => {
                if !has_carried {
                    self.carried = Some((lease, shown.turn));
                    self.go_to(local_us, item, shown, outputs);
                } else if matches!(self.audio, Audio::Silent | Audio::Held { .. }) {
                    self.go_to(local_us, item, shown, outputs);
                }
            }
            (Intent::Play, Some(_)) => self.fall_silent(outputs),
            _ => {
                self.carried = Some((lease, shown.turn));
                self.drop_prepared(outputs);
                self.fall_silent(outputs);
            }
        }
        if is_prompt && self.prepared.is_none() && matches!(self.audio, Audio::Loading { .. }) {
            // What was prepared is expected to sound in a moment; if it does not, `buffering` is reported then.
            self.report_due = Some(local_us.saturating_add(PROMPT_MS * 1000));
            return;
        }
        self.report_if_shown_wrong(local_us, shown, outputs);
    }

    fn switch_has_come(&self, local_us: i64, shown: &Playback) -> bool {
        let from_us = shown.active.and_then(|active| active.from_us);
        from_us.is_none_or(|from_us| self.sounds_from(from_us) <= local_us)
    }

    /// When the target of a switch at `from_us` may sound, in local time.
    fn sounds_from(&self, from_us: Micros) -> i64 {
        self.time.local(from_us).saturating_add(self.time.caution_us())
    }

    /// Takes the audio to the shown place, unless it is there.
    fn go_to(&mut self, local_us: i64, item: Item, shown: &Playback, outputs: &mut Vec<Output>) {
        let now = self.server_now(local_us);
        let wanted_ms = shown.position_at(instant_of_switch(shown).map_or(now, |from_us| now.min(from_us)));
        let is_there = match &self.audio {
            Audio::Loading { item: loading, position_ms, is_blocked: false } => {
                loading.id == item.id && (position_ms - wanted_ms).abs() <= AGREES_MS
            }
            Audio::Sounding { item: sounding, rate, .. } => {
                let apart_ms = self.audio.position_at(local_us).map_or(i64::MAX, |place| (place - wanted_ms).abs());
                sounding.id == item.id && *rate == shown.rate && apart_ms <= AGREES_MS
            }
            _ => false,
        };
        self.prepared = None;
        if !is_there {
            self.audio = Audio::Loading { item, position_ms: wanted_ms, is_blocked: false };
            outputs.push(Output::Sound(item, wanted_ms));
        }
    }

    pub(super) fn fall_silent(&mut self, outputs: &mut Vec<Output>) {
        self.ended = None;
        self.report_due = None;
        if self.audio != Audio::Silent {
            self.audio = Audio::Silent;
            outputs.push(Output::Silence);
        }
    }

    pub(super) fn interrupted(&mut self, local_us: i64, is_blocked: bool, outputs: &mut Vec<Output>) {
        let place = self.audio.position_at(local_us);
        if let (Some(item), Some(position_ms)) = (self.audio.item(), place) {
            self.audio = Audio::Loading { item, position_ms, is_blocked };
            self.report(local_us, outputs);
        }
    }

    /// Compares again after an answered probe: with the better clock the last report may turn out to be wrong.
    pub(super) fn report_if_clock_was_wrong(&mut self, local_us: i64, outputs: &mut Vec<Output>) {
        if let Some(shown) = self.playback.clone().filter(|_| self.audio.is_sounding() && self.is_active()) {
            self.report_if_shown_wrong(local_us, &shown, outputs);
        }
    }

    /// Reports if the shown status or the shown place is not what the audio does.
    fn report_if_shown_wrong(&mut self, local_us: i64, shown: &Playback, outputs: &mut Vec<Output>) {
        let now = self.server_now(local_us);
        let wanted = match (shown.intent, self.audio.sound()) {
            (Intent::Stop, _) => return,
            (_, sound) => Status::from(sound),
        };
        let apart_ms = self.audio.position_at(local_us).map_or(0, |place| (place - shown.heard_at(now)).abs());
        let is_settled = matches!(shown.status, Status::Ended | Status::Idle | Status::Failed);
        let waits = wanted == Status::Buffering && shown.status == Status::Starting;
        if !is_settled && !waits && (shown.status != wanted || apart_ms > AGREES_MS) {
            self.report(local_us, outputs);
        }
    }

    /// Reports the audio, under the lease and turn that it carries out.
    pub(super) fn report(&mut self, local_us: i64, outputs: &mut Vec<Output>) {
        let now = self.server_now(local_us);
        self.report_due = None;
        let Some(shown) = &self.playback else { return };
        let (Some((lease, turn)), Some(item), true) = (self.carried, shown.item, self.link.is_welcomed()) else {
            return;
        };
        // Before the first answer to a probe, and after a sleep, server time is unknown: no report.
        let knows_time = self.time.bound_us().is_some();
        if !knows_time || self.ended.is_some() || self.lease() != Some(lease) || shown.turn != turn {
            return;
        }
        let position_ms = self.audio.position_at(local_us).unwrap_or_else(|| shown.position_at(now));
        let status = self.audio.sound();
        let report = Report { lease, turn, item: item.id, position_ms, at_us: now, status, seen: Some(shown.stamp()) };
        outputs.push(Output::Send(ClientMessage::Report(report)));
        // The server does not send what this changes; if it refuses the report it sends what stands.
        if status != Sound::Failed && !report.agrees_with(shown) {
            self.playback = Some(report.added_to(shown));
            outputs.push(Output::Show);
        }
    }

    /// The item ended: the next one follows without a gap, also without a connection.
    pub(super) fn finished(&mut self, local_us: i64, outputs: &mut Vec<Output>) {
        let (Some(item), Some(shown)) = (self.audio.item(), self.playback.clone()) else { return };
        if self.lease().is_none() {
            self.fall_silent(outputs);
            return;
        }
        let (Some((lease, turn)), Some(current)) = (self.carried, shown.item) else { return };
        let now = self.server_now(local_us);
        let next = shown.next.filter(|_| item.id == current.id);
        let end_ms = self.audio.position_at(local_us).unwrap_or(0);
        let first = self.ended.map_or(item.id, |ended| ended.item);
        let has_gone_on = first != item.id;
        if let Some(item) = next {
            outputs.push(Output::Sound(item, 0));
            self.audio = Audio::Loading { item, position_ms: 0, is_blocked: false };
        } else {
            outputs.push(Output::Silence);
            self.audio = Audio::Silent;
        }
        let to_item = next.map(|item| item.id).or(has_gone_on.then_some(item.id));
        let position_ms = if next.is_some() { 0 } else { end_ms };
        let ended = Ended { lease, turn, item: first, to_item, position_ms, at_us: now };
        self.ended = Some(ended);
        self.ended_due = local_us;
        self.say_ended(local_us, outputs);
        outputs.push(Output::Show);
    }

    /// Sends `ended`, with the place that the audio has reached since; again each second until a `playback` shows it.
    fn say_ended(&mut self, local_us: i64, outputs: &mut Vec<Output>) {
        let Some(ended) = self.ended.filter(|_| self.link.is_welcomed() && self.ended_due <= local_us) else { return };
        self.ended_due = local_us.saturating_add(SAY_AGAIN_MS * 1000);
        let now = self.server_now(local_us);
        let place = self.audio.position_at(local_us).filter(|_| ended.to_item.is_some());
        let ended = match place {
            Some(position_ms) => Ended { position_ms, at_us: now, ..ended },
            None => ended,
        };
        outputs.push(Output::Send(ClientMessage::Ended(ended)));
    }

    pub(super) fn tick(&mut self, local_us: i64, chance: u64, outputs: &mut Vec<Output>) {
        self.tick_link(local_us, chance, outputs);
        self.say_ended(local_us, outputs);
        self.resend_when_due(local_us, outputs);
        if self.silent_at().is_some_and(|at| at <= local_us) {
            self.fall_silent(outputs);
            outputs.push(Output::Show);
        }
        if self.report_due.is_some_and(|due| due <= local_us) {
            self.report(local_us, outputs);
        }
        self.obey_when_due(local_us, outputs);
    }

    /// When a switch to this device comes, in local time: `None` once it is carried out.
    pub(super) fn switch_due(&self) -> Option<i64> {
        let shown = self.playback.as_ref().filter(|_| self.is_active() && self.link.is_welcomed())?;
        let from_us = shown.active.and_then(|active| active.from_us)?;
        let is_free = self.ended.is_none() && self.promise.is_none() && !self.has_lapsed();
        let waits = self.audio == Audio::Silent && is_free;
        let is_wanted = shown.intent == Intent::Play && shown.item.is_some() && shown.after.is_empty();
        (waits && is_wanted).then(|| self.sounds_from(from_us))
    }

    fn obey_when_due(&mut self, local_us: i64, outputs: &mut Vec<Output>) {
        if [self.switch_due(), self.promise_due()].into_iter().flatten().any(|due| due <= local_us) {
            self.obey(local_us, outputs);
        }
    }
}

/// The instant of the switch, if the target has not reported since: its audio goes on from the place at that instant.
fn instant_of_switch(shown: &Playback) -> Option<Micros> {
    let active = shown.active.filter(|active| active.source.is_some())?;
    active.from_us.filter(|from_us| shown.at_us <= *from_us)
}
