//! PDFs read by the program: in a process of its own, which may die and takes nothing with it.
#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod orb;

use orb::orb_with_input;

/// A file of one page, without a table of its objects: readers find them.
fn pdf(content: &str) -> Vec<u8> {
    format!(
        "%PDF-1.4\n\
         1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n\
         2 0 obj\n<< /Type /Pages /Count 1 /Kids [3 0 R] >>\nendobj\n\
         3 0 obj\n<< /Type /Page /Parent 2 0 R /Contents 5 0 R /Resources << /Font << /F 4 0 R >> >>\n\
         /Annots [<< /Type /Annot /Subtype /Link /A << /S /URI /URI (https://a.example/b) >> >>] >>\nendobj\n\
         4 0 obj\n<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>\nendobj\n\
         5 0 obj\n<< /Length {} >>\nstream\n{content}\nendstream\nendobj\n\
         trailer\n<< /Root 1 0 R >>\n%%EOF\n",
        content.len()
    )
    .into_bytes()
}

#[test]
fn text_and_links_of_a_pdf_are_read() {
    let file = pdf("BT /F 12 Tf (The wren sang all night) Tj ET");
    let read = orb_with_input(&["read", "-", "--json"], &file).json();
    assert_eq!(read["text"], "The wren sang all night");
    assert_eq!(read["facts"]["media_type"], "application/pdf");
    assert_eq!(read["links"][0]["url"], "https://a.example/b");
}

/// Whatever the reading process meets, the command ends with a message that says what cannot be read.
#[test]
fn what_is_no_pdf_or_kills_its_reader_is_an_error_of_that_file() {
    let deep = pdf(&format!("BT {} ET", "[".repeat(2_000_000)));
    let mut nested = b"%PDF-1.4\n1 0 obj\n".to_vec();
    nested.extend("<< /A ".repeat(1_000_000).bytes());
    for (name, file) in [
        ("nothing", b"%PDF-1.4\n".to_vec()),
        ("deep content", deep),
        ("nested dictionaries", nested),
    ] {
        let ran = orb_with_input(&["read", "-", "--text"], &file);
        let is_told = ran.code == 1 && ran.err.contains("- cannot be read: the PDF");
        let is_empty = ran.code == 0 && ran.out.trim().is_empty();
        assert!(
            is_told || is_empty,
            "{name}: {} {} {}",
            ran.code,
            ran.out,
            ran.err
        );
    }
}
