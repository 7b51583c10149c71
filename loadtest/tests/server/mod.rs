//! A real server with a little music, and accounts with a token each.

use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

/// Tracks, and how long each is, in seconds: some end within a run.
const TRACKS: [u32; 4] = [3, 40, 60, 90];
/// Frames of the music per second: as few as a WAV file may have.
const RATE: u32 = 8_000;

/// The server's program, beside this crate's own; built if it is not there.
pub(crate) fn program() -> PathBuf {
    let own = Path::new(env!("CARGO_BIN_EXE_loadtest"));
    let folder = own.parent().expect("it lies in a folder");
    let built = folder.join("segue");
    if !built.exists() {
        let profile = folder.file_name().expect("it has a name").to_string_lossy().replace("debug", "dev");
        let status = Command::new(env!("CARGO"))
            .args(["build", "--locked", "--workspace", "--bin", "segue", "--profile", &profile, "--target-dir"])
            .arg(folder.parent().expect("it lies below the folder of targets"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo runs");
        assert!(status.success(), "the server does not build");
    }
    built
}

/// A running server; killed when dropped, or when the thread that started it ends.
pub(crate) struct Server {
    folder: tempfile::TempDir,
    child: Child,
    /// Kept open, so that the server can write.
    _output: BufReader<ChildStdout>,
    /// `http://` and the address.
    pub(crate) base: String,
}

impl Server {
    /// Starts a server with music and so many accounts, whose tokens are in [`Self::tokens`].
    pub(crate) fn start(users: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let music = folder.path().join("music");
        fs::create_dir(&music).expect("made");
        for seconds in TRACKS {
            write_track(&music.join(format!("{seconds}.wav")), seconds);
        }
        for user in 0..users {
            let added = segue(folder.path(), &["user", "add", &name(user)]).status().expect("it runs");
            assert!(added.success());
        }
        let mut serve = segue(folder.path(), &["serve", "--listen", "127.0.0.1:0", "--music"]);
        let mut child = serve.arg(&music).stdout(Stdio::piped()).spawn().expect("the server starts");
        let mut output = BufReader::new(child.stdout.take().expect("its output is piped"));
        let mut line = String::new();
        let base = loop {
            line.clear();
            assert!(output.read_line(&mut line).expect("it writes UTF-8") > 0, "the server ended");
            if let Some(base) = line.trim_end().strip_prefix("listening ") {
                break base.to_owned();
            }
        };
        let server = Self { folder, child, _output: output, base };
        let mut tokens = String::new();
        for user in 0..users {
            let body = format!(r#"{{"username":"{0}","password":"{0}-password"}}"#, name(user));
            let answer = server.ask("POST", "/v1/auth/login", None, &body);
            let token = answer["token"].as_str().unwrap_or_else(|| panic!("no token: {answer}"));
            writeln!(tokens, r#"{{"username":"{}","token":"{token}"}}"#, name(user)).expect("text");
        }
        fs::write(server.tokens(), &tokens).expect("written");
        let first: Option<Value> = tokens.lines().next().and_then(|line| serde_json::from_str(line).ok());
        let token = first.and_then(|line| Some(line["token"].as_str()?.to_owned())).expect("there is a user");
        // The scan of the music begins when the server does.
        while server.ask("GET", "/v1/tracks", Some(&token), "")["items"].as_array().map(Vec::len) != Some(TRACKS.len())
        {
            std::thread::yield_now();
        }
        server
    }

    /// A folder of the test.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The file of tokens.
    pub(crate) fn tokens(&self) -> PathBuf {
        self.folder.path().join("tokens.jsonl")
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How many sockets the server has open.
    pub(crate) fn sockets(&self) -> usize {
        let files = fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("it runs").flatten();
        let is_socket = |path: PathBuf| fs::read_link(path).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"));
        files.filter(|file| is_socket(file.path())).count()
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("the server is our child");
        self.child.wait().expect("a killed process ends");
    }

    fn ask(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> Value {
        let address = self.base.strip_prefix("http://").expect("it speaks HTTP");
        let mut stream = TcpStream::connect(address).expect("it listens");
        let login = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: {address}\r\n{login}Content-Type: application/json\r\nContent-Length: {}\
             \r\n\r\n{body}",
            body.len()
        )
        .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended need not be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn name(user: usize) -> String {
    format!("load-{user}")
}

/// The server's program with settings of this test alone.
fn segue(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(program()).args(arguments);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SEGUE_") {
            command.env_remove(name);
        }
    }
    command.env("SEGUE_DATA_DIR", folder.join("data")).stderr(Stdio::null());
    command.env("SEGUE_LOGIN_TRIES_PER_ADDRESS", "100000").env("SEGUE_LOGIN_TRIES_PER_USER", "100000");
    if let ["user", "add", name] = arguments {
        command.env("SEGUE_PASSWORD", format!("{name}-password"));
    }
    command
}

/// A WAV file without much sound.
fn write_track(path: &Path, seconds: u32) {
    let format =
        hound::WavSpec { channels: 1, sample_rate: RATE, bits_per_sample: 8, sample_format: hound::SampleFormat::Int };
    let mut file = hound::WavWriter::create(path, format).expect("it can be written");
    for frame in 0..seconds * RATE {
        file.write_sample(i8::try_from(frame % 8).expect("small")).expect("written");
    }
    file.finalize().expect("written");
}
