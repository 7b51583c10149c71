//! Virtual time, the links, and what goes wrong.

use crate::chance::Chance;
use crate::clients::Device;
use crate::server::{Node, Served};
use crate::store::Store;
use segue_actors::client::Input;
use segue_actors::ids::Micros;
use segue_actors::ports::{Change, Outcome};
use segue_actors::wire::{ClientMessage, ServerMessage};
use std::collections::{BTreeMap, BTreeSet};

/// Commands and faults come for so long; then everything heals and comes to rest.
const BUSY_US: i64 = 300_000_000;
/// Within so long after that all must agree.
const REST_US: i64 = 150_000_000;

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
    Deadline(u64),
    Write(u64),
    Load(u64),
    Commit(u64, Box<Change>, Fate),
    Committed(u64, Box<Outcome>),
    NodeStarts,
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
    UnknownLost,
}

/// One socket, with both its ends and what is under way.
pub(crate) struct Socket {
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
    clock_steps: bool,
    /// A device that is cut off may sound no longer than its lease.
    pub(crate) is_strict: bool,
}

pub(crate) struct World {
    pub(crate) now: i64,
    pub(crate) chance: Chance,
    pub(crate) weather: Weather,
    queue: BTreeMap<(i64, u64), Happening>,
    pub(crate) counter: u64,
    pub(crate) sockets: BTreeMap<u64, Socket>,
    pub(crate) devices: Vec<Device>,
    pub(crate) node: Node,
    pub(crate) store: Store,
    pub(crate) seen: BTreeSet<String>,
    pub(crate) commands: u64,
    pub(crate) steps: u64,
    /// Since when two connected devices sound, and for how long they may.
    pub(crate) overlap: Option<(i64, i64)>,
    pub(crate) worst_overlap_us: i64,
    pub(crate) worst_error_ms: i64,
    is_traced: bool,
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
        };
        let count = chance.between(2, 7);
        let mut world = Self {
            now: 0,
            node: Node::new(chance.between(0, 1_000_000_000_000_000)),
            chance,
            weather,
            queue: BTreeMap::new(),
            counter: 1_000,
            sockets: BTreeMap::new(),
            devices: Vec::new(),
            store: Store::default(),
            seen: BTreeSet::new(),
            commands: 0,
            steps: 0,
            overlap: None,
            worst_overlap_us: 0,
            worst_error_ms: 0,
            is_traced,
        };
        for index in 0..usize::try_from(count).expect("a few") {
            let device = world.fresh_device(index, None);
            world.devices.push(device);
            world.after_us(0, 2_000_000, Happening::DeviceStarts(index));
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

    pub(crate) fn server_now(&self) -> Micros {
        Micros(self.now + self.node.clock_us)
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
        self.now < BUSY_US
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
            if self.now > BUSY_US + REST_US / 2 && self.disagreement().is_none() {
                return;
            }
            let is_late = self.now > BUSY_US + REST_US;
            assert!(!is_late, "no rest: {}", self.disagreement().unwrap_or_default());
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Up(socket, up) => self.arrive_up(socket, up),
            Happening::Down(socket, down) => self.arrive_down(socket, down),
            Happening::Tick(device, version) if self.devices[device].tick_version == version => {
                self.devices[device].tick_at = None;
                self.input(device, Input::Tick);
            }
            Happening::Audio(device, version, input) if self.devices[device].audio_version == version => {
                self.audio(device, *input);
            }
            Happening::Beat(socket, version) => self.beat(socket, version),
            Happening::Deadline(version) => self.deadline(version),
            Happening::Write(generation) => self.write(generation),
            Happening::Load(generation) => self.load(generation),
            Happening::Commit(generation, change, fate) => self.commit(generation, *change, fate),
            Happening::Committed(generation, outcome) => self.committed(generation, *outcome),
            Happening::NodeStarts => self.node_starts(),
            Happening::DeviceStarts(device) => self.device_starts(device),
            Happening::Wish if self.is_busy() => {
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
        let served = self.node.is_up.then(|| self.serve());
        let is_up = served.is_some();
        let (up_last, down_last) = (self.now, self.now);
        self.sockets.insert(id, Socket { up_last, down_last, is_silent: false, served });
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
        socket.up_last = socket.up_last.max(arrives);
        let at = socket.up_last;
        self.at(at, Happening::Up(id, up));
    }

    pub(crate) fn send_down(&mut self, id: u64, down: Down) {
        let arrives = self.now + self.delay_us();
        let Some(socket) = self.sockets.get_mut(&id).filter(|socket| !socket.is_silent) else { return };
        socket.down_last = socket.down_last.max(arrives);
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
        let device = self.chance.below(self.devices.len());
        let socket = self.devices[device].socket;
        match (self.chance.below(9), socket) {
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
            (6 | 7, _) if self.node.is_up => self.crash_node(),
            (8, _) if self.node.is_up => {
                if self.chance.permille(500) {
                    self.crash_node();
                }
                if self.store.put_back() {
                    self.note("fault database put back");
                }
            }
            _ => {}
        }
    }

    fn crash_node(&mut self) {
        self.note("fault node crash");
        if self.node.is_committing() {
            self.note("fault crash during a commit");
        }
        if self.node.state().is_some_and(|state| state.playback().transfer.is_some()) {
            self.note("fault crash during a transfer");
        }
        let beat_us = self.chance.between(0, 1_000_000);
        self.store.last_beat = Some(Micros(self.server_now().0 - beat_us)).max(self.store.last_beat);
        self.node.crash();
        let is_noticed = self.chance.permille(700);
        let served: Vec<u64> =
            self.sockets.iter().filter(|(_, socket)| socket.served.is_some()).map(|(id, _)| *id).collect();
        for id in served {
            self.break_link(id, is_noticed);
            if let Some(socket) = self.sockets.get_mut(&id) {
                socket.served = None;
            }
        }
        self.after_us(50_000, 5_000_000, Happening::NodeStarts);
    }

    fn node_starts(&mut self) {
        if self.weather.clock_steps && self.chance.permille(300) {
            self.note("server clock step");
            self.node.wall_us += self.chance.between(-7_200_000_000, 7_200_000_000);
        }
        let wall = Micros(self.now + self.node.wall_us);
        let start = self.store.last_beat.map_or(wall, |beat| beat.max(wall));
        let id = self.number();
        self.node.start(start.0 - self.now, id);
    }
}
