//! One flag per setting, made from the list of settings; each command takes those that it uses.

use super::{KEYS, SettingKey, Settings, Shape, Sources, source};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use std::{collections::BTreeMap, ops::Deref, path::PathBuf};

/// The settings given on the command line, of all that there are; flatten it into a command's arguments.
#[derive(Debug, Clone, Default)]
pub struct SettingFlags {
    /// The settings file.
    pub config: Option<PathBuf>,
    /// Texts by setting name.
    pub values: BTreeMap<&'static str, Vec<String>>,
    /// Settings that have their default whatever the file and the environment say.
    pub defaults: &'static [&'static str],
}

/// Adds the flags of these settings and `--config` to a command.
fn augment(command: Command, takes: impl Fn(&SettingKey) -> bool) -> Command {
    let config = Arg::new("config")
        .long("config")
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .help_heading("Settings")
        .help("Settings file [env: SEGUE_CONFIG] [default: segue.toml in the data folder, if it is there]");
    let defaults = Settings::merge(&Sources::default()).map(|settings| settings.rows()).unwrap_or_default();
    let default_of = |key: &SettingKey| match key.name {
        "data_dir" => Some("segue in $XDG_DATA_HOME or else in ~/.local/share".to_owned()),
        "database_url" => Some("sqlite:segue.db in the data folder".to_owned()),
        _ => {
            let row = defaults.iter().find(|row| row.name == key.name)?;
            Some(row.value.trim_matches('"').to_owned()).filter(|value| !value.is_empty() && value != "[]")
        }
    };
    let args = KEYS.iter().filter(|key| takes(key)).map(|key| {
        let between = if key.shape == Shape::Paths { ", with colons between" } else { "" };
        let default = default_of(key).map(|default| format!(" [default: {default}]")).unwrap_or_default();
        let help = format!("{} [env: {}{between}]{default}", key.doc, source::variable(key.name));
        let flag = source::flag(key.name).trim_start_matches('-').to_owned();
        let arg = Arg::new(key.name).long(flag).help(help).action(ArgAction::Append).help_heading("Settings");
        let arg = arg.value_name(key.kind);
        match key.shape {
            Shape::Text | Shape::Number => arg,
            Shape::Switch => arg.num_args(0..=1).require_equals(true).default_missing_value("true"),
            Shape::Paths => arg.num_args(1..),
        }
    });
    command.arg(config).args(args)
}

impl Args for SettingFlags {
    fn augment_args(command: Command) -> Command {
        augment(command, |_| true)
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
            // An error says that this command does not take the setting.
            if let Ok(Some(texts)) = matches.try_get_many::<String>(key.name) {
                self.values.insert(key.name, texts.cloned().collect());
            }
        }
        Ok(())
    }
}

macro_rules! some_flags {
    ($(#[doc = $doc:literal])+ $name:ident: $settings:expr) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Default)]
        pub struct $name(SettingFlags);

        impl Deref for $name {
            type Target = SettingFlags;

            fn deref(&self) -> &SettingFlags {
                &self.0
            }
        }

        impl Args for $name {
            fn augment_args(command: Command) -> Command {
                let settings: &[&str] = $settings;
                augment(command, |key| settings.contains(&key.name))
            }

            fn augment_args_for_update(command: Command) -> Command {
                Self::augment_args(command)
            }
        }

        impl FromArgMatches for $name {
            fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
                SettingFlags::from_arg_matches(matches).map(Self)
            }

            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
                self.0.update_from_arg_matches(matches)
            }
        }
    };
}

some_flags! {
    /// The settings of a command that only uses the database.
    DatabaseFlags: &["data_dir", "database_url", "log"]
}

some_flags! {
    /// The settings of a command that copies music into a bucket.
    StorageFlags: &["data_dir", "s3_endpoint", "s3_region", "s3_path_style", "s3_key_file", "scan_hidden", "log"]
}

some_flags! {
    /// The settings of a command that scans music.
    ScanFlags: &[
        "data_dir",
        "database_url",
        "database_connections",
        "music",
        "s3_endpoint",
        "s3_region",
        "s3_path_style",
        "s3_key_file",
        "scan_hidden",
        "split_artists",
        "split_genres",
        "log",
    ]
}
