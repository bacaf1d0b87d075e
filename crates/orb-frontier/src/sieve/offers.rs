//! Offers on their way to a merge: keys in memory, found URLs in memory up to a size and then in a file.
//!
//! In: keys and found URLs. Out: the keys; the URLs again, in the order they came.
//! May touch: `orb-env` (one file). Must not touch: runs.
//! Invariant: a file of offers lives as long as the buffer it belongs to; opening deletes what is left over,
//! for no stored position has passed what is in it.
//!
//! The file has no head: it is never read by another process. It holds packed found URLs (see [`super::packed`]), one
//! after the other. What was appended at once is a piece; its CRC-32 is in memory.

use std::io;
use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orb_env::{AppendFile, Disk};

use super::error::SieveError;
use super::key::Key;
use super::limits::SIEVE_WRITE_BYTES;
use super::memory::{OFFER_BYTES, SieveMemory};
use super::packed::{Packer, Unpacker};
use crate::found::Found;

/// Bits of a place below a key.
pub(super) const PLACE_BITS: u32 = u32::BITS;

/// Keys that a buffer makes room for by doubling; beyond, it asks once for all it may hold, which costs memory only
/// as it fills.
const GROWING_KEYS: usize = 64 << 10;

/// Path of the file of buffer `number`.
fn offers_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("offers-{number:08}.orbo"))
}

/// Whether a file belonged to a buffer.
pub(super) fn is_offers(name: &str) -> bool {
    let number = name
        .strip_prefix("offers-")
        .and_then(|rest| rest.strip_suffix(".orbo"));
    number.is_some_and(|number| number.parse::<u64>().is_ok())
}

/// A piece of the file.
struct Piece {
    bytes: usize,
    crc: u32,
}

struct Spilled {
    path: PathBuf,
    file: Box<dyn AppendFile>,
    pieces: Vec<Piece>,
}

/// Offers in the order they came.
pub(super) struct Offers {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    number: u64,
    memory: SieveMemory,
    /// Each key above its place in this order.
    pub(super) keys: Vec<u128>,
    packer: Packer,
    /// Packed found URLs that are not in the file.
    found: Vec<u8>,
    /// Bytes of `found` at which they go to the file.
    found_max: usize,
    spilled: Option<Spilled>,
}

impl Offers {
    /// An empty buffer; no other in `dir` has this number.
    pub(super) fn new(disk: Arc<dyn Disk>, dir: &Path, number: u64, memory: SieveMemory) -> Offers {
        Offers {
            disk,
            dir: dir.to_path_buf(),
            number,
            memory,
            keys: Vec::new(),
            packer: Packer::default(),
            found: Vec::new(),
            found_max: memory.spill_bytes,
            spilled: None,
        }
    }

    /// The buffer after this one.
    pub(super) fn following(&self) -> Offers {
        Offers::new(
            Arc::clone(&self.disk),
            &self.dir,
            self.number + 1,
            self.memory,
        )
    }

    /// Adds one. Blocks while a piece is appended to the file, without a sync.
    pub(super) fn push(&mut self, key: Key, found: &Found) {
        if self.keys.len() == self.keys.capacity() && self.keys.len() >= GROWING_KEYS {
            let room = self.memory.keys_max.saturating_sub(self.keys.len());
            self.keys.reserve_exact(room.max(GROWING_KEYS));
        }
        self.keys.push(key << PLACE_BITS | self.keys.len() as u128);
        self.packer.pack(found, &mut self.found);
        if self.found.len() >= self.found_max {
            // An error is not told: what was found stays in memory then, and the merge, which writes to the same
            // disk, will say what is wrong with it. The end of the file is unknown, so it is left alone.
            self.found_max = match self.spill() {
                Ok(()) => SIEVE_WRITE_BYTES.min(self.memory.spill_bytes),
                Err(_) => usize::MAX,
            };
        }
    }

    /// Moves what is in memory to the file.
    fn spill(&mut self) -> io::Result<()> {
        let mut spilled = match self.spilled.take() {
            Some(spilled) => spilled,
            None => {
                let path = offers_path(&self.dir, self.number);
                let file = self.disk.append(&path)?;
                Spilled {
                    path,
                    file,
                    pieces: Vec::new(),
                }
            }
        };
        let appended = spilled.file.append(&self.found);
        if appended.is_ok() {
            spilled.pieces.push(Piece {
                bytes: self.found.len(),
                crc: crc32fast::hash(&self.found),
            });
            self.found.clear();
            self.found.shrink_to(2 * SIEVE_WRITE_BYTES);
        }
        self.spilled = Some(spilled);
        appended
    }

    /// Bytes of memory that hold something.
    pub(super) fn bytes(&self) -> usize {
        self.keys.len() * OFFER_BYTES + self.found.len() + self.packer.heap_bytes()
    }

    /// Gives `visit` the stored forms of the found URLs at `places`, which ascend.
    pub(super) fn each(
        &self,
        places: impl Iterator<Item = u32>,
        visit: &mut dyn FnMut(&[u8]) -> Result<(), SieveError>,
    ) -> Result<(), SieveError> {
        let mut walk = Walk {
            wanted: places.peekable(),
            place: 0,
            unpacker: Unpacker::default(),
            stored: Vec::new(),
            visit,
        };
        let mut buffer = Vec::new();
        if let Some(spilled) = &self.spilled {
            let io = SieveError::io(&spilled.path);
            let damaged = |at, what| SieveError::damaged(&spilled.path, at, what);
            let file = self.disk.read(&spilled.path).map_err(&io)?;
            let mut at = 0;
            for piece in &spilled.pieces {
                buffer.resize(piece.bytes, 0);
                let got = file.read_at(at, &mut buffer).map_err(&io)?;
                if got != piece.bytes || crc32fast::hash(&buffer) != piece.crc {
                    return Err(damaged(at, "wrong checksum of a piece"));
                }
                walk.piece(&buffer)?;
                at += piece.bytes as u64;
            }
        }
        walk.piece(&self.found)
    }

    /// Deletes the file, if there is one.
    pub(super) fn remove(self) -> Result<(), SieveError> {
        let Some(Spilled { path, file, .. }) = self.spilled else {
            return Ok(());
        };
        drop(file);
        self.disk.remove(&path).map_err(SieveError::io(&path))
    }
}

/// A pass over all found URLs, in the order they came.
struct Walk<'a, I: Iterator<Item = u32>> {
    wanted: Peekable<I>,
    /// Of the next found URL.
    place: u32,
    unpacker: Unpacker,
    stored: Vec<u8>,
    visit: &'a mut dyn FnMut(&[u8]) -> Result<(), SieveError>,
}

impl<I: Iterator<Item = u32>> Walk<'_, I> {
    fn piece(&mut self, bytes: &[u8]) -> Result<(), SieveError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = self.unpacker.take(&mut rest);
            taken.expect("what was packed in this process and checked since");
            if self.wanted.next_if_eq(&self.place).is_some() {
                self.unpacker.stored(&mut self.stored);
                (self.visit)(&self.stored)?;
            }
            self.place += 1;
        }
        Ok(())
    }
}
