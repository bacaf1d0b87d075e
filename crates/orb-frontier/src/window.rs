//! Windows: the few URLs of due sites that are in memory, read by a helper.
//!
//! In: which sites, which keys are out already. Out: rows in lane order, retries that are due first; with them the
//! stored rows of sites that were not in memory.
//! May touch: the store, on the read helper. Must not touch: the site table.
//! Invariant: reads are bounded by the number of sites and the window's size.

use std::sync::Arc;

use orb_env::Wall;
use orb_shard::SiteKey;
use orb_store::{Keyspace, Store};
use orb_url::{CrawlKey, Site};

use crate::limits::PREFETCH;
use crate::rows::{
    FateRow, Lane, fate_key, lane_start, prefix_end, queue_key, queue_place, site_prefix,
};
use crate::site_row::{LaneStarts, SiteRow};
use crate::{FrontierError, QueueRow, Queued, SiteId};

/// What the table knows of a site whose URLs are read.
pub(crate) enum Held {
    /// Its row is in memory.
    Warm {
        /// Keys handed out whose removal may not be stored yet.
        taken: Vec<Vec<u8>>,
        starts: LaneStarts,
        retries: u64,
    },
    /// Its row is read too; the name is there when somebody waits for a site that may have none.
    Cold(Option<Site>),
}

pub(crate) struct LoadItem {
    pub(crate) id: SiteId,
    pub(crate) key: SiteKey,
    pub(crate) held: Held,
    /// Lanes that may hold rows.
    pub(crate) lanes: u32,
    /// Rows wanted; none of a parked site, whose errands alone count.
    pub(crate) rows_max: usize,
}

/// Reads the windows of some sites. Blocking: run it on the read helper.
pub struct LoadJob {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) crawl: CrawlKey,
    pub(crate) items: Vec<LoadItem>,
    pub(crate) now: Wall,
}

pub(crate) struct LoadedSite {
    pub(crate) id: SiteId,
    /// The row of a site that was cold; none when it has none and nobody told its name.
    pub(crate) row: Option<SiteRow>,
    pub(crate) rows: Vec<Queued>,
    /// Lanes that were read to their end and held nothing.
    pub(crate) empty: u32,
    /// Due time of the first retry that is not due yet.
    pub(crate) retry_at: Option<Wall>,
    /// When the rows may be requested, if not at once: they are that retry, which is due soon.
    pub(crate) not_before: Option<Wall>,
}

/// What a [`LoadJob`] read.
pub struct Loaded(pub(crate) Vec<LoadedSite>);

impl LoadJob {
    /// Reads. Cost: of each site its row if it waited, and a short range of a lane or two.
    ///
    /// # Errors
    /// When the store fails, or a row cannot be read.
    pub fn run(self) -> Result<Loaded, FrontierError> {
        let LoadJob {
            store,
            crawl,
            items,
            now,
        } = self;
        let mut sites = Vec::with_capacity(items.len());
        for item in items {
            sites.push(load_site(store.as_ref(), &crawl, item, now)?);
        }
        Ok(Loaded(sites))
    }
}

fn load_site(
    store: &dyn Store,
    crawl: &CrawlKey,
    item: LoadItem,
    now: Wall,
) -> Result<LoadedSite, FrontierError> {
    let mut site = LoadedSite {
        id: item.id,
        row: None,
        rows: Vec::new(),
        empty: 0,
        retry_at: None,
        not_before: None,
    };
    let (taken, starts, retries) = match item.held {
        Held::Warm {
            taken,
            starts,
            retries,
        } => (taken, starts, retries),
        Held::Cold(name) => {
            let stored = store.get(Keyspace::Sites, &site_prefix(item.key))?;
            let row = stored.map(|row| SiteRow::decode(&row)).transpose()?;
            site.row = row.or_else(|| name.map(SiteRow::new));
            let row = site.row.as_ref();
            let starts = row.map(|row| row.starts.clone()).unwrap_or_default();
            (Vec::new(), starts, row.map_or(0, |row| row.retries))
        }
    };
    let mut reader = LaneReader {
        store,
        crawl,
        key: item.key,
        taken: &taken,
        rows_max: item.rows_max,
        rows: &mut site.rows,
    };
    let later_than = |until: Wall| {
        move |key: &[u8]| {
            let due = Wall(i64::try_from(queue_place(key).1).unwrap_or(i64::MAX));
            (due > until).then_some(due)
        }
    };
    if retries > 0 && !reader.is_full() {
        site.retry_at = reader.read(Lane::RETRY, None, later_than(now))?;
    }
    for lane in (1..u32::BITS as u8).map(Lane) {
        if reader.is_full() {
            break;
        }
        if item.lanes & lane.bit() != 0 {
            let before = reader.rows.len();
            let start = queue_key(item.key, lane, starts.of(lane));
            reader.read(lane, Some(start), |_| None::<Wall>)?;
            if reader.rows.len() == before && reader.taken.is_empty() {
                site.empty |= lane.bit();
            }
        }
    }
    let soon = now.plus(PREFETCH * 2);
    if let Some(due) = site
        .retry_at
        .filter(|due| reader.rows.is_empty() && *due <= soon)
    {
        // Nothing else is there, and reading it again until then would be all that is done for it.
        reader.read(Lane::RETRY, None, later_than(due))?;
        site.not_before = Some(due);
    }
    Ok(site)
}

struct LaneReader<'a> {
    store: &'a dyn Store,
    crawl: &'a CrawlKey,
    key: SiteKey,
    taken: &'a [Vec<u8>],
    rows_max: usize,
    rows: &'a mut Vec<Queued>,
}

impl LaneReader<'_> {
    fn is_full(&self) -> bool {
        self.rows.len() >= self.rows_max
    }

    /// Adds rows of a lane until there are enough, or `stop` has something to say of one.
    fn read<T>(
        &mut self,
        lane: Lane,
        start: Option<Vec<u8>>,
        stop: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<Option<T>, FrontierError> {
        let first = lane_start(self.key, lane);
        let end = prefix_end(&first);
        let start = start.unwrap_or(first);
        let limit = (self.rows_max - self.rows.len()).max(1) + self.taken.len();
        let rows = self
            .store
            .range(Keyspace::Queue, &start, end.as_deref(), limit)?;
        for (key, value) in rows {
            if let Some(told) = stop(&key) {
                return Ok(Some(told));
            }
            if !self.is_full() && !self.taken.contains(&key) {
                let row = QueueRow::decode(self.crawl, &value)?;
                // One that is fetched again keeps what is known of it through any trouble.
                let again = lane == Lane::RETRY;
                let known = if again { self.known(&row)? } else { None };
                self.rows.push(Queued {
                    key,
                    row,
                    known,
                    is_weighed: false,
                });
            }
        }
        Ok(None)
    }

    /// What became of a page when it was fetched before.
    fn known(&self, row: &QueueRow) -> Result<Option<Box<FateRow>>, FrontierError> {
        let key = fate_key(self.key, row.fingerprint);
        let fate = self.store.get(Keyspace::Fates, &key)?;
        let fate = fate.map(|fate| FateRow::decode(&fate)).transpose()?;
        Ok(fate.map(Box::new))
    }
}
