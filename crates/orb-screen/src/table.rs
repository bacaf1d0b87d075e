//! The table of sites.
//!
//! In: sites as the crawl listed them, the choice. Out: cells. May touch: the buffer, the first line shown.
//! Invariant: the chosen line is in sight; the column that orders the table is shown before all others.

use orb_api::{SiteLine, SiteOrder, SitePhase};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;

use crate::look::Look;
use crate::numbers::{short, span};
use crate::panels::heading;
use crate::row::{Row, cut, put};
use crate::screen::Screen;
use crate::words;

/// A column: its head, its width, how soon it is given up (0 last), and its text.
struct Column {
    head: &'static str,
    width: u16,
    given_up: u8,
    left: bool,
    orders: Option<SiteOrder>,
    text: fn(&SiteLine) -> String,
}

const SITE_WIDTH_MIN: u16 = 18;
const SITE_WIDTH_MAX: u16 = 48;

const COLUMNS: [Column; 9] = [
    column("STATE", 8, 1, true, None, |line| {
        words::site_phase(line.phase).into()
    }),
    column("PENDING", 8, 3, false, Some(SiteOrder::Pending), |line| {
        short(line.pending)
    }),
    column("REQUESTS", 8, 7, false, Some(SiteOrder::Busy), |line| {
        short(line.requests)
    }),
    column("PAGES", 8, 5, false, None, |line| short(line.pages)),
    column("TROUBLE", 7, 4, false, Some(SiteOrder::Failing), |line| {
        short(line.troubles)
    }),
    column("MEAN", 7, 6, false, Some(SiteOrder::Slow), |line| {
        span(line.mean_ms)
    }),
    column("PAUSE", 7, 9, false, None, |line| {
        span(line.delay_ms as f64)
    }),
    column("NEXT", 7, 8, false, None, |line| {
        words::next(line.phase, line.next_in_ms)
    }),
    column("LAST", 16, 2, true, None, words::last),
];

const fn column(
    head: &'static str,
    width: u16,
    given_up: u8,
    left: bool,
    orders: Option<SiteOrder>,
    text: fn(&SiteLine) -> String,
) -> Column {
    Column {
        head,
        width,
        given_up,
        left,
        orders,
        text,
    }
}

/// Which columns there is room for, and how wide the name and the last column become.
struct Arrangement {
    shown: Vec<&'static Column>,
    site_width: u16,
    last_width: u16,
}

fn arrange(width: u16, order: SiteOrder) -> Arrangement {
    let mut by_worth: Vec<&'static Column> = COLUMNS.iter().collect();
    let orders = |column: &Column| column.orders == Some(order);
    by_worth.sort_by_key(|column| if orders(column) { 0 } else { column.given_up });
    let mut used = SITE_WIDTH_MIN;
    let mut heads = Vec::new();
    for column in by_worth {
        if used + 1 + column.width <= width {
            used += 1 + column.width;
            heads.push(column.head);
        }
    }
    let spare = width.saturating_sub(used);
    let site_extra = spare.min(SITE_WIDTH_MAX - SITE_WIDTH_MIN);
    Arrangement {
        shown: COLUMNS
            .iter()
            .filter(|column| heads.contains(&column.head))
            .collect(),
        site_width: SITE_WIDTH_MIN.min(width) + site_extra,
        last_width: 16 + spare - site_extra,
    }
}

/// What was shown, for the keys that come next.
pub(crate) struct Shown {
    pub(crate) page: usize,
    pub(crate) top: usize,
}

/// Draws heading, heads and as many sites as there are lines.
pub(crate) fn draw(screen: &Screen, buffer: &mut Buffer, area: Rect) -> Shown {
    let look = screen.look;
    put(buffer, area, 0, &title(screen, area.width), look);
    let arrangement = arrange(area.width, screen.choice.order);
    put(
        buffer,
        area,
        1,
        &heads(look, &arrangement, screen.choice.order),
        look,
    );
    let lines = usize::from(area.height.saturating_sub(2));
    let shown = Shown {
        page: lines,
        top: top(screen, lines),
    };
    if screen.sites().is_empty() {
        put(buffer, area, 2, &nothing(screen), look);
    }
    let chosen = screen.chosen_line();
    let sites = screen
        .sites()
        .iter()
        .enumerate()
        .skip(shown.top)
        .take(lines);
    for ((number, line), y) in sites.zip(2..) {
        put(buffer, area, y, &row(look, &arrangement, line), look);
        if chosen == Some(number) {
            let place = Rect::new(area.x, area.y + y, area.width, 1).intersection(area);
            buffer.set_style(place, look.chosen());
        }
    }
    shown
}

fn title(screen: &Screen, width: u16) -> Line<'static> {
    let choice = &screen.choice;
    let listed = screen.sites().len();
    let mut name = format!("Sites {}, {listed} listed", words::order(choice.order));
    if !choice.filter.is_empty() {
        name.push_str(&format!(
            ", holding \"{}\"",
            screen.look.safe(&choice.filter)
        ));
    }
    heading(screen.look, &name, width)
}

fn heads(look: Look, arrangement: &Arrangement, order: SiteOrder) -> Line<'static> {
    let style = |ordered: bool| -> Style {
        if ordered {
            look.strong().add_modifier(Modifier::UNDERLINED)
        } else {
            look.label()
        }
    };
    let site_width = usize::from(arrangement.site_width);
    let mut row = Row::new(look).add("SITE", style(order == SiteOrder::Name));
    row = row.plain(" ".repeat(site_width.saturating_sub(4)));
    for column in &arrangement.shown {
        let width = usize::from(column.width);
        let pad = " ".repeat(width.saturating_sub(column.head.len()));
        let head = style(column.orders == Some(order));
        row = if column.left {
            row.plain(" ").add(column.head, head).plain(pad)
        } else {
            row.plain(format!(" {pad}")).add(column.head, head)
        };
    }
    row.done()
}

fn row(look: Look, arrangement: &Arrangement, line: &SiteLine) -> Line<'static> {
    let site_width = usize::from(arrangement.site_width);
    let name = cut(look, &look.safe(&line.site), site_width);
    let mut row = Row::new(look).plain(format!("{name:<site_width$}"));
    for column in &arrangement.shown {
        let width = usize::from(if column.head == "LAST" {
            arrangement.last_width
        } else {
            column.width
        });
        let text = cut(look, &(column.text)(line), width);
        let text = if column.left {
            format!(" {text:<width$}")
        } else {
            format!(" {text:>width$}")
        };
        row = row.add(text, style(look, column, line));
    }
    row.done()
}

fn style(look: Look, column: &Column, line: &SiteLine) -> Style {
    match column.head {
        "STATE" if line.phase == SitePhase::Visiting => look.good(),
        "STATE" if line.phase == SitePhase::Parked => look.bad(),
        "TROUBLE" if line.troubles > 0 => look.bad(),
        "LAST" => look.label(),
        _ => look.plain(),
    }
}

/// First line shown: as before, unless the chosen one would be out of sight.
fn top(screen: &Screen, lines: usize) -> usize {
    let last_top = screen.sites().len().saturating_sub(lines);
    let top = screen.choice.top.min(last_top);
    match screen.chosen_line() {
        Some(line) if line < top => line,
        Some(line) if line >= top + lines.max(1) => line + 1 - lines.max(1),
        _ => top,
    }
}

fn nothing(screen: &Screen) -> Line<'static> {
    let text = if screen.choice.filter.is_empty() {
        "no site yet"
    } else {
        "no site's name holds this; Esc clears the filter"
    };
    Row::new(screen.look).label(text).done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ordering_column_is_always_there_and_lines_fill_the_width() {
        for width in 40..=200 {
            for order in SiteOrder::ALL {
                let arrangement = arrange(width, order);
                let heads: Vec<&str> = arrangement.shown.iter().map(|column| column.head).collect();
                let wanted = COLUMNS.iter().find(|column| column.orders == Some(order));
                assert!(
                    wanted.is_none_or(|wanted| heads.contains(&wanted.head)),
                    "{width} {order:?}: {heads:?}"
                );
                let used: u16 = arrangement
                    .shown
                    .iter()
                    .map(|column| 1 + column.width)
                    .sum();
                assert!(used + arrangement.site_width <= width, "{width} {order:?}");
            }
        }
        assert_eq!(arrange(200, SiteOrder::Busy).shown.len(), COLUMNS.len());
    }
}
