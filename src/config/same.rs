//! How another command is told to use the same database.

use super::{Origin, Settings};
use crate::db::DatabaseUrl;

impl Settings {
    /// Where the value of a setting came from; `None` for a name that is none.
    #[must_use]
    pub fn origin(&self, name: &str) -> Option<Origin> {
        self.rows().into_iter().find(|row| row.name == name).map(|row| row.origin)
    }

    /// The arguments by which any command finds the database of these settings, whatever its environment: none where it is
    /// the usual one. They hold no password: see [`Settings::hides_password`].
    #[must_use]
    pub fn database_arguments(&self) -> Vec<String> {
        let flag = |name: &str, value: String| vec![name.to_owned(), value];
        let url = || flag("--database-url", self.database_url.to_string());
        match (self.origin("database_url"), self.origin("data_dir")) {
            // A file that was asked for may hold a password, and is read by its owner alone.
            (Some(Origin::File(path)), _) | (Some(Origin::Default), Some(Origin::File(path))) => {
                flag("--config", absolute(&path))
            }
            (Some(Origin::Default), Some(Origin::Default)) => Vec::new(),
            (Some(Origin::Default), _) => flag("--data-dir", self.data_dir.display().to_string()),
            _ if self.hides_password() => Vec::new(),
            _ => url(),
        }
    }

    /// Whether the address of the database came by a flag or by the environment and holds a password, so that
    /// [`Settings::database_arguments`] leaves it out.
    #[must_use]
    pub fn hides_password(&self) -> bool {
        let is_file = matches!(self.origin("database_url"), Some(Origin::File(_)));
        matches!(&self.database_url, DatabaseUrl::Postgres(url) if *url != self.database_url.to_string()) && !is_file
    }
}

fn absolute(path: &std::path::Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

#[cfg(test)]
mod tests {
    use crate::config::{Settings, Sources};
    use std::collections::BTreeMap;

    fn arguments(file: &str, environment: &[(&str, &str)], flags: &[(&'static str, &str)]) -> String {
        let sources = Sources {
            file: (!file.is_empty()).then(|| ("/etc/segue.toml".into(), file.to_owned())),
            environment: environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            flags: flags.iter().map(|(name, value)| (*name, vec![(*value).to_owned()])).collect::<BTreeMap<_, _>>(),
        };
        let settings = Settings::merge(&sources).unwrap();
        let hidden = if settings.hides_password() { "hidden " } else { "" };
        format!("{hidden}{}", settings.database_arguments().join(" "))
    }

    #[test]
    fn what_decides_where_the_database_is_is_said_and_nothing_else() {
        assert_eq!(arguments("", &[("HOME", "/h")], &[]), "");
        assert_eq!(arguments("grace_ms = 1", &[("HOME", "/h")], &[]), "");
        assert_eq!(arguments("", &[], &[("data_dir", "/d")]), "--data-dir /d");
        assert_eq!(arguments("", &[("SEGUE_DATA_DIR", "/d")], &[]), "--data-dir /d");
        assert_eq!(arguments("data_dir = \"/d\"", &[], &[]), "--config /etc/segue.toml");
        assert_eq!(
            arguments("", &[("SEGUE_DATA_DIR", "/d")], &[("database_url", "sqlite:/x")]),
            "--database-url sqlite:/x"
        );
        let secret = "postgres://me:secret@h/d";
        assert_eq!(arguments("", &[("SEGUE_DATABASE_URL", secret)], &[]), "hidden ");
        assert_eq!(arguments("", &[("SEGUE_DATABASE_URL", "postgres://h/d")], &[]), "--database-url postgres://h/d");
        assert_eq!(arguments(&format!("database_url = \"{secret}\""), &[], &[]), "--config /etc/segue.toml");
    }
}
