//! `robots.txt` of every site: its text, and independently of the text, what it means.
//!
//! In: a site. Out: the file, and a [`Verdict`] for a path.
//! May touch: `place`, `site`. Must not touch: the crawler's own parser, which this is the oracle of.
//! Invariant: text and verdict come from one list of rules.

use crate::limits::CRAWL_DELAY_SECONDS_MAX;
use crate::place::{Atlas, Path};
use crate::site::{HostKind, RobotsKind};
use crate::words::number;

/// What a site's `robots.txt` means for one path (RFC 9309).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allowed,
    Denied,
    /// The file cannot be had: everything is forbidden.
    Unreachable,
    /// The crawl-delay is above the cap: the site is parked.
    Parked,
}

/// (is an allow rule, pattern)
type Rule = (bool, &'static str);

/// What the group for our crawler says where there is one.
const NAMED_RULES: &[Rule] = &[
    (false, "/private/"),
    (true, "/private/open-"),
    (false, "/*.print$"),
    (false, "/view?*lang="),
];
/// What the group for everybody says where ours is missing.
const COMMON_RULES: &[Rule] = &[(false, "/private/"), (true, "/private/open-")];
const CLOSED_RULES: &[Rule] = &[(false, "/")];
const OPEN_RULES: &[Rule] = &[(true, "/")];

impl Atlas {
    /// The rules in force for our crawler.
    fn rules(&self, site: u32, kind: RobotsKind) -> &'static [Rule] {
        match kind {
            RobotsKind::Rules if self.names_us(site) => NAMED_RULES,
            RobotsKind::Rules | RobotsKind::Delay | RobotsKind::DelayExcessive => COMMON_RULES,
            RobotsKind::Closed => CLOSED_RULES,
            _ => OPEN_RULES,
        }
    }

    fn names_us(&self, site: u32) -> bool {
        self.draw(10, site, 0) & 1 == 0
    }

    /// The crawl-delay asked for, in seconds; zero when none is.
    pub(crate) fn crawl_delay(&self, site: u32) -> u32 {
        match self.site(site).robots {
            RobotsKind::Delay => 2 + self.draw(11, site, 0) as u32 % 4,
            RobotsKind::DelayExcessive => CRAWL_DELAY_SECONDS_MAX * 2,
            _ => 0,
        }
    }

    /// What the robots file of any origin of `site` says about a path.
    pub(crate) fn verdict(&self, site: u32, path: Path) -> Verdict {
        let kind = self.site(site);
        let rules = match (kind.host, kind.robots) {
            (HostKind::Silent | HostKind::Unresolved, _) => return Verdict::Unreachable,
            (HostKind::Moved, _) | (_, RobotsKind::Missing) => return Verdict::Allowed,
            (_, RobotsKind::Unreachable) => return Verdict::Unreachable,
            (_, RobotsKind::DelayExcessive) => return Verdict::Parked,
            (_, RobotsKind::Redirect) => self.rules(site, RobotsKind::Rules),
            (_, RobotsKind::RedirectAway) => self.rules(kind.partner, RobotsKind::Rules),
            (_, robots) => self.rules(site, robots),
        };
        let mut text = Vec::with_capacity(64);
        self.write_path(&mut text, site, path);
        let longest = rules
            .iter()
            .filter(|rule| matches(rule.1.as_bytes(), &text))
            .max_by_key(|rule| (rule.1.len(), rule.0));
        if longest.is_none_or(|rule| rule.0) {
            Verdict::Allowed
        } else {
            Verdict::Denied
        }
    }

    /// The file. Spelling (line ends, case, comments, other robots' groups, byte order mark) varies by site.
    pub(crate) fn robots_text(&self, site: u32, kind: RobotsKind, shared: bool) -> Vec<u8> {
        let draw = self.draw(12, site, 0);
        let line_end: &[u8] = [&b"\n"[..], b"\r\n", b"\n", b"\r"][draw as usize % 4];
        let mut lines: Vec<Vec<u8>> = Vec::new();
        let mut line = |parts: &[&str]| lines.push(parts.concat().into_bytes());
        if draw & 8 == 0 {
            line(&["# which paths machines may read"]);
            line(&["User-agent: otherbot"]);
            line(&["user-agent: ArchiveThing"]);
            line(&["Disallow: /"]);
            line(&[""]);
        }
        let ours = self.rules(site, kind);
        let named = kind == RobotsKind::Rules && self.names_us(site);
        if named {
            line(&["User-Agent:   Orbweaver  # our own group"]);
        } else {
            line(&["User-agent: *"]);
        }
        for &(allow, pattern) in ours {
            line(&[
                if allow { "Allow: " } else { "Disallow:" },
                pattern,
                if draw & 16 == 0 { "   # rule" } else { "" },
            ]);
        }
        let delay = if shared { 0 } else { self.crawl_delay(site) };
        if delay > 0 {
            let mut text = b"Crawl-delay: ".to_vec();
            number(&mut text, delay.into());
            lines.push(text);
        }
        if named {
            lines.extend([
                b"".to_vec(),
                b"User-agent: *".to_vec(),
                b"Disallow: /".to_vec(),
            ]);
        }
        if !shared {
            let mut text = b"Sitemap: ".to_vec();
            self.write_url(&mut text, self.root(site).with(Path::Sitemap(0)));
            lines.push(text);
        }
        let mut out = if draw & 0x60 == 0 {
            b"\xef\xbb\xbf".to_vec()
        } else {
            Vec::new()
        };
        for text in lines {
            out.extend_from_slice(&text);
            out.extend_from_slice(line_end);
        }
        out
    }

    /// Whether the robots file that counts for `site` names its sitemap.
    pub(crate) fn names_sitemap(&self, site: u32) -> bool {
        use RobotsKind::{AllowAll, Closed, Delay, DelayExcessive, Rules};
        let kind = self.site(site);
        !matches!(
            kind.host,
            HostKind::Silent | HostKind::Unresolved | HostKind::Moved
        ) && matches!(
            kind.robots,
            AllowAll | Closed | Delay | DelayExcessive | Rules
        )
    }
}

/// RFC 9309, 2.2.3: `*` stands for any run of bytes, `$` at the end for the end. Plain recursion: the
/// patterns are our own.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => true,
        [b'$'] => text.is_empty(),
        [b'*', rest @ ..] => (0..=text.len()).any(|skip| matches(rest, &text[skip..])),
        [first, rest @ ..] => text.first() == Some(first) && matches(rest, &text[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_the_standard_says() {
        for (pattern, text, expected) in [
            ("/private/", "/private/x", true),
            ("/private/", "/privat", false),
            ("/*.print$", "/news/a-1.print", true),
            ("/*.print$", "/news/a-1.print?x", false),
            ("/view?*lang=", "/view?id=4&lang=en", true),
            ("/view?*lang=", "/view?id=4", false),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        }
    }
}
