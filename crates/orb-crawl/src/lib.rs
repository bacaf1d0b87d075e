//! The pipeline: joins the engines into a crawl.
//!
//! In: settings, seeds, a world (clock, entropy, network, disk, stores). Out: a crawl's folder, a summary.
//! May touch: every engine and ground crate. Must not touch: settings files, the terminal.
//! Invariant: a URL changes state only with the commit of the group that holds its record and its links.
//!
//! Read `shard` for the loop, `visits` and `fetched` for the life of a URL, `group` for what becomes durable when.

mod again;
mod answers;
mod archive;
mod board;
mod bringing;
mod brought;
mod config;
mod control;
mod coordinator;
mod copies;
mod desk;
mod dictionary;
mod earlier;
mod errand;
mod error;
mod event;
mod facts;
mod fetched;
mod files;
mod foresight;
mod group;
mod heeding;
mod history;
mod identity;
mod index;
mod limiting;
mod limits;
mod moving;
mod opening;
mod orders;
mod pace;
mod page;
mod pulse;
mod questions;
mod recent;
mod reports;
mod revisits;
mod robots;
mod robots_facts;
mod room;
mod run;
mod same_texts;
mod seed_lists;
mod seeds;
mod shard;
mod shared;
mod site_lines;
mod sitemaps;
mod slot;
mod stages;
mod steady;
mod steering;
mod stopped;
mod stopped_uploads;
mod tally;
mod under_way;
mod unresolved;
mod uploads;
mod verdict;
mod visited;
mod visits;
mod watch;
mod whole_rows;
mod world;

pub use config::{
    ArchiveCompression, ArchiveConfig, ConfigError, CrawlConfig, IdentityConfig, Keep,
    LimitsConfig, StoreVerify,
};
pub use control::{Control, Wish};
pub use error::{CrawlError, FailureKind};
pub use files::{FileEnds, SegmentEnd};
pub use history::{Capture, captures_in};
pub use identity::{CrawlIdentity, RunSettings};
pub use index::{IndexError, MergedLines, index_place, index_warc};
pub use limits::CAPTURES_MAX;
pub use moving::{StateError, StoredCrawl, export_head};
pub use opening::{CrawlSetup, OpenCrawl, open};
pub use orders::{OrderBook, OrderError, Prepared};
pub use questions::QuestionError;
pub use run::{CrawlEnd, EndReason};
pub use seed_lists::SeedList;
pub use stopped::{StoppedCrawl, read_status};
pub use stopped_uploads::{StoppedUploads, UploadSum, fetch_segments, segments_away};
pub use world::World;
