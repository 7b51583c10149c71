//! Scenarios: lines of text in, a transcript out. Every step is checked against the invariants.
//!
//! ```text
//! kitchen plays t1 t2 beside phone  the opening: all join, the first plays two tracks and says that it does
//! kitchen offers t1 t2 to phone beside tab  another: the second has asked for the music and is ready for it
//! kitchen joins                 it plays and controls; `joins as remote` controls only
//! kitchen joins anew            the same device in another instance (a reloaded page)
//! kitchen returns               the same instance on another socket
//! kitchen is cloned as copy      another instance under its id; `kitchen lives` answers the question whether it does
//! kitchen leaves | is lost      cleanly, or without a word; `is dismissed`: sent away for good
//! phone: play t1 t2 on kitchen  a command; `phone: again` resends its last one
//! kitchen reports playing 1000  what it says of the lease, turn and item it was last shown
//! kitchen yields                likewise
//! kitchen gives up              it yields a lease that it does not know to be taken
//! kitchen is ready              the target of a transfer, likewise
//! kitchen yields for the switch the source of one, likewise
//! kitchen yields as promised    it says its last such yield again
//! kitchen ended                 likewise
//! kitchen is behind             it is shown nothing more until it `catches up`
//! +1500                         milliseconds pass
//! strict                        first of all: who is cut off may sound for 5 s
//! restart                       the record is loaded again
//! ```
//! In the transcript `r7` is a revision, `i0` a queue entry, and a playback is written
//! `r7 play/playing i0@1000 kitchen:r5 after[phone:r3] next i1 turn r6`; of a transfer `transfer to phone:r8 at 5400`,
//! and of a switch `from 5400` in milliseconds since the start; of an entry that failed, `gave up i0 on kitchen`.

use segue_actors::protocol::device::{DeviceKind, Volume};
use segue_actors::protocol::ids::{
    CommandId, ConnectionId, DeviceId, InstanceId, ItemId, MediaId, Micros, NodeId, Stamp,
};
use segue_actors::protocol::messages::{
    Command, Ended, Op, Ready, Report, Sound, TrackList, TransferMode, VolumeChange, Yield,
};
use segue_actors::protocol::playback::{Item, MediaKind, Playback, Rate};
use segue_actors::state::devices::{Description, Presence};
use segue_actors::state::queue::Resolved;
use segue_actors::state::{DeviceEvent, Effect, Event, Join, Leaving, Limits, Record, SessionState};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Length of every track in a scenario.
const TRACK_MS: i64 = 200_000;
const START: Micros = Micros(1_000_000_000);

#[derive(Clone)]
struct Actor {
    id: DeviceId,
    instance: InstanceId,
    connection: ConnectionId,
    shown: Option<Playback>,
    is_behind: bool,
    last: Option<Command<Resolved>>,
    promised: Option<Yield>,
    volume: Option<Volume>,
}

/// A session and the devices that talk to it.
struct Scenario {
    state: SessionState,
    now: Micros,
    actors: BTreeMap<String, Actor>,
    counter: u64,
    limits: Limits,
    transcript: String,
}

/// Runs the lines and returns the transcript.
pub(crate) fn run(lines: &str) -> String {
    let mut scenario = Scenario::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        scenario.line(line);
    }
    scenario.transcript
}

impl Scenario {
    fn new() -> Self {
        Self {
            state: SessionState::new(START, 0, NodeId(1), Limits::default()),
            now: START,
            actors: BTreeMap::new(),
            counter: 0,
            limits: Limits::default(),
            transcript: String::new(),
        }
    }

    fn number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    fn line(&mut self, line: &str) {
        writeln!(self.transcript, "{line}").expect("a string takes everything");
        if let Some(ms) = line.strip_prefix('+') {
            return self.pass(ms.parse().expect("milliseconds"));
        }
        if line == "strict" {
            self.limits.strict_ms = Some(5_000);
            self.state = SessionState::new(START, 0, NodeId(1), self.limits);
            return;
        }
        if line == "restart" {
            return self.restart();
        }
        let (who, what) = line.split_once(' ').expect("who and what");
        let who = who.trim_end_matches(':');
        let words: Vec<&str> = what.split(' ').collect();
        match words[..] {
            ["plays", ..] => self.open(who, &words[1..], None),
            ["offers", ..] => {
                let to = words.iter().position(|word| *word == "to").expect("to somebody");
                let (tracks, others) = (&words[1..to], &words[to + 1..]);
                let others: Vec<&str> = others.iter().copied().filter(|word| *word != "beside").collect();
                self.open(who, &[tracks, &["beside"], &others].concat(), others.first().copied());
            }
            ["joins" | "returns"] => self.join(who, true),
            ["joins", "as", "remote"] => self.join(who, false),
            ["joins", "anew"] => {
                let number = self.number();
                let instance = InstanceId(number);
                self.actors.get_mut(who).expect("known").instance = instance;
                self.join(who, true);
            }
            ["is", "cloned", "as", copy] => {
                let number = self.number();
                let twin = Actor { instance: InstanceId(number), shown: None, ..self.actors[who].clone() };
                self.actors.insert((*copy).to_owned(), twin);
                self.join(copy, true);
            }
            ["leaves"] => self.leave(who, Leaving::Clean),
            ["is", "dismissed"] => self.leave(who, Leaving::Dismissed),
            ["is", "lost"] => self.leave(who, Leaving::Lost(self.now)),
            ["is", "lost", "since", ms] => {
                let silent_ms: i64 = ms.parse().expect("milliseconds");
                self.leave(who, Leaving::Lost(self.now.plus_ms(-silent_ms)));
            }
            ["lives"] => self.say(who, DeviceEvent::Alive),
            ["is", "behind"] => self.actors.get_mut(who).expect("known").is_behind = true,
            ["catches", "up"] => {
                self.actors.get_mut(who).expect("known").is_behind = false;
                self.show_all();
            }
            ["reports", status, position] => self.report(who, status, position.parse().expect("milliseconds")),
            ["yields"] => self.yields(who),
            ["is", "ready"] => self.is_ready(who),
            ["yields", "for", "the", "switch"] => {
                let (lease, ..) = self.right(who);
                let shown = self.actors[who].shown.as_ref().expect("it was shown something");
                let to = shown.transfer.and_then(|transfer| transfer.lease);
                let yielded = Yield { lease, seen: shown.stamp(), to: to.or(Some(Stamp::default())) };
                self.actors.get_mut(who).expect("known").promised = Some(yielded);
                self.say(who, DeviceEvent::Yield(yielded));
            }
            ["yields", "as", "promised"] => {
                let yielded = self.actors[who].promised.expect("it yielded for a switch");
                self.say(who, DeviceEvent::Yield(yielded));
            }
            ["gives", "up"] => {
                let (lease, ..) = self.right(who);
                let seen = self.actors[who].shown.as_ref().expect("it was shown something").stamp();
                self.say(who, DeviceEvent::Yield(Yield { lease, seen, to: None }));
            }
            ["ended"] => self.ended(who, None, TRACK_MS),
            ["ended", "and", "went", "on", "to", item, "at", position] => {
                self.ended(who, Some(self.item(item)), position.parse().expect("milliseconds"));
            }
            ["knows", "volume", level, "version", version] => {
                let (level, version) = (level.parse().expect("a level"), version.parse().expect("a version"));
                self.actors.get_mut(who).expect("known").volume = Some(Volume { level, muted: false, version });
            }
            ["turns", "volume", level, "knowing", version] => {
                let (level, version) = (level.parse().expect("a level"), version.parse().expect("a version"));
                self.say(who, DeviceEvent::Volume(VolumeChange { level, muted: false, version }));
            }
            ["again"] => {
                let command = self.actors[who].last.clone().expect("it said something");
                self.say(who, DeviceEvent::Command { command: Box::new(command), seed: 5, others: Vec::new() });
            }
            _ => self.command(who, &words),
        }
    }

    /// Of the opening only what comes of it is told.
    fn open(&mut self, who: &str, words: &[&str], target: Option<&str>) {
        let told = self.transcript.len();
        let (tracks, others) = words.split_at(words.iter().position(|word| *word == "beside").unwrap_or(words.len()));
        self.join(who, true);
        for other in others.iter().skip(1) {
            self.join(other, true);
        }
        self.command(who, &[&["play"], tracks].concat());
        self.report(who, "playing", 0);
        if let Some(target) = target {
            self.command(target, &["transfer", target]);
            self.is_ready(target);
        }
        self.transcript.truncate(told);
        let playback = self.playback(self.state.playback());
        writeln!(self.transcript, "  {playback}").expect("a string takes everything");
    }

    fn is_ready(&mut self, who: &str) {
        let shown = self.actors[who].shown.as_ref().expect("it was shown something");
        let (turn, lease) = (shown.turn, shown.active.map_or(Stamp::default(), |active| active.lease));
        let item = shown.item.map_or(ItemId(0), |item| item.id);
        self.say(who, DeviceEvent::Ready(Ready { lease, turn, item, earliest_us: self.now }));
    }

    fn join(&mut self, who: &str, plays: bool) {
        let (connection, fresh) = (ConnectionId(self.number()), self.number());
        let actor = self.actors.entry(who.to_owned()).or_insert(Actor {
            id: DeviceId(fresh),
            instance: InstanceId(fresh),
            connection,
            shown: None,
            is_behind: false,
            last: None,
            promised: None,
            volume: None,
        });
        actor.connection = connection;
        let (device_id, instance, volume) = (actor.id, actor.instance, actor.volume);
        let spare_id = DeviceId(self.number());
        let join = join(0);
        let description = Description { name: who.to_owned(), plays, volume, ..join.description };
        self.step(Event::Join(Box::new(Join { connection, device_id, spare_id, instance, description, ..join })));
    }

    fn leave(&mut self, who: &str, how: Leaving) {
        let connection = self.actors[who].connection;
        self.step(Event::Leave { connection, how });
    }

    fn pass(&mut self, ms: i64) {
        let end = self.now.plus_ms(ms);
        while let Some(due) = self.state.next_deadline().filter(|due| *due <= end) {
            assert!(due >= self.now || self.state.next_deadline() != Some(self.now), "time goes on");
            self.now = due.max(self.now);
            self.step(Event::Deadline);
            assert!(self.state.next_deadline().is_none_or(|next| next > self.now), "a deadline that was met is over");
        }
        self.now = end;
    }

    /// A new run of the server that loads what the last run had.
    fn restart(&mut self) {
        let loaded = (Record::clone(self.state.record()), self.state.queue().clone());
        let node = NodeId(self.number() + 1_000);
        let floor = 0;
        self.state = SessionState::load(self.now, loaded, node, Some(self.now), floor, self.limits);
        self.check();
        self.show_all();
        let playback = self.playback(self.state.playback());
        writeln!(self.transcript, "  {playback}").expect("a string takes everything");
    }

    fn report(&mut self, who: &str, status: &str, position_ms: i64) {
        let status: Sound = serde_json::from_str(&format!("\"{status}\"")).expect("a status");
        let (lease, turn, item) = self.right(who);
        let report = Report { lease, turn, item, position_ms, at_us: self.now, status, seen: None };
        self.say(who, DeviceEvent::Report(report));
    }

    fn right(&self, who: &str) -> (Stamp, Stamp, ItemId) {
        let actor = &self.actors[who];
        let shown = actor.shown.as_ref().expect("it was shown something");
        let lease = shown.active.filter(|active| active.is(actor.id, actor.instance)).map(|active| active.lease);
        (lease.unwrap_or_default(), shown.turn, shown.item.map_or(ItemId(0), |item| item.id))
    }

    fn yields(&mut self, who: &str) {
        let actor = &self.actors[who];
        let shown = actor.shown.as_ref().expect("it was shown something");
        let owed = shown.after.iter().find(|entry| entry.device_id == actor.id && entry.instance == actor.instance);
        let lease = owed.map_or(Stamp::default(), |entry| entry.lease);
        let yielded = Yield { lease, seen: shown.stamp(), to: None };
        self.say(who, DeviceEvent::Yield(yielded));
    }

    fn ended(&mut self, who: &str, to_item: Option<ItemId>, position_ms: i64) {
        let (lease, turn, item) = self.right(who);
        self.say(who, DeviceEvent::Ended(Ended { lease, turn, item, to_item, position_ms, at_us: self.now }));
    }

    fn item(&self, name: &str) -> ItemId {
        let index: u64 = name.trim_start_matches('i').parse().expect("i and a number");
        let counted = |item: &&Item| item.id.0 & 0x3f_ffff == index;
        self.state.queue().items().find(counted).map_or(ItemId(index), |item| item.id)
    }

    fn command(&mut self, who: &str, words: &[&str]) {
        let current = self.actors[who].shown.as_ref().and_then(|shown| shown.item).map(|item| item.id);
        let if_item = matches!(words[0], "next" | "previous").then_some(current).flatten();
        let op = self.op(words);
        let id = CommandId(self.number());
        let command = Command { id, if_item, if_queue_revision: None, if_lease: None, op };
        self.actors.get_mut(who).expect("known").last = Some(command.clone());
        self.say(who, DeviceEvent::Command { command: Box::new(command), seed: 5, others: Vec::new() });
    }

    fn op(&self, words: &[&str]) -> Op<Resolved> {
        let after = |name: &str| words.iter().position(|word| *word == name).and_then(|at| words.get(at + 1));
        let tracks: Vec<Resolved> =
            words.iter().filter_map(|word| word.strip_prefix('t')?.parse().ok()).map(track).collect();
        let device = |name: &str| self.actors.get(name).map_or(DeviceId(404), |actor| actor.id);
        let item = |name: &&str| self.item(name);
        let place = |name: &str| after(name).map(item);
        let start = after("from").map(|index| index.parse().expect("an index"));
        let on = after("on").map(|name| device(name));
        match words[0] {
            "play" => Op::Play {
                item: words.get(1).filter(|word| word.starts_with('i')).map(item),
                tracks,
                start,
                position_ms: after("at").map(|ms| ms.parse().expect("milliseconds")),
                on,
            },
            "list" => {
                let shuffle = after("shuffled").map(|on| *on == "on");
                Op::PlayList { list: TrackList::Saved, tracks, start, track: None, shuffle, on }
            }
            "pause" => Op::Pause,
            "stop" => Op::Stop,
            "seek" => Op::Seek { position_ms: words[1].parse().expect("milliseconds") },
            "next" => Op::Next,
            "previous" => Op::Previous,
            "transfer" => Op::Transfer {
                to: device(words[1]),
                mode: match words.get(2) {
                    Some(&"play") => TransferMode::Play,
                    Some(&"pause") => TransferMode::Pause,
                    _ => TransferMode::Keep,
                },
            },
            "repeat" => Op::Repeat { mode: serde_json::from_value(words[1].into()).expect("a mode") },
            "shuffle" => Op::Shuffle { on: words[1] == "on" },
            "rate" => Op::Rate { rate: Rate::from_factor(words[1].parse().expect("a rate")).expect("in bounds") },
            "volume" => {
                let value = words[2];
                let delta = value.starts_with(['+', '-']).then(|| value.parse().expect("a delta"));
                let level = delta.is_none().then(|| value.parse().expect("a level"));
                Op::Volume { device_id: Some(device(words[1])), level, delta, muted: None }
            }
            "replace" => Op::QueueReplace { tracks },
            "insert" => Op::QueueInsert { tracks, after: place("after"), before: place("before") },
            "move" => Op::QueueMove { item: self.item(words[1]), after: place("after"), before: place("before") },
            "remove" => Op::QueueRemove { items: words[1..].iter().map(item).collect() },
            "clear" => Op::QueueClear,
            "rename" => Op::DeviceRename { device_id: device(words[1]), name: words[2..].join(" ") },
            "forget" => Op::DeviceForget { device_id: device(words[1]) },
            other => panic!("no such word: {other}"),
        }
    }

    fn say(&mut self, who: &str, event: DeviceEvent) {
        let connection = self.actors[who].connection;
        self.step(Event::Device { connection, event });
    }

    fn step(&mut self, event: Event) {
        let before = self.state.clone();
        let mut effects = Vec::new();
        self.state.step(self.now, event, &mut effects);
        self.check();
        for effect in effects {
            if let Effect::Welcome(connection, id) = effect {
                let welcomed = self.actors.values_mut().filter(|actor| actor.connection == connection);
                welcomed.for_each(|actor| actor.id = id);
            }
            let text = self.effect(&effect);
            writeln!(self.transcript, "  {text}").expect("a string takes everything");
        }
        if before.shown().playback != self.state.shown().playback {
            let playback = self.playback(self.state.playback());
            writeln!(self.transcript, "  {playback}").expect("a string takes everything");
        }
        if before.shown().devices != self.state.shown().devices {
            let devices = self.devices();
            writeln!(self.transcript, "  {devices}").expect("a string takes everything");
        }
        self.show_all();
    }

    fn check(&self) {
        if let Err(violation) = self.state.check() {
            panic!("{violation:?}\n{}\n{:?}", self.transcript, self.state);
        }
    }

    fn show_all(&mut self) {
        for actor in self.actors.values_mut() {
            if !actor.is_behind && self.state.devices().is_connected(actor.id, actor.instance) {
                actor.shown = Some(self.state.playback().clone());
            }
        }
    }

    fn name(&self, id: DeviceId) -> String {
        self.actors.iter().find(|(_, actor)| actor.id == id).map_or(format!("{id}"), |(name, _)| name.clone())
    }

    fn socket(&self, connection: ConnectionId) -> String {
        let actor = self.actors.iter().find(|(_, actor)| actor.connection == connection);
        actor.map_or("old socket".to_owned(), |(name, _)| name.clone())
    }

    fn effect(&self, effect: &Effect) -> String {
        match effect {
            Effect::Commit(durability) => format!("commit {durability:?}").to_lowercase(),
            Effect::Welcome(connection, _) => format!("welcome {}", self.socket(*connection)),
            Effect::Ack(connection, _, revision) => format!("ack {} r{revision}", self.socket(*connection)),
            Effect::Reject(connection, _, reject) => {
                format!("reject {} {:?}: {}", self.socket(*connection), reject.code, reject.message)
            }
            Effect::ShowPlayback(connection) => format!("show playback to {}", self.socket(*connection)),
            Effect::ShowDevices(connection) => format!("show devices to {}", self.socket(*connection)),
            Effect::ShowQueue(connection, from, limit) => {
                format!("show queue to {} from {from} at most {limit}", self.socket(*connection))
            }
            Effect::ShowAll(connection) => format!("show all to {}", self.socket(*connection)),
            Effect::Probe(connection) => format!("ask {} whether it lives", self.socket(*connection)),
            Effect::Close(connection, reason) => format!("close {} {}", self.socket(*connection), reason.slug()),
            Effect::OwnReport(own) => format!("{} knows its own report", self.socket(own.connection)),
            Effect::Played(play) => format!("played t{}", play.media_id.0),
        }
    }

    fn playback(&self, playback: &Playback) -> String {
        let item = |item: Option<Item>| item.map_or("-".to_owned(), |item| format!("i{}", item.id.0 & 0x3f_ffff));
        let word = |text: String| text.to_lowercase();
        let active = playback.active.map_or("nobody".to_owned(), |active| {
            let from = active.from_us.map_or(String::new(), |from_us| format!(" from {}", since_start(from_us)));
            format!("{}:r{}{from}", self.name(active.device_id), active.lease.revision)
        });
        let transfer = playback.transfer.map_or(String::new(), |transfer| {
            let lease = transfer.lease.map_or(String::new(), |lease| format!(":r{}", lease.revision));
            let at = transfer.switch_at_us.map_or(String::new(), |at| format!(" at {}", since_start(at)));
            format!(" transfer to {}{lease}{at}", self.name(transfer.to))
        });
        let given_up = playback.unplayable.map_or(String::new(), |given_up| {
            format!(" gave up i{} on {}", given_up.item.0 & 0x3f_ffff, self.name(given_up.device_id))
        });
        let after: Vec<String> = playback
            .after
            .iter()
            .map(|entry| format!("{}:r{}", self.name(entry.device_id), entry.lease.revision))
            .collect();
        format!(
            "r{} {}/{} {}@{} {active} after[{}] next {} turn r{}{transfer}{given_up}",
            playback.revision,
            word(format!("{:?}", playback.intent)),
            word(format!("{:?}", playback.status)),
            item(playback.item),
            playback.position_at(self.now),
            after.join(" "),
            item(playback.next),
            playback.turn.revision,
        )
    }

    fn devices(&self) -> String {
        let device = |device: &segue_actors::state::devices::Device| {
            let away = matches!(device.presence, Presence::Away { .. });
            let volume =
                device.volume.map_or(String::new(), |volume| format!(" {}% v{}", volume.level, volume.version));
            format!("{}{}{volume}", device.name, if away { " away" } else { "" })
        };
        let list: Vec<String> = self.state.devices().iter().map(device).collect();
        format!("devices [{}]", list.join(", "))
    }
}

/// The device of that number comes, in its first life on its first socket: it plays and controls.
pub(crate) fn join(number: u64) -> Join {
    Join {
        connection: ConnectionId(number),
        device_id: DeviceId(number),
        spare_id: DeviceId(number + 100),
        instance: InstanceId(number),
        description: Description {
            name: format!("device {number}"),
            kind: DeviceKind::Other,
            plays: true,
            controls: true,
            volume: None,
        },
        seen: None,
        attempt: None,
    }
}

const fn since_start(instant: Micros) -> i64 {
    instant.since_ms(START)
}

fn track(number: u64) -> Resolved {
    Resolved { media_id: MediaId(number), kind: MediaKind::Track, duration_ms: Some(TRACK_MS) }
}
