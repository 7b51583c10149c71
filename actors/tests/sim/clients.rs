//! The devices: the real client rules, their audio, their wrong clocks, and the people in front of them.

use crate::lies::Lie;
use crate::server::track;
use crate::world::{Down, Happening, Up, World};
use segue_actors::client::{Client, Input, Output};
use segue_actors::ids::{CommandId, ConnectionId, DeviceId, InstanceId, ItemId, MediaId};
use segue_actors::state::devices::{DeviceKind, Volume};
use segue_actors::state::messages::{ByeReason, Command, Op, TransferMode, VolumeChange};
use segue_actors::state::playback::{Item, Rate, Repeat};
use segue_actors::state::{Asked, Event};
use segue_actors::wire::{ClientMessage, HelloDevice};
use std::collections::BTreeSet;

/// One device: a client, while there is one, and its audio.
pub(crate) struct Device {
    pub(crate) client: Client,
    /// Whether a program runs there.
    pub(crate) is_on: bool,
    pub(crate) socket: Option<u64>,
    /// Its own clock: what it shows at the simulation's 0, and how many millionths it runs fast.
    offset_us: i64,
    drift_ppm: i64,
    pub(crate) tick_at: Option<i64>,
    pub(crate) tick_version: u64,
    pub(crate) audio_version: u64,
    prepared: Option<ItemId>,
    /// What the loudspeaker does: which item, from where, since when, how fast.
    pub(crate) heard: Option<(Item, i64, i64, Rate)>,
    /// When anything came last on a socket on which it was welcome.
    pub(crate) contact_us: i64,
    /// Commands without an answer.
    pub(crate) open: BTreeSet<CommandId>,
    said: BTreeSet<CommandId>,
}

impl Device {
    pub(crate) const fn local(&self, now: i64) -> i64 {
        self.offset_us + now + now / 1_000 * self.drift_ppm / 1_000
    }

    /// The first instant of the simulation at which the device's clock shows `local`.
    const fn when(&self, local: i64) -> i64 {
        let mut at = (local - self.offset_us) / (1_000_000 + self.drift_ppm) * 1_000_000;
        at += (local - self.offset_us) % (1_000_000 + self.drift_ppm);
        while self.local(at) < local {
            at += 1 + (local - self.local(at)) / 2;
        }
        at
    }

    /// Where the loudspeaker is, in milliseconds.
    pub(crate) fn heard_at(&self, now: i64) -> Option<i64> {
        let (item, from_ms, since, rate) = self.heard?;
        let run_us = rate.audio_us(self.local(now) - self.local(since));
        Some((from_ms + run_us / 1_000).min(item.duration_ms.unwrap_or(i64::MAX)))
    }
}

impl World {
    /// A program's start or a page's load; `known` is the id that the device kept.
    pub(crate) fn fresh_device(&mut self, index: usize, known: Option<DeviceId>) -> Device {
        let volume = self.chance.permille(500).then_some(Volume { level: 40, muted: false, version: 0 });
        let description = HelloDevice {
            id: known,
            instance: InstanceId(self.number()),
            name: format!("device {index}"),
            kind: DeviceKind::Other,
            plays: index != 5,
            controls: index != 4,
            codecs: Vec::new(),
            volume,
        };
        let offset_us = self.chance.between(-10_000_000_000, 10_000_000_000);
        let drift_ppm = self.chance.between(-200, 201);
        let mut device = Device {
            client: Client::new(description.clone(), None, 0),
            is_on: false,
            socket: None,
            offset_us,
            drift_ppm,
            tick_at: None,
            tick_version: 0,
            audio_version: 0,
            prepared: None,
            heard: None,
            contact_us: self.now,
            open: BTreeSet::new(),
            said: BTreeSet::new(),
        };
        device.client = Client::new(description, None, device.local(self.now));
        device
    }

    pub(crate) fn device_starts(&mut self, index: usize) {
        if self.devices[index].is_on {
            return;
        }
        let mut known = self.devices[index].client.device_id();
        if self.is_busy() && self.chance.permille(60) {
            // Its storage was cloned from another device.
            let other = self.chance.below(self.devices.len());
            known = self.devices[other].client.device_id().or(known);
        }
        let before = (self.devices[index].tick_version, self.devices[index].audio_version);
        self.devices[index] = self.fresh_device(index, known);
        let device = &mut self.devices[index];
        (device.tick_version, device.audio_version) = (before.0 + 1, before.1 + 1);
        device.is_on = true;
        self.input(index, Input::Tick);
    }

    /// The program ends, or the page is left: `ends` says whether its socket ends cleanly, breaks, or stays half-open.
    pub(crate) fn end_device(&mut self, index: usize, ends: usize, longest_us: i64) {
        let device = &mut self.devices[index];
        if !device.is_on {
            return;
        }
        device.is_on = false;
        device.heard = None;
        device.tick_version += 1;
        device.audio_version += 1;
        let device_id = device.client.device_id();
        let open: Vec<CommandId> = device.open.iter().copied().collect();
        if let Some(device_id) = device_id {
            for id in open {
                self.store.applied.remove(&(device_id, id));
            }
        }
        if let Some(socket) = self.devices[index].socket.take() {
            match ends {
                0 => self.break_link(socket, false),
                1 => self.break_link(socket, true),
                _ => self.send_up(socket, Up::Ended { is_clean: true }),
            }
        }
        self.after_us(10_000, longest_us, Happening::DeviceStarts(index));
    }

    pub(crate) fn leave(&mut self, index: usize) {
        self.note("fault leave");
        self.input(index, Input::Leave(ByeReason::Close));
        self.end_device(index, 2, 20_000_000);
    }

    pub(crate) fn arrive_down(&mut self, socket: u64, down: Down) {
        let Some(index) = self.devices.iter().position(|device| device.socket == Some(socket)) else { return };
        match down {
            Down::Opened => self.input(index, Input::Opened),
            Down::Ping => self.send_up(socket, Up::Life),
            Down::Frame(message) => {
                self.input(index, Input::Frame(message));
                if self.devices[index].client.link().is_welcomed() {
                    self.devices[index].contact_us = self.now;
                }
            }
            Down::Closed(code) => {
                self.devices[index].socket = None;
                self.input(index, Input::Closed(code));
            }
        }
    }

    pub(crate) fn input(&mut self, index: usize, input: Input) {
        let chance = self.chance.bits();
        let local = self.devices[index].local(self.now);
        let mut outputs = Vec::new();
        if matches!(input, Input::Finished) && !self.devices[index].client.link().is_welcomed() {
            self.note("went on alone");
        }
        self.devices[index].client.step(local, chance, input, &mut outputs);
        for output in outputs {
            self.obey(index, output);
        }
        self.check_loudspeaker(index);
        let device = &mut self.devices[index];
        let due = device.when(device.client.next_deadline().min(local + 3_600_000_000)).max(self.now + 1);
        if device.is_on && device.tick_at != Some(due) {
            device.tick_at = Some(due);
            device.tick_version += 1;
            let version = device.tick_version;
            self.at(due, Happening::Tick(index, version));
        }
    }

    fn obey(&mut self, index: usize, output: Output) {
        match output {
            Output::Connect => {
                let socket = self.open_socket();
                self.devices[index].socket = Some(socket);
            }
            Output::Disconnect => {
                if let Some(socket) = self.devices[index].socket.take() {
                    self.break_link(socket, true);
                }
            }
            Output::Send(message) => {
                if let ClientMessage::Command(command) = &message
                    && !self.devices[index].said.insert(command.id)
                {
                    self.note("command resent");
                }
                if let Some(socket) = self.devices[index].socket {
                    self.send_up(socket, Up::Said(Box::new(message)));
                }
            }
            Output::Sound(item, position_ms) => self.sound(index, item, position_ms),
            Output::Prepare(item, _) => {
                let device = &mut self.devices[index];
                (device.heard, device.prepared) = (None, None);
                device.audio_version += 1;
                let version = device.audio_version;
                self.after_us(5_000, 900_000, Happening::Audio(index, version, Box::new(Input::Prepared(item.id))));
            }
            Output::Silence if self.is_told(Lie::NoSilence) => {}
            Output::Silence => {
                let device = &mut self.devices[index];
                (device.heard, device.prepared) = (None, None);
                device.audio_version += 1;
            }
            Output::Answered(id, _) => {
                let device = &mut self.devices[index];
                assert!(device.open.remove(&id), "an answer to nothing");
                if let Some(device_id) = device.client.device_id() {
                    self.store.applied.remove(&(device_id, id));
                }
            }
            Output::GiveUp(..) => self.end_device(index, 1, 5_000_000),
            Output::Queue(_) | Output::Volume(_) | Output::Show => {}
        }
    }

    fn sound(&mut self, index: usize, item: Item, position_ms: i64) {
        let trouble = self.is_busy() && self.chance.permille(12);
        let device = &mut self.devices[index];
        let is_prepared = device.prepared.take() == Some(item.id);
        device.heard = None;
        device.audio_version += 1;
        let version = device.audio_version;
        if trouble {
            let input = if self.chance.permille(500) { Input::Blocked } else { Input::Failed };
            self.after_us(10_000, 200_000, Happening::Audio(index, version, Box::new(input)));
        } else {
            let most_us = if is_prepared { 5_000 } else { 800_000 };
            self.after_us(
                1_000,
                most_us,
                Happening::Audio(index, version, Box::new(Input::Started { item, position_ms })),
            );
        }
    }

    /// The audio says something.
    pub(crate) fn audio(&mut self, index: usize, input: Input) {
        let now = self.now;
        let device = &mut self.devices[index];
        let version = device.audio_version;
        match &input {
            Input::Prepared(item) => device.prepared = Some(*item),
            Input::Started { item, position_ms } => {
                let rate = device.client.playback().map_or(Rate::NORMAL, |shown| shown.rate);
                device.heard = Some((*item, *position_ms, now, rate));
                let left_us = rate.wall_us((item.duration_ms.unwrap_or(0) - position_ms).max(0) * 1_000);
                let end = device.when(device.local(now) + left_us);
                self.at(end, Happening::Audio(index, version, Box::new(Input::Finished)));
                if self.is_busy() && self.chance.permille(40) {
                    self.after_us(0, left_us.max(1), Happening::Audio(index, version, Box::new(Input::Stalled)));
                }
            }
            Input::Stalled | Input::Blocked => {
                let item = device.client.audio().item();
                let position_ms = device.client.audio().position_at(device.local(now));
                device.heard = None;
                device.audio_version += 1;
                let version = device.audio_version;
                if let (Some(item), Some(position_ms)) = (item, position_ms) {
                    let again = Input::Started { item, position_ms };
                    self.after_us(100_000, 8_000_000, Happening::Audio(index, version, Box::new(again)));
                }
            }
            _ => {
                device.heard = None;
                device.audio_version += 1;
            }
        }
        self.input(index, input);
    }

    /// Somebody wishes something.
    pub(crate) fn wish(&mut self) {
        if self.chance.permille(40) {
            return self.ask();
        }
        let index = self.chance.below(self.devices.len());
        if !self.devices[index].is_on {
            return;
        }
        match (self.chance.below(40), self.devices[index].socket) {
            (0, _) => return self.input(index, Input::Look { from: 0, limit: 10 }),
            (2, _) => {
                self.note("a client wakes");
                return self.input(index, Input::Wake);
            }
            (1, Some(socket)) if self.devices[index].client.link().is_welcomed() => {
                // A hand turns its volume, and what it says of the version may be old.
                let change = VolumeChange { level: 20, muted: false, version: self.chance.bits() % 3 };
                return self.send_up(socket, Up::Said(Box::new(ClientMessage::Volume(change))));
            }
            _ => {}
        }
        let op = self.op();
        // A finger on a slider says more than one thing.
        let times =
            if matches!(op, Op::Seek { .. } | Op::Volume { level: Some(_), .. }) { self.chance.below(5) } else { 1 };
        for _ in 0..times {
            let id = CommandId(self.number());
            self.commands += 1;
            let device = &mut self.devices[index];
            device.open.insert(id);
            if let Some(device_id) = device.client.device_id() {
                self.store.applied.insert((device_id, id), 0);
            }
            self.input(index, Input::Wish(id, op.clone()));
        }
    }

    /// A program without a socket asks a node.
    fn ask(&mut self) {
        let n = self.chance.below(self.nodes.len());
        if self.nodes[n].session.is_none() {
            return;
        }
        let (connection, op) = (ConnectionId(self.number()), self.op());
        let tracks = op.tracks().iter().map(|id| track(*id)).collect();
        let (id, op) = (CommandId(connection.0), op.with_tracks(tracks));
        let command = Box::new(Command { id, if_item: None, if_queue_revision: None, if_lease: None, op });
        let wish = Asked::Wish { command, seed: self.chance.bits() };
        let asked = if self.chance.permille(200) { Asked::Look } else { wish };
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
            3 | 4 => play(None, tracks, None),
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
            31 if self.chance.permille(300) => Op::DeviceForget { device_id: to },
            _ => Op::DeviceRename { device_id: to, name: "a name".to_owned() },
        }
    }

    /// What the rules think of the audio is what the loudspeaker does.
    fn check_loudspeaker(&self, index: usize) {
        let device = &self.devices[index];
        assert!(
            device.client.audio().is_sounding() || device.heard.is_none() || !device.is_on,
            "device {index} is heard and does not know: {:?}",
            device.client.audio()
        );
        assert!(
            device.heard.is_some() || !device.client.audio().is_sounding() || !device.is_on,
            "device {index} thinks that it is heard: {:?}",
            device.client.audio()
        );
    }
}
