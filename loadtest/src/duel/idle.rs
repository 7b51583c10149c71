//! `loadtest idle`: what an idle device costs.

use super::judge::each;
use super::servers::PING_MS;
use super::{Common, Kind, Outcome, Stolen, Table, crowded, grown, heading, kilo, micro, table};
use crate::number::{real, real_len};
use crate::run::Refusal;
use std::time::Duration;

/// Compares what idle devices cost servers, one server after the other: memory, and CPU of a ping and its pong
#[derive(Debug, Clone, clap::Args)]
pub struct Idle {
    #[command(flatten)]
    common: Common,
    /// Users, of three devices
    #[arg(long, default_value_t = 5_000)]
    users: usize,
    /// Seconds for which pings are counted; each socket is pinged once in 20
    #[arg(long, default_value_t = 2 * PING_MS / 1_000)]
    seconds: u64,
}

/// What was found of one server.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    bytes: Option<f64>,
    ping_ns: Option<f64>,
    pings: u64,
}

impl Idle {
    /// Runs it.
    ///
    /// # Errors
    /// It did not begin, or a server failed.
    pub fn run(&self) -> Result<Outcome, Refusal> {
        let setup = self.common.setup(self.users, 1)?;
        let stolen = Stolen::begin();
        let (mut found, mut errors) = (Vec::new(), Vec::new());
        for kind in &self.common.servers {
            let (server, mut crowd, side) = crowded(*kind, &setup)?;
            let without = server.rss()?;
            let devices = crowd.join(side)?.len();
            crowd.attend_for(Duration::from_secs(2));
            let bytes = real(u64::try_from(grown(without, server.rss()?)).unwrap_or(0)) / real_len(devices.max(1));
            let (cpu, before) = (server.cpu()?, crowd.counts(side).pings);
            crowd.attend_for(Duration::from_secs(self.seconds));
            let pings = crowd.counts(side).pings.saturating_sub(before);
            let ping_ns = each(server.cpu()?.since(&cpu), usize::try_from(pings).unwrap_or(0));
            found.push(Found { bytes: Some(bytes), ping_ns, pings });
            errors.extend(crowd.errors());
        }
        let stolen = stolen.share();
        let mut objections = super::judge::objections(None, stolen, 0);
        objections.extend(errors);
        Ok(Outcome { text: self.text(&found, stolen), objections })
    }

    fn text(&self, found: &[Found], stolen: Option<f64>) -> String {
        let of = |kind: Kind| {
            let place = self.common.servers.iter().position(|other| *other == kind);
            place.and_then(|place| found.get(place)).copied().unwrap_or_default()
        };
        let ws = of(Kind::Ws);
        let mut table = Table::new(&[
            "server",
            "bytes of RSS per idle device",
            "÷ ws",
            "CPU µs per ping and pong",
            "÷ ws",
            "pings counted",
        ]);
        for (kind, found) in self.common.servers.iter().zip(found) {
            table.row(vec![
                kind.name().to_owned(),
                found.bytes.map_or_else(String::new, kilo),
                table::ratio(found.bytes, ws.bytes),
                micro(found.ping_ns),
                table::ratio(found.ping_ns, ws.ping_ns),
                found.pings.to_string(),
            ]);
        }
        let what = format!("{} users of 3 idle devices, pings of {} s", self.users, self.seconds);
        let mut text = heading(&what, stolen) + &table.text() + "\n";
        if self.common.servers.contains(&Kind::Segue) {
            let own = of(Kind::Segue);
            let ratio = own.ping_ns.zip(ws.ping_ns).map(|(own, ws)| own / ws);
            text += &table::target("bytes of RSS per idle device", own.bytes, 3_000.0, Some(1_900.0));
            text += &table::target("CPU per ping and pong ÷ npm ws", ratio, 0.6, Some(0.5));
        }
        text
    }
}
