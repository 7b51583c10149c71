//! Programs without a socket: one limit for all of a user's, however they ask, and a session that stays between questions.

use super::{ANNA, BERT, Node, TRACK_MS, pass};
use segue_actors::node::Sessions as _;
use segue_actors::protocol::ids::{CommandId, DeviceId, MediaId, UserId};
use segue_actors::protocol::messages::{Command, Op, RejectCode};
use segue_actors::protocol::playback::{MediaKind, Repeat};
use segue_actors::session::{Answer, Ask, Snapshot};
use segue_actors::socket::rate_limit::RateLimit;
use segue_actors::state::queue::Resolved;
use segue_actors::state::{Asked, Reject};
use segue_actors::testing::memory::Fault;

impl Node {
    async fn ask(&self, user: UserId, asked: Asked) -> Result<Answer, Reject> {
        let session = self.directory.session(user).expect("the node does not stop");
        session.send(Ask(asked)).await.expect("the session lives")
    }

    async fn command(&self, user: UserId, op: Op<Resolved>) -> Result<Answer, Reject> {
        let id = CommandId((self.directory.world().random)());
        let command = Box::new(Command { id, if_item: None, if_queue_revision: None, if_lease: None, op });
        self.ask(user, Asked::Command { command, seed: 1 }).await
    }

    async fn look(&self, user: UserId) -> Snapshot {
        match self.ask(user, Asked::Look).await {
            Ok(Answer::Shown(snapshot)) => *snapshot,
            other => panic!("{other:?}"),
        }
    }
}

fn track(id: u64) -> Resolved {
    Resolved { media_id: MediaId(id), kind: MediaKind::Track, duration_ms: Some(TRACK_MS) }
}

#[actix::test]
async fn looks_one_after_the_other_begin_one_epoch() {
    tokio::time::pause();
    let node = Node::new();
    let first = node.look(ANNA).await.playback.stamp();
    for _ in 0..60 {
        pass(1_000).await;
        assert_eq!(node.look(ANNA).await.playback.stamp(), first);
    }
    assert_eq!(node.store.commits(), 1, "the epoch's");
    assert_eq!(node.directory.sessions(), 1);
    pass(u64::try_from(RateLimit::FULL_MS).expect("not negative") + 100).await;
    assert_eq!(node.directory.sessions(), 0, "nobody has asked for long");
}

#[actix::test]
async fn who_commands_one_after_the_other_is_limited_and_no_other_user_is() {
    tokio::time::pause();
    let node = Node::new();
    let mut refused = Vec::new();
    for n in 0..150 {
        if let Err(reject) = node.command(ANNA, Op::Repeat { mode: Repeat::All }).await {
            refused.push((n, reject));
        }
        // Long enough for a session that ends with its answer to have ended.
        pass(10).await;
    }
    let (first, reject) = refused.first().expect("there is an end to it");
    assert!((100..=130).contains(first), "the burst and what time gives back: {first}");
    assert_eq!(reject.code, RejectCode::RateLimited);
    assert!(node.command(BERT, Op::Pause).await.is_ok(), "another user's limit is another");
    pass(u64::try_from(RateLimit::FULL_MS).expect("not negative")).await;
    assert!(node.command(ANNA, Op::Pause).await.is_ok(), "time heals");
}

#[actix::test]
async fn a_program_means_what_is_on_and_a_device_says_what_it_saw() {
    tokio::time::pause();
    let node = Node::new();
    let nothing = node.command(ANNA, Op::Next).await.expect_err("nothing is on");
    assert_eq!(nothing.code, RejectCode::Conflict);
    let louder = Op::Volume { device_id: None, level: Some(30), delta: None, muted: None };
    let nobody = node.command(ANNA, louder.clone()).await.expect_err("nobody plays");
    assert_eq!(nobody.code, RejectCode::NoActiveDevice);

    let mut kitchen = node.join("anna", "Kitchen", 1).await;
    let tracks = [1, 2, 3].map(track).to_vec();
    let play = Op::Play { item: None, tracks, start: None, position_ms: None, on: Some(DeviceId(1)) };
    node.command(ANNA, play).await.expect("the kitchen plays");
    node.command(ANNA, Op::Next).await.expect("what is on has a next");
    node.command(ANNA, louder).await.expect("the active device is meant");
    let shown = node.look(ANNA).await;
    assert_eq!(shown.playback.item.map(|item| item.media_id), Some(MediaId(2)));
    assert_eq!(shown.devices.devices[0].volume.map(|volume| volume.level), Some(30));

    kitchen.settle().await;
    kitchen.playback = None;
    kitchen.command(7, Op::Next);
    kitchen.settle().await;
    assert_eq!(super::rejects(&kitchen.take_rest()), ["Invalid"], "a device names the item it saw");
}

#[actix::test]
async fn a_look_that_finds_no_database_is_told_so() {
    tokio::time::pause();
    let node = Node::new();
    node.store.fail_next([Fault::NotSent; 40]);
    let reject = node.ask(ANNA, Asked::Look).await.expect_err("there is no database");
    assert_eq!(reject, Reject::UNAVAILABLE, "nothing can have become of a look");
}
