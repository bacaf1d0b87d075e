//! Words that programs and people read: outcomes, states, rows of the attempt log, summaries, folders.
//!
//! In: nothing. Out: types with one text form each, shared by the crawl, the audit and the program.
//! May touch: nothing. Must not touch: how any of it comes about.
//! Invariant: the lists are closed and their text forms and codes never change meaning.

mod attempt;
mod books;
mod bytes;
mod causes;
mod facts;
mod layout;
mod meters;
mod numerals;
mod order;
mod outcome;
mod span;
mod status;
mod view;

pub use attempt::{
    ArchivePlace, AttemptKind, AttemptRow, AttemptTimings, CommitRow, RobotsInForce, SameText,
    TextFacts,
};
pub use books::{Books, Sightings, States};
pub use bytes::{ByteSize, ByteSizeError, byte_count};
pub use causes::with_causes;
pub use facts::{
    CutFacts, FateFacts, FoundFacts, QueueFacts, RobotsFacts, ScopeFacts, SieveFacts, SiteFacts,
    SitePhase, SiteSteering, UrlFacts,
};
pub use layout::{CrawlDir, FORMAT_VERSION};
pub use meters::{Latencies, Meters};
pub use numerals::count;
pub use order::{Act, Effect, Order, OrderReply, OrderWish, is_steering, plain_words};
pub use outcome::{Outcome, Reason, UrlState};
pub use span::span_id;
pub use status::{Bounds, Limiting, Phase, SitemapCounts, Status, Summary, Uploads};
pub use view::{SiteLine, SiteOrder, Stage, StageUse, View, ViewQuery};
