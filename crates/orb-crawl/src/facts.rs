//! Facts of a URL and of a site, from a slot's rows and what a running crawl adds to them.
//!
//! In: a look into a slot, rows, the clock of a running site. Out: what `orb why` and `orb inspect` explain.
//! May touch: store and files, reading, blocking. Must not touch: anything else of a slot.
//! Invariant: a running crawl and a stopped one answer by the same code; what only a running one knows comes in
//! as [`Live`].

use std::sync::Arc;
use std::time::Duration;

use orb_api::{
    ArchivePlace, CrawlDir, CutFacts, FateFacts, FoundFacts, QueueFacts, ScopeFacts, SieveFacts,
    SiteFacts, SitePhase, SiteSteering, UrlFacts, UrlState,
};
use orb_env::{Disk, Mono, Stamp};
use orb_frontier::rows::{FateRow, Place};
use orb_frontier::{
    CutCause, Found, FrontierError, How, ScopeMarks, SieveKey, SiteRow, StoredSite, Tally, UrlLook,
    UrlLooked, UrlRules, Waits, Wanted,
};
use orb_gate::SiteClock;
use orb_robots::ProductToken;
use orb_shard::SlotId;
use orb_store::StoreError;
use orb_url::{CrawlUrl, Site};
use orb_warc::SegmentName;

use crate::CrawlConfig;
use crate::orders::InForce;
use crate::robots_facts;
use crate::stopped_uploads::segments_away;

/// Why facts could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FactsError {
    #[error("look into the slot")]
    Frontier(#[from] FrontierError),
    #[error("read the slot's store")]
    Store(#[from] StoreError),
    #[error("list the archive's segments")]
    Archive(#[from] std::io::Error),
    #[error(transparent)]
    Uploads(#[from] orb_objects::UploadError),
}

/// What only a running crawl knows of a site.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) phase: SitePhase,
    pub(crate) next_in: Duration,
    pub(crate) tally: Tally,
    pub(crate) marks: ScopeMarks,
    /// Of a site in memory its row, and the pause in force; that of another is as stored.
    pub(crate) warm: Option<(SiteRow, Duration)>,
}

/// What only a running crawl knows of a URL.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LiveUrl {
    /// It was offered to the sieve and waits for the next merge.
    pub(crate) offered: bool,
    /// It is out on a visit.
    pub(crate) in_hand: bool,
    /// The site table takes no new sites.
    pub(crate) full: bool,
}

/// Which slot and site are asked about.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) slot: SlotId,
    pub(crate) key: SieveKey,
    pub(crate) site: Site,
}

/// A question about one slot, ready to be answered on a helper. Blocking.
pub(crate) struct FactsJob {
    pub(crate) look: UrlLook,
    pub(crate) asked: Asked,
    pub(crate) live: Option<Live>,
    pub(crate) dir: CrawlDir,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) config: CrawlConfig,
    pub(crate) rules: Arc<UrlRules>,
    pub(crate) orders: Arc<InForce>,
    pub(crate) token: ProductToken,
    pub(crate) now: Stamp,
}

impl FactsJob {
    /// What is known of the site.
    pub(crate) fn site(&self) -> Result<SiteFacts, FactsError> {
        let row = self.site_row()?;
        let mut facts = self.site_facts(row.as_ref());
        facts.robots = robots_facts::of_site(self)?;
        Ok(facts)
    }

    /// What is known of `url`, which lies on the site.
    pub(crate) fn url(&self, url: &CrawlUrl, live: LiveUrl) -> Result<UrlFacts, FactsError> {
        let looked = self.look.run(self.asked.key, &self.asked.site)?;
        let row = self.site_row()?;
        let waiting = looked.waits.as_ref().and_then(Waits::found);
        let found = waiting.or(looked.fate.as_ref().map(|fate| &fate.found));
        let sieve = match (looked.seen, live.offered) {
            (true, _) => SieveFacts::Seen,
            (false, true) => SieveFacts::Offered,
            (false, false) => SieveFacts::Unseen,
        };
        let scope = self.scope(url, found, row.as_ref(), live.full);
        Ok(UrlFacts {
            url: url.as_str().to_owned(),
            fingerprint: self.asked.key.fingerprint.to_string(),
            site: self.site_facts(row.as_ref()),
            scope,
            sieve,
            queue: looked
                .waits
                .as_ref()
                .map(|waits| queue(waits, live, row.as_ref())),
            fate: self.fate(&looked)?,
            robots: robots_facts::of_url(self, url)?,
        })
    }

    fn site_row(&self) -> Result<Option<StoredSite>, FactsError> {
        let stored = self.look.site(&self.asked.site)?;
        let Some(live) = &self.live else {
            return Ok(stored);
        };
        let row = match (&live.warm, stored) {
            (Some((row, _)), _) => row.clone(),
            (None, Some(stored)) => stored.row,
            (None, None) => SiteRow::new(self.asked.site.clone()),
        };
        Ok(Some(StoredSite {
            key: self.look.site_key(&self.asked.site),
            row,
            tally: live.tally,
            marks: live.marks.clone(),
        }))
    }

    fn site_facts(&self, site: Option<&StoredSite>) -> SiteFacts {
        let wish = self.orders.wishes.of(self.asked.site.as_str());
        let facts = SiteFacts {
            orders: SiteSteering {
                delay_ms: wish.delay.map(millis),
                pages_max: wish.pages_max,
                priority: wish.priority,
            },
            site: self.asked.site.as_str().to_owned(),
            slot: self.asked.slot.0,
            partition: self.asked.key.partition.get(),
            ..SiteFacts::default()
        };
        let Some(StoredSite { row, tally, .. }) = site else {
            return facts;
        };
        let stored = row.clock.unwrap_or_default();
        let known = self.live.as_ref().and_then(|live| live.warm.as_ref());
        let delay = match known {
            Some((_, delay)) => *delay,
            None => SiteClock::opened(stored, true, self.now).delay(
                &self.asked.site,
                &self.config.politeness,
                row.crawl_delay,
            ),
        };
        let hold = Stamp::deadline(stored.at, stored.hold_until, self.now).since(self.now.mono);
        let held = if stored.hold_until == Mono(0) {
            Duration::ZERO
        } else {
            hold
        };
        let phase = match (&self.live, tally.parked) {
            (Some(live), _) => live.phase,
            (None, Some(_)) => SitePhase::Parked,
            (None, None) => SitePhase::Idle,
        };
        SiteFacts {
            known: true,
            phase,
            pending: u64::from(tally.pending),
            queued: tally.counted(),
            cold: u64::from(tally.cold),
            parked: tally.parked,
            seeded: tally.seeded,
            crawl_delay_ms: row.crawl_delay.map(millis),
            delay_ms: millis(delay.max(wish.delay.unwrap_or_default())),
            backoff_ms: stored.backoff_us / 1_000,
            last_exchange_ms: stored.last_exchange_us / 1_000,
            next_in_ms: self.live.as_ref().map_or(0, |live| millis(live.next_in)),
            hold_ms: millis(held),
            ..facts
        }
    }

    /// Judges the URL as a link on its way in would be. One that nobody found is taken for a link of a page.
    fn scope(
        &self,
        url: &CrawlUrl,
        found: Option<&Found>,
        site: Option<&StoredSite>,
        full: bool,
    ) -> ScopeFacts {
        let config = &self.config.frontier;
        let wanted = Wanted {
            config,
            rules: &self.rules,
            exclusions: &self.orders.exclusions,
            wishes: &self.orders.wishes,
        };
        let link = Found {
            url: url.clone(),
            via: None,
            depth: 1,
            hops: 0,
            how: How::Link,
            bare_domain: false,
            rank: None,
        };
        let stopped_by = wanted.judge(found.unwrap_or(&link), site, full).err();
        let exclusion = || Some(&*self.orders.exclusions.stopping(url)?.words);
        let rule = self
            .rules
            .stopping(url)
            .or_else(exclusion)
            .filter(|_| matches!(stopped_by, Some("rule" | "opt_out")));
        ScopeFacts {
            scope: config.scope.name().to_owned(),
            rule: rule.map(str::to_owned),
            stopped_by: stopped_by.map(str::to_owned),
        }
    }

    fn fate(&self, looked: &UrlLooked) -> Result<Option<FateFacts>, FactsError> {
        let Some(fate) = &looked.fate else {
            return Ok(None);
        };
        let archive = match fate.place {
            Some(place) if place != Place::ELSEWHERE => self.archive_place(place)?,
            _ => None,
        };
        Ok(Some(fate_facts(fate, archive)))
    }

    /// Rows hold the number of a segment; its file is found among the archive's names, or those of what was uploaded.
    fn archive_place(&self, place: Place) -> Result<Option<ArchivePlace>, FactsError> {
        let entries = self.disk.list(&self.dir.warc())?;
        let is_it = |name: &String| {
            SegmentName::parse(name).is_some_and(|segment| {
                segment.slot == self.asked.slot.0 && segment.serial == place.segment
            })
        };
        let mut file = entries.into_iter().map(|entry| entry.name).find(is_it);
        if file.is_none() {
            let away = segments_away(self.disk.as_ref(), &self.dir)?;
            file = away.into_keys().find(is_it);
        }
        Ok(file.map(|file| ArchivePlace {
            file,
            offset: place.offset,
            bytes: 0,
        }))
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn cut_facts(url: &CrawlUrl, cause: Option<CutCause>, site: Option<&StoredSite>) -> CutFacts {
    let learnt = matches!(cause, Some(CutCause::Shape | CutCause::Hosts));
    let budgets = site
        .filter(|_| learnt)
        .and_then(|site| site.row.budgets.as_ref());
    let look = budgets.and_then(|budgets| budgets.look(url));
    CutFacts {
        cause: cause.map_or("", CutCause::name).to_owned(),
        level: look.map_or_else(String::new, |look| look.level.to_owned()),
        fetches: look.map_or(0, |look| look.fetches),
    }
}

fn queue(waits: &Waits, live: LiveUrl, site: Option<&StoredSite>) -> QueueFacts {
    let place = match waits {
        Waits::Queue(_) if live.in_hand => "in_flight",
        Waits::Queue(_) | Waits::Beyond => "queue",
        Waits::Cold(..) => "cold",
        Waits::Admitted(_) => "admitted",
    };
    let at = match waits {
        Waits::Queue(at) | Waits::Cold(at, _) => Some(at),
        Waits::Admitted(_) | Waits::Beyond => None,
    };
    let cut = match waits {
        Waits::Cold(at, cause) => Some(cut_facts(&at.row.found.url, *cause, site)),
        _ => None,
    };
    QueueFacts {
        cut,
        place: place.to_owned(),
        lane: at.map_or(u8::MAX, |at| at.lane),
        ahead: at.map(|at| at.ahead),
        attempts: at.map_or(0, |at| at.row.attempts),
        due_us: waits
            .due()
            .map(|due| i64::try_from(due).unwrap_or(i64::MAX)),
        found: waits.found().map(found_facts).unwrap_or_default(),
    }
}

fn found_facts(found: &Found) -> FoundFacts {
    FoundFacts {
        how: found.how.name().to_owned(),
        via: found.via.as_ref().map(|via| via.as_str().to_owned()),
        depth: found.depth,
        hops: found.hops,
        rank: found.rank,
        bare_domain: found.bare_domain,
    }
}

fn fate_facts(fate: &FateRow, archive: Option<ArchivePlace>) -> FateFacts {
    debug_assert_ne!(fate.state, UrlState::Pending, "what is pending has no fate");
    FateFacts {
        state: fate.state,
        outcome: fate.outcome,
        reason: fate.reason,
        detail: fate.detail.clone(),
        status: fate.status,
        attempts: fate.attempts,
        at_us: fate.at.0,
        archive,
        found: found_facts(&fate.found),
    }
}
