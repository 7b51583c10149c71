//! The client's rules against the session's, in one loop without a network: each frame arrives when the test lets it.

mod cases;
mod failures;
mod own_reports;
mod server;
mod strict;
mod trace;
mod transfers;
mod vectors;

use segue_actors::protocol::device::{DeviceKind, DeviceView, HelloDevice, Volume};
use segue_actors::protocol::ids::{
    ClockId, CommandId, ConnectionId, DeviceId, InstanceId, ItemId, MediaId, Micros, NodeId, Stamp,
};
use segue_actors::protocol::messages::{Op, RejectCode, Report, Sound, TransferMode};
use segue_actors::protocol::playback::{Intent, MediaKind, Playback, Status};
use segue_actors::protocol::wire::{ClientLimits, ClientMessage, ServerMessage};
use segue_actors::session::own_reports::OwnReports;
use segue_actors::state::queue::Resolved;
use segue_actors::state::{DeviceEvent, Event, Leaving, Limits, SessionState};
use segue_client::{Audio, Client, Input, Output};
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
#[derive(Clone)]
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
    /// While it sleeps nothing happens to it.
    is_asleep: bool,
    trace: Option<trace::Trace>,
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
    /// Whatever comes down comes twice.
    HearsTwice,
}

/// A session and its clients.
#[derive(Clone)]
struct World {
    state: SessionState,
    own_reports: OwnReports,
    /// In the clients' time.
    now_us: i64,
    devices: Vec<Device>,
    counter: u64,
    clock: ClockId,
    session_limits: Limits,
    limits: ClientLimits,
    /// The server's clock was set by so much since the start.
    stepped_us: i64,
    /// Each list of devices that was shown, as it followed the one before.
    lists: Vec<Vec<DeviceView>>,
}

impl World {
    fn new(devices: u64) -> Self {
        Self::under(devices, Limits::default(), LIMITS.audio_ms)
    }

    fn under(devices: u64, limits: Limits, audio_ms: i64) -> Self {
        let mut world = Self {
            state: SessionState::new(START, 0, NodeId(1), limits),
            own_reports: OwnReports::default(),
            now_us: 0,
            devices: Vec::new(),
            counter: 100,
            clock: ClockId(1),
            session_limits: limits,
            limits: ClientLimits { audio_ms, ..LIMITS },
            stepped_us: 0,
            lists: Vec::new(),
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
        let device = &mut self.devices[index];
        let told = device.trace.as_ref().map(|_| input.clone());
        device.client.step(self.now_us, 500, input, &mut outputs);
        if let Some((trace, told)) = device.trace.as_mut().zip(told) {
            trace.record(self.now_us, &told, &outputs);
        }
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

    /// The network is back, and the device's `hello` is under way.
    fn say_hello(&mut self, index: usize) {
        self.mend(index);
        while self.devices[index].up.is_empty() {
            self.now_us += 100_000;
            self.input(index, Input::Tick);
        }
    }

    fn command(&mut self, index: usize, op: Op<MediaId>) -> CommandId {
        let id = CommandId(self.number());
        self.input(index, Input::Command(id, op));
        self.settle();
        id
    }

    /// What the active device reports under.
    fn right(&self) -> (Stamp, Stamp, ItemId) {
        let shown = self.shown();
        let (active, item) = (shown.active.expect("one plays"), shown.item.expect("something plays"));
        (active.lease, shown.turn, item.id)
    }

    /// A report of playing arrives, whatever the device itself would say.
    fn report_of(&mut self, index: usize, (lease, turn, item): (Stamp, Stamp, ItemId), position_ms: i64) {
        let connection = self.devices[index].connection.expect("it has a socket");
        let (at_us, status) = (self.server_now(), Sound::Playing);
        let report = Report { lease, turn, item, position_ms, at_us, status, seen: None };
        self.event(Event::Device { connection, event: DeviceEvent::Report(report) });
    }

    // Time and the wires

    /// Delivers what is under way until nothing is.
    fn settle(&mut self) {
        for round in 0.. {
            assert!(round < 1_000, "they never stop talking");
            let mut is_quiet = true;
            for index in 0..self.devices.len() {
                if self.devices[index].is_asleep {
                    continue;
                }
                if let Some(message) = self.devices[index].up.pop_front() {
                    is_quiet = false;
                    self.arrive(index, &message);
                }
                let is_deaf = self.devices[index].trouble == Some(Trouble::IsDeaf);
                if let Some(message) = self.devices[index].down.pop_front_if(|_| !is_deaf) {
                    is_quiet = false;
                    if self.devices[index].trouble == Some(Trouble::HearsTwice) {
                        self.input(index, Input::Frame(Box::new(message.clone())));
                    }
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
            self.go_on(end_us);
        }
        self.settle();
    }

    /// Lets time pass in which nothing arrives.
    fn wait(&mut self, ms: i64) {
        let end_us = self.now_us + ms * 1000;
        while self.now_us < end_us {
            for index in 0..self.devices.len() {
                while self.devices[index].client.next_deadline() <= self.now_us {
                    self.input(index, Input::Tick);
                }
            }
            self.go_on(end_us);
        }
    }

    /// To the next instant at which anything is due.
    fn go_on(&mut self, end_us: i64) {
        let awake = || self.devices.iter().filter(|device| !device.is_asleep);
        let ends = awake().filter_map(|device| end_of(&device.client)).map(|at| at.0 - START.0);
        let loads = awake().filter_map(|device| device.loading).map(|(at, _)| at);
        let ticks = awake().map(|device| device.client.next_deadline());
        let server = self.state.next_deadline().map(|at| at.0 - START.0 - self.stepped_us);
        let prepared = awake().filter_map(|device| device.preparing).map(|(at, _)| at);
        let prepared = prepared.filter(|at| *at > self.now_us);
        let due_us = ends.chain(loads).chain(prepared).chain(ticks).chain(server).min().unwrap_or(end_us);
        self.now_us = due_us.clamp(self.now_us + 1, end_us);
        if self.state.next_deadline().is_some_and(|due| due <= self.server_now()) {
            self.event(Event::Deadline);
        }
        for index in 0..self.devices.len() {
            if !self.devices[index].is_asleep {
                self.audio(index);
            }
        }
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
            let shown = device.client.playback().expect("it is shown something");
            assert!(shown.shows(truth), "{shown:?} is not {truth:?}");
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
        volume: None,
    };
    Device {
        is_asleep: false,
        trace: Some(trace::Trace::new(description.clone())),
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
    Op::play(tracks)
}

const fn transfer(to: u64) -> Op<MediaId> {
    Op::Transfer { to: DeviceId(to), mode: TransferMode::Keep }
}

/// Many things happen, or many worlds: what each client goes through is not written down.
fn unrecorded(mut world: World) -> World {
    for device in &mut world.devices {
        device.trace = None;
    }
    world
}

/// Two devices; the first plays tracks 1, 2 and 3 and is two seconds into the first.
fn playing(devices: u64) -> World {
    let mut world = World::new(devices);
    world.command(0, play(&[1, 2, 3]));
    world.pass(2_000 + LOAD_MS);
    world.assert_sounds(Some(0));
    world.assert_shown(Intent::Play, Status::Playing, 2_000);
    world
}

const fn play_on(device: u64) -> Op<MediaId> {
    Op::Play { item: None, tracks: Vec::new(), start: None, position_ms: None, on: Some(DeviceId(device)) }
}
