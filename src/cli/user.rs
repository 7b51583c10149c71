//! `segue user`: accounts from the terminal, whether the server runs or not.

use super::{
    Failure,
    account::{database, existing, nobody},
    database::OpenDatabase,
    key::KeyCommand,
    output,
    password::PasswordSource,
    tokens::{self, Tokens},
};
use crate::{
    auth::{checked_name, checked_password, hash_password},
    config::{DatabaseFlags, load},
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
    /// Set a user's password, end all their logins and remove their API keys
    Passwd {
        /// The user's name
        name: String,
        #[command(flatten)]
        password: PasswordSource,
        #[command(flatten)]
        settings: DatabaseFlags,
    },
    Tokens(Tokens),
    /// Remove an account with its playlists, history and logins, or all accounts of a load test
    Remove {
        /// The user's name
        #[arg(required_unless_present = "prefix")]
        name: Option<String>,
        /// Remove all accounts that `segue user tokens` made with this prefix, and no others
        #[arg(long, conflicts_with_all = ["name", "yes"])]
        prefix: Option<String>,
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
    #[command(subcommand)]
    Key(KeyCommand),
}

impl UserCommand {
    pub(super) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Add { name, admin, password, settings } => {
                let settings = load(settings)?;
                telemetry::start(&settings);
                let role = if *admin { Role::Admin } else { Role::User };
                // Everything that can be refused is, before a database is made.
                let name = checked_name(name)?;
                let user = users::User::new(name, hash_password(&checked_password(&password.read()?)?)?, role);
                let db = OpenDatabase::open(&settings, 1)?;
                add(&db, &user)?;
                Ok(output::line(format_args!("{role} {} added in {}", user.name, settings.database_url))?)
            }
            Self::Passwd { name, password, settings } => {
                let db = database(settings)?;
                set_password(&db, name, &password.read()?)
            }
            Self::Tokens(command) => command.run(),
            Self::Remove { name, prefix, yes, settings } => {
                let db = database(settings)?;
                match prefix {
                    Some(prefix) => tokens::remove(&db, prefix),
                    None => remove(&db, name.as_deref().unwrap_or_default(), *yes),
                }
            }
            Self::List { settings } => {
                let db = database(settings)?;
                list(&db)
            }
            Self::Key(command) => command.run(),
        }
    }
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

fn remove(db: &OpenDatabase, name: &str, yes: bool) -> Result<(), Failure> {
    let user = existing(db, name)?;
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
