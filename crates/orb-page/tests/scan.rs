//! What a page says, as data: each test is one rule, its cases are pages.
//!
//! In: small pages. Out: facts.
//! May touch: the public API. Must not touch: files, network, time.
//! Invariant: deterministic.

use orb_page::{Link, LinkKind, Page, ScanOptions, scan};

fn page(html: &str) -> Page {
    scan(
        html,
        &ScanOptions {
            text: true,
            token: "orbweaver".to_owned(),
            ..ScanOptions::default()
        },
    )
}

fn with_requisites(html: &str) -> Page {
    scan(
        html,
        &ScanOptions {
            requisites: true,
            ..ScanOptions::default()
        },
    )
}

/// Links as `Kind href` lines.
fn lines(links: &[Link]) -> Vec<String> {
    links
        .iter()
        .map(|link| format!("{:?} {}", link.kind, link.href))
        .collect()
}

fn check_links(html: &str, expected: &[&str]) {
    assert_eq!(lines(&page(html).links), expected, "{html}");
}

fn check_requisites(html: &str, expected: &[&str]) {
    assert_eq!(lines(&with_requisites(html).links), expected, "{html}");
    assert!(
        page(html).links.is_empty(),
        "requisites only when asked for: {html}"
    );
}

fn check_text(html: &str, expected: &str) {
    assert_eq!(page(html).visible_text, expected, "{html}");
}

fn check_anchor_text(html: &str, expected: &[&str]) {
    let page = page(html);
    let texts: Vec<&str> = page.links.iter().map(|link| link.text.as_str()).collect();
    assert_eq!(texts, expected, "{html}");
}

#[test]
fn links_to_pages() {
    check_links("<a href=x>", &["Anchor x"]);
    check_links("<A HREF='x' href=y>", &["Anchor x"]);
    check_links("<a href>", &["Anchor "]);
    check_links("<a name=x>", &[]);
    check_links("<map><area href=x><area></map>", &["Area x"]);
    check_links(
        "<frameset><frame src=x><frame src=y></frameset>",
        &["Frame x", "Frame y"],
    );
    check_links(
        "<iframe src=x><a href=y></iframe><a href=z>",
        &["Iframe x", "Anchor z"],
    );
    check_links("<link rel=canonical href=x>", &["Canonical x"]);
    check_links("<link rel='ALTERNATE foo' href=x>", &["Alternate x"]);
    check_links(
        "<link rel=next href=x><link rel=prev href=y>",
        &["Next x", "Next y"],
    );
    check_links(
        "<link rel=license href=x><link href=y><link rel=canonical href=''>",
        &[],
    );
    check_links(
        "<meta http-equiv=Refresh content=\"0; url='x'\">",
        &["Refresh x"],
    );
    check_links("<meta http-equiv=refresh content=5>", &[]);
}

#[test]
fn requisites() {
    check_requisites(
        "<img src=x srcset='y 1x, z 2x'>",
        &["Image x", "Image y", "Image z"],
    );
    check_requisites("<input type=image src=x><input src=y>", &["Image x"]);
    check_requisites(
        "<video src=x poster=y><source src=z></video>",
        &["Image y", "Media x", "Media z"],
    );
    check_requisites(
        "<picture><source srcset='x, y'><img></picture>",
        &["Image x", "Image y"],
    );
    check_requisites(
        "<audio src=x></audio><track src=y><embed src=z><object data=w>",
        &["Media x", "Media y", "Media z", "Media w"],
    );
    check_requisites("<script src=x></script>", &["Script x"]);
    check_requisites("<link rel='shortcut icon' href=x>", &["Image x"]);
    check_requisites(
        "<link rel=stylesheet href=x><link rel='alternate stylesheet' href=y>",
        &["Style x", "Style y"],
    );
    check_requisites(
        "<link rel=preload as=font href=x><link rel=modulepreload href=y><link rel=preload as=fetch href=z>",
        &["Font x", "Script y"],
    );
    check_requisites(
        "<style>@import 'x'; a{b:url(y)}</style>",
        &["Css x", "Css y"],
    );
    check_requisites(
        "<svg><image xlink:href=x /><script href=y></script></svg>",
        &["Image x", "Script y"],
    );
}

#[test]
fn references_are_decoded_and_stripped() {
    check_links(
        "<a href=' \t/a?b=1&amp;c=2&copy=3\n '>",
        &["Anchor /a?b=1&c=2&copy=3"],
    );
    check_links("<a href='/a\n b\tc\rd'>", &["Anchor /a bcd"]);
    check_links("<a href='&#1;x&#x2F;y&Tab;'>", &["Anchor x/y"]);
    check_links("<a href='\u{a0}x\u{e9}'>", &["Anchor \u{a0}x\u{e9}"]);
    check_links(
        "<a href=javascript:void(0)>",
        &["Anchor javascript:void(0)"],
    );
}

#[test]
fn links_of_svg_and_inside_it() {
    check_links(
        "<svg><a xlink:href=x><a href=y xlink:href=z></a></svg>",
        &["Anchor x", "Anchor y"],
    );
    check_links(
        "<svg><foreignObject><a href=x></foreignObject><iframe src=y /></svg>",
        &["Anchor x"],
    );
    // A section hides the tag, a bogus comment ends at the first `>`.
    check_links("<svg><![CDATA[<b><a href=x>]]></svg>", &[]);
    check_links("<svg></svg><![CDATA[<b><a href=x>]]>", &["Anchor x"]);
    check_links(
        "<svg><title><![CDATA[<b><a href=x>]]></title></svg>",
        &["Anchor x"],
    );
    check_links("<svg><title>t</title><![CDATA[<b><a href=x>]]></svg>", &[]);
    check_links("<svg><style><a href=x></style></svg>", &["Anchor x"]);
    check_links("<svg><p><style><a href=x></style>", &[]);
    check_links(
        "<math><mi><![CDATA[<b><a href=x>]]></mi></math>",
        &["Anchor x"],
    );
    check_links("<math><mi>i</mi><mo/><![CDATA[<b><a href=x>]]></math>", &[]);
}

#[test]
fn what_is_not_in_the_document_has_no_links() {
    check_links("<!-- <a href=x> --><a href=y>", &["Anchor y"]);
    check_links("<script>'<a href=x>'</script><a href=y>", &["Anchor y"]);
    check_links(
        "<script><!-- <script></script> <a href=x> --></script><a href=y>",
        &["Anchor y"],
    );
    check_links(
        "<textarea><a href=x></textarea><title><a href=y></title>",
        &[],
    );
    check_links(
        "<noframes><a href=x></noframes><noembed><a href=y></noembed><xmp><a href=z></xmp>",
        &[],
    );
    check_links("<plaintext><a href=x></plaintext>", &[]);
    check_links(
        "<template><a href=x><template></template><a href=y></template><a href=z>",
        &["Anchor z"],
    );
    check_links("<a href=x", &[]);
}

#[test]
fn what_only_scripts_would_change_is_in_the_document() {
    check_links("<noscript><a href=x></noscript>", &["Anchor x"]);
    check_links(
        "<div><template shadowrootmode=open><a href=x></template></div>",
        &["Anchor x"],
    );
}

#[test]
fn the_first_base_with_a_reference_counts() {
    assert_eq!(
        page("<base target=x><base href=' /a '><base href=/b>")
            .base
            .as_deref(),
        Some("/a")
    );
    assert_eq!(
        page("<svg><base href=/a></svg><template><base href=/b></template>").base,
        None
    );
}

#[test]
fn rel_is_parsed() {
    let rel = |html: &str| page(html).links[0].rel.clone();
    let found = rel("<a href=x rel=' NoFollow\tugc '>");
    assert!(found.nofollow && found.ugc && !found.sponsored);
    assert_eq!(found.raw, "NoFollow\tugc");
    let found = rel("<a href=x rel='sponsored,noopener,noreferrer'>");
    assert!(found.sponsored && found.noopener && found.noreferrer && !found.nofollow);
    assert!(!rel("<a href=x rel=nofollower>").nofollow);
    assert_eq!(
        rel(&format!("<a href=x rel='{}'>", "\u{e9}".repeat(40)))
            .raw
            .len(),
        64
    );
    assert!(rel(&format!("<a href=x rel='{} nofollow'>", "y".repeat(100))).nofollow);
}

#[test]
fn anchor_text_is_collapsed_and_bounded() {
    check_anchor_text(
        "<a href=x>  a <b>b</b>\n c&amp;d <!-- e --></a> f",
        &["a b c&d"],
    );
    check_anchor_text("<a href=x><h2>a</h2><p>b</p></a>", &["a b"]);
    check_anchor_text("<a href=x>a<script>b</script><style>c</style></a>", &["a"]);
    check_anchor_text("<a href=x>a<a href=y>b</a>c", &["a", "b"]);
    check_anchor_text("<a href=x>a<a name=y>b</a>", &["a"]);
    check_anchor_text("<a href=x>a", &["a"]);
    check_anchor_text("<area href=x alt=' a  b '>", &["a b"]);
    check_anchor_text(
        "<svg><a href=x><title>t</title><text>a</text></a></svg>",
        &["a"],
    );
    check_anchor_text("<table><tr><td><a href=x>a<td>b</table>", &["a"]);
    check_anchor_text("<a href=x><table><tr><td>a<td>b</table></a>", &["a b"]);
    let long = page(&format!("<a href=x>{}</a>", "\u{20ac}".repeat(200)));
    assert_eq!(long.links[0].text, "\u{20ac}".repeat(85));
}

#[test]
fn alternates_carry_their_language() {
    let found = page("<link rel=alternate hreflang=' de-AT ' href=x><a href=y hreflang=fr>");
    assert_eq!(found.links[0].hreflang.as_deref(), Some("de-AT"));
    assert_eq!(found.links[1].hreflang.as_deref(), Some("fr"));
}

#[test]
fn the_first_title_counts() {
    let title = |html: &str| page(html).title;
    assert_eq!(
        title("<title> a &lt;b&gt;\n c </title><title>d</title>").as_deref(),
        Some("a <b> c")
    );
    assert_eq!(
        title("<svg><title>a</title></svg><title>b</title>").as_deref(),
        Some("b")
    );
    assert_eq!(title("<title></title><title>a</title>"), None);
    assert_eq!(title("<p>"), None);
}

#[test]
fn directives_for_robots_and_for_us_add_up() {
    let found =
        page("<meta name=ROBOTS content='noindex'><meta name=OrbWeaver content=nofollow>").robots;
    assert!(found.noindex && found.nofollow && !found.noarchive);
    assert!(
        page("<meta name=googlebot content=noindex>")
            .robots
            .is_empty()
    );
    assert!(
        page("<template><meta name=robots content=noindex></template>")
            .robots
            .is_empty()
    );
    assert!(
        page("<body><p><meta name=robots content=noarchive>")
            .robots
            .noarchive
    );
    let none = page("<meta content=none name=robots>").robots;
    assert!(none.noindex && none.nofollow && !none.noarchive);
}

#[test]
fn usage_preferences_are_kept_as_written() {
    let found = page(
        "<meta name=robots content='noai, noimageai'><meta name=TDM-Reservation content=1>\
         <meta name=description content=noai>",
    );
    assert_eq!(
        found.usage,
        ["robots: noai, noimageai", "tdm-reservation: 1"]
    );
    assert!(found.robots.noai && found.robots.noimageai);
}

#[test]
fn language() {
    let language = |html: &str| page(html).language;
    assert_eq!(language("<html lang=' de '>").as_deref(), Some("de"));
    assert_eq!(language("<html><html lang=fr>").as_deref(), Some("fr"));
    assert_eq!(language("<html xml:lang=it>").as_deref(), Some("it"));
    assert_eq!(
        language("<meta http-equiv=content-language content=pt>").as_deref(),
        Some("pt")
    );
    assert_eq!(language("<p lang=de>"), None);
}

#[test]
fn visible_text_has_a_line_per_block() {
    check_text("<h1>a</h1><p>b <i>c</i>d\n e<br>f<p>g", "a\nb cd e\nf\ng");
    check_text("<ul><li>a<li>b</ul>c", "a\nb\nc");
    check_text("<table><tr><td>a<td>b<tr><th>c</table>", "a b\nc");
    check_text("a\0b&nbsp;c &lt; d < e", "ab\u{a0}c < d < e");
    check_text("<xmp><b>a</b></xmp><textarea>b</textarea>", "<b>a</b>\nb");
}

#[test]
fn what_a_reader_does_not_see_is_no_text() {
    check_text(
        "<title>t</title><script>s</script><style>c</style><template>d</template>a",
        "a",
    );
    check_text(
        "<!-- c --><!DOCTYPE html><?php x ?>a<iframe>b</iframe>",
        "a",
    );
    check_text(
        "<svg><title>t</title><desc>d</desc><style>s</style><text>a</text></svg>b",
        "ab",
    );
    check_text("<svg><style>a<p>b", "b");
    check_text("<svg><title>a</svg>b", "b");
    assert_eq!(scan("<p>a", &ScanOptions::default()).visible_text, "");
}

#[test]
fn links_are_bounded_and_the_rest_is_counted() {
    let options = ScanOptions {
        links_max: 3,
        ..ScanOptions::default()
    };
    let found = scan(&"<a href=x>y</a>".repeat(10), &options);
    assert_eq!((found.links.len(), found.links_dropped), (3, 7));
    assert!(found.links.iter().all(|link| link.text == "y"));
}

#[test]
fn a_reference_beyond_any_url_is_dropped() {
    let found = page(&format!("<a href='{}'>a</a><a href=y>", "x".repeat(9_000)));
    assert_eq!(lines(&found.links), ["Anchor y"]);
    assert_eq!(found.oddities.hrefs_too_long, 1);
    let padded = page(&format!("<a href='{}x'>", "&#x41;".repeat(1_000_000)));
    assert_eq!(padded.oddities.hrefs_too_long, 1);
}

#[test]
fn an_unfinished_page_is_reported() {
    let oddities = |html: &str| page(html).oddities;
    assert!(oddities("a <b c='").unfinished_tag);
    assert!(oddities("a <!-- ").unfinished_comment);
    assert!(oddities("<title>a").unfinished_raw_text);
    assert!(oddities("<script>a").unfinished_raw_text);
    assert_eq!(oddities("<p>a<b>"), orb_page::Oddities::default());
    assert!(oddities(&"<svg><foreignObject>".repeat(100)).nesting_capped);
    assert!(oddities(&"<template>".repeat(100)).nesting_capped);
}

#[test]
fn kinds_know_whether_they_are_requisites() {
    assert!(LinkKind::Css.is_requisite() && LinkKind::Image.is_requisite());
    assert!(!LinkKind::Refresh.is_requisite() && !LinkKind::Anchor.is_requisite());
}
