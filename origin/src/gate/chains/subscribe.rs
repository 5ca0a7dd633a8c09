//! `eth_subscribe` of new blocks over a WebSocket (Geth's, EIP-1193 calls its messages): a bell that has a chain looked at at once, and
//! nothing else. What a block says is asked of the endpoints as ever, and a bell that does not ring costs the time of a look, so nothing
//! here is believed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};

use super::Chain;
use super::error::ChainSetupError;
use crate::limits::{WS_AGAIN_MAX, WS_AGAIN_MIN, WS_CONNECT, WS_MESSAGE_BYTES_MAX, WS_QUIET, WS_RING_EVERY};
use crate::web::WebError;

/// Rung by a new block.
#[derive(Debug, Default)]
pub(super) struct Bell {
    /// How often it was rung: heads that were read before are not the last ones.
    rung: AtomicU64,
    waiting: Notify,
    is_live: AtomicBool,
}

impl Bell {
    pub(super) fn rung(&self) -> u64 {
        self.rung.load(Ordering::Acquire)
    }

    fn ring(&self) {
        self.rung.fetch_add(1, Ordering::AcqRel);
        self.waiting.notify_waiters();
    }
}

/// Why a subscription ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("{0}")]
    Connect(#[from] WebError),
    #[error("{0}")]
    Socket(Box<tungstenite::Error>),
    #[error("it does not answer")]
    Silent,
    #[error("it closed the connection")]
    Closed,
    #[error("it does not subscribe anyone")]
    Refused,
}

impl From<tungstenite::Error> for Ended {
    fn from(error: tungstenite::Error) -> Self {
        Self::Socket(Box::new(error))
    }
}

/// What an endpoint sends: the answer to our question, or a notification.
#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    id: Option<u64>,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    result: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Subscribed,
    Block,
    Refused,
    Nothing,
}

/// What a message means. One that is none of ours means nothing.
fn heard(text: &[u8]) -> Heard {
    let Ok(said) = serde_json::from_slice::<Said>(text) else { return Heard::Nothing };
    match (said.method.as_deref(), said.id, said.result) {
        (Some("eth_subscription"), ..) => Heard::Block,
        (None, Some(1), Some(_)) => Heard::Subscribed,
        (None, Some(1), None) => Heard::Refused,
        _ => Heard::Nothing,
    }
}

/// `ws://` and `wss://` as the schemes that lead to the same place.
pub(super) fn address(url: &str) -> Result<axum::http::Uri, ChainSetupError> {
    let to = match url.split_once("://") {
        Some(("ws", rest)) => format!("http://{rest}"),
        Some(("wss", rest)) => format!("https://{rest}"),
        _ => return Err(ChainSetupError::Socket),
    };
    let uri: axum::http::Uri = to.parse().map_err(|_| ChainSetupError::Socket)?;
    if uri.host().is_some() { Ok(uri) } else { Err(ChainSetupError::Socket) }
}

impl Chain {
    /// Waits for a new block, but no longer than `most`.
    pub(crate) async fn next_block(&self, seen: u64, most: Duration) {
        let waiting = self.bell.waiting.notified();
        // It may have been rung between the look and this.
        if self.bell.rung() == seen {
            let _ = timeout(most, waiting).await;
        }
    }

    /// How often the bell was rung.
    pub(crate) fn rung(&self) -> u64 {
        self.bell.rung()
    }

    /// Whether new blocks are told at the moment; `None`: no endpoint is configured that would.
    pub(crate) fn is_told(&self) -> Option<bool> {
        self.config.ws.as_ref().map(|_| self.bell.is_live.load(Ordering::Relaxed))
    }

    /// Rings the bell at each new block for as long as it is not dropped; comes back when the connection is lost.
    pub(crate) async fn listen(&self) {
        let Some(url) = &self.config.ws else { return };
        let mut again = WS_AGAIN_MIN;
        let mut is_told = false;
        loop {
            let ended = self.subscribed(url).await;
            if self.bell.is_live.swap(false, Ordering::Relaxed) {
                (again, is_told) = (WS_AGAIN_MIN, false);
            }
            if let Err(error) = ended
                && !is_told
            {
                // Its address may hold a customer's key.
                tracing::warn!(chain = self.config.name, %error, "new blocks are not told, and looked for instead");
                is_told = true;
            }
            sleep(again).await;
            again = (again * 2).min(WS_AGAIN_MAX);
        }
    }

    async fn subscribed(&self, url: &str) -> Result<(), Ended> {
        let to = address(url).map_err(|_| Ended::Closed)?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(WS_MESSAGE_BYTES_MAX))
            .max_frame_size(Some(WS_MESSAGE_BYTES_MAX));
        let opened = async {
            let line = self.web.line(to).await?;
            let request = url.into_client_request()?;
            let (mut socket, _) = tokio_tungstenite::client_async_with_config(request, line, Some(config)).await?;
            let question = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"] });
            socket.send(Message::text(question.to_string())).await?;
            Ok::<_, Ended>(socket)
        };
        let mut socket = timeout(WS_CONNECT, opened).await.map_err(|_| Ended::Silent)??;
        let mut is_asked = false;
        loop {
            let message = match timeout(WS_QUIET, socket.next()).await {
                Ok(Some(message)) => message?,
                Ok(None) => return Err(Ended::Closed),
                // A chain may make no block for long; whoever lives says so when asked.
                Err(_) if !is_asked => {
                    is_asked = true;
                    timeout(WS_CONNECT, socket.send(Message::Ping(Default::default())))
                        .await
                        .map_err(|_| Ended::Silent)??;
                    continue;
                }
                Err(_) => return Err(Ended::Silent),
            };
            is_asked = false;
            let Message::Text(text) = message else { continue };
            match heard(text.as_bytes()) {
                Heard::Subscribed => self.bell.is_live.store(true, Ordering::Relaxed),
                Heard::Block => {
                    self.bell.ring();
                    // Blocks that nobody made are told no faster than this; what is told meanwhile waits in the socket.
                    sleep(WS_RING_EVERY).await;
                }
                Heard::Refused => return Err(Ended::Refused),
                Heard::Nothing => {}
            }
        }
    }
}

#[cfg(any(fuzzing, test))]
pub(super) fn fuzz(bytes: &[u8]) {
    let _ = heard(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_notification_rings() {
        let block = r#"{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"0x1","result":{"number":"0x5"}}}"#;
        for (text, expected) in [
            (block, Heard::Block),
            (r#"{"jsonrpc":"2.0","id":1,"result":"0xcd"}"#, Heard::Subscribed),
            (r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}"#, Heard::Refused),
            (r#"{"jsonrpc":"2.0","id":2,"result":"0xcd"}"#, Heard::Nothing),
            (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, Heard::Nothing),
            ("", Heard::Nothing),
            ("[[[", Heard::Nothing),
        ] {
            assert_eq!(heard(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_socket_s_address_is_one() {
        assert_eq!(address("wss://node.example/key").unwrap(), "https://node.example/key");
        assert_eq!(address("ws://127.0.0.1:8545").unwrap(), "http://127.0.0.1:8545/");
        for bad in ["", "http://node.example", "ws://", "wss:/x", "node.example"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
