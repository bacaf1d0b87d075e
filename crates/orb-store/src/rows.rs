//! Walking over the rows of a keyspace, however many there are.
//!
//! In: a store, a range. Out: rows in key order, read some at a time.
//! May touch: the store, blocking. Must not touch: what rows mean.
//! Invariant: memory does not grow with the range; rows that change meanwhile may be seen as they were or are.

use std::collections::VecDeque;

use crate::limits::ROWS_AT_ONCE;
use crate::{Keyspace, Row, Store, StoreError};

/// Rows of a keyspace with `from <= key < to`, ascending; ends after an error. Each read is blocking.
pub struct Rows<'a> {
    store: &'a dyn Store,
    keyspace: Keyspace,
    from: Vec<u8>,
    to: Option<Vec<u8>>,
    read: VecDeque<Row>,
    ended: bool,
}

impl<'a> Rows<'a> {
    /// Every row of a keyspace.
    #[must_use]
    pub fn all(store: &'a dyn Store, keyspace: Keyspace) -> Rows<'a> {
        Rows::between(store, keyspace, Vec::new(), None)
    }

    /// The rows from `from` on; without `to` up to the end.
    #[must_use]
    pub fn between(
        store: &'a dyn Store,
        keyspace: Keyspace,
        from: Vec<u8>,
        to: Option<Vec<u8>>,
    ) -> Rows<'a> {
        Rows {
            store,
            keyspace,
            from,
            to,
            read: VecDeque::new(),
            ended: false,
        }
    }

    /// The next row, which stays.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn peek(&mut self) -> Result<Option<&Row>, StoreError> {
        self.fill()?;
        Ok(self.read.front())
    }

    fn fill(&mut self) -> Result<(), StoreError> {
        if self.ended || !self.read.is_empty() {
            return Ok(());
        }
        self.ended = true;
        let to = self.to.as_deref();
        self.read = self
            .store
            .range(self.keyspace, &self.from, to, ROWS_AT_ONCE)?
            .into();
        if let Some((last, _)) = self.read.back() {
            self.from = [last, &[0][..]].concat();
            self.ended = self.read.len() < ROWS_AT_ONCE;
        }
        Ok(())
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.fill() {
            Ok(()) => self.read.pop_front().map(Ok),
            Err(error) => Some(Err(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, ModelOpener, StoreOpener};
    use orb_env::MemoryDisk;
    use std::path::Path;

    #[test]
    fn every_row_comes_once_and_in_order_over_several_reads() {
        for count in [0, 1, ROWS_AT_ONCE, 2 * ROWS_AT_ONCE + 7] {
            let opener = ModelOpener::new(MemoryDisk::new());
            let store = opener.open(Path::new("/slot")).unwrap();
            let mut batch = Batch::new();
            for row in 0..count as u32 {
                batch.put(Keyspace::Queue, row.to_be_bytes(), []);
            }
            store.commit(batch).unwrap();
            let keys = |rows: Rows<'_>| -> Vec<u32> {
                let key = |row: Result<Row, StoreError>| row.unwrap().0.try_into().unwrap();
                rows.map(key).map(u32::from_be_bytes).collect()
            };
            let all: Vec<u32> = (0..count as u32).collect();
            assert_eq!(keys(Rows::all(store.as_ref(), Keyspace::Queue)), all);
            let (from, to) = (3_u32.to_be_bytes(), 9_u32.to_be_bytes());
            let some = Rows::between(
                store.as_ref(),
                Keyspace::Queue,
                from.into(),
                Some(to.into()),
            );
            let want: Vec<u32> = all.into_iter().filter(|row| (3..9).contains(row)).collect();
            assert_eq!(keys(some), want);
            let mut rows = Rows::all(store.as_ref(), Keyspace::Queue);
            let peeked = rows.peek().unwrap().cloned();
            assert_eq!(peeked, rows.next().map(Result::unwrap));
        }
    }
}
