//! Properties over generated documents: nothing panics, limits hold, and a part lists the beginning of the whole.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use orb_feeds::{Sitemap, SitemapKind, SitemapLimits, looks_like_sitemap, read_sitemap};
use proptest::prelude::*;

fn limits() -> SitemapLimits {
    SitemapLimits {
        unpacked_bytes_max: 2_000,
        entries_max: 8,
        location_bytes_max: 30,
    }
}

/// Pieces of sitemaps and feeds, right and wrong.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "<url><loc>/[a-z]{0,5}</loc>(<lastmod>20[0-9]{2}-[01][0-9]-[0-3][0-9](T[0-9:+Z]{0,12})?</lastmod>)?</url>",
        2 => "<(item|entry)><(link|guid)>/?[a-zé]{0,4}</(link|guid)><(pubDate|updated)>[ -~]{0,10}</updated></(item|entry)>",
        2 => "</?(sm:|image:)?(url|sitemap|loc|lastmod|item|entry|link|x)>",
        1 => "<link( rel='[a-z]{0,9}')? href='[a-z&;#/]{0,9}'/>",
        1 => "<!\\[CDATA\\[[a-z<&]{0,5}\\]\\]>|<!--[a-z]{0,3}-->|&[a-z#0-9]{0,4};?|<!DOCTYPE x \\[<!ENTITY a 'b'>\\]>",
        1 => "\\PC{0,6}",
        1 => "\n?https?://[a-z]{0,6}\n",
    ]
}

fn document() -> impl Strategy<Value = Vec<u8>> {
    let head = prop_oneof![
        "(\u{FEFF})?(<\\?xml version='1.0'( encoding='(utf-8|latin1|utf-16|shift_jis|utf-7|x)')?\\?>)?",
        "\n{0,2}"
    ];
    let root = prop_oneof![
        4 => Just("<urlset>"),
        1 => Just("<sitemapindex>"),
        1 => Just("<sm:urlset>"),
        2 => Just("<rss><channel>"),
        1 => Just("<feed>"),
        1 => Just(""),
    ];
    let bytes = prop::collection::vec(any::<u8>(), 0..4);
    (
        head,
        root,
        prop::collection::vec(piece(), 0..14),
        bytes,
        any::<bool>(),
    )
        .prop_map(|(head, root, pieces, bytes, wide)| {
            let text = format!("{head}{root}{}", pieces.concat());
            if wide && bytes.is_empty() {
                return text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            }
            let mut document = text.into_bytes();
            let at = document.len() / 2;
            document.splice(at..at, bytes);
            document
        })
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(bytes).expect("memory takes everything");
    gzip.finish().expect("memory takes everything")
}

fn check_limits(sitemap: &Sitemap, limits: &SitemapLimits) -> Result<(), TestCaseError> {
    prop_assert!(sitemap.bytes_read <= limits.unpacked_bytes_max);
    prop_assert!(sitemap.entries.len() <= limits.entries_max);
    prop_assert!(sitemap.oddities.len() < 20);
    for entry in &sitemap.entries {
        let location = &entry.location;
        prop_assert!(!location.is_empty() && location.len() <= limits.location_bytes_max);
        prop_assert!(!location.contains(char::is_control), "{location:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..600)) {
        check_limits(&read_sitemap(&body, &limits()), &limits())?;
        prop_assert!(!looks_like_sitemap(&body) || body.len() > 4);
    }

    #[test]
    fn limits_hold(document in document()) {
        check_limits(&read_sitemap(&document, &limits()), &limits())?;
        let packed = read_sitemap(&gzip(&document), &limits());
        check_limits(&packed, &limits())?;
        prop_assert_eq!(packed, read_sitemap(&document, &limits()));
    }

    #[test]
    fn a_part_lists_the_beginning_of_the_whole(document in document(), at in 0.0..1.0f64, packed in any::<bool>()) {
        let limits = SitemapLimits::default();
        let whole = read_sitemap(&document, &limits);
        prop_assume!(whole.kind != SitemapKind::Text);
        let body = if packed { gzip(&document) } else { document };
        let cut = &body[..(body.len() as f64 * at) as usize];
        let part = read_sitemap(cut, &limits);
        prop_assume!(part.kind != SitemapKind::Text);
        prop_assert!(whole.entries.starts_with(&part.entries), "{:?}\n{:?}", whole, part);
        if !part.entries.is_empty() {
            prop_assert_eq!(part.kind, whole.kind);
        }
    }
}
