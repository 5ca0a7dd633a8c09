//! HTTP dates (RFC 9110 section 5.6.7): written as IMF-fixdate, read in all three forms, whatever the case of their letters.

/// Length of an IMF-fixdate.
pub(crate) const LEN: usize = 29;

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `Sun, 06 Nov 1994 08:49:37 GMT` for seconds since the Unix epoch.
pub(crate) fn format(unix_seconds: u64) -> [u8; LEN] {
    let days = unix_seconds / 86_400;
    let time = unix_seconds % 86_400;
    let (year, month, day) = civil(days as i64);
    let weekday = (days + 4) % 7;
    let text = format!(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
        DAYS[weekday as usize],
        day,
        MONTHS[month as usize - 1],
        year.min(9999),
        time / 3600,
        time / 60 % 60,
        time % 60
    );
    let mut out = [b' '; LEN];
    out.copy_from_slice(&text.as_bytes()[..LEN]);
    out
}

/// Seconds since the Unix epoch, or `None` when the text is no HTTP date or lies before 1970.
pub(crate) fn parse(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    if !text.is_ascii() {
        return None;
    }
    if text.as_bytes().get(3) == Some(&b',') {
        imf(text)
    } else if text.contains(',') {
        rfc850(text)
    } else {
        asctime(text)
    }
}

fn imf(text: &str) -> Option<u64> {
    if text.len() != LEN || !is_day(&text[..3]) || !text[25..].eq_ignore_ascii_case(" GMT") {
        return None;
    }
    let b = text.as_bytes();
    if b[4] != b' ' || b[7] != b' ' || b[11] != b' ' || b[16] != b' ' {
        return None;
    }
    seconds(digits(&text[12..16])?, month(&text[8..11])?, digits(&text[5..7])?, &text[17..25])
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`; two-digit years count from 1970 to 2069.
fn rfc850(text: &str) -> Option<u64> {
    let rest = text.split_once(", ")?.1.strip_suffix(" GMT")?;
    if rest.len() != 18 || rest.as_bytes()[2] != b'-' || rest.as_bytes()[6] != b'-' || rest.as_bytes()[9] != b' ' {
        return None;
    }
    let year = digits(&rest[7..9])?;
    let year = if year < 70 { 2000 + year } else { 1900 + year };
    seconds(year, month(&rest[3..6])?, digits(&rest[..2])?, &rest[10..])
}

/// `Sun Nov  6 08:49:37 1994`
fn asctime(text: &str) -> Option<u64> {
    if text.len() != 24 || !is_day(&text[..3]) {
        return None;
    }
    seconds(digits(&text[20..24])?, month(&text[4..7])?, digits(text[8..10].trim_start())?, &text[11..19])
}

fn seconds(year: u64, month: u64, day: u64, time: &str) -> Option<u64> {
    let b = time.as_bytes();
    if b.len() != 8 || b[2] != b':' || b[5] != b':' {
        return None;
    }
    let (h, m, s) = (digits(&time[..2])?, digits(&time[3..5])?, digits(&time[6..])?);
    if h > 23 || m > 59 || s > 60 || day == 0 || day > 31 || year < 1970 {
        return None;
    }
    let days = days_from_civil(year as i64, month as i64, day as i64);
    Some(u64::try_from(days).ok()? * 86_400 + h * 3600 + m * 60 + s)
}

fn digits(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn is_day(text: &str) -> bool {
    DAYS.iter().any(|day| day.eq_ignore_ascii_case(text))
}

fn month(text: &str) -> Option<u64> {
    MONTHS.iter().position(|m| m.eq_ignore_ascii_case(text)).map(|i| i as u64 + 1)
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar; years start in March so that leap days come last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted - era * 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_name_the_same_second() {
        for text in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(parse(text.as_bytes()), Some(784_111_777), "{text}");
        }
        assert_eq!(&format(784_111_777), b"Sun, 06 Nov 1994 08:49:37 GMT");
        for text in
            ["", "0", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 8:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT"]
        {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(seconds in 0u64..253_402_300_799) {
            proptest::prop_assert_eq!(parse(&format(seconds)), Some(seconds));
        }

        #[test]
        fn no_text_makes_it_panic(text in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40)) {
            let _ = parse(&text);
        }
    }
}
