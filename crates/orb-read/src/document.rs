//! What a page says, as a document: blocks of words, without markup of any kind.
//!
//! In: nothing. Out: the types that `compose` fills and `write` prints.
//! May touch: nothing. Must not touch: HTML, Markdown.
//! Invariant: no deeper than the tree it came from; white space is collapsed everywhere but in code.

/// Something that stands on its own lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Block {
    Heading {
        level: u8,
        words: Vec<Inline>,
    },
    Paragraph(Vec<Inline>),
    List {
        /// The first number, of a list that is numbered.
        start: Option<u32>,
        items: Vec<Vec<Block>>,
    },
    Code {
        language: Option<String>,
        text: String,
    },
    Quote(Vec<Block>),
    Table(Table),
    Definitions(Vec<Definition>),
    Rule,
    /// A footnote, under its number.
    Footnote {
        number: u32,
        blocks: Vec<Block>,
    },
}

/// Terms and what they mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Definition {
    pub(crate) terms: Vec<Vec<Inline>>,
    pub(crate) meanings: Vec<Vec<Block>>,
}

/// Cells of data. Every row has the same number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) caption: Vec<Inline>,
    /// Empty when the table names no columns.
    pub(crate) head: Vec<Vec<Inline>>,
    pub(crate) rows: Vec<Vec<Vec<Inline>>>,
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Inline {
    Text(String),
    Code(String),
    Marked(Mark, Vec<Inline>),
    Link {
        url: String,
        words: Vec<Inline>,
    },
    Image {
        url: String,
        alt: String,
    },
    /// A line ends here.
    Break,
    /// Refers to the footnote of this number.
    Footnote(u32),
}

/// How words are marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Strong,
    Emphasis,
    Struck,
}

/// Whether there is anything to see.
pub(crate) fn is_blank(words: &[Inline]) -> bool {
    words.iter().all(|inline| match inline {
        Inline::Text(text) => text.trim().is_empty(),
        Inline::Marked(_, inside) => is_blank(inside),
        Inline::Link { words, .. } => is_blank(words),
        Inline::Break => true,
        Inline::Code(_) | Inline::Image { .. } | Inline::Footnote(_) => false,
    })
}
