//! Draws the screen.

use super::{keys::KeyState, model::Model};
use crate::device::api::ShownTrack;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style, Stylize as _},
    text::{Line, Span},
    widgets::{Block, BorderType, Clear, Paragraph},
};
use segue_client::protocol::{
    device::{DeviceView, PresenceView},
    playback::{Playback, Repeat, Status},
};
use std::time::Instant;

/// The colour of what is active.
const ACCENT: Color = Color::Cyan;
/// The colour of what waits.
const WAITING: Color = Color::Yellow;
/// The colour of what has failed.
const WRONG: Color = Color::Red;

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, model: &Model, keys: &KeyState, now: Instant) {
    let area = frame.area();
    let inner = Rect { x: area.x.saturating_add(1), width: area.width.saturating_sub(2), ..area };
    let rows = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(2),
        Constraint::Length(1),
        Constraint::Length(2),
        Constraint::Length(1),
        Constraint::Min(1),
        Constraint::Length(1),
        Constraint::Length(2),
    ]);
    let [head, _, title, _, bar, _, devices, notice, help] = rows.areas(inner);
    draw_head(frame, head, model);
    draw_title(frame, title, model);
    draw_bar(frame, bar, model, now);
    draw_devices(frame, devices, model);
    if let Some(text) = model.notice_at(now) {
        frame.render_widget(Paragraph::new(text).style(WAITING), notice);
    }
    let narrow = inner.width < 78;
    frame.render_widget(Paragraph::new(help_lines(keys, narrow)), help);
    if keys.search.is_some() {
        draw_search(frame, inner, model, keys);
    }
}

fn draw_head(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let (mark, words) = if model.is_up() {
        ("●".fg(Color::Green), "connected".to_owned())
    } else {
        ("○".fg(WRONG), format!("no connection: {}", model.link_reason))
    };
    let left = Line::from(vec!["segue".bold().fg(ACCENT), format!("  {} at {}", model.user, model.server).dim()]);
    let right = Line::from(vec![mark, " ".into(), words.dim()]);
    let width = |line: &Line<'_>| u16::try_from(line.width()).unwrap_or(u16::MAX);
    // The reason takes at most half of the line, so that user and server stay visible.
    let most = area.width.saturating_sub(width(&left).min(area.width / 2));
    let [left_area, right_area] =
        Layout::horizontal([Constraint::Min(0), Constraint::Length(width(&right).min(most))]).areas(area);
    frame.render_widget(left, left_area);
    frame.render_widget(right, right_area);
}

fn draw_title(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let item = model.playback().and_then(|shown| shown.item);
    let lines = match (item, &model.tracks) {
        (None, _) => vec![
            "nothing plays; and this device makes no sound: listen in a browser".dim().into(),
            "press / to search, and enter to play".dim().into(),
        ],
        (Some(_), [Some(track), _]) => {
            let album = if track.album.is_empty() { String::new() } else { format!("  ·  {}", track.album) };
            vec![
                Line::from(track.title.clone().bold()),
                Line::from(vec![track.artists.clone().fg(ACCENT), album.dim()]),
            ]
        }
        (Some(item), _) => vec![Line::from(format!("track {}", item.media_id).bold())],
    };
    frame.render_widget(Paragraph::new(lines), area);
}

fn draw_bar(frame: &mut Frame<'_>, area: Rect, model: &Model, now: Instant) {
    let Some(shown) = model.playback() else { return };
    let (mark, word, color) = status_word(shown.status);
    let mut bar = vec![format!("{mark} {word:<9} ").fg(color)];
    if let Some(item) = shown.item {
        let position_ms = model.position_ms(now);
        let (place, end) = (clock(position_ms), item.duration_ms.map_or_else(|| "?".to_owned(), clock));
        let taken = 12 + 1 + place.len() + 1 + end.len();
        let width = usize::from(area.width).saturating_sub(taken);
        bar.push(format!("{place} ").into());
        bar.extend(gauge(width, position_ms, item.duration_ms, color));
        bar.push(format!(" {end}").into());
    }
    let next = match (&model.tracks, shown.next) {
        ([_, Some(next)], Some(_)) => format!("next: {}", next.title),
        (_, Some(_)) => "next: …".to_owned(),
        (_, None) => "nothing comes next".to_owned(),
    };
    let below = vec![modes(shown).fg(ACCENT), format!("{} in the queue  ·  {next}", shown.queue_length).dim()];
    frame.render_widget(Paragraph::new(vec![Line::from(bar), Line::from(below)]), area);
}

fn modes(shown: &Playback) -> String {
    let repeat = match shown.repeat {
        Repeat::Off => "",
        Repeat::One => "repeat one  ·  ",
        Repeat::All => "repeat all  ·  ",
    };
    format!("{repeat}{}", if shown.shuffle { "shuffle  ·  " } else { "" })
}

const fn status_word(status: Status) -> (&'static str, &'static str, Color) {
    match status {
        Status::Idle => ("■", "idle", Color::DarkGray),
        Status::Starting => ("…", "starting", WAITING),
        Status::Playing => ("▶", "playing", ACCENT),
        Status::Paused => ("‖", "paused", Color::Gray),
        Status::Buffering => ("…", "buffering", WAITING),
        Status::Blocked => ("!", "blocked", WAITING),
        Status::Failed => ("×", "failed", WRONG),
        Status::Ended => ("■", "ended", Color::Gray),
        Status::Lost => ("?", "lost", WRONG),
    }
}

/// A bar of `width` cells, in half cells.
fn gauge(width: usize, position_ms: i64, duration_ms: Option<i64>, color: Color) -> Vec<Span<'static>> {
    let total = u64::try_from(duration_ms.unwrap_or(0)).unwrap_or(0).max(1);
    let place = u64::try_from(position_ms).unwrap_or(0).min(total);
    let halves = u64::try_from(width.saturating_mul(2)).unwrap_or(0).saturating_mul(place) / total;
    let halves = usize::try_from(halves).unwrap_or(0);
    let (full, has_half) = (halves / 2, halves % 2 == 1);
    let rest = width.saturating_sub(full).saturating_sub(usize::from(has_half));
    vec![
        "━".repeat(full).fg(color),
        Span::styled(if has_half { "╸" } else { "" }, color),
        "─".repeat(rest).fg(Color::DarkGray),
    ]
}

/// Minutes and seconds, hours where there are some.
fn clock(ms: i64) -> String {
    let s = ms.max(0) / 1000;
    let (hours, minutes, seconds) = (s / 3600, s / 60 % 60, s % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

fn draw_devices(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let mut lines = vec![Line::from("Devices".bold())];
    let devices = model.devices();
    let names = devices.iter().map(|device| Span::raw(device.name.as_str()).width()).max().unwrap_or(0).min(40);
    lines.extend(devices.iter().zip(1..).map(|(device, number)| device_line(device, number, names, model)));
    frame.render_widget(Paragraph::new(lines), area);
}

fn device_line<'a>(device: &'a DeviceView, number: usize, names: usize, model: &Model) -> Line<'a> {
    let is_active = model.active_id() == Some(device.id);
    let mut style = if is_active { Style::new().fg(ACCENT).add_modifier(Modifier::BOLD) } else { Style::new() };
    let mut words = Vec::new();
    if model.own_id() == Some(device.id) {
        words.push("this device".to_owned());
    }
    if !device.plays {
        words.push("remote".to_owned());
    }
    if device.presence == PresenceView::Away {
        style = style.fg(WAITING);
        words.push("away".to_owned());
    }
    if let Some(volume) = device.volume {
        words.push(if volume.muted { "muted".to_owned() } else { format!("volume {}", volume.level) });
    }
    if model.own_id() == Some(device.id) && device.plays {
        words.push("makes no sound".to_owned());
    }
    let key = if number <= 9 { number.to_string() } else { " ".to_owned() };
    let pad = names.saturating_sub(Span::raw(device.name.as_str()).width());
    Line::from(vec![
        format!("{key} ").dim(),
        Span::styled(if is_active { "♪ " } else { "  " }, style),
        Span::styled(device.name.as_str(), style),
        " ".repeat(pad.saturating_add(2)).into(),
        words.join("  ·  ").dim(),
    ])
}

fn help_lines(keys: &KeyState, narrow: bool) -> Vec<Line<'static>> {
    let pairs = |pairs: &[(&'static str, &'static str)]| {
        let spans = pairs.iter().flat_map(|(key, does)| [key.bold(), format!(" {does}  ").dim()]);
        spans.collect::<Line<'_>>()
    };
    if keys.search.is_some() {
        return vec![pairs(&[("↓ ↑", "choose"), ("enter", "play"), ("a", "play its album"), ("esc", "back")])];
    }
    if narrow {
        return vec![
            pairs(&[("space", "play/pause"), ("← →", "seek"), ("n p", "skip")]),
            pairs(&[("/", "search"), ("t", "play here"), ("1-9", "there"), ("q", "quit")]),
        ];
    }
    vec![
        pairs(&[
            ("space", "play/pause"),
            ("← →", "10 s"),
            ("n p", "next/previous"),
            ("/", "search"),
            ("+ -", "volume"),
        ]),
        pairs(&[("t", "play here"), ("1-9", "play there"), ("r", "repeat"), ("s", "shuffle"), ("q", "quit")]),
    ]
}

fn draw_search(frame: &mut Frame<'_>, area: Rect, model: &Model, keys: &KeyState) {
    let Some(search) = &keys.search else { return };
    let below = area.height.saturating_sub(2);
    let area = Rect { y: area.y.saturating_add(1), height: below.saturating_sub(1), ..area };
    let block = Block::bordered().border_type(BorderType::Rounded).border_style(ACCENT).title(" Search ");
    let inner = block.inner(area);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    let hits = keys.hits(model);
    let mut lines = vec![Line::from(vec!["/ ".fg(ACCENT), search.typed.clone().into(), "▏".fg(ACCENT)])];
    if hits.is_empty() && !search.typed.trim().is_empty() {
        let answered = model.hits.as_ref().is_some_and(|(words, _)| words == search.typed.trim());
        lines.push(if answered { "nothing found" } else { "…" }.dim().into());
    }
    let room = usize::from(inner.height).saturating_sub(1).max(1);
    let first = search.chosen.map_or(0, |chosen| chosen.saturating_add(1).saturating_sub(room));
    let rows = hits.iter().enumerate().skip(first).take(room);
    lines.extend(rows.map(|(index, track)| hit_line(track, search.chosen == Some(index))));
    frame.render_widget(Paragraph::new(lines), inner);
}

fn hit_line(track: &ShownTrack, is_chosen: bool) -> Line<'_> {
    let style = if is_chosen { Style::new().fg(ACCENT).add_modifier(Modifier::REVERSED) } else { Style::new() };
    let length = track.duration_ms.map(|ms| format!("  {}", clock(ms))).unwrap_or_default();
    Line::from(vec![
        if is_chosen { "▸ " } else { "  " }.into(),
        track.title.as_str().into(),
        format!("  {}", track.artists).dim(),
        format!("  {}", track.album).dim(),
        length.dim(),
    ])
    .style(style)
}
