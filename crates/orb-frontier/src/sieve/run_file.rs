//! Runs: sorted keys in checked blocks.
//!
//! In: ascending keys. Out: a file; its keys again, all in order or those of single blocks.
//! May touch: `orb-env` (files). Must not touch: what keys mean.
//! Invariant: no key is believed before its block's checksum was right.
//!
//! | part | bytes | content, numbers little-endian |
//! |---|---|---|
//! | head | 20 | `ORBS`, version 1 (2), bytes of a key (2), file number (8), CRC-32 of these (4) |
//! | blocks | 4,096 each | keys in it (2), keys of 10 bytes, zeroes, CRC-32 of these (4); full but for the last |
//! | index | 10 per block | first key |
//! | foot | 28 | `ORBE`, keys (8), file number (8), CRC-32 of the index (4), CRC-32 of these (4) |

use std::path::{Path, PathBuf};

use orb_env::{AppendFile, Disk, ReadFile};

use super::error::SieveError;
use super::key::KeyBytes;
use super::limits::{SIEVE_READ_BLOCKS, SIEVE_WRITE_BYTES};
use super::run_list::RunRef;

const HEAD_MAGIC: [u8; 4] = *b"ORBS";
const FOOT_MAGIC: [u8; 4] = *b"ORBE";
const VERSION: u16 = 1;
const KEY_BYTES: usize = size_of::<KeyBytes>();
const HEAD_BYTES: usize = 20;
const FOOT_BYTES: usize = 28;
pub(super) const BLOCK_BYTES: usize = 4096;
const BLOCK_CHECKED: usize = BLOCK_BYTES - 4;
/// Keys of a full block.
pub(super) const BLOCK_KEYS: usize = (BLOCK_CHECKED - 2) / KEY_BYTES;

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

fn head(id: u64) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    head[..4].copy_from_slice(&HEAD_MAGIC);
    head[4..6].copy_from_slice(&VERSION.to_le_bytes());
    head[6..8].copy_from_slice(&(KEY_BYTES as u16).to_le_bytes());
    head[8..16].copy_from_slice(&id.to_le_bytes());
    let crc = crc32fast::hash(&head[..16]);
    head[16..].copy_from_slice(&crc.to_le_bytes());
    head
}

fn foot(run: RunRef, index_crc: u32) -> [u8; FOOT_BYTES] {
    let mut foot = [0; FOOT_BYTES];
    foot[..4].copy_from_slice(&FOOT_MAGIC);
    foot[4..12].copy_from_slice(&run.entries.to_le_bytes());
    foot[12..20].copy_from_slice(&run.id.to_le_bytes());
    foot[20..24].copy_from_slice(&index_crc.to_le_bytes());
    let crc = crc32fast::hash(&foot[..24]);
    foot[24..].copy_from_slice(&crc.to_le_bytes());
    foot
}

fn block_offset(block: u64) -> u64 {
    HEAD_BYTES as u64 + block * BLOCK_BYTES as u64
}

/// The keys of a block; what is wrong with it otherwise.
fn block_keys(block: &[u8]) -> Result<&[KeyBytes], &'static str> {
    let (checked, crc) = block.split_at(BLOCK_CHECKED);
    if crc32fast::hash(checked).to_le_bytes() != crc {
        return Err("wrong checksum of a block");
    }
    let keys = usize::from(u16::from_le_bytes([checked[0], checked[1]]));
    let (all, _) = checked[2..].as_chunks();
    all.get(..keys).ok_or("a block with too many keys")
}

/// Writes a run, key by key.
pub(super) struct RunWriter {
    path: PathBuf,
    file: Box<dyn AppendFile>,
    id: u64,
    entries: u64,
    index: Vec<KeyBytes>,
    last: Option<KeyBytes>,
    /// Whole blocks that wait to be appended.
    out: Vec<u8>,
    block: Vec<u8>,
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
            index: Vec::new(),
            last: None,
            out: head(id).to_vec(),
            block: Vec::with_capacity(BLOCK_BYTES),
            path,
        })
    }

    /// Adds a key. Keys come in ascending order; one that comes twice is written once.
    pub(super) fn push(&mut self, key: KeyBytes) -> Result<(), SieveError> {
        debug_assert!(self.last <= Some(key), "keys ascend");
        if self.last == Some(key) {
            return Ok(());
        }
        self.last = Some(key);
        if self.block.is_empty() {
            self.index.push(key);
            self.block.extend_from_slice(&[0; 2]);
        }
        self.block.extend_from_slice(&key);
        self.entries += 1;
        if self.block.len() == BLOCK_CHECKED {
            self.close_block();
            if self.out.len() >= SIEVE_WRITE_BYTES {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn close_block(&mut self) {
        let keys = (self.block.len() - 2) / KEY_BYTES;
        self.block[..2].copy_from_slice(&(keys as u16).to_le_bytes());
        self.block.resize(BLOCK_CHECKED, 0);
        let crc = crc32fast::hash(&self.block);
        self.block.extend_from_slice(&crc.to_le_bytes());
        self.out.append(&mut self.block);
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
            self.close_block();
        }
        let run = RunRef {
            id: self.id,
            entries: self.entries,
        };
        let index = self.index.as_flattened();
        self.out.extend_from_slice(index);
        self.out
            .extend_from_slice(&foot(run, crc32fast::hash(index)));
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
    index: Vec<KeyBytes>,
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
        if got != HEAD_BYTES || start != head(run.id) {
            return Err(damaged(0, "not the head of this run"));
        }
        let blocks = run.entries.div_ceil(BLOCK_KEYS as u64);
        let index_at = block_offset(blocks);
        let tail_bytes = blocks * KEY_BYTES as u64 + FOOT_BYTES as u64;
        if index_at.checked_add(tail_bytes) != Some(bytes) {
            return Err(damaged(bytes, "another length than its keys need"));
        }
        let mut tail = vec![
            0;
            usize::try_from(tail_bytes)
                .map_err(std::io::Error::other)
                .map_err(&io)?
        ];
        let got = file.read_at(index_at, &mut tail).map_err(&io)?;
        let (index, end) = tail[..got].split_at(got.saturating_sub(FOOT_BYTES));
        if end != foot(run, crc32fast::hash(index)) {
            return Err(damaged(index_at, "wrong checksum of the index or foot"));
        }
        let index = index.as_chunks().0.to_vec();
        Ok(Run {
            run,
            path: run_path(dir, run.id),
            file,
            index,
        })
    }

    /// Memory of the index.
    pub(super) fn heap_bytes(&self) -> usize {
        self.index.capacity() * KEY_BYTES
    }

    /// Reads `blocks` blocks from `first` on into `buffer`.
    fn read(&self, first: usize, blocks: usize, buffer: &mut Vec<u8>) -> Result<(), SieveError> {
        let offset = block_offset(first as u64);
        buffer.resize(blocks * BLOCK_BYTES, 0);
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

    fn keys<'a>(&self, block: usize, bytes: &'a [u8]) -> Result<&'a [KeyBytes], SieveError> {
        let damaged = |what| SieveError::damaged(&self.path, block_offset(block as u64), what);
        let keys = block_keys(bytes).map_err(damaged)?;
        let last = block + 1 == self.index.len();
        let wanted = if last {
            self.run.entries as usize - block * BLOCK_KEYS
        } else {
            BLOCK_KEYS
        };
        if keys.len() != wanted || keys.first() != Some(&self.index[block]) {
            return Err(damaged("a block that the index does not expect"));
        }
        Ok(keys)
    }

    /// Marks those of `keys`, which ascend, that this run holds; marked ones are not looked for.
    ///
    /// Blocks that lie close together are read at once: a few keys cost a block each, many keys a
    /// sequential pass.
    pub(super) fn mark(&self, keys: &[KeyBytes], seen: &mut [bool]) -> Result<(), SieveError> {
        let mut buffer = Vec::new();
        let mut wanted: Vec<(usize, usize)> = Vec::new();
        for (place, key) in keys.iter().enumerate() {
            let after = self.index.partition_point(|first| first <= key);
            let Some(block) = after.checked_sub(1).filter(|_| !seen[place]) else {
                continue;
            };
            let first = wanted.first().map_or(block, |(_, first)| *first);
            let last = wanted.last().map_or(block, |(_, last)| *last);
            if block - last > READ_GAP_BLOCKS || block - first >= SIEVE_READ_BLOCKS {
                self.mark_in(&wanted, keys, seen, &mut buffer)?;
                wanted.clear();
            }
            wanted.push((place, block));
        }
        self.mark_in(&wanted, keys, seen, &mut buffer)
    }

    /// `wanted`: places in `keys` and the block each would be in, both ascending.
    fn mark_in(
        &self,
        wanted: &[(usize, usize)],
        keys: &[KeyBytes],
        seen: &mut [bool],
        buffer: &mut Vec<u8>,
    ) -> Result<(), SieveError> {
        let (Some((_, first)), Some((_, last))) = (wanted.first(), wanted.last()) else {
            return Ok(());
        };
        self.read(*first, last - first + 1, buffer)?;
        for group in wanted.chunk_by(|a, b| a.1 == b.1) {
            let block = group[0].1;
            let held = self.keys(
                block,
                &buffer[(block - first) * BLOCK_BYTES..][..BLOCK_BYTES],
            )?;
            for (place, _) in group {
                seen[*place] = held.binary_search(&keys[*place]).is_ok();
            }
        }
        Ok(())
    }

    /// All keys in order.
    pub(super) fn scan(&self) -> RunScan<'_> {
        RunScan {
            run: self,
            buffer: Vec::new(),
            first: 0,
            block: 0,
            place: 0,
            last: None,
        }
    }
}

/// Blocks between two wanted ones that are read along rather than skipped: a read costs about as
/// much as these bytes.
const READ_GAP_BLOCKS: usize = 8;

/// A sequential pass over a run.
pub(super) struct RunScan<'a> {
    run: &'a Run,
    buffer: Vec<u8>,
    /// Block that the buffer begins with.
    first: usize,
    block: usize,
    place: usize,
    last: Option<KeyBytes>,
}

impl RunScan<'_> {
    /// The next key; `None` at the end.
    ///
    /// # Errors
    /// When a block is damaged or the order is wrong.
    pub(super) fn next(&mut self) -> Result<Option<KeyBytes>, SieveError> {
        if self.block == self.run.index.len() {
            return Ok(None);
        }
        if self.place == 0 {
            let left = self.run.index.len() - self.block;
            if (self.block - self.first) * BLOCK_BYTES == self.buffer.len() {
                self.run
                    .read(self.block, left.min(SIEVE_READ_BLOCKS), &mut self.buffer)?;
                self.first = self.block;
            }
            self.run.keys(self.block, self.block_bytes())?;
        }
        let at = 2 + self.place * KEY_BYTES;
        let key: KeyBytes = self.block_bytes()[at..at + KEY_BYTES]
            .try_into()
            .expect("a slice of that length");
        if self.last.is_some_and(|last| last >= key) {
            let offset = block_offset(self.block as u64);
            return Err(SieveError::damaged(
                &self.run.path,
                offset,
                "keys out of order",
            ));
        }
        self.last = Some(key);
        self.place += 1;
        let held = usize::from(u16::from_le_bytes([
            self.block_bytes()[0],
            self.block_bytes()[1],
        ]));
        if self.place == held {
            self.place = 0;
            self.block += 1;
        }
        Ok(Some(key))
    }

    fn block_bytes(&self) -> &[u8] {
        &self.buffer[(self.block - self.first) * BLOCK_BYTES..][..BLOCK_BYTES]
    }
}
