//! Limits of the view, each with its reason.

/// Columns below which nothing useful can be said in a line.
pub const WIDTH_MIN: u16 = 40;

/// Lines below which figures and keys do not fit together.
pub const HEIGHT_MIN: u16 = 8;

/// Columns from which figures stand in panels side by side.
pub const PANELS_WIDTH_MIN: u16 = 150;

/// Lines from which panels leave room for a table worth the name.
pub const PANELS_HEIGHT_MIN: u16 = 36;

/// Seconds of history kept for the little charts: the widest terminals have about that many columns.
pub const BARS_MAX: usize = 512;

/// Seconds over which "now" is measured: shorter flickers, longer lags behind what one sees.
pub const NOW_SECONDS: f64 = 5.0;

/// Notes kept to be read in the view and printed after it; older ones are counted, the log file has them all.
pub const NOTES_MAX: usize = 200;

/// Letters of one note that are kept: a few lines of any terminal.
pub const NOTE_CHARS_MAX: usize = 1_000;

/// Letters of a filter: longer than any part of a name that a person types.
pub const FILTER_CHARS_MAX: usize = 64;

/// Sites asked for: as many as a crawl gives, several screens of any terminal.
pub const SITES_MAX: u16 = 200;

/// Seconds for which the newest note stays in the message line.
pub const NOTE_SECONDS: f64 = 15.0;

/// Widest a little chart gets: wider ones say no more.
pub const CHART_WIDTH_MAX: u16 = 120;
