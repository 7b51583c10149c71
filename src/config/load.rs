//! The edge of the settings: reads the environment and the file.

use super::{Problems, SettingFlags, Settings, Sources, home, source};
use std::{
    collections::BTreeMap,
    env, fmt, fs, io,
    path::{Path, PathBuf},
};

/// The settings file's name in the data folder.
const FILE_NAME: &str = "segue.toml";

/// The settings could not be loaded.
#[derive(Debug)]
pub enum LoadError {
    /// The file that was asked for cannot be read.
    File(PathBuf, io::Error),
    /// The values cannot be used.
    Problems(Problems),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, error) => write!(f, "the settings file {} cannot be read: {error}", path.display()),
            Self::Problems(problems) => problems.fmt(f),
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File(_, error) => Some(error),
            Self::Problems(problems) => Some(problems),
        }
    }
}

/// Loads the settings of this process: its environment, the file, these flags.
///
/// # Errors
/// A file that was asked for and cannot be read, or every problem of the values at once.
pub fn load(flags: &SettingFlags) -> Result<Settings, LoadError> {
    let (values, defaults) = (flags.values.clone(), flags.defaults);
    let mut sources = Sources { flags: values, defaults, environment: environment()?, file: None };
    let named = flags.config.clone().or_else(|| sources.environment.get("SEGUE_CONFIG").map(PathBuf::from));
    sources.file = match named.map(|path| tried_at_home(path, &sources)) {
        Some(path) => Some(
            fs::read_to_string(&path).map(|text| (path.clone(), text)).map_err(|error| LoadError::File(path, error))?,
        ),
        None => find(&sources)?,
    };
    Settings::merge(&sources).map_err(LoadError::Problems)
}

/// The path with the home folder of this process in place of a leading `~`.
///
/// # Errors
/// The home folder of another user, or none in the environment; the text completes the sentence "KEY …".
pub fn at_home(path: &Path) -> Result<PathBuf, String> {
    let home = env::var("HOME").ok();
    path.to_str().map_or_else(|| Ok(path.to_owned()), |text| home::expand(text, home.as_deref()).map(PathBuf::from))
}

/// The same by these sources. What is wrong with the path is said by whoever opens it.
fn tried_at_home(path: PathBuf, sources: &Sources) -> PathBuf {
    let home = sources.environment.get("HOME").map(String::as_str);
    path.to_str().and_then(|text| home::expand(text, home).ok()).map_or(path, PathBuf::from)
}

/// The environment as text. A variable that begins with `SEGUE_` and is not UTF-8 is a problem; others are left out.
fn environment() -> Result<BTreeMap<String, String>, LoadError> {
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
    if problems.is_empty() { Ok(texts) } else { Err(LoadError::Problems(Problems(problems))) }
}

/// The settings file in the data folder, if it exists. The folder comes from the flags, else the environment, else the default.
fn find(sources: &Sources) -> Result<Option<(PathBuf, String)>, LoadError> {
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
            Err(LoadError::Problems(Problems(vec![problem])))
        }
        Ok(text) => Ok(Some((path, text))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(LoadError::File(path, error)),
    }
}
