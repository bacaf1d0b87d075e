//! The plan of a page: its size, its links in order, and what its markup says about following them.
//!
//! In: a site and a page number. Out: a [`Plan`], which the renderer writes and the oracle walks.
//! May touch: `place`, `site`, `chance`. Must not touch: markup.
//! Invariant: the plan depends on the seed, the site, the page and the host only.

use crate::chance::{Chance, exp};
use crate::config::SizeProfile;
use crate::limits::{MAZE_PAGES_MAX, PAGE_BYTES_MAX};
use crate::place::{Atlas, Path, Place};
use crate::site::Www;

/// How a link is spelled; all spellings of one place mean the same URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// `/path`
    Path,
    /// `https://host/path`
    Full,
    /// `//host/path`
    SchemeRelative,
    /// Relative to the page, or to its base.
    Relative,
    /// `HTTPS://S000001.SIM/path`
    UpperHost,
    /// With the scheme's own port, where that is the one in use.
    DefaultPort,
    /// `/here/../path`
    Dots,
    /// `\path`, which browsers read as `/path`.
    Backslash,
    /// White space around, and a line break inside.
    Padded,
    /// `/path#part`
    Fragment,
}

const SPELLINGS: [Spelling; 9] = [
    Spelling::Full,
    Spelling::SchemeRelative,
    Spelling::Relative,
    Spelling::UpperHost,
    Spelling::DefaultPort,
    Spelling::Dots,
    Spelling::Backslash,
    Spelling::Padded,
    Spelling::Fragment,
];

/// Spellings that can name another host.
const FULL_SPELLINGS: [Spelling; 4] = [
    Spelling::Full,
    Spelling::UpperHost,
    Spelling::DefaultPort,
    Spelling::Fragment,
];

/// One link of a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) to: Place,
    pub(crate) spelling: Spelling,
    pub(crate) nofollow: bool,
    /// Chooses the anchor text and the form of the markup.
    pub(crate) draw: u64,
}

/// What `<base>` a page has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    Absent,
    Path,
    Full,
}

/// A page before it is written.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Which version of its text it shows; the rest is the same in all.
    pub(crate) edition: u64,
    /// Size aimed at, in bytes before compression.
    pub(crate) bytes: u64,
    /// The links; the first `navigation` ones stand in the header.
    pub(crate) links: Vec<Link>,
    pub(crate) navigation: usize,
    /// `<meta name="robots" content="nofollow">`
    pub(crate) meta_nofollow: bool,
    /// `X-Robots-Tag: nofollow`
    pub(crate) header_nofollow: bool,
    pub(crate) base: Base,
    /// `<meta http-equiv="refresh">` to the front page.
    pub(crate) refresh: bool,
    /// `<link rel="alternate">` to the last of the navigation links.
    pub(crate) alternate: bool,
    /// Scripts and comments that hold what only looks like links.
    pub(crate) decoys: bool,
}

impl Plan {
    /// Whether none of the links may be followed.
    pub(crate) fn nofollow(&self) -> bool {
        self.meta_nofollow || self.header_nofollow
    }
}

impl Atlas {
    /// Size aimed at for a page, in bytes before compression.
    fn page_bytes(&self, chance: &mut Chance) -> u64 {
        let normal = chance.normal();
        let bytes = match self.config.size {
            // Mean 242 KB and median 138 KB give sigma = sqrt(2 ln(242 / 138)).
            SizeProfile::Large => 138_000.0 * exp(1.059_9 * normal),
            // Mean 16 KB and median 8 KB give sigma = sqrt(2 ln 2).
            SizeProfile::Small => 8_000.0 * exp(1.177_4 * normal),
            SizeProfile::Tiny => 1_000.0 + 100.0 * normal,
        };
        (bytes as u64).min(PAGE_BYTES_MAX)
    }

    /// Plans a page of `place`'s origin. Cost: about 20 ns a link.
    pub(crate) fn plan(&self, place: Place, page: u32) -> Plan {
        let mut chance = Chance::new(self.draw(13, place.site, page));
        let bytes = self.page_bytes(&mut chance);
        let odd = chance.next();
        let cut = self.cut(place.site, page).is_some();
        let plain = page == 0 || cut;
        let meta_nofollow = !plain && odd & 31 == 0;
        let header_nofollow = !plain && (odd >> 5) & 63 == 0;
        let follow = !cut && !meta_nofollow && !header_nofollow;
        let mut plan = Plan {
            edition: 0,
            bytes,
            links: Vec::with_capacity(160),
            navigation: 0,
            meta_nofollow,
            header_nofollow,
            base: match (odd >> 11) & 31 {
                0 => Base::Path,
                1 => Base::Full,
                _ => Base::Absent,
            },
            refresh: follow && (odd >> 16) & 31 == 0,
            alternate: follow && (odd >> 21) & 7 == 0,
            decoys: (odd >> 24) & 7 == 0,
        };
        let mut links = Links {
            atlas: self,
            from: place,
            chance,
            out: &mut plan.links,
        };
        links.add(Path::Page(0));
        if !cut {
            links.navigation();
            plan.navigation = links.out.len();
            links.body(page, bytes);
        }
        plan.navigation = plan.navigation.max(1);
        plan
    }

    /// Pages that no page links to as its child; only sitemaps and chance lead there.
    pub(crate) fn orphan(&self, site: u32, page: u32) -> bool {
        self.draw(14, site, page).is_multiple_of(64)
    }

    fn fan_out(&self) -> u32 {
        if self.config.size == SizeProfile::Tiny {
            3
        } else {
            8
        }
    }

    fn link_count(&self, bytes: u64) -> u64 {
        match self.config.size {
            SizeProfile::Large => (16 + bytes / 3_000).min(110),
            SizeProfile::Small => (6 + bytes / 500).min(60),
            SizeProfile::Tiny => 6,
        }
    }
}

/// Draws the links of one page.
struct Links<'a> {
    atlas: &'a Atlas,
    from: Place,
    chance: Chance,
    out: &'a mut Vec<Link>,
}

impl Links<'_> {
    fn push(&mut self, to: Place, nofollow: bool) {
        let draw = self.chance.next();
        let same_origin =
            to.site == self.from.site && to.www == self.from.www && to.secure == self.from.secure;
        let odd = draw >> 40;
        let spelling = match (same_origin, odd % 8) {
            (true, 0) => SPELLINGS[(odd >> 3) as usize % SPELLINGS.len()],
            (true, _) => Spelling::Path,
            (false, 0) => FULL_SPELLINGS[(odd >> 3) as usize % FULL_SPELLINGS.len()],
            (false, _) => Spelling::Full,
        };
        self.out.push(Link {
            to,
            spelling,
            nofollow,
            draw,
        });
    }

    fn add(&mut self, path: Path) {
        self.push(self.from.with(path), false);
    }

    fn navigation(&mut self) {
        let pages = self.atlas.site(self.from.site).pages;
        let sections = if self.atlas.config.size == SizeProfile::Tiny {
            1
        } else {
            6
        };
        for page in 1..=sections.min(pages - 1) {
            self.add(Path::Page(page));
        }
    }

    fn body(&mut self, page: u32, bytes: u64) {
        let atlas = self.atlas;
        let site = *atlas.site(self.from.site);
        let wanted = self.out.len() as u64 + atlas.link_count(bytes);
        let fan_out = atlas.fan_out();
        let first = page.saturating_mul(fan_out).saturating_add(1);
        for child in first..first.saturating_add(fan_out).min(site.pages) {
            if !atlas.orphan(self.from.site, child) {
                self.add(Path::Page(child));
            }
        }
        if page == 0 && site.www != Www::Absent {
            self.push(
                Place {
                    www: !self.from.www,
                    ..self.from
                },
                false,
            );
        }
        let cross = atlas.config.cross_links + self.chance.unit();
        for _ in 0..cross as u32 {
            self.cross();
        }
        if self.chance.happens(atlas.config.faults.links.traps) {
            let chain = self.chance.below(4) as u8;
            let trap = if self.chance.below(3) == 0 {
                Path::Loop(0)
            } else {
                Path::Chain(chain, 0)
            };
            self.add(trap);
        }
        if self.chance.below(8) == 0 {
            let maze = Path::Maze(self.chance.below(MAZE_PAGES_MAX));
            self.push(self.from.with(maze), true);
        }
        while (self.out.len() as u64) < wanted {
            self.inner(site.pages);
        }
    }

    /// A link to anywhere in the site.
    fn inner(&mut self, pages: u32) {
        let faults = &self.atlas.config.faults.links;
        let to = self.chance.popular(pages);
        let way = self.chance.unit();
        if way < faults.missing {
            let missing = self.chance.below(16) as u8;
            self.add(Path::Missing(missing));
        } else if way < faults.missing + faults.redirects {
            self.add(Path::Go(to));
        } else {
            let nofollow = self.chance.below(32) == 0;
            self.push(self.from.with(Path::Page(to)), nofollow);
        }
    }

    /// A link to another site: mostly a front page, and mostly that of a popular site.
    fn cross(&mut self) {
        let atlas = self.atlas;
        if self.chance.happens(atlas.config.faults.links.redirects) {
            let way = self.chance.below(8) as u8;
            self.add(Path::Away(way));
            return;
        }
        let site = self.chance.popular(atlas.config.sites);
        let root = atlas.root(site);
        let other = atlas.site(site);
        let to = match self.chance.below(8) {
            0 if other.www != Www::Absent => Place { www: true, ..root },
            1 if other.secure => Place {
                secure: false,
                ..root
            },
            2 | 3 => {
                let page = self.chance.popular(other.pages);
                root.with(Path::Page(page))
            }
            _ => root,
        };
        self.push(to, false);
    }
}
