//! From arguments and settings to a question for `orb-plan`.
//!
//! In: `orb plan`'s arguments, settings in force, costs. Out: the question, and what each part of it rests on.
//! May touch: seeds files. Must not touch: the network; nothing is fetched for a plan.
//! Invariant: whatever was not given is in the basis as assumed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use orb_api::ByteSize;
use orb_crawl::CrawlConfig;
use orb_frontier::Scope;
use orb_gate::PolitenessConfig;
use orb_plan::{MachineCosts, PageKind, Question, Rules, Sites, Spread, handshake_share};
use orb_url::{Scheme, Site};

use super::basis::{Basis, Source};
use super::sizes_file;
use crate::exit::Failure;
use crate::machine::Machine;
use crate::seeds::Seeds;
use crate::settings_args::{read_text, span};
use crate::terminal::{bytes, count};

/// Pages of a site, where nobody says: the middle of crawls that follow links through small sites.
const PAGES_PER_SITE: f64 = 50.0;

/// Requests for robots.txt of a site: most are asked with and without `www.`, or by http and https.
const ROBOTS_PER_SITE: f64 = 2.0;

/// How unlike sites are in size: most are small, some are very large.
const PAGES_SPREAD: f64 = 1.0;

/// Seconds of an exchange: a round trip to another continent for the connection, one for the answer, and its making.
const EXCHANGE_SECONDS: f64 = 0.3;

/// Bytes received for a page: the mean of the 2025 web, compressed (`docs/performance.md`).
const PAGE_BYTES: f64 = 67_000.0;

/// Requests per page: every tenth URL is a redirect or gone.
const REQUESTS_PER_PAGE: f64 = 1.1;

/// What a plan is told about the sites.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "What is known of the sites")]
pub(crate) struct AskingArgs {
    /// File with a URL, domain or `rank,domain` on each line, as for `orb crawl`. May be repeated.
    #[arg(long, value_name = "FILE")]
    pub(crate) seeds: Vec<PathBuf>,
    /// Plan for this many sites without naming them.
    #[arg(long, value_name = "N", conflicts_with = "seeds")]
    pub(crate) sites: Option<u64>,
    /// Mean pages of a site [assumed: 50].
    #[arg(long, value_name = "N", value_parser = positive)]
    pages_per_site: Option<f64>,
    /// How unlike sites are in size: 0 all alike, 1 the largest of a hundred has 13 times the median
    /// [assumed: 1].
    #[arg(long, value_name = "SIGMA", value_parser = spread)]
    pages_spread: Option<f64>,
    /// File with the pages of each site, where they are known: `pages` or `domain,pages` lines; sites beyond them have
    /// them again.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["pages_per_site", "pages_spread"])]
    sizes: Option<PathBuf>,
    /// Time of one exchange, connecting included: 300ms, or from the fast tenth of the sites to the slow tenth:
    /// 100ms..2s [assumed: 300ms].
    #[arg(long, value_name = "TIME", value_parser = exchange_time)]
    exchange_time: Option<(f64, f64)>,
    /// Sites that share one address, on average [assumed: 1].
    #[arg(long, value_name = "N", value_parser = positive)]
    sites_per_address: Option<f64>,
    /// Bytes received for a page, compressed: 20kB [assumed: 67kB].
    #[arg(long, value_name = "SIZE")]
    page_size: Option<ByteSize>,
    /// Requests for one page that is archived; redirects and absent pages count [assumed: 1.1].
    #[arg(long, value_name = "N", value_parser = positive)]
    requests_per_page: Option<f64>,
    /// Requests for robots.txt of a site: one for each of its origins, with and without www, by http and https
    /// [assumed: 2].
    #[arg(long, value_name = "N", value_parser = positive)]
    robots_per_site: Option<f64>,
    /// Bytes a second that the network brings: 100MB [not known].
    #[arg(long, value_name = "SIZE")]
    bandwidth: Option<ByteSize>,
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok();
    number
        .filter(|number| number.is_finite() && *number > 0.0)
        .ok_or_else(|| "write a number above 0".to_owned())
}

fn spread(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok();
    number
        .filter(|number| (0.0..=3.0).contains(number))
        .ok_or_else(|| "write a number from 0 to 3".to_owned())
}

fn exchange_time(text: &str) -> Result<(f64, f64), String> {
    let (low, high) = text.split_once("..").unwrap_or((text, text));
    let seconds = |text| span(text).map(|time| time.as_secs_f64().max(1e-4));
    let (low, high) = (seconds(low)?, seconds(high)?);
    if low > high {
        return Err(format!("{text}: write the shorter time first"));
    }
    Ok((low, high))
}

/// Sites of the seeds, and how many of them are asked by https.
struct Counted {
    sites: u64,
    https_share: f64,
    /// Whether all of them are the operator's own.
    own: bool,
    basis: Basis,
}

impl AskingArgs {
    /// Whether anything says which sites are meant.
    pub(crate) fn names_sites(&self) -> bool {
        self.sites.is_some() || !self.seeds.is_empty()
    }

    /// The question, and what it rests on.
    pub(crate) fn question(
        &self,
        seeds: Seeds,
        config: &CrawlConfig,
        machine: MachineCosts,
    ) -> Result<(Question, Vec<Basis>), Failure> {
        let counted = self.count_sites(seeds, &config.politeness)?;
        let mut basis = vec![counted.basis];
        let pages = self.pages(config, &mut basis)?;
        let exchange = self.exchange(&mut basis);
        let [wire_bytes, requests_per_page, robots, per_address] = self.plain_figures(&mut basis);
        if config.frontier.scope == Scope::Any {
            basis.push(Basis::new(
                "scope",
                "any",
                Source::Settings,
                "sites that links lead to come on top of those planned for",
            ));
        }
        let mut rules = rules(config, self.bandwidth);
        if counted.own {
            let politeness = &mut rules.politeness;
            politeness.site_delay = politeness.own_site_delay.min(politeness.site_delay);
            politeness.site_delay_factor = politeness.site_delay_factor.min(1);
            let delay = millis(politeness.site_delay.as_secs_f64());
            basis.push(Basis::new(
                "pause",
                delay,
                Source::Settings,
                "all sites are in politeness.own_sites",
            ));
        }
        let delay = orb_plan::Pace::of(&rules.politeness).delay(exchange.mean());
        let page = PageKind {
            wire_bytes,
            requests_per_page,
            handshake_share: handshake_share(
                counted.https_share,
                counted.sites as f64,
                pages.mean() * requests_per_page,
                idle_room(config),
                delay,
                config.fetch.idle_timeout.as_secs_f64(),
            ),
        };
        let question = Question {
            sites: Sites::Described {
                count: counted.sites,
                pages,
                robots,
                exchange,
                per_address,
            },
            page,
            rules,
            machine,
        };
        Ok((question, basis))
    }

    /// Bytes a page, requests a page, robots.txt a site, sites an address.
    fn plain_figures(&self, basis: &mut Vec<Basis>) -> [f64; 4] {
        let plain = |value: f64| {
            let text = format!("{value:.4}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        };
        let size = self.page_size.map(|size| size.bytes() as f64);
        let figures = [
            ("bytes a page", size, PAGE_BYTES, "--page-size 20kB"),
            (
                "requests a page",
                self.requests_per_page,
                REQUESTS_PER_PAGE,
                "--requests-per-page N",
            ),
            (
                "robots.txt a site",
                self.robots_per_site,
                ROBOTS_PER_SITE,
                "--robots-per-site N",
            ),
            (
                "sites an address",
                self.sites_per_address,
                1.0,
                "--sites-per-address N",
            ),
        ];
        figures.map(|(name, given, assumed, flag)| {
            let value = given.unwrap_or(assumed);
            let text = if name == "bytes a page" {
                bytes(value as u64)
            } else {
                plain(value)
            };
            basis.push(given_or_assumed(name, text, given.is_some(), flag));
            value
        })
    }

    fn count_sites(
        &self,
        mut seeds: Seeds,
        politeness: &PolitenessConfig,
    ) -> Result<Counted, Failure> {
        if let Some(sites) = self.sites {
            return Ok(Counted {
                sites,
                https_share: 1.0,
                own: false,
                basis: Basis::new("sites", count(sites), Source::Given, "--sites"),
            });
        }
        let mut sites: BTreeMap<Site, bool> = BTreeMap::new();
        for seed in seeds.by_ref() {
            let https = seed.url.scheme() == Scheme::Https;
            sites.entry(seed.url.site()).or_insert(https);
        }
        let counts = seeds.finish()?;
        if sites.is_empty() {
            return Err(Failure::usage_text(
                "no site to plan for: give URLs, --seeds FILE, --sites N, or the folder of a crawl",
            ));
        }
        let https = sites.values().filter(|https| **https).count();
        Ok(Counted {
            sites: sites.len() as u64,
            https_share: https as f64 / sites.len() as f64,
            own: sites.keys().all(|site| politeness.own_sites.contains(site)),
            basis: Basis::new(
                "sites",
                count(sites.len() as u64),
                Source::Counted,
                format!(
                    "seeds: {}; sites asked by https first: {}",
                    count(counts.good),
                    count(https as u64)
                ),
            ),
        })
    }

    fn pages(&self, config: &CrawlConfig, basis: &mut Vec<Basis>) -> Result<Spread, Failure> {
        let spread = match &self.sizes {
            Some(file) => {
                let spread = sizes_file::read(&read_text(file)?, &file.display().to_string())?;
                let mean = format!("{:.1}", spread.mean());
                basis.push(Basis::new(
                    "pages a site",
                    mean,
                    Source::Given,
                    "--sizes; the mean",
                ));
                spread
            }
            None => self.assumed_pages(basis),
        };
        let most = config.frontier.pages_per_site_max;
        if most == 0 {
            return Ok(spread);
        }
        basis.push(Basis::new(
            "pages a site at most",
            count(most),
            Source::Settings,
            "frontier.pages_per_site_max",
        ));
        Ok(spread.capped(most as f64))
    }

    fn assumed_pages(&self, basis: &mut Vec<Basis>) -> Spread {
        let mean = self.pages_per_site.unwrap_or(PAGES_PER_SITE);
        let sigma = self.pages_spread.unwrap_or(PAGES_SPREAD);
        basis.push(given_or_assumed(
            "pages a site",
            format!("{mean:.1}"),
            self.pages_per_site.is_some(),
            "--pages-per-site N",
        ));
        basis.push(given_or_assumed(
            "their spread",
            format!("{sigma}"),
            self.pages_spread.is_some(),
            "--pages-spread SIGMA; decides how long the largest sites last",
        ));
        Spread::LogNormal { mean, sigma }
    }

    fn exchange(&self, basis: &mut Vec<Basis>) -> Spread {
        let (low, high) = self
            .exchange_time
            .unwrap_or((EXCHANGE_SECONDS, EXCHANGE_SECONDS));
        let text = if low == high {
            millis(low)
        } else {
            format!("{} to {}", millis(low), millis(high))
        };
        basis.push(given_or_assumed(
            "exchange time",
            text,
            self.exchange_time.is_some(),
            "--exchange-time 300ms, or a range 100ms..2s",
        ));
        Spread::between(low, high)
    }
}

fn given_or_assumed(name: &'static str, value: String, given: bool, flag: &str) -> Basis {
    if given {
        let flag = flag.split(' ').next().unwrap_or(flag).trim_end_matches(',');
        return Basis::new(name, value, Source::Given, flag);
    }
    Basis::new(name, value, Source::Assumed, format!("give {flag}"))
}

/// Seconds as a person writes them.
pub(crate) fn millis(seconds: f64) -> String {
    if seconds < 1.0 {
        let digits = usize::from(seconds < 0.01);
        format!("{:.digits$} ms", seconds * 1e3)
    } else {
        format!("{seconds:.1} s")
    }
}

/// Connections that may idle at once, all shards together.
pub(crate) fn idle_room(config: &CrawlConfig) -> f64 {
    if config.fetch.keep_alive {
        (config.fetch.idle_connections_max * usize::from(config.threads.max(1))) as f64
    } else {
        0.0
    }
}

/// The part of the settings that a forecast needs.
pub(crate) fn rules(config: &CrawlConfig, bandwidth: Option<ByteSize>) -> Rules {
    let threads = config.threads.max(1);
    Rules {
        politeness: config.politeness.clone(),
        cores: f64::from(threads.min(Machine::this().cores.max(1))),
        in_flight_max: f64::from(config.limits.in_flight_max) * f64::from(threads),
        bandwidth: bandwidth.map(|size| size.bytes() as f64),
        memory_max_bytes: config.memory_max.bytes(),
        pages_max: config.limits.pages_max,
        bytes_max: config.limits.bytes_max.bytes(),
        seconds_max: config.limits.duration_max.as_secs_f64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use orb_plan::Samples;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        asking: AskingArgs,
        urls: Vec<String>,
    }

    fn seeds(line: &Line) -> Seeds {
        Seeds::open(&line.urls, &line.asking.seeds).unwrap()
    }

    fn ask(line: &str) -> (Question, Vec<Basis>) {
        let words = std::iter::once("orb").chain(line.split_whitespace());
        let line = Line::try_parse_from(words).unwrap();
        let costs = MachineCosts::of(&Samples::default());
        let config = CrawlConfig::default();
        line.asking.question(seeds(&line), &config, costs).unwrap()
    }

    fn source(basis: &[Basis], name: &str) -> Source {
        basis
            .iter()
            .find(|basis| basis.name == name)
            .unwrap()
            .source
    }

    #[test]
    fn sites_are_counted_by_registrable_domain() {
        let (question, basis) = ask("https://a.example.org/x http://b.example.org/ c.example.com");
        let Sites::Described { count, .. } = question.sites else {
            panic!("described")
        };
        assert_eq!((count, source(&basis, "sites")), (2, Source::Counted));
    }

    #[test]
    fn what_is_not_given_is_assumed_and_says_how_to_give_it() {
        let (_, basis) = ask("a.example");
        for name in [
            "pages a site",
            "exchange time",
            "bytes a page",
            "sites an address",
        ] {
            assert_eq!(source(&basis, name), Source::Assumed, "{name}");
        }
        assert!(
            basis
                .iter()
                .all(|basis| basis.source != Source::Assumed || basis.how.contains("--"))
        );
        let (question, basis) = ask(
            "--sites 7 --pages-per-site 20 --pages-spread 0 --exchange-time 100ms..1s --page-size 9kB \
             --requests-per-page 1 --robots-per-site 1 --sites-per-address 3 --bandwidth 1MB",
        );
        assert!(
            basis.iter().all(|basis| basis.source == Source::Given),
            "{basis:?}"
        );
        assert_eq!(question.page.wire_bytes, 9_000.0);
        assert_eq!(question.rules.bandwidth, Some(1e6));
    }

    #[test]
    fn sites_of_ones_own_have_their_own_pause() {
        let line = Line::try_parse_from(["orb", "https://a.example/"]).unwrap();
        let costs = MachineCosts::of(&Samples::default());
        let mut config = CrawlConfig::default();
        config.politeness.own_sites = vec![Site::of_host("a.example")];
        let (question, basis) = line.asking.question(seeds(&line), &config, costs).unwrap();
        assert_eq!(question.rules.politeness.site_delay.as_millis(), 100);
        assert_eq!(source(&basis, "pause"), Source::Settings);
    }

    #[test]
    fn nonsense_is_refused() {
        for line in [
            "--pages-per-site 0",
            "--pages-spread 9",
            "--exchange-time 2s..1s",
            "--exchange-time soon",
            "--sites 3 --seeds x",
        ] {
            let words = std::iter::once("orb").chain(line.split_whitespace());
            assert!(Line::try_parse_from(words).is_err(), "{line}");
        }
    }
}
