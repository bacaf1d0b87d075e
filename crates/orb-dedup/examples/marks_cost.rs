//! What the marks of a text cost, and looking up whether it was seen: CPU microseconds a text.
//!
//! In: files of text, as arguments; without any, generated texts of 1, 4, 16 and 64 KiB. Out: a line for each.
//! May touch: those files. Must not touch: the network.
//! Invariant: the fastest of many rounds counts.
//!
//! Run with `cargo run --release -p orb-dedup --example marks_cost`.

use std::hint::black_box;

use orb_dedup::{ContentMarks, DuplicateBounds, Duplicates, TextMarks};
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
    lookups();
}

/// Pages of 300 words, most of them new, on a thousand sites; the index fills and forgets.
fn lookups() {
    let mut seen = Duplicates::new(DuplicateBounds::default(), 7);
    let mut state = 1_u64;
    let (mut known, mut spent, mut reading, mut next_report) = (0_u32, 0.0, 0.0, 1_000);
    for page in 1..=1_000_000_u64 {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        // One page in eight is a copy of one among the last hundred thousand.
        let number = if page % 8 == 0 {
            page - (state >> 33) % 100_000.min(page)
        } else {
            page
        };
        let text = numbered(number);
        let began = cpu_micros();
        let marks = ContentMarks::of(&[&text]);
        reading += cpu_micros() - began;
        let began = cpu_micros();
        let found = seen.note(page, (state >> 40) % 1_000, &marks);
        spent += cpu_micros() - began;
        known += u32::from(found.anywhere().is_some());
        if page == next_report {
            let pages = page as f64;
            println!(
                "{page} pages of 2 KiB noted, {known} of them known, {} held: {:.2} us each, marks {:.2} us",
                seen.len(),
                spent / pages,
                reading / pages
            );
            next_report *= 10;
        }
    }
    println!("{} MB at most", seen.bytes_max() >> 20);
}

/// A text of some three hundred words that only this number has.
fn numbered(number: u64) -> String {
    let mut text = String::with_capacity(2_400);
    let mut state = number;
    for word in 0..300 {
        state = state
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(number | 1);
        for shift in [33, 38, 43, 48, 53, 58] {
            text.push(char::from(b'a' + ((state >> shift) % 26) as u8));
        }
        text.push(if word % 40 == 39 { '\n' } else { ' ' });
    }
    text
}
