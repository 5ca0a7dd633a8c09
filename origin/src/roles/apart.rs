//! What must be there before parts of an origin can run in processes of their own. A process that its gateway could not reach, or that
//! would work on rows of its own, does not start.

use super::Role;
use crate::Config;
use crate::config::ROLE_SECRET_CHARS_MIN;

impl Config {
    /// Whether what is configured can be run: all of it, or a part with what a part needs. Says in the log what such a process will
    /// not be able to do.
    ///
    /// # Errors
    /// A sentence that says what to do.
    pub(crate) fn check_roles(&self) -> Result<(), String> {
        let (roles, secret) = (self.roles, self.role_secret.as_ref());
        if secret.is_some_and(|secret| !secret.is_secret_enough()) {
            return Err(format!(
                "roles.secret is shorter than {ROLE_SECRET_CHARS_MIN} characters; `openssl rand -hex 32` makes one"
            ));
        }
        if roles.is_whole() {
            return Ok(());
        }
        if secret.is_none() {
            return Err(format!(
                "roles.run is \"{roles}\" and roles.secret is empty: processes of one installation know each other by it, so nobody \
                 could reach this one; set the same STREAMGATE_ROLES__SECRET for all of them (`openssl rand -hex 32` makes one), or \
                 run all roles here"
            ));
        }
        if self.catalogue.is_none() {
            return Err(format!(
                "roles.run is \"{roles}\" and storage.catalogue is empty: processes of one installation share one PostgreSQL; set \
                 the same STREAMGATE_STORAGE__CATALOGUE for all of them, or run all roles here"
            ));
        }
        let of_bytes = [Role::Upload, Role::Streaming, Role::Transcoder];
        let here = of_bytes.into_iter().filter(|role| roles.has(*role)).count();
        if self.objects.is_none() && (1..of_bytes.len()).contains(&here) {
            tracing::warn!(
                "storage.objects is empty: what is uploaded, encoded or played here is in this data folder alone, and the roles \
                 upload, transcoder and streaming do not all run here; set the same S3 for all of them"
            );
        }
        for role in Role::ALL.into_iter().filter(|role| roles.has(Role::Gateway) && !roles.answers(*role, self)) {
            if self.role_addresses.of(role).is_empty() {
                let role = role.word();
                tracing::warn!("roles.{role} names no address: what that role answers is refused here with 503");
            }
        }
        Ok(())
    }
}
