//! How a trap web spells its URLs.
//!
//! In: a site's number, request targets. Out: what is there; spelled targets.
//! May touch: `place`, `words`. Must not touch: pages' text.
//! Invariant: a spelled target reads back as what it was spelled for.

use crate::place::{Atlas, ascii};
use crate::traps::WILDCARD_HOSTS;
use crate::words::{ADJECTIVES, NOUNS, word};

/// What is at a target, the session taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spot {
    Page(u32),
    Calendar(Date),
    Deeper,
    Facets,
    Nothing,
}

/// A month of any year, or a day of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Date {
    pub(super) year: u32,
    pub(super) month: u32,
    pub(super) day: Option<u32>,
}

/// What the facets are, and how many values each has.
pub(super) const FACETS: [(&str, u32); 5] = [
    ("color", 6),
    ("size", 6),
    ("brand", 8),
    ("sort", 4),
    ("view", 3),
];

/// Hexadecimal digits of a session.
const SESSION_DIGITS: usize = 12;

/// Letters of a wildcard host.
const LETTERS: u32 = 5;

const SECTIONS: [&str; 5] = ["news", "guide", "people", "market", "science"];

impl Atlas {
    /// Whether a site of a trap web is the one with wildcard sub-domains.
    pub(crate) fn is_wildcard(&self, site: u32) -> bool {
        self.config.traps && site + 1 == self.config.sites
    }

    /// The sub-domain of a number below [`WILDCARD_HOSTS`].
    pub(super) fn wildcard_label(number: u32) -> String {
        // Scattered: an odd factor below a power of two would do, and 26^5 has no factor 7.
        let mut left = (u64::from(number) * 7_654_321 % 26_u64.pow(LETTERS)) as u32;
        let letter = |_| {
            let letter = char::from(b'a' + (left % 26) as u8);
            left /= 26;
            letter
        };
        (0..LETTERS).map(letter).collect()
    }

    /// Whether a label is one of the wildcard sub-domains: any of as many letters will do.
    pub(crate) fn is_wildcard_label(label: &[u8]) -> bool {
        label.len() == LETTERS as usize && label.iter().all(u8::is_ascii_alphabetic)
    }

    pub(super) fn trap_origin(&self, site: u32) -> String {
        let mut out = Vec::new();
        self.write_origin(&mut out, self.root(site));
        ascii(out)
    }

    pub(super) fn trap_page_url(&self, site: u32, page: u32) -> String {
        self.trap_origin(site) + &self.trap_page_path(site, page)
    }

    /// The target of a real page.
    pub(super) fn trap_page_path(&self, site: u32, page: u32) -> String {
        if page == 0 {
            return "/".into();
        }
        let draw = self.draw(30, site, page);
        let (adjective, noun) = (word(ADJECTIVES, draw), word(NOUNS, draw >> 24));
        let section = SECTIONS[page as usize % SECTIONS.len()];
        match site % 4 {
            0 => format!("/{section}/{adjective}-{noun}-{page}.html"),
            1 => format!("/{section}/{page}/"),
            2 => {
                let (year, month, day) = (2015 + page % 9, page % 12 + 1, page % 28 + 1);
                format!("/{year}/{month:02}/{day:02}/{adjective}-{noun}-{page}")
            }
            _ => format!("/article.php?id={page}"),
        }
    }

    /// A target under a session.
    pub(super) fn trap_session(&self, site: u32, target: &str, session: u64) -> String {
        let session = &format!("{session:016x}")[..SESSION_DIGITS];
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        match site / 4 % 3 {
            0 if query.is_empty() => format!("{path}?sid={session}"),
            0 => format!("{target}&sid={session}"),
            1 if query.is_empty() => format!("{path};jsessionid={session}"),
            1 => format!("{path};jsessionid={session}?{query}"),
            _ => format!("/s/{session}{target}"),
        }
    }

    /// What is at a target, and under which session.
    pub(super) fn trap_spot(&self, site: u32, target: &str) -> (Spot, Option<u64>) {
        if self.is_wildcard(site) {
            let is_page = target == "/" || target.starts_with("/page-");
            return (
                if is_page {
                    Spot::Page(0)
                } else {
                    Spot::Nothing
                },
                None,
            );
        }
        let (target, session) = self.trap_unsessioned(site, target);
        (self.spot(site, &target), session)
    }

    /// A target without its session, and that session.
    pub(super) fn trap_unsessioned(&self, site: u32, target: &str) -> (String, Option<u64>) {
        let found = match site / 4 % 3 {
            0 => ["?sid=", "&sid="]
                .into_iter()
                .find_map(|key| Some((target.find(key)?, key.len()))),
            1 => target
                .find(";jsessionid=")
                .map(|at| (at, ";jsessionid=".len())),
            _ => target.starts_with("/s/").then_some((0, "/s/".len())),
        };
        let Some((before, skipped)) = found else {
            return (target.to_owned(), None);
        };
        let digits = target.get(before + skipped..).unwrap_or("");
        let digits = digits.get(..SESSION_DIGITS).unwrap_or("");
        match u64::from_str_radix(digits, 16) {
            Ok(session) => {
                let rest = &target[before + skipped + SESSION_DIGITS..];
                (format!("{}{rest}", &target[..before]), Some(session << 16))
            }
            Err(_) => (target.to_owned(), None),
        }
    }

    fn spot(&self, site: u32, target: &str) -> Spot {
        let path = target.split('?').next().unwrap_or("");
        if let Some(date) = self.trap_date(site, target) {
            return Spot::Calendar(date);
        }
        if self.is_facets(site, target) {
            return Spot::Facets;
        }
        if self
            .deeper(site)
            .iter()
            .any(|dir| path.ends_with(&format!("/{dir}")))
        {
            return Spot::Deeper;
        }
        let numbers = target.rsplit(|c: char| !c.is_ascii_digit());
        let number = numbers.into_iter().find(|run| !run.is_empty());
        let page = number.and_then(|run| run.parse().ok()).unwrap_or(0);
        if page < self.site(site).pages && self.trap_page_path(site, page) == target {
            Spot::Page(page)
        } else {
            Spot::Nothing
        }
    }

    /// The directories that a site has in each of its directories.
    pub(super) fn deeper(&self, site: u32) -> &'static [&'static str] {
        match site % 2 {
            0 => &["a/"],
            _ => &["more/", "back/"],
        }
    }

    pub(super) fn trap_calendar(&self, site: u32, date: Date) -> String {
        let Date { year, month, day } = date;
        match (site % 3, day) {
            (0, None) => format!("/calendar/{year}/{month:02}/"),
            (0, Some(day)) => format!("/calendar/{year}/{month:02}/{day:02}/"),
            (1, None) => format!("/events?year={year}&month={month}"),
            (1, Some(day)) => format!("/events?year={year}&month={month}&day={day}"),
            (_, None) => format!("/agenda/{year}-{month:02}"),
            (_, Some(day)) => format!("/agenda/{year}-{month:02}-{day:02}"),
        }
    }

    fn trap_date(&self, site: u32, target: &str) -> Option<Date> {
        let heads = ["/calendar/", "/events?", "/agenda/"];
        let rest = target.strip_prefix(heads[site as usize % 3])?;
        let mut numbers = rest
            .split(|c: char| !c.is_ascii_digit())
            .filter(|run| !run.is_empty())
            .map(|run| run.parse().ok());
        let date = Date {
            year: numbers.next()??,
            month: numbers.next()??,
            day: numbers.next().flatten(),
        };
        (self.trap_calendar(site, date) == target).then_some(date)
    }

    /// The list with these facets set; (which, value) each, in the order they were chosen.
    pub(super) fn trap_facets(&self, site: u32, set: &[(usize, u32)]) -> String {
        let spelled = |&(facet, value): &(usize, u32)| (FACETS[facet].0, value);
        if (site / 2).is_multiple_of(2) {
            let pairs = set.iter().map(spelled);
            let pairs: Vec<String> = pairs.map(|(key, value)| format!("{key}={value}")).collect();
            format!("/list?{}", pairs.join("&"))
        } else {
            let dirs = set.iter().map(spelled);
            let dirs: String = dirs.map(|(key, value)| format!("{key}-{value}/")).collect();
            format!("/list/{dirs}")
        }
    }

    pub(super) fn trap_facets_set(&self, site: u32, target: &str) -> Vec<(usize, u32)> {
        let head = if (site / 2).is_multiple_of(2) {
            "/list?"
        } else {
            "/list/"
        };
        let rest = target.strip_prefix(head).unwrap_or("");
        let pairs = rest.split(['&', '/']);
        pairs
            .filter_map(|pair| {
                let (key, value) = pair.split_once(['=', '-'])?;
                let facet = FACETS.iter().position(|(name, _)| *name == key)?;
                let value = value.parse().ok()?;
                (value < FACETS[facet].1).then_some((facet, value))
            })
            .collect()
    }

    fn is_facets(&self, site: u32, target: &str) -> bool {
        let set = self.trap_facets_set(site, target);
        !set.is_empty() && self.trap_facets(site, &set) == target
    }
}

/// A sub-domain for a draw.
pub(super) fn wildcard_host(draw: u64) -> String {
    Atlas::wildcard_label((draw % u64::from(WILDCARD_HOSTS)) as u32)
}
