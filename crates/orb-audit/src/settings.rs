//! What the crawl was told, as far as its promises depend on it.
//!
//! In: the settings a crawl stored in `state/crawl.json`, run by run. Out: the settings in force at an instant.
//! May touch: that one file, for reading. Must not touch: settings files of the user, the environment.
//! Invariant: where settings changed, a request is held against the mildest that its permit can have been given under.

use std::io;
use std::path::{Path, PathBuf};

use orb_api::CrawlDir;
use orb_env::{Disk, Stamp, Wall};
use orb_gate::PolitenessConfig;
use serde::{Deserialize, Serialize};

use crate::error::AuditError;
use crate::limits::SETTINGS_TOLERANCE;

/// Tells the permission bits of a folder (`0o700`); the [`orb_env::Disk`] does not know them.
pub type FolderMode = fn(&Path) -> io::Result<u32>;

/// Settings that hold from an instant on: one for each run, and one for each change while it ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSettings {
    /// From when.
    pub started: Stamp,
    /// How hard sites and addresses might be pressed.
    pub politeness: PolitenessConfig,
}

/// What the audit holds a crawl against.
#[derive(Clone, Debug)]
pub struct AuditSettings {
    /// The agent token that robots groups were chosen by.
    pub product_token: String,
    /// Oldest first. Without any, only what the rows themselves claim is checked.
    pub runs: Vec<RunSettings>,
    /// Statuses whose answers are archived, as classes (`2`) or codes (`404`); empty means every answer.
    pub statuses: Vec<u16>,
    /// The crawl was killed and not opened since: what lies past the committed lengths is counted, not condemned.
    pub awaiting_recovery: bool,
    /// Version of the public suffix list the crawl stored; sites are derived anew only when it is ours.
    pub suffix_list: Option<String>,
    /// Earlier archives that revisits may refer to, of all runs.
    pub revisits_of: Vec<PathBuf>,
    /// How to ask for a folder's mode; without it modes are not checked.
    pub folder_mode: Option<FolderMode>,
}

impl Default for AuditSettings {
    fn default() -> Self {
        AuditSettings {
            product_token: "orbweaver".to_owned(),
            runs: Vec::new(),
            statuses: Vec::new(),
            awaiting_recovery: false,
            suffix_list: None,
            revisits_of: Vec::new(),
            folder_mode: None,
        }
    }
}

/// What the audit reads of a crawl's identity file.
#[derive(Deserialize)]
struct StoredIdentity {
    #[serde(default)]
    suffix_list: Option<String>,
    runs: Vec<StoredRun>,
}

#[derive(Deserialize)]
struct StoredRun {
    product: String,
    #[serde(default)]
    statuses: Vec<u16>,
    #[serde(default)]
    revisits_of: Vec<PathBuf>,
    #[serde(flatten)]
    settings: RunSettings,
}

impl AuditSettings {
    /// The settings a crawl stored with its identity.
    ///
    /// # Errors
    /// When the file is missing or is no identity file.
    pub fn stored(disk: &dyn Disk, dir: &CrawlDir) -> Result<AuditSettings, AuditError> {
        let path = dir.identity();
        let bytes = disk.read_all(&path).map_err(AuditError::disk(&path))?;
        let identity: StoredIdentity = serde_json::from_slice(&bytes)
            .map_err(|source| AuditError::Identity { path, source })?;
        let mut settings = AuditSettings {
            suffix_list: identity.suffix_list,
            ..AuditSettings::default()
        };
        for run in identity.runs {
            settings.product_token = run.product;
            settings.statuses = run.statuses;
            for path in run.revisits_of {
                if !settings.revisits_of.contains(&path) {
                    settings.revisits_of.push(path);
                }
            }
            settings.runs.push(run.settings);
        }
        Ok(settings)
    }

    /// Settings of a crawl that had one set of politeness rules all the time.
    #[must_use]
    pub fn of(product_token: &str, politeness: PolitenessConfig) -> AuditSettings {
        AuditSettings {
            product_token: product_token.to_owned(),
            runs: vec![RunSettings {
                started: Stamp {
                    wall: Wall(i64::MIN),
                    ..Stamp::default()
                },
                politeness,
            }],
            ..AuditSettings::default()
        }
    }

    /// Whether an answer with this status must be in the archive.
    pub(crate) fn archives(&self, status: u16) -> bool {
        self.statuses.is_empty()
            || self
                .statuses
                .iter()
                .any(|&kept| kept == status || kept == status / 100)
    }

    /// Every set of rules that the permit of a request beginning at `start` can have been given under; never empty
    /// unless no run is known.
    pub(crate) fn politeness_at(&self, start: Wall) -> impl Iterator<Item = &PolitenessConfig> {
        let begun = self.runs.partition_point(|run| run.started.wall <= start);
        let earliest = Wall(
            start
                .0
                .saturating_sub(SETTINGS_TOLERANCE.as_micros() as i64),
        );
        let first = self
            .runs
            .partition_point(|run| run.started.wall <= earliest)
            .saturating_sub(1);
        // A wall clock that was set back can put a request before every run: the first one's rules hold then.
        let end = begun.max(1).min(self.runs.len());
        self.runs[first.min(end)..end]
            .iter()
            .map(|run| &run.politeness)
    }

    /// The least number of microseconds that `rule` asks for among the settings that may have held at `start`.
    pub(crate) fn least_at(&self, start: Wall, rule: impl Fn(&PolitenessConfig) -> u64) -> u64 {
        self.politeness_at(start).map(rule).min().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_env::MemoryDisk;
    use std::time::Duration;

    #[test]
    fn around_a_change_the_milder_settings_are_asked_for() {
        let run = |started, seconds| RunSettings {
            started: Stamp {
                wall: Wall(started),
                ..Stamp::default()
            },
            politeness: PolitenessConfig {
                site_delay: Duration::from_secs(seconds),
                ..PolitenessConfig::default()
            },
        };
        let settings = AuditSettings {
            runs: vec![run(10_000_000, 5), run(20_000_000, 9)],
            ..AuditSettings::default()
        };
        let least = |at| settings.least_at(Wall(at), |rules| rules.site_delay.as_secs());
        assert_eq!(least(0), 5, "before every run");
        assert_eq!(least(15_000_000), 5);
        assert_eq!(
            least(21_000_000),
            5,
            "the permit may be older than the change"
        );
        assert_eq!(least(22_000_001), 9);
        assert_eq!(
            AuditSettings::default().least_at(Wall(0), |_| 7),
            0,
            "no run known"
        );
    }

    #[test]
    fn settings_are_read_from_the_identity_of_the_crawl() {
        let (disk, dir) = (MemoryDisk::new(), CrawlDir::new("/crawl"));
        let run = |product: &str, delay: &str| {
            serde_json::json!({
                "started": Stamp::default(), "product": product, "attempts_max": 3,
                "politeness": { "site_delay": delay },
            })
        };
        let identity = serde_json::json!({
            "format": 1, "key": "00", "slots": 4, "suffix_list": "2.1",
            "runs": [run("orbweaver", "1s"), run("orbtwo", "7s")],
        });
        disk.replace(&dir.identity(), identity.to_string().as_bytes())
            .unwrap();
        let settings = AuditSettings::stored(&disk, &dir).unwrap();
        assert_eq!(
            (settings.product_token.as_str(), settings.runs.len()),
            ("orbtwo", 2)
        );
        assert_eq!(
            settings.runs[1].politeness.site_delay,
            Duration::from_secs(7)
        );
        assert_eq!(settings.suffix_list.as_deref(), Some("2.1"));
        assert!(matches!(
            AuditSettings::stored(&disk, &CrawlDir::new("/none")),
            Err(AuditError::Disk { .. })
        ));
    }
}
