//! Jobs of the writer of sessions.

use segue_actors::{
    node::ports::{Outcome, PortError, SessionChange},
    state::Play,
};
use segue_client::protocol::ids::UserId;
use tokio::sync::oneshot;

/// What to write, and the channel of its answer.
pub(super) enum WriteJob {
    Commit(UserId, SessionChange, oneshot::Sender<Outcome>),
    Play(UserId, Play, oneshot::Sender<Result<(), PortError>>),
}
