//! `ARCHITECTURE.md`: one paragraph per crate, closing with what the crate knows nothing of.
//!
//! In: the document and the crates' names. Out: a finding for each crate without its paragraph or its closing line.
//! May touch: nothing but its arguments.
//!
//! A crate's paragraph begins with a line whose first word is the crate's name (marks of Markdown before it do not
//! count) and runs to the next heading or to the next such line.

use crate::finding::Finding;
use crate::manifests::Manifest;
use crate::tree::Tree;

const PATH: &str = "ARCHITECTURE.md";
const CLOSING: &str = "Knows nothing of";

/// Checks that every crate below `crates/` has its paragraph.
pub(crate) fn check(tree: &Tree, manifests: &[Manifest], findings: &mut Vec<Finding>) {
    let Some(text) = tree.text(PATH) else {
        findings.push(Finding::error(
            PATH,
            1,
            "the document is missing: write a paragraph for each crate",
        ));
        return;
    };
    let paragraphs = paragraphs(text);
    let crates = manifests
        .iter()
        .filter(|manifest| manifest.path.starts_with("crates/"));
    for name in crates.map(|manifest| manifest.name.as_str()) {
        let own: Vec<&Paragraph<'_>> = paragraphs
            .iter()
            .filter(|paragraph| paragraph.name == name)
            .collect();
        match own.first() {
            None => findings.push(Finding::error(
                PATH,
                1,
                format!("no paragraph for `{name}`: add one that begins with its name and ends with **{CLOSING}:** …"),
            )),
            Some(first) if !own.iter().any(|paragraph| paragraph.closes) => findings.push(Finding::error(
                PATH,
                first.line,
                format!("the paragraph of `{name}` does not close with **{CLOSING}:** …; its absences are the architecture"),
            )),
            Some(_) => {}
        }
    }
}

struct Paragraph<'a> {
    name: &'a str,
    line: usize,
    closes: bool,
}

fn paragraphs(text: &str) -> Vec<Paragraph<'_>> {
    let mut found: Vec<Paragraph<'_>> = Vec::new();
    let mut open = false;
    for (number, line) in text.lines().enumerate() {
        if let Some(name) = opened_by(line) {
            open = true;
            found.push(Paragraph {
                name,
                line: number + 1,
                closes: false,
            });
        } else if line.starts_with('#') {
            open = false;
        }
        if let Some(last) = found.last_mut().filter(|_| open) {
            last.closes |= line.contains(CLOSING);
        }
    }
    found
}

/// The crate whose name is the first word of `line`.
fn opened_by(line: &str) -> Option<&str> {
    let line = line.trim_start_matches(|mark: char| "#*->` [".contains(mark));
    let end = line
        .find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '-'))
        .unwrap_or(line.len());
    let name = &line[..end];
    name.starts_with("orb-").then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifests;

    fn check_document(document: Option<&str>, expected: &[&str]) {
        let mut files = vec![
            (
                "crates/orb-url/Cargo.toml",
                "[package]\nname = \"orb-url\"\n",
            ),
            (
                "crates/orb-gate/Cargo.toml",
                "[package]\nname = \"orb-gate\"\n",
            ),
            ("xtask/Cargo.toml", "[package]\nname = \"xtask\"\n"),
        ];
        files.extend(document.map(|text| (PATH, text)));
        let tree = Tree::of(&files);
        let mut findings = Vec::new();
        let manifests = manifests::read(&tree, &mut findings);
        check(&tree, &manifests, &mut findings);
        let found: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "{found} lacks {expected}");
        }
    }

    #[test]
    fn every_crate_has_its_paragraph() {
        let document = "# A\n**`orb-url`** has URLs.\n**Knows nothing of:** sockets.\n\n### `orb-gate`\n\nClocks.\n\n**Knows nothing of:** robots.\n";
        check_document(Some(document), &[]);
        check_document(None, &["ARCHITECTURE.md:1: error: the document is missing"]);
        check_document(
            Some("`orb-url`: URLs. Knows nothing of: sockets.\n"),
            &["ARCHITECTURE.md:1: error: no paragraph for `orb-gate`"],
        );
    }

    #[test]
    fn a_paragraph_closes_with_what_the_crate_knows_nothing_of() {
        let expected = &["ARCHITECTURE.md:1: error: the paragraph of `orb-url`"];
        check_document(
            Some("- `orb-url`: URLs.\n- `orb-gate`: clocks. **Knows nothing of:** robots.\n"),
            expected,
        );
        check_document(
            Some(
                "- `orb-url`: URLs.\n## Next\nKnows nothing of: x\n- orb-gate: Knows nothing of: robots\n",
            ),
            expected,
        );
    }

    #[test]
    fn a_mention_inside_a_sentence_is_no_paragraph() {
        check_document(
            Some(
                "The crate orb-url knows URLs. Knows nothing of: sockets.\norb-gates. Knows nothing of: x\n",
            ),
            &["`orb-gate`", "`orb-url`"],
        );
    }
}
