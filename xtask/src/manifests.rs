//! `Cargo.toml` files: which crates there are and what each depends on, with lines.
//!
//! In: the tree. Out: [`Manifest`]s with their [`Dependency`]s, and findings for what a manifest must say.
//! May touch: nothing but its arguments. Must not touch: `cargo metadata`; the text alone decides, so that
//! checks run on small trees in memory.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::finding::Finding;
use crate::tree::Tree;

/// The crates where nobody matches on errors; everywhere else they are enums.
const ANYHOW_CRATES: [&str; 2] = ["orb-cli", "xtask"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DependencyKind {
    Normal,
    Build,
    Dev,
}

/// One line below `[dependencies]` or one of its siblings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dependency {
    /// The package's own name, also where the manifest renames it.
    pub(crate) package: String,
    pub(crate) kind: DependencyKind,
    pub(crate) line: usize,
    /// Version and features come from `[workspace.dependencies]`.
    inherited: bool,
}

/// One crate of the workspace.
#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    pub(crate) path: String,
    pub(crate) name: String,
    pub(crate) dependencies: Vec<Dependency>,
    inherits_lints: bool,
}

/// Reads `crates/*/Cargo.toml` and `xtask/Cargo.toml`; one that is no TOML becomes a finding.
pub(crate) fn read(tree: &Tree, findings: &mut Vec<Finding>) -> Vec<Manifest> {
    let mut manifests = Vec::new();
    for (path, text) in tree.files().filter(|(path, _)| is_member(path)) {
        match DeTable::parse(text) {
            Ok(table) => manifests.push(manifest(path, text, table.get_ref())),
            Err(error) => findings.push(unreadable(path, text, &error)),
        }
    }
    manifests
}

/// What every manifest must say: its folder's name, the workspace's lints, outside crates by way of the workspace,
/// and `anyhow` only in programs.
pub(crate) fn check(manifests: &[Manifest], findings: &mut Vec<Finding>) {
    for manifest in manifests {
        let path = manifest.path.as_str();
        let folder = path.trim_end_matches("/Cargo.toml").rsplit('/').next();
        if folder != Some(manifest.name.as_str()) {
            findings.push(Finding::error(
                path,
                1,
                format!(
                    "package `{}` lies in a folder of another name: rename one of them",
                    manifest.name
                ),
            ));
        }
        if !manifest.inherits_lints {
            findings.push(Finding::error(
                path,
                1,
                "the lints of the workspace do not apply: add `[lints]` with `workspace = true`",
            ));
        }
        for dependency in &manifest.dependencies {
            check_dependency(manifest, dependency, findings);
        }
    }
}

/// Every outside crate of `[workspace.dependencies]` says on its line why it is here.
pub(crate) fn check_reasons(tree: &Tree, findings: &mut Vec<Finding>) {
    const PATH: &str = "Cargo.toml";
    let Some(text) = tree.text(PATH) else {
        findings.push(Finding::error(
            PATH,
            1,
            "the workspace has no manifest: add it",
        ));
        return;
    };
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            findings.push(unreadable(PATH, text, &error));
            return;
        }
    };
    let dependencies = table
        .get_ref()
        .get("workspace")
        .and_then(|workspace| workspace.get_ref().get("dependencies"))
        .and_then(|dependencies| dependencies.get_ref().as_table());
    for (name, value) in dependencies.into_iter().flatten() {
        if value.get_ref().get("path").is_none() && !has_comment_after(text, value.span()) {
            findings.push(Finding::error(
                PATH,
                line_of(text, name.span().start),
                format!(
                    "`{}` has no reason: end its line with `# why it is here`",
                    name.get_ref()
                ),
            ));
        }
    }
}

fn check_dependency(manifest: &Manifest, dependency: &Dependency, findings: &mut Vec<Finding>) {
    let package = dependency.package.as_str();
    if package == "anyhow" && !ANYHOW_CRATES.contains(&manifest.name.as_str()) {
        findings.push(Finding::error(
            &manifest.path,
            dependency.line,
            "`anyhow` is for programs: give this crate error enums (`thiserror`) that callers can match on",
        ));
    }
    if !dependency.inherited {
        findings.push(Finding::error(
            &manifest.path,
            dependency.line,
            format!("`{package}` names its own source: list it in the workspace with its reason, write `{package}.workspace = true`"),
        ));
    }
}

fn is_member(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    matches!(
        parts[..],
        ["crates", _, "Cargo.toml"] | ["xtask", "Cargo.toml"]
    )
}

fn manifest(path: &str, text: &str, table: &DeTable<'_>) -> Manifest {
    let name = table
        .get("package")
        .and_then(|package| package.get_ref().get("name"))
        .and_then(|name| name.get_ref().as_str())
        .unwrap_or_default();
    let inherits_lints = table
        .get("lints")
        .and_then(|lints| lints.get_ref().get("workspace"))
        .and_then(|inherits| inherits.get_ref().as_bool());
    let mut dependencies = Vec::new();
    collect(text, table, &mut dependencies);
    let platforms = table
        .get("target")
        .and_then(|target| target.get_ref().as_table());
    for (_, platform) in platforms.into_iter().flatten() {
        if let Some(platform) = platform.get_ref().as_table() {
            collect(text, platform, &mut dependencies);
        }
    }
    Manifest {
        path: path.to_owned(),
        name: name.to_owned(),
        dependencies,
        inherits_lints: inherits_lints == Some(true),
    }
}

fn collect(text: &str, table: &DeTable<'_>, dependencies: &mut Vec<Dependency>) {
    for (section, kind) in [
        ("dependencies", DependencyKind::Normal),
        ("build-dependencies", DependencyKind::Build),
        ("dev-dependencies", DependencyKind::Dev),
    ] {
        let section = table
            .get(section)
            .and_then(|section| section.get_ref().as_table());
        for (key, value) in section.into_iter().flatten() {
            let value: &DeValue<'_> = value.get_ref();
            let field = |name: &str| value.get(name).map(Spanned::get_ref);
            dependencies.push(Dependency {
                package: field("package")
                    .and_then(DeValue::as_str)
                    .unwrap_or(key.get_ref())
                    .to_owned(),
                kind,
                line: line_of(text, key.span().start),
                inherited: field("workspace").and_then(DeValue::as_bool) == Some(true),
            });
        }
    }
}

fn unreadable(path: &str, text: &str, error: &toml::de::Error) -> Finding {
    let line = error.span().map_or(1, |span| line_of(text, span.start));
    Finding::error(
        path,
        line,
        format!("no valid TOML, mend it: {}", error.message()),
    )
}

fn has_comment_after(text: &str, value: Range<usize>) -> bool {
    let rest = text.get(value.end..).unwrap_or_default();
    rest.lines().next().is_some_and(|rest| {
        rest.split_once('#')
            .is_some_and(|(_, reason)| !reason.trim().is_empty())
    })
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text
        .bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[package]\nname = \"orb-url\"\n[dependencies]\nurl.workspace = true\n[lints]\nworkspace = true\n";

    fn check_crate(manifest: &str, expected: &[&str]) {
        let tree = Tree::of(&[("crates/orb-url/Cargo.toml", manifest)]);
        let mut findings = Vec::new();
        let manifests = read(&tree, &mut findings);
        check(&manifests, &mut findings);
        assert_findings(&findings, expected);
    }

    fn check_workspace(manifest: &str, expected: &[&str]) {
        let mut findings = Vec::new();
        check_reasons(&Tree::of(&[("Cargo.toml", manifest)]), &mut findings);
        assert_findings(&findings, expected);
    }

    fn assert_findings(findings: &[Finding], expected: &[&str]) {
        let found: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "{found} lacks {expected}");
        }
    }

    #[test]
    fn a_manifest_as_it_should_be_is_left_alone() {
        check_crate(GOOD, &[]);
    }

    #[test]
    fn folder_and_package_share_a_name() {
        check_crate(&GOOD.replace("orb-url", "orb-uri"), &["package `orb-uri`"]);
    }

    #[test]
    fn the_lints_of_the_workspace_apply_to_every_crate() {
        check_crate(
            "[package]\nname = \"orb-url\"\n",
            &["crates/orb-url/Cargo.toml:1: error: the lints"],
        );
    }

    #[test]
    fn anyhow_is_for_programs() {
        for section in [
            "dependencies",
            "dev-dependencies",
            "target.'cfg(unix)'.dependencies",
        ] {
            let text = format!("{GOOD}\n[{section}]\nanyhow.workspace = true\n")
                .replace("[dependencies]\nurl.workspace = true\n", "");
            check_crate(&text, &[":7: error: `anyhow` is for programs"]);
        }
        let program = GOOD
            .replace("orb-url", "xtask")
            .replace("url.w", "anyhow.w");
        let tree = Tree::of(&[("xtask/Cargo.toml", program.as_str())]);
        let mut findings = Vec::new();
        let manifests = read(&tree, &mut findings);
        check(&manifests, &mut findings);
        assert_eq!(findings, []);
    }

    #[test]
    fn versions_stand_in_the_workspace_only() {
        check_crate(
            &GOOD.replace("url.workspace = true", "url = \"2\""),
            &[":4: error: `url` names its own"],
        );
    }

    #[test]
    fn a_renamed_dependency_keeps_its_package() {
        let text = GOOD.replace(
            "url.workspace = true",
            "any = { package = \"anyhow\", workspace = true }",
        );
        check_crate(&text, &["`anyhow` is for programs"]);
    }

    #[test]
    fn a_broken_manifest_is_a_finding() {
        check_crate(
            "[package]\nname = \n",
            &["crates/orb-url/Cargo.toml:2: error: no valid TOML"],
        );
    }

    #[test]
    fn outside_crates_say_why_they_are_here() {
        check_workspace(
            "[workspace.dependencies]\norb-url = { path = \"crates/orb-url\" }\nurl = \"2\" # the URL Standard\n",
            &[],
        );
        check_workspace(
            "[workspace.dependencies]\nurl = \"2\"\n",
            &["Cargo.toml:2: error: `url` has no reason"],
        );
        check_workspace(
            "[workspace.dependencies]\nurl = \"2\" #\n",
            &["`url` has no reason"],
        );
        check_workspace(
            "[workspace.dependencies]\nurl = { version = \"2\", features = [\n  \"serde\", # no reason\n] }\n",
            &["`url` has no reason"],
        );
    }
}
