//! Limits of the outside world's adapters, each with its reason.

/// Jobs that may wait for one helper thread. A shard has at most a few groups and loads out; a deeper
/// queue would only hide a slow disk.
pub(crate) const HELPER_QUEUE_JOBS_MAX: usize = 256;

/// Bytes of one UDP answer. EDNS answers stay below 4,096; a longer one is cut and its truncation bit seen.
pub(crate) const DATAGRAM_BYTES_MAX: usize = 4096;
