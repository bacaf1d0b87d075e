//! Robots copies of one slot: which answer is in force for an origin, and what to do about it.
//!
//! In: answers, the current instant. Out: verdicts with the line that decided.
//! May touch: `orb-robots`. Must not touch: sockets, clocks.
//! Invariant: a page is only allowed by an answer that is good and fresh; nothing is allowed while nobody knows.

use std::collections::VecDeque;
use std::time::Duration;

use orb_api::{RobotsFacts, RobotsInForce};
use orb_env::{Mono, Stamp};
use orb_frontier::rows::{put_blob, take_blob};
use orb_robots::limits::FRESH_FOR;
use orb_robots::{
    Access, CopyState, Good, InForce, Kept, ProductToken, Robots, Standing, UnreachablePolicy,
    in_force,
};
use orb_url::Origin;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::limits::{ROBOTS_BYTES_MAX, USAGE_FIELDS_MAX};

/// What is known of one origin.
#[derive(Clone, Debug)]
pub(crate) struct OriginCopy {
    state: CopyState,
    at: Stamp,
    robots: Robots,
    attempt: String,
    failures: u8,
    retry_at: Mono,
    given_up: bool,
    /// Which of its host's addresses is tried: moves on with each failure.
    address_turn: usize,
}

/// What to do about a URL.
#[derive(Debug)]
pub(crate) enum Judgement {
    /// Not in memory: read the stored row first.
    Unknown,
    /// robots.txt comes first.
    Fetch,
    /// Nothing may be fetched before this instant.
    Wait(Mono),
    /// robots.txt could not be had, its attempts are spent.
    GivenUp,
    /// Not allowed.
    Disallowed(String),
    /// Allowed.
    Allowed(RobotsInForce),
}

/// The stored form of an [`OriginCopy`]: JSON of this behind its length, then the body.
#[derive(Serialize, Deserialize)]
struct StoredCopy {
    v: u8,
    at: Stamp,
    kept: Option<bool>,
    good_age_us: u64,
    unreachable_us: Option<u64>,
    attempt: String,
    failures: u8,
    given_up: bool,
    /// Absent in rows of older versions.
    #[serde(default)]
    address_turn: usize,
}

/// The copies of one slot that are in memory.
#[derive(Default)]
pub(crate) struct Copies {
    by_origin: FxHashMap<Origin, OriginCopy>,
    order: VecDeque<Origin>,
    bytes: usize,
}

fn weight(copy: &OriginCopy) -> usize {
    copy.robots.heap_bytes() + 256
}

/// Time from `at` to `now`; between boots by the wall clock, and a wall clock that ran back counts as a day.
fn age(at: Stamp, now: Stamp) -> Duration {
    if at.boot == now.boot {
        now.mono.since(at.mono)
    } else if now.wall >= at.wall {
        now.wall.since(at.wall)
    } else {
        FRESH_FOR
    }
}

impl Copies {
    /// Judges a path of `origin`.
    pub(crate) fn judge(&self, origin: &Origin, path: &str, now: Stamp) -> Judgement {
        let Some(copy) = self.by_origin.get(origin) else {
            return Judgement::Unknown;
        };
        let since = age(copy.at, now);
        let state = copy.state.aged(since);
        if state.fetch_due() {
            // No answer decides for longer than a day, and neither does the want of one.
            let given_up = copy.given_up && since < FRESH_FOR;
            return match (given_up, copy.retry_at > now.mono) {
                (true, _) => Judgement::GivenUp,
                (false, true) => Judgement::Wait(copy.retry_at),
                (false, false) => Judgement::Fetch,
            };
        }
        let named = |standing: &str, line| RobotsInForce {
            attempt: copy.attempt.clone(),
            standing: standing.to_owned(),
            line,
        };
        match in_force(&state, &UnreachablePolicy::default()) {
            InForce::AllowAll => Judgement::Allowed(named("allow_all", None)),
            InForce::DisallowAll => {
                Judgement::Wait(copy.retry_at.max(now.mono.plus(Duration::from_secs(1))))
            }
            InForce::Copy => {
                let verdict = copy.robots.access(path);
                match verdict.access {
                    Access::Allow => Judgement::Allowed(named("rules", verdict.line)),
                    Access::Disallow => {
                        let line = verdict.line.unwrap_or(0);
                        Judgement::Disallowed(format!(
                            "line {line}: {}",
                            verdict.rule.unwrap_or_default()
                        ))
                    }
                }
            }
        }
    }

    /// The crawl-delay of an origin's copy.
    pub(crate) fn crawl_delay(&self, origin: &Origin) -> Option<Duration> {
        self.by_origin.get(origin)?.robots.crawl_delay()
    }

    /// The sitemaps that an origin's copy names.
    pub(crate) fn sitemaps(&self, origin: &Origin) -> Vec<String> {
        let copy = self.by_origin.get(origin);
        copy.map(|copy| copy.robots.sitemaps().to_vec())
            .unwrap_or_default()
    }

    /// The preferences of an origin's robots.txt about the use of a path, as they go with its capture.
    pub(crate) fn usage_of(&self, origin: &Origin, path: &str) -> Vec<String> {
        let copy = self.by_origin.get(origin);
        let lines = copy
            .map(|copy| copy.robots.usage_of(path))
            .unwrap_or_default();
        lines
            .iter()
            .take(USAGE_FIELDS_MAX)
            .map(|line| format!("robots.txt {line}"))
            .collect()
    }

    /// Which of the addresses of an origin's host to try next.
    pub(crate) fn address_turn(&self, origin: &Origin) -> usize {
        self.by_origin
            .get(origin)
            .map_or(0, |copy| copy.address_turn)
    }

    /// Nothing is done about `origin` before `until`: a hop is under way.
    pub(crate) fn hold(&mut self, origin: &Origin, until: Mono, now: Stamp) {
        self.entry(origin, now).retry_at = until;
    }

    fn entry(&mut self, origin: &Origin, now: Stamp) -> &mut OriginCopy {
        if !self.by_origin.contains_key(origin) {
            self.insert(origin.clone(), OriginCopy::never(now));
        }
        self.by_origin.get_mut(origin).expect("inserted above")
    }

    /// Takes an answer and returns the row to store. `retry_first` is the first pause after a failure.
    pub(crate) fn answered(
        &mut self,
        origin: &Origin,
        answer: &RobotsAnswer<'_>,
        policy: &RetryPolicy,
        now: Stamp,
    ) -> Vec<u8> {
        let old = self.entry(origin, now).clone();
        let mut copy = OriginCopy {
            state: old.state.aged(age(old.at, now)).answered(answer.standing),
            at: now,
            attempt: answer.attempt.to_owned(),
            failures: 0,
            retry_at: now.mono,
            given_up: false,
            address_turn: old.address_turn,
            robots: old.robots,
        };
        match answer.standing {
            Standing::Rules => copy.robots = Robots::parse(answer.body, policy.token),
            Standing::AllowAll => copy.robots = Robots::allow_all(),
            Standing::Unreachable => {
                copy.failures = old.failures.saturating_add(1);
                copy.given_up = copy.failures >= policy.attempts_max;
                copy.address_turn = old.address_turn.wrapping_add(1);
                let pause = pause_after(copy.failures, policy.retry_first);
                copy.retry_at = now.mono.plus(pause);
                // The answer in force stays the good one, while it is fresh.
                if !copy.state.fetch_due() {
                    copy.attempt = old.attempt;
                }
            }
        }
        let row = copy.encode(answer.body);
        self.insert(origin.clone(), copy);
        row
    }

    /// Takes a stored row, or its absence.
    pub(crate) fn loaded(
        &mut self,
        origin: &Origin,
        row: Option<&[u8]>,
        token: &ProductToken,
        now: Stamp,
    ) {
        if !self.by_origin.contains_key(origin) {
            let copy = row.and_then(|row| OriginCopy::decode(row, token, now));
            self.insert(
                origin.clone(),
                copy.unwrap_or_else(|| OriginCopy::never(now)),
            );
        }
    }

    fn insert(&mut self, origin: Origin, copy: OriginCopy) {
        self.bytes += weight(&copy);
        match self.by_origin.insert(origin.clone(), copy) {
            Some(old) => self.bytes -= weight(&old),
            None => self.order.push_back(origin),
        }
        while self.bytes > ROBOTS_BYTES_MAX && self.order.len() > 1 {
            let Some(oldest) = self.order.pop_front() else {
                return;
            };
            if let Some(old) = self.by_origin.remove(&oldest) {
                self.bytes -= weight(&old);
            }
        }
    }
}

/// An answer to robots.txt.
pub(crate) struct RobotsAnswer<'a> {
    pub(crate) standing: Standing,
    pub(crate) body: &'a [u8],
    pub(crate) attempt: &'a str,
}

/// How failures are taken.
pub(crate) struct RetryPolicy<'a> {
    pub(crate) token: &'a ProductToken,
    pub(crate) attempts_max: u8,
    pub(crate) retry_first: Duration,
}

/// The pause after so many failures in a row, at least one: at most a day, when even a copy that was given up is asked
/// for again.
fn pause_after(failures: u8, first: Duration) -> Duration {
    let doubled = 2_u32.saturating_pow(u32::from(failures.max(1)) - 1);
    first.saturating_mul(doubled).min(FRESH_FOR)
}

impl OriginCopy {
    fn never(now: Stamp) -> OriginCopy {
        OriginCopy {
            state: CopyState::default(),
            at: now,
            robots: Robots::disallow_all(),
            attempt: String::new(),
            failures: 0,
            retry_at: Mono(0),
            given_up: false,
            address_turn: 0,
        }
    }

    fn encode(&self, body: &[u8]) -> Vec<u8> {
        let stored = StoredCopy {
            v: 1,
            at: self.at,
            kept: self.state.good.map(|good| good.kept == Kept::Copy),
            good_age_us: self
                .state
                .good
                .map_or(0, |good| good.age.as_micros() as u64),
            unreachable_us: self
                .state
                .unreachable_for
                .map(|time| time.as_micros() as u64),
            attempt: self.attempt.clone(),
            failures: self.failures,
            given_up: self.given_up,
            address_turn: self.address_turn,
        };
        let mut row = Vec::new();
        put_blob(
            &mut row,
            &serde_json::to_vec(&stored).expect("a stored copy has only plain keys"),
        );
        // While unreachable the rules of the last good copy are not in force, so they need not be kept.
        put_blob(
            &mut row,
            if self.state.unreachable_for.is_none() {
                body
            } else {
                &[]
            },
        );
        row
    }

    /// What is in force for its origin, and what that says of `path`. The origin's name is for the caller to add.
    pub(crate) fn facts(
        &self,
        path: Option<&str>,
        retry_first: Duration,
        now: Stamp,
    ) -> RobotsFacts {
        let state = self.state.aged(age(self.at, now));
        let verdict = path.map(|path| self.robots.access(path));
        let force = in_force(&state, &UnreachablePolicy::default());
        let standing = match force {
            InForce::Copy => "rules",
            InForce::AllowAll => "allow_all",
            InForce::DisallowAll => "unreachable",
        };
        let verdict = verdict.filter(|_| force == InForce::Copy);
        let allowed = match (force, &verdict) {
            (InForce::Copy, Some(verdict)) => Some(verdict.access == Access::Allow),
            (InForce::AllowAll, _) => path.map(|_| true),
            _ => None,
        };
        let line = verdict.as_ref().and_then(|verdict| verdict.line);
        // While it is unreachable it is asked for again after a pause that doubles; given up, after a day.
        let expires = match (self.state.unreachable_for, self.given_up) {
            (None, _) => {
                let age = self.state.good.map(|good| good.age).unwrap_or_default();
                self.at.wall.plus(FRESH_FOR.saturating_sub(age)).0
            }
            (Some(_), false) => self.at.wall.plus(pause_after(self.failures, retry_first)).0,
            (Some(_), true) => self.at.wall.plus(FRESH_FOR).0,
        };
        RobotsFacts {
            origin: String::new(),
            in_force: Some(RobotsInForce {
                attempt: self.attempt.clone(),
                standing: standing.to_owned(),
                line,
            }),
            fetched_us: self.at.wall.0,
            expires_us: expires,
            allowed,
            rule: verdict.and_then(|verdict| verdict.rule),
            line,
            crawl_delay_ms: self
                .robots
                .crawl_delay()
                .map(|delay| delay.as_millis() as u64),
        }
    }

    /// Reads a stored row.
    pub(crate) fn decode(mut row: &[u8], token: &ProductToken, now: Stamp) -> Option<OriginCopy> {
        let head = take_blob(&mut row).ok()?;
        let body = take_blob(&mut row).ok()?;
        let stored: StoredCopy = serde_json::from_slice(head).ok()?;
        let unreachable_for = stored.unreachable_us.map(Duration::from_micros);
        // A copy whose rules were not stored must not come back as an empty one.
        let good = stored
            .kept
            .filter(|_| unreachable_for.is_none())
            .map(|copy| Good {
                kept: if copy { Kept::Copy } else { Kept::NoFile },
                age: Duration::from_micros(stored.good_age_us),
            });
        let robots = match good.map(|good| good.kept) {
            Some(Kept::Copy) => Robots::parse(body, token),
            Some(Kept::NoFile) => Robots::allow_all(),
            None => Robots::disallow_all(),
        };
        Some(OriginCopy {
            state: CopyState {
                good,
                unreachable_for,
            },
            at: stored.at,
            robots,
            attempt: stored.attempt,
            failures: stored.failures,
            retry_at: now.mono,
            given_up: stored.given_up,
            address_turn: stored.address_turn,
        })
    }
}

#[cfg(test)]
mod tests;
