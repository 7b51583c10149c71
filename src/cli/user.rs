//! `segue user`: accounts from the terminal, whether the server runs or not.

use super::{Failure, database::OpenDatabase, output, password::PasswordSource};
use crate::{
    auth::{checked_name, checked_password, hash_password},
    config::{DatabaseFlags, Settings, load},
    db::{
        Db,
        users::{self, Changed, Role},
    },
    telemetry,
    values::printed::counted,
};
use clap::Subcommand;

/// How many accounts one query reads.
const PAGE: i64 = 500;

/// Make, list and remove accounts, set passwords
#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Make an account, and the database where there is none
    Add {
        /// The user's name
        name: String,
        /// May do everything on this server
        #[arg(long)]
        admin: bool,
        #[command(flatten)]
        password: PasswordSource,
        #[command(flatten)]
        settings: DatabaseFlags,
    },
    /// Set a user's password and end all their logins
    Passwd {
        /// The user's name
        name: String,
        #[command(flatten)]
        password: PasswordSource,
        #[command(flatten)]
        settings: DatabaseFlags,
    },
    /// Remove an account with its playlists, history and logins
    Remove {
        /// The user's name
        name: String,
        /// Remove it without asking further
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        settings: DatabaseFlags,
    },
    /// List all accounts: role and name
    List {
        #[command(flatten)]
        settings: DatabaseFlags,
    },
}

impl UserCommand {
    pub(super) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Add { name, admin, password, settings } => {
                let settings = loaded(settings)?;
                let role = if *admin { Role::Admin } else { Role::User };
                // Everything that can be refused is, before a database is made.
                let name = checked_name(name)?;
                let user = users::User::new(name, hash_password(&checked_password(&password.read()?)?)?, role);
                let db = OpenDatabase::open(&settings, 1)?;
                add(&db, &user)?;
                Ok(output::line(format_args!("{role} {} added in {}", user.name, settings.database_url))?)
            }
            Self::Passwd { name, password, settings } => {
                let db = OpenDatabase::existing(&loaded(settings)?)?;
                set_password(&db, name, &password.read()?)
            }
            Self::Remove { name, yes, settings } => {
                let db = OpenDatabase::existing(&loaded(settings)?)?;
                remove(&db, name, *yes)
            }
            Self::List { settings } => {
                let db = OpenDatabase::existing(&loaded(settings)?)?;
                list(&db)
            }
        }
    }
}

fn loaded(flags: &DatabaseFlags) -> Result<Settings, Failure> {
    let settings = load(flags)?;
    telemetry::start(&settings);
    Ok(settings)
}

fn add(db: &Db, user: &users::User) -> Result<(), Failure> {
    match db.write_blocking(|connection| users::add(connection, user)) {
        Ok(()) => Ok(()),
        Err(error) if error.is_duplicate() => Err(format!("there is a user named {}", user.name).into()),
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
        Changed::Done(ended) => Ok(output::line(format_args!("password set, {} ended", logins(ended.len())))?),
        Changed::NotFound | Changed::LastAdmin => Err(nobody(name)),
    }
}

fn remove(db: &Db, name: &str, yes: bool) -> Result<(), Failure> {
    let Some(user) = db.read_blocking(|connection| users::by_name(connection, name))? else {
        return Err(nobody(name));
    };
    if !yes {
        return Err(format!(
            "{} {} would be removed with all their playlists, history and logins. Pass --yes to do so",
            user.role, user.name
        )
        .into());
    }
    match db.write_blocking(|connection| users::remove(connection, user.id))? {
        Changed::Done(ended) => {
            Ok(output::line(format_args!("{} {} removed, {} ended", user.role, user.name, logins(ended.len())))?)
        }
        Changed::NotFound => Err(nobody(name)),
        Changed::LastAdmin => Err(format!("{} is the last admin: make another admin first", user.name).into()),
    }
}

fn logins(count: usize) -> String {
    counted(u64::try_from(count).unwrap_or(u64::MAX), "login")
}

fn nobody(name: &str) -> Failure {
    format!("there is no user named {name}").into()
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
