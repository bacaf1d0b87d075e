//! Numbers and foreign text, as people read them.
//!
//! In: numbers, text. Out: text. May touch: nothing.
//! Invariant: nothing that comes out of [`harmless`] moves a cursor or changes a colour.

use std::fmt::Write as _;

pub use orb_api::count;

/// Bytes in the unit a person would choose, powers of 1,000.
#[must_use]
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut size = number as f64;
    let mut unit = 0;
    while size >= 1_000.0 && unit + 1 < UNITS.len() {
        size /= 1_000.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{number} B")
    } else {
        format!("{size:.1} {}", UNITS[unit])
    }
}

/// Seconds as `h:mm:ss`.
#[must_use]
pub fn elapsed(seconds: f64) -> String {
    let whole = seconds as u64;
    format!("{}:{:02}:{:02}", whole / 3_600, whole / 60 % 60, whole % 60)
}

/// `text` with control characters escaped, those that turn the direction of writing too; line ends excepted.
#[must_use]
pub fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        let steers = letter.is_control()
            || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if steers && letter != '\n' {
            out.extend(letter.escape_unicode());
        } else {
            out.push(letter);
        }
    }
    out
}

/// A number in at most seven letters.
pub(crate) fn short(number: u64) -> String {
    const UNITS: [&str; 5] = ["k", "M", "G", "T", "P"];
    if number < 1_000_000 {
        return count(number);
    }
    let mut size = number as f64 / 1_000.0;
    let mut unit = 0;
    while size >= 999.95 && unit + 1 < UNITS.len() {
        size /= 1_000.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

/// A rate: a decimal where it says something.
pub(crate) fn rate(number: f64) -> String {
    if number < 99.95 {
        format!("{:.1}", number.max(0.0))
    } else {
        count(number.round() as u64)
    }
}

/// Milliseconds in the unit a person would choose.
pub(crate) fn span(ms: f64) -> String {
    let seconds = ms.max(0.0) / 1_000.0;
    if seconds < 0.9995 {
        format!("{:.0} ms", ms.max(0.0))
    } else if seconds < 99.95 {
        format!("{seconds:.1} s")
    } else if seconds < 99.5 * 60.0 {
        format!("{:.0} min", seconds / 60.0)
    } else if seconds < 99.5 * 3_600.0 {
        format!("{:.0} h", seconds / 3_600.0)
    } else {
        format!("{} d", count((seconds / 86_400.0) as u64))
    }
}

/// A share as whole per cent.
pub(crate) fn percent(share: f64) -> String {
    let mut out = String::new();
    write!(out, "{:.0} %", share.max(0.0) * 100.0).expect("writing to a string does not fail");
    out
}

/// All of them together.
pub(crate) fn sum<'a>(numbers: impl IntoIterator<Item = &'a u64>) -> u64 {
    let together = |sum: u64, number: &u64| sum.saturating_add(*number);
    numbers.into_iter().fold(0, together)
}

/// `part` of `whole`, from 0 to 1; 0 of nothing.
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        (part as f64 / whole as f64).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(
            [count(0), count(999), count(1_000), count(1_234_567)],
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            [bytes(999), bytes(1_500), bytes(2_340_000_000)],
            ["999 B", "1.5 kB", "2.3 GB"]
        );
        assert_eq!([elapsed(5.9), elapsed(3_725.0)], ["0:00:05", "1:02:05"]);
        assert_eq!(
            [rate(-1.0), rate(3.07), rate(1_234.5)],
            ["0.0", "3.1", "1,235"]
        );
        assert_eq!([percent(0.344), percent(2.0)], ["34 %", "200 %"]);
    }

    #[test]
    fn short_numbers_fit_a_column() {
        assert_eq!(
            [short(999_999), short(1_000_000), short(999_960_000)],
            ["999,999", "1.0 M", "1.0 G"]
        );
        assert!((0..64).all(|bit| short(1 << bit).len() <= 8));
    }

    #[test]
    fn spans_choose_their_unit() {
        let all = [0.4, 999.4, 999.6, 1_234.0, 120_000.0, 7_200_000.0, 1e9].map(span);
        assert_eq!(
            all,
            ["0 ms", "999 ms", "1.0 s", "1.2 s", "2 min", "2 h", "11 d"]
        );
        assert_eq!(span(7_200_000.0 * 60.0), "5 d");
    }

    #[test]
    fn text_from_outside_cannot_steer_the_terminal() {
        assert_eq!(
            harmless("a\u{1b}[2Jb\nc\u{202e}é"),
            "a\\u{1b}[2Jb\nc\\u{202e}é"
        );
    }
}
