//! N14: names whose addresses change, mix or hide.
use std::time::Duration;

use orb_env::Clock;
use orb_fetch::Request;
use orb_siege::{ADDRESS, port_of};
use orb_url::CrawlUrl;

use super::*;

/// Ten thousand fetches while the names flip: whatever the zone answers, only the address that was checked is dialled.
#[test]
fn n14_a_name_that_changes_never_leads_to_a_guarded_address() {
    besiege(async |siege: Siege| {
        let fetcher = siege.fetcher();
        let port = port_of(HostileRow::N14);
        let (mut refused, mut fetched) = (0, 0);
        for at in 0..10_000 {
            let cases = HostileRow::N14.cases();
            let name = cases[at % cases.len()];
            let url =
                CrawlUrl::parse(&format!("http://{name}.hostile.test:{port}/plain/{at}")).unwrap();
            // Far enough apart for the shortest time that an answer is kept, not for a connection's.
            if at % cases.len() == 0 {
                let later =
                    siege
                        .clock
                        .mono()
                        .plus(Duration::from_secs(if at % 3 == 0 { 61 } else { 5 }));
                siege.clock.sleep_until(later).await;
            }
            match fetcher.resolve(url.host()).await {
                Ok(resolved) => {
                    assert_eq!(resolved.addresses, [ADDRESS], "{name}");
                    let request = Request {
                        keep_open: true,
                        ..Request::get(url.clone())
                    };
                    let permit = siege.permit(&url, resolved.addresses[0]);
                    let exchange = fetcher.fetch(permit, &request).await;
                    assert_eq!(class(&exchange), "whole", "{name}");
                    fetched += 1;
                }
                Err(error) => {
                    assert!(error.class() == "guarded_address", "{name}: {error}");
                    refused += 1;
                }
            }
        }
        let watch = siege.net.watch();
        assert!(watch.dialled.iter().all(|to| to.ip() == ADDRESS));
        assert!(
            fetched > 2_000 && refused > 2_000,
            "{fetched} fetched, {refused} refused"
        );
        assert!(
            watch.questions > 1_000,
            "the zone was asked again: {}",
            watch.questions
        );
    });
}

/// What a name answers is kept for a while, so a zone without TTL cannot change its mind between check and dial.
#[test]
fn n14_the_address_that_was_checked_is_the_address_dialled() {
    besiege(async |siege: Siege| {
        let fetcher = siege.fetcher();
        let first = fetcher.resolve("flip.hostile.test").await.unwrap();
        assert_eq!(first.addresses, [ADDRESS]);
        assert_eq!(fetcher.resolve("flip.hostile.test").await.unwrap(), first);
        siege
            .clock
            .sleep_until(siege.clock.mono().plus(Duration::from_secs(61)))
            .await;
        let later = fetcher.resolve("flip.hostile.test").await.unwrap_err();
        assert_eq!(later.class(), "guarded_address");
        let mixed = fetcher.resolve("mixed.hostile.test").await.unwrap();
        assert_eq!(
            (mixed.addresses.as_slice(), mixed.refused),
            (&[ADDRESS][..], 4)
        );
    });
}
