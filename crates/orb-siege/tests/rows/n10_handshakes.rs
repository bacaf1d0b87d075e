//! N10: certificates and handshakes.
use orb_fetch::TlsVerify;

use super::*;

const CLASSES: &[Expected] = &[
    ("good", "whole", Some("hello")),
    ("good-1-2", "whole", Some("hello")),
    ("good-by-intermediate", "whole", Some("hello")),
    ("good-wildcard", "whole", Some("hello")),
    ("good-close-without-notice", "disconnect", Some("hello")),
    ("expired", "tls_expired", None),
    ("not-yet-valid", "tls_not_yet_valid", None),
    ("wrong-name", "tls_name", None),
    ("wildcard-too-deep", "tls_name", None),
    ("common-name-only", "tls_name", None),
    ("self-signed", "tls_unknown_issuer", None),
    ("other-authority", "tls_unknown_issuer", None),
    ("missing-intermediate", "tls_unknown_issuer", None),
    ("expired-intermediate", "tls_expired", None),
    ("intermediate-without-authority", "tls_certificate", None),
    ("leaf-with-authority", "tls_certificate", None),
    ("for-clients-only", "tls_certificate", None),
    ("forged-signature", "tls_certificate", None),
    ("malformed-certificate", "tls_certificate", None),
    ("unknown-critical-extension", "tls_certificate", None),
    ("hundred-kilobyte-chain", "tls_protocol", None),
    ("version-1-0", "tls_version", None),
    ("version-alert", "tls_version", None),
    ("unknown-name-alert", "tls_name", None),
    ("failure-alert", "tls_alert", None),
    ("plain-text", "tls_protocol", None),
    ("silence", "tls_timeout", None),
    ("half-a-record", "tls_timeout", None),
    ("closed-at-once", "tls_disconnect", None),
    ("reset-in-handshake", "tls_disconnect", None),
    ("key-update-flood", "tls_protocol", None),
];

/// Each has its class; handshakes end at their limit; nothing falls back to plain text.
#[test]
fn n10_each_handshake_has_its_class() {
    check(HostileRow::N10, CLASSES);
    besiege(async |siege: Siege| {
        for &(case, ..) in CLASSES {
            let dialled = siege.net.watch().dialled.len();
            let exchange = siege.get(HostileRow::N10, case).await;
            assert_eq!(
                siege.net.watch().dialled.len(),
                dialled + 1,
                "{case}: asked once"
            );
            let took = exchange.timings.total.unwrap();
            assert!(took.as_secs() <= 10, "{case} took {took:?}");
        }
    });
}

/// In record mode the page of a bad certificate is kept, with what is wrong with it; broken handshakes stay broken.
#[test]
fn n10_record_mode_keeps_the_page_and_the_verdict() {
    besiege(async |siege: Siege| {
        let fetcher = siege.fetcher_that(TlsVerify::Record);
        for &(case, expected, _) in CLASSES {
            let is_certificate = matches!(
                expected,
                "tls_expired" | "tls_not_yet_valid" | "tls_unknown_issuer" | "tls_certificate"
            ) || matches!(
                case,
                "wrong-name" | "wildcard-too-deep" | "common-name-only"
            );
            let exchange = siege.send(&fetcher, HostileRow::N10, case).await;
            // Of these no key can be read that the handshake could be signed with.
            let is_unreadable =
                matches!(case, "malformed-certificate" | "unknown-critical-extension");
            if is_unreadable || !is_certificate {
                assert_eq!(class(&exchange), expected, "{case}");
                continue;
            }
            assert_eq!(class(&exchange), "whole", "{case}");
            let verdict = exchange.tls.and_then(|tls| tls.verify_error);
            assert_eq!(verdict.as_deref(), Some(expected), "{case}");
        }
    });
}
