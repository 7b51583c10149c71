//! The networks from which users have logged in: at most 16 of each user, the last ones used.

use super::{
    DbConnection, DbError,
    schema::{login_networks, users},
};
use crate::values::network::network;
use diesel::{
    ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _, sql_query,
    sql_types::{BigInt, Text},
};
use segue_client::protocol::ids::{Micros, UserId};
use std::net::IpAddr;

/// The most networks of one user.
pub const MOST_PER_USER: usize = 16;

/// Notes a log-in of the user from this address, and forgets the network that was not used for the longest time beyond the
/// limit.
///
/// # Errors
/// The database's.
pub fn note(connection: &mut DbConnection, user: UserId, address: IpAddr, now: Micros) -> Result<(), DbError> {
    sql_query(
        "INSERT INTO login_networks (user_id, network, last_us) VALUES ($1, $2, $3)
         ON CONFLICT (user_id, network) DO UPDATE SET last_us = excluded.last_us",
    )
    .bind::<BigInt, _>(user.to_sql())
    .bind::<Text, _>(network(address).to_string())
    .bind::<BigInt, _>(now.0)
    .execute(connection)?;
    let of_user = login_networks::table.filter(login_networks::user_id.eq(user.to_sql()));
    let beyond = of_user.order((login_networks::last_us.desc(), login_networks::network));
    let most = i64::try_from(MOST_PER_USER).unwrap_or(i64::MAX);
    // A limit must stand beside an offset in SQLite's grammar.
    let beyond = beyond.offset(most).limit(most).select(login_networks::network);
    let old: Vec<String> = beyond.load(connection)?;
    if !old.is_empty() {
        diesel::delete(of_user.filter(login_networks::network.eq_any(old))).execute(connection)?;
    }
    Ok(())
}

/// The last `most` networks used, each with the key of its user's name, the oldest first.
///
/// # Errors
/// The database's.
pub fn last(connection: &mut DbConnection, most: i64) -> Result<Vec<(String, IpAddr)>, DbError> {
    let newest_first = login_networks::table.inner_join(users::table).order(login_networks::last_us.desc());
    let rows: Vec<(String, String)> =
        newest_first.limit(most).select((users::name_key, login_networks::network)).load(connection)?;
    let read = |(name, network): (String, String)| Some((name, network.parse().ok()?));
    Ok(rows.into_iter().rev().filter_map(read).collect())
}
