//! What a place answers, before any byte is written: shared by the server and by the oracle.
//!
//! In: a [`Place`]. Out: an [`Answer`]. May touch: `place`, `site`. Must not touch: HTTP, HTML.
//! Invariant: depends on the seed and the place only, never on what was asked before.

use crate::place::{Atlas, Path, Place};
use crate::site::{HostKind, RobotsKind, Www};

/// What a place answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A page; `cut` says how its body ends too early, if it does.
    Page {
        page: u32,
        cut: Option<Cut>,
    },
    /// A page that answers `status` for the first `times` requests.
    Recovers {
        page: u32,
        status: u16,
        times: u32,
    },
    /// This status for ever.
    Error(u16),
    /// 404 or 410.
    Gone(u16),
    /// A redirect.
    Redirect(u16, Place),
    /// Nothing, ever.
    Silence,
    /// A page of the maze.
    Maze(u32),
    /// `robots.txt` of this kind.
    Robots(RobotsKind),
    Sitemap(u32),
    Style,
    Image,
}

/// How a body ends before its promised end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The connection is reset.
    Reset,
    /// The connection is closed in order.
    Close,
}

const REDIRECT_STATUSES: [u16; 5] = [301, 302, 303, 307, 308];

impl Atlas {
    /// What `place` answers.
    pub(crate) fn answer(&self, place: Place) -> Answer {
        let site = self.site(place.site);
        if site.host == HostKind::Silent {
            return Answer::Silence;
        }
        if place.path == Path::Unknown || (place.secure && !site.secure) {
            return Answer::Gone(404);
        }
        if site.secure && !place.secure {
            return Answer::Redirect(
                301,
                Place {
                    secure: true,
                    ..place
                },
            );
        }
        if place.www && site.www == Www::Redirects {
            return Answer::Redirect(
                308,
                Place {
                    www: false,
                    ..place
                },
            );
        }
        if place.path == Path::Robots {
            return self.answer_robots(place);
        }
        if site.host == HostKind::Moved {
            return Answer::Redirect(301, self.root(site.partner));
        }
        let status =
            REDIRECT_STATUSES[self.draw(5, place.site, place_number(place.path)) as usize % 5];
        match place.path {
            Path::Page(page) => self.answer_page(place.site, page),
            Path::Go(page) => Answer::Redirect(status, place.with(Path::Page(page))),
            Path::Away(way) => Answer::Redirect(status, self.away(place.site, way)),
            Path::Chain(chain, step) => {
                Answer::Redirect(status, place.with(self.chain_next(place, chain, step)))
            }
            Path::Loop(step) => Answer::Redirect(status, place.with(Path::Loop(1 - step.min(1)))),
            Path::Missing(page) => Answer::Gone(if page % 4 == 0 { 410 } else { 404 }),
            Path::Maze(page) => Answer::Maze(page),
            Path::SharedRobots => Answer::Robots(RobotsKind::Rules),
            Path::Sitemap(part) => Answer::Sitemap(part),
            Path::Style => Answer::Style,
            Path::Image(_) => Answer::Image,
            Path::Robots | Path::Unknown => Answer::Gone(404),
        }
    }

    /// Whether the site's fault shows on this page; the front page is always spared.
    pub(crate) fn faulty(&self, site: u32, page: u32) -> bool {
        page > 0 && self.draw(6, site, page).is_multiple_of(4)
    }

    /// Whether the page's body ends early. Such a page links to the front page only, so what is reached
    /// does not depend on what a crawler makes of half a page.
    pub(crate) fn cut(&self, site: u32, page: u32) -> Option<Cut> {
        let kind = self.site(site);
        if !self.faulty(site, page) {
            return None;
        }
        match (kind.host, kind.framing.length_over) {
            (HostKind::Resetting, _) => Some(Cut::Reset),
            (HostKind::Healthy | HostKind::Slow, true) => Some(Cut::Close),
            _ => None,
        }
    }

    fn answer_page(&self, site: u32, page: u32) -> Answer {
        let faulty = self.faulty(site, page);
        match self.site(site).host {
            HostKind::Erring if faulty => match self.draw(7, site, page) % 4 {
                0 => Answer::Error(500),
                1 => Answer::Error(503),
                times => Answer::Recovers {
                    page,
                    status: 503,
                    times: times as u32 - 1,
                },
            },
            HostKind::Stalling if faulty => Answer::Silence,
            _ => Answer::Page {
                page,
                cut: self.cut(site, page),
            },
        }
    }

    fn answer_robots(&self, place: Place) -> Answer {
        let site = self.site(place.site);
        match site.robots {
            _ if site.host == HostKind::Moved => Answer::Gone(404),
            RobotsKind::Missing => Answer::Gone(if place.site.is_multiple_of(3) {
                403
            } else {
                404
            }),
            RobotsKind::Unreachable => Answer::Error([500, 503, 429][place.site as usize % 3]),
            RobotsKind::Redirect => Answer::Redirect(301, place.with(Path::SharedRobots)),
            RobotsKind::RedirectAway => {
                Answer::Redirect(302, self.root(site.partner).with(Path::SharedRobots))
            }
            kind => Answer::Robots(kind),
        }
    }

    fn away(&self, site: u32, way: u8) -> Place {
        let draw = self.draw(8, site, way.into());
        let other = self.root((draw >> 32) as u32 % self.config.sites);
        if draw & 1 == 0 {
            other
        } else {
            other.with(Path::Page((draw >> 1) as u32 % self.site(other.site).pages))
        }
    }

    /// Even chains have three hops and end at a page, odd ones have eight: too many for anybody.
    fn chain_next(&self, place: Place, chain: u8, step: u8) -> Path {
        let hops = if chain.is_multiple_of(2) { 3 } else { 8 };
        if step < hops {
            return Path::Chain(chain, step + 1);
        }
        Path::Page(self.draw(9, place.site, chain.into()) as u32 % self.site(place.site).pages)
    }
}

fn place_number(path: Path) -> u32 {
    match path {
        Path::Go(page) => page,
        Path::Away(way) => u32::from(way) + 1,
        Path::Chain(chain, step) => u32::from(chain) * 16 + u32::from(step),
        Path::Loop(step) => u32::from(step),
        _ => 0,
    }
}
