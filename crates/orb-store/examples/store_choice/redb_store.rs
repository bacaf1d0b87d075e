//! redb behind the store's trait: a B-tree that copies the pages it changes.
//!
//! In: batches. Out: rows in key order. May touch: one file in the folder.
//! Invariant: as of [`Store`]; a commit is synced when it returns.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use orb_store::{Batch, Keyspace, Op, Row, Store, StoreError, StoreOpener};
use redb::{Database, Durability, ReadableDatabase, TableDefinition};

type Table = TableDefinition<'static, &'static [u8], &'static [u8]>;

pub(crate) struct RedbOpener {
    pub(crate) cache_bytes: u64,
}

struct RedbStore {
    path: PathBuf,
    database: Database,
}

fn table(keyspace: Keyspace) -> Table {
    TableDefinition::new(keyspace.name())
}

impl StoreOpener for RedbOpener {
    fn open(&self, dir: &Path) -> Result<Arc<dyn Store>, StoreError> {
        std::fs::create_dir_all(dir).unwrap();
        let path = dir.join("store.redb");
        let cache = usize::try_from(self.cache_bytes).unwrap();
        let database = Database::builder()
            .set_cache_size(cache)
            .create(&path)
            .unwrap();
        let made = database.begin_write().unwrap();
        for keyspace in Keyspace::ALL {
            made.open_table(table(keyspace)).unwrap();
        }
        made.commit().unwrap();
        Ok(Arc::new(RedbStore { path, database }))
    }
}

impl Store for RedbStore {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let read = self.database.begin_read().unwrap();
        let rows = read.open_table(table(keyspace)).unwrap();
        let value = rows.get(key).unwrap();
        Ok(value.map(|value| value.value().to_vec()))
    }

    fn range(
        &self,
        keyspace: Keyspace,
        from: &[u8],
        to: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let read = self.database.begin_read().unwrap();
        let rows = read.open_table(table(keyspace)).unwrap();
        let found = match to {
            Some(to) => rows.range(from..to),
            None => rows.range(from..),
        };
        let taken = found.unwrap().take(limit).map(|row| {
            let (key, value) = row.unwrap();
            (key.value().to_vec(), value.value().to_vec())
        });
        Ok(taken.collect())
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let mut write = self.database.begin_write().unwrap();
        write.set_durability(Durability::Immediate).unwrap();
        for keyspace in Keyspace::ALL {
            let mut rows = write.open_table(table(keyspace)).unwrap();
            let mut ops: Vec<&Op> = batch
                .ops()
                .iter()
                .filter(|op| op.keyspace() == keyspace)
                .collect();
            ops.sort_by(|one, other| one.key().cmp(other.key()));
            for op in ops {
                match op.value() {
                    Some(value) => drop(rows.insert(op.key(), value).unwrap()),
                    None => drop(rows.remove(op.key()).unwrap()),
                }
            }
        }
        write.commit().unwrap();
        Ok(())
    }

    fn is_behind(&self) -> bool {
        false // it buffers nothing
    }

    fn disk_bytes(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |meta| meta.len())
    }

    fn disk_bytes_of(&self, _: Keyspace) -> u64 {
        0
    }
}
