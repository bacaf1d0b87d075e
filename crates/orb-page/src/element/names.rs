//! The names of the classes, and two ways to look them up.
//!
//! In: names, whole or their first bytes. Out: the class, or whether it may be one of a set.
//! May touch: `element`. Must not touch: what classes mean.
//! Invariant: one list says everything; both tables are made of it when this is compiled.

use super::{Element, Elements};

/// Longest name that has a class (`annotation-xml`).
const NAME_BYTES_MAX: usize = 14;

/// Every name that has a class.
const NAMES: &[(Element, &[&str])] = &[
    (Element::A, &["a"]),
    (Element::AnnotationXml, &["annotation-xml"]),
    (Element::Area, &["area"]),
    (Element::Audio, &["audio"]),
    (Element::Base, &["base"]),
    (Element::Br, &["br"]),
    (Element::Cell, &["td", "th"]),
    (Element::Described, &["desc", "metadata"]),
    (Element::Embed, &["embed"]),
    (Element::Font, &["font"]),
    (Element::ForeignObject, &["foreignobject"]),
    (Element::Frame, &["frame"]),
    (Element::Html, &["html"]),
    (Element::Iframe, &["iframe"]),
    (Element::Image, &["image"]),
    (Element::Img, &["img"]),
    (Element::Input, &["input"]),
    (Element::Link, &["link"]),
    (Element::Math, &["math"]),
    (Element::Meta, &["meta"]),
    (Element::MathText, &["mi", "mo", "mn", "ms", "mtext"]),
    (Element::Noembed, &["noembed"]),
    (Element::Noframes, &["noframes"]),
    (Element::Object, &["object"]),
    (Element::Plaintext, &["plaintext"]),
    (Element::Script, &["script"]),
    (Element::Source, &["source"]),
    (Element::Style, &["style"]),
    (Element::Svg, &["svg"]),
    (Element::Table, &["table"]),
    (Element::Template, &["template"]),
    (Element::Textarea, &["textarea"]),
    (Element::Title, &["title"]),
    (Element::Track, &["track"]),
    (Element::Video, &["video"]),
    (Element::Xmp, &["xmp"]),
    (
        Element::Block,
        &[
            "blockquote",
            "body",
            "center",
            "dd",
            "div",
            "dl",
            "dt",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "head",
            "hr",
            "li",
            "listing",
            "menu",
            "ol",
            "p",
            "pre",
            "ul",
        ],
    ),
    (
        Element::Section,
        &[
            "address",
            "article",
            "aside",
            "caption",
            "details",
            "dialog",
            "dir",
            "fieldset",
            "figcaption",
            "figure",
            "footer",
            "form",
            "frameset",
            "header",
            "hgroup",
            "legend",
            "main",
            "nav",
            "optgroup",
            "option",
            "search",
            "section",
            "select",
            "summary",
            "tbody",
            "tfoot",
            "thead",
            "tr",
        ],
    ),
    (
        Element::Inline,
        &[
            "b", "big", "code", "em", "i", "nobr", "ruby", "s", "small", "span", "strong",
            "strike", "sub", "sup", "tt", "u", "var",
        ],
    ),
];

/// Spreads the names over the slots without two in one; found by trying, checked when compiled.
const SPREAD: u64 = 0x3a57_6f74_54d7_a89d;
const SLOT_BITS: u32 = 9;

/// Names packed into a number, first byte lowest, with their classes. A name that fits into half of it is
/// compared by half.
struct Slots {
    low: [u64; 1 << SLOT_BITS],
    high: [u64; 1 << SLOT_BITS],
    classes: [Element; 1 << SLOT_BITS],
}

static SLOTS: Slots = slots();

#[inline(always)]
const fn slot(low: u64, high: u64) -> usize {
    ((low ^ high).wrapping_mul(SPREAD) >> (64 - SLOT_BITS)) as usize
}

const fn slots() -> Slots {
    let mut slots = Slots {
        low: [0; 1 << SLOT_BITS],
        high: [0; 1 << SLOT_BITS],
        classes: [Element::Other; 1 << SLOT_BITS],
    };
    let mut row = 0;
    while row < NAMES.len() {
        let (element, names) = NAMES[row];
        let mut column = 0;
        while column < names.len() {
            let (low, high) = packed(names[column].as_bytes());
            let at = slot(low, high);
            assert!(slots.low[at] == 0, "two names in one slot");
            slots.low[at] = low;
            slots.high[at] = high;
            slots.classes[at] = element;
            column += 1;
        }
        row += 1;
    }
    slots
}

const fn packed(name: &[u8]) -> (u64, u64) {
    assert!(
        name.len() <= NAME_BYTES_MAX,
        "a longer name than is looked at"
    );
    let mut packed = 0;
    let mut at = 0;
    while at < name.len() {
        packed |= (name[at] as u128) << (8 * at);
        at += 1;
    }
    (packed as u64, (packed >> 64) as u64)
}

/// The class of a name as written. Cost: one look; allocates nothing.
pub(super) fn class_of(name: &str) -> Element {
    let mut lower = [0; 16];
    // A NUL at the end would pack like no byte at all.
    if name.len() > NAME_BYTES_MAX || name.ends_with('\0') {
        return Element::Other;
    }
    lower[..name.len()].copy_from_slice(name.as_bytes());
    lower.make_ascii_lowercase();
    let packed = u128::from_le_bytes(lower);
    let (low, high) = (packed as u64, (packed >> 64) as u64);
    let slot = slot(low, high);
    if SLOTS.low[slot] == low && SLOTS.high[slot] == high {
        SLOTS.classes[slot]
    } else {
        Element::Other
    }
}

/// The class of a name of at most seven bytes, packed in lower-case.
#[inline(always)]
pub(super) fn class_of_packed(name: u64) -> Element {
    let slot = slot(name, 0);
    // A longer name that begins with these letters would have eight of them.
    if SLOTS.low[slot] == name {
        SLOTS.classes[slot]
    } else {
        Element::Other
    }
}

/// Which names may be of a set, told by their first two bytes: never wrong about one that is, sometimes
/// about one that is not, and always about what is no name.
#[derive(Debug)]
pub(crate) struct Hints([u32; 256]);

impl Hints {
    /// Tells nothing: any name may be of the set.
    pub(crate) const ANY: Hints = Hints([u32::MAX; 256]);

    pub(crate) const fn of(set: Elements) -> Hints {
        let mut hints = Hints::ANY;
        let mut letter = b'a';
        while letter <= b'z' {
            let seconds = seconds(set, letter);
            hints.0[letter as usize] = seconds;
            hints.0[letter.to_ascii_uppercase() as usize] = seconds;
            letter += 1;
        }
        hints
    }

    /// Whether a name beginning with the low bytes of `word` may be of the set.
    #[inline(always)]
    pub(crate) const fn may_be(&self, word: u64) -> bool {
        self.0[word as u8 as usize] >> (word >> 8 & 31) & 1 == 1
    }
}

/// The bytes that may stand second in a name of the set that begins with `first`, or behind it, as bits
/// numbered by their low five bits, which are the same for both cases of a letter.
const fn seconds(set: Elements, first: u8) -> u32 {
    let mut seconds = 0;
    let mut row = 0;
    while row < NAMES.len() {
        let (element, names) = NAMES[row];
        let mut column = 0;
        while column < names.len() && set.contain(element) {
            let name = names[column].as_bytes();
            let behind: &[u8] = if name.len() == 1 {
                b"\t\n\x0c\r />"
            } else {
                &[name[1]]
            };
            let mut at = 0;
            while at < behind.len() && name[0] == first {
                seconds |= 1 << (behind[at] & 31);
                at += 1;
            }
            column += 1;
        }
        row += 1;
    }
    seconds
}

#[cfg(test)]
mod tests {
    use super::{Element, Elements, Hints, NAMES, packed};
    use crate::tokens::ContentModel;

    #[test]
    fn every_name_of_the_lists_has_its_class() {
        for (element, names) in NAMES {
            for name in *names {
                assert_eq!(Element::of(&name.to_ascii_uppercase()), *element);
                if name.len() < 8 {
                    assert_eq!(Element::of_packed(packed(name.as_bytes()).0), *element);
                }
            }
            assert_eq!(
                Elements::OPAQUE.contain(*element),
                element.content_model() != ContentModel::Data,
                "{element:?}"
            );
            assert!(Elements::CLASSED.contain(*element));
        }
        assert!(!Elements::CLASSED.contain(Element::Other));
    }

    #[test]
    fn hints_miss_no_name_and_nothing_that_is_none() {
        for (element, names) in NAMES {
            let hints = Hints::of(Elements::of(&[*element]));
            for name in *names {
                for behind in "\t\n\x0c\r />".chars() {
                    for written in [name.to_string(), name.to_ascii_uppercase()] {
                        let text = format!("{written}{behind}       ");
                        assert!(
                            hints.may_be(u64::from_le_bytes(
                                *text.as_bytes().first_chunk().unwrap()
                            ))
                        );
                    }
                }
            }
            assert!(hints.may_be(u64::from_le_bytes(*b"!DOCTYPE")));
        }
        let hints = Hints::of(Elements::of(&[Element::A, Element::Script]));
        assert!(!hints.may_be(u64::from_le_bytes(*b"span tit")));
        assert!(!hints.may_be(u64::from_le_bytes(*b"B>bold</")));
    }

    #[test]
    fn names_are_classified_without_regard_to_case() {
        assert_eq!(Element::of("IFrame"), Element::Iframe);
        assert_eq!(Element::of("annotation-XML"), Element::AnnotationXml);
        assert_eq!(Element::of("foreignObject"), Element::ForeignObject);
        assert_eq!(Element::of("H3"), Element::Block);
        assert_eq!(Element::of("h7"), Element::Other);
        assert_eq!(Element::of(""), Element::Other);
        assert_eq!(Element::of("a\0"), Element::Other);
        assert_eq!(Element::of("a-very-long-custom-element"), Element::Other);
    }
}
