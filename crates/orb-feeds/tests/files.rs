//! Sitemaps and feeds as they come: each kind, prefixes, extensions, encodings, and what is wrong with them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use orb_env::Wall;
use orb_feeds::{
    Cut, OddityKind, Sitemap, SitemapKind, SitemapLimits, looks_like_sitemap, read_sitemap,
};

/// 2024-05-06T00:00:00Z.
const DAY: i64 = 1_714_953_600_000_000;

fn read(body: impl AsRef<[u8]>) -> Sitemap {
    read_sitemap(body.as_ref(), &SitemapLimits::default())
}

/// Reads a whole document in which nothing is odd.
#[track_caller]
fn check(body: impl AsRef<[u8]>, kind: SitemapKind, expected: &[(&str, Option<i64>)]) {
    let sitemap = read(body);
    assert_eq!((sitemap.kind, sitemap.truncated), (kind, None));
    assert_eq!(entries(&sitemap), expected);
    assert_eq!(sitemap.oddities, []);
}

fn entries(sitemap: &Sitemap) -> Vec<(&str, Option<i64>)> {
    let entry = |entry: &'_ orb_feeds::SitemapEntry| entry.modified.map(|Wall(date)| date);
    let entries = sitemap.entries.iter();
    entries
        .map(|one| (one.location.as_str(), entry(one)))
        .collect()
}

/// Reads a document that lists `/a` and `/b`, and is odd in these ways.
#[track_caller]
fn check_odd(body: impl AsRef<[u8]>, odd: &[(OddityKind, u32)]) {
    let sitemap = read(body);
    let locations: Vec<_> = sitemap
        .entries
        .iter()
        .map(|entry| entry.location.as_str())
        .collect();
    assert_eq!(locations, ["https://a.example/a", "https://a.example/b"]);
    let found: Vec<_> = sitemap
        .oddities
        .iter()
        .map(|one| (one.kind, one.count))
        .collect();
    assert_eq!(found, odd);
}

fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(bytes.as_ref()).unwrap();
    gzip.finish().unwrap()
}

const URLS: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n\
    <url>\n <loc>https://a.example/a</loc>\n <lastmod>2024-05-06</lastmod>\n <priority>0.8</priority>\n</url>\n\
    <url><loc>https://a.example/b</loc></url>\n</urlset>\n";
const A_AND_B: [(&str, Option<i64>); 2] = [
    ("https://a.example/a", Some(DAY)),
    ("https://a.example/b", None),
];

#[test]
fn a_list_of_pages_is_read() {
    check(URLS, SitemapKind::Urls, &A_AND_B);
    assert_eq!(read(URLS).bytes_read, URLS.len());
}

#[test]
fn an_index_of_sitemaps_is_read() {
    let index = "<sitemapindex><sitemap><loc>https://a.example/1.xml.gz</loc>\
        <lastmod>2024-05-06T00:00:00Z</lastmod></sitemap></sitemapindex>";
    check(
        index,
        SitemapKind::Index,
        &[("https://a.example/1.xml.gz", Some(DAY))],
    );
}

#[test]
fn lines_are_read() {
    let text = "\u{FEFF}https://a.example/a\r\n\r\n  HTTP://a.example/b \rhttps://a.example/c";
    check(
        text,
        SitemapKind::Text,
        &[
            ("https://a.example/a", None),
            ("HTTP://a.example/b", None),
            ("https://a.example/c", None),
        ],
    );
    check_odd(
        "pages:\nhttps://a.example/a\n/c\nhttps://a.example/b\n",
        &[(OddityKind::NoAddress, 2)],
    );
    let long = format!(
        "https://a.example/a\nhttps://{}\nhttps://a.example/b",
        "x".repeat(2_041)
    );
    check_odd(long, &[(OddityKind::LongLocation, 1)]);
    assert_eq!(read("not a list\nof pages\n").kind, SitemapKind::Unknown);
}

#[test]
fn feeds_are_read() {
    let rss = "<rss version='2.0' xmlns:atom='http://www.w3.org/2005/Atom'><channel><title>T</title>\
        <link>https://a.example/</link><atom:link rel='self' href='https://a.example/feed'/>\
        <item><title>A</title><link>https://a.example/a</link><pubDate>Mon, 06 May 2024 00:00:00 GMT</pubDate>\
        <guid isPermaLink='false'>17</guid><media:content url='https://a.example/i'><link>/no</link></media:content></item>\
        <item><guid>https://a.example/b</guid></item></channel></rss>";
    check(rss, SitemapKind::Feed, &A_AND_B);
    let atom = "<feed xmlns='http://www.w3.org/2005/Atom'><id>x</id><link href='/'/><updated>2025-01-01</updated>\
        <entry><link rel='edit' href='/e'/><link href='https://a.example/a'/><published>2020-01-01</published>\
        <updated>2024-05-06T02:00:00+02:00</updated><source><link href='/no'/><updated>2026-01-01</updated></source></entry>\
        <entry><link rel=\"alternate\" href=\"https://a.example/b\"/></entry></feed>";
    check(atom, SitemapKind::Feed, &A_AND_B);
    let rdf = "<rdf:RDF><channel><link>/</link></channel><item><link>https://a.example/a</link>\
        <dc:date>2024-05-06</dc:date></item><item><link>https://a.example/b</link></item></rdf:RDF>";
    check(rdf, SitemapKind::Feed, &A_AND_B);
    let relative = "<feed><entry><link href='/?a=1&amp;b=2&c=3'/></entry></feed>";
    check(relative, SitemapKind::Feed, &[("/?a=1&b=2&c=3", None)]);
}

/// Whatever the prefix; what extensions list is no page.
#[test]
fn extensions_are_not_pages() {
    let plain = "<urlset xmlns='s' xmlns:image='i' xmlns:video='v' xmlns:xhtml='x'><url><loc>https://a.example/a</loc>\
        <image:image><image:loc>https://a.example/i.png</image:loc></image:image>\
        <image xmlns='i'><loc>https://a.example/i.png</loc><lastmod>1999</lastmod></image>\
        <image:loc>https://a.example/i.png</image:loc>\
        <video:video><video:content_loc>https://a.example/v</video:content_loc><video:url/></video:video>\
        <xhtml:link rel='alternate' hreflang='de' href='https://a.example/de'/>\
        <lastmod>2024-05-06</lastmod></url><url><loc>https://a.example/b</loc></url></urlset>";
    check(plain, SitemapKind::Urls, &A_AND_B);
    let prefixed = "<sm:urlset xmlns:sm='s'><sm:url><sm:loc>https://a.example/a</sm:loc><sm:lastmod>2024-05-06\
        </sm:lastmod></sm:url><url><loc>https://a.example/b</loc></url><x:url><x:loc>https://a.example/x</x:loc></x:url>\
        </sm:urlset>";
    check(prefixed, SitemapKind::Urls, &A_AND_B);
}

#[test]
fn references_sections_and_comments_are_read() {
    let text = "<urlset><url><loc><![CDATA[https://a.example/?a=1&b=<2>]]></loc></url>\
        <url><loc>\n\thttps://a.example/?a=1&amp;<!-- x -->b=&#50;&#x33;\n</loc></url>\
        <url><loc>https://a.example/?a=1&b=2&</loc></url></urlset>";
    check(
        text,
        SitemapKind::Urls,
        &[
            ("https://a.example/?a=1&b=<2>", None),
            ("https://a.example/?a=1&b=23", None),
            ("https://a.example/?a=1&b=2&", None),
        ],
    );
}

#[test]
fn encodings_are_read() {
    let sixteen = |unit: fn(u16) -> [u8; 2], mark: bool| -> Vec<u8> {
        let text = if mark {
            format!("\u{FEFF}{URLS}")
        } else {
            URLS.to_owned()
        };
        text.encode_utf16().flat_map(unit).collect()
    };
    check(format!("\u{FEFF}{URLS}"), SitemapKind::Urls, &A_AND_B);
    for mark in [true, false] {
        check(sixteen(u16::to_le_bytes, mark), SitemapKind::Urls, &A_AND_B);
        check(sixteen(u16::to_be_bytes, mark), SitemapKind::Urls, &A_AND_B);
    }
    let cyrillic = b"<?xml version='1.0' encoding='windows-1251'?><urlset><url><loc>/\xEF</loc></url></urlset>";
    check(cyrillic, SitemapKind::Urls, &[("/\u{43F}", None)]);
    // White space before the declaration is no XML, and usual.
    check(format!("\n\n{URLS}"), SitemapKind::Urls, &A_AND_B);
}

#[test]
fn gzip_files_are_read() {
    check(gzip(URLS), SitemapKind::Urls, &A_AND_B);
    let (begin, end) = URLS.split_at(100);
    check(
        [gzip(begin), gzip(end)].concat(),
        SitemapKind::Urls,
        &A_AND_B,
    );
    check(
        gzip("https://a.example/a\n"),
        SitemapKind::Text,
        &[("https://a.example/a", None)],
    );
    assert_eq!(read(gzip(URLS)).bytes_read, URLS.len());

    check_odd(
        [&gzip(URLS)[..], b"junk"].concat(),
        &[(OddityKind::TrailingBytes, 1)],
    );
    check_odd([&gzip(URLS)[..], &[0; 99]].concat(), &[]);
    let twice = read(gzip(gzip(URLS)));
    assert_eq!((twice.kind, twice.entries.len()), (SitemapKind::Unknown, 0));
    assert_eq!(twice.oddities[0].kind, OddityKind::PackedTwice);
}

/// What stands before the damage is read.
#[test]
fn damaged_gzip_files_are_read_up_to_there() {
    let packed = gzip(URLS);
    let cut = read(&packed[..packed.len() - 12]);
    assert_eq!(cut.truncated, Some(Cut::Packed));
    let mut wrong_sum = packed.clone();
    let at = packed.len() - 6;
    wrong_sum[at] ^= 1;
    let wrong_sum = read(wrong_sum);
    assert_eq!(entries(&wrong_sum), A_AND_B);
    assert_eq!(wrong_sum.truncated, Some(Cut::Packed));
    let nothing = read(&packed[..12]);
    assert_eq!(
        (nothing.kind, nothing.truncated),
        (SitemapKind::Unknown, Some(Cut::Packed))
    );
    // A block of a kind there is none of, behind whole ones: what those hold was sent.
    let mut bad_block = [&packed[..10], &[0; 4_096]].concat();
    let mut deflate = flate2::Compress::new(Compression::default(), false);
    let flush = flate2::FlushCompress::Full;
    deflate
        .compress(URLS.as_bytes(), &mut bad_block[10..], flush)
        .unwrap();
    bad_block.truncate(10 + deflate.total_out() as usize);
    bad_block.extend([0xFF; 8]);
    let bad_block = read(bad_block);
    assert_eq!(entries(&bad_block), A_AND_B);
    assert_eq!(bad_block.truncated, Some(Cut::Packed));
    // The last line of what is left is a part of one.
    let lines = gzip("https://a.example/a\nhttps://a.example/b");
    let limits = SitemapLimits {
        unpacked_bytes_max: 30,
        ..SitemapLimits::default()
    };
    assert_eq!(
        entries(&read_sitemap(&lines, &limits)),
        A_AND_B.map(|(url, _)| (url, None))[..1]
    );
}

#[test]
fn a_document_that_breaks_off_is_read_up_to_there() {
    let broken = |text: &str| {
        let sitemap = read(text);
        assert_eq!(
            (sitemap.kind, sitemap.truncated),
            (SitemapKind::Urls, Some(Cut::Broken))
        );
        sitemap.entries.len()
    };
    assert_eq!(
        broken("<urlset><url><loc>/a</loc></url><url><loc>/b</loc>"),
        1
    );
    assert_eq!(broken("<urlset><url><loc>/a</loc></url><url><loc"), 1);
    assert_eq!(broken("<urlset><url><loc>/a</loc></url><!-- "), 1);
    assert_eq!(broken("<urlset>"), 0);
    assert_eq!(
        read("<urlset><url><loc>/a</loc></url></urlset>Warning: <b").truncated,
        None
    );
}

#[test]
fn what_is_odd_is_told() {
    use OddityKind::{
        BadDate, BadLocation, LongLocation, LooseLocation, NoLocation, SecondLocation,
        UnclosedRecord, UnknownEntity,
    };
    let (a, b) = (
        "<url><loc>https://a.example/a</loc>",
        "<url><loc>https://a.example/b</loc></url>",
    );
    let check = |between: &str, odd: &[(OddityKind, u32)]| {
        check_odd(format!("<urlset>{a}{between}{b}</urlset>"), odd);
    };
    check("</url>", &[]);
    check("</loc></url></x>", &[]);
    check("", &[(UnclosedRecord, 1)]);
    check(
        "<loc>https://a.example/c",
        &[(UnclosedRecord, 1), (SecondLocation, 1)],
    );
    check("<lastmod>2024-13-01</lastmod></url>", &[(BadDate, 1)]);
    check("<lastmod> </lastmod></url>", &[]);
    check("</url><url/><url><loc> </loc></url>", &[(NoLocation, 2)]);
    check(
        "</url><url><loc>/\u{FFFD}</loc></url><url><loc>/&#7;</loc></url>",
        &[(BadLocation, 2)],
    );
    check("<loc>/c</loc></url>", &[(SecondLocation, 1)]);
    check(
        &format!("</url><url><loc>/{}</loc></url>", "x".repeat(2_048)),
        &[(LongLocation, 1)],
    );
    check(
        "</url><url><loc>/&bomb;\x07</loc></url>",
        &[(UnknownEntity, 1), (BadLocation, 1)],
    );
    check_odd(
        "<urlset><loc>https://a.example/a</loc><url><loc>https://a.example/b</loc></url></urlset>",
        &[(LooseLocation, 1)],
    );
}

#[test]
fn the_longest_location_is_taken() {
    let longest = format!("/{}", "x".repeat(2_047));
    let text = format!("<urlset><url><loc>  {longest}\n </loc></url></urlset>");
    check(text, SitemapKind::Urls, &[(&longest, None)]);
}

#[test]
fn another_document_is_not_a_sitemap() {
    for text in [
        "<html><url><loc>/a</loc></url></html>",
        "<!DOCTYPE html><p>x",
        "{}",
        "",
        "<",
        "%PDF-1.7\n",
    ] {
        let sitemap = read(text);
        assert_eq!(
            (sitemap.kind, sitemap.entries.len()),
            (SitemapKind::Unknown, 0),
            "{text}"
        );
        assert!(!looks_like_sitemap(text.as_bytes()));
    }
    for text in [
        URLS,
        "<sitemapindex>",
        "<rss version='2.0'>",
        "<feed ",
        "<?xml?><!-- x --><sm:urlset>",
    ] {
        assert_eq!(
            looks_like_sitemap(text.as_bytes()),
            text != "<feed ",
            "{text}"
        );
    }
    let long = URLS.replace("</urlset>", &"<url><loc>/c</loc></url>".repeat(9_999));
    assert!(looks_like_sitemap(long.as_bytes()));
    assert!(looks_like_sitemap(&gzip(long)[..200]));
}

#[test]
fn names_are_closed_lists() {
    let kinds = [
        SitemapKind::Urls,
        SitemapKind::Index,
        SitemapKind::Text,
        SitemapKind::Feed,
        SitemapKind::Unknown,
    ];
    assert_eq!(
        kinds.map(SitemapKind::name),
        ["urls", "index", "text", "feed", "unknown"]
    );
    let odd = read("<urlset><url/><url/></urlset>").oddities;
    assert_eq!(odd[0].kind.name(), "no_location");
    assert_eq!(
        odd[0].to_string(),
        "record without a location, left out (2)"
    );
}
