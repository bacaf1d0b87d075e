//! The list of live runs: what a store batch switches.
//!
//! In: runs. Out: bytes for the store, and back.
//! May touch: nothing. Must not touch: files.
//! Invariant: a file number is given once per list and never again, so a file left over from an
//! undone merge is never mistaken for a live one.

use super::limits::SIEVE_RUNS_MAX;
use crate::codec::{DecodeError, put_varint, take_u8, take_varint};

const VERSION: u8 = 1;

/// One sorted file of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RunRef {
    /// Its number.
    pub(super) id: u64,
    /// Keys in it.
    pub(super) entries: u64,
}

/// The runs that together hold every key seen, oldest first. The default is a new crawl's.
///
/// | bytes | content |
/// |---|---|
/// | 1 | version, 1 |
/// | varint | next file number |
/// | varint | number of runs |
/// | 2 varints each | file number, keys |
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunList {
    pub(super) runs: Vec<RunRef>,
    pub(super) next_id: u64,
}

impl RunList {
    /// The stored form: some dozen bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_varint(&mut out, self.next_id);
        put_varint(&mut out, self.runs.len() as u64);
        for run in &self.runs {
            put_varint(&mut out, run.id);
            put_varint(&mut out, run.entries);
        }
        out
    }

    /// Reads [`RunList::encode`] back.
    ///
    /// # Errors
    /// When the bytes are no such list.
    pub fn decode(mut bytes: &[u8]) -> Result<RunList, DecodeError> {
        let value = |field| DecodeError::Value { field };
        let input = &mut bytes;
        match take_u8(input)? {
            VERSION => {}
            version => return Err(DecodeError::Version { version }),
        }
        let next_id = take_varint(input)?;
        let count = take_varint(input)?;
        if count > SIEVE_RUNS_MAX as u64 {
            return Err(value("runs"));
        }
        let mut list = RunList {
            runs: Vec::new(),
            next_id,
        };
        for _ in 0..count {
            let run = RunRef {
                id: take_varint(input)?,
                entries: take_varint(input)?,
            };
            if run.id >= next_id || list.runs.iter().any(|other| other.id == run.id) {
                return Err(value("run"));
            }
            list.runs.push(run);
        }
        let total = list
            .runs
            .iter()
            .try_fold(0_u64, |sum, run| sum.checked_add(run.entries));
        if !input.is_empty() || total.is_none() {
            return Err(value("runs"));
        }
        Ok(list)
    }

    /// Distinct keys known.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.runs.iter().map(|run| run.entries).sum()
    }

    /// How many of the oldest runs stay when `fresh` keys come; the others are rewritten with them.
    ///
    /// A run is rewritten once what is newer has half its size, so each key is rewritten about as
    /// often as the keys double; or when there would be more runs than a look-up should visit.
    pub(super) fn kept(&self, fresh: u64) -> usize {
        let mut kept = self.runs.len();
        let mut newer = fresh;
        while let Some(run) = kept.checked_sub(1).map(|last| self.runs[last]) {
            if kept < SIEVE_RUNS_MAX && newer.saturating_mul(2) < run.entries {
                break;
            }
            newer += run.entries;
            kept -= 1;
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(entries: &[u64]) -> RunList {
        let runs = entries
            .iter()
            .zip(0..)
            .map(|(&entries, id)| RunRef { id, entries });
        RunList {
            runs: runs.collect(),
            next_id: entries.len() as u64,
        }
    }

    proptest! {
        #[test]
        fn a_list_survives_its_stored_form(
            entries in proptest::collection::vec(0..u64::MAX >> 4, 0..SIEVE_RUNS_MAX),
        ) {
            let list = list(&entries);
            prop_assert_eq!(RunList::decode(&list.encode()), Ok(list.clone()));
            prop_assert_eq!(list.entries(), entries.iter().sum::<u64>());
            prop_assert!(RunList::decode(&list.encode()[1..]).is_err());
        }

        #[test]
        fn no_bytes_make_the_decoder_panic(bytes: Vec<u8>) {
            if let Ok(list) = RunList::decode(&bytes) {
                prop_assert!(list.runs.len() <= SIEVE_RUNS_MAX);
            }
        }
    }

    #[test]
    fn neighbours_are_rewritten_when_they_are_no_larger_than_twice_what_is_newer() {
        assert_eq!(list(&[]).kept(5), 0);
        assert_eq!(list(&[100]).kept(5), 1);
        assert_eq!(list(&[100, 11]).kept(5), 2);
        assert_eq!(list(&[100, 10]).kept(5), 1);
        assert_eq!(list(&[100, 40, 20]).kept(10), 0);
        let full: Vec<u64> = (0..SIEVE_RUNS_MAX as u32)
            .map(|n| 1 << (40 - 4 * n))
            .collect();
        assert_eq!(list(&full).kept(1), SIEVE_RUNS_MAX - 1);
    }

    /// Few runs to look into, and few rewrites, whatever the batches.
    #[test]
    fn a_key_is_rewritten_about_as_often_as_the_keys_double() {
        let (mut list, mut written) = (RunList::default(), 0);
        for id in 0..4_000 {
            let kept = list.kept(1_000);
            let entries = 1_000 + list.runs.drain(kept..).map(|run| run.entries).sum::<u64>();
            list.runs.push(RunRef { id, entries });
            written += entries;
            assert!(list.runs.len() <= SIEVE_RUNS_MAX);
        }
        assert_eq!(list.entries(), 4_000_000);
        assert!(
            written / list.entries() < 16,
            "{} times",
            written / list.entries()
        );
    }
}
