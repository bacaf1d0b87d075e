//! Every bound of this crate, each with the reason for its number.
//!
//! In: nothing. Out: constants.
//! May touch: nothing. Must not touch: settings.
//! Invariant: with these, time and memory are linear in the input, and no stack is deeper than a constant.

/// Elements nested inside each other that keep their place; deeper ones become siblings at this depth. Browsers stop
/// at 512, pages people write stay below 100, and our walks recurse once for each.
pub const DEPTH_MAX: usize = 192;

/// Nodes of a tree. A manual of ten megabytes on one page has half a million; the tree of this many takes 200 MB.
pub const NODES_MAX: usize = 2_000_000;

/// Open elements looked at in vain, for each byte of the page: what misnested end tags may cost in all.
pub const SEARCH_STEPS_PER_BYTE: u64 = 4;

/// Open elements looked at for one end tag once that is spent.
pub const SEARCH_STEPS_MIN: u64 = 16;

/// Lists and quotes inside each other that are indented in Markdown; deeper ones stay at this depth, since each level
/// repeats its marks on every line.
pub const INDENTS_MAX: usize = 12;

/// Columns of a table. Wider ones are written cell by cell.
pub const COLUMNS_MAX: usize = 100;

/// Cells of one table, those that spans add included.
pub const CELLS_MAX: usize = 200_000;

/// Bytes of Markdown or text: four times the visible text a crawl keeps.
pub const WRITTEN_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Bytes of one address in Markdown. Longer ones are tracking or inlined data; their text stays.
pub const URL_BYTES_MAX: usize = 4 * 1024;

/// Bytes of base address and references resolved for one page: a long `<base>` before many short links is paid once
/// for each.
pub const RESOLVED_BYTES_PER_BYTE: usize = 32;

/// Footnotes told from other links to the same page.
pub const FOOTNOTES_MAX: usize = 2_000;

/// Bytes of a byline, a site's name, a description: more is a wrong find.
pub const NAME_BYTES_MAX: usize = 256;

/// Bytes of a description.
pub const DESCRIPTION_BYTES_MAX: usize = 2 * 1024;

/// Bytes of the title, as in `orb-page`.
pub const TITLE_BYTES_MAX: usize = 4 * 1024;

/// `meta` elements looked at.
pub const METAS_MAX: usize = 500;

/// Bytes of JSON-LD read from one page. Shops with hundreds of offers stay below.
pub const JSON_LD_BYTES_MAX: usize = 1024 * 1024;

/// Pieces of JSON-LD on one page.
pub const JSON_LD_PIECES_MAX: usize = 64;

/// Values of OpenGraph and microdata kept of one page.
pub const PROPERTIES_MAX: usize = 2_000;

/// Bytes of one such value.
pub const PROPERTY_BYTES_MAX: usize = 4 * 1024;

/// Microdata items inside items, and levels of JSON-LD searched for facts.
pub const ITEM_DEPTH_MAX: usize = 16;

/// Bytes of main content shown to the language guesser, taken from three places: it is sure after a few hundred,
/// and costs 100 ns a byte.
pub const LANGUAGE_SAMPLE_BYTES: usize = 1_200;

/// Bytes that tell a media type (MIME Sniffing Standard, 5.2).
pub const SNIFFED_BYTES_MAX: usize = 1_445;

/// Entries of a feed; the longest podcasts have a few thousand.
pub const FEED_ENTRIES_MAX: usize = 10_000;

/// Strings looked at for addresses in a JSON document.
pub const JSON_STRINGS_MAX: usize = 1_000_000;

/// Links given of a feed or a JSON document, as of an HTML page.
pub const LINKS_MAX: usize = 10_000;

/// Values of `class` whose meaning is remembered while a page is measured: those that come first are those that repeat.
/// A page may choose values that fall into one place of the table, and then pays for so many comparisons an element.
pub const CLASSES_REMEMBERED_MAX: usize = 128;
