//! Paths as arguments.

use crate::config::at_home;
use clap::builder::{OsStringValueParser, TypedValueParser};
use std::path::PathBuf;

/// Reads a path with the home folder in place of a leading `~`, which no shell replaces in `--flag=~/x` and in quotes.
pub(super) fn parser() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().try_map(|text| at_home(text.as_ref()))
}
