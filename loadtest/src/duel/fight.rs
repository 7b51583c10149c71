//! `loadtest duel`: what a publish costs.

use super::judge::{self, Duel};
use super::{Common, Crowd, Kind, Outcome, Server, Stolen, Table, heading, micro, table};
use crate::machine::cpu::Threads;
use crate::number::real;
use crate::run::Refusal;
use std::time::Duration;

/// Compares what a publish costs servers: all run at once and are loaded in turn, in short slices
#[derive(Debug, Clone, clap::Args)]
pub struct Fight {
    #[command(flatten)]
    common: Common,
    /// Users on each server, of three devices
    #[arg(long, default_value_t = 1_000)]
    users: usize,
    /// Rounds of a duel; every server has a slice in each
    #[arg(long, default_value_t = judge::ROUNDS)]
    rounds: usize,
    /// Duels
    #[arg(long, default_value_t = 3)]
    duels: usize,
    /// Publishes per second in a slice
    #[arg(long, default_value_t = 5_000.0)]
    rate: f64,
    /// Milliseconds of a slice
    #[arg(long, default_value_t = 100)]
    slice_ms: u64,
}

/// What one server has done.
#[derive(Debug, Clone, Default)]
struct Sum {
    publishes: u64,
    delivered: u64,
    lost: u64,
    /// CPU time from the begin of the first duel to the end of the last, in nanoseconds.
    all_ns: u64,
}

impl Fight {
    /// Runs it.
    ///
    /// # Errors
    /// It did not begin, or a server failed.
    pub fn run(&self) -> Result<Outcome, Refusal> {
        let kinds = &self.common.servers;
        let setup = self.common.setup(self.users, kinds.len())?;
        let mut crowd = Crowd::new(self.users).map_err(|error| error.to_string())?;
        let mut servers = Vec::new();
        for kind in kinds {
            let server = Server::start(*kind, &setup)?;
            let side = crowd.add(*kind, server.address, server.tokens.clone(), false);
            crowd.join(side)?;
            crowd.begin(side, &server.tracks)?;
            servers.push(server);
        }
        let (stolen, mut sums) = (Stolen::begin(), vec![Sum::default(); servers.len()]);
        let before = servers.iter().map(Server::cpu).collect::<Result<Vec<Threads>, String>>()?;
        let mut duels = Vec::new();
        for _ in 0..self.duels {
            duels.push(self.duel(&servers, &mut crowd, &mut sums)?);
        }
        for ((server, sum), before) in servers.iter().zip(&mut sums).zip(&before) {
            sum.all_ns = server.cpu()?.since(before);
        }
        let lost = sums.iter().map(|sum| sum.lost).sum();
        let (rounds, stolen) = (duels.iter().map(Vec::len).min(), stolen.share());
        let mut objections = judge::objections(rounds.or(Some(0)), stolen, lost);
        objections.extend(crowd.errors());
        Ok(Outcome { text: self.text(&duels, &sums, stolen), objections })
    }

    fn duel(&self, servers: &[Server], crowd: &mut Crowd, sums: &mut [Sum]) -> Result<Duel, String> {
        let mut duel = Vec::new();
        for round in 0..self.rounds {
            let mut costs = vec![f64::NAN; servers.len()];
            for index in judge::order(round, servers.len()) {
                let Some((server, sum)) = servers.get(index).zip(sums.get_mut(index)) else { continue };
                let before = server.cpu()?;
                let slice = crowd.slice(index, self.rate, Duration::from_millis(self.slice_ms));
                let used = server.cpu()?.since(&before);
                sum.publishes += slice.publishes;
                sum.delivered += slice.delivered;
                sum.lost += slice.lost;
                if let Some(cost) = costs.get_mut(index).filter(|_| slice.publishes > 0) {
                    *cost = real(used) / real(slice.publishes);
                }
            }
            duel.push(costs);
        }
        Ok(duel)
    }

    fn text(&self, duels: &[Duel], sums: &[Sum], stolen: Option<f64>) -> String {
        let kinds = &self.common.servers;
        let place = |kind: Kind| kinds.iter().position(|other| *other == kind);
        let (floor, ws, nchan) = (place(Kind::Floor), place(Kind::Ws), place(Kind::Nchan));
        let by = |server: usize, other: Option<usize>| judge::ratio(duels, server, other?);
        let two = |ratio: Option<f64>| ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
        let mut table = Table::new(&[
            "server",
            "CPU µs per publish",
            "÷ floor",
            "÷ ws",
            "÷ nchan",
            "÷ floor by duel",
            "µs with what comes later",
            "shown per publish",
        ]);
        for ((index, kind), sum) in kinds.iter().enumerate().zip(sums) {
            let each = floor.map(|floor| judge::by_duel(duels, index, floor)).unwrap_or_default();
            let each: Vec<String> = each.iter().map(|ratio| format!("{ratio:.2}")).collect();
            table.row(vec![
                kind.name().to_owned(),
                micro(judge::cost(duels, index)),
                two(by(index, floor)),
                two(by(index, ws)),
                two(by(index, nchan)),
                each.join(" "),
                micro((sum.publishes > 0).then(|| real(sum.all_ns) / real(sum.publishes))),
                format!("{:.2}", judge::share(sum.delivered, sum.publishes)),
            ]);
        }
        let (users, rounds, rate) = (self.users, self.rounds, self.rate);
        let what = format!("{} duels of {rounds} rounds, {users} users, {rate} publishes/s", duels.len());
        let mut text = heading(&what, stolen) + &table.text() + "\n";
        if let Some(own) = place(Kind::Segue) {
            text += &table::target("CPU per publish ÷ floor with JSON", by(own, floor), 1.3, Some(1.18));
            text += &table::target("CPU per publish ÷ npm ws", by(own, ws), 0.7, Some(0.62));
            text += &table::target("CPU per publish ÷ nchan", by(own, nchan), 0.82, Some(0.75));
        }
        text
    }
}
