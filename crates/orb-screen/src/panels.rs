//! The figures on a large terminal: four panels side by side.
//!
//! In: the view's state. Out: cells. May touch: the buffer it is given.
//! Invariant: says the same as the lines of a small terminal, with charts of several lines and every reason.

use orb_api::{Status, View};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::figures::{self, caps, largest_first, reason_style, stage_shares};
use crate::history::Amounts;
use crate::look::Look;
use crate::numbers::{bytes, count, percent, share, sum};
use crate::row::{Row, chart, put};
use crate::screen::Screen;

/// Lines of the panels, their headings included.
pub(crate) const HEIGHT: u16 = 16;

/// Lines of each chart.
const CHART_HEIGHT: usize = 4;

/// Draws all four.
pub(crate) fn draw(screen: &Screen, view: &View, buffer: &mut Buffer, area: Rect) {
    let gap = 2;
    let width = (area.width.saturating_sub(3 * gap)) / 4;
    let look = screen.look;
    let panels: [(&str, Vec<Line<'static>>); 4] = [
        ("Speed", speed(screen, view, width)),
        ("URLs", urls(look, &view.status)),
        ("Attempts and sites", attempts(look, &view.status, width)),
        ("Machine", machine(screen, view, width)),
    ];
    for (place, (name, lines)) in panels.into_iter().enumerate() {
        let x = area.x + place as u16 * (width + gap);
        let panel = Rect::new(x, area.y, width, area.height).intersection(area);
        put(buffer, panel, 0, &heading(look, name, width), look);
        for (number, line) in (1..).zip(&lines) {
            put(buffer, panel, number, line, look);
        }
    }
}

/// A name with a rule after it.
pub(crate) fn heading(look: Look, name: &str, width: u16) -> Line<'static> {
    let row = Row::new(look).strong(name.to_owned()).plain(" ");
    let rest = usize::from(width).saturating_sub(row.width());
    row.label(look.rule().to_string().repeat(rest)).done()
}

fn speed(screen: &Screen, view: &View, width: u16) -> Vec<Line<'static>> {
    let status = &view.status;
    let (pages, wire) = figures::speed(screen, status);
    let mut lines = vec![pages.done()];
    lines.extend(tall_chart(screen, width, |bar| bar.pages));
    lines.push(wire.done());
    lines.extend(tall_chart(screen, width, |bar| bar.bytes));
    let total = |label: &str, number: String, unit: &str| {
        Row::headed(screen.look, label)
            .plain(format!("{number:>9}"))
            .label(format!(" {unit}"))
            .done()
    };
    lines.push(total("pages", count(status.pages), "in this run"));
    lines.push(total("requests", count(status.requests), "of any kind"));
    lines.push(total("bytes", bytes(status.bytes_wire), "on the wire"));
    lines.push(total("archived", bytes(status.bytes_archived), "to disk"));
    lines
}

fn tall_chart(screen: &Screen, width: u16, of: fn(&Amounts) -> f64) -> Vec<Line<'static>> {
    let bars = screen.history.bars(usize::from(width), of);
    chart(screen.look, &bars, CHART_HEIGHT)
        .into_iter()
        .map(|text| Row::new(screen.look).add(text, screen.look.good()).done())
        .collect()
}

fn urls(look: Look, status: &Status) -> Vec<Line<'static>> {
    let states = &status.states;
    let excluded = sum(states.excluded.values());
    let part = |sign: &str, name: &str, number: u64| {
        Row::new(look)
            .label(format!("{sign:<2}{name:<18}"))
            .plain(format!("{:>14}", count(number)))
            .done()
    };
    let mut lines = vec![
        part("", "discovered", status.discovered),
        part("=", "pending", states.pending),
        part("+", "in flight", states.in_flight),
        part("+", "done", states.done),
        part("+", "failed", states.failed),
        part("+", "excluded", excluded),
    ];
    for (reason, number) in &states.excluded {
        lines.push(part("", &format!("  {reason}"), *number));
    }
    if !status.sightings.0.is_empty() {
        lines.push(Row::new(look).label("links not taken").done());
    }
    for (cause, number) in largest_first(&status.sightings.0) {
        lines.push(part("", &format!("  {}", look.safe(cause)), number));
    }
    lines
}

fn attempts(look: Look, status: &Status, width: u16) -> Vec<Line<'static>> {
    let bar_width = width.saturating_sub(34).min(30);
    let all = sum(status.outcomes.values());
    let counted = |name: &str, number: u64, style: Style| {
        Row::new(look)
            .label(format!("{:<18}", look.safe(name)))
            .add(format!("{:>12}", count(number)), style)
    };
    let mut lines: Vec<Line<'static>> = largest_first(&status.outcomes)
        .into_iter()
        .map(|(name, number)| {
            let part = share(number, all);
            let (full, _) = look.gauge();
            let filled = (part * f64::from(bar_width)).round() as usize;
            counted(name, number, look.plain())
                .plain("  ")
                .label(full.to_string().repeat(filled))
                .done()
        })
        .collect();
    if !status.reasons.is_empty() {
        lines.push(Row::new(look).label("reasons").done());
    }
    for (name, number) in largest_first(&status.reasons).into_iter().take(5) {
        let style = reason_style(look, name);
        lines.push(counted(&format!("  {name}"), number, style).done());
    }
    // The sites close the panel, whatever stands above.
    let room = usize::from(HEIGHT) - 1 - 4;
    lines.truncate(room);
    for (name, number) in [
        ("sites known", status.sites),
        ("sites active", status.sites_active),
        ("sites waiting", status.sites_waiting),
        ("sites parked", status.sites_parked),
    ] {
        let style = if name == "sites parked" && number > 0 {
            look.bad()
        } else {
            look.plain()
        };
        lines.push(counted(name, number, style).done());
    }
    lines
}

fn machine(screen: &Screen, view: &View, width: u16) -> Vec<Line<'static>> {
    let look = screen.look;
    let mut lines: Vec<Line<'static>> = caps(&view.status)
        .iter()
        .map(|cap| cap.row(look, 12).done())
        .collect();
    lines.extend(figures::flow(
        look,
        "CPU",
        figures::processor(screen, view),
        width,
        3,
    ));
    let room = usize::from(HEIGHT - 1).saturating_sub(lines.len());
    let mut shares = stage_shares(view);
    if shares.len() > room {
        shares.sort_by(|one, other| other.1.total_cmp(&one.1));
    }
    for (name, part) in shares.into_iter().take(room) {
        let (full, _) = look.gauge();
        let bar_width = f64::from(width.saturating_sub(19));
        let filled = (part.clamp(0.0, 1.0) * bar_width).round() as usize;
        lines.push(
            Row::headed(look, name)
                .plain(format!("{:>5} ", percent(part)))
                .label(full.to_string().repeat(filled))
                .done(),
        );
    }
    lines
}
