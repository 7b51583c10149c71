//! Starts the servers that are compared.

use super::install;
use super::kind::Kind;
use crate::machine::cpu::{Threads, pin};
use crate::machine::process;
use crate::run::http;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_mins(1);
/// Milliseconds in which each idle socket is pinged once, where that can be chosen.
pub(super) const PING_MS: u64 = 20_000;
/// The `heartbeat_ms` at which Segue pings a device that is idle, and sends nothing by itself, after [`PING_MS`]: after
/// 1.75 × `idle_ms`, which is ten of them.
const HEARTBEAT_MS: u64 = PING_MS * 2 / 35;

/// What servers need to start.
#[derive(Debug, Clone)]
pub(super) struct Setup {
    /// The program of Segue.
    pub(super) segue: PathBuf,
    /// Where packages of npm are installed.
    pub(super) packages: PathBuf,
    /// Accounts of Segue.
    pub(super) users: usize,
    /// The cores of servers.
    pub(super) cores: Vec<usize>,
    /// The cores of this program.
    pub(super) own_cores: Vec<usize>,
    /// Files that a server may open.
    pub(super) files: u64,
}

/// A running server; it ends when this is dropped or this program ends.
pub(super) struct Server {
    /// What it is.
    pub(super) kind: Kind,
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// A token for each user.
    pub(super) tokens: Vec<String>,
    /// Tracks that can be played.
    pub(super) tracks: Vec<String>,
    child: Child,
    _output: Option<BufReader<ChildStdout>>,
    folder: tempfile::TempDir,
}

impl Server {
    /// Starts a server on its cores.
    ///
    /// # Errors
    /// Why it does not run.
    pub(super) fn start(kind: Kind, setup: &Setup) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        pin(&setup.cores)?;
        let started = Self::start_here(kind, setup, folder);
        pin(&setup.own_cores)?;
        started.map_err(|why| format!("{}: {why}", kind.name()))
    }

    fn start_here(kind: Kind, setup: &Setup, folder: tempfile::TempDir) -> Result<Self, String> {
        let path = folder.path();
        let command = match kind {
            Kind::Segue => {
                let music = path.join("music");
                fs::create_dir(&music).and_then(|()| track(&music.join("a.wav"))).map_err(|error| error.to_string())?;
                let mut serve = segue(setup, path);
                serve.args(["serve", "--listen", "127.0.0.1:0", "--music"]).arg(music);
                serve.args(["--heartbeat-ms", &HEARTBEAT_MS.to_string()]);
                serve
            }
            Kind::Floor | Kind::Raw => {
                let own = std::env::current_exe().map_err(|error| error.to_string())?;
                let mut floor = tied(&own);
                floor.arg("floor").args((kind == Kind::Floor).then_some("--json"));
                floor
            }
            Kind::Ws | Kind::Socketio => {
                install::packages(&setup.packages)?;
                let mut node = tied(Path::new("node"));
                let script = if kind == Kind::Ws { "ws.js" } else { "socketio.js" };
                node.arg(setup.packages.join(script)).arg(PING_MS.to_string());
                node
            }
            Kind::Nchan => return Self::nchan(setup, folder),
        };
        let (child, output, port) = listening(command)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (tokens, tracks) = (Vec::new(), Vec::new());
        let mut server = Self { kind, address, tokens, tracks, child, _output: Some(output), folder };
        if kind == Kind::Segue {
            // The server has made the database.
            server.tokens = accounts(setup, server.folder.path())?;
            server.tracks = server.scanned()?;
        }
        Ok(server)
    }

    fn nchan(setup: &Setup, folder: tempfile::TempDir) -> Result<Self, String> {
        let module = install::nchan()?;
        let failed = |error: std::io::Error| error.to_string();
        // Between the end of this listener and the begin of nginx another program could take the port.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr()).map_err(failed)?;
        let configuration = folder.path().join("nginx.conf");
        fs::write(&configuration, nginx(&module, folder.path(), port, setup.files)).map_err(failed)?;
        let mut command = tied(Path::new("nginx"));
        command.arg("-p").arg(folder.path()).arg("-c").arg(configuration).stderr(Stdio::null());
        let child = command.spawn().map_err(failed)?;
        let (tokens, tracks) = (Vec::new(), Vec::new());
        let mut server = Self { kind: Kind::Nchan, address: port, tokens, tracks, child, _output: None, folder };
        server.wait("it does not listen", |server| TcpStream::connect(server.address).ok().map(drop))?;
        Ok(server)
    }

    /// The tracks of Segue, once it has read its music.
    fn scanned(&mut self) -> Result<Vec<String>, String> {
        let token = self.tokens.first().cloned().unwrap_or_default();
        let tracks = self.wait("it does not find its music", |server| {
            http::tracks(server.address, &server.address.to_string(), &token).ok()
        })?;
        Ok(tracks.iter().filter_map(|track| serde_json::to_value(track).ok()?.as_str().map(str::to_owned)).collect())
    }

    fn wait<T>(&mut self, why: &str, mut done: impl FnMut(&Self) -> Option<T>) -> Result<T, String> {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(done) = done(self) {
                return Ok(done);
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("it ended: {status}"));
            }
            if Instant::now() > end {
                return Err(why.to_owned());
            }
            sleep(Duration::from_millis(20));
        }
    }

    /// CPU time so far.
    ///
    /// # Errors
    /// It has ended.
    pub(super) fn cpu(&self) -> Result<Threads, String> {
        Threads::of(self.child.id()).map_err(|why| format!("{}: {why}", self.kind.name()))
    }

    /// Resident memory in bytes.
    ///
    /// # Errors
    /// It has ended.
    pub(super) fn rss(&self) -> Result<u64, String> {
        let usage = process::usage(self.child.id());
        usage.map(|usage| usage.rss).ok_or_else(|| format!("{}: it has ended", self.kind.name()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended need not be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that is killed when the thread that started it ends.
fn tied(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(program);
    command
}

/// Starts a server that prints its port or address after the word `listening`.
fn listening(mut command: Command) -> Result<(Child, BufReader<ChildStdout>, u16), String> {
    let failed = |error: std::io::Error| error.to_string();
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(failed)?;
    let mut output = BufReader::new(child.stdout.take().ok_or("it has no output")?);
    let mut line = String::new();
    loop {
        line.clear();
        if output.read_line(&mut line).map_err(failed)? == 0 {
            let status = child.wait().map_err(failed)?;
            return Err(format!("it ended before it listened: {status}"));
        }
        if let Some(address) = line.trim_end().strip_prefix("listening ") {
            let port = address.rsplit(':').next().and_then(|port| port.parse().ok());
            return Ok((child, output, port.ok_or_else(|| format!("{address} has no port"))?));
        }
    }
}

fn segue(setup: &Setup, folder: &Path) -> Command {
    let mut command = tied(&setup.segue);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SEGUE_")) {
        command.env_remove(name);
    }
    command.env("SEGUE_DATA_DIR", folder.join("data")).stderr(Stdio::null());
    command
}

/// Makes accounts; returns their tokens.
fn accounts(setup: &Setup, folder: &Path) -> Result<Vec<String>, String> {
    let file = folder.join("tokens.jsonl");
    let mut command = segue(setup, folder);
    command.args(["user", "tokens", "--prefix", "duel", "--count", &setup.users.to_string(), "--out"]).arg(&file);
    let output = command.output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("{} user tokens: {}", setup.segue.display(), output.status));
    }
    crate::run::tokens::read(&file)
}

/// Ten minutes of silence, 8 bits at 8 kHz: longer than any place that is reported.
fn track(path: &Path) -> std::io::Result<()> {
    const FRAMES: u32 = 8_000 * 600;
    let mut file = Vec::new();
    file.extend(b"RIFF");
    file.extend((FRAMES + 36).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend(8_000_u32.to_le_bytes());
    file.extend(8_000_u32.to_le_bytes());
    file.extend(b"\x01\0\x08\0data");
    file.extend(FRAMES.to_le_bytes());
    file.resize(file.len().saturating_add(usize::try_from(FRAMES).unwrap_or(0)), 0x80);
    fs::write(path, file)
}

/// One process, groups of which the newest message is kept; who publishes in a duel is shown nothing, as elsewhere.
fn nginx(module: &Path, folder: &Path, address: SocketAddr, files: u64) -> String {
    let (module, folder, seconds) = (module.display(), folder.display(), PING_MS / 1_000);
    let mut text = format!(
        "load_module {module};\ndaemon off;\nmaster_process off;\nworker_rlimit_nofile {files};\npid {folder}/pid;\n\
         error_log {folder}/error.log;\nevents {{ worker_connections {}; }}\nhttp {{\naccess_log off;\n\
         nchan_max_reserved_memory 512M;\nserver {{\nlisten {address} backlog=4096;\n\
         nchan_message_buffer_length 1;\nnchan_message_timeout 1h;\nnchan_subscriber_first_message oldest;\n\
         nchan_websocket_ping_interval {seconds};\n",
        files.saturating_sub(64).max(64)
    );
    for (role, hears) in [("member", "$1"), ("publisher", "$1-none")] {
        // Text cannot fail to be written.
        let _ = writeln!(
            text,
            "location ~ ^/{role}/(\\d+)$ {{ nchan_pubsub websocket; nchan_publisher_channel_id $1; \
             nchan_subscriber_channel_id {hears}; }}"
        );
    }
    text + "}\n}\n"
}
