//! Failure cases that broke others, as clients and session go through them.

use super::{LOAD_MS, TRACK_MS, Trouble, World, device, play, play_on, playing, unrecorded};
use crate::scenario::join;
use segue_actors::protocol::device::DeviceView;
use segue_actors::protocol::ids::{CommandId, DeviceId, Stamp};
use segue_actors::protocol::messages::{ByeReason, Op, RejectCode};
use segue_actors::protocol::playback::{Intent, Rate, Repeat, Status};
use segue_actors::protocol::wire::ServerMessage;
use segue_actors::state::{Event, Join, Leaving};
use segue_client::Input;

const HOUR_MS: i64 = 3_600_000;

#[test]
fn t03_two_that_believe_that_they_play_come_back_to_a_restarted_server_and_one_does() {
    let mut world = playing(2);
    world.cut(0);
    world.command(1, play_on(2));
    world.pass(1_000);
    assert!(world.devices.iter().all(|device| device.client.audio().is_sounding()), "each believes that it plays");
    world.mend(0);
    world.restart();
    world.pass(2_000);
    assert!(world.devices.iter().all(|device| device.client.link().is_welcomed()));
    world.assert_sounds(Some(1));
    world.assert_shown(Intent::Play, Status::Playing, world.shown().position_at(world.server_now()));
}

#[test]
fn t06_who_was_cut_off_is_silent_at_its_first_contact_and_its_old_reports_count_for_nothing() {
    let mut world = playing(2);
    world.command(0, Op::Repeat { mode: Repeat::One });
    let right = world.right();
    world.cut(0);
    world.command(1, play_on(2));
    world.pass(30_000);
    assert!(world.devices[0].client.audio().is_sounding(), "it goes on alone");
    world.come_back(0);
    world.assert_sounds(Some(1));
    let shown = world.shown().clone();
    world.report_of(0, right, 7);
    assert_eq!(*world.shown(), shown);
}

/// Whatever becomes of the frames on their way, a client that was told the newest shows the newest.
#[test]
fn t38_frames_that_are_dropped_doubled_and_shuffled_leave_nobody_wrong() {
    let mut chance = 7_u64;
    let mut below = |most: usize| {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(chance >> 33).expect("31 bits") % most
    };
    for round in 0..50 {
        let mut world = playing(2);
        world.devices[1].trouble = Some(Trouble::IsDeaf);
        for step in 0..12 {
            world.command(
                0,
                [Op::Pause, play(&[]), Op::Next, Op::Seek { position_ms: 900 }][(round + step) % 4].clone(),
            );
            world.pass(100);
        }
        let frames: Vec<ServerMessage> = world.devices[1].down.drain(..).collect();
        let newest: Vec<_> =
            frames.iter().rposition(|frame| matches!(frame, ServerMessage::Playback(_))).into_iter().collect();
        assert!(frames.len() > 12 && !newest.is_empty());
        // Each a few times or never; the newest once at least, wherever it falls.
        let mut told: Vec<usize> = (0..frames.len()).flat_map(|index| vec![index; below(4)]).chain(newest).collect();
        for place in (1..told.len()).rev() {
            told.swap(place, below(place + 1));
        }
        for index in told {
            world.input(1, Input::Frame(Box::new(frames[index].clone())));
        }
        let shown = world.shown().clone();
        assert_eq!(world.devices[1].client.playback(), Some(&shown), "round {round}");
        world.devices[1].trouble = None;
        world.cut(1);
        world.come_back(1);
        world.pass(100);
        assert_eq!(world.devices[1].client.playback(), Some(&world.shown().clone()), "and a welcome says everything");
    }
}

/// Its steady clock stood still for an hour, and what it had learnt of the server's is an hour old.
#[test]
fn t57_a_machine_that_wakes_up_learns_the_time_anew() {
    let mut world = World::new(1);
    let time = |world: &World| world.devices[0].client.time().at(world.now_us);
    assert_eq!(time(&world), world.server_now());
    world.stepped_us += HOUR_MS * 1_000;
    world.input(0, Input::Wake);
    let probe = world.devices[0].up.pop_front().expect("it asks");
    world.arrive(0, &probe);
    let answer = world.devices[0].down.pop_back().expect("it is answered");
    world.input(0, Input::Frame(Box::new(answer)));
    assert_eq!(time(&world), world.server_now(), "by the first answer");
}

#[test]
fn t11_a_server_whose_clock_was_set_makes_nothing_jump() {
    for stepped_ms in [10_000, -2 * HOUR_MS] {
        let mut world = playing(2);
        let starts = world.devices[0].starts;
        world.stepped_us += stepped_ms * 1_000;
        world.restart();
        world.pass(1_000);
        world.assert_shown(Intent::Play, Status::Playing, 3_000);
        world.assert_sounds(Some(0));
        assert_eq!(world.devices[0].starts, starts, "its audio was left alone");
    }
}

#[test]
fn t13_a_minute_of_pause_costs_no_place() {
    let mut world = playing(2);
    world.command(1, Op::Pause);
    world.pass(60_000);
    let paused_ms = world.shown().position_at(world.server_now());
    world.command(1, play(&[]));
    world.pass(LOAD_MS);
    let resumed_ms = world.devices[0].client.audio().position_at(world.now_us).expect("it sounds");
    assert!((resumed_ms - paused_ms).abs() <= 20, "{resumed_ms} after {paused_ms}");
}

#[test]
fn t16_position_and_instant_change_together_whatever_changes() {
    let mut world = playing(2);
    world.command(1, Op::Seek { position_ms: 0 });
    world.pass(LOAD_MS + 1_000);
    world.assert_shown(Intent::Play, Status::Playing, 1_000);
    world.command(1, Op::Rate { rate: Rate::from_factor(2.0).expect("in bounds") });
    assert!((world.shown().position_ms - 1_000).abs() <= 40, "a new rate does not count for what was before it");
    world.pass(LOAD_MS + 1_000);
    world.assert_shown(Intent::Play, Status::Playing, 3_000);
}

#[test]
fn t17_a_late_joiner_is_right_from_its_first_frame() {
    type Prepare = fn(&mut World);
    let cases: [(Prepare, Status, i64); 3] = [
        (|_| (), Status::Playing, 2_000),
        (|world| _ = world.command(0, Op::Pause), Status::Paused, 2_000),
        (|world| world.input(0, Input::Stalled), Status::Buffering, 2_000),
    ];
    for (prepare, status, place_ms) in cases {
        let mut world = playing(1);
        prepare(&mut world);
        world.settle();
        world.devices.push(device(9, 9));
        world.settle();
        assert!(world.devices[1].client.link().is_welcomed());
        assert_eq!(world.devices[1].client.playback().map(|shown| shown.status), Some(status));
        let shown_ms = world.devices[1].client.position_at(world.now_us).expect("it is shown something");
        assert!((shown_ms - place_ms).abs() <= 40, "{status:?} at {shown_ms}");
    }
}

#[test]
fn t36_a_devices_own_change_is_recognised_and_carried_out_once() {
    let mut world = playing(2);
    let starts = world.devices[0].starts;
    let id = world.command(0, Op::Seek { position_ms: 5_000 });
    let by = world.shown().by.expect("somebody did");
    assert_eq!((by.device_id, by.command_id), (DeviceId(1), id));
    world.pass(LOAD_MS + 500);
    world.assert_shown(Intent::Play, Status::Playing, 5_500);
    assert_eq!(world.devices[0].starts, starts + 1);
}

#[test]
fn t52_a_clone_gets_an_id_of_its_own_and_a_reload_keeps_it() {
    let mut world = playing(1);
    world.devices.push(device(1, 77));
    world.settle();
    let ids: Vec<_> = world.devices.iter().map(|device| device.client.device_id()).collect();
    assert_eq!(ids[0], Some(DeviceId(1)));
    assert!(ids[1].is_some() && ids[1] != ids[0], "{ids:?}");
    world.pass(5_000);
    assert_eq!(world.state.devices().len(), 2);
    world.assert_sounds(Some(0));
    // The page is loaded again: its old socket ends while the new one waits.
    world.devices.push(device(1, 78));
    world.devices[0].trouble = Some(Trouble::IsDeaf);
    world.settle();
    assert!(!world.devices[2].client.link().is_welcomed(), "it waits for the old one's answer");
    world.lose_socket(0);
    world.settle();
    assert_eq!(world.devices[2].client.device_id(), Some(DeviceId(1)));
    assert!(world.devices[2].client.link().is_welcomed());
    assert_eq!(world.state.devices().len(), 2);
}

/// It falls asleep with a command that has not arrived, and its socket is not closed.
#[test]
fn t57_after_a_nights_sleep_it_is_back_at_once_obeys_nothing_of_before_and_no_list_blinks() {
    let mut world = unrecorded(playing(2));
    world.command(0, Op::Pause);
    let id = CommandId(4_711);
    world.input(1, Input::Command(id, play(&[])));
    world.devices[1].up.clear();
    world.devices[1].is_asleep = true;
    let (connection, heard) = (world.devices[1].connection.take().expect("it has one"), world.server_now());
    world.pass(65_000);
    world.event(Event::Leave { connection, how: Leaving::Lost(heard) });
    world.pass(8 * HOUR_MS);
    let is_listed = |list: &[DeviceView]| list.iter().any(|device| device.id == DeviceId(2));
    assert!(world.lists.last().is_some_and(|list| !is_listed(list)), "the others know that it is not there");
    let before = world.lists.len();

    world.devices[1].is_asleep = false;
    world.input(1, Input::Wake);
    world.settle();
    assert!(world.devices[1].client.link().is_welcomed(), "at once");
    assert_eq!(world.devices[1].answers.last(), Some(&(id, Err(RejectCode::Unavailable))), "nobody means it any more");
    world.pass(60_000);
    assert_eq!(world.shown().intent, Intent::Pause);
    world.assert_sounds(None);
    let own = world.devices[1].client.devices().map(|list| list.devices.clone());
    assert_eq!(world.lists.split_off(before), [own.expect("it was welcomed")], "it came, and that is all");
}

#[test]
fn t43_with_every_controller_gone_the_active_device_goes_through_the_queue_for_an_hour() {
    let mut world = unrecorded(World::new(2));
    let tracks: Vec<u64> = (1..=400).collect();
    let Op::Play { item, tracks, start, position_ms, .. } = play(&tracks) else { unreachable!() };
    world.command(1, Op::Play { item, tracks, start, position_ms, on: Some(DeviceId(1)) });
    world.input(1, Input::Leave(ByeReason::Close));
    world.settle();
    assert_eq!(world.state.devices().len(), 1, "it is alone");
    let began_us = world.now_us;
    // Each track takes a moment to load.
    let due =
        |world: &World| u64::try_from((world.now_us - began_us) / 1_000 / (TRACK_MS + LOAD_MS)).ok().map(|n| n + 1);
    for _ in 0..60 {
        world.pass(HOUR_MS / 60);
        world.assert_sounds(Some(0));
        assert_eq!(world.media(), due(&world));
    }
    // Without the server, too: it is told later what was played.
    world.cut(0);
    world.pass(TRACK_MS);
    world.assert_sounds(Some(0));
    assert!(world.media() < due(&world), "nobody knows yet");
    world.come_back(0);
    world.pass(1_000);
    assert_eq!(world.media(), due(&world));
    world.assert_sounds(Some(0));
    let heard_ms = world.devices[0].client.audio().position_at(world.now_us).expect("it sounds");
    world.assert_shown(Intent::Play, Status::Playing, heard_ms);
}

#[test]
fn t82_three_idle_devices_make_no_revision_in_an_hour() {
    let mut world = unrecorded(playing(3));
    world.command(1, Op::Pause);
    world.pass(1_000);
    let stamp = world.state.record().stamp;
    world.pass(HOUR_MS);
    assert!(world.devices.iter().all(|device| device.client.link().is_welcomed()));
    assert_eq!(world.state.record().stamp, stamp);
}

/// The database is put back, and what is commanded then has the number that something else had before.
#[test]
fn t94_a_turn_that_comes_again_with_other_content_is_obeyed_and_the_old_one_refused() {
    let mut world = playing(2);
    let backup = world.written();
    for position_ms in [3_000, 4_000, 5_000, 6_000, 7_000, 8_000] {
        world.command(1, Op::Seek { position_ms });
    }
    world.pass(LOAD_MS + 100);
    let lost = world.right();
    world.start_over(backup);
    world.pass(1_500);
    assert!(world.shown().turn.revision < lost.1.revision, "room for as many again");
    while world.shown().turn.revision < lost.1.revision {
        world.command(1, Op::Seek { position_ms: 1_000 });
    }
    assert_eq!(world.shown().turn.revision, lost.1.revision, "the epoch alone tells them apart");
    world.pass(LOAD_MS + 500);
    world.assert_sounds(Some(0));
    world.assert_shown(Intent::Play, Status::Playing, 1_500);
    let shown = world.shown().clone();
    world.report_of(0, lost, 9_000);
    assert_eq!(*world.shown(), shown);
}

#[test]
fn t98_a_new_epoch_under_a_live_socket_has_unanswered_commands_said_again() {
    let mut world = playing(2);
    world.devices[0].trouble = Some(Trouble::LosesAcks);
    let id = world.command(0, Op::Pause);
    world.devices[0].trouble = None;
    world.pass(1_000);
    assert!(world.devices[0].answers.iter().all(|(answered, _)| *answered != id), "the ack was lost");
    let epoch = world.state.record().stamp.epoch;
    world.event(witness(Stamp { epoch: epoch + 10_000_000, revision: 3 }));
    world.settle();
    assert!(world.state.record().stamp.epoch > epoch + 10_000_000);
    let (answered, answer) = *world.devices[0].answers.last().expect("it was answered");
    assert_eq!((answered, answer.is_ok()), (id, true));
    world.assert_shown(Intent::Pause, Status::Paused, 2_000);
}

/// A device joins that was shown a stamp which this database never had.
fn witness(seen: Stamp) -> Event {
    Event::Join(Box::new(Join { seen: Some(seen), ..join(9_999) }))
}

#[test]
fn t99_a_device_that_is_answered_and_never_welcomed_falls_silent() {
    let mut world = playing(2);
    world.command(0, Op::Repeat { mode: Repeat::One });
    world.devices[0].trouble = Some(Trouble::IsNeverWelcome);
    world.cut(0);
    world.mend(0);
    world.pass(55_000 - TRACK_MS / 2);
    assert!(world.devices[0].client.audio().is_sounding() || world.devices[0].loading.is_some());
    world.pass(15_000);
    world.assert_sounds(None);
}
