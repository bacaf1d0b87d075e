//! Links as markup: every spelling a link can have.
//!
//! In: a [`Link`] and the page it stands on. Out: `<a>` elements and attribute values.
//! May touch: `place`, `plan`, `words`. Must not touch: bodies, responses.
//! Invariant: resolved by the URL Standard, each spelling of a place gives `Atlas::url` of that place.

use crate::place::{Atlas, Place};
use crate::plan::{Base, Link, Spelling};
use crate::words::{number, phrase};

/// What the spelling of a page's links depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) from: Place,
    /// Whether relative links start one folder down. `<base>` always names the top one, so that a bare
    /// fragment, which it turns into a link, leads to the front page.
    pub(crate) one_down: bool,
    /// Whether the page's bytes are read as the UTF-8 they are.
    pub(crate) utf8: bool,
}

impl Setting {
    pub(crate) fn new(atlas: &Atlas, from: Place, base: Base, utf8: bool) -> Setting {
        let mut path = Vec::with_capacity(64);
        atlas.write_path(&mut path, from.site, from.path);
        let one_down =
            base == Base::Absent && path.iter().filter(|&&byte| byte == b'/').count() > 1;
        Setting {
            from,
            one_down,
            utf8,
        }
    }
}

/// Writes one `<a>` element with its text.
pub(crate) fn write_anchor(atlas: &Atlas, out: &mut Vec<u8>, setting: Setting, link: &Link) {
    let form = link.draw >> 56;
    let plain = link.spelling == Spelling::Path;
    let (open, close): (&[u8], &[u8]) = match form {
        0 => (b"<A HREF='", b"'"),
        1 => (b"<a class=\"more\" title=\"a > b\" href=\"", b"\""),
        2 => (b"<a\n  href = \"", b"\""),
        3 if plain => (b"<a href=", b""),
        _ => (b"<a href=\"", b"\""),
    };
    let start = out.len();
    out.extend_from_slice(open);
    let value = out.len();
    write_href(atlas, out, setting, link);
    if close.is_empty() && out[value..].iter().any(|byte| b" ?&'\"=<>`".contains(byte)) {
        out.truncate(start);
        out.extend_from_slice(b"<a href=\"");
        write_href(atlas, out, setting, link);
        out.push(b'"');
    }
    out.extend_from_slice(close);
    match (link.nofollow, link.draw >> 54 & 3) {
        (true, 0) => out.extend_from_slice(b" rel=\"noopener NoFollow\""),
        (true, 1) => out.extend_from_slice(b" rel='ugc nofollow'"),
        (true, _) => out.extend_from_slice(b" rel=\"nofollow\""),
        (false, 0) => out.extend_from_slice(b" rel=\"noopener\""),
        (false, _) => {}
    }
    out.push(b'>');
    phrase(out, link.draw);
    out.extend_from_slice(b"</a>");
}

/// Writes the value of an `href` attribute, without quotes.
pub(crate) fn write_href(atlas: &Atlas, out: &mut Vec<u8>, setting: Setting, link: &Link) {
    let to = link.to;
    let same_origin = to.site == setting.from.site
        && to.www == setting.from.www
        && to.secure == setting.from.secure;
    let start = out.len();
    match link.spelling {
        Spelling::Full => atlas.write_origin(out, to),
        Spelling::Fragment if !same_origin => atlas.write_origin(out, to),
        Spelling::SchemeRelative => {
            out.extend_from_slice(b"//");
            atlas.write_authority(out, to);
        }
        Spelling::UpperHost => {
            atlas.write_origin(out, to);
            out[start..].make_ascii_uppercase();
        }
        Spelling::DefaultPort => {
            atlas.write_origin(out, to);
            match (to.secure, atlas.config.http_port, atlas.config.https_port) {
                (false, 80, _) => out.extend_from_slice(b":80"),
                (true, _, 443) => out.extend_from_slice(b":443"),
                _ => {}
            }
        }
        Spelling::Relative => out.extend_from_slice(if setting.one_down { b".." } else { b"." }),
        Spelling::Dots => out.extend_from_slice(b"/here/./.."),
        Spelling::Padded => out.extend_from_slice(b" \n\t"),
        Spelling::Path | Spelling::Backslash | Spelling::Fragment => {}
    }
    let path = out.len();
    atlas.write_path(out, to.site, to.path);
    if out[path..].iter().any(|&byte| byte == b'%' || byte == b'&') {
        respell_path(out, path, setting.utf8, link.draw);
    }
    match link.spelling {
        Spelling::Backslash => backslashes(&mut out[path..]),
        Spelling::Padded => {
            out.insert(path + 1, b'\n');
            out.push(b' ');
        }
        Spelling::Fragment => {
            out.extend_from_slice(b"#part-");
            number(out, link.draw & 7);
        }
        _ => {}
    }
}

fn backslashes(path: &mut [u8]) {
    for byte in path {
        match byte {
            b'/' => *byte = b'\\',
            b'?' => return,
            _ => {}
        }
    }
}

/// Writes some percent-encoded bytes raw, and ampersands as character references.
fn respell_path(out: &mut Vec<u8>, path: usize, utf8: bool, draw: u64) {
    let raw = draw & 2 == 0;
    let encoded = out.split_off(path);
    let mut rest = &encoded[..];
    while let Some(&byte) = rest.first() {
        if raw && rest.starts_with(b"%20") {
            out.push(b' ');
            rest = &rest[3..];
        } else if raw && utf8 && rest.starts_with(b"%C3%A9") {
            out.extend_from_slice("é".as_bytes());
            rest = &rest[6..];
        } else if byte == b'&' && draw & 12 != 0 {
            out.extend_from_slice(b"&amp;");
            rest = &rest[1..];
        } else {
            out.push(byte);
            rest = &rest[1..];
        }
    }
}
