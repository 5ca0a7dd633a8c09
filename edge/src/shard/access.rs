//! Access records: gathered per shard as compact bytes, handed to the control thread in batches, made into JSON there. A batch that
//! finds the queue full is dropped and its records are counted.

use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc::SyncSender;

use crate::http::fields::fields;
use crate::http::request::Version;
use crate::limits::{LOG_BATCH_BYTES, LOG_TARGET_BYTES_MAX, LOG_TRACE_BYTES_MAX};

/// One request, as it is logged.
pub(crate) struct Record<'a> {
    pub(crate) time_ms: u64,
    pub(crate) peer: SocketAddr,
    pub(crate) version: Version,
    pub(crate) method: &'a [u8],
    /// Canonical target: never a token.
    pub(crate) target: &'a [u8],
    pub(crate) status: u16,
    pub(crate) cache: &'static str,
    /// Name of a refusal, or empty.
    pub(crate) refusal: &'static str,
    pub(crate) bytes: u64,
    pub(crate) micros: u64,
    pub(crate) token: bool,
    /// The answer was cut short.
    pub(crate) cut: bool,
    /// What the player said of itself, as JSON; empty when it said nothing.
    pub(crate) cmcd: &'a str,
    /// The trace that it is part of (`traceparent`), or empty.
    pub(crate) trace: &'a [u8],
}

/// The trace that the request of `head` is part of.
pub(crate) fn trace(head: &[u8]) -> &[u8] {
    let mut lines = fields(head);
    lines.find(|(name, _)| name.eq_ignore_ascii_case(b"traceparent")).map_or(b"", |(_, value)| value)
}

/// Records of one shard that have not been handed over yet.
pub(crate) struct Batch {
    pub(crate) shard: usize,
    pub(crate) bytes: Vec<u8>,
    pub(crate) records: u64,
}

/// Gathers records; `None` inside means that nobody reads them.
pub(crate) struct AccessBuffer {
    to: Option<SyncSender<Batch>>,
    shard: usize,
    bytes: Vec<u8>,
    records: u64,
    /// One request in so many is logged, and how many are left out before the next.
    one_in: u32,
    skip: u32,
}

impl AccessBuffer {
    pub(crate) fn new(shard: usize, to: Option<SyncSender<Batch>>, one_in: u32) -> AccessBuffer {
        AccessBuffer { to, shard, bytes: Vec::new(), records: 0, one_in: one_in.max(1), skip: 0 }
    }

    /// Another sample from now on.
    pub(crate) fn set_sample(&mut self, one_in: u32) {
        (self.one_in, self.skip) = (one_in.max(1), 0);
    }

    /// Whether this request is to be logged.
    pub(crate) fn wants(&mut self) -> bool {
        if self.to.is_none() {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.skip = self.one_in - 1;
        true
    }

    /// Writes a record down. Returns how many records were lost on the way.
    pub(crate) fn push(&mut self, record: &Record<'_>) -> u64 {
        encode(&mut self.bytes, record, self.one_in);
        self.records += 1;
        if self.bytes.len() >= LOG_BATCH_BYTES { self.flush() } else { 0 }
    }

    /// Hands over what there is. Returns how many records were lost.
    pub(crate) fn flush(&mut self) -> u64 {
        if self.records == 0 {
            return 0;
        }
        let bytes = std::mem::take(&mut self.bytes);
        let records = std::mem::take(&mut self.records);
        let Some(to) = &self.to else { return records };
        match to.try_send(Batch { shard: self.shard, bytes, records }) {
            Ok(()) => 0,
            Err(_) => records,
        }
    }
}

fn encode(out: &mut Vec<u8>, record: &Record<'_>, one_in: u32) {
    let (ip, v6) = match record.peer.ip() {
        IpAddr::V4(ip) => (ip.to_ipv6_mapped().octets(), false),
        IpAddr::V6(ip) => (ip.octets(), true),
    };
    out.extend_from_slice(&record.time_ms.to_le_bytes());
    out.extend_from_slice(&record.micros.to_le_bytes());
    out.extend_from_slice(&record.bytes.to_le_bytes());
    out.extend_from_slice(&one_in.to_le_bytes());
    out.extend_from_slice(&record.status.to_le_bytes());
    out.extend_from_slice(&record.peer.port().to_le_bytes());
    out.extend_from_slice(&ip);
    let version = record.version as u8;
    out.push(u8::from(v6) | u8::from(record.token) << 1 | u8::from(record.cut) << 2 | version << 3);
    let target = &record.target[..record.target.len().min(LOG_TARGET_BYTES_MAX)];
    let trace = &record.trace[..record.trace.len().min(LOG_TRACE_BYTES_MAX)];
    let (cache, refusal, cmcd) = (record.cache.as_bytes(), record.refusal.as_bytes(), record.cmcd.as_bytes());
    for text in [cache, refusal, record.method, target, cmcd, trace] {
        let len = text.len().min(usize::from(u16::MAX));
        out.extend_from_slice(&(len as u16).to_le_bytes());
        out.extend_from_slice(&text[..len]);
    }
}

/// Reads a batch back as JSON, one object a line; see `docs/formats/access-log.md`.
pub(crate) fn to_json(batch: &Batch) -> String {
    let mut out = String::with_capacity(batch.bytes.len() * 2);
    let mut rest = &batch.bytes[..];
    while let Some(line) = decode(&mut rest, batch.shard) {
        out.push_str(&line.to_string());
        out.push('\n');
    }
    out
}

fn decode(rest: &mut &[u8], shard: usize) -> Option<serde_json::Value> {
    let time_ms = u64::from_le_bytes(take(rest)?);
    let micros = u64::from_le_bytes(take(rest)?);
    let bytes = u64::from_le_bytes(take(rest)?);
    let one_in = u32::from_le_bytes(take(rest)?);
    let status = u16::from_le_bytes(take(rest)?);
    let port = u16::from_le_bytes(take(rest)?);
    let ip: [u8; 16] = take(rest)?;
    let [flags] = take(rest)?;
    let ip = std::net::Ipv6Addr::from(ip);
    let ip = if flags & 1 == 0 { ip.to_canonical() } else { IpAddr::V6(ip) };
    let mut texts = [const { String::new() }; 6];
    for text in &mut texts {
        let len = usize::from(u16::from_le_bytes(take(rest)?));
        let (bytes, after) = rest.split_at_checked(len)?;
        *text = String::from_utf8_lossy(bytes).into_owned();
        *rest = after;
    }
    let protocol = ["HTTP/1.0", "HTTP/1.1", "HTTP/2"][usize::from(flags >> 3 & 3).min(2)];
    let [cache, refusal, method, target, cmcd, trace] = texts;
    let second = crate::http::date::format(time_ms / 1000);
    let mut object = serde_json::json!({
        "time_ms": time_ms, "date": String::from_utf8_lossy(&second), "shard": shard, "client": ip.to_string(),
        "client_port": port, "protocol": protocol, "method": method, "target": target, "status": status, "bytes": bytes,
        "duration_us": micros, "cache": cache, "token": flags & 2 != 0, "cut": flags & 4 != 0,
    });
    if !refusal.is_empty() {
        object["refusal"] = refusal.into();
    }
    if !trace.is_empty() {
        object["trace"] = trace.into();
    }
    if one_in > 1 {
        object["sample"] = one_in.into();
    }
    if let Ok(cmcd) = serde_json::from_str::<serde_json::Value>(&cmcd) {
        object["cmcd"] = cmcd;
    }
    Some(object)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_survives_the_trip_and_a_full_queue_is_counted() {
        let (to, from) = std::sync::mpsc::sync_channel(1);
        let mut buffer = AccessBuffer::new(1, Some(to), 1);
        let record = Record {
            time_ms: 784_111_777_123,
            peer: SocketAddr::from(([192, 0, 2, 7], 99)),
            version: Version::Http2,
            method: b"GET",
            target: b"/v/a/\"x\"",
            status: 403,
            cache: "miss",
            refusal: "token-missing",
            bytes: 12,
            micros: 34,
            token: true,
            cut: false,
            cmcd: "{\"ot\":\"v\"}",
            trace: b"",
        };
        assert_eq!(buffer.push(&record) + buffer.flush(), 0);
        assert_eq!(buffer.push(&record) + buffer.push(&record) + buffer.flush(), 2, "the queue was full");
        let json: serde_json::Value = serde_json::from_str(&to_json(&from.recv().expect("a batch"))).expect("JSON");
        assert_eq!(json["client"], "192.0.2.7");
        assert_eq!(json["target"], "/v/a/\"x\"");
        assert_eq!(json["refusal"], "token-missing");
        assert_eq!((json["status"].as_u64(), json["bytes"].as_u64()), (Some(403), Some(12)));
        assert_eq!((&json["token"], &json["cmcd"]["ot"]), (&true.into(), &"v".into()));
        assert_eq!(json["protocol"], "HTTP/2");
    }
}
