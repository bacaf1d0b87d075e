//! SHA-1 digests in the labelled base32 form that archives use (WARC 1.1, 5.8).
//!
//! In: bytes, or the text of a digest field. Out: the digest and its text.
//! May touch: nothing else.
//! Invariant: one digest has one text, `sha1:` and 32 upper-case base32 digits.

use std::fmt;

use data_encoding::{BASE32, HEXLOWER_PERMISSIVE};
use sha1::{Digest as _, Sha1};

/// SHA-1 of a block or a payload. It tells copies apart, it proves nothing against an attacker.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 20]);

impl Digest {
    /// SHA-1 of `bytes`.
    pub fn sha1(bytes: &[u8]) -> Self {
        Self::of_parts(&[bytes])
    }

    /// SHA-1 of the parts one after the other, as if they were joined.
    pub fn of_parts(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha1::new();
        for part in parts {
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }

    /// Takes a digest computed elsewhere, such as while the body arrived.
    pub fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// The 20 bytes.
    pub fn to_bytes(self) -> [u8; 20] {
        self.0
    }

    /// Reads `sha1:` with 32 base32 or 40 hexadecimal digits in any case, as other writers label them.
    /// Returns `None` for other algorithms and malformed text.
    pub fn parse(text: &str) -> Option<Self> {
        let (label, value) = text.trim().split_once(':')?;
        if !label.eq_ignore_ascii_case("sha1") && !label.eq_ignore_ascii_case("sha-1") {
            return None;
        }
        let bytes = match value.len() {
            32 => BASE32.decode(value.to_ascii_uppercase().as_bytes()).ok()?,
            40 => HEXLOWER_PERMISSIVE.decode(value.as_bytes()).ok()?,
            _ => return None,
        };
        bytes.try_into().ok().map(Self)
    }
}

/// A digest of bytes that come one after another.
#[derive(Clone, Default)]
pub struct DigestOf(Sha1);

impl DigestOf {
    /// Adds bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all of them.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha1:{}", BASE32.encode(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The digest of nothing is known to every archivist.
    #[test]
    fn text_is_label_and_base32() {
        assert_eq!(
            Digest::sha1(b"").to_string(),
            "sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"
        );
    }

    #[test]
    fn hexadecimal_and_lower_case_are_read() {
        let empty = Digest::sha1(b"");
        assert_eq!(
            Digest::parse("SHA1:da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            Some(empty)
        );
        assert_eq!(
            Digest::parse("sha-1:3i42h3s6nnfq2msvx7xzkyayscx5qbyj"),
            Some(empty)
        );
        for text in [
            "",
            "sha1",
            "sha1:",
            "sha256:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ",
            "sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBY1",
            "sha1:é",
        ] {
            assert_eq!(Digest::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn parts_are_one_text(a: Vec<u8>, b: Vec<u8>) {
            let digest = Digest::of_parts(&[&a, &b]);
            prop_assert_eq!(digest, Digest::sha1(&[a, b].concat()));
            prop_assert_eq!(Digest::parse(&digest.to_string()), Some(digest));
        }
    }
}
