//! Which bytes of a link are canonical as they stand.
//!
//! In: the part of a link behind its authority, or a host. Out: where its parts end, or nothing
//! if any byte needs the URL Standard's parser. May touch: nothing but its arguments.
//! Must not touch: text; nothing is changed here.
//! Invariant: what passes is visible ASCII that the standard's parser copies, but for what the
//! result's flags name.

use crate::limits::{HOST_BYTES_MAX, LABEL_BYTES_MAX, URL_BYTES_MAX};

/// What a byte means behind the authority of an http URL.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Copied in path and query. The only class whose number is 0.
    Plain = 0,
    /// Copied in the query alone, encoded or taken for a slash in the path.
    QueryOnly,
    Dot,
    Colon,
    Percent,
    Question,
    Hash,
    /// Encoded, dropped, or copied by some readings of the standard and not by others.
    Other,
}

const CLASSES: [Class; 256] = classes();

const fn classes() -> [Class; 256] {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < 128 {
        classes[byte as usize] = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => Class::Plain,
            b'-' | b'_' | b'~' | b'!' | b'$' | b'&' | b'(' | b')' | b'*' | b'+' => Class::Plain,
            b',' | b';' | b'=' | b'@' | b'/' | b'[' | b']' | b'|' => Class::Plain,
            b'\\' | b'`' | b'{' | b'}' => Class::QueryOnly,
            b'.' => Class::Dot,
            b':' => Class::Colon,
            b'%' => Class::Percent,
            b'?' => Class::Question,
            b'#' => Class::Hash,
            _ => Class::Other,
        };
        byte += 1;
    }
    classes
}

/// A path and query of clean bytes.
#[derive(Clone, Copy)]
pub(crate) struct Tail {
    /// Behind the path.
    pub(crate) path_end: usize,
    /// Behind the query; an empty query is left out with its `?`.
    pub(crate) end: usize,
    /// A segment of the path is `.` or `..`.
    pub(crate) is_dotted: bool,
    /// The first colon of the path.
    pub(crate) colon: Option<usize>,
    /// A `%xx` triplet has a hex digit in lower case.
    pub(crate) has_lower_hex: bool,
}

/// Bytes looked at together.
const RUN: usize = 8;

/// How many plain bytes stand at the start.
fn plain_run(bytes: &[u8]) -> usize {
    let mut run = 0;
    let (chunks, _) = bytes.as_chunks::<RUN>();
    for chunk in chunks {
        let any = chunk
            .iter()
            .fold(0, |any, &byte| any | CLASSES[usize::from(byte)] as u8);
        if any != Class::Plain as u8 {
            break;
        }
        run += RUN;
    }
    let is_plain = |byte: &&u8| CLASSES[usize::from(**byte)] == Class::Plain;
    run + bytes[run..].iter().take_while(is_plain).count()
}

/// Scans path and query; `bytes` begins behind the authority, or where a relative path begins.
/// What is longer than any canonical URL does not pass, even if dot segments would shorten it.
pub(crate) fn scan(bytes: &[u8]) -> Option<Tail> {
    scan_path(bytes).filter(|tail| tail.end <= URL_BYTES_MAX)
}

fn scan_path(bytes: &[u8]) -> Option<Tail> {
    let mut tail = Tail {
        path_end: 0,
        end: 0,
        is_dotted: false,
        colon: None,
        has_lower_hex: false,
    };
    let mut at = 0;
    loop {
        at += plain_run(&bytes[at..]);
        let Some(&byte) = bytes.get(at) else {
            tail.path_end = at;
            tail.end = at;
            return Some(tail);
        };
        match CLASSES[usize::from(byte)] {
            Class::Plain => {}
            Class::Dot => {
                let begins_segment = at == 0 || bytes[at - 1] == b'/';
                tail.is_dotted |= begins_segment && is_dot_segment(&bytes[at + 1..]);
            }
            // `%2e` is a dot to the standard.
            Class::Colon => tail.colon = tail.colon.or(Some(at)),
            Class::Percent if matches!(bytes[at + 1..], [b'2', b'e' | b'E', ..]) => return None,
            Class::Percent => tail.has_lower_hex |= is_lower_triplet(&bytes[at + 1..]),
            Class::Question => {
                tail.path_end = at;
                return scan_query(bytes, tail);
            }
            Class::Hash => {
                tail.path_end = at;
                tail.end = at;
                return Some(tail);
            }
            Class::QueryOnly | Class::Other => return None,
        }
        at += 1;
    }
}

/// The path ends in a `?`.
fn scan_query(bytes: &[u8], mut tail: Tail) -> Option<Tail> {
    let query_start = tail.path_end + 1;
    let mut at = query_start;
    loop {
        at += plain_run(&bytes[at..]);
        match bytes.get(at).map(|&byte| CLASSES[usize::from(byte)]) {
            None | Some(Class::Hash) => break,
            Some(Class::Percent) => tail.has_lower_hex |= is_lower_triplet(&bytes[at + 1..]),
            Some(Class::Other) => return None,
            Some(_) => {}
        }
        at += 1;
    }
    tail.end = if at == query_start { tail.path_end } else { at };
    Some(tail)
}

/// Whether a segment that begins with a dot is `.` or `..`; `rest` follows the first dot.
fn is_dot_segment(rest: &[u8]) -> bool {
    let rest = rest.strip_prefix(b".").unwrap_or(rest);
    matches!(rest.first(), None | Some(b'/' | b'?' | b'#'))
}

fn is_lower_triplet(rest: &[u8]) -> bool {
    let [high, low, ..] = rest else {
        return false;
    };
    let is_hex = high.is_ascii_hexdigit() && low.is_ascii_hexdigit();
    is_hex && (high.is_ascii_lowercase() || low.is_ascii_lowercase())
}

/// A host name, and perhaps a port, of clean bytes.
#[derive(Clone, Copy)]
pub(crate) struct Authority {
    /// Behind the host.
    pub(crate) host_end: usize,
    /// Behind the port, if there is one: where path, query or fragment begin.
    pub(crate) end: usize,
    pub(crate) port: Option<u16>,
    /// The host has a letter in upper case.
    pub(crate) has_upper: bool,
}

/// Scans `host[:port]` at the start of `bytes`. Only names that every reader takes alike pass:
/// letters, digits, `-`, `_`; no Punycode, no address, no dot at the end, a port as we write it.
pub(crate) fn scan_authority(bytes: &[u8]) -> Option<Authority> {
    let mut has_upper = false;
    let mut label_start = 0;
    let mut at = 0;
    let stop = loop {
        let byte = bytes.get(at).copied();
        match byte {
            Some(b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_') => {}
            Some(b'A'..=b'Z') => has_upper = true,
            Some(b'.') => {
                check_label(&bytes[label_start..at])?;
                label_start = at + 1;
            }
            None | Some(b'/' | b'?' | b'#' | b':') => break byte,
            Some(_) => return None,
        }
        at += 1;
    };
    let last_label = &bytes[label_start..at];
    check_label(last_label)?;
    // What ends in a number is an IPv4 address, or none that is valid.
    if at > HOST_BYTES_MAX || last_label[0].is_ascii_digit() {
        return None;
    }
    let (end, port) = if stop == Some(b':') {
        let (bytes, port) = scan_port(&bytes[at + 1..])?;
        (at + 1 + bytes, Some(port))
    } else {
        (at, None)
    };
    Some(Authority {
        host_end: at,
        end,
        port,
        has_upper,
    })
}

fn check_label(label: &[u8]) -> Option<()> {
    let is_punycode = matches!(label, [b'x' | b'X', b'n' | b'N', b'-', b'-', ..]);
    (!label.is_empty() && label.len() <= LABEL_BYTES_MAX && !is_punycode).then_some(())
}

/// The bytes and the value of a port that stands at the start of `bytes` without a leading zero.
fn scan_port(bytes: &[u8]) -> Option<(usize, u16)> {
    let digits = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let ends = matches!(bytes.get(digits), None | Some(b'/' | b'?' | b'#'));
    if !ends || !(1..=5).contains(&digits) || bytes[0] == b'0' {
        return None;
    }
    let value = bytes[..digits]
        .iter()
        .fold(0u32, |value, digit| value * 10 + u32::from(digit - b'0'));
    Some((digits, u16::try_from(value).ok()?))
}
