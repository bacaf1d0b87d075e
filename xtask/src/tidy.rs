//! `cargo xtask tidy`: all checks of the house over one tree.
//!
//! In: the checkout. Out: the findings on standard output, sorted; exit code 1 when one of them is an error.
//! May touch: the tree, standard output. Invariant: no check stops another; one run tells everything.

use std::path::Path;
use std::process::ExitCode;

use crate::finding::Finding;
use crate::tree::Tree;
use crate::{architecture, floors, layout, manifests, sources};

/// Runs every check and prints what they found.
pub(crate) fn run(root: &Path) -> anyhow::Result<ExitCode> {
    let tree = Tree::load(root)?;
    let findings = findings(&tree);
    for finding in &findings {
        println!("{finding}");
    }
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    println!(
        "tidy: {} files read, {errors} errors, {} warnings",
        tree.files().count(),
        findings.len() - errors
    );
    Ok(if errors == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn findings(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let manifests = manifests::read(tree, &mut findings);
    manifests::check(&manifests, &mut findings);
    manifests::check_reasons(tree, &mut findings);
    floors::check(&manifests, &mut findings);
    sources::check(tree, &mut findings);
    layout::check(tree, &mut findings);
    architecture::check(tree, &manifests, &mut findings);
    findings.sort();
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree in order, which each case below disturbs in one place.
    const TIDY: [(&str, &str); 4] = [
        (
            "Cargo.toml",
            "[workspace.dependencies]\nurl = \"2\" # the URL Standard\n",
        ),
        (
            "crates/orb-url/Cargo.toml",
            "[package]\nname = \"orb-url\"\n[dependencies]\nurl.workspace = true\n[lints]\nworkspace = true\n",
        ),
        ("crates/orb-url/src/lib.rs", "//! URLs.\n"),
        (
            "ARCHITECTURE.md",
            "`orb-url`: URLs. Knows nothing of: sockets.\n",
        ),
    ];

    #[test]
    fn a_tidy_tree_has_no_findings() {
        assert_eq!(findings(&Tree::of(&TIDY)), []);
    }

    #[test]
    fn every_check_is_part_of_the_run() {
        for (path, text, expected) in [
            (
                "Cargo.toml",
                "[workspace.dependencies]\nurl = \"2\"\n",
                "has no reason",
            ),
            (
                "crates/orb-url/Cargo.toml",
                "[package]\nname = \"orb-url\"\n",
                "the lints",
            ),
            (
                "crates/orb-uri/Cargo.toml",
                "[package]\nname = \"orb-uri\"\n",
                "stands on no floor",
            ),
            ("crates/orb-url/src/lib.rs", "mod a;\n", "no `//!`"),
            (
                "crates/orb-url/src/misc.rs",
                "//! All sorts.\n",
                "names no concept",
            ),
            ("ARCHITECTURE.md", "URLs.\n", "no paragraph for `orb-url`"),
        ] {
            let mut files = TIDY.to_vec();
            files.retain(|(kept, _)| *kept != path);
            files.push((path, text));
            let found = findings(&Tree::of(&files));
            assert!(
                found
                    .iter()
                    .any(|finding| finding.is_error() && finding.to_string().contains(expected)),
                "{expected}: {found:?}"
            );
        }
    }

    #[test]
    fn findings_are_sorted_by_place() {
        let tree = Tree::of(&[("b/src/x.rs", ""), ("a/src/x.rs", "")]);
        let found = findings(&tree);
        assert!(found.is_sorted(), "{found:?}");
    }
}
