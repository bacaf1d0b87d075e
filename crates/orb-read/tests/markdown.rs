//! Markdown that leaves here is Markdown: a CommonMark parser reads back the same words in the same blocks.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set up its case has failed"
)]

use orb_read::read_html;
use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use url::Url;

fn markdown(html: &str) -> String {
    let page = Url::parse("https://a.example/d/p").unwrap();
    read_html(html, Some(&page)).markdown
}

fn check(html: &str, expected: &str) {
    assert_eq!(markdown(html).trim_end(), expected.trim_end(), "{html}");
}

fn events(markdown: &str) -> Vec<Event<'_>> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_DEFINITION_LIST;
    Parser::new_ext(markdown, options).collect()
}

/// The words that a CommonMark parser finds, white space collapsed.
fn words(markdown: &str) -> String {
    let mut text = String::new();
    for event in events(markdown) {
        match event {
            Event::Text(piece) | Event::Code(piece) => text.push_str(&piece),
            Event::SoftBreak | Event::HardBreak | Event::Start(Tag::Paragraph) => text.push(' '),
            Event::InlineHtml(html) => assert_eq!(html.as_ref(), "<br>", "only breaks of cells"),
            Event::Html(html) => panic!("HTML in Markdown: {html}"),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn headings_paragraphs_and_marks() {
    check(
        "<h1>A <em>b</em></h1><p>One <strong>two</strong>, <code>th`ree</code><br>four <del>five</del>.<hr><p>x",
        "# A *b*\n\nOne **two**, ``th`ree``\\\nfour ~~five~~.\n\n---\n\nx",
    );
}

#[test]
fn lists_nest_and_count() {
    check(
        "<ul><li>a<ol><li>b<li>c<ul><li>d</ul></ol><li>e</ul><ol start=7><li><p>x<p>y<li>z</ol>",
        "- a\n  1. b\n  2. c\n     - d\n- e\n\n7. x\n\n   y\n\n8. z",
    );
    check("<ul><li>a</ul><ul><li>b</ul>", "- a\n\n* b");
}

#[test]
fn tables_are_rows_of_cells() {
    check(
        "<table><caption>C</caption><tr><th>a|b<th>c<tr><td rowspan=2>1<td>2<br>3<tr><td><code>x|y</code>\
         <tr><td colspan=2>w</table>",
        "C\n\n| a\\|b | c |\n| --- | --- |\n| 1 | 2<br>3 |\n| | `x\\|y` |\n| w | |",
    );
    check(
        "<table><tr><td>k<td>v<tr><td>l<td>w</table>",
        "| | |\n| --- | --- |\n| k | v |\n| l | w |",
    );
    check(
        "<table role=presentation><tr><td><p>one</p><td><h2>two</h2></table>",
        "one\n\n## two",
    );
}

#[test]
fn code_keeps_its_lines_and_names_its_language() {
    check(
        "<div class='highlight-python'><pre><span class=lineno>1</span><span>def</span> f():\n    pass # ```\n</pre></div>",
        "````python\ndef f():\n    pass # ```\n````",
    );
    check(
        "<pre><code class='hljs language-rust'>fn main() {}</code></pre>",
        "```rust\nfn main() {}\n```",
    );
}

#[test]
fn links_and_images_are_absolute() {
    check(
        "<p>See <a href=x>the <b>x</b></a>, <a href='javascript:y()'>y</a>, <a href='/(z)'>z</a>, <a href=#f>f</a> \
         <img src=i.png alt='an [i]'><img src='data:image/gif;base64,x' data-src=lazy.png></p>",
        "See [the **x**](https://a.example/d/x), y, [z](<https://a.example/(z)>), [f](https://a.example/d/p#f) \
         ![an \\[i\\]](https://a.example/d/i.png)![](https://a.example/d/lazy.png)",
    );
    check(
        "<a href=/c><img src=/i.png alt=i><h3>Card</h3><p>About it.</p></a>",
        "![i](https://a.example/i.png)\n\n### [Card](https://a.example/c)\n\nAbout it.",
    );
}

#[test]
fn quotes_definitions_and_footnotes() {
    check(
        "<blockquote><p>a<blockquote>b</blockquote></blockquote>",
        "> a\n>\n> > b",
    );
    check(
        "<dl><dt>t<dt>u<dd>one<dd><p>two<pre>three</pre></dl>",
        "t\nu\n: one\n\n: two\n\n  ```\n  three\n  ```",
    );
    check(
        "<p>Said<sup><a href=#n1>1</a></sup> so.</p><ol><li id=n1>Where it was. <a href=#r1>↩</a></ol>",
        "Said[^1] so.\n\n[^1]: Where it was.",
    );
}

#[test]
fn text_is_never_taken_for_marks() {
    for text in [
        "1. one",
        "- x",
        "+ x",
        "# x",
        "> x",
        "a * b * c",
        "snake_case __x__",
        "[a](b)",
        "![a](b)",
        "<b>x</b>",
        "&amp;lt;",
        "`x`",
        "~~x~~",
        "x ~y~",
        "| a | b |",
        "---",
        "===",
        "a\\b",
        "C#",
        "#",
        "1986) x",
        "[^1]: x",
        ": x",
        "***",
        "_",
        "http://a.example/_x_*y*",
        "&copy;",
        "!",
        "\\",
        "*",
        "a_",
        "**a",
        "~",
        "```",
    ] {
        let html = format!("<p>{}", text.replace('&', "&amp;").replace('<', "&lt;"));
        let written = markdown(&html);
        assert_eq!(words(&written), text, "{written}");
        let heading = markdown(&html.replace("<p>", "<h2>"));
        assert_eq!(words(&heading), text, "{heading}");
        let cell = format!("<table><tr><th>h<th>i<tr><td>{}<td>z</table>", &html[3..]);
        assert!(
            words(&markdown(&cell)).contains(text),
            "{}",
            markdown(&cell)
        );
    }
}

/// Blocks and words in a tree of their own, to be written as HTML.
fn html() -> impl Strategy<Value = String> {
    let text = "[a-z*_`\\[\\]<>&#!|~.: 0-9\\\\+=()-]{0,12}"
        .prop_map(|text: String| text.replace('&', "&amp;").replace('<', "&lt;"));
    let inline = text.prop_recursive(3, 12, 3, |inner| {
        (
            prop::sample::select(vec!["b", "i", "code", "a href=x", "s", "span", "em"]),
            prop::collection::vec(inner, 1..3),
        )
            .prop_map(|(tag, inside)| {
                let name = tag.split(' ').next().unwrap();
                format!("<{tag}>{}</{name}>", inside.concat())
            })
    });
    let line = prop::collection::vec(inline, 1..4).prop_map(|parts| parts.concat());
    let leaf = (
        prop::sample::select(vec!["p", "h2", "pre", "div"]),
        line.clone(),
    )
        .prop_map(|(tag, line)| format!("<{tag}>{line}</{tag}>"));
    let block = leaf.prop_recursive(3, 16, 3, |inner| {
        (
            prop::sample::select(vec!["ul", "ol", "blockquote", "dl", "table"]),
            prop::collection::vec(inner, 1..3),
        )
            .prop_map(|(tag, inside)| {
                let inside: Vec<String> = inside
                    .into_iter()
                    .map(|block| match tag {
                        "ul" | "ol" => format!("<li>{block}</li>"),
                        "dl" => format!("<dt>term</dt><dd>{block}</dd>"),
                        "table" => format!("<tr><td>{block}</td><td>cell</td></tr>"),
                        _ => block,
                    })
                    .collect();
                format!("<{tag}>{}</{tag}>", inside.concat())
            })
    });
    prop::collection::vec(block, 1..4).prop_map(|blocks| blocks.concat())
}

fn letters(text: &str) -> String {
    text.chars()
        .filter(|letter| !letter.is_whitespace())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every letter of the text is in the Markdown, in order, and nothing else is.
    #[test]
    fn a_commonmark_parser_reads_back_the_words(html in html()) {
        let page = Url::parse("https://a.example/").unwrap();
        let reading = read_html(&html, Some(&page));
        let found = letters(&words(&reading.markdown));
        prop_assert_eq!(found, letters(&reading.text), "{}\n---\n{}", html, reading.markdown);
    }
}

/// Blocks that are opened are closed, and lists are as deep as they were written.
#[test]
fn structure_survives() {
    let written = markdown(
        "<ul><li>a<ul><li>b<ul><li>c<pre>d</pre></ul></ul></ul><blockquote><ol><li>x</ol></blockquote>",
    );
    let mut depth = 0_i32;
    let mut deepest = 0;
    for event in events(&written) {
        match event {
            Event::Start(Tag::List(_)) => depth += 1,
            Event::End(TagEnd::List(_)) => depth -= 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    assert_eq!((depth, deepest), (0, 3), "{written}");
}
