//! A certificate authority of its own, and leaf certificates on demand.
//!
//! In: host names from handshakes. Out: server settings for rustls.
//! May touch: rcgen, rustls. Must not touch: sockets.
//! Invariant: only hosts of the web that are served by `https` get a certificate. Keys are made anew by
//! each process; nothing of the web's content depends on them.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SerialNumber,
};
use rustc_hash::FxHashMap;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::{Ticketer, default_provider, sign::any_ecdsa_type};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SigningKey};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::SimWeb;
use crate::limits::CERTIFICATES_MAX;

/// Why no authority could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaError {
    /// A key or certificate could not be made.
    #[error("make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library refused what was made.
    #[error("set up TLS with the certificate made")]
    Tls(#[from] rustls::Error),
}

/// An authority that signs for every site of a web, ECDSA P-256 throughout.
pub struct Ca {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// One key for all leaves: making keys would cost more than signing certificates.
    leaf_key: KeyPair,
    signer: Arc<dyn SigningKey>,
}

impl fmt::Debug for Ca {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ca").finish_non_exhaustive()
    }
}

impl Ca {
    /// Makes a new authority.
    ///
    /// # Errors
    /// When the cryptographic library cannot make a key or a signature.
    pub fn new() -> Result<Ca, CaError> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name = name("Synthetic web authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let leaf_key = KeyPair::generate()?;
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
        let signer = any_ecdsa_type(&der)?;
        Ok(Ca {
            issuer,
            leaf_key,
            signer,
        })
    }

    /// The authority's certificate: what a client must trust.
    #[must_use]
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Signs a certificate for one site's names. Cost: about 0.1 ms.
    fn issue(&self, serial: u64, names: Vec<String>) -> Result<CertifiedKey, CaError> {
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = name("Synthetic site");
        params.serial_number = Some(SerialNumber::from(serial));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let leaf = params.signed_by(&self.leaf_key, &self.issuer)?;
        Ok(CertifiedKey::new(
            vec![leaf.der().clone()],
            Arc::clone(&self.signer),
        ))
    }

    /// Server settings that answer for `web`: TLS 1.2 and 1.3, HTTP/1.1, session tickets.
    ///
    /// # Errors
    /// When the TLS library cannot make ticket keys.
    pub fn server_config(
        self: &Arc<Self>,
        web: &Arc<SimWeb>,
    ) -> Result<Arc<ServerConfig>, CaError> {
        let certificates = Certificates {
            ca: Arc::clone(self),
            web: Arc::clone(web),
            issued: Mutex::default(),
        };
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(certificates));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.ticketer = Ticketer::new()?;
        config.send_tls13_tickets = 1;
        Ok(Arc::new(config))
    }
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

/// Chooses, and where needed issues, the certificate of a handshake.
struct Certificates {
    ca: Arc<Ca>,
    web: Arc<SimWeb>,
    issued: Mutex<FxHashMap<u32, Arc<CertifiedKey>>>,
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let host = hello.server_name()?;
        if !self.web.serves(host, true) {
            return None;
        }
        let (site, _) = self.web.atlas.parse_host(host)?;
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = issued.get(&site) {
            return Some(Arc::clone(known));
        }
        if issued.len() >= CERTIFICATES_MAX {
            issued.clear();
        }
        let bare = self.web.host(site);
        let names = vec![format!("www.{bare}"), bare];
        let fresh = Arc::new(self.ca.issue(u64::from(site) + 2, names).ok()?);
        issued.insert(site, Arc::clone(&fresh));
        Some(fresh)
    }
}
