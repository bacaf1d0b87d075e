//! Words so that Markdown takes them for nothing but words.
//!
//! In: text, and what stands before it on its line. Out: the same text with backslashes where they are needed.
//! May touch: the string written to. Must not touch: marks that are meant.
//! Invariant: as few backslashes as the letters around allow, so that snake_case and 2 < 3 stay as they are.

/// Where a piece of text is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Where in the output the current line's own text begins, behind indents and marks of lists.
    pub(super) line_start: usize,
    pub(super) in_cell: bool,
}

/// Appends `text`, escaped. Control characters are left out.
pub(super) fn push_text(text: &str, out: &mut String, place: Place) {
    let mut rest = text;
    while !rest.is_empty() {
        let plain = rest
            .bytes()
            .position(|byte| !SAYS_NOTHING[usize::from(byte)])
            .unwrap_or(rest.len());
        let (words, behind) = rest.split_at(plain);
        out.push_str(words);
        let mut letters = behind.chars();
        let Some(letter) = letters.next() else { return };
        rest = letters.as_str();
        if letter.is_control() {
            continue;
        }
        let next = letters.find(|letter| !letter.is_control());
        if needs_backslash(letter, next, rest, out, place) {
            out.push('\\');
        }
        out.push(letter);
    }
}

/// Bytes that are no mark anywhere.
const SAYS_NOTHING: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let plain = b" ,;'\"/(?%@";
    let mut at = 0;
    while at < plain.len() {
        table[plain[at] as usize] = true;
        at += 1;
    }
    table
};

fn needs_backslash(letter: char, next: Option<char>, rest: &str, out: &str, place: Place) -> bool {
    if letter.is_alphanumeric() || letter == ' ' {
        return false;
    }
    let line = &out[place.line_start.min(out.len())..];
    let before = line.chars().next_back();
    let at_start = line.trim().is_empty();
    let next_ends = next.is_none_or(char::is_whitespace);
    match letter {
        '\\' | '`' | '*' | '[' | ']' => true,
        '_' => {
            !(before.is_some_and(char::is_alphanumeric) && next.is_some_and(char::is_alphanumeric))
        }
        '<' => next.is_none_or(|next| next.is_ascii_alphabetic() || "/!?".contains(next)),
        '~' => {
            before.is_some_and(|before| !before.is_whitespace())
                || next.is_none_or(|next| next == '~')
        }
        '&' => begins_reference(rest) || next.is_none(),
        '!' => next.is_none(),
        '|' => place.in_cell || at_start,
        '#' => at_start || next.is_none(),
        '>' => at_start,
        '=' => at_start,
        '+' => at_start && next_ends,
        '-' => at_start && (next_ends || next == Some('-')),
        ':' => at_start,
        '.' | ')' => {
            next_ends
                && (1..=9).contains(&line.len())
                && line.bytes().all(|byte| byte.is_ascii_digit())
        }
        _ => false,
    }
}

/// Whether what follows an ampersand would make it a character reference.
fn begins_reference(rest: &str) -> bool {
    let bytes = rest.as_bytes();
    let name = bytes
        .iter()
        .take(33)
        .position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'#');
    name.is_some_and(|end| end > 0 && bytes[end] == b';')
}

/// Appends a code span: a fence longer than any inside (CommonMark, 6.1).
pub(super) fn push_code(text: &str, out: &mut String, in_cell: bool) {
    let fence = "`".repeat(longest_run(text) + 1);
    let padded = text.starts_with('`')
        || text.ends_with('`')
        || (text.starts_with(' ') && text.ends_with(' ') && !text.trim().is_empty());
    let pad = if padded { " " } else { "" };
    out.push_str(&fence);
    out.push_str(pad);
    for letter in text.chars().filter(|letter| !letter.is_control()) {
        if letter == '|' && in_cell {
            out.push('\\');
        }
        out.push(letter);
    }
    out.push_str(pad);
    out.push_str(&fence);
}

/// The longest run of backticks.
pub(super) fn longest_run(text: &str) -> usize {
    text.split(|letter| letter != '`')
        .map(str::len)
        .max()
        .unwrap_or(0)
}

/// Appends the destination of a link or picture (CommonMark, 6.3).
pub(super) fn push_destination(url: &str, out: &mut String, in_cell: bool) {
    let is_pointed = url.is_empty() || url.contains(['(', ')']);
    if is_pointed {
        out.push('<');
    }
    let mut rest = url;
    for letter in url.chars() {
        rest = &rest[letter.len_utf8()..];
        match letter {
            ' ' => out.push_str("%20"),
            '<' => out.push_str("%3C"),
            '>' => out.push_str("%3E"),
            '\\' => out.push_str("%5C"),
            '|' if in_cell => out.push_str("%7C"),
            '&' if begins_reference(rest) => out.push_str("&amp;"),
            letter if letter.is_control() || letter.is_whitespace() => {}
            letter => out.push(letter),
        }
    }
    if is_pointed {
        out.push('>');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let mut out = String::new();
        let place = Place {
            line_start: 0,
            in_cell: false,
        };
        push_text(text, &mut out, place);
        assert_eq!(out, expected);
    }

    #[test]
    fn only_what_would_be_a_mark_is_escaped() {
        check(
            "snake_case and 2 < 3 - 1 & 4 | 5",
            "snake_case and 2 < 3 - 1 & 4 | 5",
        );
        check("a *b* [c] `d` _e_", "a \\*b\\* \\[c\\] \\`d\\` \\_e\\_");
        check("<b> &amp; &x", "\\<b> \\&amp; &x");
        check("1. no list", "1\\. no list");
        check("1.5 litres", "1.5 litres");
        check("# no heading", "\\# no heading");
        check("- no item", "\\- no item");
        check("-1 degree", "-1 degree");
        check("cd ~/a ~/b", "cd ~/a ~/b");
        check("a~b~", "a\\~b\\~");
        check("look!", "look\\!");
        check("\u{1b}[2J", "\\[2J");
    }

    #[test]
    fn code_and_addresses_hold_anything() {
        let mut out = String::new();
        push_code("a`b``", &mut out, false);
        assert_eq!(out, "``` a`b`` ```");
        out.clear();
        push_destination("https://a.example/x_(y)?a&copy;=<b>", &mut out, false);
        assert_eq!(out, "<https://a.example/x_(y)?a&amp;copy;=%3Cb%3E>");
    }
}
