//! The rules of a session, pure: [`SessionState::step`] never fails, waits, logs, randomises or reads a clock.
//!
//! A step changes the state and pushes [`Effect`]s. The frames that all devices get (`playback`, `devices`) are not
//! effects: the caller compares [`SessionState::shown`] before and after, so that several steps lead to one frame.

mod copy_on_write;
pub mod devices;
pub mod invariants;
pub mod queue;

mod bounds;
mod commands;
mod events;
mod identity;
mod lease;
mod names;
mod plays;
mod presence;
mod queueing;
mod reject;
mod reports;
mod transfer;

use crate::protocol::close::CloseReason;
use crate::protocol::device::DeviceList;
use crate::protocol::ids::{CommandId, ConnectionId, DeviceId, InstanceId, ItemId, Micros, NodeId, Stamp};
use crate::protocol::playback::Playback;
use devices::{Device, Devices};
use identity::PendingJoin;
use plays::Listen;
use queue::Queue;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub use copy_on_write::CopyOnWrite;
pub use events::{Asked, DeviceEvent, Event, Join, Leaving};
pub use plays::Play;
pub use reject::Reject;

/// Everything of a session that the database keeps, except the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The stamp of the last change of anything in the session.
    pub stamp: Stamp,
    /// The identity of the database in which the epoch began. In a database with another identity stamps that were
    /// shown may be missing.
    #[serde(default)]
    pub database: u64,
    /// What plays.
    pub playback: Playback,
    /// The revision of the device list's last change.
    pub devices_revision: u64,
    /// The listed devices, and what is kept of earlier ones.
    pub devices: CopyOnWrite<Devices>,
    /// How long the current item was heard since it became current.
    #[serde(rename = "stay")]
    listen: Listen,
    /// Number of the next queue entry in this epoch.
    next_item: u64,
    /// How many items have failed in a row.
    failures: u8,
    /// Until this instant an earlier holder may sound (the source of the last switch; in strict mode a device that is
    /// cut off): no later grant begins sooner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quiet_from: Option<Micros>,
}

impl Record {
    /// The revision of the queue that belongs to this record.
    #[must_use]
    pub const fn queue_revision(&self) -> u64 {
        self.playback.queue_revision
    }

    /// The device list as it is sent to devices.
    #[must_use]
    pub fn device_list(&self) -> DeviceList {
        DeviceList {
            epoch: self.stamp.epoch,
            devices_revision: self.devices_revision,
            devices: self.devices.iter().map(Device::view).collect(),
        }
    }
}

/// Numbers of the protocol that an operator may set, and limits that are always in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long a device stays in the list after an unclean end of its socket, in milliseconds.
    pub grace_ms: i64,
    /// Added to the grace where many devices come back at once (a load, the loss of a node, a close that asks to come
    /// back), in milliseconds.
    pub jitter_ms: i64,
    /// How long a replaced holder may take to confirm that it is silent, in milliseconds.
    pub yield_ms: i64,
    /// Most devices in the list.
    pub devices: usize,
    /// Most entries in the queue.
    pub queue_items: usize,
    /// Most tracks or entries named by one command.
    pub tracks_per_command: usize,
    /// How long after its newest `welcome` or `ping` a device that is cut off falls silent, in milliseconds; `None`
    /// outside strict mode.
    pub strict_ms: Option<i64>,
    /// Other nodes may have sockets of the same user: a change is written to the database before it is shown.
    pub is_shared: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            grace_ms: 10_000,
            jitter_ms: 5_000,
            yield_ms: 1_000,
            devices: 32,
            queue_items: 10_000,
            tracks_per_command: 500,
            strict_ms: None,
            is_shared: false,
        }
    }
}

/// What a step asks its caller to do. Nothing of it is done if the change is dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The change must be written to the database: before anything is shown, or soon after.
    Commit(Durability),
    /// The device gets its `welcome` under this id.
    Welcome(ConnectionId, DeviceId),
    /// The command was accepted and is in the database: its `ack`, with the revision that it made.
    Ack(ConnectionId, CommandId, u64),
    /// The command was not accepted and changed nothing: its `reject`.
    Reject(ConnectionId, CommandId, Reject),
    /// One device gets the current `playback` again.
    ShowPlayback(ConnectionId),
    /// The playback changed by nothing but a report whose author adds its reports to what it was sent.
    OwnReport(OwnReport),
    /// One device gets the current `devices` again.
    ShowDevices(ConnectionId),
    /// One device gets a page of the queue: the index of its first entry, and the most entries.
    ShowQueue(ConnectionId, usize, usize),
    /// A program without a socket gets the whole state ([`Asked::Look`]).
    ShowAll(ConnectionId),
    /// A socket is to be closed.
    Close(ConnectionId, CloseReason),
    /// The device at a socket is probed: it answers within 2 s ([`DeviceEvent::Alive`]), or its socket is closed.
    Probe(ConnectionId),
    /// A listen has become a play. The database keeps it once, however often this effect is pushed.
    Played(Play),
}

/// What a report has changed, as its author knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnReport {
    /// The socket of its author.
    pub connection: ConnectionId,
    /// The stamp of the newest playback that its author was sent.
    pub seen: Stamp,
    /// The stamp of the playback before the report.
    pub before: Stamp,
    /// The stamp of the playback that the report made.
    pub after: Stamp,
}

/// When a change is written to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// It may be shown first and written within 2 s, where this is the only node.
    Soon,
    /// It is written before it is shown.
    Now,
}

/// The stamps of what every device is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// The stamp of the playback.
    pub playback: Stamp,
    /// The stamp of the device list.
    pub devices: Stamp,
}

/// The socket of a replaced holder that must confirm silence, and its deadline.
type Wait = (ConnectionId, Micros);

/// The session of one user. Cheap to clone: record and queue are shared until they change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionState {
    record: Arc<Record>,
    queue: Arc<Queue>,
    node: NodeId,
    limits: Limits,
    /// Sockets at this node of replaced holders that must confirm silence, each with its deadline.
    waits: Vec<Wait>,
    /// Joins that wait while another instance of their id is probed (R9), in order of arrival.
    pending_joins: Vec<PendingJoin>,
}

/// The instant of a step and the stamp that its change gets.
#[derive(Debug, Clone, Copy)]
struct At {
    now: Micros,
    stamp: Stamp,
}

impl SessionState {
    /// The first session of a user, under an epoch above `floor`.
    #[must_use]
    pub fn new(now: Micros, floor: u64, node: NodeId, limits: Limits) -> Self {
        let stamp = Stamp { epoch: epoch_above(floor, now), revision: 1 };
        let record = Record {
            stamp,
            database: 0,
            playback: Playback::new(stamp, now),
            devices_revision: stamp.revision,
            devices: CopyOnWrite::default(),
            listen: Listen::default(),
            next_item: 0,
            failures: 0,
            quiet_from: None,
        };
        Self::resume((record, Arc::default()), node, limits)
    }

    /// The session as it is in the database, under the same epoch.
    #[must_use]
    pub fn resume((record, queue): (Record, Arc<Queue>), node: NodeId, limits: Limits) -> Self {
        Self { record: Arc::new(record), queue, node, limits, waits: Vec::new(), pending_joins: Vec::new() }
    }

    /// Sets the identity of the database in which the epoch began.
    pub(crate) fn begun_in(mut self, database: u64) -> Self {
        self.edit().database = database;
        self
    }

    /// Applies one event at `now` and pushes its effects.
    pub fn step(&mut self, now: Micros, event: Event, effects: &mut Vec<Effect>) {
        let mut at = At { now, stamp: self.record.stamp.next() };
        let heard_until = match event {
            Event::Leave { how: Leaving::Lost(last) | Leaving::SentAway(last), .. } | Event::NodeLost { last, .. } => {
                last.min(now)
            }
            _ => now,
        };
        let expected = self.expected_by_its_author(&event);
        self.count_play(heard_until, effects);
        match event {
            Event::Join(join) => {
                if let Some(seen) = self.lost_stamp(&join) {
                    at.stamp.epoch = epoch_above(seen.epoch, now);
                    self.begin_epoch(at, effects);
                }
                self.join(at, *join, effects);
            }
            Event::Leave { connection, how } => self.leave(at, connection, how, effects),
            Event::Device { connection, event } => match self.record.devices.by_connection(connection) {
                Some(device) => {
                    let sender = Sender {
                        connection,
                        device_id: device.id,
                        instance: device.instance,
                        plays: device.plays,
                        controls: device.controls,
                    };
                    self.hear(at, sender, event, effects);
                }
                None if self.is_pending_join(connection) => {}
                None => effects.push(Effect::Close(connection, CloseReason::Replaced)),
            },
            Event::NodeLost { node, last } => {
                for connection in self.record.devices.connections_on(node) {
                    self.leave(at, connection, Leaving::SentAway(last), effects);
                }
            }
            Event::Asked { connection, asked: Asked::Look } => effects.push(Effect::ShowAll(connection)),
            Event::Asked { connection, asked: Asked::Command { command, seed } } => {
                self.command(at, Author::Program(connection), (&command, &[]), seed, effects);
            }
            Event::Deadline => self.meet_deadlines(at, effects),
        }
        self.settle_pending_joins(at, effects);
        self.tend_transfer(at, effects);
        self.watch_replaced_holders(now);
        if let Some((own, _)) = expected.filter(|(_, expected)| *expected == self.record.playback) {
            effects.push(Effect::OwnReport(own));
        }
    }

    /// Of a report whose author adds it to what it was sent: what it changes then, under the next stamp, and to what.
    fn expected_by_its_author(&self, event: &Event) -> Option<(OwnReport, Playback)> {
        let Event::Device { connection, event: DeviceEvent::Report(report) } = event else { return None };
        let (before, after) = (self.record.playback.stamp(), self.record.stamp.next());
        let own = OwnReport { connection: *connection, seen: report.seen?, before, after };
        let expected = report.added_to(&self.record.playback);
        Some((own, Playback { epoch: after.epoch, revision: after.revision, ..expected }))
    }

    fn hear(&mut self, at: At, sender: Sender, event: DeviceEvent, effects: &mut Vec<Effect>) {
        match event {
            DeviceEvent::Command { command, seed, others } => {
                self.command(at, Author::Device(sender), (&command, &others), seed, effects);
            }
            DeviceEvent::Report(report) => self.report(at, sender, report, effects),
            DeviceEvent::Ready(ready) => self.ready(at, sender, ready, effects),
            DeviceEvent::Yield(yielded) if yielded.to.is_some() => self.switch(at, sender, yielded, effects),
            DeviceEvent::Yield(yielded) => self.yielded(at, sender, yielded, effects),
            DeviceEvent::Ended(ended) => self.ended(at, sender, ended, effects),
            DeviceEvent::Volume(change) => self.volume_turned(at, sender, change, effects),
            DeviceEvent::Queue { from, limit } => effects.push(Effect::ShowQueue(sender.connection, from, limit)),
            DeviceEvent::Alive => self.tell_apart(at, sender.device_id, effects),
        }
    }

    /// When [`Event::Deadline`] is due, if ever. Each node keeps the deadlines of replaced holders with a socket there.
    /// Departures from the list, the deadline of a transfer and plays belong to no node in particular: the node of the
    /// first listed device that has a socket steps them, so that nodes do not do it all at once (R17).
    #[must_use]
    pub fn next_deadline(&self) -> Option<Micros> {
        let waits = self.waits.iter().map(|(_, until_us)| *until_us).min();
        let keeper = self.record.devices.iter().find_map(|device| device.presence.socket());
        if keeper.is_some_and(|(node, _)| node != self.node) {
            return waits;
        }
        let transfer = self.record.playback.transfer.map(|transfer| transfer.deadline_us);
        [self.record.devices.next_departure(), waits, transfer, self.play_is_due()].into_iter().flatten().min()
    }

    /// What the database keeps.
    #[must_use]
    pub const fn record(&self) -> &Arc<Record> {
        &self.record
    }

    /// The queue at [`Record::queue_revision`].
    #[must_use]
    pub const fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    /// What plays.
    #[must_use]
    pub fn playback(&self) -> &Playback {
        &self.record.playback
    }

    /// The listed devices, and what is kept of earlier ones.
    #[must_use]
    pub fn devices(&self) -> &Devices {
        &self.record.devices
    }

    /// The stamps of what every device is shown.
    #[must_use]
    pub fn shown(&self) -> Shown {
        let epoch = self.record.stamp.epoch;
        Shown {
            playback: self.record.playback.stamp(),
            devices: Stamp { epoch, revision: self.record.devices_revision },
        }
    }

    /// The record, to change it; other owners of the `Arc` keep it unchanged.
    fn edit(&mut self) -> &mut Record {
        Arc::make_mut(&mut self.record)
    }

    /// Called before the playback changes: gives it the stamp of this step, and no author.
    fn touch_playback(&mut self, at: At) {
        self.touch(at);
        if self.record.playback.stamp() != at.stamp {
            let playback = &mut self.edit().playback;
            (playback.epoch, playback.revision, playback.by) = (at.stamp.epoch, at.stamp.revision, None);
        }
    }

    /// Called before the device list changes: gives it the revision of this step.
    fn touch_devices(&mut self, at: At) {
        self.touch(at);
        self.edit().devices_revision = at.stamp.revision;
    }

    /// Called before anything of the record changes: gives it the stamp of this step.
    fn touch(&mut self, at: At) {
        self.edit().stamp = at.stamp;
    }
}

/// The device that sends an event.
#[derive(Debug, Clone, Copy)]
struct Sender {
    connection: ConnectionId,
    device_id: DeviceId,
    instance: InstanceId,
    plays: bool,
    controls: bool,
}

/// Who sends a command.
#[derive(Debug, Clone, Copy)]
enum Author {
    Device(Sender),
    /// A program without a socket, and where its answer goes.
    Program(ConnectionId),
}

impl Author {
    const fn connection(self) -> ConnectionId {
        match self {
            Self::Device(sender) => sender.connection,
            Self::Program(connection) => connection,
        }
    }

    const fn device(self) -> Option<Sender> {
        match self {
            Self::Device(sender) => Some(sender),
            Self::Program(_) => None,
        }
    }
}

/// A `seen` of a device whose epoch is not below this (the year 2109, in Unix milliseconds) is ignored, so that no
/// device can use all epochs up.
const MOST_EPOCH: u64 = 1 << 42;

/// An epoch above `floor`, and at least the Unix time in milliseconds, so that it is new also after an older copy of
/// the database was restored.
fn epoch_above(floor: u64, now: Micros) -> u64 {
    let unix_ms = u64::try_from(now.0.div_euclid(1_000)).unwrap_or(0);
    unix_ms.max(floor.saturating_add(1))
}

/// The id of queue entry number `counter` in `epoch`: never repeated, also after an older copy of the database was
/// restored.
fn item_id(epoch: u64, counter: u64) -> ItemId {
    ItemId((epoch << 22).wrapping_add(counter))
}
