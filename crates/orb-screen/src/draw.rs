//! Draws the view.
//!
//! In: the view's state, a frame of any size. Out: its cells. May touch: the frame.
//! Invariant: draws at every size without a panic, and says so where there is no room.

use orb_api::{Status, View};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use crate::figures::{self, Block};
use crate::limits::{HEIGHT_MIN, PANELS_HEIGHT_MIN, PANELS_WIDTH_MIN, WIDTH_MIN};
use crate::row::{Row, put, wrap};
use crate::screen::{Mode, Role, Screen};
use crate::{overlay, panels, site_pane, table, words};

/// Columns from which the head has room for the end too.
const HEAD_WIDTH_MIN: u16 = 60;

impl Screen {
    /// Draws the view into `frame`.
    pub fn draw(&mut self, frame: &mut Frame<'_>) {
        let area = frame.area();
        let buffer = frame.buffer_mut();
        if area.width < WIDTH_MIN || area.height < HEIGHT_MIN {
            too_small(self, buffer, area);
            return;
        }
        put(buffer, area, 0, &head(self, area.width), self.look);
        let foot = Rect::new(area.x, area.bottom() - 1, area.width, 1);
        let cursor = draw_foot(self, buffer, foot);
        let mut body = Rect::new(area.x, area.y + 1, area.width, area.height - 2);
        if let Some(line) = message(self) {
            body.height -= 1;
            let place = Rect::new(area.x, body.bottom(), area.width, 1);
            put(buffer, place, 0, &line, self.look);
        }
        self.draw_body(buffer, body);
        if let Some(column) = cursor {
            frame.set_cursor_position(Position::new(column, foot.y));
        }
    }

    fn draw_body(&mut self, buffer: &mut Buffer, body: Rect) {
        let look = self.look;
        match self.mode {
            Mode::Help { top } => {
                let lines = overlay::help(look, body.width);
                let top = overlay::page(look, "Help", &lines, top, buffer, body);
                self.choice.page = usize::from(body.height.saturating_sub(2));
                self.mode = Mode::Help { top };
            }
            Mode::Notes { top } => {
                let lines = overlay::notes(self, body.width);
                let top = overlay::page(look, "Notes", &lines, top, buffer, body);
                self.choice.page = usize::from(body.height.saturating_sub(2));
                self.mode = Mode::Notes { top };
            }
            _ => {
                let shown = draw_crawl(self, buffer, body);
                self.choice.page = shown.page;
                self.choice.top = shown.top;
            }
        }
        match self.mode {
            Mode::AskStop => overlay::question(look, &overlay::ask_stop(look), buffer, body),
            Mode::AskLeave => {
                overlay::question(look, &overlay::ask_leave(look, self.role), buffer, body);
            }
            _ => {}
        }
    }
}

/// Figures, and below them the table or a site.
fn draw_crawl(screen: &Screen, buffer: &mut Buffer, body: Rect) -> table::Shown {
    let kept = table::Shown {
        page: screen.choice.page,
        top: screen.choice.top,
    };
    let Some(view) = &screen.view else {
        let text = "waiting for the first figures of the crawl";
        put(
            buffer,
            body,
            1,
            &Row::new(screen.look).label(text).done(),
            screen.look,
        );
        return kept;
    };
    let used = draw_figures(screen, view, buffer, body);
    let rest = Rect::new(body.x, body.y + used, body.width, body.height - used);
    if screen.mode == Mode::Site {
        for (line, y) in site_pane::lines(screen, rest.width)
            .iter()
            .zip(0..rest.height)
        {
            put(buffer, rest, y, line, screen.look);
        }
        return kept;
    }
    table::draw(screen, buffer, rest)
}

/// Draws as many figures as leave room for the table; returns the lines used.
fn draw_figures(screen: &Screen, view: &View, buffer: &mut Buffer, body: Rect) -> u16 {
    let look = screen.look;
    if body.width >= PANELS_WIDTH_MIN && body.height + 2 >= PANELS_HEIGHT_MIN {
        let limits = figures::limit(look, &view.status, body.width);
        for (line, y) in limits.iter().zip(0..) {
            put(buffer, body, y, line, look);
        }
        let y = limits.len() as u16 + 1;
        let place = Rect::new(body.x, body.y + y, body.width, panels::HEIGHT);
        panels::draw(screen, view, buffer, place.intersection(body));
        return (y + panels::HEIGHT + 1).min(body.height);
    }
    // A site that is looked into has more to tell than the table, and is what one wants to read.
    let table_min = match screen.mode {
        Mode::Site => (body.height * 3 / 5).clamp(2, 24),
        _ => (body.height * 2 / 5).clamp(2, 12),
    };
    let blocks = chosen(
        figures::blocks(screen, view, body.width),
        usize::from(body.height - table_min),
    );
    let lines: Vec<Line<'static>> = blocks.into_iter().flat_map(|block| block.lines).collect();
    for (line, y) in lines.iter().zip(0..) {
        put(buffer, body, y, line, look);
    }
    lines.len() as u16
}

/// The blocks that fit into `room` lines, the less needed given up first; their order stays.
fn chosen(blocks: Vec<Block>, mut room: usize) -> Vec<Block> {
    let mut order: Vec<usize> = (0..blocks.len()).collect();
    order.sort_by_key(|place| blocks[*place].given_up);
    let mut kept = vec![false; blocks.len()];
    for place in order {
        let lines = blocks[place].lines.len();
        if lines <= room {
            room -= lines;
            kept[place] = true;
        }
    }
    let mut kept = kept.into_iter();
    blocks
        .into_iter()
        .filter(|_| kept.next().unwrap_or(false))
        .collect()
}

/// Phase and folder left, age and end right.
fn head(screen: &Screen, width: u16) -> Line<'static> {
    let look = screen.look;
    let Some(view) = &screen.view else {
        return Row::new(look).strong("orb").done();
    };
    let status = &view.status;
    let right = times(status, width);
    let left = Row::new(look)
        .add(
            format!(" {} ", words::phase(status.phase)),
            look.phase(status.phase),
        )
        .plain(" ");
    let room = usize::from(width).saturating_sub(left.width() + right.chars().count() + 2);
    let folder = tail(&look.safe(&view.folder), room, look.cut());
    let pad = room.saturating_sub(folder.chars().count());
    left.strong(folder)
        .plain(" ".repeat(pad + 2))
        .plain(right)
        .done()
}

fn times(status: &Status, width: u16) -> String {
    let elapsed = crate::elapsed(status.seconds);
    if width < HEAD_WIDTH_MIN {
        return elapsed;
    }
    format!("{elapsed}, {}", words::ending(status))
}

/// The last `width` letters of a path: its end tells more than its beginning.
fn tail(path: &str, width: usize, mark: &str) -> String {
    let letters = path.chars().count();
    if letters <= width {
        return path.to_owned();
    }
    let kept: String = path
        .chars()
        .skip(letters - width.saturating_sub(1).min(letters))
        .collect();
    if width == 0 {
        String::new()
    } else {
        format!("{mark}{kept}")
    }
}

/// The line above the foot: silence of the crawl, or the newest note.
fn message(screen: &Screen) -> Option<Line<'static>> {
    let look = screen.look;
    if let Some(why) = &screen.silent {
        return Some(Row::new(look).add(why.clone(), look.bad()).done());
    }
    let note = screen.fresh_note()?;
    Some(Row::new(look).strong(note.to_owned()).done())
}

/// Draws what keys do here; returns the column of the cursor while a filter is typed.
fn draw_foot(screen: &Screen, buffer: &mut Buffer, foot: Rect) -> Option<u16> {
    let look = screen.look;
    if screen.mode == Mode::Filter {
        let filter = look.safe(&screen.choice.filter);
        let row = Row::new(look).label("sites holding: ").strong(filter);
        let column = (row.width() as u16).min(foot.width - 1);
        let row = row.label("   Enter keep  Esc clear");
        put(buffer, foot, 0, &row.done(), look);
        return Some(foot.x + column);
    }
    let paused = screen
        .view
        .as_ref()
        .is_some_and(|view| view.status.phase == orb_api::Phase::Paused);
    let pause = if paused { "go on" } else { "pause" };
    let leave = if screen.role == Role::Crawl {
        "leave"
    } else {
        "quit"
    };
    let keys: &[(&str, &str)] = match screen.mode {
        Mode::Help { .. } | Mode::Notes { .. } => &[("j k", "move"), ("Esc", "back")],
        Mode::Site => &[
            ("Esc", "back"),
            ("j k", "next site"),
            ("p", pause),
            ("x", "stop"),
            ("?", "help"),
        ],
        Mode::AskStop | Mode::AskLeave => &[],
        _ => &[
            ("?", "help"),
            ("q", leave),
            ("p", pause),
            ("s", "order"),
            ("/", "filter"),
            ("Enter", "look into"),
            ("l", "notes"),
            ("x", "stop"),
        ],
    };
    let mut row = Row::new(look);
    for (key, does) in keys {
        row = row
            .gap()
            .strong((*key).to_owned())
            .label(format!(" {does}"));
    }
    put(buffer, foot, 0, &row.done(), look);
    None
}

/// Where there is no room: the few figures that fit, and why there are no more.
fn too_small(screen: &Screen, buffer: &mut Buffer, area: Rect) {
    let look = screen.look;
    let mut lines = Vec::new();
    if let Some(view) = &screen.view {
        let status = &view.status;
        lines.push(
            Row::new(look)
                .strong(words::phase(status.phase))
                .plain(format!(" {}", crate::elapsed(status.seconds))),
        );
        lines.push(Row::new(look).pair("pages", crate::count(status.pages)));
        lines.push(Row::new(look).pair("pending", crate::count(status.states.pending)));
    }
    let need = format!("too small: needs {WIDTH_MIN}x{HEIGHT_MIN}");
    let need = wrap(&need, usize::from(area.width));
    lines.truncate(usize::from(area.height).saturating_sub(need.len()));
    lines.extend(need.into_iter().map(|text| Row::new(look).label(text)));
    for (line, y) in lines.into_iter().zip(0..) {
        put(buffer, area, y, &line.done(), look);
    }
}
