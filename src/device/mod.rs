//! A device in the terminal: the edge around the client's rules (`segue_actors::client`).

mod address;
mod api;
mod audio;
mod catalogue;
mod commands;
mod download;
mod events;
mod front;
mod lines;
mod memory;
mod newest;
mod request;
mod running;
mod screen;
mod socket;
mod surroundings;
mod trust;

pub use address::ServerAddress;
pub use memory::usual_file;

use api::{Api, Track};
use audio::FromAudio;
use request::Request;
use segue_actors::protocol::device::HelloDevice;
use segue_actors::protocol::device::{DeviceKind, Volume};
use segue_actors::protocol::ids::{InstanceId, MediaId};
use socket::FromSocket;
use std::{error::Error, fmt, path::PathBuf};

/// Why a device does not run, or not any longer; its text is shown to the person.
#[derive(Debug)]
pub struct Trouble(String);

impl Trouble {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Trouble {}

/// What a device is and how it shows itself.
#[derive(Debug)]
pub struct Options {
    /// Where the server is.
    pub server: ServerAddress,
    /// A PEM file of the only certificates that may vouch for an https server; without one, the system's do.
    pub ca: Option<PathBuf>,
    /// Whose device it is.
    pub user: String,
    /// The user's password.
    pub password: String,
    /// The device's name, as people see it.
    pub name: String,
    /// What kind of device it says it is.
    pub kind: DeviceKind,
    /// Whether it can play; without, it only commands and shows.
    pub plays: bool,
    /// Where it remembers its id.
    pub state_file: PathBuf,
    /// How it shows itself.
    pub face: Face,
}

/// How a device shows itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// On the terminal, to a person.
    Screen,
    /// As lines of JSON, to a program.
    Lines {
        /// Whether the end of standard input ends the device.
        exit_with_stdin: bool,
    },
}

/// Logs in and runs the device until somebody ends it. Call it within an actix system.
///
/// # Errors
/// What keeps it from running: the address, the password, the server, its file; or the server sent it away for good.
pub async fn run(options: Options) -> Result<(), Trouble> {
    let description = HelloDevice {
        id: None,
        instance: InstanceId(rand::random()),
        name: options.name.clone(),
        kind: options.kind,
        plays: options.plays,
        controls: true,
        codecs: Vec::new(),
        volume: options.plays.then_some(Volume { level: 100, muted: false, version: 0 }),
    };
    description.clone().description().map_err(|error| Trouble::new(error.to_string()))?;
    let memory = memory::Memory::open(&options.state_file)?;
    let api = Api::log_in(&options).await?;
    let known = memory.known();
    let volume = known.and_then(|known| known.volume).filter(|_| options.plays).or(description.volume);
    let description = HelloDevice { id: known.map(|known| known.device_id), volume, ..description };
    running::Running::new(&options, description, memory, api)?.run().await
}

/// What happens around the rules.
enum Happening {
    /// Of the socket of that number.
    Socket(u64, FromSocket),
    /// Of the audio of that number.
    Audio(u64, FromAudio),
    /// A person or a program asks, or says what cannot be understood.
    Asked(Result<Request, String>),
    /// The catalogue answered.
    Found(Found),
    /// Nobody sees or hears this device any more.
    FrontEnded(Result<(), Trouble>),
}

/// What was looked up.
enum Found {
    /// Tracks to play, from the one of that index on; the request in words.
    ToPlay(String, Result<(Vec<MediaId>, usize), String>),
    /// Hits for what was typed.
    Hits(String, Result<Vec<Track>, String>),
    /// What a track is.
    Track(MediaId, Option<Track>),
}
