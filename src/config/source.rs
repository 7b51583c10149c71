//! Where settings come from, and what each is called there.

use std::{collections::BTreeMap, fmt, path::PathBuf};

/// Variables that begin with `SEGUE_` and are not settings.
pub const OTHER_VARIABLES: &[&str] = &["SEGUE_CONFIG", "SEGUE_PASSWORD"];

/// One setting, as the command line and the documentation see it.
#[derive(Debug, Clone, Copy)]
pub struct SettingKey {
    /// The key in the file; `SEGUE_` and upper case in the environment; with dashes on the command line.
    pub name: &'static str,
    /// What it is for. Units are in the name: `_ms`, `_s`.
    pub doc: &'static str,
    /// What a value looks like.
    pub shape: Shape,
    /// The kind of value, in one word for `--help`.
    pub kind: &'static str,
}

/// What a setting's value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A text.
    Text,
    /// A whole number.
    Number,
    /// True or false.
    Switch,
    /// A list of paths: an array in the file, with the system's separator in the environment.
    Paths,
}

/// Everything that may set a setting.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The file's path and its text.
    pub file: Option<(PathBuf, String)>,
    /// The whole environment; variables without `SEGUE_` only serve defaults.
    pub environment: BTreeMap<String, String>,
    /// Values by setting name from the command line.
    pub flags: BTreeMap<&'static str, Vec<String>>,
    /// Settings that have their default whatever the file and the environment say.
    pub defaults: &'static [&'static str],
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// No source set it.
    Default,
    /// The settings file.
    File(PathBuf),
    /// This environment variable.
    Environment(String),
    /// This flag.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// One setting as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingRow {
    /// The setting's name.
    pub name: &'static str,
    /// Its value as TOML, secrets masked.
    pub value: String,
    /// Where the value came from.
    pub origin: Origin,
}

/// Everything that is wrong with the settings, one sentence each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings cannot be used:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for Problems {}

/// The variable that sets a setting.
pub(super) fn variable(name: &str) -> String {
    format!("SEGUE_{}", name.to_uppercase())
}

/// The flag that sets a setting.
pub(super) fn flag(name: &str) -> String {
    format!("--{}", name.replace('_', "-"))
}

/// `segue` in the XDG data folder (freedesktop.org, "XDG Base Directory"); `segue-data` in the current folder if the
/// environment names neither that nor a home folder.
pub(super) fn default_data_dir(sources: &Sources) -> PathBuf {
    let absolute = |name: &str| sources.environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .map_or_else(|| here("segue-data"), |folder| folder.join("segue"))
}

/// The absolute path of a name in the current folder.
fn here(name: &str) -> PathBuf {
    std::path::absolute(name).unwrap_or_else(|_| PathBuf::from(name))
}
