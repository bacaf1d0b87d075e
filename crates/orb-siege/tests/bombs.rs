//! N9: what bombs cost in memory and time. Alone in its process, whose peak is measured.
#![allow(clippy::unwrap_used)] // a test that cannot go on fails

use orb_fetch::decode_content;
use orb_siege::{Siege, besiege};
use orb_simweb::HostileRow;

/// Peak of this process's memory in bytes since it was last forgotten.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// Memory stays below the decoded cap and 20 MB above what the body itself takes, processor time below a second.
#[test]
fn n09_bombs_cost_little_memory_and_time() {
    besiege(async |siege: Siege| {
        let limits = siege.config.decode_limits();
        for case in [
            "gzip-bomb",
            "deflate-bomb",
            "br-bomb",
            "zstd-bomb",
            "gzip-bomb-in-gzip",
        ] {
            let response = siege.get(HostileRow::N9, case).await.outcome.unwrap();
            let coding = response.content_encoding();
            forget_peak();
            let before = peak();
            let began = orb_env::thread_cpu();
            let decoded = decode_content(coding.as_deref(), response.payload(), &limits);
            let took = orb_env::thread_cpu() - began;
            assert!(decoded.truncated, "{case}");
            let grew = peak() - before;
            eprintln!(
                "{case}: {} MB decoded, {} MB more at the peak, {took:?}",
                decoded.bytes.len() >> 20,
                grew >> 20
            );
            assert!(
                grew <= limits.bytes_max + 20_000_000,
                "{case} took {grew} bytes"
            );
            assert!(took.as_millis() < 1_000, "{case} took {took:?}");
        }
    });
}
