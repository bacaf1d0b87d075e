//! Sites in groups that behave alike: what a run-out is reckoned with.
//!
//! In: sites, described or known. Out: addresses with kinds of sites on them.
//! May touch: `spread`, `pace`. Must not touch: time.
//! Invariant: bounded whatever the number of sites; sites, pages and requests add up to what was asked about.

use std::collections::BTreeMap;

use crate::limits::{KINDS_MAX, KINDS_PER_ADDRESS_MAX};
use crate::question::{KnownSite, Sites};
use crate::{Pace, Spread};

/// Sites of one kind on an address.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Kind {
    /// How many of them on one address.
    pub(crate) sites: f64,
    /// Pages of each.
    pub(crate) pages: f64,
    /// Requests for robots.txt of each, before its first page.
    pub(crate) robots: f64,
    /// Seconds of an exchange.
    pub(crate) exchange: f64,
    /// Seconds of the pause.
    pub(crate) delay: f64,
}

impl Kind {
    pub(crate) fn cycle(&self) -> f64 {
        (self.exchange + self.delay).max(1e-4)
    }

    /// How long one of them takes alone.
    fn alone(&self) -> f64 {
        (self.pages + self.robots) * self.cycle()
    }
}

/// Addresses that have the same sites on them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cohort {
    /// How many addresses.
    pub(crate) addresses: f64,
    /// Their sites.
    pub(crate) kinds: Vec<Kind>,
}

impl Cohort {
    /// Roughly how long one of its addresses takes.
    fn lasts(&self, step: f64) -> f64 {
        let together: f64 = self
            .kinds
            .iter()
            .map(|kind| kind.sites * (kind.pages + kind.robots) * step)
            .sum();
        self.kinds.iter().map(Kind::alone).fold(together, f64::max)
    }
}

/// The cohorts of a question's sites.
pub(crate) fn cohorts(sites: &Sites, pace: &Pace) -> Vec<Cohort> {
    match sites {
        Sites::Described {
            count,
            pages,
            robots,
            exchange,
            per_address,
        } => described(
            *count as f64,
            pages,
            *robots,
            exchange,
            per_address.max(1.0),
            pace,
        ),
        Sites::Known(sites) => known(sites, pace),
    }
}

fn described(
    count: f64,
    pages: &Spread,
    robots: f64,
    exchange: &Spread,
    per_address: f64,
    pace: &Pace,
) -> Vec<Cohort> {
    if count < 1.0 {
        return Vec::new();
    }
    let per_address = per_address.min(count);
    let addresses = (count / per_address).max(1.0);
    let kinds_each = (per_address.ceil() as usize).clamp(1, KINDS_PER_ADDRESS_MAX);
    let groups = (addresses.round() as usize).clamp(1, KINDS_MAX / kinds_each);
    let kinds = groups * kinds_each;
    let (sizes, exchanges) = (pages.values(kinds), exchange.values(kinds));
    // Large sites are not the slow ones, nor do they lie together: both orders are mixed, each by another irrational
    // number, which leaves no gaps and is the same every time.
    let (by_size, by_exchange) = (mixed(kinds, 0.618_034), mixed(kinds, 0.414_214));
    let kind = |place: usize| {
        let exchange = exchanges[by_exchange[place]].max(0.0);
        Kind {
            sites: per_address / kinds_each as f64,
            pages: sizes[by_size[place]],
            robots,
            exchange,
            delay: pace.delay(exchange),
        }
    };
    (0..groups)
        .map(|group| Cohort {
            addresses: addresses / groups as f64,
            kinds: (group * kinds_each..(group + 1) * kinds_each)
                .map(kind)
                .collect(),
        })
        .collect()
}

/// The numbers below `count` in an order without pattern.
fn mixed(count: usize, step: f64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|a, b| {
        let key = |at: usize| ((at + 1) as f64 * step).fract();
        key(*a).total_cmp(&key(*b))
    });
    order
}

/// Known sites by address; where there are more than a forecast tells apart, neighbours in size become one.
fn known(sites: &[KnownSite], pace: &Pace) -> Vec<Cohort> {
    let mut by_address: BTreeMap<u32, Vec<Kind>> = BTreeMap::new();
    for site in sites.iter().filter(|site| site.pages + site.robots > 0.0) {
        by_address.entry(site.address).or_default().push(Kind {
            sites: 1.0,
            pages: site.pages,
            robots: site.robots,
            exchange: site.exchange,
            delay: site.delay,
        });
    }
    let mut cohorts: Vec<Cohort> = by_address
        .into_values()
        .map(|kinds| Cohort {
            addresses: 1.0,
            kinds: fewer_kinds(kinds),
        })
        .collect();
    let step = pace.step();
    cohorts.sort_by(|a, b| b.lasts(step).total_cmp(&a.lasts(step)));
    fewer_cohorts(cohorts)
}

/// At most [`KINDS_PER_ADDRESS_MAX`] kinds; the longest stay as they are.
fn fewer_kinds(mut kinds: Vec<Kind>) -> Vec<Kind> {
    kinds.sort_by(|a, b| b.alone().total_cmp(&a.alone()));
    let keep = KINDS_PER_ADDRESS_MAX / 2;
    if kinds.len() <= KINDS_PER_ADDRESS_MAX {
        return kinds;
    }
    let rest = kinds.split_off(keep);
    let part = rest.len().div_ceil(KINDS_PER_ADDRESS_MAX - keep);
    kinds.extend(rest.chunks(part).map(mean_kind));
    kinds
}

fn mean_kind(kinds: &[Kind]) -> Kind {
    let sites: f64 = kinds.iter().map(|kind| kind.sites).sum();
    let mean = |of: fn(&Kind) -> f64| {
        kinds.iter().map(|kind| of(kind) * kind.sites).sum::<f64>() / sites.max(1e-9)
    };
    Kind {
        sites,
        pages: mean(|kind| kind.pages),
        robots: mean(|kind| kind.robots),
        exchange: mean(|kind| kind.exchange),
        delay: mean(|kind| kind.delay),
    }
}

/// At most [`KINDS_MAX`] kinds in all, longest-lasting addresses first and those alone.
fn fewer_cohorts(mut cohorts: Vec<Cohort>) -> Vec<Cohort> {
    let widest = cohorts.iter().map(|cohort| cohort.kinds.len()).max();
    let room = KINDS_MAX / widest.unwrap_or(1).max(1);
    if cohorts.len() <= room {
        return cohorts;
    }
    let keep = room / 2;
    let rest = cohorts.split_off(keep);
    let part = rest.len().div_ceil((room - keep).max(1));
    cohorts.extend(rest.chunks(part).map(mean_cohort));
    cohorts
}

/// The middle one of several alike, made to hold what all of them hold.
fn mean_cohort(cohorts: &[Cohort]) -> Cohort {
    let sum = |of: fn(&Kind) -> f64, cohorts: &[Cohort]| -> f64 {
        let each = cohorts.iter().map(|cohort| {
            let kinds: f64 = cohort.kinds.iter().map(|kind| of(kind) * kind.sites).sum();
            kinds * cohort.addresses
        });
        each.sum()
    };
    let mut middle = cohorts[cohorts.len() / 2].clone();
    middle.addresses = cohorts.iter().map(|cohort| cohort.addresses).sum();
    let own = std::slice::from_ref(&middle);
    let scale = |of: fn(&Kind) -> f64| {
        let has = sum(of, own);
        if has > 0.0 {
            sum(of, cohorts) / has
        } else {
            1.0
        }
    };
    // The middle one may need no robots.txt while its neighbours do, so that is spread evenly.
    let robots = sum(|kind| kind.robots, cohorts) / sum(|_| 1.0, cohorts).max(1e-9);
    let (sites, pages) = (scale(|_| 1.0), scale(|kind| kind.pages));
    for kind in &mut middle.kinds {
        kind.sites *= sites;
        kind.pages *= pages / sites;
        kind.robots = robots;
    }
    middle
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        site_delay: 1.0,
        factor: 5.0,
        adaptive_max: 30.0,
        address_delay: 0.5,
    };

    /// Sites, pages and requests for robots.txt in all.
    fn totals(cohorts: &[Cohort]) -> [f64; 3] {
        let mut totals = [0.0; 3];
        for cohort in cohorts {
            for kind in &cohort.kinds {
                let sites = cohort.addresses * kind.sites;
                totals[0] += sites;
                totals[1] += sites * kind.pages;
                totals[2] += sites * kind.robots;
            }
        }
        totals
    }

    fn near(found: f64, expected: f64) -> bool {
        (found - expected).abs() <= expected.abs() * 1e-6
    }

    #[test]
    fn described_sites_add_up_however_many_share_an_address() {
        for count in [1, 3, 400, 401, 1_000_000] {
            for per_address in [1.0, 2.5, 7.0, 1_000.0] {
                let sites = Sites::Described {
                    count,
                    pages: Spread::LogNormal {
                        mean: 20.0,
                        sigma: 1.0,
                    },
                    robots: 2.0,
                    exchange: Spread::between(0.1, 1.0),
                    per_address,
                };
                let cohorts = cohorts(&sites, &PACE);
                let [sites, pages, robots] = totals(&cohorts);
                let count = count as f64;
                assert!(
                    near(sites, count) && near(robots, 2.0 * count),
                    "{count} {sites}"
                );
                assert!(near(pages, count * 20.0), "{count} {per_address} {pages}");
                let kinds: usize = cohorts.iter().map(|cohort| cohort.kinds.len()).sum();
                assert!(kinds <= KINDS_MAX, "{kinds}");
            }
        }
    }

    #[test]
    fn known_sites_add_up_however_many_they_are() {
        for (count, share) in [(1, 1), (30, 3), (5_000, 1), (5_000, 40), (20_000, 20_000)] {
            let sites: Vec<KnownSite> = (0..count)
                .map(|at| KnownSite {
                    pages: f64::from(at % 17 + 1),
                    robots: f64::from(at % 2),
                    exchange: 0.1,
                    delay: 1.0,
                    address: at / share,
                })
                .collect();
            let expected = [
                f64::from(count),
                sites.iter().map(|site| site.pages).sum(),
                sites.iter().map(|site| site.robots).sum(),
            ];
            let cohorts = cohorts(&Sites::Known(sites), &PACE);
            let found = totals(&cohorts);
            for (found, expected) in found.into_iter().zip(expected) {
                assert!(near(found, expected), "{count}/{share}: {found} {expected}");
            }
            let kinds: usize = cohorts.iter().map(|cohort| cohort.kinds.len()).sum();
            assert!(kinds <= KINDS_MAX, "{kinds}");
        }
    }

    #[test]
    fn the_largest_sites_are_kept_as_they_are() {
        let site = |pages, address| KnownSite {
            pages,
            robots: 0.0,
            exchange: 0.1,
            delay: 1.0,
            address,
        };
        let mut sites: Vec<KnownSite> = (0..9_000).map(|at| site(3.0, at)).collect();
        sites.push(site(5_000.0, 9_000));
        let cohorts = cohorts(&Sites::Known(sites), &PACE);
        assert_eq!(cohorts[0].kinds[0].pages, 5_000.0);
        assert_eq!(cohorts[0].addresses, 1.0);
    }

    #[test]
    fn what_is_done_is_not_reckoned_with() {
        let done = KnownSite {
            pages: 0.0,
            robots: 0.0,
            exchange: 0.1,
            delay: 1.0,
            address: 1,
        };
        assert!(cohorts(&Sites::Known(vec![done]), &PACE).is_empty());
    }
}
