//! Windows: the few URLs of due sites that are in memory, read by a helper.
//!
//! In: which sites, which keys are out already. Out: rows in lane order, retries that are due first; with them the
//! stored rows of sites that were not in memory.
//! May touch: the store, on the read helper. Must not touch: the site table.
//! Invariant: reads are bounded by the number of sites and the window's size.

use std::sync::Arc;

use orb_env::{Mono, Wall};
use orb_shard::SiteKey;
use orb_store::{Keyspace, Row, Store};
use orb_url::{CrawlKey, Site};

use crate::claims::claimed;
use crate::limits::PREFETCH;
use crate::rests::{Folded, Leaving, Rests, unfold_site};
use crate::rows::{
    FateRow, LANES, Lane, fate_key, lane_start, prefix_end, queue_key, queue_place, site_prefix,
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
    /// When it is due, if it rests under that time.
    pub(crate) rest: Option<Mono>,
    /// Lanes that may hold rows.
    pub(crate) lanes: u32,
    /// Whether it matters what sitemaps say of pages that were fetched before.
    pub(crate) claims: bool,
    /// Rows wanted; none of a parked site, whose errands alone count.
    pub(crate) rows_max: usize,
}

/// Reads the windows of some sites. Blocking: run it on the read helper.
pub struct LoadJob {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) crawl: CrawlKey,
    pub(crate) items: Vec<LoadItem>,
    pub(crate) now: Wall,
    pub(crate) rests: Rests,
    pub(crate) leaving: Leaving,
}

pub(crate) struct LoadedSite {
    pub(crate) id: SiteId,
    /// The row of a site that was cold; none when it has none and nobody told its name.
    pub(crate) row: Option<SiteRow>,
    pub(crate) rows: Vec<Queued>,
    /// Rows that follow, as they are stored.
    pub(crate) folded: Folded,
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
            rests,
            leaving,
        } = self;
        rests.put(leaving);
        let mut sites = Vec::with_capacity(items.len());
        for item in items {
            let rest = item.rest.and_then(|due| rests.take(item.id, due));
            let rested = rest.and_then(|rest| unrested(item.id, &rest));
            sites.push(match rested {
                Some(site) => site,
                None => load_site(store.as_ref(), &crawl, item, now)?,
            });
        }
        Ok(Loaded(sites))
    }
}

/// A site as it was when it left memory.
fn unrested(id: SiteId, rest: &[u8]) -> Option<LoadedSite> {
    let (row, folded) = unfold_site(rest)?;
    Some(LoadedSite {
        id,
        row: Some(SiteRow::decode(row).ok()?),
        rows: Vec::new(),
        folded,
        empty: 0,
        retry_at: None,
        not_before: None,
    })
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
        folded: Folded::default(),
        empty: 0,
        retry_at: None,
        not_before: None,
    };
    let is_cold = matches!(item.held, Held::Cold(_));
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
        folded: is_cold.then_some(&mut site.folded),
        claims: item.claims,
        count: 0,
        empty: 0,
    };
    let later_than = |until: Wall| {
        move |key: &[u8]| {
            let due = Wall(i64::try_from(queue_place(key).1).unwrap_or(i64::MAX));
            (due > until).then_some(due)
        }
    };
    if retries > 0 && !reader.is_full() {
        site.retry_at = reader.read_retries(later_than(now))?;
    }
    let mut lanes = item.lanes & !Lane::RETRY.bit();
    while lanes != 0 && !reader.is_full() {
        lanes = reader.read_fresh(lanes, &starts)?;
    }
    let soon = now.plus(PREFETCH * 2);
    if let Some(due) = site
        .retry_at
        .filter(|due| reader.count == 0 && *due <= soon)
    {
        // Nothing else is there, and reading it again until then would be all that is done for it.
        reader.read_retries(later_than(due))?;
        site.not_before = Some(due);
    }
    site.empty = reader.empty;
    Ok(site)
}

struct LaneReader<'a> {
    store: &'a dyn Store,
    crawl: &'a CrawlKey,
    key: SiteKey,
    taken: &'a [Vec<u8>],
    rows_max: usize,
    rows: &'a mut Vec<Queued>,
    /// Where rows go that are not needed at once: as they are stored, for most are used on later visits.
    folded: Option<&'a mut Folded>,
    /// Whether it is asked what sitemaps say.
    claims: bool,
    /// Rows read.
    count: usize,
    /// Lanes that were read to their end and held nothing.
    empty: u32,
}

impl LaneReader<'_> {
    fn is_full(&self) -> bool {
        self.count >= self.rows_max
    }

    /// Adds rows that are tried again until there are enough, or `later` tells of one when it is due.
    fn read_retries(
        &mut self,
        later: impl Fn(&[u8]) -> Option<Wall>,
    ) -> Result<Option<Wall>, FrontierError> {
        let start = lane_start(self.key, Lane::RETRY);
        for (key, value) in self.range(start, Lane::RETRY)? {
            if let Some(due) = later(&key) {
                return Ok(Some(due));
            }
            self.add(key, &value, Lane::RETRY)?;
        }
        Ok(None)
    }

    /// Adds rows of the first of `lanes`, and in the same pass of those behind it of which nothing was used yet: there
    /// are no deleted rows to walk over. Returns the lanes that are left.
    fn read_fresh(&mut self, lanes: u32, starts: &LaneStarts) -> Result<u32, FrontierError> {
        let first = Lane(lanes.trailing_zeros() as u8);
        let fresh = |lane: &Lane| *lane != Lane::LAST && starts.of(*lane) == 0;
        let last = (first.0 + 1..LANES).map(Lane).take_while(fresh).last();
        let last = last.unwrap_or(first);
        let through = lanes & (u32::MAX >> (u32::BITS - 1 - u32::from(last.0)));
        let start = queue_key(self.key, first, starts.of(first));
        let mut seen = 0;
        for (key, value) in self.range(start, last)? {
            let (lane, _) = queue_place(&key);
            seen |= lane.bit();
            self.add(key, &value, lane)?;
        }
        if self.taken.is_empty() {
            let behind = u32::BITS - seen.leading_zeros();
            // With enough rows, what lies behind the last of them was not looked at.
            let looked = if self.is_full() {
                through & !(u32::MAX << (behind.max(1) - 1))
            } else {
                through
            };
            self.empty |= looked & !seen;
        }
        Ok(lanes & !through)
    }

    /// Rows from `start` to the end of `last`, as many as are wanted.
    fn range(&self, start: Vec<u8>, last: Lane) -> Result<Vec<Row>, FrontierError> {
        let end = prefix_end(&lane_start(self.key, last));
        let limit = (self.rows_max - self.count).max(1) + self.taken.len();
        let rows = self
            .store
            .range(Keyspace::Queue, &start, end.as_deref(), limit);
        Ok(rows?)
    }

    fn add(&mut self, key: Vec<u8>, value: &[u8], lane: Lane) -> Result<(), FrontierError> {
        if self.is_full() || self.taken.contains(&key) {
            return Ok(());
        }
        self.count += 1;
        let again = lane == Lane::RETRY;
        // A row that cannot be read is told now, not when its turn comes.
        let row = QueueRow::decode(self.crawl, value)?;
        if let Some(folded) = self.folded.as_mut().filter(|_| self.count > 1 && !again) {
            folded.push(&key, value, false);
            return Ok(());
        }
        // One that is fetched again keeps what is known of it through any trouble.
        let known = if again { self.known(&row)? } else { None };
        let claimed = match known {
            Some(_) if self.claims => claimed(self.store, self.key, row.fingerprint)?,
            _ => None,
        };
        self.rows.push(Queued {
            key,
            row,
            known,
            claimed,
            is_weighed: false,
        });
        Ok(())
    }

    /// What became of a page when it was fetched before.
    fn known(&self, row: &QueueRow) -> Result<Option<Box<FateRow>>, FrontierError> {
        let key = fate_key(self.key, row.fingerprint);
        let fate = self.store.get(Keyspace::Fates, &key)?;
        let fate = fate.map(|fate| FateRow::decode(&fate)).transpose()?;
        Ok(fate.map(Box::new))
    }
}
