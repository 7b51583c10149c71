//! The edge of the settings: reads the environment and the file.

use super::{KEYS, LogFormat, Problems, SettingFlags, Settings, Sources, home, merge::Merge, source};
use std::{
    collections::BTreeMap,
    env, fmt, fs, io,
    path::{Path, PathBuf},
};

/// The settings file's name in the data folder.
const FILE_NAME: &str = "segue.toml";

/// The settings could not be loaded.
#[derive(Debug)]
pub struct LoadError {
    reason: Reason,
    /// The form of the log, as far as the sources tell it: the error is written in it.
    pub log_format: LogFormat,
}

#[derive(Debug)]
enum Reason {
    /// The file that was asked for cannot be read.
    File(PathBuf, io::Error),
    /// The values cannot be used.
    Problems(Problems),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::File(path, error) => write!(f, "the settings file {} cannot be read: {error}", path.display()),
            Reason::Problems(problems) => problems.fmt(f),
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.reason {
            Reason::File(_, error) => Some(error),
            Reason::Problems(problems) => Some(problems),
        }
    }
}

/// Loads the settings of this process: its environment, the file, these flags.
///
/// # Errors
/// A file that was asked for and cannot be read, or every problem of the values at once.
pub fn load(flags: &SettingFlags) -> Result<Settings, LoadError> {
    let (environment, problems) = environment();
    let (values, defaults) = (flags.values.clone(), flags.defaults);
    let mut sources = Sources { flags: values, defaults, environment, file: None };
    let read = if problems.is_empty() { file(flags, &sources) } else { Err(Reason::Problems(Problems(problems))) };
    let loaded = read.and_then(|file| {
        sources.file = file;
        Settings::merge(&sources).map_err(Reason::Problems)
    });
    loaded.map_err(|reason| {
        let log_format = Merge::new(&sources, KEYS).value("log_format", LogFormat::default);
        LoadError { reason, log_format }
    })
}

/// The settings file: the one that was asked for, else the one in the data folder, if there is one.
fn file(flags: &SettingFlags, sources: &Sources) -> Result<Option<(PathBuf, String)>, Reason> {
    let named = flags.config.clone().or_else(|| sources.environment.get("SEGUE_CONFIG").map(PathBuf::from));
    let Some(path) = named.map(|path| tried_at_home(path, sources)) else { return find(sources) };
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some((path, text))),
        Err(error) => Err(Reason::File(path, error)),
    }
}

/// The path with the home folder of this process in place of a leading `~`.
///
/// # Errors
/// The home folder of another user, or none in the environment; the text completes the sentence "KEY …".
pub fn at_home(path: &Path) -> Result<PathBuf, String> {
    let home = env::var("HOME").ok();
    path.to_str().map_or_else(|| Ok(path.to_owned()), |text| home::expand(text, home.as_deref()).map(PathBuf::from))
}

/// The same by these sources. A path that cannot be used is reported where it is opened.
fn tried_at_home(path: PathBuf, sources: &Sources) -> PathBuf {
    let home = sources.environment.get("HOME").map(String::as_str);
    path.to_str().and_then(|text| home::expand(text, home).ok()).map_or(path, PathBuf::from)
}

/// The environment as text, and its problems: variables that begin with `SEGUE_` and are not UTF-8. Others that are not are
/// left out.
fn environment() -> (BTreeMap<String, String>, Vec<String>) {
    let (mut texts, mut problems) = (BTreeMap::new(), Vec::new());
    for (name, value) in env::vars_os() {
        match (name.into_string(), value.into_string()) {
            (Ok(name), Ok(value)) => drop(texts.insert(name, value)),
            (Ok(name), Err(_)) if name.starts_with("SEGUE_") => {
                problems.push(format!("environment: {name} is not UTF-8"));
            }
            _ => {}
        }
    }
    (texts, problems)
}

/// The settings file in the data folder, if it exists. The folder comes from the flags, else the environment, else the default.
fn find(sources: &Sources) -> Result<Option<(PathBuf, String)>, Reason> {
    let without_file = Sources { file: None, ..sources.clone() };
    let name = "data_dir";
    let given = without_file.flags.get(name).and_then(|texts| texts.first());
    let given = given.or_else(|| without_file.environment.get(&source::variable(name)));
    let folder = given.map_or_else(|| source::default_data_dir(&without_file), PathBuf::from);
    let folder = tried_at_home(folder, sources);
    let path = folder.join(FILE_NAME);
    match fs::read_to_string(&path) {
        Ok(text) if text.parse::<toml::Table>().is_ok_and(|table| table.contains_key(name)) => {
            let problem = format!("{}: {name} cannot be set by the file found there; use --config", path.display());
            Err(Reason::Problems(Problems(vec![problem])))
        }
        Ok(text) => Ok(Some((path, text))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Reason::File(path, error)),
    }
}
