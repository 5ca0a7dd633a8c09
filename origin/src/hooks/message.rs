//! What is sent, and who wants it. Pure.

use durable::UnixMs;
use durable::catalogue::{Event, Message};
use serde_json::{Map, Value, json};

/// Whether a filter, a JSON list of kinds, lets a kind through. What cannot be read lets nothing through.
pub(super) fn wants(kinds: &str, kind: &str) -> bool {
    let Ok(kinds) = serde_json::from_str::<Vec<String>>(kinds) else { return false };
    let fits = |wanted: &String| match wanted.strip_suffix('*') {
        Some(beginning) => kind.starts_with(beginning),
        None => wanted == kind,
    };
    kinds.is_empty() || kinds.iter().any(fits)
}

/// The message of an event. Its name holds the time, too: a catalogue that was restored counts on from an older number.
pub(super) fn of(event: &Event) -> Message {
    let mut data: Map<String, Value> = serde_json::from_str(&event.body).unwrap_or_default();
    data.insert("seq".into(), event.seq.into());
    data.insert("asset".into(), event.asset.as_str().into());
    write(format!("evt_{:x}_{}", event.at_ms, event.seq), &event.kind, event.at_ms, data)
}

/// Says that events between two numbers were let go of before they could be told.
pub(super) fn gap(after: i64, oldest: i64, now: UnixMs) -> Message {
    let data = [("after".into(), after.into()), ("next".into(), oldest.into())];
    write(format!("gap_{now:x}_{oldest}"), "webhook.gap", now, data.into_iter().collect())
}

/// One that tells nothing, to try an endpoint with.
pub(crate) fn test(name: &str, now: UnixMs) -> Message {
    write(format!("test_{name}"), "webhook.test", now, Map::new())
}

fn write(message: String, kind: &str, at_ms: UnixMs, data: Map<String, Value>) -> Message {
    let at = jiff::Timestamp::from_millisecond(at_ms).unwrap_or_default();
    let body = json!({ "type": kind, "timestamp": at.to_string(), "data": data }).to_string();
    Message { message, kind: kind.to_owned(), body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_lets_through_what_it_names() {
        for (kinds, kind, wanted) in [
            ("[]", "asset.ready", true),
            (r#"["asset.ready"]"#, "asset.ready", true),
            (r#"["asset.ready"]"#, "asset.read", false),
            (r#"["asset.*"]"#, "asset.ready", true),
            (r#"["asset.*"]"#, "track.published", false),
            (r#"["track.*","asset.failed"]"#, "asset.failed", true),
            ("nonsense", "asset.ready", false),
        ] {
            assert_eq!(wants(kinds, kind), wanted, "{kinds} {kind}");
        }
    }

    #[test]
    fn a_message_says_what_happened_when_and_to_whom() {
        let event = Event {
            seq: 41,
            at_ms: 1_795_402_800_000,
            kind: "asset.ready".into(),
            asset: "abc".into(),
            body: r#"{"x":1}"#.into(),
        };
        let message = of(&event);
        assert_eq!(message.message, "evt_1a206589b80_41");
        let body: Value = serde_json::from_str(&message.body).unwrap();
        let data = json!({ "asset": "abc", "seq": 41, "x": 1 });
        assert_eq!(body, json!({ "type": "asset.ready", "timestamp": "2026-11-23T03:00:00Z", "data": data }));
    }
}
