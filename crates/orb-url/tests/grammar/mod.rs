//! What links and attacks on URL parsers are made of, for the tests and for the long run.
//!
//! In: a source of numbers. Out: bases and links. May touch: nothing. Must not touch: the crate.
//! Invariant: the same numbers give the same links.

/// Pieces that URLs and attacks on URL parsers are made of.
pub(crate) const PIECES: &[&str] = &[
    "http://",
    "https://",
    "HTTP:",
    "ftp:",
    "//",
    "/",
    "\\",
    ".",
    "..",
    "%2e",
    "%2E",
    "%zz",
    "%",
    "%e4",
    "%41",
    "%00",
    "?",
    "#",
    "@",
    ":",
    ":80",
    ":443",
    ":0",
    ":65535",
    ":65536",
    "[::1]",
    "[",
    "]",
    "1.2.3.4",
    "0x7f.1",
    "256",
    "example.com",
    "EXAMPLE.co.uk",
    "b\u{fc}cher",
    "xn--",
    "xn--bcher-kva",
    "github.io",
    "www.",
    "a",
    "B",
    "-",
    "_",
    "\u{202e}",
    "\0",
    "\t",
    "\n",
    " ",
    "\u{e9}",
    "\u{1f980}",
    "\u{df}",
    ",",
    ")",
    "^",
    "|",
    "{",
    "'",
    "\"",
    "<",
    "&",
    "=",
    "+",
    ";",
];

/// Hosts as links spell them: plain, with letters of both cases, with a port, as addresses, in
/// other scripts, too long, and broken.
pub(crate) const HOSTS: &[&str] = &[
    "www.example.com",
    "example.com",
    "Example.COM",
    "a.b.co.uk",
    "user.github.io",
    "other.example.org",
    "www.example.com:8080",
    "www.example.com:80",
    "www.example.com:443",
    "www.example.com:0443",
    "www.example.com:0",
    "www.example.com:65536",
    "www.example.com:",
    "www.example.com.",
    "www..example.com",
    ".example.com",
    "127.0.0.1",
    "127.0.0.1:81",
    "0x7f.1",
    "1.2.3",
    "a.0x7f",
    "a.9b",
    "3.a",
    "[::1]",
    "[::1]:8080",
    "[0:0::1]",
    "[::",
    "xn--bcher-kva.example",
    "XN--bcher-kva.example",
    "a.xn--a",
    "b\u{fc}cher.example",
    "a_b.example.com",
    "-a-.example",
    "a--b.example",
    "localhost",
    "co.uk",
    "s3.amazonaws.com",
    "me@www.example.com",
    "me:secret@example.com:80",
    "a%2eb",
    "a!b.example",
    "a,b.example",
    "",
    "label-of-64-bytes-label-of-64-bytes-label-of-64-bytes-label-of-64-.example",
    "label-of-63-bytes-label-of-63-bytes-label-of-63-bytes-label-of-6.example",
];

/// What stands between the host or the base and the rest: schemes and slashes in right and wrong
/// numbers.
pub(crate) const STARTS: &[&str] = &[
    "http://",
    "https://",
    "//",
    "HTTP://",
    "Https://",
    "http:",
    "https:/",
    "https:///",
    "///",
    "/\\",
    "ftp://",
    "mailto:",
    "javascript:",
    "java\nscript:",
    "data:",
    "tel:",
    "x-y.z+1:",
];

/// Segments of paths, dots and escapes among them.
pub(crate) const SEGMENTS: &[&str] = &[
    "a",
    "b1",
    "index.html",
    "A",
    ".",
    "..",
    "...",
    ".a",
    "a.",
    "..a",
    "a..",
    "",
    "%2e",
    "%2E.",
    ".%2e",
    "%e4",
    "%E4",
    "%aZ",
    "%",
    "%4",
    "a b",
    "a:b",
    ":",
    "C:",
    "c|",
    "C|x",
    "@",
    "(a)",
    "a;b=c",
    "a,b",
    "\\",
    "a\\b",
    "\u{e9}",
    "\u{1f980}",
    "^",
    "`",
    "{}",
    "\"",
    "'",
    "<",
    "|",
    "[a]",
    "~",
    "*",
    "!$&+=",
    "\t",
    "\n",
    "\0",
    "\u{7f}",
    "%00",
    "%2f",
    "%25",
    "a%c3%a9",
];

/// Queries and fragments with what separates them.
pub(crate) const ENDS: &[&str] = &[
    "",
    "",
    "",
    "?",
    "??",
    "?a=b",
    "?a=b&c=%d3",
    "?%E4",
    "?a'b",
    "?a b",
    "?a\\b",
    "?{}`^|",
    "?a/../b",
    "?a=b?c",
    "?\u{e9}",
    "?a\tb",
    "?<",
    "?\"",
    "?%",
    "?%a",
    "?#",
    "#",
    "#top",
    "#a b",
    "#\u{e9}#?/",
    "?a#b",
    "?a[]=1&b[]=%5b",
    "? ",
    " ",
    "\n",
    "?\u{7f}",
];

/// Pages that links stand on; `<base href>` may name any of them.
pub(crate) const BASES: &[&str] = &[
    "https://www.example.com/a/b/c.html?d=e",
    "http://www.example.com",
    "https://example.com/",
    "http://example.com:8080/x/?y",
    "https://a.b.co.uk/%e4/%7e/..;/c",
    "http://127.0.0.1/a/",
    "http://[::1]:81/a/b",
    "https://user.github.io/C:/d/e",
    "https://www.example.com./a//b//",
    "https://me:secret@www.example.com/a/b?#c",
    "https://b\u{fc}cher.example/\u{e9}/f",
    "ftp://example.com/a/b",
    "mailto:me@example.com",
    "https://www.example.com:0/a",
];

/// A source of numbers below the one given, which is not 0.
pub(crate) trait Numbers {
    /// The next number.
    fn below(&mut self, bound: usize) -> usize;
}

/// One text of a list.
pub(crate) fn one_of<'a>(list: &[&'a str], numbers: &mut impl Numbers) -> &'a str {
    list[numbers.below(list.len())]
}

/// A link: absolute, from the root, from the folder, a query, a fragment, or pieces at random.
pub(crate) fn link(numbers: &mut impl Numbers) -> String {
    let mut link = String::new();
    match numbers.below(10) {
        0..=2 => {
            // Mostly well-formed, so that what lies behind the host is reached.
            let starts = if numbers.below(4) == 0 {
                STARTS
            } else {
                &STARTS[..3]
            };
            link.push_str(one_of(starts, numbers));
            let hosts = if numbers.below(2) == 0 {
                HOSTS
            } else {
                &HOSTS[..8]
            };
            link.push_str(one_of(hosts, numbers));
            if numbers.below(4) > 0 {
                link.push('/');
            }
        }
        3..=5 => link.push('/'),
        6..=7 => {}
        8 => {
            link.push_str(one_of(ENDS, numbers));
            return link;
        }
        _ => {
            for _ in 0..numbers.below(10) {
                link.push_str(one_of(PIECES, numbers));
            }
            return link;
        }
    }
    let is_tame = numbers.below(3) > 0;
    let segments = if is_tame { &SEGMENTS[..13] } else { SEGMENTS };
    let count = numbers.below(6);
    for index in 0..count {
        link.push_str(one_of(segments, numbers));
        if index + 1 < count || numbers.below(3) == 0 {
            link.push('/');
        }
    }
    let ends = if is_tame { &ENDS[..8] } else { ENDS };
    link.push_str(one_of(ends, numbers));
    link
}
