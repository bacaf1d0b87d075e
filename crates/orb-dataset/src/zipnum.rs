//! A zipnum cluster: sorted CDXJ in blocks that are compressed by themselves, and a small index of their first lines.
//!
//! In: sorted lines. Out: `cdx-00000.gz`, `cluster.idx`, `cluster.loc` in one folder. May touch: the disk, there.
//! Invariant: `cluster.idx` appears last; where it stands, the cluster is complete.
//!
//! A line of `cluster.idx` is `key time TAB file TAB offset TAB length TAB number`, of `cluster.loc` `file TAB path`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use orb_env::Disk;

use crate::DatasetError;
use crate::limits::ZIPNUM_LINES;
use crate::output::Output;

/// The one shard of a cluster. A billion captures make some 50 GB of it, which readers seek in.
const SHARD: &str = "cdx-00000.gz";

/// A cluster being written.
pub struct ZipNum {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    shard: Output,
    index: Output,
    block: Vec<u8>,
    first: String,
    lines: usize,
    blocks: u64,
}

impl ZipNum {
    /// Begins a cluster in `folder`.
    ///
    /// # Errors
    /// What the disk says.
    pub fn create(disk: Arc<dyn Disk>, folder: &Path) -> Result<ZipNum, DatasetError> {
        let index = folder.join("cluster.idx");
        disk.remove(&index).map_err(DatasetError::write(&index))?;
        Ok(ZipNum {
            shard: Output::create(&disk, &folder.join(SHARD))?,
            index: Output::create(&disk, &index)?,
            disk,
            folder: folder.to_path_buf(),
            block: Vec::new(),
            first: String::new(),
            lines: 0,
            blocks: 0,
        })
    }

    /// Adds a line, not before the one before it.
    ///
    /// # Errors
    /// What the disk says.
    pub fn push(&mut self, line: &str) -> Result<(), DatasetError> {
        if self.lines == 0 {
            let words: Vec<&str> = line.splitn(3, ' ').take(2).collect();
            self.first = words.join(" ");
        }
        self.block.extend_from_slice(line.as_bytes());
        self.block.push(b'\n');
        self.lines += 1;
        if self.lines >= ZIPNUM_LINES {
            self.write_block()?;
        }
        Ok(())
    }

    fn write_block(&mut self) -> Result<(), DatasetError> {
        if self.lines == 0 {
            return Ok(());
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let block = encoder
            .write_all(&self.block)
            .and_then(|()| encoder.finish())
            .expect("a Vec takes every byte");
        let offset = self.shard.bytes();
        self.shard.put(&block)?;
        self.blocks += 1;
        let (first, length, number) = (&self.first, block.len(), self.blocks);
        let line = format!("{first}\t{SHARD}\t{offset}\t{length}\t{number}\n");
        self.index.put(line.as_bytes())?;
        self.block.clear();
        self.lines = 0;
        Ok(())
    }

    /// Makes the cluster durable. Returns its number of blocks.
    ///
    /// # Errors
    /// What the disk says.
    pub fn finish(mut self) -> Result<u64, DatasetError> {
        self.write_block()?;
        self.shard.finish()?;
        let mut places = Output::create(&self.disk, &self.folder.join("cluster.loc"))?;
        // From that file's own folder, so that the folder can be moved.
        places.put(format!("{SHARD}\t{SHARD}\n").as_bytes())?;
        places.finish()?;
        self.index.finish()?;
        Ok(self.blocks)
    }
}
