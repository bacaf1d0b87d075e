//! What an export counts.
//!
//! In: what became of each capture. Out: sums. May touch: nothing.
//! Invariant: names are a contract with scripts; every capture is in one of them.

use serde::Serialize;

use crate::page_line::LeftOut;

/// What was counted. Names are a contract with scripts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Lines written.
    pub pages: u64,
    /// Of these, of pages that are longer than what was kept or read of them.
    pub truncated: u64,
    /// Left out because the author refuses the use.
    pub refused: u64,
    /// Left out as a kind of document that is not read or not wanted.
    pub other_kinds: u64,
    /// Left out because there is no text in them.
    pub without_text: u64,
    /// Left out because they could not be decoded or read.
    pub unreadable: u64,
    /// Responses that are no page: failures, redirects, robots.txt, what is not of the web.
    pub no_pages: u64,
    /// Captures whose body is another record's, or was not kept.
    pub without_body: u64,
    /// Left out because their metadata record is missing, in which what robots.txt says of their use would stand.
    pub without_metadata: u64,
    /// At the end of files of ours that end in the middle of a capture, since they are still written or were not closed by
    /// their crawl: the next run has them.
    pub still_written: u64,
    /// Places of the archive that are no record and were stepped over; an end in the middle of a record is one in other
    /// programs' files.
    pub damages: u64,
}

impl Tally {
    /// Adds up.
    pub(crate) fn add(&mut self, other: &Tally) {
        self.pages += other.pages;
        self.truncated += other.truncated;
        self.refused += other.refused;
        self.other_kinds += other.other_kinds;
        self.without_text += other.without_text;
        self.unreadable += other.unreadable;
        self.no_pages += other.no_pages;
        self.without_body += other.without_body;
        self.without_metadata += other.without_metadata;
        self.still_written += other.still_written;
        self.damages += other.damages;
    }

    pub(crate) fn count(&mut self, why: &LeftOut) {
        match why {
            LeftOut::Refused => self.refused += 1,
            LeftOut::OtherKind => self.other_kinds += 1,
            LeftOut::NoText => self.without_text += 1,
            LeftOut::Undecodable | LeftOut::Unreadable | LeftOut::NoReader(_) => {
                self.unreadable += 1
            }
        }
    }
}
