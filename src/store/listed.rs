//! The tracks of a list that a command names: an album, an artist, a playlist, saved tracks, all tracks, a search.

use super::answer::{fault, port_error};
use crate::{
    catalog::{
        follow::{NotSearched, Search, SearchPage},
        search::{QUERY_CHARS_MAX, RESULTS_MAX},
    },
    db::{
        Db, DbConnection, DbError, albums, artists,
        lists::{List, Lists},
        playlists, queueable,
        saved::{self, Saved},
    },
    values::document::ItemKind,
};
use segue_actors::{
    node::ports::{ListedTracks, PortError, WantedList},
    state::{Reject, queue::Resolved},
};
use segue_client::protocol::{
    ids::{MediaId, UserId},
    messages::{RejectCode, TrackList, TrackOrder},
    playback::MediaKind,
};
use std::{collections::HashMap, sync::Arc};

const NO_LIST: Reject = Reject::new(RejectCode::Invalid, "there is no such list, or it is not for this user");
const LONG_QUERY: Reject = Reject::new(RejectCode::Invalid, "q of a search has at most 250 characters");
const NOTHING: Reject = Reject::new(RejectCode::Conflict, "the list has no track that can be played");
const NO_TRACK: Reject = Reject::new(RejectCode::Conflict, "the list does not have that track any more");

/// A part of a list: the ids of its tracks, and how many of the list's tracks come before it.
struct ListPart {
    ids: Vec<i64>,
    before: usize,
}

/// The tracks of a list that can be played: at most `wanted.most`, among them the one at `wanted.start`.
pub(super) async fn listed(
    db: &Db,
    lists: &Arc<Lists>,
    search: &Search,
    user: UserId,
    wanted: WantedList,
) -> Result<Result<ListedTracks, Reject>, PortError> {
    let found = if let TrackList::Search { q } = &wanted.list {
        if q.chars().count() > QUERY_CHARS_MAX {
            return Ok(Err(LONG_QUERY));
        }
        let page = SearchPage { user, limit: RESULTS_MAX, offset: 0 };
        let found = search.find(q.clone(), vec![ItemKind::Track], page).await;
        let mut found = found.map_err(|error| match error {
            NotSearched::NotOpen | NotSearched::Busy => fault(error.to_string(), true),
            NotSearched::Failed(_) | NotSearched::Panicked => fault(error.to_string(), false),
        })?;
        found.remove(&ItemKind::Track).map(|listing| listing.ids.into_iter().map(u64::cast_signed).collect())
    } else {
        None
    };
    let lists = Arc::clone(lists);
    let read = db.read(move |connection| {
        let part = match found {
            Some(ids) => Some(ListPart { ids, before: 0 }),
            None => part(connection, &lists, user, &wanted)?,
        };
        match part {
            Some(part) => playable(connection, &part, &wanted),
            None => Ok(Err(NO_LIST)),
        }
    });
    read.await.map_err(|error| port_error(&error))
}

/// The wanted part of a list; `None` when this user has no such list.
fn part(
    connection: &mut DbConnection,
    lists: &Lists,
    user: UserId,
    wanted: &WantedList,
) -> Result<Option<ListPart>, DbError> {
    let limit = i64::try_from(wanted.most).unwrap_or(i64::MAX);
    let mut page = |limit: i64, offset: i64| -> Result<Option<(Vec<i64>, i64)>, DbError> {
        Ok(match &wanted.list {
            TrackList::Album { id } if !albums::load(connection, &[id.to_sql()])?.is_empty() => {
                Some(albums::tracks_of(connection, id.to_sql(), limit, offset)?)
            }
            TrackList::Artist { id } if !artists::load(connection, &[id.to_sql()])?.is_empty() => {
                Some(artists::tracks_of(connection, id.to_sql(), limit, offset)?)
            }
            TrackList::Playlist { id } => match playlists::get(connection, id.to_sql())? {
                Some((playlist, _)) if playlist.public || playlist.owner_id == user.to_sql() => {
                    let items = playlists::items(connection, playlist.id, limit, offset)?;
                    Some((items.into_iter().map(|item| item.track_id).collect(), playlist.track_count))
                }
                _ => None,
            },
            TrackList::Saved => {
                let (rows, total) = saved::page(connection, Saved::Tracks, user.to_sql(), limit, offset)?;
                Some((rows.into_iter().map(|row| row.id).collect(), total))
            }
            TrackList::Tracks { sort } => {
                let list = match sort {
                    TrackOrder::Name => List::TracksByName,
                    TrackOrder::Newest => List::NewestTracks,
                };
                Some(lists.page(connection, list, limit, offset)?)
            }
            TrackList::Album { .. } | TrackList::Artist { .. } | TrackList::Search { .. } => None,
        })
    };
    let start = i64::try_from(wanted.start.unwrap_or(0)).unwrap_or(i64::MAX);
    // The beginning tells how long the list is; of a longer one a later part may be wanted.
    let Some((ids, total)) = page(limit, 0)? else { return Ok(None) };
    let offset = start.min(total.saturating_sub(limit)).max(0);
    let found = if offset == 0 { Some((ids, total)) } else { page(limit, offset)? };
    Ok(found.map(|(ids, _)| ListPart { ids, before: usize::try_from(offset).unwrap_or(0) }))
}

/// The tracks of a part that can be played, and the place of the first one among them.
fn playable(
    connection: &mut DbConnection,
    part: &ListPart,
    wanted: &WantedList,
) -> Result<Result<ListedTracks, Reject>, DbError> {
    let first = match first(part, wanted) {
        Ok(first) => first,
        Err(refused) => return Ok(Err(refused)),
    };
    let ids: Vec<MediaId> = part.ids.iter().map(|id| MediaId::from_sql(*id)).collect();
    let known: HashMap<MediaId, Option<i64>> = queueable::durations_ms(connection, &ids)?.into_iter().collect();
    let resolved = |media_id: &MediaId| {
        let duration_ms = *known.get(media_id)?;
        Some(Resolved { media_id: *media_id, kind: MediaKind::Track, duration_ms })
    };
    let tracks: Vec<Resolved> = ids.iter().filter_map(resolved).collect();
    if tracks.is_empty() {
        return Ok(Err(NOTHING));
    }
    // In place of a track that cannot be played the next one that can comes first, or else the last one.
    let before = |first: usize| ids.iter().take(first).filter(|id| known.contains_key(*id)).count();
    let start = first.map(|first| before(first).min(tracks.len().saturating_sub(1)));
    Ok(Ok(ListedTracks { tracks, start }))
}

/// The place of the first track in the part: the named one, where the list has changed the nearest one of the same id.
fn first(part: &ListPart, wanted: &WantedList) -> Result<Option<usize>, Reject> {
    let at = wanted.start.map(|start| start.saturating_sub(part.before));
    let Some(track) = wanted.track.map(MediaId::to_sql) else {
        return match at {
            Some(at) if at >= part.ids.len() && !part.ids.is_empty() => Err(NO_TRACK),
            at => Ok(at),
        };
    };
    let places = part.ids.iter().enumerate().filter(|(_, id)| **id == track).map(|(place, _)| place);
    let nearest = places.min_by_key(|place| place.abs_diff(at.unwrap_or(0)));
    nearest.map(Some).ok_or(NO_TRACK)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(start: Option<usize>, track: Option<u64>) -> WantedList {
        WantedList { list: TrackList::Saved, start, track: track.map(MediaId), most: 10 }
    }

    #[test]
    fn the_first_track_is_the_one_that_was_seen_wherever_it_is_now() {
        let part = ListPart { ids: vec![7, 8, 7, 9], before: 100 };
        let at = |start, track| first(&part, &wanted(start, track)).ok();
        assert_eq!(at(None, None), Some(None));
        assert_eq!(at(Some(102), None), Some(Some(2)));
        assert_eq!(at(Some(104), None), None, "beyond the end");
        assert_eq!(at(Some(102), Some(7)), Some(Some(2)));
        assert_eq!(at(Some(101), Some(9)), Some(Some(3)), "the list has changed");
        assert_eq!(at(Some(100), Some(7)), Some(Some(0)));
        assert_eq!(at(Some(100), Some(6)), None);
        assert_eq!(first(&ListPart { ids: Vec::new(), before: 0 }, &wanted(Some(0), None)).ok(), Some(Some(0)));
    }
}
