//! Rows of the slot's store: queued URLs, fates, sites. Keys start with the partition, so a partition is a range.
//!
//! In: values. Out: keys and bytes, version first. May touch: nothing.
//! Invariant: rows of one site are neighbours; within a site queue rows sort by lane, then by order.
//!
//! | keyspace | key | value |
//! |---|---|---|
//! | `Sites` | partition (2), site | JSON of [`SiteRow`] |
//! | `Queue` | partition (2), site, 0, lane (1), order (8), tie (8) | version 1, attempts (1), fingerprint (8), found |
//! | `Fates` | partition (2), site, 0, fingerprint (8) | see [`FateRow::encode`] |
//! | `Robots` | partition (2), site, 0, origin | written by the crawl |

use orb_api::{Outcome, Reason, UrlState};
use orb_env::Wall;
use orb_gate::StoredSiteClock;
use orb_shard::Partition;
use orb_url::{CrawlUrl, Fingerprint, Site};
use serde::{Deserialize, Serialize};

use crate::codec::{put_bytes, put_varint, take_bytes, take_str, take_u8, take_u64, take_varint};
use crate::scope::ScopeMarks;
use crate::{DecodeError, Found, How};

const VERSION: u8 = 1;

/// The order of URLs inside a site: lower lanes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lane(u8);

impl Lane {
    /// Tried before, due at a time.
    pub const RETRY: Lane = Lane(0);

    /// Its number, as stored in keys.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }

    /// The lane of a fresh URL: seeds, then by depth; deeper than the last lane share it.
    #[must_use]
    pub fn of(how: How, depth: u16) -> Lane {
        if how == How::Seed {
            Lane(1)
        } else {
            Lane(2 + depth.min(29) as u8)
        }
    }
}

/// Key of a site's row.
#[must_use]
pub fn site_key(partition: Partition, site: &Site) -> Vec<u8> {
    let mut key = Vec::with_capacity(2 + site.as_str().len());
    key.extend_from_slice(&partition.get().to_be_bytes());
    key.extend_from_slice(site.as_str().as_bytes());
    key
}

/// What all rows of one site in one keyspace begin with. No host holds a NUL, so no site is a prefix of another.
#[must_use]
pub fn site_prefix(partition: Partition, site: &Site) -> Vec<u8> {
    let mut key = site_key(partition, site);
    key.push(0);
    key
}

/// Key of a URL's fate.
#[must_use]
pub fn fate_key(partition: Partition, site: &Site, fingerprint: Fingerprint) -> Vec<u8> {
    let mut key = site_prefix(partition, site);
    key.extend_from_slice(&fingerprint.0.to_be_bytes());
    key
}

/// Key of a queued URL. `order` is a sequence number, or for [`Lane::RETRY`] the due time in microseconds.
#[must_use]
pub fn queue_key(
    partition: Partition,
    site: &Site,
    lane: Lane,
    order: u64,
    tie: Fingerprint,
) -> Vec<u8> {
    let mut key = site_prefix(partition, site);
    key.push(lane.0);
    key.extend_from_slice(&order.to_be_bytes());
    key.extend_from_slice(&tie.0.to_be_bytes());
    key
}

/// First key past every key that begins with `prefix`.
#[must_use]
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != 0xff)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

/// A URL waiting to be fetched.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueRow {
    /// The URL and how it was found.
    pub found: Found,
    /// Its fingerprint under the crawl's key.
    pub fingerprint: Fingerprint,
    /// Attempts made so far.
    pub attempts: u8,
}

impl QueueRow {
    /// Bytes of the row's value.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        out.extend_from_slice(&[VERSION, self.attempts]);
        out.extend_from_slice(&self.fingerprint.0.to_be_bytes());
        self.found.encode_into(&mut out);
        out
    }

    /// Reads a row's value.
    ///
    /// # Errors
    /// When the bytes are not such a row.
    pub fn decode(mut input: &[u8]) -> Result<QueueRow, DecodeError> {
        check_version(&mut input)?;
        let attempts = take_u8(&mut input)?;
        let fingerprint = Fingerprint(take_u64(&mut input)?);
        Ok(QueueRow {
            found: Found::decode(&mut input)?,
            fingerprint,
            attempts,
        })
    }
}

/// Where a record lies: segment of this slot, and offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Segment serial of the slot.
    pub segment: u32,
    /// Offset of the record.
    pub offset: u64,
}

/// What became of a URL. It stays when the URL is queued again; the queue row then gives the state.
#[derive(Clone, Debug, PartialEq)]
pub struct FateRow {
    /// The state reached.
    pub state: UrlState,
    /// Outcome of the last attempt.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
    /// The fetcher's error class, or the rule that decided.
    pub detail: String,
    /// HTTP status, 0 when there was none.
    pub status: u16,
    /// Attempts made.
    pub attempts: u8,
    /// The URL and how it was found.
    pub found: Found,
    /// When the last attempt ended.
    pub at: Wall,
    /// The response or revisit record.
    pub place: Option<Place>,
    /// SHA-1 of the payload as received.
    pub digest: Option<[u8; 20]>,
    /// `ETag` as received.
    pub etag: Option<String>,
    /// `Last-Modified` as received.
    pub last_modified: Option<String>,
}

impl FateRow {
    /// Bytes: version 1, state, outcome, reason (1 each), flags (1: bit 0 place, 1 digest, 2 etag, 3 last-modified),
    /// attempts (1), status, wall time in microseconds (varints), detail (length, text), then what the flags name
    /// (segment and offset as varints, 20 bytes, texts), then the found URL.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let flags = u8::from(self.place.is_some())
            | u8::from(self.digest.is_some()) << 1
            | u8::from(self.etag.is_some()) << 2
            | u8::from(self.last_modified.is_some()) << 3;
        let mut out = Vec::with_capacity(192);
        out.extend_from_slice(&[VERSION, self.state.code(), self.outcome.code()]);
        out.extend_from_slice(&[self.reason.code(), flags, self.attempts]);
        put_varint(&mut out, u64::from(self.status));
        put_varint(&mut out, u64::try_from(self.at.0).unwrap_or(0));
        put_bytes(&mut out, self.detail.as_bytes());
        if let Some(place) = self.place {
            put_varint(&mut out, u64::from(place.segment));
            put_varint(&mut out, place.offset);
        }
        if let Some(digest) = &self.digest {
            out.extend_from_slice(digest);
        }
        for text in [&self.etag, &self.last_modified].into_iter().flatten() {
            put_bytes(&mut out, text.as_bytes());
        }
        self.found.encode_into(&mut out);
        out
    }

    /// Reads a row's value.
    ///
    /// # Errors
    /// When the bytes are not such a row.
    pub fn decode(mut input: &[u8]) -> Result<FateRow, DecodeError> {
        let input = &mut input;
        check_version(input)?;
        let wrong = |field| DecodeError::Value { field };
        let state = UrlState::from_code(take_u8(input)?).ok_or(wrong("state"))?;
        let outcome = Outcome::from_code(take_u8(input)?).ok_or(wrong("outcome"))?;
        let reason = Reason::from_code(take_u8(input)?).ok_or(wrong("reason"))?;
        let flags = take_u8(input)?;
        let attempts = take_u8(input)?;
        let status = u16::try_from(take_varint(input)?).map_err(|_| wrong("status"))?;
        let at = Wall(i64::try_from(take_varint(input)?).map_err(|_| wrong("at"))?);
        let detail = take_str(input, "detail")?.to_owned();
        let place = if flags & 1 == 0 {
            None
        } else {
            let segment = u32::try_from(take_varint(input)?).map_err(|_| wrong("segment"))?;
            Some(Place {
                segment,
                offset: take_varint(input)?,
            })
        };
        let digest = if flags & 2 == 0 {
            None
        } else {
            let (head, rest) = input.split_first_chunk().ok_or(DecodeError::Short)?;
            *input = rest;
            Some(*head)
        };
        let mut text = |bit: u8, field| -> Result<Option<String>, DecodeError> {
            (flags & bit != 0)
                .then(|| take_str(input, field).map(str::to_owned))
                .transpose()
        };
        let etag = text(4, "etag")?;
        let last_modified = text(8, "last_modified")?;
        let found = Found::decode(input)?;
        Ok(FateRow {
            state,
            outcome,
            reason,
            detail,
            status,
            attempts,
            found,
            at,
            place,
            digest,
            etag,
            last_modified,
        })
    }

    /// The URL.
    #[must_use]
    pub fn url(&self) -> &CrawlUrl {
        &self.found.url
    }
}

/// Everything of a site that outlives the process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SiteRow {
    /// Layout version, 1.
    pub v: u8,
    /// Its clock.
    pub clock: StoredSiteClock,
    /// Largest crawl-delay of its origins in use, microseconds.
    pub crawl_delay_us: Option<u64>,
    /// Queued URLs that have no final state.
    pub pending: u64,
    /// URLs ever queued: what the page budget counts.
    pub queued: u64,
    /// URLs in the cold log.
    pub cold: u64,
    /// Sequence number of the next queued URL.
    pub next_order: u64,
    /// Why its pending URLs count as excluded.
    pub parked: Option<Reason>,
    /// What seeds say of it.
    pub scope: ScopeMarks,
}

fn check_version(input: &mut &[u8]) -> Result<(), DecodeError> {
    match take_u8(input)? {
        VERSION => Ok(()),
        version => Err(DecodeError::Version { version }),
    }
}

/// A reader that only needs the bytes: length-prefixed blob, used by the robots rows of the crawl.
///
/// # Errors
/// When the bytes end too early.
pub fn take_blob<'a>(input: &mut &'a [u8]) -> Result<&'a [u8], DecodeError> {
    take_bytes(input)
}

/// Appends a length-prefixed blob.
pub fn put_blob(out: &mut Vec<u8>, bytes: &[u8]) {
    put_bytes(out, bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found() -> Found {
        Found {
            url: CrawlUrl::parse("https://www.example.com/a?b").unwrap(),
            via: Some(CrawlUrl::parse("https://www.example.com/").unwrap()),
            depth: 3,
            hops: 1,
            how: How::Link,
            bare_domain: false,
            rank: Some(7),
        }
    }

    #[test]
    fn rows_are_read_back_and_cut_rows_refused() {
        let row = QueueRow {
            found: found(),
            fingerprint: Fingerprint(9),
            attempts: 2,
        };
        assert_eq!(QueueRow::decode(&row.encode()), Ok(row));
        let fate = FateRow {
            state: UrlState::Done,
            outcome: Outcome::Captured,
            reason: Reason::None,
            detail: "x".into(),
            status: 200,
            attempts: 1,
            found: found(),
            at: Wall(1_790_000_000_000_000),
            place: Some(Place {
                segment: 3,
                offset: 1 << 40,
            }),
            digest: Some([7; 20]),
            etag: Some("\"e\"".into()),
            last_modified: None,
        };
        let bytes = fate.encode();
        assert_eq!(FateRow::decode(&bytes), Ok(fate));
        assert!((0..bytes.len()).all(|cut| FateRow::decode(&bytes[..cut]).is_err()));
    }

    #[test]
    fn keys_of_a_site_are_neighbours_in_lane_order() {
        let partition = Partition::new(5).unwrap();
        let (a, ab) = (Site::of_host("a.com"), Site::of_host("a.co"));
        let key = |site, lane, order| queue_key(partition, site, lane, order, Fingerprint(0));
        let seed = Lane::of(How::Seed, 0);
        let deep = Lane::of(How::Link, 40_000);
        let mut keys = [
            key(&a, deep, 1),
            key(&ab, seed, 9),
            key(&a, Lane::RETRY, 5),
            key(&a, seed, 300),
            key(&a, seed, 2),
        ];
        keys.sort();
        let prefix = site_prefix(partition, &a);
        let end = prefix_end(&prefix).unwrap();
        let of_a: Vec<_> = keys.iter().filter(|k| **k >= prefix && **k < end).collect();
        let want = [
            key(&a, Lane::RETRY, 5),
            key(&a, seed, 2),
            key(&a, seed, 300),
            key(&a, deep, 1),
        ];
        assert_eq!(of_a, want.iter().collect::<Vec<_>>());
    }
}
