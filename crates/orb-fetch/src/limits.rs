//! The limits of this crate, each with the reason for its number.
//!
//! In: nothing. Out: constants; those that are settings are the defaults of `config`.
//! May touch: nothing. Invariant: every wait, buffer, table and loop of this crate is bounded by one of these
//! or by a setting whose default stands here.

use std::time::Duration;

/// Longest wait for a TCP connection: three SYNs (at 0, 1 and 3 seconds) get their chance, a dead address
/// does not hold a site for longer.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest TLS handshake: two round trips and a slow server's signature take less than a tenth of it.
pub const TLS_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest wait for the first byte of an answer: pages that a database composes take seconds, rarely more.
pub const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest exchange in all: a 10 MiB body at 100 KB/s still arrives.
pub const TOTAL_TIMEOUT: Duration = Duration::from_secs(120);

/// Least bytes per second, judged over [`RATE_WINDOW`]: below a modem's pace the other end stalls on purpose.
pub const RATE_BYTES_MIN: u64 = 1024;

/// How long an answer may stay below [`RATE_BYTES_MIN`]: longer than a lost packet's retransmissions.
pub const RATE_WINDOW: Duration = Duration::from_secs(15);

/// Most bytes of a response head: the largest heads of real sites (cookies, policies) stay below 32 KiB.
pub const HEAD_BYTES_MAX: u64 = 64 * 1024;

/// Most header fields of a response: real heads have 10 to 60.
pub const HEAD_FIELDS_MAX: u32 = 200;

/// What the setting for header fields may be raised to: the parser's table lives on the stack.
pub const HEAD_FIELDS_CEILING: usize = 512;

/// Most bytes of a body, transfer coding removed: 99.9 % of pages are smaller.
pub const BODY_BYTES_MAX: u64 = 10 * 1024 * 1024;

/// Most bytes of a body after its content codings are removed: five times the wire's cap, as text compresses.
pub const DECODED_BYTES_MAX: u64 = 50 * 1024 * 1024;

/// Most decoded bytes per coded byte: text reaches 20, generated tables 100; bombs begin at 1,000.
pub const DECODED_RATIO_MAX: u64 = 250;

/// Decoded bytes that the ratio never cuts: a short page of blanks is no bomb.
pub const DECODED_RATIO_FREE_BYTES: u64 = 1024 * 1024;

/// Most content codings on one body: one is normal, two happen behind careless proxies.
pub const LAYERS_MAX: u8 = 3;

/// Largest result of a layer that is still coded, when codings are stacked: coded bytes are no page, and together with
/// the page that comes of them they must stay near its cap.
pub const LAYER_BETWEEN_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Room for decoded bytes that is still doubled; what needs more gets room up to the cap at once, so that a large page
/// is never held twice.
pub const DECODED_BYTES_FIRST_MAX: usize = 8 * 1024 * 1024;

/// Largest zstd window: what RFC 9659 allows for the `zstd` content coding.
pub const ZSTD_WINDOW_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// A body of an unwanted type that is announced as no longer than this is read all the same: that costs less than the
/// next connection would.
pub const UNWANTED_BYTES_READ_MAX: usize = 32 * 1024;

/// Largest brotli window, the largest that RFC 7932 has (its large-window extension is off): no document lowers it for the
/// coding as RFC 9659 does for zstd, browsers take it, and whoever compresses pages beforehand at the best level may use
/// it, so refusing more than 8 MiB would lose pages that everybody else reads. A shard undoes one body at a time, so it is
/// 16 MiB once for a shard, not for an exchange.
pub const BROTLI_WINDOW_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Most gzip members or zstd frames of one body: log rotators join a handful; each costs a fresh decoder.
pub const MEMBERS_MAX: u32 = 1024;

/// Most interim (1xx) answers before the final one: 100 and 103 come once each.
pub const INTERIM_MAX: u32 = 8;

/// Longest chunk-size line with its extensions: real ones are below 20 bytes.
pub const CHUNK_LINE_BYTES_MAX: usize = 4 * 1024;

/// Most bytes of trailer fields: gRPC and checksums need less than one.
pub const TRAILER_BYTES_MAX: usize = 16 * 1024;

/// Bytes of chunk framing that any body may have: chunks of one byte, or long extensions on each, cost more to read than
/// they bring; a page of 300 KB that is flushed word by word stays below.
pub const CHUNK_FRAMING_BYTES_FREE: u64 = 256 * 1024;

/// Beyond that, bytes of payload for each byte of framing: chunks of 100 bytes reach it, servers send some thousands. With
/// the default cap framing stays below 1 MB.
pub const CHUNK_PAYLOAD_PER_FRAMING: u64 = 16;

/// First size of a response buffer: most answers to robots.txt and a quarter of pages fit without growing.
pub const BUFFER_BYTES_FIRST: usize = 16 * 1024;

/// Buffer memory an exchange is admitted with: what its first buffer takes, so that a server that says nothing
/// holds no more than it costs, and ten thousand of them do not keep others out.
pub const ADMIT_BYTES: u64 = BUFFER_BYTES_FIRST as u64;

/// Up to here a buffer grows at once to the length that was announced: covers nine of ten compressed pages.
pub const GROW_AT_ONCE_BYTES: u64 = 256 * 1024;

/// Default of `fetch.buffer_memory_max` for one shard: a thousand pages of 256 KiB at once.
pub const BUFFER_MEMORY_MAX: u64 = 256 * 1024 * 1024;

/// Most idle connections a shard keeps: one per site whose next permit is near; each costs a descriptor
/// and, with TLS, some 20 KB.
pub const IDLE_CONNECTIONS_MAX: usize = 512;

/// Longest a connection idles: the largest adaptive delay is 30 s, common servers close after 5 to 75 s.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(35);

/// Taken off a server's own `Keep-Alive: timeout`: a request that meets its closing would cost a permit.
pub const IDLE_MARGIN: Duration = Duration::from_secs(1);

/// Hosts whose TLS sessions are kept for resumption by one shard: about 8 KB each with their chains, so 4 MB.
pub const TLS_SESSIONS_MAX: usize = 512;

/// Certificate chains remembered by one shard: about 4 KB each, so 2 MB, and 8 MB where servers send the
/// longest that are taken. Hosts of one platform share theirs.
pub const TLS_CHAINS_MAX: usize = 512;

/// Bytes of a chain that is remembered at most; longer ones verify each time, so that nobody fills the memory with
/// padded chains.
pub const TLS_CHAIN_BYTES_MAX: usize = 16 << 10;

/// How long a chain that verified is taken to verify: a fraction of the shortest validity there is.
pub const TLS_CHAIN_KEPT: Duration = Duration::from_secs(3_600);

/// Longest wait for one answer from one DNS server: recursive servers give up on dead zones in two to five.
pub const DNS_TIMEOUT: Duration = Duration::from_secs(3);

/// Questions asked for one record set, all servers together.
pub const DNS_ATTEMPTS: u32 = 3;

/// How long a host with IPv4 addresses waits for the answer about its IPv6 ones: a broken AAAA zone must
/// not slow the site.
pub const DNS_AAAA_GRACE: Duration = Duration::from_secs(1);

/// Shortest time an answer is kept: TTL 0 would turn every page into a question, and rebinding into a game.
pub const DNS_TTL_MIN: Duration = Duration::from_secs(60);

/// Longest time an answer is kept: sites move, and a TTL of years is a mistake.
pub const DNS_TTL_MAX: Duration = Duration::from_secs(86_400);

/// Shortest time an absence is kept.
pub const DNS_NEGATIVE_TTL_MIN: Duration = Duration::from_secs(60);

/// Longest time an absence is kept, whatever the zone says (RFC 2308, 5, finds one to three hours sane).
pub const DNS_NEGATIVE_TTL_MAX: Duration = Duration::from_secs(3600);

/// How long a failure (no answer, server failure) is kept: a flood of URLs of one dead zone costs one try
/// per half minute (RFC 2308, 7, allows five minutes).
pub const DNS_FAILURE_TTL: Duration = Duration::from_secs(30);

/// How long addresses stand in past their time while no server answers for their host (RFC 8767 finds one to three
/// days sane): an outage of a zone does not end the crawl of a site that is up.
pub const DNS_STALE_MAX: Duration = Duration::from_secs(86_400);

/// Hosts of one zone asked about at once; the others wait. A dead zone of a million hosts then costs this many
/// time-outs before it is known to be dead, and a living one still gets a thousand answers a second.
pub const DNS_ZONE_UNDER_WAY: usize = 32;

/// Hosts of one zone in a row that nobody answered for before the zone is set aside: one or two are their own fault.
pub const DNS_ZONE_FAILURES: u32 = 4;

/// Longest time a zone is set aside before one of its hosts is asked about again.
pub const DNS_ZONE_AWAY_MAX: Duration = Duration::from_secs(600);

/// Zones in trouble that one shard remembers, about 150 bytes each.
pub const DNS_ZONES_MAX: usize = 4_096;

/// Hosts whose answers one shard keeps, about 200 bytes each.
pub const DNS_CACHE_HOSTS_MAX: usize = 65_536;

/// Addresses kept of one family of one host: nobody dials more, and 4,000 A records are a joke.
pub const DNS_ADDRESSES_MAX: usize = 16;

/// Longest chain of aliases followed: public resolvers stop at 8 to 16.
pub const DNS_ALIASES_MAX: usize = 16;

/// UDP answer size we offer: what fits every path unfragmented (DNS Flag Day 2020).
pub const DNS_UDP_BYTES: u16 = 1232;

/// Largest decoded body whose buffer a thread keeps for the next one: nearly every page fits, and a rare huge one
/// must not pin its size.
pub const SPARE_BYTES_MAX: usize = 4 << 20;
