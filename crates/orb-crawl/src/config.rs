//! Settings of a whole crawl.
//!
//! In: the settings file, through the program. Out: values, checked.
//! May touch: nothing. Must not touch: files, the environment.
//! Invariant: every default is bounded and polite.

use std::path::PathBuf;
use std::time::Duration;

use orb_api::{Bounds, ByteSize};
use orb_fetch::{DnsConfig, FetchConfig, GuardConfig};
use orb_frontier::{Found, FrontierConfig, How};
use orb_gate::{OWN_SITES_MAX, PolitenessConfig};
use orb_objects::limits::PART_BYTES_LEAST;
use orb_objects::{Place, PlaceError};
use orb_url::Site;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Everything a crawl can be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CrawlConfig {
    /// Memory of the whole process; each part gets its share of it. Unless set: half of what the machine or its
    /// container has. At least 64MiB.
    pub memory_max: ByteSize,
    /// Size of the crawl's folder at which fetching stops until there is room; 0 sets no bound but `disk_free_min`.
    pub disk_max: ByteSize,
    /// Fetching stops while the file system has less free room than this (or than a twentieth of it, if that is less),
    /// and goes on by itself when there is more.
    pub disk_free_min: ByteSize,
    /// Open files and sockets of the process at most; the system's own limit (`ulimit -n`) counts too.
    pub files_max: u64,
    /// Threads that crawl, one core each; 0 takes all cores.
    pub threads: u16,
    /// Parts that a new crawl's folder is divided into, for good: 4, 8, 16, 32 or 64, which is also the most threads
    /// that can work on it. 0 derives it from the cores.
    pub slots: u8,
    /// File of the domains whose owners opted out, which all crawls of this machine share; `orb opt-out` writes it, and
    /// running crawls follow it. Empty takes `orb/opt-outs.jsonl` in the user's configuration folder.
    pub opt_outs: String,
    /// Who crawls: what site owners see and can write to.
    pub identity: IdentityConfig,
    /// When a crawl ends by itself, and what one URL may cost.
    pub limits: LimitsConfig,
    /// How hard sites may be pressed.
    pub politeness: PolitenessConfig,
    /// Which of the URLs found are wanted.
    pub frontier: FrontierConfig,
    /// How a page is asked for, and what bounds the answer.
    pub fetch: FetchConfig,
    /// How names become addresses.
    pub dns: DnsConfig,
    /// Which addresses may be contacted.
    pub guard: GuardConfig,
    /// What is archived, and in which form.
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
            opt_outs: String::new(),
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityConfig {
    /// Name of the crawler: the first word of its `User-Agent`, and the name that robots.txt rules are obeyed for.
    /// Letters, `-` and `_` only.
    pub product: String,
    /// Mail address or web page of whoever answers for the crawl. Every site sees it; without it no public address is
    /// contacted. Example: `you@example.org` or `https://example.org/crawler`.
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// The crawl ends when its folder holds this many pages in all; 0 sets no bound.
    pub pages_max: u64,
    /// The crawl ends when this much was received into its folder in all; 0 sets no bound. Example: `20GB`.
    pub bytes_max: ByteSize,
    /// A run ends after this time, and can be gone on with; 0 sets no bound. Example: `8h`.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "span"))]
    pub duration_max: Duration,
    /// How often one URL is tried before it counts as failed. At least 1.
    pub attempts_max: u8,
    /// Pause before a URL that failed is tried again; doubles with each failure.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "span"))]
    pub retry_first: Duration,
    /// Requests under way at once in one thread, from 1 to 4096. Each site still gets one at a time.
    pub in_flight_max: u32,
    /// Requests under way beside those in one thread: slow ones, which have been for two seconds, the wait for their
    /// name and for the clock of their address included. They take room of the others only beyond this number, so that
    /// servers that never finish do not keep the good ones waiting.
    pub slow_in_flight_max: u32,
    /// Links taken from one page at most; those beyond are dropped.
    pub links_per_page_max: u32,
    /// Whether images, styles, scripts and fonts of a page are fetched too. Content of every type is then kept,
    /// whatever `limits.types` says.
    pub requisites: bool,
    /// Content types that are kept, by how they begin; a URL that answers with another one is excluded. Empty keeps
    /// every type. Example: `["text/", "application/pdf"]`
    pub types: Vec<String>,
    /// Endings of paths that are not requested at all, whatever type they would have; `limits.types` knows the type only
    /// once the server was asked. Example: `["zip", "exe", "mp4"]`
    pub extensions_skipped: Vec<String>,
}

impl LimitsConfig {
    /// What is wrong with an ending that no path can have.
    fn ending_problem(&self) -> Option<String> {
        let wrong = self.extensions_skipped.iter().find(|ending| {
            let ending = ending.trim_start_matches('.');
            ending.is_empty() || ending.contains(['.', '/', '*', '?', '#', ' '])
        })?;
        Some(format!(
            "`{wrong}` is no ending: write what stands after the last dot of a file's name, as in `gz` for `x.tar.gz`"
        ))
    }

    /// The ending for which a found URL is not requested. Sitemaps are, though they end in `gz` as archives do.
    pub(crate) fn skipped<'a>(&self, found: &'a Found) -> Option<&'a str> {
        let extension = self.skipped_extension(&found.url);
        extension.filter(|_| found.how != How::SitemapFile)
    }

    /// The ending of `url`'s path, if it is one that is not requested.
    fn skipped_extension<'a>(&self, url: &'a orb_url::CrawlUrl) -> Option<&'a str> {
        let (_, name) = url.path().rsplit_once('/')?;
        let (_, extension) = name.rsplit_once('.')?;
        self.extensions_skipped
            .iter()
            .any(|skipped| {
                skipped
                    .trim_start_matches('.')
                    .eq_ignore_ascii_case(extension)
            })
            .then_some(extension)
    }
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
            slow_in_flight_max: 6_000,
            links_per_page_max: 10_000,
            requisites: false,
            types: ["text/", "application/xhtml", "application/xml"]
                .map(str::to_owned)
                .to_vec(),
            extensions_skipped: Vec::new(),
        }
    }
}

/// What of a response is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// Everything, byte for byte as received.
    #[default]
    Full,
    /// Only the visible text of pages.
    Text,
    /// Nothing but metadata.
    None,
}

/// Form of the archive's records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArchiveCompression {
    /// One gzip member a record: what every other tool reads.
    #[default]
    Gzip,
    /// One Zstandard frame a record, with a dictionary that is made of the crawl's first 64 MiB: dense, not read
    /// everywhere.
    Zstd,
    /// Not at all.
    None,
}

/// What proves that an upload arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StoreVerify {
    /// The store's own checksum of what it received, where it tells one that can be computed here (the entity tag of S3,
    /// but for objects encrypted with keys of KMS or of the customer); else the object is read back.
    #[default]
    Checksum,
    /// Every object is read back: twice the traffic.
    ReadBack,
}

/// What is archived, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ArchiveConfig {
    /// How much of each page is kept.
    pub keep: Keep,
    /// How the records of the archive are compressed.
    pub compression: ArchiveCompression,
    /// Size at which a WARC file is closed and the next one begun. At least 64KiB.
    pub segment_bytes_max: ByteSize,
    /// Age at which a WARC file is closed and the next one begun, so that a slow crawl's pages are indexed too; 0 sets no
    /// bound.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "span"))]
    pub segment_age_max: Duration,
    /// First part of the names of WARC files: letters, digits and `-`.
    pub prefix: String,
    /// HTTP statuses that are archived, as classes (`2` is all from 200 to 299) or single codes (`404`); empty archives
    /// every answer. Example: `[2, 404]`
    pub statuses: Vec<u16>,
    /// Whether each HTML capture tells what its text is known by, in its metadata record and the row of its request: a
    /// digest and a simhash of the visible text, and a page with the same text that was captured before. Reading the text
    /// makes a page of 16 KB cost a third more CPU, a seventh where `frontier.novelty` reads it too; so it is off by
    /// default, and on in the profile `archive`.
    pub text_marks: bool,
    /// Whether each WARC file gets its index in `index/` when it is closed (captures as Parquet tables, and CDXJ), and
    /// those still open get theirs when the crawl ends by itself. `orb archive reindex` makes the same at any time.
    pub index: bool,
    /// Earlier archives: a page whose payload is the same as at one of its captures there becomes a revisit that refers to
    /// that, so its body is not stored again. Each is a crawl's folder, a CDXJ file, a folder of CDXJ files, or a zipnum
    /// cluster, of this program or another, sorted by bytes; they are only read, and must stay as long as the new archive
    /// is to be replayed. Revisits in them hold no payload: name the archive with the bodies too. Pages are requested in
    /// whole all the same, so that their links are found. Costs a look-up in each file a page.
    pub revisits_of: Vec<PathBuf>,
    /// Object store that closed WARC files and their indexes go to while the crawl runs: `s3://bucket/prefix`,
    /// `gs://bucket/prefix`, `az://container/prefix`, `file:///folder`. Credentials come from the environment (`AWS_…`,
    /// `GOOGLE_…`, `AZURE_…`) or the instance, never from here. Empty uploads nothing.
    pub store: String,
    /// Whether WARC files stay here too once they are proven to be in the store. Their indexes always stay.
    pub store_keep_local: bool,
    /// Bytes of closed WARC files that may wait for their upload; fetching stops while it is more, and goes on by itself.
    pub store_backlog_max: ByteSize,
    /// Size of the parts that a file is uploaded in, at least 5MiB; two are in memory at once. Files of more than 9,000
    /// parts get larger ones.
    pub store_part_bytes: ByteSize,
    /// What proves that an upload arrived, before the file may be removed here.
    pub store_verify: StoreVerify,
}

impl Default for ArchiveConfig {
    fn default() -> Self {
        ArchiveConfig {
            keep: Keep::Full,
            compression: ArchiveCompression::Gzip,
            segment_bytes_max: ByteSize(1_000_000_000),
            segment_age_max: Duration::from_secs(86_400),
            prefix: "ORB".into(),
            statuses: Vec::new(),
            text_marks: false,
            index: true,
            revisits_of: Vec::new(),
            store: String::new(),
            store_keep_local: false,
            store_backlog_max: ByteSize(32_000_000_000),
            store_part_bytes: ByteSize::mib(8),
            store_verify: StoreVerify::Checksum,
        }
    }
}

impl ArchiveConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let fail = |key, problem: &str| {
            Err(ConfigError {
                key,
                problem: problem.to_owned(),
            })
        };
        if self.segment_bytes_max.bytes() < ByteSize::kib(64).bytes() {
            return fail("archive.segment_bytes_max", "must be at least 64KiB");
        }
        if self.revisits_of.iter().any(|path| path.to_str().is_none()) {
            return fail("archive.revisits_of", "must be paths in UTF-8");
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if self.prefix.is_empty() || !self.prefix.chars().all(plain) {
            return fail("archive.prefix", "must be letters, digits and `-`");
        }
        if let Some(problem) = self.place().err() {
            return fail("archive.store", &problem.to_string());
        }
        if self.store_part_bytes.bytes() < PART_BYTES_LEAST {
            return fail("archive.store_part_bytes", "must be at least 5MiB");
        }
        Ok(())
    }

    /// The object store, if there is one.
    ///
    /// # Errors
    /// A text that names none.
    pub fn place(&self) -> Result<Option<Place>, PlaceError> {
        match self.store.as_str() {
            "" => Ok(None),
            text => text.parse().map(Some),
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
        let recrawl = &self.frontier.recrawl;
        if !(0.01..=0.99).contains(&recrawl.useful_target) {
            return fail(
                "frontier.recrawl.useful_target",
                "is a share from 0.01 to 0.99",
            );
        }
        if recrawl.interval_min > recrawl.interval_max {
            return fail(
                "frontier.recrawl.interval_min",
                "is larger than `frontier.recrawl.interval_max`; lower it or raise the other",
            );
        }
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
        if self.limits.slow_in_flight_max > 65_536 {
            return fail("limits.slow_in_flight_max", "must be at most 65536");
        }
        self.archive.check()?;
        if orb_robots::ProductToken::new(&self.identity.product).is_err() {
            return fail(
                "identity.product",
                "must be letters, `-` and `_` (RFC 9309, product token)",
            );
        }
        if let Some(problem) = self.limits.ending_problem() {
            return fail("limits.extensions_skipped", &problem);
        }
        if let Some(problem) = own_sites_problem(&self.politeness.own_sites) {
            return fail("politeness.own_sites", &problem);
        }
        if self.politeness.pages_per_second_max.is_nan()
            || self.politeness.pages_per_second_max < 0.0
        {
            return fail("politeness.pages_per_second_max", "must be 0 or more");
        }
        Ok(())
    }
}

/// Names that no site has would press nothing, and let whoever wrote them wonder why.
fn own_sites_problem(sites: &[Site]) -> Option<String> {
    if sites.len() > OWN_SITES_MAX {
        return Some(format!("must name at most {OWN_SITES_MAX} sites"));
    }
    let wrong = sites
        .iter()
        .map(|site| (site, Site::of_host(site.as_str())))
        .find(|(site, whole)| *site != whole);
    wrong.map(|(site, whole)| format!("`{site}` is a part of the site `{whole}`: write that"))
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
        for ending in ["tar.gz", "*.zip", ".", "a/b"] {
            let mut config = CrawlConfig::default();
            config.limits.extensions_skipped = vec!["exe".into(), ending.into()];
            check("limits.extensions_skipped", config);
        }
        let mut config = CrawlConfig::default();
        config.politeness.own_sites = vec!["www.example.com".parse().unwrap()];
        check("politeness.own_sites", config);
    }

    #[test]
    fn endings_of_paths_are_skipped_in_any_case() {
        let limits = LimitsConfig {
            extensions_skipped: vec!["zip".into(), ".MP4".into()],
            ..LimitsConfig::default()
        };
        for (path, expected) in [
            ("a/b.zip", Some("zip")),
            ("b.Zip?c=d.html", Some("Zip")),
            ("film.mp4", Some("mp4")),
            ("zip", None),
            ("a.zip/b", None),
            ("page.html?file=x.zip", None),
            ("x.zip.html", None),
            ("", None),
        ] {
            let url = orb_url::CrawlUrl::parse(&format!("http://example.com/{path}")).unwrap();
            assert_eq!(limits.skipped_extension(&url), expected, "{path}");
        }
        let url = orb_url::CrawlUrl::parse("http://example.com/b.zip").unwrap();
        assert_eq!(LimitsConfig::default().skipped_extension(&url), None);
    }
}
