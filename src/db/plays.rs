//! Plays: one row for each track that a user listened to.

use super::{DbConnection, DbError, popularity, schema};
use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use segue_actors::state::Play;
use segue_client::protocol::{
    ids::{DeviceId, UserId},
    playback::MediaKind,
};

/// The row of a play.
#[derive(Debug, Clone)]
pub struct NewPlay {
    pub(super) user_id: i64,
    pub(super) epoch: i64,
    pub(super) revision: i64,
    pub(super) media_id: i64,
    pub(super) kind: &'static str,
    pub(super) started_us: i64,
    pub(super) device_id: Option<i64>,
}

impl NewPlay {
    /// The row of this user's play.
    #[must_use]
    pub fn of(user: UserId, play: &Play) -> Self {
        Self {
            user_id: user.to_sql(),
            epoch: play.listen.epoch.cast_signed(),
            revision: play.listen.revision.cast_signed(),
            media_id: play.media_id.to_sql(),
            kind: match play.kind {
                MediaKind::Track => "track",
                MediaKind::Episode => "episode",
            },
            started_us: play.started_us.0,
            device_id: play.device_id.map(DeviceId::to_sql),
        }
    }
}

/// Removes all plays of these users, also from the counts.
///
/// # Errors
/// The database's.
pub fn erase(connection: &mut DbConnection, users: &[i64]) -> Result<(), DbError> {
    use schema::plays::dsl::{plays, user_id};
    popularity::forget(connection, users)?;
    diesel::delete(plays.filter(user_id.eq_any(users))).execute(connection)?;
    Ok(())
}
