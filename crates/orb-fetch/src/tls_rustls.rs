//! Real TLS 1.2 and 1.3, with the machine's trust anchors and a session cache.
//!
//! In: certificate files, a clock, connected streams. Out: encrypted streams.
//! May touch: certificate files, at construction only. Must not touch: addresses.
//! Invariant: in strict mode no stream is handed out whose certificate did not verify for the host; in
//! record mode none without its verdict.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use orb_env::{BoxStream, Clock, LocalFuture};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{DigitallySignedStruct, HandshakeKind, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;

use crate::config::TlsVerify;
use crate::limits::{TLS_CHAINS_MAX, TLS_SESSIONS_MAX};
use crate::tls::{Tls, TlsError, TlsFault, TlsInfo};
use crate::verified_chains::ChainVerifier;

/// Why TLS could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsSetupError {
    /// A file of trust anchors cannot be read.
    #[error("read trust anchors from {path}")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// A file of trust anchors holds none.
    #[error("{path} holds no certificate")]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// A trust anchor is malformed.
    #[error("trust anchor in {path} is malformed")]
    Anchor {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// Neither the machine nor the settings name any trust anchor.
    #[error("no trust anchor found: install the system's ca certificates or set fetch.ca_files")]
    NoAnchors,
    /// The verifier or the protocol versions were not accepted.
    #[error("set up tls: {detail}")]
    Library {
        /// What the library said.
        detail: String,
    },
}

/// The trust anchors of the process: loaded once, shared by its shards.
#[derive(Clone, Debug)]
pub struct TrustAnchors(Arc<RootCertStore>);

impl TrustAnchors {
    /// The machine's anchors and those of `ca_files` (PEM). Anchors of the machine that do not parse are
    /// skipped, as every client does.
    ///
    /// # Errors
    /// A named file that is missing, empty or malformed; or no anchor at all.
    pub fn load(ca_files: &[PathBuf]) -> Result<TrustAnchors, TlsSetupError> {
        let native = rustls_native_certs::load_native_certs();
        for error in &native.errors {
            tracing::warn!(%error, "skipped part of the machine's trust anchors");
        }
        let mut store = RootCertStore::empty();
        let (_, ignored) = store.add_parsable_certificates(native.certs);
        tracing::debug!(anchors = store.len(), ignored, "loaded trust anchors");
        ca_files
            .iter()
            .try_for_each(|path| add_file(&mut store, path))?;
        if store.is_empty() {
            return Err(TlsSetupError::NoAnchors);
        }
        Ok(TrustAnchors(Arc::new(store)))
    }

    /// Exactly these certificates.
    ///
    /// # Errors
    /// A malformed certificate.
    pub fn only(
        certificates: impl IntoIterator<Item = CertificateDer<'static>>,
    ) -> Result<TrustAnchors, TlsSetupError> {
        let mut store = RootCertStore::empty();
        for certificate in certificates {
            store
                .add(certificate)
                .map_err(|source| TlsSetupError::Anchor {
                    path: PathBuf::from("memory"),
                    source,
                })?;
        }
        Ok(TrustAnchors(Arc::new(store)))
    }
}

fn add_file(store: &mut RootCertStore, path: &Path) -> Result<(), TlsSetupError> {
    let unreadable = |source| TlsSetupError::CaFile {
        path: path.to_owned(),
        source,
    };
    let before = store.len();
    for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
        let certificate = certificate.map_err(unreadable)?;
        store
            .add(certificate)
            .map_err(|source| TlsSetupError::Anchor {
                path: path.to_owned(),
                source,
            })?;
    }
    if store.len() == before {
        return Err(TlsSetupError::NoCertificate {
            path: path.to_owned(),
        });
    }
    Ok(())
}

/// The library's cache counts tickets, and room for this many of each host.
const TICKETS_PER_HOST: usize = 8;

/// How much one shard remembers of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsMemory {
    /// Hosts whose sessions are kept for resumption.
    pub sessions_max: usize,
    /// Certificate chains that verified.
    pub chains_max: usize,
}

impl Default for TlsMemory {
    fn default() -> TlsMemory {
        TlsMemory {
            sessions_max: TLS_SESSIONS_MAX,
            chains_max: TLS_CHAINS_MAX,
        }
    }
}

/// Real TLS 1.2 and 1.3 with one shard's session cache.
pub struct RustlsTls {
    config: Arc<ClientConfig>,
    verifier: Arc<ChainVerifier>,
    verify: TlsVerify,
}

impl fmt::Debug for RustlsTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RustlsTls")
            .field("verify", &self.verify)
            .finish_non_exhaustive()
    }
}

impl RustlsTls {
    /// TLS that trusts `anchors` at the wall time of `clock`, with the default memory.
    ///
    /// # Errors
    /// [`TlsSetupError::Library`] when the library refuses its own protocol versions.
    pub fn new(
        verify: TlsVerify,
        anchors: &TrustAnchors,
        clock: Arc<dyn Clock>,
    ) -> Result<RustlsTls, TlsSetupError> {
        RustlsTls::with_memory(verify, anchors, clock, TlsMemory::default())
    }

    /// The same with a memory of its own size.
    ///
    /// # Errors
    /// As [`RustlsTls::new`].
    pub fn with_memory(
        verify: TlsVerify,
        anchors: &TrustAnchors,
        clock: Arc<dyn Clock>,
        memory: TlsMemory,
    ) -> Result<RustlsTls, TlsSetupError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = Arc::new(ChainVerifier::new(
            Arc::clone(&anchors.0),
            provider.signature_verification_algorithms,
            memory.chains_max,
        ));
        let mut config =
            client_config(provider, &verifier, clock).map_err(|error| TlsSetupError::Library {
                detail: error.to_string(),
            })?;
        config.resumption = match verify {
            TlsVerify::Strict if memory.sessions_max > 0 => {
                Resumption::in_memory_sessions(memory.sessions_max.saturating_mul(TICKETS_PER_HOST))
            }
            TlsVerify::Strict => Resumption::disabled(),
            // A resumed session shows no certificate, so its verdict could not be recorded.
            TlsVerify::Record => Resumption::disabled(),
        };
        // Only what is spoken here is offered.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(RustlsTls {
            config: Arc::new(config),
            verifier,
            verify,
        })
    }
}

fn client_config(
    provider: Arc<CryptoProvider>,
    verifier: &Arc<ChainVerifier>,
    clock: Arc<dyn Clock>,
) -> Result<ClientConfig, rustls::Error> {
    Ok(
        ClientConfig::builder_with_details(provider, Arc::new(WallTime(clock)))
            .with_safe_default_protocol_versions()?
            .dangerous() // the name of every way to bring a verifier of one's own
            .with_custom_certificate_verifier(Arc::<ChainVerifier>::clone(verifier))
            .with_no_client_auth(),
    )
}

impl Tls for RustlsTls {
    fn handshake(
        &self,
        stream: BoxStream,
        host: &str,
    ) -> LocalFuture<'_, Result<(BoxStream, TlsInfo), TlsError>> {
        let name = ServerName::try_from(host.to_owned());
        Box::pin(async move {
            let name = name.map_err(|error| TlsError {
                fault: TlsFault::WrongName,
                detail: error.to_string(),
            })?;
            let (config, recorder) = match self.verify {
                TlsVerify::Strict => (Arc::clone(&self.config), None),
                TlsVerify::Record => {
                    let recorder = Arc::new(Recorder::new(Arc::clone(&self.verifier)));
                    let mut config = ClientConfig::clone(&self.config);
                    let as_verifier: Arc<dyn ServerCertVerifier> =
                        Arc::<Recorder>::clone(&recorder);
                    config.dangerous().set_certificate_verifier(as_verifier);
                    (Arc::new(config), Some(recorder))
                }
            };
            let stream = TlsConnector::from(config)
                .connect(name, stream)
                .await
                .map_err(|error| TlsError::of_io(&error))?;
            let (_, session) = stream.get_ref();
            let info = TlsInfo {
                protocol: session
                    .protocol_version()
                    .and_then(|v| v.as_str())
                    .unwrap_or("unknown")
                    .to_owned(),
                cipher: session
                    .negotiated_cipher_suite()
                    .and_then(|suite| suite.suite().as_str())
                    .unwrap_or("unknown")
                    .to_owned(),
                resumed: session.handshake_kind() == Some(HandshakeKind::Resumed),
                verify_error: recorder.and_then(|recorder| recorder.verdict()),
            };
            Ok((Box::new(stream) as BoxStream, info))
        })
    }
}

/// The wall clock as rustls wants it, so that expiry follows the clock that was passed in.
struct WallTime(Arc<dyn Clock>);

impl fmt::Debug for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WallTime")
    }
}

impl TimeProvider for WallTime {
    fn current_time(&self) -> Option<UnixTime> {
        let micros = u64::try_from(self.0.wall().0).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_micros(micros)))
    }
}

/// Verifies like the strict one, but notes a refusal instead of enforcing it. One per connection.
#[derive(Debug)]
struct Recorder {
    inner: Arc<ChainVerifier>,
    verdict: Mutex<Option<String>>,
}

impl Recorder {
    fn new(inner: Arc<ChainVerifier>) -> Recorder {
        Recorder {
            inner,
            verdict: Mutex::new(None),
        }
    }

    fn verdict(&self) -> Option<String> {
        self.verdict
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict = self.inner.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        if let Err(error) = verdict {
            *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(TlsError::of_rustls(&error).class().to_owned());
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
