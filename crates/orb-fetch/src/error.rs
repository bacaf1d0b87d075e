//! Why an exchange gave no response, and why a name gave no address.
//!
//! In: what went wrong, from the other modules. Out: errors with a class, and what to do next.
//! May touch: nothing. Must not touch: retries, which the caller owns.
//! Invariant: classes are a closed list, so they serve as metric labels and stored outcomes.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use orb_url::{CrawlUrl, Site};

use crate::guard::Guarded;
use crate::tls::TlsError;

/// What the caller does after an error. Callers match on this, never on the errors themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// Count an attempt, back off, try again.
    RetryLater,
    /// Try again with a new permit; the server is not to blame, so no attempt is counted.
    RetryUncounted,
    /// Nothing answered at the address. A bare domain from the seeds, asked by https, goes on by http;
    /// anything else as [`NextStep::RetryLater`].
    TryHttp,
    /// The answer will not get better: the URL has failed.
    FailUrl,
    /// Not to be requested at all: the URL is refused.
    RefuseUrl,
}

/// Why one exchange gave no response.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The permit's window had passed before the first packet.
    #[error("permit was used outside its window")]
    StalePermit,
    /// The permit was given for another site or address than the URL's.
    #[error("permit of site {site} does not cover {url}")]
    ForeignPermit {
        /// The permit's site.
        site: Site,
        /// What was to be fetched.
        url: CrawlUrl,
    },
    /// The address must not be dialled.
    #[error("address may not be dialled")]
    GuardedAddress(#[source] Guarded),
    /// The port belongs to another service.
    #[error("port {port} is blocked for http")]
    BadPort {
        /// The URL's port.
        port: u16,
    },
    /// This machine is out of descriptors, ports or memory.
    #[error("this machine cannot open another connection")]
    LocalResources(#[source] io::Error),
    /// The address answered that nothing listens there.
    #[error("connection to {remote} was refused")]
    ConnectRefused {
        /// The address and port.
        remote: SocketAddr,
    },
    /// No route to the address.
    #[error("{remote} is unreachable")]
    ConnectUnreachable {
        /// The address and port.
        remote: SocketAddr,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The address did not answer in time.
    #[error("connection to {remote} took longer than {limit:?}")]
    ConnectTimeout {
        /// The address and port.
        remote: SocketAddr,
        /// The limit.
        limit: Duration,
    },
    /// Connecting failed in another way.
    #[error("connection to {remote} failed")]
    ConnectFailed {
        /// The address and port.
        remote: SocketAddr,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// TLS was not agreed upon.
    #[error("tls with {remote} failed")]
    Tls {
        /// The address and port.
        remote: SocketAddr,
        /// What went wrong.
        #[source]
        source: TlsError,
    },
    /// The handshake did not end in time.
    #[error("tls handshake with {remote} took longer than {limit:?}")]
    TlsTimeout {
        /// The address and port.
        remote: SocketAddr,
        /// The limit.
        limit: Duration,
    },
    /// A connection that had idled died before the first byte of the answer.
    #[error("the idle connection had died")]
    StaleConnection,
    /// The request could not be sent.
    #[error("request could not be sent")]
    Send(#[source] io::Error),
    /// Nothing came back in time.
    #[error("no answer within {limit:?}")]
    FirstByteTimeout {
        /// The limit.
        limit: Duration,
    },
    /// The exchange took too long before any body arrived.
    #[error("exchange took longer than {limit:?}")]
    TotalTimeout {
        /// The limit.
        limit: Duration,
    },
    /// The answer came too slowly before any body arrived.
    #[error("answer came at less than {bytes_per_second} bytes per second")]
    TooSlow {
        /// The least rate.
        bytes_per_second: u64,
    },
    /// The connection was closed or reset before the first byte.
    #[error("connection ended without an answer")]
    EmptyResponse {
        /// The reset, if it was one.
        #[source]
        source: Option<io::Error>,
    },
    /// The connection ended inside the head.
    #[error("connection ended inside the head after {bytes} bytes")]
    HeadIncomplete {
        /// Bytes of the head received.
        bytes: u64,
    },
    /// The head is longer than the limit.
    #[error("head exceeds {limit_bytes} bytes")]
    HeadTooLarge {
        /// The limit.
        limit_bytes: u64,
    },
    /// The head has more fields than the limit.
    #[error("head exceeds {limit} fields")]
    TooManyFields {
        /// The limit.
        limit: u32,
    },
    /// What came back is not HTTP/1.
    #[error("answer is not http/1")]
    NotHttp,
    /// The head breaks the grammar of RFC 9112.
    #[error("malformed head: {reason}")]
    BadHead {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The length of the body is contradictory or malformed.
    #[error("malformed framing: {reason}")]
    BadFraming {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// More interim answers than the limit.
    #[error("more than {limit} interim answers")]
    TooManyInterim {
        /// The limit.
        limit: u32,
    },
    /// The server switched protocols unasked.
    #[error("server switched protocols unasked")]
    UnaskedUpgrade,
}

impl FetchError {
    /// Every class: a closed list. The TLS ones are [`TlsError::class`].
    pub const CLASSES: [&'static str; 33] = [
        "stale_permit",
        "foreign_permit",
        "guarded_address",
        "bad_port",
        "local_resources",
        "connect_refused",
        "connect_unreachable",
        "connect_timeout",
        "connect_failed",
        "tls_expired",
        "tls_not_yet_valid",
        "tls_unknown_issuer",
        "tls_name",
        "tls_certificate",
        "tls_version",
        "tls_alert",
        "tls_protocol",
        "tls_disconnect",
        "tls_timeout",
        "stale_connection",
        "send_failed",
        "first_byte_timeout",
        "total_timeout",
        "too_slow",
        "empty_response",
        "head_incomplete",
        "head_too_large",
        "head_too_many_fields",
        "not_http",
        "bad_head",
        "bad_framing",
        "too_many_interim",
        "unasked_upgrade",
    ];

    /// The class, for metrics, rows and reports; one of [`FetchError::CLASSES`].
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            FetchError::StalePermit => "stale_permit",
            FetchError::ForeignPermit { .. } => "foreign_permit",
            FetchError::GuardedAddress(_) => "guarded_address",
            FetchError::BadPort { .. } => "bad_port",
            FetchError::LocalResources(_) => "local_resources",
            FetchError::ConnectRefused { .. } => "connect_refused",
            FetchError::ConnectUnreachable { .. } => "connect_unreachable",
            FetchError::ConnectTimeout { .. } => "connect_timeout",
            FetchError::ConnectFailed { .. } => "connect_failed",
            FetchError::Tls { source, .. } => source.class(),
            FetchError::TlsTimeout { .. } => "tls_timeout",
            FetchError::StaleConnection => "stale_connection",
            FetchError::Send(_) => "send_failed",
            FetchError::FirstByteTimeout { .. } => "first_byte_timeout",
            FetchError::TotalTimeout { .. } => "total_timeout",
            FetchError::TooSlow { .. } => "too_slow",
            FetchError::EmptyResponse { .. } => "empty_response",
            FetchError::HeadIncomplete { .. } => "head_incomplete",
            FetchError::HeadTooLarge { .. } => "head_too_large",
            FetchError::TooManyFields { .. } => "head_too_many_fields",
            FetchError::NotHttp => "not_http",
            FetchError::BadHead { .. } => "bad_head",
            FetchError::BadFraming { .. } => "bad_framing",
            FetchError::TooManyInterim { .. } => "too_many_interim",
            FetchError::UnaskedUpgrade => "unasked_upgrade",
        }
    }

    /// What the caller does next.
    #[must_use]
    pub fn next_step(&self) -> NextStep {
        match self {
            FetchError::StalePermit
            | FetchError::ForeignPermit { .. }
            | FetchError::LocalResources(_)
            | FetchError::StaleConnection => NextStep::RetryUncounted,
            FetchError::GuardedAddress(_) | FetchError::BadPort { .. } => NextStep::RefuseUrl,
            FetchError::ConnectRefused { .. }
            | FetchError::ConnectUnreachable { .. }
            | FetchError::ConnectTimeout { .. }
            | FetchError::ConnectFailed { .. } => NextStep::TryHttp,
            FetchError::HeadTooLarge { .. }
            | FetchError::TooManyFields { .. }
            | FetchError::NotHttp
            | FetchError::BadHead { .. }
            | FetchError::BadFraming { .. }
            | FetchError::TooManyInterim { .. }
            | FetchError::UnaskedUpgrade => NextStep::FailUrl,
            FetchError::Tls { .. }
            | FetchError::TlsTimeout { .. }
            | FetchError::Send(_)
            | FetchError::FirstByteTimeout { .. }
            | FetchError::TotalTimeout { .. }
            | FetchError::TooSlow { .. }
            | FetchError::EmptyResponse { .. }
            | FetchError::HeadIncomplete { .. } => NextStep::RetryLater,
        }
    }

    /// Whether the site showed trouble that its clock should hear of: false when the fault is ours.
    #[must_use]
    pub fn blames_site(&self) -> bool {
        !matches!(
            self.next_step(),
            NextStep::RetryUncounted | NextStep::RefuseUrl
        )
    }
}

/// Why a name gave no address that may be dialled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The name does not exist, or has no address.
    #[error("host {host} does not exist or has no address")]
    NotFound {
        /// The host.
        host: Box<str>,
    },
    /// No server answered in time.
    #[error("no dns server answered about {host}")]
    Timeout {
        /// The host.
        host: Box<str>,
    },
    /// Servers answered that they could not tell, or nonsense.
    #[error("dns servers failed to resolve {host}")]
    ServerFailure {
        /// The host.
        host: Box<str>,
    },
    /// Every address lies in a guarded range.
    #[error("all {refused} addresses of {host} are guarded")]
    AllGuarded {
        /// The host.
        host: Box<str>,
        /// How many addresses there were.
        refused: usize,
        /// The first of them.
        #[source]
        first: Guarded,
    },
    /// The settings name no DNS server.
    #[error("no dns server is set")]
    NoServers,
}

impl ResolveError {
    /// Every class: a closed list.
    pub const CLASSES: [&'static str; 5] = [
        "dns_not_found",
        "dns_timeout",
        "dns_server_failure",
        "guarded_address",
        "dns_no_servers",
    ];

    /// The class, for metrics, rows and reports; one of [`ResolveError::CLASSES`].
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            ResolveError::NotFound { .. } => "dns_not_found",
            ResolveError::Timeout { .. } => "dns_timeout",
            ResolveError::ServerFailure { .. } => "dns_server_failure",
            ResolveError::AllGuarded { .. } => "guarded_address",
            ResolveError::NoServers => "dns_no_servers",
        }
    }

    /// What the caller does next. An absent name is tried again too: zones break for minutes, and while
    /// the absence is cached an attempt costs nothing.
    #[must_use]
    pub fn next_step(&self) -> NextStep {
        match self {
            ResolveError::NotFound { .. }
            | ResolveError::Timeout { .. }
            | ResolveError::ServerFailure { .. } => NextStep::RetryLater,
            ResolveError::AllGuarded { .. } => NextStep::RefuseUrl,
            ResolveError::NoServers => NextStep::RetryUncounted,
        }
    }
}

/// Why a fetcher could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetcherError {
    /// A setting that becomes a header field holds a control character or is not ASCII.
    #[error("fetch.{name} may only hold visible ascii characters and spaces")]
    HeaderValue {
        /// The setting.
        name: &'static str,
    },
    /// The user agent is empty.
    #[error("fetch.user_agent is empty")]
    NoUserAgent,
    /// One exchange alone could need more than the buffers of the shard.
    #[error(
        "fetch.buffer_memory_max is {have} bytes; with a body cap of {body_bytes_max} it must be at least {need}"
    )]
    BufferMemory {
        /// The setting.
        have: u64,
        /// What one exchange can need.
        need: u64,
        /// The body cap it follows from.
        body_bytes_max: u64,
    },
}
