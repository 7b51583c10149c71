//! Logins, and those that were revoked before their tokens expired.

use super::{
    DbConnection, DbError, login_codes,
    schema::{logins, revocations},
};
use crate::values::login::{LoginId, Revocation};
use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, Insertable, QueryDsl as _, Queryable, RunQueryDsl as _,
    Selectable, SelectableHelper as _,
};
use segue_client::protocol::ids::{Micros, UserId};

/// The most logins of one user; a further one revokes the oldest.
const MOST_PER_USER: i64 = 100;

/// How far before the newest known revocation is read again, in milliseconds: the clocks of nodes differ, and a
/// transaction becomes visible some time after its timestamp.
const OVERLAP_MS: i64 = 60_000;

/// One login.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = logins)]
pub struct Login {
    /// The bits of its [`LoginId`].
    pub id: i64,
    /// The bits of its user's id.
    pub user_id: i64,
    /// The name that the program gave when it logged in.
    pub agent: String,
    /// When it was made, in microseconds since the Unix epoch.
    pub created_us: i64,
    /// When its token expires, in microseconds since the Unix epoch.
    pub expires_us: i64,
}

/// Adds a login, and revokes the user's oldest ones beyond the limit.
///
/// # Errors
/// The database's.
pub fn add(connection: &mut DbConnection, login: &Login) -> Result<Vec<Revocation>, DbError> {
    diesel::insert_into(logins::table).values(login).execute(connection)?;
    let beyond = logins::table.filter(logins::user_id.eq(login.user_id)).order((logins::created_us.desc(), logins::id));
    // A limit must stand beside an offset in SQLite's grammar.
    let ended: Vec<Login> =
        beyond.offset(MOST_PER_USER).limit(MOST_PER_USER).select(Login::as_select()).load(connection)?;
    end(connection, &ended)
}

/// The logins of a user, the newest first.
///
/// # Errors
/// The database's.
pub fn of_user(connection: &mut DbConnection, user: UserId, now: Micros) -> Result<Vec<Login>, DbError> {
    let live = logins::table.filter(logins::user_id.eq(user.to_sql()).and(logins::expires_us.gt(now.0)));
    Ok(live.order((logins::created_us.desc(), logins::id)).select(Login::as_select()).load(connection)?)
}

/// Revokes one login of a user; does nothing when it does not exist.
///
/// # Errors
/// The database's.
pub fn revoke(connection: &mut DbConnection, user: UserId, login: LoginId) -> Result<Vec<Revocation>, DbError> {
    let one = logins::table.filter(logins::user_id.eq(user.to_sql()).and(logins::id.eq(login.to_sql())));
    let ended = one.select(Login::as_select()).load(connection)?;
    end(connection, &ended)
}

/// Revokes every login of a user except `keep`.
///
/// # Errors
/// The database's.
pub fn revoke_others(
    connection: &mut DbConnection,
    user: UserId,
    keep: Option<LoginId>,
) -> Result<Vec<Revocation>, DbError> {
    let mut ended: Vec<Login> =
        logins::table.filter(logins::user_id.eq(user.to_sql())).select(Login::as_select()).load(connection)?;
    ended.retain(|login| keep.map(LoginId::to_sql) != Some(login.id));
    end(connection, &ended)
}

/// Revokes every login of these users.
///
/// # Errors
/// The database's.
pub(super) fn revoke_all(connection: &mut DbConnection, users: &[i64]) -> Result<Vec<Revocation>, DbError> {
    let ended: Vec<Login> =
        logins::table.filter(logins::user_id.eq_any(users)).select(Login::as_select()).load(connection)?;
    end(connection, &ended)
}

/// Revocations whose tokens have not expired at `now`: those since `newest`, with some overlap, or all. Each of the two
/// reads one index, and with `newest` few rows, however many logins were revoked before.
///
/// # Errors
/// The database's.
pub fn revoked_since(
    connection: &mut DbConnection,
    now: Micros,
    newest: Option<Micros>,
) -> Result<Vec<Revocation>, DbError> {
    let columns = (revocations::login_id, revocations::revoked_us, revocations::expires_us);
    let rows: Vec<(i64, i64, i64)> = match newest.map(|newest| newest.plus_ms(-OVERLAP_MS).0) {
        Some(since) => revocations::table.filter(revocations::revoked_us.ge(since)).select(columns).load(connection)?,
        None => revocations::table.filter(revocations::expires_us.gt(now.0)).select(columns).load(connection)?,
    };
    let read = |(login, revoked, expires)| Revocation {
        login: LoginId::from_sql(login),
        revoked: Micros(revoked),
        expires: Micros(expires),
    };
    Ok(rows.into_iter().map(read).filter(|revocation| revocation.expires > now).collect())
}

/// Removes logins and revocations whose tokens have expired, and expired login codes.
///
/// # Errors
/// The database's.
pub fn remove_expired(connection: &mut DbConnection, now: Micros) -> Result<(), DbError> {
    diesel::delete(logins::table.filter(logins::expires_us.le(now.0))).execute(connection)?;
    diesel::delete(revocations::table.filter(revocations::expires_us.le(now.0))).execute(connection)?;
    login_codes::remove_expired(connection, now)
}

fn end(connection: &mut DbConnection, ended: &[Login]) -> Result<Vec<Revocation>, DbError> {
    let revoked = crate::time::now();
    for login in ended {
        diesel::delete(logins::table.find(login.id)).execute(connection)?;
        // A login may be revoked because somebody else used it, who must not log in again with a code.
        login_codes::remove_of(connection, login.user_id)?;
        let row = (
            revocations::login_id.eq(login.id),
            revocations::revoked_us.eq(revoked.0),
            revocations::expires_us.eq(login.expires_us),
        );
        diesel::insert_into(revocations::table).values(row).execute(connection)?;
    }
    let read =
        |login: &Login| Revocation { login: LoginId::from_sql(login.id), revoked, expires: Micros(login.expires_us) };
    Ok(ended.iter().map(read).collect())
}
