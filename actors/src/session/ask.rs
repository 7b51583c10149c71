//! Requests of programs (callers without a socket): each gets exactly one answer.

use super::{INBOX, SessionActor};
use crate::protocol::device::DeviceList;
use crate::protocol::ids::{ConnectionId, Micros};
use crate::protocol::messages::{Op, RejectCode};
use crate::protocol::playback::Playback;
use crate::socket::rate_limit::{MessageClass, RateLimit, Verdict};
use crate::state::queue::Queue;
use crate::state::{Asked, Event, Reject, SessionState};
use actix::{AsyncContext, Context, Handler, Message, ResponseFuture};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

const LIMITED: Reject =
    Reject { code: RejectCode::RateLimited, message: "too many requests of this user; wait", retry_ms: Some(10_000) };

/// How long a session without devices keeps running after a program's request. If it ended with the answer, each
/// request would begin a new epoch with a full rate limit, and a program's requests would never be limited.
const LINGER: Duration = Duration::from_millis(RateLimit::FULL_MS.unsigned_abs());

/// A program's request. What an accepted command changed is in the database before the answer is given.
///
/// # Errors
/// Why the request was refused. Nothing was changed, except after `unavailable`: then it is not known whether the
/// command was applied.
#[derive(Message)]
#[rtype(result = "Result<Answer, Reject>")]
pub struct Ask(pub Asked);

/// The answer to a program's request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The command was accepted, and made this revision.
    Granted(u64),
    /// The session as it is.
    Shown(Box<Snapshot>),
}

/// Everything that devices are shown, at one instant.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The server time of the snapshot.
    pub now_us: Micros,
    /// The playback.
    pub playback: Playback,
    /// The listed devices.
    pub devices: DeviceList,
    /// The whole queue.
    pub queue: Arc<Queue>,
}

/// Takes the answer to a program that waits for it.
pub(super) type Asker = oneshot::Sender<Result<Answer, Reject>>;

impl SessionActor {
    pub(super) fn answer(&mut self, connection: ConnectionId, answer: Result<Answer, Reject>) {
        if let Some(asker) = self.askers.remove(&connection) {
            // This fails if the program no longer waits; then no answer is needed.
            let _ = asker.send(answer);
        }
    }

    pub(super) fn snapshot(&self, state: &SessionState) -> Snapshot {
        Snapshot {
            now_us: self.now(),
            playback: state.playback().clone(),
            devices: state.record().device_list(),
            queue: state.queue().clone(),
        }
    }

    /// Keeps the session running for [`LINGER`] from now: after that time its rate limit is full again.
    fn linger(&mut self, ctx: &mut Context<Self>) {
        let stay = ctx.run_later(LINGER, |actor, ctx| {
            actor.lingering = None;
            actor.rest(ctx);
        });
        if let Some(earlier) = self.lingering.replace(stay) {
            ctx.cancel_future(earlier);
        }
    }

    fn refusal(&mut self, asked: &Asked) -> Option<Reject> {
        if !self.stopping.is_empty() || self.replica.waiting() >= INBOX {
            return Some(Reject::BUSY);
        }
        let class = match asked {
            Asked::Look => MessageClass::Other,
            Asked::Command { command, .. } if matches!(command.op, Op::PlayList { .. }) => MessageClass::List,
            Asked::Command { .. } => MessageClass::Command,
        };
        match self.rate_limit.take(self.now(), class) {
            Verdict::Allowed => None,
            Verdict::Limited(retry_ms) => Some(Reject { retry_ms: Some(retry_ms), ..LIMITED }),
            Verdict::Disconnect => Some(LIMITED),
        }
    }
}

impl Handler<Ask> for SessionActor {
    type Result = ResponseFuture<Result<Answer, Reject>>;

    fn handle(&mut self, Ask(asked): Ask, ctx: &mut Context<Self>) -> Self::Result {
        if let Some(reject) = self.refusal(&asked) {
            return Box::pin(async { Err(reject) });
        }
        // A command without an answer may have been applied; a look changes nothing.
        let lost = match &asked {
            Asked::Look => Reject::UNAVAILABLE,
            Asked::Command { .. } => Reject::UNKNOWN,
        };
        let connection = ConnectionId((self.world().random)());
        let (waiting, answer) = oneshot::channel();
        self.askers.insert(connection, waiting);
        self.linger(ctx);
        self.take_in(Event::Asked { connection, asked }, ctx);
        Box::pin(async move { answer.await.unwrap_or(Err(lost)) })
    }
}
