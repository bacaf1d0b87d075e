//! Indexes of earlier archives: which payloads an address had, and where they are.
//!
//! In: paths as a person names them, addresses. Out: captures. May touch: the disk, for reading.
//! Invariant: an index that is no index, or is not sorted, is refused when it is opened; memory is bounded by what one
//! address has, never by an index.

use std::collections::VecDeque;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use orb_env::Disk;
use orb_url::CrawlUrl;
use orb_warc::{Digest, parse_date};
use serde::Deserialize;

use crate::cluster::Cluster;
use crate::limits::{EARLIER_LINES_MAX, EARLIER_PAYLOADS_MAX, PLACES_CHECKED};
use crate::lookup::{Lines, each_line_of_key};
use crate::{DatasetError, IndexPlace, cdx_key};

/// Why an earlier archive cannot be referred to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EarlierError {
    /// There is no index.
    #[error("{} holds no index: name a crawl's folder, a CDXJ file, a folder of CDXJ files, or a zipnum cluster", path.display())]
    NoIndex {
        /// Where.
        path: PathBuf,
    },
    /// A WARC file has none.
    #[error("{} has no index of {name}: `orb archive reindex {}` makes it, once nobody writes there", path.display(), path.display())]
    Unindexed {
        /// The folder.
        path: PathBuf,
        /// The file.
        name: String,
    },
    /// It cannot be looked up in.
    #[error("{} is no index to look up in: {problem}", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// What the disk says.
    #[error(transparent)]
    Disk(#[from] DatasetError),
}

/// A capture that an index tells of, with a payload of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierCapture {
    /// Its address, as written.
    pub url: String,
    /// When, to the second; microseconds since the Unix epoch.
    pub at_us: i64,
    /// Digest of its payload.
    pub digest: Digest,
    /// The WARC file, where that lies beside the index, and the place in it.
    pub place: Option<(PathBuf, u64)>,
}

/// One index, and where the WARC files lie that it speaks of.
#[derive(Clone, Debug)]
struct Index {
    kind: Kind,
    warc: Option<PathBuf>,
}

#[derive(Clone, Debug)]
enum Kind {
    Lines(PathBuf),
    Cluster(Cluster),
}

/// Indexes of earlier archives, in the order they were named.
#[derive(Clone, Debug)]
pub struct EarlierIndexes {
    indexes: Vec<Index>,
}

/// What is needed of a line.
#[derive(Deserialize)]
struct Line {
    url: String,
    #[serde(default)]
    mime: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    digest: String,
    #[serde(default)]
    filename: String,
    #[serde(default)]
    offset: String,
}

impl EarlierIndexes {
    /// Opens what `paths` name: folders of this crawler, CDXJ files, folders of such, zipnum clusters or their
    /// `cluster.idx`. Some places of each index are looked at, so that one that cannot be used is found out now.
    ///
    /// # Errors
    /// What is wrong with which of them.
    pub fn open(disk: &dyn Disk, paths: &[PathBuf]) -> Result<EarlierIndexes, EarlierError> {
        let mut indexes = Vec::new();
        for path in paths {
            indexes.extend(named(disk, path)?);
        }
        for index in &indexes {
            check(disk, &index.kind)?;
        }
        Ok(EarlierIndexes { indexes })
    }

    /// Number of files that are looked up in.
    #[must_use]
    pub fn len(&self) -> usize {
        self.indexes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.indexes.is_empty()
    }

    /// The latest captures of `url`, one for each payload, the newest last. Revisits are passed over: they hold none.
    ///
    /// Blocking. Cost: one look-up in each index.
    ///
    /// # Errors
    /// What the disk says.
    pub fn captures(
        &self,
        disk: &dyn Disk,
        url: &CrawlUrl,
    ) -> Result<Vec<EarlierCapture>, DatasetError> {
        let Some(key) = cdx_key(url.as_str()) else {
            return Ok(Vec::new());
        };
        let mut found: VecDeque<EarlierCapture> = VecDeque::new();
        for index in &self.indexes {
            let mut lines = 0;
            let mut each = |line: &[u8]| {
                lines += 1;
                if let Some(capture) = index.capture(line, url) {
                    found.retain(|other| other.digest != capture.digest);
                    found.push_back(capture);
                    if found.len() > EARLIER_PAYLOADS_MAX {
                        found.pop_front();
                    }
                }
                match lines < EARLIER_LINES_MAX {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                }
            };
            match &index.kind {
                Kind::Lines(path) => each_line_of_key(disk, path, &key, &mut each)?,
                Kind::Cluster(cluster) => cluster.each_line_of_key(disk, &key, &mut each)?,
            }
        }
        Ok(found.into())
    }

    /// Whether an index tells of a capture of `url` in the second of `at_us` with this payload.
    ///
    /// Blocking. Cost: one look-up in each index.
    ///
    /// # Errors
    /// What the disk says.
    pub fn holds(
        &self,
        disk: &dyn Disk,
        url: &CrawlUrl,
        at_us: i64,
        digest: Digest,
    ) -> Result<bool, DatasetError> {
        let Some(key) = cdx_key(url.as_str()) else {
            return Ok(false);
        };
        let second = at_us.div_euclid(1_000_000);
        for index in &self.indexes {
            let mut held = false;
            let mut each = |line: &[u8]| {
                held = index.capture(line, url).is_some_and(|capture| {
                    capture.digest == digest && capture.at_us.div_euclid(1_000_000) == second
                });
                match held {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            };
            match &index.kind {
                Kind::Lines(path) => each_line_of_key(disk, path, &key, &mut each)?,
                Kind::Cluster(cluster) => cluster.each_line_of_key(disk, &key, &mut each)?,
            }
            if held {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Index {
    /// The capture that a line tells of: of this very address, an HTTP answer with a payload of its own.
    fn capture(&self, line: &[u8], url: &CrawlUrl) -> Option<EarlierCapture> {
        let (_, time, line) = parts(line)?;
        let is_answer = line.status.len() == 3 && line.mime != "warc/revisit";
        // Other addresses may have the same key.
        let same =
            line.url == url.as_str() || CrawlUrl::parse(&line.url).is_ok_and(|it| it == *url);
        if !is_answer || !same {
            return None;
        }
        let beside = self.warc.as_ref().filter(|_| is_plain(&line.filename));
        Some(EarlierCapture {
            at_us: instant(&time)?,
            digest: digest_of(&line.digest)?,
            place: beside
                .map(|folder| folder.join(&line.filename))
                .zip(line.offset.parse().ok()),
            url: line.url,
        })
    }
}

/// A file's name, and no way to another folder.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && Path::new(name).file_name().is_some_and(|it| it == name)
}

/// Some tools leave the algorithm's name out.
fn digest_of(text: &str) -> Option<Digest> {
    Digest::parse(text).or_else(|| Digest::parse(&format!("sha1:{text}")))
}

/// Key, time and what is needed of the rest.
fn parts(line: &[u8]) -> Option<(String, String, Line)> {
    let text = std::str::from_utf8(line).ok()?;
    let mut parts = text.splitn(3, ' ');
    let (key, time, json) = (parts.next()?, parts.next()?, parts.next()?);
    let line = serde_json::from_str(json).ok()?;
    Some((key.to_owned(), time.to_owned(), line))
}

/// `20261122101500` in microseconds since the Unix epoch.
fn instant(time: &str) -> Option<i64> {
    if time.len() != 14 || !time.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let date = format!("{}-{}-{}", &time[..4], &time[4..6], &time[6..8]);
    parse_date(&format!(
        "{date}T{}:{}:{}Z",
        &time[8..10],
        &time[10..12],
        &time[12..]
    ))
}

/// The indexes that a path names.
fn named(disk: &dyn Disk, path: &Path) -> Result<Vec<Index>, EarlierError> {
    let place = IndexPlace::new(&path.join("index"), "");
    let own = cdxj_files(disk, &place.cdxj());
    if !own.is_empty() {
        let warc = path.join("warc");
        for entry in disk.list(&warc).unwrap_or_default() {
            let is_warc = orb_warc::Compression::of_name(&entry.name).is_some();
            if is_warc && !place.is_complete(disk, &entry.name) {
                return Err(EarlierError::Unindexed {
                    path: path.to_path_buf(),
                    name: entry.name,
                });
            }
        }
        return Ok(own.into_iter().map(|file| file.with(&warc)).collect());
    }
    for index in [path.join("cluster.idx"), path.to_path_buf()] {
        let is_cluster = index.extension().is_some_and(|it| it == "idx");
        if is_cluster && disk.read(&index).is_ok() {
            let kind = Kind::Cluster(Cluster::open(disk, &index)?);
            return Ok(vec![Index { kind, warc: None }]);
        }
    }
    let within = cdxj_files(disk, path);
    if !within.is_empty() {
        return Ok(within);
    }
    let nothing = EarlierError::NoIndex {
        path: path.to_path_buf(),
    };
    let file = disk.read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => nothing,
        _ => DatasetError::read(path)(error).into(),
    })?;
    // A folder can be opened like a file; only reading tells.
    if file.read_at(0, &mut [0]).is_err() {
        let path = path.to_path_buf();
        return Err(EarlierError::NoIndex { path });
    }
    let kind = Kind::Lines(path.to_path_buf());
    Ok(vec![Index { kind, warc: None }])
}

impl Index {
    fn with(self, warc: &Path) -> Index {
        Index {
            warc: Some(warc.to_path_buf()),
            ..self
        }
    }
}

fn cdxj_files(disk: &dyn Disk, folder: &Path) -> Vec<Index> {
    let entries = disk.list(folder).unwrap_or_default();
    let names = entries.into_iter().map(|entry| entry.name);
    names
        .filter(|name| name.ends_with(".cdxj") && !name.starts_with('.'))
        .map(|name| Index {
            kind: Kind::Lines(folder.join(name)),
            warc: None,
        })
        .collect()
}

/// Looks at some places of an index: what is there must be lines, in order.
fn check(disk: &dyn Disk, kind: &Kind) -> Result<(), EarlierError> {
    let path = match kind {
        Kind::Lines(path) => path.as_path(),
        Kind::Cluster(cluster) => cluster.index(),
    };
    let damaged = |problem: String| EarlierError::Damaged {
        path: path.to_path_buf(),
        problem,
    };
    let file = disk.read(path).map_err(DatasetError::read(path))?;
    let bytes = file.bytes().map_err(DatasetError::read(path))?;
    let lines = Lines { file: &*file };
    let mut before: (u64, Vec<u8>) = (0, Vec::new());
    for place in 0..PLACES_CHECKED {
        let line = lines.line_from(bytes / PLACES_CHECKED * place);
        let Some(line) = line.map_err(|error| damaged(error.to_string()))? else {
            break;
        };
        if line.start > before.0 && key(&line.bytes) < key(&before.1) {
            let at = line.start;
            return Err(damaged(format!(
                "the line at byte {at} comes before lines above it; sort the file by bytes (LC_ALL=C sort)"
            )));
        }
        // Some tools begin their indexes with a line about the format, which sorts first.
        let is_good = line.bytes.starts_with(b"!")
            || match kind {
                Kind::Lines(_) => parts(&line.bytes).is_some(),
                Kind::Cluster(cluster) => cluster.unpacked(disk, &line.bytes).is_ok(),
            };
        if !is_good {
            let at = line.start;
            return Err(damaged(format!(
                "the line at byte {at} is not `key time {{…}}` as in CDXJ, nor a block of a cluster"
            )));
        }
        before = (line.start, line.bytes);
    }
    Ok(())
}

/// The key of a line and the blank after it, by which lines are found.
fn key(line: &[u8]) -> &[u8] {
    let end = memchr::memchr(b' ', line).map_or(line.len(), |at| at + 1);
    &line[..end]
}

#[cfg(test)]
mod tests;
