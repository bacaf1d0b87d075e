//! Bytes: the same for the same seed, framed right, compressed right, and of the sizes promised.

#![allow(clippy::unwrap_used)] // in a test's own tools too, a panic is the report

mod naive;

use naive::{decode, fetch};
use orb_simweb::{FaultMix, SimRequest, SimWeb, SimWebConfig, SizeProfile};
use url::Url;

fn web(size: SizeProfile, seed: u64, faults: FaultMix) -> SimWeb {
    SimWeb::new(SimWebConfig {
        seed,
        sites: 40,
        pages_per_site: 30,
        size,
        faults,
        ..SimWebConfig::default()
    })
}

/// A few pages of each size are known by their CRC-32: a change of generator is a change of every web.
#[test]
fn golden_pages() {
    let expected = [
        (SizeProfile::Large, GOLDEN_LARGE),
        (SizeProfile::Small, GOLDEN_SMALL),
        (SizeProfile::Tiny, GOLDEN_TINY),
    ];
    let found = expected.map(|(size, _)| {
        let web = web(size, 42, FaultMix::default());
        let mut hasher = crc32fast::Hasher::new();
        for seed in web.seeds() {
            let url = Url::parse(&seed).unwrap();
            for path in [
                "/",
                "/robots.txt",
                "/sitemap.xml",
                "/go/0",
                "/maze/3",
                "/nothing",
            ] {
                let Some(fetched) = fetch(&web, &url.join(path).unwrap(), false) else {
                    continue;
                };
                hasher.update(&fetched.body);
                fetched
                    .fields
                    .iter()
                    .for_each(|(name, value)| hasher.update(format!("{name}{value}").as_bytes()));
            }
        }
        hasher.finalize()
    });
    assert_eq!(found, expected.map(|(_, golden)| golden));
}

const GOLDEN_LARGE: u32 = 775_264_423;
const GOLDEN_SMALL: u32 = 3_901_102_674;
const GOLDEN_TINY: u32 = 2_110_288_004;

#[test]
fn the_same_request_gives_the_same_bytes() {
    for size in [SizeProfile::Large, SizeProfile::Small, SizeProfile::Tiny] {
        let (one, two) = (
            web(size, 7, FaultMix::harsh()),
            web(size, 7, FaultMix::harsh()),
        );
        let other = web(size, 8, FaultMix::harsh());
        let mut differs = false;
        for site in 0..40 {
            let host = one.host(site);
            let request = SimRequest::get(&host, "/", true);
            let (a, b, c) = (
                one.respond(&request),
                two.respond(&request),
                other.respond(&request),
            );
            assert_eq!((&a.head, a.body.concat()), (&b.head, b.body.concat()));
            differs |= a.body.concat() != c.body.concat();
        }
        assert!(differs);
    }
}

#[test]
fn gzip_decodes_to_the_plain_body() {
    for size in [SizeProfile::Large, SizeProfile::Small, SizeProfile::Tiny] {
        let web = web(size, 3, FaultMix::harsh());
        let mut compressed = 0;
        for (url, _) in web.truth().iter().step_by(7) {
            let url = Url::parse(url).unwrap();
            let (Some(zipped), Some(plain)) = (fetch(&web, &url, true), fetch(&web, &url, false))
            else {
                continue;
            };
            assert!(plain.field("content-encoding").is_none());
            if zipped.field("content-encoding").is_some() && !zipped.short {
                compressed += 1;
                assert_eq!(zipped.body, plain.body, "{url}");
            }
        }
        assert!(compressed > 50, "{compressed}");
    }
}

/// Means and medians as promised, and a wire size close to the web's 3.6 to 1.
#[test]
fn sizes_follow_the_profile() {
    for (size, mean, median) in [
        (SizeProfile::Large, 242e3, 138e3),
        (SizeProfile::Small, 16e3, 8e3),
    ] {
        let web = SimWeb::new(SimWebConfig {
            sites: 400,
            size,
            faults: FaultMix::none(),
            https_share: 0.0,
            www_share: 0.0,
            ..SimWebConfig::default()
        });
        let mut sizes = Vec::new();
        let mut wire = 0;
        let urls: Vec<String> = web.truth().iter().map(|(url, _)| url.to_owned()).collect();
        for url in urls.iter().step_by(urls.len() / 8_000) {
            let fetched = fetch(&web, &Url::parse(url).unwrap(), true).unwrap();
            wire += fetched.wire_bytes;
            sizes.push(fetched.body.len());
        }
        sizes.sort_unstable();
        let found_mean = sizes.iter().sum::<usize>() as f64 / sizes.len() as f64;
        let found_median = sizes[sizes.len() / 2] as f64;
        let ratio = found_mean / (wire as f64 / sizes.len() as f64);
        println!(
            "{size:?}: mean {found_mean}, median {found_median}, ratio {ratio:.2}, of {}",
            sizes.len()
        );
        assert!((found_mean / mean - 1.0).abs() < 0.10, "mean {found_mean}");
        assert!(
            (found_median / median - 1.0).abs() < 0.10,
            "median {found_median}"
        );
        if size == SizeProfile::Large {
            assert!((ratio - 3.6).abs() < 0.2, "{ratio}");
        }
    }
}

#[test]
fn a_known_page_is_not_sent_again() {
    let web = web(SizeProfile::Tiny, 1, FaultMix::none());
    let host = web.host(1);
    let secure = web.serves(&host, true);
    let first = decode(&web.respond(&SimRequest::get(&host, "/", secure)));
    let tag = first.field("etag").unwrap();
    let request = SimRequest {
        if_none_match: Some(tag),
        ..SimRequest::get(&host, "/", secure)
    };
    let again = web.respond(&request);
    assert_eq!((again.status, again.body.len()), (304, 0));
    let request = SimRequest {
        if_none_match: Some("W/\"other\""),
        ..request
    };
    assert_eq!(web.respond(&request).status, 200);
}

#[test]
fn heads_and_strange_requests() {
    let web = web(SizeProfile::Tiny, 1, FaultMix::none());
    let host = web.host(1);
    let get = SimRequest::get(&host, "/", web.serves(&host, true));
    let head = web.respond(&SimRequest {
        method: "HEAD",
        ..get
    });
    let full = web.respond(&get);
    assert_eq!(head.head, full.head);
    assert!(head.body.is_empty());
    assert_eq!(
        web.respond(&SimRequest {
            method: "POST",
            ..get
        })
        .status,
        405
    );
    assert_eq!(
        web.respond(&SimRequest {
            host: "example.org",
            ..get
        })
        .status,
        421
    );
    for target in [
        "",
        "*",
        "/..",
        "/%ff",
        "http://s000001.sim/",
        "/view?id=1",
        "/go/999999",
    ] {
        assert_eq!(
            web.respond(&SimRequest { target, ..get }).status,
            404,
            "{target}"
        );
    }
}

/// Pages that recover fail their first requests only, and a web as new fails them again.
#[test]
fn failing_pages_recover() {
    let web = web(SizeProfile::Tiny, 4, FaultMix::harsh());
    let mut recovered = 0;
    for (url, fate) in web.truth().iter() {
        let url = Url::parse(url).unwrap();
        let Some(first) = fetch(&web, &url, true) else {
            continue;
        };
        if first.status == 503 && fate == orb_simweb::Fate::Captured {
            recovered += 1;
            assert!(first.field("retry-after").is_some());
            let later = (0..2).map(|_| fetch(&web, &url, true).unwrap().status);
            assert!(later.collect::<Vec<_>>().contains(&200), "{url}");
            assert_eq!(fetch(&web, &url, true).unwrap().status, 200);
            web.forget_attempts();
            assert_eq!(fetch(&web, &url, true).unwrap().status, 503);
        }
    }
    assert!(recovered > 0);
}

/// Every answer of a site, robots.txt too, begins after the same time, which lies between the bounds.
#[test]
fn each_site_has_a_latency_of_its_own() {
    let delays = |low, high| -> Vec<u128> {
        let web = SimWeb::new(SimWebConfig {
            sites: 50,
            size: SizeProfile::Tiny,
            latency_ms_min: low,
            latency_ms_max: high,
            faults: FaultMix::none(),
            ..SimWebConfig::default()
        });
        let delay = |site: u32| {
            let of = |target| {
                let host = web.host(site);
                let response = web.respond(&SimRequest::get(&host, target, true));
                response.conduct.first_byte_delay.as_millis()
            };
            assert_eq!(of("/"), of("/robots.txt"));
            of("/")
        };
        (0..50).map(delay).collect()
    };
    assert_eq!(delays(0, 0), [0; 50]);
    assert_eq!(delays(300, 300), [300; 50]);
    let spread = delays(200, 2_000);
    assert!(spread.iter().all(|millis| (200..=2_000).contains(millis)));
    assert!(
        spread.iter().any(|millis| *millis < 600) && spread.iter().any(|millis| *millis > 1_600)
    );
}
