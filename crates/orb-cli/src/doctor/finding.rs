//! One finding of `orb doctor`.
//!
//! In: what a judgement says. Out: lines for people, rows of JSON. May touch: nothing.
//! Invariant: whatever is not in order says why that matters, and what can be mended says by which command.

use serde::Serialize;

use crate::terminal::harmless;

/// How much it matters, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// In order.
    Ok,
    /// Worth knowing.
    Note,
    /// The crawl will run, slower or at some risk.
    Warning,
    /// The crawl will not start, or not do what is wanted.
    Problem,
}

/// What was found about one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) topic: &'static str,
    pub(crate) level: Level,
    /// What was found.
    pub(crate) found: String,
    /// Why it matters.
    pub(crate) why: String,
    /// The command or setting that mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mend: Option<String>,
}

impl Finding {
    pub(crate) fn ok(topic: &'static str, found: impl Into<String>, why: &str) -> Finding {
        Finding {
            topic,
            level: Level::Ok,
            found: found.into(),
            why: why.to_owned(),
            mend: None,
        }
    }

    pub(crate) fn note(topic: &'static str, found: impl Into<String>, why: &str) -> Finding {
        Finding {
            level: Level::Note,
            ..Finding::ok(topic, found, why)
        }
    }

    pub(crate) fn warning(
        topic: &'static str,
        found: impl Into<String>,
        why: &str,
        mend: impl Into<String>,
    ) -> Finding {
        Finding {
            level: Level::Warning,
            mend: Some(mend.into()),
            ..Finding::ok(topic, found, why)
        }
    }

    pub(crate) fn problem(
        topic: &'static str,
        found: impl Into<String>,
        why: &str,
        mend: impl Into<String>,
    ) -> Finding {
        Finding {
            level: Level::Problem,
            mend: Some(mend.into()),
            ..Finding::ok(topic, found, why)
        }
    }

    /// The same with a command that would change it, where that is a matter of taste.
    pub(crate) fn with_mend(self, mend: impl Into<String>) -> Finding {
        Finding {
            mend: Some(mend.into()),
            ..self
        }
    }

    /// One line when all is well, three when not.
    pub(crate) fn text(&self) -> String {
        let level = match self.level {
            Level::Ok => "ok",
            Level::Note => "note",
            Level::Warning => "WARNING",
            Level::Problem => "PROBLEM",
        };
        let mut out = format!("{level:8} {:12} {}", self.topic, harmless(&self.found));
        if self.level > Level::Ok {
            out.push_str(&format!("\n{:21} why:  {}", "", harmless(&self.why)));
            if let Some(mend) = &self.mend {
                out.push_str(&format!("\n{:21} mend: {}", "", harmless(mend)));
            }
        }
        out
    }
}

/// Checks judgements against a table: the level, and a part of what is found or how to mend it.
#[cfg(test)]
pub(crate) fn check(case: &str, found: &[Finding], expected: &[(Level, &str)]) {
    assert_eq!(found.len(), expected.len(), "{case}: {found:#?}");
    for (finding, (level, part)) in found.iter().zip(expected) {
        assert_eq!(finding.level, *level, "{case}: {finding:#?}");
        let text = finding.text();
        assert!(text.contains(part), "{case}: `{part}` is not in {text}");
        assert!(!finding.why.is_empty(), "{case}: says no why");
        let needs_mend = finding.level >= Level::Warning;
        assert!(
            !needs_mend || finding.mend.is_some(),
            "{case}: says no mend"
        );
        let one_line = |text: &str| !text.contains('\n') && text.chars().count() < 260;
        assert!(one_line(&finding.found) && one_line(&finding.why), "{case}");
        assert!(finding.mend.as_deref().is_none_or(one_line), "{case}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_well_takes_a_line_and_the_rest_says_why_and_how() {
        let fine = Finding::ok("disk", "ext4", "because");
        assert_eq!(fine.text(), "ok       disk         ext4");
        let bad = Finding::problem("disk", "full\u{1b}[2J", "nothing fits", "rm big.iso");
        let text = bad.text();
        assert_eq!(text.lines().count(), 3);
        assert!(text.contains("why:  nothing fits") && text.contains("mend: rm big.iso"));
        assert!(!text.contains('\u{1b}'));
    }
}
