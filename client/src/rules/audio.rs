//! What a device's audio does, as far as the rules need it.

use crate::protocol::messages::Sound;
use crate::protocol::playback::{Item, Rate};

/// The audio of one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audio {
    /// Silent, nothing loaded.
    Silent,
    /// An item is being loaded to start at a place.
    Loading {
        /// The item.
        item: Item,
        /// Where it is to start, in milliseconds.
        position_ms: i64,
        /// Whether the platform refuses until a person acts.
        is_blocked: bool,
    },
    /// Sounding: it was at a place at an instant of the device's own clock, which is steady.
    Sounding {
        /// The item.
        item: Item,
        /// The place, in milliseconds.
        position_ms: i64,
        /// The instant, in microseconds of the device's clock.
        since_us: i64,
        /// The playing speed.
        rate: Rate,
    },
    /// Silent as the source of a switch, at the place where the target goes on.
    Held {
        /// The item.
        item: Item,
        /// The place, in milliseconds.
        position_ms: i64,
    },
    /// The item cannot be played.
    Failed {
        /// The item.
        item: Item,
    },
}

impl Audio {
    /// The item that is loaded.
    #[must_use]
    pub const fn item(&self) -> Option<Item> {
        match self {
            Self::Silent => None,
            Self::Loading { item, .. }
            | Self::Sounding { item, .. }
            | Self::Held { item, .. }
            | Self::Failed { item } => Some(*item),
        }
    }

    /// Whether anything can be heard.
    #[must_use]
    pub const fn is_sounding(&self) -> bool {
        matches!(self, Self::Sounding { .. })
    }

    /// The place at `local_us` of the device's clock, in milliseconds, within the item.
    #[must_use]
    pub fn position_at(&self, local_us: i64) -> Option<i64> {
        match self {
            Self::Loading { position_ms, .. } | Self::Held { position_ms, .. } => Some(*position_ms),
            Self::Sounding { item, position_ms, since_us, rate } => {
                let run_us = rate.audio_us(local_us.saturating_sub(*since_us).max(0));
                let end_ms = item.duration_ms.unwrap_or(i64::MAX);
                Some(position_ms.saturating_add(run_us / 1000).min(end_ms))
            }
            Self::Silent | Self::Failed { .. } => None,
        }
    }

    /// The status that a report of it has.
    #[must_use]
    pub const fn sound(&self) -> Sound {
        match self {
            Self::Silent => Sound::Paused,
            Self::Loading { is_blocked: true, .. } => Sound::Blocked,
            Self::Loading { .. } | Self::Held { .. } => Sound::Buffering,
            Self::Sounding { .. } => Sound::Playing,
            Self::Failed { .. } => Sound::Failed,
        }
    }
}
