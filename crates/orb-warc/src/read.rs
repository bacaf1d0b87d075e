//! Tolerant reading: record after record, oddities beside them, damage with its place.
//!
//! In: the bytes of one archive file, through `Read`. Out: records, or where the file is damaged or torn.
//! May touch: the `Read`. Must not touch: files by name, clocks.
//! Invariant: every byte of the file belongs to a record returned, a blank line, or a range an error names;
//! reading always ends, and `Torn` gives the length to which the file can be cut so that only whole records remain.

use std::io::{self, Read};

use crate::encode::{Compression, RECORD_END};
use crate::fields::Fields;
use crate::input::{Fault, Input, RECORD_MAGIC, WINDOW_TOO_LARGE};
use crate::limits::{BLOCK_BYTES_MAX, HEADER_BYTES_MAX};
use crate::oddity::{Oddity, note};
use crate::record::Record;

/// Why there is no record here. After `Damaged` reading goes on, after the others it has ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The input failed.
    #[error("read the archive near byte {offset}")]
    Io {
        /// File offset of the record being read.
        offset: u64,
        /// What the input said.
        #[source]
        source: io::Error,
    },
    /// From here to the end of the file there is no whole record: a write was interrupted.
    #[error("the archive is torn at byte {offset}")]
    Torn {
        /// Length of the sound part of the file.
        offset: u64,
    },
    /// These bytes are no record, but another one follows.
    #[error("bytes {offset} to {resume} are no record: {reason}")]
    Damaged {
        /// File offset of the first byte that is given up.
        offset: u64,
        /// File offset at which reading goes on.
        resume: u64,
        /// What is wrong with them.
        reason: &'static str,
    },
}

/// Reads the records of one file in order: plain, gzip members or zstd frames.
///
/// Expected is one record a member; members with several records and records across members are read too, and marked odd.
/// In a plain file a `Content-Length` that is too large swallows what follows: nothing else says where the record ends.
pub struct Reader<R> {
    /// Until the first record is asked for, the input is not touched.
    state: State<R>,
    compression: Option<Compression>,
    start: u64,
    block_bytes_max: u64,
    #[cfg(feature = "zstd")]
    dictionary: Option<crate::Dictionary>,
}

enum State<R> {
    New(R),
    Open(Box<Input<R>>),
    Ended,
}

impl<R: Read> Reader<R> {
    /// Reads from the beginning of a file; its first bytes tell the compression.
    pub fn new(input: R) -> Self {
        Self {
            state: State::New(input),
            compression: None,
            start: 0,
            block_bytes_max: BLOCK_BYTES_MAX,
            #[cfg(feature = "zstd")]
            dictionary: None,
        }
    }

    /// Reads a file of known compression, so that even its first bytes may be damaged.
    pub fn with_compression(input: R, compression: Compression) -> Self {
        Self {
            compression: Some(compression),
            ..Self::new(input)
        }
    }

    /// Uses the dictionary that the file begins with, for an input that begins further on
    /// ([`crate::Dictionary::read`]). From the beginning of a file it is found without this.
    #[cfg(feature = "zstd")]
    #[must_use]
    pub fn with_dictionary(mut self, dictionary: Option<crate::Dictionary>) -> Self {
        self.dictionary = dictionary;
        self
    }

    /// Declares that the input begins at this offset of the file, which must be that of a record.
    #[must_use]
    pub fn starting_at(mut self, offset: u64) -> Self {
        self.start = offset;
        self
    }

    /// Keeps at most so many bytes of each block; the rest is stepped over and the record marked [`Oddity::BlockCut`].
    #[must_use]
    pub fn block_bytes_max(mut self, bytes: u64) -> Self {
        self.block_bytes_max = bytes;
        self
    }

    fn open(&mut self, input: R) -> io::Result<Input<R>> {
        let mut input = Input::open(input, self.compression, self.start)?;
        #[cfg(feature = "zstd")]
        if let Some(dictionary) = self.dictionary.take() {
            input.use_dictionary(dictionary)?;
        }
        Ok(input)
    }

    /// Reads the next record; `None` at the end of a file that ends where a record ends.
    ///
    /// - Errors: `Damaged` names a range without a record, the next call goes on behind it; after `Torn` and `Io` comes `None`.
    /// - Cost: decompression and one copy of the block.
    pub fn next_record(&mut self) -> Result<Option<Record>, ReadError> {
        let mut input = match std::mem::replace(&mut self.state, State::Ended) {
            State::Ended => return Ok(None),
            State::Open(input) => input,
            State::New(input) => {
                let input = self.open(input).map_err(|source| ReadError::Io {
                    offset: self.start,
                    source,
                });
                Box::new(input?)
            }
        };
        let mut offset = input.position();
        match read_record(&mut input, self.block_bytes_max, &mut offset) {
            Ok(None) => Ok(None),
            Ok(Some(record)) => {
                self.state = State::Open(input);
                Ok(Some(record))
            }
            Err(Fault::Io(source)) => Err(ReadError::Io { offset, source }),
            Err(Fault::Torn) => Err(ended(&mut input, offset)),
            Err(Fault::Short(reason)) => {
                let resume = input.member_at();
                self.state = State::Open(input);
                Err(ReadError::Damaged {
                    offset,
                    resume,
                    reason,
                })
            }
            Err(Fault::Damaged(reason)) => match input.find_next() {
                Ok(Some(resume)) => {
                    self.state = State::Open(input);
                    Err(ReadError::Damaged {
                        offset,
                        resume,
                        reason,
                    })
                }
                Err(Fault::Io(source)) => Err(ReadError::Io { offset, source }),
                // Sound as it may be, this program does not read it: that is no tail to be cut off.
                Ok(None) if reason == WINDOW_TOO_LARGE => {
                    let source = io::Error::new(io::ErrorKind::Unsupported, reason);
                    Err(ReadError::Io { offset, source })
                }
                Ok(None) | Err(_) => Err(ended(&mut input, offset)),
            },
        }
    }
}

/// Records and damage in order; ends as [`Reader::next_record`] does.
impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_record().transpose()
    }
}

/// The file ends in the middle of a record, unless it only could not be read on.
fn ended<R: Read>(input: &mut Input<R>, offset: u64) -> ReadError {
    match input.failure() {
        Some(source) => ReadError::Io { offset, source },
        None => ReadError::Torn { offset },
    }
}

/// Reads one record; `offset` becomes the place it begins at as soon as that is known.
fn read_record<R: Read>(
    input: &mut Input<R>,
    block_bytes_max: u64,
    offset: &mut u64,
) -> Result<Option<Record>, Fault> {
    if !input.fill()? {
        return Ok(None);
    }
    let (begin, first_of_member) = input.begin();
    *offset = begin;
    let header = read_header(input)?;
    let (version, fields, mut oddities) = parse_header(&header);
    let mut lengths = fields.get_all("Content-Length");
    let Some(block_len) = lengths.next().and_then(parse_length) else {
        return Err(Fault::Damaged("its length is missing or no number"));
    };
    if lengths.next().is_some() {
        note(&mut oddities, Oddity::LengthRepeated);
    }
    drop(lengths);
    let block = read_block(input, block_len, block_bytes_max, &mut oddities)?;
    let end = read_end(input, &mut oddities)?;
    let alone = first_of_member && end.is_some();
    if !alone {
        note(&mut oddities, Oddity::SharedMember);
    }
    let len = if alone {
        end.unwrap_or(begin) - begin
    } else {
        0
    };
    Ok(Some(Record {
        offset: begin,
        len,
        version,
        fields,
        block,
        block_len,
        oddities,
    }))
}

/// Takes everything up to and with the first empty line.
fn read_header<R: Read>(input: &mut Input<R>) -> Result<Vec<u8>, Fault> {
    let mut header = Vec::with_capacity(1_024);
    let mut line_start = 0;
    loop {
        if !input.fill()? {
            return Err(Fault::Torn);
        }
        // The magic first, by itself: what does not begin like a record must not be taken as one.
        let bytes = input.bytes();
        let window = if header.len() < RECORD_MAGIC.len() {
            &bytes[..bytes.len().min(RECORD_MAGIC.len() - header.len())]
        } else {
            bytes
        };
        let line_end = memchr::memchr(b'\n', window);
        let count = line_end.map_or(window.len(), |at| at + 1);
        header.extend_from_slice(&window[..count]);
        input.take(count);
        let magic = header.len().min(RECORD_MAGIC.len());
        if header[..magic] != RECORD_MAGIC[..magic] {
            return Err(Fault::Damaged("it does not begin with a version line"));
        }
        if line_end.is_some() {
            if matches!(&header[line_start..], b"\n" | b"\r\n") {
                return Ok(header);
            }
            line_start = header.len();
        }
        if header.len() > HEADER_BYTES_MAX {
            return Err(Fault::Damaged("its header does not end"));
        }
    }
}

fn parse_header(header: &[u8]) -> (String, Fields, Vec<Oddity>) {
    let line = memchr::memchr(b'\n', header).map_or(header.len(), |at| at + 1);
    let (fields, mut oddities) = Fields::parse(&header[line..]);
    if !header[..line].ends_with(b"\r\n") {
        note(&mut oddities, Oddity::LineEnd);
    }
    let version = String::from_utf8_lossy(header[..line].trim_ascii()).into_owned();
    if version != "WARC/1.1" && version != "WARC/1.0" {
        note(&mut oddities, Oddity::Version);
    }
    (version, fields, oddities)
}

/// A length is digits and nothing else; `+5` parses as a number, but a strict reader would refuse it.
fn parse_length(text: &str) -> Option<u64> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn read_block<R: Read>(
    input: &mut Input<R>,
    length: u64,
    keep_max: u64,
    oddities: &mut Vec<Oddity>,
) -> Result<Vec<u8>, Fault> {
    let mut block = Vec::new();
    let mut left = length;
    while left > 0 {
        if !input.fill_member()? {
            enter_rest(input)?;
            note(oddities, Oddity::SplitMember);
            continue;
        }
        let bytes = input.bytes();
        let count = left.min(bytes.len() as u64) as usize;
        let room = keep_max
            .saturating_sub(block.len() as u64)
            .min(count as u64) as usize;
        block.extend_from_slice(&bytes[..room]);
        if room < count {
            note(oddities, Oddity::BlockCut);
        }
        input.take(count);
        left -= count as u64;
    }
    Ok(block)
}

/// Enters the member in which a record goes on; when another record begins there, this one was too short.
fn enter_rest<R: Read>(input: &mut Input<R>) -> Result<(), Fault> {
    if !input.next_member()? {
        return Err(Fault::Torn);
    }
    if input.fill_member()? && input.bytes().starts_with(RECORD_MAGIC) {
        return Err(Fault::Short("its block is shorter than its length"));
    }
    Ok(())
}

/// Takes the two empty lines after the block and any more blank lines.
/// Returns the file offset of the record's end, or `None` when its member holds more.
fn read_end<R: Read>(
    input: &mut Input<R>,
    oddities: &mut Vec<Oddity>,
) -> Result<Option<u64>, Fault> {
    let mut matched = 0;
    while matched < RECORD_END.len() {
        if !input.fill_member()? {
            let end = input.position();
            if !(input.next_member()?
                && input.fill_member()?
                && input.bytes()[0] == RECORD_END[matched])
            {
                note(oddities, Oddity::RecordEnd);
                return Ok(Some(end));
            }
            note(oddities, Oddity::SplitMember);
        }
        if input.bytes()[0] != RECORD_END[matched] {
            break;
        }
        input.take(1);
        matched += 1;
    }
    let end = input.position();
    if matched < RECORD_END.len() {
        note(oddities, Oddity::RecordEnd);
    }
    while input.fill_member()? && matches!(input.bytes()[0], b'\r' | b'\n') {
        note(oddities, Oddity::RecordEnd);
        input.take(1);
    }
    input.end_of_record(end)
}
