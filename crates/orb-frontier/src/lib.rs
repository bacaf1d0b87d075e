//! Which URL next: the sieve, site queues, the site table and budgets of one slot.
//!
//! In: found URLs, finished visits, the current instant (arguments).
//! Out: the next site and URL, jobs for helpers, rows for the next commit group.
//! May touch: the slot's store and sieve files, through jobs. Must not touch: sockets, robots.txt, the archive.
//! Invariant: every admitted URL is in exactly one state, and the books say so in every committed group.
//!
//! Start reading at [`Frontier`].

mod admitted;
mod asking;
mod budgets;
mod check;
mod claims;
mod codec;
mod config;
mod excluding;
mod exclusions;
mod found;
mod frontier;
mod intake;
mod limits;
mod open;
mod partition;
mod readmitting;
mod recrawl;
mod restore;
mod rests;
pub mod rows;
mod scope;
mod shares;
mod sieve;
mod site_row;
mod sitemaps;
mod sites;
mod snapshot;
mod telling;
mod wanted;
mod weigh;
mod window;
mod wishes;

pub use admitted::{DrainJob, Drained, Undrained};
pub use asking::{QueuedAt, UrlLook, UrlLooked, Waits};
pub use budgets::{BudgetBounds, BudgetLook, Budgets, CutCause, Verdict, Yield};
pub use check::{SlotCheck, SlotState, check_slot};
pub use claims::{Claim, Claimed, Word};
pub use codec::DecodeError;
pub use config::FrontierConfig;
pub use exclusions::{Excluded, Exclusion, Exclusions, Reach};
pub use found::{Found, How};
pub use frontier::{Frontier, FrontierSetup, GroupTail, Settled, Visit};
pub use limits::WARM_SITES;
pub use open::{FrontierError, each_site, each_tally};
pub use partition::{
    MoveError, PartitionEnd, PartitionHead, check_partition, drop_partition, half_imported,
    judge_partition, partition_head, read_partition, write_partition,
};
pub use readmitting::{ReadmitJob, Readmitted, TakenBack};
pub use recrawl::{History, RecrawlConfig};
pub use restore::restore_cold;
pub use rows::QueueRow;
pub use scope::{RuleError, Scope, ScopeMarks, UrlRules};
pub use shares::MemoryShares;
pub use sieve::{
    Admitted, AdmittedRows, MergeJob, Merged, PartitionKeys, RunList, RunsChecked, Sieve,
    SieveError, SieveKey, SieveLook, SieveMemory, check_runs, export_partition, read_admitted,
    remove_admitted, write_run_of,
};
pub use site_row::{LaneStarts, SiteRow, StoredSite, Tally};
pub use sitemaps::{SiteMaps, SitemapsConfig};
pub use sites::{Importance, Queued, SiteId};
pub use snapshot::{AdmittedFile, SeedsEnd, SlotSnapshot};
pub use telling::{SiteCounts, SiteState, WarmState};
pub use wanted::{Cause, Wanted};
pub use weigh::Weighed;
pub use window::{LoadJob, Loaded};
pub use wishes::{PRIORITY_MAX, SiteWish, SiteWishes};
