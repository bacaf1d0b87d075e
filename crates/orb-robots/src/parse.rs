//! Parsing: reads the lines of a robots.txt and keeps what concerns one agent.
//!
//! In: the bytes of the body, the product token. Out: rule lines of the merged group, delay, sitemaps, preferences.
//! May touch: `limits`. Must not touch: matching, HTTP, time.
//! Invariant: never fails; each byte is looked at a fixed number of times; all lists are bounded.
//!
//! Groups (RFC 9309, 2.2.1): neighbouring user-agent lines share one; only allow and disallow lines end the
//! neighbourhood. Groups that name our token are one group, else those for `*` are.

use std::borrow::Cow;
use std::time::Duration;

use memchr::{memchr, memchr2};

use crate::limits::{
    CRAWL_DELAY_MAX, ODDITIES_MAX, ROBOTS_BYTES_MAX, SITEMAP_BYTES_MAX, SITEMAPS_MAX,
    USAGE_BYTES_MAX, USAGE_LINES_MAX,
};
use crate::rules::RuleLine;
use crate::{Access, GroupUsed, Oddity, ProductToken, UsageKind, UsageLine};

/// What a file says to one agent, its rules still borrowed from the text.
pub(crate) struct Reading<'a> {
    pub(crate) group: GroupUsed,
    pub(crate) rules: Vec<RuleLine<'a>>,
    pub(crate) crawl_delay: Option<Duration>,
    pub(crate) usage: Vec<UsageLine>,
    pub(crate) sitemaps: Vec<String>,
    pub(crate) oddities: Oddities,
}

/// A list of oddities that stops growing.
#[derive(Default)]
pub(crate) struct Oddities(pub(crate) Vec<Oddity>);

impl Oddities {
    fn note(&mut self, oddity: Oddity) {
        if self.0.len() < ODDITIES_MAX {
            self.0.push(oddity);
        }
    }
}

/// The part of a body that is read: at most [`ROBOTS_BYTES_MAX`], cut behind a line end, marks of its encoding gone.
///
/// A body with a UTF-16 mark is recoded, since its owner did write rules; the RFC knows UTF-8 only.
pub(crate) fn text_of(body: &[u8]) -> (Cow<'_, [u8]>, Oddities) {
    let mut oddities = Oddities::default();
    let read = &body[..body.len().min(ROBOTS_BYTES_MAX)];
    let utf16 = |unit: fn([u8; 2]) -> u16| {
        let units = read[2..].as_chunks().0.iter().map(|&pair| unit(pair));
        let text: String = char::decode_utf16(units)
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        Cow::Owned(text.into_bytes())
    };
    let mut text = match read {
        [0xFF, 0xFE, ..] => utf16(u16::from_le_bytes),
        [0xFE, 0xFF, ..] => utf16(u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => Cow::Borrowed(rest),
        _ => Cow::Borrowed(read),
    };
    if matches!(read, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]) {
        oddities.note(Oddity::Utf16);
    }
    if let Some(next) = body.get(ROBOTS_BYTES_MAX) {
        oddities.note(Oddity::Cut {
            body_bytes: body.len() as u64,
        });
        if !matches!(next, b'\r' | b'\n') {
            let whole = memchr::memrchr2(b'\r', b'\n', &text).map_or(0, |end| end + 1);
            match &mut text {
                Cow::Borrowed(bytes) => *bytes = &bytes[..whole],
                Cow::Owned(bytes) => bytes.truncate(whole),
            }
        }
    }
    if text.trim_ascii_start().first() == Some(&b'<') {
        oddities.note(Oddity::Html);
    }
    if memchr(0, &text).is_some() {
        oddities.note(Oddity::NulBytes);
    }
    (text, oddities)
}

/// Reads the lines of `text` for `token`. Cost: O(bytes).
pub(crate) fn read<'a>(text: &'a [u8], token: &ProductToken, oddities: Oddities) -> Reading<'a> {
    let mut reader = Reader {
        token,
        group: Group::default(),
        named: Bucket::default(),
        anyone: Bucket::default(),
        sitemaps: Vec::new(),
        oddities,
    };
    let mut rest = text;
    let mut number = 0;
    while !rest.is_empty() {
        let end = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
        let line = &rest[..end];
        let ending = if rest[end..].starts_with(b"\r\n") {
            2
        } else {
            1
        };
        rest = rest.get(end + ending..).unwrap_or_default();
        number += 1;
        reader.line(line, number);
    }
    reader.finish()
}

/// What a line is about, by its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Agent,
    Rule(Access),
    CrawlDelay,
    Sitemap,
    Usage(UsageKind),
}

/// Keys with the spellings that are common enough to mean the same; `true` marks the right one.
const KEYS: &[(&str, Key, bool)] = &[
    ("user-agent", Key::Agent, true),
    ("disallow", Key::Rule(Access::Disallow), true),
    ("allow", Key::Rule(Access::Allow), true),
    ("crawl-delay", Key::CrawlDelay, true),
    ("sitemap", Key::Sitemap, true),
    ("content-usage", Key::Usage(UsageKind::ContentUsage), true),
    ("content-signal", Key::Usage(UsageKind::ContentSignal), true),
    ("useragent", Key::Agent, false),
    ("user agent", Key::Agent, false),
    ("dissallow", Key::Rule(Access::Disallow), false),
    ("dissalow", Key::Rule(Access::Disallow), false),
    ("disalow", Key::Rule(Access::Disallow), false),
    ("diasllow", Key::Rule(Access::Disallow), false),
    ("disallaw", Key::Rule(Access::Disallow), false),
    ("crawldelay", Key::CrawlDelay, false),
    ("crawl delay", Key::CrawlDelay, false),
    ("site-map", Key::Sitemap, false),
];

fn key_of(text: &[u8]) -> Option<(Key, bool)> {
    // Keeps files of nothing but short lines cheap.
    if !(5..=14).contains(&text.len()) {
        return None;
    }
    let known = KEYS
        .iter()
        .find(|(name, ..)| name.as_bytes().eq_ignore_ascii_case(text))?;
    Some((known.1, known.2))
}

/// Rules and wishes of all groups for one kind of agent, merged.
#[derive(Default)]
struct Bucket<'a> {
    present: bool,
    rules: Vec<RuleLine<'a>>,
    crawl_delay: Option<Duration>,
    usage: Vec<UsageLine>,
}

impl Bucket<'_> {
    fn add_wishes(&mut self, crawl_delay: Option<Duration>, usage: &[UsageLine]) {
        // `None` is the smallest.
        self.crawl_delay = self.crawl_delay.max(crawl_delay);
        let room = USAGE_LINES_MAX.saturating_sub(self.usage.len());
        self.usage.extend(usage.iter().take(room).cloned());
    }
}

/// The group being read.
///
/// Lines other than rules may stand between its user-agent lines, so they wait here until all agents are known.
#[derive(Default)]
struct Group {
    begun: bool,
    /// Another user-agent line would join this group.
    joinable: bool,
    names_us: bool,
    names_anyone: bool,
    crawl_delay: Option<Duration>,
    usage: Vec<UsageLine>,
}

struct Reader<'a, 't> {
    token: &'t ProductToken,
    group: Group,
    named: Bucket<'a>,
    anyone: Bucket<'a>,
    sitemaps: Vec<String>,
    oddities: Oddities,
}

impl<'a> Reader<'a, '_> {
    fn line(&mut self, line: &'a [u8], number: u32) {
        let end = memchr(b'#', line).unwrap_or(line.len());
        let record = trim(&line[..end]);
        if record.is_empty() {
            return;
        }
        let Some((key, value)) = split(record) else {
            self.oddities.note(Oddity::NoRecord { line: number });
            return;
        };
        let Some((key, spelt_right)) = key_of(key) else {
            return;
        };
        if !spelt_right || memchr(b':', record).is_none() {
            self.oddities.note(Oddity::Misspelt { line: number });
        }
        match key {
            Key::Agent => self.agent(value, number),
            Key::Rule(access) => self.rule(access, value, number),
            Key::CrawlDelay => match seconds(value) {
                Some(delay) if self.group.begun => {
                    self.group.crawl_delay = self.group.crawl_delay.max(Some(delay))
                }
                Some(_) => self.oddities.note(Oddity::OutsideGroup { line: number }),
                None => self.oddities.note(Oddity::BadCrawlDelay { line: number }),
            },
            Key::Sitemap => self.sitemap(value, number),
            Key::Usage(kind) => self.usage(kind, value, number),
        }
    }

    fn agent(&mut self, value: &[u8], number: u32) {
        if !self.group.joinable {
            self.close_group();
            self.group = Group {
                begun: true,
                joinable: true,
                ..Group::default()
            };
        }
        let token_end = value
            .iter()
            .position(|&b| !is_token_byte(b))
            .unwrap_or(value.len());
        let token = &value[..token_end];
        let is_star = matches!(value, [b'*'] | [b'*', b' ' | b'\t', ..]);
        if is_star {
            self.group.names_anyone = true;
            self.anyone.present = true;
        } else if token.eq_ignore_ascii_case(self.token.as_str().as_bytes()) {
            self.group.names_us = true;
            self.named.present = true;
        } else if token.is_empty() {
            self.oddities.note(Oddity::BadAgent { line: number });
        }
    }

    fn rule(&mut self, access: Access, pattern: &'a [u8], number: u32) {
        if !self.group.begun {
            self.oddities.note(Oddity::OutsideGroup { line: number });
            return;
        }
        self.group.joinable = false;
        match pattern.first() {
            None => return,
            Some(b'/' | b'*') => {}
            Some(_) => {
                self.oddities.note(Oddity::BadPattern { line: number });
                return;
            }
        }
        let rule = RuleLine {
            access,
            line: number,
            pattern,
        };
        if self.group.names_us {
            self.named.rules.push(rule);
        }
        if self.group.names_anyone {
            self.anyone.rules.push(rule);
        }
    }

    fn sitemap(&mut self, value: &[u8], number: u32) {
        if value.is_empty()
            || value.len() > SITEMAP_BYTES_MAX
            || self.sitemaps.len() == SITEMAPS_MAX
        {
            self.oddities.note(Oddity::LeftOut { line: number });
            return;
        }
        self.sitemaps
            .push(String::from_utf8_lossy(value).into_owned());
    }

    /// Before the first group a preference is taken as meant for everyone: the cautious reading.
    fn usage(&mut self, kind: UsageKind, value: &[u8], number: u32) {
        if value.len() > USAGE_BYTES_MAX || self.group.usage.len() == USAGE_LINES_MAX {
            self.oddities.note(Oddity::LeftOut { line: number });
            return;
        }
        let value = String::from_utf8_lossy(value).into_owned();
        self.group.usage.push(UsageLine {
            line: number,
            kind,
            value,
        });
    }

    fn close_group(&mut self) {
        let group = std::mem::take(&mut self.group);
        if group.names_us || !group.begun {
            self.named.add_wishes(group.crawl_delay, &group.usage);
        }
        if group.names_anyone || !group.begun {
            self.anyone.add_wishes(group.crawl_delay, &group.usage);
        }
    }

    fn finish(mut self) -> Reading<'a> {
        self.close_group();
        let group = match (self.named.present, self.anyone.present) {
            (true, _) => GroupUsed::Named,
            (false, true) => GroupUsed::Anyone,
            (false, false) => GroupUsed::Nobody,
        };
        let ours = if self.named.present {
            self.named
        } else {
            self.anyone
        };
        Reading {
            group,
            rules: ours.rules,
            crawl_delay: ours.crawl_delay,
            usage: ours.usage,
            sitemaps: self.sitemaps,
            oddities: self.oddities,
        }
    }
}

/// Key and value at the first colon. Without one, two words of which the first is a key will do.
fn split(record: &[u8]) -> Option<(&[u8], &[u8])> {
    if let Some(colon) = memchr(b':', record) {
        return Some((trim(&record[..colon]), trim(&record[colon + 1..])));
    }
    let gap = memchr2(b' ', b'\t', record)?;
    let (key, value) = (&record[..gap], trim(&record[gap..]));
    let one_word = memchr2(b' ', b'\t', value).is_none();
    (one_word && key_of(key).is_some()).then_some((key, value))
}

/// Takes blanks off both ends; NUL counts as one, being padding in the files that have it.
fn trim(mut text: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | 0x0B | 0x0C | 0);
    while let [first, rest @ ..] = text
        && blank(first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && blank(last)
    {
        text = rest;
    }
    text
}

/// Characters of a product token (RFC 9309, 2.2.1).
pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-')
}

/// A plain decimal number of seconds, at most [`CRAWL_DELAY_MAX`].
fn seconds(value: &[u8]) -> Option<Duration> {
    let plain = value.iter().all(|b| b.is_ascii_digit() || *b == b'.');
    let number: f64 = std::str::from_utf8(value)
        .ok()
        .filter(|_| plain)?
        .parse()
        .ok()?;
    // A number with hundreds of digits reads as infinity, which the bound turns into a year as well.
    Some(Duration::from_secs_f64(
        number.min(CRAWL_DELAY_MAX.as_secs_f64()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_plain_decimals() {
        let ms = Duration::from_millis;
        for (text, expected) in [
            ("10", Some(ms(10_000))),
            ("0.5", Some(ms(500))),
            (".5", Some(ms(500))),
            ("1.", Some(ms(1_000))),
            ("0", Some(Duration::ZERO)),
            ("99999999999999999999", Some(CRAWL_DELAY_MAX)),
            ("", None),
            (".", None),
            ("-1", None),
            ("+1", None),
            ("1e3", None),
            ("inf", None),
            ("NaN", None),
            ("1,5", None),
            ("1.2.3", None),
            ("ten", None),
            ("10 s", None),
        ] {
            assert_eq!(seconds(text.as_bytes()), expected, "{text:?}");
        }
        assert_eq!(seconds("9".repeat(400).as_bytes()), Some(CRAWL_DELAY_MAX));
    }

    #[test]
    fn every_key_is_found_in_any_case() {
        for &(name, key, spelt_right) in KEYS {
            assert_eq!(
                key_of(name.to_uppercase().as_bytes()),
                Some((key, spelt_right)),
                "{name}"
            );
        }
        assert_eq!(key_of(b"host"), None);
    }

    #[test]
    fn trimming_stops_at_the_text() {
        assert_eq!(trim(b" \t\x0b a b \0 "), b"a b");
        assert_eq!(trim(b"  "), b"");
    }
}
