//! Codes by which users log in on another device: at most one for each user, valid once and for a short time.

use super::{DbConnection, DbError, schema::login_codes};
use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, RunQueryDsl as _};
use segue_client::protocol::ids::{Micros, UserId};

/// Stores a user's new code, which replaces an older one.
///
/// # Errors
/// The database's.
pub fn put(connection: &mut DbConnection, user: UserId, code: &str, expires: Micros) -> Result<(), DbError> {
    remove_of(connection, user.to_sql())?;
    let row =
        (login_codes::user_id.eq(user.to_sql()), login_codes::code.eq(code), login_codes::expires_us.eq(expires.0));
    diesel::insert_into(login_codes::table).values(row).execute(connection)?;
    Ok(())
}

/// The user whose valid code this is. The code is removed, so that of several calls at once only one gets the user.
///
/// # Errors
/// The database's.
pub fn take(connection: &mut DbConnection, code: &str, now: Micros) -> Result<Option<UserId>, DbError> {
    let live = login_codes::table.filter(login_codes::code.eq(code)).filter(login_codes::expires_us.gt(now.0));
    let user: Option<i64> = live.select(login_codes::user_id).get_result(connection).optional()?;
    let taken = diesel::delete(login_codes::table.filter(login_codes::code.eq(code))).execute(connection)?;
    Ok(user.filter(|_| taken == 1).map(UserId::from_sql))
}

/// Removes the code of a user.
///
/// # Errors
/// The database's.
pub(super) fn remove_of(connection: &mut DbConnection, user: i64) -> Result<(), DbError> {
    diesel::delete(login_codes::table.filter(login_codes::user_id.eq(user))).execute(connection)?;
    Ok(())
}

/// Removes expired codes.
///
/// # Errors
/// The database's.
pub(super) fn remove_expired(connection: &mut DbConnection, now: Micros) -> Result<(), DbError> {
    diesel::delete(login_codes::table.filter(login_codes::expires_us.le(now.0))).execute(connection)?;
    Ok(())
}
