//! A sample archive with every kind of record, honest and hostile, for the tests and for readers of other makers.
//!
//! In: a compression. Out: the file's bytes and the place of each record.
//! May touch: nothing else.
//! Invariant: the same file at every call.

use orb_warc::{
    Compression, Digest, MetadataRecord, RecordId, Referred, RequestRecord, ResponseRecord,
    RevisitProfile, RevisitRecord, Truncated, Writer, Written,
};

/// 2026-11-22T07:10:00.000123Z.
pub(crate) const DATE_US: i64 = 1_795_331_400_000_123;

/// Text that would break out of its field if it could (fault D12).
pub(crate) const HOSTILE: &[&str] = &[
    "a\r\nWARC-Type: response\r\nContent-Length: 0\r\n\r\n",
    "a\r\n\r\n\r\n\r\nWARC/1.1\r\nWARC-Type: warcinfo\r\nContent-Length: 0\r\n\r\n\r\n\r\n",
    "a\nb",
    "a\rb",
    "a\n b",
    "\r\n\r\n",
    "\n",
    "\r",
    "",
    " ",
    "\t",
    "  padded\t",
    "a\0b",
    "a\u{1}b",
    "a\u{8}b",
    "a\u{b}b",
    "a\u{c}b",
    "a\u{1b}[31mb",
    "a\u{1c}b\u{1d}c\u{1e}d",
    "a\u{7f}b",
    "a\u{85}b",
    "a\u{9b}b",
    "a\u{2028}b\u{2029}c",
    "\u{a0}a\u{a0}",
    "\u{3000}a\u{2003}",
    "\u{feff}a",
    "a\u{202e}b\u{202c}",
    "a\u{2066}b\u{2069}",
    "a\u{200e}b\u{200f}",
    "a\u{61c}b",
    "a\u{e0041}b\u{e007f}",
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "=HYPERLINK(\"http://a\")",
    "': drop",
    "a: b",
    ":",
    ";",
    "%0D%0AX: y",
    "%",
    "%zz",
    "Größe",
    "日本語",
    "👩‍👩‍👧",
    "e\u{301}",
    "ÿþ",
    "<urn:uuid:00000000-0000-4000-8000-000000000000>",
    "WARC/1.1",
    "HTTP/1.1 200 OK",
];

/// What an honest site sends, and what it takes to be stored well.
pub(crate) const PAGE: &[u8] =
    b"<!doctype html><title>A page</title><p>Read me.</p><a href=/next>next</a>";

/// The archive and the place of each of its records.
pub(crate) struct Sample {
    pub(crate) bytes: Vec<u8>,
    pub(crate) records: Vec<Written>,
    writer: Writer,
    next_id: u128,
}

/// Every kind of record once or more, then every hostile text in every field.
pub(crate) fn sample(compression: Compression) -> Sample {
    with_hostile_text(honest(compression))
}

fn with_hostile_text(mut sample: Sample) -> Sample {
    HOSTILE.iter().for_each(|text| sample.hostile(text));
    sample
}

/// The same as zstd frames that use a dictionary, which the file begins with. The place of its first record is that of
/// its frame.
#[cfg(feature = "zstd")]
#[allow(
    dead_code,
    reason = "not every test that shares these samples asks for it"
)]
pub(crate) fn dense() -> (orb_warc::Dictionary, Sample) {
    let plain = sample(Compression::None);
    let records = plain.records.iter().cycle().take(2_000);
    let samples: Vec<Vec<u8>> = records
        .map(|record| plain.bytes[record.start..record.start + record.len].to_vec())
        .collect();
    let dictionary =
        orb_warc::Dictionary::train(&samples).expect("thousands of samples are enough");
    let mut sample = Sample::new(Compression::Zstd);
    sample.writer = Writer::with_dictionary(&dictionary);
    sample.bytes = dictionary.frame();
    (dictionary, with_hostile_text(honestly(sample)))
}

/// Every kind of record, with the values a crawl gives.
pub(crate) fn honest(compression: Compression) -> Sample {
    honestly(Sample::new(compression))
}

fn honestly(mut sample: Sample) -> Sample {
    let id = sample.id();
    let fields = [
        ("software", "orb/0.1.0"),
        ("format", "WARC File Format 1.1"),
        ("robots", "classic"),
    ];
    let written = sample
        .writer
        .warcinfo(&mut sample.bytes, id, DATE_US, "sample.warc.gz", &fields);
    sample.records.push(written);
    let first = sample.response(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n",
        PAGE,
        PAGE,
        false,
        None,
    );
    let chunked = [
        b"10\r\n",
        &PAGE[..16],
        b"\r\n39;x=y\r\n",
        &PAGE[16..],
        b"\r\n0\r\nTrailer: z\r\n\r\n",
    ]
    .concat();
    sample.response(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        &chunked,
        PAGE,
        false,
        None,
    );
    let packed = gzipped(&PAGE.repeat(9));
    sample.response(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n",
        &packed,
        &packed,
        true,
        None,
    );
    let noise: Vec<u8> = (0..200_000u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    sample.response(
        b"HTTP/1.1 200 OK\r\nContent-Type: image/x\r\n\r\n",
        &noise,
        &noise,
        true,
        None,
    );
    sample.odd_bodies();
    sample.pointers(first);
    sample
}

impl Sample {
    /// An archive without records.
    pub(crate) fn new(compression: Compression) -> Self {
        Self {
            bytes: Vec::new(),
            records: Vec::new(),
            writer: Writer::new(compression),
            next_id: 1,
        }
    }

    fn id(&mut self) -> RecordId {
        self.next_id += 1;
        RecordId::from_random((self.next_id * 0x0123_4567_89ab_cdef_0000_0001).to_be_bytes())
    }

    /// Bodies that are not whole, look like records, or are empty.
    fn odd_bodies(&mut self) {
        for reason in [
            Truncated::Length,
            Truncated::Time,
            Truncated::Disconnect,
            Truncated::Unspecified,
        ] {
            self.response(
                b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n",
                b"cut sho",
                b"cut sho",
                false,
                Some(reason),
            );
        }
        let decoy = b"\r\n\r\nWARC/1.1\r\nWARC-Type: response\r\nContent-Length: 0\r\n\r\n\r\n\r\n";
        self.response(b"HTTP/1.1 200 OK\r\n\r\n", decoy, decoy, true, None);
        self.response(b"HTTP/1.1 204 No Content\r\n\r\n", b"", b"", false, None);
    }

    /// Records that speak about the first response.
    fn pointers(&mut self, first: RecordId) {
        let date_us = DATE_US;
        let refers_to = Some(Referred {
            id: Some(first),
            target_uri: "http://a.example/",
            date_us,
        });
        self.revisit(
            RevisitProfile::IdenticalPayloadDigest(Digest::sha1(PAGE)),
            b"HTTP/1.1 200 OK\r\n\r\n",
            refers_to,
        );
        self.revisit(
            RevisitProfile::ServerNotModified(None),
            b"HTTP/1.1 304 Not Modified\r\n\r\n",
            refers_to,
        );
        self.metadata(
            "http://a.example/",
            &[
                ("via", "http://a.example/"),
                ("hopsFromSeed", "L"),
                ("fetchTimeMs", "12"),
                ("outlink", "http://a.example/1"),
                ("outlink", "http://a.example/2"),
            ],
        );
        self.metadata("http://a.example/empty", &[]);
    }

    fn response(
        &mut self,
        head: &[u8],
        body: &[u8],
        payload: &[u8],
        content_encoded: bool,
        truncated: Option<Truncated>,
    ) -> RecordId {
        let id = self.id();
        let target_uri = "http://a.example/";
        let ip = Some("192.0.2.7".parse().expect("it is an address"));
        let record = ResponseRecord {
            id,
            date_us: DATE_US,
            target_uri,
            ip,
            block: &[head, body],
            payload_digest: Some(Digest::sha1(payload)),
            truncated,
            content_encoded,
            protocol: &["http/1.1", "tls/1.3"],
            cipher: Some("TLS_AES_128_GCM_SHA256"),
            warcinfo_id: None,
            concurrent_to: None,
        };
        let written = self.writer.response(&mut self.bytes, &record);
        self.records.push(written);
        let request_id = self.id();
        let request = RequestRecord {
            id: request_id,
            date_us: DATE_US,
            target_uri,
            ip,
            block: &[b"GET / HTTP/1.1\r\n", b"Host: a.example\r\n\r\n"],
            warcinfo_id: None,
            concurrent_to: Some(id),
        };
        let written = self.writer.request(&mut self.bytes, &request);
        self.records.push(written);
        id
    }

    fn revisit(&mut self, profile: RevisitProfile, head: &[u8], refers_to: Option<Referred<'_>>) {
        let record = RevisitRecord {
            id: self.id(),
            date_us: DATE_US + 1_000_000,
            target_uri: "http://a.example/",
            ip: Some("2001:db8::7".parse().expect("it is an address")),
            block: &[head],
            profile,
            refers_to,
            protocol: &["http/1.1"],
            cipher: None,
            warcinfo_id: None,
            concurrent_to: None,
        };
        let written = self.writer.revisit(&mut self.bytes, &record);
        self.records.push(written);
    }

    fn metadata(&mut self, target_uri: &str, fields: &[(&str, &str)]) {
        let id = self.id();
        let record = MetadataRecord {
            id,
            date_us: DATE_US,
            target_uri,
            fields,
            warcinfo_id: None,
            concurrent_to: None,
        };
        let written = self.writer.metadata(&mut self.bytes, &record);
        self.records.push(written);
    }

    /// One text in every field and block that text can reach: four records.
    pub(crate) fn hostile(&mut self, text: &str) {
        let id = self.id();
        let written = self.writer.warcinfo(
            &mut self.bytes,
            id,
            DATE_US,
            text,
            &[("software", text), (text, "value")],
        );
        self.records.push(written);
        let head = format!(
            "HTTP/1.1 200 OK\r\nX-Text: {}\r\n\r\n",
            text.escape_default()
        );
        let block: &[&[u8]] = &[head.as_bytes(), text.as_bytes()];
        let id = self.id();
        let response = ResponseRecord {
            id,
            date_us: DATE_US,
            target_uri: &format!("http://a.example/{text}"),
            ip: None,
            block,
            payload_digest: Some(Digest::sha1(text.as_bytes())),
            truncated: None,
            content_encoded: text.len().is_multiple_of(2),
            protocol: &[text, "http/1.1"],
            cipher: Some(text),
            warcinfo_id: None,
            concurrent_to: None,
        };
        let written = self.writer.response(&mut self.bytes, &response);
        self.records.push(written);
        let refers_to = Some(Referred {
            id: Some(id),
            target_uri: text,
            date_us: DATE_US,
        });
        self.revisit(
            RevisitProfile::ServerNotModified(None),
            head.as_bytes(),
            refers_to,
        );
        self.metadata(
            &format!("http://a.example/?{text}"),
            &[("via", text), ("title", text), (text, text)],
        );
    }
}

/// A gzip body as a server would send it; a stored member is one, and needs no compressor here.
fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    std::io::Read::read_to_end(
        &mut flate2::read::GzEncoder::new(bytes, flate2::Compression::new(6)),
        &mut body,
    )
    .expect("memory does not fail");
    body
}
