//! Start and end of an origin.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use durable::{Places, Store, StoreError};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use wire::token::KeySet;

use crate::clock::now_ms;
use crate::config::RoleAddresses;
use crate::gate::chains::Chains;
use crate::gate::{self, ChainSetupError, KeyFileError, Keys, MintError, Minted, NotLetIn, Source};
use crate::house::House;
use crate::roles::{Elsewhere, Role};
use crate::work::Why;
use crate::{Config, api, bus, rpc, serve, upkeep, work};

/// Why an origin did not start; each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another program listens there.
    #[error(
        "port {} on {} is taken by another program; stop that one, or choose another address with \
         origin.listen (STREAMGATE_ORIGIN__LISTEN)", .0.port(), .0.ip()
    )]
    PortTaken(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}: {source}; check origin.listen")]
    Listen {
        /// Where.
        addr: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// Another process works there.
    #[error(
        "the data folder {} is in use by another process; stop that one, or choose another folder with storage.data \
         (STREAMGATE_STORAGE__DATA)", .0.display()
    )]
    DataInUse(PathBuf),
    /// The folder cannot be used.
    #[error("the data folder {} cannot be used: {source}; check that it can be written by this user", path.display())]
    Data {
        /// Which folder.
        path: PathBuf,
        /// The reason.
        source: StoreError,
    },
    /// The database server, or the S3, cannot be used; a sentence that says what to do.
    #[error("{0}")]
    Catalogue(String),
    /// A part of an origin lacks what a part needs; a sentence that says what to do.
    #[error("{0}")]
    Roles(String),
    /// A key cannot be read or made.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// A chain cannot be set up.
    #[error(transparent)]
    Chain(#[from] ChainSetupError),
}

/// A running origin.
#[derive(Debug)]
pub struct Origin {
    addr: SocketAddr,
    house: Arc<House>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
    workers: JoinSet<()>,
    keeping: JoinHandle<()>,
    /// Where nobody is let in, nobody is shut out either.
    granting: Option<JoinHandle<()>>,
}

/// Starts an origin on the caller's runtime; it answers when this returns.
///
/// # Errors
/// A sentence for the operator.
pub async fn start(config: Config) -> Result<Origin, StartError> {
    let chains = Chains::open(&config.chains)?;
    config.check_roles().map_err(StartError::Roles)?;
    let listener = TcpListener::bind(config.listen).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortTaken(config.listen),
        _ => StartError::Listen { addr: config.listen, source },
    })?;
    let addr = listener.local_addr().map_err(|source| StartError::Listen { addr: config.listen, source })?;
    let path = config.data.clone();
    let unusable = |source| match source {
        StoreError::Locked(path) => StartError::DataInUse(path),
        StoreError::Server(told) => StartError::Catalogue(told),
        source => StartError::Data { path: path.clone(), source },
    };
    let places = Places { catalogue: config.catalogue.clone(), objects: config.objects.clone() };
    let store = Store::open_at(&config.data, config.disk.clone(), &places).await.map_err(unusable)?;
    let source = config.role_secret.as_ref().map_or(Source::Chance, |secret| Source::Secret(secret.text().to_owned()));
    let keys = Keys::open(&config.data, config.admin_key.as_ref(), &source)?;
    let reclaimed = store.catalogue.reclaim_jobs(now_ms()).await.map_err(unusable)?;
    if reclaimed > 0 {
        tracing::info!(jobs = reclaimed, "go on with jobs that were cut off");
    }
    store.catalogue.forget_unanswered().await.map_err(unusable)?;
    let house = Arc::new(House::new(config, store, keys, chains));
    let (stop, stopped) = watch::channel(false);
    let mut workers = work::spawn(&house, &stopped);
    if !house.config.roles.is_whole() && house.config.role_addresses != RoleAddresses::default() {
        workers.spawn(Elsewhere::keep(house.clone(), stopped.clone()));
    }
    if let Some(url) = house.config.nats.clone() {
        workers.spawn(bus::run(house.clone(), url, stopped.clone()));
    }
    let serving = tokio::spawn(serve::serve(listener, rpc::beside(api::router(house.clone())), house.clone(), stopped));
    let keeping = tokio::spawn(upkeep::upkeep(house.clone()));
    let granting = house.config.roles.answers(Role::Auth, &house.config);
    let granting = granting.then(|| tokio::spawn(gate::grants::keep(house.clone())));
    Ok(Origin { addr, house, stop, serving, workers, keeping, granting })
}

impl Origin {
    /// Where it listens; with port 0 in the configuration, the port it got.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What `Authorization: Bearer` of the API must carry.
    pub fn api_key(&self) -> &str {
        self.house.keys.api.text()
    }

    /// What edges must send as `StreamGate-Edge-Key`.
    pub fn edge_key(&self) -> &str {
        self.house.keys.edge.text()
    }

    /// What edges check playback tokens with.
    pub fn verification_keys(&self) -> KeySet {
        self.house.keys.verification_keys()
    }

    /// Mints a playback token for an asset, as `POST /api/v1/content/{id}/token` does.
    ///
    /// # Errors
    /// [`MintError::BadAsset`] when this is no asset's name; whether there is such an asset is not asked.
    pub fn mint(&self, asset: &str, ttl: Duration) -> Result<Minted, MintError> {
        let asset = asset.parse().map_err(|_| MintError::BadAsset)?;
        let wanted = gate::Wanted {
            asset: &asset,
            seconds: ttl.as_secs(),
            subject: None,
            playback: &gate::Playback::default(),
            stream: None,
            taken_back: None,
        };
        gate::mint(&self.house.keys, &wanted, now_ms())
    }

    /// A playback token for an asset, if whoever holds these wallets may watch it by its stored rule. That they have proved
    /// themselves is the caller's to know; one that is no address counts for nothing.
    ///
    /// # Errors
    /// Why nobody is let in, with what is missing.
    pub async fn watch(&self, asset: &str, wallets: &[&str]) -> Result<Minted, NotLetIn> {
        let asset = asset.parse().map_err(|_| NotLetIn::Unknown)?;
        let wallets = wallets.iter().filter_map(|wallet| wallet.parse().ok()).collect();
        gate::watch(&self.house, &asset, gate::Viewer { wallets, ..Default::default() }, now_ms()).await
    }

    /// Stops accepting, answers what has been asked, puts running jobs back to the queue (their stored chunks are kept),
    /// and closes the data folder. Takes at most [`Config::shutdown_limit`] and a little.
    pub async fn shutdown(self) {
        let Self { house, stop, serving, mut workers, keeping, granting, .. } = self;
        let limit = house.config.shutdown_limit;
        let _ = stop.send(true);
        house.ending.store(true, Ordering::Relaxed);
        house.board.cancel_all(Why::Shutdown);
        keeping.abort();
        if let Some(granting) = granting {
            granting.abort();
        }
        let aborting = serving.abort_handle();
        let orderly = async {
            let _ = serving.await;
            while workers.join_next().await.is_some() {}
        };
        if tokio::time::timeout(limit, orderly).await.is_err() {
            tracing::warn!(limit_s = limit.as_secs(), "not everything ended in time; the rest is cut off");
            aborting.abort();
            workers.shutdown().await;
        }
        if let Err(error) = house.counts.flush(&house.store.catalogue, now_ms()).await {
            tracing::warn!(%error, "the last counts of playback are lost");
        }
        house.store.close().await;
    }
}
