//! HTML bytes to links and facts, in one pass over the bytes.
//!
//! In: a body and what its response said of it (`charset`, `X-Robots-Tag`), as arguments.
//! Out: text ([`decode_text`]), then links and facts ([`scan()`], or [`PageScanner`] while it comes), and the directives of a header
//! ([`header_directives`]).
//! May touch: nothing but its arguments. Must not touch: URLs (an `href` leaves here unresolved),
//! sockets, disk, settings, clocks.
//! Invariant: any input gives a result; work and memory are linear in the input, without recursion,
//! and every list has its bound in [`limits`].
//!
//! There is no tree. A scanner drives the tokenizer of the HTML Standard (13.2.5) and keeps only what
//! decides how the next bytes are read: the content model, foreign content (SVG, MathML) and inert
//! templates. What a tree builder would move around (misnested tables, adopted formatting) changes no
//! link, so it is not modelled.

mod charset;
mod css;
mod directives;
mod element;
mod foreign;
pub mod limits;
mod page;
mod prescan;
mod refresh;
mod refusals;
mod requisites;
mod scan;
mod swar;
pub mod tokens;
mod visible;

pub use charset::{CharsetSource, Text, charset_of, decode_text};
pub use directives::{RobotsDirectives, header_directives};
pub use page::{Link, LinkKind, Oddities, Page, Rel, ScanOptions};
pub use refusals::{PageUse, Refusals, USAGE_FIELDS};
pub use scan::{PageScanner, scan};
