//! The devices of a comparison, on all of its servers: one thread, one loop.

use super::kind::{Kind, PeerMessage, Place, Seat};
use super::line::{Came, Line};
use crate::drive::clock::now_us;
use crate::number::{real, whole};
use mio::{Events, Interest, Poll, Token};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Devices of each user.
pub(super) const DEVICES: usize = 3;
/// Handshakes, or commands, that wait for their answer at the same time.
const IN_FLIGHT: usize = 256;
/// If nothing at all comes for so long, it is not waited on, in microseconds.
const PATIENCE_US: i64 = 30_000_000;
/// A step of waiting.
const STEP: Duration = Duration::from_millis(20);

/// What was counted of one server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Changes that were shown to another device than the one that published.
    pub(super) delivered: u64,
    /// Pings that were answered, of WebSocket or of the server's own protocol.
    pub(super) pings: u64,
    joined: usize,
    acks: usize,
    seats: usize,
    lines: usize,
}

#[derive(Default)]
struct User {
    last_us: i64,
    attempts: usize,
    seat: Option<Seat>,
    device: Option<String>,
}

/// One server and the devices on it.
struct Side {
    kind: Kind,
    address: SocketAddr,
    tokens: Vec<String>,
    users: Vec<User>,
    lines: Vec<Option<Line>>,
    counts: Counts,
    /// Devices that have not been shown the newest of their user.
    behind: usize,
    /// How far the server's clock is ahead of ours.
    ahead_us: Option<i64>,
    /// The next user who publishes.
    next: usize,
    with_state: bool,
    errors: Vec<String>,
}

/// What a slice was.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Slice {
    /// Changes that were sent.
    pub(super) publishes: u64,
    /// Times that another device was shown one.
    pub(super) delivered: u64,
    /// Devices that were not shown the newest in the end.
    pub(super) lost: u64,
}

/// All devices.
pub(super) struct Crowd {
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    came: Vec<Came>,
    sides: Vec<Side>,
    users: usize,
}

impl Crowd {
    /// Devices for so many users on each server.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(super) fn new(users: usize) -> io::Result<Self> {
        let (poll, events) = (Poll::new()?, Events::with_capacity(1_024));
        Ok(Self { poll, events, buffer: vec![0; 65_536], came: Vec::new(), sides: Vec::new(), users })
    }

    /// Adds a server; returns its number. With `with_state`, a device has joined when it is shown what was published.
    pub(super) fn add(&mut self, kind: Kind, address: SocketAddr, tokens: Vec<String>, with_state: bool) -> usize {
        let users = (0..self.users).map(|_| User::default()).collect();
        let lines = (0..self.users.saturating_mul(DEVICES)).map(|_| None).collect();
        let (counts, errors) = (Counts::default(), Vec::new());
        let (behind, ahead_us, next) = (0, None, 0);
        self.sides.push(Side {
            kind,
            address,
            tokens,
            users,
            lines,
            counts,
            behind,
            ahead_us,
            next,
            with_state,
            errors,
        });
        self.sides.len().saturating_sub(1)
    }

    /// What was counted so far.
    #[must_use]
    pub(super) fn counts(&self, side: usize) -> Counts {
        self.sides.get(side).map_or_else(Counts::default, |side| side.counts)
    }

    /// Handles what comes, for `wait` at most.
    fn attend(&mut self, wait: Duration) {
        if self.poll.poll(&mut self.events, Some(wait)).is_err() {
            return;
        }
        let per_side = self.users.saturating_mul(DEVICES).max(1);
        for event in &self.events {
            let Token(token) = event.token();
            let Some(side) = self.sides.get_mut(token / per_side) else { continue };
            let has_ended = event.is_read_closed();
            side.ready(token % per_side, has_ended, &mut self.buffer, &mut self.came);
        }
    }

    /// Handles what comes, for a time.
    pub(super) fn attend_for(&mut self, time: Duration) {
        let end_us = now_us().saturating_add(micros(time));
        while let Some(left) = left(end_us) {
            self.attend(left.min(STEP));
        }
    }

    /// Attends until `is_done`.
    ///
    /// # Errors
    /// Nothing came for too long, or something failed.
    fn until(&mut self, side: usize, what: &str, is_done: impl Fn(&Side) -> bool) -> Result<(), String> {
        let mut progress = (Counts::default(), 0);
        let mut since_us = now_us();
        loop {
            let Some(now) = self.sides.get(side) else { return Err("no such server".to_owned()) };
            if let Some(error) = now.errors.first() {
                return Err(format!("{}: {error} ({} such)", now.kind.name(), now.errors.len()));
            }
            if is_done(now) {
                return Ok(());
            }
            // Pings come as long as a server lives.
            let counts = Counts { pings: 0, ..now.counts };
            if progress != (counts, now.behind) {
                (progress, since_us) = ((counts, now.behind), now_us());
            } else if now_us().saturating_sub(since_us) > PATIENCE_US {
                let (name, counts, behind) = (now.kind.name(), now.counts, now.behind);
                return Err(format!("{name}: {what}: nothing came for 30 s; {counts:?}, {behind} behind"));
            }
            self.attend(STEP);
        }
    }

    /// Connects all devices that are not connected. Returns when each had the state, in microseconds after the begin.
    ///
    /// # Errors
    /// Not all came.
    pub(super) fn join(&mut self, side: usize) -> Result<Vec<i64>, String> {
        let began_us = now_us();
        let mut times = Vec::new();
        let count = self.users.saturating_mul(DEVICES);
        let first = side.saturating_mul(count);
        for index in 0..count {
            let Some(own) = self.sides.get_mut(side) else { break };
            if own.lines.get(index).is_some_and(Option::is_some) {
                continue;
            }
            let mut line = own.connect(index)?;
            let interest = Interest::READABLE | Interest::WRITABLE;
            let token = Token(first.saturating_add(index));
            self.poll.registry().register(&mut line.stream, token, interest).map_err(|error| error.to_string())?;
            own.counts.lines = own.counts.lines.saturating_add(1);
            if let Some(place) = own.lines.get_mut(index) {
                *place = Some(line);
            }
            self.until(side, "a handshake", |side| side.counts.joined.saturating_add(IN_FLIGHT) > side.counts.lines)?;
            self.note(side, began_us, &mut times);
        }
        while times.len() < count && self.sides.get(side).is_some() {
            let joined = self.counts(side).joined;
            self.until(side, "the state", |side| side.counts.joined > joined || side.counts.joined == count)?;
            self.note(side, began_us, &mut times);
        }
        Ok(times)
    }

    fn note(&self, side: usize, began_us: i64, times: &mut Vec<i64>) {
        times.resize(self.counts(side).joined.max(times.len()), now_us().saturating_sub(began_us));
    }

    /// Cuts all sockets of a server at once, as a broken network does.
    pub(super) fn cut(&mut self, side: usize) {
        if let Some(side) = self.sides.get_mut(side) {
            side.lines.iter_mut().filter_map(Option::take).for_each(Line::cut);
            (side.counts.joined, side.counts.lines, side.behind) = (0, 0, 0);
        }
    }

    /// Has the first device of each user play `tracks`, where that is needed before it can report, and publishes once.
    ///
    /// # Errors
    /// The server did not answer.
    pub(super) fn begin(&mut self, side: usize, tracks: &[String]) -> Result<(), String> {
        if self.sides.get(side).is_some_and(|side| side.kind == Kind::Segue) {
            let tracks = serde_json::to_string(tracks).map_err(|error| error.to_string())?;
            self.command(side, |device| format!(r#""op":"play","tracks":{tracks},"start":0,"on":"{device}""#))?;
            self.until(side, "what plays", |side| side.counts.seats == side.users.len())?;
        } else if let Some(side) = self.sides.get_mut(side) {
            side.users.iter_mut().for_each(|user| user.seat = Some(Seat::invented()));
        }
        for user in 0..self.users {
            if let Some(side) = self.sides.get_mut(side) {
                side.publish(user);
            }
            self.until(side, "the first change", |side| side.behind < IN_FLIGHT)?;
        }
        self.until(side, "the first changes", |side| side.behind == 0)
    }

    /// Ends what the devices of a Segue server play, so that they are idle.
    ///
    /// # Errors
    /// The server did not answer.
    pub(super) fn rest(&mut self, side: usize) -> Result<(), String> {
        if self.sides.get(side).is_some_and(|side| side.kind == Kind::Segue) {
            self.command(side, |_| r#""op":"pause""#.to_owned())?;
        }
        Ok(())
    }

    /// The first device of each user sends a command.
    fn command(&mut self, side: usize, what: impl Fn(&str) -> String) -> Result<(), String> {
        let first = self.counts(side).acks;
        for user in 0..self.users {
            let Some(own) = self.sides.get_mut(side) else { break };
            let device = own.users.get(user).and_then(|user| user.device.clone()).unwrap_or_default();
            let id = first.saturating_add(user);
            own.send(user, &format!(r#"{{"type":"command","id":"c{id:015x}",{}}}"#, what(&device)));
            let wanted = first.saturating_add(user).saturating_add(1);
            self.until(side, "an answer", |side| side.counts.acks.saturating_add(IN_FLIGHT) > wanted)?;
        }
        let wanted = first.saturating_add(self.users);
        self.until(side, "the answers", |side| side.counts.acks >= wanted)
    }

    /// Publishes for a time, `rate` a second, one user after the other; then waits until all are shown the newest, for
    /// 30 s at most. The devices on other servers are attended meanwhile.
    pub(super) fn slice(&mut self, side: usize, rate: f64, time: Duration) -> Slice {
        let before = self.counts(side).delivered;
        let (began_us, mut publishes) = (now_us(), 0);
        let end_us = began_us.saturating_add(micros(time));
        while left(end_us).is_some() {
            let due = whole(real(u64::try_from(now_us().saturating_sub(began_us)).unwrap_or(0)) * rate / 1e6);
            while publishes < due {
                publishes += 1;
                if let Some(side) = self.sides.get_mut(side) {
                    side.publish(side.next);
                    side.next = (side.next + 1) % side.users.len().max(1);
                }
            }
            self.attend(Duration::from_millis(1));
        }
        let behind = |crowd: &Self| crowd.sides.get(side).map_or(0, |side| side.behind);
        let patience_us = now_us().saturating_add(PATIENCE_US);
        while behind(self) > 0 && left(patience_us).is_some() {
            self.attend(Duration::from_millis(1));
        }
        let lost = u64::try_from(behind(self)).unwrap_or(0);
        Slice { publishes, delivered: self.counts(side).delivered.saturating_sub(before), lost }
    }

    /// What has gone wrong so far.
    #[must_use]
    pub(super) fn errors(&self) -> Vec<String> {
        let told = |side: &Side| side.errors.first().map(|error| format!("{}: {error}", side.kind.name()));
        self.sides.iter().filter_map(told).collect()
    }
}

impl Side {
    fn connect(&mut self, index: usize) -> Result<Line, String> {
        let (user, device) = (index / DEVICES, index % DEVICES);
        let request = self.kind.request(&self.address.to_string(), &self.place(user, device), self.with_state);
        if let Some(user) = self.users.get_mut(user).filter(|_| device == 0) {
            user.attempts = user.attempts.saturating_add(1);
        }
        Line::new(self.address, request).map_err(|error| format!("{}: {error}", self.kind.name()))
    }

    fn place(&self, user: usize, device: usize) -> Place<'_> {
        let attempt = self.users.get(user).map_or(0, |user| user.attempts);
        Place { user, device, attempt, token: self.tokens.get(user).map_or("", String::as_str) }
    }

    fn send(&mut self, user: usize, text: &str) {
        if let Some(line) = self.lines.get_mut(user.saturating_mul(DEVICES)).and_then(Option::as_mut) {
            line.send(text);
        }
    }

    fn publish(&mut self, index: usize) {
        let ahead_us = self.ahead_us.unwrap_or(0);
        let Some(user) = self.users.get_mut(index) else { return };
        let Some(seat) = &mut user.seat else { return };
        let before_us = user.last_us;
        user.last_us = now_us().saturating_add(ahead_us).max(before_us.saturating_add(1));
        let text = self.kind.change(seat, user.last_us);
        let first = index.saturating_mul(DEVICES);
        let others = self.lines.get(first.saturating_add(1)..first.saturating_add(DEVICES)).unwrap_or_default();
        let up_to_date = others.iter().flatten().filter(|line| line.seen_us >= before_us).count();
        self.behind = self.behind.saturating_add(up_to_date);
        self.send(index, &text);
    }

    fn ready(&mut self, index: usize, has_ended: bool, buffer: &mut [u8], came: &mut Vec<Came>) {
        let Some(line) = self.lines.get_mut(index).and_then(Option::as_mut) else { return };
        line.flush();
        let result = line.read(buffer, has_ended, came);
        for came in came.drain(..) {
            match came {
                Came::Open => self.opened(index),
                Came::Ping => self.counts.pings = self.counts.pings.saturating_add(1),
                Came::Text(text) => self.heard(index, &text),
            }
        }
        if let Err(why) = result {
            self.errors.push(why);
            if let Some(line) = self.lines.get_mut(index) {
                *line = None;
            }
        }
    }

    fn opened(&mut self, index: usize) {
        let (user, device) = (index / DEVICES, index % DEVICES);
        if let Some(greeting) = self.kind.greeting(&self.place(user, device))
            && let Some(line) = self.lines.get_mut(index).and_then(Option::as_mut)
        {
            line.send(&greeting);
        }
        let has_state = self.with_state && self.users.get(user).is_some_and(|user| user.last_us > 0);
        if !self.kind.greets() && !has_state {
            self.joined(index);
        }
    }

    fn joined(&mut self, index: usize) {
        if let Some(line) = self.lines.get_mut(index).and_then(Option::as_mut)
            && !std::mem::replace(&mut line.has_joined, true)
        {
            self.counts.joined = self.counts.joined.saturating_add(1);
        }
    }

    fn heard(&mut self, index: usize, text: &str) {
        match self.kind.hear(text) {
            PeerMessage::State(at_us) => {
                self.shown(index, at_us);
                if self.kind == Kind::Segue {
                    self.learn(index, text);
                }
                // With the state means with what was published before.
                let last_us = self.users.get(index / DEVICES).map_or(0, |user| user.last_us);
                if !self.with_state || at_us >= last_us {
                    self.joined(index);
                }
            }
            PeerMessage::Answer(text) => {
                if let Some(line) = self.lines.get_mut(index).and_then(Option::as_mut) {
                    line.send(text);
                }
                self.counts.pings = self.counts.pings.saturating_add(u64::from(text != "40"));
            }
            PeerMessage::Ack => self.counts.acks = self.counts.acks.saturating_add(1),
            PeerMessage::Refused(text) => self.errors.push(text.to_owned()),
            PeerMessage::Other => {}
        }
    }

    fn shown(&mut self, index: usize, at_us: i64) {
        let Some(user) = self.users.get(index / DEVICES) else { return };
        let Some(line) = self.lines.get_mut(index).and_then(Option::as_mut) else { return };
        if at_us <= line.seen_us {
            return;
        }
        let was_behind = line.seen_us < user.last_us;
        line.seen_us = at_us;
        if !index.is_multiple_of(DEVICES) && line.has_joined {
            self.counts.delivered = self.counts.delivered.saturating_add(1);
            self.behind = self.behind.saturating_sub(usize::from(was_behind && at_us >= user.last_us));
        }
    }

    /// What Segue tells a device about itself, its clock, and what it plays.
    fn learn(&mut self, index: usize, text: &str) {
        if text.starts_with(r#"{"type":"welcome""#) {
            let field = |name: &str| text.split_once(name).map(|(_, rest)| rest);
            let server_us = field(r#""now_us":"#).and_then(|rest| rest.split(',').next()?.parse::<i64>().ok());
            let ahead_us = server_us.map(|server_us| server_us.saturating_sub(now_us()));
            self.ahead_us = self.ahead_us.max(ahead_us);
            let device = field(r#""device_id":""#).and_then(|rest| Some(rest.split('"').next()?.to_owned()));
            if let Some(user) = self.users.get_mut(index / DEVICES).filter(|_| index.is_multiple_of(DEVICES)) {
                user.device = device;
            }
        } else if index.is_multiple_of(DEVICES)
            && let Some(user) = self.users.get_mut(index / DEVICES).filter(|user| user.seat.is_none())
        {
            user.seat = Seat::read(text);
            self.counts.seats = self.counts.seats.saturating_add(usize::from(user.seat.is_some()));
        }
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// The time until then; `None`: it is over.
fn left(end_us: i64) -> Option<Duration> {
    let left = u64::try_from(end_us.saturating_sub(now_us())).ok()?;
    (left > 0).then(|| Duration::from_micros(left))
}
