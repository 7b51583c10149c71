//! The node: the real replica and the real watch over each socket's life, driven as the actors drive them.

use crate::store::fault;
use crate::world::{Down, Fate, Happening, Up, World};
use segue_actors::close::CloseReason;
use segue_actors::ids::{ClockId, ConnectionId, DeviceId, MediaId, NodeId};
use segue_actors::ports::{Change, Outcome};
use segue_actors::replica::{Output, Replica};
use segue_actors::state::drags::Drags;
use segue_actors::state::liveness::{Beat, Liveness, Timing};
use segue_actors::state::messages::Command;
use segue_actors::state::playback::{Intent, MediaKind};
use segue_actors::state::queue::Resolved;
use segue_actors::state::{Durability, Effect, Event, Join, Leaving, Limits, Record, Said, SessionState, Shown};
use segue_actors::wire::{ClientLimits, ClientMessage, DeviceList, QueuePage, ServerMessage, Welcome};
use std::collections::BTreeSet;

const TIMING: Timing = Timing::of_heartbeat(2_000);
const AUDIO_MS: i64 = 60_000;

/// The server's end of a socket.
pub(crate) struct Served {
    liveness: Liveness,
    beat_version: u64,
    has_joined: bool,
    drags: Drags,
}

pub(crate) struct Node {
    pub(crate) is_up: bool,
    /// Server time is this after the simulation's.
    pub(crate) clock_us: i64,
    /// So is the machine's wall clock.
    pub(crate) wall_us: i64,
    id: u64,
    /// Numbers the lives of its session: what was asked in an earlier one is nobody's any more.
    generation: u64,
    session: Option<Session>,
}

struct Session {
    replica: Replica,
    devices: BTreeSet<u64>,
    watched: Option<ConnectionId>,
    deadline: Option<(i64, u64)>,
    writes_soon: bool,
}

impl Node {
    pub(crate) const fn new(clock_us: i64) -> Self {
        Self { is_up: true, clock_us, wall_us: clock_us, id: 1, generation: 0, session: None }
    }

    pub(crate) fn crash(&mut self) {
        self.is_up = false;
        self.session = None;
        self.generation += 1;
    }

    pub(crate) const fn start(&mut self, clock_us: i64, id: u64) {
        (self.is_up, self.clock_us, self.id) = (true, clock_us, id);
    }

    pub(crate) fn state(&self) -> Option<&SessionState> {
        self.session.as_ref()?.replica.state()
    }

    pub(crate) fn is_committing(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.replica.is_busy())
    }
}

impl World {
    pub(crate) fn serve(&mut self) -> Served {
        let (now, chance) = (self.server_now(), self.chance.bits());
        Served {
            liveness: Liveness::new(TIMING, now, chance),
            beat_version: 0,
            has_joined: false,
            drags: Drags::default(),
        }
    }

    // Sockets

    pub(crate) fn arrive_up(&mut self, id: u64, up: Up) {
        let now = self.server_now();
        let Some(served) = self.sockets.get_mut(&id).and_then(|socket| socket.served.as_mut()) else { return };
        match up {
            Up::Ended { is_clean } => self.detach(id, if is_clean { Leaving::Clean } else { Leaving::Lost(now) }),
            Up::Life => {
                let is_asked = served.liveness.hear(now);
                self.answer(id, is_asked);
            }
            Up::Said(message) => {
                let is_asked = served.liveness.hear(now);
                self.read(id, *message);
                self.answer(id, is_asked);
            }
        }
    }

    fn answer(&mut self, id: u64, is_asked: bool) {
        let is_served = self.sockets.get(&id).is_some_and(|socket| socket.served.is_some());
        if is_asked && is_served {
            self.note("newcomer told apart");
            self.take_in(Event::Said { connection: ConnectionId(id), said: Said::Alive });
        }
    }

    fn read(&mut self, id: u64, message: ClientMessage) {
        let connection = ConnectionId(id);
        let said = match message {
            ClientMessage::Hello(hello) => {
                if let Some(served) = self.sockets.get_mut(&id).and_then(|socket| socket.served.as_mut()) {
                    served.has_joined = true;
                }
                let spare_id = DeviceId(self.number());
                let device_id = hello.device.id.unwrap_or(spare_id);
                let (instance, lease, seen) = (hello.device.instance, hello.lease, hello.seen);
                let description = hello.device.description().expect("a good hello");
                self.attach(id);
                let join = Join { connection, device_id, spare_id, instance, description, lease, seen };
                self.take_in(Event::Join(Box::new(join)));
                return;
            }
            ClientMessage::Time { client_us } => {
                let now = self.server_now();
                let time = ServerMessage::Time { client_us, received_us: now, sent_us: now };
                self.send_down(id, Down::Frame(Box::new(time)));
                return;
            }
            ClientMessage::Bye(_) => {
                self.detach(id, Leaving::Clean);
                return;
            }
            ClientMessage::Command(command) => {
                let Command { id, if_item, if_queue_revision, if_lease, op } = *command;
                let tracks = op.tracks().iter().map(|id| track(*id)).collect();
                let op = op.with_tracks(tracks);
                let command = Box::new(Command { id, if_item, if_queue_revision, if_lease, op });
                Said::Command { command, seed: self.chance.bits(), others: Vec::new() }
            }
            ClientMessage::Report(report) => Said::Report(report),
            ClientMessage::Ready(ready) => Said::Ready(ready),
            ClientMessage::Yield(yielded) => Said::Yield(yielded),
            ClientMessage::Ended(ended) => Said::Ended(ended),
            ClientMessage::Volume(change) => Said::Volume(change),
            ClientMessage::Queue { from, limit } => Said::Queue { from, limit },
            ClientMessage::Pong | ClientMessage::Unknown | ClientMessage::BadCommand(..) => return,
        };
        let now = self.server_now();
        let Some(served) = self.sockets.get_mut(&id).and_then(|socket| socket.served.as_mut()) else { return };
        let (due, handed) = (served.drags.next(), served.drags.take(now, said));
        let is_due = served.drags.next() != due;
        for said in handed {
            self.take_in(Event::Said { connection, said });
        }
        if is_due {
            self.schedule_beat(id);
        }
    }

    pub(crate) fn schedule_beat(&mut self, id: u64) {
        let clock_us = self.node.clock_us;
        let Some(served) = self.sockets.get_mut(&id).and_then(|socket| socket.served.as_mut()) else { return };
        served.beat_version += 1;
        let due = served.drags.next().map_or(served.liveness.next(), |due| due.min(served.liveness.next()));
        let (at, version) = (due.0 - clock_us, served.beat_version);
        self.at(at, Happening::Beat(id, version));
    }

    pub(crate) fn beat(&mut self, id: u64, version: u64) {
        let now = self.server_now();
        let Some(served) = self.sockets.get_mut(&id).and_then(|socket| socket.served.as_mut()) else { return };
        if served.beat_version != version {
            return;
        }
        let dragged = served.drags.due(now);
        let beat = served.liveness.beat(now);
        for said in dragged {
            let is_many = said.commands().count() > 1;
            self.take_in(Event::Said { connection: ConnectionId(id), said });
            if is_many {
                self.note("drag of several");
            }
        }
        match beat {
            Beat::Wait => {}
            Beat::PingText => self.send_down(id, Down::Frame(Box::new(ServerMessage::Ping { now_us: now }))),
            Beat::PingProtocol => self.send_down(id, Down::Ping),
            Beat::Dead(heard) => {
                self.note("close dead");
                self.send_down(id, Down::Closed(Some(CloseReason::Dead.code())));
                self.detach(id, Leaving::Lost(heard));
                return;
            }
        }
        self.schedule_beat(id);
    }

    fn close(&mut self, id: u64, reason: CloseReason) {
        self.note(&format!("close {}", reason.slug()));
        let Some(served) = self.sockets.get(&id).and_then(|socket| socket.served.as_ref()) else { return };
        let heard = served.liveness.heard();
        self.send_down(id, Down::Frame(Box::new(ServerMessage::goaway(reason, 500))));
        self.send_down(id, Down::Closed(Some(reason.code())));
        self.detach(id, if reason.reconnect() { Leaving::SentAway(heard) } else { Leaving::Clean });
    }

    fn detach(&mut self, id: u64, how: Leaving) {
        let Some(mut served) = self.sockets.get_mut(&id).and_then(|socket| socket.served.take()) else { return };
        if self.node.session.is_some() && served.has_joined {
            for said in served.drags.flush() {
                self.take_in(Event::Said { connection: ConnectionId(id), said });
            }
            if let Some(session) = &mut self.node.session {
                session.devices.remove(&id);
            }
            self.take_in(Event::Leave { connection: ConnectionId(id), how });
        }
    }

    // The session

    fn attach(&mut self, id: u64) {
        if self.node.session.is_none() {
            self.node.generation += 1;
            let replica = Replica::new(NodeId(self.node.id), self.limits());
            let (watched, deadline, writes_soon) = (None, None, false);
            let devices = BTreeSet::new();
            self.node.session = Some(Session { replica, devices, watched, deadline, writes_soon });
            self.load_soon();
        }
        if let Some(session) = &mut self.node.session {
            session.devices.insert(id);
        }
    }

    fn limits(&self) -> Limits {
        Limits { strict_ms: self.weather.is_strict.then_some(TIMING.lease_ms), ..Limits::default() }
    }

    fn load_soon(&mut self) {
        let generation = self.node.generation;
        self.after_us(100, 30_000, Happening::Load(generation));
    }

    fn drive(&mut self, act: impl FnOnce(&mut Replica, segue_actors::ids::Micros, &mut Vec<Output>)) {
        let (now, mut outputs) = (self.server_now(), Vec::new());
        let before = self.node.state().cloned();
        let Some(session) = &mut self.node.session else { return };
        act(&mut session.replica, now, &mut outputs);
        self.note_change(before.as_ref());
        for output in outputs {
            self.carry_out(output);
        }
        self.rest();
    }

    fn take_in(&mut self, event: Event) {
        self.drive(|replica, now, outputs| replica.take_in(now, event, outputs));
    }

    pub(crate) fn load(&mut self, generation: u64) {
        if generation == self.node.generation {
            let record = self.store.row.clone().map(|(record, queue)| (Record::clone(&record), queue));
            let last_beat = self.store.last_beat;
            self.drive(|replica, now, outputs| replica.loaded(now, record, last_beat, outputs));
        }
    }

    pub(crate) fn write(&mut self, generation: u64) {
        if generation == self.node.generation {
            if let Some(session) = &mut self.node.session {
                session.writes_soon = false;
            }
            self.drive(|replica, _, outputs| replica.write(outputs));
        }
    }

    /// The change reaches the database, whoever still waits for it.
    pub(crate) fn commit(&mut self, generation: u64, change: Change, fate: Fate) {
        let outcome = match fate {
            Fate::Answered => self.store.commit(change),
            Fate::NotSent => Outcome::NotSent(fault("not sent")),
            Fate::UnknownLost => Outcome::Unknown(fault("lost")),
            Fate::UnknownWritten => {
                self.store.commit(change);
                Outcome::Unknown(fault("no answer"))
            }
        };
        match fate {
            Fate::Answered if matches!(outcome, Outcome::Conflict(_)) => self.note("commit Conflict"),
            Fate::Answered => {}
            Fate::NotSent => self.note("commit NotSent"),
            Fate::UnknownWritten => self.note("commit Unknown, written"),
            Fate::UnknownLost => self.note("commit Unknown, lost"),
        }
        self.after_us(50, 10_000, Happening::Committed(generation, Box::new(outcome)));
    }

    pub(crate) fn committed(&mut self, generation: u64, outcome: Outcome) {
        if generation == self.node.generation {
            self.drive(|replica, now, outputs| replica.committed(now, outcome, outputs));
        }
    }

    pub(crate) fn deadline(&mut self, version: u64) {
        let is_due =
            self.node.session.as_ref().is_some_and(|session| session.deadline.is_some_and(|due| due.1 == version));
        if is_due {
            if let Some(session) = &mut self.node.session {
                session.deadline = None;
            }
            self.take_in(Event::Deadline);
        }
    }

    fn carry_out(&mut self, output: Output) {
        let generation = self.node.generation;
        match output {
            Output::Load | Output::LoadAgain(_) => self.load_soon(),
            Output::Commit(change) => {
                let fates = [Fate::NotSent, Fate::UnknownWritten, Fate::UnknownLost];
                let share = if self.is_busy() { self.weather.store_faults } else { 0 };
                let fate = if self.chance.permille(share) { self.chance.pick(&fates) } else { Fate::Answered };
                self.after_us(50, 10_000, Happening::Commit(generation, Box::new(change), fate));
            }
            Output::WriteSoon => {
                let session = self.node.session.as_mut().expect("it has an output");
                if !session.writes_soon {
                    session.writes_soon = true;
                    self.after_us(1_000_000, 1_000_001, Happening::Write(generation));
                }
            }
            Output::Release(before, state, effects) => self.release(before, &state, effects),
            Output::Restart(_) => {
                let session = self.node.session.as_mut().expect("it has an output");
                (session.watched, session.deadline, session.writes_soon) = (None, None, false);
                for id in std::mem::take(&mut session.devices) {
                    self.close(id, CloseReason::Restart);
                }
            }
        }
    }

    fn rest(&mut self) {
        let clock_us = self.node.clock_us;
        let Some(session) = &mut self.node.session else { return };
        let Some(state) = session.replica.state().filter(|_| !session.replica.is_busy()) else { return };
        let due = state.next_deadline().map(|due| due.0 - clock_us);
        if session.deadline.map(|(at, _)| at) != due {
            self.counter += 1;
            let version = self.counter;
            session.deadline = due.map(|due| (due, version));
            if let Some(due) = due {
                self.at(due, Happening::Deadline(version));
            }
        }
        let session = self.node.session.as_ref().expect("it rests");
        if session.devices.is_empty() && due.is_none() {
            if session.replica.is_stored() {
                self.node.session = None;
                self.node.generation += 1;
            } else {
                self.drive(|replica, _, outputs| replica.write(outputs));
            }
        }
    }

    // What is shown

    fn release(&mut self, before: Shown, state: &SessionState, effects: Vec<Effect>) {
        let Some(session) = &self.node.session else { return };
        let (shown, playback) = (state.shown(), state.playback().clone());
        let devices = DeviceList::of(state.record());
        let is_welcomed = |id: u64| effects.iter().any(|effect| matches!(effect, Effect::Welcome(to, _) if to.0 == id));
        let is_listed = |id: u64| state.devices().by_connection(ConnectionId(id)).is_some();
        let others = session.devices.iter().copied().filter(|id| is_listed(*id) && !is_welcomed(*id));
        let others: Vec<u64> = others.collect();
        for id in others {
            if shown.playback != before.playback {
                self.send_down(id, Down::Frame(Box::new(ServerMessage::Playback(Box::new(playback.clone())))));
            }
            if shown.devices != before.devices {
                self.send_down(id, Down::Frame(Box::new(ServerMessage::Devices(devices.clone()))));
            }
        }
        for effect in effects {
            self.release_one(effect, state);
        }
        self.watch(state);
    }

    fn release_one(&mut self, effect: Effect, state: &SessionState) {
        let now_us = self.server_now();
        let record = state.record().clone();
        let (what, sent) = match effect {
            Effect::Commit(Durability::Now) => ("effect commit now", None),
            Effect::Commit(Durability::Soon) => ("effect commit soon", None),
            Effect::Played(_) => ("effect played", None),
            Effect::Probe(to) => {
                self.note("effect probe");
                if let Some(served) = self.sockets.get_mut(&to.0).and_then(|socket| socket.served.as_mut()) {
                    served.liveness.probe(now_us);
                    self.send_down(to.0, Down::Frame(Box::new(ServerMessage::Ping { now_us })));
                    self.send_down(to.0, Down::Ping);
                    self.schedule_beat(to.0);
                }
                return;
            }
            Effect::Close(to, reason) => {
                self.note("effect close");
                self.close(to.0, reason);
                return;
            }
            Effect::Welcome(to, device_id) => {
                let (playback, devices) = (record.playback.clone(), DeviceList::of(&record));
                let clock_id = ClockId(self.node.id);
                let audio_ms = if self.weather.is_strict { TIMING.lease_ms } else { AUDIO_MS };
                let limits = ClientLimits { audio_ms, ..CLIENT_LIMITS };
                let welcome = Welcome { device_id, now_us, clock_id, jitter_ms: 500, limits, playback, devices };
                ("effect welcome", Some((to, ServerMessage::Welcome(Box::new(welcome)))))
            }
            Effect::Ack(to, id, revision) => {
                let device_id = record.devices.by_connection(to).map(|device| device.id);
                let stands = self.store.row.as_ref().and_then(|(row, _)| row.devices.answer_to(device_id?, id));
                // Who has gone is not told; a database that was put back has lost what it had.
                let is_known = device_id.is_some_and(|device_id| self.store.applied.contains_key(&(device_id, id)));
                assert!(!is_known || stands == Some(revision), "an ack of what is not in the database");
                ("effect ack", Some((to, ServerMessage::Ack { id, revision })))
            }
            Effect::Reject(to, id, reject) => {
                self.note(&format!("reject {:?}", reject.code));
                ("effect reject", Some((to, ServerMessage::reject(id, &reject))))
            }
            Effect::ShowPlayback(to) => {
                ("effect show playback", Some((to, ServerMessage::Playback(Box::new(record.playback.clone())))))
            }
            Effect::ShowDevices(to) => {
                ("effect show devices", Some((to, ServerMessage::Devices(DeviceList::of(&record)))))
            }
            Effect::ShowQueue(to, from, limit) => (
                "effect show queue",
                Some((to, ServerMessage::Queue(QueuePage::of(&record, state.queue(), from, limit)))),
            ),
        };
        self.note(what);
        if let Some((to, message)) = sent {
            self.send_down(to.0, Down::Frame(Box::new(message)));
        }
    }

    /// As the session's actor does.
    fn watch(&mut self, state: &SessionState) {
        let now = self.server_now();
        let Some(session) = &mut self.node.session else { return };
        let active = state.playback().active.filter(|_| state.playback().intent == Intent::Play);
        let device = active.and_then(|active| state.devices().get(active.device_id));
        let wanted = device.and_then(|device| device.presence.connection());
        if session.watched == wanted {
            return;
        }
        let told = [(session.watched, false), (wanted, true)];
        session.watched = wanted;
        for (connection, is_active) in told {
            let Some(ConnectionId(id)) = connection else { continue };
            if let Some(served) = self.sockets.get_mut(&id).and_then(|socket| socket.served.as_mut()) {
                served.liveness.watch(now, is_active);
                self.schedule_beat(id);
            }
        }
    }
}

const CLIENT_LIMITS: ClientLimits = ClientLimits {
    heartbeat_ms: TIMING.heartbeat_ms,
    idle_ms: TIMING.idle_ms,
    lease_ms: TIMING.lease_ms,
    audio_ms: AUDIO_MS,
    frame_bytes: 65_536,
    page_items: 200,
    tracks: 500,
};

/// A track's length follows from its id: 2 to 61 s.
fn track(media_id: MediaId) -> Resolved {
    let duration_ms = i64::try_from(media_id.0 % 60).expect("small") * 1_000 + 2_000;
    Resolved { media_id, kind: MediaKind::Track, duration_ms: Some(duration_ms) }
}
