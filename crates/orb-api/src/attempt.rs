//! Rows that the audit judges from: one per request, one per commit group.
//!
//! In: what happened. Out: JSON lines in `index/attempts/` and `index/commits/`.
//! May touch: nothing. Invariant: a row is written when its exchange ends and never changed; `v` names the layout.

use orb_env::{Mono, Stamp, Wall};
use serde::{Deserialize, Serialize};

use crate::{Outcome, Reason};

/// What a request was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptKind {
    /// A queued URL.
    Page,
    /// robots.txt of an origin, or a hop on the way to it.
    Robots,
}

/// Where a record lies in the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivePlace {
    /// File name inside `warc/`.
    pub file: String,
    /// Offset of the record's first byte.
    pub offset: u64,
    /// Bytes of the record in the file.
    pub bytes: u64,
}

/// The robots.txt answer a page was judged by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RobotsInForce {
    /// Id of the attempt that brought the answer.
    pub attempt: String,
    /// `rules`, `allow_all` or `unreachable`.
    pub standing: String,
    /// Line of the rule that decided, if one did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u32>,
}

/// One request, from permit to outcome. One JSON line of `index/attempts/slot-NN.jsonl`.
///
/// | field | meaning |
/// |---|---|
/// | `v` | layout version, 1 |
/// | `id` | 32 hex digits; the WARC response record has the UUID of the same bits |
/// | `start`, `end` | when the first packet could leave, when the last byte came; boot id, monotonic and wall time |
/// | `site_delay_us`, `address_delay_us` | the pauses in force when the permit was given |
/// | `robots` | pages only: the answer the page was judged by |
/// | `origin` | robots only: whose robots.txt this is, also on hops |
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRow {
    /// Layout version.
    pub v: u8,
    /// Attempt id.
    pub id: String,
    /// What it was for.
    pub kind: AttemptKind,
    /// The URL requested.
    pub url: String,
    /// Its site.
    pub site: String,
    /// The address dialled; empty where the name gave none, and nothing was sent.
    pub address: String,
    /// The group of the address, if it has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub group: Option<String>,
    /// When it began.
    pub start: Stamp,
    /// When it ended, monotonic.
    pub end: Mono,
    /// When it ended, wall.
    pub end_wall: Wall,
    /// The site's pause in force, microseconds.
    pub site_delay_us: u64,
    /// The address's pause in force, microseconds.
    pub address_delay_us: u64,
    /// Robots attempts: whose robots.txt.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub origin: Option<String>,
    /// Page attempts: the robots answer in force.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub robots: Option<RobotsInForce>,
    /// HTTP status, if an answer came.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<u16>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
    /// The fetcher's error class, if it failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// The rest the site asked for by `Retry-After`, microseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retry_after_us: Option<u64>,
    /// Digest of the payload as received.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub digest: Option<String>,
    /// Where the response or revisit record lies.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub archive: Option<ArchivePlace>,
    /// What the page's text has in common with others; absent where `archive.text_marks` is off, of pages that were cut,
    /// and in rows of earlier versions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text: Option<TextFacts>,
    /// Where the time went; absent in rows of earlier versions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub timings: Option<AttemptTimings>,
    /// The commit group that will make it durable.
    pub commit: u64,
}

impl AttemptRow {
    /// Whether its name gave an address; a row without one is of a request that was never sent.
    #[must_use]
    pub fn has_address(&self) -> bool {
        !self.address.is_empty()
    }
}

/// What a page's visible text is known by. The metadata record of the capture holds the same as `textDigest`,
/// `textSimhash` and `sameText`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextFacts {
    /// `sha1:` digest of the visible text: equal for pages that say the same in the same order, whatever their markup.
    pub digest: String,
    /// 16 hex digits that differ in few bits of 64 where texts differ a little; numbers and words of the address say
    /// nothing.
    pub simhash: String,
    /// A page with this very text that its slot captured before in this run, as far as it remembers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub same_as: Option<SameText>,
}

/// A page with the same text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SameText {
    /// Its URL.
    pub url: String,
    /// Whether it is of the same site; one of the same site is named rather than one of another.
    pub same_site: bool,
}

/// Where the time of one request went, microseconds each. What did not happen is absent: a kept connection has
/// neither `connect_us` nor `tls_us`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AttemptTimings {
    /// From the site's turn to the start of the exchange, name and clocks of addresses included.
    pub queue_us: u64,
    /// Finding the address, when it was not in the cache: part of `queue_us`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_us: Option<u64>,
    /// TCP connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_us: Option<u64>,
    /// TLS handshake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_us: Option<u64>,
    /// From the request to the first byte of the answer: the server's time, and one way there and back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte_us: Option<u64>,
    /// From the first byte to the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_us: Option<u64>,
    /// Time in which we did not read because our buffers were full: not the server's.
    pub buffer_wait_us: u64,
    /// Finding its URL worth a request and its robots.txt at hand: the first part of `queue_us`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub robots_us: Option<u64>,
    /// Everything here after the last byte, decoding, scanning and archiving among it.
    pub ours_us: u64,
    /// Of that the first part: content coding and character set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decode_us: Option<u64>,
    /// Then reading the page: its text, links, directives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scan_us: Option<u64>,
    /// Then its records: digests, what it equals, compression, into the group's buffer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive_us: Option<u64>,
}

/// One commit group, written after its sync. One JSON line of `index/commits/slot-NN.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitRow {
    /// Layout version, 1.
    pub v: u8,
    /// Group number, counting from 1 in each slot.
    pub group: u64,
    /// Attempts it made durable.
    pub attempts: u64,
    /// When its sync was done.
    pub at: Wall,
}
