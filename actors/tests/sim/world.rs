//! Virtual time, the links, and what goes wrong.

use crate::chance::Chance;
use crate::clients::Device;
use crate::lies::Lie;
use crate::nodes::Node;
use crate::server::Served;
use crate::store::Store;
use segue_actors::client::Input;
use segue_actors::close::CloseReason;
use segue_actors::ids::{ConnectionId, Micros, NodeId, Stamp};
use segue_actors::ports::{Change, Outcome};
use segue_actors::state::Record;
use segue_actors::wire::{ClientMessage, ServerMessage};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Commands and faults come for so long; then everything heals and comes to rest.
const BUSY_US: i64 = 300_000_000;
/// A run in which fewer commands were given by then goes on for another while.
const LEAST_COMMANDS: u64 = 100;
const LONGER_US: i64 = 60_000_000;
/// Within so long after that all must agree.
const REST_US: i64 = 150_000_000;

/// The nodes' clocks are so far apart at most.
pub(crate) const SKEW_US: i64 = 2_000;

/// A run that takes more has devices that only talk to each other.
const MOST_STEPS: u64 = 200_000;

/// What happens at an instant.
#[derive(Debug)]
pub(crate) enum Happening {
    Up(u64, Up),
    Down(u64, Down),
    Tick(usize, u64),
    Audio(usize, u64, Box<Input>),
    Beat(u64, u64),
    Deadline(usize, u64),
    Close(u64, CloseReason),
    Write(usize, u64),
    Load(usize, u64),
    Commit(usize, u64, Box<Change>, Fate),
    Committed(usize, u64, Box<Outcome>),
    CommitLate(Box<Change>),
    Poll(usize, u64),
    Heard(usize, u64, Arc<Record>),
    NodeStarts(usize),
    NodeBeat(usize, u64),
    NodeBeatAnswered(usize, u64, i64),
    NodeDoubts(usize, u64),
    NodeLost(usize, u64, NodeId),
    DeviceStarts(usize),
    Wish,
    Fault,
    Sample,
}

#[derive(Debug)]
pub(crate) enum Up {
    Said(Box<ClientMessage>),
    Life,
    Ended { is_clean: bool },
}

#[derive(Debug)]
pub(crate) enum Down {
    Opened,
    Frame(Box<ServerMessage>),
    Ping,
    Closed(Option<u16>),
}

/// What becomes of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Answered,
    NotSent,
    UnknownWritten,
    UnknownWrittenLate,
    UnknownLost,
}

/// One socket, with both its ends and what is under way.
pub(crate) struct Socket {
    /// Where it ends.
    pub(crate) node: usize,
    /// The way up takes so much longer than the way down, or shorter.
    lean_us: i64,
    pub(crate) up_last: i64,
    down_last: i64,
    /// Nothing that is sent arrives any more.
    pub(crate) is_silent: bool,
    /// The server's end, while it has it.
    pub(crate) served: Option<Served>,
}

/// How rough a run is.
pub(crate) struct Weather {
    pub(crate) delay_us: i64,
    pub(crate) jitter_us: i64,
    fault_every_us: i64,
    pub(crate) store_faults: u64,
    pub(crate) clock_steps: bool,
    /// A device that is cut off may sound no longer than its lease.
    pub(crate) is_strict: bool,
    /// Of a thousand messages between nodes so many are lost.
    pub(crate) bus_loss: u64,
    /// Until then somebody else is always first to write.
    pub(crate) storm_until: i64,
}

pub(crate) struct World {
    pub(crate) now: i64,
    pub(crate) chance: Chance,
    pub(crate) weather: Weather,
    queue: BTreeMap<(i64, u64), Happening>,
    pub(crate) counter: u64,
    pub(crate) sockets: BTreeMap<u64, Socket>,
    pub(crate) devices: Vec<Device>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) store: Store,
    /// Programs without a socket that wait for an answer.
    pub(crate) programs: BTreeSet<ConnectionId>,
    pub(crate) seen: BTreeSet<String>,
    pub(crate) commands: u64,
    pub(crate) steps: u64,
    /// Since when two connected devices sound, and for how long they may.
    pub(crate) overlap: Option<(i64, i64)>,
    pub(crate) worst_overlap_us: i64,
    pub(crate) worst_error_ms: i64,
    /// The newest lease that had to wait, and since when.
    pub(crate) waits: Option<(Stamp, i64)>,
    pub(crate) worst_wait_us: i64,
    busy_until: i64,
    is_traced: bool,
    /// What is wrong with this world.
    pub(crate) lie: Option<Lie>,
}

impl World {
    pub(crate) fn new(seed: u64, is_traced: bool) -> Self {
        let mut chance = Chance::new(seed);
        let most_us = chance.pick(&[2_000, 20_000, 60_000, 300_000]);
        let weather = Weather {
            delay_us: chance.between(100, most_us),
            jitter_us: chance.between(1, most_us),
            fault_every_us: chance.pick(&[4_000_000, 10_000_000, 30_000_000, 100_000_000]),
            store_faults: chance.pick(&[0, 0, 5, 40]),
            clock_steps: chance.permille(300),
            is_strict: chance.permille(300),
            bus_loss: chance.pick(&[0, 100, 500, 1_000]),
            storm_until: 0,
        };
        let count = chance.between(2, 7);
        let clock_us = chance.between(0, 1_000_000_000_000_000);
        let nodes = (0..chance.pick(&[1, 1, 2, 3])).map(|id| {
            let skew_us = if id == 0 { 0 } else { chance.between(-SKEW_US, SKEW_US + 1) };
            Node::new(clock_us + skew_us, id + 1)
        });
        let mut world = Self {
            now: 0,
            nodes: nodes.collect(),
            chance,
            weather,
            queue: BTreeMap::new(),
            counter: 1_000,
            sockets: BTreeMap::new(),
            devices: Vec::new(),
            store: Store::default(),
            programs: BTreeSet::new(),
            seen: BTreeSet::new(),
            commands: 0,
            steps: 0,
            overlap: None,
            worst_overlap_us: 0,
            worst_error_ms: 0,
            waits: None,
            worst_wait_us: 0,
            busy_until: BUSY_US,
            is_traced,
            lie: None,
        };
        for index in 0..usize::try_from(count).expect("a few") {
            let device = world.fresh_device(index, None);
            world.devices.push(device);
            world.after_us(0, 2_000_000, Happening::DeviceStarts(index));
        }
        let beating = if world.is_shared() { world.nodes.len() } else { 0 };
        for n in 0..beating {
            world.at(0, Happening::NodeBeat(n, world.nodes[n].id));
        }
        world.after_us(1_000_000, 3_000_000, Happening::Wish);
        world.after_us(1_000_000, 10_000_000, Happening::Fault);
        world.after_us(1_000_000, 5_000_000, Happening::Sample);
        world
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    pub(crate) fn note(&mut self, what: &str) {
        if !self.seen.contains(what) {
            self.seen.insert(what.to_owned());
        }
        if self.is_traced {
            println!("{:>12} * {what}", self.now);
        }
    }

    pub(crate) fn server_now(&self, n: usize) -> Micros {
        Micros(self.now + self.nodes[n].clock_us)
    }

    pub(crate) fn at(&mut self, at: i64, happening: Happening) {
        let number = self.number();
        self.queue.insert((at.max(self.now), number), happening);
    }

    pub(crate) fn after_us(&mut self, least: i64, most: i64, happening: Happening) {
        let at = self.now + self.chance.between(least, most.max(least + 1));
        self.at(at, happening);
    }

    pub(crate) const fn is_busy(&self) -> bool {
        self.now < self.busy_until
    }

    pub(crate) fn run(&mut self) {
        while let Some(((at, _), happening)) = self.queue.pop_first() {
            self.now = at;
            self.steps += 1;
            assert!(self.steps < MOST_STEPS, "they never stop talking");
            self.check_overlap();
            if self.is_traced && !matches!(happening, Happening::Tick(..) | Happening::Sample) {
                println!("{at:>12} {happening:?}");
            }
            self.happen(happening);
            self.check_overlap();
            if self.now > self.busy_until + REST_US / 2 && self.disagreement().is_none() {
                return;
            }
            let is_late = self.now > self.busy_until + REST_US;
            assert!(!is_late, "no rest: {}", self.disagreement().unwrap_or_default());
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Up(socket, up) => self.arrive_up(socket, up),
            Happening::Close(socket, reason) => self.close(socket, reason),
            Happening::Down(socket, down) => self.arrive_down(socket, down),
            Happening::Tick(device, version) if self.devices[device].tick_version == version => {
                self.devices[device].tick_at = None;
                self.input(device, Input::Tick);
            }
            Happening::Audio(device, version, input) if self.devices[device].audio_version == version => {
                self.audio(device, *input);
            }
            Happening::Beat(socket, version) => self.beat(socket, version),
            Happening::Deadline(n, version) => self.deadline(n, version),
            Happening::Write(n, generation) => self.write(n, generation),
            Happening::Load(n, generation) => self.load(n, generation),
            Happening::Commit(n, generation, change, fate) => self.commit(n, generation, *change, fate),
            Happening::Committed(n, generation, outcome) => self.committed(n, generation, *outcome),
            Happening::CommitLate(change) => {
                if let Outcome::Committed = self.store.commit(self.now, *change) {
                    self.note("commit Unknown, written late");
                }
            }
            Happening::Poll(n, generation) => self.poll(n, generation),
            Happening::Heard(n, generation, record) => self.hear(n, generation, record),
            Happening::NodeStarts(n) => self.node_starts(n),
            Happening::NodeBeat(n, id) => self.node_beat(n, id),
            Happening::NodeBeatAnswered(n, id, sent) => self.node_beat_answered(n, id, sent),
            Happening::NodeDoubts(n, id) => self.node_doubts(n, id),
            Happening::NodeLost(n, id, lost) => self.node_lost(n, id, lost),
            Happening::DeviceStarts(device) => self.device_starts(device),
            Happening::Wish if self.is_busy() => {
                if self.now + LONGER_US / 6 > self.busy_until && self.commands < LEAST_COMMANDS {
                    self.busy_until += LONGER_US;
                }
                self.wish();
                let again_us = if self.chance.permille(200) { 50_000 } else { 5_000_000 };
                self.after_us(0, again_us, Happening::Wish);
            }
            Happening::Fault if self.is_busy() => {
                self.fault();
                let every_us = self.weather.fault_every_us;
                self.after_us(0, 2 * every_us, Happening::Fault);
            }
            Happening::Sample => {
                self.check_positions();
                self.after_us(1_000_000, 7_000_000, Happening::Sample);
            }
            Happening::Tick(..) | Happening::Audio(..) | Happening::Wish | Happening::Fault => {}
        }
    }

    // Links

    pub(crate) fn open_socket(&mut self) -> u64 {
        let id = self.number();
        let node = self.chance.below(self.nodes.len());
        let served = self.nodes[node].is_up.then(|| self.serve(node));
        let is_up = served.is_some();
        let (up_last, down_last) = (self.now, self.now);
        let most_us = self.weather.delay_us;
        let lean_us = if self.chance.permille(500) { self.chance.between(-most_us, most_us) } else { 0 };
        self.sockets.insert(id, Socket { node, lean_us, up_last, down_last, is_silent: false, served });
        if is_up {
            self.schedule_beat(id);
        }
        self.send_down(id, if is_up { Down::Opened } else { Down::Closed(None) });
        id
    }

    fn delay_us(&mut self) -> i64 {
        let spike_us = if self.is_busy() && self.chance.permille(8) { self.chance.between(0, 3_000_000) } else { 0 };
        self.weather.delay_us + self.chance.between(0, self.weather.jitter_us) + spike_us
    }

    pub(crate) fn send_up(&mut self, id: u64, up: Up) {
        let arrives = self.now + self.delay_us();
        let Some(socket) = self.sockets.get_mut(&id).filter(|socket| !socket.is_silent) else { return };
        socket.up_last = socket.up_last.max(arrives + socket.lean_us);
        let at = socket.up_last;
        self.at(at, Happening::Up(id, up));
    }

    pub(crate) fn send_down(&mut self, id: u64, down: Down) {
        let Some(down) = self.told(id, down) else { return };
        let arrives = self.now + self.delay_us();
        let Some(socket) = self.sockets.get_mut(&id).filter(|socket| !socket.is_silent) else { return };
        socket.down_last = socket.down_last.max(arrives - socket.lean_us);
        let at = socket.down_last;
        self.at(at, Happening::Down(id, down));
    }

    /// The link breaks: both ends learn of it, or neither.
    pub(crate) fn break_link(&mut self, id: u64, is_noticed: bool) {
        if is_noticed {
            self.send_up(id, Up::Ended { is_clean: false });
            self.send_down(id, Down::Closed(None));
        }
        if let Some(socket) = self.sockets.get_mut(&id) {
            socket.is_silent = true;
        }
    }

    // What goes wrong

    fn fault(&mut self) {
        self.waits = None;
        let device = self.chance.below(self.devices.len());
        let socket = self.devices[device].socket;
        let n = self.chance.below(self.nodes.len());
        match (self.chance.below(if self.is_shared() { 13 } else { 9 }), socket) {
            (0 | 1, Some(socket)) => {
                self.note("fault link silent");
                self.break_link(socket, false);
            }
            (2, Some(socket)) => {
                self.note("fault link cut");
                self.break_link(socket, true);
            }
            (3, _) => {
                self.note("fault reload");
                let ends = self.chance.below(3);
                self.end_device(device, ends, 3_000_000);
            }
            (4, _) => {
                self.note("fault device crash");
                let ends = self.chance.below(2);
                self.end_device(device, ends, 60_000_000);
            }
            (5, Some(_)) => self.leave(device),
            (6 | 7, _) if self.nodes[n].is_up => self.crash_node(n),
            (8, _) if self.is_shared() || self.nodes[n].is_up => {
                if self.nodes[n].is_up && self.chance.permille(500) {
                    self.crash_node(n);
                }
                if self.store.put_back(self.is_told(Lie::AnUnsaidBackup), self.is_told(Lie::AcksOutliveABackup)) {
                    self.note("fault database put back");
                }
            }
            (9..=11, _) if !self.is_cut(n) => self.cut_node(n),
            (12, _) => {
                self.note("fault storm of changes");
                self.weather.storm_until = self.now + self.chance.between(0, 1_000_000);
            }
            _ => {}
        }
    }
}
