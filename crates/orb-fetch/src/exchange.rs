//! What is asked and what came of it.
//!
//! In: values from the caller and the fetcher. Out: the request's bytes; one record of the exchange.
//! May touch: settings. Must not touch: sockets.
//! Invariant: a request holds no line break that a setting, a URL or a stored validator smuggled in.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use orb_env::Stamp;
use orb_gate::{Permit, Spent};
use orb_url::CrawlUrl;

use crate::config::FetchConfig;
use crate::error::FetchError;
use crate::response::Response;
use crate::tls::TlsInfo;

/// The content codings that `decode_content` undoes, as they are offered.
const ACCEPT_ENCODING: &str = "gzip, deflate, br, zstd";

/// What an earlier response said about its version (RFC 9110, 8.8).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    /// Its `ETag`, as received.
    pub etag: Option<String>,
    /// Its `Last-Modified`, as received.
    pub last_modified: Option<String>,
}

/// One GET.
#[derive(Clone, Debug)]
pub struct Request {
    /// What to fetch.
    pub url: CrawlUrl,
    /// Makes it conditional.
    pub validators: Option<Validators>,
    /// A smaller body cap than the settings', in bytes (robots.txt: 500 KiB).
    pub body_bytes_max: Option<u64>,
    /// Content types that are asked for, by how they begin: the body of a 2xx answer with another one is not read, but
    /// for a small one ([`crate::limits::UNWANTED_BYTES_READ_MAX`]). None and empty read every body.
    pub types: Option<Arc<[String]>>,
    /// Keep the connection for the next request to this origin and address, if the settings and server agree.
    pub keep_open: bool,
}

impl Request {
    /// An unconditional GET under the settings' limits.
    #[must_use]
    pub fn get(url: CrawlUrl) -> Request {
        Request {
            url,
            validators: None,
            body_bytes_max: None,
            types: None,
            keep_open: false,
        }
    }

    /// The bytes that are sent.
    pub(crate) fn to_bytes(&self, config: &FetchConfig) -> Vec<u8> {
        let mut text = String::with_capacity(512);
        text.push_str("GET ");
        text.push_str(self.url.path_and_query());
        text.push_str(" HTTP/1.1\r\n");
        let mut field = |name: &str, value: &str| {
            if !value.is_empty() && is_field_value(value) {
                text.extend([name, ": ", value, "\r\n"]);
            }
        };
        field("Host", self.url.authority());
        field("User-Agent", &config.user_agent);
        field("From", &config.from);
        field("Accept", &config.accept);
        field("Accept-Language", &config.accept_language);
        field("Accept-Encoding", ACCEPT_ENCODING);
        if let Some(validators) = &self.validators {
            field("If-None-Match", validators.etag.as_deref().unwrap_or(""));
            field(
                "If-Modified-Since",
                validators.last_modified.as_deref().unwrap_or(""),
            );
        }
        field(
            "Connection",
            if self.keeps_open(config) {
                "keep-alive"
            } else {
                "close"
            },
        );
        text.push_str("\r\n");
        text.into_bytes()
    }

    pub(crate) fn keeps_open(&self, config: &FetchConfig) -> bool {
        self.keep_open && config.keep_alive
    }
}

/// Visible ASCII and spaces.
pub(crate) fn is_field_value(value: &str) -> bool {
    value.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// What became of the permit.
#[derive(Debug)]
#[must_use = "the site's clock wants its permit back"]
pub enum Gate {
    /// Packets may have left: tell `SiteClock::finish`.
    Spent(Spent),
    /// Nothing left: `SiteClock::give_back`.
    Unused(Permit),
}

/// How long the parts took; none when a part did not happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// TCP connection.
    pub connect: Option<Duration>,
    /// TLS handshake.
    pub tls: Option<Duration>,
    /// From the request to the first byte of the answer.
    pub first_byte: Option<Duration>,
    /// From the first byte to the last.
    pub body: Option<Duration>,
    /// Waiting for buffer memory, which counts against no limit of the server.
    pub buffer_wait: Duration,
    /// The whole exchange; none when nothing was sent.
    pub total: Option<Duration>,
}

/// One exchange, whatever came of it.
#[derive(Debug)]
pub struct Exchange {
    /// When it began, on every clock.
    pub started: Stamp,
    /// The permit, spent or not.
    pub gate: Gate,
    /// The request as it was, or would have been, sent.
    pub request_bytes: Vec<u8>,
    /// The response, or why there is none.
    pub outcome: Result<Response, FetchError>,
    /// How long it took.
    pub timings: Timings,
    /// The address and port that was dialled.
    pub remote: SocketAddr,
    /// What TLS agreed upon, for https.
    pub tls: Option<TlsInfo>,
    /// Whether an idle connection was used.
    pub reused: bool,
    /// Bytes of HTTP received, interim responses included, TLS's own not.
    pub wire_bytes_in: u64,
    /// Bytes of HTTP sent.
    pub wire_bytes_out: u64,
}
