//! What happens to a session.

use super::devices::Description;
use super::queue::Resolved;
use crate::protocol::ids::{CommandId, ConnectionId, DeviceId, InstanceId, MediaId, Micros, NodeId, Stamp};
use crate::protocol::messages::{Command, Ended, Ready, Report, Sound, VolumeChange, Yield};

/// As many tracks as this count as one more event.
const TRACKS: usize = 500;

/// A device that has sent a valid `hello`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    /// Its new socket.
    pub connection: ConnectionId,
    /// The id in its `hello`; a new one for a device without an id.
    pub device_id: DeviceId,
    /// The id it gets if another instance with `device_id` answers its probe (cloned storage).
    pub spare_id: DeviceId,
    /// The instance of the device.
    pub instance: InstanceId,
    /// How it describes itself.
    pub description: Description,
    /// The newest stamp it was shown.
    pub seen: Option<Stamp>,
    /// The number of its `hello` within the instance, if it told.
    pub attempt: Option<u32>,
}

/// How a socket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// `bye` or a clean close: no grace.
    Clean,
    /// Closed by the server for good: no grace. The device may not have received the close.
    Dismissed,
    /// An unclean end; the last sign of life was at this instant.
    Lost(Micros),
    /// Closed by the server with a code that asks to come back: the grace is longer by the jitter. The last sign of
    /// life was at this instant.
    SentAway(Micros),
}

/// What happens to a session.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A device joins.
    Join(Box<Join>),
    /// A socket has ended.
    Leave {
        /// The socket.
        connection: ConnectionId,
        /// How it ended.
        how: Leaving,
    },
    /// A device sent a device event.
    Device {
        /// The socket of the device.
        connection: ConnectionId,
        /// The device event.
        event: DeviceEvent,
    },
    /// A node is counted as lost (R17): its sockets are closed, or its process has ended.
    NodeLost {
        /// The node.
        node: NodeId,
        /// When it was last surely alive.
        last: Micros,
    },
    /// A program without a socket asks for something.
    Asked {
        /// The connection that gets the answer; never the socket of a device.
        connection: ConnectionId,
        /// The request.
        asked: Asked,
    },
    /// The instant of [`SessionState::next_deadline`](super::SessionState::next_deadline) has come.
    Deadline,
}

impl Event {
    /// How many events of ordinary size take as much memory: a command may contain as many tracks as a queue.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Device { event: DeviceEvent::Command { command, .. }, .. }
            | Self::Asked { asked: Asked::Command { command, .. }, .. } => 1 + command.op.tracks().len() / TRACKS,
            _ => 1,
        }
    }

    /// The socket and the device id of a join; `None` for other events.
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
    /// The current state of the session.
    Look,
    /// A command, as from a device that controls and does not play. Its answer is not kept: the same command sent again
    /// is applied again (R4).
    Command {
        /// The command.
        command: Box<Command<Resolved>>,
        /// 64 random bits, for the order of a shuffle.
        seed: u64,
    },
}

/// A device event: what a device tells its session.
#[derive(Debug, Clone, PartialEq)]
pub enum DeviceEvent {
    /// A command.
    Command {
        /// The command.
        command: Box<Command<Resolved>>,
        /// 64 random bits, for the order of a shuffle.
        seed: u64,
        /// Earlier commands that were coalesced into this one: they get its answer.
        others: Vec<CommandId>,
    },
    /// What the active device says of its audio.
    Report(Report),
    /// The target of a transfer is ready.
    Ready(Ready),
    /// It is silent, or will be at the instant of a switch.
    Yield(Yield),
    /// An item came to its end.
    Ended(Ended),
    /// Its volume was changed on the device itself.
    Volume(VolumeChange),
    /// It asks for a page of the queue.
    Queue {
        /// First entry, from 0.
        from: usize,
        /// At most this many.
        limit: usize,
    },
    /// It answered a probe ([`Effect::Probe`](super::Effect::Probe)).
    Alive,
}

impl DeviceEvent {
    /// A command whose tracks were looked up in the catalogue; `seed` is 64 random bits.
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

    /// The ids of the commands that this event contains, each of which needs an answer.
    pub fn commands(&self) -> impl Iterator<Item = CommandId> + '_ {
        let (others, command) = match self {
            Self::Command { command, others, .. } => (others.as_slice(), Some(command.id)),
            _ => ([].as_slice(), None),
        };
        others.iter().copied().chain(command)
    }
}
