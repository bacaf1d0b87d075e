//! Limits of the frontier, each with its reason.

use std::time::Duration;

/// Hosts or folders remembered per site for scope; a site with more seeds than this needs scope `site`.
pub(crate) const SCOPE_MARKS_MAX: usize = 1_000;

/// Exclusion rules; each costs time for every link.
pub(crate) const URL_RULES_MAX: usize = 10_000;

/// Steps from robots.txt to a sitemap file: an index of indexes is more than sitemaps.org allows, and is seen; deeper
/// ones are loops.
pub(crate) const SITEMAP_NESTING_MAX: u16 = 3;

/// Sitemap files of a site that are fetched before it is asked whether any of them listed something.
pub(crate) const SITEMAPS_ON_TRUST: u64 = 10;

/// Domains excluded in a running crawl: each costs a hundred bytes, and a look costs the same however many there are.
pub(crate) const EXCLUDED_DOMAINS_MAX: usize = 100_000;

/// Fates looked through in one step when an exclusion was taken back: some milliseconds.
pub(crate) const READMIT_ROWS: usize = 20_000;

/// URLs brought back to their queues in one step; about a hundred kilobytes of a batch.
pub(crate) const READMITTED_AT_ONCE: usize = 1_000;

/// URLs of one site read at once, so that memory depends on due sites only. In a table too large to keep its sites warm
/// what a visit does not use rests in a file, where each takes room; a search in the store costs more than moving eight.
pub(crate) const WINDOW_ROWS: usize = 8;

/// Sites that a slot keeps in memory while they wait: small crawls never read a site twice. Some sixteen megabytes.
pub const WARM_SITES: usize = 4_096;

/// Sites of a slot that are read ahead and wait for their turn at most; beyond, those due wait on the wheel. Some
/// eight megabytes.
pub(crate) const READY_SITES_MAX: usize = 4_096;

/// Estimated bytes of a site whose row the next group stores: itself, held until that group is durable, and the row.
pub(crate) const UNWRITTEN_SITE_BYTES: usize = 768;

/// Estimated bytes of a tally that the next group stores, as it lies in a batch.
pub(crate) const UNWRITTEN_TALLY_BYTES: usize = 192;

/// Estimated bytes of a warm site: its entry in the map, name, clock, and a window of URLs.
pub(crate) const WARM_SITE_BYTES: usize = 2_048;

/// URLs of one site, queued and cut, that can be counted; beyond, its links are dropped as `full`.
pub(crate) const SITE_URLS_MAX: u64 = 1 << 31;

/// How long before a site is due its URLs are read.
pub(crate) const PREFETCH: Duration = Duration::from_secs(1);

/// Sites whose URLs are read in one helper job: amortises the hand-over, keeps a job short.
pub(crate) const LOAD_SITES_MAX: usize = 64;

/// Sites that fall due in such a span lie in one file while they rest: some ten thousand of a fast slot, a few megabytes.
pub(crate) const RESTS_SPAN: Duration = Duration::from_secs(8);

/// Sites that wait longer are not kept in files: they are few, and their files would be many.
pub(crate) const RESTS_AHEAD: Duration = Duration::from_secs(3_600);

/// Bytes gathered for such a file before they are written to it.
pub(crate) const RESTS_BUFFER_BYTES: usize = 128 << 10;

/// Bytes of resting sites that are in memory on their way to the files at most; beyond, sites are read anew.
pub(crate) const RESTS_LEAVING_BYTES_MAX: usize = 4 << 20;

/// Bytes of a slot's resting sites in files at most: ten million sites in four slots take half.
pub(crate) const RESTS_BYTES_MAX: u64 = 2 << 30;

/// Spans whose sites are in memory at once: the turn's own, and those that a head start of thirty seconds reaches.
pub(crate) const RESTS_OPEN_MAX: usize = 5;

/// Rows drained from an admitted file in one step; about a hundred kilobytes of a batch.
pub(crate) const DRAIN_ROWS_MAX: usize = 1_000;

/// A group of its share of `memory_max` is committed at once, and intake stops while the one before is not synced. The
/// largest share: more would only make one sync longer.
pub(crate) const GROUP_BYTES_MAX: usize = 32 << 20;

/// The smallest share: some ten pages a sync.
pub(crate) const GROUP_BYTES_LEAST: usize = 1 << 20;

/// Intake waits this long for a store that is behind: a merge of forty gigabytes. Beyond, the store may have failed,
/// which only a commit tells.
pub(crate) const BEHIND_WAITED_MAX: Duration = Duration::from_secs(600);

/// A busy crawl of moderate size merges at least this often, so that a found URL does not wait for ever.
pub(crate) const MERGE_INTERVAL: Duration = Duration::from_secs(10);

/// A crawl with nothing queued merges this soon after a link arrived.
pub(crate) const MERGE_INTERVAL_HUNGRY: Duration = Duration::from_millis(50);

/// One whose queued sites all rest merges this soon: links still reach the queues well within a second, and links
/// of several pages share the files and syncs of a merge.
pub(crate) const MERGE_INTERVAL_RESTING: Duration = Duration::from_millis(250);

/// Admitted rows read at once by who reads all of them: some megabytes.
pub(crate) const WALK_ROWS: usize = 10_000;

/// Rows read at once when somebody asks where a URL waits.
pub(crate) const ASK_ROWS: usize = 1_000;

/// Rows of a site that are looked through for one URL: some twenty megabytes of reading.
pub(crate) const ASK_ROWS_MAX: u64 = 100_000;

/// Disagreements that a check tells one by one; beyond, they are counted.
pub(crate) const CHECK_FINDINGS_MAX: usize = 100;

/// Bytes gathered before a frame of an exported partition is written; a batch of its import is about as large.
pub(crate) const PARTITION_FRAME_BYTES: usize = 256 << 10;

/// Bytes of one such frame at most: one gathered, and the largest value a store takes.
pub(crate) const PARTITION_FRAME_BYTES_MAX: usize = 16 << 20;

/// Rows of a partition that moved away which are deleted in one batch.
pub(crate) const CLEARED_AT_ONCE: usize = 10_000;
