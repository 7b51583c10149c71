//! Comparisons of servers that deliver the changes of one device to the others of its user: what a change, an idle
//! device and a reconnect cost each. `../../FIGURES.md` has results.

mod crowd;
mod fight;
pub mod floor;
mod idle;
mod install;
pub mod judge;
mod kind;
mod line;
mod servers;
mod storm;
mod table;

use crate::machine::{cpu, limits, process};
use crate::number::real;
use crate::run::Refusal;
use crowd::{Crowd, DEVICES};
use kind::Kind;
use servers::{Server, Setup};
use std::path::PathBuf;
use std::time::Duration;
use table::Table;

pub use fight::Fight;
pub use idle::Idle;
pub use storm::Storm;

/// What all comparisons are told.
#[derive(Debug, Clone, clap::Args)]
pub struct Common {
    /// The servers
    #[arg(long, value_delimiter = ',', default_value = "segue,floor,raw,ws,socketio,nchan")]
    servers: Vec<Kind>,
    /// The program of Segue, instead of the one beside this program
    #[arg(long, value_name = "FILE")]
    segue: Option<PathBuf>,
    /// Where packages of npm are installed, instead of a folder beside that of this program
    #[arg(long, value_name = "FOLDER")]
    packages: Option<PathBuf>,
}

/// A result: what was found, and why it does not count.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The tables.
    pub text: String,
    /// Why it is not judged; empty: it counts.
    pub objections: Vec<String>,
}

impl Common {
    /// The setup for so many users, of whom the sockets on `at_once` servers are open at the same time.
    fn setup(&self, users: usize, at_once: usize) -> Result<Setup, Refusal> {
        if users == 0 || self.servers.is_empty() {
            return Err(Refusal::Wrong("at least one user and one server are needed".to_owned()));
        }
        let files = limits::raise_files();
        let sockets = users.saturating_mul(DEVICES).saturating_mul(at_once);
        if limits::processes(u64::try_from(sockets).unwrap_or(u64::MAX), files).map_err(Refusal::Limit)? > 1 {
            return Err(Refusal::Limit(format!(
                "{sockets} sockets do not fit into this program, which may open {files} files (ulimit -n): name fewer \
                 users or servers, or raise the limit"
            )));
        }
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let folder = own.parent().ok_or("this program lies in no folder".to_owned())?;
        let segue = self.segue.clone().unwrap_or_else(|| folder.join("segue"));
        if self.servers.contains(&Kind::Segue) && !segue.exists() {
            return Err(Refusal::Wrong(format!(
                "{} is missing: build it, or name another by --segue",
                segue.display()
            )));
        }
        let beside = folder.parent().unwrap_or(folder).join("loadtest-peers");
        let packages = self.packages.clone().unwrap_or(beside);
        // The first core is the servers', the last one this program's.
        let cores = cpu::allowed();
        let first: Vec<usize> = cores.first().copied().into_iter().collect();
        let last: Vec<usize> = cores.last().copied().into_iter().collect();
        Ok(Setup { segue, packages, users, cores: first, own_cores: last, files })
    }
}

/// How much of the machine's time the host has stolen since.
struct Stolen(Option<process::Cores>);

impl Stolen {
    fn begin() -> Self {
        Self(process::cores())
    }

    fn share(&self) -> Option<f64> {
        let (before, after) = (self.0?, process::cores()?);
        let all = after.all.saturating_sub(before.all);
        (all > 0).then(|| judge::share(after.stolen.saturating_sub(before.stolen), all))
    }
}

/// A line above a table: how it was measured.
fn heading(what: &str, stolen: Option<f64>) -> String {
    let stolen = stolen.map_or_else(|| "?".to_owned(), |stolen| format!("{:.1} %", stolen * 1e2));
    format!("{what}; stolen by the host: {stolen}\n\n")
}

/// Devices of one server alone, all connected, and that server.
fn crowded(kind: Kind, setup: &Setup) -> Result<(Server, Crowd, usize), String> {
    let server = Server::start(kind, setup)?;
    let mut crowd = Crowd::new(setup.users).map_err(|error| error.to_string())?;
    let side = crowd.add(kind, server.address, server.tokens.clone(), true);
    // What a server does after its start is over.
    crowd.attend_for(Duration::from_secs(1));
    Ok((server, crowd, side))
}

fn kilo(bytes: f64) -> String {
    format!("{bytes:.0}")
}

fn micro(ns: Option<f64>) -> String {
    ns.map_or_else(|| "–".to_owned(), |ns| format!("{:.1}", ns / 1e3))
}

fn mega(bytes: i64) -> String {
    let size = real(bytes.unsigned_abs()) / 1e6;
    format!("{}{size:.1}", if bytes < 0 { "−" } else { "" })
}

/// The difference of two sizes.
fn grown(before: u64, after: u64) -> i64 {
    i64::try_from(after).unwrap_or(i64::MAX).saturating_sub(i64::try_from(before).unwrap_or(i64::MAX))
}
