//! `segue user key`: API keys from the terminal, whether the server runs or not.

use super::{
    Failure,
    account::{database, existing},
    output,
};
use crate::{
    auth::{api_key_hash, checked_key_name, new_api_key, used_on},
    config::DatabaseFlags,
    db::{
        Db,
        api_keys::{self, ApiKey, MOST_PER_USER},
        users::{Role, User},
    },
    time,
    values::{login::LoginId, scope::KeyScope},
};
use clap::Subcommand;

/// Make, list and remove API keys, which programs use in place of a login
#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Make an API key and print it, which is the only time it can be seen; a running server takes it a second later
    Add {
        /// The user's name
        user: String,
        /// What to call the key
        name: String,
        /// What it allows: read, control or, for admins, admin
        #[arg(long)]
        scope: KeyScope,
        #[command(flatten)]
        settings: DatabaseFlags,
    },
    /// Remove an API key of a user; the running server ends what was opened with it within 2 s
    Remove {
        /// The user's name
        user: String,
        /// The name of the key
        name: String,
        #[command(flatten)]
        settings: DatabaseFlags,
    },
    /// List the API keys of a user: scope, day of last use and name
    List {
        /// The user's name
        user: String,
        #[command(flatten)]
        settings: DatabaseFlags,
    },
}

impl KeyCommand {
    pub(super) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Add { user, name, scope, settings } => {
                let db = database(settings)?;
                add(&db, &existing(&db, user)?, name, *scope)
            }
            Self::Remove { user, name, settings } => {
                let db = database(settings)?;
                let (user, id) = (user, existing(&db, user)?.id);
                match db.write_blocking(|connection| api_keys::remove_named(connection, id, name))?.len() {
                    0 => Err(format!("{user} has no API key named {name}").into()),
                    _ => Ok(output::line(format_args!("API key {name} of {user} removed"))?),
                }
            }
            Self::List { user, settings } => {
                let db = database(settings)?;
                let id = existing(&db, user)?.id;
                for key in db.read_blocking(|connection| api_keys::of_user(connection, id))? {
                    let used = key.used_day.map_or_else(|| "never".to_owned(), used_on);
                    output::line(format_args!("{}\t{used}\t{}", key.scope, key.name))?;
                }
                Ok(())
            }
        }
    }
}

fn add(db: &Db, user: &User, name: &str, scope: KeyScope) -> Result<(), Failure> {
    if scope == KeyScope::Admin && user.role != Role::Admin {
        return Err(format!("{} is no admin: the scope admin is for admins", user.name).into());
    }
    let (name, text) = (checked_key_name(name)?, new_api_key());
    let key = ApiKey {
        id: LoginId(rand::random()).to_sql(),
        user_id: user.id.to_sql(),
        name,
        scope: scope.to_string(),
        hash: api_key_hash(&text),
        created_us: time::now().0,
        used_day: None,
    };
    match db.write_blocking(|connection| api_keys::add(connection, &key)) {
        Ok(true) => Ok(output::line(text)?),
        Ok(false) => {
            Err(format!("{} has {MOST_PER_USER} API keys, which is the most: remove one first", user.name).into())
        }
        Err(error) if error.is_duplicate() => Err(format!("{} has an API key named {}", user.name, key.name).into()),
        Err(error) => Err(error.into()),
    }
}
