//! When a schedule is due next: five fields (minute, hour, day of month, month, day of week; POSIX crontab) in a time zone. Pure.
//!
//! A time that a clock change leaves out is run when the clock has jumped; one that comes twice, the first time.

use durable::UnixMs;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, civil};

/// Days that are looked through: 29 February on a certain day of the week comes every 28 years, or after 40.
const DAYS_MAX: usize = 41 * 366;

/// A parsed expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// When both days are narrowed, one of them is enough.
    either_day: bool,
}

impl Cron {
    /// Reads an expression, or says which field is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = match text.trim() {
            "@hourly" => "0 * * * *",
            "@daily" | "@midnight" => "0 0 * * *",
            "@weekly" => "0 0 * * 0",
            "@monthly" => "0 0 1 * *",
            text => text,
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err("A schedule has five fields: minute, hour, day of month, month, day of week.".into());
        };
        let weekdays = field(weekday, 0, 7, "day of week")?;
        Ok(Self {
            minutes: field(minute, 0, 59, "minute")?,
            hours: field(hour, 0, 23, "hour")?,
            days: field(day, 1, 31, "day of month")?,
            months: field(month, 1, 12, "month")?,
            // Sunday is 0 and 7.
            weekdays: (weekdays | weekdays >> 7) & 0x7f,
            either_day: !day.starts_with('*') && !weekday.starts_with('*'),
        })
    }

    /// The first time after `after`; `None`: there is none.
    pub(crate) fn next(&self, after: UnixMs, zone: &TimeZone) -> Option<UnixMs> {
        let after = Timestamp::from_millisecond(after).ok()?;
        let mut date = zone.to_datetime(after).date();
        for _ in 0..DAYS_MAX {
            if self.is_day(date) {
                for hour in bits(self.hours) {
                    for minute in bits(self.minutes) {
                        let at = date.at(hour, minute, 0, 0);
                        let at = zone.to_ambiguous_timestamp(at).compatible().ok()?;
                        if at > after {
                            return Some(at.as_millisecond());
                        }
                    }
                }
            }
            date = date.checked_add(1.day()).ok()?;
        }
        None
    }

    fn is_day(&self, date: civil::Date) -> bool {
        let has = |set: u64, n: i8| set & (1 << n) != 0;
        let day = has(self.days, date.day());
        let weekday = has(self.weekdays, date.weekday().to_sunday_zero_offset());
        has(self.months, date.month()) && if self.either_day { day || weekday } else { day && weekday }
    }
}

/// The zone of an IANA name.
pub(crate) fn zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok()
}

/// A set of numbers: `*`, `5`, `1-5`, `*/15`, `10-50/20`, and lists of them.
fn field(text: &str, least: u64, most: u64, name: &str) -> Result<u64, String> {
    let bad = || format!("The {name} {text:?} is not one such as *, 5, 1-5, */15, in {least} to {most}.");
    let mut set = 0;
    for item in text.split(',') {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, step.parse::<u64>().ok().filter(|&step| step > 0).ok_or_else(bad)?),
            None => (item, 1),
        };
        let number = |text: &str| text.parse::<u64>().ok().filter(|n| (least..=most).contains(n)).ok_or_else(bad);
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (least, most),
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(range)?, if item.contains('/') { most } else { number(range)? }),
        };
        if first > last {
            return Err(bad());
        }
        let mut at = first;
        while at <= last {
            set |= 1 << at;
            at = at.saturating_add(step);
        }
    }
    Ok(set)
}

fn bits(set: u64) -> impl Iterator<Item = i8> {
    (0..60).filter(move |n| set & (1 << n) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_time_is_found_in_its_zone_and_over_clock_changes() {
        let check = |cron: &str, name: &str, after: &str, expected: &str| {
            let after: Timestamp = after.parse().unwrap();
            let next = Cron::parse(cron).unwrap().next(after.as_millisecond(), &zone(name).unwrap());
            let next = Timestamp::from_millisecond(next.unwrap()).unwrap();
            assert_eq!(next, expected.parse().unwrap(), "{cron} {name} after {after}: {next}");
        };
        check("* * * * *", "UTC", "2026-11-23T07:38:00Z", "2026-11-23T07:39:00Z");
        check("*/15 8-17 * * 1-5", "UTC", "2026-11-20T17:50:00Z", "2026-11-23T08:00:00Z");
        check("30 3 * * *", "Asia/Tokyo", "2026-11-23T00:00:00Z", "2026-11-23T18:30:00Z");
        check("0 0 29 2 *", "UTC", "2026-11-23T00:00:00Z", "2028-02-29T00:00:00Z");
        check("0 0 13 * 5", "UTC", "2026-11-23T00:00:00Z", "2026-11-27T00:00:00Z");
        check("0 0 * * 7", "UTC", "2026-11-23T00:00:00Z", "2026-11-29T00:00:00Z");
        // In Berlin 02:30 is left out on 29 March 2026, and comes twice on 25 October.
        check("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z");
        check("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z");
        check("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z");
        let never = Cron::parse("0 0 31 2 *").unwrap();
        assert_eq!(never.next(0, &TimeZone::UTC), None);
    }

    #[test]
    fn what_is_no_schedule_is_refused_by_its_field() {
        for (bad, word) in [
            ("* * * *", "five fields"),
            ("60 * * * *", "minute"),
            ("* 24 * * *", "hour"),
            ("* * 0 * *", "day of month"),
            ("* * * 13 *", "month"),
            ("* * * * 8", "day of week"),
            ("5-1 * * * *", "minute"),
            ("*/0 * * * *", "minute"),
            ("a * * * *", "minute"),
            (", * * * *", "minute"),
        ] {
            let said = Cron::parse(bad).unwrap_err();
            assert!(said.contains(word), "{bad}: {said}");
        }
    }
}
