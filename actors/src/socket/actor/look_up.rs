//! Commands that name tracks or a list: the catalogue is asked before the session gets them.

use super::SocketActor;
use crate::node::ports::{ListedTracks, PortError, Socket, WantedList};
use crate::node::{FrameKind, RESOLVE};
use crate::protocol::ids::{CommandId, MediaId};
use crate::protocol::messages::{Command, RejectCode};
use crate::protocol::wire::ServerMessage;
use crate::state::DeviceEvent;
use crate::state::queue::Resolved;
use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use tokio::time::error::Elapsed;

/// How long a client waits, in milliseconds, before it repeats a command for which the catalogue had no answer.
const RETRY_MS: u32 = 1_000;

impl<S: Socket + Unpin + 'static> SocketActor<S> {
    /// Looks the command's tracks up in the catalogue, then passes the command on. No other frame is read meanwhile.
    pub(super) fn command(&mut self, mut command: Command<MediaId>, ctx: &mut Context<Self>) {
        let most = self.world().limits.queue_items;
        if let (Some(wanted), Some(joined)) = (WantedList::by(&command.op, most), &self.joined) {
            let listed = tokio::time::timeout(RESOLVE, self.world().tracks.list(joined.user, wanted));
            ctx.wait(listed.into_actor(self).map(move |listed, actor, ctx| match actor.looked_up(listed) {
                Some(Ok(ListedTracks { tracks, start })) => {
                    command.op.start_at(start);
                    actor.forward(command, tracks, ctx);
                }
                Some(Err(reject)) => actor.send(FrameKind::Other, &reject.answer(command.id), ctx),
                None => actor.unavailable(command.id, ctx),
            }));
            return;
        }
        let tracks = command.op.tracks();
        if tracks.is_empty() {
            self.forward(command, Vec::new(), ctx);
            return;
        }
        let Some(user) = self.joined.as_ref().map(|joined| joined.user) else { return };
        let resolved = tokio::time::timeout(RESOLVE, self.world().tracks.resolve(user, tracks.to_vec()));
        ctx.wait(resolved.into_actor(self).map(move |resolved, actor, ctx| match actor.looked_up(resolved) {
            Some(Ok(tracks)) => actor.forward(command, tracks, ctx),
            Some(Err(unknown)) => {
                let why = format!("there is no track {unknown} in the catalogue");
                actor.reject(command.id, RejectCode::Invalid, why, None, ctx);
            }
            None => actor.unavailable(command.id, ctx),
        }));
    }

    /// The answer of the catalogue; `None`, which is logged, when there is none.
    fn looked_up<T>(&self, answer: Result<Result<T, PortError>, Elapsed>) -> Option<T> {
        let error = match answer {
            Ok(Ok(found)) => return Some(found),
            Ok(Err(error)) => error,
            Err(_) => return None,
        };
        let (user, device) = self.names();
        log::warn!(
            user = user.as_str(), device = device.as_str(), connection:% = self.connection;
            "the tracks of a command cannot be looked up: {error}"
        );
        None
    }

    fn unavailable(&mut self, id: CommandId, ctx: &mut Context<Self>) {
        let why = "the catalogue does not answer; try again".to_owned();
        self.reject(id, RejectCode::Unavailable, why, Some(RETRY_MS), ctx);
    }

    fn forward(&mut self, command: Command<MediaId>, tracks: Vec<Resolved>, ctx: &mut Context<Self>) {
        let seed = (self.world().random)();
        self.pass(DeviceEvent::command(command, tracks, seed), ctx);
    }

    fn reject(
        &mut self,
        id: CommandId,
        code: RejectCode,
        message: String,
        retry_ms: Option<u32>,
        ctx: &mut Context<Self>,
    ) {
        self.send(FrameKind::Other, &ServerMessage::Reject { id, code, message, retry_ms }, ctx);
    }
}
