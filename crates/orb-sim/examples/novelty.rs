//! Budgets by novelty on real pages: what a crawl would not fetch of them, and what it would of traps planted in each.
//!
//! In: folders of HTML pages, each as a site of its own.
//! Out: for each site how many of its pages were fetched and cut, and by which part of their URLs.
//! May touch: the folders. Must not touch: a frontier, a network.
//! Invariant: the order of a crawl of one site: lanes by depth, then first found; budgets are stored and read back.
//!
//!     cargo run -p orb-sim --example novelty -- [--traps] [--max N] DIR…

#[path = "../tests/page_crawl/mod.rs"]
mod page_crawl;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

use orb_url::CrawlUrl;

use page_crawl::{Crawled, REAL, There, crawl};

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
        self.file(url, REAL)
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
        let mut there = There::read(kind, url, &text);
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
    Some(There::read(kind, url, &text))
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

fn main() -> ExitCode {
    let mut has_traps = false;
    let mut fetches_max = 20_000;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--traps" => has_traps = true,
            "--max" => match args.next().and_then(|number| number.parse().ok()) {
                Some(number) => fetches_max = number,
                None => return usage("--max takes a number of fetches"),
            },
            root if Path::new(root).is_dir() => folder(Path::new(root), has_traps, fetches_max),
            other => return usage(&format!("no folder: {other}")),
        }
    }
    ExitCode::SUCCESS
}

fn usage(wrong: &str) -> ExitCode {
    eprintln!("{wrong}\nusage: novelty [--traps] [--max FETCHES] DIR…");
    ExitCode::from(2)
}

fn folder(root: &Path, has_traps: bool, fetches_max: u32) {
    let seed = CrawlUrl::parse("https://www.manual.example/").expect("a URL");
    let site = |has_traps| Site {
        root: root.to_owned(),
        has_traps,
        pages: RefCell::default(),
    };
    let (plain, judged) = (site(false), site(has_traps));
    let whole = crawl(&seed, u32::MAX, false, &|url| plain.at(url));
    let judged = crawl(&seed, fetches_max, true, &|url| judged.at(url));
    report(root, whole.real(), &judged);
}

fn report(root: &Path, all: u32, judged: &Crawled) {
    let (real, fetches) = (judged.real(), judged.fetches());
    let share = |part: u32, whole: u32| 100.0 * f64::from(part) / f64::from(whole.max(1));
    println!(
        "{}: {real} of {all} pages ({:.1} %), {fetches} fetches, {:.1} % of them traps; {} put off",
        root.display(),
        share(real, all),
        share(fetches - real, fetches),
        judged.put_off,
    );
    println!("   fetched {:?}, cut {:?}", judged.fetched, judged.cut);
    for url in judged.lost.iter().take(5) {
        println!("   cut: {url}");
    }
}
