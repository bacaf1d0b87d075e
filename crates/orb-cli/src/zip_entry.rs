//! The one file inside a zip archive, read as a stream: what lists of domains are shipped in.
//!
//! In: a reader at the archive's first byte. Out: a reader of the file's content.
//! May touch: nothing. Must not touch: the central directory at the end, which a pipe cannot go back from.
//! Invariant: content is handed out only from the first file; a second one, encryption and other methods are refused
//! with what to do, and a damaged file ends in an error, never in silence (PKWARE APPNOTE, 4.3.7 to 4.3.9, 4.4.4).

use std::io::{self, BufRead, Read, Take};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use crate::seed_file::refusal;

/// Begins the header before a file.
pub(crate) const MAGIC: &[u8] = b"PK\x03\x04";

/// Begins the description of a file behind it, where there is one.
const DESCRIPTOR_MAGIC: &[u8] = b"PK\x07\x08";

/// Header of a file without its name: signature, version, flags, method, time, date, CRC, two sizes, two lengths.
const HEADER_BYTES: usize = 30;

const FLAG_ENCRYPTED: u16 = 1;

/// CRC and sizes stand behind the content, not in the header.
const FLAG_DESCRIBED_BEHIND: u16 = 1 << 3;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// Reads the content of the first file.
pub(crate) struct ZipEntry<R: BufRead> {
    content: Content<R>,
    crc: Crc,
    /// From the header; `None` when it stands behind the content.
    crc_told: Option<u32>,
}

enum Content<R: BufRead> {
    Stored(Take<R>),
    Deflated(DeflateDecoder<R>),
    Ended,
}

/// Reads the header and stands at the first byte of the content.
pub(crate) fn first<R: BufRead>(mut reader: R) -> io::Result<ZipEntry<R>> {
    let mut header = [0; HEADER_BYTES];
    reader.read_exact(&mut header)?;
    let short = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
    let long = |at: usize| u32::from(short(at)) | (u32::from(short(at + 2)) << 16);
    let (flags, method) = (short(6), short(8));
    let (crc, packed_bytes) = (long(14), long(18));
    let rest = u64::from(short(26)) + u64::from(short(28));
    let skipped = io::copy(&mut (&mut reader).take(rest), &mut io::sink())?;
    if skipped < rest {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if flags & FLAG_ENCRYPTED != 0 {
        return Err(refusal(
            "the zip archive is encrypted: unpack it first".to_owned(),
        ));
    }
    let behind = flags & FLAG_DESCRIBED_BEHIND != 0;
    let content = match method {
        DEFLATED => Content::Deflated(DeflateDecoder::new(reader)),
        STORED if !behind && packed_bytes != u32::MAX => {
            Content::Stored(reader.take(u64::from(packed_bytes)))
        }
        _ => {
            return Err(refusal(
                "the zip archive is packed in a way that is not read here: `unzip -p FILE | orb crawl --seeds - …`"
                    .to_owned(),
            ));
        }
    };
    Ok(ZipEntry {
        content,
        crc: Crc::new(),
        crc_told: (!behind).then_some(crc),
    })
}

impl<R: BufRead> Read for ZipEntry<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = match &mut self.content {
            Content::Stored(content) => content.read(buffer)?,
            Content::Deflated(content) => content.read(buffer)?,
            Content::Ended => return Ok(0),
        };
        self.crc.update(&buffer[..got]);
        if got == 0 && !buffer.is_empty() {
            self.end()?;
        }
        Ok(got)
    }
}

impl<R: BufRead> ZipEntry<R> {
    /// The content is over: was it whole, and was it all there is?
    fn end(&mut self) -> io::Result<()> {
        let content = std::mem::replace(&mut self.content, Content::Ended);
        let mut reader = match content {
            Content::Stored(content) if content.limit() > 0 => {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Content::Stored(content) => content.into_inner(),
            Content::Deflated(content) => content.into_inner(),
            Content::Ended => return Ok(()),
        };
        let mut next = four(&mut reader)?;
        let told = match self.crc_told {
            Some(told) => told,
            None => {
                if next == DESCRIPTOR_MAGIC {
                    next = four(&mut reader)?;
                }
                let told = u32::from_le_bytes(next);
                next = after_descriptor(&mut reader)?;
                told
            }
        };
        if told != self.crc.sum() {
            return Err(refusal(
                "the zip archive is damaged (its checksum differs)".to_owned(),
            ));
        }
        if next == MAGIC {
            return Err(refusal(
                "the zip archive holds more than one file, and only the first was read: unpack it and name the one \
                 that is meant"
                    .to_owned(),
            ));
        }
        Ok(())
    }
}

fn four(reader: &mut impl Read) -> io::Result<[u8; 4]> {
    let mut bytes = [0; 4];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// The signature behind a descriptor's two sizes, which have four bytes each or, in zip64, eight.
fn after_descriptor(reader: &mut impl Read) -> io::Result<[u8; 4]> {
    let mut last = [0; 4];
    for words in 1..=5 {
        last = four(reader)?;
        if words >= 3 && last.starts_with(b"PK") {
            break;
        }
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const TEXT: &[u8] = b"1,a.example\r\n2,b.example\r\n";

    fn deflated(text: &[u8]) -> Vec<u8> {
        let mut encoder =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn crc(text: &[u8]) -> u32 {
        let mut crc = Crc::new();
        crc.update(text);
        crc.sum()
    }

    /// One file as a zip writer on a disk writes it (`flags` 0), or one on a pipe (8).
    fn file(flags: u16, method: u16, text: &[u8], packed: &[u8]) -> Vec<u8> {
        let behind = flags & FLAG_DESCRIBED_BEHIND != 0;
        let size = |bytes: &[u8]| if behind { 0 } else { bytes.len() as u32 };
        let mut zip = MAGIC.to_vec();
        for short in [20, flags, method, 0, 0] {
            zip.extend(u16::to_le_bytes(short));
        }
        zip.extend(if behind { 0 } else { crc(text) }.to_le_bytes());
        zip.extend(size(packed).to_le_bytes());
        zip.extend(size(text).to_le_bytes());
        zip.extend(10_u16.to_le_bytes());
        zip.extend(4_u16.to_le_bytes());
        zip.extend(b"top-1m.csvabcd");
        zip.extend(packed);
        if behind {
            zip.extend(DESCRIPTOR_MAGIC);
            zip.extend(crc(text).to_le_bytes());
            zip.extend((packed.len() as u32).to_le_bytes());
            zip.extend((text.len() as u32).to_le_bytes());
        }
        zip
    }

    /// The central directory begins with this; it is not read.
    const DIRECTORY: &[u8] = b"PK\x01\x02 and so on";

    fn read(parts: &[&[u8]]) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        first(io::Cursor::new(parts.concat()))?.read_to_end(&mut content)?;
        Ok(content)
    }

    #[test]
    fn the_content_of_the_only_file_is_read() {
        for zip in [
            file(0, DEFLATED, TEXT, &deflated(TEXT)),
            file(8, DEFLATED, TEXT, &deflated(TEXT)),
            file(0, STORED, TEXT, TEXT),
        ] {
            assert_eq!(read(&[&zip, DIRECTORY]).unwrap(), TEXT);
        }
    }

    #[test]
    fn what_is_damaged_cut_or_doubled_is_never_taken_for_whole() {
        let whole = file(8, DEFLATED, TEXT, &deflated(TEXT));
        let check = |parts: &[&[u8]], part: &str| {
            let message = read(parts).unwrap_err().to_string();
            assert!(message.contains(part), "{part}: {message}");
        };
        check(&[&whole, &whole, DIRECTORY], "more than one file");
        let wrong = file(0, DEFLATED, b"other", &deflated(TEXT));
        check(&[&wrong, DIRECTORY], "damaged");
        check(&[&file(1, DEFLATED, TEXT, TEXT)], "encrypted");
        check(&[&file(0, 12, TEXT, TEXT)], "unzip -p");
        check(&[&file(8, STORED, TEXT, TEXT)], "unzip -p");
        for length in 0..whole.len() {
            assert!(read(&[&whole[..length]]).is_err(), "cut to {length}");
        }
    }
}
