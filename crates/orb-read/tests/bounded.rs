//! Hostile shapes cost no more than their length, and overflow no stack.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set up its case has failed"
)]

use std::time::Duration;

use orb_read::read_html;
use rustix::time::{ClockId, clock_gettime};
use url::Url;

/// CPU time of this thread: what other processes do does not count.
fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        now.tv_sec.try_into().unwrap(),
        now.tv_nsec.try_into().unwrap(),
    )
}

/// The least of a few runs: what is left is the work itself.
fn cost(html: &str) -> Duration {
    let page = Url::parse("https://a.example/d/p").unwrap();
    (0..3)
        .map(|_| {
            let start = cpu();
            let reading = read_html(html, Some(&page));
            assert!(reading.markdown.len() < 64 * html.len() + 1_024);
            cpu() - start
        })
        .min()
        .unwrap()
}

/// A shape at some ten and at some hundred kilobytes: ten times the input, at most 25 times the time.
fn check(name: &str, shape: impl Fn(usize) -> String) {
    let unit = shape(1).len().max(1);
    let at = |bytes: usize| shape(bytes / unit);
    let small = cost(&at(30_000)).max(Duration::from_micros(200));
    let large = cost(&at(300_000));
    assert!(
        large < small * 25,
        "{name}: {small:?} for 30 kB, {large:?} for 300 kB"
    );
}

#[test]
fn nesting_without_end_is_linear() {
    for tag in [
        "div",
        "ul><li",
        "ol><li",
        "blockquote",
        "b",
        "a href=x",
        "span",
        "table><tr><td",
        "dl><dd",
        "section",
        "pre",
        "svg",
        "b n=1><i n=2",
        "p",
        "font",
        "template",
        "h1",
        "details",
        "sup><a href=#x",
        "nav",
        "article",
    ] {
        check(tag, |count| format!("<{tag}>x").repeat(count));
    }
}

#[test]
fn closing_tags_that_close_nothing_are_linear() {
    check("divs under spans", |count| {
        format!("{}{}", "<div>".repeat(count), "</span>".repeat(count))
    });
    check("paragraphs behind a barrier", |count| {
        format!(
            "<p><table><td>{}{}",
            "<div>".repeat(count),
            "</p>".repeat(count)
        )
    });
    check("misnested", |count| "<b><p>x</b><i></p>y</i>".repeat(count));
    check("unknown names", |count| {
        format!("{}{}", "<x-a>".repeat(count), "</x-b>".repeat(count))
    });
}

#[test]
fn flat_pages_are_linear() {
    check("labels", |count| {
        "<p>Share</p><p><a href=x>Share</a></p>".repeat(count)
    });
    check("headings", |count| "<h2>Related</h2>".repeat(count));
    check("classes", |count| {
        "<div class='menu tools'><a href=y>link</a></div>".repeat(count)
    });
    check("links", |count| "<a href='?x'>word</a> ".repeat(count));
    check("notes", |count| {
        "<sup><a href=#n>1</a></sup><p id=n>note</p>".repeat(count)
    });
    check("attributes", |count| {
        format!("<p {}>x", "class=a ".repeat(count))
    });
    check("rows", |count| {
        format!("<table>{}", "<tr><td>a<td>b".repeat(count))
    });
    check("spans of cells", |count| {
        format!("<table>{}", "<tr><td rowspan=9 colspan=90>a".repeat(count))
    });
    check("microdata", |count| {
        "<p itemscope><b itemprop=a>x</b></p>".repeat(count)
    });
    check("deep JSON-LD", |count| {
        let deep = "{\"a\":[".repeat(count);
        format!("<p>x<script type=application/ld+json>{deep}</script>")
    });
    check("times", |count| {
        "<time>x</time><span class=date>y</span>".repeat(count)
    });
    check("unclosed comment", |count| {
        format!("<p>x<!--{}", "- ".repeat(count))
    });
    check("entities", |count| "&amp;&lt;x&notin;".repeat(count));
    check("marks", |count| "*_`[]<~!|#\\ ".repeat(count));
}

#[test]
fn fifty_thousand_nested_elements_overflow_no_stack() {
    for tag in [
        "div",
        "ul><li",
        "b",
        "blockquote",
        "table><tr><td",
        "a href=x",
    ] {
        let name = tag.split(['>', ' ']).next().unwrap();
        let html = format!(
            "{}text{}",
            format!("<{tag}>").repeat(50_000),
            format!("</{name}>").repeat(50_000)
        );
        let reading = read_html(&html, None);
        assert!(reading.text.contains("text"), "{tag}");
    }
}

#[test]
fn where_there_is_text_there_is_a_reading() {
    for html in [
        "word",
        "<nav>only a menu</nav>",
        "<body style='display:none'><p>shown by a script",
        "<div hidden>hidden</div>",
        "<noscript>without scripts</noscript>",
        "<div class=sidebar><p>all in one place</div>",
        "<footer>Made by hand.</footer>",
        "<form><label>Name</label><input></form>",
        "<a href=x>Share</a>",
        "<h2>Related articles</h2><ul><li><a href=x>x</a></ul>",
        "<header><h1>A title</h1></header>",
        "<table><tr><td>cell</table>",
        "<main></main><p>beside",
        "<article><nav>x</nav></article><div>y</div>",
        "<textarea>",
        "<aside>aside</aside>",
        "<frameset><noframes>old</noframes></frameset>rest",
    ] {
        let reading = read_html(html, None);
        let has_text = !matches!(html, "<textarea>");
        assert_eq!(!reading.text.is_empty(), has_text, "{html}: {reading:?}");
        assert_eq!(!reading.markdown.is_empty(), has_text, "{html}");
    }
}
