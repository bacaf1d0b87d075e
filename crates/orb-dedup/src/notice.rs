//! Notices: pages that only say that something is missing, that a domain is for sale, or that one must log in.
//!
//! In: title and visible text. Out: which notice, if it is one. May touch: `phrases.txt`.
//! Must not touch: markup, status codes.
//! Invariant: a page with much to say is never a notice, whatever phrases it has; linear in the phrases and the text.

use crate::limits::{NOTICE_BYTES_BY_LINES_MAX, NOTICE_TEXT_BYTES_MAX};

const PHRASES: &str = include_str!("phrases.txt");

/// Longest line in which a phrase counts: what says that a page is missing is a heading or a short sentence; an article
/// about missing pages says it in the middle of a paragraph.
const LINE_BYTES_MAX: usize = 160;

/// What a page says instead of having a content of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Notice {
    /// That there is nothing at its address.
    Missing,
    /// That its domain is for sale, or was registered and has no pages yet.
    Parked,
    /// That one must log in to read it.
    Login,
}

impl Notice {
    /// Its name in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Notice::Missing => "missing",
            Notice::Parked => "parked",
            Notice::Login => "login",
        }
    }
}

/// The notice that a page is, by what it says. For a status of 2xx; a page that says 404 by its status needs no reading.
///
/// - `title`: its title. `text`: its visible text, one line per block.
/// - Cost: about 50 µs for a short page, nothing for a long one.
#[must_use]
pub fn notice(title: &str, text: &str) -> Option<Notice> {
    if text.len() > NOTICE_TEXT_BYTES_MAX {
        return None;
    }
    let title = plain(title);
    // A short manual page says in a line of its own that some entry cannot be found.
    let says_little = text.len() <= NOTICE_BYTES_BY_LINES_MAX;
    let lines: Vec<String> = text
        .lines()
        .filter(|line| says_little && line.len() <= LINE_BYTES_MAX)
        .map(plain)
        .collect();
    phrases()
        .find(|(_, phrase)| {
            title.contains(phrase) || lines.iter().any(|line| line.contains(phrase))
        })
        .map(|(notice, _)| notice)
}

fn phrases() -> impl Iterator<Item = (Notice, &'static str)> {
    PHRASES.lines().filter_map(|line| {
        let (kind, phrase) = line.split_once(": ")?;
        let kinds = [Notice::Missing, Notice::Parked, Notice::Login];
        let notice = kinds.into_iter().find(|notice| notice.as_str() == kind)?;
        Some((notice, phrase))
    })
}

/// Lower case, white space as one blank.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !plain.is_empty() {
            plain.push(' ');
        }
        plain.push_str(&word.to_lowercase());
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_is_read() {
        let lines = PHRASES
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        assert_eq!(lines.clone().count(), phrases().count());
        for (_, phrase) in phrases() {
            assert_eq!(plain(phrase), phrase);
        }
    }

    #[test]
    fn short_pages_are_taken_at_their_word() {
        for (title, text, expected) in [
            (
                "Oops",
                "Home\nPage  NOT found\nContact",
                Some(Notice::Missing),
            ),
            ("404 Not Found", "nginx", Some(Notice::Missing)),
            ("Seite nicht gefunden", "Startseite", Some(Notice::Missing)),
            (
                "qwzx.com",
                "This domain is for sale\nRelated searches",
                Some(Notice::Parked),
            ),
            ("Members", "Please log in to read on", Some(Notice::Login)),
            ("Gardens", "Roses and tulips\nLog in", None),
        ] {
            assert_eq!(notice(title, text), expected, "{title}");
        }
        let article = format!(
            "{} when a page not found is shown {}",
            "words ".repeat(20),
            "words ".repeat(20)
        );
        assert_eq!(notice("About servers", &article), None);
        let manual = format!(
            "DROP TABLE\nIF EXISTS\nDo not throw an error if the table does not exist.\n{}",
            "to remove a table and all that it holds\n".repeat(30)
        );
        assert_eq!(notice("DROP TABLE", &manual), None);
        let long = format!("Page not found\n{}", "much to read about it\n".repeat(200));
        assert_eq!(notice("Errors", &long), None);
    }
}
