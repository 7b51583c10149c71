//! `segue device`: a device in the terminal.

use super::{Failure, password::PasswordSource, path};
use crate::{
    device::{self, Face, Options, ServerAddress},
    http,
};
use clap::{Args, ValueEnum};
use segue_client::protocol::device::DeviceKind;
use std::{
    io::{self, IsTerminal as _},
    path::PathBuf,
};

/// Run a device in the terminal; it makes no sound: it plays in real time, shows what plays, and takes commands
#[derive(Debug, Args)]
pub(super) struct DeviceArgs {
    /// The server, as http://HOST:PORT or https://HOST:PORT
    #[arg(long, value_name = "URL")]
    server: ServerAddress,
    /// Trust an https server only by a certificate in this PEM file [default: the system's certificates]
    #[arg(long, value_name = "FILE", value_parser = path::parser())]
    ca: Option<PathBuf>,
    /// Your name on the server
    #[arg(long)]
    user: String,
    #[command(flatten)]
    password: PasswordSource,
    /// What this device is called
    #[arg(long, default_value = "Terminal")]
    name: String,
    /// The kind of device that it reports
    #[arg(long, value_enum, default_value = "terminal")]
    kind: KindArg,
    /// Never play on this device: only show and control
    #[arg(long)]
    no_plays: bool,
    /// Remember the device's id in this file [default: one per server, user and name below `$XDG_STATE_HOME`]
    #[arg(long, value_name = "FILE", value_parser = path::parser())]
    state: Option<PathBuf>,
    /// No screen: events as lines of JSON on standard output, commands as lines on standard input
    #[arg(long)]
    json: bool,
    /// End when standard input ends
    #[arg(long, requires = "json")]
    exit_with_stdin: bool,
}

/// The kinds of devices that the protocol knows.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum KindArg {
    Browser,
    Phone,
    Computer,
    Speaker,
    Terminal,
    Other,
}

impl From<KindArg> for DeviceKind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Browser => Self::Browser,
            KindArg::Phone => Self::Phone,
            KindArg::Computer => Self::Computer,
            KindArg::Speaker => Self::Speaker,
            KindArg::Terminal => Self::Terminal,
            KindArg::Other => Self::Other,
        }
    }
}

impl DeviceArgs {
    pub(super) fn run(self) -> Result<(), Failure> {
        let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        if !self.json && !is_terminal {
            return Err("standard input and output are no terminal to draw on: use --json for lines of text".into());
        }
        let password = self.password.read()?;
        let state_file = match self.state {
            Some(file) => file,
            None => device::usual_file(&self.server, &self.user, &self.name)?,
        };
        let face = if self.json { Face::Lines { exit_with_stdin: self.exit_with_stdin } } else { Face::Screen };
        let options = Options {
            server: self.server,
            ca: self.ca,
            user: self.user,
            password,
            name: self.name,
            kind: self.kind.into(),
            plays: !self.no_plays,
            state_file,
            face,
        };
        Ok(http::block_on(device::run(options))?)
    }
}
