//! A slow, silent or hostile device costs a bounded amount and is told why it is sent away.

use super::{Node, acks, pass, rejects};
use segue_actors::node::Sessions as _;
use segue_actors::protocol::close::CloseReason;
use segue_actors::protocol::ids::MediaId;
use segue_actors::protocol::ids::NodeId;
use segue_actors::protocol::messages::Op;
use segue_actors::protocol::playback::{Intent, Playback, Repeat};
use segue_actors::protocol::wire::ServerMessage;
use segue_actors::socket::Incoming;
use segue_actors::testing::memory::MemoryNodes;
use std::sync::Arc;

#[actix::test]
async fn a_socket_must_say_hello_in_time_and_rightly() {
    tokio::time::pause();
    let node = Node::new();
    let silent = node.connect();
    pass(4_900).await;
    assert_eq!(silent.line.closed(), None);
    pass(200).await;
    assert_eq!(silent.line.closed(), Some(CloseReason::NoHello));

    let unknown = node.join("mallory", "Kitchen", 1).await;
    assert_eq!(unknown.line.closed(), Some(CloseReason::BadToken));
    let cases = ["nonsense", r#"{"type":"pong"}"#, r#"{"type":"hello","device":{}}"#];
    for text in cases {
        let mut device = node.connect();
        device.feed(Incoming::Text(text.to_owned()));
        device.settle().await;
        assert_eq!(device.line.closed(), Some(CloseReason::BadFrame), "{text}");
        let told = device.take_rest();
        assert!(matches!(&told[..], [ServerMessage::Goaway { reconnect: false, .. }]), "{told:?}");
    }
    let mut nameless = node.join("anna", "  ", 1).await;
    nameless.settle().await;
    assert_eq!(nameless.line.closed(), Some(CloseReason::BadFrame));
    let mut twice = node.join("anna", "Kitchen", 1).await;
    assert_eq!(twice.line.closed(), None);
    twice.hello("anna", "Kitchen", 1);
    twice.settle().await;
    assert_eq!(twice.line.closed(), Some(CloseReason::BadFrame));
}

#[actix::test]
async fn a_login_that_ends_takes_its_devices_along_and_nobody_elses() {
    tokio::time::pause();
    let node = Node::new();
    let mut playing = node.join("anna", "Kitchen", 1).await;
    let mut idle = node.join("anna", "Hall", 2).await;
    let mut other = node.join("anna, once more", "Desk", 3).await;
    playing.play(1, &[1, 2]);
    playing.settle().await;
    idle.settle().await;
    other.settle().await;
    node.logins.end("anna");
    // Its next command is refused at once, with the reason.
    idle.command(2, Op::Stop);
    idle.settle().await;
    assert_eq!(idle.line.closed(), Some(CloseReason::BadToken));
    assert!(acks(&idle.take_rest()).is_empty());
    other.settle().await;
    let intent = other.playback.as_ref().map(|shown| shown.intent);
    assert_eq!(intent, Some(Intent::Pause), "it is not stopped; what played has left");
    assert_eq!(playing.line.closed(), Some(CloseReason::BadToken), "a silent one is closed as well, at once");
    assert_eq!(other.line.closed(), None);
    other.command(3, Op::Repeat { mode: Repeat::All });
    other.settle().await;
    assert_eq!(acks(&other.take_rest()).len(), 1);
}

#[actix::test]
async fn a_login_whose_time_is_over_takes_its_silent_devices_along() {
    tokio::time::pause();
    // After the first pings nothing else looks at the sockets for ten minutes.
    let node = Node::with_heartbeat(60_000);
    node.logins.set_until("anna", node.directory.world().clock.now().plus_ms(14_000));
    let mut idle = node.join("anna", "Hall", 1).await;
    let mut other = node.join("anna, once more", "Desk", 2).await;
    idle.settle().await;
    pass(12_000).await;
    node.logins.expire("anna");
    pass(6_000).await;
    idle.settle().await;
    other.settle().await;
    assert_eq!((idle.line.closed(), other.line.closed()), (Some(CloseReason::BadToken), None));
}

#[actix::test]
async fn what_waits_for_a_device_whose_login_has_ended_is_not_shown() {
    tokio::time::pause();
    let node = Node::new();
    let mut busy = node.join("anna", "Hall", 1).await;
    let mut other = node.join("anna, once more", "Desk", 2).await;
    busy.settle().await;
    // While the catalogue is asked its actor does nothing else.
    node.tracks.hold(true);
    busy.play(1, &[3]);
    busy.settle().await;
    let shown = busy.playback.as_ref().map(Playback::stamp);
    node.logins.end("anna");
    other.command(2, Op::Repeat { mode: Repeat::All });
    other.settle().await;
    assert_eq!(acks(&other.take_rest()).len(), 1);
    node.tracks.hold(false);
    busy.settle().await;
    assert_eq!((busy.line.closed(), busy.playback.as_ref().map(Playback::stamp)), (Some(CloseReason::BadToken), shown));
}

#[actix::test]
async fn t81_a_slow_reader_is_sent_away_with_a_bounded_amount_waiting() {
    tokio::time::pause();
    let node = Node::new();
    let mut fast = node.join("anna", "Fast", 1).await;
    let mut slow = node.join("anna", "Slow", 2).await;
    fast.play(1, &[1, 2]);
    fast.settle().await;
    slow.settle().await;
    slow.line.block(true);
    for id in 2..200 {
        fast.command(id, Op::Seek { position_ms: 5 });
        // Commands that were held for coalescing are not held any longer.
        fast.command(10_000 + id, Op::Repeat { mode: if id % 2 == 0 { Repeat::All } else { Repeat::Off } });
        pass(50).await;
        fast.settle().await;
    }
    assert_eq!(slow.line.closed(), None, "the newest state replaces what waits");
    slow.unblock();
    slow.settle().await;
    assert_eq!(slow.playback.as_ref().map(Playback::stamp), fast.playback.as_ref().map(Playback::stamp));

    fast.command(1_000, Op::QueueReplace { tracks: vec![MediaId(3); 500] });
    fast.settle().await;
    slow.settle().await;
    slow.take_rest();
    slow.line.block(true);
    for page in 0..90 {
        slow.feed(Incoming::Text(format!(r#"{{"type":"queue","from":{page},"limit":200}}"#)));
    }
    slow.settle().await;
    assert_eq!(slow.line.closed(), None, "the requests wait, and one page");
    slow.unblock();
    slow.settle().await;
    let pages = |message: &ServerMessage| if let ServerMessage::Queue(page) = message { Some(page.from) } else { None };
    let answered: Vec<_> = slow.take_rest().iter().filter_map(pages).collect();
    assert!(answered.into_iter().eq(0..90), "each request is answered, in order");

    slow.line.block(true);
    for id in 0..1_500 {
        slow.command(5_000 + id, Op::Seek { position_ms: 5 });
        pass(4).await;
        slow.settle().await;
    }
    assert_eq!(slow.line.closed(), Some(CloseReason::Slow), "more than 64 KiB of answers do not wait");
    fast.settle().await;
    assert_eq!(acks(&fast.take_rest()).len(), 398, "nobody else is slowed");
}

#[actix::test]
async fn sockets_that_come_and_go_while_nothing_is_answered_do_not_pile_up() {
    tokio::time::pause();
    let node = Node::new();
    let mut calm = node.join("anna", "Calm", 1).await;
    node.store.hold(true);
    calm.play(1, &[1]);
    calm.settle().await;
    let mut refused = 0;
    for number in 0..1_500 {
        let mut passer = node.join("anna", "Passer", 2).await;
        passer.cut();
        passer.settle().await;
        refused += usize::from(passer.line.closed() == Some(CloseReason::Overloaded));
        assert!(refused == 0 || number > 500, "there is room for a thousand events");
    }
    assert!(refused > 0, "and not for all of them");
    node.store.hold(false);
    calm.settle().await;
    assert_eq!((acks(&calm.take_rest()), calm.line.closed()), (vec![1], None), "who was there is answered");
}

#[actix::test]
async fn a_socket_that_takes_nothing_for_ten_seconds_is_closed() {
    tokio::time::pause();
    let node = Node::new();
    let mut stuck = node.join("anna", "Stuck", 1).await;
    stuck.line.block(true);
    stuck.play(1, &[1]);
    stuck.settle().await;
    for _ in 0..9 {
        pass(1_000).await;
        stuck.feed(Incoming::Control);
    }
    assert_eq!(stuck.line.closed(), None);
    pass(1_500).await;
    assert_eq!(stuck.line.closed(), Some(CloseReason::Slow));
}

#[actix::test]
async fn commands_that_make_no_sense_are_rejected_with_a_reason() {
    tokio::time::pause();
    let node = Node::new();
    let mut device = node.join("anna", "Kitchen", 1).await;
    device.play(1, &[1, 999]);
    device.command(2, Op::QueueReplace { tracks: vec![MediaId(1); 501] });
    device.feed(Incoming::Text(r#"{"type":"command","id":"0000000000000003","op":"levitate"}"#.to_owned()));
    device.feed(Incoming::Text(r#"{"type":"tomorrow"}"#.to_owned()));
    device.command(4, Op::Seek { position_ms: 1 });
    device.settle().await;
    let told = device.take_rest();
    assert_eq!(rejects(&told), ["Invalid", "Invalid", "Invalid", "Conflict"]);
    let text = format!("{told:?}");
    assert!(text.contains("no track 00000000000003e7") && text.contains("at most 500"), "{text}");
    assert_eq!(device.line.closed(), None);
}

#[actix::test]
async fn the_thirty_third_device_is_refused() {
    tokio::time::pause();
    let node = Node::new();
    let mut devices = Vec::new();
    for number in 1..=33 {
        devices.push(node.join("anna", "Device", number).await);
    }
    let closed: Vec<_> = devices.iter().filter_map(|device| device.line.closed()).collect();
    assert_eq!(closed, [CloseReason::TooManyDevices]);
    assert_eq!(devices[32].line.closed(), Some(CloseReason::TooManyDevices));
    let told = devices[32].take_rest();
    assert!(matches!(told[..], [ServerMessage::Goaway { reconnect: true, retry_ms: Some(10_000), .. }]), "{told:?}");
}

#[actix::test]
async fn a_device_that_is_refused_for_a_ghost_is_let_in_when_it_comes_back_as_told() {
    tokio::time::pause();
    let node = Node::new();
    let mut devices = Vec::new();
    for number in 1..=32 {
        devices.push(node.join("anna", "Device", number).await);
    }
    devices[0].cut();
    devices[0].settle().await;
    let mut refused = node.join("anna", "Device", 33).await;
    let told = refused.take_rest();
    let [ServerMessage::Goaway { reconnect: true, retry_ms: Some(retry_ms), .. }] = told[..] else {
        panic!("{told:?}")
    };
    for _ in 0..retry_ms / 1_000 {
        pass(1_000).await;
        devices[1..].iter().for_each(|device| device.feed(Incoming::Control));
    }
    // The random part of its wait.
    pass(100).await;
    refused = node.join("anna", "Device", 33).await;
    assert!(refused.line.closed().is_none() && refused.welcome.is_some());
}

#[actix::test]
async fn strict_mode_is_asked_for_and_follows_from_no_other_numbers() {
    tokio::time::pause();
    let lease_ms = 5_000;
    // Whether it is asked for, and `audio_ms`; what sessions get, and what clients get as `audio_ms`.
    let cases = [
        ((false, 600_000), (None, 600_000)),
        ((false, lease_ms), (None, lease_ms)),
        ((true, 600_000), (Some(lease_ms), lease_ms)),
    ];
    for ((is_strict, audio_ms), expected) in cases {
        let nodes = Arc::new(MemoryNodes::first(NodeId(1)));
        let node = Node::set(Arc::default(), nodes, None, |world| {
            (world.is_strict, world.audio_ms) = (is_strict, audio_ms);
        });
        let device = node.join("anna", "Kitchen", 1).await;
        let told = device.welcome.as_ref().expect("it is welcome").limits;
        assert_eq!(told.lease_ms, lease_ms);
        let strict_ms = node.directory.world().session_limits().strict_ms;
        assert_eq!((strict_ms, told.audio_ms), expected, "strict: {is_strict}, audio_ms: {audio_ms}");
    }
}
