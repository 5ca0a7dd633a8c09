//! SIGHUP: the configuration is read again, file and environment. What can change while running changes; what cannot is named; a file that
//! cannot be used changes nothing.

use crate::config::{self, Config};
use anyhow::Result;
use std::path::Path;

/// Reads the configuration at `path` again and gives it to `apply`, which says which keys of the edge need a restart. Returns what counts
/// from now on; `None`: the old one.
pub fn again(
    path: Option<&Path>,
    old: &Config,
    apply: impl FnOnce(&Config) -> Result<edge::Reloaded>,
) -> Option<Config> {
    match config::load(path).and_then(|new| apply(&new).map(|reloaded| (new, reloaded))) {
        Ok((new, mut reloaded)) => {
            reloaded.need_restart.extend(of_the_origin(old, &new));
            let file = path.map_or("(defaults)".into(), Path::to_string_lossy);
            tracing::info!(file = %file, "the configuration is read again");
            if !reloaded.need_restart.is_empty() {
                tracing::warn!(keys = reloaded.need_restart.join(" "), "these keys have changed and need a restart");
            }
            Some(new)
        }
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "the new configuration cannot be used; the old one stays");
            None
        }
    }
}

/// Keys of the origin that have changed: it reads them at start alone.
fn of_the_origin(old: &Config, new: &Config) -> Vec<&'static str> {
    let changed = [
        ("storage.data", old.data != new.data),
        ("storage.catalogue", old.catalogue != new.catalogue),
        ("origin.listen", old.origin_listen != new.origin_listen),
        ("origin.admin_key", old.origin_admin_key != new.origin_admin_key),
        ("work.lanes", old.lanes != new.lanes),
        ("work.av1_speed", old.av1_speed != new.av1_speed),
        ("work.encryption", old.encrypt != new.encrypt),
        ("work.backup_folder work.backups_kept", old.backups != new.backups),
        ("limits.upload", old.upload_bytes_max != new.upload_bytes_max),
    ];
    changed.into_iter().filter(|(_, is_changed)| *is_changed).map(|(key, _)| key).collect()
}
