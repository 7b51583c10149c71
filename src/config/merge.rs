//! Merging: defaults ← file ← environment ← flags, with the origin of each value and every problem at once. Pure.

use super::{
    home,
    source::{OTHER_VARIABLES, Origin, Problems, SettingKey, Shape, Sources, flag, variable},
    value::Value,
};
use std::{fmt, ops::RangeInclusive};

/// The state of one merge: [`Merge::value`] is called once per setting, in the order of the list.
pub(super) struct Merge<'a> {
    sources: &'a Sources,
    keys: &'a [SettingKey],
    file: toml::Table,
    origins: Vec<Origin>,
    problems: Vec<String>,
}

impl<'a> Merge<'a> {
    pub(super) fn new(sources: &'a Sources, keys: &'a [SettingKey]) -> Self {
        let mut merge = Self { sources, keys, file: toml::Table::new(), origins: Vec::new(), problems: Vec::new() };
        if let Some((path, text)) = &sources.file {
            match text.parse() {
                Ok(table) => merge.file = table,
                Err(error) => merge.problems.push(format!("{}: {error}", path.display())),
            }
        }
        merge.refuse_unknown();
        merge
    }

    fn refuse_unknown(&mut self) {
        let known = |name: &str| self.keys.iter().any(|key| key.name == name);
        let place = self.sources.file.as_ref().map(|(path, _)| path.display().to_string()).unwrap_or_default();
        let mut unknown: Vec<_> =
            self.file.keys().filter(|name| !known(name)).map(|name| format!("{place}: {name}")).collect();
        unknown.extend(self.sources.environment.keys().filter_map(|name| {
            let setting = name.strip_prefix("SEGUE_")?;
            let taken = OTHER_VARIABLES.contains(&name.as_str()) || known(&setting.to_lowercase());
            (!taken).then(|| format!("environment: {name}"))
        }));
        self.problems.extend(
            unknown.into_iter().map(|name| format!("{name} is not a setting; `segue serve --help` lists them")),
        );
    }

    /// The value of the next setting: that of the strongest source, else the default. A value that cannot be read becomes a
    /// problem, and the default takes its place.
    pub(super) fn value<T: Value>(&mut self, name: &'static str, default: impl FnOnce() -> T) -> T {
        let (origin, texts) = self.strongest(name, T::SHAPE);
        self.origins.push(origin.clone());
        let parsed = match texts {
            None => return default(),
            Some(texts) if T::IS_PATH => texts.and_then(|texts| T::parse(&self.expanded(&texts)?)),
            Some(texts) => texts.and_then(|texts| T::parse(&texts)),
        };
        parsed.unwrap_or_else(|problem| {
            self.problems.push(format!("{name} {problem} ({origin})"));
            default()
        })
    }

    fn expanded(&self, texts: &[String]) -> Result<Vec<String>, String> {
        let home = self.sources.environment.get("HOME").map(String::as_str);
        texts.iter().map(|text| home::expand(text, home)).collect()
    }

    fn strongest(&self, name: &'static str, shape: Shape) -> (Origin, Option<Result<Vec<String>, String>>) {
        if let Some(texts) = self.sources.flags.get(name) {
            return (Origin::Flag(flag(name)), Some(Ok(texts.clone())));
        }
        if self.sources.defaults.contains(&name) {
            return (Origin::Default, None);
        }
        if let Some(text) = self.sources.environment.get(&variable(name)) {
            return (Origin::Environment(variable(name)), Some(Ok(split(text, shape))));
        }
        match (self.file.get(name), &self.sources.file) {
            (Some(value), Some((path, _))) => (Origin::File(path.clone()), Some(texts_of(value, shape))),
            _ => (Origin::Default, None),
        }
    }

    /// Adds a problem for a number outside its range.
    pub(super) fn within<T: PartialOrd + fmt::Display>(&mut self, name: &str, value: &T, range: &RangeInclusive<T>) {
        if !range.contains(value) {
            self.problems.push(format!("{name} is from {} to {}, not {value}", range.start(), range.end()));
        }
    }

    /// The origins of the values so far, in order.
    pub(super) fn origins(&mut self) -> Vec<Origin> {
        std::mem::take(&mut self.origins)
    }

    /// The settings, or every problem. `relations` are the problems between settings: they are reported only when each value
    /// by itself is good.
    pub(super) fn finish<T>(mut self, settings: T, relations: Vec<String>) -> Result<T, Problems> {
        if self.problems.is_empty() {
            self.problems = relations;
        }
        if self.problems.is_empty() { Ok(settings) } else { Err(Problems(self.problems)) }
    }
}

fn split(text: &str, shape: Shape) -> Vec<String> {
    match shape {
        Shape::Paths => {
            let mut paths: Vec<String> = Vec::new();
            for part in std::env::split_paths(text).filter(|path| !path.as_os_str().is_empty()) {
                let part = part.to_string_lossy();
                // The colon of `s3://` separates nothing.
                match paths.last_mut().filter(|last| *last == "s3" && part.starts_with("//")) {
                    Some(last) => *last = format!("s3:{part}"),
                    None => paths.push(part.into_owned()),
                }
            }
            paths
        }
        _ => vec![text.to_owned()],
    }
}

fn texts_of(value: &toml::Value, shape: Shape) -> Result<Vec<String>, String> {
    match (shape, value) {
        (Shape::Text | Shape::Paths, toml::Value::String(text)) => Ok(vec![text.clone()]),
        (Shape::Number, toml::Value::Integer(number)) => Ok(vec![number.to_string()]),
        (Shape::Switch, toml::Value::Boolean(switch)) => Ok(vec![switch.to_string()]),
        (Shape::Paths, toml::Value::Array(values)) => values
            .iter()
            .map(|value| value.as_str().map(str::to_owned).ok_or_else(|| "is a list of texts".to_owned()))
            .collect(),
        (Shape::Text, _) => Err("is a text in quotes".to_owned()),
        (Shape::Number, _) => Err("is a whole number without quotes".to_owned()),
        (Shape::Switch, _) => Err("is true or false, without quotes".to_owned()),
        (Shape::Paths, _) => Err("is a list of texts".to_owned()),
    }
}
