//! Shows what a step has changed: playback and device list to every listed device, an answer to the one that it is for.

use super::{Answer, SessionActor};
use crate::node::{FrameKind, ToSocket};
use crate::protocol::close::CloseReason;
use crate::protocol::ids::ConnectionId;
use crate::protocol::playback::Intent;
use crate::protocol::wire::{ServerMessage, Welcome, playback_frame};
use crate::socket::local;
use crate::state::{Effect, Play, SessionState, Shown};
use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// The time between two attempts to write a play.
const RETRY: Duration = Duration::from_millis(500);
/// How many plays of one session may wait to be written.
const UNWRITTEN_PLAYS: usize = 64;

impl SessionActor {
    /// Sends what has changed since `before` to every listed device, then carries out the effects in their order.
    pub(super) fn release(
        &mut self,
        before: Shown,
        state: &SessionState,
        effects: Vec<Effect>,
        ctx: &mut Context<Self>,
    ) {
        let shown = state.shown();
        let welcomed: HashSet<ConnectionId> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Welcome(connection, _) => Some(*connection),
                _ => None,
            })
            .collect();
        if shown.playback != before.playback {
            let mut but = welcomed.clone();
            but.extend(self.own_reports.knower(before.playback, shown.playback, &effects));
            self.send_all(state, &but, FrameKind::Playback, &playback_frame(state.playback()));
        }
        if shown.devices != before.devices {
            let frame = ServerMessage::Devices(state.record().device_list()).to_frame();
            self.send_all(state, &welcomed, FrameKind::Devices, &frame);
        }
        for effect in effects {
            self.release_one(effect, state, ctx);
        }
        self.watch(state);
    }

    fn release_one(&mut self, effect: Effect, state: &SessionState, ctx: &mut Context<Self>) {
        let record = state.record();
        let (connection, kind, message) = match effect {
            Effect::Commit(_) | Effect::OwnReport(_) => return,
            Effect::Close(connection, reason) => {
                if let Some(device) = self.devices.get(&connection) {
                    device.do_send(ToSocket::Close(reason));
                }
                return;
            }
            Effect::Probe(connection) => {
                self.tell(connection, ToSocket::Probe);
                return;
            }
            Effect::Played(play) => {
                self.keep_play(play, ctx);
                return;
            }
            Effect::ShowAll(connection) => {
                let snapshot = Box::new(self.snapshot(state));
                self.answer(connection, Ok(Answer::Shown(snapshot)));
                return;
            }
            Effect::Ack(connection, _, revision) if self.askers.contains_key(&connection) => {
                self.answer(connection, Ok(Answer::Granted(revision)));
                return;
            }
            Effect::Reject(connection, _, reject) if self.askers.contains_key(&connection) => {
                self.answer(connection, Err(reject));
                return;
            }
            Effect::Welcome(connection, device_id) => {
                self.welcomed.insert(connection);
                let world = self.world();
                let welcome = Welcome {
                    device_id,
                    now_us: world.clock.now(),
                    clock_id: world.clock.id(),
                    jitter_ms: (self.jitter_ms)(),
                    limits: world.client_limits(),
                    playback: record.playback.clone(),
                    devices: record.device_list(),
                    library: self.library,
                };
                (connection, FrameKind::Other, ServerMessage::Welcome(Box::new(welcome)))
            }
            Effect::Ack(connection, id, revision) => {
                let made = record.playback.queue_revision == revision;
                let queue_length = made.then_some(record.playback.queue_length);
                (connection, FrameKind::Other, ServerMessage::Ack { id, revision, queue_length })
            }
            Effect::Reject(connection, id, reject) => (connection, FrameKind::Other, reject.answer(id)),
            Effect::ShowPlayback(connection) => {
                self.own_reports.sent_again(connection, record.playback.stamp());
                (connection, FrameKind::Playback, ServerMessage::Playback(Box::new(record.playback.clone())))
            }
            Effect::ShowDevices(connection) => {
                (connection, FrameKind::Devices, ServerMessage::Devices(record.device_list()))
            }
            Effect::ShowQueue(connection, from, limit) => {
                let page = state.queue().page(&record.playback, from, limit);
                (connection, FrameKind::Page, ServerMessage::Queue(page))
            }
        };
        self.send(connection, kind, &message.to_frame());
    }

    /// To every listed device but these: their `welcome`, which is sent next and must be their first frame, contains
    /// it.
    fn send_all(&self, state: &SessionState, but: &HashSet<ConnectionId>, kind: FrameKind, frame: &Arc<str>) {
        let listed = state.devices().iter().filter_map(|device| device.presence.connection());
        for connection in listed.filter(|connection| !but.contains(connection)) {
            self.send(connection, kind, frame);
        }
    }

    /// At once if the socket is on this thread and takes it, else by a message. After a page its actor asks for the next.
    fn send(&self, connection: ConnectionId, kind: FrameKind, frame: &Arc<str>) {
        if kind == FrameKind::Page {
            local::note_in_mailbox(connection);
        } else if self.devices.contains_key(&connection) && local::write(connection, frame) {
            return;
        }
        self.tell(connection, ToSocket::Frame(kind, frame.clone()));
    }

    /// A socket whose mailbox is full is too slow and is closed: the device reconnects, and its `welcome` contains
    /// everything.
    pub(super) fn tell(&self, connection: ConnectionId, message: ToSocket) {
        let Some(device) = self.devices.get(&connection) else { return };
        if device.try_send(message).is_err() {
            device.do_send(ToSocket::Close(CloseReason::Slow));
        }
    }

    /// Sends `ToSocket::Watch` to the socket of the device that is to sound and to the earlier one's, if they differ: an
    /// active device is pinged more often (R8).
    fn watch(&mut self, state: &SessionState) {
        let playback = state.playback();
        let active = playback.active.filter(|_| playback.intent == Intent::Play);
        let device = active.and_then(|active| state.devices().get(active.device_id));
        let wanted = device.and_then(|device| device.presence.connection());
        if self.watched == wanted {
            return;
        }
        for (connection, is_active) in [(self.watched, false), (wanted, true)] {
            if let Some(connection) = connection {
                self.tell(connection, ToSocket::Watch(is_active));
            }
        }
        self.watched = wanted;
    }

    fn keep_play(&mut self, play: Play, ctx: &mut Context<Self>) {
        if self.unwritten_plays >= UNWRITTEN_PLAYS {
            log::error!(user:% = self.user; "a play is lost: {UNWRITTEN_PLAYS} others already wait to be written");
            return;
        }
        self.unwritten_plays += 1;
        let kept = self.world().store.played(self.user, play);
        ctx.spawn(kept.into_actor(self).map(move |kept, actor, ctx| {
            if let Err(error) = kept {
                log::warn!(user:% = actor.user; "a play was not written and is tried again: {error}");
                ctx.run_later(RETRY, move |actor, ctx| {
                    actor.unwritten_plays -= 1;
                    actor.keep_play(play, ctx);
                });
            } else {
                actor.unwritten_plays -= 1;
                actor.rest(ctx);
            }
        }));
    }
}
