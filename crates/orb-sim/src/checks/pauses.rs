//! Pauses as the servers felt them: between requests to a site, and to an address.
//!
//! In: the servers' log. Out: findings. May touch: the web, for its crawl-delays.
//! Must not touch: attempt rows; what the crawl says of its own manners is not believed here.
//! Invariant: a pause is measured from the last packet of one exchange to the first of the next.

use std::collections::BTreeMap;

use orb_url::Site;

use super::{Aftermath, Findings};
use crate::limits::{COMMITTED_FOR_SURE, TIME_TOLERANCE_US};
use crate::scenario::crawl_delay_of;
use crate::server_log::{Greeting, Visit};

pub(super) fn judge(after: &Aftermath<'_>, findings: &mut Findings) {
    sites(after, findings);
    addresses(after, findings);
}

fn sites(after: &Aftermath<'_>, findings: &mut Findings) {
    let mut by_site: BTreeMap<Site, Vec<&Visit>> = BTreeMap::new();
    for visit in after
        .server
        .visits
        .iter()
        .filter(|visit| !visit.host.is_empty())
    {
        by_site
            .entry(Site::of_host(&visit.host))
            .or_default()
            .push(visit);
    }
    for (site, mut visits) in by_site {
        visits.sort_by_key(|visit| (visit.begun, visit.ended));
        for pair in visits.windows(2) {
            let (last, next) = (pair[0], pair[1]);
            let asked = pause_asked(after, last, next);
            findings.count("site pauses", 1);
            findings.count(
                "site pauses across processes",
                u64::from(last.life != next.life),
            );
            if next.begun + TIME_TOLERANCE_US < last.ended + asked.micros {
                let seen = next.begun as i64 - last.ended as i64;
                findings.violate(
                    "site pause",
                    format!(
                        "{}: {seen} us between {} (process {}, ended {}) and {} (process {}, begun {}), {} us asked by {}",
                        site.as_str(), last.target, last.life, last.ended, next.target, next.life, next.begun,
                        asked.micros, asked.by,
                    ),
                );
            }
        }
    }
}

struct Asked {
    micros: u64,
    by: &'static str,
}

fn pause_asked(after: &Aftermath<'_>, last: &Visit, next: &Visit) -> Asked {
    let politeness = &after.scenario.config.politeness;
    let mut asked = Asked {
        micros: politeness.site_delay.as_micros() as u64,
        by: "settings",
    };
    let mut want = |micros: u64, by| {
        if micros > asked.micros {
            asked = Asked { micros, by };
        }
    };
    // Before a page its origin's robots.txt is known, and with it the delay it asks for.
    if is_page(next) {
        let seconds = crawl_delay_of(after.web, &next.host, next.secure);
        want(seconds * 1_000_000, "crawl-delay");
    }
    let life = &after.lives[last.life];
    let rest = last.retry_after * 1_000_000;
    if last.life == next.life && !life.had_faults() {
        if matches!(last.status, 429 | 503) && last.whole {
            want(rest, "retry-after");
        }
        let most = politeness.site_delay_adaptive_max.as_micros() as u64;
        let factor = u64::from(politeness.site_delay_factor);
        want(((last.ended - last.begun) * factor).min(most), "slowness");
    } else if last.life != next.life {
        let known = last.ended + COMMITTED_FOR_SURE.as_micros() as u64 <= life.ended;
        if known && !life.had_faults() && matches!(last.status, 429 | 503) && last.whole {
            want(rest, "retry-after");
        }
    }
    asked
}

/// Robots files and hops on the way to them end like one.
pub(super) fn is_page(visit: &Visit) -> bool {
    !visit.target.ends_with("/robots.txt")
}

fn addresses(after: &Aftermath<'_>, findings: &mut Findings) {
    let delay = after.scenario.config.politeness.address_delay.as_micros() as u64;
    let mut by_address: BTreeMap<_, Vec<(u64, usize)>> = BTreeMap::new();
    for contact in &after.server.contacts {
        if contact.greeting == Greeting::Foreign {
            let to = (contact.address, contact.port);
            findings.violate(
                "contained",
                format!("somebody called {to:?}, where no site is"),
            );
        }
        by_address
            .entry(contact.address)
            .or_default()
            .push((contact.at, contact.life));
    }
    for visit in after.server.visits.iter().filter(|visit| visit.reused) {
        by_address
            .entry(visit.address)
            .or_default()
            .push((visit.begun, visit.life));
    }
    for (address, mut times) in by_address {
        times.sort_unstable();
        for pair in times.windows(2) {
            let ((last, _), (next, life)) = (pair[0], pair[1]);
            findings.count("address pauses", 1);
            if next + TIME_TOLERANCE_US < last + delay {
                findings.violate(
                    "address pause",
                    format!("{address}: {} us from {last} to {next} in process {life}, {delay} us asked", next - last),
                );
            }
        }
    }
}
