//! What the marks of a text cost: CPU microseconds a text.
//!
//! In: files of text, as arguments; without any, generated texts of 1, 4, 16 and 64 KiB. Out: a line for each.
//! May touch: those files. Must not touch: the network.
//! Invariant: the fastest of many rounds counts.
//!
//! Run with `cargo run --release -p orb-dedup --example marks_cost`.

use std::hint::black_box;

use orb_dedup::TextMarks;
use rustix::time::{ClockId, clock_gettime};

const ROUNDS: usize = 200;

fn cpu_micros() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

fn generated(bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 16);
    let mut state = 1_u64;
    while text.len() < bytes {
        for _ in 0..2 + (state >> 40) % 8 {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            text.push(char::from(b'a' + (state >> 33) as u8 % 26));
        }
        text.push(if (state >> 50).is_multiple_of(12) {
            '\n'
        } else {
            ' '
        });
    }
    text
}

fn main() {
    let mut texts: Vec<(String, String)> = Vec::new();
    for path in std::env::args().skip(1) {
        match std::fs::read_to_string(&path) {
            Ok(text) => texts.push((path, text)),
            Err(error) => println!("{path}: {error}"),
        }
    }
    if texts.is_empty() {
        texts.extend([1, 4, 16, 64].map(|kib| (format!("{kib} KiB"), generated(kib << 10))));
    }
    for (name, text) in texts {
        let mut least = f64::MAX;
        for _ in 0..ROUNDS {
            let began = cpu_micros();
            black_box(TextMarks::of(
                black_box(&[&text]),
                "https://www.example.com/a",
            ));
            least = least.min(cpu_micros() - began);
        }
        println!("{name}: {} bytes, {least:.1} us", text.len());
    }
}
