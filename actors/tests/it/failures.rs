//! Failure cases that broke others, as the session alone can show them.

use crate::scenario::join;
use segue_actors::protocol::device::{DeviceKind, HelloDevice};
use segue_actors::protocol::ids::{
    ClockId, CommandId, ConnectionId, DeviceId, InstanceId, ItemId, MediaId, Micros, NodeId, Stamp,
};
use segue_actors::protocol::messages::{Command, Ended, Op, Ready, RejectCode, Report, Sound, TransferMode, Yield};
use segue_actors::protocol::playback::{MediaKind, Status};
use segue_actors::protocol::wire::{ClientLimits, ClientMessage, Library, PAGE_ITEMS, ServerMessage, Welcome};
use segue_actors::state::queue::Resolved;
use segue_actors::state::{DeviceEvent, Effect, Event, Limits, Record, SessionState};
use segue_client::{Client, Input};

const START: Micros = Micros(1_700_000_000_000_000);

/// A session, its time, and devices 1 and 2.
struct Session {
    state: SessionState,
    now: Micros,
    commands: u64,
}

impl Session {
    fn new() -> Self {
        let state = SessionState::new(START, 0, NodeId(1), Limits::default());
        let mut session = Self { state, now: START, commands: 0 };
        for number in [1, 2] {
            session.join(number);
        }
        session
    }

    fn join(&mut self, number: u64) {
        self.step(Event::Join(Box::new(join(number))));
    }

    fn step(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.state.step(self.now, event, &mut effects);
        self.state.check().expect("the invariants hold");
        effects
    }

    fn event(&mut self, number: u64, event: DeviceEvent) -> Vec<Effect> {
        self.step(Event::Device { connection: ConnectionId(number), event })
    }

    /// A command, with the queue revision and the lease it was meant for.
    fn command_if(
        &mut self,
        number: u64,
        op: Op<Resolved>,
        if_queue_revision: Option<u64>,
        if_lease: Option<Stamp>,
    ) -> Result<u64, RejectCode> {
        self.commands += 1;
        let if_item = matches!(op, Op::Next).then_some(self.state.playback().item).flatten().map(|item| item.id);
        let command = Command { id: CommandId(self.commands), if_item, if_queue_revision, if_lease, op };
        let effects =
            self.event(number, DeviceEvent::Command { command: Box::new(command), seed: 3, others: Vec::new() });
        let answers: Vec<Result<u64, RejectCode>> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Ack(_, _, revision) => Some(Ok(*revision)),
                Effect::Reject(_, _, reject) => Some(Err(reject.code)),
                _ => None,
            })
            .collect();
        assert_eq!(answers.len(), 1, "each command is answered once");
        answers[0]
    }

    fn command(&mut self, number: u64, op: Op<Resolved>) -> Result<u64, RejectCode> {
        self.command_if(number, op, None, None)
    }

    fn play(&mut self, tracks: Vec<Resolved>) {
        self.command(1, Op::Play { item: None, tracks, start: None, position_ms: None, on: None }).expect("it plays");
    }

    fn insert(&mut self, number: u64, tracks: Vec<Resolved>) {
        self.command(number, Op::QueueInsert { tracks, after: None, before: None }).expect("there is room");
    }

    /// Device 1 says where it is.
    fn report(&mut self, status: Sound, position_ms: i64) -> Vec<Effect> {
        self.report_of(self.now, status, position_ms)
    }

    /// Device 1 says where it was.
    fn report_of(&mut self, at_us: Micros, status: Sound, position_ms: i64) -> Vec<Effect> {
        let shown = self.state.playback();
        let (lease, turn) = (shown.active.expect("it holds").lease, shown.turn);
        let item = shown.item.expect("it plays").id;
        let report = Report { lease, turn, item, position_ms, at_us, status, seen: None };
        self.event(1, DeviceEvent::Report(report))
    }

    fn place_ms(&self) -> i64 {
        self.state.playback().position_at(self.now)
    }

    fn media(&self) -> Vec<u64> {
        self.state.queue().items().map(|item| item.media_id.0).collect()
    }

    fn pages(&self) -> Vec<ItemId> {
        let total = self.state.queue().len();
        let page = |from| self.state.queue().page(self.state.playback(), from, PAGE_ITEMS).items;
        (0..total).step_by(PAGE_ITEMS).flat_map(page).map(|item| item.id).collect()
    }
}

fn track(number: u64) -> Resolved {
    lasting(number, 200_000)
}

fn lasting(number: u64, duration_ms: i64) -> Resolved {
    Resolved { media_id: MediaId(number), kind: MediaKind::Track, duration_ms: Some(duration_ms) }
}

#[test]
fn t10_a_client_whose_clock_is_wrong_by_an_hour_shows_the_right_place() {
    let mut session = Session::new();
    session.play(vec![track(1)]);
    session.report(Sound::Playing, 0);
    for wrong_us in [-3_600_000_000, 0, 3_600_000_000] {
        let local = |at: Micros| at.0 - START.0 + wrong_us;
        let device = HelloDevice {
            id: Some(DeviceId(9)),
            instance: InstanceId(9),
            name: "Phone".to_owned(),
            kind: DeviceKind::Phone,
            plays: false,
            controls: true,
            volume: None,
        };
        let mut client = Client::new(device, None, local(START));
        let mut now = START.plus_ms(30_000);
        let mut sent = Vec::new();
        client.step(local(now), 0, Input::Tick, &mut sent);
        client.step(local(now), 0, Input::Opened, &mut sent);
        let limits = ClientLimits {
            heartbeat_ms: 2_000,
            idle_ms: 20_000,
            lease_ms: 5_000,
            audio_ms: 60_000,
            frame_bytes: 65_536,
            page_items: 200,
            tracks: 500,
        };
        let welcome = Welcome {
            device_id: DeviceId(9),
            now_us: now,
            clock_id: ClockId(1),
            jitter_ms: 0,
            limits,
            playback: session.state.playback().clone(),
            devices: session.state.record().device_list(),
            library: Library::default(),
        };
        client.step(local(now), 0, Input::Frame(Box::new(ServerMessage::Welcome(Box::new(welcome)))), &mut sent);
        for _ in 0..8 {
            // 10 ms there, 40 ms back.
            let (client_us, received_us) = (local(now), now.plus_ms(10));
            now = now.plus_ms(50);
            let answer = ServerMessage::Time { client_us, received_us, sent_us: received_us };
            client.step(local(now), 0, Input::Frame(Box::new(answer)), &mut sent);
        }
        now = now.plus_ms(20_000);
        let shown_ms = client.position_at(local(now)).expect("it is shown something");
        let true_ms = session.state.playback().position_at(now);
        assert!((shown_ms - true_ms).abs() <= 50, "{shown_ms} and not {true_ms}");
    }
}

#[test]
fn t12_an_intent_to_play_runs_nothing_before_the_device_does() {
    let mut session = Session::new();
    session.play(vec![track(1)]);
    session.command(1, Op::Seek { position_ms: 7_000 }).expect("it plays");
    session.now = session.now.plus_ms(40 * 60_000);
    assert_eq!((session.state.playback().status, session.place_ms()), (Status::Starting, 7_000));
}

#[test]
fn t15_the_same_place_said_again_with_a_new_instant_is_that_place() {
    let mut session = Session::new();
    session.play(vec![track(1)]);
    session.report(Sound::Playing, 0);
    session.now = session.now.plus_ms(5_000);
    session.report(Sound::Playing, 5_000);
    let stamp = session.state.record().stamp;
    session.now = session.now.plus_ms(5_000);
    session.report(Sound::Playing, 5_000);
    assert!(session.state.record().stamp > stamp, "it did not move: that is news");
    assert_eq!(session.place_ms(), 5_000);
    session.report(Sound::Playing, 5_000);
    assert_eq!(session.place_ms(), 5_000);
    session.now = session.now.plus_ms(1_000);
    assert_eq!(session.place_ms(), 6_000);
}

#[test]
fn t16_a_report_without_an_instant_is_no_report() {
    let text =
        r#"{"type":"report","lease":[1,1],"turn":[1,1],"item":"0000000000000001","position_ms":0,"status":"playing"}"#;
    assert!(ClientMessage::decode(text).is_err());
}

#[test]
fn t18_an_item_is_never_shown_with_the_place_or_length_of_another() {
    let mut session = Session::new();
    session.play((1..=20).map(|n| lasting(n, i64::try_from(n).expect("small") * 10_000)).collect());
    let mut steps = 0;
    while session.state.playback().next.is_some() {
        session.report(Sound::Playing, 0);
        session.now = session.now.plus_ms(9_000);
        session.command(2, Op::Next).expect("there is a next one");
        let shown = session.state.playback();
        let item = shown.item.expect("it plays");
        assert_eq!(item.duration_ms, i64::try_from(item.media_id.0).ok().map(|n| n * 10_000));
        assert_eq!((shown.position_ms, shown.at_us), (0, session.now));
        steps += 1;
    }
    assert_eq!(steps, 19);
}

#[test]
fn t19_ten_hours_of_odd_lengths_add_up_to_nothing() {
    let mut session = Session::new();
    // Samples, and samples a second.
    let files = [(7_654_321, 44_100), (19_999_999, 88_200), (4_000_001, 22_050), (9_876_543, 44_100)];
    let length_us = |(samples, rate): (i64, i64)| samples * 1_000_000 / rate;
    let tracks: Vec<Resolved> =
        files.iter().zip(1..).map(|(file, n)| lasting(n, length_us(*file).div_euclid(1_000))).collect();
    session.play(tracks);
    session.command(1, Op::Repeat { mode: segue_actors::protocol::playback::Repeat::All }).expect("it plays");
    session.report(Sound::Playing, 0);
    let mut began = session.now;
    for file in files.iter().cycle() {
        let end = Micros(began.0 + length_us(*file));
        session.now = Micros(began.0 + length_us(*file) / 2);
        let error_us = (session.place_ms() * 1_000 - session.now.since_us(began)).abs();
        assert!(error_us < 1_000, "off by {error_us} us after {} ms", session.now.since_ms(START));
        session.now = end;
        let shown = session.state.playback();
        let (lease, turn, item) = (shown.active.expect("it holds").lease, shown.turn, shown.item.expect("it plays").id);
        let to_item = shown.next.map(|next| next.id);
        session.event(1, DeviceEvent::Ended(Ended { lease, turn, item, to_item, position_ms: 0, at_us: end }));
        began = end;
        if session.now.since_ms(START) > 10 * 3_600_000 {
            return;
        }
    }
}

#[test]
fn t30_an_old_queue_that_is_pushed_later_is_stale() {
    let mut session = Session::new();
    session.play(vec![track(1), track(2)]);
    let knew = session.state.record().queue_revision();
    session.insert(1, vec![track(3)]);
    let answer = session.command_if(2, Op::QueueReplace { tracks: vec![track(9)] }, Some(knew), None);
    assert_eq!((answer, session.media()), (Err(RejectCode::Stale), vec![1, 2, 3]));
}

#[test]
fn t31_a_restore_that_comes_after_something_new_was_started_is_dropped() {
    let mut session = Session::new();
    session.play(vec![track(1)]);
    let knew = session.state.playback().active.map(|active| active.lease);
    session
        .command(
            2,
            Op::Play { item: None, tracks: vec![track(5)], start: None, position_ms: None, on: Some(DeviceId(2)) },
        )
        .expect("it plays");
    let restored = vec![track(1), track(2)];
    let restore = Op::Play { item: None, tracks: restored, start: None, position_ms: Some(90_000), on: None };
    assert_eq!(session.command_if(1, restore, None, knew), Err(RejectCode::Stale));
    assert_eq!(session.media(), [5]);
}

#[test]
fn t32_two_who_edit_at_once_get_one_order_and_one_answer_each() {
    for seed in 0..10_000_u64 {
        let mut bits = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD134_2543_DE82_EF95;
        let mut roll = |bound: u64| {
            bits ^= bits << 13;
            bits ^= bits >> 7;
            bits ^= bits << 17;
            bits % bound
        };
        let mut session = Session::new();
        session.play((1..=6).map(track).collect());
        let mut revisions = Vec::new();
        // Both saw the same list, and send their commands in any order.
        let seen: Vec<ItemId> = session.state.queue().items().map(|item| item.id).collect();
        let pick = |index: u64| seen[usize::try_from(index).expect("small")];
        for _ in 0..8 {
            let who = 1 + roll(2);
            let (one, other) = (pick(roll(6)), pick(roll(6)));
            let op = match roll(4) {
                0 => Op::QueueInsert { tracks: vec![track(7 + roll(50))], after: Some(one), before: None },
                1 => Op::QueueInsert { tracks: vec![track(7 + roll(50))], after: None, before: Some(one) },
                2 => Op::QueueMove { item: one, after: Some(other), before: None },
                _ => Op::QueueRemove { items: vec![one] },
            };
            revisions.extend(session.command(who, op));
        }
        assert!(revisions.windows(2).all(|pair| pair[0] < pair[1]), "seed {seed}: {revisions:?}");
        let truth: Vec<ItemId> = session.state.queue().items().map(|item| item.id).collect();
        assert_eq!(session.pages(), truth, "seed {seed}");
    }
}

#[test]
fn t33_one_of_three_hundred_of_the_same_track_is_the_one_that_was_chosen() {
    let mut session = Session::new();
    session.play(vec![track(7); 300]);
    let before = session.pages();
    let (chosen, target) = (before[211], before[17]);
    session.command(2, Op::QueueRemove { items: vec![before[150]] }).expect("it is there");
    session.command(2, Op::QueueMove { item: chosen, after: Some(target), before: None }).expect("both are there");
    let mut wanted = before.clone();
    wanted.retain(|id| *id != before[150] && *id != chosen);
    wanted.insert(18, chosen);
    assert_eq!(session.pages(), wanted);
}

#[test]
fn t34_ten_thousand_entries_are_edited_and_paged() {
    let mut session = Session::new();
    session.play(vec![track(1); 500]);
    for n in 1..20 {
        session.insert(2, vec![track(n); 500]);
    }
    let full = session.command(2, Op::QueueInsert { tracks: vec![track(1)], after: None, before: None });
    assert!(full.is_err(), "no more than ten thousand");
    let pages = session.pages();
    assert_eq!(pages.len(), 10_000);
    session.command(1, Op::QueueMove { item: pages[9_999], after: None, before: Some(pages[1]) }).expect("it is there");
    assert_eq!(session.pages()[1], pages[9_999]);
    let frame = ServerMessage::Playback(Box::new(session.state.playback().clone())).encode();
    assert!(frame.len() < 1_024, "{}", frame.len());
}

#[test]
fn t94_a_turn_that_was_lost_with_its_epoch_is_never_another_one() {
    let mut session = Session::new();
    session.play(vec![track(1)]);
    session.report(Sound::Playing, 0);
    let backup = (Record::clone(session.state.record()), session.state.queue().clone());
    session.command(2, Op::Seek { position_ms: 60_000 }).expect("it plays");
    session.command(2, Op::Seek { position_ms: 70_000 }).expect("it plays");
    session.command(2, Op::Seek { position_ms: 90_000 }).expect("it plays");
    let lost = session.state.playback().turn;
    let lease = session.state.playback().active.expect("it holds").lease;
    let item = session.state.playback().item.expect("it plays").id;

    session.now = session.now.plus_ms(10);
    session.state = SessionState::load(session.now, backup, NodeId(2), None, 0, Limits::default());
    session.join(1);
    session.command(1, Op::Seek { position_ms: 30_000 }).expect("it plays");
    let turn = session.state.playback().turn;
    assert_eq!(turn.revision, lost.revision, "the epoch alone tells them apart");
    assert!(turn > lost, "{turn:?} after {lost:?}");
    let (at_us, status) = (session.now, Sound::Playing);
    let old = Report { lease, turn: lost, item, position_ms: 90_000, at_us, status, seen: None };
    let effects = session.event(1, DeviceEvent::Report(old));
    assert_eq!(effects, [Effect::ShowPlayback(ConnectionId(1))], "a sign of life, and answered");
    assert_eq!(session.place_ms(), 30_000);
}

#[test]
fn a_report_of_long_ago_is_a_sign_of_life_only() {
    let mut session = Session::new();
    session.play(vec![track(1)]);
    session.report(Sound::Playing, 0);
    session.now = session.now.plus_ms(20_000);
    assert_eq!(session.report_of(session.now.plus_ms(-5_001), Sound::Playing, 10_000), []);
    assert_eq!(session.place_ms(), 20_000);
    assert_eq!(session.report_of(session.now.plus_ms(-5_000), Sound::Playing, 10_000).len(), 1);
    assert_eq!(session.place_ms(), 15_000);
    session.report_of(session.now.plus_ms(60_000), Sound::Playing, 30_000);
    assert_eq!(
        (session.place_ms(), session.state.playback().at_us),
        (30_000, session.now),
        "nor is it of a time to come"
    );
}

#[test]
fn a_report_under_an_earlier_lease_of_the_same_device_and_turn_is_refused() {
    let mut session = Session::new();
    session.play(vec![track(1)]);
    session.report(Sound::Playing, 0);
    let (turn, item) = (session.state.playback().turn, session.state.playback().item.expect("it plays").id);
    let first = session.state.playback().active.expect("it holds").lease;
    for (from, to) in [(1, 2), (2, 1)] {
        let lease = session.state.playback().active.expect("it holds").lease;
        session.command(to, Op::Transfer { to: DeviceId(to), mode: TransferMode::Keep }).expect("it can play");
        session.event(to, DeviceEvent::Ready(Ready { lease, turn, item, earliest_us: session.now }));
        let (seen, agreed) = (session.state.playback().stamp(), session.state.playback().transfer);
        session.event(from, DeviceEvent::Yield(Yield { lease, seen, to: agreed.and_then(|agreed| agreed.lease) }));
        session.now = session.now.plus_ms(1_000);
    }
    let shown = session.state.playback();
    assert_eq!((shown.active.map(|active| active.device_id), shown.turn), (Some(DeviceId(1)), turn), "there and back");
    let old = Report {
        lease: first,
        turn,
        item,
        position_ms: 90_000,
        at_us: session.now,
        status: Sound::Playing,
        seen: None,
    };
    let effects = session.event(1, DeviceEvent::Report(old));
    assert_eq!(effects, [Effect::ShowPlayback(ConnectionId(1))]);
    assert_eq!(session.place_ms(), 2_000);
}
