//! Content codings: from the payload on the wire to the bytes of the page.
//!
//! In: the `Content-Encoding` value, the payload, limits. Out: the bytes, and what was odd.
//! May touch: decoders. Must not touch: sockets, charsets.
//! Invariant: never fails and never panics on input; output, ratio, layers and windows are bounded; of a
//! damaged or oversized body the useful prefix is kept.

use std::borrow::Cow;
use std::cell::RefCell;
use std::io::Read;

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use memchr::memmem;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::limits;

/// Bounds of one decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Most decoded bytes.
    pub bytes_max: u64,
    /// Most decoded bytes per coded byte, beyond the first mebibyte.
    pub ratio_max: u64,
    /// Most layers.
    pub layers_max: u8,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        DecodeLimits {
            bytes_max: limits::DECODED_BYTES_MAX,
            ratio_max: limits::DECODED_RATIO_MAX,
            layers_max: limits::LAYERS_MAX,
        }
    }
}

impl DecodeLimits {
    fn output_max(&self, coded: usize) -> usize {
        let by_ratio = (coded as u64).saturating_mul(self.ratio_max).max(limits::DECODED_RATIO_FREE_BYTES);
        usize::try_from(self.bytes_max.min(by_ratio)).unwrap_or(usize::MAX)
    }
}

/// Something about a coded body that a person may want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DecodeOddity {
    /// A coding is named that nobody decodes here; the payload stays coded.
    UnknownCoding,
    /// More layers than the limit; the payload stays coded.
    TooManyLayers,
    /// The payload is not in the coding it is labelled with; taken as it is.
    Mislabelled,
    /// The coded data ends early.
    CutShort,
    /// The coded data is damaged from some point on.
    Damaged,
    /// The output reached its cap or ratio.
    CapReached,
    /// A zstd window beyond the limit.
    WindowTooLarge,
    /// Bytes follow the end of the coded data.
    TrailingBytes,
}

impl DecodeOddity {
    /// A stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            DecodeOddity::UnknownCoding => "unknown_coding",
            DecodeOddity::TooManyLayers => "too_many_layers",
            DecodeOddity::Mislabelled => "mislabelled",
            DecodeOddity::CutShort => "cut_short",
            DecodeOddity::Damaged => "damaged",
            DecodeOddity::CapReached => "cap_reached",
            DecodeOddity::WindowTooLarge => "window_too_large",
            DecodeOddity::TrailingBytes => "trailing_bytes",
        }
    }
}

/// The outcome of decoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// The bytes: borrowed when nothing had to be undone.
    pub bytes: Cow<'a, [u8]>,
    /// Whether something is missing at the end.
    pub truncated: bool,
    /// Whether `bytes` are still in a coding that could not be undone: not to be read as a page.
    pub encoded: bool,
    /// What was odd, in the order it was met.
    pub oddities: Vec<DecodeOddity>,
}

#[derive(Clone, Copy)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    /// RFC 9110, 8.4.1: names are compared without case; `x-gzip` is `gzip`.
    fn of_name(name: &str) -> Option<Coding> {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if is("gzip") || is("x-gzip") {
            Some(Coding::Gzip)
        } else if is("deflate") {
            Some(Coding::Deflate)
        } else if is("br") {
            Some(Coding::Brotli)
        } else if is("zstd") {
            Some(Coding::Zstd)
        } else {
            None
        }
    }

    fn undo(self, coded: &[u8], output_max: usize) -> Layer {
        match self {
            Coding::Gzip => gunzip(coded, output_max),
            Coding::Deflate => inflate(coded, output_max),
            Coding::Brotli => unbrotli(coded, output_max),
            Coding::Zstd => unzstd(coded, output_max),
        }
    }
}

/// What one layer gave: its output, and the oddity that ended or accompanied it.
struct Layer {
    output: Vec<u8>,
    oddity: Option<DecodeOddity>,
}

impl Layer {
    fn new(mut output: Vec<u8>, output_max: usize, oddity: Option<DecodeOddity>) -> Layer {
        if output.len() > output_max {
            output.truncate(output_max);
            return Layer { output, oddity: Some(DecodeOddity::CapReached) };
        }
        Layer { output, oddity }
    }
}

/// Undoes the content codings of `payload`, last applied first (RFC 9110, 8.4).
///
/// - `content_encoding`: the joined values of the field; `identity` and empty elements are skipped.
/// - Never fails: unknown codings and too many layers leave the payload as it is (`encoded` is set);
///   a payload that lacks its coding's signature is taken as it is; damage keeps the prefix.
/// - Cost: O(output), about 0.7 ms per MB of gzip output; one allocation of the output per layer.
#[must_use]
pub fn decode_content<'a>(
    content_encoding: Option<&str>,
    payload: &'a [u8],
    limits: &DecodeLimits,
) -> Decoded<'a> {
    let mut decoded =
        Decoded { bytes: Cow::Borrowed(payload), truncated: false, encoded: false, oddities: Vec::new() };
    let names = content_encoding.unwrap_or("").split(',').map(str::trim);
    let mut codings = Vec::new();
    for name in names.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity")) {
        let oddity = match Coding::of_name(name) {
            Some(_) if codings.len() >= usize::from(limits.layers_max) => DecodeOddity::TooManyLayers,
            Some(coding) => {
                codings.push(coding);
                continue;
            }
            None => DecodeOddity::UnknownCoding,
        };
        decoded.encoded = !payload.is_empty();
        decoded.oddities.push(oddity);
        return decoded;
    }
    // The ratio is one of the whole stack, so that stacked bombs do not multiply it.
    let output_max = limits.output_max(payload.len());
    for coding in codings.into_iter().rev() {
        if !undo_layer(coding, &mut decoded, output_max) {
            break;
        }
    }
    decoded
}

/// Undoes one layer in place; false when nothing further can be undone.
fn undo_layer(coding: Coding, decoded: &mut Decoded<'_>, output_max: usize) -> bool {
    if decoded.bytes.is_empty() {
        return true;
    }
    let layer = coding.undo(&decoded.bytes, output_max);
    decoded.oddities.extend(layer.oddity);
    match layer.oddity {
        Some(DecodeOddity::Mislabelled) => return true,
        Some(DecodeOddity::WindowTooLarge) => {
            decoded.encoded = true;
            return false;
        }
        Some(DecodeOddity::CutShort | DecodeOddity::Damaged) if layer.output.is_empty() => {
            decoded.encoded = true;
            decoded.truncated = true;
            return false;
        }
        Some(DecodeOddity::CutShort | DecodeOddity::Damaged | DecodeOddity::CapReached) => {
            decoded.truncated = true;
        }
        _ => {}
    }
    decoded.bytes = Cow::Owned(layer.output);
    true
}

const GZIP_MAGIC: [u8; 3] = [0x1f, 0x8b, 0x08];

/// Header and trailer of the smallest gzip member (RFC 1952, 2.3).
const GZIP_BYTES_MIN: usize = 18;

fn gunzip(coded: &[u8], output_max: usize) -> Layer {
    if !coded.starts_with(&GZIP_MAGIC[..coded.len().min(3)]) {
        return Layer { output: Vec::new(), oddity: Some(DecodeOddity::Mislabelled) };
    }
    if let Some(output) = gunzip_whole(coded, output_max) {
        return Layer { output, oddity: None };
    }
    gunzip_members(coded, output_max)
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
    if size > output_max || size / 1032 > coded.len() || memmem::find(&coded[3..], &GZIP_MAGIC).is_some() {
        return None;
    }
    let mut output = vec![0; size];
    let written = INFLATER.with_borrow_mut(|inflater| inflater.gzip_decompress(coded, &mut output));
    (written == Ok(size)).then_some(output)
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
fn inflate(coded: &[u8], output_max: usize) -> Layer {
    let mut output = Vec::with_capacity(first_capacity(coded.len(), output_max));
    let is_zlib = match coded {
        [method, flags, ..] => {
            method & 0x0f == 8 && (u16::from(*method) << 8 | u16::from(*flags)).is_multiple_of(31)
        }
        _ => false,
    };
    let (mut end, rest) = if is_zlib {
        let mut stream = flate2::bufread::ZlibDecoder::new(coded);
        (read_capped(&mut stream, &mut output, output_max), stream.into_inner())
    } else {
        let mut stream = flate2::bufread::DeflateDecoder::new(coded);
        (read_capped(&mut stream, &mut output, output_max), stream.into_inner())
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
    coded.saturating_mul(4).min(output_max)
}

/// Reads to the end, to the error, or one byte past the cap.
fn read_capped(stream: &mut impl Read, output: &mut Vec<u8>, output_max: usize) -> Option<DecodeOddity> {
    let room = (output_max - output.len().min(output_max)) as u64 + 1;
    match stream.take(room).read_to_end(output) {
        Ok(_) => (output.len() > output_max).then_some(DecodeOddity::CapReached),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Some(DecodeOddity::CutShort),
        Err(_) => Some(DecodeOddity::Damaged),
    }
}

/// RFC 7932 streams; the large-window extension is off, so a window is at most 16 MiB.
fn unbrotli(coded: &[u8], output_max: usize) -> Layer {
    let alloc = StandardAlloc::default;
    let mut state = BrotliState::new_strict(alloc(), alloc(), alloc());
    let mut output = vec![0; first_capacity(coded.len(), output_max).max(4096)];
    let (mut left, mut offset, mut written, mut total) = (coded.len(), 0, 0, 0);
    let oddity = loop {
        let mut room = output.len() - written;
        let result = BrotliDecompressStream(
            &mut left, &mut offset, coded, &mut room, &mut written, &mut output, &mut total, &mut state,
        );
        match result {
            BrotliResult::ResultSuccess => break (left > 0).then_some(DecodeOddity::TrailingBytes),
            BrotliResult::NeedsMoreInput => break Some(DecodeOddity::CutShort),
            BrotliResult::ResultFailure => break Some(DecodeOddity::Damaged),
            BrotliResult::NeedsMoreOutput if written > output_max => break Some(DecodeOddity::CapReached),
            BrotliResult::NeedsMoreOutput => {
                let grown = output.len().saturating_mul(2).min(output_max.saturating_add(1));
                output.resize(grown, 0);
            }
        }
    };
    output.truncate(written);
    Layer::new(output, output_max, oddity)
}

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A last, empty, raw block and an unchecked checksum: closes a broken frame so that its window can be read.
const ZSTD_CLOSING_BLOCK: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

fn unzstd(coded: &[u8], output_max: usize) -> Layer {
    let is_skippable = coded.len() >= 4 && coded[0] & 0xf0 == 0x50 && coded[1..4] == [0x2a, 0x4d, 0x18];
    if !coded.starts_with(&ZSTD_MAGIC[..coded.len().min(4)]) && !is_skippable {
        return Layer { output: Vec::new(), oddity: Some(DecodeOddity::Mislabelled) };
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
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                rest = rest.get(length as usize..).unwrap_or_default();
                continue;
            }
            Err(FrameDecoderError::WindowSizeTooBig { .. }) if output.is_empty() => {
                return Layer { output, oddity: Some(DecodeOddity::WindowTooLarge) };
            }
            Err(_) if !output.is_empty() => break,
            Err(_) => return Layer { output, oddity: Some(DecodeOddity::Damaged) },
        }
        if let Some(end) = zstd_frame(&mut decoder, &mut rest, &mut output, output_max) {
            return Layer::new(output, output_max, Some(end));
        }
    }
    Layer::new(output, output_max, (!rest.is_empty()).then_some(DecodeOddity::TrailingBytes))
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
        if decoder.decode_blocks(&mut *rest, BlockDecodingStrategy::UptoBlocks(1)).is_err() {
            end = Some(if rest.is_empty() { DecodeOddity::CutShort } else { DecodeOddity::Damaged });
            break;
        }
        drain(decoder, output);
        if output.len() > output_max {
            return Some(DecodeOddity::CapReached);
        }
    }
    if end.is_some() {
        let closed = decoder.decode_blocks(&ZSTD_CLOSING_BLOCK[..], BlockDecodingStrategy::UptoBlocks(1));
        debug_assert!(closed.is_ok(), "an empty last block always decodes");
    }
    drain(decoder, output);
    end
}

fn drain(decoder: &mut FrameDecoder, output: &mut Vec<u8>) {
    if decoder.can_collect() > 0 {
        let drained = decoder.collect_to_writer(output);
        debug_assert!(drained.is_ok(), "writing to memory does not fail");
    }
}
