//! Windows: the few URLs of due sites that are in memory, read by a helper.
//!
//! In: which sites, which keys are out already. Out: rows in lane order, retries that are due first.
//! May touch: the store, on the read helper. Must not touch: the site table.
//! Invariant: reads are bounded by the number of sites and the window's size.

use std::sync::Arc;

use orb_env::Wall;
use orb_store::{Keyspace, Store};

use crate::limits::WINDOW_ROWS;
use crate::rows::prefix_end;
use crate::{FrontierError, QueueRow, Queued, SiteId};

pub(crate) struct LoadItem {
    pub(crate) id: SiteId,
    pub(crate) prefix: Vec<u8>,
    pub(crate) taken: Vec<Vec<u8>>,
}

/// Reads the windows of some sites. Blocking: run it on the read helper.
pub struct LoadJob {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) items: Vec<LoadItem>,
    pub(crate) now: Wall,
}

pub(crate) struct LoadedSite {
    pub(crate) id: SiteId,
    pub(crate) rows: Vec<Queued>,
    /// Due time of the first retry that is not due yet.
    pub(crate) retry_at: Option<Wall>,
}

/// What a [`LoadJob`] read.
pub struct Loaded(pub(crate) Vec<LoadedSite>);

impl LoadJob {
    /// Reads. Cost: two short range reads a site.
    ///
    /// # Errors
    /// When the store fails, or a row cannot be read.
    pub fn run(self) -> Result<Loaded, FrontierError> {
        let LoadJob { store, items, now } = self;
        let mut sites = Vec::with_capacity(items.len());
        for item in items {
            sites.push(load_site(store.as_ref(), item, now)?);
        }
        Ok(Loaded(sites))
    }
}

fn load_site(store: &dyn Store, item: LoadItem, now: Wall) -> Result<LoadedSite, FrontierError> {
    let LoadItem { id, prefix, taken } = item;
    let limit = WINDOW_ROWS + taken.len();
    let mut rows = Vec::new();
    let mut take = |key: Vec<u8>, value: Vec<u8>| -> Result<(), FrontierError> {
        if rows.len() < WINDOW_ROWS && !taken.contains(&key) {
            let row = QueueRow::decode(&value)?;
            rows.push(Queued { key, row });
        }
        Ok(())
    };
    let lane = |lane: u8| [&prefix[..], &[lane]].concat();
    let mut retry_at = None;
    let (retries, fresh) = (lane(0), lane(1));
    for (key, value) in store.range(Keyspace::Queue, &retries, Some(&fresh), limit)? {
        let due = due_of(&key, prefix.len());
        if due > now {
            retry_at = Some(due);
            break;
        }
        take(key, value)?;
    }
    let end = prefix_end(&prefix);
    for (key, value) in store.range(Keyspace::Queue, &fresh, end.as_deref(), limit)? {
        take(key, value)?;
    }
    Ok(LoadedSite { id, rows, retry_at })
}

fn due_of(key: &[u8], prefix_len: usize) -> Wall {
    let order = key
        .get(prefix_len + 1..)
        .and_then(|rest| rest.first_chunk())
        .copied()
        .unwrap_or_default();
    Wall(i64::try_from(u64::from_be_bytes(order)).unwrap_or(i64::MAX))
}
