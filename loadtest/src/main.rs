//! The program. It ends with 0 if a run was good or a comparison counts, 1 if a threshold was missed, a promise broken or
//! a comparison is not judged, 2 if something that was given is wrong, and 3 if the machine or the server cannot take it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a program")]

use clap::Parser;
use loadtest::catalogue::Catalogue;
use loadtest::duel::floor::Floor;
use loadtest::duel::{Fight, Idle, Outcome, Storm};
use loadtest::report::{Report, html, json, table};
use loadtest::run::options::Options;
use loadtest::run::{Refusal, run, worker};
use std::fs::File;
use std::io::{BufWriter, Write as _, stdin, stdout};
use std::process::ExitCode;
use std::time::Duration;

/// Loads a Segue server with devices that behave as real ones do.
#[derive(Parser)]
#[command(version)]
enum Command {
    /// Runs a load test
    Run(Box<Options>),
    /// Compares what a publish costs servers
    Duel(Fight),
    /// Compares what idle devices cost servers
    Idle(Idle),
    /// Compares what it costs servers that all sockets are cut at once
    Storm(Storm),
    /// Runs the benches of the catalogue and shows their figures beside the targets
    Report(Catalogue),
    /// Serves groups as the floor of a comparison
    #[command(hide = true)]
    Floor {
        /// Parse and serialise JSON
        #[arg(long)]
        json: bool,
        /// Milliseconds in which each socket is pinged once
        #[arg(long, default_value_t = 20_000)]
        ping_ms: u64,
    },
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
        Command::Duel(fight) => compared(fight.run()),
        Command::Idle(idle) => compared(idle.run()),
        Command::Storm(storm) => compared(storm.run()),
        Command::Report(catalogue) => match catalogue.run(|line| eprintln!("{line}")) {
            Ok(text) => {
                println!("{text}");
                ExitCode::SUCCESS
            }
            Err(why) => refuse(&why, 2),
        },
        Command::Floor { json, ping_ms } => match serve(json, Duration::from_millis(ping_ms)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => refuse(&why.to_string(), 2),
        },
        Command::Part => match worker::work(&mut stdin().lock(), &mut stdout().lock()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => refuse(&why, 2),
        },
    }
}

fn compared(outcome: Result<Outcome, Refusal>) -> ExitCode {
    match outcome {
        Ok(Outcome { text, objections }) => {
            println!("{text}");
            for why in &objections {
                eprintln!("loadtest: not judged: {why}");
            }
            if objections.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(Refusal::Wrong(why)) => refuse(&why, 2),
        Err(Refusal::Limit(why)) => refuse(&why, 3),
    }
}

fn serve(parses: bool, ping: Duration) -> std::io::Result<()> {
    // The limit of this process is that of the one that started it.
    let mut floor = Floor::new(parses, ping)?;
    println!("listening {}", floor.port()?);
    floor.run()
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
