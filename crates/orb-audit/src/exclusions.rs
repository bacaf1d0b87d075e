//! Promise `exclusions`: nothing that an operator excluded, or whose owner opted out, is requested later than a second
//! after the order.
//!
//! In: the book of orders, attempt rows. Out: the verdict.
//! May touch: the book, reading. Must not touch: what the engine made of the orders.
//! Invariant: the orders are read as they stand in the file; an exclusion holds from its line to the line that takes
//! it back.
//!
//! Orders carry wall time alone, so a clock that is set back by more than the tolerance can hide a breach or make one up.

use std::collections::BTreeMap;

use orb_api::{Act, AttemptKind, CrawlDir, Order};
use orb_env::Disk;
use orb_frontier::{Excluded, UrlRules};
use orb_url::CrawlUrl;

use crate::AuditError;
use crate::limits::EXCLUSION_GRACE;
use crate::report::{Case, Promise, Violation};
use crate::rows::Rows;

/// When something was excluded, wall microseconds, and by which order.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: i64,
    to: i64,
    order: u64,
}

/// Everything that was ever excluded.
#[derive(Default)]
struct Spans {
    domains: BTreeMap<String, Vec<Span>>,
    patterns: Vec<(UrlRules, Span)>,
}

impl Spans {
    fn read(text: &str) -> Spans {
        let orders: Vec<Order> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok()) // a torn line is no order
            .collect();
        let mut undone = BTreeMap::new();
        for order in &orders {
            if let Act::Undo { undoes } = order.act {
                undone.entry(undoes).or_insert(order.at_us);
            }
        }
        let mut spans = Spans::default();
        for order in &orders {
            let (Act::Exclude { what } | Act::OptOut { what }) = &order.act else {
                continue;
            };
            let grace = EXCLUSION_GRACE.as_micros() as i64;
            let span = Span {
                from: order.at_us.saturating_add(grace),
                to: undone.get(&order.order).copied().unwrap_or(i64::MAX),
                order: order.order,
            };
            spans.add(what, span);
        }
        spans
    }

    fn add(&mut self, what: &str, span: Span) {
        match Excluded::read(what) {
            Ok(Excluded::Domain(domain)) => {
                let domain = domain.into_string();
                self.domains.entry(domain).or_default().push(span);
            }
            Ok(Excluded::Pattern(line)) => {
                let mut rules = UrlRules::default();
                if rules.add(&line).is_ok() {
                    self.patterns.push((rules, span));
                }
            }
            Err(_) => {} // a later version may know what it means
        }
    }

    /// The order that forbids `url` at `at`; a pattern says nothing of robots.txt.
    fn forbidding(&self, url: &CrawlUrl, page: bool, at: i64) -> Option<u64> {
        let holds = |span: &Span| (span.from..span.to).contains(&at);
        let mut host = Some(url.host());
        while let Some(name) = host {
            let spans = self.domains.get(name).map_or(&[][..], Vec::as_slice);
            if let Some(span) = spans.iter().find(|span| holds(span)) {
                return Some(span.order);
            }
            host = name.split_once('.').map(|(_, rest)| rest);
        }
        let mut patterns = self.patterns.iter().filter(|_| page);
        let span = patterns.find(|(rules, span)| holds(span) && rules.stop(url));
        span.map(|(_, span)| span.order)
    }
}

/// Judges every request that was made.
pub(crate) fn judge(disk: &dyn Disk, dir: &CrawlDir, rows: &Rows) -> Result<Case, AuditError> {
    let mut case = Case::new(Promise::Exclusions);
    let path = dir.orders();
    let text = match disk.read_all(&path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(AuditError::disk(&path)(error)),
    };
    let spans = Spans::read(&text);
    let orders = spans.domains.values().map(Vec::len).sum::<usize>() + spans.patterns.len();
    case.count("exclusions", orders as u64);
    if orders == 0 {
        return Ok(case);
    }
    for row in rows.all.iter().filter(|row| row.is_request()) {
        let Ok(url) = CrawlUrl::parse(&row.url) else {
            continue; // told as a strange row elsewhere
        };
        case.count("requests", 1);
        let page = row.kind == AttemptKind::Page;
        if let Some(order) = spans.forbidding(&url, page, row.start.wall.0) {
            case.violate(|| Violation {
                rule: "asked_after_exclusion",
                seat: row.seat(),
                url: Some(row.url.to_string()),
                expected: format!("no request {EXCLUSION_GRACE:?} after order {order}"),
                seen: format!("one at {} µs", row.start.wall.0),
            });
        }
    }
    Ok(case)
}
