//! What `segue device --json` prints: one JSON object per line, named by its `event`.

use segue_client::Audio;
use segue_client::protocol::{
    device::DeviceView,
    ids::{CommandId, DeviceId, InstanceId, ItemId, MediaId, Micros},
    messages::RejectCode,
    playback::{Intent, Item, Playback, Status},
    wire::QueuePage,
};
use serde::Serialize;

/// One line. Positions are in milliseconds (`*_ms`), times in microseconds of server time (`*_us`).
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum EventLine<'a> {
    /// The server has welcomed this device.
    Welcome { server_us: Micros, device_id: DeviceId, instance: InstanceId },
    /// The playback state has changed: the object of the protocol.
    Playback { server_us: Micros, playback: &'a Playback },
    /// The position, as screens show it.
    Position(PositionSample),
    /// The list of devices.
    Devices { server_us: Micros, devices: &'a [DeviceView] },
    /// The state of this device's audio.
    Audio {
        server_us: Micros,
        #[serde(flatten)]
        audio: AudioEvent,
    },
    /// A command was answered.
    Answered {
        id: CommandId,
        command: String,
        #[serde(flatten)]
        answer: CommandAnswer,
    },
    /// A part of the queue.
    Queue(&'a QueuePage),
    /// The state of the connection.
    Link {
        state: LinkState,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
    /// Something could not be done.
    Error { message: &'a str },
    /// This many lines before this one were dropped, because the reader of standard output was too slow.
    Dropped { lines: u64 },
}

/// A sample of the position, 100 ms after the one before.
#[derive(Debug, Serialize)]
pub(super) struct PositionSample {
    pub(super) server_us: Micros,
    pub(super) position_ms: i64,
    pub(super) media_id: Option<MediaId>,
    pub(super) item: Option<ItemId>,
    pub(super) status: Status,
    pub(super) intent: Intent,
    /// The active device.
    pub(super) active: Option<DeviceId>,
    /// The largest error of `server_us`, in microseconds.
    pub(super) bound_us: Option<i64>,
    /// The wall clock of the machine at that time, in microseconds of Unix time.
    pub(super) wall_us: Micros,
    /// How late a 5 ms timer of this process was at worst since the last sample, in milliseconds.
    pub(super) late_ms: u64,
}

/// The state of the audio.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum AudioEvent {
    Silent,
    Loading {
        item: ItemId,
        media_id: MediaId,
        position_ms: i64,
    },
    Sounding {
        item: ItemId,
        media_id: MediaId,
        position_ms: i64,
    },
    Failed {
        item: ItemId,
        media_id: MediaId,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// All bytes have arrived; `verified`: there was another hash to compare with, and it was the same.
    Loaded {
        item: ItemId,
        media_id: MediaId,
        bytes: u64,
        sha256: String,
        verified: bool,
    },
}

impl AudioEvent {
    /// The state of the audio, without `loaded`.
    pub(super) fn of(audio: &Audio, reason: Option<String>) -> Self {
        match *audio {
            Audio::Silent | Audio::Held { .. } => Self::Silent,
            Audio::Loading { item: Item { id, media_id, .. }, position_ms, .. } => {
                Self::Loading { item: id, media_id, position_ms }
            }
            Audio::Sounding { item: Item { id, media_id, .. }, position_ms, .. } => {
                Self::Sounding { item: id, media_id, position_ms }
            }
            Audio::Failed { item: Item { id, media_id, .. } } => Self::Failed { item: id, media_id, reason },
        }
    }
}

/// The answer to a command: the revision that it made, or why it was rejected.
#[derive(Debug, Serialize)]
pub(super) struct CommandAnswer {
    accepted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<RejectCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl From<Result<u64, (RejectCode, String)>> for CommandAnswer {
    fn from(answer: Result<u64, (RejectCode, String)>) -> Self {
        match answer {
            Ok(revision) => Self { accepted: true, revision: Some(revision), code: None, message: None },
            Err((code, message)) => Self { accepted: false, revision: None, code: Some(code), message: Some(message) },
        }
    }
}

/// The state of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LinkState {
    Up,
    Down,
    /// It has ended, and there is no further attempt.
    Over,
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use segue_client::protocol::{ids::Stamp, playback::MediaKind};

    fn check(event: &EventLine<'_>, expected: &Expect) {
        expected.assert_eq(&serde_json::to_string(event).expect("an event is plain data"));
    }

    #[test]
    fn events_are_lines_of_json() {
        let item = Item { id: ItemId(1), kind: MediaKind::Track, media_id: MediaId(2), duration_ms: Some(9) };
        let server_us = Micros(7);
        check(
            &EventLine::Welcome { server_us, device_id: DeviceId(3), instance: InstanceId(4) },
            &expect![[
                r#"{"event":"welcome","server_us":7,"device_id":"0000000000000003","instance":"0000000000000004"}"#
            ]],
        );
        let playback = Playback::new(Stamp { epoch: 1, revision: 2 }, Micros(3));
        check(
            &EventLine::Playback { server_us, playback: &playback },
            &expect![[
                r#"{"event":"playback","server_us":7,"playback":{"epoch":1,"revision":2,"turn":[1,2],"intent":"stop","status":"idle","position_ms":0,"at_us":3,"rate":1,"after":[],"repeat":"off","shuffle":false,"queue_revision":2,"queue_length":0}}"#
            ]],
        );
        let position = PositionSample {
            server_us,
            position_ms: 5,
            media_id: Some(item.media_id),
            item: None,
            status: Status::Playing,
            intent: Intent::Play,
            active: Some(DeviceId(3)),
            bound_us: Some(80),
            wall_us: Micros(6),
            late_ms: 2,
        };
        check(
            &EventLine::Position(position),
            &expect![[
                r#"{"event":"position","server_us":7,"position_ms":5,"media_id":"0000000000000002","item":null,"status":"playing","intent":"play","active":"0000000000000003","bound_us":80,"wall_us":6,"late_ms":2}"#
            ]],
        );
        let sounding =
            Audio::Sounding { item, position_ms: 5, since_us: 7, rate: segue_client::protocol::playback::Rate::NORMAL };
        check(
            &EventLine::Audio { server_us, audio: AudioEvent::of(&sounding, None) },
            &expect![[
                r#"{"event":"audio","server_us":7,"state":"sounding","item":"0000000000000001","media_id":"0000000000000002","position_ms":5}"#
            ]],
        );
        check(
            &EventLine::Audio { server_us, audio: AudioEvent::of(&Audio::Failed { item }, Some("gone".to_owned())) },
            &expect![[
                r#"{"event":"audio","server_us":7,"state":"failed","item":"0000000000000001","media_id":"0000000000000002","reason":"gone"}"#
            ]],
        );
        let rejected = Err((RejectCode::Stale, "too late".to_owned()));
        for (answer, expected) in [
            (
                Ok(8),
                expect![[
                    r#"{"event":"answered","id":"0000000000000006","command":"next","accepted":true,"revision":8}"#
                ]],
            ),
            (
                rejected,
                expect![[
                    r#"{"event":"answered","id":"0000000000000006","command":"next","accepted":false,"code":"stale","message":"too late"}"#
                ]],
            ),
        ] {
            let command = "next".to_owned();
            check(&EventLine::Answered { id: CommandId(6), command, answer: answer.into() }, &expected);
        }
        check(
            &EventLine::Link { state: LinkState::Down, reason: Some("cut") },
            &expect![[r#"{"event":"link","state":"down","reason":"cut"}"#]],
        );
    }
}
