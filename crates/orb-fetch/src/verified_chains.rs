//! Certificate chains that were verified a while ago, so that hosts of one certificate cost one verification.
//!
//! In: chains as servers send them, trust anchors, the time. Out: the same verdicts as without.
//! May touch: rustls' verifier. Must not touch: sockets, clocks (the time is an argument).
//! Invariant: a chain is taken from memory only between two instants at both of which it verified in full, byte for
//! byte as sent; a chain's validity has no gaps, so it would verify at any instant between. Names are always checked.

use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;
use rustls::RootCertStore;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, SignatureScheme};

use crate::limits::{TLS_CHAIN_BYTES_MAX, TLS_CHAIN_KEPT};

/// Verifies servers by the trust anchors, with a memory.
#[derive(Debug)]
pub(crate) struct ChainVerifier {
    anchors: Arc<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
    chains_max: usize,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    chains: FxHashMap<Box<[u8]>, Span>,
    /// Verifications in full so far.
    verified: u64,
}

/// Instants, in seconds of the wall clock, between which a chain is known to verify.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: u64,
    until: u64,
}

impl ChainVerifier {
    pub(crate) fn new(
        anchors: Arc<RootCertStore>,
        algorithms: WebPkiSupportedAlgorithms,
        chains_max: usize,
    ) -> ChainVerifier {
        ChainVerifier {
            anchors,
            algorithms,
            chains_max,
            known: Mutex::default(),
        }
    }

    fn verify_at(
        &self,
        leaf: &ParsedCertificate<'_>,
        intermediates: &[CertificateDer<'_>],
        at: UnixTime,
    ) -> Result<(), rustls::Error> {
        verify_server_cert_signed_by_trust_anchor(
            leaf,
            &self.anchors,
            intermediates,
            at,
            self.algorithms.all,
        )
    }

    /// Verifies a chain, or remembers that it did. The first time a chain is seen it is only noted; when it comes
    /// again, it is found out whether it will verify for a while.
    fn verify_chain(
        &self,
        end_entity: &CertificateDer<'_>,
        leaf: &ParsedCertificate<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), rustls::Error> {
        let chain = std::iter::once(end_entity).chain(intermediates);
        let bytes: usize = chain.map(|certificate| certificate.len()).sum();
        if self.chains_max == 0 || bytes > TLS_CHAIN_BYTES_MAX {
            self.known
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .verified += 1;
            return self.verify_at(leaf, intermediates, now);
        }
        let key = key_of(end_entity, intermediates);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let span = known.chains.get(&key).copied();
        let seconds = now.as_secs();
        if span.is_some_and(|span| (span.from..=span.until).contains(&seconds)) {
            return Ok(());
        }
        known.verified += 1;
        self.verify_at(leaf, intermediates, now)?;
        let mut until = seconds;
        if span.is_some() {
            let later = now.as_secs().saturating_add(TLS_CHAIN_KEPT.as_secs());
            let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(later));
            known.verified += 1;
            if self.verify_at(leaf, intermediates, at).is_ok() {
                until = later;
            }
        }
        if known.chains.len() >= self.chains_max && span.is_none() {
            known.chains.clear();
        }
        let span = Span {
            from: seconds,
            until,
        };
        known.chains.insert(key, span);
        Ok(())
    }
}

/// The certificates as sent, each behind its length.
fn key_of(end_entity: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) -> Box<[u8]> {
    let mut key = Vec::with_capacity(4096);
    for certificate in std::iter::once(end_entity).chain(intermediates) {
        key.extend_from_slice(&(certificate.len() as u64).to_le_bytes());
        key.extend_from_slice(certificate);
    }
    key.into()
}

impl ServerCertVerifier for ChainVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let leaf = ParsedCertificate::try_from(end_entity)?;
        self.verify_chain(end_entity, &leaf, intermediates, now)?;
        verify_server_name(&leaf, server_name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{
        BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd,
    };
    use std::time::Duration;

    /// 2025-06-01.
    const NOW: u64 = 1_748_736_000;

    struct Web {
        verifier: ChainVerifier,
        leaf: CertificateDer<'static>,
        /// What a server sends behind its own.
        others: Vec<CertificateDer<'static>>,
    }

    /// A leaf for two names that is valid to the first of the month after `NOW`.
    fn web(chains_max: usize) -> Web {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let names = ["a.example".to_owned(), "b.example".to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = date_time_ymd(2025, 6, 1);
        params.not_after = date_time_ymd(2025, 7, 1);
        let leaf = params
            .signed_by(&KeyPair::generate().unwrap(), &issuer)
            .unwrap();
        let mut anchors = RootCertStore::empty();
        anchors.add(issuer.der().clone()).unwrap();
        let algorithms =
            rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
        Web {
            verifier: ChainVerifier::new(Arc::new(anchors), algorithms, chains_max),
            leaf: leaf.der().clone(),
            others: Vec::new(),
        }
    }

    impl Web {
        fn accepts(&self, host: &str, at: u64) -> bool {
            let name = ServerName::try_from(host.to_owned()).unwrap();
            let now = UnixTime::since_unix_epoch(Duration::from_secs(at));
            self.verifier
                .verify_server_cert(&self.leaf, &self.others, &name, &[], now)
                .is_ok()
        }

        fn remembered(&self) -> usize {
            self.verifier.known.lock().unwrap().chains.len()
        }

        fn verified(&self) -> u64 {
            self.verifier.known.lock().unwrap().verified
        }
    }

    #[test]
    fn a_chain_is_verified_twice_and_then_remembered_for_an_hour() {
        let web = web(10);
        assert!(web.accepts("a.example", NOW));
        assert!(web.accepts("b.example", NOW + 1));
        let so_far = web.verified();
        assert!((2..3600).all(|later| web.accepts("a.example", NOW + later)));
        assert_eq!(web.verified(), so_far, "remembered");
        assert!(
            web.accepts("a.example", NOW + 3700) && web.verified() > so_far,
            "and forgotten"
        );
    }

    #[test]
    fn the_name_is_always_checked() {
        let web = web(10);
        assert!(web.accepts("a.example", NOW) && web.accepts("a.example", NOW));
        assert!(!web.accepts("c.example", NOW));
    }

    /// Neither an end within the hour nor a clock that goes back lets a chain in that would not verify.
    #[test]
    fn nothing_is_remembered_beyond_its_validity() {
        let web = web(10);
        let end = 1_751_328_000; // 2025-07-01
        assert!(web.accepts("a.example", end - 60) && web.accepts("a.example", end - 50));
        assert!(!web.accepts("a.example", end + 10), "expired meanwhile");
        assert!(web.accepts("a.example", NOW) && web.accepts("a.example", NOW));
        assert!(!web.accepts("a.example", NOW - 86_400), "not valid yet");
    }

    #[test]
    fn memory_is_bounded_and_may_be_none() {
        let none = web(0);
        assert!((0..4).all(|_| none.accepts("a.example", NOW)));
        assert_eq!(none.verified(), 4);
        assert_eq!(none.remembered(), 0);

        let mut one = web(1);
        assert!((0..4).all(|_| one.accepts("a.example", NOW)));
        assert_eq!((one.verified(), one.remembered()), (1, 1));
        // The same leaf with another certificate behind it is another chain.
        one.others = vec![one.leaf.clone()];
        assert!(one.accepts("a.example", NOW));
        assert_eq!((one.verified(), one.remembered()), (2, 1));
        // Padding costs the work of verifying, never memory.
        one.others = vec![one.leaf.clone(); TLS_CHAIN_BYTES_MAX / one.leaf.len() + 1];
        assert!((0..3).all(|_| one.accepts("a.example", NOW)));
        assert_eq!((one.verified(), one.remembered()), (5, 1));
    }
}
