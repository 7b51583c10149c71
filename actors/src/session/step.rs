//! Carries out what the replica puts out, and gives it the answers of the database.

use super::SessionActor;
use super::replica::{Replica, ReplicaOutput};
use crate::count;
use crate::node::ports::{Outcome, SessionChange};
use crate::protocol::ids::Micros;
use crate::state::Event;
use actix::{ActorContext, ActorFutureExt, AsyncContext, Context, WrapFuture};
use std::time::Duration;

/// How long after reports and presence were shown they are written, in milliseconds.
const SOON_MS: i64 = 1_800;
/// They are written at common instants, this many milliseconds apart: the database takes those of many sessions in one
/// transaction.
const TOGETHER_MS: i64 = 100;

impl SessionActor {
    pub(super) fn take_in(&mut self, event: Event, ctx: &mut Context<Self>) {
        self.drive(ctx, |replica, now, outputs| replica.take_in(now, event, outputs));
    }

    /// Calls the replica and carries out what it puts out.
    pub(super) fn drive(
        &mut self,
        ctx: &mut Context<Self>,
        work: impl FnOnce(&mut Replica, Micros, &mut Vec<ReplicaOutput>),
    ) {
        let (now, mut outputs) = (self.now(), Vec::new());
        self.is_at_work = true;
        work(&mut self.replica, now, &mut outputs);
        self.carry_out(outputs, ctx);
        self.is_at_work = false;
        if let Some(state) = self.replica.state() {
            self.counted.follow(state);
        }
        self.rest(ctx);
    }

    fn carry_out(&mut self, outputs: Vec<ReplicaOutput>, ctx: &mut Context<Self>) {
        for output in outputs {
            match output {
                ReplicaOutput::Load => self.load(ctx),
                ReplicaOutput::LoadAgain(why) => self.load_again(&why, ctx),
                ReplicaOutput::Commit(change) => self.commit(change, ctx),
                ReplicaOutput::WriteSoon => self.write_soon(ctx),
                ReplicaOutput::Log(why) => {
                    log::info!(user:% = self.user; "a session goes on after a failed commit: {why}");
                }
                ReplicaOutput::Release(before, state, effects) => self.release(before, &state, effects, ctx),
                ReplicaOutput::Restart(why) => self.restart(&why, ctx),
            }
        }
    }

    fn commit(&self, change: SessionChange, ctx: &mut Context<Self>) {
        let record = change.record.clone();
        let (began, committed) = (self.now(), self.world().store.commit(self.user, change));
        ctx.spawn(committed.into_actor(self).map(move |outcome, actor, ctx| {
            let took_us = u64::try_from(actor.now().since_us(began)).unwrap_or(0);
            count::commit(Duration::from_micros(took_us), matches!(outcome, Outcome::Committed));
            if let (Outcome::Committed, Some(peers)) = (&outcome, &actor.peers) {
                peers.publish(actor.user, record);
            }
            actor.drive(ctx, |replica, now, outputs| replica.committed(now, outcome, outputs));
        }));
    }

    fn write_soon(&mut self, ctx: &mut Context<Self>) {
        if self.soon.is_none() {
            let now_ms = self.now().0.div_euclid(1_000);
            let wait_ms = SOON_MS + TOGETHER_MS - (now_ms + SOON_MS).rem_euclid(TOGETHER_MS);
            let wait = Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0));
            self.soon = Some(ctx.run_later(wait, |actor, ctx| {
                actor.soon = None;
                actor.write(ctx);
            }));
        }
    }

    fn write(&mut self, ctx: &mut Context<Self>) {
        self.drive(ctx, Replica::write);
    }

    /// Sets the timer of the next deadline. Stops the actor when no device is attached, no program waits, nothing is
    /// due and everything is written.
    pub(super) fn rest(&mut self, ctx: &mut Context<Self>) {
        let Some(state) = self.replica.state().filter(|_| self.replica.steps_at_once()) else { return };
        let due = state.next_deadline();
        self.failing_since = None;
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
        let waits = due.is_some() || self.unwritten_plays > 0 || self.lingering.is_some();
        let is_idle = self.devices.is_empty() && !self.replica.is_busy();
        let is_over = is_idle && self.askers.is_empty() && (!waits || !self.stopping.is_empty());
        if is_over {
            if self.replica.is_stored() {
                ctx.stop();
            } else {
                self.write(ctx);
            }
        }
    }
}
