//! Tokens to a tree.
//!
//! In: the tokens of a page. Out: a [`Tree`].
//! May touch: `tree`, `tag`, the tokenizer of `orb-page`. Must not touch: what elements mean to a reader.
//! Invariant: linear in the page whatever it holds: searches among open elements have a budget, and nesting beyond
//! [`DEPTH_MAX`] becomes siblings.
//!
//! The tree is the one a browser builds (HTML Standard, 13.2.6) for pages that nest as the standard says, with the end
//! tags it lets authors leave out. Two repairs of browsers are left out because no text is lost without them: what
//! stands wrongly between the rows of a table stays there, and formatting that a block interrupted is not reopened.

use orb_page::tokens::{ContentModel, StartTag, TextRun, Token, Tokenizer};

use crate::limits::{DEPTH_MAX, NODES_MAX, SEARCH_STEPS_MIN, SEARCH_STEPS_PER_BYTE};
use crate::tag::Tag;
use crate::tree::{Kind, NodeId, ROOT, Tree};

/// Builds the tree of a page. Anything is accepted.
pub(crate) fn build(html: &str) -> Tree<'_> {
    let mut builder = Builder::new(html);
    while let Some(token) = builder.tokenizer.next() {
        if builder.tree.len() >= NODES_MAX {
            break;
        }
        match token {
            Token::StartTag(tag) => builder.start_tag(tag),
            Token::EndTag(tag) => builder.end_tag(Tag::of(tag.raw_name()), tag.raw_name()),
            Token::Text(run) => builder.text(run),
            Token::Comment(_) | Token::Doctype(_) => {}
        }
    }
    builder.tree
}

#[derive(Clone, Copy, Debug)]
struct Open<'a> {
    tag: Tag,
    node: NodeId,
    name: &'a str,
}

struct Builder<'a> {
    tokenizer: Tokenizer<'a>,
    tree: Tree<'a>,
    /// Open elements, the root first.
    open: Vec<Open<'a>>,
    /// How many of each tag are open.
    counts: [u32; Tag::COUNT],
    /// Where the outermost open `svg` or `math` stands in `open`.
    foreign: Option<usize>,
    search_steps: u64,
    seen_body: bool,
}

impl<'a> Builder<'a> {
    fn new(html: &'a str) -> Self {
        Self {
            tokenizer: Tokenizer::new(html),
            tree: Tree::new(html.len()),
            open: vec![Open {
                tag: Tag::Html,
                node: ROOT,
                name: "html",
            }],
            counts: [0; Tag::COUNT],
            foreign: None,
            search_steps: SEARCH_STEPS_PER_BYTE.saturating_mul(html.len() as u64),
            seen_body: false,
        }
    }

    fn top(&self) -> Tag {
        self.open.last().map_or(Tag::Html, |open| open.tag)
    }

    fn is_open(&self, tag: Tag) -> bool {
        self.counts[tag as usize] > 0
    }

    /// Where the next node goes.
    fn parent(&self) -> NodeId {
        self.open[self.open.len().min(DEPTH_MAX) - 1].node
    }

    fn start_tag(&mut self, start: StartTag<'a>) {
        let tag = Tag::of(start.raw_name());
        match tag {
            Tag::Html => return self.tree.set_root(start),
            Tag::Head if self.seen_body => return,
            Tag::Body if std::mem::replace(&mut self.seen_body, true) => return,
            _ => {}
        }
        if self.is_open(Tag::Head) && !tag.is_head_part() {
            self.end_tag(Tag::Head, "head");
        }
        if self.foreign.is_some() {
            if self.is_foreign(tag) {
                return self.insert(tag, start, !start.is_self_closing());
            }
            self.leave_foreign();
        }
        self.close_implied(tag);
        self.insert(tag, start, !tag.is_void());
        match tag {
            Tag::Svg | Tag::Math if start.is_self_closing() => self.pop(),
            Tag::Svg | Tag::Math => self.enter_foreign(),
            Tag::Title | Tag::Textarea => self.tokenizer.switch_to(ContentModel::Rcdata),
            Tag::Style | Tag::Xmp | Tag::Iframe | Tag::Noembed | Tag::Noframes => {
                self.tokenizer.switch_to(ContentModel::Rawtext);
            }
            Tag::Script => self.tokenizer.switch_to(ContentModel::ScriptData),
            Tag::Plaintext => self.tokenizer.switch_to(ContentModel::Plaintext),
            _ => {}
        }
    }

    fn insert(&mut self, tag: Tag, start: StartTag<'a>, stays_open: bool) {
        let node = self
            .tree
            .append(self.parent(), Kind::Element(tag, Some(start)));
        if stays_open {
            self.counts[tag as usize] += 1;
            self.open.push(Open {
                tag,
                node,
                name: start.raw_name(),
            });
        }
    }

    fn text(&mut self, run: TextRun<'a>) {
        let raw = run.raw();
        let is_blank = raw.bytes().all(|byte| byte.is_ascii_whitespace());
        if is_blank && self.blank_says_nothing() {
            return;
        }
        if self.is_open(Tag::Head) && matches!(self.top(), Tag::Head | Tag::Html) && !is_blank {
            self.end_tag(Tag::Head, "head");
        }
        self.tree.append(self.parent(), Kind::Text(run));
    }

    /// White space between blocks is how the page was typed, unless it is preformatted.
    fn blank_says_nothing(&self) -> bool {
        let top = self.top();
        if self.is_open(Tag::Pre) || self.is_open(Tag::Listing) || top == Tag::Textarea {
            return false;
        }
        match self.tree.last_child(self.parent()) {
            Some(last) => self
                .tree
                .tag(last)
                .is_some_and(|tag| tag.is_block() || tag.is_head_part()),
            None => top.is_block() || top.is_head_part() || top == Tag::Head,
        }
    }

    fn pop(&mut self) {
        if self.open.len() > 1
            && let Some(closed) = self.open.pop()
        {
            self.counts[closed.tag as usize] -= 1;
            if self.foreign.is_some_and(|at| self.open.len() <= at) {
                self.foreign = None;
                self.tokenizer.allow_cdata(false);
            }
        }
    }

    fn pop_to(&mut self, length: usize) {
        while self.open.len() > length {
            self.pop();
        }
    }

    fn enter_foreign(&mut self) {
        self.foreign = Some(self.open.len() - 1);
        self.tokenizer.allow_cdata(true);
    }

    /// Whether a start tag inside a drawing or formula belongs to it.
    fn is_foreign(&self, tag: Tag) -> bool {
        let is_html_only = tag.is_block() || matches!(tag, Tag::Img | Tag::Br | Tag::Meta);
        !is_html_only || self.is_open(Tag::ForeignObject) || self.is_open(Tag::Annotation)
    }

    fn leave_foreign(&mut self) {
        if let Some(at) = self.foreign {
            self.pop_to(at);
        }
    }

    /// Ends what the start of `tag` ends without saying so.
    fn close_implied(&mut self, tag: Tag) {
        if tag.closes_paragraph() && self.is_open(Tag::P) {
            self.close_until(&[Tag::P], is_paragraph_barrier);
        }
        match tag {
            Tag::Li if self.is_open(Tag::Li) => self.close_until(&[Tag::Li], is_item_barrier),
            Tag::Dt | Tag::Dd if self.is_open(Tag::Dt) || self.is_open(Tag::Dd) => {
                self.close_until(&[Tag::Dt, Tag::Dd], is_item_barrier);
            }
            Tag::Option if self.top() == Tag::Option => self.pop(),
            Tag::Optgroup => {
                while matches!(self.top(), Tag::Option | Tag::Optgroup) {
                    self.pop();
                }
            }
            Tag::Td | Tag::Th if self.is_open(Tag::Td) || self.is_open(Tag::Th) => {
                self.close_until(&[Tag::Td, Tag::Th], is_table_barrier);
            }
            Tag::Tr if self.is_open(Tag::Tr) => self.close_until(&[Tag::Tr], is_table_barrier),
            Tag::Tbody | Tag::Thead | Tag::Tfoot => {
                let parts = [Tag::Tbody, Tag::Thead, Tag::Tfoot];
                self.close_until(&[Tag::Tr], is_table_barrier);
                self.close_until(&parts, is_table_barrier);
            }
            Tag::A if self.is_open(Tag::A) => self.end_tag(Tag::A, "a"),
            tag if tag.is_heading() && self.top().is_heading() => self.pop(),
            _ => {}
        }
    }

    /// Ends the nearest open element among `tags`, and what is open inside it; nothing if a barrier is nearer.
    fn close_until(&mut self, tags: &[Tag], is_barrier: fn(Tag) -> bool) {
        let found = self.search(|open| {
            if tags.contains(&open.tag) {
                Some(true)
            } else {
                is_barrier(open.tag).then_some(false)
            }
        });
        if let Some(at) = found {
            self.pop_to(at);
        }
    }

    /// Looks from the innermost open element outwards, within the budget. `decide` says found, stop, or go on.
    fn search(&mut self, decide: impl Fn(&Open<'a>) -> Option<bool>) -> Option<usize> {
        let steps_max = self.search_steps.max(SEARCH_STEPS_MIN);
        let mut steps = 0;
        let mut found = None;
        for (at, open) in self.open.iter().enumerate().skip(1).rev() {
            if steps >= steps_max {
                break;
            }
            steps += 1;
            match decide(open) {
                None => {}
                Some(true) => {
                    found = Some(at);
                    break;
                }
                Some(false) => break,
            }
        }
        self.search_steps = self.search_steps.saturating_sub(steps);
        found
    }

    fn end_tag(&mut self, tag: Tag, name: &str) {
        if tag == Tag::Br {
            // `</br>` is read as `<br>` by browsers; the blank it would leave is added by the writers anyhow.
            return;
        }
        // What follows `</body>` still belongs to it (HTML Standard, 13.2.6.4.19).
        if !self.is_open(tag) || matches!(tag, Tag::Html | Tag::Body) {
            return;
        }
        let is_block = tag.is_block();
        let is_table = tag == Tag::Table || tag.is_table_part();
        let found = self.search(|open| {
            if open.tag == tag && (tag != Tag::Other || open.name.eq_ignore_ascii_case(name)) {
                return Some(true);
            }
            let stops = match open.tag {
                Tag::Table => tag != Tag::Table,
                Tag::Td | Tag::Th | Tag::Caption | Tag::Template => !is_table,
                other => !is_block && !tag.is_formatting() && other.is_block() && tag != Tag::Head,
            };
            stops.then_some(false)
        });
        let Some(at) = found else { return };
        let interrupted = tag.is_formatting()
            && self.open[at + 1..]
                .iter()
                .take(64)
                .any(|open| open.tag.is_block());
        if interrupted {
            // The block goes on, its formatting does not.
            if self.open.len() - at <= 64 {
                self.open.remove(at);
                self.counts[tag as usize] -= 1;
                self.foreign = self
                    .foreign
                    .map(|foreign| foreign - usize::from(foreign > at));
            }
        } else {
            self.pop_to(at);
        }
    }
}

/// HTML Standard, 13.2.4.2: "button scope".
fn is_paragraph_barrier(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::Table | Tag::Td | Tag::Th | Tag::Caption | Tag::Button | Tag::Object | Tag::Template
    )
}

/// "Special" elements, but `address`, `div` and `p` (HTML Standard, 13.2.6.4.7, start tag "li").
fn is_item_barrier(tag: Tag) -> bool {
    (tag.is_block() && !matches!(tag, Tag::Address | Tag::Div | Tag::P | Tag::Li | Tag::Dt | Tag::Dd))
        || matches!(tag, Tag::Template | Tag::Button | Tag::Object)
        // Lists of the other kind stand between.
        || matches!(tag, Tag::Ul | Tag::Ol | Tag::Dl | Tag::Menu)
}

fn is_table_barrier(tag: Tag) -> bool {
    matches!(tag, Tag::Table | Tag::Template)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree as nested names, text as itself.
    fn show(tree: &Tree<'_>, id: NodeId) -> String {
        match tree.kind(id) {
            Kind::Text(run) => run.decode().trim().to_owned(),
            Kind::Element(tag, _) => {
                let inside: Vec<String> =
                    tree.children(id).map(|child| show(tree, child)).collect();
                let name = format!("{tag:?}").to_ascii_lowercase();
                if inside.is_empty() {
                    name
                } else {
                    format!("{name}({})", inside.join(" "))
                }
            }
        }
    }

    fn check(html: &str, expected: &str) {
        assert_eq!(show(&build(html), ROOT), expected, "{html}");
    }

    #[test]
    fn end_tags_may_be_left_out_as_the_standard_says() {
        check("<p>a<p>b<div>c</div>", "html(p(a) p(b) div(c))");
        check(
            "<ul><li>a<ul><li>b</ul><li>c</ul>",
            "html(ul(li(a ul(li(b))) li(c)))",
        );
        check(
            "<dl><dt>a<dd>b<dt>c<dd>d</dl>",
            "html(dl(dt(a) dd(b) dt(c) dd(d)))",
        );
        check(
            "<table><tr><td>a<td>b<tr><td>c</table>d",
            "html(table(tr(td(a) td(b)) tr(td(c))) d)",
        );
        check("<head><title>t</title><p>x", "html(head(title(t)) p(x))");
    }

    #[test]
    fn misnested_tags_lose_no_text() {
        check("<b><p>a</b>b</p>c", "html(b(p(a b)) c)");
        check("<div><span>a</div>b</span>c", "html(div(span(a)) b c)");
        check("<a href=1>a<a href=2>b</a>c", "html(a(a) a(b) c)");
        check("</div>a</p>b", "html(a b)");
        check(
            "<table><tr><td><b>a</td><td>b</b></table>",
            "html(table(tr(td(b(a)) td(b))))",
        );
    }

    #[test]
    fn drawings_end_where_html_begins() {
        check(
            "<svg><title>x</title><g/><path/></svg>a",
            "html(svg(title(x) other other) a)",
        );
        check("<svg><g><p>a</p>", "html(svg(other) p(a))");
        check(
            "<svg><style><![CDATA[<p>]]></style></svg>",
            "html(svg(style(<p>)))",
        );
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!("{}x{}y", "<div>".repeat(50_000), "</div>".repeat(50_000));
        let tree = build(&deep);
        let depth = tree
            .ids()
            .map(|id| tree.upwards(id).take(1_000).count())
            .max();
        assert!(
            depth.is_some_and(|depth| depth <= DEPTH_MAX + 1),
            "{depth:?}"
        );
        let (Kind::Text(y), parent) = (
            tree.kind(tree.ids().next_back().unwrap()),
            tree.parent(tree.ids().next_back().unwrap()),
        ) else {
            panic!("the last node is text")
        };
        assert_eq!((y.raw(), parent), ("y", ROOT));
    }
}
