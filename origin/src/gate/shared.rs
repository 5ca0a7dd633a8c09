//! shared: what gateways have in common is asked after before a rule is decided. Tries at passwords and questions to chains are bounded over all
//! of them by one Redis: while it does not answer, nobody knows how many there were, and doubt is a refusal. Decision 0254.

use super::watch::NotLetIn;
use crate::house::House;

/// Whether a rule may be decided now: where a Redis is configured, it answers. Without one this process is all there is.
pub(crate) async fn shared(house: &House) -> Result<(), NotLetIn> {
    if house.cache.answers().await { Ok(()) } else { Err(NotLetIn::Unshared) }
}
