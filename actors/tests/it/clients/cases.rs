//! What the clients of one session do; two of them never sound together.

use super::{LIMITS, LOAD_MS, TRACK_MS, Trouble, World, device, play, playing};
use segue_actors::protocol::close::CloseReason;
use segue_actors::protocol::device::Volume;
use segue_actors::protocol::ids::{CommandId, DeviceId, InstanceId, Micros};
use segue_actors::protocol::messages::{ByeReason, Op, RejectCode};
use segue_actors::protocol::playback::{Intent, Repeat, Status};
use segue_actors::protocol::wire::{ClientMessage, ServerMessage};
use segue_client::{Input, ServerTime};

#[test]
fn a_page_load_never_starts_sound() {
    let mut world = World::new(2);
    world.pass(5_000);
    assert!(world.devices.iter().all(|device| device.client.link().is_welcomed()));
    world.assert_sounds(None);
    world.assert_shown(Intent::Stop, Status::Idle, 0);
}

#[test]
fn pause_seek_next_and_previous_are_followed_from_any_device() {
    let mut world = playing(2);
    world.command(1, Op::Pause);
    world.assert_sounds(None);
    world.pass(500);
    world.assert_shown(Intent::Pause, Status::Paused, 2_000);
    world.command(1, play(&[]));
    world.pass(1_000 + LOAD_MS);
    world.assert_shown(Intent::Play, Status::Playing, 3_000);
    world.command(0, Op::Seek { position_ms: 8_000 });
    world.pass(500 + LOAD_MS);
    world.assert_shown(Intent::Play, Status::Playing, 8_500);
    world.command(1, Op::Next);
    world.pass(100 + LOAD_MS);
    assert_eq!(world.media(), Some(2));
    world.assert_shown(Intent::Play, Status::Playing, 100);
    world.command(1, Op::Previous);
    world.pass(100 + LOAD_MS);
    assert_eq!(world.media(), Some(1));
    world.assert_shown(Intent::Play, Status::Playing, 100);
    world.assert_sounds(Some(0));
}

#[test]
fn two_who_press_next_at_once_skip_once() {
    let mut world = playing(2);
    for index in [0, 1] {
        world.input(index, Input::Command(CommandId(7), Op::Next));
    }
    world.settle();
    assert_eq!(world.media(), Some(2));
    let answers = |index: usize| world.devices[index].answers.iter().map(|(_, answer)| *answer).collect::<Vec<_>>();
    assert!(answers(1).ends_with(&[Err(RejectCode::Stale)]), "{:?}", answers(1));
}

#[test]
fn a_command_that_is_refused_for_now_is_sent_again_and_one_that_is_to_wait_for_long_is_not() {
    let mut world = playing(2);
    for (id, retry_ms) in [(CommandId(9), 500), (CommandId(10), 10_001)] {
        world.input(1, Input::Command(id, Op::Repeat { mode: Repeat::All }));
        world.devices[1].up.clear();
        super::vectors::refuse(&mut world, id, retry_ms);
    }
    assert_eq!(world.devices[1].answers, [(CommandId(10), Err(RejectCode::RateLimited))]);
    world.pass(499);
    assert_eq!(world.shown().repeat, Repeat::Off);
    world.pass(1);
    assert_eq!(world.shown().repeat, Repeat::All);
    let (id, answer) = *world.devices[1].answers.last().expect("it was answered");
    assert!(id == CommandId(9) && answer.is_ok(), "{answer:?}");
}

/// Sent again on the same socket because of a higher epoch: the server rejects one copy and carries out the other.
#[test]
fn of_a_command_that_was_sent_twice_the_last_answer_counts() {
    let mut world = playing(2);
    let id = CommandId(9);
    let hear = |world: &mut World, message| world.input(1, Input::Frame(Box::new(message)));
    world.input(1, Input::Command(id, Op::Pause));
    let mut later = world.shown().clone();
    later.epoch += 1;
    hear(&mut world, ServerMessage::Playback(Box::new(later)));
    let is_the_command = |said: &ClientMessage| matches!(said, ClientMessage::Command(command) if command.id == id);
    assert_eq!(world.devices[1].up.iter().filter(|said| is_the_command(said)).count(), 2);
    let message = "no".to_owned();
    hear(&mut world, ServerMessage::Reject { id, code: RejectCode::Offline, message, retry_ms: None });
    assert_eq!(world.devices[1].answers, [], "another answer is to come");
    hear(&mut world, ServerMessage::Ack { id, revision: 77, queue_length: None });
    assert_eq!(world.devices[1].answers, [(id, Ok(77))]);
}

#[test]
fn a_volume_is_the_device_s_own_and_an_older_one_changes_nothing() {
    let mut world = playing(2);
    let level = |level| Op::Volume { device_id: Some(DeviceId(1)), level: Some(level), delta: None, muted: None };
    let shown = |world: &World| world.state.record().devices.get(DeviceId(1)).expect("it is known").volume;
    world.input(0, Input::Volume { level: 35, muted: false });
    world.pass(200);
    assert_eq!(world.devices[0].loudness, [], "a hand did it");
    assert_eq!((shown(&world), world.devices[0].client.volume()), (Some(volume(35, 0)), Some(volume(35, 0))));
    world.command(1, level(20));
    assert_eq!(world.devices[0].loudness, [volume(20, 1)]);
    assert!(world.devices[1].loudness.is_empty(), "that of another");
    world.cut(0);
    world.input(0, Input::Volume { level: 50, muted: false });
    world.come_back(0);
    world.pass(200);
    assert_eq!(shown(&world), Some(volume(50, 1)), "what a hand did while nobody heard of it");
    assert_eq!(world.devices[0].loudness.len(), 1);
    let list = world.devices[0].client.devices().expect("it has one").clone();
    world.command(1, level(60));
    world.input(0, Input::Frame(Box::new(ServerMessage::Devices(list))));
    assert_eq!(world.devices[0].client.volume(), Some(volume(60, 2)));
}

/// Changed on the device after its `hello` was sent.
pub(super) fn volume_before_the_welcome() -> World {
    let mut world = playing(2);
    world.cut(0);
    world.say_hello(0);
    world.input(0, Input::Volume { level: 45, muted: true });
    world.pass(1_000);
    world
}

/// The `hello` with the earlier volume is under way.
#[test]
fn a_volume_turned_before_the_welcome_is_sent_after_it() {
    let world = volume_before_the_welcome();
    let shown = world.state.record().devices.get(DeviceId(1)).expect("it is known").volume;
    assert_eq!(shown, Some(Volume { level: 45, muted: true, version: 0 }));
}

/// This device may be welcomed under another id.
#[test]
fn a_list_before_the_welcome_sets_no_volume() {
    let mut world = playing(2);
    let before = world.devices[0].client.volume();
    let mut list = world.devices[0].client.devices().expect("it has one").clone();
    world.cut(0);
    world.say_hello(0);
    list.devices_revision += 100;
    for device in &mut list.devices {
        device.volume = Some(volume(7, 9));
    }
    world.input(0, Input::Frame(Box::new(ServerMessage::Devices(list))));
    assert_eq!((world.devices[0].client.volume(), before), (before, None));
}

fn volume(level: u8, version: u64) -> Volume {
    Volume { level, muted: false, version }
}

#[test]
fn tracks_follow_each_other_to_the_end_of_the_queue() {
    let mut world = playing(2);
    world.pass(TRACK_MS);
    assert_eq!(world.media(), Some(2));
    world.assert_sounds(Some(0));
    world.assert_shown(Intent::Play, Status::Playing, 2_000);
    world.pass(2 * TRACK_MS);
    world.assert_sounds(None);
    world.assert_shown(Intent::Pause, Status::Ended, TRACK_MS);
    world.command(1, play(&[]));
    world.pass(1_000 + LOAD_MS);
    assert_eq!(world.media(), Some(1));
    world.assert_shown(Intent::Play, Status::Playing, 1_000);
}

#[test]
fn one_track_repeats() {
    let mut world = playing(1);
    world.command(0, Op::Repeat { mode: Repeat::One });
    world.pass(3 * TRACK_MS);
    assert_eq!(world.media(), Some(1));
    world.assert_sounds(Some(0));
}

#[test]
fn a_short_loss_of_the_socket_is_not_heard() {
    let mut world = playing(2);
    world.cut(0);
    world.settle();
    assert_eq!(world.shown().status, Status::Lost);
    world.assert_sounds(Some(0));
    world.pass(1_000);
    world.mend(0);
    world.pass(2_000);
    world.assert_sounds(Some(0));
    world.assert_shown(Intent::Play, Status::Playing, 5_000);
}

#[test]
fn a_device_that_is_cut_off_goes_on_with_the_next_track_and_says_so() {
    let mut world = playing(2);
    world.cut(0);
    world.pass(TRACK_MS);
    assert_eq!(world.media(), Some(1), "nobody knows yet");
    world.assert_sounds(Some(0));
    world.come_back(0);
    world.pass(1_000);
    assert_eq!(world.media(), Some(2));
    // Both tracks took their time to load.
    world.assert_shown(Intent::Play, Status::Playing, world.now_us / 1000 - TRACK_MS - 2 * LOAD_MS);
    world.assert_sounds(Some(0));
}

#[test]
fn what_a_device_played_to_its_end_alone_is_not_played_again() {
    let mut world = playing(2);
    world.cut(0);
    world.pass(2 * TRACK_MS);
    world.assert_sounds(None);
    world.come_back(0);
    world.pass(1_000);
    assert_eq!(world.media(), Some(3), "the second one is over");
    world.assert_sounds(Some(0));
}

#[test]
fn a_device_that_is_cut_off_for_too_long_falls_silent() {
    let mut world = playing(1);
    world.command(0, Op::Repeat { mode: Repeat::One });
    world.cut(0);
    world.pass(LIMITS.audio_ms - 1_000);
    world.assert_sounds(Some(0));
    world.pass(2_000);
    world.assert_sounds(None);
}

#[test]
fn a_device_that_comes_back_replaced_is_silent_before_it_is_welcome_to_speak() {
    let mut world = playing(2);
    world.cut(0);
    world.pass(500);
    world
        .command(1, Op::Play { item: None, tracks: Vec::new(), start: None, position_ms: None, on: Some(DeviceId(2)) });
    world.pass(500 + LOAD_MS);
    world.assert_shown(Intent::Play, Status::Playing, 2_500);
    assert!(world.devices[0].client.audio().is_sounding(), "it knows nothing of it");
    world.mend(0);
    world.pass(2_000);
    world.assert_sounds(Some(1));
}

#[test]
fn a_lost_ack_is_asked_for_again_and_the_command_counts_once() {
    let mut world = playing(1);
    world.devices[0].trouble = Some(Trouble::LosesAcks);
    let id = world.command(0, Op::Next);
    assert_eq!(world.media(), Some(2));
    assert!(!world.devices[0].answers.iter().any(|(answered, _)| *answered == id));
    world.devices[0].trouble = None;
    world.cut(0);
    world.mend(0);
    world.pass(3_000);
    assert_eq!(world.media(), Some(2));
    let answers = world.devices[0].answers.iter().filter(|(answered, _)| *answered == id);
    assert!(matches!(answers.collect::<Vec<_>>()[..], [(_, Ok(_))]));
}

#[test]
fn a_command_that_was_given_without_a_connection_is_sent_with_the_next_one() {
    let mut world = playing(2);
    world.cut(1);
    let id = world.command(1, Op::Pause);
    world.assert_sounds(Some(0));
    world.mend(1);
    world.pass(3_000);
    world.assert_sounds(None);
    assert!(world.devices[1].answers.iter().any(|(answered, answer)| *answered == id && answer.is_ok()));
}

#[test]
fn a_reloaded_page_does_not_inherit_the_lease() {
    let mut world = playing(2);
    world.lose_socket(0);
    world.devices[0] = device(1, 77);
    world.pass(1_000);
    assert!(world.devices[0].client.link().is_welcomed());
    assert_eq!(world.devices[0].client.device_id(), Some(DeviceId(1)), "it is the same device");
    world.assert_sounds(None);
    assert_eq!((world.shown().intent, world.shown().active), (Intent::Pause, None));
    world.command(0, play(&[]));
    world.pass(1_000 + LOAD_MS);
    world.assert_shown(Intent::Play, Status::Playing, 3_000);
}

#[test]
fn a_restart_of_the_server_is_not_heard() {
    let mut world = playing(2);
    world.restart();
    world.pass(3_000);
    world.assert_sounds(Some(0));
    world.assert_shown(Intent::Play, Status::Playing, 5_000);
}

#[test]
fn who_leaves_is_silent_and_gone() {
    let mut world = playing(2);
    world.input(0, Input::Leave(ByeReason::Close));
    world.assert_sounds(None);
    world.settle();
    assert_eq!((world.shown().intent, world.shown().active), (Intent::Pause, None));
    assert_eq!(world.state.devices().len(), 1);
    world.pass(60_000);
    assert_eq!(world.state.devices().len(), 1, "it does not come back by itself");
}

#[test]
fn who_is_sent_away_for_good_stays_away_even_when_the_close_frame_is_lost() {
    let mut world = playing(2);
    world.command(1, Op::DeviceForget { device_id: DeviceId(1) });
    world.lose_socket(0);
    world.input(0, Input::Closed(None));
    assert_eq!(world.devices[0].given_up, Some(4501));
    assert!(world.devices[0].client.link().is_over());
    world.pass(60_000);
    world.assert_sounds(None);
    assert_eq!(world.devices[0].connection, None);
}

#[test]
fn a_code_that_nobody_of_ours_sends_counts_by_its_band() {
    for (code, is_over) in [(1006, false), (4000, false), (4499, false), (4500, true), (4999, true)] {
        let mut world = World::new(1);
        world.input(0, Input::Closed(Some(code)));
        assert_eq!(world.devices[0].client.link().is_over(), is_over, "{code}");
    }
}

#[test]
fn what_is_already_loading_is_not_loaded_again() {
    let mut world = World::new(1);
    world.command(0, play(&[1]));
    let loading = world.devices[0].loading;
    assert!(loading.is_some());
    world.pass(10);
    world.command(0, Op::Seek { position_ms: 0 });
    assert_eq!(world.devices[0].loading, loading);
    world.command(0, Op::Seek { position_ms: 500 });
    assert_ne!(world.devices[0].loading, loading);
}

#[test]
fn the_lease_of_another_instance_of_the_same_device_is_nobodys() {
    let mut world = playing(2);
    let mut shown = world.shown().clone();
    shown.revision += 1;
    let active = shown.active.as_mut().expect("it plays");
    active.instance = InstanceId(active.instance.0 + 1_000);
    world.input(0, Input::Frame(Box::new(ServerMessage::Playback(Box::new(shown)))));
    world.assert_sounds(None);
    assert!(!world.devices[0].client.is_active());
}

#[test]
fn what_sounds_comes_back_within_a_second_however_many_come_back() {
    let mut world = playing(2);
    for (index, wait_ms) in [(0, 500), (1, 10_000)] {
        let goaway = ServerMessage::goaway(CloseReason::Restart, 20_000);
        world.input(index, Input::Frame(Box::new(goaway)));
        world.input(index, Input::Closed(Some(CloseReason::Restart.code())));
        assert_eq!(
            world.devices[index].client.next_deadline(),
            world.now_us + wait_ms * 1_000,
            "half of it, by chance"
        );
    }
}

#[test]
fn however_many_attempts_have_failed_the_next_one_comes_within_5_s() {
    let mut world = World::new(1);
    world.input(0, Input::Closed(None));
    let mut longest_us = 0;
    for _ in 0..20 {
        let due_us = world.devices[0].client.next_deadline();
        longest_us = longest_us.max(due_us - world.now_us);
        world.now_us = due_us;
        world.input(0, Input::Tick);
        world.input(0, Input::Closed(None));
    }
    assert_eq!(longest_us, 2_500_000, "half of 5 s, by chance");
}

#[test]
fn who_is_told_how_long_to_wait_waits_at_least_for_that_and_never_for_long() {
    let goaway = |retry_ms| {
        let (code, reason) = (CloseReason::TooManyDevices.code(), "too_many_devices".to_owned());
        ServerMessage::Goaway { code, reason, reconnect: true, jitter_ms: 1_000, retry_ms }
    };
    for (retry_ms, wait_ms) in [(None, 500), (Some(10_000), 10_500), (Some(u32::MAX), 30_500)] {
        for code in [Some(CloseReason::TooManyDevices.code()), None] {
            let mut world = World::new(1);
            world.input(0, Input::Frame(Box::new(goaway(retry_ms))));
            world.input(0, Input::Closed(code));
            assert_eq!(world.devices[0].given_up, None);
            let due_us = world.devices[0].client.next_deadline();
            assert_eq!(due_us, world.now_us + wait_ms * 1_000, "{retry_ms:?}, {code:?}");
            world.input(0, Input::Wake);
            assert!(world.devices[0].connection.is_some(), "a person who wakes the machine does not wait");
        }
    }
}

#[test]
fn what_is_older_is_not_obeyed_however_late_it_comes() {
    let mut world = playing(2);
    let older = world.shown().clone();
    world.command(1, Op::Pause);
    world.input(0, Input::Frame(Box::new(ServerMessage::Playback(Box::new(older)))));
    world.assert_sounds(None);
    world.assert_shown(Intent::Pause, Status::Paused, 2_000);
}

#[test]
fn a_clock_that_was_read_long_ago_is_worth_less() {
    let mut time = ServerTime::default();
    time.learn(0, Micros(500), Micros(500), 1_000);
    assert_eq!(time.bound_us(), Some(500));
    let later_us = 1_000_000_000;
    time.learn(later_us, Micros(later_us), Micros(later_us), later_us + 2_000_000);
    assert!(time.bound_us().is_some_and(|bound_us| bound_us >= 400_000), "two clocks drift apart: {time:?}");
}
