//! The bytes of one group in a link journal.
//!
//! In: blocks by destination; or the first bytes of a frame. Out: the frame; or its index.
//! May touch: memory. Must not touch: files.
//! Invariant: no byte of an index is believed before its checksum was right.
//!
//! | bytes | content, little-endian |
//! |---|---|
//! | 4 | `ORBL` |
//! | 2 | version, 1 |
//! | 2 | number of blocks, n |
//! | 8 | group |
//! | 9 n | per block: destination slot (1), bytes (4), CRC-32 of the block (4); slots ascend |
//! | 4 | CRC-32 of all above |
//! | | the blocks, in the order of the index |

use crate::limits::{JOURNAL_BLOCK_BYTES_MAX, JOURNAL_BLOCKS_MAX};

const MAGIC: [u8; 4] = *b"ORBL";
const VERSION: u16 = 1;
/// Bytes before the index.
pub(super) const HEAD_BYTES: usize = 16;
const ENTRY_BYTES: usize = 9;
const CRC_BYTES: usize = 4;
/// Bytes of the longest head and index.
pub(super) const INDEX_BYTES_MAX: usize = index_bytes(JOURNAL_BLOCKS_MAX);

const fn index_bytes(blocks: usize) -> usize {
    HEAD_BYTES + blocks * ENTRY_BYTES + CRC_BYTES
}

/// Appends the frame of `blocks`, sorted by destination, to `out`.
///
/// # Errors
/// What makes the group impossible to write; `out` is unchanged then.
pub(super) fn encode(
    group: u64,
    blocks: &[(u8, Vec<u8>)],
    out: &mut Vec<u8>,
) -> Result<(), &'static str> {
    let mut order: Vec<&(u8, Vec<u8>)> = blocks.iter().collect();
    order.sort_by_key(|(destination, _)| *destination);
    if order.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err("two blocks for one destination");
    }
    if order
        .iter()
        .any(|(_, block)| block.len() > JOURNAL_BLOCK_BYTES_MAX)
    {
        return Err("a block is too long");
    }
    let start = out.len();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&(order.len() as u16).to_le_bytes()); // destinations are bytes: 256 at most
    out.extend_from_slice(&group.to_le_bytes());
    for (destination, block) in &order {
        out.push(*destination);
        out.extend_from_slice(&(block.len() as u32).to_le_bytes()); // below the limit checked above
        out.extend_from_slice(&crc32fast::hash(block).to_le_bytes());
    }
    let crc = crc32fast::hash(&out[start..]);
    out.extend_from_slice(&crc.to_le_bytes());
    for (_, block) in &order {
        out.extend_from_slice(block);
    }
    Ok(())
}

/// Where one destination's block lies in its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockPlace {
    /// From the start of the frame.
    pub(super) offset: u64,
    pub(super) bytes: usize,
    crc: u32,
}

impl BlockPlace {
    /// Whether `block` is what was written there.
    pub(super) fn holds(&self, block: &[u8]) -> bool {
        block.len() == self.bytes && crc32fast::hash(block) == self.crc
    }
}

/// What the head and index of a frame say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameIndex {
    /// Bytes of the whole frame.
    pub(super) bytes: u64,
    /// The asked destination's block.
    pub(super) place: Option<BlockPlace>,
}

/// Reads the head and index at the start of `bytes`, which holds [`INDEX_BYTES_MAX`] bytes or all
/// that is left of the file.
///
/// # Errors
/// What is wrong.
pub(super) fn decode(bytes: &[u8], destination: u8) -> Result<FrameIndex, &'static str> {
    let head: &[u8; HEAD_BYTES] = bytes.first_chunk().ok_or("the head is cut short")?;
    if head[..4] != MAGIC {
        return Err("no frame begins here");
    }
    if u16::from_le_bytes([head[4], head[5]]) != VERSION {
        return Err("a version that this program does not know");
    }
    let blocks = usize::from(u16::from_le_bytes([head[6], head[7]]));
    if blocks > JOURNAL_BLOCKS_MAX {
        return Err("too many blocks");
    }
    let index = bytes
        .get(..index_bytes(blocks))
        .ok_or("the index is cut short")?;
    let (checked, crc) = index.split_at(index.len() - CRC_BYTES);
    if crc32fast::hash(checked).to_le_bytes() != crc {
        return Err("wrong checksum of the index");
    }
    let mut offset = index.len() as u64;
    let mut place = None;
    for entry in checked[HEAD_BYTES..].chunks_exact(ENTRY_BYTES) {
        let number = |at: usize| {
            u32::from_le_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]])
        };
        let bytes = number(1) as usize;
        if entry[0] == destination {
            place = Some(BlockPlace {
                offset,
                bytes,
                crc: number(5),
            });
        }
        offset += bytes as u64;
    }
    Ok(FrameIndex {
        bytes: offset,
        place,
    })
}
