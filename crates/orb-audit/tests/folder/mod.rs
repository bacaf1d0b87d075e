//! Small crawl folders in memory, made exchange by exchange, so that a test can spoil exactly one thing.
//!
//! In: what was fetched when. Out: the folder, its state, and the report on it.
//! May touch: a memory disk. Invariant: what a test does not spoil is as the crawl writes it.

#![allow(dead_code)] // each test file uses its part
#![allow(clippy::unwrap_used)] // what cannot be made is a mistake in a test

mod state;

use std::path::PathBuf;

pub(crate) use state::FakeState;

use orb_api::{
    ArchivePlace, AttemptKind, AttemptRow, CommitRow, CrawlDir, Outcome, Reason, RobotsInForce,
};
use orb_audit::{AuditSettings, Judgement, Promise, Report, StateReader, audit};
use orb_env::{BootId, Disk, MemoryDisk, Mono, Stamp, Wall};
use orb_gate::PolitenessConfig;
use orb_shard::SlotId;
use orb_url::CrawlUrl;
use orb_warc::{
    Compression, Digest, MetadataRecord, RecordId, Referred, RequestRecord, ResponseRecord,
    RevisitProfile, RevisitRecord, Truncated, Writer, segment_name,
};

/// Wall time at mono zero of the first boot.
pub(crate) const WALL: i64 = 1_795_331_400_000_000;
const SEGMENT: u32 = 1;

/// One exchange before it is written.
pub(crate) struct Draft {
    pub(crate) row: AttemptRow,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// The exchange whose record this one revisits.
    pub(crate) refers_to: Option<usize>,
    /// How often the response or revisit record is written.
    pub(crate) records: usize,
    pub(crate) requests: usize,
    pub(crate) metadata: usize,
    /// Changes the text of the written response or revisit record; lengths must stay.
    pub(crate) spoil: Option<fn(String) -> String>,
    pub(crate) truncated: Option<Truncated>,
    /// Whether a metadata record with a reason stands in place of the response.
    pub(crate) bodiless: bool,
}

/// A crawl of one slot.
pub(crate) struct Folder {
    pub(crate) disk: MemoryDisk,
    pub(crate) dir: CrawlDir,
    pub(crate) settings: AuditSettings,
    pub(crate) compression: Compression,
    pub(crate) drafts: Vec<Draft>,
    pub(crate) state: FakeState,
    pub(crate) identity: String,
    /// Lines after the attempt rows.
    pub(crate) more_rows: String,
    /// Bytes after the segment.
    pub(crate) more_archive: Vec<u8>,
    pub(crate) commits: Vec<u64>,
}

impl Folder {
    pub(crate) fn new() -> Folder {
        Folder {
            disk: MemoryDisk::new(),
            dir: CrawlDir::new("/crawl"),
            settings: AuditSettings::of("orbweaver", PolitenessConfig::default()),
            compression: Compression::None,
            drafts: Vec::new(),
            state: FakeState::default(),
            identity: r#"{"format":1}"#.to_owned(),
            more_rows: String::new(),
            more_archive: Vec::new(),
            commits: vec![1],
        }
    }

    /// An exchange of 100 ms that begins at `at_ms`; returns its number.
    fn exchange(
        &mut self,
        kind: AttemptKind,
        url: &str,
        at_ms: u64,
        status: u16,
        body: &str,
    ) -> usize {
        let number = self.drafts.len();
        let parsed = CrawlUrl::parse(url).unwrap();
        let id = RecordId::from_random([number as u8 + 1; 16]);
        let (start, end) = (at_ms * 1_000, (at_ms + 100) * 1_000);
        let row = AttemptRow {
            v: 1,
            id: hex(id),
            kind,
            url: parsed.as_str().to_owned(),
            site: parsed.site().as_str().to_owned(),
            address: "192.0.2.1".to_owned(),
            group: None,
            start: Stamp {
                boot: BootId([1; 16]),
                mono: Mono(start),
                wall: Wall(WALL + start as i64),
            },
            end: Mono(end),
            end_wall: Wall(WALL + end as i64),
            site_delay_us: 1_000_000,
            address_delay_us: 500_000,
            origin: None,
            robots: None,
            status: Some(status),
            outcome: Outcome::Captured,
            reason: Reason::None,
            error: None,
            retry_after_us: None,
            digest: None,
            archive: None,
            text: None,
            timings: None,
            commit: 1,
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.drafts.push(Draft {
            row,
            head,
            body: body.as_bytes().to_vec(),
            refers_to: None,
            records: 1,
            requests: 1,
            metadata: 1,
            spoil: None,
            truncated: None,
            bodiless: false,
        });
        number
    }

    /// The answer to `/robots.txt` of an origin, asked for at `url`.
    pub(crate) fn robots_at(
        &mut self,
        origin: &str,
        url: &str,
        at_ms: u64,
        status: u16,
        body: &str,
    ) -> usize {
        let number = self.exchange(AttemptKind::Robots, url, at_ms, status, body);
        self.drafts[number].row.origin = Some(origin.to_owned());
        number
    }

    pub(crate) fn robots(&mut self, origin: &str, at_ms: u64, status: u16, body: &str) -> usize {
        self.robots_at(origin, &format!("{origin}/robots.txt"), at_ms, status, body)
    }

    /// A page, judged by the answer of exchange `by`.
    pub(crate) fn page(&mut self, url: &str, at_ms: u64, by: usize, standing: &str) -> usize {
        let number = self.exchange(AttemptKind::Page, url, at_ms, 200, &format!("page {url}"));
        let attempt = self.drafts[by].row.id.clone();
        self.row(number).robots = Some(RobotsInForce {
            attempt,
            standing: standing.to_owned(),
            line: None,
        });
        number
    }

    pub(crate) fn row(&mut self, number: usize) -> &mut AttemptRow {
        &mut self.drafts[number].row
    }

    /// Sends an exchange to another address.
    pub(crate) fn at_address(&mut self, number: usize, address: &str) {
        self.row(number).address = address.to_owned();
    }

    /// Puts an exchange on another boot, `seconds` after its monotonic time by the wall clock.
    pub(crate) fn on_boot(&mut self, number: usize, boot: u8, seconds: i64) {
        let row = self.row(number);
        row.start.boot = BootId([boot; 16]);
        row.start.wall.0 += seconds * 1_000_000;
        row.end_wall.0 += seconds * 1_000_000;
    }

    /// A robots.txt and three pages of one site, as polite as can be; returns the numbers.
    pub(crate) fn small_site(&mut self) -> [usize; 4] {
        let robots = self.robots(
            "https://a.example",
            1_000,
            200,
            "User-agent: *\nDisallow: /private\n",
        );
        let first = self.page("https://a.example/", 2_100, robots, "rules");
        let second = self.page("https://a.example/b", 3_200, robots, "rules");
        let third = self.page("https://a.example/c?d", 4_300, robots, "rules");
        [robots, first, second, third]
    }

    /// Writes everything and returns the report; `state` says whether the audit may see it.
    pub(crate) fn report(&mut self, state: bool) -> Report {
        let segment = self.write_archive();
        let mut rows = String::new();
        for draft in &self.drafts {
            rows.push_str(&serde_json::to_string(&draft.row).unwrap());
            rows.push('\n');
        }
        self.state.fill(&self.drafts, rows.len(), segment);
        rows.push_str(&self.more_rows);
        self.put(self.dir.attempts_of(SlotId(0)), rows.as_bytes());
        let commits: String = self
            .commits
            .iter()
            .map(|&group| CommitRow {
                v: 1,
                group,
                attempts: 1,
                at: Wall(WALL),
            })
            .map(|row| serde_json::to_string(&row).unwrap() + "\n")
            .collect();
        self.put(self.dir.commits_of(SlotId(0)), commits.as_bytes());
        if !self.identity.is_empty() {
            self.put(self.dir.identity(), self.identity.as_bytes());
        }
        let mut stages = Vec::new();
        let reader: Option<&dyn StateReader> = if state { Some(&self.state) } else { None };
        let report = audit(&self.disk, &self.dir, &self.settings, reader, &mut |now| {
            stages.push(now.stage)
        });
        stages.dedup();
        assert_eq!(stages, ["rows", "archive", "robots", "books"]);
        report.unwrap()
    }

    fn put(&self, path: PathBuf, bytes: &[u8]) {
        self.disk.replace(&path, bytes).unwrap();
    }

    pub(crate) fn segment_name(&self, serial: u32) -> String {
        segment_name("ORB", WALL, serial, 0, self.compression)
    }

    /// Writes the segment, and into the rows where their records are. Returns its bytes.
    fn write_archive(&mut self) -> u64 {
        let name = self.segment_name(SEGMENT);
        let mut file = Vec::new();
        let mut writer = Writer::new(self.compression);
        writer.warcinfo(
            &mut file,
            RecordId::from_random([250; 16]),
            WALL,
            &name,
            &[("software", "orb")],
        );
        for number in 0..self.drafts.len() {
            let payload = self.payload_of(number);
            let start = file.len();
            for copy in 0..self.drafts[number].records {
                self.write_record(&mut writer, &mut file, number, payload);
                if copy == 0 && self.drafts[number].row.archive.is_none() {
                    let bytes = (file.len() - start) as u64;
                    let place = ArchivePlace {
                        file: name.clone(),
                        offset: start as u64,
                        bytes,
                    };
                    self.drafts[number].row.archive = Some(place);
                }
            }
            self.write_companions(&mut writer, &mut file, number);
            let row = &mut self.drafts[number].row;
            row.digest.get_or_insert(payload.to_string());
        }
        let committed = file.len() as u64;
        file.extend_from_slice(&self.more_archive);
        self.put(self.dir.warc().join(name), &file);
        committed
    }

    fn payload_of(&self, number: usize) -> Digest {
        let own = &self.drafts[number];
        match own.refers_to.filter(|_| own.body.is_empty()) {
            Some(other) => Digest::sha1(&self.drafts[other].body),
            None => Digest::sha1(&own.body),
        }
    }

    fn write_record(
        &self,
        writer: &mut Writer,
        file: &mut Vec<u8>,
        number: usize,
        payload: Digest,
    ) {
        let draft = &self.drafts[number];
        let (start, id, target_uri) = (file.len(), record_id(&draft.row), draft.row.url.as_str());
        let date_us = draft.row.start.wall.0;
        if draft.bodiless {
            let fields: &[_] = &[("bodyAbsent", "noarchive")];
            let warcinfo_id = None;
            writer.metadata(
                file,
                &MetadataRecord {
                    id,
                    date_us,
                    target_uri,
                    fields,
                    warcinfo_id,
                    concurrent_to: None,
                },
            );
        } else if let Some(other) = draft.refers_to {
            let row = &self.drafts[other].row;
            let refers_to = Some(Referred {
                id: Some(record_id(row)),
                target_uri: &row.url,
                date_us: row.start.wall.0,
            });
            writer.revisit(
                file,
                &RevisitRecord {
                    id,
                    date_us,
                    target_uri,
                    ip: None,
                    block: &[draft.head.as_bytes()],
                    profile: RevisitProfile::IdenticalPayloadDigest(payload),
                    refers_to,
                    protocol: &[],
                    cipher: None,
                    warcinfo_id: None,
                    concurrent_to: None,
                },
            );
        } else {
            writer.response(
                file,
                &ResponseRecord {
                    id,
                    date_us,
                    target_uri,
                    ip: None,
                    block: &[draft.head.as_bytes(), &draft.body],
                    payload_digest: Some(payload),
                    truncated: draft.truncated,
                    content_encoded: false,
                    protocol: &[],
                    cipher: None,
                    warcinfo_id: None,
                    concurrent_to: None,
                },
            );
        }
        if let Some(spoil) = draft.spoil {
            let text = spoil(String::from_utf8(file.split_off(start)).unwrap());
            file.extend_from_slice(text.as_bytes());
        }
    }

    fn write_companions(&self, writer: &mut Writer, file: &mut Vec<u8>, number: usize) {
        let draft = &self.drafts[number];
        let (target_uri, date_us) = (draft.row.url.as_str(), draft.row.start.wall.0);
        let concurrent_to = Some(record_id(&draft.row));
        let own = |kind: u8, copy: usize| {
            let mut bytes = [number as u8 + 1; 16];
            (bytes[0], bytes[1]) = (kind, copy as u8);
            RecordId::from_random(bytes)
        };
        for copy in 0..draft.requests {
            let (id, block): (_, &[&[u8]]) = (own(201, copy), &[b"GET / HTTP/1.1\r\n\r\n"]);
            let record = RequestRecord {
                id,
                date_us,
                target_uri,
                ip: None,
                block,
                warcinfo_id: None,
                concurrent_to,
            };
            writer.request(file, &record);
        }
        for copy in 0..draft.metadata {
            let (id, fields): (_, &[_]) = (own(202, copy), &[("fetchTimeMs", "100")]);
            let record = MetadataRecord {
                id,
                date_us,
                target_uri,
                fields,
                warcinfo_id: None,
                concurrent_to,
            };
            writer.metadata(file, &record);
        }
    }
}

fn record_id(row: &AttemptRow) -> RecordId {
    let mut bytes = [0; 16];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&row.id[2 * at..2 * at + 2], 16).unwrap();
    }
    RecordId::from_random(bytes)
}

pub(crate) fn hex(id: RecordId) -> String {
    id.to_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Every promise is kept, as far as it can be seen.
#[track_caller]
pub(crate) fn passes(report: &Report) {
    assert!(report.passed(), "{report}");
}

/// Exactly this promise is broken, by this rule.
#[track_caller]
pub(crate) fn fails_only(report: &Report, promise: Promise, rule: &str) {
    let broken: Vec<&str> = report
        .verdicts
        .iter()
        .filter(|verdict| verdict.judgement == Judgement::Fail)
        .map(|verdict| verdict.promise.name())
        .collect();
    assert_eq!(broken, [promise.name()], "{report}");
    let named = &report.verdict(promise).unwrap().named;
    assert!(
        named.iter().any(|violation| violation.rule == rule),
        "{report}"
    );
}
