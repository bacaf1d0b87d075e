//! Limits of the pipeline, each with its reason.

use std::time::Duration;

/// Bytes of a group that a date from a sitemap counts for: key and row.
pub(crate) const CLAIM_BYTES: usize = 32;

/// A request that takes longer is slow and makes room for another: most servers answer within this time, a resolver's
/// second try included.
pub(crate) const SLOW_AFTER: Duration = Duration::from_secs(2);

/// How long a group gathers before it is committed: bounds what a kill costs, and amortises the syncs.
pub(crate) const GROUP_INTERVAL: Duration = Duration::from_millis(250);

/// The same when the slot has nothing else to do and others wait for what the group holds: found links reach the
/// queues within a second.
pub(crate) const GROUP_INTERVAL_HUNGRY: Duration = Duration::from_millis(20);

/// Largest buffer of archive bytes that a slot keeps from one group to the next: a quarter of a second of one core's
/// fetching fits, and with two groups under way a slot has several times this in flight anyway.
pub(crate) const SEGMENT_SPARE_BYTES_MAX: usize = 8 << 20;

/// Journal bytes absorbed in one step: about a thousand links.
pub(crate) const ABSORB_BYTES: usize = 256 << 10;

/// Seed bytes absorbed in one step.
pub(crate) const SEED_BYTES: usize = 256 << 10;

/// How long another slot may take to answer a robots hop before it counts as unreachable.
pub(crate) const HOP_TIMEOUT: Duration = Duration::from_secs(60);

/// Robots hops that may wait in a shard's inbox; one more counts as unreachable.
pub(crate) const HOPS_WAITING_MAX: usize = 1_024;

/// Questions to the address clocks that may wait, per shard; no shard has more out.
pub(crate) const QUESTIONS_PER_SHARD: usize = 4_096;

/// Memory of parsed robots.txt copies per slot; older ones are read again from the store.
pub(crate) const ROBOTS_BYTES_MAX: usize = 16 << 20;

/// Header fields with preferences about a page's use that are kept with it: each vocabulary needs one.
pub(crate) const USAGE_FIELDS_MAX: usize = 16;

/// Longest such field that is kept; a longer one is left out whole, because half a preference could say the opposite.
pub(crate) const USAGE_FIELD_BYTES_MAX: usize = 1_024;

/// About what one index takes in memory while it is made: sorted lines and rows, a row group, a record.
pub(crate) const INDEX_MEMORY_BYTES: u64 = 64 << 20;

/// Bytes of a coded body that are decoded to see what it is: what tells a feed from a page stands in its first lines, and
/// decoding is most of what an index costs.
pub(crate) const SNIFFED_BYTES: usize = 768;

/// Size at which segments of zstd frames are closed until a dictionary is known: enough to see what the records of a crawl
/// have in common, little to have written without it.
pub(crate) const FIRST_SEGMENT_BYTES: u64 = 64 << 20;

/// Bytes that a dictionary is made from: about a second of work, and seventy times what it will hold.
pub(crate) const SAMPLE_BYTES_MAX: usize = 8 << 20;

/// Bytes of one of them: what pages have in common stands at their beginning.
pub(crate) const SAMPLE_EACH_MAX: usize = 8 << 10;

/// Fewest of them; fewer say more of themselves than of what comes.
pub(crate) const SAMPLES_MIN: usize = 300;

/// Captures of one URL that are listed of one WARC file; whoever has more wants the CDXJ.
pub const CAPTURES_MAX: usize = 100_000;

/// Payloads shorter than this are archived each time: a revisit record would be as long.
pub(crate) const REVISIT_BYTES_MIN: usize = 256;

/// Links remembered per slot to drop repeats before the journal; a power of two.
pub(crate) const RECENT_LINKS: usize = 1 << 16;

/// Groups of one slot that may fail in a row before the crawl ends.
pub(crate) const GROUP_FAILURES_MAX: u32 = 5;

/// Pause before a slot whose group failed is opened again.
pub(crate) const REOPEN_PAUSE: Duration = Duration::from_secs(1);

/// How often the coordinator looks at the slots, the disk and memory.
pub(crate) const COORDINATOR_INTERVAL: Duration = Duration::from_millis(200);

/// How long requests in flight may take to end after a stop; later the stop counts as unclean.
pub(crate) const STOP_GRACE: Duration = Duration::from_secs(30);

/// How often one page may end the process before it is given up.
pub(crate) const POISON_TIMES: u8 = 2;

/// URLs of one site judged in one step before the others have their turn.
pub(crate) const JUDGED_PER_VISIT: usize = 64;

/// Bytes of the file that names the page being read, before it starts anew.
pub(crate) const READING_BYTES_MAX: u64 = 1 << 20;

/// Pages handled before sockets and timers are served again.
pub(crate) const EVENTS_PER_TURN: usize = 4;

/// Share of its time that a shard works from which its core counts as busy; above it waits grow without bound.
pub(crate) const BUSY_SHARE: f64 = 0.85;

/// Share of the operator's cap on a rate from which the cap is what limits: waits between requests are whole.
pub(crate) const RATE_SHARE: f64 = 0.9;

/// A site that is due waits longer than this for its turn only when something is in the way.
pub(crate) const LATE_WAITS: Duration = Duration::from_millis(250);

/// And longer than this, with room and a core, only when its URLs are not read in time.
pub(crate) const LATE_BEHIND: Duration = Duration::from_millis(1_500);

/// Looks of the coordinator between two looks at the disk's room, the threads and the pace: one second.
pub(crate) const LOOKS_PER_SECOND: u64 = 5;

/// Counts remembered for the pace: a minute's, one a second.
pub(crate) const PACE_SAMPLES: usize = 61;

/// Seconds of counts before an end is named.
pub(crate) const PACE_SECONDS_MIN: f64 = 5.0;

/// New URLs for each settled one above which a crawl still grows.
pub(crate) const STILL_GROWING_SHARE: f64 = 0.05;

/// Measuring the folder may take this share of one core's time: a folder of many segments is measured less often.
pub(crate) const FOLDER_COST_MAX: f64 = 0.005;

/// Memory of one slot for pages whose text may come again (`archive.text_marks`): some twenty thousand.
pub(crate) const SAME_TEXT_BYTES_MAX: usize = 4 << 20;

/// Sites remembered per slot for a watcher: sixty-four bytes each, a quarter of a megabyte.
pub(crate) const VISITED_SITES: usize = 4_096;

/// Sites in one view; no screen has more lines.
pub(crate) const SITES_SHOWN: u16 = 200;

/// Robots copies in the facts of one site; few sites have more origins, and each may hold a rule of two kilobytes.
pub(crate) const ORIGINS_SHOWN: usize = 100;

/// Questions that may wait for one shard; a few people look, each with one question at a time.
pub(crate) const QUESTIONS_WAITING_MAX: usize = 64;

/// Orders that a crawl keeps: operators give dozens; a list of a hundred thousand opt-outs fits.
pub(crate) const ORDERS_MAX: usize = 200_000;

/// Wait for what an order would do before it is given all the same: a look into a store takes milliseconds, and an
/// exclusion is to hold within a second.
pub(crate) const FORESIGHT_MAX: Duration = Duration::from_millis(300);

/// Orders in the book from which on seeds are refused, so that they do not use up what exclusions need: some 500,000 seeds
/// came by order then, and a file of them is read faster at a start.
pub(crate) const SEED_ORDERS_MAX: usize = 10_000;

/// Seeds of one order: with the longest URLs some two megabytes, mostly some tens of kilobytes.
pub(crate) const SEEDS_PER_ORDER_MAX: usize = 1_000;

/// Orders whose effect on a shard is remembered until it is asked for.
pub(crate) const EFFECTS_KEPT: usize = 64;

/// Memory of a store that is opened to be asked, not to be worked on: a block cache that holds what one question
/// reads.
pub(crate) const STOPPED_STORE_BYTES: u64 = 64 << 20;

/// One of so many turns of a shard's loop is timed stage by stage. The thread's CPU clock is a system call of 0.4
/// microseconds and is read about sixteen times for a page: a microsecond a page, of several hundred.
pub(crate) const TURNS_PER_TIMED: u64 = 8;

/// Size from which a segment of zstd frames without a dictionary is closed once one is known: large enough to be worth a
/// file, and what follows is smaller by a good part.
pub(crate) const LEFT_SEGMENT_BYTES: u64 = 8 << 20;

/// Seeds of a list that are named in each WARC file: what a person types, not what a list of domains holds.
pub(crate) const SEEDS_NAMED_MAX: u64 = 100;

/// Bytes of such names: each WARC file of a gigabyte begins with them.
pub(crate) const SEEDS_NAMED_BYTES_MAX: usize = 16 << 10;

/// Different lists of seeds that a folder tells of; further ones are taken in all the same.
pub(crate) const SEED_LISTS_MAX: usize = 100;

/// Longest row of attempts or commits: a URL has 2,048 bytes and nothing else in a row is long. What goes on for longer
/// is no row.
pub(crate) const ROW_BYTES_MAX: usize = 256 << 10;

/// Bytes of rows that are read at once when a folder is opened.
pub(crate) const ROWS_READ_BYTES: usize = 256 << 10;

/// Pause before an upload that failed is tried again; it doubles. The store's client has already repeated each request.
pub(crate) const UPLOAD_RETRY_FIRST: Duration = Duration::from_secs(1);

/// The longest such pause: a store that was away for hours is noticed within a minute.
pub(crate) const UPLOAD_RETRY_LONGEST: Duration = Duration::from_secs(60);

/// How long a crawl that is done waits for a store that takes nothing: longer than a server's restart, shorter than
/// anybody's patience. What waits then stays, and `orb archive upload` brings it.
pub(crate) const UPLOAD_PATIENCE: Duration = Duration::from_secs(300);

/// Sites whose last exchange is remembered to hold pauses against it: some two megabytes in each shard.
pub(crate) const WATCHED_SITES_MAX: usize = 65_536;

/// A request that took as long as this is told of in the log: nobody waits so long for a page.
pub(crate) const SLOW_REQUEST_MIN: Duration = Duration::from_secs(5);

/// Lines about single requests that a shard writes at once; beyond, one a second: at 400 bytes each a week of them is
/// bounded by the size of the log, and what else it tells stays for hours.
pub(crate) const REQUEST_LINES_BURST: u32 = 60;

/// A step of the wall clock that is told of: slewing is slower, and a leap second is less.
pub(crate) const CLOCK_JUMP_MIN: Duration = Duration::from_secs(2);

/// Requests, or URLs queued, of a minute from which on a share of them says something.
pub(crate) const SHARE_MIN: u64 = 100;
