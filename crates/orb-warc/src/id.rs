//! Record ids: `urn:uuid` of version 4.
//!
//! In: 16 random bytes from the caller, or the text of a `WARC-Record-ID`.
//! Out: the id and its text. May touch: nothing else.
//! Invariant: an id made here is a valid UUID v4 (RFC 9562, 5.4).

use std::fmt;

/// Name of one record, unique in every archive (WARC 1.1, 5.2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId([u8; 16]);

impl RecordId {
    /// Makes an id of 16 random bytes; six bits are overwritten with the UUID version and variant.
    pub fn from_random(mut random: [u8; 16]) -> Self {
        random[6] = (random[6] & 0x0f) | 0x40;
        random[8] = (random[8] & 0x3f) | 0x80;
        Self(random)
    }

    /// The 16 bytes, as stored in index rows; [`RecordId::from_random`] of them gives the same id.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// Reads `<urn:uuid:…>`, with or without the angle brackets, in any case and of any UUID version.
    /// Returns `None` for other URIs, which the standard allows too.
    pub fn from_uri(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text
            .strip_prefix('<')
            .and_then(|t| t.strip_suffix('>'))
            .unwrap_or(text);
        let (scheme, uuid) = text.split_at_checked("urn:uuid:".len())?;
        if !scheme.eq_ignore_ascii_case("urn:uuid:") || uuid.len() != 36 {
            return None;
        }
        let mut hex = [0u8; 32];
        let mut filled = 0;
        for (at, byte) in uuid.bytes().enumerate() {
            if matches!(at, 8 | 13 | 18 | 23) {
                if byte != b'-' {
                    return None;
                }
            } else {
                hex[filled] = byte;
                filled += 1;
            }
        }
        let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(&hex).ok()?;
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<urn:uuid:")?;
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        f.write_str(">")
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 9562, 5.4: version 4 in the seventh byte, variant 10 in the ninth.
    #[test]
    fn random_bytes_become_a_version_4_uuid() {
        assert_eq!(
            RecordId::from_random([0; 16]).to_string(),
            "<urn:uuid:00000000-0000-4000-8000-000000000000>"
        );
        assert_eq!(
            RecordId::from_random([255; 16]).to_string(),
            "<urn:uuid:ffffffff-ffff-4fff-bfff-ffffffffffff>"
        );
    }

    #[test]
    fn other_uris_are_no_ids() {
        for text in [
            "",
            "<>",
            "urn:uuid:",
            "http://a.example/",
            "<urn:uuid:00000000-0000-4000-8000-00000000000>",
            "<urn:uuid:00000000_0000-4000-8000-000000000000>",
            "urn:uuid:0000000g-0000-4000-8000-000000000000",
            "urn:uuid:00000000-0000-4000-8000-0000000000é",
        ] {
            assert_eq!(RecordId::from_uri(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn ids_survive_their_text(random: [u8; 16]) {
            let id = RecordId::from_random(random);
            prop_assert_eq!(RecordId::from_uri(&id.to_string()), Some(id));
            prop_assert_eq!(RecordId::from_uri(&id.to_string().to_uppercase()[1..46]), Some(id));
            prop_assert_eq!(RecordId::from_random(id.to_bytes()), id);
        }
    }
}
