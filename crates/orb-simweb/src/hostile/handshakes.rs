//! Row N10: certificates and handshakes, good and bad, one case for each listener.
//!
//! In: the name of a case, a connected stream. Out: a handshake and, where it succeeds, one good page.
//! May touch: `certificates`, rustls, the stream. Must not touch: sockets.
//! Invariant: every listed case is served; those that begin with `good` are as they should be.

use std::fmt;
use std::io;
use std::sync::Arc;

use orb_env::{Clock, Wall};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::{default_provider, sign::any_ecdsa_type};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

use crate::tls::CaError;

use crate::limits::REQUEST_HEAD_BYTES_MAX;

use super::certificates::Authority;
use super::play::{Act, play};

/// N10.
pub const HANDSHAKES: &[&str] = &[
    "good",
    "good-1-2",
    "good-by-intermediate",
    "good-wildcard",
    "good-close-without-notice",
    "expired",
    "not-yet-valid",
    "wrong-name",
    "wildcard-too-deep",
    "common-name-only",
    "self-signed",
    "other-authority",
    "missing-intermediate",
    "expired-intermediate",
    "intermediate-without-authority",
    "leaf-with-authority",
    "for-clients-only",
    "forged-signature",
    "malformed-certificate",
    "unknown-critical-extension",
    "hundred-kilobyte-chain",
    "version-1-0",
    "version-alert",
    "unknown-name-alert",
    "failure-alert",
    "plain-text",
    "silence",
    "half-a-record",
    "closed-at-once",
    "reset-in-handshake",
    "key-update-flood",
];

/// The certificates of all cases, made once.
pub struct Handshakes {
    authority: Authority,
    key: Arc<dyn rustls::sign::SigningKey>,
}

impl fmt::Debug for Handshakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshakes").finish_non_exhaustive()
    }
}

impl Handshakes {
    /// The host that good certificates name, beside 127.0.0.1.
    pub const HOST: &'static str = "www.hostile.test";

    /// An authority and keys; certificates are dated around `wall`.
    ///
    /// # Errors
    /// When keys cannot be made.
    pub fn new(wall: Wall) -> Result<Handshakes, CaError> {
        let authority = Authority::new(wall)?;
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(authority.leaf_key_der()));
        let key = any_ecdsa_type(&der)?;
        Ok(Handshakes { authority, key })
    }

    /// The certificate that a client must trust.
    #[must_use]
    pub fn ca(&self) -> CertificateDer<'static> {
        self.authority.certificate()
    }

    /// The same as a PEM file.
    #[must_use]
    pub fn ca_pem(&self) -> String {
        self.authority.pem()
    }

    fn config(&self, case: &str) -> io::Result<Arc<ServerConfig>> {
        let chain = self.authority.chain(case).map_err(io::Error::other)?;
        let versions = match case {
            "good-1-2" => &[&rustls::version::TLS12][..],
            _ => rustls::ALL_VERSIONS,
        };
        let certified = CertifiedKey::new(chain, Arc::clone(&self.key));
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(versions)
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        Ok(Arc::new(config))
    }
}

/// What a case sends instead of a handshake, and how it goes on.
fn instead(case: &str) -> Option<Vec<Act>> {
    let alert = |description: u8| vec![Act::send([21, 3, 3, 0, 2, 2, description]), Act::Close];
    Some(match case {
        "version-1-0" => {
            // A server hello of TLS 1.0: version, random, no session, one old cipher suite, no compression.
            let hello = [&[2, 0, 0, 38, 3, 1][..], &[7; 32], &[0, 0, 0x2f, 0]].concat();
            vec![
                Act::send([&[22, 3, 1, 0, 42][..], &hello].concat()),
                Act::Silence,
            ]
        }
        "version-alert" => alert(70),
        "unknown-name-alert" => alert(112),
        "failure-alert" => alert(40),
        "plain-text" => vec![
            Act::send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
            Act::Close,
        ],
        "silence" => vec![Act::Silence],
        "half-a-record" => vec![Act::send([22, 3, 3, 0, 200, 2, 0]), Act::Silence],
        "closed-at-once" => vec![Act::Close],
        "reset-in-handshake" => vec![Act::Reset],
        _ => return None,
    })
}

/// Serves one connection to the listener of a case of [`HANDSHAKES`].
///
/// # Errors
/// What the stream says, and handshakes that the client refuses; `ConnectionReset` where the case resets.
pub async fn serve_handshake<S: AsyncRead + AsyncWrite + Unpin>(
    handshakes: &Handshakes,
    case: &str,
    mut stream: S,
    clock: &dyn Clock,
) -> io::Result<()> {
    if let Some(acts) = instead(case) {
        // The client speaks first.
        stream.read_u8().await?;
        for act in acts {
            if play(act, &mut stream, clock).await? {
                break;
            }
        }
        return Ok(());
    }
    let acceptor = TlsAcceptor::from(handshakes.config(case)?);
    let mut stream = acceptor.accept(stream).await?;
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        if seen.len() >= REQUEST_HEAD_BYTES_MAX || stream.read_buf(&mut seen).await? == 0 {
            return Ok(());
        }
    }
    match case {
        "key-update-flood" => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
                .await?;
            loop {
                stream
                    .get_mut()
                    .1
                    .refresh_traffic_keys()
                    .map_err(io::Error::other)?;
                stream.flush().await?;
            }
        }
        // Whoever is between could have cut it off.
        "good-close-without-notice" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhello").await?;
            stream.flush().await
        }
        _ => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
                .await?;
            stream.flush().await?;
            stream.shutdown().await
        }
    }
}
