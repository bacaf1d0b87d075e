//! Whole crawls of webs with sitemaps: what they list is found, and nothing that they list has a way of its own to the
//! network (faults N13, N17, C6), in virtual time, measured where the requests arrive.
//!
//! In: a web that answers by host, time and path. Out: what was asked for, what the books say.
//! May touch: virtual time, a folder in memory. Invariant: what is expected follows from the web's definition alone.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of a test fail by panicking"
)]

mod hand_web;
mod timed_web;

use std::rc::Rc;

use hand_web::Page;
use orb_crawl::CrawlConfig;
use orb_frontier::Scope;
use timed_web::{Outcome, crawl_web, index, page, robots, story};

fn crawl(
    web: impl Fn(&str, f64, &str) -> Page + 'static,
    configure: impl FnOnce(&mut CrawlConfig),
) -> Outcome {
    crawl_web(Rc::new(web), 2, &[], configure)
}

/// A sitemap of these addresses, or an index of sitemaps.
fn listing(index: bool, locations: impl IntoIterator<Item = String>) -> Page {
    let (outer, inner) = if index {
        ("sitemapindex", "sitemap")
    } else {
        ("urlset", "url")
    };
    let lines = locations
        .into_iter()
        .map(|location| format!("<{inner}><loc>{location}</loc></{inner}>\n"));
    let body = format!(
        "<?xml version=\"1.0\"?>\n<{outer} xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n{}</{outer}>\n",
        lines.collect::<String>()
    );
    Page {
        status: 200,
        fields: "Content-Type: application/xml\r\n".into(),
        body,
    }
}

fn at(path: &str) -> String {
    format!("http://site.test{path}")
}

/// A site whose sitemaps name what no page links to.
fn hidden(host: &str, path: &str) -> Page {
    match (host, path) {
        ("site.test", "/robots.txt") => robots(
            "User-agent: *\nDisallow: /closed/\nSitemap: http://site.test/index.xml\nSitemap: /plain.txt\n\
             Sitemap: http://other.test/theirs.xml\n",
        ),
        (_, "/robots.txt") => page(404, "", String::new()),
        (_, "/") => index(2, |n| format!("/{n}")),
        (_, "/index.xml") => listing(true, ["/one.xml", "/old.xml"].map(at)),
        (_, "/one.xml") => listing(
            false,
            ["/hidden/1", "/closed/2"]
                .map(at)
                .into_iter()
                .chain(["http://other.test/".to_owned()]),
        ),
        (_, "/old.xml") => page(301, "Location: /new.xml\r\n", String::new()),
        (_, "/new.xml") => listing(false, ["/hidden/3?a=1&amp;b=2", "/"].map(at)),
        (_, "/plain.txt") => Page {
            status: 200,
            fields: "Content-Type: text/plain\r\n".into(),
            body: format!("{}\r\n{}\r\n", at("/hidden/4"), at("/0")),
        },
        _ => story(path),
    }
}

/// Pages that only a sitemap names are captured, whichever form it has and wherever it redirects to; what robots.txt
/// forbids is not asked for, and a sitemap speaks for its own site alone.
#[test]
fn what_sitemaps_list_is_found_and_judged_like_a_link() {
    let crawl = crawl(|host, _, path| hidden(host, path), |_| {});
    let paths: Vec<_> = crawl.paths().into_iter().collect();
    let expected = [
        "/",
        "/0",
        "/1",
        "/hidden/1",
        "/hidden/3?a=1&b=2",
        "/hidden/4",
        "/index.xml",
        "/new.xml",
        "/old.xml",
        "/one.xml",
        "/plain.txt",
        "/robots.txt",
    ];
    assert_eq!(paths, expected);
    let fate = crawl.fate("/closed/2");
    assert!(fate.contains("Disallow: /closed/"), "{fate}");
    // Whoever asks is told which sitemap named it.
    let fate = crawl.fate("/hidden/1");
    assert!(
        fate.contains("\"sitemap\"") && fate.contains("http://site.test/one.xml"),
        "{fate}"
    );
    let fate = crawl.fate("/one.xml");
    assert!(
        fate.contains("\"sitemap_file\"") && fate.contains("http://site.test/index.xml"),
        "{fate}"
    );
    let status = crawl.folder.status().unwrap();
    assert_eq!(status.sightings.0["sitemap_elsewhere"], 2);
}

/// Another site's pages stay out however far the crawl may go, and other sites' sitemaps are not asked for.
#[test]
fn a_sitemap_speaks_for_its_own_site_in_every_scope() {
    let crawl = crawl(
        |host, _, path| hidden(host, path),
        |config| config.frontier.scope = Scope::Any,
    );
    let others = crawl
        .paths()
        .into_iter()
        .filter(|path| path.starts_with("other"));
    assert_eq!(others.count(), 0);
}

#[test]
fn sitemaps_are_left_alone_where_the_settings_say_so() {
    let crawl = crawl(
        |host, _, path| hidden(host, path),
        |config| config.frontier.sitemaps.enabled = false,
    );
    let paths: Vec<_> = crawl.paths().into_iter().collect();
    assert_eq!(paths, ["/", "/0", "/1", "/robots.txt"]);
}

/// A bound on depth holds for what sitemaps list too: they are one link further than robots.txt.
#[test]
fn what_a_sitemap_lists_is_as_deep_as_what_the_first_pages_link_to() {
    for (depth, expected) in [
        (1, vec!["/", "/0", "/1", "/robots.txt"]),
        (
            2,
            vec![
                "/",
                "/0",
                "/1",
                "/hidden/4",
                "/index.xml",
                "/plain.txt",
                "/robots.txt",
            ],
        ),
    ] {
        let crawl = crawl(
            |host, _, path| hidden(host, path),
            |config| config.frontier.depth_max = depth,
        );
        let paths: Vec<_> = crawl.paths().into_iter().collect();
        assert_eq!(paths, expected, "depth {depth}");
    }
}

/// A seed that is a sitemap is read as one; so is a feed that a page names.
#[test]
fn xml_that_is_a_sitemap_or_a_feed_leads_on_however_it_was_found() {
    let crawl = crawl(
        |_, _, path| match path {
            "/robots.txt" => page(404, "", String::new()),
            "/" => page(
                200,
                "",
                "<link rel=alternate type=application/rss+xml href=/feed.xml><p>hello".into(),
            ),
            "/feed.xml" => Page {
                status: 200,
                fields: "Content-Type: text/xml\r\n".into(),
                body: "<rss version=\"2.0\"><channel><link>http://site.test/</link>\
                       <item><link>http://site.test/news/1</link></item></channel></rss>"
                    .into(),
            },
            _ => story(path),
        },
        |_| {},
    );
    let paths: Vec<_> = crawl.paths().into_iter().collect();
    assert_eq!(paths, ["/", "/feed.xml", "/news/1", "/robots.txt"]);
}

/// C6: an index that names itself and deeper ones ends after three steps.
#[test]
fn c6_indexes_without_end_have_an_end() {
    let crawl = crawl(
        |_, _, path| match path {
            "/robots.txt" => robots("Sitemap: http://site.test/map/0\n"),
            "/" => page(200, "", "<p>hello".into()),
            _ => {
                let number: u32 = path.strip_prefix("/map/").unwrap().parse().unwrap();
                listing(true, [at(path), at(&format!("/map/{}", number + 1))])
            }
        },
        |_| {},
    );
    let paths: Vec<_> = crawl.paths().into_iter().collect();
    assert_eq!(paths, ["/", "/map/0", "/map/1", "/map/2", "/robots.txt"]);
}

/// N13: a sitemap that names guarded addresses, by number and by name, makes nobody dial them.
#[test]
fn n13_a_sitemap_opens_no_way_to_guarded_addresses() {
    let crawl = crawl(
        |host, _, path| match (host, path) {
            ("site.test", "/robots.txt") => robots(
                "Sitemap: http://169.254.169.254/latest/map.xml\nSitemap: http://[::1]/map.xml\n\
                 Sitemap: http://inside.site.test/map.xml\nSitemap: http://site.test/map.xml\n\
                 Sitemap: file:///etc/passwd\n",
            ),
            ("site.test", "/map.xml") => listing(
                false,
                [
                    "http://169.254.169.254/latest/meta-data/",
                    "http://127.0.0.1/",
                    "http://[::ffff:10.0.0.1]/",
                    "http://inside.site.test/secret",
                    "http://0x7f.1/",
                    "file:///etc/passwd",
                    "http://site.test/found",
                ]
                .map(str::to_owned),
            ),
            _ => story(path),
        },
        |config| config.frontier.scope = Scope::Any,
    );
    let paths: Vec<_> = crawl.paths().into_iter().collect();
    assert_eq!(paths, ["/", "/found", "/map.xml", "/robots.txt"]);
    let fate = crawl.fate_of("http://inside.site.test/secret");
    assert!(fate.contains("excluded"), "{fate}");
}

/// N17 on one site: its robots.txt names twenty thousand sitemaps with nothing in them. The first ten are read, the
/// others are in the cold log, and the pages come first.
#[test]
fn n17_a_site_that_names_sitemaps_without_end_is_soon_not_believed() {
    let crawl = crawl(
        |_, _, path| match path {
            "/robots.txt" => robots(
                &(0..20_000)
                    .map(|n| format!("Sitemap: /map/{n}.xml\n"))
                    .collect::<String>(),
            ),
            "/" => index(1_000, |n| format!("/page/{n}")),
            _ if path.starts_with("/map/") => listing(false, []),
            _ => story(path),
        },
        |_| {},
    );
    let paths = crawl.paths();
    let maps = paths
        .iter()
        .filter(|path| path.starts_with("/map/"))
        .count();
    let pages = paths
        .iter()
        .filter(|path| path.starts_with("/page/"))
        .count();
    assert_eq!((maps, pages), (10, 1_000));
    let status = crawl.folder.status().unwrap();
    assert_eq!(
        status.states.excluded[&orb_api::Reason::Budget],
        990,
        "{:?}",
        status.states
    );
}

/// A list of many lines leaves the site's budget to links: half of it at most is spent on what it names.
#[test]
fn links_keep_half_of_a_sites_budget() {
    let crawl = crawl(
        |_, _, path| match path {
            "/robots.txt" => robots("Sitemap: /map.xml\n"),
            "/" => index(30, |n| format!("/link/{n}")),
            "/map.xml" => listing(false, (0..5_000).map(|n| at(&format!("/listed/{n}")))),
            _ => story(path),
        },
        |config| config.frontier.pages_per_site_max = 60,
    );
    let count = |start: &str| {
        crawl
            .paths()
            .iter()
            .filter(|path| path.starts_with(start))
            .count()
    };
    assert_eq!(
        (count("/link/"), count("/listed/")),
        (30, 28),
        "of 60, the seed and the map among them"
    );
}

/// Links come before what sitemaps list, and a bound on it holds.
#[test]
fn sitemaps_add_no_more_than_their_bound_and_come_after_links() {
    let crawl = crawl(
        |_, _, path| match path {
            "/robots.txt" => robots("Sitemap: /a.xml\nSitemap: /b.xml\n"),
            "/" => index(20, |n| format!("/link/{n}")),
            "/a.xml" => listing(false, (0..300).map(|n| at(&format!("/a/{n}")))),
            "/b.xml" => listing(false, (0..300).map(|n| at(&format!("/b/{n}")))),
            _ if path.starts_with("/link/") => index(1, |_| "/deeper".to_owned()),
            _ => story(path),
        },
        |config| config.frontier.sitemaps.urls_per_site_max = 200,
    );
    let place = |start: &str| {
        crawl
            .seen
            .iter()
            .position(|(_, path)| path.starts_with(start))
    };
    assert!(
        place("/deeper") < place("/a/"),
        "links of the same depth come first"
    );
    let listed = |start: &str| {
        crawl
            .paths()
            .iter()
            .filter(|path| path.starts_with(start))
            .count()
    };
    assert_eq!(
        (listed("/a/"), listed("/b/")),
        (300, 0),
        "a file that was begun is taken whole"
    );
    assert_eq!(
        crawl.folder.status().unwrap().sightings.0["sitemap_full"],
        300
    );
}
