//! DNS messages of the smallest kind: one question out, the head of the answer and a PTR name in (RFC 1035).
//!
//! In: a name, bytes of a server. Out: bytes to send; what was said. May touch: nothing.
//! Must not touch: addresses; the crawl has a resolver of its own, which is not under examination here.
//! Invariant: no bytes of a server panic or loop.

use std::net::IpAddr;

use crate::doctor::names::Said;

/// Record types that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// IPv4 addresses.
    A,
    /// The name of an address.
    Ptr,
}

impl Kind {
    fn code(self) -> u16 {
        match self {
            Kind::A => 1,
            Kind::Ptr => 12,
        }
    }
}

/// A question; `None` when a label is longer than 63 bytes or the name than 253.
pub(crate) fn question(id: u16, name: &str, kind: Kind) -> Option<Vec<u8>> {
    if name.len() > 253 {
        return None;
    }
    let mut out = Vec::with_capacity(name.len() + 18);
    out.extend(id.to_be_bytes());
    out.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]); // recursion desired, one question
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len()).ok();
        out.push(length.filter(|length| (1..=63).contains(length))?);
        out.extend(label.as_bytes());
    }
    out.push(0);
    out.extend(kind.code().to_be_bytes());
    out.extend([0, 1]); // class IN
    Some(out)
}

/// What an answer says; `None` when it answers another question or is none.
pub(crate) fn read(question: &[u8], answer: &[u8]) -> Option<Said> {
    let id = question.get(..2)?;
    let head = answer.get(..12)?;
    let is_answer = head[2] & 0x80 != 0;
    if head.get(..2)? != id || !is_answer {
        return None;
    }
    let records = u16::from_be_bytes([head[6], head[7]]);
    Some(match head[3] & 0x0f {
        0 if records > 0 => Said::Records(records),
        0 => Said::Empty,
        3 => Said::Absent,
        code => Said::Refused(code),
    })
}

/// The name under which the name of an address is asked for (RFC 1035, 3.5; RFC 3596, 2.5).
pub(crate) fn reverse_name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let nibbles = address.octets().into_iter().rev();
            let digits = nibbles.flat_map(|byte| [byte & 15, byte >> 4]);
            let text: String = digits.map(|digit| format!("{digit:x}.")).collect();
            format!("{text}ip6.arpa")
        }
    }
}

/// The name in the first PTR record of an answer.
pub(crate) fn ptr_name(answer: &[u8]) -> Option<String> {
    let count = |at: usize| Some(u16::from_be_bytes([*answer.get(at)?, *answer.get(at + 1)?]));
    let (questions, records) = (count(4)?, count(6)?);
    let mut at = 12;
    for _ in 0..questions.min(4) {
        at = skip_name(answer, at)? + 4;
    }
    for _ in 0..records.min(32) {
        at = skip_name(answer, at)?;
        let (kind, length) = (count(at)?, usize::from(count(at + 8)?));
        at += 10;
        if kind == Kind::Ptr.code() {
            return name(answer, at);
        }
        at += length;
    }
    None
}

fn skip_name(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *bytes.get(at)? {
            0 => return Some(at + 1),
            length if length >= 0xc0 => return Some(at + 2),
            length => at += 1 + usize::from(length),
        }
    }
}

/// Follows at most 16 pointers.
fn name(bytes: &[u8], mut at: usize) -> Option<String> {
    let mut labels: Vec<String> = Vec::new();
    let mut jumps = 0;
    loop {
        match *bytes.get(at)? {
            0 => break,
            high if high >= 0xc0 => {
                at = usize::from(high & 0x3f) << 8 | usize::from(*bytes.get(at + 1)?);
                jumps += 1;
            }
            length => {
                let end = at + 1 + usize::from(length);
                labels.push(String::from_utf8_lossy(bytes.get(at + 1..end)?).into_owned());
                at = end;
            }
        }
        if jumps > 16 || labels.len() > 127 {
            return None;
        }
    }
    Some(labels.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_written_as_the_standard_has_them() {
        let bytes = question(0x1234, "a.example.", Kind::A).unwrap();
        let expected = [
            &[0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1][..],
            b"a\x07example\0\0\x01\0\x01",
        ];
        assert_eq!(bytes, expected.concat());
        assert_eq!(question(1, "", Kind::A), None);
        assert_eq!(question(1, &"a".repeat(64), Kind::A), None);
        assert_eq!(question(1, "a..b", Kind::A), None);
    }

    #[test]
    fn heads_of_answers_say_what_there_is() {
        let asked = question(7, "a.example", Kind::A).unwrap();
        let answer = |flags: [u8; 2], records: u8| {
            let mut bytes = asked.clone();
            bytes[2..4].copy_from_slice(&flags);
            bytes[7] = records;
            bytes
        };
        let table = [
            (answer([0x81, 0x80], 2), Some(Said::Records(2))),
            (answer([0x81, 0x80], 0), Some(Said::Empty)),
            (answer([0x81, 0x83], 0), Some(Said::Absent)),
            (answer([0x81, 0x85], 0), Some(Said::Refused(5))),
            (answer([0x01, 0x00], 0), None), // a question
            (vec![9; 40], None),
            (vec![], None),
        ];
        for (bytes, expected) in table {
            assert_eq!(read(&asked, &bytes), expected);
        }
    }

    #[test]
    fn addresses_are_asked_for_backwards() {
        let name = |text: &str| reverse_name(text.parse().unwrap());
        assert_eq!(name("192.0.2.7"), "7.2.0.192.in-addr.arpa");
        assert!(name("2001:db8::1").starts_with("1.0.0.0."));
        assert!(name("2001:db8::1").ends_with("8.b.d.0.1.0.0.2.ip6.arpa"));
    }

    #[test]
    fn names_are_read_through_pointers_and_nothing_panics() {
        let mut answer = question(7, "7.2.0.192.in-addr.arpa", Kind::Ptr).unwrap();
        answer[7] = 1;
        answer.extend(b"\xc0\x0c\0\x0c\0\x01\0\0\0\x3c\0\x0b\x04host\x04home\0");
        assert_eq!(ptr_name(&answer).as_deref(), Some("host.home"));
        for length in 0..answer.len() {
            assert!(ptr_name(&answer[..length]).is_none(), "{length}");
        }
        // A pointer to itself.
        let mut circle = question(7, "a", Kind::Ptr).unwrap();
        circle[7] = 1;
        circle.extend(b"\0\0\x0c\0\x01\0\0\0\x3c\0\x02");
        let at = u8::try_from(circle.len()).unwrap();
        circle.extend([0xc0, at]);
        assert_eq!(ptr_name(&circle), None);
    }
}
