//! Runs: sorted keys in checked blocks, as a file.
//!
//! In: a run that a list names. Out: its index; its blocks.
//! May touch: `orb-env` (files). Must not touch: what keys mean.
//! Invariant: a run is open only when head, index and foot are whole and fit the file's length.
//!
//! | part | bytes | content, numbers little-endian |
//! |---|---|---|
//! | head | 20 | `ORBS`, version 2 (2), bytes of a key (2), file number (8), CRC-32 of these (4) |
//! | blocks | various | see [`super::block`]; one after the other, keys ascending from block to block |
//! | index | 14 per block | first key (10, big-endian), bytes of the block (4) |
//! | foot | 36 | `ORBE`, keys (8), file number (8), blocks (8), CRC-32 of the index (4), CRC-32 of these (4) |
//!
//! Version 1 had plain keys in blocks of 4 KiB; it is refused.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use orb_env::{AppendFile, Disk, ReadFile};

use super::block::{BLOCK_BYTES_MAX, Block, encode};
use super::error::SieveError;
use super::key::{Key, KeyBytes, bytes_of, number_of};
use super::limits::{BLOCK_KEYS, SIEVE_WRITE_BYTES};
use super::run_list::{RunList, RunRef};

const HEAD_MAGIC: [u8; 4] = *b"ORBS";
const FOOT_MAGIC: [u8; 4] = *b"ORBE";
const VERSION: u16 = 2;
const KEY_BYTES: usize = size_of::<KeyBytes>();
const ENTRY_BYTES: usize = KEY_BYTES + 4;
const HEAD_BYTES: usize = 20;
const FOOT_BYTES: usize = 36;

/// Path of run `id`.
pub(super) fn run_path(dir: &Path, id: u64) -> PathBuf {
    dir.join(format!("run-{id:08}.orbs"))
}

/// Number of a run's file; `None` for other names.
pub(super) fn run_id(name: &str) -> Option<u64> {
    name.strip_prefix("run-")?
        .strip_suffix(".orbs")?
        .parse()
        .ok()
}

fn head(id: u64, version: u16) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    head[..4].copy_from_slice(&HEAD_MAGIC);
    head[4..6].copy_from_slice(&version.to_le_bytes());
    head[6..8].copy_from_slice(&(KEY_BYTES as u16).to_le_bytes());
    head[8..16].copy_from_slice(&id.to_le_bytes());
    let crc = crc32fast::hash(&head[..16]);
    head[16..].copy_from_slice(&crc.to_le_bytes());
    head
}

fn foot(run: RunRef, blocks: u64, index_crc: u32) -> [u8; FOOT_BYTES] {
    let mut foot = [0; FOOT_BYTES];
    foot[..4].copy_from_slice(&FOOT_MAGIC);
    foot[4..12].copy_from_slice(&run.entries.to_le_bytes());
    foot[12..20].copy_from_slice(&run.id.to_le_bytes());
    foot[20..28].copy_from_slice(&blocks.to_le_bytes());
    foot[28..32].copy_from_slice(&index_crc.to_le_bytes());
    let crc = crc32fast::hash(&foot[..32]);
    foot[32..].copy_from_slice(&crc.to_le_bytes());
    foot
}

/// Writes a run.
pub(super) struct RunWriter {
    path: PathBuf,
    file: Box<dyn AppendFile>,
    id: u64,
    entries: u64,
    blocks: u64,
    /// The file's index so far: 14 bytes for 2,048 keys.
    index: Vec<u8>,
    last: Option<Key>,
    /// Whole blocks that wait to be appended.
    out: Vec<u8>,
    block: Vec<Key>,
}

impl RunWriter {
    /// Begins run `id`.
    pub(super) fn create(disk: &dyn Disk, dir: &Path, id: u64) -> Result<RunWriter, SieveError> {
        let path = run_path(dir, id);
        let file = disk.append(&path).map_err(SieveError::io(&path))?;
        if file.bytes() != 0 {
            return Err(SieveError::damaged(
                &path,
                0,
                "a new run's file already exists",
            ));
        }
        Ok(RunWriter {
            file,
            id,
            entries: 0,
            blocks: 0,
            index: Vec::new(),
            last: None,
            out: head(id, VERSION).to_vec(),
            block: Vec::with_capacity(BLOCK_KEYS),
            path,
        })
    }

    /// Adds keys. They ascend, in all; one that comes twice is written once.
    pub(super) fn push_all(&mut self, keys: &[Key]) -> Result<(), SieveError> {
        for key in keys {
            debug_assert!(self.last <= Some(*key), "keys ascend");
            if self.last == Some(*key) {
                continue;
            }
            self.last = Some(*key);
            let is_far = self
                .block
                .first()
                .is_some_and(|first| key - first > Key::from(u64::MAX));
            if is_far || self.block.len() == BLOCK_KEYS {
                self.close_block()?;
            }
            self.block.push(*key);
        }
        Ok(())
    }

    fn close_block(&mut self) -> Result<(), SieveError> {
        let start = self.out.len();
        encode(&self.block, &mut self.out);
        self.index.extend_from_slice(&bytes_of(self.block[0]));
        let bytes = (self.out.len() - start) as u32;
        self.index.extend_from_slice(&bytes.to_le_bytes());
        self.entries += self.block.len() as u64;
        self.blocks += 1;
        self.block.clear();
        if self.out.len() >= SIEVE_WRITE_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SieveError> {
        self.file
            .append(&self.out)
            .map_err(SieveError::io(&self.path))?;
        self.out.clear();
        Ok(())
    }

    /// Writes index and foot, and syncs if `sync` is set.
    pub(super) fn finish(mut self, sync: bool) -> Result<RunRef, SieveError> {
        if !self.block.is_empty() {
            self.close_block()?;
        }
        let run = RunRef {
            id: self.id,
            entries: self.entries,
        };
        let end = foot(run, self.blocks, crc32fast::hash(&self.index));
        self.out.append(&mut self.index);
        self.out.extend_from_slice(&end);
        self.flush()?;
        if sync {
            self.file.sync().map_err(SieveError::io(&self.path))?;
        }
        Ok(run)
    }
}

/// A run that is open for reading. Shared by threads.
pub(super) struct Run {
    pub(super) run: RunRef,
    path: PathBuf,
    file: Box<dyn ReadFile>,
    /// First key of each block.
    pub(super) firsts: Vec<Key>,
    /// Where each block begins, and where the last one ends.
    pub(super) offsets: Vec<u64>,
    /// Of the file.
    pub(super) bytes: u64,
}

impl Run {
    /// Opens a run that the list names. Cost: head, index and foot are read, no block.
    pub(super) fn open(disk: &dyn Disk, dir: &Path, run: RunRef) -> Result<Run, SieveError> {
        let path = run_path(dir, run.id);
        let io = SieveError::io(&path);
        let damaged = |offset, what| SieveError::damaged(&path, offset, what);
        let file = disk.read(&path).map_err(&io)?;
        let bytes = file.bytes().map_err(&io)?;
        let mut start = [0; HEAD_BYTES];
        let got = file.read_at(0, &mut start).map_err(&io)?;
        let version = u16::from_le_bytes([start[4], start[5]]);
        if got != HEAD_BYTES || start != head(run.id, version) {
            return Err(damaged(0, "not the head of this run"));
        }
        if version != VERSION {
            let path = run_path(dir, run.id);
            return Err(SieveError::Version { path, version });
        }
        let mut end = [0; FOOT_BYTES];
        let foot_at = bytes.saturating_sub(FOOT_BYTES as u64);
        let got = file.read_at(foot_at, &mut end).map_err(&io)?;
        let number = |at: usize| {
            end[at..]
                .first_chunk()
                .map(|bytes| u64::from_le_bytes(*bytes))
        };
        let blocks = number(20).expect("28 bytes of 36");
        let index_crc = u32::from_le_bytes([end[28], end[29], end[30], end[31]]);
        if got != FOOT_BYTES || end != foot(run, blocks, index_crc) {
            return Err(damaged(foot_at, "not the foot of this run"));
        }
        let index_bytes = blocks.checked_mul(ENTRY_BYTES as u64);
        let index_at = index_bytes.and_then(|index| foot_at.checked_sub(index));
        let Some(index_at) = index_at else {
            return Err(damaged(foot_at, "another length than its blocks need"));
        };
        let mut index = vec![0; (foot_at - index_at) as usize];
        let got = file.read_at(index_at, &mut index).map_err(&io)?;
        if got != index.len() || crc32fast::hash(&index) != index_crc {
            return Err(damaged(index_at, "wrong checksum of the index"));
        }
        let (firsts, offsets) = read_index(&index).map_err(|what| damaged(index_at, what))?;
        if offsets.last() != Some(&index_at) {
            return Err(damaged(index_at, "another length than its blocks need"));
        }
        Ok(Run {
            run,
            path: run_path(dir, run.id),
            file,
            firsts,
            offsets,
            bytes,
        })
    }

    /// Memory of the index.
    pub(super) fn heap_bytes(&self) -> usize {
        self.firsts.capacity() * size_of::<Key>() + self.offsets.capacity() * size_of::<u64>()
    }

    /// Number of its blocks.
    pub(super) fn blocks(&self) -> usize {
        self.firsts.len()
    }

    /// Something wrong with `block`.
    pub(super) fn damaged(&self, block: usize, what: &'static str) -> SieveError {
        SieveError::damaged(&self.path, self.offsets[block], what)
    }

    /// Reads blocks `first` to `last` into `buffer`.
    pub(super) fn read(
        &self,
        first: usize,
        last: usize,
        buffer: &mut Vec<u8>,
    ) -> Result<(), SieveError> {
        let offset = self.offsets[first];
        buffer.resize((self.offsets[last + 1] - offset) as usize, 0);
        let got = self
            .file
            .read_at(offset, buffer)
            .map_err(SieveError::io(&self.path))?;
        if got != buffer.len() {
            return Err(SieveError::damaged(
                &self.path,
                offset + got as u64,
                "the file is cut short",
            ));
        }
        Ok(())
    }

    /// `block` out of a buffer that begins with block `first`.
    pub(super) fn block<'a>(
        &self,
        block: usize,
        first: usize,
        buffer: &'a [u8],
    ) -> Result<Block<'a>, SieveError> {
        let [from, to] =
            [block, block + 1].map(|at| (self.offsets[at] - self.offsets[first]) as usize);
        let read = Block::read(&buffer[from..to]).map_err(|what| self.damaged(block, what))?;
        if read.first() != self.firsts[block] {
            return Err(self.damaged(block, "a block that the index does not expect"));
        }
        Ok(read)
    }
}

/// Opens the runs of a list.
pub(super) fn open_runs(
    disk: &dyn Disk,
    dir: &Path,
    live: &RunList,
) -> Result<Vec<Arc<Run>>, SieveError> {
    live.runs
        .iter()
        .map(|run| Run::open(disk, dir, *run).map(Arc::new))
        .collect()
}

/// First keys and offsets.
fn read_index(index: &[u8]) -> Result<(Vec<Key>, Vec<u64>), &'static str> {
    let (entries, _) = index.as_chunks::<ENTRY_BYTES>();
    let mut firsts = Vec::with_capacity(entries.len());
    let mut offsets = Vec::with_capacity(entries.len() + 1);
    let mut offset = HEAD_BYTES as u64;
    offsets.push(offset);
    for entry in entries {
        let [key @ .., b0, b1, b2, b3] = *entry;
        let bytes = u32::from_le_bytes([b0, b1, b2, b3]);
        let key = number_of(key);
        if bytes as usize > BLOCK_BYTES_MAX || firsts.last() >= Some(&key) {
            return Err("an index that does not ascend");
        }
        offset += u64::from(bytes);
        firsts.push(key);
        offsets.push(offset);
    }
    Ok((firsts, offsets))
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_env::MemoryDisk;
    use orb_store::StoreStep;

    #[test]
    fn another_layout_is_refused_by_its_version() {
        let (disk, dir) = (MemoryDisk::new(), Path::new("/sieve"));
        let mut writer = RunWriter::create(&disk, dir, 3).unwrap();
        writer.push_all(&[1, 2]).unwrap();
        let run = writer.finish(true).unwrap();
        Run::open(&disk, dir, run).unwrap();
        let path = run_path(dir, 3);
        let mut bytes = disk.read_all(&path).unwrap();
        bytes[..HEAD_BYTES].copy_from_slice(&head(3, 1));
        disk.replace(&path, &bytes).unwrap();
        let Err(error) = Run::open(&disk, dir, run) else {
            panic!("version 1 was opened")
        };
        assert!(matches!(error, SieveError::Version { version: 1, .. }));
        assert_eq!(error.next_step(), StoreStep::Stop);
        assert_eq!(
            error.to_string(),
            "sieve file /sieve/run-00000003.orbs has layout version 1, this program reads version 2: \
             go on with the program that wrote it"
        );
    }
}
