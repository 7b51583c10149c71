//! What a user listened to: the latest, and what most.

use super::{DbConnection, DbError, schema::plays};
use diesel::{ExpressionMethods as _, QueryDsl as _, QueryableByName, RunQueryDsl as _, sql_query, sql_types::BigInt};

/// Where in a history a page begins; times in microseconds UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// With the latest play.
    Latest,
    /// With the latest play that began before this.
    Before(i64),
    /// With the first play that began at this time or later.
    Since(i64),
}

#[derive(QueryableByName)]
struct TopRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    total: i64,
}

/// Tracks that a user played and when each began, the latest first, and whether there are more in that direction.
///
/// # Errors
/// Those of the database.
pub fn page(
    connection: &mut DbConnection,
    user_id: i64,
    from: From,
    limit: i64,
) -> Result<(Vec<(i64, i64)>, bool), DbError> {
    let mine = plays::table.filter(plays::user_id.eq(user_id)).filter(plays::kind.eq("track"));
    let mine = mine.select((plays::media_id, plays::started_us)).limit(limit.saturating_add(1));
    let descending = (plays::started_us.desc(), plays::media_id.desc());
    let mut found: Vec<(i64, i64)> = match from {
        From::Latest => mine.order(descending).load(connection)?,
        From::Before(at) => mine.filter(plays::started_us.lt(at)).order(descending).load(connection)?,
        From::Since(at) => {
            mine.filter(plays::started_us.ge(at)).order((plays::started_us, plays::media_id)).load(connection)?
        }
    };
    let wanted = usize::try_from(limit).unwrap_or(0);
    let more = found.len() > wanted;
    found.truncate(wanted);
    if matches!(from, From::Since(_)) {
        found.reverse();
    }
    Ok((found, more))
}

/// The ids of the tracks that a user played most since a time, and how many there are.
///
/// # Errors
/// Those of the database.
pub fn top_tracks(
    connection: &mut DbConnection,
    user_id: i64,
    since_us: i64,
    limit: i64,
    offset: i64,
) -> Result<(Vec<i64>, i64), DbError> {
    // One pass over an index; of two played as often the one played last comes first.
    const QUERY: &str = "SELECT media_id AS id, count(*) OVER () AS total FROM plays
         WHERE user_id = $1 AND started_us >= $2 AND kind = 'track'
         GROUP BY media_id ORDER BY count(*) DESC, max(started_us) DESC, media_id LIMIT $3 OFFSET $4";
    top(connection, QUERY, (user_id, since_us), limit, offset)
}

/// The ids of the artists whose tracks a user played most since a time, and how many there are.
///
/// # Errors
/// Those of the database.
pub fn top_artists(
    connection: &mut DbConnection,
    user_id: i64,
    since_us: i64,
    limit: i64,
    offset: i64,
) -> Result<(Vec<i64>, i64), DbError> {
    const QUERY: &str = "SELECT artist_id AS id, count(*) OVER () AS total FROM (
             SELECT media_id, count(*) AS plays, max(started_us) AS latest_us FROM plays
             WHERE user_id = $1 AND started_us >= $2 AND kind = 'track' GROUP BY media_id
         ) AS played JOIN track_artists ON track_id = media_id
         GROUP BY artist_id ORDER BY sum(plays) DESC, max(latest_us) DESC, artist_id LIMIT $3 OFFSET $4";
    top(connection, QUERY, (user_id, since_us), limit, offset)
}

/// The ids that a query gives for a user and a time, and how many there are on all pages.
fn top(
    connection: &mut DbConnection,
    query: &str,
    (user_id, since_us): (i64, i64),
    limit: i64,
    offset: i64,
) -> Result<(Vec<i64>, i64), DbError> {
    let mut ask = |limit: i64, offset: i64| {
        let asked = sql_query(query).bind::<BigInt, _>(user_id).bind::<BigInt, _>(since_us);
        asked.bind::<BigInt, _>(limit).bind::<BigInt, _>(offset).load::<TopRow>(connection)
    };
    let rows = ask(limit, offset)?;
    let total = match rows.first() {
        Some(row) => row.total,
        // Beyond the end no row tells how many there are.
        None if offset > 0 => ask(1, 0)?.first().map_or(0, |row| row.total),
        None => 0,
    };
    Ok((rows.into_iter().map(|row| row.id).collect(), total))
}
