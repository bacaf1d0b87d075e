//! The columns of the capture tables: Common Crawl's columnar index, then our own.
//!
//! In: rows. Out: what each column holds of a row. May touch: nothing.
//! Invariant: the first 31 columns have the names, order and types of Common Crawl's schema (`cc-index-schema-flat`, of
//! CC-MAIN-2026-30), whose `crawl` and `subset` are partitions; ours follow and all may be null.
//!
//! | own column | holds |
//! |---|---|
//! | `warc_record_type` | `response`, `revisit` |
//! | `warc_refers_to_url`, `warc_refers_to` | the capture that holds a revisit's payload, its record's UUID |
//! | `fetch_outcome` | what became of the URL: `captured`, `not_modified`, `redirect`, `gone` … |
//! | `fetch_duration_ms` | from request to the end of the answer |
//! | `fetch_via`, `fetch_depth`, `fetch_found_by` | the page that led here, links from a seed, how it was found |
//! | `fetch_ip`, `fetch_protocol`, `fetch_cipher` | address, protocols, TLS cipher suite |
//! | `content_encoding`, `content_block_bytes` | content codings; bytes of head and body as received |
//! | `content_title` | the page's title |
//! | `robots_directives` | what page and header fields ask of robots |
//! | `usage_preferences` | what page, header fields and robots.txt say of the use of the page, one a line |

use orb_url::CrawlUrl;

use crate::host::HostParts;
use crate::row::CaptureRow;

/// Version of the columns; in each table's metadata as `orb.schema`.
pub const SCHEMA_VERSION: u32 = 1;

/// A row and what follows from its address.
pub(crate) struct Wide<'a> {
    row: &'a CaptureRow,
    url: &'a CrawlUrl,
    host: HostParts<'a>,
    id: Vec<u8>,
}

impl<'a> Wide<'a> {
    pub(crate) fn of(row: &'a CaptureRow, url: &'a CrawlUrl) -> Wide<'a> {
        let digit = |at: usize| u8::from_str_radix(row.record_id.get(at..at + 2)?, 16).ok();
        Wide {
            row,
            url,
            host: HostParts::of(url.host()),
            id: (0..row.record_id.len() / 2)
                .filter_map(|at| digit(2 * at))
                .collect(),
        }
    }
}

/// What a column holds.
pub(crate) enum Kind {
    Text(for<'w> fn(&'w Wide<'_>) -> Option<&'w str>),
    Bytes(for<'w> fn(&'w Wide<'_>) -> &'w [u8]),
    Short(fn(&Wide<'_>) -> i32),
    Int(fn(&Wide<'_>) -> Option<i32>),
    Long(fn(&Wide<'_>) -> Option<i64>),
    Time(fn(&Wide<'_>) -> i64),
}

/// One column.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) required: bool,
    pub(crate) kind: Kind,
}

const fn must(name: &'static str, kind: Kind) -> Column {
    Column {
        name,
        required: true,
        kind,
    }
}

const fn may(name: &'static str, kind: Kind) -> Column {
    Column {
        name,
        required: false,
        kind,
    }
}

use Kind::{Bytes, Int, Long, Short, Text, Time};

/// In their order.
pub(crate) const COLUMNS: &[Column] = &[
    must("url_surtkey", Text(|w| Some(&w.row.key))),
    must("url", Text(|w| Some(&w.row.url))),
    must("url_host_name", Text(|w| Some(w.url.host()))),
    may("url_host_tld", Text(|w| w.host.tld)),
    may("url_host_2nd_last_part", Text(|w| w.host.parts[0])),
    may("url_host_3rd_last_part", Text(|w| w.host.parts[1])),
    may("url_host_4th_last_part", Text(|w| w.host.parts[2])),
    may("url_host_5th_last_part", Text(|w| w.host.parts[3])),
    may("url_host_registry_suffix", Text(|w| w.host.registry_suffix)),
    may(
        "url_host_registered_domain",
        Text(|w| w.host.registered_domain),
    ),
    may("url_host_private_suffix", Text(|w| w.host.private_suffix)),
    may("url_host_private_domain", Text(|w| w.host.private_domain)),
    may(
        "url_host_name_reversed",
        Text(|w| w.host.reversed.as_deref()),
    ),
    must("url_protocol", Text(|w| Some(w.url.scheme().as_str()))),
    may("url_port", Int(|w| explicit_port(w.url))),
    must("url_path", Text(|w| Some(w.url.path()))),
    may("url_query", Text(|w| w.url.query())),
    must("fetch_time", Time(|w| w.row.time_us)),
    must("fetch_status", Short(|w| i32::from(w.row.status))),
    may("fetch_redirect", Text(|w| w.row.redirect.as_deref())),
    may("content_digest", Text(|w| w.row.digest.as_deref())),
    may("content_mime_type", Text(|w| w.row.mime.as_deref())),
    may(
        "content_mime_detected",
        Text(|w| w.row.mime_detected.as_deref()),
    ),
    may("content_charset", Text(|w| w.row.charset.as_deref())),
    may("content_languages", Text(|w| w.row.languages.as_deref())),
    may("content_truncated", Text(|w| w.row.truncated.as_deref())),
    must("warc_record_id", Bytes(|w| &w.id)),
    must("warc_filename", Text(|w| Some(&w.row.filename))),
    must(
        "warc_record_offset",
        Int(|w| i32::try_from(w.row.offset).ok()),
    ),
    must(
        "warc_record_length",
        Int(|w| i32::try_from(w.row.length).ok()),
    ),
    must("warc_segment", Text(|w| Some(segment_of(&w.row.filename)))),
    // Ours.
    may("warc_record_type", Text(|w| Some(&w.row.record_type))),
    may(
        "warc_refers_to_url",
        Text(|w| w.row.refers_to_url.as_deref()),
    ),
    may("warc_refers_to", Text(|w| w.row.refers_to.as_deref())),
    may("fetch_outcome", Text(|w| w.row.outcome.as_deref())),
    may("fetch_duration_ms", Int(|w| w.row.duration_ms)),
    may("fetch_via", Text(|w| w.row.via.as_deref())),
    may("fetch_depth", Int(|w| w.row.depth)),
    may("fetch_found_by", Text(|w| w.row.found_by.as_deref())),
    may("fetch_ip", Text(|w| w.row.ip.as_deref())),
    may("fetch_protocol", Text(|w| w.row.protocol.as_deref())),
    may("fetch_cipher", Text(|w| w.row.cipher.as_deref())),
    may("content_encoding", Text(|w| w.row.encoding.as_deref())),
    may("content_block_bytes", Long(|w| Some(w.row.block_bytes))),
    may("content_title", Text(|w| w.row.title.as_deref())),
    may("robots_directives", Text(|w| w.row.directives.as_deref())),
    may("usage_preferences", Text(|w| w.row.usage.as_deref())),
];

/// The schema's columns of place have 32 bits, as its readers expect; a capture further inside a file has no row.
pub(crate) fn has_room(row: &CaptureRow) -> bool {
    i32::try_from(row.offset).is_ok() && i32::try_from(row.length).is_ok()
}

fn explicit_port(url: &CrawlUrl) -> Option<i32> {
    (url.port() != url.scheme().default_port()).then(|| i32::from(url.port()))
}

/// The slot of a crawl's own segment, `s03`; empty for files of others.
fn segment_of(filename: &str) -> &str {
    let Some(name) = orb_warc::SegmentName::parse(filename) else {
        return "";
    };
    let end = filename.len() - name.compression.suffix().len();
    filename[..end].rsplit('-').next().unwrap_or_default()
}
