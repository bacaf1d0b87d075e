//! Certificates for the cases of N10: good ones, and one thing wrong with each of the others.
//!
//! In: a case, the wall time. Out: chains as a server sends them.
//! May touch: rcgen. Must not touch: streams.
//! Invariant: all leaves hold one key, so that only the certificates differ.

use orb_env::Wall;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls_pki_types::CertificateDer;

use crate::tls::CaError;

use super::handshakes::Handshakes;

/// Certificates that fill a chain of 100 KB.
const CHAIN_CERTIFICATES: usize = 250;

const MICROS_PER_YEAR: i64 = 31_556_952_000_000;

/// An authority, and a key for every leaf.
pub(super) struct Authority {
    root: CertifiedIssuer<'static, KeyPair>,
    leaf_key: KeyPair,
    /// The year at hand.
    year: i32,
}

type Issuer = CertifiedIssuer<'static, KeyPair>;

impl Authority {
    pub(super) fn new(wall: Wall) -> Result<Authority, CaError> {
        let year = 1970 + i32::try_from(wall.0 / MICROS_PER_YEAR).unwrap_or(0);
        Ok(Authority {
            root: CertifiedIssuer::self_signed(
                authority("Hostile root", year),
                KeyPair::generate()?,
            )?,
            leaf_key: KeyPair::generate()?,
            year,
        })
    }

    pub(super) fn certificate(&self) -> CertificateDer<'static> {
        self.root.der().clone()
    }

    pub(super) fn pem(&self) -> String {
        self.root.pem()
    }

    pub(super) fn leaf_key_der(&self) -> Vec<u8> {
        self.leaf_key.serialize_der()
    }

    /// What the server of `case` sends.
    pub(super) fn chain(&self, case: &str) -> Result<Vec<CertificateDer<'static>>, CaError> {
        let mut leaf = self.leaf(case)?;
        if case == "unknown-critical-extension" {
            let mut extension =
                CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99_999, 1], vec![5, 0]);
            extension.set_criticality(true);
            leaf.custom_extensions.push(extension);
        }
        let by = |issuer: &Issuer| {
            Ok::<_, CaError>(leaf.signed_by(&self.leaf_key, issuer)?.der().clone())
        };
        Ok(match case {
            "self-signed" => vec![leaf.self_signed(&self.leaf_key)?.der().clone()],
            "other-authority" => {
                let other = CertifiedIssuer::self_signed(
                    authority("Somebody else", self.year),
                    KeyPair::generate()?,
                )?;
                vec![by(&other)?, other.der().clone()]
            }
            "missing-intermediate" => vec![by(&self.intermediate(case)?)?],
            "good-by-intermediate" | "expired-intermediate" | "intermediate-without-authority" => {
                let issuer = self.intermediate(case)?;
                vec![by(&issuer)?, issuer.der().clone()]
            }
            "hundred-kilobyte-chain" => {
                let issuer = self.intermediate(case)?;
                let mut chain = vec![by(&issuer)?];
                chain.resize(CHAIN_CERTIFICATES, issuer.der().clone());
                chain
            }
            "forged-signature" => {
                let mut der = by(&self.root)?.to_vec();
                if let Some(last) = der.last_mut() {
                    *last ^= 1;
                }
                vec![CertificateDer::from(der)]
            }
            "malformed-certificate" => {
                vec![CertificateDer::from(b"\x30\x82no certificate".to_vec())]
            }
            _ => vec![by(&self.root)?],
        })
    }

    fn leaf(&self, case: &str) -> Result<CertificateParams, CaError> {
        let names = match case {
            "wrong-name" => vec!["other.test".to_owned()],
            "wildcard-too-deep" => vec!["*.test".to_owned()],
            "good-wildcard" => vec!["*.hostile.test".to_owned()],
            "common-name-only" => Vec::new(),
            _ => vec![Handshakes::HOST.to_owned(), "127.0.0.1".to_owned()],
        };
        let mut params = CertificateParams::new(names)?;
        params
            .distinguished_name
            .push(DnType::CommonName, Handshakes::HOST);
        let (from, until) = match case {
            "expired" => (self.year - 2, self.year - 1),
            "not-yet-valid" => (self.year + 2, self.year + 3),
            _ => (self.year - 1, self.year + 2),
        };
        (params.not_before, params.not_after) =
            (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![match case {
            "for-clients-only" => ExtendedKeyUsagePurpose::ClientAuth,
            _ => ExtendedKeyUsagePurpose::ServerAuth,
        }];
        if case == "leaf-with-authority" {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        Ok(params)
    }

    fn intermediate(&self, case: &str) -> Result<Issuer, CaError> {
        let mut params = authority("Hostile intermediate", self.year);
        if case == "expired-intermediate" {
            params.not_after = date_time_ymd(self.year - 1, 1, 1);
        }
        if case == "intermediate-without-authority" {
            params.is_ca = IsCa::ExplicitNoCa;
        }
        Ok(CertifiedIssuer::signed_by(
            params,
            KeyPair::generate()?,
            &self.root,
        )?)
    }
}

fn authority(name: &str, year: i32) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = (
        date_time_ymd(year - 5, 1, 1),
        date_time_ymd(year + 10, 1, 1),
    );
    params
}
