//! Which part of the page is its content.
//!
//! In: a tree. Out: the part's root, and what is left out around and inside it.
//! May touch: `measure`, `furniture`. Must not touch: how it is written.
//! Invariant: where the page has text to read, the content has some; each step that leaves nothing is taken back.

use crate::furniture;
use crate::hints::Hint;
use crate::measure::Measures;
use crate::tag::Tag;
use crate::tree::{NodeId, ROOT, Tree};

/// How the content was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Extraction {
    /// The author marked it: `main`, `article`, `itemprop=articleBody`.
    Marked,
    /// By where the text stands and how much of it is links.
    Density,
    /// The page less its furniture: no part stands out.
    Page,
    /// Everything that is shown: without its furniture nothing would be left.
    Everything,
    /// The page hides all its text until a script shows it; this is what it hides.
    Hidden,
    /// There is no text.
    Nothing,
}

/// The part of a page that is its content.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) root: NodeId,
    /// The page's first heading, where it stands before `root`.
    pub(crate) heading: Option<NodeId>,
    pub(crate) measures: Measures,
    pub(crate) extraction: Extraction,
    /// Letters of everything that is shown.
    pub(crate) page_letters: u32,
}

/// Letters below which a result is taken for a failure, if the page has ten times as many.
const LETTERS_FEW: u32 = 60;

/// Finds the content. Cost: a few sweeps over the nodes.
pub(crate) fn find(tree: &Tree<'_>) -> Content {
    let mut measures = Measures::of(tree, false);
    let page_letters = measures.all(ROOT).letters;
    if page_letters == 0 {
        return hidden(tree);
    }
    furniture::leave_out_named(tree, &mut measures);
    let rest = measures.all(ROOT).letters;
    if is_too_little(rest, page_letters) {
        return everything(tree, page_letters);
    }
    let (mut root, mut extraction) = choose(tree, &measures);
    let heading = heading_before(tree, &measures, root);
    furniture::leave_out_inside(tree, &mut measures, root);
    if is_too_little(measures.all(root).letters, rest) {
        measures = Measures::of(tree, false);
        furniture::leave_out_named(tree, &mut measures);
        (root, extraction) = (ROOT, Extraction::Page);
    }
    Content {
        root,
        heading: heading.filter(|_| root != ROOT),
        measures,
        extraction,
        page_letters,
    }
}

fn is_too_little(letters: u32, of: u32) -> bool {
    letters == 0 || (letters < LETTERS_FEW && letters < of / 10)
}

fn everything(tree: &Tree<'_>, page_letters: u32) -> Content {
    Content {
        root: ROOT,
        heading: None,
        measures: Measures::of(tree, false),
        extraction: Extraction::Everything,
        page_letters,
    }
}

fn hidden(tree: &Tree<'_>) -> Content {
    let measures = Measures::of(tree, true);
    let page_letters = measures.all(ROOT).letters;
    Content {
        root: ROOT,
        heading: None,
        measures,
        extraction: if page_letters > 0 {
            Extraction::Hidden
        } else {
            Extraction::Nothing
        },
        page_letters,
    }
}

/// The author's own mark first, then from the top down as long as one part holds nearly everything.
fn choose(tree: &Tree<'_>, measures: &Measures) -> (NodeId, Extraction) {
    let mut root = ROOT;
    let mut extraction = Extraction::Page;
    for (mark, percent) in [
        (Mark::Main, 40),
        (Mark::Article, 70),
        (Mark::ArticleBody, 60),
    ] {
        if let Some(found) = heaviest(tree, measures, root, mark)
            && measures.all(found).weight() * 100 >= measures.all(root).weight() * percent
        {
            root = found;
            extraction = Extraction::Marked;
        }
    }
    let start = root;
    while let Some(child) = heaviest_child(tree, measures, root) {
        let weight = measures.all(child).weight() * 100;
        let percent = if measures.has(child, Hint::Content) {
            60
        } else if extraction == Extraction::Marked {
            96
        } else {
            88
        };
        if weight == 0
            || weight < measures.all(root).weight() * percent
            || has_twin(tree, measures, child)
        {
            break;
        }
        root = child;
    }
    root = container(tree, root, start);
    if root != start && extraction == Extraction::Page {
        extraction = Extraction::Density;
    }
    (root, extraction)
}

/// Whether a neighbour with text has the same tag and class: the long one of several sections is not the whole.
fn has_twin(tree: &Tree<'_>, measures: &Measures, id: NodeId) -> bool {
    if tree.attribute(id, "class").is_none() {
        return false;
    }
    let own = furniture::kind(tree, id);
    tree.children(tree.parent(id))
        .filter(|other| *other != id && measures.all(*other).letters > 0)
        .any(|other| furniture::kind(tree, other) == own)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Main,
    Article,
    ArticleBody,
}

fn heaviest(tree: &Tree<'_>, measures: &Measures, root: NodeId, mark: Mark) -> Option<NodeId> {
    (root..tree.end(root))
        .filter(|id| {
            !measures.is_out(*id)
                && match mark {
                    Mark::Main => measures.has(*id, Hint::Main),
                    Mark::Article => tree.tag(*id) == Some(Tag::Article),
                    Mark::ArticleBody => measures.has(*id, Hint::ArticleBody),
                }
        })
        .max_by_key(|id| (measures.all(*id).weight(), std::cmp::Reverse(*id)))
}

fn heaviest_child(tree: &Tree<'_>, measures: &Measures, root: NodeId) -> Option<NodeId> {
    tree.children(root)
        .filter(|id| !measures.is_out(*id) && tree.tag(*id).is_some())
        .max_by_key(|id| (measures.all(*id).weight(), std::cmp::Reverse(*id)))
}

/// The nearest part that can stand alone: half a list or a table without its head cannot.
fn container(tree: &Tree<'_>, id: NodeId, start: NodeId) -> NodeId {
    tree.upwards(id)
        .find(|above| {
            *above == start
                || matches!(
                    tree.tag(*above),
                    Some(
                        Tag::Article
                            | Tag::Body
                            | Tag::Center
                            | Tag::Div
                            | Tag::Form
                            | Tag::Html
                            | Tag::Main
                            | Tag::Section
                            | Tag::Td
                            | Tag::Dl
                            | Tag::Ul
                            | Tag::Ol
                            | Tag::Table
                            | Tag::Blockquote
                            | Tag::Pre
                            | Tag::Listing
                            | Tag::Xmp
                            | Tag::Plaintext
                    )
                )
        })
        .unwrap_or(start)
}

/// The first `h1` before the content, wherever the site put it; not one that is only a link home.
fn heading_before(tree: &Tree<'_>, measures: &Measures, root: NodeId) -> Option<NodeId> {
    let has_own =
        (root..tree.end(root)).any(|id| tree.tag(id) == Some(Tag::H1) && !measures.is_out(id));
    if has_own {
        return None;
    }
    (ROOT..root).find(|id| {
        tree.tag(*id) == Some(Tag::H1)
            && !is_link(tree, *id)
            && !tree
                .upwards(*id)
                .any(|above| tree.tag(above) == Some(Tag::Nav) || measures.has(above, Hint::Hidden))
    })
}

fn is_link(tree: &Tree<'_>, id: NodeId) -> bool {
    let around = tree.upwards(id).skip(1).take(2);
    (id + 1..tree.end(id))
        .chain(around)
        .any(|node| tree.tag(node) == Some(Tag::A) && tree.attribute(node, "href").is_some())
}

/// Everything that is shown, without looking for a part.
pub(crate) fn whole(tree: &Tree<'_>) -> Content {
    let measures = Measures::of(tree, false);
    let page_letters = measures.all(ROOT).letters;
    everything(tree, page_letters)
}
