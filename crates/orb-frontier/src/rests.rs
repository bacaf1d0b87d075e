//! Rests: what memory held of sites that wait for their clocks, in files until just before they are due.
//!
//! In: sites' rows, and the URLs that were read for them and not used. Out: the same, when their time is near.
//! May touch: a folder of its own, on the read helper, never synced. Must not touch: the store, the site table.
//! Invariant: a rest repeats what is stored; one that is lost or refused costs a read of the store and nothing else.
//!
//! Sites that fall due together are written together and read together: appending and reading some hundred bytes in
//! order costs a tenth of finding a row and a range in the store. A file holds the sites due in one
//! [`RESTS_SPAN`]; it is read whole when the first of them is asked for, and removed.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use orb_env::{Disk, Mono};
use rustc_hash::FxHashMap;

use crate::SiteId;
use crate::codec::{put_bytes, put_varint, take_bytes, take_varint};
use crate::limits::{
    RESTS_BUFFER_BYTES, RESTS_BYTES_MAX, RESTS_LEAVING_BYTES_MAX, RESTS_OPEN_MAX, RESTS_SPAN,
};

/// Rests on their way to the files, by span; each as [`put_rest`] writes it.
#[derive(Debug, Default)]
pub(crate) struct Leaving {
    spans: BTreeMap<u64, Vec<u8>>,
    bytes: usize,
}

impl Leaving {
    /// Takes a site that is due at `due`, unless as many bytes are on their way as may be; returns whether it did.
    pub(crate) fn put(&mut self, id: SiteId, due: Mono, site: &[u8]) -> bool {
        if self.bytes + site.len() > RESTS_LEAVING_BYTES_MAX {
            return false;
        }
        let span = self.spans.entry(span_of(due)).or_default();
        let before = span.len();
        put_rest(id, due, site, span);
        self.bytes += span.len() - before;
        true
    }

    /// Whether so much is on its way that it is worth a job of its own.
    pub(crate) fn is_much(&self) -> bool {
        self.bytes > RESTS_BUFFER_BYTES
    }
}

/// Appends number (4), due time (8), CRC-32 of all but itself (4), and the site's bytes with their length.
fn put_rest(id: SiteId, due: Mono, site: &[u8], out: &mut Vec<u8>) {
    let mut head = [0; 12];
    head[..4].copy_from_slice(&id.0.to_le_bytes());
    head[4..].copy_from_slice(&due.0.to_le_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(&crc_of(&head, site).to_le_bytes());
    put_bytes(out, site);
}

/// Takes what [`put_rest`] wrote; none of what is damaged.
fn take_rest<'a>(bytes: &mut &'a [u8]) -> Option<(SiteId, Mono, &'a [u8])> {
    let (head, rest) = bytes.split_first_chunk::<12>()?;
    let (crc, mut rest) = rest.split_first_chunk::<4>()?;
    let site = take_bytes(&mut rest).ok()?;
    if crc_of(head, site) != u32::from_le_bytes(*crc) {
        return None;
    }
    *bytes = rest;
    let [a, b, c, d, due @ ..] = *head;
    let id = SiteId(u32::from_le_bytes([a, b, c, d]));
    Some((id, Mono(u64::from_le_bytes(due)), site))
}

fn crc_of(head: &[u8; 12], site: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(head);
    crc.update(site);
    crc.finalize()
}

fn span_of(due: Mono) -> u64 {
    due.0 / RESTS_SPAN.as_micros() as u64
}

/// The files, shared by the jobs that write and read them.
#[derive(Clone)]
pub(crate) struct Rests(Arc<Mutex<Shelf>>);

impl Rests {
    /// Files in `dir`, where those of an earlier process are removed. Blocking.
    pub(crate) fn open(disk: Arc<dyn Disk>, dir: PathBuf) -> Rests {
        remove_all(disk.as_ref(), &dir);
        Rests(Arc::new(Mutex::new(Shelf {
            disk,
            dir,
            closed: BTreeMap::new(),
            open: BTreeMap::new(),
            buffered: 0,
            bytes: 0,
        })))
    }

    /// Writes what left memory. Blocking. What cannot be written is forgotten.
    pub(crate) fn put(&self, leaving: Leaving) {
        // A job that panicked left a shelf of rests that are all good or missing.
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (span, bytes) in leaving.spans {
            shelf.put(span, &bytes);
        }
        shelf.write_out();
    }

    /// Takes a site's bytes out, if they are there. Blocking.
    pub(crate) fn take(&self, id: SiteId, due: Mono) -> Option<Vec<u8>> {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.take(id, due)
    }
}

struct Shelf {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    closed: BTreeMap<u64, Closed>,
    open: BTreeMap<u64, Open>,
    /// Bytes in buffers.
    buffered: usize,
    /// Bytes in files.
    bytes: u64,
}

/// A span that nobody has asked for: its file, and what is not in it yet.
#[derive(Default)]
struct Closed {
    buffer: Vec<u8>,
    written: u64,
}

/// A span whose sites are taken one by one.
#[derive(Default)]
struct Open {
    bytes: Vec<u8>,
    sites: FxHashMap<SiteId, (Mono, Range<usize>)>,
}

impl Shelf {
    fn put(&mut self, span: u64, bytes: &[u8]) {
        if let Some(open) = self.open.get_mut(&span) {
            return open.add(bytes);
        }
        if self.bytes >= RESTS_BYTES_MAX {
            return;
        }
        let closed = self.closed.entry(span).or_default();
        closed.buffer.extend_from_slice(bytes);
        self.buffered += bytes.len();
    }

    /// Buffers that are large go to their files, and all of them when they are many.
    fn write_out(&mut self) {
        let least = if self.buffered > RESTS_LEAVING_BYTES_MAX {
            1
        } else {
            RESTS_BUFFER_BYTES
        };
        let large =
            |(span, closed): (&u64, &Closed)| (closed.buffer.len() >= least).then_some(*span);
        let spans: Vec<u64> = self.closed.iter().filter_map(large).collect();
        for span in spans {
            let path = self.path(span);
            let Some(closed) = self.closed.get_mut(&span) else {
                continue;
            };
            let buffer = std::mem::take(&mut closed.buffer);
            self.buffered -= buffer.len();
            let appended = || {
                self.disk.create_dir_all(&self.dir)?;
                self.disk.append(&path)?.append(&buffer)
            };
            if appended().is_ok() {
                closed.written += buffer.len() as u64;
                self.bytes += buffer.len() as u64;
            } else {
                let written = self.closed.remove(&span).map_or(0, |closed| closed.written);
                self.bytes -= written;
                self.disk.remove(&path).ok();
            }
        }
    }

    fn take(&mut self, id: SiteId, due: Mono) -> Option<Vec<u8>> {
        let span = span_of(due);
        if !self.open.contains_key(&span) {
            let closed = self.closed.remove(&span)?;
            self.open_span(span, closed);
        }
        let open = self.open.get_mut(&span)?;
        let site = open.take(id, due);
        if open.sites.is_empty() {
            self.open.remove(&span);
        }
        site
    }

    fn open_span(&mut self, span: u64, closed: Closed) {
        let mut open = Open::default();
        if closed.written > 0 {
            let path = self.path(span);
            let read = self.disk.read_all(&path);
            self.disk.remove(&path).ok();
            self.bytes -= closed.written;
            open.add(&read.unwrap_or_default());
        }
        self.buffered -= closed.buffer.len();
        open.add(&closed.buffer);
        self.open.insert(span, open);
        if self.open.len() > RESTS_OPEN_MAX {
            self.open.pop_first();
        }
    }

    fn path(&self, span: u64) -> PathBuf {
        self.dir.join(format!("due-{span}"))
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        remove_all(self.disk.as_ref(), &self.dir);
    }
}

fn remove_all(disk: &dyn Disk, dir: &Path) {
    for entry in disk.list(dir).unwrap_or_default() {
        disk.remove(&dir.join(entry.name)).ok();
    }
}

impl Open {
    /// Adds whole rests; what is damaged, and all behind it, is left out.
    fn add(&mut self, bytes: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        let mut rest = bytes;
        while let Some((id, due, site)) = take_rest(&mut rest) {
            let end = start + bytes.len() - rest.len();
            self.sites.insert(id, (due, end - site.len()..end));
        }
    }

    fn take(&mut self, id: SiteId, due: Mono) -> Option<Vec<u8>> {
        let (at, range) = self.sites.remove(&id)?;
        (at == due).then(|| self.bytes[range].to_vec())
    }
}

/// Rows of a queue in the form they are stored in, in the order they are to be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Folded {
    bytes: Vec<u8>,
    at: usize,
}

impl Folded {
    pub(crate) fn is_empty(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// Appends a row; `weighed`: its budgets were asked.
    pub(crate) fn push(&mut self, key: &[u8], value: &[u8], weighed: bool) {
        put_bytes(&mut self.bytes, key);
        put_bytes(&mut self.bytes, value);
        self.bytes.push(u8::from(weighed));
    }

    /// Appends all of another.
    pub(crate) fn append(&mut self, other: &Folded) {
        self.bytes.extend_from_slice(&other.bytes[other.at..]);
    }

    /// The next row: key, value, whether its budgets were asked.
    pub(crate) fn pop(&mut self) -> Option<(&[u8], &[u8], bool)> {
        let mut rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let before = rest.len();
        let key = take_bytes(&mut rest).ok()?;
        let value = take_bytes(&mut rest).ok()?;
        let (&weighed, rest) = rest.split_first()?;
        self.at += before - rest.len();
        Some((key, value, weighed != 0))
    }

    pub(crate) fn clear(&mut self) {
        *self = Folded::default();
    }
}

/// A site's row and its folded URLs as the bytes of one rest.
pub(crate) fn fold_site(row: &[u8], urls: &Folded) -> Vec<u8> {
    let mut out = Vec::with_capacity(row.len() + urls.bytes.len() - urls.at + 4);
    put_varint(&mut out, row.len() as u64);
    out.extend_from_slice(row);
    out.extend_from_slice(&urls.bytes[urls.at..]);
    out
}

/// The row and the URLs of [`fold_site`].
pub(crate) fn unfold_site(mut bytes: &[u8]) -> Option<(&[u8], Folded)> {
    let len = usize::try_from(take_varint(&mut bytes).ok()?).ok()?;
    let (row, urls) = bytes.split_at_checked(len)?;
    let urls = Folded {
        bytes: urls.to_vec(),
        at: 0,
    };
    Some((row, urls))
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_env::MemoryDisk;

    const SPAN: u64 = RESTS_SPAN.as_micros() as u64;

    fn due(span: u64, id: u32) -> Mono {
        Mono(span * SPAN + u64::from(id) % SPAN)
    }

    fn site(id: u32) -> Vec<u8> {
        [&id.to_le_bytes()[..], &[7; 400]].concat()
    }

    fn open(disk: &MemoryDisk) -> Rests {
        Rests::open(Arc::new(disk.clone()), "/rests".into())
    }

    fn put(rests: &Rests, span: u64, ids: Range<u32>) {
        let mut leaving = Leaving::default();
        for id in ids {
            assert!(leaving.put(SiteId(id), due(span, id), &site(id)));
        }
        rests.put(leaving);
    }

    fn files(disk: &MemoryDisk) -> usize {
        disk.list(Path::new("/rests"))
            .map_or(0, |files| files.len())
    }

    #[test]
    fn sites_come_back_as_they_were_whether_written_or_still_in_a_buffer() {
        let disk = MemoryDisk::new();
        let rests = open(&disk);
        for part in 0..4 {
            put(&rests, 9, part * 1_000..(part + 1) * 1_000);
        }
        put(&rests, 10, 4_000..4_010);
        assert_eq!(files(&disk), 1, "a few sites wait in a buffer");
        assert_eq!(rests.take(SiteId(3_999), due(9, 3_999)), Some(site(3_999)));
        assert_eq!(files(&disk), 0, "what is read is removed");
        for id in (0..3_999).rev() {
            assert_eq!(rests.take(SiteId(id), due(9, id)), Some(site(id)), "{id}");
            assert_eq!(
                rests.take(SiteId(id), due(9, id)),
                None,
                "{id} is there once"
            );
        }
        assert_eq!(rests.take(SiteId(4_003), due(10, 4_003)), Some(site(4_003)));
        // One that leaves again for a span that is open.
        put(&rests, 10, 4_003..4_004);
        assert_eq!(rests.take(SiteId(4_003), due(10, 4_003)), Some(site(4_003)));
    }

    #[test]
    fn who_is_due_at_another_time_by_now_has_no_rest() {
        let rests = open(&MemoryDisk::new());
        put(&rests, 3, 0..2);
        assert_eq!(rests.take(SiteId(0), Mono(due(3, 0).0 + 1)), None);
        assert_eq!(rests.take(SiteId(1), due(4, 1)), None);
        assert_eq!(rests.take(SiteId(1), due(3, 1)), Some(site(1)));
    }

    #[test]
    fn a_lost_or_damaged_file_loses_its_own_sites_only() {
        let disk = MemoryDisk::new();
        let rests = open(&disk);
        put(&rests, 1, 0..1_000);
        put(&rests, 2, 1_000..2_000);
        put(&rests, 3, 2_000..3_000);
        assert_eq!(files(&disk), 3);
        disk.remove(Path::new("/rests/due-1")).unwrap();
        let bytes = disk.read_all(Path::new("/rests/due-2")).unwrap();
        let mut spoilt = bytes.clone();
        let middle = spoilt.len() / 2;
        spoilt[middle] ^= 1;
        disk.replace(Path::new("/rests/due-2"), &spoilt).unwrap();
        assert_eq!(rests.take(SiteId(5), due(1, 5)), None);
        assert_eq!(rests.take(SiteId(1_000), due(2, 1_000)), Some(site(1_000)));
        assert_eq!(rests.take(SiteId(1_999), due(2, 1_999)), None);
        assert_eq!(rests.take(SiteId(2_500), due(3, 2_500)), Some(site(2_500)));
    }

    #[test]
    fn what_an_earlier_process_left_is_removed_and_this_one_leaves_nothing() {
        let disk = MemoryDisk::new();
        disk.create_dir_all(Path::new("/rests")).unwrap();
        disk.append(Path::new("/rests/due-7"))
            .unwrap()
            .append(b"old")
            .unwrap();
        let rests = open(&disk);
        assert_eq!(files(&disk), 0);
        put(&rests, 7, 0..1_000);
        assert_eq!(files(&disk), 1);
        drop(rests);
        assert_eq!(files(&disk), 0);
    }

    #[test]
    fn no_more_than_some_megabytes_are_on_their_way() {
        let mut leaving = Leaving::default();
        let taken = (0..20_000).take_while(|&id| leaving.put(SiteId(id), due(1, id), &site(id)));
        let taken = taken.count() * site(0).len();
        assert!(
            leaving.is_much() && taken < RESTS_LEAVING_BYTES_MAX,
            "{taken}"
        );
        assert!(taken > RESTS_LEAVING_BYTES_MAX * 9 / 10, "{taken}");
    }

    #[test]
    fn folded_rows_come_out_in_order_and_survive_a_rest() {
        let mut urls = Folded::default();
        assert!(urls.is_empty() && urls.pop().is_none());
        for row in 0..5_u8 {
            urls.push(&[row; 14], &[row; 200], row == 3);
        }
        assert_eq!(urls.pop(), Some((&[0; 14][..], &[0; 200][..], false)));
        let rest = fold_site(b"the row", &urls);
        let (row, mut back) = unfold_site(&rest).unwrap();
        assert_eq!(row, b"the row");
        for row in 1..5_u8 {
            let value = [row; 200];
            assert_eq!(back.pop(), Some((&[row; 14][..], &value[..], row == 3)));
        }
        assert!(back.is_empty() && back.pop().is_none());
        assert_eq!(unfold_site(&rest[..4]), None);
    }
}
