//! Time, rate, memory, reuse, permits and the guard (faults N1, N5, N11, N13, N14).
#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod scripted;

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::{join, join_all};
use orb_fetch::*;
use scripted::{Dial, ScriptedTls, Step, World, answer, class, request};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// N1: whatever a server delays, the exchange ends within its limit and a second.
#[tokio::test(start_paused = true)]
async fn slow_servers_end_at_their_limit() {
    let head = "HTTP/1.1 200 OK\r\n\r\n".to_owned();
    let long = format!("{head}{}", "x".repeat(100_000));
    let fast_then_slow = vec![
        Step::Request,
        Step::Send(format!("{head}{}", "x".repeat(40_000)).into_bytes()),
        Step::Drip(vec![b'x'; 1000], secs(1)),
    ];
    let trickle = |bytes: &str| {
        vec![
            Step::Request,
            Step::Drip(bytes.into(), secs(1)),
            Step::Close,
        ]
    };
    for (name, dial, expected, at_most) in [
        ("no connection", Dial::Hang, "connect_timeout", 10),
        (
            "no answer",
            Dial::Accept(vec![Step::Stall]),
            "first_byte_timeout",
            30,
        ),
        (
            "slow head",
            Dial::Accept(trickle(&long[..18])),
            "too_slow",
            16,
        ),
        ("slow body", Dial::Accept(trickle(&long)), "too_slow", 16),
        ("stalling body", Dial::Accept(fast_then_slow), "time", 30),
        (
            "steady but endless",
            Dial::Accept(vec![
                Step::Request,
                Step::Drip(vec![b'x'; 0], secs(1)),
                Step::Stall,
            ]),
            "first_byte_timeout",
            30,
        ),
    ] {
        let world = World::new();
        world.net.on("8.8.8.8:80", dial);
        let exchange = world.get("http://example.com/").await;
        assert_eq!(class(&exchange), expected, "{name}");
        let took = exchange.timings.total.unwrap();
        assert!(took <= secs(at_most + 1), "{name} took {took:?}");
        if let Ok(response) = exchange.outcome {
            assert!(
                response.payload().len() >= 40_000,
                "{name}: what came is kept"
            );
        }
    }
}

/// A body above the least rate still ends at the total limit, and what came is kept.
#[tokio::test(start_paused = true)]
async fn the_total_limit_cuts_a_steady_body() {
    let mut steps = vec![
        Step::Request,
        Step::Send(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
    ];
    for _ in 0..200 {
        steps.extend([Step::Send(vec![b'x'; 2000]), Step::Wait(secs(1))]);
    }
    let exchange = World::new().exchange(steps).await;
    assert_eq!(class(&exchange), "time");
    assert!((secs(120)..=secs(121)).contains(&exchange.timings.total.unwrap()));
    assert!(exchange.outcome.unwrap().payload().len() >= 238_000);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_thinks_within_the_limits_is_waited_for() {
    let steps = vec![
        Step::Request,
        Step::Wait(secs(29)),
        Step::Send(OK.into()),
        Step::Close,
    ];
    let exchange = World::new().exchange(steps).await;
    assert_eq!(class(&exchange), "whole");
    assert!((secs(29)..secs(30)).contains(&exchange.timings.first_byte.unwrap()));
    assert_eq!(exchange.timings.buffer_wait, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn failures_to_connect_have_their_classes_and_their_next_step() {
    use std::io::ErrorKind;
    for (dial, expected) in [
        (Dial::Refuse, "connect_refused"),
        (
            Dial::Fail(ErrorKind::HostUnreachable),
            "connect_unreachable",
        ),
        (
            Dial::Fail(ErrorKind::NetworkUnreachable),
            "connect_unreachable",
        ),
        (Dial::Fail(ErrorKind::ConnectionReset), "connect_failed"),
    ] {
        let world = World::new();
        world.net.on("8.8.8.8:80", dial);
        let error = world.get("http://example.com/").await.outcome.unwrap_err();
        assert_eq!(
            (error.class(), error.next_step()),
            (expected, NextStep::TryHttp)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_request_is_what_the_settings_say() {
    let mut world = World::new();
    world.config.from = "mail@example.org".into();
    world.net.accept("8.8.8.8:8080", answer(OK));
    let mut asked = request("http://example.com:8080/a?b=c");
    asked.validators = Some(Validators {
        etag: Some("W/\"x\"".into()),
        last_modified: Some("evil\r\nX: injected".into()),
    });
    let permit = world.permit("http://example.com/", "8.8.8.8");
    let exchange = world.fetcher().fetch(permit, &asked).await;
    let expected = "GET /a?b=c HTTP/1.1\r\nHost: example.com:8080\r\nUser-Agent: orbtest/1.0 (+mail@example.org)\r\nFrom: mail@example.org\r\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,text/*;q=0.8,*/*;q=0.5\r\nAccept-Language: en;q=0.9,*;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nIf-None-Match: W/\"x\"\r\nConnection: close\r\n\r\n";
    assert_eq!(world.net.sent(), expected);
    assert_eq!(exchange.request_bytes, expected.as_bytes());
    assert_eq!(
        (exchange.wire_bytes_out, exchange.wire_bytes_in),
        (expected.len() as u64, OK.len() as u64)
    );
    assert_eq!(
        exchange.remote,
        "8.8.8.8:8080".parse::<SocketAddr>().unwrap()
    );
}

/// Two exchanges with one origin: whether the second used the first one's connection, and its class.
async fn second_on(first_answer: &str, then: Vec<Step>) -> (bool, &'static str, usize) {
    let world = World::new();
    let mut steps = vec![Step::Request, Step::Send(first_answer.into())];
    steps.extend(then);
    world.net.accept("8.8.8.8:80", steps);
    world.net.accept("8.8.8.8:80", answer(OK));
    let fetcher = world.fetcher();
    let mut asked = request("http://example.com/");
    asked.keep_open = true;
    let first = fetcher
        .fetch(world.permit("http://example.com/", "8.8.8.8"), &asked)
        .await;
    assert!(first.outcome.is_ok() && !first.reused);
    world
        .env
        .clock
        .sleep_until(world.env.clock.mono().plus(secs(2)))
        .await;
    let second = fetcher
        .fetch(world.permit("http://example.com/", "8.8.8.8"), &asked)
        .await;
    assert!(matches!(second.gate, Gate::Spent(_)));
    (second.reused, class(&second), world.net.dialled().len())
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_used_again_when_its_answer_ended_cleanly() {
    let again = || vec![Step::Request, Step::Send(OK.into()), Step::Stall];
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    let v1_0 = "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok";
    let patient = "HTTP/1.1 304 Fine\r\nKeep-Alive: timeout=5, max=9\r\n\r\n";
    for reusable in [OK, chunked, v1_0, patient] {
        assert_eq!(
            second_on(reusable, again()).await,
            (true, "whole", 1),
            "{reusable:?}"
        );
    }
}

/// N3 and N5: after anything doubtful the connection is closed, so that no answer goes to another URL.
#[tokio::test(start_paused = true)]
async fn a_connection_is_closed_after_anything_doubtful() {
    let again = || {
        vec![
            Step::Request,
            Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil".to_vec()),
        ]
    };
    for doubtful in [
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nConnection: foo, Close\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        "HTTP/1.1 204 No\r\n\r\nbody",
        "HTTP/1.1 304 No\r\nContent-Length: none\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: timeout=1\r\n\r\nok",
    ] {
        assert_eq!(
            second_on(doubtful, again()).await,
            (false, "whole", 2),
            "{doubtful:?}"
        );
    }
}

/// Bytes that nobody asked for, or a close, while the connection idled.
#[tokio::test(start_paused = true)]
async fn an_idle_connection_that_is_not_quiet_is_not_used() {
    let unasked = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil".to_vec();
    for then in [
        vec![Step::Send(unasked)],
        vec![Step::Close],
        vec![Step::Reset],
    ] {
        assert_eq!(second_on(OK, then).await, (false, "whole", 2));
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_dies_under_a_request_is_no_fault_of_the_site() {
    for last in [Step::Close, Step::Reset] {
        assert_eq!(
            second_on(OK, vec![Step::Request, last]).await,
            (true, "stale_connection", 1)
        );
    }
    let error = FetchError::StaleConnection;
    assert_eq!(error.next_step(), NextStep::RetryUncounted);
    assert!(!error.blames_site());
    // Once a byte has come the server did answer.
    let half = vec![
        Step::Request,
        Step::Send(b"HTTP/1.1 2".to_vec()),
        Step::Close,
    ];
    assert_eq!(second_on(OK, half).await, (true, "head_incomplete", 1));
}

#[tokio::test(start_paused = true)]
async fn idle_connections_are_bounded_and_swept() {
    let mut world = World::new();
    world.config.idle_connections_max = 3;
    let fetcher = world.fetcher();
    for host in 0..5 {
        world.net.accept(
            "8.8.8.8:80",
            vec![Step::Request, Step::Send(OK.into()), Step::Stall],
        );
        let url = format!("http://h{host}.example/");
        let mut asked = request(&url);
        asked.keep_open = true;
        assert!(
            fetcher
                .fetch(world.permit(&url, "8.8.8.8"), &asked)
                .await
                .outcome
                .is_ok()
        );
    }
    assert_eq!((fetcher.idle_connections(), world.net.dropped()), (3, 2));
    let now = world.env.clock.mono();
    fetcher.sweep_idle(now.plus(secs(34)));
    assert_eq!(fetcher.idle_connections(), 3);
    fetcher.sweep_idle(now.plus(secs(35)));
    assert_eq!((fetcher.idle_connections(), world.net.dropped()), (0, 5));
}

#[tokio::test(start_paused = true)]
async fn keep_alive_off_closes_every_connection() {
    let mut world = World::new();
    world.config.keep_alive = false;
    world.net.accept(
        "8.8.8.8:80",
        vec![Step::Request, Step::Send(OK.into()), Step::Stall],
    );
    let mut asked = request("http://example.com/");
    asked.keep_open = true;
    let fetcher = world.fetcher();
    let exchange = fetcher
        .fetch(world.permit("http://example.com/", "8.8.8.8"), &asked)
        .await;
    assert!(exchange.outcome.is_ok() && world.net.sent().contains("Connection: close\r\n"));
    assert_eq!((fetcher.idle_connections(), world.net.dropped()), (0, 1));
}

/// Promise 6, N13 and N14: what must not be dialled is not, and the permit comes back unused.
#[tokio::test(start_paused = true)]
async fn refusals_leave_the_permit_unused_and_send_no_packet() {
    for (url, address, expected, next) in [
        (
            "http://example.com/",
            "127.0.0.1",
            "guarded_address",
            NextStep::RefuseUrl,
        ),
        (
            "http://example.com/",
            "169.254.169.254",
            "guarded_address",
            NextStep::RefuseUrl,
        ),
        (
            "http://example.com/",
            "::ffff:10.0.0.1",
            "guarded_address",
            NextStep::RefuseUrl,
        ),
        (
            "http://example.com:25/",
            "8.8.8.8",
            "bad_port",
            NextStep::RefuseUrl,
        ),
        (
            "http://8.8.4.4/",
            "8.8.8.8",
            "foreign_permit",
            NextStep::RetryUncounted,
        ),
    ] {
        let world = World::new();
        let exchange = world
            .fetcher()
            .fetch(world.permit(url, address), &request(url))
            .await;
        assert!(matches!(exchange.gate, Gate::Unused(_)), "{url}");
        let error = exchange.outcome.unwrap_err();
        assert_eq!(
            (error.class(), error.next_step()),
            (expected, next),
            "{url} at {address}"
        );
        assert!(world.net.dialled().is_empty());
    }
    let world = World::new();
    let permit = world.permit("http://other.org/", "8.8.8.8");
    let exchange = world
        .fetcher()
        .fetch(permit, &request("http://example.com/"))
        .await;
    assert_eq!(class(&exchange), "foreign_permit");
}

#[tokio::test(start_paused = true)]
async fn an_opened_range_is_dialled() {
    let mut world = World::new();
    world.guard = Guard::new(vec!["127.0.0.0/8".parse().unwrap()], Vec::new());
    world.net.accept("127.0.0.1:8080", answer(OK));
    let url = "http://127.0.0.1:8080/";
    let exchange = world
        .fetcher()
        .fetch(world.permit(url, "127.0.0.1"), &request(url))
        .await;
    assert_eq!(class(&exchange), "whole");
}

#[tokio::test(start_paused = true)]
async fn a_permit_is_started_within_its_window_or_not_at_all() {
    let world = World::new();
    let permit = world.permit("http://example.com/", "8.8.8.8");
    let (from, until) = (permit.not_before(), permit.not_after());
    world
        .env
        .clock
        .sleep_until(until.plus(Duration::from_millis(1)))
        .await;
    let exchange = world
        .fetcher()
        .fetch(permit, &request("http://example.com/"))
        .await;
    assert!(matches!(exchange.gate, Gate::Unused(_)));
    assert_eq!(class(&exchange), "stale_permit");
    assert!(world.net.dialled().is_empty() && from < until);

    world.net.accept("8.8.8.8:80", answer(OK));
    let early = world.env.clock.mono().plus(Duration::from_millis(700));
    let permit = scripted::permit(
        &request("http://example.com/").url,
        [8, 8, 8, 8].into(),
        early,
    );
    let exchange = world
        .fetcher()
        .fetch(permit, &request("http://example.com/"))
        .await;
    assert!(
        exchange.started.mono >= early,
        "an early call waits for the permit's time"
    );
    let Gate::Spent(spent) = exchange.gate else {
        panic!("{:?}", exchange.gate)
    };
    assert_eq!(spent.started(), exchange.started.mono);
    assert_eq!(
        spent.ended(),
        exchange.started.mono.plus(exchange.timings.total.unwrap())
    );
}

/// Memory is granted oldest first; waiting for it counts against no limit of the server.
#[tokio::test(start_paused = true)]
async fn buffers_of_all_exchanges_stay_within_their_memory() {
    let mut world = World::new();
    world.config.body_bytes_max = 400_000;
    world.config.buffer_memory_max = world.config.exchange_bytes_max() + 3 * limits::ADMIT_BYTES;
    let fetcher = world.fetcher();
    let mut slow = vec![
        Step::Request,
        Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 390000\r\n\r\n".to_vec()),
    ];
    for _ in 0..39 {
        slow.extend([Step::Send(vec![b'x'; 10_000]), Step::Wait(secs(1))]);
    }
    for port in [8001, 8002, 8003] {
        world.net.accept(&format!("8.8.8.8:{port}"), slow.clone());
    }
    let fetches = [8001, 8002, 8003].map(|port| {
        let url = format!("http://h{port}.example:{port}/");
        let (fetcher, permit) = (&fetcher, world.permit(&url, "8.8.8.8"));
        async move { fetcher.fetch(permit, &request(&url)).await }
    });
    let watch = async {
        let mut most = 0;
        for _ in 0..150 {
            world
                .env
                .clock
                .sleep_until(world.env.clock.mono().plus(secs(1)))
                .await;
            most = most.max(fetcher.buffer_bytes());
        }
        most
    };
    let (exchanges, most) = join(join_all(fetches), watch).await;
    assert!(exchanges.iter().all(|exchange| class(exchange) == "whole"));
    assert!(
        exchanges
            .iter()
            .any(|exchange| exchange.timings.buffer_wait > secs(5)),
        "somebody waited"
    );
    assert!(most > 0 && most <= world.config.buffer_memory_max);
    assert_eq!(fetcher.buffer_bytes(), 0);
}

/// N2: framing that is set aside as it comes is asked for, though the buffer that it was taken out of never fills.
#[tokio::test(start_paused = true)]
async fn chunk_framing_is_memory_as_well() {
    let world = World::new();
    let chunk = [b"1;", &[b'x'; 4000][..], b"\r\nx\r\n"].concat();
    let mut script = vec![
        Step::Request,
        Step::Send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec()),
    ];
    for _ in 0..40 {
        script.extend([Step::Send(chunk.clone()), Step::Wait(secs(1))]);
    }
    script.push(Step::Send(b"0\r\n\r\n".to_vec()));
    world.net.accept("8.8.8.8:80", script);
    let fetcher = world.fetcher();
    let url = "http://example.com/";
    let watch = async {
        let clock = &world.env.clock;
        clock.sleep_until(clock.mono().plus(secs(39))).await;
        fetcher.buffer_bytes()
    };
    let (exchange, asked_for) = join(
        fetcher.fetch(world.permit(url, "8.8.8.8"), &request(url)),
        watch,
    )
    .await;
    assert_eq!(class(&exchange), "whole");
    assert!(asked_for >= 39 * 4000, "{asked_for} bytes asked for");
}

/// When memory is short for the whole window of a permit, the permit is not used.
#[tokio::test(start_paused = true)]
async fn admission_waits_no_longer_than_the_permit_is_good() {
    let mut world = World::new();
    world.config.body_bytes_max = 1000;
    world.config.buffer_memory_max = world.config.exchange_bytes_max() + limits::ADMIT_BYTES;
    let fetcher = world.fetcher();
    world
        .net
        .accept("8.8.8.8:80", vec![Step::Request, Step::Stall]);
    let fetch = |url: &'static str| {
        let (fetcher, permit) = (&fetcher, world.permit(url, "8.8.8.8"));
        async move { fetcher.fetch(permit, &request(url)).await }
    };
    let (first, second) = join(fetch("http://a.example/"), fetch("http://b.example/")).await;
    assert_eq!(class(&first), "first_byte_timeout");
    assert_eq!(class(&second), "stale_permit");
    assert!(matches!(second.gate, Gate::Unused(_)));
}

#[tokio::test(start_paused = true)]
async fn https_goes_through_the_seam() {
    let info = TlsInfo {
        protocol: "TLSv1.3".into(),
        ..TlsInfo::default()
    };
    let mut world = World::new();
    world.tls = std::rc::Rc::new(ScriptedTls(Ok(info.clone())));
    world.net.accept("8.8.8.8:443", answer(OK));
    let exchange = world.get("https://example.com/").await;
    assert_eq!((class(&exchange), exchange.tls), ("whole", Some(info)));
    let refused = TlsError {
        fault: TlsFault::Expired,
        detail: "too old".into(),
    };
    world.tls = std::rc::Rc::new(ScriptedTls(Err(refused)));
    world.net.accept("8.8.8.8:443", answer(OK));
    let exchange = world.get("https://example.com/").await;
    assert_eq!(class(&exchange), "tls_expired");
    assert_eq!(
        exchange.outcome.unwrap_err().next_step(),
        NextStep::RetryLater
    );
    assert_eq!(
        world.net.sent().matches("GET").count(),
        1,
        "never falls back to plain text"
    );
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let world = World::new();
        let made = |config: FetchConfig| {
            let tls = std::rc::Rc::clone(&world.tls);
            Fetcher::new(
                config,
                DnsConfig::default(),
                Guard::default(),
                &world.env,
                tls,
            )
            .err()
        };
        assert!(matches!(
            made(FetchConfig::default()),
            Some(FetcherError::NoUserAgent)
        ));
        let config = FetchConfig {
            user_agent: "a\r\nb".into(),
            ..FetchConfig::default()
        };
        assert!(matches!(
            made(config),
            Some(FetcherError::HeaderValue { name: "user_agent" })
        ));
        let config = FetchConfig {
            user_agent: "a".into(),
            buffer_memory_max: 1 << 20,
            ..FetchConfig::default()
        };
        assert!(matches!(
            made(config),
            Some(FetcherError::BufferMemory { .. })
        ));
    });
}

/// A body whose type was not asked for is not read, and its connection not used again; a small one costs less to read.
#[tokio::test(start_paused = true)]
async fn bodies_of_unwanted_types_are_not_read() {
    let video = |status: &str, length: usize| {
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: Video/MP4; x=y\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    let chunked = "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n7fffff\r\n";
    let untyped = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
    for (head, expected, payload) in [
        (video("200 OK", 9_000_000), "unspecified", 0),
        (chunked.to_owned(), "unspecified", 0),
        (video("200 OK", 20_000), "whole", 20_000),
        (video("404 Not Found", 100_000), "whole", 100_000),
        (untyped.to_owned(), "whole", 100_000),
        (
            untyped.replace("OK\r\n", "OK\r\nContent-Type: TEXT/html\r\n"),
            "whole",
            100_000,
        ),
    ] {
        let world = World::new();
        // A field of no text is passed over, as whoever reads the response does.
        let head = head.into_bytes();
        let no_text = b"\r\nContent-Type: \xff\r\nContent-";
        let mut bytes = head.clone();
        if let Some(at) = head.windows(10).position(|part| part == b"\r\nContent-") {
            bytes.splice(at..at + 10, no_text.iter().copied());
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let mut steps = vec![Step::Request, Step::Send(bytes.clone())];
        steps.extend((0..100).map(|_| Step::Send(vec![b'x'; 100_000])));
        world.net.accept("8.8.8.8:80", steps);
        let mut asked = request("http://example.com/");
        asked.keep_open = true;
        asked.types = Some(vec!["text/".to_owned()].into());
        let fetcher = world.fetcher();
        let exchange = fetcher
            .fetch(world.permit("http://example.com/", "8.8.8.8"), &asked)
            .await;
        assert_eq!(class(&exchange), expected, "{head}");
        let read = exchange.wire_bytes_in;
        let response = exchange.outcome.unwrap();
        assert_eq!(response.payload().len(), payload, "{head}");
        if expected == "unspecified" {
            assert!(read < 40_000, "{head}: {read}");
            assert_eq!(response.wire_parts().collect::<Vec<_>>(), [response.head()]);
            assert!(bytes.starts_with(response.head()));
            assert_eq!(fetcher.idle_connections(), 0);
        }
    }
}
