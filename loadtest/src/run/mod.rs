//! A run: what it needs is looked up, its parts are started in threads or processes, and what they tell is added up.

pub mod gather;
pub(crate) mod http;
pub mod options;
mod parts;
pub mod tokens;
pub mod worker;

use crate::drive::clock::now_us;
use crate::drive::part::Setup;
use crate::machine::{limits, probe, process};
use crate::plan::planner::Phases;
use crate::report::Report;
use crate::report::progress::Progress;
use gather::Gathered;
use options::{Options, Target};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime};

/// Why a run did not begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Something that was given is wrong.
    Wrong(String),
    /// The machine or the server cannot take it.
    Limit(String),
}

impl From<String> for Refusal {
    fn from(why: String) -> Self {
        Self::Wrong(why)
    }
}

/// Runs a load test.
///
/// # Errors
/// It did not begin.
pub fn run(options: &Options) -> Result<Report, Refusal> {
    let scenario = options.scenario()?;
    let Target { address, host } = options.target()?;
    let tokens = tokens::read(&options.tokens)?;
    if tokens.len() < options.users {
        let (there, wanted) = (tokens.len(), options.users);
        return Err(Refusal::Wrong(format!("{there} tokens are in the file, {wanted} users are wanted")));
    }
    let tokens: Vec<(usize, String)> = tokens.into_iter().take(options.users).enumerate().collect();
    let token = tokens.first().map_or("", |(_, token)| token);
    let tracks = http::tracks(address, &host, token)?;
    let pid = options.pid.or_else(|| address.ip().is_loopback().then(|| process::listener(address.port())).flatten());
    let sockets = options.sockets(&scenario);
    if let Some((most, open)) = pid.and_then(process::files) {
        limits::server_takes(sockets, most, open).map_err(Refusal::Limit)?;
    }
    let needed = limits::processes(sockets, limits::raise_files()).map_err(Refusal::Limit)?;
    let processes = needed.max(options.processes.unwrap_or(1));
    let start_us = now_us().saturating_add(500_000 * i64::try_from(processes).unwrap_or(1).min(20));
    let (users, devices, seed) = (options.users, options.devices, options.seed);
    let setup = Setup { address, host, scenario, seed, users, devices, tracks, start_us };
    let (tell, told) = mpsc::channel();
    let parts = parts::start(&Arc::new(setup.clone()), tokens, processes, options.threads, &tell)?;
    let is_over = Arc::new(AtomicBool::new(false));
    let prober = {
        let (is_over, part) = (Arc::clone(&is_over), parts.count);
        // Who does not listen any more has ended the run.
        thread::spawn(move || probe::run(address, start_us, part, &is_over, |snapshot| _ = tell.send(snapshot)))
    };
    let phases = Phases::new(start_us, setup.scenario.time);
    let mut gathered = Gathered::new(pid, parts.count);
    let mut progress = Progress::new(phases);
    let begun = SystemTime::now();
    while !gathered.is_over() {
        match told.recv_timeout(Duration::from_millis(200)) {
            Ok(snapshot) => gathered.add(snapshot),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
        if gathered.sample(start_us, now_us()) {
            progress.show(now_us(), &gathered);
        }
    }
    is_over.store(true, Ordering::Relaxed);
    // A thread that panicked has told what it measured until then.
    let _ = prober.join();
    while let Ok(snapshot) = told.try_recv() {
        gathered.add(snapshot);
    }
    parts.end(&mut gathered);
    progress.end();
    let threads = processes.saturating_mul(options.threads);
    Ok(Report::new(setup, phases, begun, processes, threads, gathered)?)
}
