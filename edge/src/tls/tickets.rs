//! Tickets (RFC 8446 section 4.6.1, RFC 5077): a session, sealed so that whoever knows the secret can go on with it. Nothing is kept.
//!
//! The keys are derived from one secret and the number of a period of 12 hours, so every shard, a restart and every edge with the same
//! secret file agree on them without talking, and they change by themselves. A ticket is `period (8) | nonce (12) | AES-256-GCM`.
//!
//! A secret is changed everywhere without a lost session by a second line in the file: the first seals, all of them open.

use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use aws_lc_rs::rand;
use rustls::server::ProducesTickets;

use super::CertificateError;
use crate::rt;

/// How long one key seals; it opens for as long again.
const PERIOD_SECONDS: u64 = 12 * 3600;
/// Fewer bytes than this can be guessed.
const SECRET_BYTES_MIN: usize = 32;
/// Secrets of one file that are used: the one in use, the one before and the next.
const SECRETS_MAX: usize = 3;
const SALT: &[u8] = b"streamgate tls tickets 1";

struct Tickets {
    /// The first seals, all of them open. Not empty.
    secrets: Vec<Prk>,
}

/// Tickets of the secrets in `file`, one a line, or of a random one that ends with the process.
pub(crate) fn tickets(file: Option<&Path>) -> Result<Arc<dyn ProducesTickets>, CertificateError> {
    let Some(path) = file else {
        let mut secret = [0; SECRET_BYTES_MIN];
        rand::fill(&mut secret).map_err(|_| CertificateError::Refused(rustls::Error::FailedToGetRandomBytes))?;
        return Ok(Arc::new(Tickets::of(&[&secret])));
    };
    let text = std::fs::read_to_string(path).map_err(|e| CertificateError::File(path.to_owned(), e))?;
    let lines = text.lines().map(|line| line.trim().as_bytes()).filter(|line| !line.is_empty());
    let secrets: Vec<&[u8]> = lines.take(SECRETS_MAX).collect();
    if secrets.is_empty() || secrets.iter().any(|secret| secret.len() < SECRET_BYTES_MIN) {
        return Err(CertificateError::Secret(path.to_owned()));
    }
    Ok(Arc::new(Tickets::of(&secrets)))
}

fn key(secret: &Prk, period: u64) -> Option<LessSafeKey> {
    let period = period.to_be_bytes();
    let info = [&period[..]];
    let key = secret.expand(&info, &AES_256_GCM).ok()?;
    Some(LessSafeKey::new(UnboundKey::from(key)))
}

impl Tickets {
    fn of(secrets: &[&[u8]]) -> Tickets {
        let salt = Salt::new(HKDF_SHA256, SALT);
        Tickets { secrets: secrets.iter().map(|secret| salt.extract(secret)).collect() }
    }

    fn seal(&self, plain: &[u8], now_ms: u64) -> Option<Vec<u8>> {
        let period = now_ms / 1000 / PERIOD_SECONDS;
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).ok()?;
        let mut ticket = [&period.to_be_bytes()[..], &nonce].concat();
        let mut sealed = plain.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        key(self.secrets.first()?, period)?.seal_in_place_append_tag(nonce, Aad::empty(), &mut sealed).ok()?;
        ticket.append(&mut sealed);
        Some(ticket)
    }

    fn open(&self, ticket: &[u8], now_ms: u64) -> Option<Vec<u8>> {
        let (period, rest) = ticket.split_first_chunk::<8>()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        let (period, now) = (u64::from_be_bytes(*period), now_ms / 1000 / PERIOD_SECONDS);
        // One ahead: another edge's clock may be.
        if !(now.saturating_sub(1)..=now + 1).contains(&period) {
            return None;
        }
        self.secrets.iter().find_map(|secret| {
            let mut plain = sealed.to_vec();
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let len = key(secret, period)?.open_in_place(nonce, Aad::empty(), &mut plain).ok()?.len();
            plain.truncate(len);
            Some(plain)
        })
    }
}

impl std::fmt::Debug for Tickets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tickets")
    }
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        PERIOD_SECONDS as u32
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.seal(plain, rt::now())
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        self.open(ticket, rt::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_opens_with_its_secret_in_its_period_and_the_next_and_only_whole() {
        let (here, there, other) = (Tickets::of(&[&[7; 32]]), Tickets::of(&[&[7; 32]]), Tickets::of(&[&[8; 32]]));
        let between = Tickets::of(&[&[8; 32], &[7; 32]]);
        let period_ms = PERIOD_SECONDS * 1000;
        let now = 40_000 * period_ms + 5;
        let ticket = here.seal(b"session", now).expect("sealed");
        for later in [0, 1, period_ms] {
            assert_eq!(there.open(&ticket, now + later).as_deref(), Some(&b"session"[..]));
        }
        assert_eq!(there.open(&ticket, now + 2 * period_ms), None);
        assert_eq!(other.open(&ticket, now), None);
        assert_eq!(between.open(&ticket, now).as_deref(), Some(&b"session"[..]));
        assert_eq!(here.open(&between.seal(b"session", now).expect("sealed"), now), None);
        assert_ne!(here.seal(b"session", now).expect("sealed"), ticket);
        for at in 0..ticket.len() {
            let mut bent = ticket.clone();
            bent[at] ^= 1;
            assert_eq!(here.open(&bent, now), None, "byte {at}");
            assert_eq!(here.open(&ticket[..at], now), None, "cut at {at}");
        }
    }
}
