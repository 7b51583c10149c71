//! What can be played as a whole: albums, artists and playlists.

use super::{
    AuthUser, playlists,
    uris::{self, Noun},
};
use crate::{
    app::App,
    db::{DbConnection, DbError, albums, artists, playlists as stored, queueable},
    error::ApiError,
};
use segue_actors::node::Sessions as _;
use segue_client::protocol::ids::MediaId;
use std::collections::HashSet;

/// The tracks of an album, an artist or a playlist, in order, each with whether it can be played.
///
/// # Errors
/// `not_found` for what is not there or what this user may not see; `invalid` for another URI, and for more tracks than a
/// queue has room for.
pub(super) async fn tracks(app: &App, asker: AuthUser, uri: &str) -> Result<Vec<(i64, bool)>, ApiError> {
    let (noun, id) = uris::parse(uri)?;
    let most = app.directory.world().limits.queue_items;
    let limit = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
    let found = match noun {
        Noun::Album | Noun::Artist => {
            let found = app.db.read(move |connection| of_catalogue(connection, noun, id, limit)).await?;
            found.ok_or_else(|| ApiError::not_found(noun.word()))?
        }
        Noun::Playlist => {
            let found = app.db.read(move |connection| {
                let playlist = stored::get(connection, id)?;
                Ok((playlist, of_playlist(connection, id, limit)?))
            });
            let (playlist, found) = found.await?;
            playlists::visible(playlist, asker)?;
            found
        }
        Noun::Track | Noun::User => {
            return Err(ApiError::invalid("context_uri names an album, an artist or a playlist"));
        }
    };
    if found.len() > most {
        return Err(ApiError::invalid(format!("a queue has room for {most} tracks")));
    }
    Ok(found)
}

/// `None` when there is no such album or artist.
fn of_catalogue(
    connection: &mut DbConnection,
    noun: Noun,
    id: i64,
    limit: i64,
) -> Result<Option<Vec<(i64, bool)>>, DbError> {
    let (is_there, (ids, _)) = if noun == Noun::Album {
        (!albums::load(connection, &[id])?.is_empty(), albums::tracks_of(connection, id, limit, 0)?)
    } else {
        (!artists::load(connection, &[id])?.is_empty(), artists::tracks_of(connection, id, limit, 0)?)
    };
    Ok(is_there.then(|| ids.into_iter().map(|id| (id, true)).collect()))
}

fn of_playlist(connection: &mut DbConnection, id: i64, limit: i64) -> Result<Vec<(i64, bool)>, DbError> {
    let items = stored::items(connection, id, limit, 0)?;
    let ids: Vec<MediaId> = items.iter().map(|item| MediaId::from_sql(item.track_id)).collect();
    let there: HashSet<i64> =
        queueable::durations_ms(connection, &ids)?.into_iter().map(|(id, _)| id.to_sql()).collect();
    Ok(items.into_iter().map(|item| (item.track_id, there.contains(&item.track_id))).collect())
}
