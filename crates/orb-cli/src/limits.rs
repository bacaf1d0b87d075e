//! Limits of the program, each with its reason.

use std::time::Duration;

/// Bytes of one line of a seeds file. URLs end at 2,048; the rest is room for ranks, comments and white space.
pub(crate) const SEED_LINE_BYTES_MAX: usize = 16 * 1024;

/// Bad lines of the seeds that are shown one by one; the rest is counted. More would hide what matters.
pub(crate) const BAD_SEEDS_SHOWN_MAX: u64 = 10;

/// How often the thread that tells a service manager looks at the crawl: it is ready within a moment of being so.
pub(crate) const SUPERVISOR_LOOK_EVERY: Duration = Duration::from_millis(250);

/// How long a crawl that ended by itself waits for who reads its metrics regularly: Prometheus comes each 15 seconds, or each
/// minute.
pub(crate) const LAST_SCRAPE_MAX: Duration = Duration::from_secs(60);

/// How often it looks whether they came.
pub(crate) const LAST_SCRAPE_LOOK_EVERY: Duration = Duration::from_millis(100);

/// Bytes of one log file before a new one is begun.
pub(crate) const LOG_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Full log files kept beside the current one: with it, 80 MiB tell of the last hours of a busy crawl.
pub(crate) const LOG_FILES_KEPT: u32 = 4;

/// Bytes of one line of the log: the longest URL twice, escaped, and words beside it.
pub(crate) const LOG_LINE_BYTES_MAX: usize = 32 * 1024;

/// Pause between two progress lines.
pub(crate) const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// Bytes of a settings or rules file: far above any that a person writes.
pub(crate) const TEXT_FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Bytes of a page given to `orb read` as a file: the decoded-body cap of a crawl.
pub(crate) const PAGE_FILE_BYTES_MAX: u64 = 50 * 1024 * 1024;

/// Bytes of a page that `orb bench page` reads: single manuals on one page would decide a mean of hundreds.
pub(crate) const BENCH_PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes of records that `orb bench archive` writes and syncs at once: about a quarter of a second of one core's fetching.
pub(crate) const BENCH_GROUP_BYTES: usize = 4 << 20;

/// Bytes of a record that `orb bench archive` makes a dictionary from, as a crawl does.
pub(crate) const BENCH_SAMPLE_BYTES: usize = 8 << 10;

/// Files the program has open beside sockets: stores, archives, journals and logs of 64 slots.
pub(crate) const FILES_BESIDE_SOCKETS: u64 = 1_024;

/// Fewest requests in flight at once in a shard before the program refuses to start for lack of descriptors.
pub(crate) const IN_FLIGHT_MIN: u64 = 8;

/// Longest wait for a child's synthetic web to come up.
pub(crate) const WEB_START_MAX: Duration = Duration::from_secs(30);

/// How long the demo crawls at most. Its last sites ask for pauses of seconds, and nobody wants to watch those.
pub(crate) const DEMO_DURATION_MAX: Duration = Duration::from_secs(25);

/// A search through fewer bytes of rows is over before anybody wonders.
pub(crate) const SEARCH_SHOWN_BYTES_MIN: u64 = 1_000_000_000;

/// Redirect hops of robots.txt that are followed (RFC 9309, 2.3.1.2).
pub(crate) const ROBOTS_REDIRECTS_MAX: usize = 5;

/// Seeds of a run under profile own-site, held in memory to see whose sites they are: far more pages than anybody
/// lists of a site that is crawled by its links.
pub(crate) const OWN_SEEDS_MAX: usize = 10_000;

/// Bytes that a probe of the disk writes at most: above any controller's cache of a small machine, gone in a moment.
pub(crate) const DISK_PROBE_BYTES_MAX: u64 = 64 << 20;

/// How long a probe of the disk writes at most, and then syncs at most.
pub(crate) const DISK_PROBE_TIME_MAX: Duration = Duration::from_millis(1_500);

/// Small appends whose sync is timed: enough for a median.
pub(crate) const DISK_PROBE_SYNCS: usize = 15;

/// Pages of a crawl that measures costs: a second of one core.
pub(crate) const CALIBRATION_PAGES: u64 = 3_000;

/// How long a crawl that measures costs may take: whatever it has by then will do.
pub(crate) const CALIBRATION_RUN_MAX: Duration = Duration::from_secs(4);

/// Bytes of attempt rows that a plan reads of each slot: some hundred thousand rows, a second of reading.
pub(crate) const ATTEMPT_BYTES_READ_MAX: u64 = 64 << 20;

/// How long `orb doctor` waits for a DNS server: as long as a crawl does for one answer.
pub(crate) const DOCTOR_DNS_MAX: Duration = Duration::from_secs(3);

/// How long `orb doctor` waits for a program of the system to tell something.
pub(crate) const DOCTOR_CHILD_MAX: Duration = Duration::from_secs(2);

/// Pause between two looks of a live view at its crawl: fast enough to feel alive, slow enough to cost nothing.
pub(crate) const VIEW_EVERY: Duration = Duration::from_millis(500);

/// How often the thread that reads keys looks whether it shall end: nobody notices the wait at the end of a crawl.
pub(crate) const KEYS_LOOK_UP_EVERY: Duration = Duration::from_millis(200);

/// Keys and replies that wait for the live view; it takes them all between two pictures.
pub(crate) const HAPPENINGS_MAX: usize = 64;

/// Wishes of the person at the keys that wait for the crawl's answer to an earlier one.
pub(crate) const ERRANDS_MAX: usize = 16;

/// Pause between two looks whether a crawl that was watched has left its folder.
pub(crate) const ENDING_LOOK_EVERY: Duration = Duration::from_millis(100);

/// Looks until a watcher gives up waiting for that: writing the last state takes a second or two.
pub(crate) const ENDING_LOOKS_MAX: u32 = 100;

/// How long the live view waits after it asked to be suspended: by then the signal has reached every thread.
pub(crate) const SUSPENDED_MIN: Duration = Duration::from_millis(200);

/// Seeds of one order: with the longest URLs they stay within a request on the control socket.
pub(crate) const SEEDS_AT_ONCE: usize = 100;
