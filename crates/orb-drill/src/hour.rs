//! An hour of virtual time: many sites, a pause each, and pages that link on. Is politeness all that limits the rate?
//!
//! In: sites, a pause, a span. Out: fetches, their part of what politeness allows, the shortest pause seen.
//! May touch: a folder, threads. Must not touch: the machine's clock, but to say how long it took.
//! Invariant: every request is held against the end of the one before at its site; one that comes early ends the run.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use orb_env::{Entropy, Mono, SeededEntropy};
use orb_frontier::{How, Queued};
use orb_gate::{Feedback, PolitenessConfig};
use orb_shard::{SlotId, SlotMap};
use orb_url::{CrawlKey, CrawlUrl, Site};
use serde::Serialize;

use crate::account::Account;
use crate::board::Board;
use crate::drill::OPENED;
use crate::flight::Pretence;
use crate::helping::Helping;
use crate::lanes::{Lanes, Stopwatch};
use crate::names;
use crate::plan::Plan;
use crate::shard::{Shard, ShardParts, stamp};
use crate::slot::{Slot, SlotSetup};
use crate::stream::{Round, Stream, StreamSize, found, key_of};
use crate::{Costs, DrillError};

/// Of a hundred sites, how many share their address with others.
const SHARING_PERCENT: u64 = 10;

/// Sites on an address that is shared.
const SHARED_BY: u64 = 16;

/// Links of a page to its own site that were found before, and to other sites.
const OLD_LINKS: u64 = 4;
const LINKS_ELSEWHERE: u64 = 2;

/// Fresh pages that a page links to, while its site has any.
const FRESH_LINKS: u32 = 2;

/// What is tried.
#[derive(Clone, Debug)]
pub struct HourSettings {
    /// Folder to work in.
    pub dir: PathBuf,
    /// Sites.
    pub sites: u64,
    /// Pages of each site.
    pub pages_per_site: u16,
    /// Virtual time from the first request on.
    pub span: Duration,
    /// Pause of a site.
    pub delay: Duration,
    /// What each request takes.
    pub exchange: Duration,
    /// Memory, shared out as in a crawl.
    pub memory_bytes: u64,
    /// Which links.
    pub seed: u64,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct HourFindings {
    /// Requests, robots.txt included.
    pub fetches: u64,
    /// Of them for robots.txt.
    pub robots: u64,
    /// Requests that politeness allows: sites / (pause + exchange), over the span.
    pub ceiling: f64,
    /// Fetches as a part of the ceiling.
    pub part: f64,
    /// The same of the slowest minute, the first left out.
    pub part_of_slowest_minute: f64,
    /// The shortest time from the end of a request to the start of the next at its site.
    pub shortest_pause_seconds: f64,
    /// Requests by minute.
    pub minutes: Vec<u64>,
    /// Links fed back.
    pub links: u64,
    /// URLs known at the end.
    pub urls: u64,
    /// URLs pending then.
    pub pending: u64,
    /// Time on the wall, the filling included.
    pub seconds: f64,
    /// The process at the end.
    pub account: Account,
    /// Memory of the pretended web and of the check, part of the process's.
    pub pretence_bytes: u64,
    /// Single costs.
    #[serde(skip)]
    pub costs: Costs,
}

/// How far it is: virtual seconds, fetches, real seconds, resident bytes.
#[derive(Clone, Copy, Debug)]
pub struct HourTold {
    /// Virtual time since the first request.
    pub virtual_seconds: f64,
    /// Requests so far.
    pub fetches: u64,
    /// Since the beginning, on the wall.
    pub seconds: f64,
    /// Resident memory.
    pub rss_bytes: u64,
}

#[derive(Default)]
struct Watched {
    fetches: AtomicU64,
    robots: AtomicU64,
    links: AtomicU64,
    shortest: AtomicU64,
    now: AtomicU64,
    began: AtomicU64,
    minutes: Vec<AtomicU64>,
}

/// The web of the hour, and the eye on its pauses.
struct Web {
    settings: HourSettings,
    slots: SlotMap,
    key: CrawlKey,
    entropy: SeededEntropy,
    /// Bits 0 and 1, of each site's two origins: its robots.txt was fetched. Bits 2 and 3: it was asked for last.
    robots: Vec<u8>,
    /// Pages of each site that were linked to.
    linked: Vec<u16>,
    /// End of the last request of each site, microseconds; 0 before the first.
    last_end: Vec<u64>,
    position: u64,
    text: String,
    watched: Arc<Watched>,
}

fn number_of(site: &Site) -> u64 {
    names::number_of_site(site.as_str()).expect("sites here have their number in their name")
}

impl Web {
    fn link(&mut self, site: u64, page: u32, via: &CrawlUrl, round: &mut Round) {
        let url = names::url(&mut self.text, site, page);
        let slot = self.slots.slot_of_url(&self.key, &url);
        let block = &mut round[usize::from(slot.0)];
        found(url, Some(via.clone()), How::Link, page).encode_into(&mut block.bytes);
        self.position += 1;
        block.end = self.position;
        block.links += 1;
    }

    fn bytes(&self) -> u64 {
        (self.robots.capacity() + 2 * self.linked.capacity() + 8 * self.last_end.capacity()) as u64
    }
}

impl Pretence for Web {
    fn robots_first(&mut self, site: &Site, queued: &Queued) -> bool {
        let second = queued.row.found.url.host().starts_with("blog.");
        let known = &mut self.robots[number_of(site) as usize];
        let bit = 1 << u8::from(second);
        *known = (*known & 3) | bit << 2;
        *known & bit == 0
    }

    fn address(&self, site: &Site) -> IpAddr {
        let site = number_of(site);
        let sharing = self.settings.sites * SHARING_PERCENT / 100;
        let host = if site < sharing {
            site / SHARED_BY
        } else {
            site
        };
        let host = (host as u32).to_be_bytes();
        IpAddr::from([
            if site < sharing { 11 } else { 12 },
            host[1],
            host[2],
            host[3],
        ])
    }

    fn takes(&self, _queued: Option<&Queued>) -> Duration {
        self.settings.exchange
    }

    fn begins(&mut self, site: &Site, now: Mono) -> Result<(), String> {
        let watched = &self.watched;
        let began = watched.began.load(Relaxed);
        if began == 0 {
            watched.began.store(now.0, Relaxed);
        }
        watched.now.store(now.0, Relaxed);
        watched.fetches.fetch_add(1, Relaxed);
        let minute = now.0.saturating_sub(if began == 0 { now.0 } else { began }) / 60_000_000;
        if let Some(minute) = watched.minutes.get(minute as usize) {
            minute.fetch_add(1, Relaxed);
        }
        let end = self.last_end[number_of(site) as usize];
        let pause = now.since(Mono(end));
        if end == 0 {
            return Ok(());
        }
        if pause < self.settings.delay {
            return Err(format!(
                "{} was asked {pause:?} after its last request",
                site.as_str()
            ));
        }
        watched
            .shortest
            .fetch_min(pause.as_micros() as u64, Relaxed);
        Ok(())
    }

    fn ended(
        &mut self,
        _slot: SlotId,
        site: &Site,
        _began: Mono,
        now: Mono,
        _feedback: Feedback,
    ) -> Result<(), String> {
        self.last_end[number_of(site) as usize] = now.0;
        Ok(())
    }

    fn links(&mut self, queued: &Queued, round: &mut Round) {
        let via = &queued.row.found.url;
        let site = number_of(&via.site());
        let before = self.position;
        for _ in 0..FRESH_LINKS {
            let linked = self.linked[site as usize];
            if linked < self.settings.pages_per_site {
                self.linked[site as usize] += 1;
                self.link(site, u32::from(linked), via, round);
            }
        }
        for _ in 0..OLD_LINKS {
            let page = self.entropy.below(u64::from(self.linked[site as usize]));
            self.link(site, page as u32, via, round);
        }
        for _ in 0..LINKS_ELSEWHERE {
            let other = self.entropy.below(self.settings.sites);
            self.link(other, 0, via, round);
        }
        self.watched
            .links
            .fetch_add(self.position - before, Relaxed);
    }

    fn robots_fetched(&mut self, site: &Site) {
        let known = &mut self.robots[number_of(site) as usize];
        *known |= *known >> 2;
        self.watched.robots.fetch_add(1, Relaxed);
    }
}

/// Runs it. Blocking.
///
/// - `told`: hears several times a second how it goes.
///
/// # Errors
/// What store, frontier or disk say; a request that came too early.
pub fn hour(
    settings: &HourSettings,
    told: &mut dyn FnMut(HourTold),
) -> Result<HourFindings, DrillError> {
    let watch = Stopwatch::new();
    let begun = watch.now();
    let minutes = settings.span.as_secs().div_ceil(60) as usize;
    let watched = Arc::new(Watched {
        shortest: AtomicU64::new(u64::MAX),
        minutes: std::iter::repeat_with(AtomicU64::default)
            .take(minutes)
            .collect(),
        ..Watched::default()
    });
    let (mut shard, pretence_bytes) = shard_of(settings, &watched)?;
    let work = thread::Builder::new()
        .name("orb-shard-0".into())
        .spawn(move || shard.run().map(|()| shard))
        .map_err(DrillError::io("start a shard", ""))?;
    while !work.is_finished() {
        thread::sleep(Duration::from_millis(100));
        let now = watched
            .now
            .load(Relaxed)
            .saturating_sub(watched.began.load(Relaxed));
        told(HourTold {
            virtual_seconds: now as f64 / 1e6,
            fetches: watched.fetches.load(Relaxed),
            seconds: watch.now().since(begun).as_secs_f64(),
            rss_bytes: Account::now().rss_bytes,
        });
    }
    let shard = work
        .join()
        .map_err(|_| DrillError::Panicked { what: "shard" })??;
    let mut findings = findings(settings, &watched);
    for slot in &shard.slots {
        findings.urls += slot.frontier.books().discovered;
        findings.pending += slot.frontier.books().pending;
    }
    findings.seconds = watch.now().since(begun).as_secs_f64();
    findings.account = Account::now();
    findings.pretence_bytes = pretence_bytes;
    findings.costs = shard.costs;
    Ok(findings)
}

/// Requests a second that politeness allows.
fn ceiling_per_second(settings: &HourSettings) -> f64 {
    settings.sites as f64 / (settings.delay + settings.exchange).as_secs_f64()
}

/// The shard, and the memory of what is pretended around it.
fn shard_of(settings: &HourSettings, watched: &Arc<Watched>) -> Result<(Shard, u64), DrillError> {
    let slots = SlotMap::new(4)?;
    let politeness = PolitenessConfig {
        site_delay: settings.delay,
        ..PolitenessConfig::default()
    };
    let key = key_of(settings.seed);
    let mut setup = SlotSetup::on_disk(slots, key, politeness.clone(), settings.memory_bytes);
    setup.opened = stamp(OPENED);
    let mut opened = Vec::new();
    for id in slots.slot_ids() {
        opened.push(Slot::open(&setup, &settings.dir, id)?);
    }
    let web = web_of(settings, slots, watched);
    let pretence_bytes = web.bytes();
    let size = StreamSize::of(settings.sites, settings.sites, settings.seed);
    let mut seeds = Stream::new(size, slots, key);
    // Twice what is needed at an even rate.
    let in_flight = 2.0 * ceiling_per_second(settings) * settings.exchange.as_secs_f64();
    let lanes = Lanes::new(0, true).map_err(DrillError::io("start helper threads", ""))?;
    let shard = Shard::new(ShardParts {
        slots: opened,
        number: 0,
        plan: Plan::after_links(settings.span, in_flight.ceil() as usize + 64),
        pretence: Box::new(web),
        board: Arc::new(Board::new(1)),
        source: Some(Box::new(move || seeds.round(4_000))),
        helping: Helping::paced(lanes),
        politeness,
        opened: OPENED,
        seed: settings.seed,
    });
    Ok((shard, pretence_bytes))
}

/// What was watched.
fn findings(settings: &HourSettings, watched: &Watched) -> HourFindings {
    let fetches = watched.fetches.load(Relaxed);
    let per_second = ceiling_per_second(settings);
    let ceiling = per_second * settings.span.as_secs_f64();
    let minutes: Vec<u64> = watched
        .minutes
        .iter()
        .map(|minute| minute.load(Relaxed))
        .collect();
    let slowest = minutes.iter().skip(1).min().copied().unwrap_or(fetches);
    HourFindings {
        fetches,
        robots: watched.robots.load(Relaxed),
        ceiling,
        part: fetches as f64 / ceiling,
        part_of_slowest_minute: slowest as f64 / (per_second * 60.0),
        shortest_pause_seconds: watched.shortest.load(Relaxed) as f64 / 1e6,
        minutes,
        links: watched.links.load(Relaxed),
        ..HourFindings::default()
    }
}

fn web_of(settings: &HourSettings, slots: SlotMap, watched: &Arc<Watched>) -> Web {
    let sites = settings.sites as usize;
    Web {
        slots,
        key: key_of(settings.seed),
        entropy: SeededEntropy::new(settings.seed ^ 0x77_6562),
        robots: vec![0; sites],
        linked: vec![1; sites],
        last_end: vec![0; sites],
        position: settings.sites,
        text: String::new(),
        watched: Arc::clone(watched),
        settings: settings.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small, but with everything in it: robots, shared addresses, links fed back. Twice, and the same both times.
    #[test]
    fn politeness_alone_limits_the_rate_and_one_seed_gives_one_hour() {
        let run = || {
            let dir = tempfile::tempdir().unwrap();
            let settings = HourSettings {
                dir: dir.path().into(),
                sites: 100,
                pages_per_site: 60,
                span: Duration::from_secs(300),
                delay: Duration::from_secs(20),
                exchange: Duration::from_millis(200),
                memory_bytes: 256 << 20,
                seed: 5,
            };
            hour(&settings, &mut |_| {}).unwrap()
        };
        let first = run();
        assert!(first.part >= 0.97, "{} {:?}", first.part, first.minutes);
        assert!(first.shortest_pause_seconds >= 20.0);
        assert!(
            first.robots >= 100 && first.urls > 1_500,
            "{} {}",
            first.robots,
            first.urls
        );
        let second = run();
        assert_eq!(
            (first.fetches, first.links, first.minutes),
            (second.fetches, second.links, second.minutes)
        );
    }
}
