//! A partition moves from one slot to another, and what is stored agrees with itself before and after.

#![allow(clippy::unwrap_used)] // the bench fails as the test does that drives it

mod bench;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bench::{Bench, any, fate};
use orb_api::{FORMAT_VERSION, UrlState};
use orb_env::Wall;
use orb_frontier::rows::fate_key;
use orb_frontier::{
    Claim, Found, How, MoveError, PartitionEnd, PartitionHead, Settled, SlotState, check_partition,
    drop_partition, half_imported, read_partition, write_partition,
};
use orb_shard::{Partition, SiteKey, SlotId, SlotMap};
use orb_store::{Batch, Keyspace, Store, StoreOpener};
use orb_url::{CrawlKey, CrawlUrl};

const SITES: usize = 6;

/// Sites of one partition of slot 0, in it; and one that is not.
fn sites() -> (Partition, Vec<String>, String) {
    let key = |name: &str| SiteKey::of(&CrawlKey::ZERO, &orb_url::Site::of_host(name));
    let mut by_partition = std::collections::BTreeMap::<u16, Vec<String>>::new();
    for n in 0.. {
        let name = format!("site{n}.example");
        let partition = key(&name).partition();
        if partition.get() >= 1_024 {
            continue; // another slot's
        }
        let list = by_partition.entry(partition.get()).or_default();
        list.push(name);
        if list.len() == SITES {
            let full = list.clone();
            let other = by_partition
                .iter()
                .find(|(number, _)| **number != partition.get());
            return (partition, full, other.unwrap().1[0].clone());
        }
    }
    unreachable!()
}

/// A bench with pending, retried, done, parked and undrained URLs in the partition, and some beside it.
fn filled(names: &[String], other: &str) -> Bench {
    let mut bench = Bench::new(any());
    for (n, name) in names.iter().enumerate().take(SITES - 1) {
        for page in 0..n + 2 {
            bench.offer(&format!("https://{name}/{page}"), How::Link, page as u16);
        }
    }
    bench.offer(&format!("https://{other}/"), How::Seed, 0);
    bench.absorb();
    for n in 0..3 {
        let (visit, queued) = bench.next().unwrap();
        let settled = match n {
            0 => Settled::Retry(Wall(bench.now.wall.0 + 9_000_000), 1),
            _ => fate(&queued, UrlState::Done),
        };
        bench.settle(&visit, queued, settled);
    }
    let (visit, queued) = bench.next().unwrap();
    bench.f().put_back(visit.id, queued);
    bench.f().park(visit.id, orb_api::Reason::CrawlDelay);
    bench.f().release(visit.id, orb_env::Mono(0));
    bench.commit(Batch::new());
    // Let through by the sieve and not drained: one of a known site, one of a new one.
    bench.offer(&format!("https://{}/late", names[0]), How::Link, 1);
    bench.offer(&format!("https://{}/late", names[SITES - 1]), How::Link, 1);
    let merged = bench.f().start_merge().unwrap().run().unwrap();
    let mut batch = Batch::new();
    bench.f().merged(&merged, &mut batch);
    bench.commit(batch);
    bench
}

fn with_state<T>(bench: &mut Bench, work: impl FnOnce(&SlotState<'_>) -> T) -> T {
    bench.frontier = None;
    let store: Arc<dyn Store> = bench.opener.open(Path::new("/c/store")).unwrap();
    work(&SlotState {
        slot: SlotId(0),
        slots: SlotMap::new(4).unwrap(),
        key: CrawlKey::ZERO,
        store: store.as_ref(),
        disk: &bench.disk,
        sieve_dir: Path::new("/c/sieve"),
    })
}

fn head(partition: Partition) -> PartitionHead {
    PartitionHead {
        format: FORMAT_VERSION,
        partition,
        key: CrawlKey::ZERO.to_hex(),
        suffix_list: "test".into(),
    }
}

fn link(url: &str) -> Found {
    Found {
        url: CrawlUrl::parse(url).unwrap(),
        via: None,
        depth: 1,
        hops: 0,
        how: How::Link,
        bare_domain: false,
        rank: None,
    }
}

#[test]
fn a_partition_moves_whole_and_both_slots_agree_with_themselves() {
    let (partition, names, other) = sites();
    let mut from = filled(&names, &other);
    // A sitemap's word on a page goes with it.
    let url = CrawlUrl::parse(&format!("https://{}/0", names[1])).unwrap();
    let site = SiteKey::of_url(&CrawlKey::ZERO, &url);
    let page = CrawlKey::ZERO.fingerprint(&url);
    let claim = Claim {
        modified: Wall(7_000_000),
        sitemap: page,
    };
    let mut batch = Batch::new();
    claim.put(site, page, &mut batch);
    from.f().store().commit(batch).unwrap();
    let before = from.check();
    assert_eq!(before.findings, [] as [String; 0]);
    let links = [
        link(&format!("https://{}/unread", names[1])),
        link(&format!("https://{other}/unread")),
    ];
    let mut bytes = Vec::new();
    let end = with_state(&mut from, |state| {
        let end = write_partition(state, &head(partition), links, &mut bytes).unwrap();
        drop_partition(state, partition, &end).unwrap();
        end
    });
    assert_eq!((end.found, end.sites), (1, SITES as u64));
    assert!(end.books.balanced() && end.books.done >= 1 && !end.books.excluded.is_empty());
    assert_eq!(
        check_partition(&mut &bytes[..]).unwrap(),
        (head(partition), end.clone())
    );

    // Where it was, its URLs are no longer known, and new ones are somebody else's.
    let left = from.check();
    assert_eq!(left.findings, [] as [String; 0]);
    assert!(left.sites <= 1);
    from.open(true);
    from.absorb();
    from.offer(&format!("https://{}/new", names[0]), How::Link, 1);
    assert_eq!(from.f().sightings().0["moved"], 1);
    from.commit(Batch::new());
    assert_eq!(from.f().books().discovered, 1);

    // Where it comes to, nothing is missing; an import that was cut short is begun again.
    let mut to = Bench::new(any());
    let mut found = Vec::new();
    with_state(&mut to, |state| {
        let cut = &bytes[..bytes.len() - 40];
        assert!(read_partition(state, &mut &cut[..], &end, |_| Ok(())).is_err());
        assert_eq!(half_imported(state.store).unwrap(), Some(partition));
        let keep = |all| {
            found = all;
            Ok(())
        };
        read_partition(state, &mut &bytes[..], &end, keep).unwrap();
        assert_eq!(half_imported(state.store).unwrap(), None);
        let twice = read_partition(state, &mut &bytes[..], &end, |_| Ok(()));
        assert!(matches!(twice, Err(MoveError::NotEmpty { .. })));
        let came = state.store.get(Keyspace::Claims, &fate_key(site, page));
        assert_eq!(came.unwrap(), Some(claim.encode()));
    });
    assert_eq!(found.len(), 1);
    lives_on(&mut to, &names, &end);

    // And back again: the sieve still holds its keys there.
    let mut bytes = Vec::new();
    let end = with_state(&mut to, |state| {
        write_partition(state, &head(partition), [], &mut bytes).unwrap()
    });
    with_state(&mut from, |state| {
        read_partition(state, &mut &bytes[..], &end, |_| Ok(())).unwrap();
    });
    assert_eq!(from.check().findings, [] as [String; 0]);
}

/// The partition is fetched to its end where it came to.
fn lives_on(to: &mut Bench, names: &[String], end: &PartitionEnd) {
    let came = to.check();
    assert_eq!(came.findings, [] as [String; 0]);
    assert_eq!(came.sites, end.sites);
    to.open(true);
    assert_eq!(*to.f().books(), end.books);
    to.offer(&format!("https://{}/0", names[0]), How::Link, 1);
    to.absorb();
    assert_eq!(
        to.f().books().discovered,
        end.books.discovered,
        "what was seen stays seen"
    );
    to.pass(Duration::from_secs(20));
    let mut fetched = 0;
    while let Some((visit, queued)) = to.next() {
        let settled = fate(&queued, UrlState::Done);
        to.settle(&visit, queued, settled);
        to.pass(Duration::from_secs(20));
        fetched += 1;
    }
    assert_eq!(fetched, end.books.pending);
    assert_eq!(to.check().findings, [] as [String; 0]);
}

#[test]
fn every_flipped_byte_of_an_export_is_noticed() {
    let (partition, names, other) = sites();
    let mut from = filled(&names, &other);
    let mut bytes = Vec::new();
    with_state(&mut from, |state| {
        write_partition(state, &head(partition), [], &mut bytes).unwrap();
    });
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x20;
        assert!(check_partition(&mut &damaged[..]).is_err(), "byte {at}");
        assert!(check_partition(&mut &bytes[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn a_check_names_what_does_not_agree() {
    let (_, names, other) = sites();
    let mut bench = filled(&names, &other);
    let rows = bench
        .f()
        .store()
        .range(Keyspace::Queue, &[0], None, 1)
        .unwrap();
    let mut batch = Batch::new();
    batch.delete(Keyspace::Queue, rows[0].0.clone());
    bench.f().store().commit(batch).unwrap();
    let findings = bench.check().findings;
    assert!(
        findings.iter().any(|line| line.contains("told")),
        "{findings:?}"
    );
    assert!(
        findings.iter().any(|line| line.starts_with("books")),
        "{findings:?}"
    );
}
