//! The report: one verdict for each promise, with counted evidence and the first violations by name.
//!
//! In: what the checks counted and found. Out: values for programs (JSON) and a table for people.
//! May touch: nothing. Must not touch: how a check comes to its verdict.
//! Invariant: the names of promises and rules never change meaning.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::limits::VIOLATIONS_NAMED_MAX;

/// What a crawl promises, as far as its folder can show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Promise {
    /// One request at a time to a site, and its pause between them.
    PolitenessSite,
    /// The pause of each address and each group.
    PolitenessAddress,
    /// Every page was allowed by the robots.txt in force.
    Robots,
    /// Nothing that was excluded is requested later than a second after the order.
    Exclusions,
    /// Each completed fetch is in the archive exactly once, and nothing else is.
    OneRecordPerFetch,
    /// Block and payload digests are those of the bytes.
    Digests,
    /// Revisits refer to an earlier record of the same payload.
    Revisits,
    /// Every discovered URL is in exactly one state.
    Books,
    /// Rows can be read and folders are private.
    Frame,
}

impl Promise {
    /// Every promise, in the order of the report.
    pub const ALL: [Promise; 9] = [
        Promise::PolitenessSite,
        Promise::PolitenessAddress,
        Promise::Robots,
        Promise::Exclusions,
        Promise::OneRecordPerFetch,
        Promise::Digests,
        Promise::Revisits,
        Promise::Books,
        Promise::Frame,
    ];

    /// The name in JSON, and of its verdict.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Promise::PolitenessSite => "politeness_site",
            Promise::PolitenessAddress => "politeness_address",
            Promise::Robots => "robots",
            Promise::Exclusions => "exclusions",
            Promise::OneRecordPerFetch => "one_record_per_fetch",
            Promise::Digests => "digests",
            Promise::Revisits => "revisits",
            Promise::Books => "books",
            Promise::Frame => "frame",
        }
    }
}

/// The names of all verdicts, in the order of the report. Scripts depend on them.
#[must_use]
pub fn verdict_names() -> [&'static str; 9] {
    Promise::ALL.map(Promise::name)
}

/// What the evidence comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// Kept, wherever it could be seen.
    Pass,
    /// Broken at least once.
    Fail,
    /// Nothing broken was seen, but not all that is needed could be.
    Unknown,
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Judgement::Pass => "pass",
            Judgement::Fail => "fail",
            Judgement::Unknown => "unknown",
        })
    }
}

/// Where in the crawl's folder something was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Seat {
    /// File, relative to the folder; empty for what is in no one file.
    pub file: String,
    /// Line, the first being 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        match (self.line, self.offset) {
            (Some(line), _) => write!(f, ":{line}"),
            (None, Some(offset)) => write!(f, "@{offset}"),
            (None, None) => Ok(()),
        }
    }
}

/// One broken promise, with what a person needs to look it up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Which rule, `snake_case`.
    pub rule: &'static str,
    /// Where.
    pub seat: Seat,
    /// The URL concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What the promise asks for.
    pub expected: String,
    /// What is there.
    pub seen: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.seat, self.rule)?;
        if let Some(url) = &self.url {
            write!(f, " {}", url.escape_debug())?;
        }
        write!(f, ": expected {}, seen {}", self.expected, self.seen)
    }
}

/// The verdict on one promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Which promise.
    pub promise: Promise,
    /// What it comes to.
    pub judgement: Judgement,
    /// What was counted.
    pub evidence: BTreeMap<&'static str, u64>,
    /// How often it was broken.
    pub violations: u64,
    /// The first [`VIOLATIONS_NAMED_MAX`] of them.
    pub named: Vec<Violation>,
    /// Why it is unknown, or what stayed unseen; the first [`VIOLATIONS_NAMED_MAX`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<String>,
}

/// What the audit of one crawl came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// One for each promise, in the order of [`Promise::ALL`].
    pub verdicts: Vec<Verdict>,
}

impl Report {
    /// Whether no promise was seen broken.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.verdicts
            .iter()
            .all(|verdict| verdict.judgement != Judgement::Fail)
    }

    /// The verdict on `promise`.
    #[must_use]
    pub fn verdict(&self, promise: Promise) -> Option<&Verdict> {
        self.verdicts
            .iter()
            .find(|verdict| verdict.promise == promise)
    }
}

/// A table: a line for each promise, and below it what broke it.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for verdict in &self.verdicts {
            write!(f, "{:<21}{:<9}", verdict.promise.name(), verdict.judgement)?;
            let counts = verdict.evidence.iter().filter(|(_, count)| **count > 0);
            for (place, (name, count)) in counts.enumerate() {
                let comma = if place > 0 { ", " } else { "" };
                write!(f, "{comma}{} {count}", name.replace('_', " "))?;
            }
            writeln!(f)?;
            for text in &verdict.unseen {
                writeln!(f, "    unseen: {text}")?;
            }
            for violation in &verdict.named {
                writeln!(f, "    {violation}")?;
            }
            let rest = verdict.violations - verdict.named.len() as u64;
            if rest > 0 {
                writeln!(f, "    and {rest} more")?;
            }
        }
        Ok(())
    }
}

/// Gathers evidence on one promise.
#[derive(Debug)]
pub(crate) struct Case {
    promise: Promise,
    evidence: BTreeMap<&'static str, u64>,
    violations: u64,
    named: Vec<Violation>,
    unseen: Vec<String>,
    unknown: bool,
}

impl Case {
    pub(crate) fn new(promise: Promise) -> Case {
        Case {
            promise,
            evidence: BTreeMap::new(),
            violations: 0,
            named: Vec::new(),
            unseen: Vec::new(),
            unknown: false,
        }
    }

    /// Adds to a count of the evidence; adding nothing shows that it was looked for.
    pub(crate) fn count(&mut self, name: &'static str, count: u64) {
        *self.evidence.entry(name).or_default() += count;
    }

    /// Counts a violation, and names it if it is among the first.
    pub(crate) fn violate(&mut self, violation: impl FnOnce() -> Violation) {
        self.violations += 1;
        if self.named.len() < VIOLATIONS_NAMED_MAX {
            self.named.push(violation());
        }
    }

    /// Something needed for the verdict could not be seen: without a violation it is unknown.
    pub(crate) fn unknown(&mut self, why: impl Into<String>) {
        self.unknown = true;
        self.unseen(why);
    }

    /// Something was not looked at; the verdict stands without it.
    pub(crate) fn unseen(&mut self, what: impl Into<String>) {
        if self.unseen.len() < VIOLATIONS_NAMED_MAX {
            self.unseen.push(what.into());
        }
    }

    pub(crate) fn verdict(self) -> Verdict {
        let judgement = match (self.violations, self.unknown) {
            (1.., _) => Judgement::Fail,
            (0, true) => Judgement::Unknown,
            (0, false) => Judgement::Pass,
        };
        Verdict {
            promise: self.promise,
            judgement,
            evidence: self.evidence,
            violations: self.violations,
            named: self.named,
            unseen: self.unseen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_the_first_violations_and_counts_the_rest() {
        let mut case = Case::new(Promise::Robots);
        case.count("pages", 30);
        for line in 1..=12 {
            case.violate(|| Violation {
                rule: "disallowed",
                seat: Seat {
                    file: "index/attempts/slot-00.jsonl".into(),
                    line: Some(line),
                    offset: None,
                },
                url: Some("https://a.example/\u{202e}".into()),
                expected: "allow".into(),
                seen: "disallow".into(),
            });
        }
        let report = Report {
            verdicts: vec![case.verdict(), Case::new(Promise::Books).verdict()],
        };
        assert!(!report.passed());
        let text = report.to_string();
        assert!(
            text.starts_with("robots               fail     pages 30\n"),
            "{text}"
        );
        assert!(
            text.contains(r"slot-00.jsonl:10 disallowed https://a.example/\u{202e}: expected allow, seen disallow"),
            "{text}"
        );
        assert!(
            text.contains("    and 2 more\nbooks                pass"),
            "{text}"
        );
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["verdicts"][0]["judgement"], "fail");
        assert_eq!(json["verdicts"][0]["promise"], "robots");
    }

    #[test]
    fn every_promise_has_the_name_it_has_in_json() {
        for promise in Promise::ALL {
            assert_eq!(serde_json::to_value(promise).unwrap(), promise.name());
        }
    }
}
