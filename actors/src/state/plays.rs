//! What counts as a play: a listen on one queue entry in which 30 s or half of it were heard, whichever comes first.
//!
//! A listen begins when the entry becomes current and lasts through seeks, pauses, transfers, reconnects and `repeat
//! one`. A play needs no commit of its own. It is named by its listen, and the database keeps it once, however often it
//! is written: if a crash comes before the write, it is counted again from the record.

use super::{At, Effect, SessionState};
use crate::protocol::ids::{DeviceId, ItemId, MediaId, Micros, Stamp};
use crate::protocol::playback::{MediaKind, Playback, Status};
use serde::{Deserialize, Serialize};

/// A listen counts after this much audio, in microseconds, however long the item is.
const LONG_ENOUGH_US: i64 = 30_000_000;

/// A listen that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Play {
    /// The queue entry. With `listen` it names the play.
    pub item: ItemId,
    /// The stamp of the change that made the entry current.
    pub listen: Stamp,
    /// The track or episode that was heard.
    pub media_id: MediaId,
    /// Which of the two it is.
    pub kind: MediaKind,
    /// When the listen began.
    pub started_us: Micros,
    /// The active device when the listen began to count.
    pub device_id: Option<DeviceId>,
}

/// How long the current item was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Listen {
    since: Stamp,
    started_us: Micros,
    heard_us: i64,
    counted: bool,
}

impl SessionState {
    /// Begins a listen: another item has become current.
    pub(super) fn begin_listen(&mut self, at: At) {
        self.edit().listen = Listen { since: at.stamp, started_us: at.now, heard_us: 0, counted: false };
    }

    /// Adds to the listen what was heard from the anchor to `until`; called before the anchor changes.
    pub(super) fn account(&mut self, until: Micros) {
        let heard_us = heard_since_anchor_us(&self.record.playback, until);
        let listen = &mut self.edit().listen;
        listen.heard_us = listen.heard_us.saturating_add(heard_us);
    }

    /// Pushes [`Effect::Played`] once the listen counts.
    pub(super) fn count_play(&mut self, now: Micros, effects: &mut Vec<Effect>) {
        let playback = &self.record.playback;
        let (Some(item), false) = (playback.item, self.record.listen.counted) else { return };
        if self.record.listen.heard_us.saturating_add(heard_since_anchor_us(playback, now)) < enough_us(playback) {
            return;
        }
        effects.push(Effect::Played(Play {
            item: item.id,
            listen: self.record.listen.since,
            media_id: item.media_id,
            kind: item.kind,
            started_us: self.record.listen.started_us,
            device_id: playback.active.map(|active| active.device_id),
        }));
        self.edit().listen.counted = true;
    }

    /// When the current listen will count, if the item plays on.
    pub(super) fn play_is_due(&self) -> Option<Micros> {
        let playback = &self.record.playback;
        let waits = playback.status == Status::Playing && playback.item.is_some() && !self.record.listen.counted;
        let missing_us = enough_us(playback).saturating_sub(self.record.listen.heard_us);
        let wall_us = playback.rate.wall_us(missing_us).saturating_add(1);
        let due = Micros(playback.at_us.0.saturating_add(wall_us));
        let ends_before = playback.item.and_then(|item| item.duration_ms).is_some_and(|duration_ms| {
            playback.position_ms.saturating_mul(1000).saturating_add(missing_us) > duration_ms.saturating_mul(1000)
        });
        (waits && !ends_before).then_some(due)
    }
}

fn heard_since_anchor_us(playback: &Playback, until: Micros) -> i64 {
    if playback.status != Status::Playing {
        return 0;
    }
    let rest_us = playback
        .item
        .and_then(|item| item.duration_ms)
        .map_or(i64::MAX, |duration_ms| duration_ms.saturating_sub(playback.position_ms).max(0).saturating_mul(1000));
    playback.rate.audio_us(until.since_us(playback.at_us).max(0)).min(rest_us)
}

fn enough_us(playback: &Playback) -> i64 {
    let half_us = playback.item.and_then(|item| item.duration_ms).map(|duration_ms| duration_ms.saturating_mul(500));
    half_us.map_or(LONG_ENOUGH_US, |half_us| half_us.clamp(1, LONG_ENOUGH_US))
}
