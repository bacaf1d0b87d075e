//! Budgets by novelty on real pages: what a crawl would not fetch of them, and what it would of traps planted in each.
//!
//! In: folders of HTML pages, each as a site of its own.
//! Out: for each site how many of its pages were fetched and cut, and by which part of their URLs.
//! May touch: the folders. Must not touch: a frontier, a network.
//! Invariant: the order of a crawl of one site: lanes by depth, then first found; budgets are stored and read back.
//!
//!     cargo run -p orb-sim --example novelty -- [--traps] [--max N] DIR…

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use orb_dedup::TextMarks;
use orb_frontier::{BudgetBounds, Budgets, Verdict, Yield};
use orb_page::{LinkKind, ScanOptions, scan};
use orb_url::CrawlUrl;

/// Depth from which pages share a lane, and the lane of what is put off.
const LANE_DEEPEST: u16 = 29;
const LANE_LAST: u16 = 255;

/// Fetches after which budgets are stored and read back, as a waiting site's are.
const WINDOW: u32 = 8;

/// What is at a URL.
struct There {
    kind: &'static str,
    marks: Vec<u32>,
    body: Option<u32>,
    links: Vec<CrawlUrl>,
}

/// One site, its pages read once.
struct Site {
    root: PathBuf,
    has_traps: bool,
    pages: RefCell<BTreeMap<String, Option<Rc<There>>>>,
}

impl Site {
    /// What is at a URL; `None`: nothing, or no page.
    fn at(&self, url: &CrawlUrl) -> Option<Rc<There>> {
        if let Some(known) = self.pages.borrow().get(url.as_str()) {
            return known.clone();
        }
        let there = self.read(url).map(Rc::new);
        let mut pages = self.pages.borrow_mut();
        pages.insert(url.as_str().to_owned(), there.clone());
        there
    }

    fn read(&self, url: &CrawlUrl) -> Option<There> {
        if self.has_traps
            && let Some(there) = self.trap(url)
        {
            return Some(there);
        }
        if url.query().is_some() {
            return None;
        }
        self.file(url, "real")
    }

    fn file(&self, url: &CrawlUrl, kind: &'static str) -> Option<There> {
        let path = url.path();
        let plain = percent_decoded(path);
        let mut at = self.root.join(plain.trim_start_matches('/'));
        if at.is_dir() {
            let index = at.join("index.html");
            if !index.exists() {
                return path
                    .ends_with('/')
                    .then(|| listing(url, &at, kind))
                    .flatten();
            }
            at = index;
        }
        let is_page = at.extension().is_some_and(|end| end == "html");
        let bytes = std::fs::read(&at).ok().filter(|_| is_page)?;
        let text = String::from_utf8_lossy(&bytes);
        let mut there = page(url, &text);
        there.kind = kind;
        if self.has_traps {
            self.plant(url, &mut there);
        }
        Some(there)
    }

    /// The traps that every page leads to.
    fn plant(&self, url: &CrawlUrl, there: &mut There) {
        let nonce = nonce(url.as_str());
        let path = url.path();
        let deeper = &path[..path.rfind('/').map_or(0, |at| at + 1)];
        let to = [
            "/calendar/2024/05/".to_owned(),
            format!("{path}?sid={nonce:08x}a1b2"),
            format!("/?sid={nonce:08x}a1b2"),
            format!("{deeper}a/"),
            "/list?color=red".to_owned(),
            "/list?size=4".to_owned(),
        ];
        there
            .links
            .extend(to.iter().filter_map(|to| url.join(to).ok()));
    }

    fn trap(&self, url: &CrawlUrl) -> Option<There> {
        let (path, query) = (url.path(), url.query().unwrap_or(""));
        let nonce = nonce(url.as_str());
        let mut there = There {
            kind: "",
            marks: text("menu", 0, 30).collect(),
            body: None,
            links: Vec::new(),
        };
        let mut to: Vec<String> = vec!["/".into()];
        if let Some(session) = query.strip_prefix("sid=") {
            let mut there = self.file(url, "session")?;
            for link in &mut there.links {
                if link.query().is_none() {
                    *link = url
                        .join(&format!("{}?sid={session}", link.path()))
                        .expect("a path");
                }
            }
            return Some(there);
        }
        if path.starts_with("/calendar/") {
            there.kind = "calendar";
            let month = number_in(path);
            there.marks.extend(text("no events", 0, 10));
            there.marks.extend(text("month", month % 12, 2));
            let (year, next) = (2024 + month % 977, month % 12 + 1);
            to.push(format!("/calendar/{year}/{next:02}/"));
            to.push(format!("/calendar/{}/{next:02}/", year - 1));
            to.extend((1..29).map(|day| format!("/calendar/{year}/{next:02}/{day:02}/")));
        } else if path == "/list" {
            there.kind = "facet";
            there.marks.extend(text("list", nonce % 50, 12));
            for key in ["color", "size", "sort", "brand", "price", "page"] {
                if !query.contains(key) {
                    to.push(format!("/list?{query}&{key}={}", nonce % 7));
                }
            }
        } else if path.ends_with("/a/") {
            there.kind = "deeper";
            there.marks.extend(text("listing", 0, 5));
            to.push(format!("{path}a/"));
        } else {
            return None;
        }
        there.links = to.iter().filter_map(|to| url.join(to).ok()).collect();
        Some(there)
    }
}

fn page(url: &CrawlUrl, text: &str) -> There {
    let options = ScanOptions {
        text: true,
        ..ScanOptions::default()
    };
    let page = scan(text, &options);
    let title = page.title.as_deref().unwrap_or_default();
    let marks = TextMarks::of(&[title, &page.visible_text], url.as_str());
    let base = page.base.as_deref().and_then(|base| url.join(base).ok());
    let base = base.as_ref().unwrap_or(url);
    let follows = |kind| matches!(kind, LinkKind::Anchor | LinkKind::Area | LinkKind::Frame);
    let links = page.links.iter().filter(|link| follows(link.kind));
    There {
        kind: "real",
        marks: marks.marks().to_vec(),
        body: Some(nonce(text) as u32),
        links: links
            .filter_map(|link| base.join(&link.href).ok())
            .collect(),
    }
}

/// The index that a server makes of a folder without one.
fn listing(url: &CrawlUrl, folder: &Path, kind: &'static str) -> Option<There> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let end = if entry.path().is_dir() { "/" } else { "" };
            Some(entry.file_name().into_string().ok()? + end)
        })
        .collect();
    names.sort();
    let rows: Vec<String> = names
        .iter()
        .map(|name| format!("<a href=\"{name}\">{name}</a><br>"))
        .collect();
    let text = format!(
        "<title>Index of {}</title><h1>Index</h1>{}",
        url.path(),
        rows.concat()
    );
    Some(There {
        kind,
        ..page(url, &text)
    })
}

fn percent_decoded(path: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let digits = (byte == b'%').then(|| [bytes.next(), bytes.next()]);
        match digits {
            Some([Some(a), Some(b)]) => {
                let text = [a, b];
                let text = std::str::from_utf8(&text).unwrap_or("3f");
                out.push(u8::from_str_radix(text, 16).unwrap_or(b'?'));
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn nonce(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn text(what: &str, number: u64, words: u64) -> impl Iterator<Item = u32> {
    let start = nonce(what) ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..words).map(move |word| (nonce(&format!("{start} {word}")) >> 24) as u32)
}

fn number_in(text: &str) -> u64 {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

#[derive(Default)]
struct Crawled {
    fetched: BTreeMap<&'static str, u32>,
    cut: BTreeMap<&'static str, u32>,
    /// Of real pages: by level and first two segments.
    cut_where: BTreeMap<(&'static str, String), u32>,
    put_off: u32,
    waiting: usize,
    /// Real pages that were cut, and their marks.
    lost: Vec<Rc<There>>,
    said: BTreeSet<u32>,
}

fn crawl(site: &Site, seed: &CrawlUrl, fetches_max: u32, novelty: bool) -> Crawled {
    let bounds = BudgetBounds {
        novelty,
        ..BudgetBounds::default()
    };
    let mut budgets = Budgets::default();
    let mut seen = BTreeSet::from([seed.clone()]);
    let mut queue = BTreeMap::from([((0, 0), (seed.clone(), 0))]);
    let (mut order, mut fetches) = (0_u32, 0);
    let mut crawled = Crawled::default();
    while let Some(((lane, _), (url, depth))) = queue.pop_first() {
        let Some(there) = site.at(&url) else { continue };
        match budgets.verdict(&url, lane == LANE_LAST, &bounds) {
            Verdict::Take if fetches == fetches_max => break,
            Verdict::Take => {}
            Verdict::Later => {
                crawled.put_off += 1;
                order += 1;
                queue.insert((LANE_LAST, order), (url, depth));
                continue;
            }
            Verdict::Cut(_) => {
                *crawled.cut.entry(there.kind).or_default() += 1;
                if there.kind == "real" {
                    crawled.lost.push(Rc::clone(&there));
                    let level = budgets.look(&url).map_or("site", |look| look.level);
                    let place: Vec<&str> = url.path().split('/').skip(1).take(2).collect();
                    let place = match place[..] {
                        [_] => "/*".to_owned(),
                        [first, ..] => format!("/{first}/*"),
                        [] => String::new(),
                    };
                    *crawled.cut_where.entry((level, place)).or_default() += 1;
                }
                continue;
            }
        }
        fetches += 1;
        crawled.said.extend(&there.marks);
        *crawled.fetched.entry(there.kind).or_default() += 1;
        let brought = Yield {
            marks: &there.marks,
            body: there.body,
            links: &there.links.iter().collect::<Vec<_>>(),
        };
        budgets.note(&url, &brought, queue.len() as u64, &bounds);
        for link in &there.links {
            if link.site_str() == url.site_str() && seen.insert(link.clone()) {
                order += 1;
                queue.insert((depth.min(LANE_DEEPEST), order), (link.clone(), depth + 1));
            }
        }
        if fetches % WINDOW == 0 {
            budgets = Budgets::decode(&budgets.encode()).expect("what was stored reads back");
        }
    }
    crawled.waiting = queue.len();
    crawled
}

fn main() {
    let mut has_traps = false;
    let mut fetches_max = 20_000;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut number = || {
            args.next()
                .and_then(|n| n.parse().ok())
                .expect("a number follows")
        };
        match arg.as_str() {
            "--traps" => has_traps = true,
            "--max" => fetches_max = number(),
            _ => folder(Path::new(&arg), has_traps, fetches_max),
        }
    }
}

fn folder(root: &Path, has_traps: bool, fetches_max: u32) {
    let seed = CrawlUrl::parse("https://www.manual.example/").expect("a URL");
    let site = |has_traps| Site {
        root: root.to_owned(),
        has_traps,
        pages: RefCell::default(),
    };
    let whole = crawl(&site(false), &seed, u32::MAX, false);
    let judged = crawl(&site(has_traps), &seed, fetches_max, true);
    let all = whole.fetched.get("real").copied().unwrap_or(0);
    judged.report(&root.display().to_string(), all);
}

impl Crawled {
    fn report(&self, name: &str, all: u32) {
        let real = self.fetched.get("real").copied().unwrap_or(0);
        let fetches: u32 = self.fetched.values().sum();
        println!(
            "{name}: {real} of {all} pages ({:.1} %), {fetches} fetches, {:.1} % of them traps; {} put off, {} waiting",
            100.0 * f64::from(real) / f64::from(all.max(1)),
            100.0 * f64::from(fetches - real) / f64::from(fetches.max(1)),
            self.put_off,
            self.waiting,
        );
        println!("   fetched {:?}, cut {:?}", self.fetched, self.cut);
        let mut shares = [0; 11];
        for there in &self.lost {
            let new = there.marks.iter().filter(|mark| !self.said.contains(mark));
            shares[10 * new.count() / there.marks.len().max(1)] += 1;
        }
        if !self.lost.is_empty() {
            println!("   lost pages by tenths of their marks that no fetched page has: {shares:?}");
        }
        let mut places: Vec<_> = self.cut_where.iter().collect();
        places.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for ((level, place), count) in places.iter().take(12) {
            println!("   cut by {level}: {count} at {place}");
        }
    }
}
