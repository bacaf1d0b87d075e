//! The folder of an export: its settings, its lock, which file the lines of which archive file go to.
//!
//! In: a folder, settings, archive files. Out: files of lines, and what was counted.
//! May touch: the disk it is given. Must not touch: how lines are made.
//! Invariant: one process writes to it at a time, with the settings it was begun with; no two archive files share a
//! file of lines.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use orb_archive::ArchiveFile;
use orb_env::{Disk, FileLock};

use crate::export::export_file;
use crate::{ExportError, ExportOptions, Tally};

/// Format of the lines; another number after a change that scripts would notice.
const VERSION: u32 = 2;

/// What became of an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// What this run did; what an earlier one did is not in it.
    pub tally: Tally,
    /// Files that an earlier run had begun and this one went on with.
    pub resumed: u64,
    /// Files with lines of an earlier run that were written anew, because their records share compressed members.
    pub anew: u64,
}

/// A folder that an export writes to, locked as long as this lives.
pub struct ExportFolder<'d> {
    pub(crate) disk: &'d dyn Disk,
    pub(crate) folder: PathBuf,
    pub(crate) options: ExportOptions,
    #[expect(dead_code, reason = "held, not read: dropping it frees the lock")]
    lock: Box<dyn FileLock>,
}

impl<'d> ExportFolder<'d> {
    /// Makes and locks the folder, or finds that the one there is of the same settings and nobody's now.
    ///
    /// # Errors
    /// [`ExportError::InUse`], [`ExportError::OtherSettings`]; what the disk says.
    pub fn open(
        disk: &'d dyn Disk,
        folder: &Path,
        options: &ExportOptions,
    ) -> Result<ExportFolder<'d>, ExportError> {
        disk.create_dir_all(folder)
            .map_err(ExportError::output(folder))?;
        let lock_file = folder.join("export.lock");
        let lock = disk.lock(&lock_file).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => ExportError::InUse {
                folder: folder.to_path_buf(),
            },
            _ => ExportError::output(&lock_file)(error),
        })?;
        settle(disk, &folder.join("export.json"), options)?;
        Ok(ExportFolder {
            disk,
            folder: folder.to_path_buf(),
            options: options.clone(),
            lock,
        })
    }

    /// Writes the lines of `files`, or those that an earlier run did not.
    ///
    /// - `threads`: that read pages, beside one that reads the archive and one that writes; at least one.
    /// - `progress` hears how many bytes of all files were read so far.
    /// - Cost: a few milliseconds of CPU a page; memory is bounded by
    ///   [`IN_FLIGHT_BYTES_MAX`](crate::limits::IN_FLIGHT_BYTES_MAX), and small for pages of ordinary size.
    ///
    /// # Errors
    /// [`ExportError::SameName`], before anything is written; what the disk says. What was written stands; the next run
    /// goes on after it.
    pub fn export(
        &self,
        files: &[ArchiveFile],
        threads: usize,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Exported, ExportError> {
        let mut names: BTreeMap<String, &ArchiveFile> = BTreeMap::new();
        for file in files {
            let name = output_name(&file.name);
            if let Some(first) = names.insert(name.clone(), file) {
                return Err(ExportError::SameName {
                    first: first.path.clone(),
                    second: file.path.clone(),
                    name,
                });
            }
        }
        let (mut all, mut before) = (Exported::default(), 0);
        for file in files {
            let own = export_file(self, file, threads, &mut |at| progress(before + at))?;
            all.tally.add(&own.tally);
            all.resumed += own.resumed;
            all.anew += own.anew;
            before += file.bytes;
        }
        Ok(all)
    }
}

/// Writes down the settings, or compares them with those that are there.
fn settle(disk: &dyn Disk, path: &Path, options: &ExportOptions) -> Result<(), ExportError> {
    let uses: Vec<&str> = options.uses.iter().map(|one| one.name()).collect();
    let settings = serde_json::json!({
        "version": VERSION,
        "form": options.form,
        "for": uses,
        "all_kinds": options.all_kinds,
    })
    .to_string();
    match disk.read_all(path) {
        Ok(found) if found == settings.as_bytes() => Ok(()),
        Ok(found) => Err(ExportError::OtherSettings {
            path: path.to_path_buf(),
            found: String::from_utf8_lossy(&found).into_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => disk
            .replace(path, settings.as_bytes())
            .map_err(ExportError::output(path)),
        Err(error) => Err(ExportError::output(path)(error)),
    }
}

/// The name of the lines of an archive file: its own without the endings of WARC.
pub fn output_name(archive_name: &str) -> String {
    let lower = archive_name.to_ascii_lowercase();
    let endings = [".warc.gz", ".warc.zst", ".warc"];
    let bare = endings
        .iter()
        .find(|ending| lower.ends_with(*ending))
        .map_or(archive_name, |ending| {
            &archive_name[..archive_name.len() - ending.len()]
        });
    format!("{bare}.jsonl")
}
