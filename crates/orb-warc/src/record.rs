//! One record as read, and the questions asked of it.
//!
//! In: a record's fields and block. Out: its type, ids, dates, HTTP payload, digest verdict.
//! May touch: nothing else.
//! Invariant: no method fails or panics, whatever the record holds; what cannot be told is `None` or `Unchecked`.

use std::borrow::Cow;

use crate::chunked::{ChunkedEnd, dechunk};
use crate::date::parse_date;
use crate::digest::Digest;
use crate::fields::Fields;
use crate::id::RecordId;
use crate::oddity::Oddity;
use crate::write::Truncated;

/// The kinds of records (WARC 1.1, 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecordType {
    /// About the file.
    Warcinfo,
    /// A response as received.
    Response,
    /// Content without a protocol around it.
    Resource,
    /// A request as sent.
    Request,
    /// About another record.
    Metadata,
    /// A response whose payload is elsewhere.
    Revisit,
    /// Content in another form.
    Conversion,
    /// The rest of a segmented record.
    Continuation,
    /// None of these, or no type at all.
    Other,
}

/// A record as it stood in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// File offset of its first byte, or of the member it begins in.
    pub offset: u64,
    /// Bytes it takes in the file: whole members when compressed; without blank lines beyond the two that end it when not.
    /// 0 when it shares its member with other records ([`Oddity::SharedMember`]).
    pub len: u64,
    /// What stands on its first line, such as `WARC/1.1`.
    pub version: String,
    /// Its header.
    pub fields: Fields,
    /// Its block, or the first part of it ([`Oddity::BlockCut`]).
    pub block: Vec<u8>,
    /// Length of its block in the file, decompressed.
    pub block_len: u64,
    /// What a strict writer would not have written.
    pub oddities: Vec<Oddity>,
}

/// What comparing one digest field with the bytes came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DigestCheck {
    /// The record has no such field.
    Absent,
    /// The bytes have the digest.
    Match,
    /// The payload has it only with its chunk framing left in, as some writers count.
    MatchAsReceived,
    /// The bytes do not have it.
    Mismatch,
    /// It cannot be told here: another algorithm, bytes that are elsewhere (revisit) or were not kept.
    Unchecked,
}

/// Both digests of a record, judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DigestVerdict {
    /// `WARC-Block-Digest`.
    pub block: DigestCheck,
    /// `WARC-Payload-Digest`.
    pub payload: DigestCheck,
}

impl DigestVerdict {
    /// Whether one of them contradicts the bytes.
    pub fn is_mismatch(self) -> bool {
        self.block == DigestCheck::Mismatch || self.payload == DigestCheck::Mismatch
    }
}

impl Record {
    /// Its `WARC-Type`, in any case.
    pub fn record_type(&self) -> RecordType {
        const NAMES: [(&str, RecordType); 8] = [
            ("response", RecordType::Response),
            ("request", RecordType::Request),
            ("metadata", RecordType::Metadata),
            ("revisit", RecordType::Revisit),
            ("warcinfo", RecordType::Warcinfo),
            ("resource", RecordType::Resource),
            ("conversion", RecordType::Conversion),
            ("continuation", RecordType::Continuation),
        ];
        let name = self.fields.get("WARC-Type").unwrap_or("");
        NAMES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map_or(RecordType::Other, |&(_, kind)| kind)
    }

    /// Its `WARC-Target-URI`, without the angle brackets of WARC 1.0.
    pub fn target_uri(&self) -> Option<&str> {
        let uri = self.fields.get("WARC-Target-URI")?;
        Some(
            uri.strip_prefix('<')
                .and_then(|u| u.strip_suffix('>'))
                .unwrap_or(uri),
        )
    }

    /// Its `WARC-Record-ID`, when that is a UUID.
    pub fn id(&self) -> Option<RecordId> {
        self.id_of("WARC-Record-ID")
    }

    /// The record id in the field of this name, such as `WARC-Concurrent-To`, when that is a UUID.
    pub fn id_of(&self, name: &str) -> Option<RecordId> {
        RecordId::from_uri(self.fields.get(name)?)
    }

    /// Its `WARC-Date`, microseconds since the Unix epoch.
    pub fn date_us(&self) -> Option<i64> {
        parse_date(self.fields.get("WARC-Date")?)
    }

    /// Its `WARC-Block-Digest`, when that is SHA-1.
    pub fn block_digest(&self) -> Option<Digest> {
        Digest::parse(self.fields.get("WARC-Block-Digest")?)
    }

    /// Its `WARC-Payload-Digest`, when that is SHA-1.
    pub fn payload_digest(&self) -> Option<Digest> {
        Digest::parse(self.fields.get("WARC-Payload-Digest")?)
    }

    /// Why its block is not whole, when it says so.
    pub fn truncated(&self) -> Option<Truncated> {
        self.fields.get("WARC-Truncated").map(Truncated::parse)
    }

    /// Its block as `application/warc-fields`, with what was odd; for `warcinfo` and `metadata`.
    pub fn block_fields(&self) -> (Fields, Vec<Oddity>) {
        Fields::parse(&self.block)
    }

    /// Length of the HTTP head that its block begins with, the empty line included.
    /// `None` when the block is no HTTP message, or its head does not end.
    pub fn http_head_len(&self) -> Option<usize> {
        let content_type = self.fields.get("Content-Type")?.as_bytes();
        let http = b"application/http";
        let is_http = content_type
            .get(..http.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(http));
        if !is_http {
            return None;
        }
        let mut at = 0;
        while let Some(line) = memchr::memchr(b'\n', &self.block[at..]) {
            let empty = matches!(&self.block[at..at + line], [] | [b'\r']);
            at += line + 1;
            if empty {
                return Some(at);
            }
        }
        None
    }

    /// The body of its HTTP message: chunked transfer coding removed, content coding kept.
    ///
    /// - A body that is called chunked but holds no chunk, as some writers leave it, is returned as it is.
    /// - A chunked body that was cut gives what its chunks held. Other transfer codings stay on.
    /// - Cost: no copy unless chunked.
    pub fn http_payload(&self) -> Option<Cow<'_, [u8]>> {
        let (head, body) = self.block.split_at(self.http_head_len()?);
        if is_chunked(head) {
            let found = dechunk(body);
            // A record marked as cut may hold less than one size line: that is no payload yet.
            let cut = found.end == ChunkedEnd::Cut && self.truncated().is_some();
            if found.consumed > 0 || cut {
                return Some(Cow::Owned(found.payload));
            }
        }
        Some(Cow::Borrowed(body))
    }

    /// Compares both digest fields with the bytes. Cost: SHA-1 over block and payload.
    pub fn verify_digests(&self) -> DigestVerdict {
        let kept = self.block.len() as u64 == self.block_len;
        let block = match (self.fields.get("WARC-Block-Digest"), self.block_digest()) {
            (None, _) => DigestCheck::Absent,
            (Some(_), Some(digest)) if kept => judged(digest == Digest::sha1(&self.block)),
            _ => DigestCheck::Unchecked,
        };
        let payload = match (
            self.fields.get("WARC-Payload-Digest"),
            self.payload_digest(),
        ) {
            (None, _) => DigestCheck::Absent,
            (Some(_), Some(digest)) if kept => self.verify_payload(digest),
            _ => DigestCheck::Unchecked,
        };
        DigestVerdict { block, payload }
    }

    fn verify_payload(&self, digest: Digest) -> DigestCheck {
        // The payload of a segmented record goes on elsewhere, that of a revisit is elsewhere.
        let segmented = self.fields.get("WARC-Segment-Number").is_some();
        match self.record_type() {
            _ if segmented => DigestCheck::Unchecked,
            RecordType::Resource | RecordType::Conversion => {
                judged(digest == Digest::sha1(&self.block))
            }
            RecordType::Response | RecordType::Request => {
                match (self.http_payload(), self.http_head_len()) {
                    (Some(payload), _) if digest == Digest::sha1(&payload) => DigestCheck::Match,
                    (_, Some(head)) if digest == Digest::sha1(&self.block[head..]) => {
                        DigestCheck::MatchAsReceived
                    }
                    (Some(_), _) => DigestCheck::Mismatch,
                    (None, _) => DigestCheck::Unchecked,
                }
            }
            _ => DigestCheck::Unchecked,
        }
    }
}

fn judged(equal: bool) -> DigestCheck {
    if equal {
        DigestCheck::Match
    } else {
        DigestCheck::Mismatch
    }
}

/// Whether the last transfer coding named in this head is `chunked` (RFC 9112, 6.3).
fn is_chunked(head: &[u8]) -> bool {
    let mut last = None;
    for line in head.split(|&b| b == b'\n').skip(1) {
        let Some(colon) = memchr::memchr(b':', line) else {
            continue;
        };
        if line[..colon]
            .trim_ascii()
            .eq_ignore_ascii_case(b"transfer-encoding")
        {
            last = line[colon + 1..].rsplit(|&b| b == b',').next();
        }
    }
    last.is_some_and(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"chunked"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: &str, content_type: &str, extra: &str, block: &str) -> Record {
        let header = format!("WARC-Type: {kind}\r\nContent-Type: {content_type}\r\n{extra}");
        let block = block.as_bytes().to_vec();
        let block_len = block.len() as u64;
        Record {
            offset: 0,
            len: 0,
            version: String::new(),
            fields: Fields::parse(header.as_bytes()).0,
            block,
            block_len,
            oddities: vec![],
        }
    }

    fn payload(head: &str, body: &str) -> Option<String> {
        let record = record(
            "response",
            "application/http; msgtype=response",
            "",
            &format!("{head}{body}"),
        );
        record
            .http_payload()
            .map(|p| String::from_utf8(p.into_owned()).unwrap())
    }

    #[test]
    fn payload_is_the_body_without_chunks() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            payload("HTTP/1.1 200 OK\r\nA: b\r\n\r\n", "hello"),
            some("hello")
        );
        assert_eq!(
            payload(
                "HTTP/1.1 200 OK\r\ntransfer-ENCODING: Chunked\r\n\r\n",
                "2\r\nab\r\n0\r\n\r\n"
            ),
            some("ab")
        );
        assert_eq!(
            payload(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
                "2\r\nab\r\n0\r\n\r\n"
            ),
            some("ab")
        );
        assert_eq!(
            payload(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                "2\r\na"
            ),
            some("a")
        );
        assert_eq!(
            payload(
                "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n",
                "not chunked"
            ),
            some("not chunked")
        );
        assert_eq!(
            payload(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
                "2\r\nab\r\n"
            ),
            some("2\r\nab\r\n")
        );
        assert_eq!(payload("HTTP/1.1 200 OK\r\nA: b\r\n", ""), None);
    }

    #[test]
    fn only_http_blocks_have_heads() {
        assert_eq!(
            record("metadata", "application/warc-fields", "", "a: b\r\n\r\n").http_head_len(),
            None
        );
        assert_eq!(
            record(
                "response",
                "APPLICATION/HTTP;msgtype=response",
                "",
                "HTTP/1.1 200\n\n"
            )
            .http_head_len(),
            Some(14)
        );
    }

    fn check(kind: &str, content_type: &str, digest: &str, block: &str, expected: DigestCheck) {
        let extra = format!("WARC-Payload-Digest: {digest}\r\n");
        let verdict = record(kind, content_type, &extra, block).verify_digests();
        assert_eq!(
            (verdict.block, verdict.payload),
            (DigestCheck::Absent, expected),
            "{kind} {digest}"
        );
    }

    #[test]
    fn payload_digests_are_judged_by_the_kind_of_record() {
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n";
        let clean = Digest::sha1(b"ab").to_string();
        let framed = Digest::sha1(b"2\r\nab\r\n0\r\n\r\n").to_string();
        let http = "application/http; msgtype=response";
        check("response", http, &clean, chunked, DigestCheck::Match);
        check(
            "response",
            http,
            &framed,
            chunked,
            DigestCheck::MatchAsReceived,
        );
        check(
            "response",
            http,
            &Digest::sha1(b"x").to_string(),
            chunked,
            DigestCheck::Mismatch,
        );
        check(
            "revisit",
            http,
            &clean,
            "HTTP/1.1 200 OK\r\n\r\n",
            DigestCheck::Unchecked,
        );
        let cut = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4";
        let nothing = Digest::sha1(b"").to_string();
        check("response", http, &nothing, cut, DigestCheck::Mismatch);
        let marked = format!("WARC-Truncated: disconnect\r\nWARC-Payload-Digest: {nothing}\r\n");
        let verdict = record("response", http, &marked, cut).verify_digests();
        assert_eq!(
            verdict.payload,
            DigestCheck::Match,
            "cut inside its first size line"
        );
        check("resource", "text/plain", &clean, "ab", DigestCheck::Match);
        check(
            "response",
            http,
            "md5:0cc175b9c0f1b6a831c399e269772661",
            chunked,
            DigestCheck::Unchecked,
        );
    }

    /// WARC 1.0 put the URI in angle brackets; 1.1 does not.
    #[test]
    fn bracketed_uris_are_read() {
        assert_eq!(
            record("response", "", "WARC-Target-URI: <http://a/>\r\n", "").target_uri(),
            Some("http://a/")
        );
        assert_eq!(
            record("nonsense", "", "", "").record_type(),
            RecordType::Other
        );
        assert_eq!(
            record("ReSponse", "", "", "").record_type(),
            RecordType::Response
        );
    }
}
