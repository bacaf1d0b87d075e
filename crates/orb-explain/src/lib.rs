//! Explains: why a URL is where it is, and whether a slow site is slow or we are.
//!
//! In: facts of a crawl through [`FactSource`], running or not; its attempt rows and archive, read here.
//! Out: an [`Explanation`] or a [`SiteReport`], as values and as text for a terminal.
//! May touch: the crawl's folder, reading only. Must not touch: stores, sockets, the crawl itself.
//! Invariant: what is said follows from a fact that is shown with it; what cannot be known is said to be so.
//!
//! Read `explain` for one URL and `site_report` for one site; `verdict` holds the closed list of fates.

mod attempts;
mod chain;
mod clocks;
mod cut;
mod explain;
mod explanation;
mod given;
pub mod limits;
mod page;
mod record;
mod row_search;
mod rules;
mod sentence;
mod site_page;
mod site_report;
mod site_rows;
mod source;
mod spread;
mod trace;
mod trace_log;
mod verdict;
mod whose_time;
mod wording;

pub use attempts::{AttemptsSeen, Durability, SeenRow};
pub use chain::{ChainEnd, Discovery, Step};
pub use clocks::{Clocks, DelayCause};
pub use explain::explain;
pub use explanation::{ArchivePlaceShown, AttemptLine, Explanation, RedirectStep, StateShown};
pub use given::{Given, GivenError, understand_site, understand_url};
pub use record::{Glance, glance};
pub use rules::{RuleLine, Ruling};
pub use site_report::{SiteReport, inspect};
pub use site_rows::{FailingUrls, SiteTally, SlowPage};
pub use source::{Crawl, ExplainError, FactError, FactSource, Search};
pub use spread::Spread;
pub use trace::{Span, Trace, TraceQuery, traces};
pub use trace_log::{LogLine, log_lines, log_words};
pub use verdict::{Verdict, VerdictKind};
pub use whose_time::{Bar, Part, PartTime, Whose, WhoseTime};
pub use wording::Times;
