//! Our HTTP/1.1 reader held to hyper's: the answers of the hostile web, whole and mutated by seed.
//!
//! Where the two differ, one of [`EXPLANATIONS`] must say why. The list may only shrink: one that explains nothing any
//! more fails the test too.
#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod inputs;
mod ours;
mod theirs;

use std::collections::BTreeMap;

use orb_siege::besiege;

/// What a client makes of the bytes of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Read {
    /// A whole response: status and payload.
    Whole(u16, Vec<u8>),
    /// A response whose body ended early or broke, as far as it came.
    Cut(u16, Vec<u8>),
    /// No response.
    Nothing,
}

/// An answer, what we and hyper make of it, and our error's class.
struct Difference<'a> {
    bytes: &'a [u8],
    ours: &'a Read,
    theirs: &'a Read,
    class: &'a str,
}

type Explanation = (&'static str, fn(&Difference<'_>) -> bool);

/// Why the two may differ.
const EXPLANATIONS: &[Explanation] = &[
    (
        "broken chunks: we refuse the answer, hyper hands out what came before",
        |it| {
            it.class == "bad_framing"
                && matches!(it.theirs, Read::Cut(..))
                && it.head_has("transfer-encoding")
        },
    ),
    (
        "codings beside one `chunked`: we refuse them, hyper looks at the last word",
        |it| {
            it.class == "bad_framing"
                && it.head_has("transfer-encoding")
                && matches!(it.theirs, Read::Whole(..))
        },
    ),
    (
        "a length beyond 63 bits: we refuse it, hyper waits for it",
        |it| {
            it.class == "bad_framing"
                && it.head_has("content-length")
                && matches!(it.theirs, Read::Cut(..))
        },
    ),
    (
        "chunks from HTTP/1.0: we read them and close, hyper refuses",
        |it| {
            *it.theirs == Read::Nothing
                && it.bytes.starts_with(b"HTTP/1.0")
                && it.head_has("transfer-encoding")
        },
    ),
    (
        "odd lines: we read what browsers read and close, hyper refuses",
        |it| *it.theirs == Read::Nothing && *it.ours != Read::Nothing && it.head_is_odd(),
    ),
    (
        "a transfer coding that names none: we go by the length and close, hyper reads on",
        |it| {
            let head = it.head();
            let values = head.split("transfer-encoding:").skip(1);
            let mut values = values.map(|value| value.lines().next().unwrap_or_default());
            *it.ours != Read::Nothing
                && *it.theirs != Read::Nothing
                && values.any(|value| value.split(',').any(|word| word.trim().is_empty()))
        },
    ),
    ("line breaks before the head: hyper skips them", |it| {
        it.class == "not_http" && *it.theirs != Read::Nothing
    }),
    (
        "switching protocols unasked: hyper hands the connection over",
        |it| it.class == "unasked_upgrade" && matches!(it.theirs, Read::Whole(101, _)),
    ),
];

impl Difference<'_> {
    /// The final head and the interim ones before it, lower-case, as far as they can be told.
    fn head(&self) -> String {
        let text = String::from_utf8_lossy(self.bytes).to_ascii_lowercase();
        let (mut end, mut is_interim) = (0, true);
        while is_interim && end < text.len() {
            is_interim = text[end..].starts_with("http/1.1 1");
            let ends = ["\r\n\r\n", "\n\n", "\n\r\n"];
            let found = ends
                .iter()
                .filter_map(|mark| Some(text[end..].find(mark)? + mark.len()));
            end += found.min().unwrap_or(text.len() - end);
        }
        text[..end].to_owned()
    }

    fn head_has(&self, name: &str) -> bool {
        self.head().contains(name)
    }

    /// Whether some line of the head is no field: no colon, no plain name before it, folded, or with control
    /// characters.
    fn head_is_odd(&self) -> bool {
        let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        let is_name = |name: &str| !name.is_empty() && name.bytes().all(is_token);
        let is_value = |value: &str| value.bytes().all(|b| b == b'\t' || !b.is_ascii_control());
        let is_field = |line: &str| {
            line.split_once(':')
                .is_some_and(|(name, value)| is_name(name) && is_value(value))
        };
        let mut begins = true;
        self.head().lines().any(|line| {
            let is_odd = !begins && !line.is_empty() && !is_field(line);
            begins = line.is_empty();
            is_odd
        })
    }
}

/// Mutated answers; each begins with one of the hostile web's.
const MUTANTS: u64 = 50_000;

#[test]
fn every_difference_from_hyper_is_explained() {
    let mut used: BTreeMap<&str, usize> = BTreeMap::new();
    let mut unexplained = Vec::new();
    let fixed = inputs::fixed();
    let mutants = (0..MUTANTS).map(|seed| inputs::mutant(&fixed, seed));
    let all: Vec<Vec<u8>> = fixed.iter().cloned().chain(mutants).collect();
    let mut equal = 0;
    besiege(async |siege| {
        for bytes in &all {
            let (ours, class) = ours::read(&siege, bytes).await;
            let theirs = theirs::read(bytes).await;
            if ours == theirs {
                equal += 1;
                continue;
            }
            let difference = Difference {
                bytes,
                ours: &ours,
                theirs: &theirs,
                class,
            };
            match EXPLANATIONS
                .iter()
                .find(|(_, explains)| explains(&difference))
            {
                Some((name, _)) => *used.entry(name).or_default() += 1,
                None => unexplained.push(format!(
                    "{:?}\n    ours {ours:?} {class}\n  theirs {theirs:?}",
                    String::from_utf8_lossy(&bytes[..bytes.len().min(400)])
                )),
            }
        }
    });
    eprintln!(
        "{equal} of {} equal; differences by explanation: {used:#?}",
        all.len()
    );
    let shown = unexplained.join("\n");
    assert!(
        unexplained.is_empty(),
        "{} differences without an explanation:\n{shown}",
        unexplained.len()
    );
    for (name, _) in EXPLANATIONS {
        assert!(
            used.contains_key(name),
            "`{name}` explains nothing any more: take it out"
        );
    }
    assert!(equal * 2 > all.len(), "most answers are read alike");
}
