//! Names of archive segments: who, when, which, where.
//!
//! In: prefix, instant, serial number, slot and compression. Out: a file name, or the parts of one.
//! May touch: nothing else.
//! Invariant: a name is plain ASCII without separators, and names of one slot sort by age and serial.
//!
//! | part | digits | example |
//! |---|---|---|
//! | prefix | letters, digits, `.`, `_`, `-` | `ORB` |
//! | instant, UTC, milliseconds | 17 | `20261122071000000` |
//! | serial of the segment in its slot | 5 or more | `00007` |
//! | slot | `s` and 2 or more | `s03` |
//! | suffix | `.warc` and that of the compression | `.warc.gz` |

use crate::date::{self, Civil};
use crate::encode::Compression;

/// The parts of a segment's file name, as [`segment_name`] put them together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentName {
    /// Chosen by the operator, such as `ORB`.
    pub prefix: String,
    /// When the segment was opened, in microseconds since the Unix epoch; whole milliseconds.
    pub date_us: i64,
    /// Number of the segment within its slot.
    pub serial: u32,
    /// The slot that wrote it.
    pub slot: u8,
    /// How its records are compressed.
    pub compression: Compression,
}

impl SegmentName {
    /// Reads a name made by [`segment_name`]; `None` for any other file.
    pub fn parse(name: &str) -> Option<Self> {
        let (stem, compression) = Compression::of_name(name)?;
        let (stem, slot) = stem.rsplit_once("-s")?;
        let (stem, serial) = stem.rsplit_once('-')?;
        let (prefix, instant) = stem.rsplit_once('-')?;
        if instant.len() != 17 || !instant.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let date = format!(
            "{}-{}-{}T{}:{}:{}.{}Z",
            &instant[..4],
            &instant[4..6],
            &instant[6..8],
            &instant[8..10],
            &instant[10..12],
            &instant[12..14],
            &instant[14..]
        );
        let parsed = Self {
            prefix: prefix.to_owned(),
            date_us: date::parse_date(&date)?,
            serial: serial.parse().ok()?,
            slot: slot.parse().ok()?,
            compression,
        };
        // One name per segment: `+7` or a missing zero is somebody else's file.
        let again = segment_name(
            prefix,
            parsed.date_us,
            parsed.serial,
            parsed.slot,
            compression,
        );
        (again == name).then_some(parsed)
    }
}

/// Names a segment, such as `ORB-20261122071000000-00007-s03.warc.gz`.
///
/// - `prefix`: other characters than letters, digits, `.`, `_` and `-` become `_`; an empty one becomes `ORB`.
/// - `date_us`: when the segment is opened, microseconds since the Unix epoch; cut to milliseconds.
pub fn segment_name(
    prefix: &str,
    date_us: i64,
    serial: u32,
    slot: u8,
    compression: Compression,
) -> String {
    let Civil {
        year,
        month,
        day,
        hour,
        minute,
        second,
        micros,
    } = date::civil(date_us);
    let mut name: String = prefix
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') {
                c
            } else {
                '_'
            }
        })
        .collect();
    if name.is_empty() {
        name.push_str("ORB");
    }
    if name.starts_with('.') {
        // A hidden file, or the way out of the folder.
        name.replace_range(..1, "_");
    }
    let millis = micros / 1_000;
    let instant = format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}{millis:03}");
    format!(
        "{name}-{instant}-{serial:05}-s{slot:02}{}",
        compression.suffix()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_say_who_when_which_where() {
        let name = segment_name("ORB", 1_795_331_400_000_000, 7, 3, Compression::Gzip);
        assert_eq!(name, "ORB-20261122071000000-00007-s03.warc.gz");
        let name = segment_name("../a b\n", 999, 123_456, 200, Compression::None);
        assert_eq!(name, "_._a_b_-19700101000000000-123456-s200.warc");
    }

    #[test]
    fn foreign_names_are_not_ours() {
        for name in [
            "",
            ".warc",
            "ORB-20261122071000000-00007-s03.warc.bz2",
            "ORB-20261122071000000-7-s03.warc.gz",
            "ORB-20261322071000000-00007-s03.warc.gz",
            "ORB-20261122071000000-00007-s300.warc.gz",
            "ORB-20261122071000000-+0007-s03.warc.gz",
            "é-2026112207100000é-00007-s03.warc.gz",
        ] {
            assert_eq!(SegmentName::parse(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn names_survive_parsing(prefix in "[A-Za-z0-9_][A-Za-z0-9._-]{0,12}", ms in 0..253_402_300_799_999i64, serial: u32, slot: u8) {
            let name = segment_name(&prefix, ms * 1_000, serial, slot, Compression::Gzip);
            let parsed = SegmentName { prefix, date_us: ms * 1_000, serial, slot, compression: Compression::Gzip };
            prop_assert_eq!(SegmentName::parse(&name), Some(parsed));
        }

        #[test]
        fn no_text_leaves_the_folder(prefix: String, name: String) {
            let made = segment_name(&prefix, 0, 0, 0, Compression::None);
            prop_assert!(made.bytes().all(|b| b.is_ascii_graphic() && b != b'/' && b != b'\\'));
            prop_assert!(!made.starts_with('.'));
            SegmentName::parse(&name);
        }
    }
}
