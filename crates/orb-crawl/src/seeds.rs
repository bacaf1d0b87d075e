//! Seeds: taken into one file per slot, absorbed by the slot before any link.
//!
//! In: seeds. Out: files `seeds/NNNNNNNN.orbs` of found rows behind their length.
//! May touch: the disk. Must not touch: the sieve.
//! Invariant: a seed file is durable under its final name before the crawl begins.

use std::path::Path;
use std::sync::Arc;

use orb_api::CrawlDir;
use orb_env::{AppendFile, Disk};
use orb_frontier::{Found, How, SeedsEnd};
use orb_shard::SlotMap;
use orb_url::{CrawlKey, Seed};

use crate::CrawlError;
use crate::limits::SEED_BYTES;

const SUFFIX: &str = ".orbs";

/// Numbers of the seed files in `dir`, in order.
pub(crate) fn files(disk: &dyn Disk, dir: &Path) -> Result<Vec<(u64, u64)>, CrawlError> {
    let entries = disk.list(dir).map_err(CrawlError::file("list", dir))?;
    let number = |name: &str| name.strip_suffix(SUFFIX)?.parse::<u64>().ok();
    Ok(entries
        .iter()
        .filter_map(|entry| Some((number(&entry.name)?, entry.bytes)))
        .collect())
}

fn path_of(dir: &Path, number: u64) -> std::path::PathBuf {
    dir.join(format!("{number:08}{SUFFIX}"))
}

struct SlotSeeds {
    number: u64,
    file: Box<dyn AppendFile>,
    buffer: Vec<u8>,
}

/// Takes in one list of seeds.
pub(crate) struct SeedIntake<'a> {
    disk: &'a dyn Disk,
    dir: &'a CrawlDir,
    slots: &'a SlotMap,
    key: CrawlKey,
    open: Vec<Option<SlotSeeds>>,
}

impl<'a> SeedIntake<'a> {
    pub(crate) fn new(
        disk: &'a dyn Disk,
        dir: &'a CrawlDir,
        slots: &'a SlotMap,
        key: CrawlKey,
    ) -> SeedIntake<'a> {
        let open = slots.slot_ids().map(|_| None).collect();
        SeedIntake {
            disk,
            dir,
            slots,
            key,
            open,
        }
    }

    pub(crate) fn add(&mut self, seed: &Seed) -> Result<(), CrawlError> {
        let slot = self.slots.slot_of_url(&self.key, &seed.url);
        let index = usize::from(slot.0);
        if self.open[index].is_none() {
            self.open[index] = Some(begin(self.disk, &self.dir.seeds(slot))?);
        }
        let seeds = self.open[index].as_mut().expect("opened above");
        let found = Found {
            url: seed.url.clone(),
            via: None,
            depth: 0,
            hops: 0,
            how: How::Seed,
            bare_domain: seed.bare_domain,
            rank: seed.rank,
        };
        seeds.add(&found);
        if seeds.buffer.len() > SEED_BYTES {
            flush(seeds, &self.dir.seeds(slot))?;
        }
        Ok(())
    }

    /// Makes the list durable.
    pub(crate) fn finish(mut self) -> Result<(), CrawlError> {
        for slot in self.slots.slot_ids() {
            if let Some(seeds) = self.open[usize::from(slot.0)].take() {
                end(self.disk, &self.dir.seeds(slot), seeds)?;
            }
        }
        Ok(())
    }
}

impl SlotSeeds {
    fn add(&mut self, found: &Found) {
        let mut row = Vec::new();
        found.encode_into(&mut row);
        let bytes = row.len() as u32;
        self.buffer.extend_from_slice(&bytes.to_be_bytes());
        self.buffer.extend_from_slice(&row);
    }
}

/// Begins a seed file under another name, so that half a list is never absorbed.
fn begin(disk: &dyn Disk, dir: &Path) -> Result<SlotSeeds, CrawlError> {
    let number = files(disk, dir)?.last().map_or(1, |(number, _)| number + 1);
    let path = dir.join("new");
    disk.remove(&path)
        .map_err(CrawlError::file("remove", &path))?;
    let file = disk
        .append(&path)
        .map_err(CrawlError::file("open", &path))?;
    Ok(SlotSeeds {
        number,
        file,
        buffer: Vec::new(),
    })
}

/// Makes a seed file durable under its final name.
fn end(disk: &dyn Disk, dir: &Path, mut seeds: SlotSeeds) -> Result<(), CrawlError> {
    flush(&mut seeds, dir)?;
    seeds.file.sync().map_err(CrawlError::file("sync", dir))?;
    let (from, to) = (dir.join("new"), path_of(dir, seeds.number));
    disk.rename(&from, &to)
        .map_err(CrawlError::file("rename", &from))?;
    disk.sync_dir(dir).map_err(CrawlError::file("sync", dir))
}

/// Stores found URLs, whatever found them, as one more seed file of a slot: it absorbs them first.
pub(crate) fn store_found(disk: &dyn Disk, dir: &Path, found: &[Found]) -> Result<(), CrawlError> {
    if found.is_empty() {
        return Ok(());
    }
    let mut seeds = begin(disk, dir)?;
    for found in found {
        seeds.add(found);
        if seeds.buffer.len() > SEED_BYTES {
            flush(&mut seeds, dir)?;
        }
    }
    end(disk, dir, seeds)
}

/// Everything in the seed files of `dir` beyond `from`. Blocking; memory: all of it.
pub(crate) fn rest(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    mut from: SeedsEnd,
) -> Result<Vec<Found>, CrawlError> {
    let list = files(disk.as_ref(), dir)?;
    let mut all = Vec::new();
    while waiting(from, &list) {
        let job = SeedJob {
            disk: Arc::clone(disk),
            dir: dir.to_path_buf(),
            from,
            files: list.clone(),
        };
        let (found, next) = job.run()?;
        all.extend(found);
        from = next;
    }
    Ok(all)
}

fn flush(seeds: &mut SlotSeeds, dir: &Path) -> Result<(), CrawlError> {
    seeds
        .file
        .append(&seeds.buffer)
        .map_err(CrawlError::file("write seeds in", dir))?;
    seeds.buffer.clear();
    Ok(())
}

/// Reads the next seeds of a slot. Blocking: run it on the read helper.
pub(crate) struct SeedJob {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: std::path::PathBuf,
    pub(crate) from: SeedsEnd,
    /// Files and their lengths, in order.
    pub(crate) files: Vec<(u64, u64)>,
}

impl SeedJob {
    /// The next rows and the position behind them.
    pub(crate) fn run(self) -> Result<(Vec<Found>, SeedsEnd), CrawlError> {
        let position = next_position(self.from, &self.files);
        let path = path_of(&self.dir, position.file);
        let file = self
            .disk
            .read(&path)
            .map_err(CrawlError::file("read", &path))?;
        let mut bytes = vec![0; SEED_BYTES * 2];
        let got = file
            .read_at(position.bytes, &mut bytes)
            .map_err(CrawlError::file("read", &path))?;
        let mut rest = &bytes[..got];
        let mut found = Vec::new();
        let mut used = 0u64;
        while let Some((len, tail)) = rest.split_first_chunk::<4>() {
            let len = u32::from_be_bytes(*len) as usize;
            if len > tail.len() {
                break;
            }
            let mut row = &tail[..len];
            let damaged = |_| std::io::Error::other("damaged row");
            let decoded = Found::decode(&mut row)
                .map_err(damaged)
                .map_err(CrawlError::file("read", &path))?;
            found.push(decoded);
            rest = &tail[len..];
            used += 4 + len as u64;
        }
        if used == 0 && got > 0 {
            return Err(CrawlError::file("read", &path)(std::io::Error::other(
                "damaged row",
            )));
        }
        Ok((
            found,
            SeedsEnd {
                file: position.file,
                bytes: position.bytes + used,
            },
        ))
    }
}

/// Where reading goes on: the position itself, or the start of the next file.
fn next_position(from: SeedsEnd, files: &[(u64, u64)]) -> SeedsEnd {
    let unread = |&&(number, bytes): &&(u64, u64)| {
        number > from.file || (number == from.file && bytes > from.bytes)
    };
    match files.iter().find(unread) {
        Some(&(number, _)) if number == from.file => from,
        Some(&(number, _)) => SeedsEnd {
            file: number,
            bytes: 0,
        },
        None => from,
    }
}

/// Whether seeds wait beyond `from`.
pub(crate) fn waiting(from: SeedsEnd, files: &[(u64, u64)]) -> bool {
    files.last().is_some_and(|&(number, bytes)| {
        number > from.file || (number == from.file && bytes > from.bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_env::MemoryDisk;
    use orb_url::parse_seed_line;

    #[test]
    fn seeds_come_back_by_slot_in_order_over_several_lists() {
        let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::new());
        let dir = CrawlDir::new("/c");
        let slots = SlotMap::new(4).unwrap();
        let mut want = 0;
        for list in [0..500, 500..600] {
            let mut intake = SeedIntake::new(disk.as_ref(), &dir, &slots, CrawlKey::ZERO);
            for i in list {
                intake
                    .add(
                        &parse_seed_line(&format!("site{i}.example"))
                            .unwrap()
                            .unwrap(),
                    )
                    .unwrap();
                want += 1;
            }
            intake.finish().unwrap();
        }
        let mut got = 0;
        for slot in slots.slot_ids() {
            let seeds = dir.seeds(slot);
            let list = files(disk.as_ref(), &seeds).unwrap();
            let mut from = SeedsEnd::default();
            while waiting(from, &list) {
                let job = SeedJob {
                    disk: Arc::clone(&disk),
                    dir: seeds.clone(),
                    from,
                    files: list.clone(),
                };
                let (found, next) = job.run().unwrap();
                assert!(
                    found.iter().all(
                        |f| slots.slot_of_url(&CrawlKey::ZERO, &f.url) == slot && f.bare_domain
                    )
                );
                got += found.len();
                from = next;
            }
        }
        assert_eq!(got, want);
    }
}
