//! Whether what is in the store is what was sent.
//!
//! In: the object as the store tells of it, digests of what was sent. Out: how it was proven, or that it differs.
//! May touch: the store, reading. Invariant: a proof covers every byte: the length alone never proves anything.
//!
//! An S3 entity tag is the MD5 of the object, or of the MD5s of its parts with their number behind; the store computes it
//! from what it received. Where it has that form and is the one we computed, every byte arrived. Stores that encrypt with
//! their own keys, Google and Azure have other tags: there the object is read back and its SHA-256 compared.

use aws_lc_rs::digest::{Context, SHA256};
use futures_util::TryStreamExt;
use md5::{Digest, Md5};
use object_store::{GetOptions, ObjectMeta, ObjectStore};

use crate::ledger::Proof;

/// What is believed of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verify {
    /// Its checksum of what it received, where that is one we can compute; else the object is read back.
    #[default]
    Checksum,
    /// Nothing: every object is read back.
    ReadBack,
}

/// Digests of what is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) bytes: u64,
    /// Hexadecimal.
    pub(crate) sha256: String,
    /// The entity tag that S3 gives it, without quotes.
    pub(crate) tag: String,
}

/// Digests parts in their order.
pub(crate) struct Digesting {
    whole: Context,
    parts: Md5,
    count: u64,
    bytes: u64,
    single: bool,
    last: String,
}

impl Digesting {
    /// - `single`: the object is sent in one request, not as an upload of parts.
    pub(crate) fn new(single: bool) -> Digesting {
        Digesting {
            whole: Context::new(&SHA256),
            parts: Md5::new(),
            count: 0,
            bytes: 0,
            single,
            last: String::new(),
        }
    }

    /// Takes the next part, and returns its MD5.
    pub(crate) fn part(&mut self, bytes: &[u8]) -> String {
        let md5 = Md5::digest(bytes);
        self.whole.update(bytes);
        self.parts.update(md5);
        self.count += 1;
        self.bytes += bytes.len() as u64;
        self.last = hex(&md5);
        self.last.clone()
    }

    pub(crate) fn finish(self) -> Sent {
        let tag = if self.single {
            self.last
        } else {
            format!("{}-{}", hex(&self.parts.finalize()), self.count)
        };
        Sent {
            bytes: self.bytes,
            sha256: hex(self.whole.finish().as_ref()),
            tag,
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string does not fail");
        text
    })
}

/// Proves that the store holds what was sent; `None` when it holds something else.
pub(crate) async fn prove(
    store: &dyn ObjectStore,
    there: &ObjectMeta,
    sent: &Sent,
    verify: Verify,
) -> object_store::Result<Option<Proof>> {
    if there.size != sent.bytes {
        return Ok(None);
    }
    let tag = there.e_tag.as_deref().map(|tag| tag.trim_matches('"'));
    if verify == Verify::Checksum && tag.is_some_and(|tag| tag.eq_ignore_ascii_case(&sent.tag)) {
        return Ok(Some(Proof::Checksum));
    }
    let mut digest = Context::new(&SHA256);
    let got = store
        .get_opts(&there.location, GetOptions::default())
        .await?;
    let mut chunks = got.into_stream();
    while let Some(chunk) = chunks.try_next().await? {
        digest.update(&chunk);
    }
    let same = hex(digest.finish().as_ref()) == sent.sha256;
    Ok(same.then_some(Proof::ReadBack))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tags of `aws s3api`: MD5 of "hello"; and of the MD5s of "hel" and "lo", with their number.
    #[test]
    fn tags_are_those_of_s3() {
        let mut single = Digesting::new(true);
        single.part(b"hello");
        let single = single.finish();
        assert_eq!(single.tag, "5d41402abc4b2a76b9719d911017c592");
        let sha = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        assert_eq!(single.sha256, sha);
        let mut parts = Digesting::new(false);
        parts.part(b"hel");
        parts.part(b"lo");
        let parts = parts.finish();
        assert_eq!(parts.sha256, sha);
        assert_eq!(parts.tag, "554a2f6105cc700b8cc987b5ddfb8102-2");
    }
}
