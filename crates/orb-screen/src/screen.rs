//! What the view knows: the last view of the crawl, its recent past, and what the person at the keys chose.
//!
//! In: views, facts of a site, notes. Out: what to ask for next. May touch: nothing.
//! Invariant: bounded whatever comes in; the choice of a site follows its name, not its line.

use std::collections::VecDeque;

use orb_api::{SiteFacts, SiteLine, SiteOrder, View, ViewQuery};

use crate::history::History;
use crate::limits::{NOTE_CHARS_MAX, NOTE_SECONDS, NOTES_MAX, SITES_MAX};
use crate::look::Look;

/// Whose view it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// That of the process that crawls: leaving it asks what becomes of the crawl.
    Crawl,
    /// That of a watcher: leaving it changes nothing.
    Watch,
}

/// What lies over the table, or takes the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Table,
    /// The filter is being typed.
    Filter,
    /// A site is looked into.
    Site,
    Help {
        top: usize,
    },
    Notes {
        top: usize,
    },
    /// "Stop the crawl?"
    AskStop,
    /// "Plain lines, or stop?"
    AskLeave,
}

/// What was chosen in the table of sites.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    pub(crate) order: SiteOrder,
    pub(crate) filter: String,
    /// The chosen site, once a key chose one.
    pub(crate) site: Option<String>,
    /// Its line when it was last seen, for when it is gone from the list.
    pub(crate) line: usize,
    /// First line shown.
    pub(crate) top: usize,
    /// Lines shown at the last drawing: how far a page goes.
    pub(crate) page: usize,
}

/// Notes and warnings that came while the view was up.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) kept: VecDeque<String>,
    /// Those pushed out.
    pub(crate) lost: u64,
    /// Age of the run when the newest came.
    since: f64,
}

/// The view of one crawl.
#[derive(Debug)]
pub struct Screen {
    pub(crate) look: Look,
    pub(crate) role: Role,
    pub(crate) mode: Mode,
    pub(crate) view: Option<View>,
    pub(crate) history: History,
    pub(crate) choice: Choice,
    pub(crate) notes: Notes,
    /// What is known about the site that is looked into.
    pub(crate) facts: Option<SiteFacts>,
    /// Set while the crawl does not answer.
    pub(crate) silent: Option<String>,
}

impl Screen {
    /// A view that has seen nothing yet.
    #[must_use]
    pub fn new(role: Role, look: Look) -> Screen {
        Screen {
            look,
            role,
            mode: Mode::Table,
            view: None,
            history: History::default(),
            choice: Choice::default(),
            notes: Notes::default(),
            facts: None,
            silent: None,
        }
    }

    /// Takes in how the crawl stands.
    pub fn take(&mut self, view: View) {
        self.history.take(&view.status);
        self.silent = None;
        self.view = Some(view);
        if let Some(line) = self.chosen_line() {
            self.choice.line = line;
        }
    }

    /// Takes in what is known about the site of [`Screen::site_wanted`]; facts of another are left aside.
    pub fn take_site(&mut self, facts: SiteFacts) {
        if self.site_wanted() == Some(facts.site.as_str()) {
            self.facts = Some(facts);
        }
    }

    /// The crawl does not answer, and why. The last view stays up until one comes.
    pub fn take_silence(&mut self, why: &str) {
        self.silent = Some(self.look.safe(why));
    }

    /// A note or warning for the message line.
    pub fn take_note(&mut self, text: &str) {
        let text: String = text.chars().take(NOTE_CHARS_MAX).collect();
        if self.notes.kept.len() == NOTES_MAX {
            self.notes.kept.pop_front();
            self.notes.lost += 1;
        }
        self.notes.kept.push_back(self.look.safe(text.trim_end()));
        self.notes.since = self.seconds();
    }

    /// What to ask the crawl for.
    #[must_use]
    pub fn query(&self) -> ViewQuery {
        ViewQuery {
            order: self.choice.order,
            filter: self.choice.filter.clone(),
            sites_max: SITES_MAX,
        }
    }

    /// The site whose facts are looked at.
    #[must_use]
    pub fn site_wanted(&self) -> Option<&str> {
        match self.mode {
            Mode::Site => self.choice.site.as_deref(),
            _ => None,
        }
    }

    fn seconds(&self) -> f64 {
        self.view.as_ref().map_or(0.0, |view| view.status.seconds)
    }

    /// The newest note, while it is new.
    pub(crate) fn fresh_note(&self) -> Option<&str> {
        let age = self.seconds() - self.notes.since;
        let newest = self.notes.kept.back()?;
        (age < NOTE_SECONDS).then_some(newest)
    }

    /// Sites as the crawl listed them.
    pub(crate) fn sites(&self) -> &[SiteLine] {
        self.view.as_ref().map_or(&[], |view| &view.sites)
    }

    /// Line of the chosen site, if it is in the list.
    pub(crate) fn chosen_line(&self) -> Option<usize> {
        let chosen = self.choice.site.as_deref()?;
        self.sites().iter().position(|line| line.site == chosen)
    }

    /// What the list says of the chosen site.
    pub(crate) fn chosen(&self) -> Option<&SiteLine> {
        self.sites().get(self.chosen_line()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_api::Status;

    fn screen() -> Screen {
        Screen::new(
            Role::Watch,
            Look {
                colour: false,
                unicode: false,
            },
        )
    }

    #[test]
    fn notes_are_bounded_harmless_and_grow_old() {
        let mut screen = screen();
        for number in 0..NOTES_MAX + 3 {
            screen.take_note(&format!("note {number}\u{1b}[2J\n"));
        }
        assert_eq!((screen.notes.kept.len(), screen.notes.lost), (NOTES_MAX, 3));
        assert_eq!(screen.fresh_note(), Some("note 202\\u{1b}[2J"));
        let status = Status {
            seconds: NOTE_SECONDS,
            ..Status::default()
        };
        screen.take(View {
            status,
            ..View::default()
        });
        assert_eq!(screen.fresh_note(), None);
        screen.take_note(&"x".repeat(1_000_000));
        assert_eq!(screen.fresh_note().map(str::len), Some(NOTE_CHARS_MAX));
    }

    #[test]
    fn silence_ends_with_the_next_view() {
        let mut screen = screen();
        screen.take_silence("no answer");
        assert!(screen.silent.is_some());
        screen.take(View::default());
        assert!(screen.silent.is_none());
    }
}
