//! Random sessions: whatever devices send and whenever they come and go, the invariants hold, a reject changes
//! nothing, and a resent command is applied once.

use crate::scenario::join;
use proptest::prelude::*;
use segue_actors::protocol::ids::{
    CommandId, ConnectionId, DeviceId, InstanceId, ItemId, MediaId, Micros, NodeId, Stamp,
};
use segue_actors::protocol::messages::{Command, Ended, Op, Ready, Report, Sound, TransferMode, VolumeChange, Yield};
use segue_actors::protocol::playback::{MediaKind, Rate, Repeat};
use segue_actors::state::devices::Description;
use segue_actors::state::queue::Resolved;
use segue_actors::state::{DeviceEvent, Effect, Event, Join, Leaving, Limits, Record, SessionState};

/// One thing that happens: who, what, and two numbers that mean something to it.
#[derive(Debug, Clone, Copy)]
struct Happening {
    device: u64,
    kind: u8,
    number: u16,
    wait_ms: u16,
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let one = (0..4_u64, 0..35_u8, any::<u16>(), 0..3_000_u16).prop_map(|(device, kind, number, wait_ms)| Happening {
        device,
        kind,
        number,
        wait_ms,
    });
    prop::collection::vec(one, 1..120)
}

struct Session {
    state: SessionState,
    now: Micros,
    instances: [u64; 4],
    sockets: [u64; 4],
    commands: u64,
}

impl Session {
    fn new() -> Self {
        let now = Micros(1_000_000_000);
        let state = SessionState::new(now, 0, NodeId(1), Limits { devices: 3, queue_items: 12, ..Limits::default() });
        Self { state, now, instances: [1; 4], sockets: [0; 4], commands: 0 }
    }

    fn item(&self, number: u16) -> ItemId {
        let length = self.state.queue().len().max(1);
        self.state.queue().items().nth(usize::from(number) % length).map_or(ItemId(9), |item| item.id)
    }

    /// A stamp that is right more often than not.
    fn stamp(right: Stamp, number: u16) -> Stamp {
        if number.is_multiple_of(5) { Stamp { revision: right.revision.saturating_sub(1), ..right } } else { right }
    }

    fn op(&self, happening: Happening) -> Op<Resolved> {
        let number = happening.number;
        let device = DeviceId(u64::from(number % 4) + 1);
        let item = self.item(number);
        let track = |n: u16| Resolved {
            media_id: MediaId(u64::from(n)),
            kind: MediaKind::Track,
            duration_ms: (!n.is_multiple_of(3)).then_some(i64::from(n % 90) * 1000),
        };
        let tracks: Vec<Resolved> = (0..number % 5).map(|n| track(n + number % 100)).collect();
        match happening.kind {
            0 => Op::Play { item: None, tracks: Vec::new(), start: None, position_ms: None, on: None },
            1 => Op::Play { item: None, tracks, start: None, position_ms: None, on: Some(device) },
            2 => Op::Play { item: Some(item), tracks: Vec::new(), start: None, position_ms: Some(5), on: None },
            3 => Op::Pause,
            4 => Op::Stop,
            5 => Op::Seek { position_ms: i64::from(number) * 3 - 9 },
            6 => Op::Next,
            7 => Op::Previous,
            8 => Op::Transfer { to: device, mode: TransferMode::Keep },
            9 => Op::Transfer { to: device, mode: TransferMode::Play },
            10 => Op::Repeat { mode: [Repeat::Off, Repeat::One, Repeat::All][usize::from(number % 3)] },
            11 => Op::Shuffle { on: number.is_multiple_of(2) },
            12 => Op::QueueInsert { tracks, after: Some(item), before: None },
            13 => Op::QueueMove { item, after: None, before: Some(self.item(number / 7)) },
            14 => Op::QueueRemove { items: vec![item] },
            15 => Op::QueueReplace { tracks },
            16 => Op::QueueClear,
            17 => Op::DeviceForget { device_id: device },
            18 => Op::Rate { rate: Rate::from_factor(0.5 + f64::from(number % 30) / 10.0).expect("in bounds") },
            _ => Op::Volume {
                device_id: number.is_multiple_of(3).then_some(device),
                level: None,
                delta: Some(7),
                muted: None,
            },
        }
    }

    fn event(&mut self, happening: Happening) -> Event {
        let who = usize::try_from(happening.device).expect("small");
        let number = happening.number;
        let connection = ConnectionId(self.sockets[who]);
        let playback = self.state.playback();
        let (turn, seen) = (Self::stamp(playback.turn, number), playback.stamp());
        let lease = Self::stamp(playback.active.map_or(Stamp::default(), |active| active.lease), number / 5);
        let item = playback.item.map_or(ItemId(0), |item| item.id);
        let (position_ms, at_us) = (playback.position_at(self.now) + i64::from(number % 100), self.now);
        match happening.kind {
            20 | 21 => {
                if number.is_multiple_of(3) {
                    self.instances[who] += 1;
                }
                self.sockets[who] =
                    (u64::from(number) << 32) | (u64::from(happening.wait_ms) << 8) | (happening.device + 1);
                let join = join(0);
                Event::Join(Box::new(Join {
                    connection: ConnectionId(self.sockets[who]),
                    device_id: DeviceId(happening.device + 1),
                    spare_id: DeviceId(u64::from(number) + 100),
                    instance: InstanceId(self.instances[who] * 10 + happening.device),
                    description: Description { plays: happening.device != 3, ..join.description },
                    ..join
                }))
            }
            22 => Event::Leave { connection, how: Leaving::Clean },
            23 => Event::Leave { connection, how: Leaving::Lost(self.now.plus_ms(-i64::from(number % 5_000))) },
            24..=26 => {
                let statuses =
                    [Sound::Playing, Sound::Playing, Sound::Buffering, Sound::Paused, Sound::Blocked, Sound::Failed];
                let status = statuses[usize::from(number % 6)];
                let report = Report { lease, turn, item, position_ms, at_us, status, seen: None };
                Event::Device { connection, event: DeviceEvent::Report(report) }
            }
            27 | 28 => {
                let owed = self.state.playback().after.first().map_or(lease, |entry| entry.lease);
                Event::Device { connection, event: DeviceEvent::Yield(Yield { lease: owed, seen, to: None }) }
            }
            29 => {
                let to_item = number.is_multiple_of(2).then(|| self.item(number));
                let ended = Ended { lease, turn, item, to_item, position_ms, at_us };
                Event::Device { connection, event: DeviceEvent::Ended(ended) }
            }
            30 => {
                let change = VolumeChange { level: 40, muted: false, version: u64::from(number % 2) };
                Event::Device { connection, event: DeviceEvent::Volume(change) }
            }
            31 => Event::Deadline,
            34 => Event::Device { connection, event: DeviceEvent::Alive },
            32 => {
                let ready = Ready { lease, turn, item, earliest_us: self.now.plus_ms(i64::from(number % 9_000)) };
                Event::Device { connection, event: DeviceEvent::Ready(ready) }
            }
            33 => {
                let to = self.state.playback().transfer.and_then(|transfer| transfer.lease);
                Event::Device { connection, event: DeviceEvent::Yield(Yield { lease, seen, to }) }
            }
            _ => {
                self.commands += 1;
                let op = self.op(happening);
                let current = self.state.playback().item.map(|item| item.id);
                let if_item = matches!(op, Op::Next | Op::Previous).then_some(current).flatten();
                let id = CommandId(self.commands);
                let command = Box::new(Command { id, if_item, if_queue_revision: None, if_lease: None, op });
                Event::Device {
                    connection,
                    event: DeviceEvent::Command { command, seed: u64::from(number), others: Vec::new() },
                }
            }
        }
    }

    fn step(&mut self, event: &Event) -> Result<Vec<Effect>, TestCaseError> {
        let before = self.state.clone();
        let mut effects = Vec::new();
        self.state.step(self.now, event.clone(), &mut effects);
        let broken = self.state.check().err();
        prop_assert!(broken.is_none(), "{broken:?} after {event:?}\n{before:?}\n{:?}", self.state);
        let (old, new) = (before.record(), self.state.record());
        prop_assert!(new.stamp >= old.stamp && new.stamp.revision <= old.stamp.revision + 1, "one revision a step");
        let shown_changed = Playback::differ(&before, &self.state);
        prop_assert_eq!(before.shown().playback != self.state.shown().playback, shown_changed, "{:?}", event);
        if effects.iter().any(|effect| matches!(effect, Effect::Reject(..))) {
            prop_assert_eq!(old.stamp, new.stamp, "a reject changes nothing");
        }
        Ok(effects)
    }
}

/// Whether what is shown differs otherwise than by its stamp.
struct Playback;

impl Playback {
    fn differ(before: &SessionState, after: &SessionState) -> bool {
        // An accepted command may show the same again, and only tell who made it.
        let (mut old, mut new) = (before.playback().clone(), after.playback().clone());
        let touched = old.stamp() != new.stamp();
        (old.by, new.by) = (None, None);
        (old.epoch, old.revision) = (new.epoch, new.revision);
        old != new || touched
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_invariants_hold(happenings in happenings()) {
        let mut session = Session::new();
        for happening in happenings {
            session.now = session.now.plus_ms(i64::from(happening.wait_ms));
            while let Some(due) = session.state.next_deadline().filter(|due| *due <= session.now) {
                session.step(&Event::Deadline)?;
                prop_assert!(session.state.next_deadline().is_none_or(|next| next > due), "a deadline is met once");
            }
            let event = session.event(happening);
            let is_command = matches!(event, Event::Device { event: DeviceEvent::Command { .. }, .. });
            let effects = session.step(&event)?;
            if is_command && effects.iter().any(|effect| matches!(effect, Effect::Ack(..))) {
                let stood = Record::clone(session.state.record());
                session.step(&event)?;
                prop_assert_eq!(&stood, &**session.state.record(), "a resent command is not applied again");
            }
        }
    }

    #[test]
    fn a_restart_at_any_moment_loads_a_sound_session(happenings in happenings()) {
        let mut session = Session::new();
        for happening in happenings {
            session.now = session.now.plus_ms(i64::from(happening.wait_ms));
            let event = session.event(happening);
            session.step(&event)?;
        }
        let state = &session.state;
        let loaded = (Record::clone(state.record()), state.queue().clone());
        let limits = Limits { devices: 3, queue_items: 12, ..Limits::default() };
        let last_heartbeat = session.now.plus_ms(-700);
        let after = SessionState::load(session.now.plus_ms(4_000), loaded, NodeId(2), Some(last_heartbeat), 0, limits);
        prop_assert_eq!(after.check(), Ok(()));
        prop_assert!(after.record().stamp.epoch > state.record().stamp.epoch, "never an epoch twice");
        prop_assert_eq!(after.playback().turn, state.playback().turn, "the holder goes on under its turn");
        prop_assert_eq!(after.playback().active.map(|active| active.lease), state.playback().active.map(|active| active.lease));
    }
}
