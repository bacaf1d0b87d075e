//! Moving a partition: everything a slot holds of it, out into one stream and into another slot.
//!
//! In: a slot that nobody works on, found URLs it has not absorbed. Out: framed bytes, and back.
//! May touch: store and sieve files, blocking. Must not touch: the archive: places of records stay behind.
//! Invariant: a stream is checked to its end before anything is changed; books go with the rows they count; what was
//! moved away is dropped in one batch, before its rows are cleaned up.
//!
//! A stream is `ORBP`, version 1 (2 bytes, little-endian), then frames: kind (1), bytes of the payload (4), CRC-32 of
//! kind and payload (4), payload.
//!
//! | kind | payload |
//! |---|---|
//! | `H` | JSON of [`PartitionHead`] |
//! | `R` | keyspace by name (length, text), then rows: key and value (length and bytes each) |
//! | `K` | fingerprints of the sieve, ascending, 8 bytes each, big-endian |
//! | `F` | found URLs that are not absorbed, in the order they came |
//! | `E` | JSON of [`PartitionEnd`]; nothing follows |

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use orb_api::{Books, Reason, UrlState};
use orb_shard::{Partition, SiteKey};
use orb_store::{Batch, Keyspace, Row, Store, StoreError};
use orb_url::{CrawlKey, Fingerprint};
use serde::{Deserialize, Serialize};

use crate::check::SlotState;
use crate::codec::{put_bytes, take_bytes, take_str};
use crate::limits::{OPEN_ROWS, PARTITION_FRAME_BYTES, PARTITION_FRAME_BYTES_MAX};
use crate::rows::{FateRow, Lane, QueueRow, queue_key, site_of_key};
use crate::sieve::{export_partition, read_admitted, write_run_of};
use crate::{DecodeError, Found, FrontierError, RunList, SieveKey, SiteRow, SlotSnapshot, Tally};

const MAGIC: [u8; 4] = *b"ORBP";
const VERSION: u16 = 1;

/// Row of `Meta` that names a partition whose rows are being written.
const IMPORTING: &[u8] = b"importing";

/// Keyspaces whose rows begin with the site.
const MOVED: [Keyspace; 6] = [
    Keyspace::Tallies,
    Keyspace::Sites,
    Keyspace::Robots,
    Keyspace::Queue,
    Keyspace::Cold,
    Keyspace::Fates,
];

/// Why a partition cannot be moved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MoveError {
    /// The slot could not be read or written.
    #[error(transparent)]
    Frontier(#[from] FrontierError),
    /// The stream could not be read or written.
    #[error("read or write the exported partition")]
    Stream(#[from] io::Error),
    /// The stream is not whole, or not one of ours.
    #[error("the exported partition is damaged at byte {at}: {what}")]
    Damaged {
        /// Offset of the frame.
        at: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// It belongs to another crawl.
    #[error("{what}: the export has {theirs}, this folder {ours}")]
    Foreign {
        /// What differs.
        what: &'static str,
        /// In the export.
        theirs: String,
        /// Here.
        ours: String,
    },
    /// The slot holds something of the partition.
    #[error("partition {partition} is not empty here: {rows} rows; export it with --remove first")]
    NotEmpty {
        /// Which.
        partition: Partition,
        /// Rows found.
        rows: u64,
    },
    /// Admitted URLs of it still lie here, from before it was moved away.
    #[error(
        "URLs of partition {partition} from before it was moved away are not drained here; run `orb crawl` on this folder once, then import"
    )]
    Undrained {
        /// Which.
        partition: Partition,
    },
    /// It is not here any more.
    #[error("partition {partition} was moved away from here")]
    MovedAway {
        /// Which.
        partition: Partition,
    },
}

impl From<StoreError> for MoveError {
    fn from(error: StoreError) -> MoveError {
        MoveError::Frontier(error.into())
    }
}

impl From<DecodeError> for MoveError {
    fn from(error: DecodeError) -> MoveError {
        MoveError::Frontier(error.into())
    }
}

/// What an export says of itself first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionHead {
    /// Format of the folder it came from.
    pub format: u32,
    /// The partition.
    pub partition: Partition,
    /// The crawl's key, 32 hex digits: fingerprints mean nothing without it. Keep the file as private as the folder.
    pub key: String,
    /// Version of the public suffix list that sites were derived with.
    pub suffix_list: String,
}

/// What an export says of itself last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionEnd {
    /// The books of the partition.
    pub books: Books,
    /// Rows of all keyspaces.
    pub rows: u64,
    /// Sites.
    pub sites: u64,
    /// Keys of the sieve.
    pub sieve_keys: u64,
    /// Found URLs that are not absorbed.
    pub found: u64,
}

// ---- out ----

/// Writes everything that `state` holds of `partition`, and of `links` what belongs to it: the found URLs its slot
/// has not absorbed. Blocking; changes nothing. Cost: one pass over the partition, over what is admitted and not
/// drained, and over `links`.
///
/// # Errors
/// [`MoveError`].
pub fn write_partition(
    state: &SlotState<'_>,
    head: &PartitionHead,
    links: impl IntoIterator<Item = Found>,
    out: &mut dyn Write,
) -> Result<PartitionEnd, MoveError> {
    let partition = head.partition;
    let snapshot = SlotSnapshot::read(state.store)?.unwrap_or_default();
    if snapshot.moved.contains(&partition.get()) {
        return Err(MoveError::MovedAway { partition });
    }
    let mut frames = Frames::begin(out)?;
    frames.json(b'H', head)?;
    let mut end = PartitionEnd::default();
    let mut admitted = undrained(state, &snapshot, partition)?;
    write_tallies(state, partition, &mut admitted, &mut frames, &mut end)?;
    for keyspace in [Keyspace::Sites, Keyspace::Robots] {
        each_of(state, keyspace, partition, |key, value| {
            end.rows += 1;
            frames.row(keyspace, key, value)
        })?;
    }
    let mut parked = BTreeMap::new();
    each_of(state, Keyspace::Tallies, partition, |key, value| {
        let reason = Tally::decode(value)?.0.parked;
        parked.extend(reason.map(|reason| (site_of_key(key).ok(), reason)));
        Ok(())
    })?;
    each_of(state, Keyspace::Queue, partition, |key, value| {
        end.rows += 1;
        end.books.discover(1);
        if let Some(reason) = parked.get(&site_of_key(key).ok()) {
            end.books.settle(1, UrlState::Excluded, *reason);
        }
        frames.row(Keyspace::Queue, key, value)
    })?;
    each_of(state, Keyspace::Cold, partition, |key, value| {
        end.rows += 1;
        end.books.discover(1);
        end.books.settle(1, UrlState::Excluded, Reason::Budget);
        frames.row(Keyspace::Cold, key, value)
    })?;
    each_of(state, Keyspace::Fates, partition, |key, value| {
        let row = FateRow::decode(value)?;
        end.rows += 1;
        end.books.discover(1);
        end.books.settle(1, row.state, row.reason);
        // The record stays in the archive it was written to.
        let row = FateRow { place: None, ..row };
        frames.row(Keyspace::Fates, key, &row.encode())
    })?;
    let runs = live_runs(state)?;
    for key in export_partition(state.disk, state.sieve_dir, &runs, partition)
        .map_err(FrontierError::from)?
    {
        let key = key.map_err(FrontierError::from)?;
        end.sieve_keys += 1;
        frames.add(b'K', &key.fingerprint.0.to_be_bytes())?;
    }
    for found in links {
        if SiteKey::of_url(&state.key, &found.url).partition() == partition {
            let mut row = Vec::new();
            found.encode_into(&mut row);
            end.found += 1;
            frames.add(b'F', &row)?;
        }
    }
    frames.json(b'E', &end)?;
    Ok(end)
}

/// Admitted URLs of the partition that are not in the queues yet, by site.
fn undrained(
    state: &SlotState<'_>,
    snapshot: &SlotSnapshot,
    partition: Partition,
) -> Result<BTreeMap<SiteKey, Vec<Found>>, MoveError> {
    let mut by_site: BTreeMap<SiteKey, Vec<Found>> = BTreeMap::new();
    for file in &snapshot.admitted {
        let mut from = file.offset;
        loop {
            let read = read_admitted(state.disk, state.sieve_dir, file.id, from, OPEN_ROWS)
                .map_err(FrontierError::from)?;
            for (key, found) in read.rows {
                if key.partition == partition {
                    let site = SiteKey::of_url(&state.key, &found.url);
                    by_site.entry(site).or_default().push(found);
                }
            }
            if read.end {
                break;
            }
            from = read.next;
        }
    }
    Ok(by_site)
}

/// Writes the tallies, with what is not drained counted as queued, and rows for that.
fn write_tallies(
    state: &SlotState<'_>,
    partition: Partition,
    admitted: &mut BTreeMap<SiteKey, Vec<Found>>,
    frames: &mut Frames<'_>,
    end: &mut PartitionEnd,
) -> Result<(), MoveError> {
    let mut extra = Vec::new();
    each_of(state, Keyspace::Tallies, partition, |key, value| {
        let site = site_of_key(key)?;
        let (mut tally, marks) = Tally::decode(value)?;
        let late = admitted.remove(&site).unwrap_or_default();
        extra.extend(queued(site, &mut tally, late, end));
        end.rows += 1;
        end.sites += 1;
        frames.row(Keyspace::Tallies, key, &tally.encode(&marks))
    })?;
    for (site, late) in std::mem::take(admitted) {
        let mut tally = Tally {
            named: true,
            ..Tally::default()
        };
        let name = late.first().map(|found| found.url.site());
        extra.extend(queued(site, &mut tally, late, end));
        end.rows += 2;
        end.sites += 1;
        let key = site.to_bytes();
        frames.row(Keyspace::Tallies, &key, &tally.encode(&Default::default()))?;
        if let Some(name) = name {
            frames.row(Keyspace::Sites, &key, &SiteRow::new(name).encode())?;
        }
    }
    for (key, value) in extra {
        end.rows += 1;
        frames.row(Keyspace::Queue, &key, &value)?;
    }
    Ok(())
}

/// Rows of URLs that join the queue of a site on the way.
fn queued(site: SiteKey, tally: &mut Tally, late: Vec<Found>, end: &mut PartitionEnd) -> Vec<Row> {
    let rows = late.into_iter().map(|found| {
        let lane = Lane::of(found.how, found.depth);
        let order = u64::from(tally.queued) + u64::from(tally.cold);
        tally.queued += 1;
        tally.pending += 1;
        tally.lanes |= lane.bit();
        end.books.discover(1);
        if let Some(reason) = tally.parked {
            end.books.settle(1, UrlState::Excluded, reason);
        }
        let row = QueueRow {
            fingerprint: Fingerprint(0), // not stored
            found,
            attempts: 0,
        };
        (queue_key(site, lane, order), row.encode())
    });
    rows.collect()
}

/// Drops a partition that was exported: one batch takes its tallies, its counts and notes that it is gone; then its
/// other rows go. Called again after it was cut short, it goes on. Blocking.
///
/// # Errors
/// [`MoveError`].
pub fn drop_partition(
    state: &SlotState<'_>,
    partition: Partition,
    end: &PartitionEnd,
) -> Result<(), MoveError> {
    let mut snapshot = SlotSnapshot::read(state.store)?.unwrap_or_default();
    if snapshot.moved.insert(partition.get()) {
        let mut batch = Batch::new();
        each_of(state, Keyspace::Tallies, partition, |key, _| {
            batch.delete(Keyspace::Tallies, key.to_vec());
            Ok(())
        })?;
        snapshot.books = snapshot.books.less(&end.books);
        batch.put(Keyspace::Meta, b"frontier".to_vec(), snapshot.encode());
        state.store.commit(batch)?;
    }
    clear(state, partition)
}

/// Deletes every row of a partition.
fn clear(state: &SlotState<'_>, partition: Partition) -> Result<(), MoveError> {
    let (from, to) = range_of(partition);
    for keyspace in MOVED {
        loop {
            let rows = state
                .store
                .range(keyspace, &from, to.as_deref(), OPEN_ROWS)?;
            if rows.is_empty() {
                break;
            }
            let mut batch = Batch::new();
            for (key, _) in rows {
                batch.delete(keyspace, key);
            }
            state.store.commit(batch)?;
        }
    }
    Ok(())
}

// ---- in ----

/// Reads an export to its end and changes nothing. Blocking.
///
/// # Errors
/// [`MoveError::Damaged`] with where, [`MoveError::Stream`].
pub fn check_partition(input: &mut dyn Read) -> Result<(PartitionHead, PartitionEnd), MoveError> {
    let mut reader = FrameReader::begin(input)?;
    let head = reader.head()?;
    let mut counted = PartitionEnd::default();
    loop {
        let (at, kind, payload) = reader.next()?;
        let damaged = |what| MoveError::Damaged { at, what };
        match kind {
            b'R' => counted.rows += rows_of(&payload)?.1.len() as u64,
            b'K' => counted.sieve_keys += payload.len() as u64 / 8,
            b'F' => counted.found += found_of(&payload)?.len() as u64,
            b'E' => {
                let end: PartitionEnd = serde_json::from_slice(&payload)
                    .map_err(|_| damaged("an end of another form"))?;
                let counts = |end: &PartitionEnd| (end.rows, end.sieve_keys, end.found);
                if counts(&end) != counts(&counted) {
                    return Err(damaged("other counts than it held"));
                }
                return Ok((head, end));
            }
            _ => return Err(damaged("a frame of unknown kind")),
        }
    }
}

/// Reads the head of an export alone.
///
/// # Errors
/// As [`check_partition`].
pub fn partition_head(input: &mut dyn Read) -> Result<PartitionHead, MoveError> {
    FrameReader::begin(input)?.head()
}

/// Takes an export that [`check_partition`] accepted into the slot. `keep_found` is given the found URLs to absorb
/// and makes them durable before the last batch. An import that was cut short is begun anew. Blocking.
///
/// # Errors
/// [`MoveError`]; nothing of the partition counts until the last batch.
pub fn read_partition(
    state: &SlotState<'_>,
    input: &mut dyn Read,
    end: &PartitionEnd,
    keep_found: impl FnOnce(Vec<Found>) -> Result<(), MoveError>,
) -> Result<(), MoveError> {
    let mut reader = FrameReader::begin(input)?;
    let partition = reader.head()?.partition;
    let mut snapshot = SlotSnapshot::read(state.store)?.unwrap_or_default();
    make_room(state, partition, &snapshot)?;
    let mut keys = Vec::new();
    let mut found = Vec::new();
    loop {
        let (_, kind, payload) = reader.next()?;
        match kind {
            b'R' => {
                let (keyspace, rows) = rows_of(&payload)?;
                let mut batch = Batch::new();
                for (key, value) in rows {
                    batch.put(keyspace, key, value);
                }
                state.store.commit(batch)?;
            }
            b'K' => keys.extend(payload.as_chunks().0.iter().map(|bytes| SieveKey {
                partition,
                fingerprint: Fingerprint(u64::from_be_bytes(*bytes)),
            })),
            b'F' => found.extend(found_of(&payload)?),
            _ => break,
        }
    }
    let runs = live_runs(state)?;
    let mut batch = Batch::new();
    // Keys of a partition that was here before are in the runs already.
    if snapshot.moved.remove(&partition.get()) {
        let known = export_partition(state.disk, state.sieve_dir, &runs, partition);
        let known = known.and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let known = known.map_err(FrontierError::from)?;
        keys.retain(|key| known.binary_search(key).is_err());
    }
    if !keys.is_empty() {
        let runs =
            write_run_of(state.disk, state.sieve_dir, &runs, keys).map_err(FrontierError::from)?;
        batch.put(Keyspace::Meta, b"runs".to_vec(), runs.encode());
    }
    keep_found(found)?;
    snapshot.books += &end.books;
    batch.put(Keyspace::Meta, b"frontier".to_vec(), snapshot.encode());
    batch.delete(Keyspace::Meta, IMPORTING.to_vec());
    state.store.commit(batch)?;
    Ok(())
}

/// The partition whose import was cut short, if one was.
///
/// # Errors
/// When the store fails.
pub fn half_imported(store: &dyn Store) -> Result<Option<Partition>, FrontierError> {
    let row = store.get(Keyspace::Meta, IMPORTING)?;
    let number = row.and_then(|row| Some(u16::from_be_bytes(row.try_into().ok()?)));
    Ok(number.and_then(Partition::new))
}

/// Marks the partition as being imported, after clearing what an earlier try left; refuses one that is in use.
fn make_room(
    state: &SlotState<'_>,
    partition: Partition,
    snapshot: &SlotSnapshot,
) -> Result<(), MoveError> {
    let again = half_imported(state.store)? == Some(partition);
    if snapshot.moved.contains(&partition.get()) && !snapshot.admitted.is_empty() {
        return Err(MoveError::Undrained { partition });
    }
    if !again && !snapshot.moved.contains(&partition.get()) {
        let mut rows = 0;
        for keyspace in MOVED {
            each_of(state, keyspace, partition, |_, _| {
                rows += 1;
                Ok(())
            })?;
        }
        let runs = live_runs(state)?;
        let keys = export_partition(state.disk, state.sieve_dir, &runs, partition)
            .map_err(FrontierError::from)?;
        rows += keys.count() as u64;
        if rows > 0 {
            return Err(MoveError::NotEmpty { partition, rows });
        }
    }
    let mut batch = Batch::new();
    let number = partition.get().to_be_bytes();
    batch.put(Keyspace::Meta, IMPORTING.to_vec(), number.to_vec());
    state.store.commit(batch)?;
    clear(state, partition)
}

// ---- rows and frames ----

fn live_runs(state: &SlotState<'_>) -> Result<RunList, MoveError> {
    Ok(match state.store.get(Keyspace::Meta, b"runs")? {
        Some(bytes) => RunList::decode(&bytes)?,
        None => RunList::default(),
    })
}

/// Where the keys of a partition begin and end: its number is their leading twelve bits.
fn range_of(partition: Partition) -> (Vec<u8>, Option<Vec<u8>>) {
    let first = |number: u16| (number << 4).to_be_bytes().to_vec();
    let next = Partition::new(partition.get() + 1).map(|next| first(next.get()));
    (first(partition.get()), next)
}

fn each_of(
    state: &SlotState<'_>,
    keyspace: Keyspace,
    partition: Partition,
    mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), MoveError>,
) -> Result<(), MoveError> {
    let (mut from, to) = range_of(partition);
    loop {
        let rows = state
            .store
            .range(keyspace, &from, to.as_deref(), OPEN_ROWS)?;
        let Some((last, _)) = rows.last() else {
            return Ok(());
        };
        from = [last, &[0][..]].concat();
        for (key, value) in rows {
            visit(&key, &value)?;
        }
    }
}

fn rows_of(payload: &[u8]) -> Result<(Keyspace, Vec<Row>), MoveError> {
    let mut rest = payload;
    let name = take_str(&mut rest, "keyspace")?;
    let keyspace = MOVED.into_iter().find(|known| known.name() == name);
    let keyspace = keyspace.ok_or(DecodeError::Value { field: "keyspace" })?;
    let mut rows = Vec::new();
    while !rest.is_empty() {
        let key = take_bytes(&mut rest)?.to_vec();
        rows.push((key, take_bytes(&mut rest)?.to_vec()));
    }
    Ok((keyspace, rows))
}

fn found_of(mut payload: &[u8]) -> Result<Vec<Found>, MoveError> {
    let mut found = Vec::new();
    while !payload.is_empty() {
        found.push(Found::decode(&mut payload)?);
    }
    Ok(found)
}

/// Gathers rows of a kind into frames.
struct Frames<'a> {
    out: &'a mut dyn Write,
    kind: u8,
    keyspace: Option<Keyspace>,
    payload: Vec<u8>,
}

impl<'a> Frames<'a> {
    fn begin(out: &'a mut dyn Write) -> Result<Frames<'a>, MoveError> {
        out.write_all(&MAGIC)?;
        out.write_all(&VERSION.to_le_bytes())?;
        Ok(Frames {
            out,
            kind: 0,
            keyspace: None,
            payload: Vec::new(),
        })
    }

    fn row(&mut self, keyspace: Keyspace, key: &[u8], value: &[u8]) -> Result<(), MoveError> {
        if self.keyspace != Some(keyspace) {
            self.flush()?;
            self.keyspace = Some(keyspace);
        }
        if self.payload.is_empty() {
            put_bytes(&mut self.payload, keyspace.name().as_bytes());
        }
        let mut row = Vec::with_capacity(key.len() + value.len() + 8);
        put_bytes(&mut row, key);
        put_bytes(&mut row, value);
        self.add(b'R', &row)
    }

    fn add(&mut self, kind: u8, bytes: &[u8]) -> Result<(), MoveError> {
        if self.kind != kind && self.kind != 0 && kind != b'R' {
            self.flush()?;
        }
        self.kind = kind;
        self.payload.extend_from_slice(bytes);
        if self.payload.len() >= PARTITION_FRAME_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn json(&mut self, kind: u8, value: &impl Serialize) -> Result<(), MoveError> {
        self.flush()?;
        self.kind = kind;
        self.payload = serde_json::to_vec(value).map_err(io::Error::from)?;
        self.flush()
    }

    fn flush(&mut self) -> Result<(), MoveError> {
        if !self.payload.is_empty() {
            let mut crc = crc32fast::Hasher::new();
            crc.update(&[self.kind]);
            crc.update(&self.payload);
            self.out.write_all(&[self.kind])?;
            let bytes = self.payload.len() as u32;
            self.out.write_all(&bytes.to_le_bytes())?;
            self.out.write_all(&crc.finalize().to_le_bytes())?;
            self.out.write_all(&self.payload)?;
        }
        self.payload.clear();
        (self.kind, self.keyspace) = (0, None);
        Ok(())
    }
}

struct FrameReader<'a> {
    input: &'a mut dyn Read,
    at: u64,
}

impl<'a> FrameReader<'a> {
    fn begin(input: &'a mut dyn Read) -> Result<FrameReader<'a>, MoveError> {
        let mut head = [0; 6];
        let damaged = |what| MoveError::Damaged { at: 0, what };
        input
            .read_exact(&mut head)
            .map_err(|_| damaged("shorter than its head"))?;
        if head[..4] != MAGIC {
            return Err(damaged("not an exported partition"));
        }
        if head[4..] != VERSION.to_le_bytes() {
            return Err(damaged("an export of another version"));
        }
        Ok(FrameReader { input, at: 6 })
    }

    fn head(&mut self) -> Result<PartitionHead, MoveError> {
        let (at, kind, payload) = self.next()?;
        let damaged = |what| MoveError::Damaged { at, what };
        if kind != b'H' {
            return Err(damaged("no head"));
        }
        serde_json::from_slice(&payload).map_err(|_| damaged("a head of another form"))
    }

    /// Offset, kind and payload of the next frame.
    fn next(&mut self) -> Result<(u64, u8, Vec<u8>), MoveError> {
        let at = self.at;
        let damaged = |what| MoveError::Damaged { at, what };
        let mut head = [0; 9];
        self.input
            .read_exact(&mut head)
            .map_err(|_| damaged("it ends too early"))?;
        let [kind, b0, b1, b2, b3, crc @ ..] = head;
        let bytes = u32::from_le_bytes([b0, b1, b2, b3]) as usize;
        if bytes > PARTITION_FRAME_BYTES_MAX {
            return Err(damaged("a frame that is too long"));
        }
        let mut payload = vec![0; bytes];
        self.input
            .read_exact(&mut payload)
            .map_err(|_| damaged("a frame is cut short"))?;
        let mut own = crc32fast::Hasher::new();
        own.update(&[kind]);
        own.update(&payload);
        if own.finalize().to_le_bytes() != crc {
            return Err(damaged("wrong checksum of a frame"));
        }
        self.at += 9 + bytes as u64;
        Ok((at, kind, payload))
    }
}

/// Whether an export fits the crawl it comes to.
///
/// # Errors
/// [`MoveError::Foreign`].
pub fn judge_partition(
    head: &PartitionHead,
    format: u32,
    key: &CrawlKey,
    suffix_list: &str,
) -> Result<(), MoveError> {
    let foreign = |what, theirs: &str, ours: &str| {
        Err(MoveError::Foreign {
            what,
            theirs: theirs.to_owned(),
            ours: ours.to_owned(),
        })
    };
    if head.format != format {
        return foreign(
            "another format",
            &head.format.to_string(),
            &format.to_string(),
        );
    }
    if CrawlKey::from_hex(&head.key) != Some(*key) {
        return foreign("another crawl's key", "one", "another");
    }
    if head.suffix_list != suffix_list {
        return foreign("another public suffix list", &head.suffix_list, suffix_list);
    }
    Ok(())
}
