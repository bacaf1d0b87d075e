//! The index of one WARC file: CDXJ and tables, made together.
//!
//! In: its records in their order. Out: its index files. May touch: the disk, in the index folder.
//! Invariant: the CDXJ file appears last, when the tables are durable; memory does not grow with the file.

use std::path::Path;
use std::sync::Arc;

use orb_env::Disk;
use orb_warc::{HttpHead, Record};

use crate::DatasetError;
use crate::cdxj::{Seen, line_of};
use crate::columns::has_room;
use crate::limits::SEGMENT_SORT_BYTES;
use crate::output::beside;
use crate::place::IndexPlace;
use crate::row::CaptureRow;
use crate::sorted::SortedLines;
use crate::table::Table;

/// What an index holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Indexed {
    /// Lines of CDXJ.
    pub lines: u64,
    /// Rows of the tables.
    pub rows: u64,
    /// Captures without a row: further inside their file than the schema's 32 bits reach.
    pub beyond: u64,
    /// Captures without a line or row: their address is no http address, or longer than any crawler asks for.
    pub unkeyed: u64,
    /// Places of the file that are no record and were stepped over: captures there are in no index.
    pub damages: u64,
    /// Whether the file ends within a record; of several files, how many do.
    pub torn: u64,
}

impl Indexed {
    /// Adds what the index of another file holds.
    pub fn add(&mut self, other: Indexed) {
        self.lines += other.lines;
        self.rows += other.rows;
        self.beyond += other.beyond;
        self.unkeyed += other.unkeyed;
        self.damages += other.damages;
        self.torn += other.torn;
    }
}

/// An index being made.
pub struct SegmentIndex<'a> {
    disk: Arc<dyn Disk>,
    place: &'a IndexPlace,
    name: &'a str,
    detect: &'a dyn Fn(&Record, &HttpHead) -> Option<String>,
    lines: SortedLines,
    rows: SortedLines,
    /// The capture whose metadata record may still come.
    pending: Option<CaptureRow>,
    done: Indexed,
}

impl<'a> SegmentIndex<'a> {
    /// Begins the index of the WARC file `name`; what was there of it is removed.
    ///
    /// - `detect`: the media type of a response by its payload.
    ///
    /// # Errors
    /// What the disk says.
    pub fn begin(
        disk: Arc<dyn Disk>,
        place: &'a IndexPlace,
        name: &'a str,
        detect: &'a dyn Fn(&Record, &HttpHead) -> Option<String>,
    ) -> Result<SegmentIndex<'a>, DatasetError> {
        place.remove(disk.as_ref(), name)?;
        place.make_folders(disk.as_ref())?;
        let cdxj = place.cdxj_of(name);
        let sorted =
            |result: &Path| SortedLines::within(Arc::clone(&disk), result, SEGMENT_SORT_BYTES);
        Ok(SegmentIndex {
            lines: sorted(&cdxj),
            rows: sorted(&beside(&cdxj, "rows")),
            disk,
            place,
            name,
            detect,
            pending: None,
            done: Indexed::default(),
        })
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// What the disk says.
    pub fn push(&mut self, record: &Record) -> Result<(), DatasetError> {
        if let Some(row) = &mut self.pending
            && row.take_metadata(record)
        {
            return self.let_go();
        }
        let Some(seen) = Seen::of(record) else {
            self.done.unkeyed += u64::from(Seen::is_capture(record));
            return Ok(());
        };
        if let Some(line) = line_of(record, &seen, self.name) {
            self.lines.push(line)?;
        }
        if let Some(row) = CaptureRow::of(record, seen, self.name, self.detect) {
            self.let_go()?;
            self.pending = Some(row);
        }
        Ok(())
    }

    /// The pending row is as complete as it gets.
    fn let_go(&mut self) -> Result<(), DatasetError> {
        let Some(row) = self.pending.take() else {
            return Ok(());
        };
        if !has_room(&row) {
            self.done.beyond += 1;
            return Ok(());
        }
        let json = serde_json::to_string(&row).expect("a row has only plain keys");
        let subset = row.subset() as u8;
        // Key and time decide, then the row itself: equal input gives equal tables.
        let line = format!("{subset}\t{}\t{:020}\t{json}", row.key, row.time_us.max(0));
        self.rows.push(line)
    }

    /// Writes the files.
    ///
    /// # Errors
    /// What the disk says; the index is then not complete.
    pub fn finish(mut self) -> Result<Indexed, DatasetError> {
        self.let_go()?;
        let mut tables: [Option<Table>; 3] = [None, None, None];
        let mut current: Option<usize> = None;
        let (disk, place, name) = (self.disk, self.place, self.name);
        self.done.rows = self.rows.each(&mut |line| {
            let json = line.splitn(4, '\t').nth(3).unwrap_or_default();
            let row: CaptureRow =
                serde_json::from_str(json).expect("a line that was made from a row");
            let at = row.subset() as usize;
            if current != Some(at) {
                // Rows come subset by subset, so the table before is whole.
                if let Some(whole) = current.and_then(|before| tables[before].take()) {
                    whole.finish()?;
                }
                let path = place.table_of(name, row.subset());
                tables[at] = Some(Table::create(&disk, &path, name)?);
                current = Some(at);
            }
            match &mut tables[at] {
                Some(table) => table.push(row),
                None => Ok(()),
            }
        })?;
        for table in tables.into_iter().flatten() {
            table.finish()?;
        }
        self.done.lines = self.lines.finish()?;
        Ok(self.done)
    }
}
