//! What a person (by keys) or a program (by lines of standard input) asks this device to do.

use segue_client::protocol::{
    device::DeviceView,
    ids::{DeviceId, MediaId},
    messages::TransferMode,
    playback::Repeat,
};
use std::{fmt, str::FromStr};

/// The longest text of a search, in characters.
const SEARCH_CHARS: usize = 200;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request {
    /// Continue.
    Play,
    /// Play these tracks, from the one of that index on.
    PlayTracks(Vec<MediaId>, usize),
    /// Play the album of this track, from it on.
    PlayAlbum(String, MediaId),
    Pause,
    Stop,
    /// Seek to this position, in milliseconds.
    Seek(i64),
    /// Seek by this much, in milliseconds.
    SeekBy(i64),
    Next,
    Previous,
    /// Transfer to a device, by id or by name.
    Transfer(String, TransferMode),
    /// Transfer to this device, and play.
    TakeOver,
    Repeat(Repeat),
    Shuffle(bool),
    /// Set the volume of the active device, else of this one: 0 to 100.
    Volume(u8),
    /// Change the volume of that device by this much.
    VolumeBy(i16),
    /// Play the best hit.
    Search(String),
    /// Show hits for what was typed so far.
    Look(String),
    /// Show the queue.
    Queue,
    Quit,
}

/// The request as a line of standard input; if there is no such line, the nearest one.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Play | Self::PlayAlbum(..) => f.write_str("play"),
            Self::PlayTracks(tracks, _) => {
                f.write_str("play")?;
                tracks.iter().try_for_each(|id| write!(f, " {id}"))
            }
            Self::Pause => f.write_str("pause"),
            Self::Stop => f.write_str("stop"),
            Self::Seek(ms) => write!(f, "seek {ms}"),
            Self::SeekBy(_) => f.write_str("seek"),
            Self::Next => f.write_str("next"),
            Self::Previous => f.write_str("previous"),
            Self::Transfer(device, TransferMode::Keep) => write!(f, "transfer {device}"),
            Self::Transfer(device, TransferMode::Play) => write!(f, "transfer {device} play"),
            Self::Transfer(device, TransferMode::Pause) => write!(f, "transfer {device} pause"),
            Self::TakeOver => f.write_str("take over"),
            Self::Repeat(Repeat::Off) => f.write_str("repeat off"),
            Self::Repeat(Repeat::One) => f.write_str("repeat one"),
            Self::Repeat(Repeat::All) => f.write_str("repeat all"),
            Self::Shuffle(on) => f.write_str(if *on { "shuffle on" } else { "shuffle off" }),
            Self::Volume(level) => write!(f, "volume {level}"),
            Self::VolumeBy(_) => f.write_str("volume"),
            Self::Search(words) | Self::Look(words) => write!(f, "search {words}"),
            Self::Queue => f.write_str("queue"),
            Self::Quit => f.write_str("quit"),
        }
    }
}

impl FromStr for Request {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let line = line.trim();
        let (word, rest) = line.split_once(char::is_whitespace).map_or((line, ""), |(word, rest)| (word, rest.trim()));
        let request = match (word, rest) {
            ("play", "") => Self::Play,
            ("play", ids) => Self::PlayTracks(tracks(ids)?, 0),
            ("pause", "") => Self::Pause,
            ("stop", "") => Self::Stop,
            ("seek", ms) => {
                Self::Seek(number(ms, 0, i64::MAX).ok_or("seek needs a place in milliseconds: seek 30000")?)
            }
            ("next", "") => Self::Next,
            ("previous", "") => Self::Previous,
            ("transfer", "") => return Err("transfer needs a device: transfer Kitchen, or its id".to_owned()),
            ("transfer", rest) => transfer(rest),
            ("repeat", "off") => Self::Repeat(Repeat::Off),
            ("repeat", "one") => Self::Repeat(Repeat::One),
            ("repeat", "all") => Self::Repeat(Repeat::All),
            ("repeat", _) => return Err("repeat is off, one or all".to_owned()),
            ("shuffle", "on") => Self::Shuffle(true),
            ("shuffle", "off") => Self::Shuffle(false),
            ("shuffle", _) => return Err("shuffle is on or off".to_owned()),
            ("volume", level) => {
                let level = number(level, 0, 100).and_then(|level| u8::try_from(level).ok());
                Self::Volume(level.ok_or("volume is a number from 0 to 100")?)
            }
            ("search", "") => return Err("search needs words: search blue train".to_owned()),
            ("search", words) if words.chars().count() > SEARCH_CHARS => {
                return Err(format!("a search has at most {SEARCH_CHARS} characters"));
            }
            ("search", words) => Self::Search(words.to_owned()),
            ("queue", "") => Self::Queue,
            ("quit", "") => Self::Quit,
            ("pause" | "stop" | "next" | "previous" | "queue" | "quit", _) => {
                return Err(format!("{word} stands alone"));
            }
            _ => {
                let word: String = word.chars().take(40).collect();
                return Err(format!(
                    "there is no command {word:?}; there are play, pause, stop, seek, next, previous, transfer, \
                     repeat, shuffle, volume, search, queue, quit"
                ));
            }
        };
        Ok(request)
    }
}

fn number(text: &str, least: i64, most: i64) -> Option<i64> {
    text.parse().ok().filter(|number| (least..=most).contains(number))
}

fn tracks(ids: &str) -> Result<Vec<MediaId>, String> {
    let read = |id: &str| id.parse().map_err(|error| format!("{id:?} is no track: {error}"));
    ids.split_whitespace().map(read).collect()
}

/// Splits the last word off, if it is a mode.
fn transfer(rest: &str) -> Request {
    let mode = |word| match word {
        "keep" => Some(TransferMode::Keep),
        "play" => Some(TransferMode::Play),
        "pause" => Some(TransferMode::Pause),
        _ => None,
    };
    let split = rest.rsplit_once(char::is_whitespace);
    match split.and_then(|(device, word)| Some((device.trim(), mode(word)?))) {
        Some((device, mode)) => Request::Transfer(device.to_owned(), mode),
        None => Request::Transfer(rest.to_owned(), TransferMode::Keep),
    }
}

/// The device of that id or name. A name may be written in another case, if only one device has it.
pub(super) fn device_named(devices: &[DeviceView], name: &str) -> Result<DeviceId, String> {
    if let Some(device) = devices.iter().find(|device| name.parse() == Ok(device.id)) {
        return Ok(device.id);
    }
    let lower = name.to_lowercase();
    let mut named = devices.iter().filter(|device| device.name.to_lowercase() == lower);
    match (named.next(), named.next()) {
        (Some(device), None) => Ok(device.id),
        (Some(_), Some(_)) => Err(format!("several devices are called {name:?}: give the id")),
        (None, _) => Err(format!("there is no device {name:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use segue_client::protocol::{
        device::{DeviceKind, PresenceView},
        ids::Micros,
    };

    #[test]
    fn every_command_is_read() {
        let transfer = |device: &str, mode| Request::Transfer(device.to_owned(), mode);
        for (line, request) in [
            ("play", Request::Play),
            (" play  00000000000000ab 0000000000000001 ", Request::PlayTracks(vec![MediaId(0xab), MediaId(1)], 0)),
            ("pause", Request::Pause),
            ("stop", Request::Stop),
            ("seek 1500", Request::Seek(1500)),
            ("next", Request::Next),
            ("previous", Request::Previous),
            ("transfer Kitchen", transfer("Kitchen", TransferMode::Keep)),
            ("transfer Living Room play", transfer("Living Room", TransferMode::Play)),
            ("transfer 00000000000000ab pause", transfer("00000000000000ab", TransferMode::Pause)),
            ("transfer play", transfer("play", TransferMode::Keep)),
            ("repeat all", Request::Repeat(Repeat::All)),
            ("shuffle on", Request::Shuffle(true)),
            ("volume 0", Request::Volume(0)),
            ("search Björk  hunter", Request::Search("Björk  hunter".to_owned())),
            ("queue", Request::Queue),
            ("quit", Request::Quit),
        ] {
            assert_eq!(line.parse(), Ok(request), "{line}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_why() {
        for (line, why) in [
            ("", "there is no command"),
            ("dance", "there is no command \"dance\""),
            ("play 12", "\"12\" is no track: an id is 16"),
            ("pause now", "pause stands alone"),
            ("seek", "seek needs a place"),
            ("seek -1", "seek needs a place"),
            ("seek 99999999999999999999", "seek needs a place"),
            ("transfer", "transfer needs a device"),
            ("repeat twice", "repeat is off, one or all"),
            ("shuffle", "shuffle is on or off"),
            ("volume 101", "volume is a number"),
            ("search", "search needs words"),
        ] {
            let told = line.parse::<Request>().expect_err(line);
            assert!(told.starts_with(why), "{told}");
        }
    }

    #[test]
    fn devices_go_by_id_or_by_a_name_that_only_one_has() {
        let device = |id, name: &str| DeviceView {
            id: DeviceId(id),
            name: name.to_owned(),
            kind: DeviceKind::Other,
            plays: true,
            controls: true,
            presence: PresenceView::Online,
            volume: None,
            since_us: Micros(0),
        };
        let devices = [device(1, "Kitchen"), device(2, "Hall"), device(3, "hall")];
        assert_eq!(device_named(&devices, "kitchen"), Ok(DeviceId(1)));
        assert_eq!(device_named(&devices, "0000000000000003"), Ok(DeviceId(3)));
        assert!(device_named(&devices, "hall").is_err_and(|why| why.contains("several")));
        assert!(device_named(&devices, "Attic").is_err_and(|why| why.contains("no device \"Attic\"")));
    }
}
