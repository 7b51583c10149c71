//! `loadtest storm`: what it costs that all sockets are cut at once.

use super::judge::each;
use super::{Common, Kind, Outcome, Stolen, Table, crowded, grown, heading, mega, micro, table};
use crate::number::real;
use crate::run::Refusal;
use std::time::Duration;

/// Compares how servers take it that all sockets are cut at once and come back at once, one server after the other
#[derive(Debug, Clone, clap::Args)]
pub struct Storm {
    #[command(flatten)]
    common: Common,
    /// Users, of three devices
    #[arg(long, default_value_t = 5_000)]
    users: usize,
}

/// What was found of one server.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    /// When 99 % were back, in microseconds.
    back_us: Option<f64>,
    reconnect_ns: Option<f64>,
    growth: Option<i64>,
}

/// When 99 % of all were back.
fn most(times: &[i64]) -> Option<f64> {
    let mut times = times.to_vec();
    times.sort_unstable();
    let place = times.len().saturating_mul(99).div_ceil(100).checked_sub(1)?;
    times.get(place).map(|us| real(us.unsigned_abs()))
}

impl Storm {
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
            crowd.join(side)?;
            crowd.begin(side, &server.tracks)?;
            crowd.rest(side)?;
            crowd.attend_for(Duration::from_secs(3));
            let (cpu, before) = (server.cpu()?, server.rss()?);
            crowd.cut(side);
            let times = crowd.join(side)?;
            crowd.attend_for(Duration::from_secs(1));
            let reconnect_ns = each(server.cpu()?.since(&cpu), times.len());
            crowd.attend_for(Duration::from_secs(4));
            let growth = Some(grown(before, server.rss()?));
            found.push(Found { back_us: most(&times), reconnect_ns, growth });
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
            "ms until 99 % are back",
            "÷ ws",
            "CPU µs per reconnect",
            "÷ ws",
            "growth of RSS in MB",
        ]);
        for (kind, found) in self.common.servers.iter().zip(found) {
            table.row(vec![
                kind.name().to_owned(),
                found.back_us.map_or_else(String::new, |us| format!("{:.0}", us / 1e3)),
                table::ratio(found.back_us, ws.back_us),
                micro(found.reconnect_ns),
                table::ratio(found.reconnect_ns, ws.reconnect_ns),
                found.growth.map_or_else(String::new, mega),
            ]);
        }
        let what = format!("{} users of 3 devices, all cut at once", self.users);
        let mut text = heading(&what, stolen) + &table.text() + "\n";
        if self.common.servers.contains(&Kind::Segue) {
            let own = of(Kind::Segue);
            let ratio = |own: Option<f64>, ws: Option<f64>| own.zip(ws).map(|(own, ws)| own / ws);
            let growth = own.growth.map(|bytes| real(u64::try_from(bytes).unwrap_or(0)) / 1e6);
            text += &table::target("99 % back ÷ npm ws", ratio(own.back_us, ws.back_us), 0.4, Some(0.3));
            text += &table::target("CPU ÷ npm ws", ratio(own.reconnect_ns, ws.reconnect_ns), 0.4, Some(0.28));
            text += &table::target("growth in MB", growth, 10.0, None);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_hundredth_does_not_count() {
        let times: Vec<i64> = (1..=200).rev().collect();
        assert_eq!((most(&times), most(&[7]), most(&[])), (Some(198.0), Some(7.0), None));
    }
}
