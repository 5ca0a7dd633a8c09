//! `Cache-Status` read as RFC 9211 and RFC 9651 write it.

/// The reasons for which a request may go on to the origin (RFC 9211 section 2.2).
const FORWARDED: [&str; 8] = ["bypass", "method", "uri-miss", "vary-miss", "miss", "request", "stale", "partial"];

#[derive(Clone, PartialEq, Debug)]
enum Item {
    Token(String),
    Text(String),
    Number(i64),
    Bool(bool),
}

/// What is wrong with an answer's `Cache-Status`, if anything. `from_origin`: the origin made the answer for this very request.
pub fn problem(value: Option<&str>, from_origin: bool) -> Option<&'static str> {
    let Some(value) = value else { return Some("missing") };
    let Some(members) = list(value) else { return Some("not a list of items") };
    let Some((Item::Token(name) | Item::Text(name), words)) = members.last() else { return Some("empty") };
    if name != "streamgate" {
        return Some("our member is not the last");
    }
    let get = |key: &str| words.iter().rfind(|(k, _)| k == key).map(|(_, item)| item);
    let hit = get("hit") == Some(&Item::Bool(true));
    let forwarded = get("fwd");
    for (key, item) in words {
        let good = match (key.as_str(), item) {
            ("hit" | "stored" | "collapsed", Item::Bool(_)) | ("ttl", Item::Number(_)) | ("key", Item::Text(_)) => true,
            ("fwd", Item::Token(word)) => FORWARDED.contains(&word.as_str()),
            ("fwd-status", Item::Number(status)) => (100..600).contains(status),
            ("detail", Item::Token(_) | Item::Text(_)) => true,
            ("hit" | "stored" | "collapsed" | "ttl" | "key" | "fwd" | "fwd-status" | "detail", _) => false,
            _ => true,
        };
        if !good {
            return Some("a parameter of the wrong kind");
        }
    }
    match (hit, forwarded.is_some()) {
        (true, true) => Some("hit and fwd together"),
        (true, false) if from_origin => Some("hit, but the origin made it"),
        (false, false) if from_origin => Some("no fwd, but the origin made it"),
        (_, false) if get("stored").or(get("collapsed")).or(get("fwd-status")).is_some() => {
            Some("words of fwd without fwd")
        }
        _ => None,
    }
}

type Member = (Item, Vec<(String, Item)>);

/// A list of items with parameters (RFC 9651 section 4.2.1), without inner lists.
fn list(text: &str) -> Option<Vec<Member>> {
    let mut rest = text.trim_matches(' ');
    let mut members = Vec::new();
    loop {
        let first;
        (first, rest) = item(rest)?;
        let mut words = Vec::new();
        while let Some(after) = rest.strip_prefix(';') {
            let after = after.trim_start_matches(' ');
            let end = after.find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.*".contains(c)));
            let (key, after) = after.split_at(end.unwrap_or(after.len()));
            if !key.starts_with(|c: char| c.is_ascii_lowercase() || c == '*') {
                return None;
            }
            let word;
            (word, rest) = match after.strip_prefix('=') {
                Some(after) => item(after)?,
                None => (Item::Bool(true), after),
            };
            words.push((key.to_owned(), word));
        }
        members.push((first, words));
        rest = rest.trim_start_matches([' ', '\t']);
        if rest.is_empty() {
            return Some(members);
        }
        rest = rest.strip_prefix(',')?.trim_start_matches([' ', '\t']);
    }
}

fn item(text: &str) -> Option<(Item, &str)> {
    match text.bytes().next()? {
        b'"' => {
            let mut out = String::new();
            let mut chars = text.char_indices().skip(1);
            while let Some((at, c)) = chars.next() {
                match c {
                    '"' => return Some((Item::Text(out), &text[at + 1..])),
                    '\\' => out.push(chars.next().map(|(_, c)| c).filter(|c| matches!(c, '"' | '\\'))?),
                    ' '..='~' => out.push(c),
                    _ => return None,
                }
            }
            None
        }
        b'?' => match text.get(1..2)? {
            "1" => Some((Item::Bool(true), &text[2..])),
            "0" => Some((Item::Bool(false), &text[2..])),
            _ => None,
        },
        b'-' | b'0'..=b'9' => {
            let end = text.find(|c: char| c != '-' && !c.is_ascii_digit()).unwrap_or(text.len());
            Some((Item::Number(text[..end].parse().ok()?), &text[end..]))
        }
        b'a'..=b'z' | b'A'..=b'Z' | b'*' => {
            let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~:/".contains(c);
            let end = text.find(|c| !is_token(c)).unwrap_or(text.len());
            Some((Item::Token(text[..end].to_owned()), &text[end..]))
        }
        _ => None,
    }
}

#[test]
fn what_is_malformed_or_untrue_is_seen() {
    assert_eq!(problem(Some("up; hit, streamgate; fwd=stale; fwd-status=304; detail=\"a, b\""), false), None);
    assert_eq!(problem(Some("streamgate; hit"), true), Some("hit, but the origin made it"));
    assert_eq!(problem(Some("streamgate; fwd=because"), true), Some("a parameter of the wrong kind"));
    assert_eq!(problem(Some("streamgate; hit; fwd=miss"), false), Some("hit and fwd together"));
    assert_eq!(problem(Some("streamgate hit"), false), Some("not a list of items"));
    assert_eq!(problem(Some("streamgate; stored"), false), Some("words of fwd without fwd"));
    assert_eq!(problem(None, true), Some("missing"));
}
