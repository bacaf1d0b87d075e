//! The text of a page as a person would write it down.
//!
//! In: text in the order of drawing. Out: the same without what only fills lines. May touch: nothing.
//! Invariant: no word is lost; control characters but for line ends are.

/// Fewest dots in a row that lead the eye to a page number rather than say something.
const LEADER_DOTS_MIN: usize = 4;

/// Ligatures in the encoding of TeX's own fonts (OT1), which old files do not translate; other fonts have nothing there.
const TEX_LIGATURES: [(char, &str); 4] = [
    ('\u{b}', "ff"),
    ('\u{c}', "fi"),
    ('\u{e}', "ffi"),
    ('\u{f}', "ffl"),
];

/// Blanks become single, leaders of contents one sign, empty lines one.
pub(crate) fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for line in text.lines() {
        let line = tidy_line(line);
        if line.is_empty() {
            gap = !out.is_empty();
            continue;
        }
        if gap {
            out.push('\n');
        }
        gap = false;
        out.push_str(&line);
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out
}

fn tidy_line(line: &str) -> String {
    let mut clean = line.to_owned();
    for (code, letters) in TEX_LIGATURES {
        if clean.contains(code) {
            clean = clean.replace(code, letters);
        }
    }
    let clean: String = clean
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .filter(|c| {
            !matches!(
                c,
                '\u{fffd}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            )
        })
        .collect();
    let words: Vec<&str> = clean.split_whitespace().collect();
    let mut out = String::with_capacity(clean.len());
    let mut at = 0;
    while at < words.len() {
        let leader = words[at..]
            .iter()
            .take_while(|word| word.bytes().all(|byte| matches!(byte, b'.' | b':')))
            .count();
        let dots: usize = words[at..at + leader].iter().map(|word| word.len()).sum();
        let (word, taken) = match dots >= LEADER_DOTS_MIN {
            true => ("…", leader),
            false => (words[at], 1),
        };
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
        at += taken;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::tidy;

    #[test]
    fn what_only_fills_lines_goes() {
        for (text, expected) in [
            ("1.2  Help . . . . . . 10 \n", "1.2 Help … 10"),
            ("a\n\n\n\nb\n\n", "a\n\nb"),
            ("\n\n  \na", "a"),
            ("wait ... what : no", "wait ... what : no"),
            ("esc\u{1b}[31mape\u{202e}d\u{0}", "esc [31maped"),
            ("a \u{c}le, o\u{e}ce", "a file, office"),
            ("", ""),
        ] {
            assert_eq!(tidy(text), expected, "{text:?}");
        }
    }
}
