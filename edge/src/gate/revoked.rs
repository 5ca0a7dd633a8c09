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
    /// What the origin signs with, beside the configured ones.
    pub(crate) keys: Option<Arc<KeySet>>,
}

impl Gatekeeper {
    /// Takes something back until `until`, when the last token that it concerns has expired by itself.
    pub fn revoke(&self, what: Revocation, until: UnixSeconds, now: UnixSeconds) {
        self.revoke_made_by(what, UnixSeconds(u64::MAX), until, now);
    }

    /// The same of tokens that were made by then; of those that do not say when, too.
    pub fn revoke_made_by(&self, what: Revocation, made_by: UnixSeconds, until: UnixSeconds, now: UnixSeconds) {
        let mut held = self.hold();
        Arc::make_mut(&mut held.revoked).add(what, Ends { made_by, until }, now);
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

    /// Puts this in the place of everything that was taken back, each with when its tokens were made by and when they have expired: what came
    /// before was missed.
    pub fn replace(&self, taken: impl IntoIterator<Item = (Revocation, UnixSeconds, UnixSeconds)>, now: UnixSeconds) {
        let mut held = self.hold();
        let revoked = Arc::make_mut(&mut held.revoked);
        revoked.until.clear();
        for (what, made_by, until) in taken {
            revoked.add(what, Ends { made_by, until }, now);
        }
        self.0.version.fetch_add(1, Ordering::Release);
    }

    /// Somebody follows the origin and has not heard it yet: what it has taken back is not known.
    pub fn expects(&self) {
        self.0.heard_ms.fetch_max(1, Ordering::Relaxed);
    }

    /// The origin signs with these keys: tokens are checked with them from now on, and with the configured ones. Whether they are others than
    /// before.
    pub fn change_keys(&self, keys: KeySet) -> bool {
        let mut held = self.hold();
        if held.keys.as_deref() == Some(&keys) {
            return false;
        }
        held.keys = Some(Arc::new(keys));
        self.0.version.fetch_add(1, Ordering::Release);
        true
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
    until: HashMap<Revocation, Ends>,
    /// There was no room for one that lasts until then.
    everything_until: Option<UnixSeconds>,
}

/// Of which tokens, and how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Ends {
    /// Those that were made by then.
    made_by: UnixSeconds,
    /// They have expired by then.
    until: UnixSeconds,
}

impl Revoked {
    fn add(&mut self, what: Revocation, ends: Ends, now: UnixSeconds) {
        self.until.retain(|_, ends| now < ends.until);
        if self.until.len() >= REVOKED_MAX && !self.until.contains_key(&what) {
            self.everything_until = self.everything_until.max(Some(ends.until));
            return;
        }
        let known = self.until.entry(what).or_insert(ends);
        *known = Ends { made_by: known.made_by.max(ends.made_by), until: known.until.max(ends.until) };
    }

    /// Whether a token that says this has been taken back.
    pub(crate) fn covers(&self, claims: &Claims, now: UnixSeconds) -> bool {
        if self.until.is_empty() && self.everything_until.is_none() {
            return false;
        }
        let holds = |what: Revocation| {
            let made_by = |ends: &Ends| claims.iat.is_none_or(|made| made <= ends.made_by);
            self.until.get(&what).is_some_and(|ends| now < ends.until && made_by(ends))
        };
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

    fn always(until: u64) -> Ends {
        Ends { made_by: T(u64::MAX), until: T(until) }
    }

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
            revoked.add(what.clone(), always(100), T(0));
            revoked.add(what, always(50), T(0));
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
        keeper.revoke(Revocation::Asset("a".into()), T(100), T(0));
        keeper.replace([(Revocation::Token(vec![3; 16]), T(u64::MAX), T(100))], T(0));
        assert!(!covers(2) && covers(3));
        assert_eq!(keeper.silent_ms(5_000), None);
        keeper.expects();
        assert_eq!(keeper.silent_ms(5_001), Some(5_000), "and so a bound on its silence is passed");
    }

    #[test]
    fn of_a_subject_and_an_asset_only_what_was_made_by_then_is_taken_back() {
        for what in [Revocation::Subject("ann".into()), Revocation::Asset("a".into())] {
            let mut revoked = Revoked::default();
            revoked.add(what, Ends { made_by: T(50), until: T(1_000) }, T(50));
            let made = |iat| Claims { iat, ..claims("a", "ann", 1) };
            assert!(revoked.covers(&made(Some(T(50))), T(60)) && revoked.covers(&made(None), T(60)));
            assert!(!revoked.covers(&made(Some(T(51))), T(60)));
        }
    }

    #[test]
    fn too_many_close_every_gate_and_old_ones_make_room() {
        let mut revoked = Revoked::default();
        for n in 0..REVOKED_MAX as u64 {
            revoked.until.insert(Revocation::Token(n.to_le_bytes().to_vec()), always(10 + n));
        }
        revoked.add(Revocation::Subject("bob".into()), always(90), T(0));
        let other = claims("a", "ann", 7);
        assert!(revoked.covers(&other, T(89)) && !revoked.covers(&other, T(90)));
        revoked.add(Revocation::Subject("eve".into()), always(95), T(11));
        assert!(revoked.covers(&claims("a", "eve", 7), T(94)) && revoked.until.len() <= REVOKED_MAX);
    }
}
