//! `segue demo`: the server with a library and an account of its own, from nothing.

use super::{Failure, links, output, paste, path, scan, serve};
use crate::{
    app::App,
    auth::hash_password,
    catalog::scan::Scope,
    config::{ListenAddress, LogFilter, Origin, PORT, SettingFlags, Settings, load},
    db::{
        Db,
        users::{self, Role},
    },
    storage::Storage,
};
use clap::Args;
use segue_demo::{Home, Length, Progress};
use std::{
    collections::BTreeMap,
    env,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

/// The demo's account.
const USER: &str = "demo";
/// A word that finds something of the demo's library.
const WORD: &str = "tides";
/// Ports tried when the usual one is taken.
const PORTS: u16 = 32;

/// Try Segue: makes a small library of its own and an account, and runs the server on them
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Address to listen on, with or without a port; 0.0.0.0 opens the demo to the network
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    listen: String,
    #[arg(
        long,
        value_name = "DIR",
        value_parser = path::parser(),
        help = "The folder to keep everything in [default: segue-demo in $XDG_DATA_HOME or else in ~/.local/share]"
    )]
    data_dir: Option<PathBuf>,
    /// Make tracks of a few seconds only
    #[arg(long)]
    short: bool,
}

impl Demo {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let listen = address(&self.listen)?;
        let home = Arc::new(Home::take(&self.data_dir.clone().unwrap_or_else(default_folder))?);
        let length = if self.short { Length::Short } else { Length::Full };
        if segue_demo::make(&home.music(), length, show)? {
            output::end_progress();
        }
        let settings = || -> Result<Settings, Failure> {
            let mut settings = load(&flags(&home, &listen)?)?;
            if settings.origin("log") == Some(Origin::Default) {
                // The first line that a person reads is the greeting.
                settings.log = LogFilter::warnings();
            }
            Ok(settings)
        };
        let of_account = Arc::clone(&home);
        let prepare = move |db: &Db, settings: &Settings, stop: &AtomicBool| -> Result<String, Failure> {
            let password = account(db, &of_account)?;
            // The server scans at its start too, but the person should find everything there.
            scan::once(db, settings, (&Scope::All, &Storage::default()), false, stop)?;
            Ok(password)
        };
        serve::run(settings, prepare, async |app, bound, password| greet(app, bound, &home, &password).await)
    }
}

fn show(progress: Progress) {
    output::progress(format_args!("composing and playing track {} of {}", progress.done, progress.total));
}

/// The settings of a demo that are not the usual ones.
fn flags(home: &Home, listen: &ListenAddress) -> Result<SettingFlags, Failure> {
    let text = |path: PathBuf| path.into_os_string().into_string().map_err(|_| "the data folder's name is not UTF-8");
    let folder = text(home.folder().to_owned())?;
    let values = BTreeMap::from([
        ("data_dir", vec![folder]),
        ("music", vec![text(home.music())?]),
        ("listen", vec![listen.to_string()]),
    ]);
    // Given as an address it could not hold every name of a folder.
    Ok(SettingFlags { config: None, values, defaults: &["database_url"] })
}

/// `segue-demo` in the XDG data folder (freedesktop.org, "XDG Base Directory"), or else in the current folder.
fn default_folder() -> PathBuf {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = absolute("XDG_DATA_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/share")));
    data.unwrap_or_default().join("segue-demo")
}

/// Where to listen: as given, or on the first free port from the usual one.
fn address(text: &str) -> Result<ListenAddress, Failure> {
    let (listen, is_without_port) = ListenAddress::read(text).map_err(|error| format!("--listen {error}"))?;
    let ip = match &listen {
        ListenAddress::Unix(_) => {
            return Err("--listen is an address for the demo: `segue serve` takes a Unix socket".into());
        }
        _ if !is_without_port => return Ok(listen),
        ListenAddress::Address(address) => address.ip(),
        ListenAddress::Localhost(_) => Ipv4Addr::LOCALHOST.into(),
    };
    let free = |port: &u16| TcpListener::bind((ip, *port)).is_ok();
    // If none is free, the attempt to listen on the first one fails and says why.
    Ok(listen.with_port((PORT..PORT + PORTS).find(free).unwrap_or(PORT)))
}

/// The password of the demo's account. Makes the account, the password and its file where they are missing. The file is
/// written last: if this is interrupted, a password in the file is one that the account has had.
fn account(db: &Db, home: &Home) -> Result<String, Failure> {
    let kept = home.password()?;
    let password = kept.clone().unwrap_or_else(|| segue_demo::new_password(rand::random()));
    match db.read_blocking(|connection| users::by_name(connection, USER))? {
        Some(_) if kept.is_some() => return Ok(password),
        Some(user) => {
            let hash = hash_password(&password)?;
            db.write_blocking(|connection| users::set_password(connection, user.id, &hash, None))?;
        }
        None => {
            let user = users::User::new(USER.to_owned(), hash_password(&password)?, Role::Admin);
            db.write_blocking(|connection| users::add(connection, &user))?;
        }
    }
    home.keep_password(&password)?;
    Ok(password)
}

/// Prints where the demo is, how to log in, and what to try.
async fn greet(app: &App, bound: &ListenAddress, home: &Home, password: &str) -> Result<(), Failure> {
    let user = app.db.read(|connection| users::by_name(connection, USER)).await?;
    let hash = user.map(|user| user.password);
    let holds = app.auth.passwords.verify(password.to_owned(), hash).await?;
    let (shown, typed) = if holds { (password, password) } else { ("(changed since the demo was made)", "PASSWORD") };
    let (base, file) = (app.settings.base_url(bound).unwrap_or_default(), home.password_file().display().to_string());
    let trust = app.settings.tls_cert.as_ref().map(|file| paste::quoted(&file.display().to_string()));
    let (curl_trust, device_trust) = (
        trust.as_ref().map(|file| format!(" --cacert {file}")).unwrap_or_default(),
        trust.as_ref().map(|file| format!(" --ca {file}")).unwrap_or_default(),
    );
    let (program, password_file) = (paste::program(), paste::quoted(&file));
    let device =
        format!("{program} device --server {base}{device_trust} --user {USER} --password-file {password_file} --name");
    let credentials = paste::quoted(&format!("{{\"username\":\"{USER}\",\"password\":\"{typed}\"}}"));
    serve::open_line(&links::bases(&app.settings, bound))?;
    output::line(format_args!("  user      {USER}"))?;
    output::line(format_args!("  password  {shown}   (also in {file})"))?;
    output::line(format_args!("and search there for a word, for example {WORD}"))?;
    output::line("")?;
    output::line("More devices, each in a terminal of its own; they make no sound, and show and command what plays:")?;
    output::line(format_args!("  {device} Kitchen"))?;
    output::line(format_args!("  {device} Balcony"))?;
    output::line("What programs can do:")?;
    output::line(format_args!("  {base}/docs"))?;
    output::line(format_args!("  curl{curl_trust} {base}/v1/auth/login --json {credentials}"))?;
    output::line(format_args!("Everything is kept in {}", home.folder().display()))?;
    output::line("Ctrl-C stops it; the same command starts it again with everything as it was.")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_comes_with_a_port_or_gets_a_free_one() {
        let text = |wanted| address(wanted).unwrap().to_string();
        assert_eq!(text("10.1.2.3:99"), "10.1.2.3:99");
        assert_eq!(text("[::1]:99"), "[::1]:99");
        assert_eq!(text("localhost:99"), "localhost:99");
        assert!(text("localhost").starts_with("localhost:") && text("::1").starts_with("[::1]:"));
        let port = |text: &str| text.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok()).unwrap();
        let first = text("127.0.0.1");
        let _taken = TcpListener::bind(&first).unwrap();
        assert!(port(&text("127.0.0.1")) > port(&first));
        assert!(address("everywhere").unwrap_err().to_string().contains("everywhere"));
        assert!(address("unix:/run/segue.sock").unwrap_err().to_string().contains("segue serve"));
    }
}
