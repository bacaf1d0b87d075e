//! What a stopped crawl says of itself, read from disk.
//!
//! In: the folder. Out: a status. May touch: the folder, reading only, blocking.
//! Invariant: the books are those of the committed snapshots, summed.

use std::sync::Arc;

use orb_api::{
    Act, Books, Bounds, CrawlDir, OrderReply, OrderWish, Phase, Sightings, SiteFacts, Status,
    UrlFacts,
};
use orb_frontier::{FrontierError, SieveKey, SlotSnapshot, UrlLook, UrlRules, each_tally};
use orb_robots::ProductToken;
use orb_shard::{SlotId, SlotMap};
use orb_store::Store;
use orb_url::{CrawlKey, CrawlUrl, Fingerprint, Site};

use crate::config::caps;
use crate::facts::{Asked, FactsError, FactsJob, LiveUrl};
use crate::files::{FileEnds, folder_bytes};
use crate::foresight::Asks;
use crate::identity::CrawlIdentity;
use crate::limits::STOPPED_STORE_BYTES;
use crate::orders::{InForce, OrderBook, OrderError, Prepared};
use crate::{ConfigError, CrawlConfig, CrawlError, World};

/// A crawl that is not running, open for questions. The caller holds the folder's lock.
pub struct StoppedCrawl {
    world: Arc<dyn World>,
    dir: CrawlDir,
    config: CrawlConfig,
    rules: Arc<UrlRules>,
    orders: Arc<InForce>,
    token: ProductToken,
    key: CrawlKey,
    slots: SlotMap,
}

impl StoppedCrawl {
    /// Opens the crawl in `dir` for questions. Scope and rules are judged by `config` and `rules`, which need not
    /// be those the crawl ran with.
    ///
    /// # Errors
    /// [`CrawlError::NoCrawl`] when there is none; a folder of a newer format or another suffix list.
    pub fn open(
        world: Arc<dyn World>,
        dir: CrawlDir,
        config: CrawlConfig,
        rules: UrlRules,
    ) -> Result<StoppedCrawl, CrawlError> {
        let identity = CrawlIdentity::read(world.disk().as_ref(), &dir)?.ok_or_else(|| {
            CrawlError::NoCrawl {
                dir: dir.root().to_path_buf(),
            }
        })?;
        let token = ProductToken::new(&config.identity.product).map_err(|error| ConfigError {
            key: "identity.product",
            problem: error.to_string(),
        })?;
        let orders = OrderBook::read(world.disk(), &dir.orders())?.in_force();
        Ok(StoppedCrawl {
            orders: Arc::new(orders),
            token,
            key: identity.crawl_key(),
            slots: identity.slot_map()?,
            world,
            dir,
            config,
            rules: Arc::new(rules),
        })
    }

    /// How it stands, as [`read_status`], with the caps of the settings.
    ///
    /// # Errors
    /// What the disk says; a store that is in use.
    pub fn status(&self) -> Result<Status, CrawlError> {
        let mut status = read_status(self.world.as_ref(), &self.dir)?;
        let known = status.bounds;
        status.bounds = Bounds {
            disk_used_bytes: known.disk_used_bytes,
            disk_free_bytes: known.disk_free_bytes,
            pages_in_all: known.pages_in_all,
            bytes_received: known.bytes_received,
            ..caps(&self.config)
        };
        Ok(status)
    }

    /// What is known of `url`.
    ///
    /// # Errors
    /// What the disk says; a store that is in use.
    pub fn url_facts(&self, url: &CrawlUrl) -> Result<UrlFacts, CrawlError> {
        let job = self.job(url.site(), self.key.fingerprint(url))?;
        let facts = job.url(url, LiveUrl::default());
        facts.map_err(|error| told(error, &job))
    }

    /// What is known of `site`.
    ///
    /// # Errors
    /// What the disk says; a store that is in use.
    pub fn site_facts(&self, site: &Site) -> Result<SiteFacts, CrawlError> {
        let job = self.job(site.clone(), Fingerprint(0))?;
        job.site().map_err(|error| told(error, &job))
    }

    /// Gives an order to the crawl, which heeds it when it goes on; or only foresees it.
    ///
    /// # Errors
    /// [`OrderError`]; an order that was refused is not in the book.
    pub fn order(&self, wish: OrderWish) -> Result<OrderReply, OrderError> {
        let stored = OrderError::Storage;
        let path = self.dir.orders();
        let mut book = OrderBook::read(self.world.disk(), &path).map_err(stored)?;
        let act = match book.prepare(wish.act)? {
            Prepared::Give(Act::Stop {}) => return Err(OrderError::NotRunning),
            Prepared::Give(act) => act,
            Prepared::InForce(order) => return Ok(OrderReply::already(order)),
        };
        let asks = Asks::of(&act, &book);
        let facts = asks.site().map(|site| self.site_facts(site));
        let facts = facts.transpose().map_err(stored)?;
        let states = self.status().map_err(stored)?.states;
        let effect = asks.effect(facts.as_ref(), &states);
        let order = if wish.dry_run {
            None
        } else {
            let now = self.world.clock().wall();
            let given = book.give(now, &wish.who, &wish.why, act);
            Some(given.map_err(stored)?)
        };
        Ok(OrderReply::of(order, effect))
    }

    fn job(&self, site: Site, fingerprint: Fingerprint) -> Result<FactsJob, CrawlError> {
        let slot = self.slots.slot_of_site(&self.key, &site);
        let partition = self.slots.partition_of(&self.key, &site);
        let store = open_store(self.world.as_ref(), &self.dir, slot)?;
        let disk = self.world.disk();
        let look = UrlLook::open(store, Arc::clone(&disk), self.dir.sieve(slot), self.key)
            .map_err(|source| CrawlError::Frontier { slot, source })?;
        Ok(FactsJob {
            look,
            asked: Asked {
                slot,
                key: SieveKey {
                    partition,
                    fingerprint,
                },
                site,
            },
            live: None,
            dir: self.dir.clone(),
            disk,
            config: self.config.clone(),
            rules: Arc::clone(&self.rules),
            orders: Arc::clone(&self.orders),
            token: self.token.clone(),
            now: self.world.clock().stamp(),
        })
    }
}

fn told(error: FactsError, job: &FactsJob) -> CrawlError {
    let slot = job.asked.slot;
    match error {
        FactsError::Frontier(source) => CrawlError::Frontier { slot, source },
        FactsError::Store(source) => CrawlError::Store { slot, source },
        FactsError::Uploads(source) => source.into(),
        FactsError::Archive(source) => CrawlError::file("list", &job.dir.warc())(source),
    }
}

/// Reads the status of a crawl that is not running. Caps that only settings tell are left at none.
///
/// Cost: a look at every site's row.
///
/// # Errors
/// [`CrawlError::NoCrawl`] when there is none; what the disk says; a store that is in use.
pub fn read_status(world: &dyn World, dir: &CrawlDir) -> Result<Status, CrawlError> {
    let disk = world.disk();
    let identity = CrawlIdentity::read(disk.as_ref(), dir)?.ok_or_else(|| CrawlError::NoCrawl {
        dir: dir.root().to_path_buf(),
    })?;
    let slots = identity.slot_map()?;
    let mut books = Books::default();
    let mut status = Status {
        phase: Phase::Stopped,
        ..Status::default()
    };
    let mut sightings = Sightings::default();
    let mut stores_bytes = 0;
    for slot in slots.slot_ids() {
        let store = open_store(world, dir, slot)?;
        let snapshot = SlotSnapshot::read(store.as_ref())
            .map_err(|source| CrawlError::Frontier { slot, source })?
            .unwrap_or_default();
        let ends = FileEnds::read(store.as_ref(), slot)?;
        books += &snapshot.books;
        sightings += &snapshot.sightings;
        status.pages += ends.pages;
        status.bytes_wire += ends.bytes_received;
        status.bytes_archived += ends.bytes_archived;
        stores_bytes += store.disk_bytes();
        count_sites(store.as_ref(), &mut status)
            .map_err(|source| CrawlError::Frontier { slot, source })?;
    }
    status.discovered = books.discovered;
    if books.pending == 0 && books.discovered > 0 {
        status.phase = Phase::Finished;
    }
    status.states = books.states(0);
    status.sightings = sightings;
    let free_bytes = disk.room(dir.root()).map_or(0, |room| room.free_bytes);
    status.bounds = Bounds {
        disk_used_bytes: stores_bytes + folder_bytes(disk.as_ref(), dir, &slots),
        disk_free_bytes: free_bytes,
        pages_in_all: status.pages,
        bytes_received: status.bytes_wire,
        ..Bounds::default()
    };
    Ok(status)
}

fn open_store(
    world: &dyn World,
    dir: &CrawlDir,
    slot: SlotId,
) -> Result<Arc<dyn Store>, CrawlError> {
    world
        .stores(STOPPED_STORE_BYTES)
        .open(&dir.store(slot))
        .map_err(|source| CrawlError::Store { slot, source })
}

fn count_sites(store: &dyn Store, status: &mut Status) -> Result<(), FrontierError> {
    each_tally(store, &mut |_, tally| {
        status.sites += 1;
        status.sites_parked += u64::from(tally.parked.is_some());
        status.sites_pending += u64::from(tally.pending > 0 && tally.parked.is_none());
    })
}
