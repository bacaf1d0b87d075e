//! The settings and URL rules of a crawl's last run, kept in its folder for those who ask about it later.
//!
//! In: what a run was given. Out: the same, from a folder nobody works on. May touch: one file in `state/`.
//! Must not touch: how a run goes: nothing of this is read by a crawl.
//! Invariant: a folder without the file, or with one of another version, has no last run that is known.

use std::collections::BTreeMap;
use std::path::PathBuf;

use orb_api::CrawlDir;
use orb_crawl::CrawlConfig;
use orb_env::{Disk, KernelDisk};
use orb_frontier::UrlRules;
use orb_metrics::happened;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a run was given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct LastRun {
    /// Settings in force.
    pub(crate) config: CrawlConfig,
    /// Lines of all files of `--exclude`.
    #[serde(default)]
    exclude: Vec<String>,
}

impl LastRun {
    /// What a run with these settings and lines of rules is given.
    pub(crate) fn of(config: &CrawlConfig, exclude: &[String]) -> LastRun {
        LastRun {
            config: config.clone(),
            exclude: exclude.to_vec(),
        }
    }

    /// Tells the log which settings are others than in the run before.
    pub(crate) fn tell_changes(&self, before: Option<&LastRun>) {
        let changes = before.map_or_else(Vec::new, |before| changes(before, self));
        if !changes.is_empty() {
            happened!(SettingsChanged, settings = %changes.join(", "));
        }
    }

    /// Writes it into the folder. A crawl goes on without: only questions need it.
    pub(crate) fn keep(&self, dir: &CrawlDir) {
        let text = serde_json::to_vec_pretty(self).expect("settings have only plain keys");
        if let Err(error) = KernelDisk.replace(&place(dir), &text) {
            tracing::warn!(%error, "settings of this run could not be kept");
        }
    }

    /// Reads it from the folder; `None` when it is not there or cannot be understood.
    pub(crate) fn read(dir: &CrawlDir) -> Option<LastRun> {
        let bytes = KernelDisk.read_all(&place(dir)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// The rules; lines that are none were refused when the run began.
    pub(crate) fn rules(&self) -> UrlRules {
        let mut rules = UrlRules::default();
        for line in &self.exclude {
            if let Err(error) = rules.add(line) {
                tracing::warn!(%error, "line of the last run's rules was passed over");
            }
        }
        rules
    }
}

/// Each setting that changed, `key=value` with its new value.
fn changes(before: &LastRun, now: &LastRun) -> Vec<String> {
    let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
    for (run, all) in [(before, &mut old), (now, &mut new)] {
        let json = serde_json::to_value(run).expect("settings have only plain keys");
        flatten("", &json, all);
    }
    let named = new
        .iter()
        .filter(|(key, value)| old.get(*key) != Some(*value));
    let gone = old.keys().filter(|key| !new.contains_key(*key));
    let words = named.map(|(key, value)| format!("{key}={value}"));
    words
        .chain(gone.map(|key| format!("{key} unset")))
        .collect()
}

fn flatten(name: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    let Value::Object(parts) = value else {
        let key = name.strip_prefix("config.").unwrap_or(name);
        into.insert(key.to_owned(), value.to_string());
        return;
    };
    for (part, value) in parts {
        let dot = if name.is_empty() { "" } else { "." };
        flatten(&format!("{name}{dot}{part}"), value, into);
    }
}

fn place(dir: &CrawlDir) -> PathBuf {
    dir.state().join("last-run.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_remembered_with_its_rules() {
        let root = tempfile::tempdir().unwrap();
        let dir = CrawlDir::new(root.path());
        assert_eq!(LastRun::read(&dir), None);
        KernelDisk.create_dir_all(&dir.state()).unwrap();
        let lines = ["# ours", "example.com", "*.pdf"].map(str::to_owned);
        let mut config = CrawlConfig::default();
        config.frontier.depth_max = 7;
        let run = LastRun::of(&config, &lines);
        run.keep(&dir);
        let read = LastRun::read(&dir).unwrap();
        assert_eq!(read, run);
        let mut other = config.clone();
        other.frontier.depth_max = 8;
        let other = LastRun::of(&other, &lines);
        assert_eq!(changes(&run, &other), ["frontier.depth_max=8"]);
        assert!(changes(&run, &read).is_empty());
        let url = |text| orb_url::CrawlUrl::parse(text).unwrap();
        assert!(read.rules().stop(&url("https://www.example.com/")));
        assert!(!read.rules().stop(&url("https://example.org/")));
        std::fs::write(place(&dir), "{\"config\":{\"no_such\":1}}").unwrap();
        assert_eq!(LastRun::read(&dir), None);
    }
}
