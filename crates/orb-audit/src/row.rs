//! One attempt as the checks see it.
//!
//! In: a row as stored. Out: the same in typed, interned, comparable form, and what in it cannot be understood.
//! May touch: nothing. Must not touch: files.
//! Invariant: a row that parsed is kept, whatever is odd about it, because its request was made.

use std::net::IpAddr;

use orb_api::{AttemptKind, AttemptRow};
use orb_env::{Mono, Wall};
use orb_robots::Standing;
use orb_shard::SlotId;
use orb_url::{CrawlUrl, Origin};
use orb_warc::{Digest, RecordId};

use crate::names::{Boots, Names};
use crate::report::Seat;

/// Error classes of attempts that ended before a packet left. `stale_connection` is not among them: bytes were sent.
const NO_PACKET: [&str; 5] = [
    "stale_permit",
    "foreign_permit",
    "guarded_address",
    "bad_port",
    "local_resources",
];

/// Whether a row's group was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// It was.
    Committed,
    /// Nobody can tell without the state.
    Undecided,
    /// Its group was undone: the request was made, its records are gone.
    RolledBack,
}

/// An instant with what is needed to compare it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Place of its boot in the order of boots.
    pub(crate) boot: u32,
    pub(crate) mono: Mono,
    pub(crate) wall: Wall,
}

impl Moment {
    /// Microseconds from `earlier` to this: monotonic within one boot, else by the wall clock. Negative when not later.
    pub(crate) fn since_us(&self, earlier: Moment) -> i64 {
        if self.boot == earlier.boot {
            i64::try_from(self.mono.0).unwrap_or(i64::MAX)
                - i64::try_from(earlier.mono.0).unwrap_or(i64::MAX)
        } else {
            self.wall.0.saturating_sub(earlier.wall.0)
        }
    }

    /// Sorts as time passes.
    pub(crate) fn order(&self) -> (u32, Mono) {
        (self.boot, self.mono)
    }

    pub(crate) fn plus_us(self, us: u64) -> Moment {
        let span = std::time::Duration::from_micros(us);
        Moment {
            boot: self.boot,
            mono: self.mono.plus(span),
            wall: self.wall.plus(span),
        }
    }
}

/// Whom a request went to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// Interned site.
    pub(crate) site: u32,
    /// Interned origin: of the URL for pages, of the asker for robots.txt.
    pub(crate) origin: Option<u32>,
    /// The address dialled; `None` when no packet left.
    pub(crate) address: Option<IpAddr>,
    /// Interned group.
    pub(crate) group: Option<u32>,
}

/// The robots answer a page names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judged {
    /// Id of the attempt.
    pub(crate) attempt: Option<RecordId>,
    /// What its answer meant; `None` when the word is not known.
    pub(crate) standing: Option<Standing>,
    /// Line of the deciding rule.
    pub(crate) line: Option<u32>,
}

/// What came back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answered {
    pub(crate) status: Option<u16>,
    /// Whether the fetch ended in an error, perhaps after a status.
    pub(crate) failed: bool,
    pub(crate) digest: Option<Digest>,
    pub(crate) retry_after_us: Option<u64>,
    /// Interned file name, offset, bytes.
    pub(crate) archive: Option<(u32, u64, u64)>,
}

/// One attempt. Cost: about 300 bytes and its URL.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) slot: SlotId,
    pub(crate) line: u64,
    pub(crate) durability: Durability,
    pub(crate) id: Option<RecordId>,
    pub(crate) kind: AttemptKind,
    pub(crate) url: Box<str>,
    pub(crate) target: Target,
    pub(crate) start: Moment,
    pub(crate) end: Moment,
    pub(crate) site_delay_us: u64,
    pub(crate) address_delay_us: u64,
    pub(crate) judged: Option<Judged>,
    pub(crate) answer: Answered,
    pub(crate) group: u64,
}

impl Row {
    /// Whether a packet may have left.
    pub(crate) fn is_request(&self) -> bool {
        self.target.address.is_some()
    }

    pub(crate) fn seat(&self) -> Seat {
        Seat {
            file: attempts_file(self.slot),
            line: Some(self.line),
            offset: None,
        }
    }
}

/// Name of a slot's attempt rows inside the crawl's folder.
pub(crate) fn attempts_file(slot: SlotId) -> String {
    format!("index/attempts/slot-{slot}.jsonl")
}

/// What a row holds that cannot be understood; each is a violation of the frame.
pub(crate) type Oddities = Vec<(&'static str, &'static str, String)>;

/// Turns a stored row into its typed form. `names` and `boots` grow.
pub(crate) fn understand(
    row: &AttemptRow,
    (slot, line): (SlotId, u64),
    names: &mut Names,
    boots: &mut Boots,
) -> (Row, Oddities) {
    let mut odd: Oddities = Vec::new();
    let id = attempt_id(&row.id);
    if id.is_none() {
        odd.push(("attempt_id", "32 hex digits", row.id.clone()));
    }
    if row.end < row.start.mono {
        let seen = format!("{} µs", row.end.0);
        odd.push((
            "end_before_start",
            "an end that is not before the start",
            seen,
        ));
    }
    let boot = boots.number(row.start.boot, row.start.wall);
    let understood = Row {
        slot,
        line,
        durability: Durability::Undecided,
        id,
        kind: row.kind,
        url: row.url.as_str().into(),
        target: Target {
            site: names.number(&row.site),
            origin: origin_of(row, &mut odd).map(|origin| names.number(origin.as_str())),
            address: address_of(row, &mut odd),
            group: row.group.as_deref().map(|group| names.number(group)),
        },
        start: Moment {
            boot,
            mono: row.start.mono,
            wall: row.start.wall,
        },
        end: Moment {
            boot,
            mono: row.end,
            wall: row.end_wall,
        },
        site_delay_us: row.site_delay_us,
        address_delay_us: row.address_delay_us,
        judged: judged_of(row, &mut odd),
        answer: answer_of(row, names, &mut odd),
        group: row.commit,
    };
    (understood, odd)
}

fn judged_of(row: &AttemptRow, odd: &mut Oddities) -> Option<Judged> {
    let robots = row.robots.as_ref()?;
    let standing = standing_of(&robots.standing);
    if standing.is_none() {
        odd.push((
            "robots_standing",
            "rules, allow_all or unreachable",
            robots.standing.clone(),
        ));
    }
    Some(Judged {
        attempt: attempt_id(&robots.attempt),
        standing,
        line: robots.line,
    })
}

fn answer_of(row: &AttemptRow, names: &mut Names, odd: &mut Oddities) -> Answered {
    let digest = row.digest.as_deref().and_then(Digest::parse);
    if let (Some(text), None) = (&row.digest, digest) {
        odd.push(("digest_text", "sha1: and 32 base32 digits", text.clone()));
    }
    Answered {
        status: row.status,
        failed: row.error.is_some(),
        digest,
        retry_after_us: row.retry_after_us,
        archive: row
            .archive
            .as_ref()
            .map(|at| (names.number(&at.file), at.offset, at.bytes)),
    }
}

/// 32 hex digits as the id of the record of the same bits.
pub(crate) fn attempt_id(text: &str) -> Option<RecordId> {
    let mut bytes = [0; 16];
    if text.len() != 32 || !text.is_ascii() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16);
        *byte = (digit(0)? << 4 | digit(1)?) as u8;
    }
    Some(RecordId::from_random(bytes))
}

fn standing_of(word: &str) -> Option<Standing> {
    match word {
        "rules" => Some(Standing::Rules),
        "allow_all" => Some(Standing::AllowAll),
        "unreachable" => Some(Standing::Unreachable),
        _ => None,
    }
}

/// The word a row uses for a standing.
pub(crate) fn standing_word(standing: Standing) -> &'static str {
    match standing {
        Standing::Rules => "rules",
        Standing::AllowAll => "allow_all",
        Standing::Unreachable => "unreachable",
    }
}

fn address_of(row: &AttemptRow, odd: &mut Oddities) -> Option<IpAddr> {
    let unsent = row
        .error
        .as_deref()
        .is_some_and(|class| NO_PACKET.contains(&class));
    if unsent || (!row.has_address() && row.status.is_none()) {
        return None;
    }
    let address = row.address.parse().ok();
    if address.is_none() {
        odd.push(("address", "an IP address", row.address.clone()));
    }
    address
}

fn origin_of(row: &AttemptRow, odd: &mut Oddities) -> Option<Origin> {
    let url = CrawlUrl::parse(&row.url)
        .ok()
        .filter(|url| url.as_str() == row.url);
    if url.is_none() {
        odd.push(("url", "a canonical URL", row.url.clone()));
    }
    match (row.kind, &row.origin) {
        (AttemptKind::Page, _) => url.map(|url| url.origin()),
        (AttemptKind::Robots, Some(text)) => {
            let origin = Origin::parse(text).ok();
            if origin.is_none() {
                odd.push(("origin", "an origin", text.clone()));
            }
            origin
        }
        (AttemptKind::Robots, None) => {
            odd.push((
                "origin",
                "the origin whose robots.txt this is",
                "none".to_owned(),
            ));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_one_boot_are_compared_by_their_monotonic_time() {
        let at = |boot, mono, wall| Moment {
            boot,
            mono: Mono(mono),
            wall: Wall(wall),
        };
        assert_eq!(
            at(0, 500, 0).since_us(at(0, 200, 9_000)),
            300,
            "the wall clock was set back"
        );
        assert_eq!(at(0, 200, 0).since_us(at(0, 500, 0)), -300);
        assert_eq!(at(1, 5, 10_000).since_us(at(0, 9_999, 9_000)), 1_000);
    }

    #[test]
    fn ids_are_those_of_the_record() {
        let id = RecordId::from_random([0x5a; 16]);
        let hex: String = id
            .to_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(attempt_id(&hex), Some(id));
        assert_eq!(attempt_id("5a"), None);
        assert_eq!(attempt_id(&"zz".repeat(16)), None);
    }
}
