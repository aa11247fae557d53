//! Where a store is, as the configuration writes it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a store is: what the configuration keys `command.store`, `query.store` and `audit.store` hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreAddress {
    /// `sqlite:PATH`: a database file; relative paths start at the working directory.
    Sqlite(PathBuf),
}

/// Why a text is not the address of a store. It never repeats the text, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The PostgreSQL backend does not exist yet.
    #[error("PostgreSQL is not built yet: use sqlite:PATH")]
    PostgresNotBuilt,
    /// `sqlite:` without a path.
    #[error("the path is missing: write sqlite:PATH, such as sqlite:data/command.db")]
    PathMissing,
    /// `sqlite://…` reads like a host, so a relative path behind it would be taken for an absolute one.
    #[error("write sqlite:PATH without slashes before the path, such as sqlite:data/command.db")]
    LooksLikeUrl,
    /// A store in memory would lose what it has acknowledged.
    #[error("a store in memory keeps nothing: write sqlite:PATH")]
    InMemory,
    /// Some other scheme, or none.
    #[error("a store's address begins with sqlite: (sqlite:PATH)")]
    UnknownScheme,
}

impl FromStr for StoreAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.starts_with("postgres:") || text.starts_with("postgresql:") {
            return Err(AddressError::PostgresNotBuilt);
        }
        match text.strip_prefix("sqlite:").ok_or(AddressError::UnknownScheme)? {
            "" => Err(AddressError::PathMissing),
            path if path.starts_with("//") => Err(AddressError::LooksLikeUrl),
            path if path.starts_with(":memory:") => Err(AddressError::InMemory),
            path => Ok(Self::Sqlite(PathBuf::from(path))),
        }
    }
}

impl fmt::Display for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_as_it_is() {
        for path in ["data/command.db", "/var/lib/cases/command.db", "file:odd name?mode=memory"] {
            let address: StoreAddress = format!("sqlite:{path}").parse().expect("an address");
            assert_eq!(address, StoreAddress::Sqlite(PathBuf::from(path)));
            assert_eq!(address.to_string(), format!("sqlite:{path}"));
        }
    }

    #[test]
    fn what_is_no_address_says_why() {
        for (text, expected) in [
            ("", AddressError::UnknownScheme),
            ("data/command.db", AddressError::UnknownScheme),
            ("sqlite:", AddressError::PathMissing),
            ("sqlite://data/command.db", AddressError::LooksLikeUrl),
            ("sqlite::memory:", AddressError::InMemory),
            ("postgres://user:secret@host/cases", AddressError::PostgresNotBuilt),
            ("postgresql://host/cases", AddressError::PostgresNotBuilt),
        ] {
            let refused = text.parse::<StoreAddress>().expect_err(text);
            assert_eq!(refused, expected, "{text}");
            assert!(!refused.to_string().contains("secret"));
        }
    }
}
