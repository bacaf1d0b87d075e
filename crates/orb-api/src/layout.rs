//! The folders of a crawl.
//!
//! In: the crawl's folder. Out: paths. May touch: nothing.
//! Invariant: every path a crawl writes is named here.

use std::path::{Path, PathBuf};

/// Version of everything inside the folder that is not a public format. A newer one is refused.
pub const FORMAT_VERSION: u32 = 2;

/// A crawl's folder (`--out`): `warc/`, `index/`, `state/`, `logs/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrawlDir(PathBuf);

impl CrawlDir {
    /// The folder at `root`.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> CrawlDir {
        CrawlDir(root.into())
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.0
    }

    /// Archive segments.
    #[must_use]
    pub fn warc(&self) -> PathBuf {
        self.0.join("warc")
    }

    /// What is found by: attempt rows, commit rows, and indexes of the archive.
    #[must_use]
    pub fn index(&self) -> PathBuf {
        self.0.join("index")
    }

    /// Attempt rows, one file a slot.
    #[must_use]
    pub fn attempts(&self) -> PathBuf {
        self.0.join("index/attempts")
    }

    /// The attempt rows of one slot.
    #[must_use]
    pub fn attempts_of(&self, slot: impl Into<u8>) -> PathBuf {
        self.attempts()
            .join(format!("slot-{:02}.jsonl", slot.into()))
    }

    /// Commit rows, one file a slot.
    #[must_use]
    pub fn commits(&self) -> PathBuf {
        self.0.join("index/commits")
    }

    /// The commit rows of one slot.
    #[must_use]
    pub fn commits_of(&self, slot: impl Into<u8>) -> PathBuf {
        self.commits()
            .join(format!("slot-{:02}.jsonl", slot.into()))
    }

    /// State of the crawl.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.0.join("state")
    }

    /// What the folder is: format, crawl key, slots, suffix list. Written once.
    #[must_use]
    pub fn identity(&self) -> PathBuf {
        self.state().join("crawl.json")
    }

    /// State of one slot.
    #[must_use]
    pub fn slot(&self, slot: impl Into<u8>) -> PathBuf {
        self.state().join(format!("slot-{:02}", slot.into()))
    }

    /// The embedded store of one slot.
    #[must_use]
    pub fn store(&self, slot: impl Into<u8>) -> PathBuf {
        self.slot(slot).join("store")
    }

    /// Sieve runs and admitted files of one slot.
    #[must_use]
    pub fn sieve(&self, slot: impl Into<u8>) -> PathBuf {
        self.slot(slot).join("sieve")
    }

    /// What memory held of one slot's waiting sites; nothing that is missed.
    #[must_use]
    pub fn rests(&self, slot: impl Into<u8>) -> PathBuf {
        self.slot(slot).join("rests")
    }

    /// Link journal of one slot.
    #[must_use]
    pub fn links(&self, slot: impl Into<u8>) -> PathBuf {
        self.slot(slot).join("links")
    }

    /// Seeds of one slot that wait to be absorbed.
    #[must_use]
    pub fn seeds(&self, slot: impl Into<u8>) -> PathBuf {
        self.slot(slot).join("seeds")
    }

    /// Fingerprint of the page being read by one shard, to recognise one that ends the process.
    #[must_use]
    pub fn reading(&self, slot: impl Into<u8>) -> PathBuf {
        self.slot(slot).join("reading")
    }

    /// Held while a process works on the folder.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.state().join("lock")
    }

    /// The control socket of a running crawl, mode 0600.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.state().join("control.sock")
    }

    /// Orders given to the crawl, one JSON line each: what is in force, and the trail of who, when and why.
    #[must_use]
    pub fn orders(&self) -> PathBuf {
        self.state().join("orders.jsonl")
    }

    /// What went to an object store: one JSON line an event.
    #[must_use]
    pub fn uploads(&self) -> PathBuf {
        self.state().join("uploads.jsonl")
    }

    /// Logs.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.0.join("logs")
    }
}
