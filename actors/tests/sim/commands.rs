//! The commands of people in front of devices and through programs without a socket.

use crate::server::{LISTED, track};
use crate::world::World;
use segue_actors::protocol::ids::{CommandId, ConnectionId, DeviceId, ItemId, MediaId};
use segue_actors::protocol::messages::{Command, Op, TrackList, TransferMode};
use segue_actors::protocol::playback::{Rate, Repeat};
use segue_actors::state::{Asked, Event};
use segue_client::Input;

impl World {
    /// Somebody gives a command.
    pub(crate) fn command(&mut self) {
        if self.chance.permille(40) {
            return self.ask();
        }
        let index = self.chance.below(self.devices.len());
        if !self.devices[index].is_awake() {
            return;
        }
        match self.chance.below(40) {
            0 => return self.input(index, Input::Look { from: 0, limit: 10 }),
            2 => {
                self.note("a client wakes");
                return self.input(index, Input::Wake);
            }
            1 | 3 | 4 => {
                let level = u8::try_from(self.chance.below(101)).expect("at most 100");
                let muted = self.chance.permille(100);
                return self.turn_volume(index, level, muted);
            }
            _ => {}
        }
        let op = self.op();
        // A slider that is moved sends several commands.
        let times =
            if matches!(op, Op::Seek { .. } | Op::Volume { level: Some(_), .. }) { self.chance.below(5) } else { 1 };
        for _ in 0..times {
            let id = CommandId(self.number());
            self.commands += 1;
            let device = &mut self.devices[index];
            device.open.insert(id);
            if let Some(device_id) = device.client.device_id() {
                self.store.applied.insert((device_id, id), Vec::new());
            }
            self.input(index, Input::Command(id, op.clone()));
        }
    }

    /// A program without a socket asks a node.
    fn ask(&mut self) {
        let n = self.chance.below(self.nodes.len());
        if self.nodes[n].session.is_none() {
            return;
        }
        let (connection, op) = (ConnectionId(self.number()), self.op());
        let listed: &[MediaId] = if matches!(op, Op::PlayList { .. }) { &LISTED } else { op.tracks() };
        let tracks = listed.iter().map(|id| track(*id)).collect();
        let (id, op) = (CommandId(connection.0), op.with_tracks(tracks));
        let command = Box::new(Command { id, if_item: None, if_queue_revision: None, if_lease: None, op });
        let command = Asked::Command { command, seed: self.chance.bits() };
        let asked = if self.chance.permille(200) { Asked::Look } else { command };
        self.programs.insert(connection);
        self.take_in(n, Event::Asked { connection, asked });
    }

    fn op(&mut self) -> Op<MediaId> {
        let to = self.chance.below(self.devices.len());
        let to = self.devices[to].client.device_id().unwrap_or(DeviceId(4));
        let count = self.chance.between(1, 6);
        let tracks: Vec<MediaId> = (0..count).map(|_| MediaId(self.chance.bits() % 1_000)).collect();
        let queue = self.store.row.as_ref().map(|(_, queue)| queue.items().map(|item| item.id).collect::<Vec<_>>());
        let queue = queue.filter(|queue| !queue.is_empty()).unwrap_or_else(|| vec![ItemId(9)]);
        let (item, other) = (self.chance.pick(&queue), self.chance.pick(&queue));
        let play = |item, tracks, on| Op::Play { item, tracks, start: None, position_ms: None, on };
        match self.chance.below(32) {
            0..=2 => play(None, Vec::new(), None),
            3 => play(None, tracks, None),
            4 => {
                let (list, shuffle) = (TrackList::Saved, self.chance.pick(&[None, Some(true), Some(false)]));
                Op::PlayList { list, tracks: Vec::new(), start: None, track: None, shuffle, on: None }
            }
            5 => play(Some(item), Vec::new(), None),
            6 | 7 => play(None, Vec::new(), Some(to)),
            8 => Op::Pause,
            9 => Op::Stop,
            10 | 11 => Op::Seek { position_ms: self.chance.between(-5, 60_000) },
            12 | 13 => Op::Next,
            14 => Op::Previous,
            15..=21 => Op::Transfer {
                to,
                mode: self.chance.pick(&[
                    TransferMode::Keep,
                    TransferMode::Keep,
                    TransferMode::Play,
                    TransferMode::Pause,
                ]),
            },
            22 => Op::Repeat { mode: self.chance.pick(&[Repeat::Off, Repeat::One, Repeat::All]) },
            23 => Op::Shuffle { on: self.chance.permille(500) },
            24 => {
                let factor = self.chance.pick(&[0.5, 1.0, 1.0, 1.25, 2.0]);
                Op::Rate { rate: Rate::from_factor(factor).expect("in bounds") }
            }
            25 => {
                let device_id = self.chance.permille(700).then_some(to);
                Op::Volume { device_id, level: None, delta: Some(5), muted: None }
            }
            26 => Op::Volume { device_id: Some(to), level: Some(30), delta: None, muted: None },
            27 => Op::QueueInsert { tracks, after: Some(item), before: None },
            28 => Op::QueueMove { item, after: Some(other), before: None },
            29 => Op::QueueRemove { items: vec![item] },
            30 => Op::QueueReplace { tracks },
            31 if self.chance.permille(300) => {
                self.forgotten.insert(to);
                Op::DeviceForget { device_id: to }
            }
            _ => Op::DeviceRename { device_id: to, name: "a name".to_owned() },
        }
    }
}
