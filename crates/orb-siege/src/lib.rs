//! A siege: the real fetcher against the hostile web, over memory and in virtual time.
//!
//! In: a row of the catalogue of faults and a case of it. Out: the exchange, what was dialled and what was kept.
//! May touch: memory only. Must not touch: what either side does; the tests say what is right.
//! Invariant: one seed gives one sequence of exchanges; nothing is dialled but what the fetcher dials.
//!
//! The tests of this crate carry the numbers of the catalogue: `cargo test -p orb-siege n04`.

mod net;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use orb_env::{
    Entropy, Env, MemoryDisk, Mono, SeededEntropy, Stamp, VirtualClock, VirtualWork, Wall,
};
use orb_fetch::{
    DnsConfig, Exchange, FetchConfig, Fetcher, Guard, Request, RustlsTls, TlsVerify, TrustAnchors,
};
use orb_gate::{AddressClocks, Answer, Permit, PolitenessConfig, SiteClock};
use orb_simweb::{HANDSHAKES, Handshakes, HostileNames, HostileRow};
use orb_url::CrawlUrl;

pub use net::{SiegeNet, Watch};

/// Seed of all sieges.
pub const SEED: u64 = 5;

/// Where the hostile web is: a public address.
pub const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8));

/// Port of N1; the other rows follow in the order of the catalogue.
const FIRST_PORT: u16 = 8_000;

/// Port of the first handshake.
const FIRST_TLS_PORT: u16 = 8_400;

/// The hostile web, and the settings of the fetcher that is sent into it.
pub struct Siege {
    /// The network: what was dialled.
    pub net: Arc<SiegeNet>,
    /// Virtual time.
    pub clock: Arc<VirtualClock>,
    /// What the fetcher is given of the world.
    pub env: Env,
    /// The fetcher's settings; the defaults, with a user agent.
    pub config: FetchConfig,
    /// Its address guard.
    pub guard: Guard,
}

/// Runs a siege to its end in virtual time.
///
/// # Panics
/// When a runtime cannot be made.
pub fn besiege(siege: impl AsyncFnOnce(Siege)) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without sockets can be made");
    let tasks = tokio::task::LocalSet::new();
    runtime.block_on(tasks.run_until(async { siege(Siege::new()).await }));
}

impl Siege {
    fn new() -> Siege {
        let start = Stamp {
            mono: Mono(1_000_000_000),
            wall: Wall(1_748_736_000_000_000), // 2025-06-01
            ..Stamp::default()
        };
        let clock = Arc::new(VirtualClock::new(start));
        let names = HostileNames::new(ADDRESS);
        let net = Arc::new(SiegeNet::new(SEED, Arc::clone(&clock), names));
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(SEED));
        let work = VirtualWork::new(
            Arc::<VirtualClock>::clone(&clock),
            Arc::clone(&entropy),
            Duration::ZERO,
        );
        let env = Env {
            clock: Arc::<VirtualClock>::clone(&clock),
            entropy,
            net: Arc::<SiegeNet>::clone(&net),
            disk: Arc::new(MemoryDisk::new()),
            work: Arc::new(work),
        };
        let config = FetchConfig {
            user_agent: "orbsiege/1.0 (+mail@example.org)".into(),
            ..FetchConfig::default()
        };
        Siege {
            net,
            clock,
            env,
            config,
            guard: Guard::default(),
        }
    }

    /// A fetcher with the settings as they are now. It trusts the authority of the good handshakes.
    ///
    /// # Panics
    /// When the settings cannot be.
    #[must_use]
    pub fn fetcher(&self) -> Fetcher {
        self.fetcher_that(TlsVerify::Strict)
    }

    /// The same in another world.
    ///
    /// # Panics
    /// When the settings cannot be.
    #[must_use]
    pub fn fetcher_in(&self, env: &Env) -> Fetcher {
        self.made(TlsVerify::Strict, env)
    }

    /// The same, verifying certificates as said.
    ///
    /// # Panics
    /// When the settings cannot be.
    #[must_use]
    pub fn fetcher_that(&self, verify: TlsVerify) -> Fetcher {
        self.made(verify, &self.env)
    }

    fn made(&self, verify: TlsVerify, env: &Env) -> Fetcher {
        let clock = Arc::<VirtualClock>::clone(&self.clock);
        let anchors =
            TrustAnchors::only([self.net.ca()]).expect("the authority's certificate is one");
        let tls = RustlsTls::new(verify, &anchors, clock).expect("one good anchor is enough");
        let dns = DnsConfig {
            servers: vec![SocketAddr::new(Ipv4Addr::new(9, 9, 9, 9).into(), 53)],
            ..DnsConfig::default()
        };
        let (config, guard) = (self.config.clone(), self.guard.clone());
        Fetcher::new(config, dns, guard, env, Rc::new(tls))
            .expect("the settings of the siege can be")
    }

    /// A permit for `url` at `address`, good now: the gate with all delays off.
    ///
    /// # Panics
    /// When the gate does not grant what nothing forbids.
    pub fn permit(&self, url: &CrawlUrl, address: IpAddr) -> Permit {
        use orb_env::Clock;
        let now = self.clock.mono();
        let config = PolitenessConfig {
            address_delay: Duration::ZERO,
            site_delay: Duration::ZERO,
            ..PolitenessConfig::default()
        };
        let Answer::Granted(grant) = AddressClocks::new(config.clone(), now).ask(address, now)
        else {
            panic!("no delay runs");
        };
        SiteClock::fresh(now, true)
            .permit(&url.site(), grant, &config, None, now)
            .expect("no delay runs")
    }

    /// Sends `fetcher` to a case of a row, keeping the connection open if both sides agree.
    pub async fn send(&self, fetcher: &Fetcher, row: HostileRow, case: &str) -> Exchange {
        let url = CrawlUrl::parse(&url_of(row, case)).expect("cases make good urls");
        let request = Request {
            keep_open: true,
            ..Request::get(url.clone())
        };
        fetcher.fetch(self.permit(&url, ADDRESS), &request).await
    }

    /// Sends a fresh fetcher.
    pub async fn get(&self, row: HostileRow, case: &str) -> Exchange {
        self.send(&self.fetcher(), row, case).await
    }
}

/// The URL of a case.
#[must_use]
pub fn url_of(row: HostileRow, case: &str) -> String {
    let host = Handshakes::HOST;
    if row == HostileRow::N10 {
        let at = HANDSHAKES
            .iter()
            .position(|&name| name == case)
            .unwrap_or(0);
        return format!("https://{host}:{}/", usize::from(FIRST_TLS_PORT) + at);
    }
    format!("http://{host}:{}/{case}", port_of(row))
}

/// The port of the listener of `row`.
#[must_use]
pub fn port_of(row: HostileRow) -> usize {
    let at = HostileRow::ALL.iter().position(|&other| other == row);
    usize::from(FIRST_PORT) + at.unwrap_or(0)
}

/// What came of an exchange: `whole`, how the body was cut, or the class of the error.
#[must_use]
pub fn class(exchange: &Exchange) -> &'static str {
    match &exchange.outcome {
        Ok(response) => response.truncated.map_or("whole", |cut| cut.as_str()),
        Err(error) => error.class(),
    }
}
