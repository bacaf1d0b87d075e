//! Whole crawls of the hostile web by the program itself: rows N12 and N13 of the catalogue of faults.

#![allow(clippy::unwrap_used)] // in a test's own tools too, a panic is the report

mod orb;

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use orb::{Ran, orb_in};
use orb_api::{AttemptKind, AttemptRow, Reason};
use orb_env::BootClock;
use orb_simweb::{GUARDED_HOSTS, HostileRow, HostileServer};
use serde_json::Value;
use tokio::sync::oneshot;

/// The hostile web on a thread of this process; ends with this value.
struct Hostile {
    server: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
    dns: SocketAddr,
    places: Vec<(HostileRow, SocketAddr)>,
}

impl Hostile {
    fn start() -> Hostile {
        let clock = Arc::new(BootClock::new());
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let server = HostileServer::bind(5, here, SocketAddr::new(here, 0), &*clock).unwrap();
        let dns = server.dns_addr().unwrap();
        let places = server.places();
        let places = places
            .iter()
            .map(|place| (place.row, place.address))
            .collect();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let stop = async {
                stopped.await.ok();
            };
            runtime.block_on(server.run(clock, stop)).unwrap();
        });
        Hostile {
            server: Some((stop, thread)),
            dns,
            places,
        }
    }

    fn url(&self, row: HostileRow, path: &str) -> String {
        let (_, address) = self.places.iter().find(|(other, _)| *other == row).unwrap();
        format!("http://{address}/{path}")
    }

    /// Crawls from `seeds` wherever they lead, with only the server's own address opened.
    fn crawl(&self, folder: &Path, seeds: &[String], settings: &[&str]) -> Ran {
        let dns = self.dns.to_string();
        let mut arguments = vec!["crawl", "--json", "--scope", "any", "--out", "crawl"];
        arguments.extend(["--allow-net", "127.0.0.1/32", "--dns", &dns]);
        for set in [
            "politeness.site_delay=1ms",
            "politeness.address_delay=1ms",
            "politeness.site_delay_factor=0",
            "limits.attempts_max=1",
        ] {
            arguments.extend(["--set", set]);
        }
        settings
            .iter()
            .for_each(|set| arguments.extend(["--set", set]));
        arguments.extend(seeds.iter().map(String::as_str));
        let ran = orb_in(folder, &arguments);
        assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
        let audit = orb_in(folder, &["audit", "crawl"]);
        assert_eq!(audit.code, 0, "{}\n{}", audit.out, audit.err);
        ran
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.server.take() {
            stop.send(()).ok();
            thread.join().unwrap();
        }
    }
}

/// Every request that was made.
fn requests(folder: &Path) -> Vec<AttemptRow> {
    let mut rows = Vec::new();
    for file in fs::read_dir(folder.join("crawl/index/attempts")).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        rows.extend(
            text.lines()
                .map(|line| serde_json::from_str::<AttemptRow>(line).unwrap()),
        );
    }
    rows
}

/// N12: at most five hops, and each is a URL like any other: judged by robots.txt, by clocks, by its address.
#[test]
fn n12_no_redirect_skips_a_check() {
    let folder = tempfile::tempdir().unwrap();
    let web = Hostile::start();
    web.crawl(folder.path(), &[web.url(HostileRow::N12, "")], &[]);
    let rows = requests(folder.path());
    let paths = |prefix: &str| {
        let mut numbers: Vec<u32> = rows
            .iter()
            .filter_map(|row| row.url.split_once(prefix)?.1.parse().ok())
            .collect();
        numbers.sort_unstable();
        numbers
    };
    assert_eq!(paths("/hop/"), [0, 1, 2, 3, 4, 5], "five hops and no more");
    assert_eq!(
        paths("/host/"),
        [0, 1, 2, 3, 4, 5],
        "each on a host of its own"
    );
    for row in &rows {
        assert!(
            row.url.starts_with("http://") && !row.url.contains('@'),
            "{}",
            row.url
        );
        assert_eq!(row.address, "127.0.0.1");
        assert!(
            row.kind == AttemptKind::Robots || row.robots.is_some(),
            "{}",
            row.url
        );
    }
    let asked = |end: &str| rows.iter().filter(|row| row.url.ends_with(end)).count();
    let loops = [
        "/to-itself",
        "/loop-a",
        "/loop-b",
        "/plain?temporary",
        "/plain?permanent",
    ];
    assert_eq!(loops.map(asked), [1; 5]);
}

/// N13: by links, redirects, refreshes, canonicals, sitemaps and as seeds, in every notation: nothing is dialled but
/// the one address that was opened.
#[test]
fn n13_no_way_in_leads_to_a_guarded_address() {
    let folder = tempfile::tempdir().unwrap();
    let web = Hostile::start();
    let mut seeds: Vec<String> = HostileRow::N13
        .cases()
        .iter()
        .map(|case| web.url(HostileRow::N13, case))
        .collect();
    seeds.extend(
        GUARDED_HOSTS
            .iter()
            .take(8)
            .map(|host| format!("http://{host}/seed")),
    );
    let ran = web.crawl(folder.path(), &seeds, &[]);
    let rows = requests(folder.path());
    // A row without an address is of a request that nobody got.
    let (sent, unsent): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.has_address());
    assert!(
        sent.iter().all(|row| row.address == "127.0.0.1"),
        "{sent:?}"
    );
    let is_told = |row: &&AttemptRow| matches!(row.reason, Reason::GuardedAddress | Reason::Dns);
    assert!(unsent.iter().all(is_told), "{unsent:?}");
    let redirects = rows
        .iter()
        .filter(|row| row.url.contains("/redirect/"))
        .count();
    assert_eq!(
        redirects,
        GUARDED_HOSTS.len(),
        "every redirect was asked for"
    );
    let summary = ran.json();
    // Their robots.txt is behind the same guard, so that is where most of them end.
    let excluded = summary["states"]["excluded"].as_object().unwrap();
    let refused = |reason: &str| excluded.get(reason).and_then(Value::as_u64).unwrap_or(0);
    let refused = refused("guarded_address") + refused("robots_unreachable");
    assert!(refused >= 40, "{summary}");
}

/// A path whose ending is skipped is settled without a request, and says so.
#[test]
fn skipped_extensions_are_not_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let web = Hostile::start();
    let seeds = ["plain.html", "plain.ZIP", "plain.mp4"].map(|path| web.url(HostileRow::N1, path));
    let skip = r#"limits.extensions_skipped=["zip", "mp4"]"#;
    let ran = web.crawl(folder.path(), &seeds, &[skip]);
    let rows = requests(folder.path());
    let pages: Vec<&str> = rows
        .iter()
        .filter(|row| row.kind == AttemptKind::Page)
        .map(|row| row.url.as_str())
        .collect();
    assert_eq!(pages, [seeds[0].as_str()]);
    assert_eq!(
        ran.json()["states"]["excluded"]["type_filter"].as_u64(),
        Some(2)
    );
    let why = orb_in(folder.path(), &["why", &seeds[1], "--out", "crawl"]);
    assert!(
        why.out.contains("paths that end in .ZIP are not wanted"),
        "{}{}",
        why.out,
        why.err
    );
}
