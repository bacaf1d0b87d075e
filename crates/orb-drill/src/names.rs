//! Names that look like real ones: a site by its number, a page by its site and number.
//!
//! In: numbers. Out: host names and URLs of some eighty bytes, canonical as they are.
//! May touch: nothing. Invariant: one number, one name; two numbers, two names; the number can be read back.

use orb_url::CrawlUrl;

/// Pages that a site's navigation leads to: its front page and its sections.
pub(crate) const SECTIONS: u32 = 9;

const WORDS: [&str; 96] = [
    "garden",
    "river",
    "market",
    "silver",
    "north",
    "cloud",
    "stone",
    "maple",
    "harbor",
    "light",
    "travel",
    "recipe",
    "winter",
    "summer",
    "green",
    "forest",
    "mountain",
    "coffee",
    "bridge",
    "castle",
    "studio",
    "design",
    "modern",
    "classic",
    "family",
    "health",
    "kitchen",
    "outdoor",
    "music",
    "sport",
    "review",
    "guide",
    "history",
    "science",
    "energy",
    "planet",
    "digital",
    "network",
    "mobile",
    "camera",
    "bicycle",
    "engine",
    "electric",
    "battery",
    "solar",
    "water",
    "ocean",
    "island",
    "beach",
    "hotel",
    "ticket",
    "concert",
    "festival",
    "museum",
    "gallery",
    "painting",
    "novel",
    "poetry",
    "library",
    "school",
    "teacher",
    "student",
    "language",
    "english",
    "german",
    "french",
    "spanish",
    "italian",
    "cheese",
    "bread",
    "butter",
    "chicken",
    "salad",
    "pepper",
    "garlic",
    "lemon",
    "orange",
    "apple",
    "cherry",
    "walnut",
    "leather",
    "cotton",
    "woolen",
    "jacket",
    "shoes",
    "boots",
    "summerhouse",
    "furniture",
    "table",
    "chair",
    "window",
    "ceiling",
    "carpet",
    "lamp",
    "mirror",
    "cabinet",
];

const SECTION_NAMES: [&str; SECTIONS as usize] = [
    "", "news", "products", "articles", "about-us", "category", "events", "blog", "support",
];

const SUFFIXES: [&str; 8] = ["com", "com", "com", "org", "net", "de", "fr", "co.uk"];

/// Bits that a name is made of: the finaliser of SplitMix64.
fn mixed(mut bits: u64) -> u64 {
    bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

fn word(bits: u64, place: u32) -> &'static str {
    WORDS[((bits >> (7 * place)) & 0x7f) as usize % WORDS.len()]
}

fn push_number(out: &mut String, mut number: u64, base: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b"0123456789abcdefghijklmnopqrstuvwxyz"[(number % base) as usize];
        number /= base;
        if number == 0 {
            break;
        }
    }
    digits[at..]
        .iter()
        .for_each(|&digit| out.push(char::from(digit)));
}

/// Appends the registrable domain of a site.
pub(crate) fn push_site(out: &mut String, site: u64) {
    let bits = mixed(site);
    out.push_str(word(bits, 0));
    out.push_str(word(bits, 1));
    out.push('-');
    push_number(out, site, 36);
    out.push('.');
    out.push_str(SUFFIXES[(bits >> 60) as usize % SUFFIXES.len()]);
}

/// The number in a site's name.
pub(crate) fn number_of_site(name: &str) -> Option<u64> {
    let (_, rest) = name.rsplit_once('-')?;
    let (digits, _) = rest.split_once('.')?;
    u64::from_str_radix(digits, 36).ok()
}

/// Whether a page lies on the site's second host.
pub(crate) fn is_on_second_host(page: u32) -> bool {
    page % 17 == 13
}

/// Writes the URL of a page into `out`, which is cleared first.
pub(crate) fn write_url(out: &mut String, site: u64, page: u32) {
    out.clear();
    let of_site = mixed(site);
    let bits = mixed(site << 32 ^ u64::from(page));
    out.push_str(if of_site & 0xf00 == 0 {
        "http://"
    } else {
        "https://"
    });
    out.push_str(if is_on_second_host(page) {
        "blog."
    } else {
        "www."
    });
    push_site(out, site);
    out.push('/');
    if page == 0 {
        return;
    }
    if page < SECTIONS {
        out.push_str(SECTION_NAMES[page as usize]);
        out.push('/');
        return;
    }
    match of_site & 3 {
        0 => push_article(out, bits, page),
        1 => push_product(out, bits, page),
        2 => {
            out.push_str("forum/viewtopic.php?f=");
            push_number(out, bits % 60, 10);
            out.push_str("&t=");
            push_number(out, u64::from(page), 10);
            out.push_str("&title=");
            push_slug(out, bits, 3);
        }
        _ => {
            out.push_str("docs/");
            out.push_str(word(bits, 0));
            out.push('/');
            push_slug(out, bits >> 7, 3);
            out.push('_');
            push_number(out, u64::from(page), 10);
        }
    }
}

fn push_slug(out: &mut String, bits: u64, words: u32) {
    for place in 0..words {
        if place > 0 {
            out.push('-');
        }
        out.push_str(word(bits, place));
    }
}

fn push_article(out: &mut String, bits: u64, page: u32) {
    out.push_str(SECTION_NAMES[1 + (bits >> 56) as usize % 7]);
    out.push('/');
    push_number(out, 2008 + bits % 18, 10);
    out.push('/');
    push_number(out, 10 + bits % 3, 10);
    out.push('/');
    push_slug(out, bits, 4);
    out.push('-');
    push_number(out, u64::from(page), 10);
    out.push_str(".html");
}

fn push_product(out: &mut String, bits: u64, page: u32) {
    out.push_str("products/");
    push_slug(out, bits >> 30, 2);
    out.push('/');
    push_slug(out, bits, 3);
    out.push_str("-p");
    push_number(out, u64::from(page), 10);
}

/// The URL of a page. `text` is a buffer.
pub(crate) fn url(text: &mut String, site: u64, page: u32) -> CrawlUrl {
    write_url(text, site, page);
    CrawlUrl::from_stored(text).expect("names are made canonical")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn urls_are_canonical_distinct_and_of_a_real_ones_length() {
        let mut text = String::new();
        let mut all = BTreeSet::new();
        let mut bytes = 0;
        let numbers = || {
            (0..200u64)
                .map(|n| n * 49_999)
                .flat_map(|s| (0..50).map(move |p| (s, p * 7)))
        };
        for (site, page) in numbers() {
            write_url(&mut text, site, page);
            let parsed = CrawlUrl::parse_by_standard(&text).unwrap();
            assert_eq!(parsed.as_str(), text);
            assert_eq!(number_of_site(parsed.site().as_str()), Some(site), "{text}");
            bytes += text.len();
            assert!(all.insert(parsed.to_string()));
        }
        let mean = bytes as f64 / all.len() as f64;
        assert!((70.0..90.0).contains(&mean), "{mean} bytes");
    }
}
