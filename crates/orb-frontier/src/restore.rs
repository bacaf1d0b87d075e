//! Restoring: URLs that budgets cut come back into the queues of a slot that nobody works on.
//!
//! In: the slot's store, which sites. Out: how many came back; rows, tallies and books moved together.
//! May touch: the store, blocking. Must not touch: a running slot's store, the sieve.
//! Invariant: each batch moves rows, tallies and books at once; stopped between two, the rest can be restored later.

use orb_api::{Reason, UrlState};
use orb_shard::SiteKey;
use orb_store::{Batch, Keyspace, Store};

use crate::rows::{ColdRow, Lane, prefix_end, queue_key, queue_place, site_of_key, site_prefix};
use crate::{FrontierError, SiteRow, SlotSnapshot, Tally};

/// Rows moved in one batch: some hundred kilobytes.
const ROWS_MAX: usize = 1_000;

/// Brings the URLs of a slot's cold log back into its queues, of one site or of all. They are fetched before all
/// others of their site, and no budget judges them again. Returns how many there are; with `dry` nothing is changed.
///
/// Blocking; cost: every row is read, and written once.
///
/// # Errors
/// When the store fails or a row cannot be read.
pub fn restore_cold(
    store: &dyn Store,
    site: Option<SiteKey>,
    dry: bool,
) -> Result<u64, FrontierError> {
    let mut from = site.map(site_prefix).unwrap_or_default();
    let end = site.and_then(|site| prefix_end(&site_prefix(site)));
    let mut restored = 0;
    loop {
        let rows = store.range(Keyspace::Cold, &from, end.as_deref(), ROWS_MAX)?;
        let Some((last, _)) = rows.last() else {
            return Ok(restored);
        };
        from = [last, &[0][..]].concat();
        restored += rows.len() as u64;
        if !dry {
            bring_back(store, rows)?;
        }
    }
}

fn bring_back(store: &dyn Store, rows: Vec<(Vec<u8>, Vec<u8>)>) -> Result<(), FrontierError> {
    let mut batch = Batch::new();
    let mut snapshot = SlotSnapshot::read(store)?.unwrap_or_default();
    let mut at = 0;
    while at < rows.len() {
        let site = site_of_key(&rows[at].0)?;
        let mut count = 0;
        let row = store.get(Keyspace::Sites, &site_prefix(site))?;
        let mut row = row.map(|row| SiteRow::decode(&row)).transpose()?;
        while at < rows.len() && site_of_key(&rows[at].0)? == site {
            let (key, value) = &rows[at];
            let (_, order) = queue_place(key);
            batch.delete(Keyspace::Cold, key.clone());
            batch.put(
                Keyspace::Queue,
                queue_key(site, Lane::WANTED, order),
                ColdRow::split(value)?.0,
            );
            if let Some(row) = &mut row {
                row.starts.reopen(Lane::WANTED, order);
            }
            (count, at) = (count + 1, at + 1);
        }
        let (mut tally, marks) = Tally::read(store, site)?;
        tally.cold = tally.cold.saturating_sub(count);
        tally.queued += count;
        tally.pending += count;
        tally.lanes |= Lane::WANTED.bit();
        snapshot.books.restore(u64::from(count), Reason::Budget);
        if let Some(reason) = tally.parked {
            let books = &mut snapshot.books;
            books.settle(u64::from(count), UrlState::Excluded, reason);
        }
        batch.put(Keyspace::Tallies, site_prefix(site), tally.encode(&marks));
        if let Some(row) = row {
            batch.put(Keyspace::Sites, site_prefix(site), row.encode());
        }
    }
    batch.put(Keyspace::Meta, b"frontier".to_vec(), snapshot.encode());
    store.commit(batch)?;
    Ok(())
}
