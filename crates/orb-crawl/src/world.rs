//! What differs between the real world and simulation.
//!
//! In: nothing. Out: clock, entropy, disk, stores, and per shard the network, helpers and TLS.
//! May touch: nothing itself. Invariant: the crawl reaches the outside only through this.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use orb_env::{Clock, Disk, Entropy, Env, ThreadUse};
use orb_fetch::{FetchConfig, Tls};
use orb_objects::{Place, Store, UploadError};
use orb_store::StoreOpener;

/// A world to crawl in. Shared by the shards' threads.
pub trait World: Send + Sync {
    /// Time.
    fn clock(&self) -> Arc<dyn Clock>;
    /// Files.
    fn disk(&self) -> Arc<dyn Disk>;
    /// Randomness.
    fn entropy(&self) -> Arc<dyn Entropy>;
    /// Stores of slots, each within `memory_max_bytes`. Called again, it opens the same stores.
    fn stores(&self, memory_max_bytes: u64) -> Arc<dyn StoreOpener>;
    /// Everything one shard is given; called on the shard's own thread.
    ///
    /// # Errors
    /// When helpers cannot be started.
    fn shard_env(&self, shard: u16) -> std::io::Result<Env>;
    /// TLS for one shard; called on the shard's own thread.
    ///
    /// # Errors
    /// When trust anchors cannot be read; the text says what to do.
    fn tls(&self, config: &FetchConfig) -> Result<Rc<dyn Tls>, String>;
    /// The object store at `place`; a world without any refuses it.
    ///
    /// # Errors
    /// Options of the store that cannot be.
    fn objects(&self, place: &Place) -> Result<Store, UploadError> {
        Err(UploadError::Setup {
            to: place.to_string(),
            detail: "there is no object store in this world".to_owned(),
        })
    }
    /// Resident memory of the process now.
    fn rss_bytes(&self) -> u64;
    /// Largest resident memory so far.
    fn rss_peak_bytes(&self) -> u64;
    /// User and system time of the process so far.
    fn cpu_seconds(&self) -> f64;
    /// CPU time of the calling thread so far; a simulated one needs none.
    fn thread_cpu(&self) -> Duration;
    /// What each thread of the process has used; none where the system keeps no such account.
    fn threads(&self) -> Vec<ThreadUse>;
}
