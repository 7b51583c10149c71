//! Transfers between devices of the real server, with a device or the server failing during them.

use super::{
    kills::restart,
    socket::{Socket, command, hello_of, play, report, track, with_music},
};
use crate::harness::{Server, TestDatabase};
use segue_client::protocol::{
    ids::{DeviceId, MediaId, Stamp},
    messages::{Op, Ready, TransferMode, Yield},
    playback::{Playback, Status},
    wire::{ClientMessage, ServerMessage, Welcome},
};

/// The device that holds the lease.
fn holder(shown: &Playback) -> Option<u64> {
    shown.active.map(|active| active.device_id.0)
}

/// A device that played before rejoins with the playback it was shown, and reports that it plays.
async fn back(server: &Server, token: &str, number: u64, was_shown: &Playback) -> (Socket, Welcome) {
    let mut socket = Socket::open(server, None).await.expect("the server upgrades");
    socket.send(&hello_of(Some(token), (number, number), Some(was_shown.stamp()))).await;
    let welcome = socket.welcome().await;
    (socket, welcome)
}

/// Three devices: the first one plays, the others only watch.
async fn playing(server: &Server, token: &str, track: MediaId) -> (Socket, Socket, Socket, Playback) {
    let (mut first, _) = Socket::join(server, token, 1).await;
    let (second, _) = Socket::join(server, token, 2).await;
    let (mut eye, _) = Socket::join(server, token, 3).await;
    first.send(&command(1, play(track))).await;
    let granted = first.shown(|shown| shown.active.is_some()).await;
    first.send(&report(&granted, 0, granted.at_us)).await;
    let playing = eye.shown(|shown| shown.status == Status::Playing).await;
    (first, second, eye, playing)
}

/// The second device requests a transfer to itself and is ready; returns the playback that the source is shown then.
async fn asks_for_it(first: &mut Socket, second: &mut Socket) -> Playback {
    second.send(&command(2, Op::Transfer { to: DeviceId(2), mode: TransferMode::Keep })).await;
    let asked = second.shown(|shown| shown.transfer.is_some()).await;
    second.send(&ready(&asked)).await;
    first.shown(|shown| shown.transfer.is_some_and(|transfer| transfer.lease.is_some())).await
}

fn ready(shown: &Playback) -> ClientMessage {
    let (lease, item) = (shown.active.expect("one plays").lease, shown.item.expect("something plays").id);
    ClientMessage::Ready(Ready { lease, turn: shown.turn, item, earliest_us: shown.at_us })
}

fn yields(shown: &Playback) -> ClientMessage {
    let lease = shown.active.expect("one plays").lease;
    let to = shown.transfer.and_then(|transfer| transfer.lease);
    ClientMessage::Yield(Yield { lease, seen: shown.stamp(), to })
}

/// Waits until the playback in the welcome of a new device is as wanted; returns it.
async fn settles(server: &Server, token: &str, is_wanted: impl Fn(&Playback) -> bool) -> Playback {
    let (mut witness, welcome) = Socket::join(server, token, 9).await;
    if is_wanted(&welcome.playback) { welcome.playback } else { witness.shown(is_wanted).await }
}

on_both_databases! {
    async fn t03_of_two_devices_that_rejoin_while_playing_one_has_the_lease(database) {
        let server = with_music(&database).await;
        let login = server.user(&database, "anna").await;
        let (track, token) = (track(&login).await, login.token.clone());
        let (first, mut second, mut eye, first_played) = playing(&server, &token, track).await;
        // The first device is cut off and continues to play; the second takes over.
        drop(first);
        eye.shown(|shown| shown.status == Status::Lost).await;
        let on = Some(DeviceId(2));
        second.send(&command(2, Op::Play { item: None, tracks: vec![], start: None, position_ms: None, on })).await;
        let granted = second.shown(|shown| holder(shown) == Some(2) && shown.after.is_empty()).await;
        second.send(&report(&granted, granted.position_ms, granted.at_us)).await;
        let second_played = eye.shown(|shown| shown.status == Status::Playing).await;

        let server = restart(server, &database).await;
        let (first, second) = futures_util::join!(
            back(&server, &token, 1, &first_played),
            back(&server, &token, 2, &second_played)
        );
        let ((mut first, told_first), (mut second, told_second)) = (first, second);
        assert_eq!((holder(&told_first.playback), holder(&told_second.playback)), (Some(2), Some(2)));
        let now = told_second.now_us.max(told_first.now_us);
        let (one, other) = (report(&first_played, 5_000, now), report(&told_second.playback, 7_000, now));
        futures_util::join!(first.send(&one), second.send(&other));
        let shown = first.shown(|shown| shown.status == Status::Playing).await;
        assert_eq!((holder(&shown), shown.position_ms), (Some(2), 7_000), "the one is shown that the other plays");
        let shown = settles(&server, &token, |shown| shown.status == Status::Playing).await;
        assert_eq!((holder(&shown), shown.position_ms, shown.after.len()), (Some(2), 7_000, 0));
    }

    async fn t08_when_the_target_fails_after_ready_the_source_keeps_playing(database) {
        let server = with_music(&database).await;
        let login = server.user(&database, "anna").await;
        let (track, token) = (track(&login).await, login.token.clone());
        let (mut first, mut second, mut eye, _) = playing(&server, &token, track).await;
        asks_for_it(&mut first, &mut second).await;
        drop(second);
        let rolled_back = eye.shown(|shown| shown.transfer.is_none() && shown.status == Status::Playing).await;
        assert_eq!((holder(&rolled_back), rolled_back.after.len()), (Some(1), 0));
    }

    async fn t08_when_the_source_fails_before_the_switch_the_target_plays(database) {
        let server = with_music(&database).await;
        let login = server.user(&database, "anna").await;
        let (track, token) = (track(&login).await, login.token.clone());
        let (mut first, mut second, mut eye, _) = playing(&server, &token, track).await;
        asks_for_it(&mut first, &mut second).await;
        drop(first);
        let granted = second.shown(|shown| holder(shown) == Some(2)).await;
        assert_eq!((granted.transfer, granted.after.len()), (None, 0), "it need not wait");
        second.send(&report(&granted, granted.position_ms, granted.at_us)).await;
        let completed = eye.shown(|shown| shown.status == Status::Playing && holder(shown) == Some(2)).await;
        assert_eq!(completed.position_ms, granted.position_ms);
    }

    async fn t08_when_the_server_is_killed_between_ready_and_switch_one_device_plays(database) {
        t08_restarted(&database, false).await;
    }

    async fn t08_when_the_server_is_killed_after_the_yield_the_target_plays(database) {
        t08_restarted(&database, true).await;
    }
}

async fn t08_restarted(database: &TestDatabase, has_yielded: bool) {
    let server = with_music(database).await;
    let login = server.user(database, "anna").await;
    let (track, token) = (track(&login).await, login.token.clone());
    let (mut first, mut second, _eye, _) = playing(&server, &token, track).await;
    let mut seen = asks_for_it(&mut first, &mut second).await;
    let promised = seen.transfer.and_then(|transfer| transfer.lease).expect("there is one");
    if has_yielded {
        first.send(&yields(&seen)).await;
        seen = second.shown(|shown| holder(shown) == Some(2)).await;
    }
    let server = restart(server, database).await;
    let (mut first, told) = back(&server, &token, 1, &seen).await;
    let (mut second, _) = back(&server, &token, 2, &seen).await;
    let (wanted, lease) = if has_yielded { (2, promised) } else { (1, lease_of(&seen)) };
    assert_eq!((holder(&told.playback), lease_of(&told.playback)), (Some(wanted), lease));
    let says = report(&told.playback, 9_000, told.now_us);
    if has_yielded {
        second.send(&says).await;
    } else {
        first.send(&says).await;
    }
    let shown = settles(&server, &token, |shown| shown.status == Status::Playing && shown.transfer.is_none()).await;
    assert_eq!((holder(&shown), shown.after.len(), shown.position_ms), (Some(wanted), 0, 9_000));
}

fn lease_of(shown: &Playback) -> Stamp {
    shown.active.expect("one plays").lease
}

/// Both instances are listed, and neither connection is closed because of the other.
#[test]
fn t52_two_instances_of_one_id_are_two_devices() {
    crate::harness::run(async {
        let database = TestDatabase::new(crate::harness::Dialect::Sqlite);
        let server = Server::start(&database).await;
        let token = server.user(&database, "anna").await.token;
        let (mut one, _) = Socket::join(&server, &token, 1).await;
        let mut copy = Socket::open(&server, None).await.expect("the server upgrades");
        copy.send(&hello_of(Some(&token), (1, 77), None)).await;
        one.find(|message| matches!(message, ServerMessage::Ping { .. }).then_some(())).await;
        one.send(&ClientMessage::Pong).await;
        let welcome = copy.welcome().await;
        assert_ne!(welcome.device_id, DeviceId(1));
        let listed = |list: &segue_client::protocol::device::DeviceList| {
            list.devices.iter().map(|device| device.id).collect::<Vec<_>>()
        };
        let both = [DeviceId(1), welcome.device_id];
        assert_eq!(listed(&welcome.devices), both);
        // A reconnecting instance does not replace the other one.
        for round in 0..3 {
            let (again, told) = Socket::join(&server, &token, 1).await;
            assert_eq!((told.device_id, listed(&told.devices)), (DeviceId(1), both.to_vec()), "round {round}");
            one = again;
        }
        for (socket, id) in [(&mut one, 1), (&mut copy, 2)] {
            socket.send(&command(id, Op::Shuffle { on: true })).await;
            socket.find(|message| matches!(message, ServerMessage::Ack { .. }).then_some(())).await;
        }
    });
}
