//! TLS as a seam: real handshakes by rustls, or outcomes that a simulation makes up.
//!
//! In: a connected stream and a host name. Out: an encrypted stream and what was agreed, or why not.
//! May touch: the stream it is given. Must not touch: addresses, time limits (the caller bounds every wait).
//! Invariant: a failure has one of a closed list of classes.

use std::io;

use orb_env::{BoxStream, LocalFuture};
use rustls::{AlertDescription, CertificateError, PeerIncompatible};

/// What was agreed on one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsInfo {
    /// The version, such as `TLSv1.3`.
    pub protocol: String,
    /// The cipher suite by its IANA name.
    pub cipher: String,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
    /// In record mode: why the certificate would not have been accepted.
    pub verify_error: Option<String>,
}

/// Kinds of failure, in words an operator of either side understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TlsFault {
    /// The certificate's time has passed.
    Expired,
    /// The certificate's time has not begun.
    NotYetValid,
    /// No trusted authority vouches for the certificate; self-signed ones too.
    UnknownIssuer,
    /// The certificate is for other names, or the server says that it has none for this one.
    WrongName,
    /// The certificate is unusable in another way: malformed, revoked, wrong purpose.
    Certificate,
    /// The peer speaks only older versions than TLS 1.2.
    Version,
    /// The server ended the handshake with an alert.
    Alert,
    /// The peer does not speak TLS 1.2 or 1.3 as the standards say.
    Protocol,
    /// The connection ended inside the handshake.
    Disconnected,
}

/// Why a handshake failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct TlsError {
    /// The kind.
    pub fault: TlsFault,
    /// What the library said.
    pub detail: String,
}

impl TlsError {
    /// The error class; one of [`crate::FetchError::CLASSES`].
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self.fault {
            TlsFault::Expired => "tls_expired",
            TlsFault::NotYetValid => "tls_not_yet_valid",
            TlsFault::UnknownIssuer => "tls_unknown_issuer",
            TlsFault::WrongName => "tls_name",
            TlsFault::Certificate => "tls_certificate",
            TlsFault::Version => "tls_version",
            TlsFault::Alert => "tls_alert",
            TlsFault::Protocol => "tls_protocol",
            TlsFault::Disconnected => "tls_disconnect",
        }
    }

    pub(crate) fn of_rustls(error: &rustls::Error) -> TlsError {
        let fault = match error {
            rustls::Error::InvalidCertificate(fault) => certificate_fault(fault),
            rustls::Error::AlertReceived(AlertDescription::ProtocolVersion) => TlsFault::Version,
            rustls::Error::AlertReceived(AlertDescription::UnrecognisedName) => TlsFault::WrongName,
            rustls::Error::AlertReceived(_) => TlsFault::Alert,
            rustls::Error::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
            ) => TlsFault::Version,
            _ => TlsFault::Protocol,
        };
        TlsError {
            fault,
            detail: error.to_string(),
        }
    }

    pub(crate) fn of_io(error: &io::Error) -> TlsError {
        TlsError::inside(error).unwrap_or_else(|| TlsError {
            fault: TlsFault::Disconnected,
            detail: error.to_string(),
        })
    }

    /// What TLS itself found wrong with the peer, if that is what the error says.
    pub(crate) fn inside(error: &io::Error) -> Option<TlsError> {
        let inner = error.get_ref()?.downcast_ref::<rustls::Error>()?;
        Some(TlsError::of_rustls(inner))
    }
}

fn certificate_fault(error: &CertificateError) -> TlsFault {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsFault::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            TlsFault::NotYetValid
        }
        CertificateError::UnknownIssuer => TlsFault::UnknownIssuer,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsFault::WrongName
        }
        _ => TlsFault::Certificate,
    }
}

/// Makes encrypted streams.
pub trait Tls {
    /// Shakes hands over `stream` as a client of `host` (a name, or an address without brackets).
    ///
    /// Dropping the future gives up and closes the stream. It never ends by itself when the peer is
    /// silent: bound it.
    ///
    /// # Errors
    /// Why there is no stream; the connection is closed then.
    fn handshake(
        &self,
        stream: BoxStream,
        host: &str,
    ) -> LocalFuture<'_, Result<(BoxStream, TlsInfo), TlsError>>;
}
