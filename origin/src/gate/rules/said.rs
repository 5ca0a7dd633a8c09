//! One word that a contract answered at a block. It is kept under the block's hash, so that a reorganisation voids it, and asked once for all
//! who wait for it, in this process or, by the role cache, in several.
//!
//! At one block a contract does not change its mind; the endpoint that answers for it may, which has not all of a new block yet. So what
//! lets nobody in is asked again after [`DENIALS_KEPT_MS`].

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, keccak256};
use durable::UnixMs;
use moka::future::Cache;

use crate::cache::{Cache as Shared, Looked};
use crate::gate::chains::{Block, Chain, ChainError, Returned};
use crate::limits::{DENIALS_KEPT_MS, READS_KEPT, READS_KEPT_MAX};

/// The tag of what is kept for other processes.
const READS_TAG: &str = "reads";

type Asked = (u64, B256, Address, Bytes);

/// What a contract said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Word([u8; 32]),
    Reverted,
    /// Not one word of 32 bytes.
    Garbled,
}

/// And when it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Read {
    said: Said,
    at_ms: UnixMs,
}

/// What contracts said.
#[derive(Debug)]
pub(super) struct Words(Cache<Asked, Read>);

impl Default for Words {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(READS_KEPT_MAX).time_to_live(READS_KEPT).build())
    }
}

impl Words {
    /// The one word that a contract answers: known here, to another process by the cache that they share, or asked. `opens`: whether it is what
    /// somebody is let in by.
    pub(super) async fn word(
        &self,
        (chain, at): (&Arc<Chain>, &Block),
        (to, data): (Address, Bytes),
        cache: &Shared,
        now: UnixMs,
        opens: impl Fn(Said) -> bool,
    ) -> Result<Said, Arc<ChainError>> {
        let key = (chain.config.id, at.hash, to, data.clone());
        if let Some(read) = self.0.get(&key).await {
            if read.holds(now, &opens) {
                return Ok(read.said);
            }
            self.0.invalidate(&key).await;
        }
        let name = format!("read:{}:{:#x}:{to:#x}:{:#x}", chain.config.id, at.hash, keccak256(&data));
        let read = async {
            let slot = match cache.is_shared().then_some(cache.look(&name, &[READS_TAG])) {
                Some(looking) => match looking.await {
                    Looked::Hit(bytes) => match Read::parse(&bytes).filter(|read| read.holds(now, &opens)) {
                        Some(read) => return Ok(read),
                        None => None,
                    },
                    Looked::Miss(slot) => Some(slot),
                },
                None => None,
            };
            let said = match chain.call_with_others(to, data, at).await? {
                Returned::Data(data) => data.try_into().map_or(Said::Garbled, Said::Word),
                Returned::Reverted => Said::Reverted,
            };
            let read = Read { said, at_ms: now };
            if let Some(slot) = slot {
                cache.fill(slot, read.written(), READS_KEPT).await;
            }
            Ok(read)
        };
        Ok(self.0.try_get_with(key, read).await?.said)
    }
}

impl Read {
    /// Whether it is still taken for the answer.
    fn holds(&self, now: UnixMs, opens: impl Fn(Said) -> bool) -> bool {
        opens(self.said) || now.saturating_sub(self.at_ms) < DENIALS_KEPT_MS
    }

    /// As the cache keeps it: the time, one byte, and the word.
    fn written(self) -> bytes::Bytes {
        let (kind, word) = match &self.said {
            Said::Word(word) => (0, &word[..]),
            Said::Reverted => (1, &[][..]),
            Said::Garbled => (2, &[][..]),
        };
        [&self.at_ms.to_le_bytes()[..], &[kind], word].concat().into()
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (at_ms, said) = bytes.split_first_chunk()?;
        let said = match said {
            [0, word @ ..] => Said::Word(word.try_into().ok()?),
            [1] => Said::Reverted,
            [2] => Said::Garbled,
            _ => return None,
        };
        Some(Self { said, at_ms: UnixMs::from_le_bytes(*at_ms) })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use axum::{Json, Router};
    use serde_json::{Value, json};

    use super::*;
    use crate::gate::ChainConfig;
    use crate::gate::chains::{Chains, abi};

    #[test]
    fn what_another_process_has_read_is_what_it_said_or_nothing() {
        for said in [Said::Word([7; 32]), Said::Reverted, Said::Garbled] {
            let read = Read { said, at_ms: 1_795_402_800_000 };
            assert_eq!(Read::parse(&read.written()), Some(read));
        }
        for bad in [&[][..], &[0], &[0; 8], &[3; 9], &[0; 9], &[0; 40], &[0; 42], &[1; 10]] {
            assert_eq!(Read::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_denial_is_asked_again_after_five_seconds_and_a_hit_is_not() {
        let read = Read { said: Said::Word([7; 32]), at_ms: 100_000 };
        let (enough, too_little) = (|_| true, |_| false);
        assert!(read.holds(104_999, too_little) && !read.holds(105_000, too_little));
        assert!(read.holds(114_999, enough));
    }

    /// A chain that stays at one block, and at which contracts return this number.
    async fn chain(says: &Arc<AtomicU8>) -> Arc<Chain> {
        let says = says.clone();
        let answer = move |Json(asked): Json<Value>| {
            let result = match asked["method"].as_str() {
                Some("eth_chainId") => json!("0x7a69"),
                Some("eth_getBlockByNumber") => {
                    json!({ "number": "0x5", "hash": format!("0x{}", "ab".repeat(32)), "timestamp": "0x64" })
                }
                _ => json!(format!("0x{:064x}", says.load(Ordering::Relaxed))),
            };
            std::future::ready(Json(json!({ "id": asked["id"], "result": result })))
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        let config = ChainConfig::known("anvil", vec![url]).unwrap();
        Chains::open(&[config]).unwrap().named("anvil").unwrap().clone()
    }

    #[tokio::test]
    async fn who_was_denied_is_asked_about_anew_within_five_seconds_of_the_same_block() {
        let (says, words, cache) = (Arc::default(), Words::default(), Shared::open(None, 0));
        let chain = chain(&says).await;
        let at = chain.heads(100_000).await.unwrap().last;
        let holds = |now| {
            let asked = (Address::ZERO, abi::call("balanceOf(address)", &[]));
            let opens = |said| matches!(said, Said::Word(word) if word[31] > 0);
            let told = words.word((&chain, &at), asked, &cache, now, opens);
            async move { opens(told.await.unwrap()) }
        };
        assert!(!holds(100_000).await);
        says.store(1, Ordering::Relaxed);
        assert!(!holds(104_999).await, "the denial is kept");
        assert!(holds(105_000).await, "and asked again");
        says.store(0, Ordering::Relaxed);
        assert!(holds(114_999).await, "a hit is kept for longer");
    }
}
