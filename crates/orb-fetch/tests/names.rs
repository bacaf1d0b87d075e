//! Resolution against scripted DNS servers (faults N14 and N15).
#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod scripted;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use orb_fetch::*;
use scripted::{DnsReply, Step, World};

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn record(owner: &str, ttl: u32, data: RData) -> Record {
    Record::from_rdata(name(owner), ttl, data)
}

fn a(owner: &str, ttl: u32, address: &str) -> Record {
    let data = match address.parse::<IpAddr>().unwrap() {
        IpAddr::V4(v4) => RData::A(A(v4)),
        IpAddr::V6(v6) => RData::AAAA(AAAA(v6)),
    };
    record(owner, ttl, data)
}

fn alias(owner: &str, target: &str) -> Record {
    record(owner, 300, RData::CNAME(CNAME(name(target))))
}

/// An answer to `question` with the records of the asked type, and aliases.
fn reply(question: &[u8], records: &[Record]) -> Message {
    let asked = Message::from_vec(question).unwrap();
    let mut message = Message::new(asked.metadata.id, MessageType::Response, OpCode::Query);
    message.add_query(asked.queries[0].clone());
    let family = asked.queries[0].query_type();
    for record in records {
        if record.record_type() == family || record.record_type() == RecordType::CNAME {
            message.add_answer(record.clone());
        }
    }
    message
}

fn sent(message: &Message) -> DnsReply {
    DnsReply::Answer(message.to_vec().unwrap())
}

fn rcode(question: &[u8], code: ResponseCode) -> Message {
    let mut message = reply(question, &[]);
    message.metadata.response_code = code;
    message
}

fn answering(world: &World, records: Vec<Record>) {
    world
        .net
        .dns(move |_, question| sent(&reply(question, &records)));
}

/// The addresses as text, or the error's class.
async fn resolve(fetcher: &Fetcher, host: &str) -> Result<Vec<String>, &'static str> {
    match fetcher.resolve(host).await {
        Ok(resolved) => Ok(resolved.addresses.iter().map(ToString::to_string).collect()),
        Err(error) => Err(error.class()),
    }
}

fn list(addresses: &[&str]) -> Result<Vec<String>, &'static str> {
    Ok(addresses.iter().map(ToString::to_string).collect())
}

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
async fn the_guard_judges_every_address() {
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

type Make = fn(&[u8]) -> DnsReply;

/// What a server does with every question, and what comes of it.
const NO_ANSWERS: [(&str, Make, &str); 10] = [
    (
        "nxdomain",
        |q| sent(&rcode(q, ResponseCode::NXDomain)),
        "dns_not_found",
    ),
    (
        "nodata",
        |q| sent(&rcode(q, ResponseCode::NoError)),
        "dns_not_found",
    ),
    (
        "servfail",
        |q| sent(&rcode(q, ResponseCode::ServFail)),
        "dns_server_failure",
    ),
    (
        "refused",
        |q| sent(&rcode(q, ResponseCode::Refused)),
        "dns_server_failure",
    ),
    ("silence", |_| DnsReply::Silence, "dns_timeout"),
    ("unreachable", |_| DnsReply::Unreachable, "dns_timeout"),
    (
        "garbage",
        |_| DnsReply::Answer(vec![0xff; 40]),
        "dns_server_failure",
    ),
    (
        "wrong id",
        |q| {
            let mut message = reply(
                q,
                &[
                    a("x.example.", 300, "9.9.9.9"),
                    a("x.example.", 300, "2606::1"),
                ],
            );
            message.metadata.id ^= 1;
            sent(&message)
        },
        "dns_server_failure",
    ),
    (
        "a question back",
        |q| DnsReply::Answer(q.to_vec()),
        "dns_server_failure",
    ),
    (
        "another question",
        |q| {
            let mut message = reply(q, &[a("x.example.", 300, "9.9.9.9")]);
            message.queries[0].set_name(name("y.example."));
            sent(&message)
        },
        "dns_server_failure",
    ),
];

#[tokio::test(start_paused = true)]
async fn answers_that_do_not_count_are_asked_again_within_bounds() {
    for (case, make, expected) in NO_ANSWERS {
        let world = World::new();
        world.net.dns(move |_, question| make(question));
        let begun = world.env.clock.mono();
        let fetcher = world.fetcher();
        assert_eq!(
            resolve(&fetcher, "x.example").await,
            Err(expected),
            "{case}"
        );
        assert!(
            world.env.clock.mono().since(begun) < Duration::from_secs(10),
            "{case}"
        );
        let asked = world.net.questions().len();
        assert!(asked <= 6, "{case}: {asked} questions");
        assert_eq!(
            resolve(&fetcher, "x.example").await,
            Err(expected),
            "{case}"
        );
        assert_eq!(world.net.questions().len(), asked, "{case} is remembered");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_server_is_passed_over_and_then_left_alone() {
    let mut world = World::new();
    let dead: SocketAddr = "1.1.1.1:53".parse().unwrap();
    world.dns.servers.insert(0, dead);
    world.net.dns(move |server, question| {
        if server == dead {
            return DnsReply::Silence;
        }
        let asked = Message::from_vec(question).unwrap().queries[0]
            .name()
            .to_string();
        sent(&reply(
            question,
            &[a(&asked, 300, "9.9.9.9"), a(&asked, 300, "2606:4700::1")],
        ))
    });
    let fetcher = world.fetcher();
    assert_eq!(
        resolve(&fetcher, "x.example").await,
        list(&["9.9.9.9", "2606:4700::1"])
    );
    let before = world
        .net
        .questions()
        .iter()
        .filter(|&&server| server == dead)
        .count();
    let begun = world.env.clock.mono();
    assert_eq!(
        resolve(&fetcher, "y.example").await,
        list(&["9.9.9.9", "2606:4700::1"])
    );
    assert_eq!(
        world.env.clock.mono(),
        begun,
        "no wait for the dead one again"
    );
    assert_eq!(
        world
            .net
            .questions()
            .iter()
            .filter(|&&server| server == dead)
            .count(),
        before
    );
}

/// A zone whose IPv6 question is never answered costs one grace, not three time-outs.
#[tokio::test(start_paused = true)]
async fn a_broken_ipv6_zone_does_not_hold_up_ipv4() {
    let world = World::new();
    world.net.dns(|_, question| {
        let asked = Message::from_vec(question).unwrap();
        if asked.queries[0].query_type() == RecordType::AAAA {
            return DnsReply::Silence;
        }
        sent(&reply(question, &[a("x.example.", 300, "9.9.9.9")]))
    });
    let begun = world.env.clock.mono();
    assert_eq!(
        resolve(&world.fetcher(), "x.example").await,
        list(&["9.9.9.9"])
    );
    assert!(world.env.clock.mono().since(begun) <= Duration::from_millis(1002));
}

#[tokio::test(start_paused = true)]
async fn aliases_are_followed_inside_the_answer_and_bounded() {
    let chain = |links: usize, end: &str| {
        let mut records: Vec<Record> = (0..links)
            .map(|i| alias(&format!("c{i}.example."), &format!("c{}.example.", i + 1)))
            .collect();
        records.push(a(&format!("c{links}.example."), 300, end));
        records
    };
    for (records, expected) in [
        (chain(1, "9.9.9.9"), list(&["9.9.9.9"])),
        (chain(16, "9.9.9.9"), list(&["9.9.9.9"])),
        (chain(17, "9.9.9.9"), Err("dns_server_failure")),
        (chain(64, "9.9.9.9"), Err("dns_server_failure")),
        (
            vec![
                alias("c0.example.", "c1.example."),
                alias("c1.example.", "c0.example."),
            ],
            Err("dns_server_failure"),
        ),
        (
            vec![alias("c0.example.", "c0.example.")],
            Err("dns_server_failure"),
        ),
        (
            vec![alias("c0.example.", "gone.example.")],
            Err("dns_not_found"),
        ),
    ] {
        let world = World::new();
        answering(&world, records.clone());
        assert_eq!(
            resolve(&world.fetcher(), "c0.example").await,
            expected,
            "{} records",
            records.len()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn thousands_of_addresses_are_cut_to_a_few_the_same_each_time() {
    let world = World::new();
    let records = (0..200u8)
        .rev()
        .map(|i| a("x.example.", 300, &format!("9.9.9.{i}")))
        .collect::<Vec<_>>();
    answering(&world, records);
    let found = resolve(&world.fetcher(), "x.example").await.unwrap();
    assert_eq!(
        (found.len(), found[0].as_str()),
        (limits::DNS_ADDRESSES_MAX, "9.9.9.0")
    );
}

/// N15: whatever TTL a zone claims, answers live between a minute and a day, absences between a minute and
/// an hour, failures half a minute.
#[tokio::test(start_paused = true)]
async fn times_to_live_are_clamped() {
    let soa = |ttl: u32, minimum: u32| {
        let data = SOA::new(name("ns."), name("mail."), 1, 1, 1, 1, minimum);
        record("example.", ttl, RData::SOA(data))
    };
    let found =
        |ttl: u32| move |question: &[u8]| reply(question, &[a("x.example.", ttl, "9.9.9.9")]);
    let gone = |authority: Option<Record>| {
        move |question: &[u8]| {
            let mut message = rcode(question, ResponseCode::NXDomain);
            authority.iter().for_each(|record| {
                message.add_authority(record.clone());
            });
            message
        }
    };
    let failed = |question: &[u8]| rcode(question, ResponseCode::ServFail);
    type Make = Box<dyn Fn(&[u8]) -> Message + Send>;
    let cases: Vec<(&str, Make, u64)> = vec![
        ("ttl 0", Box::new(found(0)), 60),
        ("ttl 300", Box::new(found(300)), 300),
        ("ttl 2^31", Box::new(found(1 << 31)), 60),
        ("ttl of years", Box::new(found(i32::MAX as u32)), 86_400),
        ("absent without soa", Box::new(gone(None)), 60),
        (
            "absent, minimum counts",
            Box::new(gone(Some(soa(900, 600)))),
            600,
        ),
        (
            "absent, ttl counts",
            Box::new(gone(Some(soa(120, 600)))),
            120,
        ),
        (
            "absent for years",
            Box::new(gone(Some(soa(1 << 30, 1 << 30)))),
            3600,
        ),
        ("failed", Box::new(failed), 30),
    ];
    for (case, make, lives_secs) in cases {
        let world = World::new();
        world.net.dns(move |_, question| sent(&make(question)));
        let fetcher = world.fetcher();
        let begun = world.env.clock.mono();
        let first = resolve(&fetcher, "x.example").await;
        let asked = world.net.questions().len();
        world
            .env
            .clock
            .sleep_until(begun.plus(Duration::from_secs(lives_secs - 1)))
            .await;
        assert_eq!(resolve(&fetcher, "x.example").await, first, "{case}");
        assert_eq!(world.net.questions().len(), asked, "{case} still lives");
        world
            .env
            .clock
            .sleep_until(begun.plus(Duration::from_secs(lives_secs + 1)))
            .await;
        assert_eq!(resolve(&fetcher, "x.example").await, first, "{case}");
        assert!(world.net.questions().len() > asked, "{case} has died");
    }
}

#[tokio::test(start_paused = true)]
async fn equal_questions_under_way_are_asked_once() {
    let world = World::new();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    world.net.dns(move |_, question| {
        // The first try of each family is lost, so that the others come while it is under way.
        if counted.fetch_add(1, Ordering::Relaxed) < 2 {
            return DnsReply::Silence;
        }
        sent(&reply(
            question,
            &[
                a("x.example.", 300, "9.9.9.9"),
                a("x.example.", 300, "2606:4700::1"),
            ],
        ))
    });
    let fetcher = world.fetcher();
    let all = join_all((0..100).map(|_| resolve(&fetcher, "x.example"))).await;
    assert!(
        all.iter()
            .all(|found| *found == list(&["9.9.9.9", "2606:4700::1"]))
    );
    assert_eq!(count.load(Ordering::Relaxed), 4);
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

#[tokio::test(start_paused = true)]
async fn a_cut_answer_is_asked_for_by_tcp() {
    let found = list(&["9.9.9.9", "2606:4700::1"]);
    for (by_tcp, expected) in [
        ("whole", found),
        ("silent", Err("dns_timeout")),
        ("cut too", Err("dns_server_failure")),
    ] {
        let world = World::new();
        let net = Arc::clone(&world.net);
        world.net.dns(move |_, question| {
            let mut cut = reply(question, &[]);
            cut.metadata.truncation = true;
            let mut whole = reply(
                question,
                &[
                    a("x.example.", 300, "9.9.9.9"),
                    a("x.example.", 300, "2606:4700::1"),
                ],
            );
            whole.metadata.truncation = by_tcp == "cut too";
            let bytes = whole.to_vec().unwrap();
            let mut framed = (bytes.len() as u16).to_be_bytes().to_vec();
            framed.extend(bytes);
            let first = if by_tcp == "silent" {
                Step::Stall
            } else {
                Step::Send(framed)
            };
            net.accept("9.9.9.9:53", vec![first, Step::Stall]);
            sent(&cut)
        });
        world.net.read_at_most(7);
        assert_eq!(
            resolve(&world.fetcher(), "x.example").await,
            expected,
            "{by_tcp}"
        );
        assert!(world.net.dialled().iter().all(|to| to.port() == 53));
    }
}

/// Servers that do not know the extension (EDNS) are asked again without it.
#[tokio::test(start_paused = true)]
async fn old_servers_are_asked_without_the_extension() {
    let world = World::new();
    world.net.dns(|_, question| {
        if Message::from_vec(question).unwrap().edns.is_some() {
            return sent(&rcode(question, ResponseCode::FormErr));
        }
        sent(&reply(
            question,
            &[
                a("x.example.", 300, "9.9.9.9"),
                a("x.example.", 300, "2606:4700::1"),
            ],
        ))
    });
    assert_eq!(
        resolve(&world.fetcher(), "x.example").await,
        list(&["9.9.9.9", "2606:4700::1"])
    );
}
