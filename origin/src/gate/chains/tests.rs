//! Promised: whatever an endpoint sends, a question ends within its time limit with the right answer or none.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// How an endpoint behaves when it is asked to call a contract; everything else it answers well.
#[derive(Debug, Clone, Copy)]
enum Habit {
    /// Returns a word of this number.
    Honest(u8),
    Zeros,
    Nested,
    WrongId,
    Silent,
    /// It says which chain it is on, and nothing else.
    Mute,
    Trickle,
    Fails,
    NoJson,
    Reverts,
    WrongChain,
    EndlessHead,
}

const LIMIT: Duration = Duration::from_secs(2);

async fn endpoint(habit: Habit) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/key", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, habit));
        }
    });
    url
}

async fn serve(mut stream: TcpStream, habit: Habit) -> Option<()> {
    loop {
        let asked = read(&mut stream).await?;
        let id = asked["id"].clone();
        let body = match (asked["method"].as_str()?, habit) {
            ("eth_chainId", Habit::WrongChain) => json!({ "id": id, "result": "0x1" }).to_string(),
            ("eth_chainId", _) => json!({ "id": id, "result": "0x7a69" }).to_string(),
            ("eth_getBlockByNumber", Habit::Mute) => std::future::pending().await,
            ("eth_getBlockByNumber", _) => {
                let hash = format!("0x{}", "ab".repeat(32));
                json!({ "id": id, "result": { "number": "0x5", "hash": hash, "timestamp": "0x64" } }).to_string()
            }
            (_, Habit::Honest(n)) => json!({ "id": id, "result": format!("0x{n:064x}") }).to_string(),
            (_, Habit::Zeros) => json!({ "id": id, "result": format!("0x{}", "0".repeat(1 << 20)) }).to_string(),
            (_, Habit::Nested) => format!(r#"{{"id":{id},"result":{}"#, "[".repeat(60_000)),
            (_, Habit::WrongId) => json!({ "id": 999_999, "result": format!("0x{:064x}", 1) }).to_string(),
            (_, Habit::Silent | Habit::Mute) => std::future::pending().await,
            (_, Habit::Trickle) => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n").await.ok()?;
                loop {
                    stream.write_all(b" ").await.ok()?;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            (_, Habit::EndlessHead) => {
                stream.write_all(b"HTTP/1.1 200 OK\r\n").await.ok()?;
                loop {
                    stream.write_all(b"x: y\r\n").await.ok()?;
                }
            }
            (_, Habit::Fails) => {
                stream.write_all(b"HTTP/1.1 500 no\r\ncontent-length: 0\r\n\r\n").await.ok()?;
                continue;
            }
            (_, Habit::NoJson | Habit::WrongChain) => "<html>".to_owned(),
            (_, Habit::Reverts) => json!({ "id": id, "error": { "code": 3, "message": "reverted" } }).to_string(),
        };
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).await.ok()?;
        stream.write_all(body.as_bytes()).await.ok()?;
    }
}

async fn read(stream: &mut TcpStream) -> Option<Value> {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let n = stream.read(&mut piece).await.ok().filter(|&n| n > 0)?;
        bytes.extend_from_slice(&piece[..n]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        if let Ok(value) = serde_json::from_slice(&bytes[end + 4..]) {
            return Some(value);
        }
    }
}

async fn chain(habits: &[Habit], quorum: usize) -> Arc<Chain> {
    let mut rpc = Vec::new();
    for &habit in habits {
        rpc.push(endpoint(habit).await);
    }
    let config = ChainConfig { quorum, time_limit: LIMIT, ..ChainConfig::known("anvil", rpc).unwrap() };
    Chains::open(&[config]).unwrap().named("anvil").unwrap().clone()
}

async fn balance(chain: &Arc<Chain>) -> Result<Option<u64>, ChainError> {
    let call = Call { to: Some(Default::default()), data: abi::call("balanceOf(address)", &[]), gas: None };
    let block = chain.heads(0).await?.settled;
    Ok(match chain.eth_call(&call, &block).await? {
        Returned::Data(data) => abi::number(&data).map(|n| n.to()),
        Returned::Reverted => None,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_endpoint_alone_gives_no_answer_and_takes_no_longer_than_the_limit() {
    use Habit::*;
    for habit in [Zeros, Nested, WrongId, Silent, Trickle, Fails, NoJson, WrongChain, EndlessHead] {
        let begun = Instant::now();
        let got = balance(&chain(&[habit], 1).await).await;
        assert!(got.is_err(), "{habit:?}: {got:?}");
        assert!(begun.elapsed() < LIMIT * 2, "{habit:?}: {:?}", begun.elapsed());
    }
    assert_eq!(balance(&chain(&[Reverts], 1).await).await, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_endpoint_answers_in_the_place_of_a_hostile_one() {
    use Habit::*;
    for habit in [Zeros, Nested, WrongId, Silent, Trickle, Fails, NoJson, WrongChain, EndlessHead] {
        let chain = chain(&[habit, Honest(7)], 1).await;
        assert_eq!(balance(&chain).await, Ok(Some(7)), "{habit:?}");
        // The next one goes to the endpoint that answers, or is hedged by it.
        assert_eq!(balance(&chain).await, Ok(Some(7)), "{habit:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quorum_is_so_many_equal_answers_or_none() {
    use Habit::*;
    for (habits, expected) in [
        (&[Honest(1), Honest(1)][..], Some(1)),
        (&[Honest(9), Honest(1), Honest(1)], Some(1)),
        (&[Fails, Honest(1), Honest(1)], Some(1)),
        (&[Silent, Honest(1), Honest(1)], Some(1)),
        (&[Honest(1), Honest(2)], None),
        (&[Honest(1), Fails], None),
        (&[Honest(1), Reverts], None),
        (&[Honest(1), WrongChain], None),
    ] {
        let got = balance(&chain(habits, 2).await).await;
        assert_eq!(got.clone().ok().flatten(), expected, "{habits:?}: {got:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_a_silent_chain_waits_for_one_question() {
    let chain = chain(&[Habit::Mute], 1).await;
    let begun = Instant::now();
    let all = futures_util::future::join_all((0..200).map(|_| chain.heads(0))).await;
    assert!(all.iter().all(Result::is_err));
    assert!(begun.elapsed() < LIMIT * 2, "{:?}", begun.elapsed());
    // It is asked again by whoever comes afterwards.
    assert!(chain.heads(0).await.is_err() && begun.elapsed() >= LIMIT * 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quorum_does_not_wait_for_an_endpoint_that_rests() {
    let chain = chain(&[Habit::Mute, Habit::Honest(1), Habit::Honest(1)], 2).await;
    let config = ChainConfig { finality: Finality::Safe, ..chain.config.clone() };
    let chain = Chains::open(&[config]).unwrap().named("anvil").unwrap().clone();
    let begun = Instant::now();
    // The last block is asked of all three, the settled one of those that answered.
    assert!(chain.heads(0).await.is_ok() && begun.elapsed() < LIMIT * 2, "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_stands_still_is_not_believed() {
    let url = endpoint(Habit::Honest(1)).await;
    let config =
        ChainConfig { head_age_max: Some(Duration::from_secs(60)), ..ChainConfig::known("anvil", vec![url]).unwrap() };
    let chain = Chains::open(&[config]).unwrap().named("anvil").unwrap().clone();
    assert!(chain.heads(160_000).await.is_ok(), "a minute old");
    let chain = Chains::open(std::slice::from_ref(&chain.config)).unwrap().named("anvil").unwrap().clone();
    assert!(matches!(chain.heads(161_001 + 1000).await, Err(ChainError::StandsStill { .. })));
}
