//! May it be stored, and until when is it fresh (RFC 9111 sections 3 and 4.2). The clock is an argument.

use crate::http::cache_control::{self, CacheControl};
use crate::http::date;
use crate::http::response::Response;
use crate::limits::{LIFETIME_SECONDS_MAX, STALE_SECONDS_MAX};

/// Why an answer is not kept. Each is a counter and a word in the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unkept {
    /// The status is not one we store.
    Status,
    /// `no-store` or `private`.
    Forbidden,
    /// It sets a cookie: it is for one client.
    SetCookie,
    /// The request was authorised and nothing allows sharing (section 3.5).
    Authorised,
    /// `Vary` names something that is not part of the key.
    Vary,
    /// Nothing says how long it is fresh, and nothing lets it be revalidated.
    NoLifetime,
    /// A part of a representation.
    Partial,
    /// Its length is not told, so that a truncation could not be seen.
    NoLength,
    /// Larger than one object may be.
    TooLarge,
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
}

/// How usable a stored answer is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Use {
    Fresh,
    /// Stale, but may be served while it is being revalidated.
    WhileRevalidating,
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

    /// Whether it may stand in for a failing origin at `now`.
    pub(crate) fn covers_error(&self, now_ms: u64) -> bool {
        now_ms < self.error_until_ms
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
    /// The request carried Authorization to the origin.
    pub(crate) authorised: bool,
    /// The request carried a cookie to the origin.
    pub(crate) cookie: bool,
}

/// Whether the answer may be kept, and how long it may then be used.
pub(crate) fn judge(response: &Response, exchange: Exchange) -> Result<Freshness, Unkept> {
    let cc = cache_control::parse(response.all("cache-control"));
    may_store(response, &cc, exchange)?;
    let lifetime = lifetime(response, &cc, exchange);
    let has_validator = response.first("etag").is_some() || response.first("last-modified").is_some();
    let lifetime = match lifetime {
        Some(seconds) if seconds > 0 || has_validator => seconds,
        // Without a validator a stored answer of no lifetime could never be used.
        _ => return Err(Unkept::NoLifetime),
    };
    Ok(bounds(response, &cc, lifetime, exchange))
}

fn may_store(response: &Response, cc: &CacheControl, exchange: Exchange) -> Result<(), Unkept> {
    match response.status {
        206 => return Err(Unkept::Partial),
        200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501 => {}
        // Understood, but stored only when the origin says for how long.
        302 | 307 if cc.max_age.is_some() || cc.s_maxage.is_some() => {}
        _ => return Err(Unkept::Status),
    }
    if cc.no_store || cc.private {
        return Err(Unkept::Forbidden);
    }
    if response.first("set-cookie").is_some() {
        return Err(Unkept::SetCookie);
    }
    if exchange.authorised && !(cc.public || cc.must_revalidate || cc.s_maxage.is_some()) {
        return Err(Unkept::Authorised);
    }
    if response.all("vary").any(|value| !value.is_empty()) {
        return vary(response);
    }
    Ok(())
}

/// Only fields that we send to the origin in one form for everyone may vary.
fn vary(response: &Response) -> Result<(), Unkept> {
    let names = response.all("vary").flat_map(crate::http::fields::members);
    for name in names {
        if !VARY_FIXED.iter().any(|fixed| name.eq_ignore_ascii_case(fixed)) {
            return Err(Unkept::Vary);
        }
    }
    Ok(())
}

/// Request fields that every fetch sends in the same form, so that an answer that varies by them is the same for everyone.
pub(crate) const VARY_FIXED: [&[u8]; 3] = [b"accept-encoding", b"origin", b"range"];

/// Freshness lifetime in seconds (section 4.2.1), or `None` when nothing gives one.
fn lifetime(response: &Response, cc: &CacheControl, exchange: Exchange) -> Option<u64> {
    if cc.no_cache {
        return Some(0);
    }
    if let Some(seconds) = cc.s_maxage.or(cc.max_age) {
        return Some(seconds);
    }
    let date = response.first("date").and_then(date::parse).unwrap_or(exchange.received_ms / 1000);
    if let Some(expires) = response.first("expires") {
        // An invalid date, `0` above all, means already expired (section 5.3).
        return Some(date::parse(expires).map_or(0, |at| at.saturating_sub(date)));
    }
    // Heuristic (section 4.2.2): a tenth of the time since the last change, where a cookie or credential did not shape the answer.
    if exchange.cookie
        || exchange.authorised
        || !matches!(response.status, 200 | 203 | 204 | 300 | 301 | 308 | 404 | 410)
    {
        return None;
    }
    let modified = response.first("last-modified").and_then(date::parse)?;
    Some((date.saturating_sub(modified) / 10).min(HEURISTIC_SECONDS_MAX))
}

/// A guess is never trusted longer than a day.
const HEURISTIC_SECONDS_MAX: u64 = 86_400;

fn bounds(response: &Response, cc: &CacheControl, lifetime: u64, exchange: Exchange) -> Freshness {
    let age_value = response.first("age").and_then(cache_control::seconds).unwrap_or(0);
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
        if cc.must_revalidate || cc.no_cache {
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::response::parse;

    const NOW: u64 = 784_111_777_000;

    fn exchange() -> Exchange {
        Exchange { sent_ms: NOW, received_ms: NOW, authorised: false, cookie: false }
    }

    fn judged(lines: &str, exchange: Exchange) -> Result<Freshness, Unkept> {
        let text = format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{}\r\n", lines.replace('\n', "\r\n"));
        let (response, _) = parse(text.as_bytes(), false).expect("valid").expect("complete");
        judge(&response, exchange)
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
        check("Cache-Control: max-age=10\nSet-Cookie: a=b\n", Err(Unkept::SetCookie));
        check("Cache-Control: max-age=10\nVary: *\n", Err(Unkept::Vary));
        check("Cache-Control: max-age=10\nVary: Accept-Encoding, Cookie\n", Err(Unkept::Vary));
        check("Cache-Control: max-age=10\nVary: Accept-Encoding\n", Ok((10, 10, 10)));
        let authorised = Exchange { authorised: true, ..exchange() };
        assert_eq!(judged("Cache-Control: max-age=10\n", authorised), Err(Unkept::Authorised));
        assert!(judged("Cache-Control: public, max-age=10\n", authorised).is_ok());
        assert!(judged("Cache-Control: s-maxage=10\n", authorised).is_ok());
        let cookie = Exchange { cookie: true, ..exchange() };
        assert_eq!(judged("Last-Modified: Sun, 06 Nov 1994 08:32:57 GMT\n", cookie), Err(Unkept::NoLifetime));
        assert!(judged("Cache-Control: max-age=10\n", cookie).is_ok());
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
