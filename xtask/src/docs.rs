//! `cargo xtask docs`: the pages of `docs/reference/` that the program writes about itself.
//!
//! In: the program `orb`, built here. Out: the pages. May touch: `docs/reference/`, one child process for each page.
//! Invariant: a page is replaced only by one that was made whole; a test of `orb-cli` compares both.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Context as _;

/// Each page, and the arguments of `orb` that print it.
const PAGES: [(&str, &[&str]); 3] = [
    ("commands.md", &["man", "--markdown"]),
    ("metrics.md", &["man", "--metrics"]),
    ("settings.md", &["config", "keys", "--markdown"]),
];

/// Writes every page anew.
pub(crate) fn run(root: &Path) -> anyhow::Result<ExitCode> {
    let folder = root.join("docs/reference");
    fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    for (name, arguments) in PAGES {
        let made = Command::new("cargo")
            .args(["run", "--quiet", "--package", "orb-cli", "--"])
            .args(arguments)
            .current_dir(root)
            .output()
            .context("run cargo")?;
        anyhow::ensure!(
            made.status.success(),
            "orb {} failed: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&made.stderr)
        );
        let path = folder.join(name);
        fs::write(&path, &made.stdout).with_context(|| format!("write {}", path.display()))?;
        println!("docs/reference/{name}: {} bytes", made.stdout.len());
    }
    Ok(ExitCode::SUCCESS)
}
