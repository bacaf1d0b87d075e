//! Heads that browsers read although the grammar forbids them.
//!
//! In: a head that the strict parser refused. Out: whether it may be read all the same.
//! May touch: nothing but its arguments. Must not touch: sockets, the parser.
//! Invariant: a head passes only if what is odd about it cannot change where the body ends; whoever reads it closes
//! the connection afterwards.

use memchr::{memchr, memmem};

/// Whether a malformed head leaves no doubt about its framing: lines that are no field, spaces before a colon and
/// folded fields pass (RFC 9112, 5.1 and 5.2), unless they name a field that frames the body. Null bytes and
/// carriage returns inside a line are left to the parser, which reads them in no mode.
pub(crate) fn is_harmless(head: &[u8]) -> bool {
    let mut continues_framing = false;
    for line in head.split(|&byte| byte == b'\n').skip(1) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let is_folded = matches!(line.first(), Some(b' ' | b'\t'));
        let names_framing = names_framing(line);
        // The lenient parser drops a line whose value holds such a byte, and with it the body's length.
        let is_broken = line
            .iter()
            .any(|byte| byte.is_ascii_control() && *byte != b'\t');
        let is_odd = is_folded || is_broken || !is_field(line);
        if is_odd && (names_framing || (is_folded && continues_framing)) {
            return false;
        }
        continues_framing = names_framing || (is_folded && continues_framing);
    }
    true
}

/// A name without spaces before the colon; the empty line that ends a head too.
fn is_field(line: &[u8]) -> bool {
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    match memchr(b':', line) {
        Some(colon) => colon > 0 && line[..colon].iter().all(is_token),
        None => line.is_empty(),
    }
}

fn names_framing(line: &[u8]) -> bool {
    let line = line.to_ascii_lowercase();
    [&b"content-length"[..], b"transfer-encoding"]
        .iter()
        .any(|name| memmem::find(&line, name).is_some())
}
