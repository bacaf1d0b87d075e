//! What shapes that break parsers cost at 10, 100 and 1,000 KB: the crawl's scan and the careful reading.
//!
//! In: nothing. Out: a line for each shape, CPU milliseconds; exit code 1 where a cost grows faster than the page
//! (small times are rounded up to what a clock can tell).
//! May touch: nothing else. Invariant: the least of a few runs counts, since only other work makes one slower.
//!
//! Run with `cargo xtask long page-blow-up`.

use std::hint::black_box;
use std::process::ExitCode;

use orb_page::{ScanOptions, scan};
use orb_read::read_html;
use rustix::time::{ClockId, clock_gettime};

/// The program's own: with the system's, large pages pay for memory that is given back and asked for again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RUNS: usize = 5;
const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];
/// The most that scanning ten times the page may cost.
const SCAN_RATIO_MAX: f64 = 12.0;
/// The most that reading ten times the page may cost. The tree of a megabyte of tags is larger than the caches, which
/// costs up to two thirds more, although instructions grow nine times (callgrind); what is quadratic costs a hundred times.
const READ_RATIO_MAX: f64 = 20.0;
/// Times below this say more of caches than of the work.
const MILLIS_MIN: f64 = 0.5;

/// Head, unit to repeat, tail.
const SHAPES: [(&str, &str, &str, &str); 9] = [
    ("nested lists", "", "<ul><li>x", ""),
    ("misnested formatting", "", "<b n=1><i n=2>x", ""),
    ("a million attributes", "<p ", "a=b ", ">x"),
    ("unclosed comment", "<p>x<!--", "- ", ""),
    ("unclosed script", "<p>x<script>", "<!--<script>", ""),
    (
        "deep JSON-LD",
        "<script type=application/ld+json>",
        "{\"a\":[",
        "</script><p>x",
    ),
    ("nested tables", "", "<table><tr><td>x", ""),
    ("nested SVG", "", "<svg><foreignObject>x", ""),
    ("nested templates", "", "<template>x", ""),
];

fn cpu_millis() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

fn least(mut work: impl FnMut()) -> f64 {
    let once = |work: &mut dyn FnMut()| {
        let start = cpu_millis();
        work();
        cpu_millis() - start
    };
    (0..RUNS)
        .map(|_| once(&mut work))
        .fold(f64::INFINITY, f64::min)
}

fn is_linear(millis: &[f64], ratio_max: f64) -> bool {
    millis
        .windows(2)
        .all(|pair| pair[1] <= ratio_max * pair[0].max(MILLIS_MIN))
}

fn main() -> ExitCode {
    let mut fine = true;
    println!(
        "{:22} {:>28} {:>28}",
        "CPU ms at", "scan: 10, 100, 1,000 KB", "read: 10, 100, 1,000 KB"
    );
    for (name, head, unit, tail) in SHAPES {
        let pages = SIZES.map(|bytes| [head, &unit.repeat(bytes / unit.len()), tail].concat());
        let options = ScanOptions {
            requisites: true,
            text: true,
            ..ScanOptions::default()
        };
        let scanned = pages.each_ref().map(|page| {
            least(|| {
                black_box(scan(page, &options));
            })
        });
        let read = pages.each_ref().map(|page| {
            least(|| {
                black_box(read_html(page, None));
            })
        });
        let linear = is_linear(&scanned, SCAN_RATIO_MAX) && is_linear(&read, READ_RATIO_MAX);
        fine &= linear;
        let text = |millis: [f64; 3]| {
            let [small, middle, large] = millis;
            format!("{small:8.2} {middle:8.2} {large:8.2}")
        };
        let verdict = if linear { "" } else { "  NOT LINEAR" };
        println!(
            "{name:22} {:>28} {:>28}{verdict}",
            text(scanned),
            text(read)
        );
    }
    ExitCode::from(u8::from(!fine))
}
