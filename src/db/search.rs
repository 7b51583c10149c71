//! What the search index is fed with: the names of what changed, in the order of the changes.

use super::{
    DbConnection, DbError, changes, popularity,
    schema::{album_artists, albums, artists, playlists, track_artists, tracks},
};
use crate::values::document::{Document, DocumentChange, ItemKind};
use diesel::{ExpressionMethods as _, JoinOnDsl as _, QueryDsl as _, RunQueryDsl as _};
use segue_client::protocol::ids::UserId;
use std::collections::HashMap;

/// Changes for the index, and how far they lead.
#[derive(Debug)]
pub struct ChangeStep {
    /// In order; what is gone is a removal.
    pub changes: Vec<DocumentChange>,
    /// The number of the last one, to go on after.
    pub upto: i64,
}

/// The first `limit` changes after number `after`; `None` when there are none.
///
/// # Errors
/// Those of the database.
pub fn step(connection: &mut DbConnection, after: i64, limit: i64) -> Result<Option<ChangeStep>, DbError> {
    let rows = changes::since(connection, after, limit)?;
    let Some(upto) = rows.last().map(|row| row.number) else { return Ok(None) };
    let of = |kind| rows.iter().filter(|row| row.kind == kind).map(|row| row.id).collect::<Vec<_>>();
    let mut documents = HashMap::new();
    for document in load_tracks(connection, &of(ItemKind::Track))?
        .into_iter()
        .chain(load_albums(connection, &of(ItemKind::Album))?)
        .chain(load_artists(connection, &of(ItemKind::Artist))?)
        .chain(load_playlists(connection, &of(ItemKind::Playlist))?)
    {
        documents.insert((document.kind, document.id), document);
    }
    let change = |row: &changes::RowChange| {
        let (kind, id) = (row.kind, row.id.cast_unsigned());
        documents.remove(&(kind, id)).map_or(DocumentChange::Remove(kind, id), DocumentChange::Put)
    };
    Ok(Some(ChangeStep { changes: rows.iter().map(change).collect(), upto }))
}

fn document(kind: ItemKind, id: i64, name: String, others: Vec<String>, plays: &HashMap<i64, i64>) -> Document {
    let popularity = popularity::of_plays(plays.get(&id).copied().unwrap_or(0));
    Document { kind, id: id.cast_unsigned(), name, others, popularity, private_to: None }
}

fn load_tracks(connection: &mut DbConnection, ids: &[i64]) -> Result<Vec<Document>, DbError> {
    type TitleRow = (i64, String, String, i64, String);
    let rows: Vec<TitleRow> = tracks::table
        .inner_join(albums::table.on(albums::id.eq(tracks::album_id)))
        .filter(tracks::id.eq_any(ids))
        .filter(tracks::missing.eq(false))
        .select((tracks::id, tracks::title, tracks::other_titles, albums::id, albums::title))
        .load(connection)?;
    let artists: Vec<(i64, String)> = track_artists::table
        .inner_join(artists::table.on(artists::id.eq(track_artists::artist_id)))
        .filter(track_artists::track_id.eq_any(ids))
        .order((track_artists::track_id, track_artists::position))
        .select((track_artists::track_id, artists::name))
        .load(connection)?;
    let mut artists = grouped(artists);
    let mut album_ids: Vec<i64> = rows.iter().map(|row| row.3).collect();
    album_ids.sort_unstable();
    album_ids.dedup();
    let album_artists = artists_of_albums(connection, &album_ids)?;
    let plays = popularity::tracks(connection, ids)?;
    let track = |(id, title, other_titles, album_id, album): TitleRow| {
        let mut others: Vec<String> = other_titles.lines().map(str::to_owned).collect();
        others.extend(artists.remove(&id).unwrap_or_default());
        others.push(album);
        for artist in album_artists.get(&album_id).into_iter().flatten() {
            if !others.contains(artist) {
                others.push(artist.clone());
            }
        }
        document(ItemKind::Track, id, title, others, &plays)
    };
    Ok(rows.into_iter().map(track).collect())
}

fn load_albums(connection: &mut DbConnection, ids: &[i64]) -> Result<Vec<Document>, DbError> {
    let rows: Vec<(i64, String)> = albums::table
        .filter(albums::id.eq_any(ids))
        .filter(albums::track_count.gt(0))
        .select((albums::id, albums::title))
        .load(connection)?;
    let mut artists = artists_of_albums(connection, ids)?;
    let plays = popularity::albums(connection, ids)?;
    let album = |(id, title): (i64, String)| {
        document(ItemKind::Album, id, title, artists.remove(&id).unwrap_or_default(), &plays)
    };
    Ok(rows.into_iter().map(album).collect())
}

fn artists_of_albums(connection: &mut DbConnection, ids: &[i64]) -> Result<HashMap<i64, Vec<String>>, DbError> {
    let rows = album_artists::table
        .inner_join(artists::table.on(artists::id.eq(album_artists::artist_id)))
        .filter(album_artists::album_id.eq_any(ids))
        .order((album_artists::album_id, album_artists::position))
        .select((album_artists::album_id, artists::name))
        .load(connection)?;
    Ok(grouped(rows))
}

fn load_artists(connection: &mut DbConnection, ids: &[i64]) -> Result<Vec<Document>, DbError> {
    let rows: Vec<(i64, String)> = artists::table
        .filter(artists::id.eq_any(ids))
        .filter((artists::track_count + artists::album_count).gt(0))
        .select((artists::id, artists::name))
        .load(connection)?;
    let plays = popularity::artists(connection, ids)?;
    Ok(rows.into_iter().map(|(id, name)| document(ItemKind::Artist, id, name, Vec::new(), &plays)).collect())
}

fn load_playlists(connection: &mut DbConnection, ids: &[i64]) -> Result<Vec<Document>, DbError> {
    let rows: Vec<(i64, String, i64, bool)> = playlists::table
        .filter(playlists::id.eq_any(ids))
        .filter(playlists::deleted.eq(false))
        .select((playlists::id, playlists::name, playlists::owner_id, playlists::public))
        .load(connection)?;
    let playlist = |(id, name, owner, public): (i64, String, i64, bool)| Document {
        private_to: (!public).then(|| UserId::from_sql(owner)),
        ..document(ItemKind::Playlist, id, name, Vec::new(), &HashMap::new())
    };
    Ok(rows.into_iter().map(playlist).collect())
}

fn grouped(rows: Vec<(i64, String)>) -> HashMap<i64, Vec<String>> {
    let mut names: HashMap<i64, Vec<String>> = HashMap::new();
    for (of, name) in rows {
        names.entry(of).or_default().push(name);
    }
    names
}
