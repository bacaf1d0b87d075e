//! The fetcher: one permit and one request in, one exchange out.
//!
//! In: permits, requests, hosts. Out: exchanges, addresses.
//! May touch: `Env`'s network and clock, through its own parts. Must not touch: queues, robots.txt, disk.
//! Invariant: packets leave only under a started permit, to its address, after the guard judged that address.

use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use orb_env::{Env, Mono, timeout_at};
use orb_gate::Permit;

use crate::budget::{Budget, Lease};
use crate::config::{DnsConfig, FetchConfig};
use crate::dns::{self, Resolver};
use crate::dns_cache::Known;
use crate::error::{FetchError, FetcherError, ResolveError};
use crate::exchange::{Exchange, Gate, Request, Timings, is_field_value};
use crate::guard::{Guard, is_bad_port};
use crate::limits::ADMIT_BYTES;
use crate::pool::Pool;
use crate::talk::Talk;
use crate::tls::Tls;

/// One shard's fetcher. Cloning clones a handle; stays on its shard's thread.
#[derive(Clone)]
pub struct Fetcher(Rc<Parts>);

pub(crate) struct Parts {
    pub(crate) config: FetchConfig,
    pub(crate) env: Env,
    pub(crate) tls: Rc<dyn Tls>,
    pub(crate) pool: RefCell<Pool>,
    guard: Guard,
    resolver: Resolver,
    budget: Budget,
}

/// The addresses of a host that may be dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// IPv4 first, each family smallest first: the same answer gives the same order. Never empty.
    pub addresses: Vec<IpAddr>,
    /// How many addresses the guard refused.
    pub refused: usize,
}

impl Fetcher {
    /// A fetcher of its own buffers, cache and connections.
    ///
    /// # Errors
    /// A setting that cannot be sent, or buffers too small for one exchange.
    pub fn new(
        config: FetchConfig,
        dns: DnsConfig,
        guard: Guard,
        env: &Env,
        tls: Rc<dyn Tls>,
    ) -> Result<Fetcher, FetcherError> {
        if config.user_agent.trim().is_empty() {
            return Err(FetcherError::NoUserAgent);
        }
        for (name, value) in [
            ("user_agent", &config.user_agent),
            ("from", &config.from),
            ("accept", &config.accept),
            ("accept_language", &config.accept_language),
        ] {
            if !is_field_value(value) {
                return Err(FetcherError::HeaderValue { name });
            }
        }
        let need = config.exchange_bytes_max().saturating_add(ADMIT_BYTES);
        if config.buffer_memory_max < need {
            return Err(FetcherError::BufferMemory {
                have: config.buffer_memory_max,
                need,
                body_bytes_max: config.body_bytes_max,
            });
        }
        Ok(Fetcher(Rc::new(Parts {
            budget: Budget::new(config.buffer_memory_max, config.exchange_bytes_max()),
            pool: RefCell::new(Pool::new(config.idle_connections_max, config.idle_timeout)),
            resolver: Resolver::new(dns, env.clone()),
            env: env.clone(),
            config,
            guard,
            tls,
        })))
    }

    /// The addresses of `host`, a canonical URL's host: a name or an IP literal.
    ///
    /// Answers come from the cache while they live; equal questions under way are asked once; absences and
    /// failures are remembered too. Every address was judged by the guard, and is judged again by
    /// [`Fetcher::fetch`], which never asks for a name itself.
    ///
    /// # Errors
    /// Why there is no address to dial. Ends by itself after at most two time limits for each attempt.
    pub async fn resolve(&self, host: &str) -> Result<Resolved, ResolveError> {
        let parts = &*self.0;
        if let Some(address) = dns::literal(host) {
            return self.judged(host, &[address]);
        }
        if !parts.resolver.has_servers() && !host.ends_with("localhost") {
            return Err(ResolveError::NoServers);
        }
        match parts.resolver.resolve(host).await {
            Known::Addresses(addresses) => self.judged(host, &addresses),
            Known::Absent => Err(ResolveError::NotFound { host: host.into() }),
            Known::Timeout => Err(ResolveError::Timeout { host: host.into() }),
            Known::Failure => Err(ResolveError::ServerFailure { host: host.into() }),
        }
    }

    fn judged(&self, host: &str, addresses: &[IpAddr]) -> Result<Resolved, ResolveError> {
        let mut first = None;
        let mut allowed = Vec::with_capacity(addresses.len());
        for &address in addresses {
            match self.0.guard.judge(address) {
                Ok(()) => allowed.push(address),
                Err(guarded) => first = first.or(Some(guarded)),
            }
        }
        let refused = addresses.len() - allowed.len();
        match first {
            Some(first) if allowed.is_empty() => Err(ResolveError::AllGuarded {
                host: host.into(),
                refused,
                first,
            }),
            _ => Ok(Resolved {
                addresses: allowed,
                refused,
            }),
        }
    }

    /// Runs one exchange under `permit`: dials exactly its address on the URL's port, or uses an idle
    /// connection to that origin and address.
    ///
    /// - Waits for the permit's time if it has not come. The permit is started right before the first
    ///   packet; when its window has passed, while memory was short or before the call, it comes back
    ///   unused with [`FetchError::StalePermit`].
    /// - Redirects are not followed, bodies not decoded.
    /// - A body that ends early for any reason comes back as a response marked `truncated`.
    /// - Do not drop the future: the permit would be lost with it.
    ///
    /// Cost: one buffer that grows with the body; a second one of the payload's size when that came in
    /// several chunks; one timer per phase.
    pub async fn fetch(&self, permit: Permit, request: &Request) -> Exchange {
        let parts = &*self.0;
        let clock = &*parts.env.clock;
        let remote = SocketAddr::new(permit.address(), request.url.port());
        let request_bytes = request.to_bytes(&parts.config);
        let unused = |permit: Permit, error: FetchError, request_bytes: Vec<u8>| Exchange {
            started: clock.stamp(),
            gate: Gate::Unused(permit),
            request_bytes,
            outcome: Err(error),
            timings: Timings::default(),
            remote,
            tls: None,
            reused: false,
            wire_bytes_in: 0,
            wire_bytes_out: 0,
        };
        if let Err(error) = parts.refuse(&permit, request) {
            return unused(permit, error, request_bytes);
        }
        if clock.mono() < permit.not_before() {
            clock.sleep_until(permit.not_before()).await;
        }
        let asked = clock.mono();
        let Some(lease) = timeout_at(clock, permit.not_after(), parts.budget.admit()).await else {
            return unused(permit, FetchError::StalePermit, request_bytes);
        };
        let started = clock.stamp();
        let exchanging = match permit.start(started.mono) {
            Ok(exchanging) => exchanging,
            Err(stale) => return unused(stale.0, FetchError::StalePermit, request_bytes),
        };
        let mut talk = Talk::new(parts, request, remote, started.mono);
        talk.timings.buffer_wait = started.mono.since(asked);
        let outcome = talk.run(&request_bytes, &lease).await;
        let ended = clock.mono();
        talk.timings.total = Some(ended.since(started.mono));
        note(request, &talk, outcome.as_ref().err());
        Exchange {
            started,
            gate: Gate::Spent(exchanging.end(ended)),
            request_bytes,
            outcome,
            timings: talk.timings,
            remote,
            tls: talk.tls,
            reused: talk.reused,
            wire_bytes_in: talk.wire_bytes_in,
            wire_bytes_out: talk.wire_bytes_out,
        }
    }

    /// Closes idle connections whose time has passed at `now`; call it every few seconds.
    pub fn sweep_idle(&self, now: Mono) {
        self.0.pool.borrow_mut().sweep(now);
    }

    /// Idle connections now.
    #[must_use]
    pub fn idle_connections(&self) -> usize {
        self.0.pool.borrow().len()
    }

    /// Buffer bytes granted to exchanges now; at most `buffer_memory_max`.
    #[must_use]
    pub fn buffer_bytes(&self) -> u64 {
        self.0.budget.used()
    }
}

impl Parts {
    /// What forbids the exchange before a packet leaves.
    fn refuse(&self, permit: &Permit, request: &Request) -> Result<(), FetchError> {
        let url = &request.url;
        if is_bad_port(url.port()) {
            return Err(FetchError::BadPort { port: url.port() });
        }
        self.guard
            .judge(permit.address())
            .map_err(FetchError::GuardedAddress)?;
        let is_its_address = url
            .host_ip()
            .is_none_or(|address| address == permit.address());
        if *permit.site() != url.site() || !is_its_address {
            return Err(FetchError::ForeignPermit {
                site: permit.site().clone(),
                url: url.clone(),
            });
        }
        Ok(())
    }
}

fn note(request: &Request, talk: &Talk<'_>, error: Option<&FetchError>) {
    let (url, bytes) = (&request.url, talk.wire_bytes_in);
    match error {
        None => tracing::debug!(%url, wire_bytes = bytes, reused = talk.reused, "fetched"),
        Some(error) => {
            tracing::debug!(%url, class = error.class(), wire_bytes = bytes, "fetch failed")
        }
    }
}

/// The share of memory an exchange runs under; named here so that `talk` need not know the budget.
pub(crate) type Memory = Lease;
