//! A page as html5ever sees it: its tree, and what that says of links, title, base and text.
//!
//! In: text of a page. Out: [`Seen`]. May touch: html5ever. Must not touch: the scanner, which is held against this.
//! Invariant: everything is read off the finished tree; what is kept of it follows the same rules as the scanner's.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::{Rc, Weak};

use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::tree_builder::TreeBuilderOpts;
use html5ever::{Attribute, ExpandedName, ParseOpts, QualName, ns, parse_document};

/// What one reader says of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// `Kind href`, each once: a tree repeats elements that it reopens.
    pub(crate) links: BTreeSet<String>,
    pub(crate) title: Option<String>,
    pub(crate) base: Option<String>,
    /// White space collapsed to single blanks, blocks and cells apart.
    pub(crate) text: String,
}

#[derive(Default)]
pub(super) struct Node {
    parent: RefCell<Weak<Node>>,
    children: RefCell<Vec<Rc<Node>>>,
    /// `None` for the document, text and comments.
    name: Option<QualName>,
    attributes: RefCell<Vec<Attribute>>,
    text: RefCell<String>,
    /// What a `template` holds.
    contents: Option<Rc<Node>>,
}

struct Sink {
    document: Rc<Node>,
}

fn append(parent: &Rc<Node>, at: usize, child: NodeOrText<Rc<Node>>) {
    match child {
        NodeOrText::AppendNode(node) => {
            detach(&node);
            *node.parent.borrow_mut() = Rc::downgrade(parent);
            let at = at.min(parent.children.borrow().len());
            parent.children.borrow_mut().insert(at, node);
        }
        NodeOrText::AppendText(text) => {
            let node = Rc::new(Node {
                text: RefCell::new(text.to_string()),
                ..Node::default()
            });
            append(parent, at, NodeOrText::AppendNode(node));
        }
    }
}

fn place(node: &Rc<Node>) -> Option<(Rc<Node>, usize)> {
    let parent = node.parent.borrow().upgrade()?;
    let at = parent
        .children
        .borrow()
        .iter()
        .position(|child| Rc::ptr_eq(child, node))?;
    Some((parent, at))
}

fn detach(node: &Rc<Node>) {
    if let Some((parent, at)) = place(node) {
        parent.children.borrow_mut().remove(at);
        *node.parent.borrow_mut() = Weak::new();
    }
}

impl TreeSink for Sink {
    type Handle = Rc<Node>;
    type Output = Rc<Node>;
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) -> Rc<Node> {
        self.document
    }

    fn parse_error(&self, _message: Cow<'static, str>) {}

    fn get_document(&self) -> Rc<Node> {
        Rc::clone(&self.document)
    }

    fn elem_name<'a>(&'a self, target: &'a Rc<Node>) -> ExpandedName<'a> {
        target.name.as_ref().expect("an element").expanded()
    }

    fn create_element(
        &self,
        name: QualName,
        attributes: Vec<Attribute>,
        flags: ElementFlags,
    ) -> Rc<Node> {
        Rc::new(Node {
            name: Some(name),
            attributes: RefCell::new(attributes),
            contents: flags.template.then(Rc::<Node>::default),
            ..Node::default()
        })
    }

    fn create_comment(&self, _text: StrTendril) -> Rc<Node> {
        Rc::default()
    }

    fn create_pi(&self, _target: StrTendril, _data: StrTendril) -> Rc<Node> {
        Rc::default()
    }

    fn append(&self, parent: &Rc<Node>, child: NodeOrText<Rc<Node>>) {
        append(parent, usize::MAX, child);
    }

    fn append_based_on_parent_node(
        &self,
        element: &Rc<Node>,
        before: &Rc<Node>,
        child: NodeOrText<Rc<Node>>,
    ) {
        if place(element).is_some() {
            self.append_before_sibling(element, child);
        } else {
            append(before, usize::MAX, child);
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, target: &Rc<Node>) -> Rc<Node> {
        Rc::clone(target.contents.as_ref().expect("a template"))
    }

    fn same_node(&self, one: &Rc<Node>, other: &Rc<Node>) -> bool {
        Rc::ptr_eq(one, other)
    }

    fn set_quirks_mode(&self, _mode: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Rc<Node>, child: NodeOrText<Rc<Node>>) {
        if let NodeOrText::AppendNode(node) = &child {
            detach(node);
        }
        if let Some((parent, at)) = place(sibling) {
            append(&parent, at, child);
        }
    }

    fn add_attrs_if_missing(&self, target: &Rc<Node>, attributes: Vec<Attribute>) {
        let mut own = target.attributes.borrow_mut();
        for attribute in attributes {
            if !own.iter().any(|one| one.name == attribute.name) {
                own.push(attribute);
            }
        }
    }

    fn remove_from_parent(&self, target: &Rc<Node>) {
        detach(target);
    }

    fn reparent_children(&self, node: &Rc<Node>, parent: &Rc<Node>) {
        let children = std::mem::take(&mut *node.children.borrow_mut());
        for child in children {
            *child.parent.borrow_mut() = Weak::new();
            append(parent, usize::MAX, NodeOrText::AppendNode(child));
        }
    }
}

/// Reads a page with html5ever, scripts off as in the scanner.
pub(crate) fn read(html: &str) -> Seen {
    let sink = Sink {
        document: Rc::default(),
    };
    let options = ParseOpts {
        tree_builder: TreeBuilderOpts {
            scripting_enabled: false,
            ..TreeBuilderOpts::default()
        },
        ..ParseOpts::default()
    };
    let document = parse_document(sink, options).one(html);
    let mut walk = Walk::default();
    walk.node(&document, false);
    walk.seen.text = walk
        .text
        .split_ascii_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    walk.seen
}

#[derive(Default)]
struct Walk {
    seen: Seen,
    text: String,
    has_title: bool,
}

impl Walk {
    fn node(&mut self, node: &Rc<Node>, hidden: bool) {
        let Some(name) = &node.name else {
            if !hidden {
                self.text.push_str(&node.text.borrow());
            }
            return self.children(node, hidden);
        };
        let local = &*name.local;
        if name.ns == ns!(html) {
            self.html_element(node, local, hidden);
            return;
        }
        if local == "a" {
            self.link("Anchor", attribute(node, "href"));
        }
        let hides = matches!(local, "script" | "style" | "desc" | "metadata")
            || (local == "title" && name.ns == ns!(svg));
        self.children(node, hidden || hides);
    }

    fn children(&mut self, node: &Rc<Node>, hidden: bool) {
        for child in node.children.borrow().iter() {
            self.node(child, hidden);
        }
    }

    fn html_element(&mut self, node: &Rc<Node>, local: &str, hidden: bool) {
        match local {
            "a" => self.link("Anchor", attribute(node, "href")),
            "area" => self.link("Area", attribute(node, "href")),
            "frame" => self.link("Frame", attribute(node, "src").filter(|src| !is_blank(src))),
            "iframe" => self.link(
                "Iframe",
                attribute(node, "src").filter(|src| !is_blank(src)),
            ),
            "link" => self.link_element(node),
            "meta" => self.refresh(node),
            "base" if self.seen.base.is_none() => {
                self.seen.base = attribute(node, "href").map(|href| clean(&href));
            }
            "title" if !self.has_title => {
                self.has_title = true;
                let text = text_of(node);
                self.seen.title = Some(text).filter(|text| !text.is_empty());
            }
            _ => {}
        }
        if let Some(contents) = &node.contents {
            if attribute(node, "shadowrootmode").is_some() {
                self.children(contents, hidden);
            }
            return;
        }
        let hides = matches!(
            local,
            "script" | "style" | "title" | "iframe" | "noembed" | "noframes"
        );
        let around = if is_block(local) {
            "\n"
        } else if matches!(local, "td" | "th") {
            " "
        } else {
            ""
        };
        self.text.push_str(around);
        self.children(node, hidden || hides);
        self.text.push_str(around);
    }

    fn link(&mut self, kind: &str, href: Option<String>) {
        self.seen
            .links
            .extend(href.map(|href| format!("{kind} {}", clean(&href))));
    }

    fn link_element(&mut self, node: &Rc<Node>) {
        let rel = attribute(node, "rel")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let has = |names: &[&str]| {
            rel.split(|c: char| c == ',' || c.is_ascii_whitespace())
                .any(|token| names.contains(&token))
        };
        let loads = [
            "stylesheet",
            "icon",
            "apple-touch-icon",
            "apple-touch-icon-precomposed",
        ];
        let kind = if has(&["canonical"]) {
            "Canonical"
        } else if has(&loads) || has(&["mask-icon", "modulepreload"]) {
            return;
        } else if has(&["alternate"]) {
            "Alternate"
        } else if has(&["next", "prev", "previous"]) {
            "Next"
        } else {
            return;
        };
        self.link(kind, attribute(node, "href").filter(|href| !is_blank(href)));
    }

    fn refresh(&mut self, node: &Rc<Node>) {
        let is_refresh = attribute(node, "http-equiv")
            .is_some_and(|value| value.eq_ignore_ascii_case("refresh"));
        let content = attribute(node, "content").filter(|_| is_refresh);
        let url = content.and_then(|content| refreshed(&content));
        self.link("Refresh", url.filter(|url| !is_blank(url)));
    }
}

/// The shared declarative refresh steps (HTML Standard, 4.2.5.3), letter by letter.
fn refreshed(content: &str) -> Option<String> {
    let input: Vec<char> = content.chars().collect();
    let mut at = 0;
    let skip = |mut at: usize, what: &dyn Fn(char) -> bool| {
        while input.get(at).is_some_and(|letter| what(*letter)) {
            at += 1;
        }
        at
    };
    let space = |letter: char| letter.is_ascii_whitespace();
    at = skip(at, &space);
    let digits = skip(at, &|letter| letter.is_ascii_digit());
    if digits == at && input.get(at) != Some(&'.') {
        return None;
    }
    at = skip(digits, &|letter| letter.is_ascii_digit() || letter == '.');
    let next = *input.get(at)?;
    if !matches!(next, ';' | ',') && !space(next) {
        return None;
    }
    at = skip(at, &space);
    if matches!(input.get(at), Some(';' | ',')) {
        at += 1;
    }
    at = skip(at, &space);
    let whole: String = input.get(at..)?.iter().collect();
    if matches!(input.get(at), Some('u' | 'U')) {
        for pair in [['u', 'U'], ['r', 'R'], ['l', 'L']] {
            match input.get(at) {
                Some(letter) if pair.contains(letter) => at += 1,
                _ => return Some(whole),
            }
        }
        at = skip(at, &space);
        if input.get(at) != Some(&'=') {
            return Some(whole);
        }
        at = skip(at + 1, &space);
    }
    let quote = input.get(at).filter(|letter| matches!(letter, '\'' | '"'));
    at += usize::from(quote.is_some());
    let rest = input.get(at..)?.iter();
    Some(rest.take_while(|letter| Some(*letter) != quote).collect())
}

/// Elements on lines of their own.
pub(super) fn is_block(local: &str) -> bool {
    const BLOCKS: &str = "address article aside blockquote body br caption center dd details dialog dir div dl dt \
        fieldset figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html legend li listing \
        main menu nav ol optgroup option p plaintext pre search section select summary table tbody textarea tfoot thead \
        tr ul xmp";
    BLOCKS.split_ascii_whitespace().any(|block| block == local)
}

/// An attribute; `href` of SVG also in its old namespace.
fn attribute(node: &Node, name: &str) -> Option<String> {
    let attributes = node.attributes.borrow();
    let own = |namespace: bool| {
        attributes
            .iter()
            .find(|one| &*one.name.local == name && (one.name.ns == ns!()) != namespace)
    };
    let is_foreign = node.name.as_ref().is_some_and(|name| name.ns != ns!(html));
    own(false)
        .or_else(|| own(true).filter(|_| is_foreign && name == "href"))
        .map(|one| one.value.to_string())
}

fn text_of(node: &Rc<Node>) -> String {
    let text: String = node
        .children
        .borrow()
        .iter()
        .map(|child| child.text.borrow().clone())
        .collect();
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_blank(href: &str) -> bool {
    clean(href).is_empty()
}

/// URL Standard, 4.4.
fn clean(href: &str) -> String {
    href.trim_matches(|c: char| c <= ' ')
        .replace(['\t', '\n', '\r'], "")
}
