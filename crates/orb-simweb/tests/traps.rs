//! The trap web: what its truth says is what its links say, and every trap is endless.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use orb_simweb::{SimRequest, SimWeb, SimWebConfig, TrapKind};

fn web() -> SimWeb {
    SimWeb::new(SimWebConfig {
        sites: 13,
        pages_per_site: 40,
        http_port: 80,
        traps: true,
        ..SimWebConfig::default()
    })
}

fn body(web: &SimWeb, host: &str, target: &str) -> (u16, String) {
    let response = web.respond(&SimRequest::get(host, target, false));
    let body: Vec<u8> = response.body.concat();
    (
        response.status,
        String::from_utf8(body).expect("pages are UTF-8"),
    )
}

/// Links of a page as (host, target).
fn links(host: &str, target: &str, body: &str) -> Vec<(String, String)> {
    let path = target.split('?').next().unwrap_or("/");
    let directory = &path[..=path.rfind('/').expect("a path has a slash")];
    let hrefs = body.split("href=\"").skip(1);
    hrefs
        .map(|rest| rest.split('"').next().unwrap_or("").replace("&amp;", "&"))
        .map(|href| {
            if let Some(rest) = href.strip_prefix("http://") {
                let (host, target) = rest.split_once('/').expect("origins end with a slash");
                (host.to_owned(), format!("/{target}"))
            } else if href.starts_with('/') {
                (host.to_owned(), href)
            } else {
                (host.to_owned(), format!("{directory}{href}"))
            }
        })
        .collect()
}

#[test]
fn every_real_page_is_reached_by_real_pages_alone_and_no_trap_ends() {
    let web = web();
    let mut real = BTreeSet::new();
    for site in 0..13 {
        let root = (web.host(site), "/".to_owned());
        let mut seen = BTreeSet::from([root.clone()]);
        let mut queue = VecDeque::from([root]);
        let mut reached: BTreeMap<TrapKind, usize> = BTreeMap::new();
        while let Some((host, target)) = queue.pop_front() {
            let kind = web.trap_kind(&host, &target);
            let count = reached.entry(kind).or_default();
            *count += 1;
            assert_ne!(kind, TrapKind::Nothing, "{host}{target}");
            if kind != TrapKind::Real && *count > 200 {
                continue;
            }
            let (status, body) = body(&web, &host, &target);
            assert_eq!(status, 200);
            if kind == TrapKind::Real {
                real.insert(format!("http://{host}{target}"));
            }
            for link in links(&host, &target, &body) {
                if seen.insert(link.clone()) {
                    queue.push_back(link);
                }
            }
        }
        let endless = |kind| reached.get(&kind).is_some_and(|&count| count > 200);
        if site == 12 {
            assert!(endless(TrapKind::Wildcard), "{reached:?}");
        } else {
            assert_eq!(reached[&TrapKind::Real], 40, "{site}: {reached:?}");
            for kind in [
                TrapKind::Calendar,
                TrapKind::Session,
                TrapKind::Deeper,
                TrapKind::Facets,
            ] {
                assert!(endless(kind), "{site} {kind:?}: {reached:?}");
            }
        }
    }
    let truth: BTreeSet<String> = web.truth().iter().map(|(url, _)| url.to_owned()).collect();
    assert_eq!(real, truth);
    assert_eq!(truth.len(), 12 * 40);
}

#[test]
fn one_seed_makes_one_web() {
    let (a, b) = (web(), web());
    for target in [
        "/",
        "/calendar/2025/03/",
        "/list?color=1",
        "/a/a/",
        "/nothing",
    ] {
        assert_eq!(body(&a, &a.host(0), target), body(&b, &b.host(0), target));
    }
    assert_eq!(body(&a, &a.host(0), "/nothing").0, 404);
    let wild = format!("abcde.{}", a.host(12));
    assert_eq!(a.trap_kind(&wild, "/"), TrapKind::Wildcard);
    assert!(a.resolve(&wild).is_some());
    assert!(a.resolve(&format!("abcde.{}", a.host(3))).is_none());
    assert!(a.resolve("x000001.sim").is_none());
}
