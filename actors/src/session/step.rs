//! Events are stepped, what must be durable is committed, and what was shown first is written soon after.

use super::SessionActor;
use crate::ports::{Change, Outcome};
use crate::state::messages::{Reject, RejectCode, Sound};
use crate::state::outbox::FrameKind;
use crate::state::{Durability, Effect, Event, Said, SessionState};
use crate::wire::ServerMessage;
use actix::{ActorContext, ActorFutureExt, AsyncContext, Context, WrapFuture};
use std::time::Duration;

/// Reports and presence are written so long after they were shown.
const SOON: Duration = Duration::from_secs(1);
/// Between two attempts of a write that failed.
const RETRY: Duration = Duration::from_millis(500);
/// What a client is told to wait when the database is out of reach.
const RETRY_MS: u32 = 1_000;

impl SessionActor {
    pub(super) fn take_in(&mut self, event: Event, ctx: &mut Context<Self>) {
        self.inbox.push_back(event);
        self.go_on(ctx);
    }

    /// Steps what waits, unless a load or commit is in flight.
    pub(super) fn go_on(&mut self, ctx: &mut Context<Self>) {
        if self.is_busy || self.live.is_none() {
            return;
        }
        if self.is_outdated {
            self.restart("the database was put back", ctx);
            return;
        }
        let events: Vec<Event> = self.inbox.drain(..).collect();
        if !events.is_empty() {
            self.step(events, ctx);
        }
        self.rest(ctx);
    }

    pub(super) fn step(&mut self, events: Vec<Event>, ctx: &mut Context<Self>) {
        let now = self.now();
        let Some(live) = &mut self.live else { return };
        let before = live.state.clone();
        let mut effects = Vec::new();
        for event in &events {
            live.state.step(now, event.clone(), &mut effects);
            if let Err(violation) = live.state.check() {
                panic!("session {}: invariant {} does not hold: {}", self.user, violation.number, violation.rule);
            }
        }
        let durability = effects.iter().filter_map(|effect| match effect {
            Effect::Commit(durability) => Some(*durability),
            _ => None,
        });
        match durability.max() {
            Some(Durability::Now) => {
                let change = live.change();
                self.commit(before, events, effects, change, ctx);
            }
            Some(Durability::Soon) => {
                self.release(before.shown(), effects, ctx);
                self.write_soon(SOON, ctx);
            }
            None => self.release(before.shown(), effects, ctx),
        }
    }

    pub(super) fn commit(
        &mut self,
        before: SessionState,
        events: Vec<Event>,
        effects: Vec<Effect>,
        change: Change,
        ctx: &mut Context<Self>,
    ) {
        self.is_busy = true;
        let committed = self.world().store.commit(self.user, change);
        ctx.spawn(committed.into_actor(self).map(move |outcome, actor, ctx| {
            actor.is_busy = false;
            match outcome {
                Outcome::Committed => {
                    actor.stored();
                    actor.release(before.shown(), effects, ctx);
                    actor.go_on(ctx);
                }
                Outcome::NotSent(error) => {
                    log::warn!("a change of session {} was not written: {error}", actor.user);
                    actor.undo(before, events, ctx);
                    actor.go_on(ctx);
                }
                Outcome::Conflict(_) => actor.restart("another record stands in the database", ctx),
                Outcome::Unknown(error) => actor.restart(&format!("a commit has no answer: {error}"), ctx),
            }
        }));
    }

    /// What needed the database did not happen; the rest of what came with it does.
    pub(super) fn undo(&mut self, before: SessionState, events: Vec<Event>, ctx: &mut Context<Self>) {
        if let Some(live) = &mut self.live {
            live.state = before;
        }
        let mut light = Vec::new();
        for event in events {
            match event {
                Event::Said { connection, said: Said::Command { command, .. } } => {
                    let reject = Reject { retry_ms: Some(RETRY_MS), ..UNAVAILABLE };
                    self.send(
                        connection,
                        FrameKind::Other,
                        &ServerMessage::reject(command.id, &reject).encode().into(),
                    );
                }
                Event::Said { connection, said } if needs_commit(&said) => {
                    self.release_one(Effect::ShowPlayback(connection), ctx);
                }
                other => light.push(other),
            }
        }
        if !light.is_empty() {
            self.step(light, ctx);
        }
    }

    /// The present record stands in the database.
    pub(super) fn stored(&mut self) {
        if let Some(live) = &mut self.live {
            let record = live.state.record();
            live.stored = Some((record.stamp, record.queue_revision()));
        }
    }

    pub(super) fn write_soon(&mut self, wait: Duration, ctx: &mut Context<Self>) {
        if self.soon.is_none() {
            self.soon = Some(ctx.run_later(wait, |actor, ctx| {
                actor.soon = None;
                actor.write(ctx);
            }));
        }
    }

    /// Writes what was shown already.
    pub(super) fn write(&mut self, ctx: &mut Context<Self>) {
        let Some(live) = self.live.as_ref().filter(|live| !live.is_stored()) else { return };
        if self.is_busy {
            self.write_soon(RETRY, ctx);
            return;
        }
        self.is_busy = true;
        let committed = self.world().store.commit(self.user, live.change());
        ctx.spawn(committed.into_actor(self).map(|outcome, actor, ctx| {
            actor.is_busy = false;
            match outcome {
                Outcome::Committed => {
                    actor.stored();
                    actor.go_on(ctx);
                }
                Outcome::NotSent(error) => {
                    log::warn!("session {} was not written: {error}", actor.user);
                    actor.write_soon(RETRY, ctx);
                    actor.go_on(ctx);
                }
                Outcome::Conflict(_) => actor.restart("another record stands in the database", ctx),
                Outcome::Unknown(error) => actor.restart(&format!("a write has no answer: {error}"), ctx),
            }
        }));
    }

    /// Waits for the next deadline; ends when nobody is left to wait for and everything is written.
    pub(super) fn rest(&mut self, ctx: &mut Context<Self>) {
        let Some(live) = &self.live else { return };
        let due = live.state.next_deadline();
        if self.deadline.map(|(at, _)| at) != due {
            if let Some((_, handle)) = self.deadline.take() {
                ctx.cancel_future(handle);
            }
            if let Some(due) = due {
                let wait_us = u64::try_from(due.since_us(self.now())).unwrap_or(0);
                let handle = ctx.run_later(Duration::from_micros(wait_us), |actor, ctx| {
                    actor.deadline = None;
                    actor.take_in(Event::Deadline, ctx);
                });
                self.deadline = Some((due, handle));
            }
        }
        let waits = due.is_some() || self.unwritten_plays > 0;
        let is_over = self.devices.is_empty() && (!waits || !self.stopping.is_empty());
        if is_over && !self.is_busy && self.inbox.is_empty() {
            match &self.live {
                Some(live) if !live.is_stored() => self.write(ctx),
                _ => ctx.stop(),
            }
        }
    }
}

const UNAVAILABLE: Reject = Reject::new(RejectCode::Unavailable, "the database is out of reach; try again");

/// Whether what a device says may change something that must be durable before it is shown.
const fn needs_commit(said: &Said) -> bool {
    match said {
        Said::Command { .. } | Said::Ended(_) => true,
        Said::Report(report) => matches!(report.status, Sound::Failed),
        Said::Yield(yielded) => yielded.to.is_some(),
        Said::Ready(_) | Said::Volume(_) | Said::Queue { .. } => false,
    }
}
