//! The nodes: their heartbeats, what they learn of each other, and how they crash, are drained, are cut off and
//! come back.

use crate::server::JITTER_MS;
use crate::session::Session;
use crate::world::{Happening, World};
use segue_actors::protocol::close::CloseReason;
use segue_actors::protocol::ids::{ConnectionId, Micros, NodeId};
use segue_actors::protocol::playback::Intent;
use segue_actors::state::{Event, Leaving, Record, SessionState};
use std::sync::Arc;

/// Between two heartbeats.
const HEARTBEAT_US: i64 = 1_000_000;
/// A node closes its sockets so long after it sent the last heartbeat that was answered,
const TRUSTED_US: i64 = 3_000_000;
/// and the others count it as lost so long after the last heartbeat that was written.
const LOST_US: i64 = 5_000_000;
/// A node that is asked to end does so within this.
const PATIENCE_US: i64 = 10_000_000;

pub(crate) struct Node {
    /// It takes sockets.
    pub(crate) is_up: bool,
    /// Its process runs.
    is_running: bool,
    /// It was asked to end.
    pub(crate) is_draining: bool,
    /// Server time is this after the simulation's.
    pub(crate) clock_us: i64,
    /// So is the machine's wall clock.
    pub(crate) wall_us: i64,
    /// Names one unbroken run of heartbeats.
    pub(crate) id: u64,
    /// Numbers the runs of its session: an answer to a question of an earlier run is dropped.
    pub(crate) generation: u64,
    pub(crate) session: Option<Session>,
    /// Until this instant none of its requests reach the database.
    cut_until: i64,
    /// When it sent the last heartbeat that was answered.
    trusted_from: i64,
    /// The database that it knows.
    pub(crate) database: u64,
    /// How late its heartbeats are answered.
    slow_us: i64,
}

impl Node {
    pub(crate) const fn new(clock_us: i64, id: u64) -> Self {
        Self {
            is_up: true,
            is_running: true,
            is_draining: false,
            clock_us,
            wall_us: clock_us,
            id,
            generation: 0,
            session: None,
            cut_until: 0,
            trusted_from: 0,
            database: 0,
            slow_us: 0,
        }
    }

    pub(crate) fn state(&self) -> Option<&SessionState> {
        self.session.as_ref()?.replica.state()
    }

    pub(crate) const fn takes_sockets(&self) -> bool {
        self.is_up && !self.is_draining
    }

    pub(crate) fn is_committing(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.replica.is_busy())
    }

    fn end_session(&mut self) {
        self.is_up = false;
        self.session = None;
        self.generation += 1;
    }
}

impl World {
    /// Whether several nodes share the database.
    pub(crate) const fn is_shared(&self) -> bool {
        self.nodes.len() > 1
    }

    pub(crate) fn is_cut(&self, n: usize) -> bool {
        self.now < self.nodes[n].cut_until
    }

    /// Tells the other nodes what was written, as far as the bus does.
    pub(crate) fn publish(&mut self, from: usize, record: &Arc<Record>) {
        // Music that plays on would never come to rest if nodes learnt of it only by looking into the database.
        let plays_on = !self.is_busy() && record.playback.intent == Intent::Play;
        for n in (0..self.nodes.len()).filter(|n| *n != from) {
            if !plays_on && self.chance.permille(self.weather.bus_loss) {
                self.note("bus loss");
            } else {
                let generation = self.nodes[n].generation;
                let delay_us = if self.chance.permille(20) { 2_000_000 } else { 20_000 };
                self.after_us(50, delay_us, Happening::Published(n, generation, record.clone()));
            }
        }
    }

    /// A node notices at any request that the database is another one than it knew.
    pub(crate) fn notice_database(&mut self, n: usize) {
        if self.nodes[n].database != self.store.identity {
            self.nodes[n].database = self.store.identity;
            if self.is_shared() {
                self.drive(n, segue_actors::session::replica::Replica::outdate);
            }
        }
    }

    /// Runs of nodes that hold sockets by the record and whose heartbeats are overdue, each with its last heartbeat.
    pub(crate) fn dead_nodes(&self, n: usize) -> Vec<(NodeId, Micros)> {
        let Some(state) = self.nodes[n].state().filter(|_| self.is_shared()) else { return Vec::new() };
        let (now, this) = (self.server_now(n), NodeId(self.nodes[n].id));
        let latest = Micros(now.0 - LOST_US);
        let heartbeat = |node: NodeId| self.store.heartbeats.get(&node.0).map_or(latest, |heartbeat| *heartbeat);
        let others = state.devices().nodes().into_iter().filter(|node| *node != this);
        others.map(|node| (node, heartbeat(node))).filter(|(_, heartbeat)| *heartbeat <= latest).collect()
    }

    pub(crate) fn node_heartbeat(&mut self, n: usize, id: u64) {
        let node = &self.nodes[n];
        if !node.is_running || node.id != id {
            return;
        }
        self.at(self.now + HEARTBEAT_US, Happening::NodeHeartbeat(n, id));
        if self.is_cut(n) {
            return;
        }
        let heartbeat = self.server_now(n);
        self.store.heartbeats.insert(id, heartbeat);
        let sent = self.now;
        // Sometimes answers come later and later, and still come when no other request gets through.
        let slow_us = self.nodes[n].slow_us;
        self.nodes[n].slow_us = match slow_us {
            0 if self.is_busy() && self.chance.permille(10) => 1,
            0 => 0,
            _ if slow_us > 2 * TRUSTED_US => 0,
            _ => slow_us + self.chance.between(300_000, 900_000),
        };
        self.after_us(slow_us + 100, slow_us + 30_000, Happening::NodeHeartbeatAnswered(n, id, sent));
    }

    pub(crate) fn node_heartbeat_answered(&mut self, n: usize, id: u64, sent: i64) {
        if !self.nodes[n].is_running || self.nodes[n].id != id {
            return;
        }
        self.nodes[n].trusted_from = self.nodes[n].trusted_from.max(sent);
        self.nodes[n].is_up = true;
        self.at(sent + TRUSTED_US, Happening::NodeDoubts(n, id));
        if self.is_cut(n) {
            return;
        }
        self.notice_database(n);
        for (node, _) in self.dead_nodes(n) {
            self.after_us(0, HEARTBEAT_US, Happening::NodeLost(n, id, node));
        }
    }

    pub(crate) fn node_lost(&mut self, n: usize, id: u64, lost: NodeId) {
        let known = self.dead_nodes(n).into_iter().find(|(node, _)| *node == lost);
        if let Some((node, last)) = known.filter(|_| self.nodes[n].id == id && self.nodes[n].is_up) {
            // A backup holds the heartbeats of the time at which it was made.
            let serving = self.nodes.iter().position(|other| other.id == node.0).filter(|_| !self.store.was_put_back);
            let sockets = serving.map(|other| self.served_by(other)).unwrap_or_default();
            assert!(sockets.is_empty(), "{node} counts as lost and still serves {sockets:?}");
            self.take_in(n, Event::NodeLost { node, last });
        }
    }

    /// Without a newer answer this node may soon count as lost: its devices must not sound as connected ones then.
    pub(crate) fn node_doubts(&mut self, n: usize, id: u64) {
        let node = &self.nodes[n];
        if node.id != id || !node.is_up || self.now < node.trusted_from + TRUSTED_US {
            return;
        }
        self.note("node gives up its sockets");
        self.waits = None;
        self.nodes[n].end_session();
        let served = self.served_by(n);
        for socket in served {
            self.close(socket, CloseReason::Unavailable);
        }
        if self.nodes[n].is_draining {
            return self.halt_node(n, true);
        }
        self.begin_run(n);
    }

    fn served_by(&self, n: usize) -> Vec<u64> {
        let served = self.sockets.iter().filter(|(_, socket)| socket.node == n && socket.served.is_some());
        served.map(|(id, _)| *id).collect()
    }

    /// The node is back under another id; it takes no socket before a heartbeat is written.
    fn begin_run(&mut self, n: usize) {
        let id = self.number();
        self.nodes[n].id = id;
        self.at(self.now, Happening::NodeHeartbeat(n, id));
    }

    pub(crate) fn cut_node(&mut self, n: usize) {
        self.note("fault node cut off");
        let most_us = self.chance.pick(&[2_000_000, 10_000_000, 40_000_000]);
        self.nodes[n].cut_until = self.now + self.chance.between(0, most_us);
    }

    pub(crate) fn crash_node(&mut self, n: usize) {
        self.note("fault node crash");
        self.note_crash(n);
        self.orphan(n);
        let is_noticed = self.chance.permille(700);
        self.halt_node(n, is_noticed);
    }

    /// The process ends.
    pub(crate) fn halt_node(&mut self, n: usize, is_noticed: bool) {
        if !self.is_shared() {
            let age_us = self.chance.between(0, HEARTBEAT_US);
            let (id, heartbeat) = (self.nodes[n].id, Micros(self.server_now(n).0 - age_us));
            self.store.heartbeats.insert(id, heartbeat);
        }
        self.waits = None;
        (self.nodes[n].is_running, self.nodes[n].is_draining) = (false, false);
        self.nodes[n].end_session();
        for id in self.served_by(n) {
            self.break_link(id, is_noticed);
            if let Some(socket) = self.sockets.get_mut(&id) {
                socket.served = None;
            }
        }
        let most_us = if self.is_shared() { 15_000_000 } else { 5_000_000 };
        self.after_us(50_000, most_us, Happening::NodeStarts(n));
    }

    /// The node is asked to end: it takes no socket any more, ends its session within the jitter, and its process once
    /// everything is written, or after a while.
    pub(crate) fn drain_node(&mut self, n: usize) {
        self.note("fault node is to end");
        self.nodes[n].is_draining = true;
        let id = self.nodes[n].id;
        self.after_us(0, JITTER_MS * 1_000, Happening::SessionEnds(n, id));
        self.at(self.now + PATIENCE_US, Happening::NodeStops(n, id));
    }

    pub(crate) fn session_ends(&mut self, n: usize, id: u64) {
        if self.nodes[n].id != id || !self.nodes[n].is_draining {
            return;
        }
        let Some(session) = &mut self.nodes[n].session else { return self.halt_node(n, true) };
        session.is_stopping = true;
        self.waits = None;
        let (sockets, now) = (std::mem::take(&mut session.devices), self.server_now(n));
        for id in sockets {
            self.at(self.now, Happening::Close(id, CloseReason::Shutdown));
            self.take_in(n, Event::Leave { connection: ConnectionId(id), how: Leaving::SentAway(now) });
        }
        self.rest(n);
    }

    pub(crate) fn node_stops(&mut self, n: usize, id: u64) {
        if self.nodes[n].id == id && self.nodes[n].is_draining {
            self.halt_node(n, true);
        }
    }

    pub(crate) fn node_starts(&mut self, n: usize) {
        self.nodes[n].is_running = true;
        self.nodes[n].database = self.store.identity;
        if self.is_shared() {
            self.begin_run(n);
            return;
        }
        if self.weather.clock_steps && self.chance.permille(300) {
            self.note("server clock step");
            // By the new clock their deadlines may have passed.
            self.orphans.clear();
            self.nodes[n].wall_us += self.chance.between(-7_200_000_000, 7_200_000_000);
        }
        let wall = Micros(self.now + self.nodes[n].wall_us);
        let start = self.store.last_heartbeat().map_or(wall, |heartbeat| heartbeat.max(wall));
        let set_us = start.0 - self.now - self.nodes[n].clock_us;
        self.nodes[n].clock_us += set_us;
        // A device that was told an instant of the old clock acts by that clock.
        for grant in &mut self.store.grants {
            grant.from_us = Micros(grant.from_us.0 + set_us);
        }
        self.nodes[n].id = self.number();
        self.nodes[n].is_up = true;
    }
}

/// A node that counts as lost has closed its sockets before.
const _: () = assert!(TRUSTED_US < LOST_US);
