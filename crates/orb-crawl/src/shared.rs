//! What every shard of one run is given.
//!
//! In: settings and identity. Out: shared, unchanging values and channels. May touch: nothing.
//! Invariant: nothing in here belongs to one slot.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use orb_api::CrawlDir;
use orb_env::Stamp;
use orb_frontier::UrlRules;
use orb_robots::ProductToken;
use orb_shard::SlotMap;
use orb_url::CrawlKey;

use crate::board::Board;
use crate::bringing::Bringer;
use crate::dictionary::SharedDictionary;
use crate::earlier::Earlier;
use crate::steering::Steering;
use crate::uploads::Shelf;
use crate::{Control, CrawlConfig, World};

/// See the module.
pub(crate) struct Shared {
    pub(crate) dir: CrawlDir,
    pub(crate) config: CrawlConfig,
    pub(crate) rules: Arc<UrlRules>,
    /// Content types that are asked for; empty for all.
    pub(crate) types: Arc<[String]>,
    pub(crate) world: Arc<dyn World>,
    pub(crate) control: Control,
    pub(crate) steering: Arc<Steering>,
    pub(crate) board: Board,
    pub(crate) slots: SlotMap,
    pub(crate) key: CrawlKey,
    pub(crate) shards: u16,
    pub(crate) token: ProductToken,
    /// Name and version of the program.
    pub(crate) software: String,
    /// Fields of every segment's warcinfo record.
    pub(crate) info: Vec<(String, String)>,
    /// What zstd frames of the archive have in common.
    pub(crate) dictionary: Arc<SharedDictionary>,
    /// Earlier archives that revisits may refer to.
    pub(crate) earlier: Option<Arc<Earlier>>,
    /// One is held while an index of a slot's segments is made.
    pub(crate) indexing: Vec<Mutex<()>>,
    /// Closed segments that wait for their upload.
    pub(crate) shelf: Shelf,
    /// Who takes them; until the run begins.
    pub(crate) bringer: Mutex<Option<Bringer>>,
    /// Segments that are in a store or on their way: nothing is appended to them any more.
    pub(crate) sealed: BTreeSet<String>,
    /// When this process opened the crawl.
    pub(crate) opened: Stamp,
    /// Whether the process before stopped cleanly.
    pub(crate) clean: bool,
    /// Whether the machine was started anew since that process began.
    pub(crate) rebooted: bool,
}
