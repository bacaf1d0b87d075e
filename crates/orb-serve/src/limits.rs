//! Limits of the control socket and the status page, each with its reason.

use std::time::Duration;

/// Bytes of one request line on the control socket. The longest brings seeds; one about a URL of 2,048 bytes, which
/// JSON may make six times as long, has a sixteenth of this.
pub const REQUEST_BYTES_MAX: usize = 256 * 1024;

/// Bytes of one reply on the control socket. A status has a few kilobytes, a view of 200 sites about a hundred;
/// facts of a site with a hundred origins, each with the longest rule, stay below this.
pub const REPLY_BYTES_MAX: u64 = 2 * 1024 * 1024;

/// Bytes of one HTTP request head. Browsers send about one kilobyte.
pub const HEAD_BYTES_MAX: usize = 8 * 1024;

/// Conversations at a time on each socket; more wait in the kernel's queue. A person has a few windows open.
pub const CONVERSATIONS_MAX: usize = 32;

/// Longest wait for a client to send its first request or to take a reply.
pub const CLIENT_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest silence between two requests of a client that was answered before: a live view may be looked at
/// without being refreshed.
pub const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Longest wait for the crawl's answer: shards answer between two pages, and a read of the store takes no longer
/// than a stalled commit.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(8);

/// Longest wait of a client for its reply: a little more than the server's own patience with the crawl.
pub const REPLY_TIMEOUT: Duration = Duration::from_secs(10);

/// Pause after a failed accept (the process is out of descriptors), so that it does not spin.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Bytes of a path that fit a socket address on every system we run on (Linux has 108, macOS 104, one is the end).
pub(crate) const SOCKET_PATH_BYTES_MAX: usize = 103;
