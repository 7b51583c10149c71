//! The real actors over the memory twins, with time that passes only when a test says so.

mod anew;
mod bad_frames;
mod cluster;
mod durability;
mod life;
mod limits;
mod lists;
mod misuse;
mod neighbours;
mod programs;
mod rates;
mod slow_store;

use segue_actors::directory::Directory;
use segue_actors::node::ports::{Clock, Cluster, Nodes};
use segue_actors::node::{Sessions as _, Timing, World};
use segue_actors::protocol::device::{DeviceKind, DeviceList, HelloDevice};
use segue_actors::protocol::ids::{
    ClockId, CommandId, DeviceId, InstanceId, ItemId, MediaId, Micros, NodeId, Stamp, UserId,
};
use segue_actors::protocol::messages::{Command, Op, Report, Sound};
use segue_actors::protocol::playback::{MediaKind, Playback, Status};
use segue_actors::protocol::wire::{ClientMessage, Hello, ServerMessage, Welcome};
use segue_actors::session::LibraryChange;
use segue_actors::socket::{Incoming, SocketActor, Writable};
use segue_actors::state::Limits;
use segue_actors::state::queue::Resolved;
use segue_actors::testing::memory::{MemoryLine, MemoryLogins, MemoryNodes, MemorySocket, MemoryStore, MemoryTracks};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;

const ANNA: UserId = UserId(1);
const BERT: UserId = UserId(2);
const TRACK_MS: i64 = 200_000;

/// A node over twins of the ports. Another node over the same twins is the next run of the server.
pub(crate) struct Node {
    directory: Arc<Directory>,
    store: Arc<MemoryStore>,
    nodes: Arc<MemoryNodes>,
    tracks: Arc<MemoryTracks>,
    logins: Arc<MemoryLogins>,
}

impl Node {
    pub(crate) fn new() -> Self {
        Self::with_heartbeat(2_000)
    }

    fn with_heartbeat(heartbeat_ms: i64) -> Self {
        Self::over(Arc::default(), Arc::new(MemoryNodes::first(NodeId(1))), None, heartbeat_ms)
    }

    /// The next run of the server, over the same store.
    fn again(&self) -> Self {
        Self::over(self.store.clone(), Arc::new(self.nodes.again(NodeId(2))), None, 2_000)
    }

    fn over(
        store: Arc<MemoryStore>,
        nodes: Arc<MemoryNodes>,
        cluster: Option<Arc<dyn Cluster>>,
        heartbeat_ms: i64,
    ) -> Self {
        Self::set(store, nodes, cluster, |world| world.timing = Timing::of_heartbeat(heartbeat_ms))
    }

    /// A node whose numbers the test sets.
    fn set(
        store: Arc<MemoryStore>,
        nodes: Arc<MemoryNodes>,
        cluster: Option<Arc<dyn Cluster>>,
        set: impl FnOnce(&mut World),
    ) -> Self {
        let track = |id| Resolved { media_id: MediaId(id), kind: MediaKind::Track, duration_ms: Some(TRACK_MS) };
        let chance = AtomicU64::new(nodes.this().0 * 1_000);
        let logins = [("anna", ANNA), ("anna, once more", ANNA), ("bert", BERT)];
        let logins = Arc::new(MemoryLogins::of(logins));
        let tracks = Arc::new(MemoryTracks::of((1..100).map(track)));
        let mut world = World {
            store: store.clone(),
            nodes: nodes.clone(),
            cluster,
            tracks: tracks.clone(),
            logins: logins.clone(),
            clock: Clock::starting_at(ClockId(1), Micros(1_700_000_000_000_000)),
            random: Arc::new(move || chance.fetch_add(1_001, Ordering::Relaxed)),
            limits: Limits::default(),
            timing: Timing::of_heartbeat(2_000),
            audio_ms: 600_000,
            is_strict: false,
        };
        set(&mut world);
        let directory = Directory::new(world);
        let followed = directory.clone();
        actix::spawn(async move { followed.follow_logins().await });
        Self { directory, store, nodes, tracks, logins }
    }

    pub(crate) fn connect(&self) -> Device {
        let line = MemoryLine::default();
        let (sender, receiver) = mpsc::unbounded_channel();
        let socket = line.socket();
        let addr = SocketActor::start(move |_| socket, Feed(receiver), self.directory.clone(), None);
        Device { line, sender: Some(sender), addr, playback: None, devices: None, welcome: None, rest: Vec::new() }
    }

    /// Anna has changed what she keeps, by a request.
    pub(crate) fn has_changed(&self, changed: LibraryChange) {
        self.directory.changed(ANNA, changed);
    }

    async fn join(&self, token: &str, name: &str, number: u64) -> Device {
        let mut device = self.connect();
        device.hello(token, name, number);
        device.settle().await;
        device
    }
}

/// A node and its one device, which was given some tracks.
async fn one_device(tracks: &[u64]) -> (Node, Device) {
    tokio::time::pause();
    let node = Node::new();
    let mut kitchen = node.join("anna", "Kitchen", 1).await;
    if !tracks.is_empty() {
        kitchen.play(10, tracks);
        kitchen.settle().await;
    }
    (node, kitchen)
}

/// A node and two devices of one user.
async fn two_devices() -> (Node, Device, Device) {
    let (node, kitchen) = one_device(&[]).await;
    let phone = node.join("anna", "Phone", 2).await;
    (node, kitchen, phone)
}

struct Feed(mpsc::UnboundedReceiver<Incoming>);

impl futures_core::Stream for Feed {
    type Item = Incoming;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Incoming>> {
        self.0.poll_recv(context)
    }
}

/// A device as the far end of a socket, which remembers what it was shown.
pub(crate) struct Device {
    line: MemoryLine,
    sender: Option<mpsc::UnboundedSender<Incoming>>,
    addr: actix::Addr<SocketActor<MemorySocket>>,
    welcome: Option<Welcome>,
    playback: Option<Playback>,
    devices: Option<DeviceList>,
    /// Frames other than the playback and the device list.
    rest: Vec<ServerMessage>,
}

impl Device {
    fn send(&self, message: &ClientMessage) {
        self.feed(Incoming::Text(message.encode()));
    }

    pub(crate) fn feed(&self, incoming: Incoming) {
        // A test may speak to a socket that the server has closed.
        let _ = self.sender.as_ref().expect("the line is not cut").send(incoming);
    }

    fn hello(&mut self, token: &str, name: &str, number: u64) {
        self.hello_as(token, name, number, number);
    }

    /// As an instance of a device: a copy of its storage, or a page that was loaded again.
    fn hello_as(&mut self, token: &str, name: &str, number: u64, instance: u64) {
        self.send(&ClientMessage::Hello(Box::new(Hello {
            token: Some(token.to_owned()),
            device: HelloDevice {
                id: Some(DeviceId(number)),
                instance: InstanceId(instance),
                name: name.to_owned(),
                kind: DeviceKind::Terminal,
                plays: true,
                controls: true,
                volume: None,
            },
            seen: None,
            attempt: None,
        })));
    }

    fn command(&self, id: u64, op: Op<MediaId>) {
        let if_item =
            self.playback.as_ref().and_then(|shown| shown.item).filter(|_| matches!(op, Op::Next)).map(|item| item.id);
        let command = Command { id: CommandId(id), if_item, if_queue_revision: None, if_lease: None, op };
        self.send(&ClientMessage::Command(Box::new(command)));
    }

    fn play(&self, id: u64, tracks: &[u64]) {
        let tracks = tracks.iter().copied().map(MediaId).collect();
        self.command(id, Op::play(tracks));
    }

    /// Reports of what it was last shown.
    fn report(&self, status: Sound, position_ms: i64, at_us: Micros) {
        let shown = self.playback.as_ref().expect("it was shown something");
        self.send(&ClientMessage::Report(Report {
            lease: shown.active.map_or(Stamp::default(), |active| active.lease),
            turn: shown.turn,
            item: shown.item.map_or(ItemId(0), |item| item.id),
            position_ms,
            at_us,
            status,
            seen: None,
        }));
    }

    /// Lets everything that can happen now happen; what came.
    pub(crate) async fn frames(&self) -> Vec<Arc<str>> {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        self.line.take()
    }

    /// The same, read.
    async fn settle(&mut self) {
        for frame in self.frames().await {
            match ServerMessage::decode(&frame).expect("the server sends messages") {
                ServerMessage::Welcome(welcome) => {
                    self.playback = Some(welcome.playback.clone());
                    self.devices = Some(welcome.devices.clone());
                    self.welcome = Some(*welcome);
                }
                ServerMessage::Playback(playback) => {
                    if self.playback.as_ref().is_none_or(|shown| shown.stamp() < playback.stamp()) {
                        self.playback = Some(*playback);
                    }
                }
                ServerMessage::Devices(devices) => self.devices = Some(devices),
                other => self.rest.push(other),
            }
        }
    }

    /// It plays two tracks and reports that.
    async fn plays(&mut self, node: &Node) {
        self.play(10, &[1, 2]);
        self.settle().await;
        self.report(Sound::Playing, 0, node.directory.world().clock.now());
        self.settle().await;
    }

    fn status(&self) -> Option<Status> {
        self.playback.as_ref().map(|shown| shown.status)
    }

    fn take_rest(&mut self) -> Vec<ServerMessage> {
        std::mem::take(&mut self.rest)
    }

    fn names(&self) -> Vec<String> {
        let list = self.devices.as_ref().map(|list| list.devices.as_slice()).unwrap_or_default();
        list.iter().map(|device| device.name.clone()).collect()
    }

    /// The socket breaks without a close frame.
    fn cut(&mut self) {
        self.sender = None;
    }

    fn unblock(&self) {
        self.line.block(false);
        self.addr.do_send(Writable);
    }
}

/// Lets `ms` pass, in steps short enough that every timer fires in its turn.
pub(crate) async fn pass(ms: u64) {
    let mut left = ms;
    while left > 0 {
        let step = left.min(50);
        tokio::time::advance(Duration::from_millis(step)).await;
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        left -= step;
    }
}

fn acks(messages: &[ServerMessage]) -> Vec<u64> {
    let ack = |message: &ServerMessage| match message {
        ServerMessage::Ack { id, .. } => Some(id.0),
        _ => None,
    };
    messages.iter().filter_map(ack).collect()
}

fn rejects(messages: &[ServerMessage]) -> Vec<String> {
    let reject = |message: &ServerMessage| match message {
        ServerMessage::Reject { code, .. } => Some(format!("{code:?}")),
        _ => None,
    };
    messages.iter().filter_map(reject).collect()
}
