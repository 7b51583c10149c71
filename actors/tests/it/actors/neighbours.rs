//! Whatever the sockets of one user do, another user does not notice.

use super::{Device, Node, acks, pass};
use crate::attacks::lines;
use crate::hostile::script::{Act, Facts, fill, parse};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use segue_actors::device::Incoming;
use segue_actors::state::messages::Op;

/// After so many things that happen the neighbour wishes something.
const PACE: usize = 20;

#[test]
fn whatever_one_user_does_another_is_answered_at_once() {
    let mut runner = TestRunner::new(Config { cases: 100, failure_persistence: None, ..Config::default() });
    let attacks = prop::collection::vec(lines(), 1..100);
    let outcome = runner.run(&attacks, |lines| {
        actix::System::new().block_on(besiege(&lines.join("\n")));
        Ok(())
    });
    assert!(outcome.is_ok(), "{}", outcome.map_or_else(|error| error.to_string(), |()| String::new()));
}

async fn besiege(lines: &str) {
    tokio::time::pause();
    let node = Node::new();
    let mut calm = node.join("bert", "Garden", 1).await;
    calm.play(1_000, &[1, 2]);
    calm.settle().await;
    assert_eq!(acks(&calm.take_rest()), [1_000]);
    let mut besieger = Besieger { node, sockets: Default::default(), last: Default::default(), said: 0 };
    let acts: Vec<Act<'_>> = lines.lines().filter_map(parse).collect();
    for (acts, id) in acts.chunks(PACE).zip(1_u64..) {
        for act in acts {
            besieger.act(*act).await;
            if matches!(act, Act::Pass(_)) {
                calm.feed(Incoming::Life);
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
}

/// Anna's sockets.
struct Besieger {
    node: Node,
    sockets: [Option<Device>; 8],
    last: [String; 8],
    said: u64,
}

impl Besieger {
    async fn act(&mut self, act: Act<'_>) {
        match act {
            Act::Say(socket, frame) => {
                self.said += 1;
                let facts = Facts { state: None, now_us: 0, fresh: self.said << 32 };
                let frame = fill(frame, &facts);
                self.last[socket] = frame.replace(r#"{"type":"hello","#, r#"{"type":"hello","token":"anna","#);
                self.say(socket, 1);
            }
            Act::Again(socket, times) => self.say(socket, times),
            Act::Join(socket) => {
                let number = u64::try_from(socket).expect("of eight") + 1;
                self.socket(socket).hello("anna", "Siege", number);
            }
            Act::Life(socket) => self.socket(socket).feed(Incoming::Life),
            Act::Block(socket) => self.socket(socket).line.block(true),
            Act::End(socket, true) => self.socket(socket).feed(Incoming::Closed),
            Act::End(socket, false) => self.sockets[socket] = None,
            Act::Pass(ms) => pass(u64::try_from(ms).expect("not back").min(3_000)).await,
            // Of the database that both share.
            Act::Fail(_) | Act::PutBack => {}
        }
    }

    fn say(&mut self, socket: usize, times: usize) {
        let text = self.last[socket].clone();
        for _ in 0..times {
            self.socket(socket).feed(Incoming::Text(text.clone()));
        }
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
