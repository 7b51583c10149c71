//! What a device is told when it starts.

use super::address::ServerAddress;
use segue_client::protocol::device::DeviceKind;
use std::path::PathBuf;

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
