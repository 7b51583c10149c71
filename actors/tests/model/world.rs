//! Everything that can happen: devices, sockets, nodes and the database, in every order.

use crate::{
    device::{Device, ToDevice},
    record::{Broken, Command, Connection, DEVICES, NODES, Record, ToNode},
};
use stateright::{Model, Property};

/// How much may happen at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) commands: usize,
    pub(crate) breaks: u8,
    pub(crate) doubts: u8,
    pub(crate) cuts: u8,
    pub(crate) ticks: u8,
    pub(crate) joins: u8,
}

impl Bounds {
    pub(crate) const NONE: Self = Self { commands: 0, breaks: 0, doubts: 0, cuts: 0, ticks: 0, joins: 0 };
}

/// What holds in every state.
pub(crate) const PROMISES: [&str; 3] =
    ["one audible device", "nothing acknowledged is lost", "nothing is applied twice"];
/// Each of these must hold in some state that is met; otherwise the bounds are too narrow to show anything.
pub(crate) const RARE: &[&str] = &[
    "a transfer switches",
    "a commit conflicts",
    "an outcome is unknown",
    "a node is lost",
    "another device sounds in the end",
];

/// The model: its bounds, and the rule that is broken to see that it is noticed.
#[derive(Clone, Debug)]
pub(crate) struct Commits {
    pub(crate) bounds: Bounds,
    pub(crate) broken: Broken,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Node {
    /// The record as this node knows it.
    pub(crate) record: Record,
    /// The database is out of its reach.
    pub(crate) is_cut: bool,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct World {
    pub(crate) now: u8,
    /// What the database has.
    pub(crate) record: Record,
    pub(crate) nodes: [Node; NODES],
    pub(crate) devices: [Device; DEVICES],
    /// The server's ends of sockets.
    pub(crate) open: Vec<(usize, Connection)>,
    pub(crate) commanded: usize,
    /// Acknowledged commands, a bit each.
    pub(crate) acked: u8,
    pub(crate) breaks: u8,
    pub(crate) doubts: u8,
    pub(crate) cuts: u8,
    pub(crate) joins: u8,
    /// What has happened, for the properties.
    pub(crate) seen: Seen,
}

/// Rare things that a run should meet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) switched: bool,
    pub(crate) conflicted: bool,
    pub(crate) node_lost: bool,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Action {
    /// A person gives a command at a device.
    Command(usize, Command),
    /// The node with the device's socket takes its next frame, and the database answers.
    Take(usize),
    /// The same, and the answer of the database is lost.
    Doubt(usize),
    /// The device takes its next frame.
    Hear(usize),
    /// A node learns what the database has.
    Learn(usize),
    /// A device opens a socket to a node and is welcomed.
    Join(usize, usize),
    /// A socket's link dies; nobody notices yet.
    Break(usize),
    /// The device notices.
    Leave(usize),
    /// The server closes its end of a socket.
    Close(usize, Connection),
    /// A node loses the database.
    Cut(usize),
    /// A node that has lost the database closes its sockets.
    CloseAll(usize),
    /// Another node finds it lost.
    Lose(usize),
    /// Time passes; clocks agree.
    Tick,
}

impl Commits {
    fn node_of(world: &World, device: usize) -> Option<usize> {
        let device_socket = world.devices[device].socket?;
        let is_open = world.open.contains(&(device, device_socket)) && world.devices[device].is_linked;
        is_open.then_some(device_socket.node)
    }

    /// Shows what a node knows to the devices whose sockets end there.
    fn show(world: &mut World, node: usize) {
        let view = world.nodes[node].record.view();
        for device in 0..DEVICES {
            if Self::node_of(world, device) == Some(node) {
                let down = &mut world.devices[device].down;
                // The newest replaces one that waits.
                down.retain(|message| !matches!(message, ToDevice::Playback(_)));
                down.push(ToDevice::Playback(view.clone()));
            }
        }
    }

    fn learn(world: &mut World, node: usize) {
        world.nodes[node].record = world.record.clone();
        Self::show(world, node);
    }

    fn commit(world: &mut World, node: usize, next: Record) {
        world.record = next;
        Self::learn(world, node);
    }

    fn take(&self, world: &mut World, device: usize, is_doubted: bool) -> Option<()> {
        let node = Self::node_of(world, device)?;
        let message = *world.devices[device].up.first()?;
        let known = &world.nodes[node].record;
        let next = known.step(world.now, device, message, self.broken);
        let compares = self.broken != Broken::CompareAndSet;
        if next.is_some() && (world.nodes[node].is_cut || (compares && known.revision != world.record.revision)) {
            if world.nodes[node].is_cut {
                return None;
            }
            world.seen.conflicted = true;
            Self::learn(world, node);
            return Some(());
        }
        if is_doubted {
            // Applied, but the answer is lost: the node reads the record again, and the frame is still unanswered.
            let next = next?;
            if let (Broken::Ack, ToNode::Command(id, _)) = (self.broken, message) {
                // Acknowledged although it was not applied.
                world.devices[device].up.remove(0);
                world.devices[device].down.push(ToDevice::Ack(id));
                return Some(());
            }
            Self::commit(world, node, next);
            return Some(());
        }
        if let Some(next) = next {
            let before = world.record.active.and_then(|active| active.source);
            let after = next.active.and_then(|active| active.source);
            world.seen.switched |= after.is_some() && after != before;
            Self::commit(world, node, next);
        }
        world.devices[device].up.remove(0);
        if let ToNode::Command(id, _) = message {
            world.devices[device].down.push(ToDevice::Ack(id));
        }
        Some(())
    }

    fn close(world: &mut World, device: usize, connection: Connection) {
        world.open.retain(|open| *open != (device, connection));
        if world.devices[device].socket == Some(connection) {
            world.devices[device].is_linked = false;
            world.devices[device].up.clear();
            world.devices[device].down.clear();
        }
    }
}

impl Model for Commits {
    type State = World;
    type Action = Action;

    /// Everybody is connected, the first device has played for a while.
    fn init_states(&self) -> Vec<World> {
        let mut record = Record { revision: 1, applied: vec![0; self.bounds.commands], ..Record::default() };
        let mut devices: [Device; DEVICES] = Default::default();
        let mut open = Vec::new();
        for (number, device) in devices.iter_mut().enumerate() {
            let connection = Connection { node: number % NODES, number: 0 };
            record.connections[number] = Some(connection);
            device.socket = Some(connection);
            device.welcomed = device.socket;
            device.is_linked = true;
            open.push((number, connection));
        }
        record.active = Some(crate::record::Active { device: 0, lease: 1, from: 0, source: None });
        for (number, device) in devices.iter_mut().enumerate() {
            device.view = Some(record.view());
            device.held = (number == 0).then_some(1);
            device.sounding = device.held;
        }
        let node = Node { record: record.clone(), is_cut: false };
        vec![World {
            now: 0,
            record,
            nodes: [node.clone(), node],
            devices,
            open,
            commanded: 0,
            acked: 0,
            breaks: 0,
            doubts: 0,
            cuts: 0,
            joins: 0,
            seen: Seen::default(),
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        let bounds = &self.bounds;
        for device in 0..DEVICES {
            let it = &world.devices[device];
            let node = Self::node_of(world, device);
            let is_welcome = it.welcomed == it.socket && it.socket.is_some();
            if is_welcome && it.is_linked && it.unanswered.is_none() && world.commanded < bounds.commands {
                actions.extend([Command::Play, Command::Stop].map(|command| Action::Command(device, command)));
                let others = (0..DEVICES).filter(|other| *other != device || world.record.active.is_some());
                actions.extend(others.map(|to| Action::Command(device, Command::Transfer(to))));
            }
            if node.is_some() && !it.up.is_empty() {
                actions.push(Action::Take(device));
                if world.doubts < bounds.doubts {
                    actions.push(Action::Doubt(device));
                }
            }
            if it.is_linked && !it.down.is_empty() {
                actions.push(Action::Hear(device));
            }
            if it.is_linked && it.socket.is_some() && world.breaks < bounds.breaks {
                actions.push(Action::Break(device));
            }
            if !it.is_linked && it.socket.is_some() {
                actions.push(Action::Leave(device));
            }
            if it.socket.is_none() && world.joins < bounds.joins {
                actions.extend(
                    (0..NODES).filter(|node| !world.nodes[*node].is_cut).map(|node| Action::Join(device, node)),
                );
            }
        }
        for &(device, connection) in &world.open {
            let it = &world.devices[device];
            let is_dead = it.socket != Some(connection) || !it.is_linked;
            let is_waited_for = world.record.after.iter().any(|entry| entry.device == device);
            if !world.nodes[connection.node].is_cut && (is_dead || (is_waited_for && world.breaks < bounds.breaks)) {
                actions.push(Action::Close(device, connection));
            }
        }
        for node in 0..NODES {
            let it = &world.nodes[node];
            let has_sockets = world.open.iter().any(|(_, connection)| connection.node == node);
            if !it.is_cut && it.record != world.record {
                actions.push(Action::Learn(node));
            }
            if !it.is_cut && world.cuts < bounds.cuts {
                actions.push(Action::Cut(node));
            }
            if it.is_cut && has_sockets {
                actions.push(Action::CloseAll(node));
            }
            let is_known = world.record.connections.iter().flatten().any(|connection| connection.node == node);
            if it.is_cut && is_known && (!has_sockets || self.broken == Broken::NodeLost) {
                actions.push(Action::Lose(node));
            }
        }
        if world.now < bounds.ticks {
            actions.push(Action::Tick);
        }
    }

    fn next_state(&self, before: &World, action: Action) -> Option<World> {
        let mut world = before.clone();
        match action {
            Action::Command(device, command) => {
                let id = world.commanded;
                world.commanded += 1;
                world.devices[device].unanswered = Some((id, command));
                world.devices[device].up.push(ToNode::Command(id, command));
            }
            Action::Take(device) => self.take(&mut world, device, false)?,
            Action::Doubt(device) => {
                world.doubts += 1;
                self.take(&mut world, device, true)?;
            }
            Action::Hear(device) => {
                if let Some(id) = world.devices[device].hear(device, before.now, self.broken) {
                    world.acked |= 1 << id;
                }
                let prepares = world.devices[device].view.as_ref().and_then(|view| view.transfer);
                let is_ready = prepares.is_some_and(|transfer| transfer.to == device && transfer.lease.is_none());
                if is_ready && !world.devices[device].up.contains(&ToNode::Ready) {
                    world.devices[device].up.push(ToNode::Ready);
                }
            }
            Action::Learn(node) => Self::learn(&mut world, node),
            Action::Join(device, node) => {
                world.joins += 1;
                let connection = Connection { node, number: world.joins };
                let next = world.record.joined(device, connection);
                world.open.push((device, connection));
                let it = &mut world.devices[device];
                it.socket = Some(connection);
                it.is_linked = true;
                it.up.clear();
                it.down.clear();
                // Joining is a commit: what the welcome shows is what the database has.
                Self::commit(&mut world, node, next);
                world.devices[device].down = vec![ToDevice::Welcome(world.record.view())];
            }
            Action::Break(device) => {
                world.breaks += 1;
                let it = &mut world.devices[device];
                it.is_linked = false;
                it.up.clear();
                it.down.clear();
            }
            Action::Leave(device) => world.devices[device].socket = None,
            Action::Close(device, connection) => {
                let it = &world.devices[device];
                world.breaks += u8::from(it.socket == Some(connection) && it.is_linked);
                Self::close(&mut world, device, connection);
                let is_named = |of, at| of == device && (at == connection || self.broken == Broken::NamedConnection);
                if let Some(next) = world.record.ended(is_named) {
                    Self::commit(&mut world, connection.node, next);
                }
            }
            Action::Cut(node) => {
                world.cuts += 1;
                world.nodes[node].is_cut = true;
            }
            Action::CloseAll(node) => {
                let open = world.open.clone();
                for (device, connection) in open.into_iter().filter(|(_, connection)| connection.node == node) {
                    Self::close(&mut world, device, connection);
                }
            }
            Action::Lose(node) => {
                let next = world.record.ended(|_, connection| connection.node == node)?;
                world.seen.node_lost = true;
                Self::commit(&mut world, (node + 1) % NODES, next);
            }
            Action::Tick => {
                world.now += 1;
                let now = world.now;
                for (number, device) in world.devices.iter_mut().enumerate() {
                    device.sound(number, now, self.broken);
                }
            }
        }
        (world != *before).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let [audible, acknowledged, once] = PROMISES;
        let mut properties = vec![
            Property::<Self>::always(audible, |_, world| {
                // A device that has given its socket up knows that it is cut off.
                let is_connected = |device: &Device, number: usize| {
                    let socket = device.socket.filter(|socket| device.welcomed == Some(*socket));
                    socket.is_some_and(|socket| world.open.contains(&(number, socket)))
                };
                let sounding = world.devices.iter().enumerate();
                sounding.filter(|(number, device)| device.sounding.is_some() && is_connected(device, *number)).count()
                    <= 1
            }),
            Property::<Self>::always(acknowledged, |_, world| {
                (0..world.commanded).all(|id| world.acked & (1 << id) == 0 || world.record.is_answered(id))
            }),
            Property::<Self>::always(once, |_, world| world.record.applied.iter().all(|times| *times <= 1)),
        ];
        let met: [fn(&Self, &World) -> bool; 5] = [
            |_, world| world.seen.switched,
            |_, world| world.seen.conflicted,
            |_, world| world.doubts > 0 && world.acked != 0,
            |_, world| world.seen.node_lost,
            |_, world| world.devices[1].sounding.is_some() && world.record.after.is_empty(),
        ];
        properties.extend(RARE.iter().zip(met).map(|(name, met)| Property::<Self>::sometimes(name, met)));
        properties
    }
}
