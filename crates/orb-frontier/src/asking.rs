//! Asking a slot about one URL: sieve, queues, fates.
//!
//! In: a URL's key, the slot's store and files. Out: where it is and what became of it.
//! May touch: store and files, reading, blocking. Must not touch: the site table.
//! Invariant: a look is bounded whatever the length of a site's queue; it changes nothing.

use std::path::PathBuf;
use std::sync::Arc;

use orb_env::Disk;
use orb_shard::SiteKey;
use orb_store::{Keyspace, Rows, Store};
use orb_url::{CrawlKey, Fingerprint, Site};

use crate::frontier::Frontier;
use crate::limits::{ASK_ROWS, ASK_ROWS_MAX};
use crate::open::stored_site;
use crate::rows::{
    ColdRow, FateRow, Lane, QueueRow, fate_key, prefix_end, queue_place, site_prefix,
};
use crate::sieve::SieveLook;
use crate::snapshot::AdmittedFile;
use crate::{
    CutCause, Found, FrontierError, RunList, SieveError, SieveKey, SiteId, SlotSnapshot,
    StoredSite, read_admitted,
};

/// Where a URL waits.
#[derive(Clone, Debug, PartialEq)]
pub enum Waits {
    /// In its site's queue.
    Queue(QueuedAt),
    /// Cut by a budget of its site, restorable; by which, where the row says so.
    Cold(QueuedAt, Option<CutCause>),
    /// Let through by the sieve, on the way to the queue.
    Admitted(Found),
    /// Behind more rows of its site than are looked through.
    Beyond,
}

/// A queued URL's place.
#[derive(Clone, Debug, PartialEq)]
pub struct QueuedAt {
    /// The row.
    pub row: QueueRow,
    /// Lane inside the site.
    pub lane: u8,
    /// Sequence number; for a retry its due time, wall microseconds.
    pub order: u64,
    /// Rows of the site before it.
    pub ahead: u64,
}

/// What a look found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UrlLooked {
    /// The sieve let it through.
    pub seen: bool,
    /// Where it waits.
    pub waits: Option<Waits>,
    /// What became of it at its last attempt.
    pub fate: Option<FateRow>,
}

/// A look for one URL, and the row of its site. Blocking: run it on the read helper.
pub struct UrlLook {
    store: Arc<dyn Store>,
    disk: Arc<dyn Disk>,
    sieve_dir: PathBuf,
    sieve: SieveLook,
    admitted: Vec<AdmittedFile>,
    crawl: CrawlKey,
}

impl Frontier {
    /// What a look into this slot needs; it goes on while the slot works.
    #[must_use]
    pub fn look(&self) -> UrlLook {
        UrlLook {
            store: Arc::clone(&self.store),
            disk: Arc::clone(&self.setup.disk),
            sieve_dir: self.setup.sieve_dir.clone(),
            sieve: self.sieve.look(),
            admitted: self.snapshot.admitted.clone(),
            crawl: self.setup.key,
        }
    }

    /// Whether a URL of this site was offered to the sieve and waits for the next merge.
    #[must_use]
    pub fn is_offered(&self, key: SieveKey) -> bool {
        self.sieve.is_offered(key)
    }

    /// Whether this URL of a site is out on the site's visit.
    #[must_use]
    pub fn is_in_hand(&self, id: SiteId, fingerprint: Fingerprint) -> bool {
        // One URL of a site is out at a time, and it was taken last.
        let warm = self.sites.warm(id);
        warm.is_some_and(|warm| warm.in_hand > 0 && warm.last_taken == Some(fingerprint))
    }

    /// Whether the site table is at its memory: new sites are not taken.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let max = self.setup.config.memory_max.bytes();
        max > 0 && self.sites.heap_bytes() as u64 >= max
    }
}

impl UrlLook {
    /// A look into a slot that nobody works on. Blocking.
    ///
    /// # Errors
    /// When store or sieve cannot be read.
    pub fn open(
        store: Arc<dyn Store>,
        disk: Arc<dyn Disk>,
        sieve_dir: PathBuf,
        crawl: CrawlKey,
    ) -> Result<UrlLook, FrontierError> {
        let snapshot = SlotSnapshot::read(store.as_ref())?.unwrap_or_default();
        let runs = RunList::read(store.as_ref())?;
        Ok(UrlLook {
            sieve: SieveLook::open(disk.as_ref(), &sieve_dir, &runs)?,
            admitted: snapshot.admitted,
            store,
            disk,
            sieve_dir,
            crawl,
        })
    }

    /// The slot's store.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// The key of a site in this crawl.
    #[must_use]
    pub fn site_key(&self, site: &Site) -> SiteKey {
        SiteKey::of(&self.crawl, site)
    }

    /// What is stored of a site.
    ///
    /// # Errors
    /// When the store fails or a row cannot be read.
    pub fn site(&self, site: &Site) -> Result<Option<StoredSite>, FrontierError> {
        let key = self.site_key(site);
        let row = self.store.get(Keyspace::Sites, &key.to_bytes())?;
        row.map(|value| stored_site(self.store.as_ref(), key, &value))
            .transpose()
    }

    /// Looks. Cost: a block of each run, and the rows of the site before the URL, at most `ASK_ROWS_MAX`.
    ///
    /// # Errors
    /// When store or files cannot be read.
    pub fn run(&self, key: SieveKey, site: &Site) -> Result<UrlLooked, FrontierError> {
        let of_site = self.site_key(site);
        let fate = fate_key(of_site, key.fingerprint);
        let fate = self.store.get(Keyspace::Fates, &fate)?;
        let fate = fate.map(|row| FateRow::decode(&row)).transpose()?;
        let seen = fate.is_some() || self.sieve.holds(key)?;
        let waits = if seen {
            self.waits(key, of_site, fate.is_some())?
        } else {
            None
        };
        Ok(UrlLooked { seen, waits, fate })
    }

    fn waits(
        &self,
        key: SieveKey,
        site: SiteKey,
        fated: bool,
    ) -> Result<Option<Waits>, FrontierError> {
        // What has a fate is hardly ever queued again, and then it is tried soon: the front of the queue will do.
        let rows_max = if fated { ASK_ROWS as u64 } else { ASK_ROWS_MAX };
        let queue = self.rows(Keyspace::Queue, key, site, rows_max)?;
        if let Place::Found(at, _) = queue {
            return Ok(Some(Waits::Queue(at)));
        }
        if fated {
            return Ok(None);
        }
        let cold = self.rows(Keyspace::Cold, key, site, rows_max)?;
        if let Place::Found(at, cause) = cold {
            return Ok(Some(Waits::Cold(at, cause)));
        }
        if let Some(found) = self.admitted(key)? {
            return Ok(Some(Waits::Admitted(found)));
        }
        let cut = matches!(queue, Place::Beyond) || matches!(cold, Place::Beyond);
        Ok(cut.then_some(Waits::Beyond))
    }

    fn rows(
        &self,
        keyspace: Keyspace,
        key: SieveKey,
        site: SiteKey,
        rows_max: u64,
    ) -> Result<Place, FrontierError> {
        let prefix = site_prefix(site);
        let end = prefix_end(&prefix);
        let rows = Rows::between(self.store.as_ref(), keyspace, prefix, end);
        for (ahead, row) in (0..).zip(rows) {
            if ahead == rows_max {
                return Ok(Place::Beyond);
            }
            let (row_key, value) = row?;
            let row = QueueRow::decode(&self.crawl, &value)?;
            if row.fingerprint == key.fingerprint {
                let (lane, order) = queue_place(&row_key);
                let at = QueuedAt {
                    row,
                    lane: lane.number(),
                    order,
                    ahead,
                };
                let cause = match keyspace {
                    Keyspace::Cold => ColdRow::split(&value)?.1,
                    _ => None,
                };
                return Ok(Place::Found(at, cause));
            }
        }
        Ok(Place::None)
    }

    /// The rows of admitted files that are not drained.
    fn admitted(&self, key: SieveKey) -> Result<Option<Found>, FrontierError> {
        for file in &self.admitted {
            let mut from = file.offset;
            let mut looked = 0;
            while looked < ASK_ROWS_MAX {
                let (disk, dir) = (self.disk.as_ref(), &self.sieve_dir);
                let read = match read_admitted(disk, dir, file.id, from, ASK_ROWS) {
                    // It was drained and removed since this look began.
                    Err(SieveError::Missing { .. }) => break,
                    read => read?,
                };
                looked += read.rows.len() as u64;
                if let Some((_, found)) = read.rows.into_iter().find(|(row, _)| *row == key) {
                    return Ok(Some(found));
                }
                if read.end {
                    break;
                }
                from = read.next;
            }
        }
        Ok(None)
    }
}

enum Place {
    Found(QueuedAt, Option<CutCause>),
    None,
    Beyond,
}

impl Waits {
    /// How the URL was found, where a row says so.
    #[must_use]
    pub fn found(&self) -> Option<&Found> {
        match self {
            Waits::Queue(at) | Waits::Cold(at, _) => Some(&at.row.found),
            Waits::Admitted(found) => Some(found),
            Waits::Beyond => None,
        }
    }

    /// Whether it is one that is tried again.
    #[must_use]
    pub fn due(&self) -> Option<u64> {
        match self {
            Waits::Queue(at) if at.lane == Lane::RETRY.number() => Some(at.order),
            _ => None,
        }
    }
}
