//! Fault R7: a crawl that is killed again and again asks no site and no address sooner for it, measured at the servers.
//!
//! In: whole crawls in virtual time, each killed many times. Out: the smallest pause of each site and address.
//! May touch: the planting of mistakes on the test's own thread. Invariant: pauses come from the servers' log alone.

use std::collections::BTreeMap;
use std::time::Duration;

use orb_env::mutant::{Mutant, plant};
use orb_sim::{Dice, End, LifeEnd, LifePlan, RunLog, Scenario, run_scenario};
use orb_url::Site;

const KILLS: usize = 20;

/// A calm web, and processes that are killed soon after they opened, half of them with the machine.
fn scenario(seed: u64) -> Scenario {
    let mut scenario = Scenario::calm(seed);
    scenario.web.pages_per_site = 40;
    let dice = Dice::new(seed, "restarts");
    let life = |_| {
        let at = 85 + dice.pick(0..250);
        let power_cut = dice.percent(50);
        LifePlan {
            end: if power_cut {
                End::PowerCut(at)
            } else {
                End::Kill(at)
            },
            pause: Duration::from_millis(dice.pick(1..100)),
            new_boot: power_cut,
            wall_jump_us: 0,
        }
    };
    scenario.lives = (0..KILLS).map(life).collect();
    scenario
}

/// The smallest pauses that the servers of one crawl or several felt, in microseconds, and between how many processes.
#[derive(Debug)]
struct Pauses {
    site: u64,
    address: u64,
    across_kills: usize,
}

fn pauses(log: &RunLog) -> Pauses {
    let mut found = Pauses {
        site: u64::MAX,
        address: u64::MAX,
        across_kills: 0,
    };
    let mut sites: BTreeMap<Site, Vec<(u64, u64, usize)>> = BTreeMap::new();
    let mut addresses: BTreeMap<_, Vec<u64>> = BTreeMap::new();
    for visit in log
        .server
        .visits
        .iter()
        .filter(|visit| !visit.host.is_empty())
    {
        let of_site = sites.entry(Site::of_host(&visit.host)).or_default();
        of_site.push((visit.begun, visit.ended, visit.life));
        if visit.reused {
            addresses
                .entry(visit.address)
                .or_default()
                .push(visit.begun);
        }
    }
    for contact in &log.server.contacts {
        addresses
            .entry(contact.address)
            .or_default()
            .push(contact.at);
    }
    for times in sites.values_mut() {
        times.sort_unstable();
        for two in times.windows(2) {
            found.site = found.site.min(two[1].0.saturating_sub(two[0].1));
            found.across_kills += usize::from(two[0].2 != two[1].2);
        }
    }
    for times in addresses.values_mut() {
        times.sort_unstable();
        let least = times.windows(2).map(|two| two[1] - two[0]).min();
        found.address = found.address.min(least.unwrap_or(u64::MAX));
    }
    found
}

/// Crawls the scenarios of these seeds, with a mistake planted or none: kills, and the smallest pauses of all.
fn killed_crawls(seeds: std::ops::Range<u64>, mistake: Option<Mutant>) -> (usize, Pauses) {
    let (mut kills, mut least) = (0, None::<Pauses>);
    for seed in seeds {
        let mut scenario = scenario(seed);
        let web = scenario.build_web();
        plant(mistake);
        let log = run_scenario(&scenario, &web);
        plant(None);
        kills += log
            .lives
            .iter()
            .filter(|life| life.end == LifeEnd::Killed)
            .count();
        let found = pauses(&log);
        least = Some(match least {
            None => found,
            Some(least) => Pauses {
                site: least.site.min(found.site),
                address: least.address.min(found.address),
                across_kills: least.across_kills + found.across_kills,
            },
        });
    }
    let least = least.unwrap_or_else(|| panic!("no seeds"));
    println!("{kills} kills: {least:?}");
    (kills, least)
}

/// The delays in force: of every site and of every address at least.
fn delays() -> (u64, u64) {
    let politeness = scenario(0).config.politeness;
    let micros = |delay: Duration| delay.as_micros() as u64;
    (
        micros(politeness.site_delay),
        micros(politeness.address_delay),
    )
}

/// R7: hundreds of kills, and the smallest pause of any site or address is not below its delay.
#[test]
fn r7_a_killed_crawl_never_asks_too_soon() {
    let (kills, least) = killed_crawls(0..15, None);
    let (site, address) = delays();
    assert!(
        kills >= 200 && least.across_kills >= 300,
        "{kills} kills, {least:?}"
    );
    assert!(least.site + 2 >= site, "{least:?}");
    assert!(least.address + 2 >= address, "{least:?}");
}

/// The same without the defence: what was asked before the kill is forgotten, and both pauses break.
#[test]
fn r7_who_ignores_the_kill_is_seen() {
    let (kills, least) = killed_crawls(0..5, Some(Mutant::NoWaitAfterKill));
    let (site, address) = delays();
    assert!(kills >= 60, "{kills}");
    assert!(least.site < site / 2, "{least:?}");
    assert!(least.address < address, "{least:?}");
}
