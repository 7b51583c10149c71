//! Who means no good, or knows no better: sockets that say nothing, nonsense or far too much (R11), and more devices than
//! a user may have.

use crate::world::{Happening, Up, World};
use segue_actors::protocol::device::{DeviceKind, HelloDevice};
use segue_actors::protocol::ids::{CommandId, InstanceId, ItemId};
use segue_actors::protocol::messages::{ByeReason, Command, Op};
use segue_actors::protocol::wire::{ClientMessage, Hello};

/// A token that is not valid.
pub(crate) const BAD_TOKEN: &str = "nobody";

impl World {
    /// Far more than a device may say, all at once.
    pub(crate) fn flood(&mut self, index: usize, socket: u64) {
        self.note("fault flood");
        let (kind, count) = (self.chance.below(6), self.chance.pick(&[120, 150, 250, 450, 900]));
        if kind < 4 && self.chance.permille(400) {
            // A device that asks for much and reads little.
            self.reads_slowly(socket);
        }
        for _ in 0..count {
            // Of another item than any: nothing of it is carried out.
            let command = |world: &mut Self, op| {
                let (id, if_item) = (CommandId(world.number()), Some(ItemId(1)));
                ClientMessage::Command(Box::new(Command { id, if_item, if_queue_revision: None, if_lease: None, op }))
            };
            let message = match kind {
                0 => command(self, Op::Next),
                1 => command(self, Op::Seek { position_ms: count }),
                2 | 3 => ClientMessage::Queue { from: 0, limit: 200 },
                4 => ClientMessage::Time { client_us: self.devices[index].local(self.now) },
                _ => ClientMessage::Pong,
            };
            let up = if kind == 5 && count == 250 { Up::Control } else { Up::Message(Box::new(message)) };
            self.send_up(socket, up);
        }
    }

    /// Sockets that no device of this user opened.
    pub(crate) fn strangers(&mut self) {
        self.note("fault strangers");
        for _ in 0..self.chance.between(1, 6) {
            let socket = self.open_socket();
            match self.chance.below(6) {
                0 => {}
                1 => {
                    let text = self.chance.pick(&["nonsense", "{}", r#"{"type":"pong"}"#, r#"{"type":"time"}"#]);
                    self.send_up(socket, Up::Raw(text));
                }
                2 => self.introduce(socket, Some(BAD_TOKEN.to_owned())),
                _ => {
                    self.introduce(socket, None);
                    let ends = self.chance.below(3);
                    self.after_us(0, 30_000_000, Happening::StrangerGoes(socket, ends));
                }
            }
        }
    }

    fn introduce(&mut self, socket: u64, token: Option<String>) {
        let device = HelloDevice {
            id: None,
            instance: InstanceId(self.number()),
            name: "a stranger".to_owned(),
            kind: DeviceKind::Other,
            plays: true,
            controls: true,
            volume: None,
        };
        let hello = Hello { token, device, seen: None, attempt: None };
        self.send_up(socket, Up::Message(Box::new(ClientMessage::Hello(Box::new(hello)))));
    }

    pub(crate) fn stranger_goes(&mut self, socket: u64, ends: usize) {
        match ends {
            0 => self.break_link(socket, false),
            1 => self.break_link(socket, true),
            _ => self.send_up(socket, Up::Message(Box::new(ClientMessage::Bye { reason: ByeReason::Close }))),
        }
    }
}
