//! What the commands about accounts share.

use super::{Failure, database::OpenDatabase};
use crate::{
    config::{DatabaseFlags, load},
    db::users::{self, User},
    telemetry,
};

/// The database of these flags, which must exist.
pub(super) fn database(flags: &DatabaseFlags) -> Result<OpenDatabase, Failure> {
    let settings = load(flags)?;
    telemetry::start(&settings);
    Ok(OpenDatabase::existing(&settings)?)
}

/// The account of this name.
pub(super) fn existing(db: &OpenDatabase, name: &str) -> Result<User, Failure> {
    db.read_blocking(|connection| users::by_name(connection, name))?.ok_or_else(|| nobody(name))
}

/// There is no account of this name.
pub(super) fn nobody(name: &str) -> Failure {
    format!("there is no user named {name}").into()
}
