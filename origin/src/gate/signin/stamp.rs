//! Times as RFC 3339 section 5.6 writes them: `2026-11-23T09:00:00.000Z`.

use durable::UnixMs;

/// Longer ones say nothing more.
const BYTES_MAX: usize = 40;

/// Reads a `date-time` of exactly that grammar: capital `T` and `Z`, seconds, an offset.
pub(super) fn parse(text: &str) -> Option<UnixMs> {
    let bytes = text.as_bytes();
    let shape = b"dddd-dd-ddTdd:dd:dd";
    let fits = |(byte, shape): (&u8, &u8)| if *shape == b'd' { byte.is_ascii_digit() } else { byte == shape };
    if bytes.len() <= shape.len() || bytes.len() > BYTES_MAX || !bytes.iter().zip(shape).all(fits) {
        return None;
    }
    let rest = &bytes[shape.len()..];
    let offset = match rest.strip_prefix(b".") {
        Some(fraction) => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            fraction.get(digits..).filter(|_| digits > 0)?
        }
        None => rest,
    };
    match offset {
        b"Z" => {}
        [b'+' | b'-', h, i, b':', m, n] if [h, i, m, n].iter().all(|byte| byte.is_ascii_digit()) => {
            if (*h, *i) > (b'2', b'3') || *m > b'5' {
                return None;
            }
        }
        _ => return None,
    }
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

/// Writes a time with milliseconds, in UTC.
pub(super) fn write(at: UnixMs) -> String {
    let at = jiff::Timestamp::from_millisecond(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_and_nothing_looser_does() {
        assert_eq!(write(1_632_990_324_000), "2021-09-30T08:25:24.000Z");
        for at in [0, 1_795_402_800_123, 253_402_200_000_001] {
            assert_eq!(parse(&write(at)), Some(at));
        }
        assert_eq!(parse("2021-09-30T10:25:24+02:00"), Some(1_632_990_324_000));
        assert_eq!(parse("2021-09-30T08:25:24.0000001Z"), Some(1_632_990_324_000));
        for bad in [
            "2021-09-30",
            "2021-09-30T08:25:24",
            "2021-09-30 08:25:24Z",
            "2021-09-30t08:25:24z",
            "2021-13-30T08:25:24Z",
            "2021-02-30T08:25:24Z",
            "2021-09-30T24:25:24Z",
            "2021-09-30T08:25:24.Z",
            "2021-09-30T08:25Z",
            "",
            "2021-09-30T08:25:24+0200",
            "2021-09-30T08:25:24+24:00",
            "+002021-09-30T08:25:24Z",
            "2021-09-30T08:25:24Z ",
            "2021-09-30T08:25:24Z[UTC]",
            "Wed Oct 05 2011 16:48:00 GMT+0200 (CEST)",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
