//! The command line: one file per command.

mod account;
mod backup;
mod config;
mod database;
mod demo;
mod device;
mod import;
mod key;
mod links;
mod openapi;
mod output;
mod password;
mod paste;
mod path;
mod scan;
mod serve;
mod signals;
mod storage;
mod tokens;
mod user;

use crate::{config::LoadError, telemetry};
use clap::{ColorChoice, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use output::Failure;
use std::{
    env,
    error::Error,
    io::{self, IsTerminal as _},
    process::ExitCode,
};

/// The width of `--help` in characters, where no terminal has one.
const WIDTH: usize = 80;

/// Segue: a self-hosted music server. Whatever plays, and where in the track, is the same on every device.
#[derive(Debug, Parser)]
#[command(name = "segue", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: CliCommand,
}

#[derive(Debug, Subcommand)]
enum CliCommand {
    Demo(demo::Demo),
    Serve(serve::Serve),
    Scan(scan::Scan),
    Import(import::ImportArgs),
    #[command(subcommand)]
    Storage(storage::StorageCommand),
    Config(config::Config),
    Openapi(openapi::Openapi),
    Device(device::DeviceArgs),
    #[command(subcommand)]
    User(user::UserCommand),
    Backup(backup::Backup),
    Restore(backup::Restore),
}

/// Runs the command of this process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = arguments().get_matches();
    let outcome = match Cli::from_arg_matches(&arguments).unwrap_or_else(|error| error.exit()).command {
        CliCommand::Demo(command) => command.run(),
        CliCommand::Serve(command) => command.run(),
        CliCommand::Scan(command) => command.run(),
        CliCommand::Import(command) => command.run(),
        CliCommand::Storage(command) => command.run(),
        CliCommand::Config(command) => command.run(),
        CliCommand::Openapi(command) => command.run(),
        CliCommand::Device(command) => command.run(),
        CliCommand::User(command) => command.run(),
        CliCommand::Backup(command) => command.run(),
        CliCommand::Restore(command) => command.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if is_broken_pipe(failure.as_ref()) => ExitCode::SUCCESS,
        Err(failure) => {
            let form = failure.downcast_ref::<LoadError>().map(|error| error.log_format);
            telemetry::fatal(&failure.to_string(), form.unwrap_or_default());
            ExitCode::FAILURE
        }
    }
}

/// The command line: its help is as wide as the terminal, and coloured only on one.
fn arguments() -> clap::Command {
    let (output, error) = (io::stdout().is_terminal(), io::stderr().is_terminal());
    let command = Cli::command();
    let command = if output && error { command } else { command.color(ColorChoice::Never) };
    let has_width = output || error || io::stdin().is_terminal() || env::var_os("COLUMNS").is_some();
    if has_width { command } else { command.term_width(WIDTH) }
}

/// Whether the reader of standard output has closed it, as `head` does in `segue config | head`: that is no failure.
fn is_broken_pipe(failure: &(dyn Error + 'static)) -> bool {
    failure.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
