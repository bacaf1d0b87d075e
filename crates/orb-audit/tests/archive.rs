//! The verdicts on the archive: `one_record_per_fetch`, `digests`, `revisits`.

mod folder;

use folder::{Folder, fails_only, passes};
use orb_audit::{Promise, Report};
use orb_env::Disk;
use orb_warc::Compression;

#[track_caller]
fn records(report: &Report, rule: &str) {
    fails_only(report, Promise::OneRecordPerFetch, rule);
}

fn small() -> Folder {
    let mut folder = Folder::new();
    folder.small_site();
    folder
}

#[test]
fn a_clean_archive_passes_in_every_compression() {
    for compression in [Compression::None, Compression::Gzip] {
        let mut folder = Folder::new();
        folder.compression = compression;
        let [_, first, ..] = folder.small_site();
        folder.drafts[3].refers_to = Some(first);
        folder.drafts[3].body.clear();
        let report = folder.report(true);
        passes(&report);
        let evidence = |promise, name| report.verdict(promise).unwrap().evidence[name];
        assert_eq!(evidence(Promise::OneRecordPerFetch, "responses"), 3);
        assert_eq!(evidence(Promise::Revisits, "revisits"), 1);
        assert_eq!(evidence(Promise::Digests, "blocks"), 13);
    }
}

#[test]
fn a_removed_record_is_noticed() {
    let mut folder = small();
    folder.drafts[2].records = 0;
    records(&folder.report(false), "no_record");
}

#[test]
fn answers_of_statuses_that_are_not_kept_have_no_record() {
    let mut folder = small();
    let draft = &mut folder.drafts[2];
    (draft.records, draft.requests, draft.metadata) = (0, 0, 0);
    draft.row.status = Some(404);
    folder.settings.statuses = vec![2, 304];
    passes(&folder.report(true));
    folder.settings.statuses = vec![2, 404];
    records(&folder.report(false), "no_record");
}

#[test]
fn a_record_written_twice_is_noticed() {
    let mut folder = small();
    folder.drafts[2].records = 2;
    let report = folder.report(true);
    records(&report, "record_id_twice");
    records(&report, "record_twice");
}

#[test]
fn a_fetch_needs_its_request_and_metadata() {
    let mut folder = small();
    folder.drafts[1].requests = 0;
    records(&folder.report(true), "request_record");
    let mut folder = small();
    folder.drafts[1].metadata = 2;
    records(&folder.report(true), "metadata_record");
}

#[test]
fn a_metadata_record_may_say_why_there_is_no_body() {
    let mut folder = small();
    folder.drafts[2].bodiless = true;
    folder.drafts[2].metadata = 0;
    passes(&folder.report(true));
}

#[test]
fn a_record_without_an_attempt_is_noticed() {
    let mut folder = small();
    let stray = folder.page("https://a.example/stray", 5_400, 0, "rules");
    folder.report(false);
    // The same archive with the attempt's row left out.
    let name = folder.segment_name(1);
    let archive = folder.disk.read_all(&folder.dir.warc().join(name)).unwrap();
    let place = folder.row(stray).archive.clone().unwrap();
    let mut folder = small();
    folder.more_archive = archive[place.offset as usize..].to_vec();
    records(&folder.report(false), "no_attempt");
}

#[test]
fn a_row_that_names_another_place_is_noticed() {
    let mut folder = small();
    folder.report(false);
    folder.row(2).archive.as_mut().unwrap().offset += 1;
    records(&folder.report(false), "wrong_place");
}

#[test]
fn a_record_of_another_url_is_noticed() {
    let mut folder = small();
    folder.drafts[2].spoil =
        Some(|text| text.replace("URI: https://a.example/b", "URI: https://a.example/X"));
    records(&folder.report(true), "wrong_url");
}

#[test]
fn attempt_ids_are_unique() {
    let mut folder = small();
    let mut again = folder.row(1).clone();
    (again.start.mono.0, again.end.0) = (9_000_000, 9_100_000);
    folder.more_rows = serde_json::to_string(&again).unwrap() + "\n";
    records(&folder.report(true), "attempt_id_twice");
}

#[test]
fn a_torn_tail_is_noticed() {
    let mut folder = small();
    folder.more_archive = b"WARC/1.1\r\nWARC-Type: resp".to_vec();
    records(&folder.report(false), "torn");
}

#[test]
fn bytes_beyond_the_committed_end_are_noticed() {
    let mut folder = small();
    folder.more_archive = b"WARC/1.1\r\nWARC-Type: resp".to_vec();
    records(&folder.report(true), "uncommitted_bytes");
    // Right after a kill they wait for recovery.
    folder.settings.awaiting_recovery = true;
    passes(&folder.report(true));
    passes(&folder.report(false));
}

#[test]
fn a_segment_above_the_committed_one_is_noticed() {
    let mut folder = small();
    let name = folder.segment_name(2);
    folder
        .disk
        .replace(&folder.dir.warc().join(name), b"")
        .unwrap();
    records(&folder.report(true), "uncommitted_segment");
}

#[test]
fn committed_bytes_that_are_gone_are_noticed() {
    let mut folder = small();
    folder.state.spoil = Some(|state| state.slot().archive.as_mut().unwrap().bytes += 1);
    records(&folder.report(true), "committed_bytes_lost");
}

#[test]
fn a_record_of_an_undone_group_is_noticed() {
    let mut folder = small();
    folder.more_rows = r#"{"v":1,"rolled_back_from":0,"rolled_back_to":9999}"#.to_owned() + "\n";
    records(&folder.report(false), "rolled_back_record");
}

#[test]
fn undone_rows_need_no_record_when_a_mark_tells_of_them() {
    let mut folder = small();
    for draft in &mut folder.drafts {
        (draft.records, draft.requests, draft.metadata) = (0, 0, 0);
    }
    records(&folder.report(false), "no_record");
    folder.more_rows = r#"{"v":1,"rolled_back_from":0,"rolled_back_to":9999}"#.to_owned() + "\n";
    passes(&folder.report(false));
    // A group that no commit row names is not known to be committed.
    folder.more_rows.clear();
    folder.commits.clear();
    passes(&folder.report(false));
}

/// Changes one base32 digit of the payload digest.
fn flip(text: String) -> String {
    let at = text
        .find("WARC-Payload-Digest: sha1:")
        .expect("a response has one")
        + 26;
    let digit = if &text[at..=at] == "A" { "B" } else { "A" };
    format!("{}{digit}{}", &text[..at], &text[at + 1..])
}

#[test]
fn a_flipped_digest_is_noticed() {
    let mut folder = small();
    folder.drafts[2].spoil = Some(flip);
    let report = folder.report(true);
    fails_only(&report, Promise::Digests, "payload_digest");
    fails_only(&report, Promise::Digests, "row_digest");
}

#[test]
fn a_flipped_byte_of_a_body_is_noticed() {
    let mut folder = small();
    folder.drafts[2].spoil = Some(|text| text.replace("page https", "pAge https"));
    let report = folder.report(true);
    fails_only(&report, Promise::Digests, "block_digest");
    fails_only(&report, Promise::Digests, "payload_digest");
}

#[test]
fn a_row_with_another_digest_is_noticed() {
    let mut folder = small();
    folder.row(2).digest = Some(orb_warc::Digest::sha1(b"other").to_string());
    fails_only(&folder.report(true), Promise::Digests, "row_digest");
}

#[test]
fn a_dangling_revisit_is_noticed() {
    let mut folder = small();
    folder.drafts[2].refers_to = Some(3);
    folder.drafts[2].body.clear();
    // What it refers to comes only later.
    fails_only(&folder.report(true), Promise::Revisits, "dangling");
}

#[test]
fn a_revisit_of_another_payload_is_noticed() {
    let mut folder = small();
    folder.drafts[3].refers_to = Some(1);
    fails_only(&folder.report(true), Promise::Revisits, "other_payload");
}

#[test]
fn a_revisit_without_reference_is_noticed() {
    let mut folder = small();
    folder.drafts[3].refers_to = Some(1);
    folder.drafts[3].body.clear();
    folder.drafts[3].spoil = Some(|text| text.replace("WARC-Refers-To: ", "WARC-Refers-No: "));
    fails_only(&folder.report(true), Promise::Revisits, "no_reference");
}

/// The record is in an archive that the settings name: its index tells of that address, second and payload.
#[test]
fn a_revisit_of_an_earlier_archive_is_held_against_its_index() {
    let earlier = |folder: &mut Folder, payload: &str| {
        let row = &folder.drafts[1].row;
        let (url, at) = (row.url.clone(), orb_warc::format_date(row.start.wall.0));
        let time: String = at.chars().filter(char::is_ascii_digit).take(14).collect();
        let key = orb_dataset::cdx_key(&url).unwrap();
        let digest = orb_warc::Digest::sha1(payload.as_bytes());
        let line = format!(
            r#"{key} {time} {{"url":"{url}","mime":"text/html","status":"200","digest":"{digest}"}}"#
        );
        let path = std::path::PathBuf::from("/old.cdxj");
        folder
            .disk
            .replace(&path, format!("{line}\n").as_bytes())
            .unwrap();
        folder.settings.revisits_of = vec![path];
    };
    let mut folder = small();
    folder.drafts[3].refers_to = Some(1);
    folder.drafts[3].body.clear();
    // Another id than any of the slot; the field stays as long.
    folder.drafts[3].spoil = Some(|text| text.replace("WARC-Refers-To: ", "WARC-Refers-No: "));
    let body = String::from_utf8(folder.drafts[1].body.clone()).unwrap();
    earlier(&mut folder, &body);
    let report = folder.report(true);
    passes(&report);
    let evidence = &report.verdict(Promise::Revisits).unwrap().evidence;
    assert_eq!(evidence["revisits_of_earlier_archives"], 1);
    earlier(&mut folder, "another");
    fails_only(&folder.report(false), Promise::Revisits, "dangling");
    folder.settings.revisits_of = vec!["/gone.cdxj".into()];
    let report = folder.report(false);
    let verdict = report.verdict(Promise::Revisits).unwrap();
    assert_eq!(verdict.judgement, orb_audit::Judgement::Unknown);
}
