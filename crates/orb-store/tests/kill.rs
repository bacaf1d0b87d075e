//! Faults D1 on the real store: a process that commits is killed by SIGKILL, at places nobody
//! chose, and everything it acknowledged is there afterwards.

#![allow(clippy::unwrap_used)] // a test file: clippy knows only functions marked as tests

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use orb_env::{Entropy, SeededEntropy};
use orb_store::{Batch, FjallOpener, Keyspace, Store, StoreOpener};

/// Names the folder to the child. This file starts itself again, as the process that dies.
const FOLDER: &str = "ORB_TEST_KILL_FOLDER";
/// Small, so that buffers are written out and merged between kills.
const SHARE: u64 = 2 << 20;
const ROWS: u64 = 40;

fn number(store: &dyn Store) -> u64 {
    let value = store.get(Keyspace::Meta, b"last").unwrap();
    value.map_or(0, |value| u64::from_be_bytes(value[..].try_into().unwrap()))
}

/// Batch `n` moves `ROWS` rows from the batch before it, so a lost, torn or doubled batch shows.
fn batch(n: u64) -> Batch {
    let mut batch = Batch::new();
    batch.put(Keyspace::Meta, "last", n.to_be_bytes());
    for row in 0..ROWS {
        let key = |n: u64| [n.to_be_bytes(), row.to_be_bytes()].concat();
        batch.put(Keyspace::Queue, key(n), vec![n as u8; 300]);
        batch.delete(Keyspace::Queue, key(n - 1));
        batch.put(Keyspace::Fates, key(n), vec![row as u8; 100]);
    }
    batch
}

/// The process that dies: commits numbered batches for ever and names each after its commit.
/// Returns at once in a process that nobody asked to die.
fn die_if_asked() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "\norb start").unwrap();
    let store = FjallOpener::new(SHARE).open(Path::new(&folder)).unwrap();
    for n in number(&*store) + 1.. {
        store.commit(batch(n)).unwrap();
        writeln!(out, "orb {n}").unwrap();
    }
}

fn start(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "every_acknowledged_batch_survives_sigkill",
            "--nocapture",
        ])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills after `lines` lines; returns the last acknowledged number, if any was.
fn run_and_kill(folder: &Path, lines: u64) -> Option<u64> {
    let mut child = start(folder);
    let mut out = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let told = |line: String| line.strip_prefix("orb ").map(str::to_owned);
    let mut last = None;
    for line in out.by_ref().filter_map(told).take(lines as usize + 1) {
        last = line.parse().ok().or(last);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What it said between the last line read and its death counts too; a torn line does not.
    for line in out.filter_map(told) {
        last = line.parse().ok().filter(|n| Some(*n) > last).or(last);
    }
    last
}

fn check(folder: &Path, acknowledged: u64) -> u64 {
    let store = FjallOpener::new(SHARE).open(folder).unwrap();
    let last = number(&*store);
    assert!(
        last >= acknowledged,
        "batch {acknowledged} was acknowledged, {last} is the last"
    );
    assert!(
        last <= acknowledged + 1,
        "one batch at most is unacknowledged, {last} is the last"
    );
    let queue = store.range(Keyspace::Queue, b"", None, usize::MAX).unwrap();
    let fates = store.range(Keyspace::Fates, b"", None, usize::MAX).unwrap();
    let rows = if last == 0 { 0 } else { ROWS };
    assert_eq!(queue.len() as u64, rows);
    assert!(queue.iter().all(|(key, _)| key[..8] == last.to_be_bytes()));
    assert_eq!(fates.len() as u64, last * ROWS);
    last
}

/// Kills in one run; the full count of the fault table is asked for by this variable.
const ROUNDS: &str = "ORB_TEST_ROUNDS";

#[test]
fn every_acknowledged_batch_survives_sigkill() {
    die_if_asked();
    let asked = std::env::var_os(ROUNDS).and_then(|text| text.to_str()?.parse().ok());
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("slot");
    let entropy = SeededEntropy::new(1);
    let mut last = 0;
    for _ in 0..asked.unwrap_or(5) {
        let acknowledged = run_and_kill(&folder, entropy.below(60)).unwrap_or(last);
        last = check(&folder, acknowledged);
    }
    assert!(last > 0, "no round got as far as a commit");
}

/// Files and folders below `dir`.
fn names(dir: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| 1 + names(&entry.path()))
        .sum()
}

/// The first opening makes files; a kill there must not need a hand.
#[test]
fn a_kill_while_the_store_is_made_needs_no_hand() {
    for names_min in [1, 2, 4, 8, 12, 16, 24, 32] {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("slot");
        let mut child = start(&folder);
        while names(dir.path()) < names_min && !folder.exists() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let store = FjallOpener::new(SHARE).open(&folder).unwrap();
        let last = number(&*store);
        store.commit(batch(last + 1)).unwrap();
    }
}
