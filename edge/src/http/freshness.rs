//! May it be stored, and until when is it fresh (RFC 9111 sections 3 and 4.2). The clock is an argument.

use crate::config;
use crate::http::cache_control::{self, CacheControl};
use crate::http::date;
use crate::http::fields::members;
use crate::http::response::Response;
use crate::http::vary::{self, Vary};
use crate::limits::{LIFETIME_SECONDS_MAX, STALE_SECONDS_MAX};

/// Why an answer is not kept. Each is a counter and a word in the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unkept {
    /// The status is not one we store.
    Status,
    /// `no-store` or `private`.
    Forbidden,
    /// It sets a cookie, and nothing says that it may be kept all the same.
    SetCookie,
    /// The request was authorised and nothing allows sharing (section 3.5).
    Authorised,
    /// `Vary: *`: no later request can be known to match.
    Vary,
    /// Nothing says how long it is fresh, and nothing lets it be revalidated.
    NoLifetime,
    /// A part of a representation.
    Partial,
    /// Larger than one object may be.
    TooLarge,
    /// It was changed by a client while it was on its way.
    Overtaken,
}

/// How long a stored answer may be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Freshness {
    /// When the answer was received, milliseconds.
    pub(crate) received_ms: u64,
    /// Its age at that time, seconds.
    pub(crate) initial_age: u64,
    /// Fresh before this time, milliseconds.
    pub(crate) fresh_until_ms: u64,
    /// May be used while a revalidation runs before this time.
    pub(crate) revalidate_until_ms: u64,
    /// May be used when the origin fails before this time.
    pub(crate) error_until_ms: u64,
    /// No stale use is allowed, whoever asks for it.
    pub(crate) never_stale: bool,
    /// Number of the last purge before it was asked for: later ones may be about it.
    pub(crate) purges: u64,
}

/// How usable a stored answer is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Use {
    Fresh,
    /// Stale, but may be served while it is being revalidated.
    WhileRevalidating,
    /// Stale, but not longer than the client said it may be.
    Wanted,
    /// Must be revalidated first.
    Stale,
}

impl Freshness {
    /// How usable it is at `now`.
    pub(crate) fn at(&self, now_ms: u64) -> Use {
        if now_ms < self.fresh_until_ms {
            Use::Fresh
        } else if now_ms < self.revalidate_until_ms {
            Use::WhileRevalidating
        } else {
            Use::Stale
        }
    }

    /// Whether it may stand in for a failing origin at `now`, by its own grant or by the request's (RFC 5861 section 4), in seconds.
    pub(crate) fn covers_error(&self, now_ms: u64, wanted_seconds: u64) -> bool {
        let wanted_until_ms = self.fresh_until_ms + wanted_seconds.min(STALE_SECONDS_MAX) * 1000;
        now_ms < self.error_until_ms || (!self.never_stale && now_ms < wanted_until_ms)
    }

    /// The `Age` to send, in seconds (section 4.2.3).
    pub(crate) fn age(&self, now_ms: u64) -> u64 {
        self.initial_age + now_ms.saturating_sub(self.received_ms) / 1000
    }
}

/// Facts about the exchange that are not in the answer's head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exchange {
    /// When the request was sent and its answer's head was here, milliseconds.
    pub(crate) sent_ms: u64,
    pub(crate) received_ms: u64,
    /// Number of the last purge when the request was sent.
    pub(crate) purges: u64,
    /// The request carried Authorization to the origin.
    pub(crate) authorised: bool,
    /// The request carried a cookie to the origin.
    pub(crate) cookie: bool,
}

/// Lifetimes an operator gives to answers that name none.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Defaults {
    /// Of any answer that may be kept, seconds; 0: none, such an answer is not kept.
    pub(crate) seconds: u64,
    /// Of 404, 405, 410, 414 and 501, seconds, instead of the other.
    pub(crate) negative_seconds: u64,
}

impl From<config::Defaults> for Defaults {
    fn from(given: config::Defaults) -> Defaults {
        Defaults { seconds: given.ttl.as_secs(), negative_seconds: given.negative_ttl.as_secs() }
    }
}

/// Whether the answer may be kept, and how long it may then be used.
pub(crate) fn judge(response: &Response, exchange: Exchange, defaults: Defaults) -> Result<Freshness, Unkept> {
    let cc = cache_control::of(response);
    may_store(response, &cc, exchange)?;
    let lifetime = lifetime(response, &cc, exchange, defaults);
    let has_validator = response.first("etag").is_some() || response.first("last-modified").is_some();
    let lifetime = match lifetime {
        Some(seconds) if seconds > 0 || has_validator => seconds,
        // Without a validator a stored answer of no lifetime could never be used.
        _ => return Err(Unkept::NoLifetime),
    };
    Ok(bounds(response, &cc, lifetime, exchange))
}

/// Section 3: what may be stored at all.
fn may_store(response: &Response, cc: &CacheControl, exchange: Exchange) -> Result<(), Unkept> {
    match response.status {
        206 => return Err(Unkept::Partial),
        0..200 | 304 => return Err(Unkept::Status),
        status if cc.must_understand && !is_understood(status) => return Err(Unkept::Status),
        _ => {}
    }
    // must-understand lifts no-store for a status that is understood (section 5.2.2.3).
    if (cc.no_store && !cc.must_understand) || cc.private {
        return Err(Unkept::Forbidden);
    }
    let is_explicit = explicit(response, cc, exchange).is_some();
    if response.first("set-cookie").is_some() && !is_explicit {
        return Err(Unkept::SetCookie);
    }
    if exchange.authorised && !(cc.public || cc.must_revalidate || cc.s_maxage.is_some()) {
        return Err(Unkept::Authorised);
    }
    if matches!(vary::of(response), Vary::Everything) {
        return Err(Unkept::Vary);
    }
    if !is_explicit && !cc.no_cache && !cc.public && !is_heuristic(response.status) {
        return Err(Unkept::Status);
    }
    Ok(())
}

/// Statuses whose caching rules are kept to here.
fn is_understood(status: u16) -> bool {
    matches!(status, 200 | 203 | 204 | 300..=303 | 307 | 308 | 400 | 401 | 403..=405 | 410 | 414 | 500..=504)
}

/// Statuses that may be kept without being told for how long (RFC 9110 section 15.1).
fn is_heuristic(status: u16) -> bool {
    matches!(status, 200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501)
}

/// The lifetime that the answer itself tells (section 4.2.1), in seconds.
fn explicit(response: &Response, cc: &CacheControl, exchange: Exchange) -> Option<u64> {
    if let Some(seconds) = cc.s_maxage.or(cc.max_age) {
        return Some(seconds);
    }
    let expires = response.first("expires").filter(|_| !cc.targeted)?;
    // An invalid date, `0` above all, means already expired (section 5.3).
    Some(date::parse(expires).map_or(0, |at| at.saturating_sub(sent_at(response, exchange))))
}

/// Freshness lifetime in seconds (section 4.2.1), or `None` when nothing gives one.
fn lifetime(response: &Response, cc: &CacheControl, exchange: Exchange, defaults: Defaults) -> Option<u64> {
    if cc.no_cache {
        return Some(0);
    }
    if let Some(seconds) = explicit(response, cc, exchange) {
        return Some(seconds);
    }
    guessed(response, cc, exchange).or_else(|| {
        let is_negative = matches!(response.status, 404 | 405 | 410 | 414 | 501) && defaults.negative_seconds > 0;
        let seconds = if is_negative { defaults.negative_seconds } else { defaults.seconds };
        (seconds > 0 && is_heuristic(response.status)).then_some(seconds)
    })
}

/// Heuristic (section 4.2.2): a tenth of the time since the last change, where a cookie or credential did not shape the answer.
fn guessed(response: &Response, cc: &CacheControl, exchange: Exchange) -> Option<u64> {
    if exchange.cookie || exchange.authorised || !(cc.public || is_heuristic(response.status)) {
        return None;
    }
    let date = sent_at(response, exchange);
    let modified = response.first("last-modified").and_then(date::parse)?;
    Some((date.saturating_sub(modified) / 10).min(HEURISTIC_SECONDS_MAX))
}

/// When the origin sent it: its Date, or else the time of its receipt (RFC 9110 section 6.6.1).
fn sent_at(response: &Response, exchange: Exchange) -> u64 {
    response.first("date").and_then(date::parse).unwrap_or(exchange.received_ms / 1000)
}

/// A guess is never trusted longer than a day.
const HEURISTIC_SECONDS_MAX: u64 = 86_400;

fn bounds(response: &Response, cc: &CacheControl, lifetime: u64, exchange: Exchange) -> Freshness {
    // Of a list the first member counts, and nonsense does not (section 5.1).
    let age_value =
        response.first("age").and_then(|age| members(age).next()).and_then(cache_control::seconds).unwrap_or(0);
    let date = response.first("date").and_then(date::parse);
    let received = exchange.received_ms / 1000;
    let apparent = date.map_or(0, |date| received.saturating_sub(date));
    let delay = exchange.received_ms.saturating_sub(exchange.sent_ms) / 1000;
    let initial_age = apparent.max(age_value + delay).min(LIFETIME_SECONDS_MAX);
    let fresh_until_ms = exchange.received_ms + lifetime.saturating_sub(initial_age) * 1000;
    // Already too old on arrival: the grace counts from when it went stale.
    let overdue_ms = initial_age.saturating_sub(lifetime) * 1000;
    let grace = |granted: Option<u64>| {
        // must-revalidate forbids every stale use (section 5.2.2.2); beside s-maxage an explicit grant stands (RFC 5861).
        if cc.forbids_stale() {
            return fresh_until_ms;
        }
        fresh_until_ms + (granted.unwrap_or(0).min(STALE_SECONDS_MAX) * 1000).saturating_sub(overdue_ms)
    };
    Freshness {
        received_ms: exchange.received_ms,
        initial_age,
        fresh_until_ms,
        revalidate_until_ms: grace(cc.stale_while_revalidate),
        error_until_ms: grace(cc.stale_if_error),
        never_stale: cc.forbids_stale() || cc.s_maxage.is_some(),
        purges: exchange.purges,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::response::parse;

    const NOW: u64 = 784_111_777_000;

    fn exchange() -> Exchange {
        Exchange { sent_ms: NOW, received_ms: NOW, purges: 0, authorised: false, cookie: false }
    }

    fn judged(lines: &str, exchange: Exchange) -> Result<Freshness, Unkept> {
        let text = format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{}\r\n", lines.replace('\n', "\r\n"));
        let (response, _) = parse(text.as_bytes(), false).expect("valid").expect("complete");
        judge(&response, exchange, Defaults::default())
    }

    /// Seconds of freshness, of use while revalidating, of use on error.
    fn check(lines: &str, want: Result<(u64, u64, u64), Unkept>) {
        let got = judged(lines, exchange());
        let seconds = |ms: u64| (ms - NOW) / 1000;
        let got = got.map(|f| (seconds(f.fresh_until_ms), seconds(f.revalidate_until_ms), seconds(f.error_until_ms)));
        assert_eq!(got, want, "{lines}");
    }

    #[test]
    fn lifetimes_follow_section_4_2() {
        check("Cache-Control: max-age=10\n", Ok((10, 10, 10)));
        check("Cache-Control: max-age=10, s-maxage=20\n", Ok((20, 20, 20)));
        check("Cache-Control: max-age=10\nAge: 4\n", Ok((6, 6, 6)));
        check("Cache-Control: max-age=10\nDate: Sun, 06 Nov 1994 08:49:34 GMT\n", Ok((7, 7, 7)));
        check("Cache-Control: max-age=1, stale-while-revalidate=5, stale-if-error=9\n", Ok((1, 6, 10)));
        check("Cache-Control: max-age=1, stale-while-revalidate=5, must-revalidate\n", Ok((1, 1, 1)));
        check("Cache-Control: max-age=1, stale-while-revalidate=5\nAge: 3\n", Ok((0, 3, 0)));
        check("Cache-Control: no-cache\nETag: \"a\"\n", Ok((0, 0, 0)));
        check("Cache-Control: no-cache\n", Err(Unkept::NoLifetime));
        check("Expires: Sun, 06 Nov 1994 08:49:47 GMT\nDate: Sun, 06 Nov 1994 08:49:37 GMT\n", Ok((10, 10, 10)));
        check("Expires: 0\n", Err(Unkept::NoLifetime));
        check("Expires: Sun, 06 Nov 1994 08:49:47 GMT\nCache-Control: max-age=1\n", Ok((1, 1, 1)));
        check("Last-Modified: Sun, 06 Nov 1994 08:32:57 GMT\n", Ok((100, 100, 100)));
        check("", Err(Unkept::NoLifetime));
    }

    #[test]
    fn what_belongs_to_one_client_is_not_kept() {
        check("Cache-Control: no-store, max-age=10\n", Err(Unkept::Forbidden));
        check("Cache-Control: private, max-age=10\n", Err(Unkept::Forbidden));
        check("Last-Modified: Sun, 06 Nov 1994 08:32:57 GMT\nSet-Cookie: a=b\n", Err(Unkept::SetCookie));
        check("Cache-Control: max-age=10\nSet-Cookie: a=b\n", Ok((10, 10, 10)));
        check("Cache-Control: max-age=10\nVary: Accept, *\n", Err(Unkept::Vary));
        check("Cache-Control: max-age=10\nVary: Accept-Encoding, Cookie\n", Ok((10, 10, 10)));
        let authorised = Exchange { authorised: true, ..exchange() };
        assert_eq!(judged("Cache-Control: max-age=10\n", authorised), Err(Unkept::Authorised));
        assert!(judged("Cache-Control: public, max-age=10\n", authorised).is_ok());
        assert!(judged("Cache-Control: s-maxage=10\n", authorised).is_ok());
        let cookie = Exchange { cookie: true, ..exchange() };
        assert_eq!(judged("Last-Modified: Sun, 06 Nov 1994 08:32:57 GMT\n", cookie), Err(Unkept::NoLifetime));
        assert!(judged("Cache-Control: max-age=10\n", cookie).is_ok());
    }

    #[test]
    fn a_targeted_field_rules_alone() {
        check("CDN-Cache-Control: max-age=9\nCache-Control: no-store\nExpires: 0\n", Ok((9, 9, 9)));
        check("CDN-Cache-Control: no-store\nCache-Control: max-age=9\n", Err(Unkept::Forbidden));
        check("CDN-Cache-Control: foo\nExpires: Sun, 06 Nov 1994 09:49:37 GMT\n", Err(Unkept::NoLifetime));
        check("CDN-Cache-Control: max-age=9, &&\nCache-Control: max-age=5\n", Ok((5, 5, 5)));
    }

    #[test]
    fn what_a_status_means_for_storing() {
        let judged = |status: u16, lines: &str, defaults: Defaults| {
            let text = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n{}\r\n", lines.replace('\n', "\r\n"));
            let (response, _) = parse(text.as_bytes(), false).expect("valid").expect("complete");
            judge(&response, exchange(), defaults).map(|f| (f.fresh_until_ms - NOW) / 1000)
        };
        let none = Defaults::default();
        let modified = "Last-Modified: Sun, 06 Nov 1994 08:32:57 GMT\n";
        for status in [200, 299, 302, 303, 400, 404, 499, 500, 503, 599] {
            assert_eq!(judged(status, "Cache-Control: max-age=5\n", none), Ok(5), "{status}: told for how long");
        }
        for status in [201, 202, 403, 502, 599] {
            assert_eq!(judged(status, modified, none), Err(Unkept::Status), "{status}: may not be guessed");
            assert_eq!(
                judged(status, &format!("{modified}Cache-Control: public\n"), none),
                Ok(100),
                "{status}: public"
            );
        }
        assert_eq!(judged(599, "Cache-Control: max-age=5, must-understand\n", none), Err(Unkept::Status));
        assert_eq!(judged(200, "Cache-Control: max-age=5, no-store, must-understand\n", none), Ok(5));
        let given = Defaults { seconds: 7, negative_seconds: 3 };
        assert_eq!((judged(200, "", given), judged(404, "", given)), (Ok(7), Ok(3)));
        assert_eq!(judged(500, "", given), Err(Unkept::Status));
    }

    #[test]
    fn age_counts_what_happened_before_and_since() {
        let freshness = judged("Cache-Control: max-age=100\nAge: 7\n", Exchange { sent_ms: NOW - 2000, ..exchange() });
        let freshness = freshness.expect("kept");
        assert_eq!(freshness.age(NOW + 3500), 12);
        assert_eq!(freshness.at(NOW + 90_999), Use::Fresh);
        assert_eq!(freshness.at(NOW + 91_000), Use::Stale);
    }
}
