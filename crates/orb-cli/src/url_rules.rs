//! `--exclude FILE`: the operator's URL rules, one a line.
//!
//! In: files. Out: rules, or the first line that is none, by file and line.
//! May touch: the files. Must not touch: what a rule means.

use std::path::PathBuf;

use orb_frontier::UrlRules;

use crate::exit::Failure;
use crate::terminal::harmless;

/// Reads all files into one set of rules. Returns their lines too, to be kept: a file may be gone or changed later.
pub(crate) fn read(files: &[PathBuf]) -> Result<(UrlRules, Vec<String>), Failure> {
    let mut rules = UrlRules::default();
    let mut lines = Vec::new();
    for path in files {
        let text = crate::settings_args::read_text(path)?;
        for (number, line) in text.lines().enumerate() {
            rules.add(line).map_err(|error| {
                let message = harmless(&error.to_string());
                Failure::usage_text(format!("{}:{}: {message}", path.display(), number + 1))
            })?;
            lines.push(line.to_owned());
        }
    }
    Ok((rules, lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_no_rule_is_named_by_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("exclude.txt");
        std::fs::write(&path, "# ours\nexample.com\nnot a rule\n").unwrap();
        let failure = read(std::slice::from_ref(&path)).unwrap_err();
        let message = failure.error.to_string();
        assert!(
            message.starts_with(&format!("{}:3: ", path.display())),
            "{message}"
        );
        std::fs::write(&path, "example.com\n").unwrap();
        let (rules, lines) = read(&[path]).unwrap();
        assert_eq!(lines, ["example.com"]);
        assert!(rules.stop(&orb_url::CrawlUrl::parse("https://www.example.com/a").unwrap()));
    }
}
