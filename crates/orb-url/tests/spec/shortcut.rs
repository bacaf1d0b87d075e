//! The short way is the long way: what `join` and `parse` give is what the URL Standard's parser
//! and our rules give, whatever the link and the base.

use orb_url::{BaseUrl, CrawlKey, CrawlUrl, Linker, UrlError};
use proptest::prelude::*;
use serde_json::Value;

use crate::grammar::{self, BASES, ENDS, HOSTS, SEGMENTS, STARTS};
use crate::properties::{addresses, config, pieces};

fn page() -> BaseUrl {
    BaseUrl::new(&CrawlUrl::parse("http://page.example/").expect("valid"))
}

/// `Ok` is compared with its parts and its site, `Err` with all it says.
fn assert_same(short: &Result<CrawlUrl, UrlError>, long: &Result<CrawlUrl, UrlError>, of: &str) {
    assert_eq!(short, long, "{of:?}");
    let (Ok(short), Ok(long)) = (short, long) else {
        return;
    };
    assert_eq!(short.host(), long.host(), "{of:?}");
    assert_eq!(short.port(), long.port(), "{of:?}");
    assert_eq!(short.path(), long.path(), "{of:?}");
    assert_eq!(short.query(), long.query(), "{of:?}");
    assert_eq!(short.site(), long.site(), "{of:?}");
    assert_eq!(short.surt(), long.surt(), "{of:?}");
}

fn check(base: &BaseUrl, href: &str) {
    let long = base.join_by_standard(href);
    assert_same(&base.join(href), &long, href);
    let parsed = CrawlUrl::parse_by_standard(href);
    assert_same(&CrawlUrl::parse(href), &parsed, href);
    check_keys(base, href, &long);
}

/// The keys made on the way are those of the URL.
fn check_keys(base: &BaseUrl, href: &str, long: &Result<CrawlUrl, UrlError>) {
    let key = CrawlKey::new([9; 16]);
    let mut linker = Linker::new(key);
    let mut page = linker.page(base);
    // Twice: the second time the origin is remembered.
    for _ in 0..2 {
        let (link, url) = match (page.link(href), long) {
            (Ok(link), Ok(url)) => (link, url),
            (Err(link), Err(url)) => {
                assert_eq!(link, *url, "{href:?}");
                continue;
            }
            (link, url) => panic!("{href:?}: {:?}, {url:?}", link.map(|link| link.to_url())),
        };
        let mut surt = String::new();
        link.push_surt(&mut surt);
        assert_eq!(surt, url.surt(), "{href:?}");
        assert_eq!(link.as_str(), url.as_str(), "{href:?}");
        assert_eq!(link.fingerprint(), key.fingerprint(url), "{href:?}");
        assert_eq!(link.site_str(), url.site().as_str(), "{href:?}");
        assert_eq!(link.site_hash(), key.site_hash(&url.site()), "{href:?}");
        assert_same(&Ok(link.to_url()), &Ok(url.clone()), href);
    }
}

fn links() -> impl Strategy<Value = String> {
    let tail = (
        prop::collection::vec(prop::sample::select(SEGMENTS), 0..6),
        prop::sample::select(ENDS),
    )
        .prop_map(|(segments, end)| format!("{}{end}", segments.join("/")));
    let start = (
        prop::sample::select(STARTS),
        prop::sample::select(HOSTS),
        prop::sample::select(&["/", ""][..]),
    )
        .prop_map(|(start, host, slash)| format!("{start}{host}{slash}"));
    let start = prop_oneof![
        3 => start,
        2 => Just("/".to_owned()),
        2 => Just(String::new()),
    ];
    prop_oneof![
        6 => (start, tail).prop_map(|(start, tail)| format!("{start}{tail}")),
        1 => addresses(),
        1 => pieces(),
    ]
}

proptest! {
    #![proptest_config(config(30_000))]

    #[test]
    fn links_of_any_form_come_out_the_same(base in prop::sample::select(BASES), href in links()) {
        if let Some(base) = page().rebased(base) {
            check(&base, &href);
        }
    }

    /// A base is kept in its canonical form; no link may tell.
    #[test]
    fn bases_of_any_form_are_the_same(base in links(), href in links()) {
        let moved = page().rebased(&base);
        let parsed = url::Url::parse("http://page.example/").expect("valid");
        let expected = parsed.join(&base).ok();
        if let (Some(moved), Some(expected)) = (moved, expected) {
            if let Ok(joined) = expected.join(&href)
                && let Ok(short) = moved.join(&href)
                && !base.starts_with('/') && !href.starts_with('/')
            {
                assert_eq!(CrawlUrl::parse(joined.as_str()), Ok(short), "{base:?} {href:?}");
            }
            check(&moved, &href);
        }
    }
}

/// Every byte, alone and between others, in each part of a link.
#[test]
fn every_byte_in_every_place_comes_out_the_same() {
    let bases = ["https://www.example.com/a/b?c", "http://h:8080/"];
    let bases = bases.map(|base| page().rebased(base).expect("valid"));
    for byte in 0..=0x7f_u8 {
        let byte = char::from(byte);
        for shape in [
            "#",
            "a#b",
            "/#",
            "/a#b",
            "/a/#/b",
            "?#",
            "?a#b",
            "//#",
            "//a#b",
            "//a.#",
            "//a#/",
            "http://a#b/c",
            "http://a:8#/c",
            "http://a/#",
            "http://a/b#c",
            "http://a?b#c",
            "htt#://a/",
            "/.#",
            "/a/..#",
            "/%#4",
            "/%4#",
            "?%#e",
            "?%e#",
            "/%2#",
            "#:",
            "a#:b",
        ] {
            let href = shape.replacen('#', &byte.to_string(), 1);
            for base in &bases {
                check(base, &href);
                check(base, &format!("{href}#x"));
            }
        }
    }
}

/// The limits of length, from both sides.
#[test]
fn long_links_come_out_the_same() {
    let base = page();
    for bytes in [
        2_020, 2_027, 2_028, 2_029, 2_030, 2_040, 2_048, 2_049, 65_535, 65_536, 65_537,
    ] {
        let run = "a".repeat(bytes);
        for href in [
            format!("/{run}"),
            format!("?{run}"),
            format!("#{run}"),
            format!("http://h/{run}"),
            format!("{run}:"),
            format!("/{run}/../b"),
            " ".repeat(bytes),
            format!("//{}/", &run[..bytes.min(300)]),
            format!("//{}b/", "a.".repeat(bytes.min(300) / 2)),
        ] {
            check(&base, &href);
        }
    }
    for bytes in 250..256 {
        let name = "a.".repeat(bytes / 2) + &"b".repeat(1 + bytes % 2);
        check(&base, &format!("http://{name}/"));
    }
}

/// The URL Standard's vectors, with their bases and as links of an http page.
#[test]
fn the_standards_vectors_come_out_the_same() {
    let Some(text) = crate::corpora::read("wpt-url/urltestdata.json") else {
        return;
    };
    let all: Vec<Value> = serde_json::from_str(&text).expect("the vectors are JSON");
    let mut cases = 0;
    for vector in all.iter().filter(|vector| vector.is_object()) {
        let input = vector["input"].as_str().expect("an input");
        check(&page(), input);
        if let Some(base) = vector["base"]
            .as_str()
            .and_then(|base| page().rebased(base))
        {
            check(&base, input);
        }
        cases += 1;
    }
    println!("corpora: {cases} cases");
    assert_eq!(cases, 891);
}

/// The list that the long run draws from reaches the short way and the long one.
#[test]
fn generated_links_come_out_the_same() {
    struct Steps(u64);
    impl grammar::Numbers for Steps {
        fn below(&mut self, bound: usize) -> usize {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (self.0 >> 33) as usize % bound
        }
    }
    let mut steps = Steps(6);
    for _ in 0..20_000 {
        let base = grammar::one_of(BASES, &mut steps);
        let href = grammar::link(&mut steps);
        check(&page().rebased(base).expect("valid"), &href);
    }
}
