//! What an origin has taken back, and which keys it signs with now: told by its event feed, looked at by every shard. A shard compares one
//! number with each token it checks, and takes the lock only when something has changed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wire::token::{Claims, KeySet, UnixSeconds};

use crate::limits::REVOKED_MAX;

/// What is taken back.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Revocation {
    /// The token of this id (`cti`).
    Token(Vec<u8>),
    /// Every token of this subject (`sub`).
    Subject(String),
    /// Every token for this asset.
    Asset(String),
}

/// Told by whoever follows the origin; asked by every shard. Cheap to clone.
#[derive(Clone, Default, Debug)]
pub struct Gatekeeper(Arc<Told>);

#[derive(Default, Debug)]
struct Told {
    /// Counts the changes.
    version: AtomicU64,
    /// When the origin was last heard, milliseconds; 0: nobody follows it.
    heard_ms: AtomicU64,
    now: Mutex<Now>,
}

/// What holds now.
#[derive(Clone, Default, Debug)]
pub(crate) struct Now {
    pub(crate) revoked: Arc<Revoked>,
    /// Other keys than the configured ones.
    pub(crate) keys: Option<Arc<KeySet>>,
}

impl Gatekeeper {
    /// Takes something back until `until`, when the last token that it concerns has expired by itself.
    pub fn revoke(&self, what: Revocation, until: UnixSeconds, now: UnixSeconds) {
        let mut held = self.hold();
        Arc::make_mut(&mut held.revoked).add(what, until, now);
        self.0.version.fetch_add(1, Ordering::Release);
    }

    /// Gives a token back.
    pub fn restore(&self, what: &Revocation) {
        let mut held = self.hold();
        if held.revoked.until.contains_key(what) {
            Arc::make_mut(&mut held.revoked).until.remove(what);
            self.0.version.fetch_add(1, Ordering::Release);
        }
    }

    /// Puts this in the place of every single token that was taken back: what came before was missed.
    pub fn replace_tokens(&self, tokens: impl IntoIterator<Item = (Vec<u8>, UnixSeconds)>, now: UnixSeconds) {
        let mut held = self.hold();
        let revoked = Arc::make_mut(&mut held.revoked);
        revoked.until.retain(|what, _| !matches!(what, Revocation::Token(_)));
        for (cti, until) in tokens {
            revoked.add(Revocation::Token(cti), until, now);
        }
        self.0.version.fetch_add(1, Ordering::Release);
    }

    /// Somebody follows the origin and has not heard it yet: what it has taken back is not known.
    pub fn expects(&self) {
        self.0.heard_ms.fetch_max(1, Ordering::Relaxed);
    }

    /// Tokens are checked with these keys from now on.
    pub fn change_keys(&self, keys: KeySet) {
        self.hold().keys = Some(Arc::new(keys));
        self.0.version.fetch_add(1, Ordering::Release);
    }

    /// The origin has been heard, and there is nothing before this time that has not been told.
    pub fn heard(&self, now_ms: u64) {
        self.0.heard_ms.fetch_max(now_ms, Ordering::Relaxed);
    }

    /// How long the origin has not been heard, when somebody follows it.
    pub(crate) fn silent_ms(&self, now_ms: u64) -> Option<u64> {
        let heard_ms = self.0.heard_ms.load(Ordering::Relaxed);
        (heard_ms > 0).then(|| now_ms.saturating_sub(heard_ms))
    }

    /// Changes so far.
    pub(crate) fn version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }

    pub(crate) fn now(&self) -> Now {
        self.hold().clone()
    }

    fn hold(&self) -> MutexGuard<'_, Now> {
        self.0.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What has been taken back, each until its time. Bounded: with more, every token counts as taken back until there is room.
#[derive(Clone, Default, Debug)]
pub(crate) struct Revoked {
    until: HashMap<Revocation, UnixSeconds>,
    /// There was no room for one that lasts until then.
    everything_until: Option<UnixSeconds>,
}

impl Revoked {
    fn add(&mut self, what: Revocation, until: UnixSeconds, now: UnixSeconds) {
        self.until.retain(|_, until| now < *until);
        if self.until.len() >= REVOKED_MAX && !self.until.contains_key(&what) {
            self.everything_until = self.everything_until.max(Some(until));
            return;
        }
        let known = self.until.entry(what).or_insert(until);
        *known = (*known).max(until);
    }

    /// Whether a token that says this has been taken back.
    pub(crate) fn covers(&self, claims: &Claims, now: UnixSeconds) -> bool {
        if self.until.is_empty() && self.everything_until.is_none() {
            return false;
        }
        let holds = |what: Revocation| self.until.get(&what).is_some_and(|until| now < *until);
        let asset = claims.catu_path_prefix.strip_prefix("/v/").and_then(|rest| rest.split('/').next());
        self.everything_until.is_some_and(|until| now < until)
            || claims.cti.as_ref().is_some_and(|cti| holds(Revocation::Token(cti.clone())))
            || claims.sub.as_ref().is_some_and(|sub| holds(Revocation::Subject(sub.clone())))
            || asset.is_some_and(|asset| holds(Revocation::Asset(asset.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use wire::url::AssetId;

    use super::*;

    const T: fn(u64) -> UnixSeconds = UnixSeconds;

    fn claims(asset: &str, sub: &str, cti: u8) -> Claims {
        let asset = AssetId::parse(asset).expect("an asset");
        Claims { sub: Some(sub.to_owned()), ..Claims::for_asset(asset, T(0), 600, [cti; 16]) }
    }

    #[test]
    fn each_kind_ends_what_it_names_and_nothing_else_until_its_time() {
        for (what, hit) in [
            (Revocation::Token(vec![1; 16]), claims("a", "ann", 1)),
            (Revocation::Subject("bob".into()), claims("a", "bob", 2)),
            (Revocation::Asset("b".into()), claims("b", "ann", 2)),
        ] {
            let mut revoked = Revoked::default();
            revoked.add(what.clone(), T(100), T(0));
            revoked.add(what, T(50), T(0));
            assert!(revoked.covers(&hit, T(99)) && !revoked.covers(&hit, T(100)));
            assert!(!revoked.covers(&claims("a", "ann", 2), T(0)));
        }
    }

    #[test]
    fn what_was_taken_back_can_be_given_back_and_told_anew_as_a_whole() {
        let keeper = Gatekeeper::default();
        let covers = |cti| keeper.now().revoked.covers(&claims("a", "ann", cti), T(0));
        keeper.revoke(Revocation::Token(vec![1; 16]), T(100), T(0));
        keeper.revoke(Revocation::Token(vec![2; 16]), T(100), T(0));
        let before = keeper.version();
        keeper.restore(&Revocation::Token(vec![1; 16]));
        assert!(!covers(1) && covers(2) && keeper.version() > before);
        keeper.replace_tokens([(vec![3; 16], T(100))], T(0));
        assert!(!covers(2) && covers(3));
        assert_eq!(keeper.silent_ms(5_000), None);
        keeper.expects();
        assert_eq!(keeper.silent_ms(5_001), Some(5_000), "and so a bound on its silence is passed");
    }

    #[test]
    fn too_many_close_every_gate_and_old_ones_make_room() {
        let mut revoked = Revoked::default();
        for n in 0..REVOKED_MAX as u64 {
            revoked.until.insert(Revocation::Token(n.to_le_bytes().to_vec()), T(10 + n));
        }
        revoked.add(Revocation::Subject("bob".into()), T(90), T(0));
        let other = claims("a", "ann", 7);
        assert!(revoked.covers(&other, T(89)) && !revoked.covers(&other, T(90)));
        revoked.add(Revocation::Subject("eve".into()), T(95), T(11));
        assert!(revoked.covers(&claims("a", "eve", 7), T(94)) && revoked.until.len() <= REVOKED_MAX);
    }
}
