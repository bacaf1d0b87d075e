//! What a crawl's folder is: `state/crawl.json`.
//!
//! In: the folder. Out: format, key, slots, suffix list, and the settings of each run.
//! May touch: that one file. Invariant: key and slots never change; a newer format is refused.

use std::path::PathBuf;

use orb_api::{CrawlDir, FORMAT_VERSION};
use orb_env::{Disk, Entropy, Stamp};
use orb_gate::PolitenessConfig;
use orb_shard::SlotMap;
use orb_url::{CrawlKey, PSL_VERSION};
use serde::de::Error as _;
use serde::{Deserialize, Serialize};

use crate::earlier::absolute;
use crate::seed_lists::SeedList;
use crate::{CrawlConfig, CrawlError, Keep};

/// The identity file's content.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CrawlIdentity {
    /// Format of everything in the folder that is not a public format.
    pub format: u32,
    /// Key of fingerprints and partitions, hexadecimal. It must travel with the folder.
    pub key: String,
    /// Number of slots.
    pub slots: u8,
    /// Version of the public suffix list sites were derived with.
    pub suffix_list: String,
    /// The settings of each run that an audit needs, oldest first.
    pub runs: Vec<RunSettings>,
    /// The lists of seeds it was given, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seed_lists: Vec<SeedList>,
}

/// Settings of one run that an audit needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSettings {
    /// When it began.
    pub started: Stamp,
    /// Product token robots.txt was judged for.
    pub product: String,
    /// Attempts of one URL.
    pub attempts_max: u8,
    /// Statuses that were archived; empty means all.
    #[serde(default)]
    pub statuses: Vec<u16>,
    /// What was kept of responses: `full`, `text` or `none`; absent in runs before it was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<Keep>,
    /// Earlier archives that revisits may refer to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revisits_of: Vec<PathBuf>,
    /// How hard sites could be pressed.
    pub politeness: PolitenessConfig,
}

impl RunSettings {
    pub(crate) fn of(config: &CrawlConfig, started: Stamp) -> Result<RunSettings, CrawlError> {
        Ok(RunSettings {
            started,
            product: config.identity.product.clone(),
            attempts_max: config.limits.attempts_max,
            statuses: config.archive.statuses.clone(),
            keep: Some(config.archive.keep),
            revisits_of: absolute(&config.archive.revisits_of)?,
            politeness: config.politeness.clone(),
        })
    }
}

/// Runs remembered; an audit of older ones judges by the oldest kept.
const RUNS_MAX: usize = 1_000;

impl CrawlIdentity {
    pub(crate) fn fresh(
        config: &CrawlConfig,
        entropy: &dyn Entropy,
        cores: usize,
    ) -> CrawlIdentity {
        let slots = match config.slots {
            0 => SlotMap::for_cores(cores).slots(),
            slots => slots,
        };
        CrawlIdentity {
            format: FORMAT_VERSION,
            key: CrawlKey::new(entropy.bytes16()).to_hex(),
            slots,
            suffix_list: PSL_VERSION.to_owned(),
            runs: Vec::new(),
            seed_lists: Vec::new(),
        }
    }

    /// The identity of a folder that takes partitions of the crawl with this key.
    pub(crate) fn of_key(key: &str, cores: usize) -> CrawlIdentity {
        CrawlIdentity {
            format: FORMAT_VERSION,
            key: key.to_owned(),
            slots: SlotMap::for_cores(cores).slots(),
            suffix_list: PSL_VERSION.to_owned(),
            runs: Vec::new(),
            seed_lists: Vec::new(),
        }
    }

    /// Reads the folder's identity; `None` when there is no crawl yet.
    ///
    /// # Errors
    /// When it cannot be read, or is of another format or another suffix list.
    pub fn read(disk: &dyn Disk, dir: &CrawlDir) -> Result<Option<CrawlIdentity>, CrawlError> {
        let file = dir.identity();
        let bytes = match disk.read_all(&file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(CrawlError::file("read", &file)(error)),
        };
        let wrong = |source| CrawlError::Identity {
            file: file.clone(),
            source,
        };
        // The version is judged before the rest is understood.
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let Version { format } = serde_json::from_slice(&bytes).map_err(wrong)?;
        if format > FORMAT_VERSION {
            let dir = dir.root().to_path_buf();
            return Err(CrawlError::NewerFormat {
                dir,
                found: format,
                known: FORMAT_VERSION,
            });
        }
        if format < FORMAT_VERSION {
            let dir = dir.root().to_path_buf();
            return Err(CrawlError::OlderFormat {
                dir,
                found: format,
                known: FORMAT_VERSION,
            });
        }
        let identity: CrawlIdentity = serde_json::from_slice(&bytes).map_err(wrong)?;
        if CrawlKey::from_hex(&identity.key).is_none() {
            let told = serde_json::Error::custom("the crawl's key is not 32 hex digits");
            return Err(wrong(told));
        }
        if identity.suffix_list != PSL_VERSION {
            let (dir, found) = (dir.root().to_path_buf(), identity.suffix_list);
            return Err(CrawlError::SuffixList {
                dir,
                found,
                known: PSL_VERSION,
            });
        }
        Ok(Some(identity))
    }

    pub(crate) fn write(
        &mut self,
        disk: &dyn Disk,
        dir: &CrawlDir,
        run: RunSettings,
    ) -> Result<(), CrawlError> {
        self.runs.push(run);
        let excess = self.runs.len().saturating_sub(RUNS_MAX);
        self.runs.drain(..excess);
        self.store(disk, dir)
    }

    /// Writes it as it is.
    pub(crate) fn store(&self, disk: &dyn Disk, dir: &CrawlDir) -> Result<(), CrawlError> {
        let text = serde_json::to_vec_pretty(self).expect("the identity has only plain keys");
        disk.replace(&dir.identity(), &text)
            .map_err(CrawlError::file("write", &dir.identity()))
    }

    /// The key of fingerprints and partitions.
    #[must_use]
    pub fn crawl_key(&self) -> CrawlKey {
        CrawlKey::from_hex(&self.key).unwrap_or(CrawlKey::ZERO)
    }

    /// Which slot owns what.
    ///
    /// # Errors
    /// When the number of slots cannot be.
    pub fn slot_map(&self) -> Result<SlotMap, CrawlError> {
        SlotMap::new(self.slots).map_err(|error| {
            CrawlError::Config(crate::ConfigError {
                key: "slots",
                problem: error.to_string(),
            })
        })
    }
}
