//! How another command is told to use the same database.

use super::{Origin, Settings};
use crate::db::DatabaseUrl;

impl Settings {
    /// Where the value of a setting came from; `None` for a name that is none.
    #[must_use]
    pub fn origin(&self, name: &str) -> Option<Origin> {
        self.rows().into_iter().find(|row| row.name == name).map(|row| row.origin)
    }

    /// The arguments by which any command finds the database of these settings from any folder, whatever its environment.
    /// They hold no password: see [`Settings::hides_password`].
    #[must_use]
    pub fn database_arguments(&self) -> Vec<String> {
        let flag = |name: &str, value: String| vec![name.to_owned(), value];
        let url = self.database_url.to_string();
        let leads_here = url.parse().is_ok_and(|parsed: DatabaseUrl| parsed == self.database_url);
        match self.origin("database_url") {
            // A flag is stronger than everything else that may be set where the command runs.
            _ if leads_here => flag("--database-url", url),
            // The file holds a password, and is read by its owner alone.
            Some(Origin::File(path)) => flag("--config", absolute(&path)),
            // The name of the folder cannot be a part of an address.
            Some(Origin::Default) => flag("--data-dir", self.data_dir.display().to_string()),
            _ => Vec::new(),
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
            defaults: &[],
        };
        let settings = Settings::merge(&sources).unwrap();
        let hidden = if settings.hides_password() { "hidden " } else { "" };
        format!("{hidden}{}", settings.database_arguments().join(" "))
    }

    #[test]
    fn the_arguments_lead_to_the_database_from_any_folder_and_environment() {
        for (file, environment, flags, path) in [
            ("", &[("HOME", "/h")][..], &[][..], "/h/.local/share/segue/segue.db"),
            ("", &[("HOME", "/h"), ("XDG_DATA_HOME", "/x")], &[], "/x/segue/segue.db"),
            ("", &[], &[("data_dir", "/d")], "/d/segue.db"),
            ("", &[("SEGUE_DATA_DIR", "/d")], &[], "/d/segue.db"),
            ("data_dir = \"/d\"", &[], &[], "/d/segue.db"),
            ("database_url = \"sqlite:~/a.db\"", &[("HOME", "/h")], &[], "/h/a.db"),
            ("", &[("SEGUE_DATA_DIR", "/d")], &[("database_url", "sqlite:/x")], "/x"),
        ] {
            assert_eq!(arguments(file, environment, flags), format!("--database-url sqlite:{path}"));
        }
        let here = std::env::current_dir().unwrap().display().to_string();
        assert_eq!(arguments("", &[], &[]), format!("--database-url sqlite:{here}/segue-data/segue.db"));
        let relative = "database_url = \"sqlite:a.db\"";
        assert_eq!(arguments(relative, &[], &[]), format!("--database-url sqlite:{here}/a.db"));
        // An address takes no question mark.
        assert_eq!(arguments("", &[], &[("data_dir", "/what?")]), "--data-dir /what?");
    }

    #[test]
    fn no_argument_holds_a_password() {
        let secret = "postgres://me:secret@h/d";
        assert_eq!(arguments("", &[("SEGUE_DATABASE_URL", secret)], &[]), "hidden ");
        assert_eq!(arguments("", &[("SEGUE_DATABASE_URL", "postgres://h/d")], &[]), "--database-url postgres://h/d");
        assert_eq!(arguments(&format!("database_url = \"{secret}\""), &[], &[]), "--config /etc/segue.toml");
        let open = "database_url = \"postgres://h/d\"";
        assert_eq!(arguments(open, &[], &[]), "--database-url postgres://h/d");
    }
}
