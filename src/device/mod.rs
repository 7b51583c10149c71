//! A device in the terminal: files, network and terminal around the client's rules, which are pure.

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
use segue_client::protocol::device::HelloDevice;
use segue_client::protocol::device::{DeviceKind, Volume};
use segue_client::protocol::ids::{InstanceId, MediaId};
use socket::FromSocket;
use std::{error::Error, fmt, path::PathBuf};

/// Why a device cannot run or had to end; the text is shown to the person.
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

/// The options of a device.
#[derive(Debug)]
pub struct Options {
    /// The address of the server.
    pub server: ServerAddress,
    /// A PEM file with the only certificates by which an https server is trusted; without it, those of the system.
    pub ca: Option<PathBuf>,
    /// The name of the user.
    pub user: String,
    /// The user's password.
    pub password: String,
    /// The device's name, as people see it.
    pub name: String,
    /// The kind of device that it reports.
    pub kind: DeviceKind,
    /// Whether it can play; otherwise it only shows and controls.
    pub plays: bool,
    /// The file in which it remembers its id.
    pub state_file: PathBuf,
    /// How it shows its state.
    pub face: Face,
}

/// How a device shows its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// On the terminal, for a person.
    Screen,
    /// As lines of JSON, for a program.
    Lines {
        /// Whether the end of standard input ends the device.
        exit_with_stdin: bool,
    },
}

/// Logs in and runs the device until it is ended. Call it within an actix system.
///
/// # Errors
/// A wrong address or password, a server that cannot be reached, a file that cannot be used; or the server ended the device
/// for good.
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
    description.check().map_err(|error| Trouble::new(error.to_string()))?;
    let memory = memory::Memory::open(&options.state_file)?;
    let api = Api::log_in(&options).await?;
    let known = memory.known();
    let volume = known.and_then(|known| known.volume).filter(|_| options.plays).or(description.volume);
    let description = HelloDevice { id: known.map(|known| known.device_id), volume, ..description };
    running::Running::new(&options, description, memory, api)?.run().await
}

/// An event for the event loop of the device.
enum Happening {
    /// An event of the socket with that number.
    Socket(u64, FromSocket),
    /// An event of the player with that number.
    Audio(u64, FromAudio),
    /// A request of a person or a program; the error says why a line is none.
    Asked(Result<Request, String>),
    /// The catalogue answered.
    Found(Found),
    /// The screen or the lines have ended: nobody can see the device any more.
    FrontEnded(Result<(), Trouble>),
}

/// The result of something that was looked up.
enum Found {
    /// The text of a request, and the tracks that it plays, from the one of that index on.
    ToPlay(String, Result<(Vec<MediaId>, usize), String>),
    /// The words that were typed, and the hits for them.
    Hits(String, Result<Vec<Track>, String>),
    /// A track, if there is one of that id.
    Track(MediaId, Option<Track>),
}
