//! Names to addresses: questions to recursive servers, retried, coalesced and remembered.
//!
//! In: a host. Out: its addresses, or why there are none.
//! May touch: the network and clock of `Env`, `dns_message`, `dns_cache`, `dns_zones`. Must not touch: the guard,
//! which judges after us.
//! Invariant: one host has at most one resolution under way; every wait ends by the clock.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{Either, LocalBoxFuture, Shared, WeakShared, select};
use orb_env::{Env, Mono, timeout_at};
use orb_url::registered_name;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::config::DnsConfig;
use crate::dns_cache::{DnsCache, Known};
use crate::dns_message::{Family, NoReply, Question, Reply, name_of_host};
use crate::dns_zones::Zones;
use crate::fetcher::Resolved;
use crate::limits::DNS_AAAA_GRACE;

type Resolution = LocalBoxFuture<'static, Known>;

/// Resolutions under way after which abandoned ones are swept out of the table.
const UNDER_WAY_SWEEP: usize = 4096;

/// One shard's resolver.
#[derive(Clone)]
pub(crate) struct Resolver(Rc<Inner>);

struct Inner {
    config: DnsConfig,
    env: Env,
    cache: RefCell<DnsCache>,
    under_way: RefCell<BTreeMap<Box<str>, WeakShared<Resolution>>>,
    zones: Zones,
    /// Index of the server that answered last: a dead first server costs one wait, not one per host.
    preferred: Cell<usize>,
    /// When a server last answered a question.
    answered_at: Cell<Option<Mono>>,
}

/// Why a question stayed without a usable answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unanswered {
    Timeout,
    Failure,
}

impl Resolver {
    pub(crate) fn new(config: DnsConfig, env: Env) -> Resolver {
        let cache = RefCell::new(DnsCache::new(config.cache_hosts_max));
        Resolver(Rc::new(Inner {
            config,
            env,
            cache,
            under_way: RefCell::default(),
            zones: Zones::default(),
            preferred: Cell::new(0),
            answered_at: Cell::new(None),
        }))
    }

    pub(crate) fn has_servers(&self) -> bool {
        !self.0.config.servers.is_empty()
    }

    /// What is known of `host`, asked for if need be. Names that must not leave the machine are answered here.
    pub(crate) async fn resolve(&self, host: &str) -> Known {
        if let Some(known) = special_name(host) {
            return known;
        }
        if let Some(known) = self.0.cache.borrow_mut().get(host, self.0.env.clock.mono()) {
            return known;
        }
        let resolution = self.join_or_begin(host);
        resolution.await
    }

    fn join_or_begin(&self, host: &str) -> Shared<Resolution> {
        let mut under_way = self.0.under_way.borrow_mut();
        if let Some(resolution) = under_way.get(host).and_then(WeakShared::upgrade) {
            return resolution;
        }
        if under_way.len() >= UNDER_WAY_SWEEP {
            under_way.retain(|_, resolution| resolution.upgrade().is_some());
        }
        let inner = Rc::clone(&self.0);
        let asked: Box<str> = host.into();
        let resolution: Resolution = Box::pin(async move {
            let (known, keep) = inner.look_up_in_turn(&asked).await;
            inner.under_way.borrow_mut().remove(&asked);
            inner.remember(asked, known, keep)
        });
        let resolution = resolution.shared();
        if let Some(weak) = resolution.downgrade() {
            under_way.insert(host.into(), weak);
        }
        resolution
    }
}

/// RFC 6761 and RFC 7686: names that no DNS server is asked about.
fn special_name(host: &str) -> Option<Known> {
    match host.rsplit('.').next().unwrap_or(host) {
        "localhost" => Some(Known::Addresses(Rc::new([
            Ipv4Addr::LOCALHOST.into(),
            Ipv6Addr::LOCALHOST.into(),
        ]))),
        "onion" | "invalid" => Some(Known::Absent),
        _ => None,
    }
}

impl Inner {
    /// Keeps an outcome, and returns what to go by: where nobody answers, addresses known from before.
    fn remember(&self, host: Box<str>, known: Known, keep: Duration) -> Known {
        let now = self.env.clock.mono();
        let until = now.plus(keep);
        let mut cache = self.cache.borrow_mut();
        let (known, stale_until) = match known {
            Known::Timeout | Known::Failure => match cache.stale(&host, now) {
                Some(stale) => stale,
                None => (known, now),
            },
            known => (known, until.plus(self.config.stale_max)),
        };
        cache.put(host, known.clone(), until, stale_until);
        known
    }

    /// Looks `host` up unless its zone is set aside, and tells the zone how it went.
    async fn look_up_in_turn(&self, host: &str) -> (Known, Duration) {
        let first = self.config.failure_ttl;
        let now = || self.env.clock.mono();
        // Each attempt may take its time twice, by UDP and by TCP.
        let longest = self.config.timeout * 2 * self.config.attempts;
        let turn = match self.zones.turn(registered_name(host), now, longest).await {
            Ok(turn) => turn,
            Err(why) => return (why, first),
        };
        let began = now();
        let (known, keep) = self.look_up(host).await;
        if matches!(known, Known::Timeout | Known::Failure) {
            let others_answered = self.answered_at.get().is_some_and(|at| at >= began);
            turn.failed(&known, others_answered, first, now());
        } else {
            turn.answered();
        }
        (known, keep)
    }

    /// Asks for both families at once. IPv6 is waited for only briefly once IPv4 is there.
    async fn look_up(&self, host: &str) -> (Known, Duration) {
        let config = &self.config;
        if name_of_host(host).is_none() {
            return (Known::Absent, config.negative_ttl_max);
        }
        let v4 = std::pin::pin!(self.ask_servers(host, Family::V4));
        let v6 = std::pin::pin!(self.ask_servers(host, Family::V6));
        let (v4, v6) = match select(v4, v6).await {
            Either::Right((v6, v4)) => (v4.await, v6),
            Either::Left((v4 @ Ok(Reply::Addresses { .. }), v6)) => {
                let until = self.env.clock.mono().plus(DNS_AAAA_GRACE);
                let v6 = timeout_at(&*self.env.clock, until, v6)
                    .await
                    .unwrap_or(Err(Unanswered::Timeout));
                (v4, v6)
            }
            // The name does not exist: that holds for every type. (Said about IPv6 it is not believed:
            // some load balancers deny names that have only IPv4.)
            Either::Left((v4 @ Ok(Reply::Absent { exists: false, .. }), _)) => (v4.clone(), v4),
            Either::Left((v4, v6)) => (v4, v6.await),
        };
        self.merge(v4, v6)
    }

    fn merge(
        &self,
        v4: Result<Reply, Unanswered>,
        v6: Result<Reply, Unanswered>,
    ) -> (Known, Duration) {
        let config = &self.config;
        let mut all = Vec::new();
        let mut shortest = config.ttl_max;
        let mut absent_for = None;
        let mut trouble = None;
        for reply in [v4, v6] {
            match reply {
                Ok(Reply::Addresses { addresses, ttl }) => {
                    all.extend(addresses);
                    shortest = shortest.min(ttl);
                }
                Ok(Reply::Absent { exists, ttl }) => {
                    let ttl = ttl.unwrap_or(config.negative_ttl_min);
                    absent_for = Some(absent_for.map_or(ttl, |other: Duration| other.min(ttl)));
                    if !exists {
                        trouble = trouble.or(Some(Known::Absent));
                    }
                }
                Err(Unanswered::Timeout) => trouble = trouble.or(Some(Known::Timeout)),
                Err(Unanswered::Failure) => trouble = trouble.or(Some(Known::Failure)),
            }
        }
        let within = |ttl: Duration, min: Duration, max: Duration| ttl.max(min).min(max);
        if !all.is_empty() {
            return (
                Known::Addresses(all.into()),
                within(shortest, config.ttl_min, config.ttl_max),
            );
        }
        match trouble {
            None | Some(Known::Absent) => {
                let ttl = absent_for.unwrap_or(config.negative_ttl_min);
                (
                    Known::Absent,
                    within(ttl, config.negative_ttl_min, config.negative_ttl_max),
                )
            }
            Some(known) => (known, config.failure_ttl),
        }
    }

    /// Asks servers in turn, beginning with the one that answered last.
    async fn ask_servers(&self, host: &str, family: Family) -> Result<Reply, Unanswered> {
        let servers = &self.config.servers;
        let mut worst = Unanswered::Timeout;
        let mut extended = true;
        let mut seen = self.preferred.get();
        let mut index = seen;
        for _ in 0..self.config.attempts {
            let Some(&server) = servers.get(index) else {
                break;
            };
            match self.ask_one(host, family, server, extended).await {
                Some(Ok(reply)) => {
                    self.preferred.set(index);
                    self.answered_at.set(Some(self.env.clock.mono()));
                    return Ok(reply);
                }
                Some(Err(no_reply)) => {
                    extended &= no_reply != NoReply::NoExtension;
                    worst = Unanswered::Failure;
                }
                None => {}
            }
            // Where another question found an answer meanwhile, else the next in turn.
            let preferred = self.preferred.get();
            index = if preferred == seen {
                (index + 1) % servers.len()
            } else {
                preferred
            };
            seen = preferred;
        }
        Err(worst)
    }

    /// One question to one server by UDP, and by TCP when the answer does not fit. None: no answer in time.
    async fn ask_one(
        &self,
        host: &str,
        family: Family,
        server: SocketAddr,
        extended: bool,
    ) -> Option<Result<Reply, NoReply>> {
        let name = name_of_host(host)?;
        let id = (self.env.entropy.next_u64() >> 48) as u16;
        let question = Question::new(id, name, family);
        let bytes = question.encode(extended)?;
        let deadline = || self.env.clock.mono().plus(self.config.timeout);
        let clock = &*self.env.clock;
        let answer = timeout_at(clock, deadline(), self.env.net.ask(server, bytes.clone()))
            .await?
            .ok()?;
        match question.judge(&answer) {
            Err(NoReply::Truncated) => {
                let answer = timeout_at(clock, deadline(), self.ask_by_tcp(server, &bytes))
                    .await?
                    .ok()?;
                // By TCP nothing is left to fall back to.
                Some(question.judge(&answer).map_err(|no| {
                    if no == NoReply::Truncated {
                        NoReply::Failed
                    } else {
                        no
                    }
                }))
            }
            judged => Some(judged),
        }
    }

    /// RFC 7766: each message is preceded by its length.
    async fn ask_by_tcp(&self, server: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
        let mut stream = self.env.net.connect(server).await?;
        let length = u16::try_from(question.len()).map_err(io::Error::other)?;
        let mut framed = Vec::with_capacity(question.len() + 2);
        framed.extend_from_slice(&length.to_be_bytes());
        framed.extend_from_slice(question);
        stream.write_all(&framed).await?;
        stream.flush().await?;
        let length = stream.read_u16().await?;
        let mut answer = vec![0; usize::from(length)];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    }
}

impl Resolved {
    /// The address for the `turn`-th try at this host, the first being 0: each try has one, the families take turns,
    /// and within a family all of them. So an address or a family that does not work costs one permit, never a race.
    #[must_use]
    pub fn address(&self, turn: usize) -> IpAddr {
        let v4 = self.addresses.partition_point(|address| address.is_ipv4());
        let (v4, v6) = self.addresses.split_at(v4);
        match (v4.is_empty(), v6.is_empty()) {
            (false, false) if turn.is_multiple_of(2) => v4[turn / 2 % v4.len()],
            (false, false) => v6[turn / 2 % v6.len()],
            _ => self.addresses[turn % self.addresses.len()],
        }
    }
}

/// An IP literal's address: `1.2.3.4` or `[::1]`.
pub(crate) fn literal(host: &str) -> Option<IpAddr> {
    match host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(inner) => inner.parse().ok().map(IpAddr::V6),
        None => host.parse().ok().map(IpAddr::V4),
    }
}
