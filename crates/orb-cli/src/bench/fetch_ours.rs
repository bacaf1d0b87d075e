//! The fetcher at the load of `orb bench fetch`.
//!
//! In: pages, a row. Out: what they cost. May touch: loopback, through the fetcher.
//! Invariant: every page comes back whole, else the run fails; the clocks of the gate stand at zero pauses.

use std::rc::Rc;
use std::time::Duration;

use futures_util::future::try_join_all;
use orb_crawl::World;
use orb_env::{Env, thread_cpu};
use orb_fetch::{
    DecodeLimits, DnsConfig, FetchConfig, Fetcher, Guard, Request, RustlsTls, TlsMemory, TlsVerify,
    TrustAnchors, decode_content,
};
use orb_gate::{AddressClocks, Answer, Permit, PolitenessConfig, SiteClock};

use crate::bench::fetch_cost::{AT_ONCE, Cost, Tally};
use crate::bench::fetch_load::{FetchRow, Load, PageAt};
use crate::exit::Failure;
use crate::world::KernelWorld;

/// Fetches and decodes the whole load once.
pub(crate) fn run(load: &Load, row: FetchRow) -> Result<Cost, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::storage)?;
    let env = KernelWorld::for_reading()
        .shard_env(0)
        .map_err(Failure::storage)?;
    let client = Client::new(load, row, env)?;
    runtime.block_on(async {
        if row.resumes() {
            let firsts: Vec<Vec<PageAt>> =
                load.sites.iter().map(|site| site[..1].to_vec()).collect();
            client.fetch(&firsts, false).await?;
        }
        let began = thread_cpu();
        let tally = client.fetch(&load.sites, row.resumes()).await?;
        Ok(Cost::of(tally, thread_cpu() - began))
    })
}

struct Client {
    env: Env,
    fetcher: Fetcher,
    row: FetchRow,
    politeness: PolitenessConfig,
}

impl Client {
    fn new(load: &Load, row: FetchRow, env: Env) -> Result<Client, Failure> {
        let anchors = TrustAnchors::only([load.ca.clone()]).map_err(Failure::usage)?;
        let memory = TlsMemory {
            sessions_max: if row.resumes() {
                load.sites.len() * 2
            } else {
                0
            },
            chains_max: if row == FetchRow::HttpsKnown {
                load.sites.len()
            } else {
                0
            },
        };
        let clock = env.clock.clone();
        let tls = RustlsTls::with_memory(TlsVerify::Strict, &anchors, clock, memory)
            .map_err(Failure::usage)?;
        let config = FetchConfig {
            user_agent: "orb-bench".into(),
            ..FetchConfig::default()
        };
        let guard = Guard::new(
            vec!["127.0.0.0/8".parse().map_err(Failure::usage)?],
            Vec::new(),
        );
        let fetcher = Fetcher::new(config, DnsConfig::default(), guard, &env, Rc::new(tls))
            .map_err(Failure::usage)?;
        Ok(Client {
            env,
            fetcher,
            row,
            politeness: PolitenessConfig {
                address_delay: Duration::ZERO,
                site_delay: Duration::ZERO,
                ..PolitenessConfig::default()
            },
        })
    }

    async fn fetch(&self, sites: &[Vec<PageAt>], resumed: bool) -> Result<Tally, Failure> {
        let lines =
            (0..AT_ONCE).map(|line| self.line(sites.iter().skip(line).step_by(AT_ONCE), resumed));
        Ok(try_join_all(lines).await?.into_iter().sum())
    }

    /// One site after the other; every handshake must be resumed, or none.
    async fn line<'a>(
        &self,
        sites: impl Iterator<Item = &'a Vec<PageAt>>,
        resumed: bool,
    ) -> Result<Tally, Failure> {
        let mut tally = Tally::default();
        for page in sites.flatten() {
            let request = Request {
                keep_open: self.row.is_kept(),
                ..Request::get(page.url.clone())
            };
            let exchange = self.fetcher.fetch(self.permit(page), &request).await;
            let response = exchange.outcome.map_err(Failure::usage)?;
            if response.truncated.is_some()
                || exchange.tls.is_some_and(|tls| tls.resumed != resumed)
            {
                let problem = format!(
                    "{} was cut short or had another handshake than the row's",
                    page.url
                );
                return Err(Failure::usage_text(problem));
            }
            let began = thread_cpu();
            let coding = response.content_encoding();
            let decoded = decode_content(
                coding.as_deref(),
                response.payload(),
                &DecodeLimits::default(),
            );
            tally.add(decoded.bytes.len(), thread_cpu() - began);
            decoded.recycle();
        }
        Ok(tally)
    }

    /// A permit good now: no pauses run.
    fn permit(&self, page: &PageAt) -> Permit {
        let now = self.env.clock.mono();
        let answer = AddressClocks::new(self.politeness.clone(), now).ask(page.remote.ip(), now);
        let Answer::Granted(grant) = answer else {
            unreachable!("a fresh clock grants at once");
        };
        SiteClock::fresh(now, true)
            .permit(&page.url.site(), grant, &self.politeness, None, now)
            .unwrap_or_else(|_| unreachable!("a fresh site's clock stands at zero"))
    }
}
