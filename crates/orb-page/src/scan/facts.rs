//! What single elements say: links, base, language, directives.
//!
//! In: a start tag. Out: entries of the `Page`.
//! May touch: the scanner's page and anchor, the modules that read one attribute. Must not touch: the
//! tokenizer.
//! Invariant: every list and string is bounded by `limits`; a reference is stored as written.

use std::borrow::Cow;

use memchr::memchr3;

use super::{Anchor, Scanner};
use crate::directives::RobotsDirectives;
use crate::element::Element;
use crate::limits::{
    HREF_BYTES_MAX, LANGUAGE_BYTES_MAX, LINK_TEXT_BYTES_MAX, RAW_VALUE_BYTES_MAX, REL_BYTES_MAX,
    USAGE_BYTES_MAX, USAGE_ENTRIES_MAX,
};
use crate::page::{Link, LinkKind, Rel};
use crate::tokens::{RawValue, StartTag};
use crate::visible::Collapsed;
use crate::{refresh, requisites, swar};

/// Names of `meta` that state AI usage preferences: TDM Reservation Protocol, IETF aipref.
const USAGE_NAMES: [&str; 3] = ["tdm-reservation", "tdm-policy", "content-usage"];

impl<'a> Scanner<'a, '_> {
    pub(super) fn html_facts(&mut self, element: Element, tag: &StartTag<'a>) {
        match element {
            Element::A => {
                let [href, rel, hreflang] = self.values(tag, ["href", "rel", "hreflang"]);
                self.anchor(href, rel, hreflang);
            }
            Element::Area => self.area(tag),
            Element::Frame | Element::Iframe => {
                let kind = match element {
                    Element::Frame => LinkKind::Frame,
                    _ => LinkKind::Iframe,
                };
                let [src] = self.values(tag, ["src"]);
                self.add_attribute(kind, src);
            }
            Element::Link => self.link_element(tag),
            Element::Meta => self.meta(tag),
            Element::Base if self.state.page.base.is_none() => {
                let [href] = self.values(tag, ["href"]);
                self.state.page.base = href
                    .filter(|href| href.raw_value().len() <= RAW_VALUE_BYTES_MAX)
                    .map(|href| clean_reference(&href.value()).into_owned())
                    .filter(|base| base.len() <= HREF_BYTES_MAX);
            }
            Element::Html if self.state.page.language.is_none() => {
                let [lang, xml_lang] = self.values(tag, ["lang", "xml:lang"]);
                self.state.page.language = lang.or(xml_lang).and_then(language);
            }
            _ if self.options.requisites => self.requisites(element, tag, false),
            _ => {}
        }
    }

    pub(super) fn foreign_links(&mut self, element: Element, tag: &StartTag<'a>) {
        if element == Element::A {
            let names = ["href", "xlink:href", "rel", "hreflang"];
            let [href, xlink, rel, hreflang] = self.values(tag, names);
            self.anchor(href.or(xlink), rel, hreflang);
        } else if self.options.requisites {
            self.requisites(element, tag, true);
        }
    }

    fn requisites(&mut self, element: Element, tag: &StartTag<'a>, foreign: bool) {
        requisites::of_tag(element, tag, foreign, |kind, value| {
            self.state.work_bytes += value.len() as u64;
            self.add(kind, value);
        });
    }

    /// An `a` element: ends the one before, since they do not nest.
    pub(super) fn anchor(
        &mut self,
        href: Option<RawValue<'a>>,
        rel: Option<RawValue<'a>>,
        hreflang: Option<RawValue<'a>>,
    ) {
        self.close_anchor();
        let tables = self.state.tables;
        let Some(link_index) = self.add_attribute(LinkKind::Anchor, href) else {
            return;
        };
        self.describe(link_index, rel, hreflang);
        self.state.anchor = Some(Anchor { link_index, tables });
    }

    /// Sets what attributes say of a link already added.
    fn describe(
        &mut self,
        link_index: usize,
        rel: Option<RawValue<'a>>,
        hreflang: Option<RawValue<'a>>,
    ) {
        if rel.is_none() && hreflang.is_none() {
            return;
        }
        if let Some(link) = self.state.page.links.get_mut(link_index) {
            link.rel = rel.map(parse_rel).unwrap_or_default();
            link.hreflang = hreflang.and_then(language);
        }
    }

    pub(super) fn close_anchor(&mut self) {
        if let Some(anchor) = self.state.anchor.take()
            && let Some(link) = self.state.page.links.get_mut(anchor.link_index)
        {
            link.text = self.state.anchor_text.take_text();
        }
    }

    fn area(&mut self, tag: &StartTag<'a>) {
        let [href, rel, alt] = self.values(tag, ["href", "rel", "alt"]);
        let Some(index) = self.add_attribute(LinkKind::Area, href) else {
            return;
        };
        self.describe(index, rel, None);
        if let Some(alt) = alt
            && let Some(link) = self.state.page.links.get_mut(index)
        {
            let mut text = Collapsed::new(LINK_TEXT_BYTES_MAX);
            text.push(&alt.value());
            link.text = text.into_text();
        }
    }

    fn link_element(&mut self, tag: &StartTag<'a>) {
        let names = ["href", "rel", "hreflang", "as"];
        let [href, rel, hreflang, destination] = self.values(tag, names);
        let Some(rel) = rel else {
            return;
        };
        let destination = destination.map(|value| value.value()).unwrap_or_default();
        let kind = kind_of_link(&rel.value(), &destination);
        if let Some(kind) = kind.filter(|kind| self.options.requisites || !kind.is_requisite())
            && let Some(index) = self.add_attribute(kind, href)
        {
            self.describe(index, Some(rel), hreflang);
        }
    }

    fn meta(&mut self, tag: &StartTag<'a>) {
        let [name, pragma, content] = self.values(tag, ["name", "http-equiv", "content"]);
        let Some(content) = content.filter(|c| c.raw_value().len() <= RAW_VALUE_BYTES_MAX) else {
            return;
        };
        if let Some(pragma) = pragma {
            let pragma = pragma.value();
            if pragma.eq_ignore_ascii_case("refresh") {
                if let Some(target) = refresh::target(&content.value()) {
                    self.add(LinkKind::Refresh, target);
                }
            } else if pragma.eq_ignore_ascii_case("content-language")
                && self.state.page.language.is_none()
                && !content.raw_value().contains(',')
            {
                self.state.page.language = language(content);
            }
        }
        if let Some(name) = name {
            self.named_meta(name.value().trim_ascii(), &content.value());
        }
    }

    fn named_meta(&mut self, name: &str, content: &str) {
        let token = &self.options.token;
        let is_for_us = !token.is_empty() && name.eq_ignore_ascii_case(token);
        let is_usage = if is_for_us || name.eq_ignore_ascii_case("robots") {
            let directives = RobotsDirectives::from_list(content);
            self.state.page.robots.merge(directives);
            directives.noai || directives.noimageai
        } else {
            USAGE_NAMES
                .iter()
                .any(|usage| name.eq_ignore_ascii_case(usage))
        };
        if is_usage && self.state.page.usage.len() < USAGE_ENTRIES_MAX {
            let entry = format!("{}: {}", name.to_ascii_lowercase(), content.trim_ascii());
            self.state
                .page
                .usage
                .push(cut(&entry, USAGE_BYTES_MAX).to_owned());
        }
    }

    /// Several attributes of an interesting tag, counted as work.
    pub(super) fn values<const N: usize>(
        &mut self,
        tag: &StartTag<'a>,
        names: [&str; N],
    ) -> [Option<RawValue<'a>>; N] {
        self.state.work_bytes += tag.attribute_bytes() as u64;
        tag.raw_values(names)
            .map(|found| found.map(|attribute| attribute.raw()))
    }

    fn add_attribute(&mut self, kind: LinkKind, reference: Option<RawValue<'a>>) -> Option<usize> {
        let raw = reference?.raw_value();
        if raw.len() > RAW_VALUE_BYTES_MAX {
            self.count_too_long();
            return None;
        }
        if swar::is_plain(raw.as_bytes()) {
            self.add_clean(kind, raw)
        } else {
            self.add(kind, &reference?.value())
        }
    }

    /// Adds a link and returns its index, unless it is empty, too long, or one too many.
    pub(super) fn add(&mut self, kind: LinkKind, value: &str) -> Option<usize> {
        self.add_clean(kind, &clean_reference(value))
    }

    fn add_clean(&mut self, kind: LinkKind, href: &str) -> Option<usize> {
        // An empty reference is the page itself where one can go there, and nothing elsewhere.
        if href.is_empty() && !matches!(kind, LinkKind::Anchor | LinkKind::Area) {
            return None;
        }
        if href.len() > HREF_BYTES_MAX {
            self.count_too_long();
            return None;
        }
        let index = self.state.page.links.len();
        if index >= self.options.links_max {
            self.state.page.links_dropped = self.state.page.links_dropped.saturating_add(1);
            return None;
        }
        self.state.page.links.push(Link {
            href: href.to_owned(),
            kind,
            rel: Rel::default(),
            text: String::new(),
            hreflang: None,
        });
        Some(index)
    }

    fn count_too_long(&mut self) {
        let count = &mut self.state.page.oddities.hrefs_too_long;
        *count = count.saturating_add(1);
    }
}

/// URL Standard, 4.4: C0 controls and spaces at the ends go, tabs and newlines go everywhere.
fn clean_reference(value: &str) -> Cow<'_, str> {
    let trimmed = value.trim_matches(|c: char| c <= ' ');
    if memchr3(b'\t', b'\n', b'\r', trimmed.as_bytes()).is_some() {
        Cow::Owned(trimmed.replace(['\t', '\n', '\r'], ""))
    } else {
        Cow::Borrowed(trimmed)
    }
}

fn rel_tokens(value: &str) -> impl Iterator<Item = &str> {
    value.split(|c: char| c == ',' || c.is_ascii_whitespace())
}

fn parse_rel(attribute: RawValue<'_>) -> Rel {
    let value = attribute.value();
    let mut rel = Rel {
        raw: cut(value.trim_ascii(), REL_BYTES_MAX).to_owned(),
        ..Rel::default()
    };
    for token in rel_tokens(&value) {
        let is = |name: &str| token.eq_ignore_ascii_case(name);
        rel.nofollow |= is("nofollow");
        rel.ugc |= is("ugc");
        rel.sponsored |= is("sponsored");
        rel.noopener |= is("noopener");
        rel.noreferrer |= is("noreferrer");
    }
    rel
}

/// The kind of a `link` element: of several tokens the one that says most. An alternate style sheet is a
/// style sheet.
fn kind_of_link(rel: &str, destination: &str) -> Option<LinkKind> {
    let any = |names: &[&str]| {
        rel_tokens(rel).any(|token| names.iter().any(|name| token.eq_ignore_ascii_case(name)))
    };
    if any(&["canonical"]) {
        return Some(LinkKind::Canonical);
    }
    if let Some(kind) =
        rel_tokens(rel).find_map(|token| requisites::kind_of_rel(token, destination))
    {
        return Some(kind);
    }
    if any(&["alternate"]) {
        Some(LinkKind::Alternate)
    } else if any(&["next", "prev", "previous"]) {
        Some(LinkKind::Next)
    } else {
        None
    }
}

fn language(attribute: RawValue<'_>) -> Option<String> {
    let value = attribute.value();
    let tag = value.trim_ascii();
    (!tag.is_empty() && tag.len() <= LANGUAGE_BYTES_MAX).then(|| tag.to_owned())
}

fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max.min(text.len()))]
}
