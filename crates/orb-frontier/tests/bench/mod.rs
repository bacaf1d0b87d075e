//! One slot's frontier on a bench: a memory disk, a model store, a clock that is moved by hand.
//!
//! In: what tests do. Out: visits and counts. May touch: memory. Invariant: books balance at every commit.

#![allow(dead_code)] // not every test needs all of it

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use orb_api::{Outcome, Reason, UrlState};
use orb_env::{BootId, Disk, MemoryDisk, Mono, Stamp, Wall};
use orb_frontier::rows::FateRow;
use orb_frontier::{
    Found, Frontier, FrontierConfig, FrontierSetup, GroupTail, How, Queued, Scope, Settled,
    SlotCheck, SlotState, UrlRules, Visit, WARM_SITES, check_slot,
};
use orb_gate::PolitenessConfig;
use orb_shard::{SlotId, SlotMap};
use orb_store::{Batch, ModelOpener, StoreError, StoreOpener};
use orb_url::{CrawlKey, CrawlUrl};

pub(crate) struct Bench {
    pub(crate) disk: MemoryDisk,
    pub(crate) opener: ModelOpener,
    pub(crate) config: FrontierConfig,
    pub(crate) frontier: Option<Frontier>,
    pub(crate) now: Stamp,
    pub(crate) group: u64,
}

impl Bench {
    pub(crate) fn new(config: FrontierConfig) -> Bench {
        let disk = MemoryDisk::new();
        let opener = ModelOpener::new(disk.clone());
        let now = Stamp {
            boot: BootId([1; 16]),
            mono: Mono(1_000_000),
            wall: Wall(1_000_000_000),
        };
        let mut bench = Bench {
            disk,
            opener,
            config,
            frontier: None,
            now,
            group: 0,
        };
        bench.open(true);
        bench
    }

    /// Checks what is stored: rows, counts, books and sieve agree.
    pub(crate) fn check(&self) -> SlotCheck {
        let store = self.opener.open(Path::new("/c/store"));
        let store = store
            .or_else(|_| Ok::<_, StoreError>(Arc::clone(self.frontier.as_ref().unwrap().store())));
        let store = store.unwrap();
        check_slot(&SlotState {
            slot: SlotId(0),
            slots: SlotMap::new(4).unwrap(),
            key: CrawlKey::ZERO,
            store: store.as_ref(),
            disk: &self.disk,
            sieve_dir: Path::new("/c/sieve"),
        })
        .unwrap()
    }

    pub(crate) fn open(&mut self, clean: bool) {
        self.frontier = None;
        let store = self.opener.open(Path::new("/c/store")).unwrap();
        let setup = FrontierSetup {
            slot: SlotId(0),
            slots: SlotMap::new(4).unwrap(),
            key: CrawlKey::ZERO,
            sieve_dir: "/c/sieve".into(),
            rests_dir: "/c/rests".into(),
            config: FrontierConfig {
                warm_sites_max: WARM.get(),
                ..self.config.clone()
            },
            rules: Arc::new(UrlRules::default()),
            politeness: PolitenessConfig::default(),
            disk: Arc::new(self.disk.clone()) as Arc<dyn Disk>,
            clean,
            opened: self.now,
        };
        let frontier = Frontier::open(setup, store).unwrap();
        self.group = frontier.group();
        self.frontier = Some(frontier);
    }

    pub(crate) fn f(&mut self) -> &mut Frontier {
        self.frontier.as_mut().unwrap()
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.now.mono = self.now.mono.plus(time);
        self.now.wall = self.now.wall.plus(time);
    }

    /// Seals and commits what is in `batch`.
    pub(crate) fn commit(&mut self, mut batch: Batch) {
        self.group += 1;
        let (group, now) = (self.group, self.now);
        let tail: GroupTail = self.f().seal(group, now, &mut batch);
        assert!(self.f().books().balanced());
        self.f().store().commit(batch).unwrap();
        self.f().durable(tail).unwrap();
    }

    pub(crate) fn offer(&mut self, url: &str, how: How, depth: u16) {
        let found = Found {
            url: CrawlUrl::parse(url).unwrap(),
            via: None,
            depth,
            hops: 0,
            how,
            bare_domain: false,
            rank: None,
        };
        let now = self.now.mono;
        self.f().offer(&found, now);
    }

    /// Merges and switches: found URLs reach the admitted files.
    pub(crate) fn merge(&mut self) {
        if let Some(job) = self.f().start_merge() {
            let merged = job.run().unwrap();
            let mut batch = Batch::new();
            self.f().merged(&merged, &mut batch);
            self.commit(batch);
        }
    }

    /// Merges, switches, drains: found URLs reach the queues.
    pub(crate) fn absorb(&mut self) {
        self.merge();
        while let Some(job) = self.f().start_drain() {
            let drained = job.run().unwrap();
            let mut batch = Batch::new();
            self.f().drained(drained, &mut batch);
            self.commit(batch);
        }
    }

    /// The next visit and its first URL, when one is due now.
    pub(crate) fn next(&mut self) -> Option<(Visit, Queued)> {
        let now = self.now;
        while let Some(job) = self.f().start_load(now) {
            let loaded = job.run().unwrap();
            self.f().loaded(loaded, now);
        }
        let visit = self.f().next_visit(now.mono)?;
        let queued = self.f().take_url(visit.id).expect("a ready site has urls");
        Some((visit, queued))
    }

    pub(crate) fn settle(&mut self, visit: &Visit, queued: Queued, settled: Settled) {
        let mut batch = Batch::new();
        self.f().settle(visit.id, queued, settled, &mut batch);
        self.f().release(visit.id, Mono(0));
        self.commit(batch);
    }
}

thread_local! {
    /// Sites kept in memory by the benches of this thread.
    static WARM: Cell<usize> = const { Cell::new(WARM_SITES) };
}

/// Runs a test with every site kept in memory, and again with none that is not visited.
pub(crate) fn both_ways(test: impl Fn()) {
    for warm in [WARM_SITES, 0] {
        WARM.set(warm);
        test();
    }
}

pub(crate) fn fate(queued: &Queued, state: UrlState) -> Settled {
    Settled::Final(Box::new(FateRow {
        state,
        outcome: Outcome::Captured,
        reason: Reason::None,
        detail: String::new(),
        status: 200,
        attempts: 1,
        found: queued.row.found.clone(),
        at: Wall(1),
        place: None,
        digest: None,
        etag: None,
        last_modified: None,
        history: None,
    }))
}

pub(crate) fn any() -> FrontierConfig {
    FrontierConfig {
        scope: Scope::Any,
        ..FrontierConfig::default()
    }
}

/// A front page whose site is the slot's own.
pub(crate) fn own_page() -> String {
    let slots = SlotMap::new(4).unwrap();
    let pages = (0..).map(|n| format!("https://site{n}.example/"));
    let own = |page: &String| {
        let url = CrawlUrl::parse(page).unwrap();
        slots.slot_of_url(&CrawlKey::ZERO, &url) == SlotId(0)
    };
    pages.into_iter().find(own).unwrap()
}
