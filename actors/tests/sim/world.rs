//! Virtual time, the links, and what goes wrong.

use crate::chance::Chance;
use crate::clients::Device;
use crate::lies::Lie;
use crate::links::Socket;
use crate::moves::Orphan;
use crate::nodes::Node;
use crate::store::Store;
use segue_actors::node::ports::{Outcome, SessionChange};
use segue_actors::protocol::close::CloseReason;
use segue_actors::protocol::ids::{ConnectionId, DeviceId, Micros, NodeId, Stamp};
use segue_actors::protocol::wire::{ClientMessage, ServerMessage};
use segue_actors::state::Record;
use segue_client::Input;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Commands and faults come for this long; then all faults end and the run comes to rest.
const BUSY_US: i64 = 300_000_000;
/// A run in which fewer commands were given by then goes on for longer.
const LEAST_COMMANDS: u64 = 100;
const LONGER_US: i64 = 60_000_000;
/// All must agree within this time after that.
const REST_US: i64 = 150_000_000;

/// The most by which the nodes' clocks differ.
pub(crate) const SKEW_US: i64 = 2_000;

/// A run with more events than this does not come to rest: devices answer each other without end.
const MOST_STEPS: u64 = 200_000;

/// What happens at an instant.
#[derive(Debug)]
pub(crate) enum Happening {
    Up(u64, Up),
    Down(u64, Down),
    Tick(usize, u64),
    Audio(usize, u64, Box<Input>),
    Timer(u64, u64),
    /// A socket takes frames again.
    Writable(u64),
    HelloDue(u64),
    /// A socket that belongs to none of the devices ends.
    StrangerGoes(u64, usize),
    Deadline(usize, u64),
    Close(u64, CloseReason),
    Write(usize, u64),
    Load(usize, u64),
    Commit(usize, u64, Box<SessionChange>, Fate),
    Committed(usize, u64, Box<Outcome>),
    CommitLate(Box<SessionChange>),
    Poll(usize, u64),
    Published(usize, u64, Arc<Record>),
    NodeStarts(usize),
    NodeCrashes(usize, u64),
    /// A node that is drained ends its session, and a while later its process.
    SessionEnds(usize, u64),
    NodeStops(usize, u64),
    NodeHeartbeat(usize, u64),
    NodeHeartbeatAnswered(usize, u64, i64),
    NodeDoubts(usize, u64),
    NodeLost(usize, u64, NodeId),
    DeviceStarts(usize),
    Wakes(usize),
    Command,
    Fault,
    Sample,
}

#[derive(Debug)]
pub(crate) enum Up {
    Message(Box<ClientMessage>),
    /// A text that need not be a message.
    Raw(&'static str),
    Control,
    Ended {
        is_clean: bool,
    },
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

/// Which faults occur in a run, and how often.
pub(crate) struct Weather {
    pub(crate) delay_us: i64,
    pub(crate) jitter_us: i64,
    pub(crate) fault_every_us: i64,
    pub(crate) store_faults: u64,
    pub(crate) clock_steps: bool,
    /// A device that is cut off may sound no longer than its lease.
    pub(crate) is_strict: bool,
    /// How many of a thousand messages between nodes are lost.
    pub(crate) bus_loss: u64,
    /// Until this instant another writer always commits first.
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
    /// The instant up to which overlaps were checked.
    pub(crate) looked_at: i64,
    /// The devices that sound together, and since when.
    pub(crate) together: BTreeMap<(usize, usize), i64>,
    /// For how long two connected devices did, at a switch,
    pub(crate) worst_overlap_us: i64,
    /// and one beside another that was cut off.
    pub(crate) worst_beside_us: i64,
    pub(crate) worst_error_ms: i64,
    /// The newest lease that had to wait, and since when.
    pub(crate) waits: Option<(Stamp, i64)>,
    pub(crate) worst_wait_us: i64,
    /// How far what a device shows jumped when it came to another node.
    pub(crate) worst_jump_ms: i64,
    /// Devices whose node was killed.
    pub(crate) orphans: Vec<Orphan>,
    /// Devices that a command asked to forget.
    pub(crate) forgotten: BTreeSet<DeviceId>,
    /// When something last went wrong.
    pub(crate) faulted_at: i64,
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
            looked_at: 0,
            together: BTreeMap::new(),
            worst_overlap_us: 0,
            worst_beside_us: 0,
            worst_error_ms: 0,
            waits: None,
            worst_wait_us: 0,
            worst_jump_ms: 0,
            orphans: Vec::new(),
            forgotten: BTreeSet::new(),
            faulted_at: 0,
            busy_until: BUSY_US,
            is_traced,
            lie: None,
        };
        for index in 0..usize::try_from(count).expect("a few") {
            let device = world.fresh_device(index, None, None);
            world.devices.push(device);
            world.after_us(0, 2_000_000, Happening::DeviceStarts(index));
        }
        let heartbeating = if world.is_shared() { world.nodes.len() } else { 0 };
        for n in 0..heartbeating {
            world.at(0, Happening::NodeHeartbeat(n, world.nodes[n].id));
        }
        world.after_us(1_000_000, 3_000_000, Happening::Command);
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
            if self.now > self.busy_until + REST_US / 2 && self.disagreement().is_none() {
                assert!(self.now >= BUSY_US, "it took {} us", self.now);
                assert!(self.commands >= LEAST_COMMANDS, "it gave {} commands", self.commands);
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
            Happening::Timer(socket, version) => self.check_timers(socket, version),
            Happening::Writable(socket) => self.writable(socket),
            Happening::HelloDue(socket) => self.hello_due(socket),
            Happening::StrangerGoes(socket, ends) => self.stranger_goes(socket, ends),
            Happening::Deadline(n, version) => self.deadline(n, version),
            Happening::Write(n, generation) => self.write(n, generation),
            Happening::Load(n, generation) => self.load(n, generation),
            Happening::Commit(n, generation, change, fate) => self.commit(n, generation, *change, fate),
            Happening::Committed(n, generation, outcome) => self.committed(n, generation, *outcome),
            Happening::CommitLate(change) => {
                let record = change.record.clone();
                if let Outcome::Committed = self.store.commit(self.now, *change) {
                    self.check_orphans(&record);
                    self.note("commit Unknown, written late");
                }
            }
            Happening::Poll(n, generation) => self.poll(n, generation),
            Happening::Published(n, generation, record) => self.take_record(n, generation, record),
            Happening::NodeStarts(n) => self.node_starts(n),
            Happening::NodeCrashes(n, id) if self.nodes[n].id == id && self.nodes[n].is_up => self.crash_node(n),
            Happening::SessionEnds(n, id) => self.session_ends(n, id),
            Happening::NodeStops(n, id) => self.node_stops(n, id),
            Happening::NodeHeartbeat(n, id) => self.node_heartbeat(n, id),
            Happening::NodeHeartbeatAnswered(n, id, sent) => self.node_heartbeat_answered(n, id, sent),
            Happening::NodeDoubts(n, id) => self.node_doubts(n, id),
            Happening::NodeLost(n, id, lost) => self.node_lost(n, id, lost),
            Happening::DeviceStarts(device) => self.device_starts(device),
            Happening::Wakes(device) => self.wakes(device),
            Happening::Command if self.is_busy() => {
                if self.now + LONGER_US / 6 > self.busy_until && self.commands < LEAST_COMMANDS {
                    self.busy_until += LONGER_US;
                }
                self.command();
                let again_us = if self.chance.permille(200) { 50_000 } else { 5_000_000 };
                self.after_us(0, again_us, Happening::Command);
            }
            Happening::Fault if self.is_busy() => {
                self.fault();
                let every_us = self.weather.fault_every_us;
                self.after_us(0, 2 * every_us, Happening::Fault);
            }
            Happening::Sample => {
                self.check_positions();
                self.end_orphans();
                self.after_us(1_000_000, 7_000_000, Happening::Sample);
            }
            Happening::Tick(..)
            | Happening::Audio(..)
            | Happening::NodeCrashes(..)
            | Happening::Command
            | Happening::Fault => {}
        }
    }
}
