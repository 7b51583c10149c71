//! Golden vectors: what happened to each client of a session, and what it wanted done. They are files, and the web
//! player's rules, which are not this code, are held to the same (`tests/browser/unit/vectors.test.js`).
//! `UPDATE_EXPECT=1` writes them anew.

use super::cases::volume_before_the_welcome;
use super::{LOAD_MS, TRACK_MS, Trouble, World, play, play_on, playing, trace::Trace, transfer};
use expect_test::expect_file;
use segue_actors::protocol::close::CloseReason;
use segue_actors::protocol::ids::{CommandId, DeviceId, Micros};
use segue_actors::protocol::messages::{ByeReason, Op, RejectCode};
use segue_actors::protocol::playback::{Rate, Repeat};
use segue_actors::protocol::wire::{ClientMessage, ServerMessage};
use segue_actors::state::Limits;
use segue_client::Input;
use serde_json::json;
use std::fmt::Write as _;

/// The file of a scenario: a line for each step.
fn file(world: &World) -> String {
    let mut text = String::from("[\n");
    for (index, device) in world.devices.iter().enumerate() {
        let Trace { device, steps } = device.trace.as_ref().expect("it is recorded");
        let comma = if index + 1 < world.devices.len() { "," } else { "" };
        let steps = steps.join(",\n");
        writeln!(text, "{{\"device\":{},\"steps\":[\n{steps}\n]}}{comma}", json!(device)).expect("a string takes it");
    }
    text + "]\n"
}

fn welcome() -> World {
    World::new(2)
}

fn play_and_report() -> World {
    let mut world = playing(2);
    world.pass(6_000);
    world
}

fn pause_and_go_on() -> World {
    let mut world = playing(2);
    world.command(1, Op::Pause);
    world.pass(500);
    world.command(1, play(&[]));
    world.pass(300);
    world
}

fn seek() -> World {
    let mut world = playing(2);
    world.command(1, Op::Seek { position_ms: 8_000 });
    world.pass(200);
    let position_ms = world.shown().position_at(world.server_now()) + 20;
    world.command(0, Op::Seek { position_ms });
    world.pass(200);
    world
}

fn next_and_previous() -> World {
    let mut world = playing(2);
    world.command(1, Op::Next);
    world.pass(200);
    world.command(0, Op::Previous);
    world.pass(200);
    world
}

fn rate() -> World {
    let mut world = playing(2);
    world.command(1, Op::Rate { rate: Rate::from_factor(1.25).expect("in range") });
    world.pass(2_000);
    world
}

fn stop() -> World {
    let mut world = playing(2);
    world.command(1, Op::Stop);
    world.pass(200);
    world
}

fn another_takes_over() -> World {
    let mut world = playing(2);
    world.command(1, play_on(2));
    world.pass(500);
    world
}

/// The target waits until the one before it has yielded.
fn after_is_not_empty() -> World {
    let mut world = playing(2);
    world.devices[0].trouble = Some(Trouble::IsDeaf);
    world.command(1, play_on(2));
    world.pass(500);
    world.devices[0].trouble = None;
    world.pass(LOAD_MS + 200);
    world
}

fn transfer_there_and_back() -> World {
    let mut world = playing(2);
    for (by, to) in [(0, 2), (0, 1)] {
        world.command(by, transfer(to));
        world.pass(1_000);
    }
    world
}

fn transfer_that_is_not_yielded_to() -> World {
    let mut world = playing(2);
    world.devices[0].trouble = Some(Trouble::LosesYields);
    world.command(1, transfer(2));
    world.pass(7_000);
    world
}

fn transfer_that_is_paused_before_the_switch() -> World {
    let mut world = playing(2);
    world.command(1, transfer(2));
    world.pass(200);
    world.command(0, Op::Pause);
    world.pass(1_000);
    world
}

fn transfer_of_what_is_paused() -> World {
    let mut world = playing(2);
    world.command(0, Op::Pause);
    world.command(0, transfer(2));
    world.pass(200);
    world.command(0, play(&[]));
    world.pass(500);
    world
}

fn transfer_whose_source_is_cut_off() -> World {
    let mut world = playing(2);
    world.command(1, transfer(2));
    world.pass(300);
    world.cut(0);
    world.pass(1_000);
    world.come_back(0);
    world
}

fn transfer_whose_target_is_cut_off() -> World {
    let mut world = playing(2);
    world.command(0, transfer(2));
    world.pass(300);
    world.cut(1);
    world.pass(3_000);
    world
}

fn unanswered_commands_are_sent_again() -> World {
    let mut world = playing(2);
    world.devices[1].trouble = Some(Trouble::LosesAcks);
    world.command(1, Op::Pause);
    world.devices[1].trouble = None;
    world.cut(1);
    world.command(1, Op::Repeat { mode: Repeat::All });
    world.come_back(1);
    world.pass(200);
    world
}

/// The server rejects it with a time to wait; the second time it is accepted.
fn what_is_refused_for_now_is_sent_again() -> World {
    let mut world = playing(2);
    let id = CommandId(9);
    world.input(1, Input::Command(id, Op::Pause));
    world.devices[1].up.clear();
    refuse(&mut world, id, 500);
    world.pass(2_000);
    world.input(1, Input::Command(CommandId(10), Op::Stop));
    world.devices[1].up.clear();
    refuse(&mut world, CommandId(10), 10_001);
    world.pass(1_000);
    world
}

/// If all were sent at once they would keep each other over the limit.
fn what_is_refused_for_now_is_sent_one_after_the_other() -> World {
    let mut world = playing(2);
    for id in [CommandId(9), CommandId(10)] {
        world.input(1, Input::Command(id, Op::Repeat { mode: Repeat::All }));
    }
    world.devices[1].up.clear();
    refuse(&mut world, CommandId(9), 80);
    refuse(&mut world, CommandId(10), 50);
    for retry_ms in [70, 60] {
        world.now_us += 80_000;
        world.input(1, Input::Tick);
        let said: Vec<_> = world.devices[1].up.drain(..).collect();
        assert!(matches!(&said[..], [ClientMessage::Command(first)] if first.id == CommandId(9)), "{said:?}");
        refuse(&mut world, CommandId(9), retry_ms);
    }
    world.pass(1_000);
    world
}

pub(super) fn refuse(world: &mut World, id: CommandId, retry_ms: u32) {
    let (code, message) = (RejectCode::RateLimited, "wait".to_owned());
    let reject = ServerMessage::Reject { id, code, message, retry_ms: Some(retry_ms) };
    world.input(1, Input::Frame(Box::new(reject)));
}

/// Of a hand, of a command, and of a list that is older than the device.
fn volumes() -> World {
    let mut world = playing(2);
    world.input(0, Input::Volume { level: 35, muted: false });
    world.pass(200);
    let volume = |level| Op::Volume { device_id: Some(DeviceId(1)), level: Some(level), delta: None, muted: None };
    world.command(1, volume(20));
    world.cut(0);
    world.input(0, Input::Volume { level: 50, muted: true });
    world.come_back(0);
    world.command(1, volume(60));
    world.pass(200);
    world
}

/// In mid-track, and beyond an end that nobody knows of: the database was put back.
fn a_lease_that_begins_later_silences() -> World {
    let mut world = playing(1);
    for has_gone_on in [false, true] {
        if has_gone_on {
            world.input(0, Input::Finished);
            world.input(0, Input::Started { item: world.shown().next.expect("there is another"), position_ms: 0 });
        }
        let mut later = world.shown().clone();
        later.revision += 1;
        let active = later.active.as_mut().expect("it is active");
        active.from_us = Some(Micros(world.server_now().0 + 1_000_000));
        assert!(world.devices[0].client.audio().is_sounding());
        world.input(0, Input::Frame(Box::new(ServerMessage::Playback(Box::new(later)))));
        assert!(!world.devices[0].client.audio().is_sounding());
        world.pass(3_000);
        assert!(world.devices[0].client.audio().is_sounding());
    }
    world
}

/// The target's clock is ahead and the source's is behind, by no more than they know.
fn transfer_over_clocks_that_are_known_badly() -> World {
    let mut world = playing(2);
    for (index, there_ms) in [(0, 250), (1, 750)] {
        world.devices[index].trouble = Some(Trouble::IsLopsided(there_ms));
        world.input(index, Input::Wake);
    }
    world.settle();
    world.command(1, transfer(2));
    world.pass(3_000);
    world
}

fn what_was_commanded_long_ago_is_not_sent_again() -> World {
    let mut world = playing(2);
    world.cut(1);
    world.command(1, Op::Pause);
    world.pass(290_000);
    world.command(1, Op::Repeat { mode: Repeat::All });
    world.pass(11_000);
    world.come_back(1);
    world.pass(200);
    world
}

fn the_seventeenth_command_is_refused() -> World {
    let mut world = World::new(1);
    world.cut(0);
    for _ in 0..17 {
        world.command(0, Op::Pause);
    }
    world
}

fn cut_off_until_audio_ms_has_run_out() -> World {
    let mut world = playing(1);
    world.command(0, Op::Repeat { mode: Repeat::One });
    world.cut(0);
    world.pass(70_000);
    world.come_back(0);
    world.pass(1_000);
    world
}

fn cut_off_and_back_while_it_sounds() -> World {
    let mut world = playing(2);
    world.cut(0);
    world.pass(3_000);
    world.come_back(0);
    world.pass(1_000);
    world
}

fn cut_off_over_an_end() -> World {
    let mut world = playing(2);
    world.cut(0);
    world.pass(TRACK_MS);
    world.come_back(0);
    world.pass(500);
    world
}

fn ends_and_goes_on() -> World {
    let mut world = playing(2);
    world.pass(TRACK_MS);
    world
}

fn the_last_item_ends() -> World {
    let mut world = World::new(2);
    world.command(0, play(&[1]));
    world.pass(TRACK_MS + 500);
    world
}

fn blocked() -> World {
    let mut world = World::new(2);
    world.command(0, play(&[1]));
    world.devices[0].loading = None;
    world.input(0, Input::Blocked);
    world.pass(1_000);
    world
}

fn stalled_and_failed() -> World {
    let mut world = playing(2);
    world.input(0, Input::Stalled);
    world.pass(1_000);
    let item = world.shown().item.expect("it plays");
    world.input(0, Input::Started { item, position_ms: 2_000 });
    world.pass(1_000);
    world.input(0, Input::Failed);
    world.pass(1_000);
    world
}

fn the_server_restarts() -> World {
    let mut world = playing(2);
    world.command(1, Op::Shuffle { on: true });
    world.restart();
    world.pass(2_000);
    world
}

/// Its clock was set by a minute, and says so by another id.
fn the_servers_clock_is_another() -> World {
    let mut world = playing(2);
    world.stepped_us += 60_000_000;
    world.restart();
    world.pass(2_000);
    world
}

fn strict_mode() -> World {
    let mut world = World::under(1, Limits { strict_ms: Some(5_000), ..Limits::default() }, 5_000);
    world.command(0, play(&[1, 2]));
    let ping = |world: &mut World| {
        let now_us = world.server_now();
        world.input(0, Input::Frame(Box::new(ServerMessage::Ping { now_us })));
        world.settle();
    };
    ping(&mut world);
    world.pass(3_000);
    ping(&mut world);
    world.pass(5_500);
    ping(&mut world);
    world.pass(500);
    world
}

/// While it waits for its next attempt, while it is connected, and on a socket that is dead.
fn wakes_up() -> World {
    let mut world = playing(2);
    world.cut(0);
    world.pass(3_000);
    world.mend(0);
    world.input(0, Input::Wake);
    world.pass(1_000);
    world.input(0, Input::Wake);
    world.pass(1_000);
    world.devices[0].trouble = Some(Trouble::IsDeaf);
    world.input(0, Input::Wake);
    world.pass(4_500);
    world.devices[0].trouble = None;
    world.pass(1_000);
    world
}

fn sent_away_for_good() -> World {
    let mut world = playing(2);
    world.command(1, Op::DeviceForget { device_id: DeviceId(1) });
    world.input(0, Input::Closed(Some(4_501)));
    world.pass(1_000);
    world
}

fn sent_away_for_a_while() -> World {
    let mut world = playing(2);
    let goaway = ServerMessage::goaway(CloseReason::TooManyDevices, 0);
    world.input(1, Input::Frame(Box::new(goaway)));
    world.lose_socket(1);
    world.input(1, Input::Closed(Some(CloseReason::TooManyDevices.code())));
    world.pass(11_000);
    world
}

fn leaves() -> World {
    let mut world = playing(2);
    world.input(0, Input::Leave(ByeReason::Close));
    world.pass(500);
    world
}

fn looks_at_the_queue() -> World {
    let mut world = playing(1);
    world.input(0, Input::Look { from: 1, limit: 2 });
    world.settle();
    world
}

/// Frames come twice and late; older ones change nothing.
fn frames_come_twice() -> World {
    let mut world = playing(2);
    world.input(1, Input::Command(CommandId(9), transfer(2)));
    for turn in 0..60 {
        let index = turn % 2;
        if let Some(message) = world.devices[index].up.pop_front() {
            world.arrive(index, &message);
        }
        if let Some(message) = world.devices[index].down.pop_front() {
            world.input(index, Input::Frame(Box::new(message.clone())));
            world.input(index, Input::Frame(Box::new(message)));
        }
    }
    world.pass(1_000);
    world
}

/// A test for each scenario, named after it.
macro_rules! golden {
    ($($name:ident)+) => {
        mod golden {
            $(#[test]
            fn $name() {
                super::check(stringify!($name), &super::$name());
            })+
        }
    };
}

golden! {
    welcome
    play_and_report
    pause_and_go_on
    seek
    next_and_previous
    rate
    stop
    another_takes_over
    after_is_not_empty
    transfer_there_and_back
    transfer_that_is_not_yielded_to
    transfer_that_is_paused_before_the_switch
    transfer_of_what_is_paused
    transfer_whose_source_is_cut_off
    transfer_whose_target_is_cut_off
    unanswered_commands_are_sent_again
    what_was_commanded_long_ago_is_not_sent_again
    what_is_refused_for_now_is_sent_again
    what_is_refused_for_now_is_sent_one_after_the_other
    volumes
    volume_before_the_welcome
    transfer_over_clocks_that_are_known_badly
    a_lease_that_begins_later_silences
    the_seventeenth_command_is_refused
    cut_off_until_audio_ms_has_run_out
    cut_off_and_back_while_it_sounds
    cut_off_over_an_end
    ends_and_goes_on
    the_last_item_ends
    blocked
    stalled_and_failed
    the_server_restarts
    the_servers_clock_is_another
    strict_mode
    wakes_up
    sent_away_for_good
    sent_away_for_a_while
    leaves
    looks_at_the_queue
    frames_come_twice
}

#[track_caller]
fn check(name: &str, world: &World) {
    expect_file![format!("../../vectors/{name}.json")].assert_eq(&file(world));
}
