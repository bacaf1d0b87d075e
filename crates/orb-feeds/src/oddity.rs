//! Oddities: what a site owner would want to mend in a sitemap.
//!
//! In: nothing. Out: the closed list, each with a name, words and a count. May touch: nothing. Must not touch: reading.
//! Invariant: an oddity never decides anything, and there are never more of them than kinds.

use std::fmt;

/// How often something was odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Oddity {
    /// What.
    pub kind: OddityKind,
    /// How often, at least once.
    pub count: u32,
}

/// What can be odd about a sitemap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OddityKind {
    /// A date that is in no form known, not in the calendar, or from before the web; taken as none.
    BadDate,
    /// A record without a location; left out.
    NoLocation,
    /// A location with control characters or with bytes that its encoding does not have; left out.
    BadLocation,
    /// A location longer than the limit; left out.
    LongLocation,
    /// A second location in one record; the first counts.
    SecondLocation,
    /// A location outside a record; taken all the same.
    LooseLocation,
    /// A record that another one begins in; taken as ended.
    UnclosedRecord,
    /// A line of a text sitemap that is no address; left out.
    NoAddress,
    /// A reference to an entity that XML does not define; left as written.
    UnknownEntity,
    /// A document type declaration; not heeded.
    Dtd,
    /// Elements nested deeper than any extension does.
    Deep,
    /// An encoding nobody knows; read as UTF-8.
    UnknownEncoding,
    /// An encoding that hides markup (UTF-7 and the like); the document is not read.
    RefusedEncoding,
    /// Bytes that the document's encoding does not have.
    BadBytes,
    /// Packed twice; not read.
    PackedTwice,
    /// Bytes behind the packed data, or too many parts; not read.
    TrailingBytes,
}

impl OddityKind {
    /// A stable name in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            OddityKind::BadDate => "bad_date",
            OddityKind::NoLocation => "no_location",
            OddityKind::BadLocation => "bad_location",
            OddityKind::LongLocation => "long_location",
            OddityKind::SecondLocation => "second_location",
            OddityKind::LooseLocation => "loose_location",
            OddityKind::UnclosedRecord => "unclosed_record",
            OddityKind::NoAddress => "no_address",
            OddityKind::UnknownEntity => "unknown_entity",
            OddityKind::Dtd => "dtd",
            OddityKind::Deep => "deep",
            OddityKind::UnknownEncoding => "unknown_encoding",
            OddityKind::RefusedEncoding => "refused_encoding",
            OddityKind::BadBytes => "bad_bytes",
            OddityKind::PackedTwice => "packed_twice",
            OddityKind::TrailingBytes => "trailing_bytes",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            OddityKind::BadDate => "date that cannot be read, ignored",
            OddityKind::NoLocation => "record without a location, left out",
            OddityKind::BadLocation => "location with characters no address has, left out",
            OddityKind::LongLocation => "location that is too long, left out",
            OddityKind::SecondLocation => "second location in one record, ignored",
            OddityKind::LooseLocation => "location outside a record, taken",
            OddityKind::UnclosedRecord => "record without an end, taken",
            OddityKind::NoAddress => "line that is no address, left out",
            OddityKind::UnknownEntity => {
                "reference to an entity XML does not define, left as written"
            }
            OddityKind::Dtd => "document type declaration, ignored",
            OddityKind::Deep => "element nested too deep, ignored",
            OddityKind::UnknownEncoding => "unknown encoding, read as UTF-8",
            OddityKind::RefusedEncoding => "encoding that hides markup, document not read",
            OddityKind::BadBytes => "bytes outside the document's encoding",
            OddityKind::PackedTwice => "packed twice, not read",
            OddityKind::TrailingBytes => "bytes behind the packed data, ignored",
        }
    }
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.kind.words(), self.count)
    }
}

/// Oddities as they are found.
#[derive(Debug, Default)]
pub(crate) struct Oddities(pub(crate) Vec<Oddity>);

impl Oddities {
    pub(crate) fn note(&mut self, kind: OddityKind) {
        match self.0.iter_mut().find(|oddity| oddity.kind == kind) {
            Some(oddity) => oddity.count = oddity.count.saturating_add(1),
            None => self.0.push(Oddity { kind, count: 1 }),
        }
    }
}
