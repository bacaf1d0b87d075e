//! Promise `robots`: every page was allowed by the robots.txt in force when its request began.
//!
//! In: attempt rows, archived robots answers. Out: the verdict, and the crawl-delay that each answer asks for.
//! May touch: the disk, through [`Copies`]. Must not touch: clocks.
//! Invariant: each page is held against the answer it names, judged anew from status and archived body.
//!
//! In force is the newest good answer (rules, or none needed) that is at most 24 h old; an unreachable answer does not
//! end it (see [`orb_robots::in_force`]). A redirect is a step, not an answer. Several origins may lead to one fetch of
//! one URL; then an answer counts for a page if the archived redirects lead from the page's origin to it.

use std::collections::BTreeMap;

use orb_api::AttemptKind;
use orb_robots::limits::{FRESH_FOR, REDIRECTS_MAX};
use orb_robots::{Access, Answer, ProductToken, Standing, standing};
use orb_url::{CrawlUrl, Origin};
use rustc_hash::FxHashMap;

use crate::error::AuditError;
use crate::limits::{HOP_NEWS_TOLERANCE, ROBOTS_AGE_TOLERANCE};
use crate::report::{Case, Promise, Violation};
use crate::robots_copy::{Copies, RobotsCopy};
use crate::row::{Durability, Moment, Row, standing_word};
use crate::rows::Rows;

/// Crawl-delay in microseconds that the answer of an attempt asks for, by the attempt's index.
pub(crate) type CrawlDelays = FxHashMap<usize, u64>;

type Finding = (&'static str, String, String);

/// Judges every page that was requested.
pub(crate) fn judge(
    rows: &Rows,
    copies: &Copies<'_>,
    token: &ProductToken,
) -> Result<(Case, CrawlDelays), AuditError> {
    let mut judge = Judge {
        rows,
        copies,
        token,
        index: Index::of(rows),
        reached: FxHashMap::default(),
    };
    let mut case = Case::new(Promise::Robots);
    let mut by_copy: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, row) in rows.all.iter().enumerate() {
        if row.kind == AttemptKind::Robots {
            case.count("robots_attempts", 1);
            continue;
        }
        if !row.is_request() {
            continue;
        }
        case.count("pages", 1);
        match judge.page(row)? {
            Held::Broken((rule, expected, seen)) => {
                violate(&mut case, &rows.all[at], rule, expected, seen)
            }
            Held::Unread => {
                case.count("chains_unread", 1);
                case.unknown(format!(
                    "redirects of robots.txt before {} are not archived",
                    row.seat()
                ));
            }
            Held::Free => case.count("pages_without_rules", 1),
            Held::ByRules(copy) => by_copy.entry(copy).or_default().push(at),
        }
    }
    let mut delays = CrawlDelays::default();
    for (copy, pages) in by_copy {
        judge.against(copy, &pages, &mut delays, &mut case)?;
    }
    Ok((case, delays))
}

fn violate(case: &mut Case, row: &Row, rule: &'static str, expected: String, seen: String) {
    case.violate(|| Violation {
        rule,
        seat: row.seat(),
        url: Some(row.url.to_string()),
        expected,
        seen,
    });
}

/// Robots attempts in the order they ended.
struct Index<'a> {
    /// Good answers by origin.
    good: FxHashMap<u32, Vec<usize>>,
    /// Redirects by URL.
    redirects: FxHashMap<&'a str, Vec<usize>>,
}

impl Index<'_> {
    fn of(rows: &Rows) -> Index<'_> {
        let mut order: Vec<usize> = (0..rows.all.len())
            .filter(|&at| rows.all[at].kind == AttemptKind::Robots)
            .collect();
        order.sort_by_key(|&at| rows.all[at].end.order());
        let mut index = Index {
            good: FxHashMap::default(),
            redirects: FxHashMap::default(),
        };
        for at in order {
            let row = &rows.all[at];
            if is_redirect(row) {
                index.redirects.entry(&row.url).or_default().push(at);
            } else if let Some(origin) = row.target.origin.filter(|_| is_good(row)) {
                index.good.entry(origin).or_default().push(at);
            }
        }
        index
    }
}

fn is_redirect(row: &Row) -> bool {
    row.answer
        .status
        .is_some_and(|status| (300..400).contains(&status))
}

/// Whether the answer settles what holds. One that broke off after its status may or may not.
fn is_good(row: &Row) -> bool {
    let status = row.answer.status.filter(|_| !row.answer.failed);
    status.is_some_and(|status| standing(Answer::Status(status)) != Standing::Unreachable)
}

/// What a page's robots entry comes to before any rule is read.
enum Held {
    Broken(Finding),
    /// Allowed: there are no rules.
    Free,
    /// To be held against the body of this attempt.
    ByRules(usize),
    /// The archive does not show enough.
    Unread,
}

fn broken(rule: &'static str, expected: &str, seen: String) -> Result<Held, AuditError> {
    Ok(Held::Broken((rule, expected.to_owned(), seen)))
}

struct Judge<'a> {
    rows: &'a Rows,
    copies: &'a Copies<'a>,
    token: &'a ProductToken,
    index: Index<'a>,
    /// Whether the redirects of an origin lead to the URL of an attempt; `None` when they cannot be read.
    reached: FxHashMap<(u32, usize), Option<bool>>,
}

impl Judge<'_> {
    fn page(&mut self, row: &Row) -> Result<Held, AuditError> {
        let Some(judged) = row.judged else {
            return broken("no_robots", "the robots answer in force", "none".into());
        };
        let Some(at) = judged.attempt.and_then(|id| self.rows.of_id(id)) else {
            return broken(
                "no_robots_attempt",
                "an attempt with the id named",
                "none".into(),
            );
        };
        let named = &self.rows.all[at];
        if named.kind != AttemptKind::Robots {
            return broken(
                "not_robots",
                "an attempt for robots.txt",
                named.seat().to_string(),
            );
        }
        let Some(origin) = row.target.origin else {
            return broken("no_origin", "a URL with an origin", row.url.to_string());
        };
        if named.target.origin != Some(origin) {
            match self.leads_to(origin, at, row.start)? {
                None => return Ok(Held::Unread),
                Some(true) => {}
                Some(false) => {
                    let other = named
                        .target
                        .origin
                        .map_or("none", |origin| self.rows.names.text(origin));
                    let expected = format!("robots.txt of {}", self.rows.names.text(origin));
                    return broken(
                        "other_origin",
                        &expected,
                        format!("that of {other}, {}", named.seat()),
                    );
                }
            }
        }
        if let Some((rule, expected, seen)) = self.timeliness(row, origin, named)? {
            return broken(rule, &expected, seen);
        }
        let meant = self.meaning(at, origin, row.start)?;
        if judged.standing != Some(meant) {
            let seen = judged
                .standing
                .map_or("another word", standing_word)
                .to_owned();
            return broken("standing", standing_word(meant), seen);
        }
        match meant {
            Standing::Unreachable => broken(
                "unreachable",
                "no request",
                format!("a request while {} was unreachable", named.url),
            ),
            Standing::AllowAll => Ok(Held::Free),
            Standing::Rules => Ok(Held::ByRules(at)),
        }
    }

    /// An answer holds from its end on, for a day, until a newer good one.
    fn timeliness(
        &self,
        row: &Row,
        origin: u32,
        named: &Row,
    ) -> Result<Option<Finding>, AuditError> {
        let age = row.start.since_us(named.end);
        if age < 0 {
            let (expected, seen) = ("an answer that came before", format!("{} µs later", -age));
            return Ok(Some(("judged_later", expected.into(), seen)));
        }
        if age > (FRESH_FOR + ROBOTS_AGE_TOLERANCE).as_micros() as i64 {
            let (expected, seen) = (
                "an answer of the last 24 h",
                format!("{} s old", age / 1_000_000),
            );
            return Ok(Some(("stale", expected.into(), seen)));
        }
        let newer = self.newer(row, origin, named.end)?;
        Ok(newer.map(|newer| {
            (
                "older_copy",
                format!("the answer of {}", newer.seat()),
                named.seat().to_string(),
            )
        }))
    }

    /// A good answer of the origin that is newer than the one in use and was known when the request began.
    fn newer(&self, row: &Row, origin: u32, used: Moment) -> Result<Option<&Row>, AuditError> {
        for &at in self.index.good.get(&origin).into_iter().flatten().rev() {
            let answer = &self.rows.all[at];
            if answer.end.order() <= used.order() {
                break;
            }
            let own_site = answer.target.site == row.target.site;
            let tolerance = if own_site {
                0
            } else {
                HOP_NEWS_TOLERANCE.as_micros() as i64
            };
            if row.start.since_us(answer.end) >= tolerance && !self.copies.broken_off(at)? {
                return Ok(Some(answer));
            }
        }
        Ok(None)
    }

    /// What the answer of an attempt means, from its status alone; a redirect only as the end of a chain too long.
    fn meaning(&self, at: usize, origin: u32, until: Moment) -> Result<Standing, AuditError> {
        let row = &self.rows.all[at];
        Ok(match row.answer.status {
            None => Standing::Unreachable,
            Some(_) if is_redirect(row) => {
                let (steps, _) = self.chain(origin, until)?;
                let too_many = steps.len() > REDIRECTS_MAX as usize + 1;
                standing(if too_many {
                    Answer::TooManyRedirects
                } else {
                    Answer::Unreachable
                })
            }
            Some(status) => standing(Answer::Status(status)),
        })
    }

    fn leads_to(
        &mut self,
        origin: u32,
        at: usize,
        until: Moment,
    ) -> Result<Option<bool>, AuditError> {
        if let Some(&known) = self.reached.get(&(origin, at)) {
            return Ok(known);
        }
        let (steps, whole) = self.chain(origin, until)?;
        let found = steps
            .iter()
            .any(|step| step.as_str() == &*self.rows.all[at].url);
        let answer = (found || whole).then_some(found);
        self.reached.insert((origin, at), answer);
        Ok(answer)
    }

    /// The URLs that redirects lead through from an origin's robots.txt on, the first included, and whether all of
    /// them could be read.
    fn chain(&self, origin: u32, until: Moment) -> Result<(Vec<CrawlUrl>, bool), AuditError> {
        let Ok(origin) = Origin::parse(self.rows.names.text(origin)) else {
            return Ok((Vec::new(), true));
        };
        let mut steps = vec![origin.robots_url()];
        while steps.len() <= REDIRECTS_MAX as usize + 1 {
            let here = &steps[steps.len() - 1];
            let hops = self.index.redirects.get(here.as_str());
            let latest = hops.and_then(|hops| {
                hops.iter()
                    .rev()
                    .find(|&&at| until.since_us(self.rows.all[at].end) >= 0)
            });
            let Some(&hop) = latest else {
                return Ok((steps, true));
            };
            if self.copies.places.of(hop).is_none() {
                return Ok((steps, false));
            }
            let target = self
                .copies
                .location(hop)?
                .and_then(|text| here.join(&text).ok());
            let Some(target) = target else {
                return Ok((steps, true));
            };
            steps.push(target);
        }
        Ok((steps, true))
    }

    /// Holds pages against the rules of one answer.
    fn against(
        &self,
        copy: usize,
        pages: &[usize],
        delays: &mut CrawlDelays,
        case: &mut Case,
    ) -> Result<(), AuditError> {
        let named = &self.rows.all[copy];
        let robots = match self.copies.robots(copy, self.token)? {
            RobotsCopy::Parsed(robots) => robots,
            RobotsCopy::BrokenOff => {
                for &at in pages {
                    let (expected, seen) = ("a whole answer".to_owned(), named.seat().to_string());
                    violate(case, &self.rows.all[at], "broken_off", expected, seen);
                }
                return Ok(());
            }
            RobotsCopy::Coded => {
                case.unknown(format!(
                    "the body of {} is in a coding that was not undone",
                    named.seat()
                ));
                return Ok(());
            }
            RobotsCopy::Gone => {
                case.count("pages_without_body", pages.len() as u64);
                let text = format!("the body of {} is not in the archive", named.seat());
                if named.durability == Durability::Committed {
                    case.unknown(text);
                } else {
                    case.unseen(format!("{text}: its group was undone"));
                }
                return Ok(());
            }
        };
        case.count("copies", 1);
        if let Some(delay) = robots.crawl_delay() {
            delays.insert(copy, delay.as_micros() as u64);
        }
        for &at in pages {
            let row = &self.rows.all[at];
            let Ok(url) = CrawlUrl::parse(&row.url) else {
                continue;
            };
            let verdict = robots.access(url.path_and_query());
            if verdict.access == Access::Disallow {
                let (line, rule) = (verdict.line.unwrap_or(0), verdict.rule.unwrap_or_default());
                let seen = format!("`{}` in line {line} of {}", rule.escape_debug(), named.url);
                violate(
                    case,
                    row,
                    "disallowed",
                    "a page that may be fetched".into(),
                    seen,
                );
            }
            case.count("pages_by_rules", 1);
            let told = row.judged.and_then(|judged| judged.line);
            case.count(
                "lines_differing",
                u64::from(told.is_some() && told != verdict.line),
            );
        }
        Ok(())
    }
}
