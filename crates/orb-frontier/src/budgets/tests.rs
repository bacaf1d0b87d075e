//! What budgets must do: starve traps, and leave real sites alone.

use orb_url::CrawlUrl;
use proptest::prelude::*;

use super::shape::hash;
use super::simulation::{Crawled, There, crawl, text};
use super::{BudgetBounds, Budgets, CutCause, Verdict, Yield};

/// A small site of real pages, one in eight of them linked from each, with menus and a footer on every page.
struct Small {
    pages: u64,
}

impl Small {
    fn path(&self, page: u64) -> String {
        let sections = ["news", "guide", "people", "market"];
        match page {
            0 => "/".into(),
            1..=4 => format!("/{}/", sections[page as usize - 1]),
            _ => format!("/{}/some-words-{page}.html", sections[page as usize % 4]),
        }
    }

    fn page_at(&self, path: &str) -> Option<u64> {
        let named = number_in(path);
        (0..5)
            .chain([named])
            .find(|&page| page < self.pages && self.path(page) == path)
    }

    fn menu(&self) -> Vec<String> {
        (0..5).map(|page| self.path(page)).collect()
    }

    fn read(&self, page: u64) -> There {
        let children = (page * 8 + 1..page * 8 + 9).filter(|&child| child < self.pages);
        There {
            kind: "real",
            marks: boilerplate(30)
                .chain(text("own", page, 12 + (page % 40) as u32))
                .collect(),
            links: self
                .menu()
                .into_iter()
                .chain(children.map(|child| self.path(child)))
                .collect(),
        }
    }
}

fn boilerplate(words: u32) -> impl Iterator<Item = u32> {
    text("menu and footer", 0, words)
}

fn number_in(text: &str) -> u64 {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

/// Real pages, and in each of them an endless calendar, session ids, a relative link and facets.
fn trapped(url: &CrawlUrl, pages: u64) -> There {
    let site = Small { pages };
    let path = url.path();
    let query = url.query().unwrap_or("");
    let nonce = u64::from(hash(5, url.as_str().as_bytes()));
    let traps = |there: &mut There| {
        there.links.push("/calendar/2024/05/".into());
        there.links.push(format!("{path}?sid={nonce:08x}ab12"));
        for page in 1..=4 {
            let page = site.path(page);
            there.links.push(format!("{page}?sid={nonce:08x}ab12"));
        }
        there.links.push("a/".into());
        there.links.push("/list?color=red".into());
        there.links.push("/list?size=4".into());
    };
    if let Some(page) = site.page_at(path) {
        let mut there = site.read(page);
        traps(&mut there);
        if query.starts_with("sid=") {
            there.kind = "session";
            for link in &mut there.links {
                if !link.contains('?') {
                    link.push_str(&format!("?{query}"));
                }
            }
        }
        return there;
    }
    let mut there = There {
        marks: boilerplate(30).collect(),
        links: site.menu(),
        ..There::default()
    };
    if path.starts_with("/calendar/") {
        calendar(number_in(path), &mut there);
    } else if path.starts_with("/list") {
        facets(&site, query, nonce, &mut there);
    } else if path.ends_with("/a/") {
        there.kind = "deeper";
        there.marks.extend(text("listing", 0, 5));
        traps(&mut there);
    }
    there
}

fn calendar(month: u64, there: &mut There) {
    there.kind = "calendar";
    there.marks.extend(text("no events", 0, 10));
    there.marks.extend(text("month", month % 12, 2));
    let (year, month) = (2024 + month % 977, 1 + month % 12);
    there
        .links
        .push(format!("/calendar/{year}/{:02}/", month % 12 + 1));
    there
        .links
        .push(format!("/calendar/{}/{month:02}/", year - 1));
    there
        .links
        .extend((1..29).map(|day| format!("/calendar/{year}/{month:02}/{day:02}/")));
}

fn facets(site: &Small, query: &str, nonce: u64, there: &mut There) {
    there.kind = "facet";
    let facets = |keys: &[&str]| -> String {
        let mut pairs: Vec<String> = query.split('&').map(str::to_owned).collect();
        for key in keys {
            if !query.contains(key) {
                pairs.push(format!("{key}={}", nonce % 7));
            }
        }
        format!("/list?{}", pairs.join("&"))
    };
    for key in ["color", "size", "sort", "brand", "price", "page"] {
        there.links.push(facets(&[key]));
    }
    for item in 0..12 {
        let item = 5 + (nonce / (item + 1)) % (site.pages - 5);
        there.marks.extend(text("own", item, 6));
        there.links.push(site.path(item));
    }
}

#[test]
fn a_site_of_a_hundred_pages_with_four_traps_is_read_and_the_traps_starve() {
    let crawled = crawl("https://www.trap.example/", 400, &|url| trapped(url, 100));
    assert_eq!(crawled.of("real"), 100, "{crawled:?}");
    assert!(crawled.traps() * 3 <= 100, "{crawled:?}");
    assert!(crawled.bytes_max < 7_000, "{crawled:?}");
}

/// Learning what a trap is costs a few fetches whatever the size of the site; later ones cost a part of it.
#[test]
fn traps_starve_in_sites_of_any_size() {
    for pages in [10, 30, 300, 3_000] {
        let crawled = crawl("https://www.trap.example/", 20_000, &|url| {
            trapped(url, pages)
        });
        assert_eq!(u64::from(crawled.of("real")), pages, "{crawled:?}");
        let traps = u64::from(crawled.traps());
        assert!(traps <= 40 + pages / 3, "{pages}: {crawled:?}");
    }
}

#[test]
fn wildcard_hosts_starve() {
    let site = |url: &CrawlUrl| {
        let nonce = u64::from(hash(5, url.host().as_bytes()));
        There {
            kind: "wildcard",
            marks: boilerplate(30).chain(text("welcome", 0, 20)).collect(),
            links: (0..10)
                .map(|i| {
                    format!(
                        "https://h{}.wild.example/",
                        (nonce + i * 77_777) % 1_000_000
                    )
                })
                .collect(),
        }
    };
    let crawled = crawl("https://www.wild.example/", 10_000, &site);
    assert!(crawled.traps() < 40, "{crawled:?}");
}

fn check_whole(name: &str, crawled: &Crawled, real: u32) {
    assert!(
        crawled.of("real") * 100 >= real * 99,
        "{name}: {} of {real}: {crawled:?}",
        crawled.of("real")
    );
}

#[test]
fn ten_thousand_pages_of_documentation_are_all_read() {
    let site = |url: &CrawlUrl| {
        let page = number_in(url.path());
        There {
            kind: "real",
            marks: boilerplate(40)
                .chain(text("doc", page, 15 + (page % 50) as u32))
                .collect(),
            links: (page * 4 + 1..page * 4 + 5)
                .filter(|&child| child < 10_000)
                .map(|child| match child % 3 {
                    0 => format!("/docs/v{}/guide/topic-{child}.html", child % 5),
                    1 => format!("/api/module{}/fn.name{child}.html", child % 90),
                    _ => format!("/topic-{child}"),
                })
                .collect(),
        }
    };
    let site = move |url: &CrawlUrl| {
        // The number is what identifies; versions and modules stand before it.
        let last = url.path().rsplit('/').next().unwrap_or("");
        let at = CrawlUrl::parse(&format!("https://docs.example/{last}")).unwrap();
        site(&at)
    };
    let crawled = crawl("https://docs.example/", 20_000, &site);
    check_whole("docs", &crawled, 10_000);
}

#[test]
fn a_forum_with_numbers_for_names_is_all_read() {
    let site = |url: &CrawlUrl| {
        let query = url.query().unwrap_or("");
        let number = number_in(query);
        let (kind, own, links): (_, Vec<u32>, Vec<String>) = if query.starts_with("t=") {
            ("real", text("post", number, 20).collect(), Vec::new())
        } else {
            // Lists of threads show titles, thirty a page.
            let titles = (0..30).flat_map(|i| text("title", number * 30 + i, 3));
            let threads = (0..30).map(|i| format!("/viewtopic.php?t={}", number * 30 + i));
            let next = (number < 99).then(|| format!("/viewforum.php?start={}", number + 1));
            ("list", titles.collect(), threads.chain(next).collect())
        };
        There {
            kind,
            marks: boilerplate(50).chain(own).collect(),
            links,
        }
    };
    let crawled = crawl("https://forum.example/viewforum.php?start=0", 20_000, &site);
    check_whole("forum", &crawled, 3_000);
}

#[test]
fn a_shop_shows_its_items_by_its_pages_whatever_its_facets() {
    const ITEMS: u64 = 2_000;
    let show = |there: &mut There, items: &mut dyn Iterator<Item = u64>| {
        for number in items {
            there.marks.extend(text("name", number, 4));
            there.links.push(format!("/item/{number}"));
        }
    };
    let site = |url: &CrawlUrl| {
        if let Some(number) = url.path().strip_prefix("/item/") {
            let number = number.parse().unwrap();
            let own = text("name", number, 4).chain(text("description", number, 25));
            return There {
                kind: "real",
                marks: boilerplate(60).chain(own).collect(),
                links: vec!["/shop".into()],
            };
        }
        let query = url.query().unwrap_or("");
        let mut there = There {
            kind: "facet",
            marks: boilerplate(60).collect(),
            links: Vec::new(),
        };
        for (key, values) in [("color", 8), ("size", 6), ("sort", 5), ("view", 3)] {
            if !query.contains(key) {
                for value in 0..values {
                    let pairs = [query, &format!("{key}={value}")].join("&");
                    let pairs = pairs.trim_matches('&');
                    there.links.push(format!("/shop?{pairs}"));
                }
            }
        }
        let of = |key: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs
                .find(|pair| pair.0 == key)
                .and_then(|pair| pair.1.parse::<u64>().ok())
        };
        // Facets show the first twenty that fit; only the list itself has further pages.
        let fits = |number: &u64| {
            let mixed = u64::from(hash(2, &number.to_be_bytes()));
            of("color").is_none_or(|color| mixed % 8 == color)
                && of("size").is_none_or(|size| mixed / 8 % 6 == size)
        };
        let page = of("page").unwrap_or(0);
        if !query.contains('&') && (query.is_empty() || query.contains("page=")) {
            there.kind = "list";
            show(&mut there, &mut (page * 20..page * 20 + 20));
            if page < ITEMS / 20 - 1 {
                there.links.push(format!("/shop?page={}", page + 1));
            }
        } else {
            show(
                &mut there,
                &mut (0..ITEMS).map(|i| i * 37 % ITEMS).filter(fits).take(20),
            );
        }
        there
    };
    let crawled = crawl("https://shop.example/shop", 20_000, &site);
    check_whole("shop", &crawled, ITEMS as u32);
    assert!(crawled.of("facet") < 300, "{crawled:?}");
}

#[test]
fn a_news_archive_by_date_is_all_read_beside_a_calendar_of_the_same_form() {
    let site = |url: &CrawlUrl| {
        let parts: Vec<&str> = url.path().trim_matches('/').split('/').collect();
        let number = number_in(url.path());
        let mut there = There {
            kind: "list",
            marks: boilerplate(40).collect(),
            links: vec!["/calendar/2024/05/12/".into()],
        };
        match parts[..] {
            ["calendar", ..] => {
                there.kind = "calendar";
                there.marks.extend(text("calendar", number % 12, 3));
                there.marks.extend(text("no events", 0, 9));
                for step in 1..12 {
                    let day = number + step;
                    let (year, rest) = (2000 + day % 3_000, day / 3);
                    there.links.push(format!(
                        "/calendar/{year}/{:02}/{:02}/",
                        rest % 12 + 1,
                        day % 28 + 1
                    ));
                }
            }
            ["news", year, month, day, slug] => {
                there.kind = "real";
                let at = hash(3, format!("{year}{month}{day}{slug}").as_bytes());
                there.marks.extend(text("article", u64::from(at), 30));
            }
            ["news", year, month, day] => {
                for slug in ["mayor-opens-bridge", "rain-again", "match-report"] {
                    let at = hash(3, format!("{year}{month}{day}{slug}").as_bytes());
                    there.marks.extend(text("article", u64::from(at), 5));
                    there
                        .links
                        .push(format!("/news/{year}/{month}/{day}/{slug}"));
                }
            }
            ["news", year, month] => {
                let at = hash(3, format!("{year}{month}").as_bytes());
                there.marks.extend(text("headlines", u64::from(at), 40));
                let days = (1..=28).map(|day| format!("/news/{year}/{month}/{day:02}/"));
                there.links.extend(days);
            }
            _ => {
                let months = (2022..2025).flat_map(|y| (1..=12).map(move |m| (y, m)));
                let months = months.map(|(year, month)| format!("/news/{year}/{month:02}/"));
                there.links.extend(months);
            }
        }
        there
    };
    let crawled = crawl("https://news.example/", 20_000, &site);
    check_whole("news", &crawled, 36 * 28 * 3);
    assert!(crawled.of("calendar") < 60, "{crawled:?}");
}

#[test]
fn bounds_of_the_settings_hold() {
    let bounds = BudgetBounds {
        pages_per_host_max: 5,
        pages_per_prefix_max: 3,
        novelty: false,
    };
    let mut budgets = Budgets::default();
    let mut verdicts = Vec::new();
    for path in ["/a/1", "/a/2", "/a/3", "/a/4", "/b/1", "/b/2", "/b/3"] {
        let url = CrawlUrl::parse(&format!("https://example.com{path}")).unwrap();
        let verdict = budgets.verdict(&url, false, &bounds);
        if verdict == Verdict::Take {
            budgets.note(&url, &Yield::default(), 0, &bounds);
        }
        verdicts.push(verdict);
        budgets = Budgets::decode(&budgets.encode()).unwrap();
    }
    let mut want = [Verdict::Take; 7];
    want[3] = Verdict::Cut(CutCause::PrefixPages);
    want[6] = Verdict::Cut(CutCause::HostPages);
    assert_eq!(verdicts, want);
}

#[test]
fn small_sites_store_a_few_bytes() {
    let bounds = BudgetBounds {
        novelty: true,
        ..BudgetBounds::default()
    };
    let mut budgets = Budgets::default();
    let url = CrawlUrl::parse("https://example.com/").unwrap();
    assert!(budgets.encode().is_empty());
    for fetches in 1..100 {
        budgets.note(
            &url,
            &Yield::default(),
            if fetches < 8 { 1_000 } else { 63 },
            &bounds,
        );
        assert!(budgets.encode().len() <= 5);
    }
    budgets.note(&url, &Yield::default(), 64, &bounds);
    assert!(budgets.encode().len() > 500);
    budgets.note(&url, &Yield::default(), 0, &bounds);
    assert!(budgets.encode().len() > 500, "what is kept stays kept");
}

proptest! {
    #[test]
    fn nonsense_is_refused_without_panic(bytes: Vec<u8>) {
        let behind_a_head = [&[1, 60, 0, 1][..], &bytes].concat();
        for input in [bytes, behind_a_head] {
            if let Ok(budgets) = Budgets::decode(&input) {
                prop_assert!(budgets.encode().len() <= Budgets::BYTES_MAX);
            }
        }
    }
}
