//! The keys of the screen.

use super::model::Model;
use crate::device::{api::ShownTrack, request::Request};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use segue_client::protocol::{
    messages::TransferMode,
    playback::{Intent, Repeat},
};

/// How far the arrow keys seek, in milliseconds.
const SEEK_MS: i64 = 10_000;
/// How much plus and minus change the volume.
const VOLUME: i16 = 5;
/// Longest text that can be typed, in characters.
const TYPED_CHARS: usize = 100;

/// A search that is being typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TypedSearch {
    pub(super) typed: String,
    /// The chosen hit; none while the person types.
    pub(super) chosen: Option<usize>,
}

/// The state that decides what a key does.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyState {
    pub(super) search: Option<TypedSearch>,
}

impl KeyState {
    /// The hits for what is typed; none until the answer comes.
    pub(super) fn hits<'a>(&self, model: &'a Model) -> &'a [ShownTrack] {
        match (&self.search, &model.hits) {
            (Some(search), Some((words, hits))) if search.typed.trim() == words => hits,
            _ => &[],
        }
    }

    /// What a key asks for.
    pub(super) fn press(&mut self, key: KeyEvent, model: &Model) -> Option<Request> {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return (key.code == KeyCode::Char('c')).then_some(Request::Quit);
        }
        if self.search.is_some() { self.search(key.code, model) } else { self.plain(key.code, model) }
    }

    fn plain(&mut self, code: KeyCode, model: &Model) -> Option<Request> {
        let shown = model.playback();
        match code {
            KeyCode::Char(' ') => {
                let plays = shown.is_some_and(|shown| shown.intent == Intent::Play);
                Some(if plays { Request::Pause } else { Request::Play })
            }
            KeyCode::Left => Some(Request::SeekBy(-SEEK_MS)),
            KeyCode::Right => Some(Request::SeekBy(SEEK_MS)),
            KeyCode::Char('n') => Some(Request::Next),
            KeyCode::Char('p') => Some(Request::Previous),
            KeyCode::Char('t') => Some(Request::TakeOver),
            KeyCode::Char('+' | '=') => Some(Request::VolumeBy(VOLUME)),
            KeyCode::Char('-') => Some(Request::VolumeBy(-VOLUME)),
            KeyCode::Char('r') => Some(Request::Repeat(match shown.map(|shown| shown.repeat) {
                None | Some(Repeat::Off) => Repeat::All,
                Some(Repeat::All) => Repeat::One,
                Some(Repeat::One) => Repeat::Off,
            })),
            KeyCode::Char('s') => Some(Request::Shuffle(!shown.is_some_and(|shown| shown.shuffle))),
            KeyCode::Char('/') => {
                self.search = Some(TypedSearch::default());
                None
            }
            KeyCode::Char('q') => Some(Request::Quit),
            KeyCode::Char(digit) => {
                let number = usize::try_from(digit.to_digit(10)?).ok()?;
                let device = model.devices().get(number.checked_sub(1)?)?;
                Some(Request::Transfer(device.id.to_string(), TransferMode::Keep))
            }
            _ => None,
        }
    }

    fn search(&mut self, code: KeyCode, model: &Model) -> Option<Request> {
        let hits = self.hits(model);
        let search = self.search.as_mut()?;
        let hit = hits.get(search.chosen.unwrap_or(0)).cloned();
        match (code, search.chosen) {
            (KeyCode::Esc, _) => {
                self.search = None;
                None
            }
            (KeyCode::Enter, _) => {
                let hit = hit?;
                self.search = None;
                Some(Request::PlayTracks(vec![hit.id], 0))
            }
            (KeyCode::Char('a'), Some(_)) => {
                let hit = hit?;
                let album = hit.album_id?;
                self.search = None;
                Some(Request::PlayAlbum(album, hit.id))
            }
            (KeyCode::Down | KeyCode::Tab, chosen) => {
                let wanted = chosen.map_or(0, |chosen| chosen.saturating_add(1));
                search.chosen = hits.len().checked_sub(1).map(|last| wanted.min(last));
                None
            }
            (KeyCode::Up, chosen) => {
                search.chosen = chosen.and_then(|chosen| chosen.checked_sub(1));
                None
            }
            (KeyCode::Backspace, _) => {
                search.typed.pop();
                search.look()
            }
            (KeyCode::Char(letter), _) if search.typed.chars().count() < TYPED_CHARS => {
                search.typed.push(letter);
                search.look()
            }
            _ => None,
        }
    }
}

impl TypedSearch {
    fn look(&mut self) -> Option<Request> {
        self.chosen = None;
        let words = self.typed.trim();
        (!words.is_empty()).then(|| Request::Look(words.to_owned()))
    }
}
