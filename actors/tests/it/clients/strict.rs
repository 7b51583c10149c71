//! Strict mode (R1): a device that is cut off sounds no longer than its lease, and no other sounds before its end.

use super::{LOAD_MS, Trouble, World, play, play_on};
use segue_actors::protocol::ids::NodeId;
use segue_actors::protocol::playback::{Intent, Status};
use segue_actors::protocol::wire::ServerMessage;
use segue_actors::state::{Limits, Record, SessionState};
use segue_client::Input;

/// One device plays, under a lease of five seconds.
fn playing() -> World {
    let mut world = World::under(2, Limits { strict_ms: Some(5_000), ..Limits::default() }, 5_000);
    world.command(0, play(&[1, 2, 3]));
    ping(&mut world);
    pass(&mut world, 2_000 + LOAD_MS);
    world.assert_sounds(Some(0));
    world
}

/// What the socket's actor does each heartbeat.
fn ping(world: &mut World) {
    let now_us = world.server_now();
    if world.devices[0].connection.is_some() {
        world.devices[0].down.push_back(ServerMessage::Ping { now_us });
    }
    world.settle();
}

fn pass(world: &mut World, ms: i64) {
    for _ in 0..ms / 500 {
        world.pass(500);
        ping(world);
    }
    world.pass(ms % 500);
}

#[test]
fn t06_who_is_cut_off_is_silent_within_its_lease_and_nobody_sounds_before() {
    let mut world = playing();
    world.cut(0);
    world.pass(4_000);
    world.assert_sounds(Some(0));
    world.command(1, play_on(2));
    ping_second(&mut world);
    world.pass(900);
    assert!(!world.devices[1].client.audio().is_sounding(), "the lease of the other may not be over");
    world.pass(200);
    assert!(!world.devices[0].client.audio().is_sounding(), "its lease is over");
    ping_second(&mut world);
    world.pass(100);
    world.assert_sounds(Some(1));
}

fn ping_second(world: &mut World) {
    let now_us = world.server_now();
    world.devices[1].down.push_back(ServerMessage::Ping { now_us });
    world.settle();
}

#[test]
fn a_half_open_socket_is_silent_as_well() {
    let mut world = playing();
    world.devices[0].trouble = Some(Trouble::IsDeaf);
    world.pass(4_800);
    world.assert_sounds(Some(0));
    world.pass(300);
    world.assert_sounds(None);
    assert!(world.devices[0].client.link().is_welcomed());
    world.devices[0].trouble = None;
    ping(&mut world);
    world.pass(LOAD_MS + 10);
    world.assert_sounds(Some(0));
    let place_ms = world.shown().position_at(world.server_now());
    world.assert_shown(Intent::Play, Status::Playing, place_ms);
}

#[test]
fn who_asks_for_the_time_and_is_answered_sounds_on() {
    let mut world = playing();
    world.pass(20_000);
    world.assert_sounds(Some(0));
}

#[test]
fn after_a_restart_a_lease_of_before_is_waited_for() {
    let mut world = playing();
    world.devices[0].is_cut = true;
    world.restart();
    world.pass(1_000);
    world.command(1, play_on(2));
    ping_second(&mut world);
    world.pass(3_900);
    assert!(!world.devices[1].client.audio().is_sounding());
    world.assert_sounds(Some(0));
    world.pass(110);
    world.assert_sounds(None);
    ping_second(&mut world);
    world.pass(200);
    world.assert_sounds(Some(1));
}

#[test]
fn who_knows_the_time_badly_is_silent_no_later() {
    let mut world = playing();
    world.devices[0].trouble = Some(Trouble::IsLopsided(0));
    world.restart();
    world.come_back(0);
    ping(&mut world);
    world.pass(LOAD_MS + 10);
    world.assert_sounds(Some(0));
    let client = &world.devices[0].client;
    let error_us = world.server_now().0 - client.time().at(world.now_us).0;
    assert_eq!((error_us, client.time().bound_us()), (500_000, Some(500_000)), "half the trip, and no less will do");
    ping(&mut world);
    world.cut(0);
    world.pass(4_900);
    world.assert_sounds(Some(0));
    world.pass(100);
    world.assert_sounds(None);
}

#[test]
fn who_is_waited_for_is_so_after_a_load_over_a_clock_that_was_set_forward() {
    let mut world = playing();
    world.cut(0);
    world.command(1, play_on(2));
    let from_us = |state: &SessionState| state.playback().active.and_then(|active| active.from_us);
    let now = world.server_now();
    assert_eq!(from_us(&world.state), Some(now.plus_ms(5_000)));
    let kept = (Record::clone(world.state.record()), world.state.queue().clone());
    let later = now.plus_ms(3_600_000);
    let state = SessionState::load(later, kept, NodeId(77), Some(now), 0, world.session_limits);
    assert_eq!(from_us(&state), Some(later.plus_ms(5_000)));
}

#[test]
fn no_word_of_before_the_welcome_prolongs_a_lease() {
    let world = playing();
    let mut client = world.devices[0].client.clone();
    let local_us = world.now_us;
    let server = world.server_now();
    let mut step = |at_us: i64, input: Input| client.step(at_us, 0, input, &mut Vec::new());
    step(local_us, Input::Closed(None));
    step(local_us + 1, Input::Opened);
    // Of a server whose clock is an hour behind the one of the lease, or ahead of it.
    for hours in [-1, 1] {
        let now_us = server.plus_ms(hours * 3_600_000);
        step(local_us + 2, Input::Frame(Box::new(ServerMessage::Ping { now_us })));
        let time = ServerMessage::Time { client_us: local_us + 1, received_us: now_us, sent_us: now_us };
        step(local_us + 2, Input::Frame(Box::new(time)));
    }
    step(local_us + 5_000_001, Input::Tick);
    assert!(!client.audio().is_sounding());
}
