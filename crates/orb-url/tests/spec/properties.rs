//! What is true of every text.

use orb_url::{BaseUrl, CrawlKey, CrawlUrl, Origin, Site, parse_seed_line};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::grammar::PIECES;

/// One seed, so that a failure is the same everywhere.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(4),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

pub(crate) fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        9 => prop::sample::select(PIECES).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Mostly valid URLs, so that the rules behind the parser are reached.
pub(crate) fn addresses() -> impl Strategy<Value = String> {
    let host =
        prop::sample::select(&["example.com", "a.b.co.uk.", "[::1]", "B\u{fc}cher.x", "1.2"][..]);
    let port = prop::sample::select(&["", ":80", ":443", ":8080", ":"][..]);
    let scheme = prop::sample::select(&["http://", "https://", "https://u:p@"][..]);
    (scheme, host, port, pieces())
        .prop_map(|(scheme, host, port, rest)| format!("{scheme}{host}{port}/{rest}"))
}

fn assert_parts_agree(url: &CrawlUrl) {
    let text = url.as_str();
    assert!(
        text.len() <= 2_048 && text.bytes().all(|b| b.is_ascii_graphic()),
        "{text}"
    );
    assert_eq!(
        format!(
            "{}://{}{}",
            url.scheme().as_str(),
            url.authority(),
            url.path_and_query()
        ),
        text
    );
    let query = url
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    assert_eq!(format!("{}{query}", url.path()), url.path_and_query());
    assert!(
        url.path().starts_with('/') && !url.path().contains(['?', '#']),
        "{text}"
    );
    let port = format!(":{}", url.port());
    let shown_port = url.authority().strip_prefix(url.host());
    assert!(
        shown_port == Some("") || shown_port == Some(&port),
        "{text}"
    );
    assert_eq!(
        shown_port == Some(""),
        url.port() == url.scheme().default_port(),
        "{text}"
    );
    let origin = url.origin();
    assert_eq!(format!("{origin}{}", url.path_and_query()), text);
    assert_eq!((origin.host(), origin.port()), (url.host(), url.port()));
    assert_eq!(Origin::parse(origin.as_str()).as_ref(), Ok(&origin));
    let site = url.site();
    assert!(
        url.host() == site.as_str() || url.host().ends_with(&format!(".{site}")),
        "{text}"
    );
    assert_eq!(Site::of_host(site.as_str()), site, "{text}");
    assert_eq!(origin.site(), site);
}

fn assert_stands_for_itself(url: &CrawlUrl) {
    let again = CrawlUrl::parse(url.as_str());
    assert_eq!(again.as_ref(), Ok(url));
    let page = CrawlUrl::parse("http://page.example/a?b").expect("valid");
    assert_eq!(page.join(url.as_str()).as_ref(), Ok(url));
    let stored = CrawlUrl::from_stored(url.as_str()).expect("canonical text has the form");
    assert_eq!((stored.host(), stored.port()), (url.host(), url.port()));
    assert_eq!((stored.path(), stored.query()), (url.path(), url.query()));
    let json = serde_json::to_string(url).expect("a string");
    assert_eq!(
        serde_json::from_str::<CrawlUrl>(&json).ok().as_ref(),
        Some(url)
    );
    let key = CrawlKey::new([7; 16]);
    assert_eq!(key.fingerprint(&stored), key.fingerprint(url));
}

proptest! {
    #![proptest_config(config(4_000))]

    #[test]
    fn canonical_text_is_canonical(text in prop_oneof![addresses(), pieces()]) {
        if let Ok(url) = CrawlUrl::parse(&text) {
            assert_parts_agree(&url);
            assert_stands_for_itself(&url);
        }
    }

    #[test]
    fn links_and_bases_of_any_form_are_taken(base in pieces(), page in addresses(), href in pieces()) {
        if let Ok(page) = CrawlUrl::parse(&page) {
            let plain = BaseUrl::new(&page);
            let moved = plain.rebased(&base).unwrap_or(plain);
            if let Ok(url) = moved.join(&href) {
                assert_parts_agree(&url);
                assert_stands_for_itself(&url);
            }
        }
    }

    #[test]
    fn seed_lines_of_any_form_are_taken(line in pieces()) {
        if let Ok(Some(seed)) = parse_seed_line(&line) {
            assert_parts_agree(&seed.url);
            assert_stands_for_itself(&seed.url);
            assert_eq!(seed.http_fallback().is_some(), seed.bare_domain);
        }
    }

    /// Two URLs of one scheme share a SURT key only if they are equal.
    #[test]
    fn surt_keys_are_distinct(hosts in prop::collection::vec("[a,)%.2C]{1,6}", 2), rest in "[,)/]{0,2}") {
        let urls: Vec<_> = hosts.iter().filter_map(|host| CrawlUrl::parse(&format!("http://{host}/{rest}")).ok()).collect();
        if let [a, b] = &urls[..] {
            assert_eq!(a == b, a.surt() == b.surt(), "{a} {b}");
        }
    }
}
