//! What the session and the sockets' own ends tell, and that it waits within its bounds.

use super::{LIMITS, TIMING, World};
use segue_actors::node::FrameKind;
use segue_actors::protocol::close::CloseReason;
use segue_actors::protocol::ids::{ClockId, ConnectionId};
use segue_actors::protocol::playback::Intent;
use segue_actors::protocol::wire::{ClientLimits, Library, ServerMessage, Welcome};
use segue_actors::state::{Effect, SessionState, Shown};
use std::sync::Arc;

impl World {
    /// Written once for all who are told.
    pub(super) fn send(&mut self, sockets: &[usize], kind: FrameKind, message: &ServerMessage) {
        let frame: Arc<str> = message.encode().into();
        assert_eq!(ServerMessage::decode(&frame).as_ref(), Ok(message));
        self.note(match message {
            ServerMessage::Reject { code, .. } => format!("rejected {code:?}"),
            other => frame_name(other).to_owned(),
        });
        for socket in sockets {
            match self.lines[*socket].as_mut().map(|line| line.outbox.push(kind, frame.clone())) {
                Some(Ok(())) => self.drain(*socket),
                Some(Err(_)) => self.close(*socket, CloseReason::Slow),
                None => {}
            }
        }
    }

    pub(super) fn drain(&mut self, socket: usize) {
        let now = self.now;
        let Some(line) = &mut self.lines[socket] else { return };
        while !line.is_blocked && line.outbox.first().is_some() {
            line.outbox.pop();
        }
        let waits = !line.outbox.is_empty();
        line.stuck_since = waits.then(|| line.stuck_since.unwrap_or(now));
    }

    pub(super) fn release(&mut self, before: Shown, state: &SessionState, effects: Vec<Effect>) {
        let (shown, record) = (state.shown(), state.record());
        let welcomed =
            |to: ConnectionId| effects.iter().any(|effect| matches!(effect, Effect::Welcome(at, _) if *at == to));
        let listed = state.devices().iter().filter_map(|device| device.presence.connection());
        let others: Vec<usize> = listed.filter(|to| !welcomed(*to)).filter_map(|to| self.socket_of(to)).collect();
        if shown.playback != before.playback {
            let knower = self.own_reports.knower(before.playback, shown.playback, &effects);
            let knower = knower.and_then(|knower| self.socket_of(knower));
            let others: Vec<usize> = others.iter().copied().filter(|socket| Some(*socket) != knower).collect();
            let playback = ServerMessage::Playback(Box::new(record.playback.clone()));
            self.send(&others, FrameKind::Playback, &playback);
        }
        if shown.devices != before.devices {
            self.send(&others, FrameKind::Devices, &ServerMessage::Devices(record.device_list()));
        }
        for effect in effects {
            self.release_one(effect, state);
        }
        let active = state.playback().active.filter(|_| state.playback().intent == Intent::Play);
        let device = active.and_then(|active| state.devices().get(active.device_id));
        let wanted = device.and_then(|device| device.presence.connection());
        for (connection, is_active) in [(self.watched, false), (wanted, true)] {
            let socket = connection.filter(|_| self.watched != wanted).and_then(|to| self.socket_of(to));
            if let Some(line) = socket.and_then(|socket| self.lines[socket].as_mut()) {
                line.liveness.watch(self.now, is_active);
            }
        }
        self.watched = wanted;
    }

    fn release_one(&mut self, effect: Effect, state: &SessionState) {
        let record = state.record();
        let (to, kind, message) = match effect {
            Effect::Commit(_) | Effect::OwnReport(_) | Effect::Played(_) | Effect::ShowAll(_) => return,
            Effect::Close(to, reason) => {
                return if let Some(socket) = self.socket_of(to) {
                    self.close(socket, reason);
                };
            }
            Effect::Probe(to) => {
                let now_us = self.now;
                let Some(socket) = self.socket_of(to) else { return };
                self.line(socket).liveness.probe(now_us);
                return self.send(&[socket], FrameKind::Other, &ServerMessage::Ping { now_us });
            }
            Effect::Welcome(to, device_id) => {
                let welcome = Welcome {
                    device_id,
                    now_us: self.now,
                    clock_id: ClockId(1),
                    jitter_ms: 0,
                    limits: ClientLimits { audio_ms: self.limits.strict_ms.unwrap_or(AUDIO_MS), ..CLIENT_LIMITS },
                    playback: record.playback.clone(),
                    devices: record.device_list(),
                    library: Library::default(),
                };
                (to, FrameKind::Other, ServerMessage::Welcome(Box::new(welcome)))
            }
            Effect::Ack(to, id, revision) => {
                (to, FrameKind::Other, ServerMessage::Ack { id, revision, queue_length: None })
            }
            Effect::Reject(to, id, reject) => (to, FrameKind::Other, reject.answer(id)),
            Effect::ShowPlayback(to) => {
                self.own_reports.sent_again(to, record.playback.stamp());
                (to, FrameKind::Playback, ServerMessage::Playback(Box::new(record.playback.clone())))
            }
            Effect::ShowDevices(to) => (to, FrameKind::Devices, ServerMessage::Devices(record.device_list())),
            Effect::ShowQueue(to, from, limit) => {
                let page = state.queue().page(state.playback(), from, limit);
                (to, FrameKind::Other, ServerMessage::Queue(page))
            }
        };
        if let Some(socket) = self.socket_of(to) {
            self.send(&[socket], kind, &message);
        }
    }
}

const AUDIO_MS: i64 = 600_000;
const CLIENT_LIMITS: ClientLimits = ClientLimits {
    heartbeat_ms: TIMING.heartbeat_ms,
    idle_ms: TIMING.idle_ms,
    lease_ms: TIMING.lease_ms,
    audio_ms: AUDIO_MS,
    frame_bytes: 65_536,
    page_items: 200,
    tracks: LIMITS.tracks_per_command,
};

const fn frame_name(message: &ServerMessage) -> &'static str {
    match message {
        ServerMessage::Welcome(_) => "told welcome",
        ServerMessage::Playback(_) => "told playback",
        ServerMessage::Devices(_) => "told devices",
        ServerMessage::Queue(_) => "told queue",
        ServerMessage::Library(_) => "told library",
        ServerMessage::Time { .. } => "told time",
        ServerMessage::Ping { .. } => "told ping",
        ServerMessage::Ack { .. } => "told ack",
        ServerMessage::Reject { .. } => "told reject",
        ServerMessage::Goaway { .. } => "told goaway",
        ServerMessage::Unknown => "told unknown",
    }
}
