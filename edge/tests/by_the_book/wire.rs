//! HTTP/1.1 as the scripted origin and the client need it: heads, bodies, dates.

use std::io::Read;
use std::net::TcpStream;

/// A message's head: its first line and its fields in order.
#[derive(Clone, Debug, Default)]
pub struct Head {
    pub line: String,
    pub fields: Vec<(String, String)>,
}

impl Head {
    /// All values of a field as one, or nothing.
    pub fn get(&self, name: &str) -> Option<String> {
        let values: Vec<&str> =
            self.fields.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    pub fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }
}

/// A connection that is read by message.
pub struct Reader {
    stream: TcpStream,
    input: Vec<u8>,
}

impl Reader {
    pub fn new(stream: TcpStream) -> Reader {
        Reader { stream, input: Vec::new() }
    }

    /// The next head; nothing when the connection ends first.
    pub fn head(&mut self) -> Option<Head> {
        let end = loop {
            if let Some(at) = self.input.windows(4).position(|w| w == b"\r\n\r\n") {
                break at;
            }
            self.more()?;
        };
        let text = String::from_utf8_lossy(&self.input[..end]).into_owned();
        self.input.drain(..end + 4);
        let mut lines = text.split("\r\n");
        let line = lines.next().unwrap_or_default().to_owned();
        let fields =
            lines.filter_map(|l| l.split_once(':')).map(|(n, v)| (n.to_owned(), v.trim().to_owned())).collect();
        Some(Head { line, fields })
    }

    /// Exactly `length` bytes, or fewer when the connection ends.
    pub fn exactly(&mut self, length: usize) -> Vec<u8> {
        while self.input.len() < length && self.more().is_some() {}
        self.input.drain(..length.min(self.input.len())).collect()
    }

    /// Everything up to the end of the connection.
    pub fn rest(&mut self) -> Vec<u8> {
        while self.more().is_some() {}
        std::mem::take(&mut self.input)
    }

    pub fn chunked(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let end = loop {
                if let Some(at) = self.input.windows(2).position(|w| w == b"\r\n") {
                    break at;
                }
                self.more()?;
            };
            let size = std::str::from_utf8(&self.input[..end]).ok()?.trim().to_owned();
            let size = usize::from_str_radix(&size, 16).ok()?;
            self.input.drain(..end + 2);
            body.extend(self.exactly(size));
            self.exactly(2);
            if size == 0 {
                return Some(body);
            }
        }
    }

    fn more(&mut self) -> Option<()> {
        let mut buffer = [0; 8 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) | Err(_) => None,
            Ok(count) => {
                self.input.extend_from_slice(&buffer[..count]);
                Some(())
            }
        }
    }
}

const DAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// An HTTP date of `seconds` since 1970, as RFC 9110 section 5.6.7 prefers it, or in the form of RFC 850.
pub fn date(seconds: i64, rfc850: bool) -> String {
    let (days, time) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let weekday = DAYS[days.rem_euclid(7) as usize];
    let (year, month, day) = civil(days);
    let month = MONTHS[month as usize];
    let clock = format!("{:02}:{:02}:{:02} GMT", time / 3600, time / 60 % 60, time % 60);
    if rfc850 {
        format!("{weekday}, {day:02}-{month}-{:02} {clock}", year % 100)
    } else {
        format!("{}, {day:02} {month} {year:04} {clock}", &weekday[..3])
    }
}

/// Year, month from 0, day from 1.
fn civil(mut days: i64) -> (i64, i64, i64) {
    let leap = |y: i64| (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    let mut year = 1970;
    while days >= 365 + i64::from(leap(year)) {
        days -= 365 + i64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + i64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    (year, month as i64, days + 1)
}

/// `@-30` as a date, `{path}` as the path and `{case}` as its first two segments, anything else as it is.
pub fn resolve(value: &str, now_ms: u64, base: &str) -> String {
    let now = (now_ms / 1000) as i64;
    let relative = |text: &str| text.parse::<i64>().ok().map(|delta| now + delta);
    if let Some(at) = value.strip_prefix("@850:").and_then(relative) {
        return date(at, true);
    }
    if let Some(at) = value.strip_prefix('@').and_then(relative) {
        return date(at, false);
    }
    let case: String = base.split_inclusive('/').take(3).collect();
    value.replace("{path}", base).replace("{case}", case.trim_end_matches('/'))
}

#[test]
fn dates_are_written_as_the_specification_shows_them() {
    assert_eq!(date(784_111_777, false), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(date(784_111_777, true), "Sunday, 06-Nov-94 08:49:37 GMT");
    assert_eq!(date(951_782_400, false), "Tue, 29 Feb 2000 00:00:00 GMT");
}
