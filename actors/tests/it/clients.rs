//! The client's rules against the session's, in one loop without a network: each frame arrives when the test lets it.

mod cases;
mod failures;
mod strict;
mod transfers;
mod vectors;

use segue_actors::client::{Audio, Client, Input, Output};
use segue_actors::ids::{ClockId, CommandId, ConnectionId, DeviceId, InstanceId, ItemId, MediaId, Micros, NodeId};
use segue_actors::state::devices::{DeviceKind, Volume};
use segue_actors::state::messages::{Command, Op, RejectCode, TransferMode};
use segue_actors::state::playback::{Intent, MediaKind, Playback, Status};
use segue_actors::state::queue::Resolved;
use segue_actors::state::{Effect, Event, Join, Leaving, Limits, Record, Said, SessionState};
use segue_actors::wire::{ClientLimits, ClientMessage, DeviceList, HelloDevice, QueuePage, ServerMessage, Welcome};
use std::collections::VecDeque;

/// Length of every track.
const TRACK_MS: i64 = 10_000;
/// The server's clock at the start; the clients' begins at 0.
const START: Micros = Micros(1_000_000_000);
/// How long audio takes to start.
const LOAD_MS: i64 = 30;
/// How long audio that is prepared takes to be there.
const PREPARE_MS: i64 = 100;
const LIMITS: ClientLimits = ClientLimits {
    heartbeat_ms: 2_000,
    idle_ms: 20_000,
    lease_ms: 5_000,
    audio_ms: 60_000,
    frame_bytes: 65_536,
    page_items: 200,
    tracks: 500,
};

/// One client with its wire and its audio.
struct Device {
    client: Client,
    /// The socket, while there is one.
    connection: Option<ConnectionId>,
    /// Frames on their way to it and from it.
    down: VecDeque<ServerMessage>,
    up: VecDeque<ClientMessage>,
    /// When the audio that loads will start, and where.
    loading: Option<(i64, i64)>,
    /// When the audio that is prepared will be there, and what it is.
    preparing: Option<(i64, ItemId)>,
    answers: Vec<(CommandId, Result<u64, RejectCode>)>,
    given_up: Option<u16>,
    /// What it was to be as loud as, one after the other.
    loudness: Vec<Volume>,
    /// Whether the network lets anything through.
    is_cut: bool,
    trouble: Option<Trouble>,
    /// Whether the server waits to hear that it lives.
    is_asked: bool,
    /// How often its audio was started or taken elsewhere.
    starts: u32,
    trace: vectors::Trace,
}

/// What is wrong with a wire.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// Acks are lost on the way down.
    LosesAcks,
    /// Yields are lost on the way up.
    LosesYields,
    /// Nothing comes down, and nobody notices.
    IsDeaf,
    /// Only its clock probes are answered.
    IsNeverWelcome,
    /// Its probes take a second in all, and so many milliseconds of it to the server.
    IsLopsided(i64),
}

/// A session and its clients.
struct World {
    state: SessionState,
    /// In the clients' time.
    now_us: i64,
    devices: Vec<Device>,
    counter: u64,
    clock: ClockId,
    session_limits: Limits,
    limits: ClientLimits,
    /// The server's clock was set by so much since the start.
    stepped_us: i64,
}

impl World {
    fn new(devices: u64) -> Self {
        Self::under(devices, Limits::default(), LIMITS.audio_ms)
    }

    fn under(devices: u64, limits: Limits, audio_ms: i64) -> Self {
        let mut world = Self {
            state: SessionState::new(START, 0, NodeId(1), limits),
            now_us: 0,
            devices: Vec::new(),
            counter: 100,
            clock: ClockId(1),
            session_limits: limits,
            limits: ClientLimits { audio_ms, ..LIMITS },
            stepped_us: 0,
        };
        for number in 1..=devices {
            world.devices.push(device(number, number));
        }
        world.settle();
        world
    }

    fn number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    const fn server_now(&self) -> Micros {
        Micros(START.0 + self.stepped_us + self.now_us)
    }

    // The clients' side

    fn input(&mut self, index: usize, input: Input) {
        let mut outputs = Vec::new();
        let told = vectors::input_of(&input);
        self.devices[index].client.step(self.now_us, 500, input, &mut outputs);
        self.devices[index].trace.record(self.now_us, &told, &outputs);
        for output in outputs {
            self.carry_out(index, output);
        }
        self.at_most_one_sounds();
    }

    fn carry_out(&mut self, index: usize, output: Output) {
        let number = self.number();
        let now_us = self.now_us;
        let device = &mut self.devices[index];
        match output {
            Output::Connect if device.is_cut => self.input(index, Input::Closed(None)),
            Output::Connect => {
                device.connection = Some(ConnectionId(number));
                self.input(index, Input::Opened);
            }
            Output::Disconnect => self.lose_socket(index),
            Output::Send(message) => device.up.push_back(message),
            Output::Sound(item, position_ms) => {
                let is_prepared = device.preparing.take().is_some_and(|(at, id)| at <= now_us && id == item.id);
                let wait_ms = if is_prepared { 0 } else { LOAD_MS };
                device.loading = Some((now_us + wait_ms * 1000, position_ms));
                device.starts += 1;
            }
            Output::Prepare(item, _) => device.preparing = Some((now_us + PREPARE_MS * 1000, item.id)),
            Output::Silence => (device.loading, device.preparing) = (None, None),
            Output::Answered(id, answer) => device.answers.push((id, answer.map_err(|(code, _)| code))),
            Output::GiveUp(code, _) => device.given_up = Some(code),
            Output::Volume(volume) => device.loudness.push(volume),
            Output::Queue(_) | Output::Show => {}
        }
    }

    fn lose_socket(&mut self, index: usize) {
        let device = &mut self.devices[index];
        (device.up, device.down) = Default::default();
        if let Some(connection) = device.connection.take() {
            let heard = self.server_now();
            self.event(Event::Leave { connection, how: Leaving::Lost(heard) });
        }
    }

    /// The network lets nothing through any more, and both sides notice.
    fn cut(&mut self, index: usize) {
        self.devices[index].is_cut = true;
        self.lose_socket(index);
        self.input(index, Input::Closed(None));
    }

    fn mend(&mut self, index: usize) {
        self.devices[index].is_cut = false;
    }

    /// The network is back, and so is the device once its wait is over.
    fn come_back(&mut self, index: usize) {
        self.mend(index);
        for _ in 0..600 {
            if self.devices[index].client.link().is_welcomed() {
                return;
            }
            self.pass(100);
        }
        panic!("it never came back");
    }

    fn wish(&mut self, index: usize, op: Op<MediaId>) -> CommandId {
        let id = CommandId(self.number());
        self.input(index, Input::Wish(id, op));
        self.settle();
        id
    }

    // The server's side

    fn event(&mut self, event: Event) {
        let before = self.state.shown();
        let mut effects = Vec::new();
        let now = self.server_now();
        self.state.step(now, event, &mut effects);
        self.state.check().expect("the invariants hold");
        let welcomed: Vec<ConnectionId> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Welcome(connection, _) => Some(*connection),
                _ => None,
            })
            .collect();
        self.fan_out(before, &welcomed);
        for effect in effects {
            self.release(effect);
        }
    }

    fn fan_out(&mut self, before: segue_actors::state::Shown, but: &[ConnectionId]) {
        let shown = self.state.shown();
        for device in &mut self.devices {
            let Some(connection) = device.connection else { continue };
            let is_kept_out = device.trouble == Some(Trouble::IsNeverWelcome);
            if is_kept_out || but.contains(&connection) || self.state.devices().by_connection(connection).is_none() {
                continue;
            }
            if shown.playback != before.playback {
                device.down.push_back(ServerMessage::Playback(Box::new(self.state.playback().clone())));
            }
            if shown.devices != before.devices {
                device.down.push_back(ServerMessage::Devices(DeviceList::of(self.state.record())));
            }
        }
    }

    fn release(&mut self, effect: Effect) {
        let (now_us, clock_id) = (self.server_now(), self.clock);
        let record = self.state.record().clone();
        let is_probe = matches!(effect, Effect::Probe(_));
        let (connection, message) = match effect {
            Effect::Commit(_) | Effect::Played(_) | Effect::ShowAll(_) => return,
            Effect::Probe(connection) => (connection, ServerMessage::Ping { now_us }),
            Effect::Close(connection, reason) => (connection, ServerMessage::goaway(reason, 0)),
            Effect::Welcome(connection, device_id) => {
                let playback = record.playback.clone();
                let devices = DeviceList::of(&record);
                let limits = self.limits;
                let welcome = Welcome { device_id, now_us, clock_id, jitter_ms: 0, limits, playback, devices };
                (connection, ServerMessage::Welcome(Box::new(welcome)))
            }
            Effect::Ack(connection, id, revision) => (connection, ServerMessage::Ack { id, revision }),
            Effect::Reject(connection, id, reject) => (connection, ServerMessage::reject(id, &reject)),
            Effect::ShowPlayback(connection) => {
                (connection, ServerMessage::Playback(Box::new(record.playback.clone())))
            }
            Effect::ShowDevices(connection) => (connection, ServerMessage::Devices(DeviceList::of(&record))),
            Effect::ShowQueue(connection, from, limit) => {
                (connection, ServerMessage::Queue(QueuePage::of(&record.playback, self.state.queue(), from, limit)))
            }
        };
        if let Some(device) = self.devices.iter_mut().find(|device| device.connection == Some(connection))
            && !(device.trouble == Some(Trouble::LosesAcks) && matches!(message, ServerMessage::Ack { .. }))
            && device.trouble != Some(Trouble::IsNeverWelcome)
        {
            device.is_asked |= is_probe;
            device.down.push_back(message);
        }
    }

    /// What a client says reaches the session, as the device's actor would hand it on.
    fn arrive(&mut self, index: usize, message: &ClientMessage) {
        // The messages are those of the wire.
        let message = ClientMessage::decode(&message.encode()).expect("a client writes what a server reads");
        let Some(connection) = self.devices[index].connection else { return };
        let said = match message {
            ClientMessage::Hello(hello) => {
                let spare_id = DeviceId(self.number());
                let device_id = hello.device.id.unwrap_or(spare_id);
                let (instance, lease, seen) = (hello.device.instance, hello.lease, hello.seen);
                let description = hello.device.description().expect("a good hello");
                let join = Join { connection, device_id, spare_id, instance, description, lease, seen };
                self.event(Event::Join(Box::new(join)));
                return;
            }
            ClientMessage::Time { client_us } => {
                let (there_ms, back_ms) = match self.devices[index].trouble {
                    Some(Trouble::IsLopsided(there_ms)) => (there_ms, 1_000 - there_ms),
                    _ => (0, 0),
                };
                // No time passes here: what the ways take is taken off the server's instants.
                let now = self.server_now();
                let (received_us, sent_us) = (now.plus_ms(there_ms), now.plus_ms(-back_ms));
                let time = ServerMessage::Time { client_us, received_us, sent_us };
                self.devices[index].down.push_back(time);
                return;
            }
            ClientMessage::Bye(_) => {
                self.devices[index].connection = None;
                self.event(Event::Leave { connection, how: Leaving::Clean });
                return;
            }
            ClientMessage::Command(command) => {
                let Command { id, if_item, if_queue_revision, if_lease, op } = *command;
                let tracks = op.tracks().iter().map(|id| track(*id)).collect();
                let op = op.with_tracks(tracks);
                let command = Box::new(Command { id, if_item, if_queue_revision, if_lease, op });
                Said::Command { command, seed: 5, others: Vec::new() }
            }
            ClientMessage::Report(report) => Said::Report(report),
            ClientMessage::Ready(ready) => Said::Ready(ready),
            ClientMessage::Yield(_) if self.devices[index].trouble == Some(Trouble::LosesYields) => return,
            ClientMessage::Yield(yielded) => Said::Yield(yielded),
            ClientMessage::Ended(ended) => Said::Ended(ended),
            ClientMessage::Volume(change) => Said::Volume(change),
            ClientMessage::Queue { from, limit } => Said::Queue { from, limit },
            ClientMessage::Pong if std::mem::take(&mut self.devices[index].is_asked) => Said::Alive,
            ClientMessage::Pong | ClientMessage::Unknown | ClientMessage::BadCommand(..) => return,
        };
        self.event(Event::Said { connection, said });
    }

    /// The node ends without a word and starts again from what it had written.
    fn restart(&mut self) {
        for device in &mut self.devices {
            (device.connection, device.up, device.down) = Default::default();
        }
        let loaded = (Record::clone(self.state.record()), self.state.queue().clone());
        let (node, now) = (NodeId(self.number()), self.server_now());
        self.clock = ClockId(self.number());
        self.state = SessionState::load(now, loaded, node, Some(now), 0, self.session_limits);
        for index in 0..self.devices.len() {
            self.input(index, Input::Closed(None));
        }
    }

    // Time and the wires

    /// Delivers what is under way until nothing is.
    fn settle(&mut self) {
        for round in 0.. {
            assert!(round < 1_000, "they never stop talking");
            let mut is_quiet = true;
            for index in 0..self.devices.len() {
                if let Some(message) = self.devices[index].up.pop_front() {
                    is_quiet = false;
                    self.arrive(index, &message);
                }
                let is_deaf = self.devices[index].trouble == Some(Trouble::IsDeaf);
                if let Some(message) = self.devices[index].down.pop_front_if(|_| !is_deaf) {
                    is_quiet = false;
                    self.input(index, Input::Frame(Box::new(message)));
                }
                if self.devices[index].client.next_deadline() <= self.now_us {
                    is_quiet = false;
                    self.input(index, Input::Tick);
                }
            }
            if is_quiet {
                return;
            }
        }
    }

    /// Lets time pass; everything under way arrives at once.
    fn pass(&mut self, ms: i64) {
        let end_us = self.now_us + ms * 1000;
        while self.now_us < end_us {
            self.settle();
            let ends = self.devices.iter().filter_map(|device| end_of(&device.client)).map(|at| at.0 - START.0);
            let loads = self.devices.iter().filter_map(|device| device.loading).map(|(at, _)| at);
            let ticks = self.devices.iter().map(|device| device.client.next_deadline());
            let server = self.state.next_deadline().map(|at| at.0 - START.0 - self.stepped_us);
            let prepared = self.devices.iter().filter_map(|device| device.preparing).map(|(at, _)| at);
            let prepared = prepared.filter(|at| *at > self.now_us);
            let due_us = ends.chain(loads).chain(prepared).chain(ticks).chain(server).min().unwrap_or(end_us);
            self.now_us = due_us.clamp(self.now_us + 1, end_us);
            if self.state.next_deadline().is_some_and(|due| due <= self.server_now()) {
                self.event(Event::Deadline);
            }
            for index in 0..self.devices.len() {
                self.audio(index);
            }
        }
        self.settle();
    }

    /// Audio that is loaded starts, audio at its end ends.
    fn audio(&mut self, index: usize) {
        let device = &mut self.devices[index];
        if let Some((_, position_ms)) = device.loading.take_if(|(at, _)| *at <= self.now_us) {
            let item = device.client.audio().item().expect("what loads is known");
            self.input(index, Input::Started { item, position_ms });
        } else if let Some((_, item)) = device.preparing.filter(|(at, _)| *at == self.now_us) {
            self.input(index, Input::Prepared(item));
        } else if end_of(&device.client).is_some_and(|at| at.0 <= START.0 + self.now_us) {
            self.input(index, Input::Finished);
        }
    }

    // What must hold

    /// The promise: of those that are connected, one sounds at most.
    fn at_most_one_sounds(&self) {
        let connected = self.devices.iter().filter(|device| device.client.link().is_welcomed());
        let sounding = connected.filter(|device| device.client.audio().is_sounding()).count();
        assert!(sounding <= 1, "{sounding} sound at {} us", self.now_us);
    }

    /// Everybody who is connected is shown the same, and it is the server's.
    #[track_caller]
    fn assert_shown(&self, intent: Intent, status: Status, position_ms: i64) {
        let truth = self.state.playback();
        let found = (truth.intent, truth.status, truth.position_at(self.server_now()));
        assert_eq!((found.0, found.1), (intent, status), "{truth:?}");
        assert!((found.2 - position_ms).abs() <= 40, "at {} and not at {position_ms}", found.2);
        for device in self.devices.iter().filter(|device| device.client.link().is_welcomed()) {
            assert_eq!(device.client.playback(), Some(truth));
            assert_eq!(device.client.position_at(self.now_us), Some(found.2));
        }
    }

    #[track_caller]
    fn assert_sounds(&self, wanted: Option<usize>) {
        let sounding = self.devices.iter().position(|device| device.client.audio().is_sounding());
        assert_eq!(sounding, wanted);
    }

    fn shown(&self) -> &Playback {
        self.state.playback()
    }

    fn media(&self) -> Option<u64> {
        self.shown().item.map(|item| item.media_id.0)
    }
}

fn device(id: u64, instance: u64) -> Device {
    let description = HelloDevice {
        id: Some(DeviceId(id)),
        instance: InstanceId(instance),
        name: format!("device {id}"),
        kind: DeviceKind::Terminal,
        plays: true,
        controls: true,
        codecs: Vec::new(),
        volume: None,
    };
    Device {
        trace: vectors::Trace::new(description.clone()),
        client: Client::new(description, None, 0),
        connection: None,
        down: VecDeque::new(),
        up: VecDeque::new(),
        loading: None,
        preparing: None,
        answers: Vec::new(),
        given_up: None,
        loudness: Vec::new(),
        is_cut: false,
        trouble: None,
        is_asked: false,
        starts: 0,
    }
}

const fn track(media_id: MediaId) -> Resolved {
    Resolved { media_id, kind: MediaKind::Track, duration_ms: Some(TRACK_MS) }
}

/// When the audio comes to its end, in server time.
fn end_of(client: &Client) -> Option<Micros> {
    match client.audio() {
        Audio::Sounding { position_ms, since_us, .. } => {
            Some(Micros(START.0 + since_us).plus_ms(TRACK_MS - position_ms))
        }
        _ => None,
    }
}

fn play(tracks: &[u64]) -> Op<MediaId> {
    let tracks = tracks.iter().map(|id| MediaId(*id)).collect();
    Op::Play { item: None, tracks, start: None, position_ms: None, on: None }
}

const fn transfer(to: u64) -> Op<MediaId> {
    Op::Transfer { to: DeviceId(to), mode: TransferMode::Keep }
}

/// Two devices; the first plays tracks 1, 2 and 3 and is two seconds into the first.
fn playing(devices: u64) -> World {
    let mut world = World::new(devices);
    world.wish(0, play(&[1, 2, 3]));
    world.pass(2_000 + LOAD_MS);
    world.assert_sounds(Some(0));
    world.assert_shown(Intent::Play, Status::Playing, 2_000);
    world
}

const fn play_on(device: u64) -> Op<MediaId> {
    Op::Play { item: None, tracks: Vec::new(), start: None, position_ms: None, on: Some(DeviceId(device)) }
}
