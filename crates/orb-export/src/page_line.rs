//! One capture as a line of JSON, or why it has none.
//!
//! In: a capture, what it is wanted for. Out: the line, or the reason. May touch: nothing but its arguments.
//! Invariant: names are a contract with scripts; a page that ends the reader is counted, never the process.

use std::mem::take;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use orb_fetch::{DecodeLimits, DecodeOddity, Decoded, decode_content};
use orb_page::{PageUse, Refusals, ScanOptions, charset_of, decode_text, scan};
use orb_pdf::{PdfError, PdfText};
use orb_read::{MediaType, Reading, sniff};
use orb_warc::format_date;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::capture::Capture;
use crate::limits::{
    DECODED_RATIO_EXPECTED, PAGE_BYTES_MAX, PAGE_SPARE_BYTES, PDF_PROCESSES_MAX, READING_BYTES_MAX,
    READING_BYTES_PER_BYTE, READING_BYTES_PER_MARK,
};

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
    /// What reads PDFs, where those are wanted too.
    pub pdf: Option<orb_pdf::Reader>,
}

/// Why a capture has no line.
#[derive(Debug)]
pub(crate) enum LeftOut {
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
    /// No process could be started to read it. That is no fault of the page: another run could read it.
    NoReader(PdfError),
}

/// The line. Where the record lies stands first, since that is what a run goes on by.
#[derive(Serialize)]
struct PageLine<'a> {
    record: Place<'a>,
    url: &'a str,
    captured: Option<String>,
    media_type: &'a str,
    /// Whether the page is longer than what was kept or read of it.
    truncated: bool,
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
#[derive(Serialize)]
struct Place<'a> {
    file: &'a str,
    offset: u64,
}

/// A line with its line end, and whether its page was cut.
pub(crate) struct WrittenLine {
    pub(crate) text: String,
    pub(crate) truncated: bool,
}

/// What every line of an archive file begins with.
pub(crate) fn line_start(file: &str) -> String {
    let name = serde_json::Value::from(file);
    format!("{{\"record\":{{\"file\":{name},\"offset\":")
}

/// Turns of the processes that read PDFs, each of which may take as much memory as all else.
#[derive(Default)]
pub(crate) struct PdfTurns {
    turns: [Mutex<()>; PDF_PROCESSES_MAX],
    next: AtomicUsize,
}

impl PdfTurns {
    /// Waits for a turn, which lasts as long as what is returned.
    fn take(&self) -> MutexGuard<'_, ()> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.turns.len();
        self.turns[turn]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the line of a capture.
///
/// - `hold` is told before how many bytes are held from then on, and may wait.
pub(crate) fn page_line(
    file: &str,
    capture: Capture,
    options: &ExportOptions,
    turns: &PdfTurns,
    hold: &dyn Fn(usize),
) -> Result<WrittenLine, LeftOut> {
    let made = || line(file, capture, options, turns, hold);
    catch_unwind(AssertUnwindSafe(made)).unwrap_or(Err(LeftOut::Unreadable))
}

fn line(
    file: &str,
    mut capture: Capture,
    options: &ExportOptions,
    turns: &PdfTurns,
    hold: &dyn Fn(usize),
) -> Result<WrittenLine, LeftOut> {
    refused(&capture, options)?;
    let (payload, declared) = (take(&mut capture.payload), take(&mut capture.content_type));
    let declared = declared.as_deref();
    let decoded = decoded(capture.content_coding.as_deref(), &payload, hold);
    if decoded.encoded {
        return Err(LeftOut::Undecodable);
    }
    capture.truncated |= decoded.truncated;
    let media_type = sniff(declared, &decoded.bytes, capture.may_sniff);
    if !is_wanted(&media_type, options) {
        return Err(LeftOut::OtherKind);
    }
    if let Some(reader) = pdf_reader(&media_type, options) {
        let turn = turns.take();
        let pdf = reader.read(&decoded.bytes);
        drop(turn);
        decoded.recycle();
        return pdf_line(file, capture, pdf, &media_type, options, hold);
    }
    let (bytes, cost) = readable(&decoded.bytes);
    capture.truncated |= bytes.len() < decoded.bytes.len();
    hold(payload.len() + PAGE_SPARE_BYTES + cost);
    let text = decode_text(bytes, declared.and_then(charset_of)).text;
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
    drop(text);
    decoded.recycle();
    written(file, &capture, &reading, options)
}

fn pdf_reader<'o>(
    media_type: &MediaType,
    options: &'o ExportOptions,
) -> Option<&'o orb_pdf::Reader> {
    let is_pdf = media_type.essence() == orb_pdf::MEDIA_TYPE;
    options.pdf.as_ref().filter(|_| is_pdf)
}

/// The line of a PDF; what reading it takes is its process's, what its text takes is held here.
fn pdf_line(
    file: &str,
    mut capture: Capture,
    pdf: Result<PdfText, PdfError>,
    media_type: &MediaType,
    options: &ExportOptions,
    hold: &dyn Fn(usize),
) -> Result<WrittenLine, LeftOut> {
    let pdf = pdf.map_err(|error| match error {
        PdfError::Start(_) => LeftOut::NoReader(error),
        _ => LeftOut::Unreadable,
    })?;
    let text = pdf.text();
    let (kept, cost) = readable(text.as_bytes());
    hold(PAGE_SPARE_BYTES + 2 * text.len() + cost);
    let kept = &text[..text.floor_char_boundary(kept.len())];
    capture.truncated |= kept.len() < text.len() || pdf.left_out + pdf.unreadable > 0;
    let reading = orb_read::of_text(kept, media_type, pdf.title, pdf.author, pdf.links);
    written(file, &capture, &reading, options)
}

/// The page without its content coding. Room is taken for what is likely, and for all that may come only where it does.
fn decoded<'p>(coding: Option<&str>, payload: &'p [u8], hold: &dyn Fn(usize)) -> Decoded<'p> {
    let is_stacked = coding.is_some_and(|coding| coding.contains(','));
    let likely = (payload.len() * DECODED_RATIO_EXPECTED).max(PAGE_SPARE_BYTES);
    let first_max = match coding {
        Some(_) if !is_stacked => likely.min(PAGE_BYTES_MAX),
        _ => PAGE_BYTES_MAX,
    };
    let undo = |bytes_max: usize| {
        // Of stacked codings two results are there at once.
        let results = match coding {
            None => 0,
            Some(_) => bytes_max * (1 + usize::from(is_stacked)),
        };
        hold(payload.len() + PAGE_SPARE_BYTES + results);
        let limits = DecodeLimits {
            bytes_max: bytes_max as u64,
            ..DecodeLimits::default()
        };
        decode_content(coding, payload, &limits)
    };
    let first = undo(first_max);
    if first_max == PAGE_BYTES_MAX || !first.oddities.contains(&DecodeOddity::CapReached) {
        return first;
    }
    first.recycle();
    undo(PAGE_BYTES_MAX)
}

/// As much of a page as may be read, and the memory that reading it may take.
fn readable(page: &[u8]) -> (&[u8], usize) {
    let mut cost = 0;
    let fits = page.iter().take_while(|byte| {
        cost += READING_BYTES_PER_BYTE;
        if matches!(byte, b'<' | b'\n' | b',' | b'{' | b'[') {
            cost += READING_BYTES_PER_MARK;
        }
        cost <= READING_BYTES_MAX
    });
    let kept = fits.count();
    (&page[..kept], cost.min(READING_BYTES_MAX))
}

fn written(
    file: &str,
    capture: &Capture,
    reading: &Reading,
    options: &ExportOptions,
) -> Result<WrittenLine, LeftOut> {
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
        truncated: capture.truncated,
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
    Ok(WrittenLine {
        text: out,
        truncated: capture.truncated,
    })
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
        _ => pdf_reader(media_type, options).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is counted never passes the limit: of a page of nothing but tags the beginning is read.
    #[test]
    fn a_page_is_read_as_far_as_memory_is_kept_for_it() {
        assert_eq!(
            readable(b"words"),
            (&b"words"[..], 5 * READING_BYTES_PER_BYTE)
        );
        let (kept, cost) = readable(b"<p>a\n");
        let marked = 5 * READING_BYTES_PER_BYTE + 2 * READING_BYTES_PER_MARK;
        assert_eq!((kept.len(), cost), (5, marked));
        let prose = vec![b'x'; PAGE_BYTES_MAX];
        assert_eq!(readable(&prose).0.len(), PAGE_BYTES_MAX);
        let tags = b"<p>x".repeat(PAGE_BYTES_MAX / 4);
        let (kept, cost) = readable(&tags);
        assert!(kept.len() > 4 << 20 && kept.len() < tags.len());
        assert!(cost <= READING_BYTES_MAX && cost > READING_BYTES_MAX - 1_000);
    }

    /// A page that decodes to more than is likely is decoded whole, and room is taken for it first.
    #[test]
    fn a_page_that_compresses_well_is_whole() {
        use std::cell::RefCell;
        use std::io::Write;
        let page = b"words ".repeat(300_000);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&page).unwrap();
        let coded = gzip.finish().unwrap();
        assert!(coded.len() * DECODED_RATIO_EXPECTED < page.len());
        let held = RefCell::new(Vec::new());
        let whole = decoded(Some("gzip"), &coded, &|bytes| held.borrow_mut().push(bytes));
        // Beyond a ratio of 250 it is a bomb.
        assert!(whole.bytes.len() == page.len().min((coded.len() * 250).max(1 << 20)));
        let held = held.into_inner();
        assert!(held.len() == 2 && held[1] > PAGE_BYTES_MAX, "{held:?}");
    }
}
