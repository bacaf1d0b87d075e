//! Names whose servers are dead, broken or hostile (fault N15), in virtual time.
#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod answers;
mod scripted;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use answers::{a, alias, answering, list, name, rcode, record, reply, resolve, sent};
use futures_util::StreamExt;
use futures_util::future::join_all;
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::{RData, Record, RecordType};
use orb_env::Clock;
use orb_fetch::*;
use scripted::{DnsReply, Step, World};

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
async fn n15_answers_that_do_not_count_are_asked_again_within_bounds() {
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
async fn n15_a_dead_server_is_passed_over_and_then_left_alone() {
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
async fn n15_a_broken_ipv6_zone_does_not_hold_up_ipv4() {
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
async fn n15_aliases_are_followed_inside_the_answer_and_bounded() {
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

/// 4,000 A records fit no datagram: the answer is cut, comes by TCP, and a few of them are kept, the same each time.
#[tokio::test(start_paused = true)]
async fn n15_thousands_of_addresses_are_cut_to_a_few_the_same_each_time() {
    let world = World::new();
    let net = Arc::clone(&world.net);
    world.net.dns(move |_, question| {
        let mut whole = reply(question, &[]).to_vec().unwrap();
        if whole.ends_with(&[0, 1, 0, 1]) {
            whole[6..8].copy_from_slice(&4_000u16.to_be_bytes());
            for i in (0..4_000u16).rev() {
                // The asked name again, type A, class IN, five minutes.
                whole.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 9, 9]);
                whole.extend_from_slice(&i.to_be_bytes());
            }
        }
        let mut framed = u16::try_from(whole.len()).unwrap().to_be_bytes().to_vec();
        framed.extend(whole);
        net.accept("9.9.9.9:53", vec![Step::Send(framed), Step::Stall]);
        let mut cut = reply(question, &[]);
        cut.metadata.truncation = true;
        sent(&cut)
    });
    let found = resolve(&world.fetcher(), "x.example").await.unwrap();
    assert_eq!(
        (found.len(), found[0].as_str()),
        (limits::DNS_ADDRESSES_MAX, "9.9.0.0")
    );
}

/// What an answer says about other names is not believed: they are asked about themselves.
#[tokio::test(start_paused = true)]
async fn n15_poison_beside_an_answer_is_not_remembered() {
    let world = World::new();
    world.net.dns(|_, question| {
        let asked = Message::from_vec(question).unwrap().queries[0]
            .name()
            .to_string();
        let mut message = reply(question, &[a(&asked, 300, "9.9.9.9")]);
        if asked != "bank.example." {
            let poison = a("bank.example.", 86_400, "6.6.6.6");
            message.add_answer(poison.clone());
            message.add_authority(poison.clone());
            message.add_additional(poison);
        }
        sent(&message)
    });
    let fetcher = world.fetcher();
    for host in ["x.example", "bank.example"] {
        assert_eq!(resolve(&fetcher, host).await, list(&["9.9.9.9"]), "{host}");
    }
    assert_eq!(world.net.questions().len(), 4);
}

/// Names without end that do not exist: each is asked about once, and the table keeps its bound.
#[tokio::test(start_paused = true)]
async fn n15_a_flood_of_absent_names_is_asked_about_once_each() {
    let mut world = World::new();
    world.dns.cache_hosts_max = 1_000;
    world
        .net
        .dns(|_, question| sent(&rcode(question, ResponseCode::NXDomain)));
    let fetcher = world.fetcher();
    for n in 0..5_000 {
        let host = format!("h{n}.flood.example");
        assert_eq!(resolve(&fetcher, &host).await, Err("dns_not_found"));
        assert_eq!(resolve(&fetcher, &host).await, Err("dns_not_found"));
    }
    let asked = world.net.questions().len();
    assert!(asked <= 2 * 5_000, "{asked} questions, two families a name");
}

/// A crawl's places: so many names are looked up at once, the next when one is done. Returns how long the names that
/// `counts` took until the last of them was there, and how many questions were asked.
async fn looked_up(
    world: &World,
    hosts: Vec<String>,
    places: usize,
    counts: fn(&str) -> bool,
) -> (Duration, usize) {
    let fetcher = world.fetcher();
    let begun = world.clock.mono();
    let last = std::cell::Cell::new(begun);
    futures_util::stream::iter(hosts)
        .for_each_concurrent(places, |host| {
            let (fetcher, last, clock) = (&fetcher, &last, &world.clock);
            async move {
                let found = resolve(fetcher, &host).await;
                if counts(&host) {
                    assert!(found.is_ok(), "{host}: {found:?}");
                    // A page is fetched from there in the same place.
                    let done = clock.mono().plus(Duration::from_millis(500));
                    clock.sleep_until(done).await;
                    last.set(last.get().max(clock.mono()));
                }
            }
        })
        .await;
    (last.get().since(begun), world.net.questions().len())
}

/// A dead zone of thousands of hosts among living ones: those keep 95 % of their pace. What it costs is the time until
/// its first hosts are given up, once.
#[tokio::test(start_paused = true)]
async fn n15_a_dead_zone_slows_nobody_else() {
    fn is_good(host: &str) -> bool {
        host.starts_with("good")
    }
    let places = 100;
    let good = (0..50_000).map(|n| format!("good{n}-site.example"));
    let mut taken = Vec::new();
    for dead in [0, 25_000] {
        let world = World::new();
        world.net.dns(|_, question| {
            let asked = Message::from_vec(question).unwrap().queries[0]
                .name()
                .to_string();
            if !is_good(&asked) {
                return DnsReply::Silence;
            }
            sent(&reply(
                question,
                &[a(&asked, 300, "9.9.9.9"), a(&asked, 300, "2606:4700::1")],
            ))
        });
        // Evenly among the good ones.
        let mut hosts = Vec::new();
        for (n, host) in good.clone().enumerate() {
            hosts.push(host);
            if n * dead / 50_000 != (n + 1) * dead / 50_000 {
                hosts.push(format!("h{n}.dead.example"));
            }
        }
        let (took, asked) = looked_up(&world, hosts, places, is_good).await;
        taken.push((took, asked));
    }
    let (alone, beside) = (taken[0].0, taken[1].0);
    assert!(
        beside.as_secs_f64() * 0.95 <= alone.as_secs_f64(),
        "{alone:?} alone, {beside:?} beside a dead zone"
    );
    let in_vain = taken[1].1 - taken[0].1;
    assert!(in_vain < 1_000, "{in_vain} questions to a dead zone");
}

/// RFC 8767: while nobody answers, the addresses from before are used; an absence ends them.
#[tokio::test(start_paused = true)]
async fn n15_addresses_outlive_an_outage_of_their_zone() {
    for (case, make, after_hours, expected) in [
        ("silence", NO_ANSWERS[4].1, 1, list(&["9.9.9.9"])),
        ("servfail", NO_ANSWERS[2].1, 23, list(&["9.9.9.9"])),
        ("silence for long", NO_ANSWERS[4].1, 25, Err("dns_timeout")),
        ("gone", NO_ANSWERS[0].1, 1, Err("dns_not_found")),
    ] {
        let world = World::new();
        let up = Arc::new(std::sync::atomic::AtomicBool::new(true));
        let is_up = Arc::clone(&up);
        world.net.dns(move |_, question| {
            if is_up.load(Ordering::Relaxed) {
                return sent(&reply(question, &[a("x.example.", 300, "9.9.9.9")]));
            }
            make(question)
        });
        let fetcher = world.fetcher();
        assert_eq!(resolve(&fetcher, "x.example").await, list(&["9.9.9.9"]));
        up.store(false, Ordering::Relaxed);
        let later = Duration::from_secs(300 + after_hours * 3_600);
        world
            .clock
            .sleep_until(world.clock.mono().plus(later))
            .await;
        assert_eq!(resolve(&fetcher, "x.example").await, expected, "{case}");
        // Not asked again at once, but soon: the zone is back after half a minute.
        let asked = world.net.questions().len();
        assert_eq!(resolve(&fetcher, "x.example").await, expected, "{case}");
        assert_eq!(world.net.questions().len(), asked, "{case}");
        up.store(true, Ordering::Relaxed);
        let later = world.clock.mono().plus(Duration::from_secs(61));
        world.clock.sleep_until(later).await;
        assert_eq!(
            resolve(&fetcher, "x.example").await,
            list(&["9.9.9.9"]),
            "{case}"
        );
        assert!(world.net.questions().len() > asked, "{case}");
    }
}

/// N15: whatever TTL a zone claims, answers live between a minute and a day, absences between a minute and
/// an hour, failures half a minute.
#[tokio::test(start_paused = true)]
async fn n15_times_to_live_are_clamped() {
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
async fn n15_equal_questions_under_way_are_asked_once() {
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

#[tokio::test(start_paused = true)]
async fn n15_a_cut_answer_is_asked_for_by_tcp() {
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
async fn n15_old_servers_are_asked_without_the_extension() {
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
