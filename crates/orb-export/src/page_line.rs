//! One capture as a line of JSON, or why it has none.
//!
//! In: a capture, what it is wanted for. Out: the line, or the reason. May touch: nothing but its arguments.
//! Invariant: names are a contract with scripts; a page that ends the reader is counted, never the process.

use std::mem::take;
use std::panic::{AssertUnwindSafe, catch_unwind};

use orb_fetch::{DecodeLimits, decode_content};
use orb_page::{PageUse, Refusals, ScanOptions, decode_text, scan};
use orb_read::{MediaType, Reading, charset_of, sniff};
use orb_warc::format_date;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::capture::Capture;

/// What is written of a page's main content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContentForm {
    /// With headings, lists, tables, links.
    Markdown,
    /// Words and paragraphs.
    Text,
}

impl ContentForm {
    /// Its name in arguments and folders.
    pub fn name(self) -> &'static str {
        match self {
            ContentForm::Markdown => "markdown",
            ContentForm::Text => "text",
        }
    }
}

/// What to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportOptions {
    /// How the content is written.
    pub form: ContentForm,
    /// What the pages are wanted for: those whose author refuses one of these are left out.
    pub uses: Vec<PageUse>,
    /// Also feeds and other XML, and JSON; else HTML, plain text and Markdown.
    pub all_kinds: bool,
}

/// Why a capture has no line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeftOut {
    /// Its author refuses the use.
    Refused,
    /// Of a kind that is not read or not wanted.
    OtherKind,
    /// There is no text in it.
    NoText,
    /// Its content coding cannot be undone.
    Undecodable,
    /// The reader gave up on it.
    Unreadable,
}

/// The line. Where the record lies stands first, since that is what a run goes on by.
#[derive(Serialize)]
struct PageLine<'a> {
    record: Place<'a>,
    url: &'a str,
    captured: Option<String>,
    media_type: &'a str,
    title: Option<&'a str>,
    byline: Option<&'a str>,
    date: Option<&'a str>,
    modified: Option<&'a str>,
    site_name: Option<&'a str>,
    description: Option<&'a str>,
    language: Option<&'a str>,
    language_confidence: Option<f64>,
    words: u64,
    boilerplate_share: f64,
    usage: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    markdown: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

/// Where a capture lies.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place<'a> {
    pub(crate) file: &'a str,
    pub(crate) offset: u64,
}

/// Makes the line of a capture, with its line end.
pub(crate) fn page_line(
    file: &str,
    capture: Capture,
    options: &ExportOptions,
) -> Result<String, LeftOut> {
    catch_unwind(AssertUnwindSafe(|| line(file, capture, options)))
        .unwrap_or(Err(LeftOut::Unreadable))
}

fn line(file: &str, mut capture: Capture, options: &ExportOptions) -> Result<String, LeftOut> {
    refused(&capture, options)?;
    let (payload, declared) = (take(&mut capture.payload), take(&mut capture.content_type));
    let declared = declared.as_deref();
    let decoded = decode_content(
        capture.content_coding.as_deref(),
        &payload,
        &DecodeLimits::default(),
    );
    if decoded.encoded {
        return Err(LeftOut::Undecodable);
    }
    let media_type = sniff(declared, &decoded.bytes, capture.may_sniff);
    if !is_wanted(&media_type, options) {
        return Err(LeftOut::OtherKind);
    }
    let text = decode_text(&decoded.bytes, declared.and_then(charset_of)).text;
    if media_type == MediaType::Html {
        let found = scan(&text, &ScanOptions::default());
        capture.directives.merge(found.robots);
        for preference in &found.usage {
            capture.add_usage(preference);
        }
        refused(&capture, options)?;
    }
    let address = Url::parse(&capture.url).ok();
    let reading = orb_read::read(&text, &media_type, address.as_ref());
    written(file, &capture, &reading, options)
}

fn written(
    file: &str,
    capture: &Capture,
    reading: &Reading,
    options: &ExportOptions,
) -> Result<String, LeftOut> {
    let content = match options.form {
        ContentForm::Markdown => &reading.markdown,
        ContentForm::Text => &reading.text,
    };
    if reading.text.trim().is_empty() {
        return Err(LeftOut::NoText);
    }
    let facts = &reading.facts;
    let content_as = |form: ContentForm| (options.form == form).then_some(content.as_str());
    let line = PageLine {
        record: Place {
            file,
            offset: capture.offset,
        },
        url: &capture.url,
        captured: capture.date_us.map(format_date),
        media_type: &facts.media_type,
        title: reading.title.as_deref(),
        byline: facts.byline.as_deref(),
        date: facts.date.as_deref(),
        modified: facts.modified.as_deref(),
        site_name: facts.site_name.as_deref(),
        description: facts.description.as_deref(),
        language: facts.language.as_ref().map(|one| one.code.as_str()),
        language_confidence: facts.language.as_ref().map(|one| one.confidence),
        words: facts.words,
        boilerplate_share: facts.boilerplate_share,
        usage: &capture.usage,
        markdown: content_as(ContentForm::Markdown),
        text: content_as(ContentForm::Text),
    };
    let mut out = serde_json::to_string(&line).map_err(|_| LeftOut::Unreadable)?;
    out.push('\n');
    Ok(out)
}

fn refused(capture: &Capture, options: &ExportOptions) -> Result<(), LeftOut> {
    let lines = capture.usage.iter().map(String::as_str);
    let refusals = Refusals::of(capture.directives, lines);
    let is_refused = |wanted: &PageUse| refusals.refuses(*wanted);
    if options.uses.iter().any(is_refused) {
        return Err(LeftOut::Refused);
    }
    Ok(())
}

fn is_wanted(media_type: &MediaType, options: &ExportOptions) -> bool {
    match media_type {
        MediaType::Html | MediaType::Plain | MediaType::Markdown => true,
        MediaType::Xml | MediaType::Json => options.all_kinds,
        _ => false,
    }
}
