//! Row C6 of the catalogue of faults: what XML and its packing can do to a reader.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::net::TcpListener;

use flate2::write::GzEncoder;
use flate2::{Compress, Compression, FlushCompress};
use orb_feeds::limits::{ENTRIES_MAX, LOCATION_BYTES_MAX, UNPACKED_BYTES_MAX};
use orb_feeds::{Cut, OddityKind, Sitemap, SitemapKind, SitemapLimits, read_sitemap};
use rustix::time::{ClockId, clock_gettime};

fn read(body: &[u8]) -> Sitemap {
    read_sitemap(body, &SitemapLimits::default())
}

fn has(sitemap: &Sitemap, kind: OddityKind) -> bool {
    sitemap.oddities.iter().any(|oddity| oddity.kind == kind)
}

fn thread_millis() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000 + time.tv_nsec / 1_000_000
}

#[test]
fn c6_entity_bombs_do_not_go_off() {
    let mut bomb = String::from("<!DOCTYPE urlset [<!ENTITY a0 'https://a.example/'>");
    for level in 1..=30 {
        let below = format!("&a{};", level - 1).repeat(10);
        write!(bomb, "<!ENTITY a{level} '{below}'>").unwrap();
    }
    bomb.push_str("]><urlset><url><loc>/&a30;</loc></url></urlset>");
    let sitemap = read(bomb.as_bytes());
    assert_eq!(sitemap.entries[0].location, "/&a30;");
    assert!(has(&sitemap, OddityKind::Dtd) && has(&sitemap, OddityKind::UnknownEntity));
}

/// Every way XML has to make a reader ask for something, against a server that would notice.
#[test]
fn c6_external_entities_ask_for_nothing() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let address = server.local_addr().unwrap();
    for text in [
        format!("<!DOCTYPE urlset SYSTEM 'http://{address}/x.dtd'><urlset><url><loc>/a</loc></url></urlset>"),
        format!(
            "<!DOCTYPE urlset [<!ENTITY x SYSTEM 'http://{address}/x'><!ENTITY % p SYSTEM 'http://{address}/p'> %p;]>\
             <urlset><url><loc>/a&x;</loc></url></urlset>"
        ),
        format!(
            "<?xml-stylesheet href='http://{address}/s.xsl'?><urlset xmlns:xi='http://www.w3.org/2001/XInclude' \
             xsi:schemaLocation='http://{address}/s http://{address}/s.xsd'><xi:include href='http://{address}/i'/>\
             <url><loc>/a</loc></url></urlset>"
        ),
        "<!DOCTYPE urlset [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><urlset><url><loc>/a&x;</loc></url></urlset>".into(),
    ] {
        let sitemap = read(text.as_bytes());
        assert!(["/a", "/a&x;"].contains(&sitemap.entries[0].location.as_str()), "{text}");
    }
    assert_eq!(server.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

/// `+ADw-` is `<` in UTF-7: a filter before us sees text, a reader that decodes it sees elements.
#[test]
fn c6_utf_7_is_refused() {
    for label in ["UTF-7", "utf-7", " UTF7 ", "unicode-1-1-utf-7"] {
        let text = format!(
            "<?xml version='1.0' encoding='{label}'?><urlset><url><loc>/a</loc></url>\
             +ADw-url+AD4APA-loc+AD4-/b+ADw-/loc+AD4APA-/url+AD4-</urlset>"
        );
        let sitemap = read(text.as_bytes());
        assert_eq!(
            (sitemap.kind, sitemap.entries.len()),
            (SitemapKind::Unknown, 0),
            "{label}"
        );
        assert!(has(&sitemap, OddityKind::RefusedEncoding), "{label}");
    }
    let hidden = read(b"<urlset>+ADw-url+AD4APA-loc+AD4-/b+ADw-/loc+AD4APA-/url+AD4-</urlset>");
    assert_eq!(hidden.entries, []);
}

#[test]
fn c6_50_000_entries_are_read_and_not_one_more() {
    let list = |count: usize, record: &str, root: &str| {
        let mut text = format!("<{root}>");
        for number in 0..count {
            write!(
                text,
                "<{record}><loc>https://a.example/{number}</loc></{record}>"
            )
            .unwrap();
        }
        write!(text, "</{root}>").unwrap();
        read(text.as_bytes())
    };
    for (record, root) in [("url", "urlset"), ("sitemap", "sitemapindex")] {
        let whole = list(ENTRIES_MAX, record, root);
        assert_eq!((whole.entries.len(), whole.truncated), (ENTRIES_MAX, None));
        let long = list(ENTRIES_MAX + 1, record, root);
        assert_eq!(
            (long.entries.len(), long.truncated),
            (ENTRIES_MAX, Some(Cut::Entries))
        );
        assert_eq!(long.entries, whole.entries);
    }
    let lines = "https://a.example/\n".repeat(ENTRIES_MAX + 1);
    let lines = read(lines.as_bytes());
    assert_eq!(
        (lines.entries.len(), lines.truncated),
        (ENTRIES_MAX, Some(Cut::Entries))
    );
    let items = format!(
        "<rss>{}</rss>",
        "<item><link>/a</link></item>".repeat(ENTRIES_MAX + 1)
    );
    let items = read(items.as_bytes());
    assert_eq!(
        (items.entries.len(), items.truncated),
        (ENTRIES_MAX, Some(Cut::Entries))
    );
}

/// 10 GiB in a few megabytes, as one member and as many: what fits the limit is read, the rest is never unpacked.
#[test]
fn c6_a_gzip_bomb_ends_at_the_limit() {
    const MEBIBYTE: usize = 1 << 20;
    let page = b"<urlset><url><loc>/a</loc></url>";
    let blanks = vec![b' '; MEBIBYTE];
    let mut member = GzEncoder::new(Vec::new(), Compression::fast());
    member.write_all(page).unwrap();
    member.write_all(&blanks).unwrap();
    let member = member.finish().unwrap();

    // Flushed in full, the same piece can stand any number of times in one stream.
    let mut block = vec![0; 64 * 1024];
    let mut deflate = Compress::new(Compression::fast(), false);
    deflate
        .compress(&blanks, &mut block, FlushCompress::Full)
        .unwrap();
    assert_eq!(deflate.total_in() as usize, MEBIBYTE);
    block.truncate(deflate.total_out() as usize);
    let stored = [
        &[0, page.len() as u8, 0, !(page.len() as u8), 0xFF],
        &page[..],
    ]
    .concat();
    let one = [&member[..10], &stored, &block.repeat(10 * 1_024)].concat();

    for bomb in [member.repeat(10 * 1_024), one] {
        assert!(bomb.len() < 100 * MEBIBYTE);
        let before = thread_millis();
        let sitemap = read(&bomb);
        let spent = thread_millis() - before;
        assert_eq!(sitemap.entries[0].location, "/a");
        assert_eq!(sitemap.truncated, Some(Cut::Bytes));
        assert_eq!(sitemap.bytes_read, UNPACKED_BYTES_MAX);
        assert!(spent < 1_000, "{spent} ms of CPU");
    }
}

/// Members that hold nothing cost a decoder each.
#[test]
fn c6_endless_empty_members_end() {
    let empty = GzEncoder::new(Vec::new(), Compression::fast())
        .finish()
        .unwrap();
    let before = thread_millis();
    let sitemap = read(&empty.repeat(1_000_000));
    let spent = thread_millis() - before;
    assert_eq!(sitemap.entries, []);
    assert!(has(&sitemap, OddityKind::TrailingBytes));
    assert!(spent < 1_000, "{spent} ms of CPU");
}

#[test]
fn c6_a_document_above_50_mb_is_read_up_to_there() {
    let mut text = String::from("<urlset><url><loc>/a</loc></url>");
    text.push_str(&" ".repeat(UNPACKED_BYTES_MAX - text.len()));
    text.push_str("<url><loc>/b</loc></url></urlset>");
    let sitemap = read(text.as_bytes());
    assert_eq!(
        (sitemap.entries.len(), sitemap.truncated),
        (1, Some(Cut::Bytes))
    );
}

#[test]
fn c6_the_year_9999_is_a_date_and_the_year_10000_is_none() {
    let date = |lastmod: &str| {
        let text = format!("<urlset><url><loc>/a</loc><lastmod>{lastmod}</lastmod></url></urlset>");
        let sitemap = read(text.as_bytes());
        assert_eq!(
            has(&sitemap, OddityKind::BadDate),
            sitemap.entries[0].modified.is_none()
        );
        sitemap.entries[0].modified.map(|date| date.0)
    };
    assert_eq!(date("9999-12-31"), Some(253_402_214_400_000_000));
    for lastmod in [
        "10000-01-01",
        "0000-00-00",
        "2024-13-01",
        "99999999999999999999",
        "-9999-01-01",
    ] {
        assert_eq!(date(lastmod), None, "{lastmod}");
    }
    assert_eq!(date(&"9".repeat(100_000)), None);
}

/// A sitemap that lists sitemaps that list sitemaps is a matter of depth, which the caller counts; here each is one list.
#[test]
fn c6_an_index_in_an_index_is_one_list() {
    let nested = "<sitemapindex><sitemap><loc>/1</loc><sitemapindex><sitemap><loc>/2</loc></sitemap></sitemapindex>\
        </sitemap></sitemapindex>";
    let sitemap = read(nested.as_bytes());
    let locations: Vec<_> = sitemap
        .entries
        .iter()
        .map(|entry| entry.location.as_str())
        .collect();
    assert_eq!(locations, ["/1"]);
    let deep = format!("<sitemapindex>{}", "<sitemap><loc>".repeat(100_000));
    assert!(read(deep.as_bytes()).entries.len() <= 100_000);
    let elements = format!(
        "<urlset>{}<url><loc>/a</loc></url>",
        "<x>".repeat(1_000_000)
    );
    assert!(has(&read(elements.as_bytes()), OddityKind::Deep));
}

/// Shapes that make readers slow, at 100 kB and ten times that: the cost grows with the bytes (row C5).
#[test]
fn c6_cost_is_linear_in_the_bytes() {
    let location = "x".repeat(LOCATION_BYTES_MAX);
    let shapes = [
        "<url><loc>https://a.example/a</loc><lastmod>2024-05-06T10:11:12+01:00</lastmod></url>"
            .to_owned(),
        format!("<url><loc>{location}"),
        "<x>".to_owned(),
        "</x>".to_owned(),
        "<url a='1' b='2' c='3'/>".to_owned(),
        "&amp;".to_owned(),
        "& ".to_owned(),
        "<!-- x -->".to_owned(),
        "<![CDATA[x]]>".to_owned(),
    ];
    for shape in shapes {
        let cost = |bytes: usize| {
            let text = format!("<urlset><url><loc>{}", shape.repeat(bytes / shape.len()));
            let limits = SitemapLimits {
                entries_max: usize::MAX,
                ..SitemapLimits::default()
            };
            let rounds = 5;
            let times = (0..rounds).map(|_| {
                let before = clock_gettime(ClockId::ThreadCPUTime);
                std::hint::black_box(read_sitemap(text.as_bytes(), &limits));
                let after = clock_gettime(ClockId::ThreadCPUTime);
                (after.tv_sec - before.tv_sec) * 1_000_000_000 + after.tv_nsec - before.tv_nsec
            });
            times.min().unwrap()
        };
        let (small, large) = (cost(100_000), cost(1_000_000));
        assert!(
            large <= 20 * small.max(100_000),
            "{small} ns, {large} ns: {:.40}",
            shape
        );
    }
}
