//! `orb read FILE|URL`: what a page says.
//!
//! In: a file, standard input, or a URL fetched through the gate. Out: the main content as Markdown or text, links, facts.
//! May touch: the file, or the network through the gate. How pages are read is `orb-read`'s and `orb-page`'s part.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use clap::Args;
use orb_fetch::Request;
use orb_page::{LinkKind, Page, ScanOptions, charset_of, decode_text, scan};
use orb_read::{Facts, MediaType, may_sniff, sniff, sniff_file};
use orb_url::{BaseUrl, CrawlUrl};
use serde::Serialize;
use url::Url;

use crate::commands::pdf;
use crate::exit::{Exit, Failure, Outcome};
use crate::limits::PAGE_FILE_BYTES_MAX;
use crate::one_by_one::{Fetched, OneByOne};
use crate::settings_args::SettingsArgs;
use crate::terminal::{count, harmless, note, say, say_json};

/// Arguments of `orb read`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb read page.html --url https://example.com/page.html
  orb read page.html --markdown > page.md
  curl -s https://example.com/ | orb read - --url https://example.com/ --json
  orb read https://example.com/ --contact you@example.org --facts

Reads HTML, XML and its feeds, JSON, plain text and PDF; the kind is told by the type the server gives or the file's
name, and else by the first bytes. A PDF is read by a process of its own, with 2 GiB of memory and 20 CPU seconds. --text and --markdown give the main content, without what a site puts around it.
Links come out resolved and canonical, in the order of the page. Those of a file that is read without --url and has no
<base> stay as written.")]
pub(crate) struct ReadArgs {
    /// An HTML file, `-` for standard input, or an http(s) URL.
    #[arg(value_name = "FILE|URL")]
    source: String,
    /// The address of the page, which its links are relative to.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Also list what the page shows: images, styles, scripts, fonts.
    #[arg(long = "all-links")]
    all_links: bool,
    /// Print the main content as Markdown.
    #[arg(long, group = "part")]
    markdown: bool,
    /// Print the main content as plain text.
    #[arg(long, group = "part")]
    text: bool,
    /// Print the links, one a line: address, tab, rel, tab, text.
    #[arg(long, group = "part")]
    links: bool,
    /// Print what is known of the page as JSON, for people to read.
    #[arg(long, group = "part")]
    facts: bool,
    /// Print everything as one JSON object on one line.
    #[arg(long, group = "part")]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// What is printed. Names are a contract with scripts.
#[derive(Serialize)]
struct ReadPage {
    title: Option<String>,
    base: Option<String>,
    links: Vec<ReadLink>,
    /// All text that is shown.
    visible_text: String,
    /// The main content.
    text: String,
    /// The same, as Markdown.
    markdown: String,
    /// ISO 639-3.
    language: Option<String>,
    facts: Facts,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct ReadLink {
    url: String,
    rel: String,
    text: String,
}

/// A page's bytes and what is known of them.
struct Body {
    bytes: Vec<u8>,
    media_type: MediaType,
    charset: Option<String>,
    url: Option<CrawlUrl>,
}

/// Reads and prints the page.
pub(crate) fn run(args: &ReadArgs) -> Outcome {
    let mut body = load(args)?;
    if let Some(url) = &args.url {
        let url = CrawlUrl::parse(url);
        body.url = Some(url.map_err(|error| {
            Failure::usage(anyhow::Error::new(error).context("--url is no URL"))
        })?);
    }
    let page = if body.media_type.essence() == orb_pdf::MEDIA_TYPE {
        read_pdf(&body, &args.source)?
    } else {
        read(&body, args.all_links)
    };
    if args.json {
        say_json(&page)?;
    } else if args.markdown {
        say(shown(&page.markdown).trim_end());
    } else if args.text {
        say(&shown(&page.text));
    } else if args.links {
        say(links_as_lines(&page.links).trim_end());
    } else if args.facts {
        let facts = serde_json::to_string_pretty(&page.facts).map_err(Failure::bug)?;
        say(&harmless(&facts));
    } else {
        say(&for_people(&page));
    }
    Ok(Exit::Fine)
}

fn load(args: &ReadArgs) -> Result<Body, Failure> {
    let is_url = ["http://", "https://"].iter().any(|scheme| {
        args.source
            .get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    if is_url {
        return fetch(args);
    }
    let source: io::Result<Box<dyn Read>> = if args.source == "-" {
        Ok(Box::new(io::stdin()))
    } else {
        File::open(Path::new(&args.source)).map(|file| Box::new(file) as Box<dyn Read>)
    };
    let mut bytes = Vec::new();
    source
        .and_then(|source| source.take(PAGE_FILE_BYTES_MAX).read_to_end(&mut bytes))
        .map_err(|error| {
            Failure::usage(
                anyhow::Error::new(error).context(format!("{} cannot be read", args.source)),
            )
        })?;
    Ok(Body {
        media_type: sniff_file(&args.source, &bytes),
        bytes,
        charset: None,
        url: None,
    })
}

fn fetch(args: &ReadArgs) -> Result<Body, Failure> {
    let url = CrawlUrl::parse(&args.source).map_err(Failure::usage)?;
    let mut fetcher = OneByOne::new(&args.settings)?;
    let failed = |error: anyhow::Error| Failure {
        exit: Exit::CheckFailed,
        error: error.context(format!("{url} cannot be fetched")),
    };
    let Fetched { outcome, .. } = fetcher
        .get(&Request::get(url.clone()))
        .map_err(|error| failed(error.into()))?;
    let response = outcome.map_err(|error| failed(error.into()))?;
    if !(200..=299).contains(&response.status) {
        let to = response
            .header("location")
            .map_or_else(String::new, |to| format!(", which points to {to}"));
        return Err(failed(anyhow::Error::msg(format!(
            "it answered {}{to}",
            response.status
        ))));
    }
    let bytes = fetcher.decoded(&response);
    let content_type = response.header("content-type");
    let may_sniff = may_sniff(response.header("x-content-type-options"));
    Ok(Body {
        media_type: sniff(content_type, &bytes, may_sniff),
        charset: content_type.and_then(charset_of).map(str::to_owned),
        bytes,
        url: Some(url),
    })
}

fn read(body: &Body, all_links: bool) -> ReadPage {
    let media_type = &body.media_type;
    let address = body
        .url
        .as_ref()
        .and_then(|url| Url::parse(url.as_str()).ok());
    let own = body.url.as_ref().map(ToString::to_string);
    if let MediaType::Other(_) = media_type {
        // A picture or a program: there is nothing to decode.
        return of_reading(orb_read::read("", media_type, None), own);
    }
    let text = decode_text(&body.bytes, body.charset.as_deref());
    let reading = orb_read::read(&text.text, media_type, address.as_ref());
    if *media_type != MediaType::Html {
        return of_reading(reading, own);
    }
    let options = ScanOptions {
        requisites: all_links,
        text: true,
        ..ScanOptions::default()
    };
    let page = scan(&text.text, &options);
    let base = base(&page, body.url.as_ref());
    let links = links(&page, base.as_ref(), all_links);
    ReadPage {
        links,
        base: base.map(|base| resolved(&base)).or(own),
        title: page.title.or_else(|| reading.title.clone()),
        visible_text: page.visible_text,
        ..of_reading(reading, None)
    }
}

/// The text and links of a PDF.
fn read_pdf(body: &Body, source: &str) -> Result<ReadPage, Failure> {
    let pdf = pdf::reader()?.read(&body.bytes).map_err(|error| Failure {
        exit: Exit::CheckFailed,
        error: anyhow::Error::new(error).context(format!("{source} cannot be read")),
    })?;
    if pdf.unreadable + pdf.left_out > 0 {
        note(&format!(
            "orb: {} pages of {source} could not be read, {} were left out",
            count(pdf.unreadable),
            count(pdf.left_out)
        ));
    }
    let own = body.url.as_ref().map(ToString::to_string);
    let text = pdf.text();
    let reading = orb_read::of_text(&text, &body.media_type, pdf.title, pdf.author, pdf.links);
    Ok(of_reading(reading, own))
}

/// A document that is no page: its text is all of it.
fn of_reading(reading: orb_read::Reading, base: Option<String>) -> ReadPage {
    ReadPage {
        title: reading.title,
        base,
        links: reading
            .links
            .into_iter()
            .map(|link| ReadLink {
                url: link.url,
                rel: String::new(),
                text: link.text,
            })
            .collect(),
        visible_text: reading.text.clone(),
        text: reading.text,
        markdown: reading.markdown,
        language: reading
            .facts
            .language
            .as_ref()
            .map(|language| language.code.clone()),
        facts: reading.facts,
    }
}

fn links(page: &Page, base: Option<&BaseUrl>, all_links: bool) -> Vec<ReadLink> {
    let links = page.links.iter().filter_map(|link| {
        let wanted = all_links || !link.kind.is_requisite();
        let url = match base {
            Some(base) => base.join(&link.href).ok().map(|url| url.to_string()),
            None => CrawlUrl::parse(&link.href).map_or_else(
                |_| is_relative(&link.href).then(|| link.href.clone()),
                |url| Some(url.to_string()),
            ),
        };
        let rel = if link.rel.raw.is_empty() {
            implied_rel(link.kind)
        } else {
            link.rel.raw.as_str()
        };
        url.filter(|_| wanted).map(|url| ReadLink {
            url,
            rel: rel.to_owned(),
            text: link.text.clone(),
        })
    });
    links.collect()
}

/// What the page's references are resolved against: its `<base>`, else its address.
fn base(page: &Page, url: Option<&CrawlUrl>) -> Option<BaseUrl> {
    let own = url.map(BaseUrl::new);
    match (&page.base, own) {
        (None, own) => own,
        (Some(href), Some(own)) => own.rebased(href).or(Some(own)),
        (Some(href), None) => CrawlUrl::parse(href).ok().map(|url| BaseUrl::new(&url)),
    }
}

/// The base as a URL; one that is not http(s) has no place in a crawl.
fn resolved(base: &BaseUrl) -> String {
    base.join("")
        .map_or_else(|_| String::new(), |url| url.to_string())
}

/// A reference that names no scheme needs a base to be anything.
fn is_relative(href: &str) -> bool {
    let scheme = href.split([':', '/', '?', '#']).next().unwrap_or("");
    !href[scheme.len()..].starts_with(':')
}

fn implied_rel(kind: LinkKind) -> &'static str {
    match kind {
        LinkKind::Canonical => "canonical",
        LinkKind::Alternate => "alternate",
        _ => "",
    }
}

/// As [`harmless`], but tabs of code and cells stay what they are.
fn shown(text: &str) -> String {
    let parts: Vec<String> = text.split('\t').map(harmless).collect();
    parts.join("\t")
}

fn links_as_lines(links: &[ReadLink]) -> String {
    let mut out = String::new();
    for link in links {
        let fields = [&link.url, &link.rel, &link.text]
            .map(|field| harmless(field).replace(['\n', '\t'], " "));
        out.push_str(&fields.join("\t"));
        out.push('\n');
    }
    out
}

/// What is known in a few lines, then the main content.
fn for_people(page: &ReadPage) -> String {
    let facts = &page.facts;
    let language = facts
        .language
        .as_ref()
        .map(|language| format!("{} ({:.0} %)", language.code, language.confidence * 100.0));
    let size = format!(
        "{} words, {} links on the page; {:.0} % of its text is not content",
        count(facts.words),
        count(page.links.len() as u64),
        facts.boilerplate_share * 100.0
    );
    let lines = [
        ("title", page.title.as_deref()),
        ("by", facts.byline.as_deref()),
        ("date", facts.date.as_deref()),
        ("site", facts.site_name.as_deref()),
        ("base", page.base.as_deref()),
        ("language", language.as_deref()),
        ("size", Some(size.as_str())),
    ];
    let mut out = String::new();
    for (name, value) in lines {
        if let Some(value) = value {
            let value = harmless(value).replace('\n', " ");
            out.push_str(&format!("{name:9} {value}\n"));
        }
    }
    out.push('\n');
    if page.markdown.is_empty() {
        out.push_str(&format!("(no text to read in {})", facts.media_type));
    }
    out.push_str(&shown(&page.markdown));
    out.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(html: &str, url: Option<&str>) -> (Option<String>, Vec<String>) {
        let body = Body {
            bytes: html.as_bytes().to_vec(),
            charset: None,
            media_type: MediaType::Html,
            url: url.map(|url| CrawlUrl::parse(url).unwrap()),
        };
        let page = read(&body, false);
        (
            page.base,
            page.links.into_iter().map(|link| link.url).collect(),
        )
    }

    #[test]
    fn links_are_resolved_against_the_base_in_force() {
        let html =
            "<a href=x>x</a><a href=//b.example/>b</a><a href=mailto:me>m</a><img src=i.png>";
        let (base, found) = links(html, Some("https://a.example/d/page"));
        assert_eq!(base.as_deref(), Some("https://a.example/d/page"));
        assert_eq!(found, ["https://a.example/d/x", "https://b.example/"]);
        let with_base = format!("<base href=/e/>{html}");
        let (base, found) = links(&with_base, Some("https://a.example/d/page"));
        assert_eq!(base.as_deref(), Some("https://a.example/e/"));
        assert_eq!(found[0], "https://a.example/e/x");
    }

    #[test]
    fn without_an_address_references_stay_as_written() {
        let (base, found) = links(
            "<a href=x?y>x</a><a href=https://b.example>b</a><a href=javascript:1>j</a>",
            None,
        );
        assert_eq!(base, None);
        assert_eq!(found, ["x?y", "https://b.example/"]);
        let (base, found) = links("<base href=https://c.example/d/><a href=x>x</a>", None);
        assert_eq!(base.as_deref(), Some("https://c.example/d/"));
        assert_eq!(found, ["https://c.example/d/x"]);
    }
}
