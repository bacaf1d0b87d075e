//! What every source file owes its reader: a header, a bearable length, no unfinished marks.
//!
//! In: the tree's `.rs` files. Out: findings.
//! May touch: nothing but its arguments. Invariant: a file is judged by its text alone, without parsing Rust,
//! so the same text always gets the same verdict.

use crate::finding::Finding;
use crate::tree::Tree;

/// Above this a file is worth a look: one concept seldom needs more.
const LINES_WARN: usize = 400;

/// Above this a file is refused: nobody holds it in the head any more.
const LINES_MAX: usize = 700;

/// Folders whose files are no modules of a crate.
const NOT_MODULES: [&str; 4] = ["tests", "benches", "examples", "fuzz"];

/// Marks of unfinished work, and whether a letter or digit beside one makes it another word.
/// Spelled in parts so that this file passes its own check.
const MARKS: [(&str, bool); 5] = [
    (concat!("todo", "!("), false),
    (concat!("unimplemented", "!("), false),
    (concat!("FIX", "ME"), true),
    (concat!("XX", "X"), true),
    (concat!("#[", "ignore"), false),
];

/// Judges every `.rs` file of the tree.
pub(crate) fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    for (path, text) in tree.files().filter(|(path, _)| path.ends_with(".rs")) {
        check_header(path, text, findings);
        check_length(path, text, findings);
        check_marks(path, text, findings);
    }
}

fn check_header(path: &str, text: &str, findings: &mut Vec<Finding>) {
    let is_module = !path.split('/').any(|part| NOT_MODULES.contains(&part));
    if is_module && !text.starts_with("//!") {
        findings.push(Finding::error(
            path,
            1,
            "no `//!` on the first line: say what this module is for, what goes in and out, what it may touch",
        ));
    }
}

fn check_length(path: &str, text: &str, findings: &mut Vec<Finding>) {
    let lines = text.lines().count();
    if lines > LINES_MAX {
        findings.push(Finding::error(
            path,
            lines,
            format!("{lines} lines, at most {LINES_MAX}: split it by concept"),
        ));
    } else if lines > LINES_WARN {
        findings.push(Finding::warning(
            path,
            lines,
            format!(
                "{lines} lines, {LINES_WARN} are enough for most: is there a second concept in it?"
            ),
        ));
    }
}

fn check_marks(path: &str, text: &str, findings: &mut Vec<Finding>) {
    for (number, line) in text.lines().enumerate() {
        for (mark, whole_word) in MARKS {
            if holds(line, mark, whole_word) {
                findings.push(Finding::error(
                    path,
                    number + 1,
                    format!("`{mark}` marks unfinished work: finish it, or take it out"),
                ));
            }
        }
    }
}

fn holds(line: &str, mark: &str, whole_word: bool) -> bool {
    line.match_indices(mark).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + mark.len()..].chars().next();
        !whole_word
            || ![before, after]
                .into_iter()
                .flatten()
                .any(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_file(path: &str, text: &str, expected: &[&str]) {
        let mut findings = Vec::new();
        check(&Tree::of(&[(path, text)]), &mut findings);
        let found: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "{found} lacks {expected}");
        }
    }

    #[test]
    fn a_module_begins_with_what_it_is_for() {
        let missing = &["crates/a/src/b.rs:1: error: no `//!`"];
        check_file("crates/a/src/b.rs", "//! Room.\n", &[]);
        check_file("crates/a/src/b.rs", "use std::fs;\n", missing);
        check_file("crates/a/src/b.rs", "\n//! Too late.\n", missing);
        check_file("crates/a/src/b.rs", "// Not a doc comment.\n", missing);
        check_file("crates/a/src/b.rs", "", missing);
        check_file("crates/a/tests/b.rs", "use std::fs;\n", &[]);
        check_file("crates/a/benches/b.rs", "use std::fs;\n", &[]);
    }

    #[test]
    fn length_warns_first_and_then_refuses() {
        let lines = |count: usize| "//! x\n".repeat(count);
        check_file("src/a.rs", &lines(400), &[]);
        check_file(
            "src/a.rs",
            &lines(401),
            &["src/a.rs:401: warning: 401 lines"],
        );
        check_file("src/a.rs", &lines(700), &["warning"]);
        check_file("src/a.rs", &lines(701), &["src/a.rs:701: error: 701 lines"]);
        check_file("tests/a.rs", &lines(701), &["error: 701 lines"]);
        check_file("notes.md", &lines(701), &[]);
    }

    #[test]
    fn unfinished_marks_are_refused() {
        for (mark, _) in MARKS {
            let text = format!("//! Room.\nfn f() {{ {mark} }}\n");
            check_file(
                "src/a.rs",
                &text,
                &[&format!("src/a.rs:2: error: `{mark}` marks")],
            );
            check_file("tests/a.rs", &text, &["marks unfinished"]);
        }
    }

    #[test]
    fn a_mark_inside_another_word_is_none() {
        let longer = format!(
            "//! Six letters: {}, {}S\n",
            MARKS[3].0.repeat(2),
            MARKS[2].0
        );
        check_file("src/a.rs", &longer, &[]);
        check_file(
            "src/a.rs",
            &format!("//! {}: later\n", MARKS[2].0),
            &["marks unfinished"],
        );
    }
}
