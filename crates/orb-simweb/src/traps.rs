//! The trap web: sites of real pages with endless traps in each, and a domain whose sub-domains are all there.
//!
//! In: a host and a request target. Out: what is there, and the page.
//! May touch: `place`, `words`, `chance`, `frame`. Must not touch: sockets; any crawler's idea of a trap.
//! Invariant: a response depends on the settings, the host and the target only; every link of a trap leads on.
//!
//! Each site spells its pages and its traps in its own way, drawn by its number: paths, dates or parameters for
//! pages; sessions in the query, behind a semicolon or as a directory; calendars and facets in paths or parameters.
//! The last site is the domain with wildcard sub-domains: a million of them, all with the same text.

mod address;
mod pages;

use crate::SimWeb;
use crate::frame::{Content, frame};
use crate::respond::{SimRequest, SimResponse};
use crate::site::Framing;

use self::address::Spot;

/// Sub-domains of the last site.
pub const WILDCARD_HOSTS: u32 = 1_000_000;

/// What is at a URL of a trap web.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrapKind {
    /// A real page, in the spelling that counts.
    Real,
    /// A real page once more, under a session of its own: each links to further sessions.
    Session,
    /// A month or day of an endless calendar.
    Calendar,
    /// A directory in itself, and in itself again.
    Deeper,
    /// Real pages filtered and sorted.
    Facets,
    /// A sub-domain like all others.
    Wildcard,
    /// Nothing: 404, also `robots.txt`.
    Nothing,
}

impl TrapKind {
    /// A stable name in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            TrapKind::Real => "real",
            TrapKind::Session => "session",
            TrapKind::Calendar => "calendar",
            TrapKind::Deeper => "deeper",
            TrapKind::Facets => "facets",
            TrapKind::Wildcard => "wildcard",
            TrapKind::Nothing => "nothing",
        }
    }
}

const FRAMING: Framing = Framing {
    chunked: false,
    length_over: false,
    length_under: false,
    gzip: false,
    wrong_charset: false,
    closing: false,
};

impl SimWeb {
    /// What is at a URL of a trap web, by host (port or not) and request target. The truth that a crawl of such a web
    /// is held to.
    #[must_use]
    pub fn trap_kind(&self, host: &str, target: &str) -> TrapKind {
        let Some((site, _)) = self.atlas.parse_host(host) else {
            return TrapKind::Nothing;
        };
        let (spot, session) = self.atlas.trap_spot(site, target);
        match spot {
            _ if self.atlas.is_wildcard(site) && spot != Spot::Nothing => TrapKind::Wildcard,
            Spot::Page(_) if session.is_none() => TrapKind::Real,
            Spot::Nothing => TrapKind::Nothing,
            Spot::Page(_) => TrapKind::Session,
            Spot::Calendar(_) => TrapKind::Calendar,
            Spot::Deeper => TrapKind::Deeper,
            Spot::Facets => TrapKind::Facets,
        }
    }

    /// The real pages of a trap web, as canonical URLs; site by site.
    pub fn trap_pages(&self) -> impl Iterator<Item = String> + '_ {
        let sites = (0..self.atlas.config.sites).filter(|&site| !self.atlas.is_wildcard(site));
        sites.flat_map(move |site| {
            let pages = 0..self.atlas.site(site).pages;
            pages.map(move |page| self.atlas.trap_page_url(site, page))
        })
    }

    pub(crate) fn respond_trap(&self, site: u32, request: &SimRequest<'_>) -> SimResponse {
        let head_only = request.method == "HEAD";
        if self.trap_kind(request.host, request.target) == TrapKind::Nothing {
            let text = b"<!DOCTYPE html><title>Nothing here</title>\n".to_vec();
            return frame(
                Content::new(404, b"text/html", text),
                FRAMING,
                None,
                head_only,
            );
        }
        let text = self.atlas.trap_page(site, request.host, request.target);
        let content = Content::new(200, b"text/html; charset=utf-8", text);
        frame(content, FRAMING, None, head_only)
    }
}
