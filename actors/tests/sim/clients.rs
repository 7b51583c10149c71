//! The devices: the real client rules, their audio, and their wrong clocks.

use crate::lies::Lie;
use crate::moves::Move;
use crate::sleep::Sleep;
use crate::world::{Down, Happening, Up, World};
use segue_actors::protocol::device::{DeviceKind, HelloDevice, Volume};
use segue_actors::protocol::ids::{CommandId, DeviceId, InstanceId, ItemId};
use segue_actors::protocol::messages::{ByeReason, RejectCode};
use segue_actors::protocol::playback::{Item, Rate};
use segue_actors::protocol::wire::{ClientMessage, ServerMessage};
use segue_client::{Client, Input, Output};
use std::collections::BTreeSet;

/// The most by which rounding moves the end of an item.
const ROUNDED_MS: i64 = 5;

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
    /// What the loudspeaker does: which item, from where, since when on the device's clock, how fast.
    pub(crate) heard: Option<(Item, i64, i64, Rate)>,
    /// The level and muting of its loudspeaker, where they are known.
    pub(crate) loudness: Option<(u8, bool)>,
    /// By how much it may have misjudged the instant at which it was to sound.
    pub(crate) heard_bound_us: i64,
    /// The same of its clock before it slept.
    pub(crate) told_us: i64,
    /// The socket on which it was welcome, until the device closes it or the server does.
    pub(crate) welcomed_on: Option<u64>,
    /// When anything came last on a socket on which it was welcome.
    pub(crate) contact_us: i64,
    /// When a probe was last answered.
    probed_us: i64,
    pub(crate) asleep: Option<Sleep>,
    /// The node that last welcomed it,
    pub(crate) home: Option<usize>,
    /// and what it knew before that, if it was another one.
    pub(crate) moved: Option<Move>,
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

    /// Whether its program runs.
    pub(crate) const fn is_awake(&self) -> bool {
        self.is_on && self.asleep.is_none()
    }

    /// Whether it can be heard.
    pub(crate) const fn is_audible(&self) -> bool {
        self.heard.is_some() && self.asleep.is_none()
    }

    /// It has slept since, and its clock stood still, or went on and only the sound stood still.
    pub(crate) fn outlive_a_sleep(&mut self, since: i64, now: i64, stands_still: bool) {
        let slept_us = self.local(now) - self.local(since);
        if stands_still {
            self.offset_us -= slept_us;
            self.contact_us += now - since;
        } else if let Some((_, _, since_us, _)) = &mut self.heard {
            *since_us += slept_us;
        }
    }

    /// By how much its clock may drift in this time.
    pub(crate) const fn drift_us(&self, run_us: i64) -> i64 {
        run_us / 1_000 * self.drift_ppm.abs() / 1_000 + 1
    }

    /// The same since a probe was last answered.
    pub(crate) const fn drifted_us(&self, now: i64) -> i64 {
        self.drift_us(now - self.probed_us)
    }

    /// Where the loudspeaker is, in milliseconds.
    pub(crate) fn heard_at(&self, now: i64) -> Option<i64> {
        let (item, from_ms, since_us, rate) = self.heard?;
        let run_us = rate.audio_us(self.local(now) - since_us);
        Some((from_ms + run_us / 1_000).min(item.duration_ms.unwrap_or(i64::MAX)))
    }

    /// How long what sounds still lasts, in microseconds, if a sleep has delayed its end.
    fn left_us(&self, now: i64) -> Option<i64> {
        let ((item, _, _, rate), heard_ms) = (self.heard?, self.heard_at(now)?);
        let left_ms = item.duration_ms? - heard_ms;
        (left_ms > ROUNDED_MS).then(|| rate.wall_us(left_ms * 1_000))
    }
}

impl World {
    /// A program's start or a page's load; `known` and `kept` are the id and the volume that the device kept.
    pub(crate) fn fresh_device(&mut self, index: usize, known: Option<DeviceId>, kept: Option<Volume>) -> Device {
        let first = Volume { level: 40, muted: false, version: 0 };
        let first = self.chance.permille(500).then_some(first);
        let volume = kept.filter(|_| self.chance.permille(800)).or(first);
        let description = HelloDevice {
            id: known,
            instance: InstanceId(self.number()),
            name: format!("device {index}"),
            kind: DeviceKind::Other,
            plays: index != 5,
            controls: index != 4,
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
            loudness: volume.map(|volume| (volume.level, volume.muted)),
            heard_bound_us: 0,
            told_us: 0,
            welcomed_on: None,
            contact_us: self.now,
            probed_us: self.now,
            asleep: None,
            home: None,
            moved: None,
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
        let kept = self.devices[index].client.volume();
        self.devices[index] = self.fresh_device(index, known, kept);
        let device = &mut self.devices[index];
        (device.tick_version, device.audio_version) = (before.0 + 1, before.1 + 1);
        device.is_on = true;
        self.client_comes();
        self.input(index, Input::Tick);
    }

    /// The program ends, or the page is left: `ends` says whether its socket ends cleanly, breaks, or stays half-open.
    pub(crate) fn end_device(&mut self, index: usize, ends: usize, longest_us: i64) {
        let device = &mut self.devices[index];
        if !device.is_awake() {
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
            self.excuse(device_id);
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
        if !self.devices[index].is_awake() {
            return;
        }
        self.note("fault leave");
        self.input(index, Input::Leave(ByeReason::Close));
        self.end_device(index, 2, 20_000_000);
    }

    pub(crate) fn arrive_down(&mut self, socket: u64, down: Down) {
        let Some(index) = self.devices.iter().position(|device| device.socket == Some(socket)) else { return };
        if let Some(sleep) = self.devices[index].asleep {
            return self.at(sleep.until, Happening::Down(socket, down));
        }
        match down {
            Down::Opened => self.input(index, Input::Opened),
            Down::Ping => self.send_up(socket, Up::Control),
            Down::Frame(message) => {
                let is_time = matches!(*message, ServerMessage::Time { .. });
                let tells_time = is_time || matches!(*message, ServerMessage::Welcome(_));
                self.note_move(index, self.node_of(socket), &message);
                self.input(index, Input::Frame(message));
                let device = &mut self.devices[index];
                if is_time {
                    device.probed_us = self.now;
                }
                if device.client.link().is_welcomed() {
                    device.contact_us = self.now;
                    device.welcomed_on = Some(socket);
                }
                if tells_time {
                    self.check_jump(index);
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
        if matches!(input, Input::Wake) {
            self.devices[index].told_us = self.switch_bound_us(index);
        }
        if matches!(input, Input::Finished) && !self.devices[index].client.link().is_welcomed() {
            self.note("went on alone");
        }
        let earlier = self.devices[index].client.device_id();
        self.devices[index].client.step(local, chance, input, &mut outputs);
        self.rename_commands(index, earlier);
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

    /// Another device goes by its id now: its commands under the earlier one are sent again under its new one.
    fn rename_commands(&mut self, index: usize, earlier: Option<DeviceId>) {
        let device = &self.devices[index];
        let Some((earlier, id)) = earlier.zip(device.client.device_id()).filter(|(earlier, id)| earlier != id) else {
            return;
        };
        for command in device.open.clone() {
            if let Some(made) = self.store.applied.remove(&(earlier, command)) {
                if !made.is_empty() {
                    self.note("command said again under another id");
                }
                self.store.applied.insert((id, command), made);
            }
        }
    }

    fn obey(&mut self, index: usize, output: Output) {
        match output {
            Output::Connect => {
                let socket = self.open_socket();
                (self.devices[index].socket, self.devices[index].welcomed_on) = (Some(socket), None);
            }
            Output::Disconnect => {
                self.devices[index].welcomed_on = None;
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
                    self.send_up(socket, Up::Message(Box::new(message)));
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
            Output::Answered(id, answer) => {
                let device = &mut self.devices[index];
                assert!(device.open.remove(&id), "an answer to nothing");
                if let Some(device_id) = device.client.device_id() {
                    let made = self.store.applied.remove(&(device_id, id)).unwrap_or_default();
                    // Whether a command that is too old to be sent again was applied is not known.
                    let is_known = !matches!(answer, Err((RejectCode::Unavailable, _)));
                    assert!(
                        answer.is_ok() || !is_known || made.is_empty(),
                        "{id} was carried out and ends in {answer:?}"
                    );
                }
            }
            Output::GiveUp(..) => self.end_device(index, 1, 5_000_000),
            Output::Volume(_) if self.is_told(Lie::LoudspeakersStay) => {}
            Output::Volume(volume) => self.devices[index].loudness = Some((volume.level, volume.muted)),
            Output::Queue(_) | Output::Show => {}
        }
    }

    /// A person changes the volume on the device itself.
    pub(crate) fn turn_volume(&mut self, index: usize, level: u8, muted: bool) {
        self.devices[index].loudness = Some((level, muted));
        self.note("volume by hand");
        self.input(index, Input::Volume { level, muted });
    }

    fn sound(&mut self, index: usize, item: Item, position_ms: i64) {
        let trouble = self.is_busy() && self.chance.permille(12);
        let bound_us = self.switch_bound_us(index);
        let device = &mut self.devices[index];
        let is_prepared = device.prepared.take() == Some(item.id);
        (device.heard, device.heard_bound_us) = (None, bound_us);
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

    /// An event of the audio output.
    pub(crate) fn audio(&mut self, index: usize, input: Input) {
        let now = self.now;
        let device = &mut self.devices[index];
        let version = device.audio_version;
        if let Some(sleep) = device.asleep {
            return self.at(sleep.until, Happening::Audio(index, version, Box::new(input)));
        }
        if let (Input::Finished, Some(left_us)) = (&input, device.left_us(now)) {
            let end = device.when(device.local(now) + left_us);
            return self.at(end, Happening::Audio(index, version, Box::new(input)));
        }
        match &input {
            Input::Prepared(item) => device.prepared = Some(*item),
            Input::Started { item, position_ms } => {
                let rate = device.client.playback().map_or(Rate::NORMAL, |shown| shown.rate);
                device.heard = Some((*item, *position_ms, device.local(now), rate));
                let left_us = rate.wall_us((item.duration_ms.unwrap_or(0) - position_ms).max(0) * 1_000);
                let end = device.when(device.local(now) + left_us);
                self.at(end, Happening::Audio(index, version, Box::new(Input::Finished)));
                if self.is_busy() && self.chance.permille(40) {
                    self.after_us(0, left_us.max(1), Happening::Audio(index, version, Box::new(Input::Stalled)));
                }
            }
            Input::Stalled | Input::Blocked => {
                let item = device.client.audio().item();
                let told_ms = device.client.audio().position_at(device.local(now));
                let position_ms = device.heard_at(now).or(told_ms);
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

    /// The client rules' view of the audio must be what the loudspeaker does.
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
