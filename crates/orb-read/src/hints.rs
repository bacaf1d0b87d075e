//! What an element's attributes say of its place on the page.
//!
//! In: `class`, `id`, `role` and the like. Out: a set of [`Hint`]s.
//! May touch: one element. Must not touch: its text or its neighbours; a hint is weighed by `furniture`.
//! Invariant: O(bytes of the attributes); allocates only for attributes with character references, and for the first of
//! each class.

use orb_page::tokens::Attribute;
use rustc_hash::FxHashMap;

use crate::limits::CLASSES_REMEMBERED_MAX;
use crate::tag::{Tag, pack};
use crate::tree::{Kind, NodeId, Tree};

/// What may be said of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Hint {
    /// Not shown: `hidden`, `display: none`, for screen readers only.
    Hidden = 1,
    /// Navigation, footer, advertisement, sharing and the like by its very name.
    Furniture = 1 << 1,
    /// Names that furniture bears and content too: menu, related, tools.
    Doubtful = 1 << 2,
    /// Remarks of readers.
    Comments = 1 << 3,
    /// The author's own marker of the content.
    Content = 1 << 4,
    /// `main` or its role.
    Main = 1 << 5,
    /// A note, warning or footnote: content, though it may stand in an `aside`.
    Note = 1 << 6,
    /// Numbers beside the lines of a listing.
    LineNumbers = 1 << 7,
    /// A link of a heading to itself.
    Permalink = 1 << 8,
    /// A table that only places things.
    Layout = 1 << 9,
    /// The body of an article, in microdata.
    ArticleBody = 1 << 10,
    /// A property in microdata.
    Property = 1 << 11,
    /// Named for who wrote it.
    Author = 1 << 12,
    /// Named for when it was written.
    Dated = 1 << 13,
}

/// A set of hints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hints(u16);

impl Hints {
    pub(crate) fn has(self, hint: Hint) -> bool {
        self.0 & hint as u16 != 0
    }

    fn add(&mut self, hint: Hint) {
        self.0 |= hint as u16;
    }
}

/// What the classes met so far say: pages have few of them, on thousands of elements.
#[derive(Debug, Default)]
pub(crate) struct KnownClasses<'a>(FxHashMap<&'a str, Hints>);

impl<'a> KnownClasses<'a> {
    fn hints(&mut self, class: Attribute<'a>) -> Hints {
        let raw = class.raw_value();
        if let Some(known) = self.0.get(raw) {
            return *known;
        }
        let found = by_names(&class.value());
        if self.0.len() < CLASSES_REMEMBERED_MAX {
            self.0.insert(raw, found);
        }
        found
    }
}

/// Reads the hints of one element.
pub(crate) fn of<'a>(
    tree: &Tree<'a>,
    id: NodeId,
    tag: Tag,
    classes: &mut KnownClasses<'a>,
) -> Hints {
    let mut hints = Hints::default();
    if tag == Tag::Main {
        hints.add(Hint::Main);
    }
    let Kind::Element(_, Some(start)) = tree.kind(id) else {
        return hints;
    };
    let [class, own_id, role, hidden, aria_hidden, style, itemprop] = start.raw_values([
        "class",
        "id",
        "role",
        "hidden",
        "aria-hidden",
        "style",
        "itemprop",
    ]);
    let is_hidden = hidden.is_some_and(|one| !one.value().eq_ignore_ascii_case("until-found"))
        || aria_hidden.is_some_and(|one| one.value().eq_ignore_ascii_case("true"))
        || style.is_some_and(|style| hides(&style.value()));
    if is_hidden {
        hints.add(Hint::Hidden);
    }
    if let Some(role) = role {
        by_role(&role.value(), &mut hints);
    }
    if let Some(names) = itemprop {
        hints.add(Hint::Property);
        let names = names.value();
        if names
            .split_ascii_whitespace()
            .any(|name| name == "articleBody")
        {
            hints.add(Hint::ArticleBody);
        }
    }
    if matches!(tag, Tag::Html | Tag::Body) {
        // Their classes tell of the whole page: its theme, its kind, the topics of an article.
        return hints;
    }
    if let Some(class) = class {
        hints.0 |= classes.hints(class).0;
    }
    if let Some(own_id) = own_id {
        hints.0 |= by_names(&own_id.value()).0;
    }
    if tag == Tag::Main || tag == Tag::Article {
        hints.0 &= !(Hint::Furniture as u16 | Hint::Doubtful as u16 | Hint::Comments as u16);
    }
    hints
}

/// What the names in a `class` or `id` say together.
fn by_names(names: &str) -> Hints {
    let mut hints = Hints::default();
    for name in names.split_ascii_whitespace().take(64) {
        by_name(name, &mut hints);
    }
    hints
}

/// `display: none` or `visibility: hidden`, however spaced.
fn hides(style: &str) -> bool {
    style.split(';').any(|rule| {
        let Some((property, value)) = rule.split_once(':') else {
            return false;
        };
        let value = value.trim().trim_end_matches("!important").trim_end();
        let is = |name: &str, hidden: &str| {
            property.trim().eq_ignore_ascii_case(name) && value.eq_ignore_ascii_case(hidden)
        };
        is("display", "none") || is("visibility", "hidden")
    })
}

/// WAI-ARIA roles.
fn by_role(role: &str, hints: &mut Hints) {
    for role in role.split_ascii_whitespace().take(4) {
        match role {
            "navigation" | "banner" | "contentinfo" | "search" | "complementary" | "dialog"
            | "alertdialog" | "menu" | "menubar" | "toolbar" | "tooltip" | "doc-toc" => {
                hints.add(Hint::Furniture);
            }
            "main" => hints.add(Hint::Main),
            "note" | "doc-footnote" | "doc-endnotes" | "doc-footnotes" => hints.add(Hint::Note),
            "presentation" | "none" => hints.add(Hint::Layout),
            "article" => hints.add(Hint::Content),
            _ => {}
        }
    }
}

/// What one word of a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Says(Hint),
    /// Says this, and stands on doubtful parts.
    SaysOnDoubtful(Hint),
    /// Says "content" together with others of its kind.
    Content,
    /// May stand beside `Content` without changing its meaning.
    Beside,
    /// The name describes a state (`has-sidebar`), not a part.
    State,
    /// `screen-reader`, `visually-hidden`, `sr-only`: the second word decides.
    ForReaders,
    Other,
}

fn by_name(name: &str, hints: &mut Hints) {
    let mut only_content = true;
    let mut content_words = 0;
    let mut found = Hints::default();
    let mut for_readers = false;
    for (place, word) in words(name).take(12).enumerate() {
        match meaning(word) {
            Word::State if place == 0 => return,
            Word::Says(hint) => {
                found.add(hint);
                only_content = false;
            }
            Word::SaysOnDoubtful(hint) => {
                found.add(hint);
                found.add(Hint::Doubtful);
                only_content = false;
            }
            Word::Content => content_words += 1,
            Word::Beside => {}
            Word::ForReaders if for_readers => found.add(Hint::Hidden),
            Word::ForReaders => for_readers = true,
            Word::State | Word::Other => only_content = false,
        }
    }
    if only_content && content_words > 0 {
        found.add(Hint::Content);
    }
    hints.0 |= found.0;
}

/// The words of `main-nav`, `main_nav` and `mainNav`.
fn words(name: &str) -> impl Iterator<Item = &[u8]> {
    name.as_bytes()
        .chunk_by(|before, after| {
            let new_word = before.is_ascii_lowercase() && after.is_ascii_uppercase();
            before.is_ascii_alphabetic() && after.is_ascii_alphabetic() && !new_word
        })
        .filter(|word| word[0].is_ascii_alphabetic())
}

macro_rules! dictionary {
    ($($words:literal => $meaning:expr,)*) => {
        /// Every word that means something, with what it means.
        const DICTIONARY: &[(&str, Word)] = &[$(($words, $meaning),)*];
    };
}

dictionary! {
    "ad ads adsense adslot advert adverts advertisement advertisements advertising adbox taboola outbrain sponsor \
     sponsored sponsors promo promos promoted promobox" => Word::Says(Hint::Furniture),
    "nav navbar navi navigation navbox navframe sidenav topnav subnav leftnav rightnav navheader navfooter navlinks \
     sidebar sidebars sphinxsidebar rail footer foot printfooter colophon breadcrumb breadcrumbs crumb crumbs pagination \
     pager paginator prevnext skiplink skiplinks skipnav megamenu menubar topbar masthead toc tableofcontents sitenav \
     navmenu mainnav catlinks editsection facets" => Word::Says(Hint::Furniture),
    "cookie cookies cookiebar consent gdpr ccpa newsletter popup modal lightbox offcanvas drawer toast snackbar paywall \
     share sharing sharebar sharedaddy addtoany social socials sharebuttons noprint" => Word::Says(Hint::Furniture),
    "menu menus related recommended recommendations recommend tools toolbar tools tags tagcloud taglist widget widgets \
     banner meta metadata bio authorbox subscribe subscription signup login register search filter \
     filters sort sorting sorter latest popular trending mostread recent recents outline side extra utility utilities \
     languages legal copyright disclaimer action actions controls buttons vote voting votes helpful feedback quicklinks \
     userinfo signature postprofile contents categories category archives upsell crosssell similar carousel \
     jump backtotop buttonbar print updated nextprev siteinfo localtoc"
        => Word::Says(Hint::Doubtful),
    "byline author" => Word::SaysOnDoubtful(Hint::Author),
    "published pubdate timestamp postmeta" => Word::SaysOnDoubtful(Hint::Dated),
    "date dateline posted publish" => Word::Says(Hint::Dated),
    "comments comment commentlist commentform respond disqus" => Word::Says(Hint::Comments),
    "note notes footnote footnotes endnote endnotes admonition callout sidenote warning tip caution important hint"
        => Word::Says(Hint::Note),
    "lineno linenos linenumber linenumbers gutter linenodiv" => Word::Says(Hint::LineNumbers),
    "permalink headerlink anchorlink anchorjs headinglink headeranchor selflink" => Word::Says(Hint::Permalink),
    "content article entry story maincontent articlebody markdown readme document prose contentbody bodycontent \
     postcontent" => Word::Content,
    "main body post text page doc docs primary mw parser output single blog news inner wrapper container site the \
     rst theme area region wrap" => Word::Beside,
    "has with no without hide is js not show enable enabled disable disabled layout theme" => Word::State,
    "sr screen visually only reader hidden visuallyhidden" => Word::ForReaders,
}

/// The dictionary by packed word, sorted, made once when this is compiled.
const SORTED: [(u128, Word); WORDS] = sorted();

const WORDS: usize = {
    let mut count = 0;
    let mut row = 0;
    while row < DICTIONARY.len() {
        let line = DICTIONARY[row].0.as_bytes();
        let mut at = 0;
        while at < line.len() {
            if line[at] != b' ' && (at == 0 || line[at - 1] == b' ') {
                count += 1;
            }
            at += 1;
        }
        row += 1;
    }
    count
};

const fn sorted() -> [(u128, Word); WORDS] {
    let mut all = [(0, Word::Other); WORDS];
    let mut filled = 0;
    let mut row = 0;
    while row < DICTIONARY.len() {
        let mut line = DICTIONARY[row].0.as_bytes();
        while let [first, rest @ ..] = line {
            if *first == b' ' {
                line = rest;
                continue;
            }
            let mut end = 0;
            while end < line.len() && line[end] != b' ' {
                end += 1;
            }
            let (word, behind) = line.split_at(end);
            let packed = pack(word);
            assert!(packed != 0, "words have at most sixteen letters");
            let mut at = filled;
            while at > 0 && all[at - 1].0 > packed {
                all[at] = all[at - 1];
                at -= 1;
            }
            all[at] = (packed, DICTIONARY[row].1);
            filled += 1;
            line = behind;
        }
        row += 1;
    }
    all
}

fn meaning(word: &[u8]) -> Word {
    let packed = pack(word);
    SORTED
        .binary_search_by_key(&packed, |(known, _)| *known)
        .map_or(Word::Other, |at| SORTED[at].1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder;

    fn check(html: &str, hint: Hint, expected: bool) {
        let tree = builder::build(html);
        let tag = tree.tag(1).unwrap();
        let hints = of(&tree, 1, tag, &mut KnownClasses::default());
        assert_eq!(hints.has(hint), expected, "{html}");
    }

    #[test]
    fn names_say_what_a_part_is() {
        check("<div class='main-nav'>", Hint::Furniture, true);
        check("<div id=siteFooter>", Hint::Furniture, true);
        check("<div class='SIDEBAR-left'>", Hint::Furniture, true);
        check("<div class='has-sidebar'>", Hint::Furniture, false);
        check("<div class='navigate'>", Hint::Furniture, false);
        check("<body class='social share'>", Hint::Furniture, false);
        check("<article class='tag-social'>", Hint::Furniture, false);
        check("<div class='post-content'>", Hint::Content, true);
        check("<div class='content-sidebar'>", Hint::Content, false);
        check("<div role=navigation>", Hint::Furniture, true);
    }

    #[test]
    fn what_is_not_shown_is_told() {
        check(
            "<div style='color:red; DISPLAY : none !important'>",
            Hint::Hidden,
            true,
        );
        check("<div hidden>", Hint::Hidden, true);
        check("<div hidden=until-found>", Hint::Hidden, false);
        check("<span class='visually-hidden'>", Hint::Hidden, true);
        check("<span class='sr-only'>", Hint::Hidden, true);
        check("<span class='only'>", Hint::Hidden, false);
    }
}
