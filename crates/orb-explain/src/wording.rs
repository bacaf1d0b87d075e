//! Times, lengths of time, numbers and foreign text as a person reads them.
//!
//! In: values. Out: words. May touch: nothing; the present moment and the time zone are arguments.
//! Invariant: no text from outside can move a cursor or hide what follows.

pub(crate) use orb_api::count;
use orb_env::Wall;

/// The present moment, and how an instant is written where the reader is.
pub struct Times<'a> {
    /// Now.
    pub now: Wall,
    /// Writes an instant in local time, such as `2026-11-22 10:41:07`.
    pub local: &'a dyn Fn(Wall) -> String,
}

impl Times<'_> {
    /// An instant and how far it is: `2026-11-22 10:41:07 (3 min ago)`.
    #[must_use]
    pub fn at(&self, us: i64) -> String {
        format!("{} ({})", (self.local)(Wall(us)), self.relative(us))
    }

    /// How far an instant is: `3 min ago`, `in 42 s`, `now`.
    #[must_use]
    pub fn relative(&self, us: i64) -> String {
        let apart = us.saturating_sub(self.now.0);
        if apart.unsigned_abs() < 1_000_000 {
            "now".to_owned()
        } else if apart > 0 {
            format!("in {}", rough(apart.unsigned_abs()))
        } else {
            format!("{} ago", rough(apart.unsigned_abs()))
        }
    }
}

/// A length of time in one unit, as one says it: `42 s`, `3 min`, `2 h`, `5 days`.
pub(crate) fn rough(us: u64) -> String {
    let seconds = us / 1_000_000;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A measured length of time, three digits: `0.4 ms`, `12 ms`, `1.25 s`, `90 s`, `2.5 min`.
pub(crate) fn span(us: u64) -> String {
    let ms = us as f64 / 1_000.0;
    match us {
        0 => "0".to_owned(),
        1..10_000 => format!("{} ms", trim(format!("{ms:.1}"))),
        10_000..1_000_000 => format!("{ms:.0} ms"),
        1_000_000..10_000_000 => format!("{} s", trim(format!("{:.2}", ms / 1_000.0))),
        10_000_000..120_000_000 => format!("{} s", trim(format!("{:.1}", ms / 1_000.0))),
        120_000_000..7_200_000_000 => format!("{} min", trim(format!("{:.1}", ms / 60_000.0))),
        _ => rough(us),
    }
}

/// The same from milliseconds.
pub(crate) fn span_ms(ms: u64) -> String {
    span(ms.saturating_mul(1_000))
}

fn trim(text: String) -> String {
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Milliseconds in a table: `0.4`, `12`, `12345`.
pub(crate) fn millis(us: u64) -> String {
    match us {
        0 => "0".to_owned(),
        1..9_950 => format!("{:.1}", us as f64 / 1_000.0),
        _ => format!("{:.0}", us as f64 / 1_000.0),
    }
}

/// `1 URL`, `3 URLs`.
pub(crate) fn counted(number: u64, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {one}{plural}", count(number))
}

/// Text from outside with everything escaped that steers a terminal, line ends included.
pub(crate) fn inert(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        let hidden = matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if letter.is_control() || hidden {
            out.extend(letter.escape_unicode());
        } else {
            out.push(letter);
        }
    }
    out
}

/// At most `max` letters of a text, its end cut and marked.
pub(crate) fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(max.saturating_sub(1)).collect();
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_say_them() {
        let local = |at: Wall| format!("T{}", at.0 / 1_000_000);
        let times = Times {
            now: Wall(1_000_000_000),
            local: &local,
        };
        let check = |us: i64, want: &str| assert_eq!(times.relative(us), want);
        check(1_000_000_000, "now");
        check(1_042_000_000, "in 42 s");
        check(820_000_000, "3 min ago");
        check(1_000_000_000 + 3 * 86_400_000_000, "in 3 days");
        assert_eq!(times.at(995_000_000), "T995 (5 s ago)");
    }

    #[test]
    fn lengths_have_three_digits_at_most() {
        let check = |us, want: &str| assert_eq!(span(us), want);
        check(0, "0");
        check(420, "0.4 ms");
        check(2_000, "2 ms");
        check(31_400, "31 ms");
        check(1_000_000, "1 s");
        check(1_254_000, "1.25 s");
        check(42_000_000, "42 s");
        check(900_000_000, "15 min");
        check(150_000_000, "2.5 min");
        assert_eq!([millis(420), millis(31_400)], ["0.4", "31"]);
        assert_eq!(
            [counted(1, "URL"), counted(12_345, "URL")],
            ["1 URL", "12,345 URLs"]
        );
    }

    #[test]
    fn foreign_text_is_inert() {
        assert_eq!(
            inert("a\u{1b}[2J\nb\u{202e}é"),
            "a\\u{1b}[2J\\u{a}b\\u{202e}é"
        );
        assert_eq!(cut("abcdef", 4), "abc…");
    }
}
