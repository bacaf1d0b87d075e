//! Looking at the crawl's folder and the disk it is on.
//!
//! In: the folder's path, settings. Out: inputs of judgements. May touch: the folder's lock, one temporary file.
//! Invariant: a folder that does not exist is not made, and a crawl in one is not changed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use orb_api::CrawlDir;
use orb_crawl::{CrawlConfig, CrawlIdentity};
use orb_env::KernelDisk;
use rustix::fs::{Access, access, statvfs};

use crate::bench::surroundings::Surroundings;
use crate::disk_probe;
use crate::doctor::disk::DiskSeen;
use crate::doctor::folder_state::FolderSeen;
use crate::folder::{self, LockError};
use crate::plan::calibration::bytes_of;

/// The folder, and when its last run began, seconds since 1970.
pub(crate) fn folder(dir: &CrawlDir) -> (FolderSeen, Option<i64>) {
    let root = dir.root();
    if !root.exists() {
        let above = disk_probe::nearest_folder(root);
        return match access(&above, Access::WRITE_OK) {
            Ok(()) => (FolderSeen::Fresh, None),
            Err(error) => {
                let text = format!("{}: {error}", above.display());
                (FolderSeen::Unwritable(text), None)
            }
        };
    }
    if !root.is_dir() {
        return (FolderSeen::Unwritable("it is no folder".into()), None);
    }
    if let Err(error) = access(root, Access::WRITE_OK) {
        return (FolderSeen::Unwritable(error.to_string()), None);
    }
    let identity = match CrawlIdentity::read(&KernelDisk, dir) {
        Ok(None) => return (FolderSeen::Empty, None),
        Ok(Some(identity)) => identity,
        Err(error) => {
            return (
                FolderSeen::Unusable(format!("{:#}", anyhow::Error::new(error))),
                None,
            );
        }
    };
    let last_run = identity
        .runs
        .last()
        .map(|run| run.started.wall.0 / 1_000_000);
    let seen = match folder::lock(dir) {
        Ok(_free_again_at_once) => FolderSeen::Crawl {
            runs: identity.runs.len(),
        },
        Err(LockError::Held { pid, .. }) => FolderSeen::Held { pid },
        Err(LockError::Io { source, .. }) => FolderSeen::Unwritable(source.to_string()),
    };
    (seen, last_run)
}

/// Whether the folder's mode lets other users look into it.
pub(crate) fn others_may_read(root: &Path) -> bool {
    let mode = fs::metadata(root).map(|meta| meta.permissions().mode());
    mode.is_ok_and(|mode| mode & 0o077 != 0)
}

/// The disk of the folder. It is written to only where nobody crawls on it.
pub(crate) fn disk(dir: &CrawlDir, config: &CrawlConfig, probe: bool) -> DiskSeen {
    let place = disk_probe::nearest_folder(dir.root());
    let room = statvfs(&place).ok();
    let bytes = |blocks: fn(&rustix::fs::StatVfs) -> u64| {
        room.as_ref()
            .map_or(0, |room| blocks(room).saturating_mul(room.f_frsize))
    };
    let speed = if probe {
        disk_probe::measure(&place).map_err(|error| format!("{}: {error}", place.display()))
    } else {
        Err("a crawl runs in the folder".into())
    };
    DiskSeen {
        kind: Surroundings::here(&place).file_system,
        free_bytes: bytes(|room| room.f_bavail),
        total_bytes: bytes(|room| room.f_blocks),
        // Some file systems make inodes as they are needed and say zero.
        free_inodes: room
            .filter(|room| room.f_files > 0)
            .map(|room| room.f_favail),
        free_min: config.disk_free_min.bytes(),
        disk_max: config.disk_max.bytes(),
        used_bytes: if config.disk_max.bytes() > 0 && dir.root().is_dir() {
            bytes_of(dir.root())
        } else {
            0
        },
        speed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_told_apart_and_left_as_they_are() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| CrawlDir::new(root.path().join(name));
        assert_eq!(folder(&at("fresh/deep")).0, FolderSeen::Fresh);
        assert!(!root.path().join("fresh").exists());
        fs::create_dir(root.path().join("empty")).unwrap();
        assert_eq!(folder(&at("empty")).0, FolderSeen::Empty);
        fs::write(root.path().join("file"), "x").unwrap();
        assert!(matches!(folder(&at("file")).0, FolderSeen::Unwritable(_)));
        let newer = at("newer");
        fs::create_dir_all(newer.state()).unwrap();
        fs::write(newer.identity(), r#"{"format":99}"#).unwrap();
        let seen = folder(&newer).0;
        assert!(
            matches!(&seen, FolderSeen::Unusable(text) if text.contains("99")),
            "{seen:?}"
        );
    }

    #[test]
    fn the_disk_of_a_folder_is_looked_at_and_left_as_it_was() {
        let root = tempfile::tempdir().unwrap();
        let dir = CrawlDir::new(root.path().join("crawl"));
        let seen = disk(&dir, &CrawlConfig::default(), true);
        assert!(
            seen.total_bytes >= seen.free_bytes && seen.speed.is_ok(),
            "{seen:?}"
        );
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
        assert!(disk(&dir, &CrawlConfig::default(), false).speed.is_err());
    }
}
