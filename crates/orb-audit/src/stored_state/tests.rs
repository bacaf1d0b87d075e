//! A slot with a row of each kind, read back.
//!
//! In: rows as the frontier encodes them. Out: what the reader makes of them.
//! May touch: a memory disk and store. Invariant: every keyspace that counts has a row here.

use super::*;
use orb_api::{Books, Outcome, UrlState};
use orb_env::{MemoryDisk, Wall};
use orb_frontier::rows::{Lane, Place, fate_key, queue_key};
use orb_frontier::{Found, How, ScopeMarks, Sieve, SieveKey, SieveMemory, Tally};
use orb_store::{Batch, ModelOpener};
use orb_url::CrawlUrl;

fn found(url: &str) -> Found {
    Found {
        url: CrawlUrl::parse(url).unwrap(),
        via: None,
        depth: 0,
        hops: 0,
        how: How::Seed,
        bare_domain: false,
        rank: None,
    }
}

fn site_key(url: &str) -> SiteKey {
    SiteKey::of_url(&CrawlKey::ZERO, &CrawlUrl::parse(url).unwrap())
}

fn sieve_key(url: &str) -> SieveKey {
    SieveKey {
        partition: site_key(url).partition(),
        fingerprint: CrawlKey::ZERO.fingerprint(&CrawlUrl::parse(url).unwrap()),
    }
}

fn queue(batch: &mut Batch, keyspace: Keyspace, url: &str, number: u64) {
    let row = QueueRow {
        found: found(url),
        fingerprint: sieve_key(url).fingerprint,
        attempts: 0,
    };
    let key = queue_key(site_key(url), Lane::of(How::Seed, 0), number);
    batch.put(keyspace, key, row.encode());
}

fn fate(url: &str) -> FateRow {
    FateRow {
        state: UrlState::Done,
        outcome: Outcome::Captured,
        reason: Reason::None,
        detail: String::new(),
        status: 200,
        attempts: 1,
        found: found(url),
        at: Wall(7),
        place: Some(Place {
            segment: 2,
            offset: 99,
        }),
        digest: None,
        etag: None,
        last_modified: None,
        history: None,
    }
}

/// A slot with a row of each kind; the others are fresh.
fn crawl() -> (MemoryDisk, CrawlDir, ModelOpener) {
    let (disk, dir) = (MemoryDisk::new(), CrawlDir::new("/crawl"));
    let opener = ModelOpener::new(disk.clone());
    disk.replace(
        &dir.identity(),
        br#"{"format":2,"slots":4,"key":"00000000000000000000000000000000"}"#,
    )
    .unwrap();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let (folder, memory) = (dir.sieve(SlotId(0)), SieveMemory::default());
    let mut sieve = Sieve::open(shared, &folder, &RunList::default(), &[], memory).unwrap();
    for url in ["https://d.example/", "https://e.example/"] {
        assert!(sieve.offer(sieve_key(url), &found(url)));
    }
    let merged = sieve.start_merge().unwrap().run().unwrap();
    let admitted = merged.admitted.unwrap();
    let tally = Tally {
        parked: Some(Reason::CrawlDelay),
        ..Tally::default()
    };
    let books = Books {
        discovered: 6,
        pending: 3,
        done: 1,
        ..Books::default()
    };
    let snapshot = serde_json::json!({
        "v": 1, "group": 3, "books": books, "sightings": {}, "absorbed": {}, "seeds": {"file": 0, "bytes": 0},
        "admitted": [{"id": admitted.id, "rows": admitted.rows, "drained": 0, "offset": 0}],
    });
    let files = serde_json::json!({
        "v": 1, "segment": {"name": "x", "serial": 2, "bytes": 500}, "next_serial": 3, "attempts_bytes": 77,
    });
    let mut batch = Batch::new();
    batch.put(
        Keyspace::Meta,
        b"frontier".to_vec(),
        snapshot.to_string().into_bytes(),
    );
    batch.put(
        Keyspace::Meta,
        b"files".to_vec(),
        files.to_string().into_bytes(),
    );
    batch.put(Keyspace::Meta, b"runs".to_vec(), merged.runs.encode());
    let parked = site_key("https://b.example/").to_bytes();
    let tally = tally.encode(&ScopeMarks::default());
    batch.put(Keyspace::Tallies, parked, tally);
    queue(&mut batch, Keyspace::Queue, "https://a.example/", 1);
    queue(&mut batch, Keyspace::Queue, "https://b.example/", 2);
    queue(&mut batch, Keyspace::Cold, "https://c.example/", 3);
    let done = fate("https://a.example/done");
    let key = fate_key(site_key(done.url().as_str()), Fingerprint(6));
    batch.put(Keyspace::Fates, key, done.encode());
    opener
        .open(&dir.store(SlotId(0)))
        .unwrap()
        .commit(batch)
        .unwrap();
    (disk, dir, opener)
}

#[test]
fn every_kind_of_row_is_read() {
    let (disk, dir, opener) = crawl();
    let state = StoredState::open(Arc::new(disk), &dir, &opener).unwrap();
    assert_eq!(state.slots(), 4);
    let stored = state.stored(SlotId(0)).unwrap();
    assert_eq!(
        (stored.group, stored.books.discovered, stored.attempts_bytes),
        (3, 6, 77)
    );
    assert_eq!(
        stored.archive,
        Some(ArchiveEnd {
            segment: 2,
            bytes: 500
        })
    );
    assert_eq!(state.sieve_keys(SlotId(0)).unwrap(), 2);
    assert_eq!(state.stored(SlotId(3)).unwrap(), StoredSlot::default());
    assert_eq!(state.sieve_keys(SlotId(3)).unwrap(), 0);

    let mut waiting = Vec::new();
    let mut see = |row: Waiting<'_>| {
        let known = sieve_key(row.url);
        assert_eq!(row.key.partition, known.partition.get());
        assert_eq!(row.key.fingerprint, known.fingerprint);
        waiting.push((row.url.to_owned(), row.excluded));
    };
    state.for_each_queue_row(SlotId(0), &mut see).unwrap();
    state.for_each_undrained(SlotId(0), &mut see).unwrap();
    waiting.sort();
    let want = [
        ("https://a.example/", None),
        ("https://b.example/", Some(Reason::CrawlDelay)),
        ("https://c.example/", Some(Reason::Budget)),
        ("https://d.example/", None),
        ("https://e.example/", None),
    ];
    assert_eq!(
        waiting,
        want.map(|(url, excluded)| (url.to_owned(), excluded))
    );

    let mut fates = Vec::new();
    let mut see = |fate: Fate<'_>| fates.push((fate.key.fingerprint.0, fate.state, fate.place));
    state.for_each_fate(SlotId(0), &mut see).unwrap();
    assert_eq!(fates, [(6, UrlState::Done, Some((2, 99)))]);
}

#[test]
fn what_moved_away_with_its_partition_is_not_seen() {
    let (disk, dir, opener) = crawl();
    let store = opener.open(&dir.store(SlotId(0))).unwrap();
    let row = store.get(Keyspace::Meta, b"frontier").unwrap().unwrap();
    let mut snapshot: serde_json::Value = serde_json::from_slice(&row).unwrap();
    let gone = sieve_key("https://d.example/").partition.get();
    assert_ne!(gone, sieve_key("https://e.example/").partition.get());
    snapshot["moved"] = serde_json::json!([gone]);
    let mut batch = Batch::new();
    let row = snapshot.to_string().into_bytes();
    batch.put(Keyspace::Meta, b"frontier".to_vec(), row);
    store.commit(batch).unwrap();
    drop(store);
    let state = StoredState::open(Arc::new(disk), &dir, &opener).unwrap();
    assert_eq!(state.sieve_keys(SlotId(0)).unwrap(), 1);
    let mut undrained = Vec::new();
    let mut see = |row: Waiting<'_>| undrained.push(row.url.to_owned());
    state.for_each_undrained(SlotId(0), &mut see).unwrap();
    assert_eq!(undrained, ["https://e.example/"]);
}

#[test]
fn a_damaged_row_is_named() {
    let (disk, dir, opener) = crawl();
    let mut batch = Batch::new();
    batch.put(
        Keyspace::Fates,
        b"\0\x05a.examdamaged!".to_vec(),
        b"?".to_vec(),
    );
    opener
        .open(&dir.store(SlotId(0)))
        .unwrap()
        .commit(batch)
        .unwrap();
    let state = StoredState::open(Arc::new(disk), &dir, &opener).unwrap();
    let error = state
        .for_each_fate(SlotId(0), &mut |_| {})
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        r"row \x00\x05a.examdamaged! of fates: row has layout version 63"
    );
}

#[test]
fn a_folder_without_identity_is_not_touched() {
    let disk = MemoryDisk::new();
    let opener = ModelOpener::new(disk.clone());
    let opened = StoredState::open(Arc::new(disk), &CrawlDir::new("/none"), &opener);
    assert!(matches!(opened, Err(AuditError::Disk { .. })));
}
