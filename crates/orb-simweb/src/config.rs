//! Settings of the synthetic web, as values.
//!
//! In: nothing; programs fill them in. Out: [`SimWebConfig`], [`SizeProfile`], [`LivingSites`], [`FaultMix`] and its groups.
//! May touch: nothing. Must not touch: files, the environment.
//! Invariant: equal settings make equal webs.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

/// What web to make. Equal values make equal webs, byte for byte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimWebConfig {
    /// Everything follows from it.
    pub seed: u64,
    /// Number of sites (registrable domains under `.sim`), at most a million.
    pub sites: u32,
    /// Mean number of pages of a site; single sites have between one page and twenty times the mean.
    pub pages_per_site: u32,
    /// How large pages are.
    pub size: SizeProfile,
    /// Number of addresses the sites are spread over; low ones are shared by more sites.
    pub addresses: u32,
    /// The address before the first one used.
    pub address_base: Ipv4Addr,
    /// Port of `http` in every URL; zero lets the real server choose one.
    pub http_port: u16,
    /// Port of `https` in every URL; zero lets the real server choose one.
    pub https_port: u16,
    /// Share of the sites that are served by `https`; their `http` side redirects.
    pub https_share: f64,
    /// Share of the sites that also answer on `www.`, another origin of the same site.
    pub www_share: f64,
    /// Mean number of links to other sites on a page.
    pub cross_links: f64,
    /// Shortest wait before an answer begins, milliseconds. Each site has its own, the same for all its answers.
    pub latency_ms_min: u32,
    /// Longest wait before an answer begins, milliseconds.
    pub latency_ms_max: u32,
    /// What goes wrong, and how often.
    pub faults: FaultMix,
    /// Sites that list their pages in sitemaps and change them; none by default.
    pub living: LivingSites,
    /// A web of traps instead: every site has exactly `pages_per_site` real pages and endless traps between them, the
    /// last one nothing but a million sub-domains. All by http; nothing else goes wrong.
    pub traps: bool,
}

impl Default for SimWebConfig {
    fn default() -> Self {
        SimWebConfig {
            seed: 1,
            sites: 1_000,
            pages_per_site: 50,
            size: SizeProfile::Small,
            addresses: 64,
            address_base: Ipv4Addr::new(127, 10, 0, 0),
            http_port: 8080,
            https_port: 8443,
            https_share: 0.5,
            www_share: 0.3,
            cross_links: 3.0,
            latency_ms_min: 0,
            latency_ms_max: 0,
            faults: FaultMix::default(),
            living: LivingSites::default(),
            traps: false,
        }
    }
}

/// How large pages are, uncompressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SizeProfile {
    /// Log-normal, mean 242 KB, median 138 KB: the web of 2025. About 67 KB on the wire at the mean.
    Large,
    /// Log-normal, mean 16 KB, median 8 KB.
    Small,
    /// About 1 KB: for simulation, where pages must cost microseconds.
    Tiny,
}

/// Sites that live: `robots.txt` names an index of sitemaps, some pages are listed there and linked nowhere, and pages
/// change as the wall clock of whoever serves them goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LivingSites {
    /// Share of the sites that live. Zero: none, and nothing else here matters.
    pub share: f64,
    /// Pages that only sitemaps lead to, as a share of the site's linked ones; at least one.
    pub listed_only: f64,
    /// Share of the living sites whose sitemaps say of every page that it was changed just now.
    pub lying: f64,
    /// Seconds from one change of a front page to the next. Two of three other pages change too, as often or up to 64
    /// times less often.
    pub change_seconds: u32,
}

impl LivingSites {
    /// No site lives.
    pub const NONE: LivingSites = LivingSites {
        share: 0.0,
        listed_only: 0.5,
        lying: 0.2,
        change_seconds: 3_600,
    };
}

impl Default for LivingSites {
    fn default() -> Self {
        LivingSites::NONE
    }
}

/// What goes wrong: shares between 0 and 1. [`FaultMix::default`] has small shares, as a healthy part of
/// the web has them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultMix {
    /// Faults of whole hosts.
    pub hosts: HostFaults,
    /// Kinds of `robots.txt`.
    pub robots: RobotsFaults,
    /// Kinds of body framing.
    pub bodies: BodyFaults,
    /// Links that do not lead straight to a page.
    pub links: LinkFaults,
}

impl FaultMix {
    /// A web where nothing goes wrong: `robots.txt` allows everything, every link leads to a page.
    #[must_use]
    pub const fn none() -> FaultMix {
        FaultMix {
            hosts: HostFaults::NONE,
            robots: RobotsFaults::NONE,
            bodies: BodyFaults::NONE,
            links: LinkFaults::NONE,
        }
    }

    /// Every fault at a rate that a web of a few dozen sites shows all of them: for simulation and tests.
    #[must_use]
    pub const fn harsh() -> FaultMix {
        FaultMix {
            hosts: HostFaults {
                slow: 0.08,
                erring: 0.10,
                resetting: 0.08,
                stalling: 0.05,
                silent: 0.04,
                unresolved: 0.05,
                moved: 0.05,
            },
            robots: RobotsFaults {
                missing: 0.15,
                rules: 0.30,
                closed: 0.05,
                delay: 0.08,
                delay_excessive: 0.04,
                unreachable: 0.06,
                redirect: 0.06,
                redirect_away: 0.06,
            },
            bodies: BodyFaults {
                chunked: 0.25,
                length_over: 0.08,
                length_under: 0.05,
                no_gzip: 0.20,
                wrong_charset: 0.10,
                closing: 0.10,
            },
            links: LinkFaults {
                redirects: 0.08,
                missing: 0.05,
                traps: 0.10,
            },
        }
    }
}

/// Faults of whole hosts; a site has at most one, so the shares together stay below 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HostFaults {
    /// Every answer begins after 0.2 to 2 s.
    pub slow: f64,
    /// A quarter of the pages answer 500, or 503 with `Retry-After`; half of these recover.
    pub erring: f64,
    /// A quarter of the pages are reset in the middle of the body.
    pub resetting: f64,
    /// A quarter of the pages never get an answer.
    pub stalling: f64,
    /// Connections are accepted and nothing is ever answered.
    pub silent: f64,
    /// The name does not resolve: half NXDOMAIN, half SERVFAIL.
    pub unresolved: f64,
    /// The site moved: every URL redirects to the front page of another site.
    pub moved: f64,
}

impl HostFaults {
    const NONE: HostFaults = HostFaults {
        slow: 0.0,
        erring: 0.0,
        resetting: 0.0,
        stalling: 0.0,
        silent: 0.0,
        unresolved: 0.0,
        moved: 0.0,
    };
}

impl Default for HostFaults {
    fn default() -> Self {
        HostFaults {
            slow: 0.02,
            erring: 0.02,
            resetting: 0.01,
            stalling: 0.005,
            silent: 0.01,
            unresolved: 0.01,
            moved: 0.01,
        }
    }
}

/// Kinds of `robots.txt`; a site has one, so the shares together stay below 1. The others allow everything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RobotsFaults {
    /// None: 404 or 403.
    pub missing: f64,
    /// Some paths are forbidden, in several spellings.
    pub rules: f64,
    /// Everything is forbidden.
    pub closed: f64,
    /// A crawl-delay of 2 to 5 s.
    pub delay: f64,
    /// A crawl-delay of ten minutes.
    pub delay_excessive: f64,
    /// Answers 500, 503 or 429 for ever.
    pub unreachable: f64,
    /// Redirects to another path of the site.
    pub redirect: f64,
    /// Redirects to another site's file.
    pub redirect_away: f64,
}

impl RobotsFaults {
    const NONE: RobotsFaults = RobotsFaults {
        missing: 0.0,
        rules: 0.0,
        closed: 0.0,
        delay: 0.0,
        delay_excessive: 0.0,
        unreachable: 0.0,
        redirect: 0.0,
        redirect_away: 0.0,
    };
}

impl Default for RobotsFaults {
    fn default() -> Self {
        RobotsFaults {
            missing: 0.25,
            rules: 0.30,
            closed: 0.01,
            delay: 0.03,
            delay_excessive: 0.005,
            unreachable: 0.01,
            redirect: 0.03,
            redirect_away: 0.01,
        }
    }
}

/// Kinds of body framing: shares of sites, independent of each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BodyFaults {
    /// Bodies are chunked.
    pub chunked: f64,
    /// A quarter of the pages promise more bytes than they send, then close.
    pub length_over: f64,
    /// Bytes follow beyond the promised length, then the connection closes.
    pub length_under: f64,
    /// Nothing is compressed.
    pub no_gzip: f64,
    /// ISO-8859-1 is declared and UTF-8 sent.
    pub wrong_charset: f64,
    /// The connection closes after every answer.
    pub closing: f64,
}

impl BodyFaults {
    const NONE: BodyFaults = BodyFaults {
        chunked: 0.0,
        length_over: 0.0,
        length_under: 0.0,
        no_gzip: 0.0,
        wrong_charset: 0.0,
        closing: 0.0,
    };
}

impl Default for BodyFaults {
    fn default() -> Self {
        BodyFaults {
            chunked: 0.20,
            length_over: 0.01,
            length_under: 0.005,
            no_gzip: 0.10,
            wrong_charset: 0.05,
            closing: 0.05,
        }
    }
}

/// Links that do not lead straight to a page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinkFaults {
    /// Share of links that go through a redirect.
    pub redirects: f64,
    /// Share of links to pages that are gone.
    pub missing: f64,
    /// Share of pages that link to a redirect loop or to a redirect chain, some of them too long.
    pub traps: f64,
}

impl LinkFaults {
    const NONE: LinkFaults = LinkFaults {
        redirects: 0.0,
        missing: 0.0,
        traps: 0.0,
    };
}

impl Default for LinkFaults {
    fn default() -> Self {
        LinkFaults {
            redirects: 0.03,
            missing: 0.02,
            traps: 0.01,
        }
    }
}
