//! The JSON of the protocol: what is read, what is refused, and that both sides agree.

use expect_test::expect;
use proptest::prelude::*;
use segue_actors::protocol::close::CloseReason;
use segue_actors::protocol::device::{DeviceKind, HelloDevice, Volume};
use segue_actors::protocol::ids::{CommandId, DeviceId, InstanceId, ItemId, MediaId, Micros, NodeId, Stamp};
use segue_actors::protocol::messages::{Command, Op, Report, Sound, TrackList, TransferMode, Yield};
use segue_actors::protocol::playback::{
    Active, After, By, Intent, Item, MediaKind, Playback, Repeat, Status, Transfer, Unplayable,
};
use segue_actors::protocol::wire::{ClientMessage, Hello, ServerMessage, playback_frame};
use segue_actors::state::devices::Description;
use segue_actors::state::{Limits, SessionState};

fn answer(text: &str) -> String {
    match ClientMessage::decode(text) {
        Ok(message) => format!("{message:?}"),
        Err(error) => format!("refused: {error}"),
    }
}

#[test]
fn frames_are_read_as_the_protocol_writes_them() {
    let id = "00000000000000ab";
    let frames = [
        format!(r#"{{"type":"hello","device":{{"instance":"{id}","name":"Kitchen","plays":true,"controls":true}}}}"#),
        format!(r#"{{"type":"command","id":"{id}","op":"play","tracks":["{id}"],"on":"{id}"}}"#),
        format!(r#"{{"type":"command","id":"{id}","op":"next","if_item":"{id}","if_lease":[7,3],"later":1}}"#),
        format!(r#"{{"type":"command","id":"{id}","op":"queue.insert","tracks":[],"before":"{id}"}}"#),
        format!(r#"{{"type":"command","id":"{id}","op":"seek"}}"#),
        format!(r#"{{"type":"command","id":"{id}","op":"levitate"}}"#),
        r#"{"type":"yield","lease":[7,3],"seen":[7,5]}"#.to_owned(),
        r#"{"type":"time","client_us":-5}"#.to_owned(),
        r#"{"type":"pong"}"#.to_owned(),
        r#"{"type":"bye","reason":"sleep"}"#.to_owned(),
        r#"{"type":"tomorrow","x":[1,2]}"#.to_owned(),
    ];
    let answers: Vec<String> = frames.iter().map(|frame| answer(frame)).collect();
    expect![[r#"
        Hello(Hello { token: None, device: HelloDevice { id: None, instance: InstanceId(00000000000000ab), name: "Kitchen", kind: Other, plays: true, controls: true, volume: None }, seen: None, attempt: None })
        Command(Command { id: CommandId(00000000000000ab), if_item: None, if_queue_revision: None, if_lease: None, op: Play { item: None, tracks: [MediaId(00000000000000ab)], start: None, position_ms: None, on: Some(DeviceId(00000000000000ab)) } })
        Command(Command { id: CommandId(00000000000000ab), if_item: Some(ItemId(00000000000000ab)), if_queue_revision: None, if_lease: Some(Stamp { epoch: 7, revision: 3 }), op: Next })
        Command(Command { id: CommandId(00000000000000ab), if_item: None, if_queue_revision: None, if_lease: None, op: QueueInsert { tracks: [], after: None, before: Some(ItemId(00000000000000ab)) } })
        BadCommand { id: CommandId(00000000000000ab), why: "missing field `position_ms`" }
        BadCommand { id: CommandId(00000000000000ab), why: "unknown variant `levitate`, expected one of `play`, `play.list`, `pause`, `stop`, `seek`, `next`, `previous`, `transfer`, `repeat`, `shuffle`, `rate`, `volume`, `queue.replace`, `queue.insert`, `queue.move`, `queue.remove`, `queue.clear`, `device.rename`, `device.forget` at line 1 column 57" }
        Yield(Yield { lease: Stamp { epoch: 7, revision: 3 }, seen: Stamp { epoch: 7, revision: 5 }, to: None })
        Time { client_us: -5 }
        Pong
        Bye { reason: Sleep }
        Unknown"#]].assert_eq(&answers.join("\n"));
}

#[test]
fn bad_frames_are_refused_with_a_reason() {
    let long = format!(r#"{{"type":"pong","x":"{}"}}"#, "x".repeat(64 * 1024));
    let frames = [
        "",
        "x",
        "[]",
        r#"{"type":"hello"}"#,
        r#"{"type":"time","client_us":"soon"}"#,
        r#"{"type":"command","op":"pause"}"#,
        r#"{"type":"command","id":"AB","op":"pause"}"#,
        r#"{"type":"yield","lease":[7],"seen":[7,5]}"#,
        r#"{"type":"report","lease":[1,1],"turn":[1,1],"item":"00000000000000ab","position_ms":1.5,"at_us":1,"status":"playing"}"#,
        r#"{"type":"report","lease":[1,1],"turn":[1,1],"item":"00000000000000ab","position_ms":1,"at_us":1,"status":"lost"}"#,
        &long,
    ];
    let answers: Vec<String> = frames.iter().map(|frame| answer(frame)).collect();
    expect![[r#"
        refused: EOF while parsing a value at line 1 column 0
        refused: expected value at line 1 column 1
        refused: a frame is one JSON object
        refused: missing field `device`
        refused: invalid type: string "soon", expected i64
        refused: missing field `id`
        refused: an id is 16 lower-case hex digits
        refused: invalid length 1, expected a tuple of size 2
        refused: invalid type: floating point `1.5`, expected i64
        refused: unknown variant `lost`, expected one of `starting`, `playing`, `paused`, `buffering`, `blocked`, `failed`
        refused: a frame has at most 65536 bytes"#]].assert_eq(&answers.join("\n"));
}

/// A reason is logged, and sent back: it must not carry a frame's worth of text, nor begin a line of its own.
#[test]
fn a_refusal_is_short_and_on_one_line_whatever_the_frame_holds() {
    let id = "00000000000000ab";
    for word in ["x\\nerror: all is lost".to_owned(), "\u{85}".repeat(9), "x".repeat(60_000)] {
        let refused = [
            format!(r#"{{"type":"bye","reason":"{word}"}}"#),
            format!(r#"{{"type":"command","id":"{id}","op":"{word}"}}"#),
        ];
        for frame in refused {
            let answer = answer(&frame);
            assert!(answer.contains("unknown variant") && answer.len() < 2_000, "{} bytes", answer.len());
            assert!(!answer.chars().any(char::is_control) && !answer.contains("\\n"), "{answer}");
        }
    }
}

#[test]
fn a_hello_beyond_its_bounds_is_refused() {
    let device = |name: &str, level: u8| HelloDevice {
        id: None,
        instance: InstanceId(1),
        name: name.to_owned(),
        kind: DeviceKind::Browser,
        plays: true,
        controls: true,
        volume: Some(Volume { level, muted: false, version: 0 }),
    };
    assert!(Description::of(device(" Küche ", 100)).is_ok_and(|description| description.name == "Küche"));
    for bad in [device("", 0), device("\u{7}", 0), device(&"x".repeat(65), 0), device("x", 101)] {
        assert!(Description::of(bad.clone()).is_err(), "{bad:?}");
    }
}

#[test]
fn t34_a_playback_is_under_one_kibibyte_at_its_longest() {
    let stamp = Stamp { epoch: 1_900_000_000_000, revision: 9_000_000_000 };
    let item = Item {
        id: ItemId(u64::MAX),
        kind: MediaKind::Episode,
        media_id: MediaId(u64::MAX),
        duration_ms: Some(99_999_999),
    };
    let (device_id, instance, at_us) = (DeviceId(u64::MAX), InstanceId(u64::MAX), Micros(1_900_000_000_000_000));
    let after = After { device_id, instance, lease: stamp, since: stamp };
    let playback = Playback {
        intent: Intent::Play,
        status: Status::Buffering,
        item: Some(item),
        next: Some(item),
        position_ms: 99_999_999,
        active: Some(Active { device_id, instance, lease: stamp, from_us: Some(at_us), source: Some(device_id) }),
        after: vec![after],
        transfer: Some(Transfer {
            to: device_id,
            instance: InstanceId(u64::MAX),
            lease: Some(stamp),
            deadline_us: at_us,
            switch_at_us: Some(at_us),
        }),
        repeat: Repeat::Off,
        queue_revision: stamp.revision,
        queue_length: 10_000,
        ..Playback::new(stamp, at_us)
    };
    // A command is newer than what was given up, or the other way round.
    let by = Some(By { device_id, command_id: CommandId(u64::MAX) });
    let unplayable = Some(Unplayable { item: item.id, device_id });
    for playback in [Playback { by, ..playback.clone() }, Playback { unplayable, ..playback }] {
        let frame = ServerMessage::Playback(Box::new(playback)).encode();
        assert!(frame.len() < 1024, "{} bytes: {frame}", frame.len());
    }
}

#[test]
fn the_server_speaks_as_the_protocol_says() {
    let state = SessionState::new(Micros(1_700_000_000_000_000), 0, NodeId(1), Limits::default());
    let frames = [
        ServerMessage::Playback(Box::new(state.playback().clone())),
        ServerMessage::goaway(CloseReason::Slow, 5_000),
        ServerMessage::goaway(CloseReason::TooManyDevices, 5_000),
        ServerMessage::Ping { now_us: Micros(5) },
        ServerMessage::Ack { id: CommandId(1), revision: 7, queue_length: None },
    ];
    let texts: Vec<String> = frames.iter().map(ServerMessage::encode).collect();
    for (frame, text) in frames.iter().zip(&texts) {
        assert_eq!(ServerMessage::decode(text).as_ref(), Ok(frame));
    }
    expect![[r#"
        {"type":"playback","epoch":1700000000000,"revision":1,"turn":[1700000000000,1],"intent":"stop","status":"idle","position_ms":0,"at_us":1700000000000000,"rate":1,"after":[],"repeat":"off","shuffle":false,"queue_revision":1,"queue_length":0}
        {"type":"goaway","code":4003,"reason":"slow","reconnect":true,"jitter_ms":5000}
        {"type":"goaway","code":4009,"reason":"too_many_devices","reconnect":true,"jitter_ms":5000,"retry_ms":10000}
        {"type":"ping","now_us":5}
        {"type":"ack","id":"0000000000000001","revision":7}"#]].assert_eq(&texts.join("\n"));
}

fn stamps() -> impl Strategy<Value = Stamp> {
    (0..1_u64 << 53, 0..1_u64 << 53).prop_map(|(epoch, revision)| Stamp { epoch, revision })
}

fn ops() -> impl Strategy<Value = Op<MediaId>> {
    let tracks = prop::collection::vec(any::<u64>().prop_map(MediaId), 0..5);
    prop_oneof![
        (any::<Option<u64>>(), tracks.clone(), any::<Option<i64>>(), any::<Option<u64>>()).prop_map(
            |(item, tracks, position_ms, on)| Op::Play {
                item: item.map(ItemId),
                tracks,
                start: Some(1),
                position_ms,
                on: on.map(DeviceId)
            }
        ),
        (".{0,30}", any::<u64>(), any::<Option<u64>>(), any::<Option<bool>>()).prop_map(
            |(q, start, track, shuffle)| {
                Op::PlayList {
                    list: TrackList::Search { q },
                    tracks: Vec::new(),
                    start: usize::try_from(start).ok(),
                    track: track.map(MediaId),
                    shuffle,
                    on: None,
                }
            }
        ),
        Just(Op::Pause),
        any::<i64>().prop_map(|position_ms| Op::Seek { position_ms }),
        any::<u64>().prop_map(|to| Op::Transfer { to: DeviceId(to), mode: TransferMode::Pause }),
        (any::<Option<u64>>(), any::<Option<u8>>(), any::<Option<i16>>()).prop_map(|(id, level, delta)| Op::Volume {
            device_id: id.map(DeviceId),
            level,
            delta,
            muted: Some(true)
        }),
        (tracks, any::<Option<u64>>()).prop_map(|(tracks, after)| Op::QueueInsert {
            tracks,
            after: after.map(ItemId),
            before: None
        }),
        (any::<u64>(), ".{0,70}").prop_map(|(id, name)| Op::DeviceRename { device_id: DeviceId(id), name }),
    ]
}

fn messages() -> impl Strategy<Value = ClientMessage> {
    prop_oneof![
        (any::<u64>(), any::<Option<u64>>(), any::<Option<u64>>(), ops()).prop_map(|(id, if_item, revision, op)| {
            ClientMessage::Command(Box::new(Command {
                id: CommandId(id),
                if_item: if_item.map(ItemId),
                if_queue_revision: revision,
                if_lease: None,
                op,
            }))
        }),
        (stamps(), stamps(), any::<u64>(), any::<i64>(), any::<i64>()).prop_map(
            |(lease, turn, item, position_ms, at)| {
                ClientMessage::Report(Report {
                    lease,
                    turn,
                    item: ItemId(item),
                    position_ms,
                    at_us: Micros(at),
                    status: Sound::Buffering,
                    seen: None,
                })
            }
        ),
        (stamps(), stamps(), prop::option::of(stamps())).prop_map(|(lease, seen, to)| ClientMessage::Yield(Yield {
            lease,
            seen,
            to
        })),
        (any::<Option<u64>>(), any::<u64>(), ".{0,70}", prop::option::of(".{0,99}")).prop_map(
            |(id, instance, name, token)| {
                ClientMessage::Hello(Box::new(Hello {
                    token,
                    device: HelloDevice {
                        id: id.map(DeviceId),
                        instance: InstanceId(instance),
                        name,
                        kind: DeviceKind::Phone,
                        plays: true,
                        controls: false,
                        volume: None,
                    },
                    seen: None,
                    attempt: None,
                }))
            }
        ),
    ]
}

proptest! {
    #[test]
    fn what_a_client_writes_the_server_reads(message in messages()) {
        prop_assert_eq!(ClientMessage::decode(&message.encode()), Ok(message));
    }

    #[test]
    fn no_text_makes_the_reader_fail_otherwise_than_by_refusing(text in ".{0,200}", tail in r#"[\[\]{}:,"0-9a-z.-]{0,60}"#) {
        let _ = ClientMessage::decode(&text);
        for kind in ["hello", "command", "report", "queue", "yield", "volume"] {
            let _ = ClientMessage::decode(&format!(r#"{{"type":"{kind}",{tail}}}"#));
        }
    }
}

#[test]
fn a_shared_frame_is_the_text_of_its_message() {
    let playback = Playback::new(Stamp { epoch: 7, revision: 1 }, Micros(5));
    let message = ServerMessage::Playback(Box::new(playback.clone()));
    assert_eq!(*message.to_frame(), message.encode());
    assert_eq!(*playback_frame(&playback), message.encode());
}
