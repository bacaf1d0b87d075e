//! Found URLs packed for the way to a merge: each as its difference from the one before.
//!
//! In: found URLs in some order. Out: bytes; the stored forms again, in the same order.
//! May touch: nothing. Must not touch: files.
//! Invariant: a stored form comes out as [`Found::encode_into`] makes it. Packed bytes are read by the process that
//! wrote them and by no other, so they carry no version.
//!
//! Links come page by page: they share the page that named them, the start of their URLs and everything else, so
//! packing halves what is written to the disk, which is the dearest part of a check.
//!
//! | bytes | content |
//! |---|---|
//! | 1 | 1 the head is that of the one before, 2 so is `via` |
//! | varint, n | the head, if it is another: what stands before the URL in the stored form |
//! | varint, varint, n | URL: bytes that it shares with the start of the one before, then the rest |
//! | varint, varint, n | `via`, if there is one and it is another: in the same way |

use crate::codec::{DecodeError, put_bytes, put_varint, take_bytes, take_u8, take_varint};
use crate::found::{Found, encode_urls, shared_start};

const SAME_HEAD: u8 = 1;
const SAME_VIA: u8 = 2;

/// The flag of a head that says there is a `via`.
const HAS_VIA: u8 = 1;

/// The one before.
#[derive(Default)]
struct Last {
    head: Vec<u8>,
    url: Vec<u8>,
    via: Vec<u8>,
}

/// Packs.
#[derive(Default)]
pub(super) struct Packer {
    last: Last,
    head: Vec<u8>,
}

impl Packer {
    /// Appends `found`. Cost: a few comparisons, and a copy of what differs.
    pub(super) fn pack(&mut self, found: &Found, out: &mut Vec<u8>) {
        let last = &mut self.last;
        self.head.clear();
        found.encode_head(&mut self.head);
        let same_head = self.head == last.head;
        let via = found.via.as_ref().map(|via| via.as_str().as_bytes());
        let same_via = via.is_none_or(|via| via == last.via);
        let flag = |set, flag| if set { flag } else { 0 };
        out.push(flag(same_head, SAME_HEAD) | flag(same_via, SAME_VIA));
        if !same_head {
            put_bytes(out, &self.head);
            std::mem::swap(&mut self.head, &mut last.head);
        }
        put_difference(&mut last.url, found.url.as_str().as_bytes(), out);
        if let Some(via) = via.filter(|_| !same_via) {
            put_difference(&mut last.via, via, out);
        }
    }

    /// Memory.
    pub(super) fn heap_bytes(&self) -> usize {
        self.last.url.capacity() + self.last.via.capacity()
    }
}

fn put_difference(last: &mut Vec<u8>, text: &[u8], out: &mut Vec<u8>) {
    let shared = shared_start(last, text);
    put_varint(out, shared as u64);
    put_bytes(out, &text[shared..]);
    last.truncate(shared);
    last.extend_from_slice(&text[shared..]);
}

/// Unpacks, from the first on.
#[derive(Default)]
pub(super) struct Unpacker {
    last: Last,
}

impl Unpacker {
    /// Takes the next from the front of `input`.
    pub(super) fn take(&mut self, input: &mut &[u8]) -> Result<(), DecodeError> {
        let last = &mut self.last;
        let same = take_u8(input)?;
        if same & SAME_HEAD == 0 {
            last.head.clear();
            last.head.extend_from_slice(take_bytes(input)?);
        }
        take_difference(&mut last.url, input)?;
        let has_via = last.head.first().is_some_and(|flags| flags & HAS_VIA != 0);
        if has_via && same & SAME_VIA == 0 {
            take_difference(&mut last.via, input)?;
        }
        Ok(())
    }

    /// Replaces `out` by the stored form of the one that was taken last.
    pub(super) fn stored(&self, out: &mut Vec<u8>) {
        let Last { head, url, via } = &self.last;
        out.clear();
        out.extend_from_slice(head);
        let has_via = head.first().is_some_and(|flags| flags & HAS_VIA != 0);
        encode_urls(url, has_via.then_some(via), out);
    }
}

fn take_difference(last: &mut Vec<u8>, input: &mut &[u8]) -> Result<(), DecodeError> {
    let shared = take_varint(input)? as usize;
    if shared > last.len() {
        return Err(DecodeError::Value { field: "shared" });
    }
    last.truncate(shared);
    last.extend_from_slice(take_bytes(input)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::found::How;
    use orb_url::CrawlUrl;
    use proptest::prelude::*;

    fn found() -> impl Strategy<Value = Found> {
        let url = "https://[ab]\\.example/[a-b/]{0,20}"
            .prop_filter_map("no URL", |text| CrawlUrl::parse(&text).ok());
        let rest = (
            0..3_u16,
            0..8_u8,
            any::<bool>(),
            proptest::option::of(0..300_u32),
        );
        (url.clone(), proptest::option::of(url), rest).prop_map(
            |(url, via, (depth, how, bare_domain, rank))| Found {
                url,
                via,
                depth: depth * 200,
                hops: 0,
                how: How::from_code(how % 2).unwrap(),
                bare_domain,
                rank,
            },
        )
    }

    proptest! {
        #[test]
        fn stored_forms_come_out_as_they_went_in(all in proptest::collection::vec(found(), 0..20)) {
            let (mut packer, mut packed) = (Packer::default(), Vec::new());
            for found in &all {
                packer.pack(found, &mut packed);
            }
            let (mut unpacker, mut input) = (Unpacker::default(), &packed[..]);
            for found in &all {
                let (mut expected, mut stored) = (Vec::new(), Vec::new());
                found.encode_into(&mut expected);
                unpacker.take(&mut input).unwrap();
                unpacker.stored(&mut stored);
                prop_assert_eq!(stored, expected);
            }
            prop_assert!(input.is_empty());
        }

        #[test]
        fn no_bytes_make_the_unpacker_panic(bytes: Vec<u8>) {
            let (mut unpacker, mut input) = (Unpacker::default(), &bytes[..]);
            while unpacker.take(&mut input).is_ok() {
                unpacker.stored(&mut Vec::new());
            }
        }
    }
}
