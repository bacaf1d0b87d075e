//! What keys do.
//!
//! In: a key. Out: what the program shall do; the rest changes the view itself.
//! May touch: the state of the view. Invariant: nothing ends or stops the crawl by one slip of a finger.

use orb_api::{Phase, SiteOrder};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::limits::FILTER_CHARS_MAX;
use crate::screen::{Mode, Role, Screen};

/// What the program shall do for the person at the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask the crawl at once: what is looked at has changed.
    Ask,
    /// Take the view down. The crawl goes on, in plain lines where it is this process that crawls.
    Leave,
    /// Let the crawl rest.
    Pause,
    /// Let it go on.
    Resume,
    /// Stop the crawl cleanly.
    Stop,
    /// What SIGINT would do.
    Interrupt,
    /// What SIGTSTP would do.
    Suspend,
    /// Draw every cell anew: something else wrote on the terminal.
    Redraw,
}

impl Screen {
    /// Takes a key in.
    pub fn key(&mut self, key: KeyEvent) -> Vec<Action> {
        if key.kind == KeyEventKind::Release {
            return Vec::new();
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return self.control_key(key.code);
        }
        match self.mode {
            Mode::Table => self.table_key(key.code),
            Mode::Filter => self.filter_key(key.code),
            Mode::Site => self.site_key(key.code),
            Mode::Help { .. } | Mode::Notes { .. } => self.page_key(key.code),
            Mode::AskStop => self.ask_stop_key(key.code),
            Mode::AskLeave => self.ask_leave_key(key.code),
        }
    }

    fn control_key(&mut self, code: KeyCode) -> Vec<Action> {
        match code {
            KeyCode::Char('c') => vec![Action::Interrupt],
            KeyCode::Char('z') => vec![Action::Suspend],
            KeyCode::Char('l') => vec![Action::Redraw],
            KeyCode::Char('u') if self.mode == Mode::Filter => self.filter_becomes(String::new()),
            _ => Vec::new(),
        }
    }

    fn table_key(&mut self, code: KeyCode) -> Vec<Action> {
        let page = self.choice.page.max(1) as isize;
        match code {
            KeyCode::Char('j') | KeyCode::Down => self.choose(1),
            KeyCode::Char('k') | KeyCode::Up => self.choose(-1),
            KeyCode::PageDown | KeyCode::Char(' ') => self.choose(page),
            KeyCode::PageUp => self.choose(-page),
            KeyCode::Char('g') | KeyCode::Home => self.choose(isize::MIN),
            KeyCode::Char('G') | KeyCode::End => self.choose(isize::MAX),
            KeyCode::Char('s') => return self.order_moves(1),
            KeyCode::Char('S') => return self.order_moves(SiteOrder::ALL.len() - 1),
            KeyCode::Char('/') => self.mode = Mode::Filter,
            KeyCode::Enter => return self.look_into(),
            KeyCode::Esc => return self.clear(),
            other => return self.key_of_all(other),
        }
        Vec::new()
    }

    /// Keys that mean the same over the table and over a site.
    fn key_of_all(&mut self, code: KeyCode) -> Vec<Action> {
        match code {
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => self.mode = Mode::Help { top: 0 },
            KeyCode::Char('l') => self.mode = Mode::Notes { top: usize::MAX },
            KeyCode::Char('x') => self.mode = Mode::AskStop,
            KeyCode::Char('p') => return vec![self.pause_or_resume()],
            KeyCode::Char('q') => {
                if self.role == Role::Watch {
                    return vec![Action::Leave];
                }
                self.mode = Mode::AskLeave;
            }
            _ => {}
        }
        Vec::new()
    }

    fn pause_or_resume(&self) -> Action {
        let phase = self.view.as_ref().map(|view| view.status.phase);
        if phase == Some(Phase::Paused) {
            Action::Resume
        } else {
            Action::Pause
        }
    }

    fn choose(&mut self, steps: isize) {
        let Some(last) = self.sites().len().checked_sub(1) else {
            return;
        };
        let line = match self.chosen_line() {
            Some(line) => line.saturating_add_signed(steps),
            // The first key shows the cursor where one looks first.
            None if self.choice.site.is_none() && steps.unsigned_abs() == 1 => 0,
            None => self.choice.line.saturating_add_signed(steps),
        };
        self.choice.line = line.min(last);
        self.choice.site = Some(self.sites()[self.choice.line].site.clone());
    }

    fn order_moves(&mut self, steps: usize) -> Vec<Action> {
        let all = SiteOrder::ALL;
        let now = all.iter().position(|order| *order == self.choice.order);
        self.choice.order = all[(now.unwrap_or(0) + steps) % all.len()];
        self.choice.top = 0;
        vec![Action::Ask]
    }

    fn look_into(&mut self) -> Vec<Action> {
        if self.chosen().is_none() {
            self.choice.site = None;
            self.choice.line = 0;
            self.choose(1);
        }
        if self.choice.site.is_none() {
            return Vec::new();
        }
        self.facts = None;
        self.mode = Mode::Site;
        vec![Action::Ask]
    }

    /// Esc in the table: the cursor goes first, then the filter.
    fn clear(&mut self) -> Vec<Action> {
        if self.choice.site.take().is_some() || self.choice.filter.is_empty() {
            return Vec::new();
        }
        self.filter_becomes(String::new())
    }

    fn filter_key(&mut self, code: KeyCode) -> Vec<Action> {
        match code {
            KeyCode::Esc => {
                self.mode = Mode::Table;
                self.filter_becomes(String::new())
            }
            KeyCode::Enter => {
                self.mode = Mode::Table;
                Vec::new()
            }
            KeyCode::Backspace => {
                let mut filter = self.choice.filter.clone();
                if filter.pop().is_none() {
                    self.mode = Mode::Table;
                }
                self.filter_becomes(filter)
            }
            // Names of sites are lower-case and hold no space.
            KeyCode::Char(letter) if !letter.is_control() && !letter.is_whitespace() => {
                let mut filter = self.choice.filter.clone();
                if filter.chars().count() < FILTER_CHARS_MAX {
                    filter.extend(letter.to_lowercase());
                }
                self.filter_becomes(filter)
            }
            _ => Vec::new(),
        }
    }

    fn filter_becomes(&mut self, filter: String) -> Vec<Action> {
        if filter == self.choice.filter {
            return Vec::new();
        }
        self.choice.filter = filter;
        self.choice.top = 0;
        vec![Action::Ask]
    }

    fn site_key(&mut self, code: KeyCode) -> Vec<Action> {
        match code {
            KeyCode::Esc | KeyCode::Enter | KeyCode::Backspace | KeyCode::Left => {
                self.mode = Mode::Table;
                Vec::new()
            }
            KeyCode::Char('j') | KeyCode::Down => self.neighbour(1),
            KeyCode::Char('k') | KeyCode::Up => self.neighbour(-1),
            other => self.key_of_all(other),
        }
    }

    /// Looks into the next site of the table without going back to it.
    fn neighbour(&mut self, steps: isize) -> Vec<Action> {
        let before = self.choice.site.clone();
        self.choose(steps);
        if self.choice.site == before {
            return Vec::new();
        }
        self.facts = None;
        vec![Action::Ask]
    }

    fn page_key(&mut self, code: KeyCode) -> Vec<Action> {
        let page = self.choice.page.max(1);
        let (Mode::Help { top } | Mode::Notes { top }) = &mut self.mode else {
            return Vec::new();
        };
        match code {
            KeyCode::Char('j') | KeyCode::Down => *top = top.saturating_add(1),
            KeyCode::Char('k') | KeyCode::Up => *top = top.saturating_sub(1),
            KeyCode::PageDown | KeyCode::Char(' ') => *top = top.saturating_add(page),
            KeyCode::PageUp => *top = top.saturating_sub(page),
            KeyCode::Char('g') | KeyCode::Home => *top = 0,
            KeyCode::Char('G') | KeyCode::End => *top = usize::MAX,
            KeyCode::Char('?' | 'q' | 'l' | 'h')
            | KeyCode::Esc
            | KeyCode::Enter
            | KeyCode::F(1) => {
                self.mode = Mode::Table;
            }
            _ => {}
        }
        Vec::new()
    }

    fn ask_stop_key(&mut self, code: KeyCode) -> Vec<Action> {
        match code {
            KeyCode::Char('y' | 'Y') => {
                self.mode = Mode::Table;
                vec![Action::Stop]
            }
            KeyCode::Char('n' | 'N' | 'q' | 'x') | KeyCode::Esc => {
                self.mode = Mode::Table;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn ask_leave_key(&mut self, code: KeyCode) -> Vec<Action> {
        let action = match code {
            KeyCode::Char('k' | 'K') => Some(Action::Leave),
            KeyCode::Char('s' | 'S') => Some(Action::Stop),
            KeyCode::Char('q' | 'n' | 'N') | KeyCode::Esc => None,
            _ => return Vec::new(),
        };
        self.mode = Mode::Table;
        action.into_iter().collect()
    }
}
