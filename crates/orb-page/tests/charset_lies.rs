//! Bytes that lie about their charset, and where a body is cut in pieces (fault row C7).
//!
//! In: bodies. Out: their text. May touch: the public API, `encoding_rs` as the reader in pieces.
//! Invariant: deterministic; what a body says does not depend on where the network cut it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use encoding_rs::Encoding;
use orb_page::{CharsetSource, decode_text};

/// Splits tried of all bodies together.
const SPLITS: u64 = 10_000;

fn check(bytes: &[u8], header: Option<&str>, expected: (&str, &str, CharsetSource)) {
    let text = decode_text(bytes, header);
    assert_eq!(
        (&*text.text, text.encoding, text.source),
        expected,
        "{bytes:?} {header:?}"
    );
}

#[test]
fn c7_the_mark_outweighs_the_header_and_the_header_the_page() {
    use CharsetSource::{Bom, Guess, Header, Meta, Utf8};
    check(
        b"\xef\xbb\xbf\xc3\xa9",
        Some("iso-8859-1"),
        ("\u{e9}", "UTF-8", Bom),
    );
    check(b"\xff\xfea\0", Some("utf-8"), ("a", "UTF-16LE", Bom));
    check(
        b"\xe9",
        Some("iso-8859-1"),
        ("\u{e9}", "windows-1252", Header),
    );
    check(
        b"<meta charset=koi8-r>\xc1",
        Some("windows-1251"),
        ("<meta charset=koi8-r>\u{411}", "windows-1251", Header),
    );
    check(
        b"<meta charset=koi8-r>\xc1",
        Some("nonsense"),
        ("<meta charset=koi8-r>\u{430}", "KOI8-R", Meta),
    );
    check("caf\u{e9}".as_bytes(), None, ("caf\u{e9}", "UTF-8", Utf8));
    assert_eq!(
        decode_text(b"caf\xe9 noir et caf\xe9 blanc", None).source,
        Guess
    );
}

/// Labels that would let a page switch what its bytes mean (Encoding Standard, 4.2 "replacement"; HTML, 13.2.3.2).
#[test]
fn c7_dangerous_labels_do_not_reveal_markup() {
    let hidden = b"\x1b$)C<script>alert(1)</script>";
    for label in ["iso-2022-kr", "hz-gb-2312", "iso-2022-cn", "replacement"] {
        let text = decode_text(hidden, Some(label));
        assert!(!text.text.contains("<script>"), "{label}: {:?}", text.text);
    }
    // A page that says UTF-16 in ASCII is UTF-8, or it could not have said so.
    check(
        b"<meta charset=utf-16>\xc3\xa9",
        None,
        ("<meta charset=utf-16>\u{e9}", "UTF-8", CharsetSource::Meta),
    );
    // Never guessed, since its escapes could hide markup from whoever looks at the bytes.
    assert_ne!(
        decode_text(b"\x1b$B$3$l\x1b(B", None).encoding,
        "ISO-2022-JP"
    );
}

/// UTF-8 taken for Latin-1 and written as UTF-8 again is what it is: nothing is undone by guessing.
#[test]
fn c7_double_encoding_stays_as_it_is() {
    check(
        "caf\u{c3}\u{a9}".as_bytes(),
        Some("utf-8"),
        ("caf\u{c3}\u{a9}", "UTF-8", CharsetSource::Header),
    );
}

#[test]
fn c7_split_points_change_nothing() {
    let words = "Über Äpfel, 日本語の文章, Привет, €, 𝄞. ".repeat(3);
    let encode = |label: &str, text: &str| {
        let encoding = Encoding::for_label(label.as_bytes()).unwrap();
        (encoding.encode(text).0.into_owned(), label.to_owned())
    };
    let bodies = [
        (words.clone().into_bytes(), "utf-8".to_owned()),
        (
            [&b"\xef\xbb\xbf"[..], words.as_bytes()].concat(),
            "utf-8".to_owned(),
        ),
        (
            b"\xff\xfe"
                .iter()
                .copied()
                .chain(words.encode_utf16().flat_map(u16::to_le_bytes))
                .collect(),
            "utf-16le".to_owned(),
        ),
        encode("shift_jis", "日本語の文章とカタカナ。abc"),
        encode("iso-2022-jp", "日本語の文章とabcカタカナ。"),
        encode("gb18030", "中文𝄞与abc"),
        encode("euc-kr", "한국어 문장 abc"),
        encode("windows-1251", "Привет, мир"),
        // Invalid and unfinished sequences at every kind of edge.
        (
            b"a\xf0\x9f\x98b\xed\xa0\x80c\xc0\xafd\xe2\x82".to_vec(),
            "utf-8".to_owned(),
        ),
        (
            b"\x82\xa0\x82\xff\x1b(B\x81".to_vec(),
            "shift_jis".to_owned(),
        ),
        (
            b"\x1b$B$3\x1b\x1b$\x1b(B$".to_vec(),
            "iso-2022-jp".to_owned(),
        ),
        (b"\x81\x30\x81\xff\x84\x31".to_vec(), "gb18030".to_owned()),
    ];
    let mut state = 7_u64;
    let mut below = |end: usize| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (state >> 33) as usize % end.max(1)
    };
    for _ in 0..SPLITS {
        let (bytes, label) = &bodies[below(bodies.len())];
        let whole = decode_text(bytes, Some(label));
        let mut decoder = Encoding::for_label(label.as_bytes()).unwrap().new_decoder();
        let mut text = String::with_capacity(4 * bytes.len() + 64);
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(1 + below(rest.len().min(9)));
            let (_, read, _) = decoder.decode_to_string(piece, &mut text, false);
            assert_eq!(read, piece.len());
            rest = behind;
        }
        let _end = decoder.decode_to_string(b"", &mut text, true);
        assert_eq!(whole.text, text, "{label} {bytes:?}");
    }
}
