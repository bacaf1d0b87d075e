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
    /// CPU time of it.
    pub cpu_seconds: f64,
    /// Sites known then.
    pub sites: u64,
    /// URLs known then.
    pub urls: u64,
    /// Resident memory then, less what was there before.
    pub rss_bytes: u64,
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
    for id in slots.slot_ids() {
        opened.push(Slot::open(&setup, &settings.dir, id)?);
    }
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
        seconds: watch.now().since(begun).as_secs_f64(),
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
