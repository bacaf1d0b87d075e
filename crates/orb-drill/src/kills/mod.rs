//! Kills: a child works on a small frontier, is killed at a random moment or at a write, and what it left is held
//! against what it wrote down.
//!
//! In: a folder, rounds, a seed. Out: how many kills of which kind; or what was broken, and in which round.
//! May touch: the folder, child processes. Must not touch: the child's memory; all that counts is on the disk.
//! Invariant: what is checked is read from rows and files, not asked of the frontier's counters.

mod child;
mod judge;
mod ledger;
mod traps;

pub use child::work;
pub use judge::{Checked, Judge};
pub use traps::WRITE_POINTS;

use std::path::{Path, PathBuf};
use std::time::Duration;

use orb_gate::PolitenessConfig;
use orb_shard::{SlotId, SlotMap};

use crate::DrillError;
use crate::slot::SlotSetup;
use crate::stream::{StreamSize, key_of};

/// The slot that is worked on; a store each for the others would only take time.
const SLOT: SlotId = SlotId(0);

/// Links of one round of the stream; positions count these.
const ROUND_LINKS: u64 = 100;

/// One folder's frontier: small, so that a round takes well under a second.
#[derive(Clone, Debug)]
pub struct KillSettings {
    /// The folder.
    pub dir: PathBuf,
    /// Which links; another folder has another.
    pub seed: u64,
}

impl KillSettings {
    fn stream(&self) -> StreamSize {
        StreamSize {
            repeat: 5.0,
            ..StreamSize::of(30_000, 1_600, self.seed)
        }
    }

    fn slots() -> Result<SlotMap, DrillError> {
        Ok(SlotMap::new(4)?)
    }

    fn setup(&self) -> Result<SlotSetup, DrillError> {
        Ok(SlotSetup::on_disk(
            KillSettings::slots()?,
            key_of(self.seed),
            politeness(),
            64 << 20,
        ))
    }
}

fn politeness() -> PolitenessConfig {
    PolitenessConfig {
        address_delay: Duration::ZERO,
        ..PolitenessConfig::default()
    }
}

fn attempts_log(dir: &Path) -> PathBuf {
    dir.join("attempts")
}

fn commits_log(dir: &Path) -> PathBuf {
    dir.join("commits")
}

fn times_log(dir: &Path) -> PathBuf {
    dir.join("times")
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_env::mutant::{Mutant, plant};
    use orb_store::{Batch, Keyspace};

    fn worked() -> (tempfile::TempDir, KillSettings) {
        let dir = tempfile::tempdir().unwrap();
        let settings = KillSettings {
            dir: dir.path().join("f"),
            seed: 3,
        };
        work(&settings, 0).unwrap();
        (dir, settings)
    }

    #[test]
    fn a_folder_that_was_left_in_peace_is_in_order_and_a_lost_url_is_noticed() {
        let (_dir, settings) = worked();
        let mut judge = Judge::new(&settings).unwrap();
        let checked = judge.check().unwrap();
        assert!(
            checked.urls > 5_000 && checked.settled > 4_000 && checked.clocks > 300,
            "{checked:?}"
        );
        let store = settings
            .setup()
            .unwrap()
            .open_store(&settings.dir, SLOT)
            .unwrap();
        let rows = store.range(Keyspace::Fates, &[0], None, 1).unwrap();
        let mut batch = Batch::new();
        batch.delete(Keyspace::Fates, rows[0].0.clone());
        store.commit(batch).unwrap();
        drop(store);
        let lost = judge.check().unwrap_err().to_string();
        assert!(lost.contains("is lost"), "{lost}");
    }

    #[test]
    fn a_clock_that_forgets_the_kill_is_noticed() {
        let (_dir, settings) = worked();
        plant(Some(Mutant::NoWaitAfterKill));
        let checked = Judge::new(&settings).unwrap().check();
        plant(None);
        let early = checked.unwrap_err().to_string();
        assert!(early.contains("may be asked at"), "{early}");
    }
}
