//! Files that seeds come from, unpacked on the way.
//!
//! In: a path, or `-` for standard input. Out: a reader of lines; or why there is none, and what to do.
//! May touch: the file, `zip_entry`. Must not touch: what a line means.
//! Invariant: how a file is packed is read off its first bytes, never off its name, so standard input may be packed too.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::zip_entry;

/// Bytes read at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// First bytes of what is not read, what it is, and how to unpack it.
const FOREIGN: [(&[u8], &str, &str); 5] = [
    (b"BZh", "bzip2", "bzip2 -dc"),
    (b"\xfd7zXZ\0", "xz", "xz -dc"),
    (b"7z\xbc\xaf\x27\x1c", "7z", "7z x -so"),
    (b"PK\x05\x06", "an empty zip", "unzip -p"),
    (b"PAR1", "Parquet", "duckdb -csv -c"),
];

/// Opens it and looks at its first bytes, so that what cannot be read says so now.
pub(crate) fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    let bytes: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path)?)
    };
    unpack(BufReader::with_capacity(BUFFER_BYTES, bytes))
}

fn unpack(mut reader: BufReader<Box<dyn Read>>) -> io::Result<Box<dyn BufRead>> {
    let first = reader.fill_buf()?;
    if first.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(buffered(MultiGzDecoder::new(reader))));
    }
    if first.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let decoder = zstd::stream::read::Decoder::with_buffer(reader)?;
        return Ok(Box::new(buffered(decoder)));
    }
    if first.starts_with(zip_entry::MAGIC) {
        return Ok(Box::new(buffered(zip_entry::first(reader)?)));
    }
    let foreign = FOREIGN.iter().find(|(magic, ..)| first.starts_with(magic));
    if let Some((_, name, tool)) = foreign {
        return Err(refusal(format!(
            "it is {name}, which is not read here: `{tool} FILE | orb crawl --seeds - …`"
        )));
    }
    if first.starts_with(&[0xff, 0xfe]) || first.starts_with(&[0xfe, 0xff]) {
        return Err(refusal(
            "it is UTF-16 text: save it as UTF-8, or `iconv -f UTF-16 -t UTF-8 FILE | orb crawl --seeds - …`".to_owned(),
        ));
    }
    Ok(Box::new(reader))
}

fn buffered<R: Read>(reader: R) -> BufReader<R> {
    BufReader::with_capacity(BUFFER_BYTES, reader)
}

pub(crate) fn refusal(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn read(bytes: Vec<u8>) -> io::Result<String> {
        let reader: Box<dyn Read> = Box::new(io::Cursor::new(bytes));
        let mut text = String::new();
        unpack(BufReader::new(reader))?.read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn what_is_packed_is_unpacked_whatever_its_name() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"a.example\n").unwrap();
        assert_eq!(read(gzip.finish().unwrap()).unwrap(), "a.example\n");

        // Two frames one after the other, as `cat a.zst b.zst` makes them.
        let frame = |text: &str| zstd::stream::encode_all(text.as_bytes(), 1).unwrap();
        let frames = [frame("a.example\n"), frame("b.example\n")].concat();
        assert_eq!(read(frames).unwrap(), "a.example\nb.example\n");

        assert_eq!(read(b"PK.example\n".to_vec()).unwrap(), "PK.example\n");
        assert_eq!(read(Vec::new()).unwrap(), "");
    }

    #[test]
    fn what_is_not_read_says_how_to_unpack_it() {
        let check = |bytes: &[u8], part: &str| {
            let message = read(bytes.to_vec()).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        };
        check(b"BZh91AY", "`bzip2 -dc FILE | orb crawl --seeds - …`");
        check(b"\xfd7zXZ\0\0", "it is xz");
        check(b"\xff\xfea\0.\0", "save it as UTF-8");
    }
}
