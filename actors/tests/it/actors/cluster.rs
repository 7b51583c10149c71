//! Two nodes that share one database.

use super::*;
use segue_actors::protocol::close::CloseReason;
use segue_actors::protocol::device::PresenceView;
use segue_actors::protocol::playback::Repeat;
use segue_actors::testing::memory::{Fault, MemoryCluster};

/// Two nodes, and what they know of each other.
struct Two {
    cluster: Arc<MemoryCluster>,
    nodes: [Node; 2],
}

impl Two {
    fn new() -> Self {
        let cluster = Arc::new(MemoryCluster::default());
        let (store, first) = (Arc::<MemoryStore>::default(), Arc::new(MemoryNodes::first(NodeId(1))));
        let second = Arc::new(first.again(NodeId(2)));
        let node = |nodes| Node::over(store.clone(), nodes, Some(cluster.clone()), 2_000);
        let nodes = [node(first), node(second)];
        Self { cluster, nodes }
    }

    /// A device on each node.
    async fn join(&self) -> (Device, Device) {
        let kitchen = self.nodes[0].join("anna", "Kitchen", 1).await;
        let mut phone = self.nodes[1].join("anna", "Phone", 2).await;
        pass(50).await;
        phone.settle().await;
        (kitchen, phone)
    }
}

async fn settle(devices: [&mut Device; 2]) {
    for _ in 0..3 {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
    for device in devices {
        device.settle().await;
    }
}

#[actix::test]
async fn what_one_node_writes_is_shown_at_the_other() {
    tokio::time::pause();
    let two = Two::new();
    let (mut kitchen, mut phone) = two.join().await;
    kitchen.settle().await;
    assert_eq!(kitchen.names(), ["Kitchen", "Phone"]);
    assert_eq!(phone.names(), ["Kitchen", "Phone"]);
    kitchen.play(1, &[5]);
    settle([&mut kitchen, &mut phone]).await;
    assert_eq!(phone.playback, kitchen.playback);
    assert_eq!(phone.status(), Some(Status::Starting));
    kitchen.report(Sound::Playing, 0, Micros(1_700_000_000_100_000));
    settle([&mut kitchen, &mut phone]).await;
    assert_eq!(phone.status(), Some(Status::Playing));
    phone.command(2, Op::Pause);
    settle([&mut kitchen, &mut phone]).await;
    assert_eq!(acks(&phone.take_rest()), [2]);
    assert_eq!(kitchen.status(), Some(Status::Paused));
}

#[actix::test]
async fn what_two_nodes_are_told_at_once_all_counts() {
    tokio::time::pause();
    let two = Two::new();
    let (mut kitchen, mut phone) = two.join().await;
    two.nodes[0].store.hold(true);
    kitchen.command(1, Op::Repeat { mode: Repeat::All });
    phone.play(2, &[5]);
    settle([&mut kitchen, &mut phone]).await;
    assert!(kitchen.take_rest().is_empty() && phone.take_rest().is_empty(), "nothing is answered before it is written");
    two.nodes[0].store.hold(false);
    settle([&mut kitchen, &mut phone]).await;
    assert_eq!((acks(&kitchen.take_rest()), acks(&phone.take_rest())), (vec![1], vec![2]));
    for device in [&kitchen, &phone] {
        let shown = device.playback.as_ref().expect("it is shown something");
        assert_eq!(shown.repeat, Repeat::All);
        assert_eq!(shown.active.map(|active| active.device_id), Some(DeviceId(2)));
    }
}

#[actix::test]
async fn what_the_bus_loses_is_found_by_a_look() {
    tokio::time::pause();
    let two = Two::new();
    let (mut kitchen, mut phone) = two.join().await;
    two.cluster.deafen(true);
    kitchen.play(1, &[5]);
    settle([&mut kitchen, &mut phone]).await;
    assert_ne!(phone.playback, kitchen.playback);
    pass(6_000).await;
    phone.settle().await;
    assert_eq!(phone.status(), Some(Status::Starting));
    assert_eq!(phone.playback, kitchen.playback);
}

#[actix::test]
async fn t53_the_devices_of_a_lost_node_are_missed_and_come_back_without_a_flicker() {
    tokio::time::pause();
    let two = Two::new();
    let (mut kitchen, mut phone) = two.join().await;
    kitchen.play(1, &[5]);
    settle([&mut kitchen, &mut phone]).await;
    two.cluster.lose(NodeId(1), Micros(1_700_000_000_200_000));
    pass(1_100).await;
    phone.settle().await;
    assert_eq!(phone.status(), Some(Status::Lost));
    let list = phone.devices.as_ref().expect("it is shown the list");
    let presence: Vec<_> = list.devices.iter().map(|device| device.presence).collect();
    assert_eq!(presence, [PresenceView::Away, PresenceView::Online]);
    let mut kitchen = two.nodes[1].join("anna", "Kitchen", 1).await;
    settle([&mut kitchen, &mut phone]).await;
    assert_eq!(phone.names(), ["Kitchen", "Phone"]);
    assert_eq!(
        kitchen.playback.as_ref().and_then(|shown| shown.active).map(|active| active.device_id),
        Some(DeviceId(1))
    );
}

#[actix::test]
async fn a_device_that_moves_leaves_its_old_socket() {
    tokio::time::pause();
    let two = Two::new();
    let (mut kitchen, mut phone) = two.join().await;
    let mut moved = two.nodes[1].join("anna", "Kitchen", 1).await;
    settle([&mut kitchen, &mut phone]).await;
    moved.settle().await;
    assert_eq!(kitchen.line.closed(), Some(CloseReason::Replaced));
    assert_eq!(moved.names(), ["Kitchen", "Phone"]);
}

#[actix::test]
async fn a_copy_at_another_node_gets_an_id_of_its_own() {
    tokio::time::pause();
    let two = Two::new();
    let (mut kitchen, mut phone) = two.join().await;
    let mut copy = two.nodes[1].connect();
    copy.hello_as("anna", "Copy", 1, 77);
    settle([&mut copy, &mut phone]).await;
    assert!(copy.welcome.is_none(), "the one it may be is asked first");
    kitchen.send(&ClientMessage::Pong);
    settle([&mut kitchen, &mut copy]).await;
    assert_eq!(kitchen.line.closed(), None);
    assert!(copy.welcome.as_ref().is_some_and(|welcome| welcome.device_id != DeviceId(1)));
    assert_eq!(copy.names(), ["Kitchen", "Phone", "Copy"]);
}

#[actix::test]
async fn when_the_database_was_put_back_everybody_comes_back_under_a_new_epoch() {
    tokio::time::pause();
    let two = Two::new();
    let (mut kitchen, mut phone) = two.join().await;
    kitchen.play(1, &[5]);
    settle([&mut kitchen, &mut phone]).await;
    let before = phone.playback.clone().expect("it is shown something");
    two.cluster.put_back();
    pass(6_000).await;
    assert_eq!(kitchen.line.closed(), Some(CloseReason::Restart));
    assert_eq!(phone.line.closed(), Some(CloseReason::Restart));
    let mut phone = two.nodes[1].join("anna", "Phone", 2).await;
    phone.settle().await;
    let after = phone.playback.clone().expect("it is welcomed");
    assert!(after.epoch > before.epoch);
    phone.play(2, &[6]);
    phone.settle().await;
    let granted = phone.playback.as_ref().and_then(|shown| shown.active).expect("it holds the lease");
    assert!(granted.from_us.is_some(), "another node may still let somebody sound");
}

#[actix::test]
async fn the_node_with_its_socket_closes_a_replaced_holder_that_is_not_silent_in_time() {
    tokio::time::pause();
    let two = Two::new();
    let (mut kitchen, mut phone) = two.join().await;
    kitchen.play(1, &[5]);
    settle([&mut kitchen, &mut phone]).await;
    phone
        .command(2, Op::Play { item: None, tracks: Vec::new(), start: None, position_ms: None, on: Some(DeviceId(2)) });
    settle([&mut kitchen, &mut phone]).await;
    let after = |device: &Device| device.playback.as_ref().map_or(0, |shown| shown.after.len());
    assert_eq!((after(&kitchen), after(&phone)), (1, 1));
    pass(1_100).await;
    assert_eq!(kitchen.line.closed(), Some(CloseReason::NotSilent));
    phone.settle().await;
    assert_eq!(after(&phone), 0);
}

#[actix::test]
async fn a_device_that_is_forgotten_at_another_node_is_waited_for_and_closed() {
    tokio::time::pause();
    let two = Two::new();
    let (mut kitchen, mut phone) = two.join().await;
    kitchen.play(1, &[5]);
    settle([&mut kitchen, &mut phone]).await;
    two.cluster.deafen(true);
    phone.command(2, Op::DeviceForget { device_id: DeviceId(1) });
    settle([&mut kitchen, &mut phone]).await;
    assert_eq!(acks(&phone.take_rest()), [2]);
    let shown = phone.playback.clone().expect("it is shown something");
    assert_eq!((shown.active.is_none(), shown.after.len()), (true, 1), "it may still sound");
    pass(6_000).await;
    assert_eq!(kitchen.line.closed(), Some(CloseReason::Forgotten));
    two.cluster.deafen(false);
    pass(6_000).await;
    phone.settle().await;
    assert_eq!(phone.names(), ["Phone"]);
    assert_eq!(phone.playback.map(|shown| shown.after.len()), Some(0));
}

#[actix::test]
async fn a_session_that_cannot_write_sends_its_devices_away_and_tells_the_others_when_it_can() {
    tokio::time::pause();
    let two = Two::new();
    let (mut kitchen, mut phone) = two.join().await;
    let mut tablet = two.nodes[0].join("anna", "Tablet", 3).await;
    settle([&mut tablet, &mut phone]).await;
    two.nodes[0].store.fail_next([Fault::NotSent; 12]);
    kitchen.cut();
    tablet.play(1, &[5]);
    pass(700).await;
    tablet.settle().await;
    assert_eq!(rejects(&tablet.take_rest()), ["Unavailable"]);
    assert_eq!(tablet.line.closed(), None);
    pass(9_000).await;
    assert_eq!(tablet.line.closed(), Some(CloseReason::Unavailable));
    phone.settle().await;
    let list = phone.devices.as_ref().expect("it is shown the list");
    let presence: Vec<_> = list.devices.iter().map(|device| device.presence).collect();
    assert_eq!(presence, [PresenceView::Away, PresenceView::Online, PresenceView::Away]);
}
