//! Sizes in bytes, as people write them: `512MiB`, `2 GB`, `65536`.
//!
//! In: text or integers. Out: a [`ByteSize`], or what was wrong with the text.
//! May touch: nothing. Invariant: what is written is read back as the same number of bytes.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;

/// Every unit that is understood, in lower case, with its bytes. A single letter is binary, as in systemd and Docker.
const UNITS: [(&str, u64); 14] = [
    ("", 1),
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("k", KIB),
    ("m", MIB),
    ("g", GIB),
    ("t", TIB),
    ("kib", KIB),
    ("mib", MIB),
    ("gib", GIB),
    ("tib", TIB),
];

/// Digits behind the point that are read; more would not change a size below 1 TiB.
const FRACTION_DIGITS_MAX: usize = 12;

/// A number of bytes. Reads and writes as text with a unit, also in settings and JSON.
///
/// - Text: a decimal number, then `KiB`, `MiB`, `GiB`, `TiB` or `k`, `M`, `G`, `T` (powers of 1,024), `kB`, `MB`,
///   `GB`, `TB` (powers of 1,000), or `B` or nothing (bytes). Letter case, blanks around the unit and `_` between
///   digits do not count. A fraction is rounded down to whole bytes.
/// - Integers read as bytes.
/// - Displays in the largest binary unit that divides it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(pub u64);

impl ByteSize {
    /// `count` times 1,024 bytes. Panics (at compile time in a constant) when that does not fit 64 bits.
    pub const fn kib(count: u64) -> Self {
        Self(count * KIB)
    }

    /// `count` times 1,024² bytes. Panics like [`ByteSize::kib`].
    pub const fn mib(count: u64) -> Self {
        Self(count * MIB)
    }

    /// `count` times 1,024³ bytes. Panics like [`ByteSize::kib`].
    pub const fn gib(count: u64) -> Self {
        Self(count * GIB)
    }

    /// The number of bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

/// Why a text is no size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ByteSizeError {
    /// No digits where the number belongs.
    #[error("`{text}` has no number: write a size such as `512MiB`")]
    Number {
        /// The text as given.
        text: String,
    },
    /// Letters that name no unit.
    #[error("`{unit}` is no unit of size: use B, KiB, MiB, GiB, TiB, kB, MB, GB or TB")]
    Unit {
        /// What stood where the unit belongs.
        unit: String,
    },
    /// 2⁶⁴ bytes or more.
    #[error("`{text}` is more bytes than 64 bits can count")]
    TooLarge {
        /// The text as given.
        text: String,
    },
}

impl FromStr for ByteSize {
    type Err = ByteSizeError;

    fn from_str(text: &str) -> Result<Self, ByteSizeError> {
        let trimmed = text.trim();
        let end = trimmed
            .find(|letter: char| !(letter.is_ascii_digit() || letter == '_' || letter == '.'))
            .unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(end);
        let unit = unit.trim();
        let bytes_per_unit = UNITS
            .iter()
            .find(|(name, _)| unit.eq_ignore_ascii_case(name))
            .map(|(_, bytes)| u128::from(*bytes))
            .ok_or_else(|| ByteSizeError::Unit {
                unit: unit.to_owned(),
            });
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if !whole.starts_with(|digit: char| digit.is_ascii_digit()) || fraction.contains('.') {
            return Err(ByteSizeError::Number {
                text: text.to_owned(),
            });
        }
        let bytes_per_unit = bytes_per_unit?;
        let too_large = || ByteSizeError::TooLarge {
            text: text.to_owned(),
        };
        let whole = digits(whole, usize::MAX).ok_or_else(too_large)?;
        let shown = fraction
            .bytes()
            .filter(u8::is_ascii_digit)
            .count()
            .min(FRACTION_DIGITS_MAX);
        let part =
            digits(fraction, shown).ok_or_else(too_large)? * bytes_per_unit / power_of_ten(shown);
        whole
            .checked_mul(bytes_per_unit)
            .and_then(|bytes| bytes.checked_add(part))
            .and_then(|bytes| u64::try_from(bytes).ok())
            .map(Self)
            .ok_or_else(too_large)
    }
}

/// The value of the first `count` digits of `text`; `None` when it does not fit.
fn digits(text: &str, count: usize) -> Option<u128> {
    text.bytes()
        .filter(u8::is_ascii_digit)
        .take(count)
        .try_fold(0_u128, |sum, digit| {
            sum.checked_mul(10)?.checked_add(u128::from(digit - b'0'))
        })
}

fn power_of_ten(exponent: usize) -> u128 {
    (0..exponent).fold(1, |power, _| power * 10)
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(TIB, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")];
        let (bytes, name) = units
            .into_iter()
            .find(|(bytes, _)| self.0 != 0 && self.0.is_multiple_of(*bytes))
            .unwrap_or((1, "B"));
        write!(f, "{}{name}", self.0 / bytes)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ByteSizeVisitor)
    }
}

/// What editors check of a size as it is typed; [`ByteSize::from_str`] is the judge.
const SIZE_PATTERN: &str =
    r"^\s*[0-9][0-9_]*(\.[0-9_]*)?\s*([kKmMgGtT]?[bB]?|[kKmMgGtT][iI][bB])\s*$";

impl JsonSchema for ByteSize {
    fn schema_name() -> Cow<'static, str> {
        "ByteSize".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer"],
            "format": "size",
            "pattern": SIZE_PATTERN,
            "minimum": 0,
        })
    }
}

/// For `#[serde(with = "…")]`: a plain count of bytes that reads and writes as a [`ByteSize`].
pub mod byte_count {
    use super::{ByteSize, Deserialize, Deserializer, Serializer};

    /// Writes the size.
    ///
    /// # Errors
    /// Those of the serialiser.
    pub fn serialize<S: Serializer>(bytes: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&ByteSize(*bytes))
    }

    /// Reads a size, or a number of bytes.
    ///
    /// # Errors
    /// When it is neither.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        ByteSize::deserialize(deserializer).map(|size| size.0)
    }
}

struct ByteSizeVisitor;

impl Visitor<'_> for ByteSizeVisitor {
    type Value = ByteSize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a size such as `512MiB`, or a number of bytes")
    }

    fn visit_u64<E: serde::de::Error>(self, bytes: u64) -> Result<ByteSize, E> {
        Ok(ByteSize(bytes))
    }

    fn visit_i64<E: serde::de::Error>(self, bytes: i64) -> Result<ByteSize, E> {
        u64::try_from(bytes)
            .map(ByteSize)
            .map_err(|_| E::invalid_value(Unexpected::Signed(bytes), &self))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ByteSize, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, bytes: u64) {
        assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
    }

    fn check_refused(text: &str, part: &str) {
        let message = text.parse::<ByteSize>().unwrap_err().to_string();
        assert!(message.contains(part), "{text}: {message}");
    }

    #[test]
    fn sizes_read_as_people_write_them() {
        check("0", 0);
        check("65536", 65_536);
        check("10_000", 10_000);
        check("512MiB", 512 << 20);
        check("2 GB", 2_000_000_000);
        check(" 2gb ", 2_000_000_000);
        check("2GiB", 2 << 30);
        check("64k", 64 << 10);
        check("1T", 1 << 40);
        check("7 B", 7);
        check("1.5GiB", 3 << 29);
        check("0.1 kB", 100);
        check("0.0001 kB", 0);
        check("18446744073709551615", u64::MAX);
    }

    #[test]
    fn what_is_no_size_is_refused_with_the_reason() {
        check_refused("", "no number");
        check_refused("MiB", "no number");
        check_refused("-1", "no number");
        check_refused("1.2.3", "no number");
        check_refused(".5k", "no number");
        check_refused("_", "no number");
        check_refused("5 parsecs", "`parsecs` is no unit");
        check_refused("18446744073709551616", "more bytes");
        check_refused(
            "99999999999999999999999999999999999999999 TiB",
            "more bytes",
        );
    }

    #[test]
    fn sizes_display_in_the_largest_unit_that_divides_them() {
        for (bytes, text) in [
            (0, "0B"),
            (1_500, "1500B"),
            (2_048, "2KiB"),
            (512 << 20, "512MiB"),
            (3 << 29, "1536MiB"),
            (1 << 40, "1TiB"),
        ] {
            assert_eq!(ByteSize(bytes).to_string(), text);
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let powers = (0..64).map(|shift| 1_u64 << shift);
        for bytes in powers
            .flat_map(|power| [power - 1, power, power + 1])
            .chain([u64::MAX])
        {
            check(&ByteSize(bytes).to_string(), bytes);
        }
    }

    #[test]
    fn settings_give_text_or_a_number() {
        let read = |json: &str| serde_json::from_str::<ByteSize>(json);
        assert_eq!(read("\"2GiB\"").unwrap(), ByteSize::gib(2));
        assert_eq!(read("65536").unwrap(), ByteSize::kib(64));
        assert!(
            read("-1")
                .unwrap_err()
                .to_string()
                .contains("expected a size")
        );
        assert!(
            read("1.5")
                .unwrap_err()
                .to_string()
                .contains("expected a size")
        );
        assert!(
            read("\"2 apples\"")
                .unwrap_err()
                .to_string()
                .contains("`apples` is no unit")
        );
        assert_eq!(
            serde_json::to_string(&ByteSize::mib(512)).unwrap(),
            "\"512MiB\""
        );
    }
}
