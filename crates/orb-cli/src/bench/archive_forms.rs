//! The forms in which `orb bench archive` writes exchanges.
//!
//! In: exchanges, an open file. Out: CPU time and bytes of writing them all. May touch: that file.
//! Invariant: every form writes the same three records of an exchange (response, request, metadata), and syncs the file
//! as often.

use std::io;
use std::time::Duration;

use orb_env::{AppendFile, thread_cpu};
use orb_warc::{
    Compression, Dictionary, Digest, MetadataRecord, Reader, RecordId, RequestRecord,
    ResponseRecord, Writer,
};

use crate::bench::archive_set::{Coding, Exchange, ExchangeSet, gzipped};
use crate::limits::{BENCH_GROUP_BYTES, BENCH_SAMPLE_BYTES as SAMPLE_BYTES};

/// One form of records, and the names of what is measured of it.
pub(crate) struct Form {
    /// In tables.
    pub(crate) name: &'static str,
    /// CPU microseconds a page.
    pub(crate) micros: &'static str,
    /// The same without a file: what making the records costs.
    pub(crate) alone: &'static str,
    /// Bytes of a page's records.
    pub(crate) bytes: &'static str,
    kind: Kind,
    digests: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// What a crawl writes: stored where the body came compressed.
    Ours,
    /// Stored whatever came.
    Stored,
    /// Every record deflated at level 6, as other crawlers do.
    Deflated,
    Zstd,
    /// With a dictionary made of a quarter of the pages.
    Dense,
    Plain,
}

const fn form(
    name: &'static str,
    micros: &'static str,
    alone: &'static str,
    bytes: &'static str,
    kind: Kind,
    digests: bool,
) -> Form {
    Form {
        name,
        micros,
        alone,
        bytes,
        kind,
        digests,
    }
}

/// In the order of the report.
pub(crate) const FORMS: [Form; 8] = [
    form(
        "gzip as crawls write it",
        "gzip_micros_per_page",
        "gzip_alone_micros_per_page",
        "gzip_bytes_per_page",
        Kind::Ours,
        true,
    ),
    form(
        "gzip, stored",
        "stored_micros_per_page",
        "stored_alone_micros_per_page",
        "stored_bytes_per_page",
        Kind::Stored,
        true,
    ),
    form(
        "gzip, stored, no digests",
        "stored_bare_micros_per_page",
        "stored_bare_alone_micros_per_page",
        "stored_bare_bytes_per_page",
        Kind::Stored,
        false,
    ),
    form(
        "gzip -6",
        "gzip_6_micros_per_page",
        "gzip_6_alone_micros_per_page",
        "gzip_6_bytes_per_page",
        Kind::Deflated,
        true,
    ),
    form(
        "zstd",
        "zstd_micros_per_page",
        "zstd_alone_micros_per_page",
        "zstd_bytes_per_page",
        Kind::Zstd,
        true,
    ),
    form(
        "zstd with dictionary",
        "zstd_dictionary_micros_per_page",
        "zstd_dictionary_alone_micros_per_page",
        "zstd_dictionary_bytes_per_page",
        Kind::Dense,
        true,
    ),
    form(
        "not compressed",
        "plain_micros_per_page",
        "plain_alone_micros_per_page",
        "plain_bytes_per_page",
        Kind::Plain,
        true,
    ),
    form(
        "not compressed, no digests",
        "plain_bare_micros_per_page",
        "plain_bare_alone_micros_per_page",
        "plain_bare_bytes_per_page",
        Kind::Plain,
        false,
    ),
];

/// What writing a set cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) cpu: Duration,
    pub(crate) bytes: u64,
}

impl Form {
    /// Archives every exchange of `set` once, on the calling thread.
    ///
    /// - `links`: whether the metadata records hold the pages' links.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn write(
        &self,
        set: &ExchangeSet,
        links: bool,
        file: &mut dyn AppendFile,
    ) -> io::Result<Cost> {
        let mut records = Records::of(self, set);
        let before = file.bytes();
        let began = thread_cpu();
        let mut group = Vec::new();
        for (number, exchange) in set.exchanges.iter().enumerate() {
            records.append(&mut group, exchange, number as u64, links);
            if group.len() >= BENCH_GROUP_BYTES {
                file.append(&group)?;
                file.sync()?;
                group.clear();
            }
        }
        file.append(&group)?;
        file.sync()?;
        Ok(Cost {
            cpu: thread_cpu().saturating_sub(began),
            bytes: file.bytes() - before,
        })
    }
}

/// A file that is none.
#[derive(Debug, Default)]
pub(crate) struct Nowhere(u64);

impl AppendFile for Nowhere {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0 += bytes.len() as u64;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn bytes(&self) -> u64 {
        self.0
    }
}

/// A writer, and how it is used.
struct Records {
    writer: Writer,
    deflate: bool,
    stored: bool,
    digests: bool,
    plain: Vec<u8>,
}

impl Records {
    fn of(form: &Form, set: &ExchangeSet) -> Records {
        let compression = match form.kind {
            Kind::Ours | Kind::Stored => Compression::Gzip,
            Kind::Zstd | Kind::Dense => Compression::Zstd,
            Kind::Deflated | Kind::Plain => Compression::None,
        };
        let dictionary = (form.kind == Kind::Dense)
            .then(|| dictionary_of(set))
            .flatten();
        let writer = match &dictionary {
            Some(dictionary) => Writer::with_dictionary(dictionary),
            None => Writer::new(compression),
        };
        Records {
            writer: if form.digests {
                writer
            } else {
                writer.without_block_digests()
            },
            deflate: form.kind == Kind::Deflated,
            stored: form.kind == Kind::Stored || set.coding == Coding::Gzip,
            digests: form.digests,
            plain: Vec::new(),
        }
    }

    /// Records that are not compressed.
    fn plain() -> Records {
        Records {
            writer: Writer::new(Compression::None),
            deflate: false,
            stored: false,
            digests: true,
            plain: Vec::new(),
        }
    }

    fn append(&mut self, out: &mut Vec<u8>, exchange: &Exchange, number: u64, links: bool) {
        let id = |kind: u8| {
            let mut bytes = [kind; 16];
            bytes[..8].copy_from_slice(&number.to_le_bytes());
            RecordId::from_random(bytes)
        };
        let date_us = 1_795_331_400_000_000 + number as i64;
        let response = ResponseRecord {
            id: id(1),
            date_us,
            target_uri: &exchange.url,
            ip: Some([192, 0, 2, 1].into()),
            block: &[&exchange.head, &exchange.body],
            payload_digest: self.digests.then(|| Digest::sha1(&exchange.body)),
            truncated: None,
            content_encoded: self.stored,
            protocol: &["http/1.1", "tls/1.3"],
            cipher: Some("TLS_AES_128_GCM_SHA256"),
            warcinfo_id: Some(id(0)),
            concurrent_to: None,
        };
        self.one(out, |writer, out| {
            writer.response(out, &response);
        });
        let request = RequestRecord {
            id: id(2),
            date_us,
            target_uri: &exchange.url,
            ip: Some([192, 0, 2, 1].into()),
            block: &[&exchange.request],
            warcinfo_id: Some(id(0)),
            concurrent_to: Some(id(1)),
        };
        self.one(out, |writer, out| {
            writer.request(out, &request);
        });
        let mut fields = vec![
            ("fetchTimeMs", "120"),
            ("title", "A title of a page"),
            ("language", "en"),
            ("charset", "UTF-8"),
        ];
        let outlinks = exchange.outlinks.iter().filter(|_| links);
        fields.extend(outlinks.map(|link| ("outlink", link.as_str())));
        let metadata = MetadataRecord {
            id: id(3),
            date_us,
            target_uri: &exchange.url,
            fields: &fields,
            warcinfo_id: Some(id(0)),
            concurrent_to: Some(id(1)),
        };
        self.one(out, |writer, out| {
            writer.metadata(out, &metadata);
        });
    }

    /// One record, compressed by itself where the writer does not do it.
    fn one(&mut self, out: &mut Vec<u8>, write: impl FnOnce(&mut Writer, &mut Vec<u8>)) {
        if !self.deflate {
            write(&mut self.writer, out);
            return;
        }
        self.plain.clear();
        write(&mut self.writer, &mut self.plain);
        out.extend_from_slice(&gzipped(&self.plain));
    }
}

/// What the records of every fourth exchange have in common, without bodies that came coded: as a crawl makes it.
fn dictionary_of(set: &ExchangeSet) -> Option<Dictionary> {
    let mut samples = Vec::new();
    let mut records = Records::plain();
    for (number, exchange) in set.exchanges.iter().enumerate().step_by(4) {
        let kept = match set.coding {
            Coding::Gzip => 0,
            Coding::Plain => exchange.body.len().min(SAMPLE_BYTES),
        };
        let part = Exchange {
            body: exchange.body[..kept].to_vec(),
            ..exchange.clone()
        };
        let mut out = Vec::new();
        records.append(&mut out, &part, number as u64, true);
        let all = Reader::with_compression(&out[..], Compression::None);
        let ranges = all.filter_map(|record| {
            let record = record.ok()?;
            let start = record.offset as usize;
            Some(start..start + (record.len as usize).min(SAMPLE_BYTES))
        });
        samples.extend(ranges.map(|range| out[range].to_vec()));
    }
    Dictionary::train(&samples)
}
