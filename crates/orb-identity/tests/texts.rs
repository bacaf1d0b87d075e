//! The texts for site owners say what is in force, and nothing that is put into them becomes markup.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use orb_identity::{Introduction, Manners, host_of, page, ranges, reverse_zone};

fn about() -> Introduction {
    Introduction {
        product: "orbweaver".into(),
        user_agent: "orbweaver/1.0 (+me@example.org)".into(),
        from: "me@example.org".into(),
        contact: "me@example.org".into(),
        addresses: vec![
            "192.0.2.0/30".parse().unwrap(),
            "2001:db8::7/128".parse().unwrap(),
        ],
        domain: Some("crawl.example.org".into()),
        manners: Manners {
            site_delay: Duration::from_millis(1_500),
            site_delay_factor: 5,
            address_delay: Duration::from_millis(500),
            crawl_delay_max: Duration::from_secs(300),
            retry_after_max: Duration::from_secs(86_400),
            robots_fresh_for: Duration::from_secs(86_400),
        },
    }
}

#[test]
fn the_page_says_who_how_and_where_from() {
    let page = page(&about());
    for words in [
        "mailto:me@example.org",
        "User-Agent: orbweaver/1.0 (+me@example.org)",
        "From: me@example.org",
        "User-agent: orbweaver\nDisallow: /",
        "waits 1500 milliseconds after each answer, and at least 5 times",
        "above 5 minutes your site is not crawled",
        "up to 24 hours",
        "192.0.2.0/30\n2001:db8::7/128",
        "crawl-192-0-2-0.crawl.example.org",
    ] {
        assert!(page.contains(words), "{words}\n{page}");
    }
}

#[test]
fn what_is_not_known_is_not_claimed() {
    let bare = Introduction {
        addresses: Vec::new(),
        domain: None,
        from: String::new(),
        contact: "https://example.org/bot?a=1&b=2".into(),
        ..about()
    };
    let page = page(&bare);
    assert!(page.contains("<a href=\"https://example.org/bot?a=1&amp;b=2\">"));
    assert!(!page.contains("From:"), "{page}");
    assert!(!page.contains("come from these addresses"), "{page}");
    assert!(page.contains("Anybody can write our name"), "{page}");
}

#[test]
fn values_never_become_markup() {
    let hostile = "\"><script>x</script>\u{1b}[2J\r\n'";
    let page = page(&Introduction {
        product: hostile.into(),
        user_agent: hostile.into(),
        from: hostile.into(),
        contact: hostile.into(),
        domain: Some(hostile.into()),
        ..about()
    });
    assert!(!page.contains("<script"), "{page}");
    assert!(!page.contains('\u{1b}'), "{page}");
    assert!(!page.contains("\"><"), "{page}");
}

#[test]
fn ranges_are_the_json_that_firewalls_read() {
    let nets = [
        "192.0.2.128/25",
        "2001:db8::/64",
        "192.0.2.0/25",
        "192.0.2.7/32",
    ]
    .map(|net| net.parse().unwrap());
    let object: serde_json::Value =
        serde_json::from_str(&ranges(&nets, 1_795_000_000_000_000)).unwrap();
    let expected = serde_json::json!({
        "creationTime": "2026-11-18T11:06:40Z",
        "prefixes": [{"ipv4Prefix": "192.0.2.0/24"}, {"ipv6Prefix": "2001:db8::/64"}],
    });
    assert_eq!(object, expected);
}

#[test]
fn names_and_addresses_lead_to_each_other() {
    let zone = reverse_zone(&about().addresses, "crawl.example.org");
    for line in [
        "2.2.0.192.in-addr.arpa. IN PTR  crawl-192-0-2-2.crawl.example.org.",
        "crawl-192-0-2-2.crawl.example.org. IN A    192.0.2.2",
        "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. IN PTR  \
         crawl-2001-db8-0-0-0-0-0-7.crawl.example.org.",
        "crawl-2001-db8-0-0-0-0-0-7.crawl.example.org. IN AAAA 2001:db8::7",
    ] {
        assert!(zone.lines().any(|found| found == line), "{line}\n{zone}");
    }
    assert_eq!(
        zone.lines()
            .filter(|line| line.contains("arpa. IN PTR"))
            .count(),
        5
    );
    // A range that is too large to list is shown by its first address.
    let large = reverse_zone(&["2001:db8::/64".parse().unwrap()], "crawl.example.org");
    assert_eq!(
        large
            .lines()
            .filter(|line| line.contains("arpa. IN PTR"))
            .count(),
        1
    );
    let v4 = host_of("192.0.2.7".parse().unwrap(), "x.example");
    assert_eq!(v4, "crawl-192-0-2-7.x.example");
}
