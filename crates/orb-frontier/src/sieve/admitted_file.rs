//! Admitted files: what a merge let through, in the order it was first found.
//!
//! In: keys and found URLs. Out: a file; its rows again, from any offset a read gave.
//! May touch: `orb-env` (files). Must not touch: queues.
//! Invariant: no row is believed before its checksum was right; the end is only believed when the
//! foot is there.
//!
//! | part | bytes | content, numbers little-endian |
//! |---|---|---|
//! | head | 20 | `ORBA`, version 1 (2), zero (2), file number (8), CRC-32 of these (4) |
//! | row | 8 + n | n (4), CRC-32 of the rest (4), key (10), the found URL |
//! | foot | 32 | `ORBF`, file number (8), rows (8), bytes of the file (8), CRC-32 of these (4) |

use std::path::{Path, PathBuf};

use orb_env::{AppendFile, Disk, ReadFile};

use super::error::SieveError;
use super::key::{KeyBytes, SieveKey};
use super::limits::{ADMITTED_READ_BYTES, ADMITTED_ROW_BYTES_MAX, SIEVE_WRITE_BYTES};
use crate::found::Found;

const HEAD_MAGIC: [u8; 4] = *b"ORBA";
const FOOT_MAGIC: [u8; 4] = *b"ORBF";
const VERSION: u16 = 1;
const HEAD_BYTES: usize = 20;
const FOOT_BYTES: usize = 32;
const ROW_HEAD_BYTES: usize = 8;
const KEY_BYTES: usize = size_of::<KeyBytes>();

/// A file of admitted rows, to be named by the store and drained into the queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Number of the file.
    pub id: u64,
    /// Rows in it: the URLs discovered.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Some rows of an admitted file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdmittedRows {
    /// Rows, in the order they were first found.
    pub rows: Vec<(SieveKey, Found)>,
    /// Where the next read begins; to be stored with the outcome of these.
    pub next: u64,
    /// Whether these were the last.
    pub end: bool,
}

/// Path of admitted file `id`.
pub(super) fn admitted_path(dir: &Path, id: u64) -> PathBuf {
    dir.join(format!("admitted-{id:08}.orba"))
}

/// Number of an admitted file; `None` for other names.
pub(super) fn admitted_id(name: &str) -> Option<u64> {
    name.strip_prefix("admitted-")?
        .strip_suffix(".orba")?
        .parse()
        .ok()
}

fn head(id: u64) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    head[..4].copy_from_slice(&HEAD_MAGIC);
    head[4..6].copy_from_slice(&VERSION.to_le_bytes());
    head[8..16].copy_from_slice(&id.to_le_bytes());
    let crc = crc32fast::hash(&head[..16]);
    head[16..].copy_from_slice(&crc.to_le_bytes());
    head
}

fn foot(file: Admitted) -> [u8; FOOT_BYTES] {
    let mut foot = [0; FOOT_BYTES];
    foot[..4].copy_from_slice(&FOOT_MAGIC);
    foot[4..12].copy_from_slice(&file.id.to_le_bytes());
    foot[12..20].copy_from_slice(&file.rows.to_le_bytes());
    foot[20..28].copy_from_slice(&file.bytes.to_le_bytes());
    let crc = crc32fast::hash(&foot[..28]);
    foot[28..].copy_from_slice(&crc.to_le_bytes());
    foot
}

/// Writes an admitted file, row by row.
pub(super) struct AdmittedWriter {
    path: PathBuf,
    file: Box<dyn AppendFile>,
    id: u64,
    rows: u64,
    out: Vec<u8>,
}

impl AdmittedWriter {
    /// Begins file `id`.
    pub(super) fn create(disk: &dyn Disk, dir: &Path, id: u64) -> Result<Self, SieveError> {
        let path = admitted_path(dir, id);
        let file = disk.append(&path).map_err(SieveError::io(&path))?;
        if file.bytes() != 0 {
            return Err(SieveError::damaged(
                &path,
                0,
                "a new admitted file already exists",
            ));
        }
        Ok(AdmittedWriter {
            path,
            file,
            id,
            rows: 0,
            out: head(id).to_vec(),
        })
    }

    /// Adds a row; `found` is its stored form.
    pub(super) fn push(&mut self, key: KeyBytes, found: &[u8]) -> Result<(), SieveError> {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&key);
        crc.update(found);
        self.out
            .extend_from_slice(&((KEY_BYTES + found.len()) as u32).to_le_bytes());
        self.out.extend_from_slice(&crc.finalize().to_le_bytes());
        self.out.extend_from_slice(&key);
        self.out.extend_from_slice(found);
        self.rows += 1;
        if self.out.len() >= SIEVE_WRITE_BYTES {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> Result<(), SieveError> {
        self.file
            .append(&self.out)
            .map_err(SieveError::io(&self.path))?;
        self.out.clear();
        Ok(())
    }

    /// Writes the foot and syncs.
    pub(super) fn finish(mut self) -> Result<Admitted, SieveError> {
        let bytes = self.file.bytes() + (self.out.len() + FOOT_BYTES) as u64;
        let file = Admitted {
            id: self.id,
            rows: self.rows,
            bytes,
        };
        self.out.extend_from_slice(&foot(file));
        self.flush()?;
        self.file.sync().map_err(SieveError::io(&self.path))?;
        Ok(file)
    }
}

/// Opens admitted file `id` and reads what its foot says.
pub(super) fn inspect(disk: &dyn Disk, dir: &Path, id: u64) -> Result<Admitted, SieveError> {
    let path = admitted_path(dir, id);
    let file = disk.read(&path).map_err(SieveError::io(&path))?;
    read_foot(file.as_ref(), &path, id)
}

fn read_foot(file: &dyn ReadFile, path: &Path, id: u64) -> Result<Admitted, SieveError> {
    let io = SieveError::io(path);
    let bytes = file.bytes().map_err(&io)?;
    let mut start = [0; HEAD_BYTES];
    let got = file.read_at(0, &mut start).map_err(&io)?;
    if got != HEAD_BYTES || start != head(id) {
        return Err(SieveError::damaged(
            path,
            0,
            "not the head of this admitted file",
        ));
    }
    let at = bytes.saturating_sub(FOOT_BYTES as u64);
    let mut end = [0; FOOT_BYTES];
    let got = file.read_at(at, &mut end).map_err(&io)?;
    let (_, rest) = end.split_at(12);
    let rows = u64::from_le_bytes(
        *rest
            .first_chunk()
            .expect("32 bytes less 12 are more than 8"),
    );
    let told = Admitted { id, rows, bytes };
    if got != FOOT_BYTES || end != foot(told) {
        return Err(SieveError::damaged(path, at, "the foot is missing"));
    }
    Ok(told)
}

/// The rows of admitted file `id` in `dir`, from offset `from` on: 0, or a `next` that a read gave.
/// Returns up to `rows_max` rows, one at least before the end. Blocking.
///
/// Cost: reads of 128 KiB; memory as the rows.
///
/// # Errors
/// [`SieveError::Missing`], [`SieveError::Damaged`] or [`SieveError::Io`].
pub fn read_admitted(
    disk: &dyn Disk,
    dir: &Path,
    id: u64,
    from: u64,
    rows_max: usize,
) -> Result<AdmittedRows, SieveError> {
    let path = admitted_path(dir, id);
    let file = disk.read(&path).map_err(SieveError::io(&path))?;
    let told = read_foot(file.as_ref(), &path, id)?;
    let until = told.bytes - FOOT_BYTES as u64;
    let mut next = from.max(HEAD_BYTES as u64);
    let mut rows = Vec::new();
    let mut buffer = Vec::new();
    while next < until && rows.len() < rows_max.max(1) {
        let bytes = (until - next).min(ADMITTED_READ_BYTES as u64) as usize;
        buffer.resize(bytes, 0);
        let got = file
            .read_at(next, &mut buffer)
            .map_err(SieveError::io(&path))?;
        let mut rest = &buffer[..got];
        let whole = rest.len();
        while rows.len() < rows_max.max(1) {
            let at = next + (whole - rest.len()) as u64;
            let row = take_row(&mut rest).map_err(|what| SieveError::damaged(&path, at, what))?;
            let Some(row) = row else { break };
            rows.push(row);
        }
        if rest.len() == whole {
            return Err(SieveError::damaged(&path, next, "a row is cut short"));
        }
        next += (whole - rest.len()) as u64;
    }
    if next > until {
        return Err(SieveError::damaged(
            &path,
            next,
            "an offset past the last row",
        ));
    }
    Ok(AdmittedRows {
        rows,
        next,
        end: next == until,
    })
}

/// The row at the front of `rest`; `None` when it is not all there.
fn take_row(rest: &mut &[u8]) -> Result<Option<(SieveKey, Found)>, &'static str> {
    let Some((head, after)) = rest.split_first_chunk::<ROW_HEAD_BYTES>() else {
        return Ok(None);
    };
    let [n0, n1, n2, n3, crc @ ..] = *head;
    let bytes = u32::from_le_bytes([n0, n1, n2, n3]) as usize;
    if bytes > ADMITTED_ROW_BYTES_MAX {
        return Err("a row that is too long");
    }
    let Some((body, after)) = after.split_at_checked(bytes) else {
        return Ok(None);
    };
    if crc32fast::hash(body).to_le_bytes() != crc {
        return Err("wrong checksum of a row");
    }
    let (key, mut found) = body.split_first_chunk().ok_or("a row without a key")?;
    let key = SieveKey::from_bytes(*key).ok_or("a key outside the partitions")?;
    let row = Found::decode(&mut found).map_err(|_| "a row that cannot be read")?;
    if !found.is_empty() {
        return Err("a row with something behind it");
    }
    *rest = after;
    Ok(Some((key, row)))
}

/// Deletes admitted file `id` once a durable batch no longer names it. An absent one is no error;
/// one that a power cut brings back goes at the next opening.
///
/// # Errors
/// [`SieveError::Io`].
pub fn remove_admitted(disk: &dyn Disk, dir: &Path, id: u64) -> Result<(), SieveError> {
    let path = admitted_path(dir, id);
    disk.remove(&path).map_err(SieveError::io(&path))
}
