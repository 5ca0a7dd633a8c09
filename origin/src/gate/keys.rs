//! The keys of an origin, in `<data>/keys/`, made at the first start, readable by the owner only (0600).

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wire::token::KeySet;

use super::content_keys::ContentKeys;
use super::secret::Secret;
use super::signin::SignInKeys;
use super::source::Source;
use super::token_keys::TokenKeys;
use crate::clock::now_ms;
use crate::config::{AdminKey, SECRET_CHARS_MIN};

/// A key file is one line; more is something else.
const KEY_FILE_BYTES_MAX: u64 = 4096;

/// What an origin signs and compares with.
#[derive(Debug)]
pub(crate) struct Keys {
    /// For `Authorization: Bearer` of the API.
    pub(crate) api: Secret,
    /// For `StreamGate-Edge-Key`.
    pub(crate) edge: Secret,
    /// Sign playback tokens.
    pub(crate) token: TokenKeys,
    /// For those who sign in.
    pub(crate) signin: SignInKeys,
    /// Seals the keys of encrypted assets.
    pub(crate) content: ContentKeys,
}

/// Why the keys could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The system refused.
    #[error("cannot read or make the key file {}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("the key file {} holds no key: {why}; restore it, or delete it to have a new one made", path.display())]
    NoKey {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The key of the configuration could be guessed.
    #[error("origin.admin_key is shorter than {SECRET_CHARS_MIN} characters; `openssl rand -hex 32` makes one")]
    ShortKey,
    /// It is not of a file.
    #[error(
        "the keys of access tokens come from roles.secret; give all processes another one, and everyone signs in again"
    )]
    FromSecret,
    /// No key could be made.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

impl Keys {
    /// Reads the keys, making those that are not there yet out of `source`. `admin_key` takes the place of `api.key`.
    pub(crate) fn open(data: &Path, admin_key: Option<&AdminKey>, source: &Source) -> Result<Self, KeyFileError> {
        let folder = data.join("keys");
        let failed = |source| KeyFileError::Io { path: folder.clone(), source };
        fs::create_dir_all(&folder).map_err(failed)?;
        fs::set_permissions(&folder, Permissions::from_mode(0o700)).map_err(failed)?;
        let shared = |name: &str| {
            let path = folder.join(name);
            let text = read_or_make(&path, || Ok(format!("sg-{}", URL_SAFE_NO_PAD.encode(source.bytes::<32>(name)?))))?;
            if text.len() < SECRET_CHARS_MIN {
                let why = format!("it is shorter than {SECRET_CHARS_MIN} characters");
                return Err(KeyFileError::NoKey { path, why });
            }
            Ok(Secret::new(text))
        };
        let api = match admin_key {
            Some(key) if !key.is_long_enough() => return Err(KeyFileError::ShortKey),
            Some(key) => Secret::new(key.text().to_owned()),
            None => shared("api.key")?,
        };
        let signin = SignInKeys::open(&folder, source, now_ms())?;
        let (edge, content) = (shared("edge.key")?, ContentKeys::new(&shared("content.key")?));
        let token = TokenKeys::open(&folder.join("token.key"), source, now_ms())?;
        Ok(Self { api, edge, token, signin, content })
    }

    /// What edges check tokens with.
    pub(crate) fn verification_keys(&self) -> KeySet {
        self.token.verification().clone()
    }
}

/// The line in the file, or a new one, written so that a crash leaves either no file or a whole one.
pub(super) fn read_or_make(
    path: &Path,
    make: impl Fn() -> Result<String, KeyFileError>,
) -> Result<String, KeyFileError> {
    let failed = |source| KeyFileError::Io { path: path.to_path_buf(), source };
    match fs::File::open(path) {
        Ok(file) => {
            let mut text = String::new();
            file.take(KEY_FILE_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
            Ok(text.trim().to_owned())
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let text = make()?;
            write_new(path, &text).map_err(failed)?;
            Ok(text)
        }
        Err(e) => Err(failed(e)),
    }
}

pub(super) fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let part = path.with_extension("part");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&part)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::File::open(folder)?.sync_all()
}

pub(super) fn random<const N: usize>() -> Result<[u8; N], KeyFileError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(KeyFileError::Random)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_only_the_owner_reads_them() {
        let data = tempfile::tempdir().unwrap();
        let open = || Keys::open(data.path(), None, &Source::Chance).unwrap();
        let (first, again) = (open(), open());
        assert_eq!(first.api.text(), again.api.text());
        assert_eq!(first.token.verification(), again.token.verification());
        assert_ne!(first.api.text(), first.edge.text());
        for name in ["api.key", "edge.key", "token.key", "content.key", "session.keys", "challenge.key"] {
            let mode = fs::metadata(data.path().join("keys").join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn folders_of_one_installation_have_the_same_keys_and_a_file_wins() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let source = Source::Secret("0123456789abcdef0123456789abcdef".into());
        let open = |folder: &tempfile::TempDir| Keys::open(folder.path(), None, &source).unwrap();
        let texts = |keys: &Keys| {
            [keys.api.text().to_owned(), keys.edge.text().to_owned(), keys.token.signing(0).to_secret_text()]
        };
        assert_eq!(texts(&open(&one)), texts(&open(&two)));
        fs::write(two.path().join("keys/edge.key"), "an edge key of before").unwrap();
        assert_eq!(open(&two).edge.text(), "an edge key of before");
    }

    #[test]
    fn a_damaged_key_file_is_named_and_not_replaced() {
        let data = tempfile::tempdir().unwrap();
        Keys::open(data.path(), None, &Source::Chance).unwrap();
        let path = data.path().join("keys/token.key");
        fs::write(&path, "nonsense").unwrap();
        let error = Keys::open(data.path(), None, &Source::Chance).unwrap_err();
        assert!(error.to_string().contains("keys/token.key holds no key"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "nonsense");
    }
}
