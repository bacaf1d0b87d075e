//! Pages that are fetched again: what they are asked, what their answer means, when the next time is.
//!
//! In: what is known of a page, its answer. Out: a conditional request, a next state.
//! May touch: counts. Must not touch: the frontier, the archive.
//! Invariant: a page that says it has not changed keeps the digest it had; nothing is fetched again unless the
//! settings say so.

use std::time::Duration;

use orb_api::UrlState;
use orb_env::Wall;
use orb_fetch::{Response, Validators};
use orb_frontier::rows::FateRow;
use orb_frontier::{History, RecrawlConfig, Settled};
use orb_gate::retry_after;
use orb_warc::Digest;

use crate::board::RunCounts;
use crate::event::{Purpose, Task};

/// What makes the request for a page that is fetched again conditional.
pub(crate) fn validators(purpose: &Purpose) -> Option<Validators> {
    let Purpose::Page(queued, _) = purpose else {
        return None;
    };
    let known = queued.known.as_ref()?;
    let any = known.digest.is_some() && (known.etag.is_some() || known.last_modified.is_some());
    any.then(|| Validators {
        etag: known.etag.clone(),
        last_modified: known.last_modified.clone(),
    })
}

/// The digest of the payload that a page had and, as it says, still has.
pub(crate) fn kept_digest(task: &Task, response: &Response) -> Option<Digest> {
    let Purpose::Page(queued, _) = &task.purpose else {
        return None;
    };
    let known = queued.known.as_ref().filter(|_| response.status == 304)?;
    known.digest.map(Digest::from_bytes)
}

/// Whether a page is another one than it was.
pub(crate) fn has_changed(known: &FateRow, fate: &FateRow) -> bool {
    let same = known.digest.is_some() && known.digest == fate.digest;
    fate.status != 304 && (!same || known.status / 100 != fate.status / 100)
}

/// Settles a page for good; or, where pages are fetched again, until it is likely to have changed.
pub(crate) fn settled_again(
    counts: &mut RunCounts,
    config: &RecrawlConfig,
    known: Option<&FateRow>,
    mut fate: Box<FateRow>,
    fresh: Option<Duration>,
) -> Settled {
    let mut history = History::default();
    if let Some(known) = known {
        let changed = has_changed(known, &fate);
        let gap = fate.at.since(known.at);
        history = known.history.unwrap_or_default().and(changed, gap);
        counts.again += 1;
        counts.again_useful += u64::from(changed);
        if fate.status == 304 {
            // It is the page it was: what it said of itself then still holds where it says nothing now.
            fate.etag = fate.etag.or_else(|| known.etag.clone());
            let modified = || known.last_modified.clone();
            fate.last_modified = fate.last_modified.or_else(modified);
        }
    }
    if !config.enabled || fate.state != UrlState::Done {
        // Who is not asked again needs nothing to ask with; the record holds it all.
        (fate.digest, fate.etag, fate.last_modified) = (None, None, None);
        return Settled::Final(fate);
    }
    fate.history = Some(history);
    let interval = config.interval_of(fate.found.how, history, fresh);
    let due = fate.at.plus(interval);
    Settled::Again(fate, due)
}

/// How long a response stays fresh by its own word: `max-age`, else `Expires` (RFC 9111, section 4.2.1).
pub(crate) fn fresh_for(response: &Response, now: Wall) -> Option<Duration> {
    let directives = response.header("cache-control").unwrap_or_default();
    let max_age = directives.split(',').find_map(|directive| {
        let (name, value) = directive.split_once('=')?;
        let named = name.trim().eq_ignore_ascii_case("max-age");
        value
            .trim()
            .trim_matches('"')
            .parse()
            .ok()
            .filter(|_| named)
    });
    let expires = || retry_after(response.header("expires")?, now);
    max_age.map(Duration::from_secs).or_else(expires)
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_api::{Outcome, Reason};
    use orb_frontier::{Found, How};
    use orb_url::CrawlUrl;

    const DAY: Duration = Duration::from_secs(86_400);

    fn fate(status: u16, digest: u8, at: Wall) -> FateRow {
        let url = CrawlUrl::parse("https://a.example/").unwrap();
        FateRow {
            state: UrlState::Done,
            outcome: Outcome::Captured,
            reason: Reason::None,
            detail: String::new(),
            status,
            attempts: 1,
            found: Found {
                url,
                via: None,
                depth: 0,
                hops: 0,
                how: How::Seed,
                bare_domain: false,
                rank: None,
            },
            at,
            place: None,
            digest: Some([digest; 20]),
            etag: Some(format!("\"{digest}\"")),
            last_modified: None,
            history: None,
        }
    }

    /// Settles a page that was known as `known` and came as `now`; returns its fate, its next time, and the counts.
    fn again(
        known: Option<FateRow>,
        now: FateRow,
        enabled: bool,
    ) -> (FateRow, Option<Wall>, RunCounts) {
        let config = RecrawlConfig {
            enabled,
            ..RecrawlConfig::default()
        };
        let mut counts = RunCounts::default();
        match settled_again(&mut counts, &config, known.as_ref(), Box::new(now), None) {
            Settled::Again(fate, due) => (*fate, Some(due), counts),
            Settled::Final(fate) => (*fate, None, counts),
            Settled::Retry(..) => unreachable!("a final state was given"),
        }
    }

    #[test]
    fn a_page_comes_again_only_where_the_settings_say_so() {
        let (_, due, _) = again(None, fate(200, 1, Wall(0)), false);
        assert_eq!(due, None);
        let (first, due, counts) = again(None, fate(200, 1, Wall(0)), true);
        assert_eq!((due, counts.again), (Some(Wall(0).plus(DAY)), 0));
        assert_eq!(first.history, Some(History::default()));
    }

    #[test]
    fn a_changed_page_is_a_useful_fetch_and_one_not_modified_keeps_what_it_said() {
        let (first, _, _) = again(None, fate(200, 1, Wall(0)), true);
        let later = Wall(0).plus(DAY);
        let (second, _, counts) = again(Some(first.clone()), fate(200, 2, later), true);
        assert_eq!((counts.again, counts.again_useful), (1, 1));
        let watched = History::default().and(true, DAY);
        assert_eq!(second.history, Some(watched));
        let mut same = fate(304, 1, later);
        same.etag = None;
        let (second, due, counts) = again(Some(first), same, true);
        assert_eq!((counts.again, counts.again_useful), (1, 0));
        assert_eq!(second.etag.as_deref(), Some("\"1\""));
        assert!(due.unwrap() > later.plus(DAY), "unchanged, so later");
    }

    #[test]
    fn a_page_that_went_away_has_changed() {
        let (first, _, _) = again(None, fate(200, 1, Wall(0)), true);
        let (_, _, counts) = again(Some(first), fate(404, 9, Wall(0).plus(DAY)), true);
        assert_eq!(counts.again_useful, 1);
    }
}
