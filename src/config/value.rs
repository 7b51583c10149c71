//! The kinds of values a setting may have: how each is read from text and shown as TOML.

use super::source::Shape;
use crate::{
    db::DatabaseUrl,
    values::{
        object::{ObjectUrl, is_object},
        separators::Separators,
    },
};
use std::{
    fmt::Display,
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
};

/// A kind of value. Each source is turned into texts first: one for a single value, any number for a list.
pub(super) trait Value: Sized {
    /// What the value looks like in each source.
    const SHAPE: Shape;
    /// The kind of value, in one word for `--help`.
    const KIND: &'static str = "TEXT";
    /// Whether `~/` at the start of a text is the home folder.
    const IS_PATH: bool = false;

    /// Reads the texts; the error completes the sentence "KEY …".
    fn parse(texts: &[String]) -> Result<Self, String>;

    /// The value as TOML, secrets masked.
    fn show(&self) -> String;
}

/// The only text of a single value.
pub(super) fn single(texts: &[String]) -> Result<&str, String> {
    match texts {
        [text] => Ok(text),
        _ => Err("takes one value".to_owned()),
    }
}

fn parse_single<T: FromStr>(texts: &[String], wanted: &str) -> Result<T, String> {
    let text = single(texts)?;
    text.parse().map_err(|_| format!("is {wanted}, not {text:?}"))
}

/// Text in TOML quotes. JSON's escapes are a subset of TOML's (toml.io, "String").
pub(super) fn quote(text: impl Display) -> String {
    serde_json::Value::String(text.to_string()).to_string()
}

macro_rules! plain_value {
    ($($type:ty: $shape:expr, $kind:literal, $wanted:literal, $show:expr;)+) => {$(
        impl Value for $type {
            const SHAPE: Shape = $shape;
            const KIND: &'static str = $kind;

            fn parse(texts: &[String]) -> Result<Self, String> {
                parse_single(texts, $wanted)
            }

            fn show(&self) -> String {
                $show(self)
            }
        }
    )+};
}

plain_value! {
    u32: Shape::Number, "NUMBER", "a whole number", ToString::to_string;
    u64: Shape::Number, "NUMBER", "a whole number", ToString::to_string;
    bool: Shape::Switch, "BOOL", "true or false", ToString::to_string;
}

impl Value for PathBuf {
    const SHAPE: Shape = Shape::Text;
    const KIND: &'static str = "DIR";
    const IS_PATH: bool = true;

    fn parse(texts: &[String]) -> Result<Self, String> {
        absolute(single(texts)?)
    }

    fn show(&self) -> String {
        quote(self.display())
    }
}

/// A path, or nothing for an empty text.
impl Value for Option<PathBuf> {
    const SHAPE: Shape = Shape::Text;
    const KIND: &'static str = "FILE";
    const IS_PATH: bool = true;

    fn parse(texts: &[String]) -> Result<Self, String> {
        match single(texts)? {
            "" => Ok(None),
            text => absolute(text).map(Some),
        }
    }

    fn show(&self) -> String {
        quote(self.as_deref().unwrap_or_else(|| Path::new("")).display())
    }
}

/// An address with a port, or nothing for an empty text.
impl Value for Option<SocketAddr> {
    const SHAPE: Shape = Shape::Text;
    const KIND: &'static str = "ADDRESS";

    fn parse(texts: &[String]) -> Result<Self, String> {
        match single(texts)? {
            "" => Ok(None),
            text => text
                .parse()
                .map(Some)
                .map_err(|_| format!("is an address with a port such as 127.0.0.1:9464, not {text:?}")),
        }
    }

    fn show(&self) -> String {
        quote(self.map(|address| address.to_string()).unwrap_or_default())
    }
}

impl Value for Vec<PathBuf> {
    const SHAPE: Shape = Shape::Paths;
    const KIND: &'static str = "DIR";
    const IS_PATH: bool = true;

    fn parse(texts: &[String]) -> Result<Self, String> {
        texts.iter().map(|text| folder(text)).collect()
    }

    fn show(&self) -> String {
        let shown: Vec<_> = self.iter().map(|path| quote(path.display())).collect();
        format!("[{}]", shown.join(", "))
    }
}

/// A folder, or objects of a bucket.
fn folder(text: &str) -> Result<PathBuf, String> {
    if is_object(text) { ObjectUrl::read(text).map(|url| url.to_path()) } else { absolute(text) }
}

fn absolute(text: &str) -> Result<PathBuf, String> {
    std::path::absolute(text).map_err(|error| format!("is a path, not {text:?}: {error}"))
}

impl Value for DatabaseUrl {
    const SHAPE: Shape = Shape::Text;
    const KIND: &'static str = "URL";
    const IS_PATH: bool = true;

    fn parse(texts: &[String]) -> Result<Self, String> {
        single(texts)?.parse().map_err(|error: crate::db::BadDatabaseUrl| error.to_string())
    }

    fn show(&self) -> String {
        quote(self)
    }
}

impl Value for Separators {
    const SHAPE: Shape = Shape::Text;

    fn parse(texts: &[String]) -> Result<Self, String> {
        single(texts).map(Self::read)
    }

    fn show(&self) -> String {
        quote(self.text())
    }
}

/// An `http` or `https` address without a slash at the end, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PublicUrl(Option<String>);

impl PublicUrl {
    /// The address, if one was given.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Its path without a slash at the end, such as `/music`; empty at the root of a name and where no address was given.
    #[must_use]
    pub fn path(&self) -> &str {
        let rest = self.as_str().and_then(|url| url.split_once("://")).map_or("", |(_, rest)| rest);
        rest.find('/').and_then(|start| rest.get(start..)).unwrap_or_default()
    }
}

/// Whether a path can stand before all addresses of the server: segments of the characters that need no escape in a URL
/// (RFC 3986, section 2.3) or are escaped, none of them empty, `.` or `..`.
fn is_path(path: &str) -> bool {
    let is_character = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte);
    let is_segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(is_character);
    path.is_empty() || path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_segment))
}

impl Value for PublicUrl {
    const SHAPE: Shape = Shape::Text;
    const KIND: &'static str = "URL";

    fn parse(texts: &[String]) -> Result<Self, String> {
        let text = single(texts)?.trim_end_matches('/');
        if text.is_empty() {
            return Ok(Self(None));
        }
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        match rest {
            Some(rest) if !rest.is_empty() && !rest.contains([' ', '?', '#', '"']) => {
                let url = Self(Some(text.to_owned()));
                if is_path(url.path()) {
                    return Ok(url);
                }
                Err(format!("has a path of letters, digits and -._~ between single slashes, not {:?}", url.path()))
            }
            _ => Err(format!("is an address such as https://music.example.org, not {text:?}")),
        }
    }

    fn show(&self) -> String {
        quote(self.0.as_deref().unwrap_or_default())
    }
}

/// The name of a region, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Region(Option<String>);

impl Region {
    /// The name, if one was given.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl Value for Region {
    const SHAPE: Shape = Shape::Text;

    fn parse(texts: &[String]) -> Result<Self, String> {
        let text = single(texts)?;
        if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
            return Ok(Self(Some(text.to_owned()).filter(|text| !text.is_empty())));
        }
        Err(format!("is the name of a region such as eu-central-1, not {text:?}"))
    }

    fn show(&self) -> String {
        quote(self.0.as_deref().unwrap_or_default())
    }
}

/// A filter in the syntax of `env_logger`. It is checked here, because the logger ignores what it cannot read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(String);

impl Default for LogFilter {
    fn default() -> Self {
        Self("info,actix_server=warn".to_owned())
    }
}

impl LogFilter {
    /// Warnings and errors alone.
    #[must_use]
    pub fn warnings() -> Self {
        Self("warn".to_owned())
    }

    /// The filter as `env_logger` reads it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for LogFilter {
    const SHAPE: Shape = Shape::Text;
    const KIND: &'static str = "FILTER";

    fn parse(texts: &[String]) -> Result<Self, String> {
        let text = single(texts)?;
        let known = |directive: &str| match directive.trim().split_once('=') {
            Some((module, level)) => !module.is_empty() && level.parse::<log::LevelFilter>().is_ok(),
            None => directive.trim().parse::<log::LevelFilter>().is_ok(),
        };
        if text.split(',').all(known) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("is a level (off, error, warn, info, debug, trace) or MODULE=LEVEL, with commas, not {text:?}"))
    }

    fn show(&self) -> String {
        quote(&self.0)
    }
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// `[TIME LEVEL TARGET] MESSAGE KEY=VALUE …`.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

impl Value for LogFormat {
    const SHAPE: Shape = Shape::Text;

    fn parse(texts: &[String]) -> Result<Self, String> {
        match single(texts)? {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(format!("is \"text\" or \"json\", not {other:?}")),
        }
    }

    fn show(&self) -> String {
        quote(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}
