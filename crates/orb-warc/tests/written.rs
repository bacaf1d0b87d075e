//! What the writer writes, the reader reads: every kind of record, every compression, hostile text in every field.

mod sample;

use orb_warc::{
    Compression, Digest, DigestCheck, Oddity, Reader, Record, RecordId, RecordType, ResponseRecord,
    Truncated, Writer, parse_date,
};
use proptest::prelude::*;
use sample::{DATE_US, HOSTILE, PAGE, Sample, honest, sample};

const ALL: &[Compression] = &[
    Compression::Gzip,
    #[cfg(feature = "zstd")]
    Compression::Zstd,
    Compression::None,
];

fn read(bytes: &[u8]) -> Vec<Record> {
    Reader::new(bytes)
        .map(|record| record.expect("our own archive is sound"))
        .collect()
}

/// Places in the file are those the writer gave, and nothing about our own records is odd.
#[test]
fn records_are_read_where_they_were_written() {
    for &compression in ALL {
        let sample = sample(compression);
        let records = read(&sample.bytes);
        assert_eq!(records.len(), sample.records.len());
        for (record, written) in records.iter().zip(&sample.records) {
            // Uncompressed, the two empty lines belong to the record.
            assert_eq!(
                (record.offset, record.len),
                (written.start as u64, written.len as u64),
                "{compression:?}"
            );
            assert_eq!(record.block_digest(), written.block_digest);
            assert_eq!(
                (record.version.as_str(), &record.oddities[..]),
                ("WARC/1.1", &[][..])
            );
            let verdict = record.verify_digests();
            assert_eq!(verdict.block, DigestCheck::Match);
            assert!(
                matches!(
                    verdict.payload,
                    DigestCheck::Match | DigestCheck::Absent | DigestCheck::Unchecked
                ),
                "{verdict:?}"
            );
        }
    }
}

/// Compression never changes what a record says.
#[test]
fn every_compression_holds_the_same_records() {
    let strip = |compression| {
        let mut records = read(&sample(compression).bytes);
        records
            .iter_mut()
            .for_each(|record| (record.offset, record.len) = (0, 0));
        records
    };
    let plain = strip(Compression::None);
    for &compression in ALL {
        assert!(strip(compression) == plain, "{compression:?}");
    }
}

/// Any record can be read by itself, from its place.
#[test]
fn a_record_can_be_read_from_its_place() {
    for &compression in ALL {
        let sample = honest(compression);
        for (written, expected) in sample.records.iter().zip(read(&sample.bytes)) {
            let part = &sample.bytes[written.start..written.start + written.len];
            let mut reader = Reader::new(part).starting_at(written.start as u64);
            assert_eq!(reader.next_record().unwrap().unwrap(), expected);
            assert!(reader.next_record().unwrap().is_none());
        }
    }
}

/// warc-zstd 1.0: the dictionary stands at the file's beginning, every frame names it, and a record is read from its place
/// with it.
#[cfg(feature = "zstd")]
#[test]
fn a_file_with_a_dictionary_holds_the_same_records() {
    let (dictionary, dense) = sample::dense();
    let mut records = read(&dense.bytes);
    let plain = read(&sample(Compression::None).bytes);
    assert_eq!(records.len(), plain.len());
    for (record, written) in records.iter().zip(&dense.records).skip(1) {
        let (start, len) = (written.start, written.len);
        assert_eq!((record.offset, record.len), (start as u64, len as u64));
        let part = &dense.bytes[start..start + len];
        // Frame_Header_Descriptor (RFC 8878, 3.1.1.1.1): checksum, four bytes of dictionary id; the size is there too.
        assert_eq!(part[4] & 0b0000_0111, 0b0000_0111, "{record:?}");
        assert!(part[4] & 0b1110_0000 != 0, "{record:?}");
        let alone = |dictionary| {
            let reader = Reader::with_compression(part, Compression::Zstd);
            let mut reader = reader.starting_at(start as u64).with_dictionary(dictionary);
            reader.next_record()
        };
        assert_eq!(alone(Some(dictionary.clone())).unwrap().unwrap(), *record);
        assert!(alone(None).is_err());
    }
    for (record, plain) in records.iter_mut().zip(&plain) {
        (record.offset, record.len) = (plain.offset, plain.len);
        assert_eq!(record, plain);
    }
    let without = sample(Compression::Zstd);
    assert!(dense.bytes.len() - dictionary.frame().len() < without.bytes.len() * 2 / 3);
}

/// Fault D12: text from outside adds no record and no field, and reaches no other line.
#[test]
fn hostile_text_stays_in_its_field() {
    let start = honest(Compression::None).records.len();
    let mut calm = Sample::new(Compression::None);
    calm.hostile("x");
    let harmless = field_names(&read(&calm.bytes));
    for &compression in ALL {
        let records = read(&sample(compression).bytes);
        assert_eq!(records.len(), start + 4 * HOSTILE.len());
        for (records, text) in records[start..].chunks(4).zip(HOSTILE) {
            assert_eq!(field_names(records), harmless, "{text:?}");
            for record in records {
                for (_, value) in record.fields.iter() {
                    assert!(
                        value.bytes().all(|b| (0x20..0x7f).contains(&b)),
                        "{value:?}"
                    );
                }
            }
            assert_eq!(records[1].http_payload().unwrap(), text.as_bytes());
            let (info, odd) = records[0].block_fields();
            assert_eq!((info.len(), odd.len()), (2, 0), "{text:?}");
            let (metadata, odd) = records[3].block_fields();
            assert_eq!((metadata.len(), odd.len()), (3, 0), "{text:?}");
            assert_eq!(metadata.get("via"), metadata.get("title"));
        }
    }
}

fn field_names(records: &[Record]) -> Vec<Vec<String>> {
    records
        .iter()
        .map(|record| {
            record
                .fields
                .iter()
                .map(|(name, _)| name.to_owned())
                .collect()
        })
        .collect()
}

#[test]
fn every_kind_of_record_keeps_its_facts() {
    let records = read(&honest(Compression::Gzip).bytes);
    let kinds = |kind| {
        records
            .iter()
            .filter(move |record| record.record_type() == kind)
    };
    assert_eq!(kinds(RecordType::Warcinfo).count(), 1);
    assert_eq!(
        records[0].fields.get("WARC-Filename"),
        Some("sample.warc.gz")
    );
    assert_eq!(
        records[0].block_fields().0.get("software"),
        Some("orb/0.1.0")
    );

    let response = &records[1];
    assert_eq!(response.target_uri(), Some("http://a.example/"));
    assert_eq!(response.date_us(), Some(DATE_US));
    assert_eq!(response.fields.get("WARC-IP-Address"), Some("192.0.2.7"));
    assert_eq!(
        response.fields.get_all("WARC-Protocol").collect::<Vec<_>>(),
        ["http/1.1", "tls/1.3"]
    );
    assert_eq!(
        response.fields.get("WARC-Cipher-Suite"),
        Some("TLS_AES_128_GCM_SHA256")
    );
    assert_eq!(records[2].id_of("WARC-Concurrent-To"), response.id());
    assert_eq!(records[2].record_type(), RecordType::Request);

    let truncated: Vec<_> = kinds(RecordType::Response)
        .filter_map(Record::truncated)
        .collect();
    assert_eq!(
        truncated,
        [
            Truncated::Length,
            Truncated::Time,
            Truncated::Disconnect,
            Truncated::Unspecified
        ]
    );
    let metadata = kinds(RecordType::Metadata).next().unwrap().block_fields().0;
    assert_eq!(metadata.get_all("outlink").count(), 2);
}

/// WARC 1.1, 6.7.2: an identical-payload revisit names the record, its URI, its date and the digest.
#[test]
fn revisits_point_at_their_original() {
    let records = read(&honest(Compression::Gzip).bytes);
    let revisits: Vec<_> = records
        .iter()
        .filter(|record| record.record_type() == RecordType::Revisit)
        .collect();
    for revisit in &revisits {
        assert_eq!(revisit.id_of("WARC-Refers-To"), records[1].id());
        assert_eq!(
            revisit.fields.get("WARC-Refers-To-Target-URI"),
            records[1].target_uri()
        );
        assert_eq!(
            revisit.fields.get("WARC-Refers-To-Date"),
            records[1].fields.get("WARC-Date")
        );
        assert_eq!(revisit.http_payload().unwrap().len(), 0);
    }
    let profile = |at: usize| revisits[at].fields.get("WARC-Profile").unwrap();
    assert_eq!(
        profile(0),
        "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
    );
    assert_eq!(
        profile(1),
        "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
    );
    assert_eq!(
        (revisits[0].payload_digest(), revisits[1].payload_digest()),
        (Some(Digest::sha1(PAGE)), None)
    );
}

/// A chunked response keeps its bytes; its payload digest does not depend on the chunk sizes.
#[test]
fn chunked_responses_are_kept_as_received() {
    let records = read(&honest(Compression::Gzip).bytes);
    let chunked = &records[3];
    assert!(chunked.block.windows(4).any(|w| w == b"\r\n39"));
    assert_eq!(chunked.http_payload().unwrap(), PAGE);
    assert_eq!(chunked.payload_digest(), Some(Digest::sha1(PAGE)));
    assert_eq!(chunked.payload_digest(), records[1].payload_digest());
}

/// What came compressed is stored: the body stands in the file as it is, and costs no more than its frame.
#[test]
fn compressed_bodies_are_stored() {
    let body: Vec<u8> = (0..100_000u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 9) as u8)
        .collect();
    let write = |content_encoded| {
        let mut out = Vec::new();
        Writer::new(Compression::Gzip).response(
            &mut out,
            &response(&[b"HTTP/1.1 200 OK\r\n\r\n", &body], content_encoded),
        );
        out
    };
    let (stored, deflated) = (write(true), write(false));
    assert!(stored.windows(50_000).any(|w| w == &body[..50_000]));
    assert!(
        !deflated.windows(50_000).any(|w| w == &body[..50_000]) || deflated.len() < stored.len()
    );
    let strip = |bytes: &[u8]| Record {
        len: 0,
        ..read(bytes).remove(0)
    };
    assert_eq!(strip(&stored), strip(&deflated));
}

/// Text bodies shrink.
#[test]
fn text_bodies_are_deflated() {
    let body = PAGE.repeat(500);
    let mut out = Vec::new();
    let written = Writer::new(Compression::Gzip).response(&mut out, &response(&[&body], false));
    assert!(
        written.len < body.len() / 10,
        "{} of {}",
        written.len,
        body.len()
    );
}

fn response<'a>(block: &'a [&'a [u8]], content_encoded: bool) -> ResponseRecord<'a> {
    ResponseRecord {
        id: RecordId::from_random([9; 16]),
        date_us: DATE_US,
        target_uri: "http://a.example/",
        ip: None,
        block,
        payload_digest: None,
        truncated: None,
        content_encoded,
        protocol: &[],
        cipher: None,
        warcinfo_id: None,
        concurrent_to: None,
    }
}

proptest! {
    /// Any bytes in any parts, any text in any field: one record, the same block, the same number of fields.
    #[test]
    fn any_response_survives(
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3_000), 0..4),
        uri: String, protocol: String, content_encoded: bool, date_us in -10_000_000_000_000_000..200_000_000_000_000_000i64, random: [u8; 16],
        which in 0..ALL.len(),
    ) {
        let block: Vec<&[u8]> = parts.iter().map(|part| &part[..]).collect();
        let id = RecordId::from_random(random);
        let record = ResponseRecord { id, date_us, target_uri: &uri, protocol: &[&protocol], ..response(&block, content_encoded) };
        let mut out = b"earlier".to_vec();
        let written = Writer::new(ALL[which]).response(&mut out, &record);
        prop_assert_eq!((written.start, written.start + written.len), (7, out.len()));
        let records = read(&out[7..]);
        prop_assert_eq!(records.len(), 1);
        prop_assert_eq!(&records[0].block, &parts.concat());
        prop_assert_eq!(records[0].id(), Some(id));
        prop_assert_eq!(records[0].date_us(), Some(date_us));
        prop_assert_eq!(records[0].fields.get("WARC-Date").and_then(parse_date), Some(date_us));
        prop_assert_eq!(records[0].fields.len(), 8);
        prop_assert_eq!(&records[0].oddities, &Vec::<Oddity>::new());
    }

    /// Metadata of readable text comes back word for word.
    #[test]
    fn readable_metadata_survives(title in "[a-zA-Z0-9äöü日本:%/?=&.-]{0,200}", count in 0..50usize) {
        let mut out = Vec::new();
        let fields = vec![("title", title.as_str()); count];
        Writer::new(Compression::Gzip).warcinfo(&mut out, RecordId::from_random([0; 16]), 0, "f", &fields);
        let (found, odd) = read(&out)[0].block_fields();
        prop_assert_eq!(found.iter().collect::<Vec<_>>(), fields);
        prop_assert!(odd.is_empty());
    }
}
