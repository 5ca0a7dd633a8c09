//! A data folder of its own for every test, and the shortest way to an asset with a job.
#![allow(dead_code)] // each test binary uses a part

pub mod postgres;
pub mod weed;

use std::path::PathBuf;
use std::sync::Arc;

use durable::catalogue::{Actor, Init, JobKind, Lease, NewAsset, Planned, SegmentRow, StoredChunk, Visibility};
use durable::{AssetId, Disk, ObjectId, Places, Store};
use postgres::Server;
use tempfile::TempDir;

pub struct House {
    pub folder: TempDir,
    pub store: Store,
    /// The catalogue's server, in the test binary that runs the same tests on PostgreSQL.
    pub server: Option<Arc<Server>>,
}

/// Who does things in these tests.
pub fn actor() -> Actor {
    Actor { owner: "admin".into(), key: "admin".into() }
}

pub async fn house() -> House {
    house_on(Disk::default()).await
}

pub async fn house_on(disk: Disk) -> House {
    let is_postgres = env!("CARGO_CRATE_NAME") == "postgres";
    let server = is_postgres.then(|| Arc::new(Server::start()));
    open(tempfile::tempdir().unwrap(), disk, server).await
}

async fn open(folder: TempDir, disk: Disk, server: Option<Arc<Server>>) -> House {
    let catalogue = server.as_ref().map(|server| server.url().parse().unwrap());
    let places = Places { catalogue, objects: None };
    let store = Store::open_at(folder.path(), disk, &places).await.unwrap();
    House { folder, store, server }
}

impl House {
    /// The process dies and another one starts.
    pub async fn restart(self) -> House {
        let Self { folder, store, server } = self;
        store.close().await;
        open(folder, Disk::default(), server).await
    }

    /// Another process with a data folder of its own; on SQLite there is none that shares the catalogue.
    pub async fn neighbour(&self) -> Option<House> {
        let server = self.server.clone()?;
        Some(open(tempfile::tempdir().unwrap(), Disk::default(), Some(server)).await)
    }

    pub fn places(&self) -> Places {
        Places { catalogue: self.server.as_ref().map(|server| server.url().parse().unwrap()), objects: None }
    }

    /// The catalogue's address for a connection of one's own.
    pub fn database(&self) -> String {
        let file = || format!("sqlite://{}/catalogue.sqlite", self.folder.path().display());
        self.server.as_ref().map_or_else(file, |server| server.url())
    }

    pub fn is_postgres(&self) -> bool {
        self.server.is_some()
    }

    pub fn files(&self, below: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().join(below)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found
    }

    /// An uploaded asset, named by `seed`, with the given bytes; its ingest job is queued at `now`.
    pub async fn upload(&self, seed: u8, bytes: &[u8], now: i64) -> AssetId {
        let id = AssetId::from_random([seed; 10]);
        let stored = self.store.objects.put(bytes).unwrap();
        let new = NewAsset {
            id: id.clone(),
            title: "clip".into(),
            file_name: "clip.mp4".into(),
            owner: "admin".into(),
            meta: Default::default(),
            visibility: Visibility::Open,
            source: stored.id,
            source_bytes: stored.bytes,
            uploaded_ms: now,
            key: None,
        };
        self.store.catalogue.create_asset(&new, now).await.unwrap();
        id
    }

    pub async fn lease(&self, now: i64) -> Option<Lease> {
        self.store.catalogue.lease(JobKind::Ingest, "w", now + 1_000, now).await.unwrap()
    }

    pub async fn plan(&self, lease: &Lease, tracks: &[(&str, u32)], now: i64) {
        let planned: Vec<Planned> = tracks
            .iter()
            .map(|(name, segments)| Planned {
                name: (*name).into(),
                codec: "av1".into(),
                size: Some((640, 360)),
                segments: *segments,
            })
            .collect();
        self.store.catalogue.record_plan(lease, "{}", "{}", 8_000_000, &planned, now).await.unwrap();
    }

    /// One segment of one track, its object stored.
    pub fn chunk(&self, track: &str, index: u32) -> StoredChunk {
        let put = |bytes: &[u8]| self.store.objects.put(bytes).unwrap().id;
        let object = put(format!("{track} {index}").as_bytes());
        StoredChunk {
            track: track.into(),
            init: Init { head: "{}".into(), codec: "av01.0.04M.08".into(), object: put(track.as_bytes()), bytes: 9 },
            segments: vec![SegmentRow { index, object, start: u64::from(index) * 4, duration: 4, bytes: 7 }],
            whole: false,
        }
    }

    pub fn has(&self, id: &ObjectId) -> bool {
        self.store.objects.path(id).exists()
    }
}
