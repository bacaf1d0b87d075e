//! What a site puts around its content: found by name, by place, by label and by repetition, and left out.
//!
//! In: a tree and its measures. Out: the same measures with furniture left out.
//! May touch: `measure`, `hints`, `labels`. Must not touch: which part is the content (`content`).
//! Invariant: nothing that holds a large share of the page is furniture, whatever it is called.

use rustc_hash::FxHashMap;

use crate::hints::Hint;
use crate::labels::{LABEL_BYTES_MAX, announces_furniture};
use crate::measure::Measures;
use crate::tag::Tag;
use crate::tree::{NodeId, ROOT, Tree};

/// Siblings of one kind from which they are items of a list rather than parts of a page.
const ITEMS_MIN: u32 = 3;

/// Siblings looked at for one of them: with more, a flat page would cost the square of its length.
const SIBLINGS_LOOKED_AT: usize = 64;

/// Letters of a label on a button or link that items repeat.
const ACTION_LETTERS_MAX: u32 = 24;

/// Leaves out what is furniture by its name or element.
pub(crate) fn leave_out_named(tree: &Tree<'_>, measures: &mut Measures) {
    let page = measures.all(ROOT).letters;
    let siblings = Siblings::count(tree, measures);
    for id in tree.ids().skip(1) {
        let Some(tag) = tree.tag(id) else { continue };
        if measures.is_out(id) || measures.is_out(tree.parent(id)) {
            if measures.is_out(tree.parent(id)) {
                measures.leave_out(id);
            }
            continue;
        }
        let share = share(measures.all(id).letters, page);
        let is_item = || siblings.of(tree, id) >= ITEMS_MIN;
        if is_furniture(tree, measures, id, tag, share, &is_item) {
            measures.leave_out(id);
        }
    }
    measures.settle(tree);
    leave_out_comments(tree, measures);
}

fn share(part: u32, whole: u32) -> u64 {
    u64::from(part) * 100 / u64::from(whole.max(1))
}

fn is_furniture(
    tree: &Tree<'_>,
    measures: &Measures,
    id: NodeId,
    tag: Tag,
    share: u64,
    is_item: &dyn Fn() -> bool,
) -> bool {
    if matches!(tag, Tag::Body | Tag::Main | Tag::Article) || measures.has(id, Hint::Main) {
        return false;
    }
    let all = measures.all(id);
    let is_prose = all.good * 2 > all.letters;
    let is_note = measures.has(id, Hint::Note);
    let by_element = match tag {
        Tag::Nav => share < 60,
        Tag::Dialog | Tag::Search => share < 50,
        Tag::Footer => {
            share
                < if is_inside_content(tree, measures, id) {
                    30
                } else {
                    60
                }
        }
        Tag::Header => {
            share < 30 && !is_inside_content(tree, measures, id) && !(is_prose && share > 10)
        }
        Tag::Aside => share < 40 && !is_note,
        Tag::Form => share < 25 && !is_prose,
        _ => false,
    };
    if by_element {
        return true;
    }
    if is_note && !all.is_linked(70) {
        return false;
    }
    // Cells of data and words of a sentence bear such names for their looks.
    let is_part_of_prose = matches!(
        tag,
        Tag::Tr
            | Tag::Tbody
            | Tag::Thead
            | Tag::Pre
            | Tag::Code
            | Tag::Em
            | Tag::Strong
            | Tag::B
            | Tag::I
    ) || tag.is_heading();
    if measures.has(id, Hint::Furniture) && !is_part_of_prose {
        return share < 40 && !is_whole_heading(tree, measures, id);
    }
    measures.has(id, Hint::Doubtful)
        && !is_part_of_prose
        && (tag.is_block() || stands_alone(tree, measures, id))
        && share < 25
        && (all.is_linked(40) || all.letters < 80)
        && !(is_item() && (all.letters >= 40 || tag.is_table_part()))
        && !matches!(tag, Tag::Td | Tag::Th | Tag::Dt | Tag::Dd)
}

/// Whether a heading would be left without a word: manuals mark its words as the way back to their contents.
fn is_whole_heading(tree: &Tree<'_>, measures: &Measures, id: NodeId) -> bool {
    let block = tree
        .upwards(id)
        .find(|above| tree.tag(*above).is_some_and(Tag::is_block));
    block.is_some_and(|block| {
        block != id
            && tree
                .tag(block)
                .is_some_and(|tag| tag.is_heading() || tag == Tag::Dt)
            && measures.all(id).letters * 2 >= measures.own(block).letters
    })
}

/// Whether nothing else is on the lines of an inline element.
fn stands_alone(tree: &Tree<'_>, measures: &Measures, id: NodeId) -> bool {
    tree.upwards(id)
        .skip(1)
        .find(|above| tree.tag(*above).is_some_and(Tag::is_block))
        .is_some_and(|block| {
            measures.own(block).letters <= measures.all(id).letters
                && !tree
                    .tag(block)
                    .is_some_and(|tag| tag.is_heading() || tag == Tag::Dt)
        })
}

/// Whether an `article`, `main` or item of a listing is around.
fn is_inside_content(tree: &Tree<'_>, measures: &Measures, id: NodeId) -> bool {
    tree.upwards(id).skip(1).any(|above| {
        matches!(
            tree.tag(above),
            Some(Tag::Main | Tag::Article | Tag::Section | Tag::Blockquote | Tag::Figure)
        ) || measures.has(above, Hint::Main)
            || measures.has(above, Hint::ArticleBody)
    })
}

/// Remarks of readers go where an article stands apart from them; where they are the page, they stay.
fn leave_out_comments(tree: &Tree<'_>, measures: &mut Measures) {
    let mut outermost: Vec<NodeId> = Vec::new();
    let mut inside = 0;
    for id in tree.ids().skip(1) {
        if id < inside || measures.is_out(id) || !measures.has(id, Hint::Comments) {
            continue;
        }
        inside = tree.end(id);
        outermost.push(id);
    }
    let remarks: u64 = outermost
        .iter()
        .map(|id| u64::from(measures.all(*id).good))
        .sum();
    let rest = u64::from(measures.all(ROOT).good).saturating_sub(remarks);
    if rest < 240 || remarks > rest * 4 {
        return;
    }
    for id in outermost {
        measures.leave_out(id);
    }
    measures.settle(tree);
}

/// Leaves out what is furniture inside the content: labelled sections, links at its edges, repeated actions.
pub(crate) fn leave_out_inside(tree: &Tree<'_>, measures: &mut Measures, root: NodeId) {
    leave_out_permalinks(tree, measures, root);
    leave_out_actions(tree, measures, root);
    leave_out_labelled(tree, measures, root);
    measures.settle(tree);
    leave_out_edges(tree, measures, root);
    measures.settle(tree);
}

/// A heading's link to itself.
fn leave_out_permalinks(tree: &Tree<'_>, measures: &mut Measures, root: NodeId) {
    for id in root..tree.end(root) {
        if tree.tag(id) != Some(Tag::A) || measures.is_out(id) || measures.all(id).letters > 8 {
            continue;
        }
        let is_local = tree
            .attribute(id, "href")
            .is_some_and(|href| href.starts_with('#'));
        let is_permalink = measures.has(id, Hint::Permalink)
            || (is_local
                && matches!(
                    tree.text(id, 8).as_str(),
                    "¶" | "#" | "§" | "∞" | "🔗" | "☍" | "link"
                ));
        if is_permalink {
            measures.leave_out(id);
        }
    }
}

/// "Reply", "Add to cart", "Permalink": links that stand alone, short and the same in item after item.
fn leave_out_actions(tree: &Tree<'_>, measures: &mut Measures, root: NodeId) {
    let mut seen: FxHashMap<String, Vec<NodeId>> = FxHashMap::default();
    for id in root..tree.end(root) {
        let all = measures.all(id);
        if tree.tag(id) != Some(Tag::A)
            || measures.is_out(id)
            || all.letters == 0
            || all.letters > ACTION_LETTERS_MAX
        {
            continue;
        }
        let block = tree
            .upwards(id)
            .find(|above| tree.tag(*above).is_some_and(Tag::is_block))
            .unwrap_or(ROOT);
        let is_cell = matches!(tree.tag(block), Some(Tag::Td | Tag::Th | Tag::Dt | Tag::Dd))
            || tree.tag(block).is_some_and(Tag::is_heading);
        // A bar of actions is links and separators only.
        let own = measures.own(block);
        if !is_cell && (own.is_linked(70) || (own.is_linked(40) && is_button(tree, id))) {
            seen.entry(tree.text(id, 64)).or_default().push(id);
        }
    }
    for places in seen
        .values()
        .filter(|places| places.len() >= ITEMS_MIN as usize)
    {
        for id in places {
            measures.leave_out(*id);
        }
    }
}

/// A link that is styled to be pressed.
fn is_button(tree: &Tree<'_>, id: NodeId) -> bool {
    tree.attribute(id, "class").is_some_and(|class| {
        class
            .split(|letter: char| !letter.is_ascii_alphanumeric())
            .any(|word| matches!(word, "button" | "btn" | "cta"))
    })
}

/// Sections whose heading says that the site speaks now.
fn leave_out_labelled(tree: &Tree<'_>, measures: &mut Measures, root: NodeId) {
    for id in root + 1..tree.end(root) {
        if measures.is_out(id) || !is_label(tree, measures, id) {
            continue;
        }
        let parent = tree.parent(id);
        let is_first = tree
            .children(parent)
            .take(SIBLINGS_LOOKED_AT)
            .find(|child| measures.all(*child).letters > 0)
            == Some(id);
        let around = measures.all(parent);
        let is_small = around.letters * 2 < measures.all(root).letters;
        let is_tiny = around.letters < measures.all(root).letters / 10;
        let is_furniture = around.is_linked(35) || around.good == 0 || is_tiny;
        if is_first && parent != root && is_small && is_furniture {
            measures.leave_out(parent);
            continue;
        }
        leave_out_until_heading(tree, measures, id);
    }
}

fn is_label(tree: &Tree<'_>, measures: &Measures, id: NodeId) -> bool {
    let Some(tag) = tree.tag(id) else {
        return false;
    };
    let may_be_one = tag.is_heading() || matches!(tag, Tag::P | Tag::Div | Tag::Summary | Tag::Dt);
    let all = measures.all(id);
    may_be_one
        && (1..=LABEL_BYTES_MAX as u32).contains(&all.letters)
        && (tag.is_heading() || measures.own(id).letters == all.letters)
        && announces_furniture(&tree.text(id, LABEL_BYTES_MAX + 1))
}

/// The label and the links that follow it, up to the next heading or the next prose.
fn leave_out_until_heading(tree: &Tree<'_>, measures: &mut Measures, label: NodeId) {
    let followers: Vec<NodeId> = tree
        .following(label)
        .take(SIBLINGS_LOOKED_AT)
        .take_while(|child| !tree.tag(*child).is_some_and(Tag::is_heading))
        .filter(|child| measures.all(*child).letters > 0)
        .collect();
    let linked = followers
        .iter()
        .take_while(|child| measures.all(**child).is_linked(50))
        .count();
    if linked == 0 && !followers.is_empty() {
        return;
    }
    measures.leave_out(label);
    for id in &followers[..linked] {
        measures.leave_out(*id);
    }
}

/// Lists of links before the first and behind the last prose of the content, unless a heading introduces them.
fn leave_out_edges(tree: &Tree<'_>, measures: &mut Measures, root: NodeId) {
    let whole = measures.all(root);
    if u64::from(whole.good) * 100 < u64::from(whole.letters) * 35 {
        // A listing or an index: its links are what it is for.
        return;
    }
    let is_good = |id: &NodeId| measures.own(*id).good > 0 && !measures.is_out(*id);
    let nodes = root..tree.end(root);
    let (Some(first), Some(last)) = (
        nodes.clone().find(is_good),
        nodes.clone().rev().find(is_good),
    ) else {
        return;
    };
    let mut skip_to = 0;
    // For each parent the last child with text so far: what stands right before the next.
    let mut before_in = vec![ROOT; tree.len()];
    for id in root + 1..tree.end(root) {
        if measures.is_out(id) {
            continue;
        }
        let all = measures.all(id);
        let mut before = ROOT;
        if all.letters > 0 {
            before = std::mem::replace(&mut before_in[tree.parent(id) as usize], id);
        }
        if id < skip_to || (first..=last).contains(&id) || !is_list_of_links(tree, measures, id) {
            continue;
        }
        if !is_introduced(tree, id, before) {
            measures.leave_out(id);
        }
        skip_to = tree.end(id);
    }
}

fn is_list_of_links(tree: &Tree<'_>, measures: &Measures, id: NodeId) -> bool {
    let all = measures.all(id);
    let is_container = matches!(
        tree.tag(id),
        Some(
            Tag::Ul
                | Tag::Ol
                | Tag::Dl
                | Tag::Div
                | Tag::Section
                | Tag::Table
                | Tag::Center
                | Tag::Menu
        )
    );
    is_container && all.letters > 0 && all.good == 0 && all.is_linked(60)
}

/// Whether a heading or term stands right before the list, or a heading inside of it.
fn is_introduced(tree: &Tree<'_>, id: NodeId, before: NodeId) -> bool {
    let by_heading = before != ROOT
        && tree
            .tag(before)
            .is_some_and(|tag| tag.is_heading() || tag == Tag::Dt);
    by_heading || (id..tree.end(id)).any(|inside| tree.tag(inside).is_some_and(Tag::is_heading))
}

/// How many siblings look alike, for each parent.
struct Siblings(FxHashMap<(NodeId, Kind), u32>);

/// A tag and the hash of a class.
pub(crate) type Kind = (u8, u64);

impl Siblings {
    fn count(tree: &Tree<'_>, measures: &Measures) -> Siblings {
        let mut counts = FxHashMap::default();
        for id in tree.ids().skip(1) {
            if measures.has(id, Hint::Doubtful) {
                let kind = kind(tree, id);
                let alike = tree.children(tree.parent(id)).take(SIBLINGS_LOOKED_AT);
                counts.entry((tree.parent(id), kind)).or_insert_with(|| {
                    let count = alike
                        .filter(|sibling| self::kind(tree, *sibling) == kind)
                        .count();
                    u32::try_from(count).unwrap_or(u32::MAX)
                });
            }
        }
        Siblings(counts)
    }

    fn of(&self, tree: &Tree<'_>, id: NodeId) -> u32 {
        self.0
            .get(&(tree.parent(id), kind(tree, id)))
            .copied()
            .unwrap_or(0)
    }
}

/// Tag and first class: what items of one list share.
pub(crate) fn kind(tree: &Tree<'_>, id: NodeId) -> Kind {
    use std::hash::{Hash as _, Hasher as _};
    let tag = tree.tag(id).map_or(u8::MAX, |tag| tag as u8);
    let class = tree.attribute(id, "class");
    let first = class
        .as_deref()
        .and_then(|class| class.split_ascii_whitespace().next())
        .unwrap_or("");
    let mut hasher = rustc_hash::FxHasher::default();
    first.hash(&mut hasher);
    (tag, hasher.finish())
}
