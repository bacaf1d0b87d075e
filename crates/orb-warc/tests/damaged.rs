//! What is not as it should be: torn tails, flipped bits, foreign habits. The reader says where and goes on.

mod sample;

use orb_warc::{Compression, Oddity, ReadError, Reader, Record};
use proptest::prelude::*;
use sample::{Sample, honest, sample};

const MEMBERS: &[Compression] = &[
    Compression::Gzip,
    #[cfg(feature = "zstd")]
    Compression::Zstd,
];

/// Records read, and errors as text, in order.
/// A reader that does not advance fails here rather than filling the memory.
fn read(bytes: &[u8], compression: Compression) -> (Vec<Record>, Vec<String>) {
    let (mut records, mut errors) = (Vec::new(), Vec::new());
    for found in Reader::with_compression(bytes, compression).take(5_000) {
        match found {
            Ok(record) => records.push(record),
            Err(error) => errors.push(error.to_string()),
        }
    }
    (records, errors)
}

fn torn_at(offset: usize) -> Vec<String> {
    vec![format!("the archive is torn at byte {offset}")]
}

/// A crash in the middle of a member: every earlier record is read, and the place to cut is exact, wherever the crash came.
#[test]
fn a_torn_tail_is_reported_with_its_place() {
    for &compression in MEMBERS {
        let Sample { bytes, records, .. } = honest(compression);
        let last = records[records.len() - 1];
        for cut in last.start + 1..last.start + last.len {
            let (found, errors) = read(&bytes[..cut], compression);
            assert_eq!(
                (found.len(), errors),
                (records.len() - 1, torn_at(last.start)),
                "{compression:?} {cut}"
            );
        }
        let (found, errors) = read(&bytes[..last.start], compression);
        assert_eq!((found.len(), errors.len()), (records.len() - 1, 0));
    }
}

/// Without compression only the end of the record tells; a record that lacks its empty lines has lost nothing, but is odd.
#[test]
fn a_torn_plain_tail_is_reported_too() {
    let Sample { bytes, records, .. } = honest(Compression::None);
    let last = records[records.len() - 1];
    for cut in last.start + 1..last.start + last.len {
        let (found, errors) = read(&bytes[..cut], Compression::None);
        if cut < last.start + last.len - 4 {
            assert_eq!(
                (found.len(), errors),
                (records.len() - 1, torn_at(last.start)),
                "{cut}"
            );
        } else {
            assert_eq!((found.len(), errors.len()), (records.len(), 0), "{cut}");
            assert_eq!(
                found[records.len() - 1].oddities,
                [Oddity::RecordEnd],
                "{cut}"
            );
        }
    }
}

/// A power cut leaves zeros where data was not written.
#[test]
fn a_tail_of_zeros_is_torn() {
    for &compression in &[MEMBERS, &[Compression::None]].concat() {
        let Sample {
            mut bytes, records, ..
        } = honest(compression);
        let end = bytes.len();
        bytes.extend_from_slice(&[0; 5_000]);
        assert_eq!(read(&bytes, compression).1, torn_at(end));
        let last = records[records.len() - 1];
        bytes[last.start..].fill(0);
        let (found, errors) = read(&bytes, compression);
        assert_eq!(
            (found.len(), errors),
            (records.len() - 1, torn_at(last.start))
        );
    }
}

/// One bad record in the middle costs that record, not the rest.
#[test]
fn reading_goes_on_after_damage() {
    for &compression in MEMBERS {
        let Sample { bytes, records, .. } = honest(compression);
        for (at, written) in records.iter().enumerate().take(records.len() - 1) {
            let mut damaged = bytes.clone();
            damaged[written.start + written.len / 2] ^= 0x55;
            let (found, errors) = read(&damaged, compression);
            assert_eq!(
                found.len(),
                records.len() - 1,
                "{compression:?} record {at}: {errors:?}"
            );
            assert_eq!(errors.len(), 1);
            let range = format!(
                "bytes {} to {} are no record: ",
                written.start,
                written.start + written.len
            );
            assert!(errors[0].starts_with(&range), "{} {range}", errors[0]);
        }
    }
}

/// A plain file goes on at the next line that begins a record.
#[test]
fn plain_garbage_is_stepped_over() {
    let Sample { bytes, records, .. } = honest(Compression::None);
    let garbage = [&b"ab\nWA garbage\r\n"[..], &bytes].concat();
    let (found, errors) = read(&garbage, Compression::None);
    assert_eq!(found.len(), records.len());
    assert_eq!(
        errors,
        ["bytes 0 to 15 are no record: it does not begin with a version line"]
    );
    assert_eq!(found[0].offset, 15);
    for bad in [
        "",
        "Content-Length: -1\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 99999999999999999999\r\n",
    ] {
        let file = [
            format!("WARC/1.1\r\n{bad}\r\nblock\r\n\r\n").as_bytes(),
            &bytes,
        ]
        .concat();
        let (found, errors) = read(&file, Compression::None);
        assert_eq!((found.len(), errors.len()), (records.len(), 1), "{bad}");
        assert!(errors[0].ends_with("its length is missing or no number"));
    }
}

fn plain(text: &str, expected: &[Oddity]) -> Record {
    let record = Reader::new(text.as_bytes())
        .next_record()
        .expect("it is readable")
        .expect("it is there");
    assert_eq!(record.oddities, expected, "{text:?}");
    record
}

#[test]
fn foreign_habits_are_read_and_reported() {
    let record = plain(
        "WARC/1.0\nWARC-Type: resource\nContent-Length: 2\n\nab\n\n",
        &[Oddity::LineEnd, Oddity::RecordEnd],
    );
    assert_eq!(
        (record.version.as_str(), &record.block[..]),
        ("WARC/1.0", &b"ab"[..])
    );
    plain(
        "WARC/0.18\r\nContent-Length: 0\r\n\r\n\r\n\r\n",
        &[Oddity::Version],
    );
    plain(
        "WARC/1.1\r\nContent-Length: 0\r\n\r\n\r\n\r\n\r\n\r\n",
        &[Oddity::RecordEnd],
    );
    let record = plain(
        "WARC/1.1\r\nContent-Length: 1\r\ncontent-length: 2\r\n\r\na\r\n\r\n",
        &[Oddity::LengthRepeated],
    );
    assert_eq!(record.block, b"a");
    plain(
        "WARC/1.1\r\nX: a\r\n b\r\nnone\r\nContent-Length: 0\r\n\r\n\r\n\r\n",
        &[Oddity::FoldedLine, Oddity::NoColon],
    );
}

/// A length that is too small leaves text behind; what follows it is found.
#[test]
fn a_short_length_costs_only_the_rest() {
    let text = "WARC/1.1\r\nContent-Length: 2\r\n\r\nabcdef\r\n\r\nWARC/1.1\r\nContent-Length: 1\r\n\r\nx\r\n\r\n";
    let (found, errors) = read(text.as_bytes(), Compression::None);
    assert_eq!(
        found.iter().map(|r| &r.block[..]).collect::<Vec<_>>(),
        [&b"ab"[..], b"x"]
    );
    assert_eq!(
        (found[0].oddities.as_slice(), errors.len()),
        (&[Oddity::RecordEnd][..], 1)
    );
}

/// A length that is too large is seen where the next member begins a record, and costs nothing more.
#[test]
fn a_long_length_is_stopped_by_the_next_member() {
    let short = gzip(b"WARC/1.1\r\nContent-Length: 99\r\n\r\nabc\r\n\r\n");
    let good = gzip(b"WARC/1.1\r\nContent-Length: 1\r\n\r\nx\r\n\r\n");
    let file = [&good[..], &short, &good].concat();
    let (found, errors) = read(&file, Compression::Gzip);
    assert_eq!(found.len(), 2);
    let (from, to) = (good.len(), good.len() + short.len());
    assert_eq!(
        errors,
        [format!(
            "bytes {from} to {to} are no record: its block is shorter than its length"
        )]
    );
}

/// A member whose text is no record is left out; nothing inside it passes for one.
#[test]
fn a_member_without_a_record_is_left_out() {
    let inner = gzip(b"WARC/1.1\r\nContent-Length: 1\r\n\r\nx\r\n\r\n");
    let decoy = gzip([b"no record\r\n\r\n", &inner[..]].concat());
    let (found, errors) = read(&[&inner[..], &decoy, &inner].concat(), Compression::Gzip);
    assert_eq!((found.len(), errors.len()), (2, 1));
    assert_eq!(
        read(&[&inner[..], &decoy].concat(), Compression::Gzip).1,
        torn_at(inner.len())
    );
}

/// One member around a whole file, as `gzip file.warc` makes it: read, but without places.
#[test]
fn one_member_for_all_is_read() {
    let Sample { bytes, records, .. } = honest(Compression::None);
    let (found, errors) = read(&gzip(&bytes), Compression::Gzip);
    assert_eq!((found.len(), errors.len()), (records.len(), 0));
    assert!(
        found
            .iter()
            .all(|record| (record.offset, record.len) == (0, 0)
                && record.oddities == [Oddity::SharedMember])
    );
}

/// Members that end anywhere, as block compressors make them.
#[test]
fn records_across_members_are_read() {
    let Sample { bytes, records, .. } = honest(Compression::None);
    for size in [100, 1_000, 70_000] {
        let members: Vec<u8> = bytes.chunks(size).flat_map(gzip).collect();
        let (found, errors) = read(&members, Compression::Gzip);
        assert_eq!(
            (found.len(), errors.len()),
            (records.len(), 0),
            "{size}: {errors:?}"
        );
        assert!(
            found
                .iter()
                .any(|record| record.oddities.contains(&Oddity::SplitMember) || size > 1_000)
        );
    }
}

/// A dictionary frame and other frames without data are stepped over.
#[cfg(feature = "zstd")]
#[test]
fn skippable_frames_are_stepped_over() {
    let Sample { bytes, records, .. } = honest(Compression::Zstd);
    let file = [&b"\x5d\x2a\x4d\x18\x03\0\0\0abc"[..], &bytes].concat();
    let (found, errors) = read(&file, Compression::Zstd);
    assert_eq!((found.len(), errors.len()), (records.len(), 0));
    assert_eq!(Reader::new(&file[..]).count(), records.len());
    let cut = [&bytes[..], b"\x5d\x2a\x4d\x18\x03\0\0\0a"].concat();
    assert_eq!(read(&cut, Compression::Zstd).1, torn_at(bytes.len()));
}

/// Damage inside a file with a dictionary is named, and what follows is found with that dictionary.
#[cfg(feature = "zstd")]
#[test]
fn reading_goes_on_behind_damage_in_a_file_with_a_dictionary() {
    let (_, sample) = sample::dense();
    let hit = sample.records[3];
    let mut file = sample.bytes.clone();
    file[hit.start + 20..hit.start + 30].fill(0xff);
    let (found, errors) = read(&file, Compression::Zstd);
    assert_eq!((found.len(), errors.len()), (sample.records.len() - 1, 1));
    let (range, next) = (hit.start, hit.start + hit.len);
    assert!(
        errors[0].starts_with(&format!("bytes {range} to {next} are no record")),
        "{errors:?}"
    );
}

/// A frame that wants more memory than is given to one is told apart from damage: its file is sound.
#[cfg(feature = "zstd")]
#[test]
fn a_window_that_is_too_large_is_named_as_such() {
    let record = "WARC/1.1\r\nWARC-Type: resource\r\nContent-Length: 1\r\n\r\nx\r\n\r\n";
    let read = |log| {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(log).unwrap();
        std::io::Write::write_all(&mut encoder, record.as_bytes()).unwrap();
        let file = encoder.finish().unwrap();
        Reader::with_compression(&file[..], Compression::Zstd).next_record()
    };
    assert_eq!(read(24).unwrap().unwrap().block, b"x");
    let Err(orb_warc::ReadError::Io { source, .. }) = read(25) else {
        panic!("a frame of 32 MiB was read, or taken for damage");
    };
    assert!(
        source.to_string().contains("window is too large"),
        "{source}"
    );
}

/// A block beyond the limit is stepped over, not held: here 3 GB of zeros.
#[test]
fn huge_blocks_are_not_held() {
    let length = 3_000_000_000u64;
    let mut file = std::io::Read::chain(
        std::io::Cursor::new(format!("WARC/1.1\r\nContent-Length: {length}\r\n\r\n").into_bytes()),
        std::io::Read::chain(
            std::io::Read::take(std::io::repeat(0), length),
            &b"\r\n\r\nWARC/1.1\r\nContent-Length: 0\r\n\r\n\r\n\r\n"[..],
        ),
    );
    let mut reader = Reader::with_compression(&mut file, Compression::None).block_bytes_max(1_000);
    let record = reader.next_record().unwrap().unwrap();
    assert_eq!(
        (record.block.len(), record.block_len, &record.oddities[..]),
        (1_000, length, &[Oddity::BlockCut][..])
    );
    assert_eq!(reader.next_record().unwrap().unwrap().block_len, 0);
    assert!(reader.next_record().unwrap().is_none());
}

/// An input that fails ends reading once, with its cause.
#[test]
fn a_failing_input_is_an_error() {
    struct Failing;
    impl std::io::Read for Failing {
        fn read(&mut self, _buffer: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("no more disk"))
        }
    }
    let Sample { bytes, records, .. } = honest(Compression::Gzip);
    let mut reader = Reader::new(std::io::Read::chain(&bytes[..], Failing));
    for _ in 0..records.len() {
        assert!(reader.next_record().unwrap().is_some());
    }
    let error = reader.next_record().unwrap_err();
    assert!(matches!(error, ReadError::Io { offset, .. } if offset == bytes.len() as u64));
    assert!(reader.next_record().unwrap().is_none());
}

fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut member = Vec::new();
    let mut encoder = flate2::read::GzEncoder::new(bytes.as_ref(), flate2::Compression::new(1));
    std::io::Read::read_to_end(&mut encoder, &mut member).expect("memory does not fail");
    member
}

proptest! {
    /// No file makes the reader panic or go on for ever, and its places only grow.
    #[test]
    fn no_bytes_panic(
        which in 0..3usize, flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut: prop::sample::Index, again: prop::sample::Index,
    ) {
        let compression = [Compression::None, MEMBERS[0], MEMBERS[MEMBERS.len() - 1]][which];
        let mut bytes = honest(compression).bytes;
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(cut.index(bytes.len()));
        let part = again.index(bytes.len() + 1);
        let twice = [&bytes[part..], &bytes].concat();
        let mut last = None;
        for found in Reader::with_compression(&twice[..], compression) {
            let offset = match found {
                Ok(record) => {
                    record.verify_digests();
                    record.http_payload();
                    prop_assert!(record.offset + record.len <= twice.len() as u64);
                    record.offset
                }
                Err(ReadError::Damaged { offset, resume, .. }) => {
                    prop_assert!(offset < resume);
                    offset
                }
                Err(ReadError::Torn { offset } | ReadError::Io { offset, .. }) => offset,
                Err(_) => 0,
            };
            prop_assert!(last <= Some(offset));
            last = Some(offset);
        }
    }

    #[test]
    fn noise_ends(bytes: Vec<u8>) {
        Reader::new(&bytes[..]).for_each(drop);
        Reader::with_compression(&bytes[..], Compression::Gzip).for_each(drop);
    }
}

/// The hostile sample, torn anywhere, never yields a record that was not written.
#[test]
fn torn_hostile_archives_invent_nothing() {
    let Sample { bytes, records, .. } = sample(Compression::Gzip);
    for cut in (0..bytes.len()).step_by(1_999) {
        let whole = records
            .iter()
            .take_while(|written| written.start + written.len <= cut)
            .count();
        let (found, _) = read(&bytes[..cut], Compression::Gzip);
        assert_eq!(found.len(), whole, "{cut}");
    }
}
