//! What is taken out of a file.
//!
//! In: bytes. Out: [`PdfText`]. May touch: nothing.
//! Invariant: a page that cannot be read costs that page, and is counted.

use std::collections::BTreeSet;

use lopdf::{Dictionary, Document, LoadOptions, Object, ObjectId};
use serde::{Deserialize, Serialize};

use crate::limits::{FIELD_BYTES_MAX, LINKS_MAX, PAGES_MAX, STREAM_BYTES_MAX, TEXT_BYTES_MAX};
use crate::tidy::tidy;

/// What a PDF file says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PdfText {
    /// Title by the file's own account.
    pub title: Option<String>,
    /// Author, the same.
    pub author: Option<String>,
    /// Text of each page, in order; empty where there is none, as on a scanned page.
    pub pages: Vec<String>,
    /// `http` and `https` addresses that the pages link to, each once, in order.
    pub links: Vec<String>,
    /// Pages whose text could not be read.
    pub unreadable: u64,
    /// Pages left out: the file has more, or more text, than is read.
    pub left_out: u64,
}

impl PdfText {
    /// The text of all pages, with an empty line between two.
    #[must_use]
    pub fn text(&self) -> String {
        let pages: Vec<&str> = self.pages.iter().map(String::as_str).collect();
        let pages: Vec<&str> = pages.into_iter().filter(|page| !page.is_empty()).collect();
        pages.join("\n\n")
    }
}

pub(crate) fn extract(bytes: &[u8]) -> Result<PdfText, lopdf::Error> {
    let options = LoadOptions {
        max_decompressed_size: Some(STREAM_BYTES_MAX),
        ..LoadOptions::default()
    };
    let document = Document::load_mem_with_options(bytes, options)?;
    if document.is_encrypted() {
        return Err(lopdf::Error::InvalidPassword);
    }
    let info = document
        .trailer
        .get(b"Info")
        .and_then(|info| document.dereference(info))
        .and_then(|(_, info)| info.as_dict());
    let said = |name: &[u8]| field(&document, info.as_ref().ok()?, name);
    let mut found = PdfText {
        title: said(b"Title"),
        author: said(b"Author"),
        ..PdfText::default()
    };
    let mut room = TEXT_BYTES_MAX;
    let mut links = Links::default();
    for (number, page) in document.get_pages() {
        if found.pages.len() >= PAGES_MAX || room == 0 {
            found.left_out += 1;
            continue;
        }
        let text = document.extract_text_with_limit(&[number], STREAM_BYTES_MAX);
        found.unreadable += u64::from(text.is_err());
        let mut text = tidy(&text.unwrap_or_default());
        text.truncate(text.floor_char_boundary(room));
        room -= text.len();
        found.pages.push(text);
        links.of_page(&document, page);
    }
    found.links = links.found;
    Ok(found)
}

/// A text of a dictionary, within its bound.
fn field(document: &Document, dictionary: &Dictionary, name: &[u8]) -> Option<String> {
    let value = document.dereference(dictionary.get(name).ok()?).ok()?.1;
    let text = lopdf::decode_text_string(value).ok()?;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (1..=FIELD_BYTES_MAX).contains(&text.len()).then_some(text)
}

/// Addresses so far.
#[derive(Default)]
struct Links {
    found: Vec<String>,
    seen: BTreeSet<String>,
}

impl Links {
    fn of_page(&mut self, document: &Document, page: ObjectId) {
        for annotation in document.get_page_annotations(page).unwrap_or_default() {
            let Some(address) = address(document, annotation) else {
                continue;
            };
            if self.found.len() < LINKS_MAX && self.seen.insert(address.clone()) {
                self.found.push(address);
            }
        }
    }
}

/// Where an annotation leads on the web.
fn address(document: &Document, annotation: &Dictionary) -> Option<String> {
    let (_, action) = document.dereference(annotation.get(b"A").ok()?).ok()?;
    let (_, address) = document
        .dereference(action.as_dict().ok()?.get(b"URI").ok()?)
        .ok()?;
    let Object::String(bytes, _) = address else {
        return None;
    };
    let address = str::from_utf8(bytes).ok()?.trim();
    let is_web = ["http://", "https://"].iter().any(|scheme| {
        address
            .get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    let is_one = is_web && address.len() <= FIELD_BYTES_MAX && !address.contains(char::is_control);
    is_one.then(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::extract;
    use crate::limits::{PAGES_MAX, STREAM_BYTES_MAX};

    /// A file of these objects, the first of which is its catalog and the second its information.
    fn file(objects: &[Vec<u8>]) -> Vec<u8> {
        let mut out = b"%PDF-1.5\n".to_vec();
        let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
        for (index, object) in objects.iter().enumerate() {
            writeln!(table, "{:010} 00000 n ", out.len()).unwrap();
            out.extend(format!("{} 0 obj\n", index + 1).bytes());
            out.extend(object);
            out.extend(b"\nendobj\n");
        }
        let start = out.len();
        let size = objects.len() + 1;
        let trailer = format!(
            "{table}trailer\n<< /Size {size} /Root 1 0 R /Info 2 0 R >>\nstartxref\n{start}\n%%EOF\n"
        );
        out.extend(trailer.bytes());
        out
    }

    fn stream(dictionary: &str, bytes: &[u8]) -> Vec<u8> {
        let mut out = format!("<< {dictionary} /Length {} >>\nstream\n", bytes.len()).into_bytes();
        out.extend(bytes);
        out.extend(b"\nendstream");
        out
    }

    /// Pages with this content, all with the same links.
    fn pages(count: usize, content: Vec<u8>) -> Vec<u8> {
        let kids: String = (6..6 + count)
            .map(|number| format!("{number} 0 R "))
            .collect();
        let objects = [
            "<< /Type /Catalog /Pages 3 0 R >>".to_owned(),
            "<< /Title (A  \\(short\\) title) /Author <FEFF00C90076> >>".to_owned(),
            format!("<< /Type /Pages /Count {count} /Kids [ {kids}] >>"),
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
                .to_owned(),
        ];
        let mut objects: Vec<Vec<u8>> = objects.map(String::into_bytes).to_vec();
        objects.push(content);
        let link = |address: &str| {
            format!("<< /Type /Annot /Subtype /Link /A << /S /URI /URI ({address}) >> >> ")
        };
        let links = [
            "https://example.com/a",
            "javascript:alert\\(1\\)",
            "HTTP://example.com/b",
            "https://example.com/a",
            "https://example.com/\\033[31m",
        ];
        let links: String = links.iter().map(|address| link(address)).collect();
        let page = format!(
            "<< /Type /Page /Parent 3 0 R /Contents 5 0 R /Resources << /Font << /F1 4 0 R >> >> /Annots [ {links}] >>"
        );
        objects.extend(vec![page.into_bytes(); count]);
        file(&objects)
    }

    fn words() -> Vec<u8> {
        stream(
            "",
            b"BT /F1 12 Tf (Hello, ) Tj (world.) Tj T* (Chapter . . . . . 7) Tj ET",
        )
    }

    #[test]
    fn text_links_and_title_are_found() {
        let found = extract(&pages(1, words())).unwrap();
        assert_eq!(found.title.as_deref(), Some("A (short) title"));
        assert_eq!(found.author.as_deref(), Some("Év"));
        assert_eq!(
            found.links,
            ["https://example.com/a", "HTTP://example.com/b"]
        );
        let text = found.text();
        assert!(
            text.contains("Hello, world.") && text.contains("Chapter … 7"),
            "{text:?}"
        );
        assert_eq!((found.unreadable, found.left_out), (0, 0));
    }

    #[test]
    fn what_unpacks_to_more_than_is_read_costs_its_page() {
        let bomb = vec![b' '; 2 * STREAM_BYTES_MAX];
        let mut document = lopdf::Stream::new(lopdf::Dictionary::new(), bomb);
        document.compress().unwrap();
        let bomb = stream("/Filter /FlateDecode", &document.content);
        let found = extract(&pages(1, bomb)).unwrap();
        assert_eq!((found.unreadable, found.text().as_str()), (1, ""));
    }

    #[test]
    fn pages_beyond_the_bound_are_counted() {
        let found = extract(&pages(PAGES_MAX + 3, words())).unwrap();
        assert_eq!((found.pages.len(), found.left_out), (PAGES_MAX, 3));
    }

    /// Cut anywhere, with any byte changed: text or an error.
    #[test]
    fn damaged_files_are_errors_or_less_text() {
        let whole = pages(2, words());
        let bytes_of = |file: &[u8]| extract(file).map_or(0, |found| found.text().len());
        let most = 4 * bytes_of(&whole);
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x55;
            for file in [&whole[..at], &damaged] {
                assert!(bytes_of(file) <= most, "{at}");
            }
        }
        assert!(extract(b"").is_err() && extract(b"%PDF-1.7\nnothing").is_err());
    }
}
