//! The record and what events make of it: the lease, who is waited for, and the transfer, without positions and queues.

/// Devices of the user.
pub(crate) const DEVICES: usize = 3;
/// Nodes that share the database.
pub(crate) const NODES: usize = 2;

/// A command of a device.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Command {
    /// Play here, at once.
    Play,
    /// Hand the music over.
    Transfer(usize),
    /// No device shall play.
    Stop,
}

/// The right to sound; `lease` is the revision of its grant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Active {
    pub(crate) device: usize,
    pub(crate) lease: u8,
    /// Not before this instant.
    pub(crate) from: u8,
    /// The device that sounds until then, and its lease.
    pub(crate) source: Option<(usize, u8)>,
}

/// A replaced holder that may still sound.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct After {
    pub(crate) device: usize,
    pub(crate) lease: u8,
    /// The revision that replaced it.
    pub(crate) since: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Transfer {
    pub(crate) to: usize,
    /// The lease it will have, and the instant of the switch: set when the target is ready.
    pub(crate) lease: Option<(u8, u8)>,
}

/// A socket: the node it ends at, and a number of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Connection {
    pub(crate) node: usize,
    pub(crate) number: u8,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Record {
    pub(crate) revision: u8,
    pub(crate) active: Option<Active>,
    pub(crate) after: Vec<After>,
    pub(crate) transfer: Option<Transfer>,
    /// No grant begins before this instant: a source may sound until then.
    pub(crate) quiet_from: u8,
    /// Where each device is connected.
    pub(crate) connections: [Option<Connection>; DEVICES],
    /// How often each command was applied; more than once is a defect.
    pub(crate) applied: Vec<u8>,
}

/// What a device says.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum ToNode {
    Command(usize, Command),
    Ready,
    Yield { lease: u8, seen: u8, to: Option<u8> },
}

/// The rules that the checker may break to see that it notices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Broken {
    Nothing,
    /// A commit does not compare.
    CompareAndSet,
    /// A command that was applied is applied again.
    AnsweredCommands,
    /// A new holder does not wait for the one before.
    Waiting,
    /// A new grant drops the entries of `after` of an earlier one.
    WaitingForAll,
    /// A yield clears an entry that is newer than its `seen`.
    Seen,
    /// A grant after a switch begins before the source is silent.
    QuietFrom,
    /// The late end of an old socket counts for the new one.
    NamedConnection,
    /// A node is counted as lost before its sockets are closed.
    NodeLost,
    /// A command is acknowledged before its commit is known.
    Ack,
}

impl Record {
    /// What `said` makes of this, or nothing if it changes nothing.
    pub(crate) fn step(&self, now: u8, device: usize, message: ToNode, broken: Broken) -> Option<Self> {
        let mut next = Self { revision: self.revision + 1, ..self.clone() };
        match message {
            ToNode::Command(id, _) if self.is_answered(id) && broken != Broken::AnsweredCommands => {
                return None;
            }
            ToNode::Command(id, command) => {
                next.applied[id] += 1;
                match command {
                    Command::Play => next.grant(device, broken),
                    Command::Stop => next.revoke(broken),
                    Command::Transfer(to) => next.begin_transfer(to, broken),
                }
            }
            ToNode::Ready => {
                let transfer = next.transfer.as_mut().filter(|it| it.to == device && it.lease.is_none())?;
                transfer.lease = Some((next.revision, now + 1));
            }
            ToNode::Yield { lease, seen, to } => {
                return self.yielded(next, device, lease, seen, to, broken);
            }
        }
        Some(next)
    }

    pub(crate) fn is_answered(&self, id: usize) -> bool {
        self.applied[id] > 0
    }

    fn grant(&mut self, device: usize, broken: Broken) {
        self.revoke(broken);
        self.after.retain(|entry| entry.device != device);
        let from = if broken == Broken::QuietFrom { 0 } else { self.quiet_from };
        self.active = Some(Active { device, lease: self.revision, from, source: None });
    }

    fn revoke(&mut self, broken: Broken) {
        self.transfer = None;
        if broken == Broken::WaitingForAll {
            self.after.clear();
        }
        if let Some(holder) = self.active.take().filter(|holder| self.connections[holder.device].is_some()) {
            self.after.push(After { device: holder.device, lease: holder.lease, since: self.revision });
        }
    }

    fn begin_transfer(&mut self, to: usize, broken: Broken) {
        let source = self.active.filter(|active| self.connections[active.device].is_some());
        if self.connections[to].is_none() || self.active.is_some_and(|active| active.device == to) {
            return;
        }
        match source {
            Some(_) if self.after.is_empty() => self.transfer = Some(Transfer { to, lease: None }),
            _ => self.grant(to, broken),
        }
    }

    fn yielded(
        &self,
        mut next: Self,
        device: usize,
        lease: u8,
        seen: u8,
        to: Option<u8>,
        broken: Broken,
    ) -> Option<Self> {
        let is_active = self.active.is_some_and(|active| (active.device, active.lease) == (device, lease));
        if let (true, Some(Transfer { to: target, lease: Some((granted, at)) })) = (is_active, self.transfer)
            && to == Some(granted)
        {
            next.transfer = None;
            next.quiet_from = next.quiet_from.max(at);
            let source = Some((device, lease));
            next.active = Some(Active { device: target, lease: granted, from: next.quiet_from, source });
            return Some(next);
        }
        let clears = |entry: &After| {
            (entry.device, entry.lease) == (device, lease) && (seen >= entry.since || broken == Broken::Seen)
        };
        next.after.retain(|entry| !clears(entry));
        (next.after != self.after).then_some(next)
    }

    /// A device has a new socket.
    pub(crate) fn joined(&self, device: usize, connection: Connection) -> Self {
        let mut next = Self { revision: self.revision + 1, ..self.clone() };
        next.connections[device] = Some(connection);
        next
    }

    /// Sockets have ended: their devices can no longer sound as connected ones.
    pub(crate) fn ended(&self, is_over: impl Fn(usize, Connection) -> bool) -> Option<Self> {
        let mut next = Self { revision: self.revision + 1, ..self.clone() };
        for device in 0..DEVICES {
            if self.connections[device].is_some_and(|connection| is_over(device, connection)) {
                next.connections[device] = None;
                next.after.retain(|entry| entry.device != device);
                if next.transfer.is_some_and(|transfer| transfer.to == device) {
                    next.transfer = None;
                }
            }
        }
        (next.connections != self.connections).then_some(next)
    }

    /// What devices are shown.
    pub(crate) fn view(&self) -> View {
        View { revision: self.revision, active: self.active, after: self.after.clone(), transfer: self.transfer }
    }
}

/// The `playback` object as far as it is modelled.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct View {
    pub(crate) revision: u8,
    pub(crate) active: Option<Active>,
    pub(crate) after: Vec<After>,
    pub(crate) transfer: Option<Transfer>,
}
