//! The URL of the database, which also chooses between SQLite and PostgreSQL.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

/// The database to use.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// SQLite: the path of the file, which is created when it does not exist.
    Sqlite(PathBuf),
    /// PostgreSQL: a connection URI of libpq, including passwords (postgresql.org, "Connection URIs").
    Postgres(String),
}

/// The text is not a URL of a database that Segue can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadDatabaseUrl {
    /// Neither of the two forms.
    Form,
    /// It requires TLS, which this build does not have.
    Tls,
}

impl fmt::Display for BadDatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "is sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME",
            Self::Tls => {
                "asks for TLS, which this build leaves out: build with `--features postgres-tls`, or use a Unix socket or a \
                 tunnel"
            }
        })
    }
}

impl std::error::Error for BadDatabaseUrl {}

impl DatabaseUrl {
    /// The default: a file in the data folder.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        Self::Sqlite(folder.join("segue.db"))
    }
}

impl FromStr for DatabaseUrl {
    type Err = BadDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, BadDatabaseUrl> {
        if let Some(rest) = text.strip_prefix("sqlite:") {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            if path.is_empty() || path.contains('?') || path.starts_with(':') {
                return Err(BadDatabaseUrl::Form);
            }
            return std::path::absolute(path).map(Self::Sqlite).map_err(|_| BadDatabaseUrl::Form);
        }
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(BadDatabaseUrl::Form);
        }
        let asks_for_tls = parameters(text).any(|(name, value)| {
            name == "sslmode" && ["require", "verify-ca", "verify-full"].contains(&value)
                || name == "ssl" && value == "true"
        });
        if asks_for_tls && !cfg!(feature = "postgres-tls") {
            return Err(BadDatabaseUrl::Tls);
        }
        Ok(Self::Postgres(text.to_owned()))
    }
}

/// The parameters after the question mark, as written.
fn parameters(url: &str) -> impl Iterator<Item = (&str, &str)> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query.split('&').filter_map(|pair| pair.split_once('='))
}

impl fmt::Display for DatabaseUrl {
    /// The URL with passwords replaced, for people and logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => f.write_str(&masked(url)),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

/// The URL without the password before the host and those among its parameters.
fn masked(url: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, None), |(base, query)| (base, Some(query)));
    let (scheme, rest) = base.split_once("://").unwrap_or(("", base));
    let shown = match rest.rsplit_once('@') {
        Some((login, host)) => match login.split_once(':') {
            Some((user, _)) => format!("{scheme}://{user}:***@{host}"),
            None => base.to_owned(),
        },
        None => base.to_owned(),
    };
    let Some(query) = query else { return shown };
    let pairs: Vec<_> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name @ ("password" | "sslpassword"), _)) => format!("{name}=***"),
            _ => pair.to_owned(),
        })
        .collect();
    format!("{shown}?{}", pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_chooses_the_database() {
        for good in ["sqlite:/a/b.db", "sqlite:///a/b.db"] {
            assert_eq!(good.parse(), Ok(DatabaseUrl::Sqlite("/a/b.db".into())), "{good}");
        }
        assert!(matches!("postgresql://h/d".parse(), Ok(DatabaseUrl::Postgres(_))));
        for bad in ["", "sqlite:", "sqlite::memory:", "/a/b.db", "mysql://x", "sqlite:a?mode=ro"] {
            assert_eq!(bad.parse::<DatabaseUrl>(), Err(BadDatabaseUrl::Form), "{bad}");
        }
    }

    #[test]
    fn a_url_that_asks_for_tls_needs_the_feature() {
        for mode in ["sslmode=require", "x=1&sslmode=verify-full", "sslmode=verify-ca", "ssl=true"] {
            let parsed = format!("postgres://h/d?{mode}").parse::<DatabaseUrl>();
            let wanted =
                if cfg!(feature = "postgres-tls") { parsed.is_ok() } else { parsed == Err(BadDatabaseUrl::Tls) };
            assert!(wanted, "{mode}: {parsed:?}");
        }
        assert!(BadDatabaseUrl::Tls.to_string().ends_with("or use a Unix socket or a tunnel"));
        assert!("postgres://h/d?sslmode=prefer".parse::<DatabaseUrl>().is_ok());
    }

    #[test]
    fn no_password_is_shown() {
        let shown = |url: &str| url.parse::<DatabaseUrl>().expect("a good URL").to_string();
        assert_eq!(shown("postgres://me:p@ss@h:1/d?application_name=s"), "postgres://me:***@h:1/d?application_name=s");
        assert_eq!(shown("postgres:///d?host=/run&password=secret"), "postgres:///d?host=/run&password=***");
        assert_eq!(shown("postgres://me@h/d"), "postgres://me@h/d");
    }
}
