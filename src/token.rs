//! `streamgate token`: make, read and check playback tokens with the keys of a data folder.

use crate::cli::{ConfigFile, TokenCommand};
use crate::config;
use anyhow::{Context, Result, bail, ensure};
use std::io::{Write as _, stdout};
use std::time::{SystemTime, UNIX_EPOCH};
use wire::token::{Claims, KeySet, SigningKey, UnixSeconds};
use wire::url::AssetId;

/// A token for longer than a year is a typing error.
const TTL_SECONDS_MAX: u64 = 366 * 24 * 3600;

pub fn run(command: TokenCommand) -> Result<()> {
    match command {
        TokenCommand::Mint { asset, ttl, subject, config } => mint(&asset, ttl, subject, &config),
        TokenCommand::Key(config) => {
            for key in signing_keys(&config)? {
                writeln!(stdout(), "{}", key.verification_key())?;
            }
            Ok(())
        }
        TokenCommand::Inspect { token, path, config } => inspect(&token, path.as_deref(), &config),
    }
}

fn mint(asset: &str, ttl: u64, subject: String, config: &ConfigFile) -> Result<()> {
    let id = AssetId::parse(asset).with_context(|| format!("`{asset}` is not the id of a title"))?;
    if !(1..=TTL_SECONDS_MAX).contains(&ttl) {
        bail!("--ttl goes from 1 to {TTL_SECONDS_MAX} seconds");
    }
    let mut cti = [0; 16];
    getrandom::fill(&mut cti).context("the system gives no random bytes")?;
    let sub = Some(subject).filter(|subject| !subject.is_empty());
    let claims = Claims { sub, ..Claims::for_asset(id, now()?, ttl, cti) };
    writeln!(stdout(), "{}", wire::token::mint(&claims, &signing_keys(config)?[0])?)?;
    Ok(())
}

fn inspect(token: &str, path: Option<&str>, config: &ConfigFile) -> Result<()> {
    let keys = KeySet::new(signing_keys(config)?.iter().map(SigningKey::verification_key))?;
    let claims = match wire::token::inspect(token, &keys) {
        Ok(claims) => claims,
        Err(error) => bail!("{error} ({})", error.name()),
    };
    writeln!(stdout(), "{claims:#?}")?;
    let path = path.unwrap_or(&claims.catu_path_prefix);
    match wire::token::verify(token, &keys, now()?, path) {
        Ok(_) => writeln!(stdout(), "would be let through to {path}")?,
        Err(error) => writeln!(stdout(), "would be refused at {path}: {error} ({})", error.name())?,
    }
    Ok(())
}

/// At least one; the first one signs.
fn signing_keys(config: &ConfigFile) -> Result<Vec<SigningKey>> {
    let path = config::load(config.config.as_deref())?.data.join("keys/token.key");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}; the origin makes it when it starts first", path.display()))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let keys: Vec<_> = lines
        .map(SigningKey::from_secret_text)
        .collect::<Result<_, _>>()
        .with_context(|| format!("a line of {} is no key", path.display()))?;
    ensure!(!keys.is_empty(), "{} holds no key", path.display());
    Ok(keys)
}

fn now() -> Result<UnixSeconds> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?;
    Ok(UnixSeconds(since.as_secs()))
}
