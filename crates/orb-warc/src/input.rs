//! Members and frames taken off: the decoded bytes of a file, and where each member began.
//!
//! In: the raw window and the compression. Out: decoded bytes, one member at a time.
//! May touch: the raw window, its decompressor. Must not touch: what records mean.
//! Invariant: decoded bytes in the buffer all belong to one member, so a record's place in the file is exact.

use std::io::{self, Read};

use flate2::{Decompress, FlushDecompress, Status};
#[cfg(feature = "zstd")]
use zstd::stream::raw::DParameter;

#[cfg(feature = "zstd")]
use crate::dictionary::{Dictionary, frame_bytes};
use crate::encode::Compression;
use crate::gzip::{self, HeaderLen};
#[cfg(feature = "zstd")]
use crate::limits::{DICTIONARY_BYTES_MAX, ZSTD_WINDOW_LOG_MAX};
use crate::limits::{GZIP_HEADER_BYTES_MAX, STEP_BYTES};
use crate::raw::Raw;

/// First bytes of every record, whatever the version.
pub(crate) const RECORD_MAGIC: &[u8] = b"WARC/";
#[cfg(feature = "zstd")]
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Why no more bytes come, or why they make no record.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The input failed.
    Io(io::Error),
    /// The input ended in the middle.
    Torn,
    /// The bytes are not what they must be; what follows may be sound, but its beginning is not known.
    Damaged(&'static str),
    /// The record ends too early, and the next one begins right here.
    Short(&'static str),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

enum Codec {
    Plain,
    Gzip {
        inflate: Box<Decompress>,
        crc: crc32fast::Hasher,
        size: u32,
    },
    #[cfg(feature = "zstd")]
    Zstd(Box<Zstd>),
}

/// A decoder, and the dictionary that it uses.
#[cfg(feature = "zstd")]
struct Zstd {
    decoder: zstd::stream::raw::Decoder<'static>,
    dictionary: Option<Dictionary>,
}

#[cfg(feature = "zstd")]
impl Zstd {
    fn with(dictionary: Option<Dictionary>) -> io::Result<Zstd> {
        let bytes = dictionary.as_ref().map_or(&[][..], Dictionary::as_bytes);
        let mut decoder = zstd::stream::raw::Decoder::with_dictionary(bytes)?;
        decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX))?;
        Ok(Zstd {
            decoder,
            dictionary,
        })
    }
}

/// The decoded file.
pub(crate) struct Input<R> {
    raw: Raw<R>,
    codec: Codec,
    /// Decoded bytes of the current member, and how many of them are taken.
    decoded: Vec<u8>,
    taken: usize,
    /// Where the current member, or plain record, begins in the file.
    member_at: u64,
    member_open: bool,
    /// Whether bytes of the current member were taken.
    member_used: bool,
    /// Whether decoding stopped at a fault, so that the place of the next member is not known.
    lost: bool,
}

impl<R: Read> Input<R> {
    /// Uses this dictionary, because the file's beginning is not read.
    #[cfg(feature = "zstd")]
    pub(crate) fn use_dictionary(&mut self, dictionary: Dictionary) -> io::Result<()> {
        if let Codec::Zstd(zstd) = &mut self.codec {
            **zstd = Zstd::with(Some(dictionary))?;
        }
        Ok(())
    }

    /// Reads `input` from file offset `offset` on; without a compression the first bytes decide.
    pub(crate) fn open(
        input: R,
        compression: Option<Compression>,
        offset: u64,
    ) -> io::Result<Self> {
        let mut raw = Raw::new(input);
        raw.rebase(offset);
        let compression = match compression {
            Some(compression) => compression,
            None => sniff(raw.ahead(4)?),
        };
        let codec = match compression {
            Compression::None => Codec::Plain,
            Compression::Gzip => Codec::Gzip {
                inflate: Box::new(Decompress::new(false)),
                crc: crc32fast::Hasher::new(),
                size: 0,
            },
            #[cfg(feature = "zstd")]
            Compression::Zstd => Codec::Zstd(Box::new(Zstd::with(None)?)),
        };
        Ok(Self {
            raw,
            codec,
            decoded: Vec::new(),
            taken: 0,
            member_at: offset,
            member_open: false,
            member_used: false,
            lost: false,
        })
    }

    /// Marks the beginning of a record: its file offset, and whether it is the first of its member. Bytes must be ready.
    pub(crate) fn begin(&mut self) -> (u64, bool) {
        if matches!(self.codec, Codec::Plain) {
            self.raw.set_mark();
            self.member_at = self.raw.position();
            return (self.member_at, true);
        }
        (self.member_at, !self.member_used)
    }

    /// Decoded bytes ready to be taken; empty until one of the `fill` functions said otherwise.
    pub(crate) fn bytes(&self) -> &[u8] {
        if matches!(self.codec, Codec::Plain) {
            self.raw.seen()
        } else {
            &self.decoded[self.taken..]
        }
    }

    /// Steps over bytes that are ready.
    pub(crate) fn take(&mut self, count: usize) {
        self.member_used |= count > 0;
        if matches!(self.codec, Codec::Plain) {
            self.raw.take(count);
        } else {
            self.taken += count;
        }
    }

    /// File offset after the last byte taken; for members, after the last one entered. Exact at a member's end.
    pub(crate) fn position(&self) -> u64 {
        self.raw.position()
    }

    /// Why the input ended before its end: what looks torn then is not.
    pub(crate) fn failure(&mut self) -> Option<io::Error> {
        self.raw.failure()
    }

    /// File offset of the member entered last.
    pub(crate) fn member_at(&self) -> u64 {
        self.member_at
    }

    /// Where the record ends whose last byte was just taken: at its member's end, or for a plain file at `plain_end`.
    /// `None` when the member holds more.
    pub(crate) fn end_of_record(&mut self, plain_end: u64) -> Result<Option<u64>, Fault> {
        if matches!(self.codec, Codec::Plain) {
            return Ok(Some(plain_end));
        }
        Ok(if self.fill_member()? {
            None
        } else {
            Some(self.raw.position())
        })
    }

    /// Makes bytes of the current member ready; false at its end, and for plain files at the end of the file.
    pub(crate) fn fill_member(&mut self) -> Result<bool, Fault> {
        if matches!(self.codec, Codec::Plain) {
            return Ok(!self.raw.ahead(1)?.is_empty());
        }
        while self.taken == self.decoded.len() {
            if !self.member_open {
                return Ok(false);
            }
            self.decoded.clear();
            self.taken = 0;
            let step = self.decode_step();
            self.lost |= matches!(step, Err(Fault::Damaged(_)));
            step?;
        }
        Ok(true)
    }

    /// Makes bytes ready, entering the next member where one ends; false at the end of the file.
    pub(crate) fn fill(&mut self) -> Result<bool, Fault> {
        while !self.fill_member()? {
            if !self.next_member()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Enters the next member; false at the end of the file, and always for plain files.
    pub(crate) fn next_member(&mut self) -> Result<bool, Fault> {
        if matches!(self.codec, Codec::Plain) {
            return Ok(false);
        }
        self.raw.set_mark();
        self.member_at = self.raw.position();
        self.member_used = false;
        let entered = self.open_member();
        self.lost |= matches!(entered, Err(Fault::Damaged(_)));
        self.member_open = entered?;
        Ok(self.member_open)
    }

    /// After damage, finds where the next record begins and returns that file offset; `None` when there is none.
    pub(crate) fn find_next(&mut self) -> Result<Option<u64>, Fault> {
        if matches!(self.codec, Codec::Plain) {
            self.raw.go_back(0);
            return Ok(self.scan_plain()?);
        }
        if !self.lost {
            // The member may be sound, only its text is no record: then the place after it is the place to go on.
            match self.skip_member() {
                Ok(()) | Err(Fault::Damaged(_)) => {}
                Err(Fault::Torn | Fault::Short(_)) => return Ok(None),
                Err(fault) => return Err(fault),
            }
        }
        if self.member_open {
            // Its end is not known, so it is searched too. Elsewhere that would let a body pass for a record.
            self.raw.go_back(1);
        }
        self.member_open = false;
        self.decoded.clear();
        self.taken = 0;
        self.lost = false;
        Ok(self.scan_members()?)
    }

    fn skip_member(&mut self) -> Result<(), Fault> {
        while self.fill_member()? {
            let count = self.bytes().len();
            self.take(count);
        }
        Ok(())
    }

    /// Searches a plain file for a line that begins a record.
    fn scan_plain(&mut self) -> io::Result<Option<u64>> {
        const LINE: &[u8] = b"\nWARC/";
        loop {
            let window = self.raw.ahead(STEP_BYTES)?;
            if let Some(at) = memchr::memmem::find(window, LINE) {
                self.raw.take(at + 1);
                return Ok(Some(self.raw.position()));
            }
            if window.len() < STEP_BYTES {
                return Ok(None);
            }
            let passed = window.len() - (LINE.len() - 1);
            self.raw.take(passed);
        }
    }

    /// Searches a compressed file for a member whose text begins a record; magic bytes alone are common inside bodies.
    fn scan_members(&mut self) -> io::Result<Option<u64>> {
        let magic: &[u8] = match self.codec {
            #[cfg(feature = "zstd")]
            Codec::Zstd(_) => &ZSTD_MAGIC,
            _ => &gzip::MAGIC,
        };
        let mut probe = Probe::of(&self.codec)?;
        loop {
            self.raw.set_mark();
            let window = self.raw.ahead(GZIP_HEADER_BYTES_MAX)?;
            let Some(at) = memchr::memmem::find(window, magic) else {
                if window.len() < GZIP_HEADER_BYTES_MAX {
                    return Ok(None);
                }
                let passed = window.len() - (magic.len() - 1);
                self.raw.take(passed);
                continue;
            };
            self.raw.take(at);
            if probe.decodes_to_record(self.raw.ahead(GZIP_HEADER_BYTES_MAX)?) {
                return Ok(Some(self.raw.position()));
            }
            self.raw.take(1);
        }
    }

    /// Steps over the header of the next member; false at the end of the file.
    fn open_member(&mut self) -> Result<bool, Fault> {
        match &mut self.codec {
            Codec::Plain => Ok(false),
            Codec::Gzip { inflate, crc, size } => {
                let mut wanted = 512;
                loop {
                    let window = self.raw.ahead(wanted)?;
                    match gzip::header_len(window) {
                        _ if window.is_empty() => return Ok(false),
                        HeaderLen::Known(len) => {
                            self.raw.take(len);
                            inflate.reset(false);
                            *crc = crc32fast::Hasher::new();
                            *size = 0;
                            return Ok(true);
                        }
                        HeaderLen::Not => return Err(Fault::Damaged("no gzip member begins here")),
                        HeaderLen::NeedsMore if window.len() < wanted => return Err(Fault::Torn),
                        HeaderLen::NeedsMore if wanted >= GZIP_HEADER_BYTES_MAX => {
                            return Err(Fault::Damaged("the header of a gzip member is too long"));
                        }
                        HeaderLen::NeedsMore => wanted = GZIP_HEADER_BYTES_MAX,
                    }
                }
            }
            #[cfg(feature = "zstd")]
            Codec::Zstd(zstd) => open_frame(&mut self.raw, zstd),
        }
    }

    /// Decodes some more of the open member into the empty buffer; closes the member at its end.
    fn decode_step(&mut self) -> Result<(), Fault> {
        self.decoded.reserve(STEP_BYTES);
        let window = self.raw.ahead(1)?;
        if window.is_empty() {
            return Err(Fault::Torn);
        }
        match &mut self.codec {
            Codec::Plain => Ok(()),
            Codec::Gzip { inflate, crc, size } => {
                let before = inflate.total_in();
                let status = inflate
                    .decompress_vec(window, &mut self.decoded, FlushDecompress::None)
                    .map_err(|_| Fault::Damaged("a deflate stream is malformed"))?;
                let used = (inflate.total_in() - before) as usize;
                self.raw.take(used);
                crc.update(&self.decoded);
                *size = size.wrapping_add(self.decoded.len() as u32);
                if status != Status::StreamEnd {
                    // Without progress the loop above would never end.
                    let stuck = used == 0 && self.decoded.is_empty();
                    return if stuck {
                        Err(Fault::Damaged("a deflate stream does not go on"))
                    } else {
                        Ok(())
                    };
                }
                let trailer = self.raw.ahead(8)?;
                let Some(trailer) = trailer.first_chunk::<8>() else {
                    return Err(Fault::Torn);
                };
                let [a, b, c, d, e, f, g, h] = *trailer;
                let sound = u32::from_le_bytes([a, b, c, d]) == crc.clone().finalize()
                    && u32::from_le_bytes([e, f, g, h]) == *size;
                self.raw.take(8);
                self.member_open = false;
                if sound {
                    Ok(())
                } else {
                    Err(Fault::Damaged("the checksum of a gzip member is wrong"))
                }
            }
            #[cfg(feature = "zstd")]
            Codec::Zstd(zstd) => {
                let (used, done) = run_frame(&mut zstd.decoder, window, &mut self.decoded)
                    .map_err(|error| Fault::Damaged(why_not(&error)))?;
                let stuck = used == 0 && self.decoded.is_empty() && !done;
                self.raw.take(used);
                self.member_open = !done;
                if stuck {
                    Err(Fault::Damaged("a zstd frame does not go on"))
                } else {
                    Ok(())
                }
            }
        }
    }
}

fn sniff(first: &[u8]) -> Compression {
    if first.starts_with(&gzip::MAGIC[..2]) {
        return Compression::Gzip;
    }
    #[cfg(feature = "zstd")]
    if first.starts_with(&ZSTD_MAGIC) || is_skippable(first) {
        return Compression::Zstd;
    }
    Compression::None
}

/// A decoder for looking into members, made once for a search: loading a dictionary is slow.
enum Probe {
    Plain,
    Gzip,
    #[cfg(feature = "zstd")]
    Zstd(Box<Zstd>),
}

impl Probe {
    fn of(codec: &Codec) -> io::Result<Probe> {
        Ok(match codec {
            Codec::Plain => Probe::Plain,
            Codec::Gzip { .. } => Probe::Gzip,
            #[cfg(feature = "zstd")]
            Codec::Zstd(zstd) => Probe::Zstd(Box::new(Zstd::with(zstd.dictionary.clone())?)),
        })
    }

    /// Whether the member that `window` begins with holds text that begins a record.
    fn decodes_to_record(&mut self, window: &[u8]) -> bool {
        let mut text = Vec::with_capacity(RECORD_MAGIC.len());
        match self {
            Probe::Plain => {}
            Probe::Gzip => {
                let HeaderLen::Known(header) = gzip::header_len(window) else {
                    return false;
                };
                // A failure shows as missing text.
                let _outcome = Decompress::new(false).decompress_vec(
                    &window[header..],
                    &mut text,
                    FlushDecompress::None,
                );
            }
            #[cfg(feature = "zstd")]
            Probe::Zstd(zstd) => {
                use zstd::stream::raw::Operation as _;
                if zstd.decoder.reinit().is_err() {
                    return false;
                }
                let mut at = 0;
                while let Ok((used, done)) = run_frame(&mut zstd.decoder, &window[at..], &mut text)
                {
                    at += used;
                    if done || used == 0 || !text.is_empty() {
                        break;
                    }
                }
            }
        }
        text.starts_with(RECORD_MAGIC)
    }
}

/// Whether a zstd frame carries no data for us, such as a dictionary (RFC 8878, 3.1.2).
#[cfg(feature = "zstd")]
fn is_skippable(first: &[u8]) -> bool {
    first.len() >= 4 && first[0] & 0xf0 == 0x50 && first[1..4] == [0x2a, 0x4d, 0x18]
}

/// Steps over skippable frames and readies the decoder for the next one; false at the end of the file.
#[cfg(feature = "zstd")]
fn open_frame<R: Read>(raw: &mut Raw<R>, zstd: &mut Zstd) -> Result<bool, Fault> {
    use zstd::stream::raw::Operation as _;
    loop {
        let at_start = raw.position() == 0;
        let window = raw.ahead(8)?;
        if window.is_empty() {
            return Ok(false);
        }
        if window.starts_with(&ZSTD_MAGIC) {
            zstd.decoder.reinit()?;
            return Ok(true);
        }
        if !is_skippable(window) {
            let prefix = window.len() < 4 && ZSTD_MAGIC.starts_with(window);
            return Err(if prefix {
                Fault::Torn
            } else {
                Fault::Damaged("no zstd frame begins here")
            });
        }
        let Some(head) = window.first_chunk::<8>().copied() else {
            return Err(Fault::Torn);
        };
        if at_start
            && let Some(bytes) = frame_bytes(&head).filter(|bytes| *bytes <= DICTIONARY_BYTES_MAX)
        {
            let frame = raw.ahead(8 + bytes)?;
            let data = frame.get(8..8 + bytes).ok_or(Fault::Torn)?.to_vec();
            // What is no dictionary is stepped over; frames that need one will say so.
            *zstd = Zstd::with(Dictionary::of_frame(data))?;
            raw.take(8 + bytes);
            continue;
        }
        let mut left = 8 + u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
        while left > 0 {
            let seen = raw.ahead(1)?.len() as u64;
            if seen == 0 {
                return Err(Fault::Torn);
            }
            raw.take(seen.min(left) as usize);
            left -= seen.min(left);
        }
    }
}

/// What is said of a frame that may be sound and wants more memory than is given to one.
pub(crate) const WINDOW_TOO_LARGE: &str =
    "a zstd frame's window is too large: it wants more than 16 MiB of memory; pack it anew";

/// Why a zstd frame cannot be read; the library tells by words alone.
#[cfg(feature = "zstd")]
fn why_not(error: &io::Error) -> &'static str {
    match error.to_string().contains("too much memory") {
        true => WINDOW_TOO_LARGE,
        false => "a zstd frame is malformed, or needs a dictionary",
    }
}

/// One step of a frame into the spare room of `out`: bytes used, and whether the frame ended.
#[cfg(feature = "zstd")]
fn run_frame(
    decoder: &mut zstd::stream::raw::Decoder<'static>,
    window: &[u8],
    out: &mut Vec<u8>,
) -> io::Result<(usize, bool)> {
    use zstd::stream::raw::{InBuffer, Operation as _, OutBuffer};
    let mut source = InBuffer::around(window);
    let hint = decoder.run(&mut source, &mut OutBuffer::around(out))?;
    Ok((source.pos(), hint == 0))
}
