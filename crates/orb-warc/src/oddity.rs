//! What can be odd about a record that could still be read.
//!
//! In: nothing. Out: the closed list of oddities.
//! May touch: nothing else.
//! Invariant: an oddity is reported once for a record, in the order of discovery.

/// Something a strict writer would not have written. Our own archives have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Oddity {
    /// The version is neither `WARC/1.1` nor `WARC/1.0`.
    Version,
    /// A line ends with LF alone, or with the end of the block.
    LineEnd,
    /// A field is continued on the next line.
    FoldedLine,
    /// A line has no colon; it was dropped.
    NoColon,
    /// Text is not UTF-8; the wrong bytes were replaced.
    NotUtf8,
    /// There are more fields than `FIELDS_MAX`; the rest was dropped.
    FieldsCut,
    /// `Content-Length` is given more than once; the first counts.
    LengthRepeated,
    /// The block is longer than the reader's limit; only its beginning was kept.
    BlockCut,
    /// The block is not followed by exactly two empty lines, as the last thing of its member.
    RecordEnd,
    /// The member holds other records too, so this one has no place of its own in the file.
    SharedMember,
    /// The record goes on in the next member.
    SplitMember,
}

/// Adds an oddity unless it is there already.
pub(crate) fn note(oddities: &mut Vec<Oddity>, oddity: Oddity) {
    if !oddities.contains(&oddity) {
        oddities.push(oddity);
    }
}
