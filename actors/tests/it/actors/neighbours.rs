//! Whatever the sockets of one user do, another user does not notice.

use super::{ANNA, Device, Node, acks, pass};
use crate::attacks::lines;
use crate::hostile::script::{Act, Facts, fill, parse};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use segue_actors::node::Sessions as _;
use segue_actors::node::ports::SessionStore as _;
use segue_actors::protocol::messages::Op;
use segue_actors::protocol::playback::Playback;
use segue_actors::socket::Incoming;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Before it begins the music plays, moves from one socket to another and back, and goes on to the next entry.
const OPENING: &str = r#"0@
1@
0{"type":"command","id":"$c","op":"play","tracks":["0000000000000010","0000000000000020"]}
0{"type":"report","lease":$l,"turn":$t,"item":"$i","position_ms":0,"at_us":$u,"status":"playing"}
1{"type":"command","id":"$c","op":"transfer","to":"0000000000000002"}
1{"type":"ready","lease":$l,"turn":$t,"item":"$i","earliest_us":$u}
0{"type":"yield","lease":$l,"seen":$s,"to":$r}
0{"type":"command","id":"$c","op":"play","on":"0000000000000001"}
1{"type":"yield","lease":$a,"seen":$s}
0{"type":"report","lease":$l,"turn":$t,"item":"$i","position_ms":0,"at_us":$u,"status":"playing"}
0{"type":"ended","lease":$l,"turn":$t,"item":"$i","position_ms":0,"at_us":$u}
"#;
const CASES: u32 = 200;
/// The neighbour gives a command after each time this many things have happened.
const PACE: usize = 20;

#[test]
fn whatever_one_user_does_another_is_answered_at_once() {
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    let attacks = prop::collection::vec(lines(), 1..100);
    let hits = RefCell::new(Hits::new());
    let outcome = runner.run(&attacks, |lines| {
        for (what, times) in actix::System::new().block_on(besiege(&(OPENING.to_owned() + &lines.join("\n")))) {
            *hits.borrow_mut().entry(what).or_default() += times;
        }
        Ok(())
    });
    assert!(outcome.is_ok(), "{}", outcome.map_or_else(|error| error.to_string(), |()| String::new()));
    let hits = hits.into_inner();
    assert!(FELT.iter().all(|what| hits.get(*what).is_some_and(|times| *times >= CASES)), "{hits:?}");
}

/// How often each thing that was said changed what plays.
type Hits = BTreeMap<String, u32>;

/// What must have changed what plays in each case: a stale event changes nothing.
const FELT: &[&str] = &["command", "report", "ready", "yield", "ended"];

async fn besiege(lines: &str) -> Hits {
    tokio::time::pause();
    let node = Node::new();
    let mut calm = node.join("bert", "Garden", 1).await;
    calm.play(1_000, &[1, 2]);
    calm.settle().await;
    assert_eq!(acks(&calm.take_rest()), [1_000]);
    let (sockets, last) = Default::default();
    let mut besieger = Besieger { node, sockets, last, said: 0, hits: Hits::new() };
    let acts: Vec<Act<'_>> = lines.lines().filter_map(parse).collect();
    for (acts, id) in acts.chunks(PACE).zip(1_u64..) {
        for act in acts {
            besieger.act(*act).await;
            if matches!(act, Act::Pass(_)) {
                calm.feed(Incoming::Control);
                calm.settle().await;
            }
        }
        calm.command(id, Op::Seek { position_ms: 1_000 });
        calm.settle().await;
        let answers = calm.take_rest();
        assert_eq!((calm.line.closed(), acks(&answers)), (None, vec![id]), "{acts:?}");
        assert_eq!(calm.names(), ["Garden"]);
        pass(200).await;
    }
    besieger.hits
}

/// Anna's sockets.
struct Besieger {
    node: Node,
    sockets: [Option<Device>; 8],
    last: [String; 8],
    said: u64,
    hits: Hits,
}

impl Besieger {
    async fn act(&mut self, act: Act<'_>) {
        match act {
            Act::Say(socket, frame) => {
                self.last[socket] = frame.replace(r#"{"type":"hello","#, r#"{"type":"hello","token":"anna","#);
                self.say(socket, 1).await;
            }
            Act::Again(socket, times) => self.say(socket, times).await,
            Act::Join(socket) if self.socket(socket).welcome.is_some() => {}
            Act::Join(socket) => {
                let number = u64::try_from(socket).expect("of eight") + 1;
                self.socket(socket).hello("anna", "Siege", number);
                self.socket(socket).settle().await;
            }
            Act::Control(socket) => self.socket(socket).feed(Incoming::Control),
            Act::Block(socket) => self.socket(socket).line.block(true),
            Act::End(socket, true) => self.socket(socket).feed(Incoming::Closed),
            Act::End(socket, false) => self.sockets[socket] = None,
            Act::Pass(ms) => pass(u64::try_from(ms).expect("not back").min(3_000)).await,
            // Of the database that both share.
            Act::Fail(_) | Act::PutBack => {}
        }
    }

    /// The last frame of this socket, with what is true now.
    async fn say(&mut self, socket: usize, times: usize) {
        self.socket(socket).settle().await;
        let (_, queue) = self.node.store.queue(ANNA).await.expect("the store answers");
        let last = queue.items().last().map(|item| item.id);
        let before = self.shown().cloned();
        for _ in 0..times {
            self.said += 1;
            let now_us = self.node.directory.world().clock.now().0;
            let facts = Facts { playback: before.as_ref(), last, now_us, fresh: self.said << 32 };
            let text = fill(&self.last[socket], &facts);
            self.socket(socket).feed(Incoming::Text(text));
        }
        self.socket(socket).settle().await;
        if self.shown().map(Playback::stamp) > before.as_ref().map(Playback::stamp) {
            let kind = self.last[socket].split('"').nth(3).unwrap_or_default().to_owned();
            *self.hits.entry(kind).or_default() += 1;
        }
    }

    /// The newest state that any of the sockets was shown.
    fn shown(&self) -> Option<&Playback> {
        let shown = self.sockets.iter().flatten().filter_map(|device| device.playback.as_ref());
        shown.max_by_key(|playback| playback.stamp())
    }

    /// The socket, opened anew if the server has closed it.
    fn socket(&mut self, socket: usize) -> &mut Device {
        let node = &self.node;
        let slot = &mut self.sockets[socket];
        if slot.as_ref().is_some_and(|device| device.line.closed().is_some()) {
            *slot = None;
        }
        slot.get_or_insert_with(|| node.connect())
    }
}
