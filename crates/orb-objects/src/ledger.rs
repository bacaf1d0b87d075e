//! The ledger: what was begun, which parts arrived, what is there for good.
//!
//! In: events of uploads. Out: one synced JSON line each; what they add up to.
//! May touch: its file. Invariant: a row that was answered survives a power cut; a torn last row never was.
//!
//! | event | fields | meaning |
//! |---|---|---|
//! | `begun` | `bytes`, `part_bytes`, `upload` | an object of this name is ours; the upload that the store opened, if any |
//! | `part` | `upload`, `part`, `id`, `md5` | the store has this part, and calls it `id` |
//! | `arrived` | `bytes`, `sha256`, `proof` | the object is there, and proven |
//!
//! Every row has `v` (1), `at` (microseconds since the Unix epoch), `object` and `to`.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orb_env::{AppendFile, Disk, Wall};
use serde::{Deserialize, Serialize};

use crate::UploadError;
use crate::limits::ROW_BYTES_MAX;

/// Version of a row.
const VERSION: u32 = 1;

/// How an object's bytes were proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The store's own checksum of what it received is the one we computed.
    Checksum,
    /// The object was read back.
    ReadBack,
}

/// An object that is in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrived {
    /// The store.
    pub to: String,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
    /// How it was proven.
    pub proof: Proof,
}

/// What a ledger says at one moment, by the objects' names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// What is in a store.
    pub arrived: BTreeMap<String, Arrived>,
    /// What is on its way to one.
    pub begun: BTreeSet<String>,
}

impl Known {
    /// Whether the object is in a store, or on its way: its file must not change any more.
    #[must_use]
    pub fn has(&self, object: &str) -> bool {
        self.arrived.contains_key(object) || self.begun.contains(object)
    }
}

/// An upload that is under way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Begun {
    pub(crate) to: String,
    pub(crate) bytes: u64,
    pub(crate) part_bytes: u64,
    pub(crate) upload: String,
    /// Parts that the store has, by their place.
    pub(crate) parts: BTreeMap<usize, Part>,
}

/// A part that the store has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// What the store calls it.
    pub(crate) id: String,
    /// MD5 of its bytes, hexadecimal.
    pub(crate) md5: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Row {
    v: u32,
    at: i64,
    object: String,
    to: String,
    #[serde(flatten)]
    event: Event,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    Begun {
        bytes: u64,
        part_bytes: u64,
        upload: String,
    },
    Part {
        upload: String,
        part: usize,
        id: String,
        md5: String,
    },
    Arrived {
        bytes: u64,
        sha256: String,
        proof: Proof,
    },
}

/// What the rows add up to.
#[derive(Debug, Default)]
struct Sum {
    arrived: BTreeMap<String, Arrived>,
    begun: BTreeMap<String, Begun>,
}

impl Sum {
    fn add(&mut self, row: Row) {
        let Row { object, to, .. } = row;
        match row.event {
            Event::Begun {
                bytes,
                part_bytes,
                upload,
            } => {
                let begun = Begun {
                    to,
                    bytes,
                    part_bytes,
                    upload,
                    parts: BTreeMap::new(),
                };
                self.begun.insert(object, begun);
            }
            Event::Part {
                upload,
                part,
                id,
                md5,
            } => {
                if let Some(begun) = self.begun.get_mut(&object)
                    && begun.upload == upload
                    && begun.to == to
                {
                    begun.parts.insert(part, Part { id, md5 });
                }
            }
            Event::Arrived {
                bytes,
                sha256,
                proof,
            } => {
                self.begun.remove(&object);
                let arrived = Arrived {
                    to,
                    bytes,
                    sha256,
                    proof,
                };
                self.arrived.insert(object, arrived);
            }
        }
    }

    /// The fewest rows that add up to this.
    fn rows(&self) -> Vec<Row> {
        let row = |object: &String, to: &String, event| Row {
            v: VERSION,
            at: 0,
            object: object.clone(),
            to: to.clone(),
            event,
        };
        let mut rows = Vec::new();
        for (object, arrived) in &self.arrived {
            let event = Event::Arrived {
                bytes: arrived.bytes,
                sha256: arrived.sha256.clone(),
                proof: arrived.proof,
            };
            rows.push(row(object, &arrived.to, event));
        }
        for (object, begun) in &self.begun {
            let event = Event::Begun {
                bytes: begun.bytes,
                part_bytes: begun.part_bytes,
                upload: begun.upload.clone(),
            };
            rows.push(row(object, &begun.to, event));
            for (&part, Part { id, md5 }) in &begun.parts {
                let event = Event::Part {
                    upload: begun.upload.clone(),
                    part,
                    id: id.clone(),
                    md5: md5.clone(),
                };
                rows.push(row(object, &begun.to, event));
            }
        }
        rows
    }
}

/// A ledger that is written to, by one process at a time.
pub struct Ledger {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    file: Option<Box<dyn AppendFile>>,
    /// Bytes that are synced.
    bytes: u64,
    sum: Sum,
}

impl Ledger {
    /// Opens it, or begins it: a torn last row is cut, and rows of uploads that ended are left out.
    ///
    /// # Errors
    /// What the disk says; a row of a later version.
    pub fn open(disk: Arc<dyn Disk>, path: &Path) -> Result<Ledger, UploadError> {
        let (sum, rows) = sum(disk.as_ref(), path)?;
        let fail = |source| ledger_error(path, source);
        let fewest = sum.rows();
        if fewest.len() < rows / 2 {
            let mut text = Vec::new();
            fewest.iter().for_each(|row| push_line(&mut text, row));
            disk.replace(path, &text).map_err(fail)?;
        }
        let mut ledger = Ledger {
            disk,
            path: path.to_path_buf(),
            file: None,
            bytes: 0,
            sum,
        };
        ledger.bytes = ledger.whole_bytes().map_err(fail)?;
        ledger.reopen().map_err(fail)?;
        Ok(ledger)
    }

    /// What the file says now; nothing when there is no ledger. Somebody else may be writing it.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn look(disk: &dyn Disk, path: &Path) -> Result<Known, UploadError> {
        let (sum, _) = sum(disk, path)?;
        Ok(Known {
            arrived: sum.arrived,
            begun: sum.begun.into_keys().collect(),
        })
    }

    /// What is known of the object's arrival.
    #[must_use]
    pub fn arrived(&self, object: &str) -> Option<&Arrived> {
        self.sum.arrived.get(object)
    }

    pub(crate) fn begun(&self, object: &str) -> Option<&Begun> {
        self.sum.begun.get(object)
    }

    /// Adds a row, durably.
    pub(crate) fn add(
        &mut self,
        at: Wall,
        object: &str,
        to: &str,
        event: Event,
    ) -> Result<(), UploadError> {
        let row = Row {
            v: VERSION,
            at: at.0,
            object: object.to_owned(),
            to: to.to_owned(),
            event,
        };
        let mut line = Vec::new();
        push_line(&mut line, &row);
        let written = self.write(&line);
        if written.is_err() {
            // Where its end is now is unknown: the next row goes behind the last one that was synced.
            self.file = None;
        }
        written.map_err(|source| ledger_error(&self.path, source))?;
        self.sum.add(row);
        Ok(())
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.file.is_none() {
            self.reopen()?;
        }
        let file = self.file.as_mut().expect("opened above");
        file.append(line)?;
        file.sync()?;
        self.bytes += line.len() as u64;
        Ok(())
    }

    /// Opens the file behind its last whole row; its name is durable then.
    fn reopen(&mut self) -> io::Result<()> {
        let mut file = self.disk.append(&self.path)?;
        if file.bytes() > self.bytes {
            drop(file);
            self.disk.truncate(&self.path, self.bytes)?;
            file = self.disk.append(&self.path)?;
        }
        if let Some(folder) = self.path.parent() {
            self.disk.sync_dir(folder)?;
        }
        self.file = Some(file);
        Ok(())
    }

    fn whole_bytes(&self) -> io::Result<u64> {
        let file = match self.disk.read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            file => file?,
        };
        let bytes = file.bytes()?;
        let from = bytes.saturating_sub(ROW_BYTES_MAX as u64);
        let mut tail = vec![0; (bytes - from) as usize];
        let got = file.read_at(from, &mut tail)?;
        let end = tail[..got].iter().rposition(|&byte| byte == b'\n');
        Ok(end.map_or(from, |at| from + at as u64 + 1))
    }
}

fn push_line(out: &mut Vec<u8>, row: &Row) {
    serde_json::to_writer(&mut *out, row).expect("a row has only plain keys");
    out.push(b'\n');
}

fn ledger_error(path: &Path, source: io::Error) -> UploadError {
    UploadError::Ledger {
        path: path.to_path_buf(),
        source,
    }
}

/// What the whole rows of the file add up to, and their number.
fn sum(disk: &dyn Disk, path: &Path) -> Result<(Sum, usize), UploadError> {
    let text = match disk.read_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        text => text.map_err(|source| ledger_error(path, source))?,
    };
    let mut sum = Sum::default();
    let mut rows = 0;
    // What stands behind the last end of a line was never answered.
    let whole = text.iter().rposition(|&byte| byte == b'\n').unwrap_or(0);
    for line in text[..whole].split(|&byte| byte == b'\n') {
        if line.is_empty() {
            continue;
        }
        rows += 1;
        let wrong = |detail: String| UploadError::LedgerRow {
            path: path.to_path_buf(),
            line: rows,
            detail,
        };
        let row: Row = serde_json::from_slice(line).map_err(|error| wrong(error.to_string()))?;
        if row.v != VERSION {
            return Err(wrong(format!("version {}", row.v)));
        }
        sum.add(row);
    }
    Ok((sum, rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_env::MemoryDisk;

    const PATH: &str = "/c/state/uploads.jsonl";

    fn open(disk: &MemoryDisk) -> Ledger {
        Ledger::open(Arc::new(disk.clone()), Path::new(PATH)).unwrap()
    }

    fn begun(upload: &str) -> Event {
        Event::Begun {
            bytes: 20,
            part_bytes: 10,
            upload: upload.into(),
        }
    }

    fn part(upload: &str, part: usize) -> Event {
        Event::Part {
            upload: upload.into(),
            part,
            id: format!("e{part}"),
            md5: "m".into(),
        }
    }

    fn arrived() -> Event {
        Event::Arrived {
            bytes: 20,
            sha256: "s".into(),
            proof: Proof::Checksum,
        }
    }

    #[test]
    fn parts_of_the_upload_that_was_begun_last_count() {
        let disk = MemoryDisk::new();
        let mut ledger = open(&disk);
        for event in [
            begun("1"),
            part("1", 0),
            begun("2"),
            part("1", 1),
            part("2", 1),
        ] {
            ledger.add(Wall(7), "warc/a", "s3://b", event).unwrap();
        }
        let ledger = open(&disk);
        let begun = ledger.begun("warc/a").unwrap();
        assert_eq!(begun.upload, "2");
        assert_eq!(begun.parts.keys().copied().collect::<Vec<_>>(), [1]);
        assert_eq!(ledger.arrived("warc/a"), None);
    }

    #[test]
    fn a_torn_last_row_is_cut_and_the_rest_stands() {
        let disk = MemoryDisk::new();
        let mut ledger = open(&disk);
        ledger.add(Wall(7), "warc/a", "s3://b", begun("1")).unwrap();
        ledger.add(Wall(7), "warc/a", "s3://b", arrived()).unwrap();
        disk.append(Path::new(PATH))
            .unwrap()
            .append(b"{\"v\":1,\"at")
            .unwrap();
        let mut ledger = open(&disk);
        assert_eq!(ledger.arrived("warc/a").unwrap().bytes, 20);
        ledger.add(Wall(8), "warc/b", "s3://b", arrived()).unwrap();
        let seen = Ledger::look(&disk, Path::new(PATH)).unwrap();
        assert!(seen.has("warc/a") && seen.has("warc/b"));
    }

    /// A row whose sync failed is not believed, and the next one does not stand behind its remains.
    #[test]
    fn a_row_that_could_not_be_synced_is_cut() {
        let disk = MemoryDisk::new();
        let mut ledger = open(&disk);
        ledger.add(Wall(7), "warc/a", "s3://b", arrived()).unwrap();
        disk.set_faults(orb_env::DiskFaults {
            sync_fails_at: Some(1),
            ..orb_env::DiskFaults::default()
        });
        assert!(ledger.add(Wall(7), "warc/b", "s3://b", arrived()).is_err());
        assert_eq!(ledger.arrived("warc/b"), None);
        ledger.add(Wall(7), "warc/c", "s3://b", arrived()).unwrap();
        let seen = Ledger::look(&disk, Path::new(PATH)).unwrap();
        assert!(seen.has("warc/a") && !seen.has("warc/b") && seen.has("warc/c"));
    }

    #[test]
    fn rows_of_ended_uploads_go_when_it_is_opened() {
        let disk = MemoryDisk::new();
        let mut ledger = open(&disk);
        ledger.add(Wall(7), "warc/a", "s3://b", begun("1")).unwrap();
        for at in 0..50 {
            ledger
                .add(Wall(7), "warc/a", "s3://b", part("1", at))
                .unwrap();
        }
        ledger.add(Wall(7), "warc/a", "s3://b", arrived()).unwrap();
        let ledger = open(&disk);
        assert_eq!(ledger.arrived("warc/a").unwrap().bytes, 20);
        let text = disk.read_all(Path::new(PATH)).unwrap();
        assert_eq!(text.iter().filter(|&&byte| byte == b'\n').count(), 1);
    }

    #[test]
    fn a_later_version_is_refused() {
        let disk = MemoryDisk::new();
        let row = b"{\"v\":2,\"at\":1,\"object\":\"a\",\"to\":\"b\",\"event\":\"arrived\"}\n";
        disk.append(Path::new(PATH)).unwrap().append(row).unwrap();
        let error = Ledger::look(&disk, Path::new(PATH)).unwrap_err();
        assert!(error.to_string().contains("line 1"), "{error}");
    }
}
