//! What a stopped crawl says of itself, read from disk.
//!
//! In: the folder. Out: a status. May touch: the folder, reading only, blocking.
//! Invariant: the books are those of the committed snapshots, summed.

use orb_api::{Books, CrawlDir, Phase, Sightings, Status};
use orb_frontier::SlotSnapshot;

use crate::files::FileEnds;
use crate::identity::CrawlIdentity;
use crate::{CrawlError, World};

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
