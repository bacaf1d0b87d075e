//! The lines of one key in a zipnum cluster, of this program or another.
//!
//! In: a cluster's `cluster.idx`, a key. Out: its lines. May touch: the disk, for reading.
//! Invariant: reading is bounded by the logarithm of the index and the blocks that may hold the key; a block is read
//! within bounds, however much it says it holds.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use orb_env::Disk;

use crate::DatasetError;
use crate::limits::{BLOCK_BYTES_MAX, BLOCK_PACKED_BYTES_MAX, CLUSTER_LOC_BYTES_MAX};
use crate::lookup::Lines;

/// A cluster that stands.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    index: PathBuf,
    /// Where `cluster.loc` says that files are.
    places: BTreeMap<String, PathBuf>,
}

/// What a line of the index says of a block.
struct Block {
    file: String,
    offset: u64,
    bytes: u64,
}

impl Cluster {
    /// The cluster whose index is `index`.
    pub(crate) fn open(disk: &dyn Disk, index: &Path) -> Result<Cluster, DatasetError> {
        let folder = index.parent().unwrap_or(Path::new(""));
        let list = index.with_extension("loc");
        let mut places = BTreeMap::new();
        if let Ok(file) = disk.read(&list) {
            let bytes = file.bytes().map_err(DatasetError::read(&list))?;
            let mut text = vec![0; bytes.min(CLUSTER_LOC_BYTES_MAX) as usize];
            let got = file
                .read_at(0, &mut text)
                .map_err(DatasetError::read(&list))?;
            for line in String::from_utf8_lossy(&text[..got]).lines() {
                if let Some((name, place)) = line.split_once('\t') {
                    places.insert(name.to_owned(), folder.join(place));
                }
            }
        }
        Ok(Cluster {
            index: index.to_path_buf(),
            places,
        })
    }

    /// The file that is looked up in.
    pub(crate) fn index(&self) -> &Path {
        &self.index
    }

    /// Shows `each` the lines of `key`, in their order, until it breaks.
    pub(crate) fn each_line_of_key(
        &self,
        disk: &dyn Disk,
        key: &str,
        each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), DatasetError> {
        let prefix = format!("{key} ");
        let prefix = prefix.as_bytes();
        let file = disk
            .read(&self.index)
            .map_err(DatasetError::read(&self.index))?;
        let lines = Lines { file: &*file };
        let place = lines
            .place(prefix)
            .map_err(DatasetError::read(&self.index))?;
        // The block before may end with lines of the key.
        let mut at = place.before.unwrap_or(place.first);
        while let Some(line) = lines
            .line_from(at)
            .map_err(DatasetError::read(&self.index))?
        {
            if line.bytes.as_slice() >= prefix && !line.bytes.starts_with(prefix) {
                break;
            }
            if self.block(disk, &line.bytes, prefix, each)?.is_break() {
                break;
            }
            at = line.end();
        }
        Ok(())
    }

    /// Shows the lines with this prefix of the block that a line of the index names.
    fn block(
        &self,
        disk: &dyn Disk,
        line: &[u8],
        prefix: &[u8],
        each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, DatasetError> {
        let text = self.unpacked(disk, line)?;
        for line in text.split(|&byte| byte == b'\n') {
            if line.starts_with(prefix) {
                if each(line).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            } else if line > prefix {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The lines of the block that a line of the index names.
    pub(crate) fn unpacked(&self, disk: &dyn Disk, line: &[u8]) -> Result<Vec<u8>, DatasetError> {
        let wrong = |text: String| {
            DatasetError::read(&self.index)(io::Error::new(io::ErrorKind::InvalidData, text))
        };
        let block = Block::of_line(line).ok_or_else(|| {
            let shown: String = String::from_utf8_lossy(line).chars().take(80).collect();
            wrong(format!("{shown:?} names no block"))
        })?;
        if block.bytes > BLOCK_PACKED_BYTES_MAX {
            let bytes = block.bytes;
            return Err(wrong(format!("a block of {bytes} bytes is none")));
        }
        let folder = self.index.parent().unwrap_or(Path::new(""));
        let path = match self.places.get(&block.file) {
            Some(path) => path.clone(),
            None => folder.join(&block.file),
        };
        let mut packed = vec![0; block.bytes as usize];
        let got = disk
            .read(&path)
            .and_then(|file| file.read_at(block.offset, &mut packed))
            .map_err(DatasetError::read(&path))?;
        let mut text = Vec::new();
        MultiGzDecoder::new(&packed[..got])
            .take(BLOCK_BYTES_MAX)
            .read_to_end(&mut text)
            .map_err(DatasetError::read(&path))?;
        Ok(text)
    }
}

impl Block {
    fn of_line(line: &[u8]) -> Option<Block> {
        let line = std::str::from_utf8(line).ok()?;
        let mut parts = line.split('\t').skip(1);
        Some(Block {
            file: parts.next().filter(|file| !file.is_empty())?.to_owned(),
            offset: parts.next()?.parse().ok()?,
            bytes: parts.next()?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ZipNum;
    use crate::limits::ZIPNUM_LINES;
    use orb_env::MemoryDisk;
    use std::sync::Arc;

    /// Keys that end with a block, fill several, or are not there.
    #[test]
    fn a_cluster_has_the_lines_that_were_put_into_it() {
        let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::new());
        let folder = Path::new("/z");
        let mut cluster = ZipNum::create(Arc::clone(&disk), folder).unwrap();
        let many = 2 * ZIPNUM_LINES + 7;
        let lines = |key: &str| match key {
            "a" => 5,
            "b" => ZIPNUM_LINES - 5,
            "c" => many,
            "e" => 1,
            _ => 0,
        };
        for key in ["a", "b", "c", "e"] {
            for number in 0..lines(key) {
                cluster
                    .push(&format!("{key} {number:014} {{\"n\":1}}"))
                    .unwrap();
            }
        }
        cluster.finish().unwrap();
        let cluster = Cluster::open(disk.as_ref(), &folder.join("cluster.idx")).unwrap();
        for key in ["0", "a", "b", "c", "d", "e", "f"] {
            let mut found = 0;
            cluster
                .each_line_of_key(disk.as_ref(), key, &mut |line| {
                    assert!(line.starts_with(format!("{key} {found:014} ").as_bytes()));
                    found += 1;
                    ControlFlow::Continue(())
                })
                .unwrap();
            assert_eq!(found, lines(key), "{key}");
        }
    }
}
