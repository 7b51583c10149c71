//! `segue demo`: the server with a library and an account of its own, from nothing.

use super::{Failure, output, scan, serve};
use crate::{
    app::App,
    auth::hash_password,
    config::{SettingFlags, load},
    db::{
        Db,
        users::{self, Role},
    },
    demo::{self, Home, Length, Progress},
};
use clap::Args;
use std::{
    collections::BTreeMap,
    env,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    path::PathBuf,
};

/// The demo's account.
const USER: &str = "demo";
/// Where the demo listens unless told otherwise.
const PORT: u16 = 4747;
/// Ports tried when the usual one is taken.
const PORTS: u16 = 32;

/// Try Segue: makes a small library of its own and an account, and runs the server on them
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Address to listen on, with or without a port; 0.0.0.0 opens the demo to the network
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    listen: String,
    /// The folder to keep everything in [default: segue-demo in the folder for user data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Make tracks of a few seconds only
    #[arg(long)]
    short: bool,
}

impl Demo {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let listen = address(&self.listen)?;
        let home = Home::take(&self.data.clone().unwrap_or_else(default_folder))?;
        output::line(format_args!("data folder {}", home.folder().display()))?;
        let length = if self.short { Length::Short } else { Length::Full };
        if demo::make(&home.music(), length, show)? {
            output::end_progress();
        }
        let settings = load(&flags(&home, listen)?)?;
        let db = Db::open(&settings.database_url, settings.database_connections)?;
        let password = account(&db, &home)?;
        // The server scans at its start too, but the person should find everything there.
        scan::once(&db, &settings)?;
        drop(db);
        serve::run(settings, async |app, bound| greet(app, bound, &home, &password).await)
    }
}

fn show(progress: Progress) {
    output::progress(format_args!("composing and playing track {} of {}", progress.done, progress.total));
}

/// The settings that make a server a demo; all others are the usual ones.
fn flags(home: &Home, listen: SocketAddr) -> Result<SettingFlags, Failure> {
    let text = |path: PathBuf| path.into_os_string().into_string().map_err(|_| "the data folder's name is not UTF-8");
    let folder = text(home.folder().to_owned())?;
    let values = BTreeMap::from([
        ("database_url", vec![format!("sqlite:{folder}/segue.db")]),
        ("data_dir", vec![folder]),
        ("music", vec![text(home.music())?]),
        ("listen", vec![listen.to_string()]),
    ]);
    Ok(SettingFlags { config: None, values })
}

/// The XDG data folder (freedesktop.org, "XDG Base Directory"), or a folder where one stands.
fn default_folder() -> PathBuf {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = absolute("XDG_DATA_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/share")));
    data.unwrap_or_default().join("segue-demo")
}

/// The address to listen on: as given, or on the first free port from the usual one.
fn address(text: &str) -> Result<SocketAddr, Failure> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(address);
    }
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let ip = bare.parse::<IpAddr>().map_err(|_| format!("--listen takes an address such as 0.0.0.0, not {text:?}"))?;
    let free = |port: &u16| TcpListener::bind((ip, *port)).is_ok();
    // When none is free, listening on the first one says why.
    Ok(SocketAddr::new(ip, (PORT..PORT + PORTS).find(free).unwrap_or(PORT)))
}

/// The password of the demo's account, both made when they are missing. The file comes last, so that a password in it
/// was once that of the account, whenever this was interrupted.
fn account(db: &Db, home: &Home) -> Result<String, Failure> {
    let kept = home.password()?;
    let password = kept.clone().unwrap_or_else(|| demo::new_password(rand::random()));
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
async fn greet(app: &App, bound: SocketAddr, home: &Home, password: &str) -> Result<(), Failure> {
    let user = app.db.read(|connection| users::by_name(connection, USER)).await?;
    let hash = user.map(|user| user.password);
    let holds = app.auth.passwords.verify(password.to_owned(), hash).await?;
    let (shown, typed) = if holds { (password, password) } else { ("(changed since the demo was made)", "PASSWORD") };
    let base = app.settings.base_url(bound);
    let file = home.password_file();
    // As this program was called, so that the lines can be pasted.
    let program = env::args().next().unwrap_or_else(|| "segue".to_owned());
    let device = format!("{program} device --server {base} --user {USER} --password-file '{}' --name", file.display());
    output::line("")?;
    output::line(format_args!("Segue is ready at {base}"))?;
    for address in others(bound) {
        output::line(format_args!("  for other machines: http://{address}"))?;
    }
    output::line(format_args!("  user      {USER}"))?;
    output::line(format_args!("  password  {shown}   (also in {})", file.display()))?;
    output::line("")?;
    output::line("Try, each in a terminal of its own:")?;
    output::line(format_args!("  {device} Kitchen"))?;
    output::line(format_args!("  {device} Balcony"))?;
    output::line("or read what the server can do:")?;
    output::line(format_args!("  {base}/docs"))?;
    output::line("or ask it:")?;
    output::line(format_args!(
        "  curl {base}/v1/auth/login --json '{{\"username\":\"{USER}\",\"password\":\"{typed}\"}}'"
    ))?;
    output::line("Ctrl-C stops it; the same command starts it again with everything as it was.")?;
    Ok(())
}

/// The addresses of this machine that others can use, when all of them are listened on.
fn others(bound: SocketAddr) -> Vec<SocketAddr> {
    if !bound.ip().is_unspecified() {
        return Vec::new();
    }
    // Connecting a UDP socket sends nothing; it asks which of our addresses leads there: to the world (TEST-NET-1 of
    // RFC 5737), to the private networks of RFC 1918, and with IPv6 to the documentation prefix of RFC 3849.
    let v4 = [[192, 0, 2, 1], [10, 255, 255, 254], [172, 31, 255, 254], [192, 168, 255, 254]].map(Ipv4Addr::from);
    let mut far: Vec<IpAddr> = v4.map(IpAddr::from).to_vec();
    if bound.is_ipv6() {
        far.push(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]));
    }
    let mut found = Vec::new();
    for far in far {
        let any: IpAddr = if far.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { bound.ip() };
        let ours =
            UdpSocket::bind((any, 0)).and_then(|socket| socket.connect((far, 9)).and_then(|()| socket.local_addr()));
        if let Ok(ours) = ours {
            let address = SocketAddr::new(ours.ip(), bound.port());
            if !ours.ip().is_loopback() && !found.contains(&address) {
                found.push(address);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_comes_with_a_port_or_gets_a_free_one() {
        assert_eq!(address("10.1.2.3:99").unwrap(), "10.1.2.3:99".parse().unwrap());
        assert_eq!(address("[::1]:99").unwrap(), "[::1]:99".parse().unwrap());
        let first = address("127.0.0.1").unwrap();
        let _taken = TcpListener::bind(first).unwrap();
        let second = address("127.0.0.1").unwrap();
        assert!(second.ip() == first.ip() && second.port() > first.port());
        assert!(address("everywhere").unwrap_err().to_string().contains("everywhere"));
    }

    #[test]
    fn loopback_is_for_nobody_else() {
        assert_eq!(others("127.0.0.1:1".parse().unwrap()), []);
        assert!(
            others("0.0.0.0:7".parse().unwrap()).iter().all(|found| found.port() == 7 && !found.ip().is_loopback())
        );
    }
}
