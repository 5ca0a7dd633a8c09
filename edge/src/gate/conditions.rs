//! What a token asks beyond time and path: where the viewer is, and on whose page. Any doubt is a refusal.

use std::net::IpAddr;

use wire::token::Claims;

use super::countries::Countries;
use crate::http::fields::fields;
use crate::refusal::Refusal;

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Viewer<'a> {
    /// The client's address: whoever connected, or whom a trusted proxy names.
    pub address: IpAddr,
    /// The request's head.
    pub head: &'a [u8],
}

/// Whether this viewer is one that the token is for.
pub(super) fn held(claims: &Claims, viewer: &Viewer<'_>, countries: Option<&Countries>) -> Result<(), Refusal> {
    if let Some(networks) = &claims.networks
        && !networks.iter().any(|network| network.holds(viewer.address))
    {
        return Err(Refusal::TokenNetwork);
    }
    if let Some(allowed) = &claims.countries {
        let country = countries.and_then(|known| known.country(viewer.address));
        if country.is_none_or(|country| !allowed.contains(&country)) {
            return Err(Refusal::TokenCountry);
        }
    }
    if let Some(hosts) = &claims.referrers {
        let host = page(viewer.head);
        if host.is_none_or(|host| !hosts.iter().any(|ours| host.eq_ignore_ascii_case(ours.as_bytes()))) {
            return Err(Refusal::TokenReferrer);
        }
    }
    Ok(())
}

/// The host of the page that asks: of `Origin` (RFC 6454 section 7) where there is one, else of `Referer` (RFC 9110 section 10.1.3).
fn page(head: &[u8]) -> Option<&[u8]> {
    let named = |name: &[u8]| fields(head).find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let url = named(b"origin").or_else(|| named(b"referer"))?;
    let rest = [b"https://".as_slice(), b"http://"].into_iter().find_map(|scheme| url.strip_prefix(scheme))?;
    let end = rest.iter().position(|b| b"/?#".contains(b)).unwrap_or(rest.len());
    let host = &rest[..end];
    // What stands before an @ is a name, and no part of the host.
    (!host.is_empty() && !host.contains(&b'@')).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_whose_host_the_browser_names() {
        let check = |lines: &str, expected: Option<&str>| {
            let head = format!("GET / HTTP/1.1\r\n{lines}\r\n");
            assert_eq!(page(head.as_bytes()), expected.map(str::as_bytes), "{lines}");
        };
        check("Origin: https://a.b\r\n", Some("a.b"));
        check("Referer: https://a.b:8443/page?x=https://c.d/\r\n", Some("a.b:8443"));
        check("Referer: http://a.b\r\nOrigin: https://c.d\r\n", Some("c.d"));
        check("Origin: null\r\nReferer: https://a.b/\r\n", None);
        check("Referer: https://a.b@c.d/\r\n", None);
        check("Referer: https:///a.b\r\n", None);
        check("Referer: a.b\r\n", None);
        check("", None);
    }
}
