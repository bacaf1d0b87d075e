//! What becomes of a URL: the closed lists.
//!
//! In: codes and names. Out: enums. May touch: nothing.
//! Invariant: a code, once given, is never given to something else.

use serde::{Deserialize, Serialize};

macro_rules! closed_list {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $code:literal $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$doc])* $variant),+ }
        impl $name {
            /// Every value, in the order of the codes.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];
            /// The stored code.
            #[must_use]
            pub fn code(self) -> u8 { match self { $($name::$variant => $code),+ } }
            /// The value of a stored code.
            #[must_use]
            pub fn from_code(code: u8) -> Option<$name> { match code { $($code => Some($name::$variant),)+ _ => None } }
            /// The name in JSON, logs and reports.
            #[must_use]
            pub fn name(self) -> &'static str { match self { $($name::$variant => $text),+ } }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.name()) }
        }
    };
}

closed_list! {
    /// How one attempt ended.
    Outcome {
        /// 2xx: a page was archived.
        Captured = 1 "captured",
        /// 304, or the payload was seen before: a revisit was archived.
        NotModified = 2 "not_modified",
        /// 3xx with a target, which counts as a newly found URL.
        Redirect = 3 "redirect",
        /// 404, 410 and other 4xx but 402 and 429.
        Gone = 4 "gone",
        /// Not allowed: robots, guarded address, opt-out, type filter, 402.
        Refused = 5 "refused",
        /// Trouble with attempts left.
        Retry = 6 "retry",
        /// Trouble, attempts spent.
        Failed = 7 "failed",
    }
}

closed_list! {
    /// The state of an admitted URL.
    UrlState {
        /// Waiting in a queue.
        Pending = 1 "pending",
        /// Fetched, or known to be gone or elsewhere.
        Done = 2 "done",
        /// Given up after its attempts.
        Failed = 3 "failed",
        /// Not fetched, for a reason that is written down.
        Excluded = 4 "excluded",
    }
}

closed_list! {
    /// Why a URL was excluded, failed, or is tried again.
    Reason {
        /// Nothing to explain.
        None = 0 "none",
        /// A rule of robots.txt.
        Robots = 1 "robots",
        /// robots.txt could not be had and its attempts are spent.
        RobotsUnreachable = 2 "robots_unreachable",
        /// The crawl-delay asked for is above the cap.
        CrawlDelay = 3 "crawl_delay",
        /// Every address of the host is private, local or otherwise guarded.
        GuardedAddress = 4 "guarded_address",
        /// The site asked the operator to be left alone.
        OptOut = 5 "opt_out",
        /// The content type is not wanted.
        TypeFilter = 6 "type_filter",
        /// 402: the site wants to be paid.
        PaymentRequired = 7 "payment_required",
        /// The site's, host's or prefix's page budget is spent.
        Budget = 8 "budget",
        /// The page ended the process twice.
        Poison = 9 "poison",
        /// The operator's URL rules.
        Rule = 10 "rule",
        /// 429.
        TooManyRequests = 20 "too_many_requests",
        /// 5xx.
        ServerError = 21 "server_error",
        /// The name could not be resolved.
        Dns = 22 "dns",
        /// No connection.
        Connect = 23 "connect",
        /// No trusted TLS session.
        Tls = 24 "tls",
        /// A time limit ran out.
        Timeout = 25 "timeout",
        /// The connection broke.
        Disconnected = 26 "disconnected",
        /// The answer is no HTTP we can trust.
        BadResponse = 27 "bad_response",
        /// A status outside the known classes.
        OddStatus = 28 "odd_status",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_are_read_back() {
        for &reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(reason));
            assert_eq!(
                serde_json::to_string(&reason).unwrap(),
                format!("\"{}\"", reason.name())
            );
        }
        for &outcome in Outcome::ALL {
            assert_eq!(Outcome::from_code(outcome.code()), Some(outcome));
            assert_eq!(
                serde_json::to_string(&outcome).unwrap(),
                format!("\"{}\"", outcome.name())
            );
        }
        for &state in UrlState::ALL {
            assert_eq!(UrlState::from_code(state.code()), Some(state));
            assert_eq!(
                serde_json::to_string(&state).unwrap(),
                format!("\"{}\"", state.name())
            );
        }
        assert_eq!(Outcome::from_code(0), None);
    }
}
