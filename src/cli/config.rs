//! `segue config`: the settings as this environment, file and flags make them.

use super::{Failure, output};
use crate::config::{SettingFlags, load};
use clap::Args;

/// Print the merged settings as a settings file, each with where its value came from
#[derive(Debug, Args)]
pub(super) struct Config {
    #[command(flatten)]
    settings: SettingFlags,
}

impl Config {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let rows = load(&self.settings)?.rows();
        let lines: Vec<_> = rows.iter().map(|row| (format!("{} = {}", row.name, row.value), &row.origin)).collect();
        let width = lines.iter().map(|(line, _)| line.chars().count()).filter(|&width| width <= 60).max().unwrap_or(0);
        for (line, origin) in lines {
            output::line(format_args!("{line:width$}  # {origin}"))?;
        }
        Ok(())
    }
}
