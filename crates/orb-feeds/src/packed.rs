//! Sitemaps that are gzip files: their members unpacked, within a limit.
//!
//! In: a body. Out: the document in it. May touch: flate2. Must not touch: text.
//! Invariant: never more than the limit and one byte is unpacked, and damaged data give what stands before the damage.

use std::borrow::Cow;
use std::io::Read as _;

use flate2::bufread::GzDecoder;

use crate::Cut;
use crate::limits::MEMBERS_MAX;
use crate::oddity::{Oddities, OddityKind};

/// How a gzip member with the only method there is begins (RFC 1952, 2.3.1).
const MAGIC: [u8; 3] = [0x1F, 0x8B, 8];

/// A document with its packing taken off.
#[derive(Debug)]
pub(crate) struct Unpacked<'b> {
    pub(crate) bytes: Cow<'b, [u8]>,
    pub(crate) cut: Option<Cut>,
}

/// Takes gzip off where there is any.
///
/// - Bytes that only look packed and do not unpack are a document without bytes.
pub(crate) fn unpacked<'b>(
    body: &'b [u8],
    bytes_max: usize,
    oddities: &mut Oddities,
) -> Unpacked<'b> {
    let mut whole = if body.starts_with(&MAGIC) {
        members(body, bytes_max, oddities)
    } else {
        Unpacked {
            bytes: Cow::Borrowed(body),
            cut: None,
        }
    };
    if whole.bytes.len() > bytes_max {
        whole.cut = Some(Cut::Bytes);
        match &mut whole.bytes {
            Cow::Borrowed(bytes) => *bytes = &bytes[..bytes_max],
            Cow::Owned(bytes) => bytes.truncate(bytes_max),
        }
    }
    whole
}

/// All members, one behind the other (RFC 1952, 2.2); ends one byte beyond the limit.
fn members(body: &[u8], bytes_max: usize, oddities: &mut Oddities) -> Unpacked<'static> {
    let mut bytes = Vec::new();
    let mut cut = None;
    let mut rest = body;
    for _ in 0..MEMBERS_MAX {
        let room = (bytes_max + 1).saturating_sub(bytes.len());
        let mut member = GzDecoder::new(rest);
        let read = member.by_ref().take(room as u64).read_to_end(&mut bytes);
        rest = member.into_inner();
        if read.is_err() {
            cut = Some(Cut::Packed);
        }
        if read.is_err() || bytes.len() > bytes_max {
            rest = &[];
        }
        if !rest.starts_with(&MAGIC) {
            break;
        }
    }
    // Tape-like padding is no news.
    if rest.iter().any(|&byte| byte != 0) {
        oddities.note(OddityKind::TrailingBytes);
    }
    if bytes.starts_with(&MAGIC) {
        oddities.note(OddityKind::PackedTwice);
        bytes.clear();
    }
    Unpacked {
        bytes: Cow::Owned(bytes),
        cut,
    }
}
