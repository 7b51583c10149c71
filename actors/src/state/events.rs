//! What happens to a session.

use super::devices::Description;
use super::queue::Resolved;
use crate::protocol::ids::{CommandId, ConnectionId, DeviceId, InstanceId, MediaId, Micros, NodeId, Stamp};
use crate::protocol::messages::{Command, Ended, Ready, Report, Sound, VolumeChange, Yield};
use crate::protocol::wire::ClientMessage;

/// A device that said a valid `hello`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    /// Its new socket.
    pub connection: ConnectionId,
    /// The id it goes by; a fresh one for a device that has none.
    pub device_id: DeviceId,
    /// The id it gets if another living device has `device_id` (cloned storage).
    pub spare_id: DeviceId,
    /// This instance of it.
    pub instance: InstanceId,
    /// What it says of itself.
    pub description: Description,
    /// The newest stamp it was shown.
    pub seen: Option<Stamp>,
}

/// How a socket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// `bye` or a clean close: no grace.
    Clean,
    /// Sent away for good: no grace, and it may not have heard of it.
    Dismissed,
    /// Without a word; last heard of at this instant.
    Lost(Micros),
    /// Asked to come back: the grace is longer by the jitter. Last heard of at this instant.
    SentAway(Micros),
}

/// What happens to a session.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A device has come.
    Join(Box<Join>),
    /// A socket has ended.
    Leave {
        /// Which.
        connection: ConnectionId,
        /// How.
        how: Leaving,
    },
    /// A device said something.
    Device {
        /// On this socket.
        connection: ConnectionId,
        /// What.
        event: DeviceEvent,
    },
    /// A node has lost touch with the database: its sockets are closed, or nobody is at them.
    NodeLost {
        /// Which.
        node: NodeId,
        /// When it was surely alive.
        last: Micros,
    },
    /// A program without a socket asks.
    Asked {
        /// To whom the answer goes: never a device's socket.
        connection: ConnectionId,
        /// What.
        asked: Asked,
    },
    /// Time has come to [`SessionState::next_deadline`](super::SessionState::next_deadline).
    Deadline,
}

impl Event {
    /// The socket and the device that come, if any do.
    #[must_use]
    pub fn joining(&self) -> Option<(ConnectionId, DeviceId)> {
        match self {
            Self::Join(join) => Some((join.connection, join.device_id)),
            _ => None,
        }
    }
}

/// What a program without a socket asks.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// What plays, where, and what comes.
    Look,
    /// A command, as of a device that controls and does not play. It is not kept, so one that is repeated is another one.
    Command {
        /// The command.
        command: Box<Command<Resolved>>,
        /// 64 random bits.
        seed: u64,
    },
}

/// What a device says.
#[derive(Debug, Clone, PartialEq)]
pub enum DeviceEvent {
    /// A command; `seed` is random, for an order of songs.
    Command {
        /// The command.
        command: Box<Command<Resolved>>,
        /// 64 random bits.
        seed: u64,
        /// Earlier commands of the same series, which this one stands for: they are answered as it is.
        others: Vec<CommandId>,
    },
    /// What is true on the active device.
    Report(Report),
    /// The target of a transfer is ready.
    Ready(Ready),
    /// It is silent.
    Yield(Yield),
    /// An item came to its end.
    Ended(Ended),
    /// A hand turned its volume.
    Volume(VolumeChange),
    /// It wants a page of the queue.
    Queue {
        /// First entry, from 0.
        from: usize,
        /// At most this many.
        limit: usize,
    },
    /// It was asked whether it lives ([`Effect::Probe`](super::Effect::Probe)), and it does.
    Alive,
}

impl DeviceEvent {
    /// What a message tells the session; `None` for one that is answered at its socket. A command needs its tracks:
    /// [`DeviceEvent::command`].
    #[must_use]
    pub fn of(message: &ClientMessage) -> Option<Self> {
        match message {
            ClientMessage::Report(report) => Some(Self::Report(*report)),
            ClientMessage::Ready(ready) => Some(Self::Ready(*ready)),
            ClientMessage::Yield(yielded) => Some(Self::Yield(*yielded)),
            ClientMessage::Ended(ended) => Some(Self::Ended(*ended)),
            ClientMessage::Volume(change) => Some(Self::Volume(*change)),
            ClientMessage::Queue { from, limit } => Some(Self::Queue { from: *from, limit: *limit }),
            ClientMessage::Hello(_)
            | ClientMessage::Time { .. }
            | ClientMessage::Command(_)
            | ClientMessage::BadCommand { .. }
            | ClientMessage::Pong
            | ClientMessage::Bye { .. }
            | ClientMessage::Unknown => None,
        }
    }

    /// A command whose tracks were found; `seed` is 64 random bits.
    #[must_use]
    pub fn command(requested: Command<MediaId>, tracks: Vec<Resolved>, seed: u64) -> Self {
        let Command { id, if_item, if_queue_revision, if_lease, op } = requested;
        let op = op.with_tracks(tracks);
        let command = Box::new(Command { id, if_item, if_queue_revision, if_lease, op });
        Self::Command { command, seed, others: Vec::new() }
    }

    /// Whether this may change something that must be durable before it is shown.
    pub(crate) const fn needs_commit(&self) -> bool {
        match self {
            Self::Command { .. } | Self::Ended(_) => true,
            Self::Report(report) => matches!(report.status, Sound::Failed),
            Self::Yield(yielded) => yielded.to.is_some(),
            Self::Ready(_) | Self::Volume(_) | Self::Queue { .. } | Self::Alive => false,
        }
    }

    /// The commands that this asks to be answered.
    pub fn commands(&self) -> impl Iterator<Item = CommandId> + '_ {
        let (others, command) = match self {
            Self::Command { command, others, .. } => (others.as_slice(), Some(command.id)),
            _ => ([].as_slice(), None),
        };
        others.iter().copied().chain(command)
    }
}
