//! From an exchange to an outcome: the table of design section 5.
//!
//! In: status, headers, errors, attempts. Out: outcome, reason, what the site's clock hears.
//! May touch: nothing. Invariant: every exchange has exactly one outcome.

use std::time::Duration;

use orb_api::{Outcome, Reason};
use orb_env::Wall;
use orb_fetch::{FetchError, NextStep, ResolveError, Response, Truncated};
use orb_gate::{Feedback, retry_after};
use orb_url::CrawlUrl;

/// What became of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    pub(crate) reason: Reason,
    pub(crate) error: Option<&'static str>,
    pub(crate) counted: bool,
    pub(crate) retry_after: Option<Duration>,
    /// Where a redirect leads.
    pub(crate) target: Option<CrawlUrl>,
}

impl Verdict {
    fn plain(outcome: Outcome, reason: Reason) -> Verdict {
        Verdict {
            outcome,
            reason,
            error: None,
            counted: true,
            retry_after: None,
            target: None,
        }
    }

    fn refused_type() -> Verdict {
        Verdict::plain(Outcome::Refused, Reason::TypeFilter)
    }

    /// Judges an answer. Revisits are found later, when the payload's digest is known.
    pub(crate) fn of_response(
        url: &CrawlUrl,
        response: &Response,
        types: &[String],
        now: Wall,
    ) -> Verdict {
        Verdict::of_head(url, response, types, now).cut(response.truncated)
    }

    /// A cut at our cap is a capture; a cut by the other side is trouble, and the site's clock hears of it.
    fn cut(self, why: Option<Truncated>) -> Verdict {
        let reason = match why {
            None | Some(Truncated::Length | Truncated::Unwanted) => return self,
            Some(Truncated::Time) => Reason::Timeout,
            Some(Truncated::Disconnect) => Reason::Disconnected,
        };
        if self.outcome == Outcome::Retry {
            return self;
        }
        Verdict {
            outcome: Outcome::Retry,
            reason,
            ..self
        }
    }

    fn of_head(url: &CrawlUrl, response: &Response, types: &[String], now: Wall) -> Verdict {
        let busy = |reason| Verdict {
            retry_after: response
                .header("retry-after")
                .and_then(|value| retry_after(value, now)),
            ..Verdict::plain(Outcome::Retry, reason)
        };
        match response.status {
            200..=299 if !response.is_of_type(types) => Verdict::refused_type(),
            200..=299 => Verdict::plain(Outcome::Captured, Reason::None),
            304 => Verdict::plain(Outcome::NotModified, Reason::None),
            301..=303 | 307 | 308 => match response.header("location").map(|to| url.join(to)) {
                Some(Ok(target)) => Verdict {
                    target: Some(target),
                    ..Verdict::plain(Outcome::Redirect, Reason::None)
                },
                _ => Verdict::plain(Outcome::Gone, Reason::OddStatus),
            },
            402 => Verdict::plain(Outcome::Refused, Reason::PaymentRequired),
            429 => busy(Reason::TooManyRequests),
            400..=499 => Verdict::plain(Outcome::Gone, Reason::None),
            500..=599 => busy(Reason::ServerError),
            _ => Verdict::plain(Outcome::Gone, Reason::OddStatus),
        }
    }

    /// Judges an exchange without an answer.
    pub(crate) fn of_error(error: &FetchError) -> Verdict {
        let class = error.class();
        let (outcome, counted) = match error.next_step() {
            NextStep::RetryLater | NextStep::TryHttp => (Outcome::Retry, true),
            NextStep::RetryUncounted => (Outcome::Retry, false),
            NextStep::FailUrl => (Outcome::Failed, true),
            NextStep::RefuseUrl => (Outcome::Refused, true),
        };
        let reason = reason_of(class);
        Verdict {
            error: Some(class),
            counted,
            ..Verdict::plain(outcome, reason)
        }
    }

    /// Judges a name that gave no address.
    pub(crate) fn of_resolve(error: &ResolveError) -> Verdict {
        let (outcome, reason) = match error {
            ResolveError::AllGuarded { .. } => (Outcome::Refused, Reason::GuardedAddress),
            _ => (Outcome::Retry, Reason::Dns),
        };
        Verdict {
            error: Some(error.class()),
            ..Verdict::plain(outcome, reason)
        }
    }

    /// What the site's clock hears of an attempt that reached the network.
    pub(crate) fn feedback(&self) -> Feedback {
        let trouble = matches!(
            self.reason,
            Reason::TooManyRequests
                | Reason::Connect
                | Reason::Timeout
                | Reason::Tls
                | Reason::Disconnected
        );
        // 503 is a plea for rest; so is any 5xx that names a time.
        if trouble || self.retry_after.is_some() || self.reason == Reason::ServerError {
            Feedback::Busy {
                retry_after: self.retry_after,
            }
        } else {
            Feedback::Answered
        }
    }
}

fn reason_of(class: &str) -> Reason {
    match class {
        "guarded_address" | "bad_port" => Reason::GuardedAddress,
        "connect_timeout" | "tls_timeout" | "first_byte_timeout" | "total_timeout" | "too_slow" => {
            Reason::Timeout
        }
        "empty_response" | "head_incomplete" | "send_failed" | "stale_connection" => {
            Reason::Disconnected
        }
        class if class.starts_with("connect_") => Reason::Connect,
        class if class.starts_with("tls_") => Reason::Tls,
        "stale_permit" | "foreign_permit" | "local_resources" => Reason::None,
        _ => Reason::BadResponse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that drips its bodies is in as much trouble as one that drips its heads, and is left alone as long.
    #[test]
    fn a_sites_clock_hears_of_bodies_that_did_not_come() {
        let whole = || Verdict::plain(Outcome::Captured, Reason::None);
        let busy = Feedback::Busy { retry_after: None };
        for (why, outcome, feedback) in [
            (None, Outcome::Captured, Feedback::Answered),
            (
                Some(Truncated::Length),
                Outcome::Captured,
                Feedback::Answered,
            ),
            (
                Some(Truncated::Unwanted),
                Outcome::Captured,
                Feedback::Answered,
            ),
            (Some(Truncated::Time), Outcome::Retry, busy),
            (Some(Truncated::Disconnect), Outcome::Retry, busy),
        ] {
            let verdict = whole().cut(why);
            assert_eq!(
                (verdict.outcome, verdict.feedback()),
                (outcome, feedback),
                "{why:?}"
            );
        }
        let asked = Verdict {
            retry_after: Some(Duration::from_secs(9)),
            ..Verdict::plain(Outcome::Retry, Reason::TooManyRequests)
        };
        assert_eq!(asked.clone().cut(Some(Truncated::Time)), asked);
    }
}
