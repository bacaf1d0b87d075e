//! Says which commit is built: `ORB_COMMIT` of the environment, else what the repository's own files say.
//!
//! In: `.git`, if there is one. Out: `ORB_COMMIT` for the compiler. May touch: files, reading; no git is needed.

use std::fs;
use std::path::{Path, PathBuf};

#[allow(
    clippy::disallowed_methods,
    reason = "a build script hears by the environment what is built"
)]
fn main() {
    println!("cargo:rerun-if-env-changed=ORB_COMMIT");
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.git");
    let given = std::env::var("ORB_COMMIT").ok();
    if let Some(commit) = given.or_else(|| commit_of(&repository)) {
        println!("cargo:rustc-env=ORB_COMMIT={commit}");
    }
}

/// What HEAD names, which is a commit or a branch; a branch is in a file of its own or among the packed ones.
fn commit_of(repository: &Path) -> Option<String> {
    let repository = folder_of(repository)?;
    let head = read(&repository.join("HEAD"))?;
    let Some(branch) = head.trim().strip_prefix("ref: ") else {
        return Some(head.trim().to_owned());
    };
    // A work tree keeps its own HEAD, and branches where the repository is.
    let common = fs::read_to_string(repository.join("commondir"));
    let common = common.map_or(repository.clone(), |path| repository.join(path.trim()));
    if let Some(commit) = read(&common.join(branch)) {
        return Some(commit.trim().to_owned());
    }
    let packed = read(&common.join("packed-refs"))?;
    let line = packed.lines().find(|line| line.ends_with(branch))?;
    line.split_whitespace().next().map(str::to_owned)
}

/// The repository's folder; in a work tree `.git` is a file that names it.
fn folder_of(repository: &Path) -> Option<PathBuf> {
    if repository.is_dir() {
        return Some(repository.to_owned());
    }
    let named = fs::read_to_string(repository).ok()?;
    let named = Path::new(named.trim().strip_prefix("gitdir: ")?);
    Some(repository.parent()?.join(named))
}

fn read(file: &Path) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    println!("cargo:rerun-if-changed={}", file.display());
    Some(text)
}
