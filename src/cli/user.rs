//! `segue user`: accounts from the terminal, whether the server runs or not.

use super::{Failure, output, password::PasswordSource};
use crate::{
    auth::{checked_name, checked_password, hash_password},
    config::{SettingFlags, load},
    db::{
        Db,
        users::{self, Changed, Role},
    },
};
use clap::Subcommand;

/// Users of one page when all are listed.
const PAGE: i64 = 500;

/// Make and list accounts, set passwords
#[derive(Debug, Subcommand)]
pub(super) enum User {
    /// Make an account
    Add {
        /// The user's name
        name: String,
        /// May do everything on this server
        #[arg(long)]
        admin: bool,
        #[command(flatten)]
        password: PasswordSource,
        #[command(flatten)]
        settings: SettingFlags,
    },
    /// Set a user's password and end all their logins
    Passwd {
        /// The user's name
        name: String,
        #[command(flatten)]
        password: PasswordSource,
        #[command(flatten)]
        settings: SettingFlags,
    },
    /// List all accounts: role and name
    List {
        #[command(flatten)]
        settings: SettingFlags,
    },
}

impl User {
    pub(super) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Add { name, admin, password, settings } => {
                add(&open(settings)?, name, if *admin { Role::Admin } else { Role::User }, &password.read()?)
            }
            Self::Passwd { name, password, settings } => set_password(&open(settings)?, name, &password.read()?),
            Self::List { settings } => list(&open(settings)?),
        }
    }
}

fn open(flags: &SettingFlags) -> Result<Db, Failure> {
    let settings = load(flags)?;
    Ok(Db::open(&settings.database_url, 1)?)
}

fn add(db: &Db, name: &str, role: Role, password: &str) -> Result<(), Failure> {
    let name = checked_name(name)?;
    let user = users::User::new(name.clone(), hash_password(&checked_password(password)?)?, role);
    match db.write_blocking(|connection| users::add(connection, &user)) {
        Ok(()) => Ok(output::line(format_args!("{role} {name} added"))?),
        Err(error) if error.is_duplicate() => Err(format!("there is a user named {name}").into()),
        Err(error) => Err(error.into()),
    }
}

fn set_password(db: &Db, name: &str, password: &str) -> Result<(), Failure> {
    let hash = hash_password(&checked_password(password)?)?;
    let changed = db.write_blocking(|connection| match users::by_name(connection, name)? {
        Some(user) => users::set_password(connection, user.id, &hash, None),
        None => Ok(Changed::NotFound),
    })?;
    match changed {
        Changed::Done(ended) => Ok(output::line(format_args!("password set, {} logins ended", ended.len()))?),
        Changed::NotFound | Changed::LastAdmin => Err(format!("there is no user named {name}").into()),
    }
}

fn list(db: &Db) -> Result<(), Failure> {
    for page in 0.. {
        let users = db.read_blocking(|connection| users::list(connection, PAGE, PAGE * page))?;
        if users.is_empty() {
            break;
        }
        for user in users {
            output::line(format_args!("{}\t{}", user.role, user.name))?;
        }
    }
    Ok(())
}
