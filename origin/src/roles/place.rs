//! place: who may be asked, in which order. Mostly those that are well, in turn; an upload under way goes on where its bytes are, and
//! uploads that are to be put together are begun at one place. Decision 0175.

use std::net::SocketAddr;

use axum::http::HeaderMap;

use super::instances::Instances;
use crate::access::Caller;
use crate::api::problem::Problem;
use crate::house::House;
use crate::upload::bytes_away;

/// What of a request says where it has to go.
#[derive(Debug, Default)]
pub(crate) struct Clue<'a> {
    /// The upload that its path names.
    pub(crate) upload: Option<&'a str>,
}

/// Whom to ask, the first one first.
pub(super) async fn place(
    house: &House,
    instances: &Instances,
    clue: &Clue<'_>,
    headers: &HeaderMap,
    caller: Option<&Caller>,
) -> Result<Vec<SocketAddr>, Problem> {
    let concat = headers.get("upload-concat").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let first_part = concat.strip_prefix("final;").and_then(|parts| parts.split_ascii_whitespace().next());
    let named = clue.upload.or_else(|| first_part.and_then(|path| path.rsplit('/').next()));
    if let Some(id) = named
        && let Some(upload) = house.store.catalogue.upload(id).await?
        && let Some(instance) = upload.bytes_at()
    {
        return instances.named(instance).map(|at| vec![at]).ok_or_else(bytes_away);
    }
    Ok(match caller {
        // The parts of one owner, until the instances change; then a part is refused and all are begun anew.
        Some(caller) if concat == "partial" => instances.order_of(&caller.owner),
        _ => instances.order(),
    })
}
