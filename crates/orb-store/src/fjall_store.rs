//! The store on disk: one fjall database per folder.
//!
//! In: a folder and a share of memory. Out: the contract of [`Store`].
//! May touch: the folder, which fjall owns, and one thread of fjall's. Must not touch: other files.
//! Invariant: a commit returns `Ok` only after fjall's journal was synced; a folder under its final
//! name always holds a whole database, because it is made beside it and renamed.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use fjall::compaction::Leveled;
use fjall::config::{BlockSizePolicy, CompressionPolicy, FilterPolicy};
use fjall::{CompressionType, Database, KeyspaceCreateOptions, PersistMode, Readable};

use crate::batch::Op;
use crate::error::Cause;
use crate::limits::{
    BUFFER_WAITS_MAX, CACHE_BYTES_MIN, FATES_YOUNG_TABLES_MAX, SEALED_BUFFERS_MAX,
    STORE_BYTES_A_FILE, STORE_FILES_MAX, STORE_FILES_MIN, STORE_JOURNAL_BYTES_MAX, STORE_WORKERS,
    TABLE_BYTES, WRITE_BUFFER_BYTES_MAX, WRITE_BUFFER_BYTES_MIN,
};
use crate::store::{Row, judge};
use crate::{Batch, Keyspace, Store, StoreError, StoreOpener};

/// Opens stores on disk.
#[derive(Clone, Debug)]
pub struct FjallOpener {
    /// Memory that one open store may use for write buffers and its block cache, in bytes. A soft
    /// bound: a busy store passes it for the moments in which its worker falls behind.
    pub memory_max_bytes: u64,
    /// Open files that one store may keep, 10 at least.
    pub files_max: usize,
}

impl FjallOpener {
    /// Stores of `memory_max_bytes` each, with open files in proportion: slots share descriptors as they share memory.
    #[must_use]
    pub fn new(memory_max_bytes: u64) -> FjallOpener {
        let files = usize::try_from(memory_max_bytes / STORE_BYTES_A_FILE).unwrap_or(usize::MAX);
        FjallOpener {
            memory_max_bytes,
            files_max: files.clamp(STORE_FILES_MIN, STORE_FILES_MAX),
        }
    }

    /// Write buffer of one keyspace: eight in use and the sealed ones take about half.
    fn write_buffer_bytes(&self) -> u64 {
        (self.memory_max_bytes / 16).clamp(WRITE_BUFFER_BYTES_MIN, WRITE_BUFFER_BYTES_MAX)
    }

    fn database(&self, dir: &Path) -> fjall::Result<Database> {
        Database::builder(dir)
            .worker_threads(STORE_WORKERS)
            .max_journaling_size(STORE_JOURNAL_BYTES_MAX)
            .cache_size((self.memory_max_bytes / 3).max(CACHE_BYTES_MIN))
            .max_cached_files(Some(self.files_max.max(10)))
            .open()
    }
}

impl StoreOpener for FjallOpener {
    fn open(&self, dir: &Path) -> Result<Arc<dyn Store>, StoreError> {
        let failed = |source: Cause| StoreError::Open {
            dir: dir.to_path_buf(),
            source,
        };
        let there = dir.try_exists().map_err(|source| failed(source.into()))?;
        if !there {
            self.make(dir).map_err(failed)?;
        }
        let database = self.database(dir).map_err(|error| match error {
            fjall::Error::Locked => StoreError::Locked {
                dir: dir.to_path_buf(),
            },
            error => failed(error.into()),
        })?;
        let keyspaces = open_keyspaces(&database).map_err(|error| failed(error.into()))?;
        let store = FjallStore {
            dir: dir.to_path_buf(),
            write_buffer_bytes: self.write_buffer_bytes(),
            buffered: Default::default(),
            journal_bytes: AtomicU64::new(STORE_JOURNAL_BYTES_MAX),
            keyspaces,
            database,
        };
        store
            .write_out_recovered()
            .map_err(|error| failed(error.into()))?;
        Ok(Arc::new(store))
    }
}

impl FjallOpener {
    // fjall cannot open a database whose making was cut short. So it is made under another name,
    // with all its keyspaces, closed, and renamed when it is whole.
    fn make(&self, dir: &Path) -> Result<(), Cause> {
        let mut fresh = dir.to_path_buf();
        fresh.as_mut_os_string().push(".new");
        match fs::remove_dir_all(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&fresh)?;
        let database = self.database(&fresh)?;
        open_keyspaces(&database)?;
        database.persist(PersistMode::SyncAll)?;
        drop(database);
        sync_tree(&fresh)?;
        fs::rename(&fresh, dir)?;
        let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
        sync_dir(parent.unwrap_or(Path::new(".")))?;
        Ok(())
    }
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    fs::File::open(dir)?.sync_all()
}

/// Makes every name below `dir` durable.
fn sync_tree(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        }
    }
    sync_dir(dir)
}

fn open_keyspaces(database: &Database) -> fjall::Result<Vec<fjall::Keyspace>> {
    Keyspace::ALL
        .iter()
        .map(|keyspace| database.keyspace(keyspace.name(), || options(*keyspace)))
        .collect()
}

/// How a keyspace lies on disk. fjall keeps these options for the life of the folder, so they do not depend on
/// settings; a smaller share of memory is kept by sealing buffers earlier, in `keep_buffers_small`.
fn options(keyspace: Keyspace) -> KeyspaceCreateOptions {
    let options = KeyspaceCreateOptions::default()
        .max_memtable_size(WRITE_BUFFER_BYTES_MAX)
        .compaction_strategy(Arc::new(levels(keyspace)))
        // What lives long is compressed; what was just written and will soon be rewritten is not.
        .data_block_compression_policy(CompressionPolicy::new([
            CompressionType::None,
            CompressionType::Lz4,
        ]));
    match keyspace {
        // Neighbours are read together and never by key alone: no filters, and blocks in which a site's URLs shorten
        // each other.
        Keyspace::Queue | Keyspace::Cold => options
            .filter_policy(FilterPolicy::disabled())
            .data_block_size_policy(BlockSizePolicy::all(8 << 10)),
        // Written once, read when somebody asks.
        Keyspace::Fates => options
            .expect_point_read_hits(true)
            .data_block_size_policy(BlockSizePolicy::all(16 << 10)),
        // Read by key, and nearly always there.
        Keyspace::Meta | Keyspace::Sites | Keyspace::Tallies => {
            options.expect_point_read_hits(true)
        }
        // Read by key, and often not there.
        Keyspace::Robots | Keyspace::Payloads | Keyspace::Claims => options,
    }
}

/// Level 1 holds as many tables as level 0 may gather, and is rewritten whole when these join it: it must not be much
/// larger than they are, so tables are about as large as a write buffer.
fn levels(keyspace: Keyspace) -> Leveled {
    let levels = Leveled::default().with_table_target_size(TABLE_BYTES);
    match keyspace {
        // Hardly read, so that many young tables cost nothing.
        Keyspace::Fates => levels.with_l0_threshold(FATES_YOUNG_TABLES_MAX),
        _ => levels,
    }
}

struct FjallStore {
    dir: PathBuf,
    write_buffer_bytes: u64,
    /// Bytes written to each keyspace since its buffer was last sealed.
    buffered: [AtomicU64; Keyspace::ALL.len()],
    /// Size of fjall's journal when it was last known; asking needs the lock a commit holds.
    journal_bytes: AtomicU64,
    keyspaces: Vec<fjall::Keyspace>,
    database: Database,
}

impl FjallStore {
    fn keyspace(&self, keyspace: Keyspace) -> &fjall::Keyspace {
        &self.keyspaces[keyspace.index()]
    }

    fn read_error(&self, keyspace: Keyspace, source: fjall::Error) -> StoreError {
        StoreError::Read {
            dir: self.dir.clone(),
            keyspace,
            source: source.into(),
        }
    }

    /// Whether buffers hold more than `shares` of this store's share, some of it sealed and still to be written out.
    fn holds_more_than(&self, shares: u64) -> bool {
        let share = self.write_buffer_bytes * (Keyspace::ALL.len() as u64 + 1);
        let mut keyspaces = self.keyspaces.iter();
        self.database.write_buffer_size() > share * shares
            && keyspaces.any(|keyspace| keyspace.sealed_memtable_count() > 0)
    }

    /// Waits while buffers hold twice their share, so that they stay near it even where nobody heeds
    /// [`Store::is_behind`]. fjall's own wait never ends when its worker has died; this one
    /// notices, and ends anyway.
    fn wait_for_room(&self) -> fjall::Result<()> {
        for _ in 0..BUFFER_WAITS_MAX {
            if !self.holds_more_than(2) {
                return Ok(());
            }
            // Writes nothing of note, but answers `Poisoned` once the worker has failed.
            self.database.persist(PersistMode::Buffer)?;
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Opening fills the buffers with up to a whole journal; beyond this store's share they go out.
    fn write_out_recovered(&self) -> fjall::Result<()> {
        if self.database.write_buffer_size() > self.write_buffer_bytes {
            for buffered in &self.buffered {
                buffered.store(self.write_buffer_bytes, Ordering::Relaxed);
            }
            self.keep_buffers_small()?;
        }
        Ok(())
    }

    /// Seals the buffers that have reached their share, so that the worker writes them out.
    fn keep_buffers_small(&self) -> fjall::Result<()> {
        for (keyspace, buffered) in self.keyspaces.iter().zip(&self.buffered) {
            let full = buffered.load(Ordering::Relaxed) >= self.write_buffer_bytes;
            if full && keyspace.sealed_memtable_count() < SEALED_BUFFERS_MAX {
                buffered.store(0, Ordering::Relaxed);
                keyspace.rotate_memtable()?;
            }
        }
        Ok(())
    }

    fn write(&self, batch: Batch) -> fjall::Result<()> {
        self.wait_for_room()?;
        let mut changes = self
            .database
            .batch()
            .durability(Some(PersistMode::SyncData));
        // In the order of their keys, so that each finds its place in a sorted buffer beside the one before; changes of one
        // key stay in their order.
        let mut ops = batch.into_ops();
        ops.sort_by(|one, other| (one.keyspace(), one.key()).cmp(&(other.keyspace(), other.key())));
        for op in ops {
            let (keyspace, bytes) = match op {
                Op::Put {
                    keyspace,
                    key,
                    value,
                } => {
                    let bytes = key.len() + value.len();
                    changes.insert(self.keyspace(keyspace), key, value);
                    (keyspace, bytes)
                }
                Op::Delete { keyspace, key } => {
                    let bytes = key.len();
                    changes.remove(self.keyspace(keyspace), key);
                    (keyspace, bytes)
                }
            };
            let bytes = bytes as u64 + ROW_OVERHEAD_BYTES;
            self.buffered[keyspace.index()].fetch_add(bytes, Ordering::Relaxed);
        }
        changes.commit()?;
        self.keep_buffers_small()?;
        self.journal_bytes
            .store(self.database.journal_disk_space()?, Ordering::Relaxed);
        Ok(())
    }
}

/// What a buffered row costs beside its key and value: list pointers, sequence number, two slices.
const ROW_OVERHEAD_BYTES: u64 = 96;

impl Store for FjallStore {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if key.is_empty() {
            return Ok(None);
        }
        let value = self.keyspace(keyspace).get(key);
        let value = value.map_err(|error| self.read_error(keyspace, error))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn range(
        &self,
        keyspace: Keyspace,
        from: &[u8],
        to: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        if to.is_some_and(|to| from >= to) || limit == 0 {
            return Ok(Vec::new());
        }
        // A snapshot, because fjall's plain range often sees half of a batch that is being applied. The snapshot does
        // so rarely: when its worker finishes a table meanwhile, which publishes a later number than the batch's.
        let snapshot = self.database.snapshot();
        let from = from.to_vec();
        let rows = match to {
            Some(to) => snapshot.range(self.keyspace(keyspace), from..to.to_vec()),
            None => snapshot.range(self.keyspace(keyspace), from..),
        };
        rows.take(limit)
            .map(|row| {
                let (key, value) = row.into_inner()?;
                Ok((key.to_vec(), value.to_vec()))
            })
            .collect::<fjall::Result<Vec<Row>>>()
            .map_err(|error| self.read_error(keyspace, error))
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        judge(&batch)?;
        if batch.is_empty() {
            return Ok(());
        }
        self.write(batch).map_err(|error| StoreError::Commit {
            dir: self.dir.clone(),
            source: error.into(),
        })
    }

    fn is_behind(&self) -> bool {
        self.holds_more_than(1)
    }

    fn disk_bytes(&self) -> u64 {
        let tables: u64 = self.keyspaces.iter().map(fjall::Keyspace::disk_space).sum();
        tables + self.journal_bytes.load(Ordering::Relaxed)
    }

    fn disk_bytes_of(&self, keyspace: Keyspace) -> u64 {
        self.keyspace(keyspace).disk_space()
    }
}
