//! A database that takes long: on a single node reports do not wait for it.

use super::{acks, pass, two_devices};
use segue_actors::node::Sessions as _;
use segue_actors::protocol::messages::{Op, Sound};
use segue_actors::protocol::playback::{Repeat, Status};

/// Each of these reports moves the place, so each is shown. Time passes while the write of the first is held back.
#[actix::test]
async fn reports_are_shown_while_a_write_is_held_back() {
    let (node, mut kitchen, mut phone) = two_devices().await;
    kitchen.plays(&node).await;
    let clock = node.directory.world().clock;
    let before = node.store.commits();
    node.store.hold(true);
    pass(1_500).await;
    for n in 1..=10 {
        kitchen.report(Sound::Playing, n * 10_000, clock.now());
        phone.settle().await;
        assert_eq!(phone.playback.as_ref().map(|shown| shown.position_ms), Some(n * 10_000), "report {n}");
        pass(300).await;
    }
    assert_eq!(node.store.commits(), before, "nothing was written meanwhile");
    kitchen.command(11, Op::Repeat { mode: Repeat::All });
    pass(300).await;
    kitchen.settle().await;
    assert_eq!(acks(&kitchen.take_rest()), [10], "a command is acknowledged after its commit only");
    node.store.hold(false);
    pass(100).await;
    kitchen.settle().await;
    assert_eq!(acks(&kitchen.take_rest()), [11]);
    assert_eq!(node.store.commits() - before, 2, "the first report's write, and the command with all the others");
}

/// A deadline of the session is kept meanwhile: a device that was cut off leaves the list when its grace is over.
#[actix::test]
async fn a_device_leaves_the_list_while_a_write_is_held_back() {
    let (node, mut kitchen, mut phone) = two_devices().await;
    kitchen.plays(&node).await;
    node.store.hold(true);
    pass(2_000).await;
    kitchen.cut();
    pass(100).await;
    phone.settle().await;
    assert_eq!((phone.status(), phone.names().len()), (Some(Status::Lost), 2));
    pass(10_500).await;
    phone.settle().await;
    assert_eq!(phone.names(), ["Phone"]);
    node.store.hold(false);
    pass(2_500).await;
    let next_run = node.again();
    let again = next_run.join("anna", "Phone", 2).await;
    assert_eq!(again.names(), ["Phone"], "and it is written");
}
