//! The floors of the building: which crate may know which.
//!
//! In: manifests. Out: a finding for each edge that does not point to a lower floor, and for each crate without one.
//! May touch: nothing but its arguments.
//! Invariant: [`FLOORS`] lists every crate of the design, built or not; a crate outside it does not pass.

use crate::finding::Finding;
use crate::manifests::{DependencyKind, Manifest};

/// From the ground up. A dependency may only point to a smaller one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Floor {
    /// Types that everybody speaks with.
    Words,
    /// One matter each, without knowing of crawls.
    Ground,
    /// Large parts that do not know each other.
    Engines,
    /// Engines joined.
    Services,
    /// Wiring, settings, terminal.
    Programs,
    /// What tries to break the rest.
    Proof,
}

const FLOORS: &[(Floor, &[&str])] = &[
    (Floor::Words, &["orb-url", "orb-metrics", "orb-env"]),
    (
        Floor::Ground,
        &[
            "orb-gate",
            "orb-robots",
            "orb-feeds",
            "orb-identity",
            "orb-page",
            "orb-warc",
            "orb-store",
            "orb-shard",
            "orb-api",
        ],
    ),
    (
        Floor::Engines,
        &[
            "orb-frontier",
            "orb-fetch",
            "orb-dedup",
            "orb-dataset",
            "orb-objects",
            "orb-simweb",
            "orb-observe",
            "orb-archive",
            "orb-plan",
            "orb-screen",
            "orb-read",
            "orb-pdf",
        ],
    ),
    (
        Floor::Services,
        &[
            "orb-crawl",
            "orb-drill",
            "orb-serve",
            "orb-audit",
            "orb-explain",
            "orb-export",
            "orb-cluster",
        ],
    ),
    (Floor::Programs, &["orb-cli"]),
    (
        Floor::Proof,
        &["orb-sim", "orb-siege", "orb-powercut", "xtask"],
    ),
];

/// Edges that a decision record allows although they stay on one floor: (crate, what it depends on, record).
const ALLOWED: &[(&str, &str, &str)] = &[];

/// Checks every edge among the crates of the workspace.
///
/// Normal and build dependencies point to a lower floor. Dev-dependencies may stay on their floor, engines excepted;
/// none points up.
pub(crate) fn check(manifests: &[Manifest], findings: &mut Vec<Finding>) {
    for manifest in manifests {
        let Some(from) = floor_of(&manifest.name) else {
            findings.push(Finding::error(
                &manifest.path,
                1,
                format!(
                    "`{}` stands on no floor: add it to FLOORS in xtask/src/floors.rs, after the design",
                    manifest.name
                ),
            ));
            continue;
        };
        for dependency in &manifest.dependencies {
            let package = dependency.package.as_str();
            if !package.starts_with("orb-") && package != "xtask" {
                continue;
            }
            let reason = match floor_of(package) {
                None => Some(format!(
                    "`{package}` stands on no floor: is the name right?"
                )),
                Some(_) if is_allowed(&manifest.name, package) => None,
                Some(to) => refusal(from, to, dependency.kind).map(|rule| {
                    format!(
                        "`{}` ({from:?}) may not depend on `{package}` ({to:?}): {rule}",
                        manifest.name
                    )
                }),
            };
            if let Some(reason) = reason {
                findings.push(Finding::error(&manifest.path, dependency.line, reason));
            }
        }
    }
}

fn floor_of(name: &str) -> Option<Floor> {
    FLOORS
        .iter()
        .find(|(_, names)| names.contains(&name))
        .map(|(floor, _)| *floor)
}

fn is_allowed(from: &str, to: &str) -> bool {
    ALLOWED
        .iter()
        .any(|(allowed_from, allowed_to, _)| (*allowed_from, *allowed_to) == (from, to))
}

fn refusal(from: Floor, to: Floor, kind: DependencyKind) -> Option<&'static str> {
    if to < from {
        None
    } else if to > from {
        Some(
            "it points up; move what is needed down, or let the upper crate hand it in as an argument",
        )
    } else if from == Floor::Engines {
        Some("engines do not know each other; let orb-crawl join them")
    } else if kind == DependencyKind::Dev {
        None
    } else {
        Some(
            "it stays on one floor; hand the value in as an argument, or move the shared type down",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifests;
    use crate::tree::Tree;

    fn check_edge(from: &str, section: &str, to: &str, expected: Option<&str>) {
        let folder = if from == "xtask" {
            "xtask".to_owned()
        } else {
            format!("crates/{from}")
        };
        let path = format!("{folder}/Cargo.toml");
        let text = format!("[package]\nname = \"{from}\"\n[{section}]\n{to}.workspace = true\n");
        let mut findings = Vec::new();
        let manifests = manifests::read(&Tree::of(&[(&path, &text)]), &mut findings);
        check(&manifests, &mut findings);
        match expected {
            None => assert_eq!(findings, [], "{from} -> {to}"),
            Some(part) => {
                assert_eq!(findings.len(), 1, "{from} -> {to}");
                let text = findings[0].to_string();
                assert!(
                    text.starts_with(&format!("{path}:")) && text.contains(part),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn edges_point_down() {
        check_edge("orb-shard", "dependencies", "orb-url", None);
        check_edge("orb-crawl", "dependencies", "orb-frontier", None);
        check_edge("orb-sim", "dependencies", "orb-crawl", None);
        check_edge(
            "orb-url",
            "dependencies",
            "orb-gate",
            Some(":4: error: `orb-url` (Words) may not"),
        );
        check_edge(
            "orb-frontier",
            "build-dependencies",
            "orb-crawl",
            Some("it points up"),
        );
        check_edge(
            "orb-gate",
            "dependencies",
            "orb-robots",
            Some("it stays on one floor"),
        );
        check_edge(
            "orb-crawl",
            "target.'cfg(unix)'.dependencies",
            "orb-cli",
            Some("it points up"),
        );
    }

    #[test]
    fn engines_do_not_know_each_other() {
        for section in ["dependencies", "dev-dependencies"] {
            check_edge(
                "orb-fetch",
                section,
                "orb-frontier",
                Some("engines do not know"),
            );
        }
    }

    #[test]
    fn tests_may_look_sideways_but_not_up() {
        check_edge("orb-gate", "dev-dependencies", "orb-robots", None);
        check_edge(
            "orb-gate",
            "dev-dependencies",
            "orb-sim",
            Some("it points up"),
        );
    }

    #[test]
    fn every_crate_stands_on_a_floor() {
        check_edge(
            "orb-new",
            "dependencies",
            "orb-url",
            Some(":1: error: `orb-new` stands on no floor"),
        );
        check_edge(
            "orb-crawl",
            "dependencies",
            "orb-new",
            Some(":4: error: `orb-new` stands on no floor"),
        );
    }

    #[test]
    fn outside_crates_are_not_judged_here() {
        check_edge("orb-url", "dependencies", "url", None);
        check_edge("xtask", "dependencies", "toml", None);
    }

    #[test]
    fn no_crate_stands_on_two_floors() {
        let mut names: Vec<&str> = FLOORS
            .iter()
            .flat_map(|(_, names)| names.iter().copied())
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
