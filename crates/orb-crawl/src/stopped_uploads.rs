//! Uploads of a crawl that is not running, and the way back.
//!
//! In: the folder, under its lock. Out: every segment, the last ones of the slots included, with its index in the store;
//! or segments back in a folder. May touch: the folder, the store; blocking. Must not touch: rows of the state.
//! Invariant: nothing beyond a committed length is uploaded: what lies there is cut first, as the next opening would.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::{Either, select};
use orb_api::CrawlDir;
use orb_archive::{ArchiveError, ArchiveFile};
use orb_env::Disk;
use orb_objects::{Arrived, Ledger, Place, UploadError};

use crate::bringing::{Bringer, Brought};
use crate::config::ArchiveConfig;
use crate::files::{FileEnds, cut_segments};
use crate::identity::CrawlIdentity;
use crate::index::{index_place, index_warc, segments};
use crate::limits::STOPPED_STORE_BYTES;
use crate::{CrawlError, World};

/// How often progress is told while a file is on its way.
const TELL_EVERY: Duration = Duration::from_millis(200);

/// What an upload of a stopped crawl did.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct UploadSum {
    /// WARC files that arrived now.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// WARC files of the folder that had arrived before, looked at again.
    pub before: u64,
    /// Bytes sent, indexes included.
    pub sent_bytes: u64,
    /// Bytes that an interrupted upload had brought already.
    pub spared_bytes: u64,
}

/// A stopped crawl's segments, on their way to a store. The caller holds the folder's lock.
pub struct StoppedUploads {
    world: Arc<dyn World>,
    dir: CrawlDir,
    bringer: Bringer,
    index: bool,
    names: Vec<(String, u64)>,
}

impl StoppedUploads {
    /// Cuts what was not committed, and lists what there is to upload to the store of `config`.
    ///
    /// # Errors
    /// No crawl, no store in the settings, what disk and store say.
    pub fn open(
        world: Arc<dyn World>,
        dir: CrawlDir,
        config: &ArchiveConfig,
        place: &Place,
    ) -> Result<StoppedUploads, CrawlError> {
        let disk = world.disk();
        let identity =
            CrawlIdentity::read(disk.as_ref(), &dir)?.ok_or_else(|| CrawlError::NoCrawl {
                dir: dir.root().to_path_buf(),
            })?;
        let mut bringer = Bringer::open(world.objects(place)?, Arc::clone(&disk), &dir, config)?;
        bringer.thorough = true;
        let mut names = Vec::new();
        for slot in identity.slot_map()?.slot_ids() {
            let store = world.stores(STOPPED_STORE_BYTES).open(&dir.store(slot));
            let store = store.map_err(|source| CrawlError::Store { slot, source })?;
            let ends = FileEnds::read(store.as_ref(), slot)?;
            cut_segments(disk.as_ref(), &dir, slot, &ends)?;
            for name in segments(disk.as_ref(), &dir, slot)? {
                let path = dir.warc().join(&name);
                let bytes = disk.read(&path).and_then(|file| file.bytes());
                let bytes = bytes.map_err(CrawlError::file("read", &path))?;
                names.push((name, bytes));
            }
        }
        Ok(StoppedUploads {
            world,
            dir,
            bringer,
            index: config.index,
            names,
        })
    }

    /// Names and bytes of the WARC files here.
    #[must_use]
    pub fn files(&self) -> &[(String, u64)] {
        &self.names
    }

    /// Uploads them. `progress` hears of the bytes done of all of them, about five times a second.
    ///
    /// # Errors
    /// The first file that did not arrive; what arrived before it has arrived.
    pub fn run(mut self, progress: &mut dyn FnMut(u64)) -> Result<UploadSum, CrawlError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(CrawlError::file("start uploads of", self.dir.root()))?;
        let disk = self.world.disk();
        let clock = self.world.clock();
        let meter = self.bringer.uploader().meter();
        let moved = || {
            let sent = meter.sent_bytes.load(Ordering::Relaxed);
            sent + meter.spared_bytes.load(Ordering::Relaxed)
        };
        let (mut sum, mut done) = (UploadSum::default(), 0);
        for (name, bytes) in &self.names {
            if self.index {
                make_index(&disk, &self.dir, name)?;
            }
            let before = moved();
            let mut work = std::pin::pin!(self.bringer.bring(name));
            let brought = runtime.block_on(async {
                loop {
                    let tick = clock.sleep_until(clock.mono().plus(TELL_EVERY));
                    match select(work.as_mut(), tick).await {
                        Either::Left((brought, _)) => return brought,
                        Either::Right(_) => progress(done + (moved() - before).min(*bytes)),
                    }
                }
            })?;
            done += bytes;
            progress(done);
            match brought {
                Brought::Now(bytes) => {
                    sum.files += 1;
                    sum.bytes += bytes;
                }
                Brought::Before => sum.before += 1,
            }
        }
        sum.sent_bytes = meter.sent_bytes.load(Ordering::Relaxed);
        sum.spared_bytes = meter.spared_bytes.load(Ordering::Relaxed);
        Ok(sum)
    }
}

/// Makes the index of a segment, unless it is there.
fn make_index(disk: &Arc<dyn Disk>, dir: &CrawlDir, name: &str) -> Result<(), CrawlError> {
    let place = index_place(dir);
    if place.is_complete(disk.as_ref(), name) {
        return Ok(());
    }
    let path = dir.warc().join(name);
    let bytes = disk.read(&path).and_then(|file| file.bytes());
    let file = ArchiveFile {
        bytes: bytes.map_err(CrawlError::file("read", &path))?,
        name: name.to_owned(),
        path: path.clone(),
    };
    let made = index_warc(disk, &file, &place, &mut |_| {});
    made.map(drop).map_err(|error| match error {
        crate::IndexError::Dataset(source) => CrawlError::Index { source },
        crate::IndexError::Archive(
            ArchiveError::Read { source, .. } | ArchiveError::Write { source, .. },
        ) => CrawlError::file("index", &path)(source),
        other => CrawlError::file("index", &path)(std::io::Error::other(other)),
    })
}

/// The segments of a crawl that are in an object store and not in its folder: by name.
///
/// # Errors
/// A ledger that cannot be read.
pub fn segments_away(
    disk: &dyn Disk,
    dir: &CrawlDir,
) -> Result<BTreeMap<String, Arrived>, UploadError> {
    let known = Ledger::look(disk, &dir.uploads())?;
    let mut away = BTreeMap::new();
    for (object, arrived) in known.arrived {
        let Some(name) = object.strip_prefix("warc/") else {
            continue;
        };
        if disk.read(&dir.warc().join(name)).is_err() {
            away.insert(name.to_owned(), arrived);
        }
    }
    Ok(away)
}

/// Brings segments back from where they lie into `folder`. `progress` hears of the bytes of all of them.
///
/// # Errors
/// What the stores and the disk say; an object that is not what went there.
pub fn fetch_segments(
    world: &dyn World,
    away: &BTreeMap<String, Arrived>,
    folder: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<u64, CrawlError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(CrawlError::file("fetch into", folder))?;
    let disk = world.disk();
    let mut done = 0;
    for (name, arrived) in away {
        let place = arrived.to.parse::<Place>();
        let place = place.map_err(|error| UploadError::Setup {
            to: arrived.to.clone(),
            detail: error.to_string(),
        })?;
        let store = world.objects(&place)?;
        let to = folder.join(name);
        let object = crate::bringing::object_of(name);
        let mut told = |bytes| progress(done + bytes);
        let fetch = store.fetch(&object, arrived, &to, disk.as_ref(), &mut told);
        runtime.block_on(fetch)?;
        done += arrived.bytes;
    }
    Ok(done)
}
