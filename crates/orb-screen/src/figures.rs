//! The figures of a crawl, line by line: what both arrangements of the view are made of.
//!
//! In: the view's state. Out: lines. May touch: nothing.
//! Invariant: a figure that is not known is called so, never shown as 0.

use orb_api::{Reason, Status, View};
use ratatui::style::Style;
use ratatui::text::Line;

use crate::look::Look;
use crate::numbers::{bytes, count, percent, rate, share, sum};
use crate::row::{LABEL_WIDTH, Row, wrap};
use crate::screen::Screen;
use crate::words;

/// Columns that a gauge with its figures takes.
const GAUGE_COLUMN_MIN: u16 = 40;

/// Shards whose load is told one by one; more would fill the line.
const SHARDS_TOLD_MAX: usize = 4;

/// A block of lines that stays together, and how soon it is given up where lines are few: 0 last.
pub(crate) struct Block {
    pub(crate) given_up: u8,
    pub(crate) lines: Vec<Line<'static>>,
}

/// Every block, from the top, for `width` columns.
pub(crate) fn blocks(screen: &Screen, view: &View, width: u16) -> Vec<Block> {
    let look = screen.look;
    let status = &view.status;
    let (pages, wire) = speed(screen, status);
    let block = |given_up, lines: Vec<Line<'static>>| Block { given_up, lines };
    let all = vec![
        block(0, vec![charted(pages, screen, width, |bar| bar.pages)]),
        block(4, vec![charted(wire, screen, width, |bar| bar.bytes)]),
        block(1, limit(look, status, width)),
        block(2, flow(look, "URLs", balance(look, status), width, 2)),
        block(8, flow(look, "excluded", excluded(look, status), width, 1)),
        block(
            5,
            flow(look, "attempts", named(look, &status.outcomes), width, 1),
        ),
        block(6, flow(look, "reasons", reasons(look, status), width, 1)),
        block(3, flow(look, "sites", sites(look, status), width, 1)),
        block(3, gauges(look, status, width)),
        block(7, flow(look, "CPU", processor(screen, view), width, 1)),
        block(9, flow(look, "stages", stages(look, view), width, 1)),
        block(
            10,
            flow(
                look,
                "not taken",
                named(look, &status.sightings.0),
                width,
                1,
            ),
        ),
    ];
    all.into_iter()
        .filter(|block| !block.lines.is_empty())
        .collect()
}

/// Pages and bytes a second, without their charts.
pub(crate) fn speed(screen: &Screen, status: &Status) -> (Row, Row) {
    let look = screen.look;
    let now = screen.history.now();
    let mean = |amount: u64| (status.seconds > 0.0).then(|| amount as f64 / status.seconds);
    let row = |label: &str, now: Option<String>, mean: Option<String>| {
        Row::headed(look, label)
            .strong(format!("{:>9}", now.unwrap_or_else(|| "-".into())))
            .label(" now ")
            .plain(format!("{:>9}", mean.unwrap_or_else(|| "-".into())))
            .label(" mean  ")
    };
    let in_bytes = |rate: f64| bytes(rate.max(0.0) as u64);
    (
        row(
            "pages/s",
            now.map(|now| rate(now.pages)),
            mean(status.pages).map(rate),
        ),
        row(
            "bytes/s",
            now.map(|now| in_bytes(now.bytes)),
            mean(status.bytes_wire).map(in_bytes),
        ),
    )
}

fn charted(
    row: Row,
    screen: &Screen,
    width: u16,
    of: fn(&crate::history::Amounts) -> f64,
) -> Line<'static> {
    let room = usize::from(width.min(crate::limits::CHART_WIDTH_MAX)).saturating_sub(row.width());
    let bars = screen.history.bars(room, of);
    row.chart(&bars).done()
}

/// What limits the crawl, over as many lines as it takes.
pub(crate) fn limit(look: Look, status: &Status, width: u16) -> Vec<Line<'static>> {
    let room = usize::from(width).saturating_sub(LABEL_WIDTH);
    let lines = wrap(&words::limit(status), room);
    let row = |(number, text): (usize, String)| {
        let label = if number == 0 { "limited by" } else { "" };
        Row::headed(look, label).plain(text).done()
    };
    lines.into_iter().enumerate().map(row).collect()
}

/// `discovered = pending + …` as parts that stay together.
fn balance(look: Look, status: &Status) -> Vec<Row> {
    let states = &status.states;
    let excluded = sum(states.excluded.values());
    let part = |sign: &str, number: u64, name: &str| {
        Row::new(look)
            .label(sign.to_owned())
            .plain(count(number))
            .label(format!(" {name}"))
    };
    vec![
        part("", status.discovered, "discovered"),
        part("= ", states.pending, "pending"),
        part("+ ", states.in_flight, "in flight"),
        part("+ ", states.done, "done"),
        part("+ ", states.failed, "failed"),
        part("+ ", excluded, "excluded"),
    ]
}

fn excluded(look: Look, status: &Status) -> Vec<Row> {
    let reasons = status.states.excluded.iter();
    reasons
        .map(|(reason, number)| Row::new(look).pair(reason.name(), count(*number)))
        .collect()
}

fn named(look: Look, counts: &std::collections::BTreeMap<String, u64>) -> Vec<Row> {
    largest_first(counts)
        .into_iter()
        .map(|(name, number)| Row::new(look).pair(&look.safe(name), count(number)))
        .collect()
}

/// Counts with names, the largest first, names breaking ties.
pub(crate) fn largest_first(
    counts: &std::collections::BTreeMap<String, u64>,
) -> Vec<(&String, u64)> {
    let mut all: Vec<(&String, u64)> = counts.iter().map(|(name, count)| (name, *count)).collect();
    all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    all
}

fn reasons(look: Look, status: &Status) -> Vec<Row> {
    largest_first(&status.reasons)
        .into_iter()
        .map(|(name, number)| {
            Row::new(look)
                .label(format!("{} ", look.safe(name)))
                .add(count(number), reason_style(look, name))
        })
        .collect()
}

/// Trouble stands out; what was refused by rule is as it should be.
pub(crate) fn reason_style(look: Look, name: &str) -> Style {
    let by_rule = Reason::ALL
        .iter()
        .any(|reason| reason.name() == name && reason.code() < Reason::TooManyRequests.code());
    if by_rule { look.plain() } else { look.bad() }
}

fn sites(look: Look, status: &Status) -> Vec<Row> {
    let part = |number: u64, name: &str| {
        Row::new(look)
            .plain(count(number))
            .label(format!(" {name}"))
    };
    let parked = if status.sites_parked > 0 {
        Row::new(look)
            .add(count(status.sites_parked), look.bad())
            .label(" parked")
    } else {
        part(0, "parked")
    };
    vec![
        part(status.sites, "known"),
        part(status.sites_active, "active"),
        part(status.sites_waiting, "waiting"),
        parked,
    ]
}

/// Gauges of everything that has a cap, in columns.
fn gauges(look: Look, status: &Status, width: u16) -> Vec<Line<'static>> {
    let columns = (width / GAUGE_COLUMN_MIN).max(1);
    let column = usize::from(width / columns);
    let caps = caps(status);
    let beside = caps.chunks(usize::from(columns));
    beside
        .map(|caps| {
            let mut line = Line::default();
            for (place, cap) in caps.iter().enumerate() {
                let begin = place * column;
                let pad = begin.saturating_sub(line.width());
                line.push_span(" ".repeat(pad));
                line.spans.extend(cap.row(look, 7).done().spans);
            }
            line
        })
        .collect()
}

/// Something that may be used up.
pub(crate) struct Cap {
    name: &'static str,
    used: String,
    of: String,
    /// `None` when there is no cap.
    share: Option<f64>,
}

impl Cap {
    pub(crate) fn row(&self, look: Look, gauge_width: u16) -> Row {
        let row = Row::headed(look, self.name);
        let row = match self.share {
            Some(share) => row.gauge(share, gauge_width),
            None => row,
        };
        row.plain(self.used.clone()).label(self.of.clone())
    }
}

/// Memory, disk, requests in flight, and whatever limit ends the crawl.
pub(crate) fn caps(status: &Status) -> Vec<Cap> {
    let bounds = &status.bounds;
    let sized = |name, used: u64, max: u64, text: fn(u64) -> String, without: String| Cap {
        name,
        used: text(used),
        of: if max == 0 {
            without
        } else {
            format!(" of {}", text(max))
        },
        share: (max > 0).then(|| share(used, max)),
    };
    let mut all = vec![
        sized(
            "memory",
            status.rss_bytes,
            bounds.memory_max_bytes,
            bytes,
            ", no cap".into(),
        ),
        sized(
            "disk",
            bounds.disk_used_bytes,
            bounds.disk_max_bytes,
            bytes,
            format!(", {} free", bytes(bounds.disk_free_bytes)),
        ),
        sized(
            "in flight",
            status.states.in_flight,
            bounds.in_flight_max,
            count,
            String::new(),
        ),
    ];
    let limits = [
        (
            "max pages",
            bounds.pages_in_all,
            bounds.pages_max,
            count as fn(u64) -> String,
        ),
        ("max bytes", bounds.bytes_received, bounds.bytes_max, bytes),
        (
            "max time",
            status.seconds as u64,
            bounds.duration_max_seconds,
            |seconds| crate::elapsed(seconds as f64),
        ),
    ];
    for (name, used, max, text) in limits {
        if max > 0 {
            all.push(sized(name, used, max, text, String::new()));
        }
    }
    all
}

/// Processor time now, what it brings, and how busy each shard is.
pub(crate) fn processor(screen: &Screen, view: &View) -> Vec<Row> {
    let look = screen.look;
    let status = &view.status;
    let now = screen.history.now().map(|now| percent(now.cpu_seconds));
    let mut parts = vec![
        Row::new(look)
            .plain(now.unwrap_or_else(|| "-".into()))
            .label(" of a core"),
    ];
    if status.cpu_seconds > 0.0 {
        let pages = status.pages as f64 / status.cpu_seconds;
        parts.push(
            Row::new(look)
                .plain(rate(pages))
                .label(" pages a CPU second"),
        );
    }
    if !view.shards_busy.is_empty() {
        parts.push(
            Row::new(look)
                .label("shards busy ")
                .plain(shards(&view.shards_busy)),
        );
    }
    parts
}

/// How busy the shards are: each, or the least and the most of many.
fn shards(busy: &[f64]) -> String {
    if busy.len() <= SHARDS_TOLD_MAX {
        let each: Vec<String> = busy.iter().map(|busy| percent(*busy)).collect();
        return each.join(" ");
    }
    let mean = busy.iter().sum::<f64>() / busy.len() as f64;
    let least = busy.iter().copied().fold(f64::INFINITY, f64::min);
    let most = busy.iter().copied().fold(0.0, f64::max);
    format!(
        "{} of {}, from {} to {}",
        percent(mean),
        busy.len(),
        percent(least),
        percent(most)
    )
}

/// Shares of the CPU time by stage; nothing when none was counted.
pub(crate) fn stage_shares(view: &View) -> Vec<(&'static str, f64)> {
    let sum: f64 = view.stages.values().map(|used| used.cpu_seconds).sum();
    if !sum.is_finite() || sum <= 0.0 {
        return Vec::new();
    }
    view.stages
        .iter()
        .map(|(stage, used)| (stage.name(), used.cpu_seconds / sum))
        .collect()
}

fn stages(look: Look, view: &View) -> Vec<Row> {
    let mut shares = stage_shares(view);
    shares.sort_by(|one, other| other.1.total_cmp(&one.1));
    shares
        .into_iter()
        .map(|(name, share)| Row::new(look).pair(name, percent(share)))
        .collect()
}

/// Parts set side by side after a label, broken between parts, over at most `lines_max` lines.
pub(crate) fn flow(
    look: Look,
    label: &str,
    parts: Vec<Row>,
    width: u16,
    lines_max: usize,
) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = Vec::new();
    for part in parts {
        let part = part.done();
        let room = lines.last().map_or(0, |line| {
            usize::from(width).saturating_sub(line.width() + 2)
        });
        let last = lines.len() == lines_max;
        match lines.last_mut() {
            // What does not fit into the last line is cut there, with a mark that says so.
            Some(line) if part.width() <= room || last => {
                line.push_span("  ");
                line.spans.extend(part.spans);
            }
            _ => {
                let label = if lines.is_empty() { label } else { "" };
                let mut line = Row::headed(look, label).done();
                line.spans.extend(part.spans);
                lines.push(line);
            }
        }
    }
    lines
}
