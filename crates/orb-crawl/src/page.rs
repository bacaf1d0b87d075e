//! From a response to links and directives.
//!
//! In: a response. Out: text, links as canonical URLs, what the page forbids.
//! May touch: `orb-fetch`'s decoding, `orb-page`. Must not touch: queues, files.
//! Invariant: a page that ends the reader loses its links, never the process.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use orb_api::TextFacts;
use orb_dedup::TextMarks;
use orb_env::{Clock, Mono};
use orb_fetch::{DecodeLimits, Response, decode_content};
use orb_frontier::How;
use orb_page::{
    Link, LinkKind, RobotsDirectives, ScanOptions, USAGE_FIELDS, charset_of, decode_text,
    header_directives, scan,
};
use orb_url::{BaseUrl, CrawlUrl};
use orb_warc::Digest;

use crate::World;
use crate::limits::{USAGE_FIELD_BYTES_MAX, USAGE_FIELDS_MAX};
use crate::sitemaps::MapFacts;

/// One link of a page.
pub(crate) struct PageLink {
    pub(crate) url: CrawlUrl,
    pub(crate) how: How,
    pub(crate) rel: String,
    pub(crate) text: String,
}

/// What was read of a page.
#[derive(Default)]
pub(crate) struct PageFacts {
    pub(crate) links: Vec<PageLink>,
    pub(crate) bad_links: u32,
    pub(crate) nofollow_links: u32,
    pub(crate) dropped_links: u32,
    /// What the page and its header fields ask of robots.
    pub(crate) directives: RobotsDirectives,
    pub(crate) title: Option<String>,
    pub(crate) language: Option<String>,
    /// Preferences about the use of the page, from its header fields and itself, `name: value` each.
    pub(crate) usage: Vec<String>,
    pub(crate) charset: &'static str,
    pub(crate) text: String,
    /// What its text has in common with others, where somebody asked.
    pub(crate) marks: Option<Box<TextMarks>>,
    /// What its text is known by, where that is told.
    pub(crate) known_by: Option<TextFacts>,
    pub(crate) decode_oddities: Vec<&'static str>,
    /// What a sitemap said.
    pub(crate) map: Option<MapFacts>,
    /// The reader ended in a panic.
    pub(crate) poisoned: bool,
    /// How long reading it took.
    pub(crate) took: ReadingTimes,
    /// When it was decoded, where there was a page to read.
    pub(crate) decoded_at: Option<Mono>,
}

/// CPU time of the parts of reading a page, where it was taken.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReadingTimes {
    /// Whether there was a page to read.
    pub(crate) was_read: bool,
    pub(crate) decode: Option<Duration>,
    pub(crate) scan: Option<Duration>,
    pub(crate) links: Option<Duration>,
}

/// How pages are read.
#[derive(Clone)]
pub(crate) struct PageReader {
    pub(crate) limits: DecodeLimits,
    pub(crate) scan: ScanOptions,
    pub(crate) requisites: bool,
    /// Whether the visible text is kept.
    pub(crate) keeps_text: bool,
    /// Whether the marks of the text are wanted.
    pub(crate) marks: bool,
    /// Whether XML that turns out to be a sitemap or feed leads on.
    pub(crate) maps: bool,
    /// Whether captures tell what their text is known by.
    pub(crate) tells_text: bool,
    pub(crate) world: Arc<dyn World>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl PageReader {
    /// Reads a response's page. Anything but HTML, sitemaps and feeds has no links; its directives count all the same.
    /// `timed`: whether the parts are timed.
    pub(crate) fn read(&self, url: &CrawlUrl, response: &Response, timed: bool) -> PageFacts {
        let read = || self.read_inner(url, response, timed);
        catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| PageFacts {
            poisoned: true,
            ..PageFacts::default()
        })
    }

    fn read_inner(&self, url: &CrawlUrl, response: &Response, timed: bool) -> PageFacts {
        let reading = || timed.then(|| self.world.thread_cpu());
        let mut facts = PageFacts {
            charset: "",
            ..PageFacts::default()
        };
        let tags: Vec<&str> = response.header_values("x-robots-tag").collect();
        let mut directives = header_directives(&tags.join("\n"), &self.scan.token);
        facts.usage = usage_fields(response);
        if self.maps && is_xml(response) {
            return self.read_map_inner(url, response, false);
        }
        if is_html(response) {
            let began = reading();
            let coding = response.content_encoding();
            let decoded = decode_content(coding.as_deref(), response.payload(), &self.limits);
            facts.decode_oddities = decoded
                .oddities
                .iter()
                .map(|oddity| oddity.name())
                .collect();
            if !decoded.encoded {
                let charset = response.header("content-type").and_then(charset_of);
                let text = decode_text(&decoded.bytes, charset);
                facts.charset = text.encoding;
                let decoded_at = reading();
                facts.decoded_at = Some(self.clock.mono());
                let page = scan(&text.text, &self.scan);
                let scanned = reading();
                directives.merge(page.robots);
                facts.title = page.title;
                facts.language = page.language;
                facts.usage.extend(page.usage);
                if self.marks || self.tells_text {
                    let title = facts.title.as_deref().unwrap_or_default();
                    let marks = TextMarks::of(&[title, &page.visible_text], url.as_str());
                    let is_whole = !decoded.truncated && response.truncated.is_none();
                    if self.tells_text && is_whole {
                        facts.known_by = known_by(&page.visible_text, &marks);
                    }
                    facts.marks = self.marks.then(|| Box::new(marks));
                }
                if self.keeps_text {
                    facts.text = page.visible_text;
                }
                facts.dropped_links = page.links_dropped;
                let followed = !directives.nofollow;
                self.take_links(url, page.base.as_deref(), page.links, followed, &mut facts);
                let span = |from: Option<Duration>, to: Option<Duration>| {
                    from.zip(to).map(|(from, to)| to.saturating_sub(from))
                };
                facts.took = ReadingTimes {
                    was_read: true,
                    decode: span(began, decoded_at),
                    scan: span(decoded_at, scanned),
                    links: span(scanned, reading()),
                };
            }
            decoded.recycle();
        }
        facts.directives = directives;
        facts
    }

    fn take_links(
        &self,
        url: &CrawlUrl,
        base: Option<&str>,
        links: Vec<Link>,
        followed: bool,
        facts: &mut PageFacts,
    ) {
        let own = BaseUrl::new(url);
        let base = base.and_then(|href| own.rebased(href)).unwrap_or(own);
        for link in links {
            let Some(how) = how_of(link.kind, self.requisites) else {
                continue;
            };
            if !followed || link.rel.nofollow {
                facts.nofollow_links += 1;
                continue;
            }
            match base.join(&link.href) {
                Ok(target) if target == *url => {}
                Ok(target) => facts.links.push(PageLink {
                    url: target,
                    how,
                    rel: link.rel.raw,
                    text: link.text,
                }),
                Err(_) => facts.bad_links += 1,
            }
        }
    }
}

/// What the header fields say of the response's use: the first few, because they go into the archive with the page.
pub(crate) fn usage_fields(response: &Response) -> Vec<String> {
    let values = USAGE_FIELDS
        .iter()
        .flat_map(|name| response.header_values(name).map(move |value| (name, value)));
    let short = values.filter(|(_, value)| value.len() <= USAGE_FIELD_BYTES_MAX);
    let lines = short.map(|(name, value)| format!("{name}: {value}"));
    lines.take(USAGE_FIELDS_MAX).collect()
}

/// What a text is known by; a page without one is like no other.
fn known_by(text: &str, marks: &TextMarks) -> Option<TextFacts> {
    (!text.trim().is_empty()).then(|| TextFacts {
        digest: Digest::sha1(text.as_bytes()).to_string(),
        simhash: format!("{:016x}", marks.simhash()),
        same_as: None,
    })
}

fn how_of(kind: LinkKind, requisites: bool) -> Option<How> {
    match kind {
        LinkKind::Canonical => Some(How::Canonical),
        LinkKind::Alternate => Some(How::Alternate),
        LinkKind::Refresh => Some(How::Refresh),
        kind if kind.is_requisite() => requisites.then_some(How::Requisite),
        _ => Some(How::Link),
    }
}

fn is_xml(response: &Response) -> bool {
    let media = response.media_type().unwrap_or_default();
    media.ends_with("/xml") || (media.ends_with("+xml") && !media.ends_with("/xhtml+xml"))
}

fn is_html(response: &Response) -> bool {
    match response.media_type() {
        Some(media) => media == "text/html" || media == "application/xhtml+xml" || media.is_empty(),
        // Without a type a browser looks at the bytes; so do we, at the first that counts.
        None => {
            response
                .payload()
                .iter()
                .find(|byte| !byte.is_ascii_whitespace())
                == Some(&b'<')
        }
    }
}
