//! Rows of the slot's store: queued URLs, fates, sites. Keys start with the site's key, whose leading bits are the
//! partition, so a partition is a range.
//!
//! In: values. Out: keys and bytes, version first. May touch: nothing.
//! Invariant: rows of one site are neighbours; within a site queue rows sort by lane, then by order.
//!
//! | keyspace | key | value |
//! |---|---|---|
//! | `Sites` | site key (8) | see [`SiteRow::encode`](crate::SiteRow::encode) |
//! | `Tallies` | site key (8) | see [`Tally::encode`](crate::Tally::encode) |
//! | `Queue`, `Cold` | site key (8), lane (1), order (5); of a retry: due time (8), fingerprint (8) | version 2, attempts (1), found |
//! | `Fates` | site key (8), fingerprint (8) | see [`FateRow::encode`] |
//! | `Claims` | site key (8), fingerprint (8) | see [`Claim::encode`](crate::Claim::encode) |
//! | `Robots` | site key (8), origin | written by the crawl |

use std::time::Duration;

use orb_api::{Outcome, Reason, UrlState};
use orb_env::Wall;
use orb_shard::SiteKey;
use orb_url::{CrawlKey, CrawlUrl, Fingerprint};

use crate::codec::{put_bytes, put_varint, take_bytes, take_str, take_u8, take_varint};
use crate::{CutCause, DecodeError, Found, History, How};

const FATE_VERSION: u8 = 1;
const QUEUE_VERSION: u8 = 2;

/// Bytes of a site's key.
pub const SITE_KEY_BYTES: usize = 8;

/// Lanes a site has.
pub(crate) const LANES: u8 = 32;

/// Bytes of the order of a fresh URL: 2^40 URLs of one site.
const ORDER_BYTES: usize = 5;

/// The order of URLs inside a site: lower lanes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lane(pub(crate) u8);

impl Lane {
    /// Tried before, due at a time.
    pub const RETRY: Lane = Lane(0);

    /// Seeds, and what the operator brought back: no budget keeps them.
    pub const WANTED: Lane = Lane(1);

    /// Put off by a budget until nothing better is left.
    pub const LAST: Lane = Lane(LANES - 1);

    /// Its number, as stored in keys.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }

    /// The lane of a fresh URL: seeds, then by depth; deeper than the last lane share it. What a sitemap lists comes
    /// after the links of its depth: anybody can write a long list.
    #[must_use]
    pub fn of(how: How, depth: u16) -> Lane {
        let behind = match how {
            How::Seed => return Lane::WANTED,
            How::Sitemap => depth.saturating_add(1),
            _ => depth,
        };
        Lane(2 + behind.min(u16::from(LANES) - 4) as u8)
    }

    /// Its bit in a set of lanes.
    pub(crate) fn bit(self) -> u32 {
        1 << self.0
    }
}

/// What all rows of one site in one keyspace begin with.
#[must_use]
pub fn site_prefix(site: SiteKey) -> Vec<u8> {
    site.to_bytes().to_vec()
}

/// Key of a URL's fate.
#[must_use]
pub fn fate_key(site: SiteKey, fingerprint: Fingerprint) -> Vec<u8> {
    let mut key = Vec::with_capacity(16);
    key.extend_from_slice(&site.to_bytes());
    key.extend_from_slice(&fingerprint.0.to_be_bytes());
    key
}

/// Key of a fresh URL: `order` is its number within the site.
#[must_use]
pub fn queue_key(site: SiteKey, lane: Lane, order: u64) -> Vec<u8> {
    let mut key = lane_start(site, lane);
    key.extend_from_slice(&order.to_be_bytes()[8 - ORDER_BYTES..]);
    key
}

/// Key of a URL that is tried again at `due`.
#[must_use]
pub fn retry_key(site: SiteKey, due: Wall, tie: Fingerprint) -> Vec<u8> {
    let mut key = lane_start(site, Lane::RETRY);
    key.extend_from_slice(&u64::try_from(due.0).unwrap_or(0).to_be_bytes());
    key.extend_from_slice(&tie.0.to_be_bytes());
    key
}

/// Where the rows of a lane begin.
pub(crate) fn lane_start(site: SiteKey, lane: Lane) -> Vec<u8> {
    let mut key = Vec::with_capacity(SITE_KEY_BYTES + 17);
    key.extend_from_slice(&site.to_bytes());
    key.push(lane.0);
    key
}

/// The lane of a queued URL, and its number within the site; of a retry its due time, wall microseconds.
#[must_use]
pub fn queue_place(key: &[u8]) -> (Lane, u64) {
    let rest = key.get(SITE_KEY_BYTES..).unwrap_or_default();
    let Some((&lane, order)) = rest.split_first() else {
        return (Lane(LANES), 0);
    };
    let bytes = if lane == Lane::RETRY.0 {
        8
    } else {
        ORDER_BYTES
    };
    let number = order
        .iter()
        .take(bytes)
        .fold(0, |n, &b| n << 8 | u64::from(b));
    (Lane(lane), number)
}

/// The site whose row a key names.
///
/// # Errors
/// When the key is too short.
pub fn site_of_key(key: &[u8]) -> Result<SiteKey, DecodeError> {
    let bytes = key.first_chunk().ok_or(DecodeError::Short)?;
    Ok(SiteKey::from_bytes(*bytes))
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
    /// Bytes of the row's value. The fingerprint is not among them: it is the hash of the URL, and eight bytes that
    /// no compression makes less.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        out.extend_from_slice(&[QUEUE_VERSION, self.attempts]);
        self.found.encode_into(&mut out);
        out
    }

    /// Reads a row's value; `key` is the crawl's.
    ///
    /// # Errors
    /// When the bytes are not such a row.
    pub fn decode(key: &CrawlKey, mut input: &[u8]) -> Result<QueueRow, DecodeError> {
        check_version(&mut input, QUEUE_VERSION)?;
        let attempts = take_u8(&mut input)?;
        let found = Found::decode(&mut input)?;
        Ok(QueueRow {
            fingerprint: key.fingerprint(&found.url),
            found,
            attempts,
        })
    }
}

/// A queue row in the cold log: the same bytes, and one that says what cut it. [`QueueRow::decode`] reads it too.
#[derive(Clone, Debug, PartialEq)]
pub struct ColdRow {
    /// The row as it was queued.
    pub row: QueueRow,
    /// What cut it.
    pub cause: CutCause,
}

impl ColdRow {
    /// Bytes of the row's value.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.row.encode();
        out.push(self.cause.number());
        out
    }

    /// The bytes of the queue row, and what cut it; folders of earlier builds do not say.
    ///
    /// # Errors
    /// When the bytes are not such a row.
    pub(crate) fn split(value: &[u8]) -> Result<(&[u8], Option<CutCause>), DecodeError> {
        let mut rest = value;
        check_version(&mut rest, QUEUE_VERSION)?;
        take_u8(&mut rest)?;
        Found::decode(&mut rest)?;
        let queued = &value[..value.len() - rest.len()];
        let unknown = DecodeError::Value { field: "cause" };
        let cause = match rest {
            [] => None,
            [number] => Some(CutCause::of_number(*number).ok_or(unknown)?),
            _ => return Err(unknown),
        };
        Ok((queued, cause))
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

impl Place {
    /// In the archive of the folder that the URL's partition came from.
    pub const ELSEWHERE: Place = Place {
        segment: u32::MAX,
        offset: 0,
    };
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
    /// SHA-1 of the payload as received; like the validators that follow of pages that are fetched again, and of no others.
    pub digest: Option<[u8; 20]>,
    /// `ETag` as received.
    pub etag: Option<String>,
    /// `Last-Modified` as received.
    pub last_modified: Option<String>,
    /// What fetching it again has shown, where pages are.
    pub history: Option<History>,
}

impl FateRow {
    /// Bytes: version 1, state, outcome, reason (1 each), flags (1: bit 0 place, 1 digest, 2 etag, 3 last-modified,
    /// 4 history), attempts (1), status, wall time in microseconds (varints), detail (length, text), then what the
    /// flags name (segment and offset as varints, 20 bytes, texts, fetches after the first, changes and seconds as
    /// varints), then the found URL.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let flags = u8::from(self.place.is_some())
            | u8::from(self.digest.is_some()) << 1
            | u8::from(self.etag.is_some()) << 2
            | u8::from(self.last_modified.is_some()) << 3
            | u8::from(self.history.is_some()) << 4;
        let mut out = Vec::with_capacity(192);
        out.extend_from_slice(&[FATE_VERSION, self.state.code(), self.outcome.code()]);
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
        if let Some(history) = self.history {
            put_varint(&mut out, u64::from(history.again));
            put_varint(&mut out, u64::from(history.changed));
            put_varint(&mut out, history.watched.as_secs());
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
        check_version(input, FATE_VERSION)?;
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
        let history = match flags & 16 {
            0 => None,
            _ => Some(take_history(input)?),
        };
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
            history,
        })
    }

    /// The URL.
    #[must_use]
    pub fn url(&self) -> &CrawlUrl {
        &self.found.url
    }
}

fn take_history(input: &mut &[u8]) -> Result<History, DecodeError> {
    let mut count = || {
        let count = u32::try_from(take_varint(input)?);
        count.map_err(|_| DecodeError::Value { field: "history" })
    };
    Ok(History {
        again: count()?,
        changed: count()?,
        watched: Duration::from_secs(take_varint(input)?),
    })
}

pub(crate) fn check_version(input: &mut &[u8], known: u8) -> Result<(), DecodeError> {
    match take_u8(input)? {
        version if version == known => Ok(()),
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
            fingerprint: CrawlKey::ZERO.fingerprint(&found().url),
            found: found(),
            attempts: 2,
        };
        let queued = row.encode();
        assert_eq!(QueueRow::decode(&CrawlKey::ZERO, &queued), Ok(row.clone()));
        // Rows of folders of earlier builds name no cause.
        assert_eq!(ColdRow::split(&queued), Ok((&queued[..], None)));
        for cause in [CutCause::SitePages, CutCause::PrefixPages] {
            let cut = ColdRow {
                row: row.clone(),
                cause,
            }
            .encode();
            assert_eq!(ColdRow::split(&cut), Ok((&queued[..], Some(cause))));
            assert_eq!(QueueRow::decode(&CrawlKey::ZERO, &cut), Ok(row.clone()));
            assert!(ColdRow::split(&[&cut[..], &[0]].concat()).is_err());
        }
        assert!(ColdRow::split(&[&queued[..], &[99]].concat()).is_err());
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
            history: Some(History {
                again: 3,
                changed: 1,
                watched: Duration::from_secs(90),
            }),
        };
        let bytes = fate.encode();
        assert_eq!(FateRow::decode(&bytes), Ok(fate));
        assert!((0..bytes.len()).all(|cut| FateRow::decode(&bytes[..cut]).is_err()));
    }

    #[test]
    fn keys_of_a_site_are_neighbours_in_lane_order() {
        let site = |name| SiteKey::of(&CrawlKey::ZERO, &orb_url::Site::of_host(name));
        let (a, b) = (site("a.com"), site("b.com"));
        let seed = Lane::of(How::Seed, 0);
        let deep = Lane::of(How::Link, 40_000);
        let mut keys = [
            queue_key(a, deep, 1),
            queue_key(b, seed, 9),
            retry_key(a, Wall(5), Fingerprint(0)),
            queue_key(a, seed, 300),
            queue_key(a, seed, 2),
        ];
        keys.sort();
        let prefix = site_prefix(a);
        let end = prefix_end(&prefix).unwrap();
        let of_a: Vec<_> = keys.iter().filter(|k| **k >= prefix && **k < end).collect();
        let places: Vec<_> = of_a.iter().map(|key| queue_place(key)).collect();
        assert_eq!(
            places,
            [(Lane::RETRY, 5), (seed, 2), (seed, 300), (deep, 1)]
        );
        assert!(of_a.iter().all(|key| site_of_key(key) == Ok(a)));
    }
}
