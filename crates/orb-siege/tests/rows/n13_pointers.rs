//! N13: pointers to guarded addresses in every notation. The crawl's ways in stand in `orb-cli`, `tests/hostile.rs`.
use std::net::IpAddr;

use orb_fetch::{Gate, Guard, NextStep, Request};
use orb_simweb::GUARDED_HOSTS;
use orb_url::CrawlUrl;

use super::*;

/// Every notation is no URL, no name, or a guarded address; with a permit in hand too, no packet leaves.
#[test]
fn n13_no_notation_of_a_guarded_address_is_dialled() {
    besiege(async |siege: Siege| {
        let fetcher = siege.fetcher();
        let mut guarded = 0;
        for host in GUARDED_HOSTS {
            let Ok(url) = CrawlUrl::parse(&format!("http://{host}/latest/meta-data/")) else {
                continue;
            };
            let error = fetcher.resolve(url.host()).await.expect_err(host);
            assert!(
                ["guarded_address", "dns_not_found"].contains(&error.class()),
                "{host}: {error}"
            );
            if error.class() == "guarded_address" {
                assert_eq!(error.next_step(), NextStep::RefuseUrl, "{host}");
                guarded += 1;
            }
            if let Some(address) = url.host_ip() {
                let exchange = fetcher
                    .fetch(siege.permit(&url, address), &Request::get(url))
                    .await;
                assert_eq!(class(&exchange), "guarded_address", "{host}");
                assert!(matches!(exchange.gate, Gate::Unused(_)));
            }
        }
        assert!(guarded >= 35, "{guarded} of {}", GUARDED_HOSTS.len());
        assert_eq!(siege.net.watch().dialled, [], "no packet left");
    });
}

/// What the operator opens is dialled, what the operator closes is not, in every notation of it.
#[test]
fn n13_the_operators_ranges_hold_in_every_notation() {
    let nets = |text: &str| vec![text.parse().unwrap()];
    let judge = |guard: &Guard, host: &str| {
        let address: IpAddr = host.parse().unwrap();
        guard.judge(address).is_ok()
    };
    let opened = Guard::new(nets("10.0.0.0/8"), Vec::new());
    for host in [
        "10.1.2.3",
        "::ffff:10.1.2.3",
        "64:ff9b::a01:203",
        "2002:a01:203::1",
    ] {
        assert!(
            judge(&opened, host) && !judge(&Guard::default(), host),
            "{host}"
        );
    }
    let closed = Guard::new(Vec::new(), nets("8.8.0.0/16"));
    for host in [
        "8.8.8.8",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2002:808:808::1",
    ] {
        assert!(
            !judge(&closed, host) && judge(&Guard::default(), host),
            "{host}"
        );
    }
}
