//! `Retry-After` (RFC 9110, 10.2.3): seconds or an HTTP date.
//!
//! In: the field's value and the wall clock. Out: how long from now.
//! May touch: nothing. Invariant: never fails; nonsense is as if the field were absent.

use std::time::Duration;

use orb_env::Wall;

/// Behind the weekday: the preferred form, that of RFC 850 and that of C's `asctime`. A recipient must accept all.
const DATE_FORMS: [&str; 3] = [
    "%d %b %Y %H:%M:%S GMT",
    "%d-%b-%y %H:%M:%S GMT",
    "%b %e %H:%M:%S %Y",
];

/// How long the server asks to be left alone, counted from `now`.
///
/// - `value`: delay-seconds or an HTTP date (RFC 9110, 5.6.7; all three forms, the weekday need not fit).
/// - A date in the past is zero; garbage, a negative number and an empty value are `None`.
/// - The caller clamps it.
#[must_use]
pub fn retry_after(value: &str, now: Wall) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than fit mean "for ever"; the caller's clamp decides.
        return Some(Duration::from_secs(
            value.parse().unwrap_or(u64::from(u32::MAX)),
        ));
    }
    // The weekday says nothing that the date does not, and some servers get it wrong.
    let (_, value) = value.split_once(' ')?;
    let date = DATE_FORMS
        .iter()
        .find_map(|form| jiff::fmt::strtime::parse(form, value.trim()).ok())?
        .to_datetime()
        .ok()?;
    let then = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some(Wall(then.as_microsecond()).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r5_seconds_dates_and_garbage() {
        let now = Wall(784_111_777_000_000); // Sun, 06 Nov 1994 08:49:37 GMT
        let check = |value: &str, seconds: Option<u64>| {
            assert_eq!(
                retry_after(value, now),
                seconds.map(Duration::from_secs),
                "{value:?}"
            );
        };
        check("120", Some(120));
        check(" 0 ", Some(0));
        check("Sun, 06 Nov 1994 08:51:37 GMT", Some(120));
        check("Sun, 06 Nov 1994 07:00:00 GMT", Some(0));
        check("Sunday, 06-Nov-94 08:51:37 GMT", Some(120));
        check("Sun Nov  6 08:51:37 1994", Some(120));
        check("Mon, 06 Nov 1994 08:51:37 GMT", Some(120));
        check("Sun, 06 Nov 1994 08:51:37", None);
        check("Sun, 06 Nov 1994 25:51:37 GMT", None);
        check("Sun, 36 Nov 1994 08:51:37 GMT", None);
        check("-5", None);
        check("soon", None);
        check("", None);
        check("99999999999999999999999", Some(u64::from(u32::MAX)));
    }
}
