//! N1: accepts and says nothing, a byte a second, or just enough for ever.
use std::time::Duration;

use super::*;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Each ends at its own limit and not a second later; what came of a body is kept.
#[test]
fn n01_silence_and_trickles_end_at_their_limits() {
    let row = HostileRow::N1;
    let limits = [
        ("silence", "first_byte_timeout", 30, 0),
        ("slow-head", "too_slow", 15, 0),
        ("slow-body", "time", 15, 15),
        ("slow-chunks", "time", 15, 2),
        ("stalling-body", "time", 30, 40_000),
        ("steady-for-ever", "time", 120, 240_000),
        ("silence-after-interim", "first_byte_timeout", 30, 0),
        ("interim-then-thinking", "whole", 25, 5),
    ];
    check(row, &limits.map(|(case, class, ..)| (case, class, None)));
    besiege(async |siege: Siege| {
        for (case, _, seconds, payload) in limits {
            let exchange = siege.get(row, case).await;
            let took = exchange.timings.total.unwrap();
            assert!(took <= secs(seconds + 1), "{case} took {took:?}");
            let kept = exchange
                .outcome
                .map_or(0, |response| response.payload().len());
            assert!(kept >= payload, "{case} kept {kept}");
        }
    });
}

/// Ten thousand servers that say nothing keep nobody out: they hold what they cost, a first buffer each.
#[test]
fn n01_ten_thousand_silent_servers_do_not_slow_a_thousand_good_ones() {
    let alone = good_exchanges(0);
    let besieged = good_exchanges(10_000);
    assert!(
        alone >= 30_000,
        "a thousand servers, a page a second each: {alone}"
    );
    assert!(besieged * 100 >= alone * 95, "{besieged} of {alone}");
}

/// Good pages of a thousand servers in thirty seconds, a page a second from each at most, while so many others hang.
fn good_exchanges(silent: usize) -> usize {
    use futures_util::future::join_all;
    use futures_util::stream::{FuturesUnordered, StreamExt};
    use orb_env::Clock;
    let good = std::cell::Cell::new(0);
    besiege(async |siege: Siege| {
        let fetcher = siege.fetcher();
        let hanging: FuturesUnordered<_> = (0..silent)
            .map(|_| siege.send(&fetcher, HostileRow::N1, "silence"))
            .collect();
        let until = siege.clock.mono().plus(secs(30));
        let one = async |at: usize| {
            while siege.clock.mono() < until {
                let exchange = siege
                    .send(&fetcher, HostileRow::N1, &format!("plain/{at}"))
                    .await;
                good.set(good.get() + usize::from(class(&exchange) == "whole"));
                siege
                    .clock
                    .sleep_until(siege.clock.mono().plus(secs(1)))
                    .await;
            }
        };
        let pages = join_all((0..1_000).map(one));
        futures_util::future::join(hanging.collect::<Vec<_>>(), pages).await;
        assert!(
            siege.net.watch().open_most >= silent,
            "all of them hung at once"
        );
    });
    good.get()
}
