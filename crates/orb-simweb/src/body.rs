//! A body under construction: own text and library blocks in turn, plain or as one gzip member.
//!
//! In: text, and blocks by shelf and index. Out: the parts to send, without copying blocks.
//! May touch: `library`. Must not touch: what the text means.
//! Invariant: the gzip form decodes to the plain form of the same calls (RFC 1952). Own text travels in
//! stored blocks (RFC 1951, 3.2.4), which cost five bytes and no time.

use bytes::Bytes;

use crate::library::Library;

/// Own text of one stored block; its length field has 16 bits.
const STORED_BYTES_MAX: usize = 65_535;
const STORED_HEAD_BYTES: usize = 5;
const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

#[derive(Debug)]
enum Piece {
    Own(usize, usize),
    Block(usize, usize),
}

/// The parts of a finished body.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) parts: Vec<Bytes>,
    pub(crate) bytes: usize,
}

/// A body under construction.
#[derive(Debug)]
pub(crate) struct Body<'a> {
    library: &'a Library,
    gzip: bool,
    text: Vec<u8>,
    pieces: Vec<Piece>,
    piece_start: usize,
    segment_start: usize,
    crc: u32,
    plain_bytes: u64,
}

impl<'a> Body<'a> {
    pub(crate) fn new(library: &'a Library, gzip: bool, capacity: usize) -> Body<'a> {
        let mut text = Vec::with_capacity(capacity);
        if gzip {
            text.extend_from_slice(&GZIP_HEAD);
        }
        let mut body = Body {
            library,
            gzip,
            text,
            pieces: Vec::with_capacity(32),
            piece_start: 0,
            segment_start: 0,
            crc: 0,
            plain_bytes: 0,
        };
        body.begin_segment();
        body
    }

    /// Where own text is written. Call [`Body::settle`] at least every 32 KiB.
    pub(crate) fn text(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }

    /// Bytes so far, uncompressed.
    pub(crate) fn plain_bytes(&self) -> u64 {
        self.plain_bytes + (self.text.len() - self.segment_start) as u64
    }

    /// Starts a new stored block when the present one is half full.
    pub(crate) fn settle(&mut self) {
        if self.gzip && self.text.len() - self.segment_start > STORED_BYTES_MAX / 2 {
            self.end_segment(false);
            self.begin_segment();
        }
    }

    /// Appends a block of the library.
    pub(crate) fn block(&mut self, shelf_index: usize, index: usize) {
        self.end_segment(false);
        let shelf = &self.library.shelves[shelf_index];
        self.crc = shelf.append_crc(self.crc, shelf.blocks[index].crc);
        self.plain_bytes += shelf.block_bytes as u64;
        self.pieces.push(Piece::Block(shelf_index, index));
        self.begin_segment();
    }

    fn begin_segment(&mut self) {
        if self.gzip {
            self.text.extend_from_slice(&[0; STORED_HEAD_BYTES]);
        }
        self.segment_start = self.text.len();
    }

    fn end_segment(&mut self, last: bool) {
        let bytes = self.text.len() - self.segment_start;
        self.plain_bytes += bytes as u64;
        if self.gzip {
            let head = self.segment_start - STORED_HEAD_BYTES;
            if bytes == 0 && !last {
                self.text.truncate(head);
            } else {
                let length = u16::try_from(bytes).expect("own text settles below 64 KiB");
                self.text[head] = u8::from(last);
                self.text[head + 1..head + 3].copy_from_slice(&length.to_le_bytes());
                self.text[head + 3..head + 5].copy_from_slice(&(!length).to_le_bytes());
                let mut hasher = crc32fast::Hasher::new_with_initial(self.crc);
                hasher.update(&self.text[self.segment_start..]);
                self.crc = hasher.finalize();
            }
            if last {
                self.text.extend_from_slice(&self.crc.to_le_bytes());
                self.text
                    .extend_from_slice(&(self.plain_bytes as u32).to_le_bytes());
            }
        }
        if self.text.len() > self.piece_start {
            self.pieces
                .push(Piece::Own(self.piece_start, self.text.len()));
            self.piece_start = self.text.len();
        }
    }

    /// The parts in order. Cost: one reference count per part.
    pub(crate) fn finish(mut self) -> Parts {
        self.end_segment(true);
        let text = Bytes::from(self.text);
        let mut bytes = 0;
        let parts = self
            .pieces
            .iter()
            .map(|piece| {
                let part = match *piece {
                    Piece::Own(from, to) => text.slice(from..to),
                    Piece::Block(shelf, index) => {
                        let block = &self.library.shelves[shelf].blocks[index];
                        if self.gzip {
                            block.packed.clone()
                        } else {
                            block.plain.clone()
                        }
                    }
                };
                bytes += part.len();
                part
            })
            .collect();
        Parts { parts, bytes }
    }
}
