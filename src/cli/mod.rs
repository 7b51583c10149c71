//! The command line: one file per command.

mod backup;
mod config;
mod database;
mod demo;
mod device;
mod links;
mod openapi;
mod output;
mod password;
mod paste;
mod path;
mod scan;
mod serve;
mod user;

use crate::{config::LoadError, telemetry};
use clap::{Parser, Subcommand};
use output::Failure;
use std::{error::Error, io, process::ExitCode};

/// Segue: a self-hosted music server. Whatever plays, and where in the track, is the same on every device.
#[derive(Debug, Parser)]
#[command(name = "segue", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    Serve(serve::Serve),
    Scan(scan::Scan),
    Config(config::Config),
    Openapi(openapi::Openapi),
    Device(device::Device),
    #[command(subcommand)]
    User(user::User),
    Backup(backup::Backup),
    Restore(backup::Restore),
}

/// Runs the command of this process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Demo(command) => command.run(),
        Command::Serve(command) => command.run(),
        Command::Scan(command) => command.run(),
        Command::Config(command) => command.run(),
        Command::Openapi(command) => command.run(),
        Command::Device(command) => command.run(),
        Command::User(command) => command.run(),
        Command::Backup(command) => command.run(),
        Command::Restore(command) => command.run(),
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

/// Whether the reader of standard output has closed it, as `head` does in `segue config | head`: that is no failure.
fn is_broken_pipe(failure: &(dyn Error + 'static)) -> bool {
    failure.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
