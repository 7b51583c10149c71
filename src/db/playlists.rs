//! Playlists: lists of tracks that a user keeps. A playlist's items are short enough to be read and written whole.

use super::{
    DbConnection, DbError, changes,
    connection::insert_all,
    merged,
    schema::{gone_playlists, playlist_items, playlists, users},
};
use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, Insertable, JoinOnDsl as _, OptionalExtension as _,
    QueryDsl as _, Queryable, RunQueryDsl as _, Selectable, SelectableHelper as _,
    dsl::{count_star, not},
};

/// A playlist.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = playlists)]
pub struct Playlist {
    /// The id.
    pub id: i64,
    /// Whose it is.
    pub owner_id: i64,
    /// The name.
    pub name: String,
    /// The owner's description; may be empty.
    pub description: String,
    /// All users may see it.
    pub public: bool,
    /// Changes with each change of the items.
    pub snapshot: i64,
    /// How many items it has.
    pub track_count: i64,
    /// When it was made, in microseconds since the Unix epoch.
    pub created_us: i64,
    /// When it was last changed, in microseconds since the Unix epoch.
    pub updated_us: i64,
}

/// An entry of a playlist; the same track may be there twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = playlist_items)]
pub struct PlaylistItem {
    /// The track, missing or not.
    pub track_id: i64,
    /// Who put it there.
    pub added_by: i64,
    /// When, in microseconds since the Unix epoch.
    pub added_us: i64,
}

#[derive(Insertable)]
#[diesel(table_name = playlist_items)]
struct ItemRow {
    playlist_id: i64,
    position: i64,
    track_id: i64,
    added_by: i64,
    added_us: i64,
}

/// New values of a playlist; `None` leaves a value as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// The name.
    pub name: Option<String>,
    /// The owner's description.
    pub description: Option<String>,
    /// All users may see it.
    pub public: Option<bool>,
}

/// A playlist and its owner's name; `None` when it is not there or was deleted.
///
/// # Errors
/// Those of the database.
pub fn get(connection: &mut DbConnection, id: i64) -> Result<Option<(Playlist, String)>, DbError> {
    let found = playlists::table
        .inner_join(users::table.on(users::id.eq(playlists::owner_id)))
        .filter(playlists::id.eq(id))
        .filter(playlists::deleted.eq(false))
        .select((Playlist::as_select(), users::name));
    Ok(found.get_result(connection).optional()?)
}

/// Those of the playlists with these ids that the asker may see, with their owners' names, in the order of the ids.
///
/// # Errors
/// Those of the database.
pub fn load(connection: &mut DbConnection, ids: &[i64], asker_id: i64) -> Result<Vec<(Playlist, String)>, DbError> {
    let mut found: Vec<(Playlist, String)> = playlists::table
        .inner_join(users::table.on(users::id.eq(playlists::owner_id)))
        .filter(playlists::id.eq_any(ids))
        .filter(playlists::deleted.eq(false))
        .filter(playlists::public.eq(true).or(playlists::owner_id.eq(asker_id)))
        .select((Playlist::as_select(), users::name))
        .load(connection)?;
    found.sort_by_key(|(playlist, _)| ids.iter().position(|id| *id == playlist.id));
    Ok(found)
}

/// Locks the playlist until the transaction ends, so that what is read after this does not change meanwhile.
///
/// # Errors
/// Those of the database.
pub fn lock(connection: &mut DbConnection, id: i64) -> Result<(), DbError> {
    let here = playlists::table.filter(playlists::id.eq(id));
    diesel::update(here).set(playlists::snapshot.eq(playlists::snapshot)).execute(connection)?;
    Ok(())
}

/// A page of a user's playlists with the owner's name, the oldest first, and how many there are; only the public ones
/// for somebody else.
///
/// # Errors
/// Those of the database.
pub fn of_user(
    connection: &mut DbConnection,
    owner_id: i64,
    asker_id: i64,
    limit: i64,
    offset: i64,
) -> Result<(Vec<(Playlist, String)>, i64), DbError> {
    let all = || {
        playlists::table
            .inner_join(users::table.on(users::id.eq(playlists::owner_id)))
            .filter(playlists::owner_id.eq(owner_id))
            // Written as in the partial index: SQLite does not use it for a bound value.
            .filter(not(playlists::deleted))
            .filter(playlists::public.eq(true).or(playlists::owner_id.eq(asker_id)))
    };
    let page = all().select((Playlist::as_select(), users::name)).order((playlists::created_us, playlists::id));
    let found = page.limit(limit).offset(offset).load(connection)?;
    Ok((found, all().select(count_star()).get_result(connection)?))
}

/// Makes a playlist.
///
/// # Errors
/// Those of the database.
pub fn add(connection: &mut DbConnection, playlist: &Playlist) -> Result<(), DbError> {
    let change = changes::take(connection, 1)?;
    let row = (
        playlists::id.eq(playlist.id),
        playlists::owner_id.eq(playlist.owner_id),
        playlists::name.eq(&playlist.name),
        playlists::description.eq(&playlist.description),
        playlists::public.eq(playlist.public),
        playlists::snapshot.eq(playlist.snapshot),
        (playlists::track_count.eq(0), playlists::deleted.eq(false)),
        (playlists::created_us.eq(playlist.created_us), playlists::updated_us.eq(playlist.updated_us)),
        playlists::change.eq(change),
    );
    diesel::insert_into(playlists::table).values(row).execute(connection)?;
    Ok(())
}

/// Changes name, description or visibility.
///
/// # Errors
/// Those of the database.
pub fn set_details(connection: &mut DbConnection, id: i64, details: &Details, now_us: i64) -> Result<(), DbError> {
    let here = || playlists::table.filter(playlists::id.eq(id));
    if let Some(name) = &details.name {
        diesel::update(here()).set(playlists::name.eq(name)).execute(connection)?;
    }
    if let Some(description) = &details.description {
        diesel::update(here()).set(playlists::description.eq(description)).execute(connection)?;
    }
    if let Some(public) = details.public {
        diesel::update(here()).set(playlists::public.eq(public)).execute(connection)?;
    }
    let change = changes::take(connection, 1)?;
    diesel::update(here()).set((playlists::updated_us.eq(now_us), playlists::change.eq(change))).execute(connection)?;
    Ok(())
}

/// Deletes a playlist. Its row stays, marked as deleted, for readers of the changes.
///
/// # Errors
/// Those of the database.
pub fn remove(connection: &mut DbConnection, id: i64, now_us: i64) -> Result<(), DbError> {
    let change = changes::take(connection, 1)?;
    diesel::delete(playlist_items::table.filter(playlist_items::playlist_id.eq(id))).execute(connection)?;
    diesel::update(playlists::table.filter(playlists::id.eq(id)))
        .set((
            playlists::deleted.eq(true),
            playlists::track_count.eq(0),
            playlists::updated_us.eq(now_us),
            playlists::change.eq(change),
        ))
        .execute(connection)?;
    Ok(())
}

/// A page of a playlist's items, in order.
///
/// # Errors
/// Those of the database.
pub fn items(connection: &mut DbConnection, id: i64, limit: i64, offset: i64) -> Result<Vec<PlaylistItem>, DbError> {
    let page = playlist_items::table
        .filter(playlist_items::playlist_id.eq(id))
        .filter(playlist_items::position.ge(offset))
        .filter(playlist_items::position.lt(offset.saturating_add(limit)));
    Ok(page.order(playlist_items::position).select(PlaylistItem::as_select()).load(connection)?)
}

/// Replaces all items by `items`, and gives the playlist a new snapshot. Equal items at the start are not written again.
///
/// # Errors
/// Those of the database.
pub fn set_items(
    connection: &mut DbConnection,
    id: i64,
    before: &[PlaylistItem],
    items: &[PlaylistItem],
    snapshot: i64,
    now_us: i64,
) -> Result<(), DbError> {
    let same = before.iter().zip(items).take_while(|(before, now)| before == now).count();
    let first = i64::try_from(same).unwrap_or(i64::MAX);
    let after =
        playlist_items::table.filter(playlist_items::playlist_id.eq(id)).filter(playlist_items::position.ge(first));
    diesel::delete(after).execute(connection)?;
    let targets = merged::targets(connection, items.iter().skip(same).map(|item| item.track_id))?;
    let rows: Vec<ItemRow> = (first..)
        .zip(items.iter().skip(same))
        .map(|(position, item)| ItemRow {
            playlist_id: id,
            position,
            track_id: targets.get(&item.track_id).copied().unwrap_or(item.track_id),
            added_by: item.added_by,
            added_us: item.added_us,
        })
        .collect();
    insert_all!(connection, playlist_items::table, rows);
    let change = changes::take(connection, 1)?;
    diesel::update(playlists::table.filter(playlists::id.eq(id)))
        .set((
            playlists::snapshot.eq(snapshot),
            playlists::track_count.eq(i64::try_from(items.len()).unwrap_or(i64::MAX)),
            playlists::updated_us.eq(now_us),
            playlists::change.eq(change),
        ))
        .execute(connection)?;
    Ok(())
}

/// Marks all playlists of these users as gone, for readers of the changes. Their rows are deleted with the users afterwards.
///
/// # Errors
/// Those of the database.
pub fn mark_all_as_gone(connection: &mut DbConnection, owners: &[i64]) -> Result<(), DbError> {
    let ids: Vec<i64> =
        playlists::table.filter(playlists::owner_id.eq_any(owners)).select(playlists::id).load(connection)?;
    let first = changes::take(connection, ids.len())?;
    for (id, change) in ids.into_iter().zip(first..) {
        diesel::insert_into(gone_playlists::table)
            .values((gone_playlists::id.eq(id), gone_playlists::change.eq(change)))
            .execute(connection)?;
    }
    Ok(())
}
