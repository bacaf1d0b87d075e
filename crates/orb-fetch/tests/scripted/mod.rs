//! A network of scripted servers in virtual time, and permits to fetch from them.
//!
//! In: what each connection does, step by step. Out: an `Env`, a fetcher, what was dialled and sent.
//! May touch: memory only. Invariant: nothing happens but what the script says, at the time it says.
#![allow(clippy::unwrap_used)] // a test that cannot go on fails
#![allow(dead_code)] // each test program uses its own part

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use orb_env::{
    BoxStream, Clock, Env, LocalFuture, MemoryDisk, Net, SeededEntropy, Sleep, Stamp, VirtualClock,
    VirtualWork, Wall,
};
use orb_fetch::*;
use orb_gate::{AddressClocks, Answer, Permit, PolitenessConfig, SiteClock};
use orb_url::CrawlUrl;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a scripted server does next on one connection.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Waits until one more whole request head has come.
    Request,
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends these bytes one at a time, each after a pause.
    Drip(Vec<u8>, Duration),
    /// Does nothing for a while.
    Wait(Duration),
    /// Closes in order.
    Close,
    /// Resets.
    Reset,
    /// Says nothing any more.
    Stall,
}

/// How a connection attempt ends.
#[derive(Clone, Debug)]
pub(crate) enum Dial {
    Accept(Vec<Step>),
    Refuse,
    Fail(io::ErrorKind),
    Hang,
}

/// What a DNS server does with a question.
pub(crate) enum DnsReply {
    Answer(Vec<u8>),
    Silence,
    Unreachable,
}

type Responder = Box<dyn FnMut(SocketAddr, &[u8]) -> DnsReply + Send>;

#[derive(Default)]
struct State {
    servers: BTreeMap<SocketAddr, VecDeque<Dial>>,
    dns: Option<Responder>,
    dialled: Vec<SocketAddr>,
    asked: Vec<SocketAddr>,
    sent: Vec<u8>,
    dropped: usize,
    read_max: Option<usize>,
}

/// The scripted network.
pub(crate) struct ScriptedNet {
    clock: Arc<VirtualClock>,
    state: Arc<Mutex<State>>,
}

impl ScriptedNet {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Queues the outcome of the next connection to `to`.
    pub(crate) fn on(&self, to: &str, dial: Dial) {
        self.state()
            .servers
            .entry(to.parse().unwrap())
            .or_default()
            .push_back(dial);
    }

    pub(crate) fn accept(&self, to: &str, steps: Vec<Step>) {
        self.on(to, Dial::Accept(steps));
    }

    pub(crate) fn dns(
        &self,
        responder: impl FnMut(SocketAddr, &[u8]) -> DnsReply + Send + 'static,
    ) {
        self.state().dns = Some(Box::new(responder));
    }

    /// From now on a read gives at most this many bytes.
    pub(crate) fn read_at_most(&self, bytes: usize) {
        self.state().read_max = Some(bytes);
    }

    pub(crate) fn dialled(&self) -> Vec<SocketAddr> {
        self.state().dialled.clone()
    }

    pub(crate) fn questions(&self) -> Vec<SocketAddr> {
        self.state().asked.clone()
    }

    /// Everything that was written to web servers.
    pub(crate) fn sent(&self) -> String {
        String::from_utf8(self.state().sent.clone()).unwrap()
    }

    /// Connections closed by us.
    pub(crate) fn dropped(&self) -> usize {
        self.state().dropped
    }
}

impl Net for ScriptedNet {
    fn connect(&self, to: SocketAddr) -> LocalFuture<'_, io::Result<BoxStream>> {
        Box::pin(async move {
            let dial = {
                let mut state = self.state();
                state.dialled.push(to);
                state.servers.get_mut(&to).and_then(VecDeque::pop_front)
            };
            match dial {
                Some(Dial::Accept(steps)) => Ok(Box::new(ScriptedStream {
                    clock: Arc::clone(&self.clock),
                    state: Arc::clone(&self.state),
                    steps: steps.into(),
                    sleep: None,
                    heads: 0,
                    tail: Vec::new(),
                    waker: None,
                }) as BoxStream),
                Some(Dial::Fail(kind)) => Err(kind.into()),
                Some(Dial::Hang) => std::future::pending().await,
                Some(Dial::Refuse) | None => Err(io::ErrorKind::ConnectionRefused.into()),
            }
        })
    }

    fn ask(&self, to: SocketAddr, question: Vec<u8>) -> LocalFuture<'_, io::Result<Vec<u8>>> {
        Box::pin(async move {
            self.state().asked.push(to);
            // Called without the lock, so that it may script a connection.
            let mut responder = self.state().dns.take();
            let reply = responder
                .as_mut()
                .map_or(DnsReply::Silence, |responder| responder(to, &question));
            self.state().dns = responder;
            match reply {
                DnsReply::Answer(bytes) => Ok(bytes),
                DnsReply::Unreachable => Err(io::ErrorKind::ConnectionRefused.into()),
                DnsReply::Silence => std::future::pending().await,
            }
        })
    }
}

struct ScriptedStream {
    clock: Arc<VirtualClock>,
    state: Arc<Mutex<State>>,
    steps: VecDeque<Step>,
    sleep: Option<Sleep>,
    /// Request heads received and not yet waited for.
    heads: usize,
    tail: Vec<u8>,
    waker: Option<Waker>,
}

impl Drop for ScriptedStream {
    fn drop(&mut self) {
        self.state.lock().unwrap().dropped += 1;
    }
}

impl ScriptedStream {
    fn slept(&mut self, span: Duration, cx: &mut Context<'_>) -> bool {
        let clock = &self.clock;
        let sleep = self
            .sleep
            .get_or_insert_with(|| clock.sleep_until(clock.mono().plus(span)));
        let is_over = sleep.as_mut().poll(cx).is_ready();
        if is_over {
            self.sleep = None;
        }
        is_over
    }
}

impl AsyncRead for ScriptedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let Some(step) = self.steps.pop_front() else {
                return Poll::Ready(Ok(()));
            };
            match step {
                Step::Request if self.heads > 0 => self.heads -= 1,
                Step::Wait(span) if self.slept(span, cx) => {}
                Step::Drip(mut bytes, span) if !bytes.is_empty() => {
                    if self.slept(span, cx) {
                        let rest = bytes.split_off(1);
                        self.steps.push_front(Step::Drip(rest, span));
                        self.steps.push_front(Step::Send(bytes));
                        continue;
                    }
                    self.steps.push_front(Step::Drip(bytes, span));
                    return Poll::Pending;
                }
                Step::Drip(..) => {}
                Step::Send(bytes) if bytes.is_empty() => {}
                Step::Send(mut bytes) => {
                    let most = self.state.lock().unwrap().read_max.unwrap_or(usize::MAX);
                    let now = bytes.len().min(buf.remaining()).min(most);
                    let rest = bytes.split_off(now);
                    buf.put_slice(&bytes);
                    self.steps.push_front(Step::Send(rest));
                    return Poll::Ready(Ok(()));
                }
                Step::Close => {
                    self.steps.push_front(Step::Close);
                    return Poll::Ready(Ok(()));
                }
                Step::Reset => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                waiting @ (Step::Request | Step::Wait(_) | Step::Stall) => {
                    self.steps.push_front(waiting);
                    self.waker = Some(cx.waker().clone());
                    return Poll::Pending;
                }
            }
        }
    }
}

impl AsyncWrite for ScriptedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.state.lock().unwrap().sent.extend_from_slice(bytes);
        for &byte in bytes {
            self.tail.push(byte);
            if self.tail.ends_with(b"\r\n\r\n") {
                self.tail.clear();
                self.heads += 1;
            }
        }
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// TLS that only says what a script says.
pub(crate) struct ScriptedTls(pub(crate) Result<TlsInfo, TlsError>);

impl Tls for ScriptedTls {
    fn handshake(
        &self,
        stream: BoxStream,
        _: &str,
    ) -> LocalFuture<'_, Result<(BoxStream, TlsInfo), TlsError>> {
        Box::pin(async move { self.0.clone().map(|info| (stream, info)) })
    }
}

/// A fetcher in the scripted world.
pub(crate) struct World {
    pub(crate) net: Arc<ScriptedNet>,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) env: Env,
    pub(crate) config: FetchConfig,
    pub(crate) dns: DnsConfig,
    pub(crate) guard: Guard,
    pub(crate) tls: Rc<dyn Tls>,
}

/// Wall time of the tests: 2025-06-01.
pub(crate) const WALL: Wall = Wall(1_748_736_000_000_000);

impl World {
    pub(crate) fn new() -> World {
        let stamp = Stamp {
            mono: orb_env::Mono(1_000_000_000),
            wall: WALL,
            ..Stamp::default()
        };
        let clock = Arc::new(VirtualClock::new(stamp));
        let net = Arc::new(ScriptedNet {
            clock: Arc::clone(&clock),
            state: Arc::default(),
        });
        let entropy: Arc<dyn orb_env::Entropy> = Arc::new(SeededEntropy::new(7));
        let env = Env {
            clock: Arc::<VirtualClock>::clone(&clock),
            entropy: Arc::clone(&entropy),
            net: Arc::<ScriptedNet>::clone(&net),
            disk: Arc::new(MemoryDisk::new()),
            work: Arc::new(VirtualWork::new(
                Arc::<VirtualClock>::clone(&clock),
                entropy,
                Duration::ZERO,
            )),
        };
        let config = FetchConfig {
            user_agent: "orbtest/1.0 (+mail@example.org)".into(),
            ..FetchConfig::default()
        };
        let dns = DnsConfig {
            servers: vec!["9.9.9.9:53".parse().unwrap()],
            ..DnsConfig::default()
        };
        let tls = Rc::new(ScriptedTls(Ok(TlsInfo::default())));
        World {
            net,
            clock,
            env,
            config,
            dns,
            guard: Guard::default(),
            tls,
        }
    }

    pub(crate) fn fetcher(&self) -> Fetcher {
        let (config, dns) = (self.config.clone(), self.dns.clone());
        Fetcher::new(
            config,
            dns,
            self.guard.clone(),
            &self.env,
            Rc::clone(&self.tls),
        )
        .unwrap()
    }

    pub(crate) fn permit(&self, url: &str, address: &str) -> Permit {
        permit(
            &CrawlUrl::parse(url).unwrap(),
            address.parse().unwrap(),
            self.clock.mono(),
        )
    }

    /// One connection to 8.8.8.8:80 that does `steps`, and one request to it.
    pub(crate) async fn exchange(&self, steps: Vec<Step>) -> Exchange {
        self.net.accept("8.8.8.8:80", steps);
        self.get("http://example.com/a?b=c").await
    }

    pub(crate) async fn get(&self, url: &str) -> Exchange {
        self.fetcher()
            .fetch(self.permit(url, "8.8.8.8"), &request(url))
            .await
    }
}

pub(crate) fn request(url: &str) -> Request {
    Request::get(CrawlUrl::parse(url).unwrap())
}

/// A permit good now: the gate with all delays off.
pub(crate) fn permit(url: &CrawlUrl, address: IpAddr, now: orb_env::Mono) -> Permit {
    let config = PolitenessConfig {
        address_delay: Duration::ZERO,
        site_delay: Duration::ZERO,
        ..PolitenessConfig::default()
    };
    let Answer::Granted(grant) = AddressClocks::new(config.clone(), now).ask(address, now) else {
        panic!("no delay runs");
    };
    SiteClock::fresh(now, true)
        .permit(&url.site(), grant, &config, None, now)
        .unwrap()
}

/// A server's answer to one request, then its close.
pub(crate) fn answer(bytes: impl AsRef<[u8]>) -> Vec<Step> {
    vec![
        Step::Request,
        Step::Send(bytes.as_ref().to_vec()),
        Step::Close,
    ]
}

pub(crate) fn class(exchange: &Exchange) -> &'static str {
    match &exchange.outcome {
        Ok(response) => response.truncated.map_or("whole", |cut| cut.as_str()),
        Err(error) => error.class(),
    }
}
