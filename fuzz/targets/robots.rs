//! robots.txt: whatever a file holds, verdicts come, explain themselves, and do not depend on how paths are spelt.
//!
//! In: a path, a line break, a file. Out: a panic where the parser breaks a promise. May touch: `orb-robots`.
//! Invariant: what is asserted holds for every input.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orb_robots::{Access, ProductToken, Robots};

fuzz_target!(|bytes: &[u8]| {
    let cut = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(0);
    let (path, body) = bytes.split_at(cut);
    let path = format!("/{}", String::from_utf8_lossy(path));
    let token = ProductToken::new("orbweaver").expect("letters");
    let robots = Robots::parse(body, &token);
    let verdict = robots.access(&path);
    if !path.starts_with("/robots.txt") {
        let best = robots.matching(&path, 1);
        assert_eq!(verdict.line, best.first().and_then(|rule| rule.line));
        assert!(verdict.line.is_some() || verdict.access == Access::Allow);
    }
    let encoded: String = path
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' => format!("%{byte:02x}"),
            _ => char::from(byte).to_string(),
        })
        .collect();
    if path.is_ascii() && !path.contains('%') && !path.starts_with("/robots") {
        assert_eq!(robots.access(&encoded), verdict, "{path} as {encoded}");
    }
    assert!(robots.usage_of(&path).len() <= robots.usage().len());
    assert!(robots.heap_bytes() < 64 * body.len() + 4_096);
});
