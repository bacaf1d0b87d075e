//! Scenarios: what web, what weather, what ends of processes, all from one seed.
//!
//! In: a seed. Out: [`Scenario`]. May touch: nothing.
//! Invariant: equal seeds give equal scenarios; every scenario can be crawled to its end.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use orb_api::ByteSize;
use orb_crawl::{ArchiveCompression, CrawlConfig};
use orb_frontier::Scope;
use orb_simweb::{FaultMix, LivingSites, SimRequest, SimWeb, SimWebConfig, SizeProfile};
use orb_url::{CrawlUrl, Scheme};

use crate::dice::{Dice, mix};
use crate::net::Weather;

/// The name server of every simulated world.
pub(crate) const NAMESERVER: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(11, 53, 53, 53)), 53);

/// How much one scenario weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scale {
    /// Pages of some kilobytes and segments of 64 KiB: for tests that run with every change.
    Quick,
    /// Pages as large as the web's and segments of 1 MB.
    Full,
}

/// How a process ends before its crawl is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is killed at this writing call; what it wrote stays.
    Kill(u64),
    /// The machine loses power at this writing call; what was not synced is lost or torn.
    PowerCut(u64),
    /// The operator stops it after this time.
    Stop(Duration),
    /// The operator stops it twice: everything in flight is dropped.
    Abort(Duration),
}

/// One process, and what comes before the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LifePlan {
    /// How it ends.
    pub end: End,
    /// Time until the next process opens the folder.
    pub pause: Duration,
    /// The machine booted in between.
    pub new_boot: bool,
    /// The wall clock jumped in between, microseconds.
    pub wall_jump_us: i64,
}

/// Everything that makes one simulation.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Where it comes from.
    pub seed: u64,
    /// The web.
    pub web: SimWebConfig,
    /// Settings of the crawl.
    pub config: CrawlConfig,
    /// Shards.
    pub shards: u16,
    /// The network.
    pub weather: Weather,
    /// Processes that end early; the one after them runs to its end.
    pub lives: Vec<LifePlan>,
    /// In each process until it has happened once, the n-th sync fails.
    pub sync_fails_at: Option<u64>,
    /// In the first process the n-th commit of a store fails.
    pub commit_fails_at: Option<u64>,
    /// In the first process the disk has only so many bytes, until somebody makes room after this time.
    pub full_disk: Option<(u64, Duration)>,
    /// Longest delay of a helper's job.
    pub work_delay_max: Duration,
    /// Stalls: readings in a thousand, how many, and the longest.
    pub stalls: (u64, u64, Duration),
    /// The wall clock jumps by this much in the middle of each process, microseconds.
    pub wall_step_us: i64,
}

impl Scenario {
    /// The scenario of `seed`.
    #[must_use]
    pub fn from_seed(seed: u64, scale: Scale) -> Scenario {
        let dice = Dice::new(seed, "scenario");
        let kills = dice.pick(0..4);
        let mut lives: Vec<LifePlan> = (0..kills).map(|_| kill(&dice)).collect();
        if dice.percent(30) {
            let at = dice.pick(0..lives.len() as u64 + 1) as usize;
            lives.insert(at, stop(&dice));
        }
        // The largest pages still arrive within the time limits of `config`.
        let slowest = match (dice.percent(50), scale) {
            (true, Scale::Quick) => 10_000,
            (true, Scale::Full) => 2_000,
            (false, _) => 500,
        };
        let mut wall_step_us = if dice.percent(15) {
            wall_shift(&dice)
        } else {
            0
        };
        // Between boots only the wall clock orders the rows that the audit reads: there it may jump ahead,
        // but not back.
        if lives.iter().any(|life| life.new_boot) {
            wall_step_us = wall_step_us.abs();
            lives
                .iter_mut()
                .for_each(|life| life.wall_jump_us = life.wall_jump_us.abs());
        }
        let mut web = web(seed, scale, &dice);
        let mut config = config(scale, &dice);
        let maps = Dice::new(seed, "sitemaps");
        config.frontier.sitemaps.enabled = maps.percent(60);
        if maps.percent(50) {
            web.living.share = 0.5;
        }
        Scenario {
            seed,
            web,
            config,
            shards: 2,
            weather: Weather {
                latency_max: dice.pick(1_000..80_000),
                byte_ns_max: slowest,
                fault_percent: dice.pick(0..12),
                faults_per_address: 2,
                question_loss_percent: dice.pick(0..15),
                question_losses: 5,
            },
            lives,
            sync_fails_at: Some(dice.pick(2..60)),
            commit_fails_at: dice.percent(25).then(|| dice.pick(1..60)),
            full_disk: full_disk(&dice, scale),
            work_delay_max: Duration::from_micros(dice.pick(100..40_000)),
            stalls: if dice.percent(25) {
                (dice.pick(1..8), 8, Duration::from_millis(400))
            } else {
                (0, 0, Duration::ZERO)
            },
            wall_step_us,
        }
    }

    /// The web of this scenario.
    ///
    /// Where one site's robots.txt is another's that asks for minutes between requests, it counts as
    /// unreachable for who comes late, and the web's truth does not know who does: such webs are passed over.
    #[must_use]
    pub fn build_web(&mut self) -> Arc<SimWeb> {
        loop {
            let web = SimWeb::new(self.web.clone());
            if !hops_wait_too_long(&web) {
                return Arc::new(web);
            }
            self.web.seed = self.web.seed.wrapping_add(1);
        }
    }

    /// A gentler one: a web and a network without faults, processes that live to their end. Tests of single
    /// mistakes start from it.
    #[must_use]
    pub fn calm(seed: u64) -> Scenario {
        let mut scenario = Scenario::from_seed(seed, Scale::Quick);
        scenario.web.faults = FaultMix::none();
        scenario.weather = Weather {
            latency_max: 20_000,
            byte_ns_max: 500,
            ..Weather::default()
        };
        scenario.lives.clear();
        scenario.sync_fails_at = None;
        scenario.commit_fails_at = None;
        scenario.full_disk = None;
        scenario.stalls = (0, 0, Duration::ZERO);
        scenario.wall_step_us = 0;
        scenario
    }
}

/// Whether some robots.txt leads to a site with a crawl-delay beyond what a hop may wait.
fn hops_wait_too_long(web: &SimWeb) -> bool {
    let delayed = |host: &str, secure| crawl_delay_of(web, host, secure) >= 60;
    let urls = web.seeds();
    urls.iter()
        .filter_map(|url| CrawlUrl::parse(url).ok())
        .any(|url| {
            let secure = url.scheme() == Scheme::Https;
            let response = web.respond(&SimRequest::get(url.host(), "/robots.txt", secure));
            let head = String::from_utf8_lossy(&response.head).into_owned();
            let location = head
                .lines()
                .find_map(|line| line.strip_prefix("Location: "));
            let target = location.and_then(|to| url.join(to).ok());
            target.is_some_and(|to| {
                to.host() != url.host() && delayed(to.host(), to.scheme() == Scheme::Https)
            })
        })
}

/// Seconds that the robots.txt of an origin asks for between requests, read as plainly as can be.
pub(crate) fn crawl_delay_of(web: &SimWeb, host: &str, secure: bool) -> u64 {
    let response = web.respond(&SimRequest::get(host, "/robots.txt", secure));
    let body: Vec<u8> = response.body.concat();
    let text = String::from_utf8_lossy(&body).into_owned();
    let found = text.split_once("Crawl-delay: ").map(|(_, rest)| rest);
    let digits = found.map(|rest| {
        rest.chars()
            .take_while(char::is_ascii_digit)
            .collect::<String>()
    });
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

fn kill(dice: &Dice) -> LifePlan {
    // Opening takes some eighty writing calls: one kill in seven hits it.
    let at = if dice.percent(15) {
        dice.spread(80)
    } else {
        80 + dice.pick(0..900)
    };
    let power_cut = dice.percent(50);
    LifePlan {
        end: if power_cut {
            End::PowerCut(at)
        } else {
            End::Kill(at)
        },
        pause: pause(dice),
        new_boot: power_cut || dice.percent(20),
        wall_jump_us: wall_jump(dice),
    }
}

fn stop(dice: &Dice) -> LifePlan {
    let after = Duration::from_millis(dice.pick(50..40_000));
    LifePlan {
        end: if dice.percent(60) {
            End::Stop(after)
        } else {
            End::Abort(after)
        },
        pause: pause(dice),
        new_boot: dice.percent(30),
        wall_jump_us: wall_jump(dice),
    }
}

fn full_disk(dice: &Dice, scale: Scale) -> Option<(u64, Duration)> {
    let most = if scale == Scale::Full {
        8_000_000
    } else {
        800_000
    };
    let full = (
        dice.pick(most / 8..most),
        Duration::from_secs(dice.pick(10..200)),
    );
    dice.percent(15).then_some(full)
}

fn pause(dice: &Dice) -> Duration {
    if dice.percent(50) {
        Duration::from_millis(dice.pick(1..200))
    } else {
        Duration::from_millis(dice.spread(600_000))
    }
}

fn wall_jump(dice: &Dice) -> i64 {
    if dice.percent(20) {
        wall_shift(dice)
    } else {
        0
    }
}

/// Up to an hour either way.
fn wall_shift(dice: &Dice) -> i64 {
    dice.pick(0..7_200_000_000) as i64 - 3_600_000_000
}

fn web(seed: u64, scale: Scale, dice: &Dice) -> SimWebConfig {
    let mut faults = if dice.percent(75) {
        FaultMix::harsh()
    } else {
        FaultMix::default()
    };
    // Plain bodies fill segments.
    faults.bodies.no_gzip = 0.8;
    SimWebConfig {
        seed: mix(seed, "web"),
        sites: dice.pick(8..15) as u32,
        pages_per_site: match scale {
            Scale::Quick => dice.pick(3..6) as u32,
            Scale::Full => dice.pick(5..8) as u32,
        },
        size: if scale == Scale::Full {
            SizeProfile::Large
        } else {
            SizeProfile::Small
        },
        addresses: dice.pick(2..5) as u32,
        // Public addresses: what the guard lets through must get through.
        address_base: Ipv4Addr::new(11, 10, 0, 0),
        http_port: 80,
        https_port: 443,
        https_share: 0.5,
        www_share: 0.3,
        cross_links: 2.0,
        faults,
        living: LivingSites::NONE,
        traps: false,
        // Distance is the weather's matter here.
        latency_ms_min: 0,
        latency_ms_max: 0,
    }
}

fn config(scale: Scale, dice: &Dice) -> CrawlConfig {
    let mut config = CrawlConfig {
        slots: 4,
        threads: 2,
        ..CrawlConfig::default()
    };
    config.identity.contact = "operator@example.org".to_owned();
    config.frontier.scope = Scope::Any;
    // Faults of the web, the weather and the name server together cost a URL seven attempts at most.
    config.limits.attempts_max = 8;
    config.limits.retry_first = Duration::from_secs(1);
    config.limits.in_flight_max = [1, 2, 8, 64][dice.pick(0..4) as usize];
    config.politeness.backoff_first = Duration::from_secs(2);
    config.politeness.backoff_max = Duration::from_secs(8);
    config.politeness.site_delay_adaptive_max = Duration::from_secs(4);
    config.fetch.user_agent = "orbweaver/0.1.0 (+mailto:operator@example.org)".to_owned();
    config.fetch.connect_timeout = Duration::from_secs(3);
    config.fetch.tls_timeout = Duration::from_secs(3);
    config.fetch.first_byte_timeout = Duration::from_secs(5);
    config.fetch.total_timeout = Duration::from_secs(20);
    config.fetch.rate_window = Duration::from_secs(5);
    config.fetch.keep_alive = dice.percent(60);
    config.dns.servers = vec![NAMESERVER];
    config.dns.timeout = Duration::from_secs(2);
    config.dns.failure_ttl = Duration::from_secs(1);
    config.archive.compression = match dice.pick(0..10) {
        0..7 => ArchiveCompression::None,
        7..9 => ArchiveCompression::Gzip,
        _ => ArchiveCompression::Zstd,
    };
    config.archive.segment_bytes_max = match scale {
        Scale::Quick => ByteSize::kib(64),
        Scale::Full => ByteSize(1_000_000),
    };
    // The truth of a run is every page of its web; what starves as a trap has tests of its own.
    config.frontier.novelty = false;
    // Mostly as in a crawl too large to keep its sites in memory.
    config.frontier.warm_sites_max = [0, 0, 3, 4_096][dice.pick(0..4) as usize];
    config
}
