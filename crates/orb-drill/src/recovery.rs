//! Opening after a kill: how long it takes until every slot can go on.
//!
//! In: the folder a killed process left. Out: the time. May touch: the folder; the kernel's cache of its files.
//! Invariant: files are read from the disk, not from what the kernel still holds of them.

use serde::Serialize;

use orb_shard::SlotMap;

use crate::account::{Account, forget_cached};
use crate::drill::setup_of;
use crate::lanes::Stopwatch;
use crate::slot::Slot;
use crate::{DrillError, DrillSettings};

/// What opening took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Recovery {
    /// From the first file to the last slot, one after another.
    pub seconds: f64,
    /// Of that the stores: what they read again is bounded by their journals.
    pub stores_seconds: f64,
    /// Of that the frontiers: grows with sites and with the sieve.
    pub frontiers_seconds: f64,
    /// CPU time of it.
    pub cpu_seconds: f64,
    /// Sites known then.
    pub sites: u64,
    /// URLs known then.
    pub urls: u64,
    /// Resident memory then, less what was there before.
    pub rss_bytes: u64,
}

impl Recovery {
    /// What it would be at `urls`, with as many sites to a URL: the frontiers' part by proportion, the stores' as it is.
    #[must_use]
    pub fn seconds_at(&self, urls: f64) -> f64 {
        self.stores_seconds + self.frontiers_seconds * urls / self.urls.max(1) as f64
    }
}

/// Opens what a killed process left in the folder, and closes it again. Blocking.
///
/// # Errors
/// What store, frontier or disk say, and books that do not balance.
pub fn reopen(settings: &DrillSettings) -> Result<Recovery, DrillError> {
    let slots = SlotMap::new(settings.slots)?;
    let mut setup = setup_of(settings, slots);
    setup.clean = false;
    forget_cached(&settings.dir).map_err(DrillError::io("read folder", &settings.dir))?;
    let (watch, before) = (Stopwatch::new(), Account::now());
    let begun = watch.now();
    let mut opened = Vec::new();
    let mut stores_seconds = 0.0;
    for id in slots.slot_ids() {
        let began = watch.now();
        let store = setup.open_store(&settings.dir, id)?;
        stores_seconds += watch.now().since(began).as_secs_f64();
        opened.push(Slot::with_store(&setup, &settings.dir, id, store)?);
    }
    let seconds = watch.now().since(begun).as_secs_f64();
    let after = Account::now();
    for slot in &opened {
        if !slot.frontier.books().balanced() {
            let what = format!(
                "books do not balance after a kill: {:?}",
                slot.frontier.books()
            );
            return Err(DrillError::Broken {
                slot: slot.id,
                what,
            });
        }
    }
    Ok(Recovery {
        seconds,
        stores_seconds,
        frontiers_seconds: seconds - stores_seconds,
        cpu_seconds: after.cpu_seconds - before.cpu_seconds,
        sites: opened
            .iter()
            .map(|slot| slot.frontier.site_counts().known)
            .sum(),
        urls: opened
            .iter()
            .map(|slot| slot.frontier.books().discovered)
            .sum(),
        rss_bytes: after.rss_bytes.saturating_sub(before.rss_bytes),
    })
}
