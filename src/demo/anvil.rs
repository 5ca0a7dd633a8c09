//! A chain of the demo's own, when anvil is installed: a child process on a free port of this machine, ended with the demo, with one collection of
//! tokens on it of which Ada, a wallet in the demo's page, has one.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Accounts that every anvil has coins for, and signs for without a key: whoever puts the contract there, and the two wallets of the page.
const DEPLOYER: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
pub const ADA: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
pub const BOB: &str = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";
/// `Seals` of tests/chain/contracts/Tickets.sol, compiled; a test there compares.
const SEALS: &str = include_str!("seals.hex");
/// `mint(address,uint256)` and `transferFrom(address,address,uint256)`.
const MINT: &str = "40c10f19";
const TRANSFER_FROM: &str = "23b872dd";
/// Where it is installed besides the PATH: by its own installer, and by this repository's tests.
const PLACES: [&str; 2] = [".foundry/bin/anvil", "tests/chain/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"];
const STARTS_WITHIN: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(50);
/// Answers are a few hundred bytes.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// The chain, running.
pub struct Anvil {
    child: Child,
    agent: ureq::Agent,
    pub url: String,
    /// The collection; empty before it is there.
    pub seals: String,
}

impl Anvil {
    /// Starts one and puts the collection there; `None`: anvil is not installed.
    ///
    /// # Errors
    /// It is installed and does not do what it should.
    pub fn start() -> Result<Option<Self>> {
        let Some(program) = installed() else { return Ok(None) };
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr())?.port();
        let child = Command::new(&program)
            .args(["--silent", "--host", "127.0.0.1", "--port", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let agent = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(5))).build().into();
        let mut anvil = Self { child, agent, url: format!("http://127.0.0.1:{port}"), seals: String::new() };
        anvil.wait_until_up().with_context(|| format!("{} does not answer", program.display()))?;
        let code = format!("0x{}", SEALS.trim());
        let receipt = anvil.sent(json!({ "from": DEPLOYER, "data": code }))?;
        anvil.seals = receipt["contractAddress"].as_str().context("the contract is not there")?.to_owned();
        let mint = format!("0x{MINT}{}{:064x}", word(ADA), 1);
        anvil.sent(json!({ "from": DEPLOYER, "to": anvil.seals, "data": mint }))?;
        Ok(Some(anvil))
    }

    /// The command line that gives token 1 from one to the other.
    pub fn gives(&self, from: &str, to: &str) -> String {
        let data = format!("0x{TRANSFER_FROM}{}{}{:064x}", word(from), word(to), 1);
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_sendTransaction",
            "params": [{ "from": from, "to": self.seals, "data": data }] });
        format!("curl -H 'content-type: application/json' {} -d '{body}'", self.url)
    }

    fn wait_until_up(&mut self) -> Result<()> {
        let end = Instant::now() + STARTS_WITHIN;
        while self.ask("eth_chainId", &json!([])).is_err() {
            ensure!(self.child.try_wait()?.is_none(), "it has ended");
            ensure!(Instant::now() < end, "not within {} s", STARTS_WITHIN.as_secs());
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// Sends a transaction; its receipt. A block is made for each.
    fn sent(&self, transaction: Value) -> Result<Value> {
        let hash = self.ask("eth_sendTransaction", &json!([transaction]))?;
        let end = Instant::now() + STARTS_WITHIN;
        loop {
            let receipt = self.ask("eth_getTransactionReceipt", &json!([hash]))?;
            if !receipt.is_null() {
                ensure!(receipt["status"] == "0x1", "a transaction was reverted");
                return Ok(receipt);
            }
            ensure!(Instant::now() < end, "a transaction is in no block");
            std::thread::sleep(POLL);
        }
    }

    fn ask(&self, method: &str, params: &Value) -> Result<Value> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let mut answer = self.agent.post(&self.url).header("content-type", "application/json").send(body)?;
        let text = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string()?;
        let mut answer: Value = serde_json::from_str(&text)?;
        match answer.get("error") {
            Some(error) => bail!("{method}: {error}"),
            None => Ok(answer["result"].take()),
        }
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        // It may have ended by itself: Ctrl-C goes to the whole group.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address as a word of an ABI, without 0x.
fn word(address: &str) -> String {
    format!("{:0>64}", address.trim_start_matches("0x").to_lowercase())
}

fn installed() -> Option<PathBuf> {
    let on_path =
        std::env::var_os("PATH").into_iter().flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let elsewhere = [home.join(PLACES[0]), PathBuf::from(PLACES[1])];
    on_path.map(|folder| folder.join("anvil")).chain(elsewhere).find(|program| program.is_file())
}
