//! Where SVG and MathML begin and end, without a tree.
//!
//! In: start and end tags as they come. Out: whether the next byte is in foreign content, and whether
//! its text is shown.
//! May touch: `element`, attributes of a tag. Must not touch: links.
//! Invariant: bounded memory ([`FOREIGN_DEPTH_MAX`]); in doubt content counts as HTML, where scripts and
//! styles are opaque, so a misjudged page yields no links out of scripts.

use crate::element::Element;
use crate::limits::FOREIGN_DEPTH_MAX;
use crate::tokens::StartTag;

/// A region of one kind of content inside another.
#[derive(Clone, Copy, Debug)]
enum Region {
    /// Foreign content under an `svg` or `math` element; `nested` counts its namesakes inside.
    Foreign { root: Element, nested: u32 },
    /// HTML inside foreign content (HTML Standard, 13.2.6: integration points).
    Html { point: Element },
}

/// The regions around the current position, outermost first.
#[derive(Debug, Default)]
pub(crate) struct Foreign {
    regions: Vec<Region>,
    /// The foreign element being read whose text is never shown.
    hidden_by: Option<Element>,
    capped: bool,
}

impl Foreign {
    /// Whether the position is in foreign content.
    pub(crate) fn is_inside(&self) -> bool {
        matches!(self.regions.last(), Some(Region::Foreign { .. }))
    }

    /// Whether the position is in HTML that no foreign content is around.
    pub(crate) fn is_idle(&self) -> bool {
        self.regions.is_empty()
    }

    /// Whether text here is a description, script or style of a drawing.
    pub(crate) fn is_hidden(&self) -> bool {
        self.hidden_by.is_some()
            || self.regions.iter().any(|region| {
                matches!(
                    region,
                    Region::Html {
                        point: Element::Title | Element::Described
                    }
                )
            })
    }

    /// Whether nesting went deeper than is followed.
    pub(crate) fn was_capped(&self) -> bool {
        self.capped
    }

    /// Takes a start tag. Returns whether the element is foreign, rather than HTML's own.
    pub(crate) fn start(&mut self, element: Element, tag: &StartTag<'_>) -> bool {
        let Some(Region::Foreign { root, nested }) = self.regions.last_mut() else {
            let opens = matches!(element, Element::Svg | Element::Math);
            if opens && !tag.is_self_closing() {
                self.push(Region::Foreign {
                    root: element,
                    nested: 0,
                });
            }
            return opens;
        };
        if element.leaves_foreign() || (element == Element::Font && is_html_font(tag)) {
            self.leave();
            return false;
        }
        if tag.is_self_closing() {
            return true;
        }
        let root = *root;
        if element == root {
            *nested = nested.saturating_add(1);
        } else if is_integration_point(root, element, tag) {
            self.push(Region::Html { point: element });
        } else if matches!(
            element,
            Element::Script | Element::Style | Element::Described
        ) {
            self.hidden_by = Some(element);
        }
        true
    }

    /// Takes an end tag.
    pub(crate) fn end(&mut self, element: Element) {
        if self.hidden_by == Some(element) {
            self.hidden_by = None;
        }
        let ends_drawing = self.is_root_around(element);
        match self.regions.last_mut() {
            Some(Region::Foreign { root, nested }) if *root == element => {
                match nested.checked_sub(1) {
                    Some(fewer) => *nested = fewer,
                    None => self.pop(),
                }
            }
            Some(Region::Html { point }) if *point == element => self.pop(),
            // A drawing that ends inside its title: the title was left open.
            Some(Region::Html { .. }) if ends_drawing => {
                self.pop();
                self.end(element);
            }
            Some(Region::Foreign { .. }) if ends_html(element) => self.leave(),
            _ => {}
        }
    }

    /// Whether the foreign content around the HTML at the current position began with this element.
    fn is_root_around(&self, element: Element) -> bool {
        let around = self.regions.iter().nth_back(1);
        matches!(around, Some(Region::Foreign { root, .. }) if *root == element)
    }

    fn push(&mut self, region: Region) {
        if self.regions.len() < FOREIGN_DEPTH_MAX {
            self.regions.push(region);
        } else {
            self.capped = true;
        }
    }

    fn pop(&mut self) {
        self.regions.pop();
        self.hidden_by = None;
    }

    /// Back to the nearest HTML around.
    fn leave(&mut self) {
        while self.is_inside() {
            self.pop();
        }
    }
}

fn is_integration_point(root: Element, element: Element, tag: &StartTag<'_>) -> bool {
    match (root, element) {
        (Element::Svg, Element::ForeignObject | Element::Title) => true,
        (Element::Svg, Element::Described) => tag.raw_name().eq_ignore_ascii_case("desc"),
        (Element::Math, Element::MathText) => true,
        (Element::Math, Element::AnnotationXml) => {
            let [encoding] = tag.raw_values(["encoding"]);
            encoding.is_some_and(|encoding| {
                let value = encoding.value();
                value.eq_ignore_ascii_case("text/html")
                    || value.eq_ignore_ascii_case("application/xhtml+xml")
            })
        }
        _ => false,
    }
}

/// HTML's `font` is known by these attributes; SVG has an element of the same name.
fn is_html_font(tag: &StartTag<'_>) -> bool {
    tag.raw_values(["color", "face", "size"])
        .iter()
        .any(Option::is_some)
}

/// Whether an end tag is of an HTML element around the drawing, which closes the drawing too.
fn ends_html(element: Element) -> bool {
    element.leaves_foreign()
        || matches!(
            element,
            Element::Section | Element::Cell | Element::Html | Element::Template | Element::Object
        )
}
