//! What a sieve costs at a size: checks per CPU-second, memory, bytes of disk.
//!
//! In: a folder, a number of known URLs, of checks, the memory. Out: a few lines of figures.
//! May touch: that folder, which it makes and leaves. Must not touch: anything else.
//! Invariant: every answer is checked against what is known: of the checks exactly the unseen come out.
//!
//! `sieve_scale DIR [known=100000000] [checks=200000000] [memory_mb=512] [seen=75] [runs=1]`
//!
//! URL number `n` has a fingerprint mixed from `n`, each another one, so numbers below `known` are the seen ones and no
//! table of them is needed. The first runs are written from ascending keys; then found URLs of 80 bytes with
//! the pages that named them, forty of each page, three of four on its site, are offered and merged, none of which the cache of recent keys holds. Offering and merging
//! take turns on one thread, so the CPU time of the process is that of the sieve and of making up the URLs; the
//! latter is measured by itself first, and told apart. A folder that holds a list of runs is gone on with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use orb_env::{Disk, KernelDisk};
use orb_frontier::{
    Found, How, RunList, Sieve, SieveKey, SieveMemory, check_runs, remove_admitted, write_run_of,
};
use orb_shard::Partition;
use orb_url::{CrawlUrl, Fingerprint};

/// Found URLs made up before they are used again with other keys.
const TEXTS: usize = 10 * LINKS_OF_PAGE;

fn main() {
    let mut words = std::env::args().skip(1);
    let dir = PathBuf::from(words.next().expect("a folder"));
    let mut plan = Plan::default();
    for word in words {
        let (name, value) = word.split_once('=').expect("name=number");
        let value: u64 = value.parse().expect("a number");
        match name {
            "known" => plan.known = value,
            "checks" => plan.checks = value,
            "memory_mb" => plan.memory_mb = value,
            "seen" => plan.seen = value,
            "runs" => plan.runs = value,
            other => panic!("no such setting: {other}"),
        }
    }
    plan.run(&dir);
}

struct Plan {
    known: u64,
    checks: u64,
    memory_mb: u64,
    /// Of a hundred checks.
    seen: u64,
    /// Runs that the known keys begin in, each half as large as the one before.
    runs: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Plan {
            known: 100_000_000,
            checks: 200_000_000,
            memory_mb: 512,
            seen: 75,
            runs: 1,
        }
    }
}

impl Plan {
    fn run(&mut self, dir: &Path) {
        let disk: Arc<dyn Disk> = Arc::new(KernelDisk);
        let before = Usage::now();
        let stored = dir.join("list-of-runs");
        let list = match disk.read_all(&stored) {
            Ok(bytes) => RunList::decode(&bytes).expect("a list of runs"),
            Err(_) => self.build(disk.as_ref(), dir),
        };
        self.known = list.entries();
        let built = Usage::now();
        tell("build", &before, &built, self.known);
        let memory = SieveMemory::of(self.memory_mb << 20);
        println!("memory: {memory:?}");
        self.offer_all(None);
        let idle = Usage::now();
        tell("making URLs up", &built, &idle, self.checks);
        reset_peak();
        let mut sieve = Sieve::open(Arc::clone(&disk), dir, &list, &[], memory).expect("open");
        let opened = Usage::now();
        tell("open", &idle, &opened, 1);
        let mut work = Work {
            sieve: &mut sieve,
            disk: disk.as_ref(),
            dir,
            admitted: 0,
            admitted_bytes: 0,
        };
        self.offer_all(Some(&mut work));
        let (admitted, admitted_bytes) = (work.admitted, work.admitted_bytes);
        let done = Usage::now();
        tell("checks", &opened, &done, self.checks);
        let idle_cpu = idle.cpu - built.cpu;
        let own = done.cpu - opened.cpu - idle_cpu;
        println!(
            "checks per CPU-second: {:.2} M, with making URLs up {:.2} M",
            self.checks as f64 / own / 1e6,
            self.checks as f64 / (own + idle_cpu) / 1e6
        );
        println!("admitted {admitted}, {admitted_bytes} bytes of admitted files");
        assert_eq!(admitted, self.checks - self.checks * self.seen / 100);
        assert_eq!(sieve.runs().entries(), self.known + admitted);
        println!(
            "sieve's own count of memory: {} MiB",
            sieve.heap_bytes() >> 20
        );
        println!("peak RSS while checking: {} MiB", done.peak_mb);
        disk.replace(&stored, &sieve.runs().encode())
            .expect("store the list");
        let checked = check_runs(disk.as_ref(), dir, sieve.runs(), &mut |_| {}).expect("sound");
        tell("check of all runs", &done, &Usage::now(), checked.keys);
        println!(
            "{} keys, {:.3} bytes each",
            checked.keys,
            checked.bytes_per_key()
        );
        println!("{:?}", sieve.runs());
    }

    fn build(&self, disk: &dyn Disk, dir: &Path) -> RunList {
        let mut list = RunList::default();
        let shares: u64 = (0..self.runs).map(|run| 1 << run).sum();
        let mut from = 0;
        for run in (0..self.runs).rev() {
            let to = match run {
                0 => self.known,
                _ => from + self.known / shares * (1 << run),
            };
            let keys = AscendingKeys::new(from, to);
            list = write_run_of(disk, dir, &list, keys).expect("write a run");
            from = to;
        }
        list
    }

    /// Makes up all found URLs; offers them, if there is a sieve.
    fn offer_all(&self, mut work: Option<&mut Work<'_>>) {
        let texts: Vec<Found> = (0..TEXTS).map(found).collect();
        let seen = self.checks * self.seen / 100;
        let unseen = self.checks - seen;
        let (mut old, mut new, mut sum) = (0, 0, 0);
        let step = (self.known / seen.max(1)).max(1);
        for check in 0..self.checks {
            let found = &texts[check as usize % TEXTS];
            // As many of each in every part of the stream.
            let number = if new * self.checks < check * unseen {
                new += 1;
                self.known + new - 1
            } else {
                old += 1;
                (old - 1) * step % self.known
            };
            let key = key_of(number);
            match &mut work {
                Some(work) => work.offer(key, found),
                None => sum ^= key.fingerprint.0 ^ found.url.as_str().len() as u64,
            }
        }
        match work {
            Some(work) => work.merge(),
            None => println!("({sum})"),
        }
    }
}

struct Work<'a> {
    sieve: &'a mut Sieve,
    disk: &'a dyn Disk,
    dir: &'a Path,
    admitted: u64,
    admitted_bytes: u64,
}

impl Work<'_> {
    fn offer(&mut self, key: SieveKey, found: &Found) {
        assert!(self.sieve.offer(key, found), "the cache knew it");
        if self.sieve.is_merge_due() {
            self.merge();
        }
    }

    fn merge(&mut self) {
        let before = Usage::now();
        let Some(job) = self.sieve.start_merge() else {
            return;
        };
        let merged = job.run().expect("merge");
        self.sieve.installed(&merged);
        let replaced = self.sieve.take_replaced();
        self.sieve.sweep(&replaced).expect("sweep");
        if let Some(file) = merged.admitted {
            self.admitted += file.rows;
            self.admitted_bytes += file.bytes;
            remove_admitted(self.disk, self.dir, file.id).expect("remove");
        }
        tell("merge", &before, &Usage::now(), merged.offered);
    }
}

/// Spreads numbers as a hash does, each to another one (splitmix64, Steele 2014).
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn partition_of(number: u64) -> u16 {
    (mixed(!number) >> 52) as u16
}

fn key_of(number: u64) -> SieveKey {
    SieveKey {
        partition: Partition::new(partition_of(number)).expect("twelve bits"),
        fingerprint: Fingerprint(mixed(number)),
    }
}

/// Link `number` of a stream, 80 bytes: forty of a page follow each other, three of four on its own site.
fn found(number: usize) -> Found {
    let page = number / LINKS_OF_PAGE;
    let site = |number: usize| format!("https://www.site-{:05}.example/", number * 7_919 % 100_000);
    let start = match number % 4 {
        0 => site(number + 17),
        _ => format!("{}articles/{}/", site(page), 2000 + number * 31 % 26),
    };
    let rest = 80 - start.len();
    let name = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let url = format!("{start}{name:0rest$x}");
    let via = format!("{}articles/2026/a-page-with-links-{page}.html", site(page));
    Found {
        url: CrawlUrl::from_stored(&url).expect("canonical"),
        via: CrawlUrl::from_stored(&via),
        depth: 3,
        hops: 0,
        how: How::Link,
        bare_domain: false,
        rank: None,
    }
}

const LINKS_OF_PAGE: usize = 40;

/// The keys of numbers `from..to` in ascending order, a few partitions at a time, so that memory stays small.
struct AscendingKeys {
    from: u64,
    to: u64,
    next_partition: u16,
    keys: std::vec::IntoIter<SieveKey>,
}

/// Partitions generated at once: each pass over the numbers costs half a nanosecond each.
const AT_ONCE: u16 = 256;

impl AscendingKeys {
    fn new(from: u64, to: u64) -> AscendingKeys {
        AscendingKeys {
            from,
            to,
            next_partition: 0,
            keys: Vec::new().into_iter(),
        }
    }
}

impl Iterator for AscendingKeys {
    type Item = SieveKey;

    fn next(&mut self) -> Option<SieveKey> {
        loop {
            if let Some(key) = self.keys.next() {
                return Some(key);
            }
            if self.next_partition == 4096 {
                return None;
            }
            let wanted = self.next_partition..self.next_partition + AT_ONCE;
            self.next_partition += AT_ONCE;
            let numbers =
                (self.from..self.to).filter(|number| wanted.contains(&partition_of(*number)));
            let mut keys: Vec<SieveKey> = numbers.map(key_of).collect();
            keys.sort_unstable();
            self.keys = keys.into_iter();
        }
    }
}

/// What the kernel says of this process.
struct Usage {
    /// User and system time of all threads, in seconds.
    cpu: f64,
    /// System time among it.
    kernel: f64,
    /// Seconds since the machine began.
    wall: f64,
    /// Bytes given to storage, and asked to be written.
    written: u64,
    asked: u64,
    peak_mb: u64,
}

impl Usage {
    fn now() -> Usage {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let field = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        };
        let stat = read("/proc/self/stat");
        let after = stat.rsplit(')').next().unwrap_or_default();
        let ticks: Vec<u64> = after
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|word| word.parse().ok())
            .collect();
        let io = read("/proc/self/io");
        let status = read("/proc/self/status");
        let uptime = read("/proc/uptime");
        Usage {
            cpu: ticks.iter().sum::<u64>() as f64 / 100.0,
            kernel: ticks.last().copied().unwrap_or_default() as f64 / 100.0,
            wall: uptime
                .split_whitespace()
                .next()
                .and_then(|word| word.parse().ok())
                .unwrap_or_default(),
            written: field(&io, "write_bytes:").unwrap_or_default(),
            asked: field(&io, "wchar:").unwrap_or_default(),
            peak_mb: field(&status, "VmHWM:").unwrap_or_default() >> 10,
        }
    }
}

/// Lets the peak begin again.
fn reset_peak() {
    if let Err(error) = std::fs::write("/proc/self/clear_refs", "5") {
        println!("the peak includes the build: {error}");
    }
}

fn tell(what: &str, before: &Usage, after: &Usage, of: u64) {
    let each = |value: f64| value / of as f64;
    println!(
        "{what}: CPU {:.2} s ({:.0} ns each, {:.0} of them in the kernel), wall {:.2} s, {:.1} bytes written each ({:.1} reached storage), peak {} MiB",
        after.cpu - before.cpu,
        each(after.cpu - before.cpu) * 1e9,
        each(after.kernel - before.kernel) * 1e9,
        after.wall - before.wall,
        each((after.asked - before.asked) as f64),
        each((after.written - before.written) as f64),
        after.peak_mb
    );
}
