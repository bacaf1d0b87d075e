//! Feeds (RSS, Atom) and other XML.
//!
//! In: XML text. Out: a reading: the feed's entries as headings with their content, or all text of other XML.
//! May touch: the XML reader, names and references as `orb-feeds` reads them. Must not touch: DTDs; no entity but the five of XML is expanded, nothing is fetched.
//! Invariant: one pass without recursion; a document that breaks off is read up to there.

use orb_feeds::xml::{referenced, split_name, unescaped};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use url::Url;

use crate::address::Addresses;
use crate::document::{Block, Inline, Mark};
use crate::facts::{iso_8601, language_of_text};
use crate::limits::{FEED_ENTRIES_MAX, LINKS_MAX};
use crate::reading::{FoundLink, Reading, blocks_of_fragment, bounded_links, of_blocks};

/// What a feed says, whatever its format.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    pub(crate) title: String,
    pub(crate) about: String,
    pub(crate) link: String,
    pub(crate) language: String,
    pub(crate) entries: Vec<Entry>,
}

/// One entry. `summary` and `content` are HTML.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    pub(crate) title: String,
    pub(crate) link: String,
    pub(crate) date: String,
    pub(crate) author: String,
    pub(crate) summary: String,
    pub(crate) content: String,
}

/// Reads XML: a feed as a feed, anything else as its text.
pub(crate) fn read(xml: &str, page: Option<&Url>) -> Reading {
    match parse(xml) {
        Parsed::Feed(feed) => reading(&feed, page),
        Parsed::Other { lines, links } => {
            let blocks: Vec<Block> = lines
                .into_iter()
                .map(|line| Block::Paragraph(vec![Inline::Text(line)]))
                .collect();
            let mut reading = of_blocks(&blocks);
            reading.links = bounded_links(links);
            reading.facts.links = reading.links.len() as u64;
            reading.facts.language = language_of_text(&reading.text, None);
            reading
        }
    }
}

/// A feed as a document: its title, what it is about, and each entry under a heading.
pub(crate) fn reading(feed: &Feed, page: Option<&Url>) -> Reading {
    let addresses = Addresses::new(page, None, usize::MAX / 64);
    let mut links = Vec::new();
    let mut blocks = Vec::new();
    let title = line(&feed.title);
    if !title.is_empty() {
        blocks.push(Block::Heading {
            level: 1,
            words: linked(&title, &feed.link, &addresses, &mut links),
        });
    }
    blocks.extend(blocks_of_fragment(&feed.about, page));
    for entry in &feed.entries {
        let title = line(&entry.title);
        let title = if title.is_empty() {
            &entry.link
        } else {
            &title
        };
        if !title.is_empty() {
            blocks.push(Block::Heading {
                level: 2,
                words: linked(title, &entry.link, &addresses, &mut links),
            });
        }
        let date = iso_8601(&entry.date);
        let said: Vec<String> = [date, Some(line(&entry.author))]
            .into_iter()
            .flatten()
            .filter(|said| !said.is_empty())
            .collect();
        if !said.is_empty() {
            blocks.push(Block::Paragraph(vec![Inline::Marked(
                Mark::Emphasis,
                vec![Inline::Text(said.join(", "))],
            )]));
        }
        let body = if entry.content.trim().is_empty() {
            &entry.summary
        } else {
            &entry.content
        };
        let own = addresses
            .resolve(&entry.link)
            .and_then(|link| Url::parse(&link).ok());
        blocks.extend(blocks_of_fragment(body, own.as_ref().or(page)));
    }
    let mut reading = of_blocks(&blocks);
    reading.facts.date = feed
        .entries
        .iter()
        .filter_map(|entry| iso_8601(&entry.date))
        .max();
    reading.facts.description = Some(line(&feed.about)).filter(|about| !about.is_empty());
    reading.facts.language = language_of_text(&reading.text, Some(feed.language.as_str()));
    reading.title = Some(title).filter(|title| !title.is_empty());
    reading.links = bounded_links(links);
    reading
}

fn linked(
    title: &str,
    link: &str,
    addresses: &Addresses,
    links: &mut Vec<FoundLink>,
) -> Vec<Inline> {
    let words = vec![Inline::Text(title.to_owned())];
    let Some(url) = addresses.resolve(link) else {
        return words;
    };
    links.push(FoundLink {
        url: url.clone(),
        text: title.to_owned(),
    });
    vec![Inline::Link { url, words }]
}

/// Titles may be HTML or not, nobody knows: markup is taken out, white space collapsed.
fn line(html: &str) -> String {
    if !html.contains(['<', '&']) {
        return html.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    of_blocks(&blocks_of_fragment(html, None))
        .text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// Plain text as HTML.
pub(crate) fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace("\n\n", "<p>").replace('\n', "<br>")
}

enum Parsed {
    Feed(Feed),
    Other {
        lines: Vec<String>,
        links: Vec<FoundLink>,
    },
}

/// Where text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Title,
    Link,
    Guid,
    Date,
    Author,
    Summary,
    Content,
    Language,
}

struct Parser<'x> {
    xml: &'x str,
    feed: Feed,
    is_feed: bool,
    in_entry: bool,
    /// The field being read, how deep inside it we are, and where its inside begins.
    field: Option<(Field, usize, usize)>,
    /// The inside of the field is markup of its own (Atom's `type="xhtml"`).
    is_markup: bool,
    text: String,
    depth: usize,
    lines: Vec<String>,
    links: Vec<FoundLink>,
}

fn parse(xml: &str) -> Parsed {
    let mut reader = Reader::from_str(xml);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    let mut parser = Parser {
        xml,
        feed: Feed::default(),
        is_feed: false,
        in_entry: false,
        field: None,
        is_markup: false,
        text: String::new(),
        depth: 0,
        lines: Vec::new(),
        links: Vec::new(),
    };
    loop {
        let before = usize::try_from(reader.buffer_position()).unwrap_or(xml.len());
        let event = match reader.read_event() {
            Ok(Event::Eof) | Err(_) => break,
            Ok(event) => event,
        };
        let behind = usize::try_from(reader.buffer_position()).unwrap_or(xml.len());
        match event {
            Event::Start(start) => {
                parser.depth += 1;
                parser.start(&start, behind);
            }
            Event::Empty(start) => {
                parser.depth += 1;
                parser.start(&start, behind);
                parser.end(split_name(start.name().as_ref()).1, behind);
            }
            Event::End(end) => parser.end(split_name(end.name().as_ref()).1, before),
            Event::Text(text) => parser.text.push_str(&text),
            Event::CData(text) => parser.text.push_str(&text),
            Event::GeneralRef(name) => parser.reference(&name),
            _ => {}
        }
    }
    parser.line();
    if parser.is_feed {
        Parsed::Feed(parser.feed)
    } else {
        Parsed::Other {
            lines: parser.lines,
            links: parser.links,
        }
    }
}

impl Parser<'_> {
    fn start(&mut self, start: &BytesStart<'_>, behind: usize) {
        let name = start.name();
        let name: &str = name.as_ref();
        let (prefix, own) = split_name(name);
        if self.depth == 1 {
            self.is_feed = matches!(own, "rss" | "feed" | "RDF");
        }
        if !self.is_feed {
            self.line();
            self.other_links(start);
            return;
        }
        if let Some((_, depth, _)) = &mut self.field {
            *depth += 1;
            return;
        }
        if matches!(own, "item" | "entry") && self.feed.entries.len() < FEED_ENTRIES_MAX {
            self.in_entry = true;
            self.feed.entries.push(Entry::default());
            return;
        }
        let is_ours = matches!(prefix, "" | "dc" | "content" | "atom" | "a10" | "dcterms");
        let field = match own {
            _ if !is_ours => return,
            "title" => Field::Title,
            "link" => {
                if self.atom_link(start) {
                    return;
                }
                Field::Link
            }
            "guid" | "id" => Field::Guid,
            "pubDate" | "published" | "date" | "updated" | "issued" => Field::Date,
            "author" | "creator" => Field::Author,
            "description" | "summary" | "subtitle" => Field::Summary,
            "content" | "encoded" => Field::Content,
            "language" => Field::Language,
            _ => return,
        };
        self.is_markup = attribute(start, "type").is_some_and(|kind| kind == "xhtml");
        let is_text = attribute(start, "type").is_some_and(|kind| kind == "text");
        self.text.clear();
        if is_text && matches!(field, Field::Summary | Field::Content) {
            // Written as text: marks in it are letters.
            self.is_markup = false;
        }
        self.field = Some((field, 0, behind));
    }

    /// `link href` with no relation or `alternate`. Whether the element was of Atom.
    fn atom_link(&mut self, start: &BytesStart<'_>) -> bool {
        let Some(href) = attribute(start, "href") else {
            return false;
        };
        let is_page = attribute(start, "rel").is_none_or(|rel| rel == "alternate");
        if is_page {
            self.set(Field::Link, href);
        }
        true
    }

    fn end(&mut self, name: &str, before: usize) {
        self.depth = self.depth.saturating_sub(1);
        if !self.is_feed {
            if name == "loc" {
                self.loc();
            }
            self.line();
            return;
        }
        match self.field {
            Some((field, 0, begin)) => {
                self.field = None;
                let text = std::mem::take(&mut self.text);
                let value = if self.is_markup {
                    self.xml.get(begin..before).unwrap_or("").to_owned()
                } else {
                    text
                };
                self.set(field, value);
            }
            Some((field, depth, begin)) => self.field = Some((field, depth - 1, begin)),
            None if matches!(name, "item" | "entry") => self.in_entry = false,
            None => {}
        }
    }

    /// The first value of a field stays, but that an address beats an identifier and a publication an update.
    fn set(&mut self, field: Field, value: String) {
        let value = value.trim();
        let entry = self.feed.entries.last_mut().filter(|_| self.in_entry);
        let place = match (entry, field) {
            (Some(entry), Field::Title) => &mut entry.title,
            (Some(entry), Field::Link) => &mut entry.link,
            (Some(entry), Field::Guid) if value.starts_with("http") => &mut entry.link,
            (Some(entry), Field::Date) => &mut entry.date,
            (Some(entry), Field::Author) => &mut entry.author,
            (Some(entry), Field::Summary) => &mut entry.summary,
            (Some(entry), Field::Content) => &mut entry.content,
            (None, Field::Title) => &mut self.feed.title,
            (None, Field::Link) => &mut self.feed.link,
            (None, Field::Summary) => &mut self.feed.about,
            (None, Field::Language) => &mut self.feed.language,
            _ => return,
        };
        if place.is_empty() || field == Field::Link {
            value.clone_into(place);
        }
    }

    fn reference(&mut self, name: &str) {
        match referenced(name) {
            Some(letter) => self.text.push(letter),
            None => {
                // Left as HTML would read it; XML itself has no such name.
                self.text.push('&');
                self.text.push_str(name);
                self.text.push(';');
            }
        }
    }

    /// Ends a line of XML that is no feed.
    fn line(&mut self) {
        if self.is_feed {
            return;
        }
        let text = std::mem::take(&mut self.text);
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !line.is_empty() {
            self.lines.push(line);
        }
    }

    /// The address of a sitemap's entry.
    fn loc(&mut self) {
        let address = self.text.trim();
        if self.links.len() < LINKS_MAX && address.starts_with("http") {
            self.links.push(FoundLink {
                url: address.to_owned(),
                text: String::new(),
            });
        }
    }

    fn other_links(&mut self, start: &BytesStart<'_>) {
        for name in ["href", "src", "url", "xlink:href"] {
            if self.links.len() < LINKS_MAX
                && let Some(value) = attribute(start, name)
                && value.starts_with("http")
            {
                self.links.push(FoundLink {
                    url: value,
                    text: String::new(),
                });
            }
        }
    }
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let value = start.try_get_attribute(name).ok().flatten()?;
    Some(unescaped(&value.value).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rss_becomes_headings_with_their_content() {
        let reading = read(
            "<?xml version='1.0'?><rss><channel><title>News &amp; more</title><link>/</link>\
             <item><title>One</title><link>/1</link><pubDate>Mon, 06 May 2024 10:00:00 GMT</pubDate>\
             <description><![CDATA[<p>First <b>words</b>.</p>]]></description></item>\
             <item><title>Two</title><guid>https://b.example/2</guid></item></channel></rss>",
            Some(&Url::parse("https://a.example/feed").unwrap()),
        );
        assert_eq!(reading.title.as_deref(), Some("News & more"));
        assert_eq!(
            reading.markdown,
            "# [News & more](https://a.example/)\n\n## [One](https://a.example/1)\n\n*2024-05-06T10:00:00Z*\n\n\
             First **words**.\n\n## [Two](https://b.example/2)\n"
        );
        assert_eq!(reading.links.len(), 3);
    }

    #[test]
    fn atom_is_read_with_its_own_markup() {
        let reading = read(
            "<feed xml:lang='en'><title>A</title><entry><title type='html'>T &amp;lt;b&amp;gt;</title>\
             <link rel='edit' href='/e'/><link href='https://a.example/t'/><updated>2024-05-06</updated>\
             <author><name>Ada</name></author>\
             <content type='xhtml'><div><p>x <em>y</em></p></div></content></entry></feed>",
            None,
        );
        assert_eq!(
            reading.markdown,
            "# A\n\n## [T \\<b>](https://a.example/t)\n\n*2024-05-06, Ada*\n\nx *y*\n"
        );
    }

    #[test]
    fn entities_of_a_dtd_are_not_expanded() {
        let bomb = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;'>]><x>&b; end</x>";
        assert_eq!(read(bomb, None).text, "&b; end");
    }

    #[test]
    fn a_sitemap_gives_its_addresses() {
        let reading = read("<urlset><url><loc>https://a.example/x</loc></url>", None);
        assert_eq!(reading.links[0].url, "https://a.example/x");
    }
}
