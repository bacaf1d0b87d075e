//! The world one simulated process is given.
//!
//! In: the parts of the simulation. Out: what the crawl asks a world for.
//! May touch: nothing itself. Must not touch: the machine.
//! Invariant: nothing in here differs between two runs of one seed.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use orb_crawl::World;
use orb_env::{Clock, Disk, Entropy, Env, SeededEntropy, ThreadUse, VirtualWork};
use orb_fetch::{FetchConfig, Tls};
use orb_simweb::SimWeb;
use orb_store::{ModelOpener, StoreOpener};

use crate::disk::WitnessedDisk;
use crate::net::SimNet;
use crate::time::ProcessClock;
use crate::tls::SimTls;

/// See the module.
pub(crate) struct SimWorld {
    pub(crate) clock: Arc<ProcessClock>,
    pub(crate) entropy: Arc<SeededEntropy>,
    pub(crate) disk: WitnessedDisk,
    pub(crate) stores: ModelOpener,
    pub(crate) net: Arc<SimNet>,
    pub(crate) web: Arc<SimWeb>,
    /// Longest delay of a helper's job.
    pub(crate) work_delay_max: Duration,
}

impl World for SimWorld {
    fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(self.disk.clone())
    }

    fn entropy(&self) -> Arc<dyn Entropy> {
        self.entropy.clone()
    }

    fn stores(&self, _: u64) -> Arc<dyn StoreOpener> {
        Arc::new(self.stores.clone())
    }

    fn shard_env(&self, _: u16) -> io::Result<Env> {
        Ok(Env {
            clock: self.clock(),
            entropy: self.entropy(),
            net: self.net.clone(),
            disk: self.disk(),
            work: Arc::new(VirtualWork::new(
                self.clock(),
                self.entropy(),
                self.work_delay_max,
            )),
        })
    }

    fn tls(&self, _: &FetchConfig) -> Result<Rc<dyn Tls>, String> {
        Ok(Rc::new(SimTls {
            web: Arc::clone(&self.web),
            clock: Arc::clone(&self.clock),
        }))
    }

    fn rss_bytes(&self) -> u64 {
        100 << 20
    }

    fn rss_peak_bytes(&self) -> u64 {
        100 << 20
    }

    fn cpu_seconds(&self) -> f64 {
        1.0
    }

    fn thread_cpu(&self) -> Duration {
        Duration::ZERO
    }

    fn threads(&self) -> Vec<ThreadUse> {
        Vec::new()
    }
}
