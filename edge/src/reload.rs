//! Another configuration without a restart. What can be wrong with it is found before anything changes; then every shard is sent it, and
//! takes it between two steps: what is under way goes on, and no lock comes on the way of a request.

use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;
use std::sync::{Arc, MutexGuard, PoisonError};

use rustls::ClientConfig;

use crate::config::{Config, Https};
use crate::door::Door;
use crate::door::addresses::Addresses;
use crate::limits::RELOAD_CONFIRM;
use crate::rt;
use crate::shard::Shard;
use crate::shard::mail::Mail;
use crate::start::{Edge, StartError, located, roots};
use crate::upstream::watch::Watch;
use crate::upstream::{self, Seen, Slot};

/// What a reload changes of a running edge.
pub(crate) struct Live {
    pub(crate) config: Arc<Config>,
    pub(crate) watch: Option<Watch>,
    pub(crate) addresses: Option<Arc<Addresses>>,
}

/// What a shard is sent.
pub(crate) struct Reload {
    config: Arc<Config>,
    tls: Arc<ClientConfig>,
    slots: Arc<[Slot]>,
    /// By shard.
    seen: Vec<Vec<Arc<Seen>>>,
    addresses: Option<Arc<Addresses>>,
}

/// How a reload went.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reloaded {
    /// Keys whose new value is not used before a restart, as they are called in the configuration file.
    pub need_restart: Vec<&'static str>,
}

impl Edge {
    /// Uses `config` from now on, as far as a running edge can, and opens the access log anew. Returns once every shard does. An error
    /// leaves everything as it was. Blocks; not for async code.
    pub fn reload(&self, config: Config) -> Result<Reloaded, StartError> {
        let mut live = self.live();
        let (config, need_restart) = settled(&live.config, config);
        let config = Arc::new(config);
        let tls = roots(&config)?;
        let places = located(&config)?;
        if !self.view.has_room(places.len()) {
            return Err(StartError::Places);
        }
        // The last thing that can fail.
        if let (Some(reloader), Some(https)) = (&self.reloader, &config.https) {
            reloader.change(https.clone())?;
        }
        self.view.change(places);
        live.addresses = match live.addresses.take() {
            Some(addresses) => Some(addresses),
            None => Door::shared(&config.limits),
        };
        let slots = self.view.slots();
        let seen = (0..self.mailboxes.len()).map(|shard| self.view.of_shard(shard)).collect();
        // Its news are about what it was started with: it ends before the shards change.
        live.watch.take();
        let addresses = live.addresses.clone();
        self.send(Reload { config: config.clone(), tls: tls.clone(), slots: slots.clone(), seen, addresses });
        let watch = upstream::watch::start(config.clone(), tls, slots, self.mailboxes.clone());
        live.watch = Some(watch.map_err(StartError::Thread)?);
        live.config = config;
        self.reopen_log.store(true, Ordering::Relaxed);
        Ok(Reloaded { need_restart })
    }

    pub(crate) fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, reload: Reload) {
        let reload = Arc::new(reload);
        let (done, taken) = channel();
        for shard in &self.mailboxes {
            shard.send_anyhow(Mail::Reload(reload.clone(), done.clone()));
        }
        drop(done);
        for _ in &self.mailboxes {
            // A shard that hangs will take it when it can.
            let _ = taken.recv_timeout(RELOAD_CONFIRM);
        }
    }
}

/// `new` with what only a restart can change as it was, and the names of what that was.
fn settled(old: &Config, mut new: Config) -> (Config, Vec<&'static str>) {
    fn keep<T: PartialEq + Clone>(names: &mut Vec<&'static str>, name: &'static str, new: &mut T, old: &T) {
        if new != old {
            names.push(name);
            new.clone_from(old);
        }
    }
    let mut names = Vec::new();
    keep(&mut names, "edge.http", &mut new.http, &old.http);
    keep(&mut names, "edge.admin", &mut new.admin, &old.admin);
    keep(&mut names, "edge.shards", &mut new.shards, &old.shards);
    keep(&mut names, "edge.ram", &mut new.ram_bytes, &old.ram_bytes);
    keep(&mut names, "edge.disks", &mut new.disks, &old.disks);
    keep(&mut names, "edge.handover", &mut new.handover, &old.handover);
    keep(&mut names, "edge.access_log", &mut new.access_log, &old.access_log);
    keep(&mut names, "edge.send_zc", &mut new.send_zc, &old.send_zc);
    let listens = |https: &Option<Https>| https.as_ref().map(|https| https.listen);
    if listens(&new.https) != listens(&old.https) {
        names.push("edge.https");
        new.https.clone_from(&old.https);
    }
    // Not in any file.
    new.pages.clone_from(&old.pages);
    new.congestion.clone_from(&old.congestion);
    (new.pin, new.faults) = (old.pin, old.faults);
    for (name, before) in
        [(&mut new.upstream.cdn_id, &old.upstream.cdn_id), (&mut new.upstream.node, &old.upstream.node)]
    {
        // A random one was made at start.
        if name.is_empty() {
            name.clone_from(before);
        }
    }
    (new, names)
}

impl Shard {
    /// Uses another configuration from now on.
    pub(crate) fn reload(&self, new: &Reload) {
        let config = &new.config;
        self.tokens.borrow_mut().configure(&config.keys);
        self.tokens.borrow_mut().set_staleness_max(config.staleness_max);
        self.tokens.borrow_mut().set_countries(config.countries.clone());
        self.access.borrow_mut().set_sample(config.access_log_sample);
        self.door.change(&config.limits, new.addresses.clone());
        self.sources.change(&config.upstream, &new.tls, &new.slots, &new.seen[self.id], rt::now());
        self.set_config(config);
    }
}
