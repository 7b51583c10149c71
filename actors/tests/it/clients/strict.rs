//! Strict mode (R1): who is cut off sounds no longer than its lease, and nobody else sounds before.

use super::{LOAD_MS, Trouble, World, play, play_on};
use segue_actors::state::Limits;
use segue_actors::state::playback::{Intent, Status};
use segue_actors::wire::ServerMessage;

/// One device plays, under a lease of five seconds.
fn playing() -> World {
    let mut world = World::under(2, Limits { strict_ms: Some(5_000), ..Limits::default() }, 5_000);
    world.wish(0, play(&[1, 2, 3]));
    ping(&mut world);
    pass(&mut world, 2_000 + LOAD_MS);
    world.assert_sounds(Some(0));
    world
}

/// What the device's actor does each heartbeat.
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
    world.wish(1, play_on(2));
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
    world.pass(4_800);
    world.assert_sounds(Some(0));
    assert!(world.devices[0].client.link().is_welcomed());
    world.pass(300);
    world.assert_sounds(None);
    ping(&mut world);
    world.pass(LOAD_MS + 10);
    world.assert_sounds(Some(0));
    let place_ms = world.shown().position_at(world.server_now());
    world.assert_shown(Intent::Play, Status::Playing, place_ms);
}

#[test]
fn after_a_restart_a_lease_of_before_is_waited_for() {
    let mut world = playing();
    world.devices[0].is_cut = true;
    world.restart();
    world.pass(1_000);
    world.wish(1, play_on(2));
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
