//! A set of changes that happen together or not at all.
//!
//! In: puts and deletes. Out: the same, in the order they were added.
//! May touch: memory. Must not touch: files.
//! Invariant: later changes of a key win over earlier ones.

use crate::Keyspace;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Sets the value of a key.
    Put {
        /// Where.
        keyspace: Keyspace,
        /// 1 to [`crate::limits::KEY_BYTES_MAX`] bytes.
        key: Vec<u8>,
        /// Up to [`crate::limits::VALUE_BYTES_MAX`] bytes.
        value: Vec<u8>,
    },
    /// Removes a key; an absent one is no error.
    Delete {
        /// Where.
        keyspace: Keyspace,
        /// 1 to [`crate::limits::KEY_BYTES_MAX`] bytes.
        key: Vec<u8>,
    },
}

impl Op {
    /// The keyspace that changes.
    #[must_use]
    pub fn keyspace(&self) -> Keyspace {
        match self {
            Op::Put { keyspace, .. } | Op::Delete { keyspace, .. } => *keyspace,
        }
    }

    /// The key that changes.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        match self {
            Op::Put { key, .. } | Op::Delete { key, .. } => key,
        }
    }

    /// The new value; `None` for a delete.
    #[must_use]
    pub fn value(&self) -> Option<&[u8]> {
        match self {
            Op::Put { value, .. } => Some(value),
            Op::Delete { .. } => None,
        }
    }
}

/// Changes for one atomic commit. Grows as it is filled; the caller bounds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    ops: Vec<Op>,
    bytes: usize,
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Batch {
        Batch::default()
    }

    /// Sets `key` to `value`.
    pub fn put(&mut self, keyspace: Keyspace, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        let (key, value) = (key.into(), value.into());
        self.bytes += key.len() + value.len();
        self.ops.push(Op::Put {
            keyspace,
            key,
            value,
        });
    }

    /// Removes `key`.
    pub fn delete(&mut self, keyspace: Keyspace, key: impl Into<Vec<u8>>) {
        let key = key.into();
        self.bytes += key.len();
        self.ops.push(Op::Delete { keyspace, key });
    }

    /// Whether there is nothing to commit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// Number of changes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ops.len()
    }

    /// Bytes of all keys and values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The changes in order.
    #[must_use]
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// Adds the changes of `later` after this batch's own.
    pub fn append(&mut self, mut later: Batch) {
        self.bytes += later.bytes;
        self.ops.append(&mut later.ops);
    }

    /// The changes, to be applied.
    pub(crate) fn into_ops(self) -> Vec<Op> {
        self.ops
    }
}
