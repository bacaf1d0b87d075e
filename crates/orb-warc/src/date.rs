//! `WARC-Date`: UTC with microseconds (WARC 1.1, 5.4; W3C profile of ISO 8601).
//!
//! In: microseconds since the Unix epoch, or the text of a date field. Out: the other of the two.
//! May touch: nothing else; the time is an argument.
//! Invariant: a date written here is read back as the same microsecond, and one instant has one text,
//! so `WARC-Refers-To-Date` equals the `WARC-Date` it names byte for byte.

const US_PER_SECOND: i64 = 1_000_000;
const US_PER_DAY: i64 = 86_400 * US_PER_SECOND;
/// 0000-01-01T00:00:00Z: four digits of year hold nothing earlier.
const DATE_US_MIN: i64 = -719_528 * US_PER_DAY;
/// The last microsecond of the year 9999, for the same reason.
const DATE_US_MAX: i64 = 2_932_897 * US_PER_DAY - 1;

/// A calendar date and time of day, UTC.
pub(crate) struct Civil {
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
    pub(crate) micros: i64,
}

/// Splits an instant into calendar parts; instants outside the years 0 to 9999 are moved to the nearest end.
pub(crate) fn civil(date_us: i64) -> Civil {
    let date_us = date_us.clamp(DATE_US_MIN, DATE_US_MAX);
    let in_day = date_us.rem_euclid(US_PER_DAY);
    // Days since 0000-03-01: a year that starts in March ends with its leap day, so months have fixed starts.
    let days = date_us.div_euclid(US_PER_DAY) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    Civil {
        year: era * 400 + year_of_era + i64::from(month <= 2),
        month,
        day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
        hour: in_day / (3_600 * US_PER_SECOND),
        minute: in_day / (60 * US_PER_SECOND) % 60,
        second: in_day / US_PER_SECOND % 60,
        micros: in_day % US_PER_SECOND,
    }
}

/// Writes an instant as `WARC-Date`, such as `2026-11-22T07:10:00.000000Z`; always six decimals.
///
/// - `date_us`: microseconds since the Unix epoch; outside the years 0 to 9999 the nearest end is written.
pub fn format_date(date_us: i64) -> String {
    let Civil {
        year,
        month,
        day,
        hour,
        minute,
        second,
        micros,
    } = civil(date_us);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

/// Reads a `WARC-Date` as microseconds since the Unix epoch.
///
/// Shorter forms (`2026`, `2026-11`, `2026-11-22`, no seconds) mean their first instant; decimals beyond six are dropped.
/// Returns `None` when the text is no such date. A leap second counts as the second before.
pub fn parse_date(text: &str) -> Option<i64> {
    let text = text.trim();
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time.strip_suffix('Z')?)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |p| digits(p, 2))?;
    let day = parts.next().map_or(Some(1), |p| digits(p, 2))?;
    if parts.next().is_some()
        || !(1..=12).contains(&month)
        || day < 1
        || day > month_days(year, month)
    {
        return None;
    }
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100
        + day_of_year
        - 719_468;
    Some(days * US_PER_DAY + time.map_or(Some(0), time_us)?)
}

/// Microseconds since midnight of `hh:mm[:ss[.f…]]`.
fn time_us(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let hour = digits(parts.next()?, 2)?;
    let minute = digits(parts.next()?, 2)?;
    let (second, micros) = match parts.next() {
        None => (0, 0),
        Some(seconds) => match seconds.split_once('.') {
            None => (digits(seconds, 2)?, 0),
            Some((whole, decimals)) => (digits(whole, 2)?, fraction_us(decimals)?),
        },
    };
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some(((hour * 60 + minute) * 60 + second.min(59)) * US_PER_SECOND + micros)
}

/// Microseconds of the decimals of a second, of any number of digits from one to nine.
fn fraction_us(decimals: &str) -> Option<i64> {
    let value = digits(decimals, decimals.len())?;
    match decimals.len() {
        1..=6 => Some(value * 10_i64.pow(6 - decimals.len() as u32)),
        7..=9 => Some(value / 10_i64.pow(decimals.len() as u32 - 6)),
        _ => None,
    }
}

/// The value of exactly `count` ASCII digits; at most nine, so it cannot overflow.
fn digits(text: &str, count: usize) -> Option<i64> {
    if text.len() != count || count > 9 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn month_days(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_carry_microseconds_in_utc() {
        assert_eq!(format_date(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(format_date(-1), "1969-12-31T23:59:59.999999Z");
        assert_eq!(
            format_date(1_795_331_400_000_123),
            "2026-11-22T07:10:00.000123Z"
        );
        assert_eq!(
            format_date(951_782_400_000_000),
            "2000-02-29T00:00:00.000000Z"
        );
        assert_eq!(format_date(i64::MIN), "0000-01-01T00:00:00.000000Z");
        assert_eq!(format_date(i64::MAX), "9999-12-31T23:59:59.999999Z");
    }

    /// WARC 1.1, 5.4: any precision from the year to the nanosecond.
    #[test]
    fn every_precision_is_read() {
        let noon = 1_795_348_800_000_000;
        assert_eq!(parse_date("2026-11-22T12:00:00Z"), Some(noon));
        assert_eq!(parse_date("2026-11-22T12:00Z"), Some(noon));
        assert_eq!(parse_date("2026-11-22T12:00:00.5Z"), Some(noon + 500_000));
        assert_eq!(
            parse_date("2026-11-22T12:00:00.123456789Z"),
            Some(noon + 123_456)
        );
        assert_eq!(parse_date("1970"), Some(0));
        assert_eq!(parse_date("1970-02"), Some(31 * US_PER_DAY));
        for text in [
            "",
            "T",
            "20261122",
            "2026-13-01",
            "2025-02-29",
            "2026-11-22T12:00:00",
            "2026-11-22T24:00:00Z",
            "2026-11-22T12:00:00.Z",
            "２０２６",
            "2026-11-22T12:00:00+01:00Z",
            "+026-11-22",
        ] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn dates_survive_their_text(date_us in DATE_US_MIN..=DATE_US_MAX) {
            prop_assert_eq!(parse_date(&format_date(date_us)), Some(date_us));
        }

        #[test]
        fn dates_agree_with_a_calendar_library(date_us in 0..=DATE_US_MAX / 2) {
            let oracle = jiff::Timestamp::from_microsecond(date_us).unwrap();
            prop_assert_eq!(format_date(date_us), format!("{oracle:.6}"));
        }

        #[test]
        fn no_text_panics(text: String) {
            parse_date(&text);
        }
    }
}
