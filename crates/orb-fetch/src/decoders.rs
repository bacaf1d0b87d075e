//! One function for each content coding: gzip, deflate, brotli, zstd.
//!
//! In: coded bytes and the most bytes to give. Out: one layer undone, as far as it goes.
//! May touch: the decoding libraries. Must not touch: names of codings, stacks of layers.
//! Invariant: never panics on input; output stops at its cap, windows at their limits; whatever was decoded before
//! damage is kept.

use std::cell::RefCell;
use std::io::Read;

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use memchr::memmem;
use ruzstd::decoding::errors::{FrameDecoderError, FrameHeaderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::decode::DecodeOddity;
use crate::limits;

/// What one layer gave: its output, and the oddity that ended or accompanied it.
pub(crate) struct Layer {
    pub(crate) output: Vec<u8>,
    pub(crate) oddity: Option<DecodeOddity>,
}

impl Layer {
    fn new(mut output: Vec<u8>, output_max: usize, oddity: Option<DecodeOddity>) -> Layer {
        if output.len() > output_max {
            output.truncate(output_max);
            return Layer {
                output,
                oddity: Some(DecodeOddity::CapReached),
            };
        }
        Layer { output, oddity }
    }
}

const GZIP_MAGIC: [u8; 3] = [0x1f, 0x8b, 0x08];

/// Header and trailer of the smallest gzip member (RFC 1952, 2.3).
const GZIP_BYTES_MIN: usize = 18;

pub(crate) fn gunzip(coded: &[u8], output_max: usize) -> Layer {
    if !coded.starts_with(&GZIP_MAGIC[..coded.len().min(3)]) {
        return Layer {
            output: Vec::new(),
            oddity: Some(DecodeOddity::Mislabelled),
        };
    }
    if let Some(output) = gunzip_whole(coded, output_max) {
        return Layer {
            output,
            oddity: None,
        };
    }
    gunzip_members(coded, output_max)
}

thread_local!(static SPARE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });

/// Takes back the buffer of a body that has been read, for the next one.
pub(crate) fn keep_spare(buffer: Vec<u8>) {
    if buffer.capacity() <= limits::SPARE_BYTES_MAX {
        SPARE.set(buffer);
    }
}

/// The fast path: one undamaged member whose trailer tells its size.
fn gunzip_whole(coded: &[u8], output_max: usize) -> Option<Vec<u8>> {
    thread_local!(static INFLATER: RefCell<libdeflater::Decompressor> = RefCell::new(libdeflater::Decompressor::new()));
    if coded.len() < GZIP_BYTES_MIN {
        return None;
    }
    let size = u32::from_le_bytes(coded.last_chunk().copied()?) as usize;
    // Deflate cannot exceed 1,032 : 1, so a larger size is not this body's; a second signature may be a
    // second member, which the size would not cover.
    if size > output_max
        || size / 1032 > coded.len()
        || memmem::find(&coded[3..], &GZIP_MAGIC).is_some()
    {
        return None;
    }
    // Fresh memory of a page's size would have to be cleared twice: by the kernel, and here.
    let mut output = SPARE.take();
    if output.capacity() < size {
        output = vec![0; size];
    }
    output.resize(size, 0);
    let written = INFLATER.with_borrow_mut(|inflater| inflater.gzip_decompress(coded, &mut output));
    if written == Ok(size) {
        return Some(output);
    }
    keep_spare(output);
    None
}

/// The general path: any number of members, damage, garbage behind them.
fn gunzip_members(coded: &[u8], output_max: usize) -> Layer {
    let mut output = Vec::with_capacity(first_capacity(coded.len(), output_max));
    let mut rest = coded;
    for _ in 0..limits::MEMBERS_MAX {
        let mut member = flate2::bufread::GzDecoder::new(rest);
        let end = read_capped(&mut member, &mut output, output_max);
        rest = member.into_inner();
        if end.is_some() {
            return Layer::new(output, output_max, end);
        }
        if rest.is_empty() {
            return Layer::new(output, output_max, None);
        }
        if !rest.starts_with(&GZIP_MAGIC) {
            break;
        }
    }
    Layer::new(output, output_max, Some(DecodeOddity::TrailingBytes))
}

/// `deflate` is a zlib stream (RFC 9110, 8.4.1.2), but some servers send the bare one.
pub(crate) fn inflate(coded: &[u8], output_max: usize) -> Layer {
    let mut output = Vec::with_capacity(first_capacity(coded.len(), output_max));
    let is_zlib = match coded {
        [method, flags, ..] => {
            method & 0x0f == 8 && (u16::from(*method) << 8 | u16::from(*flags)).is_multiple_of(31)
        }
        _ => false,
    };
    let (mut end, rest) = if is_zlib {
        let mut stream = flate2::bufread::ZlibDecoder::new(coded);
        (
            read_capped(&mut stream, &mut output, output_max),
            stream.into_inner(),
        )
    } else {
        let mut stream = flate2::bufread::DeflateDecoder::new(coded);
        (
            read_capped(&mut stream, &mut output, output_max),
            stream.into_inner(),
        )
    };
    if end == Some(DecodeOddity::Damaged) && output.is_empty() && !is_zlib {
        end = Some(DecodeOddity::Mislabelled);
    }
    if end.is_none() && !rest.is_empty() {
        end = Some(DecodeOddity::TrailingBytes);
    }
    Layer::new(output, output_max, end)
}

/// Room for text at its usual ratio, so that most bodies are decoded without growing.
fn first_capacity(coded: usize, output_max: usize) -> usize {
    coded
        .saturating_mul(4)
        .min(output_max)
        .min(limits::DECODED_BYTES_FIRST_MAX)
}

/// Makes room for `needed` more bytes of output: doubling at first, then at once for all that the cap allows, since
/// memory that is not written to costs nothing and copying a large page would hold it twice.
fn make_room(output: &mut Vec<u8>, needed: usize, output_max: usize) {
    if output.capacity() - output.len() >= needed {
        return;
    }
    let most = output_max.saturating_add(1);
    let next = match output.capacity() {
        capacity if capacity >= limits::DECODED_BYTES_FIRST_MAX => most,
        capacity => capacity.saturating_mul(2).max(4096).min(most),
    };
    output.reserve_exact(next.saturating_sub(output.len()).max(needed));
}

/// Reads to the end, to the error, or one byte past the cap.
fn read_capped(
    stream: &mut impl Read,
    output: &mut Vec<u8>,
    output_max: usize,
) -> Option<DecodeOddity> {
    while output.len() <= output_max {
        make_room(output, 1, output_max);
        let room = output.capacity().min(output_max.saturating_add(1)) - output.len();
        match stream.by_ref().take(room as u64).read_to_end(output) {
            Ok(read) if read < room => return None,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                return Some(DecodeOddity::CutShort);
            }
            Err(_) => return Some(DecodeOddity::Damaged),
        }
    }
    Some(DecodeOddity::CapReached)
}

/// Output cleared at a time once it has to grow.
const CLEARED_BYTES: usize = 1 << 20;

/// RFC 7932 streams; the large-window extension is off, so a window is at most [`limits::BROTLI_WINDOW_BYTES_MAX`].
pub(crate) fn unbrotli(coded: &[u8], output_max: usize) -> Layer {
    let alloc = StandardAlloc::default;
    let mut state = BrotliState::new_strict(alloc(), alloc(), alloc());
    let mut output = vec![0; first_capacity(coded.len(), output_max).max(4096)];
    let (mut left, mut offset, mut written, mut total) = (coded.len(), 0, 0, 0);
    let oddity = loop {
        let mut room = output.len() - written;
        let result = BrotliDecompressStream(
            &mut left,
            &mut offset,
            coded,
            &mut room,
            &mut written,
            &mut output,
            &mut total,
            &mut state,
        );
        match result {
            BrotliResult::ResultSuccess => break (left > 0).then_some(DecodeOddity::TrailingBytes),
            BrotliResult::NeedsMoreInput => break Some(DecodeOddity::CutShort),
            BrotliResult::ResultFailure => break Some(DecodeOddity::Damaged),
            BrotliResult::NeedsMoreOutput if written > output_max => {
                break Some(DecodeOddity::CapReached);
            }
            BrotliResult::NeedsMoreOutput => {
                make_room(&mut output, 1, output_max);
                // Room is cleared as it is needed, so that what stays unused costs nothing.
                let cleared = output.len().saturating_add(CLEARED_BYTES);
                output.resize(cleared.min(output.capacity()), 0);
            }
        }
    };
    output.truncate(written);
    Layer::new(output, output_max, oddity)
}

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A last, empty, raw block and an unchecked checksum: closes a broken frame so that its window can be read.
const ZSTD_CLOSING_BLOCK: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

pub(crate) fn unzstd(coded: &[u8], output_max: usize) -> Layer {
    let is_skippable =
        coded.len() >= 4 && coded[0] & 0xf0 == 0x50 && coded[1..4] == [0x2a, 0x4d, 0x18];
    if !coded.starts_with(&ZSTD_MAGIC[..coded.len().min(4)]) && !is_skippable {
        return Layer {
            output: Vec::new(),
            oddity: Some(DecodeOddity::Mislabelled),
        };
    }
    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(limits::ZSTD_WINDOW_BYTES_MAX);
    let mut output = Vec::new();
    let mut rest = coded;
    for _ in 0..limits::MEMBERS_MAX {
        if rest.is_empty() {
            return Layer::new(output, output_max, None);
        }
        match decoder.reset(&mut rest) {
            Ok(()) => {}
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => {
                rest = rest.get(length as usize..).unwrap_or_default();
                continue;
            }
            Err(
                FrameDecoderError::WindowSizeTooBig { .. }
                | FrameDecoderError::FrameHeaderError(FrameHeaderError::WindowTooBig { .. })
                | FrameDecoderError::FailedToInitialize(FrameHeaderError::WindowTooBig { .. }),
            ) if output.is_empty() => {
                return Layer {
                    output,
                    oddity: Some(DecodeOddity::WindowTooLarge),
                };
            }
            Err(_) if !output.is_empty() => break,
            Err(_) => {
                return Layer {
                    output,
                    oddity: Some(DecodeOddity::Damaged),
                };
            }
        }
        if let Some(end) = zstd_frame(&mut decoder, &mut rest, &mut output, output_max) {
            return Layer::new(output, output_max, Some(end));
        }
    }
    Layer::new(
        output,
        output_max,
        (!rest.is_empty()).then_some(DecodeOddity::TrailingBytes),
    )
}

/// Decodes one frame whose header was read; what ended it early, if anything.
fn zstd_frame(
    decoder: &mut FrameDecoder,
    rest: &mut &[u8],
    output: &mut Vec<u8>,
    output_max: usize,
) -> Option<DecodeOddity> {
    let mut end = None;
    while !decoder.is_finished() {
        if decoder
            .decode_blocks(&mut *rest, BlockDecodingStrategy::UptoBlocks(1))
            .is_err()
        {
            end = Some(if rest.is_empty() {
                DecodeOddity::CutShort
            } else {
                DecodeOddity::Damaged
            });
            break;
        }
        drain(decoder, output, output_max);
        if output.len() > output_max {
            return Some(DecodeOddity::CapReached);
        }
    }
    if end.is_some() {
        // Cannot fail by itself; if the decoder is beyond help, what was drained so far is what there is.
        decoder
            .decode_blocks(
                &ZSTD_CLOSING_BLOCK[..],
                BlockDecodingStrategy::UptoBlocks(1),
            )
            .ok();
    }
    drain(decoder, output, output_max);
    end
}

fn drain(decoder: &mut FrameDecoder, output: &mut Vec<u8>, output_max: usize) {
    if decoder.can_collect() > 0 {
        let needed = decoder.can_collect();
        make_room(output, needed, output_max.saturating_add(needed));
        // Writing to memory does not fail.
        decoder.collect_to_writer(output).ok();
    }
}
