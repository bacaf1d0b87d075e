//! Lines for people and scripts.
//!
//! In: text. Out: standard output for results, standard error for notes.
//! May touch: the two streams. Invariant: a reader that went away (`orb … | head`) is no failure, and no text from
//! outside moves the cursor or changes colours.

use std::io::{self, Write};

use serde::Serialize;

use crate::exit::Failure;

/// Writes one result line (or several) to standard output.
pub(crate) fn say(text: &str) {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{text}").and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            note(&format!("orb: standard output cannot be written: {error}"));
        }
        _ => {}
    }
}

/// Writes one object as one line of JSON to standard output.
pub(crate) fn say_json(value: &impl Serialize) -> Result<(), Failure> {
    let line = serde_json::to_string(value).map_err(Failure::bug)?;
    say(&line);
    Ok(())
}

/// Writes a note to standard error; where even that is closed there is nobody to tell.
pub(crate) fn note(text: &str) {
    writeln!(io::stderr().lock(), "{}", harmless(text)).ok();
}

/// `text` with control characters escaped, line ends excepted.
pub(crate) fn harmless(text: &str) -> String {
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

/// `text` broken between words into lines of at most `width` characters; a longer word stands alone.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let fits = |line: &String| line.chars().count() + 1 + word.chars().count() <= width;
        match lines.last_mut().filter(|line| fits(line)) {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A number with its thousands set apart, for people.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes in the unit a person would choose, powers of 1,000.
pub(crate) fn bytes(number: u64) -> String {
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
pub(crate) fn elapsed(seconds: f64) -> String {
    let whole = seconds as u64;
    format!("{}:{:02}:{:02}", whole / 3_600, whole / 60 % 60, whole % 60)
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
    }

    #[test]
    fn text_is_broken_between_words() {
        assert_eq!(
            wrapped("a bb ccc dddddd e", 6),
            ["a bb", "ccc", "dddddd", "e"]
        );
        assert_eq!(wrapped("", 6), [""; 0]);
    }

    #[test]
    fn text_from_outside_cannot_steer_the_terminal() {
        assert_eq!(
            harmless("a\u{1b}[2Jb\nc\u{202e}é"),
            "a\\u{1b}[2Jb\nc\\u{202e}é"
        );
    }
}
