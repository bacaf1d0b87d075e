//! N12: redirects that loop, chain or lead nowhere. What a crawl makes of them stands in `orb-cli`, `tests/hostile.rs`.
use orb_url::CrawlUrl;

use super::*;

/// The client follows nothing: each answer is one dial, and only targets that a crawl could judge come out of it.
#[test]
fn n12_redirects_are_told_and_never_followed() {
    let row = HostileRow::N12;
    let good = [
        ("to-itself", "to-itself"),
        ("loop-a", "loop-b"),
        ("loop-b", "loop-a"),
        ("hop/0", "hop/1"),
        ("relative-oddity", "/plain?x=/../y"),
        ("backslashes", "plain"),
        ("to-fragment", "plain"),
        ("empty-location", "empty-location"),
        ("two-locations", "plain?one"),
        ("temporary-to-good", "plain?temporary"),
        ("permanent-to-good", "plain?permanent"),
        ("to-userinfo", "plain"),
        ("multiple-choices", "plain"),
    ];
    let refused = [
        "to-file",
        "to-data",
        "to-javascript",
        "to-ftp",
        "to-mail",
        "to-long-url",
    ];
    besiege(async |siege: Siege| {
        for case in row.cases() {
            let before = siege.net.watch().dialled.len();
            let exchange = siege.get(row, case).await;
            assert_eq!(siege.net.watch().dialled.len(), before + 1, "{case}");
            let base = CrawlUrl::parse(&orb_siege::url_of(row, case)).unwrap();
            let Ok(response) = exchange.outcome else {
                assert_eq!(case, "to-control-characters", "{:?}", exchange.outcome);
                continue;
            };
            let target = response.header("location").map(|to| base.join(to));
            if let Some((_, expected)) = good.iter().find(|(name, _)| *name == case) {
                let expected = orb_siege::url_of(row, expected);
                assert_eq!(target.unwrap().unwrap().as_str(), expected, "{case}");
            } else if refused.contains(&case) {
                assert!(target.unwrap().is_err(), "{case}");
            }
        }
    });
}
