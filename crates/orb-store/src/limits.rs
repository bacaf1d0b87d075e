//! Limits of stored things, each with its reason.

/// Bytes of one key; at least one. The embedded store counts key bytes in 16 bits.
pub const KEY_BYTES_MAX: usize = u16::MAX as usize;

/// Bytes of one value. Rows are a few hundred bytes; a list of runs or of robots rules may reach a
/// megabyte. More would fill a write buffer with a single row.
pub const VALUE_BYTES_MAX: usize = 8 << 20;

/// Bytes after which a link journal begins a new file. Small enough that disk comes back soon
/// after the slowest reader has passed, large enough that files stay few.
pub const JOURNAL_FILE_BYTES_MAX: u64 = 64 << 20;

/// Bytes of one block of a link journal. A group is a quarter of a second of one core's links,
/// well below a megabyte for each destination; a reader must hold one block whole.
pub const JOURNAL_BLOCK_BYTES_MAX: usize = 64 << 20;

/// Destinations in one frame: as many as a slot number can name.
pub const JOURNAL_BLOCKS_MAX: usize = 256;

/// The embedded store's own journal. Its least value: opening replays it, and a short journal
/// opens quickly.
pub(crate) const STORE_JOURNAL_BYTES_MAX: u64 = 64 << 20;

/// Background threads of one store: slots are many, so one thread each is as many as cores need.
pub(crate) const STORE_WORKERS: usize = 1;

/// Open files that one store keeps at most. Tables are about 8 MiB, so this covers 1 GiB; others are opened when they are
/// read.
pub(crate) const STORE_FILES_MAX: usize = 128;

/// The same at least: a table of each keyspace and level that is read, so that 64 slots take a thousand descriptors.
pub(crate) const STORE_FILES_MIN: usize = 16;

/// Memory of a store that stands for one open file: with a crawl's 2 GiB all stores together keep 340.
pub(crate) const STORE_BYTES_A_FILE: u64 = 2 << 20;

/// Size of a table on disk: what a full write buffer becomes, and no more, or each merge of young tables rewrites many
/// times what it adds.
pub(crate) const TABLE_BYTES: u64 = 8 << 20;

/// Young tables of fates that wait before they are merged; of other keyspaces it is the embedded store's four.
pub(crate) const FATES_YOUNG_TABLES_MAX: u8 = 8;

/// Write buffer of one keyspace at most. Eight of them together stay within one journal, so that a
/// rarely written keyspace does not pin old journals.
pub(crate) const WRITE_BUFFER_BYTES_MAX: u64 = 16 << 20;

/// Write buffer of one keyspace at least; below this tables get so small that merging them costs
/// more than the memory is worth.
pub(crate) const WRITE_BUFFER_BYTES_MIN: u64 = 256 << 10;

/// Block cache at least: an index block and a data block of each keyspace.
pub(crate) const CACHE_BYTES_MIN: u64 = 1 << 20;

/// Sealed write buffers of one keyspace that may wait for the worker. The embedded store makes
/// writers wait, without a way out, at four.
pub(crate) const SEALED_BUFFERS_MAX: usize = 3;

/// How often, and so how many milliseconds, a commit waits for buffers that hold twice their share. The one worker
/// writes none out while it merges, and a queue of gigabytes is merged in a minute; memory is a soft bound all the same,
/// for a commit that never returns is worse.
pub(crate) const BUFFER_WAITS_MAX: u32 = 120_000;

/// Rows read at once when many are walked over: some megabyte.
pub(crate) const ROWS_AT_ONCE: usize = 4_096;
