//! Where a role runs: the addresses that the operator wrote, each name resolved to all of its addresses again and again (DNS says how many
//! there are), each instance asked whether it is well, all that are in turn.

use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

/// One place as the operator wrote it: `http://upload.internal:9091`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    host: String,
    port: u16,
}

/// The text is no address of a role's instance.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no address such as \"http://upload.internal:9091\"")]
pub struct BadAddress;

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let uri: axum::http::Uri = text.parse().map_err(|_| BadAddress)?;
        let plain = uri.scheme_str() == Some("http") && ["", "/"].contains(&uri.path()) && uri.query().is_none();
        let host = uri.host().filter(|host| plain && !host.is_empty()).ok_or(BadAddress)?;
        Ok(Self { host: host.trim_matches(['[', ']']).to_owned(), port: uri.port_u16().ok_or(BadAddress)? })
    }
}

impl Address {
    /// What it resolves to now.
    pub(super) async fn resolve(&self) -> Vec<SocketAddr> {
        match tokio::net::lookup_host((self.host.as_str(), self.port)).await {
            Ok(found) => found.collect(),
            Err(error) => {
                tracing::warn!(host = self.host, %error, "a role's name cannot be resolved");
                Vec::new()
            }
        }
    }
}

#[derive(Debug, Clone)]
struct Instance {
    at: SocketAddr,
    is_well: bool,
    /// The name of its data folder, once it has said it.
    name: Option<String>,
}

/// The instances of a role, in turn.
#[derive(Debug, Default)]
pub(super) struct Instances {
    known: Mutex<Vec<Instance>>,
    turn: AtomicUsize,
}

impl Instances {
    /// Those that there are now. One that is new is taken to be well until it shows otherwise.
    pub(super) fn are(&self, found: &[SocketAddr]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|instance| found.contains(&instance.at));
        for at in found {
            if !known.iter().any(|instance| instance.at == *at) {
                known.push(Instance { at: *at, is_well: true, name: None });
            }
        }
    }

    /// All, for whoever looks after them.
    pub(super) fn all(&self) -> Vec<SocketAddr> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|instance| instance.at).collect()
    }

    /// One showed that it is well, or is not.
    pub(super) fn showed(&self, at: SocketAddr, is_well: bool) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(instance) = known.iter_mut().find(|instance| instance.at == at)
            && instance.is_well != is_well
        {
            tracing::info!(%at, is_well, "an instance of a role");
            instance.is_well = is_well;
        }
    }

    /// One said which data folder it has. Another one may come to the same address.
    pub(super) fn is_called(&self, at: SocketAddr, name: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(instance) = known.iter_mut().find(|instance| instance.at == at)
            && instance.name.as_deref() != Some(name)
        {
            instance.name = Some(name.to_owned());
        }
    }

    /// The one that has this data folder, when it is well.
    pub(super) fn named(&self, name: &str) -> Option<SocketAddr> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |instance: &&Instance| instance.is_well && instance.name.as_deref() == Some(name);
        known.iter().find(is_it).map(|instance| instance.at)
    }

    /// Whether nobody is there who could be asked.
    pub(super) fn are_away(&self) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        !known.iter().any(|instance| instance.is_well)
    }

    /// Those that are well, for this owner always the same one first: rendezvous hashing by their names, so that all gateways agree
    /// and an instance that goes moves its own owners alone.
    pub(super) fn order_of(&self, owner: &str) -> Vec<SocketAddr> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let weight = |instance: &Instance| {
            let name = instance.name.clone().unwrap_or_else(|| instance.at.to_string());
            <[u8; 32]>::from(Sha256::digest(format!("{owner} {name}")))
        };
        let mut well: Vec<_> = known.iter().filter(|instance| instance.is_well).map(|i| (weight(i), i.at)).collect();
        well.sort_unstable();
        well.into_iter().map(|(_, at)| at).collect()
    }

    /// Whom to ask, in this order: those that are well, each first in turn.
    pub(super) fn order(&self) -> Vec<SocketAddr> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut well: Vec<_> = known.iter().filter(|instance| instance.is_well).map(|instance| instance.at).collect();
        if !well.is_empty() {
            let first = self.turn.fetch_add(1, Ordering::Relaxed) % well.len();
            well.rotate_left(first);
        }
        well
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_are_well_are_asked_in_turn() {
        let at = |n: u16| SocketAddr::from(([10, 0, 0, 1], n));
        let instances = Instances::default();
        assert!(instances.order().is_empty());
        instances.are(&[at(1), at(2), at(3)]);
        let firsts: Vec<_> = (0..4).map(|_| instances.order()[0].port()).collect();
        assert_eq!(firsts, [1, 2, 3, 1]);
        instances.showed(at(2), false);
        assert!((0..4).all(|_| !instances.order().contains(&at(2))));
        instances.are(&[at(2), at(3)]);
        assert_eq!(instances.order(), [at(3)], "what was known of it stays");
        instances.showed(at(2), true);
        assert_eq!(instances.order().len(), 2);
        instances.is_called(at(2), "two");
        assert_eq!((instances.named("two"), instances.named("one")), (Some(at(2)), None));
        for owner in ["alice", "bob"] {
            assert_eq!(instances.order_of(owner), instances.order_of(owner), "one owner, one place");
        }
        let firsts: Vec<_> = (0..32).map(|n| instances.order_of(&n.to_string())[0]).collect();
        assert!(firsts.contains(&at(2)) && firsts.contains(&at(3)), "owners are spread");
        instances.showed(at(2), false);
        assert_eq!((instances.named("two"), instances.are_away()), (None, false));
        let read = |text: &str| text.parse::<Address>();
        assert!(read("http://upload:9091").is_ok() && read("http://[::1]:1/").is_ok());
        for bad in ["upload:9091", "https://a:1", "http://a", "http://a:1/x", ""] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
