//! What a node's session shows its devices, as the session's actor does.

use crate::lies::Lie;
use crate::server::{JITTER_MS, TIMING};
use crate::session::AUDIO_MS;
use crate::world::{Down, Happening, World};
use segue_actors::protocol::ids::{ClockId, ConnectionId};
use segue_actors::protocol::playback::Intent;
use segue_actors::protocol::wire::{ClientLimits, Library, ServerMessage, Welcome};
use segue_actors::state::{Durability, Effect, Reject, SessionState, Shown};

pub(crate) const CLIENT_LIMITS: ClientLimits = ClientLimits {
    heartbeat_ms: TIMING.heartbeat_ms,
    idle_ms: TIMING.idle_ms,
    lease_ms: TIMING.lease_ms,
    audio_ms: AUDIO_MS,
    frame_bytes: 65_536,
    page_items: 200,
    tracks: 500,
};

impl World {
    pub(crate) fn release(&mut self, n: usize, before: Shown, state: &SessionState, effects: Vec<Effect>) {
        let Some(session) = &mut self.nodes[n].session else { return };
        let (shown, playback) = (state.shown(), state.playback().clone());
        let devices = state.record().device_list();
        let is_welcomed = |id: u64| effects.iter().any(|effect| matches!(effect, Effect::Welcome(to, _) if to.0 == id));
        let is_listed = |id: u64| state.devices().by_connection(ConnectionId(id)).is_some();
        let others = session.devices.iter().copied().filter(|id| is_listed(*id) && !is_welcomed(*id));
        let others: Vec<u64> = others.collect();
        let knower = session.own_reports.knower(before.playback, shown.playback, &effects);
        if knower.is_some() {
            self.note("a device knows its own report");
        }
        for id in others {
            if shown.playback != before.playback && knower.is_none_or(|knower| knower.0 != id) {
                self.send_down(id, Down::Frame(Box::new(ServerMessage::Playback(Box::new(playback.clone())))));
            }
            if shown.devices != before.devices {
                self.send_down(id, Down::Frame(Box::new(ServerMessage::Devices(devices.clone()))));
            }
        }
        for effect in effects {
            self.release_one(n, effect, state);
        }
        self.watch(n, state);
    }

    fn release_one(&mut self, n: usize, effect: Effect, state: &SessionState) {
        let now_us = self.server_now(n);
        let record = state.record().clone();
        let effect = match effect {
            Effect::Ack(to, id, _) if self.is_told(Lie::AcceptedIsRejected) => Effect::Reject(to, id, Reject::BUSY),
            other => other,
        };
        let (what, sent) = match effect {
            Effect::Commit(Durability::Now) => ("effect commit now", None),
            Effect::Commit(Durability::Soon) => ("effect commit soon", None),
            Effect::OwnReport(_) => ("effect own report", None),
            Effect::Played(_) => ("effect played", None),
            Effect::Probe(to) => {
                self.note("effect probe");
                if !self.ends_at(n, to.0) {
                    return;
                }
                if let Some(served) = self.sockets.get_mut(&to.0).and_then(|socket| socket.served.as_mut()) {
                    served.liveness.probe(now_us);
                    self.send_down(to.0, Down::Frame(Box::new(ServerMessage::Ping { now_us })));
                    self.send_down(to.0, Down::Ping);
                    self.schedule_timers(to.0);
                }
                return;
            }
            Effect::Close(to, reason) => {
                self.note("effect close");
                if self.ends_at(n, to.0) {
                    // Through the socket's actor: the session's current step is not interrupted.
                    self.at(self.now, Happening::Close(to.0, reason));
                }
                return;
            }
            Effect::Welcome(to, device_id) => {
                let (playback, devices) = (record.playback.clone(), record.device_list());
                let clock_id = ClockId(if self.is_shared() { 1 } else { self.nodes[n].id });
                let audio_ms = if self.weather.is_strict { TIMING.lease_ms } else { AUDIO_MS };
                let limits = ClientLimits { audio_ms, ..CLIENT_LIMITS };
                let library = Library::default();
                let welcome =
                    Welcome { device_id, now_us, clock_id, jitter_ms: JITTER_MS, limits, playback, devices, library };
                ("effect welcome", Some((to, ServerMessage::Welcome(Box::new(welcome)))))
            }
            Effect::ShowAll(to) => {
                assert!(self.programs.remove(&to), "a look is answered once");
                ("effect show all", None)
            }
            Effect::Ack(to, _, revision) if self.programs.remove(&to) => {
                assert!(revision <= record.stamp.revision, "a program is told of a revision to come");
                ("program granted", None)
            }
            Effect::Reject(to, ..) if self.programs.remove(&to) => ("program refused", None),
            Effect::Ack(to, id, revision) => {
                let device_id = record.devices.by_connection(to).map(|device| device.id);
                let stands = self.store.row.as_ref().and_then(|(row, _)| row.devices.answer_to(device_id?, id));
                // A program that has gone gets no answer; a database that was put back has lost what it had.
                let is_known = device_id.is_some_and(|device_id| self.store.applied.contains_key(&(device_id, id)));
                assert!(!is_known || stands == Some(revision), "an ack of what is not in the database");
                if let Some(device_id) = device_id.filter(|_| stands == Some(revision)) {
                    self.store.acked.insert(device_id, (id, revision, self.now));
                }
                ("effect ack", Some((to, ServerMessage::Ack { id, revision, queue_length: None })))
            }
            Effect::Reject(to, id, reject) => {
                self.note(&format!("reject {:?}", reject.code));
                let device_id = record.devices.by_connection(to).map(|device| device.id);
                // A frame for a socket that its device has left is lost: the device gets the state on its new socket.
                let reader = device_id.filter(|_| self.devices.iter().any(|device| device.socket == Some(to.0)));
                let made = reader.and_then(|device_id| self.store.applied.get(&(device_id, id)));
                assert!(made.is_none_or(Vec::is_empty), "a reject of what is in the database");
                ("effect reject", Some((to, reject.answer(id))))
            }
            Effect::ShowPlayback(to) => {
                if let Some(session) = &mut self.nodes[n].session {
                    session.own_reports.sent_again(to, record.playback.stamp());
                }
                ("effect show playback", Some((to, ServerMessage::Playback(Box::new(record.playback.clone())))))
            }
            Effect::ShowDevices(to) => {
                ("effect show devices", Some((to, ServerMessage::Devices(record.device_list()))))
            }
            Effect::ShowQueue(to, from, limit) => (
                "effect show queue",
                Some((to, ServerMessage::Queue(state.queue().page(&record.playback, from, limit)))),
            ),
        };
        self.note(what);
        if let Some((to, message)) = sent {
            self.send_down(to.0, Down::Frame(Box::new(message)));
        }
    }

    /// Whether a socket ends at this node.
    fn ends_at(&self, n: usize, id: u64) -> bool {
        self.sockets.get(&id).is_some_and(|socket| socket.node == n)
    }

    /// As the session's actor does.
    fn watch(&mut self, n: usize, state: &SessionState) {
        let now = self.server_now(n);
        let Some(session) = &mut self.nodes[n].session else { return };
        let active = state.playback().active.filter(|_| state.playback().intent == Intent::Play);
        let device = active.and_then(|active| state.devices().get(active.device_id));
        let wanted = device.and_then(|device| device.presence.connection());
        if session.watched == wanted {
            return;
        }
        let told = [(session.watched, false), (wanted, true)];
        session.watched = wanted;
        for (connection, is_active) in told {
            let Some(ConnectionId(id)) = connection.filter(|connection| self.ends_at(n, connection.0)) else {
                continue;
            };
            if let Some(served) = self.sockets.get_mut(&id).and_then(|socket| socket.served.as_mut()) {
                served.liveness.watch(now, is_active);
                self.schedule_timers(id);
            }
        }
    }
}
