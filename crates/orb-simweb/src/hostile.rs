//! The hostile web: what broken and malicious servers do, one row of the catalogue of faults after the other.
//!
//! In: a seed, the wall time that certificates are dated by. Out: scripts of what a server does with one request,
//! played on any stream ([`serve_hostile`]) or by real sockets ([`HostileServer`]).
//! May touch: `play`, certificates; sockets in `server` only. Must not touch: the crawler; what a right client makes
//! of a script stands in the tests that play it, not here.
//! Invariant: one seed gives one sequence of bytes for a row, a target and a number of requests; certificates' keys
//! are made anew by each process.

mod answers;
mod certificates;
mod codings;
mod filler;
mod framing;
mod handshakes;
mod names;
mod offsets;
mod play;
mod redirects;
mod server;

use std::fmt;

use bytes::Bytes;

pub use handshakes::{HANDSHAKES, Handshakes, serve_handshake};
pub use names::HostileNames;
pub use play::{Act, serve_hostile};
pub use redirects::GUARDED_HOSTS;
pub use server::{HostilePlace, HostileServer};

use filler::Filler;

/// A row of the catalogue: what the server does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum HostileRow {
    /// Says nothing, or next to nothing.
    N1,
    /// Bodies without an end.
    N2,
    /// `Content-Length` that is wrong, contradictory or no number.
    N3,
    /// Chunks: sizes, extensions, trailers, ends.
    N4,
    /// Answers that two readers may understand in two ways.
    N5,
    /// Heads that are too large.
    N6,
    /// Interim answers, bodies where none belong, other protocols.
    N7,
    /// Content codings: bombs, stacks, damage, wrong names.
    N9,
    /// Certificates and handshakes.
    N10,
    /// An end, a reset or silence at each offset of an answer.
    N11,
    /// Redirects that loop, chain or lead nowhere.
    N12,
    /// Redirects, refreshes, canonicals and sitemaps that point to guarded addresses.
    N13,
    /// Names whose addresses change, mix or hide.
    N14,
}

impl HostileRow {
    /// Every row.
    pub const ALL: [HostileRow; 13] = [
        HostileRow::N1,
        HostileRow::N2,
        HostileRow::N3,
        HostileRow::N4,
        HostileRow::N5,
        HostileRow::N6,
        HostileRow::N7,
        HostileRow::N9,
        HostileRow::N10,
        HostileRow::N11,
        HostileRow::N12,
        HostileRow::N13,
        HostileRow::N14,
    ];

    /// The row's number in the catalogue.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            HostileRow::N1 => "N1",
            HostileRow::N2 => "N2",
            HostileRow::N3 => "N3",
            HostileRow::N4 => "N4",
            HostileRow::N5 => "N5",
            HostileRow::N6 => "N6",
            HostileRow::N7 => "N7",
            HostileRow::N9 => "N9",
            HostileRow::N10 => "N10",
            HostileRow::N11 => "N11",
            HostileRow::N12 => "N12",
            HostileRow::N13 => "N13",
            HostileRow::N14 => "N14",
        }
    }

    /// What the row is about, in a few words.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            HostileRow::N1 => "silence and trickles",
            HostileRow::N2 => "bodies without an end",
            HostileRow::N3 => "content-length that cannot be believed",
            HostileRow::N4 => "chunks that cannot be believed",
            HostileRow::N5 => "answers that can be read in two ways",
            HostileRow::N6 => "heads that are too large",
            HostileRow::N7 => "interim answers and other protocols",
            HostileRow::N9 => "content codings: bombs and lies",
            HostileRow::N10 => "certificates and handshakes",
            HostileRow::N11 => "an end at each offset",
            HostileRow::N12 => "redirects that loop, chain or lead nowhere",
            HostileRow::N13 => "pointers to guarded addresses",
            HostileRow::N14 => "names whose addresses change, mix or hide",
        }
    }

    /// The cases of the row, as paths below its listener without the slash. Of N10 they are handshakes, each with a
    /// listener of its own; of N14 host names below [`HostileNames::ZONE`].
    #[must_use]
    pub fn cases(self) -> Vec<&'static str> {
        match self {
            HostileRow::N1 => answers::SLOW.to_vec(),
            HostileRow::N2 => answers::ENDLESS.to_vec(),
            HostileRow::N3 => framing::LENGTHS.to_vec(),
            HostileRow::N4 => framing::CHUNKS.to_vec(),
            HostileRow::N5 => framing::DESYNCS.to_vec(),
            HostileRow::N6 => answers::HEADS.to_vec(),
            HostileRow::N7 => answers::INTERIM.to_vec(),
            HostileRow::N9 => codings::CODINGS.to_vec(),
            HostileRow::N10 => HANDSHAKES.to_vec(),
            HostileRow::N11 => offsets::OFFSETS.to_vec(),
            HostileRow::N12 => redirects::REDIRECTS.to_vec(),
            HostileRow::N13 => redirects::POINTERS.to_vec(),
            HostileRow::N14 => names::NAMES.to_vec(),
        }
    }
}

impl fmt::Display for HostileRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the listeners of all rows serve.
#[derive(Debug)]
pub struct HostileWeb {
    filler: Filler,
}

impl HostileWeb {
    /// Everything follows from the seed.
    #[must_use]
    pub fn new(seed: u64) -> HostileWeb {
        HostileWeb {
            filler: Filler::new(seed),
        }
    }

    /// What the listener of `row` does with a request for `target` that names `authority` as its host.
    ///
    /// - `/` lists the cases as links; `/plain…` is a good page that repeats its target; what is no case is a 404.
    /// - Cost: for the bodies of bombs up to sixty megabytes for a moment.
    #[must_use]
    pub fn script(&self, row: HostileRow, target: &str, authority: &str) -> Vec<Act> {
        let case = target.trim_start_matches('/');
        if case.is_empty() {
            return page(index(row).as_bytes());
        }
        if case.starts_with("plain") {
            return page(format!("<p>good page at {target}").as_bytes());
        }
        let filler = &self.filler;
        let script = match row {
            HostileRow::N1 => answers::slow(case, filler),
            HostileRow::N2 => answers::endless(case, filler),
            HostileRow::N3 => framing::lengths(case),
            HostileRow::N4 => framing::chunks(case, filler),
            HostileRow::N5 => framing::desyncs(case),
            HostileRow::N6 => answers::heads(case),
            HostileRow::N7 => answers::interim(case),
            HostileRow::N9 => codings::codings(case, filler),
            HostileRow::N10 | HostileRow::N14 => None,
            HostileRow::N11 => offsets::offsets(case, filler),
            HostileRow::N12 => redirects::redirects(case, authority),
            HostileRow::N13 => redirects::pointers(case),
        };
        script.unwrap_or_else(|| {
            vec![Act::send(
                "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            )]
        })
    }
}

/// A whole answer of type HTML; the connection stays open.
fn page(body: &[u8]) -> Vec<Act> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    vec![Act::Send(Bytes::from([head.as_bytes(), body].concat()))]
}

fn index(row: HostileRow) -> String {
    let links: String = row
        .cases()
        .iter()
        .map(|case| format!("<li><a href=\"/{case}\">{case}</a>\n"))
        .collect();
    format!(
        "<title>{row}</title><h1>{}</h1><ul>\n{links}</ul>",
        row.about()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// N10 and N14 happen before a request.
    #[test]
    fn every_case_of_every_row_has_a_script() {
        let web = HostileWeb::new(1);
        let nothing = web.script(HostileRow::N1, "/no-such-case", "h");
        for row in HostileRow::ALL {
            assert!(!row.cases().is_empty(), "{row}");
            if matches!(row, HostileRow::N10 | HostileRow::N14) {
                continue;
            }
            for case in row.cases() {
                let script = web.script(row, &format!("/{case}"), "h:1");
                assert!(!script.is_empty() && script != nothing, "{row} {case}");
                assert_eq!(
                    script,
                    web.script(row, &format!("/{case}"), "h:1"),
                    "{row} {case}"
                );
            }
        }
    }
}
