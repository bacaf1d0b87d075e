//! The target of a declarative refresh.
//!
//! In: the `content` of `meta http-equiv=refresh`. Out: the URL it names, if any.
//! May touch: nothing. Must not touch: the delay (a crawler does not wait for it).
//! Invariant: the steps of the HTML Standard (4.2.5.3, shared declarative refresh), no more lenient.

/// Returns the URL part of a refresh such as `0; url='x'`, or `None` when the value is malformed or
/// only reloads the page. Cost: O(bytes); allocates nothing.
pub(crate) fn target(content: &str) -> Option<&str> {
    let rest = skip_space(content);
    let after_digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    if after_digits.len() == rest.len() && !rest.starts_with('.') {
        return None;
    }
    let rest = after_digits.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    if !rest.starts_with(|c: char| c == ';' || c == ',' || c.is_ascii_whitespace()) {
        return None;
    }
    let rest = skip_space(rest);
    let rest = skip_space(rest.strip_prefix([';', ',']).unwrap_or(rest));
    let url = match after_url_keyword(rest) {
        Keyword::Absent => unquote(rest),
        Keyword::Broken => rest,
        Keyword::Present(value) => unquote(value),
    };
    (!url.is_empty()).then_some(url)
}

enum Keyword<'a> {
    /// Does not begin with `u`: the rest is the URL, perhaps quoted.
    Absent,
    /// Began like `url=` and went wrong: the rest is the URL as it stands.
    Broken,
    Present(&'a str),
}

fn after_url_keyword(rest: &str) -> Keyword<'_> {
    let Some(rest) = rest.strip_prefix(['u', 'U']) else {
        return Keyword::Absent;
    };
    let after = rest
        .strip_prefix(['r', 'R'])
        .and_then(|rest| rest.strip_prefix(['l', 'L']))
        .and_then(|rest| skip_space(rest).strip_prefix('='));
    after.map_or(Keyword::Broken, |value| Keyword::Present(skip_space(value)))
}

fn unquote(value: &str) -> &str {
    let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return value;
    };
    let inner = &value[1..];
    inner.split_once(quote).map_or(inner, |(url, _)| url)
}

fn skip_space(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use super::target;

    #[test]
    fn a_refresh_names_its_target() {
        for content in [
            "0; url='x'",
            "0;url=x",
            "5;URL=\"x\"",
            " 0.5 , UrL = 'x' trailing",
            "0;x",
            "0 x",
            "0;'x'y",
            ".;x",
            "3 ; url = \"x",
        ] {
            assert_eq!(target(content), Some("x"), "{content:?}");
        }
    }

    #[test]
    fn a_reload_or_nonsense_has_none() {
        for content in [
            "", "0", "5;", "5; ", "url=x", "-1;url=x", "5s;url=x", "0;url=", "0;url=''",
        ] {
            assert_eq!(target(content), None, "{content:?}");
        }
    }

    /// The keyword must be complete; otherwise what stands there is a relative URL.
    #[test]
    fn a_broken_keyword_is_part_of_the_url() {
        assert_eq!(target("0; urn:x"), Some("urn:x"));
        assert_eq!(target("0; url x"), Some("url x"));
        assert_eq!(target("0; up/'x'"), Some("up/'x'"));
    }
}
