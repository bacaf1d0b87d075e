//! The rows of `orb bench crawl`: scheme, connections, size of pages.
//!
//! In: nothing. Out: for each row the web it crawls and the settings it crawls with. May touch: nothing.
//! Invariant: names are a contract with scripts and with the targets; politeness pauses are zero here only because
//! the web is the bench's own, on loopback, which is the only range these settings open.

use std::path::Path;

use clap::ValueEnum;

use crate::commands::simweb::Served;

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CrawlRow {
    /// http, connections kept, large pages.
    HttpKeptLarge,
    /// http, a new connection for every page, large pages.
    HttpNewLarge,
    /// https, connections kept, large pages.
    HttpsKeptLarge,
    /// https, a new connection for every page, large pages.
    HttpsNewLarge,
    /// http, connections kept, small pages.
    HttpKeptSmall,
    /// http, a new connection for every page, small pages.
    HttpNewSmall,
    /// https, connections kept, small pages.
    HttpsKeptSmall,
    /// https, a new connection for every page, small pages.
    HttpsNewSmall,
}

/// Which web, and how large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WebSize {
    pub(crate) sites: u32,
    pub(crate) pages_per_site: u32,
    pub(crate) seed: u64,
}

/// Loopback addresses the sites are spread over, as sites share addresses on the web.
const ADDRESSES: u32 = 200;

/// Longest run. A crawl that is not done by then is told of as unfinished.
const RUN_MAX: &str = "15m";

impl CrawlRow {
    /// Every row.
    pub(crate) const ALL: [CrawlRow; 8] = [
        CrawlRow::HttpKeptLarge,
        CrawlRow::HttpNewLarge,
        CrawlRow::HttpsKeptLarge,
        CrawlRow::HttpsNewLarge,
        CrawlRow::HttpKeptSmall,
        CrawlRow::HttpNewSmall,
        CrawlRow::HttpsKeptSmall,
        CrawlRow::HttpsNewSmall,
    ];

    /// Its name in arguments, tables and JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            CrawlRow::HttpKeptLarge => "http-kept-large",
            CrawlRow::HttpNewLarge => "http-new-large",
            CrawlRow::HttpsKeptLarge => "https-kept-large",
            CrawlRow::HttpsNewLarge => "https-new-large",
            CrawlRow::HttpKeptSmall => "http-kept-small",
            CrawlRow::HttpNewSmall => "http-new-small",
            CrawlRow::HttpsKeptSmall => "https-kept-small",
            CrawlRow::HttpsNewSmall => "https-new-small",
        }
    }

    fn secure(self) -> bool {
        self.name().starts_with("https")
    }

    fn kept(self) -> bool {
        self.name().contains("kept")
    }

    fn large(self) -> bool {
        self.name().ends_with("large")
    }

    /// What it is, in words.
    pub(crate) fn about(self) -> String {
        format!(
            "{}, {}, {}",
            if self.secure() { "https" } else { "http" },
            if self.kept() {
                "connections kept"
            } else {
                "a new connection for every page"
            },
            if self.large() {
                "pages of 242 KB in the mean, 138 KB in the median"
            } else {
                "pages of 16 KB in the mean, 8 KB in the median"
            },
        )
    }

    /// Arguments of `orb simweb`.
    pub(crate) fn web_arguments(self, size: WebSize) -> Vec<String> {
        vec![
            format!("--sites={}", size.sites),
            format!("--pages-per-site={}", size.pages_per_site),
            format!("--seed={}", size.seed),
            format!("--size={}", if self.large() { "large" } else { "small" }),
            "--faults=none".into(),
            format!("--addresses={ADDRESSES}"),
            format!("--https-share={}", u8::from(self.secure())),
        ]
    }

    /// Arguments of the crawl of it into `out`: one thread, everything on.
    pub(crate) fn crawl_arguments(self, served: &Served, out: &Path) -> Vec<String> {
        let mut list: Vec<String> = ["crawl", "--json", "--quiet", "--scope=any", "--threads=1"]
            .map(str::to_owned)
            .into();
        list.extend([
            format!("--seeds={}", served.seeds.display()),
            format!("--out={}", out.display()),
            format!("--ca={}", served.ca.display()),
            format!("--dns={}", served.dns),
            format!("--allow-net={}", served.range),
            format!("--max-duration={RUN_MAX}"),
            "--delay=0s".into(),
            "--set=politeness.address_delay=0s".into(),
            "--set=politeness.site_delay_factor=0".into(),
            // Made after the pages, from closed files: `docs/performance.md`, Archiving, says what they cost.
            "--set=archive.index=false".into(),
        ]);
        if !self.kept() {
            list.push("--set=fetch.keep_alive=false".into());
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row is found by the name it is shown with.
    #[test]
    fn names_are_those_of_the_command_line() {
        for row in CrawlRow::ALL {
            assert_eq!(CrawlRow::from_str(row.name(), false), Ok(row));
        }
        assert_eq!(CrawlRow::value_variants(), CrawlRow::ALL);
    }

    #[test]
    fn a_row_says_what_web_and_what_connections() {
        let size = WebSize {
            sites: 20,
            pages_per_site: 10,
            seed: 1,
        };
        let web = CrawlRow::HttpsNewLarge.web_arguments(size);
        assert!(
            web.contains(&"--https-share=1".to_owned()) && web.contains(&"--size=large".to_owned())
        );
        let served = Served {
            sites: 20,
            pages: 200,
            http_port: 1,
            https_port: 2,
            dns: "127.0.0.1:3".parse().unwrap(),
            seeds: "seeds.txt".into(),
            ca: "ca.pem".into(),
            sizes: "web/sizes.txt".into(),
            range: "127.0.0.0/8".into(),
        };
        let new = CrawlRow::HttpsNewLarge.crawl_arguments(&served, Path::new("c"));
        let kept = CrawlRow::HttpKeptSmall.crawl_arguments(&served, Path::new("c"));
        let drops = "--set=fetch.keep_alive=false".to_owned();
        assert!(new.contains(&drops) && !kept.contains(&drops));
    }
}
