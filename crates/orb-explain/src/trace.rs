//! Traces: where the time of single requests went, as a waterfall.
//!
//! In: attempt rows and commit rows, what is sought. Out: traces, the worst or newest first.
//! May touch: `index/`, reading only. Must not touch: the crawl, its logs.
//! Invariant: every request has a row, which is never dropped, so every request has a trace; memory is a few dozen rows.

use std::collections::BTreeSet;

use orb_api::{AttemptRow, CommitRow, span_id};
use serde::Serialize;

use crate::limits::{COLUMNS, TRACES_MAX};
use crate::row_search::lines_with;
use crate::sentence::is_trouble;
use crate::source::{Crawl, ExplainError, Search};
use crate::wording::{Times, cut, inert, millis};

/// Which requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceQuery {
    /// The request with this id, or whose id begins so.
    pub id: Option<String>,
    /// Of this site.
    pub site: Option<String>,
    /// Only those that ended in trouble.
    pub failed: bool,
    /// The slowest instead of the newest.
    pub slow: bool,
    /// At most so many.
    pub max: usize,
}

/// A part of a request's time, microseconds from the turn of its site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    /// What it was: `queue`, in it `robots` and `dns`, `connect`, `tls`, `first_byte`, `body`, `buffers` in it, `ours`, in
    /// it `decode`, `scan` and `archive`, `commit`.
    pub name: &'static str,
    /// When it began.
    pub from_us: u64,
    /// How long it took.
    pub took_us: u64,
    /// Its id, as log lines name it.
    pub span_id: String,
}

impl Span {
    fn new(trace_id: &str, name: &'static str, from_us: u64, took_us: u64) -> Span {
        Span {
            name,
            from_us,
            took_us,
            span_id: span_id(trace_id, name),
        }
    }
}

/// One request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trace {
    /// Slot whose file holds it.
    pub slot: u8,
    /// Its parts, in the order of their beginnings.
    pub spans: Vec<Span>,
    /// From the turn of its site until it was handled here, commit left out.
    pub total_us: u64,
    /// Its row.
    pub row: AttemptRow,
}

/// Finds traces. Cost: all rows are read, some gigabytes a minute.
///
/// # Errors
/// When a file of rows cannot be read.
pub fn traces(
    crawl: &Crawl<'_>,
    query: &TraceQuery,
    progress: &mut dyn FnMut(Search),
) -> Result<Vec<Trace>, ExplainError> {
    let mut best = Best::new(query);
    for slot in slots(crawl)? {
        let path = crawl.dir.attempts_of(slot);
        let failed = || ExplainError::rows(&path);
        let file = crawl.disk.read(&path).map_err(failed())?;
        let needle = match (&query.id, &query.site) {
            (Some(id), _) => format!("\"id\":\"{id}"),
            (None, Some(site)) => format!("\"site\":\"{site}\""),
            (None, None) => "\"id\":\"".to_owned(),
        };
        let needles = [needle.into_bytes()];
        lines_with(file.as_ref(), &needles, progress, &mut |_, line| {
            if let Ok(row) = serde_json::from_slice::<AttemptRow>(line)
                && wanted(query, &row)
            {
                best.take(Trace::of(slot, row));
            }
        })
        .map_err(failed())?;
    }
    let mut found = best.end();
    if query.id.is_some() {
        for trace in &mut found {
            trace.add_commit(crawl)?;
        }
    }
    Ok(found)
}

fn wanted(query: &TraceQuery, row: &AttemptRow) -> bool {
    let id = query.id.as_ref().is_none_or(|id| row.id.starts_with(id));
    let site = query.site.as_ref().is_none_or(|site| row.site == *site);
    id && site && (!query.failed || is_trouble(row.outcome))
}

fn slots(crawl: &Crawl<'_>) -> Result<BTreeSet<u8>, ExplainError> {
    let folder = crawl.dir.attempts();
    let entries = crawl
        .disk
        .list(&folder)
        .map_err(ExplainError::rows(&folder))?;
    let number = |name: &str| {
        let rest = name.strip_prefix("slot-")?.strip_suffix(".jsonl")?;
        rest.parse().ok()
    };
    Ok(entries
        .iter()
        .filter_map(|entry| number(&entry.name))
        .collect())
}

/// The slowest or newest traces so far.
struct Best {
    slow: bool,
    max: usize,
    found: Vec<Trace>,
}

impl Best {
    fn new(query: &TraceQuery) -> Best {
        Best {
            slow: query.slow,
            max: query.max.clamp(1, TRACES_MAX),
            found: Vec::new(),
        }
    }

    fn take(&mut self, trace: Trace) {
        self.found.push(trace);
        if self.found.len() >= self.max * 2 {
            self.prune();
        }
    }

    fn prune(&mut self) {
        let slow = self.slow;
        // Largest first; among equals the newer.
        let rank = |trace: &Trace| {
            let at = trace.row.start.wall.0;
            (if slow { trace.took_us() } else { 0 }, at)
        };
        self.found
            .sort_by_key(|trace| std::cmp::Reverse(rank(trace)));
        self.found.truncate(self.max);
    }

    fn end(mut self) -> Vec<Trace> {
        self.prune();
        self.found
    }
}

impl Trace {
    fn of(slot: u8, row: AttemptRow) -> Trace {
        let exchange = row.end.since(row.start.mono).as_micros() as u64;
        let times = row.timings.unwrap_or_default();
        let mut spans = Vec::new();
        let mut add = |name, from_us, took: Option<u64>| {
            let took_us = took.unwrap_or(0);
            if took.is_some() {
                spans.push(Span::new(&row.id, name, from_us, took_us));
            }
            from_us + took_us
        };
        let begun = add("queue", 0, Some(times.queue_us));
        let judged = add("robots", 0, times.robots_us);
        add("dns", judged, times.dns_us);
        let connected = add("connect", begun, times.connect_us);
        let secured = add("tls", connected, times.tls_us);
        let answered = add("first_byte", secured, times.first_byte_us);
        add("body", answered, times.body_us);
        let buffers = Some(times.buffer_wait_us).filter(|wait| *wait > 0);
        add("buffers", answered, buffers);
        let came = begun + exchange;
        let total_us = add("ours", came, Some(times.ours_us));
        let decoded = add("decode", came, times.decode_us);
        let scanned = add("scan", decoded, times.scan_us);
        add("archive", scanned, times.archive_us);
        Trace {
            slot,
            spans,
            total_us,
            row,
        }
    }

    /// Length of the exchange.
    fn took_us(&self) -> u64 {
        self.row.end.since(self.row.start.mono).as_micros() as u64
    }

    /// The wait until what it brought was durable, by the row of its commit group.
    fn add_commit(&mut self, crawl: &Crawl<'_>) -> Result<(), ExplainError> {
        let path = crawl.dir.commits_of(self.slot);
        let failed = || ExplainError::rows(&path);
        let file = match crawl.disk.read(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed()(error)),
        };
        let group = self.row.commit;
        let needles = [format!("\"group\":{group},").into_bytes()];
        let mut at = None;
        lines_with(file.as_ref(), &needles, &mut |_| {}, &mut |_, line| {
            let row = serde_json::from_slice::<CommitRow>(line).ok();
            at = row
                .filter(|row| row.group == group)
                .map(|row| row.at)
                .or(at);
        })
        .map_err(failed())?;
        let turn = self.row.end_wall.0 - self.exchange_end_us() as i64;
        let committed = at.and_then(|at| u64::try_from(at.0 - turn).ok());
        if let Some(took_us) = committed.and_then(|end| end.checked_sub(self.total_us)) {
            let span = Span::new(&self.row.id, "commit", self.total_us, took_us);
            self.spans.push(span);
        }
        Ok(())
    }

    fn exchange_end_us(&self) -> u64 {
        self.row.timings.unwrap_or_default().queue_us + self.took_us()
    }

    /// One line for a list.
    #[must_use]
    pub fn line(&self, times: &Times<'_>) -> String {
        let row = &self.row;
        let status = row
            .status
            .map_or_else(|| "-".to_owned(), |status| status.to_string());
        let longest = self.longest().map_or("", |span| span.name);
        format!(
            "{}  {}  {:>8} ms  {status:>3}  {:<12} {longest:<10}  {}",
            row.id,
            (times.local)(row.start.wall),
            millis(self.took_us()),
            row.outcome.name(),
            cut(&inert(&row.url), COLUMNS)
        )
    }

    /// The part of the exchange that took longest.
    #[must_use]
    pub fn longest(&self) -> Option<&Span> {
        let parts = ["connect", "tls", "first_byte", "body"];
        let of_exchange = self.spans.iter();
        let of_exchange = of_exchange.filter(|span| parts.contains(&span.name));
        of_exchange.max_by_key(|span| span.took_us)
    }

    /// The waterfall.
    #[must_use]
    pub fn page(&self, times: &Times<'_>) -> String {
        let row = &self.row;
        let status = row.status.map_or_else(
            || "no answer".to_owned(),
            |status| format!("status {status}"),
        );
        let error = row
            .error
            .as_deref()
            .map_or_else(String::new, |error| format!(", {}", inert(error)));
        let mut out = format!(
            "{}\n  {} {}: {status}, {} ({}){error}\n  {} at {}, slot {}, group {}\n",
            inert(&row.url),
            row.id,
            (times.local)(row.start.wall),
            row.outcome.name(),
            row.reason.name(),
            inert(&row.site),
            if row.has_address() {
                inert(&row.address)
            } else {
                "no address".into()
            },
            self.slot,
            row.commit
        );
        let end = self
            .spans
            .iter()
            .map(|span| span.from_us + span.took_us)
            .max();
        let scale = BAR as f64 / end.unwrap_or(0).max(1) as f64;
        for span in &self.spans {
            let from = (span.from_us as f64 * scale) as usize;
            let long = ((span.took_us as f64 * scale).ceil() as usize).min(BAR - from.min(BAR));
            let bar = format!("{}{}", " ".repeat(from), "█".repeat(long));
            let inner = ["robots", "dns", "buffers", "decode", "scan", "archive"];
            let name = if inner.contains(&span.name) {
                format!("  {}", span.name)
            } else {
                span.name.to_owned()
            };
            let line = format!("  {name:<12} {:>9} ms  {bar}", millis(span.took_us));
            out.push('\n');
            out.push_str(line.trim_end());
        }
        out
    }
}

/// Columns of the waterfall.
const BAR: usize = 60;
