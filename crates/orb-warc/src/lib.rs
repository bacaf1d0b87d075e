//! WARC 1.1 records, written and read.
