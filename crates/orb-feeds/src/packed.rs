//! Sitemaps that are gzip files: their members unpacked, within a limit.
//!
//! In: a body. Out: the document in it. May touch: flate2. Must not touch: text.
//! Invariant: never more than the limit and one piece is unpacked, and damaged data give what stands before the damage.

use std::borrow::Cow;

use flate2::{Decompress, FlushDecompress, Status};

use crate::Cut;
use crate::limits::{MEMBERS_MAX, PIECE_BYTES};
use crate::oddity::{Oddities, OddityKind};

/// How a gzip member with the only method there is begins (RFC 1952, 2.3.1).
const MAGIC: [u8; 3] = [0x1F, 0x8B, 8];

/// The largest window there is, which unpacks all smaller ones (RFC 1951).
const WINDOW_BITS: u8 = 15;

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

/// All members, one behind the other (RFC 1952, 2.2); ends with the first piece beyond the limit.
fn members(body: &[u8], bytes_max: usize, oddities: &mut Oddities) -> Unpacked<'static> {
    let mut bytes = Vec::new();
    let mut rest = body;
    let mut cut = None;
    for _ in 0..MEMBERS_MAX {
        cut = member(&mut rest, &mut bytes, bytes_max);
        if cut.is_some() || !rest.starts_with(&MAGIC) {
            break;
        }
    }
    // Padding to the size of a block is no news.
    if cut.is_none() && rest.iter().any(|&byte| byte != 0) {
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

/// Unpacks one member off the front of `rest`. Piece by piece by hand, because a reader of flate2 that meets damage
/// takes with it what it had unpacked before it.
fn member(rest: &mut &[u8], bytes: &mut Vec<u8>, bytes_max: usize) -> Option<Cut> {
    let mut inflate = Decompress::new_gzip(WINDOW_BITS);
    let mut piece = [0; PIECE_BYTES];
    loop {
        let (read, written) = (inflate.total_in(), inflate.total_out());
        let status = inflate.decompress(rest, &mut piece, FlushDecompress::None);
        let read = (inflate.total_in() - read) as usize;
        let written = (inflate.total_out() - written) as usize;
        bytes.extend_from_slice(&piece[..written]);
        *rest = &rest[read..];
        match status {
            _ if bytes.len() > bytes_max => return Some(Cut::Bytes),
            Ok(Status::StreamEnd) => return None,
            Ok(_) if read + written > 0 => {}
            Ok(_) | Err(_) => return Some(Cut::Packed),
        }
    }
}
