//! NATS, when there is one: tells other programs what happens, and other processes of this installation that there is work.
//!
//! ```text
//! streamgate.events.<kind>   JetStream: the events of the feed, in their order, each once (events.rs)
//! streamgate.jobs.<kind>     a ring, of use now or never (rings.rs)
//! ```
//!
//! Nothing waits for NATS and nothing is lost with it: events stand in the outbox until they are told, and whoever hears no ring looks
//! into the job table every few seconds. Decision 0171.

mod events;
mod rings;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_nats::{ConnectOptions, Event, ServerAddr};
use tokio::sync::watch;

use crate::house::House;
use crate::limits::{BUS_AGAIN, BUS_WITHIN};

/// Where a NATS is. Its `Debug` shows nothing: there may be a password in it.
#[derive(Clone, PartialEq, Eq)]
pub struct NatsUrl(String);

/// The text is no address such as `nats://user:password@host:4222`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no address such as \"nats://user:password@host:4222\"")]
pub struct NotNats;

impl FromStr for NatsUrl {
    type Err = NotNats;

    fn from_str(text: &str) -> Result<Self, NotNats> {
        text.parse::<ServerAddr>().map(|_| Self(text.to_owned())).map_err(|_| NotNats)
    }
}

impl fmt::Debug for NatsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NatsUrl(..)")
    }
}

/// Runs until `stop` turns true. A server that is not there is waited for.
pub(crate) async fn run(house: Arc<House>, url: NatsUrl, mut stop: watch::Receiver<bool>) {
    let told = house.clone();
    // Of our own rings we have no need. The delay is the same however long it was away: it should be used again soon.
    let options = ConnectOptions::new()
        .name("streamgate")
        .no_echo()
        .retry_on_initial_connect()
        .max_reconnects(None::<usize>)
        .reconnect_delay_callback(|_| BUS_AGAIN)
        .request_timeout(Some(BUS_WITHIN))
        .event_callback(move |event| {
            match event {
                Event::Connected => told.nats_is_there.store(true, Ordering::Relaxed),
                Event::Disconnected | Event::Closed => told.nats_is_there.store(false, Ordering::Relaxed),
                _ => {}
            }
            std::future::ready(())
        });
    let client = match options.connect(url.0.as_str()).await {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "NATS cannot be used; events are told by the feed alone");
            return;
        }
    };
    let working = async { tokio::join!(events::tell(&house, &client), rings::carry(&house, &client)) };
    tokio::select! {
        _ = working => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}
