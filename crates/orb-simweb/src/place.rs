//! Places: every URL of the web as a small value, and its one spelling.
//!
//! In: hosts and request targets as text. Out: [`Place`], canonical URLs.
//! May touch: `site`, `words`, `chance`. Must not touch: responses.
//! Invariant: what [`Atlas::write_path`] writes, [`Atlas::parse_path`] reads back, and nothing else.

use crate::chance::{draw, unit};
use crate::config::{FaultMix, LivingSites, SimWebConfig};
use crate::limits::{ADDRESSES_MAX, MAZE_PAGES_MAX};
use crate::site::{HostKind, Site, Www, all_sites};
use crate::words::{ADJECTIVES, NOUNS, number, word};

/// A path of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Path {
    /// A page; zero is the front page.
    Page(u32),
    /// Redirects to the page of the same number.
    Go(u32),
    /// Redirects to another site.
    Away(u8),
    /// Step of a redirect chain: (which chain, which step).
    Chain(u8, u8),
    /// Step of a redirect loop of two.
    Loop(u8),
    /// Gone.
    Missing(u8),
    /// A page of the maze that only links not to be followed lead to.
    Maze(u32),
    Robots,
    /// The file that other sites' `robots.txt` redirect to.
    SharedRobots,
    /// Zero is `/sitemap.xml`, the others are parts of an index; a living site's last one is a gzip file.
    Sitemap(u32),
    Style,
    Image(u32),
    /// Anything that leads nowhere.
    Unknown,
}

/// A URL of the web.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(crate) site: u32,
    pub(crate) www: bool,
    pub(crate) secure: bool,
    pub(crate) path: Path,
}

impl Place {
    /// Another path of the same origin.
    pub(crate) fn with(self, path: Path) -> Place {
        Place { path, ..self }
    }
}

const SECTIONS: [&str; 8] = [
    "news", "guide", "market", "people", "archive", "notes", "travel", "science",
];

/// The map of the web: all sites and how their URLs are spelled.
#[derive(Debug)]
pub(crate) struct Atlas {
    pub(crate) config: SimWebConfig,
    pub(crate) sites: Vec<Site>,
}

impl Atlas {
    pub(crate) fn new(mut config: SimWebConfig) -> Atlas {
        config.addresses = config.addresses.clamp(1, ADDRESSES_MAX);
        if config.traps {
            config.faults = FaultMix::none();
            config.living = LivingSites::NONE;
            (config.https_share, config.www_share) = (0.0, 0.0);
        }
        let sites = all_sites(&config);
        config.sites = sites.len() as u32;
        Atlas { config, sites }
    }

    pub(crate) fn site(&self, index: u32) -> &Site {
        &self.sites[index as usize]
    }

    pub(crate) fn draw(&self, what: u64, a: u32, b: u32) -> u64 {
        draw(self.config.seed, what, u64::from(a), u64::from(b))
    }

    /// The front page of a site.
    pub(crate) fn root(&self, site: u32) -> Place {
        Place {
            site,
            www: false,
            secure: self.site(site).secure,
            path: Path::Page(0),
        }
    }

    /// Index of the address a site is on: low addresses are shared by more sites.
    pub(crate) fn address_index(&self, site: u32) -> u32 {
        let u = unit(self.draw(3, site, 0));
        ((u * u * f64::from(self.config.addresses)) as u32).min(self.config.addresses - 1)
    }

    pub(crate) fn write_host(&self, out: &mut Vec<u8>, site: u32, www: bool) {
        out.extend_from_slice(if www { b"www.s" } else { b"s" });
        let mut digits = *b"000000";
        let mut left = site;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (left % 10) as u8;
            left /= 10;
        }
        out.extend_from_slice(&digits);
        out.extend_from_slice(b".sim");
    }

    /// Scheme, host and port; the port is left out where it is the scheme's own.
    pub(crate) fn write_origin(&self, out: &mut Vec<u8>, place: Place) {
        out.extend_from_slice(if place.secure {
            b"https://"
        } else {
            b"http://"
        });
        self.write_authority(out, place);
    }

    pub(crate) fn write_authority(&self, out: &mut Vec<u8>, place: Place) {
        self.write_host(out, place.site, place.www);
        let (port, default) = if place.secure {
            (self.config.https_port, 443)
        } else {
            (self.config.http_port, 80)
        };
        if port != default {
            out.push(b':');
            number(out, u64::from(port));
        }
    }

    pub(crate) fn write_url(&self, out: &mut Vec<u8>, place: Place) {
        self.write_origin(out, place);
        self.write_path(out, place.site, place.path);
    }

    /// The canonical URL (WHATWG serialisation).
    pub(crate) fn url(&self, place: Place) -> String {
        let mut out = Vec::with_capacity(64);
        self.write_url(&mut out, place);
        ascii(out)
    }

    /// Path and query, percent-encoded.
    pub(crate) fn write_path(&self, out: &mut Vec<u8>, site: u32, path: Path) {
        let mut fixed = |text: &str, value: Option<u32>, end: &str| {
            out.extend_from_slice(text.as_bytes());
            if let Some(value) = value {
                number(out, u64::from(value));
            }
            out.extend_from_slice(end.as_bytes());
        };
        match path {
            Path::Page(0) => fixed("/", None, ""),
            Path::Page(page) => self.write_page_path(out, site, page),
            Path::Go(page) => fixed("/go/", Some(page), ""),
            Path::Away(way) => fixed("/away/", Some(way.into()), ""),
            Path::Chain(chain, step) => {
                fixed("/chain/", Some(chain.into()), "/");
                fixed("", Some(step.into()), "");
            }
            Path::Loop(step) => fixed("/loop/", Some(step.into()), ""),
            Path::Missing(page) => fixed("/old/", Some(page.into()), ".html"),
            Path::Maze(page) => fixed("/maze/", Some(page), ""),
            Path::Robots => fixed("/robots.txt", None, ""),
            Path::SharedRobots => fixed("/policies/robots.txt", None, ""),
            Path::Sitemap(0) => fixed("/sitemap.xml", None, ""),
            Path::Sitemap(part) if self.is_packed(site, part) => {
                fixed("/sitemap-", Some(part), ".xml.gz");
            }
            Path::Sitemap(part) => fixed("/sitemap-", Some(part), ".xml"),
            Path::Style => fixed("/assets/style.css", None, ""),
            Path::Image(image) => fixed("/img/", Some(image), ".gif"),
            Path::Unknown => fixed("/unknown", None, ""),
        }
    }

    /// Pages have spellings that robots rules and canonicalisation care about; the number is always last.
    fn write_page_path(&self, out: &mut Vec<u8>, site: u32, page: u32) {
        let draw = self.draw(4, site, page);
        let section = SECTIONS[(draw >> 5) as usize % SECTIONS.len()];
        let mut text = |parts: &[&str]| {
            parts
                .iter()
                .for_each(|part| out.extend_from_slice(part.as_bytes()))
        };
        let noun = word(NOUNS, draw >> 24);
        let end = match draw & 31 {
            0 | 1 => {
                text(&["/view?id="]);
                "&lang=en"
            }
            2 => {
                text(&["/", section, "/field%20", noun, "%20"]);
                ".html"
            }
            3 => {
                text(&["/", section, "/caf%C3%A9-"]);
                ".html"
            }
            4 | 5 => {
                text(&["/private/", noun, "-"]);
                ".html"
            }
            6 => {
                text(&["/private/open-"]);
                ".html"
            }
            7 => {
                text(&["/", section, "/", noun, "-"]);
                ".print"
            }
            _ => {
                text(&[
                    "/",
                    section,
                    "/",
                    word(ADJECTIVES, draw >> 16),
                    "-",
                    noun,
                    "-",
                ]);
                ".html"
            }
        };
        number(out, u64::from(page));
        out.extend_from_slice(end.as_bytes());
    }

    /// Reads a request target; [`Path::Unknown`] for everything that is not spelled as we spell it.
    pub(crate) fn parse_path(&self, site: u32, target: &str) -> Path {
        let path = self.guess_path(site, target);
        let mut spelled = Vec::with_capacity(target.len());
        self.write_path(&mut spelled, site, path);
        if spelled == target.as_bytes() {
            path
        } else {
            Path::Unknown
        }
    }

    fn guess_path(&self, site: u32, target: &str) -> Path {
        let value = last_number(target);
        let small = u8::try_from(value).unwrap_or(u8::MAX);
        let known_page = value < self.site(site).listed();
        let Some((first, rest)) = target.get(1..).and_then(|path| path.split_once('/')) else {
            return match target {
                "/" => Path::Page(0),
                "/robots.txt" => Path::Robots,
                "/sitemap.xml" => Path::Sitemap(0),
                _ if target.starts_with("/sitemap-") => Path::Sitemap(value),
                _ if known_page => Path::Page(value),
                _ => Path::Unknown,
            };
        };
        match first {
            "go" if value < self.site(site).pages => Path::Go(value),
            "away" => Path::Away(small),
            "chain" => Path::Chain(
                last_number(rest.split('/').next().unwrap_or("")) as u8,
                small,
            ),
            "loop" if value < 2 => Path::Loop(small),
            "old" => Path::Missing(small),
            "maze" if value < MAZE_PAGES_MAX => Path::Maze(value),
            "policies" => Path::SharedRobots,
            "assets" => Path::Style,
            "img" => Path::Image(value),
            _ if known_page => Path::Page(value),
            _ => Path::Unknown,
        }
    }

    /// Reads a host name, port and case aside: the site and whether it is its `www.` name.
    pub(crate) fn parse_host(&self, host: &str) -> Option<(u32, bool)> {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let name = name.strip_suffix('.').unwrap_or(name).as_bytes();
        let (label, name) = match name.iter().rposition(|&byte| byte == b'.') {
            Some(end) if self.config.traps => split_label(name, end),
            _ => (None, name),
        };
        let (www, name) = match name.get(..4) {
            Some(first) if first.eq_ignore_ascii_case(b"www.") => (true, &name[4..]),
            _ => (false, name),
        };
        let digits = name.get(1..7)?;
        let shape = name.len() == 11 && name[0].eq_ignore_ascii_case(&b's');
        if !shape
            || !name[7..].eq_ignore_ascii_case(b".sim")
            || !digits.iter().all(u8::is_ascii_digit)
        {
            return None;
        }
        let site = digits
            .iter()
            .fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
        let known = self.sites.get(site as usize)?;
        let is_there =
            label.is_none_or(|label| self.is_wildcard(site) && Atlas::is_wildcard_label(label));
        (is_there && (!www || known.www != Www::Absent)).then_some((site, www))
    }

    /// Whether the site's name resolves.
    pub(crate) fn resolves(&self, site: u32) -> bool {
        self.site(site).host != HostKind::Unresolved
    }
}

/// A host's first label, where the name has three, and the rest; `end` is where the last label begins.
fn split_label(name: &[u8], end: usize) -> (Option<&[u8]>, &[u8]) {
    match name[..end].iter().rposition(|&byte| byte == b'.') {
        Some(at) => (Some(&name[..at]), &name[at + 1..]),
        None => (None, name),
    }
}

/// The last run of digits as a number, ignoring those of percent-encodings before it; a huge one is cut.
fn last_number(text: &str) -> u32 {
    let bytes = text.as_bytes();
    let Some(end) = bytes.iter().rposition(u8::is_ascii_digit) else {
        return u32::MAX;
    };
    let start = bytes[..=end]
        .iter()
        .rposition(|byte| !byte.is_ascii_digit())
        .map_or(0, |at| at + 1);
    // "field%20lantern%2017.html": the digits run on from the encoded space.
    let start = if start > 0 && bytes[start - 1] == b'%' {
        (start + 2).min(end + 1)
    } else {
        start
    };
    text[start..=end].parse().unwrap_or(u32::MAX)
}

/// Text that only ASCII was written to.
pub(crate) fn ascii(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("only ASCII is written to paths and heads")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn atlas() -> Atlas {
        Atlas::new(SimWebConfig {
            sites: 20,
            pages_per_site: 500,
            www_share: 1.0,
            ..SimWebConfig::default()
        })
    }

    #[test]
    fn every_path_reads_back() {
        let atlas = atlas();
        let mut paths: Vec<Path> = (0..atlas.site(3).pages)
            .flat_map(|n| [Path::Page(n), Path::Go(n)])
            .collect();
        paths.extend([
            Path::Away(3),
            Path::Chain(1, 7),
            Path::Loop(1),
            Path::Missing(9),
            Path::Maze(17),
        ]);
        paths.extend([
            Path::Robots,
            Path::SharedRobots,
            Path::Sitemap(0),
            Path::Sitemap(12),
            Path::Style,
        ]);
        paths.push(Path::Image(40));
        for path in paths {
            let mut out = Vec::new();
            atlas.write_path(&mut out, 3, path);
            let text = ascii(out);
            assert_eq!(atlas.parse_path(3, &text), path, "{text}");
            assert_eq!(atlas.parse_path(3, &format!("{text}x")), Path::Unknown);
        }
        assert_eq!(atlas.parse_path(3, ""), Path::Unknown);
        assert_eq!(
            atlas.parse_path(3, "/news/nothing-99999999999999.html"),
            Path::Unknown
        );
    }

    #[test]
    fn hosts_read_back_in_any_case() {
        let atlas = atlas();
        assert_eq!(atlas.parse_host("s000007.sim"), Some((7, false)));
        assert_eq!(atlas.parse_host("WWW.S000007.Sim.:8080"), Some((7, true)));
        for wrong in [
            "s000020.sim",
            "s7.sim",
            "x000007.sim",
            "s000007.sims",
            "",
            "www.",
            "a.s000007.sim",
        ] {
            assert_eq!(atlas.parse_host(wrong), None, "{wrong}");
        }
    }
}
