//! The dictionary of a crawl's zstd frames: what its records have in common, learnt from the first that were written.
//!
//! In: a closed segment. Out: a dictionary for every segment begun from then on, kept in `state/archive.dict`.
//! May touch: that file and the archive, on a helper. Must not touch: segments that are open.
//! Invariant: each file holds the dictionary that its own frames need, so that losing the kept one loses nothing.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use orb_api::CrawlDir;
use orb_archive::{ArchiveFile, Look, records_of};
use orb_env::{Disk, ReadFile};
use orb_warc::{Dictionary, Record};

use crate::CrawlError;
use crate::config::ArchiveCompression;
use crate::files::SegmentEnd;
use crate::limits::{FIRST_SEGMENT_BYTES, SAMPLE_BYTES_MAX, SAMPLE_EACH_MAX, SAMPLES_MIN};
use crate::shared::Shared;

/// Not known yet, or known, or known that there is none.
#[derive(Debug, Default)]
pub(crate) struct SharedDictionary {
    known: OnceLock<Option<Dictionary>>,
    /// Held while one is made: shards close their first segments at about the same time.
    making: Mutex<()>,
}

impl SharedDictionary {
    /// What an earlier process learnt.
    pub(crate) fn stored(disk: &dyn Disk, dir: &CrawlDir) -> Result<SharedDictionary, CrawlError> {
        let path = kept(dir);
        let known = SharedDictionary::default();
        match disk.read_all(&path) {
            Ok(bytes) => {
                // What is no dictionary any more is learnt again.
                if let Some(dictionary) = Dictionary::of_bytes(bytes) {
                    known.learn(Some(dictionary));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(CrawlError::file("read", &path)(error)),
        }
        Ok(known)
    }

    pub(crate) fn get(&self) -> Option<&Dictionary> {
        self.known.get()?.as_ref()
    }

    /// Whether nothing was learnt yet.
    pub(crate) fn is_awaited(&self) -> bool {
        self.known.get().is_none()
    }

    fn learn(&self, dictionary: Option<Dictionary>) {
        self.known.get_or_init(|| dictionary);
    }
}

fn kept(dir: &CrawlDir) -> PathBuf {
    dir.state().join("archive.dict")
}

/// The dictionary that an open segment begins with: what is appended to it must use that one.
pub(crate) fn of_segment(
    disk: &dyn Disk,
    dir: &CrawlDir,
    end: Option<&SegmentEnd>,
) -> Result<Option<Dictionary>, CrawlError> {
    let Some(end) = end.filter(|end| end.name.ends_with(".zst")) else {
        return Ok(None);
    };
    let path = dir.warc().join(&end.name);
    let file = disk.read(&path).map_err(CrawlError::file("read", &path))?;
    Dictionary::read(&mut Start { file, at: 0 }).map_err(CrawlError::file("read", &path))
}

/// A file from its beginning.
struct Start {
    file: Box<dyn ReadFile>,
    at: u64,
}

impl Read for Start {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read_at(self.at, buf)?;
        self.at += got as u64;
        Ok(got)
    }
}

/// A dictionary to be made of one segment.
pub(crate) struct DictionaryJob {
    shared: Arc<Shared>,
    name: String,
}

impl DictionaryJob {
    /// `None` when nothing is to be learnt.
    pub(crate) fn of(shared: &Arc<Shared>, name: &str) -> Option<DictionaryJob> {
        let wanted = shared.config.archive.compression == ArchiveCompression::Zstd;
        (wanted && shared.dictionary.is_awaited()).then(|| DictionaryJob {
            shared: Arc::clone(shared),
            name: name.to_owned(),
        })
    }

    /// Learns, and keeps what was learnt. Blocking, for about a second.
    pub(crate) fn run(self) {
        let making = self.shared.dictionary.making.lock();
        let _making = making.unwrap_or_else(PoisonError::into_inner);
        if !self.shared.dictionary.is_awaited() {
            return;
        }
        let disk = self.shared.world.disk();
        let path = self.shared.dir.warc().join(&self.name);
        let bytes = disk.read(&path).and_then(|file| file.bytes());
        let file = ArchiveFile {
            name: self.name.clone(),
            bytes: bytes.unwrap_or_default(),
            path,
        };
        let made = self.make(disk.as_ref(), &file);
        if let Some(dictionary) = &made {
            let (id, bytes) = (dictionary.id(), dictionary.as_bytes().len());
            tracing::info!(segment = self.name, id, bytes, "dictionary made");
        } else if file.bytes < FIRST_SEGMENT_BYTES {
            // The operator's segments are small; the next one may have what it takes.
            return;
        } else {
            tracing::warn!(
                segment = self.name,
                "no dictionary can be made of these records"
            );
        }
        self.shared.dictionary.learn(made);
    }

    fn make(&self, disk: &dyn Disk, file: &ArchiveFile) -> Option<Dictionary> {
        let samples = samples(disk, file);
        if samples.len() < SAMPLES_MIN {
            return None;
        }
        let dictionary = Dictionary::train(&samples)?;
        let path = kept(&self.shared.dir);
        if let Err(error) = disk.replace(&path, dictionary.as_bytes()) {
            // It serves this process all the same: each segment holds its own copy.
            tracing::warn!(%error, "dictionary could not be kept");
        }
        Some(dictionary)
    }
}

/// The beginnings of a segment's records, as they stand in it.
fn samples(disk: &dyn Disk, file: &ArchiveFile) -> Vec<Vec<u8>> {
    let mut samples = Vec::new();
    let mut room = SAMPLE_BYTES_MAX;
    let read = records_of(disk, file, &Look::default(), &mut |_| {}, &mut |record| {
        let sample = sample(record);
        room = room.saturating_sub(sample.len());
        samples.push(sample);
        if room > 0 {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    if read.is_err() {
        samples.clear();
    }
    samples
}

/// A record as its writer wrote it, without what no other record can have in common with it: a body that came coded.
fn sample(record: &Record) -> Vec<u8> {
    let mut sample = format!("{}\r\n", record.version).into_bytes();
    for (name, value) in record.fields.iter() {
        sample.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    sample.extend_from_slice(b"\r\n");
    let coded = record
        .http_head()
        .is_some_and(|head| head.joined("Content-Encoding").is_some());
    let end = match record.http_head_len() {
        Some(head) if coded => head,
        _ => record.block.len(),
    };
    sample.extend_from_slice(&record.block[..end.min(SAMPLE_EACH_MAX)]);
    sample
}
