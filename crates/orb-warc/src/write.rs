//! Strict writing of records: one call, one whole record at the end of the caller's buffer.
//!
//! In: facts of an exchange and the bytes it moved. Out: the record's bytes and place.
//! May touch: the buffer it is given. Must not touch: files, clocks, randomness.
//! Invariant: every value goes through `escape`, lengths and digests are computed here, so no text from outside
//! can add a field or a record. Fields stand in one fixed order; the same arguments give the same bytes.

use std::fmt::Display;
use std::io::Write as _;
use std::net::IpAddr;

use crate::date::format_date;
use crate::digest::Digest;
use crate::encode::{Compression, Encoder};
use crate::escape;
use crate::id::RecordId;

const IDENTICAL_PAYLOAD: &str = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest";
const NOT_MODIFIED: &str = "http://netpreserve.org/warc/1.1/revisit/server-not-modified";

/// Where a record stands in the buffer it was appended to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Index of its first byte in the buffer.
    pub start: usize,
    /// Its bytes as stored, compression included.
    pub len: usize,
    /// Digest of its block, as its `WARC-Block-Digest` says; `None` from a writer without them.
    pub block_digest: Option<Digest>,
}

/// Why a block holds less than the server sent (WARC 1.1, 5.13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Truncated {
    /// A limit on bytes was reached.
    Length,
    /// A limit on time was reached.
    Time,
    /// The connection ended early.
    Disconnect,
    /// Another reason.
    Unspecified,
}

impl Truncated {
    /// The word of the standard.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Time => "time",
            Self::Disconnect => "disconnect",
            Self::Unspecified => "unspecified",
        }
    }

    /// Reads the word of the standard; other words mean [`Truncated::Unspecified`].
    pub fn parse(text: &str) -> Self {
        [Self::Length, Self::Time, Self::Disconnect]
            .into_iter()
            .find(|t| text.eq_ignore_ascii_case(t.as_str()))
            .unwrap_or(Self::Unspecified)
    }
}

/// A response as it was received (WARC 1.1, 6.3).
#[derive(Clone, Copy, Debug)]
pub struct ResponseRecord<'a> {
    /// Its own id.
    pub id: RecordId,
    /// When the request was sent, microseconds since the Unix epoch; the same in every record of the exchange.
    pub date_us: i64,
    /// The URL asked for.
    pub target_uri: &'a str,
    /// The address that answered.
    pub ip: Option<IpAddr>,
    /// Head and body as received, in parts that are written one after the other.
    pub block: &'a [&'a [u8]],
    /// Digest of the body, transfer coding removed, content coding kept (WARC 1.1, 6.3.2).
    pub payload_digest: Option<Digest>,
    /// Why the body is not whole.
    pub truncated: Option<Truncated>,
    /// The body came compressed (content coding, image, video …): with gzip the record is stored, not deflated again.
    pub content_encoded: bool,
    /// Protocols in use, such as `http/1.1` and `tls/1.3`: one `WARC-Protocol` each.
    pub protocol: &'a [&'a str],
    /// Name of the TLS cipher suite by IANA: `WARC-Cipher-Suite`.
    pub cipher: Option<&'a str>,
    /// The `warcinfo` record of this file.
    pub warcinfo_id: Option<RecordId>,
    /// Another record of the same exchange, when it was written first.
    pub concurrent_to: Option<RecordId>,
}

/// A request as it was sent (WARC 1.1, 6.5). Secrets are the caller's to leave out.
#[derive(Clone, Copy, Debug)]
pub struct RequestRecord<'a> {
    /// Its own id.
    pub id: RecordId,
    /// When the request was sent, microseconds since the Unix epoch.
    pub date_us: i64,
    /// The URL asked for.
    pub target_uri: &'a str,
    /// The address asked.
    pub ip: Option<IpAddr>,
    /// The bytes sent, in parts.
    pub block: &'a [&'a [u8]],
    /// The `warcinfo` record of this file.
    pub warcinfo_id: Option<RecordId>,
    /// The response or revisit of the same exchange.
    pub concurrent_to: Option<RecordId>,
}

/// How it is known that an earlier record holds the payload (WARC 1.1, 6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevisitProfile {
    /// The body came again and has this digest.
    IdenticalPayloadDigest(Digest),
    /// The server said 304; the digest is that of the earlier payload, when it is known.
    ServerNotModified(Option<Digest>),
}

/// The record that holds what a revisit leaves out.
#[derive(Clone, Copy, Debug)]
pub struct Referred<'a> {
    /// Its id, where it is known: an index of another archive does not tell it.
    pub id: Option<RecordId>,
    /// Its `WARC-Target-URI`.
    pub target_uri: &'a str,
    /// Its `WARC-Date`, microseconds since the Unix epoch.
    pub date_us: i64,
}

/// A response whose payload is in the archive already (WARC 1.1, 6.7).
#[derive(Clone, Copy, Debug)]
pub struct RevisitRecord<'a> {
    /// Its own id.
    pub id: RecordId,
    /// When the request was sent, microseconds since the Unix epoch.
    pub date_us: i64,
    /// The URL asked for.
    pub target_uri: &'a str,
    /// The address that answered.
    pub ip: Option<IpAddr>,
    /// The head as received, in parts; no body.
    pub block: &'a [&'a [u8]],
    /// Why this is a revisit.
    pub profile: RevisitProfile,
    /// The record revisited.
    pub refers_to: Option<Referred<'a>>,
    /// Protocols in use, as in a response.
    pub protocol: &'a [&'a str],
    /// Name of the TLS cipher suite by IANA.
    pub cipher: Option<&'a str>,
    /// The `warcinfo` record of this file.
    pub warcinfo_id: Option<RecordId>,
    /// Another record of the same exchange, when it was written first.
    pub concurrent_to: Option<RecordId>,
}

/// What the crawler knows about an exchange, or why there is no body (WARC 1.1, 6.6).
#[derive(Clone, Copy, Debug)]
pub struct MetadataRecord<'a> {
    /// Its own id.
    pub id: RecordId,
    /// Of the exchange, microseconds since the Unix epoch.
    pub date_us: i64,
    /// The URL described.
    pub target_uri: &'a str,
    /// Names and values of the block, in order; repeats are fine (`outlink`).
    pub fields: &'a [(&'a str, &'a str)],
    /// The `warcinfo` record of this file.
    pub warcinfo_id: Option<RecordId>,
    /// The response or revisit described.
    pub concurrent_to: Option<RecordId>,
}

/// Appends whole records to buffers. Keeps one compressor for its life; holds nothing of a record after the call.
pub struct Writer {
    encoder: Encoder,
    header: Vec<u8>,
    block_digests: bool,
}

impl Writer {
    /// A writer whose records are compressed in this way.
    pub fn new(compression: Compression) -> Self {
        Self {
            encoder: Encoder::new(compression),
            header: Vec::new(),
            block_digests: true,
        }
    }

    /// A writer of zstd frames that use `dictionary`. A file must begin with [`crate::Dictionary::frame`], and all its frames
    /// must use that dictionary (warc-zstd 1.0).
    #[cfg(feature = "zstd")]
    pub fn with_dictionary(dictionary: &crate::Dictionary) -> Self {
        Self {
            encoder: Encoder::with_dictionary(dictionary),
            ..Self::new(Compression::Zstd)
        }
    }

    /// The same writer without `WARC-Block-Digest`, which is optional (WARC 1.1, 5.8): one pass over each block less.
    #[must_use]
    pub fn without_block_digests(mut self) -> Self {
        self.block_digests = false;
        self
    }

    /// Appends the record that a file begins with (WARC 1.1, 6.2).
    ///
    /// - `filename`: name of the file, without its folder.
    /// - `fields`: `software`, `operator`, `robots` … as the block, in order.
    pub fn warcinfo(
        &mut self,
        out: &mut Vec<u8>,
        id: RecordId,
        date_us: i64,
        filename: &str,
        fields: &[(&str, &str)],
    ) -> Written {
        self.begin("warcinfo", id, date_us);
        self.text("WARC-Filename", filename);
        self.fixed("Content-Type", "application/warc-fields");
        self.finish(out, &[&warc_fields(fields)], false)
    }

    /// Appends a response. Cost: two passes over the block (digest, compression); nothing grows with earlier records.
    pub fn response(&mut self, out: &mut Vec<u8>, record: &ResponseRecord<'_>) -> Written {
        self.begin("response", record.id, record.date_us);
        self.exchange(record.target_uri, record.ip, record.protocol, record.cipher);
        self.links(record.warcinfo_id, record.concurrent_to);
        self.optional("WARC-Truncated", record.truncated.map(Truncated::as_str));
        self.fixed("Content-Type", "application/http; msgtype=response");
        self.optional("WARC-Payload-Digest", record.payload_digest);
        self.finish(out, record.block, record.content_encoded)
    }

    /// Appends a request.
    pub fn request(&mut self, out: &mut Vec<u8>, record: &RequestRecord<'_>) -> Written {
        self.begin("request", record.id, record.date_us);
        self.exchange(record.target_uri, record.ip, &[], None);
        self.links(record.warcinfo_id, record.concurrent_to);
        self.fixed("Content-Type", "application/http; msgtype=request");
        // Some 800 bytes, most of them header: deflating them takes a compressor's whole start-up to save 300.
        self.finish(out, record.block, true)
    }

    /// Appends a revisit: the head received, and where the payload is.
    pub fn revisit(&mut self, out: &mut Vec<u8>, record: &RevisitRecord<'_>) -> Written {
        self.begin("revisit", record.id, record.date_us);
        self.exchange(record.target_uri, record.ip, record.protocol, record.cipher);
        self.links(record.warcinfo_id, record.concurrent_to);
        let (profile, digest) = match record.profile {
            RevisitProfile::IdenticalPayloadDigest(digest) => (IDENTICAL_PAYLOAD, Some(digest)),
            RevisitProfile::ServerNotModified(digest) => (NOT_MODIFIED, digest),
        };
        self.fixed("WARC-Profile", profile);
        if let Some(referred) = record.refers_to {
            self.optional("WARC-Refers-To", referred.id);
            self.text("WARC-Refers-To-Target-URI", referred.target_uri);
            self.fixed("WARC-Refers-To-Date", format_date(referred.date_us));
        }
        self.fixed("Content-Type", "application/http; msgtype=response");
        self.optional("WARC-Payload-Digest", digest);
        self.finish(out, record.block, false)
    }

    /// Appends metadata as `application/warc-fields`.
    pub fn metadata(&mut self, out: &mut Vec<u8>, record: &MetadataRecord<'_>) -> Written {
        self.begin("metadata", record.id, record.date_us);
        self.exchange(record.target_uri, None, &[], None);
        self.links(record.warcinfo_id, record.concurrent_to);
        self.fixed("Content-Type", "application/warc-fields");
        self.finish(out, &[&warc_fields(record.fields)], false)
    }

    fn begin(&mut self, kind: &str, id: RecordId, date_us: i64) {
        self.header.clear();
        self.header.extend_from_slice(b"WARC/1.1\r\n");
        self.fixed("WARC-Type", kind);
        self.fixed("WARC-Record-ID", id);
        self.fixed("WARC-Date", format_date(date_us));
    }

    fn exchange(
        &mut self,
        target_uri: &str,
        ip: Option<IpAddr>,
        protocol: &[&str],
        cipher: Option<&str>,
    ) {
        self.text("WARC-Target-URI", target_uri);
        self.optional("WARC-IP-Address", ip);
        for name in protocol {
            self.text("WARC-Protocol", name);
        }
        if let Some(name) = cipher {
            self.text("WARC-Cipher-Suite", name);
        }
    }

    fn links(&mut self, warcinfo_id: Option<RecordId>, concurrent_to: Option<RecordId>) {
        self.optional("WARC-Warcinfo-ID", warcinfo_id);
        self.optional("WARC-Concurrent-To", concurrent_to);
    }

    /// A field whose value our own types print; never text from outside.
    fn fixed(&mut self, name: &str, value: impl Display) {
        write!(self.header, "{name}: {value}\r\n").expect("a Vec takes every byte");
    }

    fn optional(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.fixed(name, value);
        }
    }

    /// A field whose value may come from anywhere.
    fn text(&mut self, name: &str, value: &str) {
        self.header.extend_from_slice(name.as_bytes());
        self.header.extend_from_slice(b": ");
        escape::header_value(&mut self.header, value);
        self.header.extend_from_slice(b"\r\n");
    }

    fn finish(&mut self, out: &mut Vec<u8>, block: &[&[u8]], stored: bool) -> Written {
        let block_digest = self.block_digests.then(|| Digest::of_parts(block));
        self.optional("WARC-Block-Digest", block_digest);
        self.fixed(
            "Content-Length",
            block.iter().map(|part| part.len()).sum::<usize>(),
        );
        self.header.extend_from_slice(b"\r\n");
        let start = out.len();
        self.encoder.append(out, &self.header, block, stored);
        Written {
            start,
            len: out.len() - start,
            block_digest,
        }
    }
}

/// An `application/warc-fields` block.
fn warc_fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        escape::name(&mut block, name);
        block.extend_from_slice(b": ");
        escape::block_value(&mut block, value);
        block.extend_from_slice(b"\r\n");
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole text of a record, once: order of fields, digests, end.
    #[test]
    fn a_response_is_written_like_this() {
        let mut out = b"before".to_vec();
        let written = Writer::new(Compression::None).response(
            &mut out,
            &ResponseRecord {
                id: RecordId::from_random([1; 16]),
                date_us: 1_795_331_400_000_123,
                target_uri: "https://a.example/ä b",
                ip: Some("2001:db8::1".parse().unwrap()),
                block: &[b"HTTP/1.1 200 OK\r\n\r\n", b"hello"],
                payload_digest: Some(Digest::sha1(b"hello")),
                truncated: Some(Truncated::Length),
                content_encoded: true,
                protocol: &["http/1.1", "tls/1.3"],
                cipher: Some("TLS_AES_128_GCM_SHA256"),
                warcinfo_id: Some(RecordId::from_random([2; 16])),
                concurrent_to: Some(RecordId::from_random([3; 16])),
            },
        );
        assert_eq!((written.start, written.start + written.len), (6, out.len()));
        let text = "WARC/1.1\r\nWARC-Type: response\r\n\
            WARC-Record-ID: <urn:uuid:01010101-0101-4101-8101-010101010101>\r\n\
            WARC-Date: 2026-11-22T07:10:00.000123Z\r\n\
            WARC-Target-URI: https://a.example/%C3%A4%20b\r\n\
            WARC-IP-Address: 2001:db8::1\r\n\
            WARC-Protocol: http/1.1\r\nWARC-Protocol: tls/1.3\r\nWARC-Cipher-Suite: TLS_AES_128_GCM_SHA256\r\n\
            WARC-Warcinfo-ID: <urn:uuid:02020202-0202-4202-8202-020202020202>\r\n\
            WARC-Concurrent-To: <urn:uuid:03030303-0303-4303-8303-030303030303>\r\n\
            WARC-Truncated: length\r\nContent-Type: application/http; msgtype=response\r\n\
            WARC-Payload-Digest: sha1:VL2MMHO4YXUKFWV63YHTWSBM3GXKSQ2N\r\n\
            WARC-Block-Digest: DIGEST\r\nContent-Length: 24\r\n\r\n\
            HTTP/1.1 200 OK\r\n\r\nhello\r\n\r\n";
        assert_eq!(
            String::from_utf8_lossy(&out[6..]),
            text.replace("DIGEST", &written.block_digest.unwrap().to_string())
        );
        assert_eq!(
            written.block_digest,
            Some(Digest::sha1(b"HTTP/1.1 200 OK\r\n\r\nhello"))
        );
    }

    #[test]
    fn a_writer_without_digests_leaves_out_that_field_alone() {
        let info = |mut writer: Writer| {
            let mut out = Vec::new();
            let id = RecordId::from_random([1; 16]);
            let written = writer.warcinfo(&mut out, id, 0, "a.warc", &[("software", "orb")]);
            (String::from_utf8(out).unwrap(), written.block_digest)
        };
        let (with, digest) = info(Writer::new(Compression::None));
        let (without, none) = info(Writer::new(Compression::None).without_block_digests());
        let line = format!("WARC-Block-Digest: {}\r\n", digest.unwrap());
        assert_eq!((with.replace(&line, ""), none), (without, None));
    }

    #[test]
    fn truncation_words_are_those_of_the_standard() {
        for reason in [
            Truncated::Length,
            Truncated::Time,
            Truncated::Disconnect,
            Truncated::Unspecified,
        ] {
            assert_eq!(Truncated::parse(reason.as_str()), reason);
        }
        assert_eq!(Truncated::parse("Disconnect"), Truncated::Disconnect);
        assert_eq!(Truncated::parse("meteor"), Truncated::Unspecified);
    }
}
