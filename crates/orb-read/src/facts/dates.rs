//! When a page was written, in ISO 8601.
//!
//! In: metadata, `time` elements, visible dates, the address. Out: a date, or a date and time.
//! May touch: the tree. Must not touch: clocks; nothing is relative to today.
//! Invariant: what comes out exists in the calendar; 03/04/2024, which is two days, is none.

use jiff::civil::{Date, Time};
use url::Url;

use crate::content::Content;
use crate::hints::Hint;
use crate::measure::Measures;
use crate::tag::Tag;
use crate::tree::{Kind, NodeId, Tree};

use super::json_ld::LinkedData;
use super::meta::Metas;

/// Years that a page may name as its own.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2100;

/// Bytes of a text that is searched for a date.
const SEARCHED_BYTES_MAX: usize = 160;

/// Lines looked at for "Published …".
const LINES_MAX: usize = 600;

const PUBLISHED: &[&str] = &[
    "article:published_time",
    "datepublished",
    "og:published_time",
    "parsely-pub-date",
    "citation_publication_date",
    "citation_date",
    "pubdate",
    "publishdate",
    "publish-date",
    "publication_date",
    "dc.date.issued",
    "dcterms.issued",
    "dcterms.created",
    "dc.date.created",
    "dc.date",
    "dcterms.date",
    "date",
];

const MODIFIED: &[&str] = &[
    "article:modified_time",
    "og:updated_time",
    "datemodified",
    "dcterms.modified",
    "dc.date.modified",
    "last-modified",
    "revised",
];

/// When the page was published, by the surest witness that knows.
pub(super) fn published(
    tree: &Tree<'_>,
    content: &Content,
    metas: &Metas,
    linked: &LinkedData,
    page: Option<&Url>,
) -> Option<String> {
    of_metadata(
        tree,
        &content.measures,
        metas,
        linked,
        PUBLISHED,
        "datePublished",
    )
    .or_else(|| {
        linked
            .text(&["uploadDate"])
            .and_then(|date| iso_8601(&date))
    })
    .or_else(|| of_time_element(tree, content))
    .or_else(|| of_class(tree, &content.measures))
    .or_else(|| of_address(page?))
    .or_else(|| of_line(tree))
}

/// When the page was changed last.
pub(super) fn modified(
    tree: &Tree<'_>,
    measures: &Measures,
    metas: &Metas,
    linked: &LinkedData,
) -> Option<String> {
    of_metadata(tree, measures, metas, linked, MODIFIED, "dateModified")
}

fn of_metadata(
    tree: &Tree<'_>,
    measures: &Measures,
    metas: &Metas,
    linked: &LinkedData,
    names: &[&str],
    property: &str,
) -> Option<String> {
    linked
        .text(&[property])
        .and_then(|date| iso_8601(&date))
        .or_else(|| {
            names
                .iter()
                .find_map(|name| metas.first(&[name]).and_then(iso_8601))
        })
        .or_else(|| {
            tree.ids()
                .filter(|id| measures.has(*id, Hint::Property) || tree.tag(*id) == Some(Tag::Meta))
                .find(|id| {
                    tree.attribute(*id, "itemprop").is_some_and(|names| {
                        names.split_ascii_whitespace().any(|name| name == property)
                    })
                })
                .and_then(|id| of_element(tree, id))
        })
}

fn of_element(tree: &Tree<'_>, id: NodeId) -> Option<String> {
    let [datetime, content, title] = tree.attributes(id, ["datetime", "content", "title"]);
    [datetime, content]
        .into_iter()
        .flatten()
        .find_map(|value| iso_8601(&value))
        .or_else(|| iso_8601(&tree.text(id, SEARCHED_BYTES_MAX)))
        .or_else(|| title.and_then(|title| iso_8601(&title)))
}

/// The only `time` of the content, or the first that says it is the publication.
fn of_time_element(tree: &Tree<'_>, content: &Content) -> Option<String> {
    let times: Vec<NodeId> = tree
        .ids()
        .filter(|id| tree.tag(*id) == Some(Tag::Time))
        .take(64)
        .collect();
    let says_so = |id: &&NodeId| {
        let [pubdate, class] = tree.attributes(**id, ["pubdate", "class"]);
        pubdate.is_some()
            || class.is_some_and(|class| {
                let class = class.to_ascii_lowercase();
                class.contains("publish")
                    || class.contains("entry-date")
                    || class.contains("dt-published")
            })
    };
    let root = content.root..tree.end(content.root);
    times
        .iter()
        .find(says_so)
        .or_else(|| times.iter().find(|id| root.contains(id)))
        .or_else(|| times.first())
        // A page with many times lists things; the first of them is not its own.
        .filter(|_| times.len() < 12)
        .and_then(|id| of_element(tree, *id))
}

fn of_class(tree: &Tree<'_>, measures: &Measures) -> Option<String> {
    tree.ids()
        .filter(|id| measures.has(*id, Hint::Dated))
        .find_map(|id| {
            let class = tree.attribute(id, "class")?;
            let is_date = class.split_ascii_whitespace().any(|name| {
                matches!(
                    name.to_ascii_lowercase().as_str(),
                    "date"
                        | "published"
                        | "pubdate"
                        | "post-date"
                        | "entry-date"
                        | "posted-on"
                        | "publish-date"
                        | "article-date"
                        | "article__date"
                        | "post__date"
                        | "dateline"
                        | "post-meta"
                        | "entry-meta"
                )
            });
            if is_date { of_element(tree, id) } else { None }
        })
}

/// `/2024/05/06/` in the address.
fn of_address(page: &Url) -> Option<String> {
    let mut parts = page.path_segments()?.peekable();
    while let Some(part) = parts.next() {
        let is_year = part.len() == 4 && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_year {
            continue;
        }
        let mut following = parts.clone();
        let month = following.next().filter(|month| month.len() == 2);
        let day = following.next().filter(|day| day.len() == 2);
        if let (Some(month), Some(day)) = (month, day) {
            return iso_8601(&format!("{part}-{month}-{day}"));
        }
    }
    None
}

/// "Published on 6 May 2024", on a line of its own.
fn of_line(tree: &Tree<'_>) -> Option<String> {
    let is_line = |id: &NodeId| {
        matches!(
            tree.tag(*id),
            Some(
                Tag::P
                    | Tag::Div
                    | Tag::Span
                    | Tag::Li
                    | Tag::Td
                    | Tag::Small
                    | Tag::Em
                    | Tag::Address
            )
        ) && tree.end(*id) - *id <= 12
    };
    // A date has digits: most lines have none, and are not put together.
    let has_digit = |id: &NodeId| {
        (*id..tree.end(*id)).any(|node| match tree.kind(node) {
            Kind::Text(run) => run.raw().bytes().any(|byte| byte.is_ascii_digit()),
            Kind::Element(..) => false,
        })
    };
    let lines = tree.ids().filter(is_line).take(LINES_MAX);
    lines.filter(has_digit).find_map(|id| {
        let text = tree.text(id, SEARCHED_BYTES_MAX + 1);
        if text.len() > SEARCHED_BYTES_MAX {
            return None;
        }
        let lower = text.to_lowercase();
        let announces = [
            "published",
            "posted",
            "veröffentlicht",
            "publié",
            "publicado",
            "date:",
            "written on",
        ]
        .iter()
        .any(|word| lower.contains(word));
        if announces { iso_8601(&text) } else { None }
    })
}

/// The first date in a short text, as ISO 8601; with its time where hours and offset are given the same way.
///
/// - Understands ISO 8601, HTTP and mail dates, `6 May 2024`, `May 6th, 2024`, `06.05.2024`, `2024年5月6日`, and
///   month names of the larger European languages.
/// - `None` when there is none, when it is not in the calendar, or when day and month cannot be told apart.
pub fn iso_8601(text: &str) -> Option<String> {
    let text: String = text.chars().take(SEARCHED_BYTES_MAX).collect();
    let text = text
        .replace(['年', '月'], "-")
        .replace(['日', '\u{a0}', '\u{202f}'], " ");
    let tokens = tokens(&text);
    (0..tokens.len()).find_map(|at| {
        let (date, behind) = date_at(&text, &tokens, at)?;
        let rest = &text[tokens[behind].1 + tokens[behind].0.len()..];
        Some(match time(rest) {
            Some(time) => format!("{date}T{time}"),
            None => date.to_string(),
        })
    })
}

/// Runs of letters and digits with where they begin.
fn tokens(text: &str) -> Vec<(&str, usize)> {
    let mut found = Vec::new();
    let mut start = None;
    for (at, letter) in text.char_indices() {
        let begun = start
            .map(|start: usize| text[start..].starts_with(|first: char| first.is_ascii_digit()));
        // A letter behind digits begins a new token: `06T10`, `6th`.
        let continues = letter.is_alphanumeric()
            && begun.is_none_or(|digits| digits == letter.is_ascii_digit());
        match (start, continues) {
            (None, true) => start = Some(at),
            (Some(begin), false) => {
                found.push((&text[begin..at], begin));
                start = letter.is_alphanumeric().then_some(at);
            }
            _ => {}
        }
    }
    if let Some(begin) = start {
        found.push((&text[begin..], begin));
    }
    found
}

/// A date that begins at a token, and the token it ends with.
fn date_at(text: &str, tokens: &[(&str, usize)], at: usize) -> Option<(Date, usize)> {
    let number = |at: usize| -> Option<(i16, usize)> {
        let (token, _) = tokens.get(at)?;
        let is_number = token.len() <= 4 && token.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| Some((token.parse().ok()?, token.len())))?
    };
    let (token, start) = *tokens.get(at)?;
    if token.len() == 8 && token.bytes().all(|byte| byte.is_ascii_digit()) {
        let date = date(
            token[..4].parse().ok()?,
            token[4..6].parse().ok()?,
            token[6..].parse().ok()?,
        )?;
        return Some((date, at));
    }
    if let Some(month) = month(token) {
        // May 6, 2024
        let (day, width) = number(at + 1)?;
        let year_at =
            at + 2 + usize::from(tokens.get(at + 2).is_some_and(|(word, _)| is_ordinal(word)));
        let (year, year_width) = number(year_at)?;
        return (width <= 2 && year_width == 4)
            .then(|| date(year, month, day))?
            .map(|date| (date, year_at));
    }
    let (first, width) = number(at)?;
    let mut next = at + 1;
    while tokens.get(next).is_some_and(|(word, _)| {
        next - at <= 2 && (is_ordinal(word) || matches!(*word, "of" | "de" | "di"))
    }) {
        next += 1;
    }
    let (second, _) = *tokens.get(next)?;
    if let Some(month) = month(second) {
        // 6 May 2024
        let mut year_at = next + 1;
        if tokens
            .get(year_at)
            .is_some_and(|(word, _)| matches!(*word, "de" | "of"))
        {
            year_at += 1;
        }
        let (year, year_width) = number(year_at)?;
        return (width <= 2 && year_width == 4)
            .then(|| date(year, month, first))?
            .map(|date| (date, year_at));
    }
    let (middle, middle_width) = number(at + 1)?;
    let (last, last_width) = number(at + 2)?;
    let are_joined = tokens[at + 1].1 == start + width + 1
        && tokens[at + 2].1 == tokens[at + 1].1 + middle_width + 1;
    // What goes on after the third number, or began before the first, is a version or an address.
    let behind = text.as_bytes().get(tokens[at + 2].1 + last_width);
    let before = start.checked_sub(1).and_then(|at| text.as_bytes().get(at));
    let goes_on = |byte: Option<&u8>| byte.is_some_and(|byte| b"-./".contains(byte));
    let is_alone = !goes_on(before) && (!goes_on(behind) || tokens.len() == at + 3);
    if !are_joined || middle_width > 2 || !is_alone {
        return None;
    }
    let found = match (width, last_width) {
        (4, 1..=2) => date(first, middle, last),
        (1..=2, 4) => {
            let is_dotted = text.as_bytes().get(start + width) == Some(&b'.');
            day_first(first, middle, last, is_dotted)
        }
        _ => None,
    };
    found.map(|date| (date, at + 2))
}

/// `06.05.2024` has the day first; with slashes or hyphens only a number above twelve tells.
fn day_first(first: i16, second: i16, year: i16, is_dotted: bool) -> Option<Date> {
    match (first > 12, second > 12) {
        (true, false) => date(year, second, first),
        (false, true) => date(year, first, second),
        (false, false) if is_dotted || first == second => date(year, second, first),
        _ => None,
    }
}

fn is_ordinal(word: &str) -> bool {
    matches!(word, "st" | "nd" | "rd" | "th" | "er" | "º" | "ª")
}

fn date(year: i16, month: i16, day: i16) -> Option<Date> {
    if !YEARS.contains(&year) {
        return None;
    }
    Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok()
}

/// The number of a month by its name or the beginning of it.
fn month(word: &str) -> Option<i16> {
    const MONTHS: [&[&str]; 12] = [
        &[
            "january", "januar", "janvier", "enero", "gennaio", "janeiro", "januari", "jan",
        ],
        &[
            "february",
            "februar",
            "février",
            "fevrier",
            "febrero",
            "febbraio",
            "fevereiro",
            "februari",
            "feb",
            "févr",
        ],
        &["march", "märz", "mars", "marzo", "março", "maart", "mar"],
        &["april", "avril", "abril", "aprile", "apr", "avr"],
        &["may", "mai", "mayo", "maggio", "maio", "mei"],
        &["june", "juni", "juin", "junio", "giugno", "junho", "jun"],
        &[
            "july", "juli", "juillet", "julio", "luglio", "julho", "jul", "juil",
        ],
        &["august", "août", "aout", "agosto", "augustus", "aug"],
        &[
            "september",
            "septembre",
            "septiembre",
            "settembre",
            "setembro",
            "sep",
            "sept",
        ],
        &[
            "october", "oktober", "octobre", "octubre", "ottobre", "outubro", "oct", "okt",
        ],
        &["november", "novembre", "noviembre", "novembro", "nov"],
        &[
            "december",
            "dezember",
            "décembre",
            "decembre",
            "diciembre",
            "dicembre",
            "dezembro",
            "dec",
            "dez",
            "déc",
        ],
    ];
    if !(3..=12).contains(&word.len()) {
        return None;
    }
    let word = word.to_lowercase();
    MONTHS
        .iter()
        .position(|names| names.contains(&word.as_str()))
        .and_then(|at| i16::try_from(at + 1).ok())
}

/// `T10:11:12.5+02:00` and ` 10:11:12 GMT`: a time of day with its offset, seconds and offset optional after a `T`.
fn time(rest: &str) -> Option<String> {
    let after_t = rest.strip_prefix(['T', 't']);
    let rest = after_t.or_else(|| rest.strip_prefix(' '))?;
    let clock_bytes = rest
        .bytes()
        .take_while(|byte| byte.is_ascii_digit() || *byte == b':' || *byte == b'.')
        .count();
    let (clock, behind) = rest.split_at(clock_bytes);
    let mut parts = clock.split('.').next()?.split(':');
    let mut two = || -> Option<i8> { parts.next().filter(|part| part.len() == 2)?.parse().ok() };
    let (hour, minute) = (two()?, two()?);
    let second = two().unwrap_or(0).min(59);
    Time::new(hour, minute, second, 0).ok()?;
    let zone = zone(behind.trim_start());
    if zone.is_none() && after_t.is_none() {
        return None;
    }
    Some(format!(
        "{hour:02}:{minute:02}:{second:02}{}",
        zone.unwrap_or_default()
    ))
}

fn zone(rest: &str) -> Option<String> {
    if ["Z", "z", "GMT", "UTC"]
        .iter()
        .any(|name| rest.starts_with(name))
    {
        return Some("Z".to_owned());
    }
    let sign = rest.chars().next().filter(|sign| "+-".contains(*sign))?;
    let digits: String = rest[1..]
        .chars()
        .filter(|letter| *letter != ':')
        .take_while(char::is_ascii_digit)
        .take(4)
        .collect();
    let hours: u8 = digits.get(..2)?.parse().ok()?;
    let minutes: u8 = digits.get(2..4).unwrap_or("00").parse().ok()?;
    if hours > 14 || minutes > 59 {
        return None;
    }
    Some(if (hours, minutes) == (0, 0) {
        "Z".to_owned()
    } else {
        format!("{sign}{hours:02}:{minutes:02}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(iso_8601(text).as_deref(), expected, "{text}");
    }

    #[test]
    fn dates_are_read_as_people_write_them() {
        check("2024-05-06", Some("2024-05-06"));
        check(
            "2024-05-06T10:11:12.345+0200",
            Some("2024-05-06T10:11:12+02:00"),
        );
        check("2024-05-06T10:11Z", Some("2024-05-06T10:11:00Z"));
        check(
            "Mon, 06 May 2024 10:11:12 GMT",
            Some("2024-05-06T10:11:12Z"),
        );
        check(
            "Published on Monday, May 6th, 2024 at 3 pm",
            Some("2024-05-06"),
        );
        check("6. Mai 2024", Some("2024-05-06"));
        check("le 1er août 2023", Some("2023-08-01"));
        check("6 de mayo de 2024", Some("2024-05-06"));
        check("06.05.2024", Some("2024-05-06"));
        check("2024/5/6", Some("2024-05-06"));
        check("20240506", Some("2024-05-06"));
        check("2024年5月6日", Some("2024-05-06"));
    }

    #[test]
    fn what_is_no_date_or_two_is_none() {
        check("03/04/2024", None);
        check("13/04/2024", Some("2024-04-13"));
        check("04/13/2024", Some("2024-04-13"));
        check("2024-02-30", None);
        check("version 1.2.2024-rc", None);
        check("3 May", None);
        check("", None);
        check("192.168.10.20", None);
    }
}
