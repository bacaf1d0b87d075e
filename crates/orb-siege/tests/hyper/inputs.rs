//! Answers to read: those of the hostile web that end, and mutants of them.

use orb_env::{Entropy, SeededEntropy};
use orb_simweb::{Act, HostileRow, HostileWeb};

/// Answers longer than this say nothing more.
const BYTES_MAX: usize = 8_000;

/// Everything the hostile web sends in one piece, and a few good answers.
pub(crate) fn fixed() -> Vec<Vec<u8>> {
    let web = HostileWeb::new(orb_siege::SEED);
    let rows = [
        HostileRow::N3,
        HostileRow::N4,
        HostileRow::N5,
        HostileRow::N6,
        HostileRow::N7,
        HostileRow::N11,
        HostileRow::N12,
    ];
    let mut all = vec![
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\nContent-Length: 5\r\n\r\nhello and more"
            .to_vec(),
    ];
    for row in rows {
        for case in row.cases() {
            let script = web.script(row, &format!("/{case}"), "www.hostile.test");
            let ends = script
                .iter()
                .all(|act| matches!(act, Act::Send(_) | Act::Close));
            let bytes: Vec<u8> = script
                .iter()
                .filter_map(|act| match act {
                    Act::Send(bytes) => Some(bytes.to_vec()),
                    _ => None,
                })
                .flatten()
                .collect();
            if ends && bytes.len() <= BYTES_MAX {
                all.push(bytes);
            }
        }
    }
    all
}

const TOKENS: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b":",
    b"\0",
    b"\x80",
    b"0",
    b"5",
    b"ffffffffffffffff",
    b";",
    b",",
    b"chunked",
    b"Content-Length: 5\r\n",
    b"Content-Length: 0\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip\r\n",
    b"Connection: close\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n",
    b"5\r\nhello\r\n",
    b"0\r\n\r\n",
    b" folded\r\n",
    b"200",
    b"304",
    b"204",
    b"HTTP/1.1",
];

/// One of `fixed` with one to three things changed.
pub(crate) fn mutant(fixed: &[Vec<u8>], seed: u64) -> Vec<u8> {
    let entropy = SeededEntropy::new(seed);
    let below = |bound: usize| (entropy.next_u64() % bound.max(1) as u64) as usize;
    let mut bytes = fixed[below(fixed.len())].clone();
    for _ in 0..=below(3) {
        let at = below(bytes.len() + 1);
        let end = (at + 1 + below(12)).min(bytes.len());
        match below(6) {
            0 => drop(bytes.splice(at..at, TOKENS[below(TOKENS.len())].iter().copied())),
            1 => drop(bytes.drain(at.min(end)..end)),
            2 => bytes.truncate(at),
            3 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << below(8);
                }
            }
            4 => {
                let piece = bytes[at.min(end)..end].to_vec();
                drop(bytes.splice(at..at, piece));
            }
            _ => {
                let token = TOKENS[below(TOKENS.len())];
                drop(bytes.splice(at.min(end)..end, token.iter().copied()));
            }
        }
    }
    bytes
}
