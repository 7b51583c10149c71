//! One user's session under attack: arbitrary frames on eight sockets go the way they go in the server (decoded, rate-limited,
//! stepped, committed, shown), and after each thing that happens nothing is broken and nothing has grown beyond its limit.
//! The fuzz targets of `actors/fuzz` are made of this module too.

pub(crate) mod script;
mod shown;

use script::{Act, Facts, Fate};
use segue_actors::node::ports::{Outcome, PortError, SessionChange};
use segue_actors::node::{FrameKind, Timing};
use segue_actors::protocol::close::CloseReason;
use segue_actors::protocol::ids::{ConnectionId, MediaId, Micros, NodeId};
use segue_actors::protocol::messages::{Command, Op, RejectCode};
use segue_actors::protocol::playback::MediaKind;
use segue_actors::protocol::wire::{ClientMessage, Hello, ServerMessage};
use segue_actors::session::own_reports::OwnReports;
use segue_actors::session::replica::{Replica, ReplicaOutput};
use segue_actors::socket::coalesce::Coalescer;
use segue_actors::socket::inbound::{Inbound, InboundAction, join};
use segue_actors::socket::liveness::{Liveness, LivenessAction};
use segue_actors::socket::outbox::{OUTBOX_BYTES, Outbox};
use segue_actors::state::queue::{Queue, Resolved};
use segue_actors::state::{DeviceEvent, Event, Leaving, Limits, Record, SessionState};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Small limits, so that attacks reach them.
const LIMITS: Limits = Limits {
    grace_ms: 10_000,
    jitter_ms: 5_000,
    yield_ms: 1_000,
    devices: 4,
    queue_items: 24,
    tracks_per_command: 8,
    strict_ms: None,
    is_shared: false,
};
const TIMING: Timing = Timing::of_heartbeat(2_000);
const SOCKETS: usize = 8;
/// The tracks of each list.
const LISTED: [MediaId; 3] = [MediaId(1), MediaId(2), MediaId(3)];
/// Events that may wait for a commit.
const INBOX: usize = 32;
/// A socket that takes nothing for this long is closed.
const STUCK_MS: i64 = 10_000;

/// What came of an attack: how often each thing happened.
pub(crate) type Tally = BTreeMap<String, usize>;

/// Frames are read or refused, and what was read is written as it is read again.
pub(crate) fn read(text: &str) {
    match ClientMessage::decode(text) {
        Ok(ClientMessage::BadCommand { why, .. }) => assert!(!why.is_empty() && why.len() < 2_000, "{why}"),
        Ok(ClientMessage::Unknown) => {}
        Ok(message) => assert_eq!(ClientMessage::decode(&message.encode()), Ok(message)),
        Err(error) => {
            let is_line = !error.0.chars().any(char::is_control);
            assert!(is_line && !error.0.is_empty() && error.0.len() < 2_000, "{error}");
        }
    }
    if let Ok(message) = ServerMessage::decode(text) {
        assert_eq!(ServerMessage::decode(&message.encode()), Ok(message));
    }
}

/// Lets an attack happen. Panics when a rule is broken.
pub(crate) fn attack(lines: &str) -> Tally {
    let others = lines.strip_prefix('&');
    let mut world = World::new(others.is_some(), others.unwrap_or(lines).starts_with('~'));
    for act in lines.lines().filter_map(script::parse) {
        world.act(act);
    }
    world.act(Act::Pass(1_000));
    world.act(Act::PutBack);
    world.tally
}

/// The server's end of a socket.
struct Line {
    connection: ConnectionId,
    has_joined: bool,
    inbound: Inbound,
    coalescer: Coalescer,
    liveness: Liveness,
    outbox: Outbox,
    is_blocked: bool,
    stuck_since: Option<Micros>,
}

struct World {
    now: Micros,
    replica: Replica,
    /// What stands in the database, and what stood there first.
    row: Option<(Record, Arc<Queue>)>,
    backup: Option<(Record, Arc<Queue>)>,
    database: u64,
    fates: VecDeque<Fate>,
    /// A commit that is not answered.
    held: Option<Outcome>,
    write_at: Option<Micros>,
    load_at: Option<Micros>,
    lines: [Option<Line>; SOCKETS],
    last: [String; SOCKETS],
    watched: Option<ConnectionId>,
    own_reports: OwnReports,
    /// Numbers given so far.
    numbers: u64,
    limits: Limits,
    tally: Tally,
}

impl World {
    fn new(is_shared: bool, is_strict: bool) -> Self {
        let limits = Limits { is_shared, strict_ms: is_strict.then_some(TIMING.lease_ms), ..LIMITS };
        let mut world = Self {
            now: Micros(1_700_000_000_000_000),
            replica: Replica::new(NodeId(1), limits),
            row: None,
            backup: None,
            database: 1,
            fates: VecDeque::new(),
            held: None,
            write_at: None,
            load_at: None,
            lines: [const { None }; SOCKETS],
            last: [const { String::new() }; SOCKETS],
            watched: None,
            own_reports: OwnReports::default(),
            numbers: 0,
            limits,
            tally: Tally::new(),
        };
        world.load();
        world
    }

    fn note(&mut self, what: impl Into<String>) {
        *self.tally.entry(what.into()).or_default() += 1;
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers << 32
    }

    fn act(&mut self, act: Act<'_>) {
        match act {
            Act::Say(socket, frame) => {
                frame.clone_into(&mut self.last[socket]);
                self.say(socket);
            }
            Act::Join(socket) if self.line(socket).has_joined => {}
            Act::Join(socket) => {
                let id = format!("{:016x}", socket + 1);
                let device = format!(r#"{{"id":"{id}","instance":"{id}","name":"a","plays":true,"controls":true}}"#);
                self.last[socket] = format!(r#"{{"type":"hello","device":{device}}}"#);
                self.say(socket);
            }
            Act::Again(socket, times) => {
                for _ in 0..times {
                    if self.lines[socket].is_some() {
                        self.say(socket);
                    }
                }
            }
            Act::Control(socket) => self.live(socket),
            Act::Block(socket) => {
                let line = self.line(socket);
                line.is_blocked = !line.is_blocked;
                self.drain(socket);
            }
            Act::End(socket, true) => self.end(socket, Leaving::Clean),
            Act::End(socket, false) => self.end(socket, Leaving::Lost(self.now)),
            Act::Pass(ms) => self.pass(ms),
            Act::Fail(fate) if self.fates.len() < 16 => self.fates.push_back(fate),
            Act::Fail(_) => {}
            Act::PutBack => {
                self.check_row();
                self.database += 1;
                self.row.clone_from(&self.backup);
                self.note("backup put back");
                self.drive(Replica::outdate);
            }
        }
        self.check();
    }

    /// Nothing is broken, and nothing has grown beyond its limit.
    fn check(&self) {
        if let Some(state) = self.replica.state() {
            assert_eq!(state.check(), Ok(()));
            assert!(state.bytes() <= self.limits.session_bytes(), "a session of {} bytes", state.bytes());
        }
        for line in self.lines.iter().flatten() {
            assert!(line.outbox.bytes() <= OUTBOX_BYTES, "{} bytes wait", line.outbox.bytes());
        }
        assert!(self.replica.waiting() <= 2 * INBOX + SOCKETS, "{} events wait", self.replica.waiting());
    }

    /// What stands in the database is read as it was written.
    fn check_row(&self) {
        if let Some((record, queue)) = &self.row {
            let kept = serde_json::to_string(&(record, &**queue)).expect("a session can be kept");
            let read: (Record, Queue) = serde_json::from_str(&kept).expect("and read");
            assert_eq!((&read.0, &read.1), (record, &**queue));
        }
    }

    // What a socket does

    fn line(&mut self, socket: usize) -> &mut Line {
        let number = self.number();
        let (now, tracks) = (self.now, self.limits.tracks_per_command);
        self.lines[socket].get_or_insert_with(|| Line {
            connection: ConnectionId(number),
            has_joined: false,
            inbound: Inbound::new(tracks),
            coalescer: Coalescer::default(),
            liveness: Liveness::new(TIMING, now),
            outbox: Outbox::default(),
            is_blocked: false,
            stuck_since: None,
        })
    }

    fn say(&mut self, socket: usize) {
        let fresh = self.number();
        let state = self.replica.state();
        let last = state.and_then(|state| state.queue().items().last()).map(|item| item.id);
        let facts = Facts { playback: state.map(SessionState::playback), last, now_us: self.now.0, fresh };
        let text = script::fill(&self.last[socket], &facts);
        read(&text);
        let now = self.now;
        let line = self.line(socket);
        let is_asked = line.liveness.hear(now);
        let (action, connection) = (line.inbound.read(now, &text, line.has_joined), line.connection);
        match action {
            InboundAction::Join(hello) => self.greet(socket, connection, *hello),
            InboundAction::Time { client_us } => {
                let answer = ServerMessage::Time { client_us, received_us: now, sent_us: now };
                self.send(&[socket], FrameKind::Other, &answer);
            }
            InboundAction::Command(command) => self.command(socket, *command),
            InboundAction::Pass(event) => self.take(socket, event),
            InboundAction::Leave => self.end(socket, Leaving::Clean),
            InboundAction::Ignore => self.note("said nothing"),
            InboundAction::Answer(answer) => self.send(&[socket], FrameKind::Other, &answer),
            InboundAction::End(reason, _) => self.close(socket, reason),
        }
        self.answer(socket, is_asked);
        self.check();
    }

    fn greet(&mut self, socket: usize, connection: ConnectionId, hello: Hello) {
        let random = self.number();
        match join(hello, connection, || random) {
            Ok(join) if self.replica.waiting() < INBOX => {
                self.line(socket).has_joined = true;
                self.note("joined");
                self.take_in(Event::Join(Box::new(join)));
            }
            Ok(_) => self.close(socket, CloseReason::Overloaded),
            Err(_) => self.close(socket, CloseReason::BadFrame),
        }
    }

    fn live(&mut self, socket: usize) {
        let now = self.now;
        let line = self.line(socket);
        if line.inbound.may_ping(now) {
            let is_asked = line.liveness.hear(now);
            self.answer(socket, is_asked);
        } else {
            self.close(socket, CloseReason::Flooding);
        }
    }

    fn answer(&mut self, socket: usize, is_asked: bool) {
        if is_asked {
            self.hand_on(socket, DeviceEvent::Alive);
        }
    }

    /// The catalogue has every track but those whose id ends in 3 bits that are set.
    fn command(&mut self, socket: usize, command: Command<MediaId>) {
        let resolve = |id: &MediaId| Resolved {
            media_id: *id,
            kind: if id.0.is_multiple_of(5) { MediaKind::Episode } else { MediaKind::Track },
            duration_ms: (!id.0.is_multiple_of(3)).then_some(i64::try_from(id.0 % 200_000).unwrap_or(0)),
        };
        if command.op.tracks().iter().any(|id| id.0 & 7 == 7) {
            let (id, code, message) = (command.id, RejectCode::Invalid, "no such track".to_owned());
            return self.send(
                &[socket],
                FrameKind::Other,
                &ServerMessage::Reject { id, code, message, retry_ms: None },
            );
        }
        let listed: &[MediaId] = if matches!(command.op, Op::PlayList { .. }) { &LISTED } else { command.op.tracks() };
        let tracks = listed.iter().map(resolve).collect();
        let seed = self.number();
        self.take(socket, DeviceEvent::command(command, tracks, seed));
    }

    fn take(&mut self, socket: usize, event: DeviceEvent) {
        let now = self.now;
        for event in self.line(socket).coalescer.take(now, event) {
            self.hand_on(socket, event);
        }
    }

    fn hand_on(&mut self, socket: usize, event: DeviceEvent) {
        let Some(line) = self.lines[socket].as_ref().filter(|line| line.has_joined) else { return };
        if self.replica.waiting() < INBOX {
            let connection = line.connection;
            self.take_in(Event::Device { connection, event });
        } else {
            self.close(socket, CloseReason::Overloaded);
        }
    }

    fn close(&mut self, socket: usize, reason: CloseReason) {
        self.note(format!("closed {}", reason.slug()));
        let heard = self.line(socket).liveness.heard();
        self.end(socket, if reason.reconnect() { Leaving::SentAway(heard) } else { Leaving::Dismissed });
    }

    fn end(&mut self, socket: usize, how: Leaving) {
        let Some(mut line) = self.lines[socket].take().filter(|line| line.has_joined) else { return };
        let connection = line.connection;
        for event in line.coalescer.flush() {
            self.take_in(Event::Device { connection, event });
        }
        self.take_in(Event::Leave { connection, how });
    }

    fn socket_of(&self, connection: ConnectionId) -> Option<usize> {
        let is_it = |line: &Option<Line>| line.as_ref().is_some_and(|line| line.connection == connection);
        self.lines.iter().position(is_it)
    }

    // What the session does

    fn load(&mut self) {
        let (row, database) = (self.row.clone(), (self.database, Some(self.now)));
        self.check_row();
        self.drive(|replica, now, outputs| replica.loaded(now, row, database, outputs));
    }

    fn take_in(&mut self, event: Event) {
        self.drive(|replica, now, outputs| replica.take_in(now, event, outputs));
    }

    fn drive(&mut self, act: impl FnOnce(&mut Replica, Micros, &mut Vec<ReplicaOutput>)) {
        let mut outputs = Vec::new();
        act(&mut self.replica, self.now, &mut outputs);
        for output in outputs {
            match output {
                ReplicaOutput::Load => self.load_at = Some(self.now),
                ReplicaOutput::LoadAgain(_) => self.load_at = Some(self.now.plus_ms(500)),
                ReplicaOutput::Commit(change) => self.held = Some(self.commit(change)),
                ReplicaOutput::Log(_) => {}
                ReplicaOutput::WriteSoon => self.write_at = self.write_at.or(Some(self.now.plus_ms(1_000))),
                ReplicaOutput::Release(before, state, effects) => self.release(before, &state, effects),
                ReplicaOutput::Restart(_) => {
                    self.note("session restarted");
                    (self.watched, self.write_at) = (None, None);
                    let joined = |line: &Option<Line>| line.as_ref().is_some_and(|line| line.has_joined);
                    let joined: Vec<usize> = (0..SOCKETS).filter(|socket| joined(&self.lines[*socket])).collect();
                    for socket in joined {
                        self.close(socket, CloseReason::Restart);
                    }
                    self.load_at = Some(self.now);
                }
            }
        }
        if self.fates.front() != Some(&Fate::Waits) {
            self.settle();
        }
    }

    /// The database answers what it was asked.
    fn settle(&mut self) {
        if let Some(outcome) = self.held.take() {
            self.fates.pop_front();
            self.drive(|replica, now, outputs| replica.committed(now, outcome, outputs));
        }
        if self.load_at.take_if(|at| *at <= self.now).is_some() {
            self.load();
        }
    }

    fn commit(&mut self, change: SessionChange) -> Outcome {
        let fate = self.fates.front().copied();
        self.note(format!("commit {fate:?}"));
        let error = |message: &str| PortError { message: message.to_owned(), is_transient: true };
        match fate {
            Some(Fate::NotSent) => return Outcome::NotSent(error("refused")),
            Some(Fate::UnknownLost) => return Outcome::Unknown(error("lost")),
            Some(Fate::Conflict) => {
                if let Some((record, _)) = &mut self.row {
                    record.stamp = record.stamp.next();
                }
            }
            Some(Fate::UnknownWritten | Fate::Waits) | None => {}
        }
        let standing = self.row.as_ref().map(|(record, _)| record.clone());
        if standing.as_ref().map(|record| record.stamp) != change.expected {
            return Outcome::Conflict(standing.map(Box::new));
        }
        let queue = change.queue.or_else(|| self.row.as_ref().map(|(_, queue)| queue.clone()));
        self.row = Some((Record::clone(&change.record), queue.unwrap_or_default()));
        self.backup = self.backup.take().or_else(|| self.row.clone());
        if fate == Some(Fate::UnknownWritten) { Outcome::Unknown(error("lost")) } else { Outcome::Committed }
    }

    // What time does

    fn pass(&mut self, ms: i64) {
        let until = self.now.plus_ms(ms);
        self.settle();
        for _ in 0..10_000 {
            let state = self.replica.state().filter(|_| self.replica.steps_at_once());
            let session = state.and_then(SessionState::next_deadline);
            let lines = self.lines.iter().flatten();
            let sockets = lines.map(Line::due).min();
            let dues = [session, sockets, self.write_at, self.load_at];
            let Some(due) = dues.into_iter().flatten().min().filter(|due| *due <= until) else {
                self.now = until;
                return;
            };
            self.now = self.now.max(due);
            if session == Some(due) {
                self.take_in(Event::Deadline);
            }
            if self.write_at.take_if(|at| *at <= self.now).is_some() {
                self.drive(Replica::write);
            }
            (0..SOCKETS).for_each(|socket| self.check_timers(socket));
            self.settle();
            self.check();
        }
        panic!("something is due for ever");
    }

    fn check_timers(&mut self, socket: usize) {
        let now = self.now;
        let Some(line) = &mut self.lines[socket] else { return };
        if line.stuck_since.is_some_and(|since| now.since_ms(since) >= STUCK_MS) {
            return self.close(socket, CloseReason::Slow);
        }
        let action = line.liveness.check(now);
        for event in line.coalescer.due(now) {
            self.hand_on(socket, event);
        }
        match action {
            LivenessAction::Wait | LivenessAction::PingProtocol => {}
            LivenessAction::PingText => self.send(&[socket], FrameKind::Other, &ServerMessage::Ping { now_us: now }),
            LivenessAction::Dead(heard) => {
                self.note("closed dead");
                self.end(socket, Leaving::Lost(heard));
            }
        }
    }
}

impl Line {
    fn due(&self) -> Micros {
        let stuck_at = self.stuck_since.map(|since| since.plus_ms(STUCK_MS));
        let liveness = self.liveness.next();
        [stuck_at, self.coalescer.next()].into_iter().flatten().min().map_or(liveness, |due| due.min(liveness))
    }
}
