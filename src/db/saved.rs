//! Tracks that a user saved.

use super::{DbConnection, DbError, schema::saved_tracks};
use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _, dsl::count_star, sql_query, sql_types::BigInt};

/// A page of what a user saved, the newest first, as track and time, and how much there is.
///
/// # Errors
/// Those of the database.
pub fn page(
    connection: &mut DbConnection,
    user_id: i64,
    limit: i64,
    offset: i64,
) -> Result<(Vec<(i64, i64)>, i64), DbError> {
    let all = || saved_tracks::table.filter(saved_tracks::user_id.eq(user_id));
    let page = all()
        .select((saved_tracks::track_id, saved_tracks::added_us))
        .order((saved_tracks::added_us.desc(), saved_tracks::track_id.desc()));
    let found = page.limit(limit).offset(offset).load(connection)?;
    Ok((found, all().select(count_star()).first(connection)?))
}

/// Saves tracks; those that are saved keep their time.
///
/// # Errors
/// Those of the database.
pub fn add(connection: &mut DbConnection, user_id: i64, track_ids: &[i64], now_us: i64) -> Result<(), DbError> {
    // The last one asked for is the newest, as if they had been saved one by one.
    for (track_id, at) in track_ids.iter().zip(now_us..) {
        sql_query("INSERT INTO saved_tracks (user_id, track_id, added_us) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind::<BigInt, _>(user_id)
            .bind::<BigInt, _>(*track_id)
            .bind::<BigInt, _>(at)
            .execute(connection)?;
    }
    Ok(())
}

/// Forgets tracks that were saved.
///
/// # Errors
/// Those of the database.
pub fn remove(connection: &mut DbConnection, user_id: i64, track_ids: &[i64]) -> Result<(), DbError> {
    let these = saved_tracks::table.filter(saved_tracks::user_id.eq(user_id));
    diesel::delete(these.filter(saved_tracks::track_id.eq_any(track_ids))).execute(connection)?;
    Ok(())
}

/// Those of these tracks that a user saved.
///
/// # Errors
/// Those of the database.
pub fn contains(connection: &mut DbConnection, user_id: i64, track_ids: &[i64]) -> Result<Vec<i64>, DbError> {
    let these = saved_tracks::table.filter(saved_tracks::user_id.eq(user_id));
    let these = these.filter(saved_tracks::track_id.eq_any(track_ids));
    Ok(these.select(saved_tracks::track_id).load(connection)?)
}
