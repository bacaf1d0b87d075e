//! Shapes: what a URL has in common with others of its site, coarse to fine.
//!
//! In: a URL. Out: a chain of hashes, each a refinement of the one before.
//! May touch: nothing. Must not touch: what a shape has brought; that is `nodes.rs`.
//! Invariant: stored tables hold these hashes, so they never change; a chain has at most [`Shape::LEVELS_MAX`] links.
//!
//! | level | what it adds |
//! |---|---|
//! | site | nothing |
//! | host | the host |
//! | family | whether there are parameters, whether the path repeats itself |
//! | query | the names of the parameters, whatever their order |
//! | directory | the first directory, numbers and random tokens collapsed; for a page with parameters its name too |
//! | form | what kind of token each segment is |
//! | subdirectory | the second directory, collapsed likewise |

use orb_url::CrawlUrl;

/// Segments whose kind is told apart; deeper paths share a form by their beginning.
const SEGMENTS_MAX: usize = 6;

/// Names of parameters told apart.
const NAMES_MAX: usize = 12;

/// Segments compared with one another.
const REPEATS_MAX: usize = 32;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    keys: [u32; Shape::LEVELS_MAX],
    len: usize,
    /// The host alone.
    pub(super) host: u32,
    /// Host and first directory, as written.
    pub(super) prefix: u32,
}

impl Shape {
    pub(super) const LEVELS_MAX: usize = 7;
    pub(super) const LEVELS: [&str; Shape::LEVELS_MAX] = [
        "site",
        "host",
        "family",
        "query",
        "directory",
        "form",
        "subdirectory",
    ];

    /// Cost: some 100 ns and O(bytes); allocates nothing.
    pub(super) fn of(url: &CrawlUrl) -> Shape {
        let parts = Parts::of(url);
        let site = 1;
        let host = hash(site, url.host().as_bytes());
        let mut shape = Shape {
            keys: [site; Shape::LEVELS_MAX],
            len: 1,
            host,
            prefix: hash(host, parts.first.as_bytes()),
        };
        shape.push(host);
        let family = u8::from(parts.has_names) | u8::from(parts.repeats) << 1;
        shape.refine(&[family]);
        shape.push(mix(shape.finest(), parts.names));
        let page = if parts.has_names { parts.page } else { "" };
        shape.push(hash(
            collapsed(shape.finest(), parts.first),
            page.as_bytes(),
        ));
        shape.refine(parts.form());
        if !parts.second.is_empty() {
            shape.push(collapsed(shape.finest(), parts.second));
        }
        shape
    }

    /// Coarse to fine.
    pub(super) fn keys(&self) -> &[u32] {
        &self.keys[..self.len]
    }

    fn finest(&self) -> u32 {
        self.keys[self.len - 1]
    }

    fn push(&mut self, key: u32) {
        self.keys[self.len] = key;
        self.len += 1;
    }

    fn refine(&mut self, by: &[u8]) {
        self.push(hash(self.finest(), by));
    }
}

/// What a URL is made of.
struct Parts<'a> {
    first: &'a str,
    second: &'a str,
    /// The last segment, parameters cut off.
    page: &'a str,
    has_names: bool,
    /// The names of the parameters, hashed without order.
    names: u32,
    repeats: bool,
    kinds: [u8; SEGMENTS_MAX + 1],
    kinds_len: usize,
}

impl<'a> Parts<'a> {
    fn of(url: &'a CrawlUrl) -> Parts<'a> {
        let mut names = Names::default();
        for pair in url.query().unwrap_or("").split(['&', ';']) {
            names.add(pair);
        }
        let mut parts = Parts {
            first: "",
            second: "",
            page: "",
            has_names: false,
            names: 0,
            repeats: false,
            kinds: [0; SEGMENTS_MAX + 1],
            kinds_len: 0,
        };
        let mut words = [""; REPEATS_MAX];
        let mut words_len = 0;
        for (depth, segment) in url.path().split('/').skip(1).enumerate() {
            // RFC 3986, 3.3: parameters of a segment follow a semicolon.
            let mut pieces = segment.split(';');
            let segment = pieces.next().unwrap_or("");
            pieces.for_each(|pair| names.add(pair));
            match depth {
                1 => parts.first = parts.page,
                2 => parts.second = parts.page,
                _ => {}
            }
            parts.page = segment;
            let kind = Kind::of(segment);
            if kind == Kind::Word && words[..words_len].contains(&segment) {
                parts.repeats = true;
                continue;
            }
            if kind == Kind::Word && words_len < REPEATS_MAX {
                words[words_len] = segment;
                words_len += 1;
            }
            if parts.kinds_len < SEGMENTS_MAX {
                parts.kinds[parts.kinds_len] = kind as u8;
                parts.kinds_len += 1;
            }
        }
        (parts.has_names, parts.names) = (names.len > 0, names.sum);
        parts
    }

    fn form(&self) -> &[u8] {
        &self.kinds[..self.kinds_len]
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Nothing: what stands behind a slash at the end.
    Empty = 1,
    /// Digits and what separates them: numbers, dates, times.
    Number = 2,
    /// Letters and digits run together, or one very long run: identifiers that machines make.
    Token = 3,
    /// Anything else.
    Word = 4,
}

/// Bytes from which letters and digits that change often count as made by a machine, and from which one run does in
/// any case.
const TOKEN_BYTES: (usize, usize) = (8, 28);

impl Kind {
    fn of(text: &str) -> Kind {
        let bytes = text.as_bytes();
        let (mut digits, mut letters, mut others, mut changes) = (0, 0, 0, 0);
        let mut last_was_digit = None;
        for &byte in bytes {
            if byte.is_ascii_digit() {
                digits += 1;
            } else if byte.is_ascii_alphabetic() {
                letters += 1;
            } else {
                others += 1;
                last_was_digit = None;
                continue;
            }
            let is_digit = Some(byte.is_ascii_digit());
            changes += u32::from(last_was_digit.is_some() && last_was_digit != is_digit);
            last_was_digit = is_digit;
        }
        let made = bytes.len() >= TOKEN_BYTES.0 && digits >= 3;
        let run_together = changes >= 3 || changes == 2 && others == 0;
        if bytes.is_empty() {
            Kind::Empty
        } else if digits > 0 && letters <= usize::from(digits > 3) {
            Kind::Number
        } else if made && run_together || others == 0 && bytes.len() >= TOKEN_BYTES.1 {
            Kind::Token
        } else {
            Kind::Word
        }
    }
}

/// Names of parameters: a sum of hashes, each counted once.
#[derive(Default)]
struct Names {
    known: [u32; NAMES_MAX],
    len: usize,
    sum: u32,
}

impl Names {
    fn add(&mut self, pair: &str) {
        if pair.is_empty() {
            return;
        }
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        let name = collapsed(2, name);
        if self.len < NAMES_MAX && !self.known[..self.len].contains(&name) {
            self.known[self.len] = name;
            self.len += 1;
            self.sum = self.sum.wrapping_add(name);
        }
    }
}

/// Hash of a segment, numbers and tokens as one each, runs of digits in words as one digit.
fn collapsed(seed: u32, text: &str) -> u32 {
    match Kind::of(text) {
        Kind::Word => {
            let mut state = start(seed);
            let mut in_digits = false;
            for &byte in text.as_bytes() {
                let is_digit = byte.is_ascii_digit();
                if !(is_digit && in_digits) {
                    step(&mut state, if is_digit { b'0' } else { byte });
                }
                in_digits = is_digit;
            }
            end(state)
        }
        kind => hash(seed, &[kind as u8]),
    }
}

/// FNV-1a with a seed and a last mix. Not keyed: who finds collisions spoils the budgets of his own site.
pub(super) fn hash(seed: u32, bytes: &[u8]) -> u32 {
    let mut state = start(seed);
    for &byte in bytes {
        step(&mut state, byte);
    }
    end(state)
}

pub(super) fn mix(a: u32, b: u32) -> u32 {
    hash(a, &b.to_be_bytes())
}

fn start(seed: u32) -> u64 {
    0xcbf2_9ce4_8422_2325 ^ u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn step(state: &mut u64, byte: u8) {
    *state = (*state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
}

fn end(state: u64) -> u32 {
    let mixed = (state ^ (state >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (mixed >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many levels two URLs share.
    fn shared(a: &str, b: &str) -> usize {
        let keys = |text| Shape::of(&CrawlUrl::parse(text).unwrap());
        let (a, b) = (keys(a), keys(b));
        let same = a.keys().iter().zip(b.keys()).take_while(|(a, b)| a == b);
        same.count()
    }

    fn check(a: &str, b: &str, levels: usize) {
        let at = |rest: &str| format!("https://www.example.com{rest}");
        assert_eq!(shared(&at(a), &at(b)), levels, "{a} {b}");
    }

    #[test]
    fn urls_share_what_their_spelling_shares() {
        check("/news/2024/05/12/a-b", "/news/2023/11/01/x-y", 7);
        check("/calendar/2024/05", "/news/2024/05", 4);
        check("/events/2024/05", "/events/some-evening", 5);
        check("/shop?color=red&size=4", "/shop?size=7&color=blue", 6);
        check("/shop?color=red", "/shop?color=red&size=4", 3);
        check("/a/b?sid=1", "/a/b", 2);
        check("/a/b;sid=1", "/a/b;sid=2", 6);
        check("/docs/a/a/a/a", "/docs/a/a/a/a/a/a", 7);
        check("/docs/a/a/a", "/docs/a", 2);
        check("/s/8f3a09bc1d2e/x/y", "/s/77aa1290ffbb/x/y", 7);
        check("/8f3a09bc1d2e/x", "/77aa1290ffbb/x", 6);
        check("/view?id=1", "/list?id=1", 4);
        assert_eq!(
            shared("https://a.example.com/", "https://b.example.com/"),
            1
        );
    }

    #[test]
    fn tokens_are_told_from_words() {
        let check = |text, kind| assert_eq!(Kind::of(text), kind, "{text}");
        check("", Kind::Empty);
        check("2024-05-12", Kind::Number);
        check("2024-05-12T10:00", Kind::Number);
        check("12", Kind::Number);
        check("8f3a09bc1d2e", Kind::Token);
        check("my-first-post-12.html", Kind::Word);
        check("internationalization", Kind::Word);
        check("a", Kind::Word);
        check("mp3", Kind::Word);
    }
}
