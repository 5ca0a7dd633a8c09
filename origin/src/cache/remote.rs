//! In Redis, which several processes share. Whatever goes wrong there is a miss. `docs/formats/redis.md` draws the keys.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, FromRedisValue, Script, ScriptInvocation};

use super::EVERYTHING;
use super::breaker::Breaker;
use crate::clock::now_us;
use crate::limits::{CACHE_TTL_MAX, REDIS_ANSWER_HOLDS_US, REDIS_CONNECT_WITHIN, REDIS_WITHIN};

/// Keys, then tags: gives tags that have none a generation (ARGV[1]), and says the generations with the value of the same.
static LOOK: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local seen = {}
         for i = 2, #KEYS do
           redis.call('SET', KEYS[i], ARGV[1], 'NX', 'PX', ARGV[2])
           seen[i - 1] = redis.call('GET', KEYS[i])
         end
         seen = table.concat(seen, ',')
         local held = redis.call('HMGET', KEYS[1], 'seen', 'value')
         if held[1] == seen then return {seen, held[2]} end
         return {seen, false}",
    )
});
static FILL: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "redis.call('HSET', KEYS[1], 'seen', ARGV[1], 'value', ARGV[2])
         redis.call('PEXPIRE', KEYS[1], ARGV[3])
         return 1",
    )
});
/// A bucket, as `access/rate.rs` has it, by the clock of Redis: 1 and how long it needs to be full, or 0 and how long there is nothing.
static TAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local time = redis.call('TIME')
         local now = time[1] * 1000000 + time[2]
         local each, room = tonumber(ARGV[1]), tonumber(ARGV[2])
         local full = tonumber(redis.call('GET', KEYS[1]) or '0')
         if full < now then full = now end
         local after = full + each - now
         if after > room then return {0, after - room} end
         redis.call('SET', KEYS[1], string.format('%.0f', full + each), 'PX', math.ceil(after / 1000))
         return {1, after}",
    )
});

/// Where a Redis is. Its `Debug` shows nothing: there may be a password in it.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl(String);

/// Why a text names no Redis.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRedis {
    /// It is no address of that kind.
    #[error("it is no address such as \"redis://:password@host:6379/0\"")]
    Url,
    /// Encrypted connections are not spoken.
    #[error("rediss:// is not spoken; use a tunnel, or a network of one's own")]
    Tls,
}

impl FromStr for RedisUrl {
    type Err = NotRedis;

    fn from_str(text: &str) -> Result<Self, NotRedis> {
        if text.starts_with("rediss:") {
            return Err(NotRedis::Tls);
        }
        Client::open(text).map(|_| Self(text.to_owned())).map_err(|_| NotRedis::Url)
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisUrl(..)")
    }
}

/// What a bucket in Redis answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Microseconds until it is full.
    Yes(u64),
    /// Microseconds until there is room.
    No(u64),
}

/// A Redis.
pub(crate) struct Remote {
    connection: ConnectionManager,
    breaker: Mutex<Breaker>,
    unanswered: AtomicU64,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("breaker", &self.breaker).finish_non_exhaustive()
    }
}

impl Remote {
    pub(super) fn open(url: &RedisUrl) -> Self {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(REDIS_CONNECT_WITHIN))
            .set_response_timeout(Some(REDIS_WITHIN))
            .set_number_of_retries(0);
        let client = Client::open(url.0.as_str()).expect("it was read once");
        let connection = ConnectionManager::new_lazy_with_config(client, config).expect("nothing is pushed");
        Self { connection, breaker: Mutex::default(), unanswered: AtomicU64::new(0) }
    }

    pub(super) async fn look(&self, key: &str, tags: &[&str]) -> Option<(String, Option<Bytes>)> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).ok()?;
        let mut call = LOOK.key(entry(key));
        for tag in [EVERYTHING].iter().chain(tags) {
            call.key(generation(tag));
        }
        let random = format!("{:016x}", u64::from_be_bytes(random));
        // Twice as long as any entry lives: it is not to end before one.
        call.arg(random).arg(2 * millis(CACHE_TTL_MAX));
        let (seen, value): (String, Option<Vec<u8>>) = self.ask(&call).await?;
        Some((seen, value.map(Bytes::from)))
    }

    pub(super) async fn fill(&self, key: &str, seen: &str, value: &[u8], ttl: Duration) {
        let mut call = FILL.key(entry(key));
        call.arg(seen).arg(value).arg(millis(ttl).max(1));
        self.ask::<i64>(&call).await;
    }

    pub(super) async fn delete(&self, key: &str) {
        self.forget(entry(key)).await;
    }

    pub(super) async fn clear(&self, tag: &str) {
        // Whoever looks next gives it another generation.
        self.forget(generation(tag)).await;
    }

    async fn forget(&self, key: String) {
        static FORGET: LazyLock<Script> = LazyLock::new(|| Script::new("return redis.call('DEL', KEYS[1])"));
        self.ask::<i64>(&FORGET.key(key)).await;
    }

    /// Takes one of a bucket that gets one each `each_us` and holds `room_us` worth of them. `None`: nobody knows.
    pub(crate) async fn take(&self, bucket: &str, each_us: u64, room_us: u64) -> Option<Taken> {
        let mut call = TAKE.key(format!("streamgate:rate:{bucket}"));
        call.arg(each_us).arg(room_us);
        let (taken, micros): (i64, u64) = self.ask(&call).await?;
        Some(if taken == 1 { Taken::Yes(micros) } else { Taken::No(micros) })
    }

    /// Whether it answers; asked no more often than anything else while it does not.
    pub(crate) async fn is_there(&self) -> bool {
        static HERE: LazyLock<Script> = LazyLock::new(|| Script::new("return 1"));
        self.ask::<i64>(&HERE.prepare_invoke()).await.is_some()
    }

    /// Whether it answers, as [`Remote::is_there`]; what it answered just now, to anyone of this process, is not asked for once more.
    pub(super) async fn answers(&self) -> bool {
        let breaker = *self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        breaker.answered_within(REDIS_ANSWER_HOLDS_US, now_us()) || self.is_there().await
    }

    /// Whether it is asked at the moment.
    pub(crate) fn is_asked(&self) -> bool {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner).is_closed()
    }

    /// Questions that were not answered.
    pub(super) fn unanswered(&self) -> u64 {
        self.unanswered.load(Ordering::Relaxed)
    }

    async fn ask<T: FromRedisValue>(&self, call: &ScriptInvocation<'_>) -> Option<T> {
        let breaker = || self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        if !breaker().ask(now_us()) {
            self.unanswered.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let mut connection = self.connection.clone();
        let within = REDIS_CONNECT_WITHIN + REDIS_WITHIN;
        let answer = tokio::time::timeout(within, call.invoke_async(&mut connection)).await;
        match answer {
            Ok(Ok(answer)) => {
                breaker().answered(now_us());
                Some(answer)
            }
            failed => {
                let mut breaker = breaker();
                let was_asked = breaker.is_closed();
                breaker.failed(now_us());
                if was_asked && !breaker.is_closed() {
                    let error = failed.map_or_else(|_| "no answer".to_owned(), |answer| reason(answer.err()));
                    tracing::warn!(error, "Redis does not answer: it is done without until it does");
                }
                drop(breaker);
                self.unanswered.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }
}

fn reason(error: Option<redis::RedisError>) -> String {
    error.map(|error| error.to_string()).unwrap_or_default()
}

fn entry(key: &str) -> String {
    format!("streamgate:cache:{key}")
}

fn generation(tag: &str) -> String {
    format!("streamgate:tag:{tag}")
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
