//! What a store costs under a frontier's work: beside the one that is used, another kind.
//!
//! `store_choice fjall|redb DIR [sites=500000] [urls=10] [requests=1000000] [memory_mb=170]`
//!
//! In: a store's name, a folder that is not there yet. Out: a few lines of figures.
//! May touch: that folder, which it leaves; a child process that fills it and is killed by itself.
//! Invariant: both stores get the same rows in the same groups through the same trait; each group is synced.
//!
//! First every site gets a row and its URLs, a thousand sites a group. Then requests: the row of a site is read and eight
//! of its URLs, one URL is removed, its fate is written, the site's row written again, and a URL queued for another site;
//! a thousand requests a group. Sites are drawn evenly, so nothing lies near what was used before. Then the process aborts
//! without closing anything, and opening what it left is timed.

#![allow(
    clippy::unwrap_used,
    reason = "an example that ends at the first fault"
)]

mod redb_store;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use orb_env::{BootClock, Clock};
use orb_store::{Batch, FjallOpener, Keyspace, Store, StoreOpener};
use redb_store::RedbOpener;

const SITES_A_GROUP: u64 = 1_000;
const REQUESTS_A_GROUP: u64 = 1_000;
const WINDOW: usize = 8;

#[derive(Clone, Debug)]
struct Plan {
    store: String,
    dir: PathBuf,
    sites: u64,
    urls: u64,
    requests: u64,
    memory_mb: u64,
}

fn main() {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let is_child = words.first().is_some_and(|word| word == "work");
    if is_child {
        words.remove(0);
    }
    let plan = Plan::of(&words);
    if is_child {
        plan.work();
        std::process::abort(); // as a kill would: nothing is closed
    }
    assert!(
        !plan.dir.exists(),
        "{} is there already",
        plan.dir.display()
    );
    let own = std::env::current_exe().unwrap();
    let status = Command::new(own).arg("work").args(&words).status().unwrap();
    assert!(status.code().is_none(), "the child failed: {status}");
    let clock = BootClock::new();
    let began = clock.mono();
    let store = plan.open();
    let rows = store.range(Keyspace::Sites, &[0], None, 1).unwrap();
    assert_eq!(rows.len(), 1);
    let took = clock.mono().since(began);
    println!("opening after the abort: {:.2} s", took.as_secs_f64());
}

impl Plan {
    fn of(words: &[String]) -> Plan {
        let usage = "store_choice fjall|redb DIR [name=number]...";
        let mut plan = Plan {
            store: words.first().expect(usage).clone(),
            dir: PathBuf::from(words.get(1).expect(usage)),
            sites: 500_000,
            urls: 10,
            requests: 1_000_000,
            memory_mb: 170,
        };
        for word in words.iter().skip(2) {
            let (name, value) = word.split_once('=').expect(usage);
            let value: u64 = value.parse().expect("a number");
            match name {
                "sites" => plan.sites = value,
                "urls" => plan.urls = value,
                "requests" => plan.requests = value,
                "memory_mb" => plan.memory_mb = value,
                other => panic!("no such setting: {other}"),
            }
        }
        plan
    }

    fn open(&self) -> Arc<dyn Store> {
        let bytes = self.memory_mb << 20;
        let opener: Box<dyn StoreOpener> = match self.store.as_str() {
            "fjall" => Box::new(FjallOpener::new(bytes)),
            "redb" => Box::new(RedbOpener { cache_bytes: bytes }),
            other => panic!("no such store: {other}"),
        };
        opener.open(&self.dir).unwrap()
    }

    fn work(&self) {
        let store = self.open();
        let mut part = Part::begin();
        for from in (0..self.sites).step_by(SITES_A_GROUP as usize) {
            let mut batch = Batch::new();
            for site in from..(from + SITES_A_GROUP).min(self.sites) {
                put_site(&mut batch, site, 0);
                (0..self.urls).for_each(|number| put_url(&mut batch, site, number));
            }
            part.commit(store.as_ref(), batch);
        }
        part.tell(
            "fill",
            "URL",
            self.sites * self.urls,
            store.as_ref(),
            &self.dir,
        );
        let mut part = Part::begin();
        let (mut draw, mut done) = (1_u64, 0);
        while done < self.requests {
            let mut batch = Batch::new();
            for _ in 0..REQUESTS_A_GROUP {
                draw = mixed(draw);
                let site = draw % self.sites;
                request(store.as_ref(), &mut batch, site);
                put_url(&mut batch, mixed(draw ^ 7) % self.sites, self.urls + done);
                done += 1;
            }
            part.commit(store.as_ref(), batch);
        }
        part.tell("requests", "request", done, store.as_ref(), &self.dir);
    }
}

fn request(store: &dyn Store, batch: &mut Batch, site: u64) {
    let key = site_key(site);
    let row = store.get(Keyspace::Sites, &key).unwrap();
    assert!(row.is_some(), "a site has a row");
    let mut end = key.clone();
    end.push(0xff);
    let urls = store
        .range(Keyspace::Queue, &key, Some(&end), WINDOW)
        .unwrap();
    put_site(batch, site, 1);
    let Some((url, value)) = urls.into_iter().next() else {
        return;
    };
    let mut fate = key;
    fate.extend_from_slice(
        &mixed(
            url.iter()
                .fold(site, |sum, &byte| mixed(sum ^ u64::from(byte))),
        )
        .to_be_bytes(),
    );
    batch.delete(Keyspace::Queue, url);
    batch.put(Keyspace::Fates, fate, value);
}

fn put_site(batch: &mut Batch, site: u64, visits: u64) {
    let row = format!("site-{site}.example {visits} {:032x}", mixed(site));
    batch.put(Keyspace::Sites, site_key(site), row);
}

fn put_url(batch: &mut Batch, site: u64, number: u64) {
    let mut key = site_key(site);
    key.push(2);
    key.extend_from_slice(&number.to_be_bytes()[3..]);
    let url = format!(
        "https://site-{site}.example/articles/{:06x}/{number}",
        mixed(number) & 0xff_ffff
    );
    batch.put(Keyspace::Queue, key, url);
}

fn site_key(site: u64) -> Vec<u8> {
    mixed(site).to_be_bytes().to_vec()
}

/// The finalizer of splitmix64: a permutation of the numbers.
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// One part of the work and what it cost.
struct Part {
    clock: BootClock,
    commits: Vec<Duration>,
    cpu: f64,
    written: u64,
}

impl Part {
    fn begin() -> Part {
        Part {
            clock: BootClock::new(),
            commits: Vec::new(),
            cpu: cpu_seconds(),
            written: written_bytes(),
        }
    }

    fn commit(&mut self, store: &dyn Store, batch: Batch) {
        let began = self.clock.mono();
        store.commit(batch).unwrap();
        self.commits.push(self.clock.mono().since(began));
    }

    fn tell(mut self, what: &str, unit: &str, count: u64, store: &dyn Store, dir: &Path) {
        self.commits.sort_unstable();
        let wall = |part: f64| {
            let place = (self.commits.len() as f64 * part) as usize;
            self.commits[place.min(self.commits.len() - 1)].as_secs_f64() * 1e3
        };
        println!(
            "{what}: {:.1} us of CPU and {:.0} bytes written a {unit}; a commit takes {:.0} ms (median), {:.0} (p99), {:.0} (longest); {:.0} MB on disk ({:.0} by its own word)",
            (cpu_seconds() - self.cpu) * 1e6 / count as f64,
            (written_bytes() - self.written) as f64 / count as f64,
            wall(0.5),
            wall(0.99),
            wall(1.0),
            folder_bytes(dir) as f64 / 1e6,
            store.disk_bytes() as f64 / 1e6,
        );
    }
}

/// User and system time of the process, to a hundredth of a second.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit(')').next().unwrap().split_whitespace();
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().unwrap())
        .sum();
    ticks as f64 / 100.0
}

/// Bytes that writing calls were given.
fn written_bytes() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap();
    let line = io.lines().find_map(|line| line.strip_prefix("wchar: "));
    line.unwrap().parse().unwrap()
}

fn folder_bytes(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).unwrap().map(Result::unwrap);
    entries
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => folder_bytes(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0, // removed meanwhile
        })
        .sum()
}
