//! Promise `frame`: the folder is what it says, rows can be read, folders are private.
//!
//! In: the crawl's folder. Out: findings beside those of [`crate::rows`]. May touch: the disk, for reading.
//! Must not touch: the meaning of rows and records. Invariant: only what is there is judged; nothing is made.

use std::io;
use std::path::Path;

use orb_api::{CrawlDir, FORMAT_VERSION};
use orb_env::Disk;
use serde::Deserialize;

use crate::AuditSettings;
use crate::error::AuditError;
use crate::report::{Case, Seat, Violation};
use crate::rows::Rows;

/// Mode of every folder: nobody else may read what was fetched, or where to.
const PRIVATE: u32 = 0o700;

#[derive(Deserialize)]
struct Identity {
    format: u32,
}

/// Judges the identity file, the files that rows name, and the folders.
pub(crate) fn judge(
    disk: &dyn Disk,
    dir: &CrawlDir,
    settings: &AuditSettings,
    rows: &Rows,
    case: &mut Case,
) -> Result<(), AuditError> {
    identity(disk, dir, case)?;
    named_files(disk, dir, rows, case)?;
    let Some(mode_of) = settings.folder_mode else {
        case.unseen("modes of folders");
        return Ok(());
    };
    let folders = [
        dir.root().to_path_buf(),
        dir.warc(),
        dir.attempts(),
        dir.commits(),
        dir.state(),
        dir.logs(),
    ];
    for folder in folders
        .iter()
        .chain(dir.attempts().parent().map(Path::to_path_buf).iter())
    {
        match mode_of(folder) {
            Ok(mode) if mode & 0o777 == PRIVATE => case.count("private_folders", 1),
            Ok(mode) => {
                let seen = format!("mode {:03o}", mode & 0o777);
                violate(case, &name(dir, folder), "folder_mode", "mode 700", seen);
            }
            // A folder that was never needed is not there.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(AuditError::disk(folder)(error)),
        }
    }
    Ok(())
}

fn identity(disk: &dyn Disk, dir: &CrawlDir, case: &mut Case) -> Result<(), AuditError> {
    let path = dir.identity();
    let file = name(dir, &path);
    let bytes = match disk.read_all(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            violate(
                case,
                &file,
                "identity",
                "the identity of a crawl",
                "no such file".into(),
            );
            return Ok(());
        }
        Err(error) => return Err(AuditError::disk(path)(error)),
    };
    match serde_json::from_slice::<Identity>(&bytes) {
        Ok(identity) if identity.format <= FORMAT_VERSION => {}
        Ok(identity) => {
            let expected = format!("format {FORMAT_VERSION} at most");
            violate(
                case,
                &file,
                "format",
                &expected,
                format!("format {}", identity.format),
            );
        }
        Err(error) => violate(
            case,
            &file,
            "identity",
            "the identity of a crawl",
            error.to_string(),
        ),
    }
    Ok(())
}

/// Segments that committed rows name must be there.
fn named_files(
    disk: &dyn Disk,
    dir: &CrawlDir,
    rows: &Rows,
    case: &mut Case,
) -> Result<(), AuditError> {
    let there = disk
        .list(&dir.warc())
        .map_err(AuditError::disk(dir.warc()))?;
    let mut known = vec![None; rows.names.len()];
    for row in &rows.all {
        let Some((file, _, _)) = row.answer.archive else {
            continue;
        };
        if row.durability != crate::row::Durability::Committed || known[file as usize].is_some() {
            continue;
        }
        let text = rows.names.text(file);
        let exists = there.iter().any(|entry| entry.name == text);
        known[file as usize] = Some(exists);
        case.count("files", 1);
        if !exists {
            case.violate(|| Violation {
                rule: "no_file",
                seat: row.seat(),
                url: Some(row.url.to_string()),
                expected: format!("the file warc/{text}"),
                seen: "none".into(),
            });
        }
    }
    Ok(())
}

fn name(dir: &CrawlDir, path: &Path) -> String {
    path.strip_prefix(dir.root())
        .unwrap_or(path)
        .display()
        .to_string()
}

fn violate(case: &mut Case, file: &str, rule: &'static str, expected: &str, seen: String) {
    let seat = Seat {
        file: file.to_owned(),
        ..Seat::default()
    };
    case.violate(|| Violation {
        rule,
        seat,
        url: None,
        expected: expected.to_owned(),
        seen,
    });
}
