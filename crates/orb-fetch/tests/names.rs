//! Names to addresses: order, families, special names, the guard (fault N14).
#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod answers;
mod scripted;

use answers::{a, alias, answering, list, reply, resolve, sent};
use orb_fetch::*;
use scripted::World;

#[tokio::test(start_paused = true)]
async fn addresses_come_ipv4_first_in_a_stable_order() {
    let world = World::new();
    answering(
        &world,
        vec![
            a("x.example.", 300, "9.9.9.2"),
            a("x.example.", 300, "2606:4700::2"),
            a("x.example.", 300, "9.9.9.1"),
            a("X.EXAMPLE.", 300, "9.9.9.1"),
            a("x.example.", 300, "2606:4700::1"),
            a("poison.example.", 300, "6.6.6.6"),
        ],
    );
    let fetcher = world.fetcher();
    let expected = list(&["9.9.9.1", "9.9.9.2", "2606:4700::1", "2606:4700::2"]);
    assert_eq!(resolve(&fetcher, "x.example").await, expected);
    assert_eq!(world.net.questions().len(), 2);
    assert_eq!(
        resolve(&fetcher, "x.example").await,
        expected,
        "from the cache"
    );
    assert_eq!(world.net.questions().len(), 2);
}

/// One address a permit, no racing: the next permit tries the other family, and in the end every address.
#[test]
fn the_families_take_turns() {
    let check = |addresses: &[&str], expected: &[&str]| {
        let resolved = Resolved {
            addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
            refused: 0,
        };
        let turns: Vec<String> = (0..expected.len())
            .map(|turn| resolved.address(turn).to_string())
            .collect();
        assert_eq!(turns, expected);
    };
    check(
        &["9.9.9.1", "9.9.9.2", "2606::1"],
        &["9.9.9.1", "2606::1", "9.9.9.2", "2606::1", "9.9.9.1"],
    );
    check(&["9.9.9.1", "9.9.9.2"], &["9.9.9.1", "9.9.9.2", "9.9.9.1"]);
    check(&["2606::1", "2606::2"], &["2606::1", "2606::2", "2606::1"]);
}

#[tokio::test(start_paused = true)]
async fn literals_and_local_names_are_never_asked_about() {
    let mut world = World::new();
    let fetcher = world.fetcher();
    assert_eq!(resolve(&fetcher, "8.8.8.8").await, list(&["8.8.8.8"]));
    assert_eq!(
        resolve(&fetcher, "[2606:4700::1]").await,
        list(&["2606:4700::1"])
    );
    assert_eq!(
        resolve(&fetcher, "[::ffff:127.0.0.1]").await,
        Err("guarded_address")
    );
    assert_eq!(resolve(&fetcher, "localhost").await, Err("guarded_address"));
    assert_eq!(
        resolve(&fetcher, "a.localhost").await,
        Err("guarded_address")
    );
    assert_eq!(
        resolve(&fetcher, "hidden.onion").await,
        Err("dns_not_found")
    );
    assert!(world.net.questions().is_empty());
    world.guard = Guard::new(vec!["127.0.0.0/8".parse().unwrap()], Vec::new());
    assert_eq!(
        resolve(&world.fetcher(), "localhost").await,
        list(&["127.0.0.1"])
    );
    world.dns.servers.clear();
    assert_eq!(
        resolve(&world.fetcher(), "x.example").await,
        Err("dns_no_servers")
    );
}

/// N14: guarded addresses among public ones are left out; only guarded ones refuse the host.
#[tokio::test(start_paused = true)]
async fn n14_the_guard_judges_every_address() {
    let world = World::new();
    world.net.dns(|_, question| {
        let records = [
            a("mixed.example.", 0, "9.9.9.9"),
            a("mixed.example.", 0, "10.0.0.1"),
            a("mixed.example.", 0, "fd00::1"),
            a("inside.example.", 0, "169.254.169.254"),
            alias("alias.example.", "metadata.internal."),
            a("metadata.internal.", 0, "169.254.169.254"),
        ];
        sent(&reply(question, &records))
    });
    let fetcher = world.fetcher();
    let mixed = fetcher.resolve("mixed.example").await.unwrap();
    assert_eq!((mixed.addresses.len(), mixed.refused), (1, 2));
    for host in ["inside.example", "alias.example"] {
        let error = fetcher.resolve(host).await.unwrap_err();
        assert_eq!(
            (error.class(), error.next_step()),
            ("guarded_address", NextStep::RefuseUrl)
        );
        assert!(
            !error.to_string().contains("169.254"),
            "no internal address is echoed in the message"
        );
    }
}

/// One who gives up waiting does not spoil it for those who wait on, nor for the next.
#[tokio::test(start_paused = true)]
async fn a_waiter_may_give_up() {
    let world = World::new();
    answering(
        &world,
        vec![
            a("x.example.", 300, "9.9.9.9"),
            a("x.example.", 300, "2606:4700::1"),
        ],
    );
    let fetcher = world.fetcher();
    let mut first = Box::pin(resolve(&fetcher, "x.example"));
    assert!(futures_util::poll!(first.as_mut()).is_ready() || world.net.questions().len() <= 2);
    drop(first);
    assert_eq!(
        resolve(&fetcher, "x.example").await,
        list(&["9.9.9.9", "2606:4700::1"])
    );
}
