//! One flag per setting, made from the list of settings.

use super::{KEYS, Settings, Shape, Sources, merge};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use std::{collections::BTreeMap, path::PathBuf};

/// The settings given on the command line; flatten it into a command's arguments.
#[derive(Debug, Clone, Default)]
pub struct SettingFlags {
    /// The settings file.
    pub config: Option<PathBuf>,
    /// Texts by setting name.
    pub values: BTreeMap<&'static str, Vec<String>>,
}

impl Args for SettingFlags {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help("Settings file [default: segue.toml in the data folder, if it is there]");
        let defaults = Settings::merge(&Sources::default()).map(|settings| settings.rows()).unwrap_or_default();
        let args = KEYS.iter().map(|key| {
            let default = defaults.iter().find(|row| row.name == key.name).map(|row| row.value.as_str());
            let help = match (key.name, default) {
                ("data_dir" | "database_url", _) | (_, None | Some("[]" | "\"\"")) => key.doc.to_owned(),
                (_, Some(default)) => format!("{} [default: {}]", key.doc, default.trim_matches('"')),
            };
            let flag = merge::flag(key.name).trim_start_matches('-').to_owned();
            let arg = Arg::new(key.name).long(flag).help(help).action(ArgAction::Append).help_heading("Settings");
            match key.shape {
                Shape::Text => arg.value_name("TEXT"),
                Shape::Number => arg.value_name("NUMBER"),
                Shape::Switch => {
                    arg.value_name("BOOL").num_args(0..=1).require_equals(true).default_missing_value("true")
                }
                Shape::Paths => arg.value_name("DIR").num_args(1..),
            }
        });
        command.arg(config).args(args)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.config = matches.get_one::<PathBuf>("config").cloned();
        for key in KEYS {
            if let Some(texts) = matches.get_many::<String>(key.name) {
                self.values.insert(key.name, texts.cloned().collect());
            }
        }
        Ok(())
    }
}
