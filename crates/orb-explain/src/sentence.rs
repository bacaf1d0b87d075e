//! The verdict in a sentence.
//!
//! In: facts, requests, the archived record. Out: a sentence, and what changes the verdict.
//! May touch: nothing. Must not touch: which verdict it is; that is `verdict`'s.
//! Invariant: a number in a sentence stands in a section below it too.

use orb_api::{CutFacts, FateFacts, Outcome, Phase, QueueFacts, Reason, UrlFacts};

use crate::attempts::SeenRow;
use crate::clocks::Clocks;
use crate::cut;
use crate::explanation::RedirectStep;
use crate::record::Glance;
use crate::source::Crawl;
use crate::verdict::{Verdict, VerdictKind};
use crate::wording::{Times, count, counted, inert, span_ms};

/// Everything a sentence is made of.
pub(crate) struct Evidence<'a> {
    pub(crate) kind: VerdictKind,
    pub(crate) facts: &'a UrlFacts,
    pub(crate) last: Option<&'a SeenRow>,
    pub(crate) last_robots: Option<&'a SeenRow>,
    pub(crate) record: Option<&'a Glance>,
    pub(crate) redirects: &'a [RedirectStep],
    pub(crate) clocks: &'a Clocks,
    pub(crate) earliest_us: Option<i64>,
    pub(crate) crawl: &'a Crawl<'a>,
    pub(crate) times: &'a Times<'a>,
}

/// Says it.
pub(crate) fn say(evidence: &Evidence<'_>) -> Verdict {
    Verdict {
        kind: evidence.kind,
        sentence: inert(&evidence.sentence()),
        advice: evidence.advice().map(str::to_owned),
    }
}

impl Evidence<'_> {
    fn sentence(&self) -> String {
        match (&self.facts.queue, &self.facts.fate) {
            (Some(queue), _) => self.queued(queue),
            (None, Some(fate)) => self.fated(fate),
            (None, None) => self.unknown(),
        }
    }

    // ---- pending ----

    fn queued(&self, queue: &QueueFacts) -> String {
        let site = &self.facts.site;
        match self.kind {
            VerdictKind::Budget => {
                let cut = queue.cut.clone().unwrap_or_default();
                format!("seen but cut: {}", cut::because(&cut, site))
            }
            VerdictKind::InFlight => "a request for it is under way, or its result is being made durable".to_owned(),
            VerdictKind::Found => "found, and on its way into the queue".to_owned(),
            VerdictKind::CrawlDelay => self.above_cap(),
            VerdictKind::RobotsUnreachable => {
                "the site is set aside: its robots.txt could not be had, so nothing of it may be fetched".to_owned()
            }
            VerdictKind::InBackoff => self.in_backoff(queue),
            _ => self.waiting(queue),
        }
    }

    fn above_cap(&self) -> String {
        let asked = self.facts.site.crawl_delay_ms;
        let set_aside = match self.facts.site.parked {
            Some(_) => "the site is set aside",
            None => "the site will be set aside at its next turn",
        };
        let max = self
            .crawl
            .politeness
            .map_or_else(String::new, |politeness| {
                let max = politeness.crawl_delay_max.as_millis() as u64;
                format!(", and politeness.crawl_delay_max is {}", span_ms(max))
            });
        format!(
            "{set_aside}: its robots.txt asks for {} between two requests{max}",
            asked.map_or_else(|| "a longer pause".to_owned(), span_ms),
        )
    }

    fn in_backoff(&self, queue: &QueueFacts) -> String {
        let after = self.last.map_or_else(
            || "an attempt without a request (its name gave no address)".to_owned(),
            |seen| trouble(seen.row.status, seen.row.reason, seen.row.error.as_deref()),
        );
        let of = self
            .crawl
            .attempts_max
            .map_or_else(String::new, |max| format!(" of {max}"));
        let next = match self.earliest_us.or(queue.due_us) {
            Some(due) if due > self.times.now.0 => format!("next try {}", self.times.at(due)),
            _ if self.crawl.running() => "it is due now".to_owned(),
            _ => "it is due when the crawl goes on".to_owned(),
        };
        format!(
            "in back-off after {after}, attempt {}{of}: {next}{}",
            queue.attempts,
            self.standing()
        )
    }

    fn waiting(&self, queue: &QueueFacts) -> String {
        let before = match queue.ahead {
            Some(0) => "it is the next of its site".to_owned(),
            Some(1) => "1 URL is before it".to_owned(),
            Some(ahead) => format!("{} URLs are before it", count(ahead)),
            None => "many URLs are before it".to_owned(),
        };
        let site = match self.clocks.next_us {
            Some(next) => format!(
                "the site rests until {} ({})",
                self.times.at(next),
                self.rest()
            ),
            None if self.crawl.running() => "its site may be contacted now".to_owned(),
            None => String::new(),
        };
        let forbidden = self
            .facts
            .robots
            .as_ref()
            .is_some_and(|copy| copy.allowed == Some(false));
        let then = if forbidden {
            "; robots.txt forbids it as things stand, so its turn will end it"
        } else if self.facts.robots.is_none() {
            "; the robots.txt of its origin comes first"
        } else {
            ""
        };
        let parts: Vec<String> = [site, before]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        format!("waits: {}{then}{}", parts.join("; "), self.standing())
    }

    /// Why the site rests.
    fn rest(&self) -> String {
        let site = &self.facts.site;
        // Its pauses cannot be what it waits for: something was tried and is tried again.
        let beyond = site.next_in_ms > site.delay_ms.saturating_add(1_000);
        let in_trouble = self.last_robots.filter(|seen| is_trouble(seen.row.outcome));
        if beyond && site.hold_ms >= site.next_in_ms.saturating_sub(1_000) {
            return "its Retry-After asked for that".to_owned();
        }
        match in_trouble {
            Some(seen) if beyond => format!(
                "its robots.txt could not be had: {}; it is asked for again then",
                trouble(seen.row.status, seen.row.reason, seen.row.error.as_deref())
            ),
            None if beyond && self.facts.robots.is_none() => {
                "no request could be made for its robots.txt: its name gave no address that may be dialled; it is \
                 tried again then"
                    .to_owned()
            }
            _ => format!(
                "{} between requests: {}",
                span_ms(self.clocks.delay_ms),
                self.clocks.because_text
            ),
        }
    }

    /// What the crawl does that keeps everything waiting.
    fn standing(&self) -> &'static str {
        match self.crawl.phase {
            Phase::Running => "",
            Phase::Paused => "; the crawl is paused",
            Phase::DiskFull => "; the crawl has stopped taking in: the disk is nearly full",
            Phase::UploadsBehind => "; the crawl has stopped taking in: uploads are behind",
            Phase::Stopping => "; the crawl is stopping",
            Phase::Stopped | Phase::Finished => "; nobody crawls now",
        }
    }

    // ---- settled ----

    fn cut_for_good(&self, fate: &FateFacts, when: &str) -> String {
        let cut = CutFacts {
            cause: fate.detail.clone(),
            ..CutFacts::default()
        };
        let because = cut::because(&cut, &self.facts.site);
        format!(
            "cut {when}, and not kept for later, for the list of what was cut is full: {because}"
        )
    }

    fn fated(&self, fate: &FateFacts) -> String {
        let when = self.times.at(fate.at_us);
        let detail = fate.detail.as_str();
        match self.kind {
            VerdictKind::Captured => format!(
                "captured {when} with status {}{}",
                fate.status,
                self.place(fate)
            ),
            VerdictKind::NotModified => format!(
                "unchanged {when}: {}, a revisit record{}",
                if fate.status == 304 {
                    "304"
                } else {
                    "the payload it had before"
                },
                self.place(fate)
            ),
            VerdictKind::Duplicate => self.duplicate(fate, &when),
            VerdictKind::Redirect => self.redirect(fate),
            VerdictKind::Gone => {
                format!("gone: status {} {when}{}", fate.status, gone(fate.status))
            }
            VerdictKind::Robots => format!(
                "robots.txt {} forbids it, judged {when}",
                quoted_rule(detail)
            ),
            VerdictKind::RobotsUnreachable => format!(
                "the robots.txt of its origin could not be had, its attempts are spent, so it may not be fetched; \
                 {}, judged {when}",
                self.robots_trouble()
            ),
            VerdictKind::CrawlDelay => {
                format!("excluded {when}: the crawl-delay asked for is above the cap")
            }
            VerdictKind::GuardedAddress => format!(
                "refused {when}: every address of {} is private, local or otherwise guarded",
                self.host()
            ),
            VerdictKind::Budget => self.cut_for_good(fate, &when),
            VerdictKind::OptedOut => {
                format!("excluded {when} by the operator{}", with(": ", detail))
            }
            VerdictKind::TypeFilter if fate.status == 0 => {
                format!("refused {when}, unasked: paths that end in .{detail} are not wanted")
            }
            VerdictKind::TypeFilter => {
                format!(
                    "refused {when}: {} is not among those that are wanted",
                    self.media_type()
                )
            }
            VerdictKind::PaymentRequired => {
                format!("refused {when}: status 402, the site wants to be paid")
            }
            VerdictKind::Poison => format!("failed {when}: reading it ended the process twice"),
            VerdictKind::Failed => format!(
                "failed after {}: {}; the last {when}",
                counted(u64::from(fate.attempts), "attempt"),
                trouble(
                    (fate.status > 0).then_some(fate.status),
                    fate.reason,
                    Some(detail)
                )
            ),
            _ => format!("{} {when}", fate.outcome),
        }
    }

    fn place(&self, fate: &FateFacts) -> String {
        let Some(place) = &fate.archive else {
            return ", without a record".to_owned();
        };
        let record = match self.record {
            None => return format!(", at byte {} of warc/{}", count(place.offset), place.file),
            Some(record) => record,
        };
        let what = match (record.kind.as_str(), &record.body_absent) {
            ("metadata", Some(why)) => format!("a metadata record (no body: {why})"),
            (kind, _) => format!("a {kind} record"),
        };
        format!(
            ", as {what} at byte {} of warc/{}",
            count(place.offset),
            place.file
        )
    }

    fn duplicate(&self, fate: &FateFacts, when: &str) -> String {
        let original = self.record.and_then(|record| record.repeats_url.as_deref());
        let of = original.map_or_else(|| "a URL archived before".to_owned(), str::to_owned);
        format!(
            "duplicate: the same payload as {of}, so a revisit record stands for it; fetched {when} with status {}",
            fate.status
        )
    }

    fn redirect(&self, fate: &FateFacts) -> String {
        let mut text = format!("redirects ({})", fate.status);
        if self.redirects.is_empty() {
            text.push_str(" to an address that could not be read back from the archive");
        }
        for (number, step) in self.redirects.iter().enumerate() {
            let and = if number == 0 { "" } else { ", and that" };
            text.push_str(&format!("{and} to {}", step.to));
        }
        if let Some(last) = self.redirects.last() {
            text.push_str(&format!(", which {}", last.kind.phrase()));
        }
        text
    }

    /// What came of the last attempt at robots.txt.
    fn robots_trouble(&self) -> String {
        match self.last_robots {
            Some(seen) => format!(
                "the last attempt: {}",
                trouble(seen.row.status, seen.row.reason, seen.row.error.as_deref())
            ),
            None => "no row of an attempt at it is left".to_owned(),
        }
    }

    fn media_type(&self) -> String {
        let declared = self
            .record
            .and_then(|record| record.content_type.as_deref());
        declared.map_or_else(
            || "its content type".to_owned(),
            |value| format!("its content type `{value}`"),
        )
    }

    fn host(&self) -> &str {
        let rest = self
            .facts
            .url
            .split("://")
            .nth(1)
            .unwrap_or(&self.facts.url);
        rest.split(['/', '?']).next().unwrap_or(rest)
    }

    // ---- never admitted ----

    fn unknown(&self) -> String {
        let site = &self.facts.site.site;
        let scope = &self.facts.scope;
        match self.kind {
            VerdictKind::Found => "found, and on its way through the sieve into the queue".to_owned(),
            VerdictKind::OptedOut => match &scope.rule {
                Some(rule) => format!("excluded by the operator's rule `{rule}`: links to it are counted and forgotten"),
                None => "excluded by a rule of the operator: links to it are counted and forgotten".to_owned(),
            },
            VerdictKind::OutOfScope => match scope.scope.as_str() {
                "site" => format!("out of scope: scope is `site`, and no seed lies in {site}"),
                "host" => format!("out of scope: scope is `host`, and no seed lies on {}", self.host()),
                "prefix" => "out of scope: scope is `prefix`, and it lies in no folder of a seed".to_owned(),
                other => format!("out of scope ({other})"),
            },
            VerdictKind::SiteFull => format!(
                "not taken: {site} is full, its page budget and the list of what that cut are spent"
            ),
            VerdictKind::TooDeep => "not taken: too many links from a seed".to_owned(),
            VerdictKind::RedirectLimit => "not taken: too many redirects in a row".to_owned(),
            _ if !self.facts.site.known => format!(
                "never found: it would be taken, but nothing of {site} has been found yet"
            ),
            _ => "never found: it would be taken, but no page that was read links to it, as far as links were taken".to_owned(),
        }
    }

    fn advice(&self) -> Option<&'static str> {
        Some(match self.kind {
            VerdictKind::CrawlDelay => {
                "raise politeness.crawl_delay_max to visit the site at the pace it asks for"
            }
            VerdictKind::GuardedAddress => "--allow-net opens a range, if it is yours to crawl",
            VerdictKind::OptedOut => {
                "it is a line of --exclude, or an order: `orb exclude list` and `orb exclude undo`"
            }
            VerdictKind::TypeFilter => {
                "limits.types and limits.extensions_skipped decide; --requisites takes everything"
            }
            VerdictKind::Budget => match &self.facts.queue {
                Some(queue) => cut::advice(queue.cut.as_ref()),
                None => return None,
            },
            VerdictKind::SiteFull => "frontier.pages_per_site_max is the budget",
            VerdictKind::OutOfScope => "--scope sets how far from the seeds a crawl goes",
            VerdictKind::TooDeep => "--max-depth sets how far from the seeds a crawl goes",
            VerdictKind::RedirectLimit => "frontier.redirects_max sets how many are followed",
            VerdictKind::NeverFound => "give it as a seed to have it fetched",
            VerdictKind::Failed => "orb inspect site shows whether its whole site is in trouble",
            VerdictKind::Waiting | VerdictKind::InBackoff | VerdictKind::Found
                if !self.crawl.running() =>
            {
                "orb crawl --out with this folder goes on with it"
            }
            _ => return None,
        })
    }
}

fn quoted_rule(detail: &str) -> String {
    match detail.split_once(": ") {
        Some((line, rule)) => format!("{line} `{rule}`"),
        None => detail.to_owned(),
    }
}

fn with(before: &str, text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!("{before}{text}")
    }
}

fn gone(status: u16) -> &'static str {
    match status {
        404 => ", not found",
        410 => ", gone for good",
        401 | 403 => ", access denied",
        451 => ", withheld for legal reasons",
        _ => "",
    }
}

/// What went wrong, in a few words.
pub(crate) fn trouble(status: Option<u16>, reason: Reason, error: Option<&str>) -> String {
    let words = match reason {
        Reason::None => "",
        Reason::Dns => "its name could not be resolved",
        Reason::GuardedAddress => "every address of its name is guarded, so none was asked",
        Reason::Connect => "no connection",
        Reason::Tls => "no trusted TLS session",
        Reason::Timeout => "a time limit ran out",
        Reason::Disconnected => "the connection broke",
        Reason::BadResponse => "an answer that is no HTTP we can trust",
        Reason::TooManyRequests => "too many requests, says the server",
        Reason::ServerError => "a server error",
        Reason::Poison => "reading it ended the process",
        other => other.name(),
    };
    let class = error.filter(|class| !class.is_empty());
    match (status, words, class) {
        (Some(status), "", _) => format!("status {status}"),
        (Some(status), words, _) => format!("status {status} ({words})"),
        (None, "", Some(class)) => class.to_owned(),
        (None, words, Some(class)) => format!("{words} ({class})"),
        (None, words, None) => words.to_owned(),
    }
}

/// Whether an outcome is trouble.
pub(crate) fn is_trouble(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Retry | Outcome::Failed)
}
