//! Measures what a publish costs without system calls: `cargo bench --bench publish`.
//! A publish is a report of the playing device that moves the place, which the user's two other devices are shown. Printed
//! are the CPU time of the thread (the best of five runs) and the allocations, for the decoding of the report, the encoding
//! of what is shown, the rules (`SessionState::step`), and the whole way: from the text of the report through the actors to
//! the frames that are handed to sockets which keep them.
//! With `PUBLISHES` as argument the whole way runs that often for each user and nothing is printed: for callgrind, which
//! counts instructions (`valgrind --tool=callgrind`). What two such runs differ by is the cost of the publishes between.
#![expect(clippy::print_stdout, reason = "it prints its figures")]

use allocation_counter::measure;
use futures_util::Stream;
use rustix::time::{ClockId as TimeOf, clock_gettime};
use segue_actors::{
    directory::Directory,
    node::{Timing, World, ports::Clock},
    protocol::{
        device::{DeviceKind, HelloDevice},
        ids::{ClockId, CommandId, ConnectionId, DeviceId, InstanceId, ItemId, MediaId, Micros, NodeId, Stamp, UserId},
        messages::{Command, Op, Report, Sound},
        playback::{MediaKind, Playback},
        wire::{ClientMessage, Hello, ServerMessage},
    },
    socket::{Incoming, SocketActor},
    state::{DeviceEvent, Event, Join, Limits, SessionState, devices::Description, queue::Resolved},
    testing::memory::{MemoryLine, MemoryLogins, MemoryNodes, MemoryStore, MemoryTracks},
};
use std::{
    cell::RefCell,
    collections::VecDeque,
    hint::black_box,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};
use tokio::task::{LocalSet, yield_now};

const USERS: u64 = 100;
const DEVICES: u64 = 3;
/// Publishes of each user in a run; fewer than the burst of a socket's rate limit.
const PUBLISHES: u32 = 150;
const RUNS: usize = 5;
/// How often a single part is run.
const COUNT: u32 = 100_000;
const START: Micros = Micros(1_700_000_000_000_000);
const TRACK: Resolved = Resolved { media_id: MediaId(1), kind: MediaKind::Track, duration_ms: Some(200_000) };

/// What a device sends.
#[derive(Clone, Default)]
struct Feed(Rc<RefCell<(VecDeque<String>, Option<Waker>)>>);

impl Feed {
    fn send(&self, message: &ClientMessage) {
        self.send_text(message.encode());
    }

    fn send_text(&self, text: String) {
        let mut feed = self.0.borrow_mut();
        feed.0.push_back(text);
        if let Some(waker) = feed.1.take() {
            waker.wake();
        }
    }
}

impl Stream for Feed {
    type Item = Incoming;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Incoming>> {
        let mut feed = self.0.borrow_mut();
        if let Some(text) = feed.0.pop_front() {
            return Poll::Ready(Some(Incoming::Text(text)));
        }
        feed.1 = Some(context.waker().clone());
        Poll::Pending
    }
}

/// The devices of a user; the first one plays.
struct User {
    devices: Vec<(Feed, MemoryLine)>,
    shown: Playback,
}

impl User {
    async fn join(directory: &Arc<Directory>, number: u64) -> Self {
        let mut devices = Vec::new();
        for device in 1..=DEVICES {
            let (feed, line) = (Feed::default(), MemoryLine::default());
            let socket = line.socket();
            SocketActor::start(move |_| socket, feed.clone(), directory.clone(), Some(&number.to_string()));
            feed.send(&hello(number * DEVICES + device));
            settle().await;
            devices.push((feed, line));
        }
        let (feed, line) = devices.first().expect("a device");
        feed.send(&ClientMessage::Command(Box::new(play())));
        settle().await;
        let shown = line.take().iter().rev().find_map(|frame| match ServerMessage::decode(frame) {
            Ok(ServerMessage::Playback(playback)) => Some(*playback),
            _ => None,
        });
        Self { shown: shown.expect("it is shown what plays"), devices }
    }

    fn publish(&self, text: String) {
        self.devices.first().expect("a device").0.send_text(text);
    }

    /// How many frames came since the last call.
    fn frames(&self) -> usize {
        self.devices.iter().map(|(_, line)| line.take().len()).sum()
    }
}

/// Lets everything that can happen now happen.
async fn settle() {
    for _ in 0..12 {
        yield_now().await;
    }
}

fn hello(number: u64) -> ClientMessage {
    ClientMessage::Hello(Box::new(Hello {
        token: None,
        device: HelloDevice {
            id: Some(DeviceId(number)),
            instance: InstanceId(number),
            name: "bench".to_owned(),
            kind: DeviceKind::Computer,
            plays: true,
            controls: true,
            volume: None,
        },
        seen: None,
        attempt: None,
    }))
}

fn play() -> Command<MediaId> {
    let op = Op::play(vec![TRACK.media_id]);
    Command { id: CommandId(1), if_item: None, if_queue_revision: None, if_lease: None, op }
}

/// A report of what is shown, at another place than the one before.
fn report(shown: &Playback, number: u32, at_us: Micros) -> Report {
    Report {
        lease: shown.active.map_or(Stamp::default(), |active| active.lease),
        turn: shown.turn,
        item: shown.item.map_or(ItemId(0), |item| item.id),
        position_ms: i64::from(number % 7) * 5_000,
        at_us,
        status: Sound::Playing,
        seen: Some(shown.stamp()),
    }
}

fn directory() -> Arc<Directory> {
    let random = AtomicU64::new(1);
    let tokens: Vec<String> = (1..=USERS).map(|user| user.to_string()).collect();
    let logins = tokens.iter().map(String::as_str).zip((1..=USERS).map(UserId));
    Directory::new(World {
        store: Arc::new(MemoryStore::default()),
        nodes: Arc::new(MemoryNodes::first(NodeId(1))),
        cluster: None,
        tracks: Arc::new(MemoryTracks::of([TRACK])),
        logins: Arc::new(MemoryLogins::of(logins)),
        clock: Clock::starting_at(ClockId(1), START),
        random: Arc::new(move || random.fetch_add(1, Ordering::Relaxed)),
        limits: Limits::default(),
        timing: Timing::of_heartbeat(60_000),
        audio_ms: 600_000,
        is_strict: false,
    })
}

/// The CPU time of this thread in microseconds.
fn cpu_us() -> f64 {
    let time = clock_gettime(TimeOf::ThreadCPUTime);
    let part = |number: i64| f64::from(u32::try_from(number).expect("a short time"));
    part(time.tv_sec) * 1e6 + part(time.tv_nsec) / 1e3
}

/// CPU time in microseconds and allocations of each of `count` times.
struct Cost {
    us: f64,
    allocations: f64,
    bytes: f64,
}

impl Cost {
    fn of(count: u32, work: impl FnOnce()) -> Self {
        let mut us = 0.0;
        let allocated = measure(|| {
            let begun = cpu_us();
            work();
            us = cpu_us() - begun;
        });
        let each = |number: u64| f64::from(u32::try_from(number).expect("a short run")) / f64::from(count);
        Self { us: us / f64::from(count), allocations: each(allocated.count_total), bytes: each(allocated.bytes_total) }
    }

    /// The best of some runs.
    fn best(mut run: impl FnMut() -> Self) -> Self {
        let runs = (0..RUNS).map(|_| run());
        runs.min_by(|a, b| a.us.total_cmp(&b.us)).expect("there are runs")
    }

    fn print(&self, what: &str) {
        println!("{what:28} {:6.2} µs  {:6.2} allocations  {:6.0} bytes", self.us, self.allocations, self.bytes);
    }
}

/// The whole way: `publishes` of each user; also how many frames each publish led to.
fn whole(publishes: u32) -> (Cost, f64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("it starts");
    let set = LocalSet::new();
    let users = set.block_on(&runtime, async {
        let directory = directory();
        let mut users = Vec::new();
        for number in 1..=USERS {
            users.push(User::join(&directory, number).await);
        }
        users
    });
    // Those of the joins.
    let _ = users.iter().map(User::frames).sum::<usize>();
    let texts: Vec<Vec<String>> = (0..publishes)
        .map(|number| {
            let text = |user: &User| ClientMessage::Report(report(&user.shown, number, START)).encode();
            users.iter().map(text).collect()
        })
        .collect();
    let count = publishes * u32::try_from(USERS).expect("few");
    let cost = Cost::of(count, || {
        set.block_on(&runtime, async {
            for round in texts {
                for (user, text) in users.iter().zip(round) {
                    user.publish(text);
                }
                settle().await;
            }
        });
    });
    let frames: usize = users.iter().map(User::frames).sum();
    let frames = f64::from(u32::try_from(frames).expect("few")) / f64::from(count);
    (cost, frames)
}

/// The memory that a device keeps, one of three of its user, whose session's part is included.
fn idle_bytes() -> i64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("it starts");
    let set = LocalSet::new();
    let (mut users, directory) = (Vec::new(), directory());
    let joined = measure(|| {
        set.block_on(&runtime, async {
            for number in 1..=USERS {
                users.push(User::join(&directory, number).await);
            }
        });
        // The frames of the joins.
        let _ = users.iter().map(User::frames).sum::<usize>();
    });
    joined.bytes_current / i64::try_from(USERS * DEVICES).expect("few")
}

/// A session whose first device plays, and what it is shown.
fn session() -> SessionState {
    let mut state = SessionState::new(START, 1, NodeId(1), Limits::default());
    for number in 1..=DEVICES {
        let description = Description {
            name: "bench".to_owned(),
            kind: DeviceKind::Computer,
            plays: true,
            controls: true,
            volume: None,
        };
        let join = Join {
            connection: ConnectionId(number),
            device_id: DeviceId(number),
            spare_id: DeviceId(number + 100),
            instance: InstanceId(number),
            description,
            seen: None,
            attempt: None,
        };
        state.step(START, Event::Join(Box::new(join)), &mut Vec::new());
    }
    let event = DeviceEvent::command(play(), vec![TRACK], 1);
    state.step(START, Event::Device { connection: ConnectionId(1), event }, &mut Vec::new());
    state
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let Some(publishes) = arguments.first() {
        whole(publishes.parse().expect("a number of publishes of each user, at most 200"));
        return;
    }
    let state = session();
    let text = ClientMessage::Report(report(state.playback(), 3, START)).encode();
    let shown = ServerMessage::Playback(Box::new(state.playback().clone()));
    println!("report of {} bytes, shown in {} bytes", text.len(), shown.encode().len());
    let decode = || (0..COUNT).for_each(|_| drop(black_box(ClientMessage::decode(black_box(&text)))));
    Cost::best(|| Cost::of(COUNT, decode)).print("decode the report");
    let encode = || (0..COUNT).for_each(|_| drop(black_box(black_box(&shown).encode())));
    Cost::best(|| Cost::of(COUNT, encode)).print("encode what is shown");
    let step = || {
        let (mut state, mut effects) = (session(), Vec::new());
        Cost::of(COUNT, || {
            for number in 0..COUNT {
                let event = DeviceEvent::Report(report(state.playback(), number, START));
                let before = state.shown();
                state.step(START, Event::Device { connection: ConnectionId(1), event }, &mut effects);
                assert!(state.shown().playback != before.playback, "each report is news");
                effects.clear();
            }
        })
    };
    Cost::best(step).print("the rules");
    let mut frames = 0.0;
    let way = || {
        let (cost, of_each) = whole(PUBLISHES);
        frames = of_each;
        cost
    };
    Cost::best(way).print("the whole way");
    println!("memory of an idle device, without its connection: {} bytes", idle_bytes());
    println!("frames of each publish: {frames:.2}");
}
