//! One endpoint: whether it is on the right chain, and how well it does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::uri::Scheme;
use axum::http::{Request, Uri, header};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::error::{ChainSetupError, RpcError};
use super::rpc::{self, Question};
use crate::limits::{BEHIND_AGAIN, ENDPOINT_REST_MAX, ENDPOINT_REST_MIN, RPC_NUMBER_BYTES_MAX};
use crate::web::{Bounds, Web, WebError};

/// "Minimum context slot has not been reached" (Agave, `rpc-client-api` custom_error.rs).
const BEHIND: i64 = -32_016;

/// What an endpoint has to say of itself, before it is believed in anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    /// EIP-155.
    ChainId(u64),
    /// The first letters of the first block's hash; `None`: whichever.
    Genesis(Option<&'static str>),
}

/// Where JSON-RPC is spoken.
#[derive(Debug)]
pub(crate) struct Endpoint {
    to: Uri,
    identity: Identity,
    web: Web,
    time_limit: Duration,
    next_id: AtomicU64,
    health: Mutex<Health>,
}

/// How an endpoint does.
#[derive(Debug, Clone, Default)]
pub(crate) struct Health {
    /// It has said that it is on the right chain.
    pub(crate) is_verified: bool,
    /// Moving average, the last answer counting for a quarter.
    pub(crate) latency: Option<Duration>,
    /// Failures since the last answer.
    pub(crate) failures: u32,
    pub(crate) answers_total: u64,
    pub(crate) failures_total: u64,
    pub(crate) last_error: Option<RpcError>,
    /// It is asked again after this, or when no other is left.
    rests_until: Option<Instant>,
}

impl Health {
    pub(crate) fn rests(&self, now: Instant) -> bool {
        self.rests_until.is_some_and(|until| now < until)
    }

    fn noted(&mut self, error: Option<&RpcError>, took: Duration, now: Instant) {
        // A revert is the chain's word, not the endpoint's failure.
        let Some(error) = error.filter(|error| **error != RpcError::Reverted) else {
            self.latency = Some(self.latency.map_or(took, |before| (before * 3 + took) / 4));
            (self.failures, self.rests_until, self.last_error) = (0, None, None);
            self.answers_total += 1;
            return;
        };
        self.failures += 1;
        self.failures_total += 1;
        let rest = if *error == RpcError::WrongChain {
            ENDPOINT_REST_MAX
        } else {
            (ENDPOINT_REST_MIN * 2u32.saturating_pow(self.failures.min(16) - 1)).min(ENDPOINT_REST_MAX)
        };
        (self.last_error, self.rests_until) = (Some(error.clone()), Some(now + rest));
    }
}

/// An endpoint's address.
pub(super) fn address(url: &str) -> Result<Uri, ChainSetupError> {
    let uri: Uri = url.parse().map_err(|_| ChainSetupError::Url)?;
    let is_http = uri.scheme() == Some(&Scheme::HTTP) || uri.scheme() == Some(&Scheme::HTTPS);
    (is_http && uri.host().is_some()).then_some(uri).ok_or(ChainSetupError::Url)
}

impl Endpoint {
    pub(super) fn new(url: &str, identity: Identity, time_limit: Duration, web: Web) -> Result<Self, ChainSetupError> {
        Ok(Self { to: address(url)?, identity, web, time_limit, next_id: AtomicU64::new(1), health: Mutex::default() })
    }

    /// Its host and port. Paths of endpoints hold their customer's key, and are shown to nobody.
    pub(crate) fn host(&self) -> String {
        self.to
            .authority()
            .map_or_else(String::new, |authority| authority.as_str().rsplit('@').next().unwrap_or_default().to_owned())
    }

    /// Asks; takes at most the chain's time limit. A node of Solana that has not come to the slot yet is asked again until it has: behind one
    /// address there often are several, a slot apart.
    pub(super) async fn ask<R: DeserializeOwned>(&self, question: &Question) -> Result<R, RpcError> {
        let begun = Instant::now();
        let asking = async {
            if !self.health().is_verified {
                self.verify().await?;
            }
            loop {
                match self.send(question).await {
                    Err(RpcError::Refused(BEHIND)) if matches!(self.identity, Identity::Genesis(_)) => {
                        tokio::time::sleep(BEHIND_AGAIN).await;
                    }
                    answer => return answer,
                }
            }
        };
        // Whoever asks may lose interest (another endpoint was faster); then nothing is noted.
        let answer = tokio::time::timeout(self.time_limit, asking).await.unwrap_or(Err(RpcError::Slow));
        let now = Instant::now();
        self.hold().noted(answer.as_ref().err(), now - begun, now);
        answer
    }

    pub(super) fn note_bad_value(&self) {
        let now = Instant::now();
        self.hold().noted(Some(&RpcError::BadValue), Duration::ZERO, now);
    }

    async fn verify(&self) -> Result<(), RpcError> {
        let method = match self.identity {
            Identity::ChainId(_) => "eth_chainId",
            Identity::Genesis(_) => "getGenesisHash",
        };
        let said: String = self.send(&Question { method, params: json!([]), bytes_max: RPC_NUMBER_BYTES_MAX }).await?;
        let is_right = match self.identity {
            Identity::ChainId(id) => rpc::quantity(&said)? == id,
            Identity::Genesis(begin) => begin.is_none_or(|begin| said.starts_with(begin)),
        };
        if !is_right {
            return Err(RpcError::WrongChain);
        }
        self.hold().is_verified = true;
        Ok(())
    }

    async fn send<R: DeserializeOwned>(&self, question: &Question) -> Result<R, RpcError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let request = Request::post(&self.to)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json")
            .body(question.body(id).into_bytes().into())
            .map_err(|_| RpcError::Unreachable)?;
        let bounds = Bounds { within: self.time_limit, body_bytes_max: question.bytes_max };
        let answer = self.web.ask(request, bounds).await.map_err(|error| match error {
            WebError::Connect(_) => RpcError::Unreachable,
            WebError::Slow(_) => RpcError::Slow,
            WebError::TooLarge(_) => RpcError::TooLarge,
            WebError::Broken(_) => RpcError::Cut,
        })?;
        if !answer.status().is_success() {
            return Err(RpcError::Status(answer.status().as_u16()));
        }
        rpc::read(answer.body(), id)
    }

    pub(crate) fn health(&self) -> Health {
        self.hold().clone()
    }

    fn hold(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
