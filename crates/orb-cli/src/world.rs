//! The real world: the kernel's clocks, files, sockets and threads.
//!
//! In: settings. Out: what a crawl is given. May touch: everything `orb-env` does, certificate files.
//! Invariant: made once for a process; trust anchors are read before anything begins.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use orb_crawl::{CrawlConfig, World};
use orb_env::{
    BootClock, Clock, Disk, Entropy, Env, HelperThreads, KernelDisk, KernelNet, OsEntropy,
    ThreadUse,
};
use orb_fetch::{FetchConfig, RustlsTls, Tls, TrustAnchors};
use orb_objects::{Place, Store, StoreOptions, UploadError};
use orb_store::{FjallOpener, StoreOpener};

use crate::exit::Failure;
use crate::{machine, settings};

/// This machine, as a crawl sees it.
pub(crate) struct KernelWorld {
    clock: Arc<BootClock>,
    entropy: Arc<OsEntropy>,
    anchors: Option<TrustAnchors>,
}

impl KernelWorld {
    /// A world to crawl in.
    ///
    /// # Errors
    /// When a file of trust anchors cannot be read, or there are none at all.
    pub(crate) fn for_crawl(config: &CrawlConfig) -> Result<KernelWorld, Failure> {
        let anchors = TrustAnchors::load(&config.fetch.ca_files).map_err(Failure::usage)?;
        Ok(KernelWorld {
            anchors: Some(anchors),
            ..KernelWorld::for_reading()
        })
    }

    /// A world without TLS, to read what is on disk.
    pub(crate) fn for_reading() -> KernelWorld {
        KernelWorld {
            clock: Arc::new(BootClock::new()),
            entropy: Arc::new(OsEntropy::new()),
            anchors: None,
        }
    }
}

impl World for KernelWorld {
    fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(KernelDisk)
    }

    fn entropy(&self) -> Arc<dyn Entropy> {
        self.entropy.clone()
    }

    fn stores(&self, memory_max_bytes: u64) -> Arc<dyn StoreOpener> {
        Arc::new(FjallOpener::new(memory_max_bytes))
    }

    fn shard_env(&self, shard: u16) -> io::Result<Env> {
        Ok(Env {
            clock: self.clock(),
            entropy: self.entropy(),
            net: Arc::new(KernelNet),
            disk: self.disk(),
            work: Arc::new(HelperThreads::start(shard)?),
        })
    }

    fn tls(&self, config: &FetchConfig) -> Result<Rc<dyn Tls>, String> {
        let anchors = self
            .anchors
            .as_ref()
            .ok_or("this world was made for reading only")?;
        let tls = RustlsTls::with_memory(
            config.tls_verify,
            anchors,
            self.clock(),
            config.tls_memory(),
        )
        .map_err(|error| error.to_string())?;
        Ok(Rc::new(tls))
    }

    fn objects(&self, place: &Place) -> Result<Store, UploadError> {
        let options = StoreOptions {
            variables: settings::of_stores(),
            ..StoreOptions::default()
        };
        Store::new(place, &options, self.clock())
    }

    fn rss_bytes(&self) -> u64 {
        machine::rss_bytes()
    }

    fn rss_peak_bytes(&self) -> u64 {
        machine::rss_peak_bytes()
    }

    fn cpu_seconds(&self) -> f64 {
        machine::cpu_seconds()
    }

    fn thread_cpu(&self) -> Duration {
        orb_env::thread_cpu()
    }

    fn threads(&self) -> Vec<ThreadUse> {
        orb_env::threads()
    }
}
