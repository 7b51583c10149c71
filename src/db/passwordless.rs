//! Accounts without a password, which are used by their tokens alone: those of load tests, by the thousand.
//!
//! Such an account is named `PREFIX-NUMBER`, has the role `user` and [`NO_PASSWORD`]. One that was given a password or made
//! an admin is a person's account from then on.

use super::{
    DbConnection, DbError,
    schema::users as table,
    users::{self, Role, User},
};
use crate::values::{login::Revocation, user_name::name_key};
use diesel::{
    EscapeExpressionMethods as _, ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _, TextExpressionMethods as _,
};
use std::collections::HashMap;

/// What is stored in place of a password's hash; no password matches it.
pub const NO_PASSWORD: &str = "!";

/// Digits of a number in a name, with leading zeros.
const DIGITS: usize = 6;

/// The name of an account.
#[must_use]
pub fn name(prefix: &str, number: u32) -> String {
    format!("{prefix}-{number:0DIGITS$}")
}

/// The accounts that have a name of this form.
#[derive(Debug, Default)]
pub struct FoundAccounts {
    /// The ids of those without a password.
    pub ids: Vec<i64>,
    /// The names of all others.
    pub others: Vec<String>,
}

/// What [`add`] did.
pub enum AddedAccounts {
    /// All accounts are there, in the order of their names; so many of them are new.
    Done(Vec<User>, usize),
    /// Nothing, because the account of this name has a password or is an admin.
    Taken(String),
}

/// Finds the accounts whose names have this prefix and a number.
///
/// # Errors
/// The database's.
pub fn find(connection: &mut DbConnection, prefix: &str) -> Result<FoundAccounts, DbError> {
    let start = name_key(prefix) + "-";
    let pattern = start.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_") + "%";
    let rows: Vec<(i64, String, String, String, String)> = table::table
        .filter(table::name_key.like(pattern).escape('\\'))
        .order(table::name_key)
        .select((table::id, table::name, table::name_key, table::password, table::role))
        .load(connection)?;
    let mut found = FoundAccounts::default();
    for (id, name, key, password, role) in rows {
        let is_number = |rest: &str| rest.len() >= DIGITS && rest.bytes().all(|byte| byte.is_ascii_digit());
        if !key.strip_prefix(&start).is_some_and(is_number) {
            continue;
        }
        if password == NO_PASSWORD && role == Role::User.to_string() {
            found.ids.push(id);
        } else {
            found.others.push(name);
        }
    }
    Ok(found)
}

/// Adds accounts of these names; those that are there without a password are used again.
///
/// # Errors
/// The database's.
pub fn add(connection: &mut DbConnection, names: &[String]) -> Result<AddedAccounts, DbError> {
    users::lock(connection)?;
    let keys: Vec<String> = names.iter().map(|name| name_key(name)).collect();
    let there = users::by_name_keys(connection, &keys)?;
    if let Some(person) = there.iter().find(|user| user.password != NO_PASSWORD || user.role != Role::User) {
        return Ok(AddedAccounts::Taken(person.name.clone()));
    }
    let mut there: HashMap<String, User> = there.into_iter().map(|user| (name_key(&user.name), user)).collect();
    let (mut all, mut new) = (Vec::with_capacity(names.len()), 0);
    for (name, key) in names.iter().zip(&keys) {
        if let Some(user) = there.remove(key) {
            all.push(user);
            continue;
        }
        let user = User::new(name.clone(), NO_PASSWORD.to_owned(), Role::User);
        users::add(connection, &user)?;
        new += 1;
        all.push(user);
    }
    Ok(AddedAccounts::Done(all, new))
}

/// Removes those of these accounts that still have no password, with all data of theirs. Returns how many there were, and
/// their logins and API keys, which are revoked.
///
/// # Errors
/// The database's.
pub fn remove(connection: &mut DbConnection, ids: &[i64]) -> Result<(usize, Vec<Revocation>), DbError> {
    users::lock(connection)?;
    let ids: Vec<i64> = table::table
        .filter(table::id.eq_any(ids))
        .filter(table::password.eq(NO_PASSWORD))
        .filter(table::role.eq(Role::User.to_string()))
        .select(table::id)
        .load(connection)?;
    Ok((ids.len(), users::erase(connection, &ids)?))
}
