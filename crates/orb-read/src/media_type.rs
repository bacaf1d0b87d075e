//! What kind of document some bytes are.
//!
//! In: the type a server or a file's name gives, the first bytes. Out: the kind, by the MIME Sniffing Standard.
//! May touch: nothing but its arguments. Must not touch: decoding.
//! Invariant: a scriptable type is never guessed from bytes that were declared as something else; at most
//! [`SNIFFED_BYTES_MAX`] bytes are looked at.

use crate::limits::SNIFFED_BYTES_MAX;

/// Kinds of documents that are read in different ways.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MediaType {
    /// HTML, also as XHTML.
    Html,
    /// XML, feeds among it.
    Xml,
    /// JSON, also of a kind with a name of its own.
    Json,
    /// Text without markup.
    Plain,
    /// Text that is Markdown already.
    Markdown,
    /// None of these; its essence.
    Other(String),
}

impl MediaType {
    /// The kind of a declared type, without parameters.
    pub fn of_essence(essence: &str) -> MediaType {
        let essence = essence.to_ascii_lowercase();
        match essence.as_str() {
            "text/html" | "application/xhtml+xml" => MediaType::Html,
            "text/xml" | "application/xml" => MediaType::Xml,
            "application/json" | "text/json" | "application/x-ndjson" => MediaType::Json,
            "text/markdown" | "text/x-markdown" => MediaType::Markdown,
            _ if essence.ends_with("+xml") && !essence.starts_with("image/") => MediaType::Xml,
            _ if essence.ends_with("+json") => MediaType::Json,
            "text/javascript" | "text/css" => MediaType::Other(essence),
            _ if essence.starts_with("text/") => MediaType::Plain,
            _ => MediaType::Other(essence),
        }
    }

    /// The type a file's name tells, to be taken like a server's word. `None` for names that tell nothing.
    pub fn declared_by_name(name: &str) -> Option<&'static str> {
        let (_, extension) = name.rsplit_once('.')?;
        Some(match extension.to_ascii_lowercase().as_str() {
            "html" | "htm" => "text/html",
            "xhtml" | "xht" => "application/xhtml+xml",
            "xml" | "rss" | "atom" | "rdf" => "text/xml",
            "json" | "geojson" => "application/json",
            "md" | "markdown" => "text/markdown",
            "txt" | "text" | "log" => "text/plain",
            "pdf" => "application/pdf",
            _ => return None,
        })
    }

    /// How it is written in facts.
    pub fn essence(&self) -> &str {
        match self {
            MediaType::Html => "text/html",
            MediaType::Xml => "text/xml",
            MediaType::Json => "application/json",
            MediaType::Plain => "text/plain",
            MediaType::Markdown => "text/markdown",
            MediaType::Other(essence) => essence,
        }
    }
}

/// The kind of a resource (MIME Sniffing Standard, 7).
///
/// - `declared`: the `Content-Type` as received, parameters and all.
/// - `bytes`: the body after content codings, or the beginning of it.
/// - `may_sniff`: see [`may_sniff`].
pub fn sniff(declared: Option<&str>, bytes: &[u8], may_sniff: bool) -> MediaType {
    let head = &bytes[..bytes.len().min(SNIFFED_BYTES_MAX)];
    let essence = declared
        .and_then(|value| value.split(';').next())
        .map(str::trim)
        .filter(|essence| essence.contains('/'))
        .map(str::to_ascii_lowercase);
    match essence.as_deref() {
        None | Some("unknown/unknown" | "application/unknown" | "*/*") => unknown(head, may_sniff),
        Some("text/html") if may_sniff && is_feed(head) => MediaType::Xml,
        // The values that old servers send for what they do not know (5, "check-for-apache-bug flag").
        Some("text/plain") if may_sniff && is_apache_default(declared) => text_or_binary(head),
        Some(essence) => MediaType::of_essence(essence),
    }
}

/// Whether a server lets its word on types be doubted: not by `X-Content-Type-Options: nosniff`, the first word of which
/// counts (Fetch Standard, 3.6).
pub fn may_sniff(x_content_type_options: Option<&str>) -> bool {
    let first = x_content_type_options.and_then(|value| value.split(',').next());
    !first.is_some_and(|word| word.trim().eq_ignore_ascii_case("nosniff"))
}

/// The kind of a file or of standard input, where nobody gave a type.
///
/// - `name`: its ending is taken like a server's word.
/// - What has no telling name and begins with a tag is HTML, even with a tag the standard does not look for: people
///   hand in fragments.
pub fn sniff_file(name: &str, bytes: &[u8]) -> MediaType {
    let declared = MediaType::declared_by_name(name);
    let found = sniff(declared, bytes, true);
    let begins_with_tag = || {
        let text = bytes.trim_ascii_start();
        text.starts_with(b"<") && text.get(1).is_some_and(u8::is_ascii_alphabetic)
    };
    if declared.is_none() && found == MediaType::Plain && begins_with_tag() {
        return MediaType::Html;
    }
    found
}

fn is_apache_default(declared: Option<&str>) -> bool {
    matches!(
        declared.map(str::trim),
        Some(
            "text/plain"
                | "text/plain; charset=ISO-8859-1"
                | "text/plain; charset=iso-8859-1"
                | "text/plain; charset=UTF-8"
        )
    )
}

/// "Identifying a resource with an unknown MIME type" (7.1).
fn unknown(head: &[u8], may_sniff: bool) -> MediaType {
    if may_sniff {
        let text = head.trim_ascii_start();
        if begins_html(text) {
            return if is_feed(head) {
                MediaType::Xml
            } else {
                MediaType::Html
            };
        }
        if text.starts_with(b"<?xml") {
            return if declares_xhtml(text) {
                MediaType::Html
            } else {
                MediaType::Xml
            };
        }
        // Feeds without a declaration are no type of the standard's, but of every reader's.
        if is_feed(head) {
            return MediaType::Xml;
        }
    }
    match signed(head) {
        Some(essence) => MediaType::Other(essence.to_owned()),
        None => text_or_binary(head),
    }
}

fn declares_xhtml(text: &[u8]) -> bool {
    let window = &text[..text.len().min(SNIFFED_BYTES_MAX)];
    contains(window, b"<html") || contains(window, b"<!DOCTYPE html")
}

fn contains(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len())
        .any(|part| part.eq_ignore_ascii_case(needle))
}

/// The tags that tell HTML, each to be followed by a blank or `>`.
const HTML_STARTS: &[&[u8]] = &[
    b"<!DOCTYPE HTML",
    b"<HTML",
    b"<HEAD",
    b"<SCRIPT",
    b"<IFRAME",
    b"<H1",
    b"<DIV",
    b"<FONT",
    b"<TABLE",
    b"<A",
    b"<STYLE",
    b"<TITLE",
    b"<B",
    b"<BODY",
    b"<BR",
    b"<P",
    b"<!--",
];

fn begins_html(text: &[u8]) -> bool {
    HTML_STARTS.iter().any(|start| {
        text.get(..start.len())
            .is_some_and(|own| own.eq_ignore_ascii_case(start))
            && (*start == b"<!--"
                || text
                    .get(start.len())
                    .is_some_and(|next| *next == b'>' || next.is_ascii_whitespace()))
    })
}

/// "Sniffing a mislabeled feed" (8.3): the first element decides.
fn is_feed(head: &[u8]) -> bool {
    let mut rest = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    loop {
        rest = rest.trim_ascii_start();
        let ends: &[(&[u8], &[u8])] = &[(b"<!--", b"-->"), (b"<?", b"?>"), (b"<!", b">")];
        let skipped = ends.iter().find(|(start, _)| rest.starts_with(start));
        let Some((start, end)) = skipped else { break };
        let inside = &rest[start.len()..];
        match inside.windows(end.len()).position(|part| part == *end) {
            Some(at) => rest = &inside[at + end.len()..],
            None => return false,
        }
    }
    let is_rdf = rest.starts_with(b"<rdf:RDF")
        && contains(head, b"http://purl.org/rss/1.0/")
        && contains(head, b"http://www.w3.org/1999/02/22-rdf-syntax-ns#");
    rest.starts_with(b"<rss") || rest.starts_with(b"<feed") || is_rdf
}

/// Signatures of what is no text (6), in the standard's order: images, sound and pictures that move, fonts, archives.
/// `?` stands for any byte. Two kinds are told in other ways: [`is_mp3`], [`is_eot`].
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"%PDF-", "application/pdf"),
    (b"%!PS-Adobe-", "application/postscript"),
    (b"\x00\x00\x01\x00", "image/x-icon"),
    (b"\x00\x00\x02\x00", "image/x-icon"),
    (b"BM", "image/bmp"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"RIFF????WEBPVP", "image/webp"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"FORM????AIFF", "audio/aiff"),
    (b"ID3", "audio/mpeg"),
    (b"OggS\x00", "application/ogg"),
    (b"MThd\x00\x00\x00\x06", "audio/midi"),
    (b"RIFF????AVI ", "video/avi"),
    (b"RIFF????WAVE", "audio/wave"),
    (b"????ftyp", "video/mp4"),
    (b"\x1a\x45\xdf\xa3", "video/webm"),
    (b"\x00\x01\x00\x00", "font/ttf"),
    (b"OTTO", "font/otf"),
    (b"ttcf", "font/collection"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
    (b"\x1f\x8b\x08", "application/x-gzip"),
    (b"PK\x03\x04", "application/zip"),
    (b"Rar \x1a\x07\x00", "application/x-rar-compressed"),
];

fn signed(head: &[u8]) -> Option<&'static str> {
    let fits = |signature: &[u8]| {
        head.get(..signature.len()).is_some_and(|start| {
            signature
                .iter()
                .zip(start)
                .all(|(want, is)| *want == b'?' || want == is)
        })
    };
    let Some((signature, essence)) = SIGNATURES.iter().find(|(signature, _)| fits(signature))
    else {
        return if is_mp3(head) {
            Some("audio/mpeg")
        } else {
            is_eot(head).then_some("application/vnd.ms-fontobject")
        };
    };
    // Short and all letters, as words of a text: the standard takes a text on BMW cars for a picture.
    let is_word = *signature == b"ID3"
        || signature.iter().all(u8::is_ascii_alphabetic)
        || signature.contains(&b'?');
    (!is_word || head.iter().any(is_binary)).then_some(*essence)
}

/// Whether a frame of MP3 begins here and another one where it ends ("signature for MP3 without ID3", 6.2.3).
fn is_mp3(head: &[u8]) -> bool {
    let next = mp3_frame_bytes(head).and_then(|bytes| head.get(bytes..));
    next.is_some_and(|next| mp3_frame_bytes(next).is_some())
}

/// Bytes of the layer III frame whose header stands here (ISO 11172-3, 2.4.1.3).
fn mp3_frame_bytes(bytes: &[u8]) -> Option<usize> {
    const FULL: [usize; 15] = [
        0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
    ];
    const HALF: [usize; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    let header = bytes.first_chunk::<4>()?;
    // Eleven bits of synchronisation, two of version, and layer III.
    if header[0] != 0xff || header[1] & 0xe6 != 0xe2 {
        return None;
    }
    let (rates, scale, slower) = match header[1] >> 3 & 3 {
        3 => (FULL, 144, 1),
        2 => (HALF, 72, 2),
        0 => (HALF, 72, 4),
        _ => return None,
    };
    let rate = *rates.get(usize::from(header[2] >> 4))? * 1_000;
    let frequencies = [44_100, 48_000, 32_000];
    let frequency = frequencies.get(usize::from(header[2] >> 2 & 3))? / slower;
    let padding = usize::from(header[2] >> 1 & 1);
    let bytes = rate * scale / frequency + padding;
    (bytes >= 4).then_some(bytes)
}

/// Whether this is an embedded OpenType font: 34 bytes of anything, `LP` (6.3).
fn is_eot(head: &[u8]) -> bool {
    head.get(34..36) == Some(b"LP") && head.iter().any(is_binary)
}

/// A "binary data byte" (3).
fn is_binary(byte: &u8) -> bool {
    matches!(byte, 0x00..=0x08 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f)
}

/// "Sniffing in the context of text or binary" (7.2): what was sent as text is text, or nobody knows what.
fn text_or_binary(head: &[u8]) -> MediaType {
    let has_mark = [&b"\xef\xbb\xbf"[..], b"\xfe\xff", b"\xff\xfe"]
        .iter()
        .any(|mark| head.starts_with(mark));
    if has_mark || !head.iter().any(is_binary) {
        MediaType::Plain
    } else {
        MediaType::Other("application/octet-stream".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(declared: Option<&str>, bytes: &[u8], expected: &str) {
        assert_eq!(
            sniff(declared, bytes, true).essence(),
            expected,
            "{declared:?} {bytes:?}"
        );
    }

    #[test]
    fn a_declared_type_is_believed() {
        check(Some("text/html; charset=x"), b"plain", "text/html");
        check(Some("application/ld+json"), b"<html>", "application/json");
        check(Some("application/atom+xml"), b"", "text/xml");
        check(Some("image/svg+xml"), b"<svg>", "image/svg+xml");
        check(Some("text/csv"), b"a,b", "text/plain");
    }

    #[test]
    fn plain_text_of_old_servers_may_be_binary_but_never_a_page() {
        check(Some("text/plain"), b"\x00\x01", "application/octet-stream");
        check(Some("text/plain"), b"<html>", "text/plain");
        check(Some("text/plain; charset=x"), b"\x00", "text/plain");
    }

    /// Fault row C8: what lies about its type is read as what it was declared, or not at all.
    #[test]
    fn c8_a_lie_is_never_read_as_a_page() {
        let page = b"<!DOCTYPE html><script>alert(1)</script>";
        check(Some("image/png"), page, "image/png");
        check(Some("image/svg+xml"), page, "image/svg+xml");
        check(Some("application/pdf"), page, "application/pdf");
        check(
            Some("application/octet-stream"),
            page,
            "application/octet-stream",
        );
        check(Some("text/plain; charset=UTF-8"), page, "text/plain");
        check(Some("text/javascript"), page, "text/javascript");
        // Polyglots: the first bytes decide, whatever stands behind them.
        let behind = |start: &[u8]| [start, page].concat();
        check(None, &behind(b"%PDF-1.4\n"), "application/pdf");
        check(None, &behind(b"GIF89a"), "image/gif");
        check(None, &behind(b"PK\x03\x04"), "application/zip");
        check(None, &behind(b"\xff\xd8\xff\xe0"), "image/jpeg");
        check(None, &behind(b"RIFF\x10\x00\x00\x00WEBPVP8 "), "image/webp");
        check(
            Some("text/plain"),
            &behind(b"%PDF-\x00"),
            "application/octet-stream",
        );
        assert_eq!(sniff(None, page, false).essence(), "text/plain");
        // Further than the standard looks nothing is looked at.
        let far = [&b"x "[..], &b" ".repeat(2_000), b"\x00<html>"].concat();
        check(None, &far, "text/plain");
    }

    /// MIME Sniffing Standard, 6: a byte pattern each.
    #[test]
    fn what_is_no_text_is_told_by_its_signature() {
        for (bytes, expected) in [
            (&b"\x00\x00\x01\x00\x01"[..], "image/x-icon"),
            (b"BM\x9a\x00", "image/bmp"),
            (b"\x89PNG\r\n\x1a\n", "image/png"),
            (b"FORM\x00\x01\x02\x03AIFF", "audio/aiff"),
            (b"ID3\x04", "audio/mpeg"),
            (b"OggS\x00", "application/ogg"),
            (b"MThd\x00\x00\x00\x06", "audio/midi"),
            (b"RIFF\x00\x01\x02\x03AVI ", "video/avi"),
            (b"RIFF\x00\x01\x02\x03WAVE", "audio/wave"),
            (b"\x00\x00\x00\x18ftypisom", "video/mp4"),
            (b"\x1a\x45\xdf\xa3", "video/webm"),
            (b"\x00\x01\x00\x00", "font/ttf"),
            (b"OTTO\x00", "font/otf"),
            (b"wOF2\x00", "font/woff2"),
            (b"\x1f\x8b\x08", "application/x-gzip"),
            (b"Rar \x1a\x07\x00", "application/x-rar-compressed"),
            (b"\xfe\xff\x00a", "text/plain"),
            (b"\x02", "application/octet-stream"),
        ] {
            check(None, bytes, expected);
        }
        // Version 1, 128 kbit/s of 44.1 kHz: 417 bytes a frame. One alone may be anything.
        let frame = [&b"\xff\xfb\x90\x00"[..], &[7; 413]].concat();
        check(None, &frame.repeat(2), "audio/mpeg");
        check(None, &frame, "application/octet-stream");
        let font = [&[3; 34][..], b"LP\x00"].concat();
        check(None, &font, "application/vnd.ms-fontobject");
        let text = [&[b'x'; 34][..], b"LP is a record"].concat();
        check(None, &text, "text/plain");
        for words in ["ID3 tags", "RIFF and raff, a WAVE", "OTTO", "your ftyp"] {
            check(None, words.as_bytes(), "text/plain");
        }
    }

    #[test]
    fn nosniff_is_the_first_word_in_any_case() {
        assert!(may_sniff(None) && may_sniff(Some("")) && may_sniff(Some("sniff, nosniff")));
        assert!(!may_sniff(Some(" NoSniff , x")));
    }

    #[test]
    fn a_feed_sent_as_a_page_is_a_feed() {
        check(
            Some("text/html"),
            b"<?xml version='1.0'?><!-- x --><rss>",
            "text/xml",
        );
        check(Some("text/html"), b"<!DOCTYPE html><p>", "text/html");
    }

    #[test]
    fn the_unknown_is_told_by_its_first_bytes() {
        check(None, b"  <!doctype HTML>", "text/html");
        check(None, b"<div class=x>", "text/html");
        check(None, b"<divine>", "text/plain");
        check(None, b"<?xml version=\"1.0\"?><a/>", "text/xml");
        check(None, b"%PDF-1.7", "application/pdf");
        check(None, b"BMW is a car", "text/plain");
        check(None, b"", "text/plain");
        check(Some("nonsense"), b"<p>x", "text/html");
        assert_eq!(sniff(None, b"<html>", false).essence(), "text/plain");
        assert_eq!(sniff_file("-", b"<base href=x>"), MediaType::Html);
        assert_eq!(sniff_file("a.txt", b"<base href=x>"), MediaType::Plain);
    }
}
