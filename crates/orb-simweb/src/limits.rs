//! Limits of the synthetic web, each with its reason.

/// Bytes of one request head. The crawler's own heads stay below 2 KiB (URL) plus a dozen fields.
pub(crate) const REQUEST_HEAD_BYTES_MAX: usize = 16 * 1024;

/// Fields of one request head, for the same reason.
pub(crate) const REQUEST_FIELDS_MAX: usize = 64;

/// Bytes of one page. Stays below the crawler's default body cap of 10 MiB, so that sizes alone never
/// make a page count as cut.
pub(crate) const PAGE_BYTES_MAX: u64 = 8_000_000;

/// Pages of one site. Sites beyond twenty times the mean would make small webs lopsided.
pub(crate) const PAGES_OVER_MEAN_MAX: u32 = 20;

/// URLs of one sitemap file: small enough that an ordinary web also has sitemap indexes.
pub(crate) const SITEMAP_URLS_MAX: u32 = 1_000;

/// Pages whose failed attempts are remembered. Beyond it a page that would recover answers at once, which
/// leaves its final state as it was.
pub(crate) const ATTEMPTS_REMEMBERED_MAX: usize = 65_536;

/// Addresses of one web: each takes two listening sockets in the real server.
pub(crate) const ADDRESSES_MAX: u32 = 4_096;

/// Sites of one web: host names carry six digits.
pub(crate) const SITES_MAX: u32 = 1_000_000;

/// Pages after which the maze behind `rel=nofollow` ends, so that a crawler that disobeys still stops.
pub(crate) const MAZE_PAGES_MAX: u32 = 1_000;

/// Connections one listener serves at a time; later ones wait in the kernel's queue.
pub(crate) const CONNECTIONS_PER_LISTENER_MAX: usize = 4_096;

/// Connections the kernel holds for a listener before they are accepted.
pub(crate) const LISTEN_BACKLOG: i32 = 1_024;

/// Send buffer of a connection: a page of 67 KB on the wire leaves in one system call.
pub(crate) const SEND_BUFFER_BYTES: usize = 256 * 1024;

/// Certificates kept per server; one costs about 0.2 ms to issue again.
pub(crate) const CERTIFICATES_MAX: usize = 8_192;

/// Bytes of one DNS question over UDP or TCP; ours never carry more than one name.
pub(crate) const DNS_QUESTION_BYTES_MAX: usize = 4_096;

/// DNS conversations over TCP at a time.
pub(crate) const DNS_STREAMS_MAX: usize = 256;

/// Redirect hops that the oracle follows unless told otherwise: the crawler's default.
pub(crate) const REDIRECT_HOPS_MAX: u8 = 5;

/// Crawl-delay above which the oracle counts a site as parked: the crawler's default, in seconds.
pub(crate) const CRAWL_DELAY_SECONDS_MAX: u32 = 300;
