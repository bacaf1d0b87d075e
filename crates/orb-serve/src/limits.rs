//! Limits of the control socket and the status page, each with its reason.

use std::time::Duration;

/// Bytes of one request line on the control socket. The longest there is has 22.
pub const REQUEST_BYTES_MAX: usize = 4 * 1024;

/// Bytes of one reply on the control socket. A status has about two kilobytes; sightings add a line per cause.
pub const REPLY_BYTES_MAX: u64 = 1024 * 1024;

/// Bytes of one HTTP request head. Browsers send about one kilobyte.
pub const HEAD_BYTES_MAX: usize = 8 * 1024;

/// Conversations at a time on each socket; more wait in the kernel's queue. A person has a few windows open.
pub const CONVERSATIONS_MAX: usize = 32;

/// Longest wait for a client to send its next request or to take a reply.
pub const CLIENT_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest wait of a client for its reply. Pausing and stopping are wishes, so replies never wait for the crawl.
pub const REPLY_TIMEOUT: Duration = Duration::from_secs(10);

/// Pause after a failed accept (the process is out of descriptors), so that it does not spin.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Bytes of a path that fit a socket address on every system we run on (Linux has 108, macOS 104, one is the end).
pub(crate) const SOCKET_PATH_BYTES_MAX: usize = 103;
