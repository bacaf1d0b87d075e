//! Where facts come from, and what else an explanation needs to know of a crawl.
//!
//! In: nothing. Out: the trait that a control socket and a folder on disk both answer; errors.
//! May touch: nothing. Invariant: a source answers for one crawl and changes nothing in it.

use std::io;
use std::path::PathBuf;

use orb_api::{CrawlDir, Phase, SiteFacts, UrlFacts};
use orb_env::Disk;
use orb_gate::PolitenessConfig;
use orb_url::{CrawlUrl, Site};

/// What a [`FactSource`] may fail with.
pub type FactError = Box<dyn std::error::Error + Send + Sync>;

/// Answers what a crawl knows. A running crawl answers of this moment, a stopped one of its last commit.
pub trait FactSource {
    /// What is known of a URL; one that was never heard of has empty facts.
    ///
    /// # Errors
    /// When nobody answers, or the store cannot be read.
    fn url_facts(&mut self, url: &CrawlUrl) -> Result<UrlFacts, FactError>;

    /// What is known of a site.
    ///
    /// # Errors
    /// As [`FactSource::url_facts`].
    fn site_facts(&mut self, site: &Site) -> Result<SiteFacts, FactError>;
}

/// The crawl that is asked about.
#[derive(Clone, Copy)]
pub struct Crawl<'a> {
    /// Where its files are.
    pub disk: &'a dyn Disk,
    /// Its folder.
    pub dir: &'a CrawlDir,
    /// What it is doing.
    pub phase: Phase,
    /// How hard it may press sites, as its last run was told; `None` when nobody knows.
    pub politeness: Option<&'a PolitenessConfig>,
    /// Attempts of one URL.
    pub attempts_max: Option<u8>,
}

impl Crawl<'_> {
    /// Whether a process works on it.
    #[must_use]
    pub fn running(&self) -> bool {
        !matches!(self.phase, Phase::Stopped | Phase::Finished)
    }
}

/// How far the search through a file of rows is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Search {
    /// Bytes read.
    pub bytes_done: u64,
    /// Bytes in all.
    pub bytes_total: u64,
}

/// Why there is no explanation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExplainError {
    /// The crawl could not be asked.
    #[error("ask the crawl about {about}")]
    Facts {
        /// The URL or site.
        about: String,
        /// What the source said.
        #[source]
        source: FactError,
    },
    /// A file of rows cannot be read.
    #[error("read {path}")]
    Rows {
        /// Which.
        path: PathBuf,
        /// What the disk said.
        #[source]
        source: io::Error,
    },
}

impl ExplainError {
    pub(crate) fn facts(about: &str) -> impl FnOnce(FactError) -> ExplainError {
        let about = about.to_owned();
        move |source| ExplainError::Facts { about, source }
    }

    pub(crate) fn rows(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> ExplainError {
        let path = path.into();
        move |source| ExplainError::Rows { path, source }
    }
}
