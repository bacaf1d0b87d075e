//! Lines for people and scripts.
//!
//! In: text. Out: standard output for results, standard error for notes.
//! May touch: the two streams. Invariant: a reader that went away (`orb … | head`) is no failure, and no text from
//! outside moves the cursor or changes colours.

use std::io::{self, Write};

use serde::Serialize;

pub(crate) use orb_screen::{bytes, count, elapsed, harmless};

use crate::exit::Failure;
use crate::live::curtain;

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

/// Writes a report: its text, or with `json` the object to standard output and the text as a note beside it.
pub(crate) fn say_report(report: &impl Serialize, text: &str, json: bool) -> Result<(), Failure> {
    if json {
        note(text);
        return say_json(report);
    }
    say(text);
    Ok(())
}

/// Writes a note to standard error; where even that is closed there is nobody to tell. While a live view is up, the
/// view shows it, and it is written after the view.
pub(crate) fn note(text: &str) {
    let text = harmless(text);
    if !curtain::hold(&text) {
        writeln!(io::stderr().lock(), "{text}").ok();
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_between_words() {
        assert_eq!(
            wrapped("a bb ccc dddddd e", 6),
            ["a bb", "ccc", "dddddd", "e"]
        );
        assert_eq!(wrapped("", 6), [""; 0]);
    }
}
