//! What kind of site each one is: drawn once from the settings.
//!
//! In: the settings. Out: one [`Site`] per index.
//! May touch: `chance`, `config`. Must not touch: requests.
//! Invariant: a site's kind depends on the seed, its index and the shares only, and `partner` is healthy.

use crate::chance::{Chance, draw, exp, unit};
use crate::config::SimWebConfig;
use crate::limits::{PAGES_OVER_MEAN_MAX, SITES_MAX};

/// The one host fault a site has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostKind {
    Healthy,
    Slow,
    Erring,
    Resetting,
    Stalling,
    Silent,
    Unresolved,
    Moved,
}

/// What the site's `robots.txt` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RobotsKind {
    AllowAll,
    Missing,
    Rules,
    Closed,
    Delay,
    DelayExcessive,
    Unreachable,
    Redirect,
    RedirectAway,
}

/// What answers on the `www.` name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Www {
    Absent,
    /// Every URL redirects to the bare name.
    Redirects,
    /// The same pages once more.
    Mirror,
}

/// How bodies are framed and labelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Framing {
    pub(crate) chunked: bool,
    pub(crate) length_over: bool,
    pub(crate) length_under: bool,
    pub(crate) gzip: bool,
    pub(crate) wrong_charset: bool,
    pub(crate) closing: bool,
}

/// One site of the web.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site {
    /// Pages that may be linked; those from here to [`Site::listed`] are not.
    pub(crate) pages: u32,
    /// Pages behind them that only sitemaps lead to.
    pub(crate) listed_only: u32,
    /// See `living`.
    pub(crate) living: bool,
    pub(crate) lying: bool,
    pub(crate) secure: bool,
    pub(crate) www: Www,
    pub(crate) host: HostKind,
    pub(crate) robots: RobotsKind,
    pub(crate) framing: Framing,
    /// Another site, healthy, that this one redirects to; itself when there is none.
    pub(crate) partner: u32,
}

impl Site {
    /// Number of pages, linked or not.
    pub(crate) fn listed(&self) -> u32 {
        self.pages + self.listed_only
    }
}

/// Draws every site. Cost: about 0.3 us and 24 bytes a site.
pub(crate) fn all_sites(config: &SimWebConfig) -> Vec<Site> {
    let count = config.sites.clamp(1, SITES_MAX);
    let mut sites: Vec<Site> = (0..count).map(|index| one_site(config, index)).collect();
    for index in 0..count {
        let partner = healthy_partner(config.seed, &sites, index);
        let site = &mut sites[index as usize];
        match partner {
            Some(other) => site.partner = other,
            None => {
                if site.host == HostKind::Moved {
                    site.host = HostKind::Healthy;
                }
                if site.robots == RobotsKind::RedirectAway {
                    site.robots = RobotsKind::AllowAll;
                }
            }
        }
    }
    sites
}

fn one_site(config: &SimWebConfig, index: u32) -> Site {
    let mut chance = Chance::new(draw(config.seed, 1, u64::from(index), 0));
    let bodies = &config.faults.bodies;
    let pages = page_count(config, &mut chance);
    let secure = chance.happens(config.https_share);
    let www = match (chance.happens(config.www_share), chance.below(4)) {
        (false, _) => Www::Absent,
        (true, 0) => Www::Mirror,
        (true, _) => Www::Redirects,
    };
    let living = Living::of(config, index, pages);
    Site {
        pages,
        listed_only: living.listed_only,
        living: living.living,
        lying: living.lying,
        secure,
        www,
        host: host_kind(config, chance.unit()),
        robots: robots_kind(config, chance.unit()),
        framing: Framing {
            chunked: chance.happens(bodies.chunked),
            length_over: chance.happens(bodies.length_over),
            length_under: chance.happens(bodies.length_under),
            gzip: !chance.happens(bodies.no_gzip),
            wrong_charset: chance.happens(bodies.wrong_charset),
            closing: chance.happens(bodies.closing),
        },
        partner: index,
    }
}

/// What of a site lives. Drawn apart, so that the rest of it is the same whether it does or not.
#[derive(Default)]
struct Living {
    living: bool,
    lying: bool,
    listed_only: u32,
}

impl Living {
    fn of(config: &SimWebConfig, index: u32, pages: u32) -> Living {
        let mut chance = Chance::new(draw(config.seed, 26, u64::from(index), 0));
        if !chance.happens(config.living.share) {
            return Living::default();
        }
        let share = config.living.listed_only.clamp(0.0, 1.0);
        Living {
            living: true,
            lying: chance.happens(config.living.lying),
            listed_only: (f64::from(pages) * share).max(1.0) as u32,
        }
    }
}

/// Log-normal with sigma 0.8 around the mean.
fn page_count(config: &SimWebConfig, chance: &mut Chance) -> u32 {
    const SIGMA: f64 = 0.8;
    let mean = config.pages_per_site.max(1);
    if config.traps {
        return mean;
    }
    let pages = f64::from(mean) * exp(SIGMA * chance.normal() - SIGMA * SIGMA / 2.0) + 0.5;
    (pages as u32).clamp(1, mean.saturating_mul(PAGES_OVER_MEAN_MAX))
}

/// The kind whose share the draw falls into, in order; `otherwise` beyond all.
fn pick<K: Copy>(mut at: f64, shares: &[(f64, K)], otherwise: K) -> K {
    for &(share, kind) in shares {
        if at < share {
            return kind;
        }
        at -= share;
    }
    otherwise
}

fn host_kind(config: &SimWebConfig, at: f64) -> HostKind {
    let hosts = &config.faults.hosts;
    let shares = [
        (hosts.slow, HostKind::Slow),
        (hosts.erring, HostKind::Erring),
        (hosts.resetting, HostKind::Resetting),
        (hosts.stalling, HostKind::Stalling),
        (hosts.silent, HostKind::Silent),
        (hosts.unresolved, HostKind::Unresolved),
        (hosts.moved, HostKind::Moved),
    ];
    pick(at, &shares, HostKind::Healthy)
}

fn robots_kind(config: &SimWebConfig, at: f64) -> RobotsKind {
    let robots = &config.faults.robots;
    let shares = [
        (robots.missing, RobotsKind::Missing),
        (robots.rules, RobotsKind::Rules),
        (robots.closed, RobotsKind::Closed),
        (robots.delay, RobotsKind::Delay),
        (robots.delay_excessive, RobotsKind::DelayExcessive),
        (robots.unreachable, RobotsKind::Unreachable),
        (robots.redirect, RobotsKind::Redirect),
        (robots.redirect_away, RobotsKind::RedirectAway),
    ];
    pick(at, &shares, RobotsKind::AllowAll)
}

/// The first healthy site at or after a drawn index; `None` when there is no other healthy one.
fn healthy_partner(seed: u64, sites: &[Site], index: u32) -> Option<u32> {
    let count = sites.len() as u32;
    let wants = sites[index as usize];
    if wants.host != HostKind::Moved && wants.robots != RobotsKind::RedirectAway {
        return Some(index);
    }
    let start = (unit(draw(seed, 2, u64::from(index), 0)) * f64::from(count)) as u32;
    (0..count)
        .map(|step| (start + step) % count)
        .find(|&other| other != index && sites[other as usize].host == HostKind::Healthy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::FaultMix;

    #[test]
    fn shares_come_out_as_asked_and_page_counts_keep_their_mean() {
        let config = SimWebConfig {
            sites: 20_000,
            faults: FaultMix::harsh(),
            ..SimWebConfig::default()
        };
        let sites = all_sites(&config);
        let share = |wanted: &dyn Fn(&Site) -> bool| {
            sites.iter().filter(|s| wanted(s)).count() as f64 / 20_000.0
        };
        assert!((share(&|s| s.host == HostKind::Moved) - 0.05).abs() < 0.01);
        assert!((share(&|s| s.robots == RobotsKind::Rules) - 0.30).abs() < 0.02);
        assert!((share(&|s| s.secure) - 0.5).abs() < 0.02);
        assert!((share(&|s| s.framing.chunked) - 0.25).abs() < 0.02);
        let mean = sites.iter().map(|s| f64::from(s.pages)).sum::<f64>() / 20_000.0;
        assert!((mean / 50.0 - 1.0).abs() < 0.05, "{mean}");
    }

    #[test]
    fn a_lone_site_never_redirects_elsewhere() {
        for seed in 0..200 {
            let config = SimWebConfig {
                seed,
                sites: 1,
                faults: FaultMix::harsh(),
                ..SimWebConfig::default()
            };
            let site = all_sites(&config)[0];
            assert!(site.host != HostKind::Moved && site.robots != RobotsKind::RedirectAway);
        }
    }
}
