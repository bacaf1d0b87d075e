//! How much text stands where, and how much of it is links.
//!
//! In: a tree. Out: for each node its letters, its linked letters and its good letters.
//! May touch: `tree`, `hints`. Must not touch: what is kept; it measures what it is told is left.
//! Invariant: two sweeps over the nodes, one forward, one backward; no recursion.
//!
//! A letter is a byte of text that is no white space: scripts differ in how many make a word, but a page is compared
//! only with itself.

use orb_page::tokens::TextRun;

use crate::hints::{self, Hint, Hints, KnownClasses};
use crate::tag::Tag;
use crate::tree::{Kind, NodeId, ROOT, Tree};

/// Letters from which a block may be prose: about eight words.
const GOOD_LETTERS_MIN: u32 = 40;

/// What one node holds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Amount {
    /// Letters in the subtree.
    pub(crate) letters: u32,
    /// Those inside links.
    pub(crate) linked: u32,
    /// Those in blocks that read like prose or code.
    pub(crate) good: u32,
}

impl Amount {
    /// Whether at least `percent` of the letters are links.
    pub(crate) fn is_linked(&self, percent: u64) -> bool {
        u64::from(self.linked) * 100 >= u64::from(self.letters) * percent
    }

    /// What it counts in the search for the content.
    pub(crate) fn weight(&self) -> u64 {
        4 * u64::from(self.good) + u64::from(self.letters.saturating_sub(self.linked))
    }

    fn add(&mut self, other: Amount) {
        self.letters = self.letters.saturating_add(other.letters);
        self.linked = self.linked.saturating_add(other.linked);
        self.good = self.good.saturating_add(other.good);
    }
}

/// What is known of each node, by its number.
#[derive(Debug)]
pub(crate) struct Measures {
    /// Text of the block itself, without the blocks inside it; zero for other nodes.
    own: Vec<Amount>,
    /// What each node adds to the sums: a run of text its letters, a block what is good of its own.
    parts: Vec<Amount>,
    /// Text of the whole subtree, as far as it is kept.
    all: Vec<Amount>,
    hints: Vec<Hints>,
    /// Left out, with everything below.
    out: Vec<bool>,
}

impl Measures {
    /// Measures everything that can be read at all.
    ///
    /// - `with_hidden`: also count what the page hides, for pages that show nothing else.
    pub(crate) fn of(tree: &Tree<'_>, with_hidden: bool) -> Measures {
        let mut measures = Measures {
            own: vec![Amount::default(); tree.len()],
            parts: vec![Amount::default(); tree.len()],
            all: vec![Amount::default(); tree.len()],
            hints: vec![Hints::default(); tree.len()],
            out: vec![false; tree.len()],
        };
        measures.sweep(tree, with_hidden);
        measures.add_up(tree);
        measures
    }

    pub(crate) fn all(&self, id: NodeId) -> Amount {
        self.all[id as usize]
    }

    pub(crate) fn own(&self, id: NodeId) -> Amount {
        self.own[id as usize]
    }

    pub(crate) fn has(&self, id: NodeId, hint: Hint) -> bool {
        self.hints[id as usize].has(hint)
    }

    pub(crate) fn is_out(&self, id: NodeId) -> bool {
        self.out[id as usize]
    }

    /// Leaves a node out; what is below follows with [`Measures::settle`].
    pub(crate) fn leave_out(&mut self, id: NodeId) {
        self.out[id as usize] = true;
    }

    /// Hands "left out" down and adds up what is left.
    pub(crate) fn settle(&mut self, tree: &Tree<'_>) {
        for id in tree.ids().skip(1) {
            self.out[id as usize] |= self.out[tree.parent(id) as usize];
        }
        self.add_up(tree);
    }

    fn sweep(&mut self, tree: &Tree<'_>, with_hidden: bool) {
        // For each node the block it writes into, and whether it is inside a link or a listing.
        let mut places = vec![Place::default(); tree.len()];
        let mut classes = KnownClasses::default();
        for id in tree.ids() {
            let at = id as usize;
            let mut place = places[tree.parent(id) as usize];
            self.out[at] = id != ROOT && self.out[tree.parent(id) as usize];
            if self.out[at] {
                continue;
            }
            match tree.kind(id) {
                Kind::Element(tag, _) => {
                    let hints = hints::of(tree, id, tag, &mut classes);
                    self.hints[at] = hints;
                    let is_hidden = hints.has(Hint::Hidden) && !with_hidden;
                    self.out[at] = tag.is_never_read()
                        || (tag == Tag::Noscript && !with_hidden)
                        || (is_hidden && id != ROOT && tag != Tag::Body);
                    if tag.is_block() {
                        place.block = id;
                    }
                    place.in_link |= tag == Tag::A && tree.has_attribute(id, "href");
                    place.in_listing |= tag.is_preformatted();
                    places[at] = place;
                }
                Kind::Text(run) => {
                    let letters = letters(&run);
                    let amount = |counts: bool| if counts { letters } else { 0 };
                    self.parts[at] = Amount {
                        letters,
                        linked: amount(place.in_link),
                        good: 0,
                    };
                    self.own[place.block as usize].add(Amount {
                        good: amount(place.in_listing),
                        ..self.parts[at]
                    });
                }
            }
        }
        for (own, part) in self.own.iter_mut().zip(&mut self.parts) {
            if own.letters >= GOOD_LETTERS_MIN && !own.is_linked(40) {
                own.good = own.letters;
            }
            part.good = own.good;
        }
    }

    fn add_up(&mut self, tree: &Tree<'_>) {
        self.all.copy_from_slice(&self.parts);
        for id in tree.ids().rev() {
            if self.out[id as usize] {
                self.all[id as usize] = Amount::default();
            } else if id != ROOT {
                let amount = self.all[id as usize];
                self.all[tree.parent(id) as usize].add(amount);
            }
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    block: NodeId,
    in_link: bool,
    in_listing: bool,
}

fn letters(run: &TextRun<'_>) -> u32 {
    let raw = run.raw().as_bytes();
    // U+00A0 and its kind written as references are the only blanks that look like letters here.
    if raw.first() == Some(&b'&') && run.decode().trim().is_empty() {
        return 0;
    }
    // Controls and blanks lie below the letters; one comparison a byte.
    let count = raw.iter().filter(|byte| **byte > b' ').count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder;

    #[test]
    fn letters_links_and_prose_are_told_apart() {
        let html = "<div><p>12345 <a href=x>678</a></p><script>no</script><p hidden>no</p>\
                    <p>A sentence that is long enough to be taken for prose by everyone.</div>";
        let tree = builder::build(html);
        let measures = Measures::of(&tree, false);
        let all = measures.all(1);
        assert_eq!((all.letters, all.linked, all.good), (61, 3, 53));
        assert_eq!(Measures::of(&tree, true).all(1).letters, 63);
    }
}
