//! No ghosts: heartbeats, silence, and the ways a socket ends.

use super::{Device, Node, pass};
use segue_actors::node::Sessions as _;
use segue_actors::protocol::close::CloseReason;
use segue_actors::protocol::device::PresenceView;
use segue_actors::protocol::messages::{ByeReason, Op};
use segue_actors::protocol::playback::{Intent, Status};
use segue_actors::protocol::wire::{ClientMessage, ServerMessage};
use segue_actors::socket::Incoming;

async fn playing(node: &Node) -> (Device, Device) {
    let mut kitchen = node.join("anna", "Kitchen", 1).await;
    let mut phone = node.join("anna", "Phone", 2).await;
    kitchen.plays(node).await;
    phone.settle().await;
    assert_eq!(phone.status(), Some(Status::Playing));
    (kitchen, phone)
}

fn presence(device: &Device, name: &str) -> Option<PresenceView> {
    let list = &device.devices.as_ref()?.devices;
    list.iter().find(|device| device.name == name).map(|device| device.presence)
}

#[actix::test]
async fn a_silent_active_device_is_lost_by_heartbeats_alone() {
    tokio::time::pause();
    for heartbeat_ms in [2_000, 200] {
        let node = Node::with_heartbeat(heartbeat_ms);
        let scale = u64::try_from(heartbeat_ms).expect("positive");
        let (mut kitchen, mut phone) = playing(&node).await;
        let mut pings = 0;
        for _ in 0..20 {
            pass(scale * 3 / 2 + 150).await;
            kitchen.settle().await;
            pings += kitchen.take_rest().iter().filter(|frame| matches!(frame, ServerMessage::Ping { .. })).count();
            kitchen.send(&ClientMessage::Pong);
            phone.feed(Incoming::Control);
        }
        phone.settle().await;
        assert_eq!(pings, 20, "it is asked after each silence of 1.5 heartbeats");
        assert_eq!(phone.status(), Some(Status::Playing), "one that answers lives");
        let last_heard = node.directory.world().clock.now();
        pass(scale * 2).await;
        phone.settle().await;
        assert_eq!(phone.status(), Some(Status::Playing), "two heartbeats of silence are not enough");
        pass(scale).await;
        phone.settle().await;
        assert_eq!(phone.status(), Some(Status::Lost), "at {heartbeat_ms} ms");
        assert_eq!(presence(&phone, "Kitchen"), Some(PresenceView::Away));
        assert_eq!(kitchen.line.closed(), Some(CloseReason::Dead));
        let shown = phone.playback.as_ref().expect("shown");
        let true_ms = last_heard.since_ms(shown.at_us).abs();
        assert!(true_ms <= 100, "frozen at its last sign of life, {true_ms} ms away");
        assert_eq!(shown.intent, Intent::Play, "the intent stands");
        for _ in 0..11 {
            pass(1_000).await;
            phone.feed(Incoming::Control);
        }
        phone.settle().await;
        assert_eq!(phone.names(), ["Phone"]);
    }
}

#[actix::test]
async fn a_silent_idle_device_is_dropped_and_one_that_answers_pings_stays() {
    tokio::time::pause();
    let node = Node::new();
    let mut watcher = node.join("anna", "Watcher", 1).await;
    let mut silent = node.join("anna", "Silent", 2).await;
    let mut seconds = 0;
    while silent.line.closed().is_none() {
        pass(1_000).await;
        watcher.feed(Incoming::Control);
        seconds += 1;
        assert!(seconds <= 56, "it is missed in time");
    }
    silent.settle().await;
    watcher.settle().await;
    assert_eq!(silent.line.take_pings(), 1, "it was asked once");
    assert_eq!(silent.line.closed(), Some(CloseReason::Dead));
    assert_eq!(presence(&watcher, "Silent"), Some(PresenceView::Away));
    assert_eq!(watcher.line.closed(), None);
}

#[actix::test]
async fn a_cut_socket_is_known_at_once() {
    tokio::time::pause();
    let node = Node::new();
    let (mut kitchen, mut phone) = playing(&node).await;
    pass(1_700).await;
    kitchen.cut();
    phone.settle().await;
    assert_eq!(presence(&phone, "Kitchen"), Some(PresenceView::Away));
    assert_eq!(phone.status(), Some(Status::Lost));
    let frozen_ms = phone.playback.as_ref().map(|shown| shown.position_ms);
    assert!(frozen_ms.is_some_and(|ms| (1_650..=1_750).contains(&ms)), "{frozen_ms:?}");
}

#[actix::test]
async fn bye_and_a_clean_close_leave_at_once() {
    tokio::time::pause();
    for bye in [true, false] {
        let node = Node::new();
        let (kitchen, mut phone) = playing(&node).await;
        if bye {
            kitchen.send(&ClientMessage::Bye { reason: ByeReason::Close });
        } else {
            kitchen.feed(Incoming::Closed);
        }
        phone.settle().await;
        assert_eq!(phone.names(), ["Phone"]);
        let shown = phone.playback.as_ref().expect("shown");
        assert_eq!((shown.intent, shown.status, shown.active), (Intent::Pause, Status::Paused, None));
    }
}

#[actix::test]
async fn a_new_socket_of_the_same_instance_replaces_the_old_without_a_flicker() {
    tokio::time::pause();
    let node = Node::new();
    let (mut kitchen, mut phone) = playing(&node).await;
    let mut again = node.join("anna", "Kitchen", 1).await;
    kitchen.settle().await;
    phone.settle().await;
    assert_eq!(kitchen.line.closed(), Some(CloseReason::Replaced));
    assert_eq!(phone.names(), ["Kitchen", "Phone"]);
    assert_eq!(presence(&phone, "Kitchen"), Some(PresenceView::Online));
    assert_eq!(phone.status(), Some(Status::Playing));
    phone.command(12, Op::Pause);
    again.settle().await;
    assert_eq!(again.playback.as_ref().map(|shown| shown.intent), Some(Intent::Pause), "and can be controlled");
}

#[actix::test]
async fn the_holder_of_another_user_is_nobodys_business() {
    tokio::time::pause();
    let node = Node::new();
    let (_kitchen, _phone) = playing(&node).await;
    let mut other = node.join("bert", "Garden", 1).await;
    other.settle().await;
    assert_eq!(other.names(), ["Garden"]);
    assert_eq!(other.status(), Some(Status::Idle));
}
