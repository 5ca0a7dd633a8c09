//! The front door: who it is that connects, and how much one address may take.
//!
//! - [`addresses`]: connections and requests of each address, counted over all shards without a lock.
//! - [`told`]: what trusted proxies say of whom they speak for.

pub(crate) mod addresses;
pub(crate) mod told;

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::config::Config;
use crate::limits::Limits;
use addresses::{Addresses, Full, Rate, Seat};

/// What a shard holds to at its door.
pub(crate) struct Door {
    /// `None`: no bound on an address is set, and nothing is counted.
    addresses: RefCell<Option<Arc<Addresses>>>,
    connections_max: Cell<u32>,
    /// `None`: no bound on requests.
    rate: Cell<Option<Rate>>,
}

impl Door {
    /// The counts that all shards of an edge share, when there is something to count.
    pub(crate) fn shared(limits: &Limits) -> Option<Arc<Addresses>> {
        let counts = limits.connections_per_address > 0 || limits.requests_per_address_per_second > 0;
        counts.then(|| Arc::new(Addresses::new()))
    }

    pub(crate) fn new(limits: &Limits, addresses: Option<Arc<Addresses>>) -> Door {
        let door = Door { addresses: RefCell::default(), connections_max: Cell::new(0), rate: Cell::new(None) };
        door.change(limits, addresses);
        door
    }

    /// Other bounds from now on. Who sits already is counted in the table that they came by.
    pub(crate) fn change(&self, limits: &Limits, addresses: Option<Arc<Addresses>>) {
        self.connections_max.set(limits.connections_per_address);
        self.rate.set(Rate::new(limits.requests_per_address_per_second, limits.requests_per_address_burst));
        self.addresses.replace(addresses);
    }

    /// Whether `peer` is a proxy that is believed what it says of others.
    pub(crate) fn trusts(config: &Config, peer: SocketAddr) -> bool {
        config.trusted_proxies.iter().any(|net| net.holds(peer.ip()))
    }

    /// Lets a connection of `peer` in. `None`: it is not counted.
    pub(crate) fn enter(&self, peer: SocketAddr, now_ms: u64) -> Result<Option<Seat>, Full> {
        match &*self.addresses.borrow() {
            Some(addresses) => Addresses::enter(addresses, peer.ip(), self.connections_max.get(), now_ms),
            None => Ok(None),
        }
    }

    /// Whether requests are counted: the one question on the way of a hit.
    pub(crate) fn counts_requests(&self) -> bool {
        self.rate.get().is_some()
    }

    /// Whether the address that sits here may have one more request answered.
    pub(crate) fn admits(&self, seat: Option<&Seat>, now_ms: u64) -> bool {
        match (self.rate.get(), seat) {
            (Some(rate), Some(seat)) => seat.take(rate, now_ms),
            _ => true,
        }
    }

    /// Whether `client`, for whom a proxy speaks, may have one more request answered. It has no connection of its own.
    pub(crate) fn admits_told(&self, client: SocketAddr, now_ms: u64) -> bool {
        let addresses = self.addresses.borrow();
        let seat = addresses.as_ref().and_then(|table| table.enter(client.ip(), 0, now_ms).ok().flatten());
        self.admits(seat.as_ref(), now_ms)
    }
}
