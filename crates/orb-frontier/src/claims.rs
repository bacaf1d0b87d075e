//! Claims: what sitemaps say of when pages changed, and how far it moves the time at which they are fetched again.
//!
//! In: dates from sitemaps, what is known of a page, what its next fetch found. Out: fetch it, or when.
//! May touch: site table. Must not touch: sockets; queue rows, which others move.
//! Invariant: a claim is no more than a hint: one that says a page stays as it was is checked now and then and holds no
//! longer than `interval_max`; a site whose claims prove wrong is asked as if it made none.

use std::time::Duration;

use orb_env::Wall;
use orb_shard::SiteKey;
use orb_store::{Batch, Keyspace, Store};
use orb_url::Fingerprint;

use crate::codec::{put_varint, take_varint};
use crate::frontier::Frontier;
use crate::rows::{FateRow, check_version, fate_key};
use crate::{DecodeError, FrontierError, How, Queued, SiteId};

const VERSION: u8 = 1;

const DAY_US: i64 = 86_400_000_000;

/// What a sitemap says of a URL; stored under its site and fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// When the page was changed.
    pub modified: Wall,
    /// The sitemap, on the same site: its fate tells when it was last seen to say so.
    pub sitemap: Fingerprint,
}

impl Claim {
    /// Bytes: version 1, seconds of wall time (varint), fingerprint of the sitemap (8, big-endian).
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_varint(
            &mut out,
            u64::try_from(self.modified.0 / 1_000_000).unwrap_or(0),
        );
        out.extend_from_slice(&self.sitemap.0.to_be_bytes());
        out
    }

    /// Reads [`Claim::encode`] back.
    ///
    /// # Errors
    /// When the bytes are not such a row.
    pub fn decode(mut input: &[u8]) -> Result<Claim, DecodeError> {
        let input = &mut input;
        check_version(input, VERSION)?;
        let seconds = take_varint(input)?;
        let modified = i64::try_from(seconds).ok();
        let modified = modified.and_then(|seconds| seconds.checked_mul(1_000_000));
        let bytes: [u8; 8] = (*input).try_into().map_err(|_| DecodeError::Short)?;
        Ok(Claim {
            modified: Wall(modified.ok_or(DecodeError::Value { field: "modified" })?),
            sitemap: Fingerprint(u64::from_be_bytes(bytes)),
        })
    }

    /// Puts it into the group being built.
    pub fn put(&self, site: SiteKey, page: Fingerprint, batch: &mut Batch) {
        batch.put(Keyspace::Claims, fate_key(site, page), self.encode());
    }
}

/// A claim, and when the sitemap was last seen to make it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimed {
    pub(crate) modified: Wall,
    pub(crate) read: Wall,
}

/// What a claim comes to for a page that was fetched before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It was changed since.
    Changed,
    /// It was not.
    Same,
}

impl Claimed {
    /// What it says of a page fetched at `fetched`; nothing where it could mean either, or lies in the future of the
    /// sitemap itself. A date without a time, which is midnight here, means any time of that day.
    pub(crate) fn word(self, fetched: Wall) -> Option<Word> {
        let day = self.modified.0 % DAY_US == 0;
        let last = self.modified.0 + if day { DAY_US } else { 1_000_000 };
        if self.modified > self.read {
            None
        } else if self.modified > fetched {
            Some(Word::Changed)
        } else if self.read > fetched && last <= fetched.0 {
            Some(Word::Same)
        } else {
            None
        }
    }
}

/// How often claims that a page changed were looked into, and how often they were wrong; old looks fade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trust {
    pub(crate) looked: u32,
    pub(crate) wrong: u32,
}

/// Looks after which both counts are halved: a site that mends its ways is believed again.
const LOOKS_MAX: u32 = 32;

impl Trust {
    pub(crate) fn note(&mut self, wrong: bool) {
        self.looked += 1;
        self.wrong += u32::from(wrong);
        if self.looked >= LOOKS_MAX {
            (self.looked, self.wrong) = (self.looked / 2, self.wrong / 2);
        }
    }

    /// Whether such a claim is worth a fetch: until it is known better, and then as long as it is right as often as not.
    pub(crate) fn is_worth_a_fetch(self) -> bool {
        self.looked < 4 || self.wrong * 2 <= self.looked
    }
}

/// How often in a row claims that a page is as it was were right, and how often that row ended. A wrong one hides a
/// change, so each asks for twice as many right ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Streak {
    pub(crate) right: u32,
    pub(crate) ended: u32,
}

/// Right claims in a row that are enough at first; and of the longest row that is asked for, how often it doubled.
const STREAK_MIN: u32 = 8;
const STREAK_DOUBLINGS: u32 = 4;

impl Streak {
    pub(crate) fn note(&mut self, wrong: bool) {
        if wrong {
            (self.right, self.ended) = (0, STREAK_DOUBLINGS.min(self.ended + 1));
        } else if self.right >= STREAK_MIN << STREAK_DOUBLINGS {
            (self.right, self.ended) = (self.right / 2, self.ended.saturating_sub(1));
        } else {
            self.right += 1;
        }
    }

    /// Whether such a claim spares a fetch.
    pub(crate) fn spares_a_fetch(self) -> bool {
        self.right >= STREAK_MIN << self.ended.min(STREAK_DOUBLINGS)
    }
}

/// What is claimed of a page, with the time of the sitemap's last answer. Two reads. Blocking.
pub(crate) fn claimed(
    store: &dyn Store,
    site: SiteKey,
    page: Fingerprint,
) -> Result<Option<Claimed>, FrontierError> {
    let Some(row) = store.get(Keyspace::Claims, &fate_key(site, page))? else {
        return Ok(None);
    };
    let claim = Claim::decode(&row)?;
    let fate = store.get(Keyspace::Fates, &fate_key(site, claim.sitemap))?;
    let fate = fate.map(|fate| FateRow::decode(&fate)).transpose()?;
    let there = |fate: &FateRow| (200..300).contains(&fate.status) || fate.status == 304;
    Ok(fate.filter(there).map(|fate| Claimed {
        modified: claim.modified,
        read: fate.at,
    }))
}

impl Queued {
    /// What its sitemap says of it, if it was fetched before.
    fn word(&self) -> Option<Word> {
        self.claimed?.word(self.known.as_ref()?.at)
    }
}

impl Frontier {
    /// Whether claims are of use: pages are fetched again, and sitemaps read.
    #[must_use]
    pub fn heeds_claims(&self) -> bool {
        let config = &self.setup.config;
        config.recrawl.enabled && config.sitemaps.enabled
    }

    /// When a page taken from a visited site is fetched instead of now: its sitemap says that it is as it was, or said
    /// wrongly that it had changed. `None`: now.
    pub fn put_off_until(&mut self, id: SiteId, queued: &Queued, now: Wall) -> Option<Wall> {
        let recrawl = &self.setup.config.recrawl;
        let known = queued.known.as_ref()?;
        let history = known
            .history
            .filter(|_| recrawl.enabled && queued.row.attempts == 0)?;
        let interval = recrawl.interval_of(queued.row.found.how, history, None);
        let own = known.at.plus(interval);
        let trust = self.sites.held(id).maps;
        // One turn of eight is a fetch all the same: whoever is never looked at can say anything.
        let minute = u64::try_from(now.0).unwrap_or(0) / 60_000_000;
        let draw = (queued.row.fingerprint.0 ^ minute).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 61;
        match queued.word() {
            Some(Word::Changed) if trust.changed.is_worth_a_fetch() => None,
            Some(Word::Same) if trust.same.spares_a_fetch() && draw != 0 => {
                let last = known.at.plus(recrawl.interval_max);
                (last > now).then(|| last.min(now.plus(interval)))
            }
            _ => (own > now).then_some(own),
        }
    }

    /// Holds what a fetch of a page found against what its sitemap had said.
    pub fn note_claim(&mut self, id: SiteId, queued: &Queued, changed: bool) {
        let Some(claimed) = queued.claimed else {
            return;
        };
        let maps = &mut self.sites.held(id).maps;
        match queued.word() {
            Some(Word::Changed) => maps.changed.note(!changed),
            Some(Word::Same) => maps.same.note(changed),
            // A date in the sitemap's own future is wrong whatever the page shows.
            None if claimed.modified > claimed.read => maps.changed.note(true),
            None => return,
        }
        self.sites.touch(id);
    }

    /// Whether a site's sitemaps are worth a look of their own: their word that a page changed is heeded.
    pub fn believes_claims(&mut self, id: SiteId) -> bool {
        self.sites.held(id).maps.changed.is_worth_a_fetch()
    }

    /// Claims of a site are in the group being built: pages that are said to have changed are looked for once it is
    /// durable.
    pub fn claims_made(&mut self, id: SiteId) {
        if self.believes_claims(id) {
            self.look_for_changed(id);
        }
    }
}

/// When a page that is queued for `due` is fetched instead, if its sitemap says that it has changed: now, but not sooner
/// after its last fetch than `least`.
pub(crate) fn sooner(
    known: &FateRow,
    claimed: Option<Claimed>,
    due: Wall,
    now: Wall,
    least: Duration,
) -> Option<Wall> {
    let is_page = known.history.is_some() && known.found.how != How::SitemapFile;
    let word = claimed?.word(known.at).filter(|_| is_page)?;
    let sooner = now.max(known.at.plus(least));
    (word == Word::Changed && sooner < due).then_some(sooner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_read_back_and_cut_rows_refused() {
        let claim = Claim {
            modified: Wall(1_790_000_000_000_000),
            sitemap: Fingerprint(7),
        };
        let bytes = claim.encode();
        assert_eq!(Claim::decode(&bytes), Ok(claim));
        assert!((0..bytes.len()).all(|cut| Claim::decode(&bytes[..cut]).is_err()));
    }

    #[test]
    fn a_date_says_only_what_it_must_mean() {
        let hour = |hours: i64| Wall(hours * 3_600_000_000 + 1_000_000);
        let word = |modified, read, fetched| {
            let claimed = Claimed { modified, read };
            claimed.word(fetched)
        };
        assert_eq!(word(hour(5), hour(9), hour(3)), Some(Word::Changed));
        assert_eq!(word(hour(5), hour(9), hour(7)), Some(Word::Same));
        // The sitemap is older than the fetch: it cannot know.
        assert_eq!(word(hour(5), hour(6), hour(7)), None);
        // In the future of who says so.
        assert_eq!(word(hour(10), hour(9), hour(3)), None);
        // A day without a time: it may have been before the fetch or after it.
        let today = Wall(DAY_US);
        assert_eq!(word(today, hour(40), hour(30)), None);
        assert_eq!(word(today, hour(60), hour(50)), Some(Word::Same));
        assert_eq!(word(today, hour(40), hour(20)), Some(Word::Changed));
    }

    #[test]
    fn a_liar_is_believed_no_more_and_may_mend_its_ways() {
        let mut trust = Trust::default();
        assert!(trust.is_worth_a_fetch());
        for _ in 0..4 {
            trust.note(true);
        }
        assert!(!trust.is_worth_a_fetch());
        for _ in 0..40 {
            trust.note(false);
        }
        assert!(trust.is_worth_a_fetch() && trust.looked <= LOOKS_MAX);
    }

    #[test]
    fn who_hid_a_change_must_be_right_for_longer() {
        let mut streak = Streak::default();
        let mut needed = |wrong: u32| {
            (0..wrong).for_each(|_| streak.note(true));
            let looks = (0..1_000).take_while(|_| {
                let spares = streak.spares_a_fetch();
                streak.note(false);
                !spares
            });
            looks.count()
        };
        assert_eq!(
            [needed(0), needed(1), needed(1), needed(9)],
            [8, 16, 32, 128]
        );
        // Long enough, and it is forgotten.
        (0..1_000).for_each(|_| streak.note(false));
        assert_eq!(streak.ended, 0);
    }
}
