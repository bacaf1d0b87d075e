//! Nothing a page contains makes reading it fail or blow up (fault rows C4, C5, C7).
//!
//! In: shapes that break parsers, and arbitrary bytes. Out: work as counted in bytes.
//! May touch: the public API. Must not touch: wall time, which is not deterministic.
//! Invariant: work grows no faster than the input.

use orb_page::tokens::{ContentModel, Token, Tokenizer};
use orb_page::{Page, ScanOptions, decode_text, header_directives, scan};
use proptest::prelude::*;

fn everything() -> ScanOptions {
    ScanOptions {
        requisites: true,
        text: true,
        token: "orbweaver".to_owned(),
        ..ScanOptions::default()
    }
}

/// `unit` repeated to about `bytes`, between a head and a tail.
fn shape(head: &str, unit: &str, tail: &str, bytes: usize) -> String {
    [head, &unit.repeat(bytes / unit.len()), tail].concat()
}

/// C5: at 10, 100 and 1,000 KB the work is at most twelve times that of a tenth, and a small multiple of
/// the input.
fn check_linear(head: &str, unit: &str, tail: &str) -> Page {
    let run = |bytes| {
        let html = shape(head, unit, tail, bytes);
        let page = scan(&html, &everything());
        assert!(
            page.work_bytes <= 8 * html.len() as u64 + 64,
            "{unit:?}: {} bytes of work for {}",
            page.work_bytes,
            html.len()
        );
        page
    };
    let pages = [run(10_000), run(100_000), run(1_000_000)];
    for pair in pages.windows(2) {
        assert!(
            pair[1].work_bytes <= 12 * pair[0].work_bytes + 64,
            "{unit:?}"
        );
    }
    let [_, _, largest] = pages;
    largest
}

#[test]
fn c5_deep_nesting() {
    check_linear("", "<ul><li>", "");
    check_linear("", "<b><i><b><i>a", "");
    check_linear("", "<table><tr><td>", "");
    check_linear("", "<a href=x><table><td>", "");
}

#[test]
fn c5_nested_foreign_content_and_templates() {
    check_linear("", "<svg><foreignObject>a", "");
    check_linear("", "<svg><title><math><mi>a", "");
    check_linear("", "<template>a", "</template>");
}

#[test]
fn c5_a_million_attributes() {
    check_linear("<a ", "a=b ", "href=x>");
    check_linear("<a ", "/", ">");
    check_linear("<meta ", "=", ">");
    check_linear("<div ", "a='", "");
    check_linear("", "<a b=\"<a b='", "");
}

#[test]
fn c5_what_is_never_closed() {
    for unfinished in [
        "<!--",
        "<!-->--!",
        "<![CDATA[",
        "<!DOCTYPE ",
        "<?",
        "</ ",
        "<",
    ] {
        check_linear("", unfinished, "");
    }
    for head in [
        "<script>",
        "<style>",
        "<title>",
        "<textarea>",
        "<svg><![CDATA[",
        "<plaintext>",
    ] {
        for unit in [
            "<",
            "</",
            "</scrip",
            "<!--<script>",
            "--",
            "]]",
            "<!--<script></script>-->",
        ] {
            check_linear(head, unit, "");
        }
    }
}

#[test]
fn c5_values_with_a_grammar_of_their_own() {
    check_linear("<img srcset='", "a (,", "'>");
    check_linear("<img srcset='", ", ", "'>");
    check_linear("<style>", "url(", "</style>");
    check_linear("<style>", "url('a\"", "</style>");
    check_linear("<style>", "/*", "</style>");
    check_linear("<style>", "@import 'a\n", "</style>");
    check_linear("", "&CounterClockwiseContourIntegra", "");
    check_linear("<a href='", "&#x41", "'>");
    check_linear("<a href=x rel='", "a,", "'>");
}

/// C4: many links on a page are bounded by number, and so is what is kept of each.
#[test]
fn c4_a_hundred_thousand_links() {
    let page = check_linear("", "<a href=x>y ", "");
    assert_eq!(page.links.len(), 10_000);
    assert!(page.links_dropped > 50_000);
    let page = check_linear("", "<p>text ", "");
    assert!(page.visible_text.len() < 1_000_000);
}

/// Bytes that are likely to mean something, so that random pages reach the odd states.
fn soup() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "<",
        ">",
        "/",
        "!",
        "-",
        "--",
        "=",
        "'",
        "\"",
        "&",
        "#",
        "x",
        ";",
        " ",
        "\n",
        "\r",
        "\0",
        "a",
        "</",
        "<!--",
        "-->",
        "--!>",
        "<![CDATA[",
        "]]>",
        "<!DOCTYPE",
        "script",
        "<script>",
        "</script>",
        "<svg>",
        "</svg>",
        "<math>",
        "<title>",
        "</title>",
        "<template>",
        "</template>",
        "<style>",
        "</style>",
        "<a href=",
        "<meta ",
        "content=",
        "name=robots",
        "charset=",
        "srcset=",
        "url(",
        "&amp",
        "&#x41",
        "\u{e9}",
        "\u{20ac}",
        "\u{1f577}",
        "<table>",
        "<td>",
        "<foreignObject>",
        "<plaintext>",
        "<p>",
    ]);
    prop::collection::vec(pieces, 0..60).prop_map(|pieces| pieces.concat())
}

fn raw_of(token: &Token<'_>) -> usize {
    match token {
        Token::Text(run) => run.raw().len(),
        Token::Comment(comment) => comment.raw().len(),
        _ => 0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn arbitrary_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..2_000), charset in "[a-z0-9-]{0,12}") {
        let text = decode_text(&bytes, Some(&charset));
        let page = scan(&text.text, &everything());
        prop_assert!(page.work_bytes <= 8 * text.text.len() as u64 + 64);
    }

    #[test]
    fn markup_soup_is_read(html in soup()) {
        let page = scan(&html, &everything());
        prop_assert!(page.work_bytes <= 8 * html.len() as u64 + 64);
        prop_assert_eq!(scan(&html, &everything()), page);
        let decoded = decode_text(html.as_bytes(), None);
        scan(&decoded.text, &everything());
    }

    /// Every model yields an end, non-empty text, and no more text than there was.
    #[test]
    fn tokens_stay_within_the_input(html in soup(), last in "script|title|") {
        for model in [
            ContentModel::Data, ContentModel::Rcdata, ContentModel::Rawtext,
            ContentModel::ScriptData, ContentModel::Plaintext, ContentModel::CdataSection,
        ] {
            let mut raw = 0;
            for token in Tokenizer::starting_in(&html, model, &last) {
                if let Token::Text(run) = &token {
                    prop_assert!(!run.raw().is_empty());
                    run.decode();
                }
                raw += raw_of(&token);
            }
            prop_assert!(raw <= html.len());
        }
    }

    #[test]
    fn any_header_is_read(value in "\\PC{0,200}") {
        header_directives(&value, "orbweaver");
    }

    /// A page read behind harmless text says the same: nothing depends on where a page begins.
    #[test]
    fn an_offset_changes_nothing(html in soup(), offset in 1usize..70) {
        let moved = [" ".repeat(offset), html.clone()].concat();
        let mut page = scan(&html, &everything());
        let mut shifted = scan(&moved, &everything());
        page.work_bytes = 0;
        shifted.work_bytes = 0;
        prop_assert_eq!(page, shifted);
    }
}
