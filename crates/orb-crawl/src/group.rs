//! Commit groups: everything that becomes durable together, and the order in which it does.
//!
//! In: records, links, rows of a quarter of a second. Out: one commit.
//! May touch: the slot's files and store, on the commit helper.
//! Invariant: archive and attempt rows are synced, then the link journal, then one store batch stores the new
//! lengths; only after that is the group named, shown to readers, and counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use orb_api::CommitRow;
use orb_env::{Clock, Mono};
use orb_frontier::GroupTail;
use orb_store::{Batch, JournalEnd, Keyspace, Store};

use crate::files::{CommitError, FileEnds, SegmentPart, SlotFiles};
use crate::limits::{GROUP_INTERVAL, GROUP_INTERVAL_HUNGRY};

/// The group being built.
#[derive(Default)]
pub(crate) struct Group {
    pub(crate) number: u64,
    pub(crate) batch: Batch,
    pub(crate) segments: Vec<SegmentPart>,
    pub(crate) links: BTreeMap<u8, Vec<u8>>,
    pub(crate) attempts: u64,
    pub(crate) since: Option<Mono>,
    /// Since when it holds something that others wait for: links, admitted URLs, answers to errands. Clocks and
    /// positions wait for the rest of the quarter second.
    pub(crate) urgent: Option<Mono>,
    bytes: usize,
    /// What the archive bytes were in, empty again, once they are written.
    spare: Vec<u8>,
}

impl Group {
    pub(crate) fn new(number: u64) -> Group {
        Group {
            number,
            ..Group::default()
        }
    }

    /// Takes note that something was added at `now`, of about `bytes`.
    pub(crate) fn grew(&mut self, bytes: usize, now: Mono) {
        self.bytes += bytes;
        self.since.get_or_insert(now);
    }

    /// The same for something that others wait for.
    pub(crate) fn grew_urgently(&mut self, bytes: usize, now: Mono) {
        self.grew(bytes, now);
        self.urgent.get_or_insert(now);
    }

    /// When a group that has gathered since `since` should be committed. A `hungry` slot, which has nothing else
    /// to do, does not let others wait for what they need; one that `stops` waits for nothing more.
    pub(crate) fn commit_time(&self, since: Mono, hungry: bool, stops: bool) -> Mono {
        let soon = if stops { Some(since) } else { self.urgent };
        let soon = soon
            .filter(|_| hungry)
            .map_or(Mono::NEVER, |soon| soon.plus(GROUP_INTERVAL_HUNGRY));
        soon.min(since.plus(GROUP_INTERVAL))
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes + self.batch.bytes()
    }
}

/// A sealed group on its way to the disk.
pub(crate) struct CommitJob {
    pub(crate) group: Group,
    pub(crate) ends: FileEnds,
    pub(crate) files: SlotFiles,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tail: GroupTail,
    /// Segments that this group ended.
    pub(crate) closed: Vec<String>,
    /// Journal files below this one have been absorbed by everybody.
    pub(crate) links_needed_from: u64,
}

/// A group that is durable.
pub(crate) struct Committed {
    pub(crate) ends: FileEnds,
    pub(crate) files: SlotFiles,
    pub(crate) tail: GroupTail,
    /// Segments that are whole now.
    pub(crate) closed: Vec<String>,
    /// A buffer for the next group's archive bytes.
    pub(crate) spare: Vec<u8>,
}

impl CommitJob {
    /// Appends and syncs the archive, the attempt rows and the links; returns the journal's new end.
    /// Called again it finds nothing more to write.
    pub(crate) fn write_files(&mut self) -> Result<JournalEnd, CommitError> {
        let segments = std::mem::take(&mut self.group.segments);
        self.files.write_segments(&segments)?;
        if let Some(part) = segments.into_iter().last() {
            self.group.spare = part.bytes;
            self.group.spare.clear();
        }
        if self.group.attempts > 0 {
            self.files.sync_attempts()?;
        }
        let links = std::mem::take(&mut self.group.links);
        let blocks: Vec<(u8, Vec<u8>)> = links
            .into_iter()
            .filter(|(_, bytes)| !bytes.is_empty())
            .collect();
        self.files.write_links(self.group.number, &blocks)
    }

    /// Makes the group durable. Blocking.
    pub(crate) fn run(mut self) -> Result<Committed, CommitError> {
        let end = self.write_files()?;
        self.ends.journal = (end.file, end.bytes);
        self.group
            .batch
            .put(Keyspace::Meta, b"files".to_vec(), self.ends.encode());
        let batch = std::mem::take(&mut self.group.batch);
        self.store.commit(batch)?;
        let row = CommitRow {
            v: 1,
            group: self.group.number,
            attempts: self.group.attempts,
            at: self.clock.wall(),
        };
        self.files.name_group(&row)?;
        self.files.forget_links_below(self.links_needed_from)?;
        Ok(Committed {
            ends: self.ends,
            files: self.files,
            tail: self.tail,
            closed: self.closed,
            spare: self.group.spare,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_and_positions_wait_for_company_and_links_do_not() {
        let at = |millis: u64| Mono(millis * 1_000);
        let mut group = Group::new(1);
        group.grew(0, at(1_000));
        let time = |group: &Group, hungry, stops| group.commit_time(at(1_000), hungry, stops);
        assert_eq!(time(&group, true, false), at(1_250));
        assert_eq!(time(&group, true, true), at(1_020));
        group.grew_urgently(10, at(1_100));
        group.grew_urgently(10, at(1_110));
        assert_eq!(time(&group, true, false), at(1_120));
        assert_eq!(time(&group, false, false), at(1_250));
        group.urgent = Some(at(1_240));
        assert_eq!(time(&group, true, false), at(1_250));
    }
}
