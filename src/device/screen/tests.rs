//! What the screen looks like, drawn from what a server said.

use super::{
    super::{Face, Options, api::ShownTrack, view::View},
    draw::draw,
    keys::KeyState,
    model::{Model, Notice},
};
use crate::device::request::Request;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use expect_test::{Expect, expect};
use ratatui::{Terminal, backend::TestBackend};
use segue_client::protocol::{
    device::{DeviceKind, DeviceList, DeviceView, HelloDevice, PresenceView, Volume},
    ids::{ClockId, DeviceId, InstanceId, ItemId, MediaId, Micros, Stamp},
    messages::TransferMode,
    playback::{Active, Intent, Item, MediaKind, Playback, Repeat, Status},
    wire::{ClientLimits, Library, ServerMessage, Welcome},
};
use segue_client::{Client, Input};
use std::time::Instant;

fn options() -> Options {
    Options {
        server: "http://localhost:4747".parse().expect("an address"),
        ca: None,
        user: "anna".to_owned(),
        password: String::new(),
        name: "Kitchen".to_owned(),
        kind: DeviceKind::Terminal,
        plays: true,
        state_file: "unused".into(),
        face: Face::Screen,
    }
}

fn track(id: u64, title: &str, artists: &str) -> ShownTrack {
    ShownTrack {
        id: MediaId(id),
        title: title.to_owned(),
        artists: artists.to_owned(),
        album: "Blue Train".to_owned(),
        album_id: Some("00000000000000aa".to_owned()),
        duration_ms: Some(640_000),
    }
}

fn view(id: u64, name: &str, presence: PresenceView) -> DeviceView {
    DeviceView {
        id: DeviceId(id),
        name: name.to_owned(),
        kind: DeviceKind::Terminal,
        plays: id != 3,
        controls: true,
        presence,
        volume: (id == 1).then_some(Volume { level: 80, muted: false, version: 0 }),
        since_us: Micros(0),
    }
}

/// What a server says that plays the second item on the device of id 1.
fn playback() -> Playback {
    let stamp = Stamp { epoch: 1, revision: 2 };
    let item = |id| Item { id: ItemId(id), kind: MediaKind::Track, media_id: MediaId(id), duration_ms: Some(640_000) };
    let active = Active { device_id: DeviceId(1), instance: InstanceId(9), lease: stamp, from_us: None, source: None };
    Playback {
        intent: Intent::Play,
        status: Status::Paused,
        item: Some(item(1)),
        next: Some(item(2)),
        position_ms: 160_000,
        active: Some(active),
        repeat: Repeat::All,
        shuffle: true,
        queue_length: 12,
        ..Playback::new(stamp, Micros(0))
    }
}

/// The screen of the device of id 1 when a server has said this.
fn model(playback: Playback) -> Model {
    let limits = ClientLimits {
        heartbeat_ms: 2_000,
        idle_ms: 20_000,
        lease_ms: 5_000,
        audio_ms: 600_000,
        frame_bytes: 65_536,
        page_items: 200,
        tracks: 500,
    };
    let devices = vec![
        view(1, "Kitchen", PresenceView::Online),
        view(2, "居間 Living Room", PresenceView::Away),
        view(3, "Remote", PresenceView::Online),
    ];
    let welcome = Welcome {
        device_id: DeviceId(1),
        now_us: Micros(0),
        clock_id: ClockId(1),
        jitter_ms: 0,
        limits,
        playback,
        devices: DeviceList { epoch: 1, devices_revision: 2, devices },
        library: Library::default(),
    };
    let hello = HelloDevice {
        id: None,
        instance: InstanceId(1),
        name: "Kitchen".to_owned(),
        kind: DeviceKind::Terminal,
        plays: true,
        controls: true,
        volume: None,
    };
    let mut client = Client::new(hello, None, 0);
    let welcome = ServerMessage::Welcome(Box::new(welcome));
    for input in [Input::Opened, Input::Frame(Box::new(welcome))] {
        client.step(0, 0, input, &mut Vec::new());
    }
    let mut model = Model::new(&options());
    let tracks = [Some(track(1, "Blue Train", "John Coltrane")), Some(track(2, "Moment's Notice", "John Coltrane"))];
    model.learn(&View { client: &client, local_us: 0, link_reason: "", audio_reason: None, tracks });
    model
}

fn check(model: &Model, keys: &KeyState, (width, height): (u16, u16), expected: &Expect) {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a screen of memory");
    terminal.draw(|frame| draw(frame, model, keys, Instant::now())).expect("memory takes everything");
    expected.assert_eq(&terminal.backend().to_string());
}

fn press(keys: &mut KeyState, model: &Model, codes: &[KeyCode]) -> Option<Request> {
    let press = |code: &KeyCode| keys.press(KeyEvent::new(*code, KeyModifiers::NONE), model);
    codes.iter().map(press).last().flatten()
}

#[test]
fn it_shows_what_plays_and_who_is_there() {
    check(
        &model(playback()),
        &KeyState::default(),
        (90, 16),
        &expect![[r#"
        " segue  anna at http://localhost:4747                                         ● connected "
        "                                                                                          "
        " Blue Train                                                                               "
        " John Coltrane  ·  Blue Train                                                             "
        "                                                                                          "
        " ‖ paused    2:40 ━━━━━━━━━━━━━━━━───────────────────────────────────────────────── 10:40 "
        " repeat all  ·  shuffle  ·  12 in the queue  ·  next: Moment's Notice                     "
        "                                                                                          "
        " Devices                                                                                  "
        " 1 ♪ Kitchen           this device  ·  volume 80  ·  makes no sound                       "
        " 2   居間 Living Room  away                                                               " Hidden by multi-width symbols: [(6, " "), (8, " ")]
        " 3   Remote            remote                                                             "
        "                                                                                          "
        "                                                                                          "
        " space play/pause  ← → 10 s  n p next/previous  / search  + - volume                      "
        " t play here  1-9 play there  r repeat  s shuffle  q quit                                 "
    "#]],
    );
}

#[test]
fn a_narrow_screen_shows_what_fits() {
    check(
        &model(playback()),
        &KeyState::default(),
        (40, 14),
        &expect![[r#"
        " segue  anna at http://local● connected "
        "                                        "
        " Blue Train                             "
        " John Coltrane  ·  Blue Train           "
        "                                        "
        " ‖ paused    2:40 ━━━╸─────────── 10:40 "
        " repeat all  ·  shuffle  ·  12 in the q "
        "                                        "
        " Devices                                "
        " 1 ♪ Kitchen           this device  ·   "
        " 2   居間 Living Room  away             " Hidden by multi-width symbols: [(6, " "), (8, " ")]
        "                                        "
        " space play/pause  ← → seek  n p skip   "
        " / search  t play here  1-9 there  q qu "
    "#]],
    );
}

#[test]
fn no_size_breaks_it() {
    let mut keys = KeyState::default();
    press(&mut keys, &model(playback()), &[KeyCode::Char('/'), KeyCode::Char('b')]);
    for width in (1..12).chain([200, 500]) {
        for height in (1..12).chain([100]) {
            for keys in [&KeyState::default(), &keys] {
                let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a screen of memory");
                let model = model(playback());
                terminal.draw(|frame| draw(frame, &model, keys, Instant::now())).expect("memory takes everything");
            }
        }
    }
}

#[test]
fn before_the_server_answers_it_says_so() {
    let mut model = Model::new(&options());
    model.notice = Some(Notice { text: "next: another item is current by now".to_owned(), since: Instant::now() });
    check(
        &model,
        &KeyState::default(),
        (80, 12),
        &expect![[r#"
        " segue  anna at http://localhost:4747               ○ no connection: connecting "
        "                                                                                "
        " nothing plays; and this device makes no sound: listen in a browser             "
        " press / to search, and enter to play                                           "
        "                                                                                "
        "                                                                                "
        "                                                                                "
        "                                                                                "
        " Devices                                                                        "
        " next: another item is current by now                                           "
        " space play/pause  ← → 10 s  n p next/previous  / search  + - volume            "
        " t play here  1-9 play there  r repeat  s shuffle  q quit                       "
    "#]],
    );
}

#[test]
fn a_long_reason_leaves_room_for_who_and_where() {
    let mut model = Model::new(&options());
    model.link_reason = "Failed to connect to host: Connection refused (os error 111)".to_owned();
    let mut terminal = Terminal::new(TestBackend::new(80, 12)).expect("a screen of memory");
    terminal.draw(|frame| draw(frame, &model, &KeyState::default(), Instant::now())).expect("memory takes everything");
    let shown = terminal.backend().to_string();
    let head = shown.lines().next().unwrap_or_default();
    assert!(head.contains("anna at http://localhost:4747") && head.contains("no connection: Failed to"), "{head}");
}

#[test]
fn no_terminal_obeys_a_name() {
    let evil = "a\u{1b}[2J\u{9b}\u{7}\u{7f}\nz";
    let mut model = model(playback());
    model.tracks = [Some(track(1, evil, evil)), Some(track(2, evil, evil))];
    model.user = evil.to_owned();
    model.link_reason = evil.to_owned();
    model.notice = Some(Notice { text: evil.to_owned(), since: Instant::now() });
    model.hits = Some(("a".to_owned(), vec![track(3, evil, evil)]));
    let mut searching = KeyState::default();
    press(&mut searching, &model, &[KeyCode::Char('/'), KeyCode::Char('a')]);
    for keys in [&KeyState::default(), &searching] {
        let mut terminal = Terminal::new(TestBackend::new(80, 20)).expect("a screen of memory");
        terminal.draw(|frame| draw(frame, &model, keys, Instant::now())).expect("memory takes everything");
        let cells = &terminal.backend().buffer().content;
        assert!(cells.iter().any(|cell| cell.symbol() == "z"), "the name is drawn");
        assert!(cells.iter().all(|cell| !cell.symbol().contains(char::is_control)));
    }
}

#[test]
fn a_search_shows_its_hits_and_plays_the_chosen_one() {
    let (mut keys, mut model) = (KeyState::default(), model(playback()));
    let typed = [KeyCode::Char('/'), KeyCode::Char('a'), KeyCode::Char('b')];
    assert_eq!(press(&mut keys, &model, &typed), Some(Request::Look("ab".to_owned())));
    model.hits = Some(("a".to_owned(), vec![track(9, "Old", "Nobody")]));
    assert_eq!(press(&mut keys, &model, &[KeyCode::Enter]), None, "hits for other words do not count");
    model.hits = Some(("ab".to_owned(), vec![track(3, "Abide", "A"), track(4, "Abel", "B")]));
    press(&mut keys, &model, &[KeyCode::Down, KeyCode::Down]);
    check(
        &model,
        &keys,
        (60, 14),
        &expect![[r#"
        " segue  anna at http://localhost:4747           ● connected "
        " ╭ Search ────────────────────────────────────────────────╮ "
        " │/ ab▏                                                   │ "
        " │  Abide  A  Blue Train  10:40                           │ "
        " │▸ Abel  B  Blue Train  10:40                            │ "
        " │                                                        │ "
        " │                                                        │ "
        " │                                                        │ "
        " │                                                        │ "
        " │                                                        │ "
        " │                                                        │ "
        " ╰────────────────────────────────────────────────────────╯ "
        " ↓ ↑ choose  enter play  a play its album  esc back         "
        "                                                            "
    "#]],
    );
    let album = Request::PlayAlbum("00000000000000aa".to_owned(), MediaId(4));
    assert_eq!(press(&mut keys.clone(), &model, &[KeyCode::Char('a')]), Some(album));
    let hit = Request::PlayTracks(vec![MediaId(4)], 0);
    assert_eq!(press(&mut keys, &model, &[KeyCode::Enter]), Some(hit));
    assert_eq!(keys.search, None);
}

#[test]
fn keys_ask_for_what_they_say() {
    let mut shown = playback();
    let model_of = |shown: &Playback| model(shown.clone());
    let to = |id: u64| Request::Transfer(DeviceId(id).to_string(), TransferMode::Keep);
    for (code, request) in [
        (KeyCode::Char(' '), Some(Request::Pause)),
        (KeyCode::Left, Some(Request::SeekBy(-10_000))),
        (KeyCode::Right, Some(Request::SeekBy(10_000))),
        (KeyCode::Char('n'), Some(Request::Next)),
        (KeyCode::Char('p'), Some(Request::Previous)),
        (KeyCode::Char('t'), Some(Request::TakeOver)),
        (KeyCode::Char('2'), Some(to(2))),
        (KeyCode::Char('4'), None),
        (KeyCode::Char('0'), None),
        (KeyCode::Char('+'), Some(Request::VolumeBy(5))),
        (KeyCode::Char('r'), Some(Request::Repeat(Repeat::One))),
        (KeyCode::Char('s'), Some(Request::Shuffle(false))),
        (KeyCode::Char('q'), Some(Request::Quit)),
        (KeyCode::Char('x'), None),
    ] {
        assert_eq!(press(&mut KeyState::default(), &model_of(&shown), &[code]), request, "{code:?}");
    }
    shown.intent = Intent::Pause;
    assert_eq!(press(&mut KeyState::default(), &model_of(&shown), &[KeyCode::Char(' ')]), Some(Request::Play));
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(KeyState::default().press(interrupt, &model(playback())), Some(Request::Quit));
}
