//! One closed segment's way out of the folder: its index and itself to the object store, then its local copy goes.
//!
//! In: a segment that is whole. Out: objects `warc/NAME` and `index/…`, proven; room here.
//! May touch: the store, the ledger, the folder. Must not touch: a segment that is still written to.
//! Invariant: the index arrives first, so that a segment that arrived has its index there; the local copy goes only after
//! the ledger says, durably, that the segment arrived, and only if it is no longer than what arrived.

use std::io;
use std::path::Path;
use std::sync::Arc;

use orb_api::CrawlDir;
use orb_dataset::{IndexPlace, Subset};
use orb_env::Disk;
use orb_objects::{Ledger, Source, Store, UploadError, Uploader, Verify};

use crate::config::{ArchiveConfig, StoreVerify};
use crate::index::index_place;

/// Where a crawl's segments go to, and whether they stay.
pub(crate) struct Bringer {
    uploader: Uploader,
    disk: Arc<dyn Disk>,
    dir: CrawlDir,
    place: IndexPlace,
    keep_local: bool,
    /// Whether what arrived before is looked at again: an index may have been made anew.
    pub(crate) thorough: bool,
}

/// What came of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Brought {
    /// It arrived now; its bytes.
    Now(u64),
    /// It had arrived before, or is not here.
    Before,
}

/// The name of a segment's object.
pub(crate) fn object_of(name: &str) -> String {
    format!("warc/{name}")
}

impl Bringer {
    /// # Errors
    /// A ledger that cannot be read.
    pub(crate) fn open(
        store: Store,
        disk: Arc<dyn Disk>,
        dir: &CrawlDir,
        config: &ArchiveConfig,
    ) -> Result<Bringer, UploadError> {
        let ledger = Ledger::open(Arc::clone(&disk), &dir.uploads())?;
        let verify = match config.store_verify {
            StoreVerify::Checksum => Verify::Checksum,
            StoreVerify::ReadBack => Verify::ReadBack,
        };
        let part_bytes = config.store_part_bytes.bytes();
        Ok(Bringer {
            uploader: Uploader::new(store, ledger, Arc::clone(&disk), part_bytes, verify),
            place: index_place(dir),
            dir: dir.clone(),
            disk,
            keep_local: config.store_keep_local,
            thorough: false,
        })
    }

    pub(crate) fn uploader(&self) -> &Uploader {
        &self.uploader
    }

    /// Brings one segment. It may be dropped at any point and called again.
    pub(crate) async fn bring(&mut self, name: &str) -> Result<Brought, UploadError> {
        let object = object_of(name);
        let arrived = self.uploader.has_arrived(&object);
        let path = self.dir.warc().join(name);
        let Some(bytes) = self.bytes(&path)? else {
            return Ok(Brought::Before);
        };
        if self.thorough || !arrived {
            for source in self.index_files(name)? {
                self.uploader.upload(&source).await?;
            }
        }
        let source = Source {
            path,
            bytes,
            object,
            may_replace: false,
        };
        self.uploader.upload(&source).await?;
        if !self.keep_local {
            let warc = self.dir.warc();
            let removed = self.disk.remove(&source.path);
            let removed = removed.and_then(|()| self.disk.sync_dir(&warc));
            removed.map_err(failed(&source.path))?;
        }
        Ok(if arrived {
            Brought::Before
        } else {
            Brought::Now(bytes)
        })
    }

    /// The index files of a segment that there are.
    fn index_files(&self, name: &str) -> Result<Vec<Source>, UploadError> {
        let tables = Subset::ALL.map(|subset| self.place.table_of(name, subset));
        let mut sources = Vec::new();
        // The CDXJ last, as here: where it is, the index is complete.
        for path in tables.into_iter().chain([self.place.cdxj_of(name)]) {
            let Some(bytes) = self.bytes(&path)? else {
                continue;
            };
            let inside = path.strip_prefix(self.dir.root()).unwrap_or(&path);
            sources.push(Source {
                object: inside.to_string_lossy().into_owned(),
                path,
                bytes,
                may_replace: true,
            });
        }
        Ok(sources)
    }

    /// Length of a file; `None` when it is not there.
    fn bytes(&self, path: &Path) -> Result<Option<u64>, UploadError> {
        match self.disk.read(path).and_then(|file| file.bytes()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            bytes => Ok(Some(bytes.map_err(failed(path))?)),
        }
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> UploadError + use<> {
    let path = path.to_path_buf();
    move |source| UploadError::Read { path, source }
}
