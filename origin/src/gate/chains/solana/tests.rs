//! Promised: an endpoint on another cluster, behind the others, or in the far future gives no answer, and another one does in its place.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::gate::ChainConfig;
use crate::gate::chains::{ChainError, Chains};

const MAINNET: &str = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d";
const WALLET: Key = Key([2; 32]);
const MINT: Key = Key([1; 32]);

/// What an endpoint says.
#[derive(Debug, Clone, Copy)]
struct Habit {
    genesis: &'static str,
    /// The slot of its clock, and the one that it says of its answers.
    slots: (u64, u64),
    units: u64,
    /// It says that it has not come so far, so many times in a row before each answer about tokens.
    behind: usize,
    /// So many accounts less than it was asked for.
    short: usize,
}

const HONEST: Habit = Habit { genesis: MAINNET, slots: (100, 100), units: 7, behind: 0, short: 0 };

fn account() -> [u8; 165] {
    let mut data = [0; 165];
    data[..32].copy_from_slice(&MINT.0);
    data[32..64].copy_from_slice(&WALLET.0);
    data[108] = 1;
    data
}

fn row(data: &[u8], owner: &str) -> Value {
    json!({ "data": [STANDARD.encode(data), "base64"], "owner": owner })
}

/// Each place has an account of whose key it is.
fn at(key: &Value) -> Value {
    let mut data = account();
    data[32..64].copy_from_slice(&key.as_str().unwrap().parse::<Key>().unwrap().0);
    row(&data, &TOKEN.to_string())
}

fn answer(method: &str, params: &Value, habit: Habit) -> Value {
    let told = |value: Value| json!({ "context": { "slot": habit.slots.1 }, "value": value });
    match method {
        "getGenesisHash" => json!(habit.genesis),
        "getAccountInfo" => {
            let clock = [&habit.slots.0.to_le_bytes()[..], &[0; 24], &1_000_u64.to_le_bytes()].concat();
            told(row(&clock, "Sysvar1111111111111111111111111111111111111"))
        }
        "getMultipleAccounts" => {
            let keys = params[0].as_array().unwrap();
            assert!(keys.len() <= 100, "{} accounts with one question", keys.len());
            told(keys[habit.short..].iter().map(at).collect())
        }
        _ => {
            let mut data = account();
            data[64..72].copy_from_slice(&habit.units.to_le_bytes());
            told(json!([{ "pubkey": MINT, "account": row(&data, &TOKEN.to_string()) }]))
        }
    }
}

async fn endpoint(habit: Habit, counted: Arc<AtomicUsize>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, habit, counted.clone()));
        }
    });
    url
}

async fn serve(mut stream: TcpStream, habit: Habit, counted: Arc<AtomicUsize>) -> Option<()> {
    let (mut bytes, mut refused) = (Vec::new(), 0);
    loop {
        let mut piece = [0; 4096];
        let n = stream.read(&mut piece).await.ok().filter(|&n| n > 0)?;
        bytes.extend_from_slice(&piece[..n]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let Ok(asked) = serde_json::from_slice::<Value>(&bytes[end + 4..]) else { continue };
        bytes.clear();
        let method = asked["method"].as_str()?;
        counted.fetch_add(usize::from(method == "getMultipleAccounts"), Ordering::Relaxed);
        let is_behind = method == "getTokenAccountsByOwner" && refused < habit.behind;
        refused = if is_behind { refused + 1 } else { 0 };
        let body = if is_behind {
            json!({ "id": asked["id"], "error": { "code": -32016, "message": "Minimum context slot has not been reached" } })
        } else {
            json!({ "id": asked["id"], "result": answer(method, &asked["params"], habit) })
        };
        let body = body.to_string();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).await.ok()?;
        stream.write_all(body.as_bytes()).await.ok()?;
    }
}

async fn cluster(habits: &[Habit], quorum: usize) -> Arc<Cluster> {
    counted(habits, quorum, &Arc::default()).await
}

async fn counted(habits: &[Habit], quorum: usize, questions: &Arc<AtomicUsize>) -> Arc<Cluster> {
    let mut rpc = Vec::new();
    for &habit in habits {
        rpc.push(endpoint(habit, questions.clone()).await);
    }
    let config = ChainConfig { quorum, ..ChainConfig::known("solana", rpc).unwrap() };
    Chains::open(&[config]).unwrap().cluster("solana").unwrap().clone()
}

/// What the wallet has, a minute at most after the time that the endpoints' clocks say.
async fn units(cluster: &Arc<Cluster>) -> Result<u64, ChainError> {
    let at = cluster.slots(1_050_000).await?.last;
    let all = cluster.holdings(&WALLET, Of::Mint { mint: MINT, program: TOKEN }, &at).await?;
    Ok(all.iter().map(|(_, holding)| holding.units).sum())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_on_another_cluster_or_behind_itself_is_not_believed() {
    let elsewhere = Habit { genesis: "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG", ..HONEST };
    // It says of its answers that they are of an earlier slot than its clock, or that it is of a later slot than they are.
    let behind = Habit { slots: (101, 100), ..HONEST };
    assert_eq!(units(&cluster(&[HONEST], 1).await).await, Ok(7));
    for habit in [elsewhere, behind] {
        assert!(units(&cluster(&[habit], 1).await).await.is_err(), "{habit:?}");
        assert_eq!(units(&cluster(&[habit, HONEST], 1).await).await, Ok(7), "{habit:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_a_slot_behind_is_asked_again_and_one_that_stays_there_gives_no_answer() {
    let late = Habit { behind: 2, ..HONEST };
    assert_eq!(units(&cluster(&[late], 1).await).await, Ok(7));
    let stuck = Habit { behind: usize::MAX, ..HONEST };
    let begun = std::time::Instant::now();
    assert!(units(&cluster(&[stuck], 1).await).await.is_err());
    assert!(begun.elapsed() < std::time::Duration::from_secs(3), "within the time limit");
    assert_eq!(units(&cluster(&[stuck, HONEST], 1).await).await, Ok(7), "another one answers meanwhile");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quorum_is_about_values_and_the_slot_that_so_many_have_reached() {
    let ahead = Habit { slots: (900, 900), ..HONEST };
    let liar = Habit { units: 9, ..HONEST };
    assert_eq!(units(&cluster(&[HONEST, ahead], 2).await).await, Ok(7), "at the slot that both have reached");
    assert_eq!(units(&cluster(&[liar, HONEST, HONEST], 2).await).await, Ok(7));
    assert!(units(&cluster(&[liar, HONEST], 2).await).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_whose_time_is_old_stands_still() {
    let cluster = cluster(&[HONEST], 1).await;
    assert!(matches!(cluster.slots(1_061_000).await, Err(ChainError::StandsStill { .. })));
    assert!(cluster.slots(1_060_000).await.is_ok());
}

/// How many of a crowd, each of whom asks for an account of its own, got it.
async fn crowd(cluster: &Arc<Cluster>, count: u8) -> usize {
    let at = cluster.slots(1_050_000).await.unwrap().last;
    let keys = (0..count).map(|n| Key([n; 32]));
    let asked = keys.map(|key| async move {
        let got = cluster.accounts_with_others(&[key], &at).await.ok()?;
        (got.len() == 1 && holding(got[0].as_ref()?)?.owner == key).then_some(())
    });
    futures_util::future::join_all(asked).await.into_iter().flatten().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_is_a_few_questions_and_each_gets_its_own_account() {
    let questions = Arc::default();
    let cluster = counted(&[HONEST], 1, &questions).await;
    assert_eq!(crowd(&cluster, 250).await, 250);
    // The first one may go alone, before the others are there.
    assert!(questions.load(Ordering::Relaxed) <= 4, "{questions:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_about_fewer_accounts_than_were_asked_for_is_nobodys() {
    let short = Habit { short: 1, ..HONEST };
    assert_eq!(crowd(&cluster(&[short], 1).await, 60).await, 0);
    assert_eq!(crowd(&cluster(&[short, HONEST], 1).await, 60).await, 60, "another one answers");
}
