//! Files as they come: encodings, line ends, misspellings, sizes, records outside the RFC.

use std::time::Duration;

use orb_robots::limits::{ODDITIES_MAX, ROBOTS_BYTES_MAX, SITEMAPS_MAX, USAGE_LINES_MAX};
use orb_robots::{Access, Oddity, ProductToken, Robots, UsageKind};

use Access::{Allow, Disallow};

fn parse(body: &[u8]) -> Robots {
    Robots::parse(body, &ProductToken::new("orbweaver").expect("letters"))
}

#[track_caller]
fn check(body: &[u8], path: &str, expected: Access) {
    let verdict = parse(body).access(path);
    assert_eq!(verdict.access, expected, "{path}: {verdict:?}");
}

const PLAIN: &str = "User-agent: *\nDisallow: /a\nAllow: /a/b\n";

/// A file that forbids `/a` in its first lines and `/z` on the last, `bytes` long in all.
fn file_of(bytes: usize) -> Vec<u8> {
    let last = b"Disallow: /zone\n";
    let mut body = PLAIN.as_bytes().to_vec();
    while body.len() + last.len() < bytes {
        let room = (bytes - last.len() - body.len()).min(80);
        body.push(b'#');
        body.resize(body.len() + room.saturating_sub(2), b'x');
        if room > 1 {
            body.push(b'\n');
        }
    }
    body.extend_from_slice(last);
    assert_eq!(body.len(), bytes);
    body
}

#[test]
fn r1_the_first_500_kib_are_read() {
    check(&file_of(ROBOTS_BYTES_MAX), "/zone", Disallow);
    assert!(parse(&file_of(ROBOTS_BYTES_MAX)).oddities().is_empty());

    // One byte more, and it is the last line's end: the line is whole.
    check(&file_of(ROBOTS_BYTES_MAX + 1), "/zone", Disallow);

    // A line that crosses the limit is dropped whole; what stands of it would mean something else.
    for over in [2, 5, 9, 15] {
        let body = file_of(ROBOTS_BYTES_MAX + over);
        check(&body, "/zone", Allow);
        check(&body, "/a", Disallow);
        assert_eq!(
            parse(&body).oddities(),
            [Oddity::Cut {
                body_bytes: (ROBOTS_BYTES_MAX + over) as u64
            }]
        );
    }
}

#[test]
fn r1_a_gigabyte_costs_no_more_than_its_beginning() {
    // Reading ends at the limit, so a body many times as long gives the very same result.
    let long = file_of(64 * ROBOTS_BYTES_MAX);
    check(&long, "/a", Disallow);
    check(&long, "/zone", Allow);
    assert!(parse(&long).heap_bytes() < 4_096);

    // A line without end is never whole, even if it would forbid everything.
    let mut endless = b"User-agent: *\nDisallow: /".to_vec();
    endless.resize(2 * ROBOTS_BYTES_MAX, b' ');
    check(&endless, "/a", Allow);
}

#[test]
fn r1_line_ends_of_every_kind() {
    for end in ["\n", "\r\n", "\r", "\n\r", "\r\r\n"] {
        check(PLAIN.replace('\n', end).as_bytes(), "/a", Disallow);
        check(PLAIN.replace('\n', end).as_bytes(), "/a/b", Allow);
    }
    check(PLAIN.trim_end().as_bytes(), "/a/b", Allow);
    assert_eq!(
        parse(b"\r\n\rUser-agent: *\r\nDisallow: /\r\n")
            .access("/")
            .line,
        Some(4)
    );
}

#[test]
fn r1_byte_order_marks() {
    check(
        &[b"\xEF\xBB\xBF", PLAIN.as_bytes()].concat(),
        "/a",
        Disallow,
    );
    type Encode = fn(u16) -> [u8; 2];
    for (mark, encode) in [
        ([0xFF, 0xFE], u16::to_le_bytes as Encode),
        ([0xFE, 0xFF], u16::to_be_bytes as Encode),
    ] {
        let mut body = mark.to_vec();
        body.extend(PLAIN.encode_utf16().flat_map(encode));
        check(&body, "/a", Disallow);
        check(&body, "/a/b", Allow);
        assert_eq!(parse(&body).oddities(), [Oddity::Utf16]);
        body.push(0);
        check(&body, "/a", Disallow);
    }
    for stump in [
        &b"\xEF"[..],
        b"\xEF\xBB",
        b"\xFF",
        b"\xFE",
        b"\xFF\xFE",
        b"\xFE\xFF\x00",
        b"\xEF\xBB\xBF",
    ] {
        check(stump, "/a", Allow);
    }
}

#[test]
fn r1_nul_and_binary() {
    let body = b"\0\0User-agent: *\0\nDisallow: /a\0\nDisallow: /c\0d\n\xff\xfe\x80 \x01: \xc3\n";
    check(body, "/a", Disallow);
    check(body, "/c%00d", Disallow);
    check(body, "/c", Allow);
    assert_eq!(parse(body).oddities(), [Oddity::NulBytes]);

    let noise: Vec<u8> = (0..ROBOTS_BYTES_MAX)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8)
        .collect();
    check(&noise, "/a", Allow);
    check(&vec![0; ROBOTS_BYTES_MAX], "/a", Allow);
    check(&vec![b'\n'; ROBOTS_BYTES_MAX], "/a", Allow);
    check(&vec![b':'; ROBOTS_BYTES_MAX], "/a", Allow);
}

#[test]
fn r1_a_web_page_has_no_rules() {
    let page = b"<!DOCTYPE html>\n<html><head><title>Not found</title></head>\n<body style=\"color: red\">User-agent: *\n";
    check(page, "/a", Allow);
    assert_eq!(parse(page).oddities()[0], Oddity::Html);
    let long = page.repeat(ROBOTS_BYTES_MAX / page.len());
    check(&long, "/a", Allow);
    assert_eq!(parse(&long).oddities().len(), ODDITIES_MAX);
}

#[test]
fn blanks_comments_and_case_do_not_matter() {
    for body in [
        "user-agent:*\ndisallow:/a",
        "USER-AGENT : *\nDISALLOW :/a",
        "  \tUser-agent\t:\t * \t\n\t Disallow \t: /a \t",
        "User-agent: * # all\nDisallow: /a# and below",
        "# User-agent: x\nUser-agent: *\n#Allow: /a\nDisallow: /a",
    ] {
        check(body.as_bytes(), "/a", Disallow);
        assert!(parse(body.as_bytes()).oddities().is_empty(), "{body}");
    }
}

#[test]
fn common_misspellings_are_taken_as_meant() {
    for agent in ["Useragent: *", "User agent: *", "User-agent *"] {
        for rule in [
            "Dissallow: /a",
            "Disalow: /a",
            "dissalow: /a",
            "Diasllow: /a",
            "disallaw: /a",
            "Disallow /a",
        ] {
            let body = format!("{agent}\n{rule}\n");
            check(body.as_bytes(), "/a", Disallow);
            assert_eq!(
                parse(body.as_bytes()).oddities(),
                [1, 2].map(|line| Oddity::Misspelt { line }),
                "{body}"
            );
        }
    }
    for nothing in [
        "Disallow /a /b",
        "Forbid: /a",
        "Disallowed: /a",
        "Disallow=/a",
        "Disallow",
    ] {
        check(format!("User-agent: *\n{nothing}").as_bytes(), "/a", Allow);
    }
}

#[test]
fn oddities_name_their_lines() {
    let body = "Disallow: /\nUser-agent: \nhello\nDisallow: a\nCrawl-delay: soon\nSitemap:\nUser-agent: *\n";
    assert_eq!(
        parse(body.as_bytes()).oddities(),
        [
            Oddity::OutsideGroup { line: 1 },
            Oddity::BadAgent { line: 2 },
            Oddity::NoRecord { line: 3 },
            Oddity::BadPattern { line: 4 },
            Oddity::BadCrawlDelay { line: 5 },
            Oddity::LeftOut { line: 6 },
        ]
    );
}

#[test]
fn the_longest_crawl_delay_of_the_merged_group_counts() {
    let delay = |body: &str| parse(body.as_bytes()).crawl_delay();
    let seconds = |s| Some(Duration::from_secs_f64(s));
    // Only rules part groups: in the third file both agents share one.
    assert_eq!(delay("User-agent: *\nCrawl-delay: 10\n"), seconds(10.0));
    assert_eq!(
        delay("User-agent: *\nCrawl-delay: 2.5\nCrawl-delay: x\nCrawl-delay: 1\n"),
        seconds(2.5)
    );
    assert_eq!(
        delay("User-agent: orbweaver\nCrawl-delay: 2\nUser-agent: *\nCrawl-delay: 9\n"),
        seconds(9.0)
    );
    assert_eq!(
        delay("User-agent: orbweaver\nCrawl-delay: 2\nAllow: /\nUser-agent: *\nCrawl-delay: 9\n"),
        seconds(2.0)
    );
    assert_eq!(
        delay("User-agent: orbweaver\nAllow: /\nUser-agent: *\nCrawl-delay: 9\n"),
        None
    );
    assert_eq!(
        delay(
            "User-agent: orbweaver\nCrawl-delay: 2\nAllow: /\nUser-agent: orbweaver\nCrawl-delay: 3"
        ),
        seconds(3.0)
    );
    assert_eq!(delay("Crawl-delay: 5\nUser-agent: *\nDisallow: /a\n"), None);
    assert_eq!(
        delay("User-agent: *\nDisallow: /a\nCrawl-delay: 0\n"),
        seconds(0.0)
    );
    assert_eq!(delay(""), None);
}

#[test]
fn sitemaps_belong_to_the_whole_file() {
    let body = "Sitemap: https://a.b/1.xml\nUser-agent: x\nsitemap: https://a.b/2.xml # two\nDisallow: /\nSite-map: /3.xml\n";
    assert_eq!(
        parse(body.as_bytes()).sitemaps(),
        ["https://a.b/1.xml", "https://a.b/2.xml", "/3.xml"]
    );
    let many = "Sitemap: https://a.b/s.xml\n".repeat(SITEMAPS_MAX + 5);
    assert_eq!(parse(many.as_bytes()).sitemaps().len(), SITEMAPS_MAX);
    assert!(
        parse(format!("Sitemap: /{}", "s".repeat(2_048)).as_bytes())
            .sitemaps()
            .is_empty()
    );
}

#[test]
fn usage_preferences_of_our_group_are_kept_raw() {
    let body = "Content-Signal: search=yes\nUser-agent: *\nContent-Usage: /docs train-ai=n # no\nAllow: /\n\n\
                User-agent: other\nContent-Signal: ai-train=no\nAllow: /\n";
    let robots = parse(body.as_bytes());
    let usage: Vec<_> = robots
        .usage()
        .iter()
        .map(|u| (u.line, u.kind, u.value.as_str()))
        .collect();
    assert_eq!(
        usage,
        [
            (1, UsageKind::ContentSignal, "search=yes"),
            (3, UsageKind::ContentUsage, "/docs train-ai=n")
        ]
    );
    let many = format!(
        "User-agent: *\n{}",
        "Content-Usage: train-ai=n\n".repeat(USAGE_LINES_MAX + 5)
    );
    assert_eq!(parse(many.as_bytes()).usage().len(), USAGE_LINES_MAX);
}

/// draft-ietf-aipref-attach: of preferences with paths the longest match counts, as for rules; equal ones add up.
#[test]
fn usage_preferences_are_about_paths() {
    let body = "User-agent: *\nContent-Usage: train-ai=y\nContent-Usage: /docs/ train-ai=n\n\
                Content-Usage: /docs/ search=y\nContent-Usage: /*.pdf$ bots=n\nContent-Signal: ai-train=no\nAllow: /\n";
    let robots = parse(body.as_bytes());
    for (path, expected) in [
        ("/", "2 6"),
        ("/docs/a", "3 4 6"),
        ("/docs/a.pdf", "5 6"),
        ("/x.pdf#page", "5 6"),
        ("/doc", "2 6"),
    ] {
        let lines = robots
            .usage_of(path)
            .iter()
            .map(|line| line.line.to_string())
            .collect::<Vec<_>>();
        assert_eq!(lines.join(" "), expected, "{path}");
    }
    assert_eq!(
        robots.usage_of("/docs/")[0].to_string(),
        "Content-Usage: /docs/ train-ai=n"
    );
    assert!(
        parse(b"User-agent: *\nDisallow: /")
            .usage_of("/")
            .is_empty()
    );
}

#[test]
fn fixed_files_need_no_rules() {
    assert_eq!(Robots::allow_all().access("/a").access, Allow);
    assert_eq!(Robots::disallow_all().access("/a").access, Disallow);
    assert_eq!(Robots::disallow_all().access("/a").line, None);
}

/// Caches are bounded by this number, so it must grow with what is held.
#[test]
fn heap_bytes_follow_the_contents() {
    let empty = Robots::allow_all().heap_bytes();
    let rules = parse(
        format!(
            "User-agent: *\n{}",
            (0..1_000)
                .map(|n| format!("Disallow: /{n:04}*x\n"))
                .collect::<String>()
        )
        .as_bytes(),
    );
    assert!((1..512).contains(&empty), "{empty}");
    assert!(
        (50_000..250_000).contains(&rules.heap_bytes()),
        "{}",
        rules.heap_bytes()
    );
    let sitemaps = parse(&b"Sitemap: https://a.b/sitemap.xml\n".repeat(100));
    assert!(sitemaps.heap_bytes() >= empty + 100 * 24);
}

/// 50,000 rules of each kind that a file can hold, queried through the public door.
#[test]
fn r2_fifty_thousand_rules() {
    let kinds: [fn(usize) -> String; 4] = [
        |n| format!("/{n:x}"),
        |n| format!("/{n:x}$"),
        |n| format!("/*{n:x}z"),
        |n| format!("/a*{n:x}*$"),
    ];
    for kind in kinds {
        let rules: String = (0..50_000)
            .map(|n| format!("Disallow:{}\n", kind(n)))
            .collect();
        let robots = parse(format!("User-agent:*\n{rules}").as_bytes());
        assert_eq!(
            robots.access(&kind(0x123).replace(['*', '$'], "")).access,
            Disallow
        );
        assert_eq!(robots.access("/xyz").access, Allow);
        assert_eq!(
            robots.access(&format!("/x{}", "y".repeat(2_047))).access,
            Allow
        );
    }
}

/// The pattern whose naive matching takes more steps than there are atoms.
#[test]
fn r2_two_kib_of_stars() {
    let stars = "*a".repeat(1_000);
    for (end, expected) in [
        ("", Disallow),
        ("$", Disallow),
        ("b", Allow),
        ("b$", Allow),
        ("*b*", Allow),
    ] {
        let body = format!("User-agent: *\nDisallow: /{stars}{end}\n");
        check(
            body.as_bytes(),
            &format!("/{}", "a".repeat(2_047)),
            expected,
        );
    }
    check(
        format!("User-agent: *\nDisallow: /{stars}\n").as_bytes(),
        &format!("/{}", "a".repeat(999)),
        Allow,
    );
}
