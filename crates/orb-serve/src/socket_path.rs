//! Socket paths of any length.
//!
//! In: a path. Out: one that fits a socket address. May touch: folders, to open them.
//! Invariant: both paths name the same file while the returned folder is open.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::limits::SOCKET_PATH_BYTES_MAX;

/// A path that can be bound or connected to.
#[derive(Debug)]
pub(crate) struct SocketPath {
    path: PathBuf,
    /// Keeps the descriptor that `path` goes through.
    _folder: Option<File>,
}

impl SocketPath {
    /// Shortens `path` if need be, by way of its folder's descriptor.
    pub(crate) fn of(path: &Path) -> io::Result<SocketPath> {
        if path.as_os_str().as_bytes().len() <= SOCKET_PATH_BYTES_MAX {
            return Ok(SocketPath {
                path: path.to_owned(),
                _folder: None,
            });
        }
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "path of a socket names no file",
            ));
        };
        let folder = File::open(folder)?;
        let mut short = OsString::from(format!("/proc/self/fd/{}/", folder.as_raw_fd()));
        short.push(name);
        Ok(SocketPath {
            path: short.into(),
            _folder: Some(folder),
        })
    }

    pub(crate) fn as_path(&self) -> &Path {
        &self.path
    }
}
