//! Which country an address is in: a file in the format of MaxMind DB 2.0, read whole at start, and walked once: what is wrong with it is
//! said then, and no viewer meets it.

use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use maxminddb::{LookupResult, MaxMindDbError, Reader, WithinOptions, path as at};
use serde::de::IgnoredAny;
use wire::token::Country;

use crate::limits::COUNTRIES_FILE_BYTES_MAX;

/// Why a file tells no countries.
#[derive(Debug, thiserror::Error)]
pub enum CountriesError {
    /// It cannot be read, or is larger than [`COUNTRIES_FILE_BYTES_MAX`].
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// It is no database of this format.
    #[error("{} is no MaxMind database: {source}", path.display())]
    Format {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: MaxMindDbError,
    },
    /// It says so of itself, and part of it cannot be read.
    #[error("{} is damaged, fetch it again: {source}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: MaxMindDbError,
    },
    /// It is about something else.
    #[error("{} names no country (country.iso_code); take a file of countries or cities", path.display())]
    NoCountry {
        /// Which file.
        path: PathBuf,
    },
}

/// The file, in memory.
pub struct Countries {
    reader: Reader<Vec<u8>>,
    /// Whether two are the same.
    name: (PathBuf, u64),
}

impl Countries {
    /// Reads a file such as GeoLite2-Country.mmdb; one of cities, or any that has `country.iso_code`, does as well.
    ///
    /// # Errors
    /// It cannot be read, is damaged anywhere, or is something else.
    pub fn open(path: &Path) -> Result<Self, CountriesError> {
        let failed = |source| CountriesError::Io { path: path.to_owned(), source };
        let length = std::fs::metadata(path).map_err(failed)?.len();
        if length > COUNTRIES_FILE_BYTES_MAX {
            return Err(failed(std::io::Error::new(std::io::ErrorKind::FileTooLarge, "it is too large")));
        }
        let bytes = std::fs::read(path).map_err(failed)?;
        let path_of = || path.to_owned();
        let reader = Reader::from_source(bytes).map_err(|source| CountriesError::Format { path: path_of(), source })?;
        if !names_countries(&reader).map_err(|source| CountriesError::Damaged { path: path_of(), source })? {
            return Err(CountriesError::NoCountry { path: path_of() });
        }
        let name = (path.to_owned(), reader.metadata().build_epoch);
        Ok(Self { reader, name })
    }

    /// The country of an address, as the file has it; `None`: it has none.
    pub(super) fn country(&self, address: IpAddr) -> Option<Country> {
        country_of(&self.reader.lookup(address.to_canonical()).ok()?)
    }
}

/// Whether any record names a country; every one is read.
fn names_countries(reader: &Reader<Vec<u8>>) -> Result<bool, MaxMindDbError> {
    // A tree has one end more than nodes, and some branches of these files meet; one with a circle has no bound.
    let ends_max = (reader.metadata().node_count as usize).saturating_mul(3);
    let (mut seen, mut names) = (HashSet::new(), false);
    let every = WithinOptions::default().include_networks_without_data();
    for (end, network) in reader.networks(every)?.enumerate() {
        if end >= ends_max {
            return Err(MaxMindDbError::invalid_database("its search tree is none"));
        }
        let network = network?;
        if !network.offset().is_some_and(|offset| seen.insert(offset)) {
            continue;
        }
        network.decode::<IgnoredAny>()?;
        names |= country_of(&network).is_some();
    }
    Ok(names)
}

fn country_of(found: &LookupResult<'_, Vec<u8>>) -> Option<Country> {
    let code: &str = found.decode_path(&at!["country", "iso_code"]).ok()??;
    code.parse().ok()
}

/// Two are the same that come from the same build of the same file.
impl PartialEq for Countries {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl fmt::Debug for Countries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Countries({}, built {})", self.name.0.display(), self.name.1)
    }
}
