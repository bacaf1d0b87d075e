//! When something was changed: W3C date and time, and the dates of mail that RSS writes.
//!
//! In: text. Out: an instant. May touch: a calendar. Must not touch: clocks, time zones by name.
//! Invariant: no text panics; what comes out exists in the calendar and is not older than the web.

use jiff::civil::{Date, DateTime, Time, datetime};
use jiff::fmt::rfc2822::DateTimeParser;
use orb_env::Wall;

const EPOCH: DateTime = datetime(1970, 1, 1, 0, 0, 0, 0);

/// 1990-01-01T00:00:00Z: nothing on the web is older. Year 1 and 1970-01-01 are what programs write that know no date.
const EARLIEST: Wall = Wall(631_152_000_000_000);

const MINUTE_US: i64 = 60_000_000;

/// RFC 5322, 3.3, as RSS asks for; the day of the week need not fit the date.
const MAIL: DateTimeParser = DateTimeParser::new().relaxed_weekday(true);

/// The date of a sitemap's record.
pub(crate) fn of_sitemap(text: &str) -> Option<Wall> {
    w3c(text.trim()).filter(|date| *date >= EARLIEST)
}

/// The date of a feed's entry: RSS has those of mail, Atom those of the W3C, and some feeds the other's.
pub(crate) fn of_feed(text: &str) -> Option<Wall> {
    of_sitemap(text).or_else(|| {
        let mail = MAIL.parse_timestamp(text.trim()).ok()?;
        Some(Wall(mail.as_microsecond())).filter(|date| *date >= EARLIEST)
    })
}

/// Reads the six forms of the W3C's profile of ISO 8601: year, month, day, minute, second, fraction.
///
/// - Also taken: a blank for the `T`, small letters, `UTC` and `GMT`, an offset without its colon or minutes or none at
///   all, which is UTC.
/// - A leap second is the second before it; decimals beyond six are dropped.
fn w3c(text: &str) -> Option<Wall> {
    let mut rest = Rest(text.as_bytes());
    let year = rest.number(4)?;
    let month = if rest.is_done() { 1 } else { rest.part(b"-")? };
    let day = if rest.is_done() { 1 } else { rest.part(b"-")? };
    let date = Date::new(year, month, day).ok()?;
    if rest.is_done() {
        return instant(date.to_datetime(Time::midnight()), 0);
    }
    let hour = rest.part(b"Tt ")?;
    let minute = rest.part(b":")?;
    let second = if rest.is_at(b":") {
        rest.part(b":")?
    } else {
        0
    };
    let nanos = if rest.is_at(b".,") {
        rest.fraction()?
    } else {
        0
    };
    let second = if second == 60 { 59 } else { second };
    let time = Time::new(hour, minute, second, nanos).ok()?;
    instant(date.to_datetime(time), rest.offset_minutes()?)
}

fn instant(civil: DateTime, offset_minutes: i64) -> Option<Wall> {
    let micros = i64::try_from(civil.duration_since(EPOCH).as_micros()).ok()?;
    Some(Wall(micros - offset_minutes * MINUTE_US))
}

/// What is still to be read of a date.
struct Rest<'t>(&'t [u8]);

impl Rest<'_> {
    fn is_done(&self) -> bool {
        self.0.is_empty()
    }

    fn is_at(&self, any: &[u8]) -> bool {
        self.0.first().is_some_and(|byte| any.contains(byte))
    }

    /// Exactly so many digits, at most four.
    fn number(&mut self, digits: usize) -> Option<i16> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        number.iter().try_fold(0, |value, byte| {
            let digit = byte.is_ascii_digit().then(|| byte - b'0')?;
            Some(value * 10 + i16::from(digit))
        })
    }

    /// One of some separators and two digits.
    fn part(&mut self, separators: &[u8]) -> Option<i8> {
        if !self.is_at(separators) {
            return None;
        }
        self.0 = &self.0[1..];
        i8::try_from(self.number(2)?).ok()
    }

    /// A point and any number of digits, in nanoseconds.
    fn fraction(&mut self) -> Option<i32> {
        let digits = self.0[1..].iter().take_while(|byte| byte.is_ascii_digit());
        let count = digits.clone().count();
        let micros = digits
            .copied()
            .chain(std::iter::repeat(b'0'))
            .take(6)
            .fold(0, |value, byte| value * 10 + i32::from(byte - b'0'));
        self.0 = &self.0[1 + count..];
        (count > 0).then_some(micros * 1_000)
    }

    /// The offset from UTC, which ends the text.
    fn offset_minutes(&mut self) -> Option<i64> {
        self.0 = self.0.trim_ascii_start();
        let sign = match self.0 {
            [] | [b'Z' | b'z'] | b"UTC" | b"GMT" => return Some(0),
            [b'+', ..] => 1,
            [b'-', ..] => -1,
            _ => return None,
        };
        let hours = self.part(b"+-")?;
        let minutes = match self.0 {
            [] => 0,
            [b':', ..] => self.part(b":")?,
            _ => i8::try_from(self.number(2)?).ok()?,
        };
        let is_real = self.is_done() && hours <= 15 && minutes <= 59;
        is_real.then(|| sign * (i64::from(hours) * 60 + i64::from(minutes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-05-06T00:00:00Z.
    const DAY: i64 = 1_714_953_600_000_000;
    const HOUR: i64 = 60 * MINUTE_US;

    #[track_caller]
    fn check(text: &str, expected: Option<i64>) {
        assert_eq!(of_sitemap(text), expected.map(Wall), "{text}");
    }

    /// "Date and Time Formats", W3C note of 1997: six forms.
    #[test]
    fn the_six_forms_are_read() {
        check("2024", Some(DAY - 126 * 24 * HOUR));
        check("2024-05", Some(DAY - 5 * 24 * HOUR));
        check("2024-05-06", Some(DAY));
        check(
            "2024-05-06T19:20+01:00",
            Some(DAY + 18 * HOUR + 20 * MINUTE_US),
        );
        check(
            "2024-05-06T19:20:30-02:30",
            Some(DAY + 21 * HOUR + 50 * MINUTE_US + 30_000_000),
        );
        check("2024-05-06T00:00:00.45Z", Some(DAY + 450_000));
    }

    #[test]
    fn forms_that_programs_write_are_read() {
        for text in [
            " 2024-05-06\n",
            "2024-05-06T00:00:00",
            "2024-05-06 00:00:00",
            "2024-05-06 00:00:00 UTC",
            "2024-05-06 00:00:00 +0000",
            "2024-05-06t00:00:00z",
            "2024-05-06T02:00:00+02",
            "2024-05-06T02:00:00.000+0200",
            "2024-05-06T00:00:00.0000000001Z",
            "2024-05-06T00:00:00,0Z",
        ] {
            check(text, Some(DAY));
        }
    }

    #[test]
    fn c6_years_and_seconds_at_the_edge_are_read_or_none() {
        check("9999-12-31T23:59:59.999999Z", Some(253_402_300_799_999_999));
        check(
            "9999-12-31T23:59:59-15:59",
            Some(253_402_300_799_000_000 + 959 * MINUTE_US),
        );
        check("2016-12-31T23:59:60Z", Some(1_483_228_799_000_000));
        check("1990", Some(631_152_000_000_000));
        for text in [
            "",
            "0000",
            "0000-00-00",
            "0001-01-01T00:00:00Z",
            "1970-01-01T00:00:00Z",
            "1989-12-31T23:59:59Z",
            "2024-00-01",
            "2024-13-01",
            "2024-02-30",
            "2023-02-29",
            "2024-05-06T24:00:00Z",
            "2024-05-06T10:60:00Z",
            "2024-05-06T10:00:61Z",
            "2024-05-06T10:00:99Z",
            "2024-05-06T10Z",
            "2024-05-06T10:00:00.Z",
            "2024-05-06T10:00:00+16:00",
            "2024-05-06T10:00:00+01:60",
            "2024-05-06T10:00:00Zulu",
            "2024-05-06T10:00:00+1",
            "2024-05-06T",
            "2024-05-",
            "24-05-06",
            "+024-05-06",
            "２０２４",
            "12024-05-06",
            "now",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn feeds_have_the_dates_of_mail_too() {
        for text in [
            "Mon, 06 May 2024 02:00:00 +0200",
            "Tue, 6 May 2024 00:00:00 GMT",
            "6 May 2024 00:00 UT",
            "2024-05-06T00:00:00Z",
        ] {
            assert_eq!(of_feed(text), Some(Wall(DAY)), "{text}");
        }
        for text in [
            "Mon, 36 May 2024 00:00:00 GMT",
            "Thu, 01 Jan 1970 00:00:00 GMT",
            "yesterday",
        ] {
            assert_eq!(of_feed(text), None, "{text}");
        }
        assert_eq!(of_sitemap("Mon, 06 May 2024 02:00:00 +0200"), None);
    }
}
