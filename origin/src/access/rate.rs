//! How often a key and an address may ask, by a bucket each that fills steadily (the generic cell rate algorithm): one number a
//! bucket, exact, and no window at whose edge twice as much goes through. No header of a client moves it to another bucket.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::cache::{Remote, Taken};
use crate::limits::{GUESS_EVERY_US, GUESSES_BURST, RATES_MAX};

const SECOND_US: u64 = 1_000_000;

/// Bounds of one sort of bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests a second in the long run.
    pub per_second: u32,
    /// Requests at once after a pause.
    pub burst: u32,
}

/// Whose bucket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Whom {
    Key(String),
    /// IPv6 by /64: one household has all of it.
    Address(IpAddr),
    /// Whoever tries passwords of an asset from an address; `None`: from nobody knows where.
    Guess(String, Option<IpAddr>),
    /// Everybody who came when the table was full.
    Others,
}

impl Whom {
    pub(crate) fn address(ip: IpAddr) -> Self {
        Self::Address(match ip.to_canonical() {
            IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & (!0 << 64)).into(),
            ip => ip,
        })
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Key(_) => "key",
            Self::Address(_) | Self::Guess(..) | Self::Others => "address",
        }
    }
}

/// How a bucket stands after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    rate: Rate,
    word: &'static str,
    remaining: u64,
    /// Until it is full again.
    reset_seconds: u64,
}

impl Standing {
    /// `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10).
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        let Self { rate, word, remaining, reset_seconds } = self;
        let window = u64::from(rate.burst).div_ceil(u64::from(rate.per_second.max(1)));
        let pairs = [
            ("ratelimit", format!("\"{word}\";r={remaining};t={reset_seconds}")),
            ("ratelimit-policy", format!("\"{word}\";q={};w={window}", rate.burst)),
        ];
        for (name, value) in pairs {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

/// What one request costs of a bucket, and what the bucket holds, in microseconds.
fn sizes(rate: Rate) -> (u64, u64) {
    let each = (SECOND_US / u64::from(rate.per_second.max(1))).max(1);
    (each, each * u64::from(rate.burst.max(1)))
}

/// Takes one request out of a bucket that several gateways share; `None`: nobody knows, and each counts for itself.
pub(crate) async fn take_shared(remote: &Remote, rate: Rate, whom: &Whom) -> Option<Result<Standing, u64>> {
    let (each, room) = sizes(rate);
    let bucket = match whom {
        Whom::Key(key) => format!("key:{key}"),
        Whom::Address(ip) => format!("address:{ip}"),
        Whom::Guess(..) | Whom::Others => return None,
    };
    Some(match remote.take(&bucket, each, room).await? {
        Taken::Yes(full_in) => {
            let (remaining, reset_seconds) = (room.saturating_sub(full_in) / each, full_in.div_ceil(SECOND_US));
            Ok(Standing { rate, word: whom.word(), remaining, reset_seconds })
        }
        Taken::No(room_in) => Err(room_in.div_ceil(SECOND_US)),
    })
}

/// Why a secret is not tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotTried {
    /// There were too many tries; in so many seconds there may be one.
    TooOften(u64),
    /// Who counts for all gateways does not answer.
    Uncounted,
}

/// Takes one try at the passwords of an asset, of those that all gateways share where they share any.
pub(crate) async fn guess(
    rates: &Rates,
    remote: Option<&Remote>,
    asset: &str,
    from: Option<IpAddr>,
    now_us: u64,
) -> Result<(), NotTried> {
    let from = from.and_then(|from| if let Whom::Address(ip) = Whom::address(from) { Some(ip) } else { None });
    let (each, room) = (GUESS_EVERY_US, GUESS_EVERY_US * GUESSES_BURST);
    if let Some(remote) = remote {
        let name = from.map_or_else(String::new, |ip| ip.to_string());
        return match remote.take(&format!("guess:{asset}:{name}"), each, room).await {
            Some(Taken::Yes(_)) => Ok(()),
            Some(Taken::No(room_in)) => Err(NotTried::TooOften(room_in.div_ceil(SECOND_US))),
            None => Err(NotTried::Uncounted),
        };
    }
    let taken = rates.fill((each, room), Whom::Guess(asset.to_owned(), from), now_us);
    taken.map(drop).map_err(NotTried::TooOften)
}

/// All buckets.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    /// When each will be full again, in microseconds of the caller's clock.
    full_at_us: Mutex<HashMap<Whom, u64>>,
}

impl Rates {
    /// Takes one request out of a bucket, or says in how many seconds there will be one.
    pub(crate) fn take(&self, rate: Rate, whom: Whom, now_us: u64) -> Result<Standing, u64> {
        let (word, (each, room)) = (whom.word(), sizes(rate));
        let full_in = self.fill((each, room), whom, now_us)?;
        Ok(Standing { rate, word, remaining: (room - full_in) / each, reset_seconds: full_in.div_ceil(SECOND_US) })
    }

    /// The same of a bucket of this size, in microseconds; answers in how many it is full again.
    fn fill(&self, (each, room): (u64, u64), whom: Whom, now_us: u64) -> Result<u64, u64> {
        let mut buckets = self.full_at_us.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= RATES_MAX && !buckets.contains_key(&whom) {
            buckets.retain(|_, full_at| *full_at > now_us);
        }
        let whom = if buckets.len() >= RATES_MAX && !buckets.contains_key(&whom) { Whom::Others } else { whom };
        let full_at = buckets.entry(whom).or_insert(now_us);
        let next = (*full_at).max(now_us) + each;
        if next - now_us > room {
            return Err((next - now_us - room).div_ceil(SECOND_US));
        }
        *full_at = next;
        Ok(next - now_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 10, burst: 3 };

    #[test]
    fn a_burst_goes_through_and_then_as_many_as_fill_again() {
        let (rates, whom) = (Rates::default(), || Whom::Key("a".into()));
        let took = |now_us| rates.take(RATE, whom(), now_us).map(|standing| standing.remaining);
        assert_eq!([took(0), took(0), took(0)], [Ok(2), Ok(1), Ok(0)]);
        assert_eq!(took(99_999), Err(1));
        assert_eq!([took(100_000), took(100_000)], [Ok(0), Err(1)]);
        assert_eq!(took(60_000_000), Ok(2), "full again, and not fuller");
        assert_eq!(rates.take(RATE, Whom::Key("b".into()), 0).map(|s| s.remaining), Ok(2), "another's");
        let passed = (0..1_000_000).step_by(1000).filter(|now| took(100_000_000 + now).is_ok()).count();
        assert_eq!(passed, 3 + 9, "ten a second, and the burst");
    }

    #[tokio::test]
    async fn passwords_of_an_asset_are_tried_so_often_from_one_place() {
        let rates = Rates::default();
        let tries = async |asset: &str, from: &str, now_us| {
            guess(&rates, None, asset, Some(from.parse().unwrap()), now_us).await
        };
        for n in 0..GUESSES_BURST {
            assert_eq!(tries("a", "2001:db8::1", n).await, Ok(()));
        }
        assert_eq!(tries("a", "2001:db8::2", GUESSES_BURST).await, Err(NotTried::TooOften(10)), "the same household");
        assert_eq!(tries("a", "2001:db8:0:1::1", 0).await, Ok(()));
        assert_eq!(tries("b", "2001:db8::1", 0).await, Ok(()));
        assert_eq!(tries("a", "2001:db8::1", GUESS_EVERY_US + GUESSES_BURST).await, Ok(()), "one in ten seconds");
    }

    #[tokio::test]
    async fn no_secret_is_tried_that_nobody_counts_for_all_gateways() {
        // Nobody listens there.
        let cache = crate::cache::Cache::open(Some(&"redis://127.0.0.1:1/0".parse().unwrap()), 0);
        let rates = Rates::default();
        for now_us in 0..5 {
            assert_eq!(guess(&rates, cache.remote(), "a", None, now_us).await, Err(NotTried::Uncounted));
        }
    }

    #[test]
    fn a_household_is_one_and_a_full_table_makes_newcomers_share() {
        let of = |text: &str| Whom::address(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
        let rates = Rates::default();
        for n in 0..RATES_MAX as u32 {
            rates.take(RATE, Whom::address(std::net::Ipv4Addr::from(n).into()), 0).unwrap();
        }
        let newcomer = |n: u8| rates.take(RATE, of(&format!("192.0.2.{n}")), 0);
        assert!((1..=3).all(|n| newcomer(n).is_ok()));
        assert_eq!(newcomer(4), Err(1));
        assert!(rates.take(RATE, of("192.0.2.9"), 200_000).is_ok(), "those that are full leave");
    }

    #[test]
    fn the_headers_say_how_it_stands() {
        let mut headers = HeaderMap::new();
        Rates::default().take(RATE, Whom::Others, 0).unwrap().write(&mut headers);
        assert_eq!(headers["ratelimit"], "\"address\";r=2;t=1");
        assert_eq!(headers["ratelimit-policy"], "\"address\";q=3;w=1");
    }
}
