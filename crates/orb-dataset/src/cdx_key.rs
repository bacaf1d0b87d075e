//! The key under which replay tools look an address up: SURT of a form in which addresses that mostly mean one page
//! are one.
//!
//! In: an address. Out: a key such as `org,example)/path?a=1&b=2`.
//! May touch: nothing. Invariant: the key of a key's own address is that key; it holds no blank and no control character.
//!
//! The rules are those web archives share (the `surt` library's): `www.` and its numbered kin dropped, escapes undone
//! where they need not be, everything lower-case, default port, fragment, empty query and trailing slash dropped, runs
//! of slashes made one, session ids dropped, query parts sorted. Where that library stumbles (a path `/..` stays), the
//! canonical address is taken.

use orb_url::{CrawlUrl, Scheme};

/// The key of `url`; `None` when it is no http or https address.
#[must_use]
pub fn cdx_key(url: &str) -> Option<String> {
    let url = CrawlUrl::parse(url).ok()?;
    let mut key = String::with_capacity(url.as_str().len());
    for (index, label) in without_www(url.host()).rsplit('.').enumerate() {
        if index > 0 {
            key.push(',');
        }
        key.push_str(label);
    }
    if url.port() != Scheme::default_port(url.scheme()) {
        key.push(':');
        key.push_str(&url.port().to_string());
    }
    key.push(')');
    let (path, query) = url
        .path_and_query()
        .split_once('?')
        .unwrap_or((url.path_and_query(), ""));
    push_path(&mut key, &plainly_escaped(path));
    push_query(&mut key, &plainly_escaped(query));
    Some(key)
}

/// Drops `www.`, `www2.` and the like.
fn without_www(host: &str) -> &str {
    let rest = host
        .strip_prefix("www")
        .map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    match rest.and_then(|rest| rest.strip_prefix('.')) {
        Some(name) if !name.is_empty() => name,
        _ => host,
    }
}

/// Undoes escapes until none is left, then escapes only what must be: blanks, control characters, what is not ASCII, `#`
/// and `%`. Lower-case.
fn plainly_escaped(text: &str) -> String {
    let bytes = unescaped(text.as_bytes());
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte <= b' ' || byte >= 0x7f || byte == b'#' || byte == b'%' {
            out.push_str(&format!("%{byte:02x}"));
        } else {
            out.push(char::from(byte.to_ascii_lowercase()));
        }
    }
    out
}

/// The bytes without escapes, those of escapes included. One pass: what an escape stands for may end another one, and two
/// escapes never share a byte, so that their order does not matter.
fn unescaped(bytes: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len());
    let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16)?).ok();
    for &byte in bytes {
        out.push(byte);
        while let [.., b'%', high, low] = out[..]
            && let (Some(high), Some(low)) = (digit(high), digit(low))
        {
            out.truncate(out.len() - 3);
            out.push(high << 4 | low);
        }
    }
    out
}

fn push_path(key: &mut String, path: &str) {
    let start = key.len();
    let segments: Vec<&str> = path.split('/').collect();
    let is_aspx = |from: usize| segments[from..].iter().any(|part| part.contains(".aspx"));
    key.push('/');
    for (index, segment) in segments.iter().enumerate() {
        let session = is_session_folder(segment) && is_aspx(index + 1);
        if segment.is_empty() || session {
            continue;
        }
        if key.len() > start + 1 {
            key.push('/');
        }
        key.push_str(segment);
    }
}

/// `(24 letters or digits)` or `(s(24 letters or digits)…)`: where old servers kept a session.
fn is_session_folder(segment: &str) -> bool {
    let Some(inner) = segment
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
    else {
        return false;
    };
    let is_id = |id: &str| id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_id(inner)
        || inner.split_inclusive(')').all(|part| {
            let mut letters = part.chars();
            letters
                .next()
                .is_some_and(|letter| letter.is_ascii_lowercase())
                && letters
                    .as_str()
                    .strip_prefix('(')
                    .and_then(|rest| rest.strip_suffix(')'))
                    .is_some_and(is_id)
        })
}

/// Names whose value is a session when it is 32 letters and digits.
const SESSION_NAMES: [&str; 3] = ["jsessionid", "phpsessid", "sid"];

fn is_session(part: &str) -> bool {
    let (name, value) = part.split_once('=').unwrap_or((part, ""));
    let alphanumeric = value.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (SESSION_NAMES.contains(&name) && value.len() == 32 && alphanumeric)
        || (name.starts_with("aspsessionid")
            && name.len() == 20
            && value.len() == 24
            && alphanumeric)
}

fn push_query(key: &mut String, query: &str) {
    let mut parts: Vec<&str> = query.split('&').collect();
    let mut at = 0;
    while at < parts.len() {
        let two = parts[at].starts_with("cfid=")
            && parts
                .get(at + 1)
                .is_some_and(|next| next.starts_with("cftoken="));
        let width = if two { 2 } else { 1 };
        if !two && !is_session(parts[at]) {
            at += 1;
        } else if at + width == parts.len() {
            // What ends the query goes without the `&` before it, which the tools keep.
            parts.truncate(at);
            parts.push("");
            at += 1;
        } else {
            parts.drain(at..at + width);
        }
    }
    parts.sort_unstable();
    let text = parts.join("&");
    if !text.is_empty() {
        key.push('?');
        key.push_str(&text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, key: &str) {
        assert_eq!(cdx_key(url).as_deref(), Some(key), "{url}");
    }

    #[test]
    fn addresses_that_mean_one_page_have_one_key() {
        check("http://example.com", "com,example)/");
        check("https://www.Example.com:443/", "com,example)/");
        check("http://www2.example.com/A/B/", "com,example)/a/b");
        check("http://www3.com/", "com)/");
        check("http://example.com/%41%7eb/%2f/%2561", "com,example)/a~b/a");
        check("http://example.com:8080/a//b#c", "com,example:8080)/a/b");
        check("http://example.com/?", "com,example)/");
        check("http://example.com/a?b=2&a=1", "com,example)/a?a=1&b=2");
        check("http://192.0.2.1/x", "1,2,0,192)/x");
        assert_eq!(cdx_key("ftp://example.com/"), None);
    }

    #[test]
    fn escapes_of_escapes_are_undone_in_one_pass() {
        let nested = |layers: usize| format!("%{}41", "25".repeat(layers));
        assert_eq!(unescaped(nested(20_000).as_bytes()), b"A");
        assert_eq!(unescaped(b"%%411x%2%35x%2%3541"), b"\xa1x%x\x41");
        assert_eq!(unescaped(b"%4%%zz%"), b"%4%%zz%");
    }

    #[test]
    fn sessions_are_no_part_of_a_key() {
        let (id, old) = (
            "0123456789abcdef0123456789ABCDEF",
            "abcdefghijklmnopqrstuvwx",
        );
        let page = |rest: String| format!("http://example.com/{rest}");
        check(&page(format!("a?PHPSESSID={id}&x=1")), "com,example)/a?x=1");
        check(&page(format!("a?x=1&sid={id}")), "com,example)/a?&x=1");
        check(&page("a?sid=short".into()), "com,example)/a?sid=short");
        check(&page("a?CFID=1&CFTOKEN=2&x=3".into()), "com,example)/a?x=3");
        check(&page(format!("(S({old}))/a.aspx")), "com,example)/a.aspx");
        check(&page(format!("({old})/a.aspx")), "com,example)/a.aspx");
        check(
            &page(format!("({old})/a")),
            &format!("com,example)/({old})/a"),
        );
    }
}
