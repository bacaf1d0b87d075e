//! `cargo xtask alerts`: the alerts are sound, tested, and lead somewhere.
//!
//! In: `docs/alerts/`, the reference of metrics. Out: findings; what promtool says, where it is installed.
//! May touch: files of the checkout, reading; promtool as a child process.
//! Invariant: every alert has a section in the runbook, and every metric of ours in a rule is one that is defined.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Context as _;

const FOLDER: &str = "docs/alerts";

/// Checks rules, runbook and names, then runs promtool.
pub(crate) fn run(root: &Path) -> anyhow::Result<ExitCode> {
    let folder = root.join(FOLDER);
    let read =
        |path: &Path| fs::read_to_string(path).with_context(|| format!("read {}", path.display()));
    let rules = read(&folder.join("orb.rules.yml"))?;
    let runbook = read(&folder.join("README.md"))?;
    let tests = read(&folder.join("orb.test.yml"))?;
    let reference = read(&root.join("docs/reference/metrics.md"))?;
    let findings = findings(&rules, &runbook, &tests, &reference);
    for finding in &findings {
        println!("{FOLDER}: {finding}");
    }
    let mut good = findings.is_empty();
    for arguments in [
        ["check", "rules", "orb.rules.yml"],
        ["test", "rules", "orb.test.yml"],
    ] {
        let ran = Command::new("promtool")
            .args(arguments)
            .current_dir(&folder)
            .status();
        match ran {
            Ok(status) => good &= status.success(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                println!("promtool is not installed (Debian: prometheus), so rules were not run");
                break;
            }
            Err(error) => return Err(error).context("run promtool"),
        }
    }
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn findings(rules: &str, runbook: &str, tests: &str, reference: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let after = |line: &str, key: &str| line.trim().strip_prefix(key).map(str::to_owned);
    for name in rules.lines().filter_map(|line| after(line, "- alert: ")) {
        if !runbook.contains(&format!("\n## {name}\n")) {
            findings.push(format!("{name} has no section in README.md"));
        }
        if !rules.contains(&format!("README.md#{}\n", name.to_lowercase())) {
            findings.push(format!(
                "{name} has no runbook_url that leads to its section"
            ));
        }
        if !tests.contains(&format!("alertname: {name}\n")) {
            findings.push(format!("{name} has no test in orb.test.yml"));
        }
    }
    for metric in rules
        .lines()
        .filter_map(|line| after(line, "expr: "))
        .flat_map(|text| metrics(&text))
    {
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|suffix| metric.strip_suffix(suffix))
            .unwrap_or(&metric);
        if !reference.contains(&format!("| `{family}` |")) {
            findings.push(format!("no metric is called {metric}"));
        }
    }
    findings
}

/// The names of ours in an expression.
fn metrics(expression: &str) -> BTreeSet<String> {
    expression
        .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| word.starts_with("orb_") || word.starts_with("process_"))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_without_runbook_test_or_metric_are_found() {
        let rules = "  - alert: OrbX\n    expr: rate(orb_x_total[1m]) > orb_y\n    runbook_url: a/README.md#orbx\n";
        let good = findings(
            rules,
            "\n## OrbX\n",
            "alertname: OrbX\n",
            "| `orb_x_total` |\n| `orb_y` |",
        );
        assert_eq!(good, Vec::<String>::new());
        let bad = findings(rules, "", "", "| `orb_y` |");
        assert_eq!(bad.len(), 3, "{bad:?}");
        assert!(bad[2].contains("orb_x_total"), "{bad:?}");
    }
}
