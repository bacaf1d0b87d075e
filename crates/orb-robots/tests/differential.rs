//! Two other parsers beside ours, on files written down and on thousands made of them by chance.
//!
//! In: files, paths, the verdicts of `robotstxt` (Google's parser, ported) and `texting_robots`.
//! Out: for each difference the cause that explains it.
//! May touch: nothing else. Invariant: a cause explains a difference only if both agree once it is taken out of file
//! and path; [`CAUSES`] may only shrink: one that explains nothing any more fails the test, as does a difference
//! without cause.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod causes;

use std::collections::BTreeMap;

use causes::{CAUSES, Case, Cause, Oracle};
use orb_robots::{Access, ProductToken, Robots};

/// The agent that is asked about.
const AGENT: &str = "orbweaver";

/// Files to begin with: what sites write, what the RFC shows, what breaks parsers.
const FILES: &[&str] = &[
    "",
    "User-agent: *\nDisallow: /\n",
    "User-agent: *\nDisallow:\n",
    "User-agent: *\nDisallow: /private/\nAllow: /private/open\nDisallow: /*.gif$\n",
    "User-agent: orbweaver\nDisallow: /a\n\nUser-agent: *\nDisallow: /b\n",
    "User-agent: *\nDisallow: /b\n\nUser-agent: OrbWeaver/1.0\nAllow: /b/c\nDisallow: /b\n",
    "User-agent: foobot\nUser-agent: orbweaver\nDisallow: /a/\nUser-agent: other\nDisallow: /\n",
    "User-agent: orbweaver\nCrawl-delay: 5\nUser-agent: other\nDisallow: /x\n",
    "Sitemap: https://a.example/s.xml\nUser-agent: *\nSitemap: /t.xml\nDisallow: /t\nAllow: /t/u$\n",
    "User-agent: *\nAllow: /\nDisallow: /*?\nDisallow: /search*q=\nAllow: /search?q=ok\n",
    "User-agent: *\nDisallow: /caf\u{e9}\nDisallow: /a%62c\nDisallow: /x%2fy\nAllow: /a%3Cd\n",
    "User-agent: *\nDisallow: /f\nAllow: /f/index.html\nAllow: /index.htm\nDisallow: /$\n",
    "useragent: *\ndissallow: /a\nDisallow /b\nallowed: /a/b\nDisallow : /c\n",
    "User-agent: *\r\nDisallow: /a\r\rAllow: /a/b\r\n#Disallow: /b\r\nDisallow: /c # why\r\n",
    "\u{feff}User-agent: *\nDisallow: /a\n",
    "User-agent: *\n\u{0}Disallow: /a\u{0}\nDisallow:\u{a0}/b\n",
    "Disallow: /a\nUser-agent: *\nDisallow: b\nDisallow: *c\nDisallow: ?d\n",
    "User-agent: * bots\nDisallow: /a\nUser-agent: *x\nDisallow: /b\n",
    "User-agent: *\nDisallow: /a$b\nDisallow: /c*$\nDisallow: /d**e\nAllow: /c*c$\nDisallow: *$\n",
    "<html><body>User-agent: *\nDisallow: /a\n</body></html>",
    "User-agent: *\nContent-Signal: ai-train=no\nUser-agent: orbweaver\nDisallow: /a\n",
    "Disallow: /a\nAllow: /a/b\n",
];

/// Paths as a crawler asks for them: valid, escaped, without fragment.
const PATHS: &[&str] = &[
    "/",
    "/a",
    "/a/b",
    "/a/b/c",
    "/ab",
    "/abc",
    "/b",
    "/b/c",
    "/c",
    "/cc",
    "/cdc",
    "/d",
    "/dxe",
    "/private/x",
    "/private/open/1",
    "/pic.gif",
    "/pic.gif?x",
    "/search?q=ok",
    "/search?q=no",
    "/t",
    "/t/u",
    "/t/u/v",
    "/f/",
    "/f/index.html",
    "/index.html",
    "/caf%C3%A9",
    "/caf%c3%a9/x",
    "/a%62c",
    "/x/y",
    "/x%2Fy",
    "/a%3cd",
    "/a$b",
    "/a%24b",
    "/robots.txt",
    "/x?d",
    "/?",
];

/// Pieces that mutation puts in.
const PIECES: &[&str] = &[
    "*",
    "$",
    "/",
    "?",
    "#",
    ":",
    " ",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "%",
    "%2F",
    "%62",
    "\u{e9}",
    "\u{0}",
    "\n\n",
    "/*",
    "*$",
    "User-agent: orbweaver\n",
    "User-agent: *\n",
    "Disallow: /\n",
    "Allow: /a\n",
    "Disallow:\n",
    "Crawl-delay: 1\n",
    "Sitemap: /s\n",
    "\nuser agent: other\n",
    "\nDisallow: /*a*b\n",
    "\nAllow: /*/c$\n",
];

fn ours(case: &Case) -> bool {
    let token = ProductToken::new(AGENT).unwrap();
    let robots = Robots::parse(case.body.as_bytes(), &token);
    robots.access(&case.path).access == Access::Allow
}

/// What another parser says; `None` when it refuses the file.
fn theirs(oracle: Oracle, case: &Case) -> Option<bool> {
    let url = format!("https://a.example{}", case.path);
    match oracle {
        Oracle::Google => {
            let mut matcher = robotstxt::DefaultMatcher::default();
            Some(matcher.one_agent_allowed_by_robots(&case.body, AGENT, &url))
        }
        Oracle::Texting => {
            let robot = texting_robots::Robot::new(AGENT, case.body.as_bytes()).ok()?;
            Some(robot.allowed(&url))
        }
    }
}

fn differs(oracle: Oracle, case: &Case) -> bool {
    theirs(oracle, case).is_some_and(|allowed| allowed != ours(case))
}

/// The cause of a difference: the first that alone explains it, else the first of several that do together.
fn cause_of(oracle: Oracle, case: &Case) -> Option<&'static Cause> {
    let own: Vec<&Cause> = CAUSES
        .iter()
        .filter(|cause| cause.oracle == oracle)
        .collect();
    let agrees = |causes: &[&Cause]| {
        let mut neutral = case.clone();
        causes
            .iter()
            .for_each(|cause| (cause.without)(&mut neutral));
        !differs(oracle, &neutral)
    };
    if let Some(cause) = own.iter().find(|cause| agrees(&[cause])) {
        return Some(cause);
    }
    (2..=own.len()).find_map(|number| agrees(&own[..number]).then(|| own[number - 1]))
}

/// A small generator; the same seed makes the same files.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

fn mutated(dice: &mut Dice) -> String {
    let mut body: Vec<char> = dice.of(FILES).chars().collect();
    for _ in 0..=dice.below(6) {
        let at = dice.below(body.len() + 1);
        match dice.below(5) {
            0 => body.extend(dice.of(FILES).chars()),
            1 if at < body.len() => {
                body.remove(at);
            }
            2 => body.truncate(at),
            _ => {
                body.splice(at..at, dice.of(PIECES).chars());
            }
        }
    }
    body.into_iter().collect()
}

/// Judges every path of a file by every parser and counts the causes of differences.
fn compare(body: &str, counts: &mut BTreeMap<(Oracle, &'static str), usize>) {
    for path in PATHS {
        let case = Case {
            body: body.to_owned(),
            path: (*path).to_owned(),
        };
        for oracle in [Oracle::Google, Oracle::Texting] {
            if !differs(oracle, &case) {
                continue;
            }
            let Some(cause) = cause_of(oracle, &case) else {
                let (ours, theirs) = (ours(&case), theirs(oracle, &case));
                panic!("no cause: {oracle:?} {theirs:?}, ours {ours}, for {path} by {body:?}");
            };
            *counts.entry((oracle, cause.name)).or_default() += 1;
        }
    }
}

#[test]
fn every_difference_has_a_cause_and_every_cause_a_difference() {
    let mut counts = BTreeMap::new();
    FILES.iter().for_each(|body| compare(body, &mut counts));
    let mut dice = Dice(9_309);
    for _ in 0..4_000 {
        compare(&mutated(&mut dice), &mut counts);
    }
    for cause in CAUSES {
        assert!(
            counts.contains_key(&(cause.oracle, cause.name)),
            "{:?} {} no longer occurs ({}): take it out of the list",
            cause.oracle,
            cause.name,
            cause.why
        );
    }
}
