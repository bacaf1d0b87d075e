//! Reads what valgrind's callgrind wrote: instructions by crate and function.
//!
//! In: the text of a `callgrind.out` file. Out: instructions of each crate, and of each stage of a page's life.
//! May touch: nothing. Invariant: every instruction counted is given to exactly one crate and one stage.
//!
//! Format: valgrind's manual, "Callgrind Format Specification". Names are given once with a number and by number
//! afterwards; a line below `calls=` holds the cost of a call, which belongs to the callee and is skipped. Code that was
//! inlined is told by its file, so it counts for the crate it was written in; the standard library's counts for the
//! crate that uses it.

use std::collections::BTreeMap;

/// Instructions, by crate and by stage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Instructions {
    pub(crate) crates: BTreeMap<String, u64>,
    pub(crate) stages: BTreeMap<&'static str, u64>,
}

/// Reads the file's text.
pub(crate) fn read(text: &str) -> Instructions {
    let mut names = Names::default();
    let mut sum = Instructions::default();
    let (mut object, mut file, mut function) = (String::new(), String::new(), String::new());
    let mut callee_cost_follows = false;
    for line in text.lines() {
        if let Some((key, value)) = line.split_once('=') {
            match key {
                "ob" => object = names.object(value),
                "fl" | "fi" | "fe" => file = names.file(value),
                "fn" => function = names.function(value),
                "cob" => drop(names.object(value)),
                "cfl" | "cfi" => drop(names.file(value)),
                "cfn" => drop(names.function(value)),
                "calls" => callee_cost_follows = true,
                _ => {}
            }
            continue;
        }
        if !line.starts_with(|letter: char| letter.is_ascii_digit() || "+-*".contains(letter)) {
            continue;
        }
        if std::mem::take(&mut callee_cost_follows) {
            continue;
        }
        let cost = line
            .split_whitespace()
            .nth(1)
            .and_then(|word| word.parse::<u64>().ok());
        let Some(cost) = cost else { continue };
        let owner = owner(&object, &file, &function);
        *sum.stages.entry(stage(&owner, &function)).or_default() += cost;
        *sum.crates.entry(owner).or_default() += cost;
    }
    sum
}

#[derive(Default)]
struct Names {
    objects: BTreeMap<String, String>,
    files: BTreeMap<String, String>,
    functions: BTreeMap<String, String>,
}

impl Names {
    fn object(&mut self, value: &str) -> String {
        resolve(&mut self.objects, value)
    }

    fn file(&mut self, value: &str) -> String {
        resolve(&mut self.files, value)
    }

    fn function(&mut self, value: &str) -> String {
        resolve(&mut self.functions, value)
    }
}

/// `(7) name` gives number 7 a name, `(7)` alone stands for it.
fn resolve(names: &mut BTreeMap<String, String>, value: &str) -> String {
    let Some((number, name)) = value
        .strip_prefix('(')
        .and_then(|rest| rest.split_once(')'))
    else {
        return value.to_owned();
    };
    let name = name.trim();
    if !name.is_empty() {
        names.insert(number.to_owned(), name.to_owned());
        return name.to_owned();
    }
    names.get(number).cloned().unwrap_or_default()
}

/// The crate, or system library, that a line of code belongs to.
fn owner(object: &str, file: &str, function: &str) -> String {
    if let Some(name) = crate_of_file(file) {
        return name;
    }
    let object = object.rsplit('/').next().unwrap_or(object);
    if object.contains(".so") {
        return object.split(".so").next().unwrap_or(object).to_owned();
    }
    crate_of_function(function).unwrap_or_else(|| "unknown".into())
}

/// `…/registry/src/INDEX/NAME-1.2.3/…` and `…/crates/NAME/src/…`; the standard library has none.
fn crate_of_file(file: &str) -> Option<String> {
    if let Some((_, rest)) = file.split_once("/registry/src/") {
        let folder = rest.split('/').nth(1)?;
        let (name, _version) = folder.rsplit_once('-').unwrap_or((folder, ""));
        return Some(name.to_owned());
    }
    let (before, rest) = file.split_once("crates/")?;
    let ours = (before.is_empty() || before.ends_with('/')) && rest.contains("/src/");
    ours.then(|| rest.split('/').next().unwrap_or(rest).to_owned())
}

/// The first path segment of a Rust name: `<orb_url::Key as core::…>::f` is of `orb-url`.
fn crate_of_function(function: &str) -> Option<String> {
    let start = function.find(|letter: char| letter.is_alphanumeric() || letter == '_')?;
    let name = function[start..].split("::").next()?;
    let plain = name
        .chars()
        .all(|letter| letter.is_alphanumeric() || letter == '_');
    match name {
        "core" | "alloc" | "std" | "hashbrown" => Some("std".into()),
        name if plain && function.contains("::") => Some(name.replace('_', "-")),
        _ => None,
    }
}

/// The stage of a page's life that a crate works for.
fn stage(owner: &str, function: &str) -> &'static str {
    match owner {
        "libc" | "ld-linux-x86-64" => libc_stage(function),
        "libdeflate-sys" | "unknown" if function.contains("deflate_compress") => "archive",
        "libdeflate-sys"
        | "libdeflater"
        | "flate2"
        | "zlib-rs"
        | "brotli-decompressor"
        | "ruzstd" => "decode",
        "unknown" if function.contains("deflate_decompress") => "decode",
        "orb-page" | "encoding_rs" | "chardetng" | "entities" | "simdutf8" => "scan",
        "orb-url" | "url" | "idna" | "percent-encoding" | "form_urlencoded" | "psl"
        | "psl-types" | "siphasher" => "links",
        "orb-warc" | "sha1" | "data-encoding" | "crc32fast" => "archive",
        "orb-fetch" | "httparse" | "tokio" | "mio" | "futures-util" | "rustls" | "tokio-rustls"
        | "aws-lc-sys" | "aws-lc-rs" | "rustls-webpki" | "hickory-proto" => "network",
        "orb-frontier" | "orb-robots" | "orb-gate" => "frontier",
        "orb-store" | "fjall" | "lsm-tree" | "crossbeam-skiplist" | "crossbeam-epoch" => "store",
        "orb-crawl" => "pipeline",
        "serde_json" | "serde" | "serde_core" | "itoa" | "ryu" | "zmij" => "json",
        _ => "other",
    }
}

fn libc_stage(function: &str) -> &'static str {
    const ALLOCATOR: [&str; 10] = [
        "malloc",
        "free",
        "calloc",
        "realloc",
        "unlink_chunk",
        "sysmalloc",
        "memalign",
        "tcache",
        "systrim",
        "brk",
    ];
    if ALLOCATOR.iter().any(|part| function.contains(part)) {
        return "allocator";
    }
    if function.contains("mem") {
        return "copying";
    }
    "other"
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTRY: &str = "/home/x/.cargo/registry/src/index-1";

    fn out() -> String {
        format!(
            "version: 1\ncreator: callgrind\npositions: line\nevents: Ir\nsummary: 1000\n\n\
             ob=(1) /usr/bin/orb\nfl=(1) crates/orb-page/src/scan.rs\nfn=(1) orb_page::scan::run\n\
             10 100\n+3 5\nfi=(2) {REGISTRY}/memchr-2.8.0/src/lib.rs\n7 20\nfe=(1)\n12 1\n\
             cob=(2) /lib/libc.so.6\ncfi=(3) ???\ncfn=(2) malloc\ncalls=4 0\n11 4000\n* 2\n\n\
             ob=(2)\nfl=(3)\nfn=(2)\n0 300\n\n\
             ob=(1)\nfl=(4) /rustc/abc/library/alloc/src/vec.rs\nfn=(3) <orb_url::Key as core::hash::Hash>::hash\n\
             5 40\n\nfl=(5) {REGISTRY}/libdeflate-sys-1.26.0/libdeflate/lib/x.c\nfn=(4) deflate_compress_fastest\n9 7\n\
             fn=(5) deflate_decompress_bmi2\n9 8\ntotals: 483\n"
        )
    }

    #[test]
    fn instructions_belong_to_the_crate_the_code_is_written_in() {
        let found = read(&out());
        let of = |name: &str| found.crates.get(name).copied();
        assert_eq!(of("orb-page"), Some(108));
        assert_eq!(of("memchr"), Some(20));
        assert_eq!(of("libc"), Some(300));
        assert_eq!(of("orb-url"), Some(40));
        assert_eq!(of("libdeflate-sys"), Some(15));
        assert_eq!(
            found.crates.values().sum::<u64>(),
            483,
            "the cost of a call is the callee's"
        );
    }

    #[test]
    fn stages_gather_crates() {
        let stages = read(&out()).stages;
        let expected = [
            ("allocator", 300),
            ("archive", 7),
            ("decode", 8),
            ("links", 40),
            ("other", 20),
            ("scan", 108),
        ];
        assert_eq!(stages, expected.into());
    }

    #[test]
    fn names_of_crates_are_found_in_paths_and_symbols() {
        for (file, expected) in [
            ("crates/orb-page/src/scan.rs", Some("orb-page")),
            ("/home/x/y/crates/orb-crawl/src/shard.rs", Some("orb-crawl")),
            ("/rustc/1/library/core/src/str.rs", None),
            ("???", None),
        ] {
            assert_eq!(crate_of_file(file).as_deref(), expected, "{file}");
        }
        for (function, expected) in [
            ("tokio::runtime::park", Some("tokio")),
            ("<alloc::vec::Vec<T> as Clone>::clone", Some("std")),
            ("main", None),
            ("", None),
        ] {
            assert_eq!(
                crate_of_function(function).as_deref(),
                expected,
                "{function}"
            );
        }
    }
}
