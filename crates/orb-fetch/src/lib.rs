//! Fetching: names to addresses, and one HTTP/1.1 exchange over TCP or TLS, everything under limits.
//!
//! In: permits of `orb-gate`, requests, settings, the outside world as `Env`.
//! Out: an [`Exchange`] with the server's exact bytes, or why there is none; decoded payloads.
//! May touch: the network, and certificate files at construction. Must not touch: queues, robots.txt, archives.
//! Invariant: no packet to a web server leaves without a started permit, nor to an address that the guard
//! refuses; every wait, buffer and table is bounded (`limits`).
//!
//! [`Fetcher`] is the entry: [`Fetcher::resolve`], then [`Fetcher::fetch`]; [`decode_content`] undoes content
//! codings afterwards. [`Tls`] is the seam at which a simulation puts outcomes in place of handshakes.

#[cfg(feature = "fuzzing")]
pub mod alone;
mod budget;
mod chunked;
mod config;
mod connection;
mod decode;
mod decoders;
mod dns;
mod dns_cache;
mod dns_message;
mod dns_zones;
mod error;
mod exchange;
mod fetcher;
mod firewall;
mod framing;
mod guard;
mod head;
mod http1;
pub mod limits;
mod odd_head;
mod pool;
mod response;
mod talk;
mod tls;
mod tls_rustls;
mod verified_chains;
mod wire;

pub use config::{DnsConfig, FetchConfig, GuardConfig, TlsVerify};
pub use decode::{DecodeLimits, DecodeOddity, Decoded, decode_content};
pub use error::{FetchError, FetcherError, NextStep, ResolveError};
pub use exchange::{Exchange, Gate, Request, Timings, Validators};
pub use fetcher::{Fetcher, Resolved};
pub use firewall::{FirewallUser, NoUser, nft_rules};
pub use guard::{Guard, Guarded, is_bad_port};
pub use response::{Response, Truncated};
pub use tls::{Tls, TlsError, TlsFault, TlsInfo};
pub use tls_rustls::{RustlsTls, TlsMemory, TlsSetupError, TrustAnchors};
pub use wire::WireParts;
