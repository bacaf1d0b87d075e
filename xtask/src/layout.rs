//! Names of files and folders: each carries the name of the concept inside.
//!
//! In: the tree's paths. Out: a finding for each name that says nothing.
//! May touch: nothing but its arguments. A name is judged by its last word: `slot_manager` is refused,
//! `common_crawl` is not.

use crate::finding::Finding;
use crate::tree::Tree;

/// Words that fit any content and therefore tell of none.
const EMPTY_WORDS: [&str; 9] = [
    "util",
    "utils",
    "common",
    "helper",
    "helpers",
    "misc",
    "manager",
    "managers",
    "utilities",
];

/// Judges the name of every `.rs` file and of every folder above one.
pub(crate) fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    for (path, _) in tree.files().filter(|(path, _)| path.ends_with(".rs")) {
        let empty = path
            .trim_end_matches(".rs")
            .split('/')
            .map(|name| name.rsplit(['_', '-']).next().unwrap_or(name))
            .find(|word| EMPTY_WORDS.contains(word));
        if let Some(word) = empty {
            findings.push(Finding::error(
                path,
                1,
                format!("`{word}` names no concept: call the file after what is inside, or move each piece to where it belongs"),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_path(path: &str, refused: bool) {
        let mut findings = Vec::new();
        check(&Tree::of(&[(path, "")]), &mut findings);
        assert_eq!(findings.len(), usize::from(refused), "{path}");
    }

    #[test]
    fn names_without_a_concept_are_refused() {
        check_path("crates/a/src/utils.rs", true);
        check_path("crates/a/src/common/sieve.rs", true);
        check_path("crates/a/tests/common/mod.rs", true);
        check_path("crates/a/src/slot_manager.rs", true);
        check_path("crates/a/src/misc.rs", true);
        check_path("crates/a/src/helpers.rs", true);
    }

    #[test]
    fn names_of_concepts_pass() {
        check_path("crates/a/src/sieve.rs", false);
        check_path("crates/a/src/common_crawl.rs", false);
        check_path("crates/a/src/utility_curve.rs", false);
        check_path("docs/common.md", false);
    }
}
