//! Settings of a whole crawl.
//!
//! In: the settings file, through the program. Out: values, checked.
//! May touch: nothing. Must not touch: files, the environment.
//! Invariant: every default is bounded and polite.

use std::time::Duration;

use orb_api::{Bounds, ByteSize};
use orb_fetch::{DnsConfig, FetchConfig, GuardConfig};
use orb_frontier::FrontierConfig;
use orb_gate::PolitenessConfig;
use serde::{Deserialize, Serialize};

/// Everything a crawl can be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CrawlConfig {
    /// Memory of the process. Each part has its share.
    pub memory_max: ByteSize,
    /// Bytes of the crawl's folder; 0 sets no bound but the file system's watermark.
    pub disk_max: ByteSize,
    /// Intake stops when the file system has less room than this, and goes on when there is more again.
    pub disk_free_min: ByteSize,
    /// Open files and sockets of the process.
    pub files_max: u64,
    /// Shards, one core each; 0 means all cores.
    pub threads: u16,
    /// Slots of a new crawl, a power of two from 4 to 64; 0 derives it from the cores. Fixed at creation.
    pub slots: u8,
    /// Who crawls.
    pub identity: IdentityConfig,
    /// When a crawl ends by itself, and what one URL may cost.
    pub limits: LimitsConfig,
    /// How hard sites may be pressed.
    pub politeness: PolitenessConfig,
    /// What is wanted.
    pub frontier: FrontierConfig,
    /// Fetching.
    pub fetch: FetchConfig,
    /// Resolving names.
    pub dns: DnsConfig,
    /// Addresses that may be dialled.
    pub guard: GuardConfig,
    /// What is kept.
    pub archive: ArchiveConfig,
}

impl Default for CrawlConfig {
    fn default() -> Self {
        CrawlConfig {
            memory_max: ByteSize::gib(2),
            disk_max: ByteSize(0),
            disk_free_min: ByteSize::mib(512),
            files_max: 65_536,
            threads: 0,
            slots: 0,
            identity: IdentityConfig::default(),
            limits: LimitsConfig::default(),
            politeness: PolitenessConfig::default(),
            frontier: FrontierConfig::default(),
            fetch: FetchConfig::default(),
            dns: DnsConfig::default(),
            guard: GuardConfig::default(),
            archive: ArchiveConfig::default(),
        }
    }
}

/// Who crawls: what a site owner sees and can write to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityConfig {
    /// Product token: what robots.txt groups are matched against, and the first word of `User-Agent`.
    pub product: String,
    /// Mail address or page of whoever answers for the crawl. Required for public addresses.
    pub contact: String,
}

impl Default for IdentityConfig {
    fn default() -> Self {
        IdentityConfig {
            product: "orbweaver".into(),
            contact: String::new(),
        }
    }
}

/// When a crawl ends by itself, and what one URL may cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Pages archived in the folder in all; 0 sets no bound.
    pub pages_max: u64,
    /// Bytes received into the folder in all; 0 sets no bound.
    pub bytes_max: ByteSize,
    /// Length of one run; 0 sets no bound.
    #[serde(with = "humantime_serde")]
    pub duration_max: Duration,
    /// Attempts of one URL.
    pub attempts_max: u8,
    /// First pause before a URL is tried again; doubles each time.
    #[serde(with = "humantime_serde")]
    pub retry_first: Duration,
    /// Requests under way at once in one shard.
    pub in_flight_max: u32,
    /// Links taken from one page.
    pub links_per_page_max: u32,
    /// Whether images, styles, scripts and fonts of a page are fetched too.
    pub requisites: bool,
    /// Content types that are kept, by prefix; empty keeps every type.
    pub types: Vec<String>,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        LimitsConfig {
            pages_max: 0,
            bytes_max: ByteSize(0),
            duration_max: Duration::ZERO,
            attempts_max: 3,
            retry_first: Duration::from_secs(30),
            in_flight_max: 2_000,
            links_per_page_max: 10_000,
            requisites: false,
            types: ["text/", "application/xhtml", "application/xml"]
                .map(str::to_owned)
                .to_vec(),
        }
    }
}

/// What of a response is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// Everything as received.
    #[default]
    Full,
    /// The visible text of pages.
    Text,
    /// Nothing but metadata.
    None,
}

/// Form of the archive's records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArchiveCompression {
    /// One gzip member a record.
    #[default]
    Gzip,
    /// One Zstandard frame a record.
    Zstd,
    /// Plain.
    None,
}

/// What is archived, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ArchiveConfig {
    /// `full`, `text` or `none`.
    pub keep: Keep,
    /// `gzip`, `zstd` or `none`.
    pub compression: ArchiveCompression,
    /// A segment is closed when it reaches this size.
    pub segment_bytes_max: ByteSize,
    /// First part of segment names.
    pub prefix: String,
    /// Statuses that are archived, as classes (`2`) or codes (`404`); empty archives every answer.
    pub statuses: Vec<u16>,
}

impl Default for ArchiveConfig {
    fn default() -> Self {
        ArchiveConfig {
            keep: Keep::Full,
            compression: ArchiveCompression::Gzip,
            segment_bytes_max: ByteSize(1_000_000_000),
            prefix: "ORB".into(),
            statuses: Vec::new(),
        }
    }
}

/// The caps of a crawl's settings, as a status shows them.
pub(crate) fn caps(config: &CrawlConfig) -> Bounds {
    Bounds {
        memory_max_bytes: config.memory_max.bytes(),
        disk_max_bytes: config.disk_max.bytes(),
        pages_max: config.limits.pages_max,
        bytes_max: config.limits.bytes_max.bytes(),
        duration_max_seconds: config.limits.duration_max.as_secs(),
        ..Bounds::default()
    }
}

/// A setting that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("setting `{key}`: {problem}")]
pub struct ConfigError {
    /// Dotted key.
    pub key: &'static str,
    /// What is wrong and what to write instead.
    pub problem: String,
}

impl CrawlConfig {
    /// Checks what types cannot: ranges and combinations.
    ///
    /// # Errors
    /// The first setting that cannot be, and what to write instead.
    pub fn check(&self) -> Result<(), ConfigError> {
        let fail = |key, problem: &str| {
            Err(ConfigError {
                key,
                problem: problem.to_owned(),
            })
        };
        if self.slots != 0 && !(self.slots.is_power_of_two() && (4..=64).contains(&self.slots)) {
            return fail(
                "slots",
                "must be 4, 8, 16, 32 or 64, or 0 to derive it from the cores",
            );
        }
        if self.memory_max.bytes() < ByteSize::mib(64).bytes() {
            return fail("memory_max", "must be at least 64MiB");
        }
        if self.limits.attempts_max == 0 {
            return fail("limits.attempts_max", "must be at least 1");
        }
        if self.limits.in_flight_max == 0 || self.limits.in_flight_max > 4_096 {
            return fail("limits.in_flight_max", "must be from 1 to 4096");
        }
        if self.archive.segment_bytes_max.bytes() < ByteSize::kib(64).bytes() {
            return fail("archive.segment_bytes_max", "must be at least 64KiB");
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if self.archive.prefix.is_empty() || !self.archive.prefix.chars().all(plain) {
            return fail("archive.prefix", "must be letters, digits and `-`");
        }
        if orb_robots::ProductToken::new(&self.identity.product).is_err() {
            return fail(
                "identity.product",
                "must be letters, `-` and `_` (RFC 9309, product token)",
            );
        }
        if self.politeness.pages_per_second_max.is_nan()
            || self.politeness.pages_per_second_max < 0.0
        {
            return fail("politeness.pages_per_second_max", "must be 0 or more");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_allowed_and_nonsense_is_named() {
        assert_eq!(CrawlConfig::default().check(), Ok(()));
        let check =
            |key: &str, config: CrawlConfig| assert_eq!(config.check().unwrap_err().key, key);
        check(
            "slots",
            CrawlConfig {
                slots: 5,
                ..CrawlConfig::default()
            },
        );
        check(
            "memory_max",
            CrawlConfig {
                memory_max: ByteSize(5),
                ..CrawlConfig::default()
            },
        );
        let mut config = CrawlConfig::default();
        config.identity.product = "a b".into();
        check("identity.product", config);
    }
}
