//! Pages fetched of each host and prefix, for the plain bounds of the settings.
//!
//! In: shapes of fetched URLs. Out: whether a bound is reached. May touch: nothing.
//! Invariant: empty while no bound is set; at most [`ENTRIES_MAX`] entries, of which the smallest gives way to a new
//! one, so a site with more hosts or prefixes than that exceeds a bound only on those it hardly visits.
//!
//! Bytes: number of entries (varint), then of each: hash (4), pages (varint); by hash, ascending.

use super::shape::{Shape, mix};
use super::{BudgetBounds, CutCause};
use crate::DecodeError;
use crate::codec::{put_varint, take_varint};

const ENTRIES_MAX: usize = 256;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spent(Vec<(u32, u32)>);

impl Spent {
    pub(super) const BYTES_MAX: usize = 2 + ENTRIES_MAX * 9;

    /// Which bound forbids another page.
    pub(super) fn over(&self, shape: &Shape, bounds: &BudgetBounds) -> Option<CutCause> {
        let is_over = |key, max| max > 0 && u64::from(self.pages(key)) >= max;
        if is_over(host_key(shape), bounds.pages_per_host_max) {
            Some(CutCause::HostPages)
        } else if is_over(prefix_key(shape), bounds.pages_per_prefix_max) {
            Some(CutCause::PrefixPages)
        } else {
            None
        }
    }

    pub(super) fn count(&mut self, shape: &Shape, bounds: &BudgetBounds) {
        if bounds.pages_per_host_max > 0 {
            self.add(host_key(shape));
        }
        if bounds.pages_per_prefix_max > 0 {
            self.add(prefix_key(shape));
        }
    }

    fn pages(&self, key: u32) -> u32 {
        let place = self.0.binary_search_by_key(&key, |entry| entry.0);
        place.map_or(0, |at| self.0[at].1)
    }

    fn add(&mut self, key: u32) {
        if let Ok(at) = self.0.binary_search_by_key(&key, |entry| entry.0) {
            self.0[at].1 = self.0[at].1.saturating_add(1);
            return;
        }
        if self.0.len() == ENTRIES_MAX {
            let least = (0..ENTRIES_MAX).min_by_key(|&at| self.0[at].1);
            self.0.remove(least.expect("the table is full"));
        }
        let at = self.0.partition_point(|entry| entry.0 < key);
        self.0.insert(at, (key, 1));
    }

    pub(super) fn encode_into(&self, out: &mut Vec<u8>) {
        put_varint(out, self.0.len() as u64);
        for (key, pages) in &self.0 {
            out.extend_from_slice(&key.to_be_bytes());
            put_varint(out, u64::from(*pages));
        }
    }

    pub(super) fn decode(input: &mut &[u8]) -> Result<Spent, DecodeError> {
        let wrong = |field| DecodeError::Value { field };
        let count = usize::try_from(take_varint(input)?).map_err(|_| wrong("entries"))?;
        if count > ENTRIES_MAX {
            return Err(wrong("entries"));
        }
        let mut entries = Vec::with_capacity(count);
        for _ in 0..count {
            let (key, rest) = input.split_first_chunk().ok_or(DecodeError::Short)?;
            *input = rest;
            let pages = u32::try_from(take_varint(input)?).map_err(|_| wrong("pages"))?;
            entries.push((u32::from_be_bytes(*key), pages));
        }
        if !entries.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(wrong("entries"));
        }
        Ok(Spent(entries))
    }
}

fn host_key(shape: &Shape) -> u32 {
    mix(shape.host, 1)
}

fn prefix_key(shape: &Shape) -> u32 {
    mix(shape.prefix, 2)
}
