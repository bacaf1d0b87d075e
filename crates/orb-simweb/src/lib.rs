//! A deterministic synthetic web: pages, links, robots, redirects and faults out of one seed.
//!
//! In: [`SimWebConfig`]. Out: responses to requests ([`SimWeb::respond`]), served on any transport
//! ([`serve_stream`]) or as a real server on loopback addresses ([`Server`]); and the truth about it
//! ([`SimWeb::truth`]), computed without HTTP. Beside it the hostile web: what broken and malicious servers do
//! ([`HostileWeb`], [`HostileServer`]).
//! May touch: `orb-env`; sockets, in `server` only. Must not touch: the crawler's own parsers, so that they
//! and this crate can be held against each other.
//! Invariant: a response depends on the settings, the host and the target only, and for sites that live ([`LivingSites`])
//! on the wall clock; pages that recover after a few failures are the one exception, and their final state does not.

mod answer;
mod body;
mod chance;
mod config;
mod dns;
mod frame;
mod hostile;
mod library;
mod limits;
mod living;
mod markup;
mod page;
mod place;
mod plan;
mod respond;
mod robots;
mod seen;
mod serve;
mod server;
mod site;
mod sitemap;
mod tls;
mod traps;
mod truth;
mod words;

use std::sync::{Mutex, PoisonError};

use rustc_hash::FxHashMap;

pub use config::{
    BodyFaults, FaultMix, HostFaults, LinkFaults, LivingSites, RobotsFaults, SimWebConfig,
    SizeProfile,
};
pub use hostile::{
    Act, GUARDED_HOSTS, HANDSHAKES, Handshakes, HostileNames, HostilePlace, HostileRow,
    HostileServer, HostileWeb, serve_handshake, serve_hostile,
};
pub use respond::{Conduct, SimRequest, SimResponse};
pub use seen::Seen;
pub use serve::serve_stream;
pub use server::Server;
pub use tls::{Ca, CaError};
pub use traps::{TrapKind, WILDCARD_HOSTS};
pub use truth::{Fate, Truth, TruthRules};

use crate::library::Library;
use crate::limits::ATTEMPTS_REMEMBERED_MAX;
use crate::place::{Atlas, ascii};
use crate::site::Www;

/// One web. Shared by reference; answering takes a lock only for pages that recover.
#[derive(Debug)]
pub struct SimWeb {
    atlas: Atlas,
    library: Library,
    attempts: Mutex<FxHashMap<(u32, bool, u32), u32>>,
}

impl SimWeb {
    /// Makes a web. Numbers out of range are brought into it: at least one site, at most a million.
    /// Cost: 0.1 s for large pages, a millisecond for tiny ones, and about 0.3 us a site.
    #[must_use]
    pub fn new(config: SimWebConfig) -> SimWeb {
        let library = Library::new(config.seed, config.size);
        SimWeb {
            atlas: Atlas::new(config),
            library,
            attempts: Mutex::default(),
        }
    }

    /// The settings in force.
    #[must_use]
    pub fn config(&self) -> &SimWebConfig {
        &self.atlas.config
    }

    /// The host name of a site below [`SimWebConfig::sites`].
    #[must_use]
    pub fn host(&self, site: u32) -> String {
        let mut out = Vec::with_capacity(16);
        self.atlas.write_host(&mut out, site, false);
        ascii(out)
    }

    /// The front page of every site, as canonical URLs in the order of the sites.
    #[must_use]
    pub fn seeds(&self) -> Vec<String> {
        (0..self.atlas.config.sites)
            .map(|site| self.atlas.url(self.atlas.root(site)))
            .collect()
    }

    /// Number of pages of a site below [`SimWebConfig::sites`], reachable or not.
    #[must_use]
    pub fn pages(&self, site: u32) -> u32 {
        self.atlas.site(site).listed()
    }

    /// Number of URLs that a site's pages have: twice its pages where `www.` shows them again.
    #[must_use]
    pub fn page_urls(&self, site: u32) -> u32 {
        let site = self.atlas.site(site);
        match site.www {
            Www::Mirror => site.listed().saturating_add(site.pages),
            Www::Absent | Www::Redirects => site.listed(),
        }
    }

    /// Whether a connection of this kind to `host` gets past the handshake: sites served by `http` have no
    /// certificate.
    #[must_use]
    pub fn serves(&self, host: &str, secure: bool) -> bool {
        match self.atlas.parse_host(host) {
            Some((site, _)) => {
                self.atlas.resolves(site) && (!secure || self.atlas.site(site).secure)
            }
            None => false,
        }
    }

    /// Forgets the attempts that pages which recover have counted: the web is as new.
    pub fn forget_attempts(&self) {
        self.attempts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// Counts one more request for a page that recovers: one for the first.
    fn note_attempt(&self, site: u32, www: bool, page: u32) -> u32 {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let full = attempts.len() >= ATTEMPTS_REMEMBERED_MAX;
        match attempts.get_mut(&(site, www, page)) {
            Some(count) => {
                *count = count.saturating_add(1);
                *count
            }
            None if full => u32::MAX,
            None => {
                attempts.insert((site, www, page), 1);
                1
            }
        }
    }

    /// Makes the ports those that were bound; before anything is served.
    fn set_ports(&mut self, http_port: u16, https_port: u16) {
        self.atlas.config.http_port = http_port;
        self.atlas.config.https_port = https_port;
    }
}
