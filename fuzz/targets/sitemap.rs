//! Sitemaps and feeds: limits hold, and what is there of a body lists the beginning of what the whole one lists.
//!
//! In: two bytes that choose where a body is cut, a body. Out: a panic where the reader breaks a promise. May touch:
//! `orb-feeds`.
//! Invariant: what is asserted holds for every input.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orb_feeds::{Sitemap, SitemapKind, SitemapLimits, looks_like_sitemap, read_sitemap};

fuzz_target!(|bytes: &[u8]| {
    let Some((&[high, low], body)) = bytes.split_first_chunk() else {
        return;
    };
    let whole = read_sitemap(body, &SitemapLimits::default());
    check(&whole, &SitemapLimits::default());
    let small = SitemapLimits {
        unpacked_bytes_max: 4_096,
        entries_max: 4,
        location_bytes_max: 32,
    };
    check(&read_sitemap(body, &small), &small);
    let cut = body.len() * usize::from(u16::from_be_bytes([high, low])) / 65_536;
    let part = read_sitemap(&body[..cut], &SitemapLimits::default());
    // The last line of a text may be a part of one.
    if whole.kind != SitemapKind::Text && part.kind != SitemapKind::Text {
        assert!(whole.entries.starts_with(&part.entries));
    }
    if looks_like_sitemap(body) {
        assert!(!matches!(whole.kind, SitemapKind::Text | SitemapKind::Unknown));
    }
});

fn check(sitemap: &Sitemap, limits: &SitemapLimits) {
    assert!(sitemap.bytes_read <= limits.unpacked_bytes_max);
    assert!(sitemap.entries.len() <= limits.entries_max);
    assert!(sitemap.kind != SitemapKind::Unknown || sitemap.entries.is_empty());
    for entry in &sitemap.entries {
        assert!(!entry.location.is_empty() && entry.location.len() <= limits.location_bytes_max);
        assert!(!entry.location.contains(char::is_control));
        // From 1990 on, and of four digits.
        assert!(entry.modified.is_none_or(|date| {
            (631_152_000_000_000..253_402_400_000_000_000).contains(&date.0)
        }));
    }
    for (at, oddity) in sitemap.oddities.iter().enumerate() {
        assert!(oddity.count > 0);
        assert!(sitemap.oddities[..at].iter().all(|one| one.kind != oddity.kind));
    }
}
