//! Where the index files of a WARC file stand.
//!
//! In: the index folder, the crawl's name, a WARC file's name. Out: paths. May touch: the disk, for removing.
//! Invariant: no name leads out of the index folder, and two WARC files share no index file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use orb_env::Disk;

use crate::DatasetError;
use crate::output::beside;

/// Kinds of captures, as Common Crawl sets them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subset {
    /// Successful captures with a payload of their own.
    Warc,
    /// Redirects, errors, revisits.
    Diagnostics,
    /// Answers to requests for robots.txt.
    Robots,
}

impl Subset {
    /// All, in the order rows are sorted by.
    pub const ALL: [Subset; 3] = [Subset::Warc, Subset::Diagnostics, Subset::Robots];

    /// The name of the partition.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Subset::Warc => "warc",
            Subset::Diagnostics => "crawldiagnostics",
            Subset::Robots => "robotstxt",
        }
    }
}

/// An index folder, and the crawl whose captures it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexPlace {
    folder: PathBuf,
    crawl: String,
}

impl IndexPlace {
    /// The index in `folder` of the crawl of this name: the value of the partition `crawl`.
    #[must_use]
    pub fn new(folder: &Path, crawl: &str) -> IndexPlace {
        IndexPlace {
            folder: folder.to_path_buf(),
            crawl: plain(crawl),
        }
    }

    /// The folder of the CDXJ files.
    #[must_use]
    pub fn cdxj(&self) -> PathBuf {
        self.folder.join("cdxj")
    }

    /// The folder of the tables.
    #[must_use]
    pub fn captures(&self) -> PathBuf {
        self.folder.join("captures")
    }

    /// The CDXJ file of the WARC file `name`.
    #[must_use]
    pub fn cdxj_of(&self, name: &str) -> PathBuf {
        self.cdxj().join(format!("{}.cdxj", plain(name)))
    }

    /// The table of one subset of the WARC file `name`.
    #[must_use]
    pub fn table_of(&self, name: &str, subset: Subset) -> PathBuf {
        self.table_in(&format!("crawl={}", self.crawl), name, subset)
    }

    fn table_in(&self, partition: &str, name: &str, subset: Subset) -> PathBuf {
        self.captures()
            .join(partition)
            .join(format!("subset={}", subset.name()))
            .join(format!("{}.parquet", plain(name)))
    }

    /// Two of these WARC files, by their places in the list, whose index would be one file.
    #[must_use]
    pub fn clash<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Option<(usize, usize)> {
        let mut seen = BTreeMap::new();
        names.into_iter().enumerate().find_map(|(at, name)| {
            let before = seen.insert(plain(name), at)?;
            Some((before, at))
        })
    }

    /// Makes every folder that index files go to, durably.
    pub(crate) fn make_folders(&self, disk: &dyn Disk) -> Result<(), DatasetError> {
        let captures = self.captures();
        let crawl = captures.join(format!("crawl={}", self.crawl));
        for folder in self.folders() {
            disk.create_dir_all(&folder)
                .map_err(DatasetError::write(&folder))?;
        }
        for folder in [&self.folder, &captures, &crawl] {
            disk.sync_dir(folder).map_err(DatasetError::write(folder))?;
        }
        Ok(())
    }

    /// The folders that hold index files.
    #[must_use]
    pub fn folders(&self) -> Vec<PathBuf> {
        let tables = Subset::ALL.map(|subset| self.table_of("x", subset));
        let tables = tables.iter().filter_map(|table| table.parent());
        tables.map(Path::to_path_buf).chain([self.cdxj()]).collect()
    }

    /// Whether the index of the WARC file `name` is complete.
    #[must_use]
    pub fn is_complete(&self, disk: &dyn Disk, name: &str) -> bool {
        disk.read(&self.cdxj_of(name)).is_ok()
    }

    /// Removes the index of the WARC file `name`, what an interrupted one left included, and what was made under another
    /// name of the crawl: its folder may have been renamed since.
    ///
    /// # Errors
    /// What the disk says.
    pub fn remove(&self, disk: &dyn Disk, name: &str) -> Result<(), DatasetError> {
        // The mark of completeness goes first, durably: tables that are gone must not seem to be there.
        let cdxj = self.cdxj_of(name);
        if disk.read(&cdxj).is_ok() {
            disk.remove(&cdxj).map_err(DatasetError::write(&cdxj))?;
            let folder = self.cdxj();
            disk.sync_dir(&folder)
                .map_err(DatasetError::write(&folder))?;
        }
        let captures = self.captures();
        let partitions = disk
            .folders(&captures)
            .map_err(DatasetError::read(&captures))?;
        let tables: Vec<PathBuf> = partitions
            .iter()
            .filter(|partition| partition.starts_with("crawl="))
            .flat_map(|partition| Subset::ALL.map(|subset| self.table_in(partition, name, subset)))
            .collect();
        for path in tables
            .iter()
            .flat_map(|path| [path.clone(), beside(path, "new")])
            .chain([beside(&cdxj, "new")])
        {
            disk.remove(&path).map_err(DatasetError::write(&path))?;
        }
        Ok(())
    }
}

/// A name as one part of a path that every reader of partitions takes as it is.
fn plain(name: &str) -> String {
    let kept = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = name
        .chars()
        .map(|c| if kept(c) { c } else { '_' })
        .collect();
    match name.trim_start_matches('.') {
        "" => "_".to_owned(),
        rest => rest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_env::MemoryDisk;

    #[test]
    fn tables_under_an_earlier_name_of_the_crawl_go_too() {
        let disk = MemoryDisk::new();
        let folder = Path::new("/c/index");
        let table =
            |crawl: &str, name: &str| IndexPlace::new(folder, crawl).table_of(name, Subset::Warc);
        for path in [table("old", "a.warc.gz"), table("old", "b.warc.gz")] {
            disk.replace(&path, b"PAR1").unwrap();
        }
        let place = IndexPlace::new(folder, "new");
        place.remove(&disk, "a.warc.gz").unwrap();
        assert!(disk.read(&table("old", "a.warc.gz")).is_err());
        assert!(disk.read(&table("old", "b.warc.gz")).is_ok());
    }

    #[test]
    fn names_that_lead_to_one_index_file_are_found() {
        let place = IndexPlace::new(Path::new("/c/index"), "c");
        assert_eq!(place.clash(["x", "a b.warc", "a_b.warc"]), Some((1, 2)));
        assert_eq!(place.clash(["a.warc", "a.warc"]), Some((0, 1)));
        assert_eq!(place.clash(["a.warc", "b.warc"]), None);
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        let place = IndexPlace::new(Path::new("/c/index"), "../a b=c");
        assert_eq!(
            place.table_of("../../x/y.warc.gz", Subset::Warc),
            Path::new("/c/index/captures/crawl=_a_b_c/subset=warc/_.._x_y.warc.gz.parquet")
        );
        assert_eq!(place.cdxj_of(".."), Path::new("/c/index/cdxj/_.cdxj"));
    }
}
