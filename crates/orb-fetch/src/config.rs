//! Settings of fetching, DNS and the address guard.
//!
//! In: the settings file, through the program. Out: values.
//! May touch: `limits`. Must not touch: files, the environment.
//! Invariant: the default is safe for the public web, except that `user_agent` must be filled in.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use orb_api::ByteSize;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decode::DecodeLimits;
use crate::limits;
use crate::tls_rustls::TlsMemory;

/// What happens to a page whose certificate does not verify.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TlsVerify {
    /// The fetch fails with the reason, as in a browser.
    #[default]
    Strict,
    /// The page is kept and the reason stands in its metadata. Sessions are not resumed in this mode.
    Record,
}

/// How one exchange is asked for and what bounds it: one table of the settings file.
///
/// Byte counts read and write as sizes (`10MiB`); `buffer_memory_max` is one shard's share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FetchConfig {
    /// The `User-Agent` header. Empty: made of `identity.product`, the version and `identity.contact`. What is written
    /// here must contain the product's name.
    pub user_agent: String,
    /// The `From` header: a mail address of the operator (RFC 9110, 10.1.2). Empty: `identity.contact` when that is a
    /// mail address, otherwise none is sent.
    pub from: String,
    /// The `Accept` header: which content types are asked for. It filters nothing; see `limits.types`.
    pub accept: String,
    /// The `Accept-Language` header: which language a site should answer in where it has several.
    pub accept_language: String,
    /// Longest wait for a TCP connection. Example: `5s`.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "span"))]
    pub connect_timeout: Duration,
    /// Longest TLS handshake.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "span"))]
    pub tls_timeout: Duration,
    /// Longest wait from the request to the first byte of the answer.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "span"))]
    pub first_byte_timeout: Duration,
    /// Longest request as a whole, from the first packet to the last byte of the answer.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "span"))]
    pub total_timeout: Duration,
    /// Least bytes per second of an answer; a slower one is given up after `fetch.rate_window`. 0 turns this off.
    #[serde(with = "orb_api::byte_count")]
    #[schemars(with = "ByteSize")]
    pub rate_bytes_min: u64,
    /// How long an answer may stay below `fetch.rate_bytes_min`.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "span"))]
    pub rate_window: Duration,
    /// Largest head (status line and header fields) of an answer; a larger one fails.
    #[serde(with = "orb_api::byte_count")]
    #[schemars(with = "ByteSize")]
    pub head_bytes_max: u64,
    /// Most header fields of an answer; 512 is the highest possible.
    pub head_fields_max: u32,
    /// Largest body as sent, still compressed; the rest is cut off, and the record says so. Each thread needs more
    /// than twice this much memory.
    #[serde(with = "orb_api::byte_count")]
    #[schemars(with = "ByteSize")]
    pub body_bytes_max: u64,
    /// Largest body after decompression; the rest is not read for links.
    #[serde(with = "orb_api::byte_count")]
    #[schemars(with = "ByteSize")]
    pub decoded_bytes_max: u64,
    /// Most bytes that one compressed byte may become, beyond the first MiB; more is a decompression bomb.
    pub decoded_ratio_max: u64,
    /// Most content codings (`gzip`, `br`, …) around one body.
    pub layers_max: u8,
    /// Most interim (1xx) answers before the final one.
    pub interim_max: u32,
    /// Whether a connection is used for the next request to the same host too.
    pub keep_alive: bool,
    /// Most connections that one thread keeps open without using them.
    pub idle_connections_max: usize,
    /// How long a connection is kept open without using it.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "span"))]
    pub idle_timeout: Duration,
    /// Memory for all answers that one thread is receiving. The crawl lowers it to the thread's share of `memory_max`.
    #[serde(with = "orb_api::byte_count")]
    #[schemars(with = "ByteSize")]
    pub buffer_memory_max: u64,
    /// What happens to a page whose certificate does not verify.
    pub tls_verify: TlsVerify,
    /// Hosts whose TLS sessions one thread keeps, so that the next handshake with them costs a fraction; about 8 KB each.
    /// 0 resumes none.
    pub tls_sessions_max: usize,
    /// Certificate chains that one thread remembers as verified, for an hour each; about 4 KB each. 0 verifies every one.
    pub tls_chains_max: usize,
    /// PEM files with certificate authorities to trust beside the machine's.
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
            tls_sessions_max: limits::TLS_SESSIONS_MAX,
            tls_chains_max: limits::TLS_CHAINS_MAX,
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

    /// How much one shard remembers of TLS.
    #[must_use]
    pub fn tls_memory(&self) -> TlsMemory {
        TlsMemory {
            sessions_max: self.tls_sessions_max,
            chains_max: self.tls_chains_max,
        }
    }

    /// The largest buffers one exchange can need: head, payload and chunk framing.
    #[must_use]
    pub fn exchange_bytes_max(&self) -> u64 {
        let payload = self.head_bytes_max.saturating_add(self.body_bytes_max);
        payload
            .saturating_add(1)
            .saturating_add(with_room_to_grow(framing_bytes_max(self.body_bytes_max)))
            .max(limits::ADMIT_BYTES)
    }
}

/// Most bytes of chunk framing that go with `body_bytes_max` bytes of payload: the line that makes it too much included.
pub(crate) fn framing_bytes_max(body_bytes_max: u64) -> u64 {
    let lines = (limits::CHUNK_LINE_BYTES_MAX + limits::TRAILER_BYTES_MAX) as u64;
    (body_bytes_max / limits::CHUNK_PAYLOAD_PER_FRAMING)
        .saturating_add(limits::CHUNK_FRAMING_BYTES_FREE)
        .saturating_add(lines)
}

/// What a list of so many bytes of framing may take, as it grows by quarters.
pub(crate) fn with_room_to_grow(framing_bytes: u64) -> u64 {
    framing_bytes.saturating_add(framing_bytes / 4)
}

/// How names are resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DnsConfig {
    /// Recursive DNS servers with their ports, the preferred one first. Empty takes those of /etc/resolv.conf. Example:
    /// `["9.9.9.9:53", "[2620:fe::fe]:53"]`
    #[schemars(with = "Vec<String>")]
    pub servers: Vec<SocketAddr>,
    /// Longest wait for one answer of one server.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "span"))]
    pub timeout: Duration,
    /// Times a question is asked, all servers together, before the name counts as failing.
    pub attempts: u32,
    /// Shortest time an answer is kept, whatever its TTL.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "span"))]
    pub ttl_min: Duration,
    /// Longest time an answer is kept, whatever its TTL.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "span"))]
    pub ttl_max: Duration,
    /// Shortest time it is remembered that a name does not exist.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "span"))]
    pub negative_ttl_min: Duration,
    /// Longest time it is remembered that a name does not exist.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "span"))]
    pub negative_ttl_max: Duration,
    /// How long it is remembered that no server answered for a name.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "span"))]
    pub failure_ttl: Duration,
    /// How long addresses are still used after their time while no server answers for their host; 0s turns this off.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "span"))]
    pub stale_max: Duration,
    /// Hosts whose addresses one thread remembers, at some 200 bytes each.
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
            stale_max: limits::DNS_STALE_MAX,
            cache_hosts_max: limits::DNS_CACHE_HOSTS_MAX,
        }
    }
}

/// Which addresses may be dialled beside public ones, and which never.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GuardConfig {
    /// Private, loopback and other special ranges that may be contacted all the same. Public addresses are always
    /// open. Example: `["127.0.0.0/8"]`
    #[schemars(with = "Vec<String>")]
    pub allow: Vec<IpNet>,
    /// Ranges that are never contacted, public ones too; wins over `guard.allow`.
    #[schemars(with = "Vec<String>")]
    pub deny: Vec<IpNet>,
}
