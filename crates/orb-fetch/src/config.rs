//! Settings of fetching, DNS and the address guard.
//!
//! In: the settings file, through the program. Out: values.
//! May touch: `limits`. Must not touch: files, the environment.
//! Invariant: the default is safe for the public web, except that `user_agent` must be filled in.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::decode::DecodeLimits;
use crate::limits;

/// What happens to a page whose certificate does not verify.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsVerify {
    /// The exchange fails with the reason.
    #[default]
    Strict,
    /// The page is kept and the reason stands in its metadata. Sessions are not resumed in this mode.
    Record,
}

/// How one exchange is asked for and what bounds it: one table of the settings file.
///
/// Byte counts are plain numbers; `buffer_memory_max` is one shard's share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FetchConfig {
    /// `User-Agent`: product token and contact. The program fills it in.
    pub user_agent: String,
    /// `From`: a mail address of the operator (RFC 9110, 10.1.2); empty sends none.
    pub from: String,
    /// `Accept`.
    pub accept: String,
    /// `Accept-Language`.
    pub accept_language: String,
    /// Longest wait for a TCP connection.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// Longest TLS handshake.
    #[serde(with = "humantime_serde")]
    pub tls_timeout: Duration,
    /// Longest wait from the request to the first byte of the answer.
    #[serde(with = "humantime_serde")]
    pub first_byte_timeout: Duration,
    /// Longest exchange, from the first packet to the last byte.
    #[serde(with = "humantime_serde")]
    pub total_timeout: Duration,
    /// Least bytes per second of an answer.
    pub rate_bytes_min: u64,
    /// How long an answer may stay below `rate_bytes_min`.
    #[serde(with = "humantime_serde")]
    pub rate_window: Duration,
    /// Most bytes of a head.
    pub head_bytes_max: u64,
    /// Most fields of a head; above 512 counts as 512.
    pub head_fields_max: u32,
    /// Most bytes of a body, transfer coding removed; the rest is cut off and marked.
    pub body_bytes_max: u64,
    /// Most bytes of a body after decoding.
    pub decoded_bytes_max: u64,
    /// Most decoded bytes per coded byte, beyond the first mebibyte.
    pub decoded_ratio_max: u64,
    /// Most content codings of one body.
    pub layers_max: u8,
    /// Most interim (1xx) answers before the final one.
    pub interim_max: u32,
    /// Whether connections may be used again.
    pub keep_alive: bool,
    /// Most idle connections of a shard.
    pub idle_connections_max: usize,
    /// Longest time a connection idles.
    #[serde(with = "humantime_serde")]
    pub idle_timeout: Duration,
    /// Buffer memory of all exchanges of one shard.
    pub buffer_memory_max: u64,
    /// What happens to a page whose certificate does not verify.
    pub tls_verify: TlsVerify,
    /// PEM files with trust anchors beside the machine's.
    pub ca_files: Vec<PathBuf>,
}

impl Default for FetchConfig {
    fn default() -> Self {
        FetchConfig {
            user_agent: String::new(),
            from: String::new(),
            accept: "text/html,application/xhtml+xml,application/xml;q=0.9,text/*;q=0.8,*/*;q=0.5"
                .to_owned(),
            accept_language: "en;q=0.9,*;q=0.5".to_owned(),
            connect_timeout: limits::CONNECT_TIMEOUT,
            tls_timeout: limits::TLS_TIMEOUT,
            first_byte_timeout: limits::FIRST_BYTE_TIMEOUT,
            total_timeout: limits::TOTAL_TIMEOUT,
            rate_bytes_min: limits::RATE_BYTES_MIN,
            rate_window: limits::RATE_WINDOW,
            head_bytes_max: limits::HEAD_BYTES_MAX,
            head_fields_max: limits::HEAD_FIELDS_MAX,
            body_bytes_max: limits::BODY_BYTES_MAX,
            decoded_bytes_max: limits::DECODED_BYTES_MAX,
            decoded_ratio_max: limits::DECODED_RATIO_MAX,
            layers_max: limits::LAYERS_MAX,
            interim_max: limits::INTERIM_MAX,
            keep_alive: true,
            idle_connections_max: limits::IDLE_CONNECTIONS_MAX,
            idle_timeout: limits::IDLE_TIMEOUT,
            buffer_memory_max: limits::BUFFER_MEMORY_MAX,
            tls_verify: TlsVerify::default(),
            ca_files: Vec::new(),
        }
    }
}

impl FetchConfig {
    /// The part that bounds [`crate::decode_content`].
    #[must_use]
    pub fn decode_limits(&self) -> DecodeLimits {
        DecodeLimits {
            bytes_max: self.decoded_bytes_max,
            ratio_max: self.decoded_ratio_max,
            layers_max: self.layers_max,
        }
    }

    /// The largest buffers one exchange can need: head and body with its chunk framing, and as much again
    /// for the payload with the framing removed.
    #[must_use]
    pub fn exchange_bytes_max(&self) -> u64 {
        let raw = self
            .head_bytes_max
            .saturating_add(wire_body_bytes_max(self.body_bytes_max));
        raw.saturating_add(1)
            .saturating_mul(2)
            .max(limits::ADMIT_BYTES)
    }
}

/// Most bytes that a chunked body may take on the wire for `body_bytes_max` bytes of payload.
pub(crate) fn wire_body_bytes_max(body_bytes_max: u64) -> u64 {
    body_bytes_max
        .saturating_add(body_bytes_max / 8)
        .saturating_add(limits::CHUNK_FRAMING_BYTES_FREE)
}

/// How names are resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DnsConfig {
    /// Recursive servers, in order of preference. The program fills in the system's when this is empty.
    pub servers: Vec<SocketAddr>,
    /// Longest wait for one answer.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// Questions asked for one record set, all servers together.
    pub attempts: u32,
    /// Shortest time an answer is kept, whatever its TTL.
    #[serde(with = "humantime_serde")]
    pub ttl_min: Duration,
    /// Longest time an answer is kept, whatever its TTL.
    #[serde(with = "humantime_serde")]
    pub ttl_max: Duration,
    /// Shortest time an absence is kept.
    #[serde(with = "humantime_serde")]
    pub negative_ttl_min: Duration,
    /// Longest time an absence is kept.
    #[serde(with = "humantime_serde")]
    pub negative_ttl_max: Duration,
    /// How long a failure to get any answer is kept.
    #[serde(with = "humantime_serde")]
    pub failure_ttl: Duration,
    /// Hosts whose answers one shard keeps.
    pub cache_hosts_max: usize,
}

impl Default for DnsConfig {
    fn default() -> Self {
        DnsConfig {
            servers: Vec::new(),
            timeout: limits::DNS_TIMEOUT,
            attempts: limits::DNS_ATTEMPTS,
            ttl_min: limits::DNS_TTL_MIN,
            ttl_max: limits::DNS_TTL_MAX,
            negative_ttl_min: limits::DNS_NEGATIVE_TTL_MIN,
            negative_ttl_max: limits::DNS_NEGATIVE_TTL_MAX,
            failure_ttl: limits::DNS_FAILURE_TTL,
            cache_hosts_max: limits::DNS_CACHE_HOSTS_MAX,
        }
    }
}

/// Which addresses may be dialled beside public ones, and which never.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GuardConfig {
    /// Special-purpose ranges that are opened.
    pub allow: Vec<IpNet>,
    /// Ranges that are closed; wins over `allow`.
    pub deny: Vec<IpNet>,
}
