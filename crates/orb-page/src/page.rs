//! What one page told us, as plain data.
//!
//! In: nothing. Out: the types that `scan` fills.
//! May touch: `directives`, `limits`. Must not touch: tokens; these types know no markup.
//! Invariant: everything here is bounded by `limits` and owns its bytes, so the body can be dropped.

use crate::RobotsDirectives;
use crate::limits::LINKS_MAX_DEFAULT;

/// What to look for in a page. Built once per crawl and lent to every scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanOptions {
    /// Also collect what a browser would load to show the page: images, styles, scripts, fonts, media.
    pub requisites: bool,
    /// Links kept; further ones are only counted, in [`Page::links_dropped`].
    pub links_max: usize,
    /// Collect [`Page::visible_text`].
    pub text: bool,
    /// Our product token (RFC 9309, 2.2.1), without version: `meta name=<token>` speaks to us as
    /// `meta name=robots` does. Empty: only `robots`.
    pub token: String,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self {
            requisites: false,
            links_max: LINKS_MAX_DEFAULT,
            text: false,
            token: String::new(),
        }
    }
}

/// The facts of one page, in document order where order matters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// `href` of the first `base` that has one, cleaned like [`Link::href`] and still unresolved: it is
    /// itself relative to the page's URL (HTML Standard, 4.2.3).
    pub base: Option<String>,
    /// Text of the first `title`, whitespace collapsed; `None` when absent or empty.
    pub title: Option<String>,
    /// The links, in document order, duplicates included.
    pub links: Vec<Link>,
    /// Links found after `links_max` was reached.
    pub links_dropped: u32,
    /// Union of every `meta name=robots` and `meta name=<token>`.
    pub robots: RobotsDirectives,
    /// AI usage preferences as written, `name: content` each (for example `robots: noai` or
    /// `tdm-reservation: 1`).
    pub usage: Vec<String>,
    /// `lang` of the `html` element, or else `content-language` of a `meta`; unchecked.
    pub language: Option<String>,
    /// The text a reader sees: whitespace collapsed, one line per block. Empty unless asked for.
    pub visible_text: String,
    /// What was strange about the page.
    pub oddities: Oddities,
    /// Bytes looked at, counting a byte once for each time it was read: a measure of work that is the
    /// same on every machine. Linear in the input.
    pub work_bytes: u64,
}

/// One reference from the page to something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The reference as written, not resolved: character references decoded, leading and trailing C0
    /// controls and spaces stripped, tabs and newlines removed (URL Standard, 4.4). May be empty, and
    /// may have any scheme.
    pub href: String,
    /// Which element made the reference.
    pub kind: LinkKind,
    /// What the `rel` attribute says of it.
    pub rel: Rel,
    /// Anchor text (for `area`: its `alt`), whitespace collapsed, at most
    /// [`LINK_TEXT_BYTES_MAX`](crate::limits::LINK_TEXT_BYTES_MAX) bytes.
    pub text: String,
    /// `hreflang` as written, trimmed.
    pub hreflang: Option<String>,
}

/// What kind of reference a link is. Those from `Image` on are requisites.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LinkKind {
    /// `a href`, also in SVG.
    Anchor,
    /// `area href`.
    Area,
    /// `frame src`.
    Frame,
    /// `iframe src`.
    Iframe,
    /// `link rel=canonical`.
    Canonical,
    /// `link rel=alternate`: translations (`hreflang`), feeds, other formats.
    Alternate,
    /// `link rel=next` or `rel=prev`.
    Next,
    /// `meta http-equiv=refresh`.
    Refresh,
    /// `img`, image buttons, posters, icons, SVG `image`; every candidate of a `srcset`.
    Image,
    /// `link rel=stylesheet`.
    Style,
    /// `script src`, preloaded scripts and modules.
    Script,
    /// Preloaded fonts.
    Font,
    /// `url(…)` and `@import` in a `style` element.
    Css,
    /// `video`, `audio`, `source`, `track`, `embed`, `object`.
    Media,
}

impl LinkKind {
    /// Whether the link is a part of the page rather than another page.
    pub fn is_requisite(self) -> bool {
        self >= LinkKind::Image
    }
}

/// A `rel` attribute: the flags that steer a crawler, and what was written.
///
/// Tokens are separated by whitespace (HTML Standard, 4.6.7) or commas, which search engines accept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rel {
    /// The author does not vouch for the target: not followed.
    pub nofollow: bool,
    /// Made by users of the site, not by its author.
    pub ugc: bool,
    /// Paid for.
    pub sponsored: bool,
    /// Opens without a handle back; says nothing to a crawler.
    pub noopener: bool,
    /// Asks for no `Referer`.
    pub noreferrer: bool,
    /// The value as written, at most [`REL_BYTES_MAX`](crate::limits::REL_BYTES_MAX) bytes.
    pub raw: String,
}

/// What was strange about a page. None of it is an error: the page was read as a browser reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Oddities {
    /// The input ended inside a tag, which is then dropped.
    pub unfinished_tag: bool,
    /// The input ended inside a comment.
    pub unfinished_comment: bool,
    /// The input ended inside a `script`, `style`, `title` or the like, which swallowed the rest.
    pub unfinished_raw_text: bool,
    /// References longer than [`HREF_BYTES_MAX`](crate::limits::HREF_BYTES_MAX), dropped.
    pub hrefs_too_long: u32,
    /// Foreign content or templates nested deeper than is followed.
    pub nesting_capped: bool,
    /// The visible text was cut at its bound.
    pub text_capped: bool,
}
