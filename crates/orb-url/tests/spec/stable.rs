//! What is stored and so never changes: fingerprints, site hashes, the list's version.
//!
//! The expected numbers were computed by a separate implementation of SipHash-2-4, itself held
//! to the vector of the algorithm's paper.

use orb_url::{CrawlKey, CrawlUrl, Fingerprint, PSL_VERSION, Site};

const COUNTING: CrawlKey = CrawlKey::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);

#[test]
fn fingerprints_never_change() {
    let check = |text: &str, zero: u64, counting: u64| {
        let url = CrawlUrl::parse(text).expect("the test's URL is valid");
        assert_eq!(url.as_str(), text);
        assert_eq!(
            CrawlKey::ZERO.fingerprint(&url),
            Fingerprint(zero),
            "{text}"
        );
        assert_eq!(COUNTING.fingerprint(&url), Fingerprint(counting), "{text}");
    };
    check(
        "https://example.com/",
        0xc409_b93e_a019_5b5c,
        0x77c2_a103_b2a1_25c8,
    );
    check(
        "http://example.com/",
        0xf672_c72b_3564_a27f,
        0x9703_3e42_17c7_3187,
    );
    check(
        "https://www.example.com:8080/a/b?c=d",
        0x95b8_8a6a_17ce_5878,
        0xd0f6_6144_245d_279d,
    );
    check(
        "http://[::1]/",
        0x93e8_4cc0_6d75_00e4,
        0x7b15_da72_e2e5_ac45,
    );
    check(
        "https://xn--bcher-kva.example/%E4?q=%20",
        0xaa40_0376_9fee_662e,
        0xdfbc_b88e_3cb7_b724,
    );
}

#[test]
fn site_hashes_never_change() {
    let check = |host: &str, zero: u64, counting: u64| {
        let site = Site::of_host(host);
        assert_eq!(site.as_str(), host);
        assert_eq!(CrawlKey::ZERO.site_hash(&site), zero, "{host}");
        assert_eq!(COUNTING.site_hash(&site), counting, "{host}");
    };
    check("example.com", 0x55b1_2b92_dcba_9fa9, 0x1a95_fc69_00ff_cede);
    check("a.github.io", 0xcbba_7b15_cd3d_cca6, 0x8118_ff31_20b9_c86f);
    check("127.0.0.1", 0xf610_192b_a497_7b4f, 0x285c_a5c6_4e64_46a0);
    check("[::1]", 0x3387_2362_b3ec_a718, 0x6b63_4342_b810_229f);
    check("co.uk", 0xee79_b6db_1606_6f32, 0x4b1d_f44e_c00b_96b6);
    check(
        "xn--bcher-kva.example",
        0x234c_7cce_2820_fc72,
        0xabda_c6f6_c5a2_47b3,
    );
}

#[test]
fn a_fingerprint_is_16_hex_digits() {
    let print = Fingerprint(0xab);
    assert_eq!(print.to_string(), "00000000000000ab");
    assert_eq!("00000000000000AB".parse(), Ok(print));
    for bad in [
        "",
        "ab",
        "+0000000000000ab",
        "00000000000000abc",
        "00000000000000ag",
    ] {
        assert!(bad.parse::<Fingerprint>().is_err(), "{bad:?}");
    }
    let json = serde_json::to_string(&print).unwrap();
    assert_eq!(json, "\"00000000000000ab\"");
    assert_eq!(serde_json::from_str::<Fingerprint>(&json).unwrap(), print);
    assert!(serde_json::from_str::<Fingerprint>("171").is_err());
}

#[test]
fn a_key_keeps_its_bytes_and_hides_them() {
    assert_eq!(CrawlKey::new(COUNTING.to_bytes()), COUNTING);
    assert_eq!(format!("{COUNTING:?}"), "CrawlKey(secret)");
    assert_eq!(format!("{:?}", CrawlKey::ZERO), "CrawlKey(published)");
}

/// Another list moves hosts between sites, hence stored keys: updating it is a decision, which
/// this constant records.
#[test]
fn the_version_of_the_list_is_the_one_compiled_in() {
    let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock");
    let lock = std::fs::read_to_string(lock).expect("the workspace has a lock file");
    let version = lock
        .split("[[package]]")
        .find_map(|package| {
            package
                .trim_start()
                .strip_prefix("name = \"psl\"\nversion = ")
        })
        .and_then(|rest| rest.lines().next());
    assert_eq!(version, Some(format!("\"{PSL_VERSION}\"").as_str()));
}
