//! Pages written out: head, navigation, blocks of text with links between them, footer.
//!
//! In: a [`Plan`]. Out: a [`Body`]'s parts. May touch: `plan`, `markup`, `body`, `library`.
//! Must not touch: HTTP.
//! Invariant: the links in the markup are exactly the plan's, in its order.

use crate::body::{Body, Parts};
use crate::chance::{Chance, scramble};
use crate::config::SizeProfile;
use crate::library::Library;
use crate::markup::{Setting, write_anchor, write_href};
use crate::place::{Atlas, Path, Place};
use crate::plan::{Base, Link, Plan, Spelling};
use crate::words::{number, phrase, sentence};

/// Bytes of a body link with its list item, on average: what the number of blocks is planned with.
const LINK_BYTES: u64 = 88;
const FOOT_BYTES: u64 = 260;

/// Writes a page. Cost: about 60 ns a link, and nothing for its blocks.
pub(crate) fn write_page(
    atlas: &Atlas,
    library: &Library,
    place: Place,
    page: u32,
    plan: &Plan,
    gzip: bool,
) -> Parts {
    let utf8 = !atlas.site(place.site).framing.wrong_charset;
    let setting = Setting::new(atlas, place, plan.base, utf8);
    let mut body = Body::new(library, gzip, 2_048 + plan.links.len() * 112);
    write_head(atlas, body.text(), setting, page, plan);
    write_navigation(atlas, body.text(), setting, plan);
    write_own_text(atlas, body.text(), place, page, plan.edition);
    let links = &plan.links[plan.navigation..];
    let own = body.plain_bytes() + links.len() as u64 * LINK_BYTES + FOOT_BYTES;
    let blocks = choose_blocks(atlas, library, place, page, plan.bytes.saturating_sub(own));
    let groups = blocks.len().clamp(1, 8);
    for group in 0..groups {
        let share = |count: usize| (count * group / groups)..(count * (group + 1) / groups);
        for &(shelf, index) in &blocks[share(blocks.len())] {
            body.block(shelf, index);
        }
        write_links(atlas, body.text(), setting, &links[share(links.len())]);
        body.settle();
    }
    write_foot(atlas, body.text(), place);
    body.finish()
}

/// Which blocks fill `bytes`: as many large ones as fit, then smaller ones, none twice in a row.
fn choose_blocks(
    atlas: &Atlas,
    library: &Library,
    place: Place,
    page: u32,
    mut bytes: u64,
) -> Vec<(usize, usize)> {
    let mut chance = Chance::new(atlas.draw(16, place.site, page));
    let mut blocks = Vec::with_capacity(32);
    for (shelf_index, shelf) in library.shelves.iter().enumerate() {
        let size = shelf.block_bytes as u64;
        // The smallest shelf rounds to the nearest, so that sizes keep their mean.
        let smallest = shelf_index + 1 == library.shelves.len();
        let count = if smallest {
            (bytes + size / 2) / size
        } else {
            bytes / size
        };
        bytes = bytes.saturating_sub(count * size);
        let start = chance.below(shelf.blocks.len() as u32) as usize;
        blocks
            .extend((0..count as usize).map(|at| (shelf_index, (start + at) % shelf.blocks.len())));
    }
    blocks
}

fn write_head(atlas: &Atlas, out: &mut Vec<u8>, setting: Setting, page: u32, plan: &Plan) {
    let place = setting.from;
    let tiny = atlas.config.size == SizeProfile::Tiny;
    let title = atlas.draw(17, place.site, page);
    out.extend_from_slice(
        b"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>",
    );
    phrase(out, title);
    out.extend_from_slice(b" - ");
    atlas.write_host(out, place.site, false);
    out.push(b' ');
    number(out, page.into());
    out.extend_from_slice(b"</title>\n");
    if !tiny {
        out.extend_from_slice(
            b"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
        );
        out.extend_from_slice(b"<meta name=\"description\" content=\"");
        phrase(out, title.rotate_left(9));
        out.extend_from_slice(b"\">\n");
    }
    if plan.meta_nofollow {
        out.extend_from_slice(b"<META NAME=\"Robots\" content=\"noarchive, NOFOLLOW\">\n");
    }
    match plan.base {
        Base::Absent => {}
        Base::Path => out.extend_from_slice(b"<base href=\"/\">\n"),
        Base::Full => {
            out.extend_from_slice(b"<base target=\"_top\" href=\"");
            atlas.write_origin(out, place);
            out.extend_from_slice(b"/\">\n");
        }
    }
    write_head_links(atlas, out, setting, page, plan);
    if !tiny {
        out.extend_from_slice(b"<link rel=\"stylesheet\" href=\"/assets/style.css\">\n");
    }
    if plan.decoys {
        out.extend_from_slice(b"<script>var old = '<a href=\"/maze/7\">seven</a>';</script>\n");
    }
    out.extend_from_slice(b"</head>\n<body>\n");
    if plan.decoys {
        out.extend_from_slice(b"<!-- moved away: <a href=\"/maze/8\">eight</a> -->\n");
    }
}

/// The links of the head lead only where links of the body lead too, so it does not matter to the oracle
/// whether a crawler follows them.
fn write_head_links(atlas: &Atlas, out: &mut Vec<u8>, setting: Setting, page: u32, plan: &Plan) {
    let place = setting.from;
    let own = Place {
        www: false,
        path: Path::Page(page),
        ..place
    };
    let head_link = |place| Link {
        to: place,
        spelling: Spelling::Full,
        nofollow: false,
        draw: !0,
    };
    out.extend_from_slice(b"<link rel=\"canonical\" href=\"");
    write_href(atlas, out, setting, &head_link(own));
    out.extend_from_slice(b"\">\n");
    if plan.refresh {
        out.extend_from_slice(b"<meta http-equiv=\"refresh\" content=\"300; url=");
        write_href(atlas, out, setting, &head_link(place.with(Path::Page(0))));
        out.extend_from_slice(b"\">\n");
    }
    if plan.alternate {
        out.extend_from_slice(b"<link rel=\"alternate\" hreflang=\"en\" href=\"");
        write_href(atlas, out, setting, &plan.links[plan.navigation - 1]);
        out.extend_from_slice(b"\">\n");
    }
}

fn write_navigation(atlas: &Atlas, out: &mut Vec<u8>, setting: Setting, plan: &Plan) {
    out.extend_from_slice(b"<header><nav>\n");
    for link in &plan.links[..plan.navigation] {
        write_anchor(atlas, out, setting, link);
        out.push(b'\n');
    }
    out.extend_from_slice(b"</nav></header>\n<main><article>\n<h1>");
    phrase(out, plan.links[0].draw);
    out.extend_from_slice(b"</h1>\n");
}

/// What this page says and no other: its blocks stand on many pages.
fn write_own_text(atlas: &Atlas, out: &mut Vec<u8>, place: Place, page: u32, edition: u64) {
    let sentences = if atlas.config.size == SizeProfile::Tiny {
        1
    } else {
        4
    };
    let mut chance = Chance::new(atlas.draw(23, place.site, page) ^ scramble(edition));
    out.extend_from_slice(b"<p>");
    for _ in 0..sentences {
        sentence(out, &mut chance);
    }
    out.extend_from_slice(b"</p>\n");
}

fn write_links(atlas: &Atlas, out: &mut Vec<u8>, setting: Setting, links: &[Link]) {
    if links.is_empty() {
        return;
    }
    out.extend_from_slice(b"<aside><ul>\n");
    for link in links {
        out.extend_from_slice(b"<li>");
        write_anchor(atlas, out, setting, link);
        out.extend_from_slice(b"</li>\n");
    }
    out.extend_from_slice(b"</ul></aside>\n");
}

fn write_foot(atlas: &Atlas, out: &mut Vec<u8>, place: Place) {
    out.extend_from_slice(b"</article></main>\n<footer>");
    if atlas.config.size != SizeProfile::Tiny {
        out.extend_from_slice(b"<a href=\"#top\">top</a> <a href=\"javascript:void(0)\">menu</a> ");
        out.extend_from_slice(b"<a href=\"mailto:desk@");
        atlas.write_host(out, place.site, false);
        out.extend_from_slice(
            b"\">write to us</a> <a href=\"tel:+1-555-0100\">call</a> <a>no link</a>",
        );
    }
    out.extend_from_slice(b"</footer>\n</body>\n</html>\n");
}
