//! A session starts anew: a device let in before the earlier run's sockets are closed could sound beside them.

use super::{ANNA, Node, one_device, pass};
use segue_actors::node::Sessions as _;
use segue_actors::protocol::close::CloseReason;
use segue_actors::protocol::messages::{ByeReason, Op, Sound};
use segue_actors::protocol::wire::ClientMessage;
use segue_actors::testing::memory::Fault;

/// Within this time the sockets of a session that panicked are closed.
pub(crate) const CLOSED_WITHIN_MS: u64 = 2_500;

#[actix::test]
async fn nobody_is_let_in_before_the_sockets_of_the_run_before_are_closed() {
    tokio::time::pause();
    for is_answered in [true, false] {
        let node = Node::new();
        let mut kitchen = node.join("anna", "Kitchen", 1).await;
        let mut phone = node.join("anna", "Phone", 2).await;
        kitchen.plays(&node).await;
        node.tracks.hold(true);
        kitchen.play(11, &[3]);
        kitchen.settle().await;
        node.store.fail_next([Fault::UnknownWritten]);
        phone.command(12, Op::Seek { position_ms: 1_000 });
        phone.settle().await;
        assert_eq!((phone.line.closed(), kitchen.line.closed()), (Some(CloseReason::Restart), None));
        let mut again = node.join("anna", "Phone", 2).await;
        pass(1_500).await;
        again.settle().await;
        assert!(
            again.welcome.is_none(),
            "the kitchen, of which the catalogue is asked, has not been told and may sound"
        );
        if is_answered {
            node.tracks.hold(false);
        } else {
            pass(600).await;
        }
        kitchen.settle().await;
        assert_eq!(kitchen.line.closed(), Some(CloseReason::Restart));
        again.settle().await;
        assert!(again.welcome.is_some(), "answered: {is_answered}");
    }
}

#[actix::test]
async fn after_a_panic_devices_have_time_to_be_told() {
    tokio::time::pause();
    let node = Node::new();
    let mut kitchen = node.join("anna", "Kitchen", 1).await;
    node.store.fail_next([Fault::Panic]);
    kitchen.play(10, &[1]);
    kitchen.settle().await;
    let mut again = node.join("anna", "Kitchen", 1).await;
    pass(CLOSED_WITHIN_MS - 100).await;
    again.settle().await;
    assert!(again.welcome.is_none());
    pass(200).await;
    again.settle().await;
    assert!(again.welcome.is_some());
}

#[actix::test]
async fn the_session_of_a_removed_user_ends_and_writes_nothing() {
    tokio::time::pause();
    for is_logged_out in [true, false] {
        let node = Node::new();
        let mut kitchen = node.join("anna", "Kitchen", 1).await;
        kitchen.plays(&node).await;
        node.store.remove(ANNA);
        if is_logged_out {
            node.logins.end("anna");
        } else {
            kitchen.command(11, Op::Pause);
        }
        kitchen.settle().await;
        let why = if is_logged_out { CloseReason::BadToken } else { CloseReason::Restart };
        assert_eq!(kitchen.line.closed(), Some(why));
        pass(5_000).await;
        assert_eq!((node.store.has(ANNA), node.directory.sessions()), (false, 0), "logged out: {is_logged_out}");
    }
}

#[actix::test]
async fn a_play_that_was_refused_is_written_though_everybody_has_left() {
    let (node, mut kitchen) = one_device(&[]).await;
    kitchen.plays(&node).await;
    node.store.refuse_plays(1);
    for second in 1..=30 {
        pass(1_000).await;
        kitchen.report(Sound::Playing, second * 1_000, node.directory.world().clock.now());
    }
    kitchen.settle().await;
    kitchen.send(&ClientMessage::Bye { reason: ByeReason::Close });
    pass(2_000).await;
    assert_eq!((node.store.plays(ANNA).len(), node.directory.sessions()), (1, 0));
}
