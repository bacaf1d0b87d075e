//! Content codings: from the payload on the wire to the bytes of the page.
//!
//! In: the `Content-Encoding` value, the payload, limits. Out: the bytes, and what was odd.
//! May touch: `decoders`. Must not touch: sockets, charsets.
//! Invariant: never fails and never panics on input; output, ratio, layers and windows are bounded; of a
//! damaged or oversized body the useful prefix is kept.

use std::borrow::Cow;

use crate::decoders::{Layer, gunzip, inflate, keep_spare, unbrotli, unzstd};
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
        let by_ratio = (coded as u64)
            .saturating_mul(self.ratio_max)
            .max(limits::DECODED_RATIO_FREE_BYTES);
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

impl Decoded<'_> {
    /// Gives the buffer back for the next body that this thread decodes. Optional; saves clearing fresh memory.
    pub fn recycle(self) {
        if let Cow::Owned(buffer) = self.bytes {
            keep_spare(buffer);
        }
    }
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
    let mut decoded = Decoded {
        bytes: Cow::Borrowed(payload),
        truncated: false,
        encoded: false,
        oddities: Vec::new(),
    };
    let names = content_encoding.unwrap_or("").split(',').map(str::trim);
    let mut codings = Vec::new();
    for name in names.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity")) {
        let oddity = match Coding::of_name(name) {
            Some(_) if codings.len() >= usize::from(limits.layers_max) => {
                DecodeOddity::TooManyLayers
            }
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
    let mut left = codings.len();
    for coding in codings.into_iter().rev() {
        left -= 1;
        let layer_max = match left {
            0 => output_max,
            _ => output_max.min(limits::LAYER_BETWEEN_BYTES_MAX),
        };
        if !undo_layer(coding, &mut decoded, layer_max) {
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
