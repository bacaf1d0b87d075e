//! An object's way back: read from the store, compared with the ledger, whole or not there.
//!
//! In: a row of the ledger. Out: a file. May touch: the store, reading; one file.
//! Invariant: no file has its name before its bytes were compared with what the ledger says.

use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use futures_util::TryStreamExt;
use object_store::GetOptions;
use orb_env::Disk;

use crate::verify::hex;
use crate::{Arrived, Store, UploadError};

impl Store {
    /// Brings the object back to `to`, through `NAME.part` beside it. `progress` hears of bytes as they come.
    ///
    /// # Errors
    /// What the store or the disk says; [`UploadError::Differs`] when the object is not what the ledger says.
    pub async fn fetch(
        &self,
        object: &str,
        arrived: &Arrived,
        to: &Path,
        disk: &dyn Disk,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), UploadError> {
        let failed = |source| UploadError::Store {
            what: "read",
            object: object.to_owned(),
            to: self.place.to_string(),
            source: Box::new(source),
        };
        let write = |source| UploadError::Write {
            path: to.to_path_buf(),
            source,
        };
        let mut part = to.to_path_buf();
        part.as_mut_os_string().push(".part");
        disk.remove(&part).map_err(write)?;
        let mut file = disk.append(&part).map_err(write)?;
        let key = self.place.key(object);
        let got = self.objects().get_opts(&key, GetOptions::default()).await;
        let mut chunks = got.map_err(failed)?.into_stream();
        let mut digest = Context::new(&SHA256);
        while let Some(chunk) = chunks.try_next().await.map_err(failed)? {
            digest.update(&chunk);
            file.append(&chunk).map_err(write)?;
            progress(file.bytes());
        }
        if hex(digest.finish().as_ref()) != arrived.sha256 {
            disk.remove(&part).map_err(write)?;
            return Err(UploadError::Differs {
                object: object.to_owned(),
                to: self.place.to_string(),
            });
        }
        file.sync().map_err(write)?;
        disk.rename(&part, to).map_err(write)?;
        let folder = to.parent().map_or(Ok(()), |folder| disk.sync_dir(folder));
        folder.map_err(write)
    }
}
