//! Faults D4 on the real store: a file system that fills up under it, and gets room again.

#![allow(clippy::unwrap_used)] // a test file: clippy knows only functions marked as tests

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use orb_store::{Batch, FjallOpener, Keyspace, Store, StoreError, StoreOpener, StoreStep};

const SHARE: u64 = 2 << 20;
const ROWS: u64 = 50;

/// A tmpfs of its own size, unmounted at the end.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` where mounting is not allowed: without root there is no small disk to fill.
    fn mount(mebibytes: u64) -> Option<SmallDisk> {
        let dir = tempfile::tempdir().unwrap();
        let size = format!("size={mebibytes}m");
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(dir.path());
        let done = mount
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        done.then(|| SmallDisk(dir))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").arg(self.0.path()).status().ok(); // the folder is temporary anyway
    }
}

fn commit(store: &dyn Store, n: u64) -> Result<(), StoreError> {
    let mut batch = Batch::new();
    batch.put(Keyspace::Meta, "last", n.to_be_bytes());
    for row in 0..ROWS {
        let key = [n.to_be_bytes(), row.to_be_bytes()].concat();
        batch.put(Keyspace::Queue, key, vec![n as u8; 400]);
    }
    store.commit(batch)
}

fn check(dir: &Path, acknowledged: u64) -> u64 {
    let store = FjallOpener::new(SHARE).open(dir).unwrap();
    let last = store.get(Keyspace::Meta, b"last").unwrap();
    let last = last.map_or(0, |value| u64::from_be_bytes(value[..].try_into().unwrap()));
    assert!(
        last == acknowledged || last == acknowledged + 1,
        "{last} after {acknowledged}"
    );
    let rows = store.range(Keyspace::Queue, b"", None, usize::MAX).unwrap();
    assert_eq!(rows.len() as u64, last * ROWS);
    last
}

/// Nothing acknowledged is lost, no call hangs, and with room again the store goes on.
#[test]
fn a_full_disk_loses_nothing_and_ends_when_there_is_room() {
    for mebibytes in [6, 10, 16, 24, 40] {
        let Some(disk) = SmallDisk::mount(mebibytes) else {
            println!("not run: mounting a small tmpfs needs root");
            return;
        };
        let dir = disk.path("slot");
        let mut last = 0;
        for _ in 0..3 {
            // In later rounds there is less room than this, so the store opens on a full disk.
            std::fs::write(disk.path("ballast"), vec![0; 2 << 20]).ok();
            if let Ok(store) = FjallOpener::new(SHARE).open(&dir) {
                let error = loop {
                    match commit(&*store, last + 1) {
                        Ok(()) => last += 1,
                        Err(error) => break error,
                    }
                };
                assert_eq!(error.next_step(), StoreStep::Reopen);
                assert!(
                    commit(&*store, last + 1).is_err(),
                    "a spoiled handle commits nothing"
                );
            }
            std::fs::remove_file(disk.path("ballast")).unwrap();
            last = check(&dir, last);
        }
        assert!(last > 0);
    }
}
