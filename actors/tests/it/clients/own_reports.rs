//! A device adds its own reports to what it was sent: it is sent what others change, and what of its own was refused.

use super::{LOAD_MS, World, playing};
use segue_actors::protocol::ids::CommandId;
use segue_actors::protocol::messages::{Op, Sound};
use segue_actors::protocol::playback::{Intent, Repeat, Status};
use segue_actors::protocol::wire::{ClientMessage, ServerMessage};
use segue_client::Input;

/// The stamps of the playbacks on their way to a device.
fn revisions(world: &World, index: usize) -> Vec<u64> {
    let down = world.devices[index].down.iter().filter_map(|message| match message {
        ServerMessage::Playback(playback) => Some(playback.revision),
        _ => None,
    });
    down.collect()
}

/// What the device has to say arrives, and nothing that is sent to it.
fn arrive(world: &mut World, index: usize) {
    while let Some(message) = world.devices[index].up.pop_front() {
        world.arrive(index, &message);
    }
}

/// Of the reports of the device on their way.
fn reported(world: &World, index: usize) -> Vec<Sound> {
    let up = world.devices[index].up.iter().filter_map(|message| match message {
        ClientMessage::Report(report) => Some(report.status),
        _ => None,
    });
    up.collect()
}

#[test]
fn who_reports_is_not_sent_what_it_said_and_others_are() {
    let mut world = playing(2);
    world.input(0, Input::Stalled);
    arrive(&mut world, 0);
    assert_eq!((revisions(&world, 0).len(), revisions(&world, 1).len()), (0, 1));
    world.pass(LOAD_MS + 1_000);
    world.assert_shown(Intent::Play, Status::Buffering, 2_000);
}

#[test]
fn what_another_changed_before_a_report_is_sent_with_it() {
    let mut world = playing(2);
    world.input(1, Input::Command(CommandId(9), Op::Repeat { mode: Repeat::All }));
    world.input(0, Input::Stalled);
    arrive(&mut world, 1);
    arrive(&mut world, 0);
    let revisions = revisions(&world, 0);
    assert_eq!(revisions.len(), 2, "it did not know of the command when it reported: {revisions:?}");
    world.settle();
    world.assert_shown(Intent::Play, Status::Buffering, 2_000);
}

/// The device is sent the same playback again because a report was refused. A report that was on its way then was added to
/// the copy that this replaces.
#[test]
fn after_a_refused_report_the_next_change_is_sent() {
    let mut world = playing(2);
    world.input(0, Input::Stalled);
    assert_eq!(reported(&world, 0), [Sound::Buffering]);
    // A report under a lease of before, refused while the other is on its way.
    let (mut lease, turn, item) = world.right();
    lease.revision -= 1;
    world.report_of(0, (lease, turn, item), 60_000);
    arrive(&mut world, 0);
    let (sent, newest) = (revisions(&world, 0), world.shown().revision);
    assert_eq!(sent, [newest - 1, newest], "the same again, and what the report on its way changed");
    world.settle();
    world.assert_shown(Intent::Play, Status::Buffering, 2_000);
}
