//! Earlier archives that revisits may refer to, by the operator's wish (`archive.revisits_of`).
//!
//! In: their indexes, addresses. Out: payloads an address had there, and the records that hold them.
//! May touch: the disk, for reading, blocking. Must not touch: anything of this crawl.
//! Invariant: where the record lies beside its index, it is believed, not the index; what cannot be read ends no crawl,
//! the page is archived whole.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use orb_api::CrawlDir;
use orb_archive::{ArchiveError, ArchiveFile, head_at};
use orb_dataset::{DatasetError, EarlierCapture, EarlierIndexes};
use orb_env::{Disk, Wall};
use orb_url::CrawlUrl;
use orb_warc::{Digest, RecordType};

use crate::archive::Original;
use crate::{ConfigError, CrawlError};

/// A payload that an earlier archive holds.
#[derive(Clone, Debug)]
pub(crate) struct Payload {
    pub(crate) digest: Digest,
    pub(crate) original: Original,
}

/// See the module. Shared by the shards.
pub(crate) struct Earlier {
    disk: Arc<dyn Disk>,
    indexes: EarlierIndexes,
    /// Trouble is told once a run: an archive that went away says the same of every page.
    told: AtomicBool,
}

/// Why an earlier archive could not be asked.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error(transparent)]
    Index(#[from] DatasetError),
    #[error(transparent)]
    Record(#[from] ArchiveError),
}

impl Earlier {
    /// Opens the indexes, if the settings name any.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        paths: &[PathBuf],
        dir: &CrawlDir,
    ) -> Result<Option<Arc<Earlier>>, CrawlError> {
        if paths.is_empty() {
            return Ok(None);
        }
        let paths = absolute(paths)?;
        let own = absolute(&[dir.root().to_path_buf()])?;
        if paths.iter().any(|path| own.contains(path)) {
            return Err(CrawlError::Config(ConfigError {
                key: "archive.revisits_of",
                problem: "names the crawl's own folder: what that holds is referred to anyway"
                    .to_owned(),
            }));
        }
        let indexes = EarlierIndexes::open(disk.as_ref(), &paths)
            .map_err(|source| CrawlError::Earlier { source })?;
        tracing::info!(
            files = indexes.len(),
            "revisits may refer to earlier archives"
        );
        Ok(Some(Arc::new(Earlier {
            disk,
            indexes,
            told: AtomicBool::new(false),
        })))
    }

    /// The payloads that `url` had, the newest last. Blocking.
    pub(crate) fn payloads(&self, url: &CrawlUrl) -> Vec<Payload> {
        let ask = || -> Result<Vec<Payload>, AskError> {
            let mut payloads = Vec::new();
            for capture in self.indexes.captures(self.disk.as_ref(), url)? {
                payloads.extend(self.payload(capture)?);
            }
            Ok(payloads)
        };
        ask().unwrap_or_else(|error| {
            if !self.told.swap(true, Ordering::Relaxed) {
                let error = orb_api::with_causes(&error);
                tracing::warn!(
                    error,
                    "an earlier archive could not be asked: pages are archived whole"
                );
            }
            Vec::new()
        })
    }

    /// By the record where that can be read: only it knows its id and the moment; else by what the index says.
    fn payload(&self, capture: EarlierCapture) -> Result<Option<Payload>, AskError> {
        let by_index = |url: String| Payload {
            digest: capture.digest,
            original: Original {
                id: None,
                uri: url,
                at: Wall(capture.at_us),
            },
        };
        let Some((path, offset)) = capture.place else {
            return Ok(Some(by_index(capture.url)));
        };
        // Its WARC file may have gone where there is more room; the index stands for it.
        let Ok(file) = self.disk.read(&path) else {
            return Ok(Some(by_index(capture.url)));
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let file = ArchiveFile {
            name: name.into_owned(),
            bytes: file.bytes().map_err(ArchiveError::read(&path))?,
            path,
        };
        let record = head_at(self.disk.as_ref(), &file, offset)?;
        Ok(record.and_then(|record| {
            let same = record.record_type() == RecordType::Response
                && record.target_uri() == Some(capture.url.as_str())
                && record.payload_digest() == Some(capture.digest);
            let original = Original {
                id: record.id(),
                uri: capture.url,
                at: Wall(record.date_us()?),
            };
            same.then_some(Payload {
                digest: capture.digest,
                original,
            })
        }))
    }
}

/// As they are found from any folder.
pub(crate) fn absolute(paths: &[PathBuf]) -> Result<Vec<PathBuf>, CrawlError> {
    let each = paths
        .iter()
        .map(|path| std::path::absolute(path).map_err(CrawlError::file("find", path)));
    each.collect()
}
