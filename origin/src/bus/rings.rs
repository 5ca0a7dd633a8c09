//! A bell that is rung here is heard by the workers of other processes, and the other way round. A ring that nobody hears is no loss.

use async_nats::Client;
use bytes::Bytes;
use durable::catalogue::JobKind;
use futures_util::StreamExt;
use tokio::sync::broadcast::error::RecvError;

use crate::house::House;
use crate::limits::BUS_AGAIN;

/// Carries rings both ways, for ever.
pub(super) async fn carry(house: &House, client: &Client) {
    tokio::join!(out(house, client), back(house, client));
}

async fn out(house: &House, client: &Client) {
    let mut rung = house.bells.rung();
    loop {
        match rung.recv().await {
            Ok(kind) => {
                // Kept by the client while there is no server, and so at worst late.
                if let Err(error) = client.publish(format!("streamgate.jobs.{}", kind.word()), Bytes::new()).await {
                    tracing::debug!(%error, "a ring was not carried");
                }
            }
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return std::future::pending().await,
        }
    }
}

async fn back(house: &House, client: &Client) {
    loop {
        match client.subscribe("streamgate.jobs.*").await {
            Ok(mut rings) => {
                while let Some(ring) = rings.next().await {
                    let word = ring.subject.rsplit('.').next().unwrap_or_default();
                    if let Some(kind) = JobKind::from_word(word) {
                        house.bells.ring_here(kind);
                    }
                }
            }
            Err(error) => tracing::debug!(%error, "rings are not heard"),
        }
        tokio::time::sleep(BUS_AGAIN).await;
    }
}
