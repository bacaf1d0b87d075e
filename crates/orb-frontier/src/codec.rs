//! The few encodings every stored row is made of: varints and length-prefixed bytes.
//!
//! In: numbers and bytes. Out: the same, or what was wrong.
//! May touch: nothing. Invariant: what was put is taken back; decoding never panics and never over-reads.

/// A stored row that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The row ends too early.
    #[error("row ends too early")]
    Short,
    /// A field holds a value that is not in its list.
    #[error("field `{field}` holds a value that is not in its list")]
    Value {
        /// Which field.
        field: &'static str,
    },
    /// The row was written by a newer version.
    #[error("row has layout version {version}")]
    Version {
        /// What it says.
        version: u8,
    },
}

/// Appends an unsigned LEB128 number: 7 bits a byte, least first.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes a LEB128 number.
pub(crate) fn take_varint(input: &mut &[u8]) -> Result<u64, DecodeError> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = take_u8(input)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(DecodeError::Value { field: "varint" })
}

/// Takes one byte.
pub(crate) fn take_u8(input: &mut &[u8]) -> Result<u8, DecodeError> {
    let (&first, rest) = input.split_first().ok_or(DecodeError::Short)?;
    *input = rest;
    Ok(first)
}

/// Appends bytes behind their length.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Takes bytes behind their length.
pub(crate) fn take_bytes<'a>(input: &mut &'a [u8]) -> Result<&'a [u8], DecodeError> {
    let len = usize::try_from(take_varint(input)?).map_err(|_| DecodeError::Short)?;
    if len > input.len() {
        return Err(DecodeError::Short);
    }
    let (head, rest) = input.split_at(len);
    *input = rest;
    Ok(head)
}

/// Takes text behind its length.
pub(crate) fn take_str<'a>(
    input: &mut &'a [u8],
    field: &'static str,
) -> Result<&'a str, DecodeError> {
    std::str::from_utf8(take_bytes(input)?).map_err(|_| DecodeError::Value { field })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_put_is_taken_back(number: u64, bytes: Vec<u8>) {
            let mut row = Vec::new();
            put_varint(&mut row, number);
            put_bytes(&mut row, &bytes);
            let mut input = &row[..];
            prop_assert_eq!(take_varint(&mut input), Ok(number));
            prop_assert_eq!(take_bytes(&mut input), Ok(&bytes[..]));
            prop_assert!(input.is_empty());
        }

        #[test]
        fn nonsense_is_refused_without_panic(bytes: Vec<u8>) {
            let mut input = &bytes[..];
            while take_bytes(&mut input).is_ok() && !input.is_empty() {}
        }
    }
}
