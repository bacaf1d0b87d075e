//! Single requests through the gate, for commands that look at one URL.
//!
//! In: settings, one request at a time. Out: what came of it. Blocking.
//! May touch: the network through the fetcher. Must not touch: a crawl's folder.
//! Invariant: like a crawl's requests, each has a permit, and addresses are judged by the guard.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use orb_crawl::World;
use orb_env::Env;
use orb_fetch::{
    Exchange, FetchError, Fetcher, Gate, Guard, Request, ResolveError, Response, Timings, TlsInfo,
    decode_content,
};
use orb_gate::{AddressClocks, Answer, Feedback, Permit, PolitenessConfig, SiteClock};
use orb_robots::{Robots, Standing, limits::ROBOTS_BYTES_MAX, standing};
use orb_url::{CrawlUrl, Site};
use tokio::runtime::Runtime;

use crate::exit::Failure;
use crate::limits::ROBOTS_REDIRECTS_MAX;
use crate::machine::Machine;
use crate::settings_args::SettingsArgs;
use crate::world::KernelWorld;

/// How often a permit whose window was missed is asked for again.
const STALE_PERMITS_MAX: u32 = 3;

/// A fetcher and the clocks of what it contacted.
pub(crate) struct OneByOne {
    runtime: Runtime,
    line: Line,
}

struct Line {
    env: Env,
    fetcher: Fetcher,
    addresses: AddressClocks,
    sites: BTreeMap<Site, SiteClock>,
    politeness: PolitenessConfig,
    decode_limits: orb_fetch::DecodeLimits,
}

/// What came of one request that had an address to go to.
pub(crate) struct Fetched {
    pub(crate) remote: SocketAddr,
    pub(crate) timings: Timings,
    pub(crate) tls: Option<TlsInfo>,
    pub(crate) outcome: Result<Response, FetchError>,
}

/// A robots.txt that was asked for.
pub(crate) struct FoundRobots {
    pub(crate) standing: Standing,
    /// Its body, decoded; empty unless the standing is rules.
    pub(crate) body: Vec<u8>,
    /// What was answered, for people.
    pub(crate) answer: String,
}

impl OneByOne {
    /// A fetcher by these settings.
    pub(crate) fn new(settings: &SettingsArgs) -> Result<OneByOne, Failure> {
        crate::log_file::start_without_file();
        let mut config = settings
            .in_force(crate::settings::from_process(), &Machine::this())?
            .config;
        crate::identity::introduce(&mut config).map_err(Failure::usage)?;
        let world = KernelWorld::for_crawl(&config)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::storage)?;
        let env = world.shard_env(0).map_err(Failure::storage)?;
        let tls = world.tls(&config.fetch).map_err(Failure::usage_text)?;
        let decode_limits = config.fetch.decode_limits();
        let fetcher = Fetcher::new(
            config.fetch,
            config.dns,
            Guard::from(config.guard),
            &env,
            tls,
        )
        .map_err(Failure::usage)?;
        let addresses = AddressClocks::new(config.politeness.clone(), env.clock.mono());
        let line = Line {
            env,
            fetcher,
            addresses,
            sites: BTreeMap::new(),
            politeness: config.politeness,
            decode_limits,
        };
        Ok(OneByOne { runtime, line })
    }

    /// Runs one request when its site and address allow it.
    pub(crate) fn get(&mut self, request: &Request) -> Result<Fetched, ResolveError> {
        self.runtime.block_on(self.line.get(request))
    }

    /// Undoes a response's content codings.
    pub(crate) fn decoded(&self, response: &Response) -> Vec<u8> {
        decode_content(
            response.content_encoding().as_deref(),
            response.payload(),
            &self.line.decode_limits,
        )
        .bytes
        .into_owned()
    }

    /// Asks for the robots.txt that `url` is judged by, redirects followed (RFC 9309, 2.3.1).
    pub(crate) fn robots(&mut self, url: &CrawlUrl) -> FoundRobots {
        let mut place = url.origin().robots_url();
        for _ in 0..=ROBOTS_REDIRECTS_MAX {
            let request = Request {
                body_bytes_max: Some(ROBOTS_BYTES_MAX as u64),
                ..Request::get(place.clone())
            };
            let response = match self.get(&request) {
                Ok(Fetched {
                    outcome: Ok(response),
                    ..
                }) => response,
                Ok(Fetched {
                    outcome: Err(error),
                    ..
                }) => return FoundRobots::unreachable(&place, &error),
                Err(error) => return FoundRobots::unreachable(&place, &error),
            };
            let target = match response.status {
                301..=303 | 307 | 308 => response
                    .header("location")
                    .and_then(|to| place.join(to).ok()),
                _ => None,
            };
            let Some(target) = target else {
                let standing = standing(orb_robots::Answer::Status(response.status));
                let body = if standing == Standing::Rules {
                    self.decoded(&response)
                } else {
                    Vec::new()
                };
                return FoundRobots {
                    standing,
                    body,
                    answer: format!("{place} answered {}", response.status),
                };
            };
            place = target;
        }
        let standing = standing(orb_robots::Answer::TooManyRedirects);
        FoundRobots {
            standing,
            body: Vec::new(),
            answer: format!("{place} is one redirect too many"),
        }
    }
}

impl FoundRobots {
    fn unreachable(place: &CrawlUrl, error: &dyn std::error::Error) -> FoundRobots {
        let cause = error
            .source()
            .map_or_else(String::new, |cause| format!(": {cause}"));
        FoundRobots {
            standing: standing(orb_robots::Answer::Unreachable),
            body: Vec::new(),
            answer: format!("{place} cannot be had: {error}{cause}"),
        }
    }

    /// The rules it comes to for one product token.
    pub(crate) fn rules(&self, token: &orb_robots::ProductToken) -> Robots {
        match self.standing {
            Standing::Rules => Robots::parse(&self.body, token),
            Standing::AllowAll => Robots::allow_all(),
            Standing::Unreachable => Robots::disallow_all(),
        }
    }
}

impl Line {
    async fn get(&mut self, request: &Request) -> Result<Fetched, ResolveError> {
        let resolved = self.fetcher.resolve(request.url.host()).await?;
        let address = *resolved
            .addresses
            .first()
            .expect("a resolved host has an address");
        let site = request.url.site();
        let mut stale = 0;
        loop {
            let permit = self.permit(&site, address).await;
            let Exchange {
                gate,
                outcome,
                timings,
                remote,
                tls,
                ..
            } = self.fetcher.fetch(permit, request).await;
            let clock = self.sites.entry(site.clone()).or_default();
            match gate {
                Gate::Spent(spent) => {
                    clock.finish(
                        &spent,
                        feedback(&outcome),
                        &self.politeness,
                        self.env.entropy.next_u64(),
                    );
                }
                Gate::Unused(permit) => clock.give_back(permit),
            }
            if matches!(outcome, Err(FetchError::StalePermit)) && stale < STALE_PERMITS_MAX {
                stale += 1;
                continue;
            }
            return Ok(Fetched {
                remote,
                timings,
                tls,
                outcome,
            });
        }
    }

    async fn permit(&mut self, site: &Site, address: IpAddr) -> Permit {
        loop {
            let now = self.env.clock.mono();
            let clock = self.sites.entry(site.clone()).or_default();
            let own = clock.next_allowed(site, &self.politeness, None);
            let at = if own > now {
                own
            } else {
                match self.addresses.ask(address, now) {
                    Answer::AskAgain(at) => at,
                    Answer::Granted(grant) => {
                        match clock.permit(site, grant, &self.politeness, None, now) {
                            Ok(permit) => return permit,
                            Err(not_yet) => not_yet.at,
                        }
                    }
                }
            };
            self.env
                .clock
                .sleep_until(at.max(now.plus(Duration::from_millis(1))))
                .await;
        }
    }
}

fn feedback(outcome: &Result<Response, FetchError>) -> Feedback {
    match outcome {
        Ok(response) if !matches!(response.status, 429 | 503) => Feedback::Answered,
        _ => Feedback::Busy { retry_after: None },
    }
}
