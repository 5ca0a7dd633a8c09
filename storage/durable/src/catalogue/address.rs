//! Where the catalogue is.

use std::fmt;

/// `postgres://user:password@host:port/database`. Neither `Debug` nor `Display` shows the password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(url::Url);

/// Why a text is no address of a PostgreSQL database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotPostgres {
    /// It is not a URL at all.
    #[error("it is not a URL; write \"postgres://user:password@host:5432/database\"")]
    NotAUrl,
    /// It begins otherwise.
    #[error("it does not begin with postgres://; leave it empty for SQLite in the data folder")]
    Scheme,
    /// Nothing after the host.
    #[error("it names no database; write \"postgres://user:password@host:5432/database\"")]
    NoDatabase,
}

impl std::str::FromStr for PostgresUrl {
    type Err = NotPostgres;
    fn from_str(text: &str) -> Result<Self, NotPostgres> {
        let url = url::Url::parse(text).map_err(|_| NotPostgres::NotAUrl)?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(NotPostgres::Scheme);
        }
        let is_named = url.path().len() > 1 || url.query_pairs().any(|(key, _)| key == "dbname");
        if is_named { Ok(Self(url)) } else { Err(NotPostgres::NoDatabase) }
    }
}

impl PostgresUrl {
    /// With the password in it.
    pub(super) fn secret(&self) -> &str {
        self.0.as_str()
    }

    /// The name of the database.
    pub(super) fn database(&self) -> &str {
        self.0.path().trim_start_matches('/')
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = if self.0.username().is_empty() { "" } else { "@" };
        let port = self.0.port().map(|port| format!(":{port}")).unwrap_or_default();
        let host = self.0.host_str().unwrap_or_default();
        write!(f, "postgres://{}{user}{host}{port}{}", self.0.username(), self.0.path())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_never_shown() {
        let url: PostgresUrl = "postgres://me:s3cret@db:5433/videos?password=s3cret&sslmode=require".parse().unwrap();
        assert_eq!(format!("{url} {url:?}"), "postgres://me@db:5433/videos postgres://me@db:5433/videos");
        assert_eq!(url.database(), "videos");
    }

    #[test]
    fn what_is_no_database_is_told_so() {
        let check = |text: &str, why: NotPostgres| assert_eq!(text.parse::<PostgresUrl>(), Err(why), "{text}");
        check("db:5432", NotPostgres::Scheme);
        check("mysql://db/x", NotPostgres::Scheme);
        check("postgres://db", NotPostgres::NoDatabase);
        check("videos", NotPostgres::NotAUrl);
    }
}
