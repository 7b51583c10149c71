//! The program: `loadtest run`. It ends with 0 if the run was good, 1 if a threshold was missed or a promise broken, 2
//! if something that was given is wrong, and 3 if the machine or the server cannot take the run.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a program")]

use clap::Parser;
use loadtest::report::{Report, html, json, table};
use loadtest::run::options::Options;
use loadtest::run::{Refusal, run, worker};
use std::fs::File;
use std::io::{BufWriter, Write as _, stdin, stdout};
use std::process::ExitCode;

/// Loads a Segue server with devices that behave as real ones do.
#[derive(Parser)]
#[command(version)]
enum Command {
    /// Runs a load test
    Run(Box<Options>),
    /// Runs parts of a load test for another process
    #[command(hide = true)]
    Part,
}

fn main() -> ExitCode {
    match Command::parse() {
        Command::Run(options) => match run(&options) {
            Ok(report) => finish(&options, &report),
            Err(Refusal::Wrong(why)) => refuse(&why, 2),
            Err(Refusal::Limit(why)) => refuse(&why, 3),
        },
        Command::Part => match worker::work(&mut stdin().lock(), &mut stdout().lock()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => refuse(&why, 2),
        },
    }
}

fn refuse(why: &str, code: u8) -> ExitCode {
    eprintln!("loadtest: {why}");
    ExitCode::from(code)
}

fn finish(options: &Options, report: &Report) -> ExitCode {
    println!("{}\n{}", table(report), json(report));
    if let Err(why) = write_files(options, report) {
        return refuse(&why, 2);
    }
    if report.verdict.is_green() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn write_files(options: &Options, report: &Report) -> Result<(), String> {
    if let Some(path) = &options.html {
        let page = html::page(report)?;
        std::fs::write(path, page).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    if let Some(path) = &options.hlog {
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        let mut file = BufWriter::new(File::create(path).map_err(failed)?);
        report.write_log(&mut file).and_then(|()| file.flush()).map_err(failed)?;
    }
    Ok(())
}
