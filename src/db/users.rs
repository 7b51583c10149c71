//! Accounts.

use super::{DbConnection, DbError, api_keys, logins, playlists, plays, schema::users, sessions};
use crate::values::{
    login::{LoginId, Revocation},
    user_name::name_key,
};
use diesel::{
    ExpressionMethods as _, Insertable, OptionalExtension as _, QueryDsl as _, Queryable, RunQueryDsl as _, Selectable,
    SelectableHelper as _, sql_query,
};
use segue_client::protocol::ids::{Micros, UserId};
use std::{fmt, str::FromStr};

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Admin,
    /// Only what belongs to the user.
    User,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Admin => "admin",
            Self::User => "user",
        })
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "admin" => Ok(Self::Admin),
            "user" => Ok(Self::User),
            _ => Err(format!("a role is admin or user, not {text:?}")),
        }
    }
}

/// An account.
#[derive(Clone)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// The name as it was given.
    pub name: String,
    /// The password's hash, a PHC string.
    pub password: String,
    /// What it may do.
    pub role: Role,
    /// When it was made.
    pub created: Micros,
}

impl User {
    /// A new account. The name has passed `auth::checked_name`; the password is a hash.
    #[must_use]
    pub fn new(name: String, password: String, role: Role) -> Self {
        Self { id: UserId(rand::random()), name, password, role, created: crate::time::now() }
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = users)]
struct UserRow {
    id: i64,
    name: String,
    name_key: String,
    password: String,
    role: String,
    created_us: i64,
}

impl From<&User> for UserRow {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.to_sql(),
            name: user.name.clone(),
            name_key: name_key(&user.name),
            password: user.password.clone(),
            role: user.role.to_string(),
            created_us: user.created.0,
        }
    }
}

impl TryFrom<UserRow> for User {
    type Error = DbError;

    fn try_from(row: UserRow) -> Result<Self, DbError> {
        let role = row.role.parse().map_err(DbError::Corrupt)?;
        let (id, created) = (UserId::from_sql(row.id), Micros(row.created_us));
        Ok(Self { id, name: row.name, password: row.password, role, created })
    }
}

/// The result of a change to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// Done; these logins were revoked by it.
    Done(Vec<Revocation>),
    /// There is no such user.
    NotFound,
    /// Refused: this is the only admin.
    LastAdmin,
}

/// Adds an account.
///
/// # Errors
/// The database's; `is_duplicate` when the name is taken.
pub fn add(connection: &mut DbConnection, user: &User) -> Result<(), DbError> {
    diesel::insert_into(users::table).values(UserRow::from(user)).execute(connection)?;
    Ok(())
}

/// Adds the first account. Returns false, and does nothing, when there is one already.
///
/// # Errors
/// The database's.
pub fn add_first(connection: &mut DbConnection, user: &User) -> Result<bool, DbError> {
    lock(connection)?;
    if count(connection)? > 0 {
        return Ok(false);
    }
    add(connection, user).map(|()| true)
}

/// The account of this id.
///
/// # Errors
/// The database's.
pub fn by_id(connection: &mut DbConnection, id: UserId) -> Result<Option<User>, DbError> {
    let row = users::table.find(id.to_sql()).select(UserRow::as_select()).get_result(connection).optional()?;
    row.map(User::try_from).transpose()
}

/// The account of this name, compared by [`name_key`].
///
/// # Errors
/// The database's.
pub fn by_name(connection: &mut DbConnection, name: &str) -> Result<Option<User>, DbError> {
    let named = users::table.filter(users::name_key.eq(name_key(name)));
    named.select(UserRow::as_select()).get_result(connection).optional()?.map(User::try_from).transpose()
}

/// The accounts whose names have one of these keys, by name.
///
/// # Errors
/// The database's.
pub(super) fn by_name_keys(connection: &mut DbConnection, keys: &[String]) -> Result<Vec<User>, DbError> {
    let named = users::table.filter(users::name_key.eq_any(keys)).order(users::name_key);
    named.select(UserRow::as_select()).load(connection)?.into_iter().map(User::try_from).collect()
}

/// A page of accounts by name.
///
/// # Errors
/// The database's.
pub fn list(connection: &mut DbConnection, limit: i64, offset: i64) -> Result<Vec<User>, DbError> {
    let page = users::table.order(users::name_key).limit(limit).offset(offset);
    page.select(UserRow::as_select()).load(connection)?.into_iter().map(User::try_from).collect()
}

/// How many accounts there are.
///
/// # Errors
/// The database's.
pub fn count(connection: &mut DbConnection) -> Result<i64, DbError> {
    Ok(users::table.count().get_result(connection)?)
}

/// Whether an account is an admin's.
///
/// # Errors
/// The database's.
pub fn has_admin(connection: &mut DbConnection) -> Result<bool, DbError> {
    Ok(count_admins(connection)? > 0)
}

fn count_admins(connection: &mut DbConnection) -> Result<i64, DbError> {
    Ok(users::table.filter(users::role.eq(Role::Admin.to_string())).count().get_result(connection)?)
}

/// Sets the password's hash, revokes every login except `keep`, and removes every API key.
///
/// # Errors
/// The database's.
pub fn set_password(
    connection: &mut DbConnection,
    id: UserId,
    hash: &str,
    keep: Option<LoginId>,
) -> Result<Changed, DbError> {
    let changed = diesel::update(users::table.find(id.to_sql())).set(users::password.eq(hash)).execute(connection)?;
    if changed == 0 {
        return Ok(Changed::NotFound);
    }
    end_all(connection, id, keep).map(Changed::Done)
}

/// Ends every login of the user except `keep`, and every API key: a person who knew the old password may have made them.
fn end_all(connection: &mut DbConnection, id: UserId, keep: Option<LoginId>) -> Result<Vec<Revocation>, DbError> {
    let mut ended = logins::revoke_others(connection, id, keep)?;
    ended.extend(api_keys::remove_all(connection, &[id.to_sql()])?);
    Ok(ended)
}

/// Sets what the user may do.
///
/// # Errors
/// The database's.
pub fn set_role(connection: &mut DbConnection, id: UserId, role: Role) -> Result<Changed, DbError> {
    match (is_last_admin(connection, id)?, role) {
        (None, _) => return Ok(Changed::NotFound),
        (Some(true), Role::User) => return Ok(Changed::LastAdmin),
        (Some(_), _) => {}
    }
    diesel::update(users::table.find(id.to_sql())).set(users::role.eq(role.to_string())).execute(connection)?;
    Ok(Changed::Done(Vec::new()))
}

/// Removes the account and all data of the user, and revokes its logins.
///
/// # Errors
/// The database's.
pub fn remove(connection: &mut DbConnection, id: UserId) -> Result<Changed, DbError> {
    match is_last_admin(connection, id)? {
        None => return Ok(Changed::NotFound),
        Some(true) => return Ok(Changed::LastAdmin),
        Some(false) => {}
    }
    erase(connection, &[id.to_sql()]).map(Changed::Done)
}

/// Removes these accounts and all data of the users, and revokes their logins and API keys.
///
/// # Errors
/// The database's.
pub(super) fn erase(connection: &mut DbConnection, ids: &[i64]) -> Result<Vec<Revocation>, DbError> {
    let mut ended = logins::revoke_all(connection, ids)?;
    ended.extend(api_keys::remove_all(connection, ids)?);
    playlists::mark_all_as_gone(connection, ids)?;
    // First the accounts: this waits for transactions that write something of them, and later ones find that they are gone.
    diesel::delete(users::table.filter(users::id.eq_any(ids))).execute(connection)?;
    sessions::erase(connection, ids)?;
    plays::erase(connection, ids)?;
    Ok(ended)
}

/// Whether the user is the only admin; `None` when the user does not exist. Accounts stay locked until the transaction
/// ends, so that the answer stays true.
fn is_last_admin(connection: &mut DbConnection, id: UserId) -> Result<Option<bool>, DbError> {
    lock(connection)?;
    let Some(user) = by_id(connection, id)? else { return Ok(None) };
    Ok(Some(user.role == Role::Admin && count_admins(connection)? == 1))
}

/// Locks accounts against changes by other transactions. On SQLite the write transaction itself does this.
pub(super) fn lock(connection: &mut DbConnection) -> Result<(), DbError> {
    if let DbConnection::Postgres(postgres) = connection {
        sql_query("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE").execute(postgres)?;
    }
    Ok(())
}
