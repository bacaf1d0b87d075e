//! Promise `politeness_site`: one request at a time to a site, and its pause from the end of one to the start of the next.
//!
//! In: attempt rows, settings, the crawl-delays of robots answers. Out: the verdict.
//! May touch: nothing. Must not touch: addresses, the engine's clocks.
//! Invariant: every request of a site is held against the one before it, whatever became of its group.
//!
//! The pause in force, as the row tells it, must itself be no shorter than the setting, a multiple of the last exchange,
//! the crawl-delay of the robots answer in use, and the first back-off after a 429 or 503. An origin's crawl-delay
//! binds its whole site from its first page to its last under that answer.

use std::collections::BTreeMap;

use orb_url::Site;

use crate::AuditSettings;
use crate::limits::PAUSE_TOLERANCE;
use crate::report::{Case, Promise, Violation};
use crate::robots::CrawlDelays;
use crate::row::{Moment, Row};
use crate::rows::Rows;

/// Judges every site.
pub(crate) fn judge(rows: &Rows, settings: &AuditSettings, delays: &CrawlDelays) -> Case {
    let mut case = Case::new(Promise::PolitenessSite);
    let mut sites: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (at, row) in rows
        .all
        .iter()
        .enumerate()
        .filter(|(_, row)| row.is_request())
    {
        sites.entry(row.target.site).or_default().push(at);
    }
    case.count("sites", sites.len() as u64);
    if settings.runs.is_empty() {
        case.unknown("no settings of the crawl are known: only what its rows claim was checked");
    }
    check_sites(rows, settings, &mut case);
    for mut requests in sites.into_values() {
        requests.sort_by_key(|&at| (rows.all[at].start.order(), at));
        judge_site(rows, &requests, settings, delays, &mut case);
    }
    case
}

/// A row's site must be that of its URL, or its pauses would be counted elsewhere.
fn check_sites(rows: &Rows, settings: &AuditSettings, case: &mut Case) {
    if settings
        .suffix_list
        .as_deref()
        .is_some_and(|list| list != orb_url::PSL_VERSION)
    {
        return case
            .unseen("sites were not derived anew: the crawl used another public suffix list");
    }
    for row in &rows.all {
        let Ok(url) = orb_url::CrawlUrl::parse(&row.url) else {
            continue;
        };
        let (told, own) = (rows.names.text(row.target.site), Site::of_host(url.host()));
        if told != own.as_str() {
            violate(
                case,
                row,
                ("wrong_site", own.as_str().to_owned(), told.to_owned()),
            );
        }
    }
}

/// What the requests so far ask of the next one.
struct Past {
    /// When the latest exchange of this boot, and of all before, ended.
    ended: Option<Moment>,
    /// Before this nothing may begin: `Retry-After`.
    held: Option<Moment>,
    last: usize,
}

fn judge_site(
    rows: &Rows,
    requests: &[usize],
    settings: &AuditSettings,
    delays: &CrawlDelays,
    case: &mut Case,
) {
    let mut in_use = InUse::of(rows, requests, delays);
    let mut past: Option<Past> = None;
    let Some(&first) = requests.first() else {
        return;
    };
    let site = Site::from_stored(rows.names.text(rows.all[first].target.site));
    for (place, &at) in requests.iter().enumerate() {
        let row = &rows.all[at];
        case.count("requests", 1);
        let crawl_delay = in_use.at(place).max(own_crawl_delay(rows, row, delays));
        let least = least_pause(
            &site,
            row,
            past.as_ref().map(|past| &rows.all[past.last]),
            crawl_delay,
            settings,
        );
        if let Some(finding) = least {
            violate(case, row, finding);
        }
        if let Some(past) = &past {
            judge_pause(row, past, case);
        }
        past = Some(advance(past, row, at, settings));
    }
}

fn judge_pause(row: &Row, past: &Past, case: &mut Case) {
    let tolerance = PAUSE_TOLERANCE.as_micros() as i64;
    let asked = i64::try_from(row.site_delay_us).unwrap_or(i64::MAX);
    if let Some(ended) = past.ended {
        case.count("pauses", 1);
        case.count(
            "pauses_across_boots",
            u64::from(ended.boot != row.start.boot),
        );
        let pause = row.start.since_us(ended);
        if pause < 0 {
            let seen = format!("a start {} µs before the end of the one before", -pause);
            violate(case, row, ("overlap", "one request at a time".into(), seen));
        } else if pause + tolerance < asked {
            violate(
                case,
                row,
                (
                    "pause_too_short",
                    format!("a pause of {asked} µs"),
                    format!("{pause} µs"),
                ),
            );
        }
    }
    if let Some(held) = past.held {
        let early = -row.start.since_us(held);
        if early > tolerance {
            let seen = format!("a start {early} µs before");
            violate(
                case,
                row,
                (
                    "retry_after",
                    "nothing before Retry-After ends".into(),
                    seen,
                ),
            );
        }
    }
}

/// Within one boot the latest end counts. A new boot starts with the end its first request was held against.
fn advance(past: Option<Past>, row: &Row, at: usize, settings: &AuditSettings) -> Past {
    let later = |known: Option<Moment>, new: Moment| match known {
        Some(known) if known.boot == new.boot && known.order() > new.order() => known,
        _ => new,
    };
    let longest = settings
        .politeness_at(row.start.wall)
        .map(|p| p.retry_after_max.as_micros() as u64)
        .min();
    let rest = row
        .answer
        .retry_after_us
        .map(|rest| rest.min(longest.unwrap_or(u64::MAX)));
    let held = past.as_ref().and_then(|past| past.held);
    Past {
        ended: Some(later(past.as_ref().and_then(|past| past.ended), row.end)),
        held: match rest {
            Some(rest) => Some(later_hold(held, row.end.plus_us(rest))),
            None => held,
        },
        last: at,
    }
}

/// Of two holds the one that ends later; across boots by the wall clock.
fn later_hold(known: Option<Moment>, new: Moment) -> Moment {
    known.filter(|known| known.since_us(new) > 0).unwrap_or(new)
}

type Finding = (&'static str, String, String);

/// Whether the pause a row claims is shorter than the rules it was made under.
fn least_pause(
    site: &Site,
    row: &Row,
    before: Option<&Row>,
    crawl_delay: u64,
    settings: &AuditSettings,
) -> Option<Finding> {
    let tolerance = PAUSE_TOLERANCE.as_micros() as u64;
    let short = |asked: u64, tolerance: u64| row.site_delay_us.saturating_add(tolerance) < asked;
    let found = |rule, asked: u64| {
        Some((
            rule,
            format!("a pause in force of at least {asked} µs"),
            format!("{} µs", row.site_delay_us),
        ))
    };
    let setting = settings.least_at(row.start.wall, |rules| {
        rules.pace_of(site).delay.as_micros() as u64
    });
    if short(setting, tolerance) {
        return found("below_setting", setting);
    }
    if short(crawl_delay, tolerance) {
        return found("below_crawl_delay", crawl_delay);
    }
    let before = before?;
    let took = u64::try_from(before.end.since_us(before.start)).unwrap_or(0);
    let adaptive = settings.least_at(row.start.wall, |rules| {
        let most = rules.site_delay_adaptive_max.as_micros() as u64;
        took.saturating_mul(u64::from(rules.pace_of(site).factor))
            .min(most)
    });
    // An exchange that a row shows a rounding too long asks for that rounding several times.
    let rounding = settings
        .least_at(row.start.wall, |rules| {
            u64::from(rules.pace_of(site).factor)
        })
        .max(1);
    if short(adaptive, tolerance.saturating_mul(rounding)) {
        return found("below_last_exchange", adaptive);
    }
    if matches!(before.answer.status, Some(429 | 503)) {
        let backoff = settings.least_at(row.start.wall, |rules| {
            rules.backoff_first.min(rules.backoff_max).as_micros() as u64
        });
        if short(backoff, tolerance) {
            return found("below_back_off", backoff);
        }
    }
    None
}

fn own_crawl_delay(rows: &Rows, row: &Row, delays: &CrawlDelays) -> u64 {
    let copy = row
        .judged
        .and_then(|judged| judged.attempt)
        .and_then(|id| rows.of_id(id));
    copy.and_then(|copy| delays.get(&copy))
        .copied()
        .unwrap_or(0)
}

/// Crawl-delays that bind the whole site: of each answer from its first page to its last.
struct InUse {
    /// Place at which a delay begins or, being negative, has ended.
    changes: BTreeMap<usize, Vec<(u64, i32)>>,
    now: BTreeMap<u64, i32>,
}

impl InUse {
    fn of(rows: &Rows, requests: &[usize], delays: &CrawlDelays) -> InUse {
        let mut spans: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        for (place, &at) in requests.iter().enumerate() {
            let copy = rows.all[at]
                .judged
                .and_then(|judged| judged.attempt)
                .and_then(|id| rows.of_id(id));
            if let Some(copy) = copy.filter(|copy| delays.contains_key(copy)) {
                spans.entry(copy).or_insert((place, place)).1 = place;
            }
        }
        let mut changes: BTreeMap<usize, Vec<(u64, i32)>> = BTreeMap::new();
        for (copy, (first, last)) in spans {
            changes.entry(first).or_default().push((delays[&copy], 1));
            changes
                .entry(last + 1)
                .or_default()
                .push((delays[&copy], -1));
        }
        InUse {
            changes,
            now: BTreeMap::new(),
        }
    }

    /// The largest at this place; places must come in order.
    fn at(&mut self, place: usize) -> u64 {
        for (delay, step) in self.changes.remove(&place).unwrap_or_default() {
            *self.now.entry(delay).or_default() += step;
        }
        self.now.retain(|_, count| *count > 0);
        self.now.last_key_value().map_or(0, |(&delay, _)| delay)
    }
}

fn violate(case: &mut Case, row: &Row, (rule, expected, seen): Finding) {
    case.violate(|| Violation {
        rule,
        seat: row.seat(),
        url: Some(row.url.to_string()),
        expected,
        seen,
    });
}
