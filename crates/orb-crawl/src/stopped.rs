//! What a stopped crawl says of itself, read from disk.
//!
//! In: the folder. Out: a status. May touch: the folder, reading only, blocking.
//! Invariant: the books are those of the committed snapshots, summed.

use std::sync::Arc;

use orb_api::{Books, CrawlDir, Phase, Sightings, SiteFacts, Status, UrlFacts};
use orb_frontier::{SlotSnapshot, UrlRules};
use orb_shard::SlotMap;
use orb_url::{CrawlKey, CrawlUrl, Site};

use crate::files::FileEnds;
use crate::identity::CrawlIdentity;
use crate::{CrawlConfig, CrawlError, World};

/// A crawl that is not running, open for questions. The caller holds the folder's lock.
pub struct StoppedCrawl {
    world: Arc<dyn World>,
    dir: CrawlDir,
    #[allow(dead_code)]
    config: CrawlConfig,
    #[allow(dead_code)]
    rules: Arc<UrlRules>,
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
        Ok(StoppedCrawl {
            key: identity.crawl_key(),
            slots: identity.slot_map()?,
            world,
            dir,
            config,
            rules: Arc::new(rules),
        })
    }

    /// How it stands, as [`read_status`].
    ///
    /// # Errors
    /// What the disk says; a store that is in use.
    pub fn status(&self) -> Result<Status, CrawlError> {
        read_status(self.world.as_ref(), &self.dir)
    }

    /// What is known of `url`.
    ///
    /// # Errors
    /// What the disk says; a store that is in use.
    pub fn url_facts(&self, url: &CrawlUrl) -> Result<UrlFacts, CrawlError> {
        Ok(UrlFacts {
            url: url.as_str().to_owned(),
            fingerprint: self.key.fingerprint(url).to_string(),
            site: self.site_facts(&url.site())?,
            ..UrlFacts::default()
        })
    }

    /// What is known of `site`.
    ///
    /// # Errors
    /// What the disk says; a store that is in use.
    pub fn site_facts(&self, site: &Site) -> Result<SiteFacts, CrawlError> {
        Ok(SiteFacts {
            site: site.as_str().to_owned(),
            slot: self.slots.slot_of_site(&self.key, site).0,
            partition: self.slots.partition_of(&self.key, site).get(),
            ..SiteFacts::default()
        })
    }
}

/// Reads the status of a crawl that is not running.
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
    for slot in slots.slot_ids() {
        let opener = world.stores(64 << 20);
        let store = opener
            .open(&dir.store(slot))
            .map_err(|source| CrawlError::Store { slot, source })?;
        let snapshot = SlotSnapshot::read(store.as_ref())
            .map_err(|source| CrawlError::Frontier { slot, source })?
            .unwrap_or_default();
        let ends = FileEnds::read(store.as_ref(), slot)?;
        books += &snapshot.books;
        sightings += &snapshot.sightings;
        status.pages += ends.pages;
        status.bytes_wire += ends.bytes_received;
        status.bytes_archived += ends.bytes_archived;
    }
    status.discovered = books.discovered;
    if books.pending == 0 && books.discovered > 0 {
        status.phase = Phase::Finished;
    }
    status.states = books.states(0);
    status.sightings = sightings;
    Ok(status)
}
