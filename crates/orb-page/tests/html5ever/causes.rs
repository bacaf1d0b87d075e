//! Why the scanner and html5ever see different things, as changes to a page after which they agree.
//!
//! In: a page both differ on. Out: the page without the cause. May touch: nothing.
//! Invariant: a cause explains a difference only if both agree once it is taken out of the page; [`CAUSES`] may only
//! shrink: one that explains nothing any more fails the test, as does a difference without cause.

/// One reason, and how to take it out of a page.
pub(crate) struct Cause {
    pub(crate) name: &'static str,
    pub(crate) without: fn(&str) -> String,
}

/// Every reason known. The scanner keeps no stack of open elements: all of these follow from that, but NUL.
pub(crate) const CAUSES: &[Cause] = &[
    Cause {
        // Frames count wherever they stand, since a crawler wants their pages; a tree builder drops them outside of a
        // frameset, and drops everything else inside of one.
        name: "framesets",
        without: |html| without_tags(html, &["frameset", "frame", "noframes"]),
    },
    Cause {
        // `</div>` inside of a drawing ends the drawing: in real pages the `div` is open around it. A tree builder
        // looks whether it is, and what else is open inside of a title or description.
        name: "end tags in SVG and MathML",
        without: without_foreign_ends,
    },
    Cause {
        // Readers see no U+0000; a tree has U+FFFD for some of them.
        name: "NUL",
        without: |html| html.replace('\0', ""),
    },
    Cause {
        // Allowed directly inside of a title of SVG, not in an element of HTML there.
        name: "CDATA sections in HTML inside of SVG and MathML",
        without: |html| html.replace("<![CDATA[", ""),
    },
    Cause {
        // A tree has text between cells in front of the table.
        name: "text between cells",
        without: |html| {
            let names = [
                "table", "tbody", "thead", "tfoot", "tr", "td", "th", "caption", "colgroup", "col",
            ];
            without_tags(html, &names)
        },
    },
    Cause {
        // A link inside of a link ends it, and a tree builder then has what was open in between a second time.
        name: "links inside of links",
        without: without_inner_links,
    },
    Cause {
        // These end what is open inside of them, or are ended by what is around them; where that is a block, a tree has
        // its end, which breaks the line.
        name: "blocks ended by other tags",
        without: |html| {
            let ending = ["button", "select", "object", "marquee", "applet", "form"];
            let ended = ["option", "optgroup", "legend", "dialog", "search"];
            without_tags(html, &[&ending[..], &ended[..]].concat())
        },
    },
    Cause {
        // Whatever else a stack of open elements tells of nested drawings.
        name: "misnested SVG and MathML",
        without: |html| without_tags(html, &["svg", "math"]),
    },
];

/// Takes out start and end tags of these names, up to the next `>`.
fn without_tags(html: &str, names: &[&str]) -> String {
    without(html, |tag| {
        let name = tag.trim_start_matches(['<', '/']);
        let end = name
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(name.len());
        names
            .iter()
            .any(|own| own.eq_ignore_ascii_case(&name[..end]))
    })
}

/// Takes out the start tags of links inside of links.
fn without_inner_links(html: &str) -> String {
    let mut is_open = false;
    without(html, |tag| {
        let lower = tag.as_bytes();
        let is_a = |at: usize| {
            lower
                .get(at)
                .is_some_and(|name| name.eq_ignore_ascii_case(&b'a'))
                && !lower.get(at + 1).is_some_and(u8::is_ascii_alphanumeric)
        };
        match (is_a(1), lower.get(1) == Some(&b'/') && is_a(2)) {
            (true, _) => std::mem::replace(&mut is_open, true),
            (_, true) => {
                is_open = false;
                false
            }
            _ => false,
        }
    })
}

/// Takes out every end tag behind the first `svg` or `math`.
fn without_foreign_ends(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let starts = ["<svg", "<math"]
        .iter()
        .filter_map(|start| lower.find(start));
    let Some(start) = starts.min() else {
        return html.to_owned();
    };
    let (before, behind) = html.split_at(start);
    [before, &without(behind, |tag| tag.starts_with("</"))].concat()
}

fn without(html: &str, mut unwanted: impl FnMut(&str) -> bool) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find('>').map_or(rest.len(), |end| end + 1);
        if unwanted(rest) {
            rest = &rest[end..];
        } else {
            out.push('<');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}
