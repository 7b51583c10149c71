//! The music moves between clients: prepared, switched, rolled back, and never heard twice.

use super::{LOAD_MS, PREPARE_MS, Trouble, World, play, play_on, playing, transfer, unrecorded};
use segue_actors::protocol::ids::{CommandId, DeviceId};
use segue_actors::protocol::messages::Op;
use segue_actors::protocol::playback::{Intent, Status};
use segue_actors::protocol::wire::{ClientMessage, ServerMessage};
use segue_client::{Audio, Input};

/// From a transfer's command to its switch: the target loads, and both are given notice.
const SWITCH_MS: i64 = PREPARE_MS + 400;
/// Longer than the notice of a switch; twice that is within all deadlines.
const WAIT_MS: i64 = 450;

/// Every order in which the frames of a transfer can come, each of them early or late: what waits on the four ways is
/// taken in all sequences, with time passing between any two. Each frame down comes twice, and once more after the next.
#[test]
fn t01_in_every_order_in_which_frames_come_and_come_again_one_device_sounds() {
    let mut world = unrecorded(playing(2));
    world.input(1, Input::Command(CommandId(9), transfer(2)));
    let orders = every_order(&world, &[None, None], 2);
    assert!(orders > 8_000, "{orders} orders");
}

/// What happens next in one of the orders.
#[derive(Clone, Copy)]
enum Step {
    /// The next frame from that device is at the server.
    Up(usize),
    /// The next frame to it is there.
    Down(usize),
    /// Nothing, for a while.
    Wait,
}

/// Goes on in every way from here, lets time pass `waits` times at most, and counts the orders that there are.
fn every_order(world: &World, earlier: &[Option<ServerMessage>; 2], waits: usize) -> usize {
    let ups = (0..2).filter(|index| !world.devices[*index].up.is_empty()).map(Step::Up);
    let downs = (0..2).filter(|index| !world.devices[*index].down.is_empty()).map(Step::Down);
    let steps: Vec<Step> = ups.chain(downs).chain((waits > 0).then_some(Step::Wait)).collect();
    if steps.is_empty() {
        the_target_sounds(world.clone());
        return 1;
    }
    let follow = |step: &Step| {
        let (mut world, mut earlier, mut waits) = (world.clone(), earlier.clone(), waits);
        match *step {
            Step::Up(index) => {
                let message = world.devices[index].up.pop_front().expect("one waits");
                world.arrive(index, &message);
            }
            Step::Down(index) => {
                let message = world.devices[index].down.pop_front().expect("one waits");
                let again = earlier[index].replace(message.clone());
                for frame in [Some(message.clone()), Some(message), again].into_iter().flatten() {
                    world.input(index, Input::Frame(Box::new(frame)));
                }
            }
            Step::Wait => {
                waits -= 1;
                world.wait(WAIT_MS);
            }
        }
        tell_the_time(&mut world);
        every_order(&world, &earlier, waits)
    };
    steps.iter().map(follow).sum()
}

/// Frames that do not concern playback are left out.
fn tell_the_time(world: &mut World) {
    for index in 0..2 {
        while let Some(at) = world.devices[index].up.iter().position(|up| matches!(up, ClientMessage::Time { .. })) {
            let probe = world.devices[index].up.remove(at).expect("it is there");
            world.arrive(index, &probe);
            let answer = world.devices[index].down.pop_back().expect("it is answered");
            world.input(index, Input::Frame(Box::new(answer)));
        }
        world.devices[index].down.retain(|down| !matches!(down, ServerMessage::Ack { .. }));
    }
}

fn the_target_sounds(mut world: World) {
    world.pass(2_000);
    world.assert_sounds(Some(1));
    assert_eq!(world.devices[1].starts, 1, "it never stopped what it had begun");
    let place_ms = world.shown().position_at(world.server_now());
    world.assert_shown(Intent::Play, Status::Playing, place_ms);
    let gap_ms = world.now_us / 1_000 - LOAD_MS - place_ms;
    assert!((0..=2_000).contains(&gap_ms), "{gap_ms} ms of silence");
}

#[test]
fn t05_what_comes_twice_is_done_once_and_a_refresh_starts_nothing() {
    let mut world = World::new(2);
    world.devices[0].trouble = Some(Trouble::HearsTwice);
    world.command(0, play(&[1, 2, 3]));
    world.command(0, Op::Seek { position_ms: 5_000 });
    world.pass(LOAD_MS + 1_000);
    world.assert_sounds(Some(0));
    assert_eq!(world.devices[0].starts, 2, "for the track, and for the place in it");
    world.cut(0);
    world.come_back(0);
    world.pass(1_000);
    world.assert_sounds(Some(0));
    assert_eq!(world.devices[0].starts, 2, "everything was shown again and nothing was new");
    world.assert_shown(Intent::Play, Status::Playing, world.now_us / 1_000 - LOAD_MS + 5_000);
}

#[test]
fn t07_t14_the_music_moves_there_and_back_without_a_gap_or_a_jump() {
    let mut world = playing(2);
    for (by, to) in [(0, 1), (1, 0), (0, 1), (0, 0)] {
        let (before_ms, right) = (world.shown().position_at(world.server_now()), world.right());
        let from = world.devices.iter().position(|device| device.client.audio().is_sounding());
        world.command(by, transfer(u64::try_from(to).expect("small") + 1));
        world.pass(SWITCH_MS - 1);
        world.assert_sounds(if from == Some(to) { Some(to) } else { from });
        world.pass(2);
        world.assert_sounds(Some(to));
        world.assert_shown(Intent::Play, Status::Playing, before_ms + SWITCH_MS + 1);
        assert_eq!((world.shown().after.len(), world.shown().transfer), (0, None));
        // The earlier holder still sends reports.
        world.pass(500);
        let shown = world.shown().clone();
        world.report_of(from.expect("one did"), right, before_ms);
        if from != Some(to) {
            assert_eq!(*world.shown(), shown);
        }
        world.pass(500);
        world.assert_sounds(Some(to));
    }
}

/// That two never sound is asserted after each input: the gap is in place of an overlap of up to half a second.
#[test]
fn over_clocks_that_are_known_badly_a_switch_makes_a_gap_and_no_overlap() {
    let mut world = playing(2);
    // The source's clock is behind by a quarter of a second, and the target's ahead.
    for (index, there_ms) in [(0, 250), (1, 750)] {
        world.devices[index].trouble = Some(Trouble::IsLopsided(there_ms));
        world.input(index, Input::Wake);
        world.settle();
        assert_eq!(world.devices[index].client.time().caution_us(), 480_000);
    }
    world.command(1, transfer(2));
    world.pass(SWITCH_MS - 240);
    world.assert_sounds(Some(0));
    world.pass(20);
    world.assert_sounds(None);
    world.pass(440);
    world.assert_sounds(None);
    world.pass(20);
    world.assert_sounds(Some(1));
}

#[test]
fn the_target_of_a_transfer_measures_a_badly_known_clock_anew() {
    let mut world = playing(2);
    world.devices[1].trouble = Some(Trouble::IsLopsided(500));
    world.input(1, Input::Wake);
    world.settle();
    assert_eq!(world.devices[1].client.time().bound_us(), Some(500_000));
    world.devices[1].trouble = None;
    world.command(1, transfer(2));
    assert_eq!(world.devices[1].client.time().bound_us(), Some(0), "long before the next probe was due");
}

#[test]
fn t02_a_device_that_missed_the_grant_is_silent_at_its_next_frame_and_its_reports_are_refused() {
    let mut world = playing(2);
    let right = world.right();
    world.devices[0].trouble = Some(Trouble::IsDeaf);
    world.command(1, play_on(2));
    world.pass(500);
    world.assert_sounds(Some(0));
    assert_eq!(world.shown().status, Status::Starting, "the target waits");
    let shown = world.shown().clone();
    world.report_of(0, right, 2_500);
    assert_eq!(*world.shown(), shown);
    let next = world.devices[0].down.pop_front().expect("it was told");
    world.input(0, Input::Frame(Box::new(next)));
    world.assert_sounds(None);
    world.devices[0].trouble = None;
    world.pass(LOAD_MS + 1);
    world.assert_sounds(Some(1));
    world.pass(1_000);
    world.assert_shown(Intent::Play, Status::Playing, 3_001);
    let shown = world.shown().clone();
    world.report_of(0, right, 3_500);
    assert_eq!(*world.shown(), shown);
}

#[test]
fn t02_a_source_that_hears_nothing_of_the_switch_is_silent_at_its_instant() {
    let mut world = playing(2);
    world.command(1, transfer(2));
    world.pass(PREPARE_MS);
    let is_promised = |world: &World| world.shown().active.is_some_and(|active| active.from_us.is_some());
    assert!(is_promised(&world));
    world.devices[0].trouble = Some(Trouble::IsDeaf);
    world.pass(399);
    world.assert_sounds(Some(0));
    world.pass(2);
    world.assert_sounds(Some(1));
}

#[test]
fn t73_what_is_paused_moves_in_silence() {
    let mut world = playing(2);
    world.command(0, Op::Pause);
    world.command(0, transfer(2));
    world.pass(1_000);
    world.assert_sounds(None);
    world.assert_shown(Intent::Pause, Status::Paused, 2_000);
    assert_eq!(world.shown().active.map(|active| active.device_id), Some(DeviceId(2)));
}

#[test]
fn t08_a_target_that_dies_after_it_was_ready_leaves_the_music_where_it_is() {
    let mut world = playing(2);
    world.command(0, transfer(2));
    world.pass(SWITCH_MS - 200);
    world.cut(1);
    world.pass(6_000);
    // The yield was accepted before: the target is active and lost; the device that is there takes the music back.
    assert_eq!(
        (world.shown().status, world.shown().active.map(|active| active.device_id)),
        (Status::Lost, Some(DeviceId(2)))
    );
    world.assert_sounds(None);
    world.command(0, play_on(1));
    world.pass(1_000 + LOAD_MS);
    world.assert_sounds(Some(0));
}

#[test]
fn t08_a_source_that_dies_before_the_switch_leaves_the_music_to_the_target() {
    let mut world = playing(2);
    world.command(1, transfer(2));
    world.lose_socket(0);
    world.devices[0].client = super::device(1, 55).client;
    world.devices[0].loading = None;
    world.devices[0].is_cut = true;
    world.pass(1_000 + LOAD_MS);
    world.assert_sounds(Some(1));
    world.assert_shown(Intent::Play, Status::Playing, 3_000);
}

#[test]
fn t08_a_restart_of_the_server_between_ready_and_switch_leaves_one_device_sounding() {
    for wait_ms in (0..900).step_by(50) {
        let mut world = playing(2);
        world.command(1, transfer(2));
        world.pass(wait_ms);
        world.restart();
        world.pass(5_000 - wait_ms);
        let holder = world.shown().active.map(|active| usize::try_from(active.device_id.0).expect("small") - 1);
        world.assert_sounds(holder);
        let place_ms = world.shown().position_at(world.server_now());
        assert!((place_ms - 7_000).abs() <= 1_000, "{place_ms} after {wait_ms}");
    }
}

#[test]
fn t93_a_grant_between_the_yield_and_the_switch_is_never_heard_with_it() {
    let mut world = playing(3);
    world.command(0, transfer(2));
    world.pass(SWITCH_MS - 200);
    assert_eq!(world.shown().active.and_then(|active| active.source), Some(DeviceId(1)), "the promise is accepted");
    world.assert_sounds(Some(0));
    world.devices[0].trouble = Some(Trouble::IsDeaf);
    world.command(2, play_on(3));
    world.pass(190);
    world.assert_sounds(Some(0));
    world.pass(20 + LOAD_MS);
    world.assert_sounds(Some(2));
    world.devices[0].trouble = None;
    world.pass(1_000);
    world.assert_sounds(Some(2));
}

#[test]
fn t95_a_device_that_gets_the_music_back_starts_at_the_shown_place() {
    let mut world = playing(2);
    world.command(0, transfer(2));
    world.pass(3_000);
    world.command(0, transfer(1));
    world.pass(3_000);
    world.assert_sounds(Some(0));
    world.assert_shown(Intent::Play, Status::Playing, 8_000);
    let heard_ms = world.devices[0].client.audio().position_at(world.now_us);
    assert!(heard_ms.is_some_and(|heard_ms| (heard_ms - 8_000).abs() <= 1), "{heard_ms:?}");
}

#[test]
fn t100_a_switch_that_never_comes_shows_its_place_and_goes_on_without_a_jump() {
    let mut world = playing(2);
    world.devices[0].trouble = Some(Trouble::LosesYields);
    world.command(1, transfer(2));
    world.pass(SWITCH_MS + 1_000);
    world.assert_sounds(None);
    world.assert_shown(Intent::Play, Status::Buffering, 2_000 + SWITCH_MS);
    world.devices[0].trouble = None;
    world.pass(5_000 - SWITCH_MS - 1_000 + LOAD_MS);
    world.assert_sounds(Some(0));
    world.assert_shown(Intent::Play, Status::Playing, 2_000 + SWITCH_MS);
    world.pass(1_000);
    world.assert_shown(Intent::Play, Status::Playing, 3_000 + SWITCH_MS);
}

#[test]
fn a_seek_while_the_target_loads_is_where_both_go_on() {
    let mut world = playing(2);
    world.command(0, transfer(2));
    world.pass(PREPARE_MS / 2);
    world.command(1, Op::Seek { position_ms: 6_000 });
    world.pass(2_000);
    world.assert_sounds(Some(1));
    world.assert_shown(Intent::Play, Status::Playing, 8_000 - LOAD_MS);
}

#[test]
fn the_target_waits_until_the_source_has_said_that_it_is_silent() {
    let mut world = playing(2);
    world.input(1, Input::Command(CommandId(9), play_on(2)));
    let command = world.devices[1].up.pop_front().expect("a command");
    world.arrive(1, &command);
    // The target hears of the grant first, and the source nothing yet.
    while let Some(message) = world.devices[1].down.pop_front() {
        world.input(1, Input::Frame(Box::new(message)));
    }
    assert_eq!(world.devices[1].client.audio(), &Audio::Silent);
    world.assert_sounds(Some(0));
    world.pass(LOAD_MS + 1);
    world.assert_sounds(Some(1));
}
