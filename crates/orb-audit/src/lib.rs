//! `orb audit`: judges a crawl's promises from what it left on disk.
//!
//! In: a crawl's folder through [`orb_env::Disk`], the settings it ran under, and its state through [`StateReader`].
//! Out: a [`Report`] with one verdict for each promise, counted evidence, and the first violations by name.
//! May touch: the disk, for reading. Must not touch: the engine's counters, sockets, clocks.
//! Invariant: nothing is believed that can be counted, recomputed or parsed again; what cannot be seen is `unknown`.
//!
//! | verdict | judged from | module |
//! |---|---|---|
//! | `politeness_site` | attempt rows, settings, archived robots.txt | `site_pauses` |
//! | `politeness_address` | attempt rows, settings | `address_pauses` |
//! | `robots` | attempt rows, archived robots.txt | `robots` |
//! | `exclusions` | attempt rows, the book of orders | `exclusions` |
//! | `one_record_per_fetch` | attempt rows, archive, committed lengths | `records`, `archive` |
//! | `digests` | archive, attempt rows | `digests` |
//! | `revisits` | archive | `revisits` |
//! | `books` | state, archive, commit rows | `books`, `stored_state` |
//! | `frame` | the files themselves | `frame`, `rows` |
//!
//! Rows of undone groups are requests all the same: they count for politeness and robots, not for records.
//! Cost: one pass over the rows and one over the archive, which is read record by record. Memory: about 500 bytes for
//! each attempt, all told, and one record; a crawl of a million requests takes half a gigabyte.

mod address_pauses;
mod archive;
mod books;
mod digests;
mod disk_read;
mod error;
mod exclusions;
mod frame;
pub mod limits;
mod names;
mod records;
mod report;
mod revisits;
mod robots;
mod robots_copy;
mod row;
mod rows;
mod settings;
mod site_pauses;
mod state;
mod stored_state;

use std::collections::{BTreeMap, BTreeSet};

use orb_api::CrawlDir;
use orb_env::Disk;
use orb_robots::ProductToken;
use orb_shard::SlotId;

use archive::{Archive, Found};
use digests::DigestCheckup;
use records::RecordCheck;
use report::Case;
use revisits::RevisitCheck;
use robots_copy::Copies;

pub use error::{AuditError, StateError};
pub use report::{Judgement, Promise, Report, Seat, Verdict, Violation, verdict_names};
pub use settings::{AuditSettings, FolderMode, RunSettings};
pub use state::{ArchiveEnd, Fate, StateReader, StoredSlot, UrlKey, Waiting};
pub use stored_state::StoredState;

/// How far an audit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being read: `rows`, `archive`, `robots` or `books`.
    pub stage: &'static str,
    /// Bytes read of it; 0 where they are not counted.
    pub bytes_done: u64,
    /// Bytes in all; 0 where they are not counted.
    pub bytes_total: u64,
}

impl Progress {
    fn stage(stage: &'static str) -> Progress {
        Progress {
            stage,
            bytes_done: 0,
            bytes_total: 0,
        }
    }
}

/// Judges the crawl in `dir`. Nobody may be working on it.
///
/// - `state`: what the stores say; without it `books` is unknown, and committed lengths are guessed from the commit rows.
/// - `progress`: told what is being read, often.
/// - Cost: see the crate.
///
/// # Errors
/// Only when something cannot be read at all. What is wrong with the crawl is in the report.
pub fn audit(
    disk: &dyn Disk,
    dir: &CrawlDir,
    settings: &AuditSettings,
    state: Option<&dyn StateReader>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, AuditError> {
    let token = ProductToken::new(&settings.product_token)?;
    let stored = stored_slots(state)?;
    let slots = slots(disk, dir, &stored)?;
    let mut frame = Case::new(Promise::Frame);
    let mut records = Case::new(Promise::OneRecordPerFetch);

    progress(Progress::stage("rows"));
    let rows = rows::read(
        disk,
        dir,
        &slots,
        &stored,
        settings.awaiting_recovery,
        &mut frame,
        &mut records,
    )?;
    frame::judge(disk, dir, settings, &rows, &mut frame)?;

    let archive = Archive::list(disk, dir, settings, &stored, &mut records)?;
    let mut records = RecordCheck::new(&rows, records, settings);
    let mut digests = DigestCheckup::new(&rows);
    let mut revisits = RevisitCheck::new(disk, &settings.revisits_of);
    archive.for_each(disk, dir, progress, |number, found| {
        let segment = &archive.segments[number];
        match found {
            Found::Record(record) => {
                records.record(number, segment, record);
                digests.record(segment, record);
                revisits.record(segment, record);
            }
            Found::Damage(damage) => records.damage(segment, damage),
        }
    })?;
    let (records, places) = records.finish(&archive.segments);

    progress(Progress::stage("robots"));
    let copies = Copies {
        disk,
        dir,
        archive: &archive,
        places: &places,
        rows: &rows,
    };
    let (robots, delays) = robots::judge(&rows, &copies, &token)?;
    let sites = site_pauses::judge(&rows, settings, &delays);
    let addresses = address_pauses::judge(&rows, settings);
    let exclusions = exclusions::judge(disk, dir, &rows)?;

    progress(Progress::stage("books"));
    let books = books::judge(state, &rows, &archive.segments, &places, settings)?;
    let cases = [
        sites,
        addresses,
        robots,
        exclusions,
        records,
        digests.finish(),
        revisits.finish(),
        books,
        frame,
    ];
    Ok(Report {
        verdicts: cases.into_iter().map(Case::verdict).collect(),
    })
}

fn stored_slots(
    state: Option<&dyn StateReader>,
) -> Result<BTreeMap<SlotId, StoredSlot>, AuditError> {
    let Some(state) = state else {
        return Ok(BTreeMap::new());
    };
    let read = |slot| Ok((slot, state.stored(slot).map_err(AuditError::state(slot))?));
    (0..state.slots()).map(SlotId).map(read).collect()
}

/// Every slot that the state knows or that left a file.
fn slots(
    disk: &dyn Disk,
    dir: &CrawlDir,
    stored: &BTreeMap<SlotId, StoredSlot>,
) -> Result<BTreeSet<SlotId>, AuditError> {
    let mut slots: BTreeSet<SlotId> = stored.keys().copied().collect();
    slots.extend(Archive::slots(disk, dir)?);
    for folder in [dir.attempts(), dir.commits()] {
        for entry in disk.list(&folder).map_err(AuditError::disk(&folder))? {
            let number = entry
                .name
                .strip_prefix("slot-")
                .and_then(|rest| rest.strip_suffix(".jsonl"));
            slots.extend(number.and_then(|number| number.parse().ok()).map(SlotId));
        }
    }
    Ok(slots)
}
