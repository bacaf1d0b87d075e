//! Standing: what an answer to /robots.txt means, and what is in force at any age of it.
//!
//! In: HTTP outcomes, ages as durations. Out: rules, allow all or disallow all.
//! May touch: `limits`. Must not touch: clocks, sockets, parsing.
//! Invariant: pure functions; nothing is allowed on the strength of an answer older than [`FRESH_FOR`], unless the
//! policy says so.
//!
//! RFC 9309 gives a crawler two readings of an unreachable file: it must assume complete disallow (2.3.1.4), and it
//! may use an old copy while it cannot get a new one (2.4). [`UnreachablePolicy`] names the choice; its default is
//! the stricter one.

use std::time::Duration;

use crate::limits::{FRESH_FOR, LONG_UNREACHABLE};

/// How a fetch of /robots.txt ended, redirects followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The last response's status.
    Status(u16),
    /// More than [`crate::limits::REDIRECTS_MAX`] redirects in a row.
    TooManyRedirects,
    /// No response: DNS, network, TLS or time-out.
    Unreachable,
}

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// 2xx: the body holds the rules.
    Rules,
    /// 4xx but 429, and too many redirects: there are no rules (RFC 9309, 2.3.1.3 and 2.3.1.2).
    AllowAll,
    /// 5xx, 429, no response: nobody knows (RFC 9309, 2.3.1.4).
    Unreachable,
}

/// Says what an answer means.
///
/// 429 asks us to slow down, so it must not open a site. A status that is no final answer (1xx, a redirect that
/// cannot be followed, numbers out of range) tells nothing about the rules and counts as unreachable.
pub fn standing(answer: Answer) -> Standing {
    match answer {
        Answer::Status(200..=299) => Standing::Rules,
        Answer::Status(429) => Standing::Unreachable,
        Answer::Status(400..=499) | Answer::TooManyRedirects => Standing::AllowAll,
        Answer::Status(_) | Answer::Unreachable => Standing::Unreachable,
    }
}

/// What the last answer that counted left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kept {
    /// A parsed file.
    Copy,
    /// The knowledge that there is none.
    NoFile,
}

/// The last answer that was not [`Standing::Unreachable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Good {
    /// What it left.
    pub kept: Kept,
    /// Time since it came.
    pub age: Duration,
}

/// What is known of one origin's robots.txt at this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CopyState {
    /// The last good answer; it is kept while later ones are unreachable.
    pub good: Option<Good>,
    /// Time since the first of the unreachable answers that are the latest ones; `None` after a good answer.
    pub unreachable_for: Option<Duration>,
}

/// What holds after robots.txt was unreachable for [`LONG_UNREACHABLE`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AfterLong {
    /// Nothing may be fetched.
    #[default]
    DisallowAll,
    /// The last copy holds, if there is one; nothing may be fetched otherwise.
    Copy,
    /// As if there were no file, which the RFC permits.
    AllowAll,
}

/// The choices that RFC 9309 leaves about unreachable files. The default is the strictest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct UnreachablePolicy {
    /// Use the last good answer past [`FRESH_FOR`] while robots.txt is unreachable, until [`LONG_UNREACHABLE`].
    pub old_copy: bool,
    /// What follows then.
    pub after_long: AfterLong,
}

/// What decides about an origin's URLs now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InForce {
    /// The last parsed file.
    Copy,
    /// Everything is allowed.
    AllowAll,
    /// Nothing but /robots.txt is allowed.
    DisallowAll,
}

impl CopyState {
    /// The state right after an answer.
    ///
    /// An unreachable answer keeps the last good one and its age, and starts or continues the unreachable time.
    #[must_use]
    pub fn answered(self, standing: Standing) -> CopyState {
        let good = |kept| CopyState {
            good: Some(Good {
                kept,
                age: Duration::ZERO,
            }),
            unreachable_for: None,
        };
        match standing {
            Standing::Rules => good(Kept::Copy),
            Standing::AllowAll => good(Kept::NoFile),
            Standing::Unreachable => CopyState {
                unreachable_for: Some(self.unreachable_for.unwrap_or_default()),
                ..self
            },
        }
    }

    /// The state some time later.
    #[must_use]
    pub fn aged(self, by: Duration) -> CopyState {
        CopyState {
            good: self.good.map(|good| Good {
                age: good.age.saturating_add(by),
                ..good
            }),
            unreachable_for: self.unreachable_for.map(|time| time.saturating_add(by)),
        }
    }

    /// Whether robots.txt should be asked for before anything else of the origin: there is no answer that is good
    /// and fresh. How soon after an unreachable answer is for back-off to say.
    pub fn fetch_due(&self) -> bool {
        self.fresh().is_none()
    }

    fn fresh(&self) -> Option<Kept> {
        self.good
            .filter(|good| good.age < FRESH_FOR)
            .map(|good| good.kept)
    }
}

/// Says what decides about an origin's URLs now.
///
/// - A good answer younger than [`FRESH_FOR`] holds, even if robots.txt has been unreachable since.
/// - An older one no longer holds: robots.txt comes first ([`CopyState::fetch_due`]), till then nothing is allowed.
/// - While robots.txt is unreachable nothing is allowed, except what `policy` says.
pub fn in_force(state: &CopyState, policy: &UnreachablePolicy) -> InForce {
    if let Some(kept) = state.fresh() {
        return holds(kept);
    }
    let Some(unreachable_for) = state.unreachable_for else {
        return InForce::DisallowAll;
    };
    let old = state.good.map(|good| good.kept);
    if unreachable_for < LONG_UNREACHABLE {
        return old
            .filter(|_| policy.old_copy)
            .map_or(InForce::DisallowAll, holds);
    }
    match policy.after_long {
        AfterLong::DisallowAll => InForce::DisallowAll,
        AfterLong::Copy => old.map_or(InForce::DisallowAll, holds),
        AfterLong::AllowAll => InForce::AllowAll,
    }
}

fn holds(kept: Kept) -> InForce {
    match kept {
        Kept::Copy => InForce::Copy,
        Kept::NoFile => InForce::AllowAll,
    }
}
