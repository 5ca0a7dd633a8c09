//! A chain of a few contracts behind JSON-RPC, which can be changed, reorganised and silenced.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the chain says.
#[derive(Debug, Default)]
pub struct State {
    /// By contract and data of the call: what is returned. A contract without a line reverts; one without any is none.
    pub words: BTreeMap<(String, String), String>,
    /// Answers nothing.
    pub is_dead: bool,
    pub block: u64,
    /// How often something was called.
    pub calls: u64,
    /// Counts the histories: a reorganisation makes another one, with other hashes.
    pub fork: u64,
    /// Transfers: the block, the contract, from whom, to whom.
    pub moved: Vec<(u64, String, String, String)>,
    /// `eth_getLogs` is refused, as endpoints do that bound its range.
    pub hides_logs: bool,
}

/// `Transfer(address,address,uint256)`.
const TRANSFER: &str = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";

impl State {
    fn hash(&self, block: u64) -> String {
        format!("0x{:032x}{block:032x}", self.fork)
    }
}

#[derive(Debug, Clone)]
pub struct FakeChain {
    pub url: String,
    state: Arc<Mutex<State>>,
}

pub fn word(n: u64) -> String {
    format!("0x{n:064x}")
}

impl FakeChain {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let chain = Self { url: format!("http://{}", listener.local_addr().unwrap()), state: Arc::default() };
        let served = chain.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, served.clone()));
            }
        });
        chain
    }

    /// Changes something; the change is in a new block.
    pub fn mine(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap();
        change(&mut state);
        state.block += 1;
    }

    /// Gives the one token of a holder to another one, with its log, in a new block.
    pub fn transfer(&self, at: &str, from: &str, to: &str) {
        let asks = |holder: &str| (at.to_owned(), format!("0x70a08231{:0>64}", holder.trim_start_matches("0x")));
        self.mine(|state| {
            state.words.insert(asks(from), word(0));
            state.words.insert(asks(to), word(1));
            let block = state.block + 1;
            state.moved.push((block, at.to_owned(), from.to_owned(), to.to_owned()));
        });
    }

    /// Another history of the same length, in which the last transfer did not happen.
    pub fn reorganise(&self) {
        let mut state = self.state.lock().unwrap();
        let (_, at, from, to) = state.moved.pop().expect("a transfer");
        let asks = |holder: &str| (at.clone(), format!("0x70a08231{:0>64}", holder.trim_start_matches("0x")));
        let (from, to) = (asks(&from), asks(&to));
        state.words.insert(from, word(1));
        state.words.insert(to, word(0));
        state.fork += 1;
    }

    pub fn calls(&self) -> u64 {
        self.state.lock().unwrap().calls
    }

    /// Makes an ERC-721 or, by its interface, another contract that says what it supports.
    pub fn contract(&self, at: &str, interface: &str) {
        let asks = |id: &str| (at.to_owned(), format!("0x01ffc9a7{id:0<64}"));
        self.mine(|state| {
            state.words.insert(asks(interface), word(1));
            state.words.insert(asks("ffffffff"), word(0));
        });
    }

    pub fn balance(&self, at: &str, holder: &str, n: u64) {
        let data = format!("0x70a08231{:0>64}", holder.trim_start_matches("0x"));
        self.mine(|state| drop(state.words.insert((at.to_owned(), data), word(n))));
    }

    fn answer(&self, asked: &Value) -> Option<Value> {
        let mut state = self.state.lock().unwrap();
        if state.is_dead {
            return None;
        }
        let params = &asked["params"];
        let id = &asked["id"];
        Some(match asked["method"].as_str()? {
            "eth_chainId" => json!({ "id": id, "result": "0x7a69" }),
            "eth_getBlockByNumber" => {
                let number = format!("0x{:x}", state.block);
                json!({ "id": id, "result": { "number": number, "hash": state.hash(state.block), "timestamp": "0x64" } })
            }
            "eth_getCode" => {
                let is_there = state.words.keys().any(|(at, _)| Some(at.as_str()) == params[0].as_str());
                json!({ "id": id, "result": if is_there { "0x00" } else { "0x" } })
            }
            "eth_call" => {
                state.calls += 1;
                let (to, data) = (params[0]["to"].as_str()?, params[0]["data"].as_str()?);
                match state.words.get(&(to.to_owned(), data.to_owned())) {
                    Some(word) => json!({ "id": id, "result": word }),
                    None => json!({ "id": id, "error": { "code": 3, "message": "execution reverted" } }),
                }
            }
            "eth_getLogs" if state.hides_logs => {
                json!({ "id": id, "error": { "code": -32005, "message": "too many blocks" } })
            }
            "eth_getLogs" => {
                let wanted = params[0]["address"].as_array()?;
                let first = u64::from_str_radix(params[0]["fromBlock"].as_str()?.trim_start_matches("0x"), 16).ok()?;
                let topic = |holder: &str| format!("0x{:0>64}", holder.trim_start_matches("0x"));
                let logs: Vec<Value> = state
                    .moved
                    .iter()
                    .enumerate()
                    .filter(|(_, (block, at, ..))| *block >= first && wanted.iter().any(|one| one == at))
                    .map(|(n, (block, at, from, to))| {
                        let topics = [TRANSFER.to_owned(), topic(from), topic(to), word(7)];
                        json!({ "address": at, "topics": topics, "blockNumber": format!("0x{block:x}"),
                            "blockHash": state.hash(*block), "logIndex": format!("0x{n:x}") })
                    })
                    .collect();
                json!({ "id": id, "result": logs })
            }
            other => panic!("{other}"),
        })
    }
}

async fn serve(mut stream: TcpStream, chain: FakeChain) -> Option<()> {
    loop {
        let mut bytes = Vec::new();
        let asked: Value = loop {
            let mut piece = [0; 4096];
            let n = stream.read(&mut piece).await.ok().filter(|&n| n > 0)?;
            bytes.extend_from_slice(&piece[..n]);
            let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            if let Ok(value) = serde_json::from_slice(&bytes[end + 4..]) {
                break value;
            }
        };
        let body = chain.answer(&asked)?.to_string();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all((head + &body).as_bytes()).await.ok()?;
    }
}
