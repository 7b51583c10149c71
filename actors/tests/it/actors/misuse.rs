//! Clones, floods, series of commands, and commands that make the server panic.

use super::anew::CLOSED_WITHIN_MS;
use super::{Device, Node, acks, one_device, pass, rejects};
use segue_actors::protocol::close::CloseReason;
use segue_actors::protocol::ids::DeviceId;
use segue_actors::protocol::messages::{ByeReason, Op, TransferMode};
use segue_actors::protocol::playback::{Intent, Status};
use segue_actors::protocol::wire::{ClientMessage, ServerMessage};
use segue_actors::socket::Incoming;
use segue_actors::testing::memory::Fault;

fn id_of(device: &Device) -> Option<DeviceId> {
    device.welcome.as_ref().map(|welcome| welcome.device_id)
}

async fn copy_of(node: &Node, number: u64, instance: u64) -> Device {
    let mut copy = node.connect();
    copy.hello_as("anna", "Copy", number, instance);
    copy.settle().await;
    copy
}

#[actix::test]
async fn t52_a_copy_is_told_apart_as_soon_as_the_other_answers() {
    tokio::time::pause();
    let node = Node::new();
    let mut kitchen = node.join("anna", "Kitchen", 1).await;
    let mut copy = copy_of(&node, 1, 77).await;
    kitchen.settle().await;
    assert!(kitchen.take_rest().iter().any(|frame| matches!(frame, ServerMessage::Ping { .. })), "it is asked");
    assert_eq!(id_of(&copy), None, "and the other waits for its answer");
    assert!(copy.playback.is_none(), "before it is welcome it is shown nothing");
    pass(300).await;
    kitchen.send(&ClientMessage::Pong);
    kitchen.settle().await;
    copy.settle().await;
    let id = id_of(&copy);
    assert!(id.is_some() && id != Some(DeviceId(1)), "{id:?}");
    pass(3_000).await;
    kitchen.settle().await;
    assert_eq!((kitchen.line.closed(), copy.line.closed()), (None, None), "nobody is kicked");
    assert_eq!(kitchen.names(), ["Kitchen", "Copy"]);
}

#[actix::test]
async fn t52_a_dead_instance_is_replaced_within_two_seconds() {
    tokio::time::pause();
    let node = Node::new();
    let kitchen = node.join("anna", "Kitchen", 1).await;
    let mut again = copy_of(&node, 1, 77).await;
    let _phone = node.join("anna", "Phone", 2).await;
    pass(1_900).await;
    again.settle().await;
    assert_eq!(id_of(&again), None);
    assert!(again.devices.is_none(), "before it is welcome it is shown nothing");
    pass(200).await;
    again.settle().await;
    assert_eq!(id_of(&again), Some(DeviceId(1)));
    assert_eq!(kitchen.line.closed(), Some(CloseReason::Dead));
    assert_eq!(again.names(), ["Copy", "Phone"]);
}

/// A page is loaded again, and its `hello` arrives before the `bye` of the old page.
#[actix::test]
async fn t52_a_last_word_is_no_sign_of_life() {
    tokio::time::pause();
    let node = Node::new();
    let mut kitchen = node.join("anna", "Kitchen", 1).await;
    let mut again = copy_of(&node, 1, 77).await;
    kitchen.send(&ClientMessage::Bye { reason: ByeReason::Close });
    kitchen.settle().await;
    again.settle().await;
    assert_eq!(id_of(&again), Some(DeviceId(1)));
    assert_eq!(again.names(), ["Copy"]);
}

#[actix::test]
async fn t39_a_series_is_shown_ten_times_a_second_and_its_end_always() {
    tokio::time::pause();
    let node = Node::new();
    let mut hand = node.join("anna", "Hand", 1).await;
    let mut eye = node.join("anna", "Eye", 2).await;
    hand.play(1, &[1, 2]);
    hand.settle().await;
    hand.take_rest();
    eye.settle().await;
    let shown = eye.line.take().len();
    assert_eq!(shown, 0);
    let before = node.store.commits();
    // For a second: fifty seeks, a hundred steps of one volume.
    for n in 0..100_u64 {
        let level = u8::try_from(n).expect("small");
        hand.command(1_000 + n, volume(level));
        if n % 2 == 0 {
            hand.command(2_000 + n, Op::Seek { position_ms: i64::try_from(n).expect("small") * 1_000 });
        }
        pass(10).await;
    }
    pass(200).await;
    let frames = eye.line.take();
    assert!(node.store.commits() - before <= 2 * 12);
    let mut fan_outs = [0, 0];
    for frame in frames {
        match ServerMessage::decode(&frame).expect("the server sends messages") {
            ServerMessage::Playback(playback) => (eye.playback, fan_outs[0]) = (Some(*playback), fan_outs[0] + 1),
            ServerMessage::Devices(devices) => (eye.devices, fan_outs[1]) = (Some(devices), fan_outs[1] + 1),
            other => panic!("{other:?}"),
        }
    }
    assert!(fan_outs.iter().all(|count| (8..=12).contains(count)), "ten a second of each, in 1.2 s: {fan_outs:?}");
    assert_eq!(eye.playback.as_ref().map(|shown| shown.position_ms), Some(98_000));
    let levels: Vec<_> = eye.devices.iter().flat_map(|list| &list.devices).map(|device| device.volume).collect();
    assert_eq!(levels[0].map(|volume| volume.level), Some(99));
    hand.settle().await;
    let mut answered = acks(&hand.take_rest());
    answered.sort_unstable();
    let mut wanted: Vec<u64> = (0..100).map(|n| 1_000 + n).chain((0..100).step_by(2).map(|n| 2_000 + n)).collect();
    wanted.sort_unstable();
    assert_eq!(answered, wanted, "each is answered once");
}

fn volume(level: u8) -> Op<segue_actors::protocol::ids::MediaId> {
    Op::Volume { device_id: Some(DeviceId(1)), level: Some(level), delta: None, muted: None }
}

/// Each `delta` adds to the volume, so none can stand for another: they count like any other command.
#[actix::test]
async fn t39_steps_of_a_volume_are_not_coalesced() {
    tokio::time::pause();
    let node = Node::new();
    let mut hand = node.join("anna", "Hand", 1).await;
    hand.command(1, volume(50));
    for id in 2..=150 {
        let delta = if id % 2 == 0 { 1 } else { -1 };
        hand.command(id, Op::Volume { device_id: Some(DeviceId(1)), level: None, delta: Some(delta), muted: None });
        hand.settle().await;
    }
    let told = hand.take_rest();
    assert_eq!((acks(&told).len(), rejects(&told)), (101, vec!["RateLimited".to_owned(); 49]));
}

#[actix::test]
async fn t39_the_end_of_a_series_counts_though_its_socket_ends() {
    tokio::time::pause();
    let node = Node::new();
    let mut hand = node.join("anna", "Hand", 1).await;
    let mut eye = node.join("anna", "Eye", 2).await;
    for level in [10, 20, 30] {
        hand.command(u64::from(level), volume(level));
    }
    hand.settle().await;
    hand.cut();
    eye.settle().await;
    let devices = eye.devices.as_ref().expect("shown");
    assert_eq!(devices.devices[0].volume.map(|volume| volume.level), Some(30));
}

#[actix::test]
async fn t04_the_device_of_another_user_is_no_target() {
    let (node, mut kitchen) = one_device(&[1, 2]).await;
    let mut garden = node.join("bert", "Garden", 9).await;
    kitchen.take_rest();
    let seen = kitchen.playback.clone();
    kitchen.command(11, Op::Transfer { to: DeviceId(9), mode: TransferMode::Play });
    kitchen.command(12, Op::Play { item: None, tracks: vec![], start: None, position_ms: None, on: Some(DeviceId(9)) });
    kitchen.settle().await;
    garden.settle().await;
    assert_eq!(rejects(&kitchen.take_rest()), ["Invalid", "Invalid"]);
    assert_eq!(kitchen.playback, seen, "nothing has changed");
    assert_eq!((garden.names(), garden.status()), (vec!["Garden".to_owned()], Some(Status::Idle)));
}

#[actix::test]
async fn t83_who_floods_is_told_then_sent_away_and_nobody_else_notices() {
    tokio::time::pause();
    let node = Node::new();
    let mut flood = node.join("anna", "Flood", 1).await;
    let mut calm = node.join("anna", "Calm", 2).await;
    let mut other = node.join("bert", "Garden", 1).await;
    flood.play(1, &[1]);
    for id in 2..=150 {
        flood.command(id, Op::Pause);
        flood.settle().await;
    }
    let told = flood.take_rest();
    assert_eq!((acks(&told).len(), rejects(&told).len()), (100, 50), "each is answered");
    let waits = told.iter().filter_map(|frame| match frame {
        ServerMessage::Reject { code, retry_ms, .. } => Some((format!("{code:?}"), *retry_ms)),
        _ => None,
    });
    assert!(waits.into_iter().all(|(code, retry_ms)| code == "RateLimited" && retry_ms.is_some_and(|ms| ms > 0)));
    assert_eq!(flood.line.closed(), None);
    calm.command(1, Op::Pause);
    other.play(1, &[2]);
    calm.settle().await;
    other.settle().await;
    assert_eq!((acks(&calm.take_rest()), acks(&other.take_rest())), (vec![1], vec![1]));
    for id in 151..=210 {
        flood.command(id, Op::Pause);
        flood.settle().await;
    }
    assert_eq!(flood.line.closed(), Some(CloseReason::Flooding));
    assert_eq!((calm.line.closed(), other.line.closed()), (None, None));
}

#[actix::test]
async fn what_cannot_be_answered_and_comes_in_floods_ends_the_socket() {
    tokio::time::pause();
    let flood = [
        Incoming::Control,
        Incoming::Text(r#"{"type":"pong"}"#.to_owned()),
        Incoming::Text(r#"{"type":"time","client_us":1}"#.to_owned()),
        Incoming::Text(r#"{"type":"volume","level":1,"muted":false,"version":0}"#.to_owned()),
    ];
    for incoming in flood {
        let node = Node::new();
        let mut device = node.join("anna", "Flood", 1).await;
        for _ in 0..1_000 {
            device.feed(incoming.clone());
        }
        for _ in 0..20 {
            device.settle().await;
        }
        assert_eq!(device.line.closed(), Some(CloseReason::Flooding), "{incoming:?}");
    }
}

#[actix::test]
async fn a_command_that_panics_twice_is_answered_and_skipped() {
    tokio::time::pause();
    let node = Node::new();
    let mut kitchen = node.join("anna", "Kitchen", 1).await;
    kitchen.play(10, &[1, 2]);
    kitchen.settle().await;
    for _ in 0..2 {
        node.store.fail_next([Fault::Panic]);
        kitchen.command(11, Op::Pause);
        kitchen.settle().await;
        assert_eq!(kitchen.line.closed(), Some(CloseReason::Restart));
        pass(CLOSED_WITHIN_MS).await;
        kitchen = node.join("anna", "Kitchen", 1).await;
    }
    kitchen.command(11, Op::Pause);
    kitchen.command(12, Op::Seek { position_ms: 1_000 });
    kitchen.settle().await;
    let told = kitchen.take_rest();
    assert_eq!((rejects(&told), acks(&told)), (vec!["Invalid".to_owned()], vec![12]));
    assert_eq!(kitchen.playback.as_ref().map(|shown| shown.intent), Some(Intent::Play));
}

#[actix::test]
async fn a_session_that_panics_three_times_in_a_minute_starts_paused() {
    tokio::time::pause();
    for (wait_ms, intent) in [(CLOSED_WITHIN_MS, Intent::Pause), (40_000, Intent::Play)] {
        let node = Node::new();
        let mut kitchen = node.join("anna", "Kitchen", 1).await;
        kitchen.play(10, &[1, 2]);
        kitchen.settle().await;
        for id in 11..14 {
            pass(wait_ms).await;
            kitchen = node.join("anna", "Kitchen", 1).await;
            node.store.fail_next([Fault::Panic]);
            kitchen.command(id, Op::Seek { position_ms: 1_000 });
            kitchen.settle().await;
        }
        pass(CLOSED_WITHIN_MS).await;
        let again = node.join("anna", "Kitchen", 1).await;
        let shown = again.playback.as_ref().expect("it was welcomed");
        assert_eq!((shown.intent, shown.item.map(|item| item.media_id.0)), (intent, Some(1)), "after {wait_ms} ms");
    }
}
