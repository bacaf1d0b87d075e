//! What is stored of a site, and the short row of it whose content stays in memory.
//!
//! In: values. Out: bytes, version first, and back. May touch: nothing.
//! Invariant: a site's name, clock and places are written by its visits alone, its tally by whatever changes a
//! count; so a URL found for a waiting site costs no read.

use std::time::Duration;

use orb_api::Reason;
use orb_env::{BootId, Mono, Stamp, Wall};
use orb_gate::StoredSiteClock;
use orb_shard::SiteKey;
use orb_url::Site;

use crate::codec::{put_bytes, put_varint, take_bytes, take_str, take_u8, take_varint};
use crate::rows::{Lane, check_version};
use crate::scope::ScopeMarks;
use crate::{Budgets, DecodeError, SiteMaps};

const SITE_VERSION: u8 = 2;
const TALLY_VERSION: u8 = 1;

/// Places in a site's lanes: below them everything was handed out, so a read begins behind what deleted rows leave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaneStarts(Vec<(u8, u64)>);

impl LaneStarts {
    /// The first order that may be there.
    pub(crate) fn of(&self, lane: Lane) -> u64 {
        let held = self.0.iter().find(|(known, _)| *known == lane.0);
        held.map_or(0, |(_, order)| *order)
    }

    /// Everything of `lane` up to `order` was handed out.
    pub(crate) fn pass(&mut self, lane: Lane, order: u64) {
        if lane == Lane::LAST {
            // URLs come into it out of order: what is put off next may stand before this.
            return;
        }
        match self.0.iter_mut().find(|(known, _)| *known == lane.0) {
            Some((_, start)) => *start = (*start).max(order + 1),
            None => self.0.push((lane.0, order + 1)),
        }
    }

    /// A row of `lane` is queued anew under this order.
    pub(crate) fn reopen(&mut self, lane: Lane, order: u64) {
        if let Some((_, start)) = self.0.iter_mut().find(|(known, _)| *known == lane.0) {
            *start = (*start).min(order);
        }
    }
}

/// What visits learn of a site; in memory only around a visit.
#[derive(Clone, Debug, PartialEq)]
pub struct SiteRow {
    /// Its name.
    pub name: Site,
    /// Its clock; none of a site that was never contacted.
    pub clock: Option<StoredSiteClock>,
    /// Largest crawl-delay of its origins in use.
    pub crawl_delay: Option<Duration>,
    /// Queued URLs that are tried again at a time.
    pub retries: u64,
    /// Where its lanes begin.
    pub starts: LaneStarts,
    /// What was learnt of its parts; none of a site that was never fetched from.
    pub budgets: Option<Box<Budgets>>,
    /// What is remembered of its sitemaps.
    pub maps: SiteMaps,
}

/// Counts and marks of a site: what a found URL may change without a visit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Queued URLs that have no final state.
    pub pending: u32,
    /// URLs ever queued, those anew that came back.
    pub queued: u32,
    /// URLs in the cold log.
    pub cold: u32,
    /// Lanes that may hold rows, a bit each; retries are counted in the site's row.
    pub lanes: u32,
    /// Why its pending URLs count as excluded.
    pub parked: Option<Reason>,
    /// A seed lies on it.
    pub seeded: bool,
    /// A row holds its name.
    pub named: bool,
    /// How much it matters: see [`crate::Importance`].
    pub importance: u8,
    /// Of those ever queued the ones that were queued before: exclusions that were taken back brought them back.
    pub readmitted: u32,
    /// When it was to be visited next, as far as was known: a hint that spares reading
    /// it earlier.
    pub due: Option<Wall>,
}

/// A site as all of its rows tell it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredSite {
    /// Its key.
    pub key: SiteKey,
    /// What visits learnt.
    pub row: SiteRow,
    /// Counts and marks.
    pub tally: Tally,
    /// Hosts and folders of its seeds.
    pub marks: ScopeMarks,
}

impl Tally {
    /// URLs queued, each once: what the page budget counts.
    #[must_use]
    pub fn counted(&self) -> u64 {
        u64::from(self.queued.saturating_sub(self.readmitted))
    }

    /// Bytes: version 1, flags (bit 0 parked, 1 seeded, 2 due, 3 marks, 4 named, 5 readmitted), importance (1 each), pending, queued, cold,
    /// lanes (varints), then what the flags name: reason (1), wall time in microseconds (varint), hosts and folders
    /// of its seeds (their number, texts), URLs readmitted (varint).
    #[must_use]
    pub fn encode(&self, marks: &ScopeMarks) -> Vec<u8> {
        let flags = u8::from(self.parked.is_some())
            | u8::from(self.seeded) << 1
            | u8::from(self.due.is_some()) << 2
            | u8::from(!marks.is_empty()) << 3
            | u8::from(self.named) << 4
            | u8::from(self.readmitted > 0) << 5;
        let mut out = Vec::with_capacity(24);
        out.extend_from_slice(&[TALLY_VERSION, flags, self.importance]);
        for count in [self.pending, self.queued, self.cold, self.lanes] {
            put_varint(&mut out, u64::from(count));
        }
        out.extend(self.parked.map(Reason::code));
        if let Some(due) = self.due {
            put_varint(&mut out, u64::try_from(due.0).unwrap_or(0));
        }
        if !marks.is_empty() {
            for list in [&marks.hosts, &marks.prefixes] {
                put_varint(&mut out, list.len() as u64);
                list.iter()
                    .for_each(|text| put_bytes(&mut out, text.as_bytes()));
            }
        }
        if self.readmitted > 0 {
            put_varint(&mut out, u64::from(self.readmitted));
        }
        out
    }

    /// Reads [`Tally::encode`] back.
    ///
    /// # Errors
    /// When the bytes are not such a row.
    pub fn decode(mut input: &[u8]) -> Result<(Tally, ScopeMarks), DecodeError> {
        let input = &mut input;
        check_version(input, TALLY_VERSION)?;
        let (flags, importance) = (take_u8(input)?, take_u8(input)?);
        let mut count = |field| {
            let count = take_varint(input)?;
            u32::try_from(count).map_err(|_| DecodeError::Value { field })
        };
        let (pending, queued) = (count("pending")?, count("queued")?);
        let (cold, lanes) = (count("cold")?, count("lanes")?);
        let parked = match flags & 1 {
            0 => None,
            _ => {
                let reason = Reason::from_code(take_u8(input)?);
                Some(reason.ok_or(DecodeError::Value { field: "parked" })?)
            }
        };
        let due = match flags & 4 {
            0 => None,
            _ => Some(take_wall(input)?),
        };
        let mut marks = ScopeMarks::default();
        if flags & 8 != 0 {
            marks.hosts = take_texts(input)?;
            marks.prefixes = take_texts(input)?;
        }
        let readmitted = match flags & 32 {
            0 => 0,
            _ => u32::try_from(take_varint(input)?).map_err(|_| DecodeError::Value {
                field: "readmitted",
            })?,
        };
        let tally = Tally {
            pending,
            queued,
            cold,
            lanes,
            parked,
            seeded: flags & 2 != 0,
            named: flags & 16 != 0,
            importance,
            readmitted,
            due,
        };
        Ok((tally, marks))
    }
}

const HAS_CRAWL_DELAY: u8 = 1;
const HAS_CLOCK: u8 = 2;
const HAS_BUDGETS: u8 = 4;
const HAS_MAPS: u8 = 8;

impl SiteRow {
    /// A site that nothing is known of but its name.
    #[must_use]
    pub fn new(name: Site) -> SiteRow {
        SiteRow {
            name,
            clock: None,
            crawl_delay: None,
            retries: 0,
            starts: LaneStarts::default(),
            budgets: None,
            maps: SiteMaps::default(),
        }
    }

    /// Bytes: version 2, flags (bit 0 crawl-delay, 1 clock, 2 budgets, 3 sitemaps), name (length, text); of a clock the boot id (16), then
    /// as varints when it was stored (monotonic, wall), end and length of the last exchange, back-off, hold,
    /// microseconds; crawl-delay; retries; lane starts (their number, lane and order
    /// each); budgets (length, bytes); sitemaps, see `SiteMaps::encode_into`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let flags = if self.crawl_delay.is_some() {
            HAS_CRAWL_DELAY
        } else {
            0
        } | if self.clock.is_some() { HAS_CLOCK } else { 0 }
            | if self.budgets.is_some() {
                HAS_BUDGETS
            } else {
                0
            }
            | if self.maps == SiteMaps::default() {
                0
            } else {
                HAS_MAPS
            };
        let mut out = Vec::with_capacity(96);
        out.extend_from_slice(&[SITE_VERSION, flags]);
        put_bytes(&mut out, self.name.as_str().as_bytes());
        if let Some(clock) = &self.clock {
            out.extend_from_slice(&clock.at.boot.0);
            let wall = u64::try_from(clock.at.wall.0).unwrap_or(0);
            let times = [
                clock.at.mono.0,
                wall,
                clock.last_end.0,
                clock.last_exchange_us,
            ];
            for number in times
                .into_iter()
                .chain([clock.backoff_us, clock.hold_until.0])
            {
                put_varint(&mut out, number);
            }
        }
        if let Some(delay) = self.crawl_delay {
            put_varint(
                &mut out,
                u64::try_from(delay.as_micros()).unwrap_or(u64::MAX),
            );
        }
        put_varint(&mut out, self.retries);
        put_varint(&mut out, self.starts.0.len() as u64);
        for (lane, order) in &self.starts.0 {
            out.push(*lane);
            put_varint(&mut out, *order);
        }
        if let Some(budgets) = &self.budgets {
            put_bytes(&mut out, &budgets.encode());
        }
        if flags & HAS_MAPS != 0 {
            self.maps.encode_into(&mut out);
        }
        out
    }

    /// Reads [`SiteRow::encode`] back.
    ///
    /// # Errors
    /// When the bytes are not such a row.
    pub fn decode(mut input: &[u8]) -> Result<SiteRow, DecodeError> {
        let input = &mut input;
        check_version(input, SITE_VERSION)?;
        let flags = take_u8(input)?;
        let name = Site::from_stored(take_str(input, "site")?);
        let clock = match flags & HAS_CLOCK {
            0 => None,
            _ => Some(take_clock(input)?),
        };
        let crawl_delay = match flags & HAS_CRAWL_DELAY {
            0 => None,
            _ => Some(Duration::from_micros(take_varint(input)?)),
        };
        let retries = take_varint(input)?;
        let mut starts = LaneStarts::default();
        for _ in 0..take_varint(input)? {
            starts.0.push((take_u8(input)?, take_varint(input)?));
        }
        let budgets = match flags & HAS_BUDGETS {
            0 => None,
            _ => Some(Box::new(Budgets::decode(take_bytes(input)?)?)),
        };
        let maps = match flags & HAS_MAPS {
            0 => SiteMaps::default(),
            _ => SiteMaps::decode(input)?,
        };
        Ok(SiteRow {
            name,
            clock,
            crawl_delay,
            retries,
            starts,
            budgets,
            maps,
        })
    }
}

fn take_clock(input: &mut &[u8]) -> Result<StoredSiteClock, DecodeError> {
    let (boot, rest) = input.split_first_chunk().ok_or(DecodeError::Short)?;
    *input = rest;
    let at = Stamp {
        boot: BootId(*boot),
        mono: Mono(take_varint(input)?),
        wall: take_wall(input)?,
    };
    Ok(StoredSiteClock {
        at,
        last_end: Mono(take_varint(input)?),
        last_exchange_us: take_varint(input)?,
        backoff_us: take_varint(input)?,
        hold_until: Mono(take_varint(input)?),
    })
}

fn take_wall(input: &mut &[u8]) -> Result<Wall, DecodeError> {
    let micros = i64::try_from(take_varint(input)?);
    Ok(Wall(
        micros.map_err(|_| DecodeError::Value { field: "wall" })?,
    ))
}

fn take_texts(input: &mut &[u8]) -> Result<Vec<String>, DecodeError> {
    let mut texts = Vec::new();
    for _ in 0..take_varint(input)? {
        let text = std::str::from_utf8(take_bytes(input)?);
        texts.push(
            text.map_err(|_| DecodeError::Value { field: "scope" })?
                .to_owned(),
        );
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_back_and_cut_rows_refused() {
        let mut starts = LaneStarts::default();
        starts.pass(Lane(3), 70_000);
        starts.pass(Lane(1), 0);
        starts.pass(Lane(3), 9);
        assert_eq!((starts.of(Lane(3)), starts.of(Lane(1))), (70_001, 1));
        assert_eq!(starts.of(Lane(2)), 0);
        let row = SiteRow {
            name: Site::of_host("a.example"),
            clock: Some(StoredSiteClock {
                at: Stamp {
                    boot: BootId([7; 16]),
                    mono: Mono(1 << 40),
                    wall: Wall(1 << 50),
                },
                last_end: Mono(5),
                last_exchange_us: 6,
                backoff_us: 7,
                hold_until: Mono(8),
            }),
            crawl_delay: Some(Duration::from_secs(2)),
            retries: 3,
            starts,
            budgets: None,
            maps: SiteMaps {
                files: 300,
                useful: 200,
                recalled: 1,
                ..SiteMaps::default()
            },
        };
        let bytes = row.encode();
        assert_eq!(SiteRow::decode(&bytes), Ok(row));
        assert!((0..bytes.len()).all(|cut| SiteRow::decode(&bytes[..cut]).is_err()));
        let tally = Tally {
            pending: 1,
            queued: 2,
            cold: 3,
            lanes: 1 << 31,
            parked: Some(Reason::CrawlDelay),
            seeded: true,
            named: true,
            importance: 9,
            readmitted: 300,
            due: Some(Wall(1 << 50)),
        };
        let marks = ScopeMarks {
            hosts: vec!["www.a.example".into()],
            prefixes: vec![],
        };
        let bytes = tally.encode(&marks);
        assert_eq!(Tally::decode(&bytes), Ok((tally, marks)));
        assert!((0..bytes.len()).all(|cut| Tally::decode(&bytes[..cut]).is_err()));
        let (fresh, none) = (Tally::default(), ScopeMarks::default());
        assert_eq!(Tally::decode(&fresh.encode(&none)), Ok((fresh, none)));
    }
}
