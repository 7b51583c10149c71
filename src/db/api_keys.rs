//! API keys: what programs log in with beside the logins of people.

use super::{
    DbConnection, DbError,
    schema::{api_keys, revocations},
};
use crate::{
    time,
    values::login::{LoginId, Revocation},
};
use diesel::{
    ExpressionMethods as _, Insertable, QueryDsl as _, Queryable, RunQueryDsl as _, Selectable, SelectableHelper as _,
};
use segue_client::protocol::ids::{Micros, UserId};

/// The most keys of one user.
pub const MOST_PER_USER: i64 = 50;
/// How far before the newest known key is read again, in milliseconds: the clocks of nodes differ, and a transaction
/// becomes visible some time after its timestamp.
const OVERLAP_MS: i64 = 60_000;
/// How long a removed key stays among the revocations, in milliseconds, four days: longer than the links last that were
/// signed for it.
const REVOKED_FOR_MS: i64 = 4 * 86_400_000;

/// One key.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = api_keys)]
pub struct ApiKey {
    /// The bits of its [`LoginId`]: links and revocations name it as they do a login.
    pub id: i64,
    /// The bits of its user's id.
    pub user_id: i64,
    /// What the user calls it; no two of a user have one name.
    pub name: String,
    /// What it allows, as text.
    pub scope: String,
    /// The hash of the key, as text.
    pub hash: String,
    /// When it was made, in microseconds since the Unix epoch.
    pub created_us: i64,
    /// The day on which it was last used, in days since 1970; `None`: never.
    pub used_day: Option<i64>,
}

/// Adds a key. Returns false, and does nothing, when the user has as many as there may be.
///
/// # Errors
/// The database's; `is_duplicate` when the user has a key of this name.
pub fn add(connection: &mut DbConnection, key: &ApiKey) -> Result<bool, DbError> {
    let there: i64 = api_keys::table.filter(api_keys::user_id.eq(key.user_id)).count().get_result(connection)?;
    if there >= MOST_PER_USER {
        return Ok(false);
    }
    diesel::insert_into(api_keys::table).values(key).execute(connection)?;
    Ok(true)
}

/// The keys of a user, the newest first.
///
/// # Errors
/// The database's.
pub fn of_user(connection: &mut DbConnection, user: UserId) -> Result<Vec<ApiKey>, DbError> {
    let all = api_keys::table.filter(api_keys::user_id.eq(user.to_sql()));
    Ok(all.order((api_keys::created_us.desc(), api_keys::id)).select(ApiKey::as_select()).load(connection)?)
}

/// The keys made since `newest`, with some overlap, or all.
///
/// # Errors
/// The database's.
pub fn made_since(connection: &mut DbConnection, newest: Option<Micros>) -> Result<Vec<ApiKey>, DbError> {
    let since = newest.map_or(i64::MIN, |newest| newest.plus_ms(-OVERLAP_MS).0);
    Ok(api_keys::table.filter(api_keys::created_us.ge(since)).select(ApiKey::as_select()).load(connection)?)
}

/// Removes one key of a user; does nothing when it does not exist.
///
/// # Errors
/// The database's.
pub fn remove(connection: &mut DbConnection, user: UserId, key: LoginId) -> Result<Vec<Revocation>, DbError> {
    let mut found = of_user(connection, user)?;
    found.retain(|found| found.id == key.to_sql());
    end(connection, &found)
}

/// Removes the key of a user that has this name; does nothing when there is none.
///
/// # Errors
/// The database's.
pub fn remove_named(connection: &mut DbConnection, user: UserId, name: &str) -> Result<Vec<Revocation>, DbError> {
    let mut found = of_user(connection, user)?;
    found.retain(|found| found.name == name);
    end(connection, &found)
}

/// Removes every key of these users.
///
/// # Errors
/// The database's.
pub(super) fn remove_all(connection: &mut DbConnection, users: &[i64]) -> Result<Vec<Revocation>, DbError> {
    let found: Vec<ApiKey> =
        api_keys::table.filter(api_keys::user_id.eq_any(users)).select(ApiKey::as_select()).load(connection)?;
    end(connection, &found)
}

/// Notes the days on which keys were last used.
///
/// # Errors
/// The database's.
pub fn note_used(connection: &mut DbConnection, used: &[(LoginId, i64)]) -> Result<(), DbError> {
    for (key, day) in used {
        diesel::update(api_keys::table.find(key.to_sql())).set(api_keys::used_day.eq(day)).execute(connection)?;
    }
    Ok(())
}

fn end(connection: &mut DbConnection, ended: &[ApiKey]) -> Result<Vec<Revocation>, DbError> {
    let revoked = time::now();
    let expires = revoked.plus_ms(REVOKED_FOR_MS);
    for key in ended {
        diesel::delete(api_keys::table.find(key.id)).execute(connection)?;
        let row = (
            revocations::login_id.eq(key.id),
            revocations::revoked_us.eq(revoked.0),
            revocations::expires_us.eq(expires.0),
        );
        diesel::insert_into(revocations::table).values(row).execute(connection)?;
    }
    Ok(ended.iter().map(|key| Revocation { login: LoginId::from_sql(key.id), revoked, expires }).collect())
}
