//! A part of a run: one thread, its users, and the loop that waits for sockets and instants.

use super::audio::AudioStream;
use super::book::Delivered;
use super::clock::{cpu_us, now_us, timespec};
use super::device::Device;
use super::person::Person;
use super::socket::{Received, Traffic};
use super::timers::Timers;
use crate::check::Violation;
use crate::measure::snapshot::Snapshot;
use crate::measure::{Count, Measures};
use crate::number::{micros, real_len, whole};
use crate::plan::planner::{Phases, Planner, listens};
use crate::plan::random::Random;
use crate::plan::scenario::Scenario;
use crate::plan::zipf::Zipf;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use segue_client::{Client, DeviceKind, HelloDevice, InstanceId, MediaId, Output};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::iter::Peekable;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

/// The token of the timer that ends a wait.
const TIMER: Token = Token(usize::MAX - 1);
/// Sockets from one address of this machine: the kernel has 28,232 ports for them by default.
const SOCKETS_PER_ADDRESS: usize = 20_000;
/// Violations that a part tells of.
const MOST_VIOLATIONS: usize = 1_000;
/// How often users are looked at at the end, in microseconds.
const SETTLE_US: i64 = 20_000;

/// What all parts of a run share.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Setup {
    /// The server.
    pub address: SocketAddr,
    /// Its name in requests.
    pub host: String,
    /// The load.
    pub scenario: Scenario,
    /// Of all random numbers.
    pub seed: u64,
    /// Users of all parts.
    pub users: usize,
    /// Devices of each user.
    pub devices: usize,
    /// What is played.
    pub tracks: Vec<MediaId>,
    /// When the run starts, in microseconds of the clock.
    pub start_us: i64,
}

impl Setup {
    /// How many addresses of this machine the sockets need, if the server is reached by loopback: others have one.
    #[must_use]
    pub fn addresses(&self) -> usize {
        let sockets = self.users.saturating_mul(self.devices);
        if self.address.ip().is_loopback() && self.address.is_ipv4() {
            sockets.div_ceil(SOCKETS_PER_ADDRESS)
        } else {
            1
        }
    }
}

/// What is due at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// A device has something to do.
    Device(usize),
    /// What a device has received was delayed long enough.
    Read(usize),
    /// The bad network of a device cuts its socket.
    Cut(usize),
    /// A storm.
    Storm,
    /// A piece of audio.
    Audio(usize),
    /// A piece of audio that was due at this instant, and waited.
    AudioAgain(usize, i64),
}

/// Takes the snapshots of a part.
pub type Tell = Box<dyn FnMut(Snapshot) + Send>;

/// A part of a run.
pub struct Part {
    pub(crate) setup: Arc<Setup>,
    pub(crate) people: Vec<Person>,
    /// The places in `people` of those who listen.
    pub(crate) listeners: Vec<usize>,
    /// The devices of the first person, then those of the second, …
    pub(crate) devices: Vec<Device>,
    pub(crate) streams: BTreeMap<usize, AudioStream>,
    pub(crate) poll: Poll,
    pub(crate) timers: Timers<Due>,
    pub(crate) random: Random,
    pub(crate) measures: Measures,
    pub(crate) traffic: Traffic,
    /// Sockets that are open.
    pub(crate) open: u64,
    /// How late what was due last was done, in microseconds.
    pub(crate) late_us: i64,
    /// Kept so that each use need not allocate.
    pub(crate) buffer: Vec<u8>,
    pub(crate) outputs: Vec<Output>,
    pub(crate) received: Vec<Received>,
    pub(crate) delivered: Vec<Delivered>,
    phases: Phases,
    planner: Peekable<Planner>,
    violations: Vec<Violation>,
    timer: OwnedFd,
    number: usize,
    snapshots: Tell,
    second: u64,
}

impl Part {
    /// Part `number` with some users: their indices in the token file, and their tokens.
    ///
    /// # Errors
    /// The kernel gives no more file descriptors.
    pub fn new(setup: Arc<Setup>, number: usize, users: Vec<(usize, String)>, snapshots: Tell) -> io::Result<Self> {
        let scenario = setup.scenario.clone();
        let phases = Phases::new(setup.start_us, scenario.time);
        let share = scenario.users.listening;
        // As many listen before a listener as the share makes whole users up to it.
        let before = |index: usize| usize::try_from(whole(real_len(index) * share)).unwrap_or(0);
        let rank = |index: usize| listens(index, share).then(|| before(index));
        let ranks: Vec<usize> = users.iter().filter_map(|(index, _)| rank(*index)).collect();
        let listening = (0..setup.users).filter(|index| listens(*index, share)).count();
        let seed = setup.seed.wrapping_add(users.first().map_or(0, |(index, _)| u64::try_from(*index).unwrap_or(0)));
        let zipf = Zipf::new(&ranks, listening, scenario.users.zipf);
        let planner = Planner::new(seed, scenario.per_hour, zipf, listening, phases).peekable();
        let audio_share = scenario.audio.map_or(0.0, |audio| audio.share);
        let people: Vec<Person> = users
            .into_iter()
            .map(|(index, token)| {
                let streams = rank(index).is_some_and(|rank| listens(rank, audio_share));
                Person::new(index, token, setup.devices, listens(index, share), streams)
            })
            .collect();
        let listeners =
            people.iter().enumerate().filter(|(_, person)| person.listens).map(|(place, _)| place).collect();
        let mut part = Self {
            people,
            listeners,
            devices: Vec::new(),
            streams: BTreeMap::new(),
            poll: Poll::new()?,
            timers: Timers::new(),
            random: Random::new(seed ^ 0x5e60e),
            measures: Measures::default(),
            traffic: Traffic::default(),
            open: 0,
            late_us: 0,
            buffer: vec![0; 64 << 10],
            outputs: Vec::new(),
            received: Vec::new(),
            delivered: Vec::new(),
            phases,
            planner,
            violations: Vec::new(),
            timer: timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?,
            number,
            snapshots,
            second: 0,
            setup,
        };
        part.poll.registry().register(&mut SourceFd(&part.timer.as_raw_fd()), TIMER, Interest::READABLE)?;
        part.add_devices();
        Ok(part)
    }

    fn add_devices(&mut self) {
        let (setup, phases) = (Arc::clone(&self.setup), self.phases);
        let flaky = setup.scenario.flaky;
        for person in 0..self.people.len() {
            for place in 0..setup.devices {
                let index = self.devices.len();
                let number = self.device_number(person, place);
                let connect_us = phases.connect_us(number, setup.users.saturating_mul(setup.devices));
                let name = format!("Load {}", place.saturating_add(1));
                let device = HelloDevice::new(InstanceId(self.random.bits()), &name, DeviceKind::Other);
                let is_far = flaky.is_some_and(|flaky| listens(number, flaky.share));
                self.devices.push(Device::new(Client::new(device, None, connect_us), is_far));
                self.schedule(index);
                self.plan_cut(index, phases.hold_us);
            }
        }
        for at_us in phases.storms(&setup.scenario) {
            self.timers.push(at_us, Due::Storm);
        }
    }

    /// The number of a device among those of all parts.
    fn device_number(&self, person: usize, place: usize) -> usize {
        let user = self.people.get(person).map_or(0, |person| person.index);
        user.saturating_mul(self.setup.devices).saturating_add(place)
    }

    /// Plans the next cut of a device on a bad network after an instant.
    fn plan_cut(&mut self, index: usize, after_us: i64) {
        let is_far = self.devices.get(index).is_some_and(|device| device.is_far);
        let mean_s = self.setup.scenario.flaky.filter(|_| is_far).map_or(0.0, |flaky| flaky.cut_every_s);
        if mean_s > 0.0 {
            let at_us = after_us.saturating_add(micros(self.random.exponential(mean_s)));
            if at_us < self.phases.end_us {
                self.timers.push(at_us, Due::Cut(index));
            }
        }
    }

    /// The place in `people` of the person to whom a device belongs.
    pub(crate) fn person_index(&self, device: usize) -> usize {
        device.checked_div(self.setup.devices).unwrap_or(0)
    }

    /// The person to whom a device belongs.
    pub(crate) fn person_of(&mut self, device: usize) -> Option<&mut Person> {
        let index = self.person_index(device);
        self.people.get_mut(index)
    }

    /// The place of a device among those of its person.
    pub(crate) fn place(&self, device: usize) -> usize {
        device.checked_rem(self.setup.devices).unwrap_or(0)
    }

    /// The device at this place of a person.
    pub(crate) fn device_of(&self, person: usize, place: usize) -> usize {
        person.saturating_mul(self.setup.devices).saturating_add(place)
    }

    /// The address from which a device connects, if it matters.
    pub(crate) fn source(&self, device: usize) -> Option<IpAddr> {
        let addresses = self.setup.addresses();
        let number = self.device_number(self.person_index(device), self.place(device));
        let last = u32::try_from(number.checked_rem(addresses).unwrap_or(0)).unwrap_or(0);
        (addresses > 1).then(|| Ipv4Addr::from_bits(Ipv4Addr::LOCALHOST.to_bits().saturating_add(last)).into())
    }

    /// Runs until all users were compared, or the time at the end is over.
    pub fn run(mut self) {
        let failed = self.go().err().map(|error| error.to_string());
        self.close();
        self.tell(true, failed);
    }

    fn go(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1_024);
        let mut settle_us = self.phases.end_us;
        loop {
            let now = now_us();
            while let Some((due_us, due)) = self.timers.pop(now) {
                self.late_us = now_us().saturating_sub(due_us);
                self.carry_out_due(due_us, due);
            }
            while let Some(planned) = self.planner.next_if(|planned| planned.at_us <= now) {
                self.late_us = now_us().saturating_sub(planned.at_us);
                self.act(planned, now_us());
            }
            if settle_us <= now {
                settle_us = now.saturating_add(SETTLE_US);
                if self.settle(now) || self.phases.over_us <= now {
                    return Ok(());
                }
            }
            if self.next_second() <= now {
                self.tell(false, None);
                self.second += 1;
            }
            let planned_us = self.planner.peek().map(|planned| planned.at_us);
            let others = [planned_us, Some(settle_us), Some(self.next_second())];
            let next_us = self.timers.next().into_iter().chain(others.into_iter().flatten()).min().unwrap_or(now);
            self.wait(&mut events, next_us)?;
            for event in &events {
                self.ready(event.token().0, event.is_readable() || event.is_read_closed(), event.is_writable());
            }
        }
    }

    /// Waits for sockets until an instant; a timer of the kernel ends the wait, which is exact to less than 0.1 ms.
    fn wait(&mut self, events: &mut Events, until_us: i64) -> io::Result<()> {
        if until_us <= now_us() {
            return self.poll.poll(events, Some(Duration::ZERO)).or_else(interrupted);
        }
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        let once = Itimerspec { it_interval: never, it_value: timespec(until_us) };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &once)?;
        self.poll.poll(events, Some(Duration::from_secs(1))).or_else(interrupted)
    }

    fn ready(&mut self, token: usize, is_readable: bool, is_writable: bool) {
        let devices = self.devices.len();
        if let Some(index) = token.checked_sub(devices).filter(|index| *index < devices) {
            if is_writable {
                self.flush_audio(index);
            }
            if is_readable {
                self.receive_audio(index);
            }
            return;
        }
        if is_writable
            && let Some(socket) = self.devices.get_mut(token).and_then(|device| device.socket.as_mut())
            && let Err(why) = socket.writable(&mut self.traffic)
        {
            return self.ended(token, None, &why);
        }
        if is_readable {
            let delay_us = self.delay_us(token);
            match self.devices.get_mut(token) {
                Some(device) if device.holds_back => {}
                Some(device) if delay_us > 0 => {
                    device.holds_back = true;
                    self.timers.push(now_us().saturating_add(delay_us), Due::Read(token));
                }
                _ => self.receive(token),
            }
        }
    }

    fn carry_out_due(&mut self, due_us: i64, due: Due) {
        match due {
            Due::Device(index) => self.look(index, due_us),
            Due::Read(index) => {
                if let Some(device) = self.devices.get_mut(index) {
                    device.holds_back = false;
                }
                self.receive(index);
            }
            Due::Cut(index) => {
                self.cut(index, due_us);
                self.plan_cut(index, due_us);
            }
            Due::Storm => {
                let share = self.setup.scenario.storm.map_or(0.0, |storm| storm.share);
                for index in 0..self.devices.len() {
                    if self.random.unit() < share {
                        self.cut(index, now_us());
                    }
                }
            }
            Due::Audio(index) => self.fetch(index, due_us),
            Due::AudioAgain(index, first_us) => self.fetch(index, first_us),
        }
    }

    fn next_second(&self) -> i64 {
        let seconds = i64::try_from(self.second.saturating_add(1)).unwrap_or(i64::MAX);
        self.setup.start_us.saturating_add(seconds.saturating_mul(1_000_000))
    }

    /// Hands out what was measured since the last time.
    fn tell(&mut self, is_last: bool, failed: Option<String>) {
        let mut measures = std::mem::take(&mut self.measures);
        let traffic = std::mem::take(&mut self.traffic);
        measures.count(Count::FramesIn, traffic.frames_in);
        measures.count(Count::FramesOut, traffic.frames_out);
        measures.count(Count::BytesIn, traffic.bytes_in);
        measures.count(Count::BytesOut, traffic.bytes_out);
        self.violations.extend(self.people.iter_mut().flat_map(|person| person.check.take()));
        self.violations.truncate(MOST_VIOLATIONS);
        let violations = std::mem::take(&mut self.violations);
        let (second, open) = (self.second, self.open);
        let (part, process, cpu_us) = (self.number, std::process::id(), cpu_us());
        (self.snapshots)(Snapshot { part, process, second, open, cpu_us, measures, violations, failed, is_last });
    }
}

/// A signal ended a wait, which is no failure.
fn interrupted(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(error) }
}
