//! The text files of a checkout, held in memory.
//!
//! In: a folder, or (in tests) pairs of path and text. Out: paths relative to the root, with `/`, sorted.
//! May touch: files below the root, reading only.
//! Invariant: build output and hidden folders are never in the tree, so a check sees only what people wrote.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

/// Files a check may want to read. Others (binaries, images) are not loaded.
const EXTENSIONS: [&str; 3] = ["rs", "toml", "md"];

/// Path below the root to the file's text.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// Reads every source, manifest and document below `root`.
    pub(crate) fn load(root: &Path) -> anyhow::Result<Self> {
        let mut tree = Self::default();
        tree.load_folder(root, "")?;
        Ok(tree)
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self {
            files: files
                .iter()
                .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
                .collect(),
        }
    }

    /// All files as (path, text), sorted by path.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    fn load_folder(&mut self, folder: &Path, prefix: &str) -> anyhow::Result<()> {
        let entries = fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("list {}", folder.display()))?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let path = format!("{prefix}{name}");
            let kind = entry
                .file_type()
                .with_context(|| format!("look at {path}"))?;
            if kind.is_dir() {
                if !is_output(prefix, name) {
                    self.load_folder(&entry.path(), &format!("{path}/"))?;
                }
            } else if kind.is_file() && has_text(name) {
                let text =
                    fs::read_to_string(entry.path()).with_context(|| format!("read {path}"))?;
                self.files.insert(path, text);
            }
        }
        Ok(())
    }
}

/// Build output, hidden folders, and the crawls that people leave at the top (`.gitignore` names the same).
fn is_output(prefix: &str, name: &str) -> bool {
    name == "target" || name.starts_with('.') || (prefix.is_empty() && name.starts_with("orb-"))
}

fn has_text(name: &str) -> bool {
    Path::new(name)
        .extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| EXTENSIONS.contains(&extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_checkout_is_read_without_its_output() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let tree = Tree::load(root).unwrap();
        assert!(tree.text("src/tree.rs").is_some());
        assert!(tree.text("Cargo.toml").is_some());
        assert!(tree.files().all(|(path, _)| !path.starts_with("target/")));
    }

    #[test]
    fn output_folders_are_known_by_name_and_place() {
        assert!(is_output("", "target"));
        assert!(is_output("crates/orb-url/fuzz/", "target"));
        assert!(is_output("", ".git"));
        assert!(is_output("", "orb-example.org"));
        assert!(!is_output("crates/", "orb-url"));
    }
}
