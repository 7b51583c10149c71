//! One device: the rules of the crate for clients, its socket, and audio that plays by the clock.

use super::book::{Delivered, Purpose, Shown};
use super::clock::now_us;
use super::part::{Due, Part};
use super::person::Stage;
use super::socket::{Received, Socket, connect};
use crate::measure::{Count, Latency};
use crate::number::{real, span_us, whole};
use mio::{Interest, Token};
use segue_client::protocol::ids::CommandId;
use segue_client::protocol::messages::RejectCode;
use segue_client::protocol::playback::Playback;
use segue_client::protocol::wire::ClientMessage;
use segue_client::{Client, Input, Output, ServerMessage};
use std::collections::VecDeque;

/// Two ticks of the rules are at least this far apart, in microseconds.
const TICKS_APART_US: i64 = 1_000;

/// A device.
pub(crate) struct Device {
    pub(crate) rules: Client,
    pub(crate) socket: Option<Socket>,
    /// Whether it is on a bad network.
    pub(crate) is_far: bool,
    /// When the item that sounds ends.
    pub(crate) ends_us: i64,
    /// When the rules are to be looked at next, as far as the timers know.
    scheduled_us: i64,
    ticked_us: i64,
    /// Since when it has been cut off by this program.
    cut_us: Option<i64>,
    opened_us: i64,
    was_sounding: bool,
    /// Whether what it has received waits for its delay.
    pub(crate) holds_back: bool,
}

impl Device {
    pub(crate) const fn new(rules: Client, is_far: bool) -> Self {
        Self {
            rules,
            socket: None,
            is_far,
            ends_us: i64::MAX,
            scheduled_us: i64::MAX,
            ticked_us: 0,
            cut_us: None,
            opened_us: 0,
            was_sounding: false,
            holds_back: false,
        }
    }

    fn tick_due(&self) -> i64 {
        self.rules.next_deadline().max(self.ticked_us.saturating_add(TICKS_APART_US))
    }
}

impl Part {
    /// Something happens to a device: the rules say what it does.
    pub(crate) fn step(&mut self, index: usize, input: Input) {
        let mut inputs = VecDeque::from([input]);
        let mut outputs = std::mem::take(&mut self.outputs);
        while let Some(input) = inputs.pop_front() {
            let (now_us, chance) = (now_us(), self.random.bits());
            let Some(device) = self.devices.get_mut(index) else { return };
            device.rules.step(now_us, chance, input, &mut outputs);
            for output in outputs.drain(..) {
                self.carry_out(index, now_us, output, &mut inputs);
            }
        }
        self.outputs = outputs;
        self.sounds(index);
        self.schedule(index);
    }

    fn carry_out(&mut self, index: usize, now_us: i64, output: Output, inputs: &mut VecDeque<Input>) {
        match output {
            Output::Connect => {
                if let Err(why) = self.connect(index, now_us) {
                    self.measures.error(&why);
                    inputs.push_back(Input::Closed(None));
                }
            }
            Output::Disconnect => {
                self.measures.error("the server sent nothing for too long");
                self.drop_socket(index);
            }
            Output::Send(message) => self.send(index, now_us, &message),
            Output::Sound(item, position_ms) => {
                let Some(device) = self.devices.get_mut(index) else { return };
                let left_us = |ms: i64| ms.saturating_sub(position_ms).max(0).saturating_mul(1_000);
                device.ends_us = item.duration_ms.map_or(i64::MAX, |ms| now_us.saturating_add(left_us(ms)));
                inputs.push_back(Input::Started { item, position_ms });
                self.start_audio(index, item, position_ms, now_us);
            }
            Output::Prepare(item, _) => inputs.push_back(Input::Prepared(item.id)),
            Output::Silence => {
                if let Some(device) = self.devices.get_mut(index) {
                    device.ends_us = i64::MAX;
                }
                self.stop_audio(index);
            }
            Output::Answered(id, answer) => self.answered(index, now_us, id, answer.map_err(|(code, _)| code)),
            Output::Queue(_) | Output::Volume(_) | Output::Show | Output::GiveUp(..) => {}
        }
    }

    fn connect(&mut self, index: usize, now_us: i64) -> Result<(), String> {
        let source = self.source(index);
        let token = self.person_of(index).map(|person| person.token.clone()).unwrap_or_default();
        let failed = |error: std::io::Error| format!("connect: {}", error.kind());
        let mut stream = connect(self.setup.address, source).map_err(failed)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, Token(index), interest).map_err(failed)?;
        if let Some(device) = self.devices.get_mut(index) {
            device.socket = Some(Socket::new(stream, &self.setup.host, &token, now_us));
        }
        Ok(())
    }

    fn send(&mut self, index: usize, now_us: i64, message: &ClientMessage) {
        let mask = self.random.bits();
        if let Some(socket) = self.devices.get_mut(index).and_then(|device| device.socket.as_mut()) {
            socket.send(message, mask, &mut self.traffic);
        }
        if let ClientMessage::Report(report) = message {
            self.measures.count(Count::Reports, 1);
            let place = self.place(index);
            if let Some(person) = self.person_of(index) {
                person.book.reported(place, report.at_us, now_us);
            }
        }
    }

    fn answered(&mut self, index: usize, now_us: i64, id: CommandId, answer: Result<u64, RejectCode>) {
        let place = self.place(index);
        let mut delivered = std::mem::take(&mut self.delivered);
        let Some(person) = self.person_of(index) else { return };
        let shown = person.shown.clone();
        let settled = person.book.answered(id, answer.ok(), now_us, &shown, &mut delivered);
        if let Ok(revision) = answer {
            person.check.acked(place, revision);
            match settled.map(|settled| settled.purpose) {
                Some(Purpose::Start) => person.has_started = true,
                Some(Purpose::Insert) => person.inserts += 1,
                Some(Purpose::LastPause) => person.stage = Stage::Paused,
                Some(Purpose::LastSeek(position_ms)) => person.sought_ms = Some(position_ms),
                _ => {}
            }
        }
        match answer {
            Ok(_) => {
                self.measures.count(Count::Acks, 1);
                if let Some(settled) = settled {
                    self.measures.time(Latency::Ack, settled.us);
                }
            }
            Err(RejectCode::Stale | RejectCode::Conflict | RejectCode::Offline | RejectCode::NoActiveDevice) => {
                self.measures.count(Count::Rejects, 1);
            }
            Err(code) => self.measures.error(&format!("reject: {code:?}").to_lowercase()),
        }
        self.deliveries(index, &mut delivered);
        self.delivered = delivered;
    }

    fn deliveries(&mut self, index: usize, delivered: &mut Vec<Delivered>) {
        let first = index.saturating_sub(self.place(index));
        for Delivered { by, to, us } in delivered.drain(..) {
            let mut both = [by, to].into_iter().filter_map(|place| self.devices.get(first.saturating_add(place)));
            let is_far = both.any(|device| device.is_far);
            self.measures.time(if is_far { Latency::FarDelivery } else { Latency::Delivery }, us);
        }
    }

    /// The socket of a device can be read, and nothing delays it.
    pub(crate) fn receive(&mut self, index: usize) {
        let mut received = std::mem::take(&mut self.received);
        if let Some(socket) = self.devices.get_mut(index).and_then(|device| device.socket.as_mut()) {
            socket.readable(&mut self.buffer, &mut self.traffic, &mut received);
        }
        for what in received.drain(..) {
            let Some(device) = self.devices.get_mut(index) else { break };
            let Some(socket) = &device.socket else { break };
            let now_us = now_us();
            match what {
                Received::Open => {
                    self.measures.time(Latency::Handshake, span_us(socket.asked_us, now_us));
                    self.measures.count(Count::Opened, 1);
                    self.open += 1;
                    device.opened_us = now_us;
                    self.step(index, Input::Opened);
                }
                Received::Message(message) => {
                    self.observe(index, now_us, &message);
                    let is_welcome = matches!(*message, ServerMessage::Welcome(_));
                    self.step(index, Input::Frame(message));
                    if is_welcome {
                        self.welcomed(index, now_us);
                    }
                }
                Received::Ended(code, why) => self.ended(index, code, &why),
            }
        }
        self.received = received;
    }

    /// A socket ended, and this program did not cut it.
    pub(crate) fn ended(&mut self, index: usize, code: Option<u16>, why: &str) {
        self.measures.error(why);
        self.measures.count(Count::Lost, 1);
        self.drop_socket(index);
        self.step(index, Input::Closed(code));
    }

    /// What a device receives is checked and timed before the rules get it.
    fn observe(&mut self, index: usize, now_us: i64, message: &ServerMessage) {
        let place = self.place(index);
        let opened_us = self.devices.get(index).map_or(now_us, |device| device.opened_us);
        match message {
            ServerMessage::Welcome(welcome) => {
                self.measures.time(Latency::Welcome, span_us(opened_us, now_us));
                if let Some(cut_us) = self.devices.get_mut(index).and_then(|device| device.cut_us.take()) {
                    self.measures.time(Latency::Back, span_us(cut_us, now_us));
                }
                if let Some(person) = self.person_of(index) {
                    person.check.devices(place, welcome.devices.stamp());
                }
                self.shown(index, now_us, &welcome.playback);
            }
            ServerMessage::Playback(playback) => self.shown(index, now_us, playback),
            ServerMessage::Devices(devices) => {
                if let Some(person) = self.person_of(index) {
                    person.check.devices(place, devices.stamp());
                }
            }
            ServerMessage::Time { client_us, received_us, sent_us } => {
                let server_us = span_us(received_us.0, sent_us.0);
                self.measures.time(Latency::Probe, span_us(*client_us, now_us).saturating_sub(server_us));
            }
            _ => {}
        }
    }

    fn shown(&mut self, index: usize, now_us: i64, playback: &Playback) {
        let place = self.place(index);
        let is_far = self.devices.get(index).is_some_and(|device| device.is_far);
        let mut delivered = std::mem::take(&mut self.delivered);
        let devices = self.setup.devices;
        let mut reported = None;
        if let Some(person) = self.person_of(index) {
            person.check.playback(place, playback.stamp());
            let shown = Shown { revision: playback.revision, at_us: now_us };
            if let Some(last) = person.shown.get_mut(place) {
                *last = Some(shown);
            }
            let by = playback.by.map(|by| by.command_id);
            person.book.shown(place, devices, shown, by, &mut delivered);
            reported = person.book.placed(place, playback.at_us, now_us);
        }
        if let Some(us) = reported.filter(|_| !is_far) {
            self.measures.time(Latency::Report, us);
        }
        self.deliveries(index, &mut delivered);
        self.delivered = delivered;
    }

    fn welcomed(&mut self, index: usize, now_us: i64) {
        let person = self.person_index(index);
        let first = self.device_of(person, 0);
        let own = self.devices.get(first..first.saturating_add(self.setup.devices)).unwrap_or_default();
        let all = own.iter().all(|device| device.rules.device_id().is_some());
        let Some(person_now) = self.people.get_mut(person).filter(|now| all && now.stage == Stage::Joining) else {
            return;
        };
        person_now.stage = Stage::Acting;
        if person_now.listens {
            self.start_listening(person, now_us);
        }
    }

    /// Cuts the socket of a device as a broken network does.
    pub(crate) fn cut(&mut self, index: usize, now_us: i64) {
        let Some(device) = self.devices.get_mut(index) else { return };
        let Some(socket) = device.socket.take_if(|socket| socket.is_open()) else { return };
        socket.cut();
        self.open = self.open.saturating_sub(1);
        self.measures.count(Count::Cut, 1);
        device.cut_us.get_or_insert(now_us);
        self.step(index, Input::Closed(None));
    }

    /// Drops the socket of a device.
    pub(crate) fn drop_socket(&mut self, index: usize) {
        if let Some(socket) = self.devices.get_mut(index).and_then(|device| device.socket.take()) {
            self.open = self.open.saturating_sub(u64::from(socket.is_open()));
        }
    }

    fn sounds(&mut self, index: usize) {
        let (late_us, place) = (self.late_us, self.place(index));
        let Some(device) = self.devices.get_mut(index) else { return };
        let sounds = device.rules.audio().is_sounding() && device.rules.link().is_welcomed();
        if std::mem::replace(&mut device.was_sounding, sounds) != sounds
            && let Some(person) = self.person_of(index)
        {
            person.check.sounds(now_us(), late_us, place, sounds);
        }
    }

    /// Has the timers look at a device when it has something to do.
    pub(crate) fn schedule(&mut self, index: usize) {
        let Some(device) = self.devices.get_mut(index) else { return };
        let due_us = device.tick_due().min(device.ends_us);
        if due_us < device.scheduled_us {
            device.scheduled_us = due_us;
            self.timers.push(due_us, Due::Device(index));
        }
    }

    /// The time has come to look at a device: its item ends, or its rules have something to do.
    pub(crate) fn look(&mut self, index: usize, due_us: i64) {
        let now_us = now_us();
        let Some(device) = self.devices.get_mut(index).filter(|device| device.scheduled_us == due_us) else { return };
        device.scheduled_us = i64::MAX;
        if device.ends_us <= now_us {
            device.ends_us = i64::MAX;
            self.measures.count(Count::Tracks, 1);
            self.step(index, Input::Finished);
        } else if device.tick_due() <= now_us {
            device.ticked_us = now_us;
            self.step(index, Input::Tick);
        } else {
            self.schedule(index);
        }
    }

    /// How long what a device receives is delayed, in microseconds.
    pub(crate) fn delay_us(&mut self, index: usize) -> i64 {
        let is_far = self.devices.get(index).is_some_and(|device| device.is_far);
        let Some(flaky) = self.setup.scenario.flaky.filter(|_| is_far) else { return 0 };
        let delay_ms = self.random.unit().mul_add(flaky.jitter_ms, flaky.delay_ms);
        i64::try_from(whole(delay_ms * real(1_000))).unwrap_or(0)
    }
}
