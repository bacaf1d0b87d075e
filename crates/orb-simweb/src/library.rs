//! The library: blocks of text and markup, made and compressed once, that all pages are joined from.
//!
//! In: the seed and the size profile. Out: blocks of a few fixed sizes, plain and as deflate fragments.
//! May touch: `words`, `chance`, flate2. Must not touch: pages, sites.
//! Invariant: a fragment refers to no byte before itself, ends on a byte boundary and is not the last
//! block of a stream (RFC 1951, 3.2.3 and 3.2.4), so fragments join in any order.

use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress};

use crate::chance::{Chance, draw};
use crate::config::SizeProfile;
use crate::words::{hex16, number, phrase, sentence};

/// A block of one class's size.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) plain: Bytes,
    pub(crate) packed: Bytes,
    pub(crate) crc: u32,
}

/// Blocks of one size.
#[derive(Debug)]
pub(crate) struct Shelf {
    pub(crate) block_bytes: usize,
    pub(crate) blocks: Vec<Block>,
    /// What `block_bytes` zero bytes do to a running CRC-32, one table per byte of it. The CRC is linear, so
    /// appending a block costs four look-ups and one exclusive or.
    shift: Box<[[u32; 256]; 4]>,
}

impl Shelf {
    /// CRC-32 of `bytes ++ block` out of that of `bytes` and that of the block.
    pub(crate) fn append_crc(&self, crc: u32, block_crc: u32) -> u32 {
        let bytes = crc.to_le_bytes();
        let moved = (0..4).fold(0, |sum, at| sum ^ self.shift[at][bytes[at] as usize]);
        moved ^ block_crc
    }
}

/// All blocks, the largest first.
#[derive(Debug)]
pub(crate) struct Library {
    pub(crate) shelves: Vec<Shelf>,
}

impl Library {
    /// Cost: about 0.1 s for large pages, which need 2 MB of text; a millisecond for tiny ones.
    pub(crate) fn new(seed: u64, size: SizeProfile) -> Library {
        let shelves: &[(usize, usize)] = match size {
            SizeProfile::Large => &[(32_768, 48), (4_096, 64), (512, 64)],
            SizeProfile::Small => &[(4_096, 64), (512, 64)],
            SizeProfile::Tiny => &[(256, 32)],
        };
        Library {
            shelves: shelves
                .iter()
                .map(|&(bytes, count)| shelf(seed, bytes, count))
                .collect(),
        }
    }
}

fn shelf(seed: u64, block_bytes: usize, count: usize) -> Shelf {
    let blocks = (0..count)
        .map(|index| {
            let mut chance = Chance::new(draw(seed, 15, block_bytes as u64, index as u64));
            let plain = block_text(&mut chance, block_bytes);
            let packed = pack(&plain);
            Block {
                crc: crc32fast::hash(&plain),
                plain: plain.into(),
                packed: packed.into(),
            }
        })
        .collect();
    Shelf {
        block_bytes,
        blocks,
        shift: shift_tables(block_bytes),
    }
}

fn shift_tables(block_bytes: usize) -> Box<[[u32; 256]; 4]> {
    let zeros = crc32fast::Hasher::new_with_initial_len(0, block_bytes as u64);
    let mut columns = [0u32; 32];
    for (bit, column) in columns.iter_mut().enumerate() {
        let mut hasher = crc32fast::Hasher::new_with_initial(1 << bit);
        hasher.combine(&zeros);
        *column = hasher.finalize();
    }
    let mut tables = Box::new([[0u32; 256]; 4]);
    for (at, table) in tables.iter_mut().enumerate() {
        for (value, entry) in table.iter_mut().enumerate() {
            *entry = (0..8)
                .filter(|bit| value >> bit & 1 == 1)
                .fold(0, |sum, bit| sum ^ columns[at * 8 + bit]);
        }
    }
    tables
}

/// A deflate fragment: sync-flushed, so it ends with an empty stored block on a byte boundary.
fn pack(plain: &[u8]) -> Vec<u8> {
    let mut compress = Compress::new(Compression::best(), false);
    let mut packed = Vec::with_capacity(plain.len() + 1024);
    compress
        .compress_vec(plain, &mut packed, FlushCompress::Sync)
        .expect("compressing into memory cannot fail");
    assert_eq!(
        compress.total_in(),
        plain.len() as u64,
        "the buffer holds the worst case"
    );
    packed
}

/// Exactly `bytes` bytes of balanced markup: cards, paragraphs, lists, tables and inline data in the
/// proportions that make pages compress about 3.6 to 1, as the web's do.
fn block_text(chance: &mut Chance, bytes: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes + 2048);
    let mut piece = Vec::with_capacity(2048);
    loop {
        piece.clear();
        match chance.below(16) {
            0..=6 => paragraph(&mut piece, chance),
            7..=9 => card(&mut piece, chance),
            10 => list(&mut piece, chance),
            11 => table(&mut piece, chance),
            12 => quote(&mut piece, chance),
            _ => data(&mut piece, chance),
        }
        if out.len() + piece.len() > bytes {
            break;
        }
        out.extend_from_slice(&piece);
    }
    fill(&mut out, chance, bytes);
    out
}

/// Fills up to `bytes` with one paragraph, or with blanks where that does not fit.
fn fill(out: &mut Vec<u8>, chance: &mut Chance, bytes: usize) {
    const OPEN: &[u8] = b"<p>";
    const CLOSE: &[u8] = b"</p>\n";
    if bytes - out.len() > OPEN.len() + CLOSE.len() {
        out.extend_from_slice(OPEN);
        let end = bytes - CLOSE.len();
        while out.len() < end {
            sentence(out, chance);
        }
        out.truncate(end);
        out.extend_from_slice(CLOSE);
    }
    out.resize(bytes, b' ');
}

fn paragraph(out: &mut Vec<u8>, chance: &mut Chance) {
    out.extend_from_slice(b"<p class=\"story-text\">");
    for _ in 0..3 + chance.below(5) {
        match chance.below(8) {
            0 => {
                out.extend_from_slice(b"<em>");
                phrase(out, chance.next());
                out.extend_from_slice(b"</em> \xe2\x80\x94 ");
            }
            1 => {
                out.extend_from_slice(b"<a href=\"#note-");
                number(out, u64::from(chance.below(100)));
                out.extend_from_slice(b"\" class=\"note\">");
                phrase(out, chance.next());
                out.extend_from_slice(b"</a>. ");
            }
            _ => {}
        }
        sentence(out, chance);
    }
    out.extend_from_slice(b"</p>\n");
}

fn card(out: &mut Vec<u8>, chance: &mut Chance) {
    out.extend_from_slice(b"<div class=\"card card--wide\" data-id=\"");
    number(out, u64::from(chance.below(1_000_000)));
    out.extend_from_slice(
        b"\"><figure class=\"card__figure\"><img class=\"card__image\" src=\"/img/",
    );
    number(out, u64::from(chance.below(400)));
    out.extend_from_slice(b".gif\" width=\"640\" height=\"360\" loading=\"lazy\" alt=\"");
    phrase(out, chance.next());
    out.extend_from_slice(b"\"></figure><h3 class=\"card__title\">");
    phrase(out, chance.next());
    out.extend_from_slice(b"</h3><p class=\"card__text\">");
    sentence(out, chance);
    out.extend_from_slice(b"</p></div>\n");
}

fn list(out: &mut Vec<u8>, chance: &mut Chance) {
    out.extend_from_slice(b"<ul class=\"list\">\n");
    for _ in 0..3 + chance.below(6) {
        out.extend_from_slice(b"<li class=\"list__item\"><span class=\"list__label\">");
        phrase(out, chance.next());
        out.extend_from_slice(b"</span></li>\n");
    }
    out.extend_from_slice(b"</ul>\n");
}

fn table(out: &mut Vec<u8>, chance: &mut Chance) {
    out.extend_from_slice(b"<table class=\"figures\"><tbody>\n");
    for _ in 0..4 + chance.below(6) {
        out.extend_from_slice(b"<tr><th scope=\"row\">");
        phrase(out, chance.next());
        for _ in 0..3 {
            out.extend_from_slice(b"</th><td>");
            number(out, u64::from(chance.below(10_000)));
            out.extend_from_slice(b"</td><th>");
        }
        out.extend_from_slice(b"</th></tr>\n");
    }
    out.extend_from_slice(b"</tbody></table>\n");
}

fn quote(out: &mut Vec<u8>, chance: &mut Chance) {
    out.extend_from_slice(b"<blockquote>\xe2\x80\x9c");
    sentence(out, chance);
    out.extend_from_slice(b"\xe2\x80\x9d</blockquote>\n");
}

/// Inline script data: numbers and identifiers that hardly compress, as analytics and state blobs are.
fn data(out: &mut Vec<u8>, chance: &mut Chance) {
    out.extend_from_slice(b"<script type=\"application/json\">{\"items\":[");
    for item in 0..1 + chance.below(4) {
        if item > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"id\":\"");
        hex16(out, chance.next());
        out.extend_from_slice(b"\",\"score\":");
        number(out, u64::from(chance.below(100_000)));
        out.extend_from_slice(b",\"visible\":true,\"label\":\"");
        phrase(out, chance.next());
        out.extend_from_slice(b"\"}");
    }
    out.extend_from_slice(b"]}</script>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_crc_over_blocks_is_that_of_the_bytes() {
        let shelf = shelf(5, 512, 3);
        let mut crc = crc32fast::hash(b"head");
        let mut whole = b"head".to_vec();
        for block in &shelf.blocks {
            crc = shelf.append_crc(crc, block.crc);
            whole.extend_from_slice(&block.plain);
        }
        assert_eq!(crc, crc32fast::hash(&whole));
    }

    #[test]
    fn blocks_have_their_exact_size() {
        for shelf in Library::new(3, SizeProfile::Small).shelves {
            assert!(
                shelf
                    .blocks
                    .iter()
                    .all(|block| block.plain.len() == shelf.block_bytes)
            );
            assert!(
                shelf
                    .blocks
                    .iter()
                    .all(|block| block.packed.ends_with(&[0, 0, 0xff, 0xff]))
            );
        }
    }
}
