//! Which country an address is in: a file in the format of MaxMind DB 2.0, read whole at start.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use maxminddb::path as at;
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
        source: maxminddb::MaxMindDbError,
    },
}

/// The file, in memory.
pub struct Countries {
    reader: maxminddb::Reader<Vec<u8>>,
    /// Whether two are the same.
    name: (PathBuf, u64),
}

impl Countries {
    /// Reads a file such as GeoLite2-Country.mmdb; one of cities, or any that has `country.iso_code`, does as well.
    ///
    /// # Errors
    /// It cannot be read, or is something else.
    pub fn open(path: &Path) -> Result<Self, CountriesError> {
        let failed = |source| CountriesError::Io { path: path.to_owned(), source };
        let length = std::fs::metadata(path).map_err(failed)?.len();
        if length > COUNTRIES_FILE_BYTES_MAX {
            return Err(failed(std::io::Error::new(std::io::ErrorKind::FileTooLarge, "it is too large")));
        }
        let bytes = std::fs::read(path).map_err(failed)?;
        let reader = maxminddb::Reader::from_source(bytes)
            .map_err(|source| CountriesError::Format { path: path.to_owned(), source })?;
        let name = (path.to_owned(), reader.metadata().build_epoch);
        Ok(Self { reader, name })
    }

    /// The country of an address, as the file has it; `None`: it has none.
    pub(super) fn country(&self, address: IpAddr) -> Option<Country> {
        let found = self.reader.lookup(address.to_canonical()).ok()?;
        let code: &str = found.decode_path(&at!["country", "iso_code"]).ok()??;
        code.parse().ok()
    }
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
