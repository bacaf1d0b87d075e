//! The live terminal view of a crawl: what it shows, and what its keys mean.
//!
//! In: views of a crawl, notes, keys, the size of the terminal. Out: cells to draw, wishes of the person at the keys.
//! May touch: its own state. Must not touch: terminals, sockets, clocks, the environment; the only time it knows is
//! the age of the run, which comes with each view.
//! Invariant: no view, key or size makes it panic, and no text from outside steers the terminal.

mod draw;
mod figures;
mod history;
mod keys;
pub mod limits;
mod look;
mod meanings;
mod numbers;
mod overlay;
mod panels;
mod row;
mod screen;
mod site_pane;
mod table;
mod words;

pub use keys::Action;
pub use look::Look;
pub use meanings::{MEANINGS, Meaning};
pub use numbers::{bytes, count, elapsed, harmless};
pub use ratatui;
pub use screen::{Role, Screen};
