//! `segue user tokens`, and `segue user remove --prefix`: accounts of load tests, which have tokens and no passwords.

use super::{Failure, account::database, backup::is_of_database, output, path};
use crate::{
    auth::{checked_name, new_login, signing_key},
    backup::OwnerFile,
    config::{DatabaseFlags, load},
    db::{
        Db, DbError, logins,
        passwordless::{self, AddedAccounts},
    },
    values::printed::counted,
};
use clap::Args;
use segue_client::protocol::ids::UserId;
use serde::Serialize;
use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// The most accounts that one transaction makes or removes.
const BATCH: usize = 250;
/// The fewest characters of a prefix.
const FEWEST_CHARS: usize = 3;
/// What the list of a user's logins shows.
const AGENT: &str = "segue user tokens";

/// Make accounts for a load test, with a token each and no password
///
/// They are named PREFIX-000001 and so on; those that exist already are used again. A running server takes the tokens at
/// once. `segue user remove --prefix PREFIX` removes the accounts.
#[derive(Debug, Args)]
#[command(override_usage = "segue user tokens --count N --prefix TEXT --out FILE")]
pub(super) struct Tokens {
    /// How many accounts
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=999_999))]
    count: u32,
    /// What their names begin with, at least 3 characters
    #[arg(long)]
    prefix: String,
    /// The file to write, a JSON object in each line: `username`, `user_id`, `token`; `-`: standard output
    #[arg(long, value_name = "FILE", value_parser = path::parser())]
    out: PathBuf,
    #[command(flatten)]
    settings: DatabaseFlags,
}

/// One line of the file.
#[derive(Serialize)]
struct TokenLine {
    username: String,
    user_id: UserId,
    token: String,
}

/// What was made in one transaction, or the name of a person's account that was in the way.
type Batch = Result<(Vec<TokenLine>, usize), String>;

impl Tokens {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let prefix = checked_prefix(&self.prefix)?;
        let names: Vec<String> = (1..=self.count).map(|number| passwordless::name(&prefix, number)).collect();
        names.last().map(|longest| checked_name(longest)).transpose()?;
        let settings = load(&self.settings)?;
        let db = database(&self.settings)?;
        let others = db.read_blocking(|connection| passwordless::find(connection, &prefix))?.others;
        if let Some(name) = others.iter().find(|name| names.contains(name)) {
            return Err(is_a_persons(name));
        }
        // Before any account is made: whether the file can be.
        let file = if self.out == Path::new("-") {
            None
        } else {
            Some(open(&self.out, is_of_database(&self.out, &settings.database_url))?)
        };
        let (mut text, mut made) = (String::new(), 0);
        let written = shown(names.chunks(BATCH), names.len(), |batch| {
            let (lines, new) = make(&db, batch, settings.token_lifetime_s)?.map_err(|name| is_a_persons(&name))?;
            for line in lines {
                text += &serde_json::to_string(&line)?;
                text.push('\n');
            }
            made += new;
            Ok(())
        });
        written?;
        let (total, again) = (count(names.len(), "token"), names.len() - made);
        let told = format!("{total} of {} made and {again} used again", count(made, "account"));
        let Some(file) = file else {
            io::stdout().lock().write_all(text.as_bytes())?;
            return Ok(output::note(told)?);
        };
        file.file().write_all(text.as_bytes())?;
        file.finish(true)?;
        Ok(output::line(format_args!("{}: {told}", self.out.display()))?)
    }
}

/// Removes all accounts that `segue user tokens` made with this prefix.
pub(super) fn remove(db: &Db, prefix: &str) -> Result<(), Failure> {
    let prefix = checked_prefix(prefix)?;
    let found = db.read_blocking(|connection| passwordless::find(connection, &prefix))?;
    let (mut removed, mut ended) = (0, 0);
    shown(found.ids.chunks(BATCH), found.ids.len(), |batch| {
        let (accounts, revoked) = db.write_blocking(|connection| passwordless::remove(connection, batch))?;
        (removed, ended) = (removed + accounts, ended + revoked.len());
        Ok(())
    })?;
    output::line(format_args!("{} removed, {} ended", count(removed, "account"), count(ended, "login")))?;
    // Those that got a password meanwhile are people's accounts, too.
    let stay = found.others.len() + (found.ids.len() - removed);
    if stay > 0 {
        output::line(format_args!(
            "{} of such a name not removed, because of a password or the role of an admin",
            count(stay, "account")
        ))?;
    }
    Ok(())
}

/// Makes the accounts of one transaction and a login of each.
fn make(db: &Db, names: &[String], lifetime_s: u64) -> Result<Batch, DbError> {
    db.write_blocking(|connection| {
        let (users, new) = match passwordless::add(connection, names)? {
            AddedAccounts::Done(users, new) => (users, new),
            AddedAccounts::Taken(name) => return Ok(Err(name)),
        };
        let key = signing_key(connection)?;
        let mut lines = Vec::with_capacity(users.len());
        for user in users {
            let (claims, login) = new_login(user.id, AGENT.to_owned(), lifetime_s);
            logins::add(connection, &login)?;
            lines.push(TokenLine { username: user.name, user_id: user.id, token: claims.sign(&key) });
        }
        Ok(Ok((lines, new)))
    })
}

/// Calls `work` with each batch, and shows how many accounts are done.
fn shown<T>(
    batches: impl Iterator<Item = T>,
    of: usize,
    mut work: impl FnMut(T) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut outcome = Ok(());
    for (index, batch) in batches.enumerate() {
        output::progress(format_args!("{} of {}", (index * BATCH).min(of), count(of, "account")));
        outcome = work(batch);
        if outcome.is_err() {
            break;
        }
    }
    output::end_progress();
    outcome
}

/// Opens the file that is to be replaced or made. A device is not replaced, nor is the database.
fn open(path: &Path, is_of_database: bool) -> Result<OwnerFile, Failure> {
    let is_other = path.symlink_metadata().is_ok_and(|there| !there.is_file());
    if is_other || is_of_database {
        let why = if is_other { "is no regular file" } else { "is a file of the database" };
        return Err(format!("{} {why}: name another file, or - for standard output", path.display()).into());
    }
    Ok(OwnerFile::open(path, true)?)
}

/// The prefix as accounts have it.
fn checked_prefix(prefix: &str) -> Result<String, Failure> {
    let prefix = checked_name(prefix)?;
    if prefix.chars().count() < FEWEST_CHARS {
        return Err(format!("a prefix has at least {FEWEST_CHARS} characters").into());
    }
    Ok(prefix)
}

fn is_a_persons(name: &str) -> Failure {
    format!("{name} has a password or is an admin, so it is no account for load tests: choose another prefix").into()
}

fn count(count: usize, one: &str) -> String {
    counted(u64::try_from(count).unwrap_or(u64::MAX), one)
}
