//! Where a script or other raw text ends, states 13.2.5.15 to 13.2.5.31 of the HTML Standard.
//!
//! In: the text behind `<script>`. Out: the position of the `<` of its end tag.
//! May touch: nothing. Must not touch: the language of the script.
//! Invariant: one pass; every byte is passed once.

use memchr::{memchr, memchr2};

use super::is_space;

/// How deep in the old trick of hiding scripts in comments we are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Plain,
    /// Behind `<!--`: an end tag still ends the script. The dashes of `-->` count from `dashes` on.
    Escaped {
        dashes: usize,
    },
    /// Behind a further `<script`: an end tag only leads back to `Escaped`.
    DoubleEscaped {
        dashes: usize,
    },
}

/// Finds the end tag called `closing`, from `start` on; `None` when the script runs to the end.
pub(crate) fn end_tag(bytes: &[u8], start: usize, closing: &[u8]) -> Option<usize> {
    let mut mode = Mode::Plain;
    let mut at = start;
    loop {
        let rest = &bytes[at..];
        let hop = match mode {
            Mode::Plain => memchr(b'<', rest),
            Mode::Escaped { .. } | Mode::DoubleEscaped { .. } => memchr2(b'<', b'>', rest),
        };
        let special = at + hop?;
        at = special + 1;
        mode = match mode {
            Mode::Plain if bytes[at..].starts_with(b"!--") => Mode::Escaped { dashes: at + 1 },
            Mode::Escaped { dashes } | Mode::DoubleEscaped { dashes } if bytes[special] == b'>' => {
                if special >= dashes + 2 && bytes[..special].ends_with(b"--") {
                    Mode::Plain
                } else {
                    mode
                }
            }
            Mode::Plain | Mode::Escaped { .. } if is_end_tag(bytes, special, closing) => {
                return Some(special);
            }
            Mode::Escaped { dashes } if begins_tag(&bytes[at..], b"script") => {
                Mode::DoubleEscaped { dashes }
            }
            Mode::DoubleEscaped { dashes } if is_end_tag(bytes, special, b"script") => {
                Mode::Escaped { dashes }
            }
            unchanged => unchanged,
        };
    }
}

/// The same for raw text, where nothing hides an end tag.
pub(crate) fn raw_end_tag(bytes: &[u8], start: usize, closing: &[u8]) -> Option<usize> {
    let mut at = start;
    loop {
        let lt = at + memchr(b'<', &bytes[at..])?;
        if is_end_tag(bytes, lt, closing) {
            return Some(lt);
        }
        at = lt + 1;
    }
}

/// Whether the `<` at `lt` begins the end tag called `name`, whole up to the byte behind the name.
fn is_end_tag(bytes: &[u8], lt: usize, name: &[u8]) -> bool {
    !name.is_empty() && bytes.get(lt + 1) == Some(&b'/') && begins_tag(&bytes[lt + 2..], name)
}

fn begins_tag(bytes: &[u8], name: &[u8]) -> bool {
    bytes.len() > name.len()
        && bytes[..name.len()].eq_ignore_ascii_case(name)
        && (is_space(bytes[name.len()]) || matches!(bytes[name.len()], b'/' | b'>'))
}

#[cfg(test)]
mod tests {
    use super::end_tag;

    fn check(script: &str, expected: Option<&str>) {
        let found = end_tag(script.as_bytes(), 0, b"script");
        assert_eq!(found.map(|at| &script[..at]), expected, "{script:?}");
    }

    #[test]
    fn the_end_tag_ends_it() {
        check("a</script>b", Some("a"));
        check("a</SCRIPT b", Some("a"));
        check("a</script", None);
        check("a</scripty></script/>", Some("a</scripty>"));
    }

    #[test]
    fn a_comment_alone_hides_no_end_tag() {
        check("<!-- </script> -->", Some("<!-- "));
        check("<!--></script>", Some("<!-->"));
    }

    #[test]
    fn a_script_in_a_comment_hides_one_end_tag() {
        check(
            "<!-- <script> </script> </script>",
            Some("<!-- <script> </script> "),
        );
        check("<!-- <script> --> </script>", Some("<!-- <script> --> "));
        check("<!-- <scripty> </script>", Some("<!-- <scripty> "));
        check(
            "<!-- <script> </script> --> <script> </script>",
            Some("<!-- <script> </script> --> <script> "),
        );
    }

    /// The dashes that open the comment also close it.
    #[test]
    fn dashes_may_be_shared() {
        check("<!--><script></script>", Some("<!--><script>"));
        check("<!---><script></script>", Some("<!---><script>"));
    }
}
