//! A sound copy of a damaged file.
//!
//! In: a file. Out: a new file with every sound byte of it, and one with the rest. May touch: the disk; new files only.
//! Invariant: sound copy and rest together hold exactly the bytes of the original, each in their order.

use std::path::{Path, PathBuf};

use orb_env::{AppendFile, Disk};
use orb_warc::ReadError;
use serde::Serialize;

use crate::limits::READ_BYTES;
use crate::verify::damage_of;
use crate::{ArchiveError, ArchiveFile, Damage};

/// What came of a repair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Repaired {
    /// The original's name.
    pub file: String,
    /// The sound copy; `None` when the original is sound and nothing was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy: Option<PathBuf>,
    /// What is not in the copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rest: Option<PathBuf>,
    /// Records in the copy.
    pub records: u64,
    /// Bytes of the copy.
    pub bytes: u64,
    /// The ranges that were left out.
    pub dropped: Vec<Damage>,
}

/// Copies what is sound of `file` into the folder `out`, under the same name, byte for byte; what is no record goes to
/// `NAME.damaged` beside it. Records whose digests are wrong are kept: they are whole, and somebody may know why.
/// Nothing is written when the file is sound.
///
/// Cost: the file is read twice. Memory: one record, and the list of damages.
///
/// # Errors
/// [`ArchiveError::Exists`] when a new file would replace one; what the disk says.
pub fn repair(
    disk: &dyn Disk,
    file: &ArchiveFile,
    out: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<Repaired, ArchiveError> {
    let mut records = 0;
    let mut dropped = Vec::new();
    let mut reader = file.reader(disk, 0)?;
    loop {
        match reader.next_record() {
            Ok(None) => break,
            Ok(Some(record)) => {
                records += 1;
                progress(record.offset + record.len);
            }
            Err(ReadError::Io { source, .. }) => {
                return Err(ArchiveError::read(&file.path)(source));
            }
            Err(error) => dropped.push(damage_of(&error, file.bytes)),
        }
    }
    let lost: u64 = dropped.iter().map(|damage| damage.bytes).sum();
    let mut repaired = Repaired {
        file: file.name.clone(),
        copy: None,
        rest: None,
        records,
        bytes: file.bytes - lost.min(file.bytes),
        dropped,
    };
    if repaired.dropped.is_empty() {
        return Ok(repaired);
    }
    let copy = out.join(&file.name);
    let rest = out.join(format!("{}.damaged", file.name));
    for path in [&copy, &rest] {
        if disk.read(path).is_ok() {
            return Err(ArchiveError::Exists { path: path.clone() });
        }
    }
    disk.create_dir_all(out).map_err(ArchiveError::write(out))?;
    split(disk, file, &repaired.dropped, (&copy, &rest))?;
    disk.sync_dir(out).map_err(ArchiveError::write(out))?;
    repaired.copy = Some(copy);
    repaired.rest = Some(rest);
    Ok(repaired)
}

/// Writes the ranges of `dropped` to one file and all others to the other.
fn split(
    disk: &dyn Disk,
    file: &ArchiveFile,
    dropped: &[Damage],
    (copy, rest): (&Path, &Path),
) -> Result<(), ArchiveError> {
    let source = disk
        .read(&file.path)
        .map_err(ArchiveError::read(&file.path))?;
    let mut sound = disk.append(copy).map_err(ArchiveError::write(copy))?;
    let mut damaged = disk.append(rest).map_err(ArchiveError::write(rest))?;
    let mut buffer = vec![0; READ_BYTES];
    let mut pump = |from: u64, to: u64, into: &mut Box<dyn AppendFile>, path: &Path| {
        let mut at = from;
        while at < to {
            let room = usize::try_from(to - at).map_or(buffer.len(), |left| left.min(buffer.len()));
            let got = source
                .read_at(at, &mut buffer[..room])
                .map_err(ArchiveError::read(&file.path))?;
            if got == 0 {
                break;
            }
            into.append(&buffer[..got])
                .map_err(ArchiveError::write(path))?;
            at += got as u64;
        }
        Ok::<(), ArchiveError>(())
    };
    let mut at = 0;
    for damage in dropped {
        pump(at, damage.offset, &mut sound, copy)?;
        at = damage.offset + damage.bytes;
        pump(damage.offset, at, &mut damaged, rest)?;
    }
    pump(at, file.bytes, &mut sound, copy)?;
    sound.sync().map_err(ArchiveError::write(copy))?;
    damaged.sync().map_err(ArchiveError::write(rest))
}
