//! Calls of one contract at one block that come while another one is under way go together, by Multicall3 where the chain has it. A call
//! that comes alone goes alone and at once.
//!
//! Whatever is not a clear answer of the batch is asked again by itself, so that a contract which burns the batch's gas, or makes its answer
//! too large, costs time and decides nothing; and it does so to questions about itself alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256, Bytes, U256, address};
use futures_util::future::join_all;
use tokio::sync::{OnceCell, oneshot};

use super::abi::{self, Word};
use super::error::{ChainError, RpcError};
use super::gather::gather;
use super::{Block, Call, Chain, Returned};
use crate::limits::{
    BATCH_CALLS_MAX, BATCH_FREE, BATCH_KEYS_KEPT, BATCH_KEYS_MAX, BATCH_WAIT_MAX, BATCH_WAIT_STEP, BATCHES_AT_ONCE,
    RPC_BATCH_BYTES_MAX,
};

/// Multicall3, at the same address on every chain that has it.
const MULTICALL3: Address = address!("cA11bde05977b3631167028862bE2a173976CA11");

/// Who waits for an answer.
#[derive(Debug)]
struct Waiting {
    data: Bytes,
    answer: oneshot::Sender<Result<Returned, ChainError>>,
}

/// What waits, by block and contract. An entry is there while somebody asks for it.
#[derive(Debug, Default)]
pub(super) struct Batches {
    waiting: Mutex<HashMap<(B256, Address), Vec<Waiting>>>,
    /// How often a contract was asked at a block, and when first.
    asked: Mutex<HashMap<(B256, Address), (u32, Instant)>>,
    has_multicall: OnceCell<bool>,
}

impl Batches {
    fn hold(&self) -> MutexGuard<'_, HashMap<(B256, Address), Vec<Waiting>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<(B256, Address), (u32, Instant)>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long whoever waits for this contract at this block waits for others.
    fn wait(&self, key: &(B256, Address)) -> Duration {
        let before = self.asked().get(key).map_or(0, |(before, _)| *before);
        (BATCH_WAIT_STEP * before.saturating_sub(BATCH_FREE - 1)).min(BATCH_WAIT_MAX)
    }

    /// It is asked once more.
    fn count(&self, key: (B256, Address)) {
        let mut asked = self.asked();
        if asked.len() >= BATCH_KEYS_MAX && !asked.contains_key(&key) {
            asked.retain(|_, (_, first)| first.elapsed() < BATCH_KEYS_KEPT);
        }
        if asked.len() >= BATCH_KEYS_MAX && !asked.contains_key(&key) {
            asked.clear();
        }
        let (before, _) = asked.entry(key).or_insert_with(|| (0, Instant::now()));
        *before = before.saturating_add(1);
    }

    /// Some of those who wait; `None`, and the entry is gone, when nobody does.
    fn take(&self, key: &(B256, Address)) -> Option<Vec<Waiting>> {
        let mut all = self.hold();
        let waiting = all.get_mut(key)?;
        if waiting.is_empty() {
            all.remove(key);
            return None;
        }
        let count = waiting.len().min(BATCH_CALLS_MAX * BATCHES_AT_ONCE);
        Some(waiting.drain(..count).collect())
    }
}

impl Chain {
    /// As [`Chain::eth_call`], with others of the same contract and block.
    pub(crate) async fn call_with_others(
        self: &Arc<Self>,
        to: Address,
        data: Bytes,
        at: &Block,
    ) -> Result<Returned, ChainError> {
        let (answer, told) = oneshot::channel();
        let key = (at.hash, to);
        let is_first = {
            let mut all = self.batches.hold();
            let is_first = !all.contains_key(&key);
            all.entry(key).or_default().push(Waiting { data, answer });
            is_first
        };
        if is_first {
            // A task of its own: whoever asked first may lose interest, and the others not.
            tokio::spawn(serve(self.clone(), key, *at));
        }
        let name = || self.config.name.clone();
        // Those before may have used up the time of their questions.
        match tokio::time::timeout(self.config.time_limit * 2, told).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(ChainError::NoAnswer { chain: name(), last: RpcError::Unreachable }),
            Err(_) => Err(ChainError::OutOfTime { chain: name() }),
        }
    }

    async fn has_multicall(&self, at: &Block) -> bool {
        let found = self.batches.has_multicall.get_or_try_init(|| self.has_code(MULTICALL3, at)).await;
        found.is_ok_and(|found| *found)
    }

    /// What each call returns; `None`: the batch does not say.
    async fn together(&self, to: Address, calls: &[Waiting], at: &Block) -> Option<Vec<Option<Returned>>> {
        if calls.len() < 2 || !self.has_multicall(at).await {
            return None;
        }
        let data: Vec<&Bytes> = calls.iter().map(|call| &call.data).collect();
        let call = Call { to: Some(MULTICALL3), data: aggregate(to, &data), gas: None };
        match self.call_within(&call, at, RPC_BATCH_BYTES_MAX).await {
            Ok(Returned::Data(data)) => results(&data, calls.len()),
            _ => None,
        }
    }
}

/// Until nobody waits any more.
async fn serve(chain: Arc<Chain>, key: (B256, Address), at: Block) {
    loop {
        let wait = chain.batches.wait(&key);
        gather(wait, || chain.batches.hold().get(&key).map_or(0, Vec::len)).await;
        let Some(mut calls) = chain.batches.take(&key) else { return };
        chain.batches.count(key);
        let mut batches = Vec::new();
        while !calls.is_empty() {
            let rest = calls.split_off(calls.len().min(BATCH_CALLS_MAX));
            batches.push(answer(&chain, key.1, std::mem::replace(&mut calls, rest), at));
        }
        join_all(batches).await;
    }
}

async fn answer(chain: &Chain, to: Address, calls: Vec<Waiting>, at: Block) {
    let told = chain.together(to, &calls, &at).await;
    let told = told.unwrap_or_else(|| calls.iter().map(|_| None).collect());
    let each = calls.into_iter().zip(told).map(|(call, told)| async move {
        let answer = match told {
            Some(told) => Ok(told),
            None => chain.eth_call(&Call { to: Some(to), data: call.data, gas: None }, &at).await,
        };
        // Whoever does not wait any more is not told.
        drop(call.answer.send(answer));
    });
    join_all(each).await;
}

/// `aggregate3((address target, bool allowFailure, bytes callData)[])`.
fn aggregate(to: Address, calls: &[&Bytes]) -> Bytes {
    let number = |n: usize| Word::Number(U256::from(n));
    let (mut offsets, mut tuples) = (Vec::new(), Vec::new());
    for call in calls {
        offsets.push(number(calls.len() * 32 + tuples.len()));
        tuples.extend(abi::parts(&[
            abi::Part::Word(Word::Address(to)),
            abi::Part::Word(number(1)),
            abi::Part::Bytes(call),
        ]));
    }
    let heads = [vec![number(32), number(calls.len())], offsets].concat();
    let mut data = abi::call("aggregate3((address,bool,bytes)[])", &heads).to_vec();
    data.extend(tuples);
    data.into()
}

/// `(bool success, bytes returnData)[]` of so many calls. One that did not succeed is not told: it may have run out of the others' gas.
fn results(data: &[u8], count: usize) -> Option<Vec<Option<Returned>>> {
    let word = |at: usize| abi::number(data.get(at..at.checked_add(32)?)?);
    let size = |at: usize| usize::try_from(word(at)?).ok();
    let array = size(0)?;
    if size(array)? != count {
        return None;
    }
    let base = array.checked_add(32)?;
    let result = |n: usize| {
        let tuple = data.get(base.checked_add(size(base.checked_add(n * 32)?)?)?..)?;
        let is_done = abi::truth(tuple.get(..32)?)?;
        Some(is_done.then(|| abi::bytes(tuple, 1)).flatten().map(|bytes| Returned::Data(bytes.to_vec())))
    };
    (0..count).map(result).collect()
}

#[cfg(any(fuzzing, test))]
pub(super) fn fuzz(bytes: &[u8]) {
    for count in [1, 2, BATCH_CALLS_MAX] {
        assert!(results(bytes, count).is_none_or(|told| told.len() == count), "an answer for each call, or none");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a contract would answer: `Some` succeeded.
    fn answer(results: &[Option<&[u8]>]) -> Vec<u8> {
        let number = |n: usize| U256::from(n).to_be_bytes::<32>().to_vec();
        let (mut offsets, mut tuples) = (Vec::new(), Vec::new());
        for result in results {
            offsets.extend(number(results.len() * 32 + tuples.len()));
            let done = Word::Number(U256::from(u8::from(result.is_some())));
            tuples.extend(abi::parts(&[abi::Part::Word(done), abi::Part::Bytes(result.unwrap_or_default())]));
        }
        [number(32), number(results.len()), offsets, tuples].concat()
    }

    #[test]
    fn each_result_is_that_of_its_call_and_what_failed_is_not_told() {
        let data = answer(&[Some(&[1; 32]), None, Some(&[])]);
        let told = results(&data, 3).unwrap();
        assert_eq!(told, [Some(Returned::Data(vec![1; 32])), None, Some(Returned::Data(Vec::new()))]);
        assert_eq!((results(&data, 2), results(&data, 4), results(&[], 1)), (None, None, None));
    }

    #[test]
    fn the_oftener_a_contract_is_asked_at_a_block_the_longer_a_question_waits_for_others() {
        let (batches, key) = (Batches::default(), (B256::ZERO, Address::ZERO));
        let asked = |_| {
            let wait = batches.wait(&key).as_millis();
            batches.count(key);
            wait
        };
        let waits: Vec<u128> = (0..20).map(asked).collect();
        assert_eq!(waits[..6], [0, 0, 0, 0, 40, 80]);
        assert_eq!(waits[19], 500);
        assert_eq!(batches.wait(&(B256::repeat_byte(1), Address::ZERO)), Duration::ZERO, "another block");
    }

    #[test]
    fn a_damaged_answer_is_never_more_than_it_has() {
        let data = answer(&[Some(&[1; 32]), Some(&[2; 32])]);
        for at in 0..data.len() {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut bytes = data.clone();
                bytes[at] = byte;
                if let Some(told) = results(&bytes, 2) {
                    assert_eq!(told.len(), 2);
                }
            }
            assert!(results(&data[..at], 2).is_none_or(|told| told.iter().any(Option::is_none)), "{at}");
        }
    }

    #[test]
    fn calls_are_written_as_solidity_has_them() {
        let call = Bytes::from(vec![0xaa; 36]);
        let data = aggregate(Address::repeat_byte(7), &[&call, &call]);
        assert_eq!(data[..4], [0x82, 0xad, 0x56, 0xcb]);
        let words = |n: usize| U256::from_be_slice(&data[4 + n * 32..36 + n * 32]).to::<u64>();
        assert_eq!([words(0), words(1), words(2), words(3)], [32, 2, 64, 64 + 6 * 32]);
        assert_eq!((words(5), words(6), words(7)), (1, 96, 36));
        assert_eq!(data.len(), 4 + (2 + 2 + 2 * 6) * 32);
    }
}
