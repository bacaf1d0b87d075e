//! N5: answers that two readers may understand in two ways, on connections that would be used again.
use std::time::Duration;

use orb_env::Clock;

use super::*;

/// Read where browsers read, refused where the end of the body is in doubt.
#[test]
fn n05_answers_that_can_be_read_in_two_ways_are_read_safely_or_refused() {
    check(
        HostileRow::N5,
        &[
            ("both-lengths", "whole", Some("hello")),
            ("both-lengths-other-order", "whole", Some("hello")),
            ("chunked-twice", "bad_framing", None),
            ("chunked-in-disguise", "bad_framing", None),
            ("chunked-by-1-0", "whole", Some("hello")),
            ("unknown-coding", "bad_framing", None),
            ("folded-field", "whole", Some("hello")),
            ("folded-length", "bad_head", None),
            ("folded-coding", "bad_head", None),
            ("bare-line-feeds", "whole", Some("hello")),
            ("one-bare-line-feed", "whole", Some("hello")),
            ("bare-carriage-return", "bad_head", None),
            ("null-in-value", "bad_head", None),
            ("null-in-name", "bad_head", None),
            ("space-before-colon", "whole", Some("hello")),
            ("space-before-colon-of-length", "bad_head", None),
            ("space-before-colon-of-coding", "bad_head", None),
            ("broken-line", "whole", Some("hello")),
            ("line-break-before-head", "not_http", None),
            ("answer-behind-answer", "whole", Some("hello")),
            ("answer-behind-no-content", "whole", Some("")),
            ("answer-behind-chunks", "whole", Some("hello")),
        ],
    );
}

/// A thousand attempts to leave an answer behind for the next request: none is ever stored under it.
#[test]
fn n05_no_answer_is_ever_attributed_to_another_url() {
    let row = HostileRow::N5;
    let cases = row.cases();
    besiege(async |siege: Siege| {
        let fetcher = siege.fetcher();
        let mut good = 0;
        for at in 0..1_000 {
            let case = cases[at % cases.len()];
            let is_late = at / cases.len() % 2 == 1;
            let how = if is_late { "late/" } else { "" };
            siege.send(&fetcher, row, &format!("{how}{case}")).await;
            let soon = siege.clock.mono().plus(Duration::from_secs(2));
            siege.clock.sleep_until(soon).await;
            let target = format!("plain/{at}");
            let exchange = siege.send(&fetcher, row, &target).await;
            let response = exchange.outcome.unwrap();
            let page = String::from_utf8_lossy(response.payload()).into_owned();
            assert_eq!(page, format!("<p>good page at /{target}"));
            // The good page's own connection is fit to be used again.
            good += fetcher.idle_connections();
            let again = siege.send(&fetcher, row, &target).await;
            assert!(again.reused);
        }
        assert_eq!(good, 1_000);
    });
}

/// Whatever is doubtful about an answer closes its connection, whether or not anything is behind it.
#[test]
fn n05_a_doubtful_connection_is_never_used_again() {
    let row = HostileRow::N5;
    besiege(async |siege: Siege| {
        for case in row.cases() {
            let fetcher = siege.fetcher();
            siege.send(&fetcher, row, &format!("alone/{case}")).await;
            let is_fit = case.starts_with("answer-behind");
            assert_eq!(fetcher.idle_connections(), usize::from(is_fit), "{case}");
        }
    });
}
