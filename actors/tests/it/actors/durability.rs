//! Nothing acknowledged is lost: when a change is shown, and what a failing database or a panic costs.

use super::anew::CLOSED_WITHIN_MS;
use super::{ANNA, Device, Node, acks, one_device, pass, rejects, two_devices};
use segue_actors::node::Sessions as _;
use segue_actors::protocol::close::CloseReason;
use segue_actors::protocol::ids::{DeviceId, MediaId};
use segue_actors::protocol::messages::{Op, Sound, TransferMode};
use segue_actors::protocol::playback::{Intent, Playback, Repeat, Status};
use segue_actors::protocol::wire::ServerMessage;
use segue_actors::testing::memory::Fault;
use std::time::Duration;

#[actix::test]
async fn a_change_is_shown_and_acked_only_once_it_is_stored() {
    let (node, mut kitchen, mut phone) = two_devices().await;
    node.store.hold(true);
    kitchen.play(10, &[1, 2]);
    pass(300).await;
    kitchen.settle().await;
    phone.settle().await;
    assert_eq!((kitchen.status(), phone.status()), (Some(Status::Idle), Some(Status::Idle)), "nothing is shown yet");
    assert!(acks(&kitchen.rest).is_empty());
    node.store.hold(false);
    kitchen.settle().await;
    phone.settle().await;
    assert_eq!((kitchen.status(), phone.status()), (Some(Status::Starting), Some(Status::Starting)));
    assert_eq!(acks(&kitchen.take_rest()), [10]);
}

#[actix::test]
async fn nobody_is_shown_anything_before_its_welcome() {
    let (node, mut kitchen) = one_device(&[]).await;
    node.store.hold(true);
    kitchen.play(10, &[1, 2]);
    pass(100).await;
    let mut phone = node.connect();
    phone.hello("anna", "Phone", 2);
    pass(100).await;
    node.store.hold(false);
    kitchen.settle().await;
    let first = phone.line.take().into_iter().next().expect("it is welcomed");
    assert!(matches!(ServerMessage::decode(&first), Ok(ServerMessage::Welcome(_))), "{first}");
}

#[actix::test]
async fn events_that_wait_for_a_commit_are_committed_together() {
    let (node, mut kitchen) = one_device(&[]).await;
    let before = node.store.commits();
    node.store.hold(true);
    kitchen.play(10, &[1, 2]);
    pass(100).await;
    for id in 11..31 {
        kitchen.command(id, Op::Seek { position_ms: i64::try_from(id).expect("small") * 1_000 });
    }
    pass(250).await;
    node.store.hold(false);
    kitchen.settle().await;
    assert_eq!(acks(&kitchen.take_rest()), (10..31).collect::<Vec<_>>(), "in order");
    assert_eq!(node.store.commits() - before, 2, "the first alone, the twenty that waited together");
    assert_eq!(kitchen.playback.as_ref().map(|shown| shown.position_ms), Some(30_000));
}

#[actix::test]
async fn a_report_is_shown_first_and_written_soon() {
    let (node, mut kitchen, mut phone) = two_devices().await;
    kitchen.play(10, &[1, 2]);
    kitchen.settle().await;
    let before = node.store.commits();
    node.store.hold(true);
    let now = node.directory.world().clock.now();
    kitchen.report(Sound::Playing, 0, now);
    kitchen.settle().await;
    phone.settle().await;
    assert_eq!(phone.status(), Some(Status::Playing), "shown while the database is slow");
    node.store.hold(false);
    pass(2_000).await;
    assert_eq!(node.store.commits() - before, 1, "and written within 2 s");
    for second in 0..20 {
        pass(1_000).await;
        kitchen.report(Sound::Playing, 2_000 + (second + 1) * 1_000, node.directory.world().clock.now());
    }
    phone.settle().await;
    assert_eq!(node.store.commits() - before, 1, "a track that plays steadily commits nothing");
}

#[actix::test]
async fn a_change_that_was_not_sent_is_rejected_and_undone() {
    let (node, mut kitchen) = one_device(&[1, 2]).await;
    let stamp = kitchen.playback.as_ref().map(Playback::stamp);
    node.store.fail_next([Fault::NotSent]);
    kitchen.command(11, Op::Pause);
    kitchen.settle().await;
    assert_eq!(rejects(&kitchen.take_rest()), ["Unavailable"]);
    assert_eq!(kitchen.playback.as_ref().map(Playback::stamp), stamp, "nothing changed");
    kitchen.command(11, Op::Pause);
    kitchen.settle().await;
    assert_eq!(acks(&kitchen.take_rest()), [11], "the same command may be sent again");
}

/// The outcome of a commit is unknown: whichever it was, the resent command is applied once.
#[actix::test]
async fn t37_a_command_whose_answer_is_lost_is_applied_once() {
    tokio::time::pause();
    for fault in [Fault::UnknownWritten, Fault::UnknownLost] {
        let node = Node::new();
        let mut kitchen = node.join("anna", "Kitchen", 1).await;
        kitchen.play(10, &[1, 2, 3]);
        kitchen.settle().await;
        node.store.fail_next([fault]);
        kitchen.command(11, Op::Next);
        kitchen.settle().await;
        assert_eq!(acks(&kitchen.take_rest()), [10], "{fault:?}: no ack without knowing");
        assert_eq!(kitchen.line.closed(), Some(CloseReason::Restart));
        let seen = kitchen.playback.clone();
        let mut again = node.join("anna", "Kitchen", 1).await;
        again.playback = seen;
        again.command(11, Op::Next);
        again.settle().await;
        assert_eq!(acks(&again.take_rest()), [11], "{fault:?}");
        let witness = node.join("anna", "Phone", 2).await;
        let shown = witness.playback.as_ref().expect("it was welcomed");
        assert_eq!(shown.item.map(|item| item.media_id.0), Some(2), "{fault:?}: skipped once");
    }
}

/// Many commands may wait for answers; a repeated one is known among a device's last 64 (`PROTOCOL.md`, G4).
#[actix::test]
async fn more_than_sixteen_may_wait_and_what_is_said_again_after_sixty_four_others_counts_again() {
    let (node, mut kitchen) = one_device(&[1]).await;
    let insert = || Op::QueueInsert { tracks: vec![MediaId(2)], after: None, before: None };
    let length = |kitchen: &Device| kitchen.playback.as_ref().map(|shown| shown.queue_length);
    node.store.hold(true);
    let mode = |id: u64| if id.is_multiple_of(2) { Repeat::All } else { Repeat::Off };
    for id in 100..163 {
        kitchen.command(id, if id == 100 { insert() } else { Op::Repeat { mode: mode(id) } });
        kitchen.settle().await;
    }
    assert_eq!(acks(&kitchen.take_rest()), [10], "all of them wait");
    node.store.hold(false);
    kitchen.settle().await;
    assert_eq!(acks(&kitchen.take_rest()), (100..163).collect::<Vec<_>>(), "each is answered, in order");
    kitchen.command(163, Op::Repeat { mode: mode(163) });
    kitchen.command(100, insert());
    kitchen.settle().await;
    assert_eq!((acks(&kitchen.take_rest()), length(&kitchen)), (vec![163, 100], Some(2)), "63 others are not too many");
    pass(1_000).await;
    kitchen.command(164, Op::Repeat { mode: mode(164) });
    kitchen.command(100, insert());
    kitchen.settle().await;
    assert_eq!((acks(&kitchen.take_rest()), length(&kitchen)), (vec![164, 100], Some(3)), "64 are");
}

#[actix::test]
async fn a_server_that_dies_between_arrival_and_commit_loses_nothing_acknowledged() {
    let (node, mut kitchen) = one_device(&[1, 2, 3]).await;
    assert_eq!(acks(&kitchen.take_rest()), [10]);
    // The command arrived and its commit did not: the next run of the server does not know it.
    node.store.hold(true);
    kitchen.command(11, Op::Next);
    pass(100).await;
    let next_run = node.again();
    let stored = next_run.store.clone();
    stored.hold(false);
    let mut again = next_run.join("anna", "Kitchen", 1).await;
    let shown = again.playback.clone().expect("it is welcomed with the whole state");
    assert_eq!(shown.intent, Intent::Play, "what was acknowledged is there");
    assert_eq!(shown.status, Status::Lost, "and the holder is missed until it reports");
    again.command(11, Op::Next);
    again.settle().await;
    assert_eq!(acks(&again.take_rest()), [11]);
}

#[actix::test]
async fn a_database_put_back_under_a_live_session_restarts_it_under_a_higher_epoch() {
    let (node, mut kitchen) = one_device(&[1, 2, 3]).await;
    let backup =
        segue_actors::node::ports::SessionStore::load(&*node.store, ANNA).await.expect("a twin").expect("stored");
    let (_, queue) = segue_actors::node::ports::SessionStore::queue(&*node.store, ANNA).await.expect("a twin");
    kitchen.command(11, Op::Next);
    kitchen.settle().await;
    let seen = kitchen.playback.as_ref().map(Playback::stamp);
    node.store.put(ANNA, backup, queue);
    kitchen.command(12, Op::Pause);
    kitchen.settle().await;
    assert_eq!(kitchen.line.closed(), Some(CloseReason::Restart));
    let again = node.join("anna", "Kitchen", 1).await;
    let shown = again.playback.as_ref().expect("it was welcomed");
    assert_eq!(shown.item.map(|item| item.media_id.0), Some(1), "what stands in the database is the truth");
    assert!(Some(shown.stamp()) > seen, "and is newer than everything that was shown");
    assert!(shown.epoch > seen.map_or(0, |seen| seen.epoch));
}

#[actix::test]
async fn a_panic_in_one_session_harms_nobody_else() {
    tokio::time::pause();
    let node = Node::new();
    let mut anna = node.join("anna", "Kitchen", 1).await;
    let mut bert = node.join("bert", "Garden", 1).await;
    anna.play(10, &[1, 2]);
    bert.play(10, &[3]);
    anna.settle().await;
    bert.settle().await;
    node.store.fail_next([Fault::Panic]);
    anna.command(11, Op::Pause);
    anna.settle().await;
    bert.settle().await;
    assert_eq!(anna.line.closed(), Some(CloseReason::Restart), "its devices come back at once");
    assert_eq!(bert.line.closed(), None);
    bert.command(11, Op::Pause);
    bert.settle().await;
    assert_eq!(acks(&bert.take_rest()), [10, 11]);
    pass(CLOSED_WITHIN_MS).await;
    let again = node.join("anna", "Kitchen", 1).await;
    let shown = again.playback.as_ref().expect("a fresh session starts from the last record");
    assert_eq!((shown.intent, shown.item.map(|item| item.media_id.0)), (Intent::Play, Some(1)));
}

#[actix::test]
async fn a_shutdown_writes_what_was_shown_and_sends_everybody_away() {
    let (node, mut kitchen) = one_device(&[]).await;
    kitchen.plays(&node).await;
    for second in 1..=10 {
        pass(1_000).await;
        kitchen.report(Sound::Playing, second * 1_000, node.directory.world().clock.now());
    }
    pass(100).await;
    node.directory.shutdown().await;
    kitchen.settle().await;
    assert_eq!(kitchen.line.closed(), Some(CloseReason::Shutdown));
    assert_eq!(node.directory.sessions(), 0);
    let record =
        segue_actors::node::ports::SessionStore::load(&*node.store, ANNA).await.expect("a twin").expect("stored");
    assert_eq!(record.playback.status, Status::Lost);
    assert!((10_000..=10_150).contains(&record.playback.position_ms), "{}", record.playback.position_ms);
    assert!(node.directory.session(ANNA).is_none(), "no session is started any more");
    let late = node.join("anna", "Late", 2).await;
    assert_eq!(late.line.closed(), Some(CloseReason::Shutdown), "and who comes late is told");
}

#[actix::test]
async fn a_shutdown_sends_users_away_one_after_the_other() {
    tokio::time::pause();
    let node = Node::new();
    let (mut anna, mut bert) = (node.join("anna", "Kitchen", 1).await, node.join("bert", "Garden", 2).await);
    let over_ms = u64::try_from(node.directory.jitter_ms()).expect("a time");
    let began = tokio::time::Instant::now();
    node.directory.shutdown().await;
    assert!(began.elapsed() >= Duration::from_millis(over_ms / 2), "the second of two waits for half of it");
    anna.settle().await;
    bert.settle().await;
    assert_eq!([&anna, &bert].map(|device| device.line.closed()), [Some(CloseReason::Shutdown); 2]);
}

#[actix::test]
async fn a_session_without_devices_ends_and_is_found_again() {
    let (node, mut kitchen) = one_device(&[1, 2]).await;
    kitchen.cut();
    pass(15_500).await;
    assert_eq!(node.directory.sessions(), 0, "after the grace nobody is waited for");
    let again = node.join("anna", "Kitchen", 1).await;
    assert_eq!(again.status(), Some(Status::Lost), "the same instance still has its lease");
    assert_eq!(again.names(), ["Kitchen"]);
}

#[actix::test]
async fn without_a_database_devices_are_told_to_come_back() {
    tokio::time::pause();
    let node = Node::new();
    node.store.fail_next([Fault::NotSent; 100]);
    let mut kitchen = node.join("anna", "Kitchen", 1).await;
    pass(4_000).await;
    assert_eq!(kitchen.line.closed(), None, "it is waited for");
    pass(2_500).await;
    kitchen.settle().await;
    assert_eq!(kitchen.line.closed(), Some(CloseReason::Unavailable));
    assert!(kitchen.welcome.is_none());
}

/// The source of a transfer ends while the database refuses writes: the commit is tried each two seconds.
#[actix::test]
async fn what_must_be_and_is_refused_is_tried_again_in_a_while() {
    let (node, mut kitchen, mut phone) = two_devices().await;
    kitchen.plays(&node).await;
    kitchen.command(11, Op::Transfer { to: DeviceId(2), mode: TransferMode::Keep });
    kitchen.settle().await;
    phone.settle().await;
    let holder = |phone: &Device| phone.playback.as_ref().and_then(|shown| shown.active).map(|active| active.device_id);
    assert!(phone.playback.as_ref().is_some_and(|shown| shown.transfer.is_some()));
    node.store.fail_next([Fault::NotSent; 4]);
    kitchen.cut();
    pass(1_500).await;
    phone.settle().await;
    assert_eq!(holder(&phone), Some(DeviceId(1)), "not as fast as the processor can");
    pass(8_000).await;
    phone.settle().await;
    assert_eq!(holder(&phone), Some(DeviceId(2)), "and then it is done");
}
