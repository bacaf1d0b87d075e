//! Explains one URL.
//!
//! In: what was typed, a source of facts, the crawl's folder. Out: [`Explanation`].
//! May touch: attempt rows and one archived record, reading only. Must not touch: the crawl.
//! Invariant: the same facts give the same explanation, whether the crawl runs or not.

use orb_api::{SieveFacts, UrlFacts};
use orb_url::CrawlUrl;

use crate::attempts::{AttemptsSeen, of_url};
use crate::chain::follow;
use crate::clocks::Clocks;
use crate::explanation::{ArchivePlaceShown, AttemptLine, Explanation, RedirectStep, StateShown};
use crate::given::Given;
use crate::limits::REDIRECTS_MAX;
use crate::record::{Glance, glance};
use crate::rules;
use crate::sentence::{Evidence, say};
use crate::source::{Crawl, ExplainError, FactSource, Search};
use crate::verdict::{VerdictKind, kind_of};
use crate::wording::Times;

/// Explains what became of a URL, and why.
///
/// - Cost: one pass over the attempt rows of its slot (about 2 GB/s once cached), one record, a question for each
///   step to its seed.
///
/// # Errors
/// When the crawl cannot be asked or its rows cannot be read. A URL nobody ever saw is an explanation too.
pub fn explain(
    crawl: &Crawl<'_>,
    source: &mut dyn FactSource,
    given: &Given,
    times: &Times<'_>,
    progress: &mut dyn FnMut(Search),
) -> Result<Explanation, ExplainError> {
    let mut given = given.clone();
    let (url, facts) = known_form(source, &mut given)?;
    let attempts = of_url(
        crawl,
        facts.site.slot,
        url.as_str(),
        url.origin().as_str(),
        progress,
    )?;
    let record = facts
        .fate
        .as_ref()
        .and_then(|fate| fate.archive.as_ref())
        .and_then(|place| glance(crawl, place));
    let redirects = redirects_of(crawl, source, &url, &facts, record.as_ref())?;
    let discovery = follow(source, &facts)?;
    let last = attempts.own.last().or(attempts.robots.last());
    let clocks = Clocks::of(crawl, &facts.site, last, times);
    let earliest_us = earliest(&facts, &clocks);
    let verdict = say(&Evidence {
        kind: kind_of(&facts, record.as_ref(), crawl_delay_max_ms(crawl)),
        facts: &facts,
        last: attempts.own.last(),
        last_robots: attempts.robots.last(),
        record: record.as_ref(),
        redirects: &redirects,
        clocks: &clocks,
        earliest_us,
        crawl,
        times,
    });
    let AttemptsSeen {
        own,
        own_count,
        robots,
    } = attempts;
    Ok(Explanation {
        url: url.as_str().to_owned(),
        verdict,
        given,
        fingerprint: facts.fingerprint.clone(),
        slot: facts.site.slot,
        partition: facts.site.partition,
        discovery,
        redirects,
        rules: rules::judge(&facts, times),
        sieve: facts.sieve,
        earliest_us,
        clocks,
        attempts: own.iter().map(AttemptLine::of).collect(),
        attempts_count: own_count,
        robots_attempts: robots.iter().map(AttemptLine::of).collect(),
        archive: archive_of(crawl, &facts, record),
        state: state_of(&facts),
        queue: facts.queue,
    })
}

/// The facts of the URL; of its http form when the scheme was assumed and only that is known.
fn known_form(
    source: &mut dyn FactSource,
    given: &mut Given,
) -> Result<(CrawlUrl, UrlFacts), ExplainError> {
    let url = given.url.clone();
    let ask = |source: &mut dyn FactSource, url: &CrawlUrl| -> Result<UrlFacts, ExplainError> {
        let mut facts = source
            .url_facts(url)
            .map_err(ExplainError::facts(url.as_str()))?;
        // Whatever the source made of it, this is what was asked about.
        url.as_str().clone_into(&mut facts.url);
        Ok(facts)
    };
    let facts = ask(source, &url)?;
    let Some(by_http) = given.by_http().filter(|_| !is_known(&facts)) else {
        return Ok((url, facts));
    };
    let other = ask(source, &by_http)?;
    if !is_known(&other) {
        return Ok((url, facts));
    }
    given.assumed.pop();
    given
        .assumed
        .push("no scheme was given: http, since the crawl knows it by that".to_owned());
    given.url = by_http.clone();
    Ok((by_http, other))
}

fn is_known(facts: &UrlFacts) -> bool {
    facts.queue.is_some() || facts.fate.is_some() || facts.sieve != SieveFacts::Unseen
}

fn crawl_delay_max_ms(crawl: &Crawl<'_>) -> Option<u64> {
    let politeness = crawl.politeness?;
    Some(politeness.crawl_delay_max.as_millis() as u64)
}

/// When it may be requested at the earliest.
fn earliest(facts: &UrlFacts, clocks: &Clocks) -> Option<i64> {
    let queue = facts.queue.as_ref()?;
    if !matches!(queue.place.as_str(), "queue" | "admitted") || facts.site.parked.is_some() {
        return None;
    }
    // Each URL before it takes a pause of its own, and their exchanges come on top.
    let ahead = i64::try_from(queue.ahead.unwrap_or(0)).unwrap_or(i64::MAX);
    let pauses = ahead.saturating_mul(crate::clocks::us_of(clocks.delay_ms));
    let by_site = clocks.next_us.map(|next| next.saturating_add(pauses));
    by_site.into_iter().chain(queue.due_us).max()
}

fn redirects_of(
    crawl: &Crawl<'_>,
    source: &mut dyn FactSource,
    url: &CrawlUrl,
    facts: &UrlFacts,
    record: Option<&Glance>,
) -> Result<Vec<RedirectStep>, ExplainError> {
    let mut steps: Vec<RedirectStep> = Vec::new();
    let mut from = url.clone();
    let mut record = record.cloned();
    let mut kind = kind_of(facts, record.as_ref(), crawl_delay_max_ms(crawl));
    while kind == VerdictKind::Redirect && steps.len() < REDIRECTS_MAX {
        let target = record
            .as_ref()
            .and_then(|record| record.location.as_deref())
            .and_then(|to| from.join(to).ok());
        let Some(target) = target else { break };
        let there = source
            .url_facts(&target)
            .map_err(ExplainError::facts(target.as_str()))?;
        let place = there.fate.as_ref().and_then(|fate| fate.archive.as_ref());
        record = place.and_then(|place| glance(crawl, place));
        kind = kind_of(&there, record.as_ref(), crawl_delay_max_ms(crawl));
        let again = target == *url || steps.iter().any(|step| step.to == target.as_str());
        steps.push(RedirectStep {
            to: target.as_str().to_owned(),
            kind,
        });
        if again {
            break;
        }
        from = target;
    }
    Ok(steps)
}

fn archive_of(
    crawl: &Crawl<'_>,
    facts: &UrlFacts,
    record: Option<Glance>,
) -> Option<ArchivePlaceShown> {
    let fate = facts.fate.as_ref()?;
    let place = fate.archive.as_ref()?;
    let path = crawl.dir.warc().join(&place.file);
    Some(ArchivePlaceShown {
        file: format!("warc/{}", place.file),
        offset: place.offset,
        command: format!(
            "orb archive cat {} --offset {}",
            shell_word(&path.to_string_lossy()),
            place.offset
        ),
        record,
    })
}

/// A path as a shell takes it whole.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+:@".contains(c);
    if text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

fn state_of(facts: &UrlFacts) -> Option<StateShown> {
    let fate = facts.fate.as_ref()?;
    Some(StateShown {
        state: fate.state,
        outcome: fate.outcome,
        reason: fate.reason,
        detail: fate.detail.clone(),
        status: fate.status,
        attempts: fate.attempts,
        at_us: fate.at_us,
    })
}
