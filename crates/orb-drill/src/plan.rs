//! How links and requests keep step, and when a drill is done.
//!
//! In: what was fed, what was settled. Out: whether to feed, whether to request, whether it is over.
//! May touch: nothing. Invariant: a plan that is followed ends with the wished share done.

use std::time::Duration;

use orb_env::Mono;

/// What a shard does, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// URLs before the first request.
    ahead: u64,
    /// Done for each URL that is fed beyond those.
    keeps_step: f64,
    /// Part of all URLs that is done at the end.
    share: f64,
    in_flight_max: usize,
    /// No matter what was done, it ends then.
    until: Mono,
    /// From the end of the links on, this long.
    span: Option<Duration>,
    fed: u64,
    done: u64,
    in_flight: usize,
    links: Links,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Links {
    /// In step with requests.
    InStep,
    /// As fast as they can be absorbed.
    Freely,
    /// There are no more.
    Ended,
}

impl Plan {
    /// Of `urls` in all, `share` of them done at the end: a tenth is fed before the first request, and the last tenth
    /// of all requests comes when nothing is fed any more.
    pub(crate) fn of_share(urls: u64, share: f64, in_flight_max: usize) -> Plan {
        let ahead = (urls / 10).max(1);
        Plan {
            ahead,
            keeps_step: share * 0.9 * urls as f64 / (urls - ahead).max(1) as f64,
            share,
            in_flight_max,
            until: Mono::NEVER,
            span: None,
            fed: 0,
            done: 0,
            in_flight: 0,
            links: Links::InStep,
        }
    }

    /// Links come freely, requests too, until `until`.
    pub(crate) fn until(until: Mono, in_flight_max: usize) -> Plan {
        Plan {
            ahead: 0,
            until,
            links: Links::Freely,
            share: f64::INFINITY,
            ..Plan::of_share(1, 1.0, in_flight_max)
        }
    }

    /// First all links, then requests for `span`.
    pub(crate) fn after_links(span: Duration, in_flight_max: usize) -> Plan {
        Plan {
            span: Some(span),
            ..Plan::until(Mono::NEVER, in_flight_max)
        }
    }

    pub(crate) fn wants_links(&self) -> bool {
        match self.links {
            Links::InStep => self.fed < self.ahead + (self.done as f64 / self.keeps_step) as u64,
            Links::Freely => true,
            Links::Ended => false,
        }
    }

    /// Whether requests may begin: not before the first links are in, and not ahead of those fed.
    pub(crate) fn wants_pops(&self) -> bool {
        match self.links {
            Links::InStep => {
                self.fed >= self.ahead && self.done as f64 <= self.fed as f64 * self.share
            }
            Links::Freely => self.span.is_none(),
            Links::Ended => true,
        }
    }

    pub(crate) fn has_room(&self) -> bool {
        self.in_flight < self.in_flight_max
    }

    pub(crate) fn is_done(&self, now: Mono) -> bool {
        let all = self.links == Links::Ended && self.done as f64 >= self.fed as f64 * self.share;
        all || now >= self.until
    }

    pub(crate) fn fed(&mut self, fresh: u64) {
        self.fed += fresh;
    }

    pub(crate) fn links_ended(&mut self, now: Mono) {
        self.links = Links::Ended;
        if let Some(span) = self.span {
            self.until = now.plus(span);
        }
    }

    /// Feeds on although requests lag. `false` when that was so before.
    pub(crate) fn hold_nothing_back(&mut self) -> bool {
        if self.links == Links::InStep {
            self.links = Links::Freely;
            return true;
        }
        false
    }

    pub(crate) fn settled(&mut self, is_final: bool) {
        self.done += u64::from(is_final);
    }

    pub(crate) fn takes_off(&mut self) {
        self.in_flight += 1;
    }

    pub(crate) fn lands(&mut self) {
        self.in_flight -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Followed to the letter: feed when it wants links, settle when it wants pops.
    #[test]
    fn half_is_done_at_the_end_and_the_last_tenth_without_links() {
        let mut plan = Plan::of_share(10_000, 0.5, 10);
        let (mut first, mut last) = (None, None);
        while !plan.is_done(Mono(0)) {
            if plan.wants_links() {
                plan.fed(100);
                if plan.fed >= 10_000 {
                    plan.links_ended(Mono(0));
                    last = Some(plan.done);
                }
            } else {
                assert!(plan.wants_pops());
                first.get_or_insert(plan.fed);
                plan.settled(true);
            }
        }
        assert_eq!(plan.done, 5_000);
        assert_eq!(first, Some(1_000));
        assert!((4_300..=4_600).contains(&last.unwrap()), "{last:?}");
    }
}
