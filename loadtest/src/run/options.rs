//! What a run is told on the command line.

use crate::plan::scenario::{READY, Scenario};
use crate::report::verdict::Figure;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;

/// Loads a server with devices, and reports what it did.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The server: `http://HOST:PORT`
    #[arg(long, default_value = "http://127.0.0.1:4747")]
    pub url: String,
    /// The file that `segue user tokens` wrote
    #[arg(long, value_name = "FILE")]
    pub tokens: PathBuf,
    /// Users, each by its token
    #[arg(long, default_value_t = 100)]
    pub users: usize,
    /// Devices of each user, 2 to 31
    #[arg(long, default_value_t = 3)]
    pub devices: usize,
    /// `evening`, `storm`, `worst`, or a file
    #[arg(long, default_value = "evening")]
    pub scenario: String,
    /// Seconds in which all devices connect, instead of those of the scenario
    #[arg(long, value_name = "SECONDS")]
    pub ramp: Option<f64>,
    /// Seconds in which people act, instead of those of the scenario
    #[arg(long, value_name = "SECONDS")]
    pub hold: Option<f64>,
    /// The server's process, if it is not found by its port
    #[arg(long)]
    pub pid: Option<u32>,
    /// Threads of each process of this program
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
    /// Processes of this program; more are started if their limits of open files demand it
    #[arg(long)]
    pub processes: Option<usize>,
    /// The same number plans the same load
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Writes the report as a page for browsers
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Writes all times, second by second, as a log of `HdrHistogram`
    #[arg(long, value_name = "FILE")]
    pub hlog: Option<PathBuf>,
}

/// Where the server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its address.
    pub address: SocketAddr,
    /// Its name in requests.
    pub host: String,
}

impl Options {
    /// The scenario, with what was changed of it, after a check of all options.
    ///
    /// # Errors
    /// What is wrong.
    pub fn scenario(&self) -> Result<Scenario, String> {
        if !(2..=31).contains(&self.devices) {
            return Err("--devices is from 2 to 31: one alone has nobody to deliver to, and a list has 32".to_owned());
        }
        if self.users == 0 || self.threads == 0 {
            return Err("--users and --threads are at least 1".to_owned());
        }
        let ready = READY.iter().find(|(name, _)| *name == self.scenario);
        let text = match ready {
            Some((_, text)) => (*text).to_owned(),
            None => std::fs::read_to_string(&self.scenario).map_err(|error| format!("{}: {error}", self.scenario))?,
        };
        let mut scenario = Scenario::parse(&text).map_err(|why| format!("scenario {}: {why}", self.scenario))?;
        scenario.time.ramp_s = self.ramp.unwrap_or(scenario.time.ramp_s);
        scenario.time.hold_s = self.hold.unwrap_or(scenario.time.hold_s);
        for name in scenario.thresholds.keys() {
            Figure::parse(name)?;
        }
        Ok(scenario)
    }

    /// Where the server is.
    ///
    /// # Errors
    /// The address cannot be used.
    pub fn target(&self) -> Result<Target, String> {
        let host = self.url.trim_end_matches('/').strip_prefix("http://");
        let host = host.filter(|host| !host.contains('/')).ok_or("--url is http://HOST:PORT: TLS is not spoken")?;
        let with_port = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
        let found = with_port.to_socket_addrs().map_err(|error| format!("{host}: {error}"))?;
        // A server that listens on one address only listens on that of version 4.
        let mut found: Vec<_> = found.collect();
        found.sort_by_key(SocketAddr::is_ipv6);
        let address = *found.first().ok_or_else(|| format!("{host} has no address"))?;
        Ok(Target { address, host: host.to_owned() })
    }

    /// All sockets that the run opens at once, those for audio included.
    #[must_use]
    pub fn sockets(&self, scenario: &Scenario) -> u64 {
        let devices = self.users.saturating_mul(self.devices);
        let audio = if scenario.audio.is_some() { self.users } else { 0 };
        u64::try_from(devices.saturating_add(audio)).unwrap_or(u64::MAX)
    }
}
